/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the boundaries of UTF-8 sequences. */
#include "lib/base/text.h"

#include <stdint.h>
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
