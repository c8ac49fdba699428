# SPDX-License-Identifier: GPL-2.0-or-later
# The real LVM in User Mode Linux.
# shellcheck shell=bash

# Whether there is no LVM on this machine.
lvm_missing() {
    [ ! -x /sbin/lvm ]
}

# In User Mode Linux: LVM without udev, its configuration and locks in /run.
lvm_script() {
    cat <<'END'
exec 2>&1
set -e
export PATH=/usr/sbin:/sbin:/usr/bin:/bin DM_DISABLE_UDEV=1 LVM_SYSTEM_DIR=/run/lvm-etc LVM_SUPPRESS_FD_WARNINGS=1
mkdir -p /run/lvm /run/lock/lvm /run/lvm-etc
cat >/run/lvm-etc/lvm.conf <<'CONF'
activation { udev_sync=0 udev_rules=0 monitoring=0 }
global { use_lvmlockd=0 use_lvmpolld=0 locking_dir="/run/lock/lvm" event_activation=0 }
devices { use_devicesfile=0 scan=["/dev"] obtain_device_list_from_udev=0 hints="none" }
backup { backup_dir="/run/lvm-backup" archive=0 }
CONF
END
}

# lvm_exec SCRIPT: a job that runs the script, which the function of this name prints; what it says is in $S/SCRIPT.out.
lvm_exec() {
    "$1" >"$S/$1.sh"
    uml_job exec "output=$S/$1.out" -- /bin/bash "$S/$1.sh"
}

# lvm_need: the skips of a test with LVM.
lvm_need() {
    ! lvm_missing || skip 'the package lvm2 is not installed'
    [[ " ${LACKS-} " != *' devmapper '* ]] || skip 'this build lacks libdevmapper'
}
