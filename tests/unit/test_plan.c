/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plans: exact requests for small cases, and every sector covered once for random ones. */
#include "lib/merge/plan.h"

#include "tests/unit/store_fixture.h"
#include "tests/unit/unit.h"

#define MIB (UINT64_C(1) << 20)

static struct snap_layout layout_of(uint64_t chunk_sectors)
{
    struct snap_layout layout;

    must(snap_layout_init(&layout, chunk_sectors, UINT64_C(1) << 40, NULL));
    return layout;
}

static struct snap_plan plan_of(const struct snap_layout *layout, const struct snap_entry *entries, size_t count,
                                uint64_t origin_sectors)
{
    struct snap_plan plan;

    must(snap_plan_init(&plan, layout, SNAP_PLAN_MERGE, count, NULL));
    snap_plan_make(&plan, entries, count, 0, layout->chunk_bytes, origin_sectors);
    return plan;
}

static void expect_read(const struct snap_plan *plan, size_t i, uint64_t cow, uint64_t buffer, uint64_t length)
{
    assert_true(i < plan->read_count);
    assert_int_equal(plan->reads[i].source_offset_bytes, cow);
    assert_int_equal(plan->reads[i].buffer_offset_bytes, buffer);
    assert_int_equal(plan->reads[i].length_bytes, length);
}

static void expect_write(const struct snap_plan *plan, size_t i, uint64_t origin, uint64_t length, uint64_t pieces)
{
    assert_true(i < plan->write_count);
    assert_int_equal(plan->writes[i].target_offset_bytes, origin);
    assert_int_equal(plan->writes[i].length_bytes, length);
    assert_int_equal(plan->writes[i].pieces, pieces);
}

static void expect_piece(const struct snap_plan *plan, size_t i, uint64_t buffer, uint64_t length)
{
    assert_true(i < plan->piece_count);
    assert_int_equal(plan->pieces[i].buffer_offset_bytes, buffer);
    assert_int_equal(plan->pieces[i].length_bytes, length);
}

static void test_one_chunk(void **state)
{
    const struct snap_layout layout = layout_of(8);
    const struct snap_entry entries[] = {{10, 2}};
    struct snap_plan plan = plan_of(&layout, entries, 1, 1000);

    (void)state;
    assert_int_equal(plan.read_count, 1);
    expect_read(&plan, 0, 8192, 0, 4096);
    assert_int_equal(plan.write_count, 1);
    expect_write(&plan, 0, 40960, 4096, 1);
    expect_piece(&plan, 0, 0, 4096);
    assert_int_equal(plan.buffer_bytes, 4096);
    assert_int_equal(plan.read_bytes, 4096);
    assert_int_equal(plan.write_bytes, 4096);
    snap_plan_free(&plan);
    snap_plan_free(&plan); /* twice does no harm */
}

static void test_neighbours_are_one_request(void **state)
{
    const struct snap_layout layout = layout_of(8);
    const struct snap_entry entries[] = {{10, 2}, {11, 3}, {12, 4}, {20, 5}};
    struct snap_plan plan = plan_of(&layout, entries, 4, 1000);

    (void)state;
    assert_int_equal(plan.read_count, 1);
    expect_read(&plan, 0, 8192, 0, 16384);
    assert_int_equal(plan.write_count, 2);
    expect_write(&plan, 0, 40960, 12288, 1);
    expect_write(&plan, 1, 81920, 4096, 1);
    expect_piece(&plan, 0, 0, 12288);
    expect_piece(&plan, 1, 12288, 4096);
    snap_plan_free(&plan);
}

/* Neighbours on the origin from all over the COW: one write, gathered. */
static void test_gathered(void **state)
{
    const struct snap_layout layout = layout_of(1);
    const struct snap_entry entries[] = {{7, 2}, {6, 3}, {5, 9}, {8, 10}, {4, 30}};
    struct snap_plan plan = plan_of(&layout, entries, 5, 1000);

    (void)state;
    assert_int_equal(plan.read_count, 3);
    expect_read(&plan, 0, 1024, 0, 1024);
    expect_read(&plan, 1, 9 * 512, 1024, 1024);
    expect_read(&plan, 2, 30 * 512, 2048, 512);
    assert_int_equal(plan.write_count, 1);
    expect_write(&plan, 0, 2048, 2560, 5);
    expect_piece(&plan, 0, 2048, 512);
    expect_piece(&plan, 1, 1024, 512);
    expect_piece(&plan, 2, 512, 512);
    expect_piece(&plan, 3, 0, 512);
    expect_piece(&plan, 4, 1536, 512);
    snap_plan_free(&plan);
}

/* Chunk 34 is area 1 with chunks of one sector: it is not read, and the data around it are two reads. */
static void test_area_gap(void **state)
{
    const struct snap_layout layout = layout_of(1);
    const struct snap_entry entries[] = {{1, 32}, {2, 33}, {3, 35}, {4, 36}};
    struct snap_plan plan = plan_of(&layout, entries, 4, 1000);

    (void)state;
    assert_int_equal(plan.read_count, 2);
    expect_read(&plan, 0, 32 * 512, 0, 1024);
    expect_read(&plan, 1, 35 * 512, 1024, 1024);
    assert_int_equal(plan.write_count, 1);
    expect_write(&plan, 0, 512, 2048, 1);
    snap_plan_free(&plan);
}

/* 256 chunks of 4 KiB are 1 MiB: one request; 257 are two. */
static void test_request_limit(void **state)
{
    const struct snap_layout layout = layout_of(8);

    (void)state;
    for (size_t count = 255; count <= 257; count++) {
        struct snap_entry entries[257];
        struct snap_plan plan;

        for (size_t i = 0; i < count; i++)
            entries[i] = (struct snap_entry){100 + i, 1000 + i};
        plan = plan_of(&layout, entries, count, 10000);
        assert_int_equal(plan.read_count, count > 256 ? 2 : 1);
        expect_read(&plan, 0, 4096000, 0, (count > 256 ? 256 : count) * 4096);
        assert_int_equal(plan.write_count, count > 256 ? 2 : 1);
        expect_write(&plan, 0, 409600, (count > 256 ? 256 : count) * 4096, 1);
        if (count > 256) {
            expect_read(&plan, 1, 4096000 + MIB, MIB, 4096);
            expect_write(&plan, 1, 409600 + MIB, 4096, 1);
        }
        snap_plan_free(&plan);
    }
}

/* Sectors, every one its own piece: 1024 of them in one write. */
static void test_piece_limit(void **state)
{
    const struct snap_layout layout = layout_of(1);

    (void)state;
    for (size_t count = 1023; count <= 1025; count++) {
        static struct snap_entry entries[1025];
        struct snap_plan plan;

        for (size_t i = 0; i < count; i++)
            entries[i] = (struct snap_entry){i, 90000 - i * 2};
        plan = plan_of(&layout, entries, count, 10000);
        assert_int_equal(plan.read_count, count);
        assert_int_equal(plan.write_count, count > 1024 ? 2 : 1);
        expect_write(&plan, 0, 0, (count > 1024 ? 1024 : count) * 512, count > 1024 ? 1024 : count);
        if (count > 1024)
            expect_write(&plan, 1, 1024 * 512, 512, 1);
        snap_plan_free(&plan);
    }
}

/* The origin ends 3 sectors into its chunk 12. */
static void test_clipping(void **state)
{
    const struct snap_layout layout = layout_of(8);
    const struct snap_entry entries[] = {{12, 2}, {11, 3}};
    struct snap_plan plan = plan_of(&layout, entries, 2, 12 * 8 + 3);

    (void)state;
    assert_int_equal(plan.read_count, 2); /* the rest of the chunk is no data (dmsnap-store(5), ENTRIES AND AREAS) */
    expect_read(&plan, 0, 8192, 0, 1536);
    expect_read(&plan, 1, 12288, 4096, 4096);
    assert_int_equal(plan.write_count, 1);
    expect_write(&plan, 0, 11 * 4096, 4096 + 1536, 2);
    expect_piece(&plan, 0, 4096, 4096);
    expect_piece(&plan, 1, 0, 1536);
    assert_int_equal(plan.read_bytes, 4096 + 1536);
    assert_int_equal(plan.write_bytes, 4096 + 1536);
    snap_plan_free(&plan);
}

/* A chunk of 4 MiB in slices of 1 MiB and of 4 MiB; the origin ends inside of it, in its second and third MiB. */
static void test_slices(void **state)
{
    const struct snap_layout layout = layout_of(8192);
    const struct snap_entry entry = {3, 2};
    struct snap_plan plan;

    (void)state;
    must(snap_plan_init(&plan, &layout, SNAP_PLAN_MERGE, 1, NULL));
    for (uint64_t at = 0; at < 4 * MIB; at += MIB) {
        snap_plan_make(&plan, &entry, 1, at, MIB, 4 * 8192);
        assert_int_equal(plan.read_count, 1);
        expect_read(&plan, 0, 8 * MIB + at, 0, MIB);
        assert_int_equal(plan.write_count, 1);
        expect_write(&plan, 0, 12 * MIB + at, MIB, 1);
        expect_piece(&plan, 0, 0, MIB);
        assert_int_equal(plan.buffer_bytes, MIB);

        snap_plan_make(&plan, &entry, 1, at, MIB, 3 * 8192 + 2048 + 1); /* 1 MiB and a sector */
        assert_int_equal(plan.read_count, at <= MIB);
        assert_int_equal(plan.write_count, at <= MIB);
        assert_int_equal(plan.read_bytes, at == 0 ? MIB : at == MIB ? 512 : 0);
        assert_int_equal(plan.write_bytes, plan.read_bytes);
    }
    snap_plan_make(&plan, &entry, 1, 0, 4 * MIB, 3 * 8192 + 4097);
    assert_int_equal(plan.read_count, 3);
    assert_int_equal(plan.write_count, 3);
    for (uint64_t i = 0; i < 3; i++) {
        expect_read(&plan, i, (8 + i) * MIB, i * MIB, i < 2 ? MIB : 512);
        expect_write(&plan, i, (12 + i) * MIB, i < 2 ? MIB : 512, 1);
    }
    snap_plan_make(&plan, &entry, 1, 2 * MIB, 2 * MIB, UINT64_C(1) << 50);
    assert_int_equal(plan.read_count, 2);
    expect_read(&plan, 0, 10 * MIB, 0, MIB);
    expect_read(&plan, 1, 11 * MIB, MIB, MIB);
    snap_plan_free(&plan);
}

/* Bytes for a sector number each; what is equal on both sides is written no more, what differs in one byte is. */
static void test_drop_equal(void **state)
{
    struct fixture fixture = fixture_random_store(7, 8, 60, 8 * 80 + 5, true);
    const struct snap_layout layout = layout_of(8);

    (void)state;
    for (size_t differ = 0; differ <= 60; differ++) { /* 60: none does */
        struct snap_plan plan = plan_of(&layout, fixture.entries, 60, fixture.origin_bytes / 512);
        const uint64_t all_bytes = plan.write_bytes;
        uint8_t *buffer = fixture_alloc(1, plan.buffer_bytes), *found = fixture_alloc(1, plan.buffer_bytes);

        for (size_t r = 0; r < plan.read_count; r++)
            memcpy(buffer + plan.reads[r].buffer_offset_bytes, fixture.cow + plan.reads[r].source_offset_bytes,
                   plan.reads[r].length_bytes);
        memcpy(found, buffer, plan.buffer_bytes);
        for (size_t r = 0; differ < 60 && r < plan.read_count; r++) {
            uint64_t at = fixture.entries[differ].new_chunk * 4096 - plan.reads[r].source_offset_bytes;

            if (at < plan.reads[r].length_bytes) /* the last byte that the origin has of this chunk */
                found[plan.reads[r].buffer_offset_bytes + at + (fixture.entries[differ].old_chunk == 80
                                                                ? 2559 : 4095)]++;
        }
        snap_plan_drop_equal(&plan, buffer, found);
        assert_int_equal(plan.equal_bytes + plan.write_bytes, all_bytes);
        assert_int_equal(plan.read_bytes, all_bytes);
        assert_int_equal(plan.write_count, differ < 60);
        assert_int_equal(plan.piece_count, differ < 60);
        if (differ < 60) {
            uint64_t old = fixture.entries[differ].old_chunk;

            expect_write(&plan, 0, old * 4096, old == 80 ? 2560 : 4096, 1);
            assert_memory_equal(buffer + plan.pieces[0].buffer_offset_bytes, fixture.view + old * 4096,
                                plan.writes[0].length_bytes);
        }
        memset(found, 0, plan.buffer_bytes);
        snap_plan_drop_equal(&plan, buffer, found); /* may be asked again */
        assert_int_equal(plan.write_bytes, all_bytes);
        assert_int_equal(plan.equal_bytes, 0);
        snap_plan_free(&plan);
        free(buffer);
        free(found);
    }
    fixture_free(&fixture);
}

/*
 * From the origin to data chunks; the origin ends 3 sectors into its chunk 12: less is read, whole chunks are written.
 */
static void test_copy_out(void **state)
{
    const struct snap_layout layout = layout_of(8);
    const struct snap_entry entries[] = {{12, 7}, {3, 9}, {11, 6}, {4, 8}};
    struct snap_plan plan;

    (void)state;
    must(snap_plan_init(&plan, &layout, SNAP_PLAN_COPY_OUT, 4, NULL));
    memcpy(snap_plan_room(&plan), entries, sizeof entries);
    snap_plan_make(&plan, snap_plan_room(&plan), 4, 0, 4096, 12 * 8 + 3);
    for (size_t place = 1; place < 4; place++)
        assert_true(plan.entries[place].old_chunk > plan.entries[place - 1].old_chunk);
    assert_int_equal(plan.read_count, 2);
    expect_read(&plan, 0, 3 * 4096, 0, 8192);
    expect_read(&plan, 1, 11 * 4096, 8192, 4096 + 1536);
    assert_int_equal(plan.write_count, 1);
    expect_write(&plan, 0, 6 * 4096, 4 * 4096, 3);
    expect_piece(&plan, 0, 8192, 8192);  /* chunks 11 and 12 */
    expect_piece(&plan, 1, 4096, 4096);  /* chunk 4 */
    expect_piece(&plan, 2, 0, 4096);     /* chunk 3 */
    assert_int_equal(plan.read_bytes, 3 * 4096 + 1536);
    assert_int_equal(plan.write_bytes, 4 * 4096);

    snap_plan_make(&plan, entries, 1, 2048, 2048, 12 * 8 + 3); /* a slice that lies behind the end */
    assert_int_equal(plan.read_count, 0);
    assert_int_equal(plan.write_count, 1);
    expect_write(&plan, 0, 7 * 4096 + 2048, 2048, 1);
    snap_plan_free(&plan);
}

/* What is marked by its place on the target is left out, in both directions. */
static void test_mark_range(void **state)
{
    const struct snap_layout layout = layout_of(8);
    const struct snap_entry entries[] = {{20, 2}, {5, 3}, {7, 4}, {6, 9}};

    (void)state;
    for (int direction = SNAP_PLAN_MERGE; direction <= SNAP_PLAN_COPY_OUT; direction++) {
        const bool merges = direction == SNAP_PLAN_MERGE;
        struct snap_plan plan;

        must(snap_plan_init(&plan, &layout, (enum snap_plan_direction)direction, 4, NULL));
        snap_plan_make(&plan, entries, 4, 0, 4096, 1000);
        if (merges)
            snap_plan_mark_range(&plan, 6 * 4096 + 4095, 7 * 4096 + 1, SNAP_PLAN_UNKEPT);
        else
            snap_plan_mark_range(&plan, 4 * 4096, 9 * 4096 + 512, SNAP_PLAN_UNKEPT);
        assert_int_equal(plan.bad_count, 2);
        for (size_t place = 0; place < 4; place++)
            assert_int_equal(plan.fate[place], plan.entries[place].old_chunk == 6 || plan.entries[place].old_chunk == 7
                                                   ? SNAP_PLAN_UNKEPT : SNAP_PLAN_GOOD);
        snap_plan_drop_bad(&plan);
        assert_int_equal(plan.write_count, merges ? 2 : 1);
        expect_write(&plan, 0, (merges ? 5 : 2) * 4096, merges ? 4096 : 8192, merges ? 1 : 2);
        snap_plan_free(&plan);
    }
}

/* A move of bad entries that was interrupted leaves one entry twice; it is copied once. */
static void test_repeated_entry(void **state)
{
    const struct snap_layout layout = layout_of(8);
    const struct snap_entry entries[] = {{10, 5}, {30, 2}, {10, 5}, {11, 6}};
    struct snap_plan plan = plan_of(&layout, entries, 4, 1000);

    (void)state;
    assert_int_equal(plan.count, 3);
    assert_int_equal(plan.read_bytes, 3 * 4096);
    assert_int_equal(plan.write_bytes, 3 * 4096);
    assert_int_equal(plan.write_count, 2);
    expect_write(&plan, 0, 10 * 4096, 8192, 1);
    expect_write(&plan, 1, 30 * 4096, 4096, 1);
    snap_plan_free(&plan);
}

static void test_no_entries(void **state)
{
    const struct snap_layout layout = layout_of(8);
    const struct snap_entry entry = {3, 2};
    struct snap_plan plan = plan_of(&layout, &entry, 1, 1000);

    (void)state;
    snap_plan_make(&plan, &entry, 0, 0, 4096, 1000);
    assert_int_equal(plan.read_count + plan.write_count + plan.piece_count, 0);
    assert_int_equal(plan.buffer_bytes + plan.read_bytes + plan.write_bytes, 0);
    snap_plan_free(&plan);
}

static void expect_same(const struct snap_plan *a, const struct snap_plan *b)
{
    assert_int_equal(a->read_count, b->read_count);
    assert_int_equal(a->write_count, b->write_count);
    assert_int_equal(a->piece_count, b->piece_count);
    for (size_t i = 0; i < a->read_count; i++)
        expect_read(b, i, a->reads[i].source_offset_bytes, a->reads[i].buffer_offset_bytes, a->reads[i].length_bytes);
    for (size_t i = 0; i < a->write_count; i++) {
        expect_write(b, i, a->writes[i].target_offset_bytes, a->writes[i].length_bytes, a->writes[i].pieces);
        assert_int_equal(a->writes[i].first_piece, b->writes[i].first_piece);
    }
    for (size_t i = 0; i < a->piece_count; i++)
        expect_piece(b, i, a->pieces[i].buffer_offset_bytes, a->pieces[i].length_bytes);
}

/* Numbers with all their 56 bits, so that every round of a sort has something to do. */
static void test_any_order(void **state)
{
    const struct snap_layout layout = layout_of(1);
    struct snap_entry entries[300];
    uint64_t random = 99;
    struct snap_plan first;

    (void)state;
    for (size_t i = 0; i < 300; i++)
        entries[i] = (struct snap_entry){unit_random(&random, UINT64_C(1) << 44) * 300 + i,
                                         unit_random(&random, UINT64_C(1) << 44) * 300 + i};
    for (size_t i = 200; i < 300; i++)
        entries[i] = (struct snap_entry){5000 + i, 7000 + i};
    first = plan_of(&layout, entries, 300, UINT64_C(1) << 54);
    assert_true(first.write_count > 100 && first.write_count <= 201);
    for (size_t i = 1; i < first.write_count; i++)
        assert_true(first.writes[i].target_offset_bytes > first.writes[i - 1].target_offset_bytes);
    for (size_t i = 1; i < first.read_count; i++)
        assert_true(first.reads[i].source_offset_bytes > first.reads[i - 1].source_offset_bytes);
    for (int round = 0; round < 20; round++) {
        struct snap_plan other;

        for (size_t i = 0; i < 300; i++) {
            size_t at = unit_random(&random, 300);
            struct snap_entry swap = entries[i];

            entries[i] = entries[at];
            entries[at] = swap;
        }
        other = plan_of(&layout, entries, 300, UINT64_C(1) << 54);
        expect_same(&first, &other);
        snap_plan_free(&other);
    }
    snap_plan_free(&first);
}

/* Sector by sector: what is read where, what is written from where, against old and new of the entries. */
static void check_against_model(const struct fixture *fixture, uint64_t from, size_t count)
{
    const struct snap_layout layout = layout_of(fixture->chunk_sectors);
    const uint64_t sectors = fixture->chunk_sectors, origin_sectors = fixture->origin_bytes / 512;
    struct snap_plan plan = plan_of(&layout, fixture->entries + from, count, origin_sectors);
    uint64_t *wanted = fixture_alloc(origin_sectors + 1, sizeof *wanted); /* COW sector of each origin sector, or 0 */
    uint64_t *found = fixture_alloc(origin_sectors + 1, sizeof *found);
    uint64_t *buffer = fixture_alloc(count * sectors + 1, sizeof *buffer);
    uint64_t total = 0, piece = 0, end_bytes = 0;

    for (size_t i = from; i < from + count; i++) {
        for (uint64_t s = 0; s < sectors && fixture->entries[i].old_chunk * sectors + s < origin_sectors; s++, total++)
            wanted[fixture->entries[i].old_chunk * sectors + s] = fixture->entries[i].new_chunk * sectors + s;
    }
    assert_int_equal(plan.read_bytes, total * 512);
    assert_int_equal(plan.write_bytes, total * 512);
    for (size_t r = 0; r < plan.read_count; r++) {
        const struct snap_plan_read *read = &plan.reads[r];

        assert_true(read->length_bytes > 0 && read->length_bytes <= MIB);
        assert_true(read->source_offset_bytes >= end_bytes);
        if (r > 0 && read->source_offset_bytes == end_bytes &&
            read->length_bytes + plan.reads[r - 1].length_bytes <= MIB)
            fail_msg("two reads that could be one");
        end_bytes = read->source_offset_bytes + read->length_bytes;
        assert_true(read->buffer_offset_bytes + read->length_bytes <= plan.buffer_bytes);
        for (uint64_t s = 0; s < read->length_bytes / 512; s++) {
            assert_int_equal(buffer[read->buffer_offset_bytes / 512 + s], 0);
            buffer[read->buffer_offset_bytes / 512 + s] = read->source_offset_bytes / 512 + s;
        }
    }
    end_bytes = 0;
    for (size_t w = 0; w < plan.write_count; w++) {
        const struct snap_plan_write *write = &plan.writes[w];
        uint64_t at = write->target_offset_bytes / 512, length_bytes = 0;

        assert_int_equal(write->first_piece, piece);
        assert_true(write->pieces > 0 && write->pieces <= 1024);
        assert_true(write->length_bytes > 0 && write->length_bytes <= MIB);
        assert_true(write->target_offset_bytes >= end_bytes);
        if (w > 0 && write->target_offset_bytes == end_bytes && plan.writes[w - 1].pieces < 1024 &&
            fixture->chunk_bytes + plan.writes[w - 1].length_bytes <= MIB)
            fail_msg("two writes that could be one");
        end_bytes = write->target_offset_bytes + write->length_bytes;
        for (uint32_t p = 0; p < write->pieces; p++, piece++) {
            for (uint64_t s = 0; s < plan.pieces[piece].length_bytes / 512; s++, at++) {
                assert_int_equal(found[at], 0);
                found[at] = buffer[plan.pieces[piece].buffer_offset_bytes / 512 + s];
            }
            length_bytes += plan.pieces[piece].length_bytes;
        }
        assert_int_equal(length_bytes, write->length_bytes);
    }
    assert_int_equal(piece, plan.piece_count);
    assert_memory_equal(found, wanted, (origin_sectors + 1) * sizeof *found);
    snap_plan_free(&plan);
    free(wanted);
    free(found);
    free(buffer);
}

static void test_random_stores(void **state)
{
    static const uint64_t sizes[] = {1, 2, 8, 128, 2048, 4096};

    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        for (size_t s = 0; s < 6; s++) {
            size_t count = sizes[s] >= 2048 ? 3 : sizes[s] == 128 ? 40 : 3000 / sizes[s];
            struct fixture fixture = fixture_random_store(seed, sizes[s], count,
                                                          sizes[s] * count * (seed % 2 ? 5 : 1) * 5 / 4 + seed,
                                                          seed % 3);

            check_against_model(&fixture, 0, count);
            check_against_model(&fixture, count / 3, count / 2);
            fixture_free(&fixture);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_chunk),
        cmocka_unit_test(test_neighbours_are_one_request),
        cmocka_unit_test(test_gathered),
        cmocka_unit_test(test_area_gap),
        cmocka_unit_test(test_request_limit),
        cmocka_unit_test(test_piece_limit),
        cmocka_unit_test(test_clipping),
        cmocka_unit_test(test_slices),
        cmocka_unit_test(test_drop_equal),
        cmocka_unit_test(test_copy_out),
        cmocka_unit_test(test_mark_range),
        cmocka_unit_test(test_repeated_entry),
        cmocka_unit_test(test_no_entries),
        cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_random_stores),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
