#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapinspect --extract --skip-damaged: what is sound is taken out, each damaged chunk is named, the status is 4.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154

setup() {
    load helpers
    load work
    in_folder
}

teardown() {
    loops_detach
}

# store [STEP]: 300 entries in two areas with chunks of 4 KiB; entry i is of origin chunk STEP * i (3 * i). It shows `view`.
store() {
    local recipe=recipe
    cat >$recipe <<R
chunk_sectors 8
cow_chunks 400
origin_sectors 8192
header
entries 0 300 old=0+${1-3}*i
R
    rm -f cow origin view
    "$BUILDDIR/tests/images/mkstore" $recipe cow origin view
}

# entry INDEX OLD NEW: overwrites an entry of `cow`; area 0 is at chunk 1, area 1 at chunk 258.
entry() {
    local at=$((($1 / 256 * 257 + 1) * 4096 + $1 % 256 * 16))
    perl -e 'print pack("Q<Q<", @ARGV)' "$2" "$3" | dd of=cow bs=1 seek=$at conv=notrunc status=none
}

# expected WORD CHUNK...: `view`, with these chunks as the origin has them, or zeros.
expected() {
    local word=$1 chunk
    shift
    cp view expected
    for chunk in "$@"; do
        if [ "$word" = origin ]; then
            dd if=origin of=expected bs=4096 skip="$chunk" seek="$chunk" count=1 conv=notrunc status=none
        else
            dd if=/dev/zero of=expected bs=4096 seek="$chunk" count=1 conv=notrunc status=none
        fi
    done
}

# skipped WORD RANGES CHUNK...: written with 4; the ranges are OFFSET+LENGTH:REASON with blanks between.
skipped() {
    local word=$1 ranges=$2 sums
    shift 2
    sums=$(sha256sum origin cow)
    rm -f new
    program snapinspect --json --verify --extract new --skip-damaged="$word" --origin origin cow
    assert_status 4
    assert_json '[.result.output.skipped[] | "\(.origin_offset_bytes)+\(.length_bytes):\(.reason)"] | join(" ")' "$ranges"
    assert_json '"\(.exit_status) \(.result.output.complete)"' "4 true"
    expected "$word" "$@"
    cmp new expected
    assert_equal "$(sha256sum origin cow)" "$sums"
}

@test "each kind of damaged entry: all others are written, the damaged chunks as the origin or zeros" {
    local word
    for word in origin zeros; do
        store
        entry 7 21 $((0x0500000000000009))
        skipped $word "86016+4096:no-data-chunk" 21
        store
        entry 270 810 258
        entry 0 0 100000
        skipped $word "0+4096:no-data-chunk 3317760+4096:no-data-chunk" 0 810
        store
        entry 20 60 12
        skipped $word "245760+4096:shared-data-chunk" 60 # the other one is in its place
        store
        entry 10 30 320
        entry 20 60 320
        skipped $word "122880+4096:shared-data-chunk 245760+4096:shared-data-chunk" 30 60
        store
        entry 299 3 320
        # Chunk 897 has lost its entry to it, and nothing tells.
        dd if=origin of=view bs=4096 skip=897 seek=897 count=1 conv=notrunc status=none
        skipped $word "12288+4096:two-entries" 3
    done
}

@test "one bad entry does not hold back the others, and the refusals name the command" {
    local line
    store
    entry 100 300 5000
    program snapmerge --origin origin --cow cow
    assert_status 4
    line=$(sed -n 's/^To write all that is sound of the snapshot to a new file: //p' <<<"$stderr")
    assert_equal "$line" "snapinspect --extract FILE --skip-damaged=origin --origin origin cow"
    program snapmerge --output new --origin origin --cow cow
    assert_status 4
    assert_said "$line"
    program snapinspect --extract new --origin origin cow
    assert_status 4
    assert_said "$line"
    eval "program ${line/FILE/new}"
    assert_status 4
    assert_said "new: bytes 1228800 to 1232895 hold what the origin has"
    expected origin 300
    cmp new expected
}

@test "neighbours are one range; nothing is damaged: status 0 and an empty list" {
    local i
    store 1
    for i in 5 6 7; do
        entry $i $i 4000
    done
    entry 8 8 12
    skipped zeros "20480+12288:no-data-chunk 32768+4096:shared-data-chunk" 5 6 7 8
    store
    program snapinspect --json --extract whole --skip-damaged=zeros --origin origin cow
    assert_status 0
    assert_json '.result.output.skipped | length' 0
    cmp whole view
    program snapinspect --json --extract whole2 --origin origin cow
    assert_json .result.output.skipped null
}

@test "data that cannot be read" {
    need_loops
    local word
    store
    loop_over cow
    truncate -s $((300 * 4096)) cow # the entries 297, 298 and 299 have the data chunks 300, 301 and 302
    for word in origin zeros; do
        rm -f new
        program snapinspect --json --verify --extract new --skip-damaged=$word --origin origin "$loop"
        assert_status 4
        assert_json '[.result.output.skipped[] | "\(.origin_offset_bytes)+\(.length_bytes):\(.reason)"] | join(" ")' \
            "3649536+4096:unreadable 3661824+4096:unreadable 3674112+4096:unreadable"
        expected $word 891 894 897
        cmp new expected
    done
}

@test "a list that is damaged itself is refused, with and without the option" {
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/list-past-end.recipe" cow origin view
    program snapinspect --extract new --skip-damaged=zeros --origin origin cow
    assert_status 4
    assert_said "the list itself is damaged"
    assert_said "Nothing was written."
    [ ! -e new ]
}

@test "garbage behind the end: all of the list is written, and what stands there is told" {
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/garbage-behind-end.recipe" cow origin view
    program snapinspect --extract new --skip-damaged=zeros --origin origin cow
    assert_status 4
    assert_said "if these are entries, what they name is not written"
    cmp new view
}

@test "an invalid store with a damaged entry needs both words" {
    local name line
    store
    entry 100 300 5000
    printf '\0' | dd of=cow bs=1 seek=4 conv=notrunc status=none
    program snapinspect --extract new --skip-damaged=origin --origin origin cow
    assert_status 4
    [ ! -e new ]
    # The line that snapinspect, snapcheck and the refusal print has both.
    for name in snapinspect snapcheck; do
        program "$name" --origin origin cow
        assert_status 4
        assert_said "--skip-damaged=origin --accept=invalid --origin origin cow"
    done
    program snapinspect --extract new --accept=invalid --origin origin cow
    assert_status 4
    line=$(sed -n 's/^To write all that is sound of the snapshot to a new file: //p' <<<"$stderr")
    eval "program ${line/FILE/new}"
    assert_status 4
    assert_not_said "here and right"
    assert_not_said "no chunk is free"
    expected origin 300
    cmp new expected
}

@test "snapinspect and snapcheck of a damaged store name the command" {
    local name
    store
    entry 100 300 5000
    for name in snapinspect snapcheck; do
        program "$name" --origin origin cow
        assert_status 4
        assert_said "To write all that is sound of the snapshot to a new file: snapinspect --extract FILE --skip-damaged=origin --origin origin cow"
        program "$name" cow
        assert_said "--skip-damaged=origin --origin ORIGIN cow"
    done
}

@test "a list that looks cut: how to look first, and what was left out is said at the end" {
    local line
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/cut.recipe" cow origin view
    program snapmerge --origin origin --cow cow
    assert_status 8
    line=$(sed -n 's/^To look first at what the entries in the list show: //p' <<<"$stderr")
    eval "program ${line/FILE/new}"
    assert_status 0
    assert_said "behind the end of the list hold is not in new"
    program snapmerge --accept=cut --origin origin --cow cow
    assert_status 0
    assert_said "left alone, and what they hold is not on origin; keep cow"
    assert_not_said "may be removed"
}

@test "a copy of a store that ends where its list goes on: nobody is told to lengthen it with zeros" {
    local name
    store
    truncate -s $((258 * 4096)) cow # area 1 would follow
    for name in 'snapmerge --origin origin --cow cow' 'snapcheck --origin origin cow'; do
        # shellcheck disable=SC2086
        program $name
        [ "$status" -eq 8 ] || assert_status 4
        [[ $stderr$output == *"the list goes on behind the end of this copy"* ]]
        [[ $stderr$output != *truncate* ]]
    done
}
