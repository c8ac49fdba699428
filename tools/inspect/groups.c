/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Walks the metadata of groups: each volume, and below an origin each of its snapshots with what its store says. */
#include "tools/inspect/groups.h"

#include "lib/base/bytes.h"
#include "tools/cli/result.h"
#include "tools/cli/size.h"
#include "tools/cli/table.h"
#include "tools/shared/report.h"
#include "tools/shared/volumes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { COLUMN_NAME, COLUMN_TYPE, COLUMN_SIZE, COLUMN_CHUNK, COLUMN_USED, COLUMN_STATE, COLUMNS };

static const struct cli_column columns[COLUMNS] = {
    [COLUMN_NAME] = {"NAME", "group, volume, or snapshot below its origin", 16, false, false},
    [COLUMN_TYPE] = {"TYPE", "what it is", 8, false, false},
    [COLUMN_SIZE] = {"SIZE", "of the group's extents, or of the volume", 8, true, false},
    [COLUMN_CHUNK] = {"CHUNK", "of the store", 7, true, false},
    [COLUMN_USED] = {"USED", "how full the store is", 6, true, false},
    [COLUMN_STATE] = {"STATE", "of the group, or of the store", 9, false, false},
};

/* The walk through one group; either the table or the array of volumes gets what is found. */
struct walk {
    struct inspect_session *session;
    const struct volumes *volumes;
    const struct snap_metadata *metadata;
    struct cli_table *table;
    struct cli_json *rows;
};

/* What a store says of itself. */
struct look {
    const char *state;
    bool figures;                    /* the two below are set */
    struct snap_store store;
    struct snap_check_result check;
};

static uint64_t extent_bytes(const struct snap_metadata *metadata)
{
    return metadata->extent_sectors * SNAP_SECTOR_BYTES;
}

static enum snap_status count_only(void *context, const struct snap_finding *finding, struct snap_error *err)
{
    (void)context;
    (void)finding;
    (void)err;
    return SNAP_OK;
}

static const char *state_of(const struct snap_store *store, const struct snap_findings *findings,
                            const struct snap_check_result *check)
{
    if (store->defect == SNAP_HEADER_INVALID)
        return check->list_complete && check->free_chunks == 0 ? "overflowed" : "invalid";
    if (!check->list_complete || !report_is_sound(findings))
        return "damaged";
    return check->entries == 0 ? "empty" : check->free_chunks == 0 ? "full" : "valid";
}

static enum snap_status read_store(struct device *device, struct look *look, struct snap_error *err)
{
    const struct snap_check_options options = {.figures_only = true, .stop = cli_stop_asked};
    struct snap_findings findings = {.fn = count_only, .per_rule_max = 1};
    enum snap_status status = snap_header_read(&look->store, device->io, err);

    if (status != SNAP_OK)
        return status;
    look->state = "no store";
    if (!snap_header_is_store(&look->store))
        return SNAP_OK;
    status = snap_check(&look->store, &options, &findings, &look->check, err);
    look->state = state_of(&look->store, &findings, &look->check);
    look->figures = status == SNAP_OK && look->check.list_complete && look->check.usage.total_sectors > 0;
    return status;
}

/* A store that cannot be read is no reason to keep silent about the others. */
static enum snap_status look_at(const struct walk *walk, const struct snap_metadata_segment *snapshot,
                                struct look *look, struct snap_error *err)
{
    struct cli *cli = walk->session->cli;
    struct device device = {.path = NULL};
    char *name = NULL;
    enum snap_status status;

    *look = (struct look){.state = "unreadable"};
    if (asprintf(&name, "%s%s/%s", DEVICES_LVM, walk->metadata->name, walk->metadata->lvs[snapshot->cow].name) < 0)
        return snap_fail(err, SNAP_E_NOMEM, "no memory to open an LVM volume");
    status = volumes_open_one(walk->volumes, cli, name, &device, err);
    if (status == SNAP_OK)
        status = read_store(&device, look, err);
    (void)devices_close(&device, NULL); /* it was only read */
    if (status == SNAP_OK || status == SNAP_E_STOPPED || status == SNAP_E_NOMEM)
        return status;
    cli_warn(cli, "%s", err->text);
    return SNAP_OK;
}

static struct cli_text size_text(const struct walk *walk, uint64_t bytes)
{
    struct cli_text text;

    if (!walk->session->arguments.bytes)
        return cli_size_text(bytes);
    (void)snprintf(text.text, sizeof text.text, "%" PRIu64, bytes);
    return text;
}

static enum snap_status print_snapshot(const struct walk *walk, const struct snap_metadata_segment *snapshot,
                                       const struct look *look, struct snap_error *err)
{
    const struct snap_metadata_lv *cow = &walk->metadata->lvs[snapshot->cow];
    const struct snap_usage *usage = &look->check.usage;
    const struct cli_text size = size_text(walk, cow->extents * extent_bytes(walk->metadata));
    const struct cli_text chunk = size_text(walk, snapshot->chunk_sectors * SNAP_SECTOR_BYTES);
    char name[256], used[32] = "", state[64];
    const char *const cells[COLUMNS] = {name, "snapshot", size.text, chunk.text, used, state};

    (void)snprintf(name, sizeof name, "    %s", cow->name);
    if (look->figures)
        (void)snprintf(used, sizeof used, "%.1f%%", 100.0 * (double)usage->allocated_sectors /
                       (double)usage->total_sectors);
    (void)snprintf(state, sizeof state, "%s%s", snapshot->merging ? "merging, " : "", look->state);
    return cli_table_row(walk->table, cells, err);
}

static void keep_snapshot(const struct snap_metadata *metadata, const struct snap_metadata_segment *snapshot,
                          const struct look *look, struct cli_json *list)
{
    const struct snap_metadata_lv *cow = &metadata->lvs[snapshot->cow];
    struct cli_json *row = cli_json_object();

    cli_json_set_string(row, "name", cow->name);
    cli_json_set_string(row, "id", snap_label_id_text(cow->id).text);
    cli_json_set_uint(row, "size_bytes", cow->extents * extent_bytes(metadata));
    cli_json_set_uint(row, "chunk_sectors", snapshot->chunk_sectors);
    cli_json_set_bool(row, "merging", snapshot->merging);
    cli_json_set_string(row, "state", look->state);
    if (look->figures) {
        cli_json_set_uint(row, "entries", look->check.entries);
        report_set_usage(row, &look->store.layout, look->check.entries, look->check.highest_new_chunk);
    } else {
        cli_json_set_null(row, "entries");
        cli_json_set_null(row, "usage");
    }
    cli_json_add(list, row);
}

static enum snap_status show_snapshots(const struct walk *walk, size_t origin, struct cli_json *list,
                                       struct snap_error *err)
{
    const struct snap_metadata_segment *snapshot;
    enum snap_status status = SNAP_OK;
    struct look look;

    for (size_t at = 0; status == SNAP_OK; at++) {
        snapshot = snap_metadata_next_snapshot(walk->metadata, origin, at, &at);
        if (!snapshot)
            return SNAP_OK;
        status = cli_stop_wanted() ? snap_fail(err, SNAP_E_STOPPED, "stopped")
                                   : look_at(walk, snapshot, &look, err);
        if (status == SNAP_OK && walk->table)
            status = print_snapshot(walk, snapshot, &look, err);
        else if (status == SNAP_OK)
            keep_snapshot(walk->metadata, snapshot, &look, list);
    }
    return status;
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

static enum snap_status show_volume(const struct walk *walk, size_t lv, struct snap_error *err)
{
    const struct snap_metadata_lv *volume = &walk->metadata->lvs[lv];
    const uint64_t size_bytes = volume->extents * extent_bytes(walk->metadata);
    const struct cli_text size = size_text(walk, size_bytes);
    struct cli_json *row = NULL, *snapshots = NULL;
    char name[256];
    const char *const cells[COLUMNS] = {name, type_of(volume), size.text, NULL, NULL, NULL};
    enum snap_status status;

    if (walk->table) {
        (void)snprintf(name, sizeof name, "  %s", volume->name);
        status = cli_table_row(walk->table, cells, err);
        return status == SNAP_OK ? show_snapshots(walk, lv, NULL, err) : status;
    }
    row = cli_json_object();
    snapshots = cli_json_array();
    cli_json_set_string(row, "name", volume->name);
    cli_json_set_string(row, "id", snap_label_id_text(volume->id).text);
    cli_json_set_string(row, "type", type_of(volume));
    cli_json_set_uint(row, "size_bytes", size_bytes);
    cli_json_set_bool(row, "visible", volume->visible);
    status = show_snapshots(walk, lv, snapshots, err);
    cli_json_set(row, "snapshots", snapshots);
    cli_json_add(walk->rows, row);
    return status;
}

/* A snapshot's store stands below its origin, and what LVM hides is shown only where a snapshot stands on it. */
static enum snap_status show_volumes(const struct walk *walk, struct snap_error *err)
{
    const struct snap_metadata *metadata = walk->metadata;
    enum snap_status status = SNAP_OK;
    size_t at;

    for (size_t lv = 0; lv < metadata->lv_count && status == SNAP_OK; lv++) {
        if (metadata->lvs[lv].segments[0].kind == SNAP_METADATA_SNAPSHOT || snap_metadata_snapshot_of(metadata, lv) ||
            (!metadata->lvs[lv].visible && !snap_metadata_next_snapshot(metadata, lv, 0, &at)))
            continue;
        status = show_volume(walk, lv, err);
    }
    return status;
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
           : group->contradicted                       ? "contradicted"
                                                       : "";
}

static uint64_t group_bytes(const struct snap_metadata *metadata)
{
    uint64_t extents = 0;

    for (size_t pv = 0; pv < metadata->pv_count; pv++)
        extents += metadata->pvs[pv].extents; /* each below 2^32 */
    return extents * extent_bytes(metadata);
}

static struct cli_json *pvs_json(const struct volumes *volumes, const struct snap_group *group)
{
    struct cli_json *list = cli_json_array();

    for (size_t pv = 0; pv < group->metadata->pv_count; pv++) {
        struct cli_json *row = cli_json_object();
        const size_t device = group->pvs[pv].device;

        cli_json_set_string(row, "name", group->metadata->pvs[pv].name);
        cli_json_set_string(row, "id", snap_label_id_text(group->metadata->pvs[pv].id).text);
        cli_json_set_string(row, "device", device == SNAP_GROUP_NONE ? NULL : volumes->physical.found[device]->path);
        cli_json_set_bool(row, "missing", device == SNAP_GROUP_NONE || group->metadata->pvs[pv].missing);
        cli_json_add(list, row);
    }
    return list;
}

static enum snap_status show_group(struct walk *walk, const struct snap_group *group, struct cli_json *groups,
                                   struct snap_error *err)
{
    const struct snap_metadata *metadata = group->metadata;
    const struct cli_text size = size_text(walk, group_bytes(metadata));
    const char *const cells[COLUMNS] = {metadata->name, "group", size.text, NULL, NULL, group_state(group)};
    struct cli_json *row;
    enum snap_status status;

    walk->metadata = metadata;
    if (walk->table) {
        status = cli_table_row(walk->table, cells, err);
        return status == SNAP_OK ? show_volumes(walk, err) : status;
    }
    row = cli_json_object();
    walk->rows = cli_json_array();
    cli_json_set_string(row, "name", metadata->name);
    cli_json_set_string(row, "id", snap_label_id_text(metadata->id).text);
    cli_json_set_uint(row, "seqno", metadata->seqno);
    cli_json_set_uint(row, "extent_bytes", extent_bytes(metadata));
    cli_json_set_uint(row, "size_bytes", group_bytes(metadata));
    cli_json_set_string(row, "state", group_state(group)[0] ? group_state(group) : NULL);
    cli_json_set(row, "physical_volumes", pvs_json(walk->volumes, group));
    status = show_volumes(walk, err);
    cli_json_set(row, "volumes", walk->rows);
    cli_json_add(groups, row);
    return status;
}

/* The table, or the JSON document, of the groups that were asked for. */
static enum snap_status show(struct inspect_session *session, const struct volumes *volumes, struct snap_error *err)
{
    struct walk walk = {.session = session, .volumes = volumes};
    const char *wanted = session->arguments.cow;
    const bool json = session->arguments.json;
    struct cli_json *groups = json ? cli_json_array() : NULL;
    size_t only = volumes->groups->count;
    enum snap_status status = wanted ? snap_group_find(volumes->groups, wanted, &only, err) : SNAP_OK;

    if (status == SNAP_OK && !json)
        status = cli_table_open(columns, COLUMNS, &(struct cli_table_style){.raw = false}, session->cli->out,
                                &walk.table, err);
    for (size_t i = 0; i < volumes->groups->count && status == SNAP_OK; i++)
        if (!wanted || i == only)
            status = show_group(&walk, &volumes->groups->groups[i], groups, err);
    if (status == SNAP_OK && json) {
        struct cli_json *document = report_json_begin(session->cli, NULL, NULL);
        struct cli_json *result = cli_json_object();

        cli_json_set(result, "groups", groups);
        cli_json_set(document, "result", result);
        cli_result_keep(session->cli, document);
        return SNAP_OK;
    }
    cli_json_free(groups);
    if (status == SNAP_OK)
        return cli_table_close(walk.table, err);
    cli_table_free(walk.table);
    return status;
}

enum snap_status inspect_groups(struct inspect_session *session, struct snap_error *err)
{
    struct volumes volumes;
    enum snap_status status = volumes_open(&volumes, session->cli, &session->arguments.devices, err);

    if (status == SNAP_OK && volumes.groups->count == 0)
        cli_note(session->cli, "there is no LVM group on these devices");
    if (status == SNAP_OK)
        status = show(session, &volumes, err);
    volumes_close(&volumes);
    return status;
}
