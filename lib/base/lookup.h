/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file or device that is looked up once: what is described and what is opened later are the same. */
#ifndef DMSNAP_BASE_LOOKUP
#define DMSNAP_BASE_LOOKUP

#include "lib/base/error.h"

#include <stdint.h>
#include <sys/types.h>

/* All that follows a lookup uses these facts; the name is not trusted again. */
struct snap_lookup {
    int fd;               /* O_PATH of what was found, or the descriptor that made the file */
    int folder_fd;        /* where `name` is looked up where there is no /proc; the result must be the same file */
    const char *name;     /* "" where the file has no name */
    mode_t mode;          /* as in struct stat */
    uint64_t device;      /* st_dev, st_ino, st_rdev */
    uint64_t inode;
    uint64_t number;
    uint64_t size_bytes;  /* of a regular file, at the time of the lookup */
    char *path;           /* as it was given, for messages */
};

/*
 * Looks `path` up; links are followed, for that is what the names in /dev/disk are. Nothing is opened for reading or
 * writing: that may hang on a pipe, and may do things on a character device. SNAP_E_NOENT, SNAP_E_PERM, SNAP_E_IO,
 * SNAP_E_NOMEM.
 */
enum snap_status snap_lookup_new(struct snap_lookup **lookup, const char *path, struct snap_error *err);

/* NULL is fine. */
void snap_lookup_free(struct snap_lookup *lookup);

/*
 * Opens what was looked up, with the open flags and O_CLOEXEC, O_NOCTTY; it never waits for a pipe. Returns the
 * descriptor, which belongs to the caller, or -errno; -ESTALE: the name is another file or device by now.
 */
int snap_lookup_reopen(const struct snap_lookup *lookup, int flags);

/* Fills the facts of an open descriptor, which stays the caller's, without a name or path. -errno, or 0. */
int snap_lookup_describe(struct snap_lookup *lookup, int fd);

#endif
