/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A merge that keeps other stores' views: the order over all devices, and that nothing comes before what it needs. */
#include "lib/base/bytes.h"
#include "lib/merge/merge.h"
#include "tests/support/io_fault.h"
#include "tests/support/merge_once.h"
#include "tests/unit/format_fixture.h"
#include "tests/unit/sibling_fixture.h"
#include "tests/unit/unit.h"

#define SIBLINGS 2u

/* Everything on one recorder: the origin, the store that is merged, and two that shall not notice. */
struct rig {
    struct recorder *recorder;
    struct fixture fixture;
    struct fixture others[SIBLINGS];
    struct snap_io *origin, *cow, *cows[SIBLINGS];
    struct snap_store store, stores[SIBLINGS];
    struct snap_sibling *siblings[SIBLINGS];
    struct snap_merge_job job;
    struct snap_merge_options options;
    struct snap_merge_result result;
};

/* `other` has no entry and room for `spare`. */
static struct fixture empty_other(const struct fixture *fixture, uint64_t chunk_sectors, uint64_t spare)
{
    struct fixture other = fixture_new(chunk_sectors, 0, spare, fixture->origin_bytes / 512);

    fixture_seal(&other);
    memcpy(other.origin, fixture->origin, fixture->origin_bytes);
    memcpy(other.view, fixture->origin, fixture->origin_bytes);
    return other;
}

static struct rig *rig_new(struct fixture fixture, uint64_t first_sectors, uint64_t second_sectors)
{
    static const char *const names[SIBLINGS] = {"cow1", "cow2"};
    const uint64_t sectors[SIBLINGS] = {first_sectors, second_sectors};
    struct rig *rig = fixture_alloc(1, sizeof *rig);

    rig->recorder = recorder_new();
    rig->fixture = fixture;
    rig->origin = io_fault_new(io_record_new(rig->recorder, "origin", fixture.origin, fixture.origin_bytes, 512, true),
                               NULL);
    rig->cow = io_record_new(rig->recorder, "cow", fixture.cow, fixture.cow_bytes, 512, true);
    must(snap_header_open(&rig->store, rig->cow, NULL));
    rig->job.entries = fixture.count;
    rig->job.total_bytes = fixture.count * fixture.chunk_bytes;
    for (unsigned i = 0; i < SIBLINGS; i++) {
        const struct snap_sibling_options options = {.origin_bytes = fixture.origin_bytes};
        struct snap_sibling_need need;

        rig->others[i] = empty_other(&fixture, sectors[i], fixture.count * (1 + fixture.chunk_sectors / sectors[i]));
        rig->cows[i] = io_fault_new(io_record_new(rig->recorder, names[i], rig->others[i].cow, rig->others[i].cow_bytes,
                                                  512, true), NULL);
        must(snap_header_open(&rig->stores[i], rig->cows[i], NULL));
        must(snap_sibling_open(&rig->siblings[i], &rig->stores[i], &options, NULL));
        must(snap_sibling_plan(rig->siblings[i], &rig->store, fixture.count, &need, NULL));
        assert_true(need.needed_chunks <= need.free_chunks);
    }
    rig->options = (struct snap_merge_options){.siblings = rig->siblings, .sibling_count = SIBLINGS};
    recorder_log_clear(rig->recorder);
    return rig;
}

static void rig_free(struct rig *rig)
{
    for (unsigned i = 0; i < SIBLINGS; i++) {
        snap_sibling_close(rig->siblings[i]);
        must(snap_io_close(rig->cows[i], NULL));
        fixture_free(&rig->others[i]);
    }
    must(snap_io_close(rig->origin, NULL));
    must(snap_io_close(rig->cow, NULL));
    recorder_free(rig->recorder);
    fixture_free(&rig->fixture);
    free(rig);
}

/* What a store shows over these bytes of the origin; free it. */
static uint8_t *view_of(const struct rig *rig, const char *name, const struct fixture *store)
{
    const uint64_t chunk_bytes = store->chunk_bytes, origin_bytes = rig->fixture.origin_bytes;
    uint8_t *cow = fixture_recorded(rig->recorder, name), *view = fixture_recorded(rig->recorder, "origin");

    for (uint64_t e = 0;; e++) {
        const uint8_t *bytes = cow + format_entry_offset(store->chunk_sectors, e);
        const uint64_t at = snap_get_le64(bytes) * chunk_bytes, data = snap_get_le64(bytes + 8);

        if (data == 0)
            break;
        memcpy(view + at, cow + data * chunk_bytes, at + chunk_bytes <= origin_bytes ? chunk_bytes : origin_bytes - at);
    }
    free(cow);
    return view;
}

/* The views of both, as the bytes are now, against what they were. */
static void expect_views_kept(const struct rig *rig)
{
    static const char *const names[SIBLINGS] = {"cow1", "cow2"};

    for (unsigned i = 0; i < SIBLINGS; i++) {
        uint8_t *view = view_of(rig, names[i], &rig->others[i]);

        assert_memory_equal(view, rig->fixture.origin, rig->fixture.origin_bytes);
        free(view);
    }
}

static struct fixture three_chunks(void)
{
    static const uint64_t olds[] = {6, 1, 4};
    struct fixture fixture = fixture_new(1, 3, 0, 8);

    for (size_t i = 0; i < 3; i++)
        fixture.entries[i] = (struct snap_entry){olds[i], i + 2};
    fixture_seal(&fixture);
    return fixture;
}

/* Content to all, then entries to all, each durable; only then the origin (dmsnap-store(5), ORDERS OF WRITING). */
static void test_exact_order(void **state)
{
    struct rig *rig = rig_new(three_chunks(), 1, 2);
    char *text;

    (void)state;
    must(merge_once(&rig->store, rig->origin, &rig->job, &rig->options, &rig->result, NULL));
    text = recorder_log_text(rig->recorder, false);
    assert_string_equal(text, "cow1 flush\ncow2 flush\ncow flush\n" /* what an earlier run left in caches */
                              "cow1 write 1024 1536\n"    /* chunks 1, 4 and 6 as they were */
                              "cow2 write 2048 3072\n"    /* its chunks 0, 2 and 3 */
                              "cow1 flush\ncow1 write 512 512\ncow1 flush\n"
                              "cow2 flush\ncow2 write 1024 512\ncow2 flush\n"
                              "origin write 512 512\norigin write 2048 512\norigin write 3072 512\n"
                              "origin flush\n"
                              "cow write 512 512\ncow flush\n");
    expect_views_kept(rig);
    free(text);
    rig_free(rig);
}

/*
 * Whatever fails on a sibling, before, between or behind: the origin changes only where all of them have their entries.
 */
static void test_failures_of_a_sibling(void **state)
{
    static const enum io_fault_kind kinds[] = {IO_FAULT_WRITE, IO_FAULT_FLUSH, IO_FAULT_READ};
    struct snap_error err;

    (void)state;
    for (unsigned which = 0; which < SIBLINGS; which++) {
        for (unsigned k = 0; k < 3; k++) {
            bool failed = true;

            for (uint64_t at = 0; failed; at++) {
                struct rig *rig = rig_new(fixture_random_store(4, 2, 90, 400, false), 1, 4);
                const uint64_t start = io_fault_count(rig->cows[which], kinds[k]);

                rig->options.window_entries_max = 25;
                io_fault_add(rig->cows[which], &(struct io_fault){.kind = kinds[k], .at = start + at});
                failed = merge_once(&rig->store, rig->origin, &rig->job, &rig->options, &rig->result, &err) != SNAP_OK;
                assert_false(rig->result.stopped_by_bad_sectors);
                assert_int_equal(failed, io_fault_hits(rig->cows[which]) > 0);
                expect_views_kept(rig);
                if (kinds[k] == IO_FAULT_FLUSH && failed) /* a failed flush is final */
                    assert_int_equal(io_fault_count(rig->cows[which], IO_FAULT_FLUSH), start + at + 1);
                rig_free(rig);
            }
        }
    }
}

/* Smaller, equal, larger chunks; several loads; tables; what is skipped is not copied. */
static void test_views_stay(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        for (unsigned shape = 0; shape < 4; shape++) {
            struct rig *rig = rig_new(fixture_random_store(seed, 2, 150, 620, false), 1u << shape, 8u >> shape);
            uint8_t *origin;

            rig->options.window_entries_max = seed == 1 ? 0 : 40;
            rig->options.load_entries_max = 17;
            rig->options.table_entries_max = seed == 3 ? 40 : 0;
            rig->options.skip_identical = seed == 4;
            must(merge_once(&rig->store, rig->origin, &rig->job, &rig->options, &rig->result, NULL));
            expect_views_kept(rig);
            origin = fixture_recorded(rig->recorder, "origin");
            assert_memory_equal(origin, rig->fixture.view, rig->fixture.origin_bytes);
            free(origin);
            rig_free(rig);
        }
    }
}

#define BAD_SECTORS 4u

/* How many entries replace what a sibling of such chunks needs and cannot read. */
static uint64_t count_unkept(const struct rig *rig, const uint64_t bad_sectors[BAD_SECTORS])
{
    const uint64_t merged = rig->fixture.chunk_sectors;
    uint64_t count = 0;

    for (size_t e = 0; e < rig->fixture.count; e++) {
        bool unkept = false;

        for (unsigned i = 0; i < SIBLINGS; i++) {
            const uint64_t other = rig->others[i].chunk_sectors;

            for (unsigned b = 0; b < BAD_SECTORS; b++) {
                const uint64_t chunk = bad_sectors[b] / other;
                const uint64_t first = rig->fixture.entries[e].old_chunk * merged;

                unkept |= first < (chunk + 1) * other && first + merged > chunk * other;
            }
        }
        count += unkept;
    }
    return count;
}

static void count_told(void *context, const struct snap_merge_bad *bad)
{
    assert_int_equal(bad->reason, SNAP_MERGE_BAD_UNKEPT);
    ++*(uint64_t *)context;
}

/*
 * Sectors of the origin that cannot be read, and that another store needs: what would replace them stays in the list,
 * all views are kept, and when they can be read again the rest is merged.
 */
static void test_unkept(void **state)
{
    (void)state;
    for (unsigned shape = 0; shape < 8; shape++) {
        struct rig *rig = rig_new(fixture_random_store(shape + 1, 2, 150, 500, false), 1, shape % 2 ? 8 : 2);
        const uint64_t bad_sectors[BAD_SECTORS] = {3, 100 + shape, 101 + shape, rig->fixture.origin_bytes / 512 - 1};
        uint64_t told = 0, unkept = count_unkept(rig, bad_sectors);
        uint8_t *view;

        assert_in_range(unkept, 1, rig->fixture.count - 1);
        for (unsigned b = 0; b < BAD_SECTORS; b++)
            io_fault_add(rig->origin,
                         &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true, .length_bytes = 512,
                                                         .offset_bytes = bad_sectors[b] * 512});
        rig->options.window_entries_max = shape < 4 ? 0 : 32;
        rig->options.load_entries_max = shape < 4 ? 0 : 13;
        rig->options.continue_on_error = true;
        rig->options.skip_identical = shape % 4 >= 2;
        rig->options.verify = shape == 4;
        rig->options.bad = count_told;
        rig->options.bad_context = &told;
        must(merge_once(&rig->store, rig->origin, &rig->job, &rig->options, &rig->result, NULL));
        assert_int_equal(rig->result.bad_entries, unkept);
        assert_int_equal(told, unkept);
        expect_views_kept(rig);
        view = view_of(rig, "cow", &rig->fixture);
        assert_memory_equal(view, rig->fixture.view, rig->fixture.origin_bytes);
        free(view);

        io_fault_clear(rig->origin);
        rig->job.entries = rig->result.entries_left;
        must(merge_once(&rig->store, rig->origin, &rig->job, &rig->options, &rig->result, NULL));
        assert_int_equal(rig->result.entries_left, 0);
        expect_views_kept(rig);
        view = fixture_recorded(rig->recorder, "origin");
        assert_memory_equal(view, rig->fixture.view, rig->fixture.origin_bytes);
        free(view);
        rig_free(rig);
    }
}

/* Without being asked to leave anything out, the merge ends there, and says that it could go past it. */
static void test_unread_origin(void **state)
{
    struct rig *rig = rig_new(three_chunks(), 1, 2);
    struct snap_error err;

    (void)state;
    io_fault_add(rig->origin, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true});
    assert_int_equal(merge_once(&rig->store, rig->origin, &rig->job, &rig->options, &rig->result, &err), SNAP_E_IO);
    assert_true(rig->result.stopped_by_bad_sectors);
    expect_views_kept(rig);
    rig_free(rig);
}

/* What could fail for lack of memory has been taken before a caller writes its marks: no device is touched for that. */
static void test_preparation_touches_nothing(void **state)
{
    struct rig *rig = rig_new(three_chunks(), 1, 2);
    struct snap_merge_options later = rig->options;
    struct snap_merge *merge = NULL;
    char *text;

    (void)state;
    rig->options.siblings = NULL;
    rig->options.sibling_count = 0;
    must(snap_merge_prepare(&merge, &rig->store, rig->origin, &rig->job, &rig->options, NULL));
    text = recorder_log_text(rig->recorder, true);
    assert_string_equal(text, "");
    free(text);
    rig->options = later; /* who marks a sibling invalid leaves it out */
    must(snap_merge_run(merge, &rig->result, NULL));
    assert_int_equal(rig->result.entries_merged, 3);
    snap_merge_release(merge);
    snap_merge_release(NULL);
    expect_views_kept(rig);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_order),
        cmocka_unit_test(test_preparation_touches_nothing),
        cmocka_unit_test(test_failures_of_a_sibling),
        cmocka_unit_test(test_views_stay),
        cmocka_unit_test(test_unkept),
        cmocka_unit_test(test_unread_origin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
