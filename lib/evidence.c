/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "evidence.h"

#include "arith.h"
#include "view.h"

#include <string.h>

#define VIEW_MEMORY_BYTES (16u << 20)

static enum snap_status read_io(void *context, uint64_t offset_bytes, uint64_t length_bytes, void *buffer,
                                struct snap_error *err)
{
    return snap_io_read(context, offset_bytes, length_bytes, buffer, err);
}

static enum snap_status read_view(void *context, uint64_t offset_bytes, uint64_t length_bytes, void *buffer,
                                  struct snap_error *err)
{
    return snap_view_read(context, offset_bytes, length_bytes, buffer, err);
}

enum snap_status snap_probe_io(struct snap_io *io, struct snap_probe *probe, struct snap_error *err)
{
    return snap_probe_reader(read_io, io, io->size_bytes, probe, err);
}

#define SUPERBLOCK_BYTES 4096u

/*
 * What the list does not hold, the view has from the origin itself: that is no evidence for this origin. Such a view
 * says nothing about file systems.
 */
static enum snap_status drop_borrowed(struct snap_view *view, struct snap_probe *probe, struct snap_error *err)
{
    const uint64_t start_bytes = snap_round_down(probe->signature_offset_bytes, SUPERBLOCK_BYTES);
    uint64_t entry_bytes;
    enum snap_status status = snap_view_next_entry(view, start_bytes, &entry_bytes, err);

    if (status == SNAP_OK && (entry_bytes >= snap_view_size_bytes(view) || entry_bytes - start_bytes >= SUPERBLOCK_BYTES)) {
        probe->uuid[0] = '\0';
        probe->ptuuid[0] = '\0';
    }
    return status;
}

enum snap_status snap_evidence_gather(const struct snap_store *store, struct snap_io *origin,
                                      const struct snap_device *device, struct snap_evidence *evidence,
                                      struct snap_error *err)
{
    const struct snap_origin_facts facts = {origin->size_bytes / SNAP_SECTOR_BYTES, device, &evidence->origin};
    struct snap_probe held;
    struct snap_view *view;
    enum snap_status status;

    memset(evidence, 0, sizeof *evidence);
    status = snap_probe_io(origin, &evidence->origin, err);
    if (status != SNAP_OK)
        return status;
    status = snap_view_open(&view, store, origin, VIEW_MEMORY_BYTES, err);
    if (status != SNAP_OK)
        return status;
    status = snap_probe_reader(read_view, view, snap_view_size_bytes(view), &evidence->view, err);
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
        snap_finding_init(&finding, SNAP_RULE_IDENTITY_ORIGIN, "%s", evidence->text);
    else if (evidence->verdict == SNAP_IDENTITY_GROWN)
        snap_finding_init(&finding, SNAP_RULE_IDENTITY_SIZE, "%s", evidence->text);
    else
        return SNAP_OK;
    return snap_findings_add(findings, &finding, err);
}
