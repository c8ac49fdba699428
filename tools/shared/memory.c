/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much memory a program may plan with. */
#include "tools/shared/memory.h"

#include <stdio.h>

uint64_t memory_available_bytes(void)
{
    FILE *file = fopen("/proc/meminfo", "re");
    char line[128];
    unsigned long long kibibytes = 0;

    if (!file)
        return 0;
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "MemAvailable: %llu kB", &kibibytes) == 1)
            break;
    (void)fclose(file); /* read only: nothing can be lost */
    return (uint64_t)kibibytes * 1024;
}
