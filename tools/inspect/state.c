/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Turns status lines of the kernel into words and advice. */
#include "tools/inspect/state.h"

#include "lib/base/bytes.h"
#include "tools/cli/quote.h"
#include "tools/inspect/percent.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *inspect_state_word(const struct snap_dm_stacks_use *use)
{
    if (!use->active)
        return "inactive";
    if (use->role == SNAP_DM_STACKS_ORIGIN)
        return "active";
    if (!use->status_known)
        return "unknown";
    switch (use->status.state) {
    case SNAP_DM_STATUS_INVALID:
        return "invalid";
    case SNAP_DM_STATUS_OVERFLOW:
        return "overflow";
    case SNAP_DM_STATUS_MERGE_FAILED:
        return "merge-failed";
    case SNAP_DM_STATUS_UNKNOWN:
        return "unknown";
    case SNAP_DM_STATUS_FIGURES:
        break;
    }
    if (use->role == SNAP_DM_STACKS_MERGE)
        return snap_dm_status_merged(&use->status) ? "merged" : "merging";
    return use->status.allocated_sectors >= use->status.total_sectors && use->status.total_sectors > 0 ? "full"
                                                                                                        : "active";
}

uint64_t inspect_state_left_sectors(const struct snap_dm_stacks_use *use)
{
    const struct snap_dm_status *status = &use->status;

    return snap_dm_stacks_is_merging(use) && status->metadata_known &&
                   status->allocated_sectors > status->metadata_sectors
               ? status->allocated_sectors - status->metadata_sectors
               : 0;
}

struct cli_text inspect_state_used(const struct snap_dm_stacks_use *use)
{
    const struct snap_dm_status *status = &use->status;

    if (!use->status_known || (status->state != SNAP_DM_STATUS_FIGURES && status->state != SNAP_DM_STATUS_INVALID))
        return (struct cli_text){""};
    return inspect_percent(status->allocated_sectors, status->total_sectors, status->metadata_sectors,
                           status->state == SNAP_DM_STATUS_INVALID);
}

/* The names that advice needs, each as a shell reads it. */
struct names {
    char name[2 * 272];
    char origin[2 * 300], cow[2 * 300];
    char lv[2 * 272];                   /* the snapshot's volume of LVM; empty where there is none */
    char origin_lv[2 * 272], vg[2 * 272]; /* of a merge: the volume that is merged into, and its group */
};

static void quote(char *out, size_t out_bytes, const char *text)
{
    (void)snprintf(out, out_bytes, "%.*s", (int)out_bytes - 1, cli_quote(text).text);
}

/* The store of a snapshot of LVM is named as the snapshot, also while it is merged and the snapshot has no table. */
static void gather_names(const struct inspect_tree_node *node, const struct inspect_tree_node *origin,
                         struct names *names)
{
    const struct inspect_tree_node *cow = inspect_tree_child(node, INSPECT_TREE_COW);

    *names = (struct names){.lv = ""};
    quote(names->name, sizeof names->name, node->mapped ? node->mapped->name : node->name);
    quote(names->origin, sizeof names->origin, inspect_tree_path(origin).text);
    if (cow)
        quote(names->cow, sizeof names->cow, inspect_tree_path(cow).text);
    if (cow && cow->lvm_name[0] != '\0') {
        quote(names->lv, sizeof names->lv, cow->lvm_name);
        quote(names->origin_lv, sizeof names->origin_lv, node->lvm_name);
        (void)snprintf(names->vg, sizeof names->vg, "%.*s", (int)strcspn(names->lv, "/"), names->lv);
    }
}

/* The list of a store that is not persistent was in memory only. */
static struct inspect_state_text of_lost(const struct names *names)
{
    struct inspect_state_text text;

    (void)snprintf(text.text, sizeof text.text, "the kernel has given the store up, and nothing of it can be read any "
                   "more; remove the snapshot: dmsetup remove %s", names->name);
    return text;
}

static struct inspect_state_text of_invalid(const struct names *names, bool merge)
{
    struct inspect_state_text text;
    const int used = snprintf(text.text, sizeof text.text,
                              merge ? "the store is invalid, so nothing is merged, and the origin is used as it is; "
                                    : "the kernel has given the store up, and shows nothing of it any more; ");
    char *rest = text.text + used;
    const size_t rest_bytes = sizeof text.text - (size_t)used;

    if (names->lv[0] != '\0')
        (void)snprintf(rest, rest_bytes, "see what it still holds with: snapinspect --origin %s %s; "
                       "then remove the snapshot: lvremove %s", names->origin, names->cow, names->lv);
    else if (merge)
        (void)snprintf(rest, rest_bytes, "see what it still holds with: snapinspect --origin %s %s; then load a linear "
                       "table over %s into %s", names->origin, names->cow, names->origin, names->name);
    else
        (void)snprintf(rest, rest_bytes, "see what it still holds with: snapinspect --origin %s %s; "
                       "then remove the snapshot: dmsetup remove %s", names->origin, names->cow, names->name);
    return text;
}

static struct inspect_state_text of_figures(const struct inspect_tree_node *node, const struct names *names,
                                            const char *word)
{
    struct inspect_state_text text = {.text = ""};

    if (strcmp(word, "merged") == 0 && names->lv[0] != '\0')
        (void)snprintf(text.text, sizeof text.text, "the merge is complete, and LVM removes the snapshot when it "
                       "looks: lvchange --poll y %s", names->origin_lv);
    else if (strcmp(word, "merged") == 0)
        (void)snprintf(text.text, sizeof text.text, "the merge is complete; load a linear table over %s in its place: "
                       "dmsetup load %s, dmsetup resume %s", names->origin, names->name, names->name);
    else if (strcmp(word, "full") == 0)
        (void)snprintf(text.text, sizeof text.text, "the store is full: the next chunk that needs room there makes "
                       "it %s; make the COW larger before that%s%s",
                       node->use->table.persistence == SNAP_DM_STATUS_PO ? "overflow" : "invalid",
                       names->lv[0] != '\0' ? ": lvextend -l +1 " : "", names->lv);
    else if (strcmp(word, "merging") == 0 && node->rate.known)
        (void)snprintf(text.text, sizeof text.text, "the merge has %s left to copy, and copies %s in a second",
                       cli_size_text(inspect_state_left_sectors(node->use) * SNAP_SECTOR_BYTES).text,
                       cli_size_text(node->rate.bytes_per_second).text);
    else if (strcmp(word, "merging") == 0)
        (void)snprintf(text.text, sizeof text.text, "the merge has %s left to copy",
                       cli_size_text(inspect_state_left_sectors(node->use) * SNAP_SECTOR_BYTES).text);
    return text;
}

static struct inspect_state_text of_state(const struct inspect_tree_node *node, const struct names *names)
{
    const struct snap_dm_stacks_use *use = node->use;
    struct inspect_state_text text = {.text = ""};

    switch (use->status_known ? use->status.state : SNAP_DM_STATUS_UNKNOWN) {
    case SNAP_DM_STATUS_INVALID:
        return use->table.persistence == SNAP_DM_STATUS_N ? of_lost(names)
                                                          : of_invalid(names, use->role == SNAP_DM_STACKS_MERGE);
    case SNAP_DM_STATUS_OVERFLOW:
        (void)snprintf(text.text, sizeof text.text, "the store is full: writes to the snapshot fail, reads go on; this "
                       "ends only when it is made anew: dmsetup remove %s, make %s larger, and create it again",
                       names->name, names->cow);
        return text;
    case SNAP_DM_STATUS_MERGE_FAILED:
        (void)snprintf(text.text, sizeof text.text, "the merge met an error (dmesg tells which) and does not go on; "
                       "nothing is lost: %s%s, then see what is wrong: snapcheck --origin %s %s",
                       names->lv[0] != '\0' ? "vgchange -an " : "dmsetup remove ",
                       names->lv[0] != '\0' ? names->vg : names->name, names->origin, names->cow);
        return text;
    case SNAP_DM_STATUS_UNKNOWN:
        return text;
    case SNAP_DM_STATUS_FIGURES:
        break;
    }
    return of_figures(node, names, inspect_state_word(use));
}

struct inspect_state_text inspect_state_next(const struct inspect_tree_node *node,
                                             const struct inspect_tree_node *origin)
{
    const struct snap_dm_stacks_use *use = node->use;
    struct inspect_state_text text = {.text = ""};
    struct names names;

    gather_names(node, origin, &names);
    if (!use->active)
        (void)snprintf(text.text, sizeof text.text, "this table is loaded and not active: dmsetup resume %s makes it "
                       "active, dmsetup clear %s drops it", names.name, names.name);
    else if (use->store_users > 1)
        (void)snprintf(text.text, sizeof text.text, "%zu active tables use the store %s, and each destroys what the "
                       "other one writes: remove all but one of them at once", use->store_users, names.cow);
    else if (use->role != SNAP_DM_STACKS_ORIGIN)
        text = of_state(node, &names);
    /* A snapshot target that is not active has a row of its own. */
    if (text.text[0] == '\0' && use->active && use->device->inactive.count > 0 &&
        !snap_dm_stacks_has_type(use->device->inactive.targets[0].type))
        (void)snprintf(text.text, sizeof text.text, "another table (%s) is loaded and not active: dmsetup resume %s "
                       "makes it active, dmsetup clear %s drops it", use->device->inactive.targets[0].type, names.name,
                       names.name);
    else if (text.text[0] == '\0' && use->active && use->device->suspended)
        (void)snprintf(text.text, sizeof text.text, "it is suspended, so all reads and writes of it wait: "
                       "dmsetup resume %s", names.name);
    return text;
}
