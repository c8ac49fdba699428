/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings carry text and place, are counted without limit and handed on up to one. */
#include "lib/check/findings.h"

#include "tests/unit/format_fixture.h"
#include "tests/unit/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void a_finding_begins_without_a_place(void **state)
{
    struct snap_finding finding;

    (void)state;
    memset(&finding, 0xee, sizeof finding);
    snap_findings_init(&finding, SNAP_RULE_LIST_CUT, "area %d", 7);
    assert_int_equal(finding.rule, SNAP_RULE_LIST_CUT);
    assert_int_equal(finding.severity, SNAP_WARNING);
    assert_string_equal(finding.text, "area 7");
    assert_false(finding.has_area || finding.has_entry || finding.has_offset);
    snap_findings_init(&finding, SNAP_RULE_LIST_CUT, "%300d", 7);
    assert_int_equal(strlen(finding.text), sizeof finding.text - 1);
}

static void the_name_of_the_device_is_left_out(void **state)
{
    static const char *const texts[][2] = {
        {"cow: what is wrong", "what is wrong"}, {"origin: what is wrong", "origin: what is wrong"},
        {"cow2: x", "cow2: x"},                  {"cow: ", ""},
        {"cow", "cow"},                          {"", ""},
    };
    struct snap_io *io = io_mem_new("cow", 4096, 512, false);
    const struct snap_store store = fixture_store_over(io, 1);

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct snap_error failure = {.status = SNAP_E_IO};
        struct snap_finding finding;

        (void)snprintf(failure.text, sizeof failure.text, "%s", texts[i][0]);
        snap_findings_init_failure(&finding, SNAP_RULE_AREA_UNREADABLE, &store, &failure);
        assert_int_equal(finding.severity, SNAP_FATAL);
        assert_string_equal(finding.text, texts[i][1]);
    }
    assert_int_equal(snap_io_close(io, NULL), SNAP_OK);
}

static void places_are_those_of_the_format(void **state)
{
    struct snap_io *io = io_mem_new("cow", 1 << 20, 512, false);
    const struct snap_store store = fixture_store_over(io, 2);
    const struct snap_entry entry = {.old_chunk = 5, .new_chunk = UINT64_MAX};
    struct snap_finding finding;

    (void)state;
    snap_findings_init(&finding, SNAP_RULE_STALE_AREAS, "x");
    snap_findings_place_area(&finding, &store, 3);
    assert_true(finding.has_area && finding.has_offset && !finding.has_entry);
    assert_int_equal(finding.area, 3);
    assert_int_equal(finding.offset_bytes, format_area_offset(2, 3));

    snap_findings_init(&finding, SNAP_RULE_ENTRY_ORDER, "x");
    snap_findings_place_entry(&finding, &store, 64 + 17, &entry);
    assert_true(finding.has_area && finding.has_offset && finding.has_entry);
    assert_int_equal(finding.area, 1);
    assert_int_equal(finding.slot, 17);
    assert_int_equal(finding.index, 81);
    assert_int_equal(finding.offset_bytes, format_entry_offset(2, 81));
    assert_int_equal(finding.old_chunk, 5);
    assert_true(finding.new_chunk == UINT64_MAX);
    assert_int_equal(snap_io_close(io, NULL), SNAP_OK);
}

static enum snap_status count_and_fail(void *context, const struct snap_finding *finding, struct snap_error *err)
{
    uint64_t *told = context;

    ++*told;
    return finding->rule == SNAP_RULE_STORE_FULL ? snap_fail(err, SNAP_E_REFUSED, "enough") : SNAP_OK;
}

static void all_are_counted_and_some_are_told(void **state)
{
    uint64_t told = 0;
    struct snap_findings findings = {.fn = count_and_fail, .context = &told, .per_rule_max = 3};
    struct snap_findings silent = {.fn = NULL};
    struct snap_finding finding;

    (void)state;
    for (int i = 0; i < 5; i++) {
        snap_findings_init(&finding, SNAP_RULE_ENTRY_ORDER, "%d", i);
        if (i == 4)
            finding.severity = SNAP_FATAL; /* this case is worse than its rule */
        assert_int_equal(snap_findings_add(&findings, &finding, NULL), SNAP_OK);
        assert_int_equal(snap_findings_add(&silent, &finding, NULL), SNAP_OK);
    }
    assert_int_equal(told, 3);
    assert_int_equal(findings.rule_counts[SNAP_RULE_ENTRY_ORDER], 5);
    assert_int_equal(findings.severity_counts[SNAP_NOTE], 4);
    assert_int_equal(findings.severity_counts[SNAP_FATAL], 1);
    assert_memory_equal(findings.rule_counts, silent.rule_counts, sizeof findings.rule_counts);

    findings.per_rule_max = 0; /* no limit */
    assert_int_equal(snap_findings_add(&findings, &finding, NULL), SNAP_OK);
    assert_int_equal(told, 4);
    snap_findings_init(&finding, SNAP_RULE_STORE_FULL, "x");
    assert_int_equal(snap_findings_add(&findings, &finding, NULL), SNAP_E_REFUSED);
    assert_int_equal(findings.rule_counts[SNAP_RULE_STORE_FULL], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_finding_begins_without_a_place),
        cmocka_unit_test(the_name_of_the_device_is_left_out),
        cmocka_unit_test(places_are_those_of_the_format),
        cmocka_unit_test(all_are_counted_and_some_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
