/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The recording devices: sectors with versions, the log, and crash images. */
#include "tests/support/io_record.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "tests/support/io_mem.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct record_block {
    size_t users;
    uint8_t bytes[SNAP_SECTOR_BYTES];
};

struct recorder {
    struct record_state state;
    size_t **pending_of; /* per disk, per sector: 1 + its place in `pending`, or 0 */
    struct record_operation *log;
    uint8_t **log_data;  /* what the log's `data` point to */
    size_t log_count;
    size_t log_capacity;
    record_callback callback;
    void *context;
};

struct io_record {
    struct snap_io io;
    struct recorder *recorder;
    unsigned disk;
};

static struct record_block *block_new(const uint8_t *bytes)
{
    struct record_block *block = test_calloc(1, sizeof *block);

    block->users = 1;
    memcpy(block->bytes, bytes, sizeof block->bytes);
    return block;
}

static struct record_block *block_share(struct record_block *block)
{
    if (block)
        block->users++;
    return block;
}

static void block_release(struct record_block *block)
{
    if (block && --block->users == 0)
        free(block);
}

static void block_copy(const struct record_block *block, uint8_t *bytes)
{
    if (block)
        memcpy(bytes, block->bytes, SNAP_SECTOR_BYTES);
    else
        memset(bytes, 0, SNAP_SECTOR_BYTES);
}

static void pending_clear(struct record_disk *disk)
{
    for (size_t i = 0; i < disk->pending_count; i++) {
        for (size_t v = 0; v < disk->pending[i].versions; v++)
            block_release(disk->pending[i].version[v]);
        free(disk->pending[i].version);
    }
    free(disk->pending);
    disk->pending = NULL;
    disk->pending_count = 0;
}

static void disk_free(struct record_disk *disk)
{
    pending_clear(disk);
    for (uint64_t i = 0; i < disk->sectors; i++)
        block_release(disk->durable[i]);
    free(disk->durable);
}

static void disk_clone(const struct record_disk *disk, struct record_disk *clone)
{
    *clone = *disk;
    clone->durable = test_calloc((size_t)disk->sectors, sizeof(struct record_block *));
    for (uint64_t i = 0; i < disk->sectors; i++)
        clone->durable[i] = block_share(disk->durable[i]);
    clone->pending = test_calloc(disk->pending_count, sizeof *clone->pending);
    for (size_t i = 0; i < disk->pending_count; i++) {
        const struct record_pending *from = &disk->pending[i];
        struct record_pending *to = &clone->pending[i];

        *to = *from;
        to->version = test_calloc(from->versions, sizeof(struct record_block *));
        for (size_t v = 0; v < from->versions; v++)
            to->version[v] = block_share(from->version[v]);
    }
}

static void write_sector(struct recorder *recorder, unsigned disk_index, uint64_t sector, const uint8_t *bytes)
{
    struct record_disk *disk = &recorder->state.disks[disk_index];
    size_t *place = &recorder->pending_of[disk_index][sector];
    struct record_pending *pending;

    if (*place == 0) {
        disk->pending = test_realloc(disk->pending, disk->pending_count + 1, sizeof *disk->pending);
        disk->pending[disk->pending_count++] = (struct record_pending){.sector = sector};
        *place = disk->pending_count;
    }
    pending = &disk->pending[*place - 1];
    pending->version = test_realloc(pending->version, pending->versions + 1, sizeof(struct record_block *));
    pending->version[pending->versions++] = block_new(bytes);
}

static void read_sector(const struct recorder *recorder, unsigned disk_index, uint64_t sector, uint8_t *bytes)
{
    const struct record_disk *disk = &recorder->state.disks[disk_index];
    size_t place = recorder->pending_of[disk_index][sector];

    if (place > 0) {
        const struct record_pending *pending = &disk->pending[place - 1];

        block_copy(pending->version[pending->versions - 1], bytes);
    } else {
        block_copy(disk->durable[sector], bytes);
    }
}

/* Takes over `data`. Tells the callback first, so that it sees the state without the operation. */
static void log_operation(struct recorder *recorder, struct record_operation operation, uint8_t *data)
{
    operation.data = data;
    if (recorder->callback)
        recorder->callback(recorder->context, recorder, &operation);
    if (recorder->log_count == recorder->log_capacity) {
        recorder->log_capacity = recorder->log_capacity * 2 + 64;
        recorder->log = test_realloc(recorder->log, recorder->log_capacity, sizeof *recorder->log);
        recorder->log_data = test_realloc(recorder->log_data, recorder->log_capacity, sizeof(uint8_t *));
    }
    recorder->log[recorder->log_count] = operation;
    recorder->log_data[recorder->log_count++] = data;
    recorder->state.operations++;
}

static void record_read(struct io_record *record, const struct snap_io_request *request, uint64_t length_bytes)
{
    uint64_t first = request->offset_bytes / SNAP_SECTOR_BYTES;
    uint64_t end = snap_div_up(request->offset_bytes + length_bytes, SNAP_SECTOR_BYTES);
    uint8_t *flat = test_calloc((size_t)(end - first), SNAP_SECTOR_BYTES);

    log_operation(record->recorder,
                  (struct record_operation){record->disk, RECORD_READ, request->offset_bytes, length_bytes, NULL},
                  NULL);
    for (uint64_t sector = first; sector < end; sector++)
        read_sector(record->recorder, record->disk, sector, flat + (sector - first) * SNAP_SECTOR_BYTES);
    test_read_into(request, flat + request->offset_bytes % SNAP_SECTOR_BYTES);
    free(flat);
}

static void record_write(struct io_record *record, const struct snap_io_request *request, uint64_t length_bytes)
{
    uint8_t *flat = test_calloc(1, (size_t)length_bytes);

    test_write_from(request, flat);
    log_operation(record->recorder,
                  (struct record_operation){record->disk, RECORD_WRITE, request->offset_bytes, length_bytes, NULL},
                  flat);
    for (uint64_t done_bytes = 0; done_bytes < length_bytes; done_bytes += SNAP_SECTOR_BYTES)
        write_sector(record->recorder, record->disk, (request->offset_bytes + done_bytes) / SNAP_SECTOR_BYTES,
                     flat + done_bytes);
}

static enum snap_status record_transfer(struct snap_io *io, struct snap_io_request *requests, size_t count,
                                        struct snap_error *err)
{
    struct io_record *record = (struct io_record *)io;
    enum snap_status status = test_refuse_overlap(io, requests, count, err);

    for (size_t i = 0; i < count; i++) {
        uint64_t length_bytes = snap_io_request_bytes(&requests[i]);

        if (status != SNAP_OK)
            requests[i].sys_errno = EINVAL;
        else if (requests[i].kind == SNAP_IO_READ)
            record_read(record, &requests[i], length_bytes);
        else if ((requests[i].offset_bytes | length_bytes) % io->logical_block_bytes != 0)
            requests[i].sys_errno = EOPNOTSUPP;
        else
            record_write(record, &requests[i], length_bytes);
    }
    return status != SNAP_OK ? status : test_transfer_result(io, requests, count, err);
}

static void forget_pending(struct recorder *recorder, unsigned disk_index)
{
    struct record_disk *disk = &recorder->state.disks[disk_index];

    for (size_t i = 0; i < disk->pending_count; i++)
        recorder->pending_of[disk_index][disk->pending[i].sector] = 0;
    pending_clear(disk);
}

static enum snap_status record_flush(struct snap_io *io, struct snap_error *err)
{
    struct io_record *record = (struct io_record *)io;
    struct record_disk *disk = &record->recorder->state.disks[record->disk];

    (void)err;
    log_operation(record->recorder, (struct record_operation){.disk = record->disk, .kind = RECORD_FLUSH}, NULL);
    for (size_t i = 0; i < disk->pending_count; i++) {
        const struct record_pending *pending = &disk->pending[i];

        block_release(disk->durable[pending->sector]);
        disk->durable[pending->sector] = block_share(pending->version[pending->versions - 1]);
    }
    forget_pending(record->recorder, record->disk);
    return SNAP_OK;
}

static enum snap_status record_close(struct snap_io *io, struct snap_error *err)
{
    (void)err;
    free(io);
    return SNAP_OK;
}

struct recorder *recorder_new(void)
{
    return test_calloc(1, sizeof(struct recorder));
}

void recorder_free(struct recorder *recorder)
{
    if (!recorder)
        return;
    recorder_log_clear(recorder);
    free(recorder->log);
    free(recorder->log_data);
    for (unsigned i = 0; i < recorder->state.disk_count; i++) {
        disk_free(&recorder->state.disks[i]);
        free(recorder->pending_of[i]);
    }
    free(recorder->state.disks);
    free(recorder->pending_of);
    free(recorder);
}

struct snap_io *io_record_new(struct recorder *recorder, const char *name, const uint8_t *content,
                              uint64_t size_bytes, uint32_t logical_block_bytes, bool writable)
{
    static const struct snap_io_ops ops = {.transfer = record_transfer, .flush = record_flush, .close = record_close};
    struct io_record *record = test_calloc(1, sizeof *record);
    struct record_disk disk = {.name = name, .sectors = size_bytes / SNAP_SECTOR_BYTES};
    unsigned count = recorder->state.disk_count;

    if (size_bytes % SNAP_SECTOR_BYTES != 0) {
        fprintf(stderr, "test support: a recorded device has whole sectors\n");
        abort();
    }
    disk.durable = test_calloc((size_t)disk.sectors, sizeof(struct record_block *));
    for (uint64_t i = 0; content && i < disk.sectors; i++)
        disk.durable[i] = block_new(content + i * SNAP_SECTOR_BYTES);
    recorder->state.disks = test_realloc(recorder->state.disks, count + 1, sizeof disk);
    recorder->state.disks[count] = disk;
    recorder->pending_of = test_realloc(recorder->pending_of, count + 1, sizeof(size_t *));
    recorder->pending_of[count] = test_calloc((size_t)disk.sectors, sizeof(size_t));
    recorder->state.disk_count = count + 1;

    record->recorder = recorder;
    record->disk = count;
    record->io = (struct snap_io){
        .ops = &ops,
        .name = name,
        .size_bytes = size_bytes,
        .logical_block_bytes = logical_block_bytes,
        .memory_align_bytes = logical_block_bytes,
        .writable = writable,
    };
    return &record->io;
}

void recorder_on_operation(struct recorder *recorder, record_callback callback, void *context)
{
    recorder->callback = callback;
    recorder->context = context;
}

const struct record_operation *recorder_log(const struct recorder *recorder, size_t *count)
{
    *count = recorder->log_count;
    return recorder->log;
}

char *recorder_log_text(const struct recorder *recorder, bool reads)
{
    static const char *const verbs[] = {"read", "write"};
    char *text = NULL;
    size_t text_bytes;
    FILE *stream = open_memstream(&text, &text_bytes);

    if (!stream)
        abort();
    for (size_t i = 0; i < recorder->log_count; i++) {
        const struct record_operation *operation = &recorder->log[i];
        const char *name = recorder->state.disks[operation->disk].name;

        if (operation->kind == RECORD_FLUSH)
            fprintf(stream, "%s flush\n", name);
        else if (operation->kind == RECORD_WRITE || reads)
            fprintf(stream, "%s %s %" PRIu64 " %" PRIu64 "\n", name, verbs[operation->kind],
                    operation->offset_bytes, operation->length_bytes);
    }
    if (fclose(stream) != 0)
        abort();
    return text;
}

void recorder_log_clear(struct recorder *recorder)
{
    while (recorder->log_count > 0)
        free(recorder->log_data[--recorder->log_count]);
}

const struct record_state *recorder_state(const struct recorder *recorder)
{
    return &recorder->state;
}

struct record_state *record_state_clone(const struct record_state *state)
{
    struct record_state *clone = test_calloc(1, sizeof *clone);

    *clone = *state;
    clone->disks = test_calloc(state->disk_count, sizeof *clone->disks);
    for (unsigned i = 0; i < state->disk_count; i++)
        disk_clone(&state->disks[i], &clone->disks[i]);
    return clone;
}

void record_state_free(struct record_state *state)
{
    if (!state)
        return;
    for (unsigned i = 0; i < state->disk_count; i++)
        disk_free(&state->disks[i]);
    free(state->disks);
    free(state);
}

const struct record_disk *record_disk_of(const struct record_state *state, const char *name)
{
    for (unsigned i = 0; i < state->disk_count; i++) {
        if (strcmp(state->disks[i].name, name) == 0)
            return &state->disks[i];
    }
    return NULL;
}

size_t *record_choice_new(const struct record_disk *disk)
{
    return test_calloc(disk->pending_count, sizeof(size_t));
}

bool record_choice_next(const struct record_disk *disk, size_t *choice)
{
    for (size_t i = 0; i < disk->pending_count; i++) {
        if (choice[i] < disk->pending[i].versions) {
            choice[i]++;
            return true;
        }
        choice[i] = 0;
    }
    return false;
}

void record_choice_newest(const struct record_disk *disk, size_t *choice)
{
    for (size_t i = 0; i < disk->pending_count; i++)
        choice[i] = disk->pending[i].versions;
}

uint64_t record_choices(const struct record_disk *disk)
{
    uint64_t choices = 1;

    for (size_t i = 0; i < disk->pending_count; i++) {
        if (!snap_mul(choices, (uint64_t)disk->pending[i].versions + 1, &choices))
            return UINT64_MAX;
    }
    return choices;
}

void record_image(const struct record_disk *disk, const size_t *choice, uint8_t *image)
{
    for (uint64_t i = 0; i < disk->sectors; i++)
        block_copy(disk->durable[i], image + i * SNAP_SECTOR_BYTES);
    for (size_t i = 0; choice && i < disk->pending_count; i++) {
        const struct record_pending *pending = &disk->pending[i];

        if (choice[i] > 0)
            block_copy(pending->version[choice[i] - 1], image + pending->sector * SNAP_SECTOR_BYTES);
    }
}

void io_record_drop_unflushed(struct snap_io *io)
{
    struct io_record *record = (struct io_record *)io;

    forget_pending(record->recorder, record->disk);
}
