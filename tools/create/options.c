/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of snapcreate. */
#include "tools/create/options.h"

#include "lib/store/record.h"
#include "tools/shared/activate.h"
#include "tools/shared/volumes.h"

#include <string.h>

static const char *const size_words[] = {"max", NULL};
static const char *const create_accept_words[] = {"identity", "cut", NULL}; /* enum create_accept */
static const char *const table_words[] = {"snapshot", "snapshot-origin", "snapshot-merge", "P", "PO", "N",
                                          NULL}; /* enum create_table */

/* Where the table leads; a session has a copy. */
static struct create_arguments parsed = {.chunk_bytes = 4096};

const struct cli_option create_option_table[] = {
    {.name = "origin",
     .argument = "DEV",
     .help = "the device that the snapshot is taken of; only read\n"
             "(not needed where --cow is a snapshot lvm:VG/LV)",
     .group = "Devices",
     .kind = CLI_STRING,
     .string = &parsed.origin},
    {.name = "cow",
     .argument = "DEV",
     .help = "where the store is made",
     .group = "Devices",
     .kind = CLI_STRING,
     .string = &parsed.cow,
     .required = true},
    VOLUMES_OPTION_DEVICES(&parsed.devices),
    {.name = "from-diff",
     .argument = "NEW",
     .help = "make the store through which the origin looks exactly\nlike this device or image",
     .group = "Devices",
     .kind = CLI_STRING,
     .string = &parsed.from_diff},
    {.name = "chunk-size",
     .argument = "SIZE",
     .help = "a power of two (default 4K)",
     .group = "Store",
     .kind = CLI_SIZE,
     .number = &parsed.chunk_bytes,
     .minimum = 1,
     .given = &parsed.chunk_given},
    {.name = "size",
     .argument = "SIZE|max",
     .help = "make a new sparse image of this size at --cow;\nmax can never overflow",
     .group = "Store",
     .kind = CLI_SIZE,
     .number = &parsed.size_bytes,
     .words = size_words,
     .minimum = 1,
     .given = &parsed.size_given},
    {.name = "label",
     .argument = "TEXT",
     .help = "a name for people, kept in the identity record",
     .group = "Store",
     .kind = CLI_STRING,
     .string = &parsed.label},
    {.name = "identify",
     .help = "make no store: let the one that is there remember which\norigin it belongs to and what that holds",
     .group = "Store",
     .kind = CLI_FLAG,
     .flag = &parsed.identify},
    {.name = "no-identity",
     .help = "do not remember in the store which origin it belongs to\nand what that holds",
     .group = "Store",
     .kind = CLI_FLAG,
     .flag = &parsed.no_identity},
    {.name = "accept",
     .argument = "LIST",
     .help = "waive a refusal: identity (an origin that is itself a\nstore; "
             "newer content, or a store, that does not fit),\ncut (with --activate: the list may have been cut off)",
     .group = "Store",
     .kind = CLI_LIST,
     .list = &parsed.accept,
     .words = create_accept_words},
    {.name = "print-table",
     .argument = "LIST",
     .help = "print the dmsetup lines for these targets; P (the default):\noverflow invalidates, PO: overflow fails "
             "writes, N: nothing\nis kept; without a target: the bare tables",
     .group = "Output",
     .kind = CLI_LIST,
     .list = &parsed.tables,
     .words = table_words,
     .any_case = true,
     .given = &parsed.table_given},
    {.name = "activate",
     .argument = "NAME",
     .help = "make the snapshot active as /dev/mapper/NAME; a store that\nis there is used as it is",
     .group = "Kernel",
     .kind = CLI_STRING,
     .string = &parsed.activate},
    {.name = "activate-origin",
     .argument = "NAME",
     .help = "with --activate: also the device through which the origin\nis written to meanwhile",
     .group = "Kernel",
     .kind = CLI_STRING,
     .string = &parsed.activate_origin},
    CLI_OPTION_JSON(&parsed.json),
    {.name = "force",
     .letter = 'f',
     .help = "overwrite what is on the COW device; with --identify, also\na record",
     .group = "Safety",
     .kind = CLI_FLAG,
     .flag = &parsed.force},
    CLI_OPTION_DRY_RUN(&parsed.dry_run),
    CLI_OPTION_YES(&parsed.yes),
    CLI_OPTIONS_END,
};

const struct cli_option_rule create_option_rules[] = {
    {.name = "identify",
     .excludes = {"from-diff", "chunk-size", "size", "no-identity", "print-table",
                  "activate"},
     .reason = "with --identify no store is made"},
    {.name = "activate-origin",
     .needs = "activate",
     .reason = "what is written to an origin whose snapshot is not active destroys the snapshot"},
    {.name = "activate",
     .excludes = {"size"},
     .reason = "the kernel takes only devices, and --size makes an image"},
    CLI_OPTION_RULES_END,
};

bool create_options_print(const struct create_arguments *given, enum create_table word)
{
    return (given->tables & 1u << word) != 0;
}

/* Which words of --print-table go together. */
static int check_tables(struct cli *cli, const struct create_arguments *given)
{
    const int modes = create_options_print(given, CREATE_TABLE_P) + create_options_print(given, CREATE_TABLE_PO) +
                      create_options_print(given, CREATE_TABLE_N);

    if (modes > 1)
        return cli_usage_error(cli, "--print-table: only one of P, PO and N can be meant");
    if (create_options_print(given, CREATE_TABLE_MERGE) && (create_options_print(given, CREATE_TABLE_SNAPSHOT) ||
                                                            create_options_print(given, CREATE_TABLE_ORIGIN)))
        return cli_usage_error(cli, "--print-table: snapshot-merge stands alone: it takes the place of the snapshot "
                               "and of snapshot-origin");
    if (!create_options_print(given, CREATE_TABLE_N))
        return CLI_EXIT_OK;
    if (create_options_print(given, CREATE_TABLE_MERGE))
        return cli_usage_error(cli, "--print-table: with N nothing is kept, so there is nothing to merge, and the "
                               "kernel stops at such a table");
    if (given->from_diff || given->size_given || given->label || given->no_identity)
        return cli_usage_error(cli, "--print-table: with N no store is made, so --from-diff, --size, --label and "
                               "--no-identity cannot be given");
    return CLI_EXIT_OK;
}

/* A volume of a group that is not active has its size, and no device. */
static int check_volumes(struct cli *cli, const struct create_arguments *given)
{
    const bool cow_is_volume = devices_is_lvm(given->cow);
    const bool any = cow_is_volume || (given->origin && devices_is_lvm(given->origin)) ||
                     (given->from_diff && devices_is_lvm(given->from_diff));

    if (!given->origin && !cow_is_volume)
        return cli_usage_error(cli, "the option --origin DEV is missing");
    if (cow_is_volume && given->size_given)
        return cli_usage_error(cli, "--size makes a new image, and a volume has its size already");
    if (any && (given->table_given || given->activate))
        return cli_usage_error(cli, "--print-table and --activate need devices, and a volume of an LVM group that is "
                               "not active has none");
    return any ? CLI_EXIT_OK : volumes_usage(cli, &given->devices, given->cow, given->origin);
}

int create_options_take(struct cli *cli, struct create_arguments *given)
{
    const size_t label_bytes = sizeof ((struct snap_identity *)0)->label - 1;
    int exit_status;

    *given = parsed;
    exit_status = check_volumes(cli, given);
    if (exit_status != CLI_EXIT_OK)
        return exit_status;
    if (given->size_bytes == UINT64_MAX) /* the word max */
        given->size_bytes = 0;
    if (given->label && strlen(given->label) > label_bytes)
        return cli_usage_error(cli, "--label: the store keeps at most %zu bytes, and this label has %zu", label_bytes,
                               strlen(given->label));
    if (activate_take_name(cli, "--activate", given->activate) != CLI_EXIT_OK ||
        activate_take_name(cli, "--activate-origin", given->activate_origin) != CLI_EXIT_OK)
        return CLI_EXIT_USAGE;
    return check_tables(cli, given);
}
