/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Turns the argument of an option into its value. */
#ifndef DMSNAP_TOOLS_CLI_VALUE
#define DMSNAP_TOOLS_CLI_VALUE

#include "lib/base/error.h"
#include "tools/cli/program.h"

/*
 * Reads `text` into the destination of the option, by the strict parsers. `text` is NULL for flags; a string is
 * borrowed, so it must live as long as its destination is used. SNAP_E_USAGE, without the option's name.
 */
enum snap_status cli_value_read(const struct cli_option *option, const char *text, struct snap_error *err);

/* Writes "identity, cut" for a list of words, cut where `room` ends. */
void cli_value_join_words(const char *const *words, char *out, size_t room);

#endif
