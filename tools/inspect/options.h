/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of snapinspect. */
#ifndef DMSNAP_TOOLS_INSPECT_OPTIONS
#define DMSNAP_TOOLS_INSPECT_OPTIONS

#include "tools/cli/cli.h"

struct inspect_arguments {
    const char *origin, *extract, *columns;         /* NULL where they are not given */
    bool list, raw, bytes, noheadings, json, dry_run;
    uint64_t memory_bytes; /* 0: as the programs choose */
};

extern const struct cli_option inspect_option_table[];
extern const struct cli_option_rule inspect_option_rules[];

/* What the frame has parsed into the table. */
struct inspect_arguments inspect_options_take(void);

#endif
