/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of snapinspect. */
#ifndef DMSNAP_TOOLS_INSPECT_OPTIONS
#define DMSNAP_TOOLS_INSPECT_OPTIONS

#include "tools/cli/cli.h"

struct inspect_arguments {
    const char *cow;       /* with `lvm` the name of a group; NULL: all groups */
    struct cli_strings devices;
    const char *origin, *extract, *activate, *columns; /* NULL where they are not given */
    bool lvm, system, list, raw, bytes, noheadings, json, dry_run, yes, verify, progress_json;
    unsigned accept;       /* bits of enum accept */
    int skip_damaged;      /* enum output_skip */
    uint64_t memory_bytes; /* 0: as the programs choose */
    uint64_t rate_limit_bytes, progress_seconds; /* 0: not given */
};

extern const struct cli_option inspect_option_table[];
extern const struct cli_option_rule inspect_option_rules[];

/* Hands over what the frame has parsed. CLI_EXIT_OK, or a usage error where values do not go together. */
int inspect_options_take(struct cli *cli, struct inspect_arguments *given);

#endif
