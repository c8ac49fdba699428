/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of old bytes: each damaged one is refused, and so is a store that was used since. */
#include "lib/repair/saved.h"

#include "tests/support/io_fault.h"
#include "tests/support/io_record.h"
#include "tests/unit/list_fixture.h"

#include <errno.h>
#include <unistd.h>

#define ENTRIES 40u

/* A list of 40 entries in chunks of one sector, and two edits of its second area and of its header. */
struct saved_case {
    struct snap_io *io;
    struct snap_edits edits;
};

static struct saved_case case_new(void)
{
    struct saved_case saved = {.io = list_new(1, format_area_chunk(1, 5))};
    uint8_t unit[512];

    list_put_canonical(saved.io, 1, 0, ENTRIES, 7, 3);
    snap_edits_init(&saved.edits, saved.io, sizeof unit);
    memset(unit, 0x11, sizeof unit);
    must(snap_edits_add(&saved.edits, format_area_offset(1, 1), unit, NULL));
    snap_edits_barrier(&saved.edits);
    memset(unit, 0x22, sizeof unit);
    must(snap_edits_add(&saved.edits, format_area_offset(1, 1), unit, NULL));
    must(snap_edits_add(&saved.edits, 0, unit, NULL));
    return saved;
}

static void case_free(struct saved_case *saved)
{
    snap_edits_free(&saved->edits);
    list_close(saved->io);
}

static void make(const struct saved_case *saved, struct snap_saved *made)
{
    const struct snap_store store = list_open(saved->io);

    must(snap_saved_make(made, &store, &saved->edits, ENTRIES, NULL));
}

/* A file that is gone when it is closed. */
static int written(const struct snap_saved *saved)
{
    char name[] = "old-bytes.XXXXXX";
    const int fd = mkstemp(name);

    assert_true(fd >= 0);
    assert_int_equal(unlink(name), 0);
    must(snap_saved_write(saved, fd, name, NULL));
    return fd;
}

static void test_written_and_read(void **state)
{
    struct saved_case saved = case_new();
    struct snap_saved made, found;
    int fd;

    (void)state;
    make(&saved, &made);
    fd = written(&made);
    must(snap_saved_read(&found, fd, "old", saved.io, NULL));
    assert_int_equal(found.cow_bytes, saved.io->size_bytes);
    assert_int_equal(found.areas, 3);
    assert_int_equal(found.rest_crc32c, made.rest_crc32c);
    assert_int_equal(found.edits.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(found.edits.items[i].offset_bytes, saved.edits.items[i].offset_bytes);
        assert_int_equal(found.edits.items[i].flush, saved.edits.items[i].flush);
        assert_memory_equal(found.edits.items[i].before, saved.edits.items[i].before, 512);
        assert_memory_equal(found.edits.items[i].after, saved.edits.items[i].after, 512);
    }
    snap_saved_free(&found);
    close(fd);
    case_free(&saved);
}

static void test_damaged_files(void **state)
{
    struct saved_case saved = case_new();
    struct snap_saved made, found;
    int fd;

    (void)state;
    make(&saved, &made);
    fd = written(&made);
    for (long at = 0; at < 512 + 3 * (16 + 1024); at += at < 544 ? 1 : 37) {
        uint8_t byte;

        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte = (uint8_t)~byte;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        assert_int_equal(snap_saved_read(&found, fd, "old", saved.io, NULL), SNAP_E_REFUSED);
        snap_saved_free(&found);
        byte = (uint8_t)~byte;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    }
    for (long end = 512 + 3 * (16 + 1024) - 1; end >= 0; end -= 61) {
        assert_int_equal(ftruncate(fd, end), 0);
        assert_int_equal(snap_saved_read(&found, fd, "old", saved.io, NULL), SNAP_E_REFUSED);
        snap_saved_free(&found);
    }
    close(fd);
    case_free(&saved);
}

/* Of another size, or used since: in an edited unit, beside one, in an area that was still empty. */
static void test_stores_that_do_not_fit(void **state)
{
    static const uint64_t places[] = {0, 1, 2};
    struct saved_case saved = case_new();
    struct snap_io *other = list_new(1, format_area_chunk(1, 6));
    struct snap_saved made, found;
    uint64_t units;
    bool begun;
    int fd;

    (void)state;
    make(&saved, &made);
    fd = written(&made);
    assert_int_equal(snap_saved_read(&found, fd, "old", other, NULL), SNAP_E_REFUSED);
    snap_saved_free(&found);
    must(snap_saved_count(&made, "old", &units, NULL));
    assert_int_equal(units, 0);
    must(snap_edits_apply(&saved.edits, &begun, NULL));
    must(snap_saved_count(&made, "old", &units, NULL));
    assert_int_equal(units, 2);
    for (size_t i = 0; i < 3; i++) {
        uint8_t *byte = io_mem_bytes(saved.io) + format_area_offset(1, places[i]) + 24;

        *byte ^= 1;
        assert_int_equal(snap_saved_count(&made, "old", &units, NULL), SNAP_E_REFUSED);
        *byte ^= 1;
    }
    must(snap_saved_put_back(&made, NULL));
    must(snap_saved_count(&made, "old", &units, NULL));
    assert_int_equal(units, 0);
    assert_int_equal(snap_get_le32(io_mem_bytes(saved.io)), FORMAT_MAGIC);
    close(fd);
    list_close(other);
    case_free(&saved);
}

/* A unit that is larger than what is read in one step would be written past the end of the step. */
static void test_units_that_no_device_has(void **state)
{
    struct snap_io *io = list_new(4096, 4096u * 4);
    const struct snap_store store = list_open(io);
    struct snap_edits edits;
    struct snap_saved made, found;
    uint8_t *unit = test_calloc(1, 2u << 20);
    int fd;

    (void)state;
    snap_edits_init(&edits, io, 512);
    unit[0] = 1;
    must(snap_edits_add(&edits, 0, unit, NULL));
    must(snap_saved_make(&made, &store, &edits, 0, NULL));
    snap_edits_free(&edits);
    snap_edits_init(&made.edits, io, 2u << 20);
    must(snap_edits_add(&made.edits, 0, unit, NULL));
    fd = written(&made);
    assert_int_equal(snap_saved_read(&found, fd, "old", io, NULL), SNAP_E_REFUSED);
    snap_saved_free(&found);
    snap_saved_free(&made);
    free(unit);
    close(fd);
    list_close(io);
}

/* Whole files with right checksums, whose bytes would go behind the end, or between two units. */
static void test_forged_offsets(void **state)
{
    static const struct {
        uint64_t from_end;
        int64_t by_bytes;
    } forged[] = {{0, 0}, {512, 512}, {512, -8}, {0, 1 << 20}};

    (void)state;
    for (size_t i = 0; i < sizeof forged / sizeof forged[0]; i++) {
        struct saved_case saved = case_new();
        struct snap_saved made, found;
        int fd;

        saved.edits.items[0].offset_bytes =
            (uint64_t)((int64_t)(saved.io->size_bytes - forged[i].from_end) + forged[i].by_bytes);
        make(&saved, &made);
        fd = written(&made);
        assert_int_equal(snap_saved_read(&found, fd, "old", saved.io, NULL), SNAP_E_REFUSED);
        snap_saved_free(&found);
        close(fd);
        case_free(&saved);
    }
}

/* Whether the user has asked for a stop: not before so many questions. */
static bool stops(void *context)
{
    unsigned *left = context;

    if (*left == 0)
        return true;
    --*left;
    return false;
}

/* At any moment; what was put back by then stays, and the next run goes on. */
static void test_stops(void **state)
{
    struct saved_case saved = case_new();
    struct snap_saved made;
    uint8_t *before = test_calloc(1, saved.io->size_bytes);
    unsigned left, allowed = 0;
    enum snap_status status = SNAP_E_STOPPED;
    uint64_t units;
    bool begun;

    (void)state;
    memcpy(before, io_mem_bytes(saved.io), saved.io->size_bytes);
    make(&saved, &made);
    for (; status == SNAP_E_STOPPED; allowed++) {
        memcpy(io_mem_bytes(saved.io), before, saved.io->size_bytes);
        must(snap_edits_apply(&saved.edits, &begun, NULL));
        made.stop = stops;
        made.stop_context = &left;
        left = allowed;
        status = snap_saved_count(&made, "old", &units, NULL);
        if (status == SNAP_OK)
            status = snap_saved_put_back(&made, NULL);
        made.stop = NULL;
        must(snap_saved_count(&made, "old", &units, NULL));
        assert_true(status == SNAP_E_STOPPED || (status == SNAP_OK && units == 0));
        must(snap_saved_put_back(&made, NULL));
        assert_memory_equal(io_mem_bytes(saved.io), before, saved.io->size_bytes);
    }
    assert_int_equal(status, SNAP_OK);
    assert_in_range(allowed, 10, 11); /* three edits of two units, chunk 0 and three areas, three writes */
    free(before);
    case_free(&saved);
}

/*
 * ---- the order of writes, and what cuts it short -----------------------------------------------------------------
 */

static enum snap_status repair_on(const struct saved_case *saved, struct snap_io *io)
{
    struct snap_edits edits = saved->edits;
    bool begun;

    edits.io = io;
    return snap_edits_apply(&edits, &begun, NULL);
}

static enum snap_status put_back_on(const struct snap_saved *made, struct snap_io *io)
{
    struct snap_saved saved = *made;
    uint64_t units;
    enum snap_status status;

    saved.edits.io = io;
    status = snap_saved_count(&saved, "old", &units, NULL);
    return status == SNAP_OK ? snap_saved_put_back(&saved, NULL) : status;
}

/* What the device holds before the first run, and the way back from what a run has left. */
struct way_back {
    const struct saved_case *saved;
    const struct snap_saved *made;
    uint64_t states;
};

static void must_come_back(struct way_back *way, const uint8_t *bytes)
{
    const uint64_t size_bytes = way->saved->io->size_bytes;
    struct snap_io *io = io_mem_new("cow", size_bytes, 512, true);

    memcpy(io_mem_bytes(io), bytes, size_bytes);
    must(put_back_on(way->made, io));
    assert_memory_equal(io_mem_bytes(io), io_mem_bytes(way->saved->io), size_bytes);
    way->states++;
    list_close(io);
}

/* Before each write and flush: whatever a loss of power leaves of those that are not flushed. */
static void cut_power(void *context, const struct recorder *recorder, const struct record_operation *operation)
{
    struct way_back *way = context;
    const struct record_disk *disk = &recorder_state(recorder)->disks[0];
    uint8_t *image;
    size_t *choice;

    if (operation->kind == RECORD_READ)
        return;
    image = test_calloc(1, way->saved->io->size_bytes);
    choice = record_choice_new(disk);
    do {
        record_image(disk, choice, image);
        must_come_back(way, image);
    } while (record_choice_next(disk, choice));
    free(choice);
    free(image);
}

static void test_order_and_power_cuts(void **state)
{
    struct saved_case saved = case_new();
    struct snap_saved made;
    struct way_back way = {.saved = &saved, .made = &made};
    struct recorder *recorder = recorder_new();
    struct snap_io *io =
        io_record_new(recorder, "cow", io_mem_bytes(saved.io), saved.io->size_bytes, 512, true);
    char *text;

    (void)state;
    make(&saved, &made);
    recorder_on_operation(recorder, cut_power, &way);
    must(repair_on(&saved, io));
    text = recorder_log_text(recorder, false);
    assert_string_equal(text, "cow write 17408 512\ncow flush\n"
                              "cow write 17408 512\ncow write 0 512\ncow flush\n");
    free(text);
    recorder_log_clear(recorder);
    must(put_back_on(&made, io));
    text = recorder_log_text(recorder, false);
    assert_string_equal(text, "cow write 0 512\ncow write 17408 512\ncow flush\n"
                              "cow write 17408 512\ncow flush\n");
    free(text);
    assert_in_range(way.states, 20, 30);
    list_close(io);
    recorder_free(recorder);
    case_free(&saved);
}

/* Each write and each flush fails in turn, of the repair and of the way back; a flush loses what it should keep. */
static void test_faults(void **state)
{
    static const int numbers[] = {EIO, ENOSPC};
    struct saved_case saved = case_new();
    struct snap_saved made;
    struct way_back way = {.saved = &saved, .made = &made};
    unsigned met = 0;

    (void)state;
    make(&saved, &made);
    for (unsigned which = 0; which < 32; which++) {
        const bool back = which & 1;
        const struct io_fault fault = {.kind = which & 2 ? IO_FAULT_FLUSH : IO_FAULT_WRITE,
                                       .at = which >> 3,
                                       .sys_errno = numbers[which >> 2 & 1],
                                       .partial = true};
        struct snap_io *memory = io_mem_new("cow", saved.io->size_bytes, 512, true), *io;
        enum snap_status status;

        memcpy(io_mem_bytes(memory), io_mem_bytes(saved.io), saved.io->size_bytes);
        if (back)
            must(repair_on(&saved, memory));
        io = io_fault_new(memory, io_mem_drop_unflushed);
        io_fault_add(io, &fault);
        status = back ? put_back_on(&made, io) : repair_on(&saved, io);
        assert_int_equal(status == SNAP_OK, io_fault_hits(io) == 0);
        assert_true(status == SNAP_OK || status == (numbers[which >> 2 & 1] == EIO ? SNAP_E_IO : SNAP_E_NOSPC));
        met += io_fault_hits(io) > 0;
        must_come_back(&way, io_mem_bytes(memory));
        list_close(io);
    }
    assert_int_equal(met, 2 * 2 * (3 + 2)); /* three writes and two flushes */
    case_free(&saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_written_and_read),
        cmocka_unit_test(test_damaged_files),
        cmocka_unit_test(test_stores_that_do_not_fit),
        cmocka_unit_test(test_units_that_no_device_has),
        cmocka_unit_test(test_forged_offsets),
        cmocka_unit_test(test_stops),
        cmocka_unit_test(test_order_and_power_cuts),
        cmocka_unit_test(test_faults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
