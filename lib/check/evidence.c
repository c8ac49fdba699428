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
#define SUPERBLOCK_BYTES 4096u

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

/*
 * What the list does not hold, the view has from the origin itself: that is no evidence for this origin. Such a view
 * says nothing about file systems.
 */
static enum snap_status drop_borrowed(struct snap_view *view, struct snap_probe *probe, struct snap_error *err)
{
    const uint64_t start_bytes = snap_round_down(probe->signature_offset_bytes, SUPERBLOCK_BYTES);
    uint64_t entry_bytes;
    enum snap_status status = snap_view_next_entry(view, start_bytes, &entry_bytes, err);

    if (status == SNAP_OK &&
        (entry_bytes >= snap_view_size_bytes(view) || entry_bytes - start_bytes >= SUPERBLOCK_BYTES)) {
        probe->uuid[0] = '\0';
        probe->ptuuid[0] = '\0';
    }
    return status;
}

static enum snap_status pass_on(const struct snap_error *reason, struct snap_error *err)
{
    if (err)
        *err = *reason;
    return reason->status;
}

enum snap_status snap_evidence_gather(const struct snap_store *store, struct snap_io *origin,
                                      const struct snap_device *device, struct snap_evidence *evidence,
                                      struct snap_error *err)
{
    const struct snap_origin_facts facts = {
        .sectors = origin->size_bytes / SNAP_SECTOR_BYTES,
        .device = device,
        .probe = &evidence->origin,
    };
    struct tolerant reader = {.read = snap_probe_read_io, .context = origin};
    struct snap_error reason; /* of places that are left out: not the caller's */
    struct snap_probe held;
    struct snap_view *view;
    enum snap_status status;

    memset(evidence, 0, sizeof *evidence);
    status = snap_probe_reader(read_tolerant, &reader, origin->size_bytes, &evidence->origin, &reason);
    evidence->unreadable = reader.unreadable + evidence->origin.unknown;
    if (status != SNAP_OK)
        return pass_on(&reason, err);
    status = snap_view_open(&view, store, origin, VIEW_MEMORY_BYTES, err);
    if (status != SNAP_OK)
        return status;
    reader = (struct tolerant){.read = read_view, .context = view};
    status = snap_probe_reader(read_tolerant, &reader, snap_view_size_bytes(view), &evidence->view, &reason);
    if (status != SNAP_OK)
        (void)pass_on(&reason, err);
    evidence->unreadable += reader.unreadable + evidence->view.unknown;
    held = evidence->view;
    if (status == SNAP_OK)
        status = drop_borrowed(view, &held, err);
    snap_view_close(view);
    if (status == SNAP_OK)
        evidence->verdict = snap_identity_judge(store, &facts, &held, evidence->text, sizeof evidence->text);
    return status;
}

enum snap_status snap_evidence_finding(const struct snap_evidence *evidence, struct snap_findings *findings,
                                       struct snap_error *err)
{
    struct snap_finding finding;

    if (evidence->verdict == SNAP_IDENTITY_CONTRADICTS)
        snap_findings_init(&finding, SNAP_RULE_IDENTITY_ORIGIN, "%s", evidence->text);
    else if (evidence->verdict == SNAP_IDENTITY_GROWN)
        snap_findings_init(&finding, SNAP_RULE_IDENTITY_SIZE, "%s", evidence->text);
    else
        return SNAP_OK;
    return snap_findings_add(findings, &finding, err);
}
