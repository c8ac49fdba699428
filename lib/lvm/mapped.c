/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holds the extents of a volume against the tables that name its physical volumes. */
#include "lib/lvm/mapped.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

/* Whether [start, start + length), in sectors of the device, has a byte of the volume. */
static bool range_overlaps(const struct snap_volume *volume, size_t pv, uint64_t start_sectors, uint64_t length_sectors)
{
    uint64_t start_bytes, length_bytes, end_bytes;

    if (!snap_mul(start_sectors, SNAP_SECTOR_BYTES, &start_bytes) ||
        !snap_mul(length_sectors, SNAP_SECTOR_BYTES, &length_bytes) || !snap_add(start_bytes, length_bytes, &end_bytes))
        return true; /* no such table can be: nothing is concluded from it */
    for (size_t i = 0; i < volume->segment_count; i++) {
        const struct snap_volume_segment *segment = &volume->segments[i];

        for (unsigned j = 0; j < segment->area_count; j++) {
            const uint64_t area_bytes = segment->areas[j].offset_bytes;

            if (segment->areas[j].pv == pv && area_bytes < end_bytes &&
                start_bytes < area_bytes + segment->length_bytes / segment->area_count)
                return true;
        }
    }
    return false;
}

static bool names_device(const char *word, size_t length, uint64_t number)
{
    char name[32];

    (void)snprintf(name, sizeof name, "%u:%u", major(number), minor(number));
    return strlen(name) == length && memcmp(name, word, length) == 0;
}

/* "DEVICE START" again and again, each with a share of the target's length. */
static bool shares_overlap(const struct snap_volume *volume, size_t pv, uint64_t number, const char *words,
                           uint64_t share_sectors)
{
    bool overlaps = false, seen = false;

    while (*words && !overlaps) {
        const size_t length = strcspn(words, " ");
        char *end;
        uint64_t start_sectors;

        if (words[length] == '\0')
            return true; /* a device without a number behind it: not what was expected */
        start_sectors = strtoull(words + length, &end, 10);
        if (end == words + length || (*end && *end != ' '))
            return true;
        if (names_device(words, length, number)) {
            seen = true;
            overlaps = range_overlaps(volume, pv, start_sectors, share_sectors);
        }
        words = end + strspn(end, " ");
    }
    return overlaps || !seen;
}

bool snap_mapped_overlaps(const struct snap_volume *volume, size_t pv, uint64_t number, const struct snap_dm_user *user)
{
    unsigned stripes;
    int at = 0;

    if (strlen(user->params) + 1 >= sizeof user->params)
        return true; /* it may have been cut */
    if (strcmp(user->target_type, "linear") == 0)
        return shares_overlap(volume, pv, number, user->params, user->length_sectors);
    if (strcmp(user->target_type, "striped") == 0 && sscanf(user->params, "%u %*u %n", &stripes, &at) == 1 && at > 0 &&
        stripes > 0)
        return shares_overlap(volume, pv, number, user->params + at, snap_div_up(user->length_sectors, stripes));
    return true;
}

struct asking {
    const struct snap_volume *volume;
    size_t pv;
    uint64_t number;
};

static enum snap_status refuse(void *context, const struct snap_dm_user *user, struct snap_error *err)
{
    const struct asking *asking = context;

    if (!snap_mapped_overlaps(asking->volume, asking->pv, asking->number, user))
        return SNAP_OK;
    return snap_fail(err, SNAP_E_BUSY, "%s: in use: the device-mapper device \"%s\" (%u:%u) %s extents of it on "
                     "%u:%u (target %s)", asking->volume->name, user->name, user->major, user->minor,
                     user->waits ? "has a table loaded, to be resumed, that maps" : "maps", major(asking->number),
                     minor(asking->number), user->target_type);
}

enum snap_status snap_mapped_refuse(const struct snap_volume *volume, const uint64_t *numbers, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    for (size_t i = 0; i < volume->pv_count && status == SNAP_OK; i++) {
        struct asking asking = {volume, volume->pvs[i], numbers[volume->pvs[i]]};

        if (asking.number != 0)
            status = snap_dm_users_loaded(asking.number, refuse, &asking, err);
    }
    return status;
}

/* The targets of one device come one after the other. */
struct counting {
    uint64_t last;
    size_t count;
};

static enum snap_status count_user(void *context, const struct snap_dm_user *user, struct snap_error *err)
{
    struct counting *counting = context;
    const uint64_t number = makedev(user->major, user->minor);

    (void)err;
    counting->count += counting->count == 0 || counting->last != number;
    counting->last = number;
    return SNAP_OK;
}

size_t snap_mapped_users(uint64_t number)
{
    struct counting counting = {.count = 0};

    return snap_dm_users_loaded(number, count_user, &counting, NULL) == SNAP_OK ? counting.count : 0;
}
