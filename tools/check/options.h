/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of snapcheck. */
#ifndef DMSNAP_TOOLS_CHECK_OPTIONS
#define DMSNAP_TOOLS_CHECK_OPTIONS

#include "tools/cli/cli.h"

struct check_arguments {
    const char *cow;
    struct cli_strings devices;
    const char *origin; /* NULL where it is not given */
    bool all, data, dry_run, json, list_rules;
    uint64_t memory_bytes; /* 0: as the programs choose */
};

extern const struct cli_option check_option_table[];

/* Hands over what the frame has parsed. CLI_EXIT_OK, or a usage error where values do not go together. */
int check_options_take(struct cli *cli, struct check_arguments *given);

#endif
