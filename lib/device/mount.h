/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mount table, line by line, and through which of its mounts a file was opened. */
#ifndef DMSNAP_DEVICE_MOUNT
#define DMSNAP_DEVICE_MOUNT

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

/* One line of mountinfo, as far as it matters here. */
struct snap_mount {
    int id;
    uint64_t number;         /* of the file system, as a dev_t; btrfs shows another one in st_dev */
    char root[PATH_MAX];     /* what of the file system is mounted */
    char target[PATH_MAX];   /* where */
    char type[64];
    char source[PATH_MAX];   /* a device, as a rule; whatever the file system calls it */
    char upper[PATH_MAX];    /* of an overlay: its upper layer; else empty */
};

/* False where the line is none of the mount table. */
bool snap_mount_parse(const char *line, struct snap_mount *mount);

/* The mount that a descriptor was opened through; -1 where the kernel does not tell. */
int snap_mount_id(int fd);

#endif
