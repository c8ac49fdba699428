/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests which marks are the same, which differ, and which say nothing. */
#include "lib/check/marks.h"
#include "tests/unit/unit.h"

#include <string.h>

#define A "aaaaaaaa-1111-4222-8333-123456789abc"
#define B "bbbbbbbb-1111-4222-8333-123456789abc"

static const struct pair {
    const char *what;
    struct snap_probe expected, found;
    enum snap_marks_result result;
} pairs[] = {
    {"nothing", {.type = ""}, {.type = ""}, SNAP_MARKS_NOTHING},
    {"nothing expected", {.type = ""}, {.type = "ext4", .uuid = A}, SNAP_MARKS_NOTHING},
    {"the same", {.type = "ext4", .uuid = A}, {.type = "ext4", .uuid = A}, SNAP_MARKS_SAME},
    {"a journal was added", {.type = "ext2", .uuid = A}, {.type = "ext4", .uuid = A}, SNAP_MARKS_SAME},
    {"UUID", {.type = "ext4", .uuid = A}, {.type = "ext4", .uuid = B}, SNAP_MARKS_DIFFERENT},
    {"no UUID", {.type = "ext4", .uuid = A}, {.type = "ext4"}, SNAP_MARKS_DIFFERENT},
    {"type only", {.type = "squashfs"}, {.type = "squashfs"}, SNAP_MARKS_NOTHING},
    {"types", {.type = "xfs", .uuid = A}, {.type = "ext4", .uuid = A}, SNAP_MARKS_DIFFERENT},
    {"LUKS", {.type = "ext4", .uuid = A}, {.type = "crypto_LUKS", .uuid = B}, SNAP_MARKS_DIFFERENT},
    {"swap", {.type = "swap", .uuid = A}, {.type = "ext4", .uuid = B}, SNAP_MARKS_DIFFERENT},
    {"blank", {.type = "ext4", .uuid = A}, {.type = ""}, SNAP_MARKS_DIFFERENT},
    {"a member of the same array", {.type = "linux_raid_member", .usage = "raid", .uuid = A, .uuid_sub = A},
     {.type = "linux_raid_member", .usage = "raid", .uuid = A, .uuid_sub = B}, SNAP_MARKS_DIFFERENT},
    {"the same member", {.type = "linux_raid_member", .usage = "raid", .uuid = A, .uuid_sub = B},
     {.type = "linux_raid_member", .usage = "raid", .uuid = A, .uuid_sub = B}, SNAP_MARKS_SAME},
    {"one UUID for all members", {.type = "linux_raid_member", .usage = "raid", .uuid = A},
     {.type = "linux_raid_member", .usage = "raid", .uuid = A}, SNAP_MARKS_NOTHING},
    {"a physical volume has its own", {.type = "LVM2_member", .usage = "raid", .uuid = A},
     {.type = "LVM2_member", .usage = "raid", .uuid = A}, SNAP_MARKS_SAME},
    {"a device of the same btrfs", {.type = "btrfs", .uuid = A, .uuid_sub = A},
     {.type = "btrfs", .uuid = A, .uuid_sub = B}, SNAP_MARKS_DIFFERENT},
    {"a file system, and a disk", {.type = "ext4", .uuid = A}, {.pttype = "gpt", .ptuuid = A}, SNAP_MARKS_DIFFERENT},
    {"a disk, and a file system", {.pttype = "gpt", .ptuuid = A}, {.type = "ext4", .uuid = A}, SNAP_MARKS_DIFFERENT},
    {"the same disk", {.pttype = "gpt", .ptuuid = A}, {.pttype = "gpt", .ptuuid = A}, SNAP_MARKS_SAME},
    {"the same disk, of a record", {.ptuuid = A}, {.pttype = "gpt", .ptuuid = A}, SNAP_MARKS_SAME},
    {"disks", {.pttype = "dos", .ptuuid = "12345678"}, {.pttype = "dos", .ptuuid = "12345679"}, SNAP_MARKS_DIFFERENT},
    {"tables", {.pttype = "dos"}, {.pttype = "gpt", .ptuuid = A}, SNAP_MARKS_DIFFERENT},
    {"tables without id", {.pttype = "dos"}, {.pttype = "dos"}, SNAP_MARKS_NOTHING},
    {"a hybrid image", {.type = "iso9660", .uuid = A, .pttype = "dos", .ptuuid = "12345678"},
     {.type = "iso9660", .uuid = A, .pttype = "dos", .ptuuid = "12345679"}, SNAP_MARKS_DIFFERENT},
    {"several signatures", {.type = "ext4", .uuid = A}, {.ambivalent = true, .type = "swap", .uuid = B},
     SNAP_MARKS_NOTHING},
    {"several, the same UUID", {.type = "ext4", .uuid = A}, {.ambivalent = true, .type = "ext4", .uuid = A},
     SNAP_MARKS_SAME},
    {"libblkid failed", {.type = "ext4", .uuid = A}, {.unknown = true}, SNAP_MARKS_NOTHING},
    {"libblkid failed on it", {.unknown = true}, {.type = "ext4", .uuid = A}, SNAP_MARKS_NOTHING},
};

static void marks_are_compared(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        const enum snap_marks_result result = snap_marks_compare(&pairs[i].expected, &pairs[i].found, false);

        if (result != pairs[i].result)
            print_error("%s\n", pairs[i].what);
        assert_int_equal(result, pairs[i].result);
    }
}

/* Only what is missing is excused by places that could not be read, never what is there and differs. */
static void what_was_not_read_is_not_missing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        const struct pair *pair = &pairs[i];
        const bool missing = pair->expected.type[0] != '\0'
                                 ? pair->found.type[0] == '\0'
                                 : pair->found.pttype[0] == '\0' && pair->found.ptuuid[0] == '\0';

        assert_int_equal(snap_marks_compare(&pair->expected, &pair->found, true),
                         missing ? SNAP_MARKS_NOTHING : pair->result);
    }
}

static void a_record_compares_as_far_as_its_fields_go(void **state)
{
    struct snap_identity record = {.fs_type = "promise_fasttra", .fs_uuid = A, .uuid_sub = B, .ptuuid = ""};
    struct snap_probe marks, found = {.type = "promise_fasttrack_raid_member", .uuid = A, .uuid_sub = B};

    (void)state;
    memcpy(record.fs_type, found.type, 16);
    record.fs_type[16] = '\0';
    snap_marks_of_record(&record, &marks);
    assert_string_equal(marks.type, "promise_fasttrac...");
    assert_int_equal(snap_marks_compare(&marks, &found, false), SNAP_MARKS_SAME);
    found.type[15] = 'X';
    assert_int_equal(snap_marks_compare(&marks, &found, false), SNAP_MARKS_DIFFERENT);
}

static void marks_are_told_in_words(void **state)
{
    static const struct {
        struct snap_probe probe;
        const char *text;
    } cases[] = {
        {{.type = "ext4", .uuid = A, .label = "root"}, "ext4 (UUID " A ")"},
        {{.type = "btrfs", .uuid = A, .uuid_sub = B}, "btrfs (UUID " A ", UUID_SUB " B ")"},
        {{.type = "squashfs"}, "squashfs"},
        {{.pttype = "gpt", .ptuuid = A}, "a gpt partition table " A},
        {{.ptuuid = A}, "a partition table " A},
        {{.pttype = "dos"}, "a dos partition table"},
        {{.type = ""}, "nothing that is known"},
        {{.unknown = true}, "contents that libblkid failed on"},
        {{.type = "a, b", .uuid = "\"x"}, "\"a, b\" (UUID \"\\\"x\")"},
    };
    char text[SNAP_MARKS_TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(snap_marks_text(&cases[i].probe, text), cases[i].text);
}

/* The longest fields, and each of their bytes twice: nothing is written behind the room for it. */
static void the_longest_text_fits(void **state)
{
    struct snap_probe probe = {.type = ""};
    char text[SNAP_MARKS_TEXT_BYTES + 1];

    (void)state;
    memset(probe.type, '"', sizeof probe.type - 1);
    memset(probe.uuid, '"', sizeof probe.uuid - 1);
    memset(probe.uuid_sub, '"', sizeof probe.uuid_sub - 1);
    text[SNAP_MARKS_TEXT_BYTES] = 'z';
    (void)snap_marks_text(&probe, text);
    assert_true(strlen(text) < SNAP_MARKS_TEXT_BYTES);
    assert_int_equal(text[SNAP_MARKS_TEXT_BYTES], 'z');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_are_compared),
        cmocka_unit_test(what_was_not_read_is_not_missing),
        cmocka_unit_test(a_record_compares_as_far_as_its_fields_go),
        cmocka_unit_test(marks_are_told_in_words),
        cmocka_unit_test(the_longest_text_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
