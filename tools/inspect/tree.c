/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Goes from the origins down to the disks, and up to whatever stands on the snapshots. */
#include "tools/inspect/tree.h"

#include "lib/device/dm_load.h"
#include "tools/shared/lvm_name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#define DEPTH_MAX 24 /* deeper stacks are not built */

struct build {
    struct inspect_running *running;
    bool *done; /* for each use: whether it stands in a tree */
    struct snap_error *err;
};

static enum snap_status fail_memory(struct snap_error *err)
{
    return snap_fail(err, SNAP_E_NOMEM, "no memory for the tree of snapshots");
}

/* VG/LV of a device whose UUID says that it is LVM's; the layer stands behind it as LVM writes it there. */
static void set_names(struct inspect_tree_node *node)
{
    const char *dm_name = node->mapped ? node->mapped->name : node->block.dm_name;
    const char *uuid = node->mapped ? node->mapped->uuid : node->block.dm_uuid;
    const char *layer = strlen(uuid) > 68 ? uuid + 68 : ""; /* behind "LVM-" and two identifiers of 32 characters */
    struct lvm_name lvm;

    if (strncmp(uuid, "LVM-", 4) == 0 && lvm_name_of_mapped(dm_name, &lvm)) {
        (void)snprintf(node->lvm_name, sizeof node->lvm_name, "%s", lvm.text + strlen(LVM_NAME_PREFIX));
        (void)snprintf(node->name, sizeof node->name, "%.140s%.100s", node->lvm_name, layer);
    } else if (dm_name[0] != '\0') {
        (void)snprintf(node->name, sizeof node->name, "%s", dm_name);
    } else if (node->block.kernel_name[0] != '\0') {
        (void)snprintf(node->name, sizeof node->name, "%s", node->block.kernel_name);
    } else {
        (void)snprintf(node->name, sizeof node->name, "%u:%u", major(node->block.number), minor(node->block.number));
    }
}

/* Adds a node to a list of them; *made is borrowed. */
static enum snap_status add_node(const struct build *build, struct inspect_tree_node ***list, size_t *count,
                                 enum inspect_tree_part part, uint64_t number, struct inspect_tree_node **made)
{
    struct inspect_tree_node **grown = reallocarray(*list, *count + 1, sizeof(struct inspect_tree_node *));
    struct inspect_tree_node *node = grown ? calloc(1, sizeof *node) : NULL;
    struct snap_error why = {.text = ""};
    char name[32];

    if (grown)
        *list = grown;
    if (!node)
        return fail_memory(build->err);
    (*list)[(*count)++] = node;
    *made = node;
    node->part = part;
    node->mapped = inspect_running_mapped(build->running, number);
    node->known = snap_block_read(number, &node->block, &why) == SNAP_OK;
    if (!node->known) {
        (void)snprintf(name, sizeof name, "%u:%u", major(number), minor(number));
        if (inspect_running_add_unread(build->running, node->mapped ? node->mapped->name : name, why.text,
                                       build->err) != SNAP_OK)
            return SNAP_E_NOMEM;
    }
    if (node->block.left_out &&
        inspect_running_add_unread(build->running, node->block.kernel_name, "it has too many neighbours to show all",
                                   build->err) != SNAP_OK)
        return SNAP_E_NOMEM;
    set_names(node);
    return SNAP_OK;
}

static enum snap_status add_child(const struct build *build, struct inspect_tree_node *parent,
                                  enum inspect_tree_part part, uint64_t number, struct inspect_tree_node **made)
{
    return add_node(build, &parent->children, &parent->children_count, part, number, made);
}

/* A snapshot further down stands in a tree of its own, with what is below it. */
static enum snap_status go_down(const struct build *build, struct inspect_tree_node *node, unsigned depth)
{
    enum snap_status status = SNAP_OK;
    struct inspect_tree_node *child;

    for (size_t i = 0; i < node->block.below_count && depth < DEPTH_MAX && status == SNAP_OK; i++) {
        status = add_child(build, node, INSPECT_TREE_BELOW, node->block.below[i], &child);
        if (status == SNAP_OK && !inspect_running_is_use(build->running, node->block.below[i]))
            status = go_down(build, child, depth + 1);
    }
    return status;
}

static enum snap_status go_up(const struct build *build, struct inspect_tree_node *node, unsigned depth);

static enum snap_status add_above(const struct build *build, struct inspect_tree_node *node, uint64_t number,
                                  unsigned depth)
{
    struct inspect_tree_node *child;
    enum snap_status status = add_child(build, node, INSPECT_TREE_ABOVE, number, &child);

    return status == SNAP_OK ? go_up(build, child, depth + 1) : status;
}

/* Snapshot targets stand where their origins are; holders are all others. */
static enum snap_status add_holders(const struct build *build, struct inspect_tree_node *node, unsigned depth)
{
    const struct inspect_running *running = build->running;
    enum snap_status status = SNAP_OK;

    for (size_t i = 0; i < node->block.above_count && status == SNAP_OK; i++)
        if (!inspect_running_is_use(running, node->block.above[i]))
            status = add_above(build, node, node->block.above[i], depth);
    for (size_t i = 0; i < running->loops_count && status == SNAP_OK; i++)
        if (running->loops[i].shown == node->block.number)
            status = add_above(build, node, running->loops[i].loop, depth);
    return status;
}

static enum snap_status add_cow(const struct build *build, struct inspect_tree_node *node, unsigned depth)
{
    struct inspect_tree_node *cow;
    enum snap_status status = add_child(build, node, INSPECT_TREE_COW, node->use->table.cow_number, &cow);

    if (status == SNAP_OK)
        status = go_down(build, cow, depth + 1);
    return status == SNAP_OK ? add_holders(build, cow, depth + 1) : status;
}

/* What stands on a device stands below the first of its rows only. */
static bool is_first_row(const struct build *build, size_t i)
{
    for (size_t other = 0; other < build->running->stacks.count; other++)
        if (other != i && build->done[other] &&
            build->running->stacks.uses[other].device == build->running->stacks.uses[i].device)
            return false;
    return true;
}

static enum snap_status add_use(const struct build *build, struct inspect_tree_node *origin, size_t i, unsigned depth)
{
    const struct snap_dm_stacks_use *use = &build->running->stacks.uses[i];
    const bool first = is_first_row(build, i);
    struct inspect_tree_node *node;
    enum snap_status status = add_child(build, origin, INSPECT_TREE_USE, use->device->number, &node);

    build->done[i] = true;
    if (status != SNAP_OK)
        return status;
    node->use = use;
    node->rate = build->running->rates[i];
    if (use->role != SNAP_DM_STACKS_ORIGIN)
        status = add_cow(build, node, depth + 1);
    return status == SNAP_OK && first ? go_up(build, node, depth + 1) : status;
}

static enum snap_status go_up(const struct build *build, struct inspect_tree_node *node, unsigned depth)
{
    const struct snap_dm_stacks *stacks = &build->running->stacks;
    enum snap_status status = SNAP_OK;

    if (depth >= DEPTH_MAX)
        return SNAP_OK;
    for (size_t i = 0; i < stacks->count && status == SNAP_OK; i++)
        if (stacks->uses[i].table_known && stacks->uses[i].origin_number == node->block.number && !build->done[i])
            status = add_use(build, node, i, depth);
    return status == SNAP_OK ? add_holders(build, node, depth) : status;
}

static enum snap_status add_root(const struct build *build, struct inspect_tree *tree, uint64_t origin)
{
    struct inspect_tree_node *root;
    enum snap_status status = add_node(build, &tree->roots, &tree->count, INSPECT_TREE_ORIGIN, origin, &root);

    if (status == SNAP_OK)
        status = go_down(build, root, 0);
    return status == SNAP_OK ? go_up(build, root, 0) : status;
}

/* Whether the device is a snapshot, or stands on one: then it belongs into the tree of that one. */
static bool is_upper(const struct build *build, uint64_t number, struct snap_block *blocks, unsigned depth)
{
    bool upper = inspect_running_is_use(build->running, number);

    if (upper || depth == DEPTH_MAX || snap_block_read(number, &blocks[depth], NULL) != SNAP_OK)
        return upper;
    for (size_t i = 0; i < blocks[depth].below_count && !upper; i++)
        upper = is_upper(build, blocks[depth].below[i], blocks, depth + 1);
    return upper;
}

/* The lowest origins first; what then stands in no tree, such as tables that will never work, at the end. */
static enum snap_status add_roots(const struct build *build, struct inspect_tree *tree)
{
    const struct snap_dm_stacks *stacks = &build->running->stacks;
    struct snap_block *blocks = calloc(DEPTH_MAX, sizeof *blocks);
    enum snap_status status = blocks ? SNAP_OK : fail_memory(build->err);

    for (int upper = 0; upper <= 1; upper++)
        for (size_t i = 0; i < stacks->count && status == SNAP_OK; i++)
            if (!build->done[i] && stacks->uses[i].table_known &&
                (upper || !is_upper(build, stacks->uses[i].origin_number, blocks, 0)))
                status = add_root(build, tree, stacks->uses[i].origin_number);
    free(blocks);
    return status;
}

enum snap_status inspect_tree_build(struct inspect_running *running, struct inspect_tree *tree,
                                    struct snap_error *err)
{
    struct build build = {.running = running, .err = err};
    enum snap_status status;

    *tree = (struct inspect_tree){.count = 0};
    build.done = calloc(running->stacks.count + 1, sizeof *build.done);
    status = build.done ? add_roots(&build, tree) : fail_memory(err);
    free(build.done);
    return status;
}

/* Of a device-mapper device the target, where it has one or all are alike; of an array its level. */
static const char *kind_of(const struct inspect_tree_node *node)
{
    const struct snap_dm_table *table = node->mapped ? &node->mapped->active : NULL;

    if (node->block.md_level[0] != '\0')
        return node->block.md_level;
    for (size_t i = 1; table && i < table->count; i++)
        if (strcmp(table->targets[0].type, table->targets[i].type) != 0)
            return "dm";
    return table && table->count > 0 ? table->targets[0].type
           : node->mapped            ? "dm"
           : node->known             ? snap_block_kind_name(node->block.kind)
                                     : "device";
}

struct inspect_tree_text inspect_tree_type(const struct inspect_tree_node *node)
{
    static const char *const prefixes[] = {
        [INSPECT_TREE_ORIGIN] = "origin ", [INSPECT_TREE_BELOW] = "on ", [INSPECT_TREE_COW] = "cow ",
        [INSPECT_TREE_USE] = "", [INSPECT_TREE_ABOVE] = "",
    };
    struct inspect_tree_text text;

    (void)snprintf(text.text, sizeof text.text, "%s%s", prefixes[node->part],
                   node->use ? node->use->target->type : kind_of(node));
    return text;
}

struct inspect_tree_path inspect_tree_path(const struct inspect_tree_node *node)
{
    /* The node has the name that the kernel keeps, in which libdevmapper has \xNN for a blank and the like. */
    struct inspect_tree_path path;

    if (node->block.dm_name[0] != '\0')
        (void)snprintf(path.text, sizeof path.text, "/dev/mapper/%s", node->block.dm_name);
    else if (node->mapped)
        (void)snprintf(path.text, sizeof path.text, "%.*s", (int)sizeof path.text - 1,
                       snap_dm_load_node(node->mapped->name).path);
    else
        (void)snprintf(path.text, sizeof path.text, "/dev/%s", node->block.kernel_name);
    return path;
}

const struct inspect_tree_node *inspect_tree_child(const struct inspect_tree_node *node, enum inspect_tree_part part)
{
    for (size_t i = 0; i < node->children_count; i++)
        if (node->children[i]->part == part)
            return node->children[i];
    return NULL;
}

static void free_nodes(struct inspect_tree_node **nodes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free_nodes(nodes[i]->children, nodes[i]->children_count);
        free(nodes[i]);
    }
    free(nodes);
}

void inspect_tree_free(struct inspect_tree *tree)
{
    free_nodes(tree->roots, tree->count);
    *tree = (struct inspect_tree){.count = 0};
}
