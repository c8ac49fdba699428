/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A folder that is opened once, and the name of one file in it: all that is done with the file goes through that. */
#ifndef DMSNAP_BASE_FOLDER
#define DMSNAP_BASE_FOLDER

#include "lib/base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct snap_folder {
    int fd;            /* O_PATH where it cannot be read */
    bool readable;
    uint64_t device;   /* st_dev, st_ino */
    uint64_t inode;
    char *path;        /* of the file, as it was given; for messages */
    const char *name;  /* of the file, in the folder */
};

/* What has the file's name. */
struct snap_folder_entry {
    bool exists;
    mode_t mode;
    uint64_t device;
    uint64_t inode;
};

/*
 * Opens the folder of the file `path`, which need not exist. SNAP_E_USAGE: `path` is the name of a folder, "x/" or
 * ".."; SNAP_E_NOENT, SNAP_E_PERM, SNAP_E_IO, SNAP_E_NOMEM.
 */
enum snap_status snap_folder_open(struct snap_folder **folder, const char *path, struct snap_error *err);

/* NULL is fine. */
void snap_folder_close(struct snap_folder *folder);

/* Looks at `name` in the folder; a link is not followed. SNAP_E_PERM, SNAP_E_IO. */
enum snap_status snap_folder_look(const struct snap_folder *folder, const char *name, struct snap_folder_entry *entry,
                                  struct snap_error *err);

/* SNAP_E_PERM where nobody would be let make the file: no permission, or a read-only file system. Nothing is tried. */
enum snap_status snap_folder_takes_files(const struct snap_folder *folder, struct snap_error *err);

/* Whether both name the same file: the same name in the same folder, or two names of one file that is there. */
bool snap_folder_same(const struct snap_folder *a, const struct snap_folder *b);

/*
 * The one way to make a name durable. `file_fd` is the file that got its name in the folder. Where the folder cannot be
 * read, and so not be flushed alone, all of its file system is flushed. A file system that cannot flush folders
 * (EINVAL) has nothing to do. After a failure the file is there: the text says that, and that only its name may be
 * lost.
 */
enum snap_status snap_folder_flush(const struct snap_folder *folder, int file_fd, struct snap_error *err);

#endif
