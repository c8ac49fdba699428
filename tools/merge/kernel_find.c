/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds out what is active over an origin, and whether the kernel can be told to merge there. */
#include "tools/merge/kernel.h"

#include "lib/device/block.h"
#include "lib/device/dm_stacks.h"
#include "lib/device/dm_users.h"
#include "tools/cli/quote.h"
#include "tools/shared/content.h"

#include <stdio.h>
#include <string.h>

/* The device through which the origin is used: it keeps its name, and gets another table. */
static void take_base(struct merge_kernel *kernel, const struct snap_dm_stacks_use *use)
{
    kernel->base_number = use->device->number;
    kernel->base_sectors = use->target->length_sectors;
    (void)snprintf(kernel->base_name, sizeof kernel->base_name, "%s", use->device->name);
}

/* What a run leaves that is killed while the device is suspended: the merge of this store begins with the resume. */
static bool merge_waits(const struct merge_kernel *kernel, const struct snap_dm_device *device)
{
    const struct snap_dm_target *target = device->inactive.targets;
    struct snap_dm_status_table table;

    return device->suspended && device->inactive.count == 1 && strcmp(target->type, "snapshot-merge") == 0 &&
           snap_dm_status_table(target->params, &table) && table.origin_number == kernel->origin_number &&
           table.cow_number == kernel->cow_number;
}

static enum snap_status check_base(const struct merge_kernel *kernel, const struct snap_dm_stacks_use *use,
                                   struct snap_error *err)
{
    const struct snap_dm_device *device = use->device;

    if (strncmp(device->uuid, "LVM-", 4) == 0)
        return snap_fail(err, SNAP_E_REFUSED, "%s belongs to LVM, whose metadata would not know of the merge; LVM "
                         "merges with: lvconvert --merge VG/SNAPSHOT", device->name);
    if (device->active.count != 1 || use->target->start_sectors != 0 || device->read_only)
        return snap_fail(err, SNAP_E_REFUSED, "%s: it has more in its table than the origin, or it is read-only; merge "
                         "without --kernel once nothing uses it", device->name);
    if (merge_waits(kernel, device))
        return snap_fail(err, SNAP_E_REFUSED, "%s: it is suspended, and the merge of this store is loaded there, as a "
                         "run leaves it that is killed; let the kernel begin, then repeat this command: dmsetup "
                         "resume %s", device->name, cli_quote(device->name).text);
    if (device->inactive.count > 0)
        return snap_fail(err, SNAP_E_REFUSED, "%s: another table waits there for a resume; take it back first: dmsetup "
                         "clear %s", device->name, cli_quote(device->name).text);
    if (device->suspended && !kernel->suspended)
        return snap_fail(err, SNAP_E_REFUSED, "%s: it is suspended; let it go on first: dmsetup resume %s",
                         device->name, cli_quote(device->name).text);
    return SNAP_OK;
}

static void take_snapshot(struct merge_kernel *kernel, const struct snap_dm_stacks_use *use)
{
    kernel->snapshot_number = use->device->number;
    kernel->snapshot_sectors = use->target->length_sectors;
    kernel->fails_writes = use->table.persistence == SNAP_DM_STATUS_PO;
    (void)snprintf(kernel->snapshot_name, sizeof kernel->snapshot_name, "%s", use->device->name);
    (void)snprintf(kernel->snapshot_uuid, sizeof kernel->snapshot_uuid, "%s", use->device->uuid);
    (void)snprintf(kernel->snapshot_params, sizeof kernel->snapshot_params, "%s", use->target->params);
}

/* This store as a snapshot: what has it suspended, or waits there, would be lost with it. */
static enum snap_status look_at_snapshot(struct merge_kernel *kernel, const struct snap_dm_stacks_use *use,
                                         struct snap_error *err)
{
    const bool invalid = use->status_known && use->status.state == SNAP_DM_STATUS_INVALID;

    if (use->table.persistence == SNAP_DM_STATUS_N || kernel->has_snapshot || kernel->snapshot_left)
        return snap_fail(err, SNAP_E_REFUSED, "%s: it keeps no store, or is not the only snapshot of this one; it "
                         "cannot be merged", use->device->name);
    if (kernel->merging && invalid) {
        kernel->snapshot_left = true;
        take_snapshot(kernel, use);
        return SNAP_OK;
    }
    if (invalid)
        return snap_fail(err, SNAP_E_INVALID, "%s: the kernel has given its store up: it was full, or could not be "
                         "read or written; it may lack what the origin held, even if its header does not say so, "
                         "and is not merged", use->device->name);
    if (use->device->inactive.count > 0)
        return snap_fail(err, SNAP_E_REFUSED, "%s: another table waits there for a resume; take it back first: "
                         "dmsetup clear %s", use->device->name, cli_quote(use->device->name).text);
    if (use->device->suspended)
        return snap_fail(err, SNAP_E_REFUSED, "%s: it is suspended; let it go on first: dmsetup resume %s",
                         use->device->name, cli_quote(use->device->name).text);
    kernel->has_snapshot = true;
    take_snapshot(kernel, use);
    return SNAP_OK;
}

/* What has an active table over this origin: one device through which it is used, this snapshot, and others. */
static enum snap_status look_at_use(struct merge_kernel *kernel, const struct snap_dm_stacks_use *use,
                                    struct snap_error *err)
{
    const bool this_store = use->role != SNAP_DM_STACKS_ORIGIN && use->table.cow_number == kernel->cow_number;
    enum snap_status status;

    if (use->role == SNAP_DM_STACKS_SNAPSHOT)
        return this_store ? look_at_snapshot(kernel, use, err) : SNAP_OK;
    if (use->role == SNAP_DM_STACKS_MERGE && !this_store)
        return snap_fail(err, SNAP_E_REFUSED, "%s: another store is being merged into this origin; let that end first: "
                         "dmsetup status %s", use->device->name, cli_quote(use->device->name).text);
    if (kernel->base_number != 0)
        return snap_fail(err, SNAP_E_REFUSED, "%s and %s both stand on this origin; remove one of them",
                         use->device->name, kernel->base_name);
    status = check_base(kernel, use, err);
    kernel->merging = use->role == SNAP_DM_STACKS_MERGE;
    take_base(kernel, use);
    return status;
}

/* A table that waits for a resume counts as well: the kernel copies for that snapshot from the resume on. */
static unsigned count_siblings(const struct merge_kernel *kernel, const struct snap_dm_stacks *stacks)
{
    const struct snap_dm_device *last = NULL; /* the uses of one device stand together */
    unsigned siblings = 0;

    for (size_t i = 0; i < stacks->count; i++) {
        const struct snap_dm_stacks_use *use = &stacks->uses[i];

        if (!use->table_known || use->role != SNAP_DM_STACKS_SNAPSHOT || use->device == last ||
            use->origin_number != kernel->origin_number || use->table.cow_number == kernel->cow_number)
            continue;
        last = use->device;
        siblings++;
    }
    return siblings;
}

static enum snap_status look_at_uses(struct merge_kernel *kernel, const char *origin_path,
                                     const struct snap_dm_stacks *stacks, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    for (size_t i = 0; i < stacks->count && status == SNAP_OK; i++)
        if (stacks->uses[i].active && stacks->uses[i].table_known &&
            stacks->uses[i].origin_number == kernel->origin_number)
            status = look_at_use(kernel, &stacks->uses[i], err);
    if (status == SNAP_OK && kernel->base_number == 0)
        return snap_fail(err, SNAP_E_REFUSED, "%s: no device of the kind snapshot-origin stands on it, so nothing can "
                         "use it while the kernel merges; without --kernel, this merges it", origin_path);
    kernel->siblings = count_siblings(kernel, stacks);
    return status;
}

/* Where --origin names the device through which the origin is used, this is what that stands on. */
static uint64_t origin_below(const struct snap_dm_stacks *stacks, uint64_t number)
{
    for (size_t i = 0; i < stacks->count; i++) {
        const struct snap_dm_stacks_use *use = &stacks->uses[i];

        if (use->active && use->table_known && use->role != SNAP_DM_STACKS_SNAPSHOT && use->device->number == number)
            return use->origin_number;
    }
    return number;
}

/* Another name than the one that was typed, for the device below it. */
static enum snap_status find_below(struct merge_session *session, uint64_t number, struct snap_error *err)
{
    struct snap_block block;
    char path[sizeof block.dm_name + 16];
    enum snap_status status;

    if (number == session->origin.facts.device_number)
        return SNAP_OK;
    status = snap_block_read(number, &block, err);
    if (status == SNAP_OK)
        status = devices_close(&session->origin, err);
    if (status != SNAP_OK)
        return status;
    (void)snprintf(path, sizeof path, "/dev/%s%s", block.dm_name[0] != '\0' ? "mapper/" : "",
                   block.dm_name[0] != '\0' ? block.dm_name : block.kernel_name);
    for (char *letter = path + strlen("/dev/"); block.dm_name[0] == '\0' && *letter != '\0'; letter++)
        if (*letter == '!') /* so sysfs writes a slash in a name */
            *letter = '/';
    status = devices_find(&session->origin, path, err);
    if (status == SNAP_OK && session->origin.facts.device_number != number)
        status = snap_fail(err, SNAP_E_REFUSED, "%s: it is not what %s stands on; name that as --origin", path,
                           session->arguments.origin);
    return status;
}

static enum snap_status count_user(void *context, const struct snap_dm_user *user, struct snap_error *err)
{
    (void)user;
    (void)err;
    ++*(unsigned *)context;
    return SNAP_OK;
}

/* The one snapshot or merge that was found is the only table over the store, but for what a killed run has left. */
static enum snap_status check_cow_users(const struct merge_session *session, struct snap_error *err)
{
    unsigned users = 0;
    enum snap_status status = snap_dm_users_loaded(session->kernel.cow_number, count_user, &users, err);

    if (status == SNAP_OK && users > (session->kernel.snapshot_left ? 2u : 1u))
        status = snap_fail(err, SNAP_E_BUSY, "%s: %u tables use it, and only one of them is known to be its snapshot; "
                           "remove the others: dmsetup table", session->cow.path, users);
    return status;
}

/*
 * The kernel copies for the snapshots of this device, and for nobody who uses it beside them, nor for snapshots of
 * another device that has the same bytes.
 */
static enum snap_status check_origin_user(void *context, const struct snap_dm_user *user, struct snap_error *err)
{
    const struct merge_session *session = context;

    if (snap_dm_stacks_has_type(user->target_type))
        return SNAP_OK;
    return snap_fail(err, SNAP_E_BUSY, "%s: %s (%s) stands on it beside %s, and its content would change under it; "
                     "remove it first: dmsetup remove %s", session->origin.path, user->name, user->target_type,
                     session->kernel.base_name, cli_quote(user->name).text);
}

static enum snap_status open_origin(struct merge_session *session, struct snap_error *err)
{
    struct snap_file_options options = merge_options_io(&session->arguments, false, false);

    if (!session->kernel.merging) /* otherwise this only waits */
        options.exclusive = options.held = true;
    return devices_open(&session->origin, &options, err);
}

/* The store is held by nobody, or by the one snapshot or merge that was found. */
static enum snap_status open_cow(struct merge_session *session, struct snap_error *err)
{
    const bool held = session->kernel.has_snapshot || session->kernel.merging;
    const struct snap_file_options options = merge_options_io(&session->arguments, false, !held);
    enum snap_status status = devices_open(&session->cow, &options, err);

    return status == SNAP_OK && held ? check_cow_users(session, err) : status;
}

static enum snap_status read_stacks(struct snap_dm_tables *tables, struct snap_dm_stacks *stacks,
                                    struct snap_error *err)
{
    const enum snap_status status = snap_dm_tables_read(SNAP_DM_TABLES_STATUS | SNAP_DM_TABLES_INACTIVE, tables, err);

    return status == SNAP_OK ? snap_dm_stacks_find(tables, stacks, err) : status;
}

static enum snap_status find_active(struct merge_session *session, struct snap_error *err)
{
    struct snap_dm_tables tables = {.count = 0};
    struct snap_dm_stacks stacks = {.count = 0};
    enum snap_status status = read_stacks(&tables, &stacks, err);

    session->kernel.origin_number = origin_below(&stacks, session->origin.facts.device_number);
    session->kernel.cow_number = session->cow.facts.device_number;
    if (status == SNAP_OK)
        status = look_at_uses(&session->kernel, session->arguments.origin, &stacks, err);
    snap_dm_stacks_free(&stacks);
    snap_dm_tables_free(&tables);
    return status == SNAP_OK ? find_below(session, session->kernel.origin_number, err) : status;
}

enum snap_status merge_kernel_siblings(const struct merge_kernel *kernel, unsigned *siblings, struct snap_error *err)
{
    struct snap_dm_tables tables = {.count = 0};
    struct snap_dm_stacks stacks = {.count = 0};
    enum snap_status status = read_stacks(&tables, &stacks, err);

    if (status == SNAP_OK)
        *siblings = count_siblings(kernel, &stacks);
    snap_dm_stacks_free(&stacks);
    snap_dm_tables_free(&tables);
    return status;
}

static bool same(const struct merge_kernel *a, const struct merge_kernel *b)
{
    return a->base_number == b->base_number && a->base_sectors == b->base_sectors && a->merging == b->merging &&
           strcmp(a->base_name, b->base_name) == 0 && a->siblings == b->siblings &&
           a->has_snapshot == b->has_snapshot && a->snapshot_number == b->snapshot_number &&
           a->snapshot_sectors == b->snapshot_sectors && strcmp(a->snapshot_name, b->snapshot_name) == 0 &&
           strcmp(a->snapshot_uuid, b->snapshot_uuid) == 0 && strcmp(a->snapshot_params, b->snapshot_params) == 0;
}

enum snap_status merge_kernel_same(struct merge_session *session, bool suspended, struct snap_error *err)
{
    struct merge_kernel now = {.origin_number = session->kernel.origin_number,
                               .cow_number = session->kernel.cow_number, .suspended = suspended};
    struct snap_dm_tables tables = {.count = 0};
    struct snap_dm_stacks stacks = {.count = 0};
    enum snap_status status = read_stacks(&tables, &stacks, err);

    if (status == SNAP_OK)
        status = look_at_uses(&now, session->arguments.origin, &stacks, err);
    if (status == SNAP_OK && !same(&now, &session->kernel))
        status = snap_fail(err, SNAP_E_REFUSED, "%s: its table, or the snapshots of this origin, are not what they "
                           "were when this run began; begin anew", session->kernel.base_name);
    snap_dm_stacks_free(&stacks);
    snap_dm_tables_free(&tables);
    if (status == SNAP_OK)
        status = merge_kernel_check_open(session, err);
    if (status == SNAP_OK)
        status = snap_dm_users_loaded(now.origin_number, check_origin_user, session, err);
    return status == SNAP_OK && now.has_snapshot ? check_cow_users(session, err) : status;
}

enum snap_status merge_kernel_find(struct merge_session *session, struct snap_error *err)
{
    struct merge_kernel *kernel = &session->kernel;
    enum snap_status status = devices_find(&session->cow, session->arguments.cow, err);

    if (status == SNAP_OK)
        status = devices_find(&session->origin, session->arguments.origin, err);
    if (status == SNAP_OK)
        status = devices_distinct(&session->origin, &session->cow, err);
    if (status == SNAP_OK)
        status = find_active(session, err);
    if (status == SNAP_OK && kernel->base_sectors != session->origin.facts.size_sectors)
        status = snap_fail(err, SNAP_E_REFUSED, "%s: it shows %llu of the %llu sectors of %s; merge without --kernel "
                           "once nothing uses it", kernel->base_name, (unsigned long long)kernel->base_sectors,
                           (unsigned long long)session->origin.facts.size_sectors, session->origin.path);
    if (status == SNAP_OK)
        status = merge_kernel_check_open(session, err);
    if (status == SNAP_OK && !kernel->merging)
        status = merge_kernel_check_lvm(session, err);
    if (status == SNAP_OK)
        status = open_cow(session, err);
    if (status == SNAP_OK && !kernel->merging)
        status = snap_dm_users_loaded(kernel->origin_number, check_origin_user, session, err);
    if (status == SNAP_OK)
        status = open_origin(session, err);
    if (status == SNAP_OK)
        status = devices_read_store(&session->store, &session->cow, &session->origin, err);
    return status == SNAP_OK ? content_fail_defect(&session->cow, &session->store, &session->origin, err) : status;
}
