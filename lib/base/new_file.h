/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes one new file below an open folder and gives it its name; a file that somebody else made is never touched. */
#ifndef DMSNAP_BASE_NEW_FILE
#define DMSNAP_BASE_NEW_FILE

#include "lib/base/folder.h"
#include "lib/base/lookup.h"

/*
 * The descriptor of the creation is the one that is written to. Names are only for the person: whoever exchanges the
 * file behind a name meanwhile does not lead the writes elsewhere, and is found out when the file is placed.
 */
struct snap_new_file {
    const struct snap_folder *folder; /* borrowed */
    int fd;                           /* read and write */
    uint64_t device;                  /* st_dev, st_ino */
    uint64_t inode;
    char name[256];                   /* the one that it has now; "": none */
    char *path;                       /* as it was given, with the suffix; for messages */
    bool temporary;                   /* `name` is a random one, for as long as the file is not placed */
    bool placed;                      /* it has the folder's name */
};

/*
 * Makes it under the folder's name with `suffix` behind it, for its owner alone. SNAP_E_REFUSED: that name is taken,
 * also by a link; SNAP_E_USAGE: it is too long; SNAP_E_PERM, SNAP_E_NOSPC, SNAP_E_IO, SNAP_E_NOMEM.
 */
enum snap_status snap_new_file_make(struct snap_new_file **file, const struct snap_folder *folder, const char *suffix,
                                    struct snap_error *err);

/*
 * Makes it without a name, so that a run that is killed leaves nothing; where the file system cannot do that, under a
 * random name beside the place. The statuses are those of snap_new_file_make.
 */
enum snap_status snap_new_file_make_nameless(struct snap_new_file **file, const struct snap_folder *folder,
                                             struct snap_error *err);

/*
 * Flushes the file, gives it the folder's name, and makes the name durable. `replaces` is what has that name: nothing
 * (NULL too), or a file that is replaced; the caller has it open, so that no other file can have got its inode number.
 * SNAP_E_REFUSED: something else has it, or somebody exchanged the new file; then what has the name is left alone.
 * After any failure `placed` says whether the file is there under its name.
 */
enum snap_status snap_new_file_place(struct snap_new_file *file, const struct snap_folder_entry *replaces,
                                     struct snap_error *err);

/* Whether the name that the file has is still this file's. */
bool snap_new_file_is_there(const struct snap_new_file *file);

/* Takes away the name that the file has, if it is still this file's. SNAP_E_REFUSED: it is another's, and stays. */
enum snap_status snap_new_file_remove(struct snap_new_file *file, struct snap_error *err);

/* The facts of the file, to open it again through its descriptor; they are good as long as the file is open. */
struct snap_lookup snap_new_file_lookup(const struct snap_new_file *file);

/* Closes it, and removes it where it has only a random name. NULL is fine. SNAP_E_IO: what was written may be lost. */
enum snap_status snap_new_file_close(struct snap_new_file *file, struct snap_error *err);

#endif
