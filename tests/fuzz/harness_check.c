/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Harness: a check finds what the model finds, each rule as often; sets that are short of memory find the same. */
#include "lib/check/check.h"
#include "lib/check/duplicates.h"
#include "tests/fuzz/image.h"
#include "tests/fuzz/model.h"
#include "tests/support/io_mem.h"

#include <inttypes.h>
#include <string.h>

const struct fuzz_harness fuzz_harness = {.name = "check", .takes_stores = true};

/* Each of the two sets takes 64 KiB at least. So little holds olds of 256 places far from each other, not more. */
#define SETS_BYTES_MIN (272u << 10)

static uint64_t found(const struct snap_findings *findings, const char *id)
{
    for (unsigned rule = 0; rule < SNAP_RULES; rule++)
        if (strcmp(snap_rules_info((enum snap_rule)rule)->id, id) == 0)
            return findings->rule_counts[rule];
    fuzz_broken(__FILE__, __LINE__, "no rule is named %s", id);
}

/* Each finding stands where the model has the entry. */
static enum snap_status look_at_finding(void *context, const struct snap_finding *finding, struct snap_error *err)
{
    const struct model *model = context;

    (void)err;
    FUZZ_PROMISE(finding->text[0] && memchr(finding->text, '\0', sizeof finding->text), "a finding without a text");
    if (finding->has_entry && finding->index < model->entries) {
        FUZZ_PROMISE(finding->index / model->per_area == finding->area &&
                         finding->index % model->per_area == finding->slot,
                     "the place of a finding");
        FUZZ_PROMISE(finding->old_chunk == model->entry[finding->index].old_chunk &&
                         finding->new_chunk == model->entry[finding->index].new_chunk, "the entry of a finding");
    }
    if (finding->has_entry)
        FUZZ_PROMISE(finding->offset_bytes ==
                         (1 + finding->area * (model->per_area + 1)) * model->chunk_bytes + finding->slot * 16,
                     "the offset of a finding");
    return SNAP_OK;
}

static void compare_findings(const struct snap_findings *findings, const struct model_judgement *judgement,
                             bool figures_only)
{
    /* The model knows nothing of records; what the record says against the header is tested elsewhere. */
    bool damaged = findings->severity_counts[SNAP_CORRUPTING] + findings->severity_counts[SNAP_FATAL] >
                   found(findings, "chunk-record");

    for (unsigned rule = MODEL_DEFECT + 1; rule < MODEL_RULES; rule++) {
        const uint64_t count = found(findings, model_rule_id[rule]);

        if (!figures_only || rule < MODEL_DUPLICATE_OLD)
            FUZZ_PROMISE(count == judgement->count[rule], "%s: %" PRIu64 " findings, expected %" PRIu64,
                         model_rule_id[rule], count, judgement->count[rule]);
    }
    FUZZ_PROMISE(figures_only || damaged == judgement->damaged, "damaged: %d, expected %d", damaged,
                 judgement->damaged);
}

static void compare_figures(const struct snap_check_result *result, const struct model *model,
                            const struct model_judgement *judgement, bool figures_only)
{
    FUZZ_PROMISE(result->list_complete == !model->past_end, "the list is complete: %d", result->list_complete);
    FUZZ_PROMISE(result->capacity_entries == judgement->capacity, "capacity");
    FUZZ_PROMISE(result->entries == model->entries, "%" PRIu64 " entries, expected %" PRIu64, result->entries,
                 model->entries);
    FUZZ_PROMISE(result->highest_new_chunk == judgement->highest_new, "highest data chunk");
    FUZZ_PROMISE(result->entries_beyond == judgement->beyond, "%" PRIu64 " entries are beyond, expected %" PRIu64,
                 result->entries_beyond, judgement->beyond);
    FUZZ_PROMISE(result->entries_old_range == judgement->count[MODEL_OLD_RANGE], "entries that no origin can have");
    if (model->past_end || figures_only || judgement->damaged)
        return;
    FUZZ_PROMISE(result->free_chunks == judgement->room, "room for %" PRIu64 ", expected %" PRIu64, result->free_chunks,
                 judgement->room);
    FUZZ_PROMISE(judgement->beyond > 0 || result->merge_bytes == judgement->merge_bytes,
                 "%" PRIu64 " bytes to merge, expected %" PRIu64,
                 result->merge_bytes, judgement->merge_bytes);
    FUZZ_PROMISE(result->continuation_entries == judgement->continuation,
                 "%" PRIu64 " entries continue the list, expected %" PRIu64, result->continuation_entries,
                 judgement->continuation);
}

static enum snap_status count_duplicate(void *context, enum snap_rule rule, const struct snap_duplicate *duplicate,
                                        struct snap_error *err)
{
    uint64_t *counts = context;

    (void)err;
    FUZZ_PROMISE(duplicate->first_index < duplicate->index, "a duplicate of a later entry");
    counts[rule]++;
    return SNAP_OK;
}

/* With so little memory that the list is walked several times. */
static void check_sets(const struct snap_store *store, const struct model *model, uint64_t origin_chunks,
                       uint64_t memory_bytes, const struct model_judgement *judgement)
{
    uint64_t counts[SNAP_RULES] = {0};
    struct snap_duplicates_result result;
    struct snap_list_walk *walk;
    struct snap_duplicates *sets;
    struct snap_span span;
    enum snap_status status;

    if (snap_duplicates_new(&sets, store, origin_chunks, memory_bytes, NULL) != SNAP_OK)
        return;
    status = snap_list_walk_open(&walk, store, NULL);
    FUZZ_PROMISE(status == SNAP_OK, "a walk does not begin: %d", status);
    while (snap_list_walk_next(walk, &span, NULL) == SNAP_OK && span.slots != 0)
        snap_duplicates_feed(sets, &span);
    snap_list_walk_close(walk);
    status = snap_duplicates_finish(sets, model->entries, NULL, NULL, count_duplicate, counts, &result, NULL);
    snap_duplicates_free(sets);
    if (status == SNAP_E_NOMEM)
        return; /* no answer is a right answer */
    FUZZ_PROMISE(status == SNAP_OK, "the sets end with %d", status);
    FUZZ_PROMISE(counts[SNAP_RULE_DUPLICATE_OLD] == judgement->count[MODEL_DUPLICATE_OLD] &&
                     counts[SNAP_RULE_DUPLICATE_NEW] == judgement->count[MODEL_DUPLICATE_NEW] &&
                     counts[SNAP_RULE_ENTRY_REPEATED] == judgement->count[MODEL_REPEATED] &&
                     counts[SNAP_RULE_ENTRY_REPEATED_OFTEN] == judgement->count[MODEL_REPEATED_OFTEN],
                 "with %" PRIu64 " bytes for sets in %" PRIu64 " passes: %" PRIu64 ", %" PRIu64 " and %" PRIu64
                 " duplicates of old, of new, and repeated entries; expected %" PRIu64 ", %" PRIu64 ", %" PRIu64,
                 memory_bytes, result.passes, counts[SNAP_RULE_DUPLICATE_OLD], counts[SNAP_RULE_DUPLICATE_NEW],
                 counts[SNAP_RULE_ENTRY_REPEATED], judgement->count[MODEL_DUPLICATE_OLD],
                 judgement->count[MODEL_DUPLICATE_NEW], judgement->count[MODEL_REPEATED]);
    FUZZ_PROMISE(result.continuation_entries == judgement->continuation,
                 "with %" PRIu64 " bytes for sets: %" PRIu64 " entries continue the list, expected %" PRIu64,
                 memory_bytes, result.continuation_entries, judgement->continuation);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct fuzz_input input = {bytes, length};
    struct snap_check_options options = {.memory_bytes = 0};
    struct model_judgement judgement;
    struct snap_check_result result;
    struct snap_findings findings = {.fn = look_at_finding};
    struct snap_store store;
    struct model model;
    struct image image;
    struct snap_io *cow;
    enum snap_status status;

    image_take(&image, &input);
    model_read(&model, image.cow, image.cow_bytes);
    cow = io_mem_new("cow", image.cow_bytes, 512, false);
    if (image.cow_bytes > 0)
        memcpy(io_mem_bytes(cow), image.cow, (size_t)image.cow_bytes);
    findings.context = &model;
    options.origin_sectors = fuzz_flag(&input) ? 0 : image.origin_bytes / 512;
    options.figures_only = fuzz_byte(&input) % 8 == 7;
    FUZZ_PROMISE(snap_header_read(&store, cow, NULL) == SNAP_OK, "the header of a device without errors is not read");
    if (store.identity_state == SNAP_IDENTITY_OK)
        model.recorded_sectors = store.identity.origin_sectors;
    model_judge(&model, options.origin_sectors, &judgement);
    status = snap_check(&store, &options, &findings, &result, NULL);
    FUZZ_PROMISE(status == SNAP_OK, "a check of a device without errors ends with %d", status);
    if (!model_has_list(&model)) {
        FUZZ_PROMISE(findings.severity_counts[SNAP_FATAL] == 1, "a bad header is no fatal finding");
    } else {
        compare_findings(&findings, &judgement, options.figures_only);
        compare_figures(&result, &model, &judgement, options.figures_only);
        if (!model.past_end)
            check_sets(&store, &model, judgement.old_limit, SETS_BYTES_MIN + fuzz_below(&input, 64) * 1024,
                       &judgement);
    }
    FUZZ_PROMISE(image.cow_bytes == 0 || memcmp(io_mem_bytes(cow), image.cow, (size_t)image.cow_bytes) == 0,
                 "checking has changed the store");
    (void)snap_io_close(cow, NULL);
    model_free(&model);
    image_free(&image);
    return 0;
}
