/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a repair saves what it overwrites, if nobody says where. */
#ifndef DMSNAP_TOOLS_CHECK_PLACE
#define DMSNAP_TOOLS_CHECK_PLACE

/*
 * For an image beside it, for a device or a volume in the folder for state; there a loop device over an image has
 * the name of that one, with its inode. The name may be taken already. To be freed; NULL where there is no such
 * place: the folder does not exist, others can write to it, or it is gone after the next start (also where memory is
 * short).
 */
char *check_place_default(const char *cow);

/* The folder for state: what the build says, or the environment. */
const char *check_place_folder(void);

#endif
