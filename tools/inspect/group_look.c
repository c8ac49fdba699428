/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks at the store of one LVM snapshot that need not be active. */
#include "tools/inspect/group_look.h"

#include "tools/inspect/percent.h"
#include "tools/shared/report.h"

#include <stdio.h>
#include <string.h>

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
        look->merge = LVM_MERGE_PENDING;
    if (asprintf(&name, "%s%s/%s", DEVICES_LVM, metadata->name, metadata->lvs[snapshot->cow].name) < 0)
        return snap_fail(err, SNAP_E_NOMEM, "no memory to open an LVM volume");
    status = volumes_open_one(volumes, cli, name, &device, err);
    if (status == SNAP_OK)
        status = read_store(&device, look, err);
    device.lvm_merging = snapshot->merging;
    if (status == SNAP_OK)
        look->merge = lvm_merge_find(&device, &look->store, &look->check);
    (void)devices_close(&device, NULL); /* it was only read */
    if (status == SNAP_OK || status == SNAP_E_STOPPED || status == SNAP_E_NOMEM)
        return status;
    cli_warn(cli, "%s", err->text);
    return SNAP_OK;
}

struct cli_text inspect_group_used(const struct inspect_group_look *look)
{
    const struct snap_usage *usage = &look->check.usage;

    if (!look->figures)
        return (struct cli_text){""};
    return inspect_percent(usage->allocated_sectors, usage->total_sectors, usage->metadata_sectors,
                           look->store.defect == SNAP_HEADER_INVALID);
}
