/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/merge/preserve.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "tools/cli/size.h"
#include "tools/merge/checks.h"
#include "tools/merge/options.h"
#include "tools/shared/report.h"

#include <inttypes.h>

#define MEMORY_SHARE 4u /* of all memory, for the sets and buffers of all these stores together */

struct merge_aside *merge_preserve_next(struct merge_session *session)
{
    return session->aside_count < MERGE_ASIDES_MAX ? &session->asides[session->aside_count++] : NULL;
}

static enum snap_status distinct_from_all(struct merge_session *session, const struct merge_aside *aside,
                                          struct snap_error *err)
{
    enum snap_status status = tool_devices_distinct(&session->origin, &aside->device, err);

    if (status == SNAP_OK)
        status = tool_devices_distinct(&session->cow, &aside->device, err);
    for (unsigned i = 0; i < session->aside_count && status == SNAP_OK; i++)
        if (&session->asides[i] != aside && session->asides[i].device.path)
            status = tool_devices_distinct(&session->asides[i].device, &aside->device, err);
    return status;
}

/* Enough for the missing chunks, the areas among them, and one more where the end of the device is an area. */
static uint64_t missing_bytes(const struct merge_aside *aside)
{
    const struct snap_layout *layout = &aside->store.layout;
    const uint64_t missing_chunks = aside->need.needed_chunks - aside->need.free_chunks;

    return (missing_chunks + missing_chunks / layout->entries_per_area + 2) * layout->chunk_bytes;
}

/* It does not fit: that is a refusal, or the store is given up, by the word and a yes. */
static enum snap_status judge_room(struct merge_session *session, struct merge_aside *aside, struct snap_error *err)
{
    if (aside->need.needed_chunks <= aside->need.free_chunks)
        return SNAP_OK;
    if (aside->is_undo)
        return snap_fail(err, SNAP_E_NOSPC, "%s: this merge replaces %" PRIu64 " chunks of %s that are not in the undo store, "
                         "and it has room for %" PRIu64 ": make it larger by %s at least, or give up the way back: "
                         "--accept=undo, without --undo",
                         aside->device.path, aside->need.needed_chunks,
                         cli_size_text(aside->store.layout.chunk_bytes).text, aside->need.free_chunks,
                         cli_size_text_exact(missing_bytes(aside)).text);
    if (merge_arguments.overflow != MERGE_OVERFLOW_INVALIDATE)
        return snap_fail(err, SNAP_E_NOSPC, "%s: this merge replaces %" PRIu64 " chunks of %s that it needs, and it has "
                         "room for %" PRIu64 ": make it larger by %s, or give it up: --overflow=invalidate",
                         aside->device.path, aside->need.needed_chunks,
                         cli_size_text(aside->store.layout.chunk_bytes).text, aside->need.free_chunks,
                         cli_size_text_exact(missing_bytes(aside)).text);
    aside->invalidate = true;
    if (merge_arguments.dry_run || merge_arguments.yes)
        return SNAP_OK;
    switch (cli_ask(session->cli, false, "%s: has no room for this merge. Mark it invalid, and lose what it shows?",
                    aside->device.path)) {
    case CLI_ANSWER_YES:
        return SNAP_OK;
    case CLI_ANSWER_STOPPED:
        return snap_fail(err, SNAP_E_STOPPED, "stopped");
    case CLI_ANSWER_NO:
    case CLI_ANSWER_NOBODY:
        break;
    }
    return snap_fail(err, SNAP_E_NOSPC, "%s: has no room for this merge; to mark it invalid without a question: "
                     "--overflow=invalidate --yes", aside->device.path);
}

static enum snap_status plan(struct merge_session *session, struct merge_aside *aside, uint64_t stale_areas_end,
                             struct snap_error *err)
{
    const unsigned expected = merge_arguments.preserve.count + (merge_arguments.undo != NULL);
    const struct snap_sibling_options options = {
        .origin_bytes = session->origin.io->size_bytes / SNAP_SECTOR_BYTES * SNAP_SECTOR_BYTES,
        .memory_bytes = snap_max(session->memory_bytes / MEMORY_SHARE / expected, SNAP_SIBLING_MEMORY_MIN_BYTES),
        .stale_areas_end = stale_areas_end,
        .stop = tool_stop,
    };
    enum snap_status status = snap_sibling_open(&aside->sibling, &aside->store, &options, err);

    if (status == SNAP_OK)
        status = snap_sibling_plan(aside->sibling, &session->store, session->job.entries, &aside->need, err);
    return status == SNAP_OK ? judge_room(session, aside, err) : status;
}

struct snap_file_options merge_preserve_io_options(void)
{
    return (struct snap_file_options){
        .write = !merge_arguments.dry_run,
        .exclusive = !merge_arguments.dry_run,
        .engine = (enum snap_io_engine)merge_arguments.io_engine,
        .queue_depth = (unsigned)merge_arguments.queue_depth,
    };
}

enum snap_status merge_preserve_add(struct merge_session *session, struct merge_aside *aside, struct snap_error *err)
{
    const struct snap_file_options options = merge_preserve_io_options();
    struct snap_evidence evidence;
    uint64_t stale_areas_end = 0;
    enum snap_status status = distinct_from_all(session, aside, err);

    if (status == SNAP_OK && !aside->device.io)
        status = tool_device_open(&aside->device, &options, err);
    if (status == SNAP_OK)
        status = snap_header_read(&aside->store, aside->device.io, err);
    if (status == SNAP_OK && aside->store.defect == SNAP_HEADER_INVALID && !aside->is_undo &&
        merge_arguments.overflow == MERGE_OVERFLOW_INVALIDATE) {
        cli_warn(session->cli, "%s: is invalid already, and stays so", aside->device.path);
        aside->invalidate = true; /* by an earlier run of this merge, say: the same command goes on */
        return SNAP_OK;
    }
    if (status == SNAP_OK)
        status = snap_header_open(&aside->store, aside->device.io, err);
    if (status == SNAP_OK)
        status = merge_check_blocks(&aside->device, &aside->store, err);
    if (status == SNAP_OK)
        status = merge_check_list(session, &aside->device, &aside->store, &aside->check, err);
    if (status == SNAP_OK && aside->must_be_empty && aside->check.entries > 0)
        return snap_fail(err, SNAP_E_REFUSED, "%s: holds what an earlier merge of this store replaced; name a new file",
                         aside->device.path);
    if (status == SNAP_OK)
        status = merge_check_identity(session, &aside->device, &aside->store, &evidence, err);
    if (status == SNAP_OK)
        status = merge_check_cut(session, &aside->device, &aside->store, &aside->check, true, &stale_areas_end,
                                 err);
    return status == SNAP_OK ? plan(session, aside, stale_areas_end, err) : status;
}

enum snap_status merge_preserve_prepare(struct merge_session *session, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    for (unsigned i = 0; i < merge_arguments.preserve.count && status == SNAP_OK; i++) {
        struct merge_aside *aside = merge_preserve_next(session);

        if (!aside)
            return snap_fail(err, SNAP_E_USAGE, "too many stores to preserve");
        status = tool_device_find(&aside->device, merge_arguments.preserve.items[i], err);
        if (status == SNAP_OK)
            status = merge_preserve_add(session, aside, err);
    }
    return status;
}

enum snap_status merge_preserve_begin(struct merge_session *session, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    session->options.siblings = session->siblings;
    for (unsigned i = 0; i < session->aside_count && status == SNAP_OK; i++) {
        struct merge_aside *aside = &session->asides[i];

        if (aside->invalidate && !aside->sibling) {
            continue; /* it was before */
        } else if (aside->invalidate) {
            status = snap_sibling_invalidate(aside->sibling, err);
            if (status == SNAP_OK)
                cli_warn(session->cli, "%s: is invalid now: it had no room for what this merge replaces",
                         aside->device.path);
        } else {
            session->siblings[session->options.sibling_count++] = aside->sibling;
        }
    }
    return status;
}

void merge_preserve_share_memory(struct merge_session *session)
{
    if (session->aside_count > 0)
        session->options.memory_bytes = session->memory_bytes - session->memory_bytes / MEMORY_SHARE;
}

void merge_preserve_print(struct merge_session *session)
{
    for (unsigned i = 0; i < session->aside_count; i++) {
        const struct merge_aside *aside = &session->asides[i];

        if (!aside->sibling)
            continue; /* not there yet */
        report_print(session->cli->out, "%s: %s: %" PRIu64 " chunks of %s to be copied out, room for %" PRIu64 "%s",
                     aside->is_undo ? "undo" : "preserve", aside->device.path, aside->need.needed_chunks,
                     cli_size_text(aside->store.layout.chunk_bytes).text, aside->need.free_chunks,
                     aside->invalidate ? "; it would be marked invalid" : "");
    }
}

void merge_preserve_show(struct merge_session *session)
{
    for (unsigned i = 0; i < session->aside_count; i++) {
        const struct merge_aside *aside = &session->asides[i];

        if (!aside->invalidate && aside->sibling)
            cli_note(session->cli, "%s: %" PRIu64 " chunks (%s) of old content were copied to it", aside->device.path,
                     snap_sibling_counts(aside->sibling)->copied_chunks,
                     cli_size_text(snap_sibling_counts(aside->sibling)->written_bytes).text);
    }
}

void merge_preserve_json(const struct merge_session *session, struct cli_json *result)
{
    struct cli_json *array = cli_json_array();

    for (unsigned i = 0; i < session->aside_count; i++) {
        const struct merge_aside *aside = &session->asides[i];
        struct cli_json *object = cli_json_object();

        cli_json_set_string(object, "device", aside->device.path ? aside->device.path : merge_arguments.undo);
        cli_json_set_bool(object, "undo", aside->is_undo);
        cli_json_set_bool(object, "invalidated", aside->invalidate);
        cli_json_set_uint(object, "needed_chunks", aside->need.needed_chunks);
        cli_json_set_uint(object, "free_chunks", aside->need.free_chunks);
        if (aside->sibling) {
            const struct snap_sibling_counts *counts = snap_sibling_counts(aside->sibling);

            cli_json_set_uint(object, "copied_chunks", counts->copied_chunks);
            cli_json_set_uint(object, "written_bytes", counts->written_bytes);
            cli_json_set_uint(object, "metadata_bytes", counts->metadata_bytes);
            cli_json_set_uint(object, "flushes", counts->flushes);
        }
        cli_json_add(array, object);
    }
    cli_json_set(result, "preserved", array);
}

int merge_preserve_close(struct merge_session *session, int exit_status)
{
    struct snap_error err = {0};

    for (unsigned i = 0; i < session->aside_count; i++) {
        snap_sibling_close(session->asides[i].sibling);
        if (tool_device_close(&session->asides[i].device, &err) != SNAP_OK)
            exit_status = cli_exit_worse(exit_status, cli_fail(session->cli, &err));
    }
    session->aside_count = 0;
    return exit_status;
}
