/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mends the store that was checked: plan, question, old bytes, writes, and a second check. */
#ifndef DMSNAP_TOOLS_CHECK_REPAIR
#define DMSNAP_TOOLS_CHECK_REPAIR

#include "tools/check/session.h"
#include "tools/shared/report.h"

/*
 * After check_run on a store that is open for writing. Nothing is written where nothing may be mended, or nobody agrees
 * (SNAP_E_REFUSED). The old bytes are durable, under their name, before the first write.
 */
enum snap_status check_repair(struct check_session *session, struct snap_error *err);

/*
 * The same for a person who has not said that anything is to be mended: after a question. Where nothing can be mended,
 * there is no place for the old bytes, or the answer is no, the run goes on as one that only checks.
 */
enum snap_status check_repair_ask(struct check_session *session, struct snap_error *err);

/* Plans in session->repair what this store needs and --accept allows. `origin` may be NULL: it is not to be asked. */
enum snap_status check_repair_plan(struct check_session *session, const struct snap_store *store,
                                   struct snap_io *origin, enum snap_repair_keep keep, struct snap_error *err);

/* What the plan would do, which bytes of the snapshot change by it, and what else could be mended. */
void check_repair_say(struct check_session *session);

/* What is mended and what changes, of a plan that is carried out in a copy only. */
void check_repair_say_copy(struct check_session *session);

/* Where entries are for the same chunk: their places, and which kernel shows which of them; once in a run. */
void check_repair_say_choices(struct check_session *session);
struct cli_json *check_repair_choices_json(const struct check_session *session);

/* "area 0 slot 3" */
struct report_text check_repair_place(const struct check_session *session, uint64_t index);

/* What is said after a refusal: what to type where the store, or the folder for its old bytes, takes no writes. */
void check_repair_refused(struct check_session *session, const struct snap_error *err);

/* What is said after a failure behind the first write. */
void check_repair_failed(struct check_session *session);

/* The member `repair` of the result. */
struct cli_json *check_repair_json(const struct check_session *session);

/* How many chunks of the snapshot show what the origin has after the repair, those that are not known included. */
uint64_t check_repair_from_origin(const struct check_session *session);

/* Takes the bytes of --put-back back; opens what it needs. */
enum snap_status check_put_back(struct check_session *session, struct snap_error *err);

#endif
