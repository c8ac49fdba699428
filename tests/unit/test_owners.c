/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests which file has a block: on file systems that mke2fs makes, with debugfs as the judge; damaged ones, too. */
#include "lib/files/owners.h"

#include "tests/unit/folder_fixture.h"
#include "tests/unit/unit.h"

#include <ctype.h>
#include <errno.h>
#include <sys/wait.h>

#define IMAGE_BYTES (16u << 20)

static int image_fd = -1;
static uint64_t reads, fail_from_bytes, fail_to_bytes;
static uint64_t device_bytes = IMAGE_BYTES;

static enum snap_status read_image(void *context, uint64_t offset_bytes, uint64_t length_bytes, bool needed,
                                   void *buffer, struct snap_error *err)
{
    (void)context;
    (void)needed;
    reads++;
    if (offset_bytes < fail_to_bytes && offset_bytes + length_bytes > fail_from_bytes)
        return snap_fail(err, SNAP_E_IO, "a bad sector");
    assert_int_equal(pread(image_fd, buffer, length_bytes, (off_t)offset_bytes), (ssize_t)length_bytes);
    return SNAP_OK;
}

/*
 * ---- images ----------------------------------------------------------------------------------------------------
 */

/* Runs a line of the shell in the folder of the test; false: it failed. */
static bool shell(const char *format, ...)
{
    char line[1200], command[1000];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(command, sizeof command, format, args);
    va_end(args);
    (void)snprintf(line, sizeof line, "cd '%s' && { %s; } >/dev/null 2>&1 </dev/null", fixture_folder, command);
    return system(line) == 0;
}

/* What debugfs says; its first line. */
static const char *debugfs(const char *request, const char *filter, char *text, size_t text_bytes)
{
    char line[1200];
    FILE *said;

    (void)snprintf(line, sizeof line,
                   "cd '%s' && PATH=\"$PATH:/usr/sbin:/sbin\" debugfs -R '%s' image 2>/dev/null | %s", fixture_folder,
                   request, filter);
    said = popen(line, "r");
    assert_non_null(said);
    if (!fgets(text, (int)text_bytes, said))
        text[0] = '\0';
    while (fgetc(said) != EOF)
        ;
    assert_int_equal(pclose(said), 0);
    return text;
}

/* The last of the blocks of a file: of a large one, not in its first map. */
static uint64_t block_of(const char *path)
{
    char request[200], text[65536];
    uint64_t block = 0;

    (void)snprintf(request, sizeof request, "blocks %s", path);
    (void)debugfs(request, "cat", text, sizeof text);
    for (char *at = text; *at != '\0';) {
        const uint64_t number = strtoull(at, &at, 10);

        block = number != 0 ? number : block;
        while (*at != '\0' && !isdigit((unsigned char)*at))
            at++;
    }
    assert_true(block > 0);
    return block;
}

static void open_image(void)
{
    image_fd = open(fixture_path("image"), O_RDWR | O_CLOEXEC);
    assert_true(image_fd >= 0);
}

/* mke2fs with these options, over a tree that has each kind of file. */
static void make(const char *options)
{
    if (!snap_owners_available()) {
        print_message("skipped: this build lacks libext2fs\n");
        skip();
    }
    assert_true(shell("mkdir -p tree/dir/deep/deeper tree/lost"));
    assert_true(shell("echo one >tree/one; echo two >'tree/dir/a name'; ln -f tree/one tree/dir/other"));
    assert_true(shell("head -c 3000000 /dev/zero | tr '\\0' x >tree/dir/deep/deeper/large"));
    assert_true(shell("ln -sf %0100d tree/link", 0));
    assert_true(shell("PATH=\"$PATH:/usr/sbin:/sbin\"; mke2fs -q -F %s -d tree image %uK", options, IMAGE_BYTES >> 10));
    open_image();
}

static int forget(void **state)
{
    (void)state;
    if (image_fd >= 0)
        (void)close(image_fd);
    image_fd = -1;
    fail_from_bytes = fail_to_bytes = 0;
    device_bytes = IMAGE_BYTES;
    return shell("rm -rf '%s'/*", fixture_folder) ? 0 : -1;
}

/*
 * ---- questions -------------------------------------------------------------------------------------------------
 */

static enum snap_status ask(struct snap_owners *owners, const struct snap_owners_place *places, size_t count,
                            uint32_t answers, struct snap_error *err)
{
    const struct snap_owners_question question = {.places = places,
                                                  .place_count = count,
                                                  .count = answers,
                                                  .read = read_image,
                                                  .size_bytes = device_bytes};

    return snap_owners_find(owners, &question, err);
}

/* One block, which one file has. */
static void expect_file(uint64_t block, uint32_t block_bytes, const char *path, enum snap_owners_type type,
                        uint32_t links)
{
    const struct snap_owners_place place = {.offset_bytes = block * block_bytes, .length_bytes = block_bytes};
    const struct snap_owners_file *file;
    struct snap_owners owners;
    struct snap_error err;

    assert_ok(ask(&owners, &place, 1, 1, &err), &err);
    assert_int_equal(owners.answers[0].file_count, 1);
    assert_int_equal(owners.answers[0].parts, 0);
    file = snap_owners_file(&owners, owners.answers[0].inodes[0]);
    assert_non_null(file);
    assert_non_null(file->path);
    assert_string_equal(file->path, path);
    assert_int_equal(file->type, type);
    assert_int_equal(file->links, links);
    assert_false(file->deleted);
    assert_false(owners.incomplete);
    snap_owners_free(&owners);
}

static unsigned parts_of(uint64_t block, uint32_t block_bytes)
{
    const struct snap_owners_place place = {.offset_bytes = block * block_bytes, .length_bytes = block_bytes};
    struct snap_owners owners;
    struct snap_error err;
    unsigned parts;

    assert_ok(ask(&owners, &place, 1, 1, &err), &err);
    assert_int_equal(owners.answers[0].file_count, 0);
    parts = owners.answers[0].parts;
    snap_owners_free(&owners);
    return parts;
}

static void expect_all_kinds(uint32_t block_bytes)
{
    expect_file(block_of("/one"), block_bytes, "/one", SNAP_OWNERS_FILE, 2);
    expect_file(block_of("\"/dir/a name\""), block_bytes, "/dir/a name", SNAP_OWNERS_FILE, 1);
    expect_file(block_of("/dir/deep/deeper/large"), block_bytes, "/dir/deep/deeper/large", SNAP_OWNERS_FILE, 1);
    expect_file(block_of("/dir/deep"), block_bytes, "/dir/deep", SNAP_OWNERS_FOLDER, 3);
    expect_file(block_of("/"), block_bytes, "/", SNAP_OWNERS_FOLDER, 5);
    expect_file(block_of("/link"), block_bytes, "/link", SNAP_OWNERS_LINK, 1);
    assert_int_equal(parts_of(1024 / block_bytes, block_bytes), SNAP_OWNERS_SUPERBLOCK);
    assert_int_equal(parts_of(IMAGE_BYTES / block_bytes - 1, block_bytes), SNAP_OWNERS_FREE);
}

static void ext4_with_extents(void **state)
{
    (void)state;
    make("-t ext4 -b 4096");
    expect_all_kinds(4096);
    assert_int_equal(parts_of(block_of("<8>"), 4096), SNAP_OWNERS_JOURNAL);
}

static void ext4_with_blocks_of_1_kib(void **state)
{
    (void)state;
    make("-t ext4 -b 1024 -O ^has_journal");
    expect_all_kinds(1024);
}

/* The last blocks of the large file are behind a map that has maps in it. */
static void ext2_with_maps_of_maps(void **state)
{
    (void)state;
    make("-t ext2 -b 1024");
    expect_all_kinds(1024);
}

static void ext3_with_blocks_of_4_kib(void **state)
{
    (void)state;
    make("-t ext3 -b 4096 -I 128");
    expect_all_kinds(4096);
}

static void other_forms_of_ext4(void **state)
{
    (void)state;
    make("-t ext4 -b 1024 -O 64bit,metadata_csum,meta_bg,^resize_inode -g 1024");
    expect_all_kinds(1024);
    assert_int_equal(forget(state), 0);
    make("-t ext4 -b 1024 -O bigalloc -C 16384");
    expect_all_kinds(1024);
    assert_int_equal(forget(state), 0);
    make("-t ext4 -b 2048 -O ^flex_bg,^uninit_bg,^metadata_csum,sparse_super2");
    expect_all_kinds(2048);
}

/* Each block of the image: what debugfs calls in use has somebody, and what it calls free has nobody. */
static void each_block_has_its_owner(void **state)
{
    struct snap_owners_place *places = calloc(IMAGE_BYTES / 1024, sizeof *places);
    struct snap_owners owners;
    struct snap_error err;
    unsigned seen = 0;
    uint64_t free_blocks = 0;
    char text[200];

    (void)state;
    assert_non_null(places);
    make("-t ext4 -b 1024");
    for (uint32_t block = 0; block < IMAGE_BYTES / 1024; block++)
        places[block] =
            (struct snap_owners_place){.offset_bytes = UINT64_C(1024) * block, .length_bytes = 1024, .number = block};
    assert_ok(ask(&owners, places, IMAGE_BYTES / 1024, IMAGE_BYTES / 1024, &err), &err);
    for (uint32_t block = 0; block < IMAGE_BYTES / 1024; block++) {
        const struct snap_owners_answer *answer = &owners.answers[block];

        assert_true((answer->parts != 0) != (answer->file_count != 0)); /* one of them, and not both */
        assert_int_equal(answer->parts & (answer->parts - 1), 0);
        seen |= answer->parts;
        free_blocks += answer->parts == SNAP_OWNERS_FREE;
    }
    assert_int_equal(seen, SNAP_OWNERS_SUPERBLOCK | SNAP_OWNERS_BLOCK_BITMAP | SNAP_OWNERS_INODE_BITMAP |
                               SNAP_OWNERS_INODE_TABLE | SNAP_OWNERS_JOURNAL | SNAP_OWNERS_FREE);
    (void)debugfs("stats -h", "sed -n \"s/^Free blocks: *//p\"", text, sizeof text);
    assert_int_equal(free_blocks, strtoull(text, NULL, 10));
    snap_owners_free(&owners);
    free(places);
}

/*
 * ---- questions of other shapes ---------------------------------------------------------------------------------
 */

/* Two files in one place, a place twice, places that overlap, and a place that reaches far behind the end. */
static void places_that_overlap(void **state)
{
    struct snap_owners owners;
    struct snap_error err;
    uint64_t one, name;

    (void)state;
    make("-t ext4 -b 4096");
    one = block_of("/one") * 4096, name = block_of("\"/dir/a name\"") * 4096;
    const struct snap_owners_place places[] = {
        {.offset_bytes = one + 512, .length_bytes = 1, .number = 0},
        {.offset_bytes = name, .length_bytes = 4096, .number = 0},
        {.offset_bytes = one, .length_bytes = 512, .number = 1},
        {.offset_bytes = IMAGE_BYTES, .length_bytes = 4096, .number = 3},
        {.offset_bytes = 0, .length_bytes = UINT64_C(1) << 40, .number = 2},
    };

    assert_ok(ask(&owners, places, sizeof places / sizeof places[0], 5, &err), &err);
    assert_int_equal(owners.answers[0].file_count, 2);
    assert_int_equal(owners.answers[0].parts, 0);
    assert_int_equal(owners.answers[1].file_count, 1);
    assert_int_equal(owners.answers[1].inodes[0], snap_owners_file(&owners, owners.answers[1].inodes[0])->inode);
    assert_int_equal(owners.answers[2].file_count, 10); /* all that have blocks, and / and lost+found */
    assert_int_equal(owners.answers[2].parts & (SNAP_OWNERS_BEHIND | SNAP_OWNERS_LEFT_OUT | SNAP_OWNERS_FREE),
                     SNAP_OWNERS_BEHIND | SNAP_OWNERS_LEFT_OUT | SNAP_OWNERS_FREE);
    assert_int_equal(owners.answers[3].parts, SNAP_OWNERS_BEHIND);
    assert_int_equal(owners.answers[4].parts, 0); /* nothing was asked */
    assert_int_equal(owners.answers[4].file_count, 0);
    assert_null(snap_owners_file(&owners, 4000000));
    snap_owners_free(&owners);
}

/*
 * ---- damaged file systems --------------------------------------------------------------------------------------
 */

static void edit(const char *request)
{
    (void)close(image_fd);
    assert_true(shell("PATH=\"$PATH:/usr/sbin:/sbin\"; debugfs -w -R '%s' image", request));
    open_image();
}

static void expect_no_path(uint64_t block, uint32_t block_bytes, bool incomplete)
{
    const struct snap_owners_place place = {.offset_bytes = block * block_bytes, .length_bytes = block_bytes};
    const struct snap_owners_file *file;
    struct snap_owners owners;
    struct snap_error err;

    assert_ok(ask(&owners, &place, 1, 1, &err), &err);
    assert_int_equal(owners.answers[0].file_count, 1);
    file = snap_owners_file(&owners, owners.answers[0].inodes[0]);
    assert_non_null(file);
    assert_null(file->path);
    assert_int_equal(owners.incomplete, incomplete);
    snap_owners_free(&owners);
}

/* Two folders that are in each other, and nowhere else: there is no way from there to the root. */
static void folders_in_a_circle(void **state)
{
    uint64_t block;

    (void)state;
    make("-t ext4 -b 4096");
    block = block_of("/dir/deep/deeper/large");
    edit("ln /dir /dir/deep/again");
    expect_file(block_of("/dir"), 4096, "/dir", SNAP_OWNERS_FOLDER, 3);
    edit("unlink /dir/..");
    edit("ln /dir/deep /dir/..");
    edit("unlink /dir");
    expect_no_path(block, 4096, false);
}

/* Each block of the map is the map itself: three levels of 256 numbers each, sixteen million steps for one file. */
static void a_map_that_is_its_own_map(void **state)
{
    const uint32_t map = IMAGE_BYTES / 1024 - 1;
    const struct snap_owners_place place = {.offset_bytes = map * UINT64_C(1024), .length_bytes = 1024};
    uint32_t numbers[256];
    struct snap_owners owners;
    struct snap_error err;
    char request[100];

    (void)state;
    make("-t ext2 -b 1024");
    (void)snprintf(request, sizeof request, "sif /one block[TIND] %u", map);
    edit(request);
    edit("sif /one size 4294967295");
    for (size_t i = 0; i < 256; i++)
        numbers[i] = map;
    assert_int_equal(pwrite(image_fd, numbers, sizeof numbers, (off_t)map * 1024), sizeof numbers);
    reads = 0;
    assert_ok(ask(&owners, &place, 1, 1, &err), &err);
    assert_true(owners.incomplete);
    assert_int_equal(owners.answers[0].file_count, 1);
    assert_string_equal(snap_owners_file(&owners, owners.answers[0].inodes[0])->path, "/one");
    assert_in_range(reads, 1, 2000);
    snap_owners_free(&owners);
}

static void what_cannot_be_read_is_left_out(void **state)
{
    uint64_t file, folder;
    struct snap_owners_place place;
    struct snap_owners owners;
    struct snap_error err;

    (void)state;
    make("-t ext4 -b 4096");
    file = block_of("/dir/deep/deeper/large"), folder = block_of("/dir/deep");
    fail_from_bytes = folder * 4096 + 512;
    fail_to_bytes = fail_from_bytes + 512;
    expect_no_path(file, 4096, true);
    expect_file(block_of("/one"), 4096, "/one", SNAP_OWNERS_FILE, 2); /* nothing of that had to be read */
    fail_from_bytes = 1024;
    fail_to_bytes = 2048;
    place = (struct snap_owners_place){.offset_bytes = file * 4096, .length_bytes = 4096};
    assert_status(ask(&owners, &place, 1, 1, &err), SNAP_E_IO, &err);
    snap_owners_free(&owners);
}

static void no_file_system(void **state)
{
    const struct snap_owners_place place = {.offset_bytes = 0, .length_bytes = 4096};
    static const char zeros[1024];
    struct snap_owners owners;
    struct snap_error err;

    (void)state;
    make("-t ext4 -b 4096");
    assert_int_equal(pwrite(image_fd, zeros, sizeof zeros, 1024), sizeof zeros);
    assert_status(ask(&owners, &place, 1, 1, &err), SNAP_E_NOENT, &err);
    snap_owners_free(&owners);
}

/* Numbers in the superblock that would need memory or time without end. */
static void a_superblock_that_lies(void **state)
{
    static const struct {
        unsigned offset;
        uint32_t value;
    } lies[] = {{4, 0xffffffff}, {32, 8}, {32, 0}, {40, 0xffffffff}, {0, 0xffffffff}, {20, 0xffffffff}, {24, 6},
                {24, 0xffffffff}, {88, 0x00010001}, {88, 0x8000}};
    const struct snap_owners_place place = {.offset_bytes = 0, .length_bytes = 4096};
    struct snap_owners owners;
    struct snap_error err;

    (void)state;
    make("-t ext4 -b 4096 -O ^metadata_csum");
    device_bytes /= 2; /* it was cut */
    assert_status(ask(&owners, &place, 1, 1, &err), SNAP_E_CORRUPT, &err);
    assert_non_null(strstr(err.text, "more than there are"));
    snap_owners_free(&owners);
    device_bytes = IMAGE_BYTES;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        uint32_t kept;
        enum snap_status status;

        assert_int_equal(pread(image_fd, &kept, sizeof kept, 1024 + lies[i].offset), sizeof kept);
        assert_int_equal(pwrite(image_fd, &lies[i].value, sizeof kept, 1024 + lies[i].offset), sizeof kept);
        status = ask(&owners, &place, 1, 1, &err);
        if (status != SNAP_E_CORRUPT && status != SNAP_E_IO)
            fail_msg("%u at byte %u: status %d", lies[i].value, lies[i].offset, (int)status);
        snap_owners_free(&owners);
        assert_int_equal(pwrite(image_fd, &kept, sizeof kept, 1024 + lies[i].offset), sizeof kept);
    }
}

/* Bytes at random in what the file system is made of, the same in every run: it ends, with an answer or without. */
static void damage_at_random(void **state)
{
    const uint64_t areas[][2] = {{1024, 1024}, {4096, 4096}, {8192, IMAGE_BYTES / 8}, {8192, IMAGE_BYTES / 8}};
    struct snap_owners_place place = {.offset_bytes = 0, .length_bytes = IMAGE_BYTES};
    const char *const options[] = {"-t ext4 -b 1024", "-t ext2 -b 1024", "-t ext4 -b 4096"};
    unsigned known = 0, rounds = 0;
    uint64_t random = 4711;

    for (size_t form = 0; form < sizeof options / sizeof options[0]; form++) {
        make(options[form]);
        for (unsigned round = 0; round < 40; round++, rounds++) {
            struct snap_owners owners;
            struct snap_error err;
            enum snap_status status;
            uint8_t kept[24];
            off_t offsets[sizeof kept];

            for (size_t i = 0; i < sizeof kept; i++) {
                const uint64_t *area = areas[unit_random(&random, 4)];
                const uint8_t value = (uint8_t)unit_random(&random, 256);

                offsets[i] = (off_t)(area[0] + unit_random(&random, area[1]));
                if (round % 4 != 0 && offsets[i] < 2048) /* most superblocks stay as they are */
                    offsets[i] += 2048;
                assert_int_equal(pread(image_fd, &kept[i], 1, offsets[i]), 1);
                assert_int_equal(pwrite(image_fd, &value, 1, offsets[i]), 1);
            }
            status = ask(&owners, &place, 1, 1, &err);
            if (status != SNAP_OK && status != SNAP_E_CORRUPT && status != SNAP_E_NOENT &&
                status != SNAP_E_UNSUPPORTED && status != SNAP_E_IO)
                fail_msg("round %u: status %d: %s", rounds, (int)status, err.text);
            known += status == SNAP_OK;
            snap_owners_free(&owners);
            for (size_t i = sizeof kept; i-- > 0;)
                assert_int_equal(pwrite(image_fd, &kept[i], 1, offsets[i]), 1);
        }
        assert_int_equal(forget(state), 0);
    }
    assert_true(known > rounds / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(ext4_with_extents, forget),
        cmocka_unit_test_teardown(ext4_with_blocks_of_1_kib, forget),
        cmocka_unit_test_teardown(ext2_with_maps_of_maps, forget),
        cmocka_unit_test_teardown(ext3_with_blocks_of_4_kib, forget),
        cmocka_unit_test_teardown(other_forms_of_ext4, forget),
        cmocka_unit_test_teardown(each_block_has_its_owner, forget),
        cmocka_unit_test_teardown(places_that_overlap, forget),
        cmocka_unit_test_teardown(folders_in_a_circle, forget),
        cmocka_unit_test_teardown(a_map_that_is_its_own_map, forget),
        cmocka_unit_test_teardown(what_cannot_be_read_is_left_out, forget),
        cmocka_unit_test_teardown(no_file_system, forget),
        cmocka_unit_test_teardown(a_superblock_that_lies, forget),
        cmocka_unit_test_teardown(damage_at_random, forget),
    };

    return cmocka_run_group_tests(tests, fixture_make, fixture_remove);
}
