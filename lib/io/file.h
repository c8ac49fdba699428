/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A struct snap_io over a block device or an image file: direct I/O, exclusive use, io_uring or a thread pool. */
#ifndef DMSNAP_IO_FILE
#define DMSNAP_IO_FILE

#include "lib/base/lookup.h"
#include "lib/base/new_file.h"
#include "lib/io/io.h"

#define SNAP_QUEUE_DEPTH_DEFAULT 64u
#define SNAP_QUEUE_DEPTH_MAX 1024u

enum snap_io_engine {
    SNAP_IO_ENGINE_AUTO,   /* io_uring where the kernel has and allows it, else threads */
    SNAP_IO_ENGINE_URING,
    SNAP_IO_ENGINE_THREADS
};

struct snap_file_options {
    bool write;                 /* open for writing, and hold the device or image exclusively */
    bool exclusive;             /* keep all others from writing though it is only read */
    bool foresee;               /* only read, but refuse what `write` would refuse */
    bool held;                  /* the caller holds it through another io: neither O_EXCL nor a lock is taken */
    bool buffered;              /* images: no direct I/O, even where it is possible */
    enum snap_io_engine engine;
    unsigned queue_depth;       /* requests in flight; 0 = SNAP_QUEUE_DEPTH_DEFAULT; at most SNAP_QUEUE_DEPTH_MAX */
};

/* What became of the options: for summaries and messages. */
struct snap_file_info {
    bool block_device;
    bool direct;                /* direct I/O for all requests that are aligned for it */
    enum snap_io_engine engine; /* never AUTO */
    uint64_t device_number;     /* st_rdev of a block device, else 0 */
    uint64_t file_device;       /* st_dev and st_ino of the file or device node */
    uint64_t file_inode;
};

/*
 * Opens `path`, a block device or regular file. *io belongs to the caller: snap_io_close.
 *
 * Block devices: always O_DIRECT; O_EXCL where `write` or `exclusive` is set, so that a device in use (mounted, under
 * device-mapper, held by another run) is SNAP_E_BUSY (dmsnap-store(5), LOADING, "Devices in use"). Requests that
 * are not multiples of the logical block are widened when they read; such a write is SNAP_E_UNSUPPORTED. Images: an
 * open file description lock (exclusive for `write`, else shared; SNAP_E_BUSY where another's is in the way; only
 * without `write` and `exclusive` may there be none, where the file system has no locks). Other names of the same
 * bytes, such as loop devices over an image, are held by lib/device/claim.h. Without `write` nothing is ever opened for
 * writing, but for an image with `foresee`, and there only for a moment: whether that may be is not known otherwise.
 * Direct where the file system takes it (tried at open), aligned requests only; the rest, the unaligned end of the file
 * among it, goes through the page cache. flush is fdatasync on images, fsync on devices. An image's size is
 * its length in bytes and never changes through this object. Where somebody else cuts it, nothing is written any more,
 * and flush fails, too; only what is cut and at once overwritten by a write that is on its way cannot be noticed.
 *
 * `held` is for several ios over one device or image, of which the first holds it for all: nothing tells here whether
 * somebody else has it.
 *
 * SNAP_E_NOENT, SNAP_E_PERM (no permission, read-only device or medium), SNAP_E_BUSY, SNAP_E_USAGE (a directory, a
 * character device, ...), SNAP_E_UNSUPPORTED (the engine asked for is missing), SNAP_E_NOMEM, SNAP_E_IO.
 */
enum snap_status snap_file_open(struct snap_io **io, const char *path, const struct snap_file_options *options,
                                struct snap_error *err);

/*
 * The same for what was looked up before; the lookup stays the caller's. SNAP_E_BUSY: the name is something else by
 * now.
 */
enum snap_status snap_file_open_found(struct snap_io **io, const struct snap_lookup *found,
                                      const struct snap_file_options *options, struct snap_error *err);

/*
 * Gives a new file `size_bytes`, all holes, and opens it for writing with the other `options`, through its own
 * descriptor: a name is not used. Close it before the file. SNAP_E_NOSPC: it cannot be so large.
 */
enum snap_status snap_file_open_new(struct snap_io **io, const struct snap_new_file *file, uint64_t size_bytes,
                                    const struct snap_file_options *options, struct snap_error *err);

/*
 * Makes sure that all of an image has its blocks: later writes cannot fail for lack of room. SNAP_E_NOSPC: there is not
 * so much. A block device has its blocks: SNAP_OK.
 */
enum snap_status snap_file_reserve(struct snap_io *io, struct snap_error *err);

/* `io` must come from this module. */
void snap_file_get_info(const struct snap_io *io, struct snap_file_info *info);

/* The size as it is at this moment; size_bytes stays what it was at open. SNAP_E_IO. */
enum snap_status snap_file_size_now(const struct snap_io *io, uint64_t *size_bytes, struct snap_error *err);

/* SNAP_E_CHANGED where it is smaller by now, or gone: the text names both sizes. */
enum snap_status snap_file_keeps_size(const struct snap_io *io, struct snap_error *err);

/* A descriptor, borrowed, to ask about the device or image: locks, holes, the loop driver. It reads from the cache. */
int snap_file_fd(const struct snap_io *io);

/*
 * The next range at or after `offset_bytes` that may hold data (SEEK_DATA/SEEK_HOLE); block devices and file systems
 * without holes have one range up to the end. *length_bytes is 0 where nothing but holes follow (then *start_bytes
 * is the size). SNAP_E_CHANGED where that is because somebody has cut it.
 */
enum snap_status snap_file_next_data(const struct snap_io *io, uint64_t offset_bytes, uint64_t *start_bytes,
                                     uint64_t *length_bytes, struct snap_error *err);

#endif
