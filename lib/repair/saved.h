/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file with the old bytes of what a repair overwrites, and how they come back. */
#ifndef DMSNAP_REPAIR_SAVED
#define DMSNAP_REPAIR_SAVED

#include "lib/repair/edits.h"
#include "lib/store/header.h"

/* No device has larger units: those of a file are checked against this. */
#define SNAP_SAVED_UNIT_BYTES_MAX (1u << 20)

/* What a file of old bytes holds (dmsnap-store(5), FILE OF OLD BYTES). Set up by snap_saved_make or snap_saved_read. */
struct snap_saved {
    uint64_t cow_bytes;       /* size of the device */
    uint64_t areas;           /* so many areas of it count for the digest ... */
    uint32_t chunk_sectors;   /* ... of chunks of this size */
    uint32_t rest_crc32c;     /* of what stands around the edited units: who changes the list changes this */
    struct snap_edits edits;
    bool (*stop)(void *context); /* the caller may set it: polled while the store is compared and put back */
    void *stop_context;
};

/*
 * What a file must hold so that these edits of the store can be taken back, before they are carried out. `edits` are
 * borrowed: do not free *saved. `entries` is the length of the list, the longer one of before and afterwards.
 * SNAP_E_IO, SNAP_E_NOMEM.
 */
enum snap_status snap_saved_make(struct snap_saved *saved, const struct snap_store *store,
                                 const struct snap_edits *edits, uint64_t entries, struct snap_error *err);

/* Writes it to a new file, from its beginning; without a flush. `name` is for messages. SNAP_E_IO, SNAP_E_NOSPC. */
enum snap_status snap_saved_write(const struct snap_saved *saved, int fd, const char *name, struct snap_error *err);

/*
 * Reads such a file for the device `cow`, which is borrowed; free it with snap_saved_free. SNAP_E_REFUSED: it is no
 * such file, damaged, of a newer version, or of a device of another size. SNAP_E_IO, SNAP_E_NOMEM.
 */
enum snap_status snap_saved_read(struct snap_saved *saved, int fd, const char *name, struct snap_io *cow,
                                 struct snap_error *err);
void snap_saved_free(struct snap_saved *saved);

/*
 * How many of its units the device does not hold as they were before the repair; 0: there is nothing to put back.
 * SNAP_E_REFUSED: a unit is neither what it was before the repair nor anything that the repair made of it, or what
 * stands around it has changed: the store was used since. SNAP_E_IO, SNAP_E_NOMEM, SNAP_E_STOPPED.
 */
enum snap_status snap_saved_count(const struct snap_saved *saved, const char *name, uint64_t *units,
                                  struct snap_error *err);

/*
 * Puts the old bytes back, after snap_saved_count, in the reverse order of the repair: each moment is one of a repair
 * that was cut short. Repeated after a crash or a stop, it ends in the same place. SNAP_E_STOPPED, SNAP_E_IO; a failed
 * flush is final.
 */
enum snap_status snap_saved_put_back(const struct snap_saved *saved, struct snap_error *err);

#endif
