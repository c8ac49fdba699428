#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Two entries for one chunk of the origin: which one the kernel shows and which one it merges is what we say; and what
# --keep=first and --keep=last leave, the kernel shows, fills and merges.
# shellcheck disable=SC2030,SC2031,SC2154

load lib.bash

# Entries as OLD,NEW, counted from the bases of a group; each group has all orders of the entries of one line.
SETS=('0,0 1,5 1,1' '0,0 1,1 2,2 1,5' '0,0 1,1 1,5 1,6' '1,1 2,2 1,5 2,6' '0,4 1,5 0,0 1,1' '1,1 0,5 0,0')

# the_list: INDEX OLD NEW of a list with all groups. A group has its own 256 chunks of the origin, since the kernel joins
# no neighbours across a multiple of 256, and 8 data chunks; 8 groups lie between two areas of 64 slots.
the_list() {
    printf '%s\n' "${SETS[@]}" | perl -e '
        sub orders { my ($done, @left) = @_; return $done unless @left;
            return map { my $i = $_; orders([@$done, $left[$i]], @left[grep { $_ != $i } 0 .. $#left]) } 0 .. $#left; }
        my ($group, $index) = (0, 0);
        while (<STDIN>) {
            for my $order (orders([], split)) {
                for (@$order) {
                    my ($old, $new) = split(/,/);
                    print $index++, " ", 256 * $group + 10 + $old, " ", 2 + 8 * $group + int($group / 8) + $new, "\n";
                }
                $group++;
            }
        }'
}

# make_store COW ORIGIN: the store of `list` with chunks of 1 KiB, whose data chunk N holds the number N again and again;
# the origin is zero.
make_store() {
    truncate -s 1M "$1"
    truncate -s 32M "$2"
    perl -e '
        my ($cow) = @ARGV;
        open(my $file, "+<:raw", $cow) or die "$cow: $!\n";
        sub put { seek($file, $_[0], 0) and print $file $_[1] or die "$cow: $!\n"; }
        put(0, pack("V4", 0x70416e53, 1, 1, 2));
        while (<STDIN>) {
            my ($index, $old, $new) = split;
            put(1024 * (1 + 65 * int($index / 64)) + 16 * ($index % 64), pack("Q<2", $old, $new));
            put(1024 * $new, pack("Q<", $new) x 128);
        }
        close($file) or die "$cow: $!\n";' "$1" <list
}

# numbers IMAGE: CHUNK NUMBER for each chunk that is not zero.
numbers() {
    perl -e '
        open(my $file, "<:raw", $ARGV[0]) or die "$ARGV[0]: $!\n";
        for (my $chunk = 0; read($file, my $bytes, 1024) == 1024; $chunk++) {
            my ($first, @others) = unpack("Q<128", $bytes);
            die "$ARGV[0]: chunk $chunk is mixed\n" if grep { $_ != $first } @others;
            print "$chunk $first\n" if $first;
        }' "$1"
}

# of_each first|last: OLD NEW, the data chunk of this entry for each chunk.
of_each() {
    if [ "$1" = first ]; then
        awk '!($2 in new) { new[$2] = $3 } END { for (old in new) print old, new[old] }' list | sort -n
    else
        awk '{ new[$2] = $3 } END { for (old in new) print old, new[old] }' list | sort -n
    fi
}

# loaded_jobs NAME: what the snapshot shows, in NAME.shown.
loaded_jobs() {
    uml_job create name=snap "$(snapshot_table snapshot 2)"
    uml_job copy from=/dev/mapper/snap "to=$S/$1.shown"
}

setup_file() {
    local keep last
    uml_setup_file || return 0
    cd "$S" || return
    the_list >list
    make_store damaged.cow damaged.origin
    slices_open "$S/damaged.origin" "$S/damaged.cow"
    loaded_jobs damaged
    uml_job remove name=snap
    # It stops in the middle of runs, and goes on when it is loaded again.
    for _ in {1..40}; do
        uml_job create name=merge "$(snapshot_table snapshot-merge 2)"
        uml_job_any wait-merge name=merge
        uml_job remove name=merge
    done
    last=$((${#uml_jobs[@]} - 1))
    slices_close "$S/damaged.merged" "$S/damaged.empty"
    for keep in first last; do
        cp damaged.cow $keep.cow
        cp damaged.origin $keep.origin
        tool snapcheck -q -y --accept=view-change --keep=$keep --no-save-old --origin $keep.origin $keep.cow ||
            [ $? -eq 1 ]
        slices_open "$S/$keep.origin" "$S/$keep.cow"
        loaded_jobs $keep
        # Chunks without an entry, and the first sector of one that has had two.
        uml_job write dev=/dev/mapper/snap offset=100K length=40K block=1K seed=2
        uml_job write dev=/dev/mapper/snap offset=11K length=512 block=512 seed=3
        uml_job remove name=snap
        uml_job create name=merge "$(snapshot_table snapshot-merge 2)"
        uml_job wait-merge name=merge
        uml_job remove name=merge
        slices_close "$S/$keep.merged" "$S/$keep.empty"
    done
    uml_go_slices
    printf '%s\n' "${uml_results[@]}" | grep -c 'Merge failed' >failed || true
    uml_result $last >merged
}

setup() {
    uml_setup
    cd "$S" || return
}

@test "what we say of two entries for one chunk is what the kernel does: it shows the first, or one that continues a run" {
    numbers damaged.shown >shown
    assert_equal "$(wc -l <shown)" "$(of_each first | wc -l)"
    run -4 --separate-stderr tool snapcheck --json --all -n -y --accept=view-change --keep=first damaged.cow
    jq -r '.result.repair.choices[] | "\(.old) \(.in_row)"' <<<"$output" | while read -r old in_row; do
        echo "$((old)) $in_row"
    done | sort -n >said
    # Two chunks of each group of the two sets with two pairs, one of the others.
    assert_equal "$(wc -l <said)" $((6 + 24 + 24 + 48 + 48 + 6))
    # Shown is not the first: only where we say that this may be.
    join <(of_each first | sort) <(sort shown) | join - <(sort said) | awk '$2 != $3' >later
    assert_equal "$(awk '$4 != "true"' later)" ""
    [ "$(wc -l <later)" -ge 40 ]
    # That it may be is said of few others.
    [ "$(grep -c true said)" -le $(($(wc -l <later) + 12)) ]
    # An entry that goes before a run does not win, wherever it stands: the last six groups.
    awk '$1 >= 256 * 102' later >before_a_run
    assert_equal "$(<before_a_run)" ""
    # Where one is shown that is not the first, it follows its neighbour in front of it.
    awk 'NR == FNR { place[$2 " " $3] = $1; next }
        !(($1 - 1) " " ($3 - 1) in place) || place[($1 - 1) " " ($3 - 1)] > place[$1 " " $3]' list later >lonely
    assert_equal "$(<lonely)" ""
}

@test "a merge by the kernel, loaded again where it stops, leaves the first of each" {
    assert_equal "$(<merged)" 'ok merged 0 65536 snapshot-merge 4/2048 4'
    [ "$(<failed)" -ge 1 ]
    diff <(of_each first) <(numbers damaged.merged)
    assert_equal "$(count_entries damaged.empty 2)" 0
}

@test "--keep=first and --keep=last: the kernel shows the one that was kept, takes new entries and merges them all" {
    local keep
    for keep in first last; do
        run -0 tool snapcheck --origin $keep.origin $keep.cow
        diff <(of_each $keep) <(numbers $keep.shown)
        cp $keep.shown expected
        uml_host write "dev=$S/expected" offset=100K length=40K block=1K seed=2
        uml_host write "dev=$S/expected" offset=11K length=512 block=512 seed=3
        cmp $keep.merged expected
        assert_equal "$(count_entries $keep.empty 2)" 0
    done
    run -1 cmp first.shown last.shown
}
