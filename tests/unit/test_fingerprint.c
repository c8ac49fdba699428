/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the samples of a fingerprint are, which the list touches, what counts as one, and how it is written. */
#include "lib/store/fingerprint.h"
#include "lib/store/record.h"
#include "tests/support/io_fault.h"
#include "tests/support/io_record.h"
#include "tests/unit/list_fixture.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/unit.h"

#include <stdio.h>

#define ORIGIN_SECTORS 8000u

static const uint8_t id[16] = {1, 2, 3}, other_id[16] = {3, 2, 1};

static struct snap_fingerprint sample(void)
{
    struct snap_fingerprint fingerprint = {.store_id = {1, 2, 3}, .seed = 99, .samples = 192, .mask = {5}, .sums = {7}};

    return fingerprint;
}

static void put_record(uint8_t *bytes, const uint8_t *store_id, uint64_t origin_sectors)
{
    struct snap_identity identity = {.origin_sectors = origin_sectors};

    memcpy(identity.store_id, store_id, 16);
    snap_codec_encode_record(&identity, bytes);
}

/* A list of splitmix64 that was made by other code: the numbers of the seed 1234567 and those that follow. */
static void test_positions(void **state)
{
    static const uint64_t known[] = {UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
                                     UINT64_C(9817491932198370423)};
    struct snap_fingerprint fingerprint = {.samples = 192};

    (void)state;
    for (uint32_t i = 0; i < 3; i++) { /* the state of the generator grows by this number with each of its steps */
        fingerprint.seed = 1234567 + i * UINT64_C(0x9e3779b97f4a7c15) - 32;
        assert_true(snap_fingerprint_block(&fingerprint, UINT64_MAX, 32) == known[i] % (UINT64_MAX / 8));
        assert_true(snap_fingerprint_block(&fingerprint, 1000 * 8 + 7, 32) == known[i] % 1000);
    }
    for (uint32_t i = 0; i < 16; i++) {
        assert_int_equal(snap_fingerprint_block(&fingerprint, 1000 * 8 + 7, i), i);
        assert_int_equal(snap_fingerprint_block(&fingerprint, 1000 * 8 + 7, 16 + i), 984 + i);
        assert_int_equal(snap_fingerprint_block(&fingerprint, 192 * 8, 16 + i), 176 + i);
    }
    for (uint32_t i = 0; i < 191; i++)
        assert_int_equal(snap_fingerprint_block(&fingerprint, 192 * 8 - 1, i), i);
    assert_int_equal(snap_fingerprint_samples(0), 0);
    assert_int_equal(snap_fingerprint_samples(7), 0);
    assert_int_equal(snap_fingerprint_samples(8), 1);
    assert_int_equal(snap_fingerprint_samples(192 * 8 - 1), 191);
    assert_int_equal(snap_fingerprint_samples(UINT64_MAX), 192);
}

/* For each chunk size, entry by entry: the samples that the list touches, against a comparison of all with all. */
static void test_listed(void **state)
{
    (void)state;
    for (uint32_t chunk_sectors = 1; chunk_sectors <= 64; chunk_sectors *= 2) {
        struct snap_io *io = list_new(chunk_sectors, chunk_sectors * 64);
        struct snap_store store = list_open(io);
        const struct snap_fingerprint fingerprint = sample();
        uint8_t listed[24], expected[24] = {0};
        uint64_t random = chunk_sectors;

        for (uint64_t index = 0; index < 30; index++) {
            const uint64_t old = index % 10 == 9 ? UINT64_MAX - index
                                                 : unit_random(&random, ORIGIN_SECTORS / chunk_sectors);

            list_put(io, chunk_sectors, index, old, format_canonical(chunk_sectors, index));
            for (uint32_t i = 0; i < 192; i++) {
                const uint64_t first = snap_fingerprint_block(&fingerprint, ORIGIN_SECTORS, i) * 8;

                for (uint64_t sector = first; sector < first + 8; sector++)
                    if (sector / chunk_sectors == old)
                        snap_fingerprint_set_bit(expected, i);
            }
            must(snap_fingerprint_find_listed(&store, &fingerprint, ORIGIN_SECTORS, listed, NULL));
            assert_memory_equal(listed, expected, sizeof listed);
        }
        list_close(io);
    }
}

static enum snap_fingerprint_state state_of(struct snap_io *io, bool *room)
{
    static const struct snap_fingerprint none;
    struct snap_store store;

    must(snap_header_open(&store, io, NULL));
    *room = snap_fingerprint_possible(&store);
    if (store.fingerprint_state != SNAP_FINGERPRINT_OK)
        assert_memory_equal(&store.fingerprint, &none, sizeof none);
    return store.fingerprint_state;
}

static void test_what_counts(void **state)
{
    struct snap_io *io = list_new(2, 100);
    struct snap_fingerprint fingerprint = sample();
    uint8_t *sector = io_mem_bytes(io) + 512;
    bool room;

    (void)state;
    assert_int_equal(state_of(io, &room), SNAP_FINGERPRINT_NONE);
    assert_true(room);
    snap_codec_encode_fingerprint(&fingerprint, sector);
    assert_int_equal(state_of(io, &room), SNAP_FINGERPRINT_NONE); /* without a record */
    assert_true(room);
    put_record(io_mem_bytes(io), other_id, ORIGIN_SECTORS);
    assert_int_equal(state_of(io, &room), SNAP_FINGERPRINT_NONE);
    assert_true(room);
    put_record(io_mem_bytes(io), id, 100); /* 12 blocks have no 192 samples */
    assert_int_equal(state_of(io, &room), SNAP_FINGERPRINT_DAMAGED);
    assert_true(room);
    put_record(io_mem_bytes(io), id, ORIGIN_SECTORS);
    assert_int_equal(state_of(io, &room), SNAP_FINGERPRINT_OK);
    assert_true(room);
    sector[100]++;
    assert_int_equal(state_of(io, &room), SNAP_FINGERPRINT_DAMAGED);
    assert_true(room);
    sector[8] = 2;
    assert_int_equal(state_of(io, &room), SNAP_FINGERPRINT_NEWER);
    assert_false(room);
    memset(sector, 0, 512);
    sector[511] = 1; /* somebody else's */
    assert_int_equal(state_of(io, &room), SNAP_FINGERPRINT_NONE);
    assert_false(room);
    list_close(io);
}

/* Where chunks have one sector, the second one is area 0. */
static void test_small_chunks(void **state)
{
    struct snap_io *io = list_new(1, 100);
    const struct snap_fingerprint fingerprint = sample();
    struct snap_store store;
    bool room;

    (void)state;
    put_record(io_mem_bytes(io), id, ORIGIN_SECTORS);
    assert_int_equal(state_of(io, &room), SNAP_FINGERPRINT_NONE);
    assert_false(room);
    store = list_open(io);
    assert_int_equal(snap_fingerprint_write(&store, &fingerprint, NULL), SNAP_E_REFUSED);
    snap_codec_encode_fingerprint(&fingerprint, io_mem_bytes(io) + 512);
    assert_int_equal(state_of(io, &room), SNAP_FINGERPRINT_NONE);
    list_close(io);
}

/* The header is read where its neighbour cannot be read, and that one is not written to. */
static void test_second_sector_unreadable(void **state)
{
    struct snap_io *mem = list_new(8, 100), *io = io_fault_new(mem, NULL);
    const struct snap_fingerprint fingerprint = sample();
    bool room;

    (void)state;
    put_record(io_mem_bytes(mem), id, ORIGIN_SECTORS);
    snap_codec_encode_fingerprint(&fingerprint, io_mem_bytes(mem) + 512);
    io_fault_add(io, &(struct io_fault){.kind = IO_FAULT_READ}); /* once only: it is tried again */
    assert_int_equal(state_of(io, &room), SNAP_FINGERPRINT_OK);
    io_fault_add(io, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true, .offset_bytes = 512,
                                        .length_bytes = 512});
    assert_int_equal(state_of(io, &room), SNAP_FINGERPRINT_NONE);
    assert_false(room);
    list_close(io);
}

/* A store with noise in chunk 0 behind the second sector, and a record. */
static struct fixture noisy_store(void)
{
    struct fixture fixture = fixture_random_store(3, 8, 20, 400, false);

    put_record(fixture.cow, id, ORIGIN_SECTORS);
    fixture_pattern(fixture.cow + 1024, 4096 - 1024, 99);
    return fixture;
}

static void test_one_atomic_write_and_a_flush(void **state)
{
    (void)state;
    for (uint32_t block_bytes = 512; block_bytes <= 4096; block_bytes *= 8) {
        struct fixture fixture = noisy_store();
        struct recorder *recorder = recorder_new();
        struct snap_io *cow = io_record_new(recorder, "cow", fixture.cow, fixture.cow_bytes, block_bytes, true);
        const struct snap_fingerprint fingerprint = sample();
        struct snap_store store;
        uint8_t *after;
        char *text, expected[64];

        must(snap_header_open(&store, cow, NULL));
        recorder_log_clear(recorder);
        must(snap_fingerprint_write(&store, &fingerprint, NULL));
        text = recorder_log_text(recorder, false);
        (void)snprintf(expected, sizeof expected, "cow write %u %u\ncow flush\n", block_bytes == 512 ? 512 : 0,
                       block_bytes);
        assert_string_equal(text, expected);
        assert_int_equal(store.fingerprint_state, SNAP_FINGERPRINT_OK);
        assert_memory_equal(&store.fingerprint, &fingerprint, sizeof fingerprint);
        must(snap_header_open(&store, cow, NULL));
        assert_int_equal(store.fingerprint_state, SNAP_FINGERPRINT_OK);
        assert_memory_equal(&store.fingerprint, &fingerprint, sizeof fingerprint);
        free(text);

        recorder_log_clear(recorder);
        must(snap_fingerprint_write(&store, NULL, NULL));
        text = recorder_log_text(recorder, false);
        assert_string_equal(text, expected);
        assert_int_equal(store.fingerprint_state, SNAP_FINGERPRINT_NONE);
        after = fixture_recorded(recorder, "cow");
        assert_memory_equal(after, fixture.cow, fixture.cow_bytes); /* what it was before there was one */
        free(after);
        free(text);
        must(snap_io_close(cow, NULL));
        recorder_free(recorder);
        fixture_free(&fixture);
    }
}

/* A record with another id makes the fingerprint none, and one written for the new id is judged by the new record. */
static void test_new_record(void **state)
{
    struct snap_io *io = list_new(8, 100);
    struct snap_identity identity = {.store_id = {3, 2, 1}, .origin_sectors = ORIGIN_SECTORS};
    const struct snap_fingerprint fingerprint = sample();
    struct snap_store store;

    (void)state;
    put_record(io_mem_bytes(io), id, ORIGIN_SECTORS);
    store = list_open(io);
    must(snap_fingerprint_write(&store, &fingerprint, NULL));
    identity.flags = SNAP_IDENTITY_UNDO;
    memcpy(identity.store_id, id, 16);
    must(snap_record_write(&store, &identity, NULL));
    assert_int_equal(store.fingerprint_state, SNAP_FINGERPRINT_OK);
    memcpy(identity.store_id, other_id, 16);
    must(snap_record_write(&store, &identity, NULL));
    assert_int_equal(store.fingerprint_state, SNAP_FINGERPRINT_NONE);
    must(snap_fingerprint_write(&store, &fingerprint, NULL));
    assert_int_equal(store.fingerprint_state, SNAP_FINGERPRINT_NONE);
    list_close(io);
}

static void test_failures(void **state)
{
    static const enum io_fault_kind kinds[] = {IO_FAULT_READ, IO_FAULT_WRITE, IO_FAULT_FLUSH};

    (void)state;
    for (int k = 0; k < 3; k++) {
        struct fixture fixture = noisy_store();
        struct snap_io *cow = io_fault_new(fixture_mem("cow", fixture.cow, fixture.cow_bytes, 512), NULL);
        const struct snap_fingerprint fingerprint = sample();
        struct snap_store store;

        must(snap_header_open(&store, cow, NULL));
        io_fault_add(cow, &(struct io_fault){.kind = kinds[k], .at = io_fault_count(cow, kinds[k])});
        assert_int_equal(snap_fingerprint_write(&store, &fingerprint, NULL), SNAP_E_IO);
        assert_int_equal(store.fingerprint_state, SNAP_FINGERPRINT_NONE);
        assert_int_equal(io_fault_count(cow, IO_FAULT_FLUSH), k == 2);
        must(snap_io_close(cow, NULL));
        fixture_free(&fixture);
    }
}

/* The kernel invalidated the store meanwhile: nothing is written. */
static void test_header_that_changed(void **state)
{
    struct snap_io *io = list_new(8, 100);
    const struct snap_fingerprint fingerprint = sample();
    struct snap_store store = list_open(io);

    (void)state;
    snap_put_le32(io_mem_bytes(io) + 4, 0);
    assert_int_equal(snap_fingerprint_write(&store, &fingerprint, NULL), SNAP_E_CORRUPT);
    assert_true(snap_all_zero(io_mem_bytes(io) + 512, 512));
    list_close(io);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_positions),
        cmocka_unit_test(test_listed),
        cmocka_unit_test(test_what_counts),
        cmocka_unit_test(test_small_chunks),
        cmocka_unit_test(test_second_sector_unreadable),
        cmocka_unit_test(test_one_atomic_write_and_a_flush),
        cmocka_unit_test(test_new_record),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_header_that_changed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
