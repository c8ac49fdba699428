/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts, checks the target, and writes the new store. */
#include "tools/check/repair_to.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "lib/check/fingerprinting.h"
#include "lib/store/fingerprint.h"
#include "tools/check/next.h"
#include "tools/check/open.h"
#include "tools/check/repair_source.h"
#include "tools/cli/quote.h"
#include "tools/cli/size.h"
#include "tools/shared/holds.h"
#include "tools/shared/memory.h"
#include "tools/shared/pair.h"
#include "tools/shared/report.h"
#include "tools/shared/room.h"
#include "tools/shared/verdict.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/*
 * ---- what is copied --------------------------------------------------------------------------------------------
 */

static void show_progress(void *context, uint64_t done_bytes, uint64_t total_bytes)
{
    cli_progress_update(context, "copy", done_bytes, total_bytes);
}

static enum snap_status rewrite(struct check_session *session, struct snap_create *create, struct snap_error *err)
{
    struct cli_progress progress;
    enum snap_status status;

    session->repair_to.rewrite.progress_context = &progress;
    cli_progress_begin(&progress, session->cli, session->cow.path, false, 0);
    status = snap_rewrite(&session->repair_to.rewrite, create, err);
    cli_progress_end(&progress, cli_exit_outcome(status), cli_exit_status(status));
    return status;
}

/* How many entries there will be, and whether chunks are given up by that. */
static enum snap_status count(struct check_session *session, struct snap_error *err)
{
    struct check_repair_to *to = &session->repair_to;
    const uint64_t beyond = to->result.entries_old_range;
    uint64_t damaged;
    enum snap_status status;

    to->rewrite = (struct snap_rewrite){
        .store = &to->source,
        .origin = session->origin.io,
        .layout = &to->layout,
        .leave_out_equal = session->arguments.drop_equal,
        .shared_chunks = to->shared,
        .shared_count = to->shared_count,
        .displaced = to->displaced,
        .displaced_count = to->displaced_count,
        .memory_bytes = memory_to_use_bytes(session->arguments.memory_bytes),
        .stop = cli_stop_asked,
        .progress = show_progress,
    };
    status = rewrite(session, NULL, err);
    damaged = to->rewrite.damaged_chunks;
    if (status != SNAP_OK || damaged + beyond == 0)
        return status;
    if (damaged > 0)
        cli_warn(session->cli, "%s: %s of the snapshot %s damaged; there the new store shows what the origin has",
                 session->cow.path, cli_count_text(damaged, "chunk", "chunks").text, damaged == 1 ? "is" : "are");
    if (beyond > 0)
        cli_warn(session->cli, "%s: %s no chunk of the origin and %s left out; the chunks of the snapshot that %s for "
                 "are not known, and there the new store shows what the origin has", session->cow.path,
                 cli_count_text(beyond, "entry names", "entries name").text, beyond == 1 ? "is" : "are",
                 beyond == 1 ? "it stood" : "they stood");
    if (check_repair_source_accepts(session, CHECK_ACCEPT_VIEW_CHANGE))
        return SNAP_OK;
    cli_line(session->cli, "To see first what can be brought back: %s",
             check_next_repair_to(session, true, 0).text);
    return snap_fail(err, SNAP_E_REFUSED, "%s: not all that it shows can be copied; to bring back what a repair "
                     "would, and leave out the rest, add --accept=view-change", session->cow.path);
}

/*
 * ---- the target ------------------------------------------------------------------------------------------------
 */

static enum snap_status set_chunk_size(struct check_session *session, struct snap_error *err)
{
    const uint64_t asked_bytes = session->arguments.chunk_bytes;
    const uint64_t chunk_bytes = asked_bytes > 0 ? asked_bytes : session->repair_to.source.layout.chunk_bytes;

    if (chunk_bytes % SNAP_SECTOR_BYTES != 0 || !snap_layout_chunk_sectors_valid(chunk_bytes / SNAP_SECTOR_BYTES))
        return snap_fail(err, SNAP_E_USAGE, "--chunk-size %" PRIu64 ": the kernel takes only powers of two from 512 "
                         "bytes to 1 GiB", chunk_bytes);
    return snap_layout_init(&session->repair_to.layout, chunk_bytes / SNAP_SECTOR_BYTES, 0, err);
}

/* The least size that holds so many entries. */
static bool fit_bytes(const struct check_session *session, uint64_t entries, uint64_t *bytes)
{
    const struct snap_layout *layout = &session->repair_to.layout;
    uint64_t chunks;

    return snap_layout_chunks_for_entries(layout->entries_per_area, snap_max(entries, 1), &chunks) &&
           snap_mul(chunks, layout->chunk_bytes, bytes);
}

static enum snap_status plan_image(struct check_session *session, struct snap_error *err)
{
    const struct device *const sources[] = {&session->cow, &session->origin};
    struct check_repair_to *to = &session->repair_to;
    struct snap_folder_entry taken;
    uint64_t free_bytes;
    enum snap_status status = snap_folder_open(&to->folder, session->arguments.repair_to, err);

    if (status == SNAP_OK)
        status = devices_apart(to->folder->path, to->folder->fd, sources, 2, err);
    if (status == SNAP_OK)
        status = snap_folder_look(to->folder, to->folder->name, &taken, err);
    if (status == SNAP_OK && taken.exists)
        return snap_fail(err, SNAP_E_REFUSED, "%s: it exists already; name a new file, or a block device",
                         to->folder->path);
    if (status == SNAP_OK)
        status = snap_folder_takes_files(to->folder, err);
    if (status == SNAP_OK && room_free_bytes(to->folder->fd, &free_bytes) && free_bytes < to->fit_bytes)
        return snap_fail(err, SNAP_E_NOSPC, "%s: the store takes %" PRIu64 " bytes of its file system, and only "
                         "%" PRIu64 " are free", to->folder->path, to->fit_bytes, free_bytes);
    to->image_bytes = !session->arguments.size_given ? snap_max(session->cow.io->size_bytes, to->fit_bytes)
                      : session->arguments.size_bytes == UINT64_MAX ? to->fit_bytes
                                                                    : session->arguments.size_bytes;
    return status;
}

static enum snap_status plan_device(struct check_session *session, const struct snap_file_options *options,
                                    struct snap_error *err)
{
    const struct device *const sources[] = {&session->cow, &session->origin};
    struct check_repair_to *to = &session->repair_to;
    enum snap_status status = devices_distinct_from_all(&to->target, sources, 2, err);

    if (session->arguments.size_given)
        return snap_fail(err, SNAP_E_REFUSED, "%s: it is there already, and --size is for a new image",
                         to->target.path);
    if (status == SNAP_OK && !to->target.io)
        status = devices_open(&to->target, options, err);
    return status == SNAP_OK ? holds_refuse(&to->target, "if that is not needed, write zeros over its beginning first; "
                               "wipefs leaves the list of a store there", err)
                             : status;
}

static enum snap_status plan_target(struct check_session *session, struct snap_error *err)
{
    struct check_repair_to *to = &session->repair_to;
    const char *place = session->arguments.repair_to;
    const struct snap_file_options options = {.write = !session->arguments.dry_run,
                                              .foresee = session->arguments.dry_run,
                                              .exclusive = true};
    struct snap_error missing = {0};
    uint64_t bytes;
    enum snap_status status;

    if (!fit_bytes(session, to->rewrite.entries, &to->fit_bytes))
        return snap_fail(err, SNAP_E_NOSPC, "%s: no store can be so large", place);
    status = check_open_find(session, &to->target, place, &options, &missing);
    if (status == SNAP_E_NOENT && to->target.path)
        status = plan_image(session, err);
    else if (status != SNAP_OK)
        *err = missing;
    else if (!to->target.io && !to->target.facts.block_device)
        status = snap_fail(err, SNAP_E_REFUSED, "%s: it exists already; name a new file, or a block device", place);
    else
        status = plan_device(session, &options, err);
    if (status == SNAP_OK && session->held.used)
        status = held_read_again(&session->held, err);
    if (status != SNAP_OK)
        return status;
    bytes = to->target.io ? to->target.io->size_bytes : to->image_bytes;
    if (bytes < to->fit_bytes)
        return snap_fail(err, SNAP_E_NOSPC, "%s: %s, which take %" PRIu64 " bytes, but it has %" PRIu64, place,
                         cli_count_text(to->rewrite.entries, "entry", "entries").text, to->fit_bytes, bytes);
    return snap_layout_init(&to->layout, to->layout.chunk_sectors, bytes / SNAP_SECTOR_BYTES, err);
}

/*
 * ---- the new store ---------------------------------------------------------------------------------------------
 */

/* Entries that name no chunk of the origin, whether a repair would drop them or they are left out one by one. */
static uint64_t entries_left_out(const struct check_repair_to *to)
{
    return to->mended[SNAP_RULE_ENTRY_OLD_RANGE] + to->result.entries_old_range;
}

/* It is of the same origin, and keeps what the old one remembers of it. */
static enum snap_status finish(struct check_session *session, struct snap_create *create, struct snap_error *err)
{
    const struct check_repair_to *to = &session->repair_to;
    const bool known = to->source.identity_state == SNAP_IDENTITY_OK;
    const bool room = to->layout.chunk_bytes >= SNAP_FINGERPRINT_OFFSET_BYTES + SNAP_FINGERPRINT_BYTES;
    const bool left_out = to->rewrite.damaged_chunks + to->from_origin + to->lost + entries_left_out(to) > 0;
    struct snap_identity identity = to->source.identity;
    struct snap_fingerprint fingerprint = to->source.fingerprint;
    enum snap_status status = SNAP_OK;

    identity.chunk_sectors = to->layout.chunk_sectors;
    if (entries_left_out(to) > 0 && to->source.fingerprint_state == SNAP_FINGERPRINT_OK)
        status = snap_fingerprinting_forget(&to->source, session->origin.io, &fingerprint, err);
    if (status != SNAP_OK)
        return status;
    if (left_out || session->arguments.drop_equal)
        snap_fingerprint_forget_masked(&fingerprint); /* the list names less, and no merge was the reason */
    return snap_create_finish(create, known ? &identity : NULL,
                              known && room && to->source.fingerprint_state == SNAP_FINGERPRINT_OK ? &fingerprint
                                                                                                       : NULL,
                              err);
}

static enum snap_status write_store(struct check_session *session, struct snap_error *err)
{
    const struct snap_file_options options = {.write = true};
    struct check_repair_to *to = &session->repair_to;
    struct snap_create *create = NULL;
    enum snap_status status = SNAP_OK;

    if (to->folder)
        status = snap_new_file_make_nameless(&to->image, to->folder, err);
    if (status == SNAP_OK && to->folder)
        status = snap_file_open_new(&to->target.io, to->image, to->image_bytes, &options, err);
    to->begun = status == SNAP_OK && !to->folder;
    if (status == SNAP_OK)
        status = snap_create_begin(&create, to->target.io, &to->layout, err);
    if (status == SNAP_OK)
        status = rewrite(session, create, err);
    if (status == SNAP_OK)
        status = finish(session, create, err);
    snap_create_close(create);
    if (status == SNAP_OK && to->image)
        status = snap_new_file_place(to->image, NULL, err);
    to->written = status == SNAP_OK;
    return status;
}

enum snap_status check_repair_to(struct check_session *session, struct snap_error *err)
{
    const char *place = session->arguments.repair_to;
    struct check_repair_to *to = &session->repair_to;
    enum snap_status status = check_repair_source(session, err);

    if (status == SNAP_OK)
        status = set_chunk_size(session, err);
    if (status == SNAP_OK)
        status = count(session, err);
    if (status == SNAP_OK)
        status = plan_target(session, err);
    if (status == SNAP_OK && cli_stop_wanted())
        status = snap_fail(err, SNAP_E_STOPPED, "stopped");
    if (status == SNAP_OK && !session->arguments.dry_run)
        status = write_store(session, err);
    if (status == SNAP_OK)
        cli_note(session->cli, "%s: %s a store with chunks of %s and %s, in %" PRIu64 " bytes; %s is as it was", place,
                 session->arguments.dry_run ? "it would be" : "it is", cli_size_text(to->layout.chunk_bytes).text,
                 cli_count_text(to->rewrite.entries, "entry", "entries").text,
                 to->target.io ? to->target.io->size_bytes : to->image_bytes, session->cow.path);
    return status;
}

void check_repair_to_failed(struct check_session *session)
{
    if (session->repair_to.begun)
        cli_line(session->cli, "%s holds no store now; %s is as it was.", session->repair_to.target.path,
                 session->cow.path);
}

struct cli_json *check_repair_to_json(const struct check_session *session)
{
    const struct check_repair_to *to = &session->repair_to;
    struct cli_json *object = cli_json_object(), *mended = cli_json_object();

    for (int rule = 0; rule < SNAP_RULES; rule++)
        if (to->mended[rule] > 0)
            cli_json_set_uint(mended, snap_rules_info((enum snap_rule)rule)->id, to->mended[rule]);
    cli_json_set_string(object, "path", session->arguments.repair_to);
    cli_json_set_bool(object, "written", to->written);
    cli_json_set_uint(object, "chunk_sectors", to->layout.chunk_sectors);
    cli_json_set_uint(object, "entries", to->rewrite.entries);
    cli_json_set_uint(object, "damaged_chunks", to->rewrite.damaged_chunks + to->from_origin);
    cli_json_set_uint(object, "entries_left_out", entries_left_out(to));
    cli_json_set_uint(object, "size_bytes", to->target.io ? to->target.io->size_bytes : to->image_bytes);
    cli_json_set(object, "mended", mended);
    return object;
}

enum snap_status check_repair_to_close(struct check_session *session, struct snap_error *err)
{
    struct check_repair_to *to = &session->repair_to;
    const enum snap_status status = devices_close(&to->target, err);
    const enum snap_status closed = snap_new_file_close(to->image, status == SNAP_OK ? err : NULL);
    const enum snap_status sources =
        check_repair_source_close(session, status == SNAP_OK && closed == SNAP_OK ? err : NULL);

    snap_folder_close(to->folder);
    to->image = NULL;
    to->folder = NULL;
    return status != SNAP_OK ? status : closed != SNAP_OK ? closed : sources;
}
