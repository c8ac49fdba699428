/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes a store of choices: the same lines as in a recipe of tests/images, as bytes. */
#include "tests/fuzz/image.h"

#include <stdlib.h>
#include <string.h>

#define SECTOR_BYTES 512u
#define CHUNK_LOG_MAX 5u /* chunks of 1 to 16 sectors */

static uint64_t chunk_bytes(const struct image *image)
{
    return image->chunk_sectors * SECTOR_BYTES;
}

static uint64_t per_area(const struct image *image)
{
    return chunk_bytes(image) / 16;
}

static void put_le(uint8_t *bytes, uint64_t value, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get_le(const uint8_t *bytes)
{
    uint64_t value = 0;

    for (unsigned i = 8; i-- > 0;)
        value = value << 8 | bytes[i];
    return value;
}

/* Where the slot of an entry is; NULL where the COW does not have it. */
static uint8_t *slot_at(struct image *image, uint64_t area, uint64_t slot)
{
    uint64_t at;

    if (area > IMAGE_COW_BYTES_MAX || slot >= per_area(image))
        return NULL;
    at = (1 + (per_area(image) + 1) * area) * chunk_bytes(image) + 16 * slot;
    return at + 16 <= image->cow_bytes ? image->cow + at : NULL;
}

static uint8_t *slot_of(struct image *image, uint64_t index)
{
    return slot_at(image, index / per_area(image), index % per_area(image));
}

static void put_slot(uint8_t *slot, uint64_t old_chunk, uint64_t new_chunk)
{
    if (slot) {
        put_le(slot, old_chunk, 8);
        put_le(slot + 8, new_chunk, 8);
    }
}

static uint64_t canonical(const struct image *image, uint64_t index)
{
    return 2 + index + index / per_area(image);
}

/* Each sector tells the side, the chunk and its place, so that no two are alike. */
static void pattern(uint8_t *bytes, uint64_t length, uint8_t side, uint64_t chunk)
{
    for (uint64_t at = 0; at < length; at += SECTOR_BYTES) {
        memset(bytes + at, (int)(side + chunk + at / SECTOR_BYTES * 7), SECTOR_BYTES);
        bytes[at] = side;
        put_le(bytes + at + 1, chunk, 7);
    }
}

/* The data chunk of an entry, where it is one of the device. */
static uint8_t *data_of(struct image *image, uint64_t new_chunk)
{
    if (new_chunk < 2 || new_chunk >= image->cow_bytes / chunk_bytes(image) || new_chunk % (per_area(image) + 1) == 1)
        return NULL;
    return image->cow + new_chunk * chunk_bytes(image);
}

/* The chunk of the origin, and how much of it there is. */
static uint8_t *origin_of(struct image *image, uint64_t old_chunk, uint64_t *length)
{
    uint64_t at;

    if (old_chunk >= IMAGE_ORIGIN_BYTES_MAX)
        return NULL;
    at = old_chunk * chunk_bytes(image);
    if (at >= image->origin_bytes)
        return NULL;
    *length = image->origin_bytes - at < chunk_bytes(image) ? image->origin_bytes - at : chunk_bytes(image);
    return image->origin + at;
}

static void put_entry(struct image *image, uint64_t index, uint64_t old_chunk, uint64_t new_chunk, bool origins)
{
    uint8_t *slot = index < IMAGE_COW_BYTES_MAX ? slot_of(image, index) : NULL;
    uint8_t *data, *origin;
    uint64_t length = 0;

    if (!slot)
        return;
    if (new_chunk == 0)
        new_chunk = canonical(image, index);
    put_slot(slot, old_chunk, new_chunk);
    data = data_of(image, new_chunk);
    origin = origin_of(image, old_chunk, &length);
    if (data && origins && origin)
        memcpy(data, origin, (size_t)length);
    else if (data)
        pattern(data, chunk_bytes(image), 0x80, old_chunk + index * 3);
    if (index >= image->live)
        image->live = index + 1;
}

static void put_entries(struct image *image, struct fuzz_input *input)
{
    const uint64_t count = fuzz_below(input, IMAGE_COW_BYTES_MAX / SECTOR_BYTES);
    const uint64_t old_chunk = fuzz_number(input), step = fuzz_number(input), first = image->live;

    for (uint64_t i = 0; i < count; i++)
        put_entry(image, first + i, old_chunk + step * i, 0, false);
}

static void cut(struct image *image, uint64_t count)
{
    if (count >= IMAGE_COW_BYTES_MAX)
        return;
    for (uint64_t slot = count % per_area(image); slot < per_area(image); slot++)
        put_slot(slot_at(image, count / per_area(image), slot), 0, 0);
    image->live = count;
}

static void put_header(struct image *image, const uint64_t field[4])
{
    const uint64_t right[4] = {0x70416e53u, 1, 1, image->chunk_sectors};

    if (image->cow_bytes < 16)
        return;
    for (unsigned i = 0; i < 4; i++)
        put_le(image->cow + 4 * i, field[i] == IMAGE_RIGHT ? right[i] : field[i], 4);
}

static void put_bytes(struct image *image, struct fuzz_input *input)
{
    const uint64_t at = image->cow_bytes ? fuzz_below(input, image->cow_bytes) : 0;
    const uint64_t count = fuzz_below(input, 64);

    for (uint64_t i = 0; i < count; i++) {
        const uint8_t byte = fuzz_byte(input);

        if (at + i < image->cow_bytes)
            image->cow[at + i] = byte;
    }
}

/* A number next to what it is compared with. */
static void put_near(struct image *image, struct fuzz_input *input)
{
    uint8_t *slot = slot_of(image, fuzz_below(input, IMAGE_COW_BYTES_MAX));
    const bool new_too = fuzz_flag(input);
    const uint64_t origin_chunks = (image->origin_bytes + chunk_bytes(image) - 1) / chunk_bytes(image);
    const uint64_t edges[] = {0, 1, per_area(image) + 2, image->cow_bytes / chunk_bytes(image), origin_chunks,
                              canonical(image, image->live), image->live};
    const uint64_t edge = edges[fuzz_below(input, sizeof edges / sizeof edges[0])];
    const uint64_t distance = fuzz_below(input, 5); /* 2 is none */

    if (slot)
        put_le(slot + (new_too ? 8 : 0), edge + distance - 2, 8);
}

static void swap(uint8_t *left, uint8_t *right)
{
    uint8_t kept[16];

    if (!left || !right)
        return;
    memcpy(kept, left, 16);
    memmove(left, right, 16);
    memcpy(right, kept, 16);
}

static void merged(struct image *image, uint64_t index)
{
    uint8_t *slot = slot_of(image, index);
    uint64_t length = 0;
    uint8_t *data = slot ? data_of(image, get_le(slot + 8)) : NULL;
    uint8_t *origin = slot ? origin_of(image, get_le(slot), &length) : NULL;

    if (data && origin)
        memcpy(origin, data, (size_t)length);
}

static void take_line(struct image *image, enum image_verb verb, struct fuzz_input *input)
{
    uint64_t number[4];

    switch (verb) {
    case IMAGE_ENTRIES:
        put_entries(image, input);
        return;
    case IMAGE_BYTES:
        put_bytes(image, input);
        return;
    case IMAGE_NEAR:
        put_near(image, input);
        return;
    case IMAGE_FILL:
        memset(image->cow, fuzz_byte(input), (size_t)image->cow_bytes);
        return;
    case IMAGE_CUT:
        cut(image, fuzz_number(input));
        return;
    case IMAGE_MERGED:
        merged(image, fuzz_below(input, IMAGE_COW_BYTES_MAX));
        return;
    case IMAGE_CLEAR:
        number[0] = fuzz_number(input);
        for (uint64_t slot = 0; slot < per_area(image); slot++)
            put_slot(slot_at(image, number[0], slot), 0, 0);
        return;
    default:
        break;
    }
    for (unsigned i = 0; i < (verb == IMAGE_SWAP || verb == IMAGE_COPY ? 2u : 4u); i++)
        number[i] = fuzz_number(input);
    if (verb == IMAGE_ENTRY) {
        put_entry(image, number[0], number[1], number[2], number[3] & 1);
    } else if (verb == IMAGE_RAW) {
        put_slot(slot_at(image, number[0], number[1]), number[2], number[3]);
    } else if (verb == IMAGE_HEADER) {
        put_header(image, number);
    } else {
        uint8_t *left = slot_of(image, number[0] % IMAGE_COW_BYTES_MAX);
        uint8_t *right = slot_of(image, number[1] % IMAGE_COW_BYTES_MAX);

        if (verb == IMAGE_SWAP)
            swap(left, right);
        else if (left && right && left != right)
            memcpy(right, left, 16);
        if (verb == IMAGE_COPY && right && left && number[1] % IMAGE_COW_BYTES_MAX >= image->live)
            image->live = number[1] % IMAGE_COW_BYTES_MAX + 1;
    }
}

static void take_store(struct image *image, struct fuzz_input *input)
{
    const uint64_t right[4] = {IMAGE_RIGHT, IMAGE_RIGHT, IMAGE_RIGHT, IMAGE_RIGHT};
    enum image_verb verb;

    image->chunk_sectors = UINT64_C(1) << fuzz_byte(input) % CHUNK_LOG_MAX;
    image->cow_bytes = fuzz_below(input, IMAGE_COW_BYTES_MAX / chunk_bytes(image)) * chunk_bytes(image);
    image->cow_bytes += fuzz_below(input, chunk_bytes(image));
    image->cow = fuzz_calloc(1, (size_t)image->cow_bytes);
    if (!image->origin) {
        image->origin_bytes = fuzz_below(input, IMAGE_ORIGIN_BYTES_MAX / SECTOR_BYTES + 1) * SECTOR_BYTES;
        image->origin = fuzz_calloc(1, (size_t)image->origin_bytes);
        for (uint64_t at = 0; at < image->origin_bytes; at += SECTOR_BYTES)
            pattern(image->origin + at, SECTOR_BYTES, 0x11, at / SECTOR_BYTES);
    }
    put_header(image, right);
    while ((verb = (enum image_verb)(fuzz_byte(input) % IMAGE_VERBS)) != IMAGE_END)
        take_line(image, verb, input);
}

void image_take(struct image *image, struct fuzz_input *input)
{
    *image = (struct image){.live = 0};
    take_store(image, input);
}

void image_take_sibling(struct image *image, const struct image *first, struct fuzz_input *input)
{
    *image = (struct image){.origin_bytes = first->origin_bytes};
    image->origin = fuzz_calloc(1, (size_t)first->origin_bytes);
    memcpy(image->origin, first->origin, (size_t)first->origin_bytes);
    take_store(image, input);
}

void image_free(struct image *image)
{
    free(image->cow);
    free(image->origin);
    *image = (struct image){.live = 0};
}
