#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapmerge --kernel: the kernel merges while the origin is in use. What the devices show, which tables are there
# afterwards, what is refused, and that a merge that nobody waits for is taken over.

load lib.bash

# ours NAME=VALUE... -- PROGRAM ARGUMENT...: its job number is in `last`, what it says in said.$last.
ours() {
    local options=() program
    while [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    program=$2
    shift 2
    last=$((${#uml_jobs[@]} + 1))
    # shellcheck disable=SC2086 # a command with arguments
    uml_job exec "output=$T/said.$last" "${options[@]}" -- ${WRAPPER:+/usr/bin/env $WRAPPER} \
        "$BUILDDIR/tools/$program" "$@"
}

exits() {
    [ "$(uml_result "$2")" = "ok exit $1" ] || { uml_result "$2" && cat "$T/said.$2" && return 1; }
}

said() {
    grep -qF -- "$2" "$T/said.$1" || { cat "$T/said.$1" && return 1; }
}

# make_pair ORIGIN_SECTORS: the origin o.img, new.img, and the store c.img through which the one looks like the other.
make_pair() {
    new_image o.img $(($1 * 512)) 1
    cp o.img new.img
    uml_host write-random dev=new.img seed=5 count=30 block=512 >/dev/null
    tool snapcreate --quiet --origin o.img --cow c.img --size 2M --from-diff new.img
    cp o.img o.disk
    cp c.img c.disk
}

base_up() {
    uml_job create name=base 'table=0 * snapshot-origin /dev/o'
}

@test "merged: the origin holds the snapshot, the store is empty, and the device has a linear table" {
    local last dry run again offline entries
    make_pair 2047
    entries=$(count_entries c.img 8)
    base_up
    ours -- snapmerge -n --kernel --origin /dev/o --cow /dev/c
    dry=$last
    uml_job cmp dev=/dev/c "with=$T/c.img"
    uml_job table name=base
    ours -- snapmerge --json --quiet --kernel --origin /dev/o --cow /dev/c
    run=$last
    uml_job table name=base
    uml_job cmp dev=/dev/mapper/base "with=$T/new.img"
    ours -- snapmerge --kernel --origin /dev/o --cow /dev/c
    again=$last
    uml_job copy from=/dev/c "to=$T/merged"
    uml_job remove name=base
    uml_job cmp dev=/dev/o "with=$T/new.img"
    ours -- snapmerge --origin /dev/o --cow /dev/c
    offline=$last
    uml_go "o=$T/o.disk" "c=$T/c.disk"

    exits 0 "$dry"
    said "$dry" "the kernel would merge $entries entries"
    [[ $(uml_result $((dry + 2))) == *" snapshot-origin "* ]]
    exits 0 "$run"
    [[ $(uml_result $((run + 1))) == *" linear "*" 0" ]]
    assert_equal "$(jq -r '.result | "\(.outcome) \(.entries_merged) \(.entries_left) \(.after.entries)"' "said.$run")" \
        "done $entries 0 0"
    exits 8 "$again"
    said "$again" 'no device of the kind snapshot-origin stands on it'
    exits 0 "$offline"
    [ "$(count_entries c.disk 8)" -eq 0 ]
    # The origin can have been written to meanwhile: nothing is said of its content any more.
    assert_equal "$(tool snapinspect --json c.img | jq -r '.result | "\(.fingerprint.samples) \(.identity.store_id)"')" \
        "192 $(tool snapinspect --json merged | jq -r .result.identity.store_id)"
    assert_equal "$(tool snapinspect --json merged | jq -r .result.fingerprint)" null
}

@test "the store is active as a snapshot, and so is another one: that keeps its view" {
    local last run
    make_pair 2047
    new_image d.disk 2M
    base_up
    uml_job create name=snap 'table=0 * snapshot /dev/o /dev/c PO 8'
    uml_job create name=other 'table=0 * snapshot /dev/o /dev/d P 16'
    # Grown since: what is merged is what it holds now.
    uml_job write dev=/dev/mapper/snap offset=512K length=32K seed=3
    uml_job copy from=/dev/mapper/snap "to=$T/view"
    ours -- snapmerge --progress-json --kernel --origin /dev/mapper/base --cow /dev/c
    run=$last
    uml_job table name=base
    uml_job_any table name=snap
    uml_job cmp dev=/dev/mapper/base "with=$T/view"
    uml_job cmp dev=/dev/mapper/other "with=$T/o.img"
    uml_job exec "output=$T/nodes" -- /bin/ls /dev/mapper
    uml_go "o=$T/o.disk" "c=$T/c.disk" "d=$T/d.disk"

    exits 0 "$run"
    said "$run" '"result":"done"'
    said "$run" '1 other snapshot uses this origin'
    [[ $(uml_result $((run + 1))) == *" snapshot-origin "* ]]
    [[ $(uml_result $((run + 2))) == error* ]]
    assert_equal "$(tr '\n' ' ' <nodes)" "base control other "
}

@test "stopped, the kernel goes on: a file system is used meanwhile; then taken over without the kernel" {
    local last identified stop status offline again taken
    truncate -s 16M o.disk
    mkfs.ext4 -q -E lazy_itable_init=0 o.disk 12M
    truncate -s 16M c.disk
    uml_job create name=snap 'table=0 * snapshot /dev/o /dev/c P 8'
    uml_job mount dev=/dev/mapper/snap dir=/run/mnt fs=ext4
    uml_job make-files dir=/run/mnt seed=1 count=40 size=30K
    uml_job umount dir=/run/mnt
    # Behind the end of the file system: many runs.
    uml_job write-random dev=/dev/mapper/snap offset=12M length=4M count=80 seed=6
    uml_job remove name=snap
    # Its fingerprint would be wrong once the origin is used.
    ours -- snapcreate --identify -y --origin /dev/o --cow /dev/c
    identified=$last
    uml_job exec "output=$T/runs" -- "$BUILDDIR/tools/snapinspect" --json /dev/c
    # Each commit of the merge takes so long that the rest is there for all that follows: a second, for each run of
    # entries. Reads and flushes take no time.
    uml_job create name=slow 'table=0 * delay /dev/c 0 0 /dev/c 0 1000 /dev/c 0 0'
    base_up
    ours kill-dev=/dev/o kill-written=4K kill-signal=15 -- snapmerge --json --kernel --origin /dev/mapper/base \
        --cow /dev/mapper/slow
    stop=$last
    uml_job status name=base
    status=$((last + 1))
    ours -- snapmerge --origin /dev/o --cow /dev/mapper/slow
    offline=$last
    ours -- snapmerge -n --kernel --origin /dev/o --cow /dev/mapper/slow
    again=$last
    uml_job mount dev=/dev/mapper/base dir=/run/mnt fs=ext4
    uml_job check-files dir=/run/mnt seed=1 count=40 size=30K
    uml_job exec -- /bin/mkdir /run/mnt/more
    uml_job make-files dir=/run/mnt/more seed=2 count=10 size=30K
    uml_job umount dir=/run/mnt
    uml_job remove name=base
    uml_job remove name=slow
    ours -- snapmerge --origin /dev/o --cow /dev/c
    taken=$last
    uml_job mount dev=/dev/o dir=/run/mnt fs=ext4
    uml_job check-files dir=/run/mnt seed=1 count=40 size=30K
    uml_job check-files dir=/run/mnt/more seed=2 count=10 size=30K
    uml_job umount dir=/run/mnt
    uml_go "o=$T/o.disk" "c=$T/c.disk"

    exits 0 "$identified"
    said "$identified" 'a record and a fingerprint'
    exits 32 "$stop"
    said "$stop" 'The kernel goes on with the merge. To look: dmsetup status base.'
    said "$stop" 'dmsetup remove base && snapmerge --origin /dev/ubda --cow /dev/mapper/slow'
    [[ $(uml_result "$status") == *" snapshot-merge "* ]]
    exits 8 "$offline"
    exits 0 "$again"
    said "$again" 'merges this store already; the run would wait for it'
    assert_equal "$(sed -n '/^{$/,/^}$/p' "said.$stop" | jq -r .result.outcome)" stopped
    [ "$(jq -r .result.runs runs)" -ge 60 ]
    exits 0 "$taken"
    said "$taken" 'merged '
    [ "$(count_entries c.disk 8)" -eq 0 ]
    e2fsck -fn o.disk >/dev/null
}

@test "a sector that cannot be read: the merge fails, and the rest is merged without the kernel" {
    local last run offline
    make_pair 2047
    uml_job create name=bad "table=0 136 linear /dev/c 0;136 8 error;144 3952 linear /dev/c 144"
    base_up
    ours -- snapmerge --kernel --origin /dev/o --cow /dev/mapper/bad
    run=$last
    uml_job status name=base
    uml_job remove name=base
    ours -- snapmerge --continue-on-error --origin /dev/o --cow /dev/mapper/bad
    offline=$last
    uml_go "o=$T/o.disk" "c=$T/c.disk"

    exits 8 "$run"
    said "$run" "the kernel's merge met an error and does not go on"
    said "$run" 'dmsetup remove base && snapmerge --continue-on-error --origin /dev/o --cow /dev/mapper/bad'
    assert_equal "$(uml_status $((run + 1)))" 'Merge failed'
    exits 4 "$offline"
    [ "$(count_entries c.disk 8)" -eq 1 ]
}

# Of the lines that are printed then, one goes on without the kernel, and the other one with it.
@test "the list cannot be written any more: the merge fails, and both lines lead on; a store that is given up meanwhile" {
    local last way
    make_pair 2048
    cat >run.sh <<'END'
PATH=$2/tools:$PATH
cd "$1"
table() {
    dmsetup load "$1" --table "$2" && dmsetup suspend "$1" && dmsetup resume "$1"
}
set -e
for way in offline kernel; do
    dd if=o.img of=/dev/o bs=1M oflag=direct status=none
    dd if=c.img of=/dev/c bs=1M oflag=direct status=none
    # Each commit takes a second: some are left when writing fails.
    dmsetup create cow --table '0 4096 delay /dev/c 0 0 /dev/c 0 1000 /dev/c 0 0'
    dmsetup create base --table '0 2048 snapshot-origin /dev/o'
    snapmerge -y --json --kernel --origin /dev/o --cow /dev/mapper/cow >$way.json 2>$way.said &
    until dmsetup table base | grep -q snapshot-merge; do sleep 0.1; done
    table cow '0 4096 flakey /dev/c 0 0 3600 1 error_writes'
    wait $! || echo "exit $?" >>$way.said
    dmsetup status base >$way.status
    cp --sparse=never /dev/mapper/base $way.shows
    table cow '0 4096 linear /dev/c 0'
    sed -n "s/^To .*\($([ $way = kernel ] && echo again with || echo without) the kernel\), once nothing uses [^:]*: //p" $way.said >$way.line
    sh -e $way.line >$way.end 2>&1
    cp --sparse=never /dev/o $way.o
    dmsetup table base >$way.table || true
    dmsetup remove base || true
    dmsetup remove cow
done
# The snapshot is removed while the merge that shall have its entries is not resumed yet.
dd if=o.img of=/dev/o bs=1M oflag=direct status=none
dd if=c.img of=/dev/c bs=1M oflag=direct status=none
dmsetup create base --table '0 2048 snapshot-origin /dev/o'
dmsetup create snap --table '0 2048 snapshot /dev/o /dev/c P 8'
dmsetup suspend base
dmsetup suspend snap
dmsetup load base --table '0 2048 snapshot-merge /dev/o /dev/c P 8'
dmsetup remove snap
dmsetup resume base
snapmerge -y --json --kernel --origin /dev/o --cow /dev/c >invalid.json 2>invalid.said || echo "exit $?" >>invalid.said
sed -n 's/.*: \(snapinspect --extract\) FILE/\1 taken/p' invalid.said >invalid.line
sh -e invalid.line >invalid.end 2>&1
END
    uml_job exec timeout=280000 "output=$T/run.out" -- /bin/bash "$T/run.sh" "$T" "$BUILDDIR"
    uml_go "o=$T/o.disk" "c=$T/c.disk"

    tail -n 30 run.out ./*.said ./*.line ./*.end
    assert_equal "$(uml_result 1)" 'ok exit 0'
    for way in offline kernel; do
        grep -q '^exit 8$' $way.said
        grep -q 'Merge failed$' $way.status
        grep -qF "the kernel's merge met an error and does not go on (its state is \"Merge failed\"; dmesg may say more)" $way.said
        assert_equal "$(jq -r '.result.outcome, .exit_status' $way.json | tr '\n' ' ')" 'failed 8 '
        cmp new.img $way.shows
        cmp new.img $way.o
    done
    grep -q linear kernel.table
    grep -q '^exit 4$' invalid.said
    grep -q 'the kernel has given the store up and merges no further' invalid.said
    assert_equal "$(jq -r '.result.outcome, .exit_status' invalid.json | tr '\n' ' ')" 'failed 4 '
    cmp new.img taken
    cmp o.img o.disk
}

# refused TEXT: the next run of the pair refuses with this text, and nothing has changed.
refused() {
    ours -- snapmerge --kernel --origin "${3-/dev/o}" --cow "${2-/dev/c}"
    refusals+=("$last|$1")
}

@test "what is refused: nothing has changed" {
    local last refusals=() refusal
    make_pair 2047
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/unordered.recipe" u.disk x y
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/entry-repeated.recipe" r.disk x y
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/old-beyond-origin.recipe" b.disk x y
    # An entry beyond this origin, too.
    perl -e 'open(my $f, "+<:raw", "b.disk") or die; read($f, my $header, 16); my $chunk = 512 * unpack("x12V", $header);
        seek($f, $chunk, 0); print $f pack("Q<", 1 << 40)'
    truncate -s 1M d.disk e.disk
    new_image x.disk $((2047 * 512)) 9
    refused 'no device of the kind snapshot-origin stands on it'
    uml_job exec -- /usr/sbin/dmsetup create base --uuid LVM-1 --table '0 2047 snapshot-origin /dev/o'
    refused 'lvconvert --merge'
    uml_job remove name=base
    base_up
    uml_job load name=base 'table=0 * snapshot-origin /dev/o'
    refused 'dmsetup clear base'
    uml_job suspend name=base
    uml_job resume name=base
    refused 'not in the order' /dev/u
    refused 'the store is damaged' /dev/r
    refused 'entries lie behind that' /dev/b
    refused 'not a snapshot store' /dev/d
    uml_job create name=wrong 'table=0 * snapshot-origin /dev/x'
    refused 'sampled blocks of this origin are not what they were' /dev/c /dev/x
    uml_job remove name=wrong
    # Another merge into this origin.
    uml_job create name=merge 'table=0 * snapshot-merge /dev/o /dev/e P 8'
    refused 'another store is being merged'
    uml_job remove name=merge
    uml_job create name=over 'table=0 8 linear /dev/mapper/base 0'
    refused 'it is open, and not mounted'
    uml_job remove name=over
    # The kernel would copy nothing for a snapshot of another device that has the same bytes.
    uml_job create name=alias 'table=0 2047 linear /dev/o 0'
    uml_job create name=other 'table=0 2047 snapshot /dev/mapper/alias /dev/e P 8'
    refused 'alias (linear) stands on it beside base'
    uml_job remove name=other
    uml_job remove name=base
    uml_job create name=real 'table=0 2047 linear /dev/o 0'
    uml_job create name=base 'table=0 2047 snapshot-origin /dev/mapper/real'
    uml_job create name=other 'table=0 2047 snapshot /dev/mapper/alias /dev/e P 8'
    refused '/dev/mapper/alias has the same bytes, and is held by' /dev/c /dev/mapper/real
    uml_job remove name=other
    uml_job remove name=alias
    uml_job create name=alias 'table=0 2047 error'
    uml_job load name=alias 'table=0 2047 linear /dev/mapper/real 0'
    refused 'alias (linear) stands on it beside base' /dev/c /dev/mapper/real
    uml_job remove name=alias
    uml_job remove name=base
    uml_job remove name=real
    base_up
    uml_job create name=user 'table=0 8 linear /dev/c 0'
    refused '/dev/c: '
    uml_job create name=snap 'table=0 * snapshot /dev/o /dev/c P 8'
    refused '2 tables use it'
    uml_job remove name=user
    uml_job load name=snap 'table=0 * linear /dev/o 0'
    refused 'dmsetup clear snap'
    uml_job exec -- /usr/sbin/dmsetup clear snap
    uml_job suspend name=snap
    refused 'snap: it is suspended; let it go on first: dmsetup resume snap'
    uml_job resume name=snap
    uml_job create name=over 'table=0 8 linear /dev/mapper/snap 0'
    refused 'snap: it is open or mounted'
    uml_job remove name=over
    uml_job remove name=snap
    uml_job suspend name=base
    refused 'dmsetup resume base'
    uml_job resume name=base
    uml_job remove name=base
    uml_job cmp dev=/dev/c "with=$T/c.img"
    uml_job cmp dev=/dev/o "with=$T/o.img"
    uml_go "o=$T/o.disk" "c=$T/c.disk" "u=$T/u.disk" "d=$T/d.disk" "e=$T/e.disk" "x=$T/x.disk" "r=$T/r.disk" "b=$T/b.disk"

    for refusal in "${refusals[@]}"; do
        echo "$refusal"
        [[ $(uml_result "${refusal%%|*}") == "ok exit "[48] ]]
        said "${refusal%%|*}" "${refusal#*|}"
        said "${refusal%%|*}" 'Nothing was written.'
    done
}

@test "a table that the kernel does not take: the device goes on with the one that it had" {
    local last run
    truncate -s 1G o.disk
    tool snapcreate --quiet --no-identity --origin o.disk --cow c.disk --chunk-size 1G --size 3G
    base_up
    # The kernel lacks the memory for chunks of this size.
    ours -- snapmerge --kernel --origin /dev/o --cow /dev/c
    run=$last
    uml_job exec "output=$T/info" -- /usr/sbin/dmsetup info base
    uml_job table name=base
    uml_job write dev=/dev/mapper/base seed=2 length=4K
    uml_go "o=$T/o.disk" "c=$T/c.disk"

    exits 8 "$run"
    said "$run" 'cannot load the table (dmesg may say more): Cannot allocate memory'
    said "$run" 'No entry of /dev/c was merged.'
    grep -q 'State: *ACTIVE' info
    grep -q 'Tables present: *LIVE$' info
    [[ $(uml_result $((run + 2))) == *" snapshot-origin "* ]]
}

# The devices are found before the user is asked, and asked again afterwards: meanwhile anybody can use them.
@test "what changes while the user is asked: nothing is merged, and all is as it was" {
    local last
    truncate -s 16M o.disk
    mkfs.ext4 -q -E lazy_itable_init=0 o.disk
    cp o.disk new.img
    debugfs -w -R "write $SRCDIR/README.md older" new.img 2>/dev/null
    tool snapcreate --quiet --origin o.disk --cow c.disk --size 16M --from-diff new.img
    cp c.disk c.img
    truncate -s 2M d.disk
    # asked NAME COMMAND: answers yes once the command has run, behind the question.
    cat >run.sh <<END
mkdir -p /dev/pts
[ -e /dev/pts/ptmx ] || mount -t devpts devpts /dev/pts
[ -e /dev/ptmx ] || ln -s pts/ptmx /dev/ptmx
mkdir -p /run/mnt
asked() {
    name=\$1
    shift
    touch $T/\$name.said
    {
        until grep -q 'merge now?' $T/\$name.said || [ -e $T/\$name.end ]; do sleep 0.1; done
        "\$@" >$T/\$name.command 2>&1
        echo \$? >>$T/\$name.command
        echo y
        until [ -e $T/\$name.end ]; do sleep 0.1; done
    } | {
        TERM=dumb script --quiet --return --flush --command '$BUILDDIR/tools/snapmerge --kernel --origin /dev/o \
            --cow /dev/c; echo "exit \$?"' /dev/null >$T/\$name.said 2>&1
        touch $T/\$name.end
    }
    dmsetup table base >$T/\$name.table
    dmsetup info base >$T/\$name.info
}
asked mounted mount -t ext4 -o ro,noload /dev/mapper/base /run/mnt
umount /run/mnt
asked waiting dmsetup load base --table "\$(dmsetup table base)"
dmsetup clear base
asked sibling dmsetup create other --table '0 32768 snapshot /dev/o /dev/d P 8'
dmsetup remove other
linear='0 32768 linear /dev/o 0'
asked beside dmsetup create alias --table "\$linear"
dmsetup remove alias
asked exchanged sh -c "dmsetup suspend base && dmsetup load base --table '\$linear' && dmsetup resume base"
END
    base_up
    uml_job exec "output=$T/run.out" -- /bin/sh "$T/run.sh"
    uml_job cmp dev=/dev/c "with=$T/c.img"
    uml_go "o=$T/o.disk" "c=$T/c.disk" "d=$T/d.disk"

    for last in mounted:'base: it is open or mounted' waiting:'dmsetup clear base' sibling:'are not what they were' \
        beside:'alias (linear) stands on it beside base' \
        exchanged:'no device of the kind snapshot-origin'; do
        head -n 20 "${last%%:*}".*
        assert_equal "$(tail -n 1 "${last%%:*}.command")" 0
        grep -q 'exit 8' "${last%%:*}.said"
        grep -q 'Nothing was written' "${last%%:*}.said"
        grep -qF "${last#*:}" "${last%%:*}.said"
        grep -q 'State: *ACTIVE' "${last%%:*}.info"
        [ "$last" = "${last#exchanged}" ] || continue
        grep -q snapshot-origin "${last%%:*}.table"
    done
    e2fsck -fn o.disk >/dev/null
}

@test "a snapshot that is made while the kernel merges keeps its view" {
    local last made
    make_pair 2048
    truncate -s 2M d.disk
    # Each commit takes two seconds until the other snapshot is there.
    cat >run.sh <<END
$BUILDDIR/tools/snapmerge --kernel -y --origin /dev/o --cow /dev/mapper/slow >$T/merge.said 2>&1 &
until dmsetup table base | grep -q snapshot-merge; do sleep 0.1; done
dmsetup create other --table '0 2048 snapshot /dev/o /dev/d P 8' || exit 90
dmsetup status base >$T/status
dmsetup load slow --table '0 4096 linear /dev/c 0' && dmsetup suspend slow && dmsetup resume slow || exit 91
wait \$!
END
    uml_job create name=slow 'table=0 4096 delay /dev/c 0 0 /dev/c 0 2000 /dev/c 0 0'
    base_up
    uml_job exec "output=$T/run.out" -- /bin/sh "$T/run.sh"
    made=${#uml_jobs[@]}
    uml_job copy from=/dev/mapper/other "to=$T/view"
    uml_job write dev=/dev/mapper/base seed=77 length=64K
    uml_job cmp dev=/dev/mapper/other "with=$T/view"
    uml_job table name=base
    uml_go "o=$T/o.disk" "c=$T/c.disk" "d=$T/d.disk"

    cat run.out merge.said status
    assert_equal "$(uml_result "$made")" 'ok exit 0'
    # It was not complete then.
    [ "$(awk '{ split($4, used, "/"); print (used[1] > $5) }' status)" -eq 1 ]
    grep -q '/dev/mapper/base is a snapshot-origin as before: 1 other snapshot uses this origin' merge.said
    [[ $(uml_result -1) == *" snapshot-origin "* ]]
}

# The library gives a name as it was typed; in /dev/mapper, and for a shell, it is written in another way.
@test "a device whose name has a blank: the lines that are printed can be pasted" {
    local last stop taken
    make_pair 2048
    truncate -s 1M d.disk
    cat >before.sh <<'END'
PATH=$2/tools:$PATH
cd "$1"
# pasted FILE START: runs the rest of the line that begins so.
pasted() {
    grep -o "$2.*" "$1.said" >"$1.line" && sh -e "$1.line"
}
dmsetup create plain --table '0 2048 linear /dev/o 0'
dmsetup create 'my twin' --table '0 2048 linear /dev/o 0'
dmsetup create over --table '0 8 linear /dev/mapper/my\x20twin 0'
snapmerge -n --origin /dev/mapper/plain --cow /dev/c >twin.said 2>&1
dmsetup remove over
dmsetup remove plain
dmsetup remove 'my twin'
dmsetup create my --table '0 8 linear /dev/d 0'
dmsetup create base --table '0 8 linear /dev/d 8'
dmsetup create view --table '0 8 linear /dev/d 16'
set -e
dmsetup create 'my view' --uuid "DMSNAP-view-$3" --table '0 8 linear /dev/d 24'
snapinspect --activate other --origin /dev/o /dev/c >taken.said 2>&1 && exit 90
pasted taken 'dmsetup remove'
dmsetup create 'my base' --table '0 2048 snapshot-origin /dev/o'
dmsetup load 'my base' --table '0 2048 snapshot-origin /dev/o'
snapmerge --kernel --origin /dev/o --cow /dev/c >clear.said 2>&1 && exit 91
pasted clear 'dmsetup clear'
dmsetup suspend 'my base'
snapmerge --kernel --origin /dev/o --cow /dev/c >resume.said 2>&1 && exit 92
pasted resume 'dmsetup resume'
dmsetup create over --table '0 8 linear /dev/mapper/my\x20base 0'
snapmerge --kernel --origin /dev/o --cow /dev/c >open.said 2>&1 && exit 93
dmsetup remove over
dmsetup create slow --table '0 4096 delay /dev/c 0 0 /dev/c 0 1000 /dev/c 0 0'
END
    cat >after.sh <<'END'
PATH=$2/tools:$PATH
cd "$1"
set -e
dmsetup load slow --table '0 4096 linear /dev/c 0'
dmsetup suspend slow
dmsetup resume slow
sed -n 's/.*To look: \(.*\)\. To wait for.*/\1/p' stop.said >look.line
sh -e look.line
sed -n 's/.*once nothing uses .*: \(dmsetup remove .*\)/\1/p' stop.said >over.line
sh -e over.line
dmsetup ls >left
END
    uml_job exec "output=$T/before.out" -- /bin/sh "$T/before.sh" "$T" "$BUILDDIR" \
        "$(tool snapinspect --json c.img | jq -r .result.identity.store_id)"
    ours kill-dev=/dev/o kill-written=4K kill-signal=15 -- snapmerge --kernel --origin /dev/o --cow /dev/mapper/slow
    stop=$last
    uml_job exec -- /bin/ln -s "$T/said.$stop" "$T/stop.said"
    uml_job exec "output=$T/after.out" -- /bin/sh "$T/after.sh" "$T" "$BUILDDIR"
    taken=${#uml_jobs[@]}
    uml_job cmp dev=/dev/o "with=$T/new.img"
    uml_go "o=$T/o.disk" "c=$T/c.disk" "d=$T/d.disk"

    tail -n 30 ./*.said ./*.line ./*.out || true
    exits 0 1
    exits 32 "$stop"
    exits 0 "$taken"
    grep -qF '/dev/mapper/my\x5Cx20base: it is open, and not mounted' open.said
    grep -qF '/dev/mapper/my\x5Cx20base shows the snapshot now' stop.said
    grep -qF 'my\x5Cx20twin has the same bytes' twin.said
    assert_equal "$(sed 's/[[:space:]].*//' left | sort | tr '\n' ' ')" 'base my slow view '
}

# The header of a store in which the kernel could not write says nothing of what the kernel has given up.
@test "a store that the kernel gives up, before and while the user is asked: nothing is merged, and what to do is said" {
    local last unwritten offset
    make_pair 2047
    tool snapcreate --quiet --origin o.img --cow f.disk --size 256K --from-diff new.img
    cat >run.sh <<END
mkdir -p /dev/pts
[ -e /dev/pts/ptmx ] || mount -t devpts devpts /dev/pts
[ -e /dev/ptmx ] || ln -s pts/ptmx /dev/ptmx
dmsetup create base --table '0 2047 snapshot-origin /dev/o'
dmsetup create snap --table '0 2047 snapshot /dev/o /dev/f P 8'
{
    until grep -q 'merge now?' $T/full.said || [ -e $T/full.end ]; do sleep 0.1; done
    # More than there is room for.
    dd if=/dev/urandom of=/dev/mapper/snap bs=4K count=100 oflag=direct
    dmsetup status snap >$T/full.status
    echo y
    until [ -e $T/full.end ]; do sleep 0.1; done
} | {
    touch $T/full.said
    TERM=dumb script --quiet --return --flush --command '$BUILDDIR/tools/snapmerge --kernel --origin /dev/o \
        --cow /dev/f; echo "exit \$?"' /dev/null >$T/full.said 2>&1
    touch $T/full.end
}
dmsetup table base >$T/full.table
dmsetup info base >$T/full.info
dmsetup remove snap
dmsetup remove base
END
    touch full.said
    uml_job exec "output=$T/run.out" -- /bin/sh "$T/run.sh"
    # Each write to the store fails, and so does the one that would mark it.
    uml_job create name=cow 'table=0 * linear /dev/c 0'
    uml_job create name=snap 'table=0 2047 snapshot /dev/o /dev/mapper/cow P 8'
    base_up
    uml_job suspend name=cow
    uml_job load name=cow 'table=0 4096 flakey /dev/c 0 0 3600 1 error_writes'
    uml_job resume name=cow
    for offset in 0 100K 200K 300K 400K 500K; do # some of these chunks are not in the store yet
        uml_job_any write dev=/dev/mapper/snap seed=3 "offset=$offset" length=4K
    done
    uml_job suspend name=cow
    uml_job load name=cow 'table=0 * linear /dev/c 0'
    uml_job resume name=cow
    uml_job status name=snap
    uml_job cmp dev=/dev/c "with=$T/c.img"
    ours -- snapmerge -y --kernel --origin /dev/o --cow /dev/mapper/cow
    unwritten=$last
    uml_job table name=base
    uml_job cmp dev=/dev/c "with=$T/c.img"
    uml_go "o=$T/o.disk" "c=$T/c.disk" "f=$T/f.disk"

    assert_equal "$(uml_status $((unwritten - 2)))" Invalid
    exits 4 "$unwritten"
    said "$unwritten" 'snap: the kernel has given its store up'
    said "$unwritten" 'Nothing was written.'
    said "$unwritten" 'snapinspect --extract FILE --accept=invalid --origin /dev/o /dev/mapper/cow'
    [[ $(uml_result $((unwritten + 1))) == *" snapshot-origin "* ]]
    cat run.out full.said
    grep -q Invalid full.status
    grep -q 'exit 4' full.said
    grep -qF 'Nothing was written' full.said
    grep -qF 'snapinspect --extract FILE' full.said
    grep -q snapshot-origin full.table
    grep -q 'State: *ACTIVE' full.info
}

# Each of them has read all of it before: what it reads afterwards comes from no cache.
@test "the origin is held open by a process, a loop device and a stack: in-use lets it be; a file system is refused" {
    local last name
    make_pair 2048
    truncate -s 4M f.disk
    mkfs.ext4 -q -O ^has_journal -E lazy_itable_init=0 f.disk
    cp f.disk f.img
    tool snapcreate --quiet --origin f.disk --cow e.disk --size 1M
    new_image other.img 1M 8
    cat >run.sh <<'END'
PATH=$2/tools:$PATH
cd "$1"
# merge NAME OPTION...
merge() {
    local status=0
    snapmerge -y --kernel "${@:2}" >$1.said 2>&1 || status=$?
    echo "exit $status" >>$1.said
}
set -e
mkdir -p /run/mnt
dmsetup create files --table '0 8192 snapshot-origin /dev/f'
losetup /dev/loop1 /dev/mapper/files
dmsetup create upper --table '0 8192 linear /dev/loop1 0'
mount /dev/mapper/upper /run/mnt
merge mounted --accept=in-use --origin /dev/f --cow /dev/e
umount /run/mnt
dmsetup remove upper
unshare --mount sh -c "mount /dev/loop1 /run/mnt; touch mounted; until [ -e seen ]; do sleep 0.1; done" &
until [ -e mounted ]; do sleep 0.1; done
merge unseen --accept=in-use --origin /dev/f --cow /dev/e
touch seen
wait $!
losetup -d /dev/loop1

dmsetup create slow --table '0 4096 delay /dev/c 0 0 /dev/c 0 100 /dev/c 0 0'
dmsetup create base --table '0 2048 snapshot-origin /dev/o'
dmsetup create over --table '0 2048 linear /dev/mapper/base 0'
losetup /dev/loop0 /dev/mapper/base
exec 7<>/dev/mapper/base
for name in loop0 mapper/over mapper/base; do
    cmp /dev/$name o.img
done
merge refused --origin /dev/o --cow /dev/mapper/slow
cmp /dev/o o.img
merge merged --accept=in-use --origin /dev/o --cow /dev/mapper/slow &
until dmsetup table base | grep -q snapshot-merge; do sleep 0.1; done
for chunk in 0 100; do
    dd if=other.img of=/dev/loop0 bs=4K skip=$chunk seek=$chunk count=1 conv=fsync status=none
done
wait $!
for name in loop0 mapper/over mapper/base; do
    cp --sparse=never /dev/$name ${name#*/}.shows
done
dd bs=1M count=1 status=none <&7 >process.shows
dmsetup table base >table
END
    uml_job exec timeout=280000 "output=$T/run.out" -- /bin/bash "$T/run.sh" "$T" "$BUILDDIR"
    uml_go "o=$T/o.disk" "c=$T/c.disk" "f=$T/f.disk" "e=$T/e.disk"

    tail -n 20 run.out ./*.said
    assert_equal "$(uml_result 1)" 'ok exit 0'
    for name in mounted:'upper is mounted on /run/mnt; unmount it first' \
        unseen:'loop1 is held by somebody who cannot be seen here' refused:'add --accept=in-use'; do
        grep -qx 'exit 8' "${name%%:*}.said"
        grep -qF "${name#*:}" "${name%%:*}.said"
        grep -q 'Nothing was written' "${name%%:*}.said"
    done
    grep -qx 'exit 0' merged.said
    grep -q '/dev/mapper/base is in use: from now on its users see what the snapshot shows' merged.said
    for name in 0 100; do
        dd if=other.img of=new.img bs=4K skip=$name seek=$name count=1 conv=notrunc status=none
    done
    for name in loop0 over base process; do
        cmp new.img $name.shows
    done
    grep -q linear table
}

# With PO, what was written to a full store failed, and it stays valid; the kernel says nothing else of it any more.
@test "a snapshot that is full, and valid: it is merged, and the run knows when that is complete" {
    local last run
    new_image o.disk 1M 1
    tool snapcreate --quiet --origin o.disk --cow c.disk --size 256K
    base_up
    uml_job create name=snap 'table=0 * snapshot /dev/o /dev/c PO 8'
    uml_job fill dev=/dev/mapper/snap seed=3 length=512K
    uml_job status name=snap
    uml_job copy from=/dev/mapper/snap "to=$T/view"
    ours -- snapmerge --json --kernel --origin /dev/o --cow /dev/c
    run=$last
    uml_job table name=base
    uml_job cmp dev=/dev/mapper/base "with=$T/view"
    uml_go "o=$T/o.disk" "c=$T/c.disk"

    assert_equal "$(uml_status 4)" Overflow
    exits 0 "$run"
    [[ $(uml_result $((run + 1))) == *" linear "* ]]
    assert_equal "$(sed -n '/^{$/,/^}$/p' "said.$run" | jq -r '.result | "\(.outcome) \(.entries_merged) \(.entries_left)"')" \
        'done 62 0'
    [ "$(count_entries c.disk 8)" -eq 0 ]
}

# What a call asks for leaves the same as the one that changes something behind it: each call that changes something is
# one that is not reached.
@test "killed between any two steps: no write to the origin is lost to the snapshot, and the lines lead to the end" {
    local part call state base
    make_pair 2048
    new_image other.img 1M 8
    cat >run.sh <<'END'
PATH=$2/tools:$PATH
cd "$1" || exit 90
traced() {
    strace -f -o "$1" -e trace=ioctl -P /dev/mapper/control "${@:2}"
}
# merge begin|end COMMAND...: a run from the start; or one that finds that the kernel has nothing left to merge.
merge() {
    local table='snapshot-origin /dev/o' store=c.img
    [ "$1" = begin ] || { table='snapshot-merge /dev/o /dev/c P 8' && store=empty.img; }
    dd if=o.img of=/dev/o bs=1M oflag=direct status=none
    dd if=$store of=/dev/c bs=1M oflag=direct status=none
    dmsetup create base --table "0 2048 $table"
    [ "$1" = end ] || dmsetup create snap --table '0 2048 snapshot /dev/o /dev/c P 8'
    "${@:2}" snapmerge -y --no-sandbox --kernel --origin /dev/o --cow /dev/c
}
# Once it can be written to: in a chunk that is in the store, and in one that is not.
use() {
    dmsetup info -c --noheadings -o attr base | grep -q s && return
    dmsetup table base >"used.$1"
    for chunk in 0 100; do
        dd if=other.img of=/dev/mapper/base bs=4K skip=$chunk seek=$chunk count=1 oflag=direct status=none || exit 91
    done
}
for part in begin end; do
    merge $part traced all || exit 92
    cp /dev/c empty.img
    dmsetup remove base
    # How often the kernel is asked meanwhile is not known before.
    sed -n 's/^[^,]*, \(DM_[A-Z_]*\),.*/\1/p' all | grep -nE 'DEV_SUSPEND|DEV_REMOVE|TABLE_LOAD' |
        sed "s/:/ /; s/^/$part /; 5q" >>calls
done
if [ -n "$3" ]; then
    cp calls kills
    cp calls fails
else # before anything is done, and what can only fail as its neighbours do, is left out
    sed -n '2,5p;7,8p' calls >kills
    sed -n '4p;6p' calls >fails
fi
while read -r part call name; do
    merge $part traced /dev/null -e "inject=ioctl:error=ENOMEM:when=$call" >"failed.$part.$call" 2>&1
    echo "exit $?" >>"failed.$part.$call"
    dmsetup info -c --noheadings -o name,attr >>"failed.$part.$call"
    if [ $part = begin ] && [ $name != DM_DEV_REMOVE ]; then
        use failed
        cp --sparse=never /dev/mapper/snap "failed.view.$call"
        dmsetup remove snap
    fi
    dmsetup remove base
done <fails
while read -r part call name; do
    merge $part traced /dev/null -e "inject=ioctl:signal=KILL:when=$call" >"said.$call" 2>&1 && exit 93
    call=$part.$call
    dmsetup info -c --noheadings -o name,attr >>"said.$call"
    for ((i = 0; i < 6; i++)); do
        [ -e "used.$call" ] || use "$call"
        snapmerge -y --no-sandbox --kernel --origin /dev/o --cow /dev/c >said 2>&1 && break
        cat said >>"said.$call"
        sed -n 's/.*: \(dmsetup [a-z]* [a-z]*\)$/\1/p' said >line
        [ -s line ] && sh -e line || break
    done
    cat said >>"said.$call"
    dmsetup ls >"left.$call"
    cp --sparse=never /dev/mapper/base "base.$call"
    dmsetup remove base
    dmsetup remove snap
done <kills
true
END
    uml_job exec timeout=280000 "output=$T/run.out" -- /bin/bash "$T/run.sh" "$T" "$BUILDDIR" \
        "${DMSNAP_LONG-}"
    uml_go "o=$T/o.disk" "c=$T/c.disk"

    cat run.out calls
    assert_equal "$(uml_result 1)" 'ok exit 0'
    [ "$(wc -l <calls)" -ge 8 ]
    for base in o new; do
        cp $base.img $base.written
        for call in 0 100; do
            dd if=other.img of=$base.written bs=4K skip=$call seek=$call count=1 conv=notrunc status=none
        done
    done
    while read -r part call state; do
        echo "failed at the $part was the $state that is call $call:"
        cat "failed.$part.$call"
        if [ "$part" = end ]; then
            grep -qx 'exit 8' "failed.$part.$call"
            grep -qF 'All entries are merged. To give /dev/mapper/base its last table, repeat' "failed.$part.$call"
            continue
        fi
        call=begin.$call
        if [ "$state" = DM_DEV_REMOVE ]; then
            assert_equal "$(tail -n 2 "failed.$call" | tr '\n' ' ')" 'exit 0 base:L--w '
            continue
        fi
        assert_equal "$(tail -n 3 "failed.$call" | tr '\n' ' ')" 'exit 8 base:L--w snap:L--w '
        grep -q 'No entry of /dev/c was merged.\|Nothing was written.' "failed.$call"
        ! grep -q 'not as it was' "failed.$call"
        cmp new.img "failed.view.${call#begin.}"
    done <fails
    while read -r part call state; do
        echo "killed at the $part, before the $state that is call $call:"
        call=$part.$call
        cat "said.$call" "used.$call" "left.$call"
        # What is written before the merge begins is not part of the snapshot; what is written afterwards is.
        base=new.written
        ! grep -q snapshot-origin "used.$call" || base=new.img
        [ "$part" = begin ] || base=o.written
        cmp $base "base.$call"
        case $part.$state in
        begin.DM_TABLE_LOAD) says='base: it is suspended; let it go on first: dmsetup resume base' ;;
        begin.DM_DEV_REMOVE) says='base merges this store already; this only waits for it' ;;
        end.DM_TABLE_LOAD) says='nothing was left to merge' ;;
        *) says= ;;
        esac
        grep -q "$says" "said.$call"
        [ "$(sed 's/[[:space:]].*//' "left.$call")" = base ]
    done <kills
    grep -q 'let the kernel begin, then repeat this command: dmsetup resume base' said.begin.*
}
