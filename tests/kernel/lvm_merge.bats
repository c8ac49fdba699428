#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapmerge merges LVM snapshots by name while their group is not active, and the real LVM goes on with what is left.
#
# setup_file boots once; all of it happens in that kernel, on block devices. Each test judges one promise.
# shellcheck disable=SC2030,SC2031,SC2154

load lib.bash
load lvm.bash
load ../cli/recipes.bash

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

# Groups on whole disks, one of them with two copies of the metadata; on a partition; on md; with a text that wraps.
make_groups() {
    begin
    cat <<'END'
mdadm -q --create /dev/md0 --metadata=1.0 --run --assume-clean --level=1 --raid-devices=2 /dev/m0 /dev/m1 </dev/null
lvm pvcreate -q -f -y /dev/pv0
lvm pvcreate -q -f -y --metadatacopies 2 /dev/pv1
lvm pvcreate -q -f -y /dev/pv2
lvm vgcreate -q -s 1M vg /dev/pv0 /dev/pv1 /dev/pv2
lvm vgcreate -q -s 64K vgp /dev/ubdd1
lvm vgcreate -q -s 64K vgm /dev/md0
lvm pvcreate -q -f -y --metadatasize 32K --dataalignment 64K /dev/small
lvm vgcreate -q -s 64K round /dev/small
create() {
    lvm lvcreate -q -y "$@"
}
# change VOLUME: 8 places of it, of 4 to 32 KiB.
change() {
    local blocks=$(($(blockdev --getsize64 "/dev/mapper/$1") / 4096)) i
    for ((i = 0; i < 8; i++)); do
        dd if=/dev/urandom of="/dev/mapper/$1" bs=4K count=$((i + 1)) seek=$((i * blocks / 8)) oflag=direct status=none
    done
}

create -Zn -Wn -l 40 -n ext vg /dev/pv0
mkfs.ext4 -q /dev/mapper/vg-ext
mkdir -p /run/mnt
mount /dev/mapper/vg-ext /run/mnt
head -c 3M /dev/urandom >/run/mnt/old
umount /run/mnt
create -s -c 4K -l 30 -n ext_s vg/ext /dev/pv1
mount /dev/mapper/vg-ext /run/mnt
head -c 9M /dev/urandom >/run/mnt/new
rm /run/mnt/old
umount /run/mnt

create -Zn -Wn -l 16 -n xfs vg /dev/pv0
lvm lvextend -q -l +16 vg/xfs /dev/pv1
# So small a file system is made for tests only.
TEST_DIR=1 TEST_DEV=1 QA_CHECK_FS=1 mkfs.xfs -q -f /dev/mapper/vg-xfs
mount /dev/mapper/vg-xfs /run/mnt
head -c 1M /dev/urandom >/run/mnt/old
umount /run/mnt
create -s -c 64K -l 30 -i 2 -I 8K -n xfs_s vg/xfs /dev/pv1 /dev/pv2
mount /dev/mapper/vg-xfs /run/mnt
head -c 2M /dev/urandom >/run/mnt/new
umount /run/mnt

create -Zn -Wn -l 24 -i 3 -I 64K -n str vg
change vg-str
create -s -c 512K -l 30 -n str_a vg/str
create -s -c 4K -l 30 -n str_b vg/str
create -s -c 4K -l 1 -n str_o vg/str
change vg-str_a
change vg-str_b
change vg-str
dd if=/dev/urandom of=/dev/mapper/vg-str bs=1M count=2 oflag=direct status=none

create -Zn -Wn -l 20 -n pend vg
create -s -c 4K -l 20 -n pend_s vg/pend
change vg-pend
change vg-pend_s
exec 7</dev/mapper/vg-pend
lvm lvconvert -q -y --merge vg/pend_s
exec 7<&-

for group in vgp vgm round; do
    create -Zn -Wn -l 40 -n origin $group
    change $group-origin
    create -s -c 4K -l 20 -n snap $group/origin
    change $group-snap
done
lvm lvchange -q $(for i in $(seq 10 65); do printf -- '--addtag %0100d ' "$i"; done) round/origin
# The header of the area: where the text begins, how long it is, how large the area is.
wraps() {
    dd if=/dev/small of=/run/header iflag=direct bs=4096 skip=1 count=1 status=none
    set -- $(od -An -v -w24 -tu8 -j 32 -N 24 /run/header)
    [ $(($2 + $3)) -gt "$1" ]
}
for i in $(seq 100 140); do
    ! wraps || break
    lvm lvchange -q --addtag "$i" round/origin
done
wraps

# A merge that the kernel has begun and cannot go on with, since the middle of its origin cannot be written: so far.
dmsetup create holed --table "0 32768 linear /dev/odd 2048"
lvm pvcreate -q -f -y /dev/mapper/holed
lvm vgcreate -q -s 64K half /dev/mapper/holed
create -Zn -Wn -l 40 -n origin half
create -s -c 4K -l 40 -n snap half/origin
dd if=/dev/urandom of=/dev/mapper/half-snap bs=4K count=100 seek=100 oflag=direct status=none
dd if=/dev/urandom of=/dev/mapper/half-snap bs=4K count=100 seek=300 oflag=direct status=none
tell half half-snap
lvm vgchange -q -an half
lvm lvconvert -q --merge half/snap
begin=$((2048 + 12 * 128))
dmsetup suspend holed
dmsetup load holed --table "0 $begin linear /dev/odd 2048
$begin 128 error
$((begin + 128)) $((32768 - begin - 128)) linear /dev/odd $((2048 + begin + 128))"
dmsetup resume holed
lvm vgchange -q -ay half
for i in $(seq 600); do
    ! dmsetup status half-origin | grep -q 'Merge failed' || break
    sleep 0.05
done
lvm vgchange -q -an half
dmsetup remove holed
dmsetup create holed --table "0 32768 linear /dev/odd 2048"

tell ext vg-ext_s
tell xfs vg-xfs_s
tell str vg-str_a
tell str_b vg-str_b
tell pend vg-pend_s
tell vgp vgp-snap
tell vgm vgm-snap
tell round round-snap
END
}

# What is refused while something is in use; each run is between a word and its exit status.
refuse() {
    begin
    cat <<'END'
echo ACTIVE
merge --cow lvm:vg/ext_s
echo OUTPUT
merge --cow lvm:vg/ext_s --output /run/live
sha256sum /run/live | cut -d ' ' -f 1
rm /run/live
lvm vgchange -q -an vg vgp vgm round

echo TABLE
dmsetup create over --table "0 8 linear /dev/pv0 $((2048 + 20 * 2048))"
merge -n --cow lvm:vg/ext_s
echo BESIDE
dmsetup suspend over
dmsetup load over --table "0 8 linear /dev/pv0 $((2048 + 100 * 2048))"
dmsetup resume over
merge -n --cow lvm:vg/ext_s
echo WAITING
dmsetup load over --table "0 8 linear /dev/pv0 $((2048 + 20 * 2048))"
merge -n --cow lvm:vg/ext_s
dmsetup remove over

echo LOCKED
flock /run/lock/lvm/V_vg sleep 1000 &
locker=$!
until [ -e /run/lock/lvm/V_vg ] && ! flock -n /run/lock/lvm/V_vg true; do
    sleep 0.05
done
merge --cow lvm:vg/ext_s
pkill -P $locker
wait $locker || true

echo MOUNTED
losetup -o $((1048576)) /dev/loop0 /dev/pv0
mount /dev/loop0 /run/mnt
merge --cow lvm:vg/ext_s
umount /run/mnt
losetup -d /dev/loop0

echo MEMBER
merge --devices /dev/m0 --cow lvm:vgm/snap
echo TWICE
dmsetup create same --table "0 $(blockdev --getsz /dev/pv0) linear /dev/pv0 0"
ln -s /dev/mapper/same /dev/same
merge --devices /dev/pv0,/dev/pv1,/dev/pv2,/dev/same --cow lvm:vg/ext_s
echo MULTIPATH
merge --devices /dev/pv0,/dev/pv1,/dev/pv2 --cow lvm:vg/ext_s
dmsetup remove same
echo MISSING
merge --devices /dev/pv0,/dev/pv1 --cow lvm:vg/ext_s
echo EXPORTED
lvm vgexport -q round
merge --cow lvm:round/snap
lvm vgimport -q round
echo END
END
}

# The merges, while one group is in use in part; what LVM does meanwhile.
merge_all() {
    begin
    echo "BUILDDIR='$BUILDDIR'"
    cat <<'END'
lvm lvcreate -q -y -Wn -Zn -l 1 -n busy vg /dev/pv0
for i in 0 1 2; do
    dd if=/dev/pv$i bs=1M count=1 iflag=direct status=none | sha256sum
done >/run/metadata
echo KILLED
# At this rate it lasts a minute or more: it is killed long before its end.
$tools/snapmerge --rate-limit 128K --memory 16M --checkpoint-interval 1 --progress-json --progress-frequency 1 \
    --cow lvm:vg/ext_s </dev/null 2>/run/said &
merger=$!
until [ "$(grep -c '^{' /run/said)" -ge 3 ] || ! kill -0 $merger; do
    sleep 0.1
done
echo WAITS
status=0
timeout 2 lvm lvs vg >/dev/null || status=$?
echo "lvs $status"
status=0
timeout 2 lvm vgchange -ay vg || status=$?
echo "vgchange $status"
kill -KILL $merger
wait $merger || true
echo AFTER
timeout 60 lvm lvs --noheadings -o name vg >/dev/null && echo "lvs answers"
dmsetup info -c --noheadings -o name | grep -c '^vg-ext' || true
echo HIDDEN
mv /dev/mapper/control /dev/mapper/away
merge --cow lvm:vg/ext_s
mv /dev/mapper/away /dev/mapper/control
echo LOADED
dmsetup create empty --notable
dmsetup load empty --table "0 8 linear /dev/pv0 $((2048 + 20 * 2048))"
merge --cow lvm:vg/ext_s
dmsetup remove empty
echo RESUMED
merge --cow lvm:vg/ext_s
lvm lvchange -q -an vg/busy

echo UNDO
merge --cow lvm:vg/xfs_s --undo /run/undo 2>&1 | tee /run/said
line=$(sed -n 's/.*To take it back: snapmerge //p' /run/said)
echo BACK
eval "merge $line"
echo AGAIN
merge --cow lvm:vg/xfs_s
echo STRIPED
merge --cow lvm:vg/str_a
echo PENDING
merge --cow lvm:vg/pend_s
echo OTHERS
for group in vgp vgm; do
    merge --verify --cow lvm:$group/snap
done
echo LOCKS
ls -A /run/lock/lvm
echo RECIPES
PATH=$BUILDDIR/tools:$PATH
END
    # Each line as a reader would type it, for another group.
    recipe 'An LVM snapshot is merged in a rescue shell' | sed 's/\<vg\>/round/g'
    recipe 'A merge that hangs at boot' | sed 's/\<vg\>/half/g'
    cat <<'END'
echo METADATA
for i in 0 1 2; do
    dd if=/dev/pv$i bs=1M count=1 iflag=direct status=none | sha256sum
done | cmp - /run/metadata && echo unchanged
echo END
END
}

# LVM takes over.
take_over() {
    begin
    cat <<'END'
lvm vgchange -q -ay vg vgp vgm round half
for i in $(seq 600); do
    lvm lvs -a --noheadings -o name vg half | grep -q 'pend_s\|\[snap\]' || break
    lvm vgchange -q --poll y --refresh vg half || true
    sleep 0.2
done
echo SUMS
tell ext vg-ext
tell xfs vg-xfs
tell str vg-str
tell str_b vg-str_b
tell pend vg-pend
tell vgp vgp-origin
tell vgm vgm-origin
tell round round-origin
tell half half-origin
echo VGCK
lvm vgck vg vgp vgm round half && echo "vgck 0"
echo FSCK
e2fsck -fn /dev/mapper/vg-ext >/dev/null && echo "e2fsck 0"
xfs_repair -n /dev/mapper/vg-xfs >/dev/null 2>&1 && echo "xfs_repair 0"
echo LVS
lvm lvs -a --noheadings --separator ' ' -o name,lv_attr,origin,data_percent vg half | sed 's/^ *//; s/ *$//'
echo REMOVED
lvm lvremove -q -y vg/ext_s vg/xfs_s vg/str_a vgp/snap vgm/snap
lvm lvs -a --noheadings -o name vgp vgm round | sed 's/ //g' | sort -u
tell ext vg-ext
tell str_b vg-str_b
lvm vgchange -q -an vg vgp vgm round half
echo END
END
}

# part FILE WORD: what stands behind the line of this word, up to the next one in capitals.
part() {
    awk -v word="$2" '$0 == word { inside = 1; next } /^[A-Z]+$/ { inside = 0 } inside' "$S/$1.out"
}

has_makers() {
    local name
    for name in mdadm mkfs.xfs sfdisk; do
        command -v $name >/dev/null || return 1
    done
}

setup_file() {
    local image step=0 job
    uml_setup_file || return 0
    has_makers || return 0
    ! lvm_missing && [[ " ${LACKS-} " != *' devmapper '* ]] || return 0
    [ "${SANITIZERS-}" != yes ] || return 0
    for image in pv0 pv1 pv2 part m0 m1 small odd; do
        truncate -s 48M "$S/$image"
    done
    truncate -s 160M "$S/pv0" "$S/pv1" "$S/pv2"
    echo 'start=2048' | sfdisk -q "$S/part"
    for job in make_groups refuse merge_all take_over; do
        lvm_exec $job
    done
    uml_go "pv0=$S/pv0" "pv1=$S/pv1" "pv2=$S/pv2" "part=$S/part" "m0=$S/m0" "m1=$S/m1" "small=$S/small" "odd=$S/odd"
    for job in make_groups refuse merge_all take_over; do
        step=$((step + 1))
        [ "$(uml_result $step)" = 'ok exit 0' ] || { cat "$S/$job.out"; return 1; }
    done
}

setup() {
    uml_setup
    lvm_need
    [ "${SANITIZERS-}" != yes ] || skip "AddressSanitizer cannot start in User Mode Linux"
    has_makers || skip "needs mdadm, mkfs.xfs and sfdisk"
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

@test "an active snapshot is refused, with the ways out; its view can be written elsewhere" {
    said refuse ACTIVE 'vg/ext_s: in use: the device-mapper device "vg-ext_s-cow" ('
    said refuse ACTIVE '; deactivate its group: vgchange -an vg, or split the snapshot off first: lvconvert --splitsnapshot vg/ext_s; or with --output FILE,'
    said refuse ACTIVE 'Nothing was written.'
    said refuse ACTIVE 'exit 8'
    said refuse OUTPUT "$(sum_of make_groups ext)"
}

@test "a foreign table over one extent of the origin is refused; one beside it is not" {
    said refuse TABLE 'vg/ext: in use: the device-mapper device "over" ('
    said refuse TABLE 'exit 8'
    said refuse BESIDE 'to write '
    said refuse BESIDE 'exit 0'
}

@test "a table that waits for a resume is refused over an extent, also where another one is active beside it" {
    said refuse WAITING 'vg/ext: in use: the device-mapper device "over" ('
    said refuse WAITING 'has a table loaded, to be resumed, that maps extents of it on '
    said refuse WAITING 'exit 8'
    said merge_all LOADED 'vg/ext: in use: the device-mapper device "empty" ('
    said merge_all LOADED 'has a table loaded, to be resumed, that maps extents of it on '
    said merge_all LOADED 'Nothing was written.'
    said merge_all LOADED 'exit 8'
}

@test "where it is not known what device-mapper maps, nothing is written" {
    said merge_all HIDDEN '/dev/ubda: device-mapper has it, and does not tell for which extents: '
    said merge_all HIDDEN 'Nothing was written.'
    said merge_all HIDDEN 'exit 8'
}

@test "a command that has LVM's lock is named, and one that wants it waits for us" {
    said refuse LOCKED "vg: another command has LVM's lock of this group, /run/lock/lvm/V_vg (locked by process "
    said refuse LOCKED 'exit 8'
    said merge_all WAITS 'lvs 124'
    said merge_all WAITS 'vgchange 124'
    said merge_all AFTER 'lvs answers'
    [ "$(part merge_all LOCKS)" = "" ]
}

@test "a physical volume that somebody else uses is refused, with the user" {
    said refuse MOUNTED 'in use: /dev/loop0 has the same bytes, and is mounted on /run/mnt'
    said refuse MOUNTED 'exit 8'
    said refuse MEMBER '/dev/m0: it is a member of an array (linux_raid_member)'
    said refuse MEMBER 'exit 8'
}

@test "physical volumes that are missing or there twice, and an exported group, are refused" {
    said refuse TWICE 'is there twice, as /dev/pv0 and as /dev/same: name only the right one'
    said refuse MULTIPATH 'vg/ext: in use: the device-mapper device "same" ('
    said refuse MULTIPATH 'exit 8'
    said refuse MISSING 'vg: its physical volume "pv2" '
    said refuse EXPORTED 'round: the LVM group is exported: import it first (vgimport round)'
    [ "$(part refuse MISSING | grep -c 'exit 8')" -eq 1 ]
}

@test "each origin holds what its snapshot showed, as the kernel reads both" {
    local name
    for name in ext xfs str pend vgp vgm round half; do
        [ "$(sum_of make_groups $name)" ]
        assert_equal "$name $(sum_of take_over $name)" "$name $(sum_of make_groups $name)"
    done
    said merge_all RESUMED 'exit 0'
    said merge_all RECIPES 'snapmerge: merged '
    said take_over FSCK 'e2fsck 0'
    said take_over FSCK 'xfs_repair 0'
}

@test "another snapshot of the origin shows what it showed, also when LVM has removed the one that was merged" {
    [ "$(sum_of make_groups str_b)" ]
    assert_equal "$(part take_over SUMS | sed -n 's/^str_b //p')" "$(sum_of make_groups str_b)"
    assert_equal "$(part take_over REMOVED | sed -n 's/^str_b //p')" "$(sum_of make_groups str_b)"
    assert_equal "$(part take_over REMOVED | sed -n 's/^ext //p')" "$(sum_of make_groups ext)"
    said merge_all STRIPED 'lvm:vg/str_o: this other snapshot is invalid'
    said merge_all STRIPED 'of old content were copied to it'
}

@test "a merge that was killed goes on; one that was taken back is taken back" {
    said merge_all BACK 'taken back: lvm:vg/xfs holds what it held before the merge'
    said merge_all BACK 'exit 0'
    said merge_all AGAIN 'exit 0'
}

@test "LVM completes what it had pending, finds the rest empty and its metadata as they were" {
    said merge_all PENDING 'the next activation completes that and removes the snapshot: vgchange -ay vg'
    said merge_all METADATA unchanged
    said take_over VGCK 'vgck 0'
    assert_equal "$(part take_over LVS)" "origin -wi-a-----
busy -wi-a-----
ext owi-a-s---
ext_s swi-a-s--- ext 0.00
pend -wi-a-----
str owi-a-s---
str_a swi-a-s--- str 0.00
str_b swi-a-s--- str $(part take_over LVS | sed -n 's/^str_b swi-a-s--- str //p')
str_o swi-I-s--- str 100.00
xfs owi-a-s---
xfs_s swi-a-s--- xfs 0.00"
    assert_equal "$(part take_over REMOVED | grep -v ' ')" origin
}
