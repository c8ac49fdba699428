#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapmerge --preserve: other snapshots of the origin show what they showed before, whatever happens; or it is refused.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154,SC2317

# Four snapshots of an origin that ends inside of its last chunk, whatever the size; made once.
setup_file() {
    load helpers
    load work
    load forks
    mkdir "$BATS_FILE_TMPDIR/family" && cd "$BATS_FILE_TMPDIR/family" || return
    origin_of $((1024 * 1024 - 3 * 512))
    fork small 512 20
    fork plain 4096 40
    fork middle 16384 30
    fork large 65536 30
}

setup() {
    load helpers
    load work
    load forks
    load system_calls
    in_folder
    pid=
}

teardown() {
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
    loops_detach
}

family() {
    cp "$BATS_FILE_TMPDIR"/family/* .
}

# refused STATUS TEXT FILE...: said so, and these are as they were, with origin and `plain`.
refused() {
    local exit_status=$1 text=$2 name
    shift 2
    assert_status "$exit_status"
    assert_said "$text"
    assert_said "Nothing was written."
    for name in origin plain "$@"; do
        cmp "$name" "$name.before"
    done
}

# --- the views ---------------------------------------------------------------------------------
# merge_preserving COW OTHER...
merge_preserving() {
    local cow=$1 other options=()
    shift
    begin_anew "$cow" "$@"
    for other in "$@"; do
        options+=(--preserve "$other")
    done
    program snapmerge "${options[@]}" --origin origin --cow "$cow"
    assert_status 0
    cmp origin "$cow.view"
    assert_equal "$(entries_of "$cow")" 0
    for other in "$@"; do
        shows "$other" "$other.view"
    done
    sound "$cow" "$@"
}

@test "chunks of 4 KiB merged: others of 512 bytes, 16 KiB and 64 KiB show what they showed" {
    family
    merge_preserving plain small middle large
}

@test "chunks of 64 KiB merged: others of 512 bytes, 4 KiB and 16 KiB show what they showed" {
    family
    merge_preserving large plain small middle
}

@test "chunks of 512 bytes merged: others of 4 KiB and 64 KiB show what they showed, and so on to the last" {
    family
    merge_preserving small large plain
    # From here on there is another origin, and the same two views.
    cp origin origin.before
    cp large large.before
    cp plain plain.before
    merge_preserving plain large
    cp origin origin.before
    cp large large.before
    merge_preserving large
}

@test "without --preserve they do not" {
    family
    program snapmerge --origin origin --cow plain
    assert_status 0
    local other
    for other in small middle large; do
        run ! shows "$other" "$other.view"
    done
}

@test "a chunk that reaches over the origin's end: the origin keeps its size, the rest of the chunk is zero" {
    origin_of $((100 * 1024 + 512))
    fork plain 4096 100
    fork large 65536 0
    # Where its data will be: something that must not stay behind the origin's end.
    dd if=/dev/urandom of=large bs=65536 seek=2 count=2 conv=notrunc status=none
    cp large large.before
    merge_preserving plain large
    assert_equal "$(stat -c %s origin)" $((100 * 1024 + 512))
    assert_equal "$(walk large ranges)" "0 0 2 2"
    zero large $((2 * 65536 + 100 * 1024 + 512)) $((28 * 1024 - 512))
}

@test "all other stores together have a quarter of the memory" {
    [ "${SANITIZERS:-no}" = no ] || skip "the sanitizers take memory of their own"
    need_strace
    family
    traced -e trace=mmap -- snapmerge -n --memory 2G --preserve small --preserve middle --preserve large --undo undo \
        --origin origin --cow plain
    assert_status 0
    # Three of the four are open; the largest that each takes is its buffer, a quarter of its share.
    perl -ne '$sizes[@sizes] = $1 >> 20 if /mmap\(NULL, (\d+), PROT_READ\|PROT_WRITE, (?!.*NORESERVE)/;
        END { print "@sizes MiB\n"; exit(!grep({ $_ > 31 } @sizes) || grep({ $_ > 40 } @sizes)) }' trace
}

@test "a store that lacks nothing is not written to" {
    family
    fork whole 4096 100
    program snapmerge --json --preserve whole --origin origin --cow plain
    assert_status 0
    assert_json '.result.preserved[0] | "\(.needed_chunks) \(.copied_chunks) \(.written_bytes) \(.flushes)"' "0 0 0 1"
    cmp whole whole.before
    shows whole whole.view
}

@test "the report: what was copied, to whom" {
    family
    local needed
    needed=$(chunks_needed plain middle)
    program snapmerge --json --preserve middle --origin origin --cow plain
    assert_status 0
    assert_said "middle: $needed chunks ("
    assert_json '.result.preserved | length' 1
    assert_json '.result.preserved[0] | "\(.device) \(.undo) \(.invalidated) \(.needed_chunks) \(.copied_chunks)"' \
        "middle false false $needed $needed"
    assert_json .result.preserved[0].written_bytes $((needed * 16384))
}

# --- room --------------------------------------------------------------------------------------
# with_room STORE CHUNK_BYTES LESS: of exactly the chunks that it will need, less so many.
with_room() {
    needed=$(chunks_needed plain "$1")
    truncate -s $((($(chunks_for $(($(entries_of "$1") + needed)) "$2") - $3) * $2)) "$1"
    cp "$1" "$1.before"
}

@test "exactly the room that is needed is enough; the dry run has the figures" {
    family
    local name chunk_bytes
    for name in small:512 middle:16384 large:65536; do
        chunk_bytes=${name#*:}
        name=${name%:*}
        begin_anew plain
        with_room "$name" "$chunk_bytes" 0
        program snapmerge -n --preserve "$name" --origin origin --cow plain
        assert_status 0
        assert_shown "preserve    $name: $needed chunk"
        assert_shown "to be copied out, room for $needed"
        cmp "$name" "$name.before"
        merge_preserving plain "$name"
        assert_equal "$(entries_of "$name")" $(($(entries_of "$name.before") + needed))
    done
}

@test "one chunk less is refused; what it says is missing is enough" {
    family
    local name chunk_bytes missing
    for name in small:512 middle:16384 large:65536; do
        chunk_bytes=${name#*:}
        name=${name%:*}
        begin_anew origin plain
        with_room "$name" "$chunk_bytes" 1
        program snapmerge --preserve "$name" --origin origin --cow plain
        refused 8 "$name: this merge replaces $needed chunks" "$name"
        assert_said "room for $((needed - 1)) only; make it larger by "
        missing=$(sed -nE 's/.*make it larger by [^(]*\(([0-9]+) bytes\).*/\1/p' <<<"$stderr")
        [ "$missing" -ge "$chunk_bytes" ]
        [ "$missing" -le $((3 * chunk_bytes)) ]
        truncate -s +"$missing" "$name.before"
        merge_preserving plain "$name"
    done
}

@test "one that has no room keeps all from being merged" {
    family
    with_room large 65536 1
    program snapmerge --preserve middle --preserve large --origin origin --cow plain
    refused 8 "large: this merge replaces" middle large
}

# Chunk 0 as the kernel leaves it: magic, valid 0, version and chunk size, then zeros.
assert_invalid() {
    assert_equal "$(hex "$1" 0 16)" "$(hex "$1.before" 0 4)00000000$(hex "$1.before" 8 8)"
    zero "$1" 16 $(($2 - 16))
    cmp -i "$2" "$1" "$1.before"
}

@test "--overflow=invalidate: refused without -y and without a terminal" {
    family
    with_room large 65536 1
    program snapmerge --overflow=invalidate --preserve middle --preserve large --origin origin --cow plain
    refused 8 "large: it has no room for what this merge replaces; to mark it invalid without a question" middle large
}

@test "--overflow=invalidate: n on a terminal refuses, y marks it invalid" {
    family
    with_room large 65536 1
    on_terminal n snapmerge --overflow=invalidate --preserve large --origin origin --cow plain
    assert_equal "$status" 8
    assert_shown "Mark it invalid and lose what it shows? [y/N]"
    assert_shown "Nothing was written."
    cmp large large.before
    cmp origin origin.before
    on_terminal $'y\ny' snapmerge --overflow=invalidate --preserve large --origin origin --cow plain
    assert_equal "$status" 0
    cmp origin plain.view
    assert_invalid large 65536
}

@test "--overflow=invalidate: stopped at the question: exit 32 and nothing was written" {
    load background
    family
    with_room large 65536 1
    mkfifo keys
    : >said
    TERM=dumb script --quiet --return --command "$(typed snapmerge --overflow=invalidate --preserve large --origin origin \
        --cow plain)" /dev/null <keys >said 3>&- &
    pid=$!
    exec 8>keys
    until_true grep -qF '[y/N]' said
    printf '\003' >&8
    end
    exec 8>&-
    refused 32 "stopped" large
}

@test "--overflow=invalidate -y: it is invalid as the kernel would have left it, the others keep their views" {
    family
    with_room large 65536 1
    program snapmerge --json -y --overflow=invalidate --preserve large --preserve middle --origin origin --cow plain
    assert_status 0
    assert_said "large: it is invalid now"
    assert_json '.result.preserved | map("\(.device) \(.invalidated)") | join(", ")' "large true, middle false"
    cmp origin plain.view
    assert_invalid large 65536
    shows middle middle.view
    program snapcheck large
    assert_status 4
}

@test "--overflow=invalidate: killed once it is invalid, the same command goes on" {
    family
    with_room large 65536 1
    program snapmerge -y --overflow=invalidate --preserve large --preserve middle --origin origin --cow plain
    assert_status 0
    begin_anew plain middle
    cp large large.invalid
    program snapmerge -y --overflow=invalidate --preserve large --preserve middle --origin origin --cow plain
    assert_status 0
    assert_said "large: it is invalid already and stays invalid"
    cmp origin plain.view
    cmp large large.invalid
    shows middle middle.view
    # Without the word it is a mistake.
    begin_anew plain middle
    program snapmerge --preserve large --preserve middle --origin origin --cow plain
    assert_status 4
    cmp origin origin.before
}

@test "--overflow=invalidate marks nobody who has room" {
    family
    with_room large 65536 0
    program snapmerge -y --overflow=invalidate --preserve large --origin origin --cow plain
    assert_status 0
    shows large large.view
}

@test "--overflow=invalidate: a dry run says who would be given up, and writes nothing" {
    family
    with_room large 65536 1
    program snapmerge -n --overflow=invalidate --preserve large --origin origin --cow plain
    assert_status 0
    assert_shown "room for $((needed - 1)); it would be marked invalid"
    refused 0 "" large
}

# --- refused -----------------------------------------------------------------------------------
@test "the same store twice, by whatever name, and the COW or the origin itself: refused" {
    family
    ln middle another
    ln -s middle link
    local other
    for other in middle another link; do
        program snapmerge --preserve middle --preserve "$other" --origin origin --cow plain
        refused 8 "are the same device" middle
    done
    program snapmerge --preserve plain --origin origin --cow plain
    refused 8 "plain and plain are the same device" middle
    program snapmerge --preserve middle --preserve origin --origin origin --cow plain
    refused 8 "origin and origin are the same device" middle
}

@test "a damaged store, an invalid one, one that is none: refused" {
    family
    # An entry whose data would be area 0.
    printf '\001\000\000\000\000\000\000\000' | dd of=middle bs=1 seek=$((16384 + 8)) conv=notrunc status=none
    cp middle middle.before
    program snapmerge --preserve large --preserve middle --origin origin --cow plain
    refused 4 "middle: the store is damaged" middle large
    printf '\000' | dd of=large bs=1 seek=4 conv=notrunc status=none
    cp large large.before
    program snapmerge --preserve large --origin origin --cow plain
    refused 4 "large: " large
    contents text 100000 text
    cp text text.before
    program snapmerge --preserve text --origin origin --cow plain
    refused 4 "text: " text
    program snapmerge --preserve missing --origin origin --cow plain
    refused 8 "missing: "
    [ ! -e missing ]
}

@test "a store of another origin: refused; --accept=identity keeps its view over this one" {
    family
    cp origin.before kept
    truncate -s +64K origin.before
    fork stranger 4096 0
    mv kept origin.before
    program snapmerge --preserve stranger --origin origin --cow plain
    refused 8 "if you know that it never was longer, add --accept=identity" stranger
    program snapmerge --accept=identity --preserve stranger --origin origin --cow plain
    assert_status 0
    cmp origin plain.view
    program snapinspect --accept=identity --origin origin --extract shown stranger
    assert_status 0
    cmp shown origin.before
}

@test "a store whose list looks cut: refused" {
    family
    # Its first area becomes empty, the second one goes on.
    dd if=/dev/zero of=small bs=512 seek=1 count=1 conv=notrunc status=none
    cp small small.before
    program snapmerge --preserve small --origin origin --cow plain
    refused 8 "may have been cut off" small
    # Nobody is asked: an answer would not bring back what would be overwritten.
    on_terminal $'y\ny' snapmerge --preserve small --origin origin --cow plain
    assert_equal "$status" 8
    assert_shown "would overwrite that"
    cmp origin origin.before
    cmp small small.before
}

@test "a store on a device whose blocks are larger than its chunks: refused" {
    need_loops
    family
    loop_over small --sector-size 4096
    program snapmerge --preserve "$loop" --origin origin --cow plain
    refused 8 "$loop: its logical blocks have 4096 bytes, but the store's chunks only 512" small
}

@test "a store that is in use: refused, and a dry run foresees it" {
    need_loops
    family
    loop_over middle
    local option
    for option in --quiet --dry-run; do
        program snapmerge "$option" --preserve middle --origin origin --cow plain
        refused 8 "backs $loop" middle
    done
}

@test "--overflow without a store to preserve, or with another word: a usage error" {
    family
    name=snapmerge
    program snapmerge --overflow=invalidate --origin origin --cow plain
    assert_usage_error "--overflow needs --preserve"
    program snapmerge --overflow=ignore --preserve small --origin origin --cow plain
    assert_status 16
    cmp origin origin.before
}

# --- what cannot be kept -----------------------------------------------------------------------
@test "old content that cannot be read for another store stays, is listed as unkept, and goes with a later run" {
    local reads options=(--continue-on-error --io-engine threads --queue-depth 1)
    need_strace
    family
    cp middle again
    traced -P "$PWD/origin" -e "trace=preadv" -- \
        snapmerge "${options[@]}" --preserve again --origin origin --cow plain
    assert_status 0
    # Of the thread that reads last: each has a count of its own.
    reads=$(awk '/ preadv\(/ { n[$1]++; last = $1 } END { print n[last] }' trace)
    begin_anew plain middle
    # From the last read on none succeeds.
    traced -P "$PWD/origin" -e "trace=preadv" -e "inject=preadv:error=EIO:when=$reads+" -- \
        snapmerge "${options[@]}" --json --bad-list bad.txt --preserve middle --origin origin --cow plain
    assert_status 4
    assert_json '.result.bad | map(.reason) | unique | join(" ")' unkept
    assert_said "so the old content cannot be kept for another store"
    assert_said "chunks remain in plain"
    [ "$(grep -c ' unkept$' bad.txt)" -gt 0 ]
    assert_equal "$(grep -c ' unkept$' bad.txt)" "$(entries_of plain)"
    shows plain plain.view
    shows middle middle.view
    program snapmerge --preserve middle --origin origin --cow plain
    assert_status 0
    cmp origin plain.view
    shows middle middle.view
}

# --- interrupted -------------------------------------------------------------------------------
@test "stopped at random moments and repeated: all views right all the time, and at the end" {
    family
    local stops=0 halfway=0 runs
    for ((runs = 0; runs < 100 && (stops < 10 || halfway < 3); runs++)); do
        at_random TERM --rate-limit 2M --memory 16M --preserve small --preserve large --origin origin --cow plain
        if ended_early; then
            stops=$((stops + 1))
            ! half_merged plain.view || halfway=$((halfway + 1))
        fi
        reads_as plain plain.view
        reads_as small small.view
        reads_as large large.view
        if cmp -s origin plain.view; then
            sound plain small large
            begin_anew plain small large
        fi
    done
    program snapmerge --preserve small --preserve large --origin origin --cow plain
    assert_status 0
    cmp origin plain.view
    shows small small.view
    shows large large.view
    echo "# $stops stops, $halfway in the middle" >&3
    [ "$halfway" -ge 3 ]
}

@test "what it says to type when it was stopped names the others, and goes on" {
    family
    with_room middle 16384 1
    anew() { begin_anew plain large middle; }
    met() { half_merged plain.view; }
    halfway INT --rate-limit 256K --yes --overflow=invalidate --preserve middle --preserve large \
        --origin origin --cow plain
    assert_said "To go on: snapmerge --origin origin --cow plain --preserve large"
    shows large large.view
    run --separate-stderr env PATH="$BUILDDIR/tools:$PATH" bash -c "$(sed -n 's/ --rate-limit [0-9A-Z]*//; s/^To go on: //p' said)" </dev/null
    assert_status 0
    cmp origin plain.view
    shows large large.view
}
