/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a log of dm-log-writes under an origin and a COW: prints it as lines, and writes out the state at each step. */
#include "tests/kernel/states.h"

#include "lib/base/bytes.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The log as the kernel's documentation has it: a sector about the log, then each entry, its data behind it. */
#define LOG_MAGIC UINT64_C(0x6a736677736872)
#define LOG_VERSION 1u
#define LOG_SECTOR_BYTES 512u

enum log_flag { LOG_FLUSH = 1, LOG_FUA = 2, LOG_DISCARD = 4, LOG_MARK = 8 };

struct log_entry {
    uint64_t sector, sectors, flags;
    const uint8_t *data;
};

struct part {
    const char *name;
    uint64_t at_sectors;
    uint8_t *bytes;
    size_t length_bytes;
};

static _Noreturn void refuse(const char *what)
{
    (void)fprintf(stderr, "log-states: %s\n", what);
    exit(2);
}

/* The entry at `*at`; moves behind it. */
static struct log_entry next_entry(const uint8_t *log, size_t length_bytes, size_t *at)
{
    struct log_entry entry;
    size_t data_bytes;

    if (length_bytes - *at < LOG_SECTOR_BYTES)
        refuse("an entry ends beyond the log");
    entry.sector = snap_get_le64(log + *at);
    entry.sectors = snap_get_le64(log + *at + 8);
    entry.flags = snap_get_le64(log + *at + 16);
    entry.data = log + *at + LOG_SECTOR_BYTES;
    *at += LOG_SECTOR_BYTES;
    if (entry.flags & LOG_DISCARD)
        refuse("a discard, which nothing here should send");
    data_bytes = entry.flags & LOG_MARK ? 0 : (size_t)entry.sectors * LOG_SECTOR_BYTES;
    if (length_bytes - *at < data_bytes)
        refuse("data end beyond the log");
    *at += data_bytes;
    return entry;
}

/* The part that the entry is about; the parts lie one behind the other. A flush counts for the part it was sent to. */
static struct part *part_of(struct part *parts, const struct log_entry *entry)
{
    struct part *part = entry->sector >= parts[1].at_sectors ? &parts[1] : &parts[0];
    const uint64_t part_sectors = part->length_bytes / LOG_SECTOR_BYTES;

    if (entry->sector < part->at_sectors || entry->sector - part->at_sectors > part_sectors ||
        entry->sectors > part_sectors - (entry->sector - part->at_sectors))
        refuse("an entry beside the two devices");
    return part;
}

static void replay(const uint8_t *log, size_t length_bytes, struct part *parts, bool commits_only,
                   struct states *states)
{
    size_t at = LOG_SECTOR_BYTES;
    uint64_t count;

    if (length_bytes < LOG_SECTOR_BYTES || snap_get_le64(log) != LOG_MAGIC || snap_get_le64(log + 8) != LOG_VERSION ||
        snap_get_le32(log + 24) != LOG_SECTOR_BYTES)
        refuse("no log, or one of another kind");
    count = snap_get_le64(log + 16);
    for (uint64_t i = 0; i < count; i++) {
        const struct log_entry entry = next_entry(log, length_bytes, &at);
        const bool durable = (entry.flags & (LOG_FLUSH | LOG_FUA)) != 0;
        char text[sizeof(((struct state *)NULL)->text)];
        struct part *part;
        uint64_t offset_bytes;

        if (entry.flags & LOG_MARK)
            continue;
        part = part_of(parts, &entry);
        offset_bytes = (entry.sector - part->at_sectors) * LOG_SECTOR_BYTES;
        if (entry.flags & LOG_FLUSH)
            (void)printf("log %s flush\n", part->name);
        if (entry.sectors > 0) {
            memcpy(part->bytes + offset_bytes, entry.data, (size_t)entry.sectors * LOG_SECTOR_BYTES);
            (void)printf("log %s write %" PRIu64 " %" PRIu64 "%s\n", part->name, offset_bytes,
                         entry.sectors * LOG_SECTOR_BYTES, entry.flags & LOG_FUA ? " fua" : "");
        }
        (void)snprintf(text, sizeof(text), "entry %" PRIu64, i);
        if (durable || !commits_only)
            states_add(states, parts[0].bytes, parts[1].bytes, text);
    }
}

int main(int argc, char **argv)
{
    struct part parts[2] = {{.name = "origin"}, {.name = "cow"}};
    struct states states = {.count = 0};
    size_t log_bytes;
    uint8_t *log;

    if (argc != 9 || (strcmp(argv[8], "commits") != 0 && strcmp(argv[8], "all") != 0)) {
        (void)fprintf(stderr, "usage: log-states LOG ORIGIN ORIGIN_AT_SECTORS COW COW_AT_SECTORS PREFIX MAX "
                              "commits|all\n");
        return 2;
    }
    log = states_read_file(argv[1], &log_bytes);
    for (int i = 0; i < 2; i++) {
        parts[i].bytes = states_read_file(argv[2 + 2 * i], &parts[i].length_bytes);
        parts[i].at_sectors = strtoull(argv[3 + 2 * i], NULL, 10);
    }
    states.origin_bytes = parts[0].length_bytes;
    states.cow_bytes = parts[1].length_bytes;
    replay(log, log_bytes, parts, strcmp(argv[8], "commits") == 0, &states);
    states_write(&states, argv[6], strtoull(argv[7], NULL, 10));
    states_free(&states);
    free(parts[0].bytes);
    free(parts[1].bytes);
    free(log);
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 2;
}
