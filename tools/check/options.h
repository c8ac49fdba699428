/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of snapcheck. */
#ifndef DMSNAP_TOOLS_CHECK_OPTIONS
#define DMSNAP_TOOLS_CHECK_OPTIONS

#include "tools/cli/cli.h"
#include "tools/shared/report.h"

struct check_arguments {
    const char *cow;
    struct cli_strings devices;
    const char *origin; /* NULL where it is not given */
    bool all, data, dry_run, json, list_rules;
    bool preen, repair, yes;  /* how much is mended, and who is asked */
    bool asks;                /* none of these, but a person sits there: they are asked once something is found */
    unsigned accept;          /* bits of enum check_accept */
    int keep;                 /* enum snap_repair_keep - 1, as the words of --keep; CHECK_KEEP_NONE: not given */
    const char *save_old;     /* where the old bytes go; NULL: beside an image */
    bool no_save_old;
    const char *repair_to;    /* where a new store is made; NULL: none */
    uint64_t chunk_bytes;     /* of that; 0: as it is */
    uint64_t size_bytes;      /* of a new image; UINT64_MAX: the least */
    bool size_given, drop_equal;
    const char *put_back;     /* the file whose bytes are put back; NULL: none */
    uint64_t memory_bytes; /* 0: as the programs choose */
};

#define CHECK_KEEP_NONE (-1)

enum check_accept { CHECK_ACCEPT_VIEW_CHANGE, CHECK_ACCEPT_REVALIDATE, CHECK_ACCEPT_HEADER, CHECK_ACCEPT_ORIGIN_SIZE };

extern const struct cli_option check_option_table[];
extern const struct cli_option_rule check_option_rules[];

/* Whether it was said that the origin was never larger than it is. */
bool check_options_origin_is_whole(const struct check_arguments *arguments);

/* Whether it was said that the store is to be mended; for a person who is asked: once they have answered yes. */
bool check_options_mend(const struct check_arguments *arguments);

/* For a line to type: " --devices ..." and " --accept=origin-size", where they were given. */
struct report_text check_options_text(const struct check_arguments *arguments);

/* Hands over what the frame has parsed. CLI_EXIT_OK, or a usage error where values do not go together. */
int check_options_take(struct cli *cli, struct check_arguments *given);

#endif
