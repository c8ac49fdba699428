/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of snapcreate. */
#ifndef DMSNAP_TOOLS_CREATE_OPTIONS
#define DMSNAP_TOOLS_CREATE_OPTIONS

#include "tools/cli/cli.h"

enum create_accept { CREATE_ACCEPT_IDENTITY, CREATE_ACCEPT_CUT }; /* --accept; as enum accept begins */

/* --print-table: which tables, and what the kernel does when the store is full. */
enum create_table {
    CREATE_TABLE_SNAPSHOT,
    CREATE_TABLE_ORIGIN,
    CREATE_TABLE_MERGE,
    CREATE_TABLE_P,
    CREATE_TABLE_PO,
    CREATE_TABLE_N
};

struct create_arguments {
    const char *origin, *cow, *label, *from_diff; /* the last two may be NULL */
    const char *activate, *activate_origin;       /* may be NULL */
    struct cli_strings devices;
    uint64_t chunk_bytes;
    uint64_t size_bytes;                          /* of a new image; 0: so that it can never overflow */
    bool size_given, force, identify, no_identity, dry_run, yes, json, table_given;
    bool chunk_given;
    unsigned tables;                              /* bits of enum create_table */
    unsigned accept;                              /* bits of enum create_accept */
};

extern const struct cli_option create_option_table[];
extern const struct cli_option_rule create_option_rules[];

bool create_options_print(const struct create_arguments *given, enum create_table word); /* in --print-table */

/* Hands over what the frame has parsed. CLI_EXIT_OK, or a usage error where a value cannot be used. */
int create_options_take(struct cli *cli, struct create_arguments *given);

#endif
