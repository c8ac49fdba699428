#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The fingerprint in a store: what is remembered of an origin, and that it stays true through merges and undo.
# shellcheck disable=SC2030,SC2031,SC2154

setup() {
    load helpers
    load work
    load fingerprints
    load forks
    in_folder
    pid=
}

teardown() {
    [ -z "${mounted-}" ] || umount "$mounted"
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
    loops_detach
}

# change FILE BLOCK...: other bytes in blocks of 4 KiB.
change() {
    local file=$1 block
    shift
    for block in "$@"; do
        printf 'changed' | dd of="$file" bs=1 seek=$((block * 4096 + 1234)) conv=notrunc status=none
    done
}

# --- snapcreate --------------------------------------------------------------------------------
@test "a new store remembers its origin, whatever the sizes" {
    local size chunk blocks
    for size in 4095 4096 20992 $((191 * 4096 + 512)) $((192 * 4096)) $((5000 * 4096)); do
        for chunk in 1K 4K 64K; do
            [ "$size" -ge 65536 ] || [ "$chunk" != 64K ] || continue
            [ "$size" -ge 4096 ] || [ "$chunk" != 4K ] || continue
            rm -f cow
            contents origin "$size" origin
            program snapcreate --origin origin --cow cow --size max --chunk-size "$chunk"
            assert_status 0
            blocks=$((size / 4096 < 192 ? size / 4096 : 192))
            if [ "$blocks" -eq 0 ]; then
                assert_equal "$(fingerprint cow)" none
            else
                assert_equal "$(fingerprint cow origin)" "$blocks masked 0 listed 0 agree $blocks differ 0"
            fi
        done
    done
    change origin 3 4999
    # A random sample may be one of these two as well.
    [[ $(fingerprint cow origin) =~ ^192\ masked\ 0\ listed\ 0\ agree\ 1(90\ differ\ 2|89\ differ\ 3|88\ differ\ 4)$ ]]
}

@test "each store has samples of its own" {
    contents origin $((5000 * 4096)) origin
    program snapcreate --origin origin --cow one --size max
    program snapcreate --origin origin --cow two --size max
    [ "$(hex one 544 8)" != "$(hex two 544 8)" ]
}

@test "--no-identity, and chunks of 512 bytes: no fingerprint, and the latter is said" {
    contents origin 100000 origin
    program snapcreate --origin origin --cow one --size max --no-identity --json
    assert_status 0
    assert_equal "$(fingerprint one)" none
    assert_json .result.fingerprint null
    program snapcreate --origin origin --cow two --size max --chunk-size 512 --verbose --json
    assert_status 0
    assert_said "two: chunks of 512 bytes have no room for a fingerprint of the origin"
    assert_json .result.fingerprint null
    assert_json '.result.store_id | length' 36
    zero two 512 512
    program snapcreate --origin origin --cow three --size max --verbose --json
    assert_status 0
    assert_not_said "room for a fingerprint"
    assert_json '.result.fingerprint | "\(.samples) \(.masked)"' "24 0"
}

@test "an origin that is in use may change before its snapshot begins: a record only, and that is said" {
    need_loops
    truncate -s 2M origin
    mke2fs -q -t ext4 origin
    loop_over origin
    mkdir mnt
    mount "$loop" mnt
    mounted=mnt
    local name
    for name in "$loop" origin; do
        rm -f cow
        program snapcreate --origin "$name" --cow cow --size max --json
        assert_status 0
        assert_said "what it holds may change before its snapshot is used, so the store gets no fingerprint of it"
        assert_json .result.fingerprint null
        assert_json '.result.store_id | length' 36
        assert_equal "$(fingerprint cow)" none
    done
    umount mnt
    mounted=
    rm cow
    program snapcreate --origin "$loop" --cow cow --size max
    assert_not_said "may change"
    assert_equal "$(fingerprint cow origin)" "192 masked 0 listed 0 agree 192 differ 0"
}

@test "--from-diff: what the new list touches is masked" {
    contents old $((100 * 4096)) old
    cp old new
    change new 5 6 70
    program snapcreate --origin old --cow cow --size max --from-diff new --json
    assert_status 0
    assert_json '.result.fingerprint | "\(.samples) \(.masked)"' "100 3"
    assert_equal "$(fingerprint cow old)" "100 masked 3 listed 0 agree 97 differ 0"
    assert_equal "$(fingerprint cow new)" "100 masked 3 listed 0 agree 97 differ 0"
}

@test "a store over another one, on blocks of 512 and of 4096 bytes" {
    need_loops
    local block
    contents origin $((300 * 4096)) origin
    for block in 512 4096; do
        truncate -s 2M cow
        loop_over cow --sector-size "$block"
        program snapcreate --force --origin origin --cow "$loop"
        assert_status 0
        assert_equal "$(fingerprint "$loop" origin)" "192 masked 0 listed 0 agree 192 differ 0"
        contents origin $((300 * 4096)) "other origin"
    done
}

# --- snapmerge ---------------------------------------------------------------------------------
# An origin of 300 blocks, and two snapshots of it that differ from it in about a fifth of them.
snapshots() {
    origin_of $((300 * 4096))
    fork snap 4096 20
    fork other 8192 20
    # The list of --from-diff is masked from the start: as if the kernel had filled the list.
    unmask snap
    unmask other
    cp snap snap.before
    cp other other.before
}

# unmask STORE: no sample is masked any more.
unmask() {
    perl -e '
        open(my $file, "+<:raw", $ARGV[0]) or die;
        seek($file, 512, 0);
        read($file, my $sector, 512) == 512 or die;
        substr($sector, 40, 24) = "\0" x 24;
        substr($sector, 12, 4) = "\0" x 4;
        my $crc = 0xffffffff;
        for my $byte (unpack("C*", $sector)) {
            $crc ^= $byte;
            $crc = $crc >> 1 ^ ($crc & 1 ? 0x82f63b78 : 0) for 1 .. 8;
        }
        substr($sector, 12, 4) = pack("V", $crc ^ 0xffffffff);
        seek($file, 512, 0);
        print $file $sector;' "$1"
}

# true_of STORE...: each has a fingerprint with which the origin agrees, in a good part of it.
true_of() {
    local store text
    for store in "$@"; do
        text=$(fingerprint "$store" origin)
        [[ $text =~ ^192\ masked\ [0-9]+\ listed\ [0-9]+\ agree\ ([0-9]+)\ differ\ 0$ && ${BASH_REMATCH[1]} -gt 80 ]] ||
            { echo "$store: $text" >&2 && return 1; }
    done
}

# counts STORE WORD: of fingerprint().
counts() {
    local text
    text=$(fingerprint "$1" origin)
    text=${text#*"$2" }
    echo "${text%% *}"
}

merge() {
    program snapmerge "$@" --origin origin
    assert_status 0
}

@test "a merge: the empty store has none; a dry run changes nothing" {
    snapshots
    true_of snap
    merge --cow snap --dry-run
    cmp snap snap.before
    merge --cow snap
    cmp origin snap.view
    assert_equal "$(fingerprint snap)" none
    zero snap 512 $((4096 - 512))
}

@test "stopped and killed at random moments: the fingerprint is true each time" {
    local ends=0 halfway=0 runs signal masked
    snapshots
    for ((runs = 0; runs < 200 && (ends < 12 || halfway < 4); runs++)); do
        signal=TERM
        ((RANDOM % 2)) || signal=KILL
        at_random "$signal" --rate-limit 2M --memory 16M --origin origin --cow snap
        if ended_early; then
            ends=$((ends + 1))
            ! half_merged snap.view || halfway=$((halfway + 1))
            # Killed behind the last cut: the fingerprint may be gone already.
            [ "$(walk snap figures | cut -d' ' -f1)" -gt 0 ] || { begin_anew snap && continue; }
            true_of snap
            # Also once an entry is off the list, whoever takes it off: the mask was there before.
            masked=$(counts snap masked)
            cmp -s origin origin.before || [ "$masked" -gt 0 ]
        else
            assert_equal "$(fingerprint snap)" none
            begin_anew snap
        fi
    done
    echo "# $ends ends, $halfway in the middle" >&3
    [ "$ends" -ge 12 ]
    [ "$halfway" -ge 4 ]
}

@test "other snapshots of the origin: those that are kept stay true, one that is not kept does not" {
    snapshots
    merge --cow snap --preserve other
    true_of other
    cp other kept
    begin_anew snap other
    merge --cow snap
    [ "$(counts other differ)" -gt 5 ]
    cp kept other
    merge --cow other
    cmp origin other.view
    assert_equal "$(fingerprint other)" none
}

@test "--undo: both stores stay true, there and back and there again" {
    local listed
    snapshots
    merge --cow snap --undo undo
    cmp origin snap.view
    true_of snap undo
    [ "$(counts snap masked)" -gt 20 ]
    assert_equal "$(counts snap listed)" 0
    # A run that finds nothing to merge leaves it, for the entries may come back.
    merge --cow snap
    true_of snap undo
    merge --cow undo --preserve snap
    cmp origin origin.before
    shows snap snap.view
    true_of snap
    assert_equal "$(fingerprint undo)" none
    [ "$(counts snap masked)" -gt 20 ]
    merge --cow snap
    cmp origin snap.view
    assert_equal "$(fingerprint snap)" none
}

@test "--undo, and the undo of the undo" {
    snapshots
    merge --cow snap --undo undo
    merge --cow undo --preserve snap --undo redo
    cmp origin origin.before
    true_of snap undo redo
    merge --cow redo --preserve undo --preserve snap
    cmp origin snap.view
    true_of snap undo
    assert_equal "$(fingerprint redo)" none
}

@test "an undo store that is given up brings nothing back: the fingerprint goes with the last entry" {
    snapshots
    halfway_with_undo
    program snapmerge --origin origin --cow snap --accept=undo
    assert_status 0
    assert_equal "$(fingerprint snap)" none
}

# --- a merge that was stopped, and which origin is named then -------------------------------------------------------
# The merge of `snap` into `origin`, stopped in the middle.
halfway_merged() {
    anew() { begin_anew snap; }
    met() { half_merged snap.view; }
    halfway TERM --rate-limit 1M "$@" --origin origin --cow snap
}

@test "a copy of the origin from before the merge is refused; the origin that it was begun with goes on" {
    snapshots
    halfway_merged
    cp origin.before fresh
    cp snap half
    program snapmerge --origin fresh --cow snap
    assert_status 8
    assert_said "a merge of this store was begun, and this origin does not have what it has written"
    assert_said "name the origin that the merge was begun with"
    assert_said "add --accept=identity"
    assert_said "Nothing was written."
    cmp fresh origin.before
    cmp snap half
    program snapinspect --origin fresh snap --json
    assert_json '.result.pair | "\(.outcome) \(.reason)"' "contradicted fingerprint"
    program snapmerge --origin fresh --cow snap --accept=identity --dry-run
    assert_status 0
    merge --cow snap
    cmp origin snap.view
}

@test "a copy from before the merge is refused with stores whose list --from-diff and --identify have found" {
    origin_of $((300 * 4096))
    fork snap 4096 30
    local identify
    for identify in no yes; do
        begin_anew snap
        if [ "$identify" = yes ]; then
            program snapcreate --identify --force --yes --origin origin --cow snap
            assert_status 0
            cp snap snap.before
        fi
        halfway_merged
        program snapmerge --origin origin.before --cow snap
        assert_status 8
        assert_said "this origin does not have what it has written"
        merge --cow snap
        cmp origin snap.view
    done
}

# equal_half DATA [CUT]: the data of the second half of the entries of `snap` are these on the COW: "equal" to what the
# origin has, or "other"; "cut": these entries are cut off the list.
equal_half() {
    perl -e '
        my ($data, $cut) = @ARGV;
        open(my $cow, "+<:raw", "snap") or die;
        open(my $origin, "<:raw", "origin") or die;
        my @entries;
        for (;;) {
            seek($cow, 4096 + @entries * 16, 0);
            read($cow, my $entry, 16) == 16 or die;
            my @pair = unpack("Q<2", $entry);
            last if $pair[1] == 0;
            push @entries, [@pair];
        }
        @entries > 20 && @entries < 256 or die;
        for my $i (int(@entries / 2) .. $#entries) {
            my ($old, $new) = @{$entries[$i]};
            seek($origin, $old * 4096, 0);
            read($origin, my $bytes, 4096) == 4096 or die;
            seek($cow, $new * 4096, 0);
            print $cow $data eq "equal" ? $bytes : $bytes ^ "x" x 4096;
            seek($cow, 4096 + $i * 16, 0);
            print $cow "\0" x 16 if $cut;
        }' "$@"
}

@test "where the merged chunks hold what was there before, the origin goes on" {
    origin_of $((300 * 4096))
    fork snap 4096 30
    equal_half other cut
    program snapmerge --origin origin --cow snap
    assert_status 8
    assert_said "this origin does not have what it has written"
    begin_anew snap
    equal_half equal cut
    merge --cow snap
    assert_said "belong together"
}

@test "a merge with an undo store: half of it is taken back, or goes on; a copy from before is refused" {
    snapshots
    halfway_with_undo
    cp undo undo.half
    cp origin origin.half
    cp snap snap.half
    cp origin.before fresh
    program snapmerge --undo undo --origin fresh --cow snap
    assert_status 8
    assert_said "this origin does not have what it has written"
    cmp undo undo.half
    merge --cow undo --preserve snap
    cmp origin origin.before
    shows snap snap.view
    merge --cow snap
    cmp origin snap.view
    cp undo.half undo
    cp origin.half origin
    cp snap.half snap
    merge --undo undo --cow snap
    cmp origin snap.view
    merge --cow undo --preserve snap
    cmp origin origin.before
}

@test "a merge is taken back that held what was there before, in part: the store is merged once more" {
    origin_of $((300 * 4096))
    fork snap 4096 40
    equal_half equal
    merge --cow snap --undo undo --skip-identical
    merge --cow undo --preserve snap
    cmp origin origin.before
    # Whoever uses the snapshot then overwrites data of entries that have not come back.
    perl -e '
        open(my $cow, "+<:raw", "snap") or die;
        my ($count, $high) = (0, 1);
        for (;; $count++) {
            seek($cow, 4096 + $count * 16, 0);
            read($cow, my $entry, 16) == 16 or die;
            my (undef, $new) = unpack("Q<2", $entry);
            last if $new == 0;
            $high = $new if $new > $high;
        }
        $count > 10 or die;
        seek($cow, ($high + 1) * 4096, 0);
        print $cow "y" x (100 * 4096);'
    merge --cow snap
    assert_said "belong together"
}

@test "a merge that an undo store can take back: nobody is told to make the store anew" {
    snapshots
    merge --cow snap --undo undo
    change origin 7 100 101 102 103 104 105 106 107 108 109 110
    program snapinspect --origin origin snap
    assert_said "an undo store can take its merge back, as long as it is not made anew"
    assert_not_said "snapcreate -f"
    program snapcheck --origin origin snap
    assert_not_said "snapcreate -f"
    cp snap kept
    program snapcreate --origin origin --cow snap --force --dry-run
    assert_said "once the store is made anew, the merge cannot be taken back any more"
    cmp snap kept
    program snapcreate --origin origin --cow snap --force
    assert_status 0
    assert_said "once the store is made anew, the merge cannot be taken back any more"
    program snapcreate --origin origin --cow snap --force
    assert_not_said "once the store is made anew"
}

# The merge of `snap` with an undo store, stopped in the middle.
halfway_with_undo() {
    anew() { rm -f undo && begin_anew snap; }
    met() { half_merged snap.view; }
    halfway TERM --rate-limit 1M --undo undo --origin origin --cow snap
    true_of snap undo
}

@test "--keep-cow: the store is as it was, true after the merge, and merged again" {
    snapshots
    merge --cow snap --keep-cow
    cmp origin snap.view
    cmp snap snap.before
    true_of snap
    merge --cow snap --keep-cow --undo undo
    cmp snap snap.before
    true_of snap undo
    merge --cow undo --preserve snap
    true_of snap
    merge --cow snap
    assert_equal "$(fingerprint snap)" none
    cmp origin snap.view
}

@test "an undo store that a store with chunks of 512 bytes gets has no fingerprint" {
    origin_of $((300 * 4096))
    fork fine 512 20
    merge --cow fine --undo undo
    assert_equal "$(fingerprint undo)" none
    merge --cow undo --preserve fine
    cmp origin origin.before
}
