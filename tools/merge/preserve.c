/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapmerge's other stores of the same origin: opened, checked, planned, and what became of them. */
#include "tools/merge/preserve.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "lib/check/unmerged.h"
#include "tools/cli/size.h"
#include "tools/merge/checks.h"
#include "tools/merge/hold.h"
#include "tools/shared/content.h"
#include "tools/shared/report.h"
#include "tools/shared/volumes.h"

#include <inttypes.h>
#include <stdlib.h>

#define MEMORY_SHARE 4u /* of all memory, for the sets and buffers of all these stores together */

struct merge_sibling *merge_preserve_next(struct merge_session *session)
{
    return session->preserve.count < MERGE_SIBLINGS_MAX ? &session->preserve.siblings[session->preserve.count++] : NULL;
}

/* Enough for the missing chunks, the areas among them, and one more where the end of the device is an area. */
static uint64_t missing_bytes(const struct merge_sibling *sibling)
{
    const struct snap_layout *layout = &sibling->store.layout;
    const uint64_t missing_chunks = sibling->need.needed_chunks - sibling->need.free_chunks;

    return (missing_chunks + missing_chunks / layout->entries_per_area + 2) * layout->chunk_bytes;
}

/* Where it does not fit, the merge is refused, or the store is given up: by --overflow=invalidate and a yes. */
static enum snap_status judge_room(struct merge_session *session, struct merge_sibling *sibling, struct snap_error *err)
{
    const struct cli_text needed = cli_count_text(sibling->need.needed_chunks, "chunk", "chunks");
    const struct cli_text chunk = cli_size_text(sibling->store.layout.chunk_bytes);

    if (sibling->need.needed_chunks <= sibling->need.free_chunks)
        return SNAP_OK;
    if (sibling->is_undo)
        return snap_fail(err, SNAP_E_NOSPC, "%s: this merge replaces %s of %s that %s not in the undo store yet, but "
                         "it has room for %" PRIu64 " only; make it larger by at least %s, or give up the way back: "
                         "leave --undo out and add --accept=undo", sibling->device.path, needed.text, chunk.text,
                         sibling->need.needed_chunks == 1 ? "is" : "are", sibling->need.free_chunks,
                         cli_size_text_exact(missing_bytes(sibling)).text);
    if (session->arguments.overflow != MERGE_OVERFLOW_INVALIDATE)
        return snap_fail(err, SNAP_E_NOSPC, "%s: this merge replaces %s of %s that this store needs, but it has room "
                         "for %" PRIu64 " only; make it larger by at least %s, or give it up: add "
                         "--overflow=invalidate",
                         sibling->device.path, needed.text, chunk.text, sibling->need.free_chunks,
                         cli_size_text_exact(missing_bytes(sibling)).text);
    sibling->invalidate = true;
    if (session->arguments.dry_run || session->arguments.yes)
        return SNAP_OK;
    switch (cli_ask(session->cli, false, "%s: it has no room for what this merge replaces. Mark it invalid and lose "
                    "what it shows?",
                    sibling->device.path)) {
    case CLI_ANSWER_YES:
        return SNAP_OK;
    case CLI_ANSWER_STOPPED:
        return snap_fail(err, SNAP_E_STOPPED, "stopped");
    case CLI_ANSWER_NO:
    case CLI_ANSWER_NOBODY:
        break;
    }
    return snap_fail(err, SNAP_E_NOSPC, "%s: it has no room for what this merge replaces; to mark it invalid without a "
                     "question, use --overflow=invalidate --yes", sibling->device.path);
}

static enum snap_status plan(struct merge_session *session, struct merge_sibling *sibling, uint64_t leftover_areas_end,
                             struct snap_error *err)
{
    const unsigned expected = session->preserve.expected;
    const struct snap_sibling_options options = {
        .origin_bytes = session->origin.io->size_bytes,
        .memory_bytes = snap_max(session->memory_bytes / MEMORY_SHARE / expected, SNAP_SIBLING_MEMORY_MIN_BYTES),
        .leftover_areas_end = leftover_areas_end,
        .stop = cli_stop_asked,
    };
    enum snap_status status = snap_sibling_open(&sibling->handle, &sibling->store, &options, err);

    if (status == SNAP_OK)
        status = snap_sibling_plan(sibling->handle, &session->store, session->job.entries, &sibling->need, err);
    return status == SNAP_OK ? judge_room(session, sibling, err) : status;
}

struct snap_file_options merge_preserve_io(const struct merge_session *session)
{
    return merge_options_io(&session->arguments, true, true);
}

/* Of a volume of LVM, its metadata tell which origin it belongs to; of an image or an undo store they tell nothing. */
static enum snap_status ask_metadata(const struct merge_session *session, struct merge_sibling *sibling,
                                     struct snap_error *err)
{
    const struct volumes *volumes = &session->held.volumes;
    const char *name = sibling->device.path;
    char *origin = NULL;
    enum snap_status status;

    if (!devices_is_lvm(name) || !devices_is_lvm(session->origin.path))
        return SNAP_OK;
    status = volumes_choose_origin(volumes, name, session->origin.path, &origin, err);
    free(origin);
    return status == SNAP_OK ? volumes_remember_group(volumes, name, &sibling->device, err) : status;
}

enum snap_status merge_preserve_add(struct merge_session *session, struct merge_sibling *sibling,
                                    struct snap_error *err)
{
    const struct snap_file_options options = merge_preserve_io(session);
    const struct pair pair = merge_pair(session, &sibling->device, &sibling->store);
    struct snap_evidence evidence;
    uint64_t leftover_areas_end = 0;
    enum snap_status status = merge_check_distinct(session, &sibling->device, err);

    if (status == SNAP_OK && !sibling->device.io)
        status = devices_open(&sibling->device, &options, err);
    if (status == SNAP_OK)
        status = ask_metadata(session, sibling, err);
    if (status == SNAP_OK)
        status = snap_header_read(&sibling->store, sibling->device.io, err);
    if (status == SNAP_OK && sibling->store.defect == SNAP_HEADER_INVALID && !sibling->is_undo &&
        session->arguments.overflow == MERGE_OVERFLOW_INVALIDATE) {
        cli_warn(session->cli, "%s: it is invalid already and stays invalid", sibling->device.path);
        sibling->invalidate = true; /* perhaps an earlier run of this merge did it; the same command goes on */
        return SNAP_OK;
    }
    if (status == SNAP_OK)
        status = content_fail_defect(&sibling->device, &sibling->store, &session->origin, err);
    if (status == SNAP_OK)
        status = merge_check_blocks(&sibling->device, &sibling->store, err);
    if (status == SNAP_OK)
        status = devices_origin_large_enough(&session->origin, sibling->device.path, sibling->store.layout.chunk_bytes,
                                             err);
    if (status == SNAP_OK)
        status = pair_check_list(&pair, NULL, &sibling->check, err);
    if (status == SNAP_OK && sibling->must_be_empty && sibling->check.entries > 0)
        return snap_fail(err, SNAP_E_REFUSED, "%s: it holds what an earlier merge of this store replaced; name a new "
                         "file",
                         sibling->device.path);
    if (status == SNAP_OK)
        status = pair_check_identity(&pair, &sibling->check, &evidence, err);
    if (status == SNAP_OK)
        status = pair_check_cut(&pair, &sibling->check, true, &leftover_areas_end, err);
    if (status != SNAP_OK)
        return status;
    sibling->samples = evidence.fingerprint;
    return plan(session, sibling, leftover_areas_end, err);
}

enum snap_status merge_preserve_prepare(struct merge_session *session, struct snap_error *err)
{
    const struct snap_file_options options = merge_preserve_io(session);
    enum snap_status status = SNAP_OK;

    for (unsigned i = 0; i < session->arguments.preserve.count && status == SNAP_OK; i++) {
        struct merge_sibling *sibling = merge_preserve_next(session);

        if (!sibling)
            return snap_fail(err, SNAP_E_USAGE, "too many stores: --preserve and --undo take %u together",
                             MERGE_SIBLINGS_MAX);
        status = merge_hold_find(session, &sibling->device, session->arguments.preserve.items[i], &options, err);
        if (status == SNAP_OK)
            status = merge_preserve_add(session, sibling, err);
    }
    return status;
}

/*
 * Where a merge of this store has left the origin as it was, only its old data chunks tell so, and these are used
 * again. Without this the right origin would look like a copy from before the merge if this run is killed and repeated.
 */
static enum snap_status forget_equal(struct merge_sibling *sibling, struct snap_error *err)
{
    struct snap_fingerprint fingerprint = sibling->store.fingerprint;

    return sibling->need.needed_chunks > 0 && snap_unmerged_forget(&sibling->samples, &fingerprint)
               ? snap_fingerprint_write(&sibling->store, &fingerprint, err)
               : SNAP_OK;
}

enum snap_status merge_preserve_begin(struct merge_session *session, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    session->options.siblings = session->preserve.handed;
    for (unsigned i = 0; i < session->preserve.count && status == SNAP_OK; i++) {
        struct merge_sibling *sibling = &session->preserve.siblings[i];

        if (sibling->invalidate && !sibling->handle) {
            continue; /* it was invalid before */
        } else if (sibling->invalidate) {
            status = snap_sibling_invalidate(sibling->handle, err);
            if (status == SNAP_OK)
                cli_warn(session->cli, "%s: it is invalid now: it had no room for what this merge replaces",
                         sibling->device.path);
        } else {
            session->preserve.handed[session->options.sibling_count++] = sibling->handle;
            status = forget_equal(sibling, err);
        }
    }
    return status;
}

void merge_preserve_share_memory(struct merge_session *session)
{
    if (session->preserve.count > 0)
        session->options.memory_bytes = session->memory_bytes - session->memory_bytes / MEMORY_SHARE;
}

void merge_preserve_print(struct merge_session *session)
{
    for (unsigned i = 0; i < session->preserve.count; i++) {
        const struct merge_sibling *sibling = &session->preserve.siblings[i];

        if (!sibling->handle)
            continue; /* it does not exist yet */
        report_field(session->cli, REPORT_DATA, sibling->is_undo ? "undo" : "preserve",
                     "%s: %s of %s to be copied out, room for %" PRIu64 "%s", sibling->device.path,
                     cli_count_text(sibling->need.needed_chunks, "chunk", "chunks").text,
                     cli_size_text(sibling->store.layout.chunk_bytes).text, sibling->need.free_chunks,
                     sibling->invalidate ? "; it would be marked invalid" : "");
    }
}

void merge_preserve_show(struct merge_session *session)
{
    for (unsigned i = 0; i < session->preserve.count; i++) {
        const struct merge_sibling *sibling = &session->preserve.siblings[i];

        if (!sibling->invalidate && sibling->handle)
            cli_note(session->cli, "%s: %s (%s) of old content %s copied to it", sibling->device.path,
                     cli_count_text(snap_sibling_counts(sibling->handle)->copied_chunks, "chunk", "chunks").text,
                     cli_size_text(snap_sibling_counts(sibling->handle)->written_bytes).text,
                     snap_sibling_counts(sibling->handle)->copied_chunks == 1 ? "was" : "were");
    }
}

void merge_preserve_json(const struct merge_session *session, struct cli_json *result)
{
    struct cli_json *array = cli_json_array();

    for (unsigned i = 0; i < session->preserve.count; i++) {
        const struct merge_sibling *sibling = &session->preserve.siblings[i];
        struct cli_json *object = cli_json_object();

        cli_json_set_string(object, "device", sibling->device.path ? sibling->device.path : session->arguments.undo);
        cli_json_set_bool(object, "undo", sibling->is_undo);
        cli_json_set_bool(object, "invalidated", sibling->invalidate);
        cli_json_set_uint(object, "needed_chunks", sibling->need.needed_chunks);
        cli_json_set_uint(object, "free_chunks", sibling->need.free_chunks);
        if (sibling->handle) {
            const struct snap_sibling_counts *counts = snap_sibling_counts(sibling->handle);

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

    for (unsigned i = 0; i < session->preserve.count; i++) {
        snap_sibling_close(session->preserve.siblings[i].handle);
        if (devices_close(&session->preserve.siblings[i].device, &err) != SNAP_OK)
            exit_status = cli_exit_worse(exit_status, cli_fail(session->cli, &err));
    }
    session->preserve.count = 0;
    return exit_status;
}
