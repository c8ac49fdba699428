/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of ranges that a store holds. */
#include "tools/inspect/list.h"

#include "lib/base/bytes.h"
#include "lib/store/list_walk.h"
#include "tools/cli/json.h"
#include "tools/cli/result.h"
#include "tools/cli/size.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { COLUMN_INDEX, COLUMN_ORIGIN, COLUMN_COW, COLUMN_LENGTH, COLUMN_CHUNKS, COLUMN_AREA };

const struct cli_column inspect_columns[INSPECT_COLUMNS] = {
    [COLUMN_INDEX] = {"INDEX", "number of the first entry in the list", 8, true, false},
    [COLUMN_ORIGIN] = {"ORIGIN", "where the range is on the origin", 12, true, false},
    [COLUMN_COW] = {"COW", "where its data are in the store", 12, true, false},
    [COLUMN_LENGTH] = {"LENGTH", "how long it is", 10, true, false},
    [COLUMN_CHUNKS] = {"CHUNKS", "the same in chunks", 8, true, false},
    [COLUMN_AREA] = {"AREA", "metadata area of the first entry", 6, true, true},
};

/* Entries that step by one on both devices. */
struct range {
    uint64_t index;
    uint64_t old_chunk;
    uint64_t new_chunk;
    uint64_t chunks;
};

/* A broken entry may lie beyond what 64 bits can say in bytes: then its chunk is all that can be said. */
static struct cli_text offset_text(const struct inspect_session *session, uint64_t chunk)
{
    uint64_t bytes;
    struct cli_text text;

    if (__builtin_mul_overflow(chunk, session->store.layout.chunk_bytes, &bytes))
        (void)snprintf(text.text, sizeof text.text, "chunk:0x%" PRIx64, chunk); /* without a blank, for --raw */
    else if (session->arguments.bytes)
        (void)snprintf(text.text, sizeof text.text, "%" PRIu64, bytes);
    else
        (void)snprintf(text.text, sizeof text.text, "%" PRIu64 "s", bytes / SNAP_SECTOR_BYTES);
    return text;
}

/* "1.5MiB" in a raw list: a blank would be part of the cell there, and escaped. */
static struct cli_text length_text(const struct inspect_session *session, uint64_t bytes)
{
    struct cli_text text = cli_size_text(bytes);
    char *blank = session->arguments.raw ? strchr(text.text, ' ') : NULL;

    if (blank)
        memmove(blank, blank + 1, strlen(blank));
    return text;
}

static struct cli_text number_text(uint64_t number)
{
    struct cli_text text;

    (void)snprintf(text.text, sizeof text.text, "%" PRIu64, number);
    return text;
}

static enum snap_status print_row(struct inspect_session *session, struct cli_table *table, const struct range *range,
                                  struct snap_error *err)
{
    const uint64_t length_bytes = range->chunks * session->store.layout.chunk_bytes;
    const struct cli_text texts[INSPECT_COLUMNS] = {
        [COLUMN_INDEX] = number_text(range->index),
        [COLUMN_ORIGIN] = offset_text(session, range->old_chunk),
        [COLUMN_COW] = offset_text(session, range->new_chunk),
        [COLUMN_LENGTH] = session->arguments.bytes ? number_text(length_bytes) : length_text(session, length_bytes),
        [COLUMN_CHUNKS] = number_text(range->chunks),
        [COLUMN_AREA] = number_text(range->index / session->store.layout.entries_per_area),
    };
    const char *cells[INSPECT_COLUMNS];

    for (size_t i = 0; i < INSPECT_COLUMNS; i++)
        cells[i] = texts[i].text;
    return cli_table_row(table, cells, err);
}

/* null where a broken entry lies beyond what 64 bits can say. */
static void set_offset(struct cli_json *row, const char *key, const struct inspect_session *session, uint64_t chunk)
{
    uint64_t bytes;

    if (__builtin_mul_overflow(chunk, session->store.layout.chunk_bytes, &bytes))
        cli_json_set_null(row, key);
    else
        cli_json_set_uint(row, key, bytes);
}

/* The columns under their names, with units; the raw numbers of the chunks only where no columns were chosen. */
static enum snap_status print_json(struct inspect_session *session, const struct cli_table *table,
                                   const struct range *range, struct snap_error *err)
{
    struct cli_json *row = cli_json_object();

    if (cli_table_wants(table, COLUMN_INDEX))
        cli_json_set_uint(row, "index", range->index);
    if (!session->arguments.columns) {
        cli_json_set_hex(row, "old", range->old_chunk);
        cli_json_set_hex(row, "new", range->new_chunk);
    }
    if (cli_table_wants(table, COLUMN_CHUNKS))
        cli_json_set_uint(row, "chunks", range->chunks);
    if (cli_table_wants(table, COLUMN_LENGTH))
        cli_json_set_uint(row, "length_bytes", range->chunks * session->store.layout.chunk_bytes);
    if (cli_table_wants(table, COLUMN_ORIGIN))
        set_offset(row, "origin_offset_bytes", session, range->old_chunk);
    if (cli_table_wants(table, COLUMN_COW))
        set_offset(row, "cow_offset_bytes", session, range->new_chunk);
    if (cli_table_wants(table, COLUMN_AREA))
        cli_json_set_uint(row, "area", range->index / session->store.layout.entries_per_area);
    return cli_json_line(row, session->cli->out, err);
}

static enum snap_status print_range(struct inspect_session *session, struct cli_table *table, const struct range *range,
                                    struct snap_error *err)
{
    if (range->chunks == 0)
        return SNAP_OK;
    return session->arguments.json ? print_json(session, table, range, err) : print_row(session, table, range, err);
}

static enum snap_status walk(struct inspect_session *session, struct cli_table *table, struct snap_error *err)
{
    struct range range = {0};
    struct snap_list_walk *entries;
    struct snap_span span;
    enum snap_status status = snap_list_walk_open(&entries, &session->store, err);

    if (status != SNAP_OK)
        return status;
    do {
        status = snap_list_walk_next(entries, &span, err);
        if (status == SNAP_OK && cli_stop_wanted())
            status = snap_fail(err, SNAP_E_STOPPED, "stopped");
        for (uint32_t i = 0; status == SNAP_OK && i < span.live; i++) {
            const uint64_t old_chunk = snap_span_old(&span, i), new_chunk = snap_span_new(&span, i);

            if (range.chunks > 0 && old_chunk == range.old_chunk + range.chunks &&
                new_chunk == range.new_chunk + range.chunks) {
                range.chunks++;
                continue;
            }
            status = print_range(session, table, &range, err);
            range = (struct range){span.first_index + i, old_chunk, new_chunk, 1};
        }
    } while (status == SNAP_OK && span.live > 0);
    snap_list_walk_close(entries);
    return status == SNAP_OK ? print_range(session, table, &range, err) : status;
}

/* The first line says what the others are; the last one is printed at the end of the program. */
static enum snap_status begin_stream(struct inspect_session *session, struct snap_error *err)
{
    struct cli *cli = session->cli;

    cli_result_stream(cli);
    return cli_json_line(cli_json_document(cli->program->name, cli_version()), cli->out, err);
}

enum snap_status inspect_list(struct inspect_session *session, struct snap_error *err)
{
    const struct cli_table_style style = {session->arguments.columns, session->arguments.raw,
                                          session->arguments.noheadings};
    struct cli_table *table = NULL;
    enum snap_status status = cli_table_open(inspect_columns, INSPECT_COLUMNS, &style, session->cli->out, &table, err);

    if (status == SNAP_OK && session->arguments.json)
        status = begin_stream(session, err);
    if (status == SNAP_OK)
        status = walk(session, table, err);
    if (status == SNAP_OK && !session->arguments.json)
        return cli_table_close(table, err);
    cli_table_free(table); /* it has no rows where the rows are JSON */
    return status;
}
