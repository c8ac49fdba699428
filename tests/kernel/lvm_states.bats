#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What snapinspect --lvm says of snapshots that the real LVM has filled, overflowed, merged in part, is stuck with or has
# shrunk, beside what lvs says; and the ways out of a merge that is stuck, carried through by LVM.
#
# setup_file boots twice: between the two, our programs work on the physical volumes of groups that are not active.
# shellcheck disable=SC2030,SC2031,SC2154

load lib.bash
load lvm.bash
load ../cli/recipes.bash

PVS=(pv0 pv1 pv2)

# One snapshot of each kind; `bad` has an origin whose last extents cannot be written.
make_states() {
    lvm_script
    echo "tools='${WRAPPER-} $BUILDDIR/tools'"
    cat <<'END'
lvm pvcreate -q -f -y /dev/pv0
lvm vgcreate -q -s 64K vg /dev/pv0
create() {
    lvm lvcreate -q -y "$@"
}
fill() {
    dd if=/dev/urandom of="/dev/mapper/$1" bs=4K count="$2" oflag=direct status=none
}
for name in base origin two; do
    create -Zn -Wn -l 40 -n $name vg
    fill vg-$name 11
done
create -s -c 4K -l 30 -n half vg/base
create -s -c 4K -l 30 -n odd vg/base
create -s -c 4K -l 30 -n none vg/base
create -s -c 4K -l 4 -n over vg/base
create -s -c 4K -l 10 -n short vg/base
create -s -c 4K -l 4 -n snap vg/origin
create -s -c 4K -l 4 -n second vg/two
fill vg-half 307
fill vg-odd 67
fill vg-short 70
for name in over snap second; do
    ! fill vg-$name 70 || exit 1
done
echo LVS
lvm lvs --noheadings --separator ' ' -o name,data_percent -S 'lv_attr=~^[sS]' vg
echo END
echo VIEW
pair="--origin /dev/mapper/vg-base --cow /dev/vg/odd"
for command in "snapcheck /dev/mapper/vg-odd" "snapmerge -n $pair" "snapcreate -n --identify $pair" "snapcreate -n $pair"; do
    ! $tools/$command || exit 1
done
$tools/snapinspect --lvm --devices /dev/pv0 --raw -o NAME,STATE vg
lvm vgchange -q -an vg
lvm lvconvert -q --merge vg/snap
lvm lvconvert -q --merge vg/second
lvm lvconvert -q --merge vg/half
lvm lvreduce -q -f -y -l -6 vg/short
lvm lvchange -q -ay vg/origin
lvm lvchange -q -ay vg/two
echo STUCK
dmsetup status vg-origin
dmsetup status vg-two
echo END
lvm vgchange -q -an vg

# A merge that the kernel has begun and cannot go on with: the end of its origin cannot be written.
dmsetup create holed --table "0 32768 linear /dev/pv1 2048"
lvm pvcreate -q -f -y /dev/mapper/holed
lvm vgcreate -q -s 64K bad /dev/mapper/holed
create -Zn -Wn -l 40 -n origin bad
create -s -c 4K -l 30 -n begun bad/origin
dd if=/dev/urandom of=/dev/mapper/bad-begun bs=4K count=10 seek=620 oflag=direct status=none
lvm vgchange -q -an bad
lvm lvconvert -q --merge bad/begun
begin=$((2048 + 39 * 128))
dmsetup suspend holed
dmsetup load holed --table "0 $begin linear /dev/pv1 2048
$begin 128 error
$((begin + 128)) $((32768 - begin - 128)) linear /dev/pv1 $((2048 + begin + 128))"
dmsetup resume holed
lvm vgchange -q -ay bad
echo BEGUN
$tools/snapinspect --lvm --devices /dev/mapper/holed --raw -o NAME,MERGE bad
echo END
END
}

# What LVM makes of it afterwards: one store was made empty, and the other snapshot is given up by the recipe.
go_on() {
    lvm_script
    cat <<END
tools='${WRAPPER-} $BUILDDIR/tools'
cd $S
snapinspect() { \$tools/snapinspect "\$@" || [ \$? -eq 4 ]; }
vgchange() { lvm vgchange "\$@"; }
lvremove() { lvm lvremove "\$@"; }
lvm lvchange -q -ay vg/two
lvm lvchange -q -ay vg/origin
echo RECIPE
$(recipe 'A snapshot that is invalid and blocks its origin')
echo LVS
lvm lvs -a --noheadings --separator ' ' -o name,lv_attr vg
echo TABLE
dmsetup table vg-origin
dmsetup table vg-two
echo END

# The other physical volume is free again.
lvm pvcreate -q -ff -y /dev/pv1
lvm vgcreate -q -s 64K apart /dev/pv1
lvm lvcreate -q -y -Zn -Wn -l 40 -n origin apart
dd if=/dev/urandom of=/dev/mapper/apart-origin bs=64K count=40 oflag=direct status=none
lvm lvcreate -q -y -s -c 4K -l 30 -n snap apart/origin
dd if=/dev/urandom of=/dev/mapper/apart-snap bs=4K count=50 seek=30 oflag=direct status=none
lvconvert() { lvm lvconvert -q -y "\$@"; }
snapmerge() { \$tools/snapmerge "\$@" </dev/null; }
sum() { dd if="/dev/mapper/\$1" bs=64K iflag=direct status=none | sha256sum; }
echo SHOWN
sum apart-snap
echo SPLIT
$(recipe 'A snapshot is split from its origin, merged, and joined again' | sed 's/\<vg\>/apart/g')
echo JOINED
sum apart-origin
sum apart-snap
lvm lvs --noheadings --separator ' ' -o name,origin,data_percent apart/snap
echo END
lvm vgchange -q -an apart
END
}

# part FILE WORD: what stands behind the line of this word, up to the next one in capitals.
part() {
    awk -v word="$2" '$0 == word { inside = 1; next } /^[A-Z]+$/ { inside = 0 } inside' "$S/$1.out" | sed 's/^ *//'
}

# carve PV VOLUME: its place in the physical volume, in sectors: START LENGTH. Volumes of one segment only.
carve() {
    "$BUILDDIR/tests/kernel/lvm-volumes" tables "98:0=$1" | sed -n "s/^vg-$2: 0 \([0-9]*\) linear [0-9:]* \([0-9]*\)$/\2 \1/p"
}

# volume NAME: the bytes of a volume, as they were between the two boots.
volume() {
    local place
    place=$(carve "$S/states" "$1")
    dd if="$S/states" bs=512 skip="${place% *}" count="${place#* }" status=none
}

setup_file() {
    local pv place name
    uml_setup_file || return 0
    ! lvm_missing && [[ " ${LACKS-} " != *' devmapper '* ]] || return 0
    [ "${SANITIZERS-}" != yes ] || return 0
    for pv in "${PVS[@]}"; do
        truncate -s 32M "$S/$pv"
    done
    lvm_exec make_states
    uml_go "pv0=$S/pv0" "pv1=$S/pv1"
    [ "$(uml_result 1)" = 'ok exit 0' ] || { cat "$S/make_states.out"; return 1; }
    cp --sparse=always "$S/pv0" "$S/states"
    # The one way out is LVM's own; the other one makes the store empty.
    for name in two second; do
        place=$(carve "$S/pv0" $name)
        volume $name >"$S/$name"
    done
    cp "$S/two" "$S/two.before"
    tool snapcreate --quiet -f --origin "$S/two" --cow "$S/second"
    dd if="$S/second" of="$S/pv0" bs=512 seek="${place% *}" conv=notrunc status=none
    uml_begin
    lvm_exec go_on
    for name in origin two; do
        uml_job copy "from=/dev/mapper/vg-$name" "to=$S/$name.after"
    done
    uml_go "pv0=$S/pv0" "pv1=$S/pv1"
    [ "$(uml_result 1)" = 'ok exit 0' ] || { cat "$S/go_on.out"; return 1; }
}

setup() {
    uml_setup
    lvm_need
    [ "${SANITIZERS-}" != yes ] || skip "AddressSanitizer cannot start in User Mode Linux"
    cat "$S"/*.out
}

@test "how full each store is: as lvs says" {
    local shown
    shown=$(tool snapinspect --lvm --devices "$S/states" --raw --noheadings -o NAME,USED vg | awk 'NF == 2 { print }')
    # Two of them have changed since then.
    assert_equal "$(grep -v '^short ' <<<"$shown" | sort)" "$(part make_states LVS | grep -v '^short ' | sort)"
    assert_equal "$(wc -l <<<"$shown")" 7
    [ "$(grep -c ' 100.00$' <<<"$shown")" -ge 3 ]
}

@test "states: overflowed, empty, shrunk, pending, stuck, and begun where the kernel merges" {
    run -0 --separate-stderr tool snapinspect --lvm --devices "$S/states" --raw --noheadings -o NAME,STATE vg
    assert_equal "$(awk 'NF == 2' <<<"$output" | sort)" "half merge-pending,valid
none empty
odd valid
over overflowed
second merge-stuck,overflowed
short damaged
snap merge-stuck,overflowed"
    assert_equal "$(part make_states STUCK)" "0 5120 snapshot-merge Invalid
0 5120 snapshot-merge Invalid"
    assert_equal "$(part make_states BEGUN | sed -n 's/^begun //p')" begun
}

@test "the active view named as the COW: what it is, and the names of its store" {
    local store
    part make_states VIEW >said
    store="/dev/mapper/vg-odd-cow, or, while it is not active, lvm:vg/odd"
    grep -qxF "/dev/mapper/vg-odd: it is the active view of an LVM snapshot; the store of that is $store" said
    grep -qE "^snapmerge: /dev/vg/odd: not a snapshot store: .*; it is the active view .* is $store" said
    grep -qE "^snapcreate: /dev/vg/odd: not a snapshot store: .*; it is the active view .* is $store" said
    grep -qxF "snapcreate: /dev/vg/odd: it holds what an LVM snapshot shows, whose store is $store; -f overwrites it" said
}

@test "a volume that lvreduce has cut: what the list needs, in whole extents" {
    run -8 tool snapcheck --devices "$S/states" lvm:vg/short
    assert_line --partial "the list needs 294912 bytes, but the device has 262144, so it was cut"
    assert_line --partial "lvextend -L 327680b vg/short"
}

@test "a merge that is stuck: lvremove ends it, and so does an empty store; the origin stays as it is" {
    run -4 tool snapinspect --devices "$S/states" lvm:vg/snap
    assert_line "  lvremove vg/snap"
    assert_line "  snapcreate -f --devices $S/states --origin lvm:vg/origin --cow lvm:vg/snap"
    part go_on LVS >volumes
    run -1 grep -E 'snap|second' volumes
    grep -q '^origin -wi' volumes
    grep -q '^two -wi' volumes
    assert_equal "$(part go_on TABLE | cut -d ' ' -f 3 | sort -u)" linear
    cmp "$S/two.after" "$S/two.before"
    volume origin >origin.before
    cmp "$S/origin.after" origin.before
}

@test "the recipe for a snapshot that is split, merged and joined: the origin holds what it showed, and it is empty" {
    local shown
    shown=$(part go_on SHOWN)
    [ -n "$shown" ]
    part go_on JOINED >joined
    assert_equal "$(sed -n 1p joined)" "$shown"
    assert_equal "$(sed -n 2p joined)" "$shown"
    assert_equal "$(sed -n 3p joined)" "snap origin 0.00"
}

@test "the recipe for a snapshot that blocks its origin: what it still shows is kept, and the merge is over" {
    local place
    part go_on RECIPE >said
    grep -qE '^ *snap +snapshot .* merge stuck, overflowed$' said
    [[ $(recipe 'A snapshot that is invalid and blocks its origin') == *"lvremove vg/snap"* ]]
    # The 62 chunks that were written, and the origin behind them.
    volume origin >origin.before
    cmp <(tail -c +$((62 * 4096 + 1)) "$S/saved.img") <(tail -c +$((62 * 4096 + 1)) origin.before)
    run -1 cmp -s -n $((62 * 4096)) "$S/saved.img" origin.before
}
