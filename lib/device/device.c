/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Identifies devices and files and finds the bytes that two of them share. */
#include "lib/device/device.h"
#include "lib/device/device_private.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "lib/base/ioctl.h"
#include "lib/base/sysfs.h"
#include "lib/device/probe.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <linux/major.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define LOOP_DEPTH_MAX 8 /* loop devices over loop devices */

static uint64_t number_of(const char *text)
{
    return strtoull(text, NULL, 10); /* sysfs prints plain decimals; an empty text is 0 */
}

static void read_partuuid(const char *dir, struct snap_device *device)
{
    char path[PATH_MAX], line[256];
    FILE *file;

    if (snprintf(path, sizeof path, "%s/uevent", dir) >= (int)sizeof path)
        return;
    file = fopen(path, "re");
    if (!file)
        return;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "PARTUUID=", 9) == 0)
            (void)snprintf(device->partuuid, sizeof device->partuuid, "%.63s", line + 9);
    }
    (void)fclose(file); /* was only read */
}

void snap_device_read_sysfs(const char *sys_root, struct snap_device *device)
{
    static const char *const serials[] = {"wwid", "device/wwid", "serial", "device/serial", "dm/uuid"};
    char dir[PATH_MAX - 64], disk[PATH_MAX - 64], text[128];

    if (snprintf(dir, sizeof dir, "%s/sys/dev/block/%u:%u", sys_root, major(device->device_number),
                 minor(device->device_number)) >= (int)sizeof dir - 4)
        return;
    device->disk_number = device->device_number;
    memcpy(disk, dir, sizeof disk);
    if (snap_sysfs_line(text, sizeof text, "%s/size", dir))
        device->size_sectors = number_of(text);
    if (snap_sysfs_line(text, sizeof text, "%s/partition", dir)) {
        if (snap_sysfs_line(text, sizeof text, "%s/start", dir))
            device->start_sectors = number_of(text);
        memcpy(disk + strlen(disk), "/..", 4); /* the entry is a link to the partition below its disk */
        if (snap_sysfs_line(text, sizeof text, "%s/dev", disk))
            (void)snap_sysfs_device_number(text, &device->disk_number);
        read_partuuid(dir, device);
    }
    device->rotational = snap_sysfs_rotational(sys_root, device->device_number);
    (void)snap_sysfs_line(device->model, sizeof device->model, "%s/device/model", disk);
    (void)snap_sysfs_line(device->dm_name, sizeof device->dm_name, "%s/dm/name", dir);
    for (unsigned i = 0; i < sizeof serials / sizeof serials[0]; i++) {
        if (snap_sysfs_line(device->serial, sizeof device->serial, "%s/%s", disk, serials[i]))
            break;
    }
    /* The directory is there while a file is attached. */
    if (snap_sysfs_path(device->backing_path, sizeof device->backing_path, "%s/loop/backing_file", disk)) {
        device->is_loop = true;
        if (snap_sysfs_line(text, sizeof text, "%s/loop/offset", disk))
            device->backing_offset_bytes = number_of(text) + device->start_sectors * SNAP_SECTOR_BYTES;
    }
}

static void describe_backing(uint64_t number, unsigned depth, struct snap_device *device);

static void describe_loop_at(int fd, unsigned depth, struct snap_device *device)
{
    struct loop_info64 info = {0};
    struct stat st;

    memset(&info, 0, sizeof info);
    if (fd >= 0 && ioctl(fd, LOOP_GET_STATUS64, &info) == 0) {
        device->is_loop = true;
        device->backing_device = info.lo_device;
        device->backing_inode = info.lo_inode;
        device->backing_offset_bytes = info.lo_offset + device->start_sectors * SNAP_SECTOR_BYTES;
        if (!device->backing_path[0])
            (void)snprintf(device->backing_path, sizeof device->backing_path, "%.*s", LO_NAME_SIZE,
                           (const char *)info.lo_file_name);
    } else if (device->is_loop && stat(device->backing_path, &st) == 0) {
        device->backing_device = st.st_dev;
        device->backing_inode = st.st_ino;
    }
    /* The kernel tells the inode of the node, not the number of the device under it. */
    if (device->is_loop && stat(device->backing_path, &st) == 0 && S_ISBLK(st.st_mode) &&
        st.st_dev == device->backing_device && st.st_ino == device->backing_inode)
        describe_backing(st.st_rdev, depth, device);
}

/* Expresses a loop device over the block device `number` as a range of the lowest disk, or of the lowest file. */
static void describe_backing(uint64_t number, unsigned depth, struct snap_device *device)
{
    struct snap_device under = {.block_device = true, .device_number = number, .disk_number = number};
    int fd;

    snap_device_read_sysfs("", &under);
    if (under.is_loop && depth < LOOP_DEPTH_MAX) {
        fd = open(device->backing_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        describe_loop_at(fd, depth + 1, &under);
        if (fd >= 0)
            (void)close(fd); /* was only asked */
        device->backing_device = under.backing_device;
        device->backing_inode = under.backing_inode;
        device->backing_number = under.backing_number;
        device->backing_offset_bytes += under.backing_offset_bytes;
        return;
    }
    device->backing_number = under.disk_number;
    device->backing_offset_bytes += under.start_sectors * SNAP_SECTOR_BYTES;
}

void snap_device_describe_loop(int fd, struct snap_device *device)
{
    describe_loop_at(fd, 0, device);
}

static void describe_block(const struct snap_lookup *found, struct snap_device *device)
{
    struct snap_probe_partition partition;
    uint64_t size_bytes;
    int fd;

    device->disk_number = device->device_number;
    snap_device_read_sysfs("", device);
    fd = snap_lookup_reopen(found, O_RDONLY);
    if (fd >= 0 && ioctl(fd, SNAP_IOCTL_REQUEST(BLKGETSIZE64), &size_bytes) == 0)
        device->size_sectors = size_bytes / SNAP_SECTOR_BYTES;
    if (device->is_loop || major(device->device_number) == LOOP_MAJOR)
        snap_device_describe_loop(fd, device);
    if (fd >= 0 && !device->partuuid[0] && device->disk_number != device->device_number &&
        snap_probe_partition(fd, &partition, NULL) == SNAP_OK)
        (void)snprintf(device->partuuid, sizeof device->partuuid, "%s", partition.uuid);
    if (fd >= 0)
        (void)close(fd); /* was only asked */
}

enum snap_status snap_device_describe_found(const struct snap_lookup *found, struct snap_device *device,
                                            struct snap_error *err)
{
    struct snap_device file_system;

    *device = (struct snap_device){
        .block_device = S_ISBLK(found->mode),
        .file_device = found->device,
        .file_inode = found->inode,
    };
    if (device->block_device) {
        device->device_number = found->number;
        describe_block(found, device);
        return SNAP_OK;
    }
    if (!S_ISREG(found->mode))
        return snap_fail(err, SNAP_E_USAGE, "%s: neither a block device nor a regular file", found->path);
    device->size_sectors = found->size_bytes / SNAP_SECTOR_BYTES;
    file_system = (struct snap_device){.device_number = found->device};
    snap_device_read_sysfs("", &file_system);
    device->rotational = file_system.rotational;
    return SNAP_OK;
}

enum snap_status snap_device_describe(const char *path, struct snap_device *device, struct snap_error *err)
{
    struct snap_lookup *found;
    enum snap_status status = snap_lookup_new(&found, path, err);

    memset(device, 0, sizeof *device);
    if (status == SNAP_OK)
        status = snap_device_describe_found(found, device, err);
    snap_lookup_free(found);
    return status;
}

/* Where the bytes of a device really are: in a file, or on a disk. */
struct place {
    bool on_disk;
    uint64_t device, inode; /* the file; or the disk's number and 0 */
    uint64_t start_bytes;
    uint64_t end_bytes;
};

static struct place place_of(const struct snap_device *device)
{
    struct place place = {.end_bytes = UINT64_MAX};
    uint64_t length_bytes;

    if (!device->block_device) {
        /* A file may grow: all of it, and what will be behind its end, is its own. */
        place.device = device->file_device;
        place.inode = device->file_inode;
        return place;
    }
    if (device->is_loop && (device->backing_number || device->backing_inode)) {
        place.on_disk = device->backing_number != 0;
        place.device = place.on_disk ? device->backing_number : device->backing_device;
        place.inode = place.on_disk ? 0 : device->backing_inode;
        place.start_bytes = device->backing_offset_bytes;
    } else {
        place.on_disk = true;
        place.device = device->disk_number;
        if (!snap_mul(device->start_sectors, SNAP_SECTOR_BYTES, &place.start_bytes))
            place.start_bytes = 0; /* nonsense: then it overlaps */
    }
    /* An unknown size reaches to the end of all. */
    if (!device->size_sectors || !snap_mul(device->size_sectors, SNAP_SECTOR_BYTES, &length_bytes) ||
        !snap_add(place.start_bytes, length_bytes, &place.end_bytes))
        place.end_bytes = UINT64_MAX;
    return place;
}

static void name_device(const struct snap_device *device, char name[40])
{
    unsigned major_number = major(device->device_number), minor_number = minor(device->device_number);

    if (!device->block_device)
        (void)snprintf(name, 40, "the file");
    else if (device->is_loop && major_number == LOOP_MAJOR && device->disk_number == device->device_number)
        (void)snprintf(name, 40, "/dev/loop%u", minor_number);
    else
        (void)snprintf(name, 40, "%u:%u", major_number, minor_number);
}

/* The end of a name says more than its start. */
static const char *short_path(const char *path)
{
    size_t length = strlen(path);

    return length > 64 ? path + length - 64 : path;
}

bool snap_device_same(const struct snap_device *a, const struct snap_device *b, char *reason, size_t reason_bytes)
{
    struct place place_a, place_b;
    char name_a[40], name_b[40];
    const struct snap_device *swap = a;

    if (reason_bytes)
        reason[0] = '\0';
    if (a->block_device && b->block_device && a->device_number == b->device_number) {
        (void)snprintf(reason, reason_bytes, "both are %u:%u", major(a->device_number), minor(a->device_number));
        return true;
    }
    place_a = place_of(a);
    place_b = place_of(b);
    if (place_a.on_disk != place_b.on_disk || place_a.device != place_b.device || place_a.inode != place_b.inode ||
        place_a.end_bytes <= place_b.start_bytes || place_b.end_bytes <= place_a.start_bytes)
        return false;
    if (!a->block_device && !b->block_device) {
        (void)snprintf(reason, reason_bytes, "both are the same file");
        return true;
    }
    if (!a->is_loop && b->is_loop) { /* name the loop device first */
        a = b;
        b = swap;
    }
    name_device(a, name_a);
    name_device(b, name_b);
    if (a->is_loop && b->is_loop)
        (void)snprintf(reason, reason_bytes, "%s and %s are backed by the same bytes of %s", name_a, name_b,
                       short_path(a->backing_path));
    else if (a->is_loop)
        (void)snprintf(reason, reason_bytes, "%s is backed by %s", name_a, short_path(a->backing_path));
    else if (a->device_number == a->disk_number)
        (void)snprintf(reason, reason_bytes, "%s is a partition of %s", name_b, name_a);
    else if (b->device_number == b->disk_number)
        (void)snprintf(reason, reason_bytes, "%s is a partition of %s", name_a, name_b);
    else
        (void)snprintf(reason, reason_bytes, "%s and %s overlap on their disk %u:%u", name_a, name_b,
                       major(a->disk_number), minor(a->disk_number));
    return true;
}

void snap_device_id(const struct snap_device *device, char *text, size_t text_bytes)
{
    if (!device->block_device && device->file_inode == 0 && device->serial[0] != '\0')
        (void)snprintf(text, text_bytes, "serial:%s:0", device->serial); /* a volume that is on several devices */
    else if (!device->block_device)
        (void)snprintf(text, text_bytes, "file:%" PRIx64 ":%" PRIu64, device->file_device, device->file_inode);
    else if (device->partuuid[0] != '\0')
        (void)snprintf(text, text_bytes, "partuuid:%s", device->partuuid);
    else if (device->serial[0] != '\0')
        (void)snprintf(text, text_bytes, "serial:%s:%" PRIu64, device->serial, device->start_sectors);
    else
        (void)snprintf(text, text_bytes, "device:%u:%u", major(device->device_number), minor(device->device_number));
    for (char *at = text; *at != '\0'; at++)
        if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f)
            *at = '_';
}
