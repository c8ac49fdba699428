/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks through /proc for the processes that lock a file, or have a device open. */
#include "lib/device/lockers.h"

#include "lib/base/sysfs.h"
#include "lib/base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define NAMED_MAX 3u
#define NAME_BYTES 64u
#define COMMAND_LINE_BYTES 16384u

struct search {
    bool block_device;
    bool by_flock;          /* locks of flock are looked for, and no others */
    uint64_t device, inode; /* of a block device: `device` is its number */
    long found[NAMED_MAX];
    unsigned count;
    bool more;
};

static bool is_it(const struct search *search, const struct stat *st)
{
    if (search->block_device)
        return S_ISBLK(st->st_mode) && st->st_rdev == search->device;
    return S_ISREG(st->st_mode) && st->st_dev == search->device && st->st_ino == search->inode;
}

static void add(struct search *search, long process)
{
    if (process <= 0 || process == (long)getpid())
        return;
    for (unsigned i = 0; i < search->count; i++)
        if (search->found[i] == process)
            return;
    if (search->count < NAMED_MAX)
        search->found[search->count++] = process;
    else
        search->more = true;
}

/* Only these two kinds keep out others of these two; a lock of flock keeps out its own kind; a lease is no lock. */
static bool is_lock(const struct search *search, const char *kind)
{
    if (search->by_flock)
        return strcmp(kind, "FLOCK") == 0;
    return strcmp(kind, "POSIX") == 0 || strcmp(kind, "OFDLCK") == 0;
}

/* The lines of /proc/locks: "1: POSIX  ADVISORY  WRITE 812 fe:00:1056779 0 EOF". An OFDLCK has the process -1. */
static void search_locks(struct search *search)
{
    FILE *file = fopen("/proc/locks", "re");
    char *line = NULL;
    size_t line_bytes = 0;

    while (file && getline(&line, &line_bytes, file) > 0) {
        unsigned device_major, device_minor;
        char kind[32];
        uint64_t inode;
        long process;

        /* What only waits for a lock has "->" in front of the kind. */
        if (sscanf(line, "%*s %31s %*s %*s %ld %x:%x:%" SCNu64, kind, &process, &device_major, &device_minor,
                   &inode) == 5 &&
            is_lock(search, kind) && inode == search->inode && makedev(device_major, device_minor) == search->device)
            add(search, process);
    }
    free(line);
    if (file)
        (void)fclose(file); /* was only read */
}

/* What the kernel tells of a descriptor has a line for each lock that was taken through it. */
static bool has_lock(const struct search *search, const char *process, const char *descriptor)
{
    char path[PATH_MAX], kind[32], *line = NULL;
    size_t line_bytes = 0;
    bool found = false;
    FILE *file = NULL;

    if (snprintf(path, sizeof path, "/proc/%s/fdinfo/%s", process, descriptor) < (int)sizeof path)
        file = fopen(path, "re");
    while (file && !found && getline(&line, &line_bytes, file) > 0)
        found = sscanf(line, "lock: %*s %31s", kind) == 1 && is_lock(search, kind);
    free(line);
    if (file)
        (void)fclose(file); /* was only read */
    return found;
}

static void search_descriptors(struct search *search, const char *process)
{
    char path[PATH_MAX];
    const struct dirent *entry;
    DIR *dir = NULL;

    if (snprintf(path, sizeof path, "/proc/%s/fd", process) < (int)sizeof path)
        dir = opendir(path);
    while (dir && (entry = readdir(dir))) {
        struct stat st;

        if (entry->d_name[0] != '.' && fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 && is_it(search, &st) &&
            (search->block_device || has_lock(search, process, entry->d_name)))
            add(search, strtol(process, NULL, 10));
    }
    if (dir)
        (void)closedir(dir);
}

static bool names_it(const struct search *search, const char *process, const char *argument)
{
    const char *value = strchr(argument, '=');
    char path[PATH_MAX];
    struct stat st;

    if (value && value[1] != '\0' && names_it(search, process, value + 1))
        return true;
    /* A relative name is relative to its folder, which may not be seen; most often it is the same as ours. */
    if (argument[0] != '/' &&
        snprintf(path, sizeof path, "/proc/%s/cwd/%s", process, argument) < (int)sizeof path && stat(path, &st) == 0)
        return is_it(search, &st);
    return stat(argument, &st) == 0 && is_it(search, &st);
}

/* One of our own programs, which holds what is named on its command line. */
static void search_command_line(struct search *search, const char *process)
{
    static const char *const programs[] = {"snapmerge", "snapcreate", "snapcheck", "snapinspect"};
    char name[NAME_BYTES], path[PATH_MAX], *arguments;
    bool ours = false;
    ssize_t used = -1;
    int fd;

    if (!snap_sysfs_line(name, sizeof name, "/proc/%s/comm", process))
        return;
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
        ours |= strcmp(name, programs[i]) == 0;
    arguments = ours ? calloc(1, COMMAND_LINE_BYTES) : NULL;
    if (!arguments)
        return;
    (void)snprintf(path, sizeof path, "/proc/%s/cmdline", process);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        used = read(fd, arguments, COMMAND_LINE_BYTES - 1);
        (void)close(fd); /* was only read */
    }
    for (ssize_t at = 0; at < used; at += (ssize_t)strlen(arguments + at) + 1)
        if (names_it(search, process, arguments + at))
            add(search, strtol(process, NULL, 10));
    free(arguments);
}

static void search_processes(struct search *search, void (*look)(struct search *search, const char *process))
{
    const struct dirent *entry;
    DIR *dir = opendir("/proc");

    while (dir && (entry = readdir(dir)))
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
            look(search, entry->d_name);
    if (dir)
        (void)closedir(dir);
}

/* "process 812 (qemu-nbd)"; a name that could be taken for something else is in quotes. */
static void append_process(char *text, size_t text_bytes, const char *before, long process)
{
    const size_t used = strlen(text);
    char name[NAME_BYTES], quoted[2 * NAME_BYTES + 3];

    if (!snap_sysfs_line(name, sizeof name, "/proc/%ld/comm", process))
        (void)snprintf(text + used, text_bytes - used, "%sprocess %ld", before, process); /* it has ended */
    else
        (void)snprintf(text + used, text_bytes - used, "%sprocess %ld (%s)", before, process,
                       strpbrk(name, " ()\"',;:\\") ? snap_text_quote(name, quoted, sizeof quoted) : name);
}

static void find(struct search *search, char *text, size_t text_bytes)
{
    const char *how = search->block_device ? "open in " : "locked by ", *behind = "";

    text[0] = '\0';
    if (!search->block_device)
        search_locks(search);
    search_processes(search, search_descriptors);
    if (search->count == 0 && !search->by_flock) {
        search_processes(search, search_command_line);
        how = "most likely by ";
        behind = search->count == 1 ? ", whose command line names it" : ", whose command lines name it";
    }
    for (unsigned i = 0; i < search->count; i++)
        append_process(text, text_bytes, i == 0 ? how : ", ", search->found[i]);
    if (search->count > 0) {
        const size_t used = strlen(text);

        (void)snprintf(text + used, text_bytes - used, "%s%s", search->more ? " and others" : "", behind);
    }
}

void snap_lockers_of_file(uint64_t file_device, uint64_t file_inode, char *text, size_t text_bytes)
{
    struct search search = {.device = file_device, .inode = file_inode};

    find(&search, text, text_bytes);
}

void snap_lockers_by_flock(uint64_t file_device, uint64_t file_inode, char *text, size_t text_bytes)
{
    struct search search = {.by_flock = true, .device = file_device, .inode = file_inode};

    find(&search, text, text_bytes);
}

void snap_lockers_of_device(uint64_t device_number, char *text, size_t text_bytes)
{
    struct search search = {.block_device = true, .device = device_number};

    find(&search, text, text_bytes);
}
