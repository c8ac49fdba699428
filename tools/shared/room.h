/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much room a file system has for what a program will write to it. */
#ifndef DMSNAP_TOOLS_SHARED_ROOM
#define DMSNAP_TOOLS_SHARED_ROOM

#include <stdbool.h>
#include <stdint.h>

/*
 * What can still be taken on the file system of an open file or folder (O_PATH is enough), as df shows it: what is kept
 * for root is not counted, for the system needs it. False where the file system does not tell.
 */
bool room_free_bytes(int fd, uint64_t *free_bytes);

#endif
