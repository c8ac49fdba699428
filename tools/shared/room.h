/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much room a file system has for what a program will write to it. */
#ifndef DMSNAP_TOOLS_SHARED_ROOM
#define DMSNAP_TOOLS_SHARED_ROOM

#include <stdbool.h>
#include <stdint.h>

/*
 * What this process can still take on the file system of an open file or folder (O_PATH is enough). What ext2, ext3 and
 * ext4 keep for root counts for root. False where the file system does not tell.
 */
bool room_free_bytes(int fd, uint64_t *free_bytes);

#endif
