/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests how evidence is weighed: which of it decides, and what is said. */
#include "lib/check/pair.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define A "aaaaaaaa-1111-4222-8333-123456789abc"
#define B "bbbbbbbb-1111-4222-8333-123456789abc"

static struct snap_store store;
static struct snap_device device;
static struct snap_probe origin, held;
static struct snap_pair_facts facts;
static struct snap_pair pair;

/* A store without a record, an origin with ext4, of which the list holds nothing. */
static int set_up(void **state)
{
    (void)state;
    memset(&store, 0, sizeof store);
    store.layout = (struct snap_layout){.chunk_sectors = 8, .chunk_bytes = 4096, .entries_per_area = 256};
    memset(&device, 0, sizeof device);
    origin = (struct snap_probe){.type = "ext4", .usage = "filesystem", .uuid = A};
    held = (struct snap_probe){.type = ""};
    facts = (struct snap_pair_facts){.store = &store,
                                     .origin = {.sectors = 8000, .device = &device, .probe = &origin},
                                     .held = &held,
                                     .brought = &held,
                                     .entries = 100,
                                     .reach_bytes = 4096};
    return 0;
}

static void record(const char *fs_type, const char *fs_uuid)
{
    store.identity_state = SNAP_IDENTITY_OK;
    store.identity = (struct snap_identity){.origin_sectors = 8000};
    (void)snprintf(store.identity.fs_type, sizeof store.identity.fs_type, "%s", fs_type);
    (void)snprintf(store.identity.fs_uuid, sizeof store.identity.fs_uuid, "%s", fs_uuid);
}

static void judged(enum snap_pair_outcome outcome, enum snap_pair_reason reason, const char *text)
{
    memset(&pair, 'x', sizeof pair);
    snap_pair_judge(&facts, &pair);
    if (pair.outcome != outcome || pair.reason != reason || !strstr(pair.text, text))
        print_error("%s: %s\n", snap_pair_outcome_name(pair.outcome), pair.text);
    assert_int_equal(pair.outcome, outcome);
    assert_int_equal(pair.reason, reason);
    assert_non_null(strstr(pair.text, text));
    assert_int_equal(snap_pair_is_final(&pair), reason == SNAP_PAIR_REACH);
}

static void without_evidence_nothing_is_known(void **state)
{
    (void)state;
    judged(SNAP_PAIR_UNKNOWN, SNAP_PAIR_NOTHING, "the store does not say which origin it belongs to");
    record("", "");
    origin = (struct snap_probe){.type = ""};
    judged(SNAP_PAIR_UNKNOWN, SNAP_PAIR_NOTHING, "holds only the size");
}

static void what_the_store_holds_is_likely_or_contradicts(void **state)
{
    (void)state;
    held = origin;
    judged(SNAP_PAIR_LIKELY, SNAP_PAIR_HELD, "ext4 (UUID " A);
    (void)snprintf(held.uuid, sizeof held.uuid, B);
    judged(SNAP_PAIR_CONTRADICTED, SNAP_PAIR_HELD, B "), but this origin has ext4 (UUID " A);
    origin = (struct snap_probe){.type = ""};
    judged(SNAP_PAIR_CONTRADICTED, SNAP_PAIR_HELD, "but this origin has nothing that is known");
    facts.origin_in_part = true;
    judged(SNAP_PAIR_UNKNOWN, SNAP_PAIR_NOTHING, "");
}

/* The record says that the origin was blank, and it is: the file system was made inside the snapshot. */
static void a_file_system_on_an_origin_recorded_as_blank_is_legitimate(void **state)
{
    (void)state;
    held = origin;
    origin = (struct snap_probe){.type = ""};
    record("", "");
    judged(SNAP_PAIR_UNKNOWN, SNAP_PAIR_NOTHING, "");
    origin = held; /* it is merged in part */
    judged(SNAP_PAIR_LIKELY, SNAP_PAIR_HELD, "");
}

static void a_record_names_what_was_compared(void **state)
{
    (void)state;
    record("ext4", A);
    judged(SNAP_PAIR_LIKELY, SNAP_PAIR_RECORD, "with the same size and file system");
    (void)snprintf(store.identity.serial, sizeof store.identity.serial, "WD-1");
    (void)snprintf(store.identity.partuuid, sizeof store.identity.partuuid, "p");
    judged(SNAP_PAIR_LIKELY, SNAP_PAIR_RECORD, "with the same size and file system");
    (void)snprintf(device.serial, sizeof device.serial, "WD-1");
    (void)snprintf(device.partuuid, sizeof device.partuuid, "p");
    judged(SNAP_PAIR_LIKELY, SNAP_PAIR_RECORD, "with the same size, file system, PARTUUID and serial number");
    assert_false(pair.grown);
    facts.origin.sectors++;
    judged(SNAP_PAIR_LIKELY, SNAP_PAIR_RECORD, "");
    assert_true(pair.grown);
    (void)snprintf(device.serial, sizeof device.serial, "WD-2");
    judged(SNAP_PAIR_CONTRADICTED, SNAP_PAIR_DEVICE, "WD-1, but this one has WD-2");
    assert_false(pair.grown || pair.smaller);
    facts.origin.sectors = 7999;
    judged(SNAP_PAIR_CONTRADICTED, SNAP_PAIR_DEVICE, "8000 sectors");
    assert_true(pair.smaller);
    assert_int_equal(pair.needed_bytes, 8000 * 512);
    (void)set_up(NULL);
    record("ext4", B);
    judged(SNAP_PAIR_CONTRADICTED, SNAP_PAIR_RECORD, B "), but this one has ext4 (UUID " A);
}

static void a_fingerprint_proves_or_convicts(void **state)
{
    (void)state;
    facts.fingerprint = (struct snap_fingerprint_result){.agree = 16, .agree_places = 16, .agree_telling = 8};
    judged(SNAP_PAIR_PROVEN, SNAP_PAIR_FINGERPRINT, "16 sampled blocks");
    facts.fingerprint = (struct snap_fingerprint_result){.agree = 15, .agree_places = 15, .agree_telling = 15};
    judged(SNAP_PAIR_LIKELY, SNAP_PAIR_FINGERPRINT, "15 sampled blocks of this origin (different contents: 15)");
    facts.fingerprint = (struct snap_fingerprint_result){.agree = 190, .agree_places = 15, .agree_telling = 15};
    judged(SNAP_PAIR_LIKELY, SNAP_PAIR_FINGERPRINT, "16 with 8 would prove it");
    facts.fingerprint = (struct snap_fingerprint_result){.agree = 190, .agree_places = 190, .agree_telling = 7};
    judged(SNAP_PAIR_LIKELY, SNAP_PAIR_FINGERPRINT, "");
    facts.fingerprint = (struct snap_fingerprint_result){.agree = 190, .agree_places = 190, .agree_telling = 0};
    judged(SNAP_PAIR_UNKNOWN, SNAP_PAIR_NOTHING, "");
    facts.fingerprint = (struct snap_fingerprint_result){.agree = 190, .agree_places = 190, .agree_telling = 100,
                                                         .differ = 1, .first_differing_bytes = 40960};
    judged(SNAP_PAIR_CONTRADICTED, SNAP_PAIR_FINGERPRINT, "1 of 191 sampled blocks");
    assert_true(strstr(pair.text, "byte 40960") && strstr(pair.text, "wrong origin") &&
                strstr(pair.text, "wrong order") && strstr(pair.text, "without its snapshot") &&
                strstr(pair.text, "kernel has begun to merge"));
    facts.entries = 0;
    judged(SNAP_PAIR_CONTRADICTED, SNAP_PAIR_FINGERPRINT, "the origin was changed since then, or it is the wrong one");
}

/* What a merge has taken off the list must be on the origin, whatever else speaks for it. */
static void a_copy_from_before_a_merge_contradicts(void **state)
{
    (void)state;
    record("ext4", A);
    facts.lvm_group = "vg";
    facts.entries = 1;
    facts.fingerprint = (struct snap_fingerprint_result){.agree = 100, .agree_places = 100, .agree_telling = 100,
                                                         .unmerged = 4};
    judged(SNAP_PAIR_CONTRADICTED, SNAP_PAIR_FINGERPRINT, "4 sampled blocks are what they were before");
    assert_true(pair.unmerged);
    store.identity.origin_sectors++; /* another device as well: not called a copy that may be meant */
    judged(SNAP_PAIR_CONTRADICTED, SNAP_PAIR_FINGERPRINT, "4 sampled blocks");
    assert_false(pair.copy);
    store.identity.origin_sectors--;
    facts.fingerprint.unmerged = 3;
    judged(SNAP_PAIR_PROVEN, SNAP_PAIR_FINGERPRINT, "100 sampled blocks");
    facts.fingerprint.unmerged = 4;
    facts.fingerprint.merged = 1;
    judged(SNAP_PAIR_PROVEN, SNAP_PAIR_FINGERPRINT, "100 sampled blocks");
    assert_false(pair.unmerged);
    facts.fingerprint.merged = 0;
    facts.entries = 0; /* nothing is left out */
    judged(SNAP_PAIR_PROVEN, SNAP_PAIR_FINGERPRINT, "100 sampled blocks");
}

static void an_undo_store_is_remembered(void **state)
{
    (void)state;
    judged(SNAP_PAIR_UNKNOWN, SNAP_PAIR_NOTHING, "");
    assert_false(pair.has_undo);
    store.identity.undo_id[15] = 1;
    judged(SNAP_PAIR_UNKNOWN, SNAP_PAIR_NOTHING, "");
    assert_true(pair.has_undo);
    store.identity.flags = SNAP_IDENTITY_UNDO_LOST;
    judged(SNAP_PAIR_UNKNOWN, SNAP_PAIR_NOTHING, "");
    assert_false(pair.has_undo);
}

/* What the origin has instead of what the record names is no contradiction where a merge has brought it there. */
static void what_a_merge_has_brought_is_no_contradiction(void **state)
{
    struct snap_probe brought = origin, before = {.type = "ext4", .uuid = B};

    (void)state;
    record("ext4", B);
    facts.fingerprint = (struct snap_fingerprint_result){.agree = 16, .agree_places = 16, .agree_telling = 8};
    judged(SNAP_PAIR_CONTRADICTED, SNAP_PAIR_RECORD, B "), but this one has ext4 (UUID " A);
    assert_false(pair.brought);
    facts.brought = &brought;
    judged(SNAP_PAIR_PROVEN, SNAP_PAIR_FINGERPRINT, "; a merge of this store has brought ext4 (UUID " A ") to it");
    assert_true(pair.brought);
    facts.fingerprint.differ = 1;
    judged(SNAP_PAIR_CONTRADICTED, SNAP_PAIR_FINGERPRINT, "1 of 17");
    facts.fingerprint = (struct snap_fingerprint_result){.agree = 16, .agree_places = 16}; /* nothing but zeros */
    judged(SNAP_PAIR_LIKELY, SNAP_PAIR_HELD, "byte for byte; a merge of this store has brought ext4 (UUID " A);
    facts.fingerprint = (struct snap_fingerprint_result){.agree = 16, .agree_places = 16, .agree_telling = 8};
    facts.brought = &held;
    facts.before = &before;
    judged(SNAP_PAIR_PROVEN, SNAP_PAIR_FINGERPRINT, "; a merge of another store has brought ext4 (UUID " A ") to it");
    assert_false(pair.brought);
    (void)snprintf(before.uuid, sizeof before.uuid, A);
    judged(SNAP_PAIR_CONTRADICTED, SNAP_PAIR_RECORD, "");
}

/* The commonest rescue: the origin was copied to another disk. Both facts are said. */
static void another_device_with_the_same_content_is_called_a_copy(void **state)
{
    (void)state;
    record("ext4", A);
    (void)snprintf(store.identity.serial, sizeof store.identity.serial, "WD-1");
    (void)snprintf(device.serial, sizeof device.serial, "WD-2");
    judged(SNAP_PAIR_CONTRADICTED, SNAP_PAIR_DEVICE, "WD-1, but this one has WD-2; but both have the same file "
                                                     "system: is it a copy of the origin?");
    assert_true(pair.copy);
    facts.fingerprint = (struct snap_fingerprint_result){.agree = 20, .agree_places = 16, .agree_telling = 8};
    judged(SNAP_PAIR_CONTRADICTED, SNAP_PAIR_DEVICE, "WD-1, but this one has WD-2; but 16 sampled blocks are what they "
                                                     "were when the store recorded them: is it a copy of the origin?");
    assert_true(pair.copy);
    facts.fingerprint.differ = 4;
    judged(SNAP_PAIR_CONTRADICTED, SNAP_PAIR_DEVICE, "WD-2, and 4 of 24 sampled blocks are not what they were");
    assert_false(pair.copy);
    facts.fingerprint = (struct snap_fingerprint_result){.samples = 0};
    record("ext4", B);
    (void)snprintf(store.identity.serial, sizeof store.identity.serial, "WD-1");
    judged(SNAP_PAIR_CONTRADICTED, SNAP_PAIR_DEVICE, "WD-2");
    assert_false(pair.copy);
    facts.fingerprint = (struct snap_fingerprint_result){.agree = 20, .agree_places = 16, .agree_telling = 8};
    facts.origin.sectors--;
    judged(SNAP_PAIR_CONTRADICTED, SNAP_PAIR_DEVICE, "8000 sectors");
    assert_false(pair.copy);
}

/* Partitions have the number of their disk, and so have namespaces and boot areas of one device. */
static void a_serial_number_alone_says_nothing(void **state)
{
    (void)state;
    origin = (struct snap_probe){.type = ""};
    record("", "");
    (void)snprintf(store.identity.serial, sizeof store.identity.serial, "WD-1");
    (void)snprintf(device.serial, sizeof device.serial, "WD-1");
    judged(SNAP_PAIR_UNKNOWN, SNAP_PAIR_NOTHING, "only the size of its origin and a serial number that other devices");
    (void)snprintf(store.identity.partuuid, sizeof store.identity.partuuid, "p");
    (void)snprintf(device.partuuid, sizeof device.partuuid, "p");
    judged(SNAP_PAIR_LIKELY, SNAP_PAIR_DEVICE, "with the same size, PARTUUID and serial number");
}

/* Unless something says that this content is the one that is meant, whatever it begins with. */
static void an_origin_that_is_not_raw_contradicts(void **state)
{
    const struct snap_container qcow2 = {.name = "qcow2", .image = true}, gzip = {.name = "gzip"};

    (void)state;
    record("ext4", A);
    facts.container = &qcow2;
    judged(SNAP_PAIR_CONTRADICTED, SNAP_PAIR_ORIGIN_NOT_RAW, "the origin is a qcow2 image, in which nothing stands");
    assert_ptr_equal(pair.container, &qcow2);
    facts.container = &gzip;
    judged(SNAP_PAIR_CONTRADICTED, SNAP_PAIR_ORIGIN_NOT_RAW, "the origin is packed with gzip, so nothing in it stands");
    facts.entries_beyond = 1; /* it is smaller than what it contains */
    judged(SNAP_PAIR_CONTRADICTED, SNAP_PAIR_REACH, "; but the origin is packed with gzip");
    assert_ptr_equal(pair.container, &gzip);
    facts.entries_beyond = 0;
    facts.fingerprint = (struct snap_fingerprint_result){.agree = 16, .agree_places = 16, .agree_telling = 8};
    judged(SNAP_PAIR_PROVEN, SNAP_PAIR_FINGERPRINT, "");
    assert_null(pair.container);
    facts.fingerprint.differ = 1;
    judged(SNAP_PAIR_CONTRADICTED, SNAP_PAIR_ORIGIN_NOT_RAW, "");
    facts.fingerprint = (struct snap_fingerprint_result){.agree = 0};
    facts.lvm_group = "vg";
    judged(SNAP_PAIR_PROVEN, SNAP_PAIR_METADATA, "");
    assert_null(pair.container);
}

/* A proof outweighs marks that somebody may have changed inside the snapshot, but no other device. */
static void evidence_is_weighed_strongest_first(void **state)
{
    const struct snap_fingerprint_result proof = {.agree = 192, .agree_places = 192, .agree_telling = 192};

    (void)state;
    facts.fingerprint = proof;
    held = (struct snap_probe){.type = "xfs", .uuid = B};
    judged(SNAP_PAIR_PROVEN, SNAP_PAIR_FINGERPRINT, "");
    record("ext4", B); /* a sibling that shares nearly all of its content */
    judged(SNAP_PAIR_CONTRADICTED, SNAP_PAIR_RECORD, B "), but this one has ext4 (UUID " A ")");
    record("ext4", A);
    judged(SNAP_PAIR_PROVEN, SNAP_PAIR_FINGERPRINT, "");
    (void)snprintf(store.identity.serial, sizeof store.identity.serial, "WD-1");
    (void)snprintf(device.serial, sizeof device.serial, "WD-2");
    judged(SNAP_PAIR_CONTRADICTED, SNAP_PAIR_DEVICE, "");
    facts.origin_is_store = true;
    facts.origin_chunk_sectors = 16;
    judged(SNAP_PAIR_CONTRADICTED, SNAP_PAIR_ORIGIN_STORE, "16 sectors");
    facts.entries_beyond = 3;
    facts.reach_bytes = 5000000;
    store.identity.origin_sectors = 9999;
    judged(SNAP_PAIR_CONTRADICTED, SNAP_PAIR_REACH, "reaches byte 5000000 of its origin, but this one ends at byte");
    assert_false(pair.damaged);
    assert_false(pair.may_be_damaged);
    store.identity_state = SNAP_IDENTITY_NONE;
    judged(SNAP_PAIR_CONTRADICTED, SNAP_PAIR_REACH, "reaches byte 5000000 of its origin, but this one ends at byte "
                                                    "4096000 (3 of 100 entries");
    (void)set_up(NULL);
    record("ext4", A); /* which fits */
    held = (struct snap_probe){.type = "xfs", .uuid = B}; /* made inside the snapshot */
    judged(SNAP_PAIR_LIKELY, SNAP_PAIR_RECORD, "");
    facts.fingerprint = (struct snap_fingerprint_result){.differ = 1, .agree = 2};
    judged(SNAP_PAIR_CONTRADICTED, SNAP_PAIR_FINGERPRINT, "wrong order");
    record("ext4", B);
    held.type[0] = '\0';
    judged(SNAP_PAIR_CONTRADICTED, SNAP_PAIR_FINGERPRINT, B "), but this one has ext4 (UUID " A ")");
    assert_non_null(strstr(pair.text, "1 of 3 sampled blocks"));
}

/* One of 100 entries, at the chunk behind the end of an origin of 4096000 bytes; so many in one row. */
static void beyond(uint64_t entries, uint64_t old_chunk, uint64_t origin_bytes, uint64_t held_bytes)
{
    facts.entries_beyond = entries;
    facts.beyond = (struct snap_check_beyond){
        .runs = 1, .first_index = 50, .first_old_chunk = old_chunk, .lowest_old_chunk = old_chunk};
    facts.reach_bytes = (old_chunk + entries) * 4096;
    facts.ends = (struct snap_ends){.origin = {SNAP_ENDS_FILE_SYSTEM, origin_bytes},
                                    .held = {SNAP_ENDS_FILE_SYSTEM, held_bytes}};
    if (origin_bytes == 0)
        facts.ends.origin.kind = SNAP_ENDS_NOTHING;
    if (held_bytes == 0)
        facts.ends.held.kind = SNAP_ENDS_NOTHING;
}

static void judged_beyond(bool damaged, bool may_be_damaged, uint64_t needed_bytes, const char *text)
{
    judged(SNAP_PAIR_CONTRADICTED, SNAP_PAIR_REACH, text);
    assert_int_equal(pair.damaged, damaged);
    assert_int_equal(pair.may_be_damaged, may_be_damaged);
    assert_int_equal(pair.needed_bytes, needed_bytes);
}

static void file_systems_say_whether_an_origin_was_cut(void **state)
{
    (void)state;
    beyond(1, 1000, 0, 0);
    judged_beyond(false, true, 4100096, "or that entry is damaged");
    assert_null(strstr(pair.text, "file system"));
    beyond(1, 1000, 4096000, 0); /* of which nobody knows whether it is the right one */
    judged_beyond(false, true, 4100096, "or that entry is damaged; the file system on this origin has 4096000 bytes, "
                                        "and all of them are here");
    beyond(1, 1000, 0, 4096000);
    judged_beyond(true, false, 4100096, "; the file system that the store holds has 4096000 bytes, so it is");
    beyond(1, 1000, 0, 4096000 - 65535);
    judged_beyond(true, false, 4100096, "");
    beyond(1, 1000, 0, 4096000 - 65536); /* it leaves room for something else */
    judged_beyond(false, true, 4100096, "");
    beyond(1, 1000, 4096001, 4096000);
    judged_beyond(false, false, 4096512, "): it was cut: the file system on this origin has 4096001 bytes");
    assert_false(pair.claim_held);
    beyond(1, 1000, 4096000, 8192000);
    judged_beyond(false, false, 8192000, "or it was cut: the file system that the store holds has 8192000 bytes");
    assert_true(pair.claim_held);
    beyond(1, 9000, 8192000, 4096000); /* far: it would be damaged */
    judged_beyond(false, false, 8192000, "8192000 bytes, and entries that lie behind that may be damaged");
    beyond(1, 9000, 0, 0);
    judged_beyond(true, false, 36868096, "alone, far from all others, so it is");
    beyond(1, 9000, 0, 4096000);
    judged_beyond(true, false, 36868096, "alone, far from all others, and the file system that the store holds has");
    beyond(10, 1000, 0, 4096000); /* a row is of something */
    judged_beyond(false, true, 4136960, "wrong origin, or it was cut, or these entries are damaged");
    beyond(10, 1000, 4100000, 0);
    judged_beyond(false, false, 4136960, "it was cut: the file system on this origin has 4100000 bytes");
    beyond(1, 1000, UINT64_MAX, 0); /* of no use as a size */
    judged_beyond(false, false, 4100096, "it was cut");
}

/* The record says that the origin had so much: no entry within that can be told to be damaged. */
static void a_record_of_a_larger_origin_tells_that_it_was_cut(void **state)
{
    (void)state;
    record("ext4", A);
    store.identity.origin_sectors = 80000;
    beyond(1, 9000, 0, 0);
    judged_beyond(false, false, 40960000, "it is the wrong origin, or it was cut");
}

static void partitions_behind_the_end_say_that_a_disk_was_cut(void **state)
{
    (void)state;
    beyond(1, 1000, 8192000, 0);
    facts.ends.origin.kind = SNAP_ENDS_PARTITIONS;
    judged_beyond(false, false, 8192000, "it was cut: the last partition of the table on this origin ends at byte "
                                         "8192000");
    beyond(1, 1000, 4096000, 4096000); /* a disk may be larger than its partitions */
    facts.ends.origin.kind = facts.ends.held.kind = SNAP_ENDS_PARTITIONS;
    judged_beyond(false, true, 4100096, "or that entry is damaged");
    assert_null(strstr(pair.text, "partition"));
}

static void content_only_makes_likely_what_is_unknown(void **state)
{
    (void)state;
    facts.resemblance = (struct snap_resemblance){.telling = 200, .resembling = 150, .likely = true};
    judged(SNAP_PAIR_LIKELY, SNAP_PAIR_CONTENT, "150 of 200 chunks resemble");
    held = (struct snap_probe){.type = "xfs", .uuid = B};
    judged(SNAP_PAIR_CONTRADICTED, SNAP_PAIR_HELD, "");
    held.type[0] = '\0';
    facts.resemblance = (struct snap_resemblance){.telling = 200};
    judged(SNAP_PAIR_UNKNOWN, SNAP_PAIR_NOTHING, "nothing of 200 chunks resembles what it would replace");
    facts.resemblance = (struct snap_resemblance){.telling = 200, .resembling = 3};
    judged(SNAP_PAIR_UNKNOWN, SNAP_PAIR_NOTHING, "nothing else tells");
}

/* The strongest proof there is, and it outweighs no contradiction. */
static void metadata_of_lvm_prove_what_nothing_contradicts(void **state)
{
    (void)state;
    facts.lvm_group = "vg";
    judged(SNAP_PAIR_PROVEN, SNAP_PAIR_METADATA, "LVM's metadata of the group \"vg\" name this origin");
    held = origin;
    judged(SNAP_PAIR_PROVEN, SNAP_PAIR_METADATA, "");
    (void)snprintf(held.uuid, sizeof held.uuid, B);
    judged(SNAP_PAIR_CONTRADICTED, SNAP_PAIR_HELD, "");
    held.type[0] = '\0';
    facts.entries_beyond = 1;
    judged(SNAP_PAIR_CONTRADICTED, SNAP_PAIR_REACH, "");
    facts.entries_beyond = 0;
    record("ext4", B);
    judged(SNAP_PAIR_CONTRADICTED, SNAP_PAIR_RECORD, "");
}

static void a_later_state_of_a_device(void **state)
{
    (void)state;
    held = origin;
    snap_pair_judge_later(&origin, &held, false, &pair);
    assert_int_equal(pair.outcome, SNAP_PAIR_LIKELY);
    held.uuid[0] = 'c';
    snap_pair_judge_later(&origin, &held, false, &pair);
    assert_int_equal(pair.outcome, SNAP_PAIR_CONTRADICTED);
    assert_true(strstr(pair.text, A) && strstr(pair.text, held.uuid));
    memset(&held, 0, sizeof held);
    snap_pair_judge_later(&origin, &held, true, &pair);
    assert_int_equal(pair.outcome, SNAP_PAIR_UNKNOWN);
}

static void each_word_is_another_one(void **state)
{
    (void)state;
    for (int a = 0; a <= SNAP_PAIR_METADATA; a++)
        for (int b = 0; b < a; b++)
            assert_string_not_equal(snap_pair_reason_name((enum snap_pair_reason)a),
                                    snap_pair_reason_name((enum snap_pair_reason)b));
    for (int a = 0; a <= SNAP_PAIR_CONTRADICTED; a++)
        for (int b = 0; b < a; b++)
            assert_string_not_equal(snap_pair_outcome_name((enum snap_pair_outcome)a),
                                    snap_pair_outcome_name((enum snap_pair_outcome)b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(without_evidence_nothing_is_known, set_up),
        cmocka_unit_test_setup(what_the_store_holds_is_likely_or_contradicts, set_up),
        cmocka_unit_test_setup(an_origin_that_is_not_raw_contradicts, set_up),
        cmocka_unit_test_setup(a_file_system_on_an_origin_recorded_as_blank_is_legitimate, set_up),
        cmocka_unit_test_setup(a_record_names_what_was_compared, set_up),
        cmocka_unit_test_setup(a_fingerprint_proves_or_convicts, set_up),
        cmocka_unit_test_setup(a_copy_from_before_a_merge_contradicts, set_up),
        cmocka_unit_test_setup(an_undo_store_is_remembered, set_up),
        cmocka_unit_test_setup(what_a_merge_has_brought_is_no_contradiction, set_up),
        cmocka_unit_test_setup(another_device_with_the_same_content_is_called_a_copy, set_up),
        cmocka_unit_test_setup(a_serial_number_alone_says_nothing, set_up),
        cmocka_unit_test_setup(evidence_is_weighed_strongest_first, set_up),
        cmocka_unit_test_setup(file_systems_say_whether_an_origin_was_cut, set_up),
        cmocka_unit_test_setup(a_record_of_a_larger_origin_tells_that_it_was_cut, set_up),
        cmocka_unit_test_setup(partitions_behind_the_end_say_that_a_disk_was_cut, set_up),
        cmocka_unit_test_setup(content_only_makes_likely_what_is_unknown, set_up),
        cmocka_unit_test_setup(metadata_of_lvm_prove_what_nothing_contradicts, set_up),
        cmocka_unit_test_setup(a_later_state_of_a_device, set_up),
        cmocka_unit_test(each_word_is_another_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
