/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Collects the snapshot targets, reads their lines, and counts who shares a store. */
#include "lib/device/dm_stacks.h"

#include <stdlib.h>
#include <string.h>

static bool role_of(const char *type, enum snap_dm_stacks_role *role)
{
    static const struct {
        const char *type;
        enum snap_dm_stacks_role role;
    } roles[] = {
        {"snapshot-origin", SNAP_DM_STACKS_ORIGIN},
        {"snapshot-merge", SNAP_DM_STACKS_MERGE},
        {"snapshot", SNAP_DM_STACKS_SNAPSHOT},
    };

    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        if (strcmp(type, roles[i].type) == 0) {
            *role = roles[i].role;
            return true;
        }
    }
    return false;
}

static void read_lines(struct snap_dm_stacks_use *use)
{
    if (use->role == SNAP_DM_STACKS_ORIGIN) {
        use->table_known = snap_dm_status_origin(use->target->params, &use->origin_number);
    } else {
        use->table_known = snap_dm_status_table(use->target->params, &use->table);
        use->origin_number = use->table.origin_number;
        use->status_known = use->active && use->target->status &&
                            snap_dm_status_parse(use->target->status, &use->status);
    }
    if (!use->table_known) {
        use->origin_number = 0;
        use->table = (struct snap_dm_status_table){.chunk_sectors = 0};
    }
}

static enum snap_status add_table(struct snap_dm_stacks *stacks, const struct snap_dm_device *device,
                                  const struct snap_dm_table *table, bool active, struct snap_error *err)
{
    for (size_t i = 0; i < table->count; i++) {
        struct snap_dm_stacks_use use = {.device = device, .target = &table->targets[i], .active = active};
        struct snap_dm_stacks_use *grown;

        if (!role_of(use.target->type, &use.role))
            continue;
        grown = reallocarray(stacks->uses, stacks->count + 1, sizeof *grown);
        if (!grown)
            return snap_fail(err, SNAP_E_NOMEM, "no memory for the list of snapshots");
        stacks->uses = grown;
        read_lines(&use);
        stacks->uses[stacks->count++] = use;
    }
    return SNAP_OK;
}

static int compare(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

/* Each comparison decides only where all in front of it find no difference. */
static int by_place(const void *first, const void *second)
{
    const struct snap_dm_stacks_use *a = first, *b = second;
    int order = compare(b->table_known, a->table_known);

    order = order ? order : compare(a->origin_number, b->origin_number);
    order = order ? order : compare(a->role, b->role);
    order = order ? order : strcmp(a->device->name, b->device->name);
    order = order ? order : compare(b->active, a->active);
    return order ? order : compare(a->target->start_sectors, b->target->start_sectors);
}

static bool has_store(const struct snap_dm_stacks_use *use)
{
    return use->active && use->table_known && use->role != SNAP_DM_STACKS_ORIGIN;
}

static int by_store(const void *first, const void *second)
{
    const struct snap_dm_stacks_use *const *a = first, *const *b = second;

    return compare((*a)->table.cow_number, (*b)->table.cow_number);
}

/* Sorted by their stores, those that share one stand together. */
static enum snap_status count_store_users(struct snap_dm_stacks *stacks, struct snap_error *err)
{
    struct snap_dm_stacks_use **sorted = calloc(stacks->count + 1, sizeof *sorted);
    size_t count = 0;

    if (!sorted)
        return snap_fail(err, SNAP_E_NOMEM, "no memory for the list of snapshots");
    for (size_t i = 0; i < stacks->count; i++)
        if (has_store(&stacks->uses[i]))
            sorted[count++] = &stacks->uses[i];
    qsort(sorted, count, sizeof(struct snap_dm_stacks_use *), by_store);
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first; end < count && sorted[end]->table.cow_number == sorted[first]->table.cow_number; end++)
            ;
        for (size_t i = first; i < end; i++)
            sorted[i]->store_users = end - first;
    }
    free(sorted);
    return SNAP_OK;
}

enum snap_status snap_dm_stacks_find(const struct snap_dm_tables *tables, struct snap_dm_stacks *stacks,
                                     struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    *stacks = (struct snap_dm_stacks){.count = 0};
    for (size_t i = 0; i < tables->count && status == SNAP_OK; i++) {
        status = add_table(stacks, &tables->devices[i], &tables->devices[i].active, true, err);
        if (status == SNAP_OK)
            status = add_table(stacks, &tables->devices[i], &tables->devices[i].inactive, false, err);
    }
    if (stacks->count > 0)
        qsort(stacks->uses, stacks->count, sizeof *stacks->uses, by_place);
    return status == SNAP_OK ? count_store_users(stacks, err) : status;
}

void snap_dm_stacks_free(struct snap_dm_stacks *stacks)
{
    free(stacks->uses);
    *stacks = (struct snap_dm_stacks){.count = 0};
}

bool snap_dm_stacks_has_type(const char *type)
{
    enum snap_dm_stacks_role role;

    return role_of(type, &role);
}

bool snap_dm_stacks_is_merging(const struct snap_dm_stacks_use *use)
{
    return use->active && use->role == SNAP_DM_STACKS_MERGE && use->status_known &&
           use->status.state == SNAP_DM_STATUS_FIGURES && !snap_dm_status_merged(&use->status);
}
