/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each field of a store with each kind of value, one at a time: a check finds what the model of tests/fuzz finds. */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/model.h"
#include "tests/support/io_mem.h"
#include "tests/unit/check_fixture.h"

#include <inttypes.h>

const struct fuzz_harness fuzz_harness = {.name = "test_check_values"}; /* for what the model says */

/* A sound store. Its list goes on in area 1, and ends there with one slot at least behind its end. */
struct base {
    uint64_t chunk_sectors, entries, cow_chunks, origin_sectors;
    unsigned bit_step; /* so far apart are the bits that are flipped; the model is slow where areas are large */
    struct snap_io *io;
    unsigned cases, damaged, sound;
};

static void put(uint8_t *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static uint64_t get(const uint8_t *at, unsigned bytes)
{
    uint64_t value = 0;

    while (bytes-- > 0)
        value = value << 8 | at[bytes];
    return value;
}

static uint64_t slot_bytes(const struct base *base, uint64_t index)
{
    const uint64_t per_area = base->chunk_sectors * 32;

    return (1 + index / per_area * (per_area + 1)) * base->chunk_sectors * 512 + index % per_area * 16;
}

static void make(struct base *base)
{
    const uint64_t per_area = base->chunk_sectors * 32;
    uint8_t *bytes;

    base->io = io_mem_new("cow", base->cow_chunks * base->chunk_sectors * 512, 512, false);
    bytes = io_mem_bytes(base->io);
    put(bytes, 0x70416e53, 4);
    put(bytes + 4, 1, 4);
    put(bytes + 8, 1, 4);
    put(bytes + 12, base->chunk_sectors, 4);
    for (uint64_t i = 0; i < base->entries; i++) {
        put(bytes + slot_bytes(base, i), 1 + 3 * i, 8);
        put(bytes + slot_bytes(base, i) + 8, 2 + i + i / per_area, 8);
    }
}

static const char *rule_of_header(enum model_header header)
{
    static const char *const id[] = {
        [MODEL_TOO_SMALL] = "device-size", [MODEL_EMPTY] = "header-empty", [MODEL_MAGIC] = "header-magic",
        [MODEL_VERSION] = "header-version", [MODEL_INVALID] = "store-invalid", [MODEL_CHUNK_SIZE] = "chunk-size",
        [MODEL_NO_AREA] = "device-size"};

    return header == MODEL_GOOD ? "" : id[header];
}

/* How often the model finds a rule. What it does not know is not in these stores. */
static uint64_t expected(const struct model *model, const struct model_judgement *judgement, const char *id)
{
    if (strcmp(id, rule_of_header(model->header)) == 0)
        return 1;
    for (unsigned rule = MODEL_DEFECT + 1; model_has_list(model) && rule < MODEL_RULES; rule++)
        if (strcmp(id, model_rule_id[rule]) == 0)
            return judgement->count[rule];
    return 0;
}

static enum snap_status stands_where_it_is(void *context, const struct snap_finding *finding, struct snap_error *err)
{
    const struct model *model = context;

    (void)err;
    if (finding->has_entry && finding->index < model->entries) {
        assert_int_equal(finding->old_chunk, model->entry[finding->index].old_chunk);
        assert_int_equal(finding->new_chunk, model->entry[finding->index].new_chunk);
        assert_int_equal(finding->area, finding->index / model->per_area);
        assert_int_equal(finding->slot, finding->index % model->per_area);
    }
    return SNAP_OK;
}

/* The field at `offset_bytes` has the value; then it is as it was. */
static void judge(struct base *base, uint64_t offset_bytes, unsigned bytes, uint64_t value)
{
    const struct snap_check_options options = {.memory_bytes = 0, .origin_sectors = base->origin_sectors};
    uint8_t *field = io_mem_bytes(base->io) + offset_bytes;
    const uint64_t before = get(field, bytes);
    struct model_judgement judgement;
    struct snap_check_result result;
    struct snap_findings findings = {.fn = stands_where_it_is};
    struct snap_store store;
    struct model model;
    bool damaged;

    put(field, value, bytes);
    model_read(&model, io_mem_bytes(base->io), base->io->size_bytes);
    model_judge(&model, options.origin_sectors, &judgement);
    findings.context = &model;
    must(snap_header_read(&store, base->io, NULL));
    must(snap_check(&store, &options, &findings, &result, NULL));
    for (unsigned rule = 0; rule < SNAP_RULES; rule++) {
        const char *id = snap_rules_info((enum snap_rule)rule)->id;
        const uint64_t count = expected(&model, &judgement, id);

        if (findings.rule_counts[rule] != count)
            fail_msg("chunks of %" PRIu64 " sectors, 0x%" PRIx64 " at byte %" PRIu64 ": %" PRIu64
                     " findings of %s, expected %" PRIu64,
                     base->chunk_sectors, value, offset_bytes, findings.rule_counts[rule], id, count);
    }
    damaged = findings.severity_counts[SNAP_CORRUPTING] + findings.severity_counts[SNAP_FATAL] > 0;
    assert_int_equal(damaged, judgement.damaged);
    if (model_has_list(&model)) {
        assert_int_equal(result.entries, model.entries);
        assert_int_equal(result.entries_beyond, judgement.beyond);
        assert_int_equal(result.capacity_entries, judgement.capacity);
    }
    if (!damaged)
        assert_int_equal(result.free_chunks, judgement.room);
    model_free(&model);
    put(field, before, bytes);
    base->cases++;
    base->damaged += damaged;
    base->sound += !damaged;
}

static void each_value(struct base *base, uint64_t offset_bytes, unsigned bytes)
{
    const uint64_t is = get(io_mem_bytes(base->io) + offset_bytes, bytes);
    const uint64_t max = bytes == 8 ? UINT64_MAX : UINT32_MAX;
    const uint64_t values[] = {0, 1, max, max / 2 + 1, (is + 1) & max, (is - 1) & max};

    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (values[i] != is)
            judge(base, offset_bytes, bytes, values[i]);
    for (unsigned bit = 0; bit < bytes * 8; bit += base->bit_step)
        judge(base, offset_bytes, bytes, is ^ UINT64_C(1) << bit);
    judge(base, offset_bytes, bytes, is ^ UINT64_C(1) << (bytes * 8 - 1));
}

static void each_field(struct base *base)
{
    const uint64_t per_area = base->chunk_sectors * 32;
    /* First, middle, last; the first of the next area, the last of the list, its end, and one behind that. */
    const uint64_t slots[] = {0, per_area / 2, per_area - 1, per_area, base->entries - 1, base->entries,
                              base->entries + 1};

    make(base);
    for (uint64_t at = 0; at < 16; at += 4)
        each_value(base, at, 4);
    for (size_t i = 0; i < sizeof slots / sizeof *slots; i++) {
        each_value(base, slot_bytes(base, slots[i]), 8);
        each_value(base, slot_bytes(base, slots[i]) + 8, 8);
    }
    must_close(base->io);
    /* Both kinds are there, or it would be a check that always says the same. */
    assert_true(base->damaged >= 50 && base->sound >= 50);
}

static void test_chunks_of_one_sector(void **state)
{
    struct base base = {1, 50, 120, 512, 1, NULL, 0, 0, 0};

    (void)state;
    each_field(&base);
    assert_true(base.cases >= 1000);
}

static void test_chunks_of_8_sectors(void **state)
{
    struct base base = {8, 300, 600, 8192, 1, NULL, 0, 0, 0};

    (void)state;
    each_field(&base);
    assert_true(base.cases >= 1000);
}

static void test_chunks_of_128_sectors(void **state)
{
    struct base base = {128, 4100, 4120, 12400 * 128, 9, NULL, 0, 0, 0};

    (void)state;
    each_field(&base);
    assert_true(base.cases >= 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunks_of_one_sector),
        cmocka_unit_test(test_chunks_of_8_sectors),
        cmocka_unit_test(test_chunks_of_128_sectors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
