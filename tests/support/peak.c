/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a program, and writes into a file how much memory it had at most: `peak FILE PROGRAM ARGUMENT...`. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* In KiB, of all children that have ended. */
static int write_peak(const char *path)
{
    struct rusage usage;
    FILE *out = fopen(path, "w");

    if (!out || getrusage(RUSAGE_CHILDREN, &usage) != 0 || fprintf(out, "%ld\n", usage.ru_maxrss) < 0 ||
        fclose(out) != 0) {
        fprintf(stderr, "peak: %s: %s\n", path, strerror(errno));
        return -1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    int status;
    pid_t child;

    if (argc < 3)
        return 125;
    child = fork();
    if (child == 0) {
        (void)execv(argv[2], argv + 2);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || write_peak(argv[1]) != 0 || !WIFEXITED(status))
        return 125;
    return WEXITSTATUS(status);
}
