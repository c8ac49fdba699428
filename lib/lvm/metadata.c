/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds things in a group that has been read; volumes are in the order of their names. */
#include "lib/lvm/metadata.h"

#include "lib/lvm/metadata_private.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void snap_metadata_free(struct snap_metadata *metadata)
{
    if (!metadata)
        return;
    for (size_t i = 0; i < metadata->lv_count; i++) {
        for (size_t j = 0; j < metadata->lvs[i].segment_count; j++) {
            free(metadata->lvs[i].segments[j].stripes);
            free(metadata->lvs[i].segments[j].legs);
        }
        free(metadata->lvs[i].segments);
    }
    snap_metadata_index_free(metadata->index);
    free(metadata->lvs);
    free(metadata->pvs);
    snap_lvm_text_free(metadata->tree);
    free(metadata);
}

bool snap_metadata_is_shared(const struct snap_metadata *metadata)
{
    return metadata->clustered || (metadata->lock_type[0] && strcmp(metadata->lock_type, "none") != 0);
}

size_t snap_metadata_find(const struct snap_metadata *metadata, const char *lv_name)
{
    size_t below = 0, end = metadata->lv_count;

    while (below < end) {
        const size_t middle = below + (end - below) / 2;
        const int order = strcmp(metadata->lvs[middle].name, lv_name);

        if (order == 0)
            return middle;
        if (order < 0)
            below = middle + 1;
        else
            end = middle;
    }
    return metadata->lv_count;
}

size_t snap_metadata_pv_named(const struct snap_metadata *metadata, const char *name)
{
    size_t below = 0, end = metadata->pv_count;

    while (below < end) {
        const size_t middle = below + (end - below) / 2;
        const int order = strcmp(metadata->pvs[middle].name, name);

        if (order == 0)
            return middle;
        if (order < 0)
            below = middle + 1;
        else
            end = middle;
    }
    return metadata->pv_count;
}

enum snap_status snap_metadata_wrong(const struct snap_metadata_place *place, struct snap_error *err,
                                     const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return snap_fail(err, SNAP_E_CORRUPT, "%s: LVM metadata%s%s%s%s: %s", place->name, place->outer[0] ? ", " : "",
                     place->outer, place->inner[0] ? ", " : "", place->inner, text);
}

/* The only value of a field; NULL where there is none, or there are several. */
static const struct snap_lvm_text_value *only_value(const struct snap_metadata_place *place, const char *field)
{
    const struct snap_lvm_text_node *node = snap_lvm_text_find(place->section, field);
    const struct snap_lvm_text_value *value = node ? snap_lvm_text_first(node) : NULL;

    return value && !snap_lvm_text_following(value) ? value : NULL;
}

enum snap_status snap_metadata_number(const struct snap_metadata_place *place, const char *field, uint64_t least,
                                      uint64_t most, uint64_t *number, struct snap_error *err)
{
    const struct snap_lvm_text_value *value = only_value(place, field);

    if (!value || !snap_lvm_text_number(value, number))
        return snap_metadata_wrong(place, err, "%s is missing, or no number", field);
    if (*number < least || *number > most)
        return snap_metadata_wrong(place, err, "%s is %" PRIu64 ", expected from %" PRIu64 " to %" PRIu64, field,
                                   *number, least, most);
    return SNAP_OK;
}

enum snap_status snap_metadata_string(const struct snap_metadata_place *place, const char *field, const char *missing,
                                      const char **string, struct snap_error *err)
{
    const struct snap_lvm_text_value *value = only_value(place, field);

    *string = value ? snap_lvm_text_string(value) : NULL;
    if (!*string && missing && !snap_lvm_text_find(place->section, field))
        *string = missing;
    return *string ? SNAP_OK : snap_metadata_wrong(place, err, "%s is missing, or no string", field);
}
