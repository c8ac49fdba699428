/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks through the segments of all volumes for the name of one: which other volume stands on it. */
#include "lib/lvm/metadata_private.h"

#include <string.h>

/* A volume may have the name of a physical volume in the text; that is what "stripes" means then. */
static bool names_it(const struct snap_metadata *metadata, const struct snap_lvm_text_node *field, const char *name,
                     bool is_striped)
{
    if (strcmp(snap_lvm_text_name(field), "type") == 0 || snap_lvm_text_is_section(field) ||
        (is_striped && snap_metadata_pv_named(metadata, name) < metadata->pv_count))
        return false;
    for (const struct snap_lvm_text_value *value = snap_lvm_text_first(field); value;
         value = snap_lvm_text_following(value)) {
        const char *string = snap_lvm_text_string(value);

        if (string && strcmp(string, name) == 0)
            return true;
    }
    return false;
}

/* The type of a segment inside of the section `volume` that names it; NULL where none does. */
static const char *type_that_names(const struct snap_metadata *metadata, const struct snap_lvm_text_node *volume,
                                   const char *name)
{
    for (const struct snap_lvm_text_node *segment = snap_lvm_text_inside(volume); segment;
         segment = snap_lvm_text_next(segment)) {
        const struct snap_lvm_text_node *type =
            snap_lvm_text_is_section(segment) ? snap_lvm_text_find(segment, "type") : NULL;
        const struct snap_lvm_text_value *value = type ? snap_lvm_text_first(type) : NULL;
        const char *word = value ? snap_lvm_text_string(value) : NULL;

        if (!word || strcmp(word, "snapshot") == 0)
            continue;
        for (const struct snap_lvm_text_node *field = snap_lvm_text_inside(segment); field;
             field = snap_lvm_text_next(field))
            if (names_it(metadata, field, name, strcmp(word, "striped") == 0))
                return word;
    }
    return NULL;
}

/* The section of the group's volumes. */
static const struct snap_lvm_text_node *volumes_of(const struct snap_metadata *metadata)
{
    for (const struct snap_lvm_text_node *node = snap_lvm_text_root(metadata->tree); node;
         node = snap_lvm_text_next(node))
        if (snap_lvm_text_is_section(node) && strcmp(snap_lvm_text_name(node), metadata->name) == 0)
            return snap_lvm_text_find(node, "logical_volumes");
    return NULL;
}

const struct snap_metadata_lv *snap_metadata_user_of(const struct snap_metadata *metadata, size_t lv, const char **type)
{
    const struct snap_lvm_text_node *volumes = volumes_of(metadata);

    for (const struct snap_lvm_text_node *volume = volumes ? snap_lvm_text_inside(volumes) : NULL; volume;
         volume = snap_lvm_text_next(volume)) {
        size_t user;

        *type = type_that_names(metadata, volume, metadata->lvs[lv].name);
        user = *type ? snap_metadata_find(metadata, snap_lvm_text_name(volume)) : metadata->lv_count;
        if (user < metadata->lv_count)
            return &metadata->lvs[user];
    }
    return NULL;
}
