/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens what snapmerge works on, and closes all of it at the end. */
#include "tools/merge/open.h"

#include "tools/merge/bad_list.h"
#include "tools/merge/guard.h"
#include "tools/merge/hold.h"
#include "tools/merge/keep_cow.h"
#include "tools/merge/places.h"
#include "tools/merge/preserve.h"
#include "tools/output/place.h"
#include "tools/shared/content.h"
#include "tools/shared/moved.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum snap_status merge_open_hint(enum snap_status status, enum snap_status wanted, const char *hint,
                                 struct snap_error *err)
{
    const size_t used = strlen(err->text);

    if (status == wanted)
        (void)snprintf(err->text + used, sizeof err->text - used, "; %s", hint);
    return status;
}

/* A volume is open since it was found. */
static enum snap_status open_found(struct device *device, const struct snap_file_options *options, const char *hint,
                                   struct snap_error *err)
{
    const enum snap_status status = device->io ? SNAP_OK : devices_open(device, options, err);

    return hint ? merge_open_hint(status, SNAP_E_PERM, hint, err) : status;
}

static enum snap_status open_pair(struct merge_session *session, const char *origin_argument, struct snap_error *err)
{
    const struct merge_arguments *given = &session->arguments;
    const struct snap_file_options origin_options = merge_options_io(given, true, true);
    /* Exclusively where it is kept, too: nobody may write to it meanwhile. */
    const struct snap_file_options cow_options = merge_options_io(given, !given->keep_cow, true);
    enum snap_status status = merge_hold_find(session, &session->cow, given->cow, &cow_options, err);

    if (status == SNAP_OK)
        status = merge_hold_find(session, &session->origin, origin_argument, &origin_options, err);
    if (status == SNAP_OK)
        status = devices_distinct(&session->origin, &session->cow, err);
    if (status == SNAP_OK)
        status = open_found(&session->cow, &cow_options, given->keep_cow ? NULL : MERGE_OPEN_HINT_COW, err);
    if (status == SNAP_OK) {
        status = open_found(&session->origin, &origin_options, MERGE_OPEN_HINT_ORIGIN, err);
        if (status != SNAP_OK)
            return merge_guard_snapshots(session, status, err);
    }
    devices_warn_hidden(session->cli, &session->cow);
    devices_warn_hidden(session->cli, &session->origin);
    return status;
}

/* The origin may follow from the metadata. */
static enum snap_status open_volumes(struct merge_session *session, struct snap_error *err)
{
    const struct merge_arguments *given = &session->arguments;
    const struct volumes *volumes = &session->held.volumes;
    char *origin = NULL;
    enum snap_status status = held_read(&session->held, err);

    if (status == SNAP_OK)
        status = volumes_choose_origin(volumes, given->cow, given->origin, &origin, err);
    if (status == SNAP_OK && !origin)
        status = snap_fail(err, SNAP_E_REFUSED, "%s: LVM's metadata name no origin of it: name it with --origin",
                           given->cow);
    if (status == SNAP_OK)
        status = open_pair(session, origin, err);
    free(origin);
    if (status == SNAP_OK && devices_is_lvm(given->cow))
        status = volumes_remember_group(volumes, given->cow, &session->cow, err);
    return status == SNAP_OK ? held_read_again(&session->held, err) : status;
}

enum snap_status merge_open(struct merge_session *session, struct snap_error *err)
{
    enum snap_status status =
        session->held.used ? open_volumes(session, err) : open_pair(session, session->arguments.origin, err);

    if (status == SNAP_OK)
        status = devices_read_store(&session->store, &session->cow, &session->origin, err);
    if (status == SNAP_OK)
        status = content_fail_defect(&session->cow, &session->store, &session->origin, err);
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
    exit_status = devices_close_all(session->cli, devices, 2, exit_status);
    held_close(&session->held);
    return exit_status;
}
