/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the builders of images share. */
#ifndef DMSNAP_TEST_CRASH_IMAGES_H
#define DMSNAP_TEST_CRASH_IMAGES_H

#include "tests/crash/workload.h"

#define SECTOR 512u

/* Zeroed; out of memory ends the test program. */
void *images_memory(uint64_t count, size_t size);

/* No two sectors of all devices are alike, and none is zero, where each device has seeds of its own. */
void images_fill(uint8_t *bytes, uint64_t length_bytes, uint64_t seed);

/* Little endian. */
void images_put(uint8_t *bytes, uint64_t value, unsigned count);
void images_put_header(uint8_t *cow, uint32_t chunk_sectors);

/* Adds a disk: a store of the same origin with just the room that a merge of the COW needs on it. */
void images_add_sibling(const struct workload_sibling *sibling, struct images *images);

#endif
