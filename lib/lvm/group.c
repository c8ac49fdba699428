/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Collects metadata from devices, lets the newest of each group win, and finds the devices of its physical volumes. */
#include "lib/lvm/group.h"

#include "lib/lvm/area.h"
#include "lib/lvm/group_claims_private.h"
#include "lib/lvm/label.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A text that differs from all before it, with its model. */
struct copy {
    size_t device;
    struct snap_area area;
    struct snap_metadata *metadata; /* NULL where a group has taken it */
    uint64_t seqno;
    char id[SNAP_LABEL_ID_BYTES];
};

struct reading {
    struct snap_io *const *devices;
    size_t count;
    struct snap_label *labels;      /* the id is empty where there is no sound label */
    struct snap_group_claims *claims; /* of each device */
    struct copy *copies;
    size_t copy_count;
    struct snap_groups *groups;
};

/* An array with room for one more; growing by ones is fine for what is a few for each device. */
static bool reserve_one(void *array, size_t count, size_t item_bytes)
{
    void **place = array;
    void *grown = count >= SIZE_MAX / item_bytes - 1 ? NULL : realloc(*place, (count + 1) * item_bytes);

    if (grown)
        *place = grown;
    return grown;
}

static enum snap_status no_memory(struct snap_error *err)
{
    return snap_fail(err, SNAP_E_NOMEM, "no memory to read LVM metadata");
}

static enum snap_status note(struct snap_groups *groups, struct snap_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static enum snap_status note(struct snap_groups *groups, struct snap_error *err, const char *format, ...)
{
    char text[SNAP_ERROR_TEXT_BYTES];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (!reserve_one(&groups->notes, groups->note_count, sizeof *groups->notes))
        return no_memory(err);
    groups->notes[groups->note_count] = strdup(text);
    return groups->notes[groups->note_count++] ? SNAP_OK : no_memory(err);
}

/* A failure of one device becomes a note; a failure of this process stays one. */
static enum snap_status pass_over(struct snap_groups *groups, enum snap_status status, const struct snap_error *reason,
                                  struct snap_error *err)
{
    if (status == SNAP_OK)
        return SNAP_OK;
    if (status == SNAP_E_NOMEM || status == SNAP_E_UNSUPPORTED)
        return snap_fail(err, status, "%s", reason->text);
    return note(groups, err, "%s", reason->text);
}

/* The copy with the same text; NULL: there is none. */
static const struct copy *known(const struct reading *reading, const struct snap_area *area)
{
    for (size_t i = 0; i < reading->copy_count; i++) {
        if (reading->copies[i].area.length_bytes == area->length_bytes &&
            memcmp(reading->copies[i].area.text, area->text, (size_t)area->length_bytes) == 0)
            return &reading->copies[i];
    }
    return NULL;
}

static void take_id(struct reading *reading, size_t device, const char *id)
{
    struct snap_group_claims *claims = &reading->claims[device];

    memcpy(claims->own_ids[claims->own_count++], id, SNAP_LABEL_ID_BYTES);
}

/* The area is taken over. */
static enum snap_status add_copy(struct reading *reading, size_t device, struct snap_area *area,
                                 struct snap_error *err)
{
    const struct copy *same = known(reading, area);
    struct snap_metadata *metadata = NULL;
    struct snap_error reason;
    enum snap_status status;

    if (same) {
        take_id(reading, device, same->id);
        snap_area_free(area);
        return SNAP_OK;
    }
    status = snap_metadata_read(reading->devices[device]->name, area->text, area->length_bytes, &metadata, &reason);
    if (status == SNAP_OK && !reserve_one(&reading->copies, reading->copy_count, sizeof *reading->copies)) {
        snap_metadata_free(metadata);
        status = no_memory(&reason);
    }
    if (status != SNAP_OK) {
        snap_area_free(area);
        reading->claims[device].unread = true;
        return pass_over(reading->groups, status, &reason, err);
    }
    reading->copies[reading->copy_count] = (struct copy){
        .device = device, .area = *area, .metadata = metadata, .seqno = metadata->seqno};
    memcpy(reading->copies[reading->copy_count++].id, metadata->id, SNAP_LABEL_ID_BYTES);
    take_id(reading, device, metadata->id);
    return SNAP_OK;
}

static enum snap_status read_device(struct reading *reading, size_t device, struct snap_error *err)
{
    struct snap_label *label = &reading->labels[device];
    struct snap_error reason;
    enum snap_status status = snap_label_read(reading->devices[device], label, &reason);

    if (status != SNAP_OK) {
        *label = (struct snap_label){.id = ""};
        return pass_over(reading->groups, status, &reason, err);
    }
    for (unsigned i = 0; i < label->metadata.count && status == SNAP_OK; i++) {
        struct snap_area area;

        status = snap_area_read(reading->devices[device], &label->metadata.range[i], &area, &reason);
        if (status != SNAP_OK) {
            snap_area_free(&area);
            reading->claims[device].unread = true;
            status = pass_over(reading->groups, status, &reason, err);
        } else if (area.text) {
            status = add_copy(reading, device, &area, err);
        } else if (!area.ignored) {
            reading->claims[device].empty = true;
        }
    }
    return status;
}

/* Behind the group each text has when and by which command it was written, which may differ. */
static uint64_t group_bytes(const struct snap_area *area)
{
    const char *behind = strstr(area->text, "\n}\n# Generated by ");

    return behind ? (uint64_t)(behind - area->text) : area->length_bytes;
}

static bool same_group(const struct snap_area *one, const struct snap_area *other)
{
    return group_bytes(one) == group_bytes(other) && memcmp(one->text, other->text, (size_t)group_bytes(one)) == 0;
}

/* Each copy that no group has taken, and that is the newest of its group, makes a group. */
static enum snap_status make_group(struct reading *reading, struct copy *newest, struct snap_error *err)
{
    struct snap_groups *groups = reading->groups;
    struct snap_group *group;
    enum snap_status status = SNAP_OK;

    if (!reserve_one(&groups->groups, groups->count, sizeof *groups->groups))
        return no_memory(err);
    group = &groups->groups[groups->count++];
    *group = (struct snap_group){.metadata = newest->metadata, .device = newest->device};
    newest->metadata = NULL;
    for (size_t i = 0; i < reading->copy_count && status == SNAP_OK; i++) {
        const struct copy *copy = &reading->copies[i];
        const char *name = reading->devices[copy->device]->name, *from = reading->devices[newest->device]->name;

        if (copy == newest || strcmp(copy->id, newest->id) != 0 || same_group(&copy->area, &newest->area))
            continue;
        if (copy->seqno < newest->seqno) {
            status = note(groups, err,
                          "%s: its LVM metadata of \"%s\" have sequence number %" PRIu64 ", those of %s have %" PRIu64
                          ": the newer ones count", name, group->metadata->name, copy->seqno, from, newest->seqno);
        } else {
            group->contradicted = true;
            status = note(groups, err,
                          "%s: its LVM metadata of \"%s\" have the same sequence number %" PRIu64
                          " as those of %s, and say something else", name, group->metadata->name, copy->seqno, from);
        }
    }
    return status;
}

static enum snap_status make_groups(struct reading *reading, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    for (size_t i = 0; i < reading->copy_count && status == SNAP_OK; i++) {
        struct copy *copy = &reading->copies[i];
        bool newest = true;

        /* Of equal numbers the first counts. */
        for (size_t j = 0; j < reading->copy_count; j++) {
            const struct copy *other = &reading->copies[j];

            if (strcmp(other->id, copy->id) != 0)
                continue;
            if (other->seqno > copy->seqno || (other->seqno == copy->seqno && j < i))
                newest = false;
        }
        if (newest)
            status = make_group(reading, copy, err);
    }
    return status;
}

/* Finds the devices of the group's physical volumes. */
static enum snap_status find_devices(const struct reading *reading, size_t index, struct snap_error *err)
{
    struct snap_group *group = &reading->groups->groups[index];
    const struct snap_metadata *metadata = group->metadata;

    group->pvs = calloc(metadata->pv_count + 1, sizeof *group->pvs);
    if (!group->pvs)
        return no_memory(err);
    for (size_t i = 0; i < metadata->pv_count; i++) {
        group->pvs[i] = (struct snap_group_pv){.device = SNAP_GROUP_NONE, .duplicate = SNAP_GROUP_NONE};
        for (size_t device = 0; device < reading->count; device++) {
            if (strcmp(reading->labels[device].id, metadata->pvs[i].id) != 0)
                continue;
            snap_group_claims_add(&reading->claims[device], index);
            if (group->pvs[i].device == SNAP_GROUP_NONE)
                group->pvs[i].device = device;
            else
                group->pvs[i].duplicate = device;
        }
    }
    return SNAP_OK;
}

/* Says which physical volumes are claimed by another group, once for each; what cannot be read was said before. */
static enum snap_status settle_claims(const struct reading *reading, size_t index, struct snap_error *err)
{
    const struct snap_group *group = &reading->groups->groups[index];
    enum snap_status status = SNAP_OK;

    for (size_t i = 0; i < group->metadata->pv_count && status == SNAP_OK; i++) {
        const struct snap_group_pv *pv = &group->pvs[i];
        struct snap_error reason;

        if (pv->device == SNAP_GROUP_NONE)
            continue;
        snap_group_claims_settle(reading->groups, index, i, &reading->claims[pv->device]);
        if ((pv->rival && pv->own != SNAP_GROUP_OWN_OTHER && (pv->own == SNAP_GROUP_OWN_SAME || pv->rival < group)) ||
            (!pv->rival && pv->own != SNAP_GROUP_OWN_EMPTY))
            continue;
        if (snap_group_claims_refuse(group, i, reading->devices[pv->device]->name, true, reading->devices, &reason) !=
            SNAP_OK)
            status = note(reading->groups, err, "%s", reason.text);
    }
    return status;
}

static enum snap_status match_devices(struct reading *reading, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    for (size_t i = 0; i < reading->groups->count && status == SNAP_OK; i++)
        status = find_devices(reading, i, err);
    for (size_t i = 0; i < reading->groups->count && status == SNAP_OK; i++)
        status = settle_claims(reading, i, err);
    for (size_t device = 0; device < reading->count && status == SNAP_OK; device++) {
        if (reading->labels[device].id[0] && reading->claims[device].group_count == 0)
            status = note(reading->groups, err, "%s: its physical volume id %s is in no group that was found",
                          reading->devices[device]->name, snap_label_id_text(reading->labels[device].id).text);
    }
    return status;
}

static void end_reading(struct reading *reading)
{
    for (size_t i = 0; i < reading->copy_count; i++) {
        snap_area_free(&reading->copies[i].area);
        snap_metadata_free(reading->copies[i].metadata);
    }
    free(reading->copies);
    free(reading->labels);
    free(reading->claims);
}

enum snap_status snap_group_read_all(struct snap_io *const *devices, size_t count, struct snap_groups **groups,
                                     struct snap_error *err)
{
    struct reading reading = {
        .devices = devices,
        .count = count,
        .labels = calloc(count + 1, sizeof(struct snap_label)),
        .claims = calloc(count + 1, sizeof(struct snap_group_claims)),
        .groups = calloc(1, sizeof(struct snap_groups)),
    };
    enum snap_status status = reading.labels && reading.claims && reading.groups ? SNAP_OK : no_memory(err);

    for (size_t device = 0; device < count && status == SNAP_OK; device++)
        status = read_device(&reading, device, err);
    if (status == SNAP_OK)
        status = make_groups(&reading, err);
    if (status == SNAP_OK)
        status = match_devices(&reading, err);
    end_reading(&reading);
    if (status == SNAP_OK)
        *groups = reading.groups;
    else
        snap_group_free_all(reading.groups);
    return status;
}

void snap_group_free_all(struct snap_groups *groups)
{
    if (!groups)
        return;
    for (size_t i = 0; i < groups->count; i++) {
        snap_metadata_free(groups->groups[i].metadata);
        free(groups->groups[i].pvs);
    }
    for (size_t i = 0; i < groups->note_count; i++)
        free(groups->notes[i]);
    free(groups->groups);
    free(groups->notes);
    free(groups);
}

enum snap_status snap_group_find(const struct snap_groups *groups, const char *name, size_t *index,
                                 struct snap_error *err)
{
    size_t found = groups->count;

    for (size_t i = 0; i < groups->count; i++) {
        if (strcmp(groups->groups[i].metadata->name, name) != 0)
            continue;
        if (found < groups->count)
            return snap_fail(err, SNAP_E_REFUSED,
                             "%s: there are two LVM groups of this name, with the ids %s and %s; name only the "
                             "devices of one of them", name,
                             snap_label_id_text(groups->groups[found].metadata->id).text,
                             snap_label_id_text(groups->groups[i].metadata->id).text);
        found = i;
    }
    if (found == groups->count)
        return snap_fail(err, SNAP_E_NOENT, "%s: there is no LVM group of this name on these devices", name);
    *index = found;
    return SNAP_OK;
}
