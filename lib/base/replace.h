/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small text file that is replaced durably and as a whole; never a file that is something else. */
#ifndef DMSNAP_BASE_REPLACE
#define DMSNAP_BASE_REPLACE

#include "lib/base/folder.h"

struct snap_replace {
    struct snap_folder *folder;
    struct snap_folder_entry old; /* what has the name: nothing, a file of this kind, or what was written last */
    int old_fd;                   /* keeps that file's inode number from being another's; -1: none */
    char *text;                   /* what was in it when it was opened, NUL terminated; NULL: there was no file */
    uint64_t text_bytes;
    bool written;                 /* the file has a new content, also where a failure was told */
};

/*
 * Opens the folder of `path` for all that follows. The file may be replaced where there is none, or where it is a
 * regular file that is empty or begins with `first_line`, the mark of what will be written (with its newline).
 * SNAP_E_REFUSED: it is anything else, a symbolic link among it; the name of a device or image given by mistake ends
 * here; or it has more than `text_bytes_max` bytes. SNAP_E_USAGE, SNAP_E_NOENT (the folder), SNAP_E_PERM, SNAP_E_IO,
 * SNAP_E_NOMEM.
 */
enum snap_status snap_replace_open(struct snap_replace **file, const char *path, const char *first_line,
                                   uint64_t text_bytes_max, struct snap_error *err);

/*
 * Replaces all of the text: a new file, flushed, takes the name. After a failure the old file is there, or the new one
 * (then `written` is set); never a part of one. SNAP_E_REFUSED: the name has become another file's, which is left
 * alone. SNAP_E_PERM, SNAP_E_NOSPC, SNAP_E_IO, SNAP_E_NOMEM.
 */
enum snap_status snap_replace_write(struct snap_replace *file, const char *text, struct snap_error *err);

/* NULL is fine. */
void snap_replace_close(struct snap_replace *file);

#endif
