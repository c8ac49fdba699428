#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapcreate --activate and snapinspect --activate on the real kernel: the devices show the right bytes, what may not
# change does not, and after a failure there is no device.

load lib.bash

# ours PROGRAM ARGUMENT...: its job number is in `last`, what it says in said.$last.
ours() {
    local program=$1
    shift
    last=$((${#uml_jobs[@]} + 1))
    # shellcheck disable=SC2086 # a command with arguments
    uml_job exec "output=$T/said.$last" -- ${WRAPPER:+/usr/bin/env $WRAPPER} "$BUILDDIR/tools/$program" "$@"
}

# exits STATUS JOB: shows what it said where that is another one.
exits() {
    [ "$(uml_result "$2")" = "ok exit $1" ] || { uml_result "$2" && cat "$T/said.$2" && return 1; }
}

said() {
    grep -qF -- "$2" "$T/said.$1" || { cat "$T/said.$1" && return 1; }
}

# The origin o.img, new.img, and the store c.img through which the one looks like the other.
make_pair() {
    new_image o.img $((2047 * 512)) 1
    cp o.img new.img
    uml_host write-random dev=new.img seed=5 count=30 block=512 >/dev/null
    tool snapcreate --quiet --origin o.img --cow c.img --size 2M --from-diff new.img
    cp o.img o.disk
    cp c.img c.disk
}

@test "a view: right, for reading only, and neither origin nor store change by a byte" {
    local last view again dry taken write gone
    make_pair
    ours snapinspect -n --activate view --origin /dev/o /dev/c
    dry=$last
    uml_job_any table name=view
    ours snapinspect --json --quiet --activate view --origin /dev/o /dev/c
    view=$last
    uml_job table name=view
    uml_job cmp dev=/dev/mapper/view "with=$T/new.img"
    uml_job fill dev=/dev/mapper/view seed=9 length=4K
    write=$((${#uml_jobs[@]}))
    ours snapinspect --activate view2 --origin /dev/o /dev/c
    again=$last
    uml_job remove name=view
    uml_job cmp dev=/dev/c "with=$T/c.img"
    uml_job cmp dev=/dev/o "with=$T/o.img"
    uml_job create name=view "table=0 8 linear /dev/d 0"
    ours snapinspect --activate view --origin /dev/o /dev/c
    taken=$last
    uml_job remove name=view
    # Nobody answers for udev in this machine; the library has to find that out by itself.
    uml_job exec "output=$T/said.udev" timeout=60000 -- /usr/bin/env -u DM_DISABLE_UDEV "$BUILDDIR/tools/snapinspect" \
        --activate view --origin /dev/o /dev/c
    uml_job cmp dev=/dev/mapper/view "with=$T/new.img"
    uml_job remove name=view
    # The kernel lacks the memory for chunks of this size: no half-made device stays behind.
    ours snapinspect --json --activate view --origin /dev/large-o /dev/large-c
    gone=$last
    uml_job_any table name=view
    uml_job cmp dev=/dev/c "with=$T/c.img"
    new_image d.disk 64K
    truncate -s 1G large.o
    tool snapcreate --quiet --no-identity --origin large.o --cow large.c --chunk-size 1G --size 3G
    uml_go "o=$T/o.disk" "c=$T/c.disk" "d=$T/d.disk" "large-o=$T/large.o" "large-c=$T/large.c"

    exits 0 "$dry"
    said "$dry" 'would be the view'
    [[ $(uml_result $((dry + 1))) == error* ]]
    exits 0 "$view"
    assert_equal "$(jq -r '"\(.device) \(.result.activated) \(.exit_status)"' "said.$view")" "/dev/c view 0"
    assert_equal "$(sed -n '/^{$/,/^}$/p' "said.$gone" | jq -r '"\(.result) \(.error.status) \(.exit_status)"')" \
        "null no-memory 8"
    grep -q 'to remove it: dmsetup remove view' said.udev
    [[ $(uml_result $((view + 1))) == *" snapshot "*" P 8" ]]
    [[ $(uml_result "$write") == "ok 0 writes, error"* ]]
    exits 8 "$again"
    exits 8 "$taken"
    said "$taken" 'dmsetup remove view'
    exits 8 "$gone"
    said "$gone" 'cannot load the table (dmesg may say more): Cannot allocate memory'
    [[ $(uml_result $((gone + 1))) == error* ]]
    [ "$(uml_result $((gone - 3)))" = "ok exit 0" ]
}

@test "a store that is there with its origin, and a new one beside it while the origin is in use" {
    local last first second full scratch busy view waits mounted
    make_pair
    new_image e.disk 2M 4
    new_image d.disk 2M
    ours snapcreate --activate snap --activate-origin base --origin /dev/o --cow /dev/c
    first=$last
    uml_job cmp dev=/dev/mapper/snap "with=$T/new.img"
    uml_job cmp dev=/dev/mapper/base "with=$T/o.img"
    uml_job write-random dev=/dev/mapper/base count=20 seed=7 block=4096
    uml_job cmp dev=/dev/mapper/snap "with=$T/new.img"
    uml_job copy from=/dev/mapper/base "to=$T/base.img"
    ours snapcreate --print-table PO --activate second --origin /dev/o --cow /dev/d
    second=$last
    uml_job table name=second
    # The kernel keeps the list of this one in memory; what it overwrites has to be given away by name.
    ours snapcreate --print-table N --activate scratch --origin /dev/o --cow /dev/e
    full=$last
    ours snapcreate -f --print-table N --activate scratch --origin /dev/o --cow /dev/e
    scratch=$last
    uml_job table name=scratch
    uml_job write-random dev=/dev/mapper/base count=20 seed=8 block=4096
    uml_job cmp dev=/dev/mapper/scratch "with=$T/base.img"
    uml_job remove name=scratch
    uml_job cmp dev=/dev/mapper/snap "with=$T/new.img"
    uml_job cmp dev=/dev/mapper/second "with=$T/base.img"
    uml_job status name=base
    ours snapcreate --activate third --origin /dev/o --cow /dev/d
    busy=$last
    uml_job remove name=second
    ours snapinspect --activate view --origin /dev/o /dev/d
    view=$last
    # A table that waits there would take effect when the origin goes on.
    uml_job load name=base "table=0 2047 error"
    ours snapcreate --activate third --origin /dev/o --cow /dev/d
    waits=$last
    uml_job exec -- /sbin/dmsetup clear base
    uml_job table name=base
    uml_job remove name=snap
    uml_job remove name=base
    uml_job create name=other "table=0 8 error"
    uml_job load name=other "table=0 8 linear /dev/o 0"
    ours snapcreate --activate snap --origin /dev/o --cow /dev/c
    uml_job remove name=other
    uml_job create name=other "table=0 8 linear /dev/o 0"
    ours snapcreate --activate snap --origin /dev/o --cow /dev/c
    mounted=$last
    uml_job_any table name=snap
    uml_go "o=$T/o.disk" "c=$T/c.disk" "d=$T/d.disk" "e=$T/e.disk"

    exits 0 "$first"
    said "$first" 'which is used as it is'
    said "$first" 'dmsetup remove snap'
    said "$first" 'dmsetup remove base'
    exits 0 "$second"
    [[ $(uml_result $((second + 1))) == *" snapshot "*" PO 8" ]]
    exits 8 "$full"
    said "$full" 'which needs -f'
    exits 0 "$scratch"
    [[ $(uml_result $((scratch + 1))) == *" snapshot "*" N 8" ]]
    exits 8 "$busy"
    said "$busy" 'Nothing was written.'
    exits 8 "$view"
    exits 8 "$mounted"
    said "$mounted" 'in use by other (linear); to remove that: dmsetup remove other'
    exits 8 "$waits"
    said "$waits" 'Nothing was written.'
    said "$waits" 'base: another table waits there for a resume; take it back first: dmsetup clear base'
    [[ $(uml_result $((waits + 2))) == *" snapshot-origin "* ]]
    exits 8 $((mounted - 3))
    said $((mounted - 3)) 'in use by other (linear, loaded, and waits for a resume); to remove that: dmsetup clear other'
    [[ $(uml_result $((mounted + 1))) == error* ]]
}

@test "where udev runs, it makes the nodes, and nothing waits for it afterwards" {
    local last id
    [ -x /lib/systemd/systemd-udevd ] || skip "needs systemd-udevd"
    make_pair
    uml_job exec -- /lib/systemd/systemd-udevd --daemon
    uml_job exec "output=$T/said" timeout=100000 -- /usr/bin/env -u DM_DISABLE_UDEV "$BUILDDIR/tools/snapcreate" \
        --activate snap --activate-origin base --origin /dev/o --cow /dev/c
    uml_job exec "output=$T/nodes" -- /bin/readlink /dev/mapper/snap /dev/mapper/base
    uml_job exec "output=$T/info" -- /usr/sbin/dmsetup info -c --noheadings -o name,uuid,open
    uml_job exec "output=$T/cookies" -- /usr/bin/env -u DM_DISABLE_UDEV dmsetup udevcookies
    uml_job cmp dev=/dev/mapper/snap "with=$T/new.img"
    uml_job exec "output=$T/merged" timeout=100000 -- /usr/bin/env -u DM_DISABLE_UDEV "$BUILDDIR/tools/snapmerge" \
        --kernel --origin /dev/mapper/base --cow /dev/c
    uml_job table name=base
    uml_job cmp dev=/dev/mapper/base "with=$T/new.img"
    uml_job exec "output=$T/left" -- /bin/ls /dev/mapper
    uml_job exec "output=$T/cookies2" -- /usr/bin/env -u DM_DISABLE_UDEV dmsetup udevcookies
    uml_go "o=$T/o.disk" "c=$T/c.disk"
    cat said nodes info cookies merged left cookies2
    [ "$(uml_result 7)" = "ok exit 0" ]
    [[ $(uml_result 8) == *" linear "* ]]
    assert_equal "$(tr '\n' ' ' <left)" "base control "
    [ "$(grep -c 0x cookies2)" -eq 0 ]
    [ "$(uml_result 2)" = "ok exit 0" ]
    [ "$(uml_result 3)" = "ok exit 0" ]
    grep -qx '../dm-0' nodes
    id=$(tool snapinspect --json c.img | jq -r .result.identity.store_id)
    grep -qx "snap:DMSNAP-snapshot-$id:0" info
    [ "$(grep -c 0x cookies)" -eq 0 ]
}
