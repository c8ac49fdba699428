/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one way this library reports failure: a status, and a sentence that says what and where. */
#ifndef DMSNAP_BASE_ERROR
#define DMSNAP_BASE_ERROR

#include <stdbool.h>

#define SNAP_ERROR_TEXT_BYTES 16384 /* three names of PATH_MAX bytes, and what is said of them */
#define SNAP_ERROR_REASON_BYTES 128

/*
 * What kind of failure it was. Programs map it to an exit status (see tools/cli/cli.h); the text says the rest.
 */
enum snap_status {
    SNAP_OK = 0,
    SNAP_E_USAGE,       /* the caller asked for something that makes no sense (a size of 0, an unknown column) */
    SNAP_E_NOT_STORE,   /* there is no store here: wrong magic, magic 0, too small */
    SNAP_E_VERSION,     /* a store of a disk version this library does not know */
    SNAP_E_INVALID,     /* a store that the kernel marked invalid (valid == 0) */
    SNAP_E_CORRUPT,     /* a store that breaks a rule of its format */
    SNAP_E_REFUSED,     /* evidence against doing this: wrong origin, foreign signature, same device twice */
    SNAP_E_BUSY,        /* somebody else holds the device */
    SNAP_E_PERM,        /* permission denied, read-only device */
    SNAP_E_NOENT,       /* no such device or file, no match for a tag */
    SNAP_E_NOSPC,       /* does not fit */
    SNAP_E_IO,          /* a read, write, flush or close failed; the data on the device may or may not have changed */
    SNAP_E_CHANGED,     /* an open device or image is smaller than when it was opened, or gone: no bad sector */
    SNAP_E_NOMEM,       /* an allocation failed, or a memory limit is too small for the job */
    SNAP_E_UNSUPPORTED, /* this system or device cannot do that */
    SNAP_E_STOPPED,     /* the stop flag was set; what was committed before stays committed */
    SNAP_E_INTERNAL     /* a broken promise inside this library */
};

/*
 * Filled by the function that fails, read by the one that reports. The object belongs to the caller; a success leaves
 * it untouched. `text` is one line without a trailing newline and may contain bytes that came from a device: escape it
 * before printing.
 */
struct snap_error {
    enum snap_status status;
    int sys_errno;                     /* the errno behind it, or 0 */
    char text[SNAP_ERROR_TEXT_BYTES];  /* NUL terminated; where it is too long, its middle is left out */
};

/* Fills `err` (which may be NULL) and returns `status`, so that a failure is one statement. */
enum snap_status snap_fail(struct snap_error *err, enum snap_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * The same for a failed system call: the status is derived from `sys_errno` (EIO and the like: SNAP_E_IO, EBUSY:
 * SNAP_E_BUSY, EACCES, EPERM, EROFS: SNAP_E_PERM, ENOENT, ENODEV, ENXIO: SNAP_E_NOENT, ENOSPC, EDQUOT, EFBIG:
 * SNAP_E_NOSPC, ESTALE: SNAP_E_CHANGED, ENOMEM: SNAP_E_NOMEM, EOPNOTSUPP: SNAP_E_UNSUPPORTED, everything else
 * SNAP_E_IO) and its message is appended as ": <strerror>"; of EFBIG it is said besides that a limit of the shell may
 * be the cause.
 */
enum snap_status snap_fail_errno(struct snap_error *err, int sys_errno, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The system's text for `sys_errno`; it may lie in `buffer`. Unlike strerror, any thread may call it. */
const char *snap_error_reason(int sys_errno, char buffer[SNAP_ERROR_REASON_BYTES]);

/*
 * Whether this errno of a read or write is about the medium: EIO, ENODATA, EREMOTEIO, EILSEQ, which is what the block
 * layer says of bad sectors. All others (no memory, an interruption, a device that is gone or was cut) say nothing
 * about what is on the device: nobody may conclude from them that it is damaged.
 */
bool snap_error_is_medium(int sys_errno);

/* Puts "<prefix>: " in front of the text of a failure that is being passed on; returns its status. */
enum snap_status snap_fail_prefix(struct snap_error *err, enum snap_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
