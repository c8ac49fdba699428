/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a program is to the frame, and one run of it: data that all parts of the frame share. */
#ifndef DMSNAP_TOOLS_CLI_PROGRAM
#define DMSNAP_TOOLS_CLI_PROGRAM

#include "lib/base/error.h"
#include "tools/cli/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * ---- options ---------------------------------------------------------------------------------------------------
 */

enum cli_option_kind {
    CLI_FLAG,    /* no argument; *flag = true */
    CLI_STRINGS, /* each time it is given one more of *strings; CLI_STRINGS_MAX in a command line, over all options */
    CLI_STRING,  /* *string = the argument, never empty; lives until cli_finish */
    CLI_SIZE,    /* *number = bytes (cli_parse_size), at least `minimum`; words[0], if any, gives UINT64_MAX */
    CLI_UINT,    /* *number, at least `minimum` */
    CLI_SECONDS, /* *number, at least `minimum` */
    CLI_WORD,    /* exactly one of `words`; *word = its index */
    CLI_LIST     /* some of `words`, separated by commas: bit i of *list is set for words[i]; repeats add up */
};

#define CLI_STRINGS_MAX 16u
#define CLI_EXCLUDES_MAX 7u

struct cli_strings {
    const char *items[CLI_STRINGS_MAX];
    unsigned count;
};

/*
 * One option: the parser and --help are both made from this. The destination keeps its value where the option is
 * not given, so initialise it with the default. Options other than flags, lists and CLI_STRINGS may be given once only;
 * a second one is a usage error, as are an empty argument and a value that the strict parsers refuse.
 */
struct cli_option {
    const char *name;         /* long name without the dashes; NULL ends the table */
    char letter;              /* or 0 */
    const char *argument;     /* its name in --help ("DEV"); NULL for flags */
    const char *help;         /* one sentence, no full stop, with the default; '\n' where the line breaks */
    const char *group;        /* heading in --help; options of one group stand together */
    enum cli_option_kind kind;
    union {
        bool *flag;
        const char **string;
        struct cli_strings *strings;
        uint64_t *number;
        int *word;
        unsigned *list;
    };
    const char *const *words; /* CLI_WORD, CLI_LIST, CLI_SIZE: ends with NULL */
    bool any_case;            /* CLI_LIST: 'p' is taken for "P" */
    uint64_t minimum;         /* CLI_SIZE, CLI_UINT, CLI_SECONDS */
    bool stream;              /* CLI_STRING: "-" is standard output; without it "-" is a usage error */
    bool *given;              /* set to true where the option is given; or NULL */
    bool required;            /* a missing one is a usage error; not for flags */
    const char *(*lacks)(void); /* gives the library that this build would need for it, or NULL; or is NULL */
};

/* Options of the same name, letter and sentence wherever they exist. */
#define CLI_OPTION_JSON(destination) \
    { .name = "json", .letter = 'J', .help = "print the result as JSON", .group = "Output", .kind = CLI_FLAG, \
      .flag = (destination), .lacks = cli_json_lacks }
#define CLI_OPTION_DRY_RUN(destination) \
    { .name = "dry-run", .letter = 'n', .help = "check and show everything, write nothing", .group = "Safety", \
      .kind = CLI_FLAG, .flag = (destination) }
#define CLI_OPTION_YES(destination) \
    { .name = "yes", .letter = 'y', .help = "answer all questions with yes (never waives a refusal)", \
      .group = "Safety", .kind = CLI_FLAG, .flag = (destination) }
#define CLI_OPTIONS_END { .name = NULL }

/*
 * What the option `name` asks of others. Each rule is a line of data; the parser holds the command line against it and
 * makes the sentence, with the reason behind a colon.
 */
struct cli_option_rule {
    const char *name;                         /* without the dashes; NULL ends the table */
    const char *needs;                        /* this one has to be given, too; or NULL */
    const char *excludes[CLI_EXCLUDES_MAX + 1]; /* none of these may be given; ends with NULL */
    const char *reason;
};

#define CLI_OPTION_RULES_END { .name = NULL }

/*
 * ---- a program -------------------------------------------------------------------------------------------------
 */

#define CLI_OPERANDS_MAX 8 /* more than any program takes */

struct cli;
struct cli_column;
struct cli_parser;

/* The columns of one table that a program prints (table.h). */
struct cli_column_set {
    const char *of;                    /* the option that prints it: "--list"; NULL ends an array of sets */
    const struct cli_column *columns;
    size_t count;
};

#define CLI_COLUMN_SETS_END { .of = NULL }

struct cli_program {
    const char *name;                  /* "snapmerge" */
    const char *purpose;               /* one sentence with a full stop */
    const char *synopsis;              /* what stands behind the name: "--origin DEV --cow DEV [OPTION...]" */
    int (*run)(struct cli *cli);       /* the work; the exit status (cli_main) */
    void (*mean)(struct cli *cli);     /* after a usage error about operands: says which line was meant; or NULL */
    void (*mean_missing)(struct cli *cli); /* the same after a run that did not find what was named; or NULL */
    const struct cli_option *options;  /* without -h -V -v -q, which the frame adds; ends with CLI_OPTIONS_END */
    const struct cli_option_rule *rules; /* which options need or exclude others; ends with CLI_OPTION_RULES_END; or
                                          * NULL */
    const char *const *operand_names;  /* operands_max names, "COW"; or NULL */
    unsigned operands_min, operands_max; /* less than CLI_OPERANDS_MAX */
    const struct cli_column_set *tables; /* listed in --help below the options; or NULL */
    const char *exit_1;                /* what status 1 means here; NULL where it is never given */
};

/* One run of a program. Filled by cli_main; read the first part, leave the second alone. */
struct cli {
    const struct cli_program *program;
    FILE *out;                         /* standard output: data */
    FILE *err;                         /* standard error: talk */
    bool verbose;
    bool quiet;
    bool no_sandbox;
    bool reader_may_leave;             /* who reads standard output may have enough of it: nothing is said then */
    unsigned operands_count;           /* all that were typed, at most CLI_OPERANDS_MAX */
    const char *operands[CLI_OPERANDS_MAX];

    int in_fd;                         /* where answers come from */
    FILE *err_aside;                   /* standard error, while `err` is the terminal of a question; else NULL */
    struct cli_parser *parser;         /* owns all strings that were handed out */
    struct cli_json *document;         /* what --json prints at the end (result.h) */
    struct cli_json *moved;            /* names that mean something else at the end, for the same; NULL: none */
    bool document_kept, streamed;
    uint64_t elements;                 /* printed of an array that is not kept; 0: none was begun */
    bool output_said;                  /* that standard output has failed */
    struct snap_error failure;         /* the first one that was said; SNAP_OK: none */
    void (*before_message)(void *context); /* clears a progress bar before a line of talk (progress.h) */
    void *before_message_context;
};

#endif
