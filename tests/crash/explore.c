/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The crash explorer: TAP, one test point per workload. */
#include "run.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

static const struct run_form quick = {.choices_max = 1 << 8, .second_choices_max = 1 << 8, .samples = 10,
                                      .second_every = 211, .seconds_max = 3};
static const struct run_form thorough = {.choices_max = 1 << 16, .second_choices_max = 1 << 8, .samples = 60,
                                         .second_every = 997, .seconds_max = 5};
static const struct run_form matrix = {.choices_max = 1 << 8, .second_choices_max = 1 << 6, .samples = 6,
                                       .second_every = 211, .seconds_max = 1};

static int usage(void)
{
    fprintf(stderr, "usage: explore [--long] [WORKLOAD]...\n");
    return 2;
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

int main(int argc, char **argv)
{
    const struct run_form *form = &quick;
    struct workload made;
    char name[64];
    size_t count;
    const struct workload *table = workload_table(&count);
    unsigned number = 0;
    bool all_right = true;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--long") == 0)
            form = &thorough;
        else if (argv[i][0] == '-')
            return usage();
    }
    /* Hints only: many small merges, each with large buffers hardly used; what is freed is soon wanted again. */
    (void)prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    (void)mallopt(M_TRIM_THRESHOLD, 1 << 30);
    (void)mallopt(M_MMAP_THRESHOLD, 1 << 28);
    for (size_t i = 0; i < count; i++)
        if (wanted(table[i].name, argc, argv) && (form == &thorough || !table[i].long_only))
            all_right = explore(&table[i], form, ++number) && all_right;
    for (size_t i = 0; form == &thorough && workload_matrix(i, &made, name); i++)
        if (wanted(name, argc, argv))
            all_right = explore(&made, &matrix, ++number) && all_right;
    if (number == 0)
        return usage();
    printf("1..%u\n", number);
    return fflush(stdout) == 0 && all_right ? EXIT_SUCCESS : EXIT_FAILURE;
}
