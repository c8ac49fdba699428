/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps of a raw request, for every answer that a kernel may give and rarely does. */
#include "lib/io/engine_private.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char memory[64];

static struct snap_engine_request three_parts(struct iovec iov[5])
{
    struct snap_engine_request raw = {.kind = SNAP_IO_READ, .fd = -1, .offset_bytes = 1000, .iov = iov, .iov_count = 5};

    iov[0] = (struct iovec){memory, 0};
    iov[1] = (struct iovec){memory, 10};
    iov[2] = (struct iovec){memory + 10, 0};
    iov[3] = (struct iovec){memory + 20, 20};
    iov[4] = (struct iovec){memory + 40, 5};
    snap_engine_request_init(&raw);
    return raw;
}

static void expect_vector(const struct snap_engine_request *raw, const struct iovec *iov, unsigned iov_count)
{
    struct snap_engine_step step;

    snap_engine_request_next(raw, &step);
    assert_ptr_equal(step.iov, iov);
    assert_int_equal(step.iov_count, iov_count);
}

static void expect_single(const struct snap_engine_request *raw, const char *buffer, uint32_t length_bytes)
{
    struct snap_engine_step step;

    snap_engine_request_next(raw, &step);
    assert_null(step.iov);
    assert_ptr_equal(step.buffer, buffer);
    assert_int_equal(step.length_bytes, length_bytes);
}

static void test_short_answers(void **state)
{
    struct iovec iov[5];
    struct snap_engine_request raw = three_parts(iov);

    (void)state;
    assert_int_equal(raw.left_bytes, 35);
    expect_vector(&raw, iov + 1, 4);
    assert_false(snap_engine_request_advance(&raw, 4)); /* inside the first part: its rest goes alone */
    expect_single(&raw, memory + 4, 6);
    assert_int_equal(raw.offset_bytes, 1004);
    assert_false(snap_engine_request_advance(&raw, -EINTR));
    expect_single(&raw, memory + 4, 6);
    assert_false(snap_engine_request_advance(&raw, 6)); /* to its end: the vector again, the empty part left out */
    expect_vector(&raw, iov + 3, 2);
    assert_false(snap_engine_request_advance(&raw, 20)); /* a whole part: one is left */
    expect_single(&raw, memory + 40, 5);
    assert_true(snap_engine_request_advance(&raw, 5));
    assert_true(raw.done);
    assert_int_equal(raw.sys_errno, 0);
    assert_int_equal(raw.offset_bytes, 1035);

    raw = three_parts(iov);
    assert_false(snap_engine_request_advance(&raw, 31)); /* over two parts into the third */
    expect_single(&raw, memory + 41, 4);
}

static void expect_end(bool started, int64_t result, int sys_errno)
{
    struct iovec iov[5];
    struct snap_engine_request raw = three_parts(iov);

    if (started)
        assert_false(snap_engine_request_advance(&raw, 1));
    assert_true(snap_engine_request_advance(&raw, result));
    assert_true(raw.done);
    assert_int_equal(raw.sys_errno, sys_errno);
}

static void test_ends(void **state)
{
    (void)state;
    expect_end(false, 35, 0);
    expect_end(false, 0, EIO);       /* the end of the file */
    expect_end(true, 0, EIO);
    expect_end(false, 36, EIO);      /* more than was asked for: nothing of it can be trusted */
    expect_end(false, -ENOSPC, ENOSPC);
    expect_end(true, -ENOSPC, ENOSPC);
    expect_end(false, -EINVAL, EINVAL);
    expect_end(true, -EINVAL, EIO);  /* the rest of a short direct read is not aligned */
}

static void test_nothing_to_do(void **state)
{
    struct iovec empty[2] = {{memory, 0}, {memory, 0}};
    struct snap_engine_request raw = {.fd = -1, .iov = empty, .iov_count = 2};

    (void)state;
    snap_engine_request_init(&raw);
    assert_true(raw.done);
    snap_engine_request_run(&raw);
    assert_int_equal(raw.sys_errno, 0);
}

static void test_long_buffer(void **state)
{
    char *far = (char *)(uintptr_t)0x100000; /* never touched */
    struct iovec iov = {far, (size_t)3 << 30};
    struct snap_engine_request raw = {.fd = -1, .iov = &iov, .iov_count = 1};

    (void)state;
    snap_engine_request_init(&raw);
    expect_single(&raw, far, 1u << 30);
    assert_false(snap_engine_request_advance(&raw, (1 << 30) - 4096));
    expect_single(&raw, far + (1 << 30) - 4096, 1u << 30);
}

/* Both engines go on with other requests after one on a closed descriptor. */
static void test_engines_keep_failures_apart(void **state)
{
    static int (*const open_engine[])(struct snap_engine **, unsigned) = {snap_engine_open_uring,
                                                                         snap_engine_open_threads};
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);

    (void)state;
    assert_true(zero >= 0);
    for (size_t e = 0; e < 2; e++) {
        struct snap_engine *engine = NULL;
        struct snap_engine_request raw[40];
        struct iovec iov[40];

        if (open_engine[e](&engine, 4) != 0) { /* a system without io_uring: test_io_file tells the ways to be so */
            assert_int_equal(e, 0);
            print_message("no io_uring here: threads only\n");
            continue;
        }
        memset(memory, 'x', sizeof memory);
        for (unsigned i = 0; i < 40; i++) {
            iov[i] = (struct iovec){memory + i, 1};
            raw[i] = (struct snap_engine_request){.kind = SNAP_IO_READ, .fd = i % 10 == 3 ? -1 : zero, .iov = &iov[i],
                                               .iov_count = 1};
            snap_engine_request_init(&raw[i]);
        }
        engine->ops->run(engine, raw, 40);
        for (unsigned i = 0; i < 40; i++) {
            assert_true(raw[i].done);
            assert_int_equal(raw[i].sys_errno, i % 10 == 3 ? EBADF : 0);
            assert_int_equal(memory[i], i % 10 == 3 ? 'x' : 0);
        }
        engine->ops->close(engine);
    }
    assert_int_equal(close(zero), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_short_answers),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_nothing_to_do),
        cmocka_unit_test(test_long_buffer),
        cmocka_unit_test(test_engines_keep_failures_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
