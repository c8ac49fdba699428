/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lists of the bench: random, clustered and sequential chunks. */
#include "tests/bench/list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CLUSTER_MIN 8u
#define CLUSTER_MAX 64u

static void shuffle(uint64_t *numbers, uint64_t count, uint64_t seed)
{
    for (uint64_t i = count; i > 1; i--) {
        uint64_t j = mix(mix(seed) + i) % i, swap = numbers[i - 1];

        numbers[i - 1] = numbers[j];
        numbers[j] = swap;
    }
}

static uint64_t *shuffled(uint64_t count, uint64_t seed)
{
    uint64_t *numbers = calloc(count, sizeof *numbers);

    if (!numbers)
        die(ENOMEM, "no room for %llu numbers", (unsigned long long)count);
    for (uint64_t i = 0; i < count; i++)
        numbers[i] = i;
    shuffle(numbers, count, seed);
    return numbers;
}

static void make_random(uint64_t *olds, uint64_t count, uint64_t origin_chunks, uint64_t seed)
{
    uint64_t *all = shuffled(origin_chunks, seed);

    memcpy(olds, all, count * sizeof *olds);
    free(all);
}

/* Runs of 8 to 64 chunks, each somewhere in a slot of 64 of its own, the slots in random order. */
static void make_clustered(uint64_t *olds, uint64_t count, uint64_t origin_chunks, uint64_t seed)
{
    const uint64_t slots = origin_chunks / CLUSTER_MAX;
    uint64_t *order = shuffled(slots, seed);
    uint64_t done = 0;

    for (uint64_t i = 0; done < count; i++) {
        uint64_t draw = mix(mix(seed + 1) + i);
        uint64_t length = CLUSTER_MIN + draw % (CLUSTER_MAX - CLUSTER_MIN + 1);
        uint64_t start = (draw >> 32) % (CLUSTER_MAX - length + 1);

        if (i == slots)
            die(0, "clustered: not more than half of the origin can be changed");
        for (uint64_t chunk = 0; chunk < length && done < count; chunk++)
            olds[done++] = order[i] * CLUSTER_MAX + start + chunk;
    }
    free(order);
}

static void make_sequential(uint64_t *olds, uint64_t count, uint64_t origin_chunks, uint64_t seed)
{
    (void)origin_chunks;
    (void)seed;
    for (uint64_t i = 0; i < count; i++)
        olds[i] = i;
}

const struct bench_mode *bench_mode_find(const char *name)
{
    static const struct bench_mode modes[] = {
        {"random-4k", 4096, make_random},
        {"clustered", 4096, make_clustered},
        {"sequential", 4096, make_sequential},
        {"random-64k", 65536, make_random},
    };

    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(name, modes[i].name) == 0)
            return &modes[i];
    die(0, "\"%s\" is no mode: random-4k, clustered, sequential, random-64k", name);
}

uint64_t *bench_list_make(const struct bench_mode *mode, uint64_t count, uint64_t origin_chunks, uint64_t seed)
{
    uint64_t *olds;

    if (count == 0 || count > origin_chunks)
        die(0, "%llu chunks cannot change on an origin of %llu", (unsigned long long)count,
            (unsigned long long)origin_chunks);
    olds = calloc(count, sizeof *olds);
    if (!olds)
        die(ENOMEM, "no room for %llu numbers", (unsigned long long)count);
    mode->make(olds, count, origin_chunks, seed);
    return olds;
}

/* Each step maps the numbers of that many bits onto themselves, one to one. */
uint64_t bench_permute(uint64_t n, unsigned bits, uint64_t seed)
{
    const uint64_t mask = ((uint64_t)1 << bits) - 1;
    const unsigned half = bits / 2 + 1;

    for (unsigned round = 0; round < 3; round++) {
        n = (n + mix(seed + round)) & mask;
        n = (n * 0x9e3779b97f4a7c15u) & mask;
        n ^= n >> half;
    }
    return n;
}

uint64_t bench_list_old(const char *shape, uint64_t n, unsigned bits, uint64_t seed)
{
    if (strcmp(shape, "sequential") == 0)
        return n;
    if (strcmp(shape, "scattered") == 0)
        return bench_permute(n, 50, seed);
    if (strcmp(shape, "colliding") == 0)
        return bench_permute(n, 24, seed) << 26;
    if (strcmp(shape, "random") != 0 && strcmp(shape, "repeated") != 0)
        die(0, "\"%s\" is no shape of a list", shape);
    return bench_permute(n, bits, seed);
}
