/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which devices were meant by what was typed. */
#ifndef DMSNAP_TOOLS_SHARED_TYPED
#define DMSNAP_TOOLS_SHARED_TYPED

#include "tools/cli/cli.h"

/*
 * For a program that takes the COW as its operand, too: *cow is what --cow named, or NULL, and becomes the one COW that
 * was named. CLI_EXIT_OK, or a usage error where there is none, or both.
 */
int typed_cow(struct cli *cli, const char **cow);

/*
 * For a command line that names origin and COW without their options: looks which of them is a store, and prints the
 * line that was meant. Nothing where that cannot be told.
 */
void typed_mean(struct cli *cli);

/*
 * The same for snapcreate, which makes the store: looks which of them holds something that would be lost, and says so
 * before any line that overwrites it.
 */
void typed_mean_new(struct cli *cli);

/*
 * After a failure because there is no such device: where a device that was named could be an LVM volume that is not
 * active, prints the line with the names that such volumes have. Else nothing.
 */
void typed_mean_missing(struct cli *cli);

#endif
