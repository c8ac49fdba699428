/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks at every block device that the kernel lists, and chooses the one that has the tag. */
#include "lib/device/tag.h"

#include "lib/base/text.h"
#include "lib/device/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum tag_kind { TAG_LABEL, TAG_UUID, TAG_PARTLABEL, TAG_PARTUUID };

struct tag {
    enum tag_kind kind;
    char value[256];
};

struct candidate {
    struct snap_lookup *found; /* what was probed; NULL: dropped */
    dev_t number;
    dev_t disk_number;
};

struct search {
    struct tag tag;
    struct candidate *candidates;
    size_t count;
    size_t denied_count;   /* devices that this user may not read */
    char denied_path[256]; /* the first of them ... */
    int denied_error;      /* ... and why, as errno */
};

/* SNAP_OK with *is_tag false: the argument is a path. */
static enum snap_status parse_tag(const char *argument, struct tag *tag, bool *is_tag, struct snap_error *err)
{
    static const char *const names[] = {"LABEL=", "UUID=", "PARTLABEL=", "PARTUUID="};
    const char *value = NULL;
    size_t length;

    *is_tag = false;
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strncmp(argument, names[i], strlen(names[i])) == 0) {
            tag->kind = (enum tag_kind)i;
            value = argument + strlen(names[i]);
        }
    }
    if (!value)
        return SNAP_OK;
    *is_tag = true;
    length = strlen(value);
    if (value[0] == '"' || value[0] == '\'') {
        if (length < 2 || value[length - 1] != value[0])
            return snap_fail(err, SNAP_E_USAGE, "%s: the value begins with a quote, but does not end with it",
                             argument);
        value++;
        length -= 2;
    }
    if (length == 0)
        return snap_fail(err, SNAP_E_USAGE, "%s: the tag has no value", argument);
    if (length >= sizeof tag->value)
        return snap_fail(err, SNAP_E_USAGE, "%s: the value is longer than any tag", argument);
    memcpy(tag->value, value, length);
    tag->value[length] = '\0';
    return SNAP_OK;
}

/* What cannot be read does not match: only a stop is a failure. */
static enum snap_status device_matches(int fd, const struct tag *tag, bool *matches, struct snap_error *err)
{
    struct snap_probe_partition partition = {.uuid = ""};
    struct snap_probe probe = {.type = ""};
    enum snap_status status;

    /* Not what LVM keeps inside of a volume: tags mean what is on top. */
    if (tag->kind == TAG_PARTLABEL || tag->kind == TAG_PARTUUID)
        status = snap_probe_partition(fd, &partition, err);
    else
        status = snap_probe_outside(fd, &probe, err);
    *matches = status == SNAP_OK && (tag->kind == TAG_PARTUUID    ? strcasecmp(partition.uuid, tag->value) == 0
                                     : tag->kind == TAG_PARTLABEL ? strcmp(partition.label, tag->value) == 0
                                     : tag->kind == TAG_UUID      ? strcasecmp(probe.uuid, tag->value) == 0
                                                                  : strcmp(probe.label, tag->value) == 0);
    return status == SNAP_E_STOPPED ? status : SNAP_OK;
}

/* Opens what was looked up, and nothing else, whoever changes the node meanwhile. */
static enum snap_status found_matches(struct search *search, const struct snap_lookup *found, bool *matches,
                                      struct snap_error *err)
{
    const int fd = snap_lookup_reopen(found, O_RDONLY);
    enum snap_status status;

    *matches = false;
    if (fd < 0) {
        if (fd != -EACCES && fd != -EPERM)
            return SNAP_OK;
        if (search->denied_count++ == 0) {
            (void)snprintf(search->denied_path, sizeof search->denied_path, "%s", found->path);
            search->denied_error = -fd;
        }
        return SNAP_OK;
    }
    status = device_matches(fd, &search->tag, matches, err);
    (void)close(fd); /* was only read */
    return status;
}

static enum snap_status add_candidate(struct search *search, struct snap_lookup *found, struct snap_error *err)
{
    struct candidate *grown = reallocarray(search->candidates, search->count + 1, sizeof *grown);

    if (!grown) {
        snap_lookup_free(found);
        return snap_fail(err, SNAP_E_NOMEM, "no memory to search devices by tag");
    }
    search->candidates = grown;
    grown[search->count++] = (struct candidate){.found = found, .number = found->number,
                                                         .disk_number = snap_probe_disk(found->number)};
    return SNAP_OK;
}

/* Looks at one device; the node's name alone proves nothing, so its number is held against the kernel's. */
static enum snap_status try_device(struct search *search, dev_t number, struct snap_error *err)
{
    char *path = snap_probe_node(number);
    struct snap_lookup *found = NULL;
    enum snap_status status = SNAP_E_NOENT;
    bool matches = false;

    if (path)
        status = snap_lookup_new(&found, path, err);
    free(path);
    if (status != SNAP_OK) /* gone, or in a folder that this user cannot look into */
        return status == SNAP_E_NOMEM ? status : SNAP_OK;
    if (S_ISBLK(found->mode) && found->number == number)
        status = found_matches(search, found, &matches, err);
    if (matches)
        return add_candidate(search, found, err);
    snap_lookup_free(found);
    return status;
}

static enum snap_status search_devices(struct search *search, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;
    unsigned major_number, minor_number;
    char *line = NULL;
    size_t line_bytes = 0;
    FILE *partitions = fopen("/proc/partitions", "re");

    if (!partitions)
        return snap_fail_errno(err, errno, "/proc/partitions: cannot list the block devices");
    while (status == SNAP_OK && getline(&line, &line_bytes, partitions) > 0) {
        if (sscanf(line, "%u %u", &major_number, &minor_number) == 2)
            status = try_device(search, makedev(major_number, minor_number), err);
    }
    if (status == SNAP_OK && ferror(partitions))
        status = snap_fail_errno(err, EIO, "/proc/partitions: cannot list the block devices");
    free(line);
    (void)fclose(partitions); /* was only read */
    return status;
}

/* A disk whose partition matches too (hybrid ISO images do that) is not what was meant. */
static void drop_disks_of_partitions(struct search *search)
{
    size_t kept = 0;

    for (size_t i = 0; i < search->count; i++) {
        bool has_partition = false;

        for (size_t j = 0; j < search->count; j++)
            has_partition |= search->candidates[j].disk_number == search->candidates[i].number &&
                             search->candidates[j].number != search->candidates[i].number;
        /* Marked in a first pass, since the comparison needs all of them. */
        if (has_partition) {
            snap_lookup_free(search->candidates[i].found);
            search->candidates[i].found = NULL;
        }
    }
    for (size_t i = 0; i < search->count; i++) {
        if (search->candidates[i].found)
            search->candidates[kept++] = search->candidates[i];
    }
    search->count = kept;
}

static enum snap_status choose_candidate(const char *argument, struct search *search, struct snap_lookup **found,
                                         struct snap_error *err)
{
    char list[SNAP_ERROR_TEXT_BYTES] = "";

    if (search->count == 0 && search->denied_count && geteuid() == 0)
        return snap_fail(err, SNAP_E_PERM, "%s: not found, but %zu %s may not be opened here, although this is root "
                         "(%s%s: %s): most often this is a container that was not given the %s; name the device "
                         "itself, or repeat this outside", argument, search->denied_count,
                         snap_text_form(search->denied_count, "device", "devices"),
                         search->denied_count > 1 ? "the first is " : "", search->denied_path,
                         strerror(search->denied_error),
                         snap_text_form(search->denied_count, "device", "devices"));
    if (search->count == 0 && search->denied_count)
        return snap_fail(err, SNAP_E_PERM, "%s: not found, but %zu %s may not be read by this user; repeat "
                         "this as root", argument, search->denied_count,
                         snap_text_form(search->denied_count, "device", "devices"));
    if (search->count == 0)
        return snap_fail(err, SNAP_E_NOENT, "%s: no device has this tag; blkid lists those that there are", argument);
    if (search->count > 1) {
        for (size_t i = 0; i < search->count; i++) {
            size_t used = strlen(list);

            (void)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", search->candidates[i].found->path);
        }
        return snap_fail(err, SNAP_E_REFUSED, "%s: %zu devices have this tag, name one by its path: %s", argument,
                         search->count, list);
    }
    *found = search->candidates[0].found;
    search->candidates[0].found = NULL;
    return SNAP_OK;
}

enum snap_status snap_tag_resolve(const char *argument, char **path, struct snap_lookup **found,
                                  struct snap_error *err)
{
    struct search search = {.count = 0};
    enum snap_status status;
    bool is_tag;

    *path = NULL;
    *found = NULL;
    status = parse_tag(argument, &search.tag, &is_tag, err);
    if (status != SNAP_OK)
        return status;
    if (!is_tag) {
        *path = strdup(argument);
        return *path ? SNAP_OK : snap_fail(err, SNAP_E_NOMEM, "%s: no memory for the path", argument);
    }
    status = search_devices(&search, err);
    if (status == SNAP_OK) {
        drop_disks_of_partitions(&search);
        status = choose_candidate(argument, &search, found, err);
    }
    for (size_t i = 0; i < search.count; i++)
        snap_lookup_free(search.candidates[i].found);
    free(search.candidates);
    if (status != SNAP_OK)
        return status;
    *path = strdup((*found)->path);
    if (*path)
        return SNAP_OK;
    snap_lookup_free(*found);
    *found = NULL;
    return snap_fail(err, SNAP_E_NOMEM, "%s: no memory for the path", argument);
}
