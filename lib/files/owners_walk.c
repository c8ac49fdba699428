/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks at each inode of a file system once, and finds which of them have blocks in the places that are asked for. */
#include "lib/base/arith.h"
#include "lib/base/array.h"
#include "lib/files/ext2_private.h"
#include "lib/files/owners_paths_private.h"
#include "lib/files/owners_private.h"

#include <stdlib.h>
#include <string.h>

/* A place in blocks. They are sorted by where they begin, and may overlap. */
struct run {
    uint64_t first_block, end_block;
    uint64_t most_end;       /* the greatest end of this one and all before it */
    uint64_t first_bit;      /* of `owned` */
    uint32_t number;
};

/* An answer while inodes come one after the other. */
struct tally {
    struct snap_owners_answer answer;
    uint32_t last_inode;
};

struct walk {
    int fd;
    struct snap_owners_task task;
    struct run *runs;
    size_t run_count;
    struct tally *tallies;
    uint8_t *owned;          /* one bit for each block of each run: somebody has it */
    struct snap_ext2_inode inode; /* whose blocks are looked at */
    unsigned part;
    struct snap_owners_paths paths;
    struct snap_owners_file *files; /* those of `paths`, in the order in which they were found */
    size_t file_count, file_room;
    bool out_of_memory;
};

/*
 * ---- from the other process ------------------------------------------------------------------------------------
 */

static enum snap_status read_there(void *context, uint64_t offset_bytes, uint64_t length_bytes, bool needed,
                                   void *buffer, struct snap_error *err)
{
    const struct walk *walk = context;
    const struct snap_owners_message message = {
        .kind = SNAP_OWNERS_READ, .offset_bytes = offset_bytes, .length_bytes = length_bytes, .needed = needed};

    return snap_child_ask(walk->fd, &message, offsetof(struct snap_owners_message, path), buffer, (size_t)length_bytes,
                          err);
}

static enum snap_status ask_places(const struct walk *walk, uint64_t index, uint64_t count, void *reply,
                                   size_t reply_bytes, struct snap_error *err)
{
    const struct snap_owners_message message = {
        .kind = SNAP_OWNERS_PLACES, .offset_bytes = index, .length_bytes = count};

    return snap_child_ask(walk->fd, &message, offsetof(struct snap_owners_message, path), reply, reply_bytes, err);
}

static int by_first_block(const void *left, const void *right)
{
    const struct run *a = left, *b = right;

    if (a->first_block != b->first_block)
        return a->first_block > b->first_block ? 1 : -1;
    return (a->number > b->number) - (a->number < b->number);
}

/* The places, as blocks of this size; `bits` counts them. */
static enum snap_status take_places(struct walk *walk, uint32_t block_bytes, uint64_t *bits, struct snap_error *err)
{
    struct snap_owners_place places[SNAP_CHILD_REPLY_BYTES_MAX / sizeof(struct snap_owners_place) / 2];
    const size_t step = sizeof places / sizeof places[0];
    enum snap_status status = SNAP_OK;

    *bits = 0;
    for (uint64_t index = 0, count; index < walk->task.place_count && status == SNAP_OK; index += count) {
        count = snap_min(walk->task.place_count - index, step);
        status = ask_places(walk, index, count, places, (size_t)count * sizeof places[0], err);
        for (size_t i = 0; i < count && status == SNAP_OK; i++) {
            const struct snap_owners_place *place = &places[i];
            const uint64_t first_block = place->offset_bytes / block_bytes;
            const uint64_t end_block = snap_div_up(place->offset_bytes + place->length_bytes, block_bytes);
            const uint64_t blocks = snap_min(end_block - first_block, SNAP_OWNERS_BLOCKS_MAX - *bits);

            if (blocks < end_block - first_block)
                walk->tallies[place->number].answer.parts |= SNAP_OWNERS_LEFT_OUT;
            if (blocks == 0)
                continue;
            walk->runs[walk->run_count++] = (struct run){.first_block = first_block,
                                                         .end_block = first_block + blocks,
                                                         .first_bit = *bits,
                                                         .number = place->number};
            *bits += blocks;
        }
    }
    if (walk->run_count > 0)
        qsort(walk->runs, walk->run_count, sizeof *walk->runs, by_first_block);
    for (size_t i = 0; i < walk->run_count; i++)
        walk->runs[i].most_end = snap_max(walk->runs[i].end_block, i > 0 ? walk->runs[i - 1].most_end : 0);
    return status;
}

/*
 * ---- who has the blocks ----------------------------------------------------------------------------------------
 */

/* How many runs begin in front of the block. */
static size_t runs_before(const struct walk *walk, uint64_t block)
{
    size_t low = 0, high = walk->run_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (walk->runs[middle].first_block < block)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void remember_file(struct walk *walk)
{
    struct snap_owners_file *files = walk->files;

    if (walk->file_count > 0 && files[walk->file_count - 1].inode == walk->inode.number)
        return;
    if (walk->file_count == walk->file_room) {
        const size_t room = walk->file_room ? 2 * walk->file_room : 256;

        files = realloc(files, room * sizeof *files);
        if (!files) {
            walk->out_of_memory = true;
            return;
        }
        walk->files = files;
        walk->file_room = room;
    }
    files[walk->file_count++] = (struct snap_owners_file){.inode = walk->inode.number,
                                                          .type = walk->inode.type,
                                                          .links = walk->inode.links,
                                                          .deleted = walk->inode.deleted};
}

static void count_file(struct walk *walk, struct tally *tally)
{
    struct snap_owners_answer *answer = &tally->answer;

    if (tally->last_inode == walk->inode.number)
        return;
    tally->last_inode = walk->inode.number;
    if (answer->file_count < SNAP_OWNERS_FILES) {
        answer->inodes[answer->file_count] = walk->inode.number;
        remember_file(walk);
    }
    answer->file_count++;
}

static void take_blocks(void *context, uint64_t first_block, uint64_t count)
{
    struct walk *walk = context;
    uint64_t end_block;

    if (!snap_add(first_block, count, &end_block))
        return;
    for (size_t i = runs_before(walk, end_block); i > 0 && walk->runs[i - 1].most_end > first_block; i--) {
        const struct run *run = &walk->runs[i - 1];
        const uint64_t from = snap_max(run->first_block, first_block), to = snap_min(run->end_block, end_block);

        if (from >= to)
            continue;
        for (uint64_t bit = run->first_bit + (from - run->first_block), end = bit + (to - from); bit < end; bit++)
            walk->owned[bit / 8] |= (uint8_t)(1u << bit % 8);
        if (walk->part != 0)
            walk->tallies[run->number].answer.parts |= walk->part;
        else
            count_file(walk, &walk->tallies[run->number]);
    }
}

static void take_part(void *context, unsigned part, uint64_t first_block, uint64_t count)
{
    struct walk *walk = context;

    walk->part = part;
    take_blocks(walk, first_block, count);
}

static enum snap_status take_inodes(struct walk *walk, struct snap_ext2 *fs, struct snap_error *err)
{
    const enum snap_status status = snap_ext2_first_inode(fs, err);

    while (status == SNAP_OK && !walk->out_of_memory && snap_ext2_next_inode(fs, &walk->inode)) {
        walk->part = walk->inode.part;
        snap_ext2_blocks(fs, take_blocks, walk);
    }
    return walk->out_of_memory ? snap_fail(err, SNAP_E_NOMEM, "no memory for the files that are found") : status;
}

/* What nobody has is free, or should be. */
static void take_rest(struct walk *walk, struct snap_ext2 *fs)
{
    const uint64_t blocks = snap_ext2_facts(fs).blocks;

    for (size_t i = 0; i < walk->run_count; i++) {
        const struct run *run = &walk->runs[i];
        unsigned *parts = &walk->tallies[run->number].answer.parts;

        for (uint64_t block = run->first_block; block < run->end_block; block++) {
            const uint64_t bit = run->first_bit + (block - run->first_block);

            if (block >= blocks) {
                *parts |= SNAP_OWNERS_BEHIND;
                break;
            }
            if (!(walk->owned[bit / 8] & 1u << bit % 8))
                *parts |= snap_ext2_is_free(fs, block) ? SNAP_OWNERS_FREE : SNAP_OWNERS_NOBODY;
        }
    }
}

/*
 * ---- to the other process --------------------------------------------------------------------------------------
 */

static enum snap_status tell(const struct walk *walk, const struct snap_owners_message *message, struct snap_error *err)
{
    return snap_child_ask(walk->fd, message, offsetof(struct snap_owners_message, path) + message->path_bytes, NULL, 0,
                          err);
}

static enum snap_status tell_all(const struct walk *walk, struct snap_error *err)
{
    struct snap_owners_message message = {.kind = SNAP_OWNERS_NAMED};
    enum snap_status status = SNAP_OK;

    for (size_t i = 0; i < walk->file_count && status == SNAP_OK; i++) {
        message.inode = walk->files[i].inode;
        message.type = walk->files[i].type;
        message.links = walk->files[i].links;
        message.deleted = walk->files[i].deleted;
        message.path_bytes = (uint32_t)snap_owners_paths_get(&walk->paths, message.inode, message.path);
        status = tell(walk, &message, err);
    }
    message = (struct snap_owners_message){.kind = SNAP_OWNERS_ANSWER};
    for (message.number = 0; message.number < walk->task.count && status == SNAP_OK; message.number++) {
        message.answer = walk->tallies[message.number].answer;
        if (message.answer.parts != 0 || message.answer.file_count > 0)
            status = tell(walk, &message, err);
    }
    return status;
}

static enum snap_status look(struct walk *walk, struct snap_ext2 *fs, struct snap_error *err)
{
    uint64_t bits;
    enum snap_status status = take_places(walk, snap_ext2_facts(fs).block_bytes, &bits, err);

    if (status != SNAP_OK)
        return status;
    walk->owned = snap_array_new(bits / 8 + 1, 1);
    if (!walk->owned)
        return snap_fail(err, SNAP_E_NOMEM, "no memory for the blocks that are looked for");
    snap_ext2_parts(fs, take_part, walk);
    status = take_inodes(walk, fs, err);
    if (status != SNAP_OK)
        return status;
    take_rest(walk, fs);
    for (size_t i = 0; i < walk->file_count; i++)
        if (!walk->files[i].deleted && !snap_owners_paths_add(&walk->paths, walk->files[i].inode))
            break;
    return snap_owners_paths_find(&walk->paths, fs, err);
}

enum snap_status snap_owners_walk(int fd, void *answer, struct snap_error *err)
{
    struct snap_owners_facts *facts = answer;
    struct walk walk = {.fd = fd};
    struct snap_ext2_source source = {.read = read_there, .context = &walk};
    struct snap_ext2 *fs = NULL;
    enum snap_status status = ask_places(&walk, 0, 0, &walk.task, sizeof walk.task, err);

    if (status != SNAP_OK)
        return status;
    source.size_bytes = walk.task.size_bytes;
    walk.runs = snap_array_new(walk.task.place_count, sizeof *walk.runs);
    walk.tallies = snap_array_new(walk.task.count, sizeof *walk.tallies);
    if (!walk.runs || !walk.tallies)
        status = snap_fail(err, SNAP_E_NOMEM, "no memory for what is looked for");
    if (status == SNAP_OK)
        status = snap_ext2_open(&fs, &source, err);
    if (status == SNAP_OK)
        status = look(&walk, fs, err);
    if (status == SNAP_OK)
        status = tell_all(&walk, err);
    if (status == SNAP_OK)
        *facts = (struct snap_owners_facts){.incomplete = snap_ext2_facts(fs).incomplete,
                                            .needs_recovery = snap_ext2_facts(fs).needs_recovery};
    snap_ext2_close(fs);
    snap_owners_paths_free(&walk.paths);
    free(walk.files);
    free(walk.owned);
    free(walk.tallies);
    free(walk.runs);
    return status;
}
