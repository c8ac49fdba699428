#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapinspect --system where the kernel has no device-mapper; tests/kernel/system.bats has one that has.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154

setup() {
    load helpers
    load work
    load system_calls
    in_folder
}

# The build lacks libdevmapper, or the kernel of this machine has device-mapper: then this is no place for the test.
need_absent() {
    ! lacks devmapper || skip "this build lacks libdevmapper"
    ! grep -qw device-mapper /proc/misc || skip "this kernel has device-mapper"
}

@test "without device-mapper it says so, as text and as JSON, and that is no failure" {
    need_absent
    program snapinspect --system
    assert_status 0
    assert_equal "$output" ""
    assert_equal "$(grep '^snapinspect: ' <<<"$stderr")" \
        "snapinspect: this kernel has no device-mapper, so no snapshot is active"
    program snapinspect --system --quiet
    assert_status 0
    assert_equal "$output" ""
    assert_not_said "snapinspect: "
    program snapinspect --system --json
    assert_status 0
    assert_json '[.result, .exit_status] | tojson' '[{"device_mapper":false,"origins":[],"unread":[]},0]'
}

@test "nothing is opened for writing but device-mapper's control node, and no node is made" {
    need_absent
    need_strace
    local before=none
    [ ! -e /dev/mapper ] || before=$(ls -la /dev/mapper)
    traced -e trace=%file -- snapinspect --system
    assert_status 0
    [ "$(grep -c 'open' trace)" -gt 3 ]
    assert_equal "$(grep -E 'O_WRONLY|O_RDWR|O_CREAT' trace | grep -vE '"/(dev/mapper/control|proc/self/fd/[12])"' || true)" ""
    assert_equal "$(grep -E '\b(mkdir|mknod|unlink|rename|symlink|chmod|chown)(at)?2?\(' trace || true)" ""
    assert_equal "$([ ! -e /dev/mapper ] && echo none || ls -la /dev/mapper)" "$before"
}

@test "it goes with no other thing to show, and with no operand" {
    local name=snapinspect wrong
    for wrong in '--lvm' '--list' '--devices x' '--origin x' '--cow x' '--origin x --extract y'; do
        # shellcheck disable=SC2086
        program snapinspect --system $wrong
        assert_status 16
        assert_equal "$output" ""
        assert_said "--system"
    done
    program snapinspect --system cow
    assert_usage_error "--system takes no operand"
    program snapinspect --system -o NAME,RATES
    assert_status 16
    assert_said "unknown column 'RATES'; the columns are: NAME TYPE"
    program snapinspect --system --json -o NAME
    assert_status 16
    assert_said "cannot be used with --system and --json"
}

@test "a build without libdevmapper refuses it" {
    lacks devmapper || skip "this build has libdevmapper"
    program snapinspect --system
    assert_status 8
    assert_said "this build lacks libdevmapper"
}
