/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Last looks before snapmerge writes: other snapshots that the system knows, and sizes that changed meanwhile. */
#include "tools/merge/guard.h"

#include "lib/device/dm_users.h"

#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#define NAMES_BYTES 1024u

/* The snapshots of one origin that are active, or wait for a resume, by name. */
struct snapshots {
    char names[NAMES_BYTES];
    unsigned left_out; /* have no room there */
    unsigned count;
    uint64_t origin_number, last; /* the uses of one device stand together */
};

/* "ORIGIN COW P 8": only the first device of a table is an origin. */
static bool is_origin_of(const struct snap_dm_user *user, uint64_t origin_number)
{
    char word[32];
    const int length = snprintf(word, sizeof word, "%u:%u ", major(origin_number), minor(origin_number));

    return length > 0 && strncmp(user->params, word, (size_t)length) == 0;
}

static enum snap_status note_snapshot(void *context, const struct snap_dm_user *user, struct snap_error *err)
{
    struct snapshots *snapshots = context;
    const size_t used = strlen(snapshots->names);
    const char *waits = user->waits ? " (loaded, and waits for a resume)" : "";
    const uint64_t number = makedev(user->major, user->minor);

    (void)err;
    if (strcmp(user->target_type, "snapshot") != 0 || !is_origin_of(user, snapshots->origin_number) ||
        snapshots->last == number)
        return SNAP_OK;
    snapshots->last = number;
    snapshots->count++;
    if (used + strlen(user->name) + strlen(waits) + sizeof ", " <= sizeof snapshots->names)
        (void)snprintf(snapshots->names + used, sizeof snapshots->names - used, "%s%s%s", used ? ", " : "", user->name,
                       waits);
    else
        snapshots->left_out++;
    return SNAP_OK;
}

enum snap_status merge_guard_snapshots(const struct merge_session *session, enum snap_status failed,
                                       struct snap_error *err)
{
    struct snapshots snapshots = {.origin_number = session->origin.facts.device_number};
    struct snap_error ignored; /* without it only an explanation is missing */
    const size_t used = strlen(err->text);
    char more[32] = "";
    enum snap_status status;

    if (failed != SNAP_E_BUSY || snapshots.origin_number == 0)
        return failed;
    status = snap_dm_users_loaded(snapshots.origin_number, note_snapshot, &snapshots, &ignored);
    if (status == SNAP_E_UNSUPPORTED)
        (void)snprintf(err->text + used, sizeof err->text - used,
                       "; it is not known whether snapshots of it are active: %s", ignored.text);
    if (status != SNAP_OK || snapshots.count == 0)
        return failed;
    if (snapshots.left_out > 0)
        (void)snprintf(more, sizeof more, ", and %u more", snapshots.left_out);
    (void)snprintf(err->text + used, sizeof err->text - used, "; these snapshots of it are active: %s%s; deactivate "
                   "them, and name with --preserve each store whose view is to be kept", snapshots.names, more);
    return failed;
}

enum snap_status merge_guard_sizes(const struct merge_session *session, struct snap_error *err)
{
    enum snap_status status = devices_keeps_size(&session->origin, err);

    if (status == SNAP_OK)
        status = devices_keeps_size(&session->cow, err);
    for (unsigned i = 0; i < session->preserve.count && status == SNAP_OK; i++)
        status = devices_keeps_size(&session->preserve.siblings[i].device, err);
    return status;
}
