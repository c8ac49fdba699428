/* SPDX-License-Identifier: GPL-2.0-or-later */
/* io_file on files and, for root, on a loop device: every way a request can take, with both engines. */
#include "config.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define IMAGE_BYTES (1024u * 1024u + 700u) /* the last sector is not whole */

static char directory[] = "dmsnap-io-XXXXXX";
static char image[64];

/* Where the system has no io_uring, threads twice. */
static enum snap_io_engine engines[] = {SNAP_IO_ENGINE_URING, SNAP_IO_ENGINE_THREADS};

/* A byte that tells where it is. */
static uint8_t pattern(uint64_t offset)
{
    return (uint8_t)(offset * 7 + offset / 512 * 13 + offset / 65536);
}

static void make_image(uint64_t size_bytes)
{
    FILE *file = fopen(image, "we");

    assert_non_null(file);
    for (uint64_t i = 0; i < size_bytes; i++)
        assert_int_not_equal(fputc(pattern(i), file), EOF);
    assert_int_equal(fclose(file), 0);
}

static uint64_t image_size(void)
{
    struct stat seen;

    assert_int_equal(stat(image, &seen), 0);
    return (uint64_t)seen.st_size;
}

static struct snap_io *open_path(const char *path, struct snap_file_options options)
{
    struct snap_error err = {0};
    struct snap_io *io = NULL;

    if (snap_file_open(&io, path, &options, &err) != SNAP_OK)
        fail_msg("open failed: %s", err.text);
    return io;
}

static void close_io(struct snap_io *io)
{
    struct snap_error err = {0};

    if (snap_io_close(io, &err) != SNAP_OK)
        fail_msg("close failed: %s", err.text);
}

static void must(enum snap_status status, const struct snap_error *err)
{
    if (status != SNAP_OK)
        fail_msg("%s", err->text);
}

static void check_pattern(const uint8_t *bytes, uint64_t offset_bytes, uint64_t length_bytes)
{
    for (uint64_t i = 0; i < length_bytes; i++) {
        if (bytes[i] != pattern(offset_bytes + i))
            fail_msg("byte %llu is wrong", (unsigned long long)(offset_bytes + i));
    }
}

/* Offsets and lengths on both sides of every unit that matters, with aligned and odd memory. */
static void read_everywhere(struct snap_io *io, uint64_t size_bytes)
{
    static const uint64_t places[] = {0, 1, 511, 512, 513, 4095, 4096, 4097, 65536, 1048576};
    uint8_t *buffer = snap_buffer_new(2u << 20);
    struct snap_error err = {0};

    assert_non_null(buffer);
    for (size_t i = 0; i < 10; i++) {
        for (size_t j = 0; j < 10; j++) {
            for (size_t shift = 0; shift < 1024; shift += 511) {
                uint64_t offset_bytes = snap_min(places[i], size_bytes);
                uint64_t length_bytes = snap_min(places[j], size_bytes - offset_bytes);

                memset(buffer, 0xa5, 2u << 20);
                must(snap_io_read(io, offset_bytes, length_bytes, buffer + shift, &err), &err);
                check_pattern(buffer + shift, offset_bytes, length_bytes);
                assert_int_equal(buffer[shift + length_bytes], 0xa5);
            }
        }
    }
    snap_buffer_free(buffer);
}

static void test_read_any_alignment(void **state)
{
    (void)state;
    make_image(IMAGE_BYTES);
    for (unsigned i = 0; i < 4; i++) {
        struct snap_io *io = open_path(image, (struct snap_file_options){.engine = engines[i % 2],
                                                                            .buffered = i >= 2});
        struct snap_file_info info;

        snap_file_get_info(io, &info);
        assert_int_equal(info.engine, engines[i % 2]);
        assert_false(info.block_device);
        if (i >= 2)
            assert_false(info.direct);
        assert_int_equal(io->size_bytes, IMAGE_BYTES);
        assert_int_equal(io->logical_block_bytes, 512);
        read_everywhere(io, IMAGE_BYTES);
        close_io(io);
    }
}

/*
 * Neighbouring writes of all sizes, direct and buffered in one transfer, then read back both ways: with the same
 * object, with plain reads, and after a flush.
 */
static void test_mixed_writes_are_coherent_and_never_grow(void **state)
{
    (void)state;
    for (unsigned e = 0; e < 4; e++) {
        uint8_t *data = snap_buffer_new(2u << 20), *back = snap_buffer_new(2u << 20);
        struct snap_io_request requests[1200];
        struct iovec iov[1200];
        struct snap_error err = {0};
        struct snap_io *io;
        uint64_t at = 0;
        size_t count = 0;
        int fd;

        make_image(0);
        assert_int_equal(truncate(image, IMAGE_BYTES), 0);
        io = open_path(image, (struct snap_file_options){.write = true, .engine = engines[e % 2],
                                                            .buffered = e >= 2});
        for (uint64_t i = 0; i < IMAGE_BYTES; i++)
            data[i] = pattern(i);
        while (at < IMAGE_BYTES) {
            static const uint64_t lengths[] = {4096, 512, 3584, 8192, 100, 412, 3584, 1024, 65536, 3072};
            uint64_t length_bytes = snap_min(lengths[count % 10], IMAGE_BYTES - at);

            iov[count] = (struct iovec){data + at, length_bytes};
            requests[count] = (struct snap_io_request){.kind = SNAP_IO_WRITE, .offset_bytes = at,
                                                       .iov = &iov[count], .iov_count = 1};
            at += length_bytes;
            count++;
        }
        must(snap_io_transfer(io, requests, count, &err), &err);
        must(snap_io_read(io, 0, IMAGE_BYTES, back, &err), &err);
        check_pattern(back, 0, IMAGE_BYTES);
        must(snap_io_flush(io, &err), &err);
        memset(back, 0, IMAGE_BYTES);
        fd = open(image, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(pread(fd, back, IMAGE_BYTES, 0), IMAGE_BYTES);
        assert_int_equal(close(fd), 0);
        check_pattern(back, 0, IMAGE_BYTES);
        assert_int_equal(image_size(), IMAGE_BYTES);
        close_io(io);
        snap_buffer_free(data);
        snap_buffer_free(back);
    }
}

/* A request beyond the end is the caller's mistake, and nothing happens. */
static void test_beyond_the_end_is_refused(void **state)
{
    uint8_t bytes[1024] = {0};
    struct snap_error err = {0};
    struct snap_io *io;

    (void)state;
    make_image(1000);
    io = open_path(image, (struct snap_file_options){.write = true});
    must(snap_io_write(io, 488, 512, bytes, &err), &err);
    assert_int_equal(snap_io_write(io, 489, 512, bytes, &err), SNAP_E_INTERNAL);
    assert_int_equal(snap_io_read(io, 1000, 1, bytes, &err), SNAP_E_INTERNAL);
    must(snap_io_read(io, 1000, 0, bytes, &err), &err);
    assert_int_equal(image_size(), 1000);
    close_io(io);
}

/* Empty and odd elements in one vector; a request as long as a vector may be. */
static void test_vectored(void **state)
{
    (void)state;
    make_image(IMAGE_BYTES);
    for (unsigned e = 0; e < 2; e++) {
        struct snap_io *io = open_path(image, (struct snap_file_options){.engine = engines[e]});
        uint8_t *buffer = snap_buffer_new(2u << 20);
        struct iovec odd[] = {{buffer, 0}, {buffer, 512}, {buffer + 512, 0}, {buffer + 512, 7}, {buffer + 519, 4000}};
        struct iovec many[1024];
        struct snap_io_request requests[2] = {
            {.kind = SNAP_IO_READ, .offset_bytes = 300, .iov = odd, .iov_count = 5},
            {.kind = SNAP_IO_READ, .offset_bytes = 0, .iov = many, .iov_count = 1024},
        };
        struct snap_error err = {0};

        for (unsigned i = 0; i < 1024; i++) /* in reverse, so that the order of the elements counts */
            many[i] = (struct iovec){buffer + 8192 + (1023u - i) * 1024u, 1024};
        must(snap_io_transfer(io, requests, 2, &err), &err);
        check_pattern(buffer, 300, 4519);
        for (unsigned i = 0; i < 1024; i++)
            check_pattern(many[i].iov_base, i * 1024u, 1024);
        snap_buffer_free(buffer);
        close_io(io);
    }
}

/* More requests than a batch, at several depths; each lands where it belongs. */
static void test_huge_vectors(void **state)
{
    static const unsigned depths[] = {1, 2, 0, 100000};
    enum { COUNT = 10000 };
    struct snap_io_request *requests = calloc(COUNT, sizeof *requests);
    struct iovec *iov = calloc(COUNT, sizeof *iov);
    uint8_t *buffer = snap_buffer_new((uint64_t)COUNT * 4096);
    struct snap_error err = {0};

    (void)state;
    make_image(IMAGE_BYTES);
    assert_true(requests && iov && buffer);
    for (unsigned e = 0; e < 8; e++) {
        struct snap_io *io = open_path(image, (struct snap_file_options){.engine = engines[e % 2],
                                                                            .queue_depth = depths[e / 2]});

        memset(buffer, 0, (size_t)COUNT * 4096);
        for (unsigned i = 0; i < COUNT; i++) {
            iov[i] = (struct iovec){buffer + (size_t)i * 4096, 4096};
            requests[i] = (struct snap_io_request){.kind = SNAP_IO_READ, .offset_bytes = i * 97u % 256u * 4096u,
                                                   .iov = &iov[i], .iov_count = 1};
        }
        must(snap_io_transfer(io, requests, COUNT, &err), &err);
        for (unsigned i = 0; i < COUNT; i++)
            assert_int_equal(buffer[(size_t)i * 4096 + i % 4096], pattern(requests[i].offset_bytes + i % 4096));
        close_io(io);
    }
    free(requests);
    free(iov);
    snap_buffer_free(buffer);
}

struct use {
    struct snap_io *io;
    enum snap_status status;
};

static void *use_it(void *argument)
{
    struct use *use = argument;
    uint8_t *buffer = snap_buffer_new(65536);
    struct snap_io_request requests[16];
    struct iovec iov[16];

    for (unsigned i = 0; i < 16; i++) {
        iov[i] = (struct iovec){buffer + i * 4096u, 4096};
        requests[i] = (struct snap_io_request){.kind = SNAP_IO_READ, .offset_bytes = i * 4096u, .iov = &iov[i],
                                               .iov_count = 1};
    }
    use->status = buffer ? snap_io_transfer(use->io, requests, 16, NULL) : SNAP_E_NOMEM;
    snap_buffer_free(buffer);
    return NULL;
}

/* Opened here, used by one thread after the other, closed here. */
static void test_use_from_other_threads(void **state)
{
    (void)state;
    make_image(IMAGE_BYTES);
    for (unsigned e = 0; e < 2; e++) {
        struct use use = {.io = open_path(image, (struct snap_file_options){.engine = engines[e]})};

        for (unsigned i = 0; i < 3; i++) {
            pthread_t thread;

            use.status = SNAP_E_INTERNAL;
            assert_int_equal(pthread_create(&thread, NULL, use_it, &use), 0);
            assert_int_equal(pthread_join(thread, NULL), 0);
            assert_int_equal(use.status, SNAP_OK);
        }
        close_io(use.io);
    }
}

/*
 * The file is cut below us: that is said, and what is gone is no bad sector; what is there is read; nothing grows back,
 * and no flush is believed.
 */
static void test_cut_file(void **state)
{
    (void)state;
    for (unsigned e = 0; e < 4; e++) {
        uint8_t *buffer = snap_buffer_new(65536);
        struct iovec iov[4] = {{buffer, 4096}, {buffer + 4096, 4096}, {buffer + 8192, 8192}, {buffer + 16384, 100}};
        struct snap_io_request requests[4] = {
            {.kind = SNAP_IO_READ, .offset_bytes = 262144, .iov = &iov[0], .iov_count = 1},
            {.kind = SNAP_IO_READ, .offset_bytes = 4096, .iov = &iov[1], .iov_count = 1},
            {.kind = SNAP_IO_READ, .offset_bytes = 98304, .iov = &iov[2], .iov_count = 1}, /* the cut is inside */
            {.kind = SNAP_IO_READ, .offset_bytes = 99, .iov = &iov[3], .iov_count = 1},
        };
        struct snap_error err = {0};
        struct snap_io *io;

        make_image(IMAGE_BYTES);
        io = open_path(image, (struct snap_file_options){.write = true, .engine = engines[e % 2],
                                                            .buffered = e >= 2});
        assert_int_equal(truncate(image, 100000), 0);
        assert_int_equal(snap_io_transfer(io, requests, 4, &err), SNAP_E_CHANGED);
        assert_non_null(strstr(err.text, "it had 1049276 bytes when it was opened and has 100000 now: another"));
        assert_non_null(strstr(err.text, image));
        assert_int_equal(requests[0].sys_errno, ESTALE);
        assert_int_equal(requests[1].sys_errno, 0);
        assert_int_equal(requests[2].sys_errno, ESTALE);
        assert_int_equal(requests[3].sys_errno, 0);
        check_pattern(buffer + 4096, 4096, 4096);
        check_pattern(buffer + 16384, 99, 100);
        assert_int_equal(snap_io_write(io, 262144, 4096, buffer, &err), SNAP_E_CHANGED);
        assert_int_equal(image_size(), 100000);
        assert_int_equal(snap_io_flush(io, &err), SNAP_E_CHANGED);
        assert_int_equal(truncate(image, IMAGE_BYTES), 0);
        assert_int_equal(snap_io_flush(io, &err), SNAP_OK);
        close_io(io);
        snap_buffer_free(buffer);
    }
}

/* What follows the new end of a cut file is not taken for a hole that was always there. */
static void test_cut_file_has_no_hole(void **state)
{
    const struct snap_file_options options = {.write = false};
    uint64_t start_bytes, length_bytes;
    struct snap_error err = {0};
    struct snap_io *io;

    (void)state;
    make_image(IMAGE_BYTES);
    assert_int_equal(truncate(image, 2 * IMAGE_BYTES), 0);
    io = open_path(image, options);
    assert_int_equal(snap_file_next_data(io, 2 * IMAGE_BYTES - 4096, &start_bytes, &length_bytes, &err), SNAP_OK);
    assert_int_equal(truncate(image, 100000), 0);
    assert_int_equal(snap_file_next_data(io, 0, &start_bytes, &length_bytes, &err), SNAP_OK);
    assert_int_equal(snap_file_next_data(io, 102400, &start_bytes, &length_bytes, &err), SNAP_E_CHANGED);
    close_io(io);
}

/* Only the failing request fails: here writes beyond RLIMIT_FSIZE, in a process of their own. */
static void test_write_errors_are_per_request(void **state)
{
    (void)state;
    make_image(0);
    assert_int_equal(truncate(image, 1u << 20), 0);
    for (unsigned e = 0; e < 4; e++) {
        pid_t child = fork();
        int result;

        assert_true(child >= 0);
        if (child == 0) {
            struct rlimit limit = {65536, 65536};
            struct snap_file_options options = {.write = true, .engine = engines[e % 2], .buffered = e >= 2};
            uint8_t *buffer = snap_buffer_new(65536);
            struct iovec iov = {buffer, 4096};
            struct snap_io_request requests[32];
            struct snap_io *io = NULL;
            int wrong = 0;

            signal(SIGXFSZ, SIG_IGN);
            if (!buffer || setrlimit(RLIMIT_FSIZE, &limit) || snap_file_open(&io, image, &options, NULL))
                _exit(100);
            for (unsigned i = 0; i < 32; i++)
                requests[i] = (struct snap_io_request){.kind = SNAP_IO_WRITE, .offset_bytes = i * 4096u, .iov = &iov,
                                                       .iov_count = 1};
            if (snap_io_transfer(io, requests, 32, NULL) != SNAP_E_NOSPC)
                wrong = 50;
            for (unsigned i = 0; i < 32; i++)
                wrong += (requests[i].sys_errno != 0) != (i >= 16);
            if (snap_io_close(io, NULL) != SNAP_OK) /* the pool's threads end with it */
                wrong += 60;
            snap_buffer_free(buffer);
            _exit(wrong);
        }
        assert_int_equal(waitpid(child, &result, 0), child);
        assert_true(WIFEXITED(result));
        assert_int_equal(WEXITSTATUS(result), 0);
    }
}

/* From now on the system call fails with this errno in the calling process, as in a container that forbids it. */
static bool forbid(long number, unsigned sys_errno)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | sys_errno),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static bool reads_well(struct snap_io *io)
{
    uint8_t *buffer = snap_buffer_new(1u << 20);
    struct snap_io_request requests[200];
    struct iovec iov[200];
    bool well;

    for (unsigned i = 0; i < 200; i++) {
        iov[i] = (struct iovec){buffer + i * 4096u, 4096};
        requests[i] = (struct snap_io_request){.kind = SNAP_IO_READ, .offset_bytes = i * 4096u, .iov = &iov[i],
                                               .iov_count = 1};
    }
    well = buffer && snap_io_transfer(io, requests, 200, NULL) == SNAP_OK;
    for (unsigned i = 0; well && i < 200 * 4096; i++)
        well = buffer[i] == pattern(i);
    snap_buffer_free(buffer);
    return well;
}

static int without_setup(unsigned sys_errno)
{
    struct snap_file_options options = {.engine = SNAP_IO_ENGINE_URING};
    struct snap_file_info info;
    struct snap_error err = {0};
    struct snap_io *io = NULL;

    if (!forbid(SYS_io_uring_setup, sys_errno))
        return 1;
    if (snap_file_open(&io, image, &options, &err) != SNAP_E_UNSUPPORTED || !strstr(err.text, "io_uring"))
        return 2;
    options.engine = SNAP_IO_ENGINE_AUTO;
    if (snap_file_open(&io, image, &options, &err) != SNAP_OK)
        return 3;
    snap_file_get_info(io, &info);
    if (info.engine != SNAP_IO_ENGINE_THREADS || !reads_well(io))
        return 4;
    return snap_io_close(io, &err) == SNAP_OK ? 0 : 5;
}

/* The ring stops working after it was opened: everything is still carried out, now and at the next transfer. */
static int without_enter(unsigned sys_errno)
{
    struct snap_file_options options = {.engine = SNAP_IO_ENGINE_URING};
    struct snap_error err = {0};
    struct snap_io *io = NULL;

    options.engine = engines[0];
    if (snap_file_open(&io, image, &options, &err) != SNAP_OK || !reads_well(io))
        return 6;
    if (!forbid(SYS_io_uring_enter, sys_errno))
        return 7;
    if (!reads_well(io) || !reads_well(io))
        return 8;
    return snap_io_close(io, &err) == SNAP_OK ? 0 : 9;
}

/* Not even a thread can be had: the caller does the work. */
static int without_threads(unsigned sys_errno)
{
    struct snap_file_options options = {.engine = SNAP_IO_ENGINE_THREADS};
    struct snap_error err = {0};
    struct snap_io *io = NULL;

    if (!forbid(SYS_clone3, sys_errno) || !forbid(SYS_clone, sys_errno))
        return 10;
    if (snap_file_open(&io, image, &options, &err) != SNAP_OK || !reads_well(io))
        return 11;
    return snap_io_close(io, &err) == SNAP_OK ? 0 : 12;
}

static void test_engine_is_missing_or_fails(void **state)
{
    static const struct {
        int (*run)(unsigned sys_errno);
        unsigned sys_errno;
    } cases[] = {
        {without_setup, ENOSYS}, {without_setup, EPERM},  {without_setup, ENOMEM},    {without_enter, EPERM},
        {without_enter, ENOMEM}, {without_enter, EAGAIN}, {without_threads, EAGAIN},
    };

    (void)state;
#ifndef HAVE_LIBURING
    print_message("skipped: this build lacks liburing\n");
    skip();
#endif
    make_image(IMAGE_BYTES);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pid_t child = fork();
        int result;

        assert_true(child >= 0);
        if (child == 0)
            _exit(cases[i].run(cases[i].sys_errno));
        assert_int_equal(waitpid(child, &result, 0), child);
        assert_true(WIFEXITED(result));
        assert_int_equal(WEXITSTATUS(result), 0);
    }
}

static void expect_open(const char *path, struct snap_file_options options, enum snap_status status,
                        const char *word)
{
    struct snap_error err = {0};
    struct snap_io *io = NULL;

    assert_int_equal(snap_file_open(&io, path, &options, &err), status);
    assert_null(io);
    assert_int_equal(err.status, status);
    assert_int_equal(strncmp(err.text, path, strlen(path)), 0);
    if (!strstr(err.text, word))
        fail_msg("\"%s\" lacks \"%s\"", err.text, word);
}

static void test_wrong_kinds(void **state)
{
    const struct snap_file_options reading = {0};
    char fifo[80], missing[80];

    (void)state;
    (void)snprintf(fifo, sizeof fifo, "%s/fifo", directory);
    (void)snprintf(missing, sizeof missing, "%s/missing", directory);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    expect_open(fifo, reading, SNAP_E_USAGE, "named pipe"); /* hangs where it is opened */
    expect_open(directory, reading, SNAP_E_USAGE, "directory");
    expect_open("/dev/null", reading, SNAP_E_USAGE, "character device");
    expect_open(missing, reading, SNAP_E_NOENT, "No such file");
    expect_open(fifo, (struct snap_file_options){.write = true}, SNAP_E_USAGE, "named pipe");
    assert_int_equal(unlink(fifo), 0);
}

/* Root may open everything, so a process without rights tries. */
static void test_no_permission(void **state)
{
    pid_t child;
    int result;

    (void)state;
    make_image(4096);
    assert_int_equal(chmod(image, 0), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct snap_file_options options = {0};
        struct snap_io *io = NULL;

        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(1);
        _exit(snap_file_open(&io, image, &options, NULL) == SNAP_E_PERM ? 0 : 2);
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(chmod(image, 0600), 0);
    assert_true(WIFEXITED(result));
    assert_int_equal(WEXITSTATUS(result), 0);
}

static void test_read_only_object_does_not_write(void **state)
{
    uint8_t byte = 0;
    struct snap_error err = {0};
    struct snap_io *io;

    (void)state;
    make_image(4096);
    io = open_path(image, (struct snap_file_options){0});
    assert_false(io->writable);
    assert_int_equal(snap_io_write(io, 0, 1, &byte, &err), SNAP_E_INTERNAL);
    must(snap_io_flush(io, &err), &err);
    close_io(io);
}

static void test_locks(void **state)
{
    const struct snap_file_options reading = {0}, writing = {.write = true}, alone = {.exclusive = true};
    struct snap_io *first, *second;

    (void)state;
    make_image(4096);
    first = open_path(image, reading);
    second = open_path(image, reading); /* readers share */
    expect_open(image, writing, SNAP_E_BUSY, "lock");
    close_io(second);
    expect_open(image, writing, SNAP_E_BUSY, "lock"); /* the other's close took no lock away */
    close_io(first);

    first = open_path(image, writing);
    expect_open(image, reading, SNAP_E_BUSY, "lock");
    expect_open(image, writing, SNAP_E_BUSY, "lock");
    expect_open(image, alone, SNAP_E_BUSY, "lock");
    close_io(first);

    first = open_path(image, alone); /* keeps writers out, not readers, and has no way to write itself */
    assert_false(first->writable);
    assert_int_equal(fcntl(snap_file_fd(first), F_GETFL) & O_ACCMODE, O_RDONLY);
    close_io(open_path(image, reading));
    close_io(open_path(image, alone));
    expect_open(image, writing, SNAP_E_BUSY, "lock");
    close_io(first);
    close_io(open_path(image, writing));
}

/* Several ios over what the first of them holds. */
static void test_held(void **state)
{
    const struct snap_file_options writing = {.write = true}, more = {.write = true, .held = true};
    struct snap_io *first, *second;

    (void)state;
    make_image(4096);
    first = open_path(image, writing);
    second = open_path(image, more);
    close_io(open_path(image, (struct snap_file_options){.held = true}));
    assert_true(second->writable);
    expect_open(image, writing, SNAP_E_BUSY, "lock");
    close_io(second);
    expect_open(image, writing, SNAP_E_BUSY, "lock"); /* the second's close took no lock away */
    close_io(first);
    close_io(open_path(image, writing));
}

/* To foresee a write: refused like one, and yet nothing stays open for writing. */
static void test_foresees(void **state)
{
    const struct snap_file_options reading = {0}, writing = {.write = true}, foreseeing = {.foresee = true};
    struct snap_io *first;

    (void)state;
    make_image(4096);
    first = open_path(image, reading);
    expect_open(image, foreseeing, SNAP_E_BUSY, "lock");
    close_io(first);
    first = open_path(image, writing);
    expect_open(image, foreseeing, SNAP_E_BUSY, "lock");
    close_io(first);
    first = open_path(image, foreseeing);
    assert_false(first->writable);
    assert_int_equal(fcntl(snap_file_fd(first), F_GETFL) & O_ACCMODE, O_RDONLY);
    expect_open(image, writing, SNAP_E_BUSY, "lock");
    close_io(first);
    if (geteuid() != 0)
        skip(); /* to become a user who may only read */
    assert_int_equal(chmod(directory, 0755), 0);
    assert_int_equal(chmod(image, 0644), 0);
    assert_int_equal(seteuid(65534), 0);
    expect_open(image, foreseeing, SNAP_E_PERM, "cannot open for writing");
    close_io(open_path(image, (struct snap_file_options){.exclusive = true}));
    assert_int_equal(seteuid(0), 0);
}

static void test_new(void **state)
{
    struct snap_folder *folder;
    struct snap_new_file *file;
    const struct snap_file_options options = {0};
    struct snap_error err = {0};
    struct snap_io *io = NULL;
    char path[80];
    uint64_t start, length;
    uint8_t *buffer = snap_buffer_new(4096);
    struct stat seen;

    (void)state;
    (void)snprintf(path, sizeof path, "%s/new", directory);
    must(snap_folder_open(&folder, path, &err), &err);
    must(snap_new_file_make(&file, folder, "", &err), &err);
    must(snap_file_open_new(&io, file, (8u << 20) + 5, &options, &err), &err);
    assert_true(io->writable);
    assert_int_equal(io->size_bytes, (8u << 20) + 5);
    must(snap_file_next_data(io, 0, &start, &length, &err), &err);
    assert_int_equal(start, io->size_bytes);
    assert_int_equal(length, 0);
    memset(buffer, 1, 4096);
    must(snap_io_write(io, 4u << 20, 4096, buffer, &err), &err);
    must(snap_io_flush(io, &err), &err);
    must(snap_file_next_data(io, 4096, &start, &length, &err), &err);
    assert_in_range(start, 4096, 4u << 20);
    assert_in_range(start + length, (4u << 20) + 4096, io->size_bytes);
    must(snap_file_next_data(io, io->size_bytes + 1, &start, &length, &err), &err);
    assert_int_equal(length, 0);
    assert_int_equal(fstat(snap_file_fd(io), &seen), 0);
    assert_true(seen.st_blocks * 512 < 1 << 20);
    close_io(io);
    io = NULL;
    assert_int_equal(snap_file_open_new(&io, file, UINT64_MAX, &options, &err), SNAP_E_NOSPC);
    assert_int_equal(fstat(file->fd, &seen), 0);
    assert_int_equal(seen.st_size, (8u << 20) + 5);
    assert_int_equal(unlink(path), 0);
    must(snap_new_file_close(file, &err), &err);
    snap_folder_close(folder);
    snap_buffer_free(buffer);
}

/* The name leads elsewhere by now: all is written to the file that was made, directly and through the cache. */
static void test_new_whose_name_is_exchanged(void **state)
{
    const struct snap_file_options options = {0};
    struct snap_folder *folder;
    struct snap_new_file *file;
    struct snap_error err = {0};
    struct snap_io *io = NULL;
    char path[80], victim[80];
    uint8_t *buffer = snap_buffer_new(8192);
    struct stat seen;
    int fd;

    (void)state;
    (void)snprintf(path, sizeof path, "%s/new", directory);
    (void)snprintf(victim, sizeof victim, "%s/victim", directory);
    fd = open(victim, O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    must(snap_folder_open(&folder, path, &err), &err);
    must(snap_new_file_make(&file, folder, "", &err), &err);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(victim, path), 0);
    must(snap_file_open_new(&io, file, 16384, &options, &err), &err);
    memset(buffer, 1, 8192);
    must(snap_io_write(io, 0, 8192, buffer, &err), &err);
    must(snap_io_write(io, 8192 + 1, 5, buffer, &err), &err);
    must(snap_io_flush(io, &err), &err);
    close_io(io);
    assert_int_equal(fstat(file->fd, &seen), 0);
    assert_true(seen.st_blocks > 0);
    assert_int_equal(fstat(fd, &seen), 0);
    assert_int_equal(seen.st_size, 0);
    assert_int_equal(snap_new_file_place(file, NULL, &err), SNAP_E_REFUSED);
    must(snap_new_file_close(file, &err), &err);
    snap_folder_close(folder);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(unlink(victim), 0);
    assert_int_equal(close(fd), 0);
    snap_buffer_free(buffer);
}

/* A name that is another file by the time it is opened: what was looked up is opened, whatever has the name. */
static void test_found_is_opened(void **state)
{
    const struct snap_file_options options = {0};
    struct snap_lookup *found;
    struct snap_error err = {0};
    struct snap_io *io = NULL;
    struct snap_file_info info;
    char path[80], other[80];
    int fd;

    (void)state;
    (void)snprintf(path, sizeof path, "%s/found", directory);
    (void)snprintf(other, sizeof other, "%s/other", directory);
    fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0 && ftruncate(fd, 8192) == 0);
    must(snap_lookup_new(&found, path, &err), &err);
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    must(snap_file_open_found(&io, found, &options, &err), &err);
    assert_int_equal(io->size_bytes, 8192);
    snap_file_get_info(io, &info);
    assert_int_equal(info.file_inode, found->inode);
    close_io(io);
    snap_lookup_free(found);
    assert_int_equal(snap_file_open(&io, path, &options, &err), SNAP_E_USAGE);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(unlink(other), 0);
    assert_int_equal(close(fd), 0);
}

static int attached = -1; /* holds the loop device: it goes with the process, also when a test fails */

/* A loop device with this block size, or none where the system gives none to us. */
static bool attach(char *path, size_t path_bytes, uint32_t block_bytes, bool read_only)
{
    int control, number, loop, file;
    struct loop_config config = {.block_size = block_bytes};

    control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    if (control < 0)
        return false;
    number = ioctl(control, LOOP_CTL_GET_FREE);
    (void)close(control);
    (void)snprintf(path, path_bytes, "/dev/loop%d", number);
    loop = number < 0 ? -1 : open(path, O_RDWR | O_CLOEXEC);
    if (loop < 0)
        return false;
    file = open(image, O_RDWR | O_CLOEXEC);
    assert_true(file >= 0);
    config.fd = (uint32_t)file;
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR | (read_only ? LO_FLAGS_READ_ONLY : 0u);
    assert_int_equal(ioctl(loop, LOOP_CONFIGURE, &config), 0);
    assert_int_equal(close(file), 0);
    attached = open(path, O_RDONLY | O_CLOEXEC); /* not for writing: that would be one writer more */
    assert_true(attached >= 0);
    assert_int_equal(close(loop), 0);
    return true;
}

/* The last user's close detaches, and that may be somebody who was only curious: wait for it. */
static void detach(const char *path)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    char backing[80];

    assert_int_equal(close(attached), 0);
    (void)snprintf(backing, sizeof backing, "/sys/block/%s/loop/backing_file", path + strlen("/dev/"));
    for (unsigned i = 0; i < 1000 && access(backing, F_OK) == 0; i++)
        (void)nanosleep(&pause, NULL);
    assert_int_not_equal(access(backing, F_OK), 0);
}

static void test_loop_device(void **state)
{
    char path[32];

    (void)state;
    for (unsigned e = 0; e < 4; e++) {
        uint32_t block_bytes = e < 2 ? 512 : 4096;
        uint8_t *buffer = snap_buffer_new(16384);
        struct snap_file_info info;
        struct snap_error err = {0};
        struct snap_io *io;
        uint64_t start, length;

        make_image(2u << 20);
        if (!attach(path, sizeof path, block_bytes, false))
            skip(); /* not root: there is no block device to try */
        io = open_path(path, (struct snap_file_options){.write = true, .engine = engines[e % 2]});
        snap_file_get_info(io, &info);
        assert_true(info.block_device && info.direct);
        assert_int_equal(io->logical_block_bytes, block_bytes);
        assert_int_equal(io->size_bytes, 2u << 20);
        read_everywhere(io, 2u << 20);
        expect_open(path, (struct snap_file_options){.write = true}, SNAP_E_BUSY, "in use");
        expect_open(path, (struct snap_file_options){.exclusive = true}, SNAP_E_BUSY, "in use");
        expect_open(path, (struct snap_file_options){.foresee = true}, SNAP_E_BUSY, "in use");
        close_io(open_path(path, (struct snap_file_options){0})); /* looking is free */

        for (unsigned i = 0; i < 16384; i++)
            buffer[i] = pattern(8192 + i);
        must(snap_io_write(io, 4096, 4096, buffer, &err), &err);
        must(snap_io_write(io, 4096, 4096, memmove(buffer + 1, buffer, 4096), &err), &err); /* odd memory */
        must(snap_io_read(io, 4096, 4096, buffer, &err), &err);
        check_pattern(buffer, 8192, 4096);
        assert_int_equal(snap_io_write(io, 4096, 100, buffer, &err), SNAP_E_UNSUPPORTED);
        assert_int_equal(snap_io_write(io, 4096 + 512, 512, buffer, &err),
                         block_bytes == 512 ? SNAP_OK : SNAP_E_UNSUPPORTED);
        must(snap_io_flush(io, &err), &err);
        must(snap_file_next_data(io, 4096, &start, &length, &err), &err);
        assert_int_equal(start, 4096);
        assert_int_equal(length, (2u << 20) - 4096);
        close_io(io);
        detach(path);
        snap_buffer_free(buffer);
    }
}

/* Elements of any length and alignment, more of them than the buffer on the way holds, on both sides of each. */
static void test_loop_vectors(void **state)
{
    static const uint64_t lengths[] = {100, 4097, (1 << 20) - 1, 3, 300000, 40, 4096 * 60 + 2961};
    enum { ELEMENTS = sizeof lengths / sizeof lengths[0], GAP = 64 };
    char path[32];

    (void)state;
    for (unsigned e = 0; e < 4; e++) {
        const uint64_t offset_bytes = 8192;
        uint8_t *buffer = snap_buffer_new(2u << 20), *back = snap_buffer_new(2u << 20);
        struct iovec iov[ELEMENTS];
        struct snap_io_request request = {.kind = SNAP_IO_WRITE, .offset_bytes = offset_bytes, .iov = iov,
                                          .iov_count = ELEMENTS};
        uint64_t total_bytes = 0, at = 0;
        struct snap_error err = {0};
        struct snap_io *io;

        make_image(2u << 20);
        if (!attach(path, sizeof path, e < 2 ? 512 : 4096, false))
            skip();
        io = open_path(path, (struct snap_file_options){.write = true, .engine = engines[e % 2]});
        memset(buffer, 0xa5, 2u << 20);
        for (unsigned i = 0; i < ELEMENTS; i++) {
            iov[i] = (struct iovec){buffer + at, lengths[i]};
            for (uint64_t k = 0; k < lengths[i]; k++)
                buffer[at + k] = (uint8_t)(255 - pattern(offset_bytes + total_bytes + k));
            total_bytes += lengths[i];
            at += lengths[i] + (e % 2 ? 0 : GAP - lengths[i] % GAP); /* one behind the other, or with gaps */
        }
        assert_int_equal(total_bytes % 4096, 0);
        must(snap_io_transfer(io, &request, 1, &err), &err);
        must(snap_io_flush(io, &err), &err);
        must(snap_io_read(io, 0, 2u << 20, back, &err), &err);
        check_pattern(back, 0, offset_bytes);
        check_pattern(back + offset_bytes + total_bytes, offset_bytes + total_bytes,
                      (2u << 20) - offset_bytes - total_bytes);
        for (uint64_t i = offset_bytes; i < offset_bytes + total_bytes; i++)
            if (back[i] + pattern(i) != 255)
                fail_msg("byte %llu was not written", (unsigned long long)i);

        memcpy(back, buffer, 2u << 20); /* with what stands between and behind the elements */
        for (unsigned i = 0; i < ELEMENTS; i++)
            memset(iov[i].iov_base, 0, iov[i].iov_len);
        request.kind = SNAP_IO_READ;
        must(snap_io_transfer(io, &request, 1, &err), &err);
        assert_memory_equal(buffer, back, 2u << 20);
        close_io(io);
        detach(path);
        snap_buffer_free(buffer);
        snap_buffer_free(back);
    }
}

/* Aligned memory in elements that are no blocks: the kernel before 6.0 takes none of them. */
static void test_loop_short_elements(void **state)
{
    char path[32];

    (void)state;
    for (unsigned e = 0; e < 2; e++) {
        uint8_t *buffer = snap_buffer_new(16384);
        struct iovec iov[3] = {{buffer, 100}, {buffer + 4096, 3996}, {buffer + 8192, 4096}};
        struct snap_io_request request = {.kind = SNAP_IO_READ, .offset_bytes = 4096, .iov = iov, .iov_count = 3};
        struct snap_error err = {0};
        struct snap_io *io;

        make_image(65536);
        if (!attach(path, sizeof path, 4096, false))
            skip();
        io = open_path(path, (struct snap_file_options){.write = true, .engine = engines[e]});
        must(snap_io_transfer(io, &request, 1, &err), &err);
        check_pattern(buffer, 4096, 100);
        check_pattern(buffer + 4096, 4196, 3996);
        check_pattern(buffer + 8192, 8192, 4096);
        request.kind = SNAP_IO_WRITE;
        request.offset_bytes = 16384;
        must(snap_io_transfer(io, &request, 1, &err), &err);
        must(snap_io_read(io, 16384, 8192, buffer, &err), &err);
        check_pattern(buffer, 4096, 8192);
        close_io(io);
        detach(path);
        snap_buffer_free(buffer);
    }
}

static void test_loop_read_only(void **state)
{
    char path[32];

    (void)state;
    make_image(65536);
    if (!attach(path, sizeof path, 512, true))
        skip();
    expect_open(path, (struct snap_file_options){.write = true}, SNAP_E_PERM, path);
    expect_open(path, (struct snap_file_options){.foresee = true}, SNAP_E_PERM, path);
    close_io(open_path(path, (struct snap_file_options){.exclusive = true}));
    detach(path);
}

/* The device shrinks below us. */
static void test_loop_shrinks(void **state)
{
    char path[32];

    (void)state;
    for (unsigned e = 0; e < 2; e++) {
        uint8_t *buffer = snap_buffer_new(16384);
        struct iovec iov[5] = {{buffer, 4096}, {buffer + 4096, 4096}, {buffer + 8192, 4096},
                               {buffer + 12288 + 1, 512}, {buffer + 14336 + 1, 512}}; /* two by way of another buffer */
        struct snap_io_request requests[5] = {
            {.kind = SNAP_IO_READ, .offset_bytes = 131072, .iov = &iov[0], .iov_count = 1},
            {.kind = SNAP_IO_READ, .offset_bytes = 0, .iov = &iov[1], .iov_count = 1},
            {.kind = SNAP_IO_WRITE, .offset_bytes = 131072 + 4096, .iov = &iov[2], .iov_count = 1},
            {.kind = SNAP_IO_READ, .offset_bytes = 131072 + 8192, .iov = &iov[3], .iov_count = 1},
            {.kind = SNAP_IO_WRITE, .offset_bytes = 131072 + 12288, .iov = &iov[4], .iov_count = 1},
        };
        struct snap_error err = {0};
        struct snap_io *io;
        int loop;

        make_image(262144);
        if (!attach(path, sizeof path, 512, false))
            skip();
        io = open_path(path, (struct snap_file_options){.write = true, .engine = engines[e]});
        assert_int_equal(truncate(image, 65536), 0);
        loop = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(loop >= 0);
        assert_int_equal(ioctl(loop, LOOP_SET_CAPACITY, 0), 0);
        assert_int_equal(close(loop), 0);
        assert_int_equal(snap_io_transfer(io, requests, 5, &err), SNAP_E_CHANGED);
        assert_non_null(strstr(err.text, "it had 262144 bytes when it was opened and has 65536 now: somebody"));
        for (unsigned i = 0; i < 5; i++)
            assert_int_equal(requests[i].sys_errno, i == 1 ? 0 : ESTALE);
        check_pattern(buffer + 4096, 0, 4096);
        assert_int_equal(snap_io_flush(io, &err), SNAP_E_CHANGED);
        close_io(io);
        detach(path);
        snap_buffer_free(buffer);
    }
}

/* Asks the system itself, not the code under test. */
static void find_engines(void)
{
    long ring = -1;
#ifdef HAVE_LIBURING
    char parameters[128] = {0};

    ring = syscall(SYS_io_uring_setup, 1, parameters);
#endif

    if (ring >= 0) {
        (void)close((int)ring);
    } else {
        engines[0] = SNAP_IO_ENGINE_THREADS;
        print_message("no io_uring here: threads only\n");
    }
}

static int set_up(void **state)
{
    (void)state;
    find_engines();
    if (!mkdtemp(directory) || chmod(directory, 0755) != 0)
        return -1;
    (void)snprintf(image, sizeof image, "%s/image", directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(image);
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_any_alignment),
        cmocka_unit_test(test_mixed_writes_are_coherent_and_never_grow),
        cmocka_unit_test(test_beyond_the_end_is_refused),
        cmocka_unit_test(test_vectored),
        cmocka_unit_test(test_huge_vectors),
        cmocka_unit_test(test_use_from_other_threads),
        cmocka_unit_test(test_cut_file),
        cmocka_unit_test(test_cut_file_has_no_hole),
        cmocka_unit_test(test_write_errors_are_per_request),
        cmocka_unit_test(test_engine_is_missing_or_fails),
        cmocka_unit_test(test_wrong_kinds),
        cmocka_unit_test(test_no_permission),
        cmocka_unit_test(test_read_only_object_does_not_write),
        cmocka_unit_test(test_locks),
        cmocka_unit_test(test_held),
        cmocka_unit_test(test_foresees),
        cmocka_unit_test(test_new),
        cmocka_unit_test(test_new_whose_name_is_exchanged),
        cmocka_unit_test(test_found_is_opened),
        cmocka_unit_test(test_loop_device),
        cmocka_unit_test(test_loop_vectors),
        cmocka_unit_test(test_loop_short_elements),
        cmocka_unit_test(test_loop_read_only),
        cmocka_unit_test(test_loop_shrinks),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
