/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes the images that a text recipe describes; shares no code with lib/, so neither hides the other's error. */
#include "tests/images/record.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECTOR_BYTES 512u
#define WORDS_MAX 8
#define ENTRIES_MAX 100000u

struct image {
    const char *path;
    int fd;
    uint64_t size_bytes;
};

struct live_entry {
    uint64_t old_chunk;
    uint64_t new_chunk;
};

struct recipe {
    const char *path;
    unsigned line;
    struct image cow, origin;
    uint64_t chunk_sectors;
    bool last_wins; /* of several entries for one chunk, in the view */
    uint64_t live_count;
    struct live_entry *live; /* ENTRIES_MAX of them */
};

static void die(const struct recipe *recipe, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));

static void die(const struct recipe *recipe, const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "mkstore: %s:%u: ", recipe->path, recipe->line);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

/* ---- words --------------------------------------------------------------------------- */

static uint64_t number(const struct recipe *recipe, const char *text)
{
    char *end = NULL;
    uint64_t value = strtoull(text, &end, 0);

    if (*text == '\0' || *text == '-' || *end != '\0')
        die(recipe, "\"%s\" is no number", text);
    return value;
}

/* The text behind "name=" among the words; NULL where it is missing. */
static const char *value_of(char **words, const char *name)
{
    size_t length = strlen(name);

    for (; *words; words++)
        if (strncmp(*words, name, length) == 0 && (*words)[length] == '=')
            return *words + length + 1;
    return NULL;
}

static uint64_t number_of(const struct recipe *recipe, char **words, const char *name, uint64_t missing)
{
    const char *text = value_of(words, name);

    return text ? number(recipe, text) : missing;
}

/* "BASE" or "BASE+STEP*i" at this i. */
static uint64_t linear(const struct recipe *recipe, const char *text, uint64_t i)
{
    char base[64], step[64];

    if (!strchr(text, '+'))
        return number(recipe, text);
    if (sscanf(text, "%63[^+]+%63[^*]*i", base, step) != 2)
        die(recipe, "\"%s\" is not BASE+STEP*i", text);
    return number(recipe, base) + number(recipe, step) * i;
}

/* ---- bytes --------------------------------------------------------------------------- */

static void put_le(uint8_t *bytes, uint64_t value, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

static void write_at(const struct recipe *recipe, const struct image *image, uint64_t offset, const void *bytes,
                     size_t length)
{
    if (offset > image->size_bytes || length > image->size_bytes - offset)
        die(recipe, "%zu bytes at %llu do not fit %s", length, (unsigned long long)offset, image->path);
    if (pwrite(image->fd, bytes, length, (off_t)offset) != (ssize_t)length)
        die(recipe, "writing %s failed", image->path);
}

static void resize(const struct recipe *recipe, struct image *image, uint64_t size_bytes)
{
    image->size_bytes = size_bytes;
    if (ftruncate(image->fd, (off_t)size_bytes) != 0)
        die(recipe, "%s cannot have %llu bytes", image->path, (unsigned long long)size_bytes);
}

/*
 * What is in chunk `chunk` of the origin ('o'), or what the snapshot has in its place ('s'): each 8 bytes tell the
 * chunk, the place and the side, so that no two places look alike.
 */
static void pattern(uint8_t *bytes, size_t length, char side, uint64_t chunk, uint64_t offset)
{
    uint8_t word[8];

    for (size_t i = 0; i < length; i++, offset++) {
        put_le(word, (uint64_t)(uint8_t)side << 56 | (chunk & 0xffffffu) << 32 | (offset / 8), 8);
        bytes[i] = word[offset % 8];
    }
}

static void write_pattern(const struct recipe *recipe, const struct image *image, uint64_t at, char side,
                          uint64_t chunk)
{
    uint64_t chunk_bytes = recipe->chunk_sectors * SECTOR_BYTES;
    uint64_t length = at >= image->size_bytes ? 0 : image->size_bytes - at;
    uint8_t *bytes = malloc(chunk_bytes);

    if (!bytes)
        die(recipe, "out of memory");
    if (length > chunk_bytes)
        length = chunk_bytes;
    pattern(bytes, length, side, chunk, 0);
    write_at(recipe, image, at, bytes, length);
    free(bytes);
}

/* ---- the store ----------------------------------------------------------------------- */

static uint64_t entries_per_area(const struct recipe *recipe)
{
    if (recipe->chunk_sectors == 0)
        die(recipe, "chunk_sectors must come first");
    return recipe->chunk_sectors * SECTOR_BYTES / 16;
}

static uint64_t slot_offset(const struct recipe *recipe, uint64_t area, uint64_t slot)
{
    uint64_t per_area = entries_per_area(recipe);

    if (slot >= per_area)
        die(recipe, "an area has %llu slots only", (unsigned long long)per_area);
    return (1 + (per_area + 1) * area) * recipe->chunk_sectors * SECTOR_BYTES + 16 * slot;
}

static uint64_t canonical_chunk(const struct recipe *recipe, uint64_t index)
{
    return 2 + index + index / entries_per_area(recipe);
}

static void put_slot(const struct recipe *recipe, uint64_t area, uint64_t slot, uint64_t old_chunk,
                     uint64_t new_chunk)
{
    uint8_t bytes[16];

    put_le(bytes, old_chunk, 8);
    put_le(bytes + 8, new_chunk, 8);
    write_at(recipe, &recipe->cow, slot_offset(recipe, area, slot), bytes, sizeof(bytes));
}

/* COW data of an entry, where its chunk is a whole data chunk of the device. */
static void put_data(const struct recipe *recipe, uint64_t old_chunk, uint64_t new_chunk, const char *like)
{
    uint64_t cow_chunks = recipe->cow.size_bytes / SECTOR_BYTES / recipe->chunk_sectors;
    char side = like && strcmp(like, "snapshot") != 0 ? *like : 's';

    if (side != 's' && strcmp(like, "origin") != 0 && strcmp(like, "other") != 0)
        die(recipe, "data=origin, data=other or data=snapshot");
    if (new_chunk < 2 || new_chunk >= cow_chunks || new_chunk % (entries_per_area(recipe) + 1) == 1)
        return;
    write_pattern(recipe, &recipe->cow, new_chunk * recipe->chunk_sectors * SECTOR_BYTES, side, old_chunk);
}

static void do_entry(struct recipe *recipe, uint64_t index, uint64_t i, char **words)
{
    const char *old_text = value_of(words, "old"), *new_text = value_of(words, "new");
    uint64_t per_area = entries_per_area(recipe), old_chunk, new_chunk;

    if (!old_text || index >= ENTRIES_MAX)
        die(recipe, "an entry needs old=, and an index below %u", ENTRIES_MAX);
    old_chunk = linear(recipe, old_text, i);
    new_chunk = new_text ? linear(recipe, new_text, i) : canonical_chunk(recipe, index);
    put_slot(recipe, index / per_area, index % per_area, old_chunk, new_chunk);
    if (!value_of(words, "data") || strcmp(value_of(words, "data"), "none") != 0)
        put_data(recipe, old_chunk, new_chunk, value_of(words, "data"));
    recipe->live[index].old_chunk = old_chunk;
    recipe->live[index].new_chunk = new_chunk;
    if (index >= recipe->live_count)
        recipe->live_count = index + 1;
}

static void do_header(const struct recipe *recipe, char **words)
{
    uint8_t bytes[16];

    put_le(bytes, number_of(recipe, words, "magic", 0x70416e53u), 4);
    put_le(bytes + 4, number_of(recipe, words, "valid", 1), 4);
    put_le(bytes + 8, number_of(recipe, words, "version", 1), 4);
    put_le(bytes + 12, number_of(recipe, words, "chunk", recipe->chunk_sectors), 4);
    write_at(recipe, &recipe->cow, 0, bytes, sizeof(bytes));
}

/* A sector of the COW with one bit of it flipped, if flip= names a byte of the device. */
static void put_sector(const struct recipe *recipe, uint64_t at, uint64_t from, uint8_t sector[SECTOR_BYTES],
                       char **words)
{
    const uint64_t flip = number_of(recipe, words, "flip", UINT64_MAX);

    if (flip != UINT64_MAX) {
        if (flip < at + from || flip >= at + SECTOR_BYTES)
            die(recipe, "byte %llu is not in it", (unsigned long long)flip);
        sector[flip - at] ^= 1;
    }
    write_at(recipe, &recipe->cow, at + from, sector + from, SECTOR_BYTES - from);
}

static void do_identity(const struct recipe *recipe, char **words)
{
    const struct record record = {
        .version = number_of(recipe, words, "version", 1),
        .length = number_of(recipe, words, "length", 480),
        .id = number_of(recipe, words, "id", 1),
        .origin_sectors = number_of(recipe, words, "origin", recipe->origin.size_bytes / SECTOR_BYTES),
        .chunk_sectors = number_of(recipe, words, "chunk", recipe->chunk_sectors),
        .flags = number_of(recipe, words, "flags", 0),
    };
    uint8_t sector[SECTOR_BYTES];

    record_put(sector, &record);
    put_sector(recipe, 0, 16, sector, words);
}

static void do_fingerprint(const struct recipe *recipe, char **words)
{
    const uint64_t blocks = recipe->origin.size_bytes / RECORD_BLOCK_BYTES;
    const struct fingerprint fingerprint = {
        .version = number_of(recipe, words, "version", 1),
        .samples = number_of(recipe, words, "samples", fingerprint_samples(blocks)),
        .id = number_of(recipe, words, "id", 1),
        .seed = number_of(recipe, words, "seed", 7),
        .origin_blocks = blocks,
        .origin_fd = recipe->origin.fd,
    };
    uint8_t sector[SECTOR_BYTES];

    if (!fingerprint_put(sector, &fingerprint))
        die(recipe, "reading %s failed", recipe->origin.path);
    put_sector(recipe, SECTOR_BYTES, 0, sector, words);
}

/* Ends the list at entry `count`: the rest of that entry's area becomes zero, later areas stay as they are. */
static void do_cut(struct recipe *recipe, uint64_t count)
{
    uint64_t per_area = entries_per_area(recipe);

    for (uint64_t slot = count % per_area; slot < per_area; slot++)
        put_slot(recipe, count / per_area, slot, 0, 0);
    recipe->live_count = count;
}

static void do_origin(struct recipe *recipe, uint64_t sectors)
{
    uint64_t per_chunk = recipe->chunk_sectors, chunks;

    entries_per_area(recipe);
    resize(recipe, &recipe->origin, sectors * SECTOR_BYTES);
    chunks = (sectors + per_chunk - 1) / per_chunk;
    for (uint64_t chunk = 0; chunk < chunks; chunk++)
        write_pattern(recipe, &recipe->origin, chunk * per_chunk * SECTOR_BYTES, 'o', chunk);
}

static void do_fill(const struct recipe *recipe, uint64_t byte)
{
    uint8_t bytes[SECTOR_BYTES];

    memset(bytes, (int)(byte & 0xff), sizeof(bytes));
    for (uint64_t at = 0; at < recipe->cow.size_bytes; at += sizeof(bytes)) {
        uint64_t rest = recipe->cow.size_bytes - at;

        write_at(recipe, &recipe->cow, at, bytes, rest < sizeof(bytes) ? (size_t)rest : sizeof(bytes));
    }
}

/* ---- the recipe ---------------------------------------------------------------------- */

static unsigned split(char *line, char *words[WORDS_MAX + 1])
{
    unsigned count = 0;
    char *rest = NULL;

    line[strcspn(line, "#\n")] = '\0';
    for (char *word = strtok_r(line, " \t", &rest); word && count < WORDS_MAX; word = strtok_r(NULL, " \t", &rest))
        words[count++] = word;
    words[count] = NULL;
    return count;
}

static void do_section(struct recipe *recipe, const char *kind, const char *name);

static void do_line(struct recipe *recipe, char **words, unsigned count)
{
    const char *verb = words[0];

    if (strcmp(verb, "expect") == 0 || strcmp(verb, "finding") == 0 || strcmp(verb, "mend") == 0 ||
        strcmp(verb, "copy") == 0 || strcmp(verb, "unreadable") == 0)
        return; /* for the tests */
    if (strcmp(verb, "header") == 0) {
        do_header(recipe, words + 1);
        return;
    }
    if (strcmp(verb, "identity") == 0) {
        do_identity(recipe, words + 1);
        return;
    }
    if (strcmp(verb, "fingerprint") == 0) {
        do_fingerprint(recipe, words + 1);
        return;
    }
    if (count < 2)
        die(recipe, "%s: a number is missing", verb);
    if (strcmp(verb, "text") == 0) {
        const uint64_t at = count > 2 ? number(recipe, words[2]) : 0;

        write_at(recipe, &recipe->cow, at, words[1], strlen(words[1]));
        return;
    }
    if (strcmp(verb, "view") == 0) {
        recipe->last_wins = strcmp(words[1], "last") == 0;
        return;
    }
    if (strcmp(verb, "like") == 0) {
        do_section(recipe, "base", words[1]);
        return;
    }

    uint64_t first = number(recipe, words[1]);

    if (strcmp(verb, "chunk_sectors") == 0) {
        recipe->chunk_sectors = first;
    } else if (strcmp(verb, "cow_chunks") == 0) {
        entries_per_area(recipe);
        resize(recipe, &recipe->cow, first * recipe->chunk_sectors * SECTOR_BYTES);
    } else if (strcmp(verb, "cow_bytes") == 0) {
        resize(recipe, &recipe->cow, first);
    } else if (strcmp(verb, "origin_sectors") == 0) {
        do_origin(recipe, first);
    } else if (strcmp(verb, "fill_cow") == 0) {
        do_fill(recipe, first);
    } else if (strcmp(verb, "cut") == 0) {
        do_cut(recipe, first);
    } else if (strcmp(verb, "entry") == 0) {
        do_entry(recipe, first, 0, words + 2);
    } else if (strcmp(verb, "entries") == 0 && count >= 3) {
        for (uint64_t i = 0, n = number(recipe, words[2]); i < n; i++)
            do_entry(recipe, first + i, i, words + 3);
    } else if (strcmp(verb, "clear_area") == 0) {
        for (uint64_t slot = 0; slot < entries_per_area(recipe); slot++)
            put_slot(recipe, first, slot, 0, 0);
    } else if (strcmp(verb, "raw") == 0 && count >= 4) {
        put_slot(recipe, first, number(recipe, words[2]), number_of(recipe, words + 3, "old", 0),
                 number_of(recipe, words + 3, "new", 0));
    } else {
        die(recipe, "unknown line: %s", verb);
    }
}

/* The lines behind "KIND NAME", up to the next "base" or "recipe"; all lines where the name is NULL. */
static void do_section(struct recipe *recipe, const char *kind, const char *name)
{
    const unsigned line_before = recipe->line;
    FILE *file = fopen(recipe->path, "re");
    char line[512], *words[WORDS_MAX + 1];
    bool inside = !name, found = !name;

    if (!file)
        die(recipe, "cannot open it");
    recipe->line = 0;
    while (fgets(line, sizeof(line), file)) {
        unsigned count = split(line, words);

        recipe->line++;
        if (name && count > 1 && (strcmp(words[0], "base") == 0 || strcmp(words[0], "recipe") == 0)) {
            inside = strcmp(words[0], kind) == 0 && strcmp(words[1], name) == 0;
            found |= inside;
        } else if (inside && count > 0) {
            do_line(recipe, words, count);
        }
    }
    if (!found)
        die(recipe, "there is no %s %s", kind, name);
    if (ferror(file) || fclose(file) != 0)
        die(recipe, "reading it failed");
    recipe->line = line_before;
}

/* The view as the recipe means it: the origin under the live entries' COW chunks; the first wins, or the last. */
static void write_view(const struct recipe *recipe, const char *path)
{
    uint64_t chunk_bytes = recipe->chunk_sectors * SECTOR_BYTES;
    struct image view = {path, open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), 0};
    uint8_t *bytes = calloc(1, recipe->origin.size_bytes + chunk_bytes);

    if (view.fd < 0 || !bytes)
        die(recipe, "cannot make %s", path);
    resize(recipe, &view, recipe->origin.size_bytes);
    if (pread(recipe->origin.fd, bytes, view.size_bytes, 0) != (ssize_t)view.size_bytes)
        die(recipe, "reading %s failed", recipe->origin.path);
    for (uint64_t i = 0; i < recipe->live_count; i++) {
        const struct live_entry *entry = &recipe->live[recipe->last_wins ? i : recipe->live_count - 1 - i];

        if (entry->old_chunk < (view.size_bytes + chunk_bytes - 1) / chunk_bytes
            && entry->new_chunk <= recipe->cow.size_bytes / chunk_bytes
            && pread(recipe->cow.fd, bytes + entry->old_chunk * chunk_bytes, chunk_bytes,
                     (off_t)(entry->new_chunk * chunk_bytes)) < 0)
            die(recipe, "reading %s failed", recipe->cow.path);
    }
    write_at(recipe, &view, 0, bytes, view.size_bytes);
    free(bytes);
    if (close(view.fd) != 0)
        die(recipe, "closing %s failed", path);
}

int main(int argc, char **argv)
{
    static struct live_entry live[ENTRIES_MAX];
    struct recipe recipe = {.live = live};
    char *name;

    if (argc != 4 && argc != 5) {
        fprintf(stderr, "usage: mkstore RECIPE[#NAME] COW ORIGIN [VIEW]\n");
        return 16;
    }
    name = strchr(argv[1], '#');
    if (name)
        *name++ = '\0';
    recipe.path = argv[1];
    recipe.cow = (struct image){argv[2], open(argv[2], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), 0};
    recipe.origin = (struct image){argv[3], open(argv[3], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), 0};
    if (recipe.cow.fd < 0 || recipe.origin.fd < 0)
        die(&recipe, "cannot open an image");
    do_section(&recipe, "recipe", name);
    if (argc == 5)
        write_view(&recipe, argv[4]);
    if (close(recipe.cow.fd) != 0 || close(recipe.origin.fd) != 0)
        die(&recipe, "closing an image failed");
    return 0;
}
