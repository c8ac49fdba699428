/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a process gives up before it looks at bytes that others wrote: system calls, and files it may write. */
#ifndef DMSNAP_BASE_CONFINE
#define DMSNAP_BASE_CONFINE

#include <stdbool.h>
#include <stddef.h>

/* What is in force after a call, as bits. A kernel or a build without a part leaves that bit 0. */
#define SNAP_CONFINED_PRIVILEGES 1u /* no program that is started can gain rights (no_new_privs) */
#define SNAP_CONFINED_SYSCALLS 2u   /* system calls that are not needed fail (seccomp, through libseccomp) */
#define SNAP_CONFINED_FILES 4u      /* files elsewhere cannot be opened for writing, made or removed (Landlock) */

/* A file or folder that may still be written to. Of a folder: all files in it, new ones too. */
struct snap_confine_place {
    int fd;       /* open, O_PATH is enough; borrowed */
    bool folder;
    bool nodes;   /* of a folder: device nodes may be made and removed in it, too */
};

/*
 * For a whole program, once its devices are open: from now on it can open for writing, make, rename and remove only
 * what lies in `places`, start no program, use no network, and make only the system calls of a list; the others fail
 * with ENOSYS. What is open already stays as it is. Applies to the calling thread and to what it starts later: call it
 * before there are other threads. Cannot be undone. Returns what is in force.
 *
 * `tables`: device-mapper may be told to make, change and remove devices, and udev waited for; else it may only be
 * asked.
 */
unsigned snap_confine_program(const struct snap_confine_place *places, size_t count, bool tables);

/*
 * For a process that only parses what it can read from descriptors that are open (child.h): it can read, allocate,
 * write to open descriptors and end. With `may_open` it can open files for reading, too. Returns what is in force.
 */
unsigned snap_confine_parser(bool may_open);

/*
 * Gives up for good: gaining rights by starting programs, and core dumps (they would hold what is on the devices).
 * Returns SNAP_CONFINED_PRIVILEGES, or 0.
 */
unsigned snap_confine_start(void);

/* How many system calls the list of snap_confine_program allows; 0 in a build without libseccomp. */
unsigned snap_confine_program_calls(void);

#endif
