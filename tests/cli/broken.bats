#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The families of tests/images: each recipe has exactly its findings; what mends it, and nothing less; the way back. Those
# with sectors that cannot be read need devices which fail: kernel/unreadable.bats.
# shellcheck disable=SC2030,SC2031,SC2154

# A family without a test fails the whole file.
setup_file() {
    local file name
    for file in "$SRCDIR"/tests/images/*.recipes; do
        name=${file##*/}
        [ "$name" != unreadable.recipes ] || continue
        grep -q "holds ${name%.recipes}\$" "$BATS_TEST_FILENAME" || {
            echo "no test for $name" >&2
            return 1
        }
    done
}

setup() {
    load helpers
    load work
    load families
    in_folder
}

# check FILE OPTION...: snapcheck of cow, with the origin where the recipe has one; its JSON becomes a line of FILE.
check() {
    local file=$1 with=()
    shift
    [ ! -s origin ] || with=(--origin origin)
    status=0
    # shellcheck disable=SC2086
    $WRAPPER "$BUILDDIR/tools/snapcheck" --json --all "${with[@]}" "$@" cow >answer 2>said </dev/null || status=$?
    tr -d '\n' <answer >>"$file"
    echo >>"$file"
}

# mends NAME HOW: with less the store stays as it is to the byte; with this it is mended, and the old bytes come back.
mends() {
    options_of "$2"
    if [ ${#short[@]} -gt 0 ]; then
        check short "${short[@]}"
        [ "$status" -ne 1 ] && cmp cow before && [ ! -e cow.old-bytes ] || return
    fi
    [ ${#enough[@]} -gt 0 ] || return 0
    check enough "${enough[@]}"
    [ "$status" -eq 1 ] && ! cmp -s cow before || return
    check second
    [ "$status" -eq 0 ] || return
    printf '%s|%s\n' "$1" "$left" >>left
    if [[ $2 == @(p|y|keep-*) && -s origin ]]; then
        "$BUILDDIR/tools/snapinspect" -q --origin origin --extract shown cow 2>said && cmp shown view || return
    fi
    $WRAPPER "$BUILDDIR/tools/snapcheck" -q --put-back cow.old-bytes cow && cmp cow before
}

# findings_of FILE: from the answers in it, one line each, FINDING;FINDING;...
findings_of() {
    jq -r '[.findings[] | .rule + " " + .severity
        + (if .area != null then " area \(.area)" else "" end)
        + (if .slot != null then " slot \(.slot)" else "" end) + ";"] | sort | join("")' "$1"
}

# sorted: the findings of each line in the order of findings_of.
sorted() {
    perl -lne 'my @words = split(/\|/, $_, -1);
        print join("|", @words[0 .. $#words - 1], join("", sort { $a cmp $b } map { "$_;" } split(/;/, $words[-1])))'
}

# holds FAMILY: all its recipes.
holds() {
    local name mend left findings status failed=()
    ! lacks json-c || skip "this build lacks json-c"
    recipes "$SRCDIR/tests/images/$1.recipes" >list
    while IFS='|' read -r name mend left _ _ findings; do
        "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/$1.recipes#$name" cow origin view
        cp cow before
        rm -f shown cow.old-bytes*
        check first
        printf '%s\n' "$status" >>statuses
        cmp cow before
        mends "$name" "$mend" || {
            printf '%s\n' "$name: to be mended with $mend: status $status" "$(<said)" >&2
            failed+=("$name")
        }
    done <list
    assert_equal "${failed[*]-}" ""
    # Exactly these findings, and the status that follows from the worst of them, or that the recipe says.
    paste -d '|' <(cut -d '|' -f 1 list) <(findings_of first) >found
    diff <(cut -d '|' -f 1,6 list | sorted) found
    diff <(awk -F '|' '{ print $5 != "" ? $5 : $6 ~ /corrupting|fatal/ ? 4 : 0 }' list) statuses
    diff <(jq -r .exit_status first) statuses
    # Nothing is left that is worse than a note, but what the recipe names.
    diff <(cut -d '|' -f 2 left) \
        <(jq -r '[.findings[] | select(.severity != "note") | .rule] | join(",")' second)
}

@test "the tables of images/README.md: each recipe in its own words, each family with the number of its recipes" {
    local file name
    for file in "$SRCDIR"/tests/images/*.recipe; do
        name=${file##*/}
        printf '| `%s` | %s |\n' "${name%.recipe}" "$(sed -n '2s/^# //p' "$file")"
    done | sort >recipes
    for file in "$SRCDIR"/tests/images/*.recipes; do
        name=${file##*/}
        printf '| `%s` | %s | %s |\n' "${name%.recipes}" "$(grep -c '^recipe ' "$file")" "$(sed -n '2s/^# //p' "$file")"
    done | sort >families
    diff families <(sed -n '/^## The families/,/^## The r/{/^| `[a-z0-9-]*` | [0-9]/p}' \
        "$SRCDIR/tests/images/README.md" | sort)
    diff recipes <(sed -n '/^## The recipes/,${/^| `/p}' "$SRCDIR/tests/images/README.md" | sort)
}

@test "no name twice, and more than 150 of the recipes are of broken stores" {
    local file
    for file in "$SRCDIR"/tests/images/*.recipes; do
        recipes "$file"
    done >list
    assert_equal "$(cut -d '|' -f 1 list | sort | uniq -d)" ""
    [ "$(grep -cE 'corrupting|fatal' list)" -gt 150 ]
}

# rules_listed: ID|SEVERITY|REPAIR|WAY_OUT of each, as snapcheck lists them.
rules_listed() {
    $WRAPPER "$BUILDDIR/tools/snapcheck" --list-rules --json | jq -r '.rules[] | "\(.id)|\(.severity)|\(.repair)|\(.way_out)"'
}

@test "each rule is broken by a recipe; where that takes a device in use or large blocks, a case has its name" {
    local id
    ! lacks json-c || skip "this build lacks json-c"
    rules_listed | cut -d '|' -f 1 | sort >rules
    [ "$(wc -l <rules)" -gt 30 ]
    cat "$SRCDIR"/tests/images/*.recipe "$SRCDIR"/tests/images/*.recipes |
        sed -nE 's/^(finding|expect rule|expect note) ([a-z]+(-[a-z]+)+).*/\2/p' | sort -u >broken
    # No recipe is about a rule that does not exist.
    assert_equal "$(comm -13 rules broken)" ""
    comm -23 rules broken >others
    [ "$(wc -l <others)" -le 2 ]
    while read -r id; do
        grep -q "^@test \"$id: " "$SRCDIR"/tests/cli/*.bats "$SRCDIR"/tests/kernel/*.bats || {
            echo "no recipe and no case for $id" >&2
            return 1
        }
    done <others
}

# needs_of_the_manual: RULE HOW of each line of the table in snapcheck(8) that says what is done.
needs_of_the_manual() {
    sed -n '/^[.]It Sy rule Ta Sy needs/,/^[.]El/p' "$SRCDIR/man/snapcheck.8" | perl -ne '
        next unless /^\.It (.*?) Ta (?:Fl|Li) (\S+) Ta /;
        @rules = split(/, /, $1) unless $1 eq "\\&";
        print "$_ $2\n" for @rules;' | sort
}

@test "way outs, and the table of repairs in snapcheck(8), name what mends the recipes, and nothing that mends none" {
    local file
    ! lacks json-c || skip "this build lacks json-c"
    rules_listed >rules
    for file in "$SRCDIR"/tests/images/*.recipes; do
        recipes "$file"
    done >list
    # Of several findings above a note, one has to name it.
    awk -F '|' '
        NR == FNR { severity[$1] = $2; repair[$1] = $3; way[$1] = $4; next }
        $2 != "none" {
            word = $2 == "p" ? " -p" : $2 == "y" ? " -y" : $2 ~ /^keep-/ ? "--keep=" : "--accept=" $2
            count = split($6, findings, ";")
            for (i = found = 0; i <= count; i++) {
                split(findings[i], words, " ")
                if (words[1] == "" || severity[words[1]] == "note" && $2 != "p")
                    continue
                found += index(way[words[1]], word) > 0
                mended[words[1]] = 1
            }
            if (!found)
                print $1 ": no way out names" word
        }
        END {
            for (rule in severity)
                if (severity[rule] != "note" && repair[rule] != "none" && !(rule in mended))
                    print rule ": nothing mends it"
        }' rules list >wrong
    assert_equal "$(<wrong)" ""
    # The table of snapcheck(8): each line has a recipe, and no recipe needs another line.
    needs_of_the_manual >needs
    [ "$(wc -l <needs)" -gt 15 ]
    awk -F '|' '
        NR == FNR { needs[$0]; next }
        $2 != "none" {
            how = $2 ~ /^keep-/ ? "view-change" : $2
            count = split($6, findings, ";")
            for (i = 1; i <= count; i++) {
                split(findings[i], words, " ")
                if (words[1] " " how in needs)
                    seen[words[1] " " how] = known[$1] = 1
            }
            if (!($1 in known))
                print $1 ": " how " is in no line"
        }
        END {
            for (line in needs)
                if (!(line in seen))
                    print line ": no recipe is mended like that"
        }' needs list >wrong
    assert_equal "$(<wrong)" ""
}

@test "data-chunks: An entry names a data chunk that it must not have, in each kind of slot" {
    holds data-chunks
}

@test "headers: One field of the header is not what it was, and a device that is too short for it" {
    holds headers
}

@test "odd: What is odd but legal, or no more than a warning: it is left alone, to the byte" {
    holds odd
}

@test "tails: Something is behind the end of the list, or the list has lost its end or a part" {
    holds tails
}

@test "twins: Two entries name the same chunk, of the origin or of the store" {
    holds twins
}

@test "records: Identity records and fingerprints that are damaged, newer, or of another store" {
    holds records
}
