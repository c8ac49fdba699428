/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests the copy of the view and its verification against a view that is put together naively. */
#include "lib/base/clock.h"
#include "lib/view/extract.h"
#include "tests/support/io_fault.h"
#include "tests/unit/alloc_fixture.h"
#include "tests/unit/format_fixture.h"
#include "tests/unit/list_fixture.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <inttypes.h>

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define SECOND_NS UINT64_C(1000000000)
#define FILL 0xa5 /* what a target holds that was not made for this */

static uint64_t seed = 23;

/* Everything between faults, so that a test can let any of the three fail. */
struct rig {
    struct snap_io *origin_mem, *cow_mem, *target_mem;
    struct snap_io *origin, *cow, *target;
    struct snap_store store;
    struct snap_view *view;
    uint8_t *naive;
    uint64_t size_bytes;      /* of the view */
    struct snap_extract_options options;
    struct snap_extract_result result;
    struct snap_error err;
    /* Progress and stop */
    uint64_t told_bytes, tellings;
    uint64_t polls, stop_at_poll;
    /* A clock that sleep moves, and each look at it */
    struct snap_clock clock;
    uint64_t now_ns, look_ns;
};

static const struct rig *current; /* next_data has no context of its own */

static uint64_t rig_now(void *context)
{
    struct rig *rig = context;

    return rig->now_ns += rig->look_ns;
}

static void rig_sleep(void *context, uint64_t duration_ns)
{
    ((struct rig *)context)->now_ns += duration_ns;
}

static bool rig_stop(void *context)
{
    struct rig *rig = context;

    return rig->polls++ >= rig->stop_at_poll;
}

static void rig_progress(void *context, uint64_t done_bytes, uint64_t total_bytes)
{
    struct rig *rig = context;

    assert_true(done_bytes > rig->told_bytes || total_bytes == 0);
    assert_int_equal(total_bytes, rig->size_bytes);
    rig->told_bytes = done_bytes;
    rig->tellings++;
}

/* What an image with holes would say: zeros, in pieces of 512 bytes, are one. */
static enum snap_status zeros_are_holes(const struct snap_io *io, uint64_t offset_bytes, uint64_t *start_bytes,
                                        uint64_t *length_bytes, struct snap_error *err)
{
    static const uint8_t zeros[512];
    const uint8_t *bytes = io_mem_bytes(current->origin_mem);
    uint64_t at = offset_bytes;

    (void)err;
    assert_ptr_equal(io, current->origin);
    while (at < io->size_bytes && memcmp(bytes + at, zeros, (size_t)(io->size_bytes - at < 512 ? 1 : 512)) == 0)
        at += 512;
    *start_bytes = at < io->size_bytes ? at : io->size_bytes;
    while (at < io->size_bytes && memcmp(bytes + at, zeros, (size_t)(io->size_bytes - at < 512 ? 1 : 512)) != 0)
        at += 512;
    *length_bytes = (at < io->size_bytes ? at : io->size_bytes) - *start_bytes;
    return SNAP_OK;
}

/* A device of random bytes and zeros, in runs of up to `run` sectors. */
static void fill(struct snap_io *io, uint64_t from_bytes, uint64_t run)
{
    for (uint64_t at = from_bytes; at < io->size_bytes;) {
        const bool zero = unit_random(&seed, 2) == 0;
        uint64_t end = at + (unit_random(&seed, run) + 1) * 512;

        for (; at < end && at < io->size_bytes; at++)
            io_mem_bytes(io)[at] = zero ? 0 : (uint8_t)(unit_random(&seed, 255) + 1);
    }
}

/*
 * An origin and a store with an entry for about every `spread`-th chunk (0: none), in random order on the COW, and a
 * target that is `more_bytes` larger and full of FILL.
 */
static void rig_open(struct rig *rig, uint32_t cs, uint64_t origin_bytes, uint64_t spread, uint64_t run,
                     uint64_t more_bytes)
{
    const uint64_t chunk_bytes = cs * UINT64_C(512);
    uint64_t *olds = test_calloc((size_t)(origin_bytes / chunk_bytes) + 1, sizeof *olds);
    uint64_t count = 0;

    *rig = (struct rig){.size_bytes = origin_bytes / 512 * 512, .stop_at_poll = UINT64_MAX};
    current = rig;
    for (uint64_t old = 0; spread && old * chunk_bytes < rig->size_bytes; old++)
        if (unit_random(&seed, spread) == 0)
            olds[count++] = old;
    for (uint64_t i = count; i > 1; i--) {
        uint64_t other = unit_random(&seed, i), old = olds[i - 1];

        olds[i - 1] = olds[other];
        olds[other] = old;
    }
    rig->origin_mem = io_mem_new("origin", origin_bytes, 512, false);
    rig->cow_mem = list_new(cs, (format_canonical(cs, count) + format_per_area(cs) + 1) * cs);
    rig->target_mem = io_mem_new("target", rig->size_bytes + more_bytes, 512, true);
    fill(rig->origin_mem, 0, run);
    fill(rig->cow_mem, chunk_bytes, run);
    for (uint64_t area = 0; (format_area_chunk(cs, area) + 1) * chunk_bytes <= rig->cow_mem->size_bytes; area++)
        memset(io_mem_bytes(rig->cow_mem) + format_area_chunk(cs, area) * chunk_bytes, 0, (size_t)chunk_bytes);
    memset(io_mem_bytes(rig->target_mem), FILL, (size_t)rig->target_mem->size_bytes);
    rig->naive = test_calloc(1, (size_t)rig->size_bytes + 1);
    memcpy(rig->naive, io_mem_bytes(rig->origin_mem), (size_t)rig->size_bytes);
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t at = olds[i] * chunk_bytes;
        const uint64_t part = rig->size_bytes - at < chunk_bytes ? rig->size_bytes - at : chunk_bytes;

        list_put(rig->cow_mem, cs, i, olds[i], format_canonical(cs, i));
        memcpy(rig->naive + at, io_mem_bytes(rig->cow_mem) + format_canonical(cs, i) * chunk_bytes, (size_t)part);
    }
    free(olds);
    rig->origin = io_fault_new(rig->origin_mem, NULL);
    rig->cow = io_fault_new(rig->cow_mem, NULL);
    rig->target = io_fault_new(rig->target_mem, NULL);
    rig->store = list_open(rig->cow);
    assert_ok(snap_view_open(&rig->view, &rig->store, rig->origin, MIB, &rig->err), &rig->err);
    rig->clock = (struct snap_clock){rig_now, rig_sleep, rig};
    rig->options = (struct snap_extract_options){
        .memory_bytes = 1, /* the smallest steps */
        .clock = &rig->clock,
        .stop = rig_stop,
        .stop_context = rig,
        .progress = rig_progress,
        .progress_context = rig,
    };
}

static void rig_close(struct rig *rig)
{
    snap_view_close(rig->view);
    list_close(rig->origin);
    list_close(rig->cow);
    list_close(rig->target);
    free(rig->naive);
}

static enum snap_status extract(struct rig *rig)
{
    rig->told_bytes = rig->polls = rig->tellings = 0;
    return snap_extract(rig->view, rig->target, &rig->options, &rig->result, &rig->err);
}

static enum snap_status verify(struct rig *rig)
{
    rig->told_bytes = rig->polls = rig->tellings = 0;
    return snap_extract_verify(rig->view, rig->target, &rig->options, &rig->result, &rig->err);
}

static void assert_extracted(struct rig *rig)
{
    const uint8_t *target = io_mem_bytes(rig->target_mem);

    assert_memory_equal(target, rig->naive, (size_t)rig->size_bytes);
    for (uint64_t at = rig->size_bytes; at < rig->target_mem->size_bytes; at++)
        assert_int_equal(target[at], FILL);
    assert_int_equal(rig->result.done_bytes, rig->size_bytes);
    assert_int_equal(rig->told_bytes, rig->size_bytes);
}

static void a_copy_is_the_view(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 120; round++) {
        const uint64_t origin_bytes = (unit_random(&seed, 1500) + 1) * 512 + (round % 4 ? 0 : 100);
        struct rig rig;

        rig_open(&rig, 1u << unit_random(&seed, 5), origin_bytes, unit_random(&seed, 6), 1 + unit_random(&seed, 300),
                 round % 3 * 512);
        rig.options.sparse = round % 2;
        rig.options.next_data = round / 2 % 2 ? zeros_are_holes : NULL;
        rig.options.read_ahead = unit_random(&seed, 2);
        rig.options.memory_bytes = unit_random(&seed, 2) ? 0 : 1;
        rig.options.clock = NULL;
        rig.options.stop = NULL;
        if (rig.options.sparse)
            memset(io_mem_bytes(rig.target_mem), 0, (size_t)rig.size_bytes);
        assert_ok(extract(&rig), &rig.err);
        assert_extracted(&rig);
        assert_int_equal(io_fault_count(rig.target, IO_FAULT_FLUSH), 1);
        assert_int_equal(io_fault_count(rig.target, IO_FAULT_READ), 0);
        assert_int_equal(rig.result.write_requests, io_fault_count(rig.target, IO_FAULT_WRITE));
        if (!rig.options.sparse)
            assert_int_equal(rig.result.written_bytes, rig.size_bytes);
        assert_ok(verify(&rig), &rig.err);
        assert_int_equal(rig.result.done_bytes, rig.size_bytes);
        assert_int_equal(rig.told_bytes, rig.size_bytes);
        assert_int_equal(rig.result.write_requests, 0);
        rig_close(&rig);
    }
}

/* FILL that is still there afterwards was not written. */
static void zeros_are_left_out_of_a_sparse_target_only(void **state)
{
    static const uint8_t zeros[4096];
    static uint8_t untouched[4096];
    uint64_t left_out = 0;
    struct rig rig;

    (void)state;
    memset(untouched, FILL, sizeof untouched);
    rig_open(&rig, 4, 4 * MIB + 2048, 5, 60, 0);
    rig.options.sparse = true;
    assert_ok(extract(&rig), &rig.err);
    for (uint64_t at = 0; at < rig.size_bytes; at += 4096) {
        const size_t length = rig.size_bytes - at < 4096 ? (size_t)(rig.size_bytes - at) : 4096;
        const bool zero = memcmp(rig.naive + at, zeros, length) == 0;

        assert_memory_equal(io_mem_bytes(rig.target_mem) + at, zero ? untouched : rig.naive + at, length);
        left_out += zero ? length : 0;
    }
    assert_true(left_out > 4096 * 10);
    assert_int_equal(rig.result.written_bytes, rig.size_bytes - left_out);
    rig.options.sparse = false;
    assert_ok(extract(&rig), &rig.err);
    assert_extracted(&rig);
    rig_close(&rig);
}

/* Two holes of the origin in which nothing can be read: one with an entry in it, one up to the end. */
static void holes_are_not_read(void **state)
{
    (void)state;
    for (unsigned way = 0; way < 8; way++) {
        struct rig rig;
        uint8_t *origin;

        rig_open(&rig, 8, 16 * MIB, 0, 1, 0);
        origin = io_mem_bytes(rig.origin_mem);
        memset(origin, 0, (size_t)rig.origin_mem->size_bytes);
        memset(origin, 1, 512);
        memset(origin + 4 * MIB, 1, 3 * MIB + 512);
        memset(io_mem_bytes(rig.cow_mem) + format_canonical(8, 0) * 4096, 2, 4096);
        list_put(rig.cow_mem, 8, 0, 3 * MIB / 4096, format_canonical(8, 0));
        memcpy(rig.naive, origin, (size_t)rig.size_bytes);
        memset(rig.naive + 3 * MIB, 2, 4096);
        io_fault_add(rig.origin, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true,
                                                    .offset_bytes = MIB, .length_bytes = MIB});
        io_fault_add(rig.origin, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true,
                                                    .offset_bytes = 9 * MIB, .length_bytes = 7 * MIB});
        assert_int_equal(extract(&rig), SNAP_E_IO); /* without knowing of them, they are met */
        rig.options.next_data = zeros_are_holes;
        rig.options.sparse = way & 1;
        rig.options.read_ahead = way & 2;
        rig.options.memory_bytes = way & 4 ? 0 : 1;
        if (rig.options.sparse)
            memset(io_mem_bytes(rig.target_mem), 0, (size_t)rig.size_bytes);
        assert_ok(extract(&rig), &rig.err);
        assert_extracted(&rig);
        assert_ok(verify(&rig), &rig.err);
        rig_close(&rig);
    }
}

/* Each operation of a kind on a device fails once: nothing is written behind it, and nothing is called durable. */
static void every_failure_ends_it(void **state)
{
    static const struct {
        unsigned device; /* origin, COW, target */
        enum io_fault_kind kind;
        uint64_t least;  /* so many operations it must have had */
    } kinds[] = {{0, IO_FAULT_READ, 16}, {1, IO_FAULT_READ, 16}, {2, IO_FAULT_WRITE, 16}, {2, IO_FAULT_FLUSH, 1}};

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        for (uint64_t at = 0;; at++) {
            struct rig rig;
            struct snap_io *device;
            uint64_t writes;

            rig_open(&rig, 8, MIB, 9, 100, 0);
            device = kinds[i].device == 0 ? rig.origin : kinds[i].device == 1 ? rig.cow : rig.target;
            rig.options.read_ahead = at % 2;
            io_fault_add(device, &(struct io_fault){.kind = kinds[i].kind, /* a failed read is tried once more */
                                                    .from_then_on = kinds[i].kind == IO_FAULT_READ,
                                                    .at = io_fault_count(device, kinds[i].kind) + at});
            if (extract(&rig) == SNAP_OK) { /* areas that nobody asked for are read too: they may fail */
                const bool met = io_fault_hits(device) > 0;

                assert_extracted(&rig);
                rig_close(&rig);
                if (met && kinds[i].device == 1)
                    continue;
                assert_false(met);
                assert_in_range(at, kinds[i].least, 1000);
                break;
            }
            if (kinds[i].device == 1 && strstr(rig.err.text, "data chunk "))
                assert_int_equal(rig.err.status, SNAP_E_CORRUPT);
            else
                assert_int_equal(rig.err.status, SNAP_E_IO);
            assert_non_null(strstr(rig.err.text, device->name));
            assert_true(kinds[i].kind == IO_FAULT_READ || io_fault_hits(device) == 1);
            writes = io_fault_count(rig.target, IO_FAULT_WRITE);
            if (kinds[i].kind == IO_FAULT_WRITE)
                assert_int_equal(writes, at + 1);
            assert_int_equal(io_fault_count(rig.target, IO_FAULT_FLUSH), kinds[i].kind == IO_FAULT_FLUSH);
            assert_memory_equal(io_mem_bytes(rig.target_mem), rig.naive, (size_t)rig.result.done_bytes);
            assert_int_equal(rig.result.done_bytes, rig.told_bytes);
            rig_close(&rig);
        }
    }
}

/* A data chunk belongs to the store, which is damaged then; what can be read the second time is no fault. */
static void a_chunk_that_cannot_be_read_is_named(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, 8, MIB, 9, 100, 0);
    io_fault_add(rig.cow, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true,
                                             .offset_bytes = 7 * 4096 + 512, .length_bytes = 512});
    assert_int_equal(extract(&rig), SNAP_E_CORRUPT);
    assert_non_null(strstr(rig.err.text, ": data chunk 7 of origin chunk "));
    assert_non_null(strstr(rig.err.text, " of the snapshot) cannot be read: Input/output error"));
    rig_close(&rig);
    rig_open(&rig, 8, MIB, 9, 100, 0);
    io_fault_add(rig.cow, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true, .sys_errno = ENOMEM,
                                             .offset_bytes = 7 * 4096, .length_bytes = 4096});
    assert_int_not_equal(extract(&rig), SNAP_E_CORRUPT); /* this says nothing about the store */
    assert_non_null(strstr(rig.err.text, "cow"));
    rig_close(&rig);
    rig_open(&rig, 8, MIB, 9, 100, 0);
    io_fault_add(rig.cow, &(struct io_fault){.kind = IO_FAULT_READ, .at = io_fault_count(rig.cow, IO_FAULT_READ) + 4});
    assert_int_equal(extract(&rig), SNAP_OK);
    assert_int_equal(io_fault_hits(rig.cow), 1);
    assert_extracted(&rig);
    rig_close(&rig);
}

static void a_stop_ends_it_at_any_poll(void **state)
{
    struct rig rig;
    uint64_t at = 0;
    enum snap_status status;

    (void)state;
    rig_open(&rig, 8, MIB, 9, 100, 0);
    do {
        const uint64_t flushes = io_fault_count(rig.target, IO_FAULT_FLUSH);

        rig.stop_at_poll = at++;
        rig.options.read_ahead = false;
        status = extract(&rig);
        if (status == SNAP_OK)
            break;
        assert_status(status, SNAP_E_STOPPED, &rig.err);
        assert_int_equal(io_fault_count(rig.target, IO_FAULT_FLUSH), flushes);
        assert_true(rig.result.done_bytes < rig.size_bytes);
        assert_true(rig.polls <= at + 1); /* it was heard: by the reader, then by the writer */
    } while (true);
    assert_true(at > 2 * 16); /* before each read and each write */
    assert_extracted(&rig);
    rig.stop_at_poll = 5;
    assert_status(verify(&rig), SNAP_E_STOPPED, &rig.err);
    rig.stop_at_poll = 5;
    rig.options.read_ahead = true;
    rig.options.clock = NULL;
    assert_status(extract(&rig), SNAP_E_STOPPED, &rig.err);
    rig_close(&rig);
}

static void verifying_finds_every_other_byte(void **state)
{
    struct rig rig;
    char text[64];

    (void)state;
    rig_open(&rig, 8, MIB + 1536, 5, 100, 512);
    rig.options.next_data = zeros_are_holes;
    assert_ok(extract(&rig), &rig.err);
    for (unsigned i = 0; i < 200; i++) {
        const uint64_t at = i == 0 ? 0 : i == 1 ? rig.size_bytes - 1 : unit_random(&seed, rig.size_bytes);
        const uint64_t writes = io_fault_count(rig.target, IO_FAULT_WRITE);

        io_mem_bytes(rig.target_mem)[at] ^= 1;
        assert_status(verify(&rig), SNAP_E_IO, &rig.err);
        (void)snprintf(text, sizeof text, "target: byte %" PRIu64 " ", at);
        assert_non_null(strstr(rig.err.text, text));
        assert_true(rig.result.done_bytes <= at);
        assert_int_equal(io_fault_count(rig.target, IO_FAULT_WRITE), writes);
        io_mem_bytes(rig.target_mem)[at] ^= 1;
    }
    io_mem_bytes(rig.target_mem)[rig.size_bytes] ^= 1; /* behind the view: not its business */
    assert_ok(verify(&rig), &rig.err);
    for (unsigned device = 0; device < 2; device++) {
        struct snap_io *io = device == 0 ? rig.target : rig.origin;

        io_fault_add(io, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = device == 1, /* tried once more */
                                            .at = io_fault_count(io, IO_FAULT_READ) + 3});
        assert_status(verify(&rig), SNAP_E_IO, &rig.err);
    }
    rig_close(&rig);
}

/* A target that says yes and writes nothing. */
static enum snap_status lie(struct snap_io *io, struct snap_io_request *requests, size_t count, struct snap_error *err)
{
    (void)io;
    if (requests[0].kind == SNAP_IO_WRITE && requests[0].offset_bytes == 3 * 64 * KIB)
        return SNAP_OK;
    return snap_io_transfer(current->target_mem, requests, count, err);
}

static enum snap_status lie_flush(struct snap_io *io, struct snap_error *err)
{
    (void)io;
    return snap_io_flush(current->target_mem, err);
}

static void a_target_that_loses_a_write_is_found_out(void **state)
{
    static const struct snap_io_ops ops = {.transfer = lie, .flush = lie_flush};
    struct snap_io liar;
    struct rig rig;

    (void)state;
    rig_open(&rig, 8, MIB, 9, 100, 0);
    liar = *rig.target_mem;
    liar.ops = &ops;
    assert_ok(snap_extract(rig.view, &liar, &rig.options, &rig.result, &rig.err), &rig.err);
    rig.told_bytes = 0;
    assert_status(snap_extract_verify(rig.view, &liar, &rig.options, &rig.result, &rig.err), SNAP_E_IO, &rig.err);
    assert_non_null(strstr(rig.err.text, "reads back as 0xa5"));
    assert_int_equal(rig.result.done_bytes, 3 * 64 * KIB);
    rig_close(&rig);
}

static void a_target_that_cannot_take_it_is_refused(void **state)
{
    struct snap_io *small = io_mem_new("small", MIB - 512, 512, true);
    struct snap_io *blocks = io_mem_new("blocks", 2 * MIB, 4096, true);
    struct rig rig;

    (void)state;
    rig_open(&rig, 8, MIB, 0, 100, 0);
    assert_status(snap_extract(rig.view, small, &rig.options, &rig.result, &rig.err), SNAP_E_NOSPC, &rig.err);
    assert_non_null(strstr(rig.err.text, "small: has 1048064 bytes, but the snapshot has 1048576"));
    assert_status(snap_extract_verify(rig.view, small, &rig.options, &rig.result, &rig.err), SNAP_E_NOSPC, &rig.err);
    assert_ok(snap_extract(rig.view, blocks, &rig.options, &rig.result, &rig.err), &rig.err);
    rig_close(&rig);
    rig_open(&rig, 8, MIB + 512, 0, 100, 0);
    assert_status(snap_extract(rig.view, blocks, &rig.options, &rig.result, &rig.err), SNAP_E_UNSUPPORTED, &rig.err);
    assert_non_null(strstr(rig.err.text, "blocks: logical blocks of 4096 bytes"));
    assert_int_equal(io_mem_bytes(small)[0], 0);
    rig_close(&rig);
    list_close(small);
    list_close(blocks);
}

static void rates_are_kept(void **state)
{
    struct rig rig;
    uint64_t reads, writes, tenths;

    (void)state;
    rig_open(&rig, 8, 4 * MIB, 3, 100, 0);
    rig.options.rate_bytes = MIB;
    assert_ok(extract(&rig), &rig.err);
    assert_extracted(&rig);
    assert_in_range(rig.now_ns, 3 * SECOND_NS, 5 * SECOND_NS);
    rig_close(&rig);

    rig_open(&rig, 8, 4 * MIB, 3, 100, 0);
    rig.options.rate_requests = 200;
    reads = io_fault_count(rig.origin, IO_FAULT_READ) + io_fault_count(rig.cow, IO_FAULT_READ);
    assert_ok(extract(&rig), &rig.err);
    assert_extracted(&rig);
    reads = io_fault_count(rig.origin, IO_FAULT_READ) + io_fault_count(rig.cow, IO_FAULT_READ) - reads;
    writes = io_fault_count(rig.target, IO_FAULT_WRITE);
    tenths = rig.now_ns / (SECOND_NS / 10);
    assert_true(reads > 500 && writes > 40);
    assert_true(reads <= tenths * 20 + 3 * 20); /* the list and the last step are not paid for */
    assert_true(tenths * 20 <= reads + writes);
    rig_close(&rig);

    rig_open(&rig, 8, 4 * MIB, 0, 100, 0); /* nothing is read, all is written */
    memset(io_mem_bytes(rig.origin_mem), 0, 4 * MIB);
    memset(rig.naive, 0, 4 * MIB);
    rig.options.next_data = zeros_are_holes;
    rig.options.rate_bytes = MIB;
    assert_ok(extract(&rig), &rig.err);
    assert_extracted(&rig);
    assert_in_range(rig.now_ns, 3 * SECOND_NS, 5 * SECOND_NS);
    rig_close(&rig);
}

/* A device that takes half a second for everything: a stop must not wait for 16 MiB of it. */
static void steps_become_small_on_slow_devices(void **state)
{
    struct rig rig;
    uint64_t tellings;

    (void)state;
    rig_open(&rig, 8, 8 * MIB, 0, 100, 0);
    rig.options.memory_bytes = 0;
    assert_ok(extract(&rig), &rig.err);
    assert_int_equal(rig.tellings, 4); /* 1, 2, 4, 1 MiB */
    rig.look_ns = SECOND_NS / 2;
    assert_ok(extract(&rig), &rig.err);
    tellings = rig.tellings;
    assert_true(tellings > 500);
    assert_extracted(&rig);
    rig_close(&rig);
}

static void no_allocation_can_fail_unnoticed(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, 8, MIB, 9, 100, 0);
    for (uint64_t k = 1; k <= 3; k++) {
        const uint64_t before_bytes = alloc.live_bytes;
        enum snap_status status = SNAP_OK;

        if (k <= 2) {
            alloc_fail_at(k, false);
            status = extract(&rig);
            alloc_fail_at(0, false);
            assert_int_equal(status, SNAP_E_NOMEM);
            assert_int_equal(io_fault_count(rig.target, IO_FAULT_WRITE), 0);
        }
        alloc_fail_at(k, false);
        status = verify(&rig);
        alloc_fail_at(0, false);
        assert_int_equal(status, SNAP_E_NOMEM);
        assert_int_equal(alloc.live_bytes, before_bytes);
    }
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_is_the_view),
        cmocka_unit_test(zeros_are_left_out_of_a_sparse_target_only),
        cmocka_unit_test(holes_are_not_read),
        cmocka_unit_test(every_failure_ends_it),
        cmocka_unit_test(a_chunk_that_cannot_be_read_is_named),
        cmocka_unit_test(a_stop_ends_it_at_any_poll),
        cmocka_unit_test(verifying_finds_every_other_byte),
        cmocka_unit_test(a_target_that_loses_a_write_is_found_out),
        cmocka_unit_test(a_target_that_cannot_take_it_is_refused),
        cmocka_unit_test(rates_are_kept),
        cmocka_unit_test(steps_become_small_on_slow_devices),
        cmocka_unit_test(no_allocation_can_fail_unnoticed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
