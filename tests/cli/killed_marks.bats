#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapmerge killed when the origin has got another UUID from the snapshot: the plain command goes on, and still only
# with this origin.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154

setup() {
    load helpers
    load work
    load system_calls
    need_strace
    in_folder
    command -v tune2fs >/dev/null || skip "needs tune2fs"
    file_system_renamed_inside
}

# reversed FILE: the list of a store with chunks of 1 KiB the other way round, each data chunk where the kernel puts it.
# What came first is merged first then.
reversed() {
    perl -e '
        open(my $cow, "+<:raw", $ARGV[0]) or die;
        my ($chunk, $per_area) = (1024, 64);
        sub at { seek($cow, $_[0], 0) or die; read($cow, my $bytes, $_[1]) == $_[1] or die; $bytes }
        sub slot { (1 + ($per_area + 1) * int($_[0] / $per_area)) * $chunk + $_[0] % $per_area * 16 }
        my (@olds, @news, @data);
        for (my $i = 0;; $i++) {
            my ($old, $new) = unpack("Q<2", at(slot($i), 16));
            last if $new == 0;
            push(@olds, $old);
            push(@news, $new);
            push(@data, at($new * $chunk, $chunk));
        }
        for my $i (0 .. $#olds) {
            seek($cow, slot($i), 0);
            print $cow pack("Q<2", $olds[$#olds - $i], $news[$i]);
            seek($cow, $news[$i] * $chunk, 0);
            print $cow $data[$#olds - $i];
        }
        close($cow) or die;' "$1"
}

# An origin, a view with another UUID, and a store whose superblock is merged long before the rest.
file_system_renamed_inside() {
    mke2fs -q -t ext4 -b 1024 origin 8M
    contents piece 1638400 piece
    dd if=piece of=origin bs=4096 seek=1200 conv=notrunc status=none
    cp origin view
    tune2fs -U random view >/dev/null 2>&1
    store_made
}

# store_made: of what `origin` and `view` are now, and so much more content in the view that many samples of the
# fingerprint are in it, whatever its seed is: they tell that a merge was begun.
store_made() {
    rm -f cow
    contents other 1048576 other
    dd if=other of=view bs=4096 seek=800 conv=notrunc status=none
    program snapcreate --accept=identity --chunk-size 1K --origin origin --cow cow --size max --from-diff view
    assert_status 0
    reversed cow
    rm -f shown
    "$BUILDDIR/tools/snapinspect" -q --origin origin --extract shown cow
    cmp shown view
    cp origin origin.before
    cp cow cow.before
    options=(--io-engine threads --queue-depth 1 --memory 16M --rate-limit 1G --checkpoint-interval 1)
}

# killed_at CALLS N: the merge, killed at the n-th of these calls for one of the two devices; false: there are fewer.
killed_at() {
    cp origin.before origin
    cp cow.before cow
    traced -P "$dir/origin" -P "$dir/cow" -e "trace=$1" -e "inject=$1:signal=KILL:when=$2" -- \
        snapmerge --quiet "${options[@]}" --origin "$dir/origin" --cow "$dir/cow"
    [ "$status" -eq 137 ]
}

uuid() {
    blkid -p -o value -s UUID "$1"
}

@test "killed at each flush: the plain command goes on" {
    local n brought=0
    for ((n = 1; n < 200; n++)); do
        killed_at fsync,fdatasync "$n" || break
        if [ "$(uuid origin)" = "$(uuid view)" ]; then brought=$((brought + 1)); fi
        if [ "$(walk cow figures | cut -d' ' -f1)" -gt 0 ]; then
            rm -f shown
            "$BUILDDIR/tools/snapinspect" -q --origin origin --extract shown cow
            cmp shown view
            program snapcheck --origin origin cow
            assert_status 0
        fi
        program snapmerge --origin origin --cow cow
        assert_status 0
        cmp origin view
        assert_equal "$(walk cow figures | cut -d' ' -f1)" 0
    done
    echo "# $n flushes, the superblock was there at $brought"
    [ $brought -ge 3 ]
}

# half_merged: a merge that was killed when the superblock was on the origin, and off the list.
half_merged() {
    killed_at fsync,fdatasync 11
    [ "$(uuid origin)" = "$(uuid view)" ]
    cp origin origin.half
    cp cow cow.half
}

# refused_for ORIGIN TEXT: plainly, and nothing is written.
refused_for() {
    cp "$1" refused.before
    program snapmerge --origin "$1" --cow cow
    assert_status 8
    assert_said "$2"
    assert_said "Nothing was written."
    cmp "$1" refused.before
    cmp cow cow.half
}

@test "half merged: the verdict names what was brought; a copy of the half merged origin will do" {
    half_merged
    program snapmerge -n --origin origin --cow cow
    assert_status 0
    assert_said "origin belong together: "
    assert_said "; a merge of this store has brought ext4 (UUID $(uuid view)) to it"
    assert_shown " proven: "
    program snapinspect --json --origin origin cow
    assert_json '.result.pair | "\(.outcome) \(.reason)"' "proven fingerprint"
    cp origin copied
    program snapmerge --origin copied --cow cow
    assert_status 0
    cmp copied view
}

@test "half merged: a clone of the origin with a UUID of its own is still refused" {
    half_merged
    cp origin.before clone
    tune2fs -U random clone >/dev/null 2>&1
    refused_for clone "but this one has ext4 (UUID $(uuid clone))"
    cp origin.half clone
    tune2fs -U random clone >/dev/null 2>&1
    refused_for clone "but this one has ext4 (UUID $(uuid clone))"
}

@test "half merged: a copy of the snapshot that was used since is refused" {
    half_merged
    cp view used
    e2label used used
    refused_for used "but this one has ext4 (UUID $(uuid view))"
}

@test "a copy of the snapshot that was used since is refused before any merge, too" {
    cp cow cow.half
    cp view used
    e2label used used
    refused_for used "but this one has ext4 (UUID $(uuid view))"
}

@test "half merged, without a fingerprint: only the word goes on" {
    half_merged
    dd if=/dev/zero of=cow bs=512 seek=1 count=1 conv=notrunc status=none
    cp cow cow.half
    refused_for origin "but this one has ext4 (UUID $(uuid view))"
    program snapmerge --accept=identity --origin origin --cow cow
    assert_status 0
    cmp origin view
}

# goes_on_with OPTION FILE: killed at every fourth flush of the three, the same command completes. Counts in $brought.
goes_on_with() {
    local n
    brought=0
    for ((n = 1; n < 400; n += 4)); do
        cp origin.before origin
        cp cow.before cow
        rm -f "$2"
        [ ! -e "$2.before" ] || cp "$2.before" "$2"
        traced -P "$dir/origin" -P "$dir/cow" -P "$dir/$2" -e trace=fsync,fdatasync \
            -e "inject=fsync,fdatasync:signal=KILL:when=$n" -- \
            snapmerge --quiet "${options[@]}" --origin "$dir/origin" --cow "$dir/cow" "$1" "$dir/$2"
        [ "$(walk cow figures | cut -d' ' -f1)" -gt 0 ] || break
        if [ "$(uuid origin)" = "$(uuid view)" ]; then brought=$((brought + 1)); fi
        program snapmerge --origin origin --cow cow "$1" "$2"
        assert_status 0
        cmp origin view
        rm -f shown
        "$BUILDDIR/tools/snapinspect" -q --accept=identity --origin origin --extract shown "$2"
        cmp shown "$2.view"
    done
    [ $brought -ge 3 ]
}

@test "killed with another snapshot kept: the plain command goes on, and a store of a clone is still refused" {
    cp origin.before sibling.view
    dd if=piece of=sibling.view bs=4096 seek=1500 count=20 conv=notrunc status=none
    program snapcreate --origin origin --cow sibling.before --size max --from-diff sibling.view
    assert_status 0
    goes_on_with --preserve sibling
    half_merged
    cp origin.before clone
    tune2fs -U random clone >/dev/null 2>&1
    cp clone clone.view
    e2label clone.view changed
    program snapcreate --origin clone --cow clone.cow --size max --from-diff clone.view
    dd if=/dev/zero of=clone.cow bs=512 seek=1 count=1 conv=notrunc status=none # its samples would tell as well
    program snapmerge --origin origin --cow cow --preserve clone.cow
    assert_status 8
    assert_said "clone.cow: the store was made for an origin with ext4 (UUID $(uuid clone)"
    cmp cow cow.half
}

@test "killed with an undo store: the plain command goes on" {
    cp origin.before undo.view
    goes_on_with --undo undo
}

# goes_on_with_content SHOWN: origin, view and clone have a UUID each; killed when the origin has that of the view.
goes_on_with_content() {
    store_made
    half_merged
    refused_for clone "but this one has "
    program snapmerge --origin origin --cow cow
    assert_status 0
    assert_said "; a merge of this store has brought $1 to it"
    cmp origin view
}

@test "killed when an NTFS has another serial number: the plain command goes on, and not with a clone" {
    command -v mkntfs >/dev/null || skip "needs mkntfs"
    rm origin
    truncate -s 8M origin
    mkntfs -q -F origin >/dev/null 2>&1
    dd if=piece of=origin bs=4096 seek=1200 conv=notrunc status=none
    cp origin view
    cp origin clone
    printf 'renamed!' | dd of=view bs=1 seek=72 conv=notrunc status=none
    printf 'a clone!' | dd of=clone bs=1 seek=72 conv=notrunc status=none
    uuid() { blkid -p -o value -s UUID "$1"; }
    goes_on_with_content "ntfs (UUID $(uuid view))"
}

@test "killed when a file system was made inside the snapshot of a blank device: the plain command goes on" {
    truncate -s 0 origin
    truncate -s 8M origin
    cp origin clone
    mke2fs -q -t ext4 -b 1024 clone
    cp origin view
    mke2fs -q -t ext4 -b 1024 view
    goes_on_with_content "ext4 (UUID $(uuid view))"
}

@test "killed when a GPT has another UUID: the plain command goes on, and not with a clone" {
    rm origin
    truncate -s 8M origin
    printf 'label: gpt\n,,L\n' | sfdisk -q origin
    dd if=piece of=origin bs=4096 seek=1200 conv=notrunc status=none
    cp origin view
    cp origin clone
    sfdisk -q --disk-id view aaaaaaaa-1111-4222-8333-123456789abc
    sfdisk -q --disk-id clone bbbbbbbb-1111-4222-8333-123456789abc
    uuid() { blkid -p -o value -s PTUUID "$1"; }
    goes_on_with_content "a gpt partition table aaaaaaaa-1111-4222-8333-123456789abc"
}

# The sector with the signature of swap space is never written again, so it does not tell that the copy was used.
@test "a copy of the snapshot is no half merged origin, whatever its signature says" {
    command -v mkswap >/dev/null || skip "needs mkswap"
    contents origin 33554432 origin
    mkswap -U 11111111-1111-4111-8111-111111111111 origin >/dev/null 2>&1
    cp origin view
    mkswap -U 22222222-2222-4222-8222-222222222222 view >/dev/null 2>&1
    contents piece 819200 other
    dd if=piece of=view bs=4096 seek=2000 conv=notrunc status=none
    rm -f cow
    program snapcreate --accept=identity --origin origin --cow cow --size 4M --from-diff view
    assert_status 0
    cp view used
    contents piece 819200 newer
    dd if=piece of=used bs=4096 seek=2000 conv=notrunc status=none
    cp cow cow.half
    refused_for used "but this one has swap (UUID 22222222-2222-4222-8222-222222222222)"
}
