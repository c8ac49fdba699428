/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The offsets of the fields of header, entry, identity record and fingerprint. */
#include "lib/store/codec.h"

#include "lib/base/bytes.h"
#include "lib/base/crc32c.h"
#include "lib/base/text.h"

#include <stddef.h>
#include <string.h>

void snap_codec_decode_header(const uint8_t bytes[SNAP_HEADER_BYTES], struct snap_header *header)
{
    header->magic = snap_get_le32(bytes);
    header->valid = snap_get_le32(bytes + 4);
    header->version = snap_get_le32(bytes + 8);
    header->chunk_sectors = snap_get_le32(bytes + 12);
}

void snap_codec_encode_header(const struct snap_header *header, uint8_t bytes[SNAP_HEADER_BYTES])
{
    snap_put_le32(bytes, header->magic);
    snap_put_le32(bytes + 4, header->valid);
    snap_put_le32(bytes + 8, header->version);
    snap_put_le32(bytes + 12, header->chunk_sectors);
}

void snap_codec_decode_entry(const uint8_t bytes[SNAP_ENTRY_BYTES], struct snap_entry *entry)
{
    entry->old_chunk = snap_get_le64(bytes);
    entry->new_chunk = snap_get_le64(bytes + 8);
}

void snap_codec_encode_entry(const struct snap_entry *entry, uint8_t bytes[SNAP_ENTRY_BYTES])
{
    snap_put_le64(bytes, entry->old_chunk);
    snap_put_le64(bytes + 8, entry->new_chunk);
}

/* The fields of version 1 of the record, by their offset in the sector. */
enum {
    RECORD_MARK = 16,
    RECORD_VERSION = 24,
    RECORD_LENGTH = 26,
    RECORD_CRC = 28,
    RECORD_STORE_ID = 32,
    RECORD_ORIGIN_SECTORS = 48,
    RECORD_CREATED = 56,
    RECORD_CHUNK_SECTORS = 64,
    RECORD_FLAGS = 68,
    RECORD_PARENT_ID = 72,
    RECORD_UNDO_ID = 456,
    RECORD_START = 16,
    RECORD_BYTES = 480,
    RECORD_VERSION_KNOWN = 1
};

static const uint8_t record_mark[8] = {'d', 'm', 's', 'n', 'a', 'p', 'I', 'D'};

/* The strings: where each stands in the sector and in the struct. */
static const struct {
    size_t sector_offset;
    size_t length;
    size_t struct_offset;
} record_strings[] = {
    {88, 16, offsetof(struct snap_identity, fs_type)},   {104, 40, offsetof(struct snap_identity, fs_uuid)},
    {144, 40, offsetof(struct snap_identity, uuid_sub)}, {184, 40, offsetof(struct snap_identity, ptuuid)},
    {224, 40, offsetof(struct snap_identity, partuuid)}, {264, 128, offsetof(struct snap_identity, serial)},
    {392, 64, offsetof(struct snap_identity, label)},
};

#define RECORD_STRINGS (sizeof record_strings / sizeof record_strings[0])

static uint32_t record_crc(const uint8_t sector[SNAP_HEADER_SECTOR_BYTES])
{
    uint8_t record[RECORD_BYTES];

    memcpy(record, sector + RECORD_START, sizeof record);
    snap_put_le32(record + (RECORD_CRC - RECORD_START), 0);
    return snap_crc32c(record, sizeof record);
}

enum snap_identity_state snap_codec_decode_record(const uint8_t sector[SNAP_HEADER_SECTOR_BYTES],
                                                  struct snap_identity *identity)
{
    memset(identity, 0, sizeof *identity);
    if (memcmp(sector + RECORD_MARK, record_mark, sizeof record_mark) != 0)
        return SNAP_IDENTITY_NONE;
    if (snap_get_le16(sector + RECORD_VERSION) > RECORD_VERSION_KNOWN)
        return SNAP_IDENTITY_NEWER;
    if (snap_get_le16(sector + RECORD_VERSION) != RECORD_VERSION_KNOWN ||
        snap_get_le16(sector + RECORD_LENGTH) != RECORD_BYTES ||
        snap_get_le32(sector + RECORD_CRC) != record_crc(sector))
        return SNAP_IDENTITY_DAMAGED;

    memcpy(identity->store_id, sector + RECORD_STORE_ID, sizeof identity->store_id);
    memcpy(identity->parent_id, sector + RECORD_PARENT_ID, sizeof identity->parent_id);
    memcpy(identity->undo_id, sector + RECORD_UNDO_ID, sizeof identity->undo_id);
    identity->origin_sectors = snap_get_le64(sector + RECORD_ORIGIN_SECTORS);
    identity->created_seconds = snap_get_le64(sector + RECORD_CREATED);
    identity->chunk_sectors = snap_get_le32(sector + RECORD_CHUNK_SECTORS);
    identity->flags = snap_get_le32(sector + RECORD_FLAGS);
    for (size_t i = 0; i < RECORD_STRINGS; i++) /* each struct string is one byte longer and zeroed above */
        memcpy((char *)identity + record_strings[i].struct_offset, sector + record_strings[i].sector_offset,
               record_strings[i].length);
    return SNAP_IDENTITY_OK;
}

void snap_codec_encode_record(const struct snap_identity *identity, uint8_t sector[SNAP_HEADER_SECTOR_BYTES])
{
    memset(sector + RECORD_START, 0, SNAP_HEADER_SECTOR_BYTES - RECORD_START);
    memcpy(sector + RECORD_MARK, record_mark, sizeof record_mark);
    snap_put_le16(sector + RECORD_VERSION, RECORD_VERSION_KNOWN);
    snap_put_le16(sector + RECORD_LENGTH, RECORD_BYTES);
    memcpy(sector + RECORD_STORE_ID, identity->store_id, sizeof identity->store_id);
    memcpy(sector + RECORD_PARENT_ID, identity->parent_id, sizeof identity->parent_id);
    memcpy(sector + RECORD_UNDO_ID, identity->undo_id, sizeof identity->undo_id);
    snap_put_le64(sector + RECORD_ORIGIN_SECTORS, identity->origin_sectors);
    snap_put_le64(sector + RECORD_CREATED, identity->created_seconds);
    snap_put_le32(sector + RECORD_CHUNK_SECTORS, identity->chunk_sectors);
    snap_put_le32(sector + RECORD_FLAGS, identity->flags);
    for (size_t i = 0; i < RECORD_STRINGS; i++) {
        const char *text = (const char *)identity + record_strings[i].struct_offset;

        memcpy(sector + record_strings[i].sector_offset, text, snap_text_prefix(text, record_strings[i].length));
    }
    snap_put_le32(sector + RECORD_CRC, record_crc(sector));
}

/* The fields of version 1 of the fingerprint, by their offset in its sector. */
enum {
    FINGERPRINT_MARK = 0,
    FINGERPRINT_VERSION = 8,
    FINGERPRINT_SAMPLES = 10,
    FINGERPRINT_CRC = 12,
    FINGERPRINT_STORE_ID = 16,
    FINGERPRINT_SEED = 32,
    FINGERPRINT_MASK = 40,
    FINGERPRINT_SUMS = 64,
    FINGERPRINT_VERSION_KNOWN = 1
};

static const uint8_t fingerprint_mark[8] = {'d', 'm', 's', 'n', 'a', 'p', 'F', 'P'};

static uint32_t fingerprint_crc(const uint8_t sector[SNAP_FINGERPRINT_BYTES])
{
    uint8_t copy[SNAP_FINGERPRINT_BYTES];

    memcpy(copy, sector, sizeof copy);
    snap_put_le32(copy + FINGERPRINT_CRC, 0);
    return snap_crc32c(copy, sizeof copy);
}

enum snap_fingerprint_state snap_codec_decode_fingerprint(const uint8_t sector[SNAP_FINGERPRINT_BYTES],
                                                          struct snap_fingerprint *fingerprint)
{
    memset(fingerprint, 0, sizeof *fingerprint);
    if (memcmp(sector + FINGERPRINT_MARK, fingerprint_mark, sizeof fingerprint_mark) != 0)
        return SNAP_FINGERPRINT_NONE;
    if (snap_get_le16(sector + FINGERPRINT_VERSION) > FINGERPRINT_VERSION_KNOWN)
        return SNAP_FINGERPRINT_NEWER;
    if (snap_get_le16(sector + FINGERPRINT_VERSION) != FINGERPRINT_VERSION_KNOWN ||
        snap_get_le16(sector + FINGERPRINT_SAMPLES) > SNAP_FINGERPRINT_SAMPLES_MAX ||
        snap_get_le32(sector + FINGERPRINT_CRC) != fingerprint_crc(sector))
        return SNAP_FINGERPRINT_DAMAGED;

    memcpy(fingerprint->store_id, sector + FINGERPRINT_STORE_ID, sizeof fingerprint->store_id);
    fingerprint->seed = snap_get_le64(sector + FINGERPRINT_SEED);
    fingerprint->samples = snap_get_le16(sector + FINGERPRINT_SAMPLES);
    memcpy(fingerprint->mask, sector + FINGERPRINT_MASK, sizeof fingerprint->mask);
    for (size_t i = 0; i < SNAP_FINGERPRINT_SAMPLES_MAX; i++)
        fingerprint->sums[i] = snap_get_le16(sector + FINGERPRINT_SUMS + 2 * i);
    return SNAP_FINGERPRINT_OK;
}

void snap_codec_encode_fingerprint(const struct snap_fingerprint *fingerprint, uint8_t sector[SNAP_FINGERPRINT_BYTES])
{
    memset(sector, 0, SNAP_FINGERPRINT_BYTES);
    memcpy(sector + FINGERPRINT_MARK, fingerprint_mark, sizeof fingerprint_mark);
    snap_put_le16(sector + FINGERPRINT_VERSION, FINGERPRINT_VERSION_KNOWN);
    snap_put_le16(sector + FINGERPRINT_SAMPLES, (uint16_t)fingerprint->samples);
    memcpy(sector + FINGERPRINT_STORE_ID, fingerprint->store_id, sizeof fingerprint->store_id);
    snap_put_le64(sector + FINGERPRINT_SEED, fingerprint->seed);
    memcpy(sector + FINGERPRINT_MASK, fingerprint->mask, sizeof fingerprint->mask);
    for (size_t i = 0; i < SNAP_FINGERPRINT_SAMPLES_MAX; i++)
        snap_put_le16(sector + FINGERPRINT_SUMS + 2 * i, fingerprint->sums[i]);
    snap_put_le32(sector + FINGERPRINT_CRC, fingerprint_crc(sector));
}
