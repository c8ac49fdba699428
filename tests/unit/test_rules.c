/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each rule has an id, a meaning and a repair of its own; each severity has a name. */
#include "lib/check/rules.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void the_table_of_rules_is_complete(void **state)
{
    (void)state;
    for (int rule = 0; rule < SNAP_RULES; rule++) {
        const struct snap_rule_info *info = snap_rules_info((enum snap_rule)rule);

        assert_non_null(info->id);
        assert_true(islower((unsigned char)info->id[0]));
        for (const char *at = info->id; *at; at++)
            assert_true(islower((unsigned char)*at) || (*at == '-' && islower((unsigned char)at[1])));
        assert_true(strlen(info->meaning) > 10);
        assert_true(strcmp(info->repair, "none") == 0 || strcmp(info->repair, "view-kept") == 0 ||
                    strcmp(info->repair, "view-changed") == 0);
        for (int other = 0; other < rule; other++) {
            assert_string_not_equal(info->id, snap_rules_info((enum snap_rule)other)->id);
            assert_string_not_equal(info->meaning, snap_rules_info((enum snap_rule)other)->meaning);
        }
    }
    for (int severity = 0; severity < SNAP_SEVERITIES; severity++)
        for (int other = 0; other < severity; other++)
            assert_string_not_equal(snap_rules_severity_name((enum snap_severity)severity),
                                    snap_rules_severity_name((enum snap_severity)other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_of_rules_is_complete),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
