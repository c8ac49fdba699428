/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the header of a store and the size of its device say already: findings before any entry is read. For check. */
#ifndef DMSNAP_CHECK_CHECK_HEADER_PRIVATE
#define DMSNAP_CHECK_CHECK_HEADER_PRIVATE

#include "lib/check/findings.h"
#include "lib/store/header.h"

/* The finding of a store whose header has a defect: it cannot be read any further. Statuses of snap_findings_add. */
enum snap_status snap_check_header_defect(const struct snap_store *store, struct snap_findings *findings,
                                          struct snap_error *err);

/*
 * The findings of a good header, and of chunk 0, which is read. `origin_block_bytes`: logical blocks of the origin, 0
 * where it is not known.
 */
enum snap_status snap_check_header(const struct snap_store *store, uint32_t origin_block_bytes,
                                   struct snap_findings *findings, struct snap_error *err);

#endif
