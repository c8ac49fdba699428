#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What all four programs have in common: help, version, usage errors, lost output, refusals that write nothing.
# shellcheck disable=SC2030,SC2031,SC2154

setup() {
    load helpers
    origin=$BATS_TEST_TMPDIR/data/origin.img
    cow=$BATS_TEST_TMPDIR/data/cow.img
    mkdir "$BATS_TEST_TMPDIR/data"
    make_image "$origin" 1048576
    make_image "$cow" 524288
}

teardown() {
    open_dir_remove
}

# each COMMAND...: for every program, with its name in $name, which is shown where the command fails.
each() {
    for name in "${PROGRAMS[@]}"; do
        echo "# $name"
        "$@"
    done
}

helps() {
    local by_long
    program "$name" --help
    assert_status 0
    assert_equal "$stderr" ""
    [[ $output == "Usage: $name "* ]]
    [[ $output == *$'\nExit status:\n   0  '* ]]
    [[ $output == *"Manual: $name(8)"* ]]
    by_long=$output
    program "$name" -h
    assert_status 0
    assert_equal "$output" "$by_long"
}

@test "--help and -h describe the program on standard output" {
    each helps
}

short_lines() {
    program "$name" --help
    assert_status 0
    run awk 'length > 100 { print; bad = 1 } END { exit bad }' <<<"$output"
    assert_success
}

@test "--help has no line of more than 100 columns" {
    each short_lines
}

versions() {
    program "$name" --version
    assert_status 0
    assert_equal "$stderr" ""
    [[ $output =~ ^$name\ \(dmsnap\)\ ([0-9]+\.[0-9]+\.[0-9]+)$'\n'Copyright\ \(C\)\ 2026\ the\ dmsnap\ authors$'\n' ]]
    [ -z "${version-}" ] || assert_equal "${BASH_REMATCH[1]}" "$version"
    version=${BASH_REMATCH[1]}
    short=$output
    program "$name" -V
    assert_status 0
    assert_equal "$output" "$short"
    [[ $output != *Built* ]]
}

@test "--version and -V give the same version everywhere" {
    each versions
}

# Each library is named once: the build has it or lacks it.
tells_its_libraries() {
    local library
    program "$name" --version -v
    assert_status 0
    [[ $output == *$'\nBuilt with: '*$'\nBuilt without: '* ]]
    for library in libblkid popt liburing devmapper smartcols json-c libseccomp; do
        assert_equal "$(grep -ow "$library" <<<"${output#*Built with}" | wc -l)" 1
    done
    long=$output
    program "$name" -v -V
    assert_status 0
    assert_equal "$output" "$long"
}

@test "--version -v tells which libraries the build has and lacks" {
    each tells_its_libraries
}

refuses_unknown_options() {
    program "$name" --bogus
    assert_usage_error "unknown option --bogus"
    program "$name" --bogus=1 "$cow"
    assert_usage_error "unknown option --bogus"
    program "$name" -Z
    assert_usage_error "unknown option -Z"
    program "$name" --hel
    assert_usage_error "unknown option --hel"
}

json_is_printed_or_refused() {
    remember "$origin" "$cow"
    both "$origin" "$cow"
    # shellcheck disable=SC2086 # program() would skip the test
    run --separate-stderr $WRAPPER "$BUILDDIR/tools/$name" --json "${arguments[@]}" </dev/null
    if lacks json-c; then
        assert_status 8
        assert_equal "$output" ""
        assert_equal "$stderr" "$name: --json: this build lacks json-c"
        assert_untouched
    else
        assert_not_said lacks
    fi
}

@test "without json-c, --json is refused before anything is written, and the library is named" {
    each json_is_printed_or_refused
}

@test "an unknown option is a usage error" {
    each refuses_unknown_options
}

misses_operands() {
    program "$name"
    case $name in
    snapinspect | snapcheck) assert_usage_error "the COW operand is missing" ;;
    *)
        assert_usage_error "the option --"
        program "$name" --origin "$origin"
        assert_usage_error "the option --cow DEV is missing"
        program "$name" --cow "$cow"
        assert_usage_error "the option --origin DEV is missing"
        ;;
    esac
}

@test "missing devices are a usage error" {
    each misses_operands
}

refuses_surplus_operands() {
    both "$origin" "$cow"
    program "$name" "${arguments[@]}" surplus
    assert_usage_error "unexpected operand 'surplus'"
    assert_untouched
}

@test "a surplus operand is a usage error" {
    remember "$origin" "$cow"
    each refuses_surplus_operands
}

refuses_bad_arguments() {
    both "$origin" "$cow"
    program "$name" "${arguments[@]}" --verbose=yes
    assert_usage_error "--verbose=yes: "
    program "$name" --origin= --version
    assert_usage_error "--origin: the argument DEV is empty"
    program "$name" "${arguments[@]}" --origin "$origin"
    assert_usage_error "--origin is given twice"
    program "$name" "${arguments[@]}" --origin
    assert_usage_error "--origin: the argument is missing"
    assert_untouched
}

@test "surplus, empty, repeated and missing arguments are usage errors" {
    remember "$origin" "$cow"
    each refuses_bad_arguments
}

# program, option: every number, with every kind of nonsense
refuses_numbers() {
    local option=$2 text
    name=$1
    both "$origin" "$cow"
    for text in 010 12abc -1 +1 ' 1' 1.5 99999999999999999999 ''; do
        program "$name" "${arguments[@]}" "$option=$text"
        assert_usage_error "$option: "
        assert_untouched
    done
}

@test "numbers are read strictly" {
    remember "$origin" "$cow"
    refuses_numbers snapcreate --chunk-size
    refuses_numbers snapcreate --size
    refuses_numbers snapmerge --rate-limit
    refuses_numbers snapmerge --checkpoint-interval
    refuses_numbers snapmerge --memory
    refuses_numbers snapmerge --progress-frequency
}

@test "a chunk size that smells of sectors gets a hint" {
    remember "$origin" "$cow"
    program snapcreate --origin "$origin" --cow "$cow" --chunk-size 8
    assert_status 16
    assert_said "snapcreate: --chunk-size"
    assert_said "for 8 sectors write 8s"
    assert_untouched
}

reports_lost_output() {
    local redirection
    for redirection in '>&-' '>/dev/full'; do
        program_in_shell "$redirection" "$name" --help
        assert_status 8
        assert_said "$name: standard output: "
        program_in_shell "$redirection" "$name" --version
        assert_status 8
        assert_said "$name: standard output: "
    done
}

@test "output into a closed or full standard output is an error" {
    each reports_lost_output
}

needs_no_other_descriptors() {
    local redirection
    program_in_shell '<&-' "$name" --version
    assert_status 0
    program_in_shell '2>&-' "$name" --version
    assert_status 0
    both "$origin" "$cow"
    # The first file that a program opens gets the lowest free number.
    for redirection in '<&-' '>&-' '2>&-' '>&- 2>&-' '<&- >&- 2>&-'; do
        program_in_shell "$redirection" "$name" "${arguments[@]}"
        [ "$status" -eq 4 ] || [ "$status" -eq 8 ]
        assert_untouched
    done
}

@test "no message lands in a device when standard descriptors are closed" {
    # A signature, so that snapcreate refuses as the others do.
    PATH=$PATH:/sbin:/usr/sbin mkswap "$cow"
    remember "$origin" "$cow"
    each needs_no_other_descriptors
}

refuses_what_is_no_store() {
    [ "$name" != snapcreate ] || return 0
    both "$origin" "$cow"
    program "$name" "${arguments[@]}"
    assert_status 4
    case $name in
    snapinspect) assert_said "snapinspect: $cow: " ;;
    snapmerge) assert_said "snapmerge: $cow: " && assert_said "Nothing was written." ;;
    snapcheck) [[ $output == "$cow: "* ]] ;; # a broken store is no failure of snapcheck but its answer
    esac
    assert_untouched
}

@test "what is no store is refused with 4 and left alone" {
    remember "$origin" "$cow"
    each refuses_what_is_no_store
}

refuses_missing_devices() {
    both "$origin" "$cow.none"
    # A COW image of a new name is what snapcreate makes; the origin must exist for all.
    if [ "$name" = snapcreate ]; then
        both "$origin.none" "$cow"
    fi
    program "$name" "${arguments[@]}"
    assert_status 8
    assert_said ".img.none: "
    assert_said "No such file or directory"
    case $name in
    snapcreate | snapmerge) assert_said "Nothing was written." ;;
    esac
    assert_untouched
}

@test "a missing device is named and refused with 8" {
    remember "$origin" "$cow"
    each refuses_missing_devices
}

escapes_names() {
    local evil=$BATS_TEST_TMPDIR/$'\e[2J\xff\n'
    both "$evil" "$evil.2"
    program "$name" "${arguments[@]}"
    assert_status 8
    assert_said '\x1B[2J\xFF\x0A'
    assert_not_said $'\e'
    evil=$BATS_TEST_TMPDIR/'\x1B[2J\xFF\x0A'
    both "$evil" "$evil.2"
    program "$name" "${arguments[@]}"
    assert_status 8
    assert_said '/\x5Cx1B[2J\x5CxFF\x5Cx0A'
    evil=$BATS_TEST_TMPDIR/$'\xdb\x9b2J'
    both "$evil" "$evil.2"
    LC_ALL=C program "$name" "${arguments[@]}"
    assert_status 8
    assert_said '/\xDB\x9B2J'
    LC_ALL=C.UTF-8 program "$name" "${arguments[@]}"
    assert_said $'/\xdb\x9b2J'
}

@test "names are escaped in messages" {
    each escapes_names
}

says_the_reason_behind_a_long_name() {
    cp "$origin" "$deep/origin.img"
    both "$deep/origin.img" "$deep/missing"
    program "$name" "${arguments[@]}"
    assert_status 8
    assert_said "/missing: No such file or directory"
    ln -f "$deep/origin.img" "$deep/hard.img"
    both "$deep/origin.img" "$deep/hard.img"
    program "$name" "${arguments[@]}"
    assert_status 8
    assert_said "/hard.img are the same device: both are the same file"
}

@test "no reason is lost behind a name of 3000 bytes" {
    deep=$BATS_TEST_TMPDIR/$(printf 'x%.0s' {1..240})
    for _ in {1..11}; do
        deep+=/$(printf 'x%.0s' {1..240})
    done
    mkdir -p "$deep"
    each says_the_reason_behind_a_long_name
}

# limited BLOCKS NAME ARGUMENT...: as `program`, with a limit on the size of files, in units of 1 KiB. What it says goes
# through a pipe, since the limit holds for a file of messages, too.
limited() {
    local blocks=$1 name=$2
    shift 2
    status=0
    # shellcheck disable=SC2086
    stderr=$(ulimit -S -f "$blocks" && exec $WRAPPER "$BUILDDIR/tools/$name" "$@" </dev/null 2>&1 >/dev/null) ||
        status=$?
}

assert_limit_said() {
    assert_status 8
    assert_said "$1: "
    assert_said "File too large: beyond what the file system, or the limit on file sizes of this shell (ulimit -f), allows"
}

@test "a limit of file sizes is an error that names it, not the end of the program" {
    cd "$BATS_TEST_TMPDIR"
    truncate -s 1M old
    head -c 1M /dev/zero | tr '\0' x >new
    program snapcreate --origin old --cow store --size max --from-diff new
    assert_status 0
    remember old store new
    limited 1024 snapcreate --origin old --cow made --size 2M
    assert_limit_said made
    limited 1024 snapmerge -y --undo made --origin old --cow store
    assert_limit_said made
    limited 0 snapmerge --origin old --cow store
    assert_limit_said "snapmerge: cannot look for signatures in a memory file of 1048576 bytes"
    assert_said "Nothing was written."
    assert_untouched
}

refuses_one_device_twice() {
    ln -sf cow.img "$BATS_TEST_TMPDIR/data/link.img"
    ln -f "$cow" "$BATS_TEST_TMPDIR/data/hard.img"
    remember "$origin" "$cow"
    for other in "$cow" "$BATS_TEST_TMPDIR/data/link.img" "$BATS_TEST_TMPDIR/data/hard.img"; do
        both "$other" "$cow"
        program "$name" "${arguments[@]}"
        assert_status 8
        assert_said "$name: "
        assert_untouched
    done
}

@test "origin and COW must not be the same, by any name" {
    each refuses_one_device_twice
}

respects_permissions() {
    program_unprivileged "$name" "${arguments[@]}"
    assert_status 8
    assert_said "Permission denied"
    chmod 644 "$open_dir/cow.img" "$open_dir/origin.img"
    assert_untouched_images
}

assert_untouched_images() {
    cmp "$origin" "$open_dir/origin.img"
    cmp "$cow" "$open_dir/cow.img"
}

unreadable() {
    open_dir_make
    cp "$origin" "$cow" "$open_dir"
    both "$open_dir/origin.img" "$open_dir/cow.img"
    chmod 000 "$open_dir/cow.img"
    respects_permissions
    open_dir_remove
}

@test "a COW without read permission is refused with 8" {
    each unreadable
}

is_quiet_about_version() {
    program "$name" --version -q -v
    assert_status 0
    program "$name" -q -v --version
    assert_status 0
    assert_equal "$stderr" ""
}

@test "-q and -v are taken by all" {
    each is_quiet_about_version
}
