/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the boundaries of UTF-8 sequences, and decodes names of /proc. */
#include "lib/base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

size_t snap_text_prefix(const char *text, size_t limit)
{
    size_t length = strnlen(text, limit + 1);

    if (length <= limit)
        return length;
    length = limit;
    while (length > 0 && ((uint8_t)text[length] & 0xc0) == 0x80)
        length--;
    return length;
}

void snap_text_decode_octal(char *name)
{
    char *out = name;

    for (const char *in = name; *in; out++) {
        unsigned value;

        if (in[0] == '\\' && strspn(in + 1, "01234567") >= 3 && sscanf(in + 1, "%3o", &value) == 1) {
            *out = (char)value;
            in += 4;
        } else {
            *out = *in++;
        }
    }
    *out = '\0';
}
