/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the header of a metadata area, and the text that it names out of a ring of bytes. */
#include "lib/lvm/area.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "lib/lvm/checksum_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The header is the area's first sector, the rest of the area is a ring for the text. */
#define HEADER_BYTES 512u
#define MAGIC " LVM2 x[5A%r0N*>"
#define VERSION 1u
#define CRC_FROM 4 /* to the end of the header */
#define MAGIC_AT 4
#define VERSION_AT 20
#define START_AT 24
#define SIZE_AT 32
/* The first location is the text in force. The second is used while LVM commits, the others never. */
#define LOCATION_AT 40
#define LOCATION_SIZE_AT 48
#define LOCATION_CRC_AT 56
#define LOCATION_FLAGS_AT 60
#define LOCATION_IGNORED 1u

/* Where a text stands, counted from the begin of its area. */
struct location {
    uint64_t area_bytes;
    uint64_t offset_bytes;
    uint64_t length_bytes;
    uint32_t crc;
};

static enum snap_status check_header(const uint8_t *header, const struct snap_label_range *range,
                                     const struct snap_io *io, struct snap_error *err)
{
    const uint32_t named_crc = snap_get_le32(header), version = snap_get_le32(header + VERSION_AT);
    const uint32_t found_crc = snap_checksum(header + CRC_FROM, HEADER_BYTES - CRC_FROM);
    const uint64_t start_bytes = snap_get_le64(header + START_AT), size_bytes = snap_get_le64(header + SIZE_AT);

    if (memcmp(header + MAGIC_AT, MAGIC, strlen(MAGIC)) != 0)
        return snap_fail(err, SNAP_E_CORRUPT,
                         "%s: LVM metadata area at byte %" PRIu64 ": its header does not begin as one does", io->name,
                         range->offset_bytes);
    if (found_crc != named_crc)
        return snap_fail(err, SNAP_E_CORRUPT,
                         "%s: LVM metadata area at byte %" PRIu64 ": its header is damaged: its checksum is 0x%08"
                         PRIx32 ", expected 0x%08" PRIx32, io->name, range->offset_bytes, found_crc, named_crc);
    if (version != VERSION)
        return snap_fail(err, SNAP_E_CORRUPT,
                         "%s: LVM metadata area at byte %" PRIu64 ": its header has version %" PRIu32 ", expected %u",
                         io->name, range->offset_bytes, version, VERSION);
    if (start_bytes != range->offset_bytes)
        return snap_fail(err, SNAP_E_CORRUPT,
                         "%s: LVM metadata area at byte %" PRIu64 ": its header says that it begins at byte %" PRIu64,
                         io->name, range->offset_bytes, start_bytes);
    if (size_bytes <= HEADER_BYTES || !snap_range_fits(start_bytes, size_bytes, io->size_bytes))
        return snap_fail(err, SNAP_E_CORRUPT,
                         "%s: LVM metadata area at byte %" PRIu64 ": its header says that it has %" PRIu64
                         " bytes, expected from %u to %" PRIu64, io->name, range->offset_bytes, size_bytes,
                         HEADER_BYTES + 1, io->size_bytes - start_bytes);
    return SNAP_OK;
}

static enum snap_status check_location(const struct location *location, const struct snap_label_range *range,
                                       const struct snap_io *io, struct snap_error *err)
{
    const uint64_t ring_bytes = location->area_bytes - HEADER_BYTES;

    if (location->offset_bytes < HEADER_BYTES || location->offset_bytes >= location->area_bytes ||
        location->length_bytes == 0 || location->length_bytes > ring_bytes)
        return snap_fail(err, SNAP_E_CORRUPT,
                         "%s: LVM metadata area at byte %" PRIu64 ": its text begins at byte %" PRIu64
                         " of it and has %" PRIu64 " bytes, but the area has only %" PRIu64 " bytes",
                         io->name, range->offset_bytes, location->offset_bytes, location->length_bytes,
                         location->area_bytes);
    if (location->length_bytes > SNAP_AREA_TEXT_BYTES_MAX)
        return snap_fail(err, SNAP_E_CORRUPT,
                         "%s: LVM metadata area at byte %" PRIu64 ": its text has %" PRIu64
                         " bytes, expected at most %" PRIu64, io->name, range->offset_bytes, location->length_bytes,
                         SNAP_AREA_TEXT_BYTES_MAX);
    return SNAP_OK;
}

/* What does not fit behind the place where the text begins stands behind the header. */
static enum snap_status read_ring(struct snap_io *io, const struct snap_label_range *range,
                                  const struct location *location, char *text, struct snap_error *err)
{
    const uint64_t to_end_bytes = location->area_bytes - location->offset_bytes;
    const uint64_t first_bytes = snap_min(location->length_bytes, to_end_bytes);
    enum snap_status status =
        snap_io_read(io, range->offset_bytes + location->offset_bytes, first_bytes, text, err);

    if (status == SNAP_OK && first_bytes < location->length_bytes)
        status = snap_io_read(io, range->offset_bytes + HEADER_BYTES, location->length_bytes - first_bytes,
                              text + first_bytes, err);
    return status;
}

static enum snap_status read_text(struct snap_io *io, const struct snap_label_range *range,
                                  const struct location *location, struct snap_area *area, struct snap_error *err)
{
    enum snap_status status;
    uint32_t crc;

    area->text = calloc(1, (size_t)location->length_bytes + 1);
    if (!area->text)
        return snap_fail(err, SNAP_E_NOMEM, "%s: no memory for LVM metadata of %" PRIu64 " bytes", io->name,
                         location->length_bytes);
    status = read_ring(io, range, location, area->text, err);
    if (status != SNAP_OK)
        return status;
    area->text_at_bytes = range->offset_bytes + location->offset_bytes;
    area->wraps = location->length_bytes > location->area_bytes - location->offset_bytes;
    crc = snap_checksum((const uint8_t *)area->text, location->length_bytes);
    if (crc != location->crc)
        return snap_fail(err, SNAP_E_CORRUPT,
                         "%s: LVM metadata text at byte %" PRIu64 " is damaged: its checksum is 0x%08" PRIx32
                         ", expected 0x%08" PRIx32, io->name, area->text_at_bytes, crc, location->crc);
    area->length_bytes = location->length_bytes;
    if (area->text[area->length_bytes - 1] == '\0') /* LVM counts the one behind the text */
        area->length_bytes--;
    if (strlen(area->text) != area->length_bytes)
        return snap_fail(err, SNAP_E_CORRUPT, "%s: LVM metadata text at byte %" PRIu64 " has a NUL in its byte %zu",
                         io->name, area->text_at_bytes, strlen(area->text));
    return SNAP_OK;
}

enum snap_status snap_area_read(struct snap_io *io, const struct snap_label_range *range, struct snap_area *area,
                                struct snap_error *err)
{
    uint8_t header[HEADER_BYTES];
    struct location location;
    enum snap_status status;

    *area = (struct snap_area){.text = NULL};
    if (!snap_range_fits(range->offset_bytes, HEADER_BYTES, io->size_bytes))
        return snap_fail(err, SNAP_E_CORRUPT,
                         "%s: LVM metadata area at byte %" PRIu64 " does not fit on the device, which has %" PRIu64
                         " bytes", io->name, range->offset_bytes, io->size_bytes);
    status = snap_io_read(io, range->offset_bytes, HEADER_BYTES, header, err);
    if (status == SNAP_OK)
        status = check_header(header, range, io, err);
    if (status != SNAP_OK)
        return status;
    area->ignored = (snap_get_le32(header + LOCATION_FLAGS_AT) & LOCATION_IGNORED) != 0;
    location = (struct location){
        .area_bytes = snap_get_le64(header + SIZE_AT),
        .offset_bytes = snap_get_le64(header + LOCATION_AT),
        .length_bytes = snap_get_le64(header + LOCATION_SIZE_AT),
        .crc = snap_get_le32(header + LOCATION_CRC_AT),
    };
    if (area->ignored || location.offset_bytes == 0)
        return SNAP_OK;
    status = check_location(&location, range, io, err);
    return status == SNAP_OK ? read_text(io, range, &location, area, err) : status;
}

void snap_area_free(struct snap_area *area)
{
    free(area->text);
    *area = (struct snap_area){.text = NULL};
}
