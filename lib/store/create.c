/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Buffers data and areas in memory, and writes the header last. */
#include "lib/store/create.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/base/text.h"
#include "lib/store/fingerprint.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DATA_BYTES_MAX (4u << 20)
#define PIECE_BYTES_MAX (1u << 20)
#define FIRST_SECTORS_BYTES (SNAP_FINGERPRINT_OFFSET_BYTES + SNAP_FINGERPRINT_BYTES)

struct snap_create {
    struct snap_io *cow;
    struct snap_layout layout;
    uint64_t capacity;
    uint64_t entries;
    uint8_t *data;              /* chunks that follow one another on the COW, not yet written */
    uint64_t data_room_chunks;
    uint64_t data_first_chunk;
    uint64_t data_chunks;
    uint8_t *piece;             /* the piece of the current area that takes the next entry */
    uint64_t piece_bytes;       /* min(chunk, PIECE_BYTES_MAX) */
};

static uint64_t block_bytes(const struct snap_create *create)
{
    return snap_max(create->cow->logical_block_bytes, SNAP_HEADER_SECTOR_BYTES);
}

/* The header's sector and the next one as far as the block has it; NULL: zeros. */
static enum snap_status write_first_block(struct snap_create *create, const uint8_t *sectors, struct snap_error *err)
{
    uint8_t *block = snap_buffer_new(block_bytes(create));
    enum snap_status status;

    if (!block)
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for the header", create->cow->name);
    if (sectors)
        memcpy(block, sectors, (size_t)snap_min(block_bytes(create), FIRST_SECTORS_BYTES));
    status = snap_io_write(create->cow, 0, block_bytes(create), block, err);
    snap_buffer_free(block);
    return status == SNAP_OK ? snap_io_flush(create->cow, err) : status;
}

/* What else is in chunk 0, as the kernel clears it too: the superblock of an old file system, say. */
static enum snap_status clear_header_chunk(struct snap_create *create, struct snap_error *err)
{
    const uint64_t chunk_bytes = create->layout.chunk_bytes;
    enum snap_status status = SNAP_OK;

    for (uint64_t at = block_bytes(create); at < chunk_bytes && status == SNAP_OK;) {
        const uint64_t step = snap_min(chunk_bytes - at, DATA_BYTES_MAX);

        status = snap_io_write(create->cow, at, step, create->data, err); /* still all zeros */
        at += step;
    }
    return status;
}

enum snap_status snap_create_begin(struct snap_create **result, struct snap_io *cow, const struct snap_layout *layout,
                                   struct snap_error *err)
{
    struct snap_create *create;
    enum snap_status status;

    *result = NULL;
    if (snap_layout_areas_on_device(layout) == 0)
        return snap_fail(err, SNAP_E_REFUSED,
                         "%s: %" PRIu64 " sectors are too few for a store with chunks of %" PRIu32
                         " sectors, which needs at least 3 chunks",
                         cow->name, layout->cow_sectors, layout->chunk_sectors);
    if (layout->chunk_bytes % cow->logical_block_bytes != 0)
        return snap_fail(err, SNAP_E_REFUSED,
                         "%s: chunks of %" PRIu64 " bytes on a device with blocks of %" PRIu32
                         " bytes: the kernel refuses that",
                         cow->name, layout->chunk_bytes, cow->logical_block_bytes);
    create = calloc(1, sizeof *create);
    if (create) {
        create->cow = cow;
        create->layout = *layout;
        create->capacity = snap_layout_capacity_entries(layout);
        create->data_room_chunks = snap_max(DATA_BYTES_MAX / layout->chunk_bytes, 1);
        create->data = snap_buffer_new(create->data_room_chunks * layout->chunk_bytes);
        create->piece_bytes = snap_min(layout->chunk_bytes, PIECE_BYTES_MAX);
        create->piece = snap_buffer_new(create->piece_bytes);
    }
    if (!create || !create->data || !create->piece) {
        snap_create_close(create);
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for chunks of %" PRIu64 " bytes", cow->name,
                         layout->chunk_bytes);
    }
    status = write_first_block(create, NULL, err); /* an old header must not outlive what follows */
    if (status == SNAP_OK)
        status = clear_header_chunk(create, err);
    if (status != SNAP_OK) {
        snap_create_close(create);
        return status;
    }
    *result = create;
    return SNAP_OK;
}

static enum snap_status write_data(struct snap_create *create, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    if (create->data_chunks > 0)
        status = snap_io_write(create->cow, create->data_first_chunk * create->layout.chunk_bytes,
                               create->data_chunks * create->layout.chunk_bytes, create->data, err);
    create->data_chunks = 0;
    return status;
}

/* The piece that holds `index`, as it stands in memory. */
static enum snap_status write_piece(struct snap_create *create, uint64_t index, struct snap_error *err)
{
    const uint64_t in_area_bytes = index % create->layout.entries_per_area * SNAP_ENTRY_BYTES;
    const uint64_t area = index / create->layout.entries_per_area;

    return snap_io_write(create->cow,
                         snap_layout_area_chunk(&create->layout, area) * create->layout.chunk_bytes +
                         snap_round_down(in_area_bytes, create->piece_bytes),
                         create->piece_bytes, create->piece, err);
}

enum snap_status snap_create_add(struct snap_create *create, uint64_t old_chunk, const void *data,
                                 struct snap_error *err)
{
    const struct snap_entry entry = {
        .old_chunk = old_chunk,
        .new_chunk = snap_layout_canonical_chunk(&create->layout, create->entries),
    };
    const uint64_t in_piece_bytes = create->entries * SNAP_ENTRY_BYTES % create->piece_bytes;
    enum snap_status status = SNAP_OK;

    if (create->entries == create->capacity)
        return snap_fail(err, SNAP_E_NOSPC, "%s: full after %" PRIu64 " %s; the difference is larger",
                         create->cow->name, create->entries, snap_text_form(create->entries, "entry", "entries"));
    if (create->data_chunks == create->data_room_chunks ||
        create->data_first_chunk + create->data_chunks != entry.new_chunk)
        status = write_data(create, err);
    if (status != SNAP_OK)
        return status;
    if (create->data_chunks == 0)
        create->data_first_chunk = entry.new_chunk;
    memcpy(create->data + create->data_chunks++ * create->layout.chunk_bytes, data, (size_t)create->layout.chunk_bytes);

    snap_codec_encode_entry(&entry, create->piece + in_piece_bytes);
    create->entries++;
    if (in_piece_bytes + SNAP_ENTRY_BYTES == create->piece_bytes) {
        status = write_piece(create, create->entries - 1, err);
        memset(create->piece, 0, (size_t)create->piece_bytes);
    }
    return status;
}

/* The rest of the area that takes the next entry: the begun piece, then zeros (a fresh area where the last is full). */
static enum snap_status write_last_area(struct snap_create *create, struct snap_error *err)
{
    const uint64_t piece_entries = create->piece_bytes / SNAP_ENTRY_BYTES;
    uint64_t index = snap_round_down(create->entries, piece_entries);
    enum snap_status status = SNAP_OK;

    do {
        status = write_piece(create, index, err);
        memset(create->piece, 0, (size_t)create->piece_bytes);
        index += piece_entries;
    } while (status == SNAP_OK && index % create->layout.entries_per_area != 0);
    return status;
}

/*
 * An older store may have left areas that would look like a continuation of the new list (rule list-cut). Its areas
 * are in one row: the first that does not begin as one ends the search.
 */
static enum snap_status clear_old_areas(struct snap_create *create, struct snap_error *err)
{
    const uint64_t unit_bytes = block_bytes(create) < create->piece_bytes ? block_bytes(create) : create->piece_bytes;
    const uint64_t areas = snap_layout_areas_on_device(&create->layout);
    uint64_t area = snap_layout_area_behind(&create->layout, create->entries);
    enum snap_status status = SNAP_OK;

    for (; area < areas && status == SNAP_OK; area++) {
        const uint64_t offset_bytes = snap_layout_area_chunk(&create->layout, area) * create->layout.chunk_bytes;
        struct snap_entry entry;

        status = snap_io_read(create->cow, offset_bytes, unit_bytes, create->piece, err);
        if (status != SNAP_OK)
            break;
        snap_codec_decode_entry(create->piece, &entry);
        if (entry.new_chunk != snap_layout_canonical_chunk(&create->layout, area * create->layout.entries_per_area))
            break;
        memset(create->piece, 0, (size_t)unit_bytes);
        status = snap_io_write(create->cow, offset_bytes, unit_bytes, create->piece, err);
    }
    memset(create->piece, 0, (size_t)unit_bytes);
    return status;
}

/* The fingerprint with the samples masked that the list touches. The list is on the device, its header is not. */
static enum snap_status mask_listed(const struct snap_create *create, const struct snap_header *header,
                                    const struct snap_identity *identity, struct snap_fingerprint *fingerprint,
                                    struct snap_error *err)
{
    const struct snap_store store = {.io = create->cow, .header = *header, .layout = create->layout};
    uint8_t listed[sizeof fingerprint->mask];
    enum snap_status status;

    if (create->entries == 0)
        return SNAP_OK;
    status = snap_fingerprint_find_listed(&store, fingerprint, identity->origin_sectors, listed, err);
    for (size_t i = 0; i < sizeof listed && status == SNAP_OK; i++)
        fingerprint->mask[i] |= listed[i];
    return status;
}

/* Fills in the second sector, and writes it, unless it goes with the header in one block. */
static enum snap_status put_fingerprint(struct snap_create *create, const struct snap_header *header,
                                        const struct snap_identity *identity,
                                        struct snap_fingerprint *fingerprint, uint8_t *sectors,
                                        struct snap_error *err)
{
    enum snap_status status;

    if (!identity || create->layout.chunk_bytes < FIRST_SECTORS_BYTES)
        return snap_fail(err, SNAP_E_INTERNAL, "%s: there is no place for a fingerprint", create->cow->name);
    status = mask_listed(create, header, identity, fingerprint, err);
    if (status != SNAP_OK)
        return status;
    snap_codec_encode_fingerprint(fingerprint, sectors + SNAP_FINGERPRINT_OFFSET_BYTES);
    if (block_bytes(create) >= FIRST_SECTORS_BYTES)
        return SNAP_OK;
    return snap_io_write(create->cow, SNAP_FINGERPRINT_OFFSET_BYTES, SNAP_FINGERPRINT_BYTES,
                         sectors + SNAP_FINGERPRINT_OFFSET_BYTES, err);
}

enum snap_status snap_create_finish(struct snap_create *create, const struct snap_identity *identity,
                                    struct snap_fingerprint *fingerprint, struct snap_error *err)
{
    const struct snap_header header = {
        .magic = SNAP_MAGIC,
        .valid = 1,
        .version = SNAP_DISK_VERSION,
        .chunk_sectors = create->layout.chunk_sectors,
    };
    uint8_t sectors[FIRST_SECTORS_BYTES] = {0};
    enum snap_status status = write_data(create, err);

    if (status == SNAP_OK)
        status = write_last_area(create, err);
    if (status == SNAP_OK)
        status = clear_old_areas(create, err);
    if (status == SNAP_OK && fingerprint)
        status = put_fingerprint(create, &header, identity, fingerprint, sectors, err);
    if (status == SNAP_OK)
        status = snap_io_flush(create->cow, err); /* before the header: it makes all of this count */
    if (status != SNAP_OK)
        return status;
    snap_codec_encode_header(&header, sectors);
    if (identity)
        snap_codec_encode_record(identity, sectors);
    return write_first_block(create, sectors, err);
}

enum snap_status snap_create_wipe(struct snap_create *create, uint64_t offset_bytes, struct snap_error *err)
{
    const uint64_t start_bytes = snap_round_down(offset_bytes, block_bytes(create));

    if (!snap_range_fits(start_bytes, block_bytes(create), create->cow->size_bytes))
        return SNAP_OK; /* in the unused end of an image */
    /* The piece is at least a block, since the chunk is, and nothing was added to it yet. */
    memset(create->piece, 0, (size_t)create->piece_bytes);
    return snap_io_write(create->cow, start_bytes, block_bytes(create), create->piece, err);
}

uint64_t snap_create_entries(const struct snap_create *create)
{
    return create->entries;
}

void snap_create_close(struct snap_create *create)
{
    if (!create)
        return;
    snap_buffer_free(create->data);
    snap_buffer_free(create->piece);
    free(create);
}
