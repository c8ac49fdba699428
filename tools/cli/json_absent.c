/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON in a build without json-c: there is none. The options that ask for it are refused before anything is done. */
#include "tools/cli/json.h"

const char *cli_json_lacks(void)
{
    return "json-c";
}

struct cli_json *cli_json_object(void)
{
    return NULL;
}

struct cli_json *cli_json_array(void)
{
    return NULL;
}

void cli_json_free(struct cli_json *json)
{
    (void)json;
}

void cli_json_set_string(struct cli_json *object, const char *key, const char *text)
{
    (void)object;
    (void)key;
    (void)text;
}

void cli_json_set_uint(struct cli_json *object, const char *key, uint64_t value)
{
    (void)object;
    (void)key;
    (void)value;
}

void cli_json_set_int(struct cli_json *object, const char *key, int64_t value)
{
    (void)object;
    (void)key;
    (void)value;
}

void cli_json_set_bool(struct cli_json *object, const char *key, bool value)
{
    (void)object;
    (void)key;
    (void)value;
}

void cli_json_set_hex(struct cli_json *object, const char *key, uint64_t value)
{
    (void)object;
    (void)key;
    (void)value;
}

void cli_json_set_null(struct cli_json *object, const char *key)
{
    (void)object;
    (void)key;
}

void cli_json_set(struct cli_json *object, const char *key, struct cli_json *taken)
{
    (void)object;
    (void)key;
    (void)taken;
}

void cli_json_add_string(struct cli_json *array, const char *text)
{
    (void)array;
    (void)text;
}

void cli_json_add(struct cli_json *array, struct cli_json *taken)
{
    (void)array;
    (void)taken;
}

struct cli_json *cli_json_document(const char *program, const char *version)
{
    (void)program;
    (void)version;
    return NULL;
}

enum snap_status cli_json_finish(struct cli_json *taken, int exit_status, FILE *out, struct snap_error *err)
{
    (void)exit_status;
    return cli_json_line(taken, out, err);
}

enum snap_status cli_json_begin_array(struct cli_json *taken, const char *key, FILE *out, struct snap_error *err)
{
    (void)key;
    return cli_json_line(taken, out, err);
}

enum snap_status cli_json_element(struct cli_json *taken, bool first, FILE *out, struct snap_error *err)
{
    (void)first;
    return cli_json_line(taken, out, err);
}

enum snap_status cli_json_end_array(struct cli_json *taken, int exit_status, FILE *out, struct snap_error *err)
{
    return cli_json_finish(taken, exit_status, out, err);
}

enum snap_status cli_json_line(struct cli_json *taken, FILE *out, struct snap_error *err)
{
    (void)taken;
    (void)out;
    return snap_fail(err, SNAP_E_UNSUPPORTED, "this build lacks %s", cli_json_lacks());
}
