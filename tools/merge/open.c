/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens what snapmerge works on, and closes all of it at the end. */
#include "tools/merge/open.h"

#include "tools/merge/bad_list.h"
#include "tools/merge/guard.h"
#include "tools/merge/keep_cow.h"
#include "tools/merge/places.h"
#include "tools/merge/preserve.h"
#include "tools/output/place.h"
#include "tools/shared/content.h"
#include "tools/shared/moved.h"

#include <stdio.h>
#include <string.h>

enum snap_status merge_open_hint(enum snap_status status, enum snap_status wanted, const char *hint,
                                 struct snap_error *err)
{
    const size_t used = strlen(err->text);

    if (status == wanted)
        (void)snprintf(err->text + used, sizeof err->text - used, "; %s", hint);
    return status;
}

enum snap_status merge_open(struct merge_session *session, struct snap_error *err)
{
    const struct snap_file_options origin_options = merge_options_io(&session->arguments, true, true);
    /* Exclusively where it is kept, too: nobody may write to it meanwhile. */
    const struct snap_file_options cow_options =
        merge_options_io(&session->arguments, !session->arguments.keep_cow, true);
    enum snap_status status = devices_find(&session->cow, session->arguments.cow, err);

    if (status == SNAP_OK)
        status = devices_find(&session->origin, session->arguments.origin, err);
    if (status == SNAP_OK)
        status = devices_distinct(&session->origin, &session->cow, err);
    if (status == SNAP_OK) {
        status = devices_open(&session->cow, &cow_options, err);
        if (!session->arguments.keep_cow)
            status = merge_open_hint(status, SNAP_E_PERM, MERGE_OPEN_HINT_COW, err);
    }
    if (status == SNAP_OK) {
        status = devices_open(&session->origin, &origin_options, err);
        status = merge_open_hint(status, SNAP_E_PERM, MERGE_OPEN_HINT_ORIGIN, err);
        if (status != SNAP_OK)
            return merge_guard_snapshots(session, status, err);
    }
    devices_warn_hidden(session->cli, &session->cow);
    devices_warn_hidden(session->cli, &session->origin);
    if (status == SNAP_OK)
        status = devices_read_store(&session->store, &session->cow, &session->origin, err);
    if (status == SNAP_OK)
        status = content_fail_defect(&session->cow, &session->store, err);
    if (status != SNAP_OK)
        return status;
    return devices_origin_large_enough(&session->origin, session->cow.path, session->store.layout.chunk_bytes, err);
}

int merge_close(struct merge_session *session, int exit_status)
{
    struct device *const devices[] = {&session->cow, &session->origin};
    struct snap_error err = {0};

    exit_status = merge_places_say(session, exit_status);
    exit_status = moved_say(session->cli, &session->output.target, true, exit_status);
    merge_places_free(session);
    merge_bad_free(session);
    merge_keep_cow_free(session);
    snap_folder_close(session->undo.folder);
    snap_repeated_free(session->repeated);
    exit_status = merge_preserve_close(session, exit_status);
    if (output_place_close(&session->output, &err) != SNAP_OK)
        exit_status = cli_exit_worse(exit_status, cli_fail(session->cli, &err));
    return devices_close_all(session->cli, devices, 2, exit_status);
}
