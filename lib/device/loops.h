/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All loop devices of the system, and what each of them shows. */
#ifndef DMSNAP_DEVICE_LOOPS
#define DMSNAP_DEVICE_LOOPS

#include "lib/base/error.h"
#include "lib/device/device.h"

#include <stdbool.h>
#include <stddef.h>

/* One that shows a file or a device. */
struct snap_loop {
    char node[32];             /* "/dev/loop0" */
    struct snap_device device; /* backing_device and backing_inode are 0 where the system does not tell them */
    bool held;                 /* for the user of the list, who meets it under several names; false at first */
};

struct snap_loops {
    struct snap_loop *loops;
    size_t count;
};

/*
 * Asks sysfs and the loop devices themselves. Where there is no sysfs, the kernel's list of block devices says which
 * loop devices are in use, and each is asked through its node. SNAP_E_UNSUPPORTED: neither can be had, so nobody knows
 * which files are in use by loop devices. SNAP_E_NOMEM. snap_loops_free also after a failure.
 */
enum snap_status snap_loops_read(struct snap_loops *loops, struct snap_error *err);

/* The same below another root, for tests: sysfs and /proc are read there, and no node is opened. "" is the system. */
enum snap_status snap_loops_read_at(const char *sys_root, struct snap_loops *loops, struct snap_error *err);

/*
 * Whether the system told what this loop device shows: the file itself, or at least its name. An ordinary user is told
 * the name only, and cannot look at a file in a folder that is closed to him: that file is none of his.
 */
bool snap_loops_known(const struct snap_loop *loop);

void snap_loops_free(struct snap_loops *loops);

#endif
