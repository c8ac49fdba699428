# SPDX-License-Identifier: GPL-2.0-or-later
# The assertions of bats-assert, for all tests. Its loader asks `dirname` once for each of its many files, in each test
# anew: a function in its place saves the processes.
# shellcheck shell=bash

dirname() {
    printf '%s\n' "${1%/*}"
}
bats_load_library bats-support
bats_load_library bats-assert
unset -f dirname
bats_require_minimum_version 1.5.0
