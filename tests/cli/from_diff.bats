#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapcreate --from-diff: the view of the new store over the origin is exactly the other content, whatever they are.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154

setup() {
    load helpers
    load work
    in_folder
}

teardown() {
    loops_detach
}

# change FILE OFFSET: one byte becomes another.
change() {
    local byte
    byte=$(number "$1" "$2" 1)
    printf '%b' "\\x$(printf %02x $((byte ^ 255)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# made ENTRIES [OPTION...]: the store of the difference between origin and new, with so many entries.
made() {
    local entries=$1
    shift
    rm -f cow view
    cp origin origin.before
    cp new new.before
    program snapcreate --json --origin origin --cow cow --from-diff new "$@"
    assert_status 0
    assert_json .result.entries "$entries"
    cmp origin origin.before
    cmp new new.before
    program snapcheck --json --origin origin cow
    assert_status 0
    assert_json '[.findings[].rule] - ["chunk-unusual", "store-full"] | length' 0
    program snapinspect --origin origin --extract view cow
    assert_status 0
    cmp view new
    assert_equal "$(walk cow figures | cut -d' ' -f1)" "$entries"
}

@test "two ext4 images: their difference, no more and no less" {
    mkdir files
    contents files/kept 300000 kept
    contents files/old 200000 old
    mke2fs -q -t ext4 -b 4096 -L root -d files origin 8M
    cp origin new
    contents added 500000 added
    debugfs -w -R "write added added" new
    debugfs -w -R "rm old" new
    local differing
    differing=$(cmp -l origin new | awk '{ print int(($1 - 1) / 4096) }' | uniq | wc -l)
    made "$differing" --size max
    e2fsck -fn view
}

@test "nothing different: an empty store" {
    contents origin 500000 origin
    truncate -s 512000 origin
    cp origin new
    made 0 --size max
}

@test "one byte, the first and the last of a chunk: that chunk and no other" {
    contents origin 1048576 origin
    cp origin new
    change new 40960
    change new 49151
    made 2 --size max
    assert_equal "$(walk cow ranges)" "0 10 2 2"
}

@test "the first and the last byte of all" {
    contents origin 1048576 origin
    cp origin new
    change new 0
    change new 1048575
    made 2 --size max
    assert_equal "$(walk cow ranges)" $'0 0 2 1\n1 255 3 1'
}

@test "every chunk different: a store of --size max holds it exactly, at each end of an area" {
    local chunks
    for chunks in 1 31 32 33 63 64 65 200; do
        contents origin $((chunks * 512)) origin
        contents new $((chunks * 512)) new
        made "$chunks" --size max --chunk-size 512
    done
    for chunks in 255 256 257; do
        contents origin $((chunks * 4096)) origin
        contents new $((chunks * 4096)) new
        made "$chunks" --size max
    done
}

@test "every chunk different: the smallest size that does, and one sector less" {
    contents origin $((64 * 512)) origin
    contents new $((64 * 512)) new
    # 1 header, 2 full areas, the area that ends the list, 64 data
    made 64 --chunk-size 512 --size 68s
    rm cow
    program snapcreate --origin origin --cow cow --from-diff new --chunk-size 512 --size 67s
    assert_status 8
    assert_said "cow: 64 chunks of new differ, but it has room for 63 only; make it at least $((68 * 512)) bytes large"
    assert [ ! -e cow ]
}

@test "the last chunk is partial: only what the origin has counts, the rest of the COW chunk is zero" {
    contents origin $((100 * 4096 + 1536)) origin
    cp origin new
    change new $((100 * 4096 + 1535))
    made 1 --size max
    cmp -n 1536 -i $((2 * 4096)):$((100 * 4096)) cow new
    zero cow $((2 * 4096 + 1536)) 2560
}

@test "a length that is no multiple of 512: the bytes behind the last whole sector are no part of it" {
    contents origin 100300 origin
    cp origin new
    change new 5000
    change new 100299
    program snapcreate --json --origin origin --cow cow --size max --from-diff new
    assert_status 0
    assert_json .result.entries 1
    program snapinspect --origin origin --extract view cow
    assert_status 0
    cmp -n 99840 view new
    cmp -i 99840 view origin # the end of the image comes from the origin
}

@test "large chunks" {
    contents origin 3000320 origin
    cp origin new
    change new 2900000
    made 1 --size max --chunk-size 1M
    change new 100
    change new 1048576
    made 3 --size max --chunk-size 1M
}

@test "holes of both are skipped, however large: 8 TiB; a hole over data counts as zeros" {
    truncate -s 8T origin new
    contents piece 100000 piece
    dd if=piece of=origin bs=4096 seek=5000 conv=notrunc status=none
    dd if=piece of=new bs=4096 seek=200000000 conv=notrunc status=none
    program snapcreate --json --origin origin --cow cow --size max --from-diff new
    assert_status 0
    assert_json .result.entries 50
    [ "$(blocks cow)" -lt 4096 ]
    assert_equal "$(walk cow ranges | cut -d' ' -f2,4)" $'5000 25\n200000000 25'
    # The data of the first are a hole in the other: zeros.
    zero cow $((2 * 4096)) $((25 * 4096))
    cmp -n 100000 -i $((27 * 4096)):0 cow piece
    program snapinspect --origin origin --extract view cow
    assert_status 0
    assert_equal "$(stat -c %s view)" $((8 << 40))
    [ "$(blocks view)" -lt 4096 ]
    cmp -n 200000 -i $((200000000 * 4096)) view new
    zero view $((5000 * 4096)) 102400
}

@test "an existing image, and the same again with -f" {
    contents origin 1000448 origin
    contents new 1000448 new
    truncate -s 2M cow
    program snapcreate --origin origin --cow cow --from-diff new
    assert_status 0
    cp origin new2
    change new2 0
    program snapcreate --origin origin --cow cow --from-diff new2
    assert_status 8
    assert_said "cow: it holds a snapshot store with 245 entries; -f overwrites it"
    program snapcreate -f --origin origin --cow cow --from-diff new2
    assert_status 0
    # Nothing of the longer list may look like its continuation.
    program snapcheck --json --origin origin cow
    assert_status 0
    assert_json '"\(.result.entries) \(.findings | length)"' "1 0"
}

@test "a longer store under a shorter one, over several areas, leaves no trace of a list" {
    contents origin $((200 * 512)) origin
    contents new $((200 * 512)) new
    program snapcreate --origin origin --cow cow --from-diff new --size max --chunk-size 512
    assert_status 0
    cp origin new
    local chunk
    for ((chunk = 0; chunk < 32; chunk++)); do
        change new $((chunk * 512))
    done
    program snapcreate -f --origin origin --cow cow --from-diff new --chunk-size 512
    assert_status 0
    program snapcheck --json --origin origin cow
    assert_status 0
    assert_json '"\(.result.entries) \(.findings | map(.rule) | join(" "))"' "32 chunk-unusual"
}

@test "other sizes are refused, with both" {
    contents origin 1000448 origin
    contents new 1000960 new
    program snapcreate --origin origin --cow cow --size max --from-diff new
    assert_status 8
    assert_said "new has 1955 sectors, but origin has 1954"
    assert_said "Nothing was written."
    assert [ ! -e cow ]
}

@test "the same image as origin and NEW, or as NEW and COW, is refused" {
    contents origin 1000448 origin
    ln origin other
    program snapcreate --origin origin --cow cow --size max --from-diff other
    assert_status 8
    assert_said "same"
    cp origin new
    cp new before
    program snapcreate -f --origin origin --cow new --from-diff new
    assert_status 8
    assert_said "same"
    cmp new before
}

@test "a missing NEW is named" {
    contents origin 1000448 origin
    program snapcreate --origin origin --cow cow --size max --from-diff new
    assert_status 8
    assert_said "new: No such file or directory"
    assert [ ! -e cow ]
}

@test "-n compares nothing and makes nothing" {
    contents origin 1000448 origin
    contents new 1000448 new
    program snapcreate -n --origin origin --cow cow --size max --from-diff new
    assert_status 0
    assert_said "Nothing was written."
    assert [ ! -e cow ]
}

@test "block devices for all three" {
    need_loops
    contents origin 1000448 origin
    contents new 1000448 new
    truncate -s 2M cow
    cp new new.before
    cp origin origin.before
    local origin_loop new_loop
    loop_over origin
    origin_loop=$loop
    loop_over new
    new_loop=$loop
    loop_over cow
    program snapcreate --json --origin "$origin_loop" --cow "$loop" --from-diff "$new_loop"
    assert_status 0
    assert_json .result.entries 245
    program snapinspect --origin "$origin_loop" --extract view "$loop"
    assert_status 0
    cmp view new
    loops_detach
    cmp new new.before
    cmp origin origin.before
}
