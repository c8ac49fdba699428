/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the snapshots of LVM for which the kernel copies nothing, where the origin was cut out of a physical volume. */
#include "tools/merge/kernel.h"

#include "lib/device/block.h"
#include "lib/device/dm_stacks.h"
#include "lib/device/dm_users.h"
#include "lib/lvm/mapped.h"
#include "tools/shared/accept.h"
#include "tools/shared/volumes.h"

#include <stdio.h>
#include <sys/sysmacros.h>

struct search {
    struct merge_session *session;
    struct volumes volumes;
    struct snap_dm_stacks stacks;
};

/* Whether a device maps an extent of a volume; only one that is asked for counts. */
struct asking {
    const struct search *search;
    const struct snap_volume *volume;
    size_t pv;
    uint64_t pv_number;
    bool (*counts)(const struct search *search, uint64_t number);
    bool found;
};

static bool is_origin(const struct search *search, uint64_t number)
{
    return number == search->session->kernel.origin_number;
}

static bool is_cow(const struct search *search, uint64_t number)
{
    return number == search->session->kernel.cow_number;
}

/* The store of an active snapshot of this origin. */
static bool is_active_store(const struct search *search, uint64_t number)
{
    for (size_t i = 0; i < search->stacks.count; i++) {
        const struct snap_dm_stacks_use *use = &search->stacks.uses[i];

        if (use->active && use->table_known && use->role == SNAP_DM_STACKS_SNAPSHOT &&
            is_origin(search, use->origin_number) && use->table.cow_number == number)
            return true;
    }
    return false;
}

static enum snap_status note_user(void *context, const struct snap_dm_user *user, struct snap_error *err)
{
    struct asking *asking = context;

    (void)err;
    asking->found = asking->found ||
                    (asking->counts(asking->search, makedev(user->major, user->minor)) &&
                     snap_mapped_overlaps(asking->volume, asking->pv, asking->pv_number, user));
    return SNAP_OK;
}

/* A volume that this library cannot place is mapped by nothing, as far as can be told. */
static enum snap_status is_mapped(const struct search *search, const struct snap_group *group, size_t lv,
                                  bool (*counts)(const struct search *search, uint64_t number), bool *mapped,
                                  struct snap_error *err)
{
    struct snap_volume *volume = NULL;
    struct snap_error ignored;
    enum snap_status status = snap_volume_new(group->metadata, lv, &volume, &ignored);

    *mapped = false;
    if (status != SNAP_OK)
        return status == SNAP_E_NOMEM ? snap_fail(err, status, "%s", ignored.text) : SNAP_OK;
    for (size_t i = 0; i < volume->pv_count && !*mapped && status == SNAP_OK; i++) {
        const size_t device = group->pvs[volume->pvs[i]].device;
        struct asking asking = {.search = search, .volume = volume, .pv = volume->pvs[i], .counts = counts};

        if (device == SNAP_GROUP_NONE)
            continue;
        asking.pv_number = search->volumes.physical.found[device]->number;
        status = snap_dm_users(asking.pv_number, note_user, &asking, err);
        *mapped = asking.found;
    }
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

        status = is_mapped(search, group, snapshot->cow, is_cow, &kept, err);
        if (status == SNAP_OK && !kept)
            status = is_mapped(search, group, snapshot->cow, is_active_store, &kept, err);
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
        status = is_mapped(search, group, lv, is_origin, &mapped, err);
        if (status == SNAP_OK && mapped)
            status = look_at_snapshots(search, group, lv, err);
    }
    return status;
}

/* Whether the origin stands on one of the physical volumes. */
static bool stands_on_physical(const struct search *search)
{
    const struct physical *physical = &search->volumes.physical;
    struct snap_block block;
    struct snap_error ignored;

    if (snap_block_read(search->session->kernel.origin_number, &block, &ignored) != SNAP_OK)
        return false;
    for (size_t i = 0; i < block.below_count; i++)
        for (size_t j = 0; j < physical->count; j++)
            if (physical->found[j]->number == block.below[i])
                return true;
    return false;
}

static enum snap_status look(struct search *search, struct snap_error *err)
{
    struct snap_dm_tables tables;
    enum snap_status status = volumes_read(&search->volumes, search->session->cli, err);

    if (status != SNAP_OK)
        return status;
    status = snap_dm_tables_read(0, &tables, err);
    if (status == SNAP_OK)
        status = snap_dm_stacks_find(&tables, &search->stacks, err);
    for (size_t i = 0; i < search->volumes.groups->count && status == SNAP_OK; i++)
        status = look_at_group(search, &search->volumes.groups->groups[i], err);
    snap_dm_stacks_free(&search->stacks);
    snap_dm_tables_free(&tables);
    return status;
}

enum snap_status merge_kernel_check_lvm(struct merge_session *session, struct snap_error *err)
{
    const struct cli_strings everywhere = {.count = 0};
    struct search search = {.session = session, .volumes = {.devices = &everywhere}};
    struct snap_error ignored;
    enum snap_status status = SNAP_OK;

    if (session->origin.facts.dm_name[0] == '\0')
        return SNAP_OK;
    search.volumes.physical.unlocked = true;
    if (physical_open(&search.volumes.physical, &everywhere, &ignored) == SNAP_OK && stands_on_physical(&search))
        status = look(&search, err);
    volumes_close(&search.volumes);
    return status;
}
