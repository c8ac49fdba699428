/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which targets of which tables are snapshots, of which origin, in which order, and who shares a store. */
#include "lib/device/dm_stacks.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

/* One target in words; the text of all that is found is compared. */
struct row {
    const char *device;
    const char *type, *params, *status;
    bool inactive;
};

#define ROWS_MAX 8u

static void fill(const struct row *rows, size_t count, struct snap_dm_device devices[ROWS_MAX],
                 struct snap_dm_target targets[ROWS_MAX], char texts[ROWS_MAX][2][96])
{
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(texts[i][0], sizeof texts[i][0], "%s", rows[i].params);
        (void)snprintf(texts[i][1], sizeof texts[i][1], "%s", rows[i].status ? rows[i].status : "");
        targets[i] = (struct snap_dm_target){.length_sectors = 64, .params = texts[i][0]};
        targets[i].status = rows[i].status ? texts[i][1] : NULL;
        (void)snprintf(targets[i].type, sizeof targets[i].type, "%s", rows[i].type);
        devices[i] = (struct snap_dm_device){.number = makedev(253, (unsigned)i)};
        (void)snprintf(devices[i].name, sizeof devices[i].name, "%s", rows[i].device);
        if (rows[i].inactive)
            devices[i].inactive = (struct snap_dm_table){.targets = &targets[i], .count = 1};
        else
            devices[i].active = (struct snap_dm_table){.targets = &targets[i], .count = 1};
    }
}

static void describe(const struct snap_dm_stacks *stacks, char *text, size_t text_bytes)
{
    text[0] = '\0';
    for (size_t i = 0; i < stacks->count; i++) {
        const struct snap_dm_stacks_use *use = &stacks->uses[i];
        const size_t used = strlen(text);

        (void)snprintf(text + used, text_bytes - used, "%s%s%s %u:%u %u:%u %s%s%s users=%zu\n",
                       use->active ? "" : "(", use->device->name, use->active ? "" : ")", major(use->origin_number),
                       minor(use->origin_number), major(use->table.cow_number), minor(use->table.cow_number),
                       use->table_known ? "" : "table? ", use->status_known ? "figures" : "",
                       snap_dm_stacks_is_merging(use) ? " merging" : "", use->store_users);
    }
}

static void found(const struct row *rows, size_t count, const char *expected)
{
    struct snap_dm_device devices[ROWS_MAX];
    struct snap_dm_target targets[ROWS_MAX];
    const struct snap_dm_tables tables = {.devices = devices, .count = count};
    struct snap_dm_stacks stacks;
    char texts[ROWS_MAX][2][96], text[2048];

    fill(rows, count, devices, targets, texts);
    must(snap_dm_stacks_find(&tables, &stacks, NULL));
    describe(&stacks, text, sizeof text);
    assert_string_equal(text, expected);
    snap_dm_stacks_free(&stacks);
    assert_int_equal(stacks.count, 0);
}

static void they_stand_by_origin_role_and_name(void **state)
{
    static const struct row rows[] = {
        {"z", "snapshot", "8:2 7:1 P 8", "16/800 16", false},
        {"linear", "linear", "8:1 0", "", false},
        {"b", "snapshot", "8:1 7:2 PO 8", "Overflow", false},
        {"a", "snapshot", "8:1 7:3 N 8", "0/800 0", false},
        {"origin", "snapshot-origin", "8:1", "", false},
        {"later", "snapshot-merge", "8:1 7:2 P 8", NULL, true},
        {"zeros", "snapshot-originals", "8:1", "", false},
    };

    (void)state;
    found(rows, sizeof rows / sizeof rows[0],
          "origin 8:1 0:0  users=0\n"
          "(later) 8:1 7:2  users=0\n"
          "a 8:1 7:3 figures users=1\n"
          "b 8:1 7:2 figures users=1\n"
          "z 8:2 7:1 figures users=1\n");
}

static void what_cannot_be_read_is_kept_at_the_end(void **state)
{
    static const struct row rows[] = {
        {"bad", "snapshot", "8:1 7:2 P", "16/800 16", false},
        {"odd", "snapshot", "8:1 7:3 P 8", "16/800 sixteen", false},
        {"worse", "snapshot-origin", "eight", "", false},
    };

    (void)state;
    found(rows, sizeof rows / sizeof rows[0],
          "odd 8:1 7:3  users=1\n"
          "worse 0:0 0:0 table?  users=0\n"
          "bad 0:0 0:0 table? figures users=0\n");
}

static void active_users_of_a_store_are_counted(void **state)
{
    static const struct row rows[] = {
        {"a", "snapshot", "8:1 7:2 P 8", "16/800 16", false},
        {"b", "snapshot", "8:3 7:2 P 8", "16/800 16", false},
        {"c", "snapshot", "8:3 7:4 P 8", "16/800 16", false},
        {"d", "snapshot-merge", "8:3 7:4 P 8", NULL, true},
    };

    (void)state;
    found(rows, sizeof rows / sizeof rows[0],
          "a 8:1 7:2 figures users=2\n"
          "(d) 8:3 7:4  users=0\n"
          "b 8:3 7:2 figures users=2\n"
          "c 8:3 7:4 figures users=1\n");
}

static void a_merge_is_under_way_until_only_metadata_are_left(void **state)
{
    static const struct row rows[] = {
        {"a", "snapshot-merge", "8:1 7:1 P 8", "24/800 16", false},
        {"b", "snapshot-merge", "8:2 7:2 P 8", "16/800 16", false},
        {"c", "snapshot-merge", "8:3 7:3 P 8", "Merge failed", false},
        {"d", "snapshot", "8:4 7:4 P 8", "24/800 16", false},
    };

    (void)state;
    found(rows, sizeof rows / sizeof rows[0],
          "a 8:1 7:1 figures merging users=1\n"
          "b 8:2 7:2 figures users=1\n"
          "c 8:3 7:3 figures users=1\n"
          "d 8:4 7:4 figures users=1\n");
    found(rows, 0, "");
}

static void types_are_known_by_their_whole_names(void **state)
{
    static const char *const others[] = {"", "snap", "snapshots", "snapshot-", "snapshot-originals", "linear"};

    (void)state;
    assert_true(snap_dm_stacks_has_type("snapshot"));
    assert_true(snap_dm_stacks_has_type("snapshot-origin"));
    assert_true(snap_dm_stacks_has_type("snapshot-merge"));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(snap_dm_stacks_has_type(others[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_stand_by_origin_role_and_name),
        cmocka_unit_test(what_cannot_be_read_is_kept_at_the_end),
        cmocka_unit_test(active_users_of_a_store_are_counted),
        cmocka_unit_test(a_merge_is_under_way_until_only_metadata_are_left),
        cmocka_unit_test(types_are_known_by_their_whole_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
