/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Metadata areas: the text in force, wrapped or not, and each damage named by device, place, found and expected. */
#include "lib/lvm/area.h"

#include "tests/unit/lvm_fixture.h"

#define TEXT "vg {\nseqno = 1\n}\n"
#define HEADER_OF(io) (io_mem_bytes(io) + LVM_AREA_AT)

static const struct snap_label_range range = {.offset_bytes = LVM_AREA_AT, .length_bytes = LVM_AREA_BYTES};
static struct snap_error err;

/* From the first byte behind the header to the last of the area; only the latter ones wrap. */
static void a_text_is_read_wherever_it_begins(void **state)
{
    static const uint64_t places[] = {512, 1024, LVM_AREA_BYTES - sizeof TEXT, LVM_AREA_BYTES - sizeof TEXT + 1,
                                      LVM_AREA_BYTES - 2, LVM_AREA_BYTES - 1};

    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct snap_io *io = lvm_pv_new("pv", LVM_ID_A, NULL);
        struct snap_area area;

        lvm_put_area(io, LVM_AREA_AT, places[i], TEXT);
        assert_ok(snap_area_read(io, &range, &area, &err), &err);
        assert_string_equal(area.text, TEXT);
        assert_int_equal(area.length_bytes, strlen(TEXT));
        assert_int_equal(area.text_at_bytes, LVM_AREA_AT + places[i]);
        assert_int_equal(area.wraps, i > 2);
        assert_false(area.ignored);
        snap_area_free(&area);
        must_close(io);
    }
}

/* The largest text fills the ring, and begins where it ends. */
static void a_text_may_fill_the_ring(void **state)
{
    static char text[LVM_AREA_BYTES - 511];
    struct snap_io *io = lvm_pv_new("pv", LVM_ID_A, NULL);
    struct snap_area area;

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 2] = '\0'; /* with its NUL as long as the ring */
    lvm_put_area(io, LVM_AREA_AT, 4096, text);
    assert_ok(snap_area_read(io, &range, &area, &err), &err);
    assert_string_equal(area.text, text);
    assert_true(area.wraps);
    snap_area_free(&area);
    text[sizeof text - 2] = 'x';
    lvm_put_area(io, LVM_AREA_AT, 4096, text);
    assert_status(snap_area_read(io, &range, &area, &err), SNAP_E_CORRUPT, &err);
    snap_area_free(&area);
    must_close(io);
}

static void an_area_that_is_empty_or_ignored_has_no_text(void **state)
{
    struct snap_io *io = lvm_pv_new("pv", LVM_ID_A, NULL);
    struct snap_area area;

    (void)state;
    assert_ok(snap_area_read(io, &range, &area, &err), &err);
    assert_null(area.text);
    assert_false(area.ignored);
    lvm_put_area(io, LVM_AREA_AT, 512, TEXT);
    lvm_put(HEADER_OF(io) + 60, 4, 1);
    lvm_seal_area(io, LVM_AREA_AT);
    assert_ok(snap_area_read(io, &range, &area, &err), &err);
    assert_null(area.text);
    assert_true(area.ignored);
    must_close(io);
}

/* What an LVM in the middle of a commit has in the second location is not in force. */
static void only_the_first_location_counts(void **state)
{
    struct snap_io *io = lvm_pv_new("pv", LVM_ID_A, TEXT);
    struct snap_area area;

    (void)state;
    lvm_put(HEADER_OF(io) + 64, 8, 8192);
    lvm_put(HEADER_OF(io) + 72, 8, 100);
    lvm_seal_area(io, LVM_AREA_AT);
    assert_ok(snap_area_read(io, &range, &area, &err), &err);
    assert_string_equal(area.text, TEXT);
    snap_area_free(&area);
    must_close(io);
}

static void a_changed_byte_is_found(void **state)
{
    struct snap_io *io = lvm_pv_new("pv", LVM_ID_A, TEXT);
    struct snap_area area;

    (void)state;
    for (unsigned at = 0; at < 512 + sizeof TEXT; at++) {
        HEADER_OF(io)[at] ^= 0x20;
        assert_status(snap_area_read(io, &range, &area, &err), SNAP_E_CORRUPT, &err);
        assert_non_null(strstr(err.text, at < 512
                                             ? "pv: LVM metadata area at byte 4096: its header "
                                             : "pv: LVM metadata text at byte 4608 is damaged: its checksum is 0x"));
        if (at < 4 || at > 20)
            assert_non_null(strstr(err.text, ", expected 0x"));
        snap_area_free(&area);
        HEADER_OF(io)[at] ^= 0x20;
    }
    must_close(io);
}

/* Headers that are sealed, and wrong all the same. */
static void what_a_header_says_is_checked(void **state)
{
    static const struct {
        unsigned at, size;
        uint64_t value;
        const char *text;
    } cases[] = {
        {20, 4, 2, "its header has version 2, expected 1"},
        {24, 8, 4097, "its header says that it begins at byte 4097"},
        {32, 8, 512, "its header says that it has 512 bytes, expected from 513 to 4190208"},
        {32, 8, LVM_PV_BYTES - LVM_AREA_AT + 1, "its header says that it has 4190209 bytes"},
        {32, 8, UINT64_MAX, "its header says that it has 18446744073709551615 bytes"},
        {40, 8, 511, "its text begins at byte 511 of it and has 18 bytes, but the area has only 65536 bytes"},
        {40, 8, LVM_AREA_BYTES, "its text begins at byte 65536 of it"},
        {40, 8, UINT64_MAX, "its text begins at byte 18446744073709551615 of it"},
        {48, 8, 0, "and has 0 bytes"},
        {48, 8, LVM_AREA_BYTES - 511, "and has 65025 bytes"},
        {48, 8, UINT64_MAX, "and has 18446744073709551615 bytes"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct snap_io *io = lvm_pv_new("pv", LVM_ID_A, TEXT);
        struct snap_area area;

        lvm_put(HEADER_OF(io) + cases[i].at, cases[i].size, cases[i].value);
        lvm_seal_area(io, LVM_AREA_AT);
        assert_status(snap_area_read(io, &range, &area, &err), SNAP_E_CORRUPT, &err);
        if (!strstr(err.text, cases[i].text))
            fail_msg("%s: not in: %s", cases[i].text, err.text);
        assert_null(area.text);
        must_close(io);
    }
}

/* A number of the disk allocates nothing beyond the bound, however large the area is. */
static void a_text_beyond_the_bound_is_refused(void **state)
{
    const uint64_t size_bytes = SNAP_AREA_TEXT_BYTES_MAX + (1u << 20);
    struct snap_io *io = io_mem_new("pv", size_bytes, 512, false);
    struct snap_area area;

    (void)state;
    lvm_put_area(io, LVM_AREA_AT, 512, "");
    lvm_put(HEADER_OF(io) + 32, 8, size_bytes - LVM_AREA_AT);
    lvm_put(HEADER_OF(io) + 48, 8, SNAP_AREA_TEXT_BYTES_MAX + 1);
    lvm_seal_area(io, LVM_AREA_AT);
    assert_status(snap_area_read(io, &range, &area, &err), SNAP_E_CORRUPT, &err);
    assert_non_null(strstr(err.text, "its text has 16777217 bytes, expected at most 16777216"));
    must_close(io);
}

static void a_nul_inside_of_a_text_is_refused(void **state)
{
    struct snap_io *io = lvm_pv_new("pv", LVM_ID_A, TEXT);
    uint8_t *text = HEADER_OF(io) + 512;
    struct snap_area area;

    (void)state;
    text[3] = '\0';
    lvm_put(HEADER_OF(io) + 56, 4, lvm_crc(text, sizeof TEXT));
    lvm_seal_area(io, LVM_AREA_AT);
    assert_status(snap_area_read(io, &range, &area, &err), SNAP_E_CORRUPT, &err);
    assert_string_equal(err.text, "pv: LVM metadata text at byte 4608 has a NUL in its byte 3");
    snap_area_free(&area);
    must_close(io);
}

static void an_area_behind_the_end_is_refused(void **state)
{
    const struct snap_label_range behind = {.offset_bytes = LVM_PV_BYTES - 511, .length_bytes = 100};
    struct snap_io *io = lvm_pv_new("pv", LVM_ID_A, TEXT);
    struct snap_area area;

    (void)state;
    assert_status(snap_area_read(io, &behind, &area, &err), SNAP_E_CORRUPT, &err);
    must_close(io);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_read_wherever_it_begins),
        cmocka_unit_test(a_text_may_fill_the_ring),
        cmocka_unit_test(an_area_that_is_empty_or_ignored_has_no_text),
        cmocka_unit_test(only_the_first_location_counts),
        cmocka_unit_test(a_changed_byte_is_found),
        cmocka_unit_test(what_a_header_says_is_checked),
        cmocka_unit_test(a_text_beyond_the_bound_is_refused),
        cmocka_unit_test(a_nul_inside_of_a_text_is_refused),
        cmocka_unit_test(an_area_behind_the_end_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
