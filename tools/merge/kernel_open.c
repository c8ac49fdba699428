/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who has the devices open whose content changes when the kernel begins to merge, and what becomes of their caches. */
#include "tools/merge/kernel.h"

#include "lib/base/clock.h"
#include "lib/device/above.h"
#include "lib/device/dm_load.h"
#include "tools/shared/accept.h"

#include <stdlib.h>

#define OPEN_LOOKS 10u
#define OPEN_PAUSE_NS 100000000u

/* After each change udev opens a device for a moment, to look at it. */
static enum snap_status is_open(uint64_t number, bool *open, struct snap_error *err)
{
    const struct snap_clock *clock = &snap_clock_system;
    unsigned count;
    enum snap_status status = snap_dm_load_open_count(number, &count, err);

    for (unsigned i = 0; i < OPEN_LOOKS && status == SNAP_OK && count > 0 && !cli_stop_wanted(); i++) {
        clock->sleep_ns(clock->context, OPEN_PAUSE_NS);
        status = snap_dm_load_open_count(number, &count, err);
    }
    *open = count > 0;
    return status;
}

/*
 * What is read through the base is the origin, and from one moment to the next the snapshot. No file system that is
 * mounted can bear that. Whether another program can, only its user knows.
 */
static enum snap_status check_users(struct merge_session *session, struct snap_error *err)
{
    struct merge_kernel *kernel = &session->kernel;
    const struct snap_dm_load_node node = snap_dm_load_node(kernel->base_name);
    struct snap_above *above = malloc(sizeof *above);
    struct snap_error why = {.text = ""};
    enum snap_status status;

    if (!above)
        return snap_fail(err, SNAP_E_NOMEM, "no memory to look at who uses %s", node.path);
    status = snap_above_find(kernel->base_number, above, &why);
    free(above);
    if (status != SNAP_OK)
        return snap_fail(err, status, "%s: it is open or mounted, and its content would change under its users: %s "
                         "(once the merge is under way, it can be used again)", node.path, why.text);
    if (!accept_has(session->arguments.accept, ACCEPT_IN_USE))
        return snap_fail(err, SNAP_E_BUSY, "%s: it is open, and not mounted; its content would change under its users "
                         "from what the origin has to what the snapshot shows; close it first (once the merge is under "
                         "way, it can be used again), or, if they can bear that, add --accept=in-use", node.path);
    kernel->in_use = true;
    return SNAP_OK;
}

enum snap_status merge_kernel_check_open(struct merge_session *session, struct snap_error *err)
{
    struct merge_kernel *kernel = &session->kernel;
    bool open = false;
    enum snap_status status = SNAP_OK;

    kernel->in_use = false;
    if (!kernel->merging)
        status = is_open(kernel->base_number, &open, err);
    if (status == SNAP_OK && open)
        status = check_users(session, err);
    open = false;
    if (status == SNAP_OK && kernel->has_snapshot)
        status = is_open(kernel->snapshot_number, &open, err);
    if (status == SNAP_OK && open)
        return snap_fail(err, SNAP_E_BUSY, "%s: it is open or mounted, and its content would change under its users; "
                         "close or unmount it first", snap_dm_load_node(kernel->snapshot_name).path);
    return status;
}

void merge_kernel_drop_caches(const struct merge_session *session, bool top_first)
{
    const bool wanted = session->kernel.in_use || session->kernel.merging;
    struct snap_above *above = wanted ? malloc(sizeof *above) : NULL;
    struct snap_error why = {.text = "no memory"};
    enum snap_status status;

    if (!wanted)
        return;
    status = above ? snap_above_find(session->kernel.base_number, above, &why) : SNAP_E_NOMEM;
    if (status == SNAP_OK)
        status = snap_above_drop_caches(above, top_first, &why);
    if (status != SNAP_OK && session->kernel.in_use)
        cli_warn(session->cli, "%s: what its users have read before may still be in memory, and be read again (%s)",
                 session->kernel.base_name, why.text);
    free(above);
}
