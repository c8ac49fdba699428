#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What --json says is true at each end: complete, incomplete, failed, kept; and what is not known is null.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154

setup() {
    load helpers
    load work
    load pairs
    load system_calls
    load volumes
    in_folder
    shaped_pair random 8 100 $((8 * 130))
}

recipe() {
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/$1.recipe" cow origin view
}

teardown() {
    loops_detach
}

@test "complete: the store holds nothing afterwards" {
    program snapmerge --json --origin origin --cow cow
    assert_status 0
    assert_json '"\(.exit_status) \(.result.outcome) \(.result.after.entries)"' "0 done 0"
    assert_json '.result.after.usage.allocated_sectors' 16
}

@test "complete, and the COW is kept: it holds what it held" {
    program snapmerge --json --keep-cow --origin origin --cow cow
    assert_status 0
    assert_json '"\(.exit_status) \(.result.outcome) \(.result.keep_cow) \(.result.after.entries)"' "0 done true 100"
    assert_equal "$(json '.result.after.usage | "\(.allocated_sectors) \(.total_sectors) \(.metadata_sectors)"')" \
        "$(walk cow figures | cut -d' ' -f3-)"
}

@test "complete, to a third place: the COW holds what it held" {
    program snapmerge --json --output new --origin origin --cow cow
    assert_status 0
    assert_json '"\(.exit_status) \(.result.outcome) \(.result.keep_cow) \(.result.after.entries)"' "0 done true 100"
}

@test "failed: what the store holds afterwards is not known" {
    need_strace
    traced -P "$dir/cow" -e trace=pwrite64,pwritev -e inject=pwrite64,pwritev:error=EIO:when=1 -- \
        snapmerge --json --io-engine threads --queue-depth 1 --origin origin --cow "$dir/cow"
    assert_status 8
    assert_json '"\(.exit_status) \(.result.outcome) \(.result | has("after")) \(.result.after)"' "8 failed true null"
}

@test "bad chunks are left: each with its place and reason; the highest data chunk is not known" {
    need_loops
    loop_over cow
    truncate -s $((97 * 4096)) cow # the data of the last five entries
    program snapmerge --json --continue-on-error --origin origin --cow "$loop"
    assert_status 4
    assert_json '"\(.exit_status) \(.result.outcome) \(.result.bad_entries) \(.result.after.entries)"' "4 incomplete 5 5"
    assert_json '.result.after | "\(has("usage")) \(.usage)"' "true null"
    assert_equal "$(json '.result.bad[] | "\(.origin_offset_bytes) \(.length_bytes) \(.cow_offset_bytes) \(.reason)"' | sort -n)" \
        "$(walk cow.before ranges | awk '{ for (i = 0; i < $4; i++) if ($1 + i >= 95) print ($2 + i) * 4096, 4096, ($3 + i) * 4096, "unreadable" }' | sort -n)"
    # Without the option there is no such list; with it, and nothing bad, it is empty.
    program snapmerge -n --json --origin origin --cow cow.before
    assert_json '.result | has("bad")' false
    program snapmerge --json --continue-on-error --origin origin --cow cow.before
    assert_json '.result.bad | length' 0
}

@test "a store without a parent has none, and an undo store has one" {
    program snapmerge --quiet --undo undo --origin origin --cow cow
    assert_status 0
    program snapinspect --json cow
    assert_json '.result.identity | "\(has("parent_id")) \(.parent_id) \(.flags)"' "true null 0"
    local id
    id=$(json .result.identity.store_id)
    program snapinspect --json undo
    assert_json '.result.identity | "\(.parent_id) \(.flags)"' "$id 1"
}

@test "a device with two signatures: one is named, and that there are others" {
    mke2fs -q -t ext4 -L first origin 8M 2>/dev/null
    program snapcreate --origin origin --cow new --size 1M
    program snapinspect --json --origin origin new
    assert_json '.result.on_origin | "\(.label) \(.ambivalent)"' "first false"
    printf 'SnAp\001\000\000\000\001\000\000\000\010\000\000\000' | dd of=origin conv=notrunc status=none
    program snapinspect --json --origin origin new
    assert_json .result.on_origin.ambivalent true
    program snapinspect --origin origin new
    assert_shown "and other signatures"
}

# --- ends without a result -------------------------------------------------------------------------
# error_is WORD EXIT_STATUS: standard output has exactly one object, with this error, and the message that was said.
error_is() {
    assert_status "$2"
    assert_equal "$(jq -s length <<<"$output")" 1
    assert_json '"\(.dmsnap.program) \(.error.status) \(.exit_status)"' "$name $1 $2"
    assert_said "$(json .error.message)"
}

@test "each refusal and failure is one object with a word and the message, in all four programs" {
    local name
    truncate -s 1M blank
    for name in snapinspect snapcheck; do
        program "$name" --json --origin origin missing
        error_is not-found 8
        program "$name" --json --origin origin origin
        error_is refused 8
    done
    name=snapmerge
    program snapmerge --json --origin origin --cow blank
    error_is no-store 4
    program snapmerge --json --origin origin --cow missing
    error_is not-found 8
    program snapmerge --json --output cow --origin origin --cow cow
    error_is refused 8
    name=snapcreate
    program snapcreate --json --origin origin --cow cow
    error_is refused 8
    program snapcreate --json --origin origin --cow other --size 4K
    error_is no-space 8
    name=snapinspect
    program snapinspect --json --origin origin --extract cow cow
    error_is refused 8
}

@test "a wrong command line is one object, too, wherever --json stands in it" {
    local name word
    for name in snapinspect snapcheck snapmerge snapcreate; do
        program "$name" --json --bogus
        error_is usage 16
        program "$name" --bogus -J
        error_is usage 16
        program "$name" --bogus -nJ
        error_is usage 16
        program "$name" cow -Jn --origin
        error_is usage 16
        program "$name" --origin=x -vqJ --bogus=J
        error_is usage 16
        program "$name" cow --json=1
        error_is usage 16
        program "$name" --json= --bogus
        error_is usage 16
        for word in --bogus=J --Json --jsonx=1 -- -n x-J; do
            program "$name" --bogus "$word"
            assert_status 16
            assert_equal "$output" ""
        done
        program "$name" --bogus -- --json
        assert_status 16
        assert_equal "$output" ""
    done
    name=snapinspect
    program snapinspect --list --json -o BOGUS cow
    error_is usage 16
    program snapinspect --bogus -oJ cow # J is the name of a column
    assert_status 16
    assert_equal "$output" ""
}

@test "a run that fails on the way says so in its result" {
    need_strace
    traced -P "$dir/cow" -e trace=pwrite64,pwritev -e inject=pwrite64,pwritev:error=EIO:when=1 -- \
        snapmerge --json --io-engine threads --queue-depth 1 --origin origin --cow "$dir/cow"
    assert_json '"\(.result.outcome) \(.error.status) \(.exit_status)"' "failed io-error 8"
    assert_equal "$(jq -s length <<<"$output")" 1
}

@test "the exit status of a result is the one of the program, even where closing fails" {
    need_strace
    traced -P "$dir/cow" -e trace=close -e inject=close:error=EIO:when=1+ -- \
        snapcheck --json --origin origin "$dir/cow"
    assert_json '"\(.exit_status)"' "$status"
    assert_equal "$(jq -s length <<<"$output")" 1
}

@test "the verdict on a store is a word" {
    program snapcheck --json cow
    assert_json .result.verdict clean
    recipe duplicate-old
    program snapcheck --json cow
    assert_json .result.verdict damaged
    recipe full
    program snapcheck --json cow
    assert_json .result.verdict warnings
    truncate -s 1M blank
    program snapcheck --json blank
    assert_json .result.verdict not-usable
}

@test "the list has its columns by name and in bytes, and -o picks them" {
    recipe one-entry
    program snapinspect --list --json -o AREA,ORIGIN cow
    assert_status 0
    assert_equal "$(sed -n 2p <<<"$output" | jq -c .)" '{"origin_offset_bytes":40960,"area":0}'
    program snapinspect --list --json cow
    assert_equal "$(sed -n 2p <<<"$output" | jq -r '"\(.origin_offset_bytes) \(.cow_offset_bytes) \(.length_bytes)"')" \
        "40960 8192 4096"
}

# --- the manual ------------------------------------------------------------------------------------
# documented PAGE...: the members that these pages name, in the .Li words and lists of their sections JSON and OPTIONS.
documented() {
    sed -n 's/^\.It Li //p; s/^\.Li //p' "$@" | tr ' ' '\n' | grep -E '^[a-z_]+$' | sort -u
}

# members FILE: all names of members in the JSON texts of the file.
members() {
    jq -r '[.. | objects | keys[]] | .[]' "$1" | sort -u
}

# seen ARGUMENT...: runs a program, and keeps what it prints as data and as progress, for members().
seen() {
    program "$@"
    printf '%s\n' "$output" >>"$1.json"
    grep '^{' <<<"$stderr" >>"$1.json" || true
}

@test "each member that a program prints is named in its manual, or in dmsnap(7)" {
    local name
    contents new $((8 * 130 * 512)) new
    cp cow cow.before
    cp origin origin.before
    for name in "$SRCDIR"/tests/images/*.recipe; do
        "$BUILDDIR/tests/images/mkstore" "$name" c o v
        seen snapcheck --json --data --origin o c
        seen snapinspect --json --origin o c
        seen snapinspect --json --list c
        seen snapmerge --json -n --origin o --cow c
    done
    seen snapcreate --json --origin origin --cow store --size 1M --print-table P
    seen snapcreate --json -f --origin origin --cow store --from-diff new
    seen snapcreate --json --identify --origin origin --cow cow
    seen snapinspect --json --origin origin cow
    seen snapinspect --json --progress-json --origin origin --extract image cow
    seen snapmerge --json --verify --output third --origin origin --cow cow
    cp cow other
    seen snapmerge --json --progress-json --continue-on-error --skip-identical --undo undo --preserve other \
        --origin origin --cow cow
    assert_json .result.outcome done
    seen snapinspect --json undo
    if ! lacks devmapper; then
        "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/unordered.recipe" c o v
        volumes_make o c
        seen snapinspect --json --lvm --devices pv0,pv1
        assert_json '.result.groups[0].volumes[0].snapshots | length' 1
    fi
    seen snapinspect --json nosuch
    seen snapinspect --json --system
    dd if=/dev/zero of=cow.before bs=512 count=1 conv=notrunc status=none
    seen snapinspect --json cow.before
    seen snapcheck --json cow.before
    for name in "${PROGRAMS[@]}"; do
        documented "$SRCDIR/man/$name.8" "$SRCDIR/man/dmsnap.7" >names
        members "$name.json" >printed
        [ "$(wc -l <printed)" -gt 15 ]
        assert_equal "$name: $(comm -23 printed names | tr '\n' ' ')" "$name: "
    done
}
