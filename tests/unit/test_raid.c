/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Superblocks of raid1 legs, written byte by byte as dm-raid has them, and the choice of a leg. */
#include "lib/lvm/raid.h"

#include "tests/unit/lvm_fixture.h"

static struct snap_error err;

static struct snap_io *superblock(unsigned position, unsigned count)
{
    struct snap_io *io = io_mem_new("meta", 8192, 512, false);
    uint8_t *bytes = io_mem_bytes(io);

    memcpy(bytes, "DmRd", 4);
    lvm_put(bytes + 4, 4, 1);
    lvm_put(bytes + 8, 4, count);
    lvm_put(bytes + 12, 4, position);
    lvm_put(bytes + 16, 8, 14);
    lvm_put(bytes + 32, 8, UINT64_MAX);
    lvm_put(bytes + 40, 8, UINT64_MAX);
    lvm_put(bytes + 48, 4, 1);
    lvm_put(bytes + 64, 8, UINT64_MAX);
    return io;
}

static void a_superblock_is_read(void **state)
{
    struct snap_io *io = superblock(1, 2);
    struct snap_raid_leg leg;

    (void)state;
    lvm_put(io_mem_bytes(io) + 24, 8, 5);
    lvm_put(io_mem_bytes(io) + 32, 8, 77);
    lvm_put(io_mem_bytes(io) + 40, 8, 78);
    assert_ok(snap_raid_read(io, 1, 2, &leg, &err), &err);
    assert_true(leg.present);
    assert_int_equal(leg.events, 14);
    assert_int_equal(leg.failed, 5);
    assert_int_equal(leg.recovered_sectors, 77);
    assert_int_equal(leg.resynced_sectors, 78);
    must_close(io);
}

static void another_superblock_is_none_of_this_leg(void **state)
{
    static const struct {
        unsigned at, length;
        uint64_t value;
        enum snap_status status;
        const char *text;
    } rows[] = {
        {0, 4, 0, SNAP_E_CORRUPT, "meta: no superblock of dm-raid: magic 0x00000000, expected 0x64526d44"},
        {8, 4, 3, SNAP_E_CORRUPT, "meta: its superblock is that of leg 0 of 3, expected leg 0 of 2"},
        {12, 4, 1, SNAP_E_CORRUPT, "meta: its superblock is that of leg 1 of 2, expected leg 0 of 2"},
        {48, 4, 5, SNAP_E_UNSUPPORTED, "meta: its superblock is not that of a plain raid1 volume"},
        {64, 8, 4096, SNAP_E_UNSUPPORTED, "meta: its superblock is not that of a plain raid1 volume"},
        {96, 8, 8, SNAP_E_UNSUPPORTED, "meta: its superblock is not that of a plain raid1 volume"},
        {104, 8, 8, SNAP_E_UNSUPPORTED, "meta: its superblock is not that of a plain raid1 volume"},
        {144, 4, 1, SNAP_E_UNSUPPORTED, "meta: its superblock is not that of a plain raid1 volume"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct snap_io *io = superblock(0, 2);
        struct snap_raid_leg leg = {.present = true};

        lvm_put(io_mem_bytes(io) + rows[i].at, rows[i].length, rows[i].value);
        assert_int_equal(snap_raid_read(io, 0, 2, &leg, &err), rows[i].status);
        assert_string_equal(err.text, rows[i].text);
        assert_false(leg.present);
        must_close(io);
    }
}

#define LEG(e, f) {.present = true, .events = (e), .failed = (f), .recovered_sectors = SNAP_RAID_IN_SYNC, \
                   .resynced_sectors = SNAP_RAID_IN_SYNC}
#define NO_LEG {.present = false}

static void the_newest_leg_that_is_whole_is_chosen(void **state)
{
    static const struct {
        struct snap_raid_leg legs[3];
        unsigned count, chosen;
    } rows[] = {
        {{LEG(14, 0), LEG(14, 0)}, 2, 0},
        {{LEG(17, 2), LEG(15, 0)}, 2, 0},
        {{LEG(15, 0), LEG(17, 1)}, 2, 1},
        {{LEG(17, 2), NO_LEG}, 2, 0},
        {{NO_LEG, LEG(17, 1)}, 2, 1},
        {{LEG(9, 0), LEG(17, 1), LEG(17, 1)}, 3, 1},
        {{NO_LEG, NO_LEG, LEG(17, 3)}, 3, 2},
        {{{.present = true, .events = 14, .recovered_sectors = 99, .resynced_sectors = SNAP_RAID_IN_SYNC},
          LEG(14, 0)}, 2, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsigned chosen = 99;

        assert_ok(snap_raid_choose("vg/r", rows[i].legs, rows[i].count, &chosen, &err), &err);
        assert_int_equal(chosen, rows[i].chosen);
    }
}

static void a_leg_that_may_not_be_the_newest_is_refused(void **state)
{
    static const struct {
        struct snap_raid_leg legs[3];
        unsigned count;
        const char *text;
    } rows[] = {
        {{LEG(14, 0), NO_LEG}, 2, "vg/r: leg 1 of its 2 is missing or cannot be read, and no other leg says that it "
                                  "had failed: it may be the newest"},
        /* Only the older one says so: the newer one may have been written together with the missing one. */
        {{LEG(15, 4), LEG(17, 1), NO_LEG}, 3, "vg/r: leg 2 of its 3 is missing or cannot be read, and no other leg "
                                              "says that it had failed: it may be the newest"},
        {{NO_LEG, NO_LEG}, 2, "vg/r: leg 0 of its 2 is missing or cannot be read, and no other leg says that it had "
                              "failed: it may be the newest"},
        /* Each went on without the other. */
        {{LEG(17, 2), LEG(15, 1)}, 2, "vg/r: none of its 2 legs is known to be whole and the newest"},
        {{{.present = true, .events = 14, .recovered_sectors = SNAP_RAID_IN_SYNC, .resynced_sectors = 512},
          LEG(14, 0)}, 2, "vg/r: its legs are not the same yet (512 sectors are): let LVM make them so"},
        /* The newest is being rebuilt from one that is gone. */
        {{{.present = true, .events = 20, .failed = 2, .recovered_sectors = 99, .resynced_sectors = SNAP_RAID_IN_SYNC},
          NO_LEG}, 2, "vg/r: none of its 2 legs is known to be whole and the newest"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsigned chosen;

        assert_int_equal(snap_raid_choose("vg/r", rows[i].legs, rows[i].count, &chosen, &err), SNAP_E_REFUSED);
        assert_string_equal(err.text, rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_superblock_is_read),
        cmocka_unit_test(another_superblock_is_none_of_this_leg),
        cmocka_unit_test(the_newest_leg_that_is_whole_is_chosen),
        cmocka_unit_test(a_leg_that_may_not_be_the_newest_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
