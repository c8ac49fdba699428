/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes the model of a group out of its metadata text; everything is checked here, and a fact afterwards. */
#include "lib/lvm/metadata.h"

#include "lib/base/arith.h"
#include "lib/base/array.h"
#include "lib/base/bytes.h"
#include "lib/lvm/metadata_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CONTENTS "Text Format Volume Group"
#define VERSION 1
#define PVS "physical_volumes"
#define LVS "logical_volumes"

typedef const struct snap_lvm_text_node *node_pointer;

static int compare_nodes(const void *one, const void *other)
{
    return strcmp(snap_lvm_text_name(*(const node_pointer *)one), snap_lvm_text_name(*(const node_pointer *)other));
}

/* The sections inside of a section, in the order of their names. `list` may be NULL: there are none. */
static enum snap_status sections_of(const struct snap_metadata_place *place, node_pointer list, node_pointer **sorted,
                                    size_t *count, struct snap_error *err)
{
    size_t used = 0;

    *count = 0;
    for (node_pointer node = list ? snap_lvm_text_inside(list) : NULL; node; node = snap_lvm_text_next(node))
        ++*count;
    *sorted = snap_array_new(*count + 1, sizeof **sorted);
    if (!*sorted)
        return snap_fail(err, SNAP_E_NOMEM, "%s: no memory for its LVM metadata", place->name);
    for (node_pointer node = list ? snap_lvm_text_inside(list) : NULL; node; node = snap_lvm_text_next(node)) {
        if (!snap_lvm_text_is_section(node))
            return snap_metadata_wrong(place, err, "%s is in a list of volumes, and no volume",
                                       snap_lvm_text_name(node));
        (*sorted)[used++] = node;
    }
    qsort(*sorted, used, sizeof **sorted, compare_nodes);
    return SNAP_OK;
}

/* Whether `word` is among the words, each followed by a blank. */
static bool among(const char *words, const char *word)
{
    const size_t length = strlen(word);

    for (const char *at = words; *at; at += strcspn(at, " ") + 1) {
        if (strcspn(at, " ") == length && memcmp(at, word, length) == 0)
            return true;
    }
    return false;
}

static bool is_set(const struct snap_metadata_place *place, const char *flag)
{
    static const char *const fields[] = {"status", "flags"};

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        node_pointer node = snap_lvm_text_find(place->section, fields[i]);
        const struct snap_lvm_text_value *value = node ? snap_lvm_text_first(node) : NULL;

        for (; value; value = snap_lvm_text_following(value)) {
            const char *word = snap_lvm_text_string(value);

            if (word && strcmp(word, flag) == 0)
                return true;
        }
    }
    return false;
}

/* The first status, or value of `flags`, that is not among the known ones; NULL: there is none. */
static const char *strange_flag(const struct snap_metadata_place *place, const char *known)
{
    static const char *const fields[] = {"status", "flags"};

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        node_pointer node = snap_lvm_text_find(place->section, fields[i]);
        const struct snap_lvm_text_value *value = node ? snap_lvm_text_first(node) : NULL;

        for (; value; value = snap_lvm_text_following(value)) {
            const char *word = snap_lvm_text_string(value);

            if (!word || !among(known, word))
                return word ? word : "";
        }
    }
    return NULL;
}

static enum snap_status read_id(const struct snap_metadata_place *place, char id[SNAP_LABEL_ID_BYTES],
                                struct snap_error *err)
{
    const char *text;
    enum snap_status status = snap_metadata_string(place, "id", NULL, &text, err);

    if (status == SNAP_OK && !snap_label_plain_id(text, id))
        return snap_metadata_wrong(place, err, "id is \"%.64s\", which is none", text);
    return status;
}

static enum snap_status read_pv(const struct snap_metadata *metadata, const struct snap_metadata_place *place,
                                struct snap_metadata_pv *pv, struct snap_error *err)
{
    enum snap_status status = read_id(place, pv->id, err);
    uint64_t length_sectors, end_sectors;

    pv->name = snap_lvm_text_name(place->section);
    pv->missing = is_set(place, "MISSING");
    if (status == SNAP_OK)
        status = snap_metadata_string(place, "device", "", &pv->device, err);
    if (status == SNAP_OK && snap_lvm_text_find(place->section, "dev_size"))
        status = snap_metadata_number(place, "dev_size", 0, INT64_MAX / SNAP_SECTOR_BYTES, &pv->device_sectors, err);
    if (status == SNAP_OK)
        status = snap_metadata_number(place, "pe_start", 0, INT64_MAX / SNAP_SECTOR_BYTES, &pv->start_sectors, err);
    if (status == SNAP_OK)
        status = snap_metadata_number(place, "pe_count", 0, UINT32_MAX, &pv->extents, err);
    if (status != SNAP_OK)
        return status;
    if (!snap_mul(pv->extents, metadata->extent_sectors, &length_sectors) ||
        !snap_add(pv->start_sectors, length_sectors, &end_sectors) ||
        end_sectors > (pv->device_sectors ? pv->device_sectors : INT64_MAX / SNAP_SECTOR_BYTES))
        return snap_metadata_wrong(place, err, "%" PRIu64 " extents of %" PRIu64 " sectors from sector %" PRIu64
                                   " on do not fit on a device of %" PRIu64 " sectors", pv->extents,
                                   metadata->extent_sectors, pv->start_sectors, pv->device_sectors);
    return SNAP_OK;
}

static enum snap_status read_pvs(struct snap_metadata *metadata, const struct snap_metadata_place *group,
                                 struct snap_error *err)
{
    node_pointer *sorted = NULL;
    size_t count;
    enum snap_status status = sections_of(group, snap_lvm_text_find(group->section, PVS), &sorted, &count, err);

    if (status == SNAP_OK && !(metadata->pvs = snap_array_new(count + 1, sizeof *metadata->pvs)))
        status = snap_fail(err, SNAP_E_NOMEM, "%s: no memory for its LVM metadata", metadata->name);
    for (size_t i = 0; i < count && status == SNAP_OK; i++) {
        const struct snap_metadata_place place = {group->name, snap_lvm_text_name(sorted[i]), "", sorted[i]};

        status = read_pv(metadata, &place, &metadata->pvs[i], err);
        metadata->pv_count = i + 1;
    }
    free(sorted);
    return status;
}

static enum snap_status read_lv_head(const struct snap_metadata_place *place, struct snap_metadata_lv *lv,
                                     struct snap_error *err)
{
    lv->name = snap_lvm_text_name(place->section);
    lv->visible = is_set(place, "VISIBLE");
    lv->writable = is_set(place, "WRITE") || is_set(place, "WRITE_LOCKED");
    lv->locked = is_set(place, "LOCKED") || is_set(place, "PVMOVE");
    lv->strange_flag = strange_flag(place, "READ WRITE WRITE_LOCKED VISIBLE LOCKED PVMOVE FIXED_MINOR ACTIVATION_SKIP "
                                           "NOAUTOACTIVATE ERROR_WHEN_FULL ");
    return read_id(place, lv->id, err);
}

/* All names first: a snapshot names its volumes before or behind their own sections. */
static enum snap_status read_lvs(struct snap_metadata *metadata, const struct snap_metadata_place *group,
                                 struct snap_error *err)
{
    node_pointer *sorted = NULL;
    size_t count;
    enum snap_status status = sections_of(group, snap_lvm_text_find(group->section, LVS), &sorted, &count, err);

    if (status == SNAP_OK && !(metadata->lvs = snap_array_new(count + 1, sizeof *metadata->lvs)))
        status = snap_fail(err, SNAP_E_NOMEM, "%s: no memory for its LVM metadata", metadata->name);
    for (size_t i = 0; i < count && status == SNAP_OK; i++) {
        const struct snap_metadata_place place = {group->name, snap_lvm_text_name(sorted[i]), "", sorted[i]};

        status = read_lv_head(&place, &metadata->lvs[i], err);
        metadata->lv_count = i + 1;
    }
    for (size_t i = 0; i < count && status == SNAP_OK; i++) {
        const struct snap_metadata_place place = {group->name, metadata->lvs[i].name, "", sorted[i]};

        status = snap_metadata_segments(metadata, &metadata->lvs[i], &place, err);
    }
    free(sorted);
    return status;
}

static enum snap_status read_group(struct snap_metadata *metadata, const struct snap_metadata_place *place,
                                   struct snap_error *err)
{
    enum snap_status status = read_id(place, metadata->id, err);

    metadata->name = snap_lvm_text_name(place->section);
    metadata->exported = is_set(place, "EXPORTED");
    metadata->clustered = is_set(place, "CLUSTERED") || is_set(place, "SHARED");
    metadata->partial = is_set(place, "PARTIAL");
    metadata->strange_flag = strange_flag(place, "RESIZEABLE READ WRITE WRITE_LOCKED EXPORTED CLUSTERED SHARED PARTIAL "
                                                 "PVMOVE NOAUTOACTIVATE ");
    if (status == SNAP_OK)
        status = snap_metadata_number(place, "seqno", 0, UINT32_MAX, &metadata->seqno, err);
    if (status == SNAP_OK)
        status = snap_metadata_number(place, "extent_size", 1, UINT32_MAX, &metadata->extent_sectors, err);
    if (status == SNAP_OK)
        status = snap_metadata_string(place, "system_id", "", &metadata->system_id, err);
    if (status == SNAP_OK)
        status = snap_metadata_string(place, "lock_type", "", &metadata->lock_type, err);
    if (status == SNAP_OK)
        status = read_pvs(metadata, place, err);
    if (status == SNAP_OK)
        status = read_lvs(metadata, place, err);
    return status == SNAP_OK ? snap_metadata_make_index(metadata, place, err) : status;
}

/* Outside of all sections is one section, the group, and what kind of text this is. */
static enum snap_status find_group(const struct snap_metadata *metadata, struct snap_metadata_place *place,
                                   struct snap_error *err)
{
    bool contents = false, version = false;
    uint64_t number;

    for (node_pointer node = snap_lvm_text_root(metadata->tree); node; node = snap_lvm_text_next(node)) {
        const struct snap_lvm_text_value *value = snap_lvm_text_first(node);
        const char *name = snap_lvm_text_name(node);
        const char *string = value ? snap_lvm_text_string(value) : NULL;

        if (snap_lvm_text_is_section(node)) {
            if (place->section)
                return snap_metadata_wrong(place, err, "there are two groups, \"%.128s\" and \"%.128s\"",
                                           snap_lvm_text_name(place->section), name);
            place->section = node;
        } else if (strcmp(name, "contents") == 0) {
            contents = string && strcmp(string, CONTENTS) == 0;
        } else if (strcmp(name, "version") == 0) {
            version = value && snap_lvm_text_number(value, &number) && number == VERSION;
        }
    }
    if (!place->section)
        return snap_metadata_wrong(place, err, "there is no group in them");
    if (!contents || !version)
        return snap_metadata_wrong(place, err, "they do not say that they are \"%s\", version %d", CONTENTS, VERSION);
    return SNAP_OK;
}

enum snap_status snap_metadata_read(const char *name, const char *text, uint64_t length_bytes,
                                    struct snap_metadata **metadata, struct snap_error *err)
{
    struct snap_metadata *made = calloc(1, sizeof *made);
    struct snap_metadata_place place = {name, "", "", NULL};
    enum snap_status status;

    if (!made)
        return snap_fail(err, SNAP_E_NOMEM, "%s: no memory for its LVM metadata", name);
    status = snap_lvm_text_parse(name, text, length_bytes, &made->tree, err);
    if (status == SNAP_OK)
        status = find_group(made, &place, err);
    if (status == SNAP_OK)
        status = read_group(made, &place, err);
    if (status == SNAP_OK)
        *metadata = made;
    else
        snap_metadata_free(made);
    return status;
}
