/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Builds and prints JSON; the only user of json-c. */
#ifndef DMSNAP_TOOLS_CLI_JSON
#define DMSNAP_TOOLS_CLI_JSON

#include "lib/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * A JSON object or array. No call here reports a failure but the printing ones: a failed allocation is remembered
 * in the value (NULL counts as failed), passed on to what it is put into, and reported when that is printed. So a
 * caller builds without looking, and NULL may go in everywhere.
 *
 * Members print in the order in which they were set; setting a key twice replaces the value.
 */
struct cli_json;

/* The library without which this build can print no JSON; NULL where it can. */
const char *cli_json_lacks(void);

struct cli_json *cli_json_object(void);
struct cli_json *cli_json_array(void);
void cli_json_free(struct cli_json *json);

/* Members of an object. */
void cli_json_set_string(struct cli_json *object, const char *key, const char *text); /* NULL text: null */
void cli_json_set_uint(struct cli_json *object, const char *key, uint64_t value);
void cli_json_set_int(struct cli_json *object, const char *key, int64_t value);
void cli_json_set_bool(struct cli_json *object, const char *key, bool value);
void cli_json_set_hex(struct cli_json *object, const char *key, uint64_t value); /* "0x2a", for raw fields */
void cli_json_set_null(struct cli_json *object, const char *key);
void cli_json_set(struct cli_json *object, const char *key, struct cli_json *taken); /* takes it, in every case */

/* Elements of an array. */
void cli_json_add_string(struct cli_json *array, const char *text);
void cli_json_add(struct cli_json *array, struct cli_json *taken); /* takes it, in every case */

/*
 * Strings may hold any bytes: what is no UTF-8 is put in as the text \xNN (escape.h), so the output is always
 * valid. What a terminal should not get is printed as \uXXXX.
 */

/* {"dmsnap":{"schema":1,"program":...,"version":...}}: every document and every stream begins with it. */
struct cli_json *cli_json_document(const char *program, const char *version);

/*
 * Sets "exit_status" as the last member, prints the document on several lines and flushes. Takes the document, in
 * every case. SNAP_E_NOMEM, or SNAP_E_IO where `out` cannot be written.
 */
enum snap_status cli_json_finish(struct cli_json *taken, int exit_status, FILE *out, struct snap_error *err);

/*
 * For a document with an array that is too long to be kept: prints it at once up to the first element of its last
 * member, the array `key`. Then each element on a line, and at last what stands behind the array, with "exit_status"
 * at the end. Together they are one document. Each takes its value, in every case; failures as above.
 */
enum snap_status cli_json_begin_array(struct cli_json *taken, const char *key, FILE *out, struct snap_error *err);
enum snap_status cli_json_element(struct cli_json *taken, bool first, FILE *out, struct snap_error *err);
enum snap_status cli_json_end_array(struct cli_json *taken, int exit_status, FILE *out, struct snap_error *err);

/*
 * Prints one value on one line, for streams (long lists, progress): first line the bare cli_json_document, then
 * one object per row, last line {"exit_status":N}. Takes the value, in every case. Flushes nothing. Failures as
 * above.
 */
enum snap_status cli_json_line(struct cli_json *taken, FILE *out, struct snap_error *err);

#endif
