/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holds what a crash of a repair leaves against its promises: what it shows, what a rerun makes of it, the way back. */
#ifndef DMSNAP_TEST_CRASH_REPAIR_STATE_H
#define DMSNAP_TEST_CRASH_REPAIR_STATE_H

#include "lib/repair/saved.h"
#include "tests/crash/repair_store.h"

/* One repair: the store before it, and as it is when all goes well. */
struct repair_case {
    const struct repair_row *row;
    struct repair_store store;
    uint8_t *after;
    struct snap_io *origin;      /* in memory */
    int old;                     /* a file with nothing in it yet */
    bool stays;                  /* a random row of which nothing can be mended in place: there is nothing to explore */
    char problem[400];           /* the first broken promise */
};

/* A plan, and its file of old bytes as bytes: so long that whole sectors hold it. */
struct repair_plan {
    struct snap_store store;
    struct snap_repair repair;
    struct snap_saved saved;
    uint8_t *file;
    uint64_t file_bytes, padded_bytes;
};

/* Makes the row's store and mends it. False: that fails, or leaves something that it could have mended. */
bool repair_case_new(struct repair_case *round, const struct repair_row *row);
void repair_case_free(struct repair_case *round);

/* The store's device with these bytes; its bad sectors are bad. */
struct snap_io *repair_case_device(const struct repair_case *round, const uint8_t *bytes);

/* Wraps what a test makes of these bytes: bad sectors fail. */
struct snap_io *repair_case_with_bad(const struct repair_case *round, struct snap_io *io);

/* False, with the reason in `problem`: it fails. `io` is borrowed until repair_plan_free. */
bool repair_plan_new(struct repair_case *round, struct snap_io *io, struct repair_plan *plan);
void repair_plan_free(struct repair_plan *plan);

/* The steps of snapcheck that write. */
enum snap_status repair_plan_apply(const struct repair_plan *plan, struct snap_io *io, struct snap_error *err);
enum snap_status repair_case_put_back(const struct repair_case *round, const uint8_t *file, uint64_t file_bytes,
                                      struct snap_io *io, struct snap_error *err);

/*
 * Whether `bytes` show each chunk as before the repair or as after it, and a rerun makes of them what the first run
 * would have made.
 */
bool repair_state_is_right(struct repair_case *round, const uint8_t *bytes);

/*
 * Whether the file brings `start` back; a file that was not durable yet (`whole` is false) may be refused, if nothing
 * was written to the store so far.
 */
bool repair_state_comes_back(struct repair_case *round, const uint8_t *bytes, const uint8_t *start,
                             const uint8_t *file, uint64_t file_bytes, bool whole);

bool repair_broken(struct repair_case *round, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
