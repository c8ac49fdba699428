/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the user of snapmerge does next: lines that can be pasted as they are. */
#include "tools/merge/next.h"

#include "tools/cli/options.h"
#include "tools/merge/checks.h"
#include "tools/merge/places.h"
#include "tools/merge/undo.h"
#include "tools/shared/accept.h"
#include "tools/shared/moved.h"
#include "tools/shared/volumes.h"

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

/* As it was typed, which may be a tag, unless that means something else by now. */
static const char *name_of(const struct device *device, const char *typed)
{
    return device->moved ? device->path : typed;
}

/* Prints the options that decide what is resumed, and those for tuning as they were given. */
void merge_next_resume(struct merge_session *session)
{
    const unsigned accept = session->arguments.accept |
                            (merge_changes_identity(session) ? 1u << ACCEPT_IDENTITY : 0) |
                            (merge_undo_lost_parent(session) ? 1u << ACCEPT_PARENT : 0);
    const bool bad_sectors = session->result.stopped_by_bad_sectors;
    const char *missing = merge_places_missing(session);
    char *text = NULL, *tuning;
    size_t length = 0;
    FILE *line;

    if (missing) {
        moved_no_line(session->cli, "To go on", missing);
        return;
    }
    line = open_memstream(&text, &length);
    if (!line)
        return;
    tuning = cli_parser_given(session->cli->parser, is_tuning);
    fputs(volumes_option(&session->arguments.devices).text, line);
    add_argument(line, "--origin", session->origin.path);
    add_argument(line, "--cow", session->cow.path);
    add_flag(line, "--keep-cow", session->options.keep_cow);
    add_argument(line, "--checkpoint", session->places.checkpoint);
    add_flag(line, "--verify", session->options.verify);
    add_flag(line, "--continue-on-error", session->options.continue_on_error);
    add_flag(line, "--drop-bad", session->options.drop_bad);
    add_argument(line, "--bad-list", session->places.bad_list);
    for (unsigned i = 0; i < session->arguments.preserve.count; i++) /* they are the first siblings */
        if (!session->preserve.siblings[i].invalidate) /* one that was given up is invalid now */
            add_argument(line, "--preserve",
                         name_of(&session->preserve.siblings[i].device, session->arguments.preserve.items[i]));
    if (!merge_undo_kept_whole(session) && session->arguments.undo)
        add_argument(line, "--undo", session->undo.sibling
                                         ? name_of(&session->undo.sibling->device, session->arguments.undo)
                                         : session->arguments.undo);
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
    const struct device *const named[] = {undo, &session->origin, &session->cow};

    if (!undo || !undo->path)
        return CLI_EXIT_OK;
    if (undo->part_count == 0 && snap_file_keeps_size(undo->io, NULL) != SNAP_OK) {
        cli_line(session->cli, "To take it back: there is no line for that, since a part of %s was cut off.",
                 undo->path);
        return CLI_EXIT_FAILED;
    }
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        if (named[i]->nameless) {
            moved_no_line(session->cli, "To take it back", named[i]->path);
            return undo->nameless ? CLI_EXIT_FAILED : CLI_EXIT_OK;
        }
    }
    cli_line(session->cli, "To take it back: snapmerge%s --origin %s --cow %s --preserve %s%s",
             volumes_option(&session->arguments.devices).text, cli_quote(session->origin.path).text,
             cli_quote(undo->path).text, cli_quote(session->cow.path).text,
             merge_changes_identity(session) ? " --accept=identity" : "");
    return CLI_EXIT_OK;
}

/* NULL where the COW is no snapshot of LVM. */
static const struct snap_metadata_segment *snapshot_of(const struct merge_session *session)
{
    const struct snap_group *group;
    size_t lv;

    if (!session->cow.lvm_group ||
        volumes_find(&session->held.volumes, session->cow.path, &group, &lv, NULL) != SNAP_OK)
        return NULL;
    return snap_metadata_snapshot_of(group->metadata, lv);
}

bool merge_next_lvm_pending(const struct merge_session *session)
{
    const struct snap_metadata_segment *snapshot = snapshot_of(session);

    return snapshot && snapshot->merging;
}

bool merge_next_lvm(struct merge_session *session)
{
    const struct snap_metadata_segment *snapshot = snapshot_of(session);

    if (!snapshot || session->options.keep_cow)
        return false;
    if (snapshot->merging)
        cli_note(session->cli, "%s is an empty store now, and LVM has a merge of it pending: the next activation "
                 "completes that and removes the snapshot: vgchange -ay %s", session->cow.path,
                 cli_quote(session->cow.lvm_group).text);
    else
        cli_note(session->cli, "%s is an empty snapshot now; to remove it: lvremove %s", session->cow.path,
                 cli_quote(session->cow.path + strlen(DEVICES_LVM)).text);
    return true;
}
