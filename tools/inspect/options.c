/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of snapinspect. */
#include "tools/inspect/options.h"

#include "tools/shared/memory.h"

/* Where the table leads; a session has a copy. */
static struct inspect_arguments parsed;

const struct cli_option inspect_option_table[] = {
    {.name = "origin",
     .argument = "DEV",
     .help = "the origin of the store: also show what is on it and\nin the view",
     .group = "Devices",
     .kind = CLI_STRING,
     .string = &parsed.origin},
    {.name = "list",
     .help = "list the ranges that the store holds",
     .group = "What to show",
     .kind = CLI_FLAG,
     .flag = &parsed.list},
    {.name = "extract",
     .argument = "FILE|-",
     .help = "write the view as a sparse image (needs --origin)",
     .group = "What to show",
     .kind = CLI_STRING,
     .string = &parsed.extract},
    {.name = "output",
     .letter = 'o',
     .argument = "COLS",
     .help = "columns of the list, separated by commas",
     .group = "Output",
     .kind = CLI_STRING,
     .string = &parsed.columns},
    {.name = "raw",
     .help = "print the list without padding",
     .group = "Output",
     .kind = CLI_FLAG,
     .flag = &parsed.raw},
    {.name = "bytes",
     .letter = 'b',
     .help = "print sizes and offsets in bytes",
     .group = "Output",
     .kind = CLI_FLAG,
     .flag = &parsed.bytes},
    {.name = "noheadings",
     .help = "print the list without headings",
     .group = "Output",
     .kind = CLI_FLAG,
     .flag = &parsed.noheadings},
    MEMORY_OPTION(&parsed.memory_bytes),
    CLI_OPTION_JSON(&parsed.json),
    {.name = "dry-run",
     .letter = 'n',
     .help = "accepted as in the other programs; nothing is ever written\nto a store or an origin",
     .group = "Safety",
     .kind = CLI_FLAG,
     .flag = &parsed.dry_run},
    CLI_OPTIONS_END,
};

const struct cli_option_rule inspect_option_rules[] = {
    {.name = "extract", .needs = "origin", .reason = "the view is the origin overlaid by the store"},
    {.name = "extract", .excludes = {"list", "json"}, .reason = "--extract makes an image and prints nothing"},
    {.name = "output", .needs = "list", .reason = "it names the columns of the list"},
    {.name = "raw", .needs = "list", .reason = "it changes how the list is printed"},
    {.name = "noheadings", .needs = "list", .reason = "it changes how the list is printed"},
    CLI_OPTION_RULES_END,
};

struct inspect_arguments inspect_options_take(void)
{
    return parsed;
}
