/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a program says to its user on standard error, and what it asks. */
#ifndef DMSNAP_TOOLS_CLI_TALK
#define DMSNAP_TOOLS_CLI_TALK

#include "lib/base/error.h"

#include <stdbool.h>

struct cli;

/*
 * One line each, without a trailing newline in the format; the program's name is put in front, and the whole line
 * is escaped (a newline inside becomes \x0A): callers pass device names, labels and error texts as they are.
 */
void cli_error(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));   /* always */
void cli_warn(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));    /* "warning: " */
void cli_note(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));    /* not: -q */
void cli_verbose(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3))); /* with -v */

/*
 * As the others, but without the program's name: for lines that are an instruction or a command to repeat. Always.
 */
void cli_line(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Prints the failure as an error; returns the exit status for it. Where memory is short and the program has an option
 * --memory, a line says so.
 */
int cli_fail(struct cli *cli, const struct snap_error *err);

/* The same, and the line "Nothing was written." below: for refusals before the first write. */
int cli_refuse(struct cli *cli, const struct snap_error *err);

/* The line "Nothing was written." alone. */
void cli_nothing_written(struct cli *cli);

/* Prints the sentence as an error and "Try 'PROGRAM --help'." below; returns CLI_EXIT_USAGE. */
int cli_usage_error(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

enum cli_answer {
    CLI_ANSWER_YES,
    CLI_ANSWER_NO,       /* anything but yes, and the end of the input */
    CLI_ANSWER_NOBODY,   /* no question was asked: standard input is no terminal */
    CLI_ANSWER_STOPPED   /* a signal came first: exit with CLI_EXIT_STOPPED */
};

/* Whether cli_ask would ask: standard input is a terminal. */
bool cli_ask_possible(const struct cli *cli);

/* Whether a person sits there and reads along: standard input and standard output are terminals. */
bool cli_person_present(const struct cli *cli);

/* Whether who reads standard error reads standard output as well: both lead to the same place. */
bool cli_one_reader(const struct cli *cli);

/*
 * Whether there is somebody to answer: standard input is a terminal. If so, what is said from now to the answer of the
 * next cli_ask is said on a terminal, even where standard error leads elsewhere: it is what the question is about.
 */
bool cli_ask_begin(struct cli *cli);

/*
 * Asks "PROGRAM: sentence [y/N] " on a terminal and waits for a line. With `assume_yes` (-y) the answer is yes at
 * once and nothing is printed. Only for questions: a refusal never goes through here.
 */
enum cli_answer cli_ask(struct cli *cli, bool assume_yes, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
