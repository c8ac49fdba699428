#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The real LVM makes groups in the kernel; what we read from their physical volumes afterwards is compared with
# `dmsetup table`, and the contents of volumes with what the kernel showed.
#
# setup_file boots once for all groups; each test judges one promise.
# shellcheck disable=SC2030,SC2031,SC2154

load lib.bash
load lvm.bash

# The file's devices; /dev/ubda is 98:0, the next one 98:16.
PVS=(pv0 pv1 pv2 small)

# Layouts.
make_volumes() {
    lvm_script
    cat <<'END'
lvm pvcreate -q -f -y /dev/pv0
lvm pvcreate -q -f -y --metadatacopies 2 /dev/pv1
lvm pvcreate -q -f -y --bootloaderareasize 64K /dev/pv2
lvm vgcreate -q -s 64K vg /dev/pv0 /dev/pv1 /dev/pv2
create() {
    lvm lvcreate -q -y -Zn -Wn "$@"
}
create -l 20 -n origin vg /dev/pv0
create -l 5 -n several vg /dev/pv0
create -l 12 -n striped -i 2 -I 16K vg /dev/pv0 /dev/pv1
lvm lvextend -q -l +7 vg/several /dev/pv1
lvm lvextend -q -l +3 vg/several /dev/pv0
lvm lvextend -q -i 3 -I 4K -l +9 vg/several
create -l 24 -n three -i 3 -I 64K vg
END
}

# Snapshots of what has been written; a group whose text is a large part of its area, changed until it wraps there.
make_snapshots() {
    lvm_script
    cat <<'END'
lvm lvcreate -q -y -s -c 4K -l 12 -n small vg/origin /dev/pv1
lvm lvcreate -q -y -s -c 64K -l 24 -n striped_cow -i 2 -I 8K vg/several
lvm lvcreate -q -y -s -c 512K -l 80 -n large vg/several /dev/pv2
lvm lvcreate -q -y -s -c 16K -l 12 -n merging vg/origin
lvm pvcreate -q -f -y --metadatasize 32K --dataalignment 64K /dev/small
lvm vgcreate -q -s 64K round /dev/small
lvm lvcreate -q -y -an -Zn -Wn -l 3 -n only round
lvm lvchange -q $(for i in $(seq 10 69); do printf -- '--addtag %0100d ' "$i"; done) round/only
# The header of the area: where the text begins, how long it is, how large the area is.
wraps() {
    dd if=/dev/small of=/run/header iflag=direct bs=4096 skip=1 count=1 status=none
    set -- $(od -An -v -w24 -tu8 -j 32 -N 24 /run/header)
    [ $(($2 + $3)) -gt "$1" ]
}
for i in $(seq 100 140); do
    ! wraps || break
    lvm lvchange -q --addtag "$i" round/only
done
wraps
END
}

# A pending merge: the origin is open while it is asked for. Then tables as the kernel has them.
ask_kernel() {
    lvm_script
    cat <<'END'
exec 7</dev/mapper/vg-origin
lvm lvconvert -q -y --merge vg/merging
exec 7<&-
dmsetup status
echo TABLES
dmsetup table
END
}

# One group that LVM must not use here: exported.
export_group() {
    lvm_script
    cat <<'END'
lvm vgchange -q -an round
lvm vgexport -q round
lvm vgchange -q -an vg
END
}

VOLUMES=(origin several striped three small striped_cow large merging)

# The device that holds the bytes of a volume: below its snapshots, or below the snapshot that is in it.
node_of() {
    case $1 in
    origin | several) echo "/dev/mapper/vg-$1-real" ;;
    striped | three) echo "/dev/mapper/vg-$1" ;;
    *) echo "/dev/mapper/vg-$1-cow" ;;
    esac
}

setup_file() {
    local pv volume seed=1
    uml_setup_file || return 0
    ! lvm_missing || return 0
    for pv in "${PVS[@]}"; do
        truncate -s 32M "$S/$pv"
    done
    lvm_exec make_volumes
    for volume in origin several striped three; do
        uml_job write "dev=/dev/mapper/vg-$volume" "seed=$((seed++))" block=64K
    done
    uml_job flush dev=/dev/pv0
    uml_job copy from=/dev/pv0 "to=$S/old_pv0"
    lvm_exec make_snapshots
    uml_job flush dev=/dev/small
    uml_job copy from=/dev/small "to=$S/wrapped"
    uml_job write-random dev=/dev/mapper/vg-small seed=20 count=20
    uml_job write-random dev=/dev/mapper/vg-large seed=21 count=20
    uml_job write-random dev=/dev/mapper/vg-several seed=22 count=20
    lvm_exec ask_kernel
    for volume in "${VOLUMES[@]}"; do
        uml_job flush "dev=$(node_of "$volume")"
        uml_job copy "from=$(node_of "$volume")" "to=$S/$volume.kernel"
    done
    for volume in small striped_cow large merging; do
        uml_job copy "from=/dev/mapper/vg-$volume" "to=$S/$volume.view"
    done
    lvm_exec export_group
    uml_go "pv0=$S/pv0" "pv1=$S/pv1" "pv2=$S/pv2" "small=$S/small"
    # Each script ended well.
    [ "$(printf '%s\n' "${uml_results[@]}" | grep -cx 'ok exit 0')" -eq 4 ] || { cat "$S"/*.out; return 1; }
}

setup() {
    uml_setup
    lvm_need
    devices=()
    for i in 0 1 2 3; do
        devices+=("98:$((16 * i))=$S/${PVS[i]}")
    done
}

# volumes COMMAND ARGUMENT...
volumes() {
    ${WRAPPER-} "$BUILDDIR/tests/kernel/lvm-volumes" "$@"
}

# Linear and striped tables of the kernel, with the name of the volume whose bytes they hold.
kernel_tables() {
    sed '1,/^TABLES$/d' "$S/ask_kernel.out" | grep -E ' (linear|striped) ' | sed -E 's/-(real|cow):/:/; s/ +$//' | sort
}

@test "extents and stripes are those of dmsetup table" {
    run -0 volumes tables "${devices[@]}"
    assert_equal "$(grep '^vg-' <<<"$output" | sort)" "$(kernel_tables)"
    [ "$(kernel_tables | wc -l)" -ge 11 ]
    [[ $(kernel_tables) == *striped\ 3* ]]
    refute_output --partial refused
    refute_output --partial note
}

@test "snapshots are known with their chunk sizes, a pending merge as such" {
    run -0 volumes tables "${devices[@]}"
    assert_equal "$(grep -E '^(snapshot|merging) ' <<<"$output" | sort)" "merging of origin in merging chunk 32
snapshot of origin in small chunk 8
snapshot of several in large chunk 1024
snapshot of several in striped_cow chunk 128"
}

@test "the content of each volume is what the kernel showed" {
    local volume
    for volume in "${VOLUMES[@]}"; do
        volumes copy "vg/$volume" "$T/ours" "${devices[@]}"
        cmp "$T/ours" "$S/$volume.kernel"
    done
}

@test "snapinspect --lvm: each snapshot with the kernel's figures, below its origin" {
    local images="$S/pv0,$S/pv1,$S/pv2" snapshots
    [[ " ${LACKS-} " != *' json-c '* ]] || skip "this build lacks json-c"
    tool snapinspect --json --lvm --devices "$images" vg >shown
    snapshots=$(jq -r '.result.groups[0].volumes[] | .name as $origin | .snapshots[] |
        "\(.name): \(.usage.allocated_sectors)/\(.usage.total_sectors) \(.usage.metadata_sectors)"' shown | sort)
    assert_equal "$snapshots" "$(sed '/^TABLES$/q' "$S/ask_kernel.out" |
        sed -n -E 's/^vg-([a-z_]+): .* snapshot ([0-9])/\1: \2/p' | sort)"
    assert_equal "$(wc -l <<<"$snapshots")" 4
    assert_equal "$(jq -r '.result.groups[0].volumes[] | select(.name == "several").snapshots | map(.name) | sort |
        join(" ")' shown)" "large striped_cow"
    # The figures of one alone are the same, through the name of the volume.
    tool snapinspect --json --devices "$images" lvm:vg/striped_cow >one
    grep -qx "striped_cow: $(usage_line one)" <<<"$snapshots"
    assert_equal "$(jq -r .origin one)" lvm:vg/several
}

@test "snapinspect --extract: what each snapshot showed" {
    local volume origin
    for volume in small striped_cow large merging; do
        case $volume in
        striped_cow | large) origin=several ;;
        *) origin=origin ;;
        esac
        tool snapinspect --devices "$S/pv0,$S/pv1,$S/pv2" --origin "lvm:vg/$origin" --extract "$T/$volume" \
            "lvm:vg/$volume"
        cmp "$T/$volume" "$S/$volume.view"
    done
}

@test "two metadata copies, and a text that wraps" {
    run -0 volumes areas "${devices[@]}" "98:64=$S/wrapped"
    assert_equal "${#lines[@]}" 6
    [ "$(grep -c '^98:16 .* whole$' <<<"$output")" -eq 2 ]
    [ "$(grep -c '^98:64 .* wraps$' <<<"$output")" -eq 1 ]
    run -0 volumes tables "98:64=$S/wrapped"
    assert_output --regexp '^round-only: 0 384 linear 98:64 [0-9]+$'
}

@test "a physical volume with old metadata: the newest count, and it is said" {
    run -0 volumes tables "98:0=$S/old_pv0" "${devices[1]}" "${devices[2]}"
    assert_equal "$(grep '^vg-' <<<"$output" | sort)" "$(kernel_tables)"
    assert_line --regexp "^note: $S/old_pv0: its LVM metadata of \"vg\" have sequence number [0-9]+, those of $S/pv1 have"
}

# damage FILE OFFSET: another byte than the one that is there.
damage() {
    local byte
    byte=$(od -An -tu1 -j "$2" -N 1 "$1")
    # shellcheck disable=SC2059 # the byte is the format
    printf "\\x$(printf %x $((byte ^ 64)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

@test "damaged label, header and text: each is said, and the copies of the others count" {
    local text_at
    cp --sparse=always "$S/pv0" "$T/pv0"
    text_at=$(volumes areas "${devices[0]}" | cut -d ' ' -f 3)
    devices=("98:0=$T/pv0" "${devices[1]}" "${devices[2]}")
    damage "$T/pv0" $((text_at + 100))
    run -0 volumes tables "${devices[@]}"
    assert_equal "$(grep '^vg-' <<<"$output" | sort)" "$(kernel_tables)"
    assert_line --partial "note: $T/pv0: LVM metadata text at byte $text_at is damaged: its checksum is 0x"
    damage "$T/pv0" 4200
    run -0 volumes tables "${devices[@]}"
    assert_equal "$(grep '^vg-' <<<"$output" | sort)" "$(kernel_tables)"
    assert_line --partial "note: $T/pv0: LVM metadata area at byte 4096: its header is damaged: its checksum is 0x"
    damage "$T/pv0" 560
    run -1 volumes copy vg/origin "$T/ours" "${devices[@]}"
    assert_output --partial 'lvm-volumes: vg/origin: its physical volume "pv0"'
    run volumes areas "${devices[@]}"
    assert_output --partial "lvm-volumes: $T/pv0: LVM label in sector 1 is damaged: its checksum is 0x"
}

@test "the same physical volume twice is refused" {
    cp --sparse=always "$S/pv0" "$T/copy"
    run -1 volumes copy vg/origin "$T/ours" "${devices[@]}" "98:64=$T/copy"
    assert_output --partial "is there twice, as $S/pv0 and as $T/copy: name only the right one"
}

@test "an exported group is refused" {
    run -1 volumes copy round/only "$T/ours" "${devices[@]}"
    assert_output 'lvm-volumes: round: the LVM group is exported: import it first (vgimport round)'
    assert [ ! -e "$T/ours" ]
}

@test "without one of its physical volumes a volume is refused, and the others can be used" {
    run -1 volumes copy vg/several "$T/ours" "${devices[0]}" "${devices[1]}"
    assert_output --regexp '^lvm-volumes: vg/several: its physical volume "pv2" \(id [0-9A-Za-z-]{38}, last seen as "/dev/pv2"\)'
    volumes copy vg/origin "$T/ours" "${devices[0]}"
    cmp "$T/ours" "$S/origin.kernel"
}
