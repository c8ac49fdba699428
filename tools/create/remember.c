/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes record and fingerprint of the origin, and says why there is no fingerprint. */
#include "tools/create/remember.h"

#include "lib/base/bytes.h"
#include "lib/check/fingerprinting.h"

#include <inttypes.h>
#include <time.h>

enum snap_status create_remember_open_origin(struct create_session *session, struct snap_error *err)
{
    const struct snap_file_options held = {.exclusive = true}, shared = {.write = false};
    enum snap_status status;

    if (session->arguments.no_identity && !session->arguments.activate)
        return devices_open(&session->origin, &shared, err);
    if (devices_open(&session->origin, &held, &session->origin_busy) == SNAP_OK)
        return SNAP_OK;
    status = devices_open(&session->origin, &shared, err);
    session->origin_in_use = status == SNAP_OK;
    if (status == SNAP_OK && !session->arguments.no_identity)
        cli_note(session->cli, "%s; what it holds may change before its snapshot is used, so the store gets no "
                 "fingerprint of it (snapcreate --identify adds one later)", session->origin_busy.text);
    return status;
}

static enum snap_status take_fingerprint(struct create_session *session, const struct snap_store *listed,
                                         struct snap_error *err)
{
    struct snap_fingerprint *fingerprint = &session->fingerprint;
    uint32_t unreadable;
    enum snap_status status =
        snap_fingerprinting_take(fingerprint, session->identity.store_id, session->origin.io, listed, &unreadable, err);

    if (status == SNAP_OK && unreadable > 0)
        cli_warn(session->cli, "%s: of the %" PRIu32 " blocks that the fingerprint would have, %" PRIu32 " cannot be "
                 "read; the fingerprint is made without them", session->origin.path, fingerprint->samples, unreadable);
    return status;
}

enum snap_status create_remember_fill(struct create_session *session, const struct snap_store *listed,
                                      struct snap_error *err)
{
    const struct snap_origin_facts facts = {session->origin.io->size_bytes / SNAP_SECTOR_BYTES, &session->origin.facts,
                                            &session->on_origin};
    const time_t now = time(NULL);
    enum snap_status status =
        snap_identity_fill(&session->identity, &facts, session->layout.chunk_sectors, session->arguments.label,
                           now > 0 ? (uint64_t)now : 0, err);

    if (status != SNAP_OK || session->origin_in_use)
        return status;
    if (session->layout.chunk_bytes >= SNAP_FINGERPRINT_OFFSET_BYTES + SNAP_FINGERPRINT_BYTES)
        return take_fingerprint(session, listed, err);
    cli_verbose(session->cli, "%s: chunks of %" PRIu64 " bytes have no room for a fingerprint of the origin",
                session->cow.path, session->layout.chunk_bytes);
    return SNAP_OK;
}
