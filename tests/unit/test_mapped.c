/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of device-mapper against the extents of a volume: what overlaps, what does not, and what may. */
#include "lib/lvm/mapped.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

static struct snap_error err;

/* On pv 0: sectors 2048 to 2303 and, in two stripes with pv 1, from 4096 on; 128 on each. On pv 1: 8192 to 8319. */
static struct snap_volume_area linear[] = {{0, 2048 * 512}};
static struct snap_volume_area striped[] = {{0, 4096 * 512}, {1, 8192 * 512}};
static struct snap_volume_segment segments[] = {
    {.logical_bytes = 0, .length_bytes = 256 * 512, .area_count = 1, .areas = linear},
    {.logical_bytes = 256 * 512, .length_bytes = 256 * 512, .stripe_bytes = 4096, .area_count = 2, .areas = striped},
};
static size_t pvs[] = {0, 1};
static char name[] = "vg/lv";
static const struct snap_volume volume = {.name = name, .size_bytes = 512 * 512, .segment_count = 2,
                                          .segments = segments, .pv_count = 2, .pvs = pvs};

static bool overlaps(size_t pv, const char *type, const char *params, uint64_t length_sectors)
{
    struct snap_dm_user user = {.length_sectors = length_sectors};

    (void)snprintf(user.target_type, sizeof user.target_type, "%s", type);
    (void)snprintf(user.params, sizeof user.params, "%s", params);
    return snap_mapped_overlaps(&volume, pv, makedev(8, 16u * (unsigned)pv), &user);
}

static void linear_tables(void **state)
{
    (void)state;
    assert_false(overlaps(0, "linear", "8:0 0", 2048));
    assert_true(overlaps(0, "linear", "8:0 0", 2049));
    assert_true(overlaps(0, "linear", "8:0 2100", 1));
    assert_true(overlaps(0, "linear", "8:0 2303", 1));
    assert_false(overlaps(0, "linear", "8:0 2304", 1792));
    assert_true(overlaps(0, "linear", "8:0 2304", 1793));
    assert_true(overlaps(0, "linear", "8:0 4223", 10));
    assert_false(overlaps(0, "linear", "8:0 4224", 100000));
    assert_false(overlaps(1, "linear", "8:16 2048", 256));
    assert_true(overlaps(1, "linear", "8:16 8319", 1));
    assert_false(overlaps(1, "linear", "8:16 8320", 1));
}

static void striped_tables(void **state)
{
    (void)state;
    assert_true(overlaps(0, "striped", "2 8 8:16 100000 8:0 1984", 130)); /* 65 sectors of each */
    assert_false(overlaps(0, "striped", "2 8 8:16 100000 8:0 1984", 128));
    assert_false(overlaps(1, "striped", "2 8 8:16 100000 8:0 1984", 130));
    assert_true(overlaps(1, "striped", "2 8 8:16 8000 8:0 0", 386));
    assert_false(overlaps(1, "striped", "2 8 8:16 8000 8:0 0", 384));
    assert_true(overlaps(0, "striped", "2 8 8:0 0 8:0 2047", 4)); /* the second share of one device */
}

/* What is not known to leave the extents alone is taken to be over them. */
static void other_tables_may_be_anywhere(void **state)
{
    char params[1024];

    (void)state;
    assert_true(overlaps(0, "crypt", "", 1));
    assert_true(overlaps(0, "snapshot", "8:0 8:16 P 8", 1));
    assert_true(overlaps(0, "multipath", "0 0 1 1 round-robin 0 1 1 8:0 100", 1));
    assert_true(overlaps(0, "linear", "8:0", 1));
    assert_true(overlaps(0, "linear", "8:0 many", 1));
    assert_true(overlaps(0, "linear", "8:1 0", 1)); /* it was said to name 8:0 */
    assert_true(overlaps(0, "striped", "8:0 0", 1));
    assert_true(overlaps(0, "striped", "0 8 8:0 0", 1));
    assert_true(overlaps(0, "linear", "8:0 18446744073709551615", 2));
    memset(params, ' ', sizeof params);
    memcpy(params, "40 8 8:0 0", 10);
    params[sizeof params - 1] = '\0';
    assert_true(overlaps(0, "striped", params, 40));
}

/* No table can map an image; and here is no device of this number. */
static void images_are_not_mapped(void **state)
{
    const uint64_t numbers[] = {0, 0};

    (void)state;
    assert_ok(snap_mapped_refuse(&volume, numbers, &err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear_tables),
        cmocka_unit_test(striped_tables),
        cmocka_unit_test(other_tables_may_be_anywhere),
        cmocka_unit_test(images_are_not_mapped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
