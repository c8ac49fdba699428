#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapmerge --keep-cow and --checkpoint: the COW is only read; what a file claims is compared, all the rest is written.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154

setup() {
    load helpers
    load work
    load pairs
    load system_calls
    in_folder
    mounted=
}

teardown() {
    [ -z "$mounted" ] || umount "$mounted"
    loops_detach
}

CHUNKS=2500
CHUNK_BYTES=4096
TOTAL_BYTES=$((CHUNKS * CHUNK_BYTES))

pair() {
    shaped_pair random 8 $CHUNKS $((8 * 3000))
}

keep() {
    program snapmerge --json --keep-cow --origin origin --cow cow "$@"
}

keep_with_file() {
    keep --checkpoint state "$@"
}

# The origin is the view, the COW as it was.
assert_kept() {
    assert_status 0
    cmp origin view
    cmp cow cow.before
}

# claim INDEX: `state` says that the entries from there on are merged, and is about this pair.
claim() {
    rm -f state
    cp origin origin.now
    # A whole merge writes the lines about the pair; the rest is put behind them.
    keep_with_file
    assert_status 0
    cp origin.now origin
    forge "s/^merged-from .*/merged-from $1/"
}

# forge SED: changes the file, and its last line to what it has to be then.
forge() {
    sed -i -e '/^end /d' -e "$1" state
    perl -e '
        local $/;
        my ($text, $crc) = (scalar(<>), 0xffffffff);
        for my $byte (unpack("C*", $text)) {
            $crc ^= $byte;
            $crc = $crc & 1 ? ($crc >> 1) ^ 0x82f63b78 : $crc >> 1 for 1 .. 8;
        }
        printf("%send %08x\n", $text, $crc ^ 0xffffffff);' state >forged
    cat forged >state
}

# merged FIRST: the origin holds the chunks of the entries from this one on, as after a merge that came so far.
merged() {
    local old
    cp origin.before origin
    walk cow ranges | perl -e '
        my $first = shift;
        open(my $view, "<:raw", "view") or die;
        open(my $origin, "+<:raw", "origin") or die;
        while (<STDIN>) {
            my ($index, $old, undef, $count) = split;
            for my $i (0 .. $count - 1) {
                next if $index + $i < $first;
                $_->seek(($old + $i) * 4096, 0) for $view, $origin;
                read($view, my $chunk, 4096);
                print $origin $chunk;
            }
        }' -MIO::Handle "$1"
}

# old_chunk INDEX: the origin chunk of an entry.
old_chunk() {
    number cow $((4096 * (1 + 257 * ($1 / 256)) + $1 % 256 * 16)) 8
}

# spoil FILE CHUNK: other bytes in the middle of it.
spoil() {
    printf 'spoilt' | dd of="$1" bs=1 seek=$(($2 * 4096 + 2000)) conv=notrunc status=none
}

written() {
    json .result.written_bytes
}

equal() {
    json .result.equal_bytes
}

# --- the COW -----------------------------------------------------------------------------------
@test "the COW is opened for reading only, and stays as it is, to its time stamps" {
    need_strace
    pair
    touch -d 2001-01-01 cow
    traced -e trace=openat,open -- snapmerge --keep-cow --checkpoint state --origin origin --cow cow
    assert_kept
    assert_equal "$(stat -c %Y cow)" "$(date -d 2001-01-01 +%s)"
    [ "$(grep -cE 'O_RDONLY.* = [0-9]+<.*/cow>' trace)" -ge 2 ]
    assert_equal "$(grep -cE 'O_(RDWR|WRONLY).* = [0-9]+<.*/cow>' trace)" 0
    [ "$(grep -cE 'O_RDWR.* = [0-9]+<.*/origin>' trace)" -ge 1 ]
}

@test "a read-only loop device is enough for the COW" {
    need_loops
    pair
    loop_over cow --read-only
    program snapmerge --keep-cow --origin origin --cow "$loop"
    assert_kept
}

@test "the view stays while it is kept: the store is merged again later, or by the kernel's way" {
    pair
    keep
    assert_kept
    program snapmerge --origin origin --cow cow
    assert_status 0
    cmp origin view
    assert_equal "$(walk cow figures | cut -d' ' -f1)" 0
}

@test "the end says that merging again, after the origin was used, takes those changes back; and it does" {
    pair
    program snapmerge --keep-cow --origin origin --cow cow
    assert_kept
    assert_said "cow was not changed; merging it again after origin was used would overwrite the newer content"
    assert_not_said "empty store"
    spoil origin "$(old_chunk 5)"
    keep
    assert_kept
}

# --- what is compared --------------------------------------------------------------------------
@test "without a file all chunks are compared, and only those that differ are written" {
    pair
    cp view origin
    spoil origin "$(old_chunk 3)"
    spoil origin "$(old_chunk 1777)"
    keep
    assert_kept
    assert_equal "$(written) $(equal)" "$((2 * CHUNK_BYTES)) $((TOTAL_BYTES - 2 * CHUNK_BYTES))"
}

@test "with a file, the chunks that it claims are compared, the others written without a look" {
    pair
    claim 1500
    merged 0
    keep_with_file --seeks free --memory 16M
    assert_kept
    assert_said "state: 1000 of 2500 entries were merged before and are compared now"
    assert_equal "$(($(written) + $(equal)))" $TOTAL_BYTES
    # All were there already: what was not claimed was written again, but for the window at the border.
    [ "$(equal)" -ge $((1000 * CHUNK_BYTES)) ]
    [ "$(written)" -gt 0 ]
}

@test "a claim that is not true costs no chunk: what differs is written" {
    pair
    claim 1000
    merged 1000
    for index in 1000 1001 1777 2499; do
        spoil origin "$(old_chunk $index)"
    done
    # And one that claims all, while nothing is merged.
    cp origin spoilt
    keep_with_file
    assert_kept
    claim 0
    cp spoilt origin
    keep_with_file
    assert_kept
    claim 0
    cp origin.before origin
    keep_with_file
    assert_kept
    assert_equal "$(written) $(equal)" "$TOTAL_BYTES 0"
}

@test "COW data changed in place, under an unchanged list: a claim does not hide it" {
    pair
    claim 0
    merged 0
    # The data chunk of entry 2000: areas before it count.
    spoil cow $((2 + 2000 + 2000 / 256))
    spoil view "$(old_chunk 2000)"
    cp cow cow.before
    keep_with_file
    assert_kept
    assert_equal "$(written)" $CHUNK_BYTES
}

@test "it is compared past the cache: by direct I/O" {
    need_strace
    pair
    cp view origin
    traced -e trace=openat,pread64,preadv,preadv2,read,close -- \
        snapmerge --keep-cow --io-engine threads --origin origin --cow cow
    assert_kept
    # Descriptors are told apart by how they were opened.
    run -0 perl -e '
        my ($total, %direct) = ('$TOTAL_BYTES');
        my %sum = (direct => 0, cached => 0);
        while (<STDIN>) {
            if (/^openat\(.*, (\S+)\) = (\d+)<.*\/origin>/) { $direct{$2} = index($1, "O_DIRECT") < 0 ? "cached" : "direct" }
            elsif (/^p?read\w*\((\d+)<[^>]*\/origin>.* = (\d+)$/) { $sum{$direct{$1}} += $2 }
        }
        print "direct $sum{direct}, cached $sum{cached}\n";
        exit($sum{direct} < $total || $sum{cached} > 65536)' < <(traced_calls)
    echo "$output"
}

@test "an origin that cannot be read past the cache: all is written, and said" {
    [ "$(id -u)" -eq 0 ] || skip "needs root to mount a file system"
    pair
    mkdir ram
    mount -t ramfs none ram || skip "needs a file system without direct I/O"
    mounted=$dir/ram
    cp view ram/origin
    program snapmerge --json --keep-cow --origin ram/origin --cow cow
    assert_status 0
    assert_said "ram/origin: it cannot be read past the page cache: all chunks are written and none is compared"
    cmp ram/origin view
    assert_equal "$(written) $(equal)" "$TOTAL_BYTES 0"
    assert_said "ram/origin: its file system has no direct I/O; all data went through the page cache"
    [[ $stderr != *"cow: its file system"* ]]
    program snapcreate --origin ram/origin --cow ram/cow --size 1M
    assert_status 0
    assert_said "ram/cow: its file system has no direct I/O"
    rm ram/*
}

# --- the file ----------------------------------------------------------------------------------
@test "the file is text with comments: both devices, the list with its digest, what is merged" {
    pair
    keep_with_file
    assert_kept
    assert_equal "$(head -n 1 state)" "dmsnap-checkpoint 1"
    [ "$(grep -c '^# ' state)" -ge 2 ]
    assert_equal "$(sed -n 's/^origin //p' state)" "$((8 * 3000)) file:$(printf '%x' "$(stat -c %d origin)"):$(stat -c %i origin)"
    assert_equal "$(sed -n 's/^cow //p' state)" \
        "$(($(stat -c %s cow) / 512)) file:$(printf '%x' "$(stat -c %d cow)"):$(stat -c %i cow)"
    grep -Eq '^list 2500 [0-9a-f]{8}$' state
    assert_equal "$(sed -n 's/^merged-from //p' state)" 0
    assert_equal "$(stat -c %a state)" 600
    assert_equal "$(echo state*)" state
    # Nothing of it is left to chance: our own checksum, by another hand, is the same.
    cp state state.theirs
    forge ''
    cmp state state.theirs
}

@test "each time: origin flushed, a new file without a name, fsync, its name, fsync of the folder" {
    need_strace
    pair
    traced -e trace=openat,write,fsync,fdatasync,linkat,rename,renameat,renameat2,unlink,unlinkat -- \
        snapmerge --seeks free --keep-cow --checkpoint "$dir/state" --memory 16M --origin origin --cow cow
    assert_kept
    # A file system without nameless files (O_TMPFILE) shows other calls.
    grep -q O_TMPFILE trace
    ! grep -q 'O_TMPFILE.* = -1' trace || skip "needs a file system with O_TMPFILE"
    traced_calls | sed -nE -e 's/^openat\([0-9]+<.*>, "\.", O_RDWR\|O_CLOEXEC\|O_TMPFILE, 0600\) = .*/new/p' \
        -e 's/^write\([0-9]+<.*\/#[0-9]+>? ?(\(deleted\))?.*/write/p' -e 's/^fsync\([0-9]+<.*\/#[0-9]+>? ?(\(deleted\))?.*/sync/p' \
        -e 's/^linkat\(.*, "state", AT_SYMLINK_FOLLOW\) = 0/name/p' \
        -e 's/^linkat\(.*, "state\.dmsnap-[0-9a-f]{16}", AT_SYMLINK_FOLLOW\) = 0/link/p' \
        -e 's/^rename(at2?)?\(.*"state\.dmsnap-[0-9a-f]{16}", .*"state"\).*/rename/p' -e 's/^fsync\([0-9]+<.*data>\).*/folder/p' \
        -e 's/^f(data)?sync\([0-9]+<.*origin>\).*/flush/p' | tr '\n' ' ' >order
    cat order
    grep -Eq '^new write sync name folder (flush new write sync link rename folder ){2,}$' order
    grep -q '"state", O_RDONLY[^)]*O_NOFOLLOW' trace
}

@test "a symbolic link is refused, and so is a file that cannot be written; nothing is written before that is known" {
    pair
    echo precious >target
    ln -s target state
    keep_with_file
    assert_status 8
    assert_said "state: is a symbolic link"
    assert_said "; name the file itself"
    assert_said "Nothing was written."
    cmp origin origin.before
    assert_equal "$(<target)" precious
    keep --checkpoint no/such/folder/state
    assert_status 8
    assert_said "no/such/folder/state"
    assert_said "Nothing was written."
    cmp origin origin.before
    need_strace
    rm state
    traced -e trace=linkat,renameat2 -e inject=linkat,renameat2:error=EACCES -- \
        snapmerge --keep-cow --checkpoint state --origin origin --cow cow
    assert_status 8
    assert_said "state: the new file cannot get this name: Permission denied"
    assert_said "Nothing was written."
    assert_equal "$(echo state*)" "state*"
    cmp origin origin.before
}

# ignored REASON: with `state` as it is, and all merged already; all is compared.
ignored() {
    merged 0
    keep_with_file
    assert_kept
    assert_said "state"
    assert_said "$1"
    assert_said "it is ignored: all chunks are compared"
    assert_equal "$(written) $(equal)" "0 $TOTAL_BYTES"
    assert_equal "$(sed -n 's/^merged-from //p' state)" 0
}

@test "a foreign file is ignored, with the reason: another origin, another COW" {
    pair
    claim 2400
    cp origin copy
    mv copy origin
    ignored "is about another origin"
    claim 2400
    cp cow copy
    mv copy cow
    ignored "is about another COW"
    claim 2400
    forge 's/^origin [0-9]*/origin 23992/'
    ignored "is about another origin"
    claim 2400
    forge 's/^cow [0-9]*/cow 8/'
    ignored "is about another COW"
}

@test "a stale file is ignored, with the reason: the list has changed" {
    pair
    claim 2400
    cp cow.before cow.longer
    # One entry less than when the file was written: the last one's words become zero.
    dd if=/dev/zero of=cow bs=16 count=1 seek=$(((4096 * (1 + 257 * 9) + 2499 % 256 * 16) / 16)) conv=notrunc status=none
    assert_equal "$(walk cow figures | cut -d' ' -f1)" 2499
    keep_with_file
    assert_status 0
    assert_said "is about another list: the snapshot was written or merged since; it is ignored: all chunks are compared"
    # As many entries, but others: two change places.
    cp cow.longer cow
    claim 2400
    dd if=cow of=first bs=16 count=1 skip=256 status=none
    dd if=cow of=second bs=16 count=1 skip=257 status=none
    dd if=second of=cow bs=16 seek=256 conv=notrunc status=none
    dd if=first of=cow bs=16 seek=257 conv=notrunc status=none
    cp cow cow.before
    ignored "is about another list"
}

@test "a damaged file is ignored, with the reason" {
    pair
    claim 2400
    cp state good
    truncate -s -3 state
    ignored "has no end line: it is incomplete"
    sed 's/^merged-from 2400/merged-from 1400/' good >state
    ignored "its checksum is wrong: it is damaged"
    : >state
    ignored "is empty or no text"
}

@test "a file that holds anything else is refused, and left as it is: the COW itself, given by mistake" {
    pair
    contents state 100000 garbage
    cp state state.before
    keep_with_file
    assert_status 8
    assert_said "state: holds something else"
    assert_said "is not replaced; name another file"
    assert_said "Nothing was written."
    cmp state state.before
    cp cow cow.before
    keep --checkpoint cow
    assert_status 8
    assert_said "cow: holds something else"
    cmp cow cow.before
    cmp origin origin.before
}

@test "a forged file is ignored where it makes no sense, and does no harm where it does" {
    pair
    claim 99999
    ignored "is about entries that do not exist"
    claim 2400
    forge 's/^merged-from .*/&\nmore 1/'
    ignored "has lines that this version does not know"
    claim 2400
    forge 's/^merged-from .*/merged-from 0/'
    cp origin.before origin
    keep_with_file
    assert_kept
    assert_equal "$(written)" $TOTAL_BYTES
}

# --- going on ----------------------------------------------------------------------------------
@test "stopped and repeated: what it says to type goes on by the file" {
    pair
    : >said
    # shellcheck disable=SC2086
    $WRAPPER "$BUILDDIR/tools/snapmerge" --keep-cow --checkpoint state --rate-limit 4M --origin origin --cow cow \
        </dev/null >out 2>said 3>&- &
    local pid=$! tries command reached status=0
    for ((tries = 0; tries < 3000; tries++)); do
        reached=$(sed -n 's/^merged-from //p' state 2>/dev/null || true)
        [ -n "$reached" ] && [ "$reached" != 2500 ] && break
        sleep 0.02
    done
    kill -TERM $pid
    wait $pid || status=$?
    assert_equal "$status" 32
    grep -q 'entries are merged durably' said
    command=$(sed -n 's/ --rate-limit [0-9A-Z]*//; s/^To go on: //p' said)
    assert_equal "$command" "snapmerge --origin origin --cow cow --keep-cow --checkpoint state"
    cmp cow cow.before
    run -1 cmp -s origin view
    run --separate-stderr env PATH="$BUILDDIR/tools:$PATH" bash -c "$command" </dev/null
    assert_kept
    assert_said "of 2500 entries were merged before and are compared now"
    [[ $stderr != *"state: 0 of"* ]]
}

@test "--checkpoint is for --keep-cow; a dry run writes no file" {
    pair
    name=snapmerge
    program snapmerge --checkpoint state --origin origin --cow cow
    assert_usage_error "--checkpoint needs --keep-cow"
    program snapmerge -n --json --keep-cow --checkpoint state --origin origin --cow cow
    assert_status 0
    assert_json '.result | "\(.keep_cow) \(.cow_flushes) \(.metadata_bytes)"' "true 0 0"
    [ ! -e state ]
    cmp origin origin.before
    cmp cow cow.before
}

@test "a list that cannot be read for its digest: refused, before the file is made" {
    need_strace
    pair
    mkdir folder
    local reads options=(--no-sandbox --io-engine threads --queue-depth 1 --keep-cow --checkpoint "$dir/folder/state")
    options+=(--origin origin --cow "$dir/cow")
    # What is read of the COW last before the folder of the file is opened is for the digest.
    traced -P "$dir/cow" -P "$dir/folder" -P "$dir/folder/" -e trace=preadv,openat -- snapmerge --dry-run "${options[@]}"
    assert_status 0
    reads=$(awk '/ preadv\(/ { n[$1]++; last = $1 } /openat\(.*folder/ { print n[last]; exit }' trace)
    [ "$reads" -gt 1 ]
    traced -P "$dir/cow" -e trace=preadv -e "inject=preadv:error=EIO:when=$reads" -- snapmerge "${options[@]}"
    assert_status 8
    assert_said "$dir/cow: cannot read metadata area"
    assert_said "Nothing was written."
    assert_equal "$(ls -A folder)" ""
    cmp origin origin.before
}
