/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which data chunks a check with data finds unreadable, and that one bad sector hides no other. */
#include "lib/check/check_data.h"
#include "tests/support/io_fault.h"
#include "tests/support/io_mem.h"
#include "tests/unit/list_fixture.h"

#include <errno.h>

static uint64_t found_index[16];
static uint64_t found_offset[16];
static size_t found_count;

static enum snap_status remember(void *context, const struct snap_finding *finding, struct snap_error *err)
{
    (void)context;
    (void)err;
    assert_int_equal(finding->rule, SNAP_RULE_DATA_UNREADABLE);
    assert_int_equal(finding->severity, SNAP_WARNING);
    assert_true(found_count < 16);
    found_index[found_count] = finding->index;
    found_offset[found_count++] = finding->offset_bytes;
    return SNAP_OK;
}

static void bad_sector(struct snap_io *io, uint64_t offset_bytes)
{
    io_fault_add(io, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true, .offset_bytes = offset_bytes,
                                        .length_bytes = 512});
}

static enum snap_status run(struct snap_io *io, uint64_t entries, uint64_t origin_sectors, uint64_t *unreadable)
{
    const struct snap_check_data_options options = {.origin_sectors = origin_sectors};
    struct snap_findings findings = {.fn = remember};
    struct snap_store store;
    struct snap_error err = {.text = ""};
    enum snap_status status;

    found_count = 0;
    assert_int_equal(snap_header_open(&store, io, &err), SNAP_OK);
    status = snap_check_data(&store, entries, &options, &findings, unreadable, &err);
    assert_int_equal(findings.severity_counts[SNAP_WARNING], *unreadable);
    return status;
}

static void readable_data_give_no_finding(void **state)
{
    struct snap_io *io = list_new(8, 800 * 8);
    uint64_t unreadable = 7;

    (void)state;
    list_put_canonical(io, 8, 0, 300, 5, 3);
    assert_int_equal(run(io, 300, 0, &unreadable), SNAP_OK);
    assert_int_equal(unreadable, 0);
    assert_int_equal(run(io, 0, 0, &unreadable), SNAP_OK);
    list_close(io);
}

static void bad_sectors_are_found_chunk_by_chunk(void **state)
{
    static const uint64_t bad[] = {0, 1, 255, 256, 299}; /* both ends, neighbours, the edge of an area */
    struct snap_io *io;
    struct snap_io *list = list_new(8, 800 * 8);
    uint64_t unreadable;

    (void)state;
    list_put_canonical(list, 8, 0, 300, 5, 3);
    io = io_fault_new(list, NULL);
    for (size_t i = 0; i < 5; i++) {
        uint64_t chunk = 2 + bad[i] + bad[i] / 256;

        bad_sector(io, chunk * 4096 + 512 * (i + 1));
    }
    assert_int_equal(run(io, 300, 0, &unreadable), SNAP_OK);
    assert_int_equal(unreadable, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(found_index[i], bad[i]);
        assert_int_equal(found_offset[i], (2 + bad[i] + bad[i] / 256) * 4096);
    }
    assert_int_equal(snap_io_close(io, NULL), SNAP_OK);
}

/* What is behind the end of the origin is no data (dmsnap-store(5), ENTRIES AND AREAS). Both sides of the limit. */
static void the_rest_of_a_partial_chunk_does_not_count(void **state)
{
    struct snap_io *list = list_new(8, 800 * 8), *io;
    uint64_t unreadable;

    (void)state;
    list_put_canonical(list, 8, 0, 1, 9, 1); /* origin chunk 9 of an origin of 9 chunks and 3 sectors */
    io = io_fault_new(list, NULL);
    bad_sector(io, 2 * 4096 + 3 * 512);
    assert_int_equal(run(io, 1, 9 * 8 + 3, &unreadable), SNAP_OK);
    assert_int_equal(unreadable, 0);
    assert_int_equal(run(io, 1, 9 * 8 + 4, &unreadable), SNAP_OK);
    assert_int_equal(unreadable, 1);
    assert_int_equal(snap_io_close(io, NULL), SNAP_OK);
}

static void a_chunk_larger_than_a_request_is_read_to_its_end(void **state)
{
    struct snap_io *list = list_new(8192, 5 * 8192), *io; /* chunks of 4 MiB */
    uint64_t unreadable;

    (void)state;
    list_put_canonical(list, 8192, 0, 2, 0, 1);
    io = io_fault_new(list, NULL);
    bad_sector(io, UINT64_C(4) * 4194304 - 512); /* the last sector of entry 1 */
    assert_int_equal(run(io, 2, 0, &unreadable), SNAP_OK);
    assert_int_equal(unreadable, 1);
    assert_int_equal(found_index[0], 1);
    bad_sector(io, UINT64_C(2) * 4194304); /* the first one of entry 0: what is read behind it makes it no better */
    assert_int_equal(run(io, 2, 0, &unreadable), SNAP_OK);
    assert_int_equal(unreadable, 2);
    assert_int_equal(found_index[0], 0);
    assert_int_equal(snap_io_close(io, NULL), SNAP_OK);
}

/* Short memory is no bad sector: a script that looks for those would give the chunk up. */
static void what_the_medium_did_not_say_is_no_finding(void **state)
{
    static const struct {
        int sys_errno;
        enum snap_status status;
    } failures[] = {{ENOMEM, SNAP_E_NOMEM}, {EINTR, SNAP_E_IO}, {EAGAIN, SNAP_E_IO}, {ENXIO, SNAP_E_NOENT}};

    (void)state;
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        struct snap_io *list = list_new(8, 800 * 8), *io;
        uint64_t unreadable;

        list_put_canonical(list, 8, 0, 300, 5, 3);
        io = io_fault_new(list, NULL);
        io_fault_add(io, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true, .length_bytes = 512,
                                            .sys_errno = failures[i].sys_errno, .offset_bytes = 20 * 4096});
        assert_int_equal(run(io, 300, 0, &unreadable), failures[i].status);
        assert_int_equal(unreadable, 0);
        assert_int_equal(found_count, 0);
        assert_int_equal(snap_io_close(io, NULL), SNAP_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readable_data_give_no_finding),
        cmocka_unit_test(bad_sectors_are_found_chunk_by_chunk),
        cmocka_unit_test(the_rest_of_a_partial_chunk_does_not_count),
        cmocka_unit_test(a_chunk_larger_than_a_request_is_read_to_its_end),
        cmocka_unit_test(what_the_medium_did_not_say_is_no_finding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
