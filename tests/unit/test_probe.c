/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests what is recognised on images made by other programs and by hand. */
#include "lib/base/bytes.h"
#include "lib/base/confine.h"
#include "lib/io/file.h"
#include "tests/unit/probe_fixture.h"

#include <blkid/blkid.h>
#include <linux/fs.h>

int __real_blkid_do_safeprobe(blkid_probe prober);
int __wrap_blkid_do_safeprobe(blkid_probe prober);

/* What the safe probe answers, and with which errno, instead of what the libblkid of this system says. */
static struct {
    bool set, crashes, writes;
    int answer, sys_errno;
} safe_probe;

int __wrap_blkid_do_safeprobe(blkid_probe prober)
{
    /* What a libblkid would do that the bytes on a device have taken over. */
    if (safe_probe.crashes || (safe_probe.writes && open("/tmp", O_TMPFILE | O_RDWR, 0600) >= 0))
        __builtin_trap();
    if (!safe_probe.set)
        return __real_blkid_do_safeprobe(prober);
    errno = safe_probe.sys_errno;
    return safe_probe.answer;
}

/* Probes the image as the programs do, and closes it. */
static struct snap_probe probe_image(int fd)
{
    const struct snap_file_options options = {.write = false};
    struct snap_error err = {.text = ""};
    struct snap_probe probe;
    struct snap_io *io;
    char path[40];

    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    assert_int_equal(snap_file_open(&io, path, &options, &err), SNAP_OK);
    assert_int_equal(snap_probe_io(io, &probe, &err), SNAP_OK);
    assert_string_equal(err.text, "");
    assert_int_equal(snap_io_close(io, NULL), SNAP_OK);
    assert_int_equal(close(fd), 0);
    return probe;
}

/* Nothing is known then, and the program goes on. */
static void a_probe_that_crashes_tells_nothing(void **state)
{
    struct snap_probe probe;

    safe_probe.crashes = true;
    probe = probe_image(fixture_file(*state, "image", 2 * MIB));
    safe_probe.crashes = false;
    assert_true(probe.unknown);
    assert_string_equal(probe.type, "");
}

static void a_probe_can_write_nothing(void **state)
{
    struct snap_probe probe;

    if (snap_confine_program_calls() == 0) {
        print_message("skipped: this build has no libseccomp\n");
        skip();
    }
    safe_probe.writes = true;
    probe = probe_image(fixture_file(*state, "image", 2 * MIB));
    safe_probe.writes = false;
    assert_false(probe.unknown);
}

static void assert_nothing(const struct snap_probe *probe)
{
    static const struct snap_probe nothing;

    assert_memory_equal(probe, &nothing, sizeof nothing);
}

static void nothing_is_found_on_nothing(void **state)
{
    static const uint64_t sizes[] = {0, 1, 511, 512, 4096, 2 * MIB};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct snap_probe probe = probe_image(fixture_file(*state, "image", sizes[i]));

        assert_nothing(&probe);
    }
}

static void ext4_is_read_in_full(void **state)
{
    int fd = fixture_file(*state, "image", 8 * MIB);
    struct snap_probe probe;

    make_ext4(fixture_path(*state, "image"), "with space", UUID_A);
    probe = probe_image(fd);
    assert_false(probe.ambivalent);
    assert_string_equal(probe.type, "ext4");
    assert_string_equal(probe.usage, "filesystem");
    assert_string_equal(probe.label, "with space");
    assert_string_equal(probe.uuid, UUID_A);
    assert_string_equal(probe.uuid_sub, "");
    assert_string_equal(probe.pttype, "");
    assert_int_equal(probe.signature_offset_bytes, 1080);
}

static void xfs_is_read(void **state)
{
    int fd = fixture_file(*state, "image", 320 * MIB);
    struct snap_probe probe;

    run((const char *const[]){"mkfs.xfs", "-q", "-L", "xlabel", "-m", "uuid=" UUID_A, fixture_path(*state, "image"),
                              NULL});
    probe = probe_image(fd);
    assert_string_equal(probe.type, "xfs");
    assert_string_equal(probe.uuid, UUID_A);
    assert_string_equal(probe.label, "xlabel");
    assert_int_equal(probe.signature_offset_bytes, 0);
}

static void swap_is_read(void **state)
{
    int fd = fixture_file(*state, "image", MIB);
    struct snap_probe probe;

    run((const char *const[]){"mkswap", "-q", "-p", "4096", "-L", "slabel", "-U", UUID_A,
                              fixture_path(*state, "image"), NULL});
    probe = probe_image(fd);
    assert_string_equal(probe.type, "swap");
    assert_string_equal(probe.usage, "other");
    assert_string_equal(probe.uuid, UUID_A);
    assert_int_equal(probe.signature_offset_bytes, 4086);
}

static const uint8_t cow_header[16] = {0x53, 0x6e, 0x41, 0x70, 1, 0, 0, 0, 1, 0, 0, 0, 8};

static void cow_store_is_known(void **state)
{
    int fd = fixture_file(*state, "image", MIB);
    struct snap_probe probe;

    fixture_put(fd, 0, cow_header, sizeof cow_header);
    probe = probe_image(fd);
    assert_string_equal(probe.type, "DM_snapshot_cow");
    assert_string_equal(probe.usage, "other");
    assert_false(probe.ambivalent);
    assert_int_equal(probe.signature_offset_bytes, 0);
}

static void two_signatures_are_ambivalent(void **state)
{
    int fd = fixture_file(*state, "image", 8 * MIB);
    struct snap_probe probe;

    make_ext4(fixture_path(*state, "image"), "two", UUID_A);
    fixture_put(fd, 0, cow_header, sizeof cow_header);
    probe = probe_image(fd);
    assert_true(probe.ambivalent);
    assert_true(strcmp(probe.type, "ext4") == 0 || strcmp(probe.type, "DM_snapshot_cow") == 0);
}

/* What libblkid says of two signatures differs by its version: -2, or -1 with an errno that is not set. */
static void each_answer_for_two_signatures_is_understood(void **state)
{
    static const int answers[] = {-1, -2, -3};

    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        int fd = fixture_file(*state, "image", 8 * MIB);
        struct snap_probe probe;

        make_ext4(fixture_path(*state, "image"), "two", UUID_A);
        fixture_put(fd, 32768, "\001CD001\001", 7);
        probe = probe_image(fd); /* whatever this libblkid says of it */
        assert_string_equal(probe.type, "ext4");
        safe_probe.set = true;
        safe_probe.answer = answers[i];
        safe_probe.sys_errno = 0;
        probe = probe_image(open(fixture_path(*state, "image"), O_RDONLY));
        safe_probe.set = false;
        assert_true(probe.ambivalent);
        assert_string_equal(probe.type, "ext4");
    }
}

static void a_read_error_is_no_second_signature(void **state)
{
    int fd = fixture_file(*state, "image", MIB);
    struct snap_error err = {.text = ""};
    struct snap_probe probe;

    fixture_put(fd, 0, cow_header, sizeof cow_header);
    safe_probe.set = true;
    safe_probe.answer = -1;
    safe_probe.sys_errno = EIO;
    assert_int_equal(snap_probe_outside(fd, &probe, &err), SNAP_E_IO);
    safe_probe.set = false;
    assert_false(probe.ambivalent);
    assert_string_equal(err.text, "reading failed while looking for signatures: Input/output error");
    assert_int_equal(close(fd), 0);
}

static void dos_table_is_read(void **state)
{
    static const uint8_t entry[16] = {0, 0, 0, 0, 0x83, 0, 0, 0, 0, 8, 0, 0, 0, 8};
    int fd = fixture_file(*state, "image", 4 * MIB);
    struct snap_probe probe;

    fixture_put(fd, 440, "\x78\x56\x34\x12", 4);
    fixture_put(fd, 446, entry, sizeof entry);
    fixture_put(fd, 510, "\x55\xaa", 2);
    probe = probe_image(fd);
    assert_string_equal(probe.type, "");
    assert_string_equal(probe.pttype, "dos");
    assert_string_equal(probe.ptuuid, "12345678");
    assert_int_equal(probe.signature_offset_bytes, 510);
}

static void gpt_is_read(void **state)
{
    int fd = fixture_file(*state, "image", 4 * MIB);
    struct snap_probe probe;

    put_gpt(fd, 8192, 1, "unused");
    probe = probe_image(fd);
    assert_string_equal(probe.pttype, "gpt");
    assert_string_equal(probe.ptuuid, "04030201-0605-0807-090a-0b0c0d0e0f10");
    assert_int_equal(probe.signature_offset_bytes, 512);
}

static void probing_changes_nothing(void **state)
{
    int fd = fixture_file(*state, "image", MIB);
    struct stat before, after;

    fixture_put(fd, 0, cow_header, sizeof cow_header);
    assert_int_equal(fstat(fd, &before), 0);
    (void)probe_image(fd);
    assert_int_equal(stat(fixture_path(*state, "image"), &after), 0);
    assert_memory_equal(&before.st_mtim, &after.st_mtim, sizeof before.st_mtim);
}

static void closed_descriptor_is_an_error(void **state)
{
    struct snap_error err = {.text = ""};
    struct snap_probe probe;

    (void)state;
    assert_int_equal(snap_probe_outside(-1, &probe, &err), SNAP_E_IO);
    assert_string_not_equal(err.text, "");
}

/* A device of any size whose bytes are those of a file at [0, ...) and of `patch` at `patch_offset`, else zero. */
struct fake {
    int fd;
    uint64_t size_bytes;
    uint64_t patch_offset;
    const uint8_t *patch;
    size_t patch_bytes;
    uint64_t read_bytes; /* so far */
    bool failing;
};

static enum snap_status fake_read(void *context, uint64_t offset_bytes, uint64_t length_bytes, void *buffer,
                                  struct snap_error *err)
{
    struct fake *fake = context;
    uint8_t *bytes = buffer;

    if (fake->failing)
        return snap_fail(err, SNAP_E_STOPPED, "the test's own failure");
    assert_true(length_bytes > 0 && offset_bytes + length_bytes <= fake->size_bytes);
    fake->read_bytes += length_bytes;
    memset(buffer, 0, length_bytes);
    if (fake->fd >= 0)
        assert_true(pread(fake->fd, buffer, length_bytes, (off_t)offset_bytes) >= 0);
    for (size_t i = 0; i < fake->patch_bytes; i++) {
        if (fake->patch_offset + i >= offset_bytes && fake->patch_offset + i < offset_bytes + length_bytes)
            bytes[fake->patch_offset + i - offset_bytes] = fake->patch[i];
    }
    return SNAP_OK;
}

static struct snap_probe probe_fake(struct fake *fake)
{
    struct snap_error err = {.text = ""};
    struct snap_probe probe;
    enum snap_status status = snap_probe_reader(fake_read, fake, fake->size_bytes, &probe, &err);

    assert_string_equal(err.text, "");
    assert_int_equal(status, SNAP_OK);
    return probe;
}

static void reader_of_a_huge_device_reads_little(void **state)
{
    struct fake fake = {.fd = fixture_file(*state, "image", 8 * MIB), .size_bytes = (UINT64_C(1) << 44) - 4096};
    struct snap_probe probe;

    make_ext4(fixture_path(*state, "image"), "huge", UUID_A);
    probe = probe_fake(&fake);
    assert_string_equal(probe.type, "ext4");
    assert_string_equal(probe.label, "huge");
    assert_in_range(fake.read_bytes, 4 * MIB, 8 * MIB);
    assert_int_equal(close(fake.fd), 0);
}

/* The sum of all words, its own place taken for 0, with the carry added in. */
static uint32_t md_checksum(const uint8_t superblock[256])
{
    uint64_t sum = 0;

    for (unsigned at = 0; at < 256; at += 4)
        sum += at == 216 ? 0 : snap_get_le32(superblock + at);
    return (uint32_t)(sum + (sum >> 32));
}

static void reader_finds_what_stands_at_the_end(void **state)
{
    static const uint64_t sizes[] = {UINT64_C(1) << 44, (UINT64_C(1) << 44) + 513 * 512, 5 * MIB, 7 * MIB + 1536};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint8_t md[256] = {0xfc, 0x4e, 0x2b, 0xa9, 1}; /* a version 1.0 RAID superblock */
        struct fake fake = {.fd = -1, .size_bytes = sizes[i], .patch = md, .patch_bytes = sizeof md};
        struct snap_probe probe;

        fake.patch_offset = (sizes[i] - 8192) & ~UINT64_C(4095);
        memset(md + 16, 0xab, 16);
        memcpy(md + 32, "host:0", 6);
        snap_put_le64(md + 144, fake.patch_offset / 512);
        memset(md + 168, 0xcd, 16);
        snap_put_le32(md + 216, md_checksum(md));
        probe = probe_fake(&fake);
        assert_string_equal(probe.type, "linux_raid_member");
        assert_string_equal(probe.usage, "raid");
        assert_string_equal(probe.uuid, "abababab-abab-abab-abab-abababababab");
        assert_string_equal(probe.uuid_sub, "cdcdcdcd-cdcd-cdcd-cdcd-cdcdcdcdcdcd");
        assert_string_equal(probe.label, "host:0");
        assert_int_equal(probe.signature_offset_bytes, fake.patch_offset);
    }
}

static void reader_finds_a_late_luks_header(void **state)
{
    uint8_t luks[512] = {'S', 'K', 'U', 'L', 0xba, 0xbe, 0, 2};
    struct fake fake = {.fd = -1, .size_bytes = 64 * MIB, .patch = luks, .patch_bytes = sizeof luks,
                        .patch_offset = 4 * MIB};
    struct snap_probe probe;

    (void)state;
    for (unsigned i = 0; i < 8; i++)
        luks[256 + i] = (uint8_t)(fake.patch_offset >> (56 - 8 * i)); /* big endian, its own offset */
    memcpy(luks + 168, UUID_A, sizeof UUID_A);
    for (unsigned blind = 0; blind < 2; blind++) { /* as a safe probe that leaves the second header out */
        safe_probe.set = blind;
        safe_probe.answer = 1;
        probe = probe_fake(&fake);
        safe_probe.set = false;
        assert_false(probe.ambivalent);
        assert_string_equal(probe.type, "crypto_LUKS");
        assert_string_equal(probe.uuid, UUID_A);
    }
}

/* libblkid wants to see the master file table, which stands far behind the head. */
static void reader_finds_ntfs(void **state)
{
    static const uint64_t table_offset = UINT64_C(3) << 30;
    static const uint64_t wrong[] = {(UINT64_C(8) << 18) - 1, UINT64_C(8) << 18, UINT64_MAX / 4096, UINT64_MAX};
    uint8_t boot[512] = {0xeb, 0x52, 0x90};
    uint8_t table[4096] = "FILE";
    int fd = fixture_file(*state, "image", 512);
    struct fake fake = {.fd = fd, .size_bytes = UINT64_C(8) << 30, .patch = table, .patch_bytes = sizeof table,
                        .patch_offset = table_offset};
    struct snap_probe probe;

    memcpy(boot + 3, "NTFS    ", 8);
    snap_put_le16(boot + 11, 512);
    boot[13] = 8;
    snap_put_le64(boot + 40, fake.size_bytes / 512 - 1);
    snap_put_le64(boot + 48, table_offset / 4096);
    boot[64] = 0xf6; /* records of 1 KiB */
    snap_put_le64(boot + 72, UINT64_C(0x0123456789abcdef));
    boot[510] = 0x55;
    boot[511] = 0xaa;
    fixture_put(fd, 0, boot, sizeof boot);
    memcpy(table + 3 * 1024, "FILE", 4);
    snap_put_le16(table + 3 * 1024 + 20, 56);
    snap_put_le16(table + 3 * 1024 + 22, 1);
    snap_put_le32(table + 3 * 1024 + 56, 0xffffffff);
    probe = probe_fake(&fake);
    assert_string_equal(probe.type, "ntfs");
    assert_string_equal(probe.uuid, "0123456789ABCDEF");
    assert_in_range(fake.read_bytes, 4 * MIB, 8 * MIB);

    /* Over the end, behind it, and beyond all numbers: fake_read asserts that nothing is read there. */
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        snap_put_le64(boot + 48, wrong[i]);
        fixture_put(fd, 0, boot, sizeof boot);
        probe = probe_fake(&fake);
        assert_string_equal(probe.type, "");
    }
    assert_int_equal(close(fd), 0);
}

static void reader_takes_any_small_size(void **state)
{
    static const uint64_t sizes[] = {0, 1, 511, 512, 513, 4096, 4 * MIB + 65536, 4 * MIB + 65537, 6 * MIB + 65536};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct fake fake = {.fd = -1, .size_bytes = sizes[i]};
        struct snap_probe probe = probe_fake(&fake);

        assert_nothing(&probe);
        assert_int_equal(fake.read_bytes, sizes[i]); /* no byte twice, none left out */
    }
}

static void reader_hands_failures_on(void **state)
{
    struct fake fake = {.fd = -1, .failing = true};
    struct snap_error err = {.text = ""};
    struct snap_probe probe;

    (void)state;
    assert_int_equal(snap_probe_reader(fake_read, &fake, MIB, &probe, &err), SNAP_E_STOPPED);
    assert_string_equal(err.text, "the test's own failure");
    assert_nothing(&probe);
    assert_int_equal(snap_probe_reader(fake_read, &fake, UINT64_C(1) << 63, &probe, &err), SNAP_E_USAGE);
}

/* What stands at the beginning of the image, of which most was cut off. */
static struct snap_probe_ends ends_of(int fd)
{
    struct fake fake = {.fd = fd, .size_bytes = MIB};
    struct snap_error err = {.text = ""};
    struct snap_probe_ends ends;

    assert_int_equal(snap_probe_find_ends(fake_read, &fake, fake.size_bytes, &ends, &err), SNAP_OK);
    assert_string_equal(err.text, "");
    assert_int_equal(close(fd), 0);
    return ends;
}

static void ends_are_what_was_there_before_a_cut(void **state)
{
    int fd = fixture_file(*state, "image", 320 * MIB);
    struct snap_probe_ends ends;

    run((const char *const[]){"mkfs.xfs", "-q", fixture_path(*state, "image"), NULL});
    ends = ends_of(fd);
#ifdef BLKID_SUBLKS_FSINFO
    assert_int_equal(ends.file_system_bytes, 320 * MIB);
#else
    assert_int_equal(ends.file_system_bytes, 0);
#endif
    assert_int_equal(ends.partitions_bytes, 0);
    fd = fixture_file(*state, "image", 64 * MIB);
    put_gpt(fd, 131072, 1, "root"); /* to sector 4095 */
    ends = ends_of(fd);
    assert_int_equal(ends.file_system_bytes, 0);
    assert_int_equal(ends.partitions_bytes, 2 * MIB);
    ends = ends_of(fixture_file(*state, "other", 64 * MIB));
    assert_true(ends.file_system_bytes == 0 && ends.partitions_bytes == 0);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_probe_that_crashes_tells_nothing, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_probe_can_write_nothing, fixture_setup, fixture_teardown),
        WITH_FIXTURE(nothing_is_found_on_nothing),
        WITH_FIXTURE(ext4_is_read_in_full),
        WITH_FIXTURE(xfs_is_read),
        WITH_FIXTURE(swap_is_read),
        WITH_FIXTURE(cow_store_is_known),
        WITH_FIXTURE(two_signatures_are_ambivalent),
        WITH_FIXTURE(each_answer_for_two_signatures_is_understood),
        WITH_FIXTURE(a_read_error_is_no_second_signature),
        WITH_FIXTURE(dos_table_is_read),
        WITH_FIXTURE(gpt_is_read),
        WITH_FIXTURE(probing_changes_nothing),
        cmocka_unit_test(closed_descriptor_is_an_error),
        WITH_FIXTURE(reader_of_a_huge_device_reads_little),
        cmocka_unit_test(reader_finds_what_stands_at_the_end),
        cmocka_unit_test(reader_finds_a_late_luks_header),
        WITH_FIXTURE(reader_finds_ntfs),
        cmocka_unit_test(reader_takes_any_small_size),
        cmocka_unit_test(reader_hands_failures_on),
        WITH_FIXTURE(ends_are_what_was_there_before_a_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
