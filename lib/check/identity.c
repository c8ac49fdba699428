/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fills in records, and compares their fields with what is found on the origin. */
#include "lib/check/identity.h"

#include "lib/base/text.h"
#include "lib/check/marks.h"

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

/* What no content explains: the size, and what the system says of the device. */
static void compare_device(const struct snap_identity *record, const struct snap_origin_facts *origin,
                           struct snap_identity_match *match)
{
    const struct {
        const char *what, *recorded, *found;
        size_t field_bytes;
        bool *same;
    } fields[] = {
        {"PARTUUID", record->partuuid, origin->device->partuuid, sizeof record->partuuid, &match->partuuid},
        {"serial number", record->serial, origin->device->serial, sizeof record->serial, &match->serial},
    };
    char recorded[2 * sizeof record->serial + 3], found[2 * sizeof record->serial + 3];

    if (origin->sectors < record->origin_sectors) {
        match->device_differs = match->smaller = true;
        (void)snprintf(match->text, sizeof match->text,
                       "the store was made for an origin of %" PRIu64 " %s, but this one has %" PRIu64,
                       record->origin_sectors, snap_text_form(record->origin_sectors, "sector", "sectors"),
                       origin->sectors);
        return;
    }
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (differ(fields[i].recorded, fields[i].found, fields[i].field_bytes)) {
            match->device_differs = true;
            (void)snprintf(match->text, sizeof match->text,
                           "the store was made for an origin with %s %s, but this one has %s", fields[i].what,
                           snap_marks_word(fields[i].recorded, recorded, sizeof recorded),
                           snap_marks_word(fields[i].found, found, sizeof found));
            return;
        }
        *fields[i].same = fields[i].recorded[0] != '\0' && fields[i].found[0] != '\0';
    }
}

/* Of these marks only the file system (or other contents with a type), or only the partition table. */
static struct snap_probe one_kind(const struct snap_probe *marks, bool table)
{
    struct snap_probe kind = *marks;

    if (table)
        kind.type[0] = kind.usage[0] = kind.uuid[0] = kind.uuid_sub[0] = '\0';
    else
        kind.pttype[0] = kind.ptuuid[0] = '\0';
    return kind;
}

/* A mark of the record that the origin does not show, unless a merge has brought there what it shows. */
static bool kind_differs(const struct snap_probe *marks, const struct snap_probe *brought,
                         const struct snap_origin_facts *origin, bool in_part, bool table,
                         struct snap_identity_match *match)
{
    const struct snap_probe expected = one_kind(marks, table), instead = one_kind(brought, table);
    const enum snap_marks_result result = snap_marks_compare(&expected, origin->probe, in_part);

    match->content |= result == SNAP_MARKS_SAME;
    if (result != SNAP_MARKS_DIFFERENT)
        return false;
    if (snap_marks_compare(&instead, origin->probe, in_part) != SNAP_MARKS_SAME)
        return true;
    match->brought = true;
    return false;
}

/* What is on the device. A record without any mark was made of an origin on which nothing was known. */
static void compare_content(const struct snap_identity *record, const struct snap_origin_facts *origin,
                            const struct snap_probe *brought, bool in_part, struct snap_identity_match *match)
{
    const struct snap_probe *found = origin->probe;
    char recorded_text[SNAP_MARKS_TEXT_BYTES], found_text[SNAP_MARKS_TEXT_BYTES];
    struct snap_probe marks;

    snap_marks_of_record(record, &marks);
    if (!snap_marks_none(&marks)) {
        match->content_differs = kind_differs(&marks, brought, origin, in_part, false, match) ||
                                 kind_differs(&marks, brought, origin, in_part, true, match);
    } else if (found->type[0] != '\0' || found->ptuuid[0] != '\0') {
        match->brought = snap_marks_compare(brought, found, in_part) == SNAP_MARKS_SAME;
        match->content_differs = !match->brought;
    }
    if (match->content_differs)
        (void)snprintf(match->text, sizeof match->text,
                       "the store was made for an origin with %s, but this one has %s",
                       snap_marks_text(&marks, recorded_text), snap_marks_text(found, found_text));
}

void snap_identity_compare(const struct snap_identity *record, const struct snap_origin_facts *origin,
                           const struct snap_probe *brought, bool in_part, struct snap_identity_match *match)
{
    struct snap_identity_match content = {.text = ""};

    *match = (struct snap_identity_match){.text = ""};
    compare_device(record, origin, match);
    compare_content(record, origin, brought, in_part, match->device_differs ? &content : match);
    match->content |= content.content && !content.content_differs;
    if (match->device_differs || match->content_differs)
        return;
    match->grown = origin->sectors > record->origin_sectors;
}

bool snap_identity_has_undo(const struct snap_identity *record)
{
    static const uint8_t none[sizeof record->undo_id];

    return memcmp(record->undo_id, none, sizeof none) != 0 && (record->flags & SNAP_IDENTITY_UNDO_LOST) == 0;
}
