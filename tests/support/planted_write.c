/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An attacker inside a program (LD_PRELOAD): when the program reads, it writes to another file, $PLANTED_WRITE. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

ssize_t pread64(int fd, void *buffer, size_t length, off64_t offset);

ssize_t pread64(int fd, void *buffer, size_t length, off64_t offset)
{
    static ssize_t (*real)(int, void *, size_t, off64_t);
    const char *victim = getenv("PLANTED_WRITE"), *asked = getenv("PLANTED_ASKS");
    /* "kept": the variable that it was told to ask for is there. */
    const char *word = asked && getenv(asked) ? "kept" : "planted";

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "pread64");
    if (victim) {
        const int planted = open(victim, O_WRONLY);

        if (planted >= 0) {
            if (write(planted, word, strlen(word)) != (ssize_t)strlen(word))
                abort();
            (void)close(planted);
        }
    }
    return real(fd, buffer, length, offset);
}
