/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plans a header for a list that has none. */
#include "lib/repair/repair.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/base/bytes.h"

#include <string.h>

enum snap_status snap_repair_plan_header(struct snap_repair *repair, const struct snap_store *store,
                                         const struct snap_lost_list *lost, struct snap_error *err)
{
    const bool empty = store->defect == SNAP_HEADER_EMPTY;
    const enum snap_rule rule = empty ? SNAP_RULE_HEADER_EMPTY : SNAP_RULE_HEADER_MAGIC;
    const struct snap_header header = {
        .magic = SNAP_MAGIC, .valid = 1, .version = SNAP_DISK_VERSION, .chunk_sectors = lost->chunk_sectors};
    uint8_t *unit = NULL;
    enum snap_status status;

    memset(repair, 0, sizeof *repair);
    if ((!empty && store->defect != SNAP_HEADER_MAGIC) || lost->chunk_sectors == 0)
        return snap_fail(err, SNAP_E_REFUSED, "%s: it has no list that lacks a header", store->io->name);
    repair->rebuilt = (struct snap_store){.io = store->io, .header = header};
    status = snap_layout_init(&repair->rebuilt.layout, lost->chunk_sectors,
                              store->io->size_bytes / SNAP_SECTOR_BYTES, err);
    if (status != SNAP_OK)
        return status;
    snap_edits_init(&repair->edits, store->io, snap_header_unit_bytes(&repair->rebuilt));
    unit = snap_buffer_new(repair->edits.unit_bytes);
    if (!unit)
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for its header", store->io->name);
    status = snap_edits_read(&repair->edits, 0, unit, err);
    if (status == SNAP_OK) {
        snap_codec_encode_header(&header, unit);
        status = snap_edits_add(&repair->edits, 0, unit, err);
    }
    snap_buffer_free(unit);
    repair->found[rule] = repair->mended[rule] = 1;
    repair->entries_before = repair->entries_after = lost->entries;
    return status;
}
