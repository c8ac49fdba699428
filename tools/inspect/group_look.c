/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks at the store of one LVM snapshot that need not be active. */
#include "tools/inspect/group_look.h"

#include "lib/base/arith.h"
#include "lib/device/dm_users.h"
#include "tools/shared/report.h"

#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

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

static enum snap_status read_store(struct device *device, struct inspect_group_look *look, struct snap_error *err)
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

/* The device-mapper device that LVM has made of the store; its number is 0 where there is none. */
struct active_store {
    const char *serial;
    uint64_t number;
    bool merging;
};

static enum snap_status find_active(void *context, const struct snap_dm_user *user, struct snap_error *err)
{
    struct active_store *store = context;
    const size_t length = strlen(store->serial);

    (void)err;
    if (strncmp(user->uuid, store->serial, length) == 0 && strcmp(user->uuid + length, "-cow") == 0)
        store->number = makedev(user->major, user->minor);
    return SNAP_OK;
}

static enum snap_status find_merge(void *context, const struct snap_dm_user *user, struct snap_error *err)
{
    struct active_store *store = context;

    (void)err;
    store->merging = store->merging || strcmp(user->target_type, "snapshot-merge") == 0;
    return SNAP_OK;
}

/* Where device-mapper does not answer, nothing is active as far as can be told. */
static bool is_merging_now(const struct device *device)
{
    struct active_store store = {.serial = device->facts.serial};

    for (size_t i = 0; i < device->part_count && store.number == 0; i++)
        if (device->parts[i].block_device)
            (void)snap_dm_users(device->parts[i].device_number, find_active, &store, NULL);
    if (store.number != 0)
        (void)snap_dm_users(store.number, find_merge, &store, NULL);
    return store.merging;
}

static enum inspect_group_merge merge_of(const struct inspect_group_look *look, const struct device *device)
{
    const struct snap_store *store = &look->store;

    if (store->defect == SNAP_HEADER_INVALID)
        return INSPECT_GROUP_MERGE_STUCK;
    if (look->figures && look->check.entries == 0 && store->defect == SNAP_HEADER_GOOD)
        return INSPECT_GROUP_MERGE_DONE;
    if (is_merging_now(device) || (store->identity_state == SNAP_IDENTITY_OK &&
                                   (store->identity.flags & SNAP_IDENTITY_MERGING) != 0))
        return INSPECT_GROUP_MERGE_BEGUN;
    return INSPECT_GROUP_MERGE_PENDING;
}

enum snap_status inspect_group_look_at(struct cli *cli, const struct volumes *volumes,
                                       const struct snap_metadata *metadata,
                                       const struct snap_metadata_segment *snapshot, struct inspect_group_look *look,
                                       struct snap_error *err)
{
    struct device device = {.path = NULL};
    char *name = NULL;
    enum snap_status status;

    *look = (struct inspect_group_look){.state = "unreadable"};
    if (snapshot->merging)
        look->merge = INSPECT_GROUP_MERGE_PENDING;
    if (asprintf(&name, "%s%s/%s", DEVICES_LVM, metadata->name, metadata->lvs[snapshot->cow].name) < 0)
        return snap_fail(err, SNAP_E_NOMEM, "no memory to open an LVM volume");
    status = volumes_open_one(volumes, cli, name, &device, err);
    if (status == SNAP_OK)
        status = read_store(&device, look, err);
    if (status == SNAP_OK && snapshot->merging)
        look->merge = merge_of(look, &device);
    (void)devices_close(&device, NULL); /* it was only read */
    if (status == SNAP_OK || status == SNAP_E_STOPPED || status == SNAP_E_NOMEM)
        return status;
    cli_warn(cli, "%s", err->text);
    return SNAP_OK;
}

const char *inspect_group_merge_word(const struct inspect_group_look *look)
{
    static const char *const words[] = {
        [INSPECT_GROUP_MERGE_NONE] = NULL,      [INSPECT_GROUP_MERGE_PENDING] = "pending",
        [INSPECT_GROUP_MERGE_BEGUN] = "begun",  [INSPECT_GROUP_MERGE_STUCK] = "stuck",
        [INSPECT_GROUP_MERGE_DONE] = "done",
    };

    return words[look->merge];
}

/* LVM keeps millionths of a per cent, cut off, and prints them as a float; what is almost 0 or 100 is neither. */
static float percent_of(uint64_t part, uint64_t whole)
{
    const float percent = (float)(uint32_t)(1e8 * ((double)part / (double)whole)) / 1e6f;

    return percent < 0.01f ? 0.01f : percent > 99.99f ? 99.99f : percent;
}

struct cli_text inspect_group_used(const struct inspect_group_look *look)
{
    const struct snap_usage *usage = &look->check.usage;
    struct cli_text text = {""};

    if (!look->figures)
        return text;
    if (look->store.defect != SNAP_HEADER_INVALID && usage->allocated_sectors == usage->metadata_sectors)
        (void)snprintf(text.text, sizeof text.text, "0.00");
    else if (look->store.defect == SNAP_HEADER_INVALID || usage->allocated_sectors >= usage->total_sectors)
        (void)snprintf(text.text, sizeof text.text, "100.00");
    else
        (void)snprintf(text.text, sizeof text.text, "%.2f",
                       (double)percent_of(usage->allocated_sectors, usage->total_sectors));
    return text;
}
