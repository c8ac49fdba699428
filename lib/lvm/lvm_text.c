/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hands texts to libdevmapper's config parser, once it is certain that they stay within bounds there. */
#include "lib/lvm/lvm_text.h"

#include "lib/lvm/lvm_text_scan_private.h"

#include <inttypes.h>
#include <libdevmapper.h>
#include <stdlib.h>
#include <string.h>

/* The parser says what it dislikes on standard error, which is not ours. */
static void log_nothing(int level, const char *file, int line, int dm_errno_or_class, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
static void log_nothing(int level, const char *file, int line, int dm_errno_or_class, const char *format, ...)
{
    (void)level;
    (void)file;
    (void)line;
    (void)dm_errno_or_class;
    (void)format;
}

/* The objects behind the names that lvm_text.h hands out. */
static struct dm_config_tree *tree_of(const struct snap_lvm_text *tree)
{
    return (struct dm_config_tree *)(uintptr_t)tree;
}

static const struct dm_config_node *node_of(const struct snap_lvm_text_node *node)
{
    return (const struct dm_config_node *)(const void *)node;
}

static const struct dm_config_value *value_of(const struct snap_lvm_text_value *value)
{
    return (const struct dm_config_value *)(const void *)value;
}

static const struct snap_lvm_text_node *out_node(const struct dm_config_node *node)
{
    return (const struct snap_lvm_text_node *)(const void *)node;
}

/* The parser writes an empty list as one value. */
static const struct snap_lvm_text_value *out_value(const struct dm_config_value *value)
{
    return value && value->type == DM_CFG_EMPTY_ARRAY ? NULL : (const struct snap_lvm_text_value *)(const void *)value;
}

static int compare_names(const void *one, const void *other)
{
    return strcmp(*(const char *const *)one, *(const char *const *)other);
}

/* Which of two nodes of one name counts would be up to the reader. The depth is bounded by the scan. */
static enum snap_status refuse_repeated(const char *name, const struct dm_config_node *first, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;
    const char **names;
    size_t count = 0;

    for (const struct dm_config_node *node = first; node; node = node->sib)
        count++;
    names = malloc((count + 1) * sizeof *names);
    if (!names)
        return snap_fail(err, SNAP_E_NOMEM, "%s: no memory for its LVM metadata", name);
    count = 0;
    for (const struct dm_config_node *node = first; node; node = node->sib)
        names[count++] = node->key;
    qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 1; i < count && status == SNAP_OK; i++) {
        if (strcmp(names[i - 1], names[i]) == 0)
            status = snap_fail(err, SNAP_E_CORRUPT, "%s: the LVM metadata name \"%s\" twice in one section", name,
                               names[i]);
    }
    free(names);
    for (const struct dm_config_node *node = first; node && status == SNAP_OK; node = node->sib) {
        if (node->child)
            status = refuse_repeated(name, node->child, err);
    }
    return status;
}

enum snap_status snap_lvm_text_parse(const char *name, const char *text, uint64_t length_bytes,
                                     struct snap_lvm_text **tree, struct snap_error *err)
{
    struct dm_config_tree *parsed;
    enum snap_status status = snap_lvm_text_scan(name, text, length_bytes, err);

    if (status != SNAP_OK)
        return status;
    dm_log_with_errno_init(log_nothing);
    parsed = dm_config_create();
    if (!parsed)
        return snap_fail(err, SNAP_E_NOMEM, "%s: no memory for its LVM metadata", name);
    /* Its own look for repeated names takes the square of their number. */
    if (dm_config_parse_without_dup_node_check(parsed, text, text + length_bytes))
        status = refuse_repeated(name, parsed->root, err);
    else
        status = snap_fail(err, SNAP_E_CORRUPT, "%s: the LVM metadata of %" PRIu64
                           " bytes are no text that libdevmapper understands", name, length_bytes);
    if (status == SNAP_OK)
        *tree = (struct snap_lvm_text *)(void *)parsed;
    else
        dm_config_destroy(parsed);
    return status;
}

void snap_lvm_text_free(struct snap_lvm_text *tree)
{
    if (tree)
        dm_config_destroy(tree_of(tree));
}

const struct snap_lvm_text_node *snap_lvm_text_root(const struct snap_lvm_text *tree)
{
    return out_node(tree_of(tree)->root);
}

const struct snap_lvm_text_node *snap_lvm_text_next(const struct snap_lvm_text_node *node)
{
    return out_node(node_of(node)->sib);
}

const struct snap_lvm_text_node *snap_lvm_text_inside(const struct snap_lvm_text_node *section)
{
    return out_node(node_of(section)->child);
}

const char *snap_lvm_text_name(const struct snap_lvm_text_node *node)
{
    return node_of(node)->key;
}

bool snap_lvm_text_is_section(const struct snap_lvm_text_node *node)
{
    return !node_of(node)->v;
}

const struct snap_lvm_text_node *snap_lvm_text_find(const struct snap_lvm_text_node *section, const char *name)
{
    for (const struct dm_config_node *node = node_of(section)->child; node; node = node->sib) {
        if (strcmp(node->key, name) == 0)
            return out_node(node);
    }
    return NULL;
}

const struct snap_lvm_text_value *snap_lvm_text_first(const struct snap_lvm_text_node *node)
{
    return out_value(node_of(node)->v);
}

const struct snap_lvm_text_value *snap_lvm_text_following(const struct snap_lvm_text_value *value)
{
    return out_value(value_of(value)->next);
}

const char *snap_lvm_text_string(const struct snap_lvm_text_value *value)
{
    return value_of(value)->type == DM_CFG_STRING ? value_of(value)->v.str : NULL;
}

bool snap_lvm_text_number(const struct snap_lvm_text_value *value, uint64_t *number)
{
    if (value_of(value)->type != DM_CFG_INT || value_of(value)->v.i < 0)
        return false;
    *number = (uint64_t)value_of(value)->v.i;
    return true;
}
