/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs one of the four programs as a process, and keeps what it said. */
#ifndef DMSNAP_TEST_FUZZ_PROGRAM_H
#define DMSNAP_TEST_FUZZ_PROGRAM_H

#include "tests/fuzz/fuzz.h"

#define PROGRAM_WORDS_MAX 24u

struct program {
    const char *words[PROGRAM_WORDS_MAX + 1]; /* its name, then its arguments */
    unsigned count;
    int exit_status;          /* -1: a signal ended it */
    char *out, *err;          /* what it said; end with a NUL */
    size_t out_bytes, err_bytes;
};

/* `name` is one of build/tools. */
void program_start(struct program *program, const char *name);
void program_word(struct program *program, const char *word);

/*
 * Runs it to its end in the folder of this process, with nothing on standard input and no terminal. It must end by
 * itself, with an exit status of README.md, and say nothing that harms a terminal.
 */
void program_run(struct program *program);

bool program_said(const struct program *program, const char *words);

void program_free(struct program *program);

#endif
