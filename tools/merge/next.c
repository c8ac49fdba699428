/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the user of snapmerge does next: lines that can be pasted as they are. */
#include "tools/merge/next.h"

#include "tools/cli/options.h"
#include "tools/merge/checks.h"
#include "tools/merge/undo.h"
#include "tools/shared/accept.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_flag(FILE *line, const char *option, bool given)
{
    if (given)
        fprintf(line, " %s", option);
}

static void add_argument(FILE *line, const char *option, const char *value)
{
    if (value)
        fprintf(line, " %s %s", option, cli_quote(value).text);
}

static bool is_tuning(const struct cli_option *option)
{
    return strcmp(option->group, "Tuning") == 0;
}

/* Prints the options that decide what is resumed, and those for tuning as they were given. */
void merge_next_resume(struct merge_session *session)
{
    const unsigned accept = session->arguments.accept |
                            (merge_changes_identity(session) ? 1u << ACCEPT_IDENTITY : 0) |
                            (merge_undo_lost_parent(session) ? 1u << ACCEPT_PARENT : 0);
    const bool bad_sectors = session->result.stopped_by_bad_sectors;
    char *text = NULL, *tuning = cli_parser_given(session->cli->parser, is_tuning);
    size_t length = 0;
    FILE *line = open_memstream(&text, &length);

    if (!line) {
        free(tuning);
        return;
    }
    add_argument(line, "--origin", session->origin.path);
    add_argument(line, "--cow", session->cow.path);
    add_flag(line, "--keep-cow", session->options.keep_cow);
    add_argument(line, "--checkpoint", session->arguments.checkpoint);
    add_flag(line, "--verify", session->options.verify);
    add_flag(line, "--continue-on-error", session->options.continue_on_error);
    add_flag(line, "--drop-bad", session->options.drop_bad);
    add_argument(line, "--bad-list", session->arguments.bad_list);
    for (unsigned i = 0; i < session->arguments.preserve.count; i++) /* they are the first siblings */
        if (!session->preserve.siblings[i].invalidate) /* one that was given up is invalid now */
            add_argument(line, "--preserve", session->arguments.preserve.items[i]);
    add_argument(line, "--undo", merge_undo_kept_whole(session) ? NULL : session->arguments.undo);
    if (accept)
        fprintf(line, " --accept=%s", accept_text(accept).text);
    add_flag(line, "--continue-on-error --bad-list FILE", bad_sectors);
    if (fclose(line) == 0)
        cli_line(session->cli, "To go on%s: snapmerge%s%s",
                 bad_sectors ? " without the chunks on bad sectors, which FILE will list" : "", text,
                 tuning ? tuning : "");
    free(tuning);
    free(text);
}

int merge_next_take_back(struct merge_session *session)
{
    const struct device *undo = session->undo.sibling ? &session->undo.sibling->device : NULL;

    if (!undo || !undo->path)
        return CLI_EXIT_OK;
    if (!devices_keeps_name(undo)) {
        cli_error(session->cli, "%s: the undo store was removed or replaced by another program; what has this name now "
                  "does not take the merge back", undo->path);
        return CLI_EXIT_FAILED;
    }
    cli_line(session->cli, "To take it back: snapmerge --origin %s --cow %s --preserve %s%s",
             cli_quote(session->origin.path).text, cli_quote(undo->path).text, cli_quote(session->cow.path).text,
             merge_changes_identity(session) ? " --accept=identity" : "");
    return CLI_EXIT_OK;
}
