/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A merge that leaves the COW as it is: what is compared, written and told, and that the COW is never touched. */
#include "lib/merge/merge.h"
#include "tests/support/io_fault.h"
#include "tests/unit/merge_fixture.h"
#include "tests/unit/unit.h"

/* A COW that is open for reading only, an origin that can fail, and what the checkpoints said. */
struct rig {
    struct fixture fixture;
    struct snap_io *cow, *origin_mem, *origin;
    struct snap_store store;
    struct snap_merge_job job;
    struct snap_merge_options options;
    struct snap_merge_result result;
    struct snap_error err;
    uint64_t checkpoints, merged_from;
    uint64_t fail_at;              /* checkpoint */
};

static enum snap_status checkpoint(void *context, uint64_t merged_from, struct snap_error *err)
{
    struct rig *rig = context;

    assert_true(merged_from < rig->merged_from);
    /* Durable by now: each window has had its flush. */
    assert_int_equal(io_fault_count(rig->origin, IO_FAULT_FLUSH), rig->checkpoints + 1);
    if (rig->checkpoints++ == rig->fail_at)
        return snap_fail(err, SNAP_E_NOSPC, "side file: no room");
    rig->merged_from = merged_from;
    return SNAP_OK;
}

static struct rig *rig_new(uint64_t window_entries_max)
{
    struct rig *rig = fixture_alloc(1, sizeof *rig);

    rig->fixture = fixture_random_store(4, 2, 150, 901, true);
    rig->cow = fixture_mem("disk7", rig->fixture.cow, rig->fixture.cow_bytes, 512);
    rig->cow->writable = false;
    rig->origin_mem = fixture_mem("disk8", rig->fixture.origin, rig->fixture.origin_bytes, 512);
    rig->origin = io_fault_new(rig->origin_mem, io_mem_drop_unflushed);
    rig->job = merge_job(&rig->fixture);
    rig->options = (struct snap_merge_options){.window_entries_max = window_entries_max, .keep_cow = true,
                                               .checkpoint = checkpoint, .checkpoint_context = rig};
    rig->merged_from = 150;
    rig->fail_at = UINT64_MAX;
    must(snap_header_open(&rig->store, rig->cow, NULL));
    return rig;
}

static void rig_free(struct rig *rig)
{
    must(snap_io_close(rig->cow, NULL));
    must(snap_io_close(rig->origin, NULL));
    fixture_free(&rig->fixture);
    free(rig);
}

static enum snap_status run(struct rig *rig)
{
    enum snap_status status = merge_once(&rig->store, rig->origin, &rig->job, &rig->options, &rig->result, &rig->err);

    assert_memory_equal(io_mem_bytes(rig->cow), rig->fixture.cow, rig->fixture.cow_bytes);
    assert_null(merge_state_fault(&rig->fixture, io_mem_bytes(rig->cow), io_mem_bytes(rig->origin_mem)));
    assert_int_equal(rig->result.metadata_bytes + rig->result.cow_flushes, 0);
    assert_int_equal(rig->result.entries_merged + rig->result.entries_left, 150);
    if (status == SNAP_OK) {
        assert_memory_equal(io_mem_bytes(rig->origin_mem), rig->fixture.view, rig->fixture.origin_bytes);
        assert_int_equal(rig->result.entries_left, 0);
        assert_int_equal(rig->result.written_bytes + rig->result.equal_bytes, rig->job.total_bytes);
    }
    return status;
}

static void test_all_differ(void **state)
{
    (void)state;
    for (int read_ahead = 0; read_ahead < 2; read_ahead++) {
        for (uint64_t window = 0; window < 160; window += 13) {
            struct rig *rig = rig_new(window);

            rig->options.read_ahead = read_ahead;
            must(run(rig));
            assert_int_equal(rig->result.equal_bytes, 0);
            assert_int_equal(rig->checkpoints, rig->result.windows);
            assert_int_equal(rig->merged_from, 0);
            rig_free(rig);
        }
    }
}

static void test_all_equal(void **state)
{
    struct rig *rig = rig_new(40);

    (void)state;
    memcpy(io_mem_bytes(rig->origin_mem), rig->fixture.view, rig->fixture.origin_bytes);
    must(run(rig));
    assert_int_equal(io_fault_count(rig->origin, IO_FAULT_WRITE), 0);
    assert_int_equal(rig->result.write_requests, 0);
    assert_int_equal(rig->result.equal_bytes, rig->job.total_bytes);
    assert_int_equal(rig->result.origin_flushes, rig->result.windows); /* what is there may be in a cache only */
    assert_int_equal(rig->merged_from, 0);
    rig_free(rig);
}

static void test_one_differs(void **state)
{
    (void)state;
    for (size_t i = 0; i < 150; i++) {
        struct rig *rig = rig_new(40);
        uint64_t at = rig->fixture.entries[i].old_chunk * 1024;
        uint64_t length = at + 1024 <= rig->fixture.origin_bytes ? 1024 : 512;

        memcpy(io_mem_bytes(rig->origin_mem), rig->fixture.view, rig->fixture.origin_bytes);
        io_mem_bytes(rig->origin_mem)[at + length - 1] ^= 1;
        must(run(rig));
        assert_int_equal(io_fault_count(rig->origin, IO_FAULT_WRITE), 1);
        assert_int_equal(rig->result.written_bytes, length);
        rig_free(rig);
    }
}

/* Entries below the index are not compared: nothing is read for them. */
static void test_compare_from(void **state)
{
    static const uint64_t froms[] = {150, 200, 110, 100};

    (void)state;
    for (size_t f = 0; f < 4; f++) {
        struct rig *rig = rig_new(64);

        memcpy(io_mem_bytes(rig->origin_mem), rig->fixture.view, rig->fixture.origin_bytes);
        rig->options.compare_from = froms[f];
        must(run(rig));
        if (froms[f] >= 150) {
            assert_int_equal(io_fault_count(rig->origin, IO_FAULT_READ), 0);
            assert_int_equal(rig->result.written_bytes, rig->job.total_bytes);
        } else {
            assert_true(io_fault_count(rig->origin, IO_FAULT_READ) > 0);
            assert_true(rig->result.equal_bytes >= (150 - froms[f] - 1) * 1024); /* at least those; one is partial */
            assert_true(rig->result.equal_bytes <= 64 * 1024);
        }
        rig_free(rig);
    }
}

/* What cannot be compared is written: a write may mend the sector. */
static void test_origin_unreadable(void **state)
{
    struct rig *rig = rig_new(40);

    (void)state;
    memcpy(io_mem_bytes(rig->origin_mem), rig->fixture.view, rig->fixture.origin_bytes);
    io_fault_add(rig->origin, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true, .length_bytes = 512,
                                                 .offset_bytes = rig->fixture.entries[140].old_chunk * 1024});
    must(run(rig));
    assert_true(rig->result.written_bytes >= 512 && rig->result.written_bytes <= 40 * 1024);
    assert_int_equal(rig->err.status, SNAP_OK); /* a success leaves the error untouched (error.h) */
    assert_string_equal(rig->err.text, "");
    rig_free(rig);
}

static void test_checkpoint_fails(void **state)
{
    (void)state;
    for (uint64_t at = 0; at < 3; at++) {
        struct rig *rig = rig_new(40);

        rig->fail_at = at;
        assert_int_equal(run(rig), SNAP_E_NOSPC);
        assert_non_null(strstr(rig->err.text, "side file"));
        assert_int_equal(rig->checkpoints, at + 1);
        assert_int_equal(rig->result.windows, at + 1);
        rig_free(rig);
    }
}

/* Each operation on the origin in turn; the run that follows compares, and writes only what is missing. */
static void test_origin_fails(void **state)
{
    static const enum io_fault_kind kinds[] = {IO_FAULT_WRITE, IO_FAULT_FLUSH};

    (void)state;
    for (size_t k = 0; k < 2; k++) {
        for (uint64_t at = 0;; at++) {
            struct rig *rig = rig_new(40);
            uint64_t told;

            io_fault_add(rig->origin, &(struct io_fault){.kind = kinds[k], .at = at});
            if (run(rig) == SNAP_OK) {
                assert_true(at > 2);
                rig_free(rig);
                break;
            }
            assert_int_equal(rig->err.status, SNAP_E_IO);
            assert_int_equal(rig->result.entries_left, rig->merged_from);
            told = rig->merged_from;
            for (uint64_t i = told; i < 150; i++) { /* what was told is there */
                uint64_t old_bytes = rig->fixture.entries[i].old_chunk * 1024;

                assert_memory_equal(io_mem_bytes(rig->origin_mem) + old_bytes, rig->fixture.view + old_bytes,
                                    old_bytes + 1024 <= rig->fixture.origin_bytes ? 1024 : 512);
            }
            io_fault_clear(rig->origin);
            rig->options.checkpoint = NULL;
            must(run(rig));
            assert_true(rig->result.equal_bytes + 512 >= (150 - told) * 1024); /* one is partial */
            rig_free(rig);
        }
    }
}

static void test_dry_run(void **state)
{
    struct rig *rig = rig_new(40);
    struct snap_merge_result dry;

    (void)state;
    must(snap_merge_dry_run(&rig->store, rig->origin, &rig->job, &rig->options, &dry, NULL));
    must(run(rig));
    assert_int_equal(dry.windows, rig->result.windows);
    assert_int_equal(dry.origin_flushes, rig->result.origin_flushes);
    assert_int_equal(dry.cow_flushes, 0);
    assert_int_equal(dry.metadata_bytes, 0);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_differ),
        cmocka_unit_test(test_all_equal),
        cmocka_unit_test(test_one_differs),
        cmocka_unit_test(test_compare_from),
        cmocka_unit_test(test_origin_unreadable),
        cmocka_unit_test(test_checkpoint_fails),
        cmocka_unit_test(test_origin_fails),
        cmocka_unit_test(test_dry_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
