#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The files of --bad-list and --checkpoint: made before the first write, and never in the place of something else.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154

setup_file() {
    load helpers
    load work
    load forks
    snap_and_other_once
}

setup() {
    load helpers
    load work
    load forks
    in_folder
    snap_and_other
}

merge() {
    program snapmerge "$@" --origin origin --cow snap
}

@test "--bad-list: on a healthy merge a list of nothing, which a later one replaces" {
    merge --continue-on-error --bad-list bad.txt
    assert_status 0
    assert_equal "$(head -n 1 bad.txt)" "# snapmerge bad list 1"
    assert_equal "$(grep -vc '^#' bad.txt)" 0
    echo "1 2 3 unreadable" >>bad.txt
    begin_anew snap
    merge --continue-on-error --bad-list bad.txt
    assert_status 0
    assert_equal "$(grep -vc '^#' bad.txt)" 0
    cmp origin snap.view
}

# not_replaced OPTION...: a file that holds something else, be it a device of this very merge, is refused.
not_replaced() {
    local file
    echo "letters" >text
    ln -s missing link
    mkdir folder
    for file in text link folder snap origin other; do
        remember origin snap other text
        merge --preserve other "$@" "$file"
        assert_status 8
        assert_said "$file: "
        assert_said "Nothing was written."
        assert_untouched
    done
    [ ! -e missing ]
}

@test "--bad-list that cannot be made: refused before the first write" {
    local before
    before=$(sha256sum <origin)
    merge --continue-on-error --bad-list no/such/folder/bad.txt
    assert_status 8
    assert_said "no/such/folder/bad.txt"
    assert_said "Nothing was written."
    assert_equal "$(sha256sum <origin)" "$before"
}

@test "--bad-list never replaces a file that holds something else, nor the devices" {
    not_replaced --continue-on-error --bad-list
}

@test "--checkpoint never replaces a file that holds something else, nor the devices" {
    not_replaced --keep-cow --checkpoint
}

@test "options that do not go together are usage errors" {
    local name=snapmerge
    remember origin snap
    merge --bad-list bad.txt
    assert_usage_error "--bad-list needs --continue-on-error"
    merge --drop-bad
    assert_usage_error "--drop-bad needs --continue-on-error"
    merge --continue-on-error --drop-bad --keep-cow
    assert_usage_error "--drop-bad and --keep-cow cannot be used together"
    merge --checkpoint state
    assert_usage_error "--checkpoint needs --keep-cow"
    merge --keep-cow --checkpoint one --undo one
    assert_usage_error "--undo, --bad-list and --checkpoint need a file each"
    merge --continue-on-error --bad-list one --undo one
    assert_usage_error "--undo, --bad-list and --checkpoint need a file each"
    merge --keep-cow --checkpoint one --continue-on-error --bad-list one
    assert_usage_error "--undo, --bad-list and --checkpoint need a file each"
    assert_untouched
}
