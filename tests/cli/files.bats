#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Which files of ext2, ext3 and ext4 a finding is about: debugfs is the judge of who has a block.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154

setup() {
    load helpers
    load work
    in_folder
    PATH="$PATH:/usr/sbin:/sbin"
    ! lacks ext2fs || [[ $BATS_TEST_DESCRIPTION == 'without libext2fs'* ]] || skip "this build lacks libext2fs"
}

# origin OPTION...: one with a file system that mke2fs makes with these options, and a view in which the 40 blocks of the
# file "changed" are others. Blocks and chunks have 4 KiB.
origin() {
    local block
    mkdir -p tree/dir/deep
    head -c 163840 /dev/zero | tr '\0' a >tree/changed
    head -c 40960 /dev/zero | tr '\0' b >tree/dir/deep/file
    echo small >"tree/dir/with space"
    echo other >tree/dir/other
    echo third >tree/dir/third
    printf 'fourth\n' >tree/dir/fourth
    [ $# -gt 0 ] || set -- -t ext4
    mke2fs -q -F -b 4096 "$@" -d tree origin 16M
    cp origin view
    for block in $(blocks_of /changed view); do
        printf new | dd of=view bs=1 seek=$((block * 4096 + 9)) conv=notrunc status=none
    done
}

# The store through which the origin looks like the view.
store() {
    rm -f cow
    "$BUILDDIR/tools/snapcreate" -q "$@" --origin origin --cow cow --size max --chunk-size 4K --from-diff view
}

pair() {
    origin "$@"
    store
}

# blocks_of PATH [IMAGE]: as debugfs says it.
blocks_of() {
    debugfs -R "blocks \"$1\"" "${2-origin}" 2>/dev/null
}

# block_of PATH [IMAGE]: the first of them.
block_of() {
    local blocks
    read -r -a blocks < <(blocks_of "$@")
    [ "${blocks[0]}" -gt 0 ] && echo "${blocks[0]}"
}

inode_of() {
    debugfs -R "stat \"$1\"" "${2-origin}" 2>/dev/null | sed -n 's/^Inode: \([0-9]*\) .*/\1/p'
}

# damage INDEX CHUNK: the entry is for this chunk of the origin now, and its data are gone.
damage() {
    perl -e 'print pack("Q<2", @ARGV)' "$2" 900000 | dd of=cow bs=1 seek=$((4096 + 16 * $1)) conv=notrunc status=none
}

@test "a finding names the file, with its inode, as text and as JSON" {
    local chunk inode
    pair
    chunk=$(block_of /dir/deep/file) inode=$(inode_of /dir/deep/file)
    damage 3 "$chunk"
    damage 7 "$(block_of '/dir/with space')"
    program snapcheck --origin origin cow
    assert_status 4
    assert_shown "origin chunk $chunk, bytes $((chunk * 4096)) to $((chunk * 4096 + 4095)) of the snapshot, file /dir/deep/file (inode $inode) (corrupting: entry-new-range)"
    assert_shown "of the snapshot, file '/dir/with space' (inode $(inode_of '/dir/with space')) ("
    [[ $stderr != *files* ]]
    program snapcheck --json --origin origin cow
    assert_json '.findings[0].files | map("\(.path) \(.inode) \(.type) \(.names)") | join(";")' \
        "/dir/deep/file $inode file 1"
    assert_json '.findings[0] | "\(.files_more) \(.file_system | length)"' "0 0"
    assert_json '.findings[1].files[0].path' "/dir/with space"
    assert_json '.result | "\(.files_from) \(.files_complete)"' "snapshot true"
}

@test "each form of the file system names the same files" {
    local options chunk
    for options in "-t ext4 -O ^64bit,^flex_bg,^metadata_csum" "-t ext3 -I 128" "-t ext2" "-t ext4 -O inline_data -I 256"; do
        rm -rf tree origin view cow
        # shellcheck disable=SC2086 # options are words
        pair $options
        for name in /dir/deep/file /dir /dir/deep; do
            chunk=$(block_of "$name") || continue # inline data have no block
            damage 3 "$chunk"
            program snapcheck --json --origin origin cow
            assert_json '.findings[0].files | map("\(.path) \(.inode)") | join(";")' "$name $(inode_of "$name")"
        done
    done
}

@test "what is no file: tables, bitmaps, journal, and free blocks" {
    local table bitmap journal
    pair
    table=$(dumpe2fs origin 2>/dev/null | sed -n 's/^  Inode table at \([0-9]*\)-.*/\1/p')
    bitmap=$(dumpe2fs origin 2>/dev/null | sed -n 's/^  Block bitmap at \([0-9]*\).*/\1/p')
    journal=$(block_of '<8>')
    damage 1 "$table"
    damage 3 "$bitmap"
    damage 5 "$journal"
    damage 7 4000
    damage 9 0
    damage 11 "$(block_of /dir)"
    program snapcheck --origin origin cow
    assert_shown "origin chunk $table, bytes $((table * 4096)) to $((table * 4096 + 4095)) of the snapshot, an inode table of the file system ("
    assert_shown "origin chunk $bitmap, bytes $((bitmap * 4096)) to $((bitmap * 4096 + 4095)) of the snapshot, a block bitmap of the file system ("
    assert_shown "of the snapshot, the journal of the file system ("
    assert_shown "bytes 16384000 to 16388095 of the snapshot, no file: free in the file system as the origin has it ("
    assert_shown "bytes 0 to 4095 of the snapshot, a superblock or group descriptors of the file system ("
    assert_shown "of the snapshot, directory /dir (inode $(inode_of /dir)) ("
    program snapcheck --json --origin origin cow
    assert_json '[.findings[] | .file_system[]] | join(" ")' "inode-table block-bitmap journal free superblock"
    assert_json '.result.files_complete' false # the damaged chunks have tables
}

@test "a row names its first files and counts the others; --all names those of each finding" {
    local names=("/dir/deep/file" "/dir/with space" /dir/other /dir/third /dir/fourth) i
    pair
    for i in 0 1 2 3 4; do
        damage $((10 + i)) "$(block_of "${names[i]}")"
    done
    damage 15 4000
    program snapcheck --origin origin cow
    assert_shown "6 entries in a row"
    grep -Eq 'of the snapshot(, file [^ ]+( space.)? \(inode [0-9]+\)){3} and 2 more files, free blocks \(' <<<"$output"
    program snapcheck --json --origin origin cow
    assert_json '.findings[0] | "\(.count) \(.files | length) \(.files_more) \(.file_system | join(","))"' "6 3 2 free"
    program snapcheck --json --all --origin origin cow
    assert_json '[.findings[].files[].path] | join(";")' "$(IFS=';'; echo "${names[*]}")"
    assert_json '.findings[5].file_system | join(" ")' free
    program snapcheck --all --origin origin cow
    for i in 0 1 2 3 4; do
        assert_equal "$(grep -c "(inode $(inode_of "${names[i]}")) (" <<<"$output")" 1
    done
}

# many ENTRIES: a store whose entries are for the first chunks of the origin, which are more than it has areas for.
many() {
    perl -e '
        my $entries = $ARGV[0];
        open(my $cow, "+<", "cow") or die;
        truncate($cow, 4096 * 20000) or die;
        for my $area (0 .. int($entries / 256)) {
            my $count = $entries - 256 * $area;
            seek($cow, 4096 * (1 + 257 * $area), 0);
            print $cow pack("Q<2", 256 * $area + $_, 900000) for 0 .. ($count > 256 ? 255 : $count - 1);
        }' "$1"
}

@test "--all with more findings than can wait for names shows them without, and says so" {
    mkdir -p tree/dir
    head -c 40960 /dev/zero | tr '\0' b >tree/dir/file
    mke2fs -q -F -t ext4 -b 4096 -d tree origin 128M
    "$BUILDDIR/tools/snapcreate" -q --no-identity --origin origin --cow cow --size 1M --chunk-size 4K
    many 16385
    program snapcheck --all --origin origin cow
    assert_equal "$(grep -c '^cow: area' <<<"$output")" 16385
    assert_equal "$(grep -c 'inode' <<<"$output")" 0
    assert_said "cow: there are too many findings to name the files of each"
    program snapcheck --json --all --origin origin cow
    assert_json '"\(.findings | length) \([.findings[] | select(has("files"))] | length)"' "16385 0"
    program snapcheck --origin origin cow
    assert_shown "16385 entries in a row"
    assert_shown ", directory / (inode 2), directory /lost+found (inode 11), directory /dir (inode 12) and 1 more file, "
    perl -e 'open(my $cow, "+<", "cow"); seek($cow, 4096 * (1 + 257 * 64), 0); print $cow "\0" x 16' # one less
    program snapcheck --all --origin origin cow
    assert_equal "$(grep -c '^cow: area' <<<"$output")" 16384
    assert_equal "$(grep -c ', file /dir/file (inode' <<<"$output")" 10
    assert_not_said "too many"
}

# The snapshot has what the file system was; the origin has gone on.
@test "files are those that the snapshot shows, not those of the origin" {
    local chunk
    origin
    chunk=$(block_of /dir/deep/file)
    debugfs -w -R 'unlink /dir/deep/file' origin 2>/dev/null
    debugfs -w -R 'rm /dir/third' origin 2>/dev/null
    debugfs -w -R 'rmdir /dir/deep' origin 2>/dev/null
    store
    damage 30 "$chunk"
    program snapcheck --origin origin cow
    assert_shown "of the snapshot, file /dir/deep/file (inode $(inode_of /dir/deep/file view)) ("
    program snapcheck --json --origin origin cow
    assert_json .result.files_from snapshot
}

@test "hard links, links, and files without a name" {
    local third fourth
    origin
    third=$(inode_of /dir/third) fourth=$(inode_of /dir/fourth)
    debugfs -w -R 'ln /dir/other /dir/second' view 2>/dev/null
    debugfs -w -R "sif /dir/other links_count 2" view 2>/dev/null
    debugfs -w -R "symlink /link $(printf 'x%.0s' {1..100})" view 2>/dev/null
    debugfs -w -R 'unlink /dir/third' view 2>/dev/null
    debugfs -w -R "sif <$fourth> links_count 0" view 2>/dev/null
    store
    # Entries of "changed", which is behind all that was edited.
    damage 21 "$(block_of /dir/other view)"
    damage 23 "$(block_of /link view)"
    damage 25 "$(block_of /dir/third)"
    damage 27 "$(block_of /dir/fourth)"
    program snapcheck --origin origin cow
    assert_shown "of the snapshot, file /dir/other (inode $(inode_of /dir/other view), one of 2 names) ("
    assert_shown "of the snapshot, symbolic link /link (inode $(inode_of /link view)) ("
    assert_shown "of the snapshot, a file whose name was not found (inode $third) ("
    assert_shown "of the snapshot, a deleted file that was still open (inode $fourth) ("
}

@test "names steer no terminal and are whole in JSON" {
    local name=$'/dir/\e[31mred\nnew line\xff'
    mkdir -p tree/dir
    echo x >"tree$name"
    pair
    damage 3 "$(debugfs -R 'ls -p /dir' origin 2>/dev/null | grep -a red | head -n 1 |
        sed 's,^/\([0-9]*\)/.*,\1,;q' | xargs -I{} debugfs -R 'blocks <{}>' origin 2>/dev/null)"
    program snapcheck --origin origin cow
    assert_shown "file $'/dir/"
    [[ $output != *$'\e'* ]]
    assert_equal "$(grep -c 'slot 3: ' <<<"$output")" 1
    program snapcheck --json --origin origin cow
    assert_json '.findings[0].files[0].path | contains("red\nnew line") and startswith("/dir/")' true
}

@test "a repair, and an extract that skips chunks, name the files whose bytes they are about" {
    local file other
    pair
    file=$(block_of /dir/deep/file) other=$(block_of /dir/other)
    damage 3 "$file"
    damage 9 "$other"
    damage 20 4000
    program snapinspect --extract new --skip-damaged=zeros --origin origin cow
    assert_status 4
    assert_said "new: bytes $((file * 4096)) to $((file * 4096 + 4095)), file /dir/deep/file (inode $(inode_of /dir/deep/file)), hold zeros"
    rm new
    program snapinspect --json --extract new --skip-damaged=zeros --origin origin cow
    assert_json '[.result.output.skipped[] | (.files[].path, .file_system[])] | sort | join(" ")' \
        "/dir/deep/file /dir/other free"
    program snapcheck -n -y --accept=view-change --origin origin cow
    assert_said "bytes $((file * 4096)) to $((file * 4096 + 4095)) of the snapshot, file /dir/deep/file (inode $(inode_of /dir/deep/file)), show "
    program snapcheck --json --no-save-old -y --accept=view-change --origin origin cow
    assert_json '[.result.repair.changes[] | (.files[].path, .file_system[])] | sort | join(" ")' \
        "/dir/deep/file /dir/other free"
    program snapcheck -q --origin origin cow
    assert_status 0
}

@test "where the list cannot be followed, files are named as the origin has them, and it is said" {
    pair
    damage 3 "$(block_of /dir/deep/file)"
    # The end of the list is a full area, and the next one is behind the end of the device.
    perl -e 'print pack("Q<2", 2000 + $_, 2 + $_) for 40 .. 255' |
        dd of=cow bs=1 seek=$((4096 + 16 * 40)) conv=notrunc status=none
    truncate -s $((200 * 4096)) cow
    program snapcheck --origin origin cow
    assert_shown "of the snapshot, file /dir/deep/file (inode $(inode_of /dir/deep/file)) ("
    assert_said "origin: files are named as the origin has them, not as the snapshot shows them: the list cannot be followed to its end"
    program snapcheck --json --origin origin cow
    assert_json .result.files_from origin
}

@test "free blocks of a list that was cut are told apart: the snapshot may have a file there" {
    pair
    damage 3 "$(block_of /dir/deep/file)"
    damage 5 3000
    program snapcheck --origin origin cow
    assert_shown "bytes 12288000 to 12292095 of the snapshot, no file: free in the file system ("
    # A list that cannot be followed: the file system of the origin is read.
    perl -e 'print pack("Q<2", 2000 + $_, 2 + $_) for 40 .. 255' |
        dd of=cow bs=1 seek=$((4096 + 16 * 40)) conv=notrunc status=none
    truncate -s $((200 * 4096)) cow
    program snapcheck --origin origin cow
    assert_shown "bytes 12288000 to 12292095 of the snapshot, no file: free in the file system as the origin has it ("
}

# lost FILE FIRST LAST: whether one of the entries FIRST to LAST is for a block of the file, by debugfs.
lost() {
    sed -n "$(($2 + 1)),$(($3 + 1))p" blocks | grep -qxF -f <(blocks_of "$1" | tr ' ' '\n' | grep .)
}

@test "entries behind the end of a list that was cut, and garbage that continues it: the files that they are for" {
    local block name said first last slot
    origin
    for name in /dir/deep/file /dir/other /dir/third /dir/fourth; do
        for block in $(blocks_of "$name"); do
            printf new | dd of=view bs=1 seek=$((block * 4096 + 9)) conv=notrunc status=none
        done
    done
    for name in /changed /dir/deep/file /dir/other /dir/third /dir/fourth; do
        blocks_of "$name" | tr ' ' '\n'
    done | grep . | sort -n >blocks
    [ "$(wc -l <blocks)" -eq 53 ]
    # With chunks of one sector an area has 32 entries; the first area is zeroed, or slot 20 is.
    for slot in 0 20; do
        [ $slot -eq 0 ] && last=31 || last=20
        rm -f cow
        "$BUILDDIR/tools/snapcreate" -q --origin origin --cow cow --size max --chunk-size 512 --from-diff view
        dd if=/dev/zero of=cow bs=16 seek=$((32 + slot)) count=$((last - slot + 1)) conv=notrunc status=none
        program snapcheck --origin origin cow
        if [ "$last" -eq 31 ]; then
            said=$(grep ': list-cut)' <<<"$output") first=32 last=52
            [[ $said == *'fit exactly; they are for '* ]]
        else
            said=$(grep ': garbage-behind-end)' <<<"$output") first=21 last=31
            [[ $said == *'expected zeros; entries there are for '* ]]
        fi
        for name in /changed /dir/deep/file /dir/other /dir/third /dir/fourth; do
            ! lost "$name" "$first" "$last" || [[ $said == *"file $name (inode $(inode_of "$name"))"* || $said == *' more file'* ]]
            lost "$name" "$first" "$last" || [[ $said != *"file $name "* ]]
        done
        program snapcheck --json --origin origin cow
        assert_json "[.findings[] | select(.rule == \"$(sed -E 's/.*: ([a-z-]+)\)$/\1/' <<<"$said")\") | .files[].path] | length > 0" true
    done
}

@test "an entry that is lost: its place, and the file that has it, not those of the copy that stands there" {
    local block
    pair
    block=$(blocks_of /changed | tr ' ' '\n' | grep . | sort -n | sed -n 21p)
    dd if=cow of=cow bs=16 skip=$((256 + 19)) seek=$((256 + 20)) count=1 conv=notrunc status=none
    program snapcheck --origin origin cow
    assert_shown "; origin chunk $block, bytes $((block * 4096)) to $((block * 4096 + 4095)) of the snapshot, file /changed (inode $(inode_of /changed)) (warning: entry-lost)"
    program snapcheck --json --origin origin cow
    assert_json '.findings[] | select(.rule == "entry-lost") | "\(.origin_offset_bytes) \(.files[].path)"' "$((block * 4096)) /changed"
}

@test "another origin names no files" {
    pair
    damage 3 "$(block_of /dir/deep/file)"
    mke2fs -q -F -t ext4 -b 4096 -d tree other 16M
    program snapcheck --origin other cow
    [[ $output != *'/dir/deep/file'* ]]
    assert_said "other: no files are named by it: "
    program snapcheck --json --origin other cow
    assert_json '"\(.result.files_from) \(.findings[0] | has("files"))"' "null false"
}

# Fields of the superblock, its checksum among them, and of the descriptors behind it.
@test "a file system that is damaged or none: the finding is shown, and nothing crashes" {
    local offset
    for offset in 1024 1028 1048 1056 1064 1112 1124 2044 4096 4104 1080; do
        [ -e tree ] && cp pristine view || { origin && cp view pristine; }
        printf '\377\377\377\377' | dd of=view bs=1 seek=$offset conv=notrunc status=none
        store --no-identity --accept=identity
        damage 30 "$(block_of /dir/deep/file)"
        program snapcheck --origin origin cow
        assert_status 4
        assert_shown "cow: area 0 slot 30: data chunk 900000"
        case $offset in
        2044) assert_shown "of the snapshot, file /dir/deep/file (" ;; # only a checksum
        1080) # the magic
            assert_shown "of the snapshot (corrupting: entry-new-range)"
            assert_not_said "no files"
            program snapcheck --json --origin origin cow
            assert_json '"\(.result.files_from) \(.findings[0] | has("files"))"' "null false" ;;
        esac
    done
}

@test "a journal that was not replayed is said" {
    origin
    debugfs -w -R 'feature needs_recovery' view 2>/dev/null
    store
    damage 3 "$(block_of /dir/deep/file)"
    program snapcheck --origin origin cow
    assert_shown "of the snapshot, file /dir/deep/file ("
    assert_said "origin: the journal of the file system was not replayed"
    program snapcheck -q --origin origin cow
    [[ $stderr != *journal* ]]
}

# clone is how each process is made here, and fork where there is no clone.
@test "where nothing is found, no file system is looked at" {
    local sound damaged
    command -v strace >/dev/null && [ -z "$WRAPPER" ] && [ "$SANITIZERS" != yes ] || skip "needs strace, and no wrapper"
    pair
    strace -f -o calls -e trace=process "$BUILDDIR/tools/snapcheck" --origin origin cow >/dev/null 2>&1 ||
        skip "strace cannot be used here"
    sound=$(grep -cE '(clone3?|v?fork)\(' calls)
    damage 3 "$(block_of /dir/deep/file)"
    strace -f -o calls -e trace=process "$BUILDDIR/tools/snapcheck" --origin origin cow >/dev/null 2>&1 || true
    damaged=$(grep -cE '(clone3?|v?fork)\(' calls)
    [ "$damaged" -gt "$sound" ]
}

@test "without libext2fs findings are what they were, and --version -v says what is missing" {
    program snapcheck --version -v
    assert_status 0
    lacks ext2fs || skip "this build has libext2fs"
    assert_shown "libext2fs (files are not named, file systems not asked for their size)"
    pair
    damage 3 "$(block_of /dir/deep/file)"
    program snapcheck --origin origin cow
    assert_status 4
    assert_shown "of the snapshot (corrupting: entry-new-range)"
    program snapcheck --json --origin origin cow
    assert_json '"\(.result.files_from) \(.findings[0] | has("files"))"' "null false"
}
