/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the data of all entries, and finds the chunks that cannot be read; never writes. */
#ifndef DMSNAP_CHECK_CHECK_DATA
#define DMSNAP_CHECK_CHECK_DATA

#include "lib/check/findings.h"
#include "lib/store/header.h"

struct snap_check_data_options {
    uint64_t origin_sectors;      /* 0: not known; else the last chunk is only read as far as the origin goes */
    bool (*stop)(void *context);  /* polled; NULL: never */
    void *stop_context;
    void (*progress)(void *context, uint64_t done_entries, uint64_t entries); /* NULL: not reported */
    void *progress_context;
};

/*
 * Reads the data chunk of each of the first `entries` entries, whose numbers snap_check found sound, and adds a finding
 * for each that the medium does not give (snap_error_is_medium): it blocks the kernel's merge. *unreadable counts them.
 * Any other failure of a read ends the check: SNAP_E_NOMEM and others. So does one of the list itself: SNAP_E_IO.
 * SNAP_E_STOPPED; what the finding callback returned.
 */
enum snap_status snap_check_data(const struct snap_store *store, uint64_t entries,
                                 const struct snap_check_data_options *options, struct snap_findings *findings,
                                 uint64_t *unreadable, struct snap_error *err);

#endif
