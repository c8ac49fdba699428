/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one JSON object with which a run under --json ends, however it ends. */
#ifndef DMSNAP_TOOLS_CLI_RESULT
#define DMSNAP_TOOLS_CLI_RESULT

#include "lib/base/error.h"

struct cli;
struct cli_json;

/* Keeps the document until the end, when the exit status is known. Takes it, in every case; one for each run. */
void cli_result_keep(struct cli *cli, struct cli_json *taken);

/* Lines are printed instead of one document (json.h); the last one is printed at the end. */
void cli_result_stream(struct cli *cli);

/*
 * One more element of the array `key`, printed at once: for arrays that are too long to be kept. Takes it, in every
 * case. The first one needs the beginning of the document (in every case taken, too), all others NULL; what is kept
 * then is what stands behind the array. Failures as in json.h.
 */
enum snap_status cli_result_element(struct cli *cli, struct cli_json *taken_begin, const char *key,
                                    struct cli_json *taken, struct snap_error *err);

/* The run failed; of several failures the first one is told. */
void cli_result_failed(struct cli *cli, const struct snap_error *failure);

/* One more element of the member "moved", which the object has where there is one. Takes it, in every case. */
void cli_result_moved(struct cli *cli, struct cli_json *taken);

/*
 * With --json: prints the document with "error", where something has failed, and "exit_status"; or an object with
 * these two alone, where there is no document. The last line, where lines were printed. Failures as in json.h.
 */
enum snap_status cli_result_print(struct cli *cli, const char *version, int exit_status, struct snap_error *err);

/* Frees what was kept. */
void cli_result_free(struct cli *cli);

/*
 * A command line that could not be read to its end may ask for JSON behind the fault: as "--json", or with the letter,
 * also among others. What cannot be read may have taken such a word for its argument; then it asks for it all the same.
 */
void cli_result_look_for_json(struct cli *cli, const char *const *argv);

#endif
