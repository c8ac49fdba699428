/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shows what lib/lvm reads from physical volumes, in the words of dmsetup, and copies a volume through its io. */
#include "lib/io/file.h"
#include "lib/lvm/area.h"
#include "lib/lvm/group.h"
#include "lib/lvm/label.h"
#include "lib/lvm/volume_io.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEVICES_MAX 8
#define STEP_BYTES (1u << 20)

/* NAME=FILE as given: a device is shown by its name. */
static const char *names[DEVICES_MAX];
static const char *paths[DEVICES_MAX];
static struct snap_io *devices[DEVICES_MAX];
static size_t device_count;
static struct snap_error err;

static void must(enum snap_status status)
{
    if (status == SNAP_OK)
        return;
    fprintf(stderr, "lvm-volumes: %s\n", err.text);
    exit(1);
}

static struct snap_io *open_device(size_t device)
{
    const struct snap_file_options options = {.write = false};
    struct snap_io *io = NULL;

    must(snap_file_open(&io, paths[device], &options, &err));
    return io;
}

/* areas: DEVICE AREA_AT TEXT_AT LENGTH whole|wraps|ignored|empty */
static void show_areas(void)
{
    for (size_t i = 0; i < device_count; i++) {
        struct snap_label label;

        must(snap_label_read(devices[i], &label, &err));
        for (unsigned j = 0; j < label.metadata.count; j++) {
            struct snap_area area;

            must(snap_area_read(devices[i], &label.metadata.range[j], &area, &err));
            printf("%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %s\n", names[i], label.metadata.range[j].offset_bytes,
                   area.text_at_bytes, area.length_bytes,
                   area.ignored ? "ignored" : !area.text ? "empty" : area.wraps ? "wraps" : "whole");
            snap_area_free(&area);
        }
    }
}

static void show_segment(const struct snap_group *group, const char *lv, const struct snap_volume_segment *segment)
{
    printf("%s-%s: %" PRIu64 " %" PRIu64, group->metadata->name, lv, segment->logical_bytes / 512,
           segment->length_bytes / 512);
    if (segment->area_count == 1)
        printf(" linear");
    else
        printf(" striped %u %" PRIu64, segment->area_count, segment->stripe_bytes / 512);
    for (unsigned i = 0; i < segment->area_count; i++)
        printf(" %s %" PRIu64, names[group->pvs[segment->areas[i].pv].device], segment->areas[i].offset_bytes / 512);
    printf("\n");
}

/* The tables of all volumes; a refused one and the snapshots as lines of their own. */
static void show_tables(const struct snap_groups *groups)
{
    for (size_t i = 0; i < groups->note_count; i++)
        printf("note: %s\n", groups->notes[i]);
    for (size_t i = 0; i < groups->count; i++) {
        const struct snap_metadata *metadata = groups->groups[i].metadata;

        for (size_t lv = 0; lv < metadata->lv_count; lv++) {
            const struct snap_metadata_segment *first = metadata->lvs[lv].segments;
            struct snap_volume *volume;

            if (first->kind == SNAP_METADATA_SNAPSHOT) {
                printf("%s of %s in %s chunk %" PRIu64 "\n", first->merging ? "merging" : "snapshot",
                       metadata->lvs[first->origin].name, metadata->lvs[first->cow].name, first->chunk_sectors);
            } else if (snap_volume_new(metadata, lv, &volume, &err) != SNAP_OK) {
                printf("refused: %s\n", err.text);
            } else {
                for (size_t j = 0; j < volume->segment_count; j++)
                    show_segment(&groups->groups[i], metadata->lvs[lv].name, &volume->segments[j]);
                snap_volume_free(volume);
            }
        }
    }
}

static struct snap_io *open_volume(const struct snap_groups *groups, char *name)
{
    char *lv_name = strchr(name, '/');
    struct snap_io *members[DEVICES_MAX] = {NULL}, *io = NULL;
    struct snap_volume *volume = NULL;
    const struct snap_group *group;
    size_t index, lv;

    if (!lv_name)
        exit(1);
    *lv_name++ = '\0';
    must(snap_group_find(groups, name, &index, &err));
    group = &groups->groups[index];
    lv = snap_metadata_find(group->metadata, lv_name);
    if (lv == group->metadata->lv_count || group->metadata->pv_count > DEVICES_MAX)
        exit(1);
    must(snap_volume_new(group->metadata, lv, &volume, &err));
    must(snap_group_refuse(group, volume, devices, &err));
    for (size_t pv = 0; pv < group->metadata->pv_count; pv++)
        if (snap_volume_is_on(volume, pv))
            members[pv] = open_device(group->pvs[pv].device);
    must(snap_volume_io_new(volume, members, group->metadata->pv_count, &io, &err));
    return io;
}

static void copy_volume(const struct snap_groups *groups, char *name, const char *target)
{
    struct snap_io *io = open_volume(groups, name);
    char *buffer = aligned_alloc(4096, STEP_BYTES);
    const int fd = open(target, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    if (!buffer || fd < 0)
        exit(1);
    for (uint64_t at = 0; at < io->size_bytes;) {
        const uint64_t step = io->size_bytes - at < STEP_BYTES ? io->size_bytes - at : STEP_BYTES;

        must(snap_io_read(io, at, step, buffer, &err));
        if (write(fd, buffer, step) != (ssize_t)step)
            exit(1);
        at += step;
    }
    if (close(fd) != 0)
        exit(1);
    free(buffer);
    must(snap_io_close(io, &err));
}

int main(int argc, char **argv)
{
    const bool copies = argc > 3 && strcmp(argv[1], "copy") == 0;
    struct snap_groups *groups = NULL;

    for (int i = copies ? 4 : 2; i < argc && device_count < DEVICES_MAX; i++) {
        char *path = strchr(argv[i], '=');

        if (!path)
            return 1;
        *path++ = '\0';
        names[device_count] = argv[i];
        paths[device_count] = path;
        devices[device_count] = open_device(device_count);
        device_count++;
    }
    must(snap_group_read_all(devices, device_count, &groups, &err));
    if (copies)
        copy_volume(groups, argv[2], argv[3]);
    else if (argc > 1 && strcmp(argv[1], "areas") == 0)
        show_areas();
    else
        show_tables(groups);
    snap_group_free_all(groups);
    for (size_t i = 0; i < device_count; i++)
        must(snap_io_close(devices[i], &err));
    return fflush(stdout) == 0 ? 0 : 1;
}
