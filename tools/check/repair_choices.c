/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries for the same chunk of the origin, in words and as JSON: where they are, and which kernel shows which. */
#include "tools/check/repair.h"

#include "lib/base/arith.h"

#include <inttypes.h>
#include <stdio.h>

#define CHOICES_MAX 20u

struct report_text check_repair_place(const struct check_session *session, uint64_t index)
{
    const uint64_t per_area = session->store.layout.entries_per_area;
    struct report_text result;

    (void)snprintf(result.text, sizeof result.text, "area %" PRIu64 " slot %" PRIu64, index / per_area,
                   index % per_area);
    return result;
}

/* "bytes 4096 to 8191 of the snapshot have"; a damaged entry may name any number. */
static struct report_text choice_text(const struct check_session *session, uint64_t old_chunk)
{
    const uint64_t chunk_bytes = session->store.layout.chunk_bytes;
    const uint64_t size_bytes = session->origin.io ? session->origin.io->size_bytes : INT64_MAX;
    struct report_text result;

    if (old_chunk >= snap_div_up(size_bytes, chunk_bytes))
        (void)snprintf(result.text, sizeof result.text, "chunk %" PRIu64 ", which %s, has", old_chunk,
                       session->origin.io ? "the origin does not have" : "no origin can have");
    else
        (void)snprintf(result.text, sizeof result.text, "bytes %" PRIu64 " to %" PRIu64 " of the snapshot have",
                       old_chunk * chunk_bytes, old_chunk * chunk_bytes + (chunk_bytes - 1));
    return result;
}

void check_repair_say_choices(struct check_session *session)
{
    const struct snap_repair *repair = &session->repair;

    if (session->choices_said)
        return;
    session->choices_said = true;
    for (size_t i = 0; i < repair->choice_count; i++) {
        const struct snap_repair_choice *choice = &repair->choices[i];

        if (i == CHOICES_MAX && !session->arguments.all) {
            cli_line(session->cli, "And %zu more chunks that have several entries; --all shows each.",
                     repair->choice_count - i);
            break;
        }
        cli_note(session->cli, "%s: %.128s %" PRIu64 " entries: the first in %s (data chunk %" PRIu64 "), the last in "
                 "%s (data chunk %" PRIu64 ")%s", session->cow.path,
                 choice_text(session, choice->old_chunk).text, choice->entries,
                 check_repair_place(session, choice->first_index).text, choice->first_new_chunk,
                 check_repair_place(session, choice->last_index).text, choice->last_new_chunk,
                 choice->in_row ? "; one behind the first continues a run, so kernels since 5.2 may show that one"
                                : "");
    }
    if (repair->choice_count > 0)
        cli_line(session->cli, "Of such entries kernels since 5.2 show the first, kernels before 5.2 the last; a merge "
                 "by any kernel leaves the first. Nothing in the store tells which is right.");
}

struct cli_json *check_repair_choices_json(const struct check_session *session)
{
    struct cli_json *choices = cli_json_array();

    for (size_t i = 0; i < session->repair.choice_count; i++) {
        const struct snap_repair_choice *choice = &session->repair.choices[i];
        struct cli_json *json = cli_json_object();

        cli_json_set_hex(json, "old", choice->old_chunk);
        cli_json_set_uint(json, "entries", choice->entries);
        cli_json_set_uint(json, "first_index", choice->first_index);
        cli_json_set_hex(json, "first_new", choice->first_new_chunk);
        cli_json_set_uint(json, "last_index", choice->last_index);
        cli_json_set_hex(json, "last_new", choice->last_new_chunk);
        cli_json_set_bool(json, "in_row", choice->in_row);
        cli_json_add(choices, json);
    }
    return choices;
}
