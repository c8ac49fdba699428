/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes the origins, stores and lists that the bench merges and checks, and verifies them. */
#include "tests/bench/list.h"
#include "tests/bench/qcow2.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: mkbench COMMAND [OPTION...]\n"
    "  make     write --origin, --cow and, if given, --qcow2\n"
    "  relist   write the header and the list of --cow again, as a merge has used them up\n"
    "  refill   write the content of --origin before the merge again\n"
    "  verify   exit 1 unless --origin has the content after the merge\n"
    "  list     write a store --cow of --entries random entries without data, sparse\n"
    "  xml      print --entries mappings as thin-provisioning metadata\n"
    "  --mode NAME            random-4k, clustered, sequential, random-64k\n"
    "  --origin-size SIZE     4G by default\n"
    "  --changed SIZE         1G by default\n"
    "  --entries N            16M by default\n"
    "  --duplicates N         so many entries repeat an old chunk (list)\n"
    "  --shape NAME           of a list: random (default), sequential, scattered, repeated, colliding\n"
    "  --seed N\n";

struct bench {
    const char *origin, *cow, *qcow2;
    const struct bench_mode *mode;
    const char *shape;
    uint64_t origin_bytes, changed_bytes, entries, duplicates, seed;
    uint64_t *olds;   /* `count` of them */
    uint64_t count;
};

#define ORIGIN_SEED 1u /* added to the seed: what the origin holds before ... */
#define COW_SEED 2u    /* ... and what the store brings; both by the place on the origin */

static void fill_header(uint8_t *chunk, uint64_t chunk_bytes)
{
    memcpy(chunk, "SnAp", 4);
    put_le32(chunk + 4, 1);
    put_le32(chunk + 8, 1);
    put_le32(chunk + 12, (uint32_t)(chunk_bytes / SECTOR_BYTES));
}

static void fill_area(const struct bench *bench, uint8_t *chunk, uint64_t area)
{
    const uint64_t chunk_bytes = bench->mode->chunk_bytes, per_area = entries_per_area(chunk_bytes);

    memset(chunk, 0, chunk_bytes);
    for (uint64_t slot = 0; slot < per_area && area * per_area + slot < bench->count; slot++) {
        uint64_t index = area * per_area + slot;

        put_le64(chunk + slot * ENTRY_BYTES, bench->olds[index]);
        put_le64(chunk + slot * ENTRY_BYTES + 8, canonical_chunk(chunk_bytes, index));
    }
}

static void write_list(const struct bench *bench, int fd)
{
    const uint64_t chunk_bytes = bench->mode->chunk_bytes;
    uint8_t *chunk = aligned_buffer(chunk_bytes);

    fill_header(chunk, chunk_bytes);
    write_all(fd, bench->cow, chunk, chunk_bytes, 0);
    for (uint64_t area = 0; area <= bench->count / entries_per_area(chunk_bytes); area++) {
        fill_area(bench, chunk, area);
        write_all(fd, bench->cow, chunk, chunk_bytes, area_offset_bytes(chunk_bytes, area));
    }
    free(chunk);
}

/* The data chunks in list order, some megabytes at a time; what falls on areas is written over afterwards. */
static void write_data(const struct bench *bench, int fd)
{
    const uint64_t chunk_bytes = bench->mode->chunk_bytes;
    uint8_t *buffer = aligned_buffer(BUFFER_BYTES);
    uint64_t start_chunk = 0, chunks = 0;

    for (uint64_t i = 0; i < bench->count; i++) {
        uint64_t chunk = canonical_chunk(chunk_bytes, i);

        if (chunks > 0 && (chunk - start_chunk + 1) * chunk_bytes > BUFFER_BYTES) {
            write_all(fd, bench->cow, buffer, chunks * chunk_bytes, start_chunk * chunk_bytes);
            chunks = 0;
        }
        if (chunks == 0)
            start_chunk = chunk;
        fill_pattern(buffer + (chunk - start_chunk) * chunk_bytes, chunk_bytes, bench->seed + COW_SEED,
                     bench->olds[i] * chunk_bytes);
        chunks = chunk - start_chunk + 1;
    }
    write_all(fd, bench->cow, buffer, chunks * chunk_bytes, start_chunk * chunk_bytes);
    free(buffer);
}

static void relist(const struct bench *bench)
{
    int fd = open_or_die(bench->cow, O_RDWR);

    write_list(bench, fd);
    sync_and_drop(fd, bench->cow);
    (void)close(fd);
}

static void refill(const struct bench *bench, bool create)
{
    int fd = open_or_die(bench->origin, O_RDWR | (create ? O_CREAT : 0));
    uint8_t *buffer = aligned_buffer(BUFFER_BYTES);

    set_size(fd, bench->origin, bench->origin_bytes);
    for (uint64_t at = 0; at < bench->origin_bytes; at += BUFFER_BYTES) {
        uint64_t left = bench->origin_bytes - at, step = left < BUFFER_BYTES ? left : BUFFER_BYTES;

        fill_pattern(buffer, step, bench->seed + ORIGIN_SEED, at);
        write_all(fd, bench->origin, buffer, step, at);
    }
    sync_and_drop(fd, bench->origin);
    free(buffer);
    (void)close(fd);
}

static void make_qcow2(const struct bench *bench)
{
    const uint64_t chunk_bytes = bench->mode->chunk_bytes;
    struct qcow2 *image = qcow2_create(bench->qcow2, bench->origin_bytes, chunk_bytes, bench->olds, bench->count);
    uint8_t *chunk = aligned_buffer(chunk_bytes);

    for (uint64_t i = 0; i < bench->count; i++) {
        fill_pattern(chunk, chunk_bytes, bench->seed + COW_SEED, bench->olds[i] * chunk_bytes);
        qcow2_write_cluster(image, i, chunk);
    }
    free(chunk);
    qcow2_close(image);
}

static void make(const struct bench *bench)
{
    const uint64_t chunk_bytes = bench->mode->chunk_bytes;
    int fd = open_or_die(bench->cow, O_RDWR | O_CREAT);

    set_size(fd, bench->cow, store_bytes(chunk_bytes, bench->count));
    write_data(bench, fd);
    write_list(bench, fd);
    sync_and_drop(fd, bench->cow);
    (void)close(fd);
    refill(bench, true);
    if (bench->qcow2)
        make_qcow2(bench);
}

static void verify(const struct bench *bench)
{
    const uint64_t chunk_bytes = bench->mode->chunk_bytes, chunks = bench->origin_bytes / chunk_bytes;
    int fd = open_or_die(bench->origin, O_RDONLY);
    uint8_t *found = aligned_buffer(BUFFER_BYTES), *wanted = aligned_buffer(chunk_bytes);
    uint8_t *changed = calloc(chunks, 1);

    if (!changed)
        die(0, "no room for %llu flags", (unsigned long long)chunks);
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    for (uint64_t i = 0; i < bench->count; i++)
        changed[bench->olds[i]] = 1;
    for (uint64_t i = 0; i < chunks; i++) {
        const uint64_t in_buffer = i * chunk_bytes % BUFFER_BYTES, left = (chunks - i) * chunk_bytes;

        if (in_buffer == 0)
            read_all(fd, bench->origin, found, left < BUFFER_BYTES ? left : BUFFER_BYTES, i * chunk_bytes);
        fill_pattern(wanted, chunk_bytes, bench->seed + (changed[i] ? COW_SEED : ORIGIN_SEED), i * chunk_bytes);
        if (memcmp(found + in_buffer, wanted, chunk_bytes) != 0)
            die(0, "%s: chunk %llu (%s by the store) does not hold what it should", bench->origin,
                (unsigned long long)i, changed[i] ? "changed" : "not changed");
    }
    free(found);
    free(wanted);
    free(changed);
    (void)close(fd);
}

#define COPIES 16u /* of each entry of a repeated list: as many as snapcheck takes for left by interrupted moves */

/* At least twice as many origin chunks as entries; a duplicate repeats the entry a million places before it. */
static void make_list(const struct bench *bench)
{
    const uint64_t chunk_bytes = 4096, per_area = entries_per_area(chunk_bytes), far = 1000000;
    const uint64_t every = bench->duplicates ? bench->entries / bench->duplicates : 0;
    uint8_t *chunk = aligned_buffer(chunk_bytes);
    int fd = open_or_die(bench->cow, O_RDWR | O_CREAT | O_TRUNC);
    unsigned bits = 1;

    while ((uint64_t)1 << bits < bench->entries * 2)
        bits++;
    set_size(fd, bench->cow, store_bytes(chunk_bytes, bench->entries));
    fill_header(chunk, chunk_bytes);
    write_all(fd, bench->cow, chunk, chunk_bytes, 0);
    for (uint64_t area = 0; area <= bench->entries / per_area; area++) {
        memset(chunk, 0, chunk_bytes);
        for (uint64_t slot = 0; slot < per_area && area * per_area + slot < bench->entries; slot++) {
            uint64_t index = area * per_area + slot, source = index;

            if (every && (index + 1) % every == 0)
                source = index > far ? index - far : 0;
            if (strcmp(bench->shape, "repeated") == 0)
                index = source = index % (bench->entries / COPIES);
            put_le64(chunk + slot * ENTRY_BYTES, bench_list_old(bench->shape, source, bits, bench->seed));
            put_le64(chunk + slot * ENTRY_BYTES + 8, canonical_chunk(chunk_bytes, index));
        }
        write_all(fd, bench->cow, chunk, chunk_bytes, area_offset_bytes(chunk_bytes, area));
    }
    sync_and_drop(fd, bench->cow);
    free(chunk);
    (void)close(fd);
}

static void print_xml(const struct bench *bench)
{
    unsigned bits = 1;

    while ((uint64_t)1 << bits < bench->entries)
        bits++;
    printf("<superblock uuid=\"\" time=\"0\" transaction=\"1\" flags=\"0\" version=\"2\" data_block_size=\"128\" "
           "nr_data_blocks=\"%llu\">\n  <device dev_id=\"1\" mapped_blocks=\"%llu\" transaction=\"0\" "
           "creation_time=\"0\" snap_time=\"0\">\n", 1ull << bits, (unsigned long long)bench->entries);
    for (uint64_t i = 0; i < bench->entries; i++)
        printf("    <single_mapping origin_block=\"%llu\" data_block=\"%llu\" time=\"0\"/>\n",
               (unsigned long long)i, (unsigned long long)bench_permute(i, bits, bench->seed));
    printf("  </device>\n</superblock>\n");
    if (fflush(stdout) != 0)
        die(0, "standard output: cannot write");
}

static void parse(struct bench *bench, int argc, char **argv)
{
    static const struct option names[] = {
        {"origin", 1, NULL, 'o'}, {"cow", 1, NULL, 'c'}, {"qcow2", 1, NULL, 'q'}, {"mode", 1, NULL, 'm'},
        {"origin-size", 1, NULL, 's'}, {"changed", 1, NULL, 'n'}, {"entries", 1, NULL, 'e'},
        {"duplicates", 1, NULL, 'D'}, {"shape", 1, NULL, 'H'}, {"seed", 1, NULL, 'S'}, {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        switch (option) {
        case 'o': bench->origin = optarg; break;
        case 'c': bench->cow = optarg; break;
        case 'q': bench->qcow2 = optarg; break;
        case 'm': bench->mode = bench_mode_find(optarg); break;
        case 's': bench->origin_bytes = parse_size("--origin-size", optarg); break;
        case 'n': bench->changed_bytes = parse_size("--changed", optarg); break;
        case 'e': bench->entries = parse_size("--entries", optarg); break;
        case 'D': bench->duplicates = parse_size("--duplicates", optarg); break;
        case 'H': bench->shape = optarg; break;
        case 'S': bench->seed = parse_size("--seed", optarg); break;
        default: die(0, "%s", usage);
        }
    }
}

static void need(const char *path, const char *name)
{
    if (!path)
        die(0, "%s is missing\n%s", name, usage);
}

/* The commands that have nothing to do with a mode; false for the others. */
static bool run_listless(const struct bench *bench, const char *command)
{
    if (strcmp(command, "xml") == 0) {
        print_xml(bench);
    } else if (strcmp(command, "list") == 0) {
        need(bench->cow, "--cow");
        make_list(bench);
    } else {
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct bench bench = {.mode = bench_mode_find("random-4k"), .origin_bytes = (uint64_t)4 << 30,
                          .changed_bytes = (uint64_t)1 << 30, .entries = 16u << 20, .shape = "random"};
    const char *command = argc > 1 ? argv[1] : "";

    if (argc < 2)
        die(0, "%s", usage);
    parse(&bench, argc - 1, argv + 1);
    if (run_listless(&bench, command))
        return 0;
    if (bench.origin_bytes % bench.mode->chunk_bytes || bench.changed_bytes % bench.mode->chunk_bytes)
        die(0, "sizes must be multiples of the chunk size");
    bench.count = bench.changed_bytes / bench.mode->chunk_bytes;
    bench.olds = bench_list_make(bench.mode, bench.count, bench.origin_bytes / bench.mode->chunk_bytes,
                                 bench.seed);
    if (strcmp(command, "relist") != 0)
        need(bench.origin, "--origin");
    if (strcmp(command, "relist") == 0 || strcmp(command, "make") == 0)
        need(bench.cow, "--cow");
    if (strcmp(command, "make") == 0)
        make(&bench);
    else if (strcmp(command, "relist") == 0)
        relist(&bench);
    else if (strcmp(command, "refill") == 0)
        refill(&bench, false);
    else if (strcmp(command, "verify") == 0)
        verify(&bench);
    else
        die(0, "%s", usage);
    free(bench.olds);
    return 0;
}
