/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which origin chunks a bench store changes, in which order: from mode, sizes and seed alone. */
#ifndef BENCH_LIST_H
#define BENCH_LIST_H

#include "tests/bench/bench.h"

struct bench_mode {
    const char *name;
    uint64_t chunk_bytes;
    void (*make)(uint64_t *olds, uint64_t count, uint64_t origin_chunks, uint64_t seed);
};

/* random-4k, clustered, sequential, random-64k; ends the program for another name. */
const struct bench_mode *bench_mode_find(const char *name);

/* `count` different chunks below `origin_chunks`, in list order. Free with free. */
uint64_t *bench_list_make(const struct bench_mode *mode, uint64_t count, uint64_t origin_chunks, uint64_t seed);

/*
 * The origin chunk of the n-th entry of a list of this shape: random (or repeated), below 2^bits, at least two for each
 * entry; sequential; scattered over an origin of 2^50 chunks; colliding, which means equal in the lower 26 bits.
 */
uint64_t bench_list_old(const char *shape, uint64_t n, unsigned bits, uint64_t seed);

/* The n-th of 2^bits different numbers below 2^bits, in random order: for lists too large for an array. */
uint64_t bench_permute(uint64_t n, unsigned bits, uint64_t seed);

#endif
