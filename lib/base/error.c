/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes the sentence of a failure, and knows which status an errno stands for. */
#include "lib/base/error.h"

#include "lib/base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
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
    case ESTALE:
        return SNAP_E_CHANGED;
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

/*
 * Puts the sentence and ": <behind>" into the error. The reason stands at the end: where all of it is too long, the
 * middle is left out, which is the middle of a name. Without memory for the whole, the sentence alone is shortened.
 */
static void put_text(struct snap_error *err, const char *behind, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
static void put_text(struct snap_error *err, const char *behind, const char *format, va_list args)
{
    const size_t behind_bytes = behind ? strlen(behind) + 2 : 0;
    va_list again;
    char *whole;
    int length;

    va_copy(again, args);
    length = vsnprintf(err->text, sizeof err->text, format, args);
    whole = length >= 0 ? malloc((size_t)length + behind_bytes + 1) : NULL;
    if (whole) {
        const int used = vsnprintf(whole, (size_t)length + 1, format, again);

        if (behind)
            (void)snprintf(whole + used, behind_bytes + 1, ": %s", behind);
        snap_text_cut_middle(whole, sizeof err->text - 1);
        memcpy(err->text, whole, strlen(whole) + 1);
        free(whole);
    } else if (behind) {
        snap_text_cut_middle(err->text, sizeof err->text - 1 - SNAP_ERROR_REASON_BYTES);
        (void)snprintf(err->text + strlen(err->text), SNAP_ERROR_REASON_BYTES, ": %s", behind);
    }
    va_end(again);
}

enum snap_status snap_fail(struct snap_error *err, enum snap_status status, const char *format, ...)
{
    va_list args;

    if (!err)
        return status;
    err->status = status;
    err->sys_errno = 0;
    va_start(args, format);
    put_text(err, NULL, format, args);
    va_end(args);
    return status;
}

/* Two limits have this errno, and a person would think of the disk alone. */
static const char *reason_with_limits(int sys_errno, char buffer[SNAP_ERROR_REASON_BYTES])
{
    if (sys_errno == EFBIG)
        return "File too large: beyond what the file system, or the limit on file sizes of this shell (ulimit -f), "
               "allows";
    return snap_error_reason(sys_errno, buffer);
}

enum snap_status snap_fail_errno(struct snap_error *err, int sys_errno, const char *format, ...)
{
    enum snap_status status = status_of_errno(sys_errno);
    char reason[SNAP_ERROR_REASON_BYTES];
    va_list args;

    if (!err)
        return status;
    err->status = status;
    err->sys_errno = sys_errno;
    va_start(args, format);
    put_text(err, reason_with_limits(sys_errno, reason), format, args);
    va_end(args);
    return status;
}

enum snap_status snap_fail_prefix(struct snap_error *err, enum snap_status status, const char *format, ...)
{
    char text[SNAP_ERROR_TEXT_BYTES];
    va_list args;

    if (!err)
        return status;
    memcpy(text, err->text, sizeof text);
    va_start(args, format);
    put_text(err, text, format, args);
    va_end(args);
    return status;
}
