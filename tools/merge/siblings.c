/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks in LVM's metadata for the snapshots of the origin that nobody has named, and keeps what they show. */
#include "tools/merge/siblings.h"

#include "tools/merge/hold.h"
#include "tools/merge/preserve.h"
#include "tools/shared/accept.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One snapshot after the other. */
struct look {
    const struct snap_metadata *metadata;
    size_t origin, at;
    const struct snap_metadata_segment *snapshot; /* NULL: none is left */
};

/* False where the origin is no volume of LVM. */
static bool look_begin(const struct merge_session *session, struct look *look)
{
    const struct snap_group *group;

    if (!session->origin.path || !devices_is_lvm(session->origin.path) ||
        volumes_find(&session->held.volumes, session->origin.path, &group, &look->origin, NULL) != SNAP_OK)
        return false;
    look->metadata = group->metadata;
    look->snapshot = snap_metadata_next_snapshot(look->metadata, look->origin, 0, &look->at);
    return true;
}

static void look_next(struct look *look)
{
    look->snapshot = snap_metadata_next_snapshot(look->metadata, look->origin, look->at + 1, &look->at);
}

/* Whether it was named on the command line. */
static bool is_named(const struct merge_session *session, const char *name)
{
    bool named = strcmp(session->cow.path, name) == 0;

    for (unsigned i = 0; i < session->arguments.preserve.count; i++)
        named |= strcmp(session->arguments.preserve.items[i], name) == 0;
    return named;
}

/* The name of the snapshot that the look has come to, malloc'ed; NULL: it was named, or there is no memory. */
static char *name_of_unnamed(const struct merge_session *session, const struct look *look, bool *failed)
{
    char *name = NULL;

    *failed = asprintf(&name, "%s%s/%s", DEVICES_LVM, look->metadata->name,
                       look->metadata->lvs[look->snapshot->cow].name) < 0;
    if (*failed)
        return NULL;
    if (is_named(session, name)) {
        free(name);
        return NULL;
    }
    return name;
}

unsigned merge_siblings_count(const struct merge_session *session)
{
    struct look look;
    unsigned count = 0;

    if (!look_begin(session, &look))
        return 0;
    for (; look.snapshot; look_next(&look)) {
        bool failed;
        char *name = name_of_unnamed(session, &look, &failed);

        count += name ? 1 : 0;
        free(name);
    }
    return count;
}

/* LVM would write it to the origin at the next activation, over what is merged now. */
static enum snap_status refuse_pending(const struct merge_session *session, const struct look *look, const char *name,
                                       struct snap_error *err)
{
    if (!look->snapshot->merging || session->job.entries == 0)
        return SNAP_OK;
    return snap_fail(err, SNAP_E_REFUSED, "%s: LVM is about to merge another snapshot into it, %s: the next activation "
                     "goes on with that; merge that one first: snapmerge%s --cow %s", session->origin.path, name,
                     volumes_option(&session->arguments.devices).text, cli_quote(name).text);
}

/* A store that was given up shows nothing that could be kept. */
static enum snap_status pass_invalid(struct merge_session *session, struct merge_sibling *sibling, bool *passed,
                                     struct snap_error *err)
{
    const enum snap_status status = snap_header_read(&sibling->store, sibling->device.io, err);

    *passed = status == SNAP_OK && sibling->store.defect == SNAP_HEADER_INVALID;
    if (!*passed)
        return status;
    cli_note(session->cli, "%s: this other snapshot is invalid (it has overflowed, or was given up): nothing has to be "
             "kept of it", sibling->device.path);
    session->preserve.count--;
    return devices_close(&sibling->device, err);
}

static enum snap_status keep(struct merge_session *session, const char *name, struct snap_error *err)
{
    const struct snap_file_options options = merge_preserve_io(session);
    struct merge_sibling *sibling = merge_preserve_next(session);
    bool passed = false;
    enum snap_status status;

    if (!sibling)
        return snap_fail(err, SNAP_E_REFUSED, "%s: the origin has more other snapshots than the %u whose views can be "
                         "kept", name, MERGE_SIBLINGS_MAX);
    status = merge_hold_find(session, &sibling->device, name, &options, err);
    if (status == SNAP_OK)
        status = pass_invalid(session, sibling, &passed, err);
    return status == SNAP_OK && !passed ? merge_preserve_add(session, sibling, err) : status;
}

static enum snap_status add_way_out(const char *name, enum snap_status status, struct snap_error *err)
{
    const size_t used = strlen(err->text);

    if (status == SNAP_OK || status == SNAP_E_STOPPED || status == SNAP_E_NOMEM)
        return status;
    (void)snprintf(err->text + used, sizeof err->text - used, "; LVM knows %s as another snapshot of this origin, and "
                   "what it shows could not be kept: to let it change, add --accept=siblings", name);
    return status;
}

enum snap_status merge_siblings_prepare(struct merge_session *session, struct snap_error *err)
{
    const bool accepted = accept_has(session->arguments.accept, ACCEPT_SIBLINGS);
    enum snap_status status = SNAP_OK;
    struct look look;

    if (!look_begin(session, &look))
        return SNAP_OK;
    for (; look.snapshot && status == SNAP_OK; look_next(&look)) {
        bool failed;
        char *name = name_of_unnamed(session, &look, &failed);

        if (failed)
            return snap_fail(err, SNAP_E_NOMEM, "no memory to look for other snapshots");
        if (!name)
            continue;
        status = refuse_pending(session, &look, name, err);
        if (status == SNAP_OK && session->job.entries > 0 && accepted)
            cli_warn(session->cli, "%s: this other snapshot will show what the origin has after this merge, wherever "
                     "its store has nothing", name);
        else if (status == SNAP_OK && session->job.entries > 0)
            status = add_way_out(name, keep(session, name, err), err);
        free(name);
    }
    return status;
}
