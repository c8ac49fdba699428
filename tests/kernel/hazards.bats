#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The hazards of the kernel, each under the first sentence of its paragraph in dmsnap-store(5), HAZARDS OF THE KERNEL.
#
# setup_file runs the jobs of all cases, which stand above them, in one boot; those that need LVM or that crash the
# kernel have their own. house.bats holds that no hazard of the manual is without a case.
# shellcheck disable=SC2030,SC2031,SC2154

load lib.bash
load lvm.bash
load workloads.bash

# begin NAME ORIGIN_SECTORS COW_SECTORS: a new pair of this name; its jobs are counted from here.
begin() {
    name=$1 chunk_sectors=8 origin_sectors=$2 cow_sectors=$3
    [ -e "$S/$name.origin" ] || new_image "$S/$name.origin" $((origin_sectors * 512)) 1
    [ -e "$S/$name.cow" ] || new_image "$S/$name.cow" $((cow_sectors * 512))
    slices_open "$S/$name.origin" "$S/$name.cow"
    echo ${#uml_jobs[@]} >"$S/$name.job"
}

# end: what the devices hold now goes to NAME.origin.after and NAME.cow.after.
end() {
    slices_close "$S/$name.origin.after" "$S/$name.cow.after"
}

# answer NAME N: the result of the N-th job after `begin NAME`.
answer() {
    sed -n "$(($(<"$S/$1.job") + $2))p" "$S/results"
}

# figures NAME N: the same of a status.
figures() {
    answer "$1" "$2" | sed -E 's/^ok [0-9]+ [0-9]+ [a-z-]+ ?//'
}

# store NAME: NAME.origin and NAME.cow from the lines of a recipe on standard input; chunks of 4 KiB.
store() {
    sed '1i chunk_sectors 8' >"$S/$1.recipe"
    "$BUILDDIR/tests/images/mkstore" "$S/$1.recipe" "$S/$1.cow" "$S/$1.origin" "$S/$1.view"
}

# logged JOBS: what this function does to the pair, with a log of it in NAME.log.
logged() {
    uml_job remove name=cow
    uml_job remove name=origin
    logged_begin
    "$1"
    logged_end "$S/$name.log"
}

# log_of NAME: the log as lines; the state after each entry is in NAME.N.cow and NAME.N.origin.
log_of() {
    (name=$1 && log_states "$S/$name.log" "$S/$name" "$name" 0 all) | sed -n 's/^log //p'
}

# lvm_tried: whether there is all that the cases with LVM need.
lvm_tried() {
    ! lvm_missing && [[ " ${LACKS-} " != *' devmapper '* ]]
}

setup_file() {
    local kind name
    uml_setup_file || return 0
    for kind in making read_only two_merges last_chunk handed_over steps torn garbage not_loaded mode_p blocked runs \
        same_uuid; do
        "jobs_$kind"
    done
    truncate -s 1G "$S/pv"
    ! lvm_tried || lvm_exec jobs_lvm
    truncate -s "$UML_DISK_BYTES" "$S/disk"
    uml_go "disk=$S/disk" "scattered=$S/scattered.cow" "row=$S/row.cow" "large=$S/large" "pv=$S/pv"
    rm "$S/disk"
}

# What was on the device before is an older store, whose header has been zeroed.
old_store() {
    store "$1" <<'END'
cow_chunks 60
origin_sectors 512
header magic=0 valid=0 version=0 chunk=0
entries 0 20 old=5+2*i
END
}

loaded_and_removed() {
    uml_job create name=snap "$(snapshot_table snapshot 8)"
    uml_job remove name=snap
}

jobs_making() {
    old_store making
    begin making 512 480
    logged loaded_and_removed
}

@test "A store that the kernel makes is not written in a safe order." {
    assert_equal "$(log_of making)" 'cow write 0 4096
cow write 4096 4096'
    # The power fails between the two.
    slices_open "$T/making.1.origin" "$T/making.1.cow"
    uml_job create name=snap "$(snapshot_table snapshot 8)"
    uml_job status name=snap
    uml_job remove name=snap
    uml_go_slices
    assert_equal "$(uml_status -2)" '176/480 16'
}

jobs_read_only() {
    old_store read_only
    begin read_only 512 480
    uml_job create name=snap readonly=1 "$(snapshot_table snapshot 8)"
    uml_job status name=snap
    uml_job remove name=snap
    end
}

@test "Loading a device whose magic is 0 makes a store, for a read-only table too." {
    # Before it, the list could be had back.
    run -4 tool snapcheck "$S/read_only.cow"
    assert_output --partial '--accept=header'
    assert_equal "$(figures read_only 2)" '16/480 16'
    assert_equal "$(count_entries "$S/read_only.cow.after" 8)" 0
    run -0 tool snapcheck "$S/read_only.cow.after"
}

@test "snapshot-merge with mode N crashes the kernel." {
    new_image origin 1M 1
    new_image cow 1M
    uml_job create name=merge 'table=0 * snapshot-merge /dev/origin /dev/cow N 8'
    uml_job status name=merge
    run -1 uml_boot "origin=$T/origin" "cow=$T/cow"
    run -1 grep -x end results
    grep -q 'Kernel panic' results.console
}

twenty_entries() {
    store "$1" <<'END'
cow_chunks 60
origin_sectors 512
header
entries 0 20 old=5+2*i
END
}

# The second store is a slice of the same disk.
jobs_two_merges() {
    twenty_entries two_merges
    begin two_merges 512 480
    uml_job create name=second 'table=0 480 linear /dev/disk 200000'
    uml_job copy "from=$S/two_merges.cow" to=/dev/mapper/second
    uml_job create name=merge "$(snapshot_table snapshot-merge 8)"
    uml_job create name=merge2 'table=0 * snapshot-merge /dev/mapper/origin /dev/mapper/second P 8'
    uml_job wait-merge name=merge
    uml_job wait-merge name=merge2
    uml_job remove name=merge2
    uml_job remove name=merge
    uml_job copy from=/dev/mapper/second "to=$S/second.after"
    uml_job remove name=second
    end
}

@test "Two snapshot-merge targets on one origin are accepted, and both merge." {
    assert_equal "$(answer two_merges 5)" 'ok merged 0 512 snapshot-merge 16/480 16'
    assert_equal "$(answer two_merges 6)" 'ok merged 0 512 snapshot-merge 16/480 16'
    assert_equal "$(count_entries "$S/two_merges.cow" 8)" 20
    assert_equal "$(count_entries "$S/two_merges.cow.after" 8)" 0
    assert_equal "$(count_entries "$S/second.after" 8)" 0
}

# 34 chunks of one sector: the header, area 0, and 32 chunks for data, which fill area 0.
jobs_last_chunk() {
    local mode
    for mode in P PO; do
        begin last_$mode 512 34
        uml_job create name=snap "table=0 * snapshot /dev/mapper/origin /dev/mapper/cow $mode 1"
        uml_job write dev=/dev/mapper/snap length=31s block=512 seed=2
        uml_job status name=snap
        uml_job_any write dev=/dev/mapper/snap offset=100s length=1s block=512 seed=2
        uml_job status name=snap
        uml_job remove name=snap
        end
    done
}

@test "The last data chunk of a device can be a trap that invalidates the snapshot, in mode PO too." {
    local mode
    for mode in P PO; do
        assert_equal "$(figures last_$mode 3)" '33/34 2'
        assert_equal "$(figures last_$mode 5)" Invalid
        assert_equal "$(count_entries "$S/last_$mode.cow.after" 1)" 31
        run -4 tool snapcheck "$S/last_$mode.cow.after"
        assert_output --partial '(note: exact-fit)'
    done
}

# The merge takes one entry and stops at the next one, which is beyond the origin: now the kernel has counted 3 entries,
# and data chunk 9 is in use.
jobs_handed_over() {
    store handed_over <<'END'
cow_chunks 60
origin_sectors 512
header
entry 0 old=10
entry 1 old=1 new=9
entry 2 old=900 new=3 data=none
entry 3 old=5 new=4
END
    begin handed_over 512 480
    uml_job create name=both "$(snapshot_table snapshot-merge 8)"
    uml_job_any wait-merge name=both
    uml_job load name=both "$(snapshot_table snapshot 8)"
    uml_job suspend name=both
    uml_job resume name=both
    uml_job status name=both
    uml_job cmp dev=/dev/mapper/both "with=$S/handed_over.view"
    uml_job write dev=/dev/mapper/both offset=80K length=32K seed=3
    uml_job copy from=/dev/mapper/both "to=$S/handed_over.shown"
    uml_job remove name=both
    end
}

@test "Handover from snapshot-merge to snapshot can give out chunks that are in use." {
    [[ $(answer handed_over 2) == *'Merge failed'* ]]
    assert_equal "$(figures handed_over 6)" '40/480 16'
    # Chunk 1 is one that nobody has written to.
    run -1 cmp -n 4096 -i 4096 "$S/handed_over.shown" "$S/handed_over.view"
    run -4 tool snapcheck "$S/handed_over.cow.after"
    assert_output --partial 'duplicate-new'
    # That the list is one of this kind is said before.
    run -0 tool snapcheck "$S/handed_over.cow"
    assert_output --partial '(note: entry-order)'
}

merged() {
    uml_job create name=merge "$(snapshot_table snapshot-merge 8)"
    uml_job wait-merge name=merge
    uml_job remove name=merge
}

# Twenty runs of one chunk each.
jobs_steps() {
    twenty_entries steps
    begin steps 512 480
    logged merged
}

@test "Kernels before 5.11 do not flush the origin before they shorten the list." {
    # This one does, before each of the twenty cuts.
    log_of steps >log
    assert_equal "$(awk '$2 == "write" && $1 == "origin" { dirty = 1 }
        $2 == "flush" && $1 == "origin" { dirty = 0 }
        $2 == "write" && $1 == "cow" { cuts++; if (dirty) unsafe++ }
        END { print cuts, unsafe + 0 }' log)" '20 0'
}

# 24 entries, then 16 more: sector 0 of the area has 32 slots.
jobs_torn() {
    begin torn 512 480
    uml_job create name=snap "$(snapshot_table snapshot 8)"
    uml_job write dev=/dev/mapper/snap length=96K seed=2
    uml_job copy from=/dev/mapper/cow "to=$S/torn.before"
    uml_job write dev=/dev/mapper/snap offset=96K length=64K block=64K seed=2
    uml_job copy from=/dev/mapper/snap "to=$S/torn.view"
    uml_job remove name=snap
    end
}

# torn_jobs COW: it is loaded, eight chunks are written, and it is loaded again.
torn_jobs() {
    slices_open "$S/torn.origin" "$1"
    uml_job create name=snap "$(snapshot_table snapshot 8)"
    uml_job status name=snap
    uml_job write dev=/dev/mapper/snap offset=192K length=32K seed=3
    uml_job remove name=snap
    uml_job create name=snap "$(snapshot_table snapshot 8)"
    uml_job status name=snap
    uml_job remove name=snap
    slices_close "$1.origin" "$1.cow"
}

@test "The kernel writes an area in one piece." {
    log_of steps | grep '^cow write' | sort | uniq -c | sed 's/^ *//' >areas
    assert_equal "$(<areas)" '20 cow write 4096 4096 fua'
    # The power fails when the second sector of the area is on the device, and the first one is not.
    cp "$S/torn.cow.after" torn
    dd if="$S/torn.before" of=torn bs=512 skip=8 seek=8 count=1 conv=notrunc status=none
    run -4 tool snapcheck torn
    assert_output --partial 'garbage-behind-end'
    cp torn mended
    tool snapcheck -y --accept=view-change --origin "$S/torn.origin" --no-save-old mended || [ $? -eq 1 ]
    torn_jobs "$T/torn"
    torn_jobs "$T/mended"
    uml_go_slices
    # 24 entries; with the next 8 the kernel has linked 8 more, which were behind the terminator. Where it was mended
    # these are entries before that.
    assert_equal "$(uml_status 6) $(uml_status 10)" '208/480 16 336/480 16'
    assert_equal "$(count_entries torn.cow 8)" 40
    assert_equal "$(uml_status 21) $(uml_status 25)" '336/480 16 400/480 16'
    assert_equal "$(count_entries mended.cow 8)" 40
}

jobs_garbage() {
    store garbage <<'END'
cow_chunks 60
origin_sectors 512
header
entries 0 3 old=5+2*i
raw 0 5 old=60 new=7
END
    begin garbage 512 480
    merged
    end
}

@test "A merge by the kernel leaves garbage behind the terminator where it is." {
    assert_equal "$(answer garbage 2)" 'ok merged 0 512 snapshot-merge 16/480 16'
    cmp "$S/garbage.origin.after" "$S/garbage.view"
    assert_equal "$(od -A n -v -t u8 -w16 -j 4096 -N 96 "$S/garbage.cow.after" | awk '{ print $1, $2 }' | tr '\n' ' ')" \
        '0 0 0 0 0 0 0 0 0 0 60 7 '
    run -4 tool snapcheck "$S/garbage.cow.after"
    assert_output --partial 'garbage-behind-end'
}

jobs_not_loaded() {
    new_image "$S/not_loaded.origin" 1M 1
    tool snapcreate --quiet --origin "$S/not_loaded.origin" --cow "$S/not_loaded.cow" --size 256K
    begin not_loaded 2048 512
    uml_job create name=base 'table=0 * snapshot-origin /dev/mapper/origin'
    uml_job write dev=/dev/mapper/base offset=16K length=16K seed=2
    uml_job create name=snap "$(snapshot_table snapshot 8)"
    uml_job status name=snap
    uml_job_any cmp dev=/dev/mapper/snap "with=$S/not_loaded.origin"
    uml_job remove name=snap
    uml_job remove name=base
    end
}

@test "Only loaded snapshots are updated when the origin is written to." {
    assert_equal "$(figures not_loaded 4)" '16/512 16'
    [[ $(answer not_loaded 5) == error* ]]
    # The samples that snapcreate has taken tell.
    run -8 tool snapcheck --origin "$S/not_loaded.origin.after" "$S/not_loaded.cow.after"
    assert_output --partial 'do not belong together'
    run -0 tool snapcheck --origin "$S/not_loaded.origin" "$S/not_loaded.cow.after"
}

jobs_mode_p() {
    begin mode_p 512 128
    uml_job create name=snap "$(snapshot_table snapshot 8)"
    uml_job write dev=/dev/mapper/snap length=56K seed=2
    uml_job status name=snap
    uml_job_any write dev=/dev/mapper/snap offset=128K length=4K seed=2
    uml_job status name=snap
    uml_job_any crc dev=/dev/mapper/snap length=4K
    uml_job remove name=snap
    end
}

@test "In mode P, one write too many loses the whole snapshot, and the first sign of it is an I/O error." {
    assert_equal "$(figures mode_p 3)" '128/128 16'
    [[ $(answer mode_p 4) == 'error 5 '* ]]
    assert_equal "$(figures mode_p 5)" Invalid
    [[ $(answer mode_p 6) == 'error 5 '* ]]
    # With its last chunk the store says so itself, before that write.
    cp "$S/mode_p.cow.after" cow
    run -1 tool snapcheck -y --accept=revalidate --no-save-old cow
    run -0 tool snapcheck --origin "$S/mode_p.origin" cow
    assert_output --partial 'store-full'
}

# twice_tried: the merge ends the same way again.
twice_tried() {
    for _ in 1 2; do
        uml_job create name=merge "$1"
        uml_job_any wait-merge name=merge
        uml_job remove name=merge
    done
}

jobs_blocked() {
    store beyond <<'END'
cow_chunks 60
origin_sectors 512
header
entries 0 3 old=5+2*i
entry 3 old=900 data=none
END
    begin beyond 512 480
    twice_tried "$(snapshot_table snapshot-merge 8)"
    end
    store unreadable <<'END'
cow_chunks 60
origin_sectors 512
header
entries 0 4 old=5+2*i
END
    begin unreadable 512 480
    uml_job create name=bad 'table=0 40 linear /dev/mapper/cow 0;40 8 error;48 432 linear /dev/mapper/cow 48'
    twice_tried 'table=0 * snapshot-merge /dev/mapper/origin /dev/mapper/bad P 8'
    uml_job remove name=bad
    end
}

@test "An entry beyond the origin, or a data chunk that cannot be read, blocks a merge for ever." {
    local name first
    for name in beyond unreadable; do
        first=$([ $name = beyond ] && echo 2 || echo 3)
        [[ $(answer $name "$first") == *'Merge failed'* ]]
        [[ $(answer $name $((first + 3))) == *'Merge failed'* ]]
        assert_equal "$(count_entries "$S/$name.cow.after" 8)" 4
        cmp "$S/$name.origin.after" "$S/$name.origin"
    done
}

# A snapshot that has overflowed, and one that is to be merged when its group is activated.
jobs_lvm() {
    lvm_script
    cat <<'END'
lvm pvcreate -q -f -y /dev/pv
lvm vgcreate -q -s 64K vg /dev/pv
for name in origin two; do
    lvm lvcreate -q -y -Zn -Wn -l 40 -n $name vg
done
lvm lvcreate -q -y -s -c 4K -l 4 -n snap vg/origin
lvm lvcreate -q -y -s -c 4K -l 40 -n second vg/two
! dd if=/dev/urandom of=/dev/mapper/vg-snap bs=4K count=100 oflag=direct status=none || exit 1
dd if=/dev/urandom of=/dev/mapper/vg-second bs=4K count=100 oflag=direct status=none
sum() { dd if=/dev/mapper/$1 bs=64K iflag=direct status=none | sha256sum; }
sum vg-second >/run/second
lvm vgchange -q -an vg
lvm lvconvert -q --merge vg/snap
lvm lvconvert -q --merge vg/second
lvm vgchange -q -ay --poll n vg
echo STUCK
dmsetup status vg-origin
echo MERGED
until dmsetup status vg-two | awk '{ split($4, used, "/"); exit used[1] != $5 }'; do :; done
sum vg-two-real | cmp - /run/second && echo as the snapshot
echo END
lvm vgchange -q -an vg
END
}

@test "LVM2 accepts the merge of an inactive snapshot that is invalid, and the origin is stuck then." {
    lvm_need
    assert_equal "$(sed -n '/^STUCK$/{n;p}' "$S/jobs_lvm.out")" '0 5120 snapshot-merge Invalid'
    grep -q "Merging of snapshot vg/snap will occur on next activation" "$S/jobs_lvm.out"
}

@test "An LVM2 group that is activated in a rescue system starts the merges that are to be done." {
    lvm_need
    assert_equal "$(sed -n '/^MERGED$/{n;p}' "$S/jobs_lvm.out")" 'as the snapshot'
}

# Lists of 90,000 entries without their data: at single places, and in one row.
jobs_runs() {
    local name
    truncate -s 2G "$S/large"
    for name in scattered row; do
        printf '%s\n' 'chunk_sectors 8' 'cow_chunks 91000' header \
            "entries 0 90000 old=$([ $name = row ] && echo '0+1*i' || echo '1+3*i') data=none" >"$S/$name.recipe"
        "$BUILDDIR/tests/images/mkstore" "$S/$name.recipe" "$S/$name.cow" "$S/none"
        uml_job exec "output=$S/$name.before" -- /bin/cat /proc/meminfo
        uml_job create name=snap "table=0 * snapshot /dev/large /dev/$name P 8"
        uml_job exec "output=$S/$name.after" -- /bin/cat /proc/meminfo
        uml_job remove name=snap
    done
}

# slab_kib NAME: what the kernel has taken for its table.
slab_kib() {
    echo $(($(awk '$1 == "SUnreclaim:" { print $2 }' "$S/$1.after") - $(awk '$1 == "SUnreclaim:" { print $2 }' "$S/$1.before")))
}

@test "Loading takes memory and time for each run." {
    echo "scattered: $(slab_kib scattered) KiB, in one row: $(slab_kib row) KiB"
    # 32 bytes for each of the first; the second has 353 runs.
    [ "$(slab_kib scattered)" -gt 2700 ]
    [ "$(slab_kib row)" -lt 1000 ]
}

@test "Users report that a machine does not start, and the wait cannot be ended, while the volume of its system is being merged: a merge takes small steps, with two flushes and a whole area for each run." {
    log_of steps >log
    assert_equal "$(grep -c '^origin flush' log)" 20
    assert_equal "$(grep -c '^cow flush' log)" 20
    assert_equal "$(grep -c '^cow write 4096 4096 fua$' log)" 20
}

jobs_same_uuid() {
    truncate -s 1M "$S/same_uuid.origin"
    mke2fs -q -t ext2 -U 00000000-0000-4000-8000-000000000001 "$S/same_uuid.origin"
    begin same_uuid 2048 512
    uml_job create name=snap "$(snapshot_table snapshot 8)"
    uml_job exec "output=$S/uuid.origin" -- /usr/sbin/blkid -p -o value -s UUID /dev/mapper/origin
    uml_job exec "output=$S/uuid.snap" -- /usr/sbin/blkid -p -o value -s UUID /dev/mapper/snap
    [ "${SANITIZERS-}" = yes ] || uml_job_any exec "output=$S/uuid.said" -- ${WRAPPER:+/usr/bin/env $WRAPPER} \
        "$BUILDDIR/tools/snapinspect" --origin UUID=00000000-0000-4000-8000-000000000001 /dev/mapper/cow
    uml_job remove name=snap
    end
}

@test "Users report that the snapshot is mounted in the place of the origin, since both file systems have the same UUID." {
    assert_equal "$(<"$S/uuid.origin")" 00000000-0000-4000-8000-000000000001
    assert_equal "$(<"$S/uuid.snap")" 00000000-0000-4000-8000-000000000001
    # Our programs take neither of the two.
    [ "${SANITIZERS-}" != yes ] || return 0
    cat "$S/uuid.said"
    grep -q '3 devices have this tag, name one by its path: ' "$S/uuid.said"
}
