/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rate limit, on a clock that the test winds. */
#include "lib/base/clock.h"
#include "lib/io/throttle.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/unit.h"

#define SECOND_NS UINT64_C(1000000000)

struct fake {
    uint64_t now_ns;
    uint64_t late_ns;    /* what each sleep takes more than asked for */
    uint64_t cut;        /* divides each sleep: 2 wakes up early */
    uint64_t sleeps, longest_ns;
    uint64_t polls, stop_at_poll;
};

static uint64_t fake_now(void *context)
{
    return ((struct fake *)context)->now_ns;
}

static void fake_sleep(void *context, uint64_t duration_ns)
{
    struct fake *fake = context;

    fake->sleeps++;
    fake->longest_ns = duration_ns > fake->longest_ns ? duration_ns : fake->longest_ns;
    fake->now_ns += duration_ns / (fake->cut ? fake->cut : 1) + 1 + fake->late_ns;
}

static bool fake_stop(void *context)
{
    struct fake *fake = context;

    return fake->polls++ >= fake->stop_at_poll;
}

static void test_no_limit(void **state)
{
    struct fake fake = {.now_ns = 5, .stop_at_poll = 100};
    const struct snap_clock clock = {fake_now, fake_sleep, &fake};
    struct snap_throttle throttle;

    (void)state;
    snap_throttle_init(&throttle, &clock, 0, 0);
    assert_true(snap_throttle_burst_bytes(&throttle) == UINT64_MAX);
    for (int i = 0; i < 100; i++)
        assert_true(snap_throttle_take(&throttle, UINT64_MAX, 1, fake_stop, &fake));
    assert_false(snap_throttle_take(&throttle, 1, 1, fake_stop, &fake));
    assert_true(snap_throttle_take(&throttle, 1, 1, NULL, NULL));
    assert_int_equal(fake.sleeps, 0);
}

static void test_burst(void **state)
{
    static const struct {
        uint64_t rate_bytes, burst_bytes;
    } cases[] = {{1, 1}, {9, 1}, {10, 1}, {19, 1}, {20, 2}, {1000000, 100000}, {UINT64_MAX, UINT64_MAX / 10}};
    struct fake fake = {.now_ns = 5};
    const struct snap_clock clock = {fake_now, fake_sleep, &fake};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct snap_throttle throttle;

        snap_throttle_init(&throttle, &clock, cases[i].rate_bytes, 0);
        assert_true(snap_throttle_burst_bytes(&throttle) == cases[i].burst_bytes);
    }
}

/*
 * Random takes, with random pauses: over any span between two grants, both included, no more than rate * span plus
 * one burst, or the largest request.
 */
static void test_never_more_than_the_rate(void **state)
{
    enum { TAKES = 700 };
    static uint64_t at_ns[TAKES], bytes[TAKES];
    uint64_t random = 77;

    (void)state;
    for (int round = 0; round < 6; round++) {
        const uint64_t rate_bytes = round < 3 ? 10000000 : 700;
        struct fake fake = {.now_ns = SECOND_NS, .cut = round % 3 == 2 ? 3 : 1, .late_ns = round % 3 == 1 ? 50000 : 0};
        const struct snap_clock clock = {fake_now, fake_sleep, &fake};
        struct snap_throttle throttle;
        uint64_t largest;

        snap_throttle_init(&throttle, &clock, rate_bytes, 0);
        largest = snap_throttle_burst_bytes(&throttle);
        for (int i = 0; i < TAKES; i++) {
            bytes[i] = unit_random(&random, i % 50 ? 1000000 / 3 : 3000000) + 1;
            if (unit_random(&random, 10) == 0)
                fake.now_ns += unit_random(&random, 3 * SECOND_NS);
            assert_true(snap_throttle_take(&throttle, bytes[i], 1, NULL, NULL));
            at_ns[i] = fake.now_ns;
            largest = bytes[i] > largest ? bytes[i] : largest;
        }
        for (int first = 0; first < TAKES; first++) {
            double sum = 0;

            for (int last = first; last < TAKES; last++) {
                double span = (double)(at_ns[last] - at_ns[first]) / (double)SECOND_NS;

                sum += (double)bytes[last];
                assert_true(sum <= (double)rate_bytes * span + (double)largest + 1);
            }
        }
    }
}

static void test_rate_is_reached(void **state)
{
    static const uint64_t rates[] = {100000, 3000000, 1000000000, 123456789012};

    (void)state;
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        struct fake fake = {.now_ns = SECOND_NS, .late_ns = 60000}; /* as a real sleep is */
        const struct snap_clock clock = {fake_now, fake_sleep, &fake};
        struct snap_throttle throttle;
        uint64_t sum = 0, burst;
        double seconds;

        snap_throttle_init(&throttle, &clock, rates[i], 0);
        burst = snap_throttle_burst_bytes(&throttle);
        while (fake.now_ns < 101 * SECOND_NS) {
            assert_true(snap_throttle_take(&throttle, burst, 1, NULL, NULL));
            sum += burst;
            fake.now_ns += 30000000; /* the transfer itself */
        }
        seconds = (double)(fake.now_ns - SECOND_NS) / (double)SECOND_NS;
        assert_true((double)sum >= 0.98 * (double)rates[i] * seconds);
        assert_true((double)sum <= 1.02 * (double)rates[i] * seconds);
    }
}

static void test_idle_saves_nothing(void **state)
{
    struct fake fake = {.now_ns = SECOND_NS};
    const struct snap_clock clock = {fake_now, fake_sleep, &fake};
    struct snap_throttle throttle;

    (void)state;
    snap_throttle_init(&throttle, &clock, 1000000, 0);
    assert_true(snap_throttle_take(&throttle, 100000, 1, NULL, NULL));
    fake.now_ns += 3600 * SECOND_NS;
    assert_true(snap_throttle_take(&throttle, 100000, 1, NULL, NULL)); /* one at once ... */
    assert_int_equal(fake.sleeps, 0);
    assert_true(snap_throttle_take(&throttle, 100000, 1, NULL, NULL)); /* ... and no second */
    assert_true(fake.now_ns >= SECOND_NS + 3600 * SECOND_NS + SECOND_NS / 10);
}

static void test_large_request(void **state)
{
    struct fake fake = {.now_ns = SECOND_NS};
    const struct snap_clock clock = {fake_now, fake_sleep, &fake};
    struct snap_throttle throttle;

    (void)state;
    snap_throttle_init(&throttle, &clock, 1000000, 0);
    assert_true(snap_throttle_take(&throttle, UINT64_C(60) * 1000000, 1, NULL, NULL));
    assert_int_equal(fake.sleeps, 0); /* granted at once, ... */
    assert_true(snap_throttle_take(&throttle, 1, 1, NULL, NULL));
    assert_true(fake.now_ns >= 61 * SECOND_NS); /* ... paid for before the next */
    assert_true(fake.now_ns < 61 * SECOND_NS + SECOND_NS / 10);
    assert_true(fake.longest_ns <= SECOND_NS / 10); /* a stop is seen in time */
}

/* The stricter of the two rates counts. */
static void test_requests(void **state)
{
    struct fake fake = {.now_ns = SECOND_NS};
    const struct snap_clock clock = {fake_now, fake_sleep, &fake};
    struct snap_throttle throttle;

    (void)state;
    snap_throttle_init(&throttle, &clock, 0, 50);
    assert_true(snap_throttle_burst_bytes(&throttle) == UINT64_MAX);
    assert_int_equal(snap_throttle_burst_requests(&throttle), 5);
    for (int i = 0; i <= 100; i++)
        assert_true(snap_throttle_take(&throttle, UINT64_MAX, 5, NULL, NULL));
    assert_true(fake.now_ns >= 11 * SECOND_NS && fake.now_ns < 11 * SECOND_NS + SECOND_NS / 10);

    fake.now_ns = SECOND_NS;
    snap_throttle_init(&throttle, &clock, 1000, 50);
    assert_true(snap_throttle_take(&throttle, 1000, 1, NULL, NULL)); /* a second by its bytes */
    assert_true(snap_throttle_take(&throttle, 10, 100, NULL, NULL)); /* two by their number */
    assert_true(snap_throttle_take(&throttle, 1, 1, NULL, NULL));
    assert_true(fake.now_ns >= 4 * SECOND_NS && fake.now_ns < 4 * SECOND_NS + SECOND_NS / 10);
}

/* A request that no lifetime would pay for: it waits for ever, it does not come out small. */
static void test_absurd_request(void **state)
{
    struct fake fake = {.now_ns = SECOND_NS, .stop_at_poll = 1000};
    const struct snap_clock clock = {fake_now, fake_sleep, &fake};
    struct snap_throttle throttle;

    (void)state;
    snap_throttle_init(&throttle, &clock, 1, 0);
    assert_true(snap_throttle_take(&throttle, UINT64_C(1) << 60, 1, NULL, NULL));
    assert_false(snap_throttle_take(&throttle, 1, 1, fake_stop, &fake));
    assert_true(fake.sleeps >= 999);
}

static void test_stop(void **state)
{
    struct fake fake = {.now_ns = SECOND_NS, .stop_at_poll = 0};
    const struct snap_clock clock = {fake_now, fake_sleep, &fake};
    struct snap_throttle throttle;
    uint64_t ready_ns;

    (void)state;
    snap_throttle_init(&throttle, &clock, 1000, 0);
    ready_ns = throttle.ready_ns;
    assert_false(snap_throttle_take(&throttle, 5000, 1, fake_stop, &fake)); /* also where it need not wait */
    assert_true(throttle.ready_ns == ready_ns);
    assert_true(snap_throttle_take(&throttle, 5000, 1, NULL, NULL));
    ready_ns = throttle.ready_ns;
    fake.polls = 0;
    fake.stop_at_poll = 3;
    assert_false(snap_throttle_take(&throttle, 5000, 1, fake_stop, &fake));
    assert_int_equal(fake.sleeps, 3);
    assert_true(fake.now_ns < 2 * SECOND_NS);
    assert_true(throttle.ready_ns == ready_ns); /* nothing taken */
}

static void test_system_clock(void **state)
{
    uint64_t before_ns = snap_clock_system.now_ns(snap_clock_system.context);

    (void)state;
    snap_clock_system.sleep_ns(snap_clock_system.context, 1000000);
    assert_true(before_ns > 0);
    assert_true(snap_clock_system.now_ns(snap_clock_system.context) >= before_ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_limit),
        cmocka_unit_test(test_burst),
        cmocka_unit_test(test_never_more_than_the_rate),
        cmocka_unit_test(test_rate_is_reached),
        cmocka_unit_test(test_idle_saves_nothing),
        cmocka_unit_test(test_large_request),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_absurd_request),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_system_clock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
