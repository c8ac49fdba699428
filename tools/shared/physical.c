/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens devices for reading that are named, or that have the label of a physical volume. */
#include "tools/shared/physical.h"

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

/* Takes the last one away again. */
static void drop(struct physical *physical)
{
    physical->count--;
    (void)snap_io_close(physical->ios[physical->count], NULL); /* it was only read */
    snap_lookup_free(physical->found[physical->count]);
}

void physical_close(struct physical *physical)
{
    while (physical->count > 0)
        drop(physical);
    free(physical->ios);
    free(physical->found);
    *physical = (struct physical){.count = 0};
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
    return SNAP_OK;
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
    if (status == SNAP_OK && physical->count == 0 && denied > 0)
        return snap_fail(err, SNAP_E_PERM, "no LVM physical volume was found among the block devices that this user "
                         "may read; %zu may not be read", denied);
    return status;
}

enum snap_status physical_open(struct physical *physical, const struct cli_strings *devices, struct snap_error *err)
{
    return devices->count > 0 ? open_named(physical, devices, err) : open_all(physical, err);
}
