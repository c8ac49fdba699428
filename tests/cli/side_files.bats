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

@test "--bad-list with a zero byte is not replaced: what follows it would be lost" {
    printf '# snapmerge bad list 1\n1 2 3 unreadable\n\0004 5 6 unreadable\n' >bad.txt
    remember origin snap bad.txt
    merge --continue-on-error --drop-bad --bad-list bad.txt
    assert_status 8
    assert_said "bad.txt: it is damaged: it has a zero byte, and is not replaced; move it away, or name another file"
    assert_said "Nothing was written."
    assert_untouched
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

# same_file FILE OPTION...: refused, and nothing is there afterwards that was not before.
same_file() {
    local said=$1 before
    shift
    before=$(ls -A && sha256sum origin snap)
    merge "$@"
    assert_status 8
    assert_said "$said"
    assert_said "Nothing was written."
    assert_equal "$(ls -A && sha256sum origin snap)" "$before"
}

@test "checkpoint file, bad list and undo store are compared as files: other ways to one file, links, and names of files to come" {
    ln -s . folder
    same_file "f and ./f are the same file" --keep-cow --checkpoint f --continue-on-error --bad-list ./f
    same_file "f and folder/f are the same file" --keep-cow --checkpoint f --undo folder/f
    same_file "folder/f and $PWD/f are the same file" --continue-on-error --bad-list folder/f --undo "$PWD/f"
    : >one
    ln one other_name
    same_file "one and other_name are the same file" --keep-cow --checkpoint one --continue-on-error --bad-list other_name
    # Different names of the same folder are no reason.
    merge --keep-cow --checkpoint a --continue-on-error --bad-list folder/b --undo ./c
    assert_status 0
    cmp origin snap.view
}

@test "a device of the merge that begins like our own files is not replaced, under none of its names" {
    local kind text name
    for kind in "--keep-cow --checkpoint" "--continue-on-error --bad-list"; do
        text="# snapmerge bad list 1"
        [[ $kind != *checkpoint ]] || text="dmsnap-checkpoint 1"
        cp origin.before origin
        echo "$text" | dd of=origin conv=notrunc status=none
        ln -f origin origin.link
        for name in origin origin.link; do
            # shellcheck disable=SC2086 # words
            program snapmerge $kind "$name" --origin origin --cow snap
            assert_status 8
            assert_said "Nothing was written."
            assert_equal "$(head -n 1 origin | tr -d '\0')" "$text"
        done
    done
}

@test "a bad list of somebody is read in bounded memory" {
    echo "# snapmerge bad list 1" >list
    truncate -s 12G list
    (
        ulimit -v 4000000
        merge --continue-on-error --bad-list list
        assert_status 8
        assert_said "list: has 12884901888 bytes, and more than 67108864 are not read: move it away, or name another file"
        assert_said "Nothing was written."
    )
}

@test "the bad list cannot be made: the checkpoint file that was written before is named" {
    load system_calls
    need_strace
    traced -e trace=linkat -e inject=linkat:error=EIO:when=2 -- \
        snapmerge --keep-cow --checkpoint ck --continue-on-error --bad-list list --origin origin --cow snap
    grep -q INJECTED trace || skip "needs a file system with O_TMPFILE"
    assert_status 8
    assert_said "list: the new file cannot get this name"
    assert_said "ck was written."
    assert_not_said "Nothing was written."
    assert_said "Nothing was written to origin, and no entry of snap was changed."
    cmp origin origin.before
}
