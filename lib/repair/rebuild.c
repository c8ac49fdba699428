/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plans a header for a list whose own is gone or damaged. */
#include "lib/repair/repair.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/base/bytes.h"

#include <string.h>

enum snap_rule snap_repair_header_rule(const struct snap_store *store)
{
    switch (store->defect) {
    case SNAP_HEADER_EMPTY:
        return SNAP_RULE_HEADER_EMPTY;
    case SNAP_HEADER_MAGIC:
        return SNAP_RULE_HEADER_MAGIC;
    case SNAP_HEADER_VERSION:
        return SNAP_RULE_HEADER_VERSION;
    case SNAP_HEADER_CHUNK_SIZE:
        return SNAP_RULE_CHUNK_SIZE;
    case SNAP_HEADER_TOO_SMALL:
        return SNAP_RULES;
    default:
        return store->identity_state == SNAP_IDENTITY_OK &&
                       store->identity.chunk_sectors != store->header.chunk_sectors
                   ? SNAP_RULE_CHUNK_RECORD
                   : SNAP_RULES;
    }
}

enum snap_status snap_repair_plan_header(struct snap_repair *repair, const struct snap_store *store,
                                         uint32_t chunk_sectors, uint64_t entries, struct snap_error *err)
{
    const enum snap_rule rule = snap_repair_header_rule(store);
    const struct snap_header header = {
        .magic = SNAP_MAGIC,
        .valid = rule == SNAP_RULE_CHUNK_RECORD ? store->header.valid : 1,
        .version = SNAP_DISK_VERSION,
        .chunk_sectors = chunk_sectors,
    };
    struct snap_identity identity = store->identity;
    uint8_t *unit = NULL;
    enum snap_status status;

    snap_repair_free(repair);
    memset(repair, 0, sizeof *repair);
    if (rule == SNAP_RULES)
        return snap_fail(err, SNAP_E_REFUSED, "%s: its header is none that is damaged", store->io->name);
    repair->rebuilt = (struct snap_store){.io = store->io, .header = header};
    status = snap_layout_init(&repair->rebuilt.layout, chunk_sectors, store->io->size_bytes / SNAP_SECTOR_BYTES, err);
    if (status != SNAP_OK)
        return status;
    snap_edits_init(&repair->edits, store->io, snap_header_unit_bytes(&repair->rebuilt));
    unit = snap_buffer_new(repair->edits.unit_bytes);
    if (!unit)
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for its header", store->io->name);
    status = snap_edits_read(&repair->edits, 0, unit, err);
    if (status == SNAP_OK) {
        snap_codec_encode_header(&header, unit);
        if (store->identity_state == SNAP_IDENTITY_NONE) /* as good as no record, which can be taken again then */
            memset(unit + SNAP_HEADER_BYTES, 0, SNAP_HEADER_SECTOR_BYTES - SNAP_HEADER_BYTES);
        if (store->identity_state == SNAP_IDENTITY_OK && identity.chunk_sectors != chunk_sectors) {
            identity.chunk_sectors = chunk_sectors;
            snap_codec_encode_record(&identity, unit);
        }
        status = snap_edits_add(&repair->edits, 0, unit, err);
    }
    snap_buffer_free(unit);
    repair->found[rule] = repair->mended[rule] = 1;
    repair->entries_before = repair->entries_after = entries;
    return status;
}
