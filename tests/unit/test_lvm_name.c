/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holds the names of LVM volumes, as they are typed and as device-mapper has them, to their promises. */
#include "tools/shared/lvm_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *typed(const char *text)
{
    static struct lvm_name name;

    return lvm_name_of_typed(text, &name) ? name.text : "";
}

static void nodes_of_active_volumes_are_taken_apart(void **state)
{
    (void)state;
    assert_string_equal(typed("/dev/vg/snap"), "lvm:vg/snap");
    assert_string_equal(typed("vg/snap"), "lvm:vg/snap");
    assert_string_equal(typed("/dev/mapper/vg-snap"), "lvm:vg/snap");
    assert_string_equal(typed("/dev/mapper/vg-snap-cow"), "lvm:vg/snap");
    assert_string_equal(typed("/dev/mapper/vg-origin-real"), "lvm:vg/origin");
    assert_string_equal(typed("/dev/mapper/my--vg-my--snap--1-cow"), "lvm:my-vg/my-snap-1");
    assert_string_equal(typed("/dev/mapper/vg-a--cow"), "lvm:vg/a-cow");
    assert_string_equal(typed("/dev/mapper/vg-a---b"), "");
    assert_string_equal(typed("/dev/vg/a_b.c+d-e"), "lvm:vg/a_b.c+d-e");
}

static void other_names_are_no_volumes(void **state)
{
    static const char *const others[] = {
        "", "snap", "/dev/sda1", "/dev/vg/", "/dev//snap", "/vg/snap", "vg/", "/snap", "vg/snap/x", "./snap",
        "../snap", "vg/..", "-vg/snap", "vg/a b", "/dev/disk/x", "/dev/mapper/control", "/dev/mapper/vg-",
        "/dev/mapper/-snap",
        "/dev/mapper/vg-snap-", "/dev/mapper/vg-snap-tpool", "/dev/mapper/vg-pool-cow-x", "/dev/md/0", "/dev/mapper/",
    };

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcmp(typed(others[i]), "") != 0)
            fail_msg("\"%s\" was taken for %s", others[i], typed(others[i]));
}

static void names_have_at_most_127_characters(void **state)
{
    char text[300];

    (void)state;
    (void)snprintf(text, sizeof text, "/dev/%0127d/%0127d", 1, 1);
    assert_int_equal(strlen(typed(text)), strlen(LVM_NAME_PREFIX) + 127 + 1 + 127);
    (void)snprintf(text, sizeof text, "/dev/%0128d/%0127d", 1, 1);
    assert_string_equal(typed(text), "");
    (void)snprintf(text, sizeof text, "/dev/mapper/%0127d-%0127d", 1, 1);
    assert_int_equal(strlen(typed(text)), strlen(LVM_NAME_PREFIX) + 127 + 1 + 127);
    (void)snprintf(text, sizeof text, "/dev/mapper/%0127d-%0128d", 1, 1);
    assert_string_equal(typed(text), "");
}

static void only_what_is_missing_is_added_to_a_message(void **state)
{
    struct snap_error err = {0};

    (void)state;
    (void)snap_fail(&err, SNAP_E_NOENT, "gone");
    lvm_name_add("/dev/null", &err);
    lvm_name_add("/dev/no such/x", &err);
    assert_string_equal(err.text, "gone");
    lvm_name_add("/dev/no_such_group/x", &err);
    assert_string_equal(err.text, "gone; an LVM volume that is not active is named lvm:no_such_group/x");
}

#define GROUP "LVM-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define VOLUME "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static bool store_of(const char *name, const char *uuid, char *path, size_t path_bytes)
{
    struct snap_device facts = {.block_device = true};

    (void)snprintf(facts.dm_name, sizeof facts.dm_name, "%s", name);
    (void)snprintf(facts.serial, sizeof facts.serial, "%s", uuid);
    return lvm_name_store_node(&facts, path, path_bytes);
}

static void the_store_is_named_after_the_view(void **state)
{
    char path[200];

    (void)state;
    assert_true(store_of("vg-snap", GROUP VOLUME, path, sizeof path));
    assert_string_equal(path, "/dev/mapper/vg-snap-cow");
    assert_true(store_of("my--vg-my--snap", GROUP VOLUME, path, sizeof path));
    assert_string_equal(path, "/dev/mapper/my--vg-my--snap-cow");
    assert_true(store_of("vg-snap", GROUP VOLUME, path, sizeof "/dev/mapper/vg-snap-cow"));
    assert_false(store_of("vg-snap", GROUP VOLUME, path, sizeof "/dev/mapper/vg-snap-cow" - 1));
}

static void other_devices_are_no_view(void **state)
{
    char path[200];

    (void)state;
    assert_false(store_of("", GROUP VOLUME, path, sizeof path));
    assert_false(store_of("vg-snap-cow", GROUP VOLUME "-cow", path, sizeof path));
    assert_false(store_of("vg-base-real", GROUP VOLUME "-real", path, sizeof path));
    assert_false(store_of("luks-1", "CRYPT-LUKS2-" VOLUME "-luks-1", path, sizeof path));
    assert_false(store_of("sda", "naa.5000c500a1b2c3d4", path, sizeof path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_of_active_volumes_are_taken_apart),
        cmocka_unit_test(other_names_are_no_volumes),
        cmocka_unit_test(names_have_at_most_127_characters),
        cmocka_unit_test(only_what_is_missing_is_added_to_a_message),
        cmocka_unit_test(the_store_is_named_after_the_view),
        cmocka_unit_test(other_devices_are_no_view),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
