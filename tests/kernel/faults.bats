#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Our merge on devices that fail: bad sectors, writes that fail, no space, other block sizes, shrunken devices.
# After each failure the kernel still shows the same view, and once the fault is gone, the same command completes.

load lib.bash
load workloads.bash

META_AT_SECTORS=$((100 << 11))
SPARE_AT_SECTORS=$((110 << 11))

FAULT_STORES=(
    'c8    8  8192  5600  0|write dev=@ length=2400K block=64K seed=2'
    'far   8 40960  5600  0|write dev=@ offset=8M length=2400K block=64K seed=2'
    'c32  32  8192  5600  0|write-random dev=@ count=60 block=16K seed=2'
    'c128 128 8192  5600  0|write-random dev=@ count=20 block=64K seed=2'
    'c1    1   512   400  0|write-random dev=@ count=60 block=512 seed=2'
)

setup_file() {
    local words name chunk_sectors origin_sectors cow_sectors window jobs
    uml_setup_file || return 0
    for words in "${FAULT_STORES[@]}"; do
        workload "$words"
        workload_make "$S"
    done
    uml_go_slices
}

# use NAME: the pair for what follows.
use() {
    local words
    for words in "${FAULT_STORES[@]}"; do
        [[ $words != "$1 "* ]] || workload "$words"
    done
}

# ours PROGRAM ARGUMENT...: its job number is in `last`, what it says in said.$last.
ours() {
    local program=$1
    shift
    last=$((${#uml_jobs[@]} + 1))
    # shellcheck disable=SC2086 # a command with arguments
    uml_job exec "output=$T/said.$last" -- ${WRAPPER:+/usr/bin/env $WRAPPER} "$BUILDDIR/tools/$program" --quiet "$@"
}

merge() {
    local origin=${1:-/dev/mapper/origin} cow=${2:-/dev/mapper/cow}
    shift $(($# < 2 ? $# : 2))
    ours snapmerge --origin "$origin" --cow "$cow" "$@"
}

# ended JOB STATUS [WORDS]: exit status, and what it has said.
ended() {
    [[ "$(uml_result "$1")" == "ok exit "$2 ]] && { [ $# -lt 3 ] || grep -qi -- "$3" "$T/said.$1"; } || {
        echo "job $1: $(uml_result "$1"), expected exit $2, and: ${3-}"
        cat "$T/said.$1"
        return 1
    }
}

fill_pair() {
    slices_open "$S/$name.origin" "$S/$name.cow"
}

pair_away() {
    uml_job remove name=cow
    uml_job remove name=origin
}

# The devices again, without their faults, and what is on them.
faults_gone() {
    pair_away
    uml_job create name=origin "table=0 $origin_sectors linear /dev/disk 0"
    uml_job create name=cow "table=0 $cow_sectors linear /dev/disk $UML_COW_AT_SECTORS"
}

# view_kept: the kernel sees the view, and a repeated merge completes; its job is in `last`.
view_kept_and_finished() {
    uml_job create name=snap "$(snapshot_table snapshot "$chunk_sectors")"
    uml_job cmp dev=/dev/mapper/snap "with=$S/$name.view"
    uml_job remove name=snap
    merge
    uml_job cmp dev=/dev/mapper/origin "with=$S/$name.view"
}

# holed NAME SECTORS AT_SECTORS HOLE LENGTH: the slice again, a range of it in error.
holed() {
    uml_job remove "name=$1"
    uml_job create "name=$1" "table=0 $4 linear /dev/disk $3;$4 $5 error;$(($4 + $5)) $(($2 - $4 - $5)) linear \
/dev/disk $(($3 + $4 + $5))"
}

@test "no sector of an area may fail: a hole at every 8th sector is refused by check and merge, nothing is written" {
    local store name chunk_sectors origin_sectors cow_sectors window jobs area hole areas last n
    local checks=() merges=() crcs=() before=()
    for store in c128 c32 c8; do
        use $store
        n=$(count_entries "$S/$name.cow" "$chunk_sectors")
        areas=$((n / (chunk_sectors * 32) + 1))
        fill_pair
        for ((area = 0; area < areas; area++)); do
            for ((hole = 0; hole < chunk_sectors; hole += 8)); do
                holed cow "$cow_sectors" "$UML_COW_AT_SECTORS" \
                    $((chunk_sectors * (1 + area * (chunk_sectors * 32 + 1)) + hole)) 8
                ours snapcheck --origin /dev/mapper/origin /dev/mapper/cow
                checks+=("$last")
                merge
                merges+=("$last")
                uml_job crc dev=/dev/mapper/origin
                crcs+=($((last + 1)))
                before+=("$(uml_host crc "dev=$S/$name.origin")")
            done
        done
        # Without a hole it was a good store, and nothing has happened to it.
        faults_gone
        uml_job cmp dev=/dev/mapper/cow "with=$S/$name.cow"
        view_kept_and_finished
        checks+=(0)
        merges+=("$last")
        crcs+=($((last + 1)))
        before+=(-)
        pair_away
    done
    uml_go_slices
    [ ${#checks[@]} -ge 25 ]
    for n in "${!checks[@]}"; do
        if [ "${checks[n]}" -eq 0 ]; then
            ended "${merges[n]}" 0
            continue
        fi
        ended "${checks[n]}" 4
        ended "${merges[n]}" 4 '^Nothing was written\.$'
        assert_equal "$(uml_result "${crcs[n]}")" "${before[n]}"
    done
}

# stopped_on_the_way JOB COW: a part of the list is merged.
stopped_on_the_way() {
    local left all
    ended "$1" 8 'input/output error'
    left=$(count_entries "$2" "$chunk_sectors")
    all=$(count_entries "$S/$name.cow" "$chunk_sectors")
    [ "$left" -gt 0 ]
    [ "$left" -lt "$all" ]
}

@test "a bad data sector: the merge stops with its place, the view is kept, and goes on when it can be read" {
    local name chunk_sectors origin_sectors cow_sectors window jobs last first second bad
    use far
    bad=$((chunk_sectors * 177 + 3))
    fill_pair
    uml_job create name=dust "table=0 $cow_sectors dust /dev/mapper/cow 0 512"
    uml_job message name=dust "text=addbadblock $bad"
    uml_job message name=dust text=enable
    # The limit is for small windows; it is too high to wait for.
    merge /dev/mapper/origin /dev/mapper/dust --rate-limit 1G
    first=$last
    uml_job remove name=dust
    uml_job copy from=/dev/mapper/cow "to=$T/cow"
    view_kept_and_finished
    second=$last
    uml_go_slices
    stopped_on_the_way "$first" cow
    ended "$second" 0
}

@test "a bad metadata sector: refused, nothing is written; when it can be read, the merge is complete" {
    local name chunk_sectors origin_sectors cow_sectors window jobs last merges=() bad
    use c8
    fill_pair
    uml_job create name=dust "table=0 $cow_sectors dust /dev/mapper/cow 0 512"
    for bad in 0 8 15; do
        uml_job message name=dust "text=addbadblock $bad"
        uml_job message name=dust text=enable
        merge /dev/mapper/origin /dev/mapper/dust
        merges+=("$last")
        uml_job cmp dev=/dev/mapper/origin "with=$S/$name.origin"
        uml_job message name=dust "text=removebadblock $bad"
    done
    uml_job remove name=dust
    uml_job cmp dev=/dev/mapper/cow "with=$S/$name.cow"
    view_kept_and_finished
    uml_go_slices
    for bad in "${merges[@]}"; do
        ended "$bad" '[48]' '^Nothing was written\.$'
    done
    ended "$last" 0
}

@test "bad origin sectors: the one below a chunk is mended by the merge's write, the others are left alone" {
    local name chunk_sectors origin_sectors cow_sectors window jobs last inside outside
    use far
    # What is in the store lies between 8 MiB and 10400 KiB. Neither is where a file system would be looked for.
    inside=$((9 << 11 | 3)) outside=$((12 << 11))
    fill_pair
    uml_job create name=dust "table=0 $origin_sectors dust /dev/mapper/origin 0 512"
    uml_job message name=dust "text=addbadblock $inside"
    uml_job message name=dust "text=addbadblock $outside"
    uml_job message name=dust text=enable
    uml_job_any crc dev=/dev/mapper/dust offset=${inside}s length=1s
    merge /dev/mapper/dust
    uml_job crc dev=/dev/mapper/dust offset=${inside}s length=1s
    uml_job_any crc dev=/dev/mapper/dust offset=${outside}s length=1s
    uml_job remove name=dust
    uml_job cmp dev=/dev/mapper/origin "with=$S/$name.view"
    uml_go_slices
    ended "$last" 0
    [[ $(uml_result $((last - 1))) == 'error 5 '* ]]
    [[ $(uml_result $((last + 2))) == 'error 5 '* ]]
}

@test "failing writes, of data and of cuts: the list is no shorter than what is merged; later the merge completes" {
    local name chunk_sectors origin_sectors cow_sectors window jobs last merges=() ends=() from part
    use c8
    # The whole origin, its middle only, and the COW.
    for from in 0 2048; do
        fill_pair
        uml_job create name=flakey "table=0 $origin_sectors linear /dev/mapper/origin 0"
        uml_job load name=flakey "table=0 $((from + 8)) linear /dev/mapper/origin 0;$((from + 8)) \
$((origin_sectors - from - 8)) flakey /dev/mapper/origin $((from + 8)) 0 3600 1 error_writes"
        uml_job suspend name=flakey
        uml_job resume name=flakey
        merge /dev/mapper/flakey
        merges+=("$last")
        uml_job remove name=flakey
        uml_job cmp dev=/dev/mapper/cow "with=$S/$name.cow"
        view_kept_and_finished
        ends+=("$last")
        pair_away
    done
    # A hole, since dm-flakey fails flushes, too: from the end on, a part is merged before the write that fails.
    use far
    fill_pair
    holed origin "$origin_sectors" 0 $((9 << 11)) 8
    merge /dev/mapper/origin /dev/mapper/cow --rate-limit 1G
    part=$last
    faults_gone
    uml_job copy from=/dev/mapper/cow "to=$T/cow"
    view_kept_and_finished
    ends+=("$last")
    pair_away
    use c8
    fill_pair
    uml_job create name=flakey "table=0 $cow_sectors flakey /dev/mapper/cow 0 0 3600 1 error_writes"
    merge /dev/mapper/origin /dev/mapper/flakey
    merges+=("$last")
    uml_job remove name=flakey
    uml_job cmp dev=/dev/mapper/cow "with=$S/$name.cow"
    view_kept_and_finished
    ends+=("$last")
    uml_go_slices
    for last in "${merges[@]}"; do
        ended "$last" 8 'input/output error'
    done
    use far
    stopped_on_the_way "$part" cow
    for last in "${ends[@]}"; do
        ended "$last" 0
    done
}

@test "reads lie (dm-flakey): a list with a changed byte is refused, nothing is written" {
    local name chunk_sectors origin_sectors cow_sectors window jobs last at refused
    use c8
    fill_pair
    # Byte 17 of each read: the high bytes of an entry's chunk, or the header's version and chunk size.
    uml_job create name=flakey \
        "table=0 $cow_sectors flakey /dev/mapper/cow 0 0 3600 5 corrupt_bio_byte 8 r 255 0"
    merge /dev/mapper/origin /dev/mapper/flakey
    refused=$last
    uml_job cmp dev=/dev/mapper/origin "with=$S/$name.origin"
    uml_job remove name=flakey
    uml_job cmp dev=/dev/mapper/cow "with=$S/$name.cow"
    view_kept_and_finished
    uml_go_slices
    ended "$refused" "[48]" '^Nothing was written\.$'
    ended "$last" 0
}

# pool SECTORS: a thin pool of this size; and resize_pool.
pool() {
    uml_job create name=meta "table=0 8192 linear /dev/disk $META_AT_SECTORS"
    new_image "$T/zeros" 4M
    uml_job copy "from=$T/zeros" to=/dev/mapper/meta
    uml_job create name=data "table=0 $1 linear /dev/disk $2"
    uml_job create name=pool "table=0 $1 thin-pool /dev/mapper/meta /dev/mapper/data 128 0 1 error_if_no_space"
    uml_job message name=pool 'text=create_thin 0'
    uml_job message name=pool 'text=create_thin 9'
    uml_job create name=thin "table=0 8192 thin /dev/mapper/pool 0"
    uml_job create name=filler "table=0 8192 thin /dev/mapper/pool 9"
}

larger_pool() {
    uml_job load name=data "table=0 $1 linear /dev/disk $2"
    uml_job suspend name=data
    uml_job resume name=data
    uml_job load name=pool "table=0 $1 thin-pool /dev/mapper/meta /dev/mapper/data 128 0 1 error_if_no_space"
    uml_job suspend name=pool
    uml_job resume name=pool
}

thin_away() {
    local device
    for device in thin filler pool data meta; do
        uml_job remove name=$device
    done
}

@test "a full thin pool below the origin: the merge stops, the list stays; with more space the same command completes" {
    local last first full
    pool 2560 0
    uml_job create name=cow "table=0 4096 linear /dev/disk $UML_COW_AT_SECTORS"
    new_image empty 2M
    uml_job copy "from=$T/empty" to=/dev/mapper/cow
    uml_job write dev=/dev/mapper/thin length=1M block=64K seed=1
    uml_job create name=snap 'table=0 * snapshot /dev/mapper/thin /dev/mapper/cow P 8'
    uml_job write dev=/dev/mapper/snap length=256K block=64K seed=2
    uml_job write dev=/dev/mapper/snap offset=2M length=512K block=64K seed=2
    uml_job copy from=/dev/mapper/snap "to=$T/view"
    uml_job remove name=snap
    uml_job copy from=/dev/mapper/cow "to=$T/cow"
    uml_job fill dev=/dev/mapper/filler seed=3 block=64K
    full=${#uml_jobs[@]}
    merge /dev/mapper/thin /dev/mapper/cow
    first=$last
    uml_job cmp dev=/dev/mapper/cow "with=$T/cow"
    uml_job create name=snap 'table=0 * snapshot /dev/mapper/thin /dev/mapper/cow P 8'
    uml_job cmp dev=/dev/mapper/snap "with=$T/view"
    uml_job remove name=snap
    larger_pool 16384 0
    merge /dev/mapper/thin /dev/mapper/cow
    uml_job cmp dev=/dev/mapper/thin "with=$T/view"
    uml_job remove name=cow
    thin_away
    uml_go_slices
    assert_equal "$(uml_result "$full")" 'ok 4 writes, error 28'
    ended "$first" 8 'no space left'
    ended "$last" 0
}

@test "a full thin pool below a shared COW: no cut, no loss; with more space the same command completes" {
    local name chunk_sectors origin_sectors cow_sectors window jobs last first full
    use c8
    fill_pair
    uml_job remove name=cow
    # 5600 sectors are 44 blocks of 128.
    pool $((47 * 128)) "$UML_COW_AT_SECTORS"
    uml_job create name=cow "table=0 $cow_sectors linear /dev/mapper/thin 0"
    uml_job copy "from=$S/$name.cow" to=/dev/mapper/cow
    uml_job suspend name=cow
    uml_job suspend name=thin
    uml_job message name=pool 'text=create_snap 1 0'
    uml_job resume name=thin
    uml_job resume name=cow
    uml_job fill dev=/dev/mapper/filler seed=3 block=64K
    full=${#uml_jobs[@]}
    merge
    first=$last
    uml_job cmp dev=/dev/mapper/cow "with=$S/$name.cow"
    larger_pool $((80 * 128)) "$UML_COW_AT_SECTORS"
    view_kept_and_finished
    pair_away
    thin_away
    uml_go_slices
    assert_equal "$(uml_result "$full")" 'ok 3 writes, error 28'
    ended "$first" 8 'no space left'
    ended "$last" 0
}

@test "devices with 4096-byte sectors: chunks of 8 sectors are merged, smaller ones are refused" {
    local name chunk_sectors origin_sectors cow_sectors window jobs last good
    use c8
    fill_pair
    uml_job loop name=o4 file=/dev/mapper/origin block=4096
    uml_job loop name=c4 file=/dev/mapper/cow block=4096
    merge /dev/o4 /dev/c4
    good=$last
    uml_job unloop name=o4
    uml_job unloop name=c4
    uml_job cmp dev=/dev/mapper/origin "with=$S/$name.view"
    pair_away
    use c1
    fill_pair
    uml_job loop name=o4 file=/dev/mapper/origin block=4096
    uml_job loop name=c4 file=/dev/mapper/cow block=4096
    merge /dev/o4 /dev/c4
    uml_job unloop name=o4
    uml_job unloop name=c4
    uml_job cmp dev=/dev/mapper/origin "with=$S/$name.origin"
    uml_job cmp dev=/dev/mapper/cow "with=$S/$name.cow"
    uml_go_slices
    ended "$good" 0
    ended "$last" 8 '4096'
    ended "$last" 8 '^Nothing was written\.$'
}

@test "a shrunken COW or origin is refused with words, nothing is written" {
    local name chunk_sectors origin_sectors cow_sectors window jobs last short=()
    use c8
    fill_pair
    uml_job create name=short "table=0 4000 linear /dev/mapper/cow 0"
    merge /dev/mapper/origin /dev/mapper/short
    short+=("$last but the device has 2048000")
    uml_job remove name=short
    uml_job create name=short "table=0 4000 linear /dev/mapper/origin 0"
    merge /dev/mapper/short
    short+=("$last origin")
    uml_job remove name=short
    # Shorter than the header and an area.
    uml_job create name=short "table=0 8 linear /dev/mapper/cow 0"
    merge /dev/mapper/origin /dev/mapper/short
    short+=("$last but the device has 8 sectors")
    uml_job remove name=short
    uml_job cmp dev=/dev/mapper/origin "with=$S/$name.origin"
    uml_job cmp dev=/dev/mapper/cow "with=$S/$name.cow"
    view_kept_and_finished
    uml_go_slices
    for name in "${short[@]}"; do
        ended "${name%% *}" "[48]" "${name#* }"
        grep -q '^Nothing was written\.$' "said.${name%% *}"
    done
    ended "$last" 0
}

# fat_image FILE: an empty FAT12 file system of 8 MiB: 8 sectors per cluster, one table of 6 sectors.
fat_image() {
    new_image "$1" 8M
    printf '\xeb\x3c\x90dmsnap  \x00\x02\x08\x01\x00\x01\x00\x02\x00\x40\xf8\x06\x00\x20\x00\x02\x00' |
        dd of="$1" conv=notrunc status=none
    printf '\x55\xaa' | dd of="$1" bs=1 seek=510 conv=notrunc status=none
    printf '\xf8\xff\xff' | dd of="$1" bs=512 seek=1 conv=notrunc status=none
}

@test "images on FAT and on tmpfs are merged like devices" {
    local name chunk_sectors origin_sectors cow_sectors window jobs last merges=() dir job
    use c1
    fat_image fat
    uml_job create name=fat "table=0 16384 linear /dev/disk $SPARE_AT_SECTORS"
    uml_job copy "from=$T/fat" to=/dev/mapper/fat
    uml_job mount dev=/dev/mapper/fat dir=/run/fat fs=vfat
    uml_job mount dev=none dir=/run/tmp fs=tmpfs
    for name in c1 c8; do
        use $name
        for dir in /run/fat /run/tmp; do
            fill_pair
            uml_job exec -- /bin/cp "$S/$name.cow" $dir/cow
            merge /dev/mapper/origin $dir/cow
            merges+=("$last")
            uml_job cmp dev=/dev/mapper/origin "with=$S/$name.view"
            uml_job exec -- /bin/cp $dir/cow "$T/$name.cow"
            # The origin as an image, too.
            uml_job exec -- /bin/cp "$S/$name.origin" $dir/origin
            uml_job exec -- /bin/cp "$S/$name.cow" $dir/cow
            merge $dir/origin $dir/cow
            merges+=("$last")
            uml_job cmp "dev=$dir/origin" "with=$S/$name.view"
            pair_away
        done
    done
    uml_job umount dir=/run/fat
    # What has been written has gone to the device.
    uml_job mount dev=/dev/mapper/fat dir=/run/fat fs=vfat
    uml_job cmp dev=/run/fat/origin "with=$S/c8.view"
    uml_go_slices
    for job in "${merges[@]}"; do
        ended "$job" 0
    done
    for name in c1 c8; do
        use $name
        assert_equal "$(count_entries "$name.cow" "$chunk_sectors")" 0
    done
}
