/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a name means at this moment, beside the file or device that was opened by it, and where that one is now. */
#ifndef DMSNAP_BASE_PRESENT
#define DMSNAP_BASE_PRESENT

#include "lib/base/folder.h"

enum snap_present_name {
    SNAP_PRESENT_SAME,    /* still what was opened; of a block device: the same device, whichever node it is */
    SNAP_PRESENT_OTHER,   /* another file or device */
    SNAP_PRESENT_NOTHING, /* there is nothing under this name */
    SNAP_PRESENT_UNKNOWN  /* it cannot be told: no permission, an error of the file system */
};

struct snap_present {
    enum snap_present_name name;
    bool removed; /* a file without any name: its content ends with the last descriptor */
    char *path;   /* where it is now, the name itself where that is still right; NULL: nobody tells, or it has none */
};

/*
 * Compares `path` with the open `fd`. `folder` (NULL: none) is the open folder in which the file was made as
 * folder->name: it is asked where the descriptor does not tell. A path that the system tells is only believed if it
 * means the same file or device. snap_present_free in any case.
 */
void snap_present_look(struct snap_present *present, const char *path, int fd, const struct snap_folder *folder);

/* The same for a file that is not there yet: whether folder->path still means a name in the open folder. */
void snap_present_look_folder(struct snap_present *present, const struct snap_folder *folder);

void snap_present_free(struct snap_present *present);

#endif
