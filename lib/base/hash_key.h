/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hashes numbers from a device under a key of this run, so that nobody can make a list whose numbers collide. */
#ifndef DMSNAP_BASE_HASH_KEY
#define DMSNAP_BASE_HASH_KEY

#include <stdint.h>

struct snap_hash_key {
    uint64_t add, first, second; /* the last two are odd */
};

/* A random key; where the system gives no random numbers, one that differs from run to run. */
void snap_hash_key_init(struct snap_hash_key *key);

/*
 * Multiplication by an unknown odd number brings two given numbers to the same upper bits as rarely as chance would.
 * The second round spreads that over all bits.
 */
static inline uint64_t snap_hash_key_mix(const struct snap_hash_key *key, uint64_t number)
{
    number = (number + key->add) * key->first;
    number = (number ^ (number >> 32)) * key->second;
    return number ^ (number >> 32);
}

/* The place among `places` <= 2^32 that a hash stands for. It depends on the upper half of the hash alone. */
static inline uint64_t snap_hash_key_place(uint64_t hash, uint64_t places)
{
    return ((hash >> 32) * places) >> 32;
}

/* The share among `shares` <= 2^32 that a hash stands for. It depends on the lower half alone. */
static inline uint64_t snap_hash_key_share(uint64_t hash, uint64_t shares)
{
    return ((hash & UINT32_MAX) * shares) >> 32;
}

#endif
