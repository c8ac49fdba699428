/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The set: open addressing, at most half full. */
#include "tests/crash/state_set.h"

#include "tests/crash/workload.h"
#include "tests/support/io_mem.h"

#include <stdlib.h>
#include <string.h>

struct state_set {
    struct state_key *slots; /* {0, 0}: free */
    uint64_t size;          /* a power of two */
    uint64_t count;
};

struct state_set *state_set_new(void)
{
    struct state_set *seen = test_calloc(1, sizeof *seen);

    seen->size = 1024;
    seen->slots = test_calloc((size_t)seen->size, sizeof *seen->slots);
    return seen;
}

void state_set_free(struct state_set *seen)
{
    free(seen->slots);
    free(seen);
}

uint64_t state_set_count(const struct state_set *seen)
{
    return seen->count;
}

void state_set_hash(struct state_key *key, const uint8_t *bytes, uint64_t length_bytes)
{
    for (uint64_t at = 0; at < length_bytes; at += sizeof(uint64_t)) {
        const uint64_t rest = length_bytes - at;
        uint64_t word = 0;

        memcpy(&word, bytes + at, rest < sizeof word ? (size_t)rest : sizeof word);
        key->a = workload_mix(key->a ^ word);
        key->b = workload_mix(key->b + word);
    }
    key->a = workload_mix(key->a ^ length_bytes);
    key->b = workload_mix(key->b + length_bytes);
}

bool state_set_add(struct state_set *seen, struct state_key key)
{
    uint64_t at = key.a & (seen->size - 1);

    while (seen->slots[at].a != 0 || seen->slots[at].b != 0) {
        if (seen->slots[at].a == key.a && seen->slots[at].b == key.b)
            return false;
        at = (at + 1) & (seen->size - 1);
    }
    seen->slots[at] = key;
    if (++seen->count * 2 > seen->size) {
        struct state_set old = *seen;

        seen->size *= 2;
        seen->count = 0;
        seen->slots = test_calloc((size_t)seen->size, sizeof *seen->slots);
        for (uint64_t i = 0; i < old.size; i++)
            if (old.slots[i].a != 0 || old.slots[i].b != 0)
                (void)state_set_add(seen, old.slots[i]);
        free(old.slots);
    }
    return true;
}
