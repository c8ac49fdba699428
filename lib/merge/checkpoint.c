/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text of a checkpoint file, its checksum, and what makes a file fit a merge. */
#include "lib/merge/checkpoint.h"

#include "lib/base/crc32c.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FILE_BYTES_MAX 4096u
#define READ_BYTES_MAX (64u << 10) /* what is larger is no checkpoint file that was damaged, but something else */
#define FIRST_LINE "dmsnap-checkpoint 1\n"

static const char explanation[] =
    "# What a merge that keeps its COW has done so far. Only a hint: a merge that goes on\n"
    "# compares these chunks with the origin and writes those that differ. Safe to delete.\n";

/* The text without its last line, which carries the checksum of everything before it. */
static int format(const struct snap_checkpoint *checkpoint, char *text, size_t text_bytes)
{
    return snprintf(text, text_bytes,
                    FIRST_LINE "%s"
                    "origin %" PRIu64 " %s\n"
                    "cow %" PRIu64 " %s\n"
                    "list %" PRIu64 " %08" PRIx32 "\n"
                    "merged-from %" PRIu64 "\n",
                    explanation, checkpoint->origin_sectors, checkpoint->origin_id, checkpoint->cow_sectors,
                    checkpoint->cow_id, checkpoint->entries, checkpoint->list_crc32c, checkpoint->merged_from);
}

static uint32_t checksum(const char *text, size_t length_bytes)
{
    return snap_crc32c((const uint8_t *)text, length_bytes);
}

/* Reads all numbers with one pattern. A text that does not come out the same when it is written again is not ours. */
static bool parse(struct snap_checkpoint *checkpoint, const char *text)
{
    char again[FILE_BYTES_MAX + 1];
    const char *body = text + strlen(FIRST_LINE);

    while (*body == '#') {
        body = strchr(body, '\n');
        if (!body)
            return false;
        body++;
    }
    return sscanf(body,
                  "origin %" SCNu64 " %159s cow %" SCNu64 " %159s list %" SCNu64 " %" SCNx32 " merged-from %" SCNu64,
                  &checkpoint->origin_sectors, checkpoint->origin_id, &checkpoint->cow_sectors, checkpoint->cow_id,
                  &checkpoint->entries, &checkpoint->list_crc32c, &checkpoint->merged_from) == 7 &&
           format(checkpoint, again, sizeof again) > 0 && strcmp(again, text) == 0;
}

enum snap_status snap_checkpoint_open(struct snap_replace **file, const char *path, struct snap_error *err)
{
    return snap_replace_open(file, path, FIRST_LINE, READ_BYTES_MAX, err);
}

enum snap_status snap_checkpoint_load(struct snap_checkpoint *checkpoint, const struct snap_replace *file,
                                      struct snap_error *err)
{
    const char *path = file->folder->path;
    char text[FILE_BYTES_MAX + 1];
    uint32_t found;
    char *last;

    memset(checkpoint, 0, sizeof *checkpoint);
    if (!file->text)
        return snap_fail(err, SNAP_E_NOENT, "%s: there is no such file", path);
    if (file->text_bytes > FILE_BYTES_MAX)
        return snap_fail(err, SNAP_E_CORRUPT, "%s: is too large for a checkpoint file", path);
    memcpy(text, file->text, (size_t)file->text_bytes + 1);
    if (strlen(text) != file->text_bytes || strncmp(text, FIRST_LINE, strlen(FIRST_LINE)) != 0)
        return snap_fail(err, SNAP_E_CORRUPT, "%s: is empty or no text", path);
    last = strstr(text, "\nend ");
    if (!last || file->text_bytes - (size_t)(last + 1 - text) != strlen("end 01234567\n") ||
        sscanf(last, "\nend %8" SCNx32, &found) != 1)
        return snap_fail(err, SNAP_E_CORRUPT, "%s: has no end line: it is incomplete", path);
    last[1] = '\0';
    if (found != checksum(text, strlen(text)))
        return snap_fail(err, SNAP_E_CORRUPT, "%s: its checksum is wrong: it is damaged", path);
    if (!parse(checkpoint, text))
        return snap_fail(err, SNAP_E_CORRUPT, "%s: has lines that this version does not know", path);
    return SNAP_OK;
}

enum snap_status snap_checkpoint_save(const struct snap_checkpoint *checkpoint, struct snap_replace *file,
                                      struct snap_error *err)
{
    char text[FILE_BYTES_MAX + 1];
    int used = format(checkpoint, text, sizeof text - 16);

    if (used < 0 || (size_t)used >= sizeof text - 16)
        return snap_fail(err, SNAP_E_USAGE, "%s: the names of the devices are too long for a checkpoint file",
                         file->folder->path);
    (void)snprintf(text + used, 16, "end %08" PRIx32 "\n", checksum(text, (size_t)used));
    return snap_replace_write(file, text, err);
}

bool snap_checkpoint_fits(const struct snap_checkpoint *found, const struct snap_checkpoint *now, char *reason,
                          size_t reason_bytes)
{
    const char *what = NULL;

    if (found->origin_sectors != now->origin_sectors || strcmp(found->origin_id, now->origin_id) != 0)
        what = "another origin";
    else if (found->cow_sectors != now->cow_sectors || strcmp(found->cow_id, now->cow_id) != 0)
        what = "another COW";
    else if (found->entries != now->entries || found->list_crc32c != now->list_crc32c)
        what = "another list: the snapshot was written or merged since";
    else if (found->merged_from > found->entries)
        what = "entries that do not exist";
    if (what)
        (void)snprintf(reason, reason_bytes, "is about %s", what);
    return !what;
}
