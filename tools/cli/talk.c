/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a program says to its user on standard error, and what it asks. */
#include "tools/cli/talk.h"

#include "tools/cli/escape.h"
#include "tools/cli/exit.h"
#include "tools/cli/program.h"
#include "tools/cli/result.h"
#include "tools/cli/stop.h"
#include "tools/cli/streams.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * ---- lines -----------------------------------------------------------------------------------------------------
 */

/*
 * One whole line in one call, so that lines of several processes do not mix. Nobody can be told that standard
 * error does not work: results are not checked.
 */
static void say(struct cli *cli, bool named, const char *label, const char *end, const char *format, va_list list)
    __attribute__((format(printf, 5, 0)));

static void say(struct cli *cli, bool named, const char *label, const char *end, const char *format, va_list list)
{
    char *text = NULL, *clean = NULL;

    if (cli->before_message)
        cli->before_message(cli->before_message_context);
    if (vasprintf(&text, format, list) >= 0) {
        clean = cli_escape(text, strlen(text), CLI_ESCAPE_TERMINAL);
        free(text);
    }
    /* What was printed before comes first, also where both go to one place. */
    if (cli->out)
        (void)fflush(cli->out); /* a failure is said when the program ends */
    fprintf(cli->err, "%s%s%s%s%s", named ? cli->program->name : "", named ? ": " : "", label,
            clean ? clean : "(out of memory: this message cannot be shown)", end);
    fflush(cli->err);
    free(clean);
}

void cli_error(struct cli *cli, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    say(cli, true, "", "\n", format, list);
    va_end(list);
}

void cli_warn(struct cli *cli, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    say(cli, true, "warning: ", "\n", format, list);
    va_end(list);
}

void cli_note(struct cli *cli, const char *format, ...)
{
    va_list list;

    if (cli->quiet)
        return;
    va_start(list, format);
    say(cli, true, "", "\n", format, list);
    va_end(list);
}

void cli_verbose(struct cli *cli, const char *format, ...)
{
    va_list list;

    if (!cli->verbose)
        return;
    va_start(list, format);
    say(cli, true, "", "\n", format, list);
    va_end(list);
}

void cli_line(struct cli *cli, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    say(cli, false, "", "\n", format, list);
    va_end(list);
}

/* The library says what memory it needs. Only the program knows the option that sets it. */
static void name_memory_option(struct cli *cli)
{
    const struct cli_option *option = cli->program->options;

    while (option && option->name && strcmp(option->name, "memory") != 0)
        option++;
    if (option && option->name)
        cli_line(cli, "--memory %s sets how much memory is used.", option->argument);
}

/* A write to standard output has failed, and this is that failure. The frame meets it once more, at the end. */
static bool is_of_output(const struct cli *cli, const struct snap_error *err)
{
    return cli->out && err->sys_errno != 0 && err->sys_errno == cli_stream_failed(cli->out);
}

int cli_fail(struct cli *cli, const struct snap_error *err)
{
    cli_result_failed(cli, err);
    if (is_of_output(cli, err)) {
        cli->output_said = true;
        if (err->sys_errno == EPIPE && cli->reader_may_leave)
            return cli_exit_status(err->status);
    }
    cli_error(cli, "%s", err->text);
    if (err->status == SNAP_E_NOMEM)
        name_memory_option(cli);
    return cli_exit_status(err->status);
}

int cli_refuse(struct cli *cli, const struct snap_error *err)
{
    int exit_status = cli_fail(cli, err);

    cli_nothing_written(cli);
    return exit_status;
}

void cli_nothing_written(struct cli *cli)
{
    cli_line(cli, "Nothing was written.");
}

int cli_usage_error(struct cli *cli, const char *format, ...)
{
    struct snap_error err = {.status = SNAP_E_USAGE};
    va_list list;

    va_start(list, format);
    (void)vsnprintf(err.text, sizeof err.text, format, list);
    va_end(list);
    cli_result_failed(cli, &err);
    cli_error(cli, "%s", err.text);
    cli_line(cli, "Try '%s --help'.", cli->program->name);
    return CLI_EXIT_USAGE;
}

/*
 * ---- questions -------------------------------------------------------------------------------------------------
 */

/* Reads one line byte by byte, so that nothing behind it is taken; keeps its beginning in `line`. */
static enum cli_answer read_answer(int fd)
{
    char line[8] = "";
    size_t length = 0;

    for (;;) {
        char byte;
        ssize_t count;

        if (!cli_stop_wait(fd, POLLIN, 0))
            return cli_stop_wanted() ? CLI_ANSWER_STOPPED : CLI_ANSWER_NO;
        count = read(fd, &byte, 1);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return CLI_ANSWER_NO;
        if (byte == '\n')
            break;
        if (length < sizeof line - 1)
            line[length++] = byte;
    }
    return strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0 ? CLI_ANSWER_YES : CLI_ANSWER_NO;
}

/*
 * Where a question is read by whom answers it: standard error, unless it was redirected; then the terminal of the
 * answers itself, where it is open for both, or else the terminal of the session. NULL: nothing but standard error is
 * there. A question is asked in any case: whoever has redirected all of it can see why the program waits.
 */
static FILE *open_terminal(const struct cli *cli)
{
    FILE *terminal;
    int fd;

    if (isatty(cli_stream_fd(cli->err)))
        return NULL;
    if ((fcntl(cli->in_fd, F_GETFL) & O_ACCMODE) == O_RDWR)
        fd = fcntl(cli->in_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    else
        fd = open("/dev/tty", O_WRONLY | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    terminal = cli_stream_open(fd);
    if (!terminal)
        (void)close(fd);
    return terminal;
}

bool cli_ask_possible(const struct cli *cli)
{
    return isatty(cli->in_fd);
}

bool cli_person_present(const struct cli *cli)
{
    return cli_ask_possible(cli) && isatty(cli_stream_fd(cli->out));
}

bool cli_one_reader(const struct cli *cli)
{
    struct stat out, err;

    return fstat(cli_stream_fd(cli->out), &out) == 0 && fstat(cli_stream_fd(cli->err), &err) == 0 &&
           out.st_dev == err.st_dev && out.st_ino == err.st_ino;
}

bool cli_ask_begin(struct cli *cli)
{
    FILE *terminal;

    if (!cli_ask_possible(cli))
        return false;
    terminal = cli->err_aside ? NULL : open_terminal(cli);
    if (terminal) {
        cli->err_aside = cli->err;
        cli->err = terminal;
    }
    return true;
}

static void end_question(struct cli *cli)
{
    if (!cli->err_aside)
        return;
    (void)fclose(cli->err); /* the terminal: what could not be shown there was not answered */
    cli->err = cli->err_aside;
    cli->err_aside = NULL;
}

enum cli_answer cli_ask(struct cli *cli, bool assume_yes, const char *format, ...)
{
    enum cli_answer answer;
    va_list list;

    if (assume_yes)
        return CLI_ANSWER_YES;
    if (!cli_ask_begin(cli))
        return CLI_ANSWER_NOBODY;
    va_start(list, format);
    say(cli, true, "", " [y/N] ", format, list);
    va_end(list);
    answer = read_answer(cli->in_fd);
    end_question(cli);
    return answer;
}
