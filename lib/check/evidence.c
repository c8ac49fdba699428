/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Probes the origin and the view, and leaves out what cannot be read. */
#include "lib/check/evidence.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "lib/view/view.h"

#include <string.h>

#define VIEW_MEMORY_BYTES (16u << 20)
#define PIECE_BYTES 4096u
#define UNREADABLE_MAX 16u

static enum snap_status read_view(void *context, uint64_t offset_bytes, uint64_t length_bytes, void *buffer,
                                  struct snap_error *err)
{
    return snap_view_read(context, offset_bytes, length_bytes, buffer, err);
}

/* A reader that leaves out what it cannot read. */
struct tolerant {
    snap_probe_read_fn read;
    void *context;
    uint64_t unreadable;
};

static enum snap_status read_tolerant(void *context, uint64_t offset_bytes, uint64_t length_bytes, void *buffer,
                                      struct snap_error *err)
{
    struct tolerant *tolerant = context;
    uint8_t *at = buffer;
    enum snap_status status = tolerant->read(tolerant->context, offset_bytes, length_bytes, buffer, err);

    if (status != SNAP_E_IO)
        return status;
    while (length_bytes > 0) { /* piece by piece; where much is bad the rest is not tried: each try may take long */
        const uint64_t step_bytes = snap_min(length_bytes, PIECE_BYTES - offset_bytes % PIECE_BYTES);

        status = tolerant->unreadable < UNREADABLE_MAX
                     ? tolerant->read(tolerant->context, offset_bytes, step_bytes, at, err)
                     : SNAP_E_IO;
        if (status != SNAP_OK && status != SNAP_E_IO)
            return status;
        if (status == SNAP_E_IO) {
            memset(at, 0, (size_t)step_bytes);
            tolerant->unreadable++;
        }
        offset_bytes += step_bytes;
        at += step_bytes;
        length_bytes -= step_bytes;
    }
    return SNAP_OK;
}

/* The view, with zeros wherever it is not the list that holds the bytes: those come from the origin that is judged. */
static enum snap_status read_held(void *context, uint64_t offset_bytes, uint64_t length_bytes, void *buffer,
                                  struct snap_error *err)
{
    struct snap_view *view = context;
    const uint64_t chunk_bytes = snap_view_chunk_bytes(view), end_bytes = offset_bytes + length_bytes;
    uint64_t at_bytes = offset_bytes, entry_bytes = 0;
    enum snap_status status = snap_view_next_entry(view, offset_bytes, &entry_bytes, err);

    if (status == SNAP_OK && entry_bytes < end_bytes)
        status = snap_view_read(view, offset_bytes, length_bytes, buffer, err);
    while (status == SNAP_OK && at_bytes < end_bytes) {
        const uint64_t gap_end_bytes = snap_min(entry_bytes, end_bytes);

        memset((uint8_t *)buffer + (at_bytes - offset_bytes), 0, (size_t)(gap_end_bytes - at_bytes));
        if (gap_end_bytes == end_bytes)
            break;
        at_bytes = snap_min(snap_round_down(gap_end_bytes, chunk_bytes) + chunk_bytes, end_bytes);
        if (at_bytes < end_bytes)
            status = snap_view_next_entry(view, at_bytes, &entry_bytes, err);
    }
    return status;
}

/* What only seems to be there because the rest is missing is not held: the whole view must show it as well. */
static void keep_what_is_shown(struct snap_probe *held, const struct snap_probe *view)
{
    if (strcmp(held->type, view->type) != 0 || strcmp(held->uuid, view->uuid) != 0)
        held->type[0] = held->usage[0] = held->uuid[0] = held->uuid_sub[0] = held->label[0] = '\0';
    if (strcmp(held->pttype, view->pttype) != 0 || strcmp(held->ptuuid, view->ptuuid) != 0)
        held->pttype[0] = held->ptuuid[0] = '\0';
}

static enum snap_status pass_on(const struct snap_error *reason, struct snap_error *err)
{
    if (err)
        *err = *reason;
    return reason->status;
}

static enum snap_status probe_tolerant(snap_probe_read_fn read, void *context, uint64_t size_bytes,
                                       struct snap_probe *probe, uint64_t *unreadable, struct snap_error *err)
{
    struct tolerant reader = {.read = read, .context = context};
    struct snap_error reason; /* of places that are left out: not the caller's */
    enum snap_status status = snap_probe_reader(read_tolerant, &reader, size_bytes, probe, &reason);

    *unreadable += reader.unreadable + probe->unknown;
    return status == SNAP_OK ? status : pass_on(&reason, err);
}

/* What the view shows, and what of that the store holds. */
static enum snap_status probe_view(const struct snap_store *store, struct snap_io *origin,
                                   struct snap_evidence *evidence, struct snap_error *err)
{
    struct snap_view *view;
    uint64_t again = 0; /* the same places */
    enum snap_status status = snap_view_open(&view, store, origin, VIEW_MEMORY_BYTES, err);

    if (status != SNAP_OK)
        return status;
    status = probe_tolerant(read_view, view, snap_view_size_bytes(view), &evidence->view, &evidence->unreadable, err);
    if (status == SNAP_OK)
        status = probe_tolerant(read_held, view, snap_view_size_bytes(view), &evidence->held, &again, err);
    snap_view_close(view);
    keep_what_is_shown(&evidence->held, &evidence->view);
    return status;
}

/* Whether the origin is a store itself; one that cannot be read is none. */
static enum snap_status look_for_store(struct snap_io *origin, struct snap_pair_facts *facts, struct snap_error *err)
{
    struct snap_error reason;
    struct snap_store store;
    enum snap_status status = snap_header_read(&store, origin, &reason);

    if (status == SNAP_E_NOMEM)
        return pass_on(&reason, err);
    facts->origin_is_store = status == SNAP_OK && (store.defect == SNAP_HEADER_GOOD ||
                                                   store.defect == SNAP_HEADER_INVALID ||
                                                   store.defect == SNAP_HEADER_NO_AREA);
    facts->origin_chunk_sectors = facts->origin_is_store ? store.header.chunk_sectors : 0;
    return SNAP_OK;
}

enum snap_status snap_evidence_gather(const struct snap_store *store, const struct snap_check_result *figures,
                                      struct snap_io *origin, const struct snap_device *device,
                                      struct snap_evidence *evidence, struct snap_error *err)
{
    struct snap_pair_facts facts = {
        .store = store,
        .origin = {.sectors = origin->size_bytes / SNAP_SECTOR_BYTES, .device = device, .probe = &evidence->origin},
        .held = &evidence->held,
        .entries = figures->entries,
        .entries_beyond = figures->entries_beyond,
        .reach_bytes = figures->reach_bytes,
    };
    enum snap_status status;

    memset(evidence, 0, sizeof *evidence);
    status = probe_tolerant(snap_probe_read_io, origin, origin->size_bytes, &evidence->origin, &evidence->unreadable,
                            err);
    if (status == SNAP_OK && facts.entries_beyond == 0)
        status = probe_view(store, origin, evidence, err);
    if (status == SNAP_OK)
        status = look_for_store(origin, &facts, err);
    if (status == SNAP_OK && facts.entries_beyond == 0)
        status = snap_fingerprinting_compare(store, origin, &facts.fingerprint, err);
    if (status != SNAP_OK)
        return status;
    facts.origin_in_part = evidence->unreadable > 0;
    snap_pair_judge(&facts, &evidence->pair);
    if (evidence->pair.outcome != SNAP_PAIR_UNKNOWN)
        return SNAP_OK;
    status = snap_resemblance_measure(store, figures->entries, origin, &facts.resemblance, err); /* it takes long */
    snap_pair_judge(&facts, &evidence->pair);
    return status;
}
