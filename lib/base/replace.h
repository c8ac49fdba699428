/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replaces a small text file, durably and as a whole; never a file that is something else. */
#ifndef DMSNAP_BASE_REPLACE
#define DMSNAP_BASE_REPLACE

#include "lib/base/error.h"

/*
 * Whether `path` may be replaced: there is nothing, or a regular file that is empty or begins with `first_line`, the
 * mark of what will be written (with its newline). SNAP_E_REFUSED: it is anything else, a symbolic link among it; the
 * name of a device or image given by mistake ends here. SNAP_E_PERM, SNAP_E_IO. `text`, unless NULL, gets what is in the
 * file, malloc'ed, and NULL where there is none or after a failure. SNAP_E_NOMEM.
 */
enum snap_status snap_replace_check(const char *path, const char *first_line, char **text, struct snap_error *err);

/*
 * A temporary file beside it (`path`.dmsnap-new), fsync, rename, fsync of the folder. After a failure the old file is still
 * there. Symbolic links are not followed. SNAP_E_USAGE: the name is too long; SNAP_E_PERM, SNAP_E_NOSPC, SNAP_E_IO.
 */
enum snap_status snap_replace_file(const char *path, const char *text, struct snap_error *err);

#endif
