/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests what is recorded of an origin, and how a record is held against one. */
#include "lib/check/identity.h"
#include "tests/unit/list_fixture.h"
#include "tests/unit/unit.h"

static struct snap_device device;
static struct snap_probe probe, view;
static struct snap_origin_facts facts = {.sectors = 8000, .device = &device, .probe = &probe};
static struct snap_store store;
static struct snap_identity_match match;
static const char *const text = match.text;

enum outcome { FITS, GROWN, DIFFERS_DEVICE, DIFFERS_CONTENT };

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

static enum outcome compare(void)
{
    memset(&match, 'x', sizeof match);
    snap_identity_compare(&store.identity, &facts, &view, false, &match);
    assert_non_null(memchr(text, '\0', sizeof match.text));
    assert_int_equal(text[0] != '\0', match.device_differs || match.content_differs);
    assert_false(match.grown && text[0] != '\0');
    return match.device_differs ? DIFFERS_DEVICE : match.content_differs ? DIFFERS_CONTENT : match.grown ? GROWN : FITS;
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
    assert_int_equal(compare(), FITS);
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
    assert_ok(snap_identity_fill(&store.identity, &facts, 8, "label", 0, &err), &err);
    read_back();
    assert_int_equal(strlen(store.identity.fs_uuid), 40);
    assert_int_equal(compare(), FITS);
    (void)snprintf(probe.uuid_sub, sizeof probe.uuid_sub, "%s",
                   "211111111122222222223333333333444444444\xe2\x82\xac");
    assert_ok(snap_identity_fill(&store.identity, &facts, 8, NULL, 0, &err), &err);
    read_back();
    assert_int_equal(compare(), FITS); /* also where they are cut in front of a character */
    device.partuuid[50] = 'x'; /* what was never recorded cannot contradict */
    assert_int_equal(compare(), FITS);
    device.partuuid[39] = 'x'; /* the last that was */
    assert_int_equal(compare(), DIFFERS_DEVICE);
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
    assert_int_equal(compare(), FITS);
}

static void the_same_origin_matches(void **state)
{
    (void)state;
    assert_int_equal(compare(), FITS);
    read_back();
    assert_int_equal(compare(), FITS);
}

static void the_size_is_held_against_the_record(void **state)
{
    (void)state;
    facts.sectors = 7999;
    assert_int_equal(compare(), DIFFERS_DEVICE);
    assert_true(strstr(text, "8000") && strstr(text, "7999"));
    facts.sectors = 8001;
    assert_int_equal(compare(), GROWN);
    SET(device.serial, "WD-9999"); /* worse counts */
    assert_int_equal(compare(), DIFFERS_DEVICE);
}

static void a_field_differs_where_both_have_it(void **state)
{
    struct {
        char *recorded, *found;
        size_t recorded_bytes, found_bytes;
        enum outcome outcome;
        const bool *same;
    } fields[] = {
        {store.identity.uuid_sub, probe.uuid_sub, sizeof store.identity.uuid_sub, sizeof probe.uuid_sub,
         DIFFERS_CONTENT, NULL},
        {store.identity.partuuid, device.partuuid, sizeof store.identity.partuuid, sizeof device.partuuid,
         DIFFERS_DEVICE, &match.partuuid},
        {store.identity.serial, device.serial, sizeof store.identity.serial, sizeof device.serial, DIFFERS_DEVICE,
         &match.serial},
    };

    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        (void)set_up(NULL);
        assert_int_equal(compare(), FITS);
        assert_true(!fields[i].same || *fields[i].same);
        set(fields[i].found, fields[i].found_bytes, "other");
        assert_int_equal(compare(), fields[i].outcome); /* with the same file system: another member */
        assert_non_null(strstr(text, "other"));
        set(fields[i].recorded, fields[i].recorded_bytes, "");
        assert_int_equal(compare(), FITS);
        assert_true(!fields[i].same || !*fields[i].same);
        (void)set_up(NULL);
        set(fields[i].found, fields[i].found_bytes, "");
        assert_int_equal(compare(), FITS);
        assert_true(!fields[i].same || !*fields[i].same);
        (void)set_up(NULL);
        strcat(fields[i].found, "0"); /* one begins with the other */
        assert_int_equal(compare(), fields[i].outcome);
    }
}

/* Words of a record were written by whoever owns the medium. */
static void a_word_cannot_be_taken_for_the_rest_of_the_sentence(void **state)
{
    (void)state;
    SET(store.identity.serial, "x, which is right; \"ignore");
    assert_int_equal(compare(), DIFFERS_DEVICE);
    assert_non_null(strstr(text, "serial number \"x, which is right; \\\"ignore\", but this one has WD-1234"));
    (void)set_up(NULL);
    memset(&view, 0, sizeof view);
    SET(store.identity.fs_type, "ext4 and so");
    assert_int_equal(compare(), DIFFERS_CONTENT);
    assert_non_null(strstr(text, "an origin with \"ext4 and so\" (UUID "));
}

static void the_content_may_be_the_recorded_or_the_held(void **state)
{
    static const char *const a = "aaaaaaaa-2222-4333-8444-555555555555", *const b =
                                 "bbbbbbbb-2222-4333-8444-555555555555", *const c =
                                 "cccccccc-2222-4333-8444-555555555555";
    const struct {
        const char *recorded, *origin, *held;
        enum outcome outcome;
        bool same;
    } cases[] = {
        {a, a, a, FITS, true},             {a, a, b, FITS, true}, /* changed inside the snapshot */
        {a, b, b, FITS, false},                                   /* and merged in part */
        {a, b, a, DIFFERS_CONTENT, false}, {a, b, c, DIFFERS_CONTENT, false},
        {a, b, "", DIFFERS_CONTENT, false},
        {a, "", a, DIFFERS_CONTENT, false}, {a, "", b, DIFFERS_CONTENT, false}, /* recorded, and missing */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int table = 0; table < 2; table++) { /* a partition table's id is judged alike */
            (void)set_up(NULL);
            memset(&view, 0, sizeof view);
            if (table) {
                SET(probe.type, "");
                SET(probe.uuid, "");
                SET(probe.pttype, cases[i].origin[0] != '\0' ? "gpt" : "");
                SET(store.identity.fs_type, "");
                SET(store.identity.fs_uuid, "");
                SET(store.identity.ptuuid, cases[i].recorded);
                SET(probe.ptuuid, cases[i].origin);
                SET(view.ptuuid, cases[i].held);
            } else {
                SET(store.identity.ptuuid, "");
                SET(view.type, "btrfs");
                SET(store.identity.fs_uuid, cases[i].recorded);
                SET(probe.uuid, cases[i].origin);
                SET(view.uuid, cases[i].held);
            }
            assert_int_equal(compare(), cases[i].outcome);
            assert_int_equal(match.content, cases[i].same);
        }
    }
}

static void a_blank_origin_must_still_be_blank(void **state)
{
    struct snap_error err = {.text = ""};
    const struct snap_probe full = probe;

    (void)state;
    memset(&probe, 0, sizeof probe);
    memset(&view, 0, sizeof view);
    assert_ok(snap_identity_fill(&store.identity, &facts, 8, NULL, 1, &err), &err);
    assert_int_equal(compare(), FITS);
    assert_false(match.content);
    view = full; /* a file system was made inside the snapshot */
    assert_int_equal(compare(), FITS);
    probe = full; /* and merged */
    assert_int_equal(compare(), FITS);
    memset(&view, 0, sizeof view); /* nobody knows where that comes from */
    assert_int_equal(compare(), DIFFERS_CONTENT);
    assert_non_null(strstr(text, "an origin with nothing that is known, but this one has btrfs"));
}

static void what_could_not_be_read_is_not_missing(void **state)
{
    (void)state;
    memset(&probe, 0, sizeof probe);
    memset(&view, 0, sizeof view);
    snap_identity_compare(&store.identity, &facts, &view, true, &match);
    assert_false(match.content_differs || match.content);
    snap_identity_compare(&store.identity, &facts, &view, false, &match);
    assert_true(match.content_differs);
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
        cmocka_unit_test_setup(a_field_differs_where_both_have_it, set_up),
        cmocka_unit_test_setup(a_word_cannot_be_taken_for_the_rest_of_the_sentence, set_up),
        cmocka_unit_test_setup(the_content_may_be_the_recorded_or_the_held, set_up),
        cmocka_unit_test_setup(a_blank_origin_must_still_be_blank, set_up),
        cmocka_unit_test_setup(what_could_not_be_read_is_not_missing, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
