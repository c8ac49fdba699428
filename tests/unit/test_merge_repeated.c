/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries that stand in the list several times: each is merged once, and the view stands at each write. */
#include "lib/base/arith.h"
#include "lib/merge/merge.h"
#include "tests/unit/merge_fixture.h"
#include "tests/unit/unit.h"

/*
 * With nothing of what is not flushed on a device, and with all of it, whatever the other one has. A read changes
 * nothing: what was so before it is looked at before the next write or flush.
 */
static void view_must_stand(void *context, const struct recorder *recorder, const struct record_operation *operation)
{
    const struct merge_bench *bench = context;
    const struct record_state *state = recorder_state(recorder);
    const struct record_disk *disks[] = {record_disk_of(state, "cow"), record_disk_of(state, "origin")};
    const uint64_t disk_bytes[] = {bench->fixture->cow_bytes, bench->fixture->origin_bytes};
    uint8_t *images[2][2];
    unsigned kept[2]; /* how many images of a device there are: without what is not flushed, and with it */

    if (operation->kind == RECORD_READ)
        return;
    for (unsigned d = 0; d < 2; d++) {
        size_t *choice = record_choice_new(disks[d]);

        kept[d] = disks[d]->pending_count > 0 ? 2 : 1;
        record_choice_newest(disks[d], choice);
        for (unsigned with = 0; with < kept[d]; with++) {
            images[d][with] = fixture_alloc(1, disk_bytes[d]);
            record_image(disks[d], with ? choice : NULL, images[d][with]);
        }
        free(choice);
    }
    for (unsigned cow = 0; cow < kept[0]; cow++)
        for (unsigned origin = 0; origin < kept[1]; origin++)
            assert_null(merge_state_fault(bench->fixture, images[0][cow], images[1][origin]));
    for (unsigned d = 0; d < 2; d++)
        for (unsigned with = 0; with < kept[d]; with++)
            free(images[d][with]);
}

static void assert_merged(struct merge_bench *bench)
{
    uint8_t *found = fixture_alloc(1, bench->fixture->origin_bytes);

    must(snap_io_read(bench->origin, 0, bench->fixture->origin_bytes, found, NULL));
    assert_memory_equal(found, bench->fixture->view, bench->fixture->origin_bytes);
    free(found);
}

/* Moves that were cut short: the entries in front of each multiple of 50 stand at that place once more. */
static struct fixture repeated_store(uint64_t chunk_sectors, struct snap_repeated **repeated, uint64_t *written_bytes)
{
    struct fixture fixture = fixture_random_store(7, chunk_sectors, 520, chunk_sectors * 1041 - 1, false);

    *repeated = snap_repeated_new(UINT64_C(1) << 20);
    for (size_t first = 50; first < 500; first += 50)
        for (size_t i = 0; i < first / 50; i++) {
            fixture.entries[first + 20 + i] = fixture.entries[first + i];
            fixture.entries[first + 200 + i < 520 ? first + 200 + i : first + 10 + i] = fixture.entries[first + i];
        }
    *written_bytes = 0;
    for (size_t i = 0; i < 520; i++) {
        size_t earlier = 0;

        while (earlier < i && fixture.entries[earlier].old_chunk != fixture.entries[i].old_chunk)
            earlier++;
        if (earlier < i)
            snap_repeated_note(*repeated, fixture.entries[i].old_chunk, earlier);
        else
            *written_bytes += snap_min(fixture.chunk_bytes,
                                       fixture.origin_bytes - fixture.entries[i].old_chunk * fixture.chunk_bytes);
    }
    fixture_seal(&fixture);
    return fixture;
}

/* Whatever is in a window, an entry that stands in the list several times is written once, and no view changes. */
static void test_repeated_entries_are_merged_once(void **state)
{
    static const struct snap_merge_options options[] = {
        {.window_entries_max = 0}, {.window_entries_max = 1},  {.window_entries_max = 7},
        {.window_entries_max = 33}, {.window_entries_max = 64, .load_entries_max = 10, .table_entries_max = 64},
        {.window_entries_max = 40, .read_ahead = true}, {.window_entries_max = 20, .verify = true},
        {.window_entries_max = 20, .keep_cow = true, .compare_from = 520},
    };

    (void)state;
    for (size_t o = 0; o < sizeof options / sizeof options[0]; o++) {
        struct snap_repeated *repeated;
        uint64_t written_bytes;
        struct fixture fixture = repeated_store(o % 2 ? 1 : 2, &repeated, &written_bytes);
        struct merge_bench *bench = merge_bench_new(&fixture, 512);
        struct snap_merge_result dry;

        bench->job.total_bytes = written_bytes;
        bench->job.repeated = repeated;
        must(snap_merge_dry_run(&bench->store, bench->origin, &bench->job, &options[o], &dry, NULL));
        assert_int_equal(dry.written_bytes, written_bytes);
        if (!options[o].read_ahead) /* the recorder serves one thread */
            recorder_on_operation(bench->recorder, view_must_stand, bench);
        must(merge_once(&bench->store, bench->origin, &bench->job, &options[o], &bench->result, NULL));
        recorder_on_operation(bench->recorder, NULL, NULL);
        assert_int_equal(bench->result.written_bytes, written_bytes);
        assert_int_equal(bench->result.read_bytes, written_bytes);
        assert_int_equal(bench->result.entries_left, 0);
        assert_merged(bench);
        merge_bench_free(bench);
        fixture_free(&fixture);
        snap_repeated_free(repeated);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_repeated_entries_are_merged_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
