/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of snapcheck. */
#include "tools/check/options.h"

#include "tools/shared/memory.h"
#include "tools/shared/typed.h"
#include "tools/shared/volumes.h"

/* Where the table leads; a session has a copy. */
static struct check_arguments parsed;

const struct cli_option check_option_table[] = {
    {.name = "origin",
     .argument = "DEV",
     .help = "the origin of the store: also check that the two fit",
     .group = "Devices",
     .kind = CLI_STRING,
     .string = &parsed.origin},
    {.name = "cow",
     .argument = "DEV",
     .help = "the store; the same as the operand",
     .group = "Devices",
     .kind = CLI_STRING,
     .string = &parsed.cow},
    VOLUMES_OPTION_DEVICES(&parsed.devices),
    {.name = "list-rules",
     .help = "show each rule, what it means and what to do, and end",
     .group = "What to check",
     .kind = CLI_FLAG,
     .flag = &parsed.list_rules},
    {.name = "data",
     .help = "also read all data, to find chunks that cannot be read",
     .group = "What to check",
     .kind = CLI_FLAG,
     .flag = &parsed.data},
    {.name = "all",
     .help = "show each finding (default: at most 100 of each rule)",
     .group = "What to check",
     .kind = CLI_FLAG,
     .flag = &parsed.all},
    MEMORY_OPTION(&parsed.memory_bytes),
    CLI_OPTION_JSON(&parsed.json),
    CLI_OPTION_DRY_RUN(&parsed.dry_run),
    CLI_OPTIONS_END,
};

int check_options_take(struct cli *cli, struct check_arguments *given)
{
    int status;

    *given = parsed;
    if (given->list_rules)
        return CLI_EXIT_OK; /* no device is needed */
    status = typed_cow(cli, &given->cow);
    return status == CLI_EXIT_OK ? volumes_usage(cli, &given->devices, given->cow, given->origin) : status;
}
