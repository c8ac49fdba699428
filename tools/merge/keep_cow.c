/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A merge that keeps its COW: its checkpoint file, and what to believe of one that is there. */
#include "tools/merge/keep_cow.h"

#include "lib/base/bytes.h"
#include "lib/store/list_walk.h"

#include <inttypes.h>

/* Writes the library's progress to the checkpoint file. */
static enum snap_status save(void *context, uint64_t merged_from, struct snap_error *err)
{
    struct merge_session *session = context;

    session->keep_cow.checkpoint.merged_from = merged_from;
    return snap_checkpoint_save(&session->keep_cow.checkpoint, session->keep_cow.file, err);
}

/* Finds out where comparing may begin. Without a file that can be believed everything is compared. */
static enum snap_status believe(struct merge_session *session, struct snap_error *err)
{
    struct snap_checkpoint found;
    struct snap_error reason = {0};
    char text[128];
    const char *path = session->arguments.checkpoint;
    enum snap_status status = snap_checkpoint_load(&found, session->keep_cow.file, &reason);

    if (status == SNAP_E_NOENT)
        return SNAP_OK;
    if (status == SNAP_E_CORRUPT) {
        cli_warn(session->cli, "%s; it is ignored: all chunks are compared", reason.text);
        return SNAP_OK;
    }
    if (status != SNAP_OK) {
        *err = reason;
        return status;
    }
    if (!snap_checkpoint_fits(&found, &session->keep_cow.checkpoint, text, sizeof text)) {
        cli_warn(session->cli, "%s: %s; it is ignored: all chunks are compared", path, text);
        return SNAP_OK;
    }
    session->options.compare_from = found.merged_from;
    session->keep_cow.checkpoint.merged_from = found.merged_from;
    cli_note(session->cli, "%s: %" PRIu64 " of %" PRIu64 " entries %s compared now", path,
             found.entries - found.merged_from, found.entries,
             found.entries - found.merged_from == 1 ? "was merged before and is" : "were merged before and are");
    return SNAP_OK;
}

enum snap_status merge_keep_cow_prepare(struct merge_session *session, struct snap_error *err)
{
    struct snap_checkpoint *now = &session->keep_cow.checkpoint;
    struct snap_file_info info;
    enum snap_status status = SNAP_OK;

    session->options.keep_cow = true;
    session->options.compare_from = 0;
    if (session->arguments.checkpoint) {
        now->origin_sectors = session->origin.io->size_bytes / SNAP_SECTOR_BYTES;
        now->cow_sectors = session->store.layout.cow_sectors;
        snap_device_id(&session->origin.facts, now->origin_id, sizeof now->origin_id);
        snap_device_id(&session->cow.facts, now->cow_id, sizeof now->cow_id);
        now->entries = session->check.entries;
        now->merged_from = now->entries; /* nothing is known to be merged */
        status = snap_list_walk_digest(&session->store, now->entries, &now->list_crc32c, err);
        if (status == SNAP_OK)
            status = snap_checkpoint_open(&session->keep_cow.file, session->arguments.checkpoint, err);
        if (status == SNAP_OK)
            status = believe(session, err);
        session->options.checkpoint = save;
        session->options.checkpoint_context = session;
    }
    devices_info(&session->origin, &info);
    if (!info.direct) {
        cli_note(session->cli, "%s: it cannot be read past the page cache: all chunks are written and none is compared",
                 session->origin.path);
        session->options.compare_from = UINT64_MAX;
    }
    return status;
}

enum snap_status merge_keep_cow_begin(struct merge_session *session, struct snap_error *err)
{
    return session->keep_cow.file ? snap_checkpoint_save(&session->keep_cow.checkpoint, session->keep_cow.file, err)
                                  : SNAP_OK;
}

void merge_keep_cow_free(struct merge_session *session)
{
    snap_replace_close(session->keep_cow.file);
    session->keep_cow.file = NULL;
}
