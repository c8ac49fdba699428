/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks an open device or image for its size, and compares that with the size that it was opened with. */
#include "lib/io/shrunk_private.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

/* False: errno says why it cannot be told. */
static bool size_now(const struct snap_opened *opened, uint64_t *size_bytes)
{
    struct stat now;
    off_t end;

    if (opened->block_device) {
        end = lseek(opened->fd, 0, SEEK_END); /* nobody reads at the descriptor's position */
        *size_bytes = (uint64_t)end;
        return end >= 0;
    }
    if (fstat(opened->fd, &now) != 0)
        return false;
    *size_bytes = (uint64_t)now.st_size;
    return true;
}

enum snap_status snap_shrunk_check(const struct snap_opened *opened, const char *name, struct snap_error *err)
{
    char reason[SNAP_ERROR_REASON_BYTES];
    uint64_t now_bytes;

    if (!size_now(opened, &now_bytes))
        return snap_fail(err, SNAP_E_CHANGED, "%s: it does not tell its size any more: %s", name,
                         snap_error_reason(errno, reason));
    if (now_bytes >= opened->size_bytes)
        return SNAP_OK;
    return snap_fail(err, SNAP_E_CHANGED, "%s: it had %" PRIu64 " bytes when it was opened and has %" PRIu64 " now: %s",
                     name, opened->size_bytes, now_bytes,
                     !opened->block_device ? "another program has cut this file"
                     : now_bytes == 0      ? "the device was taken away"
                                           : "somebody has made this device smaller");
}

enum snap_status snap_shrunk_explain(const struct snap_opened *opened, const char *name,
                                     struct snap_io_request *requests, size_t count, struct snap_error *err)
{
    enum snap_status status = snap_shrunk_check(opened, name, err);
    char reason[SNAP_ERROR_REASON_BYTES];

    for (size_t i = 0; i < count && status == SNAP_OK; i++)
        if (requests[i].sys_errno == ENXIO || requests[i].sys_errno == ENODEV)
            status = snap_fail(err, SNAP_E_CHANGED, "%s: the device was taken away: %s", name,
                               snap_error_reason(requests[i].sys_errno, reason));
    for (size_t i = 0; i < count && status != SNAP_OK; i++)
        if (requests[i].sys_errno != 0)
            requests[i].sys_errno = ESTALE;
    return status;
}

/* Whoever holds the lock does not cut it; the look costs one call for all that is written together. */
enum snap_status snap_shrunk_refuse(const struct snap_opened *opened, const char *name,
                                    struct snap_io_request *requests, size_t count, struct snap_error *err)
{
    enum snap_status status;
    bool writes = false;

    for (size_t i = 0; i < count && !writes; i++)
        writes = requests[i].kind == SNAP_IO_WRITE;
    if (opened->block_device || !writes)
        return SNAP_OK;
    status = snap_shrunk_check(opened, name, err);
    for (size_t i = 0; i < count && status != SNAP_OK; i++)
        requests[i].sys_errno = ESTALE;
    return status;
}
