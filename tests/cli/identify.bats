#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapcreate --identify: a store that is there gets record and fingerprint, after the judgement, and nothing else changes.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154

# Made once: ext4 file systems and a snapshot of one of them without a record, as the kernel leaves it.
setup_file() {
    load helpers
    load work
    mkdir "$BATS_FILE_TMPDIR/pair" && cd "$BATS_FILE_TMPDIR/pair" || return
    mkdir files
    contents files/first 1000000 first
    contents files/second 1500000 second
    mke2fs -q -t ext4 -d files -U 11111111-1111-4111-8111-111111111111 origin 4M
    cp origin new
    contents third 100000 third
    debugfs -w -R 'write third third' new >/dev/null 2>&1
    rm -r files
    mke2fs -q -t ext4 -U 22222222-2222-4222-8222-222222222222 other 4M
    program snapcreate --origin origin --cow cow --size max --from-diff new --no-identity
    [ "$status" -eq 0 ]
    cp cow cow.before
}

setup() {
    load helpers
    load work
    load fingerprints
    load system_calls
    in_folder
    cp "$BATS_FILE_TMPDIR"/pair/* .
    mounted=
}

teardown() {
    [ -z "$mounted" ] || umount "$mounted"
    loops_detach
}

identify() {
    program snapcreate --identify --origin origin --cow cow "$@"
}

# refused TEXT [STATUS]: said so, and nothing was written.
refused() {
    assert_status "${2-8}"
    assert_said "$1"
    assert_said "Nothing was written."
    cmp cow cow.before
}

# only_chunk_0: nothing but bytes 16 to 1023 has changed.
only_chunk_0() {
    cmp -n 16 cow cow.before
    cmp -i 1024 cow cow.before
}

# given MASKED: a record and a fingerprint, true, with so many samples that say nothing.
given() {
    assert_equal "$(text cow 16 8)" dmsnapID
    assert_equal "$(text cow 104 40)" 11111111-1111-4111-8111-111111111111
    assert_equal "$(fingerprint cow origin)" "192 masked $1 listed 0 agree $((192 - $1)) differ 0"
    [ "$1" -gt 0 ]
    only_chunk_0
}

# What the list names says nothing, and other code knows how many samples that is.
masked() {
    local text
    text=$(fingerprint cow)
    text=${text#*masked }
    echo "${text%% *}"
}

@test "a store without a record: it has both afterwards, and the merge is proven right" {
    identify
    assert_status 0
    assert_said "cow: it has a record and a fingerprint of origin now"
    given "$(masked)"
    program snapcheck --origin origin cow
    assert_status 0
    program snapmerge --dry-run --origin origin --cow cow
    assert_status 0
    assert_shown "pair        proven"
    program snapmerge --origin other --cow cow
    assert_status 8
    program snapmerge --origin origin --cow cow
    assert_status 0
    cmp origin new
    assert_equal "$(fingerprint cow)" none
}

@test "what the list names is masked, and nothing else" {
    local index old new count blocks=0
    identify
    # 4 MiB in chunks of 4 KiB: the samples that are no edge are few of many, so they are asked one by one.
    while read -r index old new count; do
        blocks=$((blocks + count))
    done < <(walk cow ranges)
    [ "$(masked)" -ge 1 ]
    [ "$(masked)" -le $((192 * blocks)) ]
    # Other bytes in a chunk of the list make no difference, in all others that are sampled they do.
    cp origin kept
    read -r index old new count < <(walk cow ranges)
    printf 'changed' | dd of=origin bs=1 seek=$((old * 4096 + 10)) conv=notrunc status=none
    [[ $(fingerprint cow origin) == *" differ 0" ]]
}

@test "a dry run says what would be written, and writes nothing" {
    identify --dry-run --json
    assert_status 0
    refused "cow: it would get a record and a fingerprint of origin" 0
    assert_json '.result | "\(.written) \(.record) \(.fingerprint.samples) \(.pair.outcome)"' "false true 192 likely"
    identify --json
    assert_json '.result | "\(.written) \(.record) \(.entries)"' "true true $(walk cow figures | cut -d' ' -f1)"
    assert_json .result.fingerprint.masked "$(masked)"
    assert_json .result.store_id "$(hex cow 32 16 | sed 's/^\(.\{8\}\)\(.\{4\}\)\(.\{4\}\)\(.\{4\}\)/\1-\2-\3-\4-/')"
}

@test "the wrong origin is refused, and the word waives it" {
    program snapcreate --identify --origin other --cow cow
    refused "add --accept=identity"
    program snapcreate --identify --origin other --cow cow --accept=identity
    assert_status 0
    only_chunk_0
    assert_equal "$(text cow 104 40)" 22222222-2222-4222-8222-222222222222
}

@test "where nothing tells, somebody has to say so: -y, the word, or an answer" {
    # The list holds nothing of the superblock, and nothing that resembles what it would replace.
    cp origin new
    contents random 40000 random
    dd if=random of=new bs=4096 seek=900 conv=notrunc status=none
    rm cow
    program snapcreate --origin origin --cow cow --size max --from-diff new --no-identity
    assert_status 0
    cp cow cow.before
    identify
    refused "and nobody can be asked; if you know that origin is its origin, add -y"
    identify --dry-run
    refused "add -y"
    identify --dry-run --yes
    assert_status 0
    on_terminal n snapcreate --identify --origin origin --cow cow
    assert_equal "$status" 8
    assert_shown "unknown: the store does not say which origin it belongs to"
    cmp cow cow.before
    identify --accept=identity
    assert_status 0
    only_chunk_0
    cp cow.before cow
    identify -y
    assert_status 0
    program snapmerge -n --origin origin --cow cow
    assert_status 0
    assert_said "are what they were when the store recorded them"
}

@test "a store that has both: only -f takes them anew, and keeps what only the record says" {
    local first
    identify --label "the first"
    assert_status 0
    cp cow cow.before
    first=$(hex cow 32 16)
    identify
    refused "it has a record and a fingerprint already; to take both anew from origin, add -f"
    identify --dry-run
    refused "add -f"
    sleep 1
    identify -f
    assert_status 0
    assert_equal "$(hex cow 32 16)" "$first"
    same cow cow.before 56 8
    assert_equal "$(text cow 392 64)" "the first"
    [ "$(hex cow 544 8)" != "$(hex cow.before 544 8)" ]
    given "$(masked)"
    identify -f --label "the second"
    assert_equal "$(text cow 392 64)" "the second"
}

@test "a record without a fingerprint is completed, and stays as it is" {
    identify --label mine
    dd if=/dev/zero of=cow bs=512 seek=1 count=1 conv=notrunc status=none
    cp cow cow.before
    identify
    assert_status 0
    assert_said "cow: it has a fingerprint of origin now"
    cmp -n 512 cow cow.before
    given "$(masked)"
}

@test "a record of another size is not completed; -f takes it anew" {
    identify
    dd if=/dev/zero of=cow bs=512 seek=1 count=1 conv=notrunc status=none
    cp cow cow.before
    truncate -s 5M origin
    identify
    refused "its record is of an origin of 8192 sectors, but origin has 10240; to take the record anew as well, add -f"
    identify -f
    assert_status 0
    assert_equal "$(number cow 48 8)" 10240
    [[ $(fingerprint cow origin) == *" differ 0" ]]
    only_chunk_0
}

@test "what is not ours is never overwritten" {
    printf 'somebody' | dd of=cow bs=1 seek=100 conv=notrunc status=none
    cp cow cow.before
    identify
    refused "its header sector holds something that is no record, which is not overwritten"
    identify -f
    refused "its header sector holds something that is no record, which is not overwritten"
    cp "$BATS_FILE_TMPDIR/pair/cow" cow
    printf 'dmsnapID\2' | dd of=cow bs=1 seek=16 conv=notrunc status=none
    cp cow cow.before
    identify -f
    refused "its header sector holds a record of a newer version, which is not overwritten"
    cp "$BATS_FILE_TMPDIR/pair/cow" cow
    printf 'somebody' | dd of=cow bs=1 seek=600 conv=notrunc status=none
    cp cow cow.before
    identify
    assert_status 0
    assert_said "its second sector holds something that is not overwritten, so there is no place for a fingerprint"
    cmp -i 512 cow cow.before
    assert_equal "$(text cow 16 8)" dmsnapID
}

@test "chunks of 512 bytes: a record only, and that is said" {
    program snapcreate --origin origin --cow small --size max --chunk-size 512 --from-diff new --no-identity
    cp small cow
    cp small cow.before
    identify
    assert_status 0
    assert_said "cow: chunks of 512 bytes have no room for a fingerprint; it gets a record only"
    assert_said "cow: it has a record of origin now"
    cmp -i 512 cow cow.before
    identify
    assert_status 8
    assert_said "it has a record already; to take it anew from origin, add -f"
}

@test "an origin or a store in use is refused, in a dry run too" {
    need_loops
    loop_over origin
    mkdir mnt
    mount "$loop" mnt
    mounted=mnt
    identify
    refused "origin"
    identify --dry-run
    refused "origin"
    program snapcreate --identify --origin "$loop" --cow cow
    refused "mounted"
}

@test "no store, a damaged one, an invalid one, swapped names: refused as everywhere" {
    program snapcreate --identify --origin cow --cow origin
    assert_status 8
    assert_said "Nothing was written."
    program snapcreate --identify --origin origin --cow other
    assert_status 4
    assert_said "other: not a snapshot store"
    printf '\0' | dd of=cow bs=1 seek=4 conv=notrunc status=none
    cp cow cow.before
    identify
    refused "marked invalid" 4
}

@test "options that make a store do not go with it" {
    local option
    name=snapcreate
    for option in --size=max --chunk-size=8K --from-diff=new --no-identity --print-table=P; do
        identify "$option"
        assert_usage_error "--identify and ${option%%=*} cannot be used together: with --identify no store is made"
        cmp cow cow.before
    done
}

@test "on a terminal it shows both devices and asks" {
    on_terminal n snapcreate --identify --origin origin --cow cow
    assert_equal "$status" 8
    assert_shown "pair        likely"
    assert_shown "Record in cow that this is its origin? [y/N]"
    assert_shown "not recorded: you answered no"
    cmp cow cow.before
    on_terminal y snapcreate --identify --origin origin --cow cow
    assert_equal "$status" 0
    given "$(masked)"
}

@test "a write that fails leaves a whole store, and the same command completes it" {
    need_strace
    local at
    for at in 1 2; do
        cp cow.before cow
        traced -e trace=pwritev,pwritev2,io_uring_setup -e inject=io_uring_setup:error=ENOSYS \
            -e inject=pwritev,pwritev2:error=EIO:when="$at" -- \
            snapcreate --identify --origin origin --cow cow
        assert_status 8
        assert_said "The list and the data of cow are as they were; repeat the command."
        only_chunk_0
        identify
        assert_status 0
        given "$(masked)"
    done
}

@test "a device with blocks of 4096 bytes" {
    need_loops
    loop_over cow --sector-size 4096
    program snapcreate --identify --origin origin --cow "$loop"
    assert_status 0
    loops_detach
    given "$(masked)"
}
