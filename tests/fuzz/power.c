/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps the disks of some moments of a run, and chooses which unflushed sectors arrive. */
#include "tests/fuzz/power.h"

#include <stdlib.h>

static void before_operation(void *context, const struct recorder *recorder, const struct record_operation *operation)
{
    struct power *power = context;
    uint64_t place;

    if (operation->kind == RECORD_READ)
        return;
    place = power->moments++;
    if (place >= POWER_CUTS)
        place = fuzz_random(&power->random) % power->moments;
    if (place >= POWER_CUTS)
        return;
    record_state_free(power->cut[place]);
    power->cut[place] = record_state_clone(recorder_state(recorder));
}

void power_watch(struct power *power, struct recorder *recorder, uint64_t seed)
{
    *power = (struct power){.recorder = recorder, .random = {seed}};
    recorder_on_operation(recorder, before_operation, power);
}

void power_image(struct power *power, const struct record_state *state, unsigned disk, uint8_t *image)
{
    const struct record_disk *of = &state->disks[disk];
    const uint64_t all_or_any = fuzz_random(&power->random) % 8; /* nothing, everything, or any of it */
    size_t *choice = record_choice_new(of);

    for (size_t i = 0; i < of->pending_count && all_or_any > 0; i++)
        choice[i] = all_or_any == 1 ? of->pending[i].versions
                                    : (size_t)(fuzz_random(&power->random) % (of->pending[i].versions + 1));
    record_image(of, choice, image);
    free(choice);
}

void power_image_now(const struct record_state *state, unsigned disk, uint8_t *image)
{
    size_t *choice = record_choice_new(&state->disks[disk]);

    record_choice_newest(&state->disks[disk], choice);
    record_image(&state->disks[disk], choice, image);
    free(choice);
}

void power_free(struct power *power)
{
    recorder_on_operation(power->recorder, NULL, NULL);
    for (unsigned i = 0; i < POWER_CUTS; i++)
        record_state_free(power->cut[i]);
}
