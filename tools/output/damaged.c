/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Judges which damage concerns single chunks only, and lists the chunks that were skipped. */
#include "tools/output/damaged.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "tools/cli/quote.h"
#include "tools/cli/size.h"
#include "tools/shared/accept.h"
#include "tools/shared/pair.h"
#include "tools/shared/report.h"
#include "tools/shared/volumes.h"

#include <inttypes.h>
#include <stdlib.h>

#define CHUNKS_MAX (1u << 16) /* more than that, and the list as a whole is not to be trusted */

const char *const output_skip_words[] = {"nothing", "origin", "zeros", NULL};

/*
 * ---- before the first write ------------------------------------------------------------------------------------
 */

static enum snap_status add_shared(struct output_damaged *damaged, uint64_t chunk, struct snap_error *err)
{
    if (damaged->shared_count == CHUNKS_MAX)
        return snap_fail(err, SNAP_E_CORRUPT, "more than %u entries have their data chunk in common with others: no "
                         "entry of this list is to be trusted", CHUNKS_MAX);
    if (!damaged->shared) {
        damaged->shared = calloc(CHUNKS_MAX, sizeof *damaged->shared);
        if (!damaged->shared)
            return snap_fail(err, SNAP_E_NOMEM, "no memory for the list of damaged entries");
    }
    damaged->shared[damaged->shared_count++] = chunk;
    return SNAP_OK;
}

/* Damaged entries are named when they are met; only what is none of them is told here. */
static enum snap_status take_finding(void *context, const struct snap_finding *finding, struct snap_error *err)
{
    struct output_session *output = context;
    struct report_talk talk = {output->cli, output->cow->path};

    if (finding->rule == SNAP_RULE_DUPLICATE_NEW && finding->own_chunk != 0 &&
        output->damaged.displaced_count < SNAP_PLACES_MAX) {
        output->damaged.displaced[output->damaged.displaced_count++] = finding->index;
        return SNAP_OK;
    }
    if (finding->rule == SNAP_RULE_DUPLICATE_NEW)
        return add_shared(&output->damaged, finding->new_chunk, err);
    if (finding->rule == SNAP_RULE_GARBAGE_BEHIND_END)
        output->damaged.behind_end = true;
    if (finding->rule == SNAP_RULE_GARBAGE_BEHIND_END)
        cli_warn(output->cli, "%s: %s; if these are entries, what they name is not written", output->cow->path,
                 report_finding_text(finding).text);
    else if (!pair_rule_is_skippable(finding->rule) && finding->severity > SNAP_NOTE)
        return report_finding_talk(&talk, finding, err);
    return SNAP_OK;
}

static int by_number(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return (a > b) - (a < b);
}

enum snap_status output_damaged_check_list(struct output_session *output, struct snap_error *err)
{
    const struct snap_check_options check_options = {
        .origin_sectors = output->origin->io->size_bytes / SNAP_SECTOR_BYTES,
        .origin_is_whole = accept_has(output->arguments.accept, ACCEPT_ORIGIN_SIZE),
        .origin_block_bytes = output->origin->io->logical_block_bytes,
        .memory_bytes = output->arguments.memory_bytes,
        .stop = cli_stop_asked,
    };
    struct output_damaged *damaged = &output->damaged;
    struct snap_findings findings = {.fn = take_finding, .context = output};
    enum snap_status status = snap_check(output->store, &check_options, &findings, &output->check, err);

    if (status != SNAP_OK)
        return status;
    if (!pair_is_skippable(&findings, &output->check))
        return snap_fail(err, SNAP_E_CORRUPT, "%s: the list itself is damaged, so nobody can tell which chunks of the "
                         "snapshot are sound; to see all that is wrong: snapcheck --all%s --origin %s %s",
                         output->cow->path, volumes_option_of(output->cow, output->origin).text,
                         cli_quote(output->origin->path).text, cli_quote(output->cow->path).text);
    pair_say_bring_back(output->cli, &findings, &output->check, output->origin, output->cow,
                        volumes_option_of(output->cow, output->origin).text);
    if (damaged->shared_count > 0)
        qsort(damaged->shared, damaged->shared_count, sizeof *damaged->shared, by_number);
    return SNAP_OK;
}

/*
 * ---- while the view is read ------------------------------------------------------------------------------------
 */

static int by_place(const void *left, const void *right)
{
    const struct output_skipped *a = left, *b = right;

    if (a->old_chunk != b->old_chunk)
        return a->old_chunk > b->old_chunk ? 1 : -1;
    return (int)a->damage - (int)b->damage;
}

/* A chunk may have been told several times. */
static void tidy(struct output_damaged *damaged)
{
    size_t kept = 0;

    if (damaged->count > 0)
        qsort(damaged->chunks, damaged->count, sizeof *damaged->chunks, by_place);
    for (size_t i = 0; i < damaged->count; i++)
        if (kept == 0 || damaged->chunks[kept - 1].old_chunk != damaged->chunks[i].old_chunk)
            damaged->chunks[kept++] = damaged->chunks[i];
    damaged->count = kept;
}

/* Called in the thread that reads; nobody looks at the list before that has ended. */
static enum snap_status note(void *context, uint64_t old_chunk, enum snap_view_damage damage, struct snap_error *err)
{
    struct output_damaged *damaged = context;

    if (damaged->count > 0 && damaged->chunks[damaged->count - 1].old_chunk == old_chunk)
        return SNAP_OK;
    if (!damaged->chunks) {
        damaged->chunks = calloc(CHUNKS_MAX, sizeof *damaged->chunks);
        if (!damaged->chunks)
            return snap_fail(err, SNAP_E_NOMEM, "no memory for the list of damaged chunks");
    }
    if (damaged->count == CHUNKS_MAX)
        tidy(damaged);
    if (damaged->count == CHUNKS_MAX)
        return snap_fail(err, SNAP_E_CORRUPT, "more than %u chunks of the snapshot are damaged: this store is not to "
                         "be trusted", CHUNKS_MAX);
    damaged->chunks[damaged->count++] = (struct output_skipped){.old_chunk = old_chunk, .damage = damage};
    return SNAP_OK;
}

void output_damaged_skip(struct output_session *output, struct snap_view *view)
{
    struct output_damaged *damaged = &output->damaged;

    if (output->arguments.skip == OUTPUT_SKIP_NOTHING)
        return;
    damaged->skip = (struct snap_view_skip){
        .as_origin = output->arguments.skip == OUTPUT_SKIP_AS_ORIGIN,
        .shared_chunks = damaged->shared,
        .shared_count = damaged->shared_count,
        .displaced = damaged->displaced,
        .displaced_count = damaged->displaced_count,
        .skipped = note,
        .context = damaged,
    };
    snap_view_skip_damaged(view, &damaged->skip);
}

void output_damaged_end(struct output_session *output)
{
    output->damaged.skip.skipped = NULL;
    tidy(&output->damaged);
}

/*
 * ---- the list --------------------------------------------------------------------------------------------------
 */

/* The range that begins with chunk `first`; returns the index behind it. */
static size_t range_at(const struct output_session *output, size_t first, uint64_t *offset_bytes,
                       uint64_t *length_bytes)
{
    const struct output_damaged *damaged = &output->damaged;
    const uint64_t chunk_bytes = output->store->layout.chunk_bytes;
    size_t end = first + 1;

    while (end < damaged->count && damaged->chunks[end].damage == damaged->chunks[first].damage &&
           damaged->chunks[end].old_chunk == damaged->chunks[end - 1].old_chunk + 1)
        end++;
    *offset_bytes = damaged->chunks[first].old_chunk * chunk_bytes;
    *length_bytes = snap_min((end - first) * chunk_bytes, output->size_bytes - *offset_bytes);
    return end;
}

void output_damaged_name_files(struct output_session *output)
{
    const struct files_look look = {
        .cli = output->cli,
        .store = output->store,
        .cow = output->cow,
        .origin = output->origin,
        .result = &output->check,
        .evidence = &output->evidence,
        .memory_bytes = output->arguments.memory_bytes,
    };
    struct files_places places = {.count = 0};
    uint64_t offset_bytes, length_bytes;
    uint32_t count = 0;

    for (size_t i = 0; i < output->damaged.count; count++) {
        i = range_at(output, i, &offset_bytes, &length_bytes);
        files_places_add(&places, offset_bytes, length_bytes, count);
    }
    if (count > 0 && files_possible(output->origin))
        (void)files_find(&output->damaged.files, &look, &places, count, NULL);
    files_places_free(&places);
}

void output_damaged_say(const struct output_session *output)
{
    static const char *const reasons[SNAP_VIEW_DAMAGES] = {
        [SNAP_VIEW_NO_DATA_CHUNK] = "the entry names no data chunk of this store",
        [SNAP_VIEW_TWO_ENTRIES] = "several entries name different data chunks",
        [SNAP_VIEW_SHARED] = "the data chunk is named for another place as well",
        [SNAP_VIEW_UNREADABLE] = "the data chunk cannot be read",
    };
    const struct output_damaged *damaged = &output->damaged;
    uint64_t offset_bytes, length_bytes;
    uint32_t number = 0;
    char *touched;

    if (output->check.entries_old_range > 0)
        cli_warn(output->cli, "%s: %s no chunk of the origin and %s left out; the chunks of the snapshot that %s for "
                 "are not known, and hold what the origin has", output->target.path,
                 cli_count_text(output->check.entries_old_range, "entry names", "entries name").text,
                 output->check.entries_old_range == 1 ? "is" : "are",
                 output->check.entries_old_range == 1 ? "it stood" : "they stood");
    for (size_t i = 0, end; i < damaged->count; i = end) {
        end = range_at(output, i, &offset_bytes, &length_bytes);
        touched = files_text(&damaged->files, number++);
        cli_warn(output->cli, "%s: bytes %" PRIu64 " to %" PRIu64 "%s%s hold %s, since what the snapshot shows there "
                 "is not known: %s", output->target.path, offset_bytes, offset_bytes + length_bytes - 1,
                 touched ? touched : "", touched ? "," : "",
                 damaged->skip.as_origin ? "what the origin has" : "zeros", reasons[damaged->chunks[i].damage]);
        free(touched);
    }
}

void output_damaged_set_json(struct cli_json *object, const struct output_session *output)
{
    static const char *const words[SNAP_VIEW_DAMAGES] = {
        [SNAP_VIEW_NO_DATA_CHUNK] = "no-data-chunk",
        [SNAP_VIEW_TWO_ENTRIES] = "two-entries",
        [SNAP_VIEW_SHARED] = "shared-data-chunk",
        [SNAP_VIEW_UNREADABLE] = "unreadable",
    };
    const struct output_damaged *damaged = &output->damaged;
    uint64_t offset_bytes, length_bytes;
    uint32_t number = 0;
    struct cli_json *list;

    if (output->arguments.skip == OUTPUT_SKIP_NOTHING) {
        cli_json_set_null(object, "skipped");
        cli_json_set_null(object, "skipped_entries");
        return;
    }
    list = cli_json_array();
    for (size_t i = 0, end; i < damaged->count; i = end) {
        struct cli_json *range = cli_json_object();

        end = range_at(output, i, &offset_bytes, &length_bytes);
        cli_json_set_uint(range, "origin_offset_bytes", offset_bytes);
        cli_json_set_uint(range, "length_bytes", length_bytes);
        cli_json_set_string(range, "reason", words[damaged->chunks[i].damage]);
        files_set_json(range, &damaged->files, number++);
        cli_json_add(list, range);
    }
    cli_json_set(object, "skipped", list);
    cli_json_set_uint(object, "skipped_entries", output->check.entries_old_range);
}

void output_damaged_free(struct output_session *output)
{
    free(output->damaged.shared);
    free(output->damaged.chunks);
    files_free(&output->damaged.files);
    output->damaged = (struct output_damaged){.count = 0};
}
