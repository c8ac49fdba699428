/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapmerge's chunks on bad sectors: kept for the report, listed in a file, explained. */
#include "tools/merge/bad_list.h"

#include "lib/base/arith.h"
#include "lib/base/replace.h"
#include "tools/cli/size.h"
#include "tools/shared/report.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_LINE "# snapmerge bad list 1\n"
#define SHOWN_MAX 10u
#define LIST_BYTES_MAX (64u << 20) /* a million chunks; all of it is kept in memory */

/*
 * The library reports each chunk at the end. Where memory is short, chunks are only counted, and the list says so.
 */
static void remember(void *context, const struct snap_merge_bad *bad)
{
    struct merge_session *session = context;
    struct merge_bad_chunks *chunks = &session->bad;

    if (chunks->count == chunks->room) {
        const size_t room = chunks->room ? 2 * chunks->room : 64;
        struct snap_merge_bad *items = reallocarray(chunks->items, room, sizeof *items);

        if (!items) {
            chunks->unknown++;
            return;
        }
        chunks->items = items;
        chunks->room = room;
    }
    chunks->items[chunks->count++] = *bad;
}

static const char *reason_of(const struct snap_merge_bad *bad)
{
    return bad->reason == SNAP_MERGE_BAD_UNWRITABLE ? "unwritable"
           : bad->reason == SNAP_MERGE_BAD_UNKEPT   ? "unkept"
                                                    : "unreadable";
}

static int by_origin(const void *left, const void *right)
{
    const struct snap_merge_bad *a = left, *b = right;

    return a->origin_offset_bytes < b->origin_offset_bytes ? -1 : a->origin_offset_bytes > b->origin_offset_bytes;
}

/* The lines that were there before, but for chunks that are listed anew. The library tells them in this order. */
static void put_listed(const struct merge_bad_chunks *chunks, FILE *out)
{
    for (const char *line = chunks->file->text, *end; line && *line; line = *end ? end + 1 : end) {
        struct snap_merge_bad bad = {0};
        int line_bytes;

        end = line + strcspn(line, "\n");
        line_bytes = (int)snap_min((uint64_t)(end - line), INT_MAX);
        bad.origin_offset_bytes = strtoull(line, NULL, 10);
        if (*line != '#' && (chunks->count == 0 || !bsearch(&bad, chunks->items, chunks->count, sizeof bad, by_origin)))
            fprintf(out, "%.*s\n", line_bytes, line);
    }
}

static enum snap_status write_list(struct merge_session *session, bool keeps, struct snap_error *err)
{
    const struct merge_bad_chunks *chunks = &session->bad;
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    enum snap_status status;

    if (!out)
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for the list of bad chunks",
                         session->arguments.bad_list);
    fprintf(out, FIRST_LINE "# Chunks of the snapshot that are not on the origin. unreadable: at cow_offset_bytes;\n"
                            "# unwritable: at origin_offset_bytes; unkept: the old content cannot be read for another "
                            "store.\n"
                            "# origin_offset_bytes length_bytes cow_offset_bytes reason\n");
    if (keeps)
        put_listed(chunks, out);
    for (size_t i = 0; i < chunks->count; i++)
        fprintf(out, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %s\n", chunks->items[i].origin_offset_bytes,
                chunks->items[i].length_bytes, chunks->items[i].cow_offset_bytes, reason_of(&chunks->items[i]));
    if (chunks->unknown > 0)
        fprintf(out, "# and %" PRIu64 " more, for which there was no memory\n", chunks->unknown);
    status = fclose(out) == 0 ? snap_replace_write(chunks->file, text, err)
                              : snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for the list of bad chunks",
                                          session->arguments.bad_list);
    free(text);
    return status;
}

/* The list is written before the store forgets these chunks: afterwards nothing else names them. */
static enum snap_status before_drop(void *context, struct snap_error *err)
{
    struct merge_session *session = context;

    return session->bad.file ? write_list(session, true, err) : SNAP_OK;
}

/* Lines are kept as text: all that follows a zero byte would be lost. */
static enum snap_status open_list(struct merge_session *session, const char *path, struct snap_error *err)
{
    enum snap_status status = snap_replace_open(&session->bad.file, path, FIRST_LINE, LIST_BYTES_MAX, err);
    const struct snap_replace *file = session->bad.file;

    if (status == SNAP_OK && file->text && memchr(file->text, '\0', (size_t)file->text_bytes))
        return snap_fail(err, SNAP_E_REFUSED, "%s: it is damaged: it has a zero byte, and is not replaced; move it "
                         "away, or name another file", path);
    return status;
}

enum snap_status merge_bad_prepare(struct merge_session *session, struct snap_error *err)
{
    const char *path = session->arguments.bad_list;

    session->options.bad = remember;
    session->options.bad_context = session;
    session->options.before_drop = before_drop;
    session->options.before_drop_context = session;
    return path ? open_list(session, path, err) : SNAP_OK;
}

enum snap_status merge_bad_begin(struct merge_session *session, struct snap_error *err)
{
    return session->bad.file ? write_list(session, true, err) : SNAP_OK;
}

static void show_chunk(struct merge_session *session, const struct snap_merge_bad *bad)
{
    const bool on_cow = bad->reason == SNAP_MERGE_BAD_UNREADABLE;

    cli_error(session->cli, "%s: %s %" PRIu64 " bytes at byte %" PRIu64 " failed%s; %s does not have the snapshot's "
              "content from byte %" PRIu64 " on", on_cow ? session->cow.path : session->origin.path,
              bad->reason == SNAP_MERGE_BAD_UNWRITABLE ? "writing" : "reading", bad->length_bytes,
              on_cow ? bad->cow_offset_bytes : bad->origin_offset_bytes,
              bad->reason == SNAP_MERGE_BAD_UNKEPT ? ", so the old content cannot be kept for another store" : "",
              session->origin.path, bad->origin_offset_bytes);
}

int merge_bad_show(struct merge_session *session, bool complete)
{
    const struct merge_bad_chunks *chunks = &session->bad;
    const uint64_t total = chunks->count + chunks->unknown, dropped = session->result.dropped_entries;
    const bool keeps = !complete || session->arguments.drop_bad || session->job.entries == 0;
    struct cli *cli = session->cli;
    struct snap_error err = {0};

    if (total == 0 && !chunks->file)
        return CLI_EXIT_OK;
    for (size_t i = 0; i < chunks->count && i < SHOWN_MAX; i++)
        show_chunk(session, &chunks->items[i]);
    if (total > SHOWN_MAX)
        cli_error(cli, "%" PRIu64 " more %s could not be merged%s", total - SHOWN_MAX,
                  total - SHOWN_MAX == 1 ? "chunk" : "chunks",
                  chunks->file ? "" : "; --bad-list FILE lists all of them");
    if (dropped > 0)
        cli_error(cli, "%s %s given up: %s has other content there, and the store no longer lists %s",
                  cli_count_text(dropped, "chunk", "chunks").text, dropped == 1 ? "was" : "were",
                  session->origin.path, dropped == 1 ? "it" : "them");
    if (total > dropped)
        cli_error(cli, "%s %s in %s", cli_count_text(total - dropped, "chunk", "chunks").text,
                  total - dropped == 1 ? "remains" : "remain", session->cow.path);
    if (chunks->file && write_list(session, keeps, &err) != SNAP_OK)
        return cli_exit_worse(total > 0 ? CLI_EXIT_STORE : CLI_EXIT_OK, cli_fail(cli, &err));
    return total > 0 ? CLI_EXIT_STORE : CLI_EXIT_OK;
}

void merge_bad_json(const struct merge_session *session, struct cli_json *result)
{
    struct cli_json *array = cli_json_array();

    for (size_t i = 0; i < session->bad.count; i++) {
        const struct snap_merge_bad *bad = &session->bad.items[i];
        struct cli_json *object = cli_json_object();

        cli_json_set_uint(object, "origin_offset_bytes", bad->origin_offset_bytes);
        cli_json_set_uint(object, "length_bytes", bad->length_bytes);
        cli_json_set_uint(object, "cow_offset_bytes", bad->cow_offset_bytes);
        cli_json_set_string(object, "reason", reason_of(bad));
        cli_json_add(array, object);
    }
    cli_json_set(result, "bad", array);
}

void merge_bad_free(struct merge_session *session)
{
    free(session->bad.items);
    snap_replace_close(session->bad.file);
    session->bad = (struct merge_bad_chunks){0};
}
