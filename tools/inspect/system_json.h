/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The trees of snapshots as JSON. */
#ifndef DMSNAP_TOOLS_INSPECT_SYSTEM_JSON
#define DMSNAP_TOOLS_INSPECT_SYSTEM_JSON

#include "tools/cli/cli.h"
#include "tools/inspect/tree.h"

/* The whole document; without device-mapper it has empty lists. */
struct cli_json *inspect_system_json(const struct cli *cli, const struct inspect_running *running,
                                     const struct inspect_tree *tree, bool device_mapper);

#endif
