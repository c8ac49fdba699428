#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The rules of the house that a reader would otherwise have to watch: licences, layers, one file per library.

setup() {
    load ../support/assert
    cd "$SRCDIR" || return 1
}

# Sources as a release holds them.
sources() {
    find lib tools tests man completions configure.ac Makefile.am bootstrap quickstart .ci -type f \
        ! -name '*.o' ! -name '*.log' ! -name '*.trs' ! -name .dirstamp ! -path '*/.deps/*' ! -name '*.a' | sort
}

@test "every file names its licence in its first two lines" {
    local missing
    missing=$(sources | xargs -d '\n' grep -Il . | xargs -d '\n' awk '
        FNR == 1 { seen[FILENAME] }
        /SPDX-License-Identifier: GPL-2.0-or-later/ { named[FILENAME] }
        FNR == 2 { nextfile }
        END { for (file in seen) if (!(file in named)) print file; if (length(seen) < 200) print "few files seen" }')
    assert_equal "$missing" ""
}

@test "lib/ knows nothing of tools/ and tests/" {
    local header found=
    for header in tools/*.h tests/support/*.h; do
        found+=$(grep -ln "#include \"${header##*/}\"" lib/*.[ch] || true)
    done
    assert_equal "$found" ""
}

@test "lib/ never prints, exits or reads the environment" {
    run grep -nE '\b(printf|fprintf|puts|fputs|perror|exit|_exit|abort|getenv|secure_getenv|isatty)\(' lib/*.c
    assert_failure 1
}

# one_user HEADER FILE: only that file may include it.
one_user() {
    assert_equal "$(grep -lE "#include <($1)" lib/*.[ch] tools/*.[ch] | tr '\n' ' ')" "$2 "
}

@test "each third-party library is behind one file" {
    one_user 'blkid/' lib/probe.c
    one_user 'libdevmapper' lib/dm.c
    one_user 'liburing' lib/io_uring.c
    one_user 'popt' tools/options.c
    one_user 'json' tools/json.c
    one_user 'libsmartcols' tools/table.c
}

@test "tools/ and the rest of lib/ decode no bytes of a store" {
    # probe.c decodes bytes of file systems.
    local users
    users=$(grep -lE 'snap_(get|put)_le(16|32|64)\(' lib/*.[ch] tools/*.[ch] | tr '\n' ' ')
    assert_equal "$users" "lib/bytes.h lib/entries.h lib/ondisk.c lib/probe.c "
}
