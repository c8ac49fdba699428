/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes bytes from a device or a command line harmless for a terminal or for JSON. */
#include "tools/cli/escape.h"

#include "lib/base/arith.h"

#include <langinfo.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

/*
 * Length of the UTF-8 sequence at `bytes` (1..4) with its code point in *code; 0 where there is none: a stray or
 * missing continuation, an overlong form, a surrogate, beyond U+10FFFF.
 */
static size_t decode(const unsigned char *bytes, size_t length, uint32_t *code)
{
    static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t count;
    uint32_t value;

    if (bytes[0] < 0x80) {
        *code = bytes[0];
        return 1;
    }
    if (bytes[0] >= 0xc2 && bytes[0] <= 0xdf)
        count = 2;
    else if (bytes[0] >= 0xe0 && bytes[0] <= 0xef)
        count = 3;
    else if (bytes[0] >= 0xf0 && bytes[0] <= 0xf4)
        count = 4;
    else
        return 0;
    if (count > length)
        return 0;
    value = bytes[0] & (0x7fu >> count);
    for (size_t i = 1; i < count; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (bytes[i] & 0x3fu);
    }
    if (value < smallest[count] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    *code = value;
    return count;
}

/*
 * What could move the cursor, start a sequence, end a line, show text in another order than it is, or is not seen at
 * all, so that two different names look alike.
 */
static bool does_harm(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x0000, 0x001f}, {0x007f, 0x009f}, /* controls: C0, DEL, C1 */
        {0x00ad, 0x00ad}, {0x034f, 0x034f}, /* soft hyphen, grapheme joiner */
        {0x061c, 0x061c},                   /* Arabic letter mark */
        {0x115f, 0x1160}, {0x17b4, 0x17b5}, /* fillers, vowels that are not shown */
        {0x180b, 0x180f},                   /* Mongolian selectors and separator */
        {0x200b, 0x200f},                   /* no width, joiners, marks of direction */
        {0x2028, 0x202e},                   /* ends of lines, embeddings, overrides */
        {0x2060, 0x206f},                   /* invisible operators, isolates, what is deprecated */
        {0x3164, 0x3164}, {0xfe00, 0xfe0f}, /* filler; variation selectors */
        {0xfeff, 0xfeff}, {0xffa0, 0xffa0}, /* byte order mark; filler */
        {0xfff9, 0xfffb},                   /* annotations between lines */
        {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, /* controls of shorthand and of music */
        {0xe0000, 0xe0fff},                 /* tags, more variation selectors */
    };

    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    return false;
}

static bool locale_is_utf8(void)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/*
 * A byte beyond ASCII in a locale with one byte for each character. Where characters have several bytes, but not those
 * of UTF-8, none is printed: a backslash can be the second byte of one.
 */
static bool byte_is_printable(unsigned char byte)
{
    const wint_t code = MB_CUR_MAX == 1 ? btowc(byte) : WEOF;

    return code != WEOF && iswprint(code) && !does_harm((uint32_t)code);
}

/* A backslash with which the text would look like something that was escaped. Then it is escaped itself. */
static bool looks_escaped(const unsigned char *bytes, size_t length)
{
    static const char digits[] = "0123456789ABCDEF";

    return length >= 4 && bytes[1] == 'x' && bytes[2] && strchr(digits, bytes[2]) && bytes[3] &&
           strchr(digits, bytes[3]);
}

/*
 * How many bytes at `bytes` are shown as they are, with what is escaped instead in *escape_bytes: one of the two is 0.
 */
static size_t harmless_bytes(const unsigned char *bytes, size_t length, enum cli_escape_for purpose, bool utf8,
                             size_t *escape_bytes)
{
    uint32_t code = 0;
    const size_t count = decode(bytes, length, &code);
    bool keep = count > 0 && code != 0;

    if (purpose == CLI_ESCAPE_TERMINAL && bytes[0] >= 0x80 && !utf8) {
        *escape_bytes = byte_is_printable(bytes[0]) ? 0 : 1;
        return 1 - *escape_bytes;
    }
    if (purpose == CLI_ESCAPE_TERMINAL && does_harm(code))
        keep = false;
    if (code == '\\' && looks_escaped(bytes, length))
        keep = false;
    *escape_bytes = keep ? 0 : count > 0 ? count : 1;
    return keep ? count : 0;
}

static char *put_hex(char *at, unsigned char byte)
{
    static const char digits[] = "0123456789ABCDEF";

    *at++ = '\\';
    *at++ = 'x';
    *at++ = digits[byte >> 4];
    *at++ = digits[byte & 0xf];
    return at;
}

char *cli_escape(const char *bytes, size_t length, enum cli_escape_for purpose)
{
    const unsigned char *in = (const unsigned char *)bytes;
    const bool utf8 = locale_is_utf8();
    uint64_t room;
    char *out, *at;

    if (!snap_mul(length, 4, &room) || !snap_add(room, 1, &room) || room > SIZE_MAX)
        return NULL;
    out = malloc((size_t)room);
    if (!out)
        return NULL;
    at = out;
    while (length > 0) {
        size_t escape_bytes;
        const size_t keep_bytes = harmless_bytes(in, length, purpose, utf8, &escape_bytes);

        memcpy(at, in, keep_bytes);
        at += keep_bytes;
        for (size_t i = 0; i < escape_bytes; i++)
            at = put_hex(at, in[i]);
        in += keep_bytes + escape_bytes;
        length -= keep_bytes + escape_bytes;
    }
    *at = '\0';
    return out;
}

/* \uXXXX, or two of them for what is beyond 16 bits. */
static char *put_json_escape(char *at, uint32_t code)
{
    if (code > 0xffff) {
        at += sprintf(at, "\\u%04x", 0xd800 + ((unsigned)(code - 0x10000) >> 10));
        code = 0xdc00 + ((code - 0x10000) & 0x3ff);
    }
    return at + sprintf(at, "\\u%04x", (unsigned)code);
}

char *cli_escape_json_text(const char *json, size_t length)
{
    const unsigned char *in = (const unsigned char *)json;
    const bool utf8 = locale_is_utf8();
    uint64_t room;
    char *out, *at;

    if (!snap_mul(length, 6, &room) || !snap_add(room, 1, &room) || room > SIZE_MAX)
        return NULL;
    out = malloc((size_t)room);
    if (!out)
        return NULL;
    at = out;
    while (length > 0) {
        uint32_t code = 0;
        size_t count = decode(in, length, &code);

        if (count == 0)
            count = 1; /* no JSON: cli_escape has been over each string */
        if (code == 0x7f || (code > 0x7f && (!utf8 || does_harm(code)))) {
            at = put_json_escape(at, code);
        } else {
            memcpy(at, in, count);
            at += count;
        }
        in += count;
        length -= count;
    }
    *at = '\0';
    return out;
}
