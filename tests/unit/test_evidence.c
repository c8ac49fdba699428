/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests that stores and origins are told apart by real file systems on them. */
#include "lib/check/evidence.h"
#include "tests/support/io_fault.h"
#include "tests/unit/format_fixture.h"
#include "tests/unit/list_fixture.h"
#include "tests/unit/loop_fixture.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#define UUID_A "aaaaaaaa-1111-4222-8333-123456789abc"
#define UUID_B "bbbbbbbb-1111-4222-8333-123456789abc"
#define UUID_C "cccccccc-1111-4222-8333-123456789abc"
#define IMAGE_BYTES (UINT64_C(8) << 20)

static const struct snap_device device; /* an image file: nothing is known of it */
static const struct snap_check_result figures = {.entries = 1};

/* An ext4 file system in a device in memory. */
static struct snap_io *ext4(const struct fixture *fixture, const char *uuid)
{
    struct snap_io *io = io_mem_new("origin", IMAGE_BYTES, 512, true);
    int fd = fixture_file(fixture, "image", IMAGE_BYTES), status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        int null_fd = open("/dev/null", O_RDWR);

        (void)dup2(null_fd, STDOUT_FILENO);
        (void)dup2(null_fd, STDERR_FILENO);
        (void)setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin", 1);
        (void)execlp("mke2fs", "mke2fs", "-q", "-F", "-t", "ext4", "-U", uuid, fixture_path(fixture, "image"),
                     (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 127) {
        print_message("skipped: mke2fs is not installed\n");
        list_close(io);
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
    for (uint64_t at = 0; at < IMAGE_BYTES; at += 1 << 20)
        assert_int_equal(pread(fd, io_mem_bytes(io) + at, 1 << 20, (off_t)at), 1 << 20);
    assert_int_equal(close(fd), 0);
    return io;
}

/* A store for what differs between the two. */
static struct snap_io *difference(struct snap_io *origin, struct snap_io *newer)
{
    struct snap_io *cow = list_new(8, 2048 * 8 + 100 * 8);
    uint64_t index = 0;

    for (uint64_t at = 0; newer && at < IMAGE_BYTES; at += 4096) {
        if (memcmp(io_mem_bytes(origin) + at, io_mem_bytes(newer) + at, 4096) == 0)
            continue;
        list_put(cow, 8, index, at / 4096, format_canonical(8, index));
        memcpy(io_mem_bytes(cow) + format_canonical(8, index++) * 4096, io_mem_bytes(newer) + at, 4096);
    }
    return cow;
}

static void record_origin(struct snap_io *cow, const char *fs_uuid, uint64_t sectors)
{
    struct snap_identity identity = {.origin_sectors = sectors, .chunk_sectors = 8, .fs_type = "ext4"};

    (void)snprintf(identity.fs_uuid, sizeof identity.fs_uuid, "%s", fs_uuid);
    snap_codec_encode_record(&identity, io_mem_bytes(cow));
}

static struct snap_evidence gather(struct snap_io *cow, struct snap_io *origin)
{
    struct snap_store store = list_open(cow);
    const struct snap_evidence_look look = {.store = &store, .figures = &figures, .origin = origin, .device = &device};
    struct snap_error err = {.text = ""};
    struct snap_evidence evidence;

    assert_ok(snap_evidence_gather(&look, &evidence, &err), &err);
    assert_true(evidence.pair.text[0] != '\0');
    return evidence;
}

static void assert_judged(const struct snap_evidence *evidence, enum snap_pair_outcome outcome,
                          enum snap_pair_reason reason)
{
    if (evidence->pair.outcome != outcome || evidence->pair.reason != reason)
        print_error("judged: %s\n", evidence->pair.text);
    assert_int_equal(evidence->pair.outcome, outcome);
    assert_int_equal(evidence->pair.reason, reason);
}

static void an_empty_store_proves_nothing(void **state)
{
    struct snap_io *origin = ext4(*state, UUID_A), *cow = difference(origin, NULL);
    struct snap_evidence evidence = gather(cow, origin);

    assert_string_equal(evidence.origin.uuid, UUID_A);
    assert_string_equal(evidence.view.uuid, UUID_A);
    assert_string_equal(evidence.view.type, "ext4");
    assert_judged(&evidence, SNAP_PAIR_UNKNOWN, SNAP_PAIR_NOTHING);
    assert_string_equal(evidence.held.type, ""); /* it is the origin's own */
    list_close(origin);
    list_close(cow);
}

static void a_superblock_of_another_origin_contradicts(void **state)
{
    struct snap_io *origin = ext4(*state, UUID_A), *other = ext4(*state, UUID_B), *cow = difference(origin, other);
    struct snap_evidence evidence = gather(cow, origin);

    assert_string_equal(evidence.origin.uuid, UUID_A);
    assert_string_equal(evidence.view.uuid, UUID_B);
    assert_judged(&evidence, SNAP_PAIR_CONTRADICTED, SNAP_PAIR_HELD);
    assert_string_equal(evidence.held.uuid, UUID_B);
    list_close(origin);
    list_close(other);
    list_close(cow);
}

/* A UUID changed inside the snapshot does not contradict the record, also where the merge has brought it over. */
static void the_view_itself_is_no_origin_of_which_nothing_says_that_a_merge_was_begun(void **state)
{
    struct snap_io *origin = ext4(*state, UUID_A), *newer = ext4(*state, UUID_B), *cow = difference(origin, newer);
    struct snap_evidence evidence;

    record_origin(cow, UUID_A, IMAGE_BYTES / 512);
    evidence = gather(cow, origin);
    assert_judged(&evidence, SNAP_PAIR_LIKELY, SNAP_PAIR_RECORD);
    evidence = gather(cow, newer);
    assert_string_equal(evidence.origin.uuid, UUID_B);
    assert_judged(&evidence, SNAP_PAIR_CONTRADICTED, SNAP_PAIR_RECORD);
    list_close(origin);
    list_close(newer);
    list_close(cow);
}

static void a_third_file_system_contradicts_the_record(void **state)
{
    struct snap_io *origin = ext4(*state, UUID_A), *newer = ext4(*state, UUID_B), *wrong = ext4(*state, UUID_C);
    struct snap_io *cow = difference(origin, newer);
    struct snap_evidence evidence;

    record_origin(cow, UUID_A, IMAGE_BYTES / 512);
    evidence = gather(cow, wrong);
    assert_judged(&evidence, SNAP_PAIR_CONTRADICTED, SNAP_PAIR_RECORD);
    list_close(origin);
    list_close(newer);
    list_close(wrong);
    list_close(cow);
}

/* Where the list does not hold the superblock, the view shows the wrong origin's own: that speaks for nothing. */
static void a_wrong_origin_is_no_witness_for_itself(void **state)
{
    struct snap_io *wrong = ext4(*state, UUID_C), *cow = difference(wrong, NULL);
    struct snap_evidence evidence;

    list_put(cow, 8, 0, 1000, 2); /* somewhere in the data */
    record_origin(cow, UUID_A, IMAGE_BYTES / 512);
    evidence = gather(cow, wrong);
    assert_judged(&evidence, SNAP_PAIR_CONTRADICTED, SNAP_PAIR_RECORD);
    list_close(wrong);
    list_close(cow);
}

static void sizes_are_held_against_the_record(void **state)
{
    struct snap_io *origin = ext4(*state, UUID_A), *cow = difference(origin, NULL);
    struct snap_evidence evidence;

    record_origin(cow, UUID_A, IMAGE_BYTES / 512 - 8);
    evidence = gather(cow, origin);
    assert_judged(&evidence, SNAP_PAIR_LIKELY, SNAP_PAIR_RECORD);
    assert_true(evidence.pair.grown);
    record_origin(cow, UUID_A, IMAGE_BYTES / 512 + 8);
    evidence = gather(cow, origin);
    assert_judged(&evidence, SNAP_PAIR_CONTRADICTED, SNAP_PAIR_DEVICE);
    list_close(origin);
    list_close(cow);
}

/* What cannot be read is no evidence, and keeps nobody from a merge; what can be read counts all the same. */
static void unreadable_places_are_left_out(void **state)
{
    struct snap_error err = {.text = ""};

    for (int which = 0; which < 2; which++) {
        struct snap_io *origin = ext4(*state, UUID_A), *newer = ext4(*state, UUID_B);
        struct snap_io *cow = difference(origin, newer);
        struct snap_io *faulty = io_fault_new(which ? cow : origin, NULL);
        struct snap_store store = list_open(which ? faulty : cow);
        const struct snap_evidence_look look = {
            .store = &store, .figures = &figures, .origin = which ? origin : faulty, .device = &device};
        struct snap_evidence evidence;

        /* The origin's superblock, or the data chunk of the first entry, which holds the newer one. */
        io_fault_add(faulty, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true,
                                                .offset_bytes = which ? 2 * 4096 + 1024 : 1024,
                                                .length_bytes = 512});
        assert_ok(snap_evidence_gather(&look, &evidence, &err), &err);
        assert_true(io_fault_hits(faulty) > 0);
        assert_int_equal(evidence.unreadable, 1);
        assert_string_equal(evidence.origin.uuid, which ? UUID_A : "");
        assert_string_equal(evidence.view.uuid, which ? "" : UUID_B);
        assert_judged(&evidence, SNAP_PAIR_UNKNOWN, SNAP_PAIR_NOTHING);
        assert_string_equal(err.text, ""); /* a success leaves it untouched */
        list_close(which ? origin : cow);
        list_close(newer);
        list_close(faulty);
    }
}

/* A read that fails may have brought everything, or something else: what it left in memory is no evidence. */
static void what_a_failed_read_leaves_is_no_evidence(void **state)
{
    struct snap_io *origin = ext4(*state, UUID_A), *cow = difference(origin, NULL);
    struct snap_io *faulty = io_fault_new(origin, NULL);
    struct snap_evidence evidence;

    io_fault_add(faulty, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true, .offset_bytes = 1024,
                                            .length_bytes = 512, .partial = true, .partial_sectors = UINT32_MAX});
    evidence = gather(cow, faulty);
    assert_true(io_fault_hits(faulty) > 0);
    assert_string_equal(evidence.origin.uuid, "");
    assert_string_equal(evidence.origin.type, "");
    assert_string_equal(evidence.view.uuid, "");
    list_close(faulty);
    list_close(cow);
}

/* Each try of a bad place may take seconds: after some of them no other is tried, and the rest counts as unreadable. */
static void a_device_that_is_bad_all_over_is_not_tried_for_long(void **state)
{
    struct snap_io *origin = ext4(*state, UUID_A), *cow = difference(origin, NULL);
    struct snap_io *faulty = io_fault_new(origin, NULL);
    struct snap_evidence evidence;

    io_fault_add(faulty, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true});
    evidence = gather(cow, faulty);
    assert_true(evidence.unreadable > 1000);
    assert_in_range(io_fault_hits(faulty), 1, evidence.unreadable / 10);
    list_close(faulty);
    list_close(cow);
}

/* Of a superblock with a second copy: what stands in the copy's place on the origin is nothing that the store holds. */
static void only_what_the_list_names_is_held(void **state)
{
    struct snap_io *origin = ext4(*state, UUID_A), *newer = ext4(*state, UUID_B), *cow = difference(origin, newer);
    struct snap_evidence evidence;

    list_put(cow, 8, 0, 1500, 2); /* the first entry was the one with the superblock */
    evidence = gather(cow, origin);
    assert_string_equal(evidence.view.uuid, UUID_A);
    assert_string_equal(evidence.held.type, "");
    assert_judged(&evidence, SNAP_PAIR_UNKNOWN, SNAP_PAIR_NOTHING);
    list_close(origin);
    list_close(newer);
    list_close(cow);
}

static void an_origin_that_is_a_store_contradicts(void **state)
{
    struct snap_io *origin = list_new(8, 2048 * 8), *cow = list_new(8, 2048 * 8);
    struct snap_evidence evidence = gather(cow, origin);

    (void)state;
    assert_judged(&evidence, SNAP_PAIR_CONTRADICTED, SNAP_PAIR_ORIGIN_STORE);
    assert_non_null(strstr(evidence.pair.text, "8 sectors"));
    list_close(origin);
    list_close(cow);
}

static void entries_beyond_the_origin_decide_alone(void **state)
{
    const struct snap_check_result beyond = {.entries = 7, .entries_beyond = 2, .reach_bytes = IMAGE_BYTES + 4096};
    struct snap_io *origin = io_mem_new("origin", IMAGE_BYTES, 512, true), *cow = list_new(8, 2048 * 8);
    struct snap_store store = list_open(cow);
    const struct snap_evidence_look look = {.store = &store, .figures = &beyond, .origin = origin, .device = &device};
    struct snap_error err = {.text = ""};
    struct snap_evidence evidence;

    (void)state;
    assert_ok(snap_evidence_gather(&look, &evidence, &err), &err);
    assert_judged(&evidence, SNAP_PAIR_CONTRADICTED, SNAP_PAIR_REACH);
    assert_true(snap_pair_is_final(&evidence.pair));
    assert_non_null(strstr(evidence.pair.text, "reaches byte 8392704 of its origin, but this one ends at byte 8388608 "
                                               "(2 of 7 entries"));
    list_close(origin);
    list_close(cow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_empty_store_proves_nothing, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_superblock_of_another_origin_contradicts, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(the_view_itself_is_no_origin_of_which_nothing_says_that_a_merge_was_begun,
                                        fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_third_file_system_contradicts_the_record, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_wrong_origin_is_no_witness_for_itself, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(sizes_are_held_against_the_record, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(unreadable_places_are_left_out, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(what_a_failed_read_leaves_is_no_evidence, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_device_that_is_bad_all_over_is_not_tried_for_long, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(only_what_the_list_names_is_held, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(an_origin_that_is_a_store_contradicts, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(entries_beyond_the_origin_decide_alone, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
