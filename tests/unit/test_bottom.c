/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests where the bytes of stacked devices lie: tables that are made here, and a sysfs. */
#include "lib/device/bottom.h"

#include "tests/unit/loop_fixture.h"
#include "tests/unit/unit.h"

#include <limits.h>
#include <sys/sysmacros.h>

#define DEVICES_MAX 24u

/* Devices of device-mapper, 253:0 and so on, with up to two targets each. */
static struct snap_dm_device devices[DEVICES_MAX];
static struct snap_dm_target targets[DEVICES_MAX][2];
static struct snap_dm_tables tables;

static int set_up(void **state)
{
    memset(devices, 0, sizeof devices);
    memset(targets, 0, sizeof targets);
    tables = (struct snap_dm_tables){.devices = devices};
    return fixture_setup(state);
}

static void map(unsigned minor_number, uint64_t start, uint64_t length, const char *type, const char *params)
{
    struct snap_dm_device *device = &devices[minor_number];
    struct snap_dm_target *target = &targets[minor_number][device->active.count];

    device->number = makedev(253, minor_number);
    device->active.targets = targets[minor_number];
    device->active.count++;
    *target = (struct snap_dm_target){
        .start_sectors = start, .length_sectors = length, .params = (char *)(uintptr_t)params};
    (void)snprintf(target->type, sizeof target->type, "%s", type);
    tables.count = minor_number + 1 > tables.count ? minor_number + 1 : tables.count;
}

/* Sectors; in the order in which they are found: "8:1+2048-4096", with "?" where it is somewhere in there. */
static void lies(void **state, uint64_t number, uint64_t start, uint64_t length, const char *expected)
{
    const struct fixture *fixture = *state;
    struct snap_error err = {.text = ""};
    struct snap_bottom bottom = {.count = 0};
    char text[512] = "";

    assert_ok(snap_bottom_add_at(fixture->dir, &bottom, &tables, number, start * 512, length * 512, &err), &err);
    for (size_t i = 0; i < bottom.count; i++) {
        const struct snap_bottom_span *span = &bottom.spans[i];
        const size_t used = strlen(text);

        (void)snprintf(text + used, sizeof text - used, "%s%u:%u+%llu-%llu%s", used ? " " : "", major(span->device),
                       minor(span->device), (unsigned long long)span->offset_bytes / 512,
                       (unsigned long long)(span->end_bytes == UINT64_MAX ? 0 : span->end_bytes / 512),
                       span->somewhere ? "?" : "");
    }
    snap_bottom_free(&bottom);
    assert_string_equal(text, expected);
}

static void add(const struct fixture *fixture, struct snap_bottom *bottom, uint64_t number, uint64_t offset_bytes,
                uint64_t length_bytes)
{
    struct snap_error err = {.text = ""};

    assert_ok(snap_bottom_add_at(fixture->dir, bottom, &tables, number, offset_bytes, length_bytes, &err), &err);
}

static void linear_tables_are_followed_through_all_levels(void **state)
{
    map(0, 0, 100, "linear", "8:1 2048");
    map(0, 100, 50, "linear", "8:2 64");
    map(1, 0, 100, "linear", "253:0 30");
    map(2, 0, 20, "linear", "253:1 60");
    lies(state, makedev(253, 0), 0, 150, "8:1+2048-2148 8:2+64-114");
    lies(state, makedev(253, 2), 0, 20, "8:1+2138-2148 8:2+64-74");
    lies(state, makedev(253, 2), 15, 100, "8:2+69-74"); /* no more than there is */
    lies(state, makedev(8, 3), 5, 6, "8:3+5-11");
}

static void of_stripes_whole_rows_count(void **state)
{
    map(0, 0, 1024, "striped", "2 16 8:1 100 8:2 200");
    lies(state, makedev(253, 0), 0, 1024, "8:1+100-612 8:2+200-712");
    lies(state, makedev(253, 0), 40, 8, "8:1+116-132 8:2+216-232");
    map(1, 0, 64, "striped", "2 0 8:1 100 8:2 200"); /* no such table can be */
    lies(state, makedev(253, 1), 0, 8, "253:1+0-8 8:1+0-0? 8:2+0-0?");
}

static void partitions_and_loop_devices_are_followed(void **state)
{
    const struct fixture *fixture = *state;
    char path[PATH_MAX];

    fixture_text(fixture, "sys/devices/sda/dev", "8:0\n");
    fixture_text(fixture, "sys/devices/sda/sda1/dev", "8:1\n");
    fixture_text(fixture, "sys/devices/sda/sda1/partition", "1\n");
    fixture_text(fixture, "sys/devices/sda/sda1/start", "2048\n");
    fixture_text(fixture, "sys/devices/sda/sda1/size", "1000\n");
    fixture_text(fixture, "sys/dev/block/none", "");
    (void)snprintf(path, sizeof path, "%s/sys/dev/block/8:1", fixture->dir);
    assert_int_equal(symlink("../../devices/sda/sda1", path), 0);
    map(0, 0, 10, "linear", "8:1 5");
    lies(state, makedev(253, 0), 0, 10, "8:0+2053-2063");
    lies(state, makedev(8, 1), 0, UINT64_MAX / 512, "8:0+2048-3048"); /* nothing of the next partition */
}

static void a_loop_device_over_a_file_is_that_file(void **state)
{
    const struct fixture *fixture = *state;
    struct snap_bottom one = {.count = 0}, other = {.count = 0};
    struct stat st;
    int fd = fixture_file(fixture, "image", 1 << 20);

    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(close(fd), 0);
    fixture_text(fixture, "sys/dev/block/7:0/loop/backing_file", fixture_path(fixture, "image"));
    fixture_text(fixture, "sys/dev/block/7:0/loop/offset", "4096\n");
    fixture_text(fixture, "sys/dev/block/7:1/loop/backing_file", fixture_path(fixture, "image"));
    add(fixture, &one, makedev(7, 0), 0, 512);
    assert_int_equal(one.count, 1);
    assert_true(one.spans[0].device == st.st_dev && one.spans[0].inode == st.st_ino);
    assert_int_equal(one.spans[0].offset_bytes, 4096);
    assert_int_equal(one.spans[0].end_bytes, 4608);
    add(fixture, &other, makedev(7, 1), 0, 4096);
    assert_false(snap_bottom_overlap(&one, &other));
    add(fixture, &other, makedev(7, 1), 4096, 512);
    assert_true(snap_bottom_overlap(&one, &other));
    snap_bottom_free(&one);
    snap_bottom_free(&other);
}

/* A physical volume on an encrypted disk, and an origin that was cut out of it; two of them are apart. */
static void other_targets_count_themselves_and_all_below_them(void **state)
{
    const struct fixture *fixture = *state;
    struct snap_bottom one = {.count = 0}, other = {.count = 0}, disk = {.count = 0};

    map(0, 0, 1000, "crypt", "aes-xts-plain64 :32:logon:k 0 8:2 16");
    map(1, 0, 100, "linear", "253:0 200");
    map(2, 0, 100, "linear", "253:0 300");
    lies(state, makedev(253, 1), 0, 100, "253:0+200-300 8:2+0-0?");
    add(fixture, &one, makedev(253, 1), 0, 51200);
    add(fixture, &other, makedev(253, 2), 0, 51200);
    add(fixture, &disk, makedev(8, 2), 77, 1);
    assert_false(snap_bottom_overlap(&one, &other));
    assert_true(snap_bottom_overlap(&one, &one));
    assert_true(snap_bottom_overlap(&one, &disk));
    snap_bottom_free(&one);
    snap_bottom_free(&other);
    snap_bottom_free(&disk);
}

/* What is written through these is kept for the snapshots. */
static void snapshots_and_their_origins_are_the_bottom(void **state)
{
    map(0, 0, 64, "linear", "8:2 0");
    map(1, 0, 64, "snapshot-origin", "253:0");
    map(2, 0, 64, "snapshot", "253:0 8:3 P 8");
    map(3, 0, 64, "linear", "253:1 0");
    lies(state, makedev(253, 3), 8, 8, "253:1+8-16");
    lies(state, makedev(253, 2), 8, 8, "253:2+8-16");
}

static void stacks_without_end_are_followed_so_far(void **state)
{
    char params[DEVICES_MAX][16];

    for (unsigned i = 0; i < DEVICES_MAX; i++) {
        (void)snprintf(params[i], sizeof params[i], "253:%u 1", (i + 1) % DEVICES_MAX);
        map(i, 0, 100, "linear", params[i]);
    }
    lies(state, makedev(253, 0), 0, 1, "253:16+16-17");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(linear_tables_are_followed_through_all_levels, set_up, fixture_teardown),
        cmocka_unit_test_setup_teardown(of_stripes_whole_rows_count, set_up, fixture_teardown),
        cmocka_unit_test_setup_teardown(partitions_and_loop_devices_are_followed, set_up, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_loop_device_over_a_file_is_that_file, set_up, fixture_teardown),
        cmocka_unit_test_setup_teardown(other_targets_count_themselves_and_all_below_them, set_up, fixture_teardown),
        cmocka_unit_test_setup_teardown(snapshots_and_their_origins_are_the_bottom, set_up, fixture_teardown),
        cmocka_unit_test_setup_teardown(stacks_without_end_are_followed_so_far, set_up, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
