/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every program does before it looks at anything: it trusts no environment and leaves no memory behind. */
#ifndef DMSNAP_TOOLS_CLI_HARDEN
#define DMSNAP_TOOLS_CLI_HARDEN

#include "lib/base/error.h"

/*
 * Gives up core dumps and gaining rights (confine.h), and forgets the variables with which libraries write debug output
 * or read other files. SNAP_E_REFUSED where the program runs with more rights than its caller has
 * (set-user-ID or file capabilities): it was not made for that.
 */
enum snap_status cli_harden(struct snap_error *err);

#endif
