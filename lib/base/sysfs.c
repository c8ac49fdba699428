/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads one line of a file, as it is or without white space, and the few things that several rooms ask for. */
#include "lib/base/sysfs.h"

#include <ctype.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

static bool read_line(char *out, size_t out_bytes, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
static bool read_line(char *out, size_t out_bytes, const char *format, va_list args)
{
    char path[PATH_MAX];
    const int length = vsnprintf(path, sizeof path, format, args);
    FILE *file = length > 0 && length < PATH_MAX ? fopen(path, "re") : NULL;

    out[0] = '\0';
    if (!file)
        return false;
    if (!fgets(out, out_bytes < INT_MAX ? (int)out_bytes : INT_MAX, file))
        out[0] = '\0';
    (void)fclose(file); /* was only read */
    out[strcspn(out, "\n")] = '\0';
    return out[0] != '\0';
}

bool snap_sysfs_line(char *out, size_t out_bytes, const char *format, ...)
{
    char line[1024];
    size_t start = 0, length;
    va_list args;

    va_start(args, format);
    (void)read_line(line, sizeof line, format, args);
    va_end(args);
    length = strlen(line);
    while (length > 0 && isspace((unsigned char)line[length - 1]))
        length--;
    while (start < length && isspace((unsigned char)line[start]))
        start++;
    length -= start;
    if (length >= out_bytes)
        length = out_bytes - 1;
    memcpy(out, line + start, length);
    out[length] = '\0';
    return length > 0;
}

bool snap_sysfs_path(char *out, size_t out_bytes, const char *format, ...)
{
    bool found;
    va_list args;

    va_start(args, format);
    found = read_line(out, out_bytes, format, args);
    va_end(args);
    return found;
}

bool snap_sysfs_device_number(const char *text, uint64_t *device_number)
{
    unsigned major_number, minor_number;

    if (sscanf(text, "%u:%u", &major_number, &minor_number) != 2)
        return false;
    *device_number = makedev(major_number, minor_number);
    return true;
}

bool snap_sysfs_rotational(const char *sys_root, uint64_t device_number)
{
    const unsigned major_number = major(device_number), minor_number = minor(device_number);
    char text[8];

    /* A partition has no queue: the entry is a link to the partition below its disk. */
    if (!snap_sysfs_line(text, sizeof text, "%s/sys/dev/block/%u:%u/queue/rotational", sys_root, major_number,
                         minor_number))
        (void)snap_sysfs_line(text, sizeof text, "%s/sys/dev/block/%u:%u/../queue/rotational", sys_root, major_number,
                              minor_number);
    return text[0] == '1';
}
