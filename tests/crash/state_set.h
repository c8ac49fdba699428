/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set of the hashes of all states that were looked at. */
#ifndef DMSNAP_TEST_CRASH_STATE_SET_H
#define DMSNAP_TEST_CRASH_STATE_SET_H

#include <stdbool.h>
#include <stdint.h>

/* 128 bits: two different states with the same one are not to be expected. */
struct state_key {
    uint64_t a, b;
};

struct state_set;

struct state_set *state_set_new(void);
void state_set_free(struct state_set *seen);

/* Adds bytes to what the key is made of; of several ranges the order and the lengths count. */
void state_set_hash(struct state_key *key, const uint8_t *bytes, uint64_t length_bytes);

/* True if it was not there. */
bool state_set_add(struct state_set *seen, struct state_key key);

uint64_t state_set_count(const struct state_set *seen);

#endif
