/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The devices that a program was given: found, told apart, opened, described. */
#include "tools/shared/devices.h"

#include "lib/base/bytes.h"
#include "lib/device/lockers.h"
#include "lib/device/tag.h"
#include "tools/cli/stop.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool devices_is_lvm(const char *argument)
{
    return strncmp(argument, DEVICES_LVM, strlen(DEVICES_LVM)) == 0;
}

static enum snap_status find(struct device *device, const char *argument, struct snap_error *err)
{
    enum snap_status status = snap_tag_resolve(argument, &device->path, &device->found, err);
    if (status == SNAP_OK && !device->found)
        status = snap_lookup_new(&device->found, device->path, err);
    return status == SNAP_OK ? snap_device_describe_found(device->found, &device->facts, err) : status;
}

enum snap_status devices_find(struct device *device, const char *argument, struct snap_error *err)
{
    enum snap_status status;

    memset(device, 0, sizeof *device);
    if (devices_is_lvm(argument))
        return snap_fail(err, SNAP_E_UNSUPPORTED,
                         "%s: a volume of an LVM group that is not active cannot be named here", argument);
    /* A device may not answer: the wait for it has to see every stop, also one that came a moment before it began. */
    status = cli_stop_hold() ? snap_fail(err, SNAP_E_STOPPED, "stopped") : find(device, argument, err);
    cli_stop_release();
    if (status == SNAP_OK && cli_stop_wanted())
        status = snap_fail(err, SNAP_E_STOPPED, "stopped");
    if (status == SNAP_E_NOENT && err)
        lvm_name_add(argument, err);
    return status;
}

static enum snap_status fail_part(const struct device *device, const struct device *volume, const char *reason,
                                  struct snap_error *err)
{
    return snap_fail(err, SNAP_E_REFUSED, "%s: %s is on it: %s", device->path, volume->path, reason);
}

enum snap_status devices_distinct(const struct device *first, const struct device *second,
                                       struct snap_error *err)
{
    char reason[256];

    for (size_t i = 0; i < second->part_count; i++)
        if (snap_device_same(&first->facts, &second->parts[i], reason, sizeof reason))
            return fail_part(first, second, reason, err);
    for (size_t i = 0; i < first->part_count; i++)
        if (snap_device_same(&first->parts[i], &second->facts, reason, sizeof reason))
            return fail_part(second, first, reason, err);
    if (first->part_count > 0 && second->part_count > 0 && strcmp(first->facts.serial, second->facts.serial) == 0)
        return snap_fail(err, SNAP_E_REFUSED, "%s and %s are the same volume", first->path, second->path);
    /* Two volumes of a group have no extent in common, or none of them can be opened. */
    if (first->part_count + second->part_count > 0 ||
        !snap_device_same(&first->facts, &second->facts, reason, sizeof reason))
        return SNAP_OK;
    return snap_fail(err, SNAP_E_REFUSED, "%s and %s are the same device: %s", first->path, second->path, reason);
}

enum snap_status devices_distinct_from_all(const struct device *device, const struct device *const *others,
                                           size_t count, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    for (size_t i = 0; i < count && status == SNAP_OK; i++)
        if (others[i]->path)
            status = devices_distinct(others[i], device, err);
    return status;
}

static bool stands_on(int fd, const struct device *device)
{
    for (size_t i = 0; i < device->part_count; i++)
        if (snap_device_fd_stands_on(fd, &device->parts[i]))
            return true;
    return device->part_count == 0 && snap_device_fd_stands_on(fd, &device->facts);
}

enum snap_status devices_apart(const char *name, int fd, const struct device *const *others, size_t count,
                               struct snap_error *err)
{
    struct lvm_name volume;

    for (size_t i = 0; i < count; i++) {
        if (!others[i]->path || !stands_on(fd, others[i]))
            continue;
        /* Only what is named as a volume is known by its extents. */
        if (others[i]->part_count > 0 && strncmp(name, "/dev/", 5) == 0 && lvm_name_of_typed(name, &volume))
            return snap_fail(err, SNAP_E_REFUSED, "%s: it lies on a physical volume of %s, and is not told apart from "
                             "that here; name a place elsewhere, or deactivate it, and name it %s", name,
                             others[i]->path, volume.text);
        return snap_fail(err, SNAP_E_REFUSED, "%s: it lies on %s, and writing to the one would change the other; "
                         "name a place elsewhere", name, others[i]->path);
    }
    return SNAP_OK;
}

static void add_in_brackets(struct snap_error *err, const char *text)
{
    const size_t used = strlen(err->text);

    if (text[0] != '\0' && !strstr(err->text, text))
        (void)snprintf(err->text + used, sizeof err->text - used, " (%s)", text);
}

/* Adds the users of the device to the message that says that it is in use; where none is known, the processes. */
static void add_holders(const struct device *device, struct snap_error *err)
{
    const struct snap_device *facts = &device->facts;
    char holders[SNAP_DEVICE_HOLDERS_BYTES], lockers[SNAP_LOCKERS_BYTES];

    snap_device_holders(device->path, facts, holders, sizeof holders);
    add_in_brackets(err, holders);
    if (facts->block_device && holders[0] != '\0')
        return;
    if (facts->block_device)
        snap_lockers_of_device(facts->device_number, lockers, sizeof lockers);
    else
        snap_lockers_of_file(facts->file_device, facts->file_inode, lockers, sizeof lockers);
    add_in_brackets(err, lockers);
}

enum snap_status devices_open(struct device *device, const struct snap_file_options *options, struct snap_error *err)
{
    enum snap_status status = snap_file_open_found(&device->io, device->found, options, err);

    if (status == SNAP_E_BUSY)
        add_holders(device, err);
    if (status != SNAP_OK || (!options->write && !options->exclusive && !options->foresee))
        return status;
    return snap_claim_take(&device->claim, device->path, &device->facts, snap_file_fd(device->io), err);
}

void devices_info(const struct device *device, struct snap_file_info *info)
{
    if (device->part_count > 0)
        *info = device->info;
    else
        snap_file_get_info(device->io, info);
}

void devices_warn_hidden(struct cli *cli, const struct device *device)
{
    if (device->claim && snap_claim_names_hidden(device->claim))
        cli_warn(cli, "%s: it lies on an overlay file system whose layers cannot be seen from here; make sure that "
                 "nobody uses it under another name", device->path);
}

enum snap_status devices_keeps_size(const struct device *device, struct snap_error *err)
{
    uint64_t now_bytes;
    enum snap_status status = SNAP_OK;

    if (device->part_count > 0)
        return SNAP_OK; /* LVM alone gives it another size */
    if (device->io)
        status = snap_file_size_now(device->io, &now_bytes, err);

    if (status == SNAP_OK && device->io && now_bytes != device->io->size_bytes)
        return snap_fail(err, SNAP_E_CHANGED, "%s: it had %" PRIu64 " bytes when it was checked and has %" PRIu64
                         " now: another program is changing it; stop that, then repeat this command", device->path,
                         device->io->size_bytes, now_bytes);
    return status;
}

enum snap_status devices_close(struct device *device, struct snap_error *err)
{
    enum snap_status status = snap_io_close(device->io, err);

    device->io = NULL;
    snap_claim_release(device->claim);
    device->claim = NULL;
    snap_lookup_free(device->found);
    device->found = NULL;
    free(device->path);
    device->path = NULL;
    free(device->parts);
    device->parts = NULL;
    device->part_count = 0;
    free(device->lvm_group);
    device->lvm_group = NULL;
    return status;
}

int devices_close_all(struct cli *cli, struct device *const *devices, size_t count, int exit_status)
{
    for (size_t i = 0; i < count; i++) {
        struct snap_error err = {0};

        if (devices_close(devices[i], &err) != SNAP_OK)
            exit_status = cli_exit_worse(exit_status, cli_fail(cli, &err));
    }
    return exit_status;
}

enum snap_status devices_read_store(struct snap_store *store, const struct device *cow,
                                 const struct device *origin, struct snap_error *err)
{
    struct snap_store other;
    enum snap_status status = snap_header_read(store, cow->io, err);

    if (status != SNAP_OK || !origin || snap_header_is_store(store))
        return status;
    status = snap_header_read(&other, origin->io, err);
    if (status != SNAP_OK || !snap_header_is_store(&other))
        return status;
    return snap_fail(err, SNAP_E_REFUSED,
                     "%s: not a snapshot store, but %s is one: origin and COW are swapped; use "
                     "--origin %s --cow %s",
                     cow->path, origin->path, cli_quote(cow->path).text, cli_quote(origin->path).text);
}

enum snap_status devices_open_for_reading(struct device *cow, const char *cow_argument, struct device *origin,
                                       const char *origin_argument, struct snap_store *store, struct snap_error *err)
{
    const struct snap_file_options io_options = {.write = false};
    enum snap_status status = devices_find(cow, cow_argument, err);

    if (status == SNAP_OK && origin_argument)
        status = devices_find(origin, origin_argument, err);
    if (status == SNAP_OK && origin_argument)
        status = devices_distinct(origin, cow, err);
    if (status == SNAP_OK)
        status = devices_open(cow, &io_options, err);
    if (status == SNAP_OK && origin_argument)
        status = devices_open(origin, &io_options, err);
    if (status == SNAP_OK)
        status = devices_read_store(store, cow, origin_argument ? origin : NULL, err);
    return status == SNAP_OK && origin_argument
               ? devices_origin_large_enough(origin, cow->path, store->layout.chunk_bytes, err)
               : status;
}

enum snap_status devices_origin_large_enough(const struct device *origin, const char *store, uint64_t chunk_bytes,
                                             struct snap_error *err)
{
    const uint64_t size_bytes = origin->io->size_bytes;

    if (size_bytes < SNAP_SECTOR_BYTES)
        return snap_fail(err, SNAP_E_REFUSED, "%s: it has %" PRIu64 " bytes, and an origin needs at least one sector "
                         "of %u bytes", origin->path, size_bytes, SNAP_SECTOR_BYTES);
    if (size_bytes < chunk_bytes)
        return snap_fail(err, SNAP_E_REFUSED, "%s: it has %" PRIu64 " bytes, and an origin needs at least one chunk, "
                         "which has %" PRIu64 " bytes in %s", origin->path, size_bytes, chunk_bytes, store);
    return SNAP_OK;
}

uint64_t devices_tail_bytes(const struct device *device)
{
    return device->io->size_bytes % SNAP_SECTOR_BYTES;
}
