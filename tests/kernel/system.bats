#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapinspect --system in a kernel that has snapshots: trees and JSON are held against dmsetup, losetup, the mount
# table, and lvs.
#
# setup_file boots once; each scene is looked at by dmsetup and by us, and each test judges one promise.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154

load lib.bash

# dmsetup comes with LVM; arrays are left out where this machine has no mdadm.
no_dmsetup() {
    [ ! -x /sbin/dmsetup ]
}

no_mdadm() {
    [ ! -x /sbin/mdadm ]
}

# What each script in User Mode Linux begins with. cut NAME SECTORS: the next part of /dev/disk, zeros, as a device.
guest_script() {
    cat <<END
exec 2>&1
trap 'echo "\$SECONDS s"' EXIT
S=$S
inspect="${WRAPPER:+/usr/bin/env $WRAPPER} $BUILDDIR/tools/snapinspect"
END
    cat <<'END'
set -e
export PATH=/usr/sbin:/sbin:/usr/bin:/bin DM_DISABLE_UDEV=1 LC_ALL=C
mkdir -p /run/img "/run/a view"
cut() {
    local at=0
    [ ! -e /run/next ] || at=$(</run/next)
    dmsetup create "$1" --table "0 $2 linear /dev/disk $at"
    echo $((at + $2)) >/run/next
}
# What dmsetup and others say, and what we say.
look() {
    dmsetup table >"$S/$1.table"
    dmsetup status >"$S/$1.status"
    dmsetup table --inactive >"$S/$1.inactive"
    losetup --list --noheadings --raw -O NAME,BACK-FILE | sort >"$S/$1.loops"
    cat /proc/self/mountinfo >"$S/$1.mounts"
    $inspect --system --json >"$S/$1.json" 2>"$S/$1.json.said" || true
    $inspect --system >"$S/$1.text" 2>"$S/$1.said" || echo "exit status $?" >>"$S/$1.said"
}
END
}

# A file system on an array over loop devices over files; snapshots of it, and of what its snapshot-origin shows; a
# snapshot of an image that is only read.
deep() {
    guest_script
    cat <<'END'
mount /dev/files /run/img
cd /run/img
truncate -s 16M leg1 leg2
truncate -s 4M store media
for n in '1 leg1' '3 store' '4 media'; do
    losetup /dev/loop${n% *} ${n#* }
done
array=/dev/loop1
if [ -x /sbin/mdadm ]; then
    array=/dev/md0
    losetup /dev/loop2 leg2
    mdadm --create /dev/md0 --run --quiet --metadata=1.0 --assume-clean --level=1 --raid-devices=2 /dev/loop1 /dev/loop2
fi
dmsetup create base-real --table "0 16384 linear $array 0"
mke2fs -q -t ext4 -E lazy_itable_init=0,lazy_journal_init=0 /dev/mapper/base-real
dmsetup create base --table '0 16384 snapshot-origin /dev/mapper/base-real'
dmsetup create view --table '0 16384 snapshot /dev/mapper/base-real /dev/loop3 P 8'
cut cow2 800
dmsetup create view2 --table '0 16384 snapshot /dev/mapper/base-real /dev/mapper/cow2 PO 16'
cut cow3 800
dmsetup create higher --table '0 16384 snapshot /dev/mapper/base /dev/mapper/cow3 N 8 1 discard_zeroes_cow'
cut cow4 800
dmsetup create 'live media' --table '0 8192 snapshot /dev/loop4 /dev/mapper/cow4 N 8'
mkdir -p $'/run/hi\tgh'
mount -o ro /dev/mapper/higher $'/run/hi\tgh'
mount -o ro "/dev/mapper/view" "/run/a view"
dmsetup create part --table '0 512 linear /dev/mapper/view2 0'
[ ! -x /sbin/mdadm ] || mdadm --build /dev/md1 --run --quiet --level=1 --raid-devices=2 /dev/mapper/part missing
losetup --read-only /dev/loop5 /dev/mapper/view2
look deep
$inspect --system --raw --noheadings --bytes -o NUMBER,KNAME,DM,ALLOCATED,TOTAL,METADATA,TYPE,NAME >"$S/deep.raw"
END
}

# Each state that the kernel has a word for.
states() {
    guest_script
    cat <<'END'
pair() {
    cut "$1.origin" 8192
    cut "$1.cow" "$2"
}
put() {
    dd if=/dev/zero "of=/dev/mapper/$1" bs=4096 "count=$2" oflag=direct status=none
}
snapshot() {
    echo "0 8192 snapshot /dev/mapper/$1.origin /dev/mapper/$1.cow $2 8"
}
merge() {
    echo "0 8192 snapshot-merge /dev/mapper/$1.origin /dev/mapper/$1.cow P 8"
}
pair invalid 32
dmsetup create invalid --table "$(snapshot invalid P)"
put invalid 4 || true
pair overflow 32
dmsetup create overflow --table "$(snapshot overflow PO)"
put overflow 4 || true
pair full 40
dmsetup create full --table "$(snapshot full P)"
put full 3
pair merged 400
dmsetup create merged --table "$(merge merged)"
pair failed 400
dmsetup create failed --table "$(snapshot failed P)"
put failed 3
dmsetup remove failed
# The data of the store cannot be read from here on.
{
    dmsetup table failed.cow | sed 's/^0 400/0 16/'
    echo 16 384 error
} >/run/table
dmsetup load failed.cow /run/table
dmsetup suspend failed.cow
dmsetup resume failed.cow
dmsetup create failed --table "$(merge failed)"
pair stuck 400
printf 'SnAp\0\0\0\0\1\0\0\0\10\0\0\0' | dd of=/dev/mapper/stuck.cow conv=notrunc status=none
dmsetup create stuck --table "$(merge stuck)"
pair two 400
dmsetup create two.first --table "$(snapshot two P)"
cut two.another 8192
dmsetup create two.second --table "0 8192 snapshot /dev/mapper/two.another /dev/mapper/two.cow P 8"
pair waiting 400
dmsetup create waiting --table "$(snapshot waiting P)"
dmsetup suspend waiting
pair loaded 400
dmsetup create loaded --notable
dmsetup load loaded --table "$(snapshot loaded P)"
pair other 400
dmsetup create other --table "$(snapshot other P)"
dmsetup load other --table "0 8192 linear /dev/mapper/other.origin 0"
pair swapped 400
dmsetup create swapped.now --table "0 8192 snapshot-origin /dev/mapper/swapped.origin"
dmsetup create swapped --table "$(snapshot swapped P)"
dmsetup load swapped.now --table "$(merge swapped)"
until dmsetup status merged | grep -q ' 16/400 16$' && dmsetup status failed | grep -q failed; do
    sleep 0.1
done
look states
END
}

# A merge whose writes to the origin take long.
merging() {
    guest_script
    cat <<'END'
at=$(</run/next)
echo $((at + 32768)) >/run/next
dmsetup create slow --table "0 32768 delay /dev/disk $at 0 /dev/disk $at 300"
cut slow.cow 16384
dmsetup create filled --table '0 32768 snapshot /dev/mapper/slow /dev/mapper/slow.cow P 8'
END
}

# Many chunks that do not lie side by side were written between the two. A device goes away while we wait for the second
# look, where strace holds us.
merge() {
    guest_script
    cat <<'END'
dmsetup remove filled
dmsetup create merge --table '0 32768 snapshot-merge /dev/mapper/slow /dev/mapper/slow.cow P 8'
dmsetup status merge >"$S/merging.before"
look merging
dmsetup status merge >"$S/merging.after"
strace -D -f -o /run/trace -e trace=nanosleep,clock_nanosleep \
    -e inject=nanosleep,clock_nanosleep:delay_enter=600000000:when=1 \
    $inspect --no-sandbox --system >"$S/gone.text" 2>"$S/gone.said" &
pid=$!
until grep -q nanosleep /run/trace || ! kill -0 "$pid"; do
    sleep 0.05
done
dmsetup remove merge
kill -KILL "$(sed -n 's/^TracerPid:\t\([1-9]\)/\1/p' "/proc/$pid/status")" || true
wait "$pid" || echo "exit status $?" >>"$S/gone.said"
END
}

# Volumes of LVM: snapshots with other chunk sizes, one that is full, a merge that is complete and waits for LVM,
# and one of a store that is invalid. What is said to be done about the two is done.
lvm() {
    guest_script
    cat <<'END'
export LVM_SYSTEM_DIR=/run/lvm-etc LVM_SUPPRESS_FD_WARNINGS=1
mkdir -p /run/lvm /run/lock/lvm /run/lvm-etc
cat >/run/lvm-etc/lvm.conf <<'CONF'
activation { udev_sync=0 udev_rules=0 monitoring=0 polling_interval=1 }
global { use_lvmlockd=0 use_lvmpolld=0 locking_dir="/run/lock/lvm" event_activation=0 }
devices { use_devicesfile=0 scan=["/dev"] filter=["a,^/dev/pv$,", "r,.*,"] obtain_device_list_from_udev=0 hints="none" }
backup { backup_dir="/run/lvm-backup" archive=0 }
CONF
lvm pvcreate -q -f -y /dev/pv
lvm vgcreate -q -s 64K vg /dev/pv
create() {
    lvm lvcreate -q -y -Zn -Wn "$@"
}
create -l 32 -n one vg
create -l 32 -n two vg
create -l 32 -n three vg
lvm lvcreate -q -y -s -c 4K -l 12 -n my-snap vg/one
lvm lvcreate -q -y -s -c 16K -l 40 -n other vg/one
lvm lvcreate -q -y -s -c 4K -l 2 -n lost vg/one
lvm lvcreate -q -y -s -c 8K -l 20 -n merging vg/two
dd if=/dev/urandom of=/dev/mapper/vg-my--snap bs=4096 count=7 oflag=direct status=none
dd if=/dev/urandom of=/dev/mapper/vg-one bs=65536 count=5 oflag=direct status=none
lvm lvcreate -q -y -s -c 4K -l 2 -n stuck vg/three
dd if=/dev/urandom of=/dev/mapper/vg-three bs=65536 count=5 oflag=direct status=none
lvm lvchange -q -an vg/two vg/three
lvm lvconvert -q -y --merge vg/merging vg/stuck
lvm lvchange -q -ay --poll n vg/two vg/three
until dmsetup status vg-two | grep -q ' 32/2560 32$'; do
    sleep 0.1
done
lvm lvs --noheadings --units s --nosuffix --separator ' ' -o vg_name,lv_name,origin,chunk_size,snap_percent \
    -S 'origin!=""' vg >"$S/lvm.lvs"
look lvm
lvm lvremove -q -y vg/stuck
# LVM polls in the background.
lvm lvchange -q --poll y vg/two
until lvm lvs --noheadings -o lv_name -a vg >"$S/lvm.afterwards" && ! grep -q merging "$S/lvm.afterwards"; do
    sleep 0.1
done
END
}

# Who is not root may not ask. The device with the number that strace sees asked for in its second request about tables
# is gone, or cannot be read.
odd() {
    guest_script
    cat <<'END'
chmod 755 /run
cp "${inspect##* }" /run/snapinspect
setpriv --reuid=65534 --regid=65534 --clear-groups ${inspect% *} /run/snapinspect --system >"$S/user.text" \
    2>"$S/user.said" || echo "exit status $?" >>"$S/user.said"
setpriv --reuid=65534 --regid=65534 --clear-groups ${inspect% *} /run/snapinspect --system --json >"$S/user.json" \
    2>/dev/null || true
for error in ENXIO EIO; do
    strace -f --seccomp-bpf -o /run/trace -e trace=ioctl -P /dev/mapper/control -e "inject=ioctl:error=$error:when=4" \
        $inspect --no-sandbox --system --json >"$S/$error.json" 2>"$S/$error.said" || true
    grep INJECTED /run/trace >"$S/$error.trace" || true
done
strace -f --seccomp-bpf -o "$S/opened" -e trace=open,openat,openat2,creat $inspect --no-sandbox --system >/dev/null 2>&1
dmsetup table >"$S/odd.table"
# Without sysfs.
unshare --mount /bin/bash -c "mount -t tmpfs none /sys && $inspect --system" >"$S/nosys.text" 2>"$S/nosys.said" ||
    echo "exit status $?" >>"$S/nosys.said"
END
}

guest_exec() {
    "$1" >"$S/$1.sh"
    uml_job exec "output=$S/$1.out" -- /bin/bash "$S/$1.sh"
}

setup_file() {
    uml_setup_file || return 0
    [ "${SANITIZERS-}" != yes ] || return 0
    ! no_dmsetup || return 0
    truncate -s 128M "$S/disk"
    truncate -s 64M "$S/files" "$S/pv"
    mke2fs -q -t ext4 -F "$S/files"
    uml_job module name=md-mod
    uml_job module name=raid1
    guest_exec deep
    guest_exec states
    guest_exec merging
    uml_job write-random dev=/dev/mapper/filled seed=3 count=900 block=4096
    guest_exec merge
    guest_exec odd
    [ ! -x /sbin/lvm ] || guest_exec lvm
    uml_go "disk=$S/disk" "files=$S/files" "pv=$S/pv"
    cat "$S"/*.out
    ! grep -l '^ok exit [1-9]' "$S/results"
}

setup() {
    [ "${SANITIZERS-}" != yes ] || skip "AddressSanitizer cannot start in User Mode Linux"
    [[ " ${LACKS-} " != *' devmapper '* ]] || skip "this build lacks libdevmapper"
    ! no_dmsetup || skip "needs dmsetup, which comes with LVM"
    uml_setup
}

# said SCENE: what our program said, and not what a program around it did.
said() {
    grep -E '^(snapinspect: |exit status )' "$S/$1.said" || true
}

need_json() {
    [[ " ${LACKS-} " != *' json-c '* ]] || skip "this build lacks json-c"
}

# of SCENE FILTER: the filter's texts for each device in the trees, which is `.`, its parent being $parent; sorted.
of() {
    jq -r "def devices(\$parent): {device: ., parent: \$parent}, (. as \$me | (.below[], .above[], (.cow // empty)) | devices(\$me));
        .result.origins[] | devices(null) | .parent as \$parent | .device | $2" "$S/$1.json" | sort
}

# A line of a table as dmsetup shows it; the origin is the parent.
TABLE='"\(.dm_name): \(.target.start_sectors) \(.target.length_sectors) \(.target.type) \($parent.number)" +
    if .cow then " \(.cow.number) \(.target.persistence) \(.target.chunk_sectors)" else "" end +
    if .target.discard_zeroes_cow then " 1 discard_zeroes_cow" else "" end'
# The same of a status line.
STATUS='"\(.dm_name): \(.target.start_sectors) \(.target.length_sectors) \(.target.type) " +
    if .target.type == "snapshot-origin" then ""
    elif .target.total_sectors then "\(.target.allocated_sectors)/\(.target.total_sectors) \(.target.metadata_sectors)"
    else {"invalid": "Invalid", "overflow": "Overflow", "merge-failed": "Merge failed"}[.target.state] end'

# of_dmsetup SCENE.KIND: the lines about snapshot targets.
of_dmsetup() {
    grep -E '^[^:]*: [0-9]+ [0-9]+ snapshot(-origin|-merge)? ' "$S/$1" | sort
}

scenes() {
    echo deep states
    [ ! -x /sbin/lvm ] || echo lvm
}

@test "each table and each status of a snapshot is as dmsetup shows it, and none is missing" {
    need_json
    local scene
    for scene in $(scenes); do
        assert_equal "$(of "$scene" "select(.target.active) | $TABLE")" "$(of_dmsetup "$scene.table")"
        assert_equal "$(of "$scene" "select(.target.active) | $STATUS")" "$(of_dmsetup "$scene.status")"
        assert_equal "$(of "$scene" "select(.target.active == false) | $TABLE")" "$(of_dmsetup "$scene.inactive" || true)"
        assert_equal "$(jq -c '[.result.device_mapper, .result.unread, .exit_status]' "$S/$scene.json")" '[true,[],0]'
    done
    [ "$(of_dmsetup states.table | wc -l)" -ge 14 ]
    [ "$(of_dmsetup states.inactive | wc -l)" -eq 2 ]
}

# The tree as it is on this machine: without mdadm the first loop device stands where the array was.
without_arrays() {
    if no_mdadm; then
        sed -E '/md[01]|leg2|loop2/d; s/^[|] [|]-loop1 /|-loop1   /; s/^[|] [|] `-(.*leg1)/| `-\1  /; s/^(.{36}) /\1/'
    else
        cat
    fi
}

@test "a tree: arrays, loop devices and files below, snapshots of what a snapshot-origin shows, mount points above" {
    assert_equal "$(sed 's/ *$//' "$S/deep.text")" "$(without_arrays <<'END'
NAME                 TYPE                SIZE CHUNK P  USED STATE
loop4                origin loop        4 MiB
|-/run/img/media     file
`-live media         snapshot           4 MiB 4 KiB N  0.00 0/800 0
  `-cow4             cow linear       400 KiB
    `-ubda           on disk          128 MiB
base-real            origin linear      8 MiB
|-md0                on raid1        15.9 MiB
| |-loop1            on loop           16 MiB
| | `-/run/img/leg1  file
| `-loop2            on loop           16 MiB
|   `-/run/img/leg2  file
|-base               snapshot-origin    8 MiB               active
| `-higher           snapshot           8 MiB 4 KiB N  0.00 0/800 0
|   |-/run/hi\x09gh  mount point
|   `-cow3           cow linear       400 KiB
|     `-ubda         on disk          128 MiB
|-view               snapshot           8 MiB 4 KiB P  0.00 16/8192 16
| |-/run/a view      mount point
| `-loop3            cow loop           4 MiB
|   `-/run/img/store file
`-view2              snapshot           8 MiB 8 KiB PO 0.00 32/800 32
  |-cow2             cow linear       400 KiB
  | `-ubda           on disk          128 MiB
  |-part             linear           256 KiB
  | `-md1            raid1            256 KiB
  `-loop5            loop               8 MiB
END
    )"
    assert_equal "$(said deep)" ""
    [ "$(awk 'length > 80' "$S/deep.text" | wc -l)" -eq 0 ]
}

@test "columns by name, raw and in bytes" {
    assert_equal "$(grep ' view2\? ' "$S/deep.raw")" \
        '254:2 dm-2 view 8192 4194304 8192 snapshot |-view
254:4 dm-4 view2 16384 409600 16384 snapshot `-view2'
}

@test "files are those of losetup, mount points those of the mount table" {
    need_json
    assert_equal "$(of deep 'select(.backing_file) | "/dev/\(.kernel_name) \(.backing_file)"')" "$(cat "$S/deep.loops")"
    [ "$(wc -l <"$S/deep.loops")" -ge 4 ]
    # 254 is device-mapper; of other devices, none that has a snapshot is mounted.
    assert_equal "$(of deep '.number + " " + .mounts[]' | uniq)" \
        "$(printf '%b\n' "$(awk '$3 ~ /^254:/ { print $3, $5 }' "$S/deep.mounts" | sed 's/\\/\\0/g')" | sort)"
    [ "$(grep -c ' 254:' "$S/deep.mounts")" -eq 2 ]
    no_mdadm || assert_equal "$(of deep 'select(.md_level) | "\(.name) \(.kind) \(.md_level) \([.below[].name] | join(" "))"')" \
        "$(printf '%s\n' 'md0 md raid1 loop1 loop2' 'md1 md raid1 ')"
}

@test "each state has its word, and what to do next" {
    need_json
    assert_equal "$(of states 'select(.target.state != "active") | select(.target) | "\(.dm_name) \(.target.state)"')" \
        "$(printf '%s\n' 'failed merge-failed' 'full full' 'invalid invalid' 'loaded inactive' 'merged merged' \
            'overflow overflow' 'stuck invalid' 'swapped.now inactive')"
    assert_equal "$(of states 'select(.suspended) | .name')" waiting
    assert_equal "$(of states 'select(.inactive_table) | .name')" "$(printf '%s\n' loaded other swapped.now swapped.now)"
    assert_equal "$(of states 'select(.target.store_users > 1) | .name')" "$(printf '%s\n' two.first two.second)"
    local name next
    while IFS='|' read -r name next; do
        grep -q "^snapinspect: $name: .*$next" "$S/states.said" || { echo "not said: $name: $next"; return 1; }
    done <<'END'
invalid|snapinspect --origin /dev/mapper/invalid.origin /dev/mapper/invalid.cow; .*dmsetup remove invalid$
overflow|writes to the snapshot fail, reads go on; .*dmsetup remove overflow, make /dev/mapper/overflow.cow larger
full|the next chunk that needs room there makes it invalid
merged|the merge is complete; .*dmsetup load merged, dmsetup resume merged$
failed|nothing is lost: dmsetup remove failed, .*snapcheck --origin /dev/mapper/failed.origin /dev/mapper/failed.cow$
stuck|nothing is merged, .*load a linear table over /dev/mapper/stuck.origin into stuck$
two.first|2 active tables use the store /dev/mapper/two.cow
two.second|2 active tables use the store /dev/mapper/two.cow
waiting|suspended, .*dmsetup resume waiting$
loaded|loaded and not active: dmsetup resume loaded .*dmsetup clear loaded
other|another table (linear) is loaded and not active
swapped.now|this table is loaded and not active
END
    assert_equal "$(said states | wc -l)" 12
    # The same in JSON.
    assert_equal "$(of states 'select(.target.next) | "snapinspect: \(.name): \(.target.next)"')" "$(said states | sort)"
}

@test "a merge: figures between two of dmsetup, what is left, and the rate of two looks" {
    need_json
    local before after allocated left rate
    before=$(sed 's,.*merge \([0-9]*\)/.*,\1,' "$S/merging.before")
    after=$(sed 's,.*merge \([0-9]*\)/.*,\1,' "$S/merging.after")
    allocated=$(of merging 'select(.target.state == "merging") | .target.allocated_sectors')
    left=$(of merging 'select(.target.state == "merging") | .target.left_sectors + .target.metadata_sectors')
    [ "$before" -ge "$allocated" ]
    [ "$allocated" -ge "$after" ]
    assert_equal "$left" "$allocated"
    # A look takes a second or more, and no more can be merged in it than in all the time. It may be nothing.
    rate=$(of merging 'select(.target.state == "merging") | .target.bytes_per_second')
    [ "$rate" -ge 0 ]
    [ "$rate" -le $(((before - after) * 512)) ]
    grep -qE '^`-merge +snapshot-merge +16 MiB +4 KiB P +[0-9.]+ merging [0-9.]+ (bytes?|KiB)/s *$' "$S/merging.text"
    grep -qE '^snapinspect: merge: the merge has [0-9.]+ MiB left to copy, and copies [0-9.]+ (bytes?|KiB) in a second$' \
        "$S/merging.said"
}

@test "a merge that goes away between the two looks is named, with the reason, and all else is shown" {
    grep -qx 'snapinspect: warning: merge: it went away, or got another table, during the look' "$S/gone.said"
    assert_equal "$(tail -n 1 "$S/gone.said")" "exit status 8"
    grep -qE '^`-merge +snapshot-merge .* merging *$' "$S/gone.text"
    assert_equal "$(grep ' snapshot' "$S/gone.text" | grep -v '^`-merge ')" "$(grep ' snapshot' "$S/states.text")"
}

@test "who may not open the control node is told so" {
    assert_equal "$(said user)" \
        "$(printf '%s\n' 'snapinspect: device-mapper: cannot open /dev/mapper/control: Permission denied' \
            'snapinspect: as a rule only root may ask device-mapper: repeat the command as root' 'exit status 8')"
    assert_equal "$(cat "$S/user.text")" ""
    need_json
    assert_equal "$(jq -c '[.error.status, .exit_status]' "$S/user.json")" '["no-permission",8]'
}

# The fourth request is the second one about the first device that the kernel lists.
@test "a device that is gone is left out, one that cannot be read is named" {
    need_json
    grep -q INJECTED "$S/ENXIO.trace" || skip "strace cannot do this here"
    assert_equal "$(jq -c '[.result.unread, .exit_status]' "$S/ENXIO.json")" '[[],0]'
    assert_equal "$(jq -c '[(.result.unread | length), .result.unread[0].reason, .exit_status]' "$S/EIO.json")" \
        '[1,"device-mapper: asking for a table failed: Input/output error",8]'
    grep -q "^snapinspect: warning: .*: device-mapper: asking for a table failed: Input/output error$" "$S/EIO.said"
}

@test "nothing is opened for writing but the control node, and no table is changed" {
    grep -q '"/dev/mapper/control", O_RDWR' "$S/opened"
    [ "$(grep -c '"/sys/dev/block/' "$S/opened")" -gt 50 ]
    assert_equal "$(grep -E 'O_WRONLY|O_RDWR|O_CREAT' "$S/opened" | grep -vE '"/(dev/mapper/control|proc/self/fd/[12])"' || true)" ""
    assert_equal "$(grep -vE '^(slow|merge:)' "$S/odd.table")" "$(cat "$S/states.table")"
}

@test "without sysfs, what device-mapper tells is shown, and what sysfs would tell is named" {
    assert_equal "$(tail -n 1 "$S/nosys.said")" "exit status 8"
    grep -qx 'snapinspect: warning: view: 254:2: sysfs does not know this device' "$S/nosys.said"
    grep -qx 'snapinspect: warning: 7:3: 7:3: sysfs does not know this device' "$S/nosys.said"
    assert_equal "$(grep ' snapshot' "$S/nosys.text" | tr -s ' |`-' ' ' | grep -v ' higher' | sort)" \
        "$(grep ' snapshot' "$S/states.text" | tr -s ' |`-' ' ' | grep -v ' higher' | sort)"
}

@test "volumes of LVM have their names, and chunk sizes and per cent as lvs shows them" {
    [ -x /sbin/lvm ] || skip "needs LVM"
    need_json
    assert_equal "$(of lvm 'select(.lvm and .target.type == "snapshot") |
        "\(.lvm | sub("/"; " ")) \($parent.lvm | sub(".*/"; "")) \(.target.chunk_sectors) \(.target.used_percent)"')" \
        "$(sed 's/^ *//' "$S/lvm.lvs" | sort)"
    [ "$(wc -l <"$S/lvm.lvs")" -eq 3 ]
    assert_equal "$(of lvm 'select(.lvm) | .name' | sort -u | tr '\n' ' ')" \
        "vg/lost vg/lost-cow vg/merging-cow vg/my-snap vg/my-snap-cow vg/one vg/one-real vg/other vg/other-cow vg/stuck-cow vg/three vg/three-real vg/two vg/two-real "
    grep -q '^snapinspect: vg/lost: .*: lvremove vg/lost$' "$S/lvm.said"
    # What is said about a complete merge is what LVM needs.
    grep -q '^snapinspect: vg/two: .*: lvchange --poll y vg/two$' "$S/lvm.said"
    grep -q '^snapinspect: vg/three: .*nothing is merged, .*: lvremove vg/stuck$' "$S/lvm.said"
    assert_equal "$(sort "$S/lvm.afterwards" | tr -s ' \n' ' ')" " lost my-snap one other three two "
}

@test "each member that is printed is named in the manual" {
    need_json
    sed -n 's/^\.It Li //p; s/^\.Li //p' "$SRCDIR/man/snapinspect.8" "$SRCDIR/man/dmsnap.7" | tr ' ' '\n' |
        grep -E '^[a-z_]+$' | sort -u >names
    jq -r '[.. | objects | keys[]] | .[]' "$S"/*.json | sort -u >printed
    [ "$(wc -l <printed)" -gt 40 ]
    assert_equal "$(comm -23 printed names)" ""
}
