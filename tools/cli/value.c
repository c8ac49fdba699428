/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Turns the argument of an option into its value. */
#include "tools/cli/value.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "tools/cli/size.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define JOINED_BYTES 256

/*
 * ---- words -----------------------------------------------------------------------------------------------------
 */

void cli_value_join_words(const char *const *words, char *out, size_t room)
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; words[i] && used < room; i++) {
        int count = snprintf(out + used, room - used, "%s%s", i > 0 ? ", " : "", words[i]);

        if (count < 0)
            return;
        used += (size_t)count;
    }
}

/* The place of the `length` bytes at `text` in the option's words. */
static enum snap_status find_word(const struct cli_option *option, const char *text, size_t length, unsigned *place,
                                  struct snap_error *err)
{
    const char *const *words = option->words;
    char joined[JOINED_BYTES];

    for (unsigned i = 0; words[i]; i++) {
        if (strlen(words[i]) == length &&
            (option->any_case ? strncasecmp(words[i], text, length) : strncmp(words[i], text, length)) == 0) {
            *place = i;
            return SNAP_OK;
        }
    }
    cli_value_join_words(words, joined, sizeof joined);
    return snap_fail(err, SNAP_E_USAGE, "'%.*s' is not one of %s", (int)length, text, joined);
}

static enum snap_status read_list(const struct cli_option *option, const char *text, struct snap_error *err)
{
    unsigned found = 0;

    for (;;) {
        const size_t length = strcspn(text, ",");
        unsigned place;
        enum snap_status status = find_word(option, text, length, &place, err);

        if (status != SNAP_OK)
            return status;
        found |= 1u << place;
        if (text[length] == '\0')
            break;
        text += length + 1;
    }
    *option->list |= found;
    return SNAP_OK;
}

/*
 * ---- values ----------------------------------------------------------------------------------------------------
 */

static enum snap_status read_size(const struct cli_option *option, const char *text, struct snap_error *err)
{
    uint64_t bytes;
    enum snap_status status;

    if (option->words && option->words[0] && strcmp(option->words[0], text) == 0) {
        *option->number = UINT64_MAX;
        return SNAP_OK;
    }
    status = cli_parse_size(text, &bytes, err);
    if (status != SNAP_OK)
        return status;
    if (bytes < option->minimum) {
        /* A count of sectors can only have been meant where it would have been enough. */
        const bool hint = bytes >= snap_div_up(option->minimum, SNAP_SECTOR_BYTES);

        return snap_fail(err, SNAP_E_USAGE, "%s is too small: it must be at least %s%s", text,
                         cli_size_text(option->minimum).text, hint ? cli_sector_hint(bytes).text : "");
    }
    *option->number = bytes;
    return SNAP_OK;
}

static enum snap_status read_seconds(const struct cli_option *option, const char *text, struct snap_error *err)
{
    uint64_t seconds;
    enum snap_status status = cli_parse_seconds(text, &seconds, err);

    if (status == SNAP_OK && seconds < option->minimum)
        return snap_fail(err, SNAP_E_USAGE, "%s is too small: it must be at least %llu", text,
                         (unsigned long long)option->minimum);
    if (status == SNAP_OK)
        *option->number = seconds;
    return status;
}

static enum snap_status read_word(const struct cli_option *option, const char *text, struct snap_error *err)
{
    unsigned place;
    enum snap_status status = find_word(option, text, strlen(text), &place, err);

    if (status == SNAP_OK)
        *option->word = (int)place;
    return status;
}

enum snap_status cli_value_read(const struct cli_option *option, const char *text, struct snap_error *err)
{
    if (option->kind != CLI_FLAG && (!text || *text == '\0'))
        return snap_fail(err, SNAP_E_USAGE, "the argument %s is empty", option->argument);
    switch (option->kind) {
    case CLI_FLAG:
        *option->flag = true;
        return SNAP_OK;
    case CLI_STRING:
        *option->string = text;
        return SNAP_OK;
    case CLI_STRINGS:
        option->strings->items[option->strings->count++] = text;
        return SNAP_OK;
    case CLI_SIZE:
        return read_size(option, text, err);
    case CLI_UINT:
        return cli_parse_uint(text, option->minimum, UINT64_MAX, option->number, err);
    case CLI_SECONDS:
        return read_seconds(option, text, err);
    case CLI_WORD:
        return read_word(option, text, err);
    case CLI_LIST:
        return read_list(option, text, err);
    }
    return snap_fail(err, SNAP_E_INTERNAL, "an option of kind %d", (int)option->kind);
}
