/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads data chunks in batches; each request has its own result. */
#include "lib/check/check_data.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/store/list_read.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_BYTES (8u << 20)
#define BATCH_ENTRIES 2048u
#define PIECE_BYTES (1u << 20) /* a larger chunk is read in pieces */

struct data_check {
    const struct snap_store *store;
    const struct snap_check_data_options *options;
    uint64_t piece_bytes;
    uint64_t batch_entries;
    struct snap_entry entries[BATCH_ENTRIES];
    int sys_errno[BATCH_ENTRIES];
    struct snap_io_request requests[BATCH_ENTRIES];
    struct iovec iovs[BATCH_ENTRIES];
    uint8_t *buffer;
};

/* What of a chunk has a place on the origin (dmsnap-store(5), ENTRIES AND AREAS, "The last chunk of the origin"). */
static uint64_t used_bytes(const struct data_check *check, uint64_t old_chunk)
{
    const uint64_t chunk_bytes = check->store->layout.chunk_bytes;
    const uint64_t origin_bytes = check->options->origin_sectors * SNAP_SECTOR_BYTES;
    const uint64_t last_bytes = origin_bytes % chunk_bytes;

    return last_bytes > 0 && old_chunk == origin_bytes / chunk_bytes ? last_bytes : chunk_bytes;
}

/* One piece of each chunk of the batch; each request has its own result. Fails where it is not the medium's fault. */
static enum snap_status read_pieces(struct data_check *check, uint64_t count, uint64_t at_bytes, struct snap_error *err)
{
    struct snap_error reason = {0};
    size_t requests = 0;
    uint64_t which[BATCH_ENTRIES];
    enum snap_status status;
    bool told = false;

    for (uint64_t i = 0; i < count; i++) {
        const uint64_t wanted_bytes = used_bytes(check, check->entries[i].old_chunk);

        if (at_bytes >= wanted_bytes || check->sys_errno[i] != 0)
            continue;
        check->iovs[requests] = (struct iovec){check->buffer + i * check->piece_bytes,
                                               (size_t)snap_min(check->piece_bytes, wanted_bytes - at_bytes)};
        check->requests[requests] = (struct snap_io_request){
            .kind = SNAP_IO_READ,
            .offset_bytes = check->entries[i].new_chunk * check->store->layout.chunk_bytes + at_bytes,
            .iov = &check->iovs[requests],
            .iov_count = 1,
        };
        which[requests++] = i;
    }
    status = snap_io_transfer(check->store->io, check->requests, requests, &reason);
    for (size_t i = 0; i < requests && status != SNAP_E_CHANGED; i++) {
        const int sys_errno = check->requests[i].sys_errno;

        if (sys_errno != 0 && !snap_error_is_medium(sys_errno))
            return snap_fail_errno(err, sys_errno, "%s: reading data chunk %" PRIu64, check->store->io->name,
                                   check->entries[which[i]].new_chunk);
        told |= sys_errno != 0;
        check->sys_errno[which[i]] = sys_errno;
    }
    if (status == SNAP_OK || told)
        return SNAP_OK;
    if (err) /* it failed as a whole */
        *err = reason;
    return status;
}

static enum snap_status report(const struct data_check *check, uint64_t first_index, uint64_t count,
                               struct snap_findings *findings, uint64_t *unreadable, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    for (uint64_t i = 0; i < count && status == SNAP_OK; i++) {
        struct snap_finding finding;
        char reason[SNAP_ERROR_REASON_BYTES];

        if (check->sys_errno[i] == 0)
            continue;
        ++*unreadable;
        snap_findings_init(&finding, SNAP_RULE_DATA_UNREADABLE,
                           "data chunk %" PRIu64 " of origin chunk %" PRIu64 " cannot be read: %s",
                           check->entries[i].new_chunk, check->entries[i].old_chunk,
                           snap_error_reason(check->sys_errno[i], reason));
        snap_findings_place_entry(&finding, check->store, first_index + i, &check->entries[i]);
        finding.offset_bytes = check->entries[i].new_chunk * check->store->layout.chunk_bytes;
        status = snap_findings_add(findings, &finding, err);
    }
    return status;
}

static enum snap_status check_batch(struct data_check *check, uint64_t first_index, uint64_t count,
                                    struct snap_findings *findings, uint64_t *unreadable, struct snap_error *err)
{
    const uint64_t chunk_bytes = check->store->layout.chunk_bytes;
    enum snap_status status = snap_list_read_entries(check->store, first_index, count, check->entries, err);

    if (status != SNAP_OK)
        return status;
    memset(check->sys_errno, 0, sizeof check->sys_errno);
    for (uint64_t i = 0; i < count; i++) /* sound when it was checked: only still being so is asked */
        if (check->entries[i].new_chunk >= check->store->layout.cow_chunks)
            return snap_fail(err, SNAP_E_CORRUPT, "%s: entry %" PRIu64 " changed while it was checked; another "
                             "program writes to it: stop that, then repeat this command",
                             check->store->io->name, first_index + i);
    for (uint64_t at_bytes = 0; at_bytes < chunk_bytes && status == SNAP_OK; at_bytes += check->piece_bytes)
        status = read_pieces(check, count, at_bytes, err);
    return status == SNAP_OK ? report(check, first_index, count, findings, unreadable, err) : status;
}

enum snap_status snap_check_data(const struct snap_store *store, uint64_t entries,
                                 const struct snap_check_data_options *options, struct snap_findings *findings,
                                 uint64_t *unreadable, struct snap_error *err)
{
    struct data_check *check = calloc(1, sizeof *check);
    enum snap_status status = SNAP_OK;

    *unreadable = 0;
    if (check) {
        check->store = store;
        check->options = options;
        check->piece_bytes = snap_min(store->layout.chunk_bytes, PIECE_BYTES);
        check->batch_entries = snap_min(BATCH_ENTRIES, BATCH_BYTES / check->piece_bytes);
        check->buffer = snap_buffer_new_unset(BATCH_BYTES);
    }
    if (!check || !check->buffer)
        status = snap_fail(err, SNAP_E_NOMEM, "%s: out of memory reading data", store->io->name);
    for (uint64_t done = 0; status == SNAP_OK && done < entries;) {
        const uint64_t count = snap_min(check->batch_entries, entries - done);

        if (options->stop && options->stop(options->stop_context))
            status = snap_fail(err, SNAP_E_STOPPED, "%s: stopped while reading data", store->io->name);
        else
            status = check_batch(check, done, count, findings, unreadable, err);
        done += count;
        if (options->progress)
            options->progress(options->progress_context, done, entries);
    }
    if (check)
        snap_buffer_free(check->buffer);
    free(check);
    return status;
}
