/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A reader of UTF-8 and a reader of JSON that say yes or no. */
#include "tests/fuzz/plain.h"

#include <stdint.h>
#include <string.h>

#define DEPTH_MAX 64u

/* The bytes of the character at `text`, 0 where there is none. */
static size_t character(const char *text, size_t length, uint32_t *code)
{
    const uint8_t *bytes = (const uint8_t *)text;
    const unsigned count = bytes[0] < 0x80 ? 1 : bytes[0] < 0xc0 ? 0 : bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3
                           : bytes[0] < 0xf8 ? 4 : 0;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};

    if (count == 0 || count > length)
        return 0;
    *code = count == 1 ? bytes[0] : bytes[0] & ((1u << (7 - count)) - 1);
    for (unsigned i = 1; i < count; i++) {
        if (bytes[i] >> 6 != 2)
            return 0;
        *code = *code << 6 | (bytes[i] & 63u);
    }
    return *code < least[count] || *code > 0x10ffff || (*code >> 11) == 0x1b ? 0 : count;
}

bool plain_is_harmless(const char *text, size_t length, size_t *at)
{
    size_t step;

    for (*at = 0; *at < length; *at += step) {
        uint32_t code = 0;

        step = character(text + *at, length - *at, &code);
        if (step == 0 || (code < 32 && code != '\n') || (code >= 127 && code < 160) ||
            (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
            code == 0x200e || code == 0x200f)
            return false;
    }
    return true;
}

struct reader {
    const char *at, *end;
    unsigned depth;
};

static void skip_blanks(struct reader *reader)
{
    while (reader->at < reader->end && memchr(" \t\r\n", *reader->at, 4))
        reader->at++;
}

static bool take(struct reader *reader, const char *word)
{
    const size_t length = strlen(word);

    if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, word, length) != 0)
        return false;
    reader->at += length;
    return true;
}

static bool is_digit(const struct reader *reader)
{
    return reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9';
}

static bool digits(struct reader *reader)
{
    if (!is_digit(reader))
        return false;
    while (is_digit(reader))
        reader->at++;
    return true;
}

static bool number(struct reader *reader)
{
    (void)take(reader, "-");
    if (!take(reader, "0") && !digits(reader))
        return false;
    if (take(reader, ".") && !digits(reader))
        return false;
    if (take(reader, "e") || take(reader, "E")) {
        if (!take(reader, "+"))
            (void)take(reader, "-");
        return digits(reader);
    }
    return true;
}

static bool string(struct reader *reader)
{
    if (!take(reader, "\""))
        return false;
    while (reader->at < reader->end && *reader->at != '"') {
        uint32_t code = 0;
        const size_t step = character(reader->at, (size_t)(reader->end - reader->at), &code);

        if (step == 0 || code < 32)
            return false;
        reader->at += step;
        if (code != '\\')
            continue;
        if (take(reader, "u")) {
            for (unsigned i = 0; i < 4; i++, reader->at++)
                if (reader->at == reader->end || !memchr("0123456789abcdefABCDEF", *reader->at, 22))
                    return false;
        } else if (reader->at == reader->end || !memchr("\"\\/bfnrt", *reader->at++, 8)) {
            return false;
        }
    }
    return take(reader, "\"");
}

static bool value(struct reader *reader);

/* What stands between brackets: values, with names in front of them in an object. */
static bool members(struct reader *reader, bool named, const char *end)
{
    if (++reader->depth > DEPTH_MAX)
        return false;
    skip_blanks(reader);
    if (!take(reader, end)) {
        do {
            skip_blanks(reader);
            if (named && !string(reader))
                return false;
            skip_blanks(reader);
            if (named && !take(reader, ":"))
                return false;
            if (!value(reader))
                return false;
        } while (take(reader, ","));
        if (!take(reader, end))
            return false;
    }
    reader->depth--;
    return true;
}

static bool value(struct reader *reader)
{
    bool right;

    skip_blanks(reader);
    if (take(reader, "{"))
        right = members(reader, true, "}");
    else if (take(reader, "["))
        right = members(reader, false, "]");
    else if (reader->at < reader->end && *reader->at == '"')
        right = string(reader);
    else
        right = take(reader, "true") || take(reader, "false") || take(reader, "null") || number(reader);
    skip_blanks(reader);
    return right;
}

bool plain_is_json(const char *text, size_t length)
{
    struct reader reader = {.at = text, .end = text + length};

    return value(&reader) && reader.at == reader.end;
}

bool plain_is_json_lines(const char *text, size_t length)
{
    while (length > 0) {
        const char *end = memchr(text, '\n', length);
        const size_t line = end ? (size_t)(end - text) : length;

        if (!plain_is_json(text, line))
            return false;
        text += line + (end != NULL);
        length -= line + (end != NULL);
    }
    return true;
}
