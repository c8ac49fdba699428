#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The manual pages that the programs name exist, carry their own names, and are well formed.
# shellcheck disable=SC2154

setup() {
    load helpers
}

# "Manual: snapmerge(8), overview: dmsnap(7), ..." as "snapmerge 8", one page per line.
pages_of_help() {
    local name
    for name in "${PROGRAMS[@]}"; do
        program "$name" --help
        assert_status 0
        grep '^Manual: ' <<<"$output" | grep -oE '[a-z-]+\([0-9]\)' | tr '()' ' '
    done | sort -u
}

@test "every program names its manual page, the overview and the format" {
    assert_equal "$(pages_of_help | sed 's/ *$//')" "$(printf '%s\n' 'dmsnap 7' 'dmsnap-store 5' 'snapcheck 8' \
        'snapcreate 8' 'snapinspect 8' 'snapmerge 8')"
}

@test "the pages exist under these names" {
    local page section count=0
    while read -r page section; do
        count=$((count + 1))
        grep -qx "\.Dt ${page^^} $section" "$SRCDIR/man/$page.$section"
        grep -qx "\.Nm $page" "$SRCDIR/man/$page.$section"
    done < <(pages_of_help)
    [ "$count" -eq "$(cd "$SRCDIR/man" && ls ./*.[1-9] | wc -l)" ]
}

# References to pages that this system does not have are no fault of ours.
@test "mandoc finds nothing to complain about" {
    command -v mandoc >/dev/null || skip "needs mandoc"
    local page section complaints
    while read -r page section; do
        complaints=$(mandoc -T lint -W style "$SRCDIR/man/$page.$section" 2>&1 |
            grep -vE 'referenced manual not found|outdated mandoc.db' || true)
        assert_equal "$complaints" ""
        count=$((${count:-0} + 1))
    done < <(pages_of_help)
    [ "${count:-0}" -gt 0 ]
}
