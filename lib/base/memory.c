/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads /proc/meminfo, and the limits of control groups where they are mounted. */
#include "lib/base/memory.h"

#include "lib/base/arith.h"

#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define LINE_BYTES 4096u

/* The files of a version of control groups that say what a group may use. */
struct group_files {
    const char *limit, *usage, *droppable;
};

static const struct group_files version_1 = {"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"};
static const struct group_files version_2 = {"memory.max", "memory.current", "inactive_file"};

static FILE *open_at(const char *root, const char *folder, const char *name)
{
    char path[PATH_MAX];
    const int length = snprintf(path, sizeof path, "%s%s/%s", root, folder, name);

    return length > 0 && length < PATH_MAX ? fopen(path, "re") : NULL;
}

/* The number behind `key` and blanks, in a line of its own; with an empty key, the number that the file begins with. */
static bool read_number(const char *root, const char *folder, const char *name, const char *key, uint64_t *number)
{
    FILE *file = open_at(root, folder, name);
    const size_t key_length = strlen(key);
    char line[LINE_BYTES];
    bool found = false;

    while (file && !found && fgets(line, sizeof line, file))
        found = strncmp(line, key, key_length) == 0 && sscanf(line + key_length, " %" SCNu64, number) == 1;
    if (file)
        (void)fclose(file); /* was only read */
    return found;
}

/* What one group leaves. "max" is no number: that group has no limit. */
static uint64_t left_by_group(const char *root, const char *folder, const struct group_files *files)
{
    uint64_t limit, usage, droppable;

    if (!read_number(root, folder, files->limit, "", &limit) || !read_number(root, folder, files->usage, "", &usage))
        return UINT64_MAX;
    if (!read_number(root, folder, "memory.stat", files->droppable, &droppable))
        droppable = 0;
    usage -= snap_min(usage, droppable);
    return limit - snap_min(limit, usage);
}

/* The group and all above it, up to where its hierarchy is mounted. */
static uint64_t left_by_groups(const char *root, const char *mounted_at, const char *group,
                               const struct group_files *files)
{
    char folder[PATH_MAX];
    const size_t top_length = strlen(mounted_at);
    const int length = snprintf(folder, sizeof folder, "%s%s", mounted_at, strcmp(group, "/") == 0 ? "" : group);
    uint64_t left = UINT64_MAX;

    if (length < 0 || length >= PATH_MAX)
        return UINT64_MAX;
    for (;;) {
        left = snap_min(left, left_by_group(root, folder, files));
        if (strlen(folder) <= top_length)
            return left;
        *strrchr(folder, '/') = '\0';
    }
}

/* Whether the list of words with commas between them has this one. */
static bool has_word(const char *list, const char *word)
{
    const size_t length = strlen(word);

    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strncmp(at, word, length) == 0 && (at[length] == ',' || at[length] == '\0'))
            return true;
    return false;
}

/* The group of this process, which a line of /proc/self/cgroup names: "4:memory:/a/b", or "0::/a/b" of version 2. */
static bool find_group(const char *root, bool second, char group[LINE_BYTES])
{
    FILE *file = open_at(root, "/proc/self", "cgroup");
    char line[LINE_BYTES];
    bool found = false;

    while (file && !found && fgets(line, sizeof line, file)) {
        char *controllers = strchr(line, ':');
        char *path = controllers ? strchr(controllers + 1, ':') : NULL;

        if (!path)
            continue;
        *path++ = '\0';
        controllers++;
        path[strcspn(path, "\n")] = '\0';
        found = path[0] == '/' && (second ? controllers[0] == '\0' : has_word(controllers, "memory"));
        if (found)
            (void)snprintf(group, LINE_BYTES, "%s", path);
    }
    if (file)
        (void)fclose(file);
    return found;
}

/*
 * One line of /proc/self/mountinfo: where the hierarchy is mounted, and which of its groups is seen there, since in a
 * container that may be an inner one.
 */
static uint64_t left_by_mount(const char *root, char *line, const char *group, bool second)
{
    char seen[LINE_BYTES], mounted_at[LINE_BYTES], type[64], options[LINE_BYTES];
    const struct group_files *files = second ? &version_2 : &version_1;
    char *rest = strstr(line, " - ");
    size_t seen_length;

    if (!rest || sscanf(line, "%*s %*s %*s %4095s %4095s", seen, mounted_at) != 2 ||
        sscanf(rest, " - %63s %*s %4095s", type, options) != 2 ||
        strcmp(type, second ? "cgroup2" : "cgroup") != 0 || (!second && !has_word(options, "memory")))
        return UINT64_MAX;
    seen_length = strcmp(seen, "/") == 0 ? 0 : strlen(seen);
    if (strncmp(group, seen, seen_length) != 0 || (group[seen_length] != '/' && group[seen_length] != '\0'))
        return left_by_groups(root, mounted_at, "/", files); /* as far as it can be seen from here */
    return left_by_groups(root, mounted_at, group + seen_length, files);
}

static uint64_t left_by_hierarchy(const char *root, bool second)
{
    char group[LINE_BYTES], line[LINE_BYTES];
    uint64_t left = UINT64_MAX;
    FILE *file;

    if (!find_group(root, second, group))
        return UINT64_MAX;
    file = open_at(root, "/proc/self", "mountinfo");
    while (file && fgets(line, sizeof line, file))
        left = snap_min(left, left_by_mount(root, line, group, second));
    if (file)
        (void)fclose(file);
    return left;
}

uint64_t snap_memory_available_bytes(const char *root)
{
    uint64_t kibibytes;

    if (!read_number(root, "/proc", "meminfo", "MemAvailable:", &kibibytes))
        return 0;
    return snap_min(kibibytes * 1024, snap_min(left_by_hierarchy(root, false), left_by_hierarchy(root, true)));
}
