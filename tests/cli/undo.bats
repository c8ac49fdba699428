#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapmerge --undo: a merge can be taken back, from its end and from every point on the way; a wrong way back is refused.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154,SC2317

# Made once: an origin that ends inside of its last chunk, two snapshots of it, what a merge of each with an undo store
# leaves (`done`), and what one of them leaves that was stopped (`half`).
setup_file() {
    load helpers
    load work
    load forks
    mkdir "$BATS_FILE_TMPDIR/pairs" "$BATS_FILE_TMPDIR/done" "$BATS_FILE_TMPDIR/half"
    cd "$BATS_FILE_TMPDIR/pairs" || return
    origin_of $((1024 * 1024 - 3 * 512))
    fork snap 4096 40
    fork fine 512 20
    fork bare 4096 40 --no-identity
    program snapmerge --undo undo --origin origin --cow snap
    mv origin snap undo ../done
    anew() { rm -f undo && begin_anew fine; }
    met() { half_merged fine.view; }
    halfway TERM --rate-limit 256K --undo undo --origin origin --cow fine
    mv origin fine undo ../half
    cp said ../half/said
    begin_anew snap fine
}

setup() {
    load helpers
    load work
    load forks
    in_folder
    cp "$BATS_FILE_TMPDIR"/pairs/* .
    pid=
    mounted=
}

teardown() {
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
    [ -z "$mounted" ] || umount "$mounted"
    loops_detach
}

merged_with_undo() {
    cp "$BATS_FILE_TMPDIR"/done/* .
}

half_merged_with_undo() {
    cp "$BATS_FILE_TMPDIR"/half/* .
}

merge() {
    program snapmerge "$@" --origin origin
}

# take_back: runs what the run before has printed as its last line.
take_back() {
    local command
    command=$(tail -n 1 <<<"$stderr")
    [[ $command == "To take it back: "* ]]
    run --separate-stderr env PATH="$BUILDDIR/tools:$PATH" timeout 300 bash -c "${command#*: }" </dev/null
    assert_status 0
}

# as_before SNAPSHOT: nothing of a merge is left.
as_before() {
    cmp origin origin.before
    shows "$1" "$1.view"
    sound "$1"
}

# refused STATUS TEXT FILE...: said so, and nothing was written to these, nor made.
refused() {
    assert_status "$1"
    assert_said "$2"
    assert_said "Nothing was written."
    assert_untouched
}

# The flags and ids of a store's record: 1 an undo store, 2 a merge is under way, 4 its way back is lost.
flags() {
    number "$1" 68 4
}

# --- there and back ----------------------------------------------------------------------------
@test "the file has exactly its room, all of it allocated, for its owner alone, whatever the umask" {
    local name chunk_bytes bytes
    for name in snap:4096 fine:512; do
        chunk_bytes=${name#*:}
        name=${name%:*}
        bytes=$(($(chunks_for "$(entries_of "$name")" "$chunk_bytes") * chunk_bytes))
        umask 000
        merge -n --undo "$name.undo" --cow "$name"
        assert_status 0
        assert_shown "undo        $name.undo: a new image of "
        assert_shown "($bytes bytes)"
        [ ! -e "$name.undo" ]
        merge --undo "$name.undo" --cow "$name"
        assert_status 0
        assert_equal "$(stat -c '%s %a' "$name.undo")" "$bytes 600"
        [ "$(blocks "$name.undo")" -ge $((bytes / 512)) ]
        assert_equal "$(entries_of "$name.undo")" "$(entries_of "$name.before")"
        cp origin.before origin
    done
}

@test "it is a store, which shows the origin from before" {
    local ids
    merged_with_undo
    cmp origin snap.view
    shows undo origin.before
    sound undo
    program snapinspect --json undo
    assert_status 0
    assert_json '.result.entries' "$(entries_of snap.before)"
    assert_equal "$(hex undo 72 16)" "$(hex snap 32 16)" # its parent
    assert_equal "$(flags undo) $(flags snap)" "1 0"
}

@test "an undo store is told as one, with what it takes back; that it is full is no finding" {
    merged_with_undo
    program snapinspect --origin origin undo
    assert_status 0
    assert_shown "undo store  what a merge of the store "
    assert_said "to take the merge back, with COW for the store that was merged: snapmerge --origin origin --cow undo --preserve COW"
    assert_shown "free        0 of "
    program snapcheck --origin origin undo
    assert_status 0
    assert_equal "$stderr" ""
    [[ $output != *store-full* && $output == *": clean"* ]]
    program snapinspect snap
    assert_shown "way back    the undo store "
    assert_not_said "take the merge back"
    program snapinspect --json undo
    assert_json '.result.identity | "\(.is_undo_store) \(.undo_id) \(.merge_under_way) \(.undo_lacks_a_part)"' \
        "true null false false"
    local id
    id=$(json .result.identity.store_id)
    program snapinspect --json snap
    assert_json '.result.identity | "\(.is_undo_store) \(.undo_id)"' "false $id"
    on_terminal n snapmerge --origin origin --cow undo --preserve snap
    assert_shown "takes back  the merge of snap: undo is an undo store"
    program snapmerge -n --origin origin --cow undo --preserve snap
    assert_shown "takes back  the merge of snap: undo is an undo store"
    program snapmerge -n --accept=parent --origin origin --cow undo
    assert_shown "takes back  the merge of another store: undo is an undo store"
}

@test "the line that is printed last takes it back: origin and snapshot are as before" {
    local name
    for name in snap fine; do
        merge --undo undo --cow "$name"
        assert_status 0
        assert_said "$name is a valid, empty store now; keep it for as long as you may want to take the merge back"
        take_back
        assert_said "taken back: origin holds what it held before the merge"
        assert_said "$name has its entries again"
        as_before "$name"
        assert_equal "$(entries_of "$name") $(entries_of undo)" "$(entries_of "$name.before") 0"
        # Once more, by itself: there is nothing left whose view could be lost.
        merge --cow undo
        assert_status 0
        assert_said "nothing to merge"
        rm undo
    done
    # And there again, with a new one.
    merge --undo again --cow snap
    assert_status 0
    cmp origin snap.view
}

@test "names with blanks: the line works as it is printed" {
    mkdir "a folder"
    mv snap "a folder/the snapshot"
    merge --undo "a folder/the undo" --cow "a folder/the snapshot"
    assert_status 0
    take_back
    cmp origin origin.before
    shows "a folder/the snapshot" snap.view
}

@test "stopped at random moments: taken back from there, or resumed and taken back" {
    local stops=0 halfway=0 back=0 runs
    for ((runs = 0; runs < 200 && (stops < 20 || halfway < 5); runs++)); do
        at_random TERM --rate-limit 2M --memory 16M --undo undo --origin origin --cow fine
        if ended_early; then
            stops=$((stops + 1))
            ! half_merged fine.view || halfway=$((halfway + 1))
            reads_as fine fine.view
            [ ! -e undo ] || [ "$(flags fine)" != 2 ] || reads_as undo origin.before
            ((RANDOM % 2)) || continue # resumed, from there, with the same one
        fi
        if [ "$(flags fine)" != 2 ] && [ "$status" -ne 0 ]; then
            cmp origin origin.before # so early that there is no way back, and no need for one
            rm -f undo
            continue
        fi
        # Taking it back is a merge as any other: stopped as well, and repeated.
        until at_random TERM --rate-limit 2M --origin origin --cow undo --preserve fine && ! ended_early; do
            back=$((back + 1))
            reads_as fine fine.view
            reads_as undo origin.before
        done
        as_before fine
        rm undo
    done
    echo "# $stops stops, $halfway in the middle; $back on the way back" >&3
    [ "$stops" -ge 20 ]
    [ "$halfway" -ge 5 ]
    [ "$back" -gt 0 ]
}

# partly_equal: an origin so small that each block of it is sampled, and the store `part` with 60 entries, of which each
# third holds what the origin has.
partly_equal() {
    contents origin $((150 * 4096)) origin
    contents other $((150 * 4096)) other
    cp origin origin.before
    rm -f part
    program snapcreate --quiet --chunk-size 4K --origin origin --cow part --size max
    assert_status 0
    perl -e '
        my $list = "";
        open(my $origin, "<:raw", "origin") or die;
        open(my $other, "<:raw", "other") or die;
        open(my $part, "+<:raw", "part") or die;
        for my $i (0 .. 59) {
            my ($in, $old) = ($i % 3 ? $other : $origin, 20 + 2 * $i);
            seek($in, $old * 4096, 0);
            read($in, my $chunk, 4096) == 4096 or die;
            seek($part, (2 + $i) * 4096, 0);
            print $part $chunk;
            $list .= pack("Q<2", $old, 2 + $i);
        }
        seek($part, 4096, 0);
        print $part $list;
        close($part) or die;'
    cp part part.before
    rm -f part.view
    "$BUILDDIR/tools/snapinspect" -q --origin origin --extract part.view part
}

@test "equal chunks were left out, and the way back is killed at each flush: the line goes on, and with this origin only" {
    local n listed partly=0
    load system_calls
    need_strace
    partly_equal
    merge --skip-identical --undo undo --cow part
    assert_status 0
    cmp origin part.view
    assert_equal "$(entries_of undo)" 40
    for n in origin part undo; do cp "$n" "$n.merged"; done
    for ((n = 1; n < 60; n++)); do
        for listed in origin part undo; do cp "$listed.merged" "$listed"; done
        traced -e trace=fsync,fdatasync -e "inject=fsync,fdatasync:signal=KILL:when=$n" -- \
            snapmerge --quiet --io-engine threads --origin origin --cow undo --preserve part
        [ "$status" -eq 137 ] || break
        listed=$(entries_of part)
        if [ "$listed" -gt 0 ] && [ "$listed" -lt 36 ]; then
            partly=$((partly + 1))
            cp origin.before copy
            remember copy part undo
            program snapmerge --origin copy --cow undo --preserve part
            refused 8 "part: a merge of this store was begun, and this origin does not have what it has written"
        fi
        merge --cow undo --preserve part
        assert_status 0
        as_before part
    done
    assert_status 0
    echo "# $n flushes, $partly with a part of the entries"
    [ "$n" -gt 8 ]
    [ "$partly" -ge 1 ]
}

@test "stopped: it says how to go on and how to go back, and both work" {
    half_merged_with_undo
    grep -qxF "To go on: snapmerge --origin origin --cow fine --undo undo --rate-limit 256K" said
    assert_equal "$(tail -n 1 said)" "To take it back: snapmerge --origin origin --cow undo --preserve fine"
    stderr=$(<said)
    take_back
    as_before fine
    half_merged_with_undo
    merge --undo undo --cow fine
    assert_status 0
    cmp origin fine.view
    take_back
    as_before fine
}

@test "the undo of the undo: all is as if it had not been taken back" {
    merged_with_undo
    program snapmerge --undo redo --origin origin --cow undo --preserve snap
    assert_status 0
    cmp origin origin.before
    shows snap snap.view
    shows redo snap.view
    assert_equal "$(tail -n 1 <<<"$stderr")" "To take it back: snapmerge --origin origin --cow redo --preserve undo"
    take_back
    cmp origin snap.view
    shows snap snap.view
    shows undo origin.before
    program snapmerge --origin origin --cow undo --preserve snap
    assert_status 0
    as_before snap
}

@test "with --preserve: the others keep their views, there and back" {
    local way
    merge --undo undo --preserve fine --cow snap
    assert_status 0
    shows fine fine.view
    shows undo origin.before
    take_back
    as_before snap
    shows fine fine.view
}

@test "--keep-cow with --undo: the COW is not written to, and the merge can be taken back" {
    merge --keep-cow --undo undo --cow snap
    assert_status 0
    cmp snap snap.before
    cmp origin snap.view
    shows undo origin.before
    take_back
    as_before snap
}

@test "--keep-cow twice with one undo store: refused, for what was written meanwhile would not be in it" {
    local old
    merge --keep-cow --undo undo --cow snap
    assert_status 0
    old=$(walk snap ranges | awk '{ print $2; exit }')
    printf 'used since' | dd of=origin bs=1 seek=$((old * 4096 + 100)) conv=notrunc status=none
    cp origin origin.used
    remember origin snap undo
    merge --keep-cow --undo undo --cow snap
    refused 8 "undo: it holds all that this merge replaces"
    assert_said "name a new file"
    merge --keep-cow --undo again --cow snap
    assert_status 0
    cmp origin snap.view
    take_back
    cmp origin origin.used
}

@test "--keep-cow, stopped when all that is replaced was kept: the line to go on leaves --undo out, and works" {
    local writes run=(--keep-cow --seeks free --io-engine threads --queue-depth 1 --rate-limit 256K --undo undo --origin origin --cow snap)
    load system_calls
    need_strace
    traced -P "$PWD/origin" -e trace=pwritev,pwrite64 -- snapmerge "${run[@]}"
    assert_status 0
    writes=$(grep -c pwritev trace)
    rm undo
    begin_anew snap
    traced -P "$PWD/origin" -e trace=pwritev -e "inject=pwritev:signal=TERM:when=$((writes - 3))" -- snapmerge "${run[@]}"
    assert_status 32
    half_merged snap.view
    assert_said "To go on: snapmerge --origin origin --cow snap --keep-cow"
    assert_not_said "--undo undo"
    cp undo kept
    run --separate-stderr env PATH="$BUILDDIR/tools:$PATH" bash -c "$(sed -n 's/ --rate-limit [0-9A-Z]*//; s/^To go on: //p' <<<"$stderr")" </dev/null
    assert_status 0
    cmp origin snap.view
    cmp undo kept
    program snapmerge --origin origin --cow undo --preserve snap
    assert_status 0
    as_before snap
    # A COW that is not kept knows its undo store, and the line names it to the end.
    rm undo
    begin_anew snap
    traced -P "$PWD/origin" -e trace=pwritev -e "inject=pwritev:signal=TERM:when=$((writes - 3))" -- snapmerge "${run[@]:1}"
    assert_status 32
    assert_said "To go on: snapmerge --origin origin --cow snap --undo undo"
}

@test "--keep-cow, stopped when not all that is replaced was kept: the line to go on names the undo store, and works" {
    load system_calls
    need_strace
    traced -P "$PWD/origin" -e trace=pwritev -e "inject=pwritev:signal=TERM:when=1" -- snapmerge --keep-cow \
        --seeks free --io-engine threads --queue-depth 1 --rate-limit 256K --undo undo --origin origin --cow snap
    assert_status 32
    half_merged snap.view
    assert_said "To go on: snapmerge --origin origin --cow snap --keep-cow --undo undo"
    run --separate-stderr env PATH="$BUILDDIR/tools:$PATH" bash -c "$(sed -n 's/ --rate-limit [0-9A-Z]*//; s/^To go on: //p' <<<"$stderr")" </dev/null
    assert_status 0
    cmp origin snap.view
    take_back
    as_before snap
}

@test "bad entries are left: the merge is still under way, and goes on with its undo store, and only with it" {
    need_loops
    loop_over snap
    # The data of the last entries cannot be read any more.
    truncate -s $((90 * 4096)) snap
    merge --continue-on-error --undo undo --cow "$loop"
    assert_status 4
    assert_said "chunks remain in $loop"
    loops_detach
    assert_equal "$(flags snap)" 2
    # Until they can be read again.
    dd if=snap.before of=snap bs=4096 skip=90 seek=90 conv=notrunc status=none
    remember origin snap undo
    merge --cow snap
    refused 8 "snap: this merge was begun with an undo store ("
    merge --undo undo --cow snap
    assert_status 0
    assert_equal "$(flags snap)" 0
    take_back
    as_before snap
}

@test "--keep-cow does not give up the way back of a merge that is under way, for the COW could not remember it" {
    half_merged_with_undo
    remember origin fine undo
    merge --keep-cow --cow fine
    refused 8 "go on with --undo FILE"
    merge --keep-cow --accept=undo --cow fine
    refused 8 "add --accept=undo and leave --keep-cow out"
    merge --undo undo --cow fine
    assert_status 0
    take_back
    as_before fine
}

@test "a merge is taken back, and its snapshot has no room for that: stopped, the line to go on works all the same" {
    fork other 4096 40
    anew() {
        merged_with_undo
        truncate -s 24K snap
        cp other.before other
        # Its origin was merged into without keeping its view: the fingerprint would say so.
        dd if=/dev/zero of=other bs=512 seek=1 count=1 conv=notrunc status=none
    }
    met() { half_merged snap.view; }
    # Another one has room, and is named behind the one that has not.
    halfway TERM --rate-limit 256K --yes --overflow=invalidate --preserve snap --preserve other --origin origin --cow undo
    assert_said "To go on: snapmerge --origin origin --cow undo --preserve other --accept=parent"
    run --separate-stderr env PATH="$BUILDDIR/tools:$PATH" bash -c "$(sed -n 's/ --rate-limit [0-9A-Z]*//; s/^To go on: //p' said)" </dev/null
    assert_status 0
    cmp origin origin.before
}

@test "a snapshot with another file system UUID: the lines to go on and to go back work as they are printed" {
    local uuid=2e3c2c5e-45e1-4a6b-8a66-6d9d2a3f7a1
    rm -f origin* snap*
    truncate -s 2M origin.before
    mke2fs -q -t ext4 -U ${uuid}0 origin.before
    cp origin.before snap.view
    mke2fs -q -F -t ext4 -U ${uuid}1 snap.view
    head -c 800K /dev/urandom | dd of=snap.view bs=4096 seek=200 conv=notrunc status=none
    cp origin.before origin
    program snapcreate --quiet --chunk-size 4K --size 2M --from-diff snap.view --accept identity \
        --origin origin --cow snap.before
    assert_status 0
    # The other way round: the super block goes with the first window.
    perl -e '
        my ($count, $area) = (shift);
        open(my $file, "+<:raw", "snap.before") or die;
        seek($file, 4096, 0);
        read($file, $area, 16 * $count) == 16 * $count or die;
        seek($file, 4096, 0);
        print $file reverse(unpack("(a16)*", $area));
        close($file) or die;' "$(entries_of snap.before)"
    anew() { rm -f undo && begin_anew snap; }
    met() { half_merged snap.view && [ "$(blkid -p -s UUID -o value origin)" = ${uuid}1 ]; }
    halfway TERM --rate-limit 2M --checkpoint-interval 1 --undo undo --origin origin --cow snap
    assert_said "To go on: snapmerge --origin origin --cow snap --undo undo --accept=identity"
    cp origin half
    cp undo half.undo
    cp snap half.snap
    run --separate-stderr env PATH="$BUILDDIR/tools:$PATH" bash -c "$(sed -n 's/^To take it back: //p' said)" </dev/null
    assert_status 0
    cmp origin origin.before
    mv half origin
    mv half.undo undo
    mv half.snap snap
    run --separate-stderr env PATH="$BUILDDIR/tools:$PATH" bash -c "$(sed -n 's/ --rate-limit [0-9A-Z]*//; s/^To go on: //p' said)" </dev/null
    assert_status 0
    cmp origin snap.view
    take_back
    cmp origin origin.before
}

@test "an empty list: nothing is made" {
    merged_with_undo
    mv undo kept
    merge --undo undo --cow snap
    assert_status 0
    assert_said "nothing to merge"
    assert_not_said "take it back"
    [ ! -e undo ]
}

@test "a dry run makes nothing, and has the figures as data" {
    remember origin snap
    merge -n --json --undo undo --cow snap
    assert_status 0
    assert_json '.result.preserved | map("\(.device) \(.undo) \(.needed_chunks)") | join(" ")' \
        "undo true $(entries_of snap)"
    assert_untouched
}

# --- the same undo store, to the end ------------------------------------------------------------
@test "resuming without --undo, with a new file, with the undo store of another merge: refused" {
    half_merged_with_undo
    mv undo right
    cp "$BATS_FILE_TMPDIR/done/undo" other
    remember origin fine right other
    merge --cow fine
    refused 8 "fine: this merge was begun with an undo store ("
    merge --undo new --cow fine
    refused 8 "new: it is new, but this merge was begun with an undo store"
    merge --undo other --cow fine
    refused 8 "other: it is the undo store of another merge"
    merge --preserve right --cow fine
    refused 8 "fine: this merge was begun with an undo store ("
}

@test "an undo store of another user, or with rights for others, is not taken up; chmod makes it ours" {
    half_merged_with_undo
    chmod 644 undo
    remember origin fine undo
    merge --undo undo --cow fine
    refused 8 "undo: other users have rights to it (mode 0644)"
    assert_said "chmod 600 undo"
    chmod 620 undo
    remember origin fine undo
    merge --undo undo --cow fine
    refused 8 "undo: other users have rights to it (mode 0620)"
    chmod 600 undo
    if [ "$(id -u)" -eq 0 ]; then
        chown 65534 undo
        remember origin fine undo
        merge --undo undo --cow fine
        refused 8 "undo: it belongs to another user (65534)"
        chown 0 undo
    fi
    merge --undo undo --cow fine
    assert_status 0
    take_back
    as_before fine
}

# no_room_in STORE: from now on it takes no further chunk.
no_room_in() {
    truncate -s $(($(walk "$1" figures | cut -d' ' -f3) * 512)) "$1"
}

@test "an undo store that has become too small: refused; what it says to do with the merge is what can be done" {
    half_merged_with_undo
    no_room_in undo
    remember origin fine undo
    merge --undo undo --cow fine
    refused 8 "or give up the way back: leave --undo out and add --accept=undo"
    assert_not_said "--overflow"
    merge --accept=undo --cow fine
    assert_status 0
    cmp origin fine.view
}

@test "an undo store that is given up while its merge goes on is no way back any more, and that is remembered" {
    half_merged_with_undo
    no_room_in undo
    merge --yes --accept=undo --overflow=invalidate --preserve undo --cow fine
    assert_status 0
    assert_said "undo: it is invalid now"
    cmp origin fine.view
    assert_equal "$(flags fine)" 4
}

# undo_of_nobody: an undo store that no COW knows, as a merge of `bare` with --keep-cow leaves it; the origin as before.
undo_of_nobody() {
    merge --keep-cow --undo undo --cow bare
    assert_status 0
    begin_anew bare
}

@test "a COW without a record, and an undo store that is there: with entries it is refused, until they are taken back" {
    undo_of_nobody
    remember origin bare undo
    merge --undo undo --cow bare
    refused 8 "undo: it holds entries, and nothing in bare says that they are of this merge"
    run --separate-stderr env PATH="$BUILDDIR/tools:$PATH" bash -c "$(sed -n 's/.*repeat this command: //p' <<<"$stderr")" </dev/null
    assert_status 0
    cmp origin origin.before
    merge --undo undo --cow bare
    assert_status 0
    cmp origin bare.view
    # Both know each other now.
    assert_equal "$(hex undo 72 16)" "$(hex bare 32 16)"
    take_back
    as_before bare
}

@test "a COW without a record that is kept, and an undo store with entries on a block device: refused" {
    need_loops
    undo_of_nobody
    loop_over undo
    remember origin bare undo
    merge --keep-cow --undo "$loop" --cow bare
    refused 8 "$loop: it holds entries, and nothing in bare says that they are of this merge"
    loops_detach
}

@test "a COW without a record, and an empty undo store of another user: refused; nothing of the origin goes there" {
    [ "$(id -u)" -eq 0 ] || skip "needs root, to give a file to somebody else"
    undo_of_nobody
    merge --cow undo --preserve bare
    assert_status 0
    begin_anew bare
    chown 65534 undo
    remember origin bare undo
    merge --undo undo --cow bare
    refused 8 "undo: it belongs to another user (65534)"
    assert_said "name a new file"
}

@test "a run that takes up an empty undo store of a COW without a record is stopped: it goes on with it, and only with it" {
    undo_of_nobody
    program snapmerge --origin origin --cow undo --preserve bare
    assert_status 0
    cp undo undo.empty
    anew() {
        begin_anew bare
        cp undo.empty undo
    }
    met() { half_merged bare.view; }
    halfway TERM --rate-limit 256K --undo undo --origin origin --cow bare
    merge --cow bare
    assert_status 8
    assert_said "bare: this merge was begun with an undo store ("
    merge --undo undo --cow bare
    assert_status 0
    cmp origin bare.view
    take_back
    as_before bare
}

@test "resuming with the undo store of another merge of the same snapshot: refused" {
    half_merged_with_undo
    cp fine fine.half
    cp origin origin.half
    begin_anew origin fine
    dd if=fine.half of=fine bs=1 skip=32 seek=32 count=16 conv=notrunc status=none # no other store than that
    dd if=/dev/zero of=fine bs=1 seek=16 count=496 conv=notrunc status=none
    merge --undo second --cow fine
    assert_status 0
    # The second undo store gets the first one's parent, as one that was made for an earlier merge of it has.
    perl -e '
        sub crc { my ($c, $b) = (0xffffffff, $_[0]); for (unpack("C*", $b)) { $c ^= $_; $c = $c & 1 ? ($c >> 1) ^ 0x82f63b78 : $c >> 1 for 1 .. 8 } $c ^ 0xffffffff }
        open(my $half, "<:raw", "fine.half") or die; seek($half, 32, 0); read($half, my $id, 16);
        open(my $undo, "+<:raw", "second") or die; read($undo, my $sector, 512);
        substr($sector, 72, 16) = $id; substr($sector, 28, 4) = "\0" x 4;
        substr($sector, 28, 4) = pack("V", crc(substr($sector, 16, 480)));
        seek($undo, 0, 0); print $undo $sector;'
    cp fine.half fine
    cp origin.half origin
    remember origin fine second
    merge --undo second --cow fine
    refused 8 "second: it is not the undo store that this merge was begun with"
}

@test "--accept=undo goes on without; from then on taking it back is refused" {
    half_merged_with_undo
    merge --accept=undo --cow fine
    assert_status 0
    cmp origin fine.view
    assert_not_said "take it back"
    remember origin fine undo
    merge --cow undo --preserve fine
    refused 8 "a part of the merge of fine was done without this undo store"
    merge --accept=undo --cow undo --preserve fine
    assert_status 0
}

@test "--accept=undo, stopped at once: it was not under way any more, but its way back is lost" {
    anew() { half_merged_with_undo; }
    met() { [ "$(flags fine)" = 4 ]; }
    halfway TERM --rate-limit 128K --accept=undo --origin origin --cow fine
    shows fine fine.view
    remember origin fine undo
    merge --undo undo --cow fine
    refused 8 "undo: it lacks a part that was merged without it"
    merge --cow undo --preserve fine
    assert_status 8
    assert_said "was done without this undo store"
    merge --cow fine
    assert_status 0
    cmp origin fine.view
}

@test "an undo store merged without its snapshot: refused; --accept=parent brings back the origin alone" {
    merged_with_undo
    remember origin snap undo fine
    merge --cow undo
    refused 8 "the snapshot that was merged loses its view unless its store is named: add --preserve COW"
    merge --preserve fine --cow undo
    refused 8 "--accept=parent"
    merge --accept=parent --cow undo
    assert_status 0
    cmp origin origin.before
    shows snap origin.before
}

# refill NAME: a merged store gets entries again, as it would from the kernel: by a merge of another snapshot.
refill() {
    program snapmerge --accept=cut --preserve "$1" --origin origin --cow fine
    assert_status 0
    [ "$(entries_of "$1")" -gt 0 ]
    cp fine.before fine # not the origin: it has what was merged
}

@test "a store that is merged once more needs a new undo store" {
    merged_with_undo
    refill snap
    remember origin snap undo
    merge --undo undo --cow snap
    refused 8 "undo: it belongs to a merge of this store that is complete"
    merge --undo second --cow snap
    assert_status 0
    refill snap
    remember origin snap undo second
    merge --undo undo --cow snap
    refused 8 "undo: it holds what an earlier merge of this store replaced"
    merge --cow undo --preserve snap --accept=identity
    refused 8 "undo: snap was merged with another undo store since then"
}

@test "a store that is merged once more, without undo: its old undo store takes nothing back" {
    merged_with_undo
    refill snap
    merge --cow snap
    assert_status 0
    remember origin snap undo
    merge --cow undo --preserve snap
    refused 8 "was done without this undo store"
}

# --- ended while the store is made, and at the very end ----------------------------------------
@test "ended while the undo store is made: no file of that name, nothing merged, and the same command goes on" {
    load system_calls
    need_strace
    traced -e trace=linkat,renameat2 -e inject=linkat,renameat2:signal=SIGKILL -- \
        snapmerge --undo undo --origin origin --cow snap
    [ "$status" -eq 137 ]
    [ ! -e undo ]
    cmp origin origin.before
    shows snap snap.view
    merge --undo undo --cow snap
    assert_status 0
    cmp origin snap.view
    take_back
    cmp origin origin.before
}

@test "the undo store cannot be made: no file is left, and nothing was written to the origin" {
    load system_calls
    need_strace
    traced -e trace=linkat,renameat2 -e inject=linkat,renameat2:error=EIO -- snapmerge --undo undo --origin origin --cow snap
    assert_status 8
    assert_equal "$(echo undo*)" "undo*"
    assert_said "Nothing was written to origin, and no entry of snap was changed."
    cmp origin origin.before
    shows snap snap.view
}

@test "the undo store is moved away during the merge: that is said, and the line to take the merge back has the new name" {
    load background
    cp snap cow
    start --rate-limit 512K --undo undo
    until_true half_merged snap.view
    mv undo moved
    echo "not a store" >undo
    end
    assert_status 8
    assert_said "undo: this name now means something else; what was used is what was opened by it, and that is now at $dir/moved"
    cmp origin snap.view
    assert_said "To take it back: snapmerge --origin origin --cow $dir/moved --preserve cow"
    program snapmerge --origin origin --cow moved --preserve cow
    assert_status 0
    cmp origin origin.before
}

@test "the mark cannot be taken off the COW at the end: the merge is complete, and that is said" {
    local writes calls=pwrite64,pwritev,pwritev2
    load system_calls
    need_strace
    cp snap again
    traced -P "$dir/again" -e "trace=$calls" -- snapmerge --io-engine threads --undo undo --origin "$dir/origin" --cow "$dir/again"
    assert_status 0
    writes=$(traced_calls | grep -c "^pwrite.*/again>")
    rm undo
    cp origin.before origin
    traced -P "$dir/snap" -e "trace=$calls" -e "inject=$calls:error=EIO:when=$writes" -- \
        snapmerge --io-engine threads --undo undo --origin "$dir/origin" --cow "$dir/snap"
    assert_status 8
    assert_said "The merge itself is complete"
    [[ $stderr != *"Do not mount"* ]]
    cmp origin snap.view
    take_back
    cmp origin origin.before
}

# --- where it may lie --------------------------------------------------------------------------
@test "something that is there and is no undo store: refused, and as it was" {
    local name
    contents text 5000 text
    : >nothing
    truncate -s 2M hole
    mkdir folder
    ln -s missing link
    ln snap another
    remember origin snap fine text nothing hole
    for name in text nothing hole fine; do
        merge --undo "$name" --cow snap
        assert_status 8
        assert_said "$name: it exists and is not an undo store"
        assert_said "Nothing was written."
    done
    for name in folder link another snap origin no/where; do
        merge --undo "$name" --cow snap
        [ "$status" -eq 8 ] || { [ "$name" = folder ] && [ "$status" -eq 16 ]; }
        assert_said "Nothing was written."
    done
    [ ! -e missing ]
    assert_untouched
}

@test "a device that holds something, known or not, is refused; a blank one is taken" {
    need_loops
    contents disk 8388608 disk
    loop_over disk
    remember origin snap disk
    merge --undo "$loop" --cow snap
    assert_status 8
    assert_untouched
    assert_said "$loop: it holds contents that are not known: its first 4 KiB are not blank; an undo store is only made "
    assert_said "Nothing was written."
    dd if=/dev/zero of="$loop" bs=4096 count=1 conv=notrunc status=none
    printf 'QFI\373' | dd of="$loop" conv=notrunc status=none
    merge --undo "$loop" --cow snap
    assert_status 8
    assert_said "$loop: it holds a qcow2 image; an undo store is only made "
    dd if=/dev/zero of="$loop" bs=4096 count=1 conv=notrunc status=none
    merge --undo "$loop" --cow snap
    assert_status 0
}

need_mounts() {
    need_loops
    mkdir mounted
}

# mount_at_mounted ARGUMENT...
mount_at_mounted() {
    mount "$@" mounted || skip "needs the right to mount"
    mounted=$PWD/mounted
}

@test "in memory: a warning" {
    need_mounts
    mount_at_mounted -t tmpfs -o size=8M tmpfs
    merge --undo mounted/undo --cow snap
    assert_status 0
    assert_said "warning: mounted/undo: it lies in memory; after a power failure there is no way back"
    take_back
    as_before snap
}

@test "no room for it: refused, and the file is gone; nothing is written, no record either" {
    local name
    need_mounts
    mount_at_mounted -t tmpfs -o size=200K tmpfs
    for name in snap bare; do
        merge --undo mounted/undo --cow "$name"
        assert_status 8
        assert_said "mounted/undo: this merge needs "
        assert_said "Nothing was written."
        assert_equal "$(ls -A mounted)" ""
        cmp origin origin.before
        cmp "$name" "$name.before"
    done
}

@test "on the origin's own file system: refused" {
    need_mounts
    mke2fs -q -t ext4 -b 4096 filesystem 8M
    cp filesystem new
    contents piece 40000 piece
    dd if=piece of=new bs=4096 seek=1500 conv=notrunc status=none
    "$BUILDDIR/tools/snapcreate" -q --origin filesystem --cow cow --size max --from-diff new
    loop_over filesystem
    mount_at_mounted "$loop"
    program snapmerge --undo mounted/undo --origin "$loop" --cow cow
    assert_status 8
    assert_said "Nothing was written."
    [ ! -e mounted/undo ]
}

@test "on the origin's own file system, which is mounted during the checks: refused" {
    load background
    load system_calls
    need_mounts
    need_strace
    mke2fs -q -t ext4 -b 4096 filesystem 8M
    cp filesystem new
    contents piece 40000 piece
    dd if=piece of=new bs=4096 seek=1500 conv=notrunc status=none
    "$BUILDDIR/tools/snapcreate" -q --origin filesystem --cow cow --size max --from-diff new
    : >said
    # The image is locked and nobody has it; then it waits, on its way to the folder.
    timeout 60 strace -f -P "$dir/mounted/undo" -o trace -e trace=lstat,newfstatat -e inject=lstat,newfstatat:delay_exit=2000000 \
        "$BUILDDIR/tools/snapmerge" --no-sandbox --undo "$dir/mounted/undo" --origin filesystem --cow cow >out 2>said 3>&- &
    pid=$!
    until_true grep -q undo trace
    loop_over filesystem
    mount_at_mounted "$loop"
    end
    assert_status 8
    assert_said "undo: it lies on filesystem, and writing to the one would change the other; name a place elsewhere"
    assert_said "Nothing was written."
    [ ! -e mounted/undo ]
}

@test "a block device with nothing on it: works; it is the undo store" {
    need_loops
    truncate -s 2M device
    loop_over device
    merge -n --undo "$loop" --cow snap
    assert_status 0
    assert_shown "undo        $loop: a store would be made on it"
    zero device 0 $((2 * 1024 * 1024))
    merge --undo "$loop" --cow snap
    assert_status 0
    shows "$loop" origin.before
    take_back
    as_before snap
}

@test "a block device that is too small, or has a signature, or blocks too large: refused, and as it was" {
    need_loops
    local name
    truncate -s 200K small
    mke2fs -q -t ext4 signed 2M 2>/dev/null
    truncate -s 2M blocks
    remember origin snap fine small signed blocks
    for name in small signed; do
        loop_over "$name"
        merge --undo "$loop" --cow snap
        assert_status 8
        assert_said "$loop: "
        assert_said "Nothing was written."
    done
    loop_over blocks --sector-size 4096
    merge --undo "$loop" --cow fine
    assert_status 8
    assert_said "$loop: its logical blocks have 4096 bytes"
    assert_said "Nothing was written."
    loops_detach
    assert_untouched
}

# --- the record in the header -------------------------------------------------------------------
# marked FROM: all of the store's chunk 0 from this byte on is something that has to stay.
marked() {
    yes "somebody else" | head -c $((4096 - $1)) | dd of=bare bs=1 seek="$1" conv=notrunc status=none
    cp bare bare.before
}

# gets_a_record COW: of the image `bare`, or the device over it.
gets_a_record() {
    merge --undo undo --cow "$1"
    assert_status 0
    assert_equal "$(text "$1" 16 8)" dmsnapID
    assert_equal "$(hex undo 72 16)" "$(hex "$1" 32 16)"
    cmp -n 16 "$1" bare.before
    same "$1" bare.before 512 3584
    take_back
    loops_detach
    as_before bare
    cmp -n 16 bare bare.before
    same bare bare.before 512 3584
}

@test "a store without a record gets one; the header and all else of chunk 0 stay" {
    marked 512
    gets_a_record bare
}

@test "a store without a record, on a device with blocks of 4096 bytes: the same" {
    need_loops
    marked 512
    loop_over bare --sector-size 4096
    gets_a_record "$loop"
}

@test "a damaged record is replaced, and the merge can be taken back" {
    cp snap.before bare
    cp snap.view bare.view
    printf '\125\252' | dd of=bare bs=1 seek=28 conv=notrunc status=none
    merge --undo undo --cow bare
    assert_status 0
    cp undo kept
    assert_equal "$(hex undo 72 16)" "$(hex bare 32 16)"
    merge --cow undo
    assert_status 8
    assert_said "--preserve COW"
    merge --cow undo --preserve bare
    assert_status 0
    as_before bare
}

@test "a newer record, and what somebody else keeps there, stay; it works all the same, with a warning" {
    local kind
    for kind in newer foreign; do
        cp snap.before bare
        cp snap.view bare.view
        if [ "$kind" = newer ]; then
            printf '\002' | dd of=bare bs=1 seek=24 conv=notrunc status=none
        else
            marked 16
        fi
        cp bare bare.before
        rm -f undo
        merge --undo undo --cow bare
        assert_status 0
        assert_said "warning: bare: its header has no room for a mark; if this merge is resumed without"
        cmp -n 4096 bare bare.before
        cmp origin snap.view
        shows undo origin.before
        take_back
        as_before bare
        cmp -n 4096 bare bare.before
    done
}

@test "a header that cannot take a mark, stopped: resumed with the same undo store, and taken back" {
    marked 16
    anew() { rm -f undo && begin_anew bare; }
    met() { half_merged bare.view; }
    halfway TERM --rate-limit 256K --undo undo --origin origin --cow bare
    shows bare bare.view
    merge --undo undo --cow bare
    assert_status 0
    cmp origin bare.view
    shows undo origin.before
    take_back
    as_before bare
}
