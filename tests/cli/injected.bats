#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The real binary, each of its reads, writes and flushes failing in turn, once or from then on: it stops, says so, the
# view is unchanged, and the same command goes on. An interruption is nobody's matter. DMSNAP_LONG=1: all of them.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154

setup() {
    load helpers
    load work
    load pairs
    load system_calls
    need_strace
    in_folder
    # Several windows and areas; one thread, so that the n-th call is the same in each run.
    shaped_pair clustered 1 70 300
    options=(--io-engine threads --queue-depth 1 --rate-limit 1G --origin "$dir/origin" --cow "$dir/cow")
}

# inject CALLS WHAT: into those about the two devices; true as long as there was such a call.
inject() {
    cp origin.before origin
    cp cow.before cow
    traced -P "$dir/origin" -P "$dir/cow" -e "trace=$1" -e "inject=$1:$2" -- snapmerge --quiet "${options[@]}"
    grep -q INJECTED trace
}

# Nothing was lost, and repeating the command completes.
assert_goes_on() {
    rm -f extracted
    "$BUILDDIR/tools/snapinspect" --quiet --origin origin --extract extracted cow 2>/dev/null
    cmp extracted view
    program snapmerge --quiet "${options[@]}"
    assert_status 0
    cmp origin view
    assert_equal "$(walk cow figures | cut -d' ' -f1)" 0
}

# Behind a failed flush nothing may be written any more, nor flushed again.
assert_quiet_after_failed_flush() {
    traced_calls | perl -ne '
        exit(1) if $failed && /^(pwritev?|pwrite64|fsync|fdatasync)\(/;
        $failed = 1 if /^f(data)?sync\(.*INJECTED/;'
}

# sweep CALLS FAILURES: at least so many runs must have failed. The long form takes each call, with each of the errors;
# the short one every third to fail once and others from then on, each time with another error.
sweep() {
    local n first step=3 kind error errors=(EIO ENOSPC ENODEV) said=('Input/output error' 'No space left' 'No such device')
    local failed=0 met
    [ -z "${DMSNAP_LONG-}" ] || step=1
    for kind in "" "+"; do
        met=yes
        first=1
        [ $step -eq 1 ] || [ -z "$kind" ] || first=2
        for ((n = first; n < 1000; n += step)); do
            for error in 0 1 2; do
                [ $step -eq 1 ] || [ $error -eq $((n / step % 3)) ] || continue
                inject "$1" "error=${errors[error]}:when=$n$kind" || { met=no && break; }
                # A write that only clears a hidden area may fail, and a look for marks of file systems.
                if [ "$status" -eq 0 ]; then
                    cmp origin view
                    assert_equal "$(walk cow figures | cut -d' ' -f1)" 0
                    continue
                fi
                # An area that cannot be read is damage, found before anything is written.
                if [ "$status" -eq 4 ] && [[ $1 == *read* ]]; then
                    assert_said "cannot read metadata area"
                    assert_said "Nothing was written."
                    cmp origin origin.before
                else
                    assert_status 8
                fi
                failed=$((failed + 1))
                assert_said "${said[error]}"
                [[ $stderr == *"$dir/origin: "* || $stderr == *"$dir/cow: "* ]]
                assert_quiet_after_failed_flush
                assert_goes_on
            done
            [ $met = yes ] || break
        done
        # The last one met none: it was a merge like any other.
        assert_status 0
        cmp origin view
        [ "$n" -gt "$2" ]
    done
    echo "# $1: $failed runs failed, and nothing was lost" >&3
    [ $failed -ge "$2" ]
}

@test "each write fails in turn" {
    sweep pwrite64,pwritev,pwritev2 10
}

@test "each flush fails in turn" {
    sweep fsync,fdatasync 10
}

@test "each read fails in turn" {
    sweep pread64,preadv,preadv2 10
}

@test "each read and write is interrupted in turn: nothing comes of it" {
    local calls n step=2 met=0 undisturbed
    [ -z "${DMSNAP_LONG-}" ] || step=1
    traced -- snapmerge --quiet "${options[@]}"
    undisturbed=$stderr
    for calls in pwrite64,pwritev,pwritev2 pread64,preadv,preadv2; do
        for ((n = 1; n < 1000; n += step)); do
            inject "$calls" "error=EINTR:when=$n" || break
            assert_status 0
            assert_equal "$stderr" "$undisturbed"
            cmp origin view
            assert_equal "$(walk cow figures | cut -d' ' -f1)" 0
            met=$((met + 1))
        done
    done
    [ $met -ge 20 ]
}

@test "entries behind the end that cannot be compared: refused like a list that was cut off, --accept=cut goes on" {
    local n merge=(snapmerge --seeks free --io-engine threads --queue-depth 1)
    load images
    images_make cut-merged
    merge+=(--origin "$origin" --cow "$cow")
    # A dry run tells which read is the first of their data, between areas 1 and 2.
    traced -P "$cow" -e trace=preadv -- "${merge[@]}" --dry-run
    assert_status 0
    n=$(perl -ne '
        my ($thread, $at) = /^(\d+) +preadv.*, (\d+)(?:\)| <unfinished)/ or next;
        $reads{$thread}++; # strace counts so
        if ($at >= 259 * 4096 && $at < 515 * 4096) { print $reads{$thread}; exit }' trace)
    local failing=(-P "$cow" -e trace=preadv -e "inject=preadv:error=EIO:when=$n")
    traced "${failing[@]}" -- "${merge[@]}"
    assert_status 8
    assert_said "$cow: it is not known whether the entries behind the end of the list are on the origin already: "
    assert_said "Input/output error"
    assert_said "$cow: 344 entries behind the end of the list may have been cut off by a fault, or be left of an earlier snapshot in the same place; to go on with only the entries in the list, add --accept=cut"
    assert_said "Nothing was written."
    images_unchanged
    traced "${failing[@]}" -- "${merge[@]}" --accept=cut
    assert_status 0
    assert_said "it is not known whether the entries"
    cmp "$origin" "$view"
}

# close_fails FILE ARGUMENT...: whatever is closed of this file reports a late error.
close_fails() {
    local file=$1
    shift
    traced -P "$dir/$file" -e trace=close -e inject=close:error=EIO -- "$@"
    grep -q INJECTED trace
    assert_status 8
    assert_said "$file: close failed: Input/output error"
}

@test "an error at close is told, and what is not closed does not get its name" {
    "$BUILDDIR/tools/snapcreate" --quiet --origin origin --cow other --size max
    cp other other.before
    local file
    for file in origin cow other; do
        cp origin.before origin
        cp cow.before cow
        cp other.before other
        close_fails "$file" snapmerge --quiet "${options[@]}" --preserve "$dir/other"
        cmp origin view
    done
    cp origin.before origin
    cp cow.before cow
    close_fails new.partial snapmerge --quiet "${options[@]}" --output "$dir/new"
    assert_said "new.partial is incomplete"
    [ ! -e new ]
    rm new.partial
    # It has its name when its last descriptor is closed.
    traced -P "$dir/new" -e trace=close -e inject=close:error=EIO -- snapmerge --quiet "${options[@]}" --output "$dir/new"
    grep -q INJECTED trace
    assert_status 8
    assert_said "close failed: Input/output error"
    cmp new view
    close_fails image.partial snapinspect --origin origin --extract "$dir/image" cow
    [ ! -e image ]
    rm image.partial
    close_fails made snapcreate --origin origin --cow "$dir/made" --size max
    close_fails cow snapcheck --origin origin "$dir/cow"
}
