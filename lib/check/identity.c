/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fills in records and compares their fields with what is found on the devices. */
#include "lib/check/identity.h"

#include "lib/base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

void snap_identity_format_id(const uint8_t id[16], char text[37])
{
    size_t used = 0;

    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            text[used++] = '-';
        used += (size_t)snprintf(text + used, 3, "%02x", id[i]);
    }
}

/* A record's field may be shorter than what the device says; what does not fit is left out, in whole characters. */
static void copy_text(char *field, size_t field_bytes, const char *text)
{
    size_t length = snap_text_prefix(text, field_bytes - 1);

    memcpy(field, text, length);
    field[length] = '\0';
}

enum snap_status snap_identity_fill(struct snap_identity *identity, const struct snap_origin_facts *origin,
                                    uint32_t chunk_sectors, const char *label, uint64_t now_seconds,
                                    struct snap_error *err)
{
    const struct snap_probe *probe = origin->probe;

    memset(identity, 0, sizeof *identity);
    if (getrandom(identity->store_id, sizeof identity->store_id, 0) != (ssize_t)sizeof identity->store_id)
        return snap_fail_errno(err, errno, "cannot get random bytes for the store's id");
    identity->store_id[6] = (uint8_t)((identity->store_id[6] & 0x0f) | 0x40); /* RFC 4122: version 4 ... */
    identity->store_id[8] = (uint8_t)((identity->store_id[8] & 0x3f) | 0x80); /* ... and its variant */
    identity->origin_sectors = origin->sectors;
    identity->created_seconds = now_seconds;
    identity->chunk_sectors = chunk_sectors;
    copy_text(identity->fs_type, sizeof identity->fs_type, probe->type);
    copy_text(identity->fs_uuid, sizeof identity->fs_uuid, probe->uuid);
    copy_text(identity->uuid_sub, sizeof identity->uuid_sub, probe->uuid_sub);
    copy_text(identity->ptuuid, sizeof identity->ptuuid, probe->ptuuid);
    copy_text(identity->partuuid, sizeof identity->partuuid, origin->device->partuuid);
    copy_text(identity->serial, sizeof identity->serial, origin->device->serial);
    copy_text(identity->label, sizeof identity->label, label ? label : "");
    return SNAP_OK;
}

/* Both known and different, as far as a field of `field_bytes` can tell (see copy_text). */
static bool differ(const char *recorded, const char *found, size_t field_bytes)
{
    const size_t length = snap_text_prefix(found, field_bytes - 1);

    return recorded[0] != '\0' && found[0] != '\0' &&
           (strlen(recorded) != length || memcmp(recorded, found, length) != 0);
}

static enum snap_identity_verdict judge_record(const struct snap_identity *record,
                                               const struct snap_origin_facts *origin, const struct snap_probe *view,
                                               char *text, size_t text_bytes)
{
    const struct {
        const char *what, *recorded, *found;
        size_t field_bytes;
    } physical[] = {
        {"UUID_SUB", record->uuid_sub, origin->probe->uuid_sub, sizeof record->uuid_sub},
        {"PARTUUID", record->partuuid, origin->device->partuuid, sizeof record->partuuid},
        {"serial number", record->serial, origin->device->serial, sizeof record->serial},
    };
    char recorded[2 * sizeof record->serial + 2], found[2 * sizeof record->serial + 2];

    if (origin->sectors < record->origin_sectors) {
        (void)snprintf(text, text_bytes,
                       "the store was made for an origin of %" PRIu64 " sectors, but this one has %" PRIu64,
                       record->origin_sectors, origin->sectors);
        return SNAP_IDENTITY_CONTRADICTS;
    }
    for (size_t i = 0; i < sizeof physical / sizeof physical[0]; i++) {
        if (!differ(physical[i].recorded, physical[i].found, physical[i].field_bytes))
            continue;
        (void)snprintf(text, text_bytes, "the store was made for an origin with %s %s, but this one has %s",
                       physical[i].what, snap_text_quote(physical[i].recorded, recorded, sizeof recorded),
                       snap_text_quote(physical[i].found, found, sizeof found));
        return SNAP_IDENTITY_CONTRADICTS;
    }
    if (differ(record->fs_uuid, origin->probe->uuid, sizeof record->fs_uuid) &&
        strcmp(origin->probe->uuid, view->uuid) != 0) {
        (void)snprintf(text, text_bytes,
                       "the store was made for an origin with %s UUID %s, but this one has %s UUID %s",
                       record->fs_type, record->fs_uuid, origin->probe->type, origin->probe->uuid);
        return SNAP_IDENTITY_CONTRADICTS;
    }
    if (differ(record->ptuuid, origin->probe->ptuuid, sizeof record->ptuuid) &&
        strcmp(origin->probe->ptuuid, view->ptuuid) != 0) {
        (void)snprintf(text, text_bytes,
                       "the store was made for an origin with the partition table %s, but this one has %s",
                       record->ptuuid, origin->probe->ptuuid);
        return SNAP_IDENTITY_CONTRADICTS;
    }
    if (origin->sectors > record->origin_sectors) {
        (void)snprintf(text, text_bytes,
                       "the store was made for an origin of %" PRIu64 " sectors, but this one has %" PRIu64,
                       record->origin_sectors, origin->sectors);
        return SNAP_IDENTITY_GROWN;
    }
    (void)snprintf(text, text_bytes, "the record in the store fits this origin");
    return SNAP_IDENTITY_MATCH;
}

enum snap_identity_verdict snap_identity_judge(const struct snap_store *store, const struct snap_origin_facts *origin,
                                               const struct snap_probe *view, char *text, size_t text_bytes)
{
    const struct snap_probe *probe = origin->probe;

    if (store->identity_state == SNAP_IDENTITY_OK)
        return judge_record(&store->identity, origin, view, text, text_bytes);
    if (differ(view->uuid, probe->uuid, sizeof view->uuid)) {
        (void)snprintf(text, text_bytes,
                       "the store holds a superblock of %s with UUID %s, but this origin has %s with UUID %s",
                       view->type, view->uuid, probe->type, probe->uuid);
        return SNAP_IDENTITY_CONTRADICTS;
    }
    if (differ(view->ptuuid, probe->ptuuid, sizeof view->ptuuid)) {
        (void)snprintf(text, text_bytes, "the store holds the partition table %s, but this origin has %s", view->ptuuid,
                       probe->ptuuid);
        return SNAP_IDENTITY_CONTRADICTS;
    }
    (void)snprintf(text, text_bytes, "the store does not say which origin it belongs to");
    return SNAP_IDENTITY_NO_RECORD;
}
