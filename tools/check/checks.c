/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What snapcheck checks, in its order. */
#include "tools/check/checks.h"

#include "lib/base/bytes.h"
#include "lib/check/check_data.h"
#include "lib/files/fs_size.h"
#include "tools/shared/invalid.h"
#include "tools/shared/memory.h"
#include "tools/shared/report.h"
#include "tools/shared/verdict.h"

static void show_progress(void *context, uint64_t done_entries, uint64_t entries)
{
    const struct check_session *session = context;
    const uint64_t chunk_bytes = session->store.layout.chunk_bytes;

    cli_progress_update(session->progress, "read", done_entries * chunk_bytes, entries * chunk_bytes);
}

/* --data: every data chunk is read once. */
static enum snap_status check_data(struct check_session *session, uint64_t origin_sectors, struct snap_error *err)
{
    const struct snap_check_data_options data_options = {.origin_sectors = origin_sectors,
                                                         .stop = cli_stop_asked,
                                                         .progress = show_progress,
                                                         .progress_context = session};
    struct cli_progress progress;
    enum snap_status status;

    session->progress = &progress;
    cli_progress_begin(&progress, session->cli, session->cow.path, false, 0);
    status = snap_check_data(&session->store, session->result.entries, &data_options, &session->findings,
                             &session->unreadable, err);
    cli_progress_end(&progress, cli_exit_outcome(status), cli_exit_status(status));
    return status;
}

/* Whoever uses a device may change it while it is looked at (rule device-held). */
static enum snap_status check_holders(struct check_session *session, const struct device *device,
                                      struct snap_error *err)
{
    struct snap_finding finding;
    char holders[192];

    snap_device_holders(device->path, &device->facts, holders, sizeof holders);
    if (holders[0] == '\0')
        return SNAP_OK;
    snap_findings_init(&finding, SNAP_RULE_DEVICE_HELD, "%s is %s",
                       device == &session->cow ? "the store" : "the origin", holders);
    return snap_findings_add(&session->findings, &finding, err);
}

enum snap_status check_run(struct check_session *session, struct snap_error *err)
{
    struct snap_check_options check_options = {
        .memory_bytes = memory_for_sets_bytes(session->arguments.memory_bytes), .stop = cli_stop_asked};
    const struct snap_evidence_look look = {
        .store = &session->store,
        .figures = &session->result,
        .origin = session->origin.io,
        .device = &session->origin.facts,
        .lvm_group = session->cow.lvm_group,
        .ask_size = snap_fs_size_find,
        .stop = cli_stop_asked,
    };
    enum snap_status status = check_holders(session, &session->cow, err);
    bool readable;

    if (status == SNAP_OK && session->origin.io)
        status = check_holders(session, &session->origin, err);
    if (status != SNAP_OK)
        return status;
    if (session->origin.io) {
        check_options.origin_sectors = session->origin.io->size_bytes / SNAP_SECTOR_BYTES;
        check_options.origin_is_whole = check_options_origin_is_whole(&session->arguments);
        check_options.origin_block_bytes = session->origin.io->logical_block_bytes;
    }
    status = snap_check(&session->store, &check_options, &session->findings, &session->result, err);
    readable = report_is_sound(&session->findings) || invalid_is_readable(&session->store, &session->findings);
    /* With the wrong chunk size, what is read is no list. */
    if (status != SNAP_OK || !session->result.list_complete ||
        session->findings.rule_counts[SNAP_RULE_CHUNK_RECORD] > 0)
        return status;
    if (session->origin.io) {
        status = snap_evidence_gather(&look, &session->evidence, err);
        session->pair_known = status == SNAP_OK;
        if (session->pair_known)
            verdict_explain(session->cli, &session->cow, &session->evidence);
    }
    if (status == SNAP_OK && session->arguments.data && readable)
        status = check_data(session, check_options.origin_sectors, err);
    return status;
}
