#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Stores that snapcheck mends where it is hardest: on disks with blocks of 4096 bytes, and when a merge by the kernel has
# stopped half way. The kernel shows them and merges them to the end.
# shellcheck disable=SC2030,SC2031,SC2086,SC2154

load lib.bash
load ../cli/families.bash

# Recipes with chunks of 4 KiB, with each kind of repair.
RECIPES=(data-chunks#chunks-top-byte-first data-chunks#chunks-highest-last tails#few-middle-used twins#chunks-old-ends twins#chunks-old-edge
    headers#magic-bit-0 records#header-chunk-16 records#record-invalid records#record-old-range
    records#fingerprint-newer-top-byte)

# on_disk STEP OPTION...: snapcheck on the disk with large blocks.
on_disk() {
    local step=$1
    shift
    uml_job_any exec "output=$S/$name.$step.said" -- ${WRAPPER:+/usr/bin/env $WRAPPER} "$BUILDDIR/tools/snapcheck" "$@" \
        /dev/cow4k
    echo "$name $step ${#uml_jobs[@]}" >>"$S/steps"
}

# disk_open NAME, disk_close: its pair on two disks with blocks of 4096 bytes.
disk_open() {
    slices_open "$S/$1.origin" "$S/$1.cow"
    uml_job loop name=origin4k file=/dev/mapper/origin block=4096
    uml_job loop name=cow4k file=/dev/mapper/cow block=4096
}

disk_close() {
    uml_job unloop name=cow4k
    uml_job unloop name=origin4k
    uml_job remove name=cow
    uml_job remove name=origin
}

# on_large_blocks FAMILY#NAME: mended, shown, put back; mended once more, and merged.
on_large_blocks() {
    local name=${1#*#} file=$SRCDIR/tests/images/${1%#*}.recipes mend
    "$BUILDDIR/tests/images/mkstore" "$file#$name" $name.cow $name.origin $name.view
    mend=$(recipes "$file" | awk -F '|' -v name=$name '$1 == name { print $2 }')
    options_of $mend
    # What it becomes as an image.
    cp $name.cow $name.image
    tool snapcheck -q "${enough[@]}" --no-save-old --origin $name.origin $name.image >said 2>&1 || [ $? -eq 1 ]
    tool snapinspect -q --origin $name.origin --extract $name.shown $name.image 2>said
    echo $name >>list
    disk_open $name
    on_disk mended "${enough[@]}" --save-old "$S/$name.old" --origin /dev/origin4k
    on_disk second --origin /dev/origin4k
    uml_job copy from=/dev/cow4k "to=$S/$name.mended"
    uml_job create name=snap 'table=0 * snapshot /dev/origin4k /dev/cow4k P 8'
    uml_job cmp dev=/dev/mapper/snap "with=$S/$name.shown"
    uml_job remove name=snap
    on_disk back --put-back "$S/$name.old"
    uml_job copy from=/dev/cow4k "to=$S/$name.back"
    on_disk again "${enough[@]}" --no-save-old --origin /dev/origin4k
    uml_job create name=merge 'table=0 * snapshot-merge /dev/origin4k /dev/cow4k P 8'
    uml_job wait-merge name=merge
    uml_job remove name=merge
    uml_job cmp dev=/dev/origin4k "with=$S/$name.shown"
    disk_close
}

# A store with chunks of one sector, which such a disk does not take; and a garbage entry in it.
too_small_chunks() {
    local name=small
    printf '%s\n' 'chunk_sectors 1' 'cow_chunks 64' 'origin_sectors 512' header 'entries 0 3 old=5+2*i' \
        'raw 0 9 old=7 new=60' >small.recipe
    "$BUILDDIR/tests/images/mkstore" small.recipe small.cow small.origin small.view
    disk_open small
    on_disk first --json --origin /dev/origin4k
    uml_job_any create name=snap 'table=0 * snapshot /dev/origin4k /dev/cow4k P 1'
    echo "small loaded ${#uml_jobs[@]}" >>"$S/steps"
    on_disk foreseen -n -y --save-old "$S/small.old"
    on_disk mended -y --save-old "$S/small.old"
    on_disk copied --repair-to "$S/small.new" --chunk-size 4096 --accept=view-change --origin /dev/origin4k
    uml_job copy from=/dev/cow4k "to=$S/small.after"
    disk_close
    # It was mended on another disk, and is to be put back on this one.
    name=put
    cp small.cow put.cow
    cp small.origin put.origin
    tool snapcheck -q -y --save-old "$S/put.old" put.cow >said 2>&1 || [ $? -eq 1 ]
    disk_open put
    on_disk back --put-back "$S/put.old"
    uml_job copy from=/dev/cow4k "to=$S/put.after"
    disk_close
}

# The data of entry 150 cannot be read: the kernel merges the entries 299 to 151, and stops.
half_merged() {
    printf '%s\n' 'chunk_sectors 8' 'cow_chunks 520' 'origin_sectors 7200' header 'entries 0 300 old=1+3*i' >half.recipe
    "$BUILDDIR/tests/images/mkstore" half.recipe half.cow half.origin half.view
    slices_open "$S/half.origin" "$S/half.cow"
    uml_job create name=bad 'table=0 1216 linear /dev/mapper/cow 0;1216 8 error;1224 2936 linear /dev/mapper/cow 1224'
    uml_job create name=merge 'table=0 * snapshot-merge /dev/mapper/origin /dev/mapper/bad P 8'
    uml_job_any wait-merge name=merge
    uml_job remove name=merge
    uml_job remove name=bad
    slices_close "$S/half.origin.after" "$S/half.cow.after"
}

setup_file() {
    local recipe
    uml_setup_file || return 0
    [ "${SANITIZERS-}" != yes ] || return 0
    cd "$S" || return
    for recipe in "${RECIPES[@]}"; do
        on_large_blocks $recipe
    done
    too_small_chunks
    half_merged
    uml_go_slices
    printf '%s\n' "${uml_results[@]}" >all
}

setup() {
    uml_setup
    [ "${SANITIZERS-}" != yes ] || skip "AddressSanitizer cannot start in User Mode Linux"
}

# result NAME STEP
result() {
    sed -n "$(awk -v name="$1" -v step="$2" '$1 == name && $2 == step { print $3 }' "$S/steps")p" "$S/all"
}

@test "on a disk with blocks of 4096 bytes: mended as an image is, to the byte; a clean second run; the way back" {
    local name step
    while read -r name; do
        for step in mended second back again; do
            echo "$name $step: $(result $name $step)"
            cat "$S/$name.$step.said"
            case $step in
            mended | again) [ "$(result $name $step)" = 'ok exit 1' ] ;;
            *) [ "$(result $name $step)" = 'ok exit 0' ] ;;
            esac
        done
        cmp "$S/$name.mended" "$S/$name.image"
        cmp "$S/$name.back" "$S/$name.cow"
    done <"$S/list"
    [ "$(wc -l <"$S/list")" -ge 9 ]
}

@test "chunk-block: smaller chunks are a warning there, the kernel refuses them, and so does a repair, before it writes" {
    local step
    sed -n '/^{/,/^}/p' "$S/small.first.said" >json
    grep -q '"rule": "chunk-block"' json
    grep -q '"rule": "garbage-behind-end"' json
    assert_equal "$(result small first)" 'ok exit 4'
    [[ $(result small loaded) == 'error 22 '* ]]
    for step in foreseen mended; do
        assert_equal "$(result small $step)" 'ok exit 8'
        grep -q 'its logical blocks have 4096 bytes, but the store.s chunks only 512' "$S/small.$step.said"
        grep -q 'snapcheck --repair-to NEW --chunk-size 4096 --accept=view-change --origin ORIGIN /dev/cow4k' "$S/small.$step.said"
        grep -q '^Nothing was written.$' "$S/small.$step.said"
    done
    [ ! -e "$S/small.old" ]
    cmp "$S/small.after" "$S/small.cow"
    assert_equal "$(result put back)" 'ok exit 8'
    cmp "$S/put.after" "$S/put.cow"
    run -1 cmp -s "$S/put.cow" "$S/small.cow"
    # With the line that was printed.
    cat "$S/small.copied.said"
    assert_equal "$(result small copied)" 'ok exit 1'
    run -0 tool snapcheck --origin "$S/small.origin" "$S/small.new"
    tool snapinspect -q --origin "$S/small.origin" --extract shown "$S/small.new" 2>said
    cmp shown "$S/small.view"
}

# harmed NAME HOW PERL: `half` with these bytes changed by the lines of Perl (put(OFFSET, BYTES)); mended with HOW, on images.
harmed() {
    cp "$S/half.cow.after" $1.cow
    cp "$S/half.origin.after" $1.origin
    perl -e 'open(my $file, "+<:raw", $ARGV[0]) or die;
        sub put { seek($file, $_[0], 0); print $file $_[1] or die }
        sub entry { put(4096 + 16 * $_[0], pack("Q<2", $_[1], $_[2])) }
        eval $ARGV[1]; die $@ if $@; close($file) or die' $1.cow "$3"
    run ! tool snapcheck -q --origin $1.origin $1.cow
    options_of $2
    run -1 tool snapcheck "${enough[@]}" --no-save-old --origin $1.origin $1.cow
    run -0 tool snapcheck --origin $1.origin $1.cow
    slices_open "$T/$1.origin" "$T/$1.cow"
    uml_job create name=snap "$(snapshot_table snapshot 8)"
    uml_job cmp dev=/dev/mapper/snap "with=$S/half.view"
    uml_job remove name=snap
    uml_job create name=merge "$(snapshot_table snapshot-merge 8)"
    uml_job wait-merge name=merge
    uml_job remove name=merge
    uml_job cmp dev=/dev/mapper/origin "with=$S/half.view"
    slices_close "$T/$1.merged" "$T/$1.empty"
}

@test "a merge by the kernel has stopped half way, and the store is damaged then: mended, it is merged to the end" {
    local name
    assert_equal "$(count_entries "$S/half.cow.after" 8)" 151
    run -1 cmp -s "$S/half.origin.after" "$S/half.view"
    run -1 cmp -s "$S/half.origin.after" "$S/half.origin"
    harmed garbage p 'entry(200, 33, 700)'
    harmed top-byte view-change 'entry(100, 301, 102 | 3 << 56)'
    harmed own-chunk view-change 'entry(100, 301, 9999)'
    harmed twin keep-first 'entry(151, 301, 153)'
    harmed invalid revalidate 'put(4, "\0")'
    harmed headless header 'put(0, "\0" x 512)'
    harmed version header 'put(8, "\7")'
    uml_go_slices
    for name in garbage top-byte own-chunk twin invalid headless version; do
        assert_equal "$name $(count_entries $name.empty 8)" "$name 0"
    done
}
