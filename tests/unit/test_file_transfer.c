/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests on several images at the same time: each byte where it belongs, each failure with the image that has it. */
#include "lib/io/file.h"

#include "tests/unit/folder_fixture.h"
#include "tests/unit/unit.h"

#include <errno.h>

#define IMAGES 3u
#define REQUESTS 6u
#define IMAGE_BYTES (64u * 1024 + 700) /* the last sector is not whole */
#define SHARE_BYTES (IMAGE_BYTES / REQUESTS)

static const char *const names[IMAGES] = {"a", "b", "c"};
static struct snap_error errors[IMAGES];

static void make_images(struct snap_io *ios[IMAGES], enum snap_io_engine engine, bool buffered)
{
    for (unsigned i = 0; i < IMAGES; i++) {
        const struct snap_file_options options = {.write = true, .engine = engine, .buffered = buffered && i == 1,
                                                  .queue_depth = 4};

        fixture_put(names[i], "");
        assert_int_equal(truncate(fixture_path(names[i]), IMAGE_BYTES), 0);
        assert_ok(snap_file_open(&ios[i], fixture_path(names[i]), &options, &errors[0]), &errors[0]);
    }
}

static void close_images(struct snap_io *ios[IMAGES])
{
    for (unsigned i = 0; i < IMAGES; i++)
        must_close(ios[i]);
}

/* One request in each sixth of each image, of any alignment; some images get none. */
struct round {
    struct snap_io_request requests[IMAGES][REQUESTS];
    struct iovec iovs[IMAGES][REQUESTS];
    struct snap_io_share shares[IMAGES];
};

static _Alignas(4096) uint8_t memory[IMAGES][REQUESTS][SHARE_BYTES + 4096];
static uint8_t flat[IMAGES][IMAGE_BYTES];

static size_t make_round(struct round *round, struct snap_io *ios[IMAGES], uint64_t *seed)
{
    size_t shares = 0;

    for (unsigned i = 0; i < IMAGES; i++) {
        const size_t count = unit_random(seed, REQUESTS + 1);

        for (size_t k = 0; k < count; k++) {
            const uint64_t unit = unit_random(seed, 2) ? 4096 : 1;
            const uint64_t first = (k * SHARE_BYTES + unit - 1) / unit * unit;
            const uint64_t room = ((k + 1) * SHARE_BYTES - first) / unit;
            const uint64_t length = room > 0 ? unit * (1 + unit_random(seed, (unsigned)room)) : 1;

            round->iovs[i][k] = (struct iovec){memory[i][k], (size_t)length};
            round->requests[i][k] = (struct snap_io_request){
                .kind = unit_random(seed, 2) ? SNAP_IO_WRITE : SNAP_IO_READ,
                .offset_bytes = room > 0 ? first : k * SHARE_BYTES,
                .iov = &round->iovs[i][k],
                .iov_count = 1,
            };
            for (uint64_t at = 0; at < length && round->requests[i][k].kind == SNAP_IO_WRITE; at++)
                flat[i][round->requests[i][k].offset_bytes + at] = memory[i][k][at] = (uint8_t)unit_random(seed, 256);
        }
        if (count > 0)
            round->shares[shares++] = (struct snap_io_share){
                .io = ios[i], .requests = round->requests[i], .count = count, .err = &errors[i]};
    }
    return shares;
}

static void all_images_get_their_bytes(void **state)
{
    static const enum snap_io_engine engines[] = {SNAP_IO_ENGINE_AUTO, SNAP_IO_ENGINE_THREADS};
    uint64_t seed = 5;

    (void)state;
    for (unsigned way = 0; way < 4; way++) {
        struct snap_io *ios[IMAGES];

        make_images(ios, engines[way % 2], way >= 2);
        memset(flat, 0, sizeof flat);
        for (unsigned turn = 0; turn < 60; turn++) {
            static struct round round;
            const size_t shares = make_round(&round, ios, &seed);

            snap_io_transfer_shares(round.shares, shares);
            for (size_t i = 0; i < shares; i++) {
                const size_t image = (size_t)(round.shares[i].err - errors);

                assert_ok(round.shares[i].status, round.shares[i].err);
                for (size_t k = 0; k < round.shares[i].count; k++)
                    assert_memory_equal(memory[image][k], flat[image] + round.requests[image][k].offset_bytes,
                                        round.iovs[image][k].iov_len);
            }
        }
        for (unsigned i = 0; i < IMAGES; i++) {
            static uint8_t all[IMAGE_BYTES];

            assert_ok(snap_io_read(ios[i], 0, IMAGE_BYTES, all, &errors[i]), &errors[i]);
            assert_memory_equal(all, flat[i], IMAGE_BYTES);
        }
        close_images(ios);
    }
}

/* The one in the middle was cut: nothing is written to it, the others are served, and only it is named. */
static void a_cut_image_keeps_nobody_from_working(void **state)
{
    static uint8_t all[4096];
    struct snap_io *ios[IMAGES];
    struct snap_io_share shares[IMAGES];
    struct snap_io_request requests[IMAGES];
    const struct iovec iov = {memory[0][0], 4096};

    (void)state;
    memset(memory[0][0], 0x5a, 4096);
    make_images(ios, SNAP_IO_ENGINE_AUTO, false);
    assert_int_equal(truncate(fixture_path("b"), 100), 0);
    for (unsigned i = 0; i < IMAGES; i++) {
        requests[i] = (struct snap_io_request){
            .kind = SNAP_IO_WRITE, .offset_bytes = 8192, .iov = &iov, .iov_count = 1};
        shares[i] = (struct snap_io_share){.io = ios[i], .requests = &requests[i], .count = 1, .err = &errors[i]};
    }
    snap_io_transfer_shares(shares, IMAGES);
    for (unsigned i = 0; i < IMAGES; i++) {
        assert_status(shares[i].status, i == 1 ? SNAP_E_CHANGED : SNAP_OK, &errors[i]);
        assert_int_equal(requests[i].sys_errno, i == 1 ? ESTALE : 0);
        if (i == 1)
            continue;
        assert_ok(snap_io_read(ios[i], 8192, 4096, all, &errors[i]), &errors[i]);
        assert_memory_equal(all, memory[0][0], 4096);
    }
    assert_non_null(strstr(errors[1].text, "b: it had 66236 bytes when it was opened and has 100 now"));
    assert_int_equal(truncate(fixture_path("b"), IMAGE_BYTES), 0);
    close_images(ios);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_images_get_their_bytes, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(a_cut_image_keeps_nobody_from_working, fixture_make, fixture_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
