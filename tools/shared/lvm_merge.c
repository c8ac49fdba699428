/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tells the merge of an LVM snapshot from its metadata, its store and what is active. */
#include "tools/shared/lvm_merge.h"

#include "lib/device/dm_users.h"

#include <string.h>
#include <sys/sysmacros.h>

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
static bool is_merging_now(const struct device *cow)
{
    struct active_store store = {.serial = cow->facts.serial};

    for (size_t i = 0; i < cow->part_count && store.number == 0; i++)
        if (cow->parts[i].block_device)
            (void)snap_dm_users(cow->parts[i].device_number, find_active, &store, NULL);
    if (store.number != 0)
        (void)snap_dm_users(store.number, find_merge, &store, NULL);
    return store.merging;
}

enum lvm_merge lvm_merge_find(const struct device *cow, const struct snap_store *store,
                              const struct snap_check_result *check)
{
    if (!cow->lvm_merging)
        return LVM_MERGE_NONE;
    if (store->defect == SNAP_HEADER_INVALID)
        return LVM_MERGE_STUCK;
    if (store->defect == SNAP_HEADER_GOOD && check->list_complete && check->entries == 0)
        return LVM_MERGE_DONE;
    if (is_merging_now(cow) || (store->identity_state == SNAP_IDENTITY_OK &&
                                (store->identity.flags & SNAP_IDENTITY_MERGING) != 0))
        return LVM_MERGE_BEGUN;
    return LVM_MERGE_PENDING;
}

const char *lvm_merge_word(enum lvm_merge merge)
{
    static const char *const words[] = {
        [LVM_MERGE_NONE] = NULL,     [LVM_MERGE_PENDING] = "pending", [LVM_MERGE_BEGUN] = "begun",
        [LVM_MERGE_STUCK] = "stuck", [LVM_MERGE_DONE] = "done",
    };

    return words[merge];
}

const char *lvm_merge_sentence(enum lvm_merge merge)
{
    static const char *const sentences[] = {
        [LVM_MERGE_NONE] = NULL,
        [LVM_MERGE_PENDING] = "the snapshot is to be merged when its group is activated; its merge may have been begun "
                              "and stopped, so do not use the origin alone",
        [LVM_MERGE_BEGUN] = "the merge of the snapshot was begun",
        [LVM_MERGE_STUCK] = "the snapshot is to be merged when its group is activated, and since its store is invalid "
                            "that never ends",
        [LVM_MERGE_DONE] = "the snapshot is merged; LVM removes it when its group is activated",
    };

    return sentences[merge];
}

void lvm_merge_say_ways_out(struct cli *cli, const char *cow, const char *origin, const char *devices)
{
    const char *volume = cow + strlen(DEVICES_LVM);
    const int group_length = (int)strcspn(volume, "/");

    cli_line(cli, "%s: LVM can never finish the merge of this snapshot, since its store is invalid. Two commands end "
             "it, and change nothing on the origin; deactivate the group first, if it is active (vgchange -an %.*s).",
             cow, group_length, volume);
    cli_line(cli, "To give the merge up, and with it the snapshot:");
    cli_line(cli, "  lvremove %s", cli_quote(volume).text);
    cli_line(cli, "Or to make the store empty, so that LVM finds nothing to merge, and removes the snapshot when the "
             "group is activated:");
    cli_line(cli, "  snapcreate -f%s --origin %s --cow %s", devices, cli_quote(origin).text, cli_quote(cow).text);
}
