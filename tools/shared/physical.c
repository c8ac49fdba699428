/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens devices for reading that are named, or that have the label of a physical volume. */
#include "tools/shared/physical.h"

#include "lib/device/device.h"
#include "lib/device/probe.h"
#include "lib/io/file.h"
#include "lib/lvm/label.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

/* Makes room for one more, looks it up, and opens it; `path` is taken over. */
static enum snap_status add(struct physical *physical, char *path, struct snap_error *err)
{
    const struct snap_file_options options = {.queue_depth = 1, .held = physical->unlocked};
    struct snap_lookup **found = reallocarray(physical->found, physical->count + 1, sizeof(struct snap_lookup *));
    struct snap_io **ios = reallocarray(physical->ios, physical->count + 1, sizeof *ios);
    enum snap_status status;

    physical->found = found ? found : physical->found;
    physical->ios = ios ? ios : physical->ios;
    if (!path || !found || !ios) {
        free(path);
        return snap_fail(err, SNAP_E_NOMEM, "no memory to look for LVM groups");
    }
    status = snap_lookup_new(&found[physical->count], path, err);
    free(path);
    if (status != SNAP_OK)
        return status;
    status = snap_file_open_found(&ios[physical->count], found[physical->count], &options, err);
    if (status == SNAP_OK)
        physical->count++;
    else
        snap_lookup_free(found[physical->count]);
    return status;
}

/* Takes one away again. */
static void drop_at(struct physical *physical, size_t index)
{
    (void)snap_io_close(physical->ios[index], NULL); /* it was only read */
    snap_lookup_free(physical->found[index]);
    physical->count--;
    for (size_t i = index; i < physical->count; i++) {
        physical->ios[i] = physical->ios[i + 1];
        physical->found[i] = physical->found[i + 1];
    }
}

static void drop(struct physical *physical)
{
    drop_at(physical, physical->count - 1);
}

/* Where its array is assembled, that is among the devices, too. */
static void drop_member(struct physical *physical, dev_t number)
{
    const struct snap_device device = {.block_device = true, .device_number = number, .disk_number = number};
    char users[SNAP_DEVICE_HOLDERS_BYTES];

    snap_device_users(&device, users, sizeof users);
    if (users[0] == '\0' && !physical->member)
        physical->member = strdup(physical->ios[physical->count - 1]->name);
    drop(physical);
}

void physical_close(struct physical *physical)
{
    while (physical->count > 0)
        drop(physical);
    free(physical->ios);
    free(physical->found);
    free(physical->member);
    *physical = (struct physical){.count = 0};
}

/*
 * Where the superblock of an array stands at the end, its members begin as the array does, with the label of a physical
 * volume. A member alone may be old, and a write to it would make it differ from the others.
 */
static bool is_member(struct snap_io *io, struct snap_probe *probe)
{
    return snap_probe_io(io, probe, NULL) == SNAP_OK && strcmp(probe->usage, "raid") == 0 &&
           strcmp(probe->type, "LVM2_member") != 0;
}

static enum snap_status refuse_member(const struct physical *physical, struct snap_error *err)
{
    struct snap_io *io = physical->ios[physical->count - 1];
    struct snap_label label;
    struct snap_probe probe;

    if (snap_label_read(io, &label, NULL) != SNAP_OK || !is_member(io, &probe))
        return SNAP_OK;
    return snap_fail(err, SNAP_E_REFUSED, "%s: it is a member of an array (%s), and the physical volume is what the "
                     "array shows: assemble it (mdadm --assemble --scan), and name the array", io->name, probe.type);
}

static enum snap_status open_named(struct physical *physical, const struct cli_strings *devices,
                                   struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    for (unsigned i = 0; i < devices->count; i++) {
        const char *at = devices->items[i];

        for (bool more = true; more && status == SNAP_OK;) {
            const size_t length = strcspn(at, ",");

            if (length == 0)
                return snap_fail(err, SNAP_E_USAGE, "--devices %s: a name is missing beside a comma",
                                 devices->items[i]);
            status = add(physical, strndup(at, length), err);
            if (status == SNAP_OK)
                status = refuse_member(physical, err);
            more = at[length] == ',';
            at += length + more;
        }
    }
    return status;
}

/* Keeps it where it has a label, a damaged one too; that is told later. */
static enum snap_status try(struct physical *physical, dev_t number, size_t *denied, struct snap_error *err)
{
    struct snap_error reason;
    struct snap_label label;
    struct snap_probe probe;
    char *path = snap_probe_node(number);
    enum snap_status status;

    if (!path)
        return SNAP_OK; /* gone, or without a node */
    status = add(physical, path, &reason);
    if (status == SNAP_E_NOMEM)
        return snap_fail(err, status, "%s", reason.text);
    *denied += status == SNAP_E_PERM;
    if (status != SNAP_OK)
        return SNAP_OK;
    status = snap_label_read(physical->ios[physical->count - 1], &label, NULL);
    if (status != SNAP_OK && status != SNAP_E_CORRUPT && status != SNAP_E_REFUSED)
        drop(physical);
    else if (is_member(physical->ios[physical->count - 1], &probe))
        drop_member(physical, number);
    return SNAP_OK;
}

/* The paths of a multipath device show what it shows: it is the one to use. */
static void drop_paths(struct physical *physical)
{
    for (size_t i = 0; i < physical->count; i++) {
        struct snap_device upper, lower;

        if (snap_device_describe_found(physical->found[i], &upper, NULL) != SNAP_OK ||
            strncmp(upper.serial, "mpath-", 6) != 0)
            continue;
        for (size_t j = physical->count; j-- > 0;) {
            if (j == i || snap_device_describe_found(physical->found[j], &lower, NULL) != SNAP_OK ||
                !snap_device_stands_on(&upper, &lower))
                continue;
            drop_at(physical, j);
            i -= j < i;
        }
    }
}

static enum snap_status open_all(struct physical *physical, struct snap_error *err)
{
    FILE *partitions = fopen("/proc/partitions", "re");
    enum snap_status status = SNAP_OK;
    unsigned major_number, minor_number;
    size_t denied = 0, line_bytes = 0;
    char *line = NULL;

    if (!partitions)
        return snap_fail_errno(err, errno, "/proc/partitions: cannot list the block devices; name them with --devices");
    while (status == SNAP_OK && getline(&line, &line_bytes, partitions) > 0) {
        if (cli_stop_wanted())
            status = snap_fail(err, SNAP_E_STOPPED, "stopped");
        else if (sscanf(line, "%u %u", &major_number, &minor_number) == 2)
            status = try(physical, makedev(major_number, minor_number), &denied, err);
    }
    if (status == SNAP_OK && ferror(partitions))
        status = snap_fail_errno(err, EIO, "/proc/partitions: cannot list the block devices");
    free(line);
    (void)fclose(partitions); /* was only read */
    if (status == SNAP_OK)
        drop_paths(physical);
    if (status == SNAP_OK && physical->count == 0 && denied > 0)
        return snap_fail(err, SNAP_E_PERM, "no LVM physical volume was found among the block devices that this user "
                         "may read; %zu may not be read", denied);
    return status;
}

enum snap_status physical_open(struct physical *physical, const struct cli_strings *devices, struct snap_error *err)
{
    return devices->count > 0 ? open_named(physical, devices, err) : open_all(physical, err);
}
