/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A prefix is as long as the limit allows, and ends between two characters. */
#include "lib/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_what_fits_is_whole(void **state)
{
    (void)state;
    assert_int_equal(snap_text_prefix("", 0), 0);
    assert_int_equal(snap_text_prefix("abc", 3), 3);
    assert_int_equal(snap_text_prefix("abc", 100), 3);
    assert_int_equal(snap_text_prefix("gr\xc3\xbcn", 5), 5);
}

static void test_characters_stay_whole(void **state)
{
    /* a, then characters of 2, 3 and 4 bytes, then b */
    const char *text = "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80" "b";
    static const size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};

    (void)state;
    for (size_t limit = 0; limit < sizeof expected / sizeof expected[0]; limit++)
        assert_int_equal(snap_text_prefix(text, limit), expected[limit]);
}

static void test_names_of_proc_are_decoded(void **state)
{
    char name[] = "/a\\040b\\134c\\011", kept[] = "a\\08b\\04\\";

    (void)state;
    snap_text_decode_octal(name);
    assert_string_equal(name, "/a b\\c\t");
    snap_text_decode_octal(kept); /* not three octal digits */
    assert_string_equal(kept, "a\\08b\\04\\");
}

static void the_middle_is_left_out(void **state)
{
    char whole[] = "0123456789", cut[] = "0123456789ab", split[] = "ab\xc3\xbc" "123\xc3\xbc" "cd";

    (void)state;
    snap_text_cut_middle(whole, 10);
    assert_string_equal(whole, "0123456789");
    snap_text_cut_middle(cut, 10);
    assert_string_equal(cut, "012...89ab");
    snap_text_cut_middle(split, 9); /* neither half of a character stays */
    assert_string_equal(split, "ab...cd");
}

static void quotes_inside_do_not_end_the_quoted(void **state)
{
    char out[16];

    (void)state;
    assert_string_equal(snap_text_quote("a b", out, sizeof out), "\"a b\"");
    assert_string_equal(snap_text_quote("a\" \\", out, sizeof out), "\"a\\\" \\\\\"");
    assert_string_equal(snap_text_quote("0123456789abcdef", out, sizeof out), "\"0123456789ab\"");
    assert_string_equal(snap_text_quote("0123456789ab\"\"", out, sizeof out), "\"0123456789ab\"");
}

static void a_word_fits_its_count(void **state)
{
    (void)state;
    assert_string_equal(snap_text_form(0, "lies", "lie"), "lie");
    assert_string_equal(snap_text_form(1, "lies", "lie"), "lies");
    assert_string_equal(snap_text_form(UINT64_MAX, "lies", "lie"), "lie");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_of_proc_are_decoded),
        cmocka_unit_test(test_what_fits_is_whole),
        cmocka_unit_test(test_characters_stay_whole),
        cmocka_unit_test(the_middle_is_left_out),
        cmocka_unit_test(a_word_fits_its_count),
        cmocka_unit_test(quotes_inside_do_not_end_the_quoted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
