/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of snapcheck. */
#include "tools/check/options.h"

#include "tools/shared/memory.h"
#include "tools/shared/typed.h"
#include "tools/shared/volumes.h"

#include <stdio.h>
#include <string.h>

static const char *const accept_words[] = {"view-change", "revalidate", "header", "origin-size",
                                            NULL}; /* enum check_accept */

static const char *const keep_words[] = {"first", "last", NULL}; /* enum snap_repair_keep without its first */

static const char *const size_words[] = {"fit", NULL};

/* Where the table leads; a session has a copy. */
static struct check_arguments parsed = {.keep = CHECK_KEEP_NONE};

const struct cli_option check_option_table[] = {
    {.name = "origin",
     .argument = "DEV",
     .help = "the origin of the store: also check that the two fit, and\nname the files that findings are about",
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
     .help = "show each finding (default: rows of one rule are summed up,\n"
             "and at most 100 lines of each rule are shown)",
     .group = "What to check",
     .kind = CLI_FLAG,
     .flag = &parsed.all},
    MEMORY_OPTION(&parsed.memory_bytes),
    {.name = "repair",
     .help = "mend what can be mended without guessing, after a question",
     .group = "Mending",
     .kind = CLI_FLAG,
     .flag = &parsed.repair},
    {.name = "preen",
     .letter = 'p',
     .help = "mend, without a question, what leaves the view as it is and\ndestroys no trace of lost entries",
     .group = "Mending",
     .kind = CLI_FLAG,
     .flag = &parsed.preen},
    {.name = "yes",
     .letter = 'y',
     .help = "as --repair, and answer all questions with yes (never\nwaives a refusal)",
     .group = "Mending",
     .kind = CLI_FLAG,
     .flag = &parsed.yes},
    {.name = "accept",
     .argument = "LIST",
     .help = "also mend: view-change (what then reads differently is\nnamed), revalidate (a store that was given up), "
             "header\n(one that is gone from in front of a list); origin-size: the\norigin "
             "was never larger, so entries behind its end are\ndamaged",
     .group = "Mending",
     .kind = CLI_LIST,
     .list = &parsed.accept,
     .words = accept_words},
    {.name = "keep",
     .argument = "first|last",
     .help = "of several entries for one chunk, keep this one (needs\n--accept=view-change)",
     .group = "Mending",
     .kind = CLI_WORD,
     .word = &parsed.keep,
     .words = keep_words},
    {.name = "save-old",
     .argument = "FILE",
     .help = "save what is overwritten in this new file (default: beside\nan image, or in the folder for state)",
     .group = "Mending",
     .kind = CLI_STRING,
     .string = &parsed.save_old},
    {.name = "no-save-old",
     .help = "do not save what is overwritten",
     .group = "Mending",
     .kind = CLI_FLAG,
     .flag = &parsed.no_save_old},
    {.name = "repair-to",
     .argument = "DEV",
     .help = "write all that is sound to a new, compact store on this new\nimage or blank device; COW is only read",
     .group = "Mending",
     .kind = CLI_STRING,
     .string = &parsed.repair_to},
    {.name = "size",
     .argument = "SIZE|fit",
     .help = "of that image (default: as COW); fit: the least size",
     .group = "Mending",
     .kind = CLI_SIZE,
     .number = &parsed.size_bytes,
     .words = size_words,
     .minimum = 512,
     .given = &parsed.size_given},
    {.name = "chunk-size",
     .argument = "SIZE",
     .help = "of the new store, a power of two (default: as COW); with\n--accept=header, the one that the store had",
     .group = "Mending",
     .kind = CLI_SIZE,
     .number = &parsed.chunk_bytes,
     .minimum = 512},
    {.name = "drop-equal",
     .help = "leave out what the origin holds as well",
     .group = "Mending",
     .kind = CLI_FLAG,
     .flag = &parsed.drop_equal},
    {.name = "put-back",
     .argument = "FILE",
     .help = "take a repair back: write the bytes that it saved",
     .group = "Mending",
     .kind = CLI_STRING,
     .string = &parsed.put_back},
    CLI_OPTION_JSON(&parsed.json),
    CLI_OPTION_DRY_RUN(&parsed.dry_run),
    CLI_OPTIONS_END,
};

const struct cli_option_rule check_option_rules[] = {
    {.name = "preen",
     .excludes = {"repair", "yes", "accept", "keep"},
     .reason = "with -p only harmless repairs are made, and nobody is asked"},
    {.name = "put-back",
     .excludes = {"repair", "preen", "yes", "accept", "save-old", "no-save-old"},
     .reason = "with --put-back nothing is mended"},
    {.name = "put-back",
     .excludes = {"data", "all", "origin", "list-rules"},
     .reason = "with --put-back nothing is checked"},
    {.name = "repair-to",
     .needs = "origin",
     .excludes = {"repair", "preen", "yes", "put-back", "save-old", "no-save-old", "list-rules"},
     .reason = "with --repair-to the store itself is not mended"},
    {.name = "keep",
     .excludes = {"put-back", "repair-to", "list-rules"},
     .reason = "only where the store itself is mended one of its entries is kept"},
    {.name = "size", .needs = "repair-to", .reason = "it is the size of the new image"},
    {.name = "drop-equal", .needs = "repair-to", .reason = "only a new store can leave something out"},
    {.name = "save-old", .excludes = {"no-save-old"}, .reason = "one saves what the other does not"},
    {.name = "list-rules", .excludes = {"repair", "preen", "yes"}, .reason = "no device is looked at"},
    CLI_OPTION_RULES_END,
};

bool check_options_origin_is_whole(const struct check_arguments *arguments)
{
    return (arguments->accept & 1u << CHECK_ACCEPT_ORIGIN_SIZE) != 0;
}

struct report_text check_options_text(const struct check_arguments *arguments)
{
    struct report_text text = volumes_option(&arguments->devices);
    const size_t used = strlen(text.text);

    if (check_options_origin_is_whole(arguments))
        (void)snprintf(text.text + used, sizeof text.text - used, " --accept=origin-size");
    return text;
}

bool check_options_mend(const struct check_arguments *arguments)
{
    return arguments->repair || arguments->preen || arguments->yes;
}

/* Where these mean something. */
static int mending_usage(struct cli *cli, const struct check_arguments *given)
{
    const bool header = check_options_mend(given) && (given->accept & 1u << CHECK_ACCEPT_HEADER);

    if (given->chunk_bytes > 0 && !given->repair_to && !header)
        return cli_usage_error(cli, "--chunk-size needs --repair-to, or -y --accept=header: it is that of the new "
                               "store, or of the header that is written");
    if ((given->accept & 1u << CHECK_ACCEPT_ORIGIN_SIZE) && !given->origin && !devices_is_lvm(given->cow))
        return cli_usage_error(cli, "--accept=origin-size needs --origin: it says that this one was never larger");
    if (check_options_mend(given))
        return CLI_EXIT_OK;
    if ((given->accept & ~(1u << CHECK_ACCEPT_ORIGIN_SIZE)) && !given->repair_to)
        return cli_usage_error(cli, "--accept needs --repair, -y or --repair-to: it says what may be mended");
    if (given->keep != CHECK_KEEP_NONE)
        return cli_usage_error(cli, "--keep needs --repair or -y: nothing is mended without one of them");
    if (given->save_old || given->no_save_old)
        return cli_usage_error(cli, "--%s needs --repair, -p or -y: nothing is overwritten without one of them",
                               given->save_old ? "save-old" : "no-save-old");
    return CLI_EXIT_OK;
}

/* A volume of LVM is left alone until it is said that it is written to: its group would be locked for the run. */
static bool may_ask(const struct cli *cli, const struct check_arguments *given)
{
    const bool lvm = devices_is_lvm(given->cow) || (given->origin && devices_is_lvm(given->origin));

    return !check_options_mend(given) && !given->dry_run && !given->repair_to && !given->put_back && !given->json &&
           !lvm && !cli->quiet && cli_person_present(cli);
}

int check_options_take(struct cli *cli, struct check_arguments *given)
{
    int status;

    *given = parsed;
    if (given->list_rules)
        return CLI_EXIT_OK; /* no device is needed */
    status = typed_cow(cli, &given->cow);
    if (status == CLI_EXIT_OK)
        status = mending_usage(cli, given);
    if (status == CLI_EXIT_OK)
        given->asks = may_ask(cli, given);
    return status == CLI_EXIT_OK ? volumes_usage(cli, &given->devices, given->cow, given->origin) : status;
}
