/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set of the hashes of all states that were looked at. */
#ifndef DMSNAP_TEST_CRASH_SEEN_H
#define DMSNAP_TEST_CRASH_SEEN_H

#include <stdbool.h>
#include <stdint.h>

/* 128 bits: two different states with the same one are not to be expected. */
struct seen_key {
    uint64_t a, b;
};

struct seen;

struct seen *seen_new(void);
void seen_free(struct seen *seen);

/* Adds bytes to what the key is made of; of several ranges the order and the lengths count. */
void seen_hash(struct seen_key *key, const uint8_t *bytes, uint64_t length_bytes);

/* True if it was not there. */
bool seen_add(struct seen *seen, struct seen_key key);

uint64_t seen_count(const struct seen *seen);

#endif
