/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holds loop devices over the same bytes, and locks files under their other names. */
#include "lib/device/claim.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "lib/device/dm_load.h"
#include "lib/device/lockers.h"
#include "lib/device/loops.h"
#include "lib/device/overlay.h"
#include "lib/device/twins.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

struct snap_claim {
    int *fds;
    size_t count;
    bool names_hidden;
};

struct taking {
    struct snap_claim *claim;
    const char *path;
    const struct snap_device *device;
    int file_fd; /* the image, or the file behind the loop device; -1 where there is none */
    struct snap_loops loops;
};

/* The descriptor belongs to the claim, also after a failure. */
static enum snap_status keep(struct taking *taking, int fd, struct snap_error *err)
{
    int *grown = reallocarray(taking->claim->fds, taking->claim->count + 1, sizeof *grown);

    if (!grown) {
        (void)close(fd); /* nothing was written through it */
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for what is held", taking->path);
    }
    taking->claim->fds = grown;
    grown[taking->claim->count++] = fd;
    return SNAP_OK;
}

/* The file of this number, under a name that it may have; `lock` is what is locked of it. */
struct other_name {
    const char *name;
    uint64_t device, inode;
    struct flock lock;
};

/* Locks a file under another name. One that cannot be opened for writing is locked against writers only. */
static enum snap_status lock_file(struct taking *taking, const struct other_name *other, struct snap_error *err)
{
    const char *name = other->name;
    struct flock lock = other->lock;
    char lockers[SNAP_LOCKERS_BYTES];
    struct stat st;
    int fd = lock.l_type == F_RDLCK ? -1 : open(name, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY);

    if (fd < 0) {
        lock.l_type = F_RDLCK;
        fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY);
    }
    if (fd < 0)
        return SNAP_OK; /* in a place that this process does not see: nobody can be met there */
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_dev != other->device || st.st_ino != other->inode) {
        (void)close(fd); /* the name is another file's by now */
        return SNAP_OK;
    }
    if (fcntl(fd, F_OFD_SETLK, &lock) != 0 && (errno == EAGAIN || errno == EACCES)) {
        (void)close(fd); /* nothing was written through it */
        snap_lockers_of_file(other->device, other->inode, lockers, sizeof lockers);
        return snap_fail(err, SNAP_E_BUSY, "%s: in use: another program holds a lock on %s, which has the same "
                         "bytes%s%s%s", taking->path, name, lockers[0] ? " (" : "", lockers, lockers[0] ? ")" : "");
    }
    return keep(taking, fd, err);
}

/* `node` is another name of the bytes, and in use. */
static enum snap_status fail_in_use(const struct taking *taking, const char *node, const struct snap_device *other,
                                    struct snap_error *err)
{
    char users[SNAP_DEVICE_HOLDERS_BYTES], lockers[SNAP_LOCKERS_BYTES] = "";

    snap_device_users(other, users, sizeof users);
    if (users[0] == '\0')
        snap_lockers_of_device(other->device_number, lockers, sizeof lockers);
    return snap_fail(err, SNAP_E_BUSY, "%s: in use: %s has the same bytes, and is %s%s%s%s", taking->path, node,
                     users[0] ? users : "held by another program", lockers[0] ? " (" : "", lockers,
                     lockers[0] ? ")" : "");
}

/*
 * Opens the loop device exclusively: mounts and other runs are kept out for as long as it is open. One over what a
 * stack is made of is only asked: it may have bytes of both devices of a pair, and this process can hold it once.
 */
static enum snap_status hold_loop(struct taking *taking, const struct snap_loop *loop, bool keeps,
                                  struct snap_error *err)
{
    struct stat st;
    const int fd = open(loop->node, O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);

    if (fd < 0 && errno == EBUSY)
        return fail_in_use(taking, loop->node, &loop->device, err);
    if (fd < 0)
        return snap_fail_errno(err, errno, "%s: %s has the same bytes, and cannot be held", taking->path, loop->node);
    if (fstat(fd, &st) != 0 || !S_ISBLK(st.st_mode) || st.st_rdev != loop->device.device_number) {
        (void)close(fd); /* nothing was done with it */
        return snap_fail(err, SNAP_E_BUSY, "%s: %s became another device while it was opened", taking->path,
                         loop->node);
    }
    if (keeps)
        return keep(taking, fd, err);
    (void)close(fd); /* nothing was done with it */
    return SNAP_OK;
}

/*
 * Whether the loop device shows our file, whose number on its file system is `inode`, under another name on an overlay.
 * Where that is mounted out of sight, as in another namespace, the number tells: an overlay takes over that of the
 * layer, and has a device number without a driver.
 */
static bool shows_our_file(const struct taking *taking, uint64_t inode, const struct snap_device *loop)
{
    struct stat st;

    if (stat(loop->backing_path, &st) == 0 && st.st_dev == loop->backing_device && st.st_ino == loop->backing_inode)
        return snap_overlay_shows_same(taking->file_fd, loop->backing_path);
    return major(loop->backing_device) == 0 && loop->backing_inode == inode &&
           (taking->device->block_device || loop->size_sectors <= taking->device->size_sectors);
}

/* Whether the loop device shows bytes of `device` in a file that is ours under another name, on an overlay. */
static bool shows_other_name(const struct taking *taking, const struct snap_device *device,
                             const struct snap_device *loop)
{
    const uint64_t number = device->block_device ? device->backing_device : device->file_device;
    const uint64_t inode = device->block_device ? device->backing_inode : device->file_inode;
    struct snap_device moved = *loop;
    char reason[256];

    if (taking->file_fd < 0 || loop->backing_number != 0 || loop->backing_inode == 0 ||
        !shows_our_file(taking, inode, loop))
        return false;
    moved.backing_device = number;
    moved.backing_inode = inode;
    return snap_device_same(device, &moved, reason, sizeof reason);
}

/*
 * Everything that the loop devices have to do with the bytes of `device`, which is the one asked for or another name.
 */
static enum snap_status claim_loops(struct taking *taking, const struct snap_device *device, struct snap_error *err)
{
    char reason[256];
    enum snap_status status = SNAP_OK;

    for (size_t i = 0; i < taking->loops.count && status == SNAP_OK; i++) {
        struct snap_loop *loop = &taking->loops.loops[i];
        bool same;

        if (loop->held)
            continue;
        if (device->block_device && (loop->device.device_number == device->device_number ||
                                     loop->device.device_number == device->disk_number))
            continue;
        if (!snap_loops_known(loop))
            return snap_fail(err, SNAP_E_UNSUPPORTED,
                             "%s: %s is in use, and this system does not tell which file it shows: "
                             "mount /sys, or make the node %s, and repeat the command", taking->path, loop->node,
                             loop->node);
        same = snap_device_same(device, &loop->device, reason, sizeof reason) ||
               shows_other_name(taking, device, &loop->device);
        if (!same && !snap_device_made_of_same(device, &loop->device))
            continue;
        if (device->block_device)
            status = hold_loop(taking, loop, same, err);
        loop->held = same;
        if (!device->block_device)
            status = snap_fail_errno(err, EBUSY, "%s: the image backs %s; use that device, or detach it", taking->path,
                                     loop->node);
    }
    return status;
}

/* Whether the kernel itself uses the file, as swap space or as a file system without a loop device. */
static enum snap_status ask_users(const struct taking *taking, const char *name, uint64_t file_device,
                                  uint64_t file_inode, struct snap_error *err)
{
    const struct snap_device file = {.file_device = file_device, .file_inode = file_inode};
    const bool other = strcmp(name, taking->path) != 0;
    char users[SNAP_DEVICE_HOLDERS_BYTES];

    snap_device_users(&file, users, sizeof users);
    if (users[0] == '\0')
        return SNAP_OK;
    if (strstr(users, SNAP_DEVICE_AS_SWAP))
        return snap_fail(err, SNAP_E_BUSY, "%s: in use as swap space%s%s: end that with swapoff, and repeat the "
                         "command", taking->path, other ? " under the name " : "", other ? name : "");
    return snap_fail(err, SNAP_E_BUSY, "%s: in use: %s%s%s; unmount it, and repeat the command", taking->path,
                     other ? name : "", other ? " has the same bytes, and is " : "", users);
}

/* What of a file belongs to the device: of one behind a loop device only the bytes that this shows. */
static struct flock lock_of(const struct snap_device *device, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET};

    if (device->block_device) {
        lock.l_start = (off_t)snap_min(device->backing_offset_bytes, INT64_MAX);
        lock.l_len = (off_t)snap_min(device->size_sectors, INT64_MAX / SNAP_SECTOR_BYTES) * SNAP_SECTOR_BYTES;
    }
    return lock;
}

/* One name of the file, or of the file behind the loop device. */
static enum snap_status claim_name(struct taking *taking, const struct snap_overlay_name *named, struct snap_error *err)
{
    struct snap_device other = *taking->device;
    struct stat st;
    enum snap_status status;

    /* A name that is gone by now is no other name any more. */
    if (stat(named->path, &st) != 0 || !S_ISREG(st.st_mode))
        return SNAP_OK;
    if (other.block_device) {
        other.backing_device = st.st_dev;
        other.backing_inode = st.st_ino;
    } else {
        other.file_device = st.st_dev;
        other.file_inode = st.st_ino;
    }
    if (other.file_device == taking->device->file_device && other.file_inode == taking->device->file_inode &&
        other.backing_device == taking->device->backing_device && other.backing_inode == taking->device->backing_inode)
        return SNAP_OK; /* the same inode: held already */
    status = claim_loops(taking, &other, err);
    if (status == SNAP_OK)
        status = ask_users(taking, named->path, st.st_dev, st.st_ino, err);
    if (status == SNAP_OK) {
        const struct other_name name = {
            .name = named->path,
            .device = st.st_dev,
            .inode = st.st_ino,
            .lock = lock_of(&other, named->perhaps_lower ? F_RDLCK : F_WRLCK),
        };

        status = lock_file(taking, &name, err);
    }
    return status;
}

/* The other names of the file, or of the file behind the loop device, on overlay file systems. */
static enum snap_status claim_overlay(struct taking *taking, struct snap_error *err)
{
    struct snap_overlay_names names;
    enum snap_status status = snap_overlay_find(taking->file_fd, &names, err);

    for (size_t i = 0; i < names.count && status == SNAP_OK; i++)
        status = claim_name(taking, &names.names[i], err);
    taking->claim->names_hidden = names.hidden;
    snap_overlay_free(&names);
    return status;
}

/* Only the bytes that the loop device shows: the other device of a pair may be another part of the same file. */
static enum snap_status lock_backing_file(struct taking *taking, struct snap_error *err)
{
    const struct snap_device *device = taking->device;
    const struct other_name name = {
        .name = device->backing_path,
        .device = device->backing_device,
        .inode = device->backing_inode,
        .lock = lock_of(device, F_WRLCK),
    };

    return lock_file(taking, &name, err);
}

/* Whether a device-mapper device that has the same bytes, by their tables, is in use. */
static enum snap_status ask_twin(const struct taking *taking, const struct snap_twin *twin, struct snap_error *err)
{
    const struct snap_device other = {.block_device = true, .device_number = twin->number, .disk_number = twin->number};
    const struct snap_dm_load_node node = snap_dm_load_node(twin->name);
    const int fd = open(node.path, O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0 && errno == EBUSY)
        return fail_in_use(taking, node.path, &other, err);
    if (fd >= 0)
        (void)close(fd); /* nothing was done with it */
    return SNAP_OK;
}

static enum snap_status claim_twins(struct taking *taking, struct snap_error *err)
{
    struct snap_twins twins;
    enum snap_status status = snap_twins_find(taking->device, &twins, err);

    for (size_t i = 0; i < twins.count && status == SNAP_OK; i++)
        status = ask_twin(taking, &twins.twins[i], err);
    snap_twins_free(&twins);
    return status;
}

/* The file behind the loop device, if that is still found under its name; -1 else. */
static int open_backing_file(const struct snap_device *device)
{
    const bool has_file = device->is_loop && device->backing_number == 0 && device->backing_inode != 0;
    const int fd = has_file ? open(device->backing_path, O_PATH | O_NOFOLLOW | O_CLOEXEC) : -1;
    struct stat st;

    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == device->backing_device && st.st_ino == device->backing_inode)
        return fd;
    if (fd >= 0)
        (void)close(fd); /* only a path */
    return -1;
}

static enum snap_status take_all(struct taking *taking, struct snap_error *err)
{
    const struct snap_device *device = taking->device;
    enum snap_status status = claim_loops(taking, device, err);

    if (status != SNAP_OK)
        return status;
    if (!device->block_device) {
        status = ask_users(taking, taking->path, device->file_device, device->file_inode, err);
        return status == SNAP_OK ? claim_overlay(taking, err) : status;
    }
    status = claim_twins(taking, err);
    if (status != SNAP_OK)
        return status;
    if (!device->is_loop || device->backing_number != 0 || device->backing_inode == 0)
        return SNAP_OK;
    status = ask_users(taking, device->backing_path, device->backing_device, device->backing_inode, err);
    if (status == SNAP_OK)
        status = lock_backing_file(taking, err);
    return status == SNAP_OK && taking->file_fd >= 0 ? claim_overlay(taking, err) : status;
}

enum snap_status snap_claim_take(struct snap_claim **claim, const char *path, const struct snap_device *device, int fd,
                                 struct snap_error *err)
{
    const int backing_fd = device->block_device ? open_backing_file(device) : -1;
    struct taking taking = {.path = path, .device = device, .claim = calloc(1, sizeof **claim),
                            .file_fd = device->block_device ? backing_fd : fd};
    struct snap_error reason;
    enum snap_status status;

    *claim = NULL;
    status = snap_loops_read(&taking.loops, &reason);
    if (!taking.claim)
        status = snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for what is held", path);
    else if (status != SNAP_OK)
        status = snap_fail(err, status, "%s: %s; mount /proc and /sys, and repeat the command", path, reason.text);
    else
        status = take_all(&taking, err);
    if (backing_fd >= 0)
        (void)close(backing_fd); /* only a path */
    snap_loops_free(&taking.loops);
    if (status == SNAP_OK)
        *claim = taking.claim;
    else
        snap_claim_release(taking.claim);
    return status;
}

bool snap_claim_names_hidden(const struct snap_claim *claim)
{
    return claim->names_hidden;
}

void snap_claim_release(struct snap_claim *claim)
{
    if (!claim)
        return;
    for (size_t i = 0; i < claim->count; i++)
        (void)close(claim->fds[i]); /* nothing was written through them */
    free(claim->fds);
    free(claim);
}
