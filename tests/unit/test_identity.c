/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests what is recorded of an origin, and which evidence speaks against one. */
#include "lib/check/identity.h"
#include "tests/unit/list_fixture.h"
#include "tests/unit/unit.h"

static struct snap_device device;
static struct snap_probe probe, view;
static struct snap_origin_facts facts = {.sectors = 8000, .device = &device, .probe = &probe};
static struct snap_store store;
static char text[256];

static void set(char *field, size_t field_bytes, const char *value)
{
    assert_true(strlen(value) < field_bytes);
    memset(field, 0, field_bytes);
    memcpy(field, value, strlen(value));
}

#define SET(field, value) set(field, sizeof(field), value)

/* An origin of which all is known, a view like it, and the record that was made of it. */
static int set_up(void **state)
{
    struct snap_error err = {.text = ""};

    (void)state;
    memset(&device, 0, sizeof device);
    memset(&probe, 0, sizeof probe);
    memset(&store, 0, sizeof store);
    facts.sectors = 8000;
    SET(device.partuuid, "0a1b2c3d-01");
    SET(device.serial, "WD-1234");
    SET(probe.type, "btrfs");
    SET(probe.usage, "filesystem");
    SET(probe.uuid, "11111111-2222-4333-8444-555555555555");
    SET(probe.uuid_sub, "66666666-2222-4333-8444-555555555555");
    SET(probe.ptuuid, "77777777");
    view = probe;
    assert_ok(snap_identity_fill(&store.identity, &facts, 8, "home", 1700000000, &err), &err);
    store.identity_state = SNAP_IDENTITY_OK;
    return 0;
}

static enum snap_identity_verdict judge(void)
{
    enum snap_identity_verdict verdict;

    memset(text, 'x', sizeof text);
    verdict = snap_identity_judge(&store, &facts, &view, text, sizeof text);
    assert_non_null(memchr(text, '\0', sizeof text));
    assert_true(text[0] != '\0');
    return verdict;
}

static void a_record_holds_what_is_known(void **state)
{
    const struct snap_identity *record = &store.identity;
    static const uint8_t none[16];

    (void)state;
    assert_int_equal(record->origin_sectors, 8000);
    assert_int_equal(record->created_seconds, 1700000000);
    assert_int_equal(record->chunk_sectors, 8);
    assert_int_equal(record->flags, 0);
    assert_memory_equal(record->parent_id, none, sizeof none);
    assert_string_equal(record->fs_type, probe.type);
    assert_string_equal(record->fs_uuid, probe.uuid);
    assert_string_equal(record->uuid_sub, probe.uuid_sub);
    assert_string_equal(record->ptuuid, probe.ptuuid);
    assert_string_equal(record->partuuid, device.partuuid);
    assert_string_equal(record->serial, device.serial);
    assert_string_equal(record->label, "home");
}

static void a_record_may_be_of_an_origin_without_tags(void **state)
{
    struct snap_error err = {.text = ""};

    (void)state;
    memset(&device, 0, sizeof device);
    memset(&probe, 0, sizeof probe);
    assert_ok(snap_identity_fill(&store.identity, &facts, 8, NULL, 1, &err), &err);
    assert_string_equal(store.identity.label, "");
    assert_string_equal(store.identity.fs_uuid, "");
    view = probe;
    assert_int_equal(judge(), SNAP_IDENTITY_MATCH);
}

static void each_store_has_an_id_of_its_own(void **state)
{
    static struct snap_identity records[64];
    uint8_t ored[16] = {0}, anded[16];

    (void)state;
    memset(anded, 0xff, sizeof anded);
    for (size_t i = 0; i < 64; i++) {
        struct snap_error err = {.text = ""};
        char id[37];

        assert_ok(snap_identity_fill(&records[i], &facts, 8, NULL, 0, &err), &err);
        snap_identity_format_id(records[i].store_id, id);
        assert_int_equal(strlen(id), 36);
        assert_int_equal(id[14], '4'); /* RFC 4122: version ... */
        assert_non_null(strchr("89ab", id[19])); /* ... and variant */
        for (size_t other = 0; other < i; other++)
            assert_memory_not_equal(records[i].store_id, records[other].store_id, 16);
        for (size_t at = 0; at < 16; at++) {
            ored[at] |= records[i].store_id[at];
            anded[at] &= records[i].store_id[at];
        }
    }
    for (size_t at = 0; at < 16; at++) { /* every other bit is sometimes 1, sometimes 0 */
        assert_int_equal(ored[at], at == 6 ? 0x4f : at == 8 ? 0xbf : 0xff);
        assert_int_equal(anded[at], at == 6 ? 0x40 : at == 8 ? 0x80 : 0);
    }
}

static void an_id_is_written_as_a_uuid(void **state)
{
    static const uint8_t id[16] = {0,    1,    2,    3,    0x44, 0x55, 0x66, 0x77,
                                   0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
    char written[37];

    (void)state;
    snap_identity_format_id(id, written);
    assert_string_equal(written, "00010203-4455-6677-8899-aabbccddeeff");
}

/* Through the bytes of a header, as a program finds it later. */
static void read_back(void)
{
    uint8_t sector[512] = {0};

    snap_codec_encode_record(&store.identity, sector);
    store.identity_state = snap_codec_decode_record(sector, &store.identity);
    assert_int_equal(store.identity_state, SNAP_IDENTITY_OK);
}

static void strings_longer_than_their_fields_still_match(void **state)
{
    struct snap_error err = {.text = ""};

    (void)state;
    SET(probe.type, "a-very-long-type-of-file-system");
    SET(probe.uuid, "1111111111222222222233333333334444444444555555555566666");
    SET(probe.uuid_sub, "2111111111222222222233333333334444444444555555555566666");
    SET(probe.ptuuid, "3111111111222222222233333333334444444444555555555566666");
    SET(device.partuuid, "4111111111222222222233333333334444444444555555555566666");
    memset(device.serial, 'z', sizeof device.serial - 1);
    view = probe;
    assert_ok(snap_identity_fill(&store.identity, &facts, 8, text, 0, &err), &err);
    read_back();
    assert_int_equal(strlen(store.identity.fs_uuid), 40);
    assert_int_equal(judge(), SNAP_IDENTITY_MATCH);
    (void)snprintf(probe.uuid_sub, sizeof probe.uuid_sub, "%s",
                   "211111111122222222223333333333444444444\xe2\x82\xac");
    assert_ok(snap_identity_fill(&store.identity, &facts, 8, NULL, 0, &err), &err);
    read_back();
    assert_int_equal(judge(), SNAP_IDENTITY_MATCH); /* also where they are cut in front of a character */
    device.partuuid[50] = 'x'; /* what was never recorded cannot contradict */
    assert_int_equal(judge(), SNAP_IDENTITY_MATCH);
    device.partuuid[39] = 'x'; /* the last that was */
    assert_int_equal(judge(), SNAP_IDENTITY_CONTRADICTS);
}

/* On disk strings are UTF-8, whatever their length. */
static void strings_are_cut_between_characters(void **state)
{
    char label[64 + 8];

    (void)state;
    for (size_t lead = 60; lead <= 64; lead++) {
        struct snap_error err = {.text = ""};
        size_t fitting = lead + (64 - lead) / 3 * 3;

        memset(label, 'a', lead);
        (void)snprintf(label + lead, sizeof label - lead, "%s", "\xe2\x82\xac\xe2\x82\xac");
        assert_ok(snap_identity_fill(&store.identity, &facts, 8, label, 0, &err), &err);
        read_back();
        assert_int_equal(strlen(store.identity.label), fitting);
        assert_memory_equal(store.identity.label, label, fitting);
    }
}

static void a_serial_cut_between_characters_still_matches(void **state)
{
    struct snap_error err = {.text = ""};

    (void)state;
    memset(device.serial, 'a', 127);
    device.serial[127] = '\xc3'; /* of a device that cuts characters itself */
    device.serial[128] = '\0';
    assert_ok(snap_identity_fill(&store.identity, &facts, 8, NULL, 0, &err), &err);
    read_back();
    assert_int_equal(judge(), SNAP_IDENTITY_MATCH);
}

static void the_same_origin_matches(void **state)
{
    (void)state;
    assert_int_equal(judge(), SNAP_IDENTITY_MATCH);
    read_back();
    assert_int_equal(judge(), SNAP_IDENTITY_MATCH);
}

static void the_size_is_held_against_the_record(void **state)
{
    (void)state;
    facts.sectors = 7999;
    assert_int_equal(judge(), SNAP_IDENTITY_CONTRADICTS);
    assert_true(strstr(text, "8000") && strstr(text, "7999"));
    facts.sectors = 8001;
    assert_int_equal(judge(), SNAP_IDENTITY_GROWN);
    assert_true(strstr(text, "8000") && strstr(text, "8001"));
    SET(device.serial, "WD-9999"); /* worse counts */
    assert_int_equal(judge(), SNAP_IDENTITY_CONTRADICTS);
}

static void a_physical_field_contradicts_where_both_have_it(void **state)
{
    struct {
        char *recorded, *found;
        size_t recorded_bytes, found_bytes;
    } fields[] = {
        {store.identity.uuid_sub, probe.uuid_sub, sizeof store.identity.uuid_sub, sizeof probe.uuid_sub},
        {store.identity.partuuid, device.partuuid, sizeof store.identity.partuuid, sizeof device.partuuid},
        {store.identity.serial, device.serial, sizeof store.identity.serial, sizeof device.serial},
    };

    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        (void)set_up(NULL);
        set(fields[i].found, fields[i].found_bytes, "other");
        assert_int_equal(judge(), SNAP_IDENTITY_CONTRADICTS); /* with the same file system: another member */
        assert_non_null(strstr(text, "other"));
        set(fields[i].recorded, fields[i].recorded_bytes, "");
        assert_int_equal(judge(), SNAP_IDENTITY_MATCH);
        (void)set_up(NULL);
        set(fields[i].found, fields[i].found_bytes, "");
        assert_int_equal(judge(), SNAP_IDENTITY_MATCH);
        (void)set_up(NULL);
        strcat(fields[i].found, "0"); /* one begins with the other */
        assert_int_equal(judge(), SNAP_IDENTITY_CONTRADICTS);
    }
}

static void the_file_system_may_be_the_recorded_or_the_views(void **state)
{
    static const char *const a = "aaaaaaaa-2222-4333-8444-555555555555", *const b =
                                 "bbbbbbbb-2222-4333-8444-555555555555", *const c =
                                 "cccccccc-2222-4333-8444-555555555555";
    const struct {
        const char *recorded, *origin, *view;
        enum snap_identity_verdict verdict;
    } cases[] = {
        {a, a, a, SNAP_IDENTITY_MATCH},      {a, a, b, SNAP_IDENTITY_MATCH}, /* changed inside the snapshot */
        {a, b, b, SNAP_IDENTITY_MATCH},                                     /* and merged in part */
        {a, b, a, SNAP_IDENTITY_CONTRADICTS}, {a, b, c, SNAP_IDENTITY_CONTRADICTS},
        {a, b, "", SNAP_IDENTITY_CONTRADICTS},
        {a, "", a, SNAP_IDENTITY_MATCH},     {a, "", b, SNAP_IDENTITY_MATCH},
        {"", a, a, SNAP_IDENTITY_MATCH},     {"", a, b, SNAP_IDENTITY_MATCH}, {"", "", "", SNAP_IDENTITY_MATCH},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int table = 0; table < 2; table++) { /* a partition table's id is judged alike */
            (void)set_up(NULL);
            if (table) {
                SET(store.identity.ptuuid, cases[i].recorded);
                SET(probe.ptuuid, cases[i].origin);
                SET(view.ptuuid, cases[i].view);
            } else {
                SET(store.identity.fs_uuid, cases[i].recorded);
                SET(probe.uuid, cases[i].origin);
                SET(view.uuid, cases[i].view);
            }
            assert_int_equal(judge(), cases[i].verdict);
        }
    }
}

static void a_record_that_cannot_be_read_counts_as_none(void **state)
{
    static const enum snap_identity_state states[] = {SNAP_IDENTITY_NONE, SNAP_IDENTITY_NEWER,
                                                       SNAP_IDENTITY_DAMAGED};

    (void)state;
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        (void)set_up(NULL);
        memset(&store.identity, 0, sizeof store.identity);
        store.identity_state = states[i];
        facts.sectors = 1;
        assert_int_equal(judge(), SNAP_IDENTITY_NO_RECORD);
        SET(view.uuid, "aaaaaaaa-2222-4333-8444-555555555555");
        assert_int_equal(judge(), SNAP_IDENTITY_CONTRADICTS);
        assert_true(strstr(text, view.uuid) && strstr(text, probe.uuid));
    }
}

static void without_a_record_the_view_and_the_origin_must_agree(void **state)
{
    static const struct {
        const char *origin, *view;
        enum snap_identity_verdict verdict;
    } cases[] = {
        {"a", "a", SNAP_IDENTITY_NO_RECORD}, {"a", "b", SNAP_IDENTITY_CONTRADICTS},
        {"", "b", SNAP_IDENTITY_NO_RECORD},  {"a", "", SNAP_IDENTITY_NO_RECORD}, {"", "", SNAP_IDENTITY_NO_RECORD},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int table = 0; table < 2; table++) {
            (void)set_up(NULL);
            store.identity_state = SNAP_IDENTITY_NONE;
            if (table) {
                SET(probe.ptuuid, cases[i].origin);
                SET(view.ptuuid, cases[i].view);
            } else {
                SET(probe.uuid, cases[i].origin);
                SET(view.uuid, cases[i].view);
            }
            assert_int_equal(judge(), cases[i].verdict);
        }
    }
}

static void the_reason_is_cut_where_it_is_too_long(void **state)
{
    (void)state;
    memset(store.identity.serial, 'x', sizeof store.identity.serial - 1);
    memset(device.serial, 'y', sizeof device.serial - 1);
    assert_int_equal(judge(), SNAP_IDENTITY_CONTRADICTS);
    memset(text, 'z', sizeof text);
    (void)snap_identity_judge(&store, &facts, &view, text, 10);
    assert_int_equal(strlen(text), 9);
    assert_int_equal(text[10], 'z');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_record_holds_what_is_known, set_up),
        cmocka_unit_test_setup(a_record_may_be_of_an_origin_without_tags, set_up),
        cmocka_unit_test_setup(each_store_has_an_id_of_its_own, set_up),
        cmocka_unit_test_setup(an_id_is_written_as_a_uuid, set_up),
        cmocka_unit_test_setup(strings_longer_than_their_fields_still_match, set_up),
        cmocka_unit_test_setup(strings_are_cut_between_characters, set_up),
        cmocka_unit_test_setup(a_serial_cut_between_characters_still_matches, set_up),
        cmocka_unit_test_setup(the_same_origin_matches, set_up),
        cmocka_unit_test_setup(the_size_is_held_against_the_record, set_up),
        cmocka_unit_test_setup(a_physical_field_contradicts_where_both_have_it, set_up),
        cmocka_unit_test_setup(the_file_system_may_be_the_recorded_or_the_views, set_up),
        cmocka_unit_test_setup(a_record_that_cannot_be_read_counts_as_none, set_up),
        cmocka_unit_test_setup(without_a_record_the_view_and_the_origin_must_agree, set_up),
        cmocka_unit_test_setup(the_reason_is_cut_where_it_is_too_long, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
