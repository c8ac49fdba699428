/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The damaged stores of explore-repair: a row for each kind of repair, and what may be done about it. */
#ifndef DMSNAP_TEST_CRASH_REPAIR_STORE_H
#define DMSNAP_TEST_CRASH_REPAIR_STORE_H

#include "lib/repair/repair.h"

/* The devices before the repair. */
struct repair_store {
    uint32_t chunk_sectors, block_bytes;
    uint8_t *cow, *origin;
    uint64_t cow_bytes, origin_bytes;
    uint64_t bad_bytes, bad_length_bytes; /* of the COW: they cannot be read; the length 0: all of it can */
};

struct repair_row {
    const char *name;
    void (*make)(struct repair_store *store, uint64_t seed);
    uint64_t seed;
    bool with_origin;            /* the origin is named */
    bool with_size;              /* it is known how large it is */
    enum snap_repair_keep keep;
    bool preen;                  /* as with -p: the view stays */
    bool random;                 /* what is damaged is left to chance: maybe nothing that can be mended in place */
};

const struct repair_row *repair_rows(size_t *count);

/* More rows for the long form, damaged at random; false behind the last one. */
bool repair_row_made(size_t index, struct repair_row *row, char *name, size_t name_bytes);

void repair_store_make(struct repair_store *store, const struct repair_row *row);
void repair_store_free(struct repair_store *store);

#endif
