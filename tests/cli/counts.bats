#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What a merge costs: flushes, bytes and system calls of the real binary, for each shape of store, seen from outside; and
# the memory that the check of a list takes.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154

setup() {
    load helpers
    load work
    load pairs
    load system_calls
    need_strace
    in_folder
}

# shape NAME: sets chunk_sectors and entries, and makes the pair: some thousand chunks.
shape() {
    case $1 in
    random-4k) made=(random 8 4096 $((8 * 8192))) ;;
    clustered) made=(clustered 8 4096 $((8 * 8192))) ;;
    sequential) made=(sequential 8 4096 $((8 * 8192))) ;;
    random-64k) made=(random 128 1024 $((128 * 1200))) ;;
    esac
    shaped_pair "${made[@]}"
    chunk_sectors=$(number cow 12 4)
    entries=$(walk cow figures | cut -d' ' -f1)
    changed_bytes=$((entries * chunk_sectors * 512))
}

# figure KEY: of the result that was printed.
figure() {
    json ".result.$1"
}

# Units of an area that hold entries: a cut in the middle of an area clears one after the other, the last is free.
extra_units() {
    local units=$(((entries + 31) / 32)) per_area=$chunk_sectors
    echo $(((units < per_area ? units : per_area) - 1))
}

# --- flushes and bytes -------------------------------------------------------------------------
# Small memory, so that there are several windows; threads, whose calls can be seen.
# assert_cheap SHAPE WINDOWS: at least so many; a list within one area has no good cut but its start.
assert_cheap() { # on any disk: what seeks cost would change the windows
    shape "$1"
    traced -e trace=fsync,fdatasync,write,pwrite64,pwritev,pwritev2,sync_file_range,sync,syncfs -- \
        snapmerge --json --seeks free --io-engine threads --memory 16M --origin origin --cow cow
    assert_status 0
    cmp origin view
    local windows origin_flushes cow_flushes written metadata
    windows=$(figure windows)
    origin_flushes=$(traced_count 'fsync|fdatasync' origin)
    cow_flushes=$(traced_count 'fsync|fdatasync' cow)
    written=$(traced_sum 'write|pwrite64|pwritev2?' origin)
    metadata=$(traced_sum 'write|pwrite64|pwritev2?' cow)
    echo "windows $windows, flushes $origin_flushes + $cow_flushes, written $written + $metadata of $changed_bytes"
    [ "$windows" -ge "$2" ]
    # One of each for a window; beside them one for what an earlier run may have left, one for zeroed areas.
    assert_equal "$origin_flushes" "$windows"
    [ "$cow_flushes" -le $((windows + 2 + $(extra_units))) ]
    [ $(((written + metadata) * 100)) -le $((changed_bytes * 101)) ]
    [ "$written" -ge "$changed_bytes" ]
    [ $((metadata * 100)) -lt "$changed_bytes" ]
    # And it says what it does.
    assert_equal "$origin_flushes $cow_flushes" "$(figure origin_flushes) $(figure cow_flushes)"
    assert_equal "$written $metadata" "$(figure written_bytes) $(figure metadata_bytes)"
    # No other way to the disks is used.
    run -1 grep -E '(sync_file_range|sync|syncfs)\(' <(sed -E 's/f(data)?sync//' trace)
}

@test "random chunks of 4 KiB: two flushes for a window, each changed byte written once, metadata below 1 %" {
    assert_cheap random-4k 2
}

@test "clustered chunks: two flushes for a window, each changed byte written once, metadata below 1 %" {
    assert_cheap clustered 2
}

@test "sequential chunks: two flushes for a window, each changed byte written once, metadata below 1 %" {
    assert_cheap sequential 2
}

@test "random chunks of 64 KiB: two flushes for a window, each changed byte written once, metadata below 1 %" {
    assert_cheap random-64k 1
}

# --- system calls ------------------------------------------------------------------------------
calls() {
    traced -c -U calls,name -- snapmerge --json --seeks free --io-engine io_uring "$@" --origin origin --cow cow
    if [ "$status" -eq 8 ] && [[ $stderr == *io_uring* ]]; then
        skip "no io_uring here"
    fi
    assert_status 0
    number_of_calls=$(awk '$2 == "total" { print $1 }' trace)
}

# What starting, looking at the devices, making the buffers and ending take is counted with one chunk in the same place,
# and taken off. So are the units of the last cut, each with a write, a flush, and a look at the device: they are no
# matter of the number of chunks. Neither is the look at the pair: at most 256 chunks are held against what they would
# replace, and that takes up to 64 calls more than one chunk does.
# assert_few_calls SHAPE CHUNKS: at most one call for so many chunks.
assert_few_calls() {
    shape "$1"
    assert_few_calls_but 3 "$2"
}

# assert_few_calls_but N CHUNKS: for the pair that was made; so many calls for each unit do not count.
assert_few_calls_but() {
    local merge_calls units
    calls
    cmp origin view
    units=$(($(figure cow_flushes) - $(figure windows)))
    merge_calls=$number_of_calls
    shaped_pair "${made[0]}" "${made[1]}" 1 "${made[3]}"
    calls
    cmp origin view
    units=$((units - ($(figure cow_flushes) - $(figure windows))))
    echo "$merge_calls calls, $number_of_calls for one chunk, $units units more, $entries chunks"
    [ $(((merge_calls - number_of_calls - 64 - $1 * units) * $2)) -le "$entries" ]
}

# Chunks that lie alone are requests of their own, which the ring hands over eight at a time.
@test "random chunks of 4 KiB: at most 0.2 system calls for a chunk" {
    assert_few_calls random-4k 5
}

@test "clustered chunks: at most 0.05 system calls for a chunk" {
    assert_few_calls clustered 20
}

@test "sequential chunks: at most 0.05 system calls for a chunk" {
    assert_few_calls sequential 20
}

# 1 GiB is enough for the units to count as well, though there are 128 of them.
@test "random chunks of 64 KiB: at most 0.2 system calls for a chunk; DMSNAP_LONG=1: 1 GiB, all calls" {
    if [ -z "${DMSNAP_LONG-}" ]; then
        assert_few_calls random-64k 5
        return
    fi
    entries=16384
    made=(random 128 "$entries" $((128 * 16500)))
    shaped_pair "${made[@]}"
    assert_few_calls_but 0 5
}

# --- memory ------------------------------------------------------------------------------------

# Without the option the sets of so many entries, all over an origin of 2^50 chunks, take about 100 MiB.
@test "the check of two million scattered entries stays within --memory 64M" {
    [ "${SANITIZERS-}" != yes ] || skip "the sanitizers need memory of their own"
    perl -e '
        open(my $out, ">:raw", "cow") or die;
        print $out pack("a4V3x4080", "SnAp", 1, 1, 8);
        for my $area (0 .. 8191) {
            seek($out, (1 + 257 * $area) * 4096, 0) or die;
            print $out map { my $index = 256 * $area + $_;
                             pack("Q<2", $index * 2654435761 % 2**50, 2 + 257 * $area + $_) } 0 .. 255;
        }
        truncate($out, (2 + 257 * 8192) * 4096) or die;'
    local program
    for program in snapcheck snapinspect; do
        "$BUILDDIR/tests/support/peak" peak "$BUILDDIR/tools/$program" --memory 64M cow >out
        [ "$(cat peak)" -le 65536 ]
        "$BUILDDIR/tests/support/peak" peak "$BUILDDIR/tools/$program" --memory 512M cow >out
        [ "$(cat peak)" -gt 65536 ] # the list is one for which it matters
    done
}
