/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes an input at random; depends on the random numbers alone. */
#include "tests/fuzz/replay.h"

#include <string.h>

#define EDITS_MAX 6u
#define FRESH_BYTES_MAX 160u

struct bytes {
    uint8_t *at;
    size_t length;
};

static size_t below(struct fuzz_random *random, size_t limit)
{
    return (size_t)(fuzz_random(random) % (limit ? limit : 1));
}

static void insert(struct bytes *bytes, size_t place, const uint8_t *part, size_t count)
{
    if (count > REPLAY_BYTES_MAX - bytes->length)
        count = REPLAY_BYTES_MAX - bytes->length;
    memmove(bytes->at + place + count, bytes->at + place, bytes->length - place);
    memcpy(bytes->at + place, part, count);
    bytes->length += count;
}

static void erase(struct bytes *bytes, size_t place, size_t count)
{
    if (count > bytes->length - place)
        count = bytes->length - place;
    memmove(bytes->at + place, bytes->at + place + count, bytes->length - place - count);
    bytes->length -= count;
}

/* Small numbers, bytes that stand before longer numbers, and numbers at an edge are likelier than others. */
static uint8_t likely_byte(struct fuzz_random *random)
{
    switch (below(random, 4)) {
    case 0:
        return (uint8_t)below(random, 8);
    case 1:
        return (uint8_t)below(random, 48);
    case 2:
        return (uint8_t)(0xef + below(random, 17));
    default:
        return (uint8_t)fuzz_random(random);
    }
}

static void edit(struct fuzz_random *random, struct bytes *bytes, const uint8_t *other, size_t other_length)
{
    const size_t place = below(random, bytes->length + 1), start = below(random, other_length);
    uint8_t part[32];
    size_t count = 1 + below(random, sizeof part);

    switch (below(random, 7)) {
    case 0:
        if (place < bytes->length)
            bytes->at[place] ^= (uint8_t)(1u << below(random, 8));
        return;
    case 1:
        if (place < bytes->length)
            bytes->at[place] = likely_byte(random);
        return;
    case 2:
        count = 1 + below(random, 8);
        for (size_t i = 0; i < count; i++)
            part[i] = likely_byte(random);
        insert(bytes, place, part, count);
        return;
    case 3:
        erase(bytes, place, 1 + below(random, 8));
        return;
    case 4: /* a part of itself, once more */
        if (count > bytes->length - place)
            count = bytes->length - place;
        memcpy(part, bytes->at + place, count);
        insert(bytes, below(random, bytes->length + 1), part, count);
        return;
    case 5: /* a part of another */
        if (count > other_length - start)
            count = other_length - start;
        if (count > 0)
            insert(bytes, place, other + start, count);
        return;
    default: /* one more, or one less */
        if (place < bytes->length)
            bytes->at[place] = (uint8_t)(bytes->at[place] + (below(random, 2) ? 1 : 255));
        return;
    }
}

size_t replay_change(struct fuzz_random *random, const uint8_t *first, size_t first_length, const uint8_t *other,
                     size_t other_length, uint8_t bytes[REPLAY_BYTES_MAX])
{
    struct bytes made = {bytes, first_length < REPLAY_BYTES_MAX ? first_length : REPLAY_BYTES_MAX};

    if (below(random, 10) == 0) {
        made.length = below(random, FRESH_BYTES_MAX);
        for (size_t i = 0; i < made.length; i++)
            bytes[i] = likely_byte(random);
        return made.length;
    }
    if (made.length > 0)
        memcpy(bytes, first, made.length);
    for (size_t edits = 1 + below(random, EDITS_MAX); edits > 0; edits--)
        edit(random, &made, other, other_length);
    return made.length;
}
