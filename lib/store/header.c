/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the header sector, judges it as the kernel would, and says what is wrong with it. */
#include "lib/store/header.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/base/text.h"
#include "lib/store/fingerprint.h"

#include <inttypes.h>
#include <string.h>

static enum snap_header_defect judge_header(struct snap_store *store, uint64_t size_bytes)
{
    const struct snap_header *header = &store->header;
    bool chunk_size_good = snap_layout_chunk_sectors_valid(header->chunk_sectors);

    if (header->magic == 0)
        return SNAP_HEADER_EMPTY;
    if (header->magic != SNAP_MAGIC)
        return SNAP_HEADER_MAGIC;
    if (header->version != SNAP_DISK_VERSION)
        return SNAP_HEADER_VERSION;
    if (chunk_size_good)
        (void)snap_layout_init(&store->layout, header->chunk_sectors, size_bytes / SNAP_SECTOR_BYTES, NULL);
    if (header->valid == 0)
        return SNAP_HEADER_INVALID;
    if (!chunk_size_good)
        return SNAP_HEADER_CHUNK_SIZE;
    return snap_layout_areas_on_device(&store->layout) == 0 ? SNAP_HEADER_NO_AREA : SNAP_HEADER_GOOD;
}

bool snap_header_is_store(const struct snap_store *store)
{
    return store->defect != SNAP_HEADER_TOO_SMALL && store->defect != SNAP_HEADER_EMPTY &&
           store->defect != SNAP_HEADER_MAGIC;
}

bool snap_header_has_list(const struct snap_store *store)
{
    return store->defect == SNAP_HEADER_GOOD ||
           (store->defect == SNAP_HEADER_INVALID && store->layout.chunk_sectors != 0 &&
            snap_layout_areas_on_device(&store->layout) > 0);
}

void snap_header_take_fingerprint(struct snap_store *store, const uint8_t sector[SNAP_FINGERPRINT_BYTES])
{
    struct snap_fingerprint *fingerprint = &store->fingerprint;

    store->fingerprint_state = snap_codec_decode_fingerprint(sector, fingerprint);
    store->fingerprint_room = store->fingerprint_state != SNAP_FINGERPRINT_NEWER &&
                              (store->fingerprint_state != SNAP_FINGERPRINT_NONE ||
                               snap_all_zero(sector, SNAP_FINGERPRINT_BYTES));
    if (store->identity_state != SNAP_IDENTITY_OK ||
        (store->fingerprint_state == SNAP_FINGERPRINT_OK &&
         memcmp(fingerprint->store_id, store->identity.store_id, sizeof fingerprint->store_id) != 0))
        store->fingerprint_state = SNAP_FINGERPRINT_NONE;
    else if (fingerprint->samples > snap_fingerprint_samples(store->identity.origin_sectors))
        store->fingerprint_state = SNAP_FINGERPRINT_DAMAGED; /* its samples cannot be of that origin */
    if (store->fingerprint_state != SNAP_FINGERPRINT_OK)
        memset(fingerprint, 0, sizeof *fingerprint);
}

/*
 * The header's sector, and the one behind it if it can be read: *length_bytes is what was. Where the two cannot be read
 * together, each is tried by itself: what follows the header may be somebody's data and must not stand in its way, and
 * a fingerprint that was overlooked would not be masked by a merge.
 */
static enum snap_status read_sectors(struct snap_io *io, uint8_t *sectors, uint64_t *length_bytes,
                                     struct snap_error *err)
{
    enum snap_status status;

    *length_bytes = snap_min(io->size_bytes, SNAP_FINGERPRINT_OFFSET_BYTES + SNAP_FINGERPRINT_BYTES);
    if (*length_bytes > SNAP_HEADER_SECTOR_BYTES && snap_io_read(io, 0, *length_bytes, sectors, NULL) == SNAP_OK)
        return SNAP_OK;
    status = snap_io_read(io, 0, SNAP_HEADER_SECTOR_BYTES, sectors, err);
    if (status != SNAP_OK || *length_bytes <= SNAP_FINGERPRINT_OFFSET_BYTES ||
        snap_io_read(io, SNAP_FINGERPRINT_OFFSET_BYTES, *length_bytes - SNAP_FINGERPRINT_OFFSET_BYTES,
                     sectors + SNAP_FINGERPRINT_OFFSET_BYTES, NULL) != SNAP_OK)
        *length_bytes = SNAP_HEADER_SECTOR_BYTES;
    return status;
}

enum snap_status snap_header_read(struct snap_store *store, struct snap_io *io, struct snap_error *err)
{
    uint8_t *sectors;
    uint64_t length_bytes;
    enum snap_status status;

    memset(store, 0, sizeof *store);
    store->io = io;
    store->defect = SNAP_HEADER_TOO_SMALL;
    if (io->size_bytes < SNAP_HEADER_SECTOR_BYTES)
        return SNAP_OK;
    sectors = snap_buffer_new(SNAP_FINGERPRINT_OFFSET_BYTES + SNAP_FINGERPRINT_BYTES);
    if (!sectors)
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory reading the header", io->name);
    status = read_sectors(io, sectors, &length_bytes, err);
    if (status == SNAP_OK) {
        snap_codec_decode_header(sectors, &store->header);
        store->identity_state = snap_codec_decode_record(sectors, &store->identity);
        store->spare_bytes = store->identity_state == SNAP_IDENTITY_NONE &&
                             !snap_all_zero(sectors + SNAP_HEADER_BYTES, SNAP_HEADER_SECTOR_BYTES - SNAP_HEADER_BYTES);
        store->defect = judge_header(store, io->size_bytes);
        if (length_bytes == SNAP_FINGERPRINT_OFFSET_BYTES + SNAP_FINGERPRINT_BYTES &&
            store->layout.chunk_bytes >= length_bytes)
            snap_header_take_fingerprint(store, sectors + SNAP_FINGERPRINT_OFFSET_BYTES);
    }
    snap_buffer_free(sectors);
    return status;
}

enum snap_status snap_header_fail_defect(const struct snap_store *store, struct snap_error *err)
{
    const char *name = store->io->name;

    switch (store->defect) {
    case SNAP_HEADER_GOOD:
        return SNAP_OK;
    case SNAP_HEADER_TOO_SMALL:
        return snap_fail(err, SNAP_E_NOT_STORE, "%s: not a snapshot store: %" PRIu64 " %s, too small for a header; if "
                         "it was a store, it was cut: copy it once more from where it is whole",
                         name, store->io->size_bytes, snap_text_form(store->io->size_bytes, "byte", "bytes"));
    case SNAP_HEADER_EMPTY:
        return snap_fail(err, SNAP_E_NOT_STORE,
                         "%s: not a snapshot store: the first 4 bytes are zero, expected the magic \"SnAp\"", name);
    case SNAP_HEADER_MAGIC:
        return snap_fail(err, SNAP_E_NOT_STORE,
                         "%s: not a snapshot store: magic 0x%08" PRIx32 " at byte 0, expected 0x%08x (\"SnAp\")", name,
                         store->header.magic, SNAP_MAGIC);
    case SNAP_HEADER_VERSION:
        return snap_fail(err, SNAP_E_VERSION, "%s: header: disk version %" PRIu32 " at byte 8, expected %u: no other "
                         "version is known here", name,
                         store->header.version, SNAP_DISK_VERSION);
    case SNAP_HEADER_INVALID:
        return snap_fail(err, SNAP_E_INVALID,
                         "%s: header: the store is marked invalid (valid is 0 at byte 4, expected 1): "
                         "it overflowed or met an I/O error, and misses origin data since then",
                         name);
    case SNAP_HEADER_CHUNK_SIZE:
        return snap_fail(err, SNAP_E_CORRUPT,
                         "%s: header: chunk size of %" PRIu32
                         " sectors at byte 12, expected a power of two from 1 to %u: the header is damaged",
                         name, store->header.chunk_sectors, SNAP_CHUNK_SECTORS_MAX);
    case SNAP_HEADER_NO_AREA:
        return snap_fail(err, SNAP_E_CORRUPT,
                         "%s: header: with chunks of %" PRIu32 " %s, metadata area 0 ends at sector %" PRIu64
                         ", but the device has %" PRIu64 " %s, so it was cut, or copied in part: copy it once more "
                         "from where it is whole",
                         name, store->header.chunk_sectors,
                         snap_text_form(store->header.chunk_sectors, "sector", "sectors"),
                         (uint64_t)store->header.chunk_sectors * 2, store->layout.cow_sectors,
                         snap_text_form(store->layout.cow_sectors, "sector", "sectors"));
    }
    return snap_fail(err, SNAP_E_INTERNAL, "%s: unknown header defect", name);
}

enum snap_status snap_header_open(struct snap_store *store, struct snap_io *io, struct snap_error *err)
{
    enum snap_status status = snap_header_read(store, io, err);

    return status == SNAP_OK ? snap_header_fail_defect(store, err) : status;
}

uint64_t snap_header_unit_bytes(const struct snap_store *store)
{
    return snap_min(snap_max(SNAP_SECTOR_BYTES, store->io->logical_block_bytes), store->layout.chunk_bytes);
}
