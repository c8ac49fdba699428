/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Walks the metadata of groups: each volume, and below an origin each of its snapshots with what its store says. */
#include "tools/inspect/groups.h"

#include "tools/cli/result.h"
#include "tools/inspect/group_rows.h"
#include "tools/shared/report.h"

#include <stdio.h>
#include <stdlib.h>

/* The walk through one group; either its table or `volumes` gets what is found. */
struct walk {
    struct inspect_group_rows rows;
    struct cli *cli;
    struct cli_json *volumes;
};

static enum snap_status say_stuck(const struct walk *walk, const struct snap_metadata_segment *snapshot,
                                  struct snap_error *err)
{
    const struct snap_metadata *metadata = walk->rows.group->metadata;
    char *origin = NULL, *cow = NULL;

    if (asprintf(&origin, "%s%s/%s", DEVICES_LVM, metadata->name, metadata->lvs[snapshot->origin].name) < 0)
        return snap_fail(err, SNAP_E_NOMEM, "no memory for a name");
    if (asprintf(&cow, "%s%s/%s", DEVICES_LVM, metadata->name, metadata->lvs[snapshot->cow].name) < 0) {
        free(origin);
        return snap_fail(err, SNAP_E_NOMEM, "no memory for a name");
    }
    lvm_merge_say_ways_out(walk->cli, cow, origin, volumes_option(&walk->rows.session->arguments.devices).text);
    free(origin);
    free(cow);
    return SNAP_OK;
}

static enum snap_status show_snapshots(const struct walk *walk, size_t origin, struct cli_json *list,
                                       struct snap_error *err)
{
    const struct snap_metadata *metadata = walk->rows.group->metadata;
    const struct snap_metadata_segment *snapshot;
    enum snap_status status = SNAP_OK;
    struct inspect_group_look look;

    for (size_t at = 0; status == SNAP_OK; at++) {
        snapshot = snap_metadata_next_snapshot(metadata, origin, at, &at);
        if (!snapshot)
            return SNAP_OK;
        status = cli_stop_wanted() ? snap_fail(err, SNAP_E_STOPPED, "stopped")
                                   : inspect_group_look_at(walk->cli, walk->rows.volumes, metadata, snapshot, &look,
                                                           err);
        if (status == SNAP_OK && look.merge == LVM_MERGE_STUCK)
            status = say_stuck(walk, snapshot, err);
        if (status == SNAP_OK && walk->rows.table)
            status = inspect_group_rows_snapshot(&walk->rows, snapshot, &look, err);
        else if (status == SNAP_OK)
            cli_json_add(list, inspect_group_rows_snapshot_json(&walk->rows, snapshot, &look));
    }
    return status;
}

static enum snap_status show_volume(const struct walk *walk, size_t lv, struct snap_error *err)
{
    struct cli_json *row, *snapshots;
    enum snap_status status;

    if (walk->rows.table) {
        status = inspect_group_rows_volume(&walk->rows, lv, err);
        return status == SNAP_OK ? show_snapshots(walk, lv, NULL, err) : status;
    }
    row = inspect_group_rows_volume_json(&walk->rows, lv);
    snapshots = cli_json_array();
    status = show_snapshots(walk, lv, snapshots, err);
    cli_json_set(row, "snapshots", snapshots);
    cli_json_add(walk->volumes, row);
    return status;
}

/* A snapshot's store stands below its origin, and what LVM hides is shown only where a snapshot stands on it. */
static enum snap_status show_volumes(const struct walk *walk, struct snap_error *err)
{
    const struct snap_metadata *metadata = walk->rows.group->metadata;
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

static enum snap_status show_group(struct walk *walk, const struct snap_group *group, struct cli_json *groups,
                                   struct snap_error *err)
{
    struct cli_json *row;
    enum snap_status status;

    walk->rows.group = group;
    if (walk->rows.table) {
        status = inspect_group_rows_group(&walk->rows, err);
        return status == SNAP_OK ? show_volumes(walk, err) : status;
    }
    row = inspect_group_rows_group_json(&walk->rows);
    walk->volumes = cli_json_array();
    status = show_volumes(walk, err);
    cli_json_set(row, "volumes", walk->volumes);
    cli_json_add(groups, row);
    return status;
}

/* All groups, or the one that was asked for. */
static enum snap_status show_groups(struct walk *walk, struct cli_json *groups, struct snap_error *err)
{
    const struct snap_groups *all = walk->rows.volumes->groups;
    const char *wanted = walk->rows.session->arguments.cow;
    size_t only = all->count;
    enum snap_status status = wanted ? snap_group_find(all, wanted, &only, err) : SNAP_OK;

    for (size_t i = 0; i < all->count && status == SNAP_OK; i++)
        if (!wanted || i == only)
            status = show_group(walk, &all->groups[i], groups, err);
    return status;
}

static enum snap_status keep_document(struct walk *walk, struct snap_error *err)
{
    struct cli_json *groups = cli_json_array(), *document, *result;
    const enum snap_status status = show_groups(walk, groups, err);

    if (status != SNAP_OK) {
        cli_json_free(groups);
        return status;
    }
    document = report_json_begin(walk->cli, NULL, NULL);
    result = cli_json_object();
    cli_json_set(result, "groups", groups);
    cli_json_set(document, "result", result);
    cli_result_keep(walk->cli, document);
    return SNAP_OK;
}

enum snap_status inspect_groups(struct inspect_session *session, struct snap_error *err)
{
    const struct inspect_arguments *arguments = &session->arguments;
    const struct cli_table_style style = {arguments->columns, arguments->raw, arguments->noheadings};
    struct volumes volumes = {.groups = NULL};
    struct walk walk = {.rows = {.session = session, .volumes = &volumes}, .cli = session->cli};
    enum snap_status status = SNAP_OK;

    if (!arguments->json)
        status = cli_table_open(inspect_group_columns, INSPECT_GROUP_COLUMNS, &style, session->cli->out,
                                &walk.rows.table, err);
    if (status != SNAP_OK)
        return status;
    status = volumes_open(&volumes, session->cli, &arguments->devices, err);
    if (status == SNAP_OK && volumes.groups->count == 0)
        cli_note(session->cli, "there is no LVM group on these devices");
    if (status == SNAP_OK)
        status = arguments->json ? keep_document(&walk, err) : show_groups(&walk, NULL, err);
    if (status == SNAP_OK && walk.rows.table)
        status = cli_table_close(walk.rows.table, err);
    else
        cli_table_free(walk.rows.table);
    volumes_close(&volumes);
    return status;
}
