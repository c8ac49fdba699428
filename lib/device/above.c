/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Walks from a device to all that stand on it, by sysfs and the list of loop devices. */
#include "lib/device/above.h"

#include "lib/device/block.h"
#include "lib/device/dm_load.h"
#include "lib/device/loops.h"
#include "lib/device/mounted.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is looked at, in the order in which it was found; the rooms of the next ones are filled from there. */
struct walk {
    const char *root;
    struct snap_above *above;
    struct snap_loops loops;
    struct snap_mounted mounted;
    struct snap_block *block;
};

static enum snap_status add(struct snap_above *above, uint64_t number, struct snap_error *err)
{
    for (size_t i = 0; i < above->count; i++)
        if (above->devices[i].number == number)
            return SNAP_OK;
    if (above->count == SNAP_ABOVE_MAX)
        return snap_fail(err, SNAP_E_BUSY, "more than %u devices stand on it", SNAP_ABOVE_MAX);
    above->devices[above->count++] = (struct snap_above_device){.number = number, .top = true};
    return SNAP_OK;
}

static const char *name_of(const struct snap_above_device *device)
{
    return device->dm_name[0] != '\0' ? device->dm_name : device->kernel_name;
}

static enum snap_status check_mounts(const struct walk *walk, const struct snap_above_device *device,
                                     struct snap_error *err)
{
    for (size_t i = 0; i < walk->mounted.count; i++) {
        const struct snap_mounted_place *place = &walk->mounted.places[i];

        if (place->number != device->number)
            continue;
        if (strcmp(place->target, SNAP_MOUNTED_SWAP) == 0)
            return snap_fail(err, SNAP_E_BUSY, "%s is used as swap space; end that first with swapoff",
                             name_of(device));
        return snap_fail(err, SNAP_E_BUSY, "%s is mounted on %s; unmount it first", name_of(device), place->target);
    }
    return SNAP_OK;
}

/* The devices that stand on this one directly are added. */
static enum snap_status look_at(struct walk *walk, size_t index, struct snap_error *err)
{
    struct snap_above *above = walk->above;
    struct snap_above_device *device = &above->devices[index];
    struct snap_block *block = walk->block;
    enum snap_status status = snap_block_read_at(walk->root, device->number, block, err);

    if (status != SNAP_OK)
        return status;
    (void)snprintf(device->kernel_name, sizeof device->kernel_name, "%s", block->kernel_name);
    (void)snprintf(device->dm_name, sizeof device->dm_name, "%s", block->dm_name);
    if (block->left_out)
        return snap_fail(err, SNAP_E_BUSY, "more than %u devices stand on it", SNAP_BLOCK_NEIGHBOURS_MAX);
    device->top = block->above_count == 0;
    status = check_mounts(walk, device, err);
    for (size_t i = 0; i < block->above_count && status == SNAP_OK; i++)
        status = add(above, block->above[i], err);
    for (size_t i = 0; i < walk->loops.count && status == SNAP_OK; i++)
        if (walk->loops.loops[i].device.backing_number == device->number)
            status = add(above, walk->loops.loops[i].device.device_number, err);
    return status;
}

static int open_node(const char *path, uint64_t number, int flags)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | flags);
    struct stat st;

    if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISBLK(st.st_mode) || st.st_rdev != number)) {
        (void)close(fd); /* nothing was done with it */
        errno = ENOENT;
        return -1;
    }
    return fd;
}

/* By the name that udev or libdevmapper gives it; where there is none, by the kernel's. -1, and errno. */
static int open_device(const struct snap_above_device *device, int flags)
{
    const struct snap_dm_load_node node = snap_dm_load_node(device->dm_name);
    char path[sizeof device->kernel_name + sizeof "/dev/"];
    int fd = -1;

    if (device->dm_name[0] != '\0')
        fd = open_node(node.path, device->number, flags);
    if (fd >= 0 || (device->dm_name[0] != '\0' && errno != ENOENT))
        return fd;
    (void)snprintf(path, sizeof path, "/dev/%s", device->kernel_name);
    return open_node(path, device->number, flags);
}

/* A mount holds its device, also where it is not in our mount table. A device that stands on it holds it as well. */
static enum snap_status check_unseen(const struct snap_above_device *device, struct snap_error *err)
{
    const int fd = device->top ? open_device(device, O_EXCL) : -1;

    if (!device->top)
        return SNAP_OK;
    if (fd < 0 && errno == EBUSY)
        return snap_fail(err, SNAP_E_BUSY, "%s is held by somebody who cannot be seen here: it may be a file system "
                         "that is mounted in another namespace", name_of(device));
    if (fd < 0)
        return snap_fail_errno(err, errno, "%s", name_of(device));
    (void)close(fd); /* nothing was done with it */
    return SNAP_OK;
}

static enum snap_status find(struct walk *walk, uint64_t number, struct snap_error *err)
{
    struct snap_above *above = walk->above;
    enum snap_status status = snap_mounted_read_at(walk->root, &walk->mounted, err);

    if (status == SNAP_OK)
        status = snap_loops_read_at(walk->root, &walk->loops, err);
    if (status == SNAP_OK)
        status = add(above, number, err);
    for (size_t i = 0; i < above->count && status == SNAP_OK; i++)
        status = look_at(walk, i, err);
    for (size_t i = 0; i < above->count && status == SNAP_OK && walk->root[0] == '\0'; i++)
        status = check_unseen(&above->devices[i], err);
    return status;
}

enum snap_status snap_above_find_at(const char *root, uint64_t number, struct snap_above *above, struct snap_error *err)
{
    struct walk walk = {.root = root, .above = above, .block = malloc(sizeof *walk.block)};
    enum snap_status status;

    above->count = 0;
    status = walk.block ? find(&walk, number, err)
                        : snap_fail(err, SNAP_E_NOMEM, "no memory to look at what stands on a device");
    snap_loops_free(&walk.loops);
    snap_mounted_free(&walk.mounted);
    free(walk.block);
    return status;
}

enum snap_status snap_above_find(uint64_t number, struct snap_above *above, struct snap_error *err)
{
    return snap_above_find_at("", number, above, err);
}

static enum snap_status drop_cache(const struct snap_above_device *device, struct snap_error *err)
{
    const int fd = open_device(device, 0);
    enum snap_status status = SNAP_OK;

    if (fd < 0)
        return snap_fail_errno(err, errno, "%s", name_of(device));
    if (ioctl(fd, BLKFLSBUF, 0) != 0)
        status = snap_fail_errno(err, errno, "%s: its cache cannot be emptied", name_of(device));
    (void)close(fd); /* nothing was written through it */
    return status;
}

enum snap_status snap_above_drop_caches(const struct snap_above *above, bool top_first, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    for (size_t i = 0; i < above->count; i++) {
        struct snap_error why;
        const size_t at = top_first ? above->count - 1 - i : i;

        if (drop_cache(&above->devices[at], &why) == SNAP_OK || status != SNAP_OK)
            continue;
        status = snap_fail(err, why.status, "%s", why.text);
    }
    return status;
}
