/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which names device-mapper and udev take as they are, and how the others stand in /dev/mapper. */
#include "lib/device/dm_load.h"

#include <stdio.h>
#include <string.h>

#define NAME_BYTES_MAX 127 /* DM_NAME_LEN, without the end */

static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ#+-.:=@_";

enum snap_status snap_dm_load_check_name(const char *name, struct snap_error *err)
{
    const size_t length = strlen(name);

    if (length == 0 || length > NAME_BYTES_MAX)
        return snap_fail(err, SNAP_E_USAGE, "'%s' is no name for device-mapper: it has %zu bytes, and it may have 1 to "
                         "%d", name, length, NAME_BYTES_MAX);
    if (strspn(name, allowed) != length)
        return snap_fail(err, SNAP_E_USAGE, "'%s' is no name for device-mapper: letters, digits and #+-.:=@_ can be in "
                         "it", name);
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, "control") == 0 || name[0] == '-')
        return snap_fail(err, SNAP_E_USAGE, "'%s' means something else in /dev/mapper or on a command line; take "
                         "another name", name);
    return SNAP_OK;
}

struct snap_dm_load_node snap_dm_load_node(const char *name)
{
    struct snap_dm_load_node node = {.path = "/dev/mapper/"};
    size_t used = strlen(node.path);

    for (; *name != '\0' && used + sizeof "\\xNN" <= sizeof node.path; name++) {
        const unsigned char byte = (unsigned char)*name;

        used += (size_t)snprintf(node.path + used, sizeof node.path - used, strchr(allowed, byte) ? "%c" : "\\x%02x",
                                 byte);
    }
    return node;
}
