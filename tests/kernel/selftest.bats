#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The harness itself: jobs reach the kernel, their results are true, and a kernel that crashes or hangs is noticed.

load lib.bash

# Some of these need no kernel.
setup() {
    cd "$BATS_TEST_TMPDIR"
    uml_begin
    T=$BATS_TEST_TMPDIR
}

# The exception list as the bytes say, read by other code than ours: the numbers of chunk 1.
entries() {
    od -A n -v -t u8 -w16 -j "$(($2 * 512))" -N "$(($2 * 512))" "$1" | awk '$2 == 0 { exit } { print $1, $2 }'
}

@test "the pattern is the one that README.md describes" {
    # Bash numbers wrap at 64 bits, but their shift to the right keeps the sign: mask it away.
    mix()
    {
        local z=$1
        z=$(((z ^ (z >> 30 & 0x3ffffffff)) * 0xBF58476D1CE4E5B9))
        z=$(((z ^ (z >> 27 & 0x1fffffffff)) * 0x94D049BB133111EB))
        echo $((z ^ (z >> 31 & 0x1ffffffff)))
    }
    new_image image 8K 5
    run od -A n -v -t u8 -w8 -j 4096 -N 8 image
    assert_output --regexp "^ *$(printf %u "$(mix $((6 * 0x9E3779B97F4A7C15 + 512)))")\$"
}

@test "jobs that touch more than images are refused on the host" {
    run -1 uml_host halt
    assert_output --partial 'only in the test kernel'
    run -1 uml_host exec -- /bin/true
    assert_output --partial 'only in the test kernel'
}

@test "the kernel makes a store in a zeroed COW; a write makes one exception; the view differs exactly there" {
    new_image origin 1M 1
    new_image cow 256K
    uml_job create name=snap 'table=0 * snapshot /dev/origin /dev/cow P 8'
    uml_job status name=snap
    uml_job table name=snap
    uml_job write dev=/dev/mapper/snap offset=20K length=4K seed=2
    uml_job status name=snap
    uml_job copy from=/dev/mapper/snap "to=$T/view"
    uml_job crc dev=/dev/mapper/snap
    uml_job remove name=snap
    cp origin expected
    uml_host write dev=expected offset=20K length=4K seed=2
    cp origin before
    uml_go "origin=$T/origin" "cow=$T/cow"
    assert_equal "$(uml_result 2)" 'ok 0 2048 snapshot 16/512 16'
    assert_equal "$(uml_result 3)" 'ok 0 2048 snapshot 98:0 98:16 P 8'
    assert_equal "$(uml_result 5)" 'ok 0 2048 snapshot 24/512 16'
    assert_equal "$(head -c 4 cow)" SnAp
    assert_equal "$(entries cow 8)" '5 2'
    cmp view expected
    cmp origin before
    assert_equal "$(uml_result 7)" "$(uml_host crc dev=expected)"
    # The first 4096 bytes that differ are the range that was written, none beside it.
    run -1 cmp -l origin view
    assert_equal "$(printf '%s\n' "${lines[@]}" | awk '$1 <= 20480 || $1 > 24576' | wc -l)" 0
}

@test "crc is the CRC-32 of gzip" {
    new_image image 300K 4
    run uml_host crc dev=image
    assert_output "ok $(gzip -c image | tail -c 8 | od -A n -t x4 -N 4 | tr -d ' ')"
}

@test "a merge to completion leaves the view in the origin and an empty list" {
    new_image origin 1M 1
    new_image cow 1M
    uml_job create name=snap 'table=0 * snapshot /dev/origin /dev/cow P 8'
    uml_job write-random dev=/dev/mapper/snap seed=3 count=50
    uml_job copy from=/dev/mapper/snap "to=$T/view"
    uml_job remove name=snap
    uml_job create name=merge 'table=0 * snapshot-merge /dev/origin /dev/cow P 8'
    uml_job wait-merge name=merge
    uml_job cmp dev=/dev/mapper/merge "with=$T/view"
    uml_job remove name=merge
    cp origin expected
    uml_host write-random dev=expected seed=3 count=50
    uml_go "origin=$T/origin" "cow=$T/cow"
    assert_equal "$(uml_result 6)" 'ok merged 0 2048 snapshot-merge 16/2048 16'
    cmp origin view
    cmp origin expected
    assert_equal "$(entries cow 8)" ''
}

@test "a partial merge leaves a prefix of the list" {
    # Long enough that the kernel is not done before it is told to stop.
    new_image origin 1M 1
    new_image cow 1M
    uml_job create name=snap 'table=0 * snapshot /dev/origin /dev/cow P 8'
    uml_job write-random dev=/dev/mapper/snap seed=3 count=200
    uml_job status name=snap
    uml_job remove name=snap
    uml_job copy from=/dev/cow "to=$T/full"
    uml_job create name=merge 'table=0 * snapshot-merge /dev/origin /dev/cow P 8'
    uml_job wait-merge name=merge keep=800
    uml_go "origin=$T/origin" "cow=$T/cow"
    [[ $(uml_result 7) == 'ok stopped '* ]]
    entries full 8 >full.list
    entries cow 8 >cow.list
    local left
    left=$(wc -l <cow.list)
    [ "$left" -gt 0 ]
    [ "$left" -lt "$(wc -l <full.list)" ]
    cmp cow.list <(head -n "$left" full.list)
    assert_equal "$(uml_status 7)" "$((8 * (2 + left)))/2048 16"
}

@test "a merge stops after a number of status changes, with the status that it has on the disk" {
    new_image origin 1M 1
    new_image cow 1M
    uml_job create name=snap 'table=0 * snapshot /dev/origin /dev/cow P 8'
    uml_job write-random dev=/dev/mapper/snap seed=5 count=200
    uml_job remove name=snap
    uml_job create name=merge 'table=0 * snapshot-merge /dev/origin /dev/cow P 8'
    uml_job wait-merge name=merge changes=3
    uml_job create name=snap 'table=0 * snapshot /dev/origin /dev/cow P 8'
    uml_job status name=snap
    uml_go "origin=$T/origin" "cow=$T/cow"
    assert_equal "$(uml_status 5)" "$(uml_status 7)"
    [ "$(uml_status 5)" != '16/2048 16' ]
}

@test "a full store shows Invalid, fill says how far it went" {
    new_image origin 1M 1
    new_image cow 32K
    uml_job create name=snap 'table=0 * snapshot /dev/origin /dev/cow P 8'
    uml_job fill dev=/dev/mapper/snap seed=2
    uml_job status name=snap
    uml_job_any copy from=/dev/mapper/snap "to=$T/view"
    uml_job remove name=snap
    uml_job create name=merge 'table=0 * snapshot-merge /dev/origin /dev/cow P 8'
    uml_job_any wait-merge name=merge
    uml_job remove name=merge
    uml_job create name=snap 'table=0 * snapshot /dev/origin /dev/cow P 8'
    uml_job fill dev=/dev/cow seed=2 offset=16K
    uml_go "origin=$T/origin" "cow=$T/cow"
    assert_equal "$(uml_result 2)" 'ok 6 writes, error 5'
    assert_equal "$(uml_status 3)" Invalid
    [[ $(uml_result 4) == 'error 5 '* ]]
    [[ $(uml_result 7) == 'error 5 '*Invalid* ]]
    assert_equal "$(uml_result 10)" 'ok 4 writes, end'
}

@test "the kernel's refusal is a result with its errno" {
    new_image origin 1M
    new_image cow 1M 9
    uml_job_any create name=snap 'table=0 * snapshot /dev/origin /dev/cow P 8'
    uml_job_any status name=snap
    uml_job_any nonsense
    uml_job_any write dev=/dev/mapper/snap
    uml_job_any write dev=/dev/cow offset=x
    uml_job_any write dev=/dev/cow offset=99999999999999999999
    uml_job_any write dev=/dev/cow offset=99999999999999999K
    uml_job size dev=/dev/cow
    uml_go "origin=$T/origin" "cow=$T/cow"
    [[ $(uml_result 1) == 'error 6 snap: load table: '* ]]
    [[ $(uml_result 2) == 'error 6 '* ]]
    [[ $(uml_result 3) == 'error 38 no such job: nonsense'* ]]
    [[ $(uml_result 4) == 'error 2 '* ]]
    [[ $(uml_result 5) == 'error 22 '* ]]
    [[ $(uml_result 6) == 'error 22 '*'is no number'* ]]
    [[ $(uml_result 7) == 'error 22 '*'is no number'* ]]
    assert_equal "$(uml_result 8)" 'ok 1048576 bytes'
}

@test "load and resume hand a store over to snapshot-merge" {
    new_image origin 1M 1
    new_image cow 1M
    uml_job create name=snap 'table=0 * snapshot /dev/origin /dev/cow P 8'
    uml_job create name=base 'table=0 * snapshot-origin /dev/origin'
    uml_job write dev=/dev/mapper/base seed=2 offset=64K length=4K
    uml_job status name=snap
    uml_job suspend name=snap
    uml_job suspend name=base
    uml_job load name=base 'table=0 * snapshot-merge /dev/origin /dev/cow P 8'
    uml_job resume name=base
    uml_job wait-merge name=base
    uml_go "origin=$T/origin" "cow=$T/cow"
    assert_equal "$(uml_status 4)" '24/2048 16'
    new_image expected 1M 1
    cmp origin expected
}

@test "exec gives exit status, signal and output of a program; kill-after= ends it, timeout= is a failure" {
    uml_job exec "output=$T/out" -- /bin/sh -c 'echo hello; exit 3'
    uml_job exec kill-after=200 -- /bin/sleep 60
    uml_job exec kill-after=200 kill-signal=15 -- /bin/sleep 60
    uml_job exec kill-after=20000 -- /bin/true
    uml_job_any exec timeout=200 -- /bin/sleep 60
    uml_job exec "output=$T/none" -- /no/such/program
    uml_go
    assert_equal "$(uml_result 1)" 'ok exit 3'
    assert_equal "$(cat out)" hello
    assert_equal "$(uml_result 2)" 'ok signal 9'
    assert_equal "$(uml_result 3)" 'ok signal 15'
    assert_equal "$(uml_result 4)" 'ok exit 0'
    [[ $(uml_result 5) == 'error 110 '* ]]
    assert_equal "$(uml_result 6)" 'ok exit 127'
}

@test "kill-dev= ends a program when it has written so much to a device" {
    new_image origin 4M
    new_image expected 4M
    uml_job create name=slow 'table=0 * linear /dev/origin 0'
    uml_job write dev=/dev/mapper/slow length=1M seed=1
    uml_job exec kill-dev=/dev/mapper/slow kill-written=100K kill-signal=10 -- /bin/sh -c \
        'for i in $(seq 0 999); do dd if=/dev/urandom of=/dev/mapper/slow bs=4K count=1 seek=$i oflag=direct; done'
    uml_go "origin=$T/origin"
    assert_equal "$(uml_result 3)" 'ok signal 10'
    # Nothing of the 1 MiB before the program began counts; what it wrote starts at 0 and ends soon after 100 KiB.
    local written
    written=$(cmp -l origin <(head -c 4M expected) | awk '{ last = $1 } END { print last }')
    [ "$written" -ge $((100 * 1024 - 100)) ]
    uml_host write dev=expected length=1M seed=1
    cmp <(tail -c +700000 origin) <(tail -c +700000 expected)
    run -1 cmp -s <(head -c 102400 origin) <(head -c 102400 expected)
}

@test "files of an ext4 and an xfs inside a snapshot are there again after a merge" {
    truncate -s 16M ext4
    mke2fs -q -t ext4 ext4
    # Small xfs file systems are refused by newer versions, and 300M of holes cost nothing.
    truncate -s 320M xfs
    mkfs.xfs -q xfs
    new_image cow 8M
    new_image cow2 32M
    local fs cow
    for fs in ext4 xfs; do
        cow=cow
        [ $fs = ext4 ] || cow=cow2
        uml_job create name=snap "table=0 * snapshot /dev/$fs /dev/$cow P 8"
        uml_job mount dev=/dev/mapper/snap dir=/run/mnt fs=$fs
        uml_job make-files dir=/run/mnt seed=11 count=20 size=64K
        uml_job umount dir=/run/mnt
        uml_job remove name=snap
        uml_job mount dev=/dev/$fs dir=/run/mnt fs=$fs
        uml_job_any check-files dir=/run/mnt seed=11 count=20 size=64K
        uml_job umount dir=/run/mnt
        # The mount has written to the origin: a new store's view shall be what the store holds, so merge it now.
        uml_job create name=merge "table=0 * snapshot-merge /dev/$fs /dev/$cow P 8"
        uml_job wait-merge name=merge
        uml_job mount dev=/dev/mapper/merge dir=/run/mnt fs=$fs
        uml_job check-files dir=/run/mnt seed=11 count=20 size=64K
        uml_job_any check-files dir=/run/mnt seed=12 count=1 size=64K
        uml_job umount dir=/run/mnt
        uml_job remove name=merge
    done
    uml_go "ext4=$T/ext4" "xfs=$T/xfs" "cow=$T/cow" "cow2=$T/cow2"
    [[ $(uml_result 7) == 'error 2 '* ]]
    [[ $(uml_result 13) == 'error 2 '* ]]
    [[ $(uml_result 22) == 'error 2 '* ]]
}

@test "check-files sees one byte changed, and one byte more" {
    uml_job exec -- /bin/mkdir /run/files
    uml_job make-files dir=/run/files seed=1 count=3 size=1K
    uml_job check-files dir=/run/files seed=1 count=3 size=1K
    uml_job exec -- /bin/sh -c 'printf xy | dd of=/run/files/file-1-2 bs=1 conv=notrunc'
    uml_job_any check-files dir=/run/files seed=1 count=3 size=1K
    uml_job check-files dir=/run/files seed=1 count=2 size=1K
    uml_job exec -- /bin/sh -c 'printf x >>/run/files/file-1-1'
    uml_job_any check-files dir=/run/files seed=1 count=2 size=1K
    uml_go
    [[ $(uml_result 5) == 'error 84 /run/files/file-1-2'* ]]
    [[ $(uml_result 8) == 'error 84 /run/files/file-1-1'* ]]
}

@test "a loop device has the logical block size that was asked for" {
    new_image cow 1M
    new_image file 1M 3
    new_image origin 1M
    uml_job loop name=big file=/dev/cow block=4096
    uml_job_any write dev=/dev/big length=512 block=512 seed=1
    uml_job write dev=/dev/big length=4096 seed=1
    uml_job_any create name=snap 'table=0 * snapshot /dev/origin /dev/big P 1'
    uml_job unloop name=big
    uml_job loop name=file "file=$T/file"
    uml_job write dev=/dev/file offset=4K length=4K seed=7
    uml_job unloop name=file
    uml_go "origin=$T/origin" "cow=$T/cow"
    [[ $(uml_result 2) == 'error 22 '* ]]
    [[ $(uml_result 4) == 'error '* ]]
    new_image expected 1M 3
    uml_host write dev=expected offset=4K length=4K seed=7
    cmp file expected
}

@test "halt stops at once: files that were only in the page cache are lost, those synced are there" {
    truncate -s 16M image
    mke2fs -q -t ext4 image
    uml_job mount dev=/dev/image dir=/run/mnt fs=ext4 options=commit=900
    uml_job make-files dir=/run/mnt seed=1 size=4K
    uml_job sync
    uml_job make-files dir=/run/mnt seed=2 size=4K
    uml_job halt
    uml_job make-files dir=/run/mnt seed=3 size=4K
    uml_boot "image=$T/image"
    assert_equal "${uml_results[4]}" 'ok halted'
    assert_equal "${uml_results[5]}" end
    # A rescue by the journal is what the next mount would do.
    e2fsck -fy image >/dev/null || [ $? -lt 4 ]
    run debugfs -R 'ls /' image
    assert_output --partial file-1-0
    refute_output --partial file-2-0
    refute_output --partial file-3-0
}

@test "a crash of the kernel is noticed, and the results before it are there" {
    new_image origin 1M
    uml_job write dev=/dev/origin seed=7
    uml_job exec -- /bin/sh -c 'echo c >/proc/sysrq-trigger'
    uml_job write dev=/dev/origin seed=8
    uml_need
    run -1 uml_boot "origin=$T/origin"
    assert_equal "$(head -n 1 results)" 'ok 256 writes'
    assert_equal "$(wc -l <results)" 1
}

@test "a hang is noticed, and nothing is left running" {
    uml_job exec timeout=1000000 -- /bin/sleep 1000
    uml_need
    # Longer than a boot takes, by far. All processes of the machine inherit the mark.
    UML_MARK=$T UML_TIMEOUT=15 run -1 uml_boot
    assert_equal "$(cat results)" ''
    run cat uml-run.out
    assert_output --partial 'not at the end after 15 s'
    run grep -lsa "UML_MARK=$T" /proc/[0-9]*/environ
    assert_output ''
}

@test "two kernels run side by side" {
    local n
    for n in 1 2; do
        mkdir $n
        new_image $n/origin 1M $n
        new_image $n/cow 2M
        printf '%s\n' 'create name=snap table="0 * snapshot /dev/origin /dev/cow P 8"' \
            "write dev=/dev/mapper/snap seed=7$n" 'crc dev=/dev/mapper/snap' >$n/jobs
    done
    uml_job sync
    uml_boot
    "$UML_RUN" 1/jobs 1/results origin=1/origin cow=1/cow &
    local first=$!
    "$UML_RUN" 2/jobs 2/results origin=2/origin cow=2/cow
    wait $first
    assert_equal "$(tail -n 1 1/results)" end
    assert_equal "$(tail -n 1 2/results)" end
    for n in 1 2; do
        new_image expected 1M 7$n
        assert_equal "$(sed -n 3p $n/results)" "$(uml_host crc dev=expected)"
    done
}

@test "without the kernel, uml-run says why and returns 77" {
    mkdir bin
    local tool
    for tool in bash uname mktemp rm grep dirname realpath; do
        ln -s "$(command -v $tool)" bin/
    done
    echo sync >jobs
    PATH=$T/bin run -77 "$UML_RUN" jobs results
    assert_output --partial 'user-mode-linux is not installed'
    printf '#!/bin/sh\necho 0.0.0\n' >bin/linux.uml
    chmod +x bin/linux.uml
    ln -s /bin/sh bin/sh
    PATH=$T/bin run -77 "$UML_RUN" jobs results
    assert_output --partial 'no modules'
}

@test "a module that is not there from the start can be loaded; one that does not exist is an error" {
    new_image disk 1M
    uml_job module name=dm-zero
    uml_job create name=zero 'table=0 8 zero'
    uml_job remove name=zero
    uml_job_any module name=dm-none
    uml_go "disk=$T/disk"
    assert_equal "$(uml_result 1)" 'ok dm-zero'
    [[ $(uml_result 4) == 'error 2 '* ]]
}
