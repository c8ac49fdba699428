#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Physical volumes of the real LVM on partitions, on an array, on a disk with sectors of 4096 bytes, below multipath; with
# alignments, extents and stripes that are not the usual ones. What we read is compared with `dmsetup table`, and which
# devices are found with those that LVM uses.
#
# setup_file boots once; each test judges one promise.
# shellcheck disable=SC2030,SC2031,SC2154

load lib.bash
load lvm.bash

DISKS=(disk one two large paths)

no_mdadm() {
    [ ! -x /sbin/mdadm ]
}

make_places() {
    lvm_script
    echo "tools='${WRAPPER-} $BUILDDIR/tools'"
    cat <<'END'
create() {
    lvm lvcreate -q -y -Zn -Wn "$@"
}
# Two partitions of one disk: an alignment that is no power of two, data that begin behind it, a copy of the metadata.
lvm pvcreate -q -f -y --dataalignment 28K --dataalignmentoffset 1K --metadatacopies 2 /dev/ubda1
lvm pvcreate -q -f -y --dataalignment 20K /dev/ubda2
lvm vgcreate -q -s 384K parts /dev/ubda1 /dev/ubda2
create -l 2 -n mixed parts /dev/ubda2
create -l 4 -n stripes -i 2 -I 64K parts
lvm lvextend -q -l +3 parts/mixed /dev/ubda1
lvm lvextend -q -l +1 parts/mixed /dev/ubda2
lvm lvextend -q -i 2 -I 128K -l +4 parts/mixed
create -l 6 -n narrow -i 2 -I 4K parts
# Sectors of 4096 bytes.
lvm pvcreate -q -f -y /dev/large4k
lvm vgcreate -q -s 128K sectors /dev/large4k
create -l 9 -n four sectors
lvm lvcreate -q -y -s -c 4K -l 4 -n snap sectors/four
# A device with two names for its bytes, as below multipath.
dmsetup create whole --uuid mpath-whole --table "0 $(blockdev --getsz /dev/paths) linear /dev/paths 0"
lvm() { /sbin/lvm "$@" --config 'devices { filter=["r|/dev/paths|", "r|/dev/ubdd|"] }'; }
lvm pvcreate -q -f -y /dev/mapper/whole
lvm vgcreate -q -s 64K below /dev/mapper/whole
create -l 5 -n volume below
if [ -x /sbin/mdadm ]; then
    # Its superblock stands at the end: each member begins with the label of the array.
    mdadm --quiet --create /dev/md0 --run --assume-clean --metadata=1.0 --level=1 --raid-devices=2 /dev/one /dev/two
    lvm pvcreate -q -f -y --dataalignment 12K /dev/md0
    lvm vgcreate -q -s 64K array /dev/md0
    create -l 7 -n mirrored array
fi
for volume in parts-mixed parts-stripes parts-narrow sectors-four below-volume; do
    dd if=/dev/urandom of=/dev/mapper/$volume bs=128K oflag=direct status=none || true
done
[ ! -e /dev/md0 ] || dd if=/dev/urandom of=/dev/mapper/array-mirrored bs=64K oflag=direct status=none || true
END
}

ask_kernel() {
    lvm_script
    echo "tools='${WRAPPER-} $BUILDDIR/tools'"
    cat <<'END'
echo TABLES
dmsetup table
echo FOUND
$tools/snapinspect --lvm --raw --noheadings -o NAME,TYPE,DEVICES
echo SAID
[ ! -e /dev/md0 ] || ! $tools/snapinspect --lvm --devices /dev/one || exit 1
echo STOPPED
if [ -e /dev/md0 ]; then
    lvm vgchange -q -an array
    mdadm --quiet --stop /dev/md0
    $tools/snapinspect --lvm --raw --noheadings -o NAME,TYPE,DEVICES
fi
END
}

VOLUMES=(parts-mixed parts-stripes parts-narrow sectors-four-real below-volume)

setup_file() {
    local disk volume
    uml_setup_file || return 0
    ! lvm_missing || return 0
    [ "${SANITIZERS-}" != yes ] || return 0
    for disk in "${DISKS[@]}"; do
        truncate -s 24M "$S/$disk"
    done
    sfdisk -q "$S/disk" <<<$'label: gpt\nstart=2048, size=20000\nstart=24000, size=20000'
    no_mdadm || { uml_job module name=raid1; VOLUMES+=(array-mirrored); }
    uml_job loop name=large4k "file=$S/large" block=4096
    lvm_exec make_places
    for volume in "${VOLUMES[@]}"; do
        uml_job flush "dev=/dev/mapper/$volume"
        uml_job copy "from=/dev/mapper/$volume" "to=$S/$volume.kernel"
    done
    for disk in ubda1 ubda2 large4k paths; do
        uml_job flush "dev=/dev/$disk"
        uml_job copy "from=/dev/$disk" "to=$S/$disk.image"
    done
    if ! no_mdadm; then
        uml_job flush dev=/dev/md0
        uml_job copy from=/dev/md0 "to=$S/md0.image"
    fi
    lvm_exec ask_kernel
    uml_go "disk=$S/disk" "one=$S/one" "two=$S/two" "paths=$S/paths" || { cat "$S"/*.out; return 1; }
    [ "$(printf '%s\n' "${uml_results[@]}" | grep -cx 'ok exit 0')" -eq 2 ] || { cat "$S"/*.out; return 1; }
}

setup() {
    uml_setup
    lvm_need
    [ "${SANITIZERS-}" != yes ] || skip "AddressSanitizer cannot start in User Mode Linux"
    no_mdadm || VOLUMES+=(array-mirrored)
    devices=("98:1=$S/ubda1.image" "98:2=$S/ubda2.image" "$(number large4k)=$S/large4k.image"
        "$(number whole)=$S/paths.image" "9:0=$S/md0.image")
    ! no_mdadm || unset 'devices[4]'
    cat "$S"/*.out
}

# number DEVICE: the number that dmsetup table shows of the loop device or of the multipath device.
number() {
    case $1 in
    large4k) part TABLES | sed -n 's/^sectors-four-real: .* linear \(7:[0-9]*\) .*/\1/p' ;;
    whole) part TABLES | sed -n 's/^below-volume: .* linear \([0-9:]*\) .*/\1/p' ;;
    esac
}

# part WORD: what the kernel was asked behind the line of this word.
part() {
    awk -v word="$1" '$0 == word { inside = 1; next } /^[A-Z]+$/ { inside = 0 } inside' "$S/ask_kernel.out"
}

@test "extents and stripes are those of dmsetup table" {
    run -0 "$BUILDDIR/tests/kernel/lvm-volumes" tables "${devices[@]}"
    assert_equal "$(grep ' \(linear\|striped\) ' <<<"$output" | sort)" \
        "$(part TABLES | grep -v '^whole:' | grep -E ' (linear|striped) ' | sed -E 's/-(real|cow):/:/; s/ +$//' | sort)"
    [ "$(grep -c ' striped 2 ' <<<"$output")" -ge 3 ]
    refute_output --partial refused
    refute_output --partial note
}

@test "the content of each volume is what the kernel showed" {
    local volume name
    for volume in "${VOLUMES[@]}"; do
        name=${volume%-real}
        ${WRAPPER-} "$BUILDDIR/tests/kernel/lvm-volumes" copy "${name/-//}" "$T/ours" "${devices[@]}"
        cmp "$T/ours" "$S/$volume.kernel"
    done
}

@test "partitions, arrays and multipath devices are found, and not what is below them" {
    run -0 part FOUND
    assert_line --regexp '^parts group /dev/ubda1,/dev/ubda2$'
    assert_line --regexp '^stripes striped /dev/ubda1,/dev/ubda2$'
    assert_line --regexp '^sectors group /dev/loop[0-9]+$'
    assert_line --regexp '^below group /dev/dm-[0-9]+$'
    no_mdadm || assert_line 'array group /dev/md0'
    refute_output --partial twice
    refute_output --partial 'passed over'
}

@test "a member of an array is no physical volume, whether the array is assembled or not" {
    ! no_mdadm || skip "the package mdadm is not installed"
    run -0 part SAID
    assert_output --partial "/dev/one: it is a member of an array (linux_raid_member), and the physical volume is what the array shows"
    run -0 part STOPPED
    assert_output --partial "passed over: it is a member of an array that is not assembled"
    refute_line --regexp '^array '
    assert_line --regexp '^parts group '
}
