/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests identity, overlap and holders, on files, loop devices and a made-up sysfs. */
#include "lib/device/device.h"
#include "lib/device/device_private.h"
#include "tests/unit/loop_fixture.h"

#include <sys/sysmacros.h>

#define MIB (UINT64_C(1) << 20)

static struct snap_device describe(const char *path)
{
    struct snap_error err = {.text = ""};
    struct snap_device device;
    enum snap_status status = snap_device_describe(path, &device, &err);

    assert_string_equal(err.text, "");
    assert_int_equal(status, SNAP_OK);
    return device;
}

static struct snap_device file_of(const struct fixture *fixture, const char *name, uint64_t size_bytes)
{
    assert_int_equal(close(fixture_file(fixture, name, size_bytes)), 0);
    return describe(fixture_path(fixture, name));
}

/* Both orders must agree; `words` is part of the reason. */
static void assert_same(const struct snap_device *a, const struct snap_device *b, const char *words)
{
    char reason[128];

    assert_true(snap_device_same(a, b, reason, sizeof reason));
    assert_non_null(strstr(reason, words));
    assert_true(snap_device_same(b, a, reason, sizeof reason));
    assert_non_null(strstr(reason, words));
}

static void assert_different(const struct snap_device *a, const struct snap_device *b)
{
    char reason[128] = "x";

    assert_false(snap_device_same(a, b, reason, sizeof reason));
    assert_string_equal(reason, "");
    assert_false(snap_device_same(b, a, reason, sizeof reason));
}

static void file_is_described(void **state)
{
    struct snap_device device = file_of(*state, "a", MIB + 511);
    struct stat st;

    assert_int_equal(stat(fixture_path(*state, "a"), &st), 0);
    assert_false(device.block_device);
    assert_false(device.is_loop);
    assert_int_equal(device.device_number, 0);
    assert_int_equal(device.file_device, st.st_dev);
    assert_int_equal(device.file_inode, st.st_ino);
    assert_int_equal(device.size_sectors, 2048);
}

static void what_is_no_device_is_refused(void **state)
{
    struct snap_device device;
    struct snap_error err;

    assert_int_equal(snap_device_describe(fixture_path(*state, "none"), &device, &err), SNAP_E_NOENT);
    assert_non_null(strstr(err.text, "/none: No such file"));
    assert_int_equal(snap_device_describe("/", &device, &err), SNAP_E_USAGE);
    assert_string_equal(err.text, "/: neither a block device nor a regular file");
    assert_int_equal(snap_device_describe("/dev/null", &device, &err), SNAP_E_USAGE);
}

static void links_are_the_same_file(void **state)
{
    struct snap_device a = file_of(*state, "a", MIB), b = file_of(*state, "b", MIB), other;

    assert_int_equal(link(fixture_path(*state, "a"), fixture_path(*state, "hard")), 0);
    assert_int_equal(symlink("a", fixture_path(*state, "soft")), 0);
    other = describe(fixture_path(*state, "hard"));
    assert_same(&a, &other, "both are the same file");
    other = describe(fixture_path(*state, "soft"));
    assert_same(&a, &other, "both are the same file");
    assert_different(&a, &b);
}

static void file_is_not_the_device_of_its_file_system(void **state)
{
    struct snap_device file = file_of(*state, "a", MIB);
    struct snap_device disk = {.block_device = true, .device_number = file.file_device,
                               .disk_number = file.file_device};

    assert_different(&file, &disk);
}

static void loop_device_is_described(void **state)
{
    struct fixture *fixture = *state;
    struct snap_device file = file_of(fixture, "cow.img", 4 * MIB), loop;
    struct stat st;

    fixture_attach(fixture, 0, fixture_path(fixture, "cow.img"), MIB, 2 * MIB, 0);
    assert_int_equal(stat(fixture->path[0], &st), 0);
    loop = describe(fixture->path[0]);
    assert_true(loop.block_device);
    assert_true(loop.is_loop);
    assert_int_equal(loop.device_number, st.st_rdev);
    assert_int_equal(loop.disk_number, st.st_rdev);
    assert_int_equal(loop.start_sectors, 0);
    assert_int_equal(loop.size_sectors, 4096);
    assert_int_equal(loop.backing_device, file.file_device);
    assert_int_equal(loop.backing_inode, file.file_inode);
    assert_int_equal(loop.backing_number, 0);
    assert_int_equal(loop.backing_offset_bytes, MIB);
    assert_string_equal(loop.backing_path, fixture_path(fixture, "cow.img"));
}

static void loop_device_is_its_file(void **state)
{
    struct fixture *fixture = *state;
    struct snap_device file = file_of(fixture, "cow.img", 4 * MIB), other = file_of(fixture, "other", 4 * MIB), loop;
    char words[512];

    fixture_attach(fixture, 0, fixture_path(fixture, "cow.img"), 0, 0, 0);
    loop = describe(fixture->path[0]);
    (void)snprintf(words, sizeof words, "%s is backed by %s", fixture->path[0], fixture_path(fixture, "cow.img"));
    assert_same(&file, &loop, words);
    assert_different(&other, &loop);
}

static void same_number_through_another_node(void **state)
{
    struct fixture *fixture = *state;
    struct snap_device file = file_of(fixture, "cow.img", 4 * MIB), loop, node;
    struct stat st;

    fixture_attach(fixture, 0, fixture_path(fixture, "cow.img"), 0, 0, 0);
    assert_int_equal(stat(fixture->path[0], &st), 0);
    if (mknod(fixture_path(fixture, "node"), S_IFBLK | 0600, st.st_rdev) != 0) {
        print_message("skipped: may not make device nodes\n");
        skip();
    }
    loop = describe(fixture->path[0]);
    node = describe(fixture_path(fixture, "node"));
    assert_int_not_equal(loop.file_inode, node.file_inode);
    assert_same(&loop, &node, "both are 7:");
    assert_same(&file, &node, "is backed by");
}

static void loops_over_one_file_share_where_they_overlap(void **state)
{
    struct fixture *fixture = *state;
    struct snap_device a, b;

    (void)file_of(fixture, "cow.img", 4 * MIB);
    fixture_attach(fixture, 0, fixture_path(fixture, "cow.img"), 0, 2 * MIB, 0);
    fixture_attach(fixture, 1, fixture_path(fixture, "cow.img"), 2 * MIB, 0, 0);
    a = describe(fixture->path[0]);
    b = describe(fixture->path[1]);
    assert_different(&a, &b);
    assert_int_equal(close(fixture->loop_fd[1]), 0);
    fixture->loop_fd[1] = -1;
    fixture_attach(fixture, 1, fixture_path(fixture, "cow.img"), 2 * MIB - 512, 0, 0);
    b = describe(fixture->path[1]);
    assert_same(&a, &b, "are backed by the same bytes of");
}

static void loop_over_a_loop_is_the_lowest_file(void **state)
{
    struct fixture *fixture = *state;
    struct snap_device file = file_of(fixture, "cow.img", 4 * MIB), lower, upper;
    char text[256];

    fixture_attach(fixture, 0, fixture_path(fixture, "cow.img"), MIB, 0, 0);
    fixture_attach(fixture, 1, fixture->path[0], MIB, 0, 0);
    lower = describe(fixture->path[0]);
    upper = describe(fixture->path[1]);
    assert_int_equal(upper.backing_inode, file.file_inode);
    assert_int_equal(upper.backing_offset_bytes, 2 * MIB);
    assert_same(&lower, &upper, "are backed by the same bytes of");
    assert_same(&file, &upper, "is backed by");
    snap_device_holders(fixture->path[1], &upper, text, sizeof text);
    assert_string_equal(text, "");
    snap_device_holders(fixture->path[0], &lower, text, sizeof text);
    assert_non_null(strstr(text, fixture->path[1]));
}

static void detached_loop_device_is_nobodys(void **state)
{
    struct fixture *fixture = *state;
    struct snap_device file = file_of(fixture, "cow.img", 4 * MIB), loop;
    char path[128], text[256];

    fixture_attach(fixture, 0, fixture_path(fixture, "cow.img"), 0, 0, 0);
    memcpy(path, fixture->path[0], sizeof path);
    snap_device_holders("cow.img", &file, text, sizeof text);
    assert_non_null(strstr(text, "in use by loop device /dev/loop"));
    assert_int_equal(close(fixture->loop_fd[0]), 0);
    fixture->loop_fd[0] = -1;
    loop = describe(path);
    assert_different(&file, &loop);
    snap_device_holders("cow.img", &file, text, sizeof text);
    assert_string_equal(text, "");
}

/* Disk sdb (8:16) with sdb1 (8:17, sectors 2048..4095) and sdb2 (8:18, 4096..6143), dm-0 (252:0) and md7 upon them. */
static const char *make_tree(const struct fixture *fixture)
{
    static const char *const files[][2] = {
        {"sys/devices/sdb/dev", "8:16\n"}, {"sys/devices/sdb/size", "8192\n"},
        {"sys/devices/sdb/queue/rotational", "1\n"}, {"sys/devices/sdb/device/model", "Old Disk        \n"},
        {"sys/devices/sdb/device/wwid", "naa.5000c500a1b2c3d4\n"}, {"sys/devices/sdb/serial", "not the first\n"},
        {"sys/devices/sdb/sdb1/dev", "8:17\n"}, {"sys/devices/sdb/sdb1/partition", "1\n"},
        {"sys/devices/sdb/sdb1/start", "2048\n"}, {"sys/devices/sdb/sdb1/size", "2048\n"},
        {"sys/devices/sdb/sdb1/uevent", "MAJOR=8\nPARTN=1\nPARTUUID=12345678-01\n"},
        {"sys/devices/sdb/sdb2/dev", "8:18\n"}, {"sys/devices/sdb/sdb2/partition", "2\n"},
        {"sys/devices/sdb/sdb2/start", "4096\n"}, {"sys/devices/sdb/sdb2/size", "2048\n"},
        {"sys/devices/dm-0/dev", "252:0\n"}, {"sys/devices/dm-0/size", "2048\n"},
        {"sys/devices/dm-0/dm/name", "vg-snap\n"}, {"sys/devices/dm-0/dm/uuid", "LVM-abc\n"},
        {"sys/devices/md7/dev", "9:7\n"}, {"sys/devices/sdb/sdb2/holders/.", NULL}, {"sys/dev/block/.", NULL},
        {"sys/devices/loop5/dev", "7:5\n"}, {"sys/devices/loop5/size", "2048\n"},
        {"sys/devices/loop5/loop/offset", "4096\n"}, {"sys/block/.", NULL},
        {"proc/swaps", "Filename Type Size Used Priority\n"},
        {"proc/self/mountinfo", "20 1 8:17 / /srv rw,relatime shared:1 - ext4 /dev/sdb1 rw\n"
                                "21 1 8:170 / /wrong rw - ext4 /dev/sdk10 rw\n"
                                "22 1 8:17 /sub /mnt/two\\040words\\134 rw - ext4 /dev/sdb1 rw\n"},
    };
    static const char *const links[][2] = {
        {"../../devices/sdb", "sys/dev/block/8:16"}, {"../../devices/sdb/sdb1", "sys/dev/block/8:17"},
        {"../../devices/sdb/sdb2", "sys/dev/block/8:18"}, {"../../devices/dm-0", "sys/dev/block/252:0"},
        {"../../devices/loop5", "sys/dev/block/7:5"}, {"../devices/loop5", "sys/block/loop5"},
        {"../../../dm-0", "sys/devices/sdb/sdb2/holders/dm-0"}, {"../../../md7", "sys/devices/sdb/sdb2/holders/md7"},
    };

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (files[i][1])
            fixture_text(fixture, files[i][0], files[i][1]);
        else
            (void)fixture_path(fixture, files[i][0]);
    }
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++)
        assert_int_equal(symlink(links[i][0], fixture_path(fixture, links[i][1])), 0);
    return fixture->dir;
}

static struct snap_device block_at(const char *root, unsigned major_number, unsigned minor_number)
{
    struct snap_device device = {.block_device = true, .device_number = makedev(major_number, minor_number)};

    snap_device_read_sysfs(root, &device);
    return device;
}

static void sysfs_describes_disk_partition_and_dm(void **state)
{
    const char *root = make_tree(*state);
    struct snap_device disk = block_at(root, 8, 16), part = block_at(root, 8, 17), dm = block_at(root, 252, 0);

    assert_int_equal(disk.disk_number, makedev(8, 16));
    assert_int_equal(disk.size_sectors, 8192);
    assert_true(disk.rotational);
    assert_string_equal(disk.model, "Old Disk");
    assert_string_equal(disk.serial, "naa.5000c500a1b2c3d4");
    assert_string_equal(disk.partuuid, "");

    assert_int_equal(part.disk_number, makedev(8, 16));
    assert_int_equal(part.start_sectors, 2048);
    assert_int_equal(part.size_sectors, 2048);
    assert_true(part.rotational);
    assert_string_equal(part.model, "Old Disk");
    assert_string_equal(part.serial, "naa.5000c500a1b2c3d4");
    assert_string_equal(part.partuuid, "12345678-01");

    assert_string_equal(dm.dm_name, "vg-snap");
    assert_string_equal(dm.serial, "LVM-abc");
    assert_false(dm.rotational);
}

static void partitions_share_with_their_disk_only(void **state)
{
    const char *root = make_tree(*state);
    struct snap_device disk = block_at(root, 8, 16), one = block_at(root, 8, 17), two = block_at(root, 8, 18);
    struct snap_device other = block_at(root, 252, 0);

    assert_same(&disk, &one, "8:17 is a partition of 8:16");
    assert_same(&disk, &disk, "both are 8:16");
    assert_different(&one, &two);
    assert_different(&one, &other);
    two.start_sectors = 4095;
    assert_same(&one, &two, "overlap on their disk 8:16");
    two.start_sectors = 6144;
    assert_different(&one, &two);
    one.size_sectors = 0; /* unknown: it may reach that far */
    assert_same(&one, &two, "overlap");
}

static void loop_over_a_partition_is_on_its_disk(void **state)
{
    const char *root = make_tree(*state);
    struct snap_device disk = block_at(root, 8, 16), one = block_at(root, 8, 17), two = block_at(root, 8, 18);
    struct snap_device loop = {.block_device = true, .is_loop = true, .device_number = makedev(7, 3),
                               .disk_number = makedev(7, 3), .backing_number = makedev(8, 16),
                               .backing_offset_bytes = 4096 * 512, .size_sectors = 2048, .backing_path = "/dev/sdb2"};

    assert_same(&disk, &loop, "/dev/loop3 is backed by /dev/sdb2");
    assert_same(&two, &loop, "/dev/loop3 is backed by /dev/sdb2");
    assert_different(&one, &loop);
}

static void loop_devices_over_unknown_files_are_apart(void **state)
{
    struct snap_device a = {.block_device = true, .is_loop = true, .device_number = makedev(7, 3),
                            .disk_number = makedev(7, 3), .size_sectors = 8};
    struct snap_device b = a, part = a;

    (void)state;
    b.device_number = b.disk_number = makedev(7, 4);
    part.device_number = makedev(259, 0);
    assert_different(&a, &b);
    assert_same(&a, &part, "/dev/loop3");
}

/* dm-0 upon sdb2, md7 with a partition upon dm-0: slaves name what a device is made of. */
static void a_stack_stands_on_its_lowest_disk(void **state)
{
    struct fixture *fixture = *state;
    const char *root = make_tree(fixture);
    struct snap_device disk = block_at(root, 8, 16), one = block_at(root, 8, 17), two = block_at(root, 8, 18);
    struct snap_device dm = block_at(root, 252, 0), md, part, loop;

    assert_false(snap_device_stands_on_at(root, &dm, &two)); /* nothing says so yet */
    (void)fixture_path(fixture, "sys/devices/dm-0/slaves/.");
    (void)fixture_path(fixture, "sys/devices/md7/slaves/.");
    fixture_text(fixture, "sys/devices/md7/md7p1/dev", "259:0\n");
    fixture_text(fixture, "sys/devices/md7/md7p1/partition", "1\n");
    assert_int_equal(symlink("../../sdb/sdb2", fixture_path(fixture, "sys/devices/dm-0/slaves/sdb2")), 0);
    assert_int_equal(symlink("../../dm-0", fixture_path(fixture, "sys/devices/md7/slaves/dm-0")), 0);
    assert_int_equal(symlink("../../devices/md7", fixture_path(fixture, "sys/dev/block/9:7")), 0);
    assert_int_equal(symlink("../../devices/md7/md7p1", fixture_path(fixture, "sys/dev/block/259:0")), 0);
    md = block_at(root, 9, 7);
    part = block_at(root, 259, 0);
    assert_int_equal(part.disk_number, makedev(9, 7));
    assert_true(snap_device_stands_on_at(root, &dm, &two));
    assert_true(snap_device_stands_on_at(root, &dm, &disk));
    assert_false(snap_device_stands_on_at(root, &dm, &one));
    assert_true(snap_device_stands_on_at(root, &md, &two));
    assert_true(snap_device_stands_on_at(root, &md, &dm));
    assert_true(snap_device_stands_on_at(root, &part, &two));
    assert_false(snap_device_stands_on_at(root, &part, &one));
    assert_true(snap_device_stands_on_at(root, &one, &disk));
    assert_false(snap_device_stands_on_at(root, &two, &dm)); /* the other way round it does not */
    loop = (struct snap_device){.block_device = true, .is_loop = true, .device_number = makedev(7, 3),
                                .disk_number = makedev(7, 3), .backing_device = makedev(252, 0), .backing_inode = 5};
    assert_true(snap_device_stands_on_at(root, &loop, &two)); /* over a file on dm-0 */
    assert_false(snap_device_stands_on_at(root, &loop, &one));

    /* Loop devices over the disk below share bytes with it; what the stack is made of itself does not count. */
    loop = (struct snap_device){.block_device = true, .is_loop = true, .device_number = makedev(7, 3),
                                .disk_number = makedev(7, 3), .backing_number = two.disk_number};
    assert_true(snap_device_made_of_same_at(root, &dm, &loop));
    assert_true(snap_device_made_of_same_at(root, &md, &loop));
    assert_true(snap_device_made_of_same_at(root, &part, &loop));
    assert_false(snap_device_made_of_same_at(root, &two, &loop)); /* made of nothing */
    assert_false(snap_device_made_of_same_at(root, &dm, &two));
    assert_false(snap_device_made_of_same_at(root, &md, &disk));
    assert_false(snap_device_made_of_same_at(root, &md, &dm));
    loop.backing_offset_bytes = one.start_sectors * UINT64_C(512);
    loop.size_sectors = one.size_sectors;
    assert_false(snap_device_made_of_same_at(root, &dm, &loop)); /* over another part of it */
}

static void a_circle_of_devices_ends(void **state)
{
    struct fixture *fixture = *state;
    const char *root = make_tree(fixture);
    struct snap_device dm = block_at(root, 252, 0), one = block_at(root, 8, 17);

    (void)fixture_path(fixture, "sys/devices/dm-0/slaves/.");
    assert_int_equal(symlink("../../dm-0", fixture_path(fixture, "sys/devices/dm-0/slaves/dm-0")), 0);
    assert_false(snap_device_stands_on_at(root, &dm, &one));
}

static void what_is_open_stands_on_its_file_system(void **state)
{
    const struct fixture *fixture = *state;
    struct snap_device disk = {.block_device = true}, other = {.block_device = true}, file = file_of(fixture, "a", MIB);
    int folder = open(fixture->dir, O_PATH | O_CLOEXEC), image = open(fixture_path(fixture, "a"), O_RDONLY | O_CLOEXEC);
    int ends[2];

    assert_true(folder >= 0 && image >= 0);
    assert_int_equal(pipe(ends), 0);
    disk.device_number = disk.disk_number = file.file_device;
    other.device_number = other.disk_number = makedev(240, 99);
    assert_int_equal(snap_device_fd_stands_on(folder, &disk), major(file.file_device) != 0);
    assert_int_equal(snap_device_fd_stands_on(image, &disk), major(file.file_device) != 0);
    assert_false(snap_device_fd_stands_on(folder, &other));
    assert_true(snap_device_fd_stands_on(image, &file));
    assert_false(snap_device_fd_stands_on(folder, &file)); /* a new file there is another one */
    assert_false(snap_device_fd_stands_on(ends[1], &disk));
    assert_false(snap_device_fd_stands_on(-1, &disk));
    assert_int_equal(close(folder) | close(image) | close(ends[0]) | close(ends[1]), 0);
}

static const char *holders(const char *root, const struct snap_device *device)
{
    static char text[512];

    memset(text, 'x', sizeof text);
    snap_device_holders_at(root, device, text, sizeof text);
    return text;
}

static void holders_are_named(void **state)
{
    const char *root = make_tree(*state);
    struct snap_device disk = block_at(root, 8, 16), one = block_at(root, 8, 17), two = block_at(root, 8, 18);
    struct snap_device dm = block_at(root, 252, 0);
    const char *text;

    assert_string_equal(holders(root, &one), "mounted on /srv, mounted on /mnt/two words\\");
    text = holders(root, &two);
    assert_true(strcmp(text, "held by dm-0 (vg-snap), held by md7") == 0 ||
                strcmp(text, "held by md7, held by dm-0 (vg-snap)") == 0);
    text = holders(root, &disk);
    assert_non_null(strstr(text, "partition sdb1 mounted on /srv"));
    assert_non_null(strstr(text, "partition sdb2 held by dm-0 (vg-snap)"));
    assert_string_equal(holders(root, &dm), "");
}

/* dm-0 and md7 hold the second partition, and the first one is mounted; then each alone. */
static void what_only_device_mapper_has(void **state)
{
    const char *root = make_tree(*state);
    struct snap_device disk = block_at(root, 8, 16), one = block_at(root, 8, 17), two = block_at(root, 8, 18);

    assert_int_equal(snap_device_only_mapped_at(root, &disk), 0);
    assert_int_equal(snap_device_only_mapped_at(root, &one), 0);
    assert_int_equal(snap_device_only_mapped_at(root, &two), 0);
    assert_int_equal(unlink(fixture_path(*state, "sys/devices/sdb/sdb2/holders/md7")), 0);
    assert_int_equal(snap_device_only_mapped_at(root, &two), 1);
    fixture_text(*state, "sys/devices/dm-1/dm/name", "vg-other\n");
    assert_int_equal(symlink("../../../dm-1", fixture_path(*state, "sys/devices/sdb/sdb2/holders/dm-1")), 0);
    assert_int_equal(snap_device_only_mapped_at(root, &two), 2);
    fixture_text(*state, "proc/self/mountinfo", "20 1 8:18 / /srv rw - ext4 /dev/sdb2 rw\n");
    assert_int_equal(snap_device_only_mapped_at(root, &two), 0);
}

static void swap_file_and_loop_are_holders(void **state)
{
    const char *root = make_tree(*state);
    struct snap_device file = file_of(*state, "two words", MIB), other = file_of(*state, "other", MIB);
    char swaps[256];

    (void)snprintf(swaps, sizeof swaps, "Filename Type\n%s/two\\040words file 1 0 -2\n", root);
    fixture_text(*state, "proc/swaps", swaps);
    assert_string_equal(holders(root, &file), "used as swap");
    fixture_text(*state, "sys/devices/loop5/loop/backing_file", fixture_path(*state, "two words"));
    assert_string_equal(holders(root, &file), "used as swap, in use by loop device /dev/loop5");
    assert_string_equal(holders(root, &other), "");
}

/* As erofs does: the source is the file itself, and the number is none of a device. */
static void a_file_mounted_without_a_loop_device_has_a_holder(void **state)
{
    const char *root = make_tree(*state);
    struct snap_device file = file_of(*state, "two words", MIB), other = file_of(*state, "other", MIB);
    char mounts[512];

    (void)snprintf(mounts, sizeof mounts, "20 1 0:44 / /srv ro - erofs %s/two\\040words ro\n"
                                          "21 1 0:0 / /none rw - proc other rw\n", root);
    fixture_text(*state, "proc/self/mountinfo", mounts);
    assert_string_equal(holders(root, &file), "mounted on /srv");
    assert_string_equal(holders(root, &other), "");
}

static void holders_that_do_not_fit_are_counted(void **state)
{
    const char *root = make_tree(*state);
    struct snap_device one = block_at(root, 8, 17);
    char text[128] = "x";

    snap_device_holders_at(root, &one, text, 0);
    assert_string_equal(text, "x");
    for (size_t size = 1; size < sizeof text; size++) {
        snap_device_holders_at(root, &one, text, size);
        assert_true(strlen(text) < size);
        if (size >= 32)
            assert_true(strcmp(text, "in use 2 times") == 0 || strcmp(text, "mounted on /srv, and 1 more") == 0 ||
                        strcmp(text, "mounted on /srv, mounted on /mnt/two words\\") == 0);
    }
    assert_string_equal(text, "mounted on /srv, mounted on /mnt/two words\\");
    snap_device_holders_at(root, &one, text, 44); /* room for the two, but not for more: that is not known in time */
    assert_string_equal(text, "mounted on /srv, and 1 more");
    snap_device_holders_at(root, &one, text, 32);
    assert_string_equal(text, "in use 2 times");
}

/* As many mounts as containers make: what is shown says how many it leaves out. */
static void many_holders_are_counted(void **state)
{
    const char *root = make_tree(*state);
    struct snap_device one = block_at(root, 8, 17);
    char mounts[100 * 64] = "", text[SNAP_DEVICE_HOLDERS_BYTES];
    unsigned shown = 1, left_out;
    const char *rest;

    for (unsigned i = 0; i < 100; i++)
        (void)snprintf(mounts + strlen(mounts), sizeof mounts - strlen(mounts),
                       "1 1 8:17 / /containers/number/%03u/root rw - ext4 x rw\n", i);
    fixture_text(*state, "proc/self/mountinfo", mounts);
    snap_device_holders_at(root, &one, text, sizeof text);
    rest = strstr(text, ", and ");
    assert_non_null(rest);
    assert_int_equal(sscanf(rest, ", and %u more", &left_out), 1);
    for (const char *comma = strchr(text, ','); comma != rest; comma = strchr(comma + 1, ','))
        shown++;
    assert_int_equal(shown + left_out, 100);
}

static void nothing_to_read_is_nothing_found(void **state)
{
    struct fixture *fixture = *state;
    struct snap_device device = block_at(fixture->dir, 8, 17);

    assert_int_equal(device.disk_number, makedev(8, 17));
    assert_int_equal(device.size_sectors, 0);
    assert_string_equal(holders(fixture->dir, &device), "");
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(file_is_described),
        WITH_FIXTURE(what_is_no_device_is_refused),
        WITH_FIXTURE(links_are_the_same_file),
        WITH_FIXTURE(file_is_not_the_device_of_its_file_system),
        WITH_FIXTURE(loop_device_is_described),
        WITH_FIXTURE(loop_device_is_its_file),
        WITH_FIXTURE(same_number_through_another_node),
        WITH_FIXTURE(loops_over_one_file_share_where_they_overlap),
        WITH_FIXTURE(loop_over_a_loop_is_the_lowest_file),
        WITH_FIXTURE(detached_loop_device_is_nobodys),
        WITH_FIXTURE(sysfs_describes_disk_partition_and_dm),
        WITH_FIXTURE(a_stack_stands_on_its_lowest_disk),
        WITH_FIXTURE(a_circle_of_devices_ends),
        WITH_FIXTURE(what_is_open_stands_on_its_file_system),
        WITH_FIXTURE(partitions_share_with_their_disk_only),
        WITH_FIXTURE(loop_over_a_partition_is_on_its_disk),
        cmocka_unit_test(loop_devices_over_unknown_files_are_apart),
        WITH_FIXTURE(what_only_device_mapper_has),
        WITH_FIXTURE(holders_are_named),
        WITH_FIXTURE(swap_file_and_loop_are_holders),
        WITH_FIXTURE(a_file_mounted_without_a_loop_device_has_a_holder),
        WITH_FIXTURE(holders_that_do_not_fit_are_counted),
        WITH_FIXTURE(many_holders_are_counted),
        WITH_FIXTURE(nothing_to_read_is_nothing_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
