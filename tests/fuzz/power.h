/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Power cuts at random moments of a run: what the disks may hold then, each unflushed sector lost or not. */
#ifndef DMSNAP_TEST_FUZZ_POWER_H
#define DMSNAP_TEST_FUZZ_POWER_H

#include "tests/fuzz/fuzz.h"
#include "tests/support/io_record.h"

#define POWER_CUTS 3u

struct power {
    struct recorder *recorder;
    struct fuzz_random random;
    uint64_t moments;                         /* before a write or flush, so far */
    struct record_state *cut[POWER_CUTS];     /* each moment is as likely as any other; NULL: there were less */
};

/* Starts with the recorder, which has all disks already. The cuts depend on `seed` and on the run. */
void power_watch(struct power *power, struct recorder *recorder, uint64_t seed);

/* What a disk holds after a power cut in this state; sectors * 512 bytes. */
void power_image(struct power *power, const struct record_state *state, unsigned disk, uint8_t *image);

/* What it holds while the power stays on. */
void power_image_now(const struct record_state *state, unsigned disk, uint8_t *image);

void power_free(struct power *power);

#endif
