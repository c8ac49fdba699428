/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names the processes that keep a device or image from being used. */
#ifndef DMSNAP_DEVICE_LOCKERS
#define DMSNAP_DEVICE_LOCKERS

#include <stddef.h>
#include <stdint.h>

#define SNAP_LOCKERS_BYTES 512u /* room for what is said of three processes */

/*
 * Who holds a lock on a file, such as "locked by process 812 (qemu-nbd)". The kernel tells the process of a lock that
 * belongs to one (POSIX). The lock of an open file description has no process: who has the file open with such a lock
 * can only be seen where this process may look into others. Locks that flock took are not in the way of these two.
 * Where nothing is known so far, a program of ours whose command line names the file is said to be the likely one.
 *
 * Never fails: `text` is empty where nothing is known. At most three processes are named, never this one. A process may
 * have any name: the text has to be escaped.
 */
void snap_lockers_of_file(uint64_t file_device, uint64_t file_inode, char *text, size_t text_bytes);

/* The same for a lock that flock took, and for no other. */
void snap_lockers_by_flock(uint64_t file_device, uint64_t file_inode, char *text, size_t text_bytes);

/* The same for a block device: who has it open. The kernel does not tell who has it exclusively. */
void snap_lockers_of_device(uint64_t device_number, char *text, size_t text_bytes);

#endif
