#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapinspect --extract: the checks of a merge before it, one engine with snapmerge --output, an image, a device or a stream.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154

setup() {
    load helpers
    load work
    load background
    load outputs
    in_folder
    pid=
}

teardown() {
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
    [ -z "${mounted-}" ] || umount "$mounted"
    loops_detach
}

# extract ARGUMENT...
extract() {
    program snapinspect --origin origin "$@" cow
}

# Two file systems of one size, and a store for the first.
two_origins() {
    rm -f origin other cow view
    mke2fs -q -t ext4 -b 4096 origin 8M
    mke2fs -q -t ext4 -b 4096 -U 5a2d6e1c-52f1-4a55-a4de-21b44cb5e0a1 other 8M
    cp origin view
    contents piece 10000 piece
    dd if=piece of=view bs=4096 seek=1500 conv=notrunc status=none
    program snapcreate --origin origin --cow cow --size max --from-diff view
    before
}

# --- one engine ----------------------------------------------------------------------------------
# What a program said, without what differs by its name and its options.
plain() {
    sed -E 's/snapinspect|snapmerge/PROGRAM/g; s/--extract|--output/OPTION/g; s/--cow //g; s/ in (less than 1 s|[0-9]+ s, .*)$//' said
}

@test "--extract and snapmerge --output: the same status, the same bytes, the same words, for every recipe" {
    local file name count=0 refused=0
    for file in "$SRCDIR"/tests/images/*.recipe; do
        name=${file##*/}
        echo "# $name"
        recipe "${name%.recipe}"
        extract --extract new
        printf '%s\n' "$stderr" >said
        plain >said.extract
        assert_equal "$output" ""
        assert_inputs
        local extracted=$status
        rm -f extracted
        [ ! -e new ] || mv new extracted
        program snapmerge --output new --origin origin --cow cow
        printf '%s\n' "$stderr" >said
        plain >said.output
        assert_status "$extracted"
        assert_equal "$(<said.output)" "$(<said.extract)"
        if [ "$status" -eq 0 ]; then
            cmp new extracted
            cmp new view
        else
            assert [ ! -e new ]
            assert [ ! -e new.partial ]
            assert [ ! -e extracted ]
            refused=$((refused + 1))
        fi
        rm -f new
        count=$((count + 1))
    done
    [ "$count" -gt 40 ]
    [ "$refused" -gt 15 ]
}

# --- the checks of a merge -------------------------------------------------------------------------
@test "a list that looks cut off is refused; --accept=cut writes what is in the list" {
    recipe cut
    extract --extract new
    refuses 8 "entries behind the end of the list may have been cut off by a fault"
    assert_said "--accept=cut"
    extract -y --extract new
    refuses 8 "--accept=cut"
    extract --accept=cut --extract new
    assert_status 0
    cmp new view
    rm new
    recipe cut-merged
    extract --extract new
    assert_status 0
    assert_said "are on the origin already: an earlier run was interrupted"
    cmp new view
}

@test "two entries for one chunk: refused with 4, and the entry is named" {
    recipe duplicate-old
    extract --extract new
    refuses 4 "cow: area 0 slot "
    assert_said "cow: the store is damaged"
    # First what shows the damage, then what does without the rest of it.
    [[ $stderr == *"To see all that is wrong: snapcheck --origin origin cow"*--skip-damaged* ]]
}

@test "two entries for one chunk, far apart: refused with 4" {
    recipe duplicate-old-far
    extract --extract new
    refuses 4 "cow: area "
}

@test "a data chunk on an area, or used twice: refused with 4, and the entry is named" {
    local name
    for name in new-on-area-0 new-on-later-area duplicate-new; do
        recipe "$name"
        extract --extract new
        refuses 4 "cow: area 0 slot "
    done
}

@test "an origin that lacks its end is refused" {
    recipe areas-chunks
    truncate -s 1M origin
    before
    extract --extract new
    refuses 8 "origin"
    two_origins
    truncate -s 6553600 origin # every entry lies before that; the record tells
    before
    extract --extract new
    refuses 8 "16384 sectors"
}

@test "another origin than the store names is refused; --accept=identity writes" {
    two_origins
    program snapinspect --origin other --extract new cow
    refuses 8 "--accept=identity"
    program snapinspect --origin other --accept=identity --extract new cow
    assert_status 0
    assert [ -e new ]
}

@test "no store, an invalid store, a swapped pair: refused as a merge refuses it" {
    recipe not-a-store
    extract --extract new
    refuses 4 "cow: "
    recipe invalid
    extract --extract new
    refuses 4 "cow: "
    recipe one-entry
    program snapinspect --origin cow --extract new origin
    refuses 8 "origin and COW are swapped"
}

@test "origin or COW in use: a warning" {
    need_loops
    two_origins
    loop_over origin
    mkdir there
    mount -o ro "$loop" there
    mounted=$PWD/there
    program snapinspect --origin "$loop" --extract new cow
    assert_status 0
    assert_said "warning: $loop: it is in use (mounted on $PWD/there)"
    cmp new view
}

@test "into the origin's own file system: refused" {
    need_loops
    two_origins
    loop_over origin
    mkdir there
    mount "$loop" there
    mounted=$PWD/there
    program snapinspect --origin "$loop" --extract there/new cow
    assert_status 8
    assert_said "there/new: it lies on $loop"
    assert_said "Nothing was written."
    program snapinspect --origin origin --extract there/new cow
    assert_status 8
    assert_said "there/new: it lies on origin"
    assert_equal "$(ls there)" lost+found
}

@test "a data chunk that cannot be read: named, exit 4, and what to do; the same for --output" {
    need_loops
    local last old command
    pair
    dd if=origin of=view bs=4096 skip=1900 seek=1900 conv=notrunc status=none # no area behind the last data
    rm cow
    program snapcreate --origin origin --cow cow --size max --from-diff view
    loop_over cow
    # The data of the last entries cannot be read any more.
    read -r old last < <(walk cow ranges | tail -n 1 | awk '{ print $2 + $4 - 1, $3 + $4 - 1 }')
    truncate -s $((last * 4096)) cow
    before
    program snapinspect --origin origin --extract new "$loop"
    assert_status 4
    assert_said "snapinspect: $loop: data chunk $last of origin chunk $old (byte $((old * 4096)) of the snapshot) cannot be read: Input/output error"
    assert_said "new.partial is incomplete ("
    assert_said "To see all chunks that cannot be read: snapcheck --all --data --origin origin --cow $loop"
    assert_said "To get everything else: snapinspect --extract FILE --skip-damaged=origin --origin origin $loop"
    assert_not_said "To go on:"
    assert_inputs
    assert [ ! -e new ]
    cmp -n $((1024 * 1024)) new.partial view # how much more there is depends on how fast the devices are
    command=$(sed -n 's/^To see all chunks that cannot be read: //p' <<<"$stderr")
    run --separate-stderr env PATH="$BUILDDIR/tools:$PATH" bash -c "$command"
    assert_shown "data chunk $last of origin chunk $old cannot be read"
    command=$(sed -n 's/^To get everything else: //p' < <(program snapinspect --accept=space --origin origin --extract other "$loop"; echo "$stderr"))
    [[ $command == *' --accept=space '* ]]
    run --separate-stderr env PATH="$BUILDDIR/tools:$PATH" bash -c "${command/FILE/rest}"
    assert_status 4
    cmp -n $((old * 4096)) rest view
    program snapmerge --output output --origin origin --cow "$loop"
    assert_status 4
    assert_said "snapmerge: $loop: data chunk $last of origin chunk $old (byte $((old * 4096)) of the snapshot) cannot be read"
}

# --- an image ----------------------------------------------------------------------------------------
@test "SIGTERM: exit 32, FILE.partial and no FILE; what it says to type makes the whole" {
    pair
    start_program snapinspect --rate-limit 2M --origin origin --extract new cow
    until_true written new.partial 1000000
    kill -TERM "$pid"
    end
    assert_status 32
    assert_said "new.partial is incomplete ("
    assert_said "do not use it"
    assert_said "origin and cow were not changed."
    assert_not_said "Nothing was written."
    assert_inputs
    assert [ ! -e new ]
    assert [ -e new.partial ]
    extract --extract new
    assert_status 8
    assert_said "new.partial: it exists already; if an earlier run left it, remove it"
    local command
    command=$(sed -n 's/^To go on: //p' said)
    assert_equal "$command" "rm new.partial && snapinspect --origin origin --cow cow --extract new"
    run --separate-stderr env PATH="$BUILDDIR/tools:$PATH" bash -c "$command" </dev/null
    assert_status 0
    cmp new view
    assert [ ! -e new.partial ]
}

# small BYTES: a file system with so much room, on the folder `small`.
small() {
    mkdir -p small
    mount -t tmpfs -o "size=$1" none small || skip "needs root to mount a small file system"
    mounted=$PWD/small
}

@test "too little room: refused with the number that is needed, also by -n, for a new image and a stream" {
    recipe areas-chunks
    small 2M
    extract -n --extract small/new
    refuses 8 "small/new: up to 8 MiB (8388608 bytes) will be written, but only 2 MiB are free there; make room for 6 MiB (6291456 bytes) more"
    extract --extract small/new
    refuses 8 "small/new: up to 8 MiB"
    assert_equal "$(ls small)" ""
    program_in_shell ">small/new" snapinspect --origin origin --extract - cow
    refuses 8 "standard output: 8 MiB (8388608 bytes) will be written, but only 2 MiB are free there"
    assert_equal "$(stat -c %s small/new)" 0
    rm small/new
    extract --accept=space --extract small/new
    assert_status 8
    assert_said "warning: small/new: up to 8 MiB will be written"
    assert_said "small/new.partial is incomplete"
}

@test "what is needed: the data of the origin and the entries where it has none, each byte once" {
    truncate -s 64M origin
    contents piece 1048576 piece
    dd if=piece of=origin bs=1M seek=3 conv=notrunc status=none
    cp --sparse=always origin view
    dd if=piece of=view bs=1M seek=3 conv=notrunc status=none iflag=skip_bytes count=1
    printf 'x' | dd of=view bs=1 seek=3200000 conv=notrunc status=none    # where the origin has data
    dd if=piece of=view bs=4096 seek=10 count=3 conv=notrunc status=none   # where it has none
    printf 'x' | dd of=view bs=1 seek=60000000 conv=notrunc status=none
    program snapcreate --origin origin --cow cow --size max --chunk-size 512 --from-diff view
    before
    extract --json -n --extract new
    assert_json .result.output.most_bytes $((1048576 + 3 * 4096 + 4096))
    small 1M
    extract --extract small/new
    refuses 8 "make room for 16 KiB (16384 bytes) more"
    umount small
    mounted=
    small 1100K
    extract -n --extract small/new
    assert_status 0
    assert_shown "free there  1.1 MiB (1126400 bytes)"
    extract --extract small/new
    assert_status 0
    cmp small/new view
}

@test "killed: FILE.partial is there, FILE is not" {
    pair
    start_program snapinspect --rate-limit 2M --origin origin --extract new cow
    until_true written new.partial 1000000
    kill -KILL "$pid"
    end
    assert_equal "$status" 137
    assert [ -e new.partial ]
    assert [ ! -e new ]
    assert_inputs
}

@test "the end: what was written where, that the inputs stay, and what to do next; -q says nothing" {
    two_origins
    extract --extract "a new one"
    assert_status 0
    assert_equal "$output" ""
    assert_said "snapinspect: wrote the snapshot of origin and cow to a new one: 8 MiB ("
    assert_said "of data, the rest are holes) in "
    assert_said "next: check the ext4 file system on a new one before it is used: e2fsck -f 'a new one'"
    assert_said "origin and cow were not changed"
    assert_not_said "warning"
    extract -q --extract new
    assert_status 0
    assert_equal "$output$stderr" ""
    cmp new view
}

@test "-n shows the plan and makes nothing; it refuses what the run refuses" {
    recipe areas-chunks
    extract -n --extract new
    assert_status 0
    assert_shown "origin      origin: 8 MiB"
    assert_shown "output      new: a new image of 8 MiB (8388608 bytes)"
    assert_shown "to write    up to "
    assert_said "Nothing was written."
    assert [ ! -e new ]
    assert [ ! -e new.partial ]
    assert_inputs
    : >new.partial
    extract -n --extract new
    assert_status 8
    assert_said "rm new.partial"
    rm new.partial
    recipe cut
    extract -n --extract new
    refuses 8 "--accept=cut"
}

@test "--json: the figures, and what became of the output" {
    recipe areas-chunks
    extract --json -n --extract new
    assert_status 0
    assert_json '.result | "\(.outcome) \(.output.path) \(.output.size_bytes) \(.output.complete)"' \
        "planned new 8388608 false"
    assert [ ! -e new ]
    extract --json --verify --extract new
    assert_status 0
    assert_json '.result | "\(.outcome) \(.entries) \(.header.version) \(.output.complete) \(.output.verified_bytes)"' \
        "done 600 1 true 8388608"
    assert_json .exit_status 0
    assert_said "new was read back and compared: all of it is correct"
    cmp new view
}

@test "--progress-json: objects on standard error, the last one with the result" {
    recipe areas-chunks
    extract --progress-json --extract new
    assert_status 0
    assert_equal "$(grep '^{' <<<"$stderr" | tail -n 1 | jq -r '"\(.result) \(.exit_status)"')" "done 0"
}

@test "an origin image whose length is no multiple of 512: the end of the image is in the output, and in the stream" {
    contents origin 100300 origin
    contents view 100300 view
    program snapcreate --origin origin --cow cow --size max --from-diff view
    before
    extract --verify --extract new
    assert_status 0
    cmp -n 99840 new view
    same new origin 99840 460
    assert_equal "$(stat -c %s new)" 100300
    program_in_shell ">stream" snapinspect --origin origin --extract - cow
    assert_status 0
    cmp stream new
}

@test "on a terminal: both and the output are shown and a question asked; y writes" {
    recipe areas-chunks
    on_terminal n snapinspect --origin origin --extract new cow
    assert_equal "$status" 8
    assert_shown "output      new: a new image of 8 MiB"
    assert_shown "will be written to new; origin and COW are only read."
    assert_shown "Write it now? [y/N]"
    assert_shown "Nothing was written."
    assert [ ! -e new ]
    on_terminal y snapinspect --origin origin --extract new cow
    assert_equal "$status" 0
    cmp new view
    rm new
    on_terminal n snapinspect -y --origin origin --extract new cow
    assert_equal "$status" 0
    cmp new view
}

# --- a block device ------------------------------------------------------------------------------------
@test "a block device gets every byte; what it holds behind them is left alone" {
    need_loops
    recipe holes
    local size
    size=$(stat -c %s origin)
    contents more $((size + 1048576)) disk
    device $((size + 1048576))
    extract --json --verify --accept=output-signature --extract "$loop"
    assert_status 0
    assert_said "$loop: it is larger than the snapshot: what it holds from byte $size on is left alone"
    assert_json '.result.output | "\(.written_bytes) \(.new_image) \(.verified_bytes)"' "$size false $size"
    loops_detach
    cmp -n "$size" disk view
    cmp -i "$size" disk more
    assert_inputs
}

@test "a device that holds something is refused; --accept=output-signature overwrites it" {
    need_loops
    recipe areas-chunks
    truncate -s 16M disk
    mke2fs -q -t ext4 -L precious disk
    loop_over disk
    local sum
    sum=$(sha256sum disk)
    extract -y --extract "$loop"
    refuses 8 "$loop: it holds ext4 \"precious\""
    assert_equal "$(sha256sum disk)" "$sum"
    extract --accept=output-signature --extract "$loop"
    assert_status 0
    loops_detach
    cmp -n 8388608 disk view
}

@test "a device with contents that are not known is refused, too; zeros in its first 4 KiB are nothing" {
    need_loops
    recipe areas-chunks
    contents disk 16777216 disk
    loop_over disk
    local sum
    sum=$(sha256sum disk)
    extract -y --extract "$loop"
    refuses 8 "$loop: it holds contents that are not known: its first 4 KiB are not blank; --accept=output-signature"
    assert_equal "$(sha256sum disk)" "$sum"
    extract --accept=output-signature --extract "$loop"
    assert_status 0
    dd if=/dev/zero of="$loop" bs=4096 count=1 status=none
    extract --extract "$loop"
    assert_status 0
    loops_detach
    cmp -n 8388608 disk view
}

@test "a device that is too small, is in use, or shares bytes with origin or COW is refused" {
    need_loops
    recipe areas-chunks
    device 4194304
    extract --extract "$loop"
    refuses 8 "$loop: has 4194304 bytes, but the snapshot has 8388608"
    loops_detach
    loop_over cow
    extract --accept=output-signature --extract "$loop"
    refuses 8 "same device"
    loops_detach
    truncate -s 16M disk
    mke2fs -q -t ext4 disk
    loop_over disk
    mkdir there
    mount "$loop" there
    mounted=$PWD/there
    extract --accept=output-signature --extract "$loop"
    refuses 8 "mounted on $PWD/there"
}

@test "a device that was left half written: said, and the command that goes on works" {
    need_loops
    pair
    truncate -s 8M disk
    loop_over disk
    start_program snapinspect --rate-limit 2M --origin origin --extract "$loop" cow
    until_true written disk 1000000
    kill -TERM "$pid"
    end
    assert_status 32
    assert_said "$loop is incomplete ("
    local command
    command=$(sed -n 's/^To go on: //p' said)
    assert_equal "$command" "snapinspect --origin origin --cow cow --extract $loop --accept=output-signature"
    run --separate-stderr env PATH="$BUILDDIR/tools:$PATH" bash -c "$command" </dev/null
    assert_status 0
    loops_detach
    cmp disk view
}

# --- standard output -------------------------------------------------------------------------------------
@test "a stream: the same checks come first, and a refused run writes nothing to it" {
    recipe cut
    extract --extract -
    refuses 8 "--accept=cut"
    recipe duplicate-old
    extract --extract -
    refuses 4 "cow: area 0 slot "
    two_origins
    program snapinspect --origin other --extract - cow
    refuses 8 "--accept=identity"
    program_in_shell ">stream" snapinspect --origin origin --extract - cow
    assert_status 0
    assert_said "snapinspect: wrote the snapshot of origin and cow to standard output: 8 MiB"
    cmp stream view
    assert [ ! -e - ]
}

@test "a stream: -n says what would be written, and writes nothing to it" {
    recipe areas-chunks
    extract -n --extract -
    assert_status 0
    assert_equal "$output" ""
    assert_said "output      standard output"
    assert_said "to write    8 MiB (8388608 bytes)"
    assert_said "Nothing was written."
}

@test "a stream: --json and --verify do not go with it" {
    local name=snapinspect
    recipe one-entry
    extract --json --extract -
    assert_usage_error "--extract - and --json cannot be used together"
    extract --verify --extract -
    assert_usage_error "--extract - and --verify cannot be used together"
}

# --- options that need it --------------------------------------------------------------------------------
@test "options of the writing are usage errors without --extract" {
    local name=snapinspect option
    recipe one-entry
    for option in --accept=cut --yes --verify --rate-limit=1M --progress-json --progress-frequency=1; do
        extract "$option"
        assert_usage_error "${option%%=*} needs --extract"
    done
}
