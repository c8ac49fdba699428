/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gives libext2fs a channel of ours in the form that it asks for. */
#ifndef DMSNAP_FILES_EXT2_MANAGER_PRIVATE
#define DMSNAP_FILES_EXT2_MANAGER_PRIVATE

#include "lib/files/ext2_channel_private.h"

/*
 * For ext2fs_open2, together with the name of a channel that has it as its manager: nothing else can be opened with it.
 * NULL: out of memory. Free it with free() when the file system is closed.
 */
struct struct_io_manager *snap_ext2_manager_new(void);

#endif
