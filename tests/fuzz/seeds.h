/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Seeds for harnesses that take stores: the recipes of tests/images, smaller, as choices. */
#ifndef DMSNAP_TEST_FUZZ_SEEDS_H
#define DMSNAP_TEST_FUZZ_SEEDS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Calls `add` with an input for each recipe in the folder. Recipes with chunks of 8 sectors become stores with chunks
 * of one: areas of 32 entries instead of 256, so that lists of several areas stay small.
 */
void seeds_read(const char *folder, void (*add)(const uint8_t *bytes, size_t length));

#endif
