/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps one open row for each rule, so that findings of several rules may take turns. */
#include "tools/check/rows.h"

#include "tools/check/lines.h"

#include <stdlib.h>

/*
 * It is shown when it cannot grow any more and each row that began before it was shown: what waits is bounded by the
 * lines that a rule may have.
 */
struct check_row {
    struct check_row *next;
    struct check_range range;
    struct files_places places; /* that all of it is about */
    bool closed, left_out;      /* left_out: only counted */
};

static void free_row(struct check_row *row)
{
    files_places_free(&row->places);
    free(row);
}

/* As one line or one by one. */
static enum snap_status show(struct check_session *session, const struct check_row *row, struct snap_error *err)
{
    const struct check_range *range = &row->range;
    enum snap_status status;

    if (range->count >= CHECK_RANGES_LEAST) {
        check_lines_touch_all(session, &row->places);
        return check_lines_add_row(session, range, err);
    }
    check_lines_touch(session, &range->first);
    status = check_lines_add(session, &range->first, err);
    if (range->count > 1 && status == SNAP_OK) {
        check_lines_touch(session, &range->second);
        status = check_lines_add(session, &range->second, err);
    }
    return status;
}

/* Rows that are closed, up to the first that is open. After a failure nothing is shown any more. */
static enum snap_status show_closed(struct check_session *session, enum snap_status status, struct snap_error *err)
{
    struct check_rows *rows = &session->rows;

    while (rows->first && rows->first->closed) {
        struct check_row *row = rows->first;

        rows->first = row->next;
        if (!rows->first)
            rows->last = NULL;
        if (status == SNAP_OK && !row->left_out)
            status = show(session, row, err);
        free_row(row);
    }
    return status;
}

/* What the limit lets through is shown later; the rest is counted. */
static void close_row(struct check_session *session, enum snap_rule rule)
{
    struct check_row *row = session->rows.open[rule];
    const uint64_t lines = row->range.count >= CHECK_RANGES_LEAST ? 1 : row->range.count;

    row->left_out = session->shown[rule] + lines > REPORT_PER_RULE_MAX;
    if (row->left_out)
        session->left_out[rule] += row->range.count;
    if (row->left_out || lines > 1)
        files_places_free(&row->places);
    session->shown[rule] += lines;
    row->closed = true;
    session->rows.open[rule] = NULL;
}

static enum snap_status begin_row(struct check_session *session, const struct snap_finding *finding,
                                  struct snap_error *err)
{
    struct check_rows *rows = &session->rows;
    struct check_row *row = calloc(1, sizeof *row);

    if (!row)
        return snap_fail(err, SNAP_E_NOMEM, "no memory for what was found");
    check_ranges_begin(&row->range, finding);
    if (rows->last)
        rows->last->next = row;
    else
        rows->first = row;
    rows->last = rows->open[finding->rule] = row;
    return SNAP_OK;
}

/* From which index on each slot has a finding, of whichever rule. */
static void follow_slots(struct check_rows *rows, const struct snap_finding *finding)
{
    const bool goes_on = rows->slots_known && finding->index >= rows->slots_last &&
                         finding->index - rows->slots_last <= 1;

    if (!finding->has_entry)
        return;
    rows->slots_first = goes_on ? rows->slots_first : finding->index;
    rows->slots_last = finding->index;
    rows->slots_known = true;
}

/* Many of some rules are only counted: the last one that has a place stands for them (lib/check/duplicates.h). */
static bool stands_for_others(const struct check_row *row, const struct snap_finding *finding)
{
    return row && finding->has_entry && finding->index == row->range.last.index;
}

enum snap_status check_rows_take(struct check_session *session, const struct snap_finding *finding,
                                 struct snap_error *err)
{
    struct check_rows *rows = &session->rows;
    const enum snap_rule taken = finding->rule;
    enum snap_status status;

    if (stands_for_others(rows->open[taken], finding)) {
        session->left_out[taken]++;
        return SNAP_OK;
    }
    follow_slots(rows, finding);
    for (int rule = 0; rule < SNAP_RULES; rule++)
        if (rows->open[rule] && !check_ranges_may_grow(&rows->open[rule]->range, finding, rows->slots_first))
            close_row(session, (enum snap_rule)rule);
    if (rows->open[taken] && !check_ranges_take(&rows->open[taken]->range, finding))
        close_row(session, taken);
    status = show_closed(session, SNAP_OK, err);
    if (status == SNAP_OK && !rows->open[taken])
        status = begin_row(session, finding, err);
    if (status == SNAP_OK)
        check_lines_note(session, &rows->open[taken]->places, finding);
    return status;
}

enum snap_status check_rows_end(struct check_session *session, struct snap_error *err)
{
    for (int rule = 0; rule < SNAP_RULES; rule++)
        if (session->rows.open[rule])
            close_row(session, (enum snap_rule)rule);
    return show_closed(session, SNAP_OK, err);
}
