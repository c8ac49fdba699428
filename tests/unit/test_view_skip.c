/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests that a view goes on over damaged chunks where that is wanted, and tells each of them. */
#include "lib/base/bytes.h"
#include "lib/view/view.h"
#include "tests/support/io_fault.h"
#include "tests/unit/format_fixture.h"
#include "tests/unit/list_fixture.h"
#include "tests/unit/unit.h"

#define CS 8u
#define CHUNK (CS * UINT64_C(512))
#define COUNT 40u
#define ORIGIN_CHUNKS 64u
#define MIB (UINT64_C(1) << 20)

/* Entry i is of origin chunk i + 10. Chunk n of the origin holds the byte n, data chunk n the byte 100 + n. */
struct pair {
    struct snap_io *origin, *cow;
    struct snap_store store;
    struct snap_view *view;
    int told[ORIGIN_CHUNKS]; /* 1 + the damage; 0: nothing */
    enum snap_status answer;
};

static enum snap_status note(void *context, uint64_t old_chunk, enum snap_view_damage damage, struct snap_error *err)
{
    struct pair *pair = context;

    assert_true(old_chunk < ORIGIN_CHUNKS);
    pair->told[old_chunk] = 1 + (int)damage;
    return pair->answer == SNAP_OK ? SNAP_OK : snap_fail(err, pair->answer, "no more");
}

static void make(struct pair *pair)
{
    *pair = (struct pair){.answer = SNAP_OK};
    pair->origin = io_mem_new("origin", ORIGIN_CHUNKS * CHUNK, 512, false);
    for (uint64_t chunk = 0; chunk < ORIGIN_CHUNKS; chunk++)
        memset(io_mem_bytes(pair->origin) + chunk * CHUNK, (int)chunk, CHUNK);
}

static void end(struct pair *pair)
{
    snap_view_close(pair->view);
    list_close(pair->origin);
    list_close(pair->cow);
}

static void put(struct snap_io *cow, uint64_t index, uint64_t old_chunk, uint64_t new_chunk)
{
    list_put(cow, CS, index, old_chunk, new_chunk);
}

static struct snap_io *sound_cow(void)
{
    struct snap_io *cow = list_new(CS, 60 * CS);

    for (uint64_t i = 0; i < COUNT; i++) {
        put(cow, i, i + 10, format_canonical(CS, i));
        memset(io_mem_bytes(cow) + format_canonical(CS, i) * CHUNK, (int)(100 + i), CHUNK);
    }
    return cow;
}

/* What stands in a chunk of the view, which is the same in all its bytes; -1: it cannot be read. */
static int shown(struct pair *pair, uint64_t chunk)
{
    uint8_t bytes[CHUNK];
    struct snap_error err;
    enum snap_status status = snap_view_read(pair->view, chunk * CHUNK, CHUNK, bytes, &err);

    if (status == SNAP_E_IO)
        status = snap_view_read_chunks(pair->view, chunk * CHUNK, CHUNK, bytes, &err);
    if (status != SNAP_OK)
        return -1;
    for (size_t i = 1; i < CHUNK; i++)
        assert_int_equal(bytes[i], bytes[0]);
    return bytes[0];
}

/* All chunks but those of `damage` (1 + damage for each chunk, 0: none) are as always; those are told and filled. */
static void expect(struct pair *pair, const int *damage, bool as_origin)
{
    for (uint64_t chunk = 0; chunk < ORIGIN_CHUNKS; chunk++) {
        const int sound = chunk >= 10 && chunk < 10 + COUNT ? (int)(100 + chunk - 10) : (int)chunk;

        assert_int_equal(shown(pair, chunk), !damage[chunk] ? sound : as_origin ? (int)chunk : 0);
        assert_int_equal(pair->told[chunk], damage[chunk]);
    }
}

static void open_view(struct pair *pair, struct snap_io *cow, const struct snap_view_skip *skip)
{
    struct snap_error err = {.text = ""};

    pair->cow = cow;
    pair->store = list_open(cow);
    assert_ok(snap_view_open(&pair->view, &pair->store, pair->origin, MIB, &err), &err);
    snap_view_skip_damaged(pair->view, skip);
}

/* Entries that name no data chunk of the device: too far, an area, the header, a top byte. */
static void entries_without_data_are_skipped(void **state)
{
    (void)state;
    for (int as_origin = 0; as_origin < 2; as_origin++) {
        const uint64_t news[] = {60, 1000, 1, UINT64_C(5) << 56 | 7, UINT64_MAX, UINT64_MAX - 2};
        int damage[ORIGIN_CHUNKS] = {0};
        struct snap_io *cow = sound_cow();
        struct pair pair = {.answer = SNAP_OK};
        const struct snap_view_skip skip = {.as_origin = as_origin, .skipped = note, .context = &pair};

        make(&pair);
        for (size_t i = 0; i < sizeof news / sizeof news[0]; i++) {
            put(cow, 3 * i, 3 * i + 10, news[i]);
            damage[3 * i + 10] = 1 + SNAP_VIEW_NO_DATA_CHUNK;
        }
        open_view(&pair, cow, &skip);
        expect(&pair, damage, as_origin);
        end(&pair);
    }
}

static void two_entries_and_shared_chunks_are_skipped(void **state)
{
    (void)state;
    for (int as_origin = 0; as_origin < 2; as_origin++) {
        const uint64_t shared[] = {format_canonical(CS, 5), format_canonical(CS, 20)};
        int damage[ORIGIN_CHUNKS] = {0};
        struct snap_io *cow = sound_cow();
        struct pair pair = {.answer = SNAP_OK};
        const struct snap_view_skip skip = {.as_origin = as_origin, .shared_chunks = shared, .shared_count = 2,
                                        .skipped = note, .context = &pair};

        make(&pair);
        put(cow, COUNT, 12, format_canonical(CS, COUNT));         /* the second one of chunk 12 */
        put(cow, COUNT + 1, 14, format_canonical(CS, 4));         /* the same once more: no damage */
        put(cow, COUNT + 2, 12, format_canonical(CS, 2));
        damage[12] = 1 + SNAP_VIEW_TWO_ENTRIES;
        put(cow, 6, 16, format_canonical(CS, 5));
        put(cow, 21, 31, format_canonical(CS, 20));
        damage[15] = damage[16] = damage[30] = damage[31] = 1 + SNAP_VIEW_SHARED;
        open_view(&pair, cow, &skip);
        expect(&pair, damage, as_origin);
        end(&pair);
    }
}

static void unreadable_data_are_skipped(void **state)
{
    (void)state;
    for (int as_origin = 0; as_origin < 2; as_origin++) {
        int damage[ORIGIN_CHUNKS] = {0};
        struct snap_io *cow = io_fault_new(sound_cow(), NULL);
        const struct io_fault fault = {.kind = IO_FAULT_READ, .from_then_on = true, .length_bytes = 512,
                                       .offset_bytes = format_canonical(CS, 7) * CHUNK + 1024};
        struct pair pair = {.answer = SNAP_OK};
        const struct snap_view_skip skip = {.as_origin = as_origin, .skipped = note, .context = &pair};

        make(&pair);
        open_view(&pair, cow, &skip);
        io_fault_add(cow, &fault);
        damage[17] = 1 + SNAP_VIEW_UNREADABLE;
        expect(&pair, damage, as_origin);
        end(&pair);
    }
}

static void a_part_of_a_damaged_chunk_is_a_part_of_what_stands_for_it(void **state)
{
    struct snap_io *cow = sound_cow();
    struct pair pair = {.answer = SNAP_OK};
    const struct snap_view_skip skip = {.as_origin = true};
    struct snap_error err = {.text = ""};
    uint8_t bytes[3 * CHUNK];

    (void)state;
    make(&pair);
    for (unsigned i = 0; i < 4096; i++)
        io_mem_bytes(pair.origin)[11 * CHUNK + i] = (uint8_t)(i / 16);
    put(cow, 1, 11, 5000);
    open_view(&pair, cow, &skip);
    assert_ok(snap_view_read(pair.view, 10 * CHUNK + 1000, 2 * CHUNK, bytes, &err), &err);
    for (unsigned i = 0; i < 2 * CHUNK; i++) {
        const unsigned at = 1000 + i;

        assert_int_equal(bytes[i], at < CHUNK ? 100 : at < 2 * CHUNK ? (at - CHUNK) / 16 % 256 : 102);
    }
    end(&pair);
}

static void who_is_told_can_end_the_read(void **state)
{
    struct snap_io *cow = sound_cow();
    struct pair pair = {.answer = SNAP_OK};
    const struct snap_view_skip skip = {.skipped = note, .context = &pair};
    struct snap_error err;
    uint8_t bytes[CHUNK];

    (void)state;
    make(&pair);
    put(cow, 1, 11, 5000);
    open_view(&pair, cow, &skip);
    pair.answer = SNAP_E_CORRUPT;
    assert_int_equal(snap_view_read(pair.view, 11 * CHUNK, CHUNK, bytes, &err), SNAP_E_CORRUPT);
    assert_string_equal(err.text, "no more");
    end(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_without_data_are_skipped),
        cmocka_unit_test(two_entries_and_shared_chunks_are_skipped),
        cmocka_unit_test(unreadable_data_are_skipped),
        cmocka_unit_test(a_part_of_a_damaged_chunk_is_a_part_of_what_stands_for_it),
        cmocka_unit_test(who_is_told_can_end_the_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
