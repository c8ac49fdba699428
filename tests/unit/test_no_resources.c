/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory, threads, locks, memory files and random bytes that the system does not give: what is said and done then. */
#include "lib/base/new_file.h"
#include "lib/base/replace.h"
#include "lib/check/identity.h"
#include "lib/device/overlay.h"
#include "lib/device/probe.h"
#include "lib/io/file.h"
#include "tests/unit/alloc_fixture.h"
#include "tests/unit/folder_fixture.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/random.h>

/* The next calls fail with these numbers; 0: they do not. */
static struct {
    int lock, thread, memory_file, random;
} failing;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *argument);
int __real_memfd_create(const char *name, unsigned flags);
int __wrap_memfd_create(const char *name, unsigned flags);
ssize_t __real_getrandom(void *bytes, size_t length, unsigned flags);
ssize_t __wrap_getrandom(void *bytes, size_t length, unsigned flags);
int __real_fcntl(int fd, int command, ...) __attribute__((weak));
int __wrap_fcntl(int fd, int command, ...);
int __real_fcntl64(int fd, int command, ...) __attribute__((weak)); /* some C libraries have one name only */
int __wrap_fcntl64(int fd, int command, ...);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *argument)
{
    return failing.thread ? failing.thread : __real_pthread_create(thread, attr, start, argument);
}

int __wrap_memfd_create(const char *name, unsigned flags)
{
    errno = failing.memory_file;
    return failing.memory_file ? -1 : __real_memfd_create(name, flags);
}

ssize_t __wrap_getrandom(void *bytes, size_t length, unsigned flags)
{
    errno = failing.random;
    return failing.random ? -1 : __real_getrandom(bytes, length, flags);
}

static bool lock_fails(int command)
{
    errno = failing.lock;
    return failing.lock && command == F_OFD_SETLK;
}

/* Which of the two names a call has depends on the system. */
int __wrap_fcntl(int fd, int command, ...)
{
    va_list arguments;
    void *argument;

    va_start(arguments, command);
    argument = va_arg(arguments, void *);
    va_end(arguments);
    return lock_fails(command) ? -1 : __real_fcntl(fd, command, argument);
}

int __wrap_fcntl64(int fd, int command, ...)
{
    va_list arguments;
    void *argument;

    va_start(arguments, command);
    argument = va_arg(arguments, void *);
    va_end(arguments);
    return lock_fails(command) ? -1 : __real_fcntl64(fd, command, argument);
}

/* --- memory -------------------------------------------------------------------------------------------------- */
#define IMAGE_BYTES (UINT64_C(64) << 10)

static void make_image(void)
{
    fixture_put("image", "content");
    assert_int_equal(truncate(fixture_path("image"), IMAGE_BYTES), 0);
}

static enum snap_status open_with_threads(struct snap_error *err)
{
    const struct snap_file_options options = {.write = true, .engine = SNAP_IO_ENGINE_THREADS};
    struct snap_io *io;
    enum snap_status status = snap_file_open(&io, fixture_path("image"), &options, err);

    return status == SNAP_OK ? snap_io_close(io, err) : status;
}

static enum snap_status look_up(struct snap_error *err)
{
    struct snap_lookup *found;
    enum snap_status status = snap_lookup_new(&found, fixture_path("image"), err);

    snap_lookup_free(found);
    return status;
}

static enum snap_status make_file(struct snap_error *err)
{
    struct snap_folder *folder;
    struct snap_new_file *file = NULL;
    enum snap_status status = snap_folder_open(&folder, fixture_path("new"), err);

    if (status == SNAP_OK)
        status = snap_new_file_make_nameless(&file, folder, err);
    if (status == SNAP_OK)
        status = snap_new_file_close(file, err);
    snap_folder_close(folder);
    return status;
}

static enum snap_status replace_text(struct snap_error *err)
{
    struct snap_replace *file;
    enum snap_status status = snap_replace_open(&file, fixture_path("text"), "# a text\n", 1000, err);

    if (status == SNAP_OK)
        status = snap_replace_write(file, "# a text\nand more\n", err);
    snap_replace_close(file);
    return status;
}

static enum snap_status find_overlays(struct snap_error *err)
{
    struct snap_overlay_names names;
    const int fd = open(fixture_path("image"), O_RDONLY | O_CLOEXEC);
    enum snap_status status;

    assert_true(fd >= 0);
    status = snap_overlay_find(fd, &names, err);
    snap_overlay_free(&names);
    assert_int_equal(close(fd), 0);
    return status;
}

static enum snap_status read_zeros(void *context, uint64_t offset_bytes, uint64_t length_bytes, void *buffer,
                                   struct snap_error *err)
{
    (void)context;
    (void)offset_bytes;
    (void)err;
    memset(buffer, 0, (size_t)length_bytes);
    return SNAP_OK;
}

static enum snap_status look_for_signatures(struct snap_error *err)
{
    struct snap_probe probe;

    return snap_probe_reader(read_zeros, NULL, IMAGE_BYTES, &probe, err);
}

/* Each allocation fails in turn: nothing is lost, nothing leaks, and the sentence says what was missing. */
static void no_memory_is_said(void **state)
{
    enum snap_status (*const work[])(struct snap_error *err) = {open_with_threads, look_up, make_file, replace_text,
                                                                find_overlays, look_for_signatures};
    unsigned refused = 0;

    (void)state;
    make_image();
    for (size_t i = 0; i < sizeof work / sizeof work[0]; i++) {
        bool met = true;

        for (uint64_t n = 1; met; n++) {
            const uint64_t live_bytes = alloc.live_bytes;
            struct snap_error err = {0};
            enum snap_status status;

            alloc_fail_at(n, false);
            status = work[i](&err);
            met = alloc.calls >= n;
            alloc_fail_at(0, false);
            if (status != SNAP_OK) {
                assert_true(met);
                assert_status(status, SNAP_E_NOMEM, &err);
                assert_non_null(strstr(err.text, "memory"));
                refused++;
            }
            assert_int_equal(alloc.live_bytes, live_bytes);
        }
    }
    assert_true(refused >= sizeof work / sizeof work[0]);
}

/* --- locks, threads, files in memory, random bytes --------------------------------------------------------------- */
static void an_image_that_cannot_be_locked_is_read_and_not_written(void **state)
{
    static const struct {
        struct snap_file_options options;
        bool refused;
    } cases[] = {{{.write = true}, true}, {{.exclusive = true}, true}, {{.write = false}, false}};

    (void)state;
    make_image();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct snap_error err = {0};
        struct snap_io *io = NULL;
        enum snap_status status;

        failing.lock = ENOLCK;
        status = snap_file_open(&io, fixture_path("image"), &cases[i].options, &err);
        failing.lock = 0;
        assert_status(status, cases[i].refused ? SNAP_E_IO : SNAP_OK, &err);
        if (cases[i].refused) {
            assert_non_null(strstr(err.text, "image: cannot lock the image"));
            assert_int_equal(err.sys_errno, ENOLCK);
        } else {
            must_close(io);
        }
    }
}

static void without_threads_the_caller_does_all(void **state)
{
    const struct snap_file_options options = {.write = true, .engine = SNAP_IO_ENGINE_THREADS};
    uint8_t bytes[2][4096] = {{1}, {2}}, again[4096];
    struct iovec iov[2] = {{bytes[0], sizeof bytes[0]}, {bytes[1], sizeof bytes[1]}};
    struct snap_io_request requests[2] = {
        {.kind = SNAP_IO_WRITE, .offset_bytes = 0, .iov = &iov[0], .iov_count = 1},
        {.kind = SNAP_IO_WRITE, .offset_bytes = 8192, .iov = &iov[1], .iov_count = 1},
    };
    struct snap_error err = {0};
    struct snap_io *io;

    (void)state;
    make_image();
    failing.thread = EAGAIN;
    assert_ok(snap_file_open(&io, fixture_path("image"), &options, &err), &err);
    assert_ok(snap_io_transfer(io, requests, 2, &err), &err);
    failing.thread = 0;
    assert_ok(snap_io_read(io, 8192, sizeof again, again, &err), &err);
    assert_memory_equal(again, bytes[1], sizeof again);
    must_close(io);
}

static void a_file_in_memory_that_cannot_be_made_is_said(void **state)
{
    struct snap_error err = {0};
    enum snap_status status;

    (void)state;
    failing.memory_file = ENFILE;
    status = look_for_signatures(&err);
    failing.memory_file = 0;
    assert_status(status, SNAP_E_IO, &err);
    assert_non_null(strstr(err.text, "cannot make a memory file"));
    assert_int_equal(err.sys_errno, ENFILE);
}

static void random_bytes_that_cannot_be_had_are_said(void **state)
{
    static const struct snap_probe nothing;
    const struct snap_origin_facts origin = {.sectors = 100, .probe = &nothing};
    struct snap_identity identity;
    struct snap_error err = {0};
    enum snap_status status;

    (void)state;
    failing.random = ENOSYS;
    status = snap_identity_fill(&identity, &origin, 8, "", 0, &err);
    failing.random = 0;
    assert_status(status, SNAP_E_UNSUPPORTED, &err);
    assert_non_null(strstr(err.text, "cannot get random bytes"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_memory_is_said, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(an_image_that_cannot_be_locked_is_read_and_not_written, fixture_make,
                                        fixture_remove),
        cmocka_unit_test_setup_teardown(without_threads_the_caller_does_all, fixture_make, fixture_remove),
        cmocka_unit_test(a_file_in_memory_that_cannot_be_made_is_said),
        cmocka_unit_test(random_bytes_that_cannot_be_had_are_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
