/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frame of the explorers. */
#include "tests/crash/explorer.h"

#include "tests/crash/drive.h"
#include "tests/crash/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct run_form quick = {
    .choices_max = 1 << 8,
    .event_choices_max = 1 << 8,
    .second_choices_max = 1 << 8,
    .samples = 10,
    .second_every = 211,
    .seconds_max = 3,
};
/* More than this gives states that differ in less and less. */
static const struct run_form thorough = {
    .choices_max = 1 << 16,
    .event_choices_max = 1 << 10,
    .second_choices_max = 1 << 8,
    .samples = 60,
    .states_max = 100000,
    .event_states_max = 3000,
    .second_every = 997,
    .seconds_max = 5,
};
static const struct run_form matrix = {
    .choices_max = 1 << 8,
    .event_choices_max = 1 << 8,
    .second_choices_max = 1 << 6,
    .samples = 6,
    .states_max = 3000,
    .event_states_max = 300,
    .second_every = 211,
    .seconds_max = 1,
};

static int usage(const struct explorer *explorer)
{
    fprintf(stderr, "usage: %s [--long] [WORKLOAD]...; see --help\n", explorer->name);
    return 2;
}

/* What the numbers above mean, and what they leave out. */
static int help(const struct explorer *explorer)
{
    printf("usage: %s [--long] [WORKLOAD]...\n\n"
           "Runs the library's merge on recorded devices. Before each write and flush, and at the end, "
           "it looks at what a\n"
           "power failure may leave: of each sector written since its device's last flush, the durable version or any\n"
           "later one, whatever the other sectors are. A state counts once for each workload.\n\n"
           "Complete are only moments with few such choices: up to %" PRIu64 "; %" PRIu64
           " for workloads that are called\n"
           "exhaustive. Of more choices it takes %" PRIu64
           " at random, and the regular ones: nothing arrived, everything,\n"
           "one disk, all but one; one sector, all but one, the first or the last ones written, "
           "around each sector or, of\n"
           "%" PRIu64 " and more, around %" PRIu64 " of them.\n\n"
           "--long takes more time for more of the same: complete up to %" PRIu64 " choices, %" PRIu64
           " where something goes\n"
           "wrong in each of many runs; else %" PRIu64 " at random. A run that has shown %" PRIu64
           " new states (%" PRIu64 ") is\n"
           "from there on only looked at with whole disks arrived or not. It adds rows that are "
           "made, not written down:\n"
           "complete up to %" PRIu64 " choices, %" PRIu64 " new states in each run.\n",
           explorer->name, quick.choices_max, run_exhaustive_choices, quick.samples, 2 * quick.samples, quick.samples,
           thorough.choices_max, thorough.event_choices_max, thorough.samples, thorough.states_max,
           thorough.event_states_max, matrix.choices_max, matrix.states_max);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool wanted(const char *name, int argc, char **argv)
{
    bool any_name = false;

    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-')
            continue;
        any_name = true;
        if (strcmp(argv[i], name) == 0)
            return true;
    }
    return !any_name;
}

/* One test point. */
static bool explore(const struct workload *workload, const struct run_form *form, unsigned number)
{
    struct run_counts counts;
    char problem[1024];
    bool right = run_workload(workload, form, &counts, problem, sizeof problem);

    if (workload->event == EVENT_TAMPER && right)
        printf("ok %u - %s: refused\n", number, workload->name);
    else if (right)
        printf("ok %u - %s: %" PRIu64 " runs, %" PRIu64 " operations, %" PRIu64 " choices, %" PRIu64
               " states (%" PRIu64 " with merged entries behind the end, %" PRIu64 " leave stale areas), %" PRIu64
               " second crashes, all views right\n",
               number, workload->name, counts.runs, counts.operations, counts.choices, counts.states,
               counts.cut_lists, counts.leftovers, counts.second_crashes);
    else
        printf("not ok %u - %s: broken promise\n# %s\n", number, workload->name, problem);
    (void)fflush(stdout);
    return right;
}

int explorer_main(const struct explorer *explorer, int argc, char **argv)
{
    const struct run_form *form = &quick;
    struct workload made;
    char name[64];
    size_t count;
    const struct workload *table = explorer->table(&count);
    unsigned number = 0;
    bool all_right = true;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--long") == 0)
            form = &thorough;
        else if (strcmp(argv[i], "--help") == 0)
            return help(explorer);
        else if (argv[i][0] == '-')
            return usage(explorer);
    }
    drive_keep_memory();
    for (size_t i = 0; i < count; i++)
        if (wanted(table[i].name, argc, argv) && (form == &thorough || !table[i].long_only))
            all_right = explore(&table[i], form, ++number) && all_right;
    for (size_t i = 0; form == &thorough && explorer->matrix(i, &made, name); i++)
        if (wanted(name, argc, argv))
            all_right = explore(&made, &matrix, ++number) && all_right;
    if (number == 0)
        return usage(explorer);
    printf("1..%u\n", number);
    return fflush(stdout) == 0 && all_right ? EXIT_SUCCESS : EXIT_FAILURE;
}
