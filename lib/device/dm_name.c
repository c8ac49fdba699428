/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which names device-mapper and udev take as they are. */
#include "lib/device/dm_load.h"

#include <string.h>

#define NAME_BYTES_MAX 127 /* DM_NAME_LEN, without the end */

enum snap_status snap_dm_load_check_name(const char *name, struct snap_error *err)
{
    static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ#+-.:=@_";
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
