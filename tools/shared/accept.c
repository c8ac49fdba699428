/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From bits to words. */
#include "tools/shared/accept.h"

#include <stdio.h>
#include <string.h>

#define WORDS_OF_OUTPUT \
    [ACCEPT_IDENTITY] = "identity", [ACCEPT_CUT] = "cut", [ACCEPT_OUTPUT_SIGNATURE] = "output-signature", \
    [ACCEPT_SPACE] = "space", [ACCEPT_INVALID] = "invalid", [ACCEPT_ORIGIN_SIZE] = "origin-size"

const char *const accept_words_of_output[] = {WORDS_OF_OUTPUT, NULL};

const char *const accept_words[] = {
    WORDS_OF_OUTPUT,
    [ACCEPT_UNDO] = "undo",
    [ACCEPT_PARENT] = "parent",
    [ACCEPT_SIBLINGS] = "siblings",
    [ACCEPT_IN_USE] = "in-use",
    NULL,
};

bool accept_has(unsigned accept, enum accept word)
{
    return (accept & 1u << word) != 0;
}

struct cli_text accept_text(unsigned accept)
{
    struct cli_text list = {""};

    for (size_t i = 0; accept_words[i]; i++) {
        const size_t used = strlen(list.text);

        if ((accept & 1u << i) != 0)
            (void)snprintf(list.text + used, sizeof list.text - used, "%s%s", used ? "," : "", accept_words[i]);
    }
    return list;
}
