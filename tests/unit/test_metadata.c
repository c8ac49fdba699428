/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The model of a group: what its text says is all there, and what cannot be is refused with its place. */
#include "config.h"

#include "lib/lvm/metadata.h"

#include "lib/lvm/volume.h"
#include "tests/unit/lvm_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#define STRIPES "type = \"striped\"\nstripe_count = 2\nstripe_size = 32\n\nstripes = [\n\"pv0\", 40,\n\"pv1\", 0\n]\n"
#define ORIGIN LVM_LV("origin", "2", LVM_LINEAR("2", "12", "8", "pv1", "40") LVM_LINEAR("1", "0", "12", "pv0", "0"))
#define SNAP LVM_LV("snap", "1", LVM_LINEAR("1", "0", "10", "pv0", "20"))
#define SNAP2 LVM_LV("snap2", "1", LVM_SEGMENT("1", "0", "4", STRIPES))
#define SNAPSHOT0 LVM_LV("snapshot0", "1", LVM_SNAPSHOT("20", "8", "origin", "merging_store", "snap"))
#define SNAPSHOT1 LVM_LV("snapshot1", "1", LVM_SNAPSHOT("20", "128", "origin", "cow_store", "snap2"))
#define THIN LVM_LV("thin", "1", LVM_SEGMENT("1", "0", "160", "type = \"thin\"\nthin_pool = \"pool\"\n"))
#define GROUP LVM_HEAD("16") LVM_PVS LVM_LVS(ORIGIN SNAP2 SNAP SNAPSHOT0 THIN SNAPSHOT1) LVM_TAIL

static struct snap_error err;

static struct snap_metadata *read(const char *text)
{
    struct snap_metadata *metadata = NULL;

    assert_ok(snap_metadata_read("pv", text, strlen(text), &metadata, &err), &err);
    return metadata;
}

static void a_group_is_read(void **state)
{
    struct snap_metadata *metadata = read(GROUP);

    (void)state;
    assert_string_equal(metadata->name, "vg");
    assert_string_equal(metadata->id, "VVVVVVGGGGGGGGGGGGGGGGGGGGGGGG00");
    assert_int_equal(metadata->seqno, 16);
    assert_int_equal(metadata->extent_sectors, 128);
    assert_string_equal(metadata->system_id, "");
    assert_string_equal(metadata->lock_type, "");
    assert_false(metadata->exported || metadata->clustered || metadata->partial || metadata->strange_flag);
    assert_false(snap_metadata_is_shared(metadata));
    assert_int_equal(metadata->pv_count, 2);
    assert_string_equal(metadata->pvs[1].name, "pv1");
    assert_string_equal(metadata->pvs[1].device, "/dev/pv1");
    assert_string_equal(metadata->pvs[1].id, LVM_ID_B);
    assert_int_equal(metadata->pvs[1].device_sectors, 8192);
    assert_int_equal(metadata->pvs[1].start_sectors, 2048);
    assert_int_equal(metadata->pvs[1].extents, 48);
    assert_false(metadata->pvs[1].missing);
    assert_int_equal(metadata->lv_count, 6);
    for (size_t i = 0; i < metadata->lv_count; i++)
        assert_int_equal(snap_metadata_find(metadata, metadata->lvs[i].name), i);
    assert_int_equal(snap_metadata_find(metadata, "snapshot"), metadata->lv_count);
    snap_metadata_free(metadata);
    snap_metadata_free(NULL);
}

/* Segments come in the order of their places, whatever their numbers. */
static void segments_are_read(void **state)
{
    struct snap_metadata *metadata = read(GROUP);
    const struct snap_metadata_lv *origin = &metadata->lvs[snap_metadata_find(metadata, "origin")];
    const struct snap_metadata_lv *snap2 = &metadata->lvs[snap_metadata_find(metadata, "snap2")];
    const struct snap_metadata_lv *thin = &metadata->lvs[snap_metadata_find(metadata, "thin")];

    (void)state;
    assert_true(origin->visible && origin->writable && !origin->locked && !origin->strange_flag);
    assert_int_equal(origin->extents, 20);
    assert_int_equal(origin->segment_count, 2);
    assert_int_equal(origin->segments[0].kind, SNAP_METADATA_STRIPED);
    assert_int_equal(origin->segments[0].extents, 12);
    assert_int_equal(origin->segments[0].stripe_count, 1);
    assert_int_equal(origin->segments[0].stripe_sectors, 0);
    assert_int_equal(origin->segments[1].start_extent, 12);
    assert_int_equal(origin->segments[1].stripes[0].pv, 1);
    assert_int_equal(origin->segments[1].stripes[0].first_extent, 40);
    assert_int_equal(snap2->segments[0].stripe_count, 2);
    assert_int_equal(snap2->segments[0].stripe_sectors, 32);
    assert_int_equal(snap2->segments[0].stripes[0].first_extent, 40);
    assert_int_equal(snap2->segments[0].stripes[1].pv, 1);
    assert_int_equal(thin->segments[0].kind, SNAP_METADATA_OTHER);
    assert_string_equal(thin->segments[0].type, "thin");
    assert_null(thin->segments[0].on_volume);
    snap_metadata_free(metadata);
}

static void snapshots_are_found(void **state)
{
    struct snap_metadata *metadata = read(GROUP);
    const size_t origin = snap_metadata_find(metadata, "origin"), snap = snap_metadata_find(metadata, "snap");
    const size_t snap2 = snap_metadata_find(metadata, "snap2");
    const struct snap_metadata_segment *segment = snap_metadata_snapshot_of(metadata, snap);
    size_t at;

    (void)state;
    assert_true(segment->merging && segment->origin == origin && segment->cow == snap && segment->chunk_sectors == 8);
    segment = snap_metadata_snapshot_of(metadata, snap2);
    assert_true(!segment->merging && segment->origin == origin && segment->cow == snap2);
    assert_int_equal(segment->chunk_sectors, 128);
    assert_null(snap_metadata_snapshot_of(metadata, origin));
    for (int any = 0; any < 2; any++) {
        const size_t of = any ? metadata->lv_count : origin;

        assert_int_equal(snap_metadata_next_snapshot(metadata, of, 0, &at)->cow, snap);
        assert_int_equal(snap_metadata_next_snapshot(metadata, of, at + 1, &at)->cow, snap2);
        assert_null(snap_metadata_next_snapshot(metadata, of, at + 1, &at));
    }
    assert_null(snap_metadata_next_snapshot(metadata, snap, 0, &at));
    snap_metadata_free(metadata);
}

/* `text` with the first `old` replaced; malloc'ed. */
static char *with(const char *text, const char *old, const char *new)
{
    const char *at = strstr(text, old);
    char *made = malloc(strlen(text) + strlen(new) + 1);

    assert_non_null(at);
    assert_non_null(made);
    memcpy(made, text, (size_t)(at - text));
    strcpy(made + (at - text), new);
    strcat(made, at + strlen(old));
    return made;
}

static struct snap_metadata *read_with(const char *old, const char *new)
{
    char *text = with(GROUP, old, new);
    struct snap_metadata *metadata = read(text);

    free(text);
    return metadata;
}

static void states_are_read(void **state)
{
    struct snap_metadata *metadata;

    (void)state;
    metadata = read_with("status = [\"RES", "status = [\"EXPORTED\", \"RES");
    assert_true(metadata->exported && !metadata->strange_flag);
    snap_metadata_free(metadata);
    metadata = read_with("\"RESIZEABLE\"", "\"CLUSTERED\"");
    assert_true(metadata->clustered && snap_metadata_is_shared(metadata));
    snap_metadata_free(metadata);
    metadata = read_with("max_lv", "lock_type = \"sanlock\"\nmax_lv");
    assert_true(snap_metadata_is_shared(metadata));
    snap_metadata_free(metadata);
    metadata = read_with("max_lv", "lock_type = \"none\"\nsystem_id = \"foo\"\nmax_lv");
    assert_false(snap_metadata_is_shared(metadata));
    assert_string_equal(metadata->system_id, "foo");
    snap_metadata_free(metadata);
    metadata = read_with("\"RESIZEABLE\"", "\"PARTIAL\"");
    assert_true(metadata->partial);
    snap_metadata_free(metadata);
    metadata = read_with("flags = []", "flags = [\"WRITE_LOCKED\", \"NEW\"]");
    assert_string_equal(metadata->strange_flag, "NEW");
    snap_metadata_free(metadata);
    metadata = read_with("[\"ALLOCATABLE\"]\nflags = []", "[\"ALLOCATABLE\"]\nflags = [\"MISSING\"]");
    assert_true(metadata->pvs[0].missing && !metadata->pvs[1].missing);
    snap_metadata_free(metadata);
    metadata = read_with("[\"READ\", \"WRITE\", \"VISIBLE\"]", "[\"READ\", \"LOCKED\", \"REBUILD\"]");
    assert_true(metadata->lvs[0].locked && !metadata->lvs[0].visible && !metadata->lvs[0].writable);
    assert_string_equal(metadata->lvs[0].strange_flag, "REBUILD");
    snap_metadata_free(metadata);
}

static void legs_of_a_raid1_volume_are_found(void **state)
{
    static const char *const strange[] = {
        "type = \"raid1\"\nraids = [\"snap\", \"gone\"]", "type = \"raid1\"\nraids = [\"snap\"]",
        "type = \"raid1\"\nraids = [1, 2]", "type = \"raid1\"\nraids = []", "type = \"raid1\"",
    };
    struct snap_metadata *metadata =
        read_with("type = \"thin\"", "type = \"raid1\"\nraids = [\"snap\", \"origin\", \"snap2\", \"snap\"]");
    const struct snap_metadata_segment *segment = metadata->lvs[snap_metadata_find(metadata, "thin")].segments;

    (void)state;
    assert_int_equal(segment->kind, SNAP_METADATA_RAID1);
    assert_int_equal(segment->leg_count, 2);
    assert_int_equal(segment->legs[0].meta, snap_metadata_find(metadata, "snap"));
    assert_int_equal(segment->legs[0].image, snap_metadata_find(metadata, "origin"));
    assert_int_equal(segment->legs[1].meta, snap_metadata_find(metadata, "snap2"));
    snap_metadata_free(metadata);
    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++) {
        metadata = read_with("type = \"thin\"", strange[i]);
        segment = metadata->lvs[snap_metadata_find(metadata, "thin")].segments;
        assert_int_equal(segment->kind, SNAP_METADATA_OTHER);
        assert_string_equal(segment->type, "raid1");
        snap_metadata_free(metadata);
    }
}

static void legs_of_a_mirror_are_found(void **state)
{
    static const char *const strange[] = {
        "type = \"mirror\"\nmirrors = [\"snap\", 0, \"gone\", 0]", "type = \"mirror\"\nmirrors = [\"snap\"]",
        "type = \"mirror\"\nmirrors = [\"snap\", 0, \"origin\", 1]",
        "type = \"mirror\"\nmirrors = [\"snap\", \"origin\"]",
        "type = \"mirror\"\nmirrors = [\"pv0\", 0, \"pv1\", 0]",
        "type = \"mirror\"\nmirrors = []", "type = \"mirror\"",
    };
    struct snap_metadata *metadata = read_with(
        "type = \"thin\"", "type = \"mirror\"\nmirror_count = 2\nmirrors = [\"origin\", 0, \"snap\", 0]");
    const struct snap_metadata_segment *segment = metadata->lvs[snap_metadata_find(metadata, "thin")].segments;

    (void)state;
    assert_int_equal(segment->kind, SNAP_METADATA_MIRROR);
    assert_int_equal(segment->leg_count, 2);
    assert_int_equal(segment->legs[0].image, snap_metadata_find(metadata, "origin"));
    assert_int_equal(segment->legs[1].image, snap_metadata_find(metadata, "snap"));
    snap_metadata_free(metadata);
    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++) {
        metadata = read_with("type = \"thin\"", strange[i]);
        segment = metadata->lvs[snap_metadata_find(metadata, "thin")].segments;
        assert_int_equal(segment->kind, SNAP_METADATA_OTHER);
        assert_string_equal(segment->type, "mirror");
        snap_metadata_free(metadata);
    }
}

/* A pvmove puts a volume of its own between a segment and its physical volume. */
static void a_segment_on_another_volume_is_told(void **state)
{
    struct snap_metadata *metadata = read_with("\"pv0\", 20", "\"thin\", 0");
    const struct snap_metadata_segment *segment = metadata->lvs[snap_metadata_find(metadata, "snap")].segments;

    (void)state;
    assert_int_equal(segment->kind, SNAP_METADATA_OTHER);
    assert_string_equal(segment->on_volume, "thin");
    snap_metadata_free(metadata);
}

static void what_cannot_be_is_refused(void **state)
{
    static const struct {
        const char *old, *new, *text;
    } cases[] = {
        {"contents = \"Text", "contents = \"text", "pv: LVM metadata: they do not say that they are \"Text Format"},
        {"version = 1\n", "version = 2\n", "they do not say that they are"},
        {"contents", "vg2 {\n}\ncontents", "there are two groups"},
        {"seqno = 16\n", "", "pv: LVM metadata: seqno is missing, or no number"},
        {"seqno = 16\n", "seqno = \"16\"\n", "seqno is missing, or no number"},
        {"seqno = 16\n", "seqno = [16, 17]\n", "seqno is missing, or no number"},
        {"seqno = 16\n", "seqno {\n}\n", "seqno is missing, or no number"},
        {"extent_size = 128", "extent_size = 0", "extent_size is 0, expected from 1 to 4294967295"},
        {"VVVVVV", "VVVVV", "id is \"VVVVV-GGGG-"},
        {"max_lv = 0", "system_id = 5", "pv: LVM metadata: system_id is missing, or no string"},
        {"pe_count = 48", "pe_count = 49",
         "LVM metadata, pv0: 49 extents of 128 sectors from sector 2048 on do not fit on a device of 8192 sectors"},
        {"pe_start = 2048", "pe_start = 18014398509481983", "do not fit on a device of 8192 sectors"},
        {"pe_start = 2048", "pe_start = 18014398509481984", "expected from 0 to 18014398509481983"},
        {"physical_volumes {", "physical_volumes {\nx = 1", "x is in a list of volumes, and no volume"},
        {"segment_count = 2", "segment_count = 3", "LVM metadata, origin: 2 segments, expected 3"},
        {"segment_count = 2", "segment_count = 0", "segment_count is 0, expected from 1 to"},
        {"start_extent = 12", "start_extent = 13", "LVM metadata, origin: a segment begins at extent 13, expected 12"},
        {"start_extent = 12", "start_extent = 11", "a segment begins at extent 11, expected 12"},
        {"extent_count = 8", "extent_count = 0", "origin, segment2: extent_count is 0"},
        {"\"pv1\", 40", "\"pv1\", 41", "segment2: 8 extents from extent 41 of \"pv1\" on, which has only 48"},
        {"\"pv1\", 40", "\"pv1\", 4611686018427387904", "which has only 48"},
        {"\"pv1\", 40", "\"pv2\", 40", "stripes names \"pv2\", and there is no such volume"},
        {"\"pv1\", 40", "\"pv1\"", "stripes is no list of 1 volumes with an extent each"},
        {"\"pv1\", 40", "40, \"pv1\"", "stripes is no list of 1 volumes"},
        {"\"pv1\", 40", "\"pv1\", 40, \"pv0\", 1", "stripes is no list of 1 volumes"},
        {"stripe_count = 2", "stripe_count = 3", "4 extents are no multiple of 3 stripes"},
        {"stripe_count = 2", "stripe_count = 129", "stripe_count is 129, expected from 1 to 128"},
        {"stripe_count = 2", "stripe_count = 4", "stripes is no list of 4 volumes"},
        {"stripe_size = 32", "stripe_size = 0", "stripe_size is 0"},
        {"stripe_size = 32", "stripe_size = 48",
         "2 extents of a stripe are no multiple of a stripe_size of 48 sectors"},
        {"chunk_size = 8", "chunk_size = 0", "LVM metadata, snapshot0, segment1: chunk_size is 0"},
        {"origin = \"origin\"", "origin = \"other\"", "origin is \"other\", and there is no such volume"},
        {"cow_store = \"snap2\"", "cow_store = \"snap3\"", "cow_store is \"snap3\", and there is no such volume"},
        {"cow_store = \"snap2\"", "", "cow_store is missing, or no string"},
        {"cow_store = \"snap2\"", "cow_store = \"origin\"", "a snapshot whose origin is its own store"},
        {"cow_store", "merging_store = \"snap\"\ncow_store", "cow_store and merging_store exclude each other"},
        {"cow_store = \"snap2\"", "cow_store = \"snap\"",
         "pv: LVM metadata: \"snap\" is the store of two snapshots, \"snapshot0\" and \"snapshot1\""},
        {LVM_ID_B_TEXT, LVM_ID_A_TEXT, "pv: LVM metadata: \"pv"},
        {"type = \"thin\"\n", "", "LVM metadata, thin, segment1: type is missing, or no string"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct snap_metadata *metadata = NULL;
        char *text = with(GROUP, cases[i].old, cases[i].new);

        assert_status(snap_metadata_read("pv", text, strlen(text), &metadata, &err), SNAP_E_CORRUPT, &err);
        if (!strstr(err.text, cases[i].text))
            fail_msg("%s: not in: %s", cases[i].text, err.text);
        free(text);
    }
}

static void a_group_may_have_no_volumes(void **state)
{
    struct snap_metadata *metadata = read(LVM_HEAD("1") LVM_TAIL);

    (void)state;
    assert_int_equal(metadata->pv_count + metadata->lv_count, 0);
    assert_int_equal(snap_metadata_find(metadata, "x"), 0);
    snap_metadata_free(metadata);
}

/* A group of `count` volumes, each an extent, whose second half are stores of snapshots of the first. */
static char *large_group(size_t count)
{
    const size_t room_bytes = count * 1024 + 4096;
    char *text = malloc(room_bytes);
    size_t used;

    assert_non_null(text);
    used = (size_t)snprintf(text, room_bytes, "%sphysical_volumes {\npv {\nid = \"%s\"\npe_start = 2048\n"
                            "pe_count = %zu\n}\n}\nlogical_volumes {\n", LVM_HEAD("1"), LVM_ID_A_TEXT, count);
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, room_bytes - used, LVM_LV("v%zu", "1", LVM_LINEAR("1", "0", "1", "pv",
                                 "%zu")), i, i);
    for (size_t i = count / 2; i < count; i++)
        used += (size_t)snprintf(text + used, room_bytes - used, LVM_LV("s%zu", "1", LVM_SNAPSHOT("1", "8", "v%zu",
                                 "cow_store", "v%zu")), i, i % 4, i);
    (void)snprintf(text + used, room_bytes - used, "}\n%s", LVM_TAIL);
    return text;
}

/* Everything that can be asked of a group, for each of its volumes: the cost grows as the text does. */
static void looks_grow_as_the_volumes_do(void **state)
{
    (void)state;
    for (size_t count = 256; count <= 4096; count *= 4) {
        char *text = large_group(count);
        struct snap_metadata *metadata = read(text);
        size_t snapshots = 0, stores = 0, at;

        for (size_t lv = 0; lv < metadata->lv_count; lv++) {
            struct snap_volume *volume = NULL;

            if (metadata->lvs[lv].segments->kind == SNAP_METADATA_STRIPED)
                assert_ok(snap_volume_new(metadata, lv, &volume, &err), &err);
            snap_volume_free(volume);
            stores += snap_metadata_snapshot_of(metadata, lv) != NULL;
            for (at = 0; snap_metadata_next_snapshot(metadata, lv, at, &at); at++)
                snapshots++;
        }
        for (at = 0; snap_metadata_next_snapshot(metadata, metadata->lv_count, at, &at); at++)
            snapshots++;
        assert_int_equal(stores, count / 2);
        assert_int_equal(snapshots, count);
        if (snap_metadata_looks(metadata) > 32 * count)
            fail_msg("%zu volumes: %ju looks", count, (uintmax_t)snap_metadata_looks(metadata));
        snap_metadata_free(metadata);
        free(text);
    }
}

static void a_text_without_a_group_is_refused(void **state)
{
    struct snap_metadata *metadata = NULL;

    (void)state;
    assert_status(snap_metadata_read("pv", "version = 1", 11, &metadata, &err), SNAP_E_CORRUPT, &err);
    assert_string_equal(err.text, "pv: LVM metadata: there is no group in them");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_is_read),
        cmocka_unit_test(segments_are_read),
        cmocka_unit_test(snapshots_are_found),
        cmocka_unit_test(states_are_read),
        cmocka_unit_test(legs_of_a_raid1_volume_are_found),
        cmocka_unit_test(legs_of_a_mirror_are_found),
        cmocka_unit_test(a_segment_on_another_volume_is_told),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(a_group_may_have_no_volumes),
        cmocka_unit_test(looks_grow_as_the_volumes_do),
        cmocka_unit_test(a_text_without_a_group_is_refused),
    };

#ifndef HAVE_LIBDEVMAPPER
    (void)puts("1..0 # SKIP this build lacks libdevmapper");
    return 0;
#endif
    return cmocka_run_group_tests(tests, NULL, NULL);
}
