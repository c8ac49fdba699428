/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests that the bytes of a device are held under all their names, for as long as the claim lasts. */
#include "lib/device/claim.h"

#include "tests/unit/loop_fixture.h"

static enum snap_status take(struct snap_claim **claim, const char *path, struct snap_error *err)
{
    struct snap_device device;
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    enum snap_status status;

    assert_true(fd >= 0);
    assert_int_equal(snap_device_describe(path, &device, err), SNAP_OK);
    status = snap_claim_take(claim, path, &device, fd, err);
    assert_int_equal(close(fd), 0);
    return status;
}

static void attach_twice(struct fixture *fixture)
{
    assert_int_equal(close(fixture_file(fixture, "image", 1 << 20)), 0);
    fixture_attach(fixture, 0, fixture_path(fixture, "image"), 0, 0, 0);
    fixture_attach(fixture, 1, fixture_path(fixture, "image"), 0, 0, 0);
}

static void the_other_loop_device_of_a_file_is_held(void **state)
{
    struct fixture *fixture = *state;
    struct snap_claim *claim;
    int fd;

    attach_twice(fixture);
    assert_int_equal(take(&claim, fixture->path[0], NULL), SNAP_OK);
    assert_int_equal(open(fixture->path[1], O_RDONLY | O_EXCL | O_CLOEXEC), -1);
    assert_int_equal(errno, EBUSY);
    snap_claim_release(claim);
    fd = open(fixture->path[1], O_RDONLY | O_EXCL | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
}

static void the_other_loop_device_in_use_refuses(void **state)
{
    struct fixture *fixture = *state;
    struct snap_claim *claim;
    struct snap_error err;
    int fd;

    attach_twice(fixture);
    fd = open(fixture->path[1], O_RDONLY | O_EXCL | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(take(&claim, fixture->path[0], &err), SNAP_E_BUSY);
    assert_null(claim);
    assert_non_null(strstr(err.text, fixture->path[1]));
    assert_non_null(strstr(err.text, "has the same bytes"));
    assert_int_equal(close(fd), 0);
}

static void loop_devices_that_share_no_bytes_are_left_alone(void **state)
{
    struct fixture *fixture = *state;
    struct snap_claim *claim;
    int fd;

    assert_int_equal(close(fixture_file(fixture, "image", 1 << 20)), 0);
    fixture_attach(fixture, 0, fixture_path(fixture, "image"), 0, 512 << 10, 0);
    fixture_attach(fixture, 1, fixture_path(fixture, "image"), 512 << 10, 0, 0);
    fd = open(fixture->path[1], O_RDONLY | O_EXCL | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(take(&claim, fixture->path[0], NULL), SNAP_OK);
    snap_claim_release(claim);
    assert_int_equal(close(fd), 0);
}

static void the_file_behind_a_loop_device_is_locked(void **state)
{
    struct fixture *fixture = *state;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct snap_claim *claim;
    struct snap_error err;
    int fd;

    attach_twice(fixture);
    fd = open(fixture_path(fixture, "image"), O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(take(&claim, fixture->path[0], NULL), SNAP_OK);
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), -1);
    snap_claim_release(claim);
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
    assert_int_equal(take(&claim, fixture->path[0], &err), SNAP_E_BUSY);
    assert_non_null(strstr(err.text, "holds a lock on"));
    assert_int_equal(close(fd), 0);
}

/* Whoever cannot see a name cannot meet anybody there: that is no reason to refuse. */
static void a_file_whose_name_is_gone_is_no_hindrance(void **state)
{
    struct fixture *fixture = *state;
    struct snap_claim *claim;

    attach_twice(fixture);
    assert_int_equal(unlink(fixture_path(fixture, "image")), 0);
    assert_int_equal(take(&claim, fixture->path[0], NULL), SNAP_OK);
    snap_claim_release(claim);
}

/* What stands there by now is another file: who holds that one is no hindrance, either. */
static void another_file_under_the_name_is_left_alone(void **state)
{
    struct fixture *fixture = *state;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct snap_claim *claim;
    int fd;

    attach_twice(fixture);
    assert_int_equal(unlink(fixture_path(fixture, "image")), 0);
    fd = fixture_file(fixture, "image (deleted)", 1 << 20); /* as the loop driver calls the one that is gone */
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
    assert_int_equal(take(&claim, fixture->path[0], NULL), SNAP_OK);
    snap_claim_release(claim);
    assert_int_equal(close(fd), 0);
}

static void an_image_behind_a_loop_device_is_busy(void **state)
{
    struct fixture *fixture = *state;
    struct snap_claim *claim;
    struct snap_error err;
    const char *path;

    attach_twice(fixture);
    path = fixture_path(fixture, "image");
    assert_int_equal(take(&claim, path, &err), SNAP_E_BUSY);
    assert_non_null(strstr(err.text, "the image backs /dev/loop"));
    assert_int_equal(link(path, fixture_path(fixture, "hard link")), 0);
    assert_int_equal(take(&claim, fixture_path(fixture, "hard link"), &err), SNAP_E_BUSY);
    assert_int_equal(unlink(fixture_path(fixture, "image")), 0); /* the name that the loop device knows is gone */
    assert_int_equal(take(&claim, fixture_path(fixture, "hard link"), &err), SNAP_E_BUSY);
}

/* Both devices of a pair may be parts of one file. */
static void two_parts_of_one_file_can_be_held_together(void **state)
{
    struct fixture *fixture = *state;
    struct snap_claim *first, *second;

    assert_int_equal(close(fixture_file(fixture, "image", 1 << 20)), 0);
    fixture_attach(fixture, 0, fixture_path(fixture, "image"), 0, 512 << 10, 0);
    fixture_attach(fixture, 1, fixture_path(fixture, "image"), 512 << 10, 0, 0);
    assert_int_equal(take(&first, fixture->path[0], NULL), SNAP_OK);
    assert_int_equal(take(&second, fixture->path[1], NULL), SNAP_OK);
    snap_claim_release(first);
    snap_claim_release(second);
}

static void a_lone_image_needs_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct snap_claim *claim;

    assert_int_equal(close(fixture_file(fixture, "image", 1 << 20)), 0);
    assert_int_equal(take(&claim, fixture_path(fixture, "image"), NULL), SNAP_OK);
    assert_false(snap_claim_names_hidden(claim));
    snap_claim_release(claim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_other_loop_device_of_a_file_is_held, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(the_other_loop_device_in_use_refuses, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(loop_devices_that_share_no_bytes_are_left_alone, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(the_file_behind_a_loop_device_is_locked, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_file_whose_name_is_gone_is_no_hindrance, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(another_file_under_the_name_is_left_alone, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(an_image_behind_a_loop_device_is_busy, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(two_parts_of_one_file_can_be_held_together, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_lone_image_needs_nothing, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
