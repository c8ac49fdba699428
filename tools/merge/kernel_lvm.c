/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the snapshots of LVM for which the kernel copies nothing, where the origin was cut out of a physical volume. */
#include "tools/merge/kernel.h"

#include "lib/device/bottom.h"
#include "lib/device/dm_stacks.h"
#include "tools/shared/accept.h"
#include "tools/shared/volumes.h"

struct search {
    struct merge_session *session;
    struct volumes volumes;
    struct snap_dm_tables tables;
    struct snap_bottom origin, cow, stores; /* where these lie; the stores of active snapshots of this origin */
};

/* Whether a volume has a byte in common with them. One that this library cannot place has none that anybody knows. */
static enum snap_status overlaps(const struct search *search, const struct snap_group *group, size_t lv,
                                 const struct snap_bottom *bottom, bool *found, struct snap_error *err)
{
    struct snap_bottom places = {.count = 0};
    struct snap_volume *volume = NULL;
    struct snap_error ignored;
    enum snap_status status = snap_volume_new(group->metadata, lv, &volume, &ignored);

    *found = false;
    if (status != SNAP_OK)
        return status == SNAP_E_NOMEM ? snap_fail(err, status, "%s", ignored.text) : SNAP_OK;
    for (size_t i = 0; i < volume->segment_count; i++) {
        const struct snap_volume_segment *segment = &volume->segments[i];

        for (unsigned j = 0; j < segment->area_count && status == SNAP_OK; j++) {
            const size_t device = group->pvs[segment->areas[j].pv].device;

            if (device != SNAP_GROUP_NONE)
                status = snap_bottom_add(&places, &search->tables, search->volumes.physical.found[device]->number,
                                         segment->areas[j].offset_bytes, segment->length_bytes / segment->area_count,
                                         err);
        }
    }
    *found = status == SNAP_OK && snap_bottom_overlap(&places, bottom);
    snap_bottom_free(&places);
    snap_volume_free(volume);
    return status;
}

static enum snap_status judge(const struct search *search, const struct snap_metadata *metadata, size_t origin,
                              size_t snapshot, struct snap_error *err)
{
    const struct merge_session *session = search->session;
    const char *name = metadata->lvs[snapshot].name, *origin_name = metadata->lvs[origin].name;

    if (accept_has(session->arguments.accept, ACCEPT_SIBLINGS)) {
        cli_warn(session->cli, DEVICES_LVM "%s/%s: this other snapshot will show what the origin has after this merge, "
                 "wherever its store has nothing", metadata->name, name);
        return SNAP_OK;
    }
    return snap_fail(err, SNAP_E_REFUSED, "%s: it is the volume %s/%s of LVM, which knows %s/%s as another snapshot of "
                     "it; that is not active, so the kernel would not keep what it shows; once no table maps them, a "
                     "merge of " DEVICES_LVM "%s/SNAPSHOT without --kernel keeps it; to let it change, add "
                     "--accept=siblings", session->origin.path, metadata->name, origin_name, metadata->name, name,
                     metadata->name);
}

static enum snap_status look_at_snapshots(const struct search *search, const struct snap_group *group, size_t origin,
                                          struct snap_error *err)
{
    const struct snap_metadata *metadata = group->metadata;
    const struct snap_metadata_segment *snapshot;
    enum snap_status status = SNAP_OK;
    size_t at = 0;

    for (snapshot = snap_metadata_next_snapshot(metadata, origin, 0, &at); snapshot && status == SNAP_OK;
         snapshot = snap_metadata_next_snapshot(metadata, origin, at + 1, &at)) {
        bool kept = false;

        status = overlaps(search, group, snapshot->cow, &search->cow, &kept, err);
        if (status == SNAP_OK && !kept)
            status = overlaps(search, group, snapshot->cow, &search->stores, &kept, err);
        if (status == SNAP_OK && !kept)
            status = judge(search, metadata, origin, snapshot->cow, err);
    }
    return status;
}

static enum snap_status look_at_group(const struct search *search, const struct snap_group *group,
                                      struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    for (size_t lv = 0; lv < group->metadata->lv_count && status == SNAP_OK; lv++) {
        bool mapped = false;
        size_t at;

        if (!snap_metadata_next_snapshot(group->metadata, lv, 0, &at))
            continue;
        status = overlaps(search, group, lv, &search->origin, &mapped, err);
        if (status == SNAP_OK && mapped)
            status = look_at_snapshots(search, group, lv, err);
    }
    return status;
}

static enum snap_status add_all(const struct search *search, struct snap_bottom *bottom, uint64_t number,
                                struct snap_error *err)
{
    return snap_bottom_add(bottom, &search->tables, number, 0, UINT64_MAX, err);
}

/* The stores of the active snapshots of this origin. */
static enum snap_status add_stores(struct search *search, struct snap_error *err)
{
    struct snap_dm_stacks stacks;
    enum snap_status status = snap_dm_stacks_find(&search->tables, &stacks, err);

    for (size_t i = 0; i < stacks.count && status == SNAP_OK; i++) {
        const struct snap_dm_stacks_use *use = &stacks.uses[i];

        if (use->active && use->table_known && use->role == SNAP_DM_STACKS_SNAPSHOT &&
            use->origin_number == search->session->kernel.origin_number)
            status = add_all(search, &search->stores, use->table.cow_number, err);
    }
    snap_dm_stacks_free(&stacks);
    return status;
}

/* Whether the origin stands on one of the physical volumes. */
static enum snap_status stands_on_physical(const struct search *search, bool *stands, struct snap_error *err)
{
    const struct physical *physical = &search->volumes.physical;
    struct snap_bottom places = {.count = 0};
    enum snap_status status = SNAP_OK;

    for (size_t i = 0; i < physical->count && status == SNAP_OK; i++)
        status = add_all(search, &places, physical->found[i]->number, err);
    *stands = status == SNAP_OK && snap_bottom_overlap(&places, &search->origin);
    snap_bottom_free(&places);
    return status;
}

static enum snap_status look(struct search *search, struct snap_error *err)
{
    const struct merge_kernel *kernel = &search->session->kernel;
    bool stands = false;
    enum snap_status status = snap_dm_tables_read(0, &search->tables, err);

    if (status == SNAP_OK)
        status = add_all(search, &search->origin, kernel->origin_number, err);
    if (status == SNAP_OK)
        status = stands_on_physical(search, &stands, err);
    if (status != SNAP_OK || !stands)
        return status;
    status = add_all(search, &search->cow, kernel->cow_number, err);
    if (status == SNAP_OK)
        status = add_stores(search, err);
    if (status == SNAP_OK)
        status = volumes_read(&search->volumes, search->session->cli, err);
    for (size_t i = 0; status == SNAP_OK && i < search->volumes.groups->count; i++)
        status = look_at_group(search, &search->volumes.groups->groups[i], err);
    return status;
}

enum snap_status merge_kernel_check_lvm(struct merge_session *session, struct snap_error *err)
{
    const struct cli_strings everywhere = {.count = 0};
    struct search search = {.session = session, .volumes = {.devices = &everywhere}};
    struct snap_error ignored;
    enum snap_status status = SNAP_OK;

    if (session->origin.facts.dm_name[0] == '\0' && !session->origin.facts.is_loop)
        return SNAP_OK; /* a disk or a partition: LVM has its volumes inside of such ones */
    search.volumes.physical.unlocked = true;
    if (physical_open(&search.volumes.physical, &everywhere, &ignored) == SNAP_OK)
        status = look(&search, err);
    volumes_close(&search.volumes);
    snap_bottom_free(&search.origin);
    snap_bottom_free(&search.cow);
    snap_bottom_free(&search.stores);
    snap_dm_tables_free(&search.tables);
    return status;
}
