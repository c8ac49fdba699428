# SPDX-License-Identifier: GPL-2.0-or-later
# The assertions of bats-assert, for all tests. Its loader starts a process for each of its many files, in each test
# anew, which takes longer than most tests; so the files are read here where they lie as the loader has them.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0

assert_load() {
    local library folder file files
    for library in bats-support bats-assert; do
        local IFS=:
        for folder in $BATS_LIB_PATH; do
            files=("$folder/$library"/src/*.bash)
            [ ! -e "${files[0]}" ] || break
        done
        if [ ! -e "${files[0]}" ]; then
            bats_load_library "$library"
            continue
        fi
        for file in "${files[@]}"; do
            source "$file"
        done
    done
}
assert_load
unset -f assert_load
