/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A collection of states of two devices: keeps each different one once, and writes a selection of them to files. */
#include "tests/kernel/states.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void die(const char *path)
{
    perror(path);
    exit(2);
}

static void *resized(void *memory, size_t bytes)
{
    void *more = realloc(memory, bytes ? bytes : 1);

    if (!more)
        die("memory");
    return more;
}

uint8_t *states_read_file(const char *path, size_t *length_bytes)
{
    FILE *file = fopen(path, "rbe");
    uint8_t *bytes;
    long length;

    if (!file || fseek(file, 0, SEEK_END) != 0 || (length = ftell(file)) < 0 || fseek(file, 0, SEEK_SET) != 0)
        die(path);
    *length_bytes = (size_t)length;
    bytes = resized(NULL, *length_bytes);
    if (fread(bytes, 1, *length_bytes, file) != *length_bytes || fclose(file) != 0)
        die(path);
    return bytes;
}

static uint64_t hash_of(uint64_t hash, const uint8_t *bytes, size_t length_bytes)
{
    for (size_t i = 0; i < length_bytes; i += 8) {
        uint64_t word = 0;

        memcpy(&word, bytes + i, length_bytes - i < 8 ? length_bytes - i : 8);
        hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
        hash ^= hash >> 32;
    }
    return hash;
}

void states_add(struct states *states, const uint8_t *origin, const uint8_t *cow, const char *text)
{
    const uint64_t hash = hash_of(hash_of(UINT64_C(0xCBF29CE484222325), origin, states->origin_bytes), cow,
                                  states->cow_bytes);
    struct state *state;

    for (size_t i = 0; i < states->count; i++)
        if (states->state[i].hash == hash)
            return;
    states->state = resized(states->state, (states->count + 1) * sizeof(*states->state));
    state = &states->state[states->count++];
    state->hash = hash;
    state->bytes = resized(NULL, states->origin_bytes + states->cow_bytes);
    memcpy(state->bytes, origin, states->origin_bytes);
    memcpy(state->bytes + states->origin_bytes, cow, states->cow_bytes);
    (void)snprintf(state->text, sizeof(state->text), "%s", text);
}

static void write_file(const char *dir, size_t index, const char *suffix, const uint8_t *bytes, size_t length_bytes)
{
    char path[4096];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s.%zu.%s", dir, index, suffix);
    file = fopen(path, "wbe");
    if (!file || fwrite(bytes, 1, length_bytes, file) != length_bytes || fclose(file) != 0)
        die(path);
}

void states_write(const struct states *states, const char *prefix, size_t max)
{
    const size_t wanted = max == 0 || max > states->count ? states->count : max;

    for (size_t i = 0; i < wanted; i++) {
        /* The first and the last are always among them. */
        size_t from = wanted == 1 ? states->count - 1 : i * (states->count - 1) / (wanted - 1);
        const struct state *state = &states->state[from];

        write_file(prefix, i + 1, "origin", state->bytes, states->origin_bytes);
        write_file(prefix, i + 1, "cow", state->bytes + states->origin_bytes, states->cow_bytes);
        if (printf("%zu %s\n", i + 1, state->text) < 0)
            die("standard output");
    }
}

void states_free(struct states *states)
{
    for (size_t i = 0; i < states->count; i++)
        free(states->state[i].bytes);
    free(states->state);
}
