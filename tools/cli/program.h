/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a program is to the frame, and one run of it: data that all parts of the frame share. */
#ifndef DMSNAP_TOOLS_CLI_PROGRAM
#define DMSNAP_TOOLS_CLI_PROGRAM

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define CLI_OPERANDS_MAX 8

struct cli;
struct cli_column;
struct cli_option;
struct cli_option_rule;
struct cli_parser;

struct cli_program {
    const char *name;                  /* "snapmerge" */
    const char *purpose;               /* one sentence with a full stop */
    const char *synopsis;              /* what stands behind the name: "--origin DEV --cow DEV [OPTION...]" */
    int (*run)(struct cli *cli);       /* the work; the exit status (cli_main) */
    const struct cli_option *options;  /* without -h -V -v -q, which the frame adds; ends with CLI_OPTIONS_END */
    const struct cli_option_rule *rules; /* which options need or exclude others; ends with CLI_OPTION_RULES_END; or
                                          * NULL */
    const char *const *operand_names;  /* operands_max names, "COW"; or NULL */
    unsigned operands_min, operands_max; /* at most CLI_OPERANDS_MAX */
    const struct cli_column *columns;  /* listed in --help below the options (table.h); or NULL */
    size_t columns_count;
    const char *exit_1;                /* what status 1 means here; NULL where it is never given */
};

/* One run of a program. Filled by cli_main; read the first part, leave the second alone. */
struct cli {
    const struct cli_program *program;
    FILE *out;                         /* standard output: data */
    FILE *err;                         /* standard error: talk */
    bool verbose;
    bool quiet;
    unsigned operands_count;
    const char *operands[CLI_OPERANDS_MAX];

    int in_fd;                         /* where answers come from */
    struct cli_parser *parser;         /* owns all strings that were handed out */
    void (*before_message)(void *context); /* clears a progress bar before a line of talk (progress.h) */
    void *before_message_context;
};

#endif
