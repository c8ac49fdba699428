/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An attacker inside a program (LD_PRELOAD): when the program reads for the first time, it writes to another file. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

ssize_t pread64(int fd, void *buffer, size_t length, off64_t offset);

ssize_t pread64(int fd, void *buffer, size_t length, off64_t offset)
{
    static ssize_t (*real)(int, void *, size_t, off64_t);
    const char *victim = getenv("PLANTED_WRITE");

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "pread64");
    if (victim) {
        const int planted = open(victim, O_WRONLY);

        if (planted >= 0) {
            if (write(planted, "planted", 7) != 7)
                abort();
            (void)close(planted);
        }
    }
    return real(fd, buffer, length, offset);
}
