/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads recipes, line by line, and writes the verbs of image.h. */
#include "tests/fuzz/seeds.h"

#include "tests/fuzz/image.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED_BYTES_MAX 1024u
#define CHOICES 32u /* zeros behind the store, so that a change of one byte there is a choice of the harness */

struct seed {
    uint8_t bytes[SEED_BYTES_MAX];
    size_t length;
    bool shrinks;        /* from areas of 256 entries to areas of 32 */
    bool shrinks_origin;
    uint64_t chunk_log;
    uint64_t cow_chunks, cow_tail_bytes, origin_sectors;
    uint8_t lines[SEED_BYTES_MAX];
    size_t lines_length;
};

static void put(uint8_t *bytes, size_t *length, uint8_t byte)
{
    FUZZ_PROMISE(*length < SEED_BYTES_MAX, "a seed is larger than %u bytes", SEED_BYTES_MAX);
    bytes[(*length)++] = byte;
}

static void put_number(uint8_t *bytes, size_t *length, uint64_t value)
{
    const unsigned count = value < 0xf0 ? 0 : value <= UINT16_MAX ? 1 : value <= UINT32_MAX ? 2 : 3;

    put(bytes, length, count == 0 ? (uint8_t)value : (uint8_t)(0xef + count));
    for (unsigned i = 0; count > 0 && i < 1u << count; i++)
        put(bytes, length, (uint8_t)(value >> (8 * i)));
}

static void line(struct seed *seed, enum image_verb verb, unsigned count, const uint64_t *number)
{
    put(seed->lines, &seed->lines_length, (uint8_t)verb);
    for (unsigned i = 0; i < count; i++)
        put_number(seed->lines, &seed->lines_length, number[i]);
}

/* An index of the list, a chunk of the COW and one of the origin, in a store with smaller areas. */
static uint64_t index_of(const struct seed *seed, uint64_t index)
{
    const uint64_t slot = index % 256;

    return seed->shrinks ? index / 256 * 32 + (slot < 32 ? slot : 31) : index;
}

static uint64_t cow_chunk_of(const struct seed *seed, uint64_t chunk)
{
    const uint64_t behind = chunk == 0 ? 0 : (chunk - 1) % 257;

    if (!seed->shrinks || chunk < 2 || chunk > UINT32_MAX)
        return chunk;
    return 1 + (chunk - 1) / 257 * 33 + (behind < 33 ? behind : 32);
}

/* The long lists have every third chunk of a large origin, from the second on. */
static uint64_t origin_chunk_of(const struct seed *seed, uint64_t chunk)
{
    if (!seed->shrinks_origin || chunk == 0 || chunk > UINT32_MAX)
        return chunk;
    return 1 + 3 * index_of(seed, (chunk - 1) / 3) + (chunk - 1) % 3;
}

static uint64_t value_of(char *const *words, const char *name, uint64_t missing)
{
    const size_t length = strlen(name);

    for (; *words; words++)
        if (strncmp(*words, name, length) == 0 && (*words)[length] == '=')
            return strtoull(*words + length + 1, NULL, 0);
    return missing;
}

/* The step of "old=BASE+STEP*i". */
static uint64_t step_of(char *const *words)
{
    for (; *words; words++)
        if (strncmp(*words, "old=", 4) == 0 && strchr(*words, '+'))
            return strtoull(strchr(*words, '+') + 1, NULL, 0);
    return 0;
}

static bool has(char *const *words, const char *word)
{
    for (; *words; words++)
        if (strcmp(*words, word) == 0)
            return true;
    return false;
}

static void take_words(struct seed *seed, char *const *words, uint64_t first, uint64_t second)
{
    const char *verb = words[0];
    const uint64_t new_chunk = value_of(words, "new", 0);

    if (strcmp(verb, "chunk_sectors") == 0) {
        seed->shrinks = first == 8;
        seed->chunk_log = first == 8 ? 0 : first == 4 ? 2 : first == 2;
    } else if (strcmp(verb, "cow_chunks") == 0) {
        seed->cow_chunks = cow_chunk_of(seed, first);
    } else if (strcmp(verb, "cow_bytes") == 0) {
        seed->cow_chunks = cow_chunk_of(seed, first >> (seed->shrinks ? 12 : 9));
        seed->cow_tail_bytes = first % 512;
    } else if (strcmp(verb, "origin_sectors") == 0) {
        seed->origin_sectors = seed->shrinks ? first / 8 : first;
        seed->shrinks_origin = seed->origin_sectors > IMAGE_ORIGIN_BYTES_MAX / 512;
        if (seed->shrinks_origin)
            seed->origin_sectors = 320;
    } else if (strcmp(verb, "fill_cow") == 0) {
        line(seed, IMAGE_FILL, 1, (uint64_t[]){first & 0xef});
    } else if (strcmp(verb, "cut") == 0) {
        line(seed, IMAGE_CUT, 1, (uint64_t[]){index_of(seed, first)});
    } else if (strcmp(verb, "clear_area") == 0) {
        line(seed, IMAGE_CLEAR, 1, &first);
    } else if (strcmp(verb, "entry") == 0) {
        line(seed, IMAGE_ENTRY, 4,
             (uint64_t[]){index_of(seed, first), origin_chunk_of(seed, value_of(words, "old", 0)),
                          cow_chunk_of(seed, new_chunk), has(words, "data=origin")});
    } else if (strcmp(verb, "entries") == 0) {
        line(seed, IMAGE_CUT, 1, (uint64_t[]){index_of(seed, first)});
        line(seed, IMAGE_ENTRIES, 3,
             (uint64_t[]){index_of(seed, first + second) - index_of(seed, first),
                          origin_chunk_of(seed, value_of(words, "old", 0)), step_of(words)});
    } else if (strcmp(verb, "raw") == 0) {
        line(seed, IMAGE_RAW, 4,
             (uint64_t[]){first, index_of(seed, second), origin_chunk_of(seed, value_of(words, "old", 0)),
                          cow_chunk_of(seed, new_chunk)});
    } else if (strcmp(verb, "header") == 0) {
        line(seed, IMAGE_HEADER, 4,
             (uint64_t[]){value_of(words, "magic", IMAGE_RIGHT), value_of(words, "valid", IMAGE_RIGHT),
                          value_of(words, "version", IMAGE_RIGHT), value_of(words, "chunk", IMAGE_RIGHT)});
    } else if (strcmp(verb, "text") == 0) {
        line(seed, IMAGE_BYTES, 2, (uint64_t[]){0, strlen(words[1])});
        for (const char *letter = words[1]; *letter; letter++)
            put(seed->lines, &seed->lines_length, (uint8_t)*letter);
    }
}

static void take_recipe(struct seed *seed, FILE *file)
{
    char text[512];

    while (fgets(text, sizeof text, file)) {
        char *words[9] = {NULL}, *rest = NULL;
        unsigned count = 0;

        text[strcspn(text, "#\n")] = '\0';
        for (char *word = strtok_r(text, " \t", &rest); word && count < 8; word = strtok_r(NULL, " \t", &rest))
            words[count++] = word;
        if (count > 0)
            take_words(seed, words, words[1] ? strtoull(words[1], NULL, 0) : 0,
                       count > 2 ? strtoull(words[2], NULL, 0) : 0);
    }
}

static void finish(struct seed *seed)
{
    put(seed->bytes, &seed->length, (uint8_t)seed->chunk_log);
    put_number(seed->bytes, &seed->length, seed->cow_chunks);
    put_number(seed->bytes, &seed->length, seed->cow_tail_bytes);
    put_number(seed->bytes, &seed->length, seed->origin_sectors);
    for (size_t i = 0; i < seed->lines_length; i++)
        put(seed->bytes, &seed->length, seed->lines[i]);
    for (unsigned i = 0; i <= CHOICES; i++)
        put(seed->bytes, &seed->length, 0); /* the first is IMAGE_END */
}

void seeds_read(const char *folder, void (*add)(const uint8_t *bytes, size_t length))
{
    char pattern[4096];
    glob_t found;

    (void)snprintf(pattern, sizeof pattern, "%s/*.recipe", folder);
    FUZZ_PROMISE(glob(pattern, 0, NULL, &found) == 0, "%s: no recipe", pattern);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct seed seed = {.length = 0};
        FILE *file = fopen(found.gl_pathv[i], "re");

        FUZZ_PROMISE(file, "%s: cannot be read", found.gl_pathv[i]);
        take_recipe(&seed, file);
        (void)fclose(file); /* was only read */
        finish(&seed);
        add(seed.bytes, seed.length);
    }
    globfree(&found);
}
