/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Temporary directories, files and loop devices for the tests of probe and device. */
#ifndef DMSNAP_TESTS_LOOP_FIXTURE_H
#define DMSNAP_TESTS_LOOP_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/loop.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define LOOP_TRIES 20

struct fixture {
    char dir[64];
    char path[2][128]; /* /dev/loopN of loop_fd */
    int loop_fd[2];    /* -1: not attached */
};

static inline int fixture_setup(void **state)
{
    static struct fixture fixture;

    memset(&fixture, 0, sizeof fixture);
    (void)snprintf(fixture.dir, sizeof fixture.dir, "/tmp/dmsnap-test-XXXXXX");
    fixture.loop_fd[0] = fixture.loop_fd[1] = -1;
    *state = &fixture;
    return mkdtemp(fixture.dir) ? 0 : -1;
}

static inline int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

/* Loop devices detach when their descriptor goes, also when the test dies: they are set up with autoclear. */
static inline int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;

    for (unsigned i = 0; i < 2; i++) {
        if (fixture->loop_fd[i] >= 0)
            (void)close(fixture->loop_fd[i]);
    }
    return nftw(fixture->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* <dir>/<name>, with all folders above it; valid until the second call from now. */
static inline const char *fixture_path(const struct fixture *fixture, const char *name)
{
    static char paths[2][256];
    static unsigned turn;
    char *path = paths[turn++ % 2];

    (void)snprintf(path, sizeof paths[0], "%s/%s", fixture->dir, name);
    for (char *slash = path + strlen(fixture->dir) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        if (mkdir(path, 0700) != 0)
            assert_int_equal(errno, EEXIST);
        *slash = '/';
    }
    return path;
}

/* Opens a new sparse file of this size, for reading and writing. */
static inline int fixture_file(const struct fixture *fixture, const char *name, uint64_t size_bytes)
{
    int fd = open(fixture_path(fixture, name), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)size_bytes), 0);
    return fd;
}

static inline void fixture_put(int fd, uint64_t offset_bytes, const void *bytes, size_t length_bytes)
{
    assert_int_equal(pwrite(fd, bytes, length_bytes, (off_t)offset_bytes), (ssize_t)length_bytes);
}

static inline void fixture_text(const struct fixture *fixture, const char *name, const char *text)
{
    int fd = fixture_file(fixture, name, 0);

    fixture_put(fd, 0, text, strlen(text));
    assert_int_equal(close(fd), 0);
}

/* Attaches a file (or block device) as loop device `index` of the fixture; skips the test where that is impossible. */
static inline void fixture_attach(struct fixture *fixture, unsigned index, const char *backing, uint64_t offset_bytes,
                                  uint64_t limit_bytes, uint32_t flags)
{
    struct loop_config config = {.info = {.lo_offset = offset_bytes, .lo_sizelimit = limit_bytes,
                                          .lo_flags = LO_FLAGS_AUTOCLEAR | flags}};
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    int backing_fd, number, fd = -1;

    if (control < 0) {
        print_message("skipped: no loop devices (%s)\n", strerror(errno));
        skip();
    }
    backing_fd = open(backing, O_RDWR | O_CLOEXEC);
    assert_true(backing_fd >= 0);
    /* Somebody else may take the free one between the two calls. */
    for (unsigned i = 0; i < LOOP_TRIES && fd < 0; i++) {
        number = ioctl(control, LOOP_CTL_GET_FREE);
        if (number < 0)
            break;
        (void)snprintf(fixture->path[index], sizeof fixture->path[index], "/dev/loop%d", number);
        fd = open(fixture->path[index], O_RDWR | O_CLOEXEC);
        config.fd = (uint32_t)backing_fd;
        if (fd >= 0 && ioctl(fd, LOOP_CONFIGURE, &config) != 0) {
            (void)close(fd);
            fd = -1;
        }
    }
    (void)close(backing_fd);
    (void)close(control);
    if (fd < 0) {
        print_message("skipped: no loop device can be attached (%s)\n", strerror(errno));
        skip();
    }
    fixture->loop_fd[index] = fd;
}

#endif
