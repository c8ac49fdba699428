/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests the order in which a new store is written, what a crash leaves of it at any point, and its limits. */
#include "lib/base/bytes.h"
#include "lib/check/check.h"
#include "lib/store/create.h"
#include "tests/support/io_fault.h"
#include "tests/support/io_record.h"
#include "tests/unit/alloc_fixture.h"
#include "tests/unit/format_fixture.h"
#include "tests/unit/list_fixture.h"
#include "tests/unit/unit.h"

#define EXHAUSTIVE_SECTORS 14u
#define SAMPLES 400u
#define CHUNK_BYTES_MAX (2u << 20)

static uint64_t seed = 5;
static uint8_t chunk[CHUNK_BYTES_MAX];

/* The data of a new store's entries: each sector has its own. */
static const uint8_t *data_of(uint64_t index, uint64_t chunk_bytes)
{
    for (uint64_t at = 0; at < chunk_bytes; at += 8)
        snap_put_le64(chunk + at, (index << 32) + at + 1);
    return chunk;
}

static uint64_t old_of(uint64_t index)
{
    return index * 3 + 1;
}

static const struct snap_fingerprint taken = {.seed = 5, .samples = 150, .mask = {1}, .sums = {7, 8, 9}};

/* With a record, the store gets a fingerprint, too, where chunks have the room. */
static enum snap_status make(struct snap_io *io, uint32_t cs, uint64_t count, const struct snap_identity *identity,
                             struct snap_error *err)
{
    struct snap_fingerprint fingerprint = taken;
    struct snap_create *create;
    struct snap_layout layout;
    enum snap_status status;

    assert_ok(snap_layout_init(&layout, cs, io->size_bytes / 512, err), err);
    status = snap_create_begin(&create, io, &layout, err);
    if (status != SNAP_OK) {
        assert_null(create);
        return status;
    }
    for (uint64_t i = 0; status == SNAP_OK && i < count; i++) {
        assert_int_equal(snap_create_entries(create), i);
        status = snap_create_add(create, old_of(i), data_of(i, cs * UINT64_C(512)), err);
    }
    if (status == SNAP_OK)
        status = snap_create_finish(create, identity, identity && cs > 1 ? &fingerprint : NULL, err);
    snap_create_close(create);
    return status;
}

/* The whole new store, and nothing that looks like more of it. */
static void assert_new_store(struct snap_io *io, uint32_t cs, uint64_t count)
{
    static struct snap_entry entries[1000];
    const uint64_t chunk_bytes = cs * UINT64_C(512);
    const uint8_t *bytes = io_mem_bytes(io);

    assert_int_equal(list_read(bytes, io->size_bytes, cs, entries, 1000), count);
    for (uint64_t i = 0; i < count; i++) {
        assert_int_equal(entries[i].old_chunk, old_of(i));
        assert_int_equal(entries[i].new_chunk, format_canonical(cs, i));
        assert_memory_equal(bytes + entries[i].new_chunk * chunk_bytes, data_of(i, chunk_bytes), chunk_bytes);
    }
    for (uint64_t at = format_entry_offset(cs, count), i = at % chunk_bytes; i < chunk_bytes; at++, i++)
        assert_int_equal(bytes[at], 0); /* rule garbage-behind-end: it would become live */
}

/* Each sample that the list touches is masked, beside those that were. Blocks are chunks of eight sectors here. */
static void assert_fingerprint(struct snap_io *io, uint64_t count)
{
    const struct snap_store store = list_open(io);
    struct snap_fingerprint expected = taken;

    for (uint64_t i = 0; i < count; i++)
        expected.mask[old_of(i) / 8] |= (uint8_t)(1u << old_of(i) % 8);
    assert_int_equal(store.fingerprint_state, SNAP_FINGERPRINT_OK);
    assert_memory_equal(&store.fingerprint, &expected, sizeof expected);
}

static void assert_sound(struct snap_io *io)
{
    const struct snap_check_options options = {0};
    struct snap_findings findings = {0};
    struct snap_error err = {.text = ""};
    struct snap_check_result result;
    struct snap_store store = list_open(io);

    assert_ok(snap_check(&store, &options, &findings, &result, &err), &err);
    assert_int_equal(findings.severity_counts[SNAP_FATAL] + findings.severity_counts[SNAP_CORRUPTING], 0);
    assert_int_equal(findings.rule_counts[SNAP_RULE_LIST_CUT], 0);
    assert_true(result.canonical);
}

/* A device without a store, but full of bytes. */
static void fill_with_garbage(uint8_t *bytes, uint64_t size_bytes)
{
    for (uint64_t at = 0; at < size_bytes; at += 8)
        snap_put_le64(bytes + at, unit_random(&seed, UINT64_MAX));
    bytes[0] = 0xff;
}

static struct snap_io *old_store(uint32_t cs, uint64_t chunks, uint64_t count)
{
    struct snap_io *io = list_new(cs, chunks * cs);

    list_put_canonical(io, cs, 0, count, 70000, 2);
    return io;
}

/* --- order ------------------------------------------------------------------------------------------------- */

static void assert_order(uint32_t cs, uint64_t sectors, uint32_t block_bytes, uint64_t count, const char *expected)
{
    struct recorder *recorder = recorder_new();
    struct snap_io *io = io_record_new(recorder, "cow", NULL, sectors * 512, block_bytes, true);
    struct snap_error err = {.text = ""};
    char *text;

    assert_ok(make(io, cs, count, NULL, &err), &err);
    text = recorder_log_text(recorder, false);
    assert_string_equal(text, expected);
    free(text);
    list_close(io);
    recorder_free(recorder);
}

static void operations_come_in_the_safe_order(void **state)
{
    (void)state;
    assert_order(1, 100, 512, 0, "cow write 0 512\ncow flush\n"
                                 "cow write 512 512\ncow flush\n"
                                 "cow write 0 512\ncow flush\n");
    assert_order(1, 100, 512, 40, "cow write 0 512\ncow flush\n"
                                  "cow write 512 512\n"      /* area 0 is full */
                                  "cow write 1024 16384\n"   /* chunks 2 to 33 */
                                  "cow write 17920 4096\n"   /* 35 to 42 */
                                  "cow write 17408 512\n"    /* area 1 */
                                  "cow flush\n"
                                  "cow write 0 512\ncow flush\n");
    assert_order(1, 100, 512, 32, "cow write 0 512\ncow flush\n"
                                  "cow write 512 512\n"
                                  "cow write 1024 16384\n"
                                  "cow write 17408 512\n"    /* the empty area behind the full one */
                                  "cow flush\n"
                                  "cow write 0 512\ncow flush\n");
    assert_order(8, 160, 4096, 2, "cow write 0 4096\ncow flush\n"
                                  "cow write 8192 8192\n"
                                  "cow write 4096 4096\n"
                                  "cow flush\n"
                                  "cow write 0 4096\ncow flush\n");
    assert_order(2048, 6 * 2048, 512, 3, "cow write 0 512\ncow flush\n"
                                         "cow write 512 1048064\n" /* the rest of chunk 0 */
                                         "cow write 2097152 3145728\n"
                                         "cow write 1048576 1048576\n"
                                         "cow flush\n"
                                         "cow write 0 512\ncow flush\n");
    assert_order(4096, 6 * 4096, 4096, 3, "cow write 0 4096\ncow flush\n"
                                          "cow write 4096 2093056\n"
                                          "cow write 4194304 4194304\n"
                                          "cow write 8388608 2097152\n"
                                          "cow write 2097152 1048576\ncow write 3145728 1048576\n"
                                          "cow flush\n"
                                          "cow write 0 4096\ncow flush\n");
}

/* --- crash states ------------------------------------------------------------------------------------------ */

struct explorer {
    struct snap_io *image;
    const uint8_t *before; /* what the device held */
    uint32_t cs, block_bytes;
    uint64_t count;
    bool begun;            /* what was there before must be gone */
    uint64_t states, stores;
};

static void look_at(struct explorer *explorer)
{
    struct snap_store store;
    enum snap_status status = snap_header_open(&store, explorer->image, NULL);

    explorer->states++;
    if (status == SNAP_E_NOT_STORE)
        return;
    assert_int_equal(status, SNAP_OK);
    if (!explorer->begun &&
        memcmp(io_mem_bytes(explorer->image), explorer->before, explorer->image->size_bytes) == 0)
        return;
    assert_new_store(explorer->image, explorer->cs, explorer->count);
    /* In a larger block both sectors are one unit; here they are not, and a record alone harms nobody. */
    if (explorer->cs == 8 && (explorer->block_bytes == 512 || io_mem_bytes(explorer->image)[512] != 0))
        assert_fingerprint(explorer->image, explorer->count);
    explorer->stores++;
}

static void explore(void *context, const struct recorder *recorder, const struct record_operation *operation)
{
    struct explorer *explorer = context;
    const struct record_disk *disk = &recorder_state(recorder)->disks[0];
    size_t *choice = record_choice_new(disk);
    uint64_t choices = record_choices(disk);
    size_t flushes = 0, count;
    const struct record_operation *log = recorder_log(recorder, &count);

    for (size_t i = 0; i < count; i++)
        flushes += log[i].kind == RECORD_FLUSH;
    explorer->begun = flushes > 0;
    if (choices <= 1u << EXHAUSTIVE_SECTORS) {
        do {
            record_image(disk, choice, io_mem_bytes(explorer->image));
            look_at(explorer);
        } while (record_choice_next(disk, choice));
    } else if (!operation || operation->kind == RECORD_FLUSH) { /* the most that is pending */
        for (unsigned sample = 0; sample < SAMPLES; sample++) {
            uint64_t bias = 1 + unit_random(&seed, 9);

            for (size_t i = 0; i < disk->pending_count; i++)
                choice[i] = unit_random(&seed, 10) < bias ? unit_random(&seed, disk->pending[i].versions) + 1 : 0;
            record_image(disk, choice, io_mem_bytes(explorer->image));
            look_at(explorer);
        }
    }
    free(choice);
}

static void crash_everywhere(uint32_t cs, uint32_t block_bytes, uint64_t chunks, const uint8_t *before,
                             uint64_t count)
{
    const uint64_t size_bytes = chunks * cs * 512;
    const struct snap_identity identity = {.origin_sectors = 1234, .chunk_sectors = cs};
    struct recorder *recorder = recorder_new();
    struct snap_io *io = io_record_new(recorder, "cow", before, size_bytes, block_bytes, true);
    struct explorer explorer = {.image = io_mem_new("image", size_bytes, 512, false), .before = before, .cs = cs,
                                .block_bytes = block_bytes, .count = count};
    struct snap_error err = {.text = ""};

    recorder_on_operation(recorder, explore, &explorer);
    assert_ok(make(io, cs, count, &identity, &err), &err);
    recorder_on_operation(recorder, NULL, NULL);
    assert_true(explorer.stores > 0); /* the header on its way */
    explore(&explorer, recorder, NULL);
    assert_int_equal(recorder_state(recorder)->disks[0].pending_count, 0);
    assert_new_store(explorer.image, cs, count);
    assert_sound(explorer.image);
    list_close(explorer.image);
    list_close(io);
    recorder_free(recorder);
}

static void a_crash_over_garbage_leaves_all_or_nothing(void **state)
{
    static const uint64_t counts[] = {0, 1, 9, 12, 31, 32, 33, 64, 70};
    static uint8_t before[110 * 4096];

    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        fill_with_garbage(before, sizeof before);
        crash_everywhere(1, 512, 110, before, counts[i]);
    }
    fill_with_garbage(before, sizeof before);
    crash_everywhere(8, 512, 20, before, 3);
    crash_everywhere(8, 4096, 20, before, 3);
    crash_everywhere(8, 4096, 20, before, 0);
}

static void a_crash_over_an_older_store_leaves_all_or_nothing(void **state)
{
    static const uint64_t counts[] = {0, 1, 9, 11, 31, 32, 40, 70};

    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct snap_io *old = old_store(1, 110, 90);

        crash_everywhere(1, 512, 110, io_mem_bytes(old), counts[i]);
        list_close(old);
    }
}

/* --- what was there before --------------------------------------------------------------------------------- */

static void the_header_is_as_the_kernel_writes_it(void **state)
{
    static const uint8_t expected[512] = {0x53, 0x6e, 0x41, 0x70, 1, 0, 0, 0, 1, 0, 0, 0, 8};
    struct snap_error err = {.text = ""};

    (void)state;
    for (uint32_t block_bytes = 512; block_bytes <= 4096; block_bytes *= 8) {
        struct snap_io *io = io_mem_new("cow", 20 * 4096, block_bytes, true);

        fill_with_garbage(io_mem_bytes(io), io->size_bytes);
        assert_ok(make(io, 8, 3, NULL, &err), &err);
        assert_memory_equal(io_mem_bytes(io), expected, sizeof expected);
        assert_new_store(io, 8, 3);
        list_close(io);
    }
}

static void record_and_fingerprint_are_written_with_the_header(void **state)
{
    const struct snap_identity identity = {.origin_sectors = 1234, .chunk_sectors = 8, .label = "a label"};
    struct snap_error err = {.text = ""};
    struct snap_io *io = io_mem_new("cow", 20 * 4096, 512, true);
    struct snap_store store;

    (void)state;
    assert_ok(make(io, 8, 1, &identity, &err), &err);
    store = list_open(io);
    assert_int_equal(store.identity_state, SNAP_IDENTITY_OK);
    assert_memory_equal(&store.identity, &identity, sizeof identity);
    assert_fingerprint(io, 1);
    list_close(io);
}

/* Nobody asks for one there; if somebody did, area 0 must not get it. */
static void there_is_no_fingerprint_without_a_place(void **state)
{
    const struct snap_identity identity = {.origin_sectors = 1234};
    struct snap_error err = {.text = ""};

    (void)state;
    for (uint32_t cs = 1; cs <= 2; cs++) {
        struct snap_io *io = io_mem_new("cow", 100 * 512, 512, true);
        struct snap_fingerprint fingerprint = taken;
        struct snap_create *create;
        struct snap_layout layout;

        assert_ok(snap_layout_init(&layout, cs, 100, &err), &err);
        assert_ok(snap_create_begin(&create, io, &layout, &err), &err);
        assert_status(snap_create_finish(create, cs == 1 ? &identity : NULL, &fingerprint, &err), SNAP_E_INTERNAL,
                      &err);
        snap_create_close(create);
        assert_true(snap_all_zero(io_mem_bytes(io), io->size_bytes));
        list_close(io);
    }
}

static void an_older_store_does_not_continue_the_new_one(void **state)
{
    static const uint64_t olds[] = {32, 64, 65, 100}, news[] = {0, 5, 31, 32, 40, 63, 64};
    struct snap_error err = {.text = ""};

    (void)state;
    for (size_t o = 0; o < sizeof olds / sizeof olds[0]; o++) {
        for (size_t n = 0; n < sizeof news / sizeof news[0]; n++) {
            struct snap_io *io = old_store(1, 110, olds[o]);

            assert_ok(make(io, 1, news[n], NULL, &err), &err);
            assert_new_store(io, 1, news[n]);
            assert_sound(io);
            list_close(io);
        }
    }
}

/* --- limits ------------------------------------------------------------------------------------------------ */

static void a_device_takes_what_the_format_allows(void **state)
{
    (void)state;
    for (uint64_t chunks = 2; chunks <= 110; chunks++) {
        const uint64_t raw = chunks < 3 ? 0 : (chunks - 2) - (chunks - 2) / 33;
        const uint64_t capacity = raw > 0 && raw % 32 == 0 && 1 + 33 * (raw / 32) >= chunks ? raw - 1 : raw;
        struct snap_error err = {.text = ""};

        for (uint64_t rest = 0; rest < 4; rest += 3) { /* a partial last chunk changes nothing */
            const uint32_t cs = rest == 0 ? 1 : 4;
            const uint64_t room = cs == 1 ? capacity : chunks - 2; /* areas of 128 entries are never full here */
            struct snap_io *io = io_mem_new("cow", (chunks * cs + rest) * 512, 512, true);

            fill_with_garbage(io_mem_bytes(io), io->size_bytes);
            assert_ok(make(io, cs, room, NULL, &err), &err);
            assert_new_store(io, cs, room);
            assert_sound(io);
            assert_status(make(io, cs, room + 1, NULL, &err), SNAP_E_NOSPC, &err);
            assert_non_null(strstr(err.text, "cow: "));
            list_close(io);
        }
    }
}

static void a_full_device_can_still_be_finished(void **state)
{
    struct snap_io *io = io_mem_new("cow", 40 * 512, 512, true);
    struct snap_error err = {.text = ""};
    struct snap_create *create;
    struct snap_layout layout;

    (void)state;
    assert_ok(snap_layout_init(&layout, 1, 40, &err), &err);
    assert_ok(snap_create_begin(&create, io, &layout, &err), &err);
    for (uint64_t i = 0; i < 37; i++)
        assert_ok(snap_create_add(create, old_of(i), data_of(i, 512), &err), &err);
    for (unsigned i = 0; i < 2; i++)
        assert_status(snap_create_add(create, 5000, data_of(99, 512), &err), SNAP_E_NOSPC, &err);
    assert_int_equal(snap_create_entries(create), 37);
    assert_ok(snap_create_finish(create, NULL, NULL, &err), &err);
    snap_create_close(create);
    assert_new_store(io, 1, 37);
    list_close(io);
}

static void the_exact_fit_trap_is_not_stepped_into(void **state)
{
    static const uint64_t traps[][2] = {{33, 31}, {34, 31}, {35, 32}, {36, 33},
                                        {65, 62}, {66, 63}, {67, 63}, {68, 64}};

    (void)state; /* dmsnap-store(5), CAPACITY: as the kernel behaved */
    for (size_t i = 0; i < sizeof traps / sizeof traps[0]; i++) {
        struct snap_io *io = io_mem_new("cow", traps[i][0] * 512, 512, true);
        struct snap_error err = {.text = ""};

        assert_ok(make(io, 1, traps[i][1], NULL, &err), &err);
        assert_sound(io);
        assert_status(make(io, 1, traps[i][1] + 1, NULL, &err), SNAP_E_NOSPC, &err);
        list_close(io);
    }
}

static void a_device_that_cannot_hold_a_store_is_refused(void **state)
{
    static const struct {
        uint32_t cs, block_bytes;
        uint64_t sectors;
        bool refused;
    } shapes[] = {
        {8, 512, 0, true},  {8, 512, 8, true},    {8, 512, 15, true}, {8, 512, 16, false},
        {4, 4096, 80, true}, {8, 4096, 80, false}, {1, 1024, 80, true}, {2, 1024, 80, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct recorder *recorder = recorder_new();
        struct snap_io *io =
            io_record_new(recorder, "cow", NULL, shapes[i].sectors * 512, shapes[i].block_bytes, true);
        struct snap_error err = {.text = ""};
        size_t operations;

        assert_status(make(io, shapes[i].cs, 0, NULL, &err), shapes[i].refused ? SNAP_E_REFUSED : SNAP_OK, &err);
        (void)recorder_log(recorder, &operations);
        assert_true((operations == 0) == shapes[i].refused);
        list_close(io);
        recorder_free(recorder);
    }
}

/* --- failures ---------------------------------------------------------------------------------------------- */

static void every_failed_operation_is_told(void **state)
{
    static const enum io_fault_kind kinds[] = {IO_FAULT_WRITE, IO_FAULT_FLUSH, IO_FAULT_READ};

    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        for (uint64_t at = 0;; at++) {
            struct snap_io *io = io_fault_new(old_store(1, 110, 90), io_mem_drop_unflushed);
            struct snap_error err = {.text = ""};
            struct snap_store store;
            enum snap_status status;

            io_fault_add(io, &(struct io_fault){.kind = kinds[k], .at = at});
            status = make(io, 1, 40, NULL, &err);
            if (io_fault_hits(io) == 0) {
                assert_int_equal(status, SNAP_OK);
                assert_int_equal(at, kinds[k] == IO_FAULT_WRITE ? 7 : kinds[k] == IO_FAULT_FLUSH ? 3 : 2);
                list_close(io);
                break;
            }
            assert_int_equal(status, SNAP_E_IO);
            assert_non_null(strstr(err.text, "cow: "));
            if (at > 0 || kinds[k] == IO_FAULT_READ) /* the first write, or flush: the old store is still there */
                assert_status(snap_header_open(&store, io, &err), SNAP_E_NOT_STORE, &err);
            list_close(io);
        }
    }
}

static void no_allocation_can_fail_unnoticed(void **state)
{
    struct list_virtual *list = list_virtual_new(8, 50); /* read-only: a write would be an internal error */
    struct snap_layout layout;
    struct snap_error err = {.text = ""};

    (void)state;
    assert_ok(snap_layout_init(&layout, 8, list->io.size_bytes / 512, &err), &err);
    for (uint64_t k = 1; k <= 5; k++) {
        struct snap_create *create;
        uint64_t before_bytes = alloc.live_bytes;
        enum snap_status status;

        alloc_fail_at(k, true);
        status = snap_create_begin(&create, &list->io, &layout, &err);
        alloc_fail_at(0, false);
        assert_int_equal(status, k <= 4 ? SNAP_E_NOMEM : SNAP_E_INTERNAL);
        assert_null(create);
        assert_int_equal(alloc.live_bytes, before_bytes);
    }
    snap_create_close(NULL);
    list_close(&list->io);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_come_in_the_safe_order),
        cmocka_unit_test(a_crash_over_garbage_leaves_all_or_nothing),
        cmocka_unit_test(a_crash_over_an_older_store_leaves_all_or_nothing),
        cmocka_unit_test(the_header_is_as_the_kernel_writes_it),
        cmocka_unit_test(record_and_fingerprint_are_written_with_the_header),
        cmocka_unit_test(there_is_no_fingerprint_without_a_place),
        cmocka_unit_test(an_older_store_does_not_continue_the_new_one),
        cmocka_unit_test(a_device_takes_what_the_format_allows),
        cmocka_unit_test(a_full_device_can_still_be_finished),
        cmocka_unit_test(the_exact_fit_trap_is_not_stepped_into),
        cmocka_unit_test(a_device_that_cannot_hold_a_store_is_refused),
        cmocka_unit_test(every_failed_operation_is_told),
        cmocka_unit_test(no_allocation_can_fail_unnoticed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
