/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The order of work of --system: read, build the trees, print them, say what is missing. */
#include "tools/inspect/system.h"

#include "tools/cli/result.h"
#include "tools/inspect/system_json.h"
#include "tools/inspect/system_table.h"

/* In JSON each of them is in the document, too. */
static int say_unread(struct cli *cli, const struct inspect_running *running)
{
    for (size_t i = 0; i < running->unread_count; i++)
        cli_warn(cli, "%s: %s", running->unread[i].name, running->unread[i].reason);
    return running->unread_count > 0 ? CLI_EXIT_FAILED : CLI_EXIT_OK;
}

/* The table is taken, in every case; NULL for JSON. */
static enum snap_status show(struct inspect_session *session, const struct inspect_running *running,
                             const struct inspect_tree *tree, struct cli_table *table, struct snap_error *err)
{
    if (session->arguments.json) {
        cli_result_keep(session->cli, inspect_system_json(session->cli, running, tree, true));
        return SNAP_OK;
    }
    if (tree->count == 0)
        cli_note(session->cli, "no snapshot is active in this kernel");
    return inspect_system_table_print(session, table, running, tree, err);
}

/* A kernel without device-mapper has no snapshots: that is an answer. */
static int say_absent(struct inspect_session *session, const struct snap_error *why)
{
    const struct inspect_running running = {.unread_count = 0};
    const struct inspect_tree tree = {.count = 0};

    cli_note(session->cli, "%s, so no snapshot is active", why->text);
    if (session->arguments.json)
        cli_result_keep(session->cli, inspect_system_json(session->cli, &running, &tree, false));
    return CLI_EXIT_OK;
}

/* Takes the table, in every case. */
static int look(struct inspect_session *session, struct cli_table *table)
{
    struct inspect_running running;
    struct inspect_tree tree = {.count = 0};
    struct snap_error err = {.text = ""};
    enum snap_status status = inspect_running_read(&running, &err);
    int exit_status;

    if (status == SNAP_OK)
        status = inspect_tree_build(&running, &tree, &err);
    if (status == SNAP_OK) {
        status = show(session, &running, &tree, table, &err);
        exit_status = status == SNAP_OK ? say_unread(session->cli, &running) : cli_fail(session->cli, &err);
    } else {
        cli_table_free(table);
        exit_status = status == SNAP_E_NOENT ? say_absent(session, &err) : cli_fail(session->cli, &err);
        if (status == SNAP_E_PERM)
            cli_note(session->cli, "as a rule only root may ask device-mapper: repeat the command as root");
    }
    inspect_tree_free(&tree);
    inspect_running_free(&running);
    return exit_status;
}

int inspect_system(struct inspect_session *session)
{
    struct cli_table *table = NULL;
    struct snap_error err;

    if (!session->arguments.json && inspect_system_table_open(session, &table, &err) != SNAP_OK)
        return cli_fail(session->cli, &err);
    return look(session, table);
}
