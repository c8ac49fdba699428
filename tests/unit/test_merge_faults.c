/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A merge that fails or is stopped at each of its operations: the view stands, and a second run completes it. */
#include "lib/base/bytes.h"
#include "lib/merge/merge.h"
#include "tests/support/io_fault.h"
#include "tests/unit/format_fixture.h"
#include "tests/unit/merge_fixture.h"
#include "tests/unit/unit.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Both devices in memory, able to fail. */
struct rig {
    const struct fixture *fixture;
    struct snap_io *cow_mem, *origin_mem;
    struct snap_io *cow, *origin; /* the failing ones, over them */
    struct snap_store store;
    struct snap_merge_job job;
    struct snap_merge_result result;
    struct snap_error err;
};

/* A failed flush loses what was not durable; nothing may be written by anybody after it. */
static struct rig *current;
static uint64_t writes_at_failed_flush;
static bool flush_failed;

static uint64_t writes(const struct rig *rig)
{
    return io_fault_count(rig->cow, IO_FAULT_WRITE) + io_fault_count(rig->origin, IO_FAULT_WRITE);
}

static void lose_unflushed(struct snap_io *lower)
{
    io_mem_drop_unflushed(lower);
    flush_failed = true;
    writes_at_failed_flush = writes(current);
}

static struct rig *rig_new(const struct fixture *fixture)
{
    struct rig *rig = fixture_alloc(1, sizeof *rig);

    rig->fixture = fixture;
    rig->cow_mem = fixture_mem("disk7", fixture->cow, fixture->cow_bytes, 512);
    rig->origin_mem = fixture_mem("disk8", fixture->origin, fixture->origin_bytes, 512);
    rig->cow = io_fault_new(rig->cow_mem, lose_unflushed);
    rig->origin = io_fault_new(rig->origin_mem, lose_unflushed);
    rig->job = merge_job(fixture);
    must(snap_header_open(&rig->store, rig->cow, NULL));
    flush_failed = false;
    current = rig;
    return rig;
}

static void rig_free(struct rig *rig)
{
    must(snap_io_close(rig->cow, NULL));
    must(snap_io_close(rig->origin, NULL));
    free(rig);
}

static enum snap_status run(struct rig *rig, const struct snap_merge_options *options)
{
    return merge_once(&rig->store, rig->origin, &rig->job, options, &rig->result, &rig->err);
}

static uint64_t expect_state(const struct rig *rig, const char *where)
{
    const char *fault = merge_state_fault(rig->fixture, io_mem_bytes(rig->cow_mem), io_mem_bytes(rig->origin_mem));

    if (fault)
        fail_msg("%s: %s", where, fault);
    return merge_list_length(rig->fixture, io_mem_bytes(rig->cow_mem));
}

/* What the next run does: look at the list as it is, and merge it with other windows. */
static void expect_rerun(struct rig *rig, uint64_t length, const char *where)
{
    const uint64_t per_area = 32 * rig->fixture->chunk_sectors;
    struct fixture rest = *rig->fixture;

    rest.count = length;
    rig->job = merge_job(&rest);
    rig->job.leftover_areas_end = (rig->fixture->count + per_area - 1) / per_area;
    io_fault_clear(rig->cow);
    io_fault_clear(rig->origin);
    if (run(rig, &(struct snap_merge_options){.window_entries_max = 50, .read_ahead = true}) != SNAP_OK)
        fail_msg("%s: the second run: %s", where, rig->err.text);
    assert_int_equal(expect_state(rig, where), 0);
    assert_memory_equal(io_mem_bytes(rig->origin_mem), rig->fixture->view, rig->fixture->origin_bytes);
    assert_int_equal(rig->result.entries_merged, length);
}

static struct fixture list(void)
{
    return fixture_random_store(4, 2, 150, 901, true); /* three areas of two units; the last origin chunk is partial */
}

static const uint64_t windows[] = {0, 20, 45, 64};

/* One fault on one device, at each operation of its kind in turn, until it is met no more. */
/* What a merge can leave out: data that cannot be read from the COW, or written to the origin. */
static bool is_about_data(const struct rig *rig, const struct io_fault *fault, bool on_origin)
{
    const struct snap_layout *layout = &rig->store.layout;
    const char *place = strstr(rig->err.text, " at byte ");

    if (fault->kind == IO_FAULT_READ && !on_origin) {
        assert_non_null(place);
        return !snap_layout_is_area_chunk(layout, strtoull(place + strlen(" at byte "), NULL, 10) /
                                                      layout->chunk_bytes);
    }
    return fault->kind == IO_FAULT_WRITE && on_origin;
}

static void check_fault(const struct fixture *fixture, bool on_origin, struct io_fault fault, bool read_ahead)
{
    for (size_t w = 0; w < sizeof windows / sizeof windows[0]; w++) {
        const struct snap_merge_options options = {.window_entries_max = windows[w], .read_ahead = read_ahead};

        for (fault.at = 0;; fault.at++) {
            struct rig *rig = rig_new(fixture);
            struct snap_io *bad = on_origin ? rig->origin : rig->cow;
            uint64_t earlier = io_fault_count(bad, fault.kind); /* the header */
            struct io_fault shifted = fault;
            enum snap_status status;
            uint64_t length;
            bool met, hygiene;
            char where[120];

            snprintf(where, sizeof where, "%s kind %d at %llu, window %llu, from then on %d, partial %d",
                     on_origin ? "origin" : "cow", (int)fault.kind, (unsigned long long)fault.at,
                     (unsigned long long)windows[w], fault.from_then_on, fault.partial);
            shifted.at += earlier;
            io_fault_add(bad, &shifted);
            status = run(rig, &options);
            met = io_fault_hits(bad) > 0;
            length = expect_state(rig, where);
            /* A write that only clears a hidden area may fail: all is merged nevertheless. */
            hygiene = met && status == SNAP_OK && fault.kind == IO_FAULT_WRITE && !on_origin && length == 0 &&
                      rig->result.entries_left == 0;
            if (!hygiene && status != (met ? SNAP_E_IO : SNAP_OK))
                fail_msg("%s: status %d, met %d", where, status, met);
            assert_int_equal(rig->result.entries_merged + rig->result.entries_left, fixture->count);
            if (met && !hygiene) {
                assert_int_equal(rig->err.status, SNAP_E_IO);
                assert_non_null(strstr(rig->err.text, on_origin ? "disk8" : "disk7"));
                /* A cut that failed may have arrived, in whole or, if it takes several units, in part. */
                if (length != rig->result.entries_left &&
                    !(fault.kind != IO_FAULT_READ && !on_origin && length < rig->result.entries_left))
                    fail_msg("%s: %llu entries left, %llu on disk", where,
                             (unsigned long long)rig->result.entries_left, (unsigned long long)length);
            }
            if (rig->result.stopped_by_bad_sectors != (met && !hygiene && is_about_data(rig, &fault, on_origin)))
                fail_msg("%s: bad sectors %d: %s", where, rig->result.stopped_by_bad_sectors, rig->err.text);
            if (flush_failed)
                assert_int_equal(writes(rig), writes_at_failed_flush);
            assert_true(flush_failed == (met && fault.kind == IO_FAULT_FLUSH));
            if (met)
                expect_rerun(rig, length, where);
            rig_free(rig);
            if (!met)
                break;
        }
        assert_true(fault.at > 0);
    }
}

static void check_faults(enum io_fault_kind kind, bool on_origin)
{
    struct fixture fixture = list();

    for (int from_then_on = 0; from_then_on < 2; from_then_on++) {
        for (int read_ahead = 0; read_ahead < 2; read_ahead++)
            check_fault(&fixture, on_origin, (struct io_fault){.kind = kind, .from_then_on = from_then_on}, read_ahead);
    }
    fixture_free(&fixture);
}

static void test_cow_reads_fail(void **state)
{
    (void)state;
    check_faults(IO_FAULT_READ, false);
}

static void test_cow_writes_fail(void **state)
{
    (void)state;
    check_faults(IO_FAULT_WRITE, false);
}

static void test_cow_flushes_fail(void **state)
{
    (void)state;
    check_faults(IO_FAULT_FLUSH, false);
}

static void test_origin_writes_fail(void **state)
{
    (void)state;
    check_faults(IO_FAULT_WRITE, true);
}

static void test_origin_flushes_fail(void **state)
{
    (void)state;
    check_faults(IO_FAULT_FLUSH, true);
}

/* The first sectors arrive, then the write fails. */
static void test_short_writes(void **state)
{
    struct fixture fixture = list();

    (void)state;
    for (uint64_t sectors = 0; sectors < 3; sectors++) {
        const struct io_fault fault = {.kind = IO_FAULT_WRITE, .partial = true, .partial_sectors = sectors};

        check_fault(&fixture, true, fault, true);
        check_fault(&fixture, false, fault, true);
    }
    fixture_free(&fixture);
}

/* The origin is never read. */
static void test_origin_is_not_read(void **state)
{
    struct fixture fixture = list();
    struct rig *rig = rig_new(&fixture);

    (void)state;
    io_fault_add(rig->origin, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true});
    must(run(rig, &(struct snap_merge_options){.window_entries_max = 20, .read_ahead = true}));
    assert_int_equal(io_fault_count(rig->origin, IO_FAULT_READ), 0);
    rig_free(rig);
    fixture_free(&fixture);
}

struct stopper {
    atomic_ullong polls;
    unsigned long long stop_at;
};

static bool stop_asked(void *context)
{
    struct stopper *stopper = context;

    return atomic_fetch_add(&stopper->polls, 1) >= stopper->stop_at;
}

/* Stopped at each look at the flag: what is committed stays, what is open is not committed, and the rest can go on. */
static void test_stop(void **state)
{
    struct fixture fixture = list();

    (void)state;
    for (int read_ahead = 0; read_ahead < 2; read_ahead++) {
        for (size_t w = 0; w < sizeof windows / sizeof windows[0]; w++) {
            unsigned long long at = 0;

            for (;; at++) {
                struct stopper stopper = {.stop_at = at};
                struct rig *rig = rig_new(&fixture);
                enum snap_status status = run(rig, &(struct snap_merge_options){.window_entries_max = windows[w],
                                                                                .read_ahead = read_ahead,
                                                                                .stop = stop_asked,
                                                                                .stop_context = &stopper});
                uint64_t length = expect_state(rig, "stop");

                assert_int_equal(rig->result.entries_left, length);
                assert_int_equal(rig->result.entries_merged, fixture.count - length);
                if (at == 0)
                    assert_int_equal(length, fixture.count);
                if (status != SNAP_OK) {
                    assert_int_equal(status, SNAP_E_STOPPED);
                    assert_int_equal(rig->err.status, SNAP_E_STOPPED);
                    expect_rerun(rig, length, "stop");
                }
                rig_free(rig);
                if (status == SNAP_OK)
                    break;
            }
            assert_true(at > 1);
        }
    }
    fixture_free(&fixture);
}

/* The list of the second window is not what was checked: the first is merged, the second refused. */
static void test_list_that_changed(void **state)
{
    (void)state;
    for (int read_ahead = 0; read_ahead < 2; read_ahead++) {
        struct fixture fixture = list();
        struct rig *rig = rig_new(&fixture);
        uint8_t *entry = io_mem_bytes(rig->cow_mem) + format_entry_offset(2, 70);

        snap_put_le64(entry, 451); /* the origin has chunks 0..450 */
        assert_int_equal(run(rig, &(struct snap_merge_options){.window_entries_max = 50, .read_ahead = read_ahead}),
                         SNAP_E_CORRUPT);
        assert_non_null(strstr(rig->err.text, "disk7: entry 70 (origin chunk 451"));
        assert_true(rig->result.entries_left > 70 && rig->result.entries_left < 150);
        assert_int_equal(rig->result.windows, 1);
        snap_put_le64(entry, fixture.entries[70].old_chunk);
        assert_int_equal(expect_state(rig, "changed"), rig->result.entries_left);
        expect_rerun(rig, rig->result.entries_left, "changed");
        rig_free(rig);
        fixture_free(&fixture);
    }
}

/* A chunk that cannot be read, in the first slice and in a later one, with the first chunk merged before it. */
static void test_slices_that_fail(void **state)
{
    struct fixture fixture = fixture_random_store(5, 16384, 2, 3 * 16384, false);

    (void)state;
    for (uint64_t slice = 0; slice < 2; slice++) {
        struct rig *rig = rig_new(&fixture);
        const struct snap_merge_options options = {.memory_bytes = 16 << 20, .read_ahead = slice};
        uint64_t at = fixture.entries[0].new_chunk * fixture.chunk_bytes + (slice << 22) + 4096;

        io_fault_add(rig->cow, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true, .offset_bytes = at,
                                                  .length_bytes = 512});
        assert_int_equal(run(rig, &options), SNAP_E_IO);
        assert_int_equal(expect_state(rig, "slice"), 1);
        assert_int_equal(rig->result.entries_left, 1);
        assert_int_equal(rig->result.windows, 1);
        expect_rerun(rig, 1, "slice");
        rig_free(rig);
    }
    fixture_free(&fixture);
}

/* A device that notices when two threads use it at once. A read lingers a little, to be met by others. */
struct watched {
    struct snap_io io;
    struct snap_io *lower;
    atomic_int users;
    atomic_bool met;
};

static enum snap_status watched_transfer(struct snap_io *io, struct snap_io_request *requests, size_t count,
                                         struct snap_error *err)
{
    struct watched *watched = (struct watched *)io;
    enum snap_status status;

    if (atomic_fetch_add(&watched->users, 1) > 0)
        atomic_store(&watched->met, true);
    if (requests[0].kind == SNAP_IO_READ)
        (void)nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    status = snap_io_transfer(watched->lower, requests, count, err);
    atomic_fetch_sub(&watched->users, 1);
    return status;
}

static enum snap_status watched_flush(struct snap_io *io, struct snap_error *err)
{
    struct watched *watched = (struct watched *)io;

    if (atomic_load(&watched->users) > 0)
        atomic_store(&watched->met, true);
    return snap_io_flush(watched->lower, err);
}

/* The COW belongs to the reading thread, or to the cut, never to both; also where the merge fails or is stopped. */
static void test_one_thread_at_a_time(void **state)
{
    static const struct snap_io_ops ops = {.transfer = watched_transfer, .flush = watched_flush};
    struct fixture fixture = list();

    (void)state;
    for (int fail = 0; fail < 3; fail++) {
        struct rig *rig = rig_new(&fixture);
        struct watched watched = {.io = *rig->cow, .lower = rig->cow};
        struct stopper stopper = {.stop_at = fail == 1 ? 5 : UINT64_MAX};

        watched.io.ops = &ops;
        rig->store.io = &watched.io;
        if (fail == 2)
            io_fault_add(rig->origin, &(struct io_fault){.kind = IO_FAULT_WRITE, .at = 20});
        assert_int_equal(run(rig, &(struct snap_merge_options){.window_entries_max = 20, .read_ahead = true,
                                                               .stop = stop_asked, .stop_context = &stopper}),
                         fail == 0 ? SNAP_OK : fail == 1 ? SNAP_E_STOPPED : SNAP_E_IO);
        assert_int_equal(atomic_load(&watched.users), 0); /* nobody is left behind */
        assert_false(atomic_load(&watched.met));
        rig_free(rig);
    }
    fixture_free(&fixture);
}

/* A plan needs the list, and says so where a part of it cannot be read. */
static void test_dry_run(void **state)
{
    const struct snap_merge_options options = {.window_entries_max = 20};
    struct fixture fixture = list();
    uint64_t failed = 0;

    (void)state;
    for (uint64_t at = 0;; at++) {
        struct rig *rig = rig_new(&fixture);
        const uint64_t reads = io_fault_count(rig->cow, IO_FAULT_READ);
        enum snap_status status;
        bool met;

        io_fault_add(rig->cow, &(struct io_fault){.kind = IO_FAULT_READ, .at = reads + at});
        status = snap_merge_dry_run(&rig->store, rig->origin, &rig->job, &options, &rig->result, &rig->err);
        met = io_fault_hits(rig->cow) > 0;
        assert_int_equal(status, met ? SNAP_E_IO : SNAP_OK);
        assert_int_equal(writes(rig), 0);
        rig_free(rig);
        if (!met)
            break;
        failed++;
    }
    assert_true(failed > 0);
    fixture_free(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cow_reads_fail),
        cmocka_unit_test(test_cow_writes_fail),
        cmocka_unit_test(test_cow_flushes_fail),
        cmocka_unit_test(test_origin_writes_fail),
        cmocka_unit_test(test_origin_flushes_fail),
        cmocka_unit_test(test_short_writes),
        cmocka_unit_test(test_dry_run),
        cmocka_unit_test(test_origin_is_not_read),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_list_that_changed),
        cmocka_unit_test(test_slices_that_fail),
        cmocka_unit_test(test_one_thread_at_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
