/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each state of an active snapshot has its word, its per cent, and what to do next: for LVM and without it. */
#include "tools/inspect/state.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

struct row {
    const char *type, *params, *status; /* a NULL status: the table is not active */
    bool lvm;
    const char *word, *used, *next;
};

/* A snapshot target of the origin "o", with its store "c"; or the same as volumes of the group "vg". */
struct stack {
    struct snap_dm_target target;
    struct snap_dm_device device;
    struct snap_dm_tables tables;
    struct snap_dm_stacks stacks;
    struct inspect_tree_node origin, node, cow, *children[1];
    char params[64], status[64];
};

static void name(struct inspect_tree_node *node, bool lvm, const char *dm_name, const char *lvm_name)
{
    (void)snprintf(node->name, sizeof node->name, "%s", dm_name);
    (void)snprintf(node->block.dm_name, sizeof node->block.dm_name, "%s", dm_name);
    (void)snprintf(node->lvm_name, sizeof node->lvm_name, "%s", lvm ? lvm_name : "");
}

static void build(struct stack *stack, const struct row *row)
{
    const struct snap_dm_table table = {.targets = &stack->target, .count = 1};

    memset(stack, 0, sizeof *stack);
    (void)snprintf(stack->params, sizeof stack->params, "%s", row->params);
    (void)snprintf(stack->status, sizeof stack->status, "%s", row->status ? row->status : "");
    (void)snprintf(stack->target.type, sizeof stack->target.type, "%s", row->type);
    (void)snprintf(stack->device.name, sizeof stack->device.name, "%s", row->lvm ? "vg-lv" : "d");
    stack->target.params = stack->params;
    stack->target.status = row->status ? stack->status : NULL;
    if (row->status)
        stack->device.active = table;
    else
        stack->device.inactive = table;
    stack->tables = (struct snap_dm_tables){.devices = &stack->device, .count = 1};
    must(snap_dm_stacks_find(&stack->tables, &stack->stacks, NULL));
    assert_int_equal(stack->stacks.count, 1);
    name(&stack->origin, row->lvm, row->lvm ? "vg-lv-real" : "o", "vg/lv");
    name(&stack->node, row->lvm, row->lvm ? "vg-lv" : "d", "vg/lv");
    name(&stack->cow, row->lvm, row->lvm ? "vg-snap-cow" : "c", "vg/snap");
    stack->cow.part = INSPECT_TREE_COW;
    stack->children[0] = &stack->cow;
    stack->node.children = stack->children;
    stack->node.children_count = 1;
    stack->node.mapped = &stack->device;
    stack->node.use = &stack->stacks.uses[0];
}

static void each_state_has_its_word_and_what_to_do(void **state)
{
    static const struct row rows[] = {
        {"snapshot", "8:1 8:2 P 8", "16/800 16", false, "active", "0.00", ""},
        {"snapshot", "8:1 8:2 P 8", "20/800 16", false, "active", "2.50", ""},
        {"snapshot", "8:1 8:2 P 8", "798/800 16", false, "active", "99.75", ""},
        {"snapshot", "8:1 8:2 P 8", "800/800 16", false, "full", "100.00",
         "the store is full: the next chunk that needs room there makes it invalid; make the COW larger before that"},
        {"snapshot", "8:1 8:2 PO 8", "800/800 16", false, "full", "100.00",
         "the store is full: the next chunk that needs room there makes it overflow; make the COW larger before that"},
        {"snapshot", "8:1 8:2 P 8", "800/800 16", true, "full", "100.00",
         "the store is full: the next chunk that needs room there makes it invalid; make the COW larger before that: "
         "lvextend -l +1 vg/snap"},
        {"snapshot", "8:1 8:2 P 8", "18446744073709551608/800 16", false, "full", "100.00",
         "the store is full: the next chunk that needs room there makes it invalid; make the COW larger before that"},
        {"snapshot", "8:1 8:2 P 8", "Invalid", false, "invalid", "100.00",
         "the kernel has given the store up, and shows nothing of it any more; see what it still holds with: "
         "snapinspect --origin /dev/mapper/o /dev/mapper/c; then remove the snapshot: dmsetup remove d"},
        {"snapshot", "8:1 8:2 P 8", "Invalid", true, "invalid", "100.00",
         "the kernel has given the store up, and shows nothing of it any more; see what it still holds with: "
         "snapinspect --origin /dev/mapper/vg-lv-real /dev/mapper/vg-snap-cow; then remove the snapshot: "
         "lvremove vg/snap"},
        {"snapshot", "8:1 8:2 N 8", "Invalid", false, "invalid", "100.00",
         "the kernel has given the store up, and nothing of it can be read any more; remove the snapshot: "
         "dmsetup remove d"},
        {"snapshot", "8:1 8:2 PO 8", "Overflow", false, "overflow", "",
         "the store is full: writes to the snapshot fail, reads go on; this ends only when it is made anew: "
         "dmsetup remove d, make /dev/mapper/c larger, and create it again"},
        {"snapshot", "8:1 8:2 P 8", "Unknown", false, "unknown", "", ""},
        {"snapshot", "8:1 8:2 P 8", "nonsense", false, "unknown", "", ""},
        {"snapshot-merge", "8:1 8:2 P 8", "24/800 16", false, "merging", "3.00", "the merge has 4 KiB left to copy"},
        {"snapshot-merge", "8:1 8:2 P 8", "16/800 16", false, "merged", "0.00",
         "the merge is complete; load a linear table over /dev/mapper/o in its place: dmsetup load d, "
         "dmsetup resume d"},
        {"snapshot-merge", "8:1 8:2 P 8", "16/800 16", true, "merged", "0.00",
         "the merge is complete, and LVM removes the snapshot when it looks: lvchange --poll y vg/lv"},
        {"snapshot-merge", "8:1 8:2 P 8", "Merge failed", false, "merge-failed", "",
         "the merge met an error (dmesg tells which) and does not go on; nothing is lost: dmsetup remove d, then see "
         "what is wrong: snapcheck --origin /dev/mapper/o /dev/mapper/c"},
        {"snapshot-merge", "8:1 8:2 P 8", "Merge failed", true, "merge-failed", "",
         "the merge met an error (dmesg tells which) and does not go on; nothing is lost: vgchange -an vg, then see "
         "what is wrong: snapcheck --origin /dev/mapper/vg-lv-real /dev/mapper/vg-snap-cow"},
        {"snapshot-merge", "8:1 8:2 P 8", "Invalid", false, "invalid", "100.00",
         "the store is invalid, so nothing is merged, and the origin is used as it is; see what it still holds with: "
         "snapinspect --origin /dev/mapper/o /dev/mapper/c; then load a linear table over /dev/mapper/o into d"},
        {"snapshot-merge", "8:1 8:2 P 0", NULL, false, "inactive", "",
         "this table is loaded and not active: dmsetup resume d makes it active, dmsetup clear d drops it"},
        {"snapshot-origin", "8:1", "", false, "active", "", ""},
    };
    struct stack stack;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        build(&stack, &rows[i]);
        assert_string_equal(inspect_state_word(stack.node.use), rows[i].word);
        assert_string_equal(inspect_state_used(stack.node.use).text, rows[i].used);
        assert_string_equal(inspect_state_next(&stack.node, &stack.origin).text, rows[i].next);
        snap_dm_stacks_free(&stack.stacks);
    }
}

static void what_is_left_of_a_merge_is_what_is_no_metadata(void **state)
{
    static const struct {
        struct row row;
        uint64_t left_sectors;
    } rows[] = {
        {{.type = "snapshot-merge", .params = "8:1 8:2 P 8", .status = "24/800 16"}, 8},
        {{.type = "snapshot-merge", .params = "8:1 8:2 P 8", .status = "16/800 16"}, 0},
        {{.type = "snapshot-merge", .params = "8:1 8:2 P 8", .status = "8/800 16"}, 0},
        {{.type = "snapshot-merge", .params = "8:1 8:2 P 8", .status = "24/800"}, 0},
        {{.type = "snapshot", .params = "8:1 8:2 P 8", .status = "24/800 16"}, 0},
    };
    struct stack stack;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        build(&stack, &rows[i].row);
        assert_true(inspect_state_left_sectors(stack.node.use) == rows[i].left_sectors);
        snap_dm_stacks_free(&stack.stacks);
    }
}

static void suspended_devices_and_other_tables_are_told(void **state)
{
    static const struct row row = {"snapshot", "8:1 8:2 P 8", "24/800 16", false, NULL, NULL, NULL};
    struct snap_dm_target other = {.type = "linear"};
    struct stack stack;

    (void)state;
    build(&stack, &row);
    stack.device.suspended = true;
    assert_string_equal(inspect_state_next(&stack.node, &stack.origin).text,
                        "it is suspended, so all reads and writes of it wait: dmsetup resume d");
    stack.device.inactive = (struct snap_dm_table){.targets = &other, .count = 1};
    assert_string_equal(inspect_state_next(&stack.node, &stack.origin).text,
                        "another table (linear) is loaded and not active: dmsetup resume d makes it active, "
                        "dmsetup clear d drops it");
    (void)snprintf(other.type, sizeof other.type, "snapshot-merge"); /* which has advice of its own */
    assert_string_equal(inspect_state_next(&stack.node, &stack.origin).text,
                        "it is suspended, so all reads and writes of it wait: dmsetup resume d");
    stack.stacks.uses[0].store_users = 3;
    assert_string_equal(inspect_state_next(&stack.node, &stack.origin).text,
                        "3 active tables use the store /dev/mapper/c, and each destroys what the other one writes: "
                        "remove all but one of them at once");
    snap_dm_stacks_free(&stack.stacks);
}

static void names_are_quoted_for_a_shell(void **state)
{
    static const struct row row = {"snapshot", "8:1 8:2 N 8", "Invalid", false, NULL, NULL, NULL};
    struct stack stack;

    (void)state;
    build(&stack, &row);
    (void)snprintf(stack.device.name, sizeof stack.device.name, "a b;c");
    assert_non_null(strstr(inspect_state_next(&stack.node, &stack.origin).text, "dmsetup remove 'a b;c'"));
    snap_dm_stacks_free(&stack.stacks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_state_has_its_word_and_what_to_do),
        cmocka_unit_test(what_is_left_of_a_merge_is_what_is_no_metadata),
        cmocka_unit_test(suspended_devices_and_other_tables_are_told),
        cmocka_unit_test(names_are_quoted_for_a_shell),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
