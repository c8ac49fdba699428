#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# An undo store on a volume of LVM, beside the snapshot that is merged; volumes that are active, which are refused; and
# the kernel's merge of an origin that was cut out of a group.
#
# setup_file boots once, with the real LVM; each test judges one promise.
# shellcheck disable=SC2030,SC2031,SC2154

load lib.bash
load lvm.bash

# What each script begins with.
begin() {
    lvm_script
    echo "tools='${WRAPPER-} $BUILDDIR/tools'"
    cat <<'END'
sum() {
    dd if="/dev/mapper/$1" bs=1M iflag=direct status=none | sha256sum | cut -d ' ' -f 1
}
tell() {
    echo "$1" "$(sum "$2")"
}
# A run of snapmerge that must fail, or may, with what it says.
merge() {
    local status=0
    $tools/snapmerge --yes "$@" </dev/null || status=$?
    echo "exit $status"
}
END
}

# An undo store on a volume: refused while that is active, killed, resumed, taken back, and merged for good.
undo() {
    begin
    cat <<'END'
create() {
    lvm lvcreate -q -y "$@"
}
lvm pvcreate -q -f -y /dev/pv
lvm vgcreate -q -s 1M vg /dev/pv
lvm pvcreate -q -f -y /dev/other
lvm vgcreate -q -s 1M more /dev/other
create -Zn -Wn -l 16 -n origin vg
dd if=/dev/urandom of=/dev/mapper/vg-origin bs=1M count=16 oflag=direct status=none
create -s -c 4K -l 14 -n snap vg/origin
dd if=/dev/urandom of=/dev/mapper/vg-snap bs=1M count=8 seek=2 oflag=direct status=none
dd if=/dev/urandom of=/dev/mapper/vg-origin bs=1M count=2 oflag=direct status=none
tell origin vg-origin
tell snap vg-snap
create -Wn -Zy -l 14 -n kept vg
create -Wn -Zy -l 14 -n kept more
lvm vgchange -q -an vg
lvm lvchange -q -ay vg/kept
echo ACTIVEUNDO
merge --cow lvm:vg/snap --undo lvm:vg/kept
echo ACTIVEOUTPUT
merge --cow lvm:vg/snap --output lvm:vg/kept
echo ACTIVEPRESERVE
merge --cow lvm:vg/snap --preserve lvm:vg/kept
echo TYPED
merge -n --cow lvm:vg/snap --undo /dev/vg/kept
echo ELSEWHERE
merge --cow lvm:vg/snap --undo lvm:more/kept
merge -n --cow lvm:vg/snap --undo /dev/more/kept
lvm lvchange -q -an vg/kept
echo KILLEDUNDO
# It lasts half a minute or more.
$tools/snapmerge -y --rate-limit 256K --memory 16M --checkpoint-interval 1 --progress-json --progress-frequency 1 \
    --cow lvm:vg/snap --undo lvm:vg/kept </dev/null 2>/run/said &
merger=$!
until [ "$(grep -c '^{' /run/said)" -ge 3 ] || ! kill -0 $merger; do
    sleep 0.1
done
kill -KILL $merger
wait $merger || echo "exit $?"
grep -v '^{' /run/said || true
echo RESUMEDUNDO
merge --cow lvm:vg/snap --undo lvm:vg/kept 2>&1 | tee /run/said
line=$(sed -n 's/.*To take it back: snapmerge //p' /run/said)
echo TAKEN
eval "merge $line"
lvm vgchange -q -ay vg
echo BEFORE
tell origin vg-origin
tell snap vg-snap
lvm vgchange -q -an vg
echo GOOD
merge --cow lvm:vg/snap
lvm vgchange -q -ay vg
echo BEHIND
tell origin vg-origin
lvm lvs --noheadings --separator ' ' -o name,lv_attr,origin,data_percent vg/snap | sed 's/^ *//; s/ *$//'
lvm vgck vg && echo "vgck 0"

lvm lvremove -q -y more/kept
create -Zn -Wn -l 8 -n origin more
create -s -c 4K -l 4 -n first more/origin
create -s -c 4K -l 4 -n second more/origin
for name in origin first second; do
    dd if=/dev/urandom of=/dev/mapper/more-$name bs=64K count=4 seek=8 oflag=direct status=none
done
tell cut_first more-first
tell cut_second more-second
for name in origin-real first-cow second-cow; do
    dmsetup table more-$name >/run/$name
done
lvm vgchange -q -an more
for name in origin-real first-cow second-cow; do
    dmsetup create $name </run/$name
done
dmsetup create base --table "0 16384 snapshot-origin /dev/mapper/origin-real"
echo CUT
merge --kernel --origin /dev/mapper/origin-real --cow /dev/mapper/first-cow
echo ACCEPTED
merge -n --kernel --accept=siblings --origin /dev/mapper/origin-real --cow /dev/mapper/first-cow
echo ACTIVE
dmsetup create second --table "0 16384 snapshot /dev/mapper/origin-real /dev/mapper/second-cow P 8"
merge --kernel --origin /dev/mapper/origin-real --cow /dev/mapper/first-cow
dmsetup remove second
dmsetup remove base
echo DEEPER
dmsetup create deep --table "0 16384 linear /dev/mapper/origin-real 0"
dmsetup create deeper --table "0 16384 linear /dev/mapper/deep 0"
dmsetup create base --table "0 16384 snapshot-origin /dev/mapper/deeper"
merge --kernel --origin /dev/mapper/deeper --cow /dev/mapper/first-cow
dmsetup create store --table "0 $(blockdev --getsz /dev/mapper/second-cow) linear /dev/mapper/second-cow 0"
dmsetup create second --table "0 16384 snapshot /dev/mapper/deeper /dev/mapper/store P 8"
merge -n --kernel --origin /dev/mapper/deeper --cow /dev/mapper/first-cow
for name in second store base deeper deep; do
    dmsetup remove $name
done
echo LOOPED
losetup /dev/loop0 /dev/mapper/origin-real
dmsetup create base --table "0 16384 snapshot-origin /dev/loop0"
merge --kernel --origin /dev/loop0 --cow /dev/mapper/first-cow
dmsetup remove base
losetup -d /dev/loop0
for name in origin-real first-cow second-cow; do
    dmsetup remove $name
done
lvm vgchange -q -ay more
echo THEN
tell cut_first more-origin
tell cut_second more-second
echo END
END
}

# part FILE WORD: what stands behind the line of this word, up to the next one in capitals.
part() {
    awk -v word="$2" '$0 == word { inside = 1; next } /^[A-Z]+$/ { inside = 0 } inside' "$S/$1.out"
}

setup_file() {
    uml_setup_file || return 0
    ! lvm_missing && [[ " ${LACKS-} " != *' devmapper '* ]] || return 0
    [ "${SANITIZERS-}" != yes ] || return 0
    truncate -s 64M "$S/pv" "$S/other"
    lvm_exec undo
    uml_go "pv=$S/pv" "other=$S/other"
    [ "$(uml_result 1)" = 'ok exit 0' ] || { cat "$S/undo.out"; return 1; }
}

setup() {
    uml_setup
    lvm_need
    [ "${SANITIZERS-}" != yes ] || skip "AddressSanitizer cannot start in User Mode Linux"
}

# said FILE WORD TEXT: what was said behind the word has this text.
said() {
    local what
    what=$(part "$1" "$2")
    [[ $what == *"$3"* ]] || { printf 'not said: %s\n%s\n' "$3" "$what"; return 1; }
}

# sum_of FILE NAME: what the script told of it.
sum_of() {
    sed -n "s/^$2 \([0-9a-f]\{64\}\)$/\1/p" "$S/$1.out" | head -n 1
}

@test "an undo store on a volume: killed, resumed and taken back, LVM shows what was there before" {
    local name
    said undo KILLEDUNDO 'exit 137'
    said undo RESUMEDUNDO 'exit 0'
    said undo TAKEN 'taken back: lvm:vg/origin holds what it held before the merge'
    said undo TAKEN 'exit 0'
    for name in origin snap; do
        [ "$(sum_of undo $name)" ]
        assert_equal "$(part undo BEFORE | sed -n "s/^$name //p")" "$(sum_of undo $name)"
    done
    said undo GOOD 'exit 0'
    assert_equal "$(part undo BEHIND | sed -n 's/^origin //p')" "$(sum_of undo snap)"
    said undo BEHIND 'snap swi-a-s--- origin 0.00'
    said undo BEHIND 'vgck 0'
}

@test "a volume that is active is refused as undo store, output and other store, with the device to name" {
    local what
    for what in ACTIVEUNDO ACTIVEOUTPUT ACTIVEPRESERVE; do
        said undo $what 'vg/kept: in use: the device-mapper device "vg-kept" ('
        said undo $what '; it is active: deactivate it: lvchange -an vg/kept'
        said undo $what 'Nothing was written.'
        said undo $what 'exit 8'
    done
    said undo TYPED '/dev/vg/kept: it lies on a physical volume of lvm:vg/origin, and is not told apart from that here; name a place elsewhere, or deactivate it, and name it lvm:vg/kept'
    said undo ELSEWHERE 'lvchange -an more/kept, or name its device in place of the volume: /dev/more/kept'
    said undo ELSEWHERE 'exit 8'
    said undo ELSEWHERE 'exit 0'
}

@test "the kernel merges an origin that was cut out of a group by hand: what LVM knows of other snapshots counts" {
    local name
    said undo CUT '/dev/mapper/origin-real: it is the volume more/origin of LVM, which knows more/second as another snapshot of it; that is not active'
    said undo CUT 'to let it change, add --accept=siblings'
    said undo CUT 'Nothing was written.'
    said undo CUT 'exit 8'
    said undo ACCEPTED 'warning: lvm:more/second: this other snapshot will show what the origin has after this merge'
    said undo ACCEPTED 'exit 0'
    said undo ACTIVE 'exit 0'
    [[ $(part undo ACTIVE) != *more/second* ]]
    # Through more tables, with and without the store of the other snapshot; and a loop device.
    said undo DEEPER '/dev/mapper/deeper: it is the volume more/origin of LVM, which knows more/second as another snapshot of it; that is not active'
    [ "$(part undo DEEPER | grep -c '^exit 8')" -eq 1 ]
    said undo DEEPER 'exit 0'
    said undo LOOPED '/dev/loop0: it is the volume more/origin of LVM, which knows more/second as another snapshot of it; that is not active'
    said undo LOOPED 'exit 8'
    for name in cut_first cut_second; do
        [ "$(sum_of undo $name)" ]
        assert_equal "$(part undo THEN | sed -n "s/^$name //p")" "$(sum_of undo $name)"
    done
}
