#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapcheck: the form of its answers, in text and JSON. Which image gives which finding is in bad_input.bats.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154

setup() {
    load helpers
    load work
    in_folder
}

recipe() {
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/$1.recipe" cow origin view
}

# entry AREA SLOT OLD NEW: writes an entry into a store with chunks of 4 KiB.
entry() {
    perl -e 'print pack("Q<2", @ARGV)' "$3" "$4" |
        dd of=cow bs=1 seek=$(((1 + 257 * $1) * 4096 + 16 * $2)) conv=notrunc status=none
}

@test "a sound store: one line, exit 0" {
    recipe areas-chunks
    program snapcheck --origin origin cow
    assert_status 0
    assert_equal "$(head -n 1 <<<"$output")" "cow: 600 entries in chunks of 4 KiB, 295 free chunks: clean"
    assert_equal "$(wc -l <<<"$output")" 2
    assert_shown "cow and origin may or may not belong together: the store does not say which origin it belongs to"
    assert_equal "$stderr" ""
}

@test "a sound store as JSON" {
    recipe areas-chunks
    program snapcheck --json --origin origin cow
    assert_status 0
    assert_equal "$stderr" ""
    assert_json '.dmsnap | "\(.schema) \(.program)"' "1 snapcheck"
    assert_json '"\(.device) \(.origin) \(.exit_status)"' "cow origin 0"
    assert_json '.result | "\(.clean) \(.usable) \(.entries)"' "true true 600"
    assert_json '.findings | type + " " + (length | tostring)' "array 0"
}

@test "-q: a sound store says nothing" {
    recipe areas-chunks
    program snapcheck -q --origin origin cow
    assert_status 0
    assert_equal "$output$stderr" ""
}

@test "a finding as text: device, place, what was found, severity and rule" {
    recipe areas-chunks
    entry 1 3 778 258
    program snapcheck --origin origin cow
    assert_status 4
    assert_shown "cow: area 1 slot 3: "
    assert_shown "(fatal: entry-new-metadata)"
    assert_shown ": damaged"
    program snapcheck -q --origin origin cow
    assert_status 4
    assert_shown "cow: area 1 slot 3: "
}

@test "a finding as JSON: each field" {
    recipe areas-chunks
    entry 1 3 778 258
    program snapcheck --json --origin origin cow
    assert_status 4
    assert_json '.findings | length' 1
    assert_json '.findings[0] | "\(.rule) \(.severity) \(.area) \(.slot) \(.index)"' \
        "entry-new-metadata fatal 1 3 259"
    assert_json '.findings[0].offset_bytes' $((258 * 4096 + 48))
    assert_json '.findings[0] | "\(.old) \(.new)"' "0x30a 0x102"
    assert_json '.findings[0].repair | IN("view-kept", "view-changed", "none")' true
    assert_json '.findings[0].text | length > 10' true
    assert_json '"\(.result.clean) \(.result.usable) \(.exit_status)"' "false false 4"
}

@test "-v adds what a rule means" {
    recipe areas-chunks
    entry 1 3 778 100000
    program snapcheck --origin origin cow
    [[ ! $output =~ \)\;\  ]]
    program snapcheck -v --origin origin cow
    assert_status 4
    grep -Eq '^cow: area 1 slot 3: .* \(corrupting: entry-new-range\); .{20,}$' <<<"$output"
}

@test "all findings are given, in the order of the list" {
    recipe areas-chunks
    entry 0 5 16 72057594037927943
    entry 0 9 28 5000000
    entry 2 1 1540 258
    program snapcheck --json --origin origin cow
    assert_status 4
    assert_json '[.findings[] | "\(.area)/\(.slot)"] | join(" ")' "0/5 0/9 2/1"
    assert_json '[.findings[].rule] | unique | length' 3
    program snapcheck --origin origin cow
    assert_equal "$(grep -c '^cow: area' <<<"$output")" 3
}

@test "findings of one rule in neighbouring slots: one line and one element of JSON, with what they touch" {
    recipe areas-chunks
    # The entries in slots 250 to 255 of area 0 and 0 and 1 of area 1; two neighbours are no row.
    local i
    for ((i = 250; i < 258; i++)); do
        entry $((i / 256)) $((i % 256)) $((i + 4750)) $((5000000 + i))
    done
    entry 0 10 20 6000000
    entry 0 11 9 6000001
    program snapcheck cow
    assert_status 4
    assert_equal "$(grep -c '^cow: area' <<<"$output")" 3
    assert_shown "cow: area 0 slot 10: data chunk 6000000, but the device has 900 chunks; origin chunk 20, bytes 81920 to 86015 of the snapshot (corrupting: entry-new-range)"
    assert_shown "cow: area 0 slot 11: data chunk 6000001"
    assert_shown "cow: area 0 slot 250 to area 1 slot 1: 8 entries in a row, the first: data chunk 5000250, but the device has 900 chunks; origin chunks 5000 to 5007, bytes 20480000 to 20512767 of the snapshot (corrupting: entry-new-range)"
    entry 1 0 2 5000256
    program snapcheck --json cow
    assert_status 4
    assert_json '.findings | length' 3
    assert_json '.findings[0] | "\(.index) \(has("count")) \(.origin_offset_bytes) \(.origin_length_bytes)"' \
        "10 false 81920 4096"
    assert_json '.findings[2] | "\(.count) \(.area) \(.slot) \(.index) \(.last_area) \(.last_slot) \(.last_index)"' \
        "8 0 250 250 1 1 257"
    assert_json '.findings[2] | "\(.origin_offset_bytes) \(.origin_length_bytes)"' "8192 $((5006 * 4096))"
    assert_json '.result | "\(.findings_total) \(.findings_left_out)"' "10 0"
    program snapcheck cow
    assert_shown "; origin chunks from 2 to 5007, not all of them, bytes 8192 to 20512767 of the snapshot"
    program snapcheck --json --all cow
    assert_status 4
    assert_json '[.findings[] | select(has("count"))] | length' 0
    assert_json '[.findings[].origin_length_bytes] | add' 40960
}

@test "findings of rules that take turns: one line for each rule, in the order in which they begin" {
    recipe areas-chunks
    local i
    # Two rules by turns from slot 20 to 49, and once more from slot 60 to 65.
    for ((i = 20; i < 66; i += 2)); do
        [ "$i" -lt 50 ] || [ "$i" -ge 60 ] || continue
        entry 0 "$i" $((3000 + i)) $((5000000 + i))
        entry 0 $((i + 1)) $((4000 + 3 * i)) $((72057594037927936 + i + 3))
    done
    program snapcheck cow
    assert_status 4
    grep '^cow: area 0' <<<"$output" >lines
    assert_equal "$(sed -E 's/: ([0-9]+ of these entries).*: ([a-z-]+)\)$/ \1 \2/' lines)" \
        "cow: area 0 slot 20 to area 0 slot 48 15 of these entries entry-new-range
cow: area 0 slot 21 to area 0 slot 49 15 of these entries entry-new-top-byte
cow: area 0 slot 60 to area 0 slot 64 3 of these entries entry-new-range
cow: area 0 slot 61 to area 0 slot 65 3 of these entries entry-new-top-byte"
    grep -q 'slot 20 to .* the first: data chunk 5000020, .* origin chunks from 3020 to 3048, not all of them, bytes 12369920 to 12488703 of' lines
    grep -q 'slot 61 to .* origin chunks from 4180 to 4192, not all of them' lines
    ! lacks json-c || return 0
    program snapcheck --json cow
    assert_json '[.findings[] | select(.area == 0) | "\(.rule) \(.count) \(.index) \(.last_index) \(.origin_offset_bytes) \(.origin_length_bytes)"] | join(";")' \
        "entry-new-range 15 20 48 12369920 118784;entry-new-top-byte 15 21 49 16629760 348160;entry-new-range 3 60 64 12533760 20480;entry-new-top-byte 3 61 65 17121280 53248"
    assert_json '.result.findings_total - ([.findings[].count // 1] | add) - .result.findings_left_out' 0
    program snapcheck --json --all cow
    assert_json '[.findings[] | select(.area == 0)] | length' 36
}

@test "findings of a rule behind sound entries stand alone, and as one line where others fill the gaps" {
    recipe areas-chunks
    entry 0 20 3020 5000020
    entry 0 22 3022 5000022
    entry 0 24 3024 5000024
    program snapcheck cow
    assert_equal "$(grep -c '^cow: area 0 slot 2[024]: data chunk' <<<"$output")" 3
    entry 0 21 3021 72057594037927958
    entry 0 23 3023 72057594037927960
    program snapcheck cow
    assert_shown "cow: area 0 slot 20 to area 0 slot 24: 3 of these entries, the first: "
    assert_equal "$(grep -c '^cow: area 0 slot 2[13]: data chunk 0x' <<<"$output")" 2
}

@test "entries in a row for one chunk, or for a chunk that no origin has" {
    recipe areas-chunks
    local i
    for i in 4 5 6; do
        entry 0 "$i" 18446744073709551615 5000000
        entry 0 $((i + 10)) 703 5000000
        entry 0 $((i + 20)) $((i == 5 ? 9000000000000000 : 30 + i)) 5000000
    done
    entry 0 40 18446744073709551615 5000000
    program snapcheck cow
    assert_status 4
    assert_shown "slot 6: 3 entries in a row, the first: data chunk 5000000, but the device has 900 chunks; they name no chunk that an origin can have (corrupting"
    assert_shown "; origin chunk 703, bytes 2879488 to 2883583 of the snapshot (corrupting: entry-new-range)"
    assert_shown "; some name no chunk that an origin can have (corrupting"
    assert_shown "slot 40: data chunk 5000000, but the device has 900 chunks; it names no chunk that an origin can have (corrupting"
    [[ $output != *18446744073709551615* && $output != *"703 to 703"* ]]
}

@test "the same defect very often: so many are shown, the others counted" {
    recipe areas-chunks
    # Each second slot: these are no neighbours.
    perl -e 'print pack("Q<2", 1 + 3 * $_, $_ % 2 ? 2 + $_ : 5000000 + $_) for 0 .. 255' |
        dd of=cow bs=1 seek=4096 conv=notrunc status=none
    perl -e 'print pack("Q<2", 1 + 3 * $_, $_ % 2 ? 3 + $_ : 5000000 + $_) for 256 .. 299' |
        dd of=cow bs=1 seek=$((258 * 4096)) conv=notrunc status=none
    program snapcheck --origin origin cow
    assert_status 4
    assert_equal "$(grep -c '^cow: area' <<<"$output")" 100
    assert_shown "cow: and 50 more findings of entry-new-range; this shows each: snapcheck --all --origin origin cow"
    program snapcheck -q cow
    assert_shown "cow: and 50 more findings of entry-new-range; this shows each: snapcheck --all cow"
    program snapcheck --json --origin origin cow
    assert_status 4
    assert_json '.result | "\(.findings_total) \(.findings_left_out)"' "150 50"
    assert_json '.findings | length' 100
}

@test "--all: each finding is shown, as JSON too" {
    recipe areas-chunks
    perl -e 'print pack("Q<2", 1 + 3 * $_, 5000000 + $_) for 0 .. 149' |
        dd of=cow bs=1 seek=4096 conv=notrunc status=none
    program snapcheck --all --origin origin cow
    assert_status 4
    assert_equal "$(grep -c '^cow: area 0 slot [0-9]*: ' <<<"$output")" 150
    [[ $output$stderr != *' more finding'* ]]
    program snapcheck --json --all --origin origin cow
    assert_status 4
    assert_json '"\(.dmsnap.program) \(.device) \(.origin) \(.exit_status)"' "snapcheck cow origin 4"
    assert_json '.result | "\(.verdict) \(.findings_total) \(.findings_left_out)"' "damaged 150 0"
    assert_json '[.findings[].slot] == [range(150)]' true
    assert_json '.findings | length' 150
    program snapcheck --json --all missing
    assert_status 8
    assert_json '"\(.error.status) \(has("findings"))"' "not-found false"
    recipe areas-chunks
    program snapcheck --json --all --origin origin cow
    assert_status 0
    assert_json '"\(.findings) \(.result.findings_total)"' "[] 0"
}

@test "the hints of the others show all of it: with --all where the limit would leave some out" {
    recipe areas-chunks
    entry 1 3 778 258
    program snapmerge -n --origin origin --cow cow
    assert_status 4
    assert_said "To see all that is wrong: snapcheck --origin origin cow"
    perl -e 'print pack("Q<2", 1 + 3 * $_, 5000000 + $_) for 0 .. 149' |
        dd of=cow bs=1 seek=4096 conv=notrunc status=none
    program snapmerge -n --origin origin --cow cow
    assert_status 4
    assert_said "To see all that is wrong: snapcheck --all --origin origin cow"
}

@test "--origin: the wrong one is a verdict of its own, and says nothing against the store" {
    mke2fs -q -t ext4 origin 1M
    mke2fs -q -t ext4 other 1M
    cp origin new
    e2label new changed
    program snapcreate --origin origin --cow cow --size max --from-diff new
    program snapcheck cow
    assert_status 0
    program snapcheck --origin origin cow
    assert_status 0
    program snapcheck --json --origin other cow
    assert_status 8
    assert_json '"\(.findings | length) \(.result.clean) \(.result.pair.outcome)"' "0 true contradicted"
}

@test "--origin: one that has grown is said" {
    contents origin 1000448 origin
    program snapcreate --origin origin --cow cow --size 1M
    truncate -s 2000384 origin
    program snapcheck --origin origin cow
    assert_status 0
    assert_shown "origin: it has grown since the store was made"
    assert_shown ": clean"
    program snapcheck --json --origin origin cow
    assert_json '"\(.result.clean) \(.result.pair.origin_grown) \(.exit_status)"' "true true 0"
}

# move SLOT COUNT: the last COUNT entries of area 0 of areas-chunks once more from this slot on.
move() {
    perl -e 'my ($slot, $count) = @ARGV; print pack("Q<2", 1 + 3 * $_, 2 + $_) for 256 - $count .. 255' "$1" "$2" |
        dd of=cow bs=1 seek=$((4096 + 16 * $1)) conv=notrunc status=none
}

@test "entries that occur twice, the same each time: a note with the place of the first" {
    recipe areas-chunks
    move 0 5 # where a window of a merge begins
    program snapcheck --origin origin cow
    assert_status 0
    assert_shown "cow: area 0 slot 251 to area 0 slot 255: 5 entries in a row, the first: the same entry as area 0 slot 0"
    assert_shown ": clean"
    program snapcheck --all cow
    assert_shown "cow: area 0 slot 251: the same entry as area 0 slot 0 (note: entry-repeated)"
    program snapcheck --json --origin origin cow
    assert_status 0
    assert_json '[.findings[] | select(.rule == "entry-repeated") | "\(.index) \(.last_index) \(.severity) \(.repair)"] | join(", ")' \
        "251 255 note view-kept"
    assert_json '"\(.result.repeated_entries) \(.result.entries) \(.result.canonical) \(.result.clean)"' \
        "5 600 false true"
}

@test "very many entries that occur twice: counted, and no alarm of a merge" {
    recipe areas-chunks
    move 3 120
    program snapcheck --json --origin origin cow
    assert_status 0
    assert_json .result.repeated_entries 120
    assert_json '[.findings[] | select(.rule == "entry-repeated").count] | add' 120
    program snapinspect --list --json cow
    assert_status 0
    assert_equal "$(jq -s 'map(.chunks // 0) | add' <<<"$output")" 600
    program snapmerge --dry-run --origin origin --cow cow
    assert_status 0
    assert_not_said entry-repeated
    program snapmerge --verbose --dry-run --origin origin --cow cow
    assert_status 0
    assert_said "and 20 more findings of entry-repeated"
}

@test "more entries that occur twice than are placed: --all counts the others, and shows none twice" {
    recipe areas-chunks
    perl -e 'print pack("Q<2", 1 + 3 * $_, 2 + $_) for 0 .. 255' | dd of=cow bs=1 seek=$((258 * 4096)) conv=notrunc status=none
    perl -e 'print pack("Q<2", 1 + 3 * $_, 2 + $_) for 0 .. 43' | dd of=cow bs=1 seek=$((515 * 4096)) conv=notrunc status=none
    program snapcheck --all cow
    assert_status 0
    assert_equal "$(grep -c 'note: entry-repeated' <<<"$output")" 256
    assert_equal "$(grep 'note: entry-repeated' <<<"$output" | sort -u | wc -l)" 256
    assert_shown "cow: and 44 more findings of entry-repeated"
    assert_not_said "snapcheck --all"
    program snapcheck --json --all cow
    assert_json '[.findings[] | select(.rule == "entry-repeated")] | length' 256
    assert_json .result.findings_left_out 44
}

@test "notes alone are clean" {
    recipe unordered
    program snapcheck cow
    assert_status 0
    assert_shown "(note: entry-order)"
    assert_shown ": clean"
}

@test "a device without a store, as JSON too" {
    contents cow 100000 cow
    program snapcheck --json cow
    assert_status 4
    jq -e . <<<"$output" >/dev/null
    assert_json .exit_status 4
    assert_json .result.usable false
    assert_json '[.findings[].severity] | join(" ")' fatal
    program snapcheck cow
    assert_status 4
    [[ $output == *$'\n''cow: not usable' ]]
}

@test "nothing is written, with -n and without" {
    recipe areas-chunks
    entry 1 3 778 258
    remember origin cow
    program snapcheck -n --origin origin cow
    assert_status 4
    program snapcheck --origin origin cow
    assert_status 4
    assert_untouched
}

@test "device-held: a device that is in use is said; --data reads all data" {
    recipe areas-chunks
    program snapcheck --data cow
    assert_status 0
    assert_equal "$output" "cow: 600 entries in chunks of 4 KiB, 295 free chunks: clean"
    need_loops
    loop_over origin
    program snapcheck --json --origin origin cow
    loops_detach
    assert_status 0
    assert_equal "$(jq -r '.findings[].rule' <<<"$output")" device-held
    program snapcheck --json --origin origin cow
    assert_equal "$(jq -r '.findings[].rule' <<<"$output")" ""
}

# A script that throws damaged stores away must not do so because the machine had no memory for a moment.
@test "short memory is an error of the system, not of the store" {
    local n
    load system_calls
    need_strace
    recipe areas-chunks
    for n in 1 2 3 4 5 6 7 8; do
        traced -e trace=io_uring_setup,preadv -e inject=io_uring_setup:error=ENOSYS \
            -e "inject=preadv:error=ENOMEM:when=$n+" -- snapcheck --data --origin origin cow
        grep -q 'preadv.*INJECTED' trace || break
        assert_status 8
        assert_equal "$output" "" # no finding, no verdict
        assert_said "Cannot allocate memory"
    done
    [ "$n" -gt 3 ]
}

# wide_list ENTRIES: a store whose entries lie far apart on the origin.
wide_list() {
    perl -e '
        my ($entries, $per) = ($ARGV[0], 256);
        open(my $out, ">", "cow") or die;
        print $out "SnAp", pack("V3", 1, 1, 8);
        for (my $area = 0; $area * $per <= $entries; $area++) {
            my $last = $entries - $area * $per;
            seek($out, (1 + ($per + 1) * $area) * 4096, 0) or die;
            print $out map { pack("Q<2", ($area * $per + $_) * 4099, 2 + ($per + 1) * $area + $_) }
                0 .. ($last > $per ? $per : $last) - 1;
        }
        truncate($out, ($entries + int($entries / $per) + 600) * 4096);' "$1"
}

# The sets of this list take some 20 MiB; in 16 MiB they are filled in parts, and the answer is the same.
@test "--memory bounds the sets of a large list" {
    load system_calls
    need_strace
    wide_list 700000
    local most bytes answer=
    for bytes in 256M 16M; do
        traced -e trace=mmap,mremap -- snapcheck --memory $bytes cow
        assert_status 0
        answer=${answer:-$output}
        assert_equal "$output" "$answer"
        most=$(perl -ne '/mmap\(NULL, (\d+), PROT_READ\|PROT_WRITE, MAP_PRIVATE\|MAP_ANONYMOUS/ && $1 > $most and $most = $1; END { print $most }' trace)
        if [ $bytes = 256M ]; then
            [ "$most" -gt $((16 << 20)) ]
        else
            [ "$most" -gt $((4 << 20)) ]
            [ "$most" -lt $((16 << 20)) ]
        fi
    done
    [[ $answer == *"700000 entries"* ]]
    program snapcheck --memory 15M cow
    assert_status 16
    assert_said "--memory"
    program snapinspect --memory 15M cow
    assert_status 16
    program snapinspect --memory 16M cow
    assert_status 0
}

@test "--list-rules: each rule with what it means and what to do, without a device; the same as JSON" {
    local ids
    program snapcheck --list-rules
    assert_status 0
    ids=$(sed -n 's/^\([a-z-]*\) (\([a-z]*\), \([a-z-]*\))$/\1 \2 \3/p' <<<"$output")
    [ "$(wc -l <<<"$ids")" -gt 30 ]
    assert_equal "$(wc -l <<<"$output")" $((3 * $(wc -l <<<"$ids")))
    assert_shown "    to do: make the device larger, or merge"
    # What is printed is what the manual says.
    assert_equal "$(sort <<<"$ids")" \
        "$(sed -n 's/^[.]It Sy \([a-z-]*\) Ta \([a-z]*\) Ta \([a-z-]*\)$/\1 \2 \3/p' "$SRCDIR/man/snapcheck.8" | sort)"
    program snapcheck --list-rules --json
    assert_status 0
    assert_equal "$(jq -r '.rules[] | "\(.id) \(.severity) \(.repair)"' <<<"$output")" "$ids"
    assert_json '[.rules[] | select((.meaning | length) < 10 or (.way_out | length) < 10)] | length' 0
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/duplicate-new.recipe" cow origin view
    program snapcheck -v cow
    assert_status 4
    assert_shown "; to do: at most one of the two is right; where that is known, snapcheck -y --accept=view-change gives the other one its own data chunk back; else snapcheck --repair-to NEW --accept=view-change --origin"
}

@test "one entry alone out of its place is a note, and said is that it may be damaged; legal orders are not named so" {
    local name
    recipe areas-chunks
    entry 0 7 1801 900 # by the numbers of its neighbours it was moved
    truncate -s $((910 * 4096)) cow
    program snapcheck cow
    assert_status 0
    assert_shown "area 0 slot 7: data chunk 900, canonical is 9 (note: entry-order)"
    assert_shown "cow: 600 entries in chunks of 4 KiB, 9 free chunks: clean"
    assert_said "one entry alone is out of its place"
    assert_said "compare its data chunk with the canonical one"
    program snapmerge -n --origin origin --cow cow
    assert_status 0
    assert_said "one entry alone is out of its place, and nothing in the store tells whether its data chunk is damaged; snapcheck cow shows which it is"
    entry 0 7 22 900 # by these it was not
    program snapcheck cow
    assert_shown "(warning: entry-new-outlier)"
    assert_not_said "one entry alone is out of its place"
    # What an entry that is dropped leaves: the last one is in its slot.
    recipe areas-chunks
    entry 0 7 22 772
    program snapcheck -y --no-save-old --accept=view-change cow
    assert_status 1
    program snapcheck cow
    assert_shown "area 0 slot 7: data chunk 603, canonical is 9 (note: entry-order)"
    assert_status 0
    assert_not_said "out of its place"
    for name in unordered areas-chunks; do
        recipe $name
        program snapcheck cow
        assert_status 0
        assert_not_said "out of its place"
        program snapmerge -n --origin origin --cow cow
        assert_status 0
        assert_not_said "out of its place"
    done
}
