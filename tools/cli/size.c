/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads and writes sizes, counts and times as people do. */
#include "tools/cli/size.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "lib/io/io.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SECONDS_MAX (100ull * 366 * 24 * 3600)

struct unit {
    const char *suffix;
    uint64_t bytes;
};

static const struct unit units[] = {
    { "", 1 },
    { "s", SNAP_SECTOR_BYTES },
    { "K", 1ull << 10 }, { "k", 1ull << 10 }, { "KiB", 1ull << 10 }, { "KB", 1000ull },
    { "M", 1ull << 20 }, { "m", 1ull << 20 }, { "MiB", 1ull << 20 }, { "MB", 1000000ull },
    { "G", 1ull << 30 }, { "g", 1ull << 30 }, { "GiB", 1ull << 30 }, { "GB", 1000000000ull },
    { "T", 1ull << 40 }, { "t", 1ull << 40 }, { "TiB", 1ull << 40 }, { "TB", 1000000000000ull },
};

/*
 * ---- parsing ---------------------------------------------------------------------------------------------------
 */

/*
 * Reads the digits at the start of `text`; *rest is what follows them. Only ASCII digits count, whatever the
 * locale. `what` is the noun for the sentence: "size".
 */
static enum snap_status parse_digits(const char *text, const char *what, uint64_t *value, const char **rest,
                                     struct snap_error *err)
{
    const char *at = text;
    uint64_t sum = 0;

    if (*text == '\0')
        return snap_fail(err, SNAP_E_USAGE, "the %s is empty", what);
    if (*text < '0' || *text > '9')
        return snap_fail(err, SNAP_E_USAGE, "'%s' is not a %s: it does not begin with a digit", text, what);
    if (text[0] == '0' && text[1] >= '0' && text[1] <= '9')
        return snap_fail(err, SNAP_E_USAGE, "'%s' is not a %s: it begins with a 0", text, what);
    for (; *at >= '0' && *at <= '9'; at++) {
        if (!snap_mul(sum, 10, &sum) || !snap_add(sum, (uint64_t)(*at - '0'), &sum))
            return snap_fail(err, SNAP_E_USAGE, "the %s '%s' is too large", what, text);
    }
    *value = sum;
    *rest = at;
    return SNAP_OK;
}

enum snap_status cli_parse_size(const char *text, uint64_t *bytes, struct snap_error *err)
{
    const char *suffix;
    uint64_t value;
    enum snap_status status = parse_digits(text, "size", &value, &suffix, err);

    if (status != SNAP_OK)
        return status;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(units[i].suffix, suffix) != 0)
            continue;
        if (!snap_mul(value, units[i].bytes, &value) || value > CLI_SIZE_MAX_BYTES)
            return snap_fail(err, SNAP_E_USAGE, "the size '%s' is too large", text);
        *bytes = value;
        return SNAP_OK;
    }
    return snap_fail(err, SNAP_E_USAGE, "'%s' is not a size: the unit '%s' is not one of s (sectors), K, M, G, T, KiB, "
                     "MiB, GiB, TiB (1024-based), KB, MB, GB, TB (1000-based)", text, suffix);
}

enum snap_status cli_parse_uint(const char *text, uint64_t minimum, uint64_t maximum, uint64_t *value,
                                struct snap_error *err)
{
    const char *rest;
    uint64_t parsed;
    enum snap_status status = parse_digits(text, "number", &parsed, &rest, err);

    if (status != SNAP_OK)
        return status;
    if (*rest != '\0')
        return snap_fail(err, SNAP_E_USAGE, "'%s' is not a number: '%s' does not belong in it", text, rest);
    if (parsed < minimum)
        return snap_fail(err, SNAP_E_USAGE, "%s is too small: it must be at least %" PRIu64, text, minimum);
    if (parsed > maximum)
        return snap_fail(err, SNAP_E_USAGE, "%s is too large: it must be at most %" PRIu64, text, maximum);
    *value = parsed;
    return SNAP_OK;
}

enum snap_status cli_parse_seconds(const char *text, uint64_t *seconds, struct snap_error *err)
{
    return cli_parse_uint(text, 0, SECONDS_MAX, seconds, err);
}

/*
 * ---- printing --------------------------------------------------------------------------------------------------
 */

struct cli_text cli_size_text(uint64_t bytes)
{
    static const char *const names[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    struct cli_text out;
    uint64_t unit = 1024, whole, tenths;
    unsigned name = 0;

    if (bytes < 1024) {
        snprintf(out.text, sizeof out.text, "%" PRIu64 " %s", bytes, bytes == 1 ? "byte" : "bytes");
        return out;
    }
    while (name + 1 < sizeof names / sizeof names[0] && bytes / unit >= 1024) {
        unit *= 1024;
        name++;
    }
    whole = bytes / unit;
    /* Divided first: the rest of an EiB times ten would not fit. */
    tenths = (bytes % unit / (unit / 1024) * 10 + 512) / 1024;
    if (tenths == 10) {
        whole++;
        tenths = 0;
    }
    if (whole == 1024 && name + 1 < sizeof names / sizeof names[0]) {
        whole = 1;
        name++;
        unit *= 1024;
    }
    if (bytes % unit == 0)
        snprintf(out.text, sizeof out.text, "%" PRIu64 " %s", whole, names[name]);
    else
        snprintf(out.text, sizeof out.text, "%" PRIu64 ".%" PRIu64 " %s", whole, tenths, names[name]);
    return out;
}

struct cli_text cli_size_text_exact(uint64_t bytes)
{
    struct cli_text out, rounded = cli_size_text(bytes);

    if (bytes < 1024)
        return rounded;
    snprintf(out.text, sizeof out.text, "%.24s (%" PRIu64 " bytes)", rounded.text, bytes);
    return out;
}

uint64_t cli_rate_bytes(uint64_t bytes, uint64_t elapsed_ms)
{
    uint64_t whole, part;

    if (elapsed_ms == 0)
        return 0;
    /* The exact value in two parts, where they fit. */
    if (!snap_mul(bytes / elapsed_ms, 1000, &whole))
        return UINT64_MAX;
    if (!snap_mul(bytes % elapsed_ms, 1000, &part))
        return whole;
    return snap_add(whole, part / elapsed_ms, &whole) ? whole : UINT64_MAX;
}

struct cli_text cli_rate_text(uint64_t bytes, uint64_t elapsed_ms)
{
    struct cli_text out = { "-" };

    if (elapsed_ms > 0)
        snprintf(out.text, sizeof out.text, "%.24s/s", cli_size_text(cli_rate_bytes(bytes, elapsed_ms)).text);
    return out;
}

struct cli_text cli_duration_text(uint64_t milliseconds)
{
    const uint64_t minute = 60, hour = 3600, day = 86400;
    uint64_t seconds = milliseconds / 1000;
    struct cli_text out;

    if (seconds < minute)
        snprintf(out.text, sizeof out.text, "%" PRIu64 " s", seconds);
    else if (seconds < hour)
        snprintf(out.text, sizeof out.text, "%" PRIu64 " min %02" PRIu64 " s", seconds / minute,
                 seconds % minute);
    else if (seconds < day)
        snprintf(out.text, sizeof out.text, "%" PRIu64 " h %02" PRIu64 " min", seconds / hour,
                 seconds % hour / minute);
    else
        snprintf(out.text, sizeof out.text, "%" PRIu64 " d %02" PRIu64 " h", seconds / day, seconds % day / hour);
    return out;
}

struct cli_text cli_sector_hint(uint64_t bytes)
{
    struct cli_text out = { "" };

    /* No chunk is smaller than a sector, so a small number can only have been meant as a count of them. */
    if (bytes > 0 && bytes < SNAP_SECTOR_BYTES)
        snprintf(out.text, sizeof out.text, "; for %" PRIu64 " %s write %" PRIu64 "s", bytes,
                 bytes == 1 ? "sector" : "sectors", bytes);
    return out;
}

struct cli_text cli_count_text(uint64_t count, const char *one, const char *many)
{
    struct cli_text out;

    (void)snprintf(out.text, sizeof out.text, "%" PRIu64 " %.24s", count, count == 1 ? one : many);
    return out;
}

struct cli_text cli_pace_text(uint64_t bytes, uint64_t elapsed_ms)
{
    struct cli_text out = {"less than 1 s"};

    if (elapsed_ms >= 1000)
        (void)snprintf(out.text, sizeof out.text, "%.28s, %.30s", cli_duration_text(elapsed_ms).text,
                       cli_rate_text(bytes, elapsed_ms).text);
    return out;
}
