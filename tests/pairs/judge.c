/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holds one store against many origins, and prints a line of answers for each: for the table of README.md. */
#include "lib/base/bytes.h"
#include "lib/check/evidence.h"
#include "lib/io/file.h"

#include <stdio.h>

static const struct snap_file_options buffered = {.buffered = true, .engine = SNAP_IO_ENGINE_THREADS};
static const struct snap_device image; /* nothing is known of it */

static int complain(const struct snap_error *err)
{
    (void)fprintf(stderr, "judge: %s\n", err->text);
    return 1;
}

/*
 * ORIGIN OUTCOME REASON, as all programs judge; then what the content alone says (likely or unknown), and its figures:
 * SAMPLED TELLING RESEMBLING SHUFFLED. Where the list reaches beyond the origin these are left out.
 */
static enum snap_status judge(const struct snap_store *store, const char *path, struct snap_error *err)
{
    struct snap_check_options options = {.memory_bytes = 16u << 20};
    struct snap_findings findings = {.fn = NULL};
    struct snap_resemblance content;
    struct snap_evidence evidence;
    struct snap_check_result check;
    struct snap_evidence_look look = {.store = store, .figures = &check, .device = &image};
    struct snap_io *origin;
    enum snap_status status = snap_file_open(&origin, path, &buffered, err);

    if (status != SNAP_OK)
        return status;
    look.origin = origin;
    options.origin_sectors = origin->size_bytes / SNAP_SECTOR_BYTES;
    status = snap_check(store, &options, &findings, &check, err);
    if (status == SNAP_OK)
        status = snap_evidence_gather(&look, &evidence, err);
    if (status == SNAP_OK && check.entries_beyond == 0)
        status = snap_resemblance_measure(store, check.entries, origin, &content, err);
    if (status == SNAP_OK) {
        (void)printf("%s %s %s", path, snap_pair_outcome_name(evidence.pair.outcome),
                     snap_pair_reason_name(evidence.pair.reason));
        if (check.entries_beyond == 0)
            (void)printf(" %s %u %u %u %u", content.likely ? "likely" : "unknown", content.sampled, content.telling,
                         content.resembling, content.shuffled_resembling);
        (void)printf("\n");
    }
    (void)snap_io_close(origin, NULL);
    return status;
}

int main(int argc, char **argv)
{
    struct snap_error err = {.text = ""};
    struct snap_store store;
    struct snap_io *cow;
    int result = 0;

    if (argc < 3) {
        (void)fprintf(stderr, "usage: judge COW ORIGIN...\n");
        return 2;
    }
    if (snap_file_open(&cow, argv[1], &buffered, &err) != SNAP_OK || snap_header_open(&store, cow, &err) != SNAP_OK)
        return complain(&err);
    for (int i = 2; i < argc && result == 0; i++)
        if (judge(&store, argv[i], &err) != SNAP_OK)
            result = complain(&err);
    (void)snap_io_close(cow, NULL);
    return result;
}
