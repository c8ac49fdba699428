/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LVM's metadata text in a build without libdevmapper: no text can be parsed, so no tree is ever looked at. */
#include "lib/lvm/lvm_text.h"

#include <stddef.h>

enum snap_status snap_lvm_text_parse(const char *name, const char *text, uint64_t length_bytes,
                                     struct snap_lvm_text **tree, struct snap_error *err)
{
    (void)text;
    (void)length_bytes;
    (void)tree;
    return snap_fail(err, SNAP_E_UNSUPPORTED, "%s: this build lacks libdevmapper, which reads LVM metadata", name);
}

void snap_lvm_text_free(struct snap_lvm_text *tree)
{
    (void)tree;
}

const struct snap_lvm_text_node *snap_lvm_text_root(const struct snap_lvm_text *tree)
{
    (void)tree;
    return NULL;
}

const struct snap_lvm_text_node *snap_lvm_text_next(const struct snap_lvm_text_node *node)
{
    (void)node;
    return NULL;
}

const struct snap_lvm_text_node *snap_lvm_text_inside(const struct snap_lvm_text_node *section)
{
    (void)section;
    return NULL;
}

const char *snap_lvm_text_name(const struct snap_lvm_text_node *node)
{
    (void)node;
    return "";
}

bool snap_lvm_text_is_section(const struct snap_lvm_text_node *node)
{
    (void)node;
    return false;
}

const struct snap_lvm_text_node *snap_lvm_text_find(const struct snap_lvm_text_node *section, const char *name)
{
    (void)section;
    (void)name;
    return NULL;
}

const struct snap_lvm_text_value *snap_lvm_text_first(const struct snap_lvm_text_node *node)
{
    (void)node;
    return NULL;
}

const struct snap_lvm_text_value *snap_lvm_text_following(const struct snap_lvm_text_value *value)
{
    (void)value;
    return NULL;
}

const char *snap_lvm_text_string(const struct snap_lvm_text_value *value)
{
    (void)value;
    return NULL;
}

bool snap_lvm_text_number(const struct snap_lvm_text_value *value, uint64_t *number)
{
    (void)value;
    (void)number;
    return false;
}
