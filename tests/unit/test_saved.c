/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of old bytes: each damaged one is refused, and so is a store that was used since. */
#include "lib/repair/saved.h"

#include "tests/unit/list_fixture.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_written_and_read),
        cmocka_unit_test(test_damaged_files),
        cmocka_unit_test(test_stores_that_do_not_fit),
        cmocka_unit_test(test_units_that_no_device_has),
        cmocka_unit_test(test_stops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
