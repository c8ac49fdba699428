/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the explorers are but for their tables: arguments, TAP, one test point per workload. */
#ifndef DMSNAP_TEST_CRASH_EXPLORER_H
#define DMSNAP_TEST_CRASH_EXPLORER_H

#include "tests/crash/workload.h"

struct explorer {
    const char *name;
    const struct workload *(*table)(size_t *count);
    /* The long form has these too: made, not written down; see workload_matrix. */
    bool (*matrix)(size_t index, struct workload *workload, char *name);
};

/* All of main. */
int explorer_main(const struct explorer *explorer, int argc, char **argv);

#endif
