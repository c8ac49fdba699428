/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of snapcheck. */
#ifndef DMSNAP_TOOLS_CHECK_OPTIONS
#define DMSNAP_TOOLS_CHECK_OPTIONS

#include "tools/cli/cli.h"

struct check_arguments {
    const char *origin; /* NULL where it is not given */
    bool data, dry_run, json;
    uint64_t memory_bytes; /* 0: as the programs choose */
};

extern const struct cli_option check_option_table[];

/* What the frame has parsed into the table. */
struct check_arguments check_options_take(void);

#endif
