/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Turns what a user writes about sizes, counts and times into numbers, and numbers into what a user reads. */
#ifndef DMSNAP_TOOLS_CLI_SIZE
#define DMSNAP_TOOLS_CLI_SIZE

#include "lib/base/error.h"

#include <stdint.h>

/*
 * The largest size that the parser takes: what fits an off_t. UINT64_MAX is therefore free to mean "not a size".
 */
#define CLI_SIZE_MAX_BYTES ((uint64_t)INT64_MAX)

/*
 * Strict parsers: the whole text must be one number without sign, blank or leading zero. A failure is
 * SNAP_E_USAGE, its text names the bad input, and the output is left alone.
 */

/*
 * A size in bytes: digits, then nothing (bytes), `s` (sectors of 512 bytes), `K M G T` or `KiB MiB GiB TiB`
 * (1024-based, the single letter also small), `KB MB GB TB` (1000-based). At most CLI_SIZE_MAX_BYTES. 0 is taken:
 * the caller judges.
 */
enum snap_status cli_parse_size(const char *text, uint64_t *bytes, struct snap_error *err);

/* A count from `minimum` to `maximum`, no unit. */
enum snap_status cli_parse_uint(const char *text, uint64_t minimum, uint64_t maximum, uint64_t *value,
                                struct snap_error *err);

/* Whole seconds, no unit, at most a hundred years (a product with 1000 fits easily). */
enum snap_status cli_parse_seconds(const char *text, uint64_t *seconds, struct snap_error *err);

/* A short text by value, so that it can stand in an argument list: printf("%s", cli_size_text(bytes).text). */
struct cli_text {
    char text[64];
};

/* "512 bytes", "1 byte", "4 KiB", "1.5 GiB": exact multiples without a fraction, others rounded to one digit. */
struct cli_text cli_size_text(uint64_t bytes);

/* "1.5 GiB (1610612736 bytes)"; below 1 KiB the same as cli_size_text. */
struct cli_text cli_size_text_exact(uint64_t bytes);

/* "120.4 MiB/s"; "-" where `elapsed_ms` is 0. */
struct cli_text cli_rate_text(uint64_t bytes, uint64_t elapsed_ms);

/* Bytes per second, rounded down; 0 where `elapsed_ms` is 0; never overflows. */
uint64_t cli_rate_bytes(uint64_t bytes, uint64_t elapsed_ms);

/* "0 s", "59 s", "12 min 05 s", "3 h 07 min", "2 d 04 h": rounded down. */
struct cli_text cli_duration_text(uint64_t milliseconds);

/*
 * For a size refused as too small: "; for 8 sectors write 8s" where the number looks like a count of sectors, ""
 * where it does not. Made to be appended to the caller's sentence.
 */
struct cli_text cli_sector_hint(uint64_t bytes);

/* How long something took, and how fast it was: "12 min 05 s, 120.4 MiB/s"; "less than 1 s" where it was short. */
struct cli_text cli_pace_text(uint64_t bytes, uint64_t elapsed_ms);

/* "1 entry", "3 entries": `one` and `many` are the nouns. */
struct cli_text cli_count_text(uint64_t count, const char *one, const char *many);

#endif
