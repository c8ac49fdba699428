/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holds the escaping to its promise: nothing from a device can steer a terminal or break a JSON string. */
#include "tools/cli/escape.h"

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
    ASSERT_TERMINAL("\xe2\x81\xa5", "\xe2\x81\xa5");                       /* U+2065 */
    ASSERT_TERMINAL("\xe2\x81\xa6", "\\xE2\\x81\\xA6");                    /* U+2066 */
    ASSERT_TERMINAL("\xe2\x81\xa9", "\\xE2\\x81\\xA9");                    /* U+2069 */
    ASSERT_TERMINAL("\xe2\x81\xaa", "\xe2\x81\xaa");                       /* U+206A */
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
        cmocka_unit_test(json_keeps_all_but_broken_utf8),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
