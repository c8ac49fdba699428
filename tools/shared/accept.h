/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of --accept: each waives one refusal, the same one in all programs. */
#ifndef DMSNAP_TOOLS_SHARED_ACCEPT
#define DMSNAP_TOOLS_SHARED_ACCEPT

#include "tools/cli/size.h"

#include <stdbool.h>

/* The bits of a list option with the words below. Those of a view that is written elsewhere come first. */
enum accept {
    ACCEPT_IDENTITY,
    ACCEPT_CUT,
    ACCEPT_OUTPUT_SIGNATURE,
    ACCEPT_SPACE,
    ACCEPT_INVALID,
    ACCEPT_ORIGIN_SIZE,
    ACCEPT_UNDO,
    ACCEPT_PARENT,
    ACCEPT_SIBLINGS,
    ACCEPT_IN_USE
};

/* For the table of options of a program that has all of them, and of one that writes a view; they end with NULL. */
extern const char *const accept_words[];
extern const char *const accept_words_of_output[];

bool accept_has(unsigned accept, enum accept word);

/* "identity,cut": the words for bits of enum accept. */
struct cli_text accept_text(unsigned accept);

#endif
