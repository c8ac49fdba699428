/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints the requests that a merge or a check of a store makes, for fio and for the seek model. */
#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "lib/io/file.h"
#include "lib/merge/merge.h"
#include "lib/merge/pace.h"
#include "lib/merge/plan.h"
#include "lib/merge/window.h"
#include "lib/store/list_read.h"
#include "lib/store/list_walk.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: requests merge|kernel|list --cow STORE [--origin-size BYTES] [OPTION...]\n"
    "Prints lines `STEP DEVICE OPERATION OFFSET LENGTH`; steps count from 0, lines of one step are in order.\n"
    "  merge    as snapmerge with --memory BYTES: step k+1 is read while step k is written\n"
    "  kernel   as the kernel's snapshot-merge target\n"
    "  list     the metadata areas that hold the list\n"
    "  --memory BYTES     536870912 by default\n"
    "  --window ENTRIES   at most so many in a window\n"
    "  --table ENTRIES    so many entries are sorted by their place on the origin and cut off the list together;\n"
    "                     they go through the buffer in parts\n"
    "  --fio ORIGIN       writes logs for fio: PREFIX-read0, -read and -write for merge, or PREFIX-list\n"
    "  --prefix PREFIX\n";

struct requests {
    const char *command, *cow, *fio_origin, *prefix;
    uint64_t origin_bytes, memory_bytes, window_max, table;
    struct snap_store store;
    struct snap_entry *list;  /* all of it */
    uint64_t entries;
    uint64_t step;
    FILE *reads[2], *writes;  /* fio logs: the first window's reads, the others', the writes */
};

static void fail(const char *text) __attribute__((noreturn));

static void fail(const char *text)
{
    fprintf(stderr, "requests: %s\n", text);
    exit(1);
}

static void check(enum snap_status status, const struct snap_error *err)
{
    if (status != SNAP_OK)
        fail(err->text);
}

/* ---- output ------------------------------------------------------------------------------ */

static FILE *log_new(const struct requests *requests, const char *name, const char *file)
{
    char path[4096];
    FILE *log;

    if (snprintf(path, sizeof path, "%s-%s", requests->prefix, name) >= (int)sizeof path)
        fail("--prefix is too long");
    log = fopen(path, "we");
    if (!log)
        fail("cannot make a log");
    fprintf(log, "fio version 2 iolog\n%s add\n%s open\n", file, file);
    return log;
}

static void log_end(FILE *log, const char *file)
{
    fprintf(log, "%s close\n", file);
    if (fclose(log) != 0)
        fail("cannot write a log");
}

static void emit(struct requests *requests, bool origin, const char *operation, uint64_t offset_bytes,
                 uint64_t length_bytes)
{
    const bool cow_read = !origin && strcmp(operation, "read") == 0;

    if (!requests->fio_origin)
        printf("%" PRIu64 " %s %s %" PRIu64 " %" PRIu64 "\n", requests->step, origin ? "origin" : "cow", operation,
               offset_bytes, length_bytes);
    else if (cow_read)
        fprintf(requests->reads[requests->step > 0], "%s read %" PRIu64 " %" PRIu64 "\n", requests->cow,
                offset_bytes, length_bytes);
    else if (origin && strcmp(operation, "write") == 0)
        fprintf(requests->writes, "%s write %" PRIu64 " %" PRIu64 "\n", requests->fio_origin, offset_bytes,
                length_bytes);
    else if (origin)
        fprintf(requests->writes, "%s datasync 0 0\n", requests->fio_origin);
}

static void emit_plan(struct requests *requests, const struct snap_plan *plan)
{
    for (size_t i = 0; i < plan->read_count; i++)
        emit(requests, false, "read", plan->reads[i].source_offset_bytes, plan->reads[i].length_bytes);
    for (size_t i = 0; i < plan->write_count; i++)
        emit(requests, true, "write", plan->writes[i].target_offset_bytes, plan->writes[i].length_bytes);
}

/* What makes a window durable: the cut is one atomic unit, the areas behind it are zeroed. */
static void emit_commit(struct requests *requests, uint64_t first, uint64_t end)
{
    const struct snap_layout *layout = &requests->store.layout;

    emit(requests, true, "flush", 0, 0);
    emit(requests, false, "write", snap_list_read_offset_bytes(&requests->store, first) / SNAP_SECTOR_BYTES *
         SNAP_SECTOR_BYTES, snap_header_unit_bytes(&requests->store));
    emit(requests, false, "flush", 0, 0);
    for (uint64_t area = (end - 1) / layout->entries_per_area; area > first / layout->entries_per_area; area--)
        emit(requests, false, "write", snap_layout_area_chunk(layout, area) * layout->chunk_bytes, layout->chunk_bytes);
}

/* ---- merges ------------------------------------------------------------------------------ */

static int compare_old(const void *left, const void *right)
{
    const struct snap_entry *a = left, *b = right;

    return (a->old_chunk > b->old_chunk) - (a->old_chunk < b->old_chunk);
}

/* As the check counts them (check.h). */
static struct snap_merge_job job_of(const struct requests *requests)
{
    const struct snap_entry *list = requests->list;
    struct snap_merge_job job = {.entries = requests->entries,
                                 .total_bytes = requests->entries * requests->store.layout.chunk_bytes};

    for (uint64_t i = 0; i < requests->entries; i++)
        job.runs += i == 0 || list[i].old_chunk != list[i - 1].old_chunk + 1 ||
                    list[i].new_chunk != list[i - 1].new_chunk + 1;
    return job;
}

/* As merge.c goes about it: windows, or tables whose parts go through the buffer one after the other. */
static void merge_windows(struct requests *requests)
{
    const struct snap_layout *layout = &requests->store.layout;
    const uint64_t wanted = requests->window_max && requests->window_max < requests->entries ? requests->window_max
                                                                                             : requests->entries;
    const struct snap_merge_job job = job_of(requests);
    /* The seek model asks for what it wants with --memory and --table. */
    const enum snap_merge_seeks seeks = requests->fio_origin ? SNAP_MERGE_SEEKS_FREE : SNAP_MERGE_SEEKS_TWO_DISKS;
    const uint64_t share_bytes = (requests->memory_bytes - requests->table * SNAP_WINDOW_TABLE_ENTRY_BYTES) / 2;
    struct snap_window_range range = {.first = requests->entries, .end = requests->entries};
    struct snap_window_size size;
    struct snap_plan plan;
    struct snap_error err = {0};

    snap_window_size(layout, snap_pace_buffer_bytes(&job, seeks, share_bytes), wanted, &size);
    check(snap_plan_init(&plan, layout, SNAP_PLAN_MERGE, size.entries, &err), &err);
    for (;;) {
        struct snap_entry *list;

        range = snap_window_next(&requests->store, &range, snap_max(requests->table, size.entries), &size, false);
        if (range.end == 0)
            break;
        list = requests->list + range.first;
        if (range.part_entries && range.part_first == 0)
            qsort(list, range.end - range.first, sizeof *list, compare_old);
        snap_plan_make(&plan, list + range.part_first,
                       range.part_entries ? range.part_entries : range.end - range.first, range.slice_offset_bytes,
                       range.slice_bytes, requests->origin_bytes / SNAP_SECTOR_BYTES);
        emit_plan(requests, &plan);
        if (range.last_load)
            emit_commit(requests, range.first, range.end);
        requests->step++;
    }
    snap_plan_free(&plan);
}

/* The kernel's own order; each step is one run, and nothing overlaps. */
static void merge_kernel(struct requests *requests)
{
    const struct snap_layout *layout = &requests->store.layout;

    for (uint64_t end = requests->entries, first; end > 0; end = first) {
        const struct snap_entry *list = requests->list;

        first = end - 1;
        while (first % layout->entries_per_area && list[first - 1].old_chunk + 1 == list[first].old_chunk &&
               list[first - 1].new_chunk + 1 == list[first].new_chunk)
            first--;
        emit(requests, false, "read", list[first].new_chunk * layout->chunk_bytes,
             (end - first) * layout->chunk_bytes);
        emit(requests, true, "write", list[first].old_chunk * layout->chunk_bytes,
             (end - first) * layout->chunk_bytes);
        emit(requests, true, "flush", 0, 0);
        emit(requests, false, "flush", 0, 0);
        emit(requests, false, "write", snap_layout_area_chunk(layout, first / layout->entries_per_area) *
             layout->chunk_bytes, layout->chunk_bytes);
        emit(requests, false, "flush", 0, 0);
        requests->step++;
    }
}

static void areas(struct requests *requests)
{
    const struct snap_layout *layout = &requests->store.layout;

    for (uint64_t area = 0; area <= requests->entries / layout->entries_per_area; area++)
        emit(requests, false, "read", snap_layout_area_chunk(layout, area) * layout->chunk_bytes, layout->chunk_bytes);
}

/* ---- set-up ------------------------------------------------------------------------------ */

static void read_list(struct requests *requests)
{
    struct snap_list_walk *walk = NULL;
    struct snap_error err = {0};
    struct snap_span span;
    uint64_t room = 0;

    check(snap_list_walk_open(&walk, &requests->store, &err), &err);
    for (;;) {
        check(snap_list_walk_next(walk, &span, &err), &err);
        if (span.live == 0)
            break;
        if (requests->entries + span.live > room) {
            room = 2 * room + span.live;
            requests->list = realloc(requests->list, room * sizeof *requests->list);
            if (!requests->list)
                fail("out of memory");
        }
        for (uint32_t i = 0; i < span.live; i++)
            requests->list[requests->entries++] = (struct snap_entry){snap_span_old(&span, i),
                                                                      snap_span_new(&span, i)};
    }
    snap_list_walk_close(walk);
}

static uint64_t number(const char *text)
{
    char *end = NULL;
    uint64_t value = strtoull(text, &end, 10);

    if (*text < '0' || *text > '9' || *end)
        fail(usage);
    return value;
}

static void parse(struct requests *requests, int argc, char **argv)
{
    static const struct option names[] = {
        {"cow", 1, NULL, 'c'}, {"origin-size", 1, NULL, 's'}, {"memory", 1, NULL, 'm'}, {"window", 1, NULL, 'w'},
        {"table", 1, NULL, 't'}, {"fio", 1, NULL, 'f'}, {"prefix", 1, NULL, 'p'}, {NULL, 0, NULL, 0}};
    int option;

    if (argc < 2)
        fail(usage);
    requests->command = argv[1];
    while ((option = getopt_long(argc - 1, argv + 1, "", names, NULL)) != -1) {
        switch (option) {
        case 'c': requests->cow = optarg; break;
        case 's': requests->origin_bytes = number(optarg); break;
        case 'm': requests->memory_bytes = number(optarg); break;
        case 'w': requests->window_max = number(optarg); break;
        case 't': requests->table = number(optarg); break;
        case 'f': requests->fio_origin = optarg; break;
        case 'p': requests->prefix = optarg; break;
        default: fail(usage);
        }
    }
    if (!requests->cow || (requests->fio_origin && !requests->prefix))
        fail(usage);
}

static void run(struct requests *requests)
{
    if (strcmp(requests->command, "list") == 0)
        areas(requests);
    else if (requests->origin_bytes == 0)
        fail("--origin-size is missing");
    else if (strcmp(requests->command, "kernel") == 0)
        merge_kernel(requests);
    else if (strcmp(requests->command, "merge") == 0)
        merge_windows(requests);
    else
        fail(usage);
}

int main(int argc, char **argv)
{
    const struct snap_file_options io_options = {0};
    struct requests requests = {.memory_bytes = SNAP_MERGE_MEMORY_MAX_DEFAULT_BYTES};
    struct snap_error err = {0};
    struct snap_io *io = NULL;
    bool merge;

    parse(&requests, argc, argv);
    check(snap_file_open(&io, requests.cow, &io_options, &err), &err);
    check(snap_header_open(&requests.store, io, &err), &err);
    read_list(&requests);
    merge = strcmp(requests.command, "list") != 0;
    if (requests.fio_origin) {
        requests.reads[0] = log_new(&requests, merge ? "read0" : "list", requests.cow);
        requests.reads[1] = merge ? log_new(&requests, "read", requests.cow) : NULL;
        requests.writes = merge ? log_new(&requests, "write", requests.fio_origin) : NULL;
    }
    run(&requests);
    if (requests.fio_origin) {
        log_end(requests.reads[0], requests.cow);
        if (merge) {
            log_end(requests.reads[1], requests.cow);
            log_end(requests.writes, requests.fio_origin);
        }
    }
    if (fflush(stdout) != 0)
        fail("cannot write");
    free(requests.list);
    check(snap_io_close(io, &err), &err);
    return 0;
}
