#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The same sources give the same bytes: a program in two folders, one of them with blanks in its path, and the release
# from two of them. And what the compiler is asked to add for hardening is in the program.

setup_file() {
    local one=$BATS_FILE_TMPDIR/one two=$BATS_FILE_TMPDIR/two/'deeper, with blanks'
    mkdir -p "$one" "$two"
    # What make says to its own children is about this build, not about those here.
    unset MAKEFLAGS MAKELEVEL MFLAGS
    make -s -C "$BUILDDIR" dist distdir=dmsnap-twice >"$one/log" 2>&1 || { cat "$one/log" >&2; return 1; }
    mv "$BUILDDIR/dmsnap-twice.tar.xz" "$one/dmsnap.tar.xz"
    tar -xJf "$one/dmsnap.tar.xz" -C "$one" --strip-components=1 --one-top-level=source
    cp -R "$one/source" "$two/source"
    build "$one"
    build "$two"
}

# A build with one job, in a folder of its own beside the sources.
build() {
    mkdir "$1/build"
    (cd "$1/build" && ../source/configure --quiet --prefix=/usr && make -s tools/snapcheck) >"$1/log" 2>&1 ||
        { cat "$1/log" >&2; return 1; }
}

setup() {
    load ../support/assert
}

@test "two builds in two folders are the same, byte for byte" {
    cmp "$BATS_FILE_TMPDIR/one/build/tools/snapcheck" "$BATS_FILE_TMPDIR/two/deeper, with blanks/build/tools/snapcheck"
}

@test "two releases are the same, byte for byte, also one that is made from a release" {
    make -s -C "$BATS_FILE_TMPDIR/two/deeper, with blanks/build" dist distdir=dmsnap-twice >/dev/null 2>&1
    cmp "$BATS_FILE_TMPDIR/one/dmsnap.tar.xz" "$BATS_FILE_TMPDIR/two/deeper, with blanks/build/dmsnap-twice.tar.xz"
}

@test "the program is hardened: checked copies, read-only relocations, stack protector, position independent" {
    local program=$BATS_FILE_TMPDIR/one/build/tools/snapcheck
    command -v readelf >/dev/null || skip "needs readelf"
    run readelf -W -h -d -s -l "$program"
    assert_success
    assert_output --partial "DYN (Position-Independent Executable file)"
    assert_output --partial "GNU_RELRO"
    assert_output --partial "BIND_NOW"
    assert_output --partial "__stack_chk_fail"
    assert_output --regexp '__[a-z]+_chk@'
}
