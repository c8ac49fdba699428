/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads lines as /proc/self/mountinfo has them. */
#include "lib/device/mount.h"

#include "lib/base/sysfs.h"
#include "lib/base/text.h"

#include <stdio.h>
#include <string.h>

/* Fills in the upper layer. False: it is too long to be a path. */
static bool parse_upper(const char *options, struct snap_mount *mount)
{
    const char *upper = strcmp(mount->type, "overlay") == 0 ? strstr(options, ",upperdir=") : NULL;
    size_t length;

    mount->upper[0] = '\0';
    if (!upper)
        return true;
    upper += strlen(",upperdir=");
    length = strcspn(upper, ", \n");
    if (length >= sizeof mount->upper)
        return false;
    memcpy(mount->upper, upper, length);
    mount->upper[length] = '\0';
    snap_text_decode_octal(mount->upper);
    return true;
}

bool snap_mount_parse(const char *line, struct snap_mount *mount)
{
    const char *rest = strstr(line, " - ");
    char number[32];

    mount->source[0] = '\0';
    if (!rest ||
        sscanf(line, "%d %*s %31s %4095s %4095s", &mount->id, number, mount->root, mount->target) != 4 ||
        !snap_sysfs_device_number(number, &mount->number) ||
        sscanf(rest, " - %63s %4095s", mount->type, mount->source) < 1)
        return false;
    snap_text_decode_octal(mount->root);
    snap_text_decode_octal(mount->target);
    snap_text_decode_octal(mount->source);
    return parse_upper(rest, mount);
}

int snap_mount_id(int fd)
{
    char path[64], line[128];
    FILE *file;
    int id = -1;

    (void)snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    file = fopen(path, "re");
    while (file && id < 0 && fgets(line, sizeof line, file))
        if (sscanf(line, "mnt_id: %d", &id) != 1)
            id = -1;
    if (file)
        (void)fclose(file); /* was only read */
    return id;
}
