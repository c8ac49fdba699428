#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# raid1 volumes and mirrors of the real LVM: read from a leg that is known to be right, and refused where none is.
#
# setup_file boots once; each test judges one promise.
# shellcheck disable=SC2030,SC2031,SC2154

load lib.bash
load lvm.bash

make_arrays() {
    lvm_script
    cat <<'END'
lvm pvcreate -q -f -y /dev/pv0 /dev/pv1 /dev/pv2
lvm vgcreate -q -s 64K vg /dev/pv0 /dev/pv1 /dev/pv2
lvm lvcreate -q -y -Zn -Wn --type raid1 -m 1 -l 20 -n origin vg /dev/pv0 /dev/pv1
lvm lvcreate -q -y -Zn -Wn --nosync --type raid1 -m 1 -l 5 -n apart vg /dev/pv0 /dev/pv1
lvm lvcreate -q -y -Zn -Wn --type mirror -m 1 --mirrorlog core -l 10 -n mirror vg /dev/pv0 /dev/pv1
dd if=/dev/urandom of=/dev/mapper/vg-origin bs=64K count=20 oflag=direct status=none
for _ in $(seq 600); do
    case $(dmsetup status vg-origin) in *' AA 2560/2560 idle '*) break ;; esac
    sleep 0.1
done
dd if=/dev/urandom of=/dev/mapper/vg-mirror bs=64K count=10 oflag=direct status=none
lvm lvcreate -q -y -s -c 4K -l 10 -n snap vg/origin /dev/pv2
lvm lvcreate -q -y -s -c 4K -l 10 -n reflected vg/mirror /dev/pv2
dd if=/dev/urandom of=/dev/mapper/vg-reflected bs=64K count=2 seek=5 oflag=direct status=none
dd if=/dev/urandom of=/dev/mapper/vg-snap bs=64K count=3 seek=4 oflag=direct status=none
END
}

# One leg fails, and the volume is written to: the other leg is newer, and says so.
fail_leg() {
    lvm_script
    cat <<'END'
lvm vgchange -q -ay vg
leg=$1
dmsetup suspend --noflush --nolockfs vg-origin_rimage_$leg
dmsetup load vg-origin_rimage_$leg --table "0 2560 error"
dmsetup resume vg-origin_rimage_$leg
dd if=/dev/urandom of=/dev/mapper/vg-origin bs=64K count=5 seek=9 oflag=direct status=none
for _ in $(seq 300); do
    case $(dmsetup status vg-origin-real) in *D*) break ;; esac
    sleep 0.1
done
dmsetup status vg-origin-real
END
}

stop() {
    lvm_script
    cat <<'END'
lvm vgchange -q -an vg
END
}

# save NAME: what the kernel shows, and after the group was stopped the physical volumes.
save() {
    local pv
    uml_job copy from=/dev/mapper/vg-origin "to=$S/$1.origin"
    uml_job copy from=/dev/mapper/vg-snap "to=$S/$1.view"
    uml_job copy from=/dev/mapper/vg-reflected "to=$S/$1.reflected"
    lvm_exec stop
    for pv in 0 1 2; do
        uml_job flush "dev=/dev/pv$pv"
        uml_job copy "from=/dev/pv$pv" "to=$S/$1.pv$pv"
    done
}

setup_file() {
    local pv module
    uml_setup_file || return 0
    ! lvm_missing || return 0
    for pv in 0 1 2; do
        truncate -s 16M "$S/pv$pv"
    done
    for module in dm-raid raid1 dm-mirror; do
        uml_job module name=$module
    done
    lvm_exec make_arrays
    save whole
    fail_leg >"$S/fail.sh"
    uml_job exec "output=$S/fail.out" -- /bin/bash "$S/fail.sh" 0
    save failed
    uml_go "pv0=$S/pv0" "pv1=$S/pv1" "pv2=$S/pv2" || { cat "$S"/*.out; return 1; }
    [ "$(printf '%s\n' "${uml_results[@]}" | grep -cx 'ok exit 0')" -eq 4 ] || { cat "$S"/*.out; return 1; }
}

setup() {
    uml_setup
    lvm_need
}

# devices NAME [PV...]: the physical volumes as they were saved; all, or these.
devices() {
    local name=$1 text='' pv
    shift
    [ $# -gt 0 ] || set -- 0 1 2
    for pv; do
        text+=${text:+,}$S/$name.pv$pv
    done
    echo "$text"
}

# extract NAME [PV...]: the snapshot of a raid1 origin, to the file `view`.
extract() {
    rm -f view
    run tool snapinspect --devices "$(devices "$@")" --extract view lvm:vg/snap
}

@test "a volume whose legs are whole is read from the first one, with a warning" {
    extract whole
    [ "$status" -eq 0 ]
    assert_output --partial 'snapinspect: warning: lvm:vg/origin: it is a raid1 volume, and is read from its leg 0 ("origin_rimage_0")'
    refute_output --partial 'missing, older'
    cmp view "$S/whole.view"
}

@test "after a leg has failed the other one is read, and not the old one" {
    grep -q ' raid1 2 DA ' "$S/fail.out"
    extract failed
    [ "$status" -eq 0 ]
    assert_output --partial 'is read from its leg 1 ("origin_rimage_1"); of the others, some are missing, older, or not rebuilt'
    cmp view "$S/failed.view"
    # The leg that has failed differs.
    run -1 cmp -s "$S/failed.origin" "$S/whole.origin"
    extract failed 1 2
    [ "$status" -eq 0 ]
    cmp view "$S/failed.view"
}

@test "a leg alone that may be the old one is refused" {
    extract failed 0 2
    [ "$status" -eq 8 ]
    assert_output --partial "lvm:vg/origin: leg 1 of its 2 is missing or cannot be read, and no other leg says that it had failed: it may be the newest"
    [ ! -e view ]
    extract whole 1 2
    [ "$status" -eq 8 ]
    assert_output --partial "lvm:vg/origin: leg 0 of its 2 is missing or cannot be read"
}

# merge NAME COW: copies of the physical volumes, which a merge must leave as they are.
merge() {
    local pv
    for pv in 0 1 2; do
        cp --sparse=always "$S/$1.pv$pv" "$T/$1.pv$pv"
    done
    run tool snapmerge --devices "$T/$1.pv0,$T/$1.pv1,$T/$1.pv2" --cow "$2"
    [ "$status" -eq 8 ]
    assert_output --partial 'Nothing was written.'
    for pv in 0 1 2; do
        cmp "$S/$1.pv$pv" "$T/$1.pv$pv"
    done
}

@test "a mirror is read from its first leg, with a warning, and not without that one" {
    run tool snapinspect --devices "$(devices whole)" --extract "$T/view" lvm:vg/reflected
    [ "$status" -eq 0 ]
    assert_output --partial 'snapinspect: warning: lvm:vg/mirror: it is a mirror, and is read from its first leg ("mirror_mimage_0"), of which LVM makes the others; nothing tells whether one of these is newer'
    cmp "$T/view" "$S/whole.reflected"
    run tool snapinspect --devices "$(devices whole 0 2)" --extract "$T/first" lvm:vg/reflected
    [ "$status" -eq 0 ]
    cmp "$T/first" "$S/whole.reflected"
    run tool snapinspect --devices "$(devices whole 1 2)" --extract "$T/second" lvm:vg/reflected
    [ "$status" -ne 0 ]
    [ ! -e "$T/second" ]
}

@test "nothing is written to a raid1 volume, nor to a mirror" {
    merge whole lvm:vg/snap
    assert_output --partial 'raid1'
    merge whole lvm:vg/reflected
    assert_output --partial 'are of type "mirror"'
}

@test "legs that were never made the same are refused" {
    run tool snapinspect --origin lvm:vg/apart --devices "$(devices whole)" "$S/whole.view"
    [ "$status" -eq 8 ]
    assert_output --partial 'vg/apart: LVM gives it the status "NOTSYNCED"'
}
