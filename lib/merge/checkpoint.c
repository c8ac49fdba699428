/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/merge/checkpoint.h"

#include "lib/base/crc32c.h"
#include "lib/base/replace.h"
#include "lib/store/codec.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILE_BYTES_MAX 4096u
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

static enum snap_status read_file(const char *path, char *text, size_t *length_bytes, struct snap_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
    size_t used = 0;
    ssize_t count;

    if (fd < 0 && errno == ELOOP)
        return snap_fail(err, SNAP_E_REFUSED, "%s: is a symbolic link; a checkpoint file is never followed", path);
    if (fd < 0)
        return snap_fail_errno(err, errno, "%s", path);
    do {
        count = read(fd, text + used, FILE_BYTES_MAX - used);
        if (count > 0)
            used += (size_t)count;
    } while (count > 0 || (count < 0 && errno == EINTR));
    if (count < 0) {
        int sys_errno = errno;

        (void)close(fd);
        return snap_fail_errno(err, sys_errno, "%s: cannot be read", path);
    }
    (void)close(fd); /* was only read */
    *length_bytes = used;
    text[used] = '\0';
    return SNAP_OK;
}

/* One pattern for the whole: what does not read back to the same text was not written by us. */
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

enum snap_status snap_checkpoint_load(struct snap_checkpoint *checkpoint, const char *path, struct snap_error *err)
{
    char text[FILE_BYTES_MAX + 1];
    size_t length_bytes = 0;
    uint32_t found;
    char *last;
    enum snap_status status = read_file(path, text, &length_bytes, err);

    memset(checkpoint, 0, sizeof *checkpoint);
    if (status != SNAP_OK)
        return status;
    status = snap_replace_check(path, FIRST_LINE, NULL, err);
    if (status != SNAP_OK)
        return status;
    if (strlen(text) != length_bytes || strncmp(text, FIRST_LINE, strlen(FIRST_LINE)) != 0)
        return snap_fail(err, SNAP_E_CORRUPT, "%s: is empty or no text", path);
    last = strstr(text, "\nend ");
    if (!last || length_bytes - (size_t)(last + 1 - text) != strlen("end 01234567\n") ||
        sscanf(last, "\nend %8" SCNx32, &found) != 1)
        return snap_fail(err, SNAP_E_CORRUPT, "%s: has no end line: it is incomplete", path);
    last[1] = '\0';
    if (found != checksum(text, strlen(text)))
        return snap_fail(err, SNAP_E_CORRUPT, "%s: its checksum is wrong: it is damaged", path);
    if (!parse(checkpoint, text))
        return snap_fail(err, SNAP_E_CORRUPT, "%s: has lines that this version does not know", path);
    return SNAP_OK;
}

enum snap_status snap_checkpoint_save(const struct snap_checkpoint *checkpoint, const char *path,
                                      struct snap_error *err)
{
    char text[FILE_BYTES_MAX + 1];
    int used = format(checkpoint, text, sizeof text - 16);

    if (used < 0 || (size_t)used >= sizeof text - 16)
        return snap_fail(err, SNAP_E_USAGE, "%s: the names of the devices are too long for a checkpoint file", path);
    (void)snprintf(text + used, 16, "end %08" PRIx32 "\n", checksum(text, (size_t)used));
    return snap_replace_file(path, text, err);
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
