/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long one spinning disk, or two, would take for the requests that `requests` prints: a model. */
#include "tests/bench/bench.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: requests ... | seekmodel [OPTION...]\n"
    "  --disks N          1: origin and COW on one disk; 2: on one each (default)\n"
    "  --disk-size SIZE   1T by default\n"
    "  --origin-at SIZE   where the origin starts on its disk (0)\n"
    "  --cow-at SIZE      where the COW starts (one disk: the middle; two: 0)\n"
    "  --overlap 0|1      whether the next step is read while this one is written (1)\n"
    "  --batch N          one disk: so many requests of one stream before the other has its turn (64)\n"
    "  --rpm N            7200\n"
    "  --rate SIZE        bytes per second off the medium (180M)\n"
    "  --seek-min US      to the next track, in microseconds (800)\n"
    "  --seek-max US      across the whole disk (15000)\n";

enum operation { READ, WRITE, FLUSH };

struct request {
    uint64_t step, offset_bytes, length_bytes;
    bool origin;
    enum operation operation;
};

/* Times are in seconds, places in bytes from the disk's start. */
struct disk {
    double now, head;
    double seek_time, wait_time, transfer_time;
    uint64_t seeks, requests;
};

struct model {
    double size_bytes, bytes_per_second, turn_seconds, track_bytes, seek_min, seek_max;
    double origin_at, cow_at;
    unsigned disk_count;
    bool overlap;
    uint64_t batch;
    struct disk disks[2];      /* the origin's, the COW's; one disk: only the first */
    struct request *requests;
    size_t count;
    double data_bytes;         /* written to the origin */
};

/* How far the platter still has to turn until `place` is under a head that arrives at `now`, in turns. */
static double turns_until(const struct model *model, double now, double place)
{
    double turns = place / model->track_bytes - now / model->turn_seconds;

    turns -= floor(turns);
    return turns > 1 - 1e-6 ? 0 : turns; /* rounding must not cost a whole turn */
}

/*
 * The disk is one long spiral: reading on costs nothing but transfer, across tracks too. To a place further on the
 * head waits while the gap passes under it, or moves (root of the distance, as arms accelerate and brake) and
 * waits for the platter; whichever is sooner.
 */
static void access_disk(struct model *model, struct disk *disk, double place, double length_bytes)
{
    const double gap = place - disk->head;
    const double seek = model->seek_min +
                        (model->seek_max - model->seek_min) * sqrt(fabs(gap) / model->size_bytes);
    const double after_seek = turns_until(model, disk->now + seek, place) * model->turn_seconds;
    double pass = HUGE_VAL;

    if (gap >= 0)
        pass = (turns_until(model, disk->now, place) + floor(gap / model->track_bytes)) * model->turn_seconds;
    if (pass <= seek + after_seek) {
        disk->now += pass;
        disk->wait_time += pass;
    } else {
        disk->now += seek + after_seek;
        disk->seek_time += seek;
        disk->wait_time += after_seek;
        disk->seeks++;
    }
    disk->now += length_bytes / model->bytes_per_second;
    disk->transfer_time += length_bytes / model->bytes_per_second;
    disk->head = place + length_bytes;
    disk->requests++;
}

static void carry_out(struct model *model, const struct request *request)
{
    struct disk *disk = &model->disks[model->disk_count == 2 && !request->origin];

    if (request->operation == FLUSH)
        return; /* what was written is on the medium already; what a flush costs is the order that it forces */
    access_disk(model, disk, (double)request->offset_bytes + (request->origin ? model->origin_at : model->cow_at),
                (double)request->length_bytes);
    if (request->origin && request->operation == WRITE)
        model->data_bytes += (double)request->length_bytes;
}

/* Whoever was sooner waits. */
static void meet(struct model *model)
{
    double now = fmax(model->disks[0].now, model->disks[1].now);

    model->disks[0].now = model->disks[1].now = now;
}

static bool is_data_read(const struct request *request)
{
    return !request->origin && request->operation == READ;
}

static bool is_data_write(const struct request *request)
{
    return request->origin && request->operation == WRITE;
}

/* The next request of `step` at or after *at that is of this kind; NULL: none is left. */
static const struct request *next_of(const struct model *model, size_t *at, uint64_t step,
                                     bool (*wanted)(const struct request *request))
{
    while (*at < model->count && model->requests[*at].step <= step) {
        const struct request *request = &model->requests[(*at)++];

        if (request->step == step && wanted(request))
            return request;
    }
    return NULL;
}

/* The writes of a step and the reads of the next one, in turns; on two disks the turns do not matter. */
static void write_and_read_ahead(struct model *model, size_t start, uint64_t step)
{
    size_t write_at = start, read_at = start;
    bool more = true;

    while (more) {
        const struct request *request = NULL;

        more = false;
        for (uint64_t i = 0; i < model->batch && (request = next_of(model, &write_at, step, is_data_write)); i++) {
            carry_out(model, request);
            more = true;
        }
        for (uint64_t i = 0; i < model->batch && (request = next_of(model, &read_at, step + 1, is_data_read));
             i++) {
            carry_out(model, request);
            more = true;
        }
    }
}

static void run_overlapped(struct model *model)
{
    size_t start = 0, at = 0;
    const struct request *request;

    while ((request = next_of(model, &at, 0, is_data_read)))
        carry_out(model, request);
    while (start < model->count) {
        const uint64_t step = model->requests[start].step;

        meet(model);
        write_and_read_ahead(model, start, step);
        meet(model);
        for (; start < model->count && model->requests[start].step == step; start++)
            if (!is_data_read(&model->requests[start]) && !is_data_write(&model->requests[start]))
                carry_out(model, &model->requests[start]);
    }
    meet(model);
}

static void run_in_order(struct model *model)
{
    for (size_t i = 0; i < model->count; i++) {
        carry_out(model, &model->requests[i]);
        if (i + 1 < model->count && model->requests[i].origin == model->requests[i + 1].origin &&
            model->requests[i].operation == model->requests[i + 1].operation)
            continue;
        meet(model);
    }
}

/* ---- input and output -------------------------------------------------------------------- */

static void parse_line(struct model *model, const char *line, size_t number)
{
    struct request *request = &model->requests[model->count++];
    unsigned long long step, offset_bytes, length_bytes;
    char device[8], operation[8];

    if (sscanf(line, "%llu %7s %7s %llu %llu", &step, device, operation, &offset_bytes, &length_bytes) != 5)
        die(0, "line %zu: not a request", number);
    request->step = step;
    request->offset_bytes = offset_bytes;
    request->length_bytes = length_bytes;
    request->origin = strcmp(device, "origin") == 0;
    request->operation = strcmp(operation, "read") == 0    ? READ
                         : strcmp(operation, "write") == 0 ? WRITE
                                                           : FLUSH;
    if ((!request->origin && strcmp(device, "cow") != 0) ||
        (request->operation == FLUSH && strcmp(operation, "flush") != 0))
        die(0, "line %zu: device cow or origin, operation read, write or flush", number);
    if (model->count > 1 && request->step < request[-1].step)
        die(0, "line %zu: steps go up", number);
}

static void read_requests(struct model *model)
{
    size_t room = 0, number = 0;
    char line[256];

    while (fgets(line, sizeof line, stdin)) {
        if (model->count == room) {
            room = 2 * room + 1024;
            model->requests = realloc(model->requests, room * sizeof *model->requests);
            if (!model->requests)
                die(ENOMEM, "no room for the requests");
        }
        parse_line(model, line, ++number);
    }
    if (ferror(stdin))
        die(0, "standard input: cannot read");
}

static void print_disk(const char *name, const struct disk *disk)
{
    printf("  %-8s %9llu requests, %9llu seeks, seek %8.1f s, rotation %8.1f s, transfer %8.1f s\n", name,
           (unsigned long long)disk->requests, (unsigned long long)disk->seeks, disk->seek_time, disk->wait_time,
           disk->transfer_time);
}

static void parse_options(struct model *model, int argc, char **argv)
{
    static const struct option names[] = {
        {"disks", 1, NULL, 'n'}, {"disk-size", 1, NULL, 's'}, {"origin-at", 1, NULL, 'o'},
        {"cow-at", 1, NULL, 'c'},
        {"overlap", 1, NULL, 'l'}, {"batch", 1, NULL, 'b'}, {"rpm", 1, NULL, 'r'}, {"rate", 1, NULL, 'R'},
        {"seek-min", 1, NULL, 'm'}, {"seek-max", 1, NULL, 'M'}, {NULL, 0, NULL, 0}};
    bool cow_placed = false;
    int option;

    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        uint64_t value = optarg ? parse_size("option", optarg) : 0;

        switch (option) {
        case 'n': model->disk_count = value == 1 ? 1 : 2; break;
        case 's': model->size_bytes = (double)value; break;
        case 'o': model->origin_at = (double)value; break;
        case 'c': model->cow_at = (double)value; cow_placed = true; break;
        case 'l': model->overlap = value != 0; break;
        case 'b': model->batch = value ? value : 1; break;
        case 'r': model->turn_seconds = 60.0 / (double)value; break;
        case 'R': model->bytes_per_second = (double)value; break;
        case 'm': model->seek_min = (double)value * 1e-6; break;
        case 'M': model->seek_max = (double)value * 1e-6; break;
        default: die(0, "%s", usage);
        }
    }
    if (model->disk_count == 1 && !cow_placed)
        model->cow_at = model->size_bytes / 2;
    model->track_bytes = model->bytes_per_second * model->turn_seconds;
}

int main(int argc, char **argv)
{
    struct model model = {.size_bytes = 1099511627776.0, .bytes_per_second = 180.0 * 1048576,
                          .turn_seconds = 60.0 / 7200, .seek_min = 800e-6, .seek_max = 15000e-6,
                          .disk_count = 2, .overlap = true, .batch = 64};
    double seconds;

    parse_options(&model, argc, argv);
    read_requests(&model);
    if (model.overlap)
        run_overlapped(&model);
    else
        run_in_order(&model);
    seconds = fmax(model.disks[0].now, model.disks[1].now);
    printf("%.1f s, %.1f MiB/s merged\n", seconds, seconds > 0 ? model.data_bytes / 1048576 / seconds : 0.0);
    print_disk(model.disk_count == 1 ? "disk" : "origin", &model.disks[0]);
    if (model.disk_count == 2)
        print_disk("cow", &model.disks[1]);
    free(model.requests);
    return 0;
}
