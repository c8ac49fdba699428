/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lays out what is known of groups, volumes and snapshots, for people and for programs. */
#include "tools/inspect/group_rows.h"

#include "lib/base/array.h"
#include "lib/base/bytes.h"
#include "tools/cli/size.h"
#include "tools/shared/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    COLUMN_NAME, COLUMN_TYPE, COLUMN_SIZE, COLUMN_CHUNK, COLUMN_USED, COLUMN_STATE, COLUMN_GROUP, COLUMN_ORIGIN,
    COLUMN_MERGE, COLUMN_ENTRIES, COLUMN_FREE, COLUMN_UUID, COLUMN_DEVICES
};

const struct cli_column inspect_group_columns[INSPECT_GROUP_COLUMNS] = {
    [COLUMN_NAME] = {"NAME", "group, volume, or snapshot below its origin", 16, false, false},
    [COLUMN_TYPE] = {"TYPE", "what it is", 8, false, false},
    [COLUMN_SIZE] = {"SIZE", "of the group's extents, or of the volume", 8, true, false},
    [COLUMN_CHUNK] = {"CHUNK", "of the store", 7, true, false},
    [COLUMN_USED] = {"USED", "how full the store is in per cent, as lvs shows it", 6, true, false},
    [COLUMN_STATE] = {"STATE", "of the group, or of the store and its merge", 9, false, false},
    [COLUMN_GROUP] = {"GROUP", "in which group it is", 8, false, true},
    [COLUMN_ORIGIN] = {"ORIGIN", "of a snapshot", 8, false, true},
    [COLUMN_MERGE] = {"MERGE", "what LVM shall merge: pending, begun, stuck or done", 7, false, true},
    [COLUMN_ENTRIES] = {"ENTRIES", "in the store", 8, true, true},
    [COLUMN_FREE] = {"FREE", "chunks that are free in the store", 8, true, true},
    [COLUMN_UUID] = {"UUID", "LVM's id", 38, false, true},
    [COLUMN_DEVICES] = {"DEVICES", "the physical volumes that it is on", 12, false, true},
};

static uint64_t extent_bytes(const struct snap_metadata *metadata)
{
    return metadata->extent_sectors * SNAP_SECTOR_BYTES;
}

static uint64_t group_bytes(const struct snap_metadata *metadata)
{
    uint64_t extents = 0;

    for (size_t pv = 0; pv < metadata->pv_count; pv++)
        extents += metadata->pvs[pv].extents; /* each below 2^32 */
    return extents * extent_bytes(metadata);
}

static uint64_t volume_bytes(const struct snap_metadata *metadata, size_t lv)
{
    return metadata->lvs[lv].extents * extent_bytes(metadata);
}

static const char *group_state(const struct snap_group *group)
{
    for (size_t pv = 0; pv < group->metadata->pv_count; pv++) {
        if (group->pvs[pv].device == SNAP_GROUP_NONE)
            return "incomplete";
    }
    return group->metadata->exported                   ? "exported"
           : snap_metadata_is_shared(group->metadata)  ? "shared"
           : group->metadata->system_id[0]             ? "foreign"
           : group->metadata->partial                  ? "partial"
           : group->contradicted || group->disputed    ? "contradicted"
                                                       : "";
}

/* Linear and striped are what LVM calls so; of several segments the first that is neither tells. */
static const char *type_of(const struct snap_metadata_lv *lv)
{
    const char *type = "linear";

    for (size_t i = 0; i < lv->segment_count; i++) {
        if (lv->segments[i].kind != SNAP_METADATA_STRIPED)
            return lv->segments[i].type;
        if (lv->segments[i].stripe_count > 1)
            type = "striped";
    }
    return type;
}

/*
 * ---- rows ------------------------------------------------------------------------------------------------------
 */

/* In a raw table a blank would be part of the cell, and escaped. */
static struct cli_text size_text(const struct inspect_group_rows *rows, uint64_t bytes)
{
    struct cli_text text = cli_size_text(bytes);
    char *blank = rows->session->arguments.raw ? strchr(text.text, ' ') : NULL;

    if (blank)
        memmove(blank, blank + 1, strlen(blank));
    if (rows->session->arguments.bytes)
        (void)snprintf(text.text, sizeof text.text, "%" PRIu64, bytes);
    return text;
}

static struct cli_text number_text(uint64_t number)
{
    struct cli_text text;

    (void)snprintf(text.text, sizeof text.text, "%" PRIu64, number);
    return text;
}

/* `depth` levels below the group; a raw table is no tree. */
static struct report_text name_text(const struct inspect_group_rows *rows, unsigned depth, const char *name)
{
    struct report_text text;

    (void)snprintf(text.text, sizeof text.text, "%*s%s", rows->session->arguments.raw ? 0 : (int)(2 * depth), "", name);
    return text;
}

/* The physical volumes that are marked, as they were found, with commas between; the caller frees it. */
static char *join_devices(const struct inspect_group_rows *rows, const bool *marked)
{
    const struct snap_group *group = rows->group;
    char *text = NULL;
    size_t length = 0, count = 0;
    FILE *out = open_memstream(&text, &length);

    for (size_t pv = 0; out && pv < group->metadata->pv_count; pv++) {
        const size_t device = group->pvs[pv].device;

        if (!marked || marked[pv])
            (void)fprintf(out, "%s%s", count++ > 0 ? "," : "",
                          device == SNAP_GROUP_NONE ? "?" : rows->volumes->physical.found[device]->path);
    }
    if (out && fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

/* NULL where the column is not printed, or memory is short. `lv` is lv_count for the whole group. */
static char *devices_text(const struct inspect_group_rows *rows, size_t lv)
{
    const struct snap_metadata *metadata = rows->group->metadata;
    bool *marked;
    char *text;

    if (!cli_table_wants(rows->table, COLUMN_DEVICES))
        return NULL;
    if (lv == metadata->lv_count)
        return join_devices(rows, NULL);
    marked = snap_array_new(metadata->pv_count + 1, sizeof *marked);
    if (!marked)
        return NULL;
    for (size_t i = 0; i < metadata->lvs[lv].segment_count; i++) {
        const struct snap_metadata_segment *segment = &metadata->lvs[lv].segments[i];

        for (unsigned j = 0; segment->kind == SNAP_METADATA_STRIPED && j < segment->stripe_count; j++)
            marked[segment->stripes[j].pv] = true;
    }
    text = join_devices(rows, marked);
    free(marked);
    return text;
}

enum snap_status inspect_group_rows_group(const struct inspect_group_rows *rows, struct snap_error *err)
{
    const struct snap_metadata *metadata = rows->group->metadata;
    const struct cli_text size = size_text(rows, group_bytes(metadata));
    const struct snap_label_id_text id = snap_label_id_text(metadata->id);
    char *const devices = devices_text(rows, metadata->lv_count);
    const char *const cells[INSPECT_GROUP_COLUMNS] = {
        [COLUMN_NAME] = metadata->name,
        [COLUMN_TYPE] = "group",
        [COLUMN_SIZE] = size.text,
        [COLUMN_STATE] = group_state(rows->group),
        [COLUMN_GROUP] = metadata->name,
        [COLUMN_UUID] = id.text,
        [COLUMN_DEVICES] = devices,
    };
    const enum snap_status status = cli_table_row(rows->table, cells, err);

    free(devices);
    return status;
}

enum snap_status inspect_group_rows_volume(const struct inspect_group_rows *rows, size_t lv, struct snap_error *err)
{
    const struct snap_metadata *metadata = rows->group->metadata;
    const struct snap_metadata_lv *volume = &metadata->lvs[lv];
    const struct report_text name = name_text(rows, 1, volume->name);
    const struct cli_text size = size_text(rows, volume_bytes(metadata, lv));
    const struct snap_label_id_text id = snap_label_id_text(volume->id);
    char *const devices = devices_text(rows, lv);
    const char *const cells[INSPECT_GROUP_COLUMNS] = {
        [COLUMN_NAME] = name.text,
        [COLUMN_TYPE] = type_of(volume),
        [COLUMN_SIZE] = size.text,
        [COLUMN_GROUP] = metadata->name,
        [COLUMN_UUID] = id.text,
        [COLUMN_DEVICES] = devices,
    };
    const enum snap_status status = cli_table_row(rows->table, cells, err);

    free(devices);
    return status;
}

/* "merge pending, valid"; in a raw table without the blanks. */
static struct cli_text state_text(const struct inspect_group_rows *rows, const struct inspect_group_look *look)
{
    const char *const merge = lvm_merge_word(look->merge);
    const bool raw = rows->session->arguments.raw;
    struct cli_text text;

    (void)snprintf(text.text, sizeof text.text, "%s%s%s%s", merge ? raw ? "merge-" : "merge " : "", merge ? merge : "",
                   !merge ? "" : raw ? "," : ", ", look->state);
    for (char *blank = raw ? strchr(text.text, ' ') : NULL; blank; blank = strchr(blank, ' '))
        *blank = '-';
    return text;
}

enum snap_status inspect_group_rows_snapshot(const struct inspect_group_rows *rows,
                                             const struct snap_metadata_segment *snapshot,
                                             const struct inspect_group_look *look, struct snap_error *err)
{
    const struct snap_metadata *metadata = rows->group->metadata;
    const struct snap_metadata_lv *cow = &metadata->lvs[snapshot->cow];
    const struct report_text name = name_text(rows, 2, cow->name);
    const struct cli_text size = size_text(rows, volume_bytes(metadata, snapshot->cow));
    const struct cli_text chunk = size_text(rows, snapshot->chunk_sectors * SNAP_SECTOR_BYTES);
    const struct cli_text used = inspect_group_used(look), state = state_text(rows, look);
    const struct cli_text entries = number_text(look->check.entries), left = number_text(look->check.free_chunks);
    const struct snap_label_id_text id = snap_label_id_text(cow->id);
    char *const devices = devices_text(rows, snapshot->cow);
    const char *const cells[INSPECT_GROUP_COLUMNS] = {
        [COLUMN_NAME] = name.text,
        [COLUMN_TYPE] = "snapshot",
        [COLUMN_SIZE] = size.text,
        [COLUMN_CHUNK] = chunk.text,
        [COLUMN_USED] = used.text,
        [COLUMN_STATE] = state.text,
        [COLUMN_GROUP] = metadata->name,
        [COLUMN_ORIGIN] = metadata->lvs[snapshot->origin].name,
        [COLUMN_MERGE] = lvm_merge_word(look->merge),
        [COLUMN_ENTRIES] = look->figures ? entries.text : NULL,
        [COLUMN_FREE] = look->figures ? left.text : NULL,
        [COLUMN_UUID] = id.text,
        [COLUMN_DEVICES] = devices,
    };
    const enum snap_status status = cli_table_row(rows->table, cells, err);

    free(devices);
    return status;
}

/*
 * ---- JSON ------------------------------------------------------------------------------------------------------
 */

static struct cli_json *pvs_json(const struct inspect_group_rows *rows)
{
    const struct snap_group *group = rows->group;
    struct cli_json *list = cli_json_array();

    for (size_t pv = 0; pv < group->metadata->pv_count; pv++) {
        struct cli_json *row = cli_json_object();
        const size_t device = group->pvs[pv].device;

        cli_json_set_string(row, "name", group->metadata->pvs[pv].name);
        cli_json_set_string(row, "id", snap_label_id_text(group->metadata->pvs[pv].id).text);
        cli_json_set_string(row, "device",
                            device == SNAP_GROUP_NONE ? NULL : rows->volumes->physical.found[device]->path);
        cli_json_set_bool(row, "missing", device == SNAP_GROUP_NONE || group->metadata->pvs[pv].missing);
        cli_json_add(list, row);
    }
    return list;
}

struct cli_json *inspect_group_rows_group_json(const struct inspect_group_rows *rows)
{
    const struct snap_metadata *metadata = rows->group->metadata;
    const char *state = group_state(rows->group);
    struct cli_json *row = cli_json_object();

    cli_json_set_string(row, "name", metadata->name);
    cli_json_set_string(row, "id", snap_label_id_text(metadata->id).text);
    cli_json_set_uint(row, "seqno", metadata->seqno);
    cli_json_set_uint(row, "extent_bytes", extent_bytes(metadata));
    cli_json_set_uint(row, "size_bytes", group_bytes(metadata));
    cli_json_set_string(row, "state", state[0] ? state : NULL);
    cli_json_set(row, "physical_volumes", pvs_json(rows));
    return row;
}

struct cli_json *inspect_group_rows_volume_json(const struct inspect_group_rows *rows, size_t lv)
{
    const struct snap_metadata_lv *volume = &rows->group->metadata->lvs[lv];
    struct cli_json *row = cli_json_object();

    cli_json_set_string(row, "name", volume->name);
    cli_json_set_string(row, "id", snap_label_id_text(volume->id).text);
    cli_json_set_string(row, "type", type_of(volume));
    cli_json_set_uint(row, "size_bytes", volume_bytes(rows->group->metadata, lv));
    cli_json_set_bool(row, "visible", volume->visible);
    return row;
}

struct cli_json *inspect_group_rows_snapshot_json(const struct inspect_group_rows *rows,
                                                  const struct snap_metadata_segment *snapshot,
                                                  const struct inspect_group_look *look)
{
    const struct snap_metadata *metadata = rows->group->metadata;
    const struct snap_metadata_lv *cow = &metadata->lvs[snapshot->cow];
    struct cli_json *row = cli_json_object();

    cli_json_set_string(row, "name", cow->name);
    cli_json_set_string(row, "id", snap_label_id_text(cow->id).text);
    cli_json_set_uint(row, "size_bytes", volume_bytes(metadata, snapshot->cow));
    cli_json_set_uint(row, "chunk_sectors", snapshot->chunk_sectors);
    cli_json_set_bool(row, "merging", snapshot->merging);
    cli_json_set_string(row, "merge", lvm_merge_word(look->merge));
    cli_json_set_string(row, "state", look->state);
    if (look->figures) {
        cli_json_set_uint(row, "entries", look->check.entries);
        cli_json_set_uint(row, "free_chunks", look->check.free_chunks);
        report_set_usage(row, &look->store.layout, look->check.entries, look->check.highest_new_chunk);
        cli_json_set_string(row, "used_percent", inspect_group_used(look).text);
    } else {
        cli_json_set_null(row, "entries");
        cli_json_set_null(row, "free_chunks");
        cli_json_set_null(row, "usage");
        cli_json_set_null(row, "used_percent");
    }
    return row;
}
