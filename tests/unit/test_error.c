/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Failures: status and sentence in one statement, whatever the length, with and without somebody who listens. */
#include "lib/base/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_fail(void **state)
{
    struct snap_error err = {.sys_errno = 99};

    (void)state;
    assert_int_equal(snap_fail(&err, SNAP_E_CORRUPT, "%s: area %d", "dev", 3), SNAP_E_CORRUPT);
    assert_int_equal(err.status, SNAP_E_CORRUPT);
    assert_int_equal(err.sys_errno, 0);
    assert_string_equal(err.text, "dev: area 3");
    assert_int_equal(snap_fail(NULL, SNAP_E_IO, "%d", 1), SNAP_E_IO);
}

static void test_fail_errno(void **state)
{
    static const struct {
        int sys_errno;
        enum snap_status status;
    } cases[] = {
        {EIO, SNAP_E_IO},          {EBUSY, SNAP_E_BUSY},     {ETXTBSY, SNAP_E_BUSY},   {EACCES, SNAP_E_PERM},
        {EPERM, SNAP_E_PERM},      {EROFS, SNAP_E_PERM},     {ENOENT, SNAP_E_NOENT},   {ENODEV, SNAP_E_NOENT},
        {ENXIO, SNAP_E_NOENT},     {ENOSPC, SNAP_E_NOSPC},   {EDQUOT, SNAP_E_NOSPC},   {EFBIG, SNAP_E_NOSPC},
        {ENOMEM, SNAP_E_NOMEM},    {EOPNOTSUPP, SNAP_E_UNSUPPORTED},                   {EREMOTEIO, SNAP_E_IO},
        {EINVAL, SNAP_E_IO},       {ESTALE, SNAP_E_CHANGED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct snap_error err = {0};

        assert_int_equal(snap_fail_errno(&err, cases[i].sys_errno, "x"), cases[i].status);
        assert_int_equal(err.status, cases[i].status);
        assert_int_equal(err.sys_errno, cases[i].sys_errno);
        assert_int_equal(strncmp(err.text, "x: ", 3), 0);
        if (cases[i].sys_errno != EFBIG)
            assert_string_equal(err.text + 3, strerror(cases[i].sys_errno));
        assert_int_equal(snap_fail_errno(NULL, cases[i].sys_errno, "x"), cases[i].status);
    }
}

/* Two limits have this errno, and the one of the shell is the one that nobody thinks of. */
static void test_file_too_large(void **state)
{
    struct snap_error err = {0};

    (void)state;
    (void)snap_fail_errno(&err, EFBIG, "x");
    assert_string_equal(err.text, "x: File too large: beyond what the file system, or the limit on file sizes of this "
                        "shell (ulimit -f), allows");
}

static void test_prefix(void **state)
{
    struct snap_error err = {0};

    (void)state;
    (void)snap_fail_errno(&err, EIO, "reading");
    assert_int_equal(snap_fail_prefix(&err, err.status, "%s: area %d", "dev", 7), SNAP_E_IO);
    assert_string_equal(err.text, "dev: area 7: reading: Input/output error");
    assert_int_equal(err.status, SNAP_E_IO);
    assert_int_equal(err.sys_errno, EIO);
    assert_int_equal(snap_fail_prefix(NULL, SNAP_E_NOMEM, "%d", 1), SNAP_E_NOMEM);
}

/* Cut, terminated, and not a byte beyond: the sanitizers watch. */
static void test_long_text(void **state)
{
    struct snap_error *err = test_malloc(sizeof *err);
    char text[2 * SNAP_ERROR_TEXT_BYTES];

    (void)state;
    for (size_t length = SNAP_ERROR_TEXT_BYTES - 4; length < SNAP_ERROR_TEXT_BYTES + 4; length++) {
        size_t expected = length < SNAP_ERROR_TEXT_BYTES - 1 ? length : SNAP_ERROR_TEXT_BYTES - 1;

        memset(text, 'a', length);
        text[length] = '\0';
        (void)snap_fail(err, SNAP_E_IO, "%s", text);
        assert_int_equal(strlen(err->text), expected);
        (void)snap_fail_prefix(err, SNAP_E_IO, "%s", text);
        assert_int_equal(strlen(err->text), SNAP_ERROR_TEXT_BYTES - 1);
        (void)snap_fail_errno(err, EIO, "%s", text);
        assert_int_equal(strlen(err->text), SNAP_ERROR_TEXT_BYTES - 1);
        assert_int_equal(err->text[0], 'a');
    }
    test_free(err);
}

/* What is too long loses its middle: the reason stands at the end, and names stand in front of it. */
static void a_long_name_leaves_the_reason(void **state)
{
    struct snap_error *err = test_malloc(sizeof *err);
    static char name[SNAP_ERROR_TEXT_BYTES + 100], path[4096];

    (void)state;
    memset(name, 'n', sizeof name - 1);
    memset(path, 'p', sizeof path - 1);
    (void)snap_fail(err, SNAP_E_REFUSED, "%s and %s are one file; name another than %s", path, path, path);
    assert_int_equal(strlen(err->text), 3 * 4095 + strlen(" and  are one file; name another than "));
    (void)snap_fail(err, SNAP_E_REFUSED, "first %s: the reason", name);
    assert_int_equal(strncmp(err->text, "first nnn", 9), 0);
    assert_non_null(strstr(err->text, "nnn...nnn"));
    assert_string_equal(strchr(err->text, ':'), ": the reason");
    (void)snap_fail_errno(err, EIO, "first %s", name);
    assert_string_equal(strchr(err->text, ':'), ": Input/output error");
    (void)snap_fail_prefix(err, SNAP_E_IO, "before");
    assert_int_equal(strncmp(err->text, "before: first nnn", 17), 0);
    assert_string_equal(strrchr(err->text, ':'), ": Input/output error");
    test_free(err);
}

static void only_some_are_about_the_medium(void **state)
{
    static const int others[] = {0, ENOMEM, EINTR, EAGAIN, ENXIO, ENODEV, ENOSPC, EINVAL, EOPNOTSUPP, ETIMEDOUT,
                                 ESTALE};

    (void)state;
    assert_true(snap_error_is_medium(EIO) && snap_error_is_medium(ENODATA) && snap_error_is_medium(EREMOTEIO) &&
                snap_error_is_medium(EILSEQ));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(snap_error_is_medium(others[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fail),
        cmocka_unit_test(test_fail_errno),
        cmocka_unit_test(test_file_too_large),
        cmocka_unit_test(test_prefix),
        cmocka_unit_test(test_long_text),
        cmocka_unit_test(a_long_name_leaves_the_reason),
        cmocka_unit_test(only_some_are_about_the_medium),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
