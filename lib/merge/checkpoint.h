/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The checkpoint file of a merge that keeps its COW: a text that says which entries the origin holds already. */
#ifndef DMSNAP_MERGE_CHECKPOINT
#define DMSNAP_MERGE_CHECKPOINT

#include "lib/base/error.h"
#include "lib/base/replace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SNAP_CHECKPOINT_ID_BYTES 160

/*
 * What a file says. It is only a hint: entries that it claims are compared with the origin, and all others are written.
 * So a file that is out of date or forged costs time, and never data.
 */
struct snap_checkpoint {
    uint64_t origin_sectors;
    uint64_t cow_sectors;
    char origin_id[SNAP_CHECKPOINT_ID_BYTES]; /* tells devices apart; without blanks, never empty */
    char cow_id[SNAP_CHECKPOINT_ID_BYTES];
    uint64_t entries;                         /* of the list ... */
    uint32_t list_crc32c;                     /* ... and its digest (snap_list_digest) */
    uint64_t merged_from;                     /* the entries from this index on are merged */
};

/*
 * Looks at the file `path`, and opens its folder. SNAP_E_REFUSED: it is something else or a symbolic link,
 * so it must not be replaced; SNAP_E_USAGE, SNAP_E_NOENT (the folder), SNAP_E_IO, SNAP_E_PERM, SNAP_E_NOMEM.
 */
enum snap_status snap_checkpoint_open(struct snap_replace **file, const char *path, struct snap_error *err);

/*
 * What the file said when it was opened. SNAP_E_NOENT: there was none; SNAP_E_CORRUPT: it is cut off or damaged (the
 * text says where).
 */
enum snap_status snap_checkpoint_load(struct snap_checkpoint *checkpoint, const struct snap_replace *file,
                                      struct snap_error *err);

/*
 * Replaces the file, durably and as a whole; as snap_replace_write. SNAP_E_USAGE: the names of the devices are too
 * long.
 */
enum snap_status snap_checkpoint_save(const struct snap_checkpoint *checkpoint, struct snap_replace *file,
                                      struct snap_error *err);

/*
 * Whether `found`, from a file, is about the same pair and list as `now` (whose merged_from does not matter). False:
 * `reason` says what differs.
 */
bool snap_checkpoint_fits(const struct snap_checkpoint *found, const struct snap_checkpoint *now, char *reason,
                          size_t reason_bytes);

#endif
