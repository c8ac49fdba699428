/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frame of all four programs: from the command line to the checked end of the output. */
#include "config.h"

#include "tools/cli/cli.h"
#include "tools/cli/harden.h"
#include "tools/cli/help.h"
#include "tools/cli/options.h"
#include "tools/cli/result.h"
#include "tools/cli/streams.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

const char *cli_version(void)
{
    return PACKAGE_VERSION;
}

static void print_version(const struct cli *cli, FILE *out)
{
    fprintf(out, "%s (dmsnap) %s\nCopyright (C) 2026 the dmsnap authors\n"
                 "Licence: GPL-2.0-or-later. There is no warranty.\n", cli->program->name, cli_version());
    if (cli->verbose)
        fprintf(out, "Built with: %s\nBuilt without: %s\n", BUILT_WITH, BUILT_WITHOUT);
}

bool cli_parse(struct cli *cli, const struct cli_program *program, int argc, const char *const *argv, FILE *out,
               FILE *err, int *exit_status)
{
    struct snap_error error;
    struct cli_parser *parser;
    enum cli_asked asked;
    enum snap_status status;

    memset(cli, 0, sizeof *cli);
    cli->program = program;
    cli->out = out;
    cli->err = err;
    cli->in_fd = STDIN_FILENO;
    parser = cli_parser_new(cli, argc, argv);
    if (!parser) {
        cli_error(cli, "out of memory while reading the command line");
        *exit_status = CLI_EXIT_FAILED;
        return false;
    }
    cli->parser = parser;
    status = cli_parser_read(parser, &asked, &error);
    if (status == SNAP_OK && asked == CLI_ASKED_WORK)
        return true;
    if (status == SNAP_E_USAGE) {
        cli_result_look_for_json(cli, argv);
        *exit_status = cli_usage_error(cli, "%s", error.text);
    } else if (status != SNAP_OK) {
        *exit_status = cli_fail(cli, &error);
    } else {
        if (asked == CLI_ASKED_HELP)
            cli_print_help(program, cli_parser_options(parser), out);
        else
            print_version(cli, out);
        *exit_status = CLI_EXIT_OK;
    }
    return false;
}

void cli_free(struct cli *cli)
{
    cli_result_free(cli);
    cli_parser_free(cli->parser);
    cli->parser = NULL;
}

/*
 * A descriptor that the caller closed would be given to the next file that is opened, and then a message would be
 * written into a device. So each hole gets something that can only be used in the wrong direction: output to it
 * fails with EBADF, as it did before.
 */
static bool secure_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        /* The lowest free number is `fd`: those below are taken. */
        if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            return false;
    }
    return true;
}

static bool start(struct cli *cli, const struct cli_program *program, int argc, const char *const *argv,
                  int *exit_status)
{
    const bool secure = secure_descriptors();
    FILE *const out = cli_stream_open(STDOUT_FILENO), *const err = cli_stream_open(STDERR_FILENO);
    struct snap_error error = {0};

    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a write beyond the limit of file sizes fails with EFBIG, and that is said */
    (void)setlocale(LC_CTYPE, ""); /* for widths, and what a terminal may see; where it fails, "C" stays */
    if (!cli_parse(cli, program, argc, argv, out ? out : stdout, err ? err : stderr, exit_status)) {
        if (*exit_status == CLI_EXIT_USAGE && program->mean && cli->operands_count > program->operands_max && secure &&
            cli_harden(&error) == SNAP_OK)
            program->mean(cli);
        return false;
    }
    if (!secure) {
        (void)snap_fail(&error, SNAP_E_UNSUPPORTED, "standard input, output or error is closed, and /dev/null cannot "
                        "take its place");
        *exit_status = cli_fail(cli, &error);
        return false;
    }
    if (cli_harden(&error) == SNAP_OK)
        return true;
    *exit_status = cli_fail(cli, &error);
    return false;
}

int cli_finish(struct cli *cli, int exit_status)
{
    struct snap_error err;
    FILE *const out = cli->out;

    /* Where the output cannot take it, the end of the stream says so. */
    if (cli_result_print(cli, cli_version(), exit_status, &err) == SNAP_E_NOMEM)
        exit_status = cli_exit_worse(exit_status, cli_fail(cli, &err));
    cli->out = NULL; /* closed below, also where that fails and is said */
    if (cli_stream_end(out, &err) != SNAP_OK) {
        const bool said = cli->output_said || (err.sys_errno == EPIPE && cli->reader_may_leave);

        exit_status = cli_exit_worse(exit_status, said ? cli_exit_status(err.status) : cli_fail(cli, &err));
    }
    cli_free(cli);
    return exit_status;
}

int cli_main(const struct cli_program *program, int argc, char **argv)
{
    struct cli cli;
    int exit_status;

    if (start(&cli, program, argc, (const char *const *)argv, &exit_status)) {
        exit_status = program->run(&cli);
        if (cli.failure.status == SNAP_E_NOENT && program->mean_missing)
            program->mean_missing(&cli);
    }
    return cli_finish(&cli, exit_status);
}
