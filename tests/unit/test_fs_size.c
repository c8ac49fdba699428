/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests what superblocks of ext2 tell of the size of their file system, sound and damaged ones. */
#include "lib/files/fs_size.h"

#include "lib/base/bytes.h"
#include "lib/files/owners.h"
#include "tests/unit/unit.h"

#include <string.h>

#define HEAD_BYTES 2048u

struct head {
    uint8_t bytes[HEAD_BYTES];
    enum snap_status status; /* with which reading ends */
    unsigned reads;
};

static enum snap_status read_head(void *context, uint64_t offset_bytes, uint64_t length_bytes, void *buffer,
                                  struct snap_error *err)
{
    struct head *head = context;

    assert_true(offset_bytes + length_bytes <= HEAD_BYTES); /* the rest may have been cut off */
    head->reads++;
    memcpy(buffer, head->bytes + offset_bytes, length_bytes);
    return head->status == SNAP_OK ? SNAP_OK : snap_fail(err, head->status, "the test's own failure");
}

/* A file system of ext2 with blocks of 4 KiB in one group. */
static void put_superblock(struct head *head, uint32_t blocks)
{
    uint8_t *super = head->bytes + 1024;

    *head = (struct head){.status = SNAP_OK};
    snap_put_le32(super + 0, 1024);   /* inodes */
    snap_put_le32(super + 4, blocks);
    snap_put_le32(super + 24, 2);     /* log of the block size, from 1 KiB on */
    snap_put_le32(super + 28, 2);
    snap_put_le32(super + 32, 32768); /* blocks in a group */
    snap_put_le32(super + 36, 32768);
    snap_put_le32(super + 40, 1024);  /* inodes in a group */
    snap_put_le16(super + 56, 0xef53);
}

static uint64_t size_of(struct head *head, uint64_t size_bytes)
{
    struct snap_error err = {.text = ""};
    uint64_t bytes = 1;

    assert_ok(snap_fs_size_find(read_head, head, size_bytes, &bytes, &err), &err);
    assert_string_equal(err.text, "");
    return bytes;
}

static void a_superblock_tells_the_size_whatever_the_device_has(void **state)
{
    struct head head;

    (void)state;
    if (!snap_owners_available())
        skip();
    put_superblock(&head, 20000);
    assert_int_equal(size_of(&head, UINT64_C(1) << 40), 20000 * 4096);
    assert_int_equal(size_of(&head, HEAD_BYTES), 20000 * 4096);
    assert_int_equal(head.reads, 2);
}

static void what_is_no_superblock_tells_nothing(void **state)
{
    struct head head;

    (void)state;
    put_superblock(&head, 20000);
    assert_int_equal(size_of(&head, HEAD_BYTES - 1), 0);
    assert_int_equal(head.reads, 0);
    snap_put_le16(head.bytes + 1024 + 56, 0xef54);
    assert_int_equal(size_of(&head, HEAD_BYTES), 0);
    put_superblock(&head, 20000);
    snap_put_le32(head.bytes + 1024 + 24, 31); /* blocks of 2^41 bytes */
    assert_int_equal(size_of(&head, HEAD_BYTES), 0);
    put_superblock(&head, 20000);
    snap_put_le32(head.bytes + 1024 + 76, 1); /* the second revision, with a checksum, which is wrong */
    snap_put_le16(head.bytes + 1024 + 88, 256);
    snap_put_le32(head.bytes + 1024 + 100, 0x400);
    head.bytes[1024 + 373] = 1;
    assert_int_equal(size_of(&head, HEAD_BYTES), 0);
}

static void failures_to_read_tell_nothing_but_a_stop_ends_it(void **state)
{
    struct snap_error err = {.text = ""};
    struct head head;
    uint64_t bytes = 1;

    (void)state;
    if (!snap_owners_available())
        skip();
    put_superblock(&head, 20000);
    head.status = SNAP_E_IO;
    assert_int_equal(size_of(&head, HEAD_BYTES), 0);
    head.status = SNAP_E_CORRUPT;
    assert_int_equal(size_of(&head, HEAD_BYTES), 0);
    head.status = SNAP_E_STOPPED;
    assert_int_equal(snap_fs_size_find(read_head, &head, HEAD_BYTES, &bytes, &err), SNAP_E_STOPPED);
    assert_string_equal(err.text, "the test's own failure");
    assert_int_equal(bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_superblock_tells_the_size_whatever_the_device_has),
        cmocka_unit_test(what_is_no_superblock_tells_nothing),
        cmocka_unit_test(failures_to_read_tell_nothing_but_a_stop_ends_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
