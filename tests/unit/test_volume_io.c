/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests on a volume: where each byte goes, which requests the devices get, and what is said of failures. */
#include "lib/lvm/volume_io.h"

#include "tests/support/io_fault.h"
#include "tests/support/io_mem.h"
#include "tests/support/io_record.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define STRIPE 4096u
#define DEVICE_BYTES (UINT64_C(1) << 20)
#define SEGMENTS 4u
#define VOLUME_BYTES (UINT64_C(24) * STRIPE)

static struct snap_error err;

/*
 * 4 stripes' worth linear on a; 4 on b; 12 in stripes over a and b; 4 on a, right behind the first segment.
 */
static struct snap_volume *volume_new(void)
{
    static const struct snap_volume_area areas[][2] = {
        {{0, 65536}, {0, 0}}, {{1, 8192}, {0, 0}}, {{1, 131072}, {0, 262144}}, {{0, 65536 + 4 * STRIPE}, {0, 0}}};
    static const unsigned lengths[] = {4, 4, 12, 4};
    struct snap_volume *volume = calloc(1, sizeof *volume);

    assert_non_null(volume);
    volume->name = strdup("vg/lv");
    volume->segments = calloc(SEGMENTS, sizeof *volume->segments);
    assert_non_null(volume->segments);
    volume->segment_count = SEGMENTS;
    for (unsigned i = 0; i < SEGMENTS; i++) {
        struct snap_volume_segment *segment = &volume->segments[i];

        segment->logical_bytes = volume->size_bytes;
        segment->length_bytes = lengths[i] * STRIPE;
        segment->area_count = i == 2 ? 2 : 1;
        segment->stripe_bytes = i == 2 ? STRIPE : 0;
        segment->areas = calloc(segment->area_count, sizeof *segment->areas);
        assert_non_null(segment->areas);
        memcpy(segment->areas, areas[i], segment->area_count * sizeof *segment->areas);
        volume->size_bytes += segment->length_bytes;
    }
    assert_int_equal(volume->size_bytes, VOLUME_BYTES);
    return volume;
}

static struct snap_io *volume_over(struct snap_io *a, struct snap_io *b)
{
    struct snap_io *const members[] = {a, b, NULL};
    struct snap_io *io = NULL;

    assert_ok(snap_volume_io_new(volume_new(), members, 3, &io, &err), &err);
    return io;
}

/* The place of a byte, worked out by other means than the library's. */
static uint8_t *byte_of(struct snap_io *a, struct snap_io *b, uint64_t at)
{
    const uint64_t stripe = at / STRIPE, inside = at % STRIPE;

    if (stripe < 4)
        return io_mem_bytes(a) + 65536 + at;
    if (stripe < 8)
        return io_mem_bytes(b) + 8192 + (at - 4 * STRIPE);
    if (stripe >= 20)
        return io_mem_bytes(a) + 65536 + 4 * STRIPE + (at - 20 * STRIPE);
    return stripe % 2 == 0 ? io_mem_bytes(b) + 131072 + (stripe - 8) / 2 * STRIPE + inside
                           : io_mem_bytes(a) + 262144 + (stripe - 8) / 2 * STRIPE + inside;
}

static void each_byte_has_its_place(void **state)
{
    struct snap_io *a = io_mem_new("a", DEVICE_BYTES, 512, true), *b = io_mem_new("b", DEVICE_BYTES, 512, true);
    struct snap_io *io = volume_over(a, b);
    static uint8_t bytes[VOLUME_BYTES], again[VOLUME_BYTES];
    uint64_t seed = 3;

    (void)state;
    for (uint64_t i = 0; i < VOLUME_BYTES; i++)
        bytes[i] = (uint8_t)unit_random(&seed, 256);
    assert_ok(snap_io_write(io, 0, VOLUME_BYTES, bytes, &err), &err);
    for (uint64_t i = 0; i < VOLUME_BYTES; i++)
        assert_int_equal(*byte_of(a, b, i), bytes[i]);
    assert_ok(snap_io_read(io, 0, VOLUME_BYTES, again, &err), &err);
    assert_memory_equal(again, bytes, VOLUME_BYTES);
    for (uint64_t i = 0; i < VOLUME_BYTES; i++) /* and no other byte was written */
        *byte_of(a, b, i) = 0;
    for (uint64_t i = 0; i < DEVICE_BYTES; i++)
        assert_true(io_mem_bytes(a)[i] == 0 && io_mem_bytes(b)[i] == 0);
    must_close(io);
}

/* Vectors of any shape, several requests at once, held against a flat copy. */
static void random_requests(void **state)
{
    enum { ROUNDS = 300, REQUESTS = 5, IOVS = 40 };
    struct snap_io *a = io_mem_new("a", DEVICE_BYTES, 512, true), *b = io_mem_new("b", DEVICE_BYTES, 512, true);
    struct snap_io *io = volume_over(a, b);
    static uint8_t flat[VOLUME_BYTES], memory[REQUESTS][VOLUME_BYTES];
    uint64_t seed = 11;

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct snap_io_request requests[REQUESTS] = {0};
        struct iovec iovs[REQUESTS][IOVS];
        uint64_t offset = 0;
        size_t count = 0;

        while (count < REQUESTS && offset < VOLUME_BYTES) { /* one behind the other */
            uint64_t length = 0, wanted = 512 * (1 + unit_random(&seed, 80));
            unsigned iov_count = 0;

            offset += 512 * unit_random(&seed, 16);
            if (offset >= VOLUME_BYTES)
                break;
            wanted = wanted < VOLUME_BYTES - offset ? wanted : VOLUME_BYTES - offset;
            while (length < wanted) {
                const uint64_t left = wanted - length;
                uint64_t piece = iov_count + 1 == IOVS ? left : unit_random(&seed, 3000);

                piece = piece < left ? piece : left;
                iovs[count][iov_count++] = (struct iovec){memory[count] + length, (size_t)piece};
                length += piece;
            }
            requests[count] = (struct snap_io_request){.kind = unit_random(&seed, 2) ? SNAP_IO_WRITE : SNAP_IO_READ,
                                                       .offset_bytes = offset, .iov = iovs[count],
                                                       .iov_count = iov_count};
            for (uint64_t i = 0; i < length && requests[count].kind == SNAP_IO_WRITE; i++)
                flat[offset + i] = memory[count][i] = (uint8_t)unit_random(&seed, 256);
            offset += length;
            count++;
        }
        assert_ok(snap_io_transfer(io, requests, count, &err), &err);
        for (size_t i = 0; i < count; i++)
            assert_memory_equal(memory[i], flat + requests[i].offset_bytes, snap_io_request_bytes(&requests[i]));
    }
    must_close(io);
}

static void assert_log(struct recorder *recorder, const char *expected)
{
    char *text = recorder_log_text(recorder, true);

    assert_string_equal(text, expected);
    free(text);
    recorder_log_clear(recorder);
}

/* The exact requests of the devices: cut at borders, put together where neighbours, never more than that. */
static void requests_are_cut_and_joined(void **state)
{
    static uint8_t bytes[VOLUME_BYTES];
    struct recorder *recorder = recorder_new();
    struct snap_io *a = io_record_new(recorder, "a", NULL, DEVICE_BYTES, 512, true);
    struct snap_io *b = io_record_new(recorder, "b", NULL, DEVICE_BYTES, 512, true);
    struct snap_io *io = volume_over(a, b);

    (void)state;
    must(snap_io_write(io, 0, 4 * STRIPE, bytes, NULL)); /* all of a segment: one request */
    assert_log(recorder, "a write 65536 16384\n");
    must(snap_io_write(io, 3 * STRIPE, 2 * STRIPE, bytes, NULL)); /* over a border */
    assert_log(recorder, "a write 77824 4096\nb write 8192 4096\n");
    must(snap_io_write(io, 8 * STRIPE, 12 * STRIPE, bytes, NULL)); /* all stripes: one request for each device */
    assert_log(recorder, "a write 262144 24576\nb write 131072 24576\n");
    must(snap_io_read(io, 8 * STRIPE + 512, 2 * STRIPE, bytes, NULL)); /* stripe 8 from its second sector, 9, 10 */
    assert_log(recorder, "a read 262144 4096\nb read 131584 4096\n");
    must(snap_io_write(io, 9 * STRIPE, STRIPE, bytes, NULL)); /* one stripe */
    assert_log(recorder, "a write 262144 4096\n");
    must(snap_io_write(io, 0, VOLUME_BYTES, bytes, NULL)); /* the first and the last segment are neighbours on a */
    assert_log(recorder, "a write 65536 32768\na write 262144 24576\nb write 8192 16384\nb write 131072 24576\n");
    must(snap_io_flush(io, NULL)); /* both, whatever was written */
    assert_log(recorder, "a flush\nb flush\n");
    must_close(io);
    recorder_free(recorder);
}

/* A request may have as many vectors as the system takes; a device gets no more of them. */
static void many_vectors_and_many_requests(void **state)
{
    enum { REQUESTS = 40000, PLACES = 3000 }; /* more than are handed to the devices at once */
    struct snap_io *a = io_mem_new("a", DEVICE_BYTES, 512, true), *b = io_mem_new("b", DEVICE_BYTES, 512, true);
    struct snap_io *io = volume_over(a, b);
    static uint8_t byte[IOV_MAX * 64], read[REQUESTS];
    static struct iovec iovs[IOV_MAX], one[REQUESTS];
    static struct snap_io_request requests[REQUESTS];

    (void)state;
    for (unsigned i = 0; i < IOV_MAX; i++) {
        iovs[i] = (struct iovec){byte + i * 64u, 32}; /* gaps between them */
        memset(byte + i * 64u, (int)(i % 251), 32);
    }
    requests[0] = (struct snap_io_request){.kind = SNAP_IO_WRITE, .offset_bytes = 8 * STRIPE, .iov = iovs,
                                           .iov_count = IOV_MAX};
    assert_ok(snap_io_transfer(io, requests, 1, &err), &err);
    for (uint64_t i = 0; i < IOV_MAX * 32; i++)
        assert_int_equal(*byte_of(a, b, 8 * STRIPE + i), i / 32 % 251);
    for (unsigned i = 0; i < REQUESTS; i++) {
        one[i] = (struct iovec){read + i, 1};
        requests[i] = (struct snap_io_request){.kind = SNAP_IO_READ, .offset_bytes = 8 * STRIPE + i % PLACES * 7u,
                                               .iov = &one[i], .iov_count = 1};
    }
    assert_ok(snap_io_transfer(io, requests, REQUESTS, &err), &err);
    for (unsigned i = 0; i < REQUESTS; i++)
        assert_int_equal(read[i], i % PLACES * 7 / 32 % 251);
    must_close(io);
}

/* One device would get more vectors than the request has: the last one comes back to it with every second stripe. */
static void no_request_has_too_many_vectors(void **state)
{
    static uint8_t byte[IOV_MAX * 8], rest[12 * STRIPE];
    static struct iovec iovs[IOV_MAX];
    struct recorder *recorder = recorder_new();
    struct snap_io *io = volume_over(io_record_new(recorder, "a", NULL, DEVICE_BYTES, 512, true),
                                     io_record_new(recorder, "b", NULL, DEVICE_BYTES, 512, true));
    struct snap_io_request request = {.kind = SNAP_IO_READ, .offset_bytes = 8 * STRIPE, .iov = iovs,
                                      .iov_count = IOV_MAX};

    (void)state;
    for (unsigned i = 0; i < IOV_MAX - 1; i++)
        iovs[i] = (struct iovec){byte + i * 8u, 4};
    iovs[IOV_MAX - 1] = (struct iovec){rest, 12 * STRIPE - 4 * (IOV_MAX - 1)};
    assert_ok(snap_io_transfer(io, &request, 1, &err), &err);
    assert_log(recorder, "a read 262144 24576\nb read 131072 4096\nb read 135168 20480\n");
    must_close(io);
    recorder_free(recorder);
}

static size_t together;

static void count_shares(struct snap_io_share *shares, size_t count)
{
    together = count;
    for (size_t i = 0; i < count; i++)
        shares[i].status = shares[i].io->ops->transfer(shares[i].io, shares[i].requests, shares[i].count, NULL);
}

/* Nobody waits for the other device: both get what is theirs in one call, and only who has a part is asked. */
static void devices_work_at_the_same_time(void **state)
{
    static uint8_t bytes[VOLUME_BYTES];
    struct snap_io *a = io_mem_new("a", DEVICE_BYTES, 512, true), *b = io_mem_new("b", DEVICE_BYTES, 512, true);
    struct snap_io_ops ops = *a->ops;
    struct snap_io *io;

    (void)state;
    ops.transfer_shares = count_shares;
    a->ops = b->ops = &ops;
    io = volume_over(a, b);
    memset(bytes, 0x5a, sizeof bytes);
    must(snap_io_write(io, 0, VOLUME_BYTES, bytes, NULL));
    assert_int_equal(together, 2);
    for (uint64_t i = 0; i < VOLUME_BYTES; i++)
        assert_int_equal(*byte_of(a, b, i), 0x5a);
    together = 0;
    must(snap_io_read(io, 0, STRIPE, bytes, NULL));
    assert_int_equal(together, 0); /* a alone */
    must_close(io);
}

/* The first failed request is named with both places; the others are done all the same. */
static void a_failure_names_volume_and_device(void **state)
{
    static uint8_t bytes[4][4 * STRIPE];
    struct snap_io *a = io_mem_new("a", DEVICE_BYTES, 512, true), *b = io_mem_new("b", DEVICE_BYTES, 512, true);
    struct snap_io *faulty = io_fault_new(b, NULL);
    struct snap_io *io = volume_over(a, faulty);
    struct iovec iovs[4];
    struct snap_io_request requests[4];

    (void)state;
    for (unsigned i = 0; i < 2; i++)
        io_fault_add(faulty, &(struct io_fault){.kind = IO_FAULT_WRITE, .from_then_on = true,
                                                .offset_bytes = i ? 131072 : 8192 + STRIPE, .length_bytes = 512});
    for (unsigned i = 0; i < 4; i++) {
        memset(bytes[i], 1 + (int)i, sizeof bytes[i]);
        iovs[i] = (struct iovec){bytes[i], sizeof bytes[i]};
        requests[i] = (struct snap_io_request){.kind = SNAP_IO_WRITE, .offset_bytes = i * 4u * STRIPE, .iov = &iovs[i],
                                               .iov_count = 1};
    }
    assert_status(snap_io_transfer(io, requests, 4, &err), SNAP_E_IO, &err);
    assert_string_equal(err.text, "vg/lv: writing 16384 bytes at byte 16384 (from byte 8192 of b on): "
                                  "Input/output error");
    assert_int_equal(requests[0].sys_errno, 0);
    assert_int_equal(requests[1].sys_errno, EIO);
    assert_int_equal(requests[2].sys_errno, EIO);
    assert_int_equal(requests[3].sys_errno, 0);
    assert_int_equal(*byte_of(a, b, 0), 1);
    assert_int_equal(*byte_of(a, b, 12 * STRIPE), 4);
    must_close(io);
}

/* What the device says of its sizes is told, and the request has an errno that no caller takes for a bad sector. */
static void a_device_that_was_cut_is_told_in_its_own_words(void **state)
{
    static uint8_t bytes[4 * STRIPE]; /* of both devices */
    struct snap_io *a = io_mem_new("a", DEVICE_BYTES, 512, true), *b = io_mem_new("b", DEVICE_BYTES, 512, true);
    struct snap_io *faulty = io_fault_new(b, NULL);
    struct snap_io *io = volume_over(a, faulty);
    struct iovec iov = {bytes, sizeof bytes};
    struct snap_io_request request = {.kind = SNAP_IO_READ, .offset_bytes = 4 * STRIPE, .iov = &iov, .iov_count = 1};

    (void)state;
    io_fault_add(faulty, &(struct io_fault){.kind = IO_FAULT_READ, .sys_errno = ESTALE});
    assert_status(snap_io_transfer(io, &request, 1, &err), SNAP_E_CHANGED, &err);
    assert_int_equal(request.sys_errno, ESTALE);
    assert_int_equal(strncmp(err.text, "vg/lv: b: ", 10), 0);
    io_fault_clear(faulty);
    io_fault_add(faulty, &(struct io_fault){.kind = IO_FAULT_READ, .at = 1});
    assert_status(snap_io_transfer(io, &request, 1, &err), SNAP_E_IO, &err); /* of before nothing is left */
    must_close(io);
}

/* Each device is flushed once; the first failure is told. */
static void a_failed_flush_is_told(void **state)
{
    struct snap_io *a = io_fault_new(io_mem_new("a", DEVICE_BYTES, 512, true), NULL);
    struct snap_io *b = io_fault_new(io_mem_new("b", DEVICE_BYTES, 512, true), NULL);
    struct snap_io *io = volume_over(a, b);

    (void)state;
    io_fault_add(a, &(struct io_fault){.kind = IO_FAULT_FLUSH, .sys_errno = ENOSPC});
    assert_status(snap_io_flush(io, &err), SNAP_E_NOSPC, &err);
    assert_non_null(strstr(err.text, "vg/lv: a: "));
    assert_int_equal(io_fault_count(a, IO_FAULT_FLUSH), 1);
    assert_int_equal(io_fault_count(b, IO_FAULT_FLUSH), 1);
    io_fault_clear(a);
    assert_status(snap_io_flush(io, &err), SNAP_E_NOSPC, &err); /* it is final */
    assert_non_null(strstr(err.text, "vg/lv: an earlier flush has failed, so nobody knows what is durable: a: "));
    assert_int_equal(io_fault_count(b, IO_FAULT_FLUSH), 1);
    io_fault_add(b, &(struct io_fault){.kind = IO_FAULT_CLOSE});
    assert_status(snap_io_close(io, &err), SNAP_E_IO, &err);
}

static void facts_are_those_of_the_members(void **state)
{
    struct snap_io *a = io_mem_new("a", DEVICE_BYTES, 512, true), *b = io_mem_new("b", DEVICE_BYTES, 4096, true);
    struct snap_io *io;

    (void)state;
    b->memory_align_bytes = 8192;
    a->rotational = true;
    io = volume_over(a, b);
    assert_string_equal(io->name, "vg/lv");
    assert_int_equal(io->size_bytes, VOLUME_BYTES);
    assert_int_equal(io->logical_block_bytes, 4096);
    assert_int_equal(io->memory_align_bytes, 8192);
    assert_true(io->rotational && io->writable);
    must_close(io);
    io = volume_over(io_mem_new("a", DEVICE_BYTES, 512, true), io_mem_new("b", DEVICE_BYTES, 512, false));
    assert_false(io->writable || io->rotational);
    must_close(io);
}

/* The last byte of a segment on each device, and one byte less; blocks that are larger than what extents begin with. */
static void devices_must_hold_the_extents(void **state)
{
    static const struct {
        uint64_t a_bytes, b_bytes;
        uint32_t block_bytes;
        enum snap_status status;
        const char *text;
    } cases[] = {
        {262144 + 6 * STRIPE, 131072 + 6 * STRIPE, 4096, SNAP_OK, ""},
        {262144 + 6 * STRIPE - 512, DEVICE_BYTES, 512, SNAP_E_REFUSED,
         "vg/lv: it has 24576 bytes from byte 262144 of a on, but that device has only 286208 bytes; if it was "
         "cut, make it as long again as it was, at least 286720 bytes"},
        {DEVICE_BYTES, 131072 + 6 * STRIPE - 512, 512, SNAP_E_REFUSED,
         "vg/lv: it has 24576 bytes from byte 131072 of b on, but that device has only 155136 bytes; if it was "
         "cut, make it as long again as it was, at least 155648 bytes"},
        {65536 + 4 * STRIPE, DEVICE_BYTES, 512, SNAP_E_REFUSED, /* a later segment needs more */
         "that device has only 81920 bytes; if it was cut, make it as long again as it was, at least 286720 bytes"},
        {DEVICE_BYTES, DEVICE_BYTES, 8192, SNAP_E_UNSUPPORTED, "which have 8192 bytes"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct snap_io *members[] = {io_mem_new("a", cases[i].a_bytes, cases[i].block_bytes, true),
                                     io_mem_new("b", cases[i].b_bytes, cases[i].block_bytes, true)};
        struct snap_volume *volume = volume_new();
        struct snap_io *io;

        assert_status(snap_volume_io_new(volume, members, 2, &io, &err), cases[i].status, &err);
        if (cases[i].status == SNAP_OK) {
            must_close(io);
            continue;
        }
        if (!strstr(err.text, cases[i].text))
            fail_msg("%s: not in: %s", cases[i].text, err.text);
        must_close(members[0]);
        must_close(members[1]);
        snap_volume_free(volume);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_byte_has_its_place),
        cmocka_unit_test(random_requests),
        cmocka_unit_test(requests_are_cut_and_joined),
        cmocka_unit_test(many_vectors_and_many_requests),
        cmocka_unit_test(no_request_has_too_many_vectors),
        cmocka_unit_test(devices_work_at_the_same_time),
        cmocka_unit_test(a_failure_names_volume_and_device),
        cmocka_unit_test(a_device_that_was_cut_is_told_in_its_own_words),
        cmocka_unit_test(a_failed_flush_is_told),
        cmocka_unit_test(facts_are_those_of_the_members),
        cmocka_unit_test(devices_must_hold_the_extents),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
