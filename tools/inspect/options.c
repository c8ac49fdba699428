/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of snapinspect. */
#include "tools/inspect/options.h"

#include "tools/output/damaged.h"
#include "tools/output/stream.h"
#include "tools/shared/accept.h"
#include "tools/shared/activate.h"
#include "tools/shared/memory.h"
#include "tools/shared/typed.h"
#include "tools/shared/volumes.h"

#include <string.h>

/* Where the table leads; a session has a copy. */
static struct inspect_arguments parsed;

const struct cli_option inspect_option_table[] = {
    {.name = "origin",
     .argument = "DEV",
     .help = "the origin of the store: also show what is on it and\nin the view",
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
    {.name = "list",
     .help = "list the ranges that the store holds",
     .group = "What to show",
     .kind = CLI_FLAG,
     .flag = &parsed.list},
    {.name = "lvm",
     .help = "show LVM groups, or the one that the operand names, with\ntheir snapshots, without activating them",
     .group = "What to show",
     .kind = CLI_FLAG,
     .flag = &parsed.lvm},
    {.name = "system",
     .help = "show all snapshots of the running kernel as trees, with\nwhat they stand on and where they are mounted",
     .group = "What to show",
     .kind = CLI_FLAG,
     .flag = &parsed.system},
    {.name = "extract",
     .argument = "FILE|DEV|-",
     .help = "write the view to a new sparse image, to a device, or to\nstandard output (needs --origin, or lvm:VG/LV)",
     .group = "What to show",
     .kind = CLI_STRING,
     .stream = true,
     .string = &parsed.extract},
    {.name = "activate",
     .argument = "NAME",
     .help = "let the kernel show the view as /dev/mapper/NAME, for\nreading only (needs --origin)",
     .group = "What to show",
     .kind = CLI_STRING,
     .string = &parsed.activate},
    {.name = "columns",
     .letter = 'o',
     .argument = "COLS",
     .help = "columns of the table, separated by commas",
     .group = "Output",
     .kind = CLI_STRING,
     .string = &parsed.columns},
    {.name = "raw",
     .help = "print the table without padding",
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
     .help = "print the table without headings",
     .group = "Output",
     .kind = CLI_FLAG,
     .flag = &parsed.noheadings},
    CLI_OPTION_JSON(&parsed.json),
    {.name = "progress-json",
     .help = "print progress as JSON lines on standard error",
     .group = "Output",
     .kind = CLI_FLAG,
     .flag = &parsed.progress_json,
     .lacks = cli_json_lacks},
    {.name = "progress-frequency",
     .argument = "SEC",
     .help = "print progress every SEC seconds",
     .group = "Output",
     .kind = CLI_SECONDS,
     .number = &parsed.progress_seconds,
     .minimum = 1},
    CLI_OPTION_DRY_RUN(&parsed.dry_run),
    CLI_OPTION_YES(&parsed.yes),
    {.name = "accept",
     .argument = "LIST",
     .help = "extract or activate in spite of: identity (the store names\nanother origin), cut (the list may have been "
             "cut off),\n"
             "output-signature (something is on the output device),\nspace (it may not fit), "
             "invalid (the store was given up),\norigin-size (the origin was never larger)",
     .group = "Safety",
     .kind = CLI_LIST,
     .list = &parsed.accept,
     .words = accept_words_of_output},
    {.name = "skip-damaged",
     .argument = "WORD",
     .help = "extract what is sound; damaged chunks are written as\norigin (what it has there) or zeros, and named",
     .group = "Safety",
     .kind = CLI_WORD,
     .word = &parsed.skip_damaged,
     .words = output_skip_words},
    {.name = "verify",
     .help = "read the whole output back past the cache, and compare,\nbefore a new image gets its name",
     .group = "Safety",
     .kind = CLI_FLAG,
     .flag = &parsed.verify},
    {.name = "rate-limit",
     .argument = "SIZE",
     .help = "read and write at most SIZE per second on each device",
     .group = "Tuning",
     .kind = CLI_SIZE,
     .number = &parsed.rate_limit_bytes,
     .minimum = 4096},
    MEMORY_OPTION(&parsed.memory_bytes),
    CLI_OPTIONS_END,
};

const struct cli_option_rule inspect_option_rules[] = {
    {.name = "lvm",
     .excludes = {"origin", "cow", "list", "extract"},
     .reason = "it shows groups, and the operand names one of them"},
    {.name = "system",
     .excludes = {"origin", "cow", "devices", "lvm", "list", "extract"},
     .reason = "it shows what the kernel has, and no store that is named"},
    {.name = "extract", .excludes = {"list"}, .reason = "--extract writes the view and prints no list"},
    {.name = "activate", .needs = "origin", .reason = "the view is the origin overlaid by the store"},
    {.name = "activate",
     .excludes = {"list", "lvm", "system", "extract"},
     .reason = "--activate makes a device and shows nothing"},
    {.name = "skip-damaged", .needs = "extract", .reason = "only there the data are needed"},
    {.name = "yes", .needs = "extract", .reason = "only there a question is asked"},
    {.name = "verify", .needs = "extract", .reason = "only there something is written"},
    {.name = "rate-limit", .needs = "extract", .reason = "only there much is copied"},
    {.name = "progress-json", .needs = "extract", .reason = "only there much is copied"},
    {.name = "progress-frequency", .needs = "extract", .reason = "only there much is copied"},
    CLI_OPTION_RULES_END,
};

/* What is about the columns of a table. */
static int check_table(struct cli *cli)
{
    const char *const about = parsed.columns      ? "columns"
                              : parsed.raw        ? "raw"
                              : parsed.noheadings ? "noheadings"
                                                  : NULL;

    if (about && !parsed.list && !parsed.lvm && !parsed.system)
        return cli_usage_error(cli, "--%s needs --list, --lvm or --system: it is about the table that they print",
                               about);
    if (about && !parsed.list && parsed.json)
        return cli_usage_error(cli, "--%s cannot be used with --%s and --json: that has all there is", about,
                               parsed.lvm ? "lvm" : "system");
    return CLI_EXIT_OK;
}

int inspect_options_take(struct cli *cli, struct inspect_arguments *given)
{
    int exit_status;

    *given = parsed;
    if (given->accept && !given->extract && !given->activate)
        return cli_usage_error(cli, "--accept needs --extract or --activate: without them nothing is refused that "
                               "could be waived");
    if (activate_take_name(cli, "--activate", given->activate) != CLI_EXIT_OK)
        return CLI_EXIT_USAGE;
    exit_status = output_stream_check(cli, "--extract", given->extract, &parsed.json, given->verify);
    if (exit_status == CLI_EXIT_OK)
        exit_status = check_table(cli);
    if (exit_status == CLI_EXIT_OK && given->lvm) {
        given->cow = cli->operands_count > 0 ? cli->operands[0] : NULL;
        return CLI_EXIT_OK;
    }
    if (exit_status == CLI_EXIT_OK && given->system)
        return cli->operands_count == 0 ? CLI_EXIT_OK : cli_usage_error(cli, "--system takes no operand");
    if (exit_status == CLI_EXIT_OK)
        exit_status = typed_cow(cli, &given->cow);
    if (exit_status == CLI_EXIT_OK && given->extract && !given->origin && !devices_is_lvm(given->cow))
        return cli_usage_error(cli, "--extract needs --origin: the view is the origin overlaid by the store");
    return exit_status == CLI_EXIT_OK ? volumes_usage(cli, &given->devices, given->cow, given->origin) : exit_status;
}
