/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks LVM's metadata about the volumes that snapcreate was given. */
#include "tools/create/hold.h"

#include "lib/base/bytes.h"

#include <inttypes.h>
#include <stdlib.h>

enum snap_status create_hold_start(struct create_session *session, struct snap_error *err)
{
    const struct create_arguments *given = &session->arguments;
    const char *const arguments[] = {given->cow, given->origin, given->from_diff};

    session->held.cli = session->cli;
    session->held.dry_run = given->dry_run;
    return held_start(&session->held, &given->devices, arguments, sizeof arguments / sizeof arguments[0], err);
}

/* The snapshot whose store is to be in the COW; NULL where it is none. */
static const struct snap_metadata_segment *snapshot_of(const struct create_session *session)
{
    const struct snap_group *group;
    size_t lv;

    if (!devices_is_lvm(session->arguments.cow) ||
        volumes_find(&session->held.volumes, session->arguments.cow, &group, &lv, NULL) != SNAP_OK)
        return NULL;
    return snap_metadata_snapshot_of(group->metadata, lv);
}

/* The kernel takes the chunk size of the store, and LVM knows another one. */
static enum snap_status take_chunk_size(struct create_session *session, uint64_t chunk_sectors, struct snap_error *err)
{
    struct create_arguments *given = &session->arguments;
    const uint64_t chunk_bytes = chunk_sectors * SNAP_SECTOR_BYTES; /* sectors are below 2^32 */

    if (given->chunk_given && given->chunk_bytes != chunk_bytes)
        return snap_fail(err, SNAP_E_REFUSED, "%s: LVM's metadata say that this snapshot has chunks of %" PRIu64
                         " bytes, not of %" PRIu64 "; leave --chunk-size out", given->cow, chunk_bytes,
                         given->chunk_bytes);
    given->chunk_bytes = chunk_bytes;
    return SNAP_OK;
}

enum snap_status create_hold_ask(struct create_session *session, struct snap_error *err)
{
    struct create_arguments *given = &session->arguments;
    const struct snap_metadata_segment *snapshot;
    enum snap_status status;

    if (!session->held.used)
        return SNAP_OK;
    status = held_read(&session->held, err);
    if (status == SNAP_OK)
        status = volumes_choose_origin(&session->held.volumes, given->cow, given->origin, &session->origin_name, err);
    if (status != SNAP_OK)
        return status;
    if (!session->origin_name)
        return snap_fail(err, SNAP_E_REFUSED, "%s: LVM's metadata name no origin of it: name it with --origin",
                         given->cow);
    given->origin = session->origin_name;
    snapshot = snapshot_of(session);
    if (!snapshot || given->identify)
        return SNAP_OK;
    if (!given->force)
        return snap_fail(err, SNAP_E_REFUSED, "%s: it is an LVM snapshot; -f makes its store anew, and what it shows "
                         "is lost", given->cow);
    return take_chunk_size(session, snapshot->chunk_sectors, err);
}

enum snap_status create_hold_find(struct create_session *session, struct device *device, const char *argument,
                                  const struct snap_file_options *options, struct snap_error *err)
{
    return devices_is_lvm(argument) ? held_open(&session->held, argument, options, device, err)
                                    : devices_find(device, argument, err);
}

void create_hold_say_end(const struct create_session *session)
{
    const struct snap_metadata_segment *snapshot = snapshot_of(session);

    if (snapshot && snapshot->merging && !session->arguments.dry_run && !session->arguments.identify)
        cli_note(session->cli, "%s: LVM has a merge of this snapshot pending: the next activation finds nothing to "
                 "merge, leaves the origin as it is, and removes the snapshot: vgchange -ay %s", session->cow.path,
                 cli_quote(session->held.lock.groups[0]).text);
}

void create_hold_end(struct create_session *session)
{
    held_close(&session->held);
    free(session->origin_name);
    session->origin_name = NULL;
}
