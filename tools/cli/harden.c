/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cleans the environment, forbids core dumps, and refuses to run with rights that the caller does not have. */
#include "tools/cli/harden.h"

#include "lib/base/confine.h"

#include <stdlib.h>
#include <sys/auxv.h>

enum snap_status cli_harden(struct snap_error *err)
{
    static const char *const names[] = {
        "BLKID_CONF", "BLKID_FILE", "LIBBLKID_DEBUG", "LIBMOUNT_DEBUG", "LIBSMARTCOLS_DEBUG",
        "LIBSMARTCOLS_DEBUG_PADDING",
        "LVM_LOG_FILE_EPOCH",
    };

    if (getauxval(AT_SECURE) != 0)
        return snap_fail(err, SNAP_E_REFUSED, "runs with rights that its caller does not have (set-user-ID, "
                         "set-group-ID or file capabilities): it is not made for that; take them off the file, and "
                         "call it with sudo");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        (void)unsetenv(names[i]); /* fails only for a name that is none */
    (void)snap_confine_start(); /* a kernel that has no such thing goes on as it always did */
    return SNAP_OK;
}
