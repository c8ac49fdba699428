/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests that a difference is found as a naive comparison finds it, and only what may differ is read. */
#include "lib/base/bytes.h"
#include "lib/view/diff.h"
#include "tests/support/io_fault.h"
#include "tests/unit/alloc_fixture.h"
#include "tests/unit/format_fixture.h"
#include "tests/unit/list_fixture.h"
#include "tests/unit/unit.h"

#define MIB (UINT64_C(1) << 20)
#define ENTRIES_MAX 20000u

static uint64_t seed = 9;

/* What the callbacks of a test see; reset before each. */
static struct {
    struct {
        uint64_t start_bytes, end_bytes; /* a hole */
    } holes[2];
    struct snap_io *newer;
    uint64_t fail_at_bytes;      /* the look for holes of one device fails there */
    bool fail_newer;
    uint64_t polls_left;         /* until stop says yes; 0: never */
    uint64_t done_bytes;         /* the last progress */
    uint64_t calls;
} seen;

static enum snap_status next_data(const struct snap_io *io, uint64_t offset_bytes, uint64_t *start_bytes,
                                  uint64_t *length_bytes, struct snap_error *err)
{
    const int which = io == seen.newer;
    const uint64_t hole_start = seen.holes[which].start_bytes, hole_end = seen.holes[which].end_bytes;

    if (offset_bytes >= seen.fail_at_bytes && which == seen.fail_newer)
        return snap_fail(err, SNAP_E_IO, "no holes today");
    *start_bytes = offset_bytes >= hole_start && offset_bytes < hole_end ? hole_end : offset_bytes;
    *length_bytes = (*start_bytes < hole_start ? hole_start : io->size_bytes) - *start_bytes;
    return SNAP_OK;
}

static bool stop_asked(void *context)
{
    assert_ptr_equal(context, &seen);
    return seen.polls_left != 0 && --seen.polls_left == 0;
}

static void progress(void *context, uint64_t done_bytes, uint64_t total_bytes)
{
    assert_ptr_equal(context, &seen);
    assert_int_equal(total_bytes, seen.newer->size_bytes / 512 * 512);
    assert_true(done_bytes > seen.done_bytes && done_bytes <= total_bytes);
    seen.done_bytes = done_bytes;
    seen.calls++;
}

static void reset(struct snap_io *newer)
{
    memset(&seen, 0, sizeof seen);
    seen.newer = newer;
    seen.fail_at_bytes = UINT64_MAX;
}

static const struct snap_diff_control control = {
    .next_data = next_data, .stop = stop_asked, .stop_context = &seen, .progress = progress, .progress_context = &seen};

/* The difference into a new store on `cow`. */
static enum snap_status diff_into(struct snap_io *cow, uint32_t cs, struct snap_io *origin, struct snap_io *newer,
                                  const struct snap_diff_control *chosen, struct snap_error *err)
{
    struct snap_create *create;
    struct snap_layout layout;
    enum snap_status status;

    assert_ok(snap_layout_init(&layout, cs, cow->size_bytes / 512, err), err);
    assert_ok(snap_create_begin(&create, cow, &layout, err), err);
    status = snap_diff(create, &layout, origin, newer, chosen, err);
    if (status == SNAP_OK)
        status = snap_create_finish(create, NULL, NULL, err);
    snap_create_close(create);
    return status;
}

/* The store on `cow` is the difference from `from_bytes` on: all that differs, ascending, padded with zeros. */
static void assert_difference(struct snap_io *cow, uint32_t cs, struct snap_io *origin, struct snap_io *newer,
                              uint64_t from_bytes)
{
    static struct snap_entry entries[ENTRIES_MAX];
    const uint64_t size_bytes = newer->size_bytes / 512 * 512, chunk_bytes = cs * UINT64_C(512);
    uint64_t count = list_read(io_mem_bytes(cow), cow->size_bytes, cs, entries, ENTRIES_MAX);
    uint64_t index = 0;

    assert_int_equal(snap_get_le32(io_mem_bytes(cow)), 0x70416e53);
    for (uint64_t at = from_bytes / chunk_bytes * chunk_bytes; at < size_bytes; at += chunk_bytes) {
        uint64_t part_bytes = size_bytes - at < chunk_bytes ? size_bytes - at : chunk_bytes;
        const uint8_t *data = io_mem_bytes(cow) + format_canonical(cs, index) * chunk_bytes;

        if (memcmp(io_mem_bytes(origin) + at, io_mem_bytes(newer) + at, part_bytes) == 0)
            continue;
        assert_true(index < count);
        assert_int_equal(entries[index].old_chunk, at / chunk_bytes);
        assert_int_equal(entries[index].new_chunk, format_canonical(cs, index));
        assert_memory_equal(data, io_mem_bytes(newer) + at, part_bytes);
        for (uint64_t i = part_bytes; i < chunk_bytes; i++)
            assert_int_equal(data[i], 0);
        index++;
    }
    assert_int_equal(index, count);
}

struct pair {
    struct snap_io *origin, *newer, *cow;
};

/* Equal random devices, and a COW for all that may differ, full of bytes. */
static struct pair pair_new(uint32_t cs, uint64_t size_bytes)
{
    struct pair pair = {.origin = io_mem_new("origin", size_bytes, 512, false),
                        .newer = io_mem_new("newer", size_bytes, 512, false)};
    uint64_t chunks = size_bytes / 512 / cs + 1;

    pair.cow = io_mem_new("cow", (format_canonical(cs, chunks) + 2) * cs * 512, 512, true);
    memset(io_mem_bytes(pair.cow), 0xee, pair.cow->size_bytes);
    for (uint64_t at = 0; at + 8 <= size_bytes; at += 8)
        snap_put_le64(io_mem_bytes(pair.origin) + at, unit_random(&seed, UINT64_MAX));
    memcpy(io_mem_bytes(pair.newer), io_mem_bytes(pair.origin), size_bytes);
    reset(pair.newer);
    return pair;
}

static void pair_close(const struct pair *pair)
{
    list_close(pair->origin);
    list_close(pair->newer);
    list_close(pair->cow);
}

static void change(struct snap_io *io, uint64_t offset_bytes)
{
    io_mem_bytes(io)[offset_bytes] ^= (uint8_t)(1 + unit_random(&seed, 255));
}

static void random_pairs_differ_as_naively(void **state)
{
    struct snap_error err = {.text = ""};

    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        const uint32_t cs = 1u << unit_random(&seed, 5);
        const uint64_t rest_bytes = round % 3 ? 0 : unit_random(&seed, 512);
        const uint64_t size_bytes = (1 + unit_random(&seed, 400)) * 512 + rest_bytes;
        const struct snap_diff_control alone = {0};
        struct pair pair = pair_new(cs, size_bytes);

        for (uint64_t changes = unit_random(&seed, 60); changes > 0; changes--)
            change(pair.newer, unit_random(&seed, size_bytes));
        if (round % 2)
            change(pair.newer, size_bytes / 512 * 512 - 1); /* the last byte that counts */
        assert_ok(diff_into(pair.cow, cs, pair.origin, pair.newer, round % 5 ? &control : &alone, &err), &err);
        assert_difference(pair.cow, cs, pair.origin, pair.newer, 0);
        pair_close(&pair);
    }
}

static void long_devices_are_compared_step_by_step(void **state)
{
    static const uint64_t changed[] = {0, 4 * MIB - 1, 4 * MIB, 8 * MIB - 1, 8 * MIB, 9 * MIB + 5000};
    struct snap_error err = {.text = ""};

    (void)state;
    for (uint32_t cs = 8; cs <= 16384; cs *= 2048) { /* of 4 KiB and of 8 MiB */
        struct pair pair = pair_new(cs, 9 * MIB + 5120);

        for (size_t i = 0; i < sizeof changed / sizeof changed[0]; i++)
            change(pair.newer, changed[i]);
        assert_ok(diff_into(pair.cow, cs, pair.origin, pair.newer, &control, &err), &err);
        assert_difference(pair.cow, cs, pair.origin, pair.newer, 0);
        assert_int_equal(seen.done_bytes, 9 * MIB + 5120);
        assert_int_equal(seen.calls, cs == 8 ? 3 : 2);
        pair_close(&pair);
    }
}

static void what_both_call_a_hole_is_not_read(void **state)
{
    /* holes of the two, and from where on differences are seen */
    static const uint64_t shapes[][5] = {
        {0, MIB, 0, MIB, MIB},                                       /* equal */
        {0, MIB, 0, 2 * MIB, MIB},                                   /* the shorter one counts */
        {0, 2 * MIB, 0, MIB, MIB},
        {0, MIB + 100, 0, MIB + 5000, MIB},                          /* rounded down to a chunk */
        {0, 10 * MIB, 0, 0, 0},                                      /* of one alone */
        {0, 0, 0, 10 * MIB, 0},
        {0, 10 * MIB, 0, 10 * MIB, 10 * MIB},                        /* nothing but holes */
    };
    struct snap_error err = {.text = ""};

    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct pair pair = pair_new(8, 10 * MIB);

        for (uint64_t at = 0; at < 10 * MIB; at += 50000) /* also where the callback lies: to see what is read */
            change(pair.newer, at);
        for (int which = 0; which < 2; which++) {
            seen.holes[which].start_bytes = shapes[i][which * 2];
            seen.holes[which].end_bytes = shapes[i][which * 2 + 1];
        }
        assert_ok(diff_into(pair.cow, 8, pair.origin, pair.newer, &control, &err), &err);
        assert_difference(pair.cow, 8, pair.origin, pair.newer, shapes[i][4]);
        pair_close(&pair);
    }
}

static void a_hole_at_a_partial_end_is_skipped(void **state)
{
    struct snap_error err = {.text = ""};

    (void)state;
    for (uint64_t rest = 0; rest < 4096; rest += 1536) {
        const uint64_t size_bytes = 5 * MIB + rest;
        struct pair pair = pair_new(8, size_bytes);

        change(pair.newer, 77);
        for (int which = 0; which < 2; which++) {
            seen.holes[which].start_bytes = 4 * MIB;
            seen.holes[which].end_bytes = size_bytes;
        }
        assert_ok(diff_into(pair.cow, 8, pair.origin, pair.newer, &control, &err), &err);
        assert_difference(pair.cow, 8, pair.origin, pair.newer, 0);
        pair_close(&pair);
    }
}

static void a_failed_look_for_holes_is_told(void **state)
{
    struct pair pair = pair_new(8, 9 * MIB);
    struct snap_error err = {.text = ""};

    (void)state;
    for (uint64_t at = 0; at < 10 * MIB; at += 2 * MIB) {
        reset(pair.newer);
        seen.fail_at_bytes = at / (4 * MIB) * 4 * MIB;
        seen.fail_newer = at % (4 * MIB) != 0;
        assert_status(diff_into(pair.cow, 8, pair.origin, pair.newer, &control, &err), SNAP_E_IO, &err);
        assert_string_equal(err.text, "no holes today");
    }
    pair_close(&pair);
}

static void devices_of_other_sizes_are_refused(void **state)
{
    static const struct {
        uint64_t origin_bytes, newer_bytes;
        bool refused;
    } sizes[] = {{5120, 5632, true}, {5632, 5120, true}, {5120, 5631, false}, {5631, 5120, false},
                 {5631, 5632, true}};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct snap_io *origin = io_mem_new("origin", sizes[i].origin_bytes, 512, false);
        struct snap_io *newer = io_mem_new("newer", sizes[i].newer_bytes, 512, false);
        struct snap_io *cow = io_mem_new("cow", 100 * 512, 512, true);
        struct snap_error err = {.text = ""};

        reset(newer);
        io_mem_bytes(newer)[5000] = 1;
        assert_status(diff_into(cow, 1, origin, newer, &control, &err),
                      sizes[i].refused ? SNAP_E_REFUSED : SNAP_OK, &err);
        if (sizes[i].refused)
            assert_true(strstr(err.text, "origin") && strstr(err.text, "newer"));
        else
            assert_difference(cow, 1, origin, newer, 0);
        list_close(origin);
        list_close(newer);
        list_close(cow);
    }
}

static void a_difference_that_does_not_fit_is_told(void **state)
{
    (void)state;
    for (uint64_t changes = 37; changes <= 38; changes++) {
        struct pair pair = pair_new(1, 100 * 512);
        struct snap_io *small = io_mem_new("small", 40 * 512, 512, true);
        struct snap_error err = {.text = ""};

        for (uint64_t i = 0; i < changes; i++)
            change(pair.newer, i * 1024);
        assert_status(diff_into(small, 1, pair.origin, pair.newer, &control, &err),
                      changes == 37 ? SNAP_OK : SNAP_E_NOSPC, &err);
        if (changes == 37)
            assert_difference(small, 1, pair.origin, pair.newer, 0);
        else
            assert_int_equal(snap_get_le32(io_mem_bytes(small)), 0);
        list_close(small);
        pair_close(&pair);
    }
}

static void a_stop_is_met_in_each_step(void **state)
{
    struct pair pair = pair_new(8, 9 * MIB);
    struct snap_error err = {.text = ""};

    (void)state;
    for (uint64_t polls = 1; polls <= 3; polls++) {
        reset(pair.newer);
        seen.polls_left = polls;
        assert_status(diff_into(pair.cow, 8, pair.origin, pair.newer, &control, &err), SNAP_E_STOPPED, &err);
        assert_int_equal(seen.done_bytes, (polls - 1) * 4 * MIB);
        assert_int_equal(snap_get_le32(io_mem_bytes(pair.cow)), 0);
    }
    pair_close(&pair);
}

static void errors_of_each_device_are_told(void **state)
{
    static const char *const names[] = {"origin: ", "newer: ", "cow: "};

    (void)state;
    for (int which = 0; which < 3; which++) {
        for (uint64_t at = 0;; at++) {
            struct pair pair = pair_new(8, 9 * MIB);
            struct snap_io **faulty = which == 0 ? &pair.origin : which == 1 ? &pair.newer : &pair.cow;
            struct snap_error err = {.text = ""};
            enum snap_status status;
            uint64_t hits;

            change(pair.newer, 5);
            change(pair.newer, 5 * MIB); /* in another step */
            *faulty = io_fault_new(*faulty, NULL);
            seen.newer = pair.newer;
            io_fault_add(*faulty, &(struct io_fault){.kind = which == 2 ? IO_FAULT_WRITE : IO_FAULT_READ,
                                                     .at = which == 2 ? at + 2 : at}); /* not begin's */
            status = diff_into(pair.cow, 8, pair.origin, pair.newer, &control, &err);
            hits = io_fault_hits(*faulty);
            if (hits > 0) {
                assert_int_equal(status, SNAP_E_IO);
                assert_non_null(strstr(err.text, names[which]));
            }
            pair_close(&pair);
            if (hits == 0) {
                assert_int_equal(status, SNAP_OK);
                assert_int_equal(at, 3);
                break;
            }
        }
    }
}

static void no_allocation_can_fail_unnoticed(void **state)
{
    struct snap_io *cow = io_mem_new("cow", 100 * 4096, 512, true);
    struct list_virtual *origin = list_virtual_new(8, 5), *newer = list_virtual_new(8, 5);
    struct snap_error err = {.text = ""};
    struct snap_create *create;
    struct snap_layout layout;

    (void)state;
    reset(&newer->io);
    assert_ok(snap_layout_init(&layout, 8, 800, &err), &err);
    assert_ok(snap_create_begin(&create, cow, &layout, &err), &err);
    for (uint64_t k = 1; k <= 3; k++) {
        uint64_t before_bytes = alloc.live_bytes;

        seen.done_bytes = 0;
        alloc_fail_at(k, true);
        assert_int_equal(snap_diff(create, &layout, &origin->io, &newer->io, &control, &err),
                         k <= 2 ? SNAP_E_NOMEM : SNAP_OK);
        alloc_fail_at(0, false);
        assert_int_equal(alloc.live_bytes, before_bytes);
    }
    snap_create_close(create);
    list_close(&origin->io);
    list_close(&newer->io);
    list_close(cow);
}

static void what_differs_can_be_counted_alone(void **state)
{
    const struct pair pair = pair_new(8, 1 * MIB + 3 * 512);
    const struct snap_diff_control plain = {.next_data = NULL};
    struct snap_error err = {.text = ""};
    struct snap_layout layout;
    uint64_t chunks;

    (void)state;
    assert_ok(snap_layout_init(&layout, 8, 100, &err), &err);
    assert_ok(snap_diff_count(&layout, pair.origin, pair.newer, &plain, &chunks, &err), &err);
    assert_int_equal(chunks, 0);
    change(pair.newer, 0);
    change(pair.newer, 4095);
    change(pair.newer, 9 * 4096);
    change(pair.newer, 1 * MIB + 2 * 512);
    assert_ok(snap_diff_count(&layout, pair.origin, pair.newer, &plain, &chunks, &err), &err);
    assert_int_equal(chunks, 3);
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_pairs_differ_as_naively),
        cmocka_unit_test(long_devices_are_compared_step_by_step),
        cmocka_unit_test(what_both_call_a_hole_is_not_read),
        cmocka_unit_test(a_hole_at_a_partial_end_is_skipped),
        cmocka_unit_test(a_failed_look_for_holes_is_told),
        cmocka_unit_test(devices_of_other_sizes_are_refused),
        cmocka_unit_test(a_difference_that_does_not_fit_is_told),
        cmocka_unit_test(a_stop_is_met_in_each_step),
        cmocka_unit_test(errors_of_each_device_are_told),
        cmocka_unit_test(no_allocation_can_fail_unnoticed),
        cmocka_unit_test(what_differs_can_be_counted_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
