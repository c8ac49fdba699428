/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The identity record of an existing store: one atomic write, all else as it was, never over foreign bytes. */
#include "lib/base/bytes.h"
#include "lib/store/record.h"
#include "tests/support/io_fault.h"
#include "tests/support/io_record.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/unit.h"

#include <stdio.h>

static struct snap_identity sample(void)
{
    struct snap_identity identity = {.store_id = {1, 2, 3}, .parent_id = {4}, .undo_id = {5, 6}, .origin_sectors = 77,
                                     .chunk_sectors = 8, .flags = SNAP_IDENTITY_MERGING, .label = "a label"};

    return identity;
}

/* A store with noise in the rest of chunk 0. */
static struct fixture noisy_store(void)
{
    struct fixture fixture = fixture_random_store(3, 8, 20, 400, false);

    fixture_pattern(fixture.cow + 512, 4096 - 512, 99);
    return fixture;
}

static void test_one_atomic_write_and_a_flush(void **state)
{
    (void)state;
    for (uint32_t block_bytes = 512; block_bytes <= 4096; block_bytes *= 8) {
        struct fixture fixture = noisy_store();
        struct recorder *recorder = recorder_new();
        struct snap_io *cow = io_record_new(recorder, "cow", fixture.cow, fixture.cow_bytes, block_bytes, true);
        const struct snap_identity identity = sample();
        struct snap_store store;
        uint8_t *after;
        char *text, expected[64];

        must(snap_header_open(&store, cow, NULL));
        assert_true(snap_record_possible(&store));
        recorder_log_clear(recorder);
        must(snap_record_write(&store, &identity, NULL));
        text = recorder_log_text(recorder, false);
        (void)snprintf(expected, sizeof expected, "cow write 0 %u\ncow flush\n", block_bytes);
        assert_string_equal(text, expected);
        assert_int_equal(store.identity_state, SNAP_IDENTITY_OK);
        assert_memory_equal(store.identity.undo_id, identity.undo_id, 16);

        after = fixture_recorded(recorder, "cow");
        assert_memory_equal(after, fixture.cow, 16);
        assert_memory_equal(after + 512, fixture.cow + 512, fixture.cow_bytes - 512);
        must(snap_header_open(&store, cow, NULL));
        assert_int_equal(store.identity_state, SNAP_IDENTITY_OK);
        assert_memory_equal(&store.identity, &identity, sizeof identity);
        free(after);
        free(text);
        must(snap_io_close(cow, NULL));
        recorder_free(recorder);
        fixture_free(&fixture);
    }
}

static enum snap_status mark_over(const uint8_t *bytes, size_t length, uint64_t *writes)
{
    struct fixture fixture = noisy_store();
    const struct snap_identity identity = sample();
    struct snap_store store;
    struct snap_io *cow;
    enum snap_status status;

    memcpy(fixture.cow + 16, bytes, length);
    cow = io_fault_new(fixture_mem("cow", fixture.cow, fixture.cow_bytes, 512), NULL);
    must(snap_header_open(&store, cow, NULL));
    status = snap_record_write(&store, &identity, NULL);
    *writes = io_fault_count(cow, IO_FAULT_WRITE);
    must(snap_io_close(cow, NULL));
    fixture_free(&fixture);
    return status;
}

/* Somebody else's bytes and newer records stay; a damaged record of ours is replaced. */
static void test_never_over_what_is_not_ours(void **state)
{
    static const uint8_t foreign[] = "somebody's";
    uint8_t newer[496] = "dmsnapID\x02", damaged[496] = "dmsnapID\x01";
    uint64_t writes;

    (void)state;
    assert_int_equal(mark_over(foreign, sizeof foreign, &writes), SNAP_E_REFUSED);
    assert_int_equal(writes, 0);
    assert_int_equal(mark_over(newer, sizeof newer, &writes), SNAP_E_REFUSED);
    assert_int_equal(writes, 0);
    assert_int_equal(mark_over(damaged, sizeof damaged, &writes), SNAP_OK);
    assert_int_equal(writes, 1);
}

/* The kernel invalidated the store meanwhile: its header is not written over. */
static void test_header_that_changed(void **state)
{
    struct fixture fixture = noisy_store();
    struct snap_io *cow = fixture_mem("cow", fixture.cow, fixture.cow_bytes, 512);
    const struct snap_identity identity = sample();
    struct snap_store store;

    (void)state;
    must(snap_header_open(&store, cow, NULL));
    snap_put_le32((uint8_t *)io_mem_bytes(cow) + 4, 0);
    assert_int_equal(snap_record_write(&store, &identity, NULL), SNAP_E_CORRUPT);
    assert_int_equal(snap_get_le32(io_mem_bytes(cow) + 4), 0);
    must(snap_io_close(cow, NULL));
    fixture_free(&fixture);
}

static void test_failures(void **state)
{
    static const enum io_fault_kind kinds[] = {IO_FAULT_READ, IO_FAULT_WRITE, IO_FAULT_FLUSH};

    (void)state;
    for (int k = 0; k < 3; k++) {
        struct fixture fixture = noisy_store();
        struct snap_io *cow = io_fault_new(fixture_mem("cow", fixture.cow, fixture.cow_bytes, 512), NULL);
        const struct snap_identity identity = sample();
        struct snap_store store;

        must(snap_header_open(&store, cow, NULL));
        io_fault_add(cow, &(struct io_fault){.kind = kinds[k], .at = io_fault_count(cow, kinds[k])});
        assert_int_equal(snap_record_write(&store, &identity, NULL), SNAP_E_IO);
        assert_int_equal(store.identity_state, SNAP_IDENTITY_NONE);
        assert_int_equal(io_fault_count(cow, IO_FAULT_FLUSH), k == 2);
        must(snap_io_close(cow, NULL));
        fixture_free(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_atomic_write_and_a_flush),
        cmocka_unit_test(test_never_over_what_is_not_ours),
        cmocka_unit_test(test_header_that_changed),
        cmocka_unit_test(test_failures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
