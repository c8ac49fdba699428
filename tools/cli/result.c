/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one JSON object with which a run under --json ends, however it ends. */
#include "tools/cli/result.h"

#include "tools/cli/exit.h"
#include "tools/cli/program.h"

#include <string.h>

/* The destination of --json; NULL where the program has no such option. */
static bool *json_flag(const struct cli *cli)
{
    const struct cli_option *option = cli->program->options;

    while (option && option->name && strcmp(option->name, "json") != 0)
        option++;
    return option && option->name ? option->flag : NULL;
}

static bool is_json(const struct cli *cli)
{
    const bool *flag = json_flag(cli);

    return flag && *flag && !cli_json_lacks();
}

/*
 * "--json", also with an argument, which it does not take; "-J", and "-nJ"; not "-oJ", where J is the argument of
 * another option.
 */
static bool asks_for_json(const struct cli_option *options, const char *word)
{
    if (strcmp(word, "--json") == 0 || strncmp(word, "--json=", strlen("--json=")) == 0)
        return true;
    if (word[0] != '-' || word[1] == '-')
        return false;
    for (const char *letter = word + 1; *letter != '\0' && *letter != 'J'; letter++)
        for (const struct cli_option *option = options; option->name; option++)
            if (option->letter == *letter && option->kind != CLI_FLAG)
                return false;
    return strchr(word, 'J');
}

void cli_result_look_for_json(struct cli *cli, const char *const *argv)
{
    bool *flag = json_flag(cli);

    for (size_t i = 1; flag && argv[0] && argv[i] && strcmp(argv[i], "--") != 0; i++)
        *flag |= asks_for_json(cli->program->options, argv[i]);
}

void cli_result_keep(struct cli *cli, struct cli_json *taken)
{
    cli_json_free(cli->document);
    cli->document = taken;
    cli->document_kept = true;
}

void cli_result_stream(struct cli *cli)
{
    cli->streamed = true;
}

enum snap_status cli_result_element(struct cli *cli, struct cli_json *taken_begin, const char *key,
                                    struct cli_json *taken, struct snap_error *err)
{
    const bool first = cli->elements == 0;
    enum snap_status status = SNAP_OK;

    cli->elements++;
    if (first)
        status = cli_json_begin_array(taken_begin, key, cli->out, err);
    if (status == SNAP_OK)
        return cli_json_element(taken, first, cli->out, err);
    cli_json_free(taken);
    return status;
}

void cli_result_failed(struct cli *cli, const struct snap_error *failure)
{
    if (cli->failure.status == SNAP_OK)
        cli->failure = *failure;
}

void cli_result_moved(struct cli *cli, struct cli_json *taken)
{
    if (!cli->moved)
        cli->moved = cli_json_array();
    cli_json_add(cli->moved, taken);
}

/* What only the end of the run knows. */
static void set_end(struct cli *cli, struct cli_json *object)
{
    struct cli_json *error;

    if (cli->moved)
        cli_json_set(object, "moved", cli->moved);
    cli->moved = NULL;
    if (cli->failure.status == SNAP_OK)
        return;
    error = cli_json_object();
    cli_json_set_string(error, "status", cli_exit_word(cli->failure.status));
    cli_json_set_string(error, "message", cli->failure.text);
    cli_json_set(object, "error", error);
}

enum snap_status cli_result_print(struct cli *cli, const char *version, int exit_status, struct snap_error *err)
{
    struct cli_json *object = cli->document;

    if (!is_json(cli) || (!cli->streamed && !cli->document_kept && exit_status == CLI_EXIT_OK))
        return SNAP_OK;
    cli->document = NULL;
    if (cli->streamed) {
        object = cli_json_object();
        set_end(cli, object);
        cli_json_set_int(object, "exit_status", exit_status);
        return cli_json_line(object, cli->out, err);
    }
    if (cli->elements > 0) {
        object = object ? object : cli_json_object();
        set_end(cli, object);
        return cli_json_end_array(object, exit_status, cli->out, err);
    }
    if (!cli->document_kept)
        object = cli_json_document(cli->program->name, version);
    set_end(cli, object);
    return cli_json_finish(object, exit_status, cli->out, err);
}

void cli_result_free(struct cli *cli)
{
    cli_json_free(cli->document);
    cli_json_free(cli->moved);
    cli->document = NULL;
    cli->moved = NULL;
}
