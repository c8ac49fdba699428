/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The other name of a file on an overlay file system, where the merged view and the upper layer have two inodes. */
#ifndef DMSNAP_DEVICE_OVERLAY
#define DMSNAP_DEVICE_OVERLAY

#include "lib/base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* A path that shows the same bytes as another one. */
struct snap_overlay_name {
    char *path;
    bool perhaps_lower; /* to open it for writing might copy all of it into the upper layer */
};

struct snap_overlay_names {
    struct snap_overlay_name *names;
    size_t count;
    bool hidden; /* the file lies on an overlay whose layers cannot be reached here, so it may have names elsewhere */
};

/*
 * Finds the other names of the open regular file `fd`, which was opened for writing (the file is in the upper layer
 * then): in the upper layer where it was opened through an overlay; in each overlay that shows it, by the name of the
 * upper layer, or by a path with the same end where stat tells the same. The mount table of this process tells.
 * SNAP_E_NOMEM. snap_overlay_free also after a failure.
 */
enum snap_status snap_overlay_find(int fd, struct snap_overlay_names *names, struct snap_error *err);

/*
 * The same for a file of this absolute path, with another mount table, for tests. `mount_id`: of the mount that it was
 * opened through; -1: not known, then the longest mount point in front of the path is taken.
 */
enum snap_status snap_overlay_find_in(const char *mountinfo_path, const char *file_path, int mount_id,
                                      struct snap_overlay_names *names, struct snap_error *err);

/*
 * Whether one of the two, an open file and a path, is on an overlay file system and shows the other one: size, mode and
 * times are the same, to the nanosecond. O_PATH is enough. False for two files of one file system,
 * and for two names of one inode.
 */
bool snap_overlay_shows_same(int fd, const char *path);

void snap_overlay_free(struct snap_overlay_names *names);

#endif
