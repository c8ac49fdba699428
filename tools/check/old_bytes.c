/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds a place for the bytes that a repair overwrites, and saves them there. */
#include "tools/check/old_bytes.h"

#include "lib/base/arith.h"
#include "lib/repair/saved.h"
#include "tools/check/place.h"
#include "tools/cli/quote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 100u

struct report_text check_old_bytes_option(const struct check_session *session)
{
    const struct check_arguments *arguments = &session->arguments;
    char *place = arguments->save_old ? NULL : check_place_default(session->cow.path);
    struct report_text result = {""};

    if (arguments->no_save_old)
        (void)snprintf(result.text, sizeof result.text, " --no-save-old");
    else if (arguments->save_old)
        (void)snprintf(result.text, sizeof result.text, " --save-old %.8000s", cli_quote(arguments->save_old).text);
    else if (!place)
        (void)snprintf(result.text, sizeof result.text, " --save-old FILE");
    free(place);
    return result;
}

/* The first free name: a file of old bytes is never overwritten. */
enum snap_status check_old_bytes_find_place(struct check_session *session, struct snap_error *err)
{
    const struct device *const inputs[] = {&session->cow, &session->origin};
    struct snap_folder_entry taken = {.exists = true};
    char *place = session->arguments.save_old ? strdup(session->arguments.save_old)
                                              : check_place_default(session->cow.path);
    enum snap_status status = SNAP_OK;

    if (!place && !session->cow.facts.block_device && !devices_is_lvm(session->cow.path))
        return snap_fail(err, SNAP_E_NOMEM, "out of memory");
    if (!place && session->arguments.dry_run) {
        cli_line(session->cli, "FILE is to be on another device: it gets the old bytes.");
        return SNAP_OK;
    }
    if (!place)
        return snap_fail(err, SNAP_E_REFUSED, "%s: say where the old bytes are to be saved, on another device: "
                         "--save-old FILE (or --no-save-old: then nobody can take the repair back); %s is not there, "
                         "is not yours alone, or would not last",
                         session->cow.path, cli_quote(check_place_folder()).text);
    for (unsigned number = 0; status == SNAP_OK && taken.exists && number < NAMES_MAX; number++) {
        char *name = NULL;

        if (number > 0 && session->arguments.save_old)
            break;
        if ((number == 0 ? asprintf(&name, "%s", place) : asprintf(&name, "%s.%u", place, number)) < 0) {
            status = snap_fail(err, SNAP_E_NOMEM, "out of memory");
            break;
        }
        snap_folder_close(session->old_folder);
        session->old_folder = NULL;
        status = snap_folder_open(&session->old_folder, name, err);
        if (status == SNAP_OK)
            status = snap_folder_look(session->old_folder, session->old_folder->name, &taken, err);
        free(name);
    }
    free(place);
    if (status == SNAP_OK && taken.exists)
        status = snap_fail(err, SNAP_E_REFUSED, "%s: it exists already, and may be needed; name another file with "
                           "--save-old", session->old_folder->path);
    if (status == SNAP_OK)
        status = snap_folder_takes_files(session->old_folder, err);
    return status == SNAP_OK ? devices_apart(session->old_folder->path, session->old_folder->fd, inputs, 2, err)
                             : status;
}

/* How long the list is that gets a header: whoever appends to it must be noticed. */
static enum snap_status count_rebuilt(struct check_session *session, uint64_t *entries, struct snap_error *err)
{
    const struct snap_check_options options = {.figures_only = true, .stop = cli_stop_asked};
    struct snap_findings findings = {.fn = NULL};
    struct snap_check_result result;
    const enum snap_status status = snap_check(&session->repair.rebuilt, &options, &findings, &result, err);

    *entries = snap_max(*entries, result.entries);
    return status;
}

enum snap_status check_old_bytes_save(struct check_session *session, struct snap_error *err)
{
    struct snap_saved saved;
    const struct snap_repair *repair = &session->repair;
    const bool rebuilt = !!repair->rebuilt.io;
    uint64_t entries = snap_max(repair->entries_before, repair->entries_after);
    enum snap_status status = SNAP_OK;

    if (rebuilt)
        status = count_rebuilt(session, &entries, err);
    if (status == SNAP_OK)
        status = snap_saved_make(&saved, rebuilt ? &repair->rebuilt : &session->store, &repair->edits, entries, err);

    if (status == SNAP_OK)
        status = snap_new_file_make_nameless(&session->old_file, session->old_folder, err);
    if (status == SNAP_OK)
        status = snap_saved_write(&saved, session->old_file->fd, session->old_folder->path, err);
    if (status == SNAP_OK)
        status = snap_new_file_place(session->old_file, NULL, err);
    if (status == SNAP_OK)
        cli_note(session->cli, "%s: holds what is overwritten on %s", session->old_folder->path, session->cow.path);
    return status;
}

void check_old_bytes_say_way_back(struct check_session *session)
{
    if (session->old_file && session->old_file->placed)
        cli_line(session->cli, "To take that back: snapcheck --put-back %s%s %s",
                 cli_quote(session->old_folder->path).text, volumes_option(&session->arguments.devices).text,
                 cli_quote(session->cow.path).text);
}

enum snap_status check_old_bytes_close(struct check_session *session, struct snap_error *err)
{
    const enum snap_status status = snap_new_file_close(session->old_file, err);

    session->old_file = NULL;
    snap_folder_close(session->old_folder);
    session->old_folder = NULL;
    return status;
}
