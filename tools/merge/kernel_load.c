/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exchanges the tables of the device through which an origin is used, before the kernel merges and afterwards. */
#include "tools/merge/kernel.h"

#include "lib/device/dm_load.h"
#include "lib/store/fingerprint.h"
#include "lib/store/table_line.h"
#include "tools/cli/quote.h"

#include <stdio.h>
#include <sys/sysmacros.h>

struct params {
    char text[128];
};

static enum snap_status table_of(const struct merge_session *session, enum snap_table_target target,
                                 struct params *params, struct snap_dm_load_table *table, struct snap_error *err)
{
    const struct merge_kernel *kernel = &session->kernel;
    char origin[24], cow[24], line[160];
    enum snap_status status;

    (void)snprintf(origin, sizeof origin, "%u:%u", major(kernel->origin_number), minor(kernel->origin_number));
    (void)snprintf(cow, sizeof cow, "%u:%u", major(kernel->cow_number), minor(kernel->cow_number));
    status = snap_table_line(target, kernel->base_sectors, origin, cow,
                             kernel->fails_writes ? SNAP_TABLE_FAILS_WRITES : SNAP_TABLE_INVALIDATES,
                             session->store.layout.chunk_sectors, line, sizeof line, err);
    if (status == SNAP_OK)
        (void)snprintf(params->text, sizeof params->text, "%s", snap_table_line_params(line));
    *table = (struct snap_dm_load_table){
        .sectors = kernel->base_sectors,
        .type = target == SNAP_TABLE_SNAPSHOT_MERGE ? "snapshot-merge" : "snapshot-origin",
        .params = params->text,
    };
    return status;
}

/*
 * What is written to the origin meanwhile makes the fingerprint wrong, and nobody would take it off then. The COW is
 * held by nobody at this moment, or by the snapshot, for which the kernel neither reads nor writes this sector again
 * (dmsnap-store(5), FINGERPRINT).
 */
static enum snap_status take_fingerprint_off(struct merge_session *session, struct snap_error *err)
{
    const struct snap_file_options writing = {.write = true, .held = session->kernel.has_snapshot};
    const struct snap_file_options reading = {.write = false};
    enum snap_status status = devices_close(&session->cow, err);

    if (status == SNAP_OK)
        status = devices_find(&session->cow, session->arguments.cow, err);
    if (status == SNAP_OK && session->cow.facts.device_number != session->kernel.cow_number)
        status = snap_fail(err, SNAP_E_BUSY, "%s: it is another device by now", session->cow.path);
    if (status == SNAP_OK && session->store.fingerprint_state == SNAP_FINGERPRINT_OK) {
        status = devices_open(&session->cow, &writing, err);
        if (status == SNAP_OK)
            status = snap_header_open(&session->store, session->cow.io, err);
        if (status == SNAP_OK && session->store.fingerprint_state == SNAP_FINGERPRINT_OK)
            status = snap_fingerprint_write(&session->store, NULL, err);
        if (status == SNAP_OK)
            status = devices_close(&session->cow, err);
        if (status == SNAP_OK)
            status = devices_find(&session->cow, session->arguments.cow, err);
    }
    if (status == SNAP_OK)
        status = devices_open(&session->cow, &reading, err);
    session->store.io = session->cow.io;
    return status;
}

/* After a failure: what can be as it was is made so; what cannot is added to the text. */
static enum snap_status put_back(struct merge_session *session, bool suspended, bool exchanged, enum snap_status status,
                                 struct snap_error *err)
{
    const struct merge_kernel *kernel = &session->kernel;
    struct snap_dm_load_table origin;
    struct params params;
    struct snap_error why = {.status = SNAP_OK}, first = {.status = SNAP_OK};

    if (devices_close(&session->cow, &why) != SNAP_OK) /* the kernel does not take what this program holds */
        first = why;
    if (exchanged && (table_of(session, SNAP_TABLE_SNAPSHOT_ORIGIN, &params, &origin, &why) != SNAP_OK ||
                      snap_dm_load_reload(kernel->base_number, &origin, &why) != SNAP_OK))
        first = why;
    if (snap_dm_load_resume(kernel->base_number, &why) != SNAP_OK)
        first = why;
    if (suspended && snap_dm_load_resume(kernel->snapshot_number, &why) != SNAP_OK)
        first = why;
    if (first.status == SNAP_OK)
        return status;
    return snap_fail_prefix(err, status, "%s is not as it was (%s)", kernel->base_name, first.text);
}

/*
 * The user was asked, and a long list read, since the devices were found. The first look is for what a suspension would
 * disturb: a table that waits would take effect with the resume. The second one is for what came between.
 */
static enum snap_status suspend_unchanged(struct merge_session *session, bool *touched, struct snap_error *err)
{
    const uint64_t base_number = session->kernel.base_number;
    struct snap_error why;
    enum snap_status status = merge_kernel_same(session, false, err);

    if (status == SNAP_OK)
        status = snap_dm_load_suspend(base_number, err);
    if (status != SNAP_OK)
        return status;
    status = merge_kernel_same(session, true, err);
    if (status == SNAP_OK || snap_dm_load_resume(base_number, &why) == SNAP_OK)
        return status;
    *touched = true;
    return snap_fail_prefix(err, status, "%s is not as it was (%s)", session->kernel.base_name, why.text);
}

/* A program that waits for the suspended device has it open: it gets its error with the resume, and closes. */
void merge_kernel_remove_snapshot(struct merge_session *session)
{
    const struct merge_kernel *kernel = &session->kernel;
    struct snap_error why;

    if (snap_dm_load_remove(kernel->snapshot_number, &why) == SNAP_OK ||
        (snap_dm_load_resume(kernel->snapshot_number, &why) == SNAP_OK &&
         snap_dm_load_remove(kernel->snapshot_number, &why) == SNAP_OK))
        return;
    cli_warn(session->cli, "%s: its entries are merged now, and it shows nothing any more, but could not be removed "
             "(%s); once nobody has it open: dmsetup remove %s", kernel->snapshot_name, why.text,
             cli_quote(kernel->snapshot_name).text);
}

/*
 * The kernel hands the entries of a suspended snapshot on to the merge, in the moment in which the origin is resumed:
 * until then the snapshot is there, and the origin can be resumed without the merge, and from then on there is the
 * merge. No other order has that (dmsnap-store(5), HANDOVER).
 */
enum snap_status merge_kernel_load(struct merge_session *session, bool *touched, struct snap_error *err)
{
    struct merge_kernel *kernel = &session->kernel;
    struct snap_dm_load_table merge;
    struct params params;
    bool suspended = false, exchanged = false;
    enum snap_status status = table_of(session, SNAP_TABLE_SNAPSHOT_MERGE, &params, &merge, err);

    *touched = false;
    merge_kernel_drop_caches(session, true);
    if (status == SNAP_OK)
        status = suspend_unchanged(session, touched, err);
    if (status != SNAP_OK)
        return status;
    *touched = true;
    status = take_fingerprint_off(session, err);
    if (status == SNAP_OK && kernel->has_snapshot) {
        status = snap_dm_load_suspend(kernel->snapshot_number, err);
        suspended = status == SNAP_OK;
    }
    if (status == SNAP_OK) {
        status = snap_dm_load_reload(kernel->base_number, &merge, err);
        exchanged = status == SNAP_OK;
    }
    if (status == SNAP_OK)
        status = snap_dm_load_resume(kernel->base_number, err);
    if (status != SNAP_OK)
        return put_back(session, suspended, exchanged, status, err);
    merge_kernel_drop_caches(session, false);
    if (kernel->has_snapshot)
        merge_kernel_remove_snapshot(session);
    return SNAP_OK;
}

/* The table for a merged origin that has so many other snapshots. */
static enum snap_status load_merged(const struct merge_session *session, unsigned siblings, struct snap_error *err)
{
    const struct merge_kernel *kernel = &session->kernel;
    struct snap_dm_load_table table;
    struct params params;
    enum snap_status status = table_of(session, SNAP_TABLE_SNAPSHOT_ORIGIN, &params, &table, err);

    if (status == SNAP_OK && siblings == 0) {
        table.type = "linear";
        (void)snprintf(params.text, sizeof params.text, "%u:%u 0", major(kernel->origin_number),
                       minor(kernel->origin_number));
    }
    return status == SNAP_OK ? snap_dm_load_reload(kernel->base_number, &table, err) : status;
}

/*
 * Other snapshots come and go while the kernel merges, and once the table is linear, nothing is copied for them. So
 * they are counted again while nobody can write. A table is loaded before that: what this program needs for it is in
 * memory then, also where it lies on the device that is suspended.
 */
enum snap_status merge_kernel_finish(struct merge_session *session, struct snap_error *err)
{
    struct merge_kernel *kernel = &session->kernel;
    unsigned first = 0, siblings = 0;
    struct snap_error ignored;
    enum snap_status resumed, status = merge_kernel_siblings(kernel, &first, err);

    if (status == SNAP_OK)
        status = load_merged(session, first, err);
    if (status != SNAP_OK)
        return status;
    status = snap_dm_load_suspend(kernel->base_number, err);
    if (status != SNAP_OK) {
        (void)snap_dm_load_clear(kernel->base_number, &ignored); /* the merge's table stays, and works */
        return status;
    }
    status = merge_kernel_siblings(kernel, &siblings, err);
    if (status == SNAP_OK && (siblings > 0) != (first > 0))
        status = load_merged(session, siblings, err);
    if (status != SNAP_OK)
        (void)snap_dm_load_clear(kernel->base_number, &ignored);
    kernel->siblings = siblings;
    resumed = snap_dm_load_resume(kernel->base_number, status == SNAP_OK ? err : &ignored);
    return status == SNAP_OK ? resumed : status;
}
