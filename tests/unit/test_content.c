/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holds the name of an LVM snapshot's store, worked out from its active view, to its promise. */
#include "tools/shared/content.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define GROUP "LVM-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define VOLUME "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static bool store_of(const char *name, const char *uuid, char *path, size_t path_bytes)
{
    struct snap_device facts = {.block_device = true};

    (void)snprintf(facts.dm_name, sizeof facts.dm_name, "%s", name);
    (void)snprintf(facts.serial, sizeof facts.serial, "%s", uuid);
    return content_lvm_store(&facts, path, path_bytes);
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
        cmocka_unit_test(the_store_is_named_after_the_view),
        cmocka_unit_test(other_devices_are_no_view),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
