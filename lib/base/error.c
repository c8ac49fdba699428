/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes the sentence of a failure, and knows which status an errno stands for. */
#include "lib/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static enum snap_status status_of_errno(int sys_errno)
{
    switch (sys_errno) {
    case EBUSY:
    case ETXTBSY:
        return SNAP_E_BUSY;
    case EACCES:
    case EPERM:
    case EROFS:
        return SNAP_E_PERM;
    case ENOENT:
    case ENODEV:
    case ENXIO:
    case ENOTDIR:
        return SNAP_E_NOENT;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return SNAP_E_NOSPC;
    case ENOMEM:
        return SNAP_E_NOMEM;
    case EOPNOTSUPP:
    case ENOSYS:
        return SNAP_E_UNSUPPORTED;
    default:
        return SNAP_E_IO;
    }
}

/* strerror_r has two forms: that of glibc returns the text, that of POSIX (musl) fills the buffer. */
const char *snap_error_reason(int sys_errno, char buffer[SNAP_ERROR_REASON_BYTES])
{
#ifdef __GLIBC__
    return strerror_r(sys_errno, buffer, SNAP_ERROR_REASON_BYTES);
#else
    return strerror_r(sys_errno, buffer, SNAP_ERROR_REASON_BYTES) == 0 ? buffer : "unknown error";
#endif
}

bool snap_error_is_medium(int sys_errno)
{
    return sys_errno == EIO || sys_errno == ENODATA || sys_errno == EREMOTEIO || sys_errno == EILSEQ;
}

enum snap_status snap_fail(struct snap_error *err, enum snap_status status, const char *format, ...)
{
    va_list args;

    if (!err)
        return status;
    err->status = status;
    err->sys_errno = 0;
    va_start(args, format);
    (void)vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return status;
}

enum snap_status snap_fail_errno(struct snap_error *err, int sys_errno, const char *format, ...)
{
    enum snap_status status = status_of_errno(sys_errno);
    char reason[SNAP_ERROR_REASON_BYTES];
    size_t used;
    va_list args;

    if (!err)
        return status;
    err->status = status;
    err->sys_errno = sys_errno;
    va_start(args, format);
    (void)vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    used = strlen(err->text);
    (void)snprintf(err->text + used, sizeof err->text - used, ": %s", snap_error_reason(sys_errno, reason));
    return status;
}

enum snap_status snap_fail_prefix(struct snap_error *err, enum snap_status status, const char *format, ...)
{
    char text[SNAP_ERROR_TEXT_BYTES];
    size_t used;
    va_list args;

    if (!err)
        return status;
    memcpy(text, err->text, sizeof text);
    va_start(args, format);
    (void)vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    used = strlen(err->text);
    (void)snprintf(err->text + used, sizeof err->text - used, ": %s", text);
    return status;
}
