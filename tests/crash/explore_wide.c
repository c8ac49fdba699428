/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The crash explorer of careful merges: siblings, undo, bad chunks, verify, skip. */
#include "tests/crash/explorer.h"

int main(int argc, char **argv)
{
    const struct explorer explorer = {
        .name = "explore-wide", .table = workload_wide_table, .matrix = workload_wide_matrix};

    return explorer_main(&explorer, argc, argv);
}
