/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holds the escaping to its promise: nothing from a device can steer a terminal or break a JSON string. */
#include "tools/cli/escape.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_escaped(const char *bytes, size_t length, enum cli_escape_for purpose, const char *expected)
{
    char *text = cli_escape(bytes, length, purpose);

    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

#define ASSERT_TERMINAL(bytes, expected) assert_escaped(bytes, sizeof(bytes) - 1, CLI_ESCAPE_TERMINAL, expected)
#define ASSERT_JSON(bytes, expected) assert_escaped(bytes, sizeof(bytes) - 1, CLI_ESCAPE_JSON, expected)

static void harmless_text_stays(void **state)
{
    (void)state;
    ASSERT_TERMINAL("", "");
    ASSERT_TERMINAL("/dev/mapper/vg-lv 1\\x", "/dev/mapper/vg-lv 1\\x");
    ASSERT_TERMINAL("~\xc2\xa0\xc3\xbc\xe2\x82\xac\xf0\x9f\x92\xbe",
                    "~\xc2\xa0\xc3\xbc\xe2\x82\xac\xf0\x9f\x92\xbe");
    ASSERT_TERMINAL("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf", "\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf");
}

static void every_control_character_is_escaped(void **state)
{
    (void)state;
    for (unsigned code = 0; code < 0xa0; code++) {
        const bool control = code < 0x20 || code >= 0x7f;
        char bytes[2] = { (char)code, 0 }, expected[9];
        size_t length = 1;

        if (code >= 0x80) { /* C1, as UTF-8 */
            bytes[0] = (char)0xc2;
            bytes[1] = (char)code;
            length = 2;
            snprintf(expected, sizeof(expected), "\\xC2\\x%02X", code);
        } else if (control) {
            snprintf(expected, sizeof(expected), "\\x%02X", code);
        } else {
            snprintf(expected, sizeof(expected), "%c", (char)code);
        }
        assert_escaped(bytes, length, CLI_ESCAPE_TERMINAL, expected);
    }
}

static void text_direction_cannot_be_turned(void **state)
{
    (void)state;
    ASSERT_TERMINAL("\xd8\x9c", "\\xD8\\x9C");                             /* U+061C */
    ASSERT_TERMINAL("\xe2\x80\x8e", "\\xE2\\x80\\x8E");                    /* U+200E */
    ASSERT_TERMINAL("\xe2\x80\x8f", "\\xE2\\x80\\x8F");                    /* U+200F */
    ASSERT_TERMINAL("\xe2\x80\x90", "\xe2\x80\x90");                       /* U+2010, a hyphen */
    ASSERT_TERMINAL("\xe2\x80\xa8\xe2\x80\xa9", "\\xE2\\x80\\xA8\\xE2\\x80\\xA9"); /* U+2028, U+2029: line ends */
    ASSERT_TERMINAL("\xe2\x80\xaa", "\\xE2\\x80\\xAA");                    /* U+202A */
    ASSERT_TERMINAL("\xe2\x80\xae", "\\xE2\\x80\\xAE");                    /* U+202E */
    ASSERT_TERMINAL("\xe2\x80\xaf", "\xe2\x80\xaf");                       /* U+202F, a blank */
    ASSERT_TERMINAL("\xe2\x81\xa6", "\\xE2\\x81\\xA6");                    /* U+2066 */
    ASSERT_TERMINAL("\xe2\x81\xa9", "\\xE2\\x81\\xA9");                    /* U+2069 */
    ASSERT_TERMINAL("\xe2\x81\xb0", "\xe2\x81\xb0");                       /* U+2070, a small 0 */
}

static void broken_utf8_is_escaped_byte_by_byte(void **state)
{
    (void)state;
    ASSERT_TERMINAL("\xff", "\\xFF");
    ASSERT_TERMINAL("\x80", "\\x80");
    ASSERT_TERMINAL("\x9b" "2J", "\\x9B2J");             /* a C1 byte of an 8-bit terminal */
    ASSERT_TERMINAL("\xc3", "\\xC3");                    /* cut off */
    ASSERT_TERMINAL("\xe2\x82", "\\xE2\\x82");
    ASSERT_TERMINAL("\xf0\x9f\x92", "\\xF0\\x9F\\x92");
    ASSERT_TERMINAL("\xc3" "a", "\\xC3" "a");            /* what follows is not swallowed */
    ASSERT_TERMINAL("\xe2\x82\xc3\xbc", "\\xE2\\x82\xc3\xbc");
    ASSERT_TERMINAL("\xc0\xaf", "\\xC0\\xAF");           /* overlong */
    ASSERT_TERMINAL("\xe0\x9f\xbf", "\\xE0\\x9F\\xBF");
    ASSERT_TERMINAL("\xf0\x8f\xbf\xbf", "\\xF0\\x8F\\xBF\\xBF");
    ASSERT_TERMINAL("\xed\xa0\x80", "\\xED\\xA0\\x80");  /* surrogates */
    ASSERT_TERMINAL("\xed\xbf\xbf", "\\xED\\xBF\\xBF");
    ASSERT_TERMINAL("\xf4\x90\x80\x80", "\\xF4\\x90\\x80\\x80"); /* beyond U+10FFFF */
}

/* A field of a header has no end of its own: nothing behind its length counts. */
static void a_sequence_ends_with_the_length(void **state)
{
    (void)state;
    assert_escaped("\xc3\xbc", 1, CLI_ESCAPE_TERMINAL, "\\xC3");
    assert_escaped("a\xe2\x82\xac", 3, CLI_ESCAPE_TERMINAL, "a\\xE2\\x82");
    assert_escaped("abc", 0, CLI_ESCAPE_JSON, "");
}

/* The code point as UTF-8, in `bytes`. */
static size_t encode(uint32_t code, char bytes[5])
{
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    const size_t count = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

    for (size_t i = count - 1; i > 0; i--, code >>= 6)
        bytes[i] = (char)(0x80 | (code & 0x3f));
    bytes[0] = (char)(lead[count == 1 ? 0 : count] | code);
    bytes[count] = '\0';
    return count;
}

/* In JSON each of them is \u, with which a reader gets the same string. */
static void what_is_not_seen_is_escaped(void **state)
{
    static const uint32_t codes[] = {
        0x7f, 0x80, 0x9b, 0x9f, 0xad, 0x34f, 0x61c, 0x115f, 0x180e, 0x200b, 0x200c, 0x200d, 0x200e, 0x200f, 0x202a,
        0x202e, 0x2060, 0x2064, 0x2066, 0x2069, 0xfe00, 0xfe0f, 0xfeff, 0xe0001, 0xe0020, 0xe007f, 0xe0100, 0xe01ef,
    };
    static const uint32_t seen[] = {0x7e, 0xa0, 0xac, 0xae, 0x200a, 0x2010, 0x202f, 0x205f, 0x2070, 0xfdff, 0xfe10,
                                    0xfefe, 0xffff, 0xdffff, 0xe1000};
    char bytes[5];

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        const size_t length = encode(codes[i], bytes);
        char *text = cli_escape(bytes, length, CLI_ESCAPE_TERMINAL);
        char *json = cli_escape_json_text(bytes, length);
        char expected[16];

        assert_int_equal(strlen(text), 4 * length);
        assert_memory_equal(text, "\\x", 2);
        if (codes[i] <= 0xffff)
            snprintf(expected, sizeof expected, "\\u%04x", (unsigned)codes[i]);
        else
            snprintf(expected, sizeof expected, "\\udb40\\udc%02x", (unsigned)(codes[i] & 0x3ff));
        if (codes[i] < 0xe0100)
            assert_string_equal(json, expected);
        free(text);
        free(json);
    }
    for (size_t i = 0; i < sizeof seen / sizeof seen[0]; i++) {
        const size_t length = encode(seen[i], bytes);
        char *json = cli_escape_json_text(bytes, length);

        assert_escaped(bytes, length, CLI_ESCAPE_TERMINAL, bytes);
        assert_string_equal(json, bytes);
        free(json);
    }
}

/* What is printed for one name is never what is printed for another one. */
static void different_names_look_different(void **state)
{
    (void)state;
    ASSERT_TERMINAL("a\x1b", "a\\x1B");
    ASSERT_TERMINAL("a\\x1B", "a\\x5Cx1B");
    ASSERT_TERMINAL("a\\x5Cx1B", "a\\x5Cx5Cx1B");
    ASSERT_TERMINAL("\\\x1b", "\\\\x1B");
    ASSERT_TERMINAL("\\\\x1B", "\\\\x5Cx1B");
    ASSERT_TERMINAL("\\x1\x1b", "\\x1\\x1B");
    ASSERT_TERMINAL("\\x1b \\x1 \\xG0 \\", "\\x1b \\x1 \\xG0 \\"); /* nothing is written like this */
    ASSERT_JSON("\xff", "\\xFF");
    ASSERT_JSON("\\xFF", "\\x5CxFF");
}

/* A byte beyond ASCII is whatever the terminal's codeset makes of it; 0x9B starts a sequence. */
static void other_codesets_get_no_utf8(void **state)
{
    char *json;

    (void)state;
    assert_non_null(setlocale(LC_CTYPE, "C"));
    ASSERT_TERMINAL("\xdb\x9b" "2J\xc3\xbc", "\\xDB\\x9B2J\\xC3\\xBC");
    json = cli_escape_json_text("\"\xdb\x9b\xf0\x9f\x92\xbe\"", 8);
    assert_string_equal(json, "\"\\u06db\\ud83d\\udcbe\"");
    free(json);
    if (setlocale(LC_CTYPE, "en_US.ISO-8859-1") || setlocale(LC_CTYPE, "de_DE.ISO-8859-1"))
        ASSERT_TERMINAL("\xfc\x9b\xad\xa4", "\xfc\\x9B\\xAD\xa4");
    assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
}

static void json_keeps_all_but_broken_utf8(void **state)
{
    (void)state;
    ASSERT_JSON("a\x1b\n\x7f\xe2\x80\xae", "a\x1b\n\x7f\xe2\x80\xae");
    ASSERT_JSON("a\0b", "a\\x00" "b"); /* a C string cannot carry it */
    ASSERT_JSON("\xff\xc3", "\\xFF\\xC3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(harmless_text_stays),
        cmocka_unit_test(every_control_character_is_escaped),
        cmocka_unit_test(text_direction_cannot_be_turned),
        cmocka_unit_test(broken_utf8_is_escaped_byte_by_byte),
        cmocka_unit_test(a_sequence_ends_with_the_length),
        cmocka_unit_test(what_is_not_seen_is_escaped),
        cmocka_unit_test(different_names_look_different),
        cmocka_unit_test(other_codesets_get_no_utf8),
        cmocka_unit_test(json_keeps_all_but_broken_utf8),
    };

    if (!setlocale(LC_CTYPE, "C.UTF-8")) {
        printf("1..0 # SKIP this system has no locale C.UTF-8\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
