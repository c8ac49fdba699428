#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Room on the file systems below images: known before the first write, with the number of bytes, by dry runs too.

setup() {
    load helpers
    load work
    [ "$(id -u)" -eq 0 ] || skip "needs root for mounts"
    unshare -m true 2>/dev/null || skip "needs mount namespaces"
    in_folder
    # Chunks of 4 KiB: the newer content differs in 6 MiB of 8.
    truncate -s 8M origin.img
    contents data 6291456 newer
    cp data newer.img
    truncate -s 8M newer.img
    program snapcreate -q --origin origin.img --from-diff newer.img --cow cow.img --size 16M --no-identity
    assert_status 0
}

# on_small SCRIPT: in a namespace where $1/small is a file system in memory of 10 MiB; each `try NAME COMMAND...` leaves
# NAME.status and NAME.said.
on_small() {
    cat >script <<'END'
try() {
    name=$1 code=0
    shift
    "$@" >"$name.out" 2>"$name.said" </dev/null || code=$?
    echo "$code" >"$name.status"
}
fill() { # leaves so many KiB free
    rm -f small/ballast
    head -c "$((($(stat -f -c '%a * %S' small) - $1 * 1024)))" /dev/zero >small/ballast
}
mkdir -p small
END
    printf '%s\n' "mount ${small:--t tmpfs -o size=10M small} small" "PATH=$BUILDDIR/tools:\$PATH" "$1" >>script
    unshare -m bash -eu script
}

# tried NAME STATUS TEXT...
tried() {
    status=$(<"$1.status") stderr=$(<"$1.said") output=$(<"$1.out")
    assert_status "$2"
    local text
    for text in "${@:3}"; do
        assert_said "$text"
    done
}

@test "holes of the origin under the list that the file system has no room for" {
    on_small 'truncate -s 8M small/origin.img
        fill 4096
        try dry snapmerge -n --origin small/origin.img --cow cow.img
        try run snapmerge --origin small/origin.img --cow cow.img
        stat -c %b small/origin.img >blocks
        try skip snapmerge -n --skip-identical --origin small/origin.img --cow cow.img
        fill 6144
        try fits snapmerge --origin small/origin.img --cow cow.img
        cmp small/origin.img newer.img'
    tried dry 8 "small/origin.img: this merge needs 6291456 bytes of its file system" \
        "only 4194304 are free; make room for 2097152 bytes more there" "add --accept=space" "Nothing was written."
    tried run 8 "small/origin.img: this merge needs 6291456 bytes of its file system" "Nothing was written."
    assert_equal "$(<blocks)" 0
    tried fits 0
}

@test "blocks that are there, or reserved, need no room" {
    small="-o loop small.ext4"
    truncate -s 32M small.ext4
    mke2fs -q -t ext4 -m 0 small.ext4
    on_small 'truncate -s 8M small/origin.img
        fallocate -l 4M small/origin.img
        fill 2000
        try none snapmerge -n --origin small/origin.img --cow cow.img
        fill 2200
        try fits snapmerge --origin small/origin.img --cow cow.img
        cmp small/origin.img newer.img'
    tried none 8 "small/origin.img: this merge needs 2097152 bytes"
    tried fits 0
}

@test "what is kept for root is room for root, and for nobody else" {
    small="-o loop small.ext4"
    truncate -s 32M small.ext4
    mke2fs -q -t ext4 -b 1024 -m 20 small.ext4
    chmod 666 cow.img
    on_small 'truncate -s 8M small/origin.img
        chmod 666 small/origin.img
        fill 1000
        caps=+dac_override,+dac_read_search
        try other setpriv --reuid 65534 --inh-caps $caps --ambient-caps $caps "$(command -v snapmerge)" -n \
            --origin small/origin.img --cow cow.img
        try dry snapmerge -n --origin small/origin.img --cow cow.img
        try run snapmerge --origin small/origin.img --cow cow.img
        cmp small/origin.img newer.img'
    tried other 8 "this merge needs 6291456 bytes of its file system" " are free; make room for "
    tried dry 0
    tried run 0
}

@test "--accept=space: a merge that seems to have too little room begins all the same" {
    on_small 'truncate -s 8M small/origin.img
        fill 4096
        try dry snapmerge -n --accept=space --origin small/origin.img --cow cow.img
        try run snapmerge --accept=space --memory 16M --origin small/origin.img --cow cow.img
        rm small/ballast
        sed -n "s/^To go on: //p" run.said >command
        try again bash command
        cmp small/origin.img newer.img'
    tried dry 0 "warning: small/origin.img: this merge needs 6291456 bytes" "Nothing was written."
    tried run 8 "warning: small/origin.img: this merge needs 6291456 bytes" "No space left on device" \
        "To go on: snapmerge --origin small/origin.img --cow cow.img --accept=space"
    tried again 0
}

# In a group, the origin begins at extent 5 of pv1; 5 extents of it are on pv0, where the free ones are as well.
@test "holes of sparse images of physical volumes: as those of a sparse origin" {
    ! lacks devmapper || skip "this build lacks libdevmapper"
    load volumes
    volumes_make origin.img cow.img $'extent_count = 2\n\ntype = "raid1"\n' \
        $'extent_count = 10\n\ntype = "striped"\nstripe_count = 1\nstripes = ["pv0", 5]\n'
    fallocate --dig-holes pv1
    cp pv0 pv0.before
    on_small 'cp --sparse=always pv1 small/pv1
        cp pv1 pv1.before
        fill 4096
        try dry snapmerge -n --devices pv0,small/pv1 --cow lvm:vg/snap
        try run snapmerge --devices pv0,small/pv1 --cow lvm:vg/snap
        cmp small/pv1 pv1.before
        fill 6500
        try fits snapmerge --devices pv0,small/pv1 --cow lvm:vg/snap
        try view snapinspect --devices pv0,small/pv1 --origin lvm:vg/origin --extract view lvm:vg/snap
        cmp view newer.img'
    # All of the origin but its first 5 extents, which are on pv0.
    tried dry 8 "small/pv1: this merge needs 6270976 bytes of its file system (6270976 bytes for the holes of small/pv1)" \
        "only 4194304 are free; make room for 2076672 bytes more there" "Nothing was written."
    tried run 8 "small/pv1: this merge needs 6270976 bytes" "Nothing was written."
    tried fits 0
    # An undo store on a volume whose image is sparse.
    head -c 16K /dev/urandom >few.img
    truncate -s 8M few.img old.img
    rm -f cow.img
    program snapcreate -q --origin old.img --from-diff few.img --cow cow.img --size 64K --no-identity
    cp pv0.before pv0
    fallocate --dig-holes pv0
    on_small 'cp --sparse=always pv0 small/pv0
        fill 12
        try undo snapmerge -n --devices small/pv0,pv1 --origin old.img --cow cow.img --undo lvm:vg/other
        fill 64
        try fits snapmerge --devices small/pv0,pv1 --origin old.img --cow cow.img --undo lvm:vg/other
        cmp old.img few.img'
    tried undo 8 "small/pv0: this merge needs 24576 bytes of its file system (24576 bytes for what is copied to small/pv0)"
    tried fits 0
}

# In stripes on both; what the origin gets is on them, too, and all of it on one file system.
@test "holes of sparse images of physical volumes: as those of a store that keeps its view" {
    ! lacks devmapper || skip "this build lacks libdevmapper"
    load volumes
    program snapcreate -q --origin origin.img --cow sibling.img --size 8M --no-identity
    assert_status 0
    volumes_make origin.img sibling.img
    fallocate --dig-holes pv0
    fallocate --dig-holes pv1
    small='-t tmpfs -o size=24M small' on_small 'cp --sparse=always pv0 pv1 small
        copy() {
            try $1 snapmerge ${2-} --devices small/pv0,small/pv1 --origin lvm:vg/origin --cow cow.img
        }
        fill 12200
        copy dry -n
        copy run
        cmp small/pv0 pv0
        cmp small/pv1 pv1
        fill 13000
        copy fits
        try view snapinspect --devices small/pv0,small/pv1 --extract view lvm:vg/snap
        cmp view origin.img
        try new snapcheck --devices small/pv0,small/pv1 --origin lvm:vg/origin lvm:vg/snap'
    local text needed
    tried dry 8 "bytes for what is copied to small/pv0" "bytes for what is copied to small/pv1" \
        "bytes for the holes of small/pv1" "Nothing was written."
    text=${stderr#*this merge needs }
    needed=${text%% *}
    # Twice 1536 chunks, 6 areas of 256 entries, and what one more area would take.
    assert [ "$needed" -ge $(((2 * 1536 + 6) * 4096)) ]
    assert [ "$needed" -le $(((2 * 1536 + 9) * 4096)) ]
    # Half of the chunks of the store are on each of them.
    text=${text#*(}
    assert [ "$(((${text%% bytes*} - needed / 4) / 65536))" -eq 0 ]
    tried run 8 "this merge needs $needed bytes" "Nothing was written."
    tried fits 0
    tried view 0
    tried new 0
}

@test "a new undo store, and what is copied to another store" {
    on_small 'cp origin.img small/origin.img
        truncate -s 8M small/origin.img
        fallocate -l 8M small/origin.img
        fill 1024
        try dry snapmerge -n --undo small/undo --origin small/origin.img --cow cow.img
        try run snapmerge --undo small/undo --origin small/origin.img --cow cow.img
        ls small >names
        snapcreate -q --origin small/origin.img --cow small/other.img --size 16M --no-identity
        try other snapmerge --preserve small/other.img --origin small/origin.img --cow cow.img'
    on_small 'truncate -s 8M small/origin.img
        fill 9000
        try both snapmerge -n --undo small/undo --origin small/origin.img --cow cow.img'
    # 1536 chunks, 6 areas of 256 entries, the header, and what one more area would take.
    tried dry 8 "small/undo: this merge needs " " bytes for the new undo store small/undo" "Nothing was written."
    local needed=${stderr#*this merge needs }
    assert [ "${needed%% *}" -ge $((1543 * 4096)) ]
    assert [ "${needed%% *}" -le $((1546 * 4096)) ]
    tried run 8 "this merge needs ${needed%% *} bytes" "Nothing was written."
    assert_equal "$(tr '\n' ' ' <names)" "ballast origin.img "
    tried other 8 "bytes for what is copied to small/other.img" "Nothing was written."
    tried both 8 "bytes for the new undo store small/undo, 6291456 bytes for the holes of small/origin.img"
}

@test "--from-diff into a size too small: refused with the size that it takes, and nothing is made" {
    local dry size before
    contents old.img 1048576 old
    before=$(sha256sum old.img)
    for dry in "" -n; do
        for size in 4M 6291456; do
            # shellcheck disable=SC2086
            program snapcreate $dry --origin origin.img --from-diff newer.img --cow small.cow --size "$size"
            assert_status 8
            assert_said "small.cow: 1536 chunks of newer.img differ, but it has room for "
            assert_said "Nothing was written."
            assert [ ! -e small.cow ]
        done
        # shellcheck disable=SC2086
        program snapcreate $dry -f --origin origin.img --from-diff newer.img --cow old.img
        assert_status 8
        assert_said "old.img: 1536 chunks of newer.img differ, but it has room for 254 only; make it at least "
        assert_equal "$(sha256sum old.img)" "$before"
    done
    size=${stderr#*make it at least }
    program snapcreate --origin origin.img --from-diff newer.img --cow small.cow --size "${size%% *}"
    assert_status 0
    program snapinspect --extract view.img --origin origin.img small.cow
    assert_status 0
    cmp view.img newer.img
}

@test "a new store on a file system with less room: it may overflow, and --from-diff is refused" {
    on_small 'fill 4096
        try max snapcreate -n --json --origin origin.img --cow small/cow.img --size max
        try dry snapcreate -n --origin origin.img --from-diff newer.img --cow small/cow.img --size max
        try run snapcreate --origin origin.img --from-diff newer.img --cow small/cow.img --size max
        ls small >names
        truncate -s 16M small/cow.img
        try there snapcreate --origin origin.img --from-diff newer.img --cow small/cow.img
        stat -c %b small/cow.img >blocks'
    tried max 0 "small/cow.img: it may take 84" " bytes more of its file system, where only 4194304 are free"
    assert_not_said "never overflow"
    assert_json .result.can_overflow true
    tried dry 8 "small/cow.img: 1536 chunks of newer.img differ, which takes 63" \
        " bytes of its file system, and only 4194304 are free; make room for " "Nothing was written."
    tried run 8 "small/cow.img: 1536 chunks of newer.img differ, which takes 63" "Nothing was written."
    assert_equal "$(<names)" ballast
    tried there 8 "small/cow.img: 1536 chunks of newer.img differ, which takes 63" "Nothing was written."
    assert_equal "$(<blocks)" 0
    on_small 'try max snapcreate --origin origin.img --from-diff newer.img --cow small/cow.img --size max'
    tried max 0 "can never overflow"
}
