/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests what is answered where the kernel has no device-mapper. */
#include "config.h"

#include "lib/device/dm_users.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static enum snap_status never(void *context, const struct snap_dm_user *user, struct snap_error *err)
{
    (void)context;
    return snap_fail(err, SNAP_E_INTERNAL, "called for %s", user->name);
}

static void without_device_mapper_nobody_uses_anything(void **state)
{
    struct snap_error err = {.status = SNAP_OK};
    struct stat st;
    bool had_dir = stat("/dev/mapper", &st) == 0;

    (void)state;
#ifndef HAVE_LIBDEVMAPPER
    print_message("skipped: this build lacks libdevmapper\n");
    skip();
#endif
    if (snap_dm_users_available()) {
        print_message("skipped: this kernel has device-mapper\n");
        skip();
    }
    assert_int_equal(snap_dm_users(0x801, never, NULL, &err), SNAP_OK);
    assert_int_equal(err.status, SNAP_OK);
    assert_int_equal(stat("/dev/mapper", &st) == 0, had_dir); /* asking makes no nodes */
}

static void availability_is_what_the_kernel_registered(void **state)
{
    char line[128];
    bool registered = false;
    bool available = snap_dm_users_available(); /* first: it may load the module */
    FILE *misc = fopen("/proc/misc", "re");

    (void)state;
#ifndef HAVE_LIBDEVMAPPER
    assert_false(available);
    print_message("skipped: this build lacks libdevmapper\n");
    skip();
#endif
    assert_non_null(misc);
    while (fgets(line, sizeof line, misc))
        registered |= strstr(line, " device-mapper\n") != NULL;
    assert_int_equal(fclose(misc), 0);
    assert_int_equal(available, registered && access("/dev/mapper/control", F_OK) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_device_mapper_nobody_uses_anything),
        cmocka_unit_test(availability_is_what_the_kernel_registered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
