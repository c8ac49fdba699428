/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A new folder for each test, with files that are told apart by their content. */
#ifndef DMSNAP_FOLDER_FIXTURE
#define DMSNAP_FOLDER_FIXTURE

#include "lib/base/error.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char fixture_folder[80];

static inline int fixture_make(void **state)
{
    (void)state;
    (void)snprintf(fixture_folder, sizeof fixture_folder, "%s/dmsnap-unit.XXXXXX",
                   getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    return mkdtemp(fixture_folder) ? 0 : -1;
}

/* How many names are in the folder; removes them, if asked. */
static inline unsigned fixture_names(bool clear)
{
    DIR *folder = opendir(fixture_folder);
    const struct dirent *entry;
    unsigned count = 0;

    while (folder && (entry = readdir(folder)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        count++;
        if (clear)
            (void)unlinkat(dirfd(folder), entry->d_name, 0);
    }
    if (folder)
        (void)closedir(folder);
    return count;
}

static inline int fixture_remove(void **state)
{
    (void)state;
    (void)chmod(fixture_folder, 0700);
    (void)fixture_names(true);
    return rmdir(fixture_folder);
}

/* Good until the next but one call. */
static inline const char *fixture_path(const char *name)
{
    static char paths[2][400];
    static unsigned turn;

    turn ^= 1;
    (void)snprintf(paths[turn], sizeof paths[turn], "%s/%s", fixture_folder, name);
    return paths[turn];
}

static inline void fixture_put(const char *name, const char *text)
{
    const int fd = open(fixture_path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
}

/* The content, at most a line. */
static inline const char *fixture_get(const char *name)
{
    static char text[256];
    const int fd = open(fixture_path(name), O_RDONLY | O_CLOEXEC);
    ssize_t count;

    assert_true(fd >= 0);
    count = read(fd, text, sizeof text - 1);
    assert_true(count >= 0);
    text[count] = '\0';
    assert_int_equal(close(fd), 0);
    return text;
}

#endif
