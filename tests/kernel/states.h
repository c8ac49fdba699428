/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A collection of states of an origin and a COW, for the programs that make states for the kernel tests. */
#ifndef KERNEL_STATES_H
#define KERNEL_STATES_H

#include <stddef.h>
#include <stdint.h>

struct state {
    uint64_t hash;
    uint8_t *bytes;  /* the origin, then the COW */
    char text[64];   /* how it came about; no line feed */
};

struct states {
    size_t origin_bytes, cow_bytes;
    size_t count;
    struct state *state;
};

/* A failure of a call ends the program, here and below: exit status 2. Free the bytes. */
uint8_t *states_read_file(const char *path, size_t *length_bytes);

/* Copies the bytes, unless there is such a state already. */
void states_add(struct states *states, const uint8_t *origin, const uint8_t *cow, const char *text);

/*
 * Writes `max` of the states (0: all), evenly chosen, to PREFIX.N.origin and PREFIX.N.cow, N from 1, and prints a
 * line "N TEXT" for each.
 */
void states_write(const struct states *states, const char *prefix, size_t max);

void states_free(struct states *states);

#endif
