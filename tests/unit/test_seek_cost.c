/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a seek costs: the median of reads that lie apart, on a clock that the device moves. */
#include "lib/base/clock.h"
#include "lib/io/seek_cost.h"
#include "tests/support/io_fault.h"
#include "tests/support/io_mem.h"
#include "tests/unit/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* A device whose reads take time, by a list, and that remembers where they were. */
struct slow {
    struct snap_io io;
    struct snap_io *lower;
    const uint64_t *takes_ns;
    uint64_t offsets[32];
    size_t reads;
    uint64_t now_ns;
};

static enum snap_status slow_transfer(struct snap_io *io, struct snap_io_request *requests, size_t count,
                                      struct snap_error *err)
{
    struct slow *slow = (struct slow *)io;

    assert_int_equal(count, 1);
    assert_int_equal(requests[0].kind, SNAP_IO_READ);
    slow->now_ns += slow->takes_ns[slow->reads % SNAP_SEEK_READS];
    slow->offsets[slow->reads++] = requests[0].offset_bytes;
    return snap_io_transfer(slow->lower, requests, count, err);
}

static uint64_t slow_now(void *context)
{
    return ((struct slow *)context)->now_ns;
}

static struct slow slow_new(uint64_t size_bytes, uint32_t block_bytes, const uint64_t *takes_ns)
{
    static const struct snap_io_ops ops = {.transfer = slow_transfer};
    struct slow slow = {.lower = io_mem_new("disk", size_bytes, block_bytes, false), .takes_ns = takes_ns};

    slow.io = *slow.lower;
    slow.io.ops = &ops;
    return slow;
}

static void test_median_of_reads_apart(void **state)
{
    static const uint64_t takes_ns[SNAP_SEEK_READS] = {900, 10, 800, 20, 500, 700, 30, 600, 40};

    (void)state;
    for (uint32_t block_bytes = 512; block_bytes <= 8192; block_bytes *= 16) {
        struct slow slow = slow_new(9 << 20, block_bytes, takes_ns);
        const struct snap_clock clock = {slow_now, NULL, &slow};
        uint64_t median_ns = 0;

        assert_int_equal(snap_seek_cost_measure(&slow.io, &clock, &median_ns, NULL), SNAP_OK);
        assert_int_equal(median_ns, 500);
        assert_int_equal(slow.reads, SNAP_SEEK_READS);
        for (size_t i = 0; i < SNAP_SEEK_READS; i++) {
            assert_int_equal(slow.offsets[i] % block_bytes, 0);
            for (size_t k = 0; k < i; k++)
                assert_true(slow.offsets[i] != slow.offsets[k]);
            if (i > 0) /* a ninth of the device apart at least */
                assert_true(slow.offsets[i] > slow.offsets[i - 1] ? slow.offsets[i] - slow.offsets[i - 1] > 1 << 20
                                                                  : slow.offsets[i - 1] - slow.offsets[i] > 1 << 20);
        }
        assert_int_equal(snap_io_close(slow.lower, NULL), SNAP_OK);
    }
}

static void test_small_devices_are_not_read(void **state)
{
    static const uint64_t takes_ns[SNAP_SEEK_READS] = {5, 5, 5, 5, 5, 5, 5, 5, 5};

    (void)state;
    for (uint64_t blocks = 0; blocks <= 9; blocks++) {
        struct slow slow = slow_new(blocks * 4096 + 512, 512, takes_ns);
        const struct snap_clock clock = {slow_now, NULL, &slow};
        uint64_t median_ns = 7;

        assert_int_equal(snap_seek_cost_measure(&slow.io, &clock, &median_ns, NULL), SNAP_OK);
        assert_int_equal(median_ns, blocks < 9 ? 0 : 5);
        assert_int_equal(snap_io_close(slow.lower, NULL), SNAP_OK);
    }
}

static void test_failures(void **state)
{
    struct snap_io *io = io_fault_new(io_mem_new("disk", 1 << 20, 512, false), NULL);
    struct snap_error err = {0};
    uint64_t median_ns;

    (void)state;
    io_fault_add(io, &(struct io_fault){.kind = IO_FAULT_READ, .at = 8});
    assert_int_equal(snap_seek_cost_measure(io, &snap_clock_system, &median_ns, &err), SNAP_E_IO);
    assert_int_equal(median_ns, 0);
    assert_int_equal(snap_io_close(io, NULL), SNAP_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_median_of_reads_apart),
        cmocka_unit_test(test_small_devices_are_not_read),
        cmocka_unit_test(test_failures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
