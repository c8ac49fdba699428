#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapmerge when it works: what origin and COW hold afterwards, what it shows, asks and prints.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154

setup() {
    load helpers
    load work
    in_folder
}

teardown() {
    loops_detach
}

recipe() {
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/$1.recipe" cow origin view
    cp cow cow.before
    cp origin origin.before
}

# The origin is the view; the store valid and empty, its header sector as it was, snapcheck content.
assert_merged() {
    local chunk_bytes
    chunk_bytes=$(($(number cow 12 4) * 512))
    cmp origin view
    same cow cow.before 0 512
    zero cow "$chunk_bytes" "$chunk_bytes"
    program snapcheck --json --origin origin cow
    assert_status 0
    assert_json '.result | "\(.entries) \(.clean) \(.usage.allocated_sectors == .usage.metadata_sectors)"' "0 true true"
}

# ext4: a pair that differs in some files, for what is shown about file systems.
ext4_pair() {
    mkdir files
    contents files/kept 300000 kept
    mke2fs -q -t ext4 -b 4096 -L root -d files origin 8M
    cp origin view
    contents added 500000 added
    debugfs -w -R "write added added" view
    "$BUILDDIR/tools/snapcreate" -q --origin origin --cow cow --size max --from-diff view --label "before the upgrade"
    cp cow cow.before
    cp origin origin.before
}

# --- the result --------------------------------------------------------------------------------
@test "the origin becomes the view; the store is valid and empty; header and identity stay" {
    ext4_pair
    program snapmerge --origin origin --cow cow
    assert_status 0
    assert_merged
    assert_equal "$(text cow 16 8)" dmsnapID
    e2fsck -fn origin
}

@test "bytes of the origin outside the listed chunks are not touched" {
    recipe areas-chunks
    # Every chunk that no entry names, of the origin before and after.
    local outside='
        my (%listed, $chunk);
        open(my $ranges, "-|", @ARGV[1 .. $#ARGV]) or die;
        while (<$ranges>) { my (undef, $old, undef, $count) = split; @listed{$old .. $old + $count - 1} = () }
        open(my $in, "<:raw", $ARGV[0]) or die;
        for (my $at = 0; read($in, $chunk, 4096); $at++) { print $chunk unless exists $listed{$at} }'
    walk cow ranges >ranges
    perl -e "$outside" origin cat ranges | sha256sum >outside.before
    program snapmerge --origin origin --cow cow
    assert_status 0
    assert_equal "$(perl -e "$outside" origin cat ranges | sha256sum)" "$(cat outside.before)"
    assert_equal "$(perl -e "$outside" origin cat ranges | wc -c)" $((8388608 - 600 * 4096))
    assert_merged
}

@test "only metadata areas of the COW are written: data chunks and the header stay" {
    recipe areas-chunks
    program snapmerge --origin origin --cow cow
    assert_status 0
    same cow cow.before 0 4096
    same cow cow.before $((2 * 4096)) $((256 * 4096))
    same cow cow.before $((259 * 4096)) $((256 * 4096))
    zero cow 4096 4096
    zero cow $((258 * 4096)) 4096
    zero cow $((515 * 4096)) 4096
}

@test "an origin that ends inside its last chunk does not grow" {
    recipe odd-origin
    local size
    size=$(stat -c %s origin)
    program snapmerge --origin origin --cow cow
    assert_status 0
    assert_equal "$(stat -c %s origin)" "$size"
    assert_merged
}

@test "an origin image whose length is no multiple of 512: the tail stays, the length too, and it is said" {
    contents origin 100300 origin
    contents new 100300 new
    program snapcreate --origin origin --cow cow --size max --from-diff new
    cp origin origin.before
    program snapmerge --origin origin --cow cow
    assert_status 0
    assert_equal "$(stat -c %s origin)" 100300
    cmp -n 99840 origin new
    same origin origin.before 99840 460
    assert_said "origin: what stands behind its last whole sector (460 bytes) is not part of the snapshot and stays"
}

@test "an empty store: nothing to do, nothing written" {
    recipe empty
    program snapmerge --origin origin --cow cow
    assert_status 0
    assert_said "cow: nothing to merge, the store is empty"
    cmp cow cow.before
    cmp origin origin.before
}

@test "merging twice: the second finds nothing" {
    recipe areas-chunks
    program snapmerge --origin origin --cow cow
    program snapmerge --origin origin --cow cow
    assert_status 0
    assert_said "nothing to merge"
    assert_merged
}

@test "a sparse origin: holes that no entry names stay holes" {
    truncate -s 1G origin
    cp --sparse=always origin view
    contents piece 200000 piece
    dd if=piece of=view bs=4096 seek=200000 conv=notrunc status=none
    program snapcreate --origin origin --cow cow --size max --from-diff view
    program snapmerge --origin origin --cow cow
    assert_status 0
    [ "$(blocks origin)" -lt 1024 ]
    cmp -n 300000 -i $((200000 * 4096)) origin view
}

# --- tuning ------------------------------------------------------------------------------------
@test "--memory 16M and --checkpoint-interval 1: many windows, the same result" {
    truncate -s 64M origin
    contents view 67108864 view
    program snapcreate -q --origin origin --cow cow --size max --from-diff view
    assert_status 0
    cp cow cow.before
    program snapmerge --json --memory 16M --checkpoint-interval 1 --origin origin --cow cow
    assert_status 0
    assert_json '.result | "\(.entries_merged) \(.entries_left) \(.windows > 4)"' "16384 0 true"
    assert_json '.result.window_entries_max < 4096' true
    assert_merged
}

@test "--rate-limit: the same result" {
    recipe areas-chunks
    program snapmerge --rate-limit 8M --origin origin --cow cow
    assert_status 0
    assert_merged
}

@test "less memory than the least is refused" {
    recipe one-entry
    program snapmerge --memory 1M --origin origin --cow cow
    assert_status 16
    assert_said "--memory"
    cmp cow cow.before
}

# --- block devices -----------------------------------------------------------------------------
merges_between() {
    local origin_device=origin cow_device=cow
    need_loops
    recipe areas-chunks
    if [ "$1" = loop ]; then
        loop_over origin
        origin_device=$loop
    fi
    if [ "$2" = loop ]; then
        loop_over cow
        cow_device=$loop
    fi
    program snapmerge --origin "$origin_device" --cow "$cow_device"
    assert_status 0
    assert_said "from $cow_device into $origin_device"
    loops_detach
    assert_merged
}

@test "origin a loop device, COW a loop device" {
    merges_between loop loop
}

@test "origin a loop device, COW an image" {
    merges_between loop image
}

@test "origin an image, COW a loop device" {
    merges_between image loop
}

@test "loop devices with blocks of 4096 bytes, chunks as large" {
    need_loops
    recipe areas-chunks
    loop_over origin --sector-size 4096
    local origin_loop=$loop
    loop_over cow --sector-size 4096
    program snapmerge --origin "$origin_loop" --cow "$loop"
    assert_status 0
    loops_detach
    assert_merged
}

@test "a logical block larger than a chunk is refused, and nothing written" {
    need_loops
    recipe areas-sectors
    loop_over origin --sector-size 4096
    program snapmerge --origin "$loop" --cow cow
    assert_status 8
    assert_said "$loop: its logical blocks have 4096 bytes"
    assert_said "; --output FILE writes the merged content elsewhere"
    assert_said "Nothing was written."
    loops_detach
    cmp origin origin.before
    cmp cow cow.before
}

# --- the plan ----------------------------------------------------------------------------------
@test "-n shows the plan and writes nothing" {
    ext4_pair
    program snapmerge -n --origin origin --cow cow
    assert_status 0
    assert_shown 'origin      origin: 8 MiB, ext4 "root" (UUID '
    assert_shown "COW         cow: "
    assert_shown 'view        ext4 "root" (UUID '
    read -r entries runs _ <<<"$(walk cow figures)"
    assert_shown "entries     $entries in $runs runs, "
    assert_shown "to write    "
    assert_shown "($((entries * 4096)) bytes)"
    assert_shown "windows     1 of at most $entries entries"
    assert_said "Nothing was written."
    cmp cow cow.before
    cmp origin origin.before
}

@test "-n --json: the plan as data" {
    recipe areas-chunks
    program snapmerge -n --json --origin origin --cow cow
    assert_status 0
    assert_json '"\(.dmsnap.program) \(.device) \(.origin) \(.exit_status)"' "snapmerge cow origin 0"
    assert_json '.result | "\(.outcome) \(.entries) \(.runs) \(.total_bytes) \(.written_bytes)"' \
        "planned 600 600 2457600 0"
    assert_json '.result | "\(.entries_merged) \(.entries_left) \(.windows) \(.write_requests) \(.origin_flushes)"' \
        "0 600 0 0 0"
    assert_json '.result.plan | "\(.to_write_bytes) \(.windows) \(.window_entries_max)"' "2457600 1 600"
    assert_json '.result.plan | "\(.origin_flushes) \(.cow_flushes > 0) \(.write_requests)"' "1 true 600"
    cmp cow cow.before
    cmp origin origin.before
}

@test "the plan counts only what the origin has of its last chunk" {
    recipe odd-origin
    program snapmerge -n --json --origin origin --cow cow
    assert_json .result.total_bytes $((3 * 4096 + 5 * 512))
}

@test "--json: the result as data" {
    recipe areas-chunks
    program snapmerge --json --origin origin --cow cow
    assert_status 0
    assert_json '.result | "\(.outcome) \(.entries_merged) \(.entries_left) \(.written_bytes)"' "done 600 0 2457600"
    assert_json .exit_status 0
    assert_merged
}

@test "--json: the list as it is now beside the one before" {
    recipe areas-chunks
    program snapmerge --json --origin origin --cow cow
    assert_status 0
    assert_json '.result | "\(.entries) \(.after.entries)"' "600 0"
    local after=$output
    program snapinspect --json cow
    assert_equal "$(jq -c .result.after.usage <<<"$after")" "$(json '.result.usage | tojson')"
    # Nothing happens to a COW that is kept, or in a dry run.
    cp cow.before cow
    cp origin.before origin
    program snapmerge --json --keep-cow --origin origin --cow cow
    assert_json '.result | "\(.after.entries) \(.after.usage == .usage)"' "600 true"
    program snapmerge --json -n --origin origin --cow cow
    assert_json '.result | has("after")' false
}

@test "a refusal as JSON keeps standard output for data" {
    recipe cut
    program snapmerge --json --origin origin --cow cow
    assert_status 8
    assert_said "Nothing was written."
    [ -z "$output" ] || jq -e . <<<"$output" >/dev/null
}

# --- talk --------------------------------------------------------------------------------------
@test "the end: what was done, what to do next, what the COW is now" {
    ext4_pair
    program snapmerge --origin origin --cow cow
    assert_status 0
    assert_equal "$output" ""
    assert_said "snapmerge: merged $(walk cow.before figures | cut -d' ' -f1) chunks"
    assert_said "from cow into origin"
    assert_said "next: check the ext4 file system on origin before it is used: e2fsck -f origin"
    assert_said "cow is a valid, empty store now and may be removed"
    assert_not_said "warning"
    # How much, how long, how fast; in memory it may take less than the clock's unit, and then there is no rate.
    grep -qE 'merged [0-9]+ chunks \([0-9.]+ [KM]iB\) from cow into origin in (less than 1 s|[0-9]+ s, [0-9.]+ [KMG]iB/s)$' <<<"$stderr"
}

@test "the end: a partition table has to be read again, another file system checked" {
    contents origin 8388608 origin
    cp origin view
    # A DOS partition table: one partition, from sector 2048 on.
    perl -e 'print "\0" x 440 . pack("V v", 0x12345678, 0) . pack("C8 V2", 0, 0, 2, 0, 0x83, 0, 3, 0, 2048, 4096) .
        "\0" x 48 . "\x55\xaa"' | dd of=view conv=notrunc status=none
    program snapcreate -q --origin origin --cow cow --size max --from-diff view
    program snapmerge --origin origin --cow cow
    assert_status 0
    assert_said "next: to reach the partitions in this image: losetup --find --show --partscan origin"
    truncate -s 0 origin
    truncate -s 320M origin
    cp --sparse=always origin view
    mkfs.xfs -q view
    program snapcreate -q -f --origin origin --cow cow2 --size max --from-diff view
    program snapmerge --origin origin --cow cow2
    assert_status 0
    assert_said "next: check the xfs file system on origin before it is used: xfs_repair -n origin"
    assert_not_said "e2fsck"
}

@test "-q says nothing at all" {
    ext4_pair
    program snapmerge -q --origin origin --cow cow
    assert_status 0
    assert_equal "$output$stderr" ""
    assert_merged
}

@test "a short merge prints no progress lines" {
    recipe areas-chunks
    program snapmerge --origin origin --cow cow
    assert_status 0
    assert_not_said "left"
}

@test "a store that does not say where it belongs is merged, with a warning" {
    recipe areas-chunks
    program snapmerge --origin origin --cow cow
    assert_status 0
    assert_said "warning: cow and origin may or may not belong together: the store does not say which origin it belongs to"
}

@test "names with blanks can be copied from the message" {
    ext4_pair
    mv origin "my origin"
    program snapmerge --origin "my origin" --cow cow
    assert_status 0
    assert_said "e2fsck -f 'my origin'"
}

@test "another origin is refused; --accept=identity merges all the same" {
    ext4_pair
    mke2fs -q -t ext4 -b 4096 other 8M
    cp other other.before
    program snapmerge --origin other --cow cow
    assert_status 8
    assert_said "UUID $(blkid -o value -s UUID origin)"
    assert_said "--accept=identity"
    assert_said "Nothing was written."
    cmp other other.before
    cmp cow cow.before
    program snapmerge -y --origin other --cow cow
    assert_status 8
    cmp cow cow.before
    program snapmerge --accept=identity --origin other --cow cow
    assert_status 0
    assert_said "warning: cow and other do not belong together: "
    zero cow 4096 4096
}

@test "another origin is refused, also where the store holds nothing of its superblock" {
    mke2fs -q -t ext4 -b 4096 origin 8M
    mke2fs -q -t ext4 -b 4096 other 8M
    cp origin new
    contents piece 10000 piece
    dd if=piece of=new bs=4096 seek=1500 conv=notrunc status=none
    program snapcreate --origin origin --cow cow --size max --from-diff new
    cp other other.before
    cp cow cow.before
    program snapmerge --origin other --cow cow
    assert_status 8
    assert_said "this one has ext4 (UUID $(blkid -o value -s UUID other))"
    assert_said "Nothing was written."
    cmp other other.before
    cmp cow cow.before
    program snapmerge --origin origin --cow cow
    assert_status 0
    cmp origin new
}

# --- the question ------------------------------------------------------------------------------
@test "on a terminal both devices are shown and a question asked: n" {
    ext4_pair
    on_terminal n snapmerge --origin origin --cow cow
    assert_equal "$status" 8
    assert_shown 'origin      origin: 8 MiB, ext4 "root"'
    assert_shown "COW         cow: "
    assert_shown 'label "before the upgrade"'
    assert_shown 'view        ext4 "root"'
    assert_shown "will be written to origin, and the COW will be consumed"
    assert_shown "Merge now? [y/N]"
    assert_shown "Nothing was written."
    cmp cow cow.before
    cmp origin origin.before
}

@test "an empty answer, and one that is not a yes, is a no" {
    ext4_pair
    local keys
    for keys in "" nein yess "n y"; do
        on_terminal "$keys" snapmerge --origin origin --cow cow
        assert_equal "$status" 8
        assert_shown "Nothing was written."
        cmp cow cow.before
    done
}

@test "on a terminal: y, or yes, merges" {
    ext4_pair
    on_terminal y snapmerge --origin origin --cow cow
    assert_equal "$status" 0
    assert_shown "snapmerge: merged "
    assert_merged
    cp cow.before cow
    cp origin.before origin
    on_terminal YES snapmerge --origin origin --cow cow
    assert_equal "$status" 0
    assert_merged
}

@test "the question is on the terminal where standard error is a file or a pipe" {
    ext4_pair
    local redirection
    for redirection in "2>log" "2>log </dev/tty" "2>&1 | tee log"; do
        on_terminal n snapmerge --origin origin --cow cow
        # tee writes to the same terminal at the same time.
        assert_shown 'origin: 8 MiB, ext4 "root"'
        assert_shown "Merge now? [y/N]"
        grep -F "Nothing was written." log
        run ! grep -F "Merge now?" log
        cmp cow cow.before
        cmp origin origin.before
    done
    redirection="2>log" on_terminal y snapmerge --origin origin --cow cow
    assert_equal "$status" 0
    assert_shown "Merge now? [y/N]"
    grep -F "snapmerge: merged " log
    assert_merged
}

@test "-y asks nothing on a terminal" {
    ext4_pair
    on_terminal n snapmerge -y --origin origin --cow cow
    assert_equal "$status" 0
    [[ $output != *"[y/N]"* ]]
    assert_merged
}

@test "-n, and an empty store, ask nothing on a terminal" {
    ext4_pair
    on_terminal n snapmerge -n --origin origin --cow cow
    assert_equal "$status" 0
    [[ $output != *"[y/N]"* ]]
    cmp cow cow.before
    recipe empty
    on_terminal n snapmerge --origin origin --cow cow
    assert_equal "$status" 0
    [[ $output != *"[y/N]"* ]]
}

@test "a list that looks cut asks on a terminal: n refuses, y merges what the list holds" {
    recipe cut
    on_terminal n snapmerge --origin origin --cow cow
    assert_equal "$status" 8
    assert_shown "may have been cut off"
    assert_shown "Nothing was written."
    cmp cow cow.before
    on_terminal $'y\ny' snapmerge --origin origin --cow cow
    assert_equal "$status" 0
    assert_shown "Merge now?"
}
