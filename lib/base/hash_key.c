/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks the system for a random key. */
#include "lib/base/hash_key.h"

#include <sys/random.h>
#include <sys/types.h>
#include <time.h>

void snap_hash_key_init(struct snap_hash_key *key)
{
    struct timespec now = {0};

    if (getrandom(key, sizeof *key, GRND_NONBLOCK) != (ssize_t)sizeof *key) {
        (void)clock_gettime(CLOCK_REALTIME, &now);
        key->add = (uint64_t)now.tv_sec;
        key->first = ((uint64_t)now.tv_nsec + 1) * 0x9e3779b97f4a7c15u;
        key->second = ((uint64_t)(uintptr_t)&now ^ (uint64_t)now.tv_nsec) * 0xbf58476d1ce4e5b9u;
    }
    key->first |= 1;
    key->second |= 1;
}
