#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Stores that snapcreate makes: the kernel takes them, shows the view, and fits in what we say that fits.

load lib.bash

setup() {
    uml_setup
    cases=()
    first_job=()
}

# created NAME CHUNK_SECTORS ORIGIN_SECTORS COW_SECTORS SNAPCREATE_OPTION...
created() {
    local name=$1 chunk_sectors=$2
    new_image "$name.origin" $(($3 * 512)) 1
    new_image "$name.cow" $(($4 * 512))
    shift 4
    tool snapcreate --json --origin "$name.origin" --cow "$name.cow" --chunk-size "${chunk_sectors}s" "$@" \
        >"$name.json" 2>said || { cat said && return 1; }
    cp "$name.cow" "$name.before"
    cases+=("$name $chunk_sectors")
}

# case_open NAME CHUNK_SECTORS: job 1..5 of the case; the fifth is the snapshot, active.
case_open() {
    first_job+=($((${#uml_jobs[@]} + 1)))
    slices_open "$T/$1.origin" "$T/$1.cow"
    uml_job create name=snap "$(snapshot_table snapshot "$2")"
}

# The header as the kernel needs it, and the record behind it, untouched: bytes 16 to 511.
same_record() {
    cmp <(tail -c +17 "$1" | head -c 496) <(tail -c +17 "$2" | head -c 496)
}

@test "an empty store of each chunk size: status 2 chunks, the view is the origin, and the record stays" {
    local chunk_sectors name line i=0
    for chunk_sectors in 1 2 8 32 128 1024; do
        created c$chunk_sectors $chunk_sectors 8191 $((chunk_sectors * 40 + 5))
    done
    for line in "${cases[@]}"; do
        # shellcheck disable=SC2086
        case_open $line
        name=${line% *}
        uml_job status name=snap
        uml_job cmp dev=/dev/mapper/snap with=/dev/mapper/origin
        uml_job write-random dev=/dev/mapper/snap count=5 seed=3 block=512
        uml_job remove name=snap
        uml_job create name=merge "$(snapshot_table snapshot-merge "${line#* }")"
        uml_job wait-merge name=merge
        uml_job remove name=merge
        slices_close "$T/$name.origin" "$T/$name.cow"
    done
    uml_go_slices
    for line in "${cases[@]}"; do
        name=${line% *}
        chunk_sectors=${line#* }
        assert_equal "$name $(uml_status $((first_job[i] + 5)))" \
            "$name $((2 * chunk_sectors))/$((chunk_sectors * 40 + 5)) $((2 * chunk_sectors))"
        same_record "$name.cow" "$name.before"
        assert_equal "$(head -c 24 "$name.cow" | tail -c 8)" dmsnapID
        i=$((i + 1))
    done
}

@test "--from-diff: the kernel's view is the other image; its figures are ours" {
    local line name i=0
    new_image diff-some 4M 1
    uml_host write-random dev=diff-some seed=5 count=300
    new_image diff-all 4M 9
    new_image diff-none 4M 1
    created some8 8 8192 8192 --from-diff diff-some
    created some1 1 8192 8192 --from-diff diff-some
    created some128 128 8192 16384 --from-diff diff-some
    created all8 8 8192 8400 --from-diff diff-all
    created none8 8 8192 8192 --from-diff diff-none
    new_image diff-odd $((8189 * 512)) 1
    uml_host write dev=diff-odd seed=6 offset=$((8188 * 512)) length=512
    uml_host write dev=diff-odd seed=6 offset=8K length=4K
    created odd8 8 8189 8192 --from-diff diff-odd
    for line in "${cases[@]}"; do
        # shellcheck disable=SC2086
        case_open $line
        name=${line% *}
        uml_job status name=snap
        uml_job copy from=/dev/mapper/snap "to=$T/$name.view"
        uml_job remove name=snap
        uml_job create name=merge "$(snapshot_table snapshot-merge "${line#* }")"
        uml_job wait-merge name=merge
        uml_job remove name=merge
        slices_close "$T/$name.origin" "$T/$name.cow"
    done
    uml_go_slices
    for line in "${cases[@]}"; do
        name=${line% *}
        tool snapcheck --json "$name.before" >json
        assert_equal "$name $(uml_status $((first_job[i] + 5)))" \
            "$name $(usage_line json)"
        cmp "$name.view" "diff-$(echo "$name" | tr -d 0-9)"
        cmp "$name.origin" "$name.view"
        same_record "$name.cow" "$name.before"
        i=$((i + 1))
    done
    assert_equal "$(count_entries none8.before 8)" 0
    assert_equal "$(count_entries all8.before 8)" 1024
    assert_equal "$(count_entries odd8.before 8)" 2
}

@test "capacity: so many chunks go in, and not one more; the record stays until the overflow" {
    local line name chunk_sectors capacity entries i=0
    # Sizes around those where an area more is needed: it has 32 entries for chunks of 1 sector, 256 for 8.
    for sectors in 3 33 34 35 36 67 68 69 100 101 102 120; do
        created c1-$sectors 1 2048 $sectors
    done
    created c8-257 8 8192 $((257 * 8))
    created c8-258 8 8192 $((258 * 8 + 7))
    created c8-259 8 8192 $((259 * 8))
    created c8-260 8 8192 $((260 * 8 + 1))
    created c32-20 32 8192 650
    # A difference takes its share: it covers the first 40 chunks.
    new_image diff 1M 1
    uml_host write dev=diff seed=2 length=20K
    created c1-diff 1 2048 90 --from-diff diff
    for line in "${cases[@]}"; do
        name=${line% *}
        chunk_sectors=${line#* }
        capacity=$(figure capacity_entries <"$name.json")
        # shellcheck disable=SC2086
        case_open $line
        uml_job write dev=/dev/mapper/snap seed=2 length=$((capacity * chunk_sectors))s block=${chunk_sectors}s
        uml_job status name=snap
        uml_job remove name=snap
        uml_job copy from=/dev/mapper/cow "to=$T/$name.full"
        uml_job create name=snap "$(snapshot_table snapshot "$chunk_sectors")"
        uml_job fill dev=/dev/mapper/snap seed=2 offset=$((capacity * chunk_sectors))s block=${chunk_sectors}s
        uml_job status name=snap
        uml_job remove name=snap
        uml_job copy from=/dev/mapper/cow "to=$T/$name.over"
        uml_job remove name=cow
        uml_job remove name=origin
    done
    uml_go_slices
    for line in "${cases[@]}"; do
        name=${line% *}
        chunk_sectors=${line#* }
        capacity=$(figure capacity_entries <"$name.json")
        [ "$capacity" -gt 0 ]
        same_record "$name.full" "$name.before"
        # It vanishes with the kernel's verdict, so this comparison can fail.
        if same_record "$name.over" "$name.before"; then
            return 1
        fi
        assert_equal "$name $(count_entries "$name.full" "$chunk_sectors")" "$name $capacity"
        # Our own figures of the full store: the kernel's.
        tool snapcheck --json "$name.full" >json
        assert_equal "$name $(usage_line json)" "$name $(uml_status $((first_job[i] + 6)))"
        assert_equal "$name $(figure free_chunks <json)" "$name 0"
        assert_equal "$name $(uml_result $((first_job[i] + 10)))" "$name ok 0 writes, error 5"
        assert_equal "$name $(uml_status $((first_job[i] + 11)))" "$name Invalid"
        i=$((i + 1))
    done
}

@test "--size max: the whole origin can change, and the store does not overflow" {
    local line name i=0 chunk_sectors
    for chunk_sectors in 1 8 128; do
        name=max$chunk_sectors
        new_image $name.origin $((2051 * 512)) 1
        tool snapcreate --origin $name.origin --cow $name.cow --size max --chunk-size ${chunk_sectors}s 2>said ||
            { cat said && return 1; }
        case_open $name $chunk_sectors
        uml_job fill dev=/dev/mapper/snap seed=2 block=${chunk_sectors}s
        uml_job status name=snap
        uml_job crc dev=/dev/mapper/snap
        uml_job remove name=snap
        # Again: after a load there must still be an area that ends the list.
        uml_job create name=snap "$(snapshot_table snapshot $chunk_sectors)"
        uml_job crc dev=/dev/mapper/snap
        uml_job remove name=snap
        uml_job remove name=cow
        uml_job remove name=origin
    done
    uml_go_slices
    new_image expected $((2051 * 512)) 2
    for chunk_sectors in 1 8 128; do
        assert_equal "$(uml_result $((first_job[i] + 5)))" \
            "ok $(((2051 + chunk_sectors - 1) / chunk_sectors)) writes, end"
        assert_equal "$(uml_result $((first_job[i] + 7)))" "$(uml_host crc dev=expected)"
        assert_equal "$(uml_result $((first_job[i] + 10)))" "$(uml_host crc dev=expected)"
        i=$((i + 1))
    done
}

# Where the first write fails, where its flush does (dm-flakey fails all of them), and where a later write does.
@test "a device that fails while a store is made: exit 8, never \"Nothing was written.\"; later the same command works" {
    [ "${SANITIZERS-}" != yes ] || skip "AddressSanitizer cannot start in User Mode Linux"
    local n=0 bad ours said=() again=() linear='linear /dev/mapper/cow'
    local flakey='flakey /dev/mapper/cow' never='0 3600 1 error_writes'
    new_image origin 2M 1
    new_image zeros 1M
    # Over an older store.
    tool snapcreate --quiet --origin origin --cow zeros
    for bad in "0 2048 $flakey 0 $never" "0 8 $linear 0;8 2040 $flakey 8 $never" \
        "0 8 $linear 0;8 8 error;16 2032 $linear 16"; do
        n=$((n + 1))
        slices_open "$T/origin" "$T/zeros"
        uml_job create name=bad "table=0 2048 $linear 0"
        uml_job load name=bad "table=$bad"
        uml_job suspend name=bad
        uml_job resume name=bad
        # shellcheck disable=SC2206 # a command with arguments
        ours=(${WRAPPER:+/usr/bin/env $WRAPPER} "$BUILDDIR/tools/snapcreate" --force --origin /dev/mapper/origin --cow)
        uml_job exec "output=$T/said.$n" -- "${ours[@]}" /dev/mapper/bad
        said+=(${#uml_jobs[@]})
        uml_job remove name=bad
        uml_job copy from=/dev/mapper/cow "to=$T/left.$n"
        uml_job exec "output=$T/again.$n" -- "${ours[@]}" /dev/mapper/cow
        again+=(${#uml_jobs[@]})
        uml_job create name=snap "$(snapshot_table snapshot 8)"
        uml_job cmp dev=/dev/mapper/snap with=/dev/mapper/origin
        uml_job remove name=snap
        uml_job remove name=cow
        uml_job remove name=origin
    done
    uml_go_slices
    for ((n = 1; n <= 3; n++)); do
        cat said.$n
        assert_equal "$(uml_result "${said[n - 1]}")" 'ok exit 8'
        grep -q 'Input/output error' said.$n
        run -1 grep 'Nothing was written' said.$n
        assert_equal "$(uml_result "${again[n - 1]}")" 'ok exit 0'
    done
    # What is said is what is there.
    cmp left.1 zeros
    for n in 1 2; do
        grep -q '^/dev/mapper/bad: its first block could not be cleared durably, so it is not certain that it still holds' said.$n
    done
    cmp -n 512 left.3 /dev/zero
    grep -q '^/dev/mapper/bad holds no store now; repeat the command to make one\.$' said.3
}
