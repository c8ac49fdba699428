/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The crash explorer of plain merges: an origin and a COW. */
#include "tests/crash/explorer.h"

int main(int argc, char **argv)
{
    const struct explorer explorer = {.name = "explore", .table = workload_table, .matrix = workload_matrix};

    return explorer_main(&explorer, argc, argv);
}
