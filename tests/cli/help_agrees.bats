#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Help, parser, manual page and completion name the same options, words, columns and exit statuses.
# shellcheck disable=SC2030,SC2031,SC2154

setup() {
    load helpers
}

each() {
    for name in "${PROGRAMS[@]}"; do
        echo "# $name"
        program "$name" --help
        assert_status 0
        help=$output
        "$@"
    done
}

# All lists below have one option per line: "LETTER LONG", the letter "-" where there is none; sorted.

# "  -n, --dry-run  ..." and "      --origin DEV  ..."
help_options() {
    sed -nE -e 's/^  -(.), --([a-z-]+)( .*)?$/\1 \2/p' -e 's/^      --([a-z-]+)( .*)?$/- \1/p' <<<"$help" | sort
}

# ".It Fl n , -dry-run" and ".It Fl -origin Ar device"
man_options() {
    sed -nE -e 's/^\.It Fl (.) , -([a-z-]+)( .*)?$/\1 \2/p' -e 's/^\.It Fl -([a-z-]+)( .*)?$/- \1/p' \
        "$SRCDIR/man/$name.8" | sort
}

# complete_words WORD...: what the shell offers for the last one, one per line. Outside of a real completion
# compopt complains; that is not what is tested.
complete_words() {
    bash --norc -c '
        set -u
        name=$1
        . "$2"
        shift 2
        COMP_WORDS=("$name" "$@")
        COMP_CWORD=$#
        "_$name" "$name" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}" 2>/dev/null
        printf "%s\n" "${COMPREPLY[@]}"
    ' bash "$name" "$SRCDIR/completions/bash/$name" "$@"
}

# The arguments that --help shows a word for.
help_arguments() {
    sed -nE 's/^  (-.,|   ) --([a-z-]+) ([A-Z|a-z-]+).*$/\2 \3/p' <<<"$help"
}

# The words that --help gives for a list option, on the last line of its text: "LIST: one, two"; one per line. A line
# that ends with a comma goes on.
help_list_words() {
    awk -v option="--$1" '$1 == option { inside = 1 } inside && sub(/^ *LIST: /, "") { words = 1 }
        words { print; if (!/,$/) exit }' <<<"$help" | tr -d ' \n' | tr ',' '\n' | grep ''
}

help_columns() {
    sed -n '/^Columns/,/^$/s/^[ *] \([A-Z][A-Z0-9%-]*\) .*/\1/p' <<<"$help" | sort -u
}

# ---- the tests

agrees_with_the_manual() {
    [ "$(help_options | wc -l)" -ge 6 ]
    assert_equal "$(man_options)" "$(help_options)"
}

@test "the manual page lists exactly the options of --help" {
    each agrees_with_the_manual
}

agrees_with_the_completion() {
    [ "$(help_options | wc -l)" -ge 6 ]
    assert_equal "$(complete_words -- | sed 's/^--//' | sort)" "$(help_options | cut -d' ' -f2 | sort)"
    assert_equal "$(complete_words - | grep -E '^-[^-]$' | sort)" \
        "$(help_options | sed -n 's/^\([^-]\) .*/-\1/p' | sort)"
}

# "LONG LETTER ARGUMENT" of each option of each program. Words that an argument may be besides differ: SIZE|max.
remembers_options() {
    sed -nE -e 's/^  -(.), --([a-z-]+)( ([A-Z][^ ]*))?( .*)?$/\2 \1 \4/p' \
        -e 's/^      --([a-z-]+)( ([A-Z][^ ]*))?( .*)?$/\1 - \3/p' <<<"$help" | sed 's/ \(SIZE\)|.*/ \1/' >>"$BATS_TEST_TMPDIR/options"
}

@test "an option that several programs have: the same letter and the same argument in all" {
    local twice
    each remembers_options
    twice=$(sort -u "$BATS_TEST_TMPDIR/options" | cut -d' ' -f1 | uniq -d)
    assert_equal "$twice" ""
    twice=$(awk '$2 != "-" { print $2, $1 }' "$BATS_TEST_TMPDIR/options" | sort -u | cut -d' ' -f1 | uniq -d)
    assert_equal "$twice" ""
    [ "$(sort "$BATS_TEST_TMPDIR/options" | uniq -d | wc -l)" -ge 10 ]
}

@test "the completion offers exactly the options of --help" {
    each agrees_with_the_completion
}

# What the parser says about each option; a value may be refused, but not the option.
knows_its_options() {
    local letter long arguments
    arguments=$'\n'$(help_arguments)
    program "$name" --no-such-option --help
    assert_status 16
    assert_said "unknown option --no-such-option"
    while read -r letter long; do
        if [[ $arguments == *$'\n'"$long "* ]]; then
            program "$name" "--$long=1" --help
            assert_not_said "unknown option"
            assert_not_said "does not take an argument"
            program "$name" "--$long"
            assert_status 16
            assert_said "--$long: the argument is missing"
        else
            program "$name" "--$long" --help
            assert_status 0
            assert_equal "$stderr" ""
            program "$name" "--$long=1"
            assert_status 16
            assert_said "--$long=1: "
            assert_not_said "unknown option"
        fi
        [ "$letter" != - ] || continue
        program "$name" "-$letter" --help
        assert_not_said "unknown option"
    done < <(help_options)
}

@test "the parser takes every option of --help, with an argument where --help shows one" {
    each knows_its_options
}

# Letters and digits that --help does not show are unknown to the parser.
hides_no_letters() {
    local letter shown
    shown=$(help_options)
    for letter in {a..z} {A..Z}; do
        [[ $'\n'$shown != *$'\n'"$letter "* ]] || continue
        program "$name" "-$letter" --help
        assert_status 16
        assert_said "unknown option -$letter"
    done
}

@test "the parser takes no letter that --help does not show" {
    each hides_no_letters
}

words_agree() {
    local option
    for option in $(help_arguments | sed -n 's/ LIST$//p'); do
        [ "$(help_list_words "$option" | wc -l)" -ge 1 ]
        assert_equal "$(complete_words "--$option" '' | sort)" "$(help_list_words "$option" | sort)"
        for word in $(help_list_words "$option"); do
            program "$name" "--$option=$word" --help
            assert_status 0
            grep -qE "^\.(It )?Cm $word( |$)" "$SRCDIR/man/$name.8"
        done
    done
}

@test "words for list options are the same in help, parser, manual page and completion" {
    each words_agree
}

columns_agree() {
    local column
    [ "$name" = snapinspect ] || return 0
    [ "$(help_columns | wc -l)" -ge 2 ]
    for column in $(help_columns); do
        grep -qw "$column" "$SRCDIR/man/$name.8"
    done
    assert_equal "$(complete_words --columns '' | sort)" "$(help_columns)"
}

@test "columns are the same in help, manual page and completion" {
    each columns_agree
}

statuses_agree() {
    local in_man in_help
    in_man=$(sed -n '/^\.Sh EXIT STATUS/,/^\.El/s/^\.It //p' "$SRCDIR/man/$name.8" | sort -n)
    in_help=$(sed -nE '/^Exit status:/,/^$/s/^ +([0-9]+)  .*/\1/p' <<<"$help" | sort -n)
    [ -n "$in_help" ]
    assert_equal "$in_man" "$in_help"
}

@test "exit statuses are the same in help and manual page" {
    each statuses_agree
}
