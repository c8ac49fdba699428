/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies the snapshot view to another device or image, and holds such a copy against the view. */
#ifndef DMSNAP_VIEW_EXTRACT
#define DMSNAP_VIEW_EXTRACT

#include "lib/base/clock.h"
#include "lib/view/view.h"

/* Two buffers of this size at least are used, and of SNAP_EXTRACT_STEP_MAX_BYTES at most. */
#define SNAP_EXTRACT_STEP_MIN_BYTES (64u << 10)
#define SNAP_EXTRACT_STEP_MAX_BYTES (16u << 20)

struct snap_extract_options {
    uint64_t memory_bytes;        /* for buffers; 0: as much as they can use */
    /*
     * The target holds nothing but zeros (a new image): what is zero in the view is not written, in pieces of 4096
     * bytes (or of a logical block, where that is larger). Else every byte of the view is written, in ascending order.
     */
    bool sparse;
    /*
     * The next range of the origin that may hold data, as snap_file_next_data: what it calls a hole, where the
     * store has no entry, is taken as zeros and not read (unless it is small). NULL: everything is read.
     */
    enum snap_status (*next_data)(const struct snap_io *io, uint64_t offset_bytes, uint64_t *start_bytes,
                                  uint64_t *length_bytes, struct snap_error *err);
    uint64_t rate_bytes;          /* per second, of each device; 0: no limit */
    uint64_t rate_requests;       /* likewise */
    bool read_ahead;              /* read the next step's data, in a thread, while this one is written or compared */
    const struct snap_clock *clock; /* NULL: the system's */
    bool (*stop)(void *context);  /* polled from both threads; NULL: never */
    void *stop_context;
    void (*progress)(void *context, uint64_t done_bytes, uint64_t total_bytes); /* NULL: not reported */
    void *progress_context;
};

struct snap_extract_result {
    uint64_t done_bytes;          /* from the view's start on: written, left out, or found equal */
    uint64_t written_bytes;
    uint64_t write_requests;
};

/*
 * Can a view of `size_bytes` be written to `target` as a whole? SNAP_E_NOSPC: it is larger; SNAP_E_UNSUPPORTED: it ends
 * inside a block of the target, which cannot be written in part.
 */
enum snap_status snap_extract_fits(uint64_t size_bytes, const struct snap_io *target, struct snap_error *err);

/*
 * Writes the view to the first bytes of `target`, which shares none with origin and store, and flushes it. Neither
 * origin nor store is written to. SNAP_OK: all is there, durably.
 *
 * What snap_extract_fits says, SNAP_E_NOMEM: nothing was written. SNAP_E_STOPPED, SNAP_E_IO and others of the devices,
 * SNAP_E_CORRUPT of the list, and of a data chunk that cannot be read, which is named (snap_view_read_chunks): the
 * target holds a part, of which *result tells the least. After a failed write nothing more is written, and the target
 * is not flushed.
 */
enum snap_status snap_extract(struct snap_view *view, struct snap_io *target,
                              const struct snap_extract_options *options, struct snap_extract_result *result,
                              struct snap_error *err);

/*
 * Reads the view and the first bytes of `target` and compares all of them. The caller makes sure that `target` is read
 * past the cache. SNAP_E_IO with the first byte that differs; `sparse` has no meaning here, result->done_bytes are
 * equal.
 */
enum snap_status snap_extract_verify(struct snap_view *view, struct snap_io *target,
                                     const struct snap_extract_options *options, struct snap_extract_result *result,
                                     struct snap_error *err);

#endif
