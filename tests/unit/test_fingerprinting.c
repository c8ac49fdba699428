/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fingerprints of origins of any size, taken and compared: what agrees, what differs, what does not count. */
#include "lib/base/bytes.h"
#include "lib/base/crc32c.h"
#include "lib/check/fingerprinting.h"
#include "tests/support/io_fault.h"
#include "tests/unit/list_fixture.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/unit.h"

#include <errno.h>

#define CHUNK_SECTORS 4u /* two to a block */

static const uint8_t id[16] = {1, 2, 3};

static struct snap_io *origin_new(uint64_t size_bytes)
{
    struct snap_io *io = io_mem_new("origin", size_bytes, 512, true);

    fixture_pattern(io_mem_bytes(io), size_bytes / 8 * 8, 7);
    return io;
}

/* A store with a record of this origin. */
static struct snap_io *cow_new(const struct snap_io *origin)
{
    struct snap_io *cow = list_new(CHUNK_SECTORS, 400);
    struct snap_identity identity = {.origin_sectors = origin->size_bytes / 512};

    memcpy(identity.store_id, id, sizeof id);
    snap_codec_encode_record(&identity, io_mem_bytes(cow));
    return cow;
}

/* Returns how many samples could not be read. */
static uint32_t put_fingerprint(struct snap_io *cow, struct snap_io *origin)
{
    struct snap_store store = list_open(cow);
    struct snap_fingerprint fingerprint;
    uint32_t unreadable;

    must(snap_fingerprinting_take(&fingerprint, id, origin, &store, &unreadable, NULL));
    must(snap_fingerprint_write(&store, &fingerprint, NULL));
    return unreadable;
}

static struct snap_fingerprint_result compare(struct snap_io *cow, struct snap_io *origin)
{
    struct snap_fingerprint_result result;
    struct snap_error err = {.text = ""};
    struct snap_store store = list_open(cow);

    assert_ok(snap_fingerprinting_compare(&store, origin, &result, &err), &err);
    assert_int_equal(result.masked + result.listed + result.unreadable + result.agree + result.differ, result.samples);
    assert_true(result.agree_telling <= result.agree_places && result.agree_places <= result.agree);
    return result;
}

static struct snap_fingerprint_result compare_once(struct snap_io *origin)
{
    struct snap_io *cow = cow_new(origin);
    struct snap_fingerprint_result result;

    assert_int_equal(put_fingerprint(cow, origin), 0);
    result = compare(cow, origin);
    list_close(cow);
    return result;
}

static void test_every_size(void **state)
{
    static const struct {
        uint64_t size_bytes;
        uint32_t samples;
    } cases[] = {{0, 0}, {4095, 0}, {4096, 1}, {5 * 4096 + 512, 5}, {191 * 4096 + 511, 191}, {192 * 4096, 192},
                 {193 * 4096, 192}, {3000 * 4096 + 512, 192}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct snap_io *origin = origin_new(cases[i].size_bytes);
        struct snap_fingerprint_result result = compare_once(origin);

        assert_true(result.present);
        assert_int_equal(result.samples, cases[i].samples);
        assert_int_equal(result.agree, cases[i].samples);
        if (cases[i].size_bytes / 4096 < 192)
            assert_int_equal(result.agree_places, cases[i].samples);
        assert_true(result.agree_telling + 4 >= result.agree_places); /* 16 bits of different blocks may be the same */
        list_close(origin);
    }
}

static void test_no_fingerprint(void **state)
{
    struct snap_io *origin = origin_new(100 * 4096), *cow = cow_new(origin);
    struct snap_fingerprint_result result = compare(cow, origin);

    (void)state;
    assert_false(result.present);
    assert_int_equal(result.samples, 0);
    list_close(cow);
    list_close(origin);
}

/* What speaks for any disk is counted apart: zeros, and any other byte again and again. */
static void test_telling(void **state)
{
    struct snap_io *origin = origin_new(100 * 4096);
    struct snap_fingerprint_result result;

    (void)state;
    memset(io_mem_bytes(origin), 0, 30 * 4096);
    memset(io_mem_bytes(origin) + 30 * 4096, 0xff, 10 * 4096);
    io_mem_bytes(origin)[5 * 4096 + 4095] = 1;
    result = compare_once(origin);
    assert_int_equal(result.agree, 100);
    assert_int_equal(result.agree_telling, 61);
    list_close(origin);
}

/* One changed byte of a sampled block convicts, wherever it is; the first place is named. */
static void test_differences(void **state)
{
    struct snap_io *origin = origin_new(3000 * 4096), *cow = cow_new(origin);
    struct snap_fingerprint_result result;
    struct snap_store store;
    uint64_t lowest = UINT64_MAX;

    (void)state;
    assert_int_equal(put_fingerprint(cow, origin), 0);
    store = list_open(cow);
    for (uint32_t i = 16; i < 192; i += 25) {
        const uint64_t at = snap_fingerprint_block(&store.fingerprint, 3000 * 8, i) * 4096;
        uint32_t same = 0;

        for (uint32_t j = 0; j < 192; j++)
            same += snap_fingerprint_block(&store.fingerprint, 3000 * 8, j) * 4096 == at;
        io_mem_bytes(origin)[at + i]++;
        result = compare(cow, origin);
        assert_int_equal(result.differ, same);
        assert_int_equal(result.first_differing_bytes, at);
        io_mem_bytes(origin)[at + i]--;
    }
    for (uint32_t i = 40; i < 43; i++) {
        const uint64_t at = snap_fingerprint_block(&store.fingerprint, 3000 * 8, i) * 4096;

        memset(io_mem_bytes(origin) + at, 0, 4096);
        lowest = at < lowest ? at : lowest;
    }
    result = compare(cow, origin);
    assert_true(result.differ >= 3);
    assert_int_equal(result.first_differing_bytes, lowest);
    list_close(cow);
    list_close(origin);
}

/* A chunk of the list, also one that is half of a block, takes the sample out; taken off the list, it counts again. */
static void test_listed(void **state)
{
    struct snap_io *origin = origin_new(100 * 4096), *cow = cow_new(origin);
    struct snap_fingerprint_result result;

    (void)state;
    assert_int_equal(put_fingerprint(cow, origin), 0);
    list_put(cow, CHUNK_SECTORS, 0, 2 * 7 + 1, 2);
    list_put(cow, CHUNK_SECTORS, 1, 2 * 9, 3);
    list_put(cow, CHUNK_SECTORS, 2, 2 * 9 + 1, 4);
    memset(io_mem_bytes(origin) + 7 * 4096, 0, 4096);
    memset(io_mem_bytes(origin) + 9 * 4096, 0, 4096);
    result = compare(cow, origin);
    assert_int_equal(result.listed, 2);
    assert_int_equal(result.agree, 98);
    list_put(cow, CHUNK_SECTORS, 0, 0, 0);
    result = compare(cow, origin);
    assert_int_equal(result.listed, 0);
    assert_int_equal(result.differ, 2);
    assert_int_equal(result.first_differing_bytes, 7 * 4096);
    list_close(cow);
    list_close(origin);
}

/* A fingerprint for a store with a list leaves out for good what the list names at that time. */
static void test_masked(void **state)
{
    struct snap_io *origin = origin_new(100 * 4096), *cow = cow_new(origin);
    struct snap_fingerprint_result result;

    (void)state;
    list_put(cow, CHUNK_SECTORS, 0, 2 * 7, 2);
    assert_int_equal(put_fingerprint(cow, origin), 0);
    list_put(cow, CHUNK_SECTORS, 1, 2 * 8, 3);
    list_put(cow, CHUNK_SECTORS, 0, 2 * 9, 2);
    memset(io_mem_bytes(origin) + 7 * 4096, 0, 4096);
    result = compare(cow, origin);
    assert_int_equal(result.masked, 1);
    assert_int_equal(result.listed, 2);
    assert_int_equal(result.agree, 97);
    list_close(cow);
    list_close(origin);
}

/* The same content again and again, and the same block sampled again, tell once. */
static void test_distinct(void **state)
{
    struct snap_io *origin = origin_new(100 * 4096), *small = origin_new(193 * 4096);
    struct snap_fingerprint_result result = compare_once(small);

    (void)state;
    assert_int_equal(result.agree, 192);
    assert_true(result.agree_places < 192); /* 160 of them are drawn from 193 blocks */
    assert_true(result.agree_places > 32);
    assert_true(result.agree_telling + 4 >= result.agree_places);
    for (uint64_t block = 1; block < 90; block++)
        memcpy(io_mem_bytes(origin) + block * 4096, io_mem_bytes(origin), 4096);
    memset(io_mem_bytes(origin) + 90 * 4096, 7, 5 * 4096);
    result = compare_once(origin);
    assert_int_equal(result.agree, 100);
    assert_int_equal(result.agree_places, 100);
    assert_int_equal(result.agree_telling, 6);
    list_close(origin);
    list_close(small);
}

/*
 * A limit of the format: a CRC-32C directly behind what it covers, as in the superblock of ext4, hides a change there.
 */
static void test_own_checksum(void **state)
{
    struct snap_io *origin = origin_new(100 * 4096), *cow = cow_new(origin);
    uint8_t *superblock = io_mem_bytes(origin) + 1024;

    (void)state;
    snap_put_le32(superblock + 1020, snap_crc32c(superblock, 1020));
    assert_int_equal(put_fingerprint(cow, origin), 0);
    superblock[48] ^= 1;
    assert_int_equal(compare(cow, origin).differ, 1);
    snap_put_le32(superblock + 1020, snap_crc32c(superblock, 1020));
    assert_int_equal(compare(cow, origin).differ, 0);
    list_close(cow);
    list_close(origin);
}

/* Where a merge has written, and cut the list: a block that is sampled tells by its own sample. */
static void test_written_at(void **state)
{
    struct snap_io *origin = origin_new(300 * 4096), *cow = cow_new(origin);
    struct snap_store store = list_open(cow);
    struct snap_fingerprint_result result = {.samples = 0};
    uint64_t unsampled = 16;

    (void)state;
    assert_false(snap_fingerprinting_written_at(&store, &result, 0));
    assert_int_equal(put_fingerprint(cow, origin), 0);
    store = list_open(cow);
    for (uint32_t sample = 0; sample < store.fingerprint.samples; sample++)
        if (snap_fingerprint_block(&store.fingerprint, store.identity.origin_sectors, sample) == unsampled) {
            unsampled++;
            sample = UINT32_MAX; /* the next one is the first */
        }
    assert_false(snap_fingerprinting_written_at(&store, &result, 7 * 4096));
    assert_false(snap_fingerprinting_written_at(&store, &result, unsampled * 4096));
    snap_fingerprint_set_bit(result.written, 7);
    assert_true(snap_fingerprinting_written_at(&store, &result, 7 * 4096));
    assert_true(snap_fingerprinting_written_at(&store, &result, 7 * 4096 + 4095));
    assert_false(snap_fingerprinting_written_at(&store, &result, 8 * 4096));
    assert_true(snap_fingerprinting_written_at(&store, &result, unsampled * 4096));
    list_close(cow);
    list_close(origin);
}

static void test_unreadable(void **state)
{
    struct snap_io *origin = io_fault_new(origin_new(300 * 4096), NULL), *cow = cow_new(origin);
    struct snap_fingerprint_result result;
    struct snap_store store;
    uint32_t unreadable;
    uint64_t reads;

    (void)state;
    io_fault_add(origin, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true, .offset_bytes = 3 * 4096,
                                            .length_bytes = 512});
    unreadable = put_fingerprint(cow, origin);
    result = compare(cow, origin);
    assert_true(result.masked > 0);
    assert_int_equal(result.masked, unreadable);
    assert_int_equal(result.unreadable, 0);
    assert_int_equal(result.agree, 192 - result.masked);
    store = list_open(cow);
    assert_true(snap_fingerprint_bit(store.fingerprint.mask, 3));
    assert_int_equal(store.fingerprint.sums[3], 0);

    io_fault_add(origin, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true, .offset_bytes = 5 * 4096,
                                            .length_bytes = 512});
    assert_true(compare(cow, origin).unreadable > 0);
    assert_int_equal(compare(cow, origin).differ, 0);

    /* Where all is bad, not all is tried: each try may take long. */
    reads = io_fault_count(origin, IO_FAULT_READ);
    io_fault_add(origin, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true});
    result = compare(cow, origin);
    assert_int_equal(result.unreadable, 192 - result.masked);
    assert_true(io_fault_count(origin, IO_FAULT_READ) - reads <= 32);
    list_close(cow);
    list_close(origin);
}

/* A device that is gone is no bad sector. */
static void test_failures(void **state)
{
    struct snap_io *origin = io_fault_new(origin_new(300 * 4096), NULL), *cow = cow_new(origin);
    struct snap_fingerprint_result result;
    struct snap_store store;

    (void)state;
    assert_int_equal(put_fingerprint(cow, origin), 0);
    store = list_open(cow);
    io_fault_add(origin, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true, .sys_errno = ENOMEM});
    assert_int_not_equal(snap_fingerprinting_compare(&store, origin, &result, NULL), SNAP_OK);
    list_close(cow);
    list_close(origin);
}

/* An origin that is shorter now, and one that has grown: the samples stay where they were. */
static void test_other_size(void **state)
{
    struct snap_io *origin = origin_new(300 * 4096), *cow = cow_new(origin);
    struct snap_io *shorter = origin_new(200 * 4096), *longer = origin_new(400 * 4096);
    struct snap_fingerprint_result result;

    (void)state;
    assert_int_equal(put_fingerprint(cow, origin), 0);
    result = compare(cow, shorter);
    assert_true(result.unreadable >= 16);
    assert_int_equal(result.differ, 0);
    result = compare(cow, longer);
    assert_int_equal(result.agree, 192);
    list_close(cow);
    list_close(origin);
    list_close(shorter);
    list_close(longer);
}

/* Each block is read once, in ascending order. */
static void test_reads(void **state)
{
    struct recorder *recorder = recorder_new();
    struct snap_io *plain = origin_new(220 * 4096), *cow = cow_new(plain);
    struct snap_io *origin = io_record_new(recorder, "origin", io_mem_bytes(plain), plain->size_bytes, 512, false);
    const struct record_operation *log;
    uint64_t next = 0;
    size_t count;

    (void)state;
    put_fingerprint(cow, plain);
    recorder_log_clear(recorder);
    assert_int_equal(compare(cow, origin).agree, 192);
    log = recorder_log(recorder, &count);
    assert_true(count >= 32 && count <= 192);
    for (size_t i = 0; i < count; i++) {
        assert_true(log[i].offset_bytes >= next);
        next = log[i].offset_bytes + 4096;
    }
    must_close(origin);
    recorder_free(recorder);
    list_close(cow);
    list_close(plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_size),
        cmocka_unit_test(test_no_fingerprint),
        cmocka_unit_test(test_telling),
        cmocka_unit_test(test_differences),
        cmocka_unit_test(test_listed),
        cmocka_unit_test(test_masked),
        cmocka_unit_test(test_distinct),
        cmocka_unit_test(test_own_checksum),
        cmocka_unit_test(test_written_at),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_other_size),
        cmocka_unit_test(test_reads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
