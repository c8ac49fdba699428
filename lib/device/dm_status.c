/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes the lines apart word by word; whatever is not exactly as the kernel writes it is refused. */
#include "lib/device/dm_status.h"

#include <string.h>
#include <sys/sysmacros.h>

/* What Linux has of both: 12 and 20 bits. */
#define MAJOR_MAX 0xfffu
#define MINOR_MAX 0xfffffu

/* Reads decimal digits and moves behind them. False where there is none, or the number does not fit into 64 bits. */
static bool take_number(const char **text, uint64_t *value)
{
    const char *at = *text;

    *value = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (__builtin_mul_overflow(*value, (uint64_t)10, value) ||
            __builtin_add_overflow(*value, (uint64_t)(*at - '0'), value))
            return false;
    }
    if (at == *text)
        return false;
    *text = at;
    return true;
}

static bool take_character(const char **text, char wanted)
{
    if (**text != wanted)
        return false;
    (*text)++;
    return true;
}

static bool take_device(const char **text, uint64_t *number)
{
    uint64_t major_number, minor_number;

    if (!take_number(text, &major_number) || !take_character(text, ':') || !take_number(text, &minor_number) ||
        major_number > MAJOR_MAX || minor_number > MINOR_MAX)
        return false;
    *number = makedev((unsigned)major_number, (unsigned)minor_number);
    return true;
}

/* Hands out the next word, which ends at a blank or at the end of the text. False where there is none. */
static bool take_word(const char **text, const char **word, size_t *length)
{
    *word = *text;
    *length = strcspn(*text, " ");
    *text += *length;
    return *length > 0;
}

static bool is_word(const char *word, size_t length, const char *expected)
{
    return strlen(expected) == length && memcmp(word, expected, length) == 0;
}

/* The line ends here; dmsetup and the kernel may leave blanks behind it. */
static bool at_end(const char *text)
{
    return text[strspn(text, " \n")] == '\0';
}

/* What stands before the blanks at the end is exactly this. */
static bool says(const char *text, const char *expected)
{
    const size_t length = strlen(expected);

    return strncmp(text, expected, length) == 0 && at_end(text + length);
}

bool snap_dm_status_parse(const char *text, struct snap_dm_status *status)
{
    static const struct {
        const char *word;
        enum snap_dm_status_state state;
    } words[] = {
        {"Invalid", SNAP_DM_STATUS_INVALID},
        {"Overflow", SNAP_DM_STATUS_OVERFLOW},
        {"Merge failed", SNAP_DM_STATUS_MERGE_FAILED},
        {"Unknown", SNAP_DM_STATUS_UNKNOWN},
    };

    *status = (struct snap_dm_status){.state = SNAP_DM_STATUS_FIGURES};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (says(text, words[i].word)) {
            status->state = words[i].state;
            return true;
        }
    }
    if (!take_number(&text, &status->allocated_sectors) || !take_character(&text, '/') ||
        !take_number(&text, &status->total_sectors))
        return false;
    if (at_end(text))
        return true;
    status->metadata_known = true;
    return take_character(&text, ' ') && take_number(&text, &status->metadata_sectors) && at_end(text);
}

bool snap_dm_status_merged(const struct snap_dm_status *status)
{
    return status->state == SNAP_DM_STATUS_FIGURES && status->metadata_known &&
           status->allocated_sectors == status->metadata_sectors;
}

static bool take_persistence(const char **text, enum snap_dm_status_persistence *persistence)
{
    const char *word;
    size_t length;

    if (!take_word(text, &word, &length))
        return false;
    if (is_word(word, length, "P"))
        *persistence = SNAP_DM_STATUS_P;
    else if (is_word(word, length, "PO"))
        *persistence = SNAP_DM_STATUS_PO;
    else if (is_word(word, length, "N"))
        *persistence = SNAP_DM_STATUS_N;
    else
        return false;
    return true;
}

/* Behind the chunk size: how many features there are, and their names. */
static bool take_features(const char *text, struct snap_dm_status_table *table)
{
    const char *word;
    uint64_t count;
    size_t length;

    if (at_end(text))
        return true;
    if (!take_character(&text, ' ') || !take_number(&text, &count))
        return false;
    for (; count > 0; count--) {
        if (!take_character(&text, ' ') || !take_word(&text, &word, &length))
            return false;
        table->discard_zeroes_cow = table->discard_zeroes_cow || is_word(word, length, "discard_zeroes_cow");
        table->discard_passdown_origin = table->discard_passdown_origin ||
                                         is_word(word, length, "discard_passdown_origin");
    }
    return at_end(text);
}

bool snap_dm_status_table(const char *params, struct snap_dm_status_table *table)
{
    *table = (struct snap_dm_status_table){.chunk_sectors = 0};
    return take_device(&params, &table->origin_number) && take_character(&params, ' ') &&
           take_device(&params, &table->cow_number) && take_character(&params, ' ') &&
           take_persistence(&params, &table->persistence) && take_character(&params, ' ') &&
           take_number(&params, &table->chunk_sectors) && take_features(params, table);
}

bool snap_dm_status_origin(const char *params, uint64_t *origin_number)
{
    return take_device(&params, origin_number) && at_end(params);
}

const char *snap_dm_status_persistence_name(enum snap_dm_status_persistence persistence)
{
    return persistence == SNAP_DM_STATUS_P ? "P" : persistence == SNAP_DM_STATUS_PO ? "PO" : "N";
}
