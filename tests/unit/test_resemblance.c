/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests that edited content is recognised, that new content and another origin are not, and that zeros say nothing. */
#include "lib/check/resemblance.h"
#include "lib/check/sample.h"
#include "tests/support/io_fault.h"
#include "tests/support/io_record.h"
#include "tests/unit/format_fixture.h"
#include "tests/unit/list_fixture.h"
#include "tests/unit/unit.h"

#include <errno.h>

#define CHUNK_BYTES 4096u
#define ORIGIN_CHUNKS 1000u
#define COW_CHUNKS 600u

static void fill_random(uint8_t *bytes, uint64_t length_bytes, uint64_t seed)
{
    for (uint64_t i = 0; i < length_bytes; i++)
        bytes[i] = (uint8_t)unit_random(&seed, 256);
}

static struct snap_io *origin_new(uint64_t seed)
{
    struct snap_io *io = io_mem_new("origin", ORIGIN_CHUNKS * CHUNK_BYTES, 512, true);

    fill_random(io_mem_bytes(io), io->size_bytes, seed);
    return io;
}

/* A store of every third chunk of the origin, with the origin's content. */
static struct snap_io *copies(struct snap_io *origin, uint64_t entries)
{
    struct snap_io *cow = list_new(8, COW_CHUNKS * 8);

    list_put_canonical(cow, 8, 0, entries, 0, 3);
    for (uint64_t i = 0; i < entries; i++)
        memcpy(io_mem_bytes(cow) + format_canonical(8, i) * CHUNK_BYTES,
               io_mem_bytes(origin) + i * 3 * CHUNK_BYTES, CHUNK_BYTES);
    return cow;
}

static uint8_t *data_of(struct snap_io *cow, uint64_t index)
{
    return io_mem_bytes(cow) + format_canonical(8, index) * CHUNK_BYTES;
}

static struct snap_resemblance measure(struct snap_io *cow, uint64_t entries, struct snap_io *origin)
{
    struct snap_store store = list_open(cow);
    struct snap_error err = {.text = ""};
    struct snap_resemblance resemblance;

    assert_ok(snap_resemblance_measure(&store, entries, origin, &resemblance, &err), &err);
    assert_true(resemblance.sampled <= SNAP_SAMPLE_MAX);
    assert_int_equal(resemblance.compared + resemblance.unreadable, resemblance.sampled);
    assert_true(resemblance.telling <= resemblance.compared);
    assert_true(resemblance.resembling <= resemblance.telling);
    assert_true(resemblance.shuffled_resembling <= resemblance.compared);
    return resemblance;
}

static void edited_chunks_resemble_what_they_replace(void **state)
{
    struct snap_io *origin = origin_new(1), *other = origin_new(2), *cow = copies(origin, 100);
    struct snap_resemblance resemblance;

    (void)state;
    for (uint64_t i = 0; i < 100; i++) /* half of each is new */
        fill_random(data_of(cow, i) + i % 32 * 64, CHUNK_BYTES / 2, 1000 + i);
    resemblance = measure(cow, 100, origin);
    assert_int_equal(resemblance.compared, 100);
    assert_int_equal(resemblance.telling, 100);
    assert_int_equal(resemblance.resembling, 100);
    assert_true(resemblance.likely);
    resemblance = measure(cow, 100, other);
    assert_int_equal(resemblance.telling, 100);
    assert_int_equal(resemblance.resembling, 0);
    assert_false(resemblance.likely);
    list_close(origin);
    list_close(other);
    list_close(cow);
}

/* The right origin, and nothing to see of it: the new content has nothing of the old one. */
static void new_content_resembles_nothing(void **state)
{
    struct snap_io *origin = origin_new(1), *cow = copies(origin, 100);
    struct snap_resemblance resemblance;

    (void)state;
    for (uint64_t i = 0; i < 100; i++)
        fill_random(data_of(cow, i), CHUNK_BYTES, 1000 + i);
    resemblance = measure(cow, 100, origin);
    assert_int_equal(resemblance.telling, 100);
    assert_int_equal(resemblance.resembling, 0);
    assert_false(resemblance.likely);
    list_close(origin);
    list_close(cow);
}

static void zeros_and_small_numbers_say_nothing(void **state)
{
    struct snap_io *origin = origin_new(1), *cow = copies(origin, 100);
    struct snap_resemblance resemblance;

    (void)state;
    for (uint64_t i = 0; i < 100; i++) {
        uint8_t *data = data_of(cow, i), *place = io_mem_bytes(origin) + i * 3 * CHUNK_BYTES;

        if (i % 4 == 0)
            memset(data, 0, CHUNK_BYTES); /* cleared in the snapshot */
        else if (i % 4 == 1)
            memset(place, 0xff, CHUNK_BYTES); /* never used before */
        else
            for (uint64_t at = 0; at < CHUNK_BYTES; at++)
                data[at] = place[at] = at % 8 == 0 ? (uint8_t)(at / 8 % 2) : 0;
    }
    resemblance = measure(cow, 100, origin);
    assert_int_equal(resemblance.compared, 100);
    assert_int_equal(resemblance.telling, 0);
    assert_int_equal(resemblance.resembling, 0);
    assert_false(resemblance.likely);
    list_close(origin);
    list_close(cow);
}

/* A new random chunk at both sides, with `pieces` of 16 bytes in it that all chunks have. */
static void fill_with_common(struct snap_io *origin, struct snap_io *cow, const uint8_t *common, uint64_t pieces)
{
    for (uint64_t i = 0; i < 100; i++) {
        fill_random(data_of(cow, i), CHUNK_BYTES, 1000 + i);
        memcpy(data_of(cow, i) + 512, common, pieces * 16);
        memcpy(io_mem_bytes(origin) + i * 3 * CHUNK_BYTES + 512, common, pieces * 16);
    }
}

/* A table of places, as stands in each page of some databases, or a text: any two of them have it. */
static void what_a_format_puts_into_each_block_counts_once(void **state)
{
    uint8_t common[2][64];

    (void)state;
    for (uint64_t i = 0; i < sizeof common[0] / 2; i++)
        snap_put_le16(common[0] + 2 * i, (uint16_t)(0x20 + 112 * i));
    memcpy(common[1], "the quick brown fox jumps over the lazy dog 0123456789ABCDEFGHIJ", sizeof common[1]);
    for (int which = 0; which < 2; which++) {
        struct snap_io *origin = origin_new(1), *cow = copies(origin, 100);
        struct snap_resemblance resemblance;

        fill_with_common(origin, cow, common[which], sizeof common[which] / 16);
        resemblance = measure(cow, 100, origin);
        assert_int_equal(resemblance.telling, 100);
        assert_int_equal(resemblance.resembling, 1);
        assert_false(resemblance.likely);
        list_close(origin);
        list_close(cow);
    }
}

/* Files that begin alike, of a dozen kinds: what one has in common with its place, it has in common with others. */
static void what_is_common_to_other_places_is_held_against_it(void **state)
{
    struct snap_io *origin = origin_new(1), *cow = copies(origin, 240);
    struct snap_resemblance resemblance;
    uint64_t random = 5;

    (void)state;
    for (uint64_t i = 0; i < 240; i++) {
        fill_random(data_of(cow, i), CHUNK_BYTES, 1000 + i);
        fill_random(data_of(cow, i), 512, unit_random(&random, 12));
        fill_random(io_mem_bytes(origin) + i * 3 * CHUNK_BYTES, 512, unit_random(&random, 12));
    }
    resemblance = measure(cow, 240, origin);
    assert_true(resemblance.resembling >= 8); /* enough without the other count */
    assert_true(resemblance.shuffled_resembling >= 8);
    assert_false(resemblance.likely);
    list_close(origin);
    list_close(cow);
}

/* Both sides of the limit: `edited` of `entries` chunks have kept a part of what they replace. */
static bool few_are_likely(uint64_t entries, uint64_t edited)
{
    struct snap_io *origin = origin_new(1), *cow = copies(origin, entries);
    struct snap_resemblance resemblance;

    for (uint64_t i = 0; i < entries; i++)
        fill_random(data_of(cow, i), i < edited ? CHUNK_BYTES - 128 : CHUNK_BYTES, 1000 + i);
    resemblance = measure(cow, entries, origin);
    assert_int_equal(resemblance.telling, entries);
    assert_int_equal(resemblance.resembling, edited);
    list_close(origin);
    list_close(cow);
    return resemblance.likely;
}

static void a_larger_sample_must_have_more_that_resembles(void **state)
{
    (void)state;
    assert_false(few_are_likely(2, 2));
    assert_true(few_are_likely(3, 3));
    assert_false(few_are_likely(63, 2));
    assert_true(few_are_likely(63, 3));
    assert_false(few_are_likely(64, 3));
    assert_true(few_are_likely(64, 4));
    assert_false(few_are_likely(256, 6));
    assert_true(few_are_likely(256, 7));
}

static void an_empty_list_says_nothing(void **state)
{
    struct snap_io *origin = origin_new(1), *cow = copies(origin, 0);
    struct snap_resemblance resemblance = measure(cow, 0, origin);

    (void)state;
    assert_int_equal(resemblance.sampled, 0);
    assert_false(resemblance.likely);
    list_close(origin);
    list_close(cow);
}

static void unreadable_places_are_left_out(void **state)
{
    (void)state;
    for (int which = 0; which < 2; which++) {
        struct snap_io *origin = origin_new(1), *cow = copies(origin, 100);
        struct snap_io *faulty = io_fault_new(which ? cow : origin, NULL);
        struct snap_resemblance resemblance;

        io_fault_add(faulty, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true,
                                                .offset_bytes = which ? 10 * CHUNK_BYTES : 30 * CHUNK_BYTES,
                                                .length_bytes = 2 * CHUNK_BYTES});
        resemblance = measure(which ? faulty : cow, 100, which ? origin : faulty);
        assert_int_equal(resemblance.unreadable, which ? 2 : 1);
        assert_int_equal(resemblance.resembling, which ? 98 : 99);
        assert_true(resemblance.likely);
        list_close(which ? origin : cow);
        list_close(faulty);
    }
}

/* Each try on a bad disk may take long. */
static void a_dead_disk_is_not_tried_for_every_entry(void **state)
{
    struct snap_io *origin = origin_new(1), *cow = copies(origin, 256);
    struct snap_io *faulty = io_fault_new(origin, NULL);
    struct snap_resemblance resemblance;

    (void)state;
    io_fault_add(faulty, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true});
    resemblance = measure(cow, 256, faulty);
    assert_int_equal(resemblance.unreadable, 256);
    assert_int_equal(resemblance.compared, 0);
    assert_false(resemblance.likely);
    assert_true(io_fault_hits(faulty) <= 64);
    list_close(cow);
    list_close(faulty);
}

/* A device that is gone is another thing than a bad sector. */
static void other_failures_are_passed_on(void **state)
{
    struct snap_io *origin = origin_new(1), *cow = copies(origin, 100);
    struct snap_io *faulty = io_fault_new(origin, NULL);
    struct snap_store store = list_open(cow);
    struct snap_error err = {.text = ""};
    struct snap_resemblance resemblance;

    (void)state;
    io_fault_add(faulty, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true, .sys_errno = ENOMEM});
    assert_status(snap_resemblance_measure(&store, 100, faulty, &resemblance, &err), SNAP_E_NOMEM, &err);
    assert_false(resemblance.likely);
    list_close(cow);
    list_close(faulty);
}

/* Of a large chunk only its first 16 KiB; of the origin's last chunk only what there is. */
static void reads_are_bounded(void **state)
{
    const uint64_t chunk_bytes = UINT64_C(1) << 20;
    struct recorder *recorder = recorder_new();
    struct snap_io *origin =
        io_record_new(recorder, "origin", NULL, 8 * chunk_bytes - CHUNK_BYTES * UINT64_C(255), 512, false);
    struct snap_io *cow = list_new(2048, 12 * 2048);
    const struct record_operation *log;
    struct snap_resemblance resemblance;
    size_t count;

    (void)state;
    for (uint64_t i = 0; i < 8; i++)
        list_put(cow, 2048, i, 7 - i, format_canonical(2048, i));
    resemblance = measure(cow, 8, origin);
    assert_int_equal(resemblance.compared, 8);
    log = recorder_log(recorder, &count);
    assert_int_equal(count, 8);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(log[i].offset_bytes, i * chunk_bytes); /* ascending */
        assert_int_equal(log[i].length_bytes, i < 7 ? 16384 : CHUNK_BYTES);
    }
    list_close(cow);
    list_close(origin);
    recorder_free(recorder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edited_chunks_resemble_what_they_replace),
        cmocka_unit_test(new_content_resembles_nothing),
        cmocka_unit_test(zeros_and_small_numbers_say_nothing),
        cmocka_unit_test(what_a_format_puts_into_each_block_counts_once),
        cmocka_unit_test(what_is_common_to_other_places_is_held_against_it),
        cmocka_unit_test(a_larger_sample_must_have_more_that_resembles),
        cmocka_unit_test(an_empty_list_says_nothing),
        cmocka_unit_test(unreadable_places_are_left_out),
        cmocka_unit_test(a_dead_disk_is_not_tried_for_every_entry),
        cmocka_unit_test(other_failures_are_passed_on),
        cmocka_unit_test(reads_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
