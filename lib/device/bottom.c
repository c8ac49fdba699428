/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Follows ranges of devices down to what nothing is known to lie below. */
#include "lib/device/bottom.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "lib/base/sysfs.h"
#include "lib/device/device_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct walk {
    const char *sys_root;
    const struct snap_dm_tables *tables;
    struct snap_bottom *bottom;
    struct snap_error *err;
};

/* A range of a device. */
struct range {
    uint64_t number;
    uint64_t offset_bytes, end_bytes;
    bool somewhere;
};

static enum snap_status follow(const struct walk *walk, const struct range *range, unsigned depth);

static enum snap_status keep(const struct walk *walk, const struct range *range, uint64_t device, uint64_t inode,
                             uint64_t shift_bytes)
{
    struct snap_bottom *bottom = walk->bottom;
    struct snap_bottom_span span = {.device = device, .inode = inode, .somewhere = range->somewhere};

    if (!snap_add(range->offset_bytes, shift_bytes, &span.offset_bytes) ||
        !snap_add(range->end_bytes, shift_bytes, &span.end_bytes))
        span.end_bytes = UINT64_MAX;
    if (bottom->count == bottom->room) {
        const size_t room = bottom->room ? 2 * bottom->room : 16;
        struct snap_bottom_span *spans = realloc(bottom->spans, room * sizeof *spans);

        if (!spans)
            return snap_fail(walk->err, SNAP_E_NOMEM, "no memory to find out what devices stand on");
        bottom->spans = spans;
        bottom->room = room;
    }
    bottom->spans[bottom->count++] = span;
    return SNAP_OK;
}

static enum snap_status keep_here(const struct walk *walk, const struct range *range)
{
    return keep(walk, range, range->number, 0, 0);
}

/*
 * ---- device-mapper ---------------------------------------------------------------------------------------------
 */

/* "DEVICE START" at the beginning of the words; what is behind them, or NULL. */
static const char *read_place(const char *words, uint64_t *number, uint64_t *start_bytes)
{
    const size_t length = strcspn(words, " ");
    char text[32], *end;
    uint64_t start_sectors;

    if (length == 0 || length >= sizeof text || words[length] == '\0')
        return NULL;
    (void)snprintf(text, sizeof text, "%.*s", (int)length, words);
    start_sectors = strtoull(words + length, &end, 10);
    if (!snap_sysfs_device_number(text, number) || end == words + length || (*end && *end != ' ') ||
        !snap_mul(start_sectors, SNAP_SECTOR_BYTES, start_bytes))
        return NULL;
    return end + strspn(end, " ");
}

/* The share of [offset, end) of a striped target that a stripe has: whole rows, which may be more than it is. */
static bool rows_of(uint64_t stripes, uint64_t chunk_bytes, uint64_t *offset_bytes, uint64_t *end_bytes)
{
    uint64_t row_bytes;

    if (chunk_bytes == 0 || !snap_mul(stripes, chunk_bytes, &row_bytes))
        return false;
    *offset_bytes = *offset_bytes / row_bytes * chunk_bytes;
    *end_bytes = snap_div_up(*end_bytes, row_bytes) * chunk_bytes;
    return true;
}

/* [offset, end) of a target whose places have it, all or in shares. *known: they were understood. */
static enum snap_status follow_places(const struct walk *walk, const char *words, uint64_t offset_bytes,
                                      uint64_t end_bytes, bool somewhere, unsigned depth, bool *known)
{
    enum snap_status status = SNAP_OK;
    uint64_t start_bytes;
    struct range below = {.somewhere = somewhere};

    *known = *words != '\0';
    while (*words && status == SNAP_OK) {
        words = read_place(words, &below.number, &start_bytes);
        *known = words && snap_add(start_bytes, offset_bytes, &below.offset_bytes) &&
                 snap_add(start_bytes, end_bytes, &below.end_bytes);
        if (!*known)
            return SNAP_OK;
        status = follow(walk, &below, depth + 1);
    }
    return status;
}

/* All that the words name, from its beginning to its end. */
static enum snap_status follow_names(const struct walk *walk, const char *words, unsigned depth)
{
    enum snap_status status = SNAP_OK;

    while (*words && status == SNAP_OK) {
        const size_t length = strcspn(words, " ");
        struct range below = {.end_bytes = UINT64_MAX, .somewhere = true};
        char text[32];

        if (length < sizeof text) {
            (void)snprintf(text, sizeof text, "%.*s", (int)length, words);
            if (snap_sysfs_device_number(text, &below.number))
                status = follow(walk, &below, depth + 1);
        }
        words += length;
        words += strspn(words, " ");
    }
    return status;
}

/* `range` lies in the target, and `offset_bytes`, `end_bytes` count from its beginning. */
static enum snap_status follow_target(const struct walk *walk, const struct snap_dm_target *target,
                                      const struct range *range, uint64_t offset_bytes, uint64_t end_bytes,
                                      unsigned depth)
{
    enum snap_status status = SNAP_OK;
    unsigned long long chunk_sectors = 0;
    unsigned stripes = 0;
    uint64_t chunk_bytes;
    bool known = false;
    int at = 0;

    if (strcmp(target->type, "linear") == 0)
        status = follow_places(walk, target->params, offset_bytes, end_bytes, range->somewhere, depth, &known);
    else if (strcmp(target->type, "striped") == 0 &&
             sscanf(target->params, "%u %llu %n", &stripes, &chunk_sectors, &at) == 2 && at > 0 &&
             snap_mul(chunk_sectors, SNAP_SECTOR_BYTES, &chunk_bytes) &&
             rows_of(stripes, chunk_bytes, &offset_bytes, &end_bytes))
        status = follow_places(walk, target->params + at, offset_bytes, end_bytes, range->somewhere, depth, &known);
    if (known || status != SNAP_OK)
        return status;
    status = keep_here(walk, range);
    if (status == SNAP_OK && strncmp(target->type, "snapshot", 8) != 0)
        status = follow_names(walk, target->params, depth);
    return status;
}

static enum snap_status follow_table(const struct walk *walk, const struct snap_dm_table *table,
                                     const struct range *range, unsigned depth)
{
    enum snap_status status = SNAP_OK;

    for (size_t i = 0; i < table->count && status == SNAP_OK; i++) {
        const struct snap_dm_target *target = &table->targets[i];
        uint64_t start_bytes, length_bytes;
        struct range part = *range;

        if (!snap_mul(target->start_sectors, SNAP_SECTOR_BYTES, &start_bytes) ||
            !snap_mul(target->length_sectors, SNAP_SECTOR_BYTES, &length_bytes) ||
            !snap_add(start_bytes, length_bytes, &part.end_bytes))
            continue; /* no such table can be */
        part.offset_bytes = snap_max(start_bytes, range->offset_bytes);
        part.end_bytes = snap_min(part.end_bytes, range->end_bytes);
        if (part.offset_bytes < part.end_bytes)
            status = follow_target(walk, target, &part, part.offset_bytes - start_bytes, part.end_bytes - start_bytes,
                                   depth);
    }
    return status;
}

/*
 * ---- all devices -----------------------------------------------------------------------------------------------
 */

static const struct snap_dm_device *find_mapped(const struct snap_dm_tables *tables, uint64_t number)
{
    for (size_t i = 0; i < tables->count; i++)
        if (tables->devices[i].number == number)
            return tables->devices[i].status == SNAP_OK && tables->devices[i].active.count > 0 ? &tables->devices[i]
                                                                                              : NULL;
    return NULL;
}

/* The same bytes of the disk below, or of what a loop device shows. */
static enum snap_status follow_shifted(const struct walk *walk, const struct range *range, uint64_t number,
                                       uint64_t shift_bytes, unsigned depth)
{
    struct range below = {.number = number, .somewhere = range->somewhere};

    if (!snap_add(range->offset_bytes, shift_bytes, &below.offset_bytes))
        return keep_here(walk, range);
    if (!snap_add(range->end_bytes, shift_bytes, &below.end_bytes))
        below.end_bytes = UINT64_MAX;
    return follow(walk, &below, depth + 1);
}

/* What is not mapped: a partition, a loop device, or a device that stands on nothing. */
static enum snap_status follow_other(const struct walk *walk, const struct range *whole, unsigned depth)
{
    struct snap_device device = {
        .block_device = true, .device_number = whole->number, .disk_number = whole->number};
    struct range clipped = *whole;
    const struct range *range = &clipped;
    uint64_t start_bytes, size_bytes;

    snap_device_read_sysfs(walk->sys_root, &device);
    if (device.size_sectors > 0 && snap_mul(device.size_sectors, SNAP_SECTOR_BYTES, &size_bytes))
        clipped.end_bytes = snap_min(clipped.end_bytes, size_bytes);
    if (device.disk_number != range->number && snap_mul(device.start_sectors, SNAP_SECTOR_BYTES, &start_bytes))
        return follow_shifted(walk, range, device.disk_number, start_bytes, depth);
    if (device.is_loop)
        snap_device_describe_loop(-1, &device);
    if (device.is_loop && device.backing_number != 0)
        return follow_shifted(walk, range, device.backing_number, device.backing_offset_bytes, depth);
    if (device.is_loop && device.backing_inode != 0)
        return keep(walk, range, device.backing_device, device.backing_inode, device.backing_offset_bytes);
    return keep_here(walk, range);
}

static enum snap_status follow(const struct walk *walk, const struct range *range, unsigned depth)
{
    const struct snap_dm_device *mapped = find_mapped(walk->tables, range->number);

    if (depth >= SNAP_BOTTOM_DEPTH_MAX || walk->bottom->count >= SNAP_BOTTOM_SPANS_MAX)
        return keep_here(walk, range);
    return mapped ? follow_table(walk, &mapped->active, range, depth) : follow_other(walk, range, depth);
}

enum snap_status snap_bottom_add_at(const char *sys_root, struct snap_bottom *bottom,
                                    const struct snap_dm_tables *tables, uint64_t number, uint64_t offset_bytes,
                                    uint64_t length_bytes, struct snap_error *err)
{
    const struct walk walk = {.sys_root = sys_root, .tables = tables, .bottom = bottom, .err = err};
    struct range range = {.number = number, .offset_bytes = offset_bytes};

    if (!snap_add(offset_bytes, length_bytes, &range.end_bytes))
        range.end_bytes = UINT64_MAX;
    return follow(&walk, &range, 0);
}

enum snap_status snap_bottom_add(struct snap_bottom *bottom, const struct snap_dm_tables *tables, uint64_t number,
                                 uint64_t offset_bytes, uint64_t length_bytes, struct snap_error *err)
{
    return snap_bottom_add_at("", bottom, tables, number, offset_bytes, length_bytes, err);
}

bool snap_bottom_overlap(const struct snap_bottom *one, const struct snap_bottom *other)
{
    for (size_t i = 0; i < one->count; i++)
        for (size_t j = 0; j < other->count; j++) {
            const struct snap_bottom_span *a = &one->spans[i], *b = &other->spans[j];

            if (a->device == b->device && a->inode == b->inode && a->offset_bytes < b->end_bytes &&
                b->offset_bytes < a->end_bytes && !(a->somewhere && b->somewhere))
                return true;
        }
    return false;
}

void snap_bottom_free(struct snap_bottom *bottom)
{
    free(bottom->spans);
    *bottom = (struct snap_bottom){.count = 0};
}
