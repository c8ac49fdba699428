/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests which device a tag means, and that a path is left as it is. */
#include "lib/device/device.h"
#include "lib/device/tag.h"
#include "tests/unit/probe_fixture.h"

#include <linux/blkpg.h>

static void assert_resolves(const char *argument, const char *expected)
{
    struct snap_error err = {.text = ""};
    struct snap_lookup *found = NULL;
    char *path = NULL;
    enum snap_status status = snap_tag_resolve(argument, &path, &found, &err);

    assert_string_equal(err.text, "");
    assert_int_equal(status, SNAP_OK);
    assert_string_equal(path, expected);
    assert_int_equal(!found, strcmp(argument, path) == 0); /* a tag was looked up, a path is still to be */
    snap_lookup_free(found);
    free(path);
}

static void assert_refused(const char *argument, enum snap_status expected, const char *words)
{
    struct snap_error err = {.text = ""};
    struct snap_lookup *found = NULL;
    char *path = NULL;

    assert_int_equal(snap_tag_resolve(argument, &path, &found, &err), expected);
    assert_null(path);
    assert_null(found);
    assert_non_null(strstr(err.text, words));
}

/* No match means SNAP_E_NOENT, unless there are devices that this process may not look at. */
static void assert_not_found(const char *argument)
{
    enum snap_status expected = SNAP_E_NOENT;
    char line[128], name[64], path[80], reason[160] = "no device";
    FILE *partitions = fopen("/proc/partitions", "re");

    assert_non_null(partitions);
    while (fgets(line, sizeof line, partitions)) {
        int fd;

        if (sscanf(line, "%*u %*u %*u %63s", name) != 1)
            continue;
        (void)snprintf(path, sizeof path, "/dev/%s", name);
        fd = open(path, O_RDONLY | O_NONBLOCK);
        if (fd >= 0)
            (void)close(fd);
        else if (errno == EPERM || errno == EACCES) {
            if (expected == SNAP_E_NOENT)
                (void)snprintf(reason, sizeof reason, "%s: %s)", path, strerror(errno));
            expected = SNAP_E_PERM;
        }
    }
    assert_int_equal(fclose(partitions), 0);
    assert_refused(argument, expected, argument);
    /* Root in a container is told the device and the reason, and not to become root. */
    if (expected == SNAP_E_PERM && geteuid() == 0)
        assert_refused(argument, expected, reason);
    assert_refused(argument, expected, expected != SNAP_E_PERM ? "no device"
                                       : geteuid() == 0        ? "although this is root"
                                                               : "may not be read by this user; repeat this as root");
}

static void paths_are_left_alone(void **state)
{
    static const char *const paths[] = {"/dev/sda", "", "a b", "label=x", "LABEL", "./LABEL=x", "lvm:vg/lv", "XUUID=1"};

    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        assert_resolves(paths[i], paths[i]);
}

static void bad_tags_are_refused(void **state)
{
    char longest[300] = "LABEL=";

    (void)state;
    assert_refused("LABEL=", SNAP_E_USAGE, "no value");
    assert_refused("UUID=\"\"", SNAP_E_USAGE, "no value");
    assert_refused("PARTUUID=\"", SNAP_E_USAGE, "quote");
    assert_refused("PARTLABEL='a\"", SNAP_E_USAGE, "quote");
    memset(longest + 6, 'x', 256);
    assert_refused(longest, SNAP_E_USAGE, "longer");
    longest[6 + 255] = '\0';
    assert_not_found(longest);
}

static void unknown_tags_name_themselves(void **state)
{
    (void)state;
    assert_not_found("UUID=" UUID_B);
    assert_not_found("PARTLABEL=\"dmsnap test nowhere\"");
}

static void ambiguous_tags_are_refused_with_all_candidates(void **state)
{
    struct fixture *fixture = *state;
    char label[17], argument[64];
    const char *images[2] = {"a.img", "b.img"};
    const char *uuids[2] = {UUID_A, UUID_B};

    (void)snprintf(label, sizeof label, "dmsnap %d", (int)getpid());
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(close(fixture_file(fixture, images[i], 4 * MIB)), 0);
        make_ext4(fixture_path(fixture, images[i]), label, uuids[i]);
        fixture_attach(fixture, i, fixture_path(fixture, images[i]), 0, 0, 0);
    }
    assert_resolves("UUID=" UUID_A, fixture->path[0]);
    assert_resolves("UUID='0A1B2C3D-1111-4222-8333-123456789ABD'", fixture->path[1]);
    (void)snprintf(argument, sizeof argument, "LABEL=\"%s\"", label);
    assert_refused(argument, SNAP_E_REFUSED, fixture->path[0]);
    assert_refused(argument, SNAP_E_REFUSED, fixture->path[1]);
    assert_int_equal(close(fixture->loop_fd[1]), 0);
    fixture->loop_fd[1] = -1;
    assert_resolves(argument, fixture->path[0]);
    (void)snprintf(argument, sizeof argument, "LABEL=DMSNAP %d", (int)getpid());
    assert_not_found(argument); /* labels are compared as they are */
}

static void partition_tags_resolve_to_the_partition(void **state)
{
    struct fixture *fixture = *state;
    struct snap_device device;
    struct blkpg_partition part = {.start = 2048 * 512, .length = 2048 * 512, .pno = 1};
    struct blkpg_ioctl_arg add = {.op = BLKPG_ADD_PARTITION, .datalen = sizeof part, .data = &part};
    char name[40], argument[64], path[140];
    int fd = fixture_file(fixture, "image", 4 * MIB);

    (void)snprintf(name, sizeof name, "dmsnap %d", (int)getpid());
    put_gpt(fd, 8192, 0x40, name);
    assert_int_equal(close(fd), 0);
    fixture_attach(fixture, 0, fixture_path(fixture, "image"), 0, 0, LO_FLAGS_PARTSCAN);
    (void)snprintf(path, sizeof path, "%sp1", fixture->path[0]);
    /* Kernels without this table's parser are told by hand; others answer that it is there. */
    if (ioctl(fixture->loop_fd[0], BLKPG, &add) != 0)
        assert_int_equal(errno, EBUSY);
    if (access(path, F_OK) != 0) {
        print_message("skipped: nobody makes the partition's node\n");
        skip();
    }
    (void)snprintf(argument, sizeof argument, "PARTLABEL=%s", name);
    assert_resolves(argument, path);
    assert_resolves("PARTUUID=53525150-5554-5756-5859-5a5b5c5d5e5f", path);
    assert_resolves("PARTUUID=\"53525150-5554-5756-5859-5A5B5C5D5E5F\"", path);
    assert_int_equal(snap_device_describe(path, &device, NULL), SNAP_OK);
    assert_string_equal(device.partuuid, "53525150-5554-5756-5859-5a5b5c5d5e5f");
    assert_int_equal(device.start_sectors, 2048);
    assert_int_equal(device.size_sectors, 2048);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_left_alone),
        cmocka_unit_test(bad_tags_are_refused),
        cmocka_unit_test(unknown_tags_name_themselves),
        WITH_FIXTURE(ambiguous_tags_are_refused_with_all_candidates),
        WITH_FIXTURE(partition_tags_resolve_to_the_partition),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
