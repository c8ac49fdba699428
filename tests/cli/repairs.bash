# SPDX-License-Identifier: GPL-2.0-or-later
# Stores with damage that snapcheck mends, in the folder of a test.
# shellcheck shell=bash disable=SC2034

# recipe NAME: cow, origin and the view, and what cow was.
recipe() {
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/$1.recipe" cow origin view
    cp cow cow.before
    rm -f cow.old-bytes*
}

# all_accepted OPTION...: -y with both words.
all_accepted() {
    program snapcheck -y --accept=view-change,revalidate "$@" cow
}

# What is mended by -p, and by -y with both words; the others are left as they are, to the byte.
harmless=(entry-repeated-often terminator-with-old valid-2)
mendable=("${harmless[@]}" cut duplicate-new-far entry-new-outlier garbage-behind-end invalid list-past-end
    new-beyond-cow new-on-later-area new-on-partial-chunk new-top-byte)

# entry INDEX OLD NEW: overwrites one entry of a store with chunks of 4 KiB.
entry() {
    perl -e 'print pack("Q<2", @ARGV)' "$2" "$3" |
        dd of=cow bs=1 seek=$(((1 + 257 * ($1 / 256)) * 4096 + 16 * ($1 % 256))) conv=notrunc status=none
}

# headless CHUNK_SIZE [SECTOR_0]: a store of an ext4 file system whose header was zeroed, or overwritten with this text.
headless() {
    rm -f origin view cow*
    truncate -s 8M origin
    mke2fs -q -t ext4 -b 4096 -U 11111111-1111-1111-1111-111111111111 origin
    cp origin view
    contents piece 700000 piece
    dd if=piece of=view bs=4096 seek=300 conv=notrunc status=none
    tune2fs -L newer view >/dev/null
    program snapcreate --chunk-size "$1" --origin origin --cow cow --size max --from-diff view
    assert_status 0
    cp cow whole
    dd if=/dev/zero of=cow bs=512 count=1 conv=notrunc status=none
    printf '%s' "${2-}" | dd of=cow conv=notrunc status=none
}

# fingerprinted: an origin, and a store with entries for its first 16 blocks, whose samples are masked.
fingerprinted() {
    contents origin 8388608 origin
    cp origin view
    contents piece 65536 piece
    dd if=piece of=view bs=4096 conv=notrunc status=none
    rm -f cow
    program snapcreate --chunk-size 4K --origin origin --cow cow --size max --from-diff view
    assert_status 0
}
