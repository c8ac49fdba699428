/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps lines of findings until files are looked for, which is done for many of them at once. */
#include "tools/check/lines.h"

#include "tools/check/behind.h"
#include "tools/check/list_rules.h"
#include "tools/cli/result.h"
#include "tools/shared/memory.h"

#include <stdlib.h>

#define WAITING_MAX 16384u /* some 6 MiB; without --all there are never so many */
#define MEMORY_SHARE 4u    /* of what the program may take is for the view */

struct check_line {
    struct check_line *next;
    struct snap_finding *finding; /* one of these two */
    struct check_range *row;
};

/*
 * ---- one line --------------------------------------------------------------------------------------------------
 */

/* A finding is the answer of this program: it goes to standard output. */
static void print_line(const struct check_session *session, const struct snap_finding *finding,
                       const struct report_text *text, const char *touched)
{
    const struct snap_rule_info *info = snap_rules_info(finding->rule);
    const bool verbose = session->cli->verbose;

    report_print(session->cli->out, "%s: %s%s%s (%s: %s)%s%s%s%s", session->cow.path, text->text,
                 !touched                               ? ""
                 : finding->rule == SNAP_RULE_LIST_CUT ? "; they are for"
                 : check_behind_is(finding)             ? "; entries there are for"
                                                        : "",
                 touched ? touched + (check_behind_is(finding) ? 1 : 0) : "",
                 snap_rules_severity_name(finding->severity), info->id, verbose ? "; " : "",
                 verbose ? info->meaning : "", verbose ? "; to do: " : "",
                 verbose ? check_list_rules_way_out(finding->rule) : "");
}

/* `files`: what is known of the line with this number; NULL: nothing. */
static enum snap_status show(struct check_session *session, const struct check_line *line, const struct files *files,
                             uint32_t number, struct snap_error *err)
{
    const struct snap_layout *layout = &session->store.layout;
    struct cli_json *json;
    struct report_text text;
    char *touched;

    if (session->arguments.json) {
        json = line->row ? check_ranges_json(layout, line->row) : check_ranges_finding_json(layout, line->finding);
        files_set_json(json, files, number);
        if (session->arguments.all)
            return cli_result_element(session->cli,
                                      session->cli->elements > 0
                                          ? NULL
                                          : report_json_begin(session->cli, session->cow.path, session->origin.path),
                                      "findings", json, err);
        cli_json_add(session->found, json);
        return SNAP_OK;
    }
    text = line->row ? check_ranges_text(layout, line->row) : check_ranges_finding_text(layout, line->finding);
    touched = files_text(files, number);
    print_line(session, line->row ? &line->row->first : line->finding, &text, touched);
    free(touched);
    return SNAP_OK;
}

/*
 * ---- lines that wait -------------------------------------------------------------------------------------------
 */

/* The bytes of the snapshot whose files are named. False: there are none, or nothing can be looked for. */
static bool touches(const struct check_session *session, const struct snap_finding *finding, uint64_t *offset_bytes,
                    uint64_t *length_bytes)
{
    return !session->lines.too_many && files_possible(&session->origin) && finding->severity > SNAP_NOTE &&
           check_ranges_bytes(&session->store.layout, finding, offset_bytes, length_bytes);
}

/* The next line is about entries behind the end of the list. */
static void wait_for_behind(struct check_session *session, enum snap_rule rule)
{
    struct check_lines *lines = &session->lines;
    const int i = rule == SNAP_RULE_LIST_CUT;

    lines->behind[i].waits = true;
    lines->behind[i].number = lines->count;
    lines->behind[i].rule = rule;
}

void check_lines_touch(struct check_session *session, const struct snap_finding *finding)
{
    uint64_t offset_bytes, length_bytes;

    if (touches(session, finding, &offset_bytes, &length_bytes))
        files_places_add(&session->lines.places, offset_bytes, length_bytes, session->lines.count);
    else if (!session->lines.too_many && files_possible(&session->origin) && check_behind_is(finding))
        wait_for_behind(session, finding->rule);
}

void check_lines_note(const struct check_session *session, struct files_places *places,
                      const struct snap_finding *finding)
{
    uint64_t offset_bytes, length_bytes;

    if (touches(session, finding, &offset_bytes, &length_bytes))
        files_places_add(places, offset_bytes, length_bytes, 0);
}

void check_lines_touch_all(struct check_session *session, const struct files_places *places)
{
    for (size_t i = 0; i < places->count; i++)
        files_places_add(&session->lines.places, places->at[i].offset_bytes, places->at[i].length_bytes,
                         session->lines.count);
}

static void free_line(struct check_line *line)
{
    free(line->finding);
    free(line->row);
    free(line);
}

/* A copy that waits. NULL: out of memory. */
static struct check_line *copy_line(const struct check_line *line)
{
    struct check_line *copy = calloc(1, sizeof *copy);

    if (!copy)
        return NULL;
    if (line->row && (copy->row = malloc(sizeof *copy->row)))
        *copy->row = *line->row;
    if (line->finding && (copy->finding = malloc(sizeof *copy->finding)))
        *copy->finding = *line->finding;
    if (copy->row || copy->finding)
        return copy;
    free(copy);
    return NULL;
}

struct files_look check_lines_look(const struct check_session *session)
{
    return (struct files_look){
        .cli = session->cli,
        .store = &session->store,
        .cow = &session->cow,
        .origin = &session->origin,
        .result = &session->result,
        .evidence = session->pair_known ? &session->evidence : NULL,
        .memory_bytes = memory_to_use_bytes(session->arguments.memory_bytes) / MEMORY_SHARE,
    };
}

/* Shows all that waits, in any case: with the files that are known by then. */
static enum snap_status show_all(struct check_session *session, enum snap_status status, struct snap_error *err)
{
    struct check_lines *lines = &session->lines;
    struct check_line *line = lines->first, *next;
    struct snap_error ignored;

    for (uint32_t number = 0; line; number++, line = next) {
        const enum snap_status shown =
            show(session, line, &session->files, number, status == SNAP_OK ? err : &ignored);

        if (status == SNAP_OK)
            status = shown;
        next = line->next;
        free_line(line);
    }
    lines->first = lines->last = NULL;
    lines->places.count = lines->count = 0;
    lines->behind[0].waits = lines->behind[1].waits = false;
    return status;
}

static enum snap_status add(struct check_session *session, const struct check_line *line, struct snap_error *err)
{
    struct check_lines *lines = &session->lines;
    struct check_line *waiting;
    enum snap_status status = SNAP_OK;

    if (lines->count == WAITING_MAX) {
        lines->too_many = true; /* nothing can be looked for yet: the check reads ahead through the same ios */
        status = show_all(session, status, err);
    }
    if (status != SNAP_OK || (lines->places.count == 0 && !lines->behind[0].waits && !lines->behind[1].waits))
        return status == SNAP_OK ? show(session, line, NULL, 0, err) : status;
    waiting = copy_line(line);
    if (!waiting)
        return snap_fail(err, SNAP_E_NOMEM, "no memory for what was found");
    if (lines->last)
        lines->last->next = waiting;
    else
        lines->first = waiting;
    lines->last = waiting;
    lines->count++;
    return SNAP_OK;
}

enum snap_status check_lines_add(struct check_session *session, const struct snap_finding *finding,
                                 struct snap_error *err)
{
    struct snap_finding copy = *finding;
    const struct check_line line = {.finding = &copy};

    return add(session, &line, err);
}

enum snap_status check_lines_add_row(struct check_session *session, const struct check_range *row,
                                     struct snap_error *err)
{
    struct check_range copy = *row;
    const struct check_line line = {.row = &copy};

    return add(session, &line, err);
}

enum snap_status check_lines_end(struct check_session *session, struct snap_error *err)
{
    struct check_lines *lines = &session->lines;
    const struct files_look look = check_lines_look(session);
    enum snap_status status = SNAP_OK;

    if (lines->too_many)
        cli_note(session->cli, "%s: there are too many findings to name the files of each; without --all, rows of them "
                 "have their files", session->cow.path);
    for (int i = 0; i < 2; i++)
        if (lines->behind[i].waits)
            check_behind_places(session, lines->behind[i].rule, &lines->places, lines->behind[i].number);
    if (lines->places.count > 0 && !cli_stop_wanted())
        status = files_find(&session->files, &look, &lines->places, lines->count, err);
    status = show_all(session, status, err);
    files_places_free(&lines->places);
    snap_owners_free(&session->files.owners);
    session->files.known = false;
    return status;
}
