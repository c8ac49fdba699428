/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Walks a metadata text word by word, and refuses what LVM does not write. */
#include "lib/lvm/lvm_text_scan_private.h"

#include "lib/lvm/lvm_text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

struct scan {
    const char *name;
    const char *text;
    uint64_t length_bytes;
    uint64_t at;
    bool value_next;  /* the last word was "=", "[" or ",": what follows is a value */
    unsigned depth;
    uint64_t words;
};

static bool is_blank(char letter)
{
    return letter == ' ' || letter == '\t' || letter == '\n' || letter == '\r';
}

static bool is_digit(char letter)
{
    return letter >= '0' && letter <= '9';
}

/* What names of groups, volumes and settings have. */
static bool is_name_letter(char letter)
{
    return is_digit(letter) || (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter && strchr("+_.-", letter));
}

/* The text ends with a NUL, which is none of the letters that are looked for. */
static char letter_at(const struct scan *scan)
{
    return scan->text[scan->at];
}

static enum snap_status refuse(const struct scan *scan, const char *what, struct snap_error *err)
{
    uint64_t line = 1;

    for (uint64_t i = 0; i < scan->at; i++)
        line += scan->text[i] == '\n';
    return snap_fail(err, SNAP_E_CORRUPT, "%s: the LVM metadata are no text as LVM writes it: line %" PRIu64
                     " (byte %" PRIu64 " of %" PRIu64 ") %s", scan->name, line, scan->at, scan->length_bytes, what);
}

static void pass_blanks(struct scan *scan)
{
    for (;;) {
        while (is_blank(letter_at(scan)))
            scan->at++;
        if (letter_at(scan) != '#')
            return;
        while (scan->at < scan->length_bytes && letter_at(scan) != '\n')
            scan->at++;
    }
}

static enum snap_status pass_string(struct scan *scan, struct snap_error *err)
{
    const uint64_t begin = scan->at++;

    while (scan->at < scan->length_bytes && letter_at(scan) != '"')
        scan->at += letter_at(scan) == '\\' && scan->at + 1 < scan->length_bytes ? 2 : 1;
    if (scan->at >= scan->length_bytes) {
        scan->at = begin;
        return refuse(scan, "begins a string that does not end", err);
    }
    scan->at++;
    return SNAP_OK;
}

/* A number where a value stands, else a name. The parser ends both at other signs: here they must end at these. */
static enum snap_status pass_word(struct scan *scan, struct snap_error *err)
{
    const char *behind = scan->value_next ? " \t\n\r,]}#" : " \t\n\r={#";

    if (scan->value_next && letter_at(scan) == '-')
        scan->at++;
    if (scan->value_next && !is_digit(letter_at(scan)))
        return refuse(scan, "has a value that is neither a number nor a string", err);
    while (scan->value_next ? is_digit(letter_at(scan)) || letter_at(scan) == '.' : is_name_letter(letter_at(scan)))
        scan->at++;
    if (scan->at < scan->length_bytes && !strchr(behind, letter_at(scan)))
        return refuse(scan, "has a sign that stands in no name and no number", err);
    return SNAP_OK;
}

static enum snap_status pass_sign(struct scan *scan, struct snap_error *err)
{
    const char sign = letter_at(scan);

    if (!sign || !strchr("={}[],", sign))
        return refuse(scan, "has a sign that stands in no such text", err);
    if (sign == '{' && ++scan->depth > SNAP_LVM_TEXT_DEPTH_MAX)
        return refuse(scan, "is too deep inside of sections", err);
    if (sign == '}' && scan->depth-- == 0)
        return refuse(scan, "ends a section that does not begin", err);
    scan->value_next = strchr("=[,", sign);
    scan->at++;
    return SNAP_OK;
}

enum snap_status snap_lvm_text_scan(const char *name, const char *text, uint64_t length_bytes, struct snap_error *err)
{
    struct scan scan = {.name = name, .text = text, .length_bytes = length_bytes};
    enum snap_status status = SNAP_OK;
    const char *nul = memchr(text, '\0', (size_t)length_bytes);

    if (nul) {
        scan.at = (uint64_t)(nul - text);
        return refuse(&scan, "has a NUL", err);
    }
    while (status == SNAP_OK && (pass_blanks(&scan), scan.at < length_bytes)) {
        const char letter = letter_at(&scan);

        if (++scan.words > SNAP_LVM_TEXT_WORDS_MAX)
            return refuse(&scan, "is behind more words than any group needs", err);
        if (letter == '"' && scan.value_next)
            status = pass_string(&scan, err);
        else if (is_name_letter(letter))
            status = pass_word(&scan, err);
        else
            status = pass_sign(&scan, err);
        if (letter == '"' || is_name_letter(letter))
            scan.value_next = false;
    }
    if (status == SNAP_OK && scan.depth > 0)
        return refuse(&scan, "ends inside of a section", err);
    return status;
}
