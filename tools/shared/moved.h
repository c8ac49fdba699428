/* SPDX-License-Identifier: GPL-2.0-or-later */
/* At the end of a run: whether the names still mean what was opened, and where that is now. */
#ifndef DMSNAP_TOOLS_SHARED_MOVED
#define DMSNAP_TOOLS_SHARED_MOVED

#include "tools/shared/devices.h"

/*
 * Looks once at the name of a device, and says where it no longer means what was opened. device->path is where that is
 * from then on, so all that is said later, and each line for pasting, is right; device->nameless says that there is no
 * such path. An image or device that has become smaller since it was opened is a failure (device->shrunk), also where
 * nothing had to read what is gone. `written`: this run may have written to it; then a name that means something else,
 * and a file that was removed, are a failure, too. Returns the worst of `exit_status` and that. What was never found
 * is fine.
 */
int moved_say(struct cli *cli, struct device *device, bool written, int exit_status);

/* The same for all of them; those that are open for writing count as written. */
int moved_say_all(struct cli *cli, struct device *const *devices, size_t count, int exit_status);

/*
 * The same for a file that is no device: its descriptor, and the folder in which it was made (NULL: unknown). *path is
 * replaced, and becomes NULL where nobody tells it; it is allocated.
 */
int moved_say_file(struct cli *cli, char **path, int fd, const struct snap_folder *folder, bool written,
                   int exit_status);

/* Where a file of folder->name would be made now: allocated; NULL: nobody tells. */
char *moved_place(const struct snap_folder *folder);

/* Instead of a line for pasting: which name is not known. */
void moved_no_line(struct cli *cli, const char *line, const char *name);

#endif
