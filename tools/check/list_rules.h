/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapcheck --list-rules. */
#ifndef DMSNAP_TOOLS_CHECK_LIST_RULES
#define DMSNAP_TOOLS_CHECK_LIST_RULES

#include "lib/check/rules.h"
#include "tools/cli/cli.h"

/* Prints the table of rules on standard output, as text or as JSON; an exit status. */
int check_list_rules(struct cli *cli, bool json);

/* What a person can do where this rule is broken. */
const char *check_list_rules_way_out(enum snap_rule rule);

#endif
