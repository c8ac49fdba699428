/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bytes on disk, compared with bytes written by hand from the format's tables. */
#include "lib/base/bytes.h"
#include "lib/base/crc32c.h"
#include "lib/store/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_header(void **state)
{
    static const uint8_t bytes[16] = {0x53, 0x6e, 0x41, 0x70, 1, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0};
    static const uint8_t odd[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0xff};
    struct snap_header header;
    uint8_t out[16];

    (void)state;
    snap_codec_decode_header(bytes, &header);
    assert_int_equal(header.magic, SNAP_MAGIC);
    assert_int_equal(header.valid, 1);
    assert_int_equal(header.version, SNAP_DISK_VERSION);
    assert_int_equal(header.chunk_sectors, 8);
    snap_codec_encode_header(&header, out);
    assert_memory_equal(out, bytes, 16);
    snap_codec_decode_header(odd, &header); /* no judgement: every value passes */
    assert_int_equal(header.valid, 0x08070605);
    assert_int_equal(header.version, 0x0c0b0a09);
    assert_true(header.chunk_sectors == 0xff0f0e0du);
    snap_codec_encode_header(&header, out);
    assert_memory_equal(out, odd, 16);
}

static void test_entry(void **state)
{
    static const uint8_t bytes[16] = {1, 2, 3, 4, 5, 6, 7, 0xf8, 9, 10, 11, 12, 13, 14, 15, 0x80};
    struct snap_entry entry;
    uint8_t out[16];

    (void)state;
    snap_codec_decode_entry(bytes, &entry);
    assert_true(entry.old_chunk == 0xf807060504030201u);
    assert_true(entry.new_chunk == 0x800f0e0d0c0b0a09u);
    snap_codec_encode_entry(&entry, out);
    assert_memory_equal(out, bytes, 16);
}

static struct snap_identity sample(void)
{
    struct snap_identity identity = {
        .origin_sectors = 0x1122334455667788u,
        .created_seconds = 0x0102030405060708u,
        .chunk_sectors = 0xa1b2c3d4u,
        .flags = SNAP_IDENTITY_UNDO,
        .fs_type = "ext4",
        .fs_uuid = "uuid-of-fs",
        .uuid_sub = "sub",
        .ptuuid = "pt",
        .partuuid = "part",
        .serial = "serial-1",
        .label = "my label",
    };

    memcpy(identity.store_id, "0123456789abcdef", 16);
    memcpy(identity.parent_id, "ABCDEFGHIJKLMNOP", 16);
    return identity;
}

static void put_text(uint8_t *sector, size_t offset, const char *text)
{
    memcpy(sector + offset, text, strlen(text));
}

static void put_crc(uint8_t *sector)
{
    uint32_t crc;

    memset(sector + 28, 0, 4);
    crc = snap_crc32c(sector + 16, 480);
    for (size_t i = 0; i < 4; i++)
        sector[28 + i] = (uint8_t)(crc >> (8 * i));
}

/* The record as its table says, byte by byte. */
static void hand_written(uint8_t sector[512])
{
    static const uint8_t origin[] = {0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11};
    static const uint8_t created[] = {8, 7, 6, 5, 4, 3, 2, 1};
    static const uint8_t chunk_and_flags[] = {0xd4, 0xc3, 0xb2, 0xa1, 1, 0, 0, 0};

    memset(sector, 0, 512);
    put_text(sector, 16, "dmsnapID");
    sector[24] = 1;
    sector[26] = 0xe0; /* 480 = 0x01e0 */
    sector[27] = 1;
    put_text(sector, 32, "0123456789abcdef");
    memcpy(sector + 48, origin, 8);
    memcpy(sector + 56, created, 8);
    memcpy(sector + 64, chunk_and_flags, 8);
    put_text(sector, 72, "ABCDEFGHIJKLMNOP");
    put_text(sector, 88, "ext4");
    put_text(sector, 104, "uuid-of-fs");
    put_text(sector, 144, "sub");
    put_text(sector, 184, "pt");
    put_text(sector, 224, "part");
    put_text(sector, 264, "serial-1");
    put_text(sector, 392, "my label");
    put_crc(sector);
}

static void test_identity_bytes(void **state)
{
    struct snap_identity identity = sample(), back;
    uint8_t expected[512], sector[512];

    (void)state;
    hand_written(expected);
    memset(sector, 0xee, sizeof sector);
    snap_codec_encode_record(&identity, sector);
    for (size_t i = 0; i < 16; i++) /* the header is not touched */
        assert_int_equal(sector[i], 0xee);
    assert_memory_equal(sector + 16, expected + 16, 496);

    memset(&back, 0xee, sizeof back);
    assert_int_equal(snap_codec_decode_record(expected, &back), SNAP_IDENTITY_OK);
    assert_memory_equal(back.store_id, identity.store_id, 16);
    assert_memory_equal(back.parent_id, identity.parent_id, 16);
    assert_true(back.origin_sectors == identity.origin_sectors);
    assert_true(back.created_seconds == identity.created_seconds);
    assert_true(back.chunk_sectors == identity.chunk_sectors);
    assert_int_equal(back.flags, SNAP_IDENTITY_UNDO);
    assert_string_equal(back.fs_type, "ext4");
    assert_string_equal(back.fs_uuid, "uuid-of-fs");
    assert_string_equal(back.uuid_sub, "sub");
    assert_string_equal(back.ptuuid, "pt");
    assert_string_equal(back.partuuid, "part");
    assert_string_equal(back.serial, "serial-1");
    assert_string_equal(back.label, "my label");
}

/* Every field filled to the last byte: none runs into the next, on disk or in the struct. */
static void test_identity_full_fields(void **state)
{
    struct snap_identity identity = {0}, back;
    uint8_t sector[512];

    (void)state;
    memset(identity.fs_type, 'a', 16);
    memset(identity.fs_uuid, 'b', 40);
    memset(identity.uuid_sub, 'c', 40);
    memset(identity.ptuuid, 'd', 40);
    memset(identity.partuuid, 'e', 40);
    memset(identity.serial, 'f', 128);
    memset(identity.label, 'g', 64);
    snap_codec_encode_record(&identity, sector);
    for (size_t i = 88; i < 456; i++)
        assert_int_equal(sector[i], i < 104 ? 'a' : i < 144 ? 'b' : i < 184 ? 'c' : i < 224 ? 'd' : i < 264 ? 'e' :
                                    i < 392 ? 'f' : 'g');
    for (size_t i = 456; i < 512; i++)
        assert_int_equal(sector[i], 0);
    assert_int_equal(snap_codec_decode_record(sector, &back), SNAP_IDENTITY_OK);
    assert_memory_equal(&back, &identity, sizeof back);
}

/* A field is cut between characters; a whole one that just fits stays. */
static void test_identity_utf8(void **state)
{
    static const struct {
        const char *tail; /* after 14 bytes of the 16 of fs_type */
        size_t kept;
    } cases[] = {
        {"xy", 16}, {"\xc3\xa9", 16}, {"x\xc3", 16},
    };
    struct snap_identity identity, back;
    uint8_t sector[512];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        memset(&identity, 0, sizeof identity);
        memset(identity.fs_type, 'a', 14);
        memcpy(identity.fs_type + 14, cases[i].tail, 2);
        snap_codec_encode_record(&identity, sector);
        assert_int_equal(snap_codec_decode_record(sector, &back), SNAP_IDENTITY_OK);
        assert_int_equal(strlen(back.fs_type), cases[i].kept);
    }
    /* One byte too long, all of it in the struct: it ends in the middle of a 2, 3 and 4 byte character. */
    for (size_t size = 2; size <= 4; size++) {
        static const char *const letters[] = {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};

        memset(&identity, 0, sizeof identity);
        memset(identity.fs_type, 'a', 17 - size);
        memcpy(identity.fs_type + 17 - size, letters[size - 2], size);
        snap_codec_encode_record(&identity, sector);
        assert_int_equal(snap_codec_decode_record(sector, &back), SNAP_IDENTITY_OK);
        assert_int_equal(strlen(back.fs_type), 17 - size);
        assert_int_equal(sector[104], 0);
    }
}

static void test_identity_states(void **state)
{
    struct snap_identity identity, nothing = {0};
    uint8_t sector[512] = {0};

    (void)state;
    assert_int_equal(snap_codec_decode_record(sector, &identity), SNAP_IDENTITY_NONE);
    hand_written(sector);
    sector[23] ^= 1; /* the last letter of the mark */
    assert_int_equal(snap_codec_decode_record(sector, &identity), SNAP_IDENTITY_NONE);
    hand_written(sector);
    sector[24] = 2; /* newer, whatever its checksum is */
    assert_int_equal(snap_codec_decode_record(sector, &identity), SNAP_IDENTITY_NEWER);
    assert_memory_equal(&identity, &nothing, sizeof identity);
    sector[24] = 0;
    put_crc(sector);
    assert_int_equal(snap_codec_decode_record(sector, &identity), SNAP_IDENTITY_DAMAGED);
    hand_written(sector);
    sector[26] ^= 16;
    put_crc(sector);
    assert_int_equal(snap_codec_decode_record(sector, &identity), SNAP_IDENTITY_DAMAGED);
}

/* Every single bit behind the version counts, and the header's do not. */
static void test_identity_damage(void **state)
{
    struct snap_identity identity, nothing = {0};
    uint8_t sector[512];

    (void)state;
    hand_written(sector);
    for (size_t bit = 0; bit < 512 * 8; bit++) {
        size_t byte = bit / 8;
        enum snap_identity_state found;

        sector[byte] ^= (uint8_t)(1u << bit % 8);
        found = snap_codec_decode_record(sector, &identity);
        if (byte < 16)
            assert_int_equal(found, SNAP_IDENTITY_OK);
        else if (byte >= 26 && byte < 496)
            assert_int_equal(found, SNAP_IDENTITY_DAMAGED);
        else if (byte < 496)
            assert_int_not_equal(found, SNAP_IDENTITY_OK);
        if (found != SNAP_IDENTITY_OK)
            assert_memory_equal(&identity, &nothing, sizeof identity);
        sector[byte] ^= (uint8_t)(1u << bit % 8);
    }
}

/* One of each field, written by hand from the table of the manual page. */
static struct snap_fingerprint fingerprint_sample(void)
{
    struct snap_fingerprint fingerprint = {.store_id = {0xaa, [15] = 0xbb}, .seed = 0x1122334455667788u, .samples = 192,
                                           .mask = {1, [23] = 0x80}, .sums = {0x0102, [191] = 0xfffe}};

    return fingerprint;
}

static void fingerprint_bytes(uint8_t sector[512])
{
    memset(sector, 0, 512);
    memcpy(sector, "dmsnapFP\x01\x00\xc0\x00", 12);
    sector[16] = 0xaa;
    sector[31] = 0xbb;
    memcpy(sector + 32, "\x88\x77\x66\x55\x44\x33\x22\x11\x01", 9);
    sector[63] = 0x80;
    memcpy(sector + 64, "\x02\x01", 2);
    memcpy(sector + 64 + 2 * 191, "\xfe\xff", 2);
    snap_put_le32(sector + 12, snap_crc32c(sector, 512));
}

static void test_fingerprint_bytes(void **state)
{
    const struct snap_fingerprint fingerprint = fingerprint_sample();
    struct snap_fingerprint back;
    uint8_t expected[512], sector[512];

    (void)state;
    fingerprint_bytes(expected);
    memset(sector, 0xee, sizeof sector);
    snap_codec_encode_fingerprint(&fingerprint, sector);
    assert_memory_equal(sector, expected, sizeof sector);
    assert_int_equal(snap_codec_decode_fingerprint(sector, &back), SNAP_FINGERPRINT_OK);
    assert_memory_equal(&back, &fingerprint, sizeof back);
}

static void test_fingerprint_states(void **state)
{
    static const struct {
        unsigned offset;
        uint8_t value;
        bool checksum_right;
        enum snap_fingerprint_state state;
    } cases[] = {
        {0, 'D', true, SNAP_FINGERPRINT_NONE},      {7, 'p', true, SNAP_FINGERPRINT_NONE},
        {8, 2, true, SNAP_FINGERPRINT_NEWER},       {9, 1, false, SNAP_FINGERPRINT_NEWER},
        {8, 0, true, SNAP_FINGERPRINT_DAMAGED},     {10, 193, true, SNAP_FINGERPRINT_DAMAGED},
        {11, 1, true, SNAP_FINGERPRINT_DAMAGED},    {10, 0, true, SNAP_FINGERPRINT_OK},
        {511, 1, true, SNAP_FINGERPRINT_OK},        {511, 1, false, SNAP_FINGERPRINT_DAMAGED},
    };
    static const struct snap_fingerprint none;
    struct snap_fingerprint fingerprint;
    uint8_t sector[512];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fingerprint_bytes(sector);
        sector[cases[i].offset] = cases[i].value;
        if (cases[i].checksum_right) {
            snap_put_le32(sector + 12, 0);
            snap_put_le32(sector + 12, snap_crc32c(sector, 512));
        }
        assert_int_equal(snap_codec_decode_fingerprint(sector, &fingerprint), cases[i].state);
        if (cases[i].state != SNAP_FINGERPRINT_OK)
            assert_memory_equal(&fingerprint, &none, sizeof none);
    }
    for (unsigned bit = 64; bit < 512 * 8; bit++) { /* behind the mark: no bit may be wrong */
        fingerprint_bytes(sector);
        sector[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(snap_codec_decode_fingerprint(sector, &fingerprint), SNAP_FINGERPRINT_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_entry),
        cmocka_unit_test(test_identity_bytes),
        cmocka_unit_test(test_identity_full_fields),
        cmocka_unit_test(test_identity_utf8),
        cmocka_unit_test(test_identity_states),
        cmocka_unit_test(test_identity_damage),
        cmocka_unit_test(test_fingerprint_bytes),
        cmocka_unit_test(test_fingerprint_states),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
