/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests the snapshot view against one that is put together naively. */
#include "lib/base/bytes.h"
#include "lib/view/view.h"
#include "tests/support/io_fault.h"
#include "tests/unit/alloc_fixture.h"
#include "tests/unit/format_fixture.h"
#include "tests/unit/list_fixture.h"
#include "tests/unit/unit.h"

#define MIB (UINT64_C(1) << 20)
#define ENTRIES_MAX 120000u
#define MAP_ENTRIES (MIB / 24) /* about as many as the smallest memory holds */

static struct snap_entry entries[ENTRIES_MAX];
static uint64_t seed = 11;

struct pair {
    struct snap_io *origin, *cow;
    struct snap_store store;
    struct snap_view *view;
    uint8_t *naive; /* the view's bytes */
};

static void random_bytes(struct snap_io *io, uint64_t from_bytes)
{
    for (uint64_t i = from_bytes; i + 8 <= io->size_bytes; i += 8)
        snap_put_le64(io_mem_bytes(io) + i, unit_random(&seed, UINT64_MAX));
}

/* The first entry on disk counts (dmsnap-store(5), DUPLICATES), and those beyond the origin do not. */
static uint8_t *naive_view(struct snap_io *origin, struct snap_io *cow, uint32_t cs, uint64_t count)
{
    const uint64_t size_bytes = origin->size_bytes / 512 * 512, chunk_bytes = cs * UINT64_C(512);
    uint8_t *bytes = test_calloc(1, (size_t)size_bytes);

    memcpy(bytes, io_mem_bytes(origin), (size_t)size_bytes);
    for (uint64_t i = count; i-- > 0;) {
        const uint64_t old = entries[i].old_chunk;
        const uint8_t *data = io_mem_bytes(cow) + entries[i].new_chunk * chunk_bytes;

        if (old >= size_bytes)
            continue;
        for (uint64_t at = 0; at < chunk_bytes && old * chunk_bytes + at < size_bytes; at += 512)
            memcpy(bytes + old * chunk_bytes + at, data + at, 512);
    }
    return bytes;
}

/* Devices of random bytes with `entries` on them, and their view. */
static void open_pair(struct pair *pair, uint32_t cs, uint64_t count, uint64_t origin_bytes, uint64_t memory_bytes)
{
    struct snap_error err = {.text = ""};

    pair->origin = io_mem_new("origin", origin_bytes, 512, false);
    pair->cow = list_new(cs, (format_canonical(cs, count) + format_per_area(cs)) * cs);
    random_bytes(pair->origin, 0);
    random_bytes(pair->cow, cs * UINT64_C(512));
    for (uint64_t area = 0; (format_area_chunk(cs, area) + 1) * cs * 512 <= pair->cow->size_bytes; area++)
        memset(io_mem_bytes(pair->cow) + format_area_chunk(cs, area) * cs * 512, 0, cs * UINT64_C(512));
    for (uint64_t i = 0; i < count; i++)
        list_put(pair->cow, cs, i, entries[i].old_chunk, entries[i].new_chunk);
    pair->store = list_open(pair->cow);
    pair->naive = naive_view(pair->origin, pair->cow, cs, count);
    assert_ok(snap_view_open(&pair->view, &pair->store, pair->origin, memory_bytes, &err), &err);
}

static void close_pair(struct pair *pair)
{
    snap_view_close(pair->view);
    list_close(pair->origin);
    list_close(pair->cow);
    free(pair->naive);
}

/* Reads a range between two guards, and compares. */
static void assert_read(const struct pair *pair, uint64_t offset_bytes, uint64_t length_bytes)
{
    struct snap_error err = {.text = ""};
    uint8_t *buffer = test_calloc(1, (size_t)length_bytes + 32);

    memset(buffer, 0xa5, (size_t)length_bytes + 32);
    assert_ok(snap_view_read(pair->view, offset_bytes, length_bytes, buffer + 16, &err), &err);
    assert_memory_equal(buffer + 16, pair->naive + offset_bytes, (size_t)length_bytes);
    for (size_t i = 0; i < 16; i++) {
        assert_int_equal(buffer[i], 0xa5);
        assert_int_equal(buffer[16 + length_bytes + i], 0xa5);
    }
    free(buffer);
}

/* Every chunk once, in random order. */
static void shuffled_olds(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        entries[i].old_chunk = i;
    for (uint64_t i = count; i > 1; i--) {
        uint64_t other = unit_random(&seed, i), old = entries[i - 1].old_chunk;

        entries[i - 1].old_chunk = entries[other].old_chunk;
        entries[other].old_chunk = old;
    }
}

static void random_reads_show_the_view(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 150; round++) {
        const uint32_t cs = 1u << unit_random(&seed, 4);
        const uint64_t count = unit_random(&seed, 150);
        const uint64_t origin_bytes = (unit_random(&seed, 300 * cs) + 1) * 512 + (round % 4 ? 0 : 100);
        struct pair pair;

        for (uint64_t i = 0; i < count; i++) /* some twice, some beyond the origin */
            entries[i] = (struct snap_entry){unit_random(&seed, 320), format_canonical(cs, i)};
        for (uint64_t i = 0; i + 1 < count; i += 2 + unit_random(&seed, 9)) {
            entries[i + 1].old_chunk = entries[i].old_chunk + 1; /* runs in the origin, and backwards on the COW */
            entries[i].new_chunk = format_canonical(cs, i + 1);
            entries[i + 1].new_chunk = format_canonical(cs, i);
        }
        open_pair(&pair, cs, count, origin_bytes, MIB);
        assert_int_equal(snap_view_size_bytes(pair.view), origin_bytes / 512 * 512);
        assert_read(&pair, 0, origin_bytes / 512 * 512);
        for (unsigned i = 0; i < 60; i++) {
            uint64_t offset_bytes = unit_random(&seed, origin_bytes / 512 * 512);
            uint64_t length_bytes = unit_random(&seed, origin_bytes / 512 * 512 - offset_bytes + 1);

            if (i % 2)
                length_bytes %= 1500;
            if (i % 3)
                offset_bytes = offset_bytes / 512 * 512;
            assert_read(&pair, offset_bytes, length_bytes);
        }
        close_pair(&pair);
    }
}

static void long_reads_take_many_requests(void **state)
{
    const uint64_t count = 3000;
    struct pair pair;

    (void)state;
    for (uint64_t i = 0; i < count; i++) /* every second chunk, and a long run without entries behind them */
        entries[i] = (struct snap_entry){i * 2, format_canonical(1, i)};
    open_pair(&pair, 1, count, 6000 * 512 + 3 * MIB, MIB);
    assert_read(&pair, 0, pair.origin->size_bytes);
    assert_read(&pair, 511, pair.origin->size_bytes - 600);
    close_pair(&pair);
    shuffled_olds(count);
    for (uint64_t i = 0; i < count; i++)
        entries[i] = (struct snap_entry){i, format_canonical(8, i)}; /* one long run on both */
    open_pair(&pair, 8, count, count * 4096 + 5000 * 512, MIB);
    assert_read(&pair, 0, pair.origin->size_bytes);
    close_pair(&pair);
}

static void a_short_map_is_loaded_again(void **state)
{
    struct snap_error err = {.text = ""};
    struct pair pair;
    uint64_t next_bytes;

    (void)state;
    shuffled_olds(ENTRIES_MAX);
    for (uint64_t i = 0; i < ENTRIES_MAX; i++) {
        entries[i].old_chunk += entries[i].old_chunk / 1000 * 10; /* with gaps */
        entries[i].new_chunk = format_canonical(1, i);
    }
    open_pair(&pair, 1, ENTRIES_MAX, (ENTRIES_MAX / 100 * 101 + 777) * 512, MIB);
    for (uint64_t at = 0; at < pair.origin->size_bytes; at += 3 * MIB + 512)
        assert_read(&pair, at, (pair.origin->size_bytes - at) % (3 * MIB + 512));
    assert_read(&pair, 0, pair.origin->size_bytes);
    for (unsigned i = 0; i < 25; i++) { /* back and forth */
        uint64_t at = unit_random(&seed, pair.origin->size_bytes / 512) * 512;

        assert_read(&pair, at, pair.origin->size_bytes - at > 8192 ? 8192 : pair.origin->size_bytes - at);
    }
    for (uint64_t start = 0; start < 60000; start += 1 + unit_random(&seed, 9000)) {
        /* All entries from there on; where a map ends is by chance. */
        for (uint64_t entry = start, at = (start + start / 1000 * 10) * 512;; at = next_bytes + 512, entry++) {
            assert_ok(snap_view_next_entry(pair.view, at, &next_bytes, &err), &err);
            if (next_bytes == pair.origin->size_bytes) {
                assert_int_equal(entry, ENTRIES_MAX);
                break;
            }
            assert_int_equal(next_bytes, (entry + entry / 1000 * 10) * 512);
        }
    }
    close_pair(&pair);
}

static void reading_upwards_takes_few_walks(void **state)
{
    const uint64_t areas = ENTRIES_MAX / 32 + 1;
    struct snap_error err = {.text = ""};
    struct snap_io *counted;
    struct pair pair;
    struct snap_view *view;
    uint64_t next_bytes = 0;

    (void)state;
    shuffled_olds(ENTRIES_MAX);
    for (uint64_t i = 0; i < ENTRIES_MAX; i++)
        entries[i].new_chunk = format_canonical(1, i);
    open_pair(&pair, 1, ENTRIES_MAX, ENTRIES_MAX * 512, MIB);
    counted = io_fault_new(pair.cow, NULL);
    pair.store.io = counted;
    assert_ok(snap_view_open(&view, &pair.store, pair.origin, MIB, &err), &err);
    for (uint64_t at = 0; at < pair.origin->size_bytes; at = next_bytes + 512)
        assert_ok(snap_view_next_entry(view, at, &next_bytes, &err), &err);
    assert_in_range(io_fault_count(counted, IO_FAULT_READ), areas,
                    (ENTRIES_MAX / (MAP_ENTRIES / 2) + 1) * (areas + 4096));
    snap_view_close(view);
    pair.cow = counted;
    close_pair(&pair);
}

static void the_first_on_disk_counts_with_a_short_map_too(void **state)
{
    struct pair pair;

    (void)state;
    shuffled_olds(ENTRIES_MAX / 2);
    for (uint64_t i = 0; i < ENTRIES_MAX; i++) {
        if (i >= ENTRIES_MAX / 2)
            entries[i].old_chunk = entries[i - ENTRIES_MAX / 2].old_chunk ^ (i % 7 == 0);
        entries[i].new_chunk = format_canonical(1, i);
    }
    open_pair(&pair, 1, ENTRIES_MAX, ENTRIES_MAX / 2 * 512, MIB);
    assert_read(&pair, 0, pair.origin->size_bytes);
    assert_read(&pair, pair.origin->size_bytes / 2, 512 * 1000);
    close_pair(&pair);
}

static void many_entries_for_one_chunk_fit(void **state)
{
    struct pair pair;

    (void)state;
    for (uint64_t i = 0; i < ENTRIES_MAX; i++)
        entries[i] = (struct snap_entry){i % 3, format_canonical(1, i)};
    open_pair(&pair, 1, ENTRIES_MAX, 10 * 512, MIB);
    assert_read(&pair, 0, pair.origin->size_bytes);
    close_pair(&pair);
}

static void entries_beyond_the_origin_are_invisible(void **state)
{
    struct snap_error err = {.text = ""};
    struct pair pair;
    uint64_t next_bytes;

    (void)state;
    entries[0] = (struct snap_entry){10, 2}; /* the origin has chunks 0..9, the last is partial */
    entries[1] = (struct snap_entry){UINT64_MAX, 3};
    entries[2] = (struct snap_entry){9, 4};
    open_pair(&pair, 8, 3, 9 * 4096 + 512, MIB);
    assert_read(&pair, 0, 9 * 4096 + 512);
    assert_memory_equal(pair.naive + 9 * 4096, io_mem_bytes(pair.cow) + 4 * 4096, 512);
    assert_ok(snap_view_next_entry(pair.view, 0, &next_bytes, &err), &err);
    assert_int_equal(next_bytes, 9 * 4096);
    close_pair(&pair);
    open_pair(&pair, 8, 2, 9 * 4096 + 512, MIB); /* nothing but those */
    assert_read(&pair, 0, 9 * 4096 + 512);
    assert_ok(snap_view_next_entry(pair.view, 0, &next_bytes, &err), &err);
    assert_int_equal(next_bytes, 9 * 4096 + 512);
    close_pair(&pair);
}

static void the_next_entry_is_told(void **state)
{
    static const uint64_t places[][2] = {{0, 8192}, {4096, 8192}, {8191, 8192}, {8192, 8192}, {12288, 20480},
                                         {16384, 20480}, {20480, 20480}, {24576, 40448}, {40447, 40448},
                                         {40448, 40448}, {UINT64_MAX, 40448}};
    struct snap_error err = {.text = ""};
    struct pair pair;
    uint64_t next_bytes;

    (void)state;
    entries[0] = (struct snap_entry){5, 2};
    entries[1] = (struct snap_entry){2, 3};
    open_pair(&pair, 8, 2, 40448, MIB); /* 79 sectors */
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        assert_ok(snap_view_next_entry(pair.view, places[i][0], &next_bytes, &err), &err);
        assert_int_equal(next_bytes, places[i][1]);
    }
    assert_ok(snap_view_next_entry(pair.view, 8192 + 100, &next_bytes, &err), &err);
    assert_int_equal(next_bytes, 8192 + 100); /* inside a chunk that has one */
    close_pair(&pair);
}

static void data_beyond_the_cow_are_an_error(void **state)
{
    static const uint64_t beyond[] = {0, 1, UINT64_C(1) << 60, UINT64_MAX};
    uint8_t buffer[4 * 4096];

    (void)state;
    for (size_t i = 0; i < sizeof beyond / sizeof beyond[0]; i++) {
        struct snap_error err = {.text = ""};
        struct pair pair;

        entries[0] = (struct snap_entry){1, 2};
        entries[1] = (struct snap_entry){3, 3};
        open_pair(&pair, 8, 2, 20 * 4096, MIB);
        list_put(pair.cow, 8, 1, 3, beyond[i] < 2 ? pair.store.layout.cow_chunks + beyond[i] : beyond[i]);
        assert_status(snap_view_read(pair.view, 0, 4 * 4096, buffer, &err), SNAP_E_CORRUPT, &err);
        assert_non_null(strstr(err.text, "cow: "));
        assert_status(snap_view_read(pair.view, 4 * 4096 - 1, 2, buffer, &err), SNAP_E_CORRUPT, &err);
        assert_read(&pair, 0, 3 * 4096); /* what does not need it can be read */
        assert_read(&pair, 4 * 4096, 16 * 4096);
        list_put(pair.cow, 8, 1, 3, pair.store.layout.cow_chunks - 1); /* the last chunk is one */
        snap_view_close(pair.view);
        assert_ok(snap_view_open(&pair.view, &pair.store, pair.origin, MIB, &err), &err);
        assert_ok(snap_view_read(pair.view, 3 * 4096, 4096, buffer, &err), &err);
        assert_memory_equal(buffer, io_mem_bytes(pair.cow) + (pair.store.layout.cow_chunks - 1) * 4096, 4096);
        close_pair(&pair);
    }
}

static void reads_stay_inside_the_view(void **state)
{
    struct snap_error err = {.text = ""};
    uint8_t byte;
    struct pair pair;

    (void)state;
    entries[0] = (struct snap_entry){0, 2};
    open_pair(&pair, 8, 1, 4096 + 700, MIB);
    assert_int_equal(snap_view_size_bytes(pair.view), 4096 + 512);
    assert_read(&pair, 4096 + 511, 1);
    assert_read(&pair, 4096 + 512, 0);
    assert_status(snap_view_read(pair.view, 4096 + 512, 1, &byte, &err), SNAP_E_INTERNAL, &err);
    assert_status(snap_view_read(pair.view, UINT64_MAX, 1, &byte, &err), SNAP_E_INTERNAL, &err);
    assert_status(snap_view_read(pair.view, 1, UINT64_MAX, &byte, &err), SNAP_E_INTERNAL, &err);
    close_pair(&pair);
}

static void errors_of_both_devices_are_told(void **state)
{
    static const struct {
        bool on_cow;
        uint64_t offset_bytes;
    } places[] = {{false, 0}, {true, 2 * 4096}, {true, 4096}}; /* origin, data, list */

    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct snap_error err = {.text = ""};
        uint8_t buffer[2 * 4096];
        struct snap_io *faulty, *origin;
        struct pair pair;

        entries[0] = (struct snap_entry){1, 2};
        open_pair(&pair, 8, 1, 20 * 4096, MIB);
        snap_view_close(pair.view);
        faulty = io_fault_new(places[i].on_cow ? pair.cow : pair.origin, NULL);
        origin = places[i].on_cow ? pair.origin : faulty;
        if (places[i].on_cow)
            pair.store.io = faulty;
        assert_ok(snap_view_open(&pair.view, &pair.store, origin, MIB, &err), &err);
        io_fault_add(faulty, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true,
                                                .offset_bytes = places[i].offset_bytes, .length_bytes = 512});
        assert_status(snap_view_read(pair.view, 0, sizeof buffer, buffer, &err), SNAP_E_IO, &err);
        assert_non_null(strstr(err.text, places[i].on_cow ? "cow: " : "origin: "));
        io_fault_clear(faulty);
        assert_read(&pair, 0, sizeof buffer); /* nothing wrong was kept */
        *(places[i].on_cow ? &pair.cow : &pair.origin) = faulty;
        close_pair(&pair);
    }
}

static void a_list_without_an_end_has_no_view(void **state)
{
    struct snap_error err = {.text = ""};
    struct snap_io *origin = io_mem_new("origin", 100 * 512, 512, false), *cow = list_new(1, 34);
    struct snap_store store;
    struct snap_view *view;
    uint64_t next_bytes;
    uint8_t byte;

    (void)state;
    list_put_canonical(cow, 1, 0, 32, 0, 1);
    store = list_open(cow);
    assert_ok(snap_view_open(&view, &store, origin, MIB, &err), &err);
    for (unsigned i = 0; i < 2; i++) {
        assert_status(snap_view_read(view, 0, 1, &byte, &err), SNAP_E_CORRUPT, &err);
        assert_status(snap_view_next_entry(view, 0, &next_bytes, &err), SNAP_E_CORRUPT, &err);
    }
    snap_view_close(view);
    list_close(origin);
    list_close(cow);
}

static void no_allocation_can_fail_unnoticed(void **state)
{
    struct snap_io *origin = io_mem_new("origin", 100 * 512, 512, false), *cow = list_new(1, 100);
    struct snap_store store = list_open(cow);
    uint64_t before_bytes = alloc.live_bytes;

    (void)state;
    for (uint64_t k = 1;; k++) {
        struct snap_error err = {.text = ""};
        struct snap_view *view;
        enum snap_status status;

        alloc_fail_at(k, true);
        status = snap_view_open(&view, &store, origin, MIB, &err);
        alloc_fail_at(0, false);
        if (status == SNAP_OK) {
            assert_int_equal(k, 3);
            snap_view_close(view);
            break;
        }
        assert_int_equal(status, SNAP_E_NOMEM);
        assert_null(view);
        assert_int_equal(alloc.live_bytes, before_bytes);
    }
    snap_view_close(NULL);
    list_close(origin);
    list_close(cow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_reads_show_the_view),
        cmocka_unit_test(long_reads_take_many_requests),
        cmocka_unit_test(a_short_map_is_loaded_again),
        cmocka_unit_test(reading_upwards_takes_few_walks),
        cmocka_unit_test(the_first_on_disk_counts_with_a_short_map_too),
        cmocka_unit_test(many_entries_for_one_chunk_fit),
        cmocka_unit_test(entries_beyond_the_origin_are_invisible),
        cmocka_unit_test(the_next_entry_is_told),
        cmocka_unit_test(data_beyond_the_cow_are_an_error),
        cmocka_unit_test(reads_stay_inside_the_view),
        cmocka_unit_test(errors_of_both_devices_are_told),
        cmocka_unit_test(a_list_without_an_end_has_no_view),
        cmocka_unit_test(no_allocation_can_fail_unnoticed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
