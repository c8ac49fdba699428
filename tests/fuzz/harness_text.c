/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Harness: every text that comes from outside is read strictly, and no text that goes out does harm. */
#include "lib/device/tag.h"
#include "lib/store/table_line.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/plain.h"
#include "tests/fuzz/text_files.h"
#include "tools/cli/escape.h"
#include "tools/cli/json.h"
#include "tools/cli/size.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first letter is the kind of text, the second how many choices follow it: '0' for none of them, '8' for 8. */
static const char *const texts[] = {
    "0012KiB", "00512s", "007T", "0018446744073709551616", "008GB", "00100", "11\xf1zzzz",
    "20plain \\ text\x1b[31m", "20\xe2\x80\xae turned", "20\xc2\x9b \xf0\x9f\x98\x80 \xed\xa0\x80",
    "32\1\xf3" "a \"text\"\n", "40LABEL=", "40UUID=\"\"", "40PARTUUID='x", "40/dev/sdb1",
    "50dmsnap-checkpoint 1\norigin 8 o\ncow 8 c\nlist 1 00000000\nmerged-from 0\nend 00000000",
    "50dmsnap-checkpoint 1\n# What a merge that keeps its COW has done so far. Only a hint: a merge that goes on\n"
    "# compares these chunks with the origin and writes those that differ. Safe to delete.\n"
    "origin 8 o\ncow 8 c\nlist 1 0000000f\nmerged-from 0\n",
    "68\1\2\3\4\5\6abc", "70# mine 1\n1 2 3\n", "70", "70# mine 2\n",
    "8@aaaaaaaaaaaaaaaa36 35 8:17 / /srv/a\\040b rw - ext4 /dev/sdb1 rw\n/dev/sdb2 partition 1 2 -2\n",
    "84\x01\x02\x03\x04" "8:16\n2048\n1\n/dev/x\\012y", "94\x30\x20\x01\x08/dev/mapper/vg-lv",
    "94\xf0\x01\x02\x01/dev/a b",
    NULL,
};

const struct fuzz_harness fuzz_harness = {.name = "text", .texts = texts};

/* Digits as a number; false where there are none, or one leading zero too many. What is too large is UINT64_MAX. */
static bool digits(const char **at, uint64_t *value)
{
    const char *start = *at;

    for (*value = 0; **at >= '0' && **at <= '9'; ++*at)
        if (__builtin_mul_overflow(*value, 10, value) || __builtin_add_overflow(*value, **at - '0', value))
            *value = UINT64_MAX;
    return *at > start && (*start != '0' || *at == start + 1);
}

static bool size_of(const char *text, uint64_t *value)
{
    static const struct {
        const char *suffix;
        uint64_t bytes;
    } units[] = {{"", 1}, {"s", 512}, {"K", 1024}, {"k", 1024}, {"KiB", 1024}, {"KB", 1000}, {"M", 1048576},
                 {"m", 1048576}, {"MiB", 1048576}, {"MB", 1000000}, {"G", 1073741824}, {"g", 1073741824},
                 {"GiB", 1073741824}, {"GB", 1000000000}, {"T", 1099511627776}, {"t", 1099511627776},
                 {"TiB", 1099511627776}, {"TB", 1000000000000}};

    if (!digits(&text, value))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(text, units[i].suffix) == 0) {
            if (__builtin_mul_overflow(*value, units[i].bytes, value))
                *value = UINT64_MAX;
            return *value <= INT64_MAX;
        }
    }
    return false;
}

static void read_numbers(const struct text *text, struct fuzz_input *input)
{
    const uint64_t least = fuzz_number(input) % 1000, most = least + fuzz_number(input) % 100000;
    const char *at = text->bytes;
    uint64_t wanted = 0;
    uint64_t found = 77;
    struct snap_error err = {.text = ""};
    bool right = size_of(at, &wanted);
    enum snap_status status = cli_parse_size(at, &found, &err);

    FUZZ_PROMISE(status == (right ? SNAP_OK : SNAP_E_USAGE) && found == (right ? wanted : 77),
                 "size: %d, %" PRIu64, status, found);
    FUZZ_PROMISE(right || err.text[0], "a size is refused without a word");
    right = digits(&at, &wanted) && *at == '\0' && wanted >= least && wanted <= most;
    found = 77;
    status = cli_parse_uint(text->bytes, least, most, &found, NULL);
    FUZZ_PROMISE(status == (right ? SNAP_OK : SNAP_E_USAGE) && found == (right ? wanted : 77),
                 "count: %d, %" PRIu64, status, found);
    status = cli_parse_seconds(text->bytes, &found, NULL);
    FUZZ_PROMISE(status == SNAP_OK || status == SNAP_E_USAGE, "seconds: %d", status);
}

/* A size that is printed exactly reads back. */
static void print_size(struct fuzz_input *input)
{
    const uint64_t bytes = fuzz_number(input) % CLI_SIZE_MAX_BYTES;
    struct cli_text shown = cli_size_text(bytes);
    char *blank = strchr(shown.text, ' ');
    uint64_t again;

    FUZZ_PROMISE(blank, "a size without a unit: %s", shown.text);
    memmove(blank, blank + 1, strlen(blank));
    if (!strchr(shown.text, '.') && bytes >= 1024 && bytes < (uint64_t)1 << 50)
        FUZZ_PROMISE(cli_parse_size(shown.text, &again, NULL) == SNAP_OK && again == bytes, "%s is not %" PRIu64,
                     shown.text, bytes);
    (void)cli_duration_text(bytes);
    (void)cli_rate_text(bytes, fuzz_number(input));
}

static void escape(const struct text *text)
{
    bool ordinary = true;

    for (size_t i = 0; i < text->length; i++)
        ordinary &= text->bytes[i] >= ' ' && text->bytes[i] <= '~' && text->bytes[i] != '\\';
    for (enum cli_escape_for purpose = CLI_ESCAPE_TERMINAL; purpose <= CLI_ESCAPE_JSON; purpose++) {
        char *escaped = cli_escape(text->bytes, text->length, purpose);
        size_t at;

        FUZZ_PROMISE(escaped, "out of memory");
        FUZZ_PROMISE(purpose == CLI_ESCAPE_JSON || (plain_is_harmless(escaped, strlen(escaped), &at) &&
                                                    !strchr(escaped, '\n')), "a text does harm: %s", escaped);
        FUZZ_PROMISE(!ordinary || strcmp(escaped, text->bytes) == 0, "an ordinary text is changed to %s", escaped);
        free(escaped);
    }
}

static void print_json(const struct text *text, struct fuzz_input *input)
{
    struct cli_json *json = cli_json_document("fuzz", text->bytes), *list = cli_json_array();
    const bool one_line = fuzz_flag(input);
    char *printed = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&printed, &length);
    enum snap_status status;

    FUZZ_PROMISE(out, "out of memory");
    cli_json_set_string(json, "text", text->bytes);
    cli_json_set_hex(json, "hex", fuzz_number(input));
    cli_json_set_int(json, "int", (int64_t)fuzz_number(input));
    cli_json_set_uint(json, "uint", fuzz_number(input));
    cli_json_set_null(json, "null");
    cli_json_add_string(list, text->bytes);
    cli_json_set(json, "list", list);
    status = one_line ? cli_json_line(json, out, NULL) : cli_json_finish(json, 0, out, NULL);
    FUZZ_PROMISE(status == SNAP_OK && fclose(out) == 0, "JSON is not printed");
    FUZZ_PROMISE(plain_is_json(printed, length), "no JSON: %s", printed);
    FUZZ_PROMISE(!one_line || memchr(printed, '\n', length) == printed + length - 1, "not one line: %s", printed);
    free(printed);
}

/* What an argument of the command line means. A tag that is right may be on some device of this system. */
static void read_tag(const struct text *text)
{
    static const char *const names[] = {"LABEL=", "UUID=", "PARTLABEL=", "PARTUUID="};
    const char *value = NULL;
    struct snap_error err = {.text = ""};
    struct snap_lookup *found = NULL;
    char *path = NULL;
    enum snap_status status = snap_tag_resolve(text->bytes, &path, &found, &err);

    for (unsigned i = 0; i < 4; i++)
        if (strncmp(text->bytes, names[i], strlen(names[i])) == 0)
            value = text->bytes + strlen(names[i]);
    if (!value)
        FUZZ_PROMISE(status == SNAP_OK && strcmp(path, text->bytes) == 0, "a path is not taken as it is");
    else if (value[0] == '\0')
        FUZZ_PROMISE(status == SNAP_E_USAGE, "a tag without a value: %d", status);
    FUZZ_PROMISE((status == SNAP_OK) == (path != NULL) && (status == SNAP_OK || err.text[0]), "path and status");
    FUZZ_PROMISE((found != NULL) == (value && status == SNAP_OK), "what was probed is what is opened");
    snap_lookup_free(found);
    free(path);
}

static void table_line(const struct text *text, struct fuzz_input *input)
{
    char line[512];
    const uint64_t room = fuzz_below(input, sizeof line + 1), sectors = fuzz_number(input);
    const enum snap_table_target target = (enum snap_table_target)(fuzz_byte(input) % 3);
    const bool overflows = fuzz_flag(input);
    const enum snap_status status = snap_table_line(target, sectors, text->bytes, "/dev/cow", overflows,
                                                    (uint32_t)fuzz_number(input), line, room, NULL);

    FUZZ_PROMISE(status == SNAP_OK || status == SNAP_E_USAGE, "a table line ends with %d", status);
    FUZZ_PROMISE(status == SNAP_OK || room == 0 || line[0] == '\0', "a line after a failure");
    FUZZ_PROMISE(status != SNAP_OK || (strlen(line) < room && !strpbrk(line, "\n\t\\")), "a line that is none: %s",
                 line);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static struct text text;
    struct fuzz_input input = {bytes, length};
    const uint8_t kind = fuzz_byte(&input);
    size_t choices = fuzz_byte(&input) % 48u; /* so many bytes of them, then the text; '0' is 0 */
    struct fuzz_input chooses;

    if (choices > input.left)
        choices = input.left;
    chooses = (struct fuzz_input){input.bytes, choices};
    text.length = input.left - choices < TEXT_BYTES_MAX ? input.left - choices : TEXT_BYTES_MAX;
    if (text.length > 0)
        memcpy(text.bytes, input.bytes + choices, text.length);
    text.bytes[text.length] = '\0';
    switch ((kind + 2u) % 10) { /* '0' is 0 */
    case 0:
        read_numbers(&text, &chooses);
        break;
    case 1:
        print_size(&chooses);
        break;
    case 2:
        escape(&text);
        break;
    case 3:
        print_json(&text, &chooses);
        break;
    case 4:
        read_tag(&text);
        break;
    case 5:
        text_read_checkpoint(&text);
        break;
    case 6:
        text_write_checkpoint(&chooses);
        break;
    case 7:
        text_replace(&text, &chooses);
        break;
    case 8:
        text_read_system(&text, &chooses);
        break;
    default:
        table_line(&text, &chooses);
        break;
    }
    return 0;
}
