/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One repair of the harness `repair`: its plan, its file of old bytes, and what must be true of what it leaves. */
#ifndef DMSNAP_TEST_FUZZ_REPAIR_CASE_H
#define DMSNAP_TEST_FUZZ_REPAIR_CASE_H

#include "lib/repair/repair.h"
#include "lib/repair/saved.h"
#include "tests/fuzz/image.h"
#include "tests/fuzz/model.h"

struct repair_case {
    const struct image *image;
    uint64_t cow_bytes;
    const struct model *before;
    struct snap_repair_options options;
    uint32_t header_sectors;       /* chunk size of a new header */
    struct snap_io *planned;       /* the device that the repair was planned on; nothing is written to it */
    struct snap_store store;
    struct snap_repair repair;
    struct snap_saved saved;
    int file;                      /* with the old bytes */
    uint8_t *after;                /* the device when all went well */
    bool claims;                   /* nothing above a note should be left */
};

/* A device in memory with these bytes. */
struct snap_io *repair_case_device(const struct repair_case *round, const uint8_t *bytes);

/* Plans what mends the store on this device. False: it cannot be mended at all. */
bool repair_case_plan(const struct repair_case *round, struct snap_io *io, struct snap_store *store,
                      struct snap_repair *repair);
enum snap_status repair_case_apply(const struct snap_repair *repair, struct snap_io *io);

/* Makes the file. False: a header with this chunk size does not fit the device; nothing is written then. */
bool repair_case_save(struct repair_case *round);

/* Reads the file for this device, as a later run does, and writes the old bytes back. */
enum snap_status repair_case_put_back(int file, struct snap_io *io);
void repair_case_must_come_back(const struct repair_case *round, const uint8_t *bytes, const char *when);

/* Each sound entry that the repair does not name is still there, and none has come that it does not name. */
void repair_case_check_view(const struct repair_case *round, const uint8_t *bytes, const char *when);

/* The command is given once more, on what a crash has left, and ends in the same place. */
void repair_case_must_go_on(const struct repair_case *round, const uint8_t *bytes, const char *when);

#endif
