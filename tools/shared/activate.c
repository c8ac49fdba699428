/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks that the kernel will take a pair, and loads its tables in the order in which nothing is lost. */
#include "tools/shared/activate.h"

#include "lib/base/bytes.h"
#include "lib/device/dm_load.h"
#include "lib/device/dm_tables.h"
#include "lib/device/dm_users.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#define ORIGINS_MAX 8u /* snapshot-origin devices over one origin; one is usual */

/* Who uses a device in device-mapper; a table that waits for a resume uses it as well. */
struct users {
    uint64_t origins[ORIGINS_MAX]; /* active snapshot-origin over it */
    size_t origin_count;
    size_t snapshots, others;
    struct snap_dm_user other; /* one of the others, for a message */
};

int activate_take_name(struct cli *cli, const char *option, const char *name)
{
    struct snap_error err = {.status = SNAP_OK};

    if (!name || snap_dm_load_check_name(name, &err) == SNAP_OK)
        return CLI_EXIT_OK;
    return cli_usage_error(cli, "%s: %s", option, err.text);
}

enum snap_status activate_possible(const char *elsewhere, struct snap_error *err)
{
    struct snap_error why = {.status = SNAP_OK};
    const enum snap_status status = snap_dm_load_possible(&why);

    if (status == SNAP_OK)
        return status;
    return snap_fail(err, status, "%s; %s", why.text, elsewhere);
}

static enum snap_status note_user(void *context, const struct snap_dm_user *user, struct snap_error *err)
{
    struct users *users = context;

    if (strcmp(user->target_type, "snapshot-origin") == 0 && !user->waits) {
        if (users->origin_count == ORIGINS_MAX)
            return snap_fail(err, SNAP_E_REFUSED, "more than %u devices of the kind snapshot-origin stand on it",
                             ORIGINS_MAX);
        users->origins[users->origin_count++] = makedev(user->major, user->minor);
    } else if (strcmp(user->target_type, "snapshot") == 0) {
        users->snapshots++;
    } else {
        users->others++;
        users->other = *user;
    }
    return SNAP_OK;
}

/* The resume would give it that table, in the place of the one through which the origin is used. */
static enum snap_status check_no_table_waits(const struct users *users, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    for (size_t i = 0; i < users->origin_count && status == SNAP_OK; i++) {
        struct snap_dm_tables tables = {.count = 0};

        status = snap_dm_tables_read_one(users->origins[i], SNAP_DM_TABLES_INACTIVE, &tables, err);
        if (status == SNAP_OK && tables.count > 0 && tables.devices[0].inactive.count > 0)
            status = snap_fail(err, SNAP_E_BUSY, "%s: another table waits there for a resume; take it back first: "
                               "dmsetup clear %s", tables.devices[0].name, cli_quote(tables.devices[0].name).text);
        snap_dm_tables_free(&tables);
    }
    return status;
}

enum snap_status activate_check_device(const struct device *device, const struct snap_error *busy,
                                       struct snap_error *err)
{
    struct users users = {.others = 0};
    enum snap_status status;

    if (!device->facts.block_device)
        return snap_fail(err, SNAP_E_REFUSED, "%s: it is an image, and the kernel takes only devices; this gives one "
                         "to name here: losetup --find --show %s", device->path, cli_quote(device->path).text);
    if (!busy)
        return SNAP_OK;
    /* Nobody but device-mapper holds a device that device-mapper holds: all holders are among its users. */
    status = snap_dm_users_loaded(device->facts.device_number, note_user, &users, err);
    if (status != SNAP_OK)
        return snap_fail_prefix(err, status, "%s", device->path);
    if (users.others > 0)
        return snap_fail(err, SNAP_E_BUSY, "%s: it is in use by %s (%s%s); to remove that: dmsetup %s %s", device->path,
                         users.other.name, users.other.target_type,
                         users.other.waits ? ", loaded, and waits for a resume" : "",
                         users.other.waits ? "clear" : "remove", cli_quote(users.other.name).text);
    if (users.origin_count + users.snapshots > 0)
        return check_no_table_waits(&users, err);
    *err = *busy;
    return busy->status;
}

enum snap_status activate_open(struct device *device, const char *argument, bool shared, struct snap_error *err)
{
    const struct snap_file_options held = {.exclusive = true}, reading = {.write = false};
    struct snap_error busy = {.status = SNAP_OK};
    enum snap_status status;

    if (devices_is_lvm(argument))
        return snap_fail(err, SNAP_E_REFUSED, "%s: LVM makes its snapshots active itself: vgchange -ay", argument);
    status = devices_find(device, argument, err);
    if (status == SNAP_OK)
        status = activate_check_device(device, NULL, err);
    if (status != SNAP_OK)
        return status;
    status = devices_open(device, &held, &busy);
    if (status == SNAP_E_BUSY && shared) {
        status = activate_check_device(device, &busy, err);
        return status == SNAP_OK ? devices_open(device, &reading, err) : status;
    }
    if (status != SNAP_OK)
        *err = busy;
    return status;
}

enum snap_status activate_check(const struct pair *pair, bool appended, struct snap_check_result *check,
                                struct snap_evidence *evidence, struct snap_error *err)
{
    enum snap_status status = pair_check_list(pair, NULL, check, err);

    if (status == SNAP_OK)
        status = pair_check_identity(pair, check, evidence, err);
    return status == SNAP_OK ? pair_check_cut(pair, check, appended, NULL, err) : status;
}

/* "8:17", as a table names it. */
struct number_text {
    char text[24];
};
static struct number_text number_text(uint64_t number)
{
    struct number_text number_text;

    (void)snprintf(number_text.text, sizeof number_text.text, "%u:%u", major(number), minor(number));
    return number_text;
}

/* A line of a table without start, length and target: what libdevmapper calls parameters. */
static enum snap_status make_params(const struct activate *activate, enum snap_table_target target, uint64_t cow_number,
                                    enum snap_table_mode mode, uint32_t chunk_sectors, char *params, size_t bytes,
                                    struct snap_error *err)
{
    char line[160];
    enum snap_status status =
        snap_table_line(target, activate->sectors, number_text(activate->origin_number).text,
                        number_text(cow_number).text, mode, chunk_sectors, line, sizeof line, err);

    if (status == SNAP_OK)
        (void)snprintf(params, bytes, "%s", snap_table_line_params(line));
    return status;
}

/* A device that is in the way can have a name that a shell takes apart. */
static enum snap_status check_free(const char *name, const char *uuid, struct snap_error *err)
{
    struct snap_error why = {.status = SNAP_OK};
    char taken[128];
    const enum snap_status status = snap_dm_load_free(name, uuid, taken, &why);

    if (status != SNAP_OK && taken[0] != '\0')
        return snap_fail(err, status, "%s; %sremove it: dmsetup remove %s", why.text,
                         strcmp(taken, name) == 0 ? "take another name, or " : "to ", cli_quote(taken).text);
    if (status != SNAP_OK)
        *err = why;
    return status;
}

enum snap_status activate_plan(struct activate *activate, const struct device *origin, const struct device *cow,
                               const uint8_t *store_id, enum snap_table_mode mode, uint32_t chunk_sectors,
                               struct snap_error *err)
{
    const uint64_t cow_number = cow->facts.device_number;
    enum snap_status status;
    char id[37];

    activate->origin_number = origin->facts.device_number;
    activate->sectors = origin->io->size_bytes / SNAP_SECTOR_BYTES;
    if (store_id)
        snap_identity_format_id(store_id, id);
    (void)snprintf(activate->uuid, sizeof activate->uuid, "DMSNAP-%s-%s", activate->read_only ? "view" : "snapshot",
                   store_id ? id : number_text(cow_number).text);
    (void)snprintf(activate->origin_uuid, sizeof activate->origin_uuid, "DMSNAP-origin-%s",
                   number_text(activate->origin_number).text);
    status = make_params(activate, SNAP_TABLE_SNAPSHOT, cow_number, mode, chunk_sectors, activate->params,
                         sizeof activate->params, err);
    if (status == SNAP_OK)
        status = make_params(activate, SNAP_TABLE_SNAPSHOT_ORIGIN, cow_number, mode, chunk_sectors,
                             activate->origin_params, sizeof activate->origin_params, err);
    if (status == SNAP_OK)
        status = check_free(activate->name, activate->uuid, err);
    if (status == SNAP_OK && activate->origin_name && strcmp(activate->name, activate->origin_name) == 0)
        return snap_fail(err, SNAP_E_USAGE, "%s: the snapshot and its origin need a name each", activate->name);
    if (status == SNAP_OK && activate->origin_name)
        status = check_free(activate->origin_name, activate->origin_uuid, err);
    return status;
}

/* Those that were suspended go on, whatever has happened; the first failure is told. */
static enum snap_status resume_all(const struct users *users, size_t count, enum snap_status status,
                                   struct snap_error *err)
{
    struct snap_error why;

    for (size_t i = 0; i < count; i++) {
        if (snap_dm_load_resume(users->origins[i], &why) != SNAP_OK && status == SNAP_OK) {
            *err = why;
            status = why.status;
        }
    }
    return status;
}

/*
 * Nothing may be written to the origin between the moment at which the kernel has read the list and the one at which it
 * copies out for this snapshot: so the devices that write to the origin are suspended around it (dmsnap-store(5),
 * SNAPSHOT-ORIGIN). Their resume also makes them look at the chunk size of the new one.
 */
static enum snap_status load_snapshot(const struct activate *activate, uint64_t *number, struct snap_error *err)
{
    const struct snap_dm_load_table table = {.sectors = activate->sectors, .type = "snapshot",
                                             .params = activate->params, .read_only = activate->read_only};
    struct users users = {.others = 0};
    size_t suspended = 0;
    struct snap_error ignored;
    enum snap_status status = snap_dm_users_loaded(activate->origin_number, note_user, &users, err);
    bool made = false;

    if (status == SNAP_OK)
        status = check_no_table_waits(&users, err);

    for (; suspended < users.origin_count && status == SNAP_OK; suspended++)
        status = snap_dm_load_suspend(users.origins[suspended], err);
    if (status == SNAP_OK) {
        status = snap_dm_load_create(activate->name, activate->uuid, &table, number, err);
        made = status == SNAP_OK;
    }
    status = resume_all(&users, suspended, status, err);
    if (status != SNAP_OK && made)
        (void)snap_dm_load_remove(*number, &ignored);
    return status;
}

static enum snap_status load_origin(const struct activate *activate, uint64_t snapshot_number, struct snap_error *err)
{
    const struct snap_dm_load_table table = {.sectors = activate->sectors, .type = "snapshot-origin",
                                             .params = activate->origin_params};
    struct snap_error left;
    uint64_t number;
    const enum snap_status status = snap_dm_load_create(activate->origin_name, activate->origin_uuid, &table, &number,
                                                        err);

    if (status != SNAP_OK && snap_dm_load_remove(snapshot_number, &left) != SNAP_OK)
        return snap_fail_prefix(err, status, "%s could not be removed again (%s)", activate->name, left.text);
    return status;
}

enum snap_status activate_load(struct cli *cli, const struct activate *activate, struct snap_error *err)
{
    uint64_t number = 0;
    enum snap_status status;

    (void)cli_stop_hold(); /* devices are suspended meanwhile: this has to come to its end */
    status = load_snapshot(activate, &number, err);
    if (status == SNAP_OK && activate->origin_name)
        status = load_origin(activate, number, err);
    cli_stop_release();
    if (status != SNAP_OK)
        return status;
    cli_note(cli, "/dev/mapper/%s is %s; to remove it: dmsetup remove %s", activate->name,
             activate->read_only ? "the view, for reading only" : "the snapshot", activate->name);
    if (activate->origin_name)
        cli_note(cli, "/dev/mapper/%s is the origin: what is written there is kept in the snapshot before; to remove "
                 "it, once the snapshot is removed: dmsetup remove %s", activate->origin_name, activate->origin_name);
    return SNAP_OK;
}
