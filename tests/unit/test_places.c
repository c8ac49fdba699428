/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of lib/check/places.c: what damage does to the place of an entry, and what moves and kernels do to it. */
#include "lib/check/places.h"

#include "tests/unit/list_fixture.h"

#define CS 8u
#define ENTRIES 600u
#define OLD(index) (100 + 3 * (uint64_t)(index))
#define HOME(index) format_canonical(CS, index)

static struct snap_places places;

/* Walks over the list in spans of this device, and judges. */
static void judge(struct snap_io *io)
{
    const struct snap_store store = list_open(io);
    static struct snap_store kept;
    struct snap_list_walk *walk;
    struct snap_span span;

    kept = store;
    snap_places_init(&places, &kept);
    must(snap_list_walk_open(&walk, &kept, NULL));
    do {
        must(snap_list_walk_next(walk, &span, NULL));
        snap_places_feed(&places, &span);
    } while (span.slots > 0);
    snap_list_walk_close(walk);
    must(snap_places_judge(&places, NULL));
}

static struct snap_io *in_order(void)
{
    struct snap_io *io = list_new(CS, 2000 * CS);

    list_put_canonical(io, CS, 0, ENTRIES, OLD(0), 3);
    return io;
}

/* The list in order, but for this entry. */
static const struct snap_place *with(uint64_t index, uint64_t old_chunk, uint64_t new_chunk)
{
    struct snap_io *io = in_order();

    list_put(io, CS, index, old_chunk, new_chunk);
    judge(io);
    list_close(io);
    return snap_places_find(&places, index);
}

static void assert_kind(const struct snap_place *place, enum snap_place_kind kind, uint64_t own_chunk)
{
    assert_non_null(place);
    assert_int_equal(place->kind, kind);
    assert_int_equal(place->own_chunk, own_chunk);
}

static void test_in_order(void **state)
{
    struct snap_io *io = in_order();

    (void)state;
    judge(io);
    assert_int_equal(places.count, 0);
    assert_null(snap_places_find(&places, 300));
    list_close(io);
}

static void test_outliers(void **state)
{
    static const uint64_t at[] = {0, 1, 255, 256, 300, 511, 512, 530};

    (void)state;
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        assert_kind(with(at[i], OLD(at[i]), HOME(900)), SNAP_PLACE_OUTLIER, HOME(at[i]));
        assert_int_equal(snap_places_find(&places, at[i])->home, 900);
        if (at[i] > 0) /* nothing is in front of the first one, so that it is in no row */
            assert_int_equal(snap_places_find(&places, at[i])->fit, SNAP_PLACE_FITS);
        assert_kind(with(at[i], OLD(at[i]), HOME(604)), at[i] > 0 ? SNAP_PLACE_OUTLIER : SNAP_PLACE_LEGAL,
                    HOME(at[i]));
    }
}

static void test_what_may_have_been_moved(void **state)
{
    (void)state;
    assert_kind(with(300, OLD(600), HOME(600)), SNAP_PLACE_LEGAL, HOME(300)); /* a drop */
    assert_kind(with(300, OLD(900), HOME(900)), SNAP_PLACE_LEGAL, HOME(300)); /* and a merge in part after that */
    assert_int_equal(snap_places_find(&places, 300)->fit, SNAP_PLACE_STRANGE);
    assert_kind(with(300, OLD(300), HOME(600)), SNAP_PLACE_LEGAL, HOME(300)); /* it could be one that was moved */
    assert_kind(with(599, OLD(599), HOME(900)), SNAP_PLACE_LEGAL, HOME(599)); /* nothing behind it is in its place */
    assert_kind(with(560, OLD(560), HOME(650)), SNAP_PLACE_LEGAL, HOME(560)); /* under way in a crash */
    assert_kind(with(300, OLD(300), UINT64_C(1) << 40), SNAP_PLACE_LEGAL, HOME(300)); /* other rules are for that */
}

/* Neighbours in no order say nothing; what is next to one of them in number was written beside it. */
static void test_neighbours(void **state)
{
    (void)state;
    for (unsigned next = 0; next < 2; next++) {
        struct snap_io *io = in_order();

        list_put(io, CS, 299, 5000, HOME(299));
        list_put(io, CS, 300, next ? 5001 : OLD(300), HOME(900));
        list_put(io, CS, 301, 4000, HOME(301));
        judge(io);
        assert_kind(snap_places_find(&places, 300), SNAP_PLACE_OUTLIER, HOME(300));
        assert_int_equal(snap_places_find(&places, 300)->fit, next ? SNAP_PLACE_FITS : SNAP_PLACE_SCATTERED);
        list_put(io, CS, 300, next ? 5001 : OLD(300), HOME(640));
        judge(io);
        assert_kind(snap_places_find(&places, 300), next ? SNAP_PLACE_OUTLIER : SNAP_PLACE_LEGAL, HOME(300));
        list_close(io);
    }
}

static void test_shared(void **state)
{
    (void)state;
    assert_kind(with(300, OLD(300), HOME(508)), SNAP_PLACE_SHARED, HOME(300));
    assert_int_equal(snap_places_find(&places, 300)->home, 508);
    assert_null(snap_places_find(&places, 508));
    assert_kind(with(508, OLD(508), HOME(300)), SNAP_PLACE_SHARED, HOME(508));
}

/* An entry whose own chunk another one has does not get it; nor is any of the two the wrong one. */
static void test_own_chunk_in_use(void **state)
{
    struct snap_io *io = in_order();

    (void)state;
    list_put(io, CS, 300, OLD(300), HOME(310));
    list_put(io, CS, 310, OLD(310), HOME(300));
    judge(io);
    assert_kind(snap_places_find(&places, 300), SNAP_PLACE_LEGAL, 0);
    assert_kind(snap_places_find(&places, 310), SNAP_PLACE_LEGAL, 0);
    list_close(io);
}

/* The same where that chunk lies behind the end of a device that was cut. */
static void test_own_chunk_in_use_behind_the_end(void **state)
{
    struct snap_io *io = list_new(CS, 518 * CS);

    (void)state;
    list_put_canonical(io, CS, 0, ENTRIES, OLD(0), 3);
    list_put(io, CS, 400, OLD(400), HOME(530));
    list_put(io, CS, 530, OLD(20), HOME(20));
    judge(io);
    assert_kind(snap_places_find(&places, 530), SNAP_PLACE_LEGAL, 0);
    list_put(io, CS, 400, OLD(400), HOME(400));
    judge(io);
    assert_kind(snap_places_find(&places, 530), SNAP_PLACE_COPY, HOME(530));
    list_close(io);
}

static void test_copies(void **state)
{
    struct snap_io *io;

    (void)state;
    assert_kind(with(300, OLD(299), HOME(299)), SNAP_PLACE_COPY, HOME(300));
    assert_kind(with(300, OLD(301), HOME(301)), SNAP_PLACE_LEGAL, HOME(300)); /* a merge may have moved it there */
    assert_false(snap_places_find(&places, 300)->lost_old_known);
    assert_kind(with(300, OLD(599), HOME(599)), SNAP_PLACE_LEGAL, HOME(300)); /* a drop that was cut short */
    assert_kind(with(0, OLD(1), HOME(1)), SNAP_PLACE_LEGAL, HOME(0));         /* a window of a merge begins there */
    assert_kind(with(500, OLD(520), HOME(520)), SNAP_PLACE_LEGAL, HOME(500)); /* here, too: one write can cut there */
    assert_kind(with(599, OLD(20), HOME(20)), SNAP_PLACE_LEGAL, HOME(599));   /* the end */
    io = list_new(CS, 2000 * CS);
    list_put_canonical(io, CS, 0, ENTRIES, 100, 1);
    list_put(io, CS, 300, 399, HOME(299));
    judge(io);
    assert_kind(snap_places_find(&places, 300), SNAP_PLACE_COPY, HOME(300));
    assert_true(snap_places_find(&places, 300)->lost_old_known);
    assert_int_equal(snap_places_find(&places, 300)->lost_old, 400);
    list_close(io);
}

/* Where one in eight entries, or more than 64, are out of place, nothing is said. */
static void test_too_many(void **state)
{
    static const struct {
        uint64_t step, count;
        bool judged;
    } cases[] = {{9, 60, true}, {7, 64, true}, {7, 65, false}, {1, 75, false}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct snap_io *io = in_order();

        for (uint64_t k = 0; k < cases[i].count; k++)
            list_put(io, CS, k * cases[i].step, OLD(k * cases[i].step), HOME(1000 + k));
        judge(io);
        assert_int_equal(places.judged, cases[i].judged);
        assert_int_equal(snap_places_find(&places, 0) != NULL, cases[i].judged);
        list_close(io);
    }
    for (uint64_t out = 10; out <= 11; out++) {
        struct snap_io *io = list_new(CS, 2000 * CS);

        list_put_canonical(io, CS, 0, 80, OLD(0), 3);
        for (uint64_t k = 0; k < out; k++)
            list_put(io, CS, k * 3, OLD(k * 3), HOME(1000 + k));
        judge(io);
        assert_int_equal(places.judged, out == 10);
        list_close(io);
    }
}

/* Entries are dropped, the list is merged in part, and the kernel goes on with it: nothing of that is damage. */
static void test_legal_histories(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        static struct snap_entry list[1200];
        uint64_t random = seed, length = 300 + unit_random(&random, 300), next_old = 0, next_home = length;
        struct snap_io *io = list_new(CS, 4000 * CS);

        for (uint64_t i = 0; i < length; i++)
            list[i] = (struct snap_entry){next_old++ * 2, HOME(i)};
        for (unsigned step = 0; step < 3; step++) {
            const uint64_t amount = 1 + unit_random(&random, 60);

            switch (unit_random(&random, 3)) {
            case 0:
                list[unit_random(&random, length - 1)] = list[length - 1];
                length--;
                break;
            case 1:
                length -= amount;
                break;
            default:
                next_home = 0;
                for (uint64_t i = 0; i < length; i++)
                    while (HOME(next_home) <= list[i].new_chunk)
                        next_home++;
                for (uint64_t i = 0; i < amount; i++)
                    list[length++] = (struct snap_entry){next_old++ * 2, HOME(next_home + i)};
            }
        }
        for (uint64_t i = 0; i < length; i++)
            list_put(io, CS, i, list[i].old_chunk, list[i].new_chunk);
        judge(io);
        for (uint64_t i = 0; places.judged && i < places.count; i++)
            assert_int_equal(places.at[i].kind, SNAP_PLACE_LEGAL);
        list_close(io);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order),
        cmocka_unit_test(test_outliers),
        cmocka_unit_test(test_what_may_have_been_moved),
        cmocka_unit_test(test_neighbours),
        cmocka_unit_test(test_shared),
        cmocka_unit_test(test_own_chunk_in_use),
        cmocka_unit_test(test_own_chunk_in_use_behind_the_end),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_legal_histories),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
