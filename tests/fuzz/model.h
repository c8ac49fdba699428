/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a store means, worked out a second time: list, view, rules and room. Slow, simple, and no code of lib/. */
#ifndef DMSNAP_TEST_FUZZ_MODEL_H
#define DMSNAP_TEST_FUZZ_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model_entry {
    uint64_t old_chunk, new_chunk;
};

enum model_header {
    MODEL_GOOD,
    MODEL_TOO_SMALL,
    MODEL_EMPTY,
    MODEL_MAGIC,
    MODEL_VERSION,
    MODEL_INVALID,
    MODEL_CHUNK_SIZE,
    MODEL_NO_AREA
};

struct model {
    const uint8_t *cow;          /* borrowed */
    uint64_t cow_bytes;
    enum model_header header;
    uint32_t valid;              /* as in the header */
    /* All that follows only where there is a list: model_has_list. */
    uint64_t chunk_bytes;
    uint64_t per_area;
    uint64_t cow_chunks;
    uint64_t areas;              /* whole ones on the device */
    uint64_t recorded_sectors;   /* of the origin, where the caller knows of a record; model_read sets 0 */
    bool past_end;               /* the list does not end on the device */
    uint64_t entries;            /* live */
    struct model_entry *entry;
};

/* Reads the header and the list as the kernel loads them. Free with model_free. */
void model_read(struct model *model, const uint8_t *cow, uint64_t cow_bytes);
void model_free(struct model *model);

/* The header is good, or says no more than that the store is invalid. */
bool model_has_list(const struct model *model);

bool model_is_area(const struct model *model, uint64_t chunk);
uint64_t model_canonical(const struct model *model, uint64_t index);

/* Whether a data chunk is one of the device, whole, and no area. */
bool model_new_fits(const struct model *model, uint64_t new_chunk);

/* The first entry for an origin chunk; NULL: there is none. */
const struct model_entry *model_find(const struct model *model, uint64_t old_chunk);

/*
 * The view of `origin`. False where the data of a chunk of it are not on the device; those are left as the origin has
 * them, and *bad_bytes is where the first of them begins.
 */
bool model_view(const struct model *model, const uint8_t *origin, uint64_t origin_bytes, uint8_t *view,
                uint64_t *bad_bytes);

/* How often each rule is broken, by the words of snapcheck(8). */
enum model_rule {
    MODEL_DEFECT,                /* of the header; nothing else is counted then */
    MODEL_VALID_VALUE,
    MODEL_CHUNK_UNUSUAL,
    MODEL_PARTIAL_CHUNK,
    MODEL_EXACT_FIT,
    MODEL_NO_ROOM,
    MODEL_OLD_RANGE,
    MODEL_TOP_BYTE,
    MODEL_METADATA,
    MODEL_NEW_RANGE,
    MODEL_ORDER,
    MODEL_GARBAGE,
    MODEL_PAST_END,
    MODEL_DUPLICATE_OLD,
    MODEL_DUPLICATE_NEW,
    MODEL_REPEATED,
    MODEL_REPEATED_OFTEN,
    MODEL_OUTLIER,
    MODEL_LOST,
    MODEL_LEAKED,
    MODEL_FULL,
    MODEL_CUT,
    MODEL_STALE,
    MODEL_RULES
};
extern const char *const model_rule_id[MODEL_RULES]; /* NULL for MODEL_DEFECT */

struct model_judgement {
    uint64_t count[MODEL_RULES];
    uint64_t capacity, room;     /* entries that the device holds, and that the kernel can still add */
    uint64_t highest_new;
    uint64_t merge_bytes;        /* written by a merge, each repeated entry once */
    uint64_t old_limit;          /* entries of this chunk of the origin and behind it lie nowhere */
    uint64_t continuation;       /* entries behind the end that go on with the list, in the area after the last */
    uint64_t beyond;             /* entries that lie behind the end of the origin, which may have been larger */
    bool damaged;                /* a rule above a warning is broken */
};

/* `origin_sectors`: 0 where the origin is not known. */
void model_judge(const struct model *model, uint64_t origin_sectors, struct model_judgement *judgement);

/* Where the kernel puts the next new data after it has loaded a list with this highest data chunk. */
uint64_t model_next_chunk(const struct model *model, uint64_t highest_new);

/* How many entries the kernel can add one by one until the store overflows. */
uint64_t model_room(const struct model *model, uint64_t entries, uint64_t highest_new);

#endif
