/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frame of all four programs: from the command line to the checked end of the output. */
#ifndef DMSNAP_TOOLS_CLI_CLI
#define DMSNAP_TOOLS_CLI_CLI

#include "tools/cli/escape.h"
#include "tools/cli/exit.h"
#include "tools/cli/program.h"
#include "tools/cli/quote.h"
#include "tools/cli/stop.h"
#include "tools/cli/talk.h"

/* "0.1.0" */
const char *cli_version(void);

/*
 * The whole of main(): secures the descriptors 0 to 2 (a closed one becomes one that cannot be used: no device can land
 * there), ignores SIGPIPE (a broken pipe is a write error), sets LC_CTYPE, parses the command line, calls the program's
 * `run`, and ends with cli_finish. Help, version and usage errors are said here, and `run` is not called.
 */
int cli_main(const struct cli_program *program, int argc, char **argv);

/*
 * The parts of cli_main, for tests.
 *
 * cli_parse fills `cli` and parses (`out`, `err` as given, nothing global is touched). True: go on and do the work.
 * False: all has been said; *exit_status says how it went.
 *
 * cli_finish flushes and closes standard output; where that fails, or any write to it has failed before, it says so and
 * returns cli_exit_worse of `exit_status` and CLI_EXIT_FAILED. It frees what the parser holds, as cli_free does alone.
 */
bool cli_parse(struct cli *cli, const struct cli_program *program, int argc, const char *const *argv, FILE *out,
               FILE *err, int *exit_status);
int cli_finish(struct cli *cli, int exit_status);
void cli_free(struct cli *cli);

#endif
