#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The manual pages that the programs name exist, carry their own names, and are well formed; the examples work.
# shellcheck disable=SC2030,SC2031,SC2154

setup() {
    load helpers
    load work
    load forks
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

# The lines of a page's displays that work on images, as a reader would type them.
examples() {
    sed -n '/^\.Bd /,/^\.Ed/p' "$1" | grep -E '^[^.].*\b(disk|overlay|other)\.img\b'
}

@test "every example of snapmerge(8) that works on images does" {
    in_folder
    local line count=0
    origin_of $((300 * 1024))
    fork overlay.img 4096 40
    fork other.img 16384 40
    ln -s origin disk.img
    while read -r line; do
        count=$((count + 1))
        # One that takes a merge back goes on where the example before it ended.
        if [[ $line == *"--cow overlay.img"* ]]; then
            rm -f undo.img
            begin_anew overlay.img other.img
        fi
        run --separate-stderr env PATH="$BUILDDIR/tools:$PATH" timeout 300 bash -c "$line" </dev/null
        assert_status 0
        if [[ $line =~ --output\ ([^ ]+) ]]; then
            cmp origin origin.before
            cmp "${BASH_REMATCH[1]}" overlay.img.view
        elif [[ $line == *"--cow overlay.img"* ]]; then
            cmp origin overlay.img.view
        else
            cmp origin origin.before
            shows overlay.img overlay.img.view
        fi
        [[ $line != *"--preserve other.img"* ]] || shows other.img other.img.view
    done < <(examples "$SRCDIR/man/snapmerge.8")
    [ "$count" -ge 6 ]
}
