/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a repair saves what it overwrites, if nobody says where. */
#include "tools/check/place.h"

#include "lib/device/device.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define OLD_BYTES ".old-bytes"
#define VOLUME_PREFIX "lvm:"

const char *check_place_folder(void)
{
    const char *given = getenv("DMSNAP_STATE_FOLDER");

    return given && given[0] == '/' ? given : DMSNAP_STATE_FOLDER;
}

/*
 * In a rescue system such a folder is in memory. A live system has an overlay over a read-only root, whose upper layer
 * is in memory or is itself the stick that needs mending.
 */
static bool lasts(int folder)
{
    struct statfs fs;

    return fstatfs(folder, &fs) == 0 && (unsigned)fs.f_type != TMPFS_MAGIC && (unsigned)fs.f_type != RAMFS_MAGIC &&
           (unsigned)fs.f_type != OVERLAYFS_SUPER_MAGIC;
}

/* Who else may write to the folder could put another file in place of the old bytes. */
static bool is_ours(int folder)
{
    struct stat st;

    return fstat(folder, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/*
 * "overlay.img-1234", with the inode and, where the device begins in the middle, that byte: after the next start the
 * same loop device may show another image. NULL: it is no loop device over an image (or memory is short).
 */
static char *name_of_image(const char *cow)
{
    struct snap_device device;
    struct snap_error ignored;
    const char *base;
    char start[32] = "", *name;

    if (snap_device_describe(cow, &device, &ignored) != SNAP_OK || !device.is_loop || device.backing_inode == 0 ||
        device.backing_number != 0 || !(base = strrchr(device.backing_path, '/')) || base[1] == '\0')
        return NULL;
    if (device.backing_offset_bytes > 0)
        (void)snprintf(start, sizeof start, "-%" PRIu64, device.backing_offset_bytes);
    return asprintf(&name, "%.180s-%" PRIu64 "%s", base + 1, device.backing_inode, start) < 0 ? NULL : name;
}

static char *in_state_folder(const char *cow)
{
    const char *folder = check_place_folder();
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool fits = fd >= 0 && is_ours(fd) && lasts(fd);
    char *place = NULL;
    size_t name;

    if (fd >= 0 && close(fd) != 0)
        return NULL;
    if (strncmp(cow, VOLUME_PREFIX, strlen(VOLUME_PREFIX)) == 0)
        cow += strlen(VOLUME_PREFIX);
    else if (strncmp(cow, "/dev/", strlen("/dev/")) == 0)
        cow += strlen("/dev/");
    while (*cow == '/' || *cow == '.')
        cow++;
    if (!fits || cow[0] == '\0' || asprintf(&place, "%s/%s" OLD_BYTES, folder, cow) < 0)
        return NULL;
    /* One name: "vg/snap" becomes "vg-snap". */
    name = strlen(folder) + 1;
    for (char *c = place + name; *c; c++)
        if (*c == '/')
            *c = '-';
    return place;
}

char *check_place_default(const char *cow)
{
    const bool volume = strncmp(cow, VOLUME_PREFIX, strlen(VOLUME_PREFIX)) == 0;
    struct stat st;
    char *place, *image;

    if (volume || stat(cow, &st) != 0 || !S_ISREG(st.st_mode)) {
        image = volume ? NULL : name_of_image(cow);
        place = in_state_folder(image ? image : cow);
        free(image);
        return place;
    }
    return asprintf(&place, "%s" OLD_BYTES, cow) < 0 ? NULL : place;
}
