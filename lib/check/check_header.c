/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Judges the header alone. */
#include "lib/check/check_header_private.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/base/text.h"

#include <inttypes.h>

#define CHUNK_0_READ_BYTES_MAX (1u << 20)

enum snap_status snap_check_header_defect(const struct snap_store *store, struct snap_findings *findings,
                                          struct snap_error *err)
{
    static const enum snap_rule rules[] = {
        [SNAP_HEADER_TOO_SMALL] = SNAP_RULE_DEVICE_SIZE,     [SNAP_HEADER_EMPTY] = SNAP_RULE_HEADER_EMPTY,
        [SNAP_HEADER_MAGIC] = SNAP_RULE_HEADER_MAGIC,        [SNAP_HEADER_VERSION] = SNAP_RULE_HEADER_VERSION,
        [SNAP_HEADER_INVALID] = SNAP_RULE_STORE_INVALID,     [SNAP_HEADER_CHUNK_SIZE] = SNAP_RULE_CHUNK_SIZE,
        [SNAP_HEADER_NO_AREA] = SNAP_RULE_DEVICE_SIZE,
    };
    struct snap_error defect = {0};
    struct snap_finding finding;

    (void)snap_header_fail_defect(store, &defect);
    snap_findings_init_failure(&finding, rules[store->defect], store, &defect);
    finding.has_offset = store->defect != SNAP_HEADER_TOO_SMALL;
    return snap_findings_add(findings, &finding, err);
}

/* What stands beside the header in its sector. */
static enum snap_status check_record(const struct snap_store *store, struct snap_findings *findings,
                                     struct snap_error *err)
{
    const struct snap_layout *layout = &store->layout;
    enum snap_status status = SNAP_OK;
    struct snap_finding finding;

    if (status == SNAP_OK && store->identity_state == SNAP_IDENTITY_OK &&
        store->identity.chunk_sectors != layout->chunk_sectors) {
        snap_findings_init(&finding, SNAP_RULE_CHUNK_RECORD,
                           "chunks of %" PRIu32 " %s, but its record is of a store with chunks of %" PRIu32,
                           layout->chunk_sectors, snap_text_form(layout->chunk_sectors, "sector", "sectors"),
                           store->identity.chunk_sectors);
        status = snap_findings_add(findings, &finding, err);
    }
    if (status == SNAP_OK && store->spare_bytes) {
        snap_findings_init(&finding, SNAP_RULE_HEADER_SPARE, "unknown bytes between byte 16 and byte 511");
        status = snap_findings_add(findings, &finding, err);
    }
    if (status == SNAP_OK && store->identity_state == SNAP_IDENTITY_DAMAGED) {
        snap_findings_init(&finding, SNAP_RULE_IDENTITY_DAMAGED, "length or checksum of the identity record are wrong");
        status = snap_findings_add(findings, &finding, err);
    }
    if (status == SNAP_OK && store->identity_state == SNAP_IDENTITY_NEWER) {
        snap_findings_init(&finding, SNAP_RULE_IDENTITY_NEWER, "an identity record of a newer version");
        status = snap_findings_add(findings, &finding, err);
    }
    return status;
}

/* The kernel reads chunk 0 as a whole when it loads the store, although only the header counts. */
static enum snap_status check_chunk_0(const struct snap_store *store, struct snap_findings *findings,
                                      struct snap_error *err)
{
    const uint64_t length_bytes = snap_min(store->layout.chunk_bytes, CHUNK_0_READ_BYTES_MAX);
    struct snap_error reason = {0};
    struct snap_finding finding;
    enum snap_status status;
    uint8_t *bytes;

    if (length_bytes <= SNAP_HEADER_SECTOR_BYTES)
        return SNAP_OK;
    bytes = snap_buffer_new(length_bytes);
    if (!bytes)
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory reading chunk 0", store->io->name);
    status = snap_io_read(store->io, 0, length_bytes, bytes, &reason);
    snap_buffer_free(bytes);
    if (status == SNAP_OK)
        return SNAP_OK;
    if (!snap_error_is_medium(reason.sys_errno)) {
        if (err)
            *err = reason;
        return status;
    }
    snap_findings_init(&finding, SNAP_RULE_HEADER_UNREADABLE, "a sector between byte %u and byte %" PRIu64
                       " cannot be read, so the kernel cannot load the store", SNAP_HEADER_SECTOR_BYTES,
                       length_bytes - 1);
    return snap_findings_add(findings, &finding, err);
}

enum snap_status snap_check_header(const struct snap_store *store, uint32_t origin_block_bytes,
                                   struct snap_findings *findings, struct snap_error *err)
{
    const struct snap_layout *layout = &store->layout;
    const uint64_t block_bytes = snap_max(store->io->logical_block_bytes, origin_block_bytes);
    const uint64_t partial_sectors = layout->cow_sectors % layout->chunk_sectors;
    enum snap_status status = SNAP_OK;
    struct snap_finding finding;

    if (store->header.valid > 1) { /* 0 is more than a note: rule store-invalid */
        snap_findings_init(&finding, SNAP_RULE_VALID_VALUE, "valid is %" PRIu32 " at byte 4, expected 1",
                           store->header.valid);
        status = snap_findings_add(findings, &finding, err);
    }
    if (status == SNAP_OK && (layout->chunk_sectors < 8 || layout->chunk_sectors > 1024)) {
        snap_findings_init(&finding, SNAP_RULE_CHUNK_UNUSUAL, "chunks of %" PRIu32 " %s; LVM uses 8 to 1024",
                           layout->chunk_sectors, snap_text_form(layout->chunk_sectors, "sector", "sectors"));
        status = snap_findings_add(findings, &finding, err);
    }
    if (status == SNAP_OK && layout->chunk_bytes % block_bytes != 0) {
        snap_findings_init(&finding, SNAP_RULE_CHUNK_BLOCK,
                           "chunks of %" PRIu64 " bytes on a device with blocks of %" PRIu64, layout->chunk_bytes,
                           block_bytes);
        status = snap_findings_add(findings, &finding, err);
    }
    if (status == SNAP_OK)
        status = check_record(store, findings, err);
    if (status == SNAP_OK)
        status = check_chunk_0(store, findings, err);
    if (status == SNAP_OK && partial_sectors > 0) {
        snap_findings_init(&finding, SNAP_RULE_PARTIAL_CHUNK, "%" PRIu64 " %s not used",
                           partial_sectors, snap_text_form(partial_sectors, "sector behind the last whole chunk is",
                                                           "sectors behind the last whole chunk are"));
        status = snap_findings_add(findings, &finding, err);
    }
    if (status == SNAP_OK && snap_layout_exact_fit_trap(layout)) {
        snap_findings_init(&finding, SNAP_RULE_EXACT_FIT,
                           "there is room for %" PRIu64
                           " %s; with one chunk more there would be room for %" PRIu64,
                           snap_layout_capacity_entries(layout),
                           snap_text_form(snap_layout_capacity_entries(layout), "entry", "entries"),
                           snap_layout_capacity_entries(layout) + 1);
        status = snap_findings_add(findings, &finding, err);
    }
    if (status == SNAP_OK && layout->cow_chunks < 3) {
        snap_findings_init(&finding, SNAP_RULE_NO_ROOM, "%" PRIu64 " whole %s; the first entry needs 3",
                           layout->cow_chunks, snap_text_form(layout->cow_chunks, "chunk", "chunks"));
        status = snap_findings_add(findings, &finding, err);
    }
    return status;
}
