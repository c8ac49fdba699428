/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compares types, UUIDs and partition tables, field by field. */
#include "lib/check/marks.h"

#include "lib/base/text.h"

#include <stdio.h>
#include <string.h>

/* What a record has room for. */
#define TYPE_BYTES 16u
#define UUID_BYTES 40u

/* A field of a record may be shorter than what a device says: both are compared as far as a record could hold them. */
static bool same(const char *expected, const char *found, size_t field_bytes)
{
    const size_t expected_bytes = snap_text_prefix(expected, field_bytes);
    const size_t found_bytes = snap_text_prefix(found, field_bytes);

    return expected_bytes == found_bytes && memcmp(expected, found, found_bytes) == 0;
}

/* ext2 becomes ext3 and ext4 by a flag in its superblock. */
static bool same_type(const char *expected, const char *found)
{
    const bool both_ext = strlen(expected) == 4 && strlen(found) == 4 && strncmp(expected, "ext", 3) == 0 &&
                          strncmp(found, "ext", 3) == 0;

    return both_ext || same(expected, found, TYPE_BYTES);
}

/*
 * Members of an array may have one UUID for all of them. LVM gives each physical volume its own, although libblkid
 * counts it among the members of arrays.
 */
static bool shared_uuid(const struct snap_probe *probe)
{
    return strcmp(probe->usage, "raid") == 0 && strcmp(probe->type, "LVM2_member") != 0;
}

static enum snap_marks_result compare_type(const struct snap_probe *expected, const struct snap_probe *found,
                                           bool found_in_part)
{
    const bool several = expected->ambivalent || found->ambivalent; /* another of them may have been named first */

    if (found->type[0] == '\0')
        return found_in_part || several ? SNAP_MARKS_NOTHING : SNAP_MARKS_DIFFERENT;
    if (!same_type(expected->type, found->type))
        return several ? SNAP_MARKS_NOTHING : SNAP_MARKS_DIFFERENT;
    if (expected->uuid[0] == '\0')
        return SNAP_MARKS_NOTHING; /* there are many of this type */
    if (!same(expected->uuid, found->uuid, UUID_BYTES))
        return SNAP_MARKS_DIFFERENT;
    if (expected->uuid_sub[0] != '\0' && found->uuid_sub[0] != '\0')
        return same(expected->uuid_sub, found->uuid_sub, UUID_BYTES) ? SNAP_MARKS_SAME : SNAP_MARKS_DIFFERENT;
    return shared_uuid(found) ? SNAP_MARKS_NOTHING : SNAP_MARKS_SAME;
}

static enum snap_marks_result compare_table(const struct snap_probe *expected, const struct snap_probe *found,
                                            bool found_in_part)
{
    if (found->pttype[0] == '\0' && found->ptuuid[0] == '\0')
        return found_in_part || found->ambivalent ? SNAP_MARKS_NOTHING : SNAP_MARKS_DIFFERENT;
    if (expected->pttype[0] != '\0' && found->pttype[0] != '\0' && strcmp(expected->pttype, found->pttype) != 0)
        return SNAP_MARKS_DIFFERENT;
    if (expected->ptuuid[0] == '\0')
        return SNAP_MARKS_NOTHING;
    return same(expected->ptuuid, found->ptuuid, UUID_BYTES) ? SNAP_MARKS_SAME : SNAP_MARKS_DIFFERENT;
}

static bool has_table(const struct snap_probe *probe)
{
    return probe->pttype[0] != '\0' || probe->ptuuid[0] != '\0';
}

bool snap_marks_none(const struct snap_probe *probe)
{
    return probe->type[0] == '\0' && !has_table(probe);
}

enum snap_marks_result snap_marks_compare(const struct snap_probe *expected, const struct snap_probe *found,
                                          bool found_in_part)
{
    enum snap_marks_result type = SNAP_MARKS_NOTHING, table = SNAP_MARKS_NOTHING;

    if (expected->unknown || found->unknown)
        return SNAP_MARKS_NOTHING;
    if (expected->type[0] != '\0')
        type = compare_type(expected, found, found_in_part);
    if (has_table(expected))
        table = compare_table(expected, found, found_in_part);
    return type > table ? type : table; /* a difference weighs more than what is the same */
}

static void copy(char *to, size_t to_bytes, const char *from)
{
    (void)snprintf(to, to_bytes, "%s", from);
}

void snap_marks_of_record(const struct snap_identity *record, struct snap_probe *marks)
{
    memset(marks, 0, sizeof *marks);
    (void)snprintf(marks->type, sizeof marks->type, "%s%s", record->fs_type,
                   strlen(record->fs_type) < TYPE_BYTES ? "" : "..."); /* it may have been cut */
    copy(marks->uuid, sizeof marks->uuid, record->fs_uuid);
    copy(marks->uuid_sub, sizeof marks->uuid_sub, record->uuid_sub);
    copy(marks->ptuuid, sizeof marks->ptuuid, record->ptuuid);
}

const char *snap_marks_word(const char *text, char *out, size_t out_bytes)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:+/";
    const size_t length = strlen(text);

    if (strspn(text, plain) != length || length >= out_bytes)
        return snap_text_quote(text, out, out_bytes);
    memcpy(out, text, length + 1);
    return out;
}

const char *snap_marks_text(const struct snap_probe *probe, char *text)
{
    char type[2 * sizeof probe->type + 3], uuid[2 * sizeof probe->uuid + 3], sub[2 * sizeof probe->uuid_sub + 3];

    if (probe->type[0] != '\0') {
        const char *const kind = snap_marks_word(probe->type, type, sizeof type);

        if (probe->uuid[0] == '\0')
            copy(text, SNAP_MARKS_TEXT_BYTES, kind);
        else
            (void)snprintf(text, SNAP_MARKS_TEXT_BYTES, "%s (UUID %s%s%s)", kind,
                           snap_marks_word(probe->uuid, uuid, sizeof uuid),
                           probe->uuid_sub[0] != '\0' ? ", UUID_SUB " : "",
                           probe->uuid_sub[0] != '\0' ? snap_marks_word(probe->uuid_sub, sub, sizeof sub) : "");
        return text;
    }
    if (probe->unknown)
        copy(text, SNAP_MARKS_TEXT_BYTES, "contents that libblkid failed on");
    else if (has_table(probe))
        (void)snprintf(text, SNAP_MARKS_TEXT_BYTES, "a %s%spartition table%s%s",
                       probe->pttype[0] != '\0' ? snap_marks_word(probe->pttype, type, sizeof type) : "",
                       probe->pttype[0] != '\0' ? " " : "", probe->ptuuid[0] != '\0' ? " " : "",
                       probe->ptuuid[0] != '\0' ? snap_marks_word(probe->ptuuid, uuid, sizeof uuid) : "");
    else
        copy(text, SNAP_MARKS_TEXT_BYTES, "nothing that is known");
    return text;
}
