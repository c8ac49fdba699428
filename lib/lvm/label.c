/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the label of a physical volume in its first sectors, and decodes it within its sector. */
#include "lib/lvm/label.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "lib/lvm/checksum_private.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#define SECTORS 4u /* LVM writes the second one; it takes any of these */
#define ID_LETTERS (SNAP_LABEL_ID_BYTES - 1)

/* The sector of the label; all numbers are little endian. */
#define LABEL_MAGIC "LABELONE"
#define LABEL_TYPE "LVM2 001"
#define LABEL_SECTOR_AT 8
#define LABEL_CRC_AT 16
#define LABEL_CRC_FROM 20 /* to the end of the sector */
#define LABEL_CONTENT_AT 20
#define LABEL_TYPE_AT 24
#define LABEL_HEAD_BYTES 32

/* What the label's content begins with; lists of ranges follow, each ended by one of zeros. */
#define PV_SIZE_AT 32
#define PV_LISTS_AT 40
#define RANGE_BYTES 16

static bool is_id_letter(char letter)
{
    return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           letter == '!' || letter == '#';
}

/* Behind which letters a dash stands. */
static const unsigned group_ends[] = {6, 10, 14, 18, 22, 26};

struct snap_label_id_text snap_label_id_text(const char id[SNAP_LABEL_ID_BYTES])
{
    struct snap_label_id_text made = {.text = ""};
    unsigned group = 0, length = 0;

    for (unsigned i = 0; i < ID_LETTERS && id[i]; i++) {
        if (group < 6 && i == group_ends[group]) {
            made.text[length++] = '-';
            group++;
        }
        made.text[length++] = id[i];
    }
    return made;
}

bool snap_label_plain_id(const char *text, char id[SNAP_LABEL_ID_BYTES])
{
    unsigned group = 0, length = 0;

    memset(id, 0, SNAP_LABEL_ID_BYTES);
    for (; *text && length < ID_LETTERS; text++) {
        if (group < 6 && length == group_ends[group]) {
            if (*text != '-')
                return false;
            group++;
        } else if (is_id_letter(*text)) {
            id[length++] = *text;
        } else {
            return false;
        }
    }
    return !*text && length == ID_LETTERS;
}

/* A position in the label's sector; `at` never passes the end. */
struct cursor {
    const uint8_t *sector;
    uint64_t at;
};

static bool take_range(struct cursor *cursor, struct snap_label_range *range)
{
    if (!snap_range_fits(cursor->at, RANGE_BYTES, SNAP_SECTOR_BYTES))
        return false;
    range->offset_bytes = snap_get_le64(cursor->sector + cursor->at);
    range->length_bytes = snap_get_le64(cursor->sector + cursor->at + 8);
    cursor->at += RANGE_BYTES;
    return true;
}

static enum snap_status take_ranges(struct cursor *cursor, struct snap_label_ranges *ranges, const char *what,
                                    const struct snap_io *io, struct snap_error *err)
{
    struct snap_label_range range;

    for (ranges->count = 0;; ranges->range[ranges->count++] = range) {
        if (!take_range(cursor, &range))
            return snap_fail(err, SNAP_E_CORRUPT,
                             "%s: LVM label: the list of %s areas does not end inside of the label's sector", io->name,
                             what);
        if (range.offset_bytes == 0)
            return SNAP_OK;
        if (ranges->count == SNAP_LABEL_RANGES_MAX)
            return snap_fail(err, SNAP_E_CORRUPT, "%s: LVM label: more than %u %s areas", io->name,
                             SNAP_LABEL_RANGES_MAX, what);
        if (!snap_range_fits(range.offset_bytes, range.length_bytes, io->size_bytes))
            return snap_fail(err, SNAP_E_CORRUPT,
                             "%s: LVM label: a %s area begins at byte %" PRIu64 " and has %" PRIu64
                             " bytes, but the device has only %" PRIu64 " bytes",
                             io->name, what, range.offset_bytes, range.length_bytes, io->size_bytes);
    }
}

/* LVM before 2.02.99 ends a label here, with zeros behind it. */
static enum snap_status take_extension(struct cursor *cursor, struct snap_label *label, const struct snap_io *io,
                                       struct snap_error *err)
{
    if (!snap_range_fits(cursor->at, 8, SNAP_SECTOR_BYTES))
        return SNAP_OK;
    label->extension_version = snap_get_le32(cursor->sector + cursor->at);
    if (label->extension_version == 0)
        return SNAP_OK;
    label->extension_flags = snap_get_le32(cursor->sector + cursor->at + 4);
    cursor->at += 8;
    return take_ranges(cursor, &label->loader, "boot loader", io, err);
}

static enum snap_status decode(const uint8_t *sector, struct snap_label *label, const struct snap_io *io,
                               struct snap_error *err)
{
    const uint32_t content_at = snap_get_le32(sector + LABEL_CONTENT_AT);
    struct cursor cursor = {.sector = sector, .at = (uint64_t)content_at + PV_LISTS_AT};
    enum snap_status status;

    if (content_at < LABEL_HEAD_BYTES || !snap_range_fits(content_at, PV_LISTS_AT, SNAP_SECTOR_BYTES))
        return snap_fail(err, SNAP_E_CORRUPT,
                         "%s: LVM label: its content begins at byte %" PRIu32 " of its sector, expected from %d to %u",
                         io->name, content_at, LABEL_HEAD_BYTES, SNAP_SECTOR_BYTES - PV_LISTS_AT);
    for (unsigned i = 0; i < ID_LETTERS; i++) {
        label->id[i] = (char)sector[content_at + i];
        if (!is_id_letter(label->id[i]))
            return snap_fail(err, SNAP_E_CORRUPT,
                             "%s: LVM label: byte %u of the volume's id is 0x%02x, which no id has", io->name, i,
                             sector[content_at + i]);
    }
    label->device_bytes = snap_get_le64(sector + content_at + PV_SIZE_AT);
    status = take_ranges(&cursor, &label->data, "data", io, err);
    if (status == SNAP_OK)
        status = take_ranges(&cursor, &label->metadata, "metadata", io, err);
    return status == SNAP_OK ? take_extension(&cursor, label, io, err) : status;
}

/* One sector that begins as a label does. */
static enum snap_status read_sector(const uint8_t *sector, uint64_t number, struct snap_label *label,
                                    const struct snap_io *io, struct snap_error *err)
{
    const uint64_t own_number = snap_get_le64(sector + LABEL_SECTOR_AT);
    const uint32_t named_crc = snap_get_le32(sector + LABEL_CRC_AT);
    const uint32_t found_crc = snap_checksum(sector + LABEL_CRC_FROM, SNAP_SECTOR_BYTES - LABEL_CRC_FROM);

    *label = (struct snap_label){.sector = number};
    if (found_crc != named_crc)
        return snap_fail(err, SNAP_E_CORRUPT,
                         "%s: LVM label in sector %" PRIu64 " is damaged: its checksum is 0x%08" PRIx32
                         ", expected 0x%08" PRIx32, io->name, number, found_crc, named_crc);
    if (own_number != number)
        return snap_fail(err, SNAP_E_CORRUPT,
                         "%s: the LVM label in sector %" PRIu64 " says that it belongs to sector %" PRIu64
                         ": the device does not begin where the physical volume began", io->name, number, own_number);
    if (memcmp(sector + LABEL_TYPE_AT, LABEL_TYPE, strlen(LABEL_TYPE)) != 0)
        return snap_fail(err, SNAP_E_CORRUPT, "%s: the LVM label in sector %" PRIu64 " is not of type \"%s\"",
                         io->name, number, LABEL_TYPE);
    return decode(sector, label, io, err);
}

static bool labels_agree(const uint8_t *one, const uint8_t *other)
{
    return memcmp(one + LABEL_CRC_FROM, other + LABEL_CRC_FROM, SNAP_SECTOR_BYTES - LABEL_CRC_FROM) == 0;
}

enum snap_status snap_label_read(struct snap_io *io, struct snap_label *label, struct snap_error *err)
{
    uint8_t bytes[SECTORS * SNAP_SECTOR_BYTES] = {0};
    const uint64_t length_bytes = snap_min(io->size_bytes, sizeof bytes);
    const uint8_t *sound = NULL;
    struct snap_error reason = {.status = SNAP_OK}; /* of the first damaged one */
    enum snap_status status = snap_io_read(io, 0, length_bytes, bytes, err);

    if (status != SNAP_OK)
        return status;
    /* Where one is damaged and another sound, the sound one counts: LVM passes over the damaged one, too. */
    for (uint64_t number = 0; number < SECTORS; number++) {
        const uint8_t *sector = bytes + number * SNAP_SECTOR_BYTES;
        struct snap_label found;

        if (memcmp(sector, LABEL_MAGIC, strlen(LABEL_MAGIC)) != 0)
            continue;
        if (read_sector(sector, number, &found, io, reason.status == SNAP_OK ? &reason : NULL) != SNAP_OK)
            continue;
        if (sound && !labels_agree(sound, sector))
            return snap_fail(err, SNAP_E_REFUSED,
                             "%s: two LVM labels that differ, in sectors %" PRIu64 " and %" PRIu64, io->name,
                             label->sector, number);
        if (!sound)
            *label = found;
        sound = sound ? sound : sector;
    }
    if (sound)
        return SNAP_OK;
    if (reason.status != SNAP_OK)
        return snap_fail(err, reason.status, "%s", reason.text);
    return snap_fail(err, SNAP_E_NOENT, "%s: no LVM label in its first %u sectors: it is no physical volume", io->name,
                     SECTORS);
}
