/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Choices, promises and a folder: what all harnesses use, with libFuzzer and without. */
#include "tests/fuzz/fuzz.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

void fuzz_broken(const char *file, int line, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "%s: broken promise (%s:%d): ", fuzz_harness.name, file, line);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    abort();
}

uint8_t fuzz_byte(struct fuzz_input *input)
{
    if (input->left == 0)
        return 0;
    input->left--;
    return *input->bytes++;
}

uint64_t fuzz_number(struct fuzz_input *input)
{
    static const uint64_t edges[] = {
        UINT64_MAX, UINT64_MAX - 1, UINT64_MAX / 2, UINT64_MAX / 2 + 1, UINT64_MAX / 512, UINT64_MAX / 16,
        UINT64_C(1) << 56, (UINT64_C(1) << 56) + 2, UINT64_C(1) << 55, UINT64_C(1) << 32, UINT32_MAX, 4096, 512,
    };
    const uint8_t first = fuzz_byte(input);
    uint64_t value = 0;

    if (first < 0xf0)
        return first;
    if (first >= 0xf3)
        return edges[first - 0xf3];
    for (unsigned i = 0; i < 2u << (first - 0xf0); i++)
        value |= (uint64_t)fuzz_byte(input) << (8 * i);
    return value;
}

uint64_t fuzz_below(struct fuzz_input *input, uint64_t limit)
{
    return fuzz_number(input) % limit;
}

uint64_t fuzz_bytes_below(struct fuzz_input *input, uint64_t limit)
{
    const uint64_t number = fuzz_number(input);

    return (fuzz_flag(input) ? number * 512 : number) % limit;
}

bool fuzz_flag(struct fuzz_input *input)
{
    return fuzz_byte(input) & 1;
}

uint64_t fuzz_random(struct fuzz_random *random)
{
    uint64_t mixed = random->state += UINT64_C(0x9e3779b97f4a7c15);

    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

void *fuzz_calloc(size_t count, size_t size_bytes)
{
    void *memory = calloc(count ? count : 1, size_bytes ? size_bytes : 1);

    FUZZ_PROMISE(memory, "out of memory in the harness");
    return memory;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *place)
{
    (void)st;
    (void)type;
    (void)place;
    return remove(path);
}

static void remove_folder(void)
{
    (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_folder(void)
{
    if (folder[0])
        return folder;
    (void)snprintf(folder, sizeof folder, "/dev/shm/dmsnap-fuzz-XXXXXX");
    if (!mkdtemp(folder)) {
        (void)snprintf(folder, sizeof folder, "/tmp/dmsnap-fuzz-XXXXXX");
        FUZZ_PROMISE(mkdtemp(folder), "no folder for files can be made");
    }
    (void)atexit(remove_folder);
    return folder;
}
