/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests that a copy from before a merge is told from the origin of the merge, also where some of it was equal. */
#include "lib/check/unmerged.h"

#include "lib/base/crc32c.h"
#include "tests/support/io_fault.h"
#include "tests/unit/list_fixture.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/unit.h"

#define BLOCKS 100u
#define COW_BYTES (UINT64_C(4) << 20)

static const uint8_t id[16] = {1, 2, 3};

/* A store that has had these chunks in its list: the samples there are masked, and have their checksums. */
struct half {
    struct snap_io *origin, *cow;
    struct snap_store store;
    uint32_t chunk_sectors;
};

static struct half half_new(uint32_t chunk_sectors)
{
    struct half half = {.origin = io_mem_new("origin", BLOCKS * 4096, 512, true),
                        .cow = list_new(chunk_sectors, COW_BYTES / 512),
                        .chunk_sectors = chunk_sectors};
    struct snap_identity identity = {.origin_sectors = BLOCKS * 8};
    struct snap_fingerprint fingerprint;
    uint32_t unreadable;

    fixture_pattern(io_mem_bytes(half.origin), BLOCKS * 4096, 7);
    memcpy(identity.store_id, id, sizeof id);
    snap_codec_encode_record(&identity, io_mem_bytes(half.cow));
    half.store = list_open(half.cow);
    must(snap_fingerprinting_take(&fingerprint, id, half.origin, &half.store, &unreadable, NULL));
    must(snap_fingerprint_write(&half.store, &fingerprint, NULL));
    return half;
}

static void half_free(struct half *half)
{
    list_close(half->origin);
    list_close(half->cow);
}

static void mask(struct half *half, uint32_t first, uint32_t count, uint32_t step)
{
    for (uint32_t i = 0; i < count; i++)
        snap_fingerprint_set_bit(half->store.fingerprint.mask, first + i * step);
}

static struct snap_fingerprint_result count(struct half *half, uint64_t highest_new_chunk, struct snap_io *origin)
{
    const struct snap_unmerged_search search = {
        .store = &half->store, .highest_new_chunk = highest_new_chunk, .origin = origin};
    struct snap_error err = {.text = ""};
    struct snap_fingerprint_result result;

    assert_ok(snap_fingerprinting_compare(&half->store, origin, &result, &err), &err);
    assert_ok(snap_unmerged_count(&search, &result, &err), &err);
    return result;
}

static void assert_counted(struct half *half, uint32_t merged, uint32_t unmerged)
{
    const struct snap_fingerprint_result result = count(half, 2, half->origin);

    assert_int_equal(result.merged, merged);
    assert_int_equal(result.unmerged, unmerged);
}

/* What the merge has written to a block is on the COW, and where `there` on the origin, too. */
static void merge_block(struct half *half, uint32_t block, uint64_t new_chunk, bool there)
{
    const uint64_t chunk_bytes = half->chunk_sectors * 512;
    uint8_t *data = io_mem_bytes(half->cow) + new_chunk * chunk_bytes + block * 4096 % chunk_bytes;

    fixture_pattern(data, 4096, 1000 + block);
    if (there)
        memcpy(io_mem_bytes(half->origin) + (size_t)block * 4096, data, 4096);
}

static void a_copy_from_before_is_found(void **state)
{
    struct half half = half_new(8);

    (void)state;
    assert_counted(&half, 0, 0); /* nothing is masked */
    mask(&half, 20, 3, 1);
    assert_counted(&half, 0, 0); /* too few */
    mask(&half, 23, 5, 1);
    for (uint32_t i = 0; i < 8; i++)
        merge_block(&half, 20 + i, 50 + i, false);
    assert_counted(&half, 0, 8);
    merge_block(&half, 22, 52, true);
    assert_counted(&half, 1, 0); /* one is enough */
    half_free(&half);
}

static void what_the_list_names_has_not_been_merged(void **state)
{
    struct half half = half_new(8);

    (void)state;
    mask(&half, 20, 8, 1);
    for (uint32_t i = 0; i < 5; i++)
        list_put(half.cow, 8, i, 20 + i, 2 + i);
    assert_counted(&half, 0, 0);
    list_put(half.cow, 8, 4, 0, 0);
    assert_counted(&half, 0, 4);
    half_free(&half);
}

static void what_has_no_checksum_says_nothing(void **state)
{
    struct half half = half_new(8);

    (void)state;
    mask(&half, 20, 8, 1);
    snap_fingerprint_forget_masked(&half.store.fingerprint);
    assert_int_equal(half.store.fingerprint.sums[20], 0);
    assert_int_not_equal(half.store.fingerprint.sums[19], 0);
    assert_counted(&half, 0, 0);
    half_free(&half);
}

/* Chunks that hold what was there before: behind the data of the list, and in front of their end. */
static void equal_chunks_are_no_evidence(void **state)
{
    struct half half = half_new(8);
    uint8_t *const origin = io_mem_bytes(half.origin), *const cow = io_mem_bytes(half.cow);

    (void)state;
    mask(&half, 20, 5, 1);
    assert_counted(&half, 0, 5);
    memcpy(cow + 900 * 4096, origin + 20 * 4096, 4096);
    assert_counted(&half, 0, 4);
    memcpy(cow + 2 * 4096, origin + 24 * 4096, 4096);
    assert_counted(&half, 0, 0);
    half_free(&half);
}

/* Of a large chunk mostly a part was changed; all of its blocks count once, and only at their place in it. */
static void large_chunks(void **state)
{
    struct half half = half_new(32);
    uint8_t *const origin = io_mem_bytes(half.origin), *const cow = io_mem_bytes(half.cow);

    (void)state;
    mask(&half, 20, 12, 1);
    assert_counted(&half, 0, 0); /* three chunks */
    mask(&half, 40, 1, 1);
    assert_counted(&half, 0, 4);
    memcpy(cow + 40 * 16384 + 4096, origin + 40 * 4096, 4096);
    assert_counted(&half, 0, 4);
    memcpy(cow + 41 * 16384, origin + 40 * 4096, 4096);
    assert_counted(&half, 0, 0);
    half_free(&half);
}

/* Blocks of several chunks: one of these on the COW may be what was merged there. */
static void small_chunks(void **state)
{
    struct half half = half_new(2);

    (void)state;
    mask(&half, 20, 4, 2);
    assert_counted(&half, 0, 4);
    memcpy(io_mem_bytes(half.cow) + 77 * 1024, io_mem_bytes(half.origin) + 22 * 4096 + 3 * 1024, 1024);
    assert_counted(&half, 0, 0);
    half_free(&half);
}

/* This content at so many blocks from `first` on, as if it had been there when the fingerprint was taken. */
static void repeat(struct half *half, uint32_t first, uint32_t count, const uint8_t *content)
{
    for (uint32_t i = first; i < first + count; i++) {
        memmove(io_mem_bytes(half->origin) + i * 4096, content, 4096);
        half->store.fingerprint.sums[i] = (uint16_t)snap_crc32c(content, 4096);
    }
    mask(half, first, count, 1);
}

static void what_is_there_many_times_tells_little(void **state)
{
    static const uint8_t zeros[4096];
    struct half half = half_new(8);

    (void)state;
    mask(&half, 20, 3, 1);
    repeat(&half, 30, 10, zeros);
    repeat(&half, 50, 10, io_mem_bytes(half.origin) + 20 * 4096);
    assert_counted(&half, 0, 0);
    mask(&half, 23, 1, 1);
    assert_counted(&half, 0, 4);
    half_free(&half);
}

/* Other data take the place of those that were merged, as where a merge is taken back. */
static void what_was_equal_is_forgotten_before_an_append(void **state)
{
    struct half half = half_new(8);
    struct snap_io *copy = io_mem_new("copy", BLOCKS * 4096, 512, true);
    struct snap_fingerprint_result result;

    (void)state;
    memcpy(io_mem_bytes(copy), io_mem_bytes(half.origin), BLOCKS * 4096);
    mask(&half, 20, 12, 1);
    for (uint32_t i = 0; i < 12; i++) {
        if (i < 6) /* equal */
            memcpy(io_mem_bytes(half.cow) + (50 + i) * 4096, io_mem_bytes(half.origin) + (20 + i) * 4096, 4096);
        else
            merge_block(&half, 20 + i, 50 + i, true);
    }
    result = count(&half, 2, half.origin);
    assert_int_equal(result.merged, 6);
    assert_true(snap_unmerged_forget(&result, &half.store.fingerprint));
    for (uint32_t i = 20; i < 32; i++)
        assert_int_equal(half.store.fingerprint.sums[i] != 0, i >= 26);
    assert_int_not_equal(half.store.fingerprint.sums[19], 0);
    fixture_pattern(io_mem_bytes(half.cow) + 50 * 4096, 12 * 4096, 5);
    assert_counted(&half, 6, 0);
    assert_int_equal(count(&half, 2, copy).unmerged, 6); /* still no origin of this merge */
    for (uint32_t i = 0; i < 6; i++)
        list_put(half.cow, 8, i, 26 + i, 50 + i);
    memcpy(io_mem_bytes(half.origin), io_mem_bytes(copy), BLOCKS * 4096);
    assert_counted(&half, 0, 0); /* all that was merged is in the list again */
    result = count(&half, 60, half.origin);
    assert_false(snap_unmerged_forget(&result, &half.store.fingerprint));
    list_close(copy);
    half_free(&half);
}

/* Nobody knows of a block that cannot be read whether it is equal. */
static void what_was_not_read_is_forgotten_too(void **state)
{
    struct half half = half_new(8);
    struct io_fault bad = {.kind = IO_FAULT_READ, .from_then_on = true, .offset_bytes = 21 * 4096, .length_bytes = 512};
    struct snap_io *origin = io_fault_new(half.origin, NULL);
    struct snap_fingerprint_result result;

    (void)state;
    mask(&half, 20, 2, 1);
    merge_block(&half, 20, 50, true);
    merge_block(&half, 21, 51, true);
    io_fault_add(origin, &bad);
    result = count(&half, 2, origin);
    assert_true(snap_unmerged_forget(&result, &half.store.fingerprint));
    assert_int_not_equal(half.store.fingerprint.sums[20], 0);
    assert_int_equal(half.store.fingerprint.sums[21], 0);
    half.origin = origin;
    half_free(&half);
}

/* What cannot be read of the COW may be equal; blocks of the origin that cannot be read are left out. */
static void what_cannot_be_read(void **state)
{
    struct half half = half_new(8);
    struct io_fault bad = {.kind = IO_FAULT_READ, .from_then_on = true, .offset_bytes = 21 * 4096, .length_bytes = 512};
    struct snap_io *origin = io_fault_new(half.origin, NULL), *cow = io_fault_new(half.cow, NULL);

    (void)state;
    mask(&half, 20, 5, 1);
    io_fault_add(origin, &bad);
    assert_int_equal(count(&half, 2, half.origin).unmerged, 5);
    assert_int_equal(count(&half, 2, origin).unmerged, 4);
    bad.offset_bytes = 700 * 4096;
    io_fault_add(cow, &bad);
    half.store.io = cow;
    assert_int_equal(count(&half, 2, half.origin).unmerged, 0);
    half.origin = origin;
    half.cow = cow;
    half_free(&half);
}

static bool stop_now(void *context)
{
    (void)context;
    return true;
}

static void it_can_be_stopped(void **state)
{
    struct half half = half_new(8);
    const struct snap_unmerged_search search = {
        .store = &half.store, .highest_new_chunk = 2, .origin = half.origin, .stop = stop_now};
    struct snap_fingerprint_result result;
    struct snap_error err = {.text = ""};

    (void)state;
    mask(&half, 20, 8, 1);
    must(snap_fingerprinting_compare(&half.store, half.origin, &result, NULL));
    assert_int_equal(snap_unmerged_count(&search, &result, &err), SNAP_E_STOPPED);
    assert_true(err.text[0] != '\0');
    half_free(&half);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_from_before_is_found),
        cmocka_unit_test(what_the_list_names_has_not_been_merged),
        cmocka_unit_test(what_has_no_checksum_says_nothing),
        cmocka_unit_test(equal_chunks_are_no_evidence),
        cmocka_unit_test(large_chunks),
        cmocka_unit_test(small_chunks),
        cmocka_unit_test(what_is_there_many_times_tells_little),
        cmocka_unit_test(what_was_equal_is_forgotten_before_an_append),
        cmocka_unit_test(what_was_not_read_is_forgotten_too),
        cmocka_unit_test(what_cannot_be_read),
        cmocka_unit_test(it_can_be_stopped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
