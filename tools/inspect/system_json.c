/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each device is an object with all that is known of it; what stands below and above it are lists of such objects. */
#include "tools/inspect/system_json.h"

#include "tools/inspect/state.h"
#include "tools/shared/report.h"

#include <stdio.h>
#include <sys/sysmacros.h>

/* null where the text is empty. */
static void set_text(struct cli_json *object, const char *key, const char *text)
{
    cli_json_set_string(object, key, text[0] != '\0' ? text : NULL);
}

static void set_known(struct cli_json *object, const char *key, bool known, uint64_t value)
{
    if (known)
        cli_json_set_uint(object, key, value);
    else
        cli_json_set_null(object, key);
}

static struct cli_json *target_json(const struct inspect_tree_node *node, const struct inspect_tree_node *parent)
{
    const struct snap_dm_stacks_use *use = node->use;
    const bool store = use->role != SNAP_DM_STACKS_ORIGIN;
    const bool figures = use->status_known && use->status.state == SNAP_DM_STATUS_FIGURES;
    const char *word = inspect_state_word(use);
    struct cli_json *target = cli_json_object();

    cli_json_set_string(target, "type", use->target->type);
    cli_json_set_bool(target, "active", use->active);
    cli_json_set_uint(target, "start_sectors", use->target->start_sectors);
    cli_json_set_uint(target, "length_sectors", use->target->length_sectors);
    cli_json_set_string(target, "persistence",
                        store ? snap_dm_status_persistence_name(use->table.persistence) : NULL);
    set_known(target, "chunk_sectors", store, use->table.chunk_sectors);
    cli_json_set_bool(target, "discard_zeroes_cow", use->table.discard_zeroes_cow);
    cli_json_set_bool(target, "discard_passdown_origin", use->table.discard_passdown_origin);
    cli_json_set_string(target, "state", word);
    set_known(target, "allocated_sectors", figures, use->status.allocated_sectors);
    set_known(target, "total_sectors", figures, use->status.total_sectors);
    set_known(target, "metadata_sectors", figures && use->status.metadata_known, use->status.metadata_sectors);
    set_text(target, "used_percent", inspect_state_used(use).text);
    set_known(target, "left_sectors", snap_dm_stacks_is_merging(use), inspect_state_left_sectors(use));
    set_known(target, "bytes_per_second", node->rate.known, node->rate.bytes_per_second);
    set_known(target, "store_users", store && use->active, use->store_users);
    set_text(target, "next", inspect_state_next(node, parent).text);
    return target;
}

static struct cli_json *mounts_json(const struct inspect_running *running, const struct inspect_tree_node *node)
{
    struct cli_json *list = cli_json_array();

    for (size_t i = 0; i < running->mounted.count; i++)
        if (running->mounted.places[i].number == node->block.number)
            cli_json_add_string(list, running->mounted.places[i].target);
    return list;
}

static struct cli_json *node_json(const struct inspect_running *running, const struct inspect_tree_node *node,
                                  const struct inspect_tree_node *parent)
{
    const struct snap_block *block = &node->block;
    const struct snap_dm_device *mapped = node->mapped;
    struct cli_json *object = cli_json_object(), *below = cli_json_array(), *above = cli_json_array(), *cow = NULL;
    char number[32];

    (void)snprintf(number, sizeof number, "%u:%u", major(block->number), minor(block->number));
    cli_json_set_string(object, "name", node->name);
    cli_json_set_string(object, "number", number);
    set_text(object, "kernel_name", block->kernel_name);
    cli_json_set_string(object, "kind", mapped ? "dm" : node->known ? snap_block_kind_name(block->kind) : NULL);
    set_known(object, "size_sectors", node->known, block->size_sectors);
    cli_json_set_bool(object, "read_only", mapped ? mapped->read_only : block->read_only);
    cli_json_set_bool(object, "suspended", mapped && mapped->suspended);
    cli_json_set_bool(object, "inactive_table", mapped && mapped->inactive.count > 0);
    set_text(object, "dm_name", mapped ? mapped->name : block->dm_name);
    set_text(object, "dm_uuid", mapped ? mapped->uuid : block->dm_uuid);
    set_text(object, "lvm", node->lvm_name);
    set_text(object, "md_level", block->md_level);
    set_text(object, "backing_file", block->backing_path);
    cli_json_set(object, "mounts", mounts_json(running, node));
    if (node->use)
        cli_json_set(object, "target", target_json(node, parent));
    else
        cli_json_set_null(object, "target");
    for (size_t i = 0; i < node->children_count; i++) {
        struct cli_json *child = node_json(running, node->children[i], node);

        if (node->children[i]->part == INSPECT_TREE_COW)
            cow = child;
        else
            cli_json_add(node->children[i]->part == INSPECT_TREE_BELOW ? below : above, child);
    }
    if (cow)
        cli_json_set(object, "cow", cow);
    else
        cli_json_set_null(object, "cow");
    cli_json_set(object, "below", below);
    cli_json_set(object, "above", above);
    return object;
}

struct cli_json *inspect_system_json(const struct cli *cli, const struct inspect_running *running,
                                     const struct inspect_tree *tree, bool device_mapper)
{
    struct cli_json *document = report_json_begin(cli, NULL, NULL), *result = cli_json_object();
    struct cli_json *origins = cli_json_array(), *unread = cli_json_array();

    for (size_t i = 0; i < tree->count; i++)
        cli_json_add(origins, node_json(running, tree->roots[i], NULL));
    for (size_t i = 0; i < running->unread_count; i++) {
        struct cli_json *item = cli_json_object();

        cli_json_set_string(item, "name", running->unread[i].name);
        cli_json_set_string(item, "reason", running->unread[i].reason);
        cli_json_add(unread, item);
    }
    cli_json_set_bool(result, "device_mapper", device_mapper);
    cli_json_set(result, "origins", origins);
    cli_json_set(result, "unread", unread);
    cli_json_set(document, "result", result);
    return document;
}
