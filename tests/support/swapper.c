/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hostile owner of a folder: each new file in it is exchanged for a link to a victim as soon as it appears. */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STOLEN ".stolen"

/* The file itself stays, as NAME.stolen, so that a test can see what was written to it. */
static void swap(const char *name, const char *victim)
{
    const size_t length = strlen(name), end = strlen(STOLEN);
    char stolen[300];
    struct stat seen;

    if (length >= end && strcmp(name + length - end, STOLEN) == 0)
        return;
    if (lstat(name, &seen) != 0 || !S_ISREG(seen.st_mode))
        return; /* our own link */
    (void)snprintf(stolen, sizeof stolen, "%s" STOLEN, name);
    if (rename(name, stolen) == 0 && symlink(victim, name) == 0)
        printf("%s\n", name);
    (void)fflush(stdout);
}

static void swap_new_names(int fd, const char *victim)
{
    _Alignas(struct inotify_event) char events[8192];
    const ssize_t length = read(fd, events, sizeof events);

    for (ssize_t at = 0; at < length;) {
        struct inotify_event event;

        memcpy(&event, events + at, sizeof event);
        if (event.len > 0)
            swap(events + at + sizeof event, victim);
        at += (ssize_t)(sizeof event + event.len);
    }
}

int main(int argc, char **argv)
{
    const time_t end = time(NULL) + (argc == 4 ? atoi(argv[3]) : 0);
    const int fd = inotify_init1(IN_CLOEXEC);
    struct pollfd wait = {.fd = fd, .events = POLLIN};

    if (argc != 4 || fd < 0 || chdir(argv[1]) != 0 || inotify_add_watch(fd, ".", IN_CREATE | IN_MOVED_TO) < 0) {
        fprintf(stderr, "usage: swapper FOLDER VICTIM SECONDS; prints the names that were exchanged\n");
        return 2;
    }
    printf("ready\n");
    (void)fflush(stdout);
    while (time(NULL) < end)
        if (poll(&wait, 1, 100) > 0)
            swap_new_names(fd, argv[2]);
    (void)close(fd);
    return 0;
}
