/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LVM's metadata text as a tree of sections and values. The only user of libdevmapper's config parser. */
#ifndef DMSNAP_LVM_LVM_TEXT
#define DMSNAP_LVM_LVM_TEXT

#include "lib/base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* LVM's own texts have four levels of sections. */
#define SNAP_LVM_TEXT_DEPTH_MAX 8u
/* Names, values and signs: a group of 20,000 volumes has less. Bounds the memory that the parser takes. */
#define SNAP_LVM_TEXT_WORDS_MAX 4000000u

struct snap_lvm_text;                 /* the tree; all below belongs to it */
struct snap_lvm_text_node;            /* a section, or a name with its values */
struct snap_lvm_text_value;

/*
 * Parses `length_bytes` of text with a NUL behind it; the text may be freed afterwards. Only the form that LVM writes
 * is taken: no other parser could read it in another way. SNAP_E_CORRUPT: it is none, too deep, too large, or names
 * something twice in one section; the message says where, and begins with `name`. SNAP_E_UNSUPPORTED: this build lacks
 * libdevmapper. SNAP_E_NOMEM.
 */
enum snap_status snap_lvm_text_parse(const char *name, const char *text, uint64_t length_bytes,
                                     struct snap_lvm_text **tree, struct snap_error *err);
void snap_lvm_text_free(struct snap_lvm_text *tree); /* NULL is allowed */

/* The first of the nodes outside of all sections; NULL where there are none. */
const struct snap_lvm_text_node *snap_lvm_text_root(const struct snap_lvm_text *tree);

/* The node that follows in the same section, and the first one inside of a section; NULL where there is none. */
const struct snap_lvm_text_node *snap_lvm_text_next(const struct snap_lvm_text_node *node);
const struct snap_lvm_text_node *snap_lvm_text_inside(const struct snap_lvm_text_node *section);

const char *snap_lvm_text_name(const struct snap_lvm_text_node *node);
bool snap_lvm_text_is_section(const struct snap_lvm_text_node *node);

/* The node of this name inside of a section; NULL where there is none. */
const struct snap_lvm_text_node *snap_lvm_text_find(const struct snap_lvm_text_node *section, const char *name);

/* The first value of a node, and those that follow it; NULL for sections, empty lists, and behind the last. */
const struct snap_lvm_text_value *snap_lvm_text_first(const struct snap_lvm_text_node *node);
const struct snap_lvm_text_value *snap_lvm_text_following(const struct snap_lvm_text_value *value);

/* NULL where the value is no string. */
const char *snap_lvm_text_string(const struct snap_lvm_text_value *value);

/* False where the value is no whole number, or a negative one. */
bool snap_lvm_text_number(const struct snap_lvm_text_value *value, uint64_t *number);

#endif
