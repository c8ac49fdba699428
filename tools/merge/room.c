/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Adds up what a merge takes of each file system, and holds it against what is free. */
#include "tools/merge/room.h"

#include "lib/base/arith.h"
#include "lib/io/extents.h"
#include "lib/lvm/volume_io.h"
#include "lib/merge/room.h"
#include "tools/cli/size.h"
#include "tools/shared/accept.h"
#include "tools/shared/room.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PLACES_MAX (16u + MERGE_SIBLINGS_MAX) /* of more file systems below physical volumes, the rest is not judged */

/* One file system. */
struct place {
    const char *path;      /* of something on it */
    uint64_t device;       /* its st_dev */
    uint64_t needed_bytes;
    uint64_t free_bytes;
    char items[512];       /* what needs it, in words */
};

struct places {
    struct place at[PLACES_MAX];
    unsigned count;
};

/* Where an open image or folder lies; NULL where it takes no room, or its file system does not tell what it has. */
static struct place *place_of(struct places *places, int fd, const char *path)
{
    struct place *place = &places->at[places->count];
    uint64_t free_bytes;
    struct stat seen;

    if (fstat(fd, &seen) != 0 || S_ISBLK(seen.st_mode))
        return NULL;
    for (unsigned i = 0; i < places->count; i++)
        if (places->at[i].device == seen.st_dev)
            return &places->at[i];
    if (places->count == PLACES_MAX || !room_free_bytes(fd, &free_bytes))
        return NULL;
    *place = (struct place){.path = path, .device = seen.st_dev, .free_bytes = free_bytes};
    places->count++;
    return place;
}

static void add(struct place *place, uint64_t bytes, const char *what, const char *path)
{
    const size_t used = strlen(place->items);

    if (bytes == 0)
        return;
    if (!snap_add(place->needed_bytes, bytes, &place->needed_bytes))
        place->needed_bytes = UINT64_MAX;
    (void)snprintf(place->items + used, sizeof place->items - used, "%s%" PRIu64 " bytes for %s %s", used ? ", " : "",
                   bytes, what, path);
}

/* How many bytes of these of a store have no blocks in one of the images that it is on. */
static enum snap_status count_on(const struct snap_io *image, const struct snap_volume *volume, size_t pv,
                                 uint64_t from_bytes, uint64_t to_bytes, uint64_t *missing_bytes,
                                 struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    *missing_bytes = 0;
    if (!volume)
        return snap_extents_missing(image, from_bytes, to_bytes, cli_stop_asked, NULL, missing_bytes, err);
    for (to_bytes = snap_min(to_bytes, volume->size_bytes); from_bytes < to_bytes && status == SNAP_OK;) {
        const struct snap_volume_place place = snap_volume_place_of(volume, from_bytes);
        const uint64_t length_bytes = snap_min(place.length_bytes, to_bytes - from_bytes);
        uint64_t here_bytes = 0;

        if (place.pv == pv)
            status = snap_extents_missing(image, place.offset_bytes, place.offset_bytes + length_bytes, cli_stop_asked,
                                          NULL, &here_bytes, err);
        *missing_bytes += here_bytes;
        from_bytes += length_bytes;
    }
    return status;
}

static enum snap_status add_range(const struct snap_io *image, const struct snap_volume *volume, size_t pv,
                                  uint64_t from_bytes, uint64_t to_bytes, struct places *places,
                                  struct snap_error *err)
{
    struct place *place = place_of(places, snap_file_fd(image), image->name);
    uint64_t missing_bytes;
    enum snap_status status;

    if (!place)
        return SNAP_OK;
    status = count_on(image, volume, pv, from_bytes, to_bytes, &missing_bytes, err);
    if (status == SNAP_OK)
        add(place, missing_bytes, "what is copied to", image->name);
    return status;
}

/* The holes behind the list of a store, or below one that is to be made, as far as this merge writes to them. */
static enum snap_status add_sibling(const struct merge_sibling *sibling, struct places *places, struct snap_error *err)
{
    const struct snap_layout *layout = &sibling->store.layout;
    const uint64_t from_chunk = sibling->handle ? sibling->check.highest_new_chunk + 1 : 0;
    const uint64_t areas = sibling->need.needed_chunks / layout->entries_per_area + (sibling->handle ? 0 : 2);
    const uint64_t from_bytes = from_chunk * layout->chunk_bytes;
    const uint64_t to_bytes = from_bytes + (sibling->need.needed_chunks + areas) * layout->chunk_bytes;
    const struct snap_io *io = sibling->device.io;
    const struct snap_volume *volume;
    enum snap_status status = SNAP_OK;

    if (sibling->need.needed_chunks == 0)
        return SNAP_OK;
    if (sibling->device.part_count == 0)
        return add_range(io, NULL, 0, from_bytes, to_bytes, places, err);
    volume = snap_volume_io_places(io);
    for (size_t i = 0; i < volume->pv_count && status == SNAP_OK; i++)
        status = add_range(snap_volume_io_member(io, volume->pvs[i]), volume, volume->pvs[i], from_bytes, to_bytes,
                           places, err);
    return status;
}

/* A new undo store, and the stores that are there and keep their view. */
static enum snap_status add_stores(struct merge_session *session, struct places *places, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    if (session->undo.new_image_bytes > 0) {
        struct place *place = place_of(places, session->undo.folder->fd, session->arguments.undo);

        if (place)
            add(place, session->undo.new_image_bytes, "the new undo store", session->arguments.undo);
    }
    for (unsigned i = 0; i < session->preserve.count && status == SNAP_OK; i++) {
        const struct merge_sibling *sibling = &session->preserve.siblings[i];

        if ((sibling->handle || (sibling->device.io && sibling->is_undo)) && !sibling->invalidate)
            status = add_sibling(sibling, places, err);
    }
    return status;
}

/* A file system that compresses, or has a quota, may have more or less room than it says. */
static enum snap_status judge_room(struct merge_session *session, const struct place *place, struct snap_error *err)
{
    if (place->needed_bytes <= place->free_bytes)
        return SNAP_OK;
    if (!accept_has(session->arguments.accept, ACCEPT_SPACE))
        return snap_fail(err, SNAP_E_NOSPC, "%s: this merge needs %" PRIu64 " bytes of its file system (%s), and only "
                         "%" PRIu64 " are free; make room for %" PRIu64 " bytes more there, or, if you know that it "
                         "takes less, add --accept=space", place->path, place->needed_bytes, place->items,
                         place->free_bytes, place->needed_bytes - place->free_bytes);
    cli_warn(session->cli, "%s: this merge needs %" PRIu64 " bytes of its file system (%s), and only %" PRIu64
             " are free; if it runs out of room, the origin cannot be used until there is more and the merge is "
             "complete", place->path, place->needed_bytes, place->items, place->free_bytes);
    return SNAP_OK;
}

/*
 * The holes of the origin, or of one of the images that it is on. What is equal is not written with --skip-identical:
 * zeros for a hole among it. Then nobody knows before.
 */
static enum snap_status add_holes(struct merge_session *session, const struct snap_io *image,
                                  const struct snap_volume *volume, size_t pv, bool exact, struct places *places,
                                  struct snap_error *err)
{
    struct place *place = place_of(places, snap_file_fd(image), image->name);
    struct snap_room room = {
        .store = &session->store,
        .origin = image,
        .volume = volume,
        .pv = pv,
        .entries = session->job.entries,
        .repeated = session->check.repeated_entries > 0,
        .memory_bytes = session->options.memory_bytes,
        .enough_bytes = exact ? 0 : UINT64_MAX,
        .stop = cli_stop_asked,
    };
    uint64_t needed_bytes = 0;
    enum snap_status status;

    if (!place)
        return SNAP_OK;
    status = snap_room_needed(&room, &needed_bytes, err);
    if (status == SNAP_OK && exact && session->arguments.skip_identical &&
        needed_bytes > place->free_bytes - snap_min(place->needed_bytes, place->free_bytes)) {
        cli_warn(session->cli, "%s: up to %" PRIu64 " bytes of holes will be filled, but its file system has only "
                 "%" PRIu64 " free; it fits only if enough of the content is zeros", image->name, needed_bytes,
                 place->free_bytes);
        return SNAP_OK;
    }
    if (status == SNAP_OK)
        add(place, needed_bytes, "the holes of", image->name);
    return status;
}

static enum snap_status add_origin(struct merge_session *session, bool exact, struct places *places,
                                   struct snap_error *err)
{
    const struct snap_io *io = session->origin.io;
    const struct snap_volume *volume;
    enum snap_status status = SNAP_OK;

    if (session->origin.part_count == 0)
        return add_holes(session, io, NULL, 0, exact, places, err);
    volume = snap_volume_io_places(io);
    for (size_t i = 0; i < volume->pv_count && status == SNAP_OK; i++)
        status = add_holes(session, snap_volume_io_member(io, volume->pvs[i]), volume, volume->pvs[i], exact, places,
                           err);
    return status;
}

static bool all_fit(const struct places *places)
{
    for (unsigned i = 0; i < places->count; i++)
        if (places->at[i].needed_bytes > places->at[i].free_bytes)
            return false;
    return true;
}

/*
 * To lay each entry of a list over the holes takes a call for most of them. Where there is room for the holes as a
 * whole, that is not needed.
 */
enum snap_status merge_room_check(struct merge_session *session, struct snap_error *err)
{
    struct places stores = {.count = 0}, places;
    enum snap_status status = SNAP_OK;

    if (session->job.entries == 0)
        return SNAP_OK;
    status = add_stores(session, &stores, err);
    places = stores;
    if (status == SNAP_OK)
        status = add_origin(session, false, &places, err);
    if (status != SNAP_OK || all_fit(&places))
        return status;
    places = stores;
    status = add_origin(session, true, &places, err);
    for (unsigned i = 0; i < places.count && status == SNAP_OK; i++)
        status = judge_room(session, &places.at[i], err);
    return status;
}
