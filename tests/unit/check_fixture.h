/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a check and keeps its findings, for the tests of check. */
#ifndef DMSNAP_TESTS_CHECK_FIXTURE_H
#define DMSNAP_TESTS_CHECK_FIXTURE_H

#include "lib/check/check.h"
#include "tests/unit/list_fixture.h"
#include "tests/unit/unit.h"

#define CHECK_FINDINGS_MAX 64u

struct checked {
    struct snap_findings findings;
    struct snap_check_result result;
    struct snap_finding at[CHECK_FINDINGS_MAX];
    size_t count;
    uint64_t fail_at; /* the callback fails on this finding; counted from 1 */
    struct snap_error err;
};

static inline enum snap_status check_collect(void *context, const struct snap_finding *finding,
                                             struct snap_error *err)
{
    struct checked *checked = context;

    assert_true(checked->count < CHECK_FINDINGS_MAX);
    assert_true(finding->text[0] != '\0');
    checked->at[checked->count++] = *finding;
    return checked->count == checked->fail_at ? snap_fail(err, SNAP_E_REFUSED, "enough") : SNAP_OK;
}

/* Without opening: the header may be bad. */
static inline enum snap_status check_run(struct snap_io *io, const struct snap_check_options *options,
                                         struct checked *checked)
{
    struct snap_store store;

    checked->count = 0;
    checked->findings.fn = check_collect;
    checked->findings.context = checked;
    memset(checked->findings.rule_counts, 0, sizeof checked->findings.rule_counts);
    memset(checked->findings.severity_counts, 0, sizeof checked->findings.severity_counts);
    checked->err = (struct snap_error){.text = ""};
    assert_ok(snap_header_read(&store, io, &checked->err), &checked->err);
    return snap_check(&store, options, &checked->findings, &checked->result, &checked->err);
}

#endif
