/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Notes what libblkid reads of the origin, looks for these pieces on the COW, and has the found ones probed. */
#include "lib/check/brought.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/check/marks.h"

#include <stdlib.h>
#include <string.h>

#define PIECE_BYTES_MAX 4096u
#define READ_BYTES (1u << 20)
#define PROBES_MAX 16u /* each one is a process */
#define SEEN_BITS 16u

/* A part of the origin that says something. */
struct piece {
    uint64_t offset_bytes;
    uint32_t sum;
    bool found;
    uint8_t *bytes;
};

struct search {
    const struct snap_brought_search *of;
    uint64_t chunk_bytes, piece_bytes;
    struct piece *pieces; /* while they are noted in the order of reading, then by their sums */
    size_t count, room;
    size_t found, found_when_probed;
    unsigned probes;
    bool signature_found, same;
    uint8_t seen[(1u << SEEN_BITS) / 8]; /* the low bits of all sums */
    uint8_t *buffer;
    struct snap_probe *brought;
};

/* Of all bytes, and fast: most of a COW is compared with nothing that it has. What is equal in it is compared. */
static uint32_t sum_of(const uint8_t *bytes, uint64_t length_bytes)
{
    uint64_t sum = 0, word;

    for (uint64_t at = 0; at < length_bytes; at += sizeof word) {
        memcpy(&word, bytes + at, sizeof word);
        sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    }
    return (uint32_t)(sum >> 32);
}

static enum snap_status note_piece(struct search *search, uint64_t offset_bytes, const uint8_t *bytes,
                                   struct snap_error *err)
{
    struct piece *piece;

    if (memcmp(bytes, bytes + 1, search->piece_bytes - 1) == 0)
        return SNAP_OK; /* one byte again and again: it is everywhere, and blank is as good */
    if (search->count == search->room) {
        const size_t room = search->room > 0 ? 2 * search->room : 1024;
        struct piece *larger = realloc(search->pieces, room * sizeof *larger);

        if (!larger)
            return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for a search in it", search->of->store->io->name);
        search->pieces = larger;
        search->room = room;
    }
    piece = &search->pieces[search->count];
    *piece = (struct piece){.offset_bytes = offset_bytes, .bytes = malloc(search->piece_bytes)};
    if (!piece->bytes)
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for a search in it", search->of->store->io->name);
    memcpy(piece->bytes, bytes, search->piece_bytes);
    piece->sum = sum_of(bytes, search->piece_bytes);
    search->seen[(piece->sum & ((1u << SEEN_BITS) - 1)) / 8] |= (uint8_t)(1u << piece->sum % 8);
    search->count++;
    return SNAP_OK;
}

/* The origin, whose whole pieces are noted on the way. */
static enum snap_status read_and_note(void *context, uint64_t offset_bytes, uint64_t length_bytes, void *buffer,
                                      struct snap_error *err)
{
    struct search *search = context;
    enum snap_status status = search->of->read(search->of->context, offset_bytes, length_bytes, buffer, err);
    uint64_t at = snap_div_up(offset_bytes, search->piece_bytes) * search->piece_bytes - offset_bytes;

    for (; status == SNAP_OK && at + search->piece_bytes <= length_bytes; at += search->piece_bytes)
        status = note_piece(search, offset_bytes + at, (const uint8_t *)buffer + at, err);
    return status;
}

/* The origin with nothing on it but what the COW holds as well. */
static enum snap_status read_found(void *context, uint64_t offset_bytes, uint64_t length_bytes, void *buffer,
                                   struct snap_error *err)
{
    const struct search *search = context;

    (void)err;
    memset(buffer, 0, (size_t)length_bytes);
    for (size_t i = 0; i < search->count; i++) {
        const struct piece *piece = &search->pieces[i];

        if (piece->found && piece->offset_bytes >= offset_bytes &&
            piece->offset_bytes + search->piece_bytes <= offset_bytes + length_bytes)
            memcpy((uint8_t *)buffer + (piece->offset_bytes - offset_bytes), piece->bytes, search->piece_bytes);
    }
    return SNAP_OK;
}

/*
 * Where the sector of the signature has the UUID, but libblkid wants to see another place as well, which stays when the
 * UUID changes: the file table of NTFS, the entries of a GPT.
 */
static bool told_with_other_places(const struct snap_probe *probe)
{
    return strcmp(probe->type, "ntfs") == 0 || (probe->type[0] == '\0' && strcmp(probe->pttype, "gpt") == 0);
}

/* What the found pieces show; the one with the signature is among them. */
static enum snap_status probe_found(struct search *search, struct snap_error *err)
{
    enum snap_status status =
        snap_probe_reader(read_found, search, search->of->origin_bytes, search->brought, err);

    if (status == SNAP_OK && told_with_other_places(search->of->origin))
        *search->brought = *search->of->origin;
    search->probes++;
    search->found_when_probed = search->found;
    search->same = status == SNAP_OK && snap_marks_compare(search->brought, search->of->origin, false) ==
                                            SNAP_MARKS_SAME;
    return status;
}

static int by_sum(const void *left, const void *right)
{
    const struct piece *a = left, *b = right;

    return (a->sum > b->sum) - (a->sum < b->sum);
}

static void mark_found(struct search *search, struct piece *piece)
{
    const uint64_t signature_bytes = search->of->origin->signature_offset_bytes;

    piece->found = true;
    search->found++;
    search->signature_found |= piece->offset_bytes <= signature_bytes &&
                               signature_bytes - piece->offset_bytes < search->piece_bytes;
}

/* One piece of the COW: which of the origin's are the same, and stand at the same place in their chunk? */
static void look_up(struct search *search, uint64_t offset_bytes, const uint8_t *bytes)
{
    const uint32_t sum = sum_of(bytes, search->piece_bytes);
    size_t low = 0, high = search->count;

    if (!(search->seen[(sum & ((1u << SEEN_BITS) - 1)) / 8] >> sum % 8 & 1))
        return;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (search->pieces[middle].sum < sum)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < search->count && search->pieces[low].sum == sum; low++) {
        struct piece *piece = &search->pieces[low];

        if (!piece->found && piece->offset_bytes % search->chunk_bytes == offset_bytes % search->chunk_bytes &&
            memcmp(piece->bytes, bytes, search->piece_bytes) == 0)
            mark_found(search, piece);
    }
}

/* A hole holds nothing that was merged. It may be nearly all of a sparse image. */
static enum snap_status skip_hole(const struct search *search, uint64_t *offset_bytes, uint64_t end_bytes,
                                  struct snap_error *err)
{
    const uint64_t from_bytes = *offset_bytes;
    uint64_t start_bytes, length_bytes;
    enum snap_status status =
        snap_io_next_data(search->of->store->io, from_bytes, &start_bytes, &length_bytes, err);

    if (status == SNAP_OK && start_bytes > from_bytes)
        *offset_bytes = snap_min(end_bytes, snap_max(from_bytes, snap_round_down(start_bytes, search->chunk_bytes)));
    return status;
}

/* Ends early when what was found shows what is on the origin. */
static enum snap_status search_range(struct search *search, uint64_t offset_bytes, uint64_t end_bytes,
                                     struct snap_error *err)
{
    struct snap_io *cow = search->of->store->io;
    struct snap_error reason;

    while (offset_bytes < end_bytes && !search->same) {
        uint64_t length_bytes;
        enum snap_status status = skip_hole(search, &offset_bytes, end_bytes, err);

        if (status != SNAP_OK || offset_bytes == end_bytes)
            return status;
        length_bytes = snap_min(end_bytes - offset_bytes, READ_BYTES);
        status = snap_io_read(cow, offset_bytes, length_bytes, search->buffer, &reason);
        if (search->of->stop && search->of->stop(search->of->stop_context))
            return snap_fail(err, SNAP_E_STOPPED, "%s: stopped while searching it", cow->name);
        if (status != SNAP_OK && status != SNAP_E_IO) {
            if (err)
                *err = reason;
            return status;
        }
        for (uint64_t at = 0; status == SNAP_OK && at + search->piece_bytes <= length_bytes;
             at += search->piece_bytes)
            look_up(search, offset_bytes + at, search->buffer + at);
        if (search->signature_found && search->found > search->found_when_probed && search->probes < PROBES_MAX) {
            status = probe_found(search, err);
            if (status != SNAP_OK)
                return status;
        }
        offset_bytes += length_bytes;
    }
    return SNAP_OK;
}

static enum snap_status search_cow(struct search *search, struct snap_error *err)
{
    const struct snap_layout *layout = &search->of->store->layout;
    const uint64_t first = snap_min(search->of->highest_new_chunk + 1, layout->cow_chunks);
    enum snap_status status;

    qsort(search->pieces, search->count, sizeof *search->pieces, by_sum);
    status = search_range(search, first * search->chunk_bytes, layout->cow_chunks * search->chunk_bytes, err);
    if (status == SNAP_OK)
        status = search_range(search, search->chunk_bytes, first * search->chunk_bytes, err);
    if (status == SNAP_OK && search->signature_found && search->found > search->found_when_probed)
        status = probe_found(search, err);
    return status;
}

enum snap_status snap_brought_find(const struct snap_brought_search *of, struct snap_probe *brought,
                                   struct snap_error *err)
{
    struct search *search = calloc(1, sizeof *search);
    struct snap_probe noted;
    enum snap_status status;

    memset(brought, 0, sizeof *brought);
    if (!search)
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for a search in it", of->store->io->name);
    search->of = of;
    search->chunk_bytes = of->store->layout.chunk_bytes;
    search->piece_bytes = snap_min(search->chunk_bytes, PIECE_BYTES_MAX);
    search->brought = brought;
    search->buffer = snap_buffer_new_unset(READ_BYTES);
    if (!search->buffer)
        status = snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for a search in it", of->store->io->name);
    else
        status = snap_probe_reader(read_and_note, search, of->origin_bytes, &noted, err);
    if (status == SNAP_OK)
        status = search_cow(search, err);
    for (size_t i = 0; i < search->count; i++)
        free(search->pieces[i].bytes);
    free(search->pieces);
    snap_buffer_free(search->buffer);
    free(search);
    return status;
}
