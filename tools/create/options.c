/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of snapcreate. */
#include "tools/create/options.h"

#include "lib/store/record.h"

#include <string.h>

static const char *const size_words[] = {"max", NULL};
static const char *const accept_words[] = {"identity", NULL}; /* enum create_accept */
static const char *const table_words[] = {"P", "PO", NULL}; /* enum create_table_mode */

/* Where the table leads; a session has a copy. */
static struct create_arguments parsed = {.chunk_bytes = 4096};

const struct cli_option create_option_table[] = {
    {.name = "origin",
     .argument = "DEV",
     .help = "the device that the snapshot is taken of; only read",
     .group = "Devices",
     .kind = CLI_STRING,
     .string = &parsed.origin,
     .required = true},
    {.name = "cow",
     .argument = "DEV",
     .help = "where the store is made",
     .group = "Devices",
     .kind = CLI_STRING,
     .string = &parsed.cow,
     .required = true},
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
     .minimum = 1},
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
             "newer content, or a store, that does not fit)",
     .group = "Store",
     .kind = CLI_LIST,
     .list = &parsed.accept,
     .words = accept_words},
    {.name = "print-table",
     .argument = "P|PO",
     .help = "print the dmsetup tables for this pair; P: overflow\ninvalidates, PO: overflow fails writes",
     .group = "Output",
     .kind = CLI_WORD,
     .word = &parsed.table_mode,
     .words = table_words,
     .given = &parsed.table_given},
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
     .excludes = {"from-diff", "chunk-size", "size", "no-identity", "print-table"},
     .reason = "with --identify no store is made"},
    CLI_OPTION_RULES_END,
};

int create_options_take(struct cli *cli, struct create_arguments *given)
{
    const size_t label_bytes = sizeof ((struct snap_identity *)0)->label - 1;

    *given = parsed;
    if (given->size_bytes == UINT64_MAX) /* the word max */
        given->size_bytes = 0;
    if (given->label && strlen(given->label) > label_bytes)
        return cli_usage_error(cli, "--label: the store keeps at most %zu bytes, and this label has %zu", label_bytes,
                               strlen(given->label));
    return CLI_EXIT_OK;
}
