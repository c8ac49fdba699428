/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random damage in random lists: what is sound stays, at each moment, after each crash; and the old bytes come back. */
#include "lib/repair/repair.h"

#include "tests/support/io_fault.h"
#include "tests/unit/repair_fixture.h"

/* Data a little behind the end of the device may be those of a larger one; a number far behind it is damaged. */
static uint64_t a_bad_chunk(const struct damage *damage, bool cut, bool *range, uint64_t *state)
{
    const uint64_t cow_chunks = damage->io->size_bytes / 512 / damage->chunk_sectors;

    *range = unit_random(state, 2);
    if (*range)
        return cut ? cow_chunks
                   : format_canonical(damage->chunk_sectors, (UINT64_C(1) << 40) + unit_random(state, 1000));
    return format_area_chunk(damage->chunk_sectors, damage->entries / format_per_area(damage->chunk_sectors) + 1);
}

/* A list with damaged entries; the others, and those whose top byte can be cleared, are expected. */
static struct damage damage_new(uint64_t seed, uint32_t chunk_sectors, uint32_t block_bytes, uint64_t entries,
                                size_t bad_count)
{
    const uint64_t per_area = format_per_area(chunk_sectors);
    struct damage damage = {.chunk_sectors = chunk_sectors, .block_bytes = block_bytes, .entries = entries};
    const uint64_t cow_sectors = (format_area_chunk(chunk_sectors, entries / per_area + 2) + 1) * chunk_sectors;
    uint64_t state = seed * 2 + 1;
    bool bad[REPAIR_ENTRIES_MAX] = {false};

    damage.io = io_mem_new("cow", cow_sectors * 512u, block_bytes, true);
    format_put_header(io_mem_bytes(damage.io), FORMAT_MAGIC, 1, 1, chunk_sectors);
    list_put_canonical(damage.io, chunk_sectors, 0, entries, 7, 3);
    for (size_t i = 0; i < bad_count; i++) {
        const uint64_t index = i == 0 && seed % 3 == 0 ? entries - 1 : unit_random(&state, entries);
        const bool top_byte = unit_random(&state, 3) == 0, cut = seed % 2 == 0;
        bool range = false;
        uint64_t bad_chunk;

        if (bad[index])
            continue;
        bad_chunk = top_byte ? format_canonical(chunk_sectors, index) | UINT64_C(5) << 56
                             : a_bad_chunk(&damage, cut, &range, &state);
        bad[index] = true;
        damage.bad_count++;
        damage.changed++;
        list_put(damage.io, chunk_sectors, index, 7 + index * 3, bad_chunk);
        if (top_byte || (range && !cut)) /* its own chunk is the only one that is missing */
            damage.expected[damage.expected_count++] =
                (struct snap_entry){7 + index * 3, format_canonical(chunk_sectors, index)};
    }
    for (uint64_t index = 0; index < entries; index++)
        if (!bad[index])
            damage.expected[damage.expected_count++] =
                (struct snap_entry){7 + index * 3, format_canonical(chunk_sectors, index)};
    if (entries % per_area < per_area - 1 && unit_random(&state, 2)) {
        list_put(damage.io, chunk_sectors, entries + 1, UINT64_MAX, UINT64_MAX);
        damage.garbage = true;
    }
    return damage;
}

/* When the list is cut by a merge, what stood in the next area must not look like entries that a fault has cut off. */
static void assert_area_behind(const struct damage *damage)
{
    const uint64_t area = damage->expected_count / format_per_area(damage->chunk_sectors) + 1;
    const uint64_t offset_bytes = format_area_offset(damage->chunk_sectors, area);

    if (offset_bytes + damage->chunk_sectors * 512 <= damage->io->size_bytes)
        assert_true(snap_all_zero(io_mem_bytes(damage->io) + offset_bytes, damage->chunk_sectors * 512));
}

static enum snap_repair_keep keep; /* of duplicates, in each plan */

static void plan(struct snap_repair *repair, struct snap_io *io, bool change_view)
{
    const struct snap_repair_options options = {.clear_entries = true, .change_view = change_view, .keep = keep};
    static struct snap_store store; /* the repair borrows it */
    struct snap_error err = {.text = ""};

    store = list_open(io);
    assert_ok(snap_repair_plan(repair, &store, &options, &err), &err);
}

/* After a crash nothing sound is missing, a rerun ends with the same view, and the old bytes can be put back. */
static void check_crashes(const struct damage *damage, const struct snap_repair *repair, const uint8_t *before)
{
    uint8_t *bytes = test_calloc(1, damage->io->size_bytes);
    uint64_t state = damage->entries * 77 + repair->edits.count, units;
    struct snap_store store = list_open(damage->io);
    struct snap_saved saved;

    assert_int_equal(snap_saved_make(&saved, &store, &repair->edits, repair->entries_before, NULL), SNAP_OK);
    for (size_t number = 0; number < repair->edits.count; number++) {
        struct snap_io *io;
        struct snap_repair again;

        memcpy(bytes, before, damage->io->size_bytes);
        crash(&repair->edits, number, &state, bytes);
        assert_list(damage, bytes, ANYTHING);
        if (!damage->garbage)
            assert_end(damage, bytes);
        io = copy_of(damage, bytes);
        plan(&again, io, true);
        apply(&again);
        assert_list(damage, io_mem_bytes(io), COPIES);
        assert_clean(io);
        snap_repair_free(&again);
        list_close(io);

        io = copy_of(damage, bytes);
        saved.edits.io = io;
        assert_int_equal(snap_saved_count(&saved, "old", &units, NULL), SNAP_OK);
        assert_int_equal(snap_saved_put_back(&saved, NULL), SNAP_OK);
        assert_memory_equal(io_mem_bytes(io), before, damage->io->size_bytes);
        assert_int_equal(snap_saved_count(&saved, "old", &units, NULL), SNAP_OK);
        assert_int_equal(units, 0);
        list_close(io);
    }
    free(bytes);
}

static void check_damage(uint64_t seed, uint32_t chunk_sectors, uint32_t block_bytes, uint64_t entries, size_t bad)
{
    struct damage damage = damage_new(seed, chunk_sectors, block_bytes, entries, bad);
    uint8_t *before = test_calloc(1, damage.io->size_bytes);
    struct snap_repair repair;

    memcpy(before, io_mem_bytes(damage.io), damage.io->size_bytes);
    plan(&repair, damage.io, false);
    assert_int_equal(repair.edits.count, damage.garbage ? 1 : 0); /* the view stays */
    assert_int_equal(repair.change_count, 0);
    snap_repair_free(&repair);

    plan(&repair, damage.io, true);
    assert_int_equal(repair.change_count, damage.changed);
    assert_int_equal(repair.entries_after, damage.expected_count);
    check_crashes(&damage, &repair, before);
    assert_memory_equal(io_mem_bytes(damage.io), before, damage.io->size_bytes); /* nothing was written so far */
    apply(&repair);
    assert_list(&damage, io_mem_bytes(damage.io), NOTHING);
    assert_clean(damage.io);
    assert_area_behind(&damage);
    snap_repair_free(&repair);
    list_close(damage.io);
    free(before);
}

static void test_random_damage(void **state)
{
    uint64_t random = 1;

    (void)state;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        const bool large_units = seed % 5 == 0;

        check_damage(seed, large_units ? 8 : (uint32_t)1 << seed % 3, large_units ? 4096 : 512,
                     1 + unit_random(&random, large_units ? 300 : 150),
                     1 + unit_random(&random, seed % 7 == 0 ? 60 : 6));
    }
}

/* A list some of whose entries are for the chunk of another one; one of each is expected. */
static struct damage damage_with_duplicates(uint64_t seed, uint32_t chunk_sectors, uint64_t entries)
{
    const uint64_t areas = entries / format_per_area(chunk_sectors) + 2;
    struct damage damage = {.chunk_sectors = chunk_sectors, .block_bytes = 512, .entries = entries};
    uint64_t owner[REPAIR_ENTRIES_MAX], first[REPAIR_ENTRIES_MAX], last[REPAIR_ENTRIES_MAX], state = seed * 2 + 1;

    damage.io = io_mem_new("cow", (format_area_chunk(chunk_sectors, areas) + 1) * chunk_sectors * 512u, 512, true);
    format_put_header(io_mem_bytes(damage.io), FORMAT_MAGIC, 1, 1, chunk_sectors);
    list_put_canonical(damage.io, chunk_sectors, 0, entries, 7, 3);
    for (uint64_t index = 0; index < entries; index++) {
        const uint64_t of = index > 0 ? unit_random(&state, index) : 0;

        owner[index] = index;
        first[index] = last[index] = index;
        if (index == 0 || unit_random(&state, 6) != 0)
            continue;
        owner[index] = owner[of];
        damage.changed += last[owner[of]] == first[owner[of]]; /* a chunk, not a duplicate */
        last[owner[of]] = index;
        list_put(damage.io, chunk_sectors, index, 7 + owner[of] * 3, format_canonical(chunk_sectors, index));
    }
    for (uint64_t index = 0; index < entries; index++)
        if (owner[index] == index)
            damage.expected[damage.expected_count++] = (struct snap_entry){
                7 + index * 3,
                format_canonical(chunk_sectors, keep == SNAP_REPAIR_KEEP_FIRST ? first[index] : last[index])};
    return damage;
}

static void test_duplicates(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 80; seed++) {
        struct damage damage;
        struct snap_repair repair;
        uint8_t *before;

        keep = seed % 2 == 0 ? SNAP_REPAIR_KEEP_FIRST : SNAP_REPAIR_KEEP_LAST;
        damage = damage_with_duplicates(seed, (uint32_t)1 << seed % 3, 1 + seed * 2);
        before = test_calloc(1, damage.io->size_bytes);
        memcpy(before, io_mem_bytes(damage.io), damage.io->size_bytes);
        plan(&repair, damage.io, false); /* the view stays */
        assert_int_equal(repair.edits.count, 0);
        assert_int_equal(repair.waiting[SNAP_RULE_DUPLICATE_OLD], damage.entries - damage.expected_count);
        assert_int_equal(repair.choice_count, damage.changed);
        snap_repair_free(&repair);
        plan(&repair, damage.io, true);
        assert_int_equal(repair.change_count, damage.changed);
        assert_int_equal(repair.entries_after, damage.expected_count);
        assert_int_equal(repair.mended[SNAP_RULE_DUPLICATE_OLD], damage.entries - damage.expected_count);
        check_crashes(&damage, &repair, before);
        apply(&repair);
        assert_list(&damage, io_mem_bytes(damage.io), NOTHING);
        assert_clean(damage.io);
        snap_repair_free(&repair);
        list_close(damage.io);
        free(before);
    }
    keep = SNAP_REPAIR_KEEP_BOTH;
}

/* A number for the data chunk that is wrong in one of the ways there are; some of these may be put right. */
static uint64_t a_wrong_chunk(const struct snap_io *io, uint32_t chunk_sectors, uint64_t index, uint64_t entries,
                              uint64_t *state)
{
    const uint64_t cow_chunks = io->size_bytes / 512 / chunk_sectors;

    switch (unit_random(state, 6)) {
    case 0: return cow_chunks;                                       /* as if the device had been cut */
    case 1: return 4 * (cow_chunks + unit_random(state, 300));      /* the same with a longer list only */
    case 2: return (UINT64_C(1) << 40) + unit_random(state, 1000) * 1000;
    case 3: return format_canonical(chunk_sectors, index) | UINT64_C(5) << 56;
    case 4: return format_canonical(chunk_sectors, entries / 2) | UINT64_C(5) << 56;
    default: return format_area_chunk(chunk_sectors, entries / format_per_area(chunk_sectors) + 1);
    }
}

/* Damage of all kinds in one list, often in all of its end; there the last entry tells of a device that was cut. */
static struct damage damage_with_all(uint64_t seed, uint32_t chunk_sectors, uint64_t entries)
{
    const uint64_t areas = entries / format_per_area(chunk_sectors) + 2;
    struct damage damage = {.chunk_sectors = chunk_sectors, .block_bytes = 512, .entries = entries};
    uint64_t state = seed * 2 + 1;
    const uint64_t tail = unit_random(&state, 3) == 0 ? entries : unit_random(&state, entries + 1);
    const uint64_t elsewhere = unit_random(&state, 2) ? 8 : 40;
    const bool all_of_tail = unit_random(&state, 3) == 0;

    damage.io = io_mem_new("cow", (format_area_chunk(chunk_sectors, areas) + 1) * chunk_sectors * 512u, 512, true);
    format_put_header(io_mem_bytes(damage.io), FORMAT_MAGIC, 1, 1, chunk_sectors);
    list_put_canonical(damage.io, chunk_sectors, 0, entries, 7, 3);
    for (uint64_t index = 0; index < entries; index++)
        if (all_of_tail && index >= entries - tail)
            list_put(damage.io, chunk_sectors, index, 7 + index * 3,
                     index + 1 == entries ? damage.io->size_bytes / 512 / chunk_sectors : UINT64_C(1) << 40);
        else if (unit_random(&state, index >= entries - tail ? 2 : elsewhere) == 0)
            list_put(damage.io, chunk_sectors, index, 7 + index * 3,
                     a_wrong_chunk(damage.io, chunk_sectors, index, entries, &state));
        else if (seed % 3 == 0 && index > 0 && unit_random(&state, 12) == 0)
            list_put(damage.io, chunk_sectors, index, 7 + unit_random(&state, index) * 3,
                     format_canonical(chunk_sectors, index));
    return damage;
}

/* Whatever a crash leaves: the next run decides about each entry as the first one did. */
static void test_crashes_end_in_one_place(void **state)
{
    static struct snap_entry wanted[2 * REPAIR_ENTRIES_MAX], found[2 * REPAIR_ENTRIES_MAX];
    uint64_t random = 3;

    (void)state;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        struct damage damage;
        struct snap_repair repair;
        uint8_t *before, *bytes;
        struct snap_io *io;
        size_t count;

        keep = seed % 2 == 0 ? SNAP_REPAIR_KEEP_FIRST : SNAP_REPAIR_KEEP_LAST;
        damage = damage_with_all(seed, (uint32_t)1 << seed % 3, 1 + unit_random(&random, 200));
        before = test_calloc(1, damage.io->size_bytes);
        bytes = test_calloc(1, damage.io->size_bytes);
        memcpy(before, io_mem_bytes(damage.io), damage.io->size_bytes);
        plan(&repair, damage.io, true);
        apply(&repair);
        count = read_entries(&damage, io_mem_bytes(damage.io), wanted);
        for (size_t number = 0; number < 3 * repair.edits.count; number++) {
            struct snap_repair again;

            memcpy(bytes, before, damage.io->size_bytes);
            crash(&repair.edits, number / 3, &random, bytes);
            io = copy_of(&damage, bytes);
            plan(&again, io, true);
            apply(&again);
            snap_repair_free(&again);
            assert_int_equal(read_entries(&damage, io_mem_bytes(io), found), count);
            assert_memory_equal(found, wanted, count * sizeof *found);
            list_close(io);
        }
        snap_repair_free(&repair);
        list_close(damage.io);
        free(bytes);
        free(before);
    }
    keep = SNAP_REPAIR_KEEP_BOTH;
}

/* All entries are damaged: the list is empty then. */
static void test_everything_damaged(void **state)
{
    (void)state;
    check_damage(3, 1, 512, 1, 1);
    check_damage(6, 1, 512, 2, 40);
}

/* The list fills the device, and its end is missing. */
static void test_list_past_end(void **state)
{
    struct snap_io *io = list_new(1, format_area_chunk(1, 2));
    struct snap_repair repair;
    static struct snap_entry entries[64];

    (void)state;
    list_put_canonical(io, 1, 0, 64, 100, 1);
    plan(&repair, io, false);
    assert_int_equal(repair.edits.count, 0);
    assert_int_equal(repair.waiting[SNAP_RULE_LIST_PAST_END], 1);
    snap_repair_free(&repair);
    plan(&repair, io, true);
    assert_int_equal(repair.mended[SNAP_RULE_LIST_PAST_END], 1);
    assert_true(repair.gives_up_rest);
    assert_int_equal(repair.change_count, 1);
    assert_int_equal(repair.changes[0].old_chunk, 163);
    apply(&repair);
    snap_repair_free(&repair);
    assert_int_equal(list_read(io_mem_bytes(io), io->size_bytes, 1, entries, 64), 63);
    list_close(io);
}

/* An area that cannot be read: the list ends in front of it. */
static void test_area_unreadable(void **state)
{
    struct snap_io *memory = list_new(1, format_area_chunk(1, 4)), *io = io_fault_new(memory, NULL);
    const struct io_fault fault = {.kind = IO_FAULT_READ, .offset_bytes = format_area_offset(1, 1),
                                   .length_bytes = 512, .from_then_on = true};
    static struct snap_entry entries[64];
    struct snap_repair repair;

    (void)state;
    list_put_canonical(memory, 1, 0, 70, 100, 1);
    io_fault_add(io, &fault);
    plan(&repair, io, true);
    assert_int_equal(repair.mended[SNAP_RULE_AREA_UNREADABLE], 1);
    assert_true(repair.gives_up_rest);
    assert_int_equal(repair.change_count, 1);
    assert_int_equal(repair.changes[0].old_chunk, 131);
    apply(&repair);
    snap_repair_free(&repair);
    assert_int_equal(list_read(io_mem_bytes(memory), memory->size_bytes, 1, entries, 64), 31);
    list_close(io);
}

/* Of an area that cannot be read in part, nothing is left that looks like a list that was cut, damaged or not. */
static void test_area_unreadable_in_part(void **state)
{
    struct snap_io *memory = list_new(2, 2 * format_area_chunk(2, 4)), *io = io_fault_new(memory, NULL);
    const struct io_fault fault = {.kind = IO_FAULT_READ, .offset_bytes = format_area_offset(2, 1) + 512,
                                   .length_bytes = 512, .from_then_on = true};
    static struct snap_entry entries[100];
    struct snap_repair repair;

    (void)state;
    list_put_canonical(memory, 2, 0, 120, 100, 1);
    list_put(memory, 2, 70, 170, format_canonical(2, 70) | UINT64_C(5) << 56);
    io_fault_add(io, &fault);
    plan(&repair, io, true);
    assert_int_equal(repair.mended[SNAP_RULE_AREA_UNREADABLE], 1);
    apply(&repair);
    snap_repair_free(&repair);
    assert_int_equal(list_read(io_mem_bytes(memory), memory->size_bytes, 2, entries, 100), 63);
    assert_true(snap_all_zero(io_mem_bytes(memory) + format_area_offset(2, 1), 512));
    assert_clean(io);
    list_close(io);
}

/* A list whose first area cannot be read to its end is not ended within that: no entry of it is dropped. */
static void test_first_area_unreadable(void **state)
{
    struct snap_io *memory = list_new(8192, 3 * 8192), *io = io_fault_new(memory, NULL);
    const struct io_fault fault = {.kind = IO_FAULT_READ, .offset_bytes = format_area_offset(8192, 0) + (3u << 20),
                                   .length_bytes = 512, .from_then_on = true};
    struct snap_repair repair;

    (void)state;
    for (uint64_t index = 0; index < format_per_area(8192); index++)
        list_put(memory, 8192, index, 100 + index, 2);
    list_put(memory, 8192, 7, 107, format_area_chunk(8192, 1));
    io_fault_add(io, &fault);
    plan(&repair, io, true);
    assert_int_equal(repair.found[SNAP_RULE_ENTRY_NEW_METADATA], 1);
    assert_int_equal(repair.mended[SNAP_RULE_ENTRY_NEW_METADATA], 0);
    assert_int_equal(repair.edits.count, 0);
    assert_int_equal(repair.change_count, 0);
    snap_repair_free(&repair);
    list_close(io);
}

/* A list that may have been cut keeps what stands behind its end, whatever else is mended in it. */
static void test_cut_list_keeps_its_rest(void **state)
{
    struct snap_io *io = list_new(2, 2 * format_area_chunk(2, 4));
    struct snap_repair repair;

    (void)state;
    list_put_canonical(io, 2, 0, 32, 100, 1);
    list_put_canonical(io, 2, 64, 40, 500, 1);
    list_put(io, 2, 6, 900, format_area_chunk(2, 1));
    plan(&repair, io, true);
    assert_int_equal(repair.mended[SNAP_RULE_ENTRY_NEW_METADATA], 1);
    assert_int_equal(repair.found[SNAP_RULE_LIST_CUT], 1);
    assert_int_equal(repair.mended[SNAP_RULE_LIST_CUT], 0);
    apply(&repair);
    snap_repair_free(&repair);
    assert_int_equal(snap_get_le64(io_mem_bytes(io) + format_entry_offset(2, 64)), 500);
    list_close(io);
}

/* One that was not cut does not look cut where an entry less lets it end at the border of a sector. */
static void test_entries_of_an_earlier_list_stay_away(void **state)
{
    struct snap_io *io = list_new(1, format_area_chunk(1, 5));
    struct snap_io *origin = io_mem_new("origin", 4000 * 512, 512, false);
    const struct snap_repair_options options = {.origin = origin,
                                                .change_view = true,
                                                .memory_bytes = SNAP_CHECK_MEMORY_MIN_BYTES};
    struct snap_store store;
    struct snap_repair repair;

    (void)state;
    list_put_canonical(io, 1, 0, 33, 100, 1);
    list_put_canonical(io, 1, 64, 64, 500, 1);
    for (uint64_t index = 64; index < 128; index++)
        memset(io_mem_bytes(io) + format_canonical(1, index) * 512, 0xa5, 512); /* the origin has zeros */
    list_put(io, 1, 6, 900, format_area_chunk(1, 2));
    store = list_open(io);
    must(snap_repair_plan(&repair, &store, &options, NULL));
    assert_int_equal(repair.mended[SNAP_RULE_ENTRY_NEW_METADATA], 1);
    assert_int_equal(repair.found[SNAP_RULE_LIST_CUT], 0);
    assert_false(repair.restores);
    assert_int_equal(repair.entries_after, 32);
    apply(&repair);
    snap_repair_free(&repair);
    store = list_open(io);
    must(snap_repair_plan(&repair, &store, &options, NULL)); /* the next run, which knows nothing of this one */
    assert_int_equal(repair.found[SNAP_RULE_LIST_CUT], 0);
    assert_int_equal(repair.edits.count, 0);
    assert_int_equal(repair.entries_after, 32);
    snap_repair_free(&repair);
    list_close(io);
    list_close(origin);
}

/* What is wrong with an entry besides does not matter where it names no chunk of the origin: it goes. */
static void test_two_findings_about_one_entry(void **state)
{
    const struct snap_identity identity = {.store_id = {1}, .origin_sectors = 4000, .chunk_sectors = 1};
    const struct snap_repair_options options = {.clear_entries = true, .change_view = true, .origin_sectors = 4000};
    struct snap_io *io = list_new(1, format_area_chunk(1, 3));
    static struct snap_entry entries[64];
    struct snap_repair repair;
    struct snap_store store;

    (void)state;
    list_put_canonical(io, 1, 0, 12, 100, 1);
    list_put(io, 1, 3, 5000, format_canonical(1, 3) | UINT64_C(5) << 56);
    snap_codec_encode_record(&identity, io_mem_bytes(io));
    store = list_open(io);
    must(snap_repair_plan(&repair, &store, &options, NULL));
    assert_int_equal(repair.mended[SNAP_RULE_ENTRY_OLD_RANGE], 1);
    assert_int_equal(repair.mended[SNAP_RULE_ENTRY_NEW_TOP_BYTE], 1);
    assert_int_equal(repair.change_count, 1);
    assert_int_equal(repair.edits.count, 2); /* the move and the cut: it is not put right first */
    apply(&repair);
    snap_repair_free(&repair);
    assert_int_equal(list_read(io_mem_bytes(io), io->size_bytes, 1, entries, 64), 11);
    assert_int_equal(entries[3].old_chunk, 111);
    list_close(io);
}

/* Masked samples of entries that are dropped must not say that a merge has written there. */
static void test_fingerprint_forgets(void **state)
{
    struct snap_io *io = list_new(2, 200);
    struct snap_identity identity = {.store_id = {1}, .origin_sectors = 2048, .chunk_sectors = 2};
    struct snap_fingerprint fingerprint = {.store_id = {1}, .samples = 192, .mask = {1}, .sums = {7, 8}};
    struct snap_repair repair;
    struct snap_store store;

    (void)state;
    list_put_canonical(io, 2, 0, 3, 0, 1);
    list_put(io, 2, 1, 1, format_area_chunk(2, 1));
    snap_codec_encode_record(&identity, io_mem_bytes(io));
    snap_codec_encode_fingerprint(&fingerprint, io_mem_bytes(io) + 512);
    plan(&repair, io, true);
    apply(&repair);
    snap_repair_free(&repair);
    store = list_open(io);
    assert_int_equal(store.fingerprint_state, SNAP_FINGERPRINT_OK);
    assert_int_equal(store.fingerprint.sums[0], 0);
    assert_int_equal(store.fingerprint.sums[1], 8);
    list_close(io);
}

/* An entry gets its own data chunk back only if no other has it, and, without a trace of it, if none is moved. */
static void test_own_chunk_of_another(void **state)
{
    struct snap_io *io = list_new(1, format_area_chunk(1, 3));
    static struct snap_entry entries[64];
    struct snap_repair repair;

    (void)state;
    list_put_canonical(io, 1, 0, 12, 100, 1);
    list_put(io, 1, 9, 109, format_canonical(1, 5));
    list_put(io, 1, 5, 105, format_canonical(1, 5) | UINT64_C(0x42) << 56);
    list_put(io, 1, 3, 103, UINT64_C(1) << 40);
    plan(&repair, io, true);
    assert_int_equal(repair.change_count, 2);
    assert_true(repair.changes[0].from_origin && repair.changes[1].from_origin);
    apply(&repair);
    snap_repair_free(&repair);
    assert_clean(io);
    assert_int_equal(list_read(io_mem_bytes(io), io->size_bytes, 1, entries, 64), 10);
    list_close(io);
}

/* An invalid store with damage that stays becomes valid by no word. */
static void test_invalid_and_damaged(void **state)
{
    const struct snap_repair_options options = {.clear_entries = true, .change_view = true, .revalidate = true};
    struct snap_io *io = list_new(1, format_area_chunk(1, 3));
    struct snap_repair repair;
    struct snap_store store;

    (void)state;
    list_put_canonical(io, 1, 0, 12, 100, 1);
    io_mem_bytes(io)[4] = 0;
    for (int damaged = 0; damaged < 2; damaged++) {
        if (damaged) { /* one data chunk for both, of none of the two */
            list_put(io, 1, 3, 103, format_canonical(1, 14));
            list_put(io, 1, 5, 105, format_canonical(1, 14));
        }
        must(snap_header_read(&store, io, NULL));
        must(snap_repair_plan(&repair, &store, &options, NULL));
        assert_int_equal(repair.mended[SNAP_RULE_STORE_INVALID], !damaged);
        assert_int_equal(repair.edits.count, !damaged);
        snap_repair_free(&repair);
    }
    list_close(io);
}

/* Only with an end it is known whether two entries have the same chunk: then alone the store becomes valid. */
static void test_invalid_without_an_end(void **state)
{
    const struct snap_repair_options options = {.clear_entries = true, .change_view = true, .revalidate = true};

    (void)state;
    for (unsigned twice = 0; twice < 2; twice++) {
        struct snap_io *io = list_new(1, format_area_chunk(1, 1));
        struct snap_repair repair;
        struct snap_store store;

        list_put_canonical(io, 1, 0, 32, 100, 1);
        if (twice)
            list_put(io, 1, 3, 104, format_canonical(1, 3));
        io_mem_bytes(io)[4] = 0;
        must(snap_header_read(&store, io, NULL));
        must(snap_repair_plan(&repair, &store, &options, NULL));
        assert_int_equal(repair.mended[SNAP_RULE_LIST_PAST_END], 1);
        assert_int_equal(repair.found[SNAP_RULE_DUPLICATE_OLD], twice);
        assert_int_equal(repair.waiting[SNAP_RULE_DUPLICATE_OLD], twice);
        assert_int_equal(repair.mended[SNAP_RULE_STORE_INVALID], !twice);
        assert_int_equal(repair.waiting[SNAP_RULE_STORE_INVALID], twice);
        apply(&repair);
        snap_repair_free(&repair);
        assert_int_equal(io_mem_bytes(io)[4], !twice);
        list_close(io);
    }
}

/* Two entries with one chunk are seen in a list that has an end: one run makes the end, and keeps one of them. */
static void test_duplicates_without_an_end(void **state)
{
    struct snap_io *io = list_new(1, format_area_chunk(1, 2));
    struct snap_repair repair;

    (void)state;
    list_put_canonical(io, 1, 0, 64, 100, 1);
    list_put(io, 1, 40, 103, format_canonical(1, 40));
    keep = SNAP_REPAIR_KEEP_LAST;
    plan(&repair, io, true);
    keep = SNAP_REPAIR_KEEP_BOTH;
    assert_int_equal(repair.mended[SNAP_RULE_LIST_PAST_END], 1);
    assert_int_equal(repair.mended[SNAP_RULE_DUPLICATE_OLD], 1);
    assert_int_equal(repair.choice_count, 1);
    assert_int_equal(repair.choices[0].last_index, 40);
    assert_int_equal(repair.entries_after, 62);
    assert_int_equal(repair.change_count, 2);
    apply(&repair);
    snap_repair_free(&repair);
    assert_clean(io);
    list_close(io);
}

/* The entry whose number for the data is put right is for a chunk that has another: that is seen as well. */
static void test_duplicate_of_one_put_right(void **state)
{
    struct snap_io *io = list_new(1, format_area_chunk(1, 3));
    struct snap_repair repair;

    (void)state;
    list_put_canonical(io, 1, 0, 12, 100, 1);
    list_put(io, 1, 9, 103, format_canonical(1, 9) | UINT64_C(0x42) << 56);
    plan(&repair, io, true);
    assert_int_equal(repair.mended[SNAP_RULE_ENTRY_NEW_TOP_BYTE], 1);
    assert_int_equal(repair.found[SNAP_RULE_DUPLICATE_OLD], 1);
    assert_int_equal(repair.waiting[SNAP_RULE_DUPLICATE_OLD], 1);
    assert_int_equal(repair.choice_count, 1);
    snap_repair_free(&repair);
    keep = SNAP_REPAIR_KEEP_FIRST;
    plan(&repair, io, true);
    keep = SNAP_REPAIR_KEEP_BOTH;
    assert_int_equal(repair.mended[SNAP_RULE_DUPLICATE_OLD], 1);
    assert_int_equal(repair.change_count, 1); /* what the last round says of the chunk */
    assert_true(repair.changes[0].from_entry);
    apply(&repair);
    snap_repair_free(&repair);
    assert_clean(io);
    list_close(io);
}

/*
 * The last entry has the data chunk of another, and nothing tells its own. A drop would move it to slot 40, and the
 * next run would give it the chunk of that slot, with the data of the entry that was dropped: so nothing is dropped.
 */
static void test_undecided_entry_is_not_moved(void **state)
{
    struct snap_io *io = list_new(2, 200 * 2);
    struct snap_repair repair;

    (void)state;
    list_put_canonical(io, 2, 0, 60, 5, 3);
    list_put(io, 2, 40, 125, UINT64_C(1) << 40);
    list_put(io, 2, 59, 124, format_canonical(2, 10)); /* between the olds beside slot 40 */
    list_put(io, 2, 41, 128, format_canonical(2, 42)); /* so that slot 40 does not get its own chunk */
    list_put(io, 2, 42, 131, format_canonical(2, 41));
    plan(&repair, io, true);
    assert_int_equal(repair.edits.count, 0);
    assert_int_equal(repair.held_back, 1);
    assert_int_equal(repair.waiting[SNAP_RULE_ENTRY_NEW_RANGE], 1);
    snap_repair_free(&repair);
    list_put(io, 2, 59, 124, format_canonical(2, 59)); /* known: it moves */
    plan(&repair, io, true);
    assert_int_equal(repair.held_back, 0);
    assert_int_equal(repair.mended[SNAP_RULE_ENTRY_NEW_RANGE], 1);
    assert_int_equal(repair.entries_after, 59);
    snap_repair_free(&repair);
    list_close(io);
}

/* One bit of the slot behind the list has become 1: chunk 0 of the origin must not get a data chunk that way. */
static void test_flipped_bit_behind_the_list(void **state)
{
    (void)state;
    for (unsigned entries = 0; entries <= 40; entries += 20) {
        for (unsigned bit = 12; bit < 56; bit++) {
            struct snap_io *io = list_new(8, 400 * 8);
            struct snap_repair repair;

            list_put_canonical(io, 8, 0, entries, 10, 3);
            list_put(io, 8, entries, 0, UINT64_C(1) << bit);
            plan(&repair, io, true);
            assert_int_equal(repair.entries_after, entries);
            apply(&repair);
            snap_repair_free(&repair);
            assert_clean(io);
            list_close(io);
        }
    }
}

/* The last entry is for chunk 0, and one bit of its own number is wrong: it is put right. */
static void test_last_entry_of_chunk_0(void **state)
{
    struct snap_io *io = list_new(8, 400 * 8);
    struct snap_repair repair;

    (void)state;
    list_put_canonical(io, 8, 0, 40, 10, 3);
    list_put(io, 8, 40, 0, format_canonical(8, 40) | UINT64_C(1) << 30);
    plan(&repair, io, true);
    assert_int_equal(repair.entries_after, 41);
    apply(&repair);
    snap_repair_free(&repair);
    assert_clean(io);
    list_close(io);
}

/* What is too much to be mended, and shows late, does not hold back what comes before it. */
static void test_too_much_shows_late(void **state)
{
    const uint64_t entries = SNAP_REPAIR_ENTRIES_MAX + 100;
    struct snap_io *io = list_new(1, format_area_chunk(1, entries / 32 + 2));
    struct snap_repair repair;

    (void)state;
    list_put_canonical(io, 1, 0, entries, 100, 0); /* all for one chunk */
    list_put(io, 1, 9, 7, format_canonical(1, 9) | UINT64_C(0x42) << 56);
    keep = SNAP_REPAIR_KEEP_FIRST;
    plan(&repair, io, true);
    keep = SNAP_REPAIR_KEEP_BOTH;
    assert_int_equal(repair.mended[SNAP_RULE_ENTRY_NEW_TOP_BYTE], 1);
    assert_int_equal(repair.mended[SNAP_RULE_DUPLICATE_OLD], 0);
    assert_true(repair.found[SNAP_RULE_DUPLICATE_OLD] > 0);
    assert_int_equal(repair.change_count, 1);
    assert_int_equal(repair.entries_after, entries);
    assert_int_equal(repair.edits.count, 1);
    apply(&repair);
    snap_repair_free(&repair);
    list_close(io);
}

/* What a used device has in the next area is old because the list has those chunks: it stays old when it has not. */
static void test_old_areas_stay_old(void **state)
{
    (void)state;
    for (int twice = 0; twice < 2; twice++) {
        struct snap_io *io = list_new(2, 2 * format_area_chunk(2, 4));
        struct snap_repair repair;

        list_put_canonical(io, 2, 0, 33 + (uint64_t)twice, 100, 1); /* afterwards it ends at the border of a sector */
        list_put_canonical(io, 2, 64, 40, 500, 1);
        list_put(io, 2, 64, 105, format_canonical(2, 64));
        list_put(io, 2, 5, 105, format_area_chunk(2, 1));
        if (twice) /* without the one, the other has that chunk */
            list_put(io, 2, 7, 105, format_area_chunk(2, 1));
        plan(&repair, io, true);
        assert_int_equal(repair.mended[SNAP_RULE_ENTRY_NEW_METADATA], 1 + twice);
        apply(&repair);
        snap_repair_free(&repair);
        assert_clean(io);
        list_close(io);
    }
}

/* A header for a list that lost it, or whose chunk size is not the record's; only then. */
static void test_header(void **state)
{
    struct snap_io *io = list_new(4, 2000);
    struct snap_identity identity = {.store_id = {1}, .origin_sectors = 2048, .chunk_sectors = 4};
    struct snap_repair repair = {.edits = {.count = 0}};
    struct snap_store store = list_open(io);

    (void)state;
    list_put_canonical(io, 4, 0, 3, 0, 1);
    assert_int_equal(snap_repair_header_rule(&store), SNAP_RULES);
    assert_int_equal(snap_repair_plan_header(&repair, &store, 4, 3, NULL), SNAP_E_REFUSED);
    memset(io_mem_bytes(io), 0, 16);
    io_mem_bytes(io)[100] = 7;
    must(snap_header_read(&store, io, NULL));
    assert_int_equal(snap_repair_header_rule(&store), SNAP_RULE_HEADER_EMPTY);
    must(snap_repair_plan_header(&repair, &store, 4, 3, NULL));
    apply(&repair);
    assert_int_equal(list_open(io).layout.chunk_sectors, 4);
    assert_int_equal(io_mem_bytes(io)[100], 0); /* no record, so that one can be made */

    snap_codec_encode_record(&identity, io_mem_bytes(io));
    io_mem_bytes(io)[12] = 8;
    plan(&repair, io, true);
    assert_int_equal(repair.found[SNAP_RULE_CHUNK_RECORD], 1);
    assert_int_equal(repair.edits.count, 0); /* what is read as the list is none */
    must(snap_header_read(&store, io, NULL));
    must(snap_repair_plan_header(&repair, &store, 4, 0, NULL));
    apply(&repair);
    snap_repair_free(&repair);
    store = list_open(io);
    assert_int_equal(store.layout.chunk_sectors, 4);
    assert_int_equal(store.identity_state, SNAP_IDENTITY_OK);
    assert_int_equal(store.identity.chunk_sectors, 4);

    /* The header has the right one: the record gets it. */
    identity.chunk_sectors = 16;
    snap_codec_encode_record(&identity, io_mem_bytes(io));
    must(snap_header_read(&store, io, NULL));
    must(snap_repair_plan_header(&repair, &store, 4, 0, NULL));
    apply(&repair);
    snap_repair_free(&repair);
    store = list_open(io);
    assert_int_equal(store.layout.chunk_sectors, 4);
    assert_int_equal(store.identity.chunk_sectors, 4);
    list_close(io);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_damage),
        cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_crashes_end_in_one_place),
        cmocka_unit_test(test_everything_damaged),
        cmocka_unit_test(test_list_past_end),
        cmocka_unit_test(test_area_unreadable),
        cmocka_unit_test(test_area_unreadable_in_part),
        cmocka_unit_test(test_first_area_unreadable),
        cmocka_unit_test(test_cut_list_keeps_its_rest),
        cmocka_unit_test(test_entries_of_an_earlier_list_stay_away),
        cmocka_unit_test(test_two_findings_about_one_entry),
        cmocka_unit_test(test_fingerprint_forgets),
        cmocka_unit_test(test_own_chunk_of_another),
        cmocka_unit_test(test_invalid_and_damaged),
        cmocka_unit_test(test_invalid_without_an_end),
        cmocka_unit_test(test_duplicates_without_an_end),
        cmocka_unit_test(test_duplicate_of_one_put_right),
        cmocka_unit_test(test_undecided_entry_is_not_moved),
        cmocka_unit_test(test_flipped_bit_behind_the_list),
        cmocka_unit_test(test_last_entry_of_chunk_0),
        cmocka_unit_test(test_too_much_shows_late),
        cmocka_unit_test(test_old_areas_stay_old),
        cmocka_unit_test(test_header),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
