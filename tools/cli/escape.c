/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes bytes from a device or a command line harmless for a terminal or for JSON. */
#include "tools/cli/escape.h"

#include "lib/base/arith.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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

/* What could move the cursor, start a sequence, end a line, or show text in another order than it is. */
static bool harms_terminal(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x61c || code == 0x200e || code == 0x200f ||
           code == 0x2028 || code == 0x2029 || (code >= 0x202a && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069);
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
    uint64_t room;
    char *out, *at;

    if (!snap_mul(length, 4, &room) || !snap_add(room, 1, &room) || room > SIZE_MAX)
        return NULL;
    out = malloc((size_t)room);
    if (!out)
        return NULL;
    at = out;
    while (length > 0) {
        uint32_t code = 0;
        size_t count = decode(in, length, &code);
        bool keep = count > 0 && !(purpose == CLI_ESCAPE_TERMINAL && harms_terminal(code)) && code != 0;

        if (count == 0)
            count = 1;
        for (size_t i = 0; i < count; i++) {
            if (keep)
                *at++ = (char)in[i];
            else
                at = put_hex(at, in[i]);
        }
        in += count;
        length -= count;
    }
    *at = '\0';
    return out;
}
