/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a fuzz harness defines, and what all of them use: an input of bytes that are choices, and promises. */
#ifndef DMSNAP_TEST_FUZZ_FUZZ_H
#define DMSNAP_TEST_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Each harness is one source that defines these two. It runs in a process with others of its own kind only, keeps
 * nothing from one input to the next, and returns 0. The name is libFuzzer's; without it replay.c calls it.
 */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);
extern const struct fuzz_harness {
    const char *name;     /* also of the folder with its corpus */
    bool takes_stores;    /* an input begins with a store (image.h): the recipes of tests/images are seeds */
    const char *const *texts; /* seeds that are texts, NULL behind the last; NULL: none */
} fuzz_harness;

/* Says which promise is broken, where, and ends the program the way a fuzzer notices. */
void fuzz_broken(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4), noreturn));
#define FUZZ_PROMISE(condition, ...) \
    do { \
        if (!(condition)) \
            fuzz_broken(__FILE__, __LINE__, __VA_ARGS__); \
    } while (0)

/*
 * Choices that are left. Behind the end all choices are 0, which every harness takes for its plainest case. Take one
 * choice in one expression: with two, it would be up to the compiler which comes first.
 */
struct fuzz_input {
    const uint8_t *bytes;
    size_t left;
};

uint8_t fuzz_byte(struct fuzz_input *input);

/*
 * One byte below 0xf0 is the number itself; 0xf0, 0xf1, 0xf2 stand before two, four, eight bytes, little endian; 0xf3
 * and above each stand for a number at which arithmetic likes to go wrong.
 */
uint64_t fuzz_number(struct fuzz_input *input);

/* A number below `limit`, which is not 0. */
uint64_t fuzz_below(struct fuzz_input *input, uint64_t limit);

/* The same; half of the choices are whole sectors. */
uint64_t fuzz_bytes_below(struct fuzz_input *input, uint64_t limit);

/* True with the lowest bit of the next byte. */
bool fuzz_flag(struct fuzz_input *input);

/* Random numbers that depend on the seed alone (splitmix64): for choices that are too many to be in the input. */
struct fuzz_random {
    uint64_t state;
};
uint64_t fuzz_random(struct fuzz_random *random);

/* A folder of this process for files, on tmpfs where there is one; made at first use, removed at the end. */
const char *fuzz_folder(void);

/* calloc that ends the program where memory is short. */
void *fuzz_calloc(size_t count, size_t size_bytes);

#endif
