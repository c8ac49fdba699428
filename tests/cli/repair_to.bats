#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapcheck --repair-to: a new store of all that is sound or comes back, and the old one is only read.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154

setup() {
    load helpers
    load work
    load repairs
    in_folder
}

teardown() {
    loops_detach
}

@test "before damaged chunks are left out, the command that may bring them back is named" {
    local line="snapcheck -n -y --accept=view-change --origin origin cow"
    recipe new-top-byte
    program snapinspect --origin origin --extract out --skip-damaged=origin cow
    assert_said "$line"
    program snapcheck --origin origin --repair-to to cow
    assert_said "snapcheck -n --repair-to to --accept=view-change --origin origin cow"
    program snapinspect --origin origin cow
    assert_said "$line"
    [[ $stderr == *"$line"*"--skip-damaged"* ]]
    program snapmerge -y --origin origin --cow cow
    [[ $stderr == *"$line"*"--skip-damaged"* ]]
    recipe areas-chunks
    entry 5 "$(od -An -tu8 -j$((4096 + 16 * 5)) -N8 cow | tr -d ' ')" $((1 << 40))
    program snapinspect --origin origin --extract out2 --skip-damaged=origin cow
    assert_said "$line"
    program snapmerge -y --origin origin --cow cow
    assert_status 4
    [[ $stderr == *"$line"*"--skip-damaged"* ]]
    recipe areas-chunks
    entry 100 301 0
    program snapinspect --origin origin --extract out4 --skip-damaged=origin --accept=cut cow
    assert_said "$line"
    recipe new-on-later-area
    program snapinspect --origin origin --extract out3 --skip-damaged=origin cow
    assert_not_said "$line"
}

# new_store STATUS OPTION...: the old one is as it was, and the new one shows what the old one shows, or $expected.
new_store() {
    local want=$1
    shift
    rm -f to shown
    program snapcheck --origin origin --repair-to to "$@" cow
    assert_status "$want"
    cmp cow cow.before
    "$BUILDDIR/tools/snapinspect" -q --origin origin --extract shown to
    cmp shown "${expected-view}"
    program snapcheck --origin origin to
    assert_status 0
    [[ $output == *": clean"* || $output == *": usable, with warnings"* ]]
}

@test "--repair-to: the same view, compact, with another chunk size, of the least size" {
    recipe unordered
    new_store 0
    recipe areas-chunks
    new_store 0
    assert_equal "$(stat -c %s to)" "$(stat -c %s cow)"
    local chunk
    for chunk in 512 1K 64K; do
        new_store 0 --chunk-size $chunk
        assert_equal "$(number to 12 4)" $(($(numfmt --from=iec $chunk) / 512))
    done
    expected=view
    rm -f to
    program snapcheck --origin origin --repair-to to --size fit cow
    assert_status 0
    [ "$(stat -c %s to)" -lt "$(stat -c %s cow)" ]
    program snapmerge -y --origin origin --cow to
    assert_status 0
    cmp origin view
}

@test "--repair-to --drop-equal leaves out what the origin holds" {
    recipe areas-chunks
    dd if=view of=origin bs=4096 skip=1 seek=1 count=300 conv=notrunc status=none
    new_store 0 --drop-equal
    program snapcheck to
    assert_shown "to: 500 entries"
}

@test "--repair-to --drop-equal: samples of chunks that are left out do not say that a merge has written there" {
    fingerprinted
    dd if=origin of=cow bs=4096 count=8 seek=2 conv=notrunc status=none
    dd if=origin of=view bs=4096 count=8 conv=notrunc status=none
    cp cow cow.before
    new_store 0 --drop-equal
    program snapcheck to
    assert_shown "to: 8 entries"
    program snapmerge -y --origin origin --cow to
    assert_status 0
    cmp origin view
}

@test "--repair-to: what is damaged is left out with the word only, and counted" {
    recipe new-beyond-cow
    program snapcheck --origin origin --repair-to to cow
    assert_status 8
    assert_said "1 chunk of the snapshot is damaged"
    assert_said "add --accept=view-change"
    [ ! -e to ]
    "$BUILDDIR/tools/snapinspect" -q --origin origin --skip-damaged=origin --extract skipped cow || true
    expected=skipped
    new_store 1 --accept=view-change
    recipe garbage-behind-end
    program snapcheck --origin origin --repair-to to2 cow
    assert_status 8
    assert_said "what stands behind the end of its list would not be copied"
    assert_said "snapcheck -n -y --origin origin cow"
    recipe invalid
    program snapcheck --origin origin --repair-to to2 cow
    assert_status 8
    assert_said "add --accept=revalidate"
    expected=view
    new_store 1 --accept=revalidate
}

@test "--repair-to: what a repair in place brings back is in the new store, and the old one is only read" {
    local name
    for name in "${mendable[@]}" own-chunk; do
        recipe "${name/own-chunk/areas-chunks}"
        if [ "$name" = own-chunk ]; then
            entry 5 "$(number cow $((4096 + 16 * 5)) 8)" $((1 << 40))
            entry 400 "$(number cow $((258 * 4096 + 16 * 144)) 8)" $((1 << 41))
        fi
        cp cow in-place
        cp cow cow.before
        for _ in 1 2; do
            program snapcheck -y --no-save-old --accept=view-change,revalidate --origin origin in-place
        done
        assert_status 0
        rm -f expected-view
        "$BUILDDIR/tools/snapinspect" -q --origin origin --extract expected-view in-place
        expected=expected-view
        new_store "$([[ $name == @(valid-2|entry-new-outlier) ]] && echo 0 || echo 1)" --accept=view-change,revalidate
    done
    cmp shown view # that was own-chunk
    program snapcheck -n --origin origin --repair-to to2 --accept=view-change cow
    assert_said "2 findings of entry-new-range are mended in the new store"
    assert_said "of the snapshot show their own data afterwards (entry-new-range)"
}

@test "--repair-to: a list that lost its header, with a damaged entry, is copied; the old store is only read" {
    local header
    for header in '' noise; do
        headless 4K $header
        perl -e 'print pack("Q<", 0xffff000000)' | dd of=cow bs=1 seek=$((4096 + 4 * 16 + 8)) conv=notrunc status=none
        cp cow cow.before
        rm -f to
        program snapcheck --origin origin --repair-to to cow
        assert_status 4
        assert_said "to copy the list that stands behind it, add --accept=header"
        program snapcheck --origin origin --repair-to to --accept=header cow
        assert_status 8
        assert_said "snapcheck -n --repair-to to --accept=view-change,header --origin origin cow"
        assert_said "add --accept=view-change"
        cmp cow cow.before
        [ ! -e to ]
        expected=view
        new_store 1 --accept=header,view-change --chunk-size 16K
        assert_equal "$(number to 12 4)" 32
        cmp cow cow.before
    done
    truncate -s 0 cow
    truncate -s 1M cow
    program snapcheck --origin origin --repair-to to2 --accept=header cow
    assert_status 4
    [ ! -e to2 ]
}

@test "--repair-to: header and record name different chunk sizes: the list with the right one is copied" {
    local name
    for name in record-chunk-16 header-chunk-16; do
        "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/records.recipes#$name" cow origin view
        cp cow cow.before
        program snapcheck --origin origin cow
        assert_status 4
        assert_shown "not judged: header and record name different chunk sizes"
        refute_output --partial "it was cut"
        assert_said "snapcheck --repair-to NEW --accept=view-change,header --origin origin cow"
        program snapcheck --repair-to new --accept=view-change --origin origin cow
        assert_status 4
        assert_said "cow: its header and its record name different chunk sizes; to copy the list with the right one, add --accept=header"
        program snapcheck --repair-to new --accept=header,view-change --origin origin cow
        assert_status 1
        assert_said "it is read with a header for chunks of 4 KiB"
        program snapcheck --origin origin new
        assert_status 0
        program snapinspect new
        assert_shown "entries     3 in 3 runs"
        cmp cow cow.before
        rm new
    done
}

@test "--repair-to: JSON says what was mended; a dry run shows it and writes nothing" {
    recipe cut
    program snapcheck -n --origin origin --repair-to to --accept=view-change cow
    assert_status 0
    assert_said "344 entries come back into the list"
    assert_said "Nothing was written."
    [ ! -e to ]
    program snapcheck --json --origin origin --repair-to to --accept=view-change cow
    assert_status 1
    assert_json '.result.repair_to.mended["list-cut"]' 1
    assert_json .result.repair_to.written true
    cmp cow cow.before
}

@test "--repair-to: a damaged list, a wrong origin, a name that is taken, a place without room are refused" {
    recipe list-past-end
    program snapcheck --origin origin --repair-to to cow
    assert_status 4
    assert_said "to copy what it names in front of that, add --accept=view-change"
    [ ! -e to ]
    recipe magic-0
    program snapcheck --origin origin --repair-to to --accept=view-change cow
    assert_status 4
    [ ! -e to ]
    recipe old-beyond-origin
    program snapcheck --origin origin --repair-to to --accept=view-change cow
    assert_status 8
    [ ! -e to ]
    recipe areas-chunks
    program snapcheck --origin origin --repair-to to --size 64K cow
    assert_status 8
    assert_said "600 entries, which take "
    [ ! -e to ]
    echo mine >to
    program snapcheck --origin origin --repair-to to cow
    assert_status 8
    assert_said "to: it exists already"
    assert_equal "$(cat to)" mine
    program snapcheck --origin origin --repair-to cow cow
    assert_status 8
    cmp cow cow.before
    rm to
    program snapcheck -n --origin origin --repair-to to cow
    assert_status 0
    assert_said "Nothing was written."
    [ ! -e to ]
}

@test "--repair-to a block device: a blank one, with larger blocks" {
    need_loops
    recipe areas-sectors
    truncate -s 16M disk
    loop_over disk --sector-size 4096
    program snapcheck --origin origin --repair-to "$loop" --chunk-size 4K cow
    assert_status 0
    "$BUILDDIR/tools/snapinspect" -q --origin origin --extract shown "$loop"
    cmp shown view
    program snapcheck --origin origin --repair-to "$loop" --chunk-size 4K cow
    assert_status 8
    assert_said "it holds a snapshot store"
}

@test "--repair-to: the new store keeps what the old one remembers" {
    contents origin 8388608 origin
    cp origin view
    contents piece 500000 piece
    dd if=piece of=view bs=4096 seek=300 conv=notrunc status=none
    program snapcreate --label tuesday --origin origin --cow cow --size max --from-diff view
    cp cow cow.before
    new_store 0 --chunk-size 8K
    program snapinspect --json --origin origin to
    assert_json .result.pair.outcome proven
    assert_json .result.identity.label tuesday
}

@test "--repair-to: a file system without room for the new store is refused before it is made" {
    recipe areas-chunks
    mkdir small
    mount -t tmpfs -o size=256K none small 2>/dev/null || skip "cannot be mounted here: tmpfs"
    program snapcheck --origin origin --repair-to small/to cow
    local left
    left=$(ls -A small)
    umount small
    assert_status 8
    assert_said "bytes of its file system, and only"
    assert_said "Nothing was written."
    assert_equal "$left" ""
}
