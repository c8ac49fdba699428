/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Builds and prints JSON; the only user of json-c. */
#include "tools/cli/json.h"

#include "tools/cli/escape.h"
#include "tools/cli/streams.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA 1

struct cli_json {
    struct json_object *value;
    bool failed; /* something that belongs in here could not be made */
};

/*
 * ---- making ----------------------------------------------------------------------------------------------------
 */

static struct cli_json *wrap(struct json_object *value)
{
    struct cli_json *json;

    if (!value)
        return NULL;
    json = calloc(1, sizeof *json);
    if (!json)
        json_object_put(value);
    else
        json->value = value;
    return json;
}

const char *cli_json_lacks(void)
{
    return NULL;
}

struct cli_json *cli_json_object(void)
{
    return wrap(json_object_new_object());
}

struct cli_json *cli_json_array(void)
{
    return wrap(json_object_new_array());
}

void cli_json_free(struct cli_json *json)
{
    if (!json)
        return;
    json_object_put(json->value);
    free(json);
}

/* NULL where memory is short; a NULL `bytes` is for the callers to sort out, since JSON's null is NULL too. */
static struct json_object *new_string(const char *bytes, size_t length)
{
    struct json_object *value = NULL;
    char *text = cli_escape(bytes, length, CLI_ESCAPE_JSON);

    if (text && strlen(text) <= INT_MAX)
        value = json_object_new_string(text);
    free(text);
    return value;
}

static struct json_object *new_hex(uint64_t number)
{
    char text[sizeof "0x" + 16];

    snprintf(text, sizeof text, "0x%" PRIx64, number);
    return json_object_new_string(text);
}

/*
 * ---- members and elements --------------------------------------------------------------------------------------
 */

/* Takes `value`; with `may_be_null` a NULL is JSON's null, else a failed allocation. */
static void put(struct cli_json *object, const char *key, struct json_object *value, bool may_be_null)
{
    if (!object) {
        json_object_put(value);
        return;
    }
    if (!value && !may_be_null) {
        object->failed = true;
        return;
    }
    if (json_object_object_add(object->value, key, value) != 0) {
        json_object_put(value);
        object->failed = true;
    }
}

static void append(struct cli_json *array, struct json_object *value)
{
    if (!array) {
        json_object_put(value);
        return;
    }
    if (!value || json_object_array_add(array->value, value) != 0) {
        json_object_put(value);
        array->failed = true;
    }
}

/* Takes a value apart into what json-c knows; its failure becomes the one of `into`. */
static struct json_object *unwrap(struct cli_json *into, struct cli_json *taken)
{
    struct json_object *value = NULL;

    if (taken) {
        if (into && taken->failed)
            into->failed = true;
        value = taken->value;
        free(taken);
    }
    return value;
}

void cli_json_set_string(struct cli_json *object, const char *key, const char *text)
{
    if (!text)
        cli_json_set_null(object, key);
    else
        put(object, key, new_string(text, strlen(text)), false);
}

void cli_json_set_uint(struct cli_json *object, const char *key, uint64_t value)
{
    put(object, key, json_object_new_uint64(value), false);
}

void cli_json_set_int(struct cli_json *object, const char *key, int64_t value)
{
    put(object, key, json_object_new_int64(value), false);
}

void cli_json_set_bool(struct cli_json *object, const char *key, bool value)
{
    put(object, key, json_object_new_boolean(value), false);
}

void cli_json_set_hex(struct cli_json *object, const char *key, uint64_t value)
{
    put(object, key, new_hex(value), false);
}

void cli_json_set_null(struct cli_json *object, const char *key)
{
    put(object, key, NULL, true);
}

void cli_json_set(struct cli_json *object, const char *key, struct cli_json *taken)
{
    put(object, key, unwrap(object, taken), false);
}

void cli_json_add_string(struct cli_json *array, const char *text)
{
    append(array, new_string(text, strlen(text)));
}

void cli_json_add(struct cli_json *array, struct cli_json *taken)
{
    append(array, unwrap(array, taken));
}

/*
 * ---- printing --------------------------------------------------------------------------------------------------
 */

struct cli_json *cli_json_document(const char *program, const char *version)
{
    struct cli_json *document = cli_json_object(), *frame = cli_json_object();

    cli_json_set_uint(frame, "schema", SCHEMA);
    cli_json_set_string(frame, "program", program);
    cli_json_set_string(frame, "version", version);
    cli_json_set(document, "dmsnap", frame);
    return document;
}

/* Without its first `from` and its last `less` bytes, between two texts. */
struct part {
    const char *before;
    size_t from, less;
    const char *behind;
};

static enum snap_status print(struct cli_json *taken, int style, const struct part *part, FILE *out,
                              struct snap_error *err)
{
    enum snap_status status = SNAP_OK;
    const char *raw = NULL;
    char *text = NULL;
    size_t length = 0;

    if (taken && !taken->failed)
        raw = json_object_to_json_string_length(taken->value, style | JSON_C_TO_STRING_NOSLASHESCAPE, &length);
    if (raw)
        text = cli_escape_json_text(raw + part->from, length - part->from - part->less);
    if (!text)
        status = snap_fail(err, SNAP_E_NOMEM, "out of memory for the JSON output");
    else if (fputs(part->before, out) == EOF || fputs(text, out) == EOF || fputs(part->behind, out) == EOF)
        status = cli_stream_fail(out, "the JSON output cannot be written", err);
    free(text);
    cli_json_free(taken);
    return status;
}

static enum snap_status flushed(enum snap_status status, FILE *out, struct snap_error *err)
{
    if (status == SNAP_OK && fflush(out) != 0)
        return cli_stream_fail(out, "the JSON output cannot be written", err);
    return status;
}

enum snap_status cli_json_finish(struct cli_json *taken, int exit_status, FILE *out, struct snap_error *err)
{
    static const struct part whole = {.before = "", .behind = "\n"};

    cli_json_set_int(taken, "exit_status", exit_status);
    return flushed(print(taken, JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_PRETTY, &whole, out, err), out, err);
}

enum snap_status cli_json_begin_array(struct cli_json *taken, const char *key, FILE *out, struct snap_error *err)
{
    static const struct part without_end = {.before = "", .less = sizeof "[]}" - 1, .behind = "[\n"};

    cli_json_set(taken, key, cli_json_array());
    return print(taken, JSON_C_TO_STRING_PLAIN, &without_end, out, err);
}

enum snap_status cli_json_element(struct cli_json *taken, bool first, FILE *out, struct snap_error *err)
{
    const struct part element = {.before = first ? "" : ",\n", .behind = ""};

    return print(taken, JSON_C_TO_STRING_PLAIN, &element, out, err);
}

enum snap_status cli_json_end_array(struct cli_json *taken, int exit_status, FILE *out, struct snap_error *err)
{
    static const struct part without_begin = {.before = "\n],", .from = sizeof "{" - 1, .behind = "\n"};

    cli_json_set_int(taken, "exit_status", exit_status);
    return flushed(print(taken, JSON_C_TO_STRING_PLAIN, &without_begin, out, err), out, err);
}

enum snap_status cli_json_line(struct cli_json *taken, FILE *out, struct snap_error *err)
{
    static const struct part whole = {.before = "", .behind = "\n"};

    return print(taken, JSON_C_TO_STRING_PLAIN, &whole, out, err);
}
