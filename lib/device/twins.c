/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compares the linear targets upon each device that a device-mapper device is made of. */
#include "lib/device/twins.h"

#include "lib/base/arith.h"
#include "lib/device/device_private.h"
#include "lib/device/dm_users.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#define RANGES_MAX 64u /* of one device on one other; more are looked at as one that spans them */

struct range {
    uint64_t start_sectors, end_sectors;
};

struct search {
    uint64_t number;                 /* of the device whose twins are looked for */
    bool own;                        /* the walk that collects its ranges */
    struct range ranges[RANGES_MAX];
    size_t count;
    struct snap_twins *twins;
};

/* "MAJOR:MINOR START": a linear target. */
static bool range_of(const struct snap_dm_user *user, struct range *range)
{
    if (strcmp(user->target_type, "linear") != 0 ||
        sscanf(user->params, "%*u:%*u %" SCNu64, &range->start_sectors) != 1)
        return false;
    return snap_add(range->start_sectors, user->length_sectors, &range->end_sectors);
}

static bool overlaps(const struct search *search, const struct range *range)
{
    for (size_t i = 0; i < search->count; i++)
        if (range->start_sectors < search->ranges[i].end_sectors &&
            search->ranges[i].start_sectors < range->end_sectors)
            return true;
    return false;
}

static void add_range(struct search *search, const struct range *range)
{
    struct range *last = &search->ranges[RANGES_MAX - 1];

    if (search->count < RANGES_MAX) {
        search->ranges[search->count++] = *range;
        return;
    }
    last->start_sectors = snap_min(last->start_sectors, range->start_sectors);
    last->end_sectors = snap_max(last->end_sectors, range->end_sectors);
}

static enum snap_status add_twin(struct snap_twins *twins, const struct snap_dm_user *user, uint64_t number,
                                 struct snap_error *err)
{
    struct snap_twin *grown;

    for (size_t i = 0; i < twins->count; i++)
        if (twins->twins[i].number == number)
            return SNAP_OK;
    grown = reallocarray(twins->twins, twins->count + 1, sizeof *grown);
    if (!grown)
        return snap_fail(err, SNAP_E_NOMEM, "out of memory for the list of device-mapper devices");
    twins->twins = grown;
    grown[twins->count] = (struct snap_twin){.number = number};
    (void)snprintf(grown[twins->count++].name, sizeof grown->name, "%s", user->name);
    return SNAP_OK;
}

static enum snap_status note(void *context, const struct snap_dm_user *user, struct snap_error *err)
{
    struct search *search = context;
    const uint64_t number = makedev(user->major, user->minor);
    struct range range;

    if ((number == search->number) != search->own || (search->own && user->waits) || !range_of(user, &range))
        return SNAP_OK;
    if (search->own)
        add_range(search, &range);
    else if (overlaps(search, &range))
        return add_twin(search->twins, user, number, err);
    return SNAP_OK;
}

enum snap_status snap_twins_find(const struct snap_device *device, struct snap_twins *twins, struct snap_error *err)
{
    uint64_t slaves[SNAP_DEVICE_SLAVES_MAX];
    const bool is_dm = device->block_device && device->dm_name[0] != '\0';
    const size_t count = is_dm ? snap_device_slaves("", device->device_number, slaves) : 0;
    enum snap_status status = SNAP_OK;

    *twins = (struct snap_twins){0};
    for (size_t i = 0; i < count; i++) {
        struct search search = {.number = device->device_number, .own = true, .twins = twins};
        struct snap_error reason; /* an ordinary user may not ask, and cannot open the devices either */

        status = snap_dm_users_loaded(slaves[i], note, &search, &reason);
        search.own = false;
        if (status == SNAP_OK && search.count > 0)
            status = snap_dm_users_loaded(slaves[i], note, &search, &reason);
        if (status == SNAP_E_NOMEM)
            return snap_fail(err, status, "%s", reason.text);
    }
    return SNAP_OK;
}

void snap_twins_free(struct snap_twins *twins)
{
    free(twins->twins);
    *twins = (struct snap_twins){0};
}
