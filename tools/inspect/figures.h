/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The figures of a store: header, identity, usage, what is on the devices. */
#ifndef DMSNAP_TOOLS_INSPECT_FIGURES
#define DMSNAP_TOOLS_INSPECT_FIGURES

#include "tools/cli/json.h"
#include "tools/inspect/session.h"

/* Reads the list and, where there is an origin, both devices. A store that cannot be followed to its end says why. */
enum snap_status inspect_figures_gather(struct inspect_session *session, struct snap_error *err);

/* After that, for the summary: what only a look at all entries together shows. */
enum snap_status inspect_figures_gather_whole(struct inspect_session *session, struct snap_error *err);

/* That the store is damaged, where its figures do not show it. */
void inspect_figures_warn(struct inspect_session *session);

/* As text, or as one JSON document at the end of the program. */
void inspect_figures_print(struct inspect_session *session);
void inspect_figures_json(struct inspect_session *session);

/* The members of that document's result. */
void inspect_figures_set(struct cli_json *result, const struct inspect_session *session);

#endif
