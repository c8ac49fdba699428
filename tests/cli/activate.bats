#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# --activate and --kernel where there is no device-mapper, and command lines that cannot be meant.
# shellcheck disable=SC2154

setup() {
    load helpers
    load work
    in_folder
    contents origin $((1 << 20)) origin
    "$BUILDDIR/tools/snapcreate" --quiet --origin origin --cow cow --size 1M
    cp origin origin.before
    cp cow cow.before
}

unchanged() {
    cmp origin origin.before
    cmp cow cow.before
}

need_no_device_mapper() {
    ! grep -qw device-mapper /proc/misc || skip "this system has device-mapper"
}

# The build may lack the library: that is another sentence.
assert_none() {
    assert_status 8
    if lacks devmapper; then
        assert_said "this build lacks libdevmapper; "
    else
        assert_said "this kernel has no device-mapper; "
    fi
    assert_said "Nothing was written."
    unchanged
}

@test "without device-mapper each says so, with the way out, and writes nothing" {
    need_no_device_mapper
    program snapcreate --activate snap --origin origin --cow cow
    assert_none
    assert_said "--print-table snapshot"
    program snapcreate -f --activate snap --activate-origin base --origin origin --cow cow
    assert_none
    program snapinspect --activate view --origin origin cow
    assert_none
    assert_said "snapinspect --extract FILE"
    program snapmerge --kernel --origin origin --cow cow
    assert_none
    assert_said "snapmerge without --kernel merges them"
    program snapinspect --json --activate view --origin origin cow
    assert_status 8
    assert_json .error.status unsupported
}

@test "what does not go together" {
    program snapcreate --activate-origin base --origin origin --cow cow
    assert_status 16
    assert_said "--activate-origin needs --activate"
    program snapcreate --activate snap --size 1M --origin origin --cow new
    assert_status 16
    program snapcreate --activate snap --identify --origin origin --cow cow
    assert_status 16
    program snapinspect --activate view cow
    assert_status 16
    assert_said "--activate needs --origin"
    local option reason name
    for option in --list --extract=x; do
        program snapinspect --activate view --origin origin "$option" cow
        assert_status 16
    done
    while read -r option reason; do
        program snapmerge --kernel "$option" --origin origin --cow cow
        assert_status 16
        assert_said "$reason"
    done <<'END'
--output=new its record of progress
--keep-cow its record of progress
--checkpoint=new its record of progress
--preserve=new and of no others
--overflow=refuse and of no others
--undo=new keeps nothing of what it replaces
--continue-on-error neither compares nor reads back
--bad-list=new neither compares nor reads back
--drop-bad neither compares nor reads back
--verify neither compares nor reads back
--skip-identical neither compares nor reads back
--rate-limit=1M in its own way
--iops-limit=9 in its own way
--idle in its own way
--checkpoint-interval=9 in its own way
--queue-depth=9 in its own way
--io-engine=threads in its own way
--seeks=free in its own way
END
    for name in a/b '' 'a b' -x control .. "$(printf 'x%.0s' {1..128})"; do
        program snapcreate "--activate=$name" --origin origin --cow cow
        assert_status 16
        program snapcreate --activate=good "--activate-origin=$name" --origin origin --cow cow
        assert_status 16
        program snapinspect "--activate=$name" --origin origin cow
        assert_status 16
    done
    assert_said "it has 128 bytes, and it may have 1 to 127"
    program snapmerge --kernel --cow lvm:vg/snap
    assert_status 16
    assert_said "lvconvert --merge"
    program snapmerge --accept=in-use --origin origin --cow cow
    assert_status 16
    assert_said "--accept=in-use needs --kernel"
    program snapinspect --accept=identity --origin origin cow
    assert_status 16
    assert_said "--accept needs --extract or --activate"
    unchanged
    [ ! -e new ]
}
