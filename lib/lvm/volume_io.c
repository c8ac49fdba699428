/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cuts requests on a volume into pieces of its devices, puts neighbours together, and says what came of each. */
#include "lib/lvm/volume_io.h"

#include "lib/base/arith.h"
#include "lib/base/array.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* What is handed to the devices at once; bounds the memory of a long vector. One request has at most IOV_MAX. */
#define PIECES 16384u
#define IOVS (64u * IOV_MAX)

/* A share of a request without a border in it. */
struct piece {
    size_t parent;         /* index of the request */
    size_t member;
    uint64_t offset_bytes; /* on the member */
    uint64_t length_bytes;
    unsigned iov_index;    /* where its memory begins in the request's */
    size_t iov_skip_bytes;
};

/* Of a request on a member, which is one or more pieces that are neighbours there. */
struct part {
    size_t parent;
    size_t member;
};

/* The failed request that comes first in the vector, and the first of its parts by device and place. */
struct failure {
    size_t parent;
    int sys_errno;         /* 0: none */
    const struct snap_io *member;
    uint64_t offset_bytes;
};

struct volume_io {
    struct snap_io io;
    struct snap_volume *volume;
    struct snap_io **members;
    size_t member_count;
    struct piece *pieces;
    size_t piece_count;
    size_t iov_count;      /* that the pieces will take */
    struct part *parts;
    struct snap_io_request *handed; /* the requests of the parts, those of one member together */
    struct snap_io_share *shares;   /* of the members that have parts */
    struct snap_error *reasons;     /* of the shares */
    struct snap_error changed;      /* a member is smaller now, or gone; SNAP_OK: none */
    struct snap_error flush_failed; /* SNAP_OK: none has failed so far */
    struct iovec *iovs;
};

static int compare_pieces(const void *one, const void *other)
{
    const struct piece *left = one, *right = other;

    if (left->member != right->member)
        return left->member < right->member ? -1 : 1;
    if (left->parent != right->parent)
        return left->parent < right->parent ? -1 : 1;
    return (left->offset_bytes > right->offset_bytes) - (left->offset_bytes < right->offset_bytes);
}

/* Adds the memory of a piece behind `count` vectors; returns how many there are then. */
static unsigned add_iovs(struct iovec *iovs, unsigned count, const struct piece *piece,
                         const struct snap_io_request *parent)
{
    uint64_t left_bytes = piece->length_bytes;
    size_t skip_bytes = piece->iov_skip_bytes;

    for (unsigned i = piece->iov_index; left_bytes > 0; i++, skip_bytes = 0) {
        char *memory = (char *)parent->iov[i].iov_base + skip_bytes;
        const size_t length = (size_t)snap_min(parent->iov[i].iov_len - skip_bytes, left_bytes);

        left_bytes -= length;
        if (length == 0)
            continue;
        /* Memory of neighbours may be neighbours, too: one vector then, as the caller had it. */
        if (count > 0 && (char *)iovs[count - 1].iov_base + iovs[count - 1].iov_len == memory)
            iovs[count - 1].iov_len += length;
        else
            iovs[count++] = (struct iovec){.iov_base = memory, .iov_len = length};
    }
    return count;
}

/* How many vectors of its request a piece touches. */
static unsigned touched_iovs(const struct piece *piece, const struct snap_io_request *parent)
{
    uint64_t left_bytes = piece->length_bytes;
    size_t skip_bytes = piece->iov_skip_bytes;
    unsigned i;

    for (i = piece->iov_index; left_bytes > 0; i++, skip_bytes = 0)
        left_bytes -= snap_min(parent->iov[i].iov_len - skip_bytes, left_bytes);
    return i - piece->iov_index;
}

/* Makes the parts out of the sorted pieces; returns how many. */
static size_t join_pieces(struct volume_io *volume, const struct snap_io_request *requests)
{
    size_t count = 0;
    struct iovec *iovs = volume->iovs;
    struct snap_io_request *handed = NULL;
    uint64_t end_bytes = 0;

    for (size_t i = 0; i < volume->piece_count; i++) {
        const struct piece *piece = &volume->pieces[i];
        const struct part *part = handed ? &volume->parts[count - 1] : NULL;
        const struct snap_io_request *parent = &requests[piece->parent];
        const bool joins = part && part->parent == piece->parent && part->member == piece->member &&
                           end_bytes == piece->offset_bytes &&
                           handed->iov_count + touched_iovs(piece, parent) <= IOV_MAX;

        if (!joins) {
            iovs += handed ? handed->iov_count : 0;
            handed = &volume->handed[count];
            *handed = (struct snap_io_request){
                .kind = parent->kind, .offset_bytes = piece->offset_bytes, .iov = iovs};
            volume->parts[count++] = (struct part){.parent = piece->parent, .member = piece->member};
        }
        handed->iov_count = add_iovs(iovs, handed->iov_count, piece, parent);
        end_bytes = piece->offset_bytes + piece->length_bytes;
    }
    return count;
}

static void note_failure(struct volume_io *volume, size_t index, struct snap_io_request *requests,
                         struct failure *failure)
{
    const struct part *part = &volume->parts[index];

    if (!requests[part->parent].sys_errno)
        requests[part->parent].sys_errno = volume->handed[index].sys_errno;
    if (failure->sys_errno && failure->parent <= part->parent)
        return;
    *failure = (struct failure){
        .parent = part->parent,
        .sys_errno = volume->handed[index].sys_errno,
        .member = volume->members[part->member],
        .offset_bytes = volume->handed[index].offset_bytes,
    };
}

/* A failure of a member that names no request is one of all of them. */
static void spread_failure(struct volume_io *volume, const struct snap_io_share *share)
{
    bool told = false;

    if (share->status == SNAP_E_CHANGED)
        volume->changed = *share->err;
    for (size_t i = 0; i < share->count; i++)
        told |= share->requests[i].sys_errno != 0;
    for (size_t i = 0; i < share->count && share->status != SNAP_OK && !told; i++)
        share->requests[i].sys_errno = EIO;
}

/* Hands all members their parts at the same time; what failed is in their sys_errno. */
static void run_parts(struct volume_io *volume, size_t part_count)
{
    struct snap_io_share *share = NULL;
    size_t count = 0;

    for (size_t i = 0; i < part_count; i++) {
        if (i == 0 || volume->parts[i].member != volume->parts[i - 1].member) {
            share = &volume->shares[count];
            *share = (struct snap_io_share){
                .io = volume->members[volume->parts[i].member],
                .requests = &volume->handed[i],
                .err = &volume->reasons[count++],
            };
        }
        share->count++;
    }
    snap_io_transfer_shares(volume->shares, count);
    for (size_t i = 0; i < count; i++)
        spread_failure(volume, &volume->shares[i]);
}

static void run_pieces(struct volume_io *volume, struct snap_io_request *requests, struct failure *failure)
{
    size_t part_count;

    qsort(volume->pieces, volume->piece_count, sizeof *volume->pieces, compare_pieces);
    part_count = join_pieces(volume, requests);
    run_parts(volume, part_count);
    for (size_t i = 0; i < part_count; i++) {
        if (volume->handed[i].sys_errno)
            note_failure(volume, i, requests, failure);
    }
    volume->piece_count = 0;
    volume->iov_count = 0;
}

static void cut(struct volume_io *volume, struct snap_io_request *requests, size_t parent, struct failure *failure)
{
    const struct snap_io_request *request = &requests[parent];
    uint64_t logical_bytes = request->offset_bytes, left_bytes = snap_io_request_bytes(request);
    struct piece piece = {.parent = parent};

    while (left_bytes > 0) {
        const struct snap_volume_place place = snap_volume_place_of(volume->volume, logical_bytes);
        uint64_t pass_bytes;
        unsigned touched;

        piece.member = place.pv;
        piece.offset_bytes = place.offset_bytes;
        piece.length_bytes = pass_bytes = snap_min(place.length_bytes, left_bytes);
        touched = touched_iovs(&piece, request);
        if (volume->piece_count == PIECES || volume->iov_count + touched > IOVS)
            run_pieces(volume, requests, failure);
        volume->pieces[volume->piece_count++] = piece;
        volume->iov_count += touched;
        logical_bytes += pass_bytes;
        left_bytes -= pass_bytes;
        /* Its memory ends where that of the next piece begins. */
        pass_bytes += piece.iov_skip_bytes;
        while (left_bytes > 0 && pass_bytes >= request->iov[piece.iov_index].iov_len)
            pass_bytes -= request->iov[piece.iov_index++].iov_len;
        piece.iov_skip_bytes = (size_t)pass_bytes;
    }
}

static enum snap_status volume_transfer(struct snap_io *io, struct snap_io_request *requests, size_t count,
                                        struct snap_error *err)
{
    struct volume_io *volume = (struct volume_io *)io;
    struct failure failure = {.sys_errno = 0};

    volume->changed.status = SNAP_OK;
    for (size_t i = 0; i < count; i++)
        cut(volume, requests, i, &failure);
    if (volume->piece_count > 0)
        run_pieces(volume, requests, &failure);
    if (!failure.sys_errno)
        return SNAP_OK;
    if (volume->changed.status != SNAP_OK) /* that is why, and no sector is bad */
        return snap_fail(err, SNAP_E_CHANGED, "%s: %s", io->name, volume->changed.text);
    return snap_fail_errno(err, failure.sys_errno,
                           "%s: %s %" PRIu64 " bytes at byte %" PRIu64 " (from byte %" PRIu64 " of %s on)", io->name,
                           requests[failure.parent].kind == SNAP_IO_READ ? "reading" : "writing",
                           snap_io_request_bytes(&requests[failure.parent]), requests[failure.parent].offset_bytes,
                           failure.offset_bytes, failure.member->name);
}

/* A failed flush is final, but not for the other devices: what can be durable should be. */
static enum snap_status volume_flush(struct snap_io *io, struct snap_error *err)
{
    struct volume_io *volume = (struct volume_io *)io;
    struct snap_error *failed = &volume->flush_failed;

    if (failed->status != SNAP_OK)
        return snap_fail(err, failed->status, "%s: an earlier flush has failed, so nobody knows what is durable: %s",
                         io->name, failed->text);
    for (size_t i = 0; i < volume->member_count; i++) {
        struct snap_error reason;
        enum snap_status status = SNAP_OK;

        if (volume->members[i])
            status = snap_io_flush(volume->members[i], &reason);
        if (failed->status == SNAP_OK && status != SNAP_OK)
            *failed = reason;
    }
    if (failed->status == SNAP_OK)
        return SNAP_OK;
    if (err)
        *err = *failed;
    return snap_fail_prefix(err, failed->status, "%s", io->name);
}

static void free_volume(struct volume_io *volume)
{
    snap_volume_free(volume->volume);
    free(volume->members);
    free(volume->pieces);
    free(volume->parts);
    free(volume->handed);
    free(volume->shares);
    free(volume->reasons);
    free(volume->iovs);
    free(volume);
}

static enum snap_status volume_close(struct snap_io *io, struct snap_error *err)
{
    struct volume_io *volume = (struct volume_io *)io;
    enum snap_status first = SNAP_OK;

    for (size_t i = 0; i < volume->member_count; i++) {
        enum snap_status status = snap_io_close(volume->members[i], first == SNAP_OK ? err : NULL);

        first = first == SNAP_OK ? status : first;
    }
    free_volume(volume);
    return first;
}

/* The areas of one segment against their devices. */
static enum snap_status check_segment(const struct snap_volume *volume, const struct snap_volume_segment *segment,
                                      struct snap_io *const *members, size_t count, struct snap_error *err)
{
    const uint64_t area_bytes = segment->length_bytes / segment->area_count;

    for (unsigned i = 0; i < segment->area_count; i++) {
        const struct snap_volume_area *area = &segment->areas[i];
        const struct snap_io *member = area->pv < count ? members[area->pv] : NULL;

        if (!member)
            return snap_fail(err, SNAP_E_INTERNAL, "%s: a physical volume was not opened", volume->name);
        if (!snap_range_fits(area->offset_bytes, area_bytes, member->size_bytes))
            return snap_fail(err, SNAP_E_REFUSED,
                             "%s: it has %" PRIu64 " bytes from byte %" PRIu64
                             " of %s on, but that device has only %" PRIu64 " bytes; if it was cut, make it as long "
                             "again as it was, at least %" PRIu64 " bytes",
                             volume->name, area_bytes, area->offset_bytes, member->name, member->size_bytes,
                             snap_volume_needed_bytes(volume, area->pv));
        if ((area->offset_bytes | area_bytes | segment->stripe_bytes) % member->logical_block_bytes != 0)
            return snap_fail(err, SNAP_E_UNSUPPORTED,
                             "%s: its extents from byte %" PRIu64 " of %s on are not in whole blocks of that device, "
                             "which have %" PRIu32 " bytes",
                             volume->name, area->offset_bytes, member->name, member->logical_block_bytes);
    }
    return SNAP_OK;
}

static bool make_room(struct volume_io *made, size_t count)
{
    made->members = snap_array_new(count, sizeof(struct snap_io *));
    made->pieces = snap_array_new_unset(PIECES, sizeof *made->pieces);
    made->parts = snap_array_new_unset(PIECES, sizeof *made->parts);
    made->handed = snap_array_new_unset(PIECES, sizeof *made->handed);
    made->iovs = snap_array_new_unset(IOVS, sizeof *made->iovs);
    made->shares = snap_array_new_unset(count, sizeof *made->shares);
    made->reasons = snap_array_new_unset(count, sizeof *made->reasons);
    return made->members && made->pieces && made->parts && made->handed && made->iovs && made->shares && made->reasons;
}

static void take_facts(struct snap_io *io, const struct snap_io *member)
{
    if (member->logical_block_bytes > io->logical_block_bytes)
        io->logical_block_bytes = member->logical_block_bytes;
    if (member->memory_align_bytes > io->memory_align_bytes)
        io->memory_align_bytes = member->memory_align_bytes;
    io->writable = io->writable && member->writable;
    io->rotational = io->rotational || member->rotational;
}

enum snap_status snap_volume_io_new(struct snap_volume *volume, struct snap_io *const *members, size_t count,
                                    struct snap_io **io, struct snap_error *err)
{
    static const struct snap_io_ops ops = {.transfer = volume_transfer, .flush = volume_flush, .close = volume_close};
    enum snap_status status = SNAP_OK;
    struct volume_io *made;

    for (size_t i = 0; i < volume->segment_count && status == SNAP_OK; i++)
        status = check_segment(volume, &volume->segments[i], members, count, err);
    if (status != SNAP_OK)
        return status;
    made = calloc(1, sizeof *made);
    if (!made || !make_room(made, count)) {
        if (made)
            free_volume(made);
        return snap_fail(err, SNAP_E_NOMEM, "%s: no memory to open it", volume->name);
    }
    made->volume = volume;
    made->member_count = count;
    made->io = (struct snap_io){.ops = &ops, .name = volume->name, .size_bytes = volume->size_bytes, .writable = true};
    for (size_t i = 0; i < count; i++) {
        made->members[i] = members[i];
        if (members[i])
            take_facts(&made->io, members[i]);
    }
    *io = &made->io;
    return SNAP_OK;
}

const struct snap_volume *snap_volume_io_places(const struct snap_io *io)
{
    return ((const struct volume_io *)io)->volume;
}

const struct snap_io *snap_volume_io_member(const struct snap_io *io, size_t pv)
{
    const struct volume_io *volume = (const struct volume_io *)io;

    return pv < volume->member_count ? volume->members[pv] : NULL;
}
