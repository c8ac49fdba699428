/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What runs a harness without libFuzzer: inputs, and how they are changed. */
#ifndef DMSNAP_TEST_FUZZ_REPLAY_H
#define DMSNAP_TEST_FUZZ_REPLAY_H

#include "tests/fuzz/fuzz.h"

#define REPLAY_BYTES_MAX 2048u

/* Adds an input to those that are run and changed. */
void replay_add(const uint8_t *bytes, size_t length);

/* Runs the harness; what ends the program saves the input first. */
void replay_run(const uint8_t *bytes, size_t length);

/* Makes an input of one or two others: some edits at random places. Returns its length, at most REPLAY_BYTES_MAX. */
size_t replay_change(struct fuzz_random *random, const uint8_t *first, size_t first_length, const uint8_t *other,
                     size_t other_length, uint8_t bytes[REPLAY_BYTES_MAX]);

#endif
