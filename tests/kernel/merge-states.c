/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Merges a pair of images on recorded devices and writes out what a kill or a power loss may leave at each step. */
#include "lib/base/bytes.h"
#include "tests/crash/drive.h"
#include "tests/kernel/states.h"
#include "tests/support/io_record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct collect {
    struct states states;
    bool commits_only;         /* only what is there after a flush */
    enum record_kind last;     /* the last operation */
    uint8_t *origin, *cow;     /* one state */
};

static void newest_image(const struct record_disk *disk, uint8_t *image)
{
    size_t *choice = record_choice_new(disk);

    record_choice_newest(disk, choice);
    record_image(disk, choice, image);
    free(choice);
}

/* What is there before an operation is what was there after the last one. */
static void collect_state(struct collect *collect, const struct recorder *recorder)
{
    const struct record_state *state = recorder_state(recorder);
    const struct record_disk *origin = record_disk_of(state, "origin");
    const struct record_disk *cow = record_disk_of(state, "cow");
    char text[sizeof(((struct state *)NULL)->text)];

    if (collect->last == RECORD_READ || (collect->commits_only && collect->last != RECORD_FLUSH))
        return;
    record_image(origin, NULL, collect->origin);
    record_image(cow, NULL, collect->cow);
    (void)snprintf(text, sizeof(text), "operation %zu durable", state->operations);
    states_add(&collect->states, collect->origin, collect->cow, text);
    newest_image(origin, collect->origin);
    newest_image(cow, collect->cow);
    (void)snprintf(text, sizeof(text), "operation %zu newest", state->operations);
    states_add(&collect->states, collect->origin, collect->cow, text);
}

static void before_operation(void *context, const struct recorder *recorder, const struct record_operation *operation)
{
    struct collect *collect = context;

    collect_state(collect, recorder);
    collect->last = operation->kind;
}

static int merge_all(struct collect *collect, const uint8_t *origin_bytes, const uint8_t *cow_bytes, uint64_t window)
{
    const struct drive_options options = {.window_entries_max = window};
    struct recorder *recorder = recorder_new();
    struct snap_io *origin =
        io_record_new(recorder, "origin", origin_bytes, collect->states.origin_bytes, SNAP_SECTOR_BYTES, true);
    struct snap_io *cow = io_record_new(recorder, "cow", cow_bytes, collect->states.cow_bytes, SNAP_SECTOR_BYTES, true);
    struct drive_report report;
    struct snap_error err;
    enum snap_status status;

    collect->last = RECORD_READ;
    recorder_on_operation(recorder, before_operation, collect);
    status = drive_merge(origin, cow, &options, &report, &err);
    collect_state(collect, recorder);
    if (status != SNAP_OK)
        (void)fprintf(stderr, "merge-states: %s\n", err.text);
    (void)snap_io_close(origin, NULL);
    (void)snap_io_close(cow, NULL);
    recorder_free(recorder);
    return status == SNAP_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct collect collect = {.last = RECORD_READ};
    uint8_t *origin, *cow;
    int result;

    if (argc != 7 || (strcmp(argv[6], "commits") != 0 && strcmp(argv[6], "all") != 0)) {
        (void)fprintf(stderr, "usage: merge-states ORIGIN COW WINDOW_ENTRIES PREFIX MAX commits|all\n");
        return 2;
    }
    collect.commits_only = strcmp(argv[6], "commits") == 0;
    origin = states_read_file(argv[1], &collect.states.origin_bytes);
    cow = states_read_file(argv[2], &collect.states.cow_bytes);
    collect.origin = malloc(collect.states.origin_bytes);
    collect.cow = malloc(collect.states.cow_bytes);
    if (!collect.origin || !collect.cow) {
        perror("merge-states");
        return 2;
    }
    result = merge_all(&collect, origin, cow, strtoull(argv[3], NULL, 10));
    if (result == 0)
        states_write(&collect.states, argv[4], strtoull(argv[5], NULL, 10));
    states_free(&collect.states);
    free(collect.origin);
    free(collect.cow);
    free(origin);
    free(cow);
    return result;
}
