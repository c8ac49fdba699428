/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks device-mapper, the mount table and sysfs; and a second time for merges. */
#include "tools/inspect/running.h"

#include "lib/base/bytes.h"
#include "lib/base/clock.h"
#include "lib/device/block.h"
#include "lib/device/loops.h"
#include "tools/cli/size.h"
#include "tools/cli/stop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_MS 1000000u
#define NAP_NS (50 * NS_PER_MS) /* a stop is noticed after this long */

enum snap_status inspect_running_add_unread(struct inspect_running *running, const char *name, const char *reason,
                                            struct snap_error *err)
{
    struct inspect_running_unread item, *grown;

    (void)snprintf(item.name, sizeof item.name, "%s", name);
    (void)snprintf(item.reason, sizeof item.reason, "%.*s", (int)sizeof item.reason - 1, reason);
    for (size_t i = 0; i < running->unread_count; i++)
        if (strcmp(running->unread[i].name, item.name) == 0 && strcmp(running->unread[i].reason, item.reason) == 0)
            return SNAP_OK;
    grown = reallocarray(running->unread, running->unread_count + 1, sizeof *grown);
    if (!grown)
        return snap_fail(err, SNAP_E_NOMEM, "no memory for the list of what cannot be read");
    running->unread = grown;
    running->unread[running->unread_count++] = item;
    return SNAP_OK;
}

/* Keeps a failure to read one thing, and goes on; but without memory nothing goes on. */
static enum snap_status keep(struct inspect_running *running, const char *name, enum snap_status status,
                             const struct snap_error *why, struct snap_error *err)
{
    if (status == SNAP_OK)
        return SNAP_OK;
    if (status == SNAP_E_NOMEM)
        return snap_fail(err, status, "%s", why->text);
    return inspect_running_add_unread(running, name, why->text, err);
}

static enum snap_status keep_unread_tables(struct inspect_running *running, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;
    char reason[300];

    for (size_t i = 0; i < running->tables.count && status == SNAP_OK; i++) {
        const struct snap_dm_device *device = &running->tables.devices[i];

        if (device->status != SNAP_OK)
            status = inspect_running_add_unread(running, device->name, device->reason, err);
    }
    for (size_t i = 0; i < running->stacks.count && status == SNAP_OK; i++) {
        const struct snap_dm_stacks_use *use = &running->stacks.uses[i];

        reason[0] = '\0';
        if (!use->table_known)
            (void)snprintf(reason, sizeof reason, "its %s table makes no sense here: %.200s", use->target->type,
                           use->target->params);
        else if (use->active && use->role != SNAP_DM_STACKS_ORIGIN && !use->status_known)
            (void)snprintf(reason, sizeof reason, "its status makes no sense here: %.200s",
                           use->target->status ? use->target->status : "");
        if (reason[0] != '\0')
            status = inspect_running_add_unread(running, use->device->name, reason, err);
    }
    return status;
}

static enum snap_status add_loop(struct inspect_running *running, uint64_t loop, struct snap_error *err)
{
    struct snap_block *block = malloc(sizeof *block);
    struct inspect_running_loop *grown;
    enum snap_status status = SNAP_OK;

    if (!block)
        return snap_fail(err, SNAP_E_NOMEM, "no memory for the list of loop devices");
    if (snap_block_read(loop, block, NULL) == SNAP_OK && block->below_count > 0) {
        grown = reallocarray(running->loops, running->loops_count + 1, sizeof *grown);
        if (grown) {
            running->loops = grown;
            running->loops[running->loops_count++] = (struct inspect_running_loop){loop, block->below[0]};
        } else {
            status = snap_fail(err, SNAP_E_NOMEM, "no memory for the list of loop devices");
        }
    }
    free(block);
    return status;
}

static enum snap_status read_loops(struct inspect_running *running, struct snap_error *err)
{
    struct snap_loops loops;
    struct snap_error why;
    enum snap_status status = snap_loops_read(&loops, &why);

    status = keep(running, "loop devices", status, &why, err);
    for (size_t i = 0; i < loops.count && status == SNAP_OK; i++)
        status = add_loop(running, loops.loops[i].device.device_number, err);
    snap_loops_free(&loops);
    return status;
}

/* The target of the second look that is the same as that of the first one; NULL where its table is another one now. */
static const struct snap_dm_target *find_again(const struct snap_dm_tables *again, const struct snap_dm_target *target)
{
    for (size_t i = 0; again->count > 0 && i < again->devices[0].active.count; i++) {
        const struct snap_dm_target *now = &again->devices[0].active.targets[i];

        if (strcmp(now->type, target->type) == 0 && strcmp(now->params, target->params) == 0 &&
            now->start_sectors == target->start_sectors)
            return now;
    }
    return NULL;
}

static enum snap_status look_again(struct inspect_running *running, size_t i, uint64_t elapsed_ms,
                                   struct snap_error *err)
{
    struct snap_dm_stacks_use *use = &running->stacks.uses[i];
    struct snap_dm_tables again;
    struct snap_dm_status now;
    struct snap_error why = {.text = ""};
    const struct snap_dm_target *target;
    enum snap_status status = snap_dm_tables_read_one(use->device->number, SNAP_DM_TABLES_STATUS, &again, &why);

    if (status == SNAP_OK) {
        target = find_again(&again, use->target);
        if (!target || !target->status || !snap_dm_status_parse(target->status, &now)) {
            status = snap_fail(&why, SNAP_E_CHANGED, "it went away, or got another table, during the look");
        } else {
            if (now.state == SNAP_DM_STATUS_FIGURES && now.allocated_sectors <= use->status.allocated_sectors)
                running->rates[i] = (struct inspect_running_rate){
                    true, cli_rate_bytes((use->status.allocated_sectors - now.allocated_sectors) * SNAP_SECTOR_BYTES,
                                         elapsed_ms)};
            use->status = now;
        }
    }
    snap_dm_tables_free(&again);
    return keep(running, use->device->name, status, &why, err);
}

/* Both ends of the time are taken before the requests, so that each of them counts on one side only. */
static enum snap_status measure_merges(struct inspect_running *running, uint64_t first_ns, struct snap_error *err)
{
    const struct snap_clock *clock = &snap_clock_system;
    enum snap_status status = SNAP_OK;
    bool merging = false;
    uint64_t now_ns;

    for (size_t i = 0; i < running->stacks.count; i++)
        merging = merging || snap_dm_stacks_is_merging(&running->stacks.uses[i]);
    if (!merging)
        return SNAP_OK;
    for (;;) {
        if (cli_stop_wanted())
            return snap_fail(err, SNAP_E_STOPPED, "stopped");
        now_ns = clock->now_ns(clock->context);
        if (now_ns - first_ns >= (uint64_t)INSPECT_RUNNING_LOOK_MS * NS_PER_MS)
            break;
        clock->sleep_ns(clock->context, NAP_NS);
    }
    for (size_t i = 0; i < running->stacks.count && status == SNAP_OK; i++)
        if (snap_dm_stacks_is_merging(&running->stacks.uses[i]))
            status = look_again(running, i, (now_ns - first_ns) / NS_PER_MS, err);
    return status;
}

enum snap_status inspect_running_read(struct inspect_running *running, struct snap_error *err)
{
    const struct snap_clock *clock = &snap_clock_system;
    const uint64_t first_ns = clock->now_ns(clock->context);
    struct snap_error why = {.text = ""};
    enum snap_status status;

    *running = (struct inspect_running){.unread_count = 0};
    status = snap_dm_tables_read(SNAP_DM_TABLES_STATUS | SNAP_DM_TABLES_INACTIVE, &running->tables, err);
    if (status == SNAP_OK)
        status = snap_dm_stacks_find(&running->tables, &running->stacks, err);
    if (status == SNAP_OK)
        status = keep_unread_tables(running, err);
    if (status == SNAP_OK) {
        running->rates = calloc(running->stacks.count + 1, sizeof *running->rates);
        status = running->rates ? measure_merges(running, first_ns, err)
                                : snap_fail(err, SNAP_E_NOMEM, "no memory for the list of snapshots");
    }
    if (status == SNAP_OK)
        status = keep(running, "mount points", snap_mounted_read(&running->mounted, &why), &why, err);
    return status == SNAP_OK ? read_loops(running, err) : status;
}

const struct snap_dm_device *inspect_running_mapped(const struct inspect_running *running, uint64_t number)
{
    for (size_t i = 0; i < running->tables.count; i++)
        if (running->tables.devices[i].number == number)
            return &running->tables.devices[i];
    return NULL;
}

bool inspect_running_is_use(const struct inspect_running *running, uint64_t number)
{
    for (size_t i = 0; i < running->stacks.count; i++)
        if (running->stacks.uses[i].device->number == number)
            return true;
    return false;
}

void inspect_running_free(struct inspect_running *running)
{
    snap_dm_stacks_free(&running->stacks);
    snap_dm_tables_free(&running->tables);
    snap_mounted_free(&running->mounted);
    free(running->rates);
    free(running->loops);
    free(running->unread);
    *running = (struct inspect_running){.unread_count = 0};
}
