/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists that a fault has ended early: all that stands behind the fault comes back, at once, or not at all. */
#include "lib/repair/restore_private.h"

#include "lib/base/arith.h"
#include "tests/unit/repair_fixture.h"

enum fault {
    LOST_NEW,    /* the data chunk of one entry is 0 */
    LOST_ENTRY,  /* one entry is zero */
    LOST_SECTOR, /* a sector of the list is zero */
    LOST_TAIL,   /* all sectors from one to the end of its area */
    FAULTS
};

struct ended {
    struct damage damage;   /* expected: what shall be there afterwards */
    struct snap_io *origin; /* holds zeros, and no entry has such data */
    uint64_t at;            /* the first slot that the fault has hit */
};

/* Zeroes the entries [first, end); those are lost for good. */
static void lose(struct damage *damage, uint64_t first, uint64_t end)
{
    for (uint64_t index = first; index < end && index < damage->entries; index++)
        list_put(damage->io, damage->chunk_sectors, index, 0, 0);
}

static struct ended ended_new(uint64_t seed, uint32_t chunk_sectors, uint32_t block_bytes, uint64_t entries,
                              enum fault fault)
{
    const uint64_t per_area = format_per_area(chunk_sectors), chunk_bytes = chunk_sectors * 512u;
    struct ended ended = {.damage = {.chunk_sectors = chunk_sectors, .block_bytes = block_bytes, .entries = entries}};
    struct damage *damage = &ended.damage;
    uint64_t state = seed * 2 + 1;

    damage->io = io_mem_new("cow", (format_area_chunk(chunk_sectors, entries / per_area + 2) + 1) * chunk_bytes,
                            block_bytes, true);
    ended.origin = io_mem_new("origin", (8 + 3 * entries) * chunk_bytes, 512, false);
    format_put_header(io_mem_bytes(damage->io), FORMAT_MAGIC, 1, 1, chunk_sectors);
    list_put_canonical(damage->io, chunk_sectors, 0, entries, 7, 3);
    for (uint64_t index = 0; index < entries; index++)
        memset(io_mem_bytes(damage->io) + format_canonical(chunk_sectors, index) * chunk_bytes, 0xa5, chunk_bytes);
    ended.at = unit_random(&state, entries);
    if (fault == LOST_NEW)
        list_put(damage->io, chunk_sectors, ended.at, 7 + 3 * ended.at, 0);
    if (fault == LOST_ENTRY)
        lose(damage, ended.at, ended.at + 1);
    if (fault == LOST_SECTOR || fault == LOST_TAIL)
        ended.at -= ended.at % 32;
    if (fault == LOST_SECTOR)
        lose(damage, ended.at, ended.at + 32);
    if (fault == LOST_TAIL)
        lose(damage, ended.at, ended.at - ended.at % per_area + per_area);
    for (uint64_t index = 0; index < entries; index++) {
        const uint8_t *entry = io_mem_bytes(damage->io) + format_entry_offset(chunk_sectors, index);

        if (snap_get_le64(entry + 8) != 0 || fault == LOST_NEW)
            damage->expected[damage->expected_count++] =
                (struct snap_entry){7 + 3 * index, format_canonical(chunk_sectors, index)};
    }
    return ended;
}

static void ended_free(struct ended *ended)
{
    list_close(ended->damage.io);
    list_close(ended->origin);
}

static void plan(struct snap_repair *repair, struct snap_io *io, struct snap_io *origin)
{
    const struct snap_repair_options options = {.origin = origin,
                                                .clear_entries = true,
                                                .change_view = true,
                                                .memory_bytes = SNAP_CHECK_MEMORY_MIN_BYTES};
    static struct snap_store store; /* the repair borrows it */
    struct snap_error err = {.text = ""};

    store = list_open(io);
    assert_ok(snap_repair_plan(repair, &store, &options, &err), &err);
}

static void mend(struct snap_io *io, struct snap_io *origin)
{
    struct snap_repair repair;

    plan(&repair, io, origin);
    apply(&repair);
    snap_repair_free(&repair);
}

/* The entries in front of the fault, as they are. */
static void assert_front(const struct ended *ended, const uint8_t *bytes)
{
    const uint32_t chunk_sectors = ended->damage.chunk_sectors;

    for (uint64_t index = 0; index < ended->at; index++)
        assert_memory_equal(bytes + format_entry_offset(chunk_sectors, index),
                            io_mem_bytes(ended->damage.io) + format_entry_offset(chunk_sectors, index), 16);
}

static void check_crashes(const struct ended *ended, const struct snap_repair *repair, const uint8_t *before)
{
    const struct damage *damage = &ended->damage;
    uint8_t *bytes = test_calloc(1, damage->io->size_bytes);
    uint64_t state = damage->entries * 77 + repair->edits.count, units;
    struct snap_store store = list_open(damage->io);
    struct snap_saved saved;

    must(snap_saved_make(&saved, &store, &repair->edits, repair->entries_before, NULL));
    for (size_t number = 0; number < repair->edits.count; number++) {
        struct snap_io *io;

        memcpy(bytes, before, damage->io->size_bytes);
        crash(&repair->edits, number, &state, bytes);
        assert_front(ended, bytes);
        io = copy_of(damage, bytes);
        mend(io, ended->origin);
        assert_list(damage, io_mem_bytes(io), COPIES);
        assert_clean(io);
        list_close(io);

        io = copy_of(damage, bytes);
        saved.edits.io = io;
        must(snap_saved_count(&saved, "old", &units, NULL));
        must(snap_saved_put_back(&saved, NULL));
        assert_memory_equal(io_mem_bytes(io), before, damage->io->size_bytes);
        list_close(io);
    }
    free(bytes);
}

/* True: all came back. */
static bool check_fault(uint64_t seed, uint32_t chunk_sectors, uint32_t block_bytes, uint64_t entries,
                        enum fault fault)
{
    struct ended ended = ended_new(seed, chunk_sectors, block_bytes, entries, fault);
    struct damage *damage = &ended.damage;
    uint8_t *before = test_calloc(1, damage->io->size_bytes);
    struct snap_repair repair;
    bool restores;

    memcpy(before, io_mem_bytes(damage->io), damage->io->size_bytes);
    plan(&repair, damage->io, ended.origin);
    restores = repair.restores;
    if (restores) {
        check_crashes(&ended, &repair, before);
        assert_memory_equal(io_mem_bytes(damage->io), before, damage->io->size_bytes);
        assert_int_equal(repair.entries_after, damage->expected_count);
        assert_int_equal(repair.change_count, damage->expected_count - repair.entries_before);
        apply(&repair);
        assert_list(damage, io_mem_bytes(damage->io), NOTHING);
        assert_true(format_zero_behind(io_mem_bytes(damage->io), chunk_sectors, damage->expected_count));
        assert_clean(damage->io);
    }
    snap_repair_free(&repair);
    ended_free(&ended);
    free(before);
    return restores;
}

static void test_faults(void **state)
{
    unsigned restored[FAULTS] = {0};
    uint64_t random = 5;

    (void)state;
    for (uint64_t seed = 1; seed <= 160; seed++) {
        const bool large_units = seed % 5 == 0;
        const enum fault fault = (enum fault)(seed % FAULTS);

        restored[fault] += check_fault(seed, large_units ? 8 : (uint32_t)1 << seed % 3, large_units ? 4096 : 512,
                                       4 + unit_random(&random, large_units ? 300 : 150), fault);
    }
    for (int fault = 0; fault < FAULTS; fault++)
        assert_true(restored[fault] >= 5);
}

/*
 * Several units are lost, or hold something else, in a list of several areas. Whatever a crash leaves of those that are
 * filled: one more run finds the same entries, and all that is behind them.
 */
static void test_crashes_end_in_one_place(void **state)
{
    static struct snap_entry wanted[2 * REPAIR_ENTRIES_MAX], found[2 * REPAIR_ENTRIES_MAX];
    uint64_t random = 7;
    unsigned restored = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 120; seed++) {
        struct ended ended = ended_new(seed, (uint32_t)1 << (1 + seed % 3), 512, 150 + unit_random(&random, 200),
                                       seed % 2 ? LOST_NEW : LOST_ENTRY);
        struct damage *damage = &ended.damage;
        uint8_t *before = test_calloc(1, damage->io->size_bytes), *bytes = test_calloc(1, damage->io->size_bytes);
        struct snap_repair repair;
        size_t count;

        for (uint64_t units = 1 + unit_random(&random, 3); units > 0; units--) {
            const uint64_t first = unit_random(&random, damage->entries) / 32 * 32;

            for (uint64_t index = snap_max(first, ended.at + 1); index < first + 32; index++)
                list_put(damage->io, damage->chunk_sectors, index, seed % 4 / 2 * 5, seed % 4 / 2 * UINT64_MAX);
        }
        memcpy(before, io_mem_bytes(damage->io), damage->io->size_bytes);
        plan(&repair, damage->io, ended.origin);
        restored += repair.restores;
        apply(&repair);
        count = read_entries(damage, io_mem_bytes(damage->io), wanted);
        for (size_t number = 0; number < 3 * repair.edits.count; number++) {
            struct snap_io *io;

            memcpy(bytes, before, damage->io->size_bytes);
            crash(&repair.edits, number / 3, &random, bytes);
            io = copy_of(damage, bytes);
            mend(io, ended.origin);
            assert_int_equal(read_entries(damage, io_mem_bytes(io), found), count);
            assert_memory_equal(found, wanted, count * sizeof *found);
            list_close(io);
        }
        snap_repair_free(&repair);
        ended_free(&ended);
        free(bytes);
        free(before);
    }
    assert_true(restored >= 40);
}

/* One byte of 300 entries: each of them comes back, where it was. */
static void test_lost_data_chunk_is_exact(void **state)
{
    struct ended ended = ended_new(9, 8, 512, 300, LOST_NEW);
    struct damage *damage = &ended.damage;
    struct snap_repair repair;
    static struct snap_entry entries[REPAIR_ENTRIES_MAX];

    (void)state;
    plan(&repair, damage->io, ended.origin);
    assert_true(repair.restores);
    assert_int_equal(repair.edits.count, 1);
    apply(&repair);
    snap_repair_free(&repair);
    assert_int_equal(list_read(io_mem_bytes(damage->io), damage->io->size_bytes, 8, entries, REPAIR_ENTRIES_MAX), 300);
    for (uint64_t index = 0; index < 300; index++)
        assert_int_equal(entries[index].old_chunk, 7 + 3 * index);
    ended_free(&ended);
}

/* The last slot of an area has lost its data chunk: what follows stands in the next area. */
static void test_lost_data_chunk_of_a_last_slot(void **state)
{
    (void)state;
    for (int follows = 0; follows < 2; follows++) {
        struct snap_io *io = list_new(1, format_area_chunk(1, 3)), *origin = list_new(1, 4000);
        struct snap_repair repair;
        static struct snap_entry entries[64];

        list_put_canonical(io, 1, 0, follows ? 40 : 32, 100, 1);
        list_put(io, 1, 31, 131, 0);
        for (uint64_t index = 0; index < 40; index++)
            io_mem_bytes(io)[format_canonical(1, index) * 512] = 1;
        plan(&repair, io, origin);
        assert_int_equal(repair.restores, follows);
        assert_int_equal(repair.behind_back, follows ? 9 : 0);
        apply(&repair);
        snap_repair_free(&repair);
        assert_int_equal(list_read(io_mem_bytes(io), io->size_bytes, 1, entries, 64), follows ? 40 : 31);
        assert_int_equal(entries[31].old_chunk, follows ? 131 : 0);
        assert_clean(io);
        list_close(io);
        list_close(origin);
    }
}

/* Entries for chunks that the origin does not have are none of its list, wherever they stand. */
static void test_behind_the_origin_stays_out(void **state)
{
    struct snap_io *io = list_new(1, format_area_chunk(1, 3)), *origin = list_new(1, 400);
    struct snap_repair repair;

    (void)state;
    list_put_canonical(io, 1, 0, 20, 100, 1);
    list_put(io, 1, 5, 0, 0);
    list_put(io, 1, 10, 400, format_canonical(1, 10));
    for (uint64_t index = 0; index < 20; index++)
        io_mem_bytes(io)[format_canonical(1, index) * 512] = 1;
    plan(&repair, io, origin);
    assert_int_equal(repair.behind_back, 13);
    assert_int_equal(repair.behind_lost, 2);
    apply(&repair);
    snap_repair_free(&repair);
    assert_clean(io);
    list_close(io);
    list_close(origin);
}

/* What a merge has brought to the origin does not come back, and without an origin nothing does. */
static void test_merged_or_unknown(void **state)
{
    struct ended ended = ended_new(9, 2, 512, 120, LOST_ENTRY);
    struct damage *damage = &ended.damage;
    uint8_t *before = test_calloc(1, damage->io->size_bytes);
    struct snap_repair repair;

    (void)state;
    memcpy(before, io_mem_bytes(damage->io), damage->io->size_bytes);
    plan(&repair, damage->io, NULL);
    assert_int_equal(repair.edits.count, 0);
    assert_true(repair.behind_found > 0);
    assert_false(repair.behind_merged);
    snap_repair_free(&repair);
    memset(io_mem_bytes(ended.origin), 0xa5, ended.origin->size_bytes);
    plan(&repair, damage->io, ended.origin);
    assert_false(repair.restores);
    assert_true(repair.behind_merged);
    apply(&repair);
    snap_repair_free(&repair);
    assert_true(format_zero_behind(io_mem_bytes(damage->io), 2, ended.at));
    assert_memory_equal(io_mem_bytes(damage->io) + format_area_offset(2, 0), before + format_area_offset(2, 0),
                        (ended.at < 64 ? ended.at : 64) * 16);
    free(before);
    ended_free(&ended);
}

/* An entry of the list that has the same chunk of the origin, or the same data chunk, keeps it. */
static void test_known_chunks_stay_out(void **state)
{
    struct snap_io *io = list_new(1, format_area_chunk(1, 3)), *origin = list_new(1, 4000);
    struct snap_repair repair;
    static struct snap_entry entries[64];

    (void)state;
    list_put_canonical(io, 1, 0, 20, 100, 1);
    list_put(io, 1, 5, 0, 0);
    list_put(io, 1, 10, 102, format_canonical(1, 10));                 /* the old of entry 2 */
    list_put(io, 1, 3, 103, format_canonical(1, 12));                  /* entry 3 has the data of entry 12 */
    for (uint64_t index = 0; index < 20; index++)
        io_mem_bytes(io)[format_canonical(1, index) * 512] = 1;
    plan(&repair, io, origin);
    assert_true(repair.restores);
    assert_int_equal(repair.entries_after, 5 + 12);
    apply(&repair);
    snap_repair_free(&repair);
    assert_int_equal(list_read(io_mem_bytes(io), io->size_bytes, 1, entries, 64), 17);
    assert_clean(io);
    list_close(io);
    list_close(origin);
}

/* One entry that the origin holds says nothing of others beside it, which stand where old kernels put them. */
static void test_others_are_not_merged(void **state)
{
    struct snap_io *io = list_new(1, format_area_chunk(1, 3)), *origin = list_new(1, 4000);
    struct snap_repair repair;

    (void)state;
    list_put_canonical(io, 1, 0, 10, 100, 1);
    for (uint64_t index = 11; index < 20; index++) {
        list_put(io, 1, index, 100 + index, format_canonical(1, index + 15));
        io_mem_bytes(io)[format_canonical(1, index + 15) * 512] = 1;
    }
    list_put(io, 1, 20, 120, format_canonical(1, 20)); /* zeros, as on the origin */
    plan(&repair, io, origin);
    assert_int_equal(repair.behind_found, 1);
    assert_false(repair.behind_merged);
    assert_int_equal(repair.edits.count, 0);
    snap_repair_free(&repair);
    list_close(io);
    list_close(origin);
}

/*
 * The last slot of an area has an entry, but neither its first one nor the one before: the next area is looked at, or
 * its content would be in the list for a moment, whatever it is.
 */
static void test_end_is_looked_at(void **state)
{
    (void)state;
    for (int garbage = 0; garbage < 2; garbage++) {
        struct snap_io *io = list_new(1, format_area_chunk(1, 4)), *origin = list_new(1, 4000);
        struct snap_repair repair;

        list_put_canonical(io, 1, 0, 70, 100, 1);
        list_put(io, 1, 5, 0, 0);
        list_put(io, 1, 31, 0, 0);
        list_put(io, 1, 32, 0, 0);
        for (uint64_t index = 0; index < 70; index++)
            io_mem_bytes(io)[format_canonical(1, index) * 512] = 1;
        for (uint64_t index = 64; garbage && index < 96; index++)
            list_put(io, 1, index, 7, 5000 + index);
        plan(&repair, io, origin);
        assert_true(repair.restores);
        assert_int_equal(repair.entries_after, garbage ? 61 : 67);
        for (size_t i = 0; i < repair.edits.count; i++) {
            static struct snap_entry entries[128];
            const struct snap_edit *edit = &repair.edits.items[i];
            uint64_t count;

            memcpy(io_mem_bytes(io) + edit->offset_bytes, edit->after, repair.edits.unit_bytes);
            count = list_read(io_mem_bytes(io), io->size_bytes, 1, entries, 128);
            assert_true(count != LIST_PAST_END);
            for (uint64_t entry = 0; entry < count; entry++)
                assert_in_range(entries[entry].old_chunk, 100, garbage ? 163 : 169);
        }
        snap_repair_free(&repair);
        list_close(io);
        list_close(origin);
    }
}

/* In the area of the end one entry in its place is enough; whole areas that were left by an earlier store are not. */
static void test_few_behind_lost_ones(void **state)
{
    (void)state;
    for (int whole_area = 0; whole_area < 2; whole_area++) {
        const uint64_t lost_end = whole_area ? 128 : 96;
        struct snap_io *io = list_new(2, 400), *origin = list_new(2, 4000);
        struct snap_repair repair;
        struct snap_entry entries[80];

        list_put_canonical(io, 2, 0, lost_end + 1, 100, 1);
        memset(io_mem_bytes(io) + format_canonical(2, lost_end) * 1024, 1, 1024);
        for (uint64_t index = 64; index < lost_end; index++)
            list_put(io, 2, index, 0, 0);
        plan(&repair, io, origin);
        assert_int_equal(repair.restores, !whole_area);
        assert_int_equal(repair.behind_found, 1);
        assert_int_equal(repair.behind_lost, whole_area ? 0 : 32);
        apply(&repair);
        snap_repair_free(&repair);
        assert_int_equal(list_read(io_mem_bytes(io), io->size_bytes, 2, entries, 80), whole_area ? 64 : 65);
        if (!whole_area) {
            assert_int_equal(entries[64].old_chunk, 196);
            assert_int_equal(entries[64].new_chunk, format_canonical(2, 96));
            assert_clean(io);
        }
        list_close(io);
        list_close(origin);
    }
}

/* An area that was lost as a whole does not end the list, where the one in front of it was full. */
static void test_areas_behind_a_lost_one(void **state)
{
    struct snap_io *io = list_new(2, 600), *origin = list_new(2, 4000);
    struct snap_repair repair;

    (void)state;
    list_put_canonical(io, 2, 0, 180, 100, 1);
    for (uint64_t index = 0; index < 180; index++) {
        io_mem_bytes(io)[format_canonical(2, index) * 1024] = 1;
        if (index == 11 || index / 64 == 1)
            list_put(io, 2, index, 0, 0);
    }
    plan(&repair, io, origin);
    assert_int_equal(repair.behind_back, (64 - 12) + (180 - 128));
    assert_int_equal(repair.behind_lost, 1 + 64);
    assert_int_equal(repair.entries_after, 180 - 65);
    apply(&repair);
    snap_repair_free(&repair);
    assert_clean(io);
    list_close(io);
    list_close(origin);
}

/* Masked samples of lost entries must not say that a merge has written there; durable before the list goes on. */
static void test_lost_entries_are_no_merged_ones(void **state)
{
    const struct snap_identity identity = {.store_id = {1}, .origin_sectors = 8000, .chunk_sectors = 2};
    const struct snap_fingerprint fingerprint = {.store_id = {1}, .samples = 192, .mask = {1}, .sums = {7, 8}};

    (void)state;
    for (int lost = 0; lost < 2; lost++) {
        struct snap_io *io = list_new(2, 200), *origin = list_new(2, 4000);
        struct snap_repair repair;
        struct snap_store store;

        list_put_canonical(io, 2, 0, 20, 100, 1);
        for (uint64_t index = 0; index < 20; index++)
            io_mem_bytes(io)[format_canonical(2, index) * 1024] = 1;
        list_put(io, 2, 5, lost ? 0 : 105, 0);
        snap_codec_encode_record(&identity, io_mem_bytes(io));
        snap_codec_encode_fingerprint(&fingerprint, io_mem_bytes(io) + 512);
        plan(&repair, io, origin);
        assert_true(repair.restores);
        assert_int_equal(repair.behind_lost, lost);
        assert_int_equal(repair.behind_back, 15 - lost);
        assert_int_equal(repair.edits.items[0].offset_bytes, lost ? 512 : 1024);
        assert_true(repair.edits.items[0].flush);
        apply(&repair);
        snap_repair_free(&repair);
        store = list_open(io);
        assert_int_equal(store.fingerprint_state, SNAP_FINGERPRINT_OK);
        assert_int_equal(store.fingerprint.sums[0], lost ? 0 : 7);
        assert_int_equal(store.fingerprint.sums[1], 8);
        list_close(io);
        list_close(origin);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_crashes_end_in_one_place),
        cmocka_unit_test(test_lost_data_chunk_is_exact),
        cmocka_unit_test(test_lost_data_chunk_of_a_last_slot),
        cmocka_unit_test(test_behind_the_origin_stays_out),
        cmocka_unit_test(test_merged_or_unknown),
        cmocka_unit_test(test_known_chunks_stay_out),
        cmocka_unit_test(test_others_are_not_merged),
        cmocka_unit_test(test_end_is_looked_at),
        cmocka_unit_test(test_lost_entries_are_no_merged_ones),
        cmocka_unit_test(test_few_behind_lost_ones),
        cmocka_unit_test(test_areas_behind_a_lost_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
