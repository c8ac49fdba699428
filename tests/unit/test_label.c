/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Labels of physical volumes: read where they are sound, and named by device, place, found and expected elsewhere. */
#include "lib/lvm/label.h"

#include "tests/unit/lvm_fixture.h"

static struct snap_error err;

static void a_label_is_read(void **state)
{
    const uint64_t areas[] = {LVM_AREA_AT, LVM_PV_BYTES - LVM_AREA_BYTES};
    struct snap_label label;

    (void)state;
    for (unsigned sector = 0; sector < 4; sector++) {
        struct snap_io *io = io_mem_new("pv", LVM_PV_BYTES, 512, false);

        (void)lvm_put_label(io, sector, LVM_ID_A, 2, areas);
        assert_ok(snap_label_read(io, &label, &err), &err);
        assert_string_equal(label.id, LVM_ID_A);
        assert_int_equal(label.sector, sector);
        assert_int_equal(label.device_bytes, LVM_PV_BYTES);
        assert_int_equal(label.data.count, 1);
        assert_int_equal(label.data.range[0].offset_bytes, LVM_DATA_AT);
        assert_int_equal(label.data.range[0].length_bytes, 0);
        assert_int_equal(label.metadata.count, 2);
        for (unsigned i = 0; i < 2; i++) {
            assert_int_equal(label.metadata.range[i].offset_bytes, areas[i]);
            assert_int_equal(label.metadata.range[i].length_bytes, LVM_AREA_BYTES);
        }
        assert_int_equal(label.loader.count, 0);
        assert_int_equal(label.extension_version, 2);
        assert_int_equal(label.extension_flags, 1);
        must_close(io);
    }
}

static void a_label_without_extension_and_one_with_a_loader(void **state)
{
    struct snap_io *io = io_mem_new("pv", LVM_PV_BYTES, 512, false);
    const unsigned behind = lvm_put_label(io, 1, LVM_ID_A, 0, NULL);
    uint8_t *bytes = io_mem_bytes(io) + 512;
    struct snap_label label;

    (void)state;
    lvm_put(bytes + behind, 8, 2048);
    lvm_put(bytes + behind + 8, 8, 1024);
    lvm_seal_label(io, 1);
    assert_ok(snap_label_read(io, &label, &err), &err);
    assert_int_equal(label.metadata.count, 0);
    assert_int_equal(label.loader.count, 1);
    assert_int_equal(label.loader.range[0].offset_bytes, 2048);
    assert_int_equal(label.loader.range[0].length_bytes, 1024);
    lvm_put(bytes + behind - 8, 8, 0); /* no extension: what follows says nothing */
    lvm_seal_label(io, 1);
    assert_ok(snap_label_read(io, &label, &err), &err);
    assert_int_equal(label.extension_version, 0);
    assert_int_equal(label.loader.count, 0);
    must_close(io);
}

static void a_device_without_label_is_no_physical_volume(void **state)
{
    static const uint64_t sizes[] = {0, 1, 512, 1023, 2048, 8192};
    struct snap_label label;

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct snap_io *io = io_mem_new("disk.img", sizes[i], 512, false);

        assert_status(snap_label_read(io, &label, &err), SNAP_E_NOENT, &err);
        assert_string_equal(err.text, "disk.img: no LVM label in its first 4 sectors: it is no physical volume");
        must_close(io);
    }
}

/* A label behind the first four sectors is none. */
static void a_label_in_the_fifth_sector_is_none(void **state)
{
    struct snap_io *io = io_mem_new("pv", LVM_PV_BYTES, 512, false);
    struct snap_label label;

    (void)state;
    (void)lvm_put_label(io, 4, LVM_ID_A, 0, NULL);
    assert_status(snap_label_read(io, &label, &err), SNAP_E_NOENT, &err);
    must_close(io);
}

/* Each byte of a label that its checksum covers, and each of the checksum itself. */
static void a_changed_byte_is_found(void **state)
{
    struct snap_io *io = lvm_pv_new("pv", LVM_ID_A, NULL);
    struct snap_label label;

    (void)state;
    for (unsigned at = 16; at < 512; at++) {
        uint8_t *byte = io_mem_bytes(io) + 512 + at;

        *byte ^= 0x40;
        assert_status(snap_label_read(io, &label, &err), SNAP_E_CORRUPT, &err);
        assert_non_null(strstr(err.text, "pv: LVM label in sector 1 is damaged: its checksum is 0x"));
        assert_non_null(strstr(err.text, ", expected 0x"));
        *byte ^= 0x40;
    }
    assert_ok(snap_label_read(io, &label, &err), &err);
    must_close(io);
}

/* Labels that are sealed, and wrong all the same. */
static void what_a_label_says_is_checked(void **state)
{
    static const struct {
        unsigned at, size;
        uint64_t value;
        const char *text;
    } cases[] = {
        {8, 8, 2, "the LVM label in sector 1 says that it belongs to sector 2"},
        {24, 1, 'X', "is not of type \"LVM2 001\""},
        {20, 4, 31, "its content begins at byte 31 of its sector, expected from 32 to 472"},
        {20, 4, 473, "its content begins at byte 473 of its sector"},
        {20, 4, UINT32_MAX, "its content begins at byte 4294967295 of its sector"},
        {32, 1, '-', "byte 0 of the volume's id is 0x2d"},
        {63, 1, 0, "byte 31 of the volume's id is 0x00"},
        {72, 8, LVM_PV_BYTES + 1, "a data area begins at byte 4194305 and has 0 bytes, but the device has only 419430"},
        {104, 8, UINT64_MAX, "a metadata area begins at byte 18446744073709551615"},
        {112, 8, UINT64_MAX, "a metadata area begins at byte 4096 and has 18446744073709551615 bytes"},
        {20, 4, 472, "the list of data areas does not end inside of the label's sector"},
    };
    struct snap_label label;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct snap_io *io = lvm_pv_new("pv", LVM_ID_A, NULL);

        if (cases[i].value == 472)
            memset(io_mem_bytes(io) + 512 + 472, 'A', 40);
        lvm_put(io_mem_bytes(io) + 512 + cases[i].at, cases[i].size, cases[i].value);
        lvm_seal_label(io, 1);
        assert_status(snap_label_read(io, &label, &err), SNAP_E_CORRUPT, &err);
        if (!strstr(err.text, cases[i].text))
            fail_msg("%s: not in: %s", cases[i].text, err.text);
        must_close(io);
    }
}

/* As many areas as there is room for, and one more; and a list that runs into the end of the sector. */
static void lists_have_an_end(void **state)
{
    const uint64_t areas[] = {4096, 8192, 12288, 16384, 20480};
    struct snap_io *io = io_mem_new("pv", LVM_PV_BYTES, 512, false);
    struct snap_label label;

    (void)state;
    (void)lvm_put_label(io, 1, LVM_ID_A, SNAP_LABEL_RANGES_MAX, areas);
    assert_ok(snap_label_read(io, &label, &err), &err);
    assert_int_equal(label.metadata.count, SNAP_LABEL_RANGES_MAX);
    (void)lvm_put_label(io, 1, LVM_ID_A, SNAP_LABEL_RANGES_MAX + 1, areas);
    assert_status(snap_label_read(io, &label, &err), SNAP_E_CORRUPT, &err);
    assert_string_equal(err.text, "pv: LVM label: more than 4 metadata areas");
    must_close(io);
}

static void of_two_labels_the_sound_one_counts(void **state)
{
    struct snap_io *io = lvm_pv_new("pv", LVM_ID_A, NULL);
    struct snap_label label;

    (void)state;
    (void)lvm_put_label(io, 0, LVM_ID_B, 0, NULL);
    io_mem_bytes(io)[100] ^= 1;
    err.text[0] = '\0';
    assert_ok(snap_label_read(io, &label, &err), &err);
    assert_string_equal(label.id, LVM_ID_A);
    assert_string_equal(err.text, "");
    (void)lvm_put_label(io, 3, LVM_ID_B, 0, NULL);
    assert_status(snap_label_read(io, &label, &err), SNAP_E_REFUSED, &err);
    assert_string_equal(err.text, "pv: two LVM labels that differ, in sectors 1 and 3");
    must_close(io);
}

static void ids_lose_their_dashes(void **state)
{
    static const char *const wrong[] = {
        "", "A", "AAAAAA-BBBB-CCCC-DDDD-EEEE-FFFF-GGGG0", "AAAAAA-BBBB-CCCC-DDDD-EEEE-FFFF-GGGG012",
        "AAAAAABBBBCCCCDDDDEEEEFFFFGGGG01", "AAAAAA-BBBB-CCCC-DDDD-EEEE-FFFFGGGG01",
        "-AAAAAA-BBBB-CCCC-DDDD-EEEE-FFFF-GGGG01", "AAAAAA-BBBB-CCCC-DDDD-EEEE-FFFF-GGGG0/",
        "AAAAAA-BBBB-CCCC-DDDD-EEEE-FFFF-GGGG01-",
    };
    char id[SNAP_LABEL_ID_BYTES];

    (void)state;
    assert_true(snap_label_plain_id(LVM_ID_A_TEXT, id));
    assert_string_equal(id, LVM_ID_A);
    assert_string_equal(snap_label_id_text(id).text, LVM_ID_A_TEXT);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(snap_label_plain_id(wrong[i], id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_label_is_read),
        cmocka_unit_test(a_label_without_extension_and_one_with_a_loader),
        cmocka_unit_test(a_device_without_label_is_no_physical_volume),
        cmocka_unit_test(a_label_in_the_fifth_sector_is_none),
        cmocka_unit_test(a_changed_byte_is_found),
        cmocka_unit_test(what_a_label_says_is_checked),
        cmocka_unit_test(lists_have_an_end),
        cmocka_unit_test(of_two_labels_the_sound_one_counts),
        cmocka_unit_test(ids_lose_their_dashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
