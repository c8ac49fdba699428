#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Lists in which entries occur twice, the same each time: the state between the two steps of moving bad entries to the
# tail. The kernel shows the right view, and its merge, loaded again where it stops, ends in the right bytes.

load lib.bash

# between_steps PAIR CHUNK_SECTORS FIRST WRITTEN INDEX...: turns the pair's images into that state. All entries from
# FIRST on are merged but these, of which WRITTEN are in their new slots already; by other code than ours.
between_steps() {
    perl -e '
        my ($pair, $sectors, $first, $written, @bad) = @ARGV;
        my ($chunk, $area) = ($sectors * 512, $sectors * 32);
        my %bad = map { $_ => 1 } @bad;
        my @entries;
        sub slot { my $i = shift; (1 + int($i / $area) * ($area + 1)) * $chunk + $i % $area * 16 }
        open my $cow, "+<:raw", "$pair.cow" or die;
        open my $origin, "+<:raw", "$pair.origin" or die;
        open my $view, "<:raw", "$pair.view" or die;
        for (my $i = 0; ; $i++) {
            seek $cow, slot($i), 0;
            read($cow, my $entry, 16) == 16 or die;
            last if unpack("x8 Q<", $entry) == 0;
            push @entries, $entry;
        }
        die "no entry $_ in $pair" for grep { $_ > $#entries } @bad;
        for my $i (grep { !$bad{$_} } $first .. $#entries) {
            my $at = unpack("Q<", $entries[$i]) * $chunk;
            seek $view, $at, 0;
            read($view, my $data, $chunk) or die;
            seek $origin, $at, 0;
            print $origin $data;
        }
        for my $k (0 .. $written - 1) {
            seek $cow, slot($first + $k), 0;
            print $cow $entries[$bad[$k]];
        }
        close $cow && close $origin or die;
    ' "$@"
}

# made CHUNK_SECTORS SIZE NAME JOB...: a store with what these jobs write; @ is the snapshot.
made() {
    local chunk_sectors=$1 pair=$S/$3 job
    new_image "$pair.origin" "$2" 1
    new_image "$pair.cow" "$2"
    shift 3
    slices_open "$pair.origin" "$pair.cow"
    uml_job create name=snap "$(snapshot_table snapshot "$chunk_sectors")"
    for job; do
        # shellcheck disable=SC2086 # a job is words
        uml_job ${job//@//dev/mapper/snap}
    done
    uml_job copy from=/dev/mapper/snap "to=$pair.view"
    uml_job remove name=snap
    slices_close "$pair.origin" "$pair.cow"
}

# state NAME STORE CHUNK_SECTORS REPEATED FIRST WRITTEN INDEX...
state() {
    local name=$1 part
    for part in origin cow view; do
        cp "$S/$2.$part" "$S/$name.$part"
    done
    echo "$name $3 $4" >>"$S/list"
    between_steps "$S/$name" "$3" "${@:5}"
}

setup_file() {
    local kind
    uml_setup_file || return 0
    # An area of chunk size 1 has 32 entries, of 8: 256. Written in one go all of them are one run.
    made 1 256K c1-run 'write dev=@ offset=100s length=90s block=64K seed=2'
    made 1 256K c1-random 'write-random dev=@ count=100 block=512 seed=3'
    made 8 3M c8-run 'write dev=@ offset=40K length=1200K block=64K seed=4'
    made 8 3M c8-random 'write-random dev=@ count=400 seed=5'
    uml_go_slices
    for kind in run random; do
        # Two and five, the new slots in two areas: the last ones, some in the middle, one here and there.
        state c1-$kind-2-last c1-$kind 1 2 31 2 83 84
        state c1-$kind-2-middle c1-$kind 1 2 31 2 50 51
        state c1-$kind-5-middle c1-$kind 1 5 30 5 60 61 62 63 64
        state c1-$kind-5-spread c1-$kind 1 5 30 5 36 47 63 64 80
        state c8-$kind-2-spread c8-$kind 8 2 255 2 260 281
        state c8-$kind-5-middle c8-$kind 8 5 254 5 270 271 272 273 274
        # The new slots of the first ones are their neighbours' places: these occur once.
        state c1-$kind-5-near c1-$kind 1 3 30 5 31 33 50 51 52
        # Stopped behind the first of two sectors.
        state c1-$kind-5-begun c1-$kind 1 2 30 2 60 61 62 63 64
        # Of one area only.
        state c8-$kind-2-one-area c8-$kind 8 2 100 2 200 201
    done
}

@test "the kernel's view is right, and its figures are ours" {
    local name chunk_sectors repeated at=5
    uml_begin
    while read -r name chunk_sectors repeated; do
        slices_open "$S/$name.origin" "$S/$name.cow"
        uml_job create name=snap "$(snapshot_table snapshot "$chunk_sectors")"
        uml_job cmp dev=/dev/mapper/snap "with=$S/$name.view"
        uml_job status name=snap
        uml_job remove name=snap
        uml_job remove name=cow
        uml_job remove name=origin
    done <"$S/list"
    uml_go_slices
    assert_equal "$(wc -l <"$S/list")" 18
    while read -r name chunk_sectors repeated; do
        tool snapcheck --json --origin "$S/$name.origin" "$S/$name.cow" >json
        assert_equal "$name $(figure repeated_entries <json)" "$name $repeated"
        assert_equal "$name $(usage_line json)" "$name $(uml_status $((at + 2)))"
        assert_equal "$name $(figure entries <json)" "$name $(count_entries "$S/$name.cow" "$chunk_sectors")"
        at=$((at + 10))
    done <"$S/list"
}

@test "the kernel's merge, loaded again where it stops, ends in the right bytes; the view stays right in between" {
    local name chunk_sectors repeated load
    uml_begin
    while read -r name chunk_sectors repeated; do
        slices_open "$S/$name.origin" "$S/$name.cow"
        for ((load = 0; load <= repeated + 1; load++)); do
            uml_job create name=merge "$(snapshot_table snapshot-merge "$chunk_sectors")"
            if [ $load -le "$repeated" ]; then
                uml_job_any wait-merge name=merge
            else
                uml_job wait-merge name=merge # by now it must be complete
            fi
            uml_job remove name=merge
            uml_job create name=snap "$(snapshot_table snapshot "$chunk_sectors")"
            uml_job cmp dev=/dev/mapper/snap "with=$S/$name.view"
            uml_job remove name=snap
        done
        uml_job cmp dev=/dev/mapper/origin "with=$S/$name.view"
        uml_job remove name=cow
        uml_job remove name=origin
    done <"$S/list"
    uml_go_slices
}

@test "snapinspect shows the same view, and snapmerge ends in the same bytes" {
    local name chunk_sectors repeated
    while read -r name chunk_sectors repeated; do
        cp "$S/$name.origin" origin
        cp "$S/$name.cow" cow
        rm -f view
        tool snapinspect --origin origin --extract view cow
        cmp view "$S/$name.view"
        tool snapmerge --origin origin --cow cow 2>said || { cat said && return 1; }
        cmp origin "$S/$name.view"
        assert_equal "$name $(count_entries cow "$chunk_sectors")" "$name 0"
    done <"$S/list"
}
