#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapmerge --output: the merged content in a third place, origin and COW only read.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154

setup() {
    load helpers
    load work
    load background
    load outputs
    load system_calls
    in_folder
    pid=
}

teardown() {
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
    [ -z "${mounted-}" ] || umount "$mounted"
    loops_detach
    open_dir_remove
}

# What a merge of copies makes of the origin: `merged`.
merge_copies() {
    cp origin.before merged
    cp cow.before merged.cow
    "$BUILDDIR/tools/snapmerge" -q --accept=identity --origin merged --cow merged.cow
}

# --- the result --------------------------------------------------------------------------------
@test "the output is what a merge makes of the origin, byte for byte; origin and COW stay" {
    local name
    for name in areas-chunks areas-sectors unordered odd-origin one-entry holes empty exact-fit stale-areas; do
        recipe "$name"
        merge_copies
        rm -f new
        program snapmerge --output new --origin origin --cow cow
        assert_status 0
        cmp new merged
        cmp new view
        assert_inputs
        assert [ ! -e new.partial ]
        assert_equal "$(stat -c %a new)" 600
    done
}

@test "an origin image whose length is no multiple of 512: the end of the image is in the output too" {
    contents origin 100300 origin
    contents view 100300 view
    program snapcreate --origin origin --cow cow --size max --from-diff view
    before
    merge_copies
    program snapmerge --output new --verify --origin origin --cow cow
    assert_status 0
    cmp new merged
    same new origin.before 99840 460
    assert_inputs
}

@test "what the origin does not have and the snapshot does not write are holes" {
    truncate -s 128M origin
    contents piece 300000 piece
    dd if=piece of=origin bs=4096 seek=1000 conv=notrunc status=none
    cp --sparse=always origin view
    dd if=piece of=view bs=4096 seek=25000 conv=notrunc status=none
    dd if=/dev/zero of=view bs=4096 seek=1000 count=20 conv=notrunc status=none
    program snapcreate --origin origin --cow cow --size max --from-diff view
    before
    program snapmerge --json --output new --origin origin --cow cow
    assert_status 0
    cmp new view
    [ "$(blocks new)" -lt 1500 ]
    assert_json '.result.output.written_bytes < 700000' true
    assert_inputs
}

@test "rates, little memory and the other engine: the same result" {
    pair
    program snapmerge --rate-limit 16M --memory 16M --io-engine threads --output new --origin origin --cow cow
    assert_status 0
    cmp new view
    rm new
    program snapmerge --iops-limit 1000 --output new --origin origin --cow cow
    assert_status 0
    cmp new view
    assert_inputs
}

@test "the example of the manual" {
    local command
    command=$(grep '^snapmerge --output' "$SRCDIR/man/snapmerge.8")
    pair
    mv origin disk.img
    mv cow overlay.img
    run --separate-stderr env PATH="$BUILDDIR/tools:$PATH" bash -c "$command" </dev/null
    assert_status 0
    cmp merged.img view
    cmp disk.img origin.before
    cmp overlay.img cow.before
}

# --- nothing is written to origin and COW --------------------------------------------------------
@test "origin and COW are opened for reading only, and locked for readers" {
    need_strace
    pair
    traced -e trace=open,openat,openat2,fcntl -- snapmerge --verify --output new --origin origin --cow cow
    assert_status 0
    # Looked up once by name; then opened through what was found, also for direct I/O.
    assert_equal "$(grep -E 'open.*"(origin|cow)"' trace | grep -vc O_PATH || true)" 0
    [ "$(grep -cE 'open.*"/proc/self/fd/[0-9]+", O_RDONLY.* = [0-9]+<.*/(origin|cow)>' trace)" -ge 4 ]
    assert_equal "$(grep -E 'open.* = [0-9]+<.*/(origin|cow)>' trace | grep -E 'O_RDWR|O_WRONLY|O_EXCL|O_TRUNC' || true)" ""
    assert_equal "$(grep -E 'SETLK.*F_WRLCK' trace | grep -vc '/new.partial>' || true)" 0
    [ "$(grep -cE 'SETLK.*F_RDLCK' trace)" -ge 2 ]
    assert_inputs
}

@test "origin and COW need no permission to write" {
    [ "$(id -u)" -eq 0 ] || skip "needs root, to become somebody else"
    recipe areas-chunks
    open_dir_make
    cp -p origin cow "$open_dir"
    chmod 444 "$open_dir/origin" "$open_dir/cow"
    mkdir -m 777 "$open_dir/folder"
    program_unprivileged snapmerge --output "$open_dir/folder/new" --origin "$open_dir/origin" --cow "$open_dir/cow"
    assert_status 0
    cmp "$open_dir/folder/new" view
    chmod 755 "$open_dir/folder"
    program_unprivileged snapmerge --output "$open_dir/folder/other" --origin "$open_dir/origin" --cow "$open_dir/cow"
    refuses 8 "$open_dir/folder/other: no file can be made in $open_dir/folder/"
    assert [ ! -e "$open_dir/folder/other" ]
}

@test "read-only loop devices, with blocks larger than a chunk" {
    need_loops
    recipe areas-sectors
    truncate -s %4096 cow
    truncate -s %4096 origin
    before
    loop_over origin --read-only --sector-size 4096
    local origin_loop=$loop
    loop_over cow --read-only --sector-size 4096
    program snapmerge --output new --verify --origin "$origin_loop" --cow "$loop"
    assert_status 0
    cmp -n "$(stat -c %s view)" new view
    assert_inputs
}

# --- verify ------------------------------------------------------------------------------------
@test "--verify reads everything back, and says so" {
    pair
    program snapmerge --json --verify --output new --origin origin --cow cow
    assert_status 0
    assert_said "new was read back and compared: all of it is correct"
    assert_json '.result.output | "\(.verified_bytes) \(.complete) \(.path) \(.partial_path)"' "8388608 true new null"
    assert_equal "$(json .result.output.size_bytes)" 8388608
    cmp new view
}

@test "--verify: what somebody else changed meanwhile is found, and the image never gets its name" {
    pair
    start --verify --rate-limit 4M --output new
    until_true written new.partial 4000000
    dd if=/dev/zero of=new.partial bs=1 seek=4099 count=1 conv=notrunc status=none
    end
    assert_status 8
    assert_said "new.partial: byte 4099 reads back as 0x00"
    assert_said "new.partial is incomplete"
    assert [ ! -e new ]
    assert_inputs
}

@test "--verify: the end that is no whole sector is compared, too" {
    pair
    printf '%100s' end >>origin
    before
    start --progress-json --progress-frequency 1 --rate-limit 4M --verify --output new
    until_true grep -q '"phase": *"verify"' said
    printf '%100s' END | dd of=new.partial bs=1 seek=8388608 conv=notrunc status=none
    end
    assert_status 8
    assert_said "new.partial: the last 100 bytes do not read back as they were written"
    assert [ ! -e new ]
}

@test "--verify where the cache cannot be passed is refused" {
    [ "$(id -u)" -eq 0 ] || skip "needs root to mount a file system without direct I/O"
    recipe areas-chunks
    mkdir memory
    mount -t ramfs none memory
    mounted=$PWD/memory
    program snapmerge --verify --output memory/new --origin origin --cow cow
    refuses 8 "memory/new: it cannot be read past the page cache"
    assert_equal "$(ls memory)" ""
    program snapmerge --output memory/new --origin origin --cow cow
    assert_status 0
    cmp memory/new view
}

# --- stopped -----------------------------------------------------------------------------------
@test "SIGTERM: exit 32, FILE.partial and no FILE; what it says to type makes the whole" {
    pair
    start --rate-limit 2M --output new
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
    program snapmerge --output new --origin origin --cow cow
    assert_status 8
    assert_said "new.partial: it exists already; if an earlier run left it, remove it"
    assert_said "Nothing was written."
    local command
    command=$(sed -n 's/^To go on: //p' said)
    run --separate-stderr env PATH="$BUILDDIR/tools:$PATH" bash -c "$command" </dev/null
    assert_status 0
    cmp new view
    assert [ ! -e new.partial ]
}

@test "a stop while it is read back: the image has no name yet" {
    pair
    start --progress-json --progress-frequency 1 --rate-limit 4M --verify --output new
    until_true grep -q '"phase": *"verify"' said
    kill -INT "$pid"
    end
    assert_status 32
    cmp new.partial view
    assert [ ! -e new ]
    assert_inputs
}

@test "killed: FILE.partial is there, FILE is not" {
    pair
    start --rate-limit 2M --output new
    until_true written new.partial 1000000
    kill -KILL "$pid"
    end
    assert_equal "$status" 137
    assert [ -e new.partial ]
    assert [ ! -e new ]
    assert_inputs
}

@test "too little room: refused with the number that is needed; --accept=space tries, and FILE.partial is named" {
    [ "$(id -u)" -eq 0 ] || skip "needs root to mount a small file system"
    recipe areas-chunks
    mkdir small
    mount -t tmpfs -o size=2M none small
    mounted=$PWD/small
    program snapmerge -n --output small/new --origin origin --cow cow
    refuses 8 "small/new: up to 8 MiB (8388608 bytes) will be written, but only 2 MiB are free there; make room for 6 MiB (6291456 bytes) more"
    assert_said "add --accept=space"
    program snapmerge --output small/new --origin origin --cow cow
    refuses 8 "small/new: up to 8 MiB"
    assert_equal "$(ls small)" ""
    program snapmerge --accept=space --output small/new --origin origin --cow cow
    assert_status 8
    assert_said "warning: small/new: up to 8 MiB will be written, but only 2 MiB are free there"
    assert_said "No space left on device"
    assert_said "small/new.partial is incomplete"
    assert_said "To go on: rm small/new.partial && snapmerge --origin origin --cow cow --output small/new --accept=space"
    assert_equal "$(ls small)" new.partial
    assert_inputs
}

@test "a name that was taken meanwhile is left alone" {
    pair
    start --rate-limit 4M --output new
    until_true written new.partial 1000000
    echo mine >new
    end
    assert_status 8
    assert_said "new: exists already"
    assert_said "The output is complete, as new.partial."
    assert_equal "$(cat new)" mine
    cmp new.partial view
}

# --- refusals ----------------------------------------------------------------------------------
@test "what is there already is refused: a file, a link, FILE.partial, a folder, a pipe" {
    recipe one-entry
    local what
    mkdir there
    contents there/file 1000 file
    contents there/left.partial 1000 file
    ln -s nothing there/link
    mkfifo there/pipe
    mkdir there/folder
    remember there/file there/left.partial
    program snapmerge --output there/file --origin origin --cow cow
    refuses 8 "there/file: it exists already, but --output makes a new image"
    program snapmerge --output there/link --origin origin --cow cow
    refuses 8 "there/link: it exists"
    assert [ ! -e nothing ]
    program snapmerge --output there/left --origin origin --cow cow
    refuses 8 "there/left.partial: it exists"
    assert_said "rm there/left.partial"
    program snapmerge --output there/folder --origin origin --cow cow
    refuses 16 "there/folder: "
    program snapmerge --output there/new/ --origin origin --cow cow
    refuses 16 "there/new/: is the name of a folder"
    program snapmerge --output there/pipe --origin origin --cow cow
    refuses 16 "there/pipe: "
    program snapmerge --output nowhere/new --origin origin --cow cow
    refuses 8 "nowhere/new: its folder cannot be opened: No such file"
    for what in origin cow; do
        program snapmerge --accept=output-signature --output "$what" --origin origin --cow cow
        refuses 8 "$what: it exists"
    done
    assert_untouched
}

@test "the checks of a merge come first" {
    recipe cut
    program snapmerge --output new --origin origin --cow cow
    refuses 8 "--accept=cut"
    program snapmerge --accept=cut --output new --origin origin --cow cow
    assert_status 0
    rm new
    recipe duplicate-old
    program snapmerge --output new --origin origin --cow cow
    refuses 4 "damaged"
    recipe invalid
    program snapmerge --output new --origin origin --cow cow
    refuses 4 "cow: "
    mke2fs -q -t ext4 -b 4096 origin 8M
    mke2fs -q -t ext4 -b 4096 other 8M
    cp origin view
    contents piece 10000 piece
    dd if=piece of=view bs=4096 seek=1500 conv=notrunc status=none
    rm cow
    program snapcreate --origin origin --cow cow --size max --from-diff view
    before
    program snapmerge --output new --origin other --cow cow
    refuses 8 "--accept=identity"
}

@test "options of a merge into the origin do not go with it" {
    local name=snapmerge option
    recipe one-entry
    for option in --preserve=x --undo=x --checkpoint=x --checkpoint-interval=5 --skip-identical --continue-on-error; do
        program snapmerge --keep-cow --output new --origin origin --cow cow "$option"
        assert_usage_error "--output and ${option%%=*} cannot be used together"
        assert [ ! -e new ]
    done
}

@test "an output on the origin's own file system is refused; a mounted origin is a warning" {
    need_loops
    mke2fs -q -t ext4 -b 4096 origin 8M
    cp origin view
    contents piece 10000 piece
    dd if=piece of=view bs=4096 seek=1500 conv=notrunc status=none
    program snapcreate --origin origin --cow cow --size max --from-diff view
    loop_over origin
    mkdir there
    mount -o ro "$loop" there
    program snapmerge --output new --origin "$loop" --cow cow
    umount there
    assert_status 0
    assert_said "warning: $loop: it is in use (mounted on $PWD/there)"
    cmp new view
    rm new
    mount "$loop" there
    mounted=$PWD/there
    program snapmerge --output there/new --origin "$loop" --cow cow
    assert_status 8
    assert_said "there/new: it lies on $loop"
    assert_said "Nothing was written."
    assert_equal "$(ls there)" lost+found
    program snapmerge --output there/new --origin origin --cow cow # the image behind it is the same
    assert_status 8
    assert_said "there/new: it lies on origin"
    assert_equal "$(ls there)" lost+found
    # The same for a device that stands on a file there.
    truncate -s 8M there/disk
    local origin_loop=$loop
    loop_over there/disk
    program snapmerge --accept=identity --output "$loop" --origin "$origin_loop" --cow cow # it was written to
    losetup --detach "$loop"
    loops=("$origin_loop")
    assert_status 8
    assert_said "$loop: it lies on $origin_loop"
    assert_said "Nothing was written."
    assert_equal "$(blocks there/disk)" 0
}

# --- block devices -----------------------------------------------------------------------------
@test "a block device gets every byte, zeros too; what it holds behind them is left alone" {
    need_loops
    recipe holes
    local size file
    for file in origin view; do # where the store has no entry
        dd if=/dev/zero of=$file bs=4096 seek=30 count=20 conv=notrunc status=none
    done
    before
    size=$(stat -c %s origin)
    contents more $((size + 1048576)) disk
    device $((size + 1048576))
    program snapmerge --json --verify --accept=output-signature --output "$loop" --origin origin --cow cow
    assert_status 0
    assert_said "$loop: it is larger than the snapshot: what it holds from byte $size on is left alone"
    assert_json '.result.output | "\(.written_bytes) \(.new_image) \(.verified_bytes)"' "$size false $size"
    loops_detach
    cmp -n "$size" disk view
    cmp -i "$size" disk more
    assert_inputs
}

@test "a device that is too small, or whose blocks do not end with the snapshot, is refused" {
    need_loops
    recipe odd-origin
    local size sum
    size=$(stat -c %s origin)
    device $((size - 512))
    sum=$(sha256sum disk)
    program snapmerge --output "$loop" --origin origin --cow cow
    refuses 8 "$loop: has $((size - 512)) bytes, but the snapshot has $size"
    loops_detach
    assert_equal "$(sha256sum disk)" "$sum"
    contents disk 4194304 disk
    sum=$(sha256sum disk)
    loop_over disk --sector-size 4096
    program snapmerge --output "$loop" --origin origin --cow cow
    refuses 8 "$loop: logical blocks of 4096 bytes"
    loops_detach
    assert_equal "$(sha256sum disk)" "$sum"
}

@test "a device that shares bytes with origin or COW is refused" {
    need_loops
    recipe one-entry
    local file first
    for file in origin cow; do
        loop_over "$file"
        first=$loop
        program snapmerge --accept=output-signature --output "$first" --origin origin --cow cow
        refuses 8 "same device"
        loop_over "$file"
        program snapmerge --accept=output-signature --output "$loop" --origin "$first" --cow cow
        assert_status 8
        assert_said "Nothing was written."
        assert_inputs
        loops_detach
    done
}

@test "a device that holds something is refused; --accept=output-signature overwrites it" {
    need_loops
    recipe areas-chunks
    truncate -s 16M disk
    mke2fs -q -t ext4 -L precious disk
    loop_over disk
    local sum
    sum=$(sha256sum disk)
    program snapmerge -y --output "$loop" --origin origin --cow cow
    refuses 8 "$loop: it holds ext4 \"precious\""
    assert_said "--accept=output-signature overwrites it"
    program snapmerge -n --accept=output-signature --output "$loop" --origin origin --cow cow
    assert_status 0
    assert_shown "output      $loop: 16 MiB, ext4 \"precious\""
    assert_shown "to write    8 MiB (8388608 bytes)"
    assert_equal "$(sha256sum disk)" "$sum"
    program snapmerge --accept=output-signature --output "$loop" --origin origin --cow cow
    assert_status 0
    loops_detach
    cmp -n 8388608 disk view
    cp cow.before disk # a store: named by what would be lost with it
    truncate -s 16M disk
    loop_over disk
    program snapmerge --output "$loop" --origin origin --cow cow
    refuses 8 "$loop: it holds a snapshot store with 600 entries; --accept=output-signature overwrites it"
}

@test "a device in use is refused" {
    need_loops
    recipe one-entry
    truncate -s 16M disk
    mke2fs -q -t ext4 disk
    loop_over disk
    mkdir there
    mount "$loop" there
    mounted=$PWD/there
    program snapmerge --accept=output-signature --output "$loop" --origin origin --cow cow
    refuses 8 "$loop: "
    assert_said "mounted on $PWD/there"
}

@test "a device that was left half written: said, and the command that goes on works" {
    need_loops
    pair
    truncate -s 8M disk
    loop_over disk
    start --rate-limit 2M --output "$loop"
    until_true written disk 1000000
    kill -TERM "$pid"
    end
    assert_status 32
    assert_said "$loop is incomplete ("
    local command
    command=$(sed -n 's/^To go on: //p' said)
    assert_equal "$command" "snapmerge --origin origin --cow cow --output $loop --accept=output-signature"
    run --separate-stderr env PATH="$BUILDDIR/tools:$PATH" bash -c "$command" </dev/null
    assert_status 0
    loops_detach
    cmp disk view
    assert_inputs
}

# --- talk --------------------------------------------------------------------------------------
@test "-: standard output, which neither --json nor --verify goes with; no file has this name" {
    recipe areas-chunks
    program_in_shell ">stream" snapmerge --output - --origin origin --cow cow
    assert_status 0
    assert_said "snapmerge: wrote the snapshot of origin and cow to standard output: 8 MiB"
    cmp stream view
    assert_inputs
    program_in_shell "| cat >stream" snapmerge --output=- --origin origin --cow cow
    cmp stream view
    program snapmerge -n --output - --origin origin --cow cow
    assert_status 0
    assert_equal "$output" ""
    assert_said "Nothing was written."
    for option in --json --verify; do
        program snapmerge "$option" --output - --origin origin --cow cow
        assert_status 16
        assert_said "--output - and $option cannot be used together"
        assert_equal "$output" ""
    done
    assert [ ! -e - ]
    program snapmerge --output ./- --origin origin --cow cow
    assert_status 0
    cmp ./- view
}

@test "-n shows the plan and makes nothing" {
    recipe areas-chunks
    program snapmerge -n --output new --origin origin --cow cow
    assert_status 0
    assert_shown "origin      origin: 8 MiB"
    assert_shown "output      new: a new image of 8 MiB (8388608 bytes)"
    assert_shown "to write    up to "
    assert_said "Nothing was written."
    assert [ ! -e new ]
    assert [ ! -e new.partial ]
    program snapmerge -n --json --output new --origin origin --cow cow
    assert_status 0
    assert_json '.result | "\(.outcome) \(.output.path) \(.output.size_bytes) \(.output.complete)"' \
        "planned new 8388608 false"
    assert_inputs
}

@test "the end: what was written where, that the inputs stay, and what to do next; -q says nothing" {
    mke2fs -q -t ext4 -b 4096 origin 8M
    cp origin view
    contents piece 10000 piece
    dd if=piece of=view bs=4096 seek=1500 conv=notrunc status=none
    program snapcreate --origin origin --cow cow --size max --from-diff view
    before
    program snapmerge --output "a new one" --origin origin --cow cow
    assert_status 0
    assert_equal "$output" ""
    assert_said "snapmerge: wrote the snapshot of origin and cow to a new one: 8 MiB ("
    assert_said "of data, the rest are holes) in "
    assert_said "next: check the ext4 file system on a new one before it is used: e2fsck -f 'a new one'"
    assert_said "origin and cow were not changed"
    assert_not_said "warning"
    e2fsck -fn "a new one"
    program snapmerge -q --output new --origin origin --cow cow
    assert_status 0
    assert_equal "$output$stderr" ""
    cmp new view
}

@test "on a terminal: both and the output are shown and a question asked; y writes" {
    recipe areas-chunks
    on_terminal n snapmerge --output new --origin origin --cow cow
    assert_equal "$status" 8
    assert_shown "output      new: a new image of 8 MiB"
    assert_shown "will be written to new; origin and COW are only read."
    assert_shown "Write it now? [y/N]"
    assert_shown "Nothing was written."
    assert [ ! -e new ]
    on_terminal y snapmerge --output new --origin origin --cow cow
    assert_equal "$status" 0
    cmp new view
    assert_inputs
}
