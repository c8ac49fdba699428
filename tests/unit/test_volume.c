/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the bytes of a volume are: segments, stripes and their borders; types and overlaps that are refused. */
#include "lib/lvm/volume.h"

#include "tests/unit/unit.h"

#include <string.h>

#define EXTENT_BYTES (UINT64_C(128) * 512)
#define PV0_BYTES (UINT64_C(2048) * 512)
#define PV1_BYTES (UINT64_C(4096) * 512)

static struct snap_error err;

/* A group by hand: two physical volumes with 100 extents of 64 KiB each. */
static struct snap_metadata_pv pvs[] = {
    {.name = "pv0", .start_sectors = 2048, .extents = 100},
    {.name = "pv1", .start_sectors = 4096, .extents = 100},
};


static struct snap_volume *volume_of(struct snap_metadata_lv *lv)
{
    const struct snap_metadata metadata = {
        .name = "vg", .extent_sectors = 128, .pv_count = 2, .pvs = pvs, .lv_count = 1, .lvs = lv};
    struct snap_volume *volume = NULL;

    assert_ok(snap_volume_new(&metadata, 0, &volume, &err), &err);
    return volume;
}

static void assert_place(const struct snap_volume *volume, uint64_t logical_bytes, size_t pv, uint64_t offset_bytes,
                         uint64_t length_bytes)
{
    const struct snap_volume_place place = snap_volume_place_of(volume, logical_bytes);

    assert_int_equal(place.pv, pv);
    assert_int_equal(place.offset_bytes, offset_bytes);
    assert_int_equal(place.length_bytes, length_bytes);
}

static void linear_segments(void **state)
{
    struct snap_metadata_stripe stripes[] = {{0, 7}, {1, 0}, {0, 0}};
    struct snap_metadata_segment segments[3];
    struct snap_metadata_lv lv = {.name = "lv", .extents = 12, .segment_count = 3, .segments = segments};
    struct snap_volume *volume;

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        segments[i] = (struct snap_metadata_segment){.kind = SNAP_METADATA_STRIPED, .type = "striped",
                                                     .start_extent = (const uint64_t[]){0, 4, 9}[i],
                                                     .extents = (const uint64_t[]){4, 5, 3}[i],
                                                     .stripe_count = 1, .stripes = &stripes[i]};
    volume = volume_of(&lv);
    assert_string_equal(volume->name, "vg/lv");
    assert_int_equal(volume->size_bytes, 12 * EXTENT_BYTES);
    assert_int_equal(volume->segment_count, 3);
    assert_place(volume, 0, 0, PV0_BYTES + 7 * EXTENT_BYTES, 4 * EXTENT_BYTES);
    assert_place(volume, 4 * EXTENT_BYTES - 1, 0, PV0_BYTES + 11 * EXTENT_BYTES - 1, 1);
    assert_place(volume, 4 * EXTENT_BYTES, 1, PV1_BYTES, 5 * EXTENT_BYTES);
    assert_place(volume, 9 * EXTENT_BYTES - 1, 1, PV1_BYTES + 5 * EXTENT_BYTES - 1, 1);
    assert_place(volume, 9 * EXTENT_BYTES, 0, PV0_BYTES, 3 * EXTENT_BYTES);
    assert_place(volume, 12 * EXTENT_BYTES - 1, 0, PV0_BYTES + 3 * EXTENT_BYTES - 1, 1);
    assert_true(snap_volume_is_on(volume, 0) && snap_volume_is_on(volume, 1) && !snap_volume_is_on(volume, 2));
    assert_int_equal(snap_volume_needed_bytes(volume, 0), PV0_BYTES + 11 * EXTENT_BYTES);
    assert_int_equal(snap_volume_needed_bytes(volume, 1), PV1_BYTES + 5 * EXTENT_BYTES);
    assert_int_equal(snap_volume_needed_bytes(volume, 2), 0);
    snap_volume_free(volume);
    snap_volume_free(NULL);
}

/* Three stripes of 16 KiB, two of them on one physical volume, behind a linear segment. */
static void stripes(void **state)
{
    struct snap_metadata_stripe first = {1, 90}, three[] = {{0, 10}, {1, 20}, {0, 30}};
    struct snap_metadata_segment segments[] = {
        {.kind = SNAP_METADATA_STRIPED, .type = "striped", .extents = 2, .stripe_count = 1, .stripes = &first},
        {.kind = SNAP_METADATA_STRIPED, .type = "striped", .start_extent = 2, .extents = 6, .stripe_count = 3,
         .stripe_sectors = 32, .stripes = three},
    };
    struct snap_metadata_lv lv = {.name = "lv", .extents = 8, .segment_count = 2, .segments = segments};
    struct snap_volume *volume = volume_of(&lv);
    const uint64_t stripe = UINT64_C(32) * 512, base = 2 * EXTENT_BYTES;
    const uint64_t area[] = {PV0_BYTES + 10 * EXTENT_BYTES, PV1_BYTES + 20 * EXTENT_BYTES,
                             PV0_BYTES + 30 * EXTENT_BYTES};

    (void)state;
    assert_place(volume, base - 1, 1, PV1_BYTES + 92 * EXTENT_BYTES - 1, 1);
    for (unsigned i = 0; i < 24; i++) { /* 6 extents have 24 stripes */
        const size_t pv = i % 3 == 1;

        assert_place(volume, base + i * stripe, pv, area[i % 3] + i / 3 * stripe, stripe);
        assert_place(volume, base + i * stripe + 512, pv, area[i % 3] + i / 3 * stripe + 512, stripe - 512);
        assert_place(volume, base + i * stripe + stripe - 1, pv, area[i % 3] + (i / 3 + 1) * stripe - 1, 1);
    }
    assert_int_equal(volume->pv_count, 2); /* each once, in their order, whatever the order of the stripes */
    assert_int_equal(volume->pvs[0], 0);
    assert_int_equal(volume->pvs[1], 1);
    snap_volume_free(volume);
}

/* What stands on a volume of another type may not be taken for its own extents. */
static void other_types_are_refused(void **state)
{
    struct snap_metadata_stripe stripe = {0, 0};
    struct snap_metadata_segment segments[] = {
        {.kind = SNAP_METADATA_STRIPED, .type = "striped", .extents = 2, .stripe_count = 1, .stripes = &stripe},
        {.kind = SNAP_METADATA_OTHER, .type = "raid1", .start_extent = 2, .extents = 2},
    };
    struct snap_metadata_lv lv = {.name = "lv", .extents = 4, .segment_count = 2, .segments = segments};
    const struct snap_metadata metadata = {
        .name = "vg", .extent_sectors = 128, .pv_count = 2, .pvs = pvs, .lv_count = 1, .lvs = &lv};
    struct snap_volume *volume;

    (void)state;
    assert_status(snap_volume_new(&metadata, 0, &volume, &err), SNAP_E_REFUSED, &err);
    assert_string_equal(err.text, "vg/lv: its extents from 2 on are of type \"raid1\"; only linear and striped ones "
                                  "can be used without activating the volume");
    segments[1].on_volume = "pvmove0";
    assert_status(snap_volume_new(&metadata, 0, &volume, &err), SNAP_E_REFUSED, &err);
    assert_non_null(strstr(err.text, "stand on the volume \"pvmove0\""));
    segments[1].kind = SNAP_METADATA_SNAPSHOT;
    segments[1].on_volume = NULL;
    segments[1].type = "snapshot";
    assert_status(snap_volume_new(&metadata, 0, &volume, &err), SNAP_E_REFUSED, &err);
    lv.segment_count = 1;
    lv.extents = 2;
    assert_ok(snap_volume_new(&metadata, 0, &volume, &err), &err);
    snap_volume_free(volume);
    lv.locked = true;
    assert_status(snap_volume_new(&metadata, 0, &volume, &err), SNAP_E_REFUSED, &err);
    assert_non_null(strstr(err.text, "vg/lv: LVM is in the middle of a change of this volume (pvmove)"));
    lv.locked = false;
    lv.strange_flag = "REBUILD";
    assert_status(snap_volume_new(&metadata, 0, &volume, &err), SNAP_E_REFUSED, &err);
    assert_string_equal(err.text, "vg/lv: LVM gives it the status \"REBUILD\", which is not known here");
}

/* Extents of any two volumes: neighbours, and one extent more. */
static void overlaps_are_refused(void **state)
{
    struct snap_metadata_stripe one[] = {{1, 5}}, two[] = {{0, 20}, {1, 10}};
    struct snap_metadata_segment first = {.kind = SNAP_METADATA_STRIPED, .type = "striped", .extents = 5,
                                          .stripe_count = 1, .stripes = one};
    struct snap_metadata_segment second = {.kind = SNAP_METADATA_STRIPED, .type = "striped", .extents = 8,
                                           .stripe_count = 2, .stripe_sectors = 32, .stripes = two};
    struct snap_metadata_lv lvs[] = {{.name = "a", .extents = 5, .segment_count = 1, .segments = &first},
                                     {.name = "b", .extents = 8, .segment_count = 1, .segments = &second}};
    const struct snap_metadata metadata = {
        .name = "vg", .extent_sectors = 128, .pv_count = 2, .pvs = pvs, .lv_count = 2, .lvs = lvs};
    struct snap_volume *volume;

    (void)state;
    for (size_t lv = 0; lv < 2; lv++) {
        assert_ok(snap_volume_new(&metadata, lv, &volume, &err), &err);
        snap_volume_free(volume);
        one[0].first_extent = 6;
        assert_status(snap_volume_new(&metadata, lv, &volume, &err), SNAP_E_CORRUPT, &err);
        assert_string_equal(err.text, "vg: the LVM metadata give extent 10 of \"pv1\" to \"a\" and to \"b\"");
        one[0].first_extent = 14; /* right behind */
        assert_ok(snap_volume_new(&metadata, lv, &volume, &err), &err);
        snap_volume_free(volume);
        one[0].first_extent = 13;
        assert_status(snap_volume_new(&metadata, lv, &volume, &err), SNAP_E_CORRUPT, &err);
        one[0].first_extent = 5;
    }
    one[0].first_extent = 12;
    two[0].first_extent = 11; /* on the other physical volume, between the two that overlap */
    assert_status(snap_volume_new(&metadata, 0, &volume, &err), SNAP_E_CORRUPT, &err);
    one[0].first_extent = 5;
    two[0].first_extent = 20;
    two[1].pv = 0; /* a volume may overlap itself, too */
    two[1].first_extent = 23;
    assert_status(snap_volume_new(&metadata, 1, &volume, &err), SNAP_E_CORRUPT, &err);
    assert_string_equal(err.text, "vg: the LVM metadata give extent 23 of \"pv0\" to \"b\" and to \"b\"");
}

static void too_many_extents_are_refused(void **state)
{
    struct snap_metadata_stripe stripe = {0, 0};
    struct snap_metadata_segment segment = {.kind = SNAP_METADATA_STRIPED, .type = "striped", .extents = 2,
                                            .stripe_count = 1, .stripes = &stripe};
    struct snap_metadata_lv lv = {.name = "lv", .extents = 2, .segment_count = 1, .segments = &segment};
    const struct snap_metadata metadata = {
        .name = "vg", .extent_sectors = UINT32_MAX, .pv_count = 2, .pvs = pvs, .lv_count = 1, .lvs = &lv};
    struct snap_volume *volume;

    (void)state;
    lv.extents = INT64_MAX / (UINT64_C(512) * UINT32_MAX) + 1;
    assert_status(snap_volume_new(&metadata, 0, &volume, &err), SNAP_E_CORRUPT, &err);
    lv.extents = UINT64_MAX;
    assert_status(snap_volume_new(&metadata, 0, &volume, &err), SNAP_E_CORRUPT, &err);
    lv.extents = 2;
    assert_ok(snap_volume_new(&metadata, 0, &volume, &err), &err);
    snap_volume_free(volume);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear_segments),
        cmocka_unit_test(stripes),
        cmocka_unit_test(other_types_are_refused),
        cmocka_unit_test(overlaps_are_refused),
        cmocka_unit_test(too_many_extents_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
