/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of the text harness that is about files. */
#ifndef DMSNAP_TEST_FUZZ_TEXT_FILES_H
#define DMSNAP_TEST_FUZZ_TEXT_FILES_H

#include "tests/fuzz/fuzz.h"

#define TEXT_BYTES_MAX 8192u

/* A text of the input, with a NUL behind it. */
struct text {
    char bytes[TEXT_BYTES_MAX + 1];
    size_t length;
};

/* Each is one kind of text, held against its promises. */
void text_read_checkpoint(struct text *text); /* a right checksum is added behind a last line */
void text_write_checkpoint(struct fuzz_input *input);
void text_replace(const struct text *text, struct fuzz_input *input);
void text_read_system(const struct text *text, struct fuzz_input *input);

#endif
