/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every request goes through before an implementation sees it: the end of the device, and the right to write. */
#include "lib/io/io.h"

#include "tests/support/io_mem.h"
#include "tests/unit/unit.h"

#include <string.h>

#define SIZE_BYTES 4096u

/* A device that counts what reaches it. */
struct counter {
    struct snap_io io;
    unsigned transfers, requests;
};

static enum snap_status count_transfer(struct snap_io *io, struct snap_io_request *requests, size_t count,
                                       struct snap_error *err)
{
    struct counter *counter = (struct counter *)io;

    (void)err;
    for (size_t i = 0; i < count; i++)
        assert_int_equal(requests[i].sys_errno, 0);
    counter->transfers++;
    counter->requests += (unsigned)count;
    return SNAP_OK;
}

static struct counter counter_new(bool writable)
{
    static const struct snap_io_ops ops = {.transfer = count_transfer};

    return (struct counter){.io = {.ops = &ops, .name = "device", .size_bytes = SIZE_BYTES, .writable = writable}};
}

static struct snap_io_request request_of(enum snap_io_kind kind, uint64_t offset_bytes, const struct iovec *iov)
{
    return (struct snap_io_request){
        .kind = kind, .offset_bytes = offset_bytes, .iov = iov, .iov_count = 1, .sys_errno = 5};
}

static void no_request_ends_beyond_the_device(void **state)
{
    static uint8_t bytes[SIZE_BYTES + 1];
    static const struct {
        uint64_t offset_bytes;
        size_t length_bytes;
        bool fits;
    } cases[] = {
        {0, SIZE_BYTES, true},     {0, SIZE_BYTES + 1, false}, {SIZE_BYTES - 1, 1, true}, {SIZE_BYTES - 1, 2, false},
        {SIZE_BYTES, 0, true},     {SIZE_BYTES, 1, false},     {UINT64_MAX, 1, false},    {UINT64_MAX - 1, 2, false},
        {UINT64_MAX, 512, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct counter counter = counter_new(true);
        const struct iovec iov = {bytes, cases[i].length_bytes};
        struct snap_io_request request = request_of(SNAP_IO_READ, cases[i].offset_bytes, &iov);
        struct snap_error err = {0};

        assert_status(snap_io_transfer(&counter.io, &request, 1, &err), cases[i].fits ? SNAP_OK : SNAP_E_INTERNAL,
                      &err);
        assert_int_equal(counter.transfers, cases[i].fits);
        if (!cases[i].fits)
            assert_non_null(strstr(err.text, "device: request at byte "));
    }
}

/* One bad request keeps the good ones of its vector from being sent, too. */
static void a_vector_is_sent_whole_or_not_at_all(void **state)
{
    static uint8_t bytes[512];
    const struct iovec iov = {bytes, sizeof bytes};
    struct counter counter = counter_new(true);
    struct snap_io_request requests[3] = {request_of(SNAP_IO_WRITE, 0, &iov), request_of(SNAP_IO_WRITE, 512, &iov),
                                          request_of(SNAP_IO_WRITE, SIZE_BYTES, &iov)};

    (void)state;
    assert_int_equal(snap_io_transfer(&counter.io, requests, 3, NULL), SNAP_E_INTERNAL);
    assert_int_equal(counter.requests, 0);
    must(snap_io_transfer(&counter.io, requests, 2, NULL));
    assert_int_equal(counter.requests, 2);
    must(snap_io_transfer(&counter.io, requests, 0, NULL));
    assert_int_equal(counter.transfers, 1);
}

static void a_device_for_reading_is_not_written_to(void **state)
{
    static uint8_t bytes[512];
    struct counter counter = counter_new(false);
    struct snap_error err = {0};

    (void)state;
    assert_status(snap_io_write(&counter.io, 0, sizeof bytes, bytes, &err), SNAP_E_INTERNAL, &err);
    assert_non_null(strstr(err.text, "device: write to a device that was opened read-only"));
    must(snap_io_read(&counter.io, 0, sizeof bytes, bytes, NULL));
    assert_int_equal(counter.requests, 1);
}

static struct snap_io_share *shares_seen;
static size_t shares_count;

static void note_shares(struct snap_io_share *shares, size_t count)
{
    shares_seen = shares;
    shares_count = count;
}

/* Together where the implementation can do that; a request that may not be keeps nobody else from working. */
static void shares_of_several_devices(void **state)
{
    static const struct snap_io_ops together = {.transfer = count_transfer, .transfer_shares = note_shares};
    static const struct snap_io_ops also_together = {.transfer = count_transfer, .transfer_shares = note_shares};
    static const struct {
        bool same, can, fits; /* of the second device: its implementation is the first one's, which can; its request */
    } cases[] = {{true, true, true}, {true, false, true}, {false, true, true}, {true, true, false}};
    static uint8_t bytes[512];
    const struct iovec iov = {bytes, sizeof bytes};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct counter one = counter_new(true), other = counter_new(true);
        struct snap_io_request requests[2] = {request_of(SNAP_IO_WRITE, 0, &iov),
                                              request_of(SNAP_IO_WRITE, cases[i].fits ? 512 : SIZE_BYTES, &iov)};
        struct snap_error errors[2] = {{0}, {0}};
        struct snap_io_share shares[2] = {
            {.io = &one.io, .requests = &requests[0], .count = 1, .err = &errors[0]},
            {.io = &other.io, .requests = &requests[1], .count = 1, .err = &errors[1]}};

        one.io.ops = cases[i].can ? &together : one.io.ops;
        if (cases[i].can)
            other.io.ops = cases[i].same ? &together : &also_together;
        shares_count = 0;
        snap_io_transfer_shares(shares, 2);
        assert_int_equal(shares[0].status, SNAP_OK);
        assert_status(shares[1].status, cases[i].fits ? SNAP_OK : SNAP_E_INTERNAL, &errors[1]);
        if (i == 0) {
            assert_ptr_equal(shares_seen, shares);
            assert_int_equal(shares_count, 2);
        } else {
            assert_int_equal(shares_count, 0);
            assert_int_equal(one.requests, 1);
            assert_int_equal(other.requests, cases[i].fits);
        }
    }
    snap_io_transfer_shares(NULL, 0);
}

static void the_forms_for_one_buffer_carry_it(void **state)
{
    struct snap_io *io = io_mem_new("memory", SIZE_BYTES, 512, true);
    uint8_t bytes[512], again[512];
    const struct iovec iov[3] = {{bytes, 100}, {again, 0}, {again, 412}};
    const struct snap_io_request request = {.iov = iov, .iov_count = 3};

    (void)state;
    memset(bytes, 0x5a, sizeof bytes);
    must(snap_io_write(io, 1024, sizeof bytes, bytes, NULL));
    must(snap_io_read(io, 1024, sizeof again, again, NULL));
    assert_memory_equal(again, bytes, sizeof bytes);
    assert_int_equal(io_mem_bytes(io)[1023], 0);
    assert_int_equal(snap_io_request_bytes(&request), 512);
    must(snap_io_flush(io, NULL));
    must_close(io);
    must_close(NULL);
}

/* Where nothing is known of holes, all may hold data; what is behind the end holds none. */
static void without_holes_all_is_data(void **state)
{
    static const struct {
        uint64_t offset_bytes, start_bytes, length_bytes;
    } cases[] = {{0, 0, SIZE_BYTES}, {1, 1, SIZE_BYTES - 1}, {SIZE_BYTES, SIZE_BYTES, 0}, {UINT64_MAX, SIZE_BYTES, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct counter counter = counter_new(false);
        uint64_t start_bytes = 77, length_bytes = 77;

        must(snap_io_next_data(&counter.io, cases[i].offset_bytes, &start_bytes, &length_bytes, NULL));
        assert_int_equal(start_bytes, cases[i].start_bytes);
        assert_int_equal(length_bytes, cases[i].length_bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_request_ends_beyond_the_device),
        cmocka_unit_test(without_holes_all_is_data),
        cmocka_unit_test(a_vector_is_sent_whole_or_not_at_all),
        cmocka_unit_test(a_device_for_reading_is_not_written_to),
        cmocka_unit_test(shares_of_several_devices),
        cmocka_unit_test(the_forms_for_one_buffer_carry_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
