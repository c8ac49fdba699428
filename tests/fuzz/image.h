/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A store and its origin, made from the choices of a fuzz input; shares no code with lib/. */
#ifndef DMSNAP_TEST_FUZZ_IMAGE_H
#define DMSNAP_TEST_FUZZ_IMAGE_H

#include "tests/fuzz/fuzz.h"

#define IMAGE_COW_BYTES_MAX (192u << 10)
#define IMAGE_ORIGIN_BYTES_MAX (256u << 10)

/* The lines of a store in an input: one byte for the verb, then its numbers. What does not fit is left out. */
enum image_verb {
    IMAGE_END,      /* the store is complete: what follows are choices of the harness */
    IMAGE_ENTRIES,  /* count, first old, step: appended to the list in their canonical places, with data */
    IMAGE_ENTRY,    /* index, old, new (0: canonical), 1: the data are the origin's */
    IMAGE_CUT,      /* count: the list ends here, later areas stay */
    IMAGE_CLEAR,    /* area */
    IMAGE_RAW,      /* area, slot, old, new */
    IMAGE_HEADER,   /* magic, valid, version, chunk size; a number of 0xef or 239 stands for the right value */
    IMAGE_BYTES,    /* offset on the COW, count below 64, the bytes */
    IMAGE_NEAR,     /* index, which number, which edge of the devices, distance: a number at an edge */
    IMAGE_SWAP,     /* index, index: the two entries change places */
    IMAGE_COPY,     /* index, index: the second becomes the same as the first */
    IMAGE_MERGED,   /* index: the origin gets the entry's data */
    IMAGE_FILL,     /* byte: of the whole COW */
    IMAGE_VERBS
};
#define IMAGE_RIGHT 239u /* of a header field */

struct image {
    uint64_t chunk_sectors;
    uint64_t live;            /* entries, as the verbs mean it: bytes and raw slots do not count */
    uint8_t *cow, *origin;
    uint64_t cow_bytes, origin_bytes;
};

/*
 * Takes a store from the input: the logarithm of the chunk size, chunks of the COW, bytes behind the last whole one,
 * sectors of the origin, then verbs up to IMAGE_END. Free with image_free.
 */
void image_take(struct image *image, struct fuzz_input *input);

/* The same for another store of the origin of `first`, whose size and content it has. */
void image_take_sibling(struct image *image, const struct image *first, struct fuzz_input *input);

void image_free(struct image *image);

#endif
