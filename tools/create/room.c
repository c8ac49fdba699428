/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holds what the store takes against its size and against its file system. */
#include "tools/create/room.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "lib/io/extents.h"
#include "lib/view/diff.h"
#include "tools/cli/progress.h"
#include "tools/cli/size.h"
#include "tools/shared/room.h"

#include <inttypes.h>

uint64_t create_room_origin_chunks(const struct create_session *session)
{
    return snap_layout_origin_chunks(&session->layout, session->origin.io->size_bytes / SNAP_SECTOR_BYTES);
}

bool create_room_short(const struct create_session *session)
{
    return session->missing_bytes > session->free_bytes;
}

/* What the first `bytes` of the COW still take of its file system. */
static enum snap_status find_missing(const struct create_session *session, uint64_t bytes, uint64_t *missing_bytes,
                                     struct snap_error *err)
{
    if (session->folder) {
        *missing_bytes = snap_min(bytes, session->new_image_bytes);
        return SNAP_OK;
    }
    if (session->cow.part_count > 0) { /* its physical volumes are block devices, as a rule */
        *missing_bytes = 0;
        return SNAP_OK;
    }
    return snap_extents_missing(session->cow.io, 0, bytes, cli_stop_asked, NULL, missing_bytes, err);
}

static enum snap_status look_at_file_system(struct create_session *session, struct snap_error *err)
{
    session->free_bytes = UINT64_MAX;
    if (!session->folder && (session->cow.facts.block_device || session->cow.part_count > 0))
        return SNAP_OK;
    if (!room_free_bytes(session->folder ? session->folder->fd : snap_file_fd(session->cow.io), &session->free_bytes))
        return SNAP_OK;
    return find_missing(session, UINT64_MAX, &session->missing_bytes, err);
}

static void show_progress(void *context, uint64_t done_bytes, uint64_t total_bytes)
{
    cli_progress_update(context, "count", done_bytes, total_bytes);
}

static enum snap_status count_difference(struct create_session *session, uint64_t *chunks, struct snap_error *err)
{
    struct cli_progress progress;
    const struct snap_diff_control control = {.next_data = snap_io_next_data,
                                              .stop = cli_stop_asked,
                                              .progress = show_progress,
                                              .progress_context = &progress};
    enum snap_status status;

    cli_progress_begin(&progress, session->cli, session->newer.path, false, 0);
    status = snap_diff_count(&session->layout, session->origin.io, session->newer.io, &control, chunks, err);
    cli_progress_end(&progress, cli_exit_outcome(status), cli_exit_status(status));
    return status;
}

/* A store that runs full half-way is none, and what was on the COW before is lost by then. */
static enum snap_status check_difference(struct create_session *session, struct snap_error *err)
{
    const struct snap_layout *layout = &session->layout;
    const uint64_t capacity = snap_layout_capacity_entries(layout);
    uint64_t differ, chunks, bytes = UINT64_MAX, missing_bytes;
    enum snap_status status;

    if (capacity >= create_room_origin_chunks(session) && !create_room_short(session))
        return SNAP_OK;
    status = count_difference(session, &differ, err);
    if (status != SNAP_OK)
        return status;
    if (!snap_layout_chunks_for_entries(layout->entries_per_area, differ, &chunks) ||
        !snap_mul(chunks, layout->chunk_bytes, &bytes))
        bytes = UINT64_MAX;
    if (differ > capacity)
        return snap_fail(err, SNAP_E_NOSPC, "%s: %s of %s %s, but it has room for %" PRIu64
                         " only; make it at least %" PRIu64 " bytes large", session->cow.path,
                         cli_count_text(differ, "chunk", "chunks").text, session->newer.path,
                         differ == 1 ? "differs" : "differ", capacity, bytes);
    status = find_missing(session, bytes, &missing_bytes, err);
    if (status == SNAP_OK && missing_bytes > session->free_bytes)
        return snap_fail(err, SNAP_E_NOSPC, "%s: %s of %s %s, which takes %" PRIu64 " bytes of its file "
                         "system, and only %" PRIu64 " are free; make room for %" PRIu64 " bytes more there",
                         session->cow.path, cli_count_text(differ, "chunk", "chunks").text, session->newer.path,
                         differ == 1 ? "differs" : "differ", missing_bytes, session->free_bytes,
                         missing_bytes - session->free_bytes);
    return status;
}

enum snap_status create_room_check(struct create_session *session, struct snap_error *err)
{
    enum snap_status status;

    if (snap_layout_capacity_entries(&session->layout) == 0)
        return snap_fail(err, SNAP_E_NOSPC,
                         "%s: %s no room for a single entry; with chunks of %s it takes at least %" PRIu64,
                         session->cow.path,
                         cli_count_text(session->layout.cow_sectors, "sector has", "sectors have").text,
                         cli_count_text(session->layout.chunk_sectors, "sector", "sectors").text,
                         (uint64_t)session->layout.chunk_sectors * 3);
    status = look_at_file_system(session, err);
    return status == SNAP_OK && session->newer.io ? check_difference(session, err) : status;
}
