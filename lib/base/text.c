/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cuts texts at the boundaries of UTF-8 sequences, quotes them, and decodes names of /proc. */
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

void snap_text_cut_middle(char *text, size_t limit)
{
    const size_t length = strlen(text), kept = limit - 3;
    size_t head, tail;

    if (length <= limit)
        return;
    head = snap_text_prefix(text, kept / 2);
    tail = length - (kept - kept / 2);
    while (((uint8_t)text[tail] & 0xc0) == 0x80)
        tail++;
    memcpy(text + head, "...", 3);
    memmove(text + head + 3, text + tail, length - tail + 1);
}

const char *snap_text_quote(const char *text, char *out, size_t out_bytes)
{
    size_t used = 0;

    out[used++] = '"';
    for (; *text && used + 4 <= out_bytes; text++) {
        if (*text == '"' || *text == '\\')
            out[used++] = '\\';
        out[used++] = *text;
    }
    out[used++] = '"';
    out[used] = '\0';
    return out;
}

const char *snap_text_form(uint64_t count, const char *one, const char *many)
{
    return count == 1 ? one : many;
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
