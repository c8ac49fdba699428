/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of an image has its blocks: data and what is reserved, on file systems that tell extents and on others. */
#include "config.h"

#include "lib/io/extents.h"

#include "lib/base/arith.h"
#include "lib/base/ioctl.h"
#include "lib/io/file.h"
#include "tests/unit/folder_fixture.h"
#include "tests/unit/unit.h"

#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#define BLOCK 4096u

/* A sparse image of 1 MiB and a bit: data in block 16, and 8 blocks reserved from block 64 on. */
static struct snap_io *open_sparse(const char *folder, bool reserved)
{
    const struct snap_file_options options = {.buffered = true, .write = true};
    struct snap_io *io = NULL;
    char path[120];
    int fd;

    (void)snprintf(path, sizeof path, "%s/sparse-%d", folder, (int)getpid());
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (1 << 20) + 100), 0);
    assert_int_equal(pwrite(fd, "data", 4, 16 * BLOCK), 4);
    if (reserved)
        assert_int_equal(posix_fallocate(fd, 64 * BLOCK, 8 * BLOCK), 0);
    must(snap_file_open(&io, path, &options, NULL));
    assert_int_equal(close(fd), 0);
    assert_int_equal(unlink(path), 0);
    return io;
}

static uint64_t missing(const struct snap_io *io, uint64_t from_bytes, uint64_t to_bytes)
{
    struct snap_error err = {0};
    uint64_t bytes;

    assert_ok(snap_extents_missing(io, from_bytes, to_bytes, NULL, NULL, &bytes, &err), &err);
    return bytes;
}

static void expect_next(const struct snap_io *io, uint64_t offset_bytes, uint64_t start_bytes, uint64_t length_bytes)
{
    struct snap_error err = {0};
    uint64_t start, length;

    assert_ok(snap_extents_next(io, offset_bytes, &start, &length, &err), &err);
    assert_int_equal(start, start_bytes);
    assert_int_equal(length, length_bytes);
}

/* A file system of 4 KiB blocks that tells its extents, as most do. */
static bool tells(const struct snap_io *io)
{
    struct fiemap map = {.fm_length = 1 << 20}; /* how many there are */

    return snap_extents_block_bytes(io) == BLOCK &&
           ioctl(snap_file_fd(io), SNAP_IOCTL_REQUEST(FS_IOC_FIEMAP), &map) == 0 && map.fm_mapped_extents == 2;
}

static void test_reserved_counts(void **state)
{
    struct snap_io *io = open_sparse(fixture_folder, true);

    (void)state;
    if (!tells(io)) {
        must_close(io);
        skip();
    }
    expect_next(io, 0, 16 * BLOCK, BLOCK);
    expect_next(io, 16 * BLOCK + 5, 16 * BLOCK + 5, BLOCK - 5);
    expect_next(io, 17 * BLOCK, 64 * BLOCK, 8 * BLOCK);
    expect_next(io, 72 * BLOCK, (1 << 20) + 100, 0);
    expect_next(io, 2 << 20, (1 << 20) + 100, 0);
    assert_int_equal(missing(io, 0, UINT64_MAX), (257 - 9) * BLOCK); /* the last one is not whole */
    assert_int_equal(missing(io, 16 * BLOCK, 18 * BLOCK), BLOCK);
    assert_int_equal(missing(io, 64 * BLOCK, 72 * BLOCK), 0);
    assert_int_equal(missing(io, 2 << 20, 3 << 20), 0);
    must_close(io);
}

/* More extents than are asked for at once: every other block of 256 has data, and one step after the other says so. */
static void test_many_extents(void **state)
{
    struct snap_io *io = open_sparse(fixture_folder, false);
    const uint64_t ends[] = {1, 2, 3, 127, 128, 129, 255, 256, 257};
    struct snap_error err = {0};

    (void)state;
    for (uint64_t block = 0; block < 256; block += 2)
        assert_int_equal(pwrite(snap_file_fd(io), "data", 4, (off_t)(block * BLOCK)), 4);
    assert_int_equal(fsync(snap_file_fd(io)), 0);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        for (uint64_t from = 0; from < ends[i]; from += 31) {
            const uint64_t end_bytes = snap_min(ends[i] * BLOCK, io->size_bytes);
            uint64_t expected = 0, start, length;

            for (uint64_t at = from * BLOCK; at < end_bytes; at = start + length) {
                assert_ok(snap_extents_next(io, at, &start, &length, &err), &err);
                expected += snap_div_up(snap_min(start, end_bytes) - at, BLOCK) * BLOCK;
            }
            assert_int_equal(missing(io, from * BLOCK, ends[i] * BLOCK), expected);
        }
    }
    assert_in_range(missing(io, 0, UINT64_MAX), 1, 129 * BLOCK);
    must_close(io);
}

static bool stop_asked(void *context)
{
    return ++*(unsigned *)context == 1;
}

static void test_stop(void **state)
{
    struct snap_io *io = open_sparse(fixture_folder, false);
    struct snap_error err = {0};
    unsigned polls = 0;
    uint64_t bytes;

    (void)state;
    assert_status(snap_extents_missing(io, 0, UINT64_MAX, stop_asked, &polls, &bytes, &err), SNAP_E_STOPPED, &err);
    must_close(io);
}

/* A file system in memory tells holes only. */
static void test_holes_only(void **state)
{
    struct snap_io *io;

    (void)state;
    if (access("/dev/shm", W_OK) != 0)
        skip();
    io = open_sparse("/dev/shm", false);
    if (snap_extents_block_bytes(io) != BLOCK || missing(io, 0, UINT64_MAX) == 0) {
        must_close(io);
        skip();
    }
    expect_next(io, 0, 16 * BLOCK, BLOCK);
    assert_int_equal(missing(io, 0, UINT64_MAX), 256 * BLOCK);
    must_close(io);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_reserved_counts, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(test_many_extents, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(test_stop, fixture_make, fixture_remove),
        cmocka_unit_test(test_holes_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
