/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holds the JSON output to its promises: exact numbers, valid text, no leak, no silent loss. */
#include "tools/cli/json.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Prints `taken` on one line and compares; the line's end is part of the promise. */
static void assert_line(struct cli_json *taken, const char *expected)
{
    struct snap_error err;
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    assert_non_null(out);
    assert_int_equal(cli_json_line(taken, out, &err), SNAP_OK);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, expected);
    free(text);
}

static void numbers_are_exact_integers(void **state)
{
    struct cli_json *json = cli_json_object();

    (void)state;
    cli_json_set_uint(json, "zero", 0);
    cli_json_set_uint(json, "double_would_round", (1ull << 53) + 1);
    cli_json_set_uint(json, "signed_would_end", 1ull << 63);
    cli_json_set_uint(json, "last", UINT64_MAX);
    cli_json_set_int(json, "first", INT64_MIN);
    assert_line(json, "{\"zero\":0,\"double_would_round\":9007199254740993,"
                      "\"signed_would_end\":9223372036854775808,\"last\":18446744073709551615,"
                      "\"first\":-9223372036854775808}\n");
}

static void raw_fields_are_hex_strings(void **state)
{
    struct cli_json *json = cli_json_object();

    (void)state;
    cli_json_set_hex(json, "a", 0);
    cli_json_set_hex(json, "b", 0x2a);
    cli_json_set_hex(json, "c", UINT64_MAX);
    assert_line(json, "{\"a\":\"0x0\",\"b\":\"0x2a\",\"c\":\"0xffffffffffffffff\"}\n");
}

static void strings_are_always_valid(void **state)
{
    struct cli_json *json = cli_json_object();

    (void)state;
    cli_json_set_string(json, "plain", "/dev/sdc1");
    cli_json_set_string(json, "utf8", "gr\xc3\xbc\xc3\x9f");
    cli_json_set_string(json, "broken", "a\xff\xc3");
    cli_json_set_string(json, "overlong", "\xc0\x80");
    cli_json_set_string(json, "quote", "\"\\\n");
    cli_json_set_string(json, "hidden", "\x1b\x7f\xe2\x80\xae");
    cli_json_set_string(json, "none", NULL);
    cli_json_set_string(json, "empty", "");
    assert_line(json, "{\"plain\":\"/dev/sdc1\",\"utf8\":\"gr\xc3\xbc\xc3\x9f\",\"broken\":\"a\\\\xFF\\\\xC3\","
                      "\"overlong\":\"\\\\xC0\\\\x80\",\"quote\":\"\\\"\\\\\\n\","
                      "\"hidden\":\"\\u001b\\u007f\\u202e\",\"none\":null,"
                      "\"empty\":\"\"}\n");
}

static void arrays_and_objects_nest(void **state)
{
    struct cli_json *json = cli_json_object(), *array = cli_json_array(), *inner = cli_json_object();

    (void)state;
    cli_json_set_bool(inner, "yes", true);
    cli_json_set_bool(inner, "no", false);
    cli_json_add(array, inner);
    cli_json_add_string(array, "text");
    cli_json_set(json, "list", array);
    cli_json_set(json, "nothing", cli_json_array());
    cli_json_set_uint(json, "twice", 1);
    cli_json_set_uint(json, "twice", 2);
    assert_line(json, "{\"list\":[{\"yes\":true,\"no\":false},\"text\"],\"nothing\":[],\"twice\":2}\n");
}

static void a_document_begins_with_its_frame_and_ends_with_the_status(void **state)
{
    static const char first[] = "{\n  \"dmsnap\":{\n    \"schema\":1,\n    \"program\":\"snapcheck\",\n"
                                "    \"version\":\"1.2\"\n  },\n  \"device\":\"x\",\n  \"exit_status\":4\n}\n";
    struct cli_json *json = cli_json_document("snapcheck", "1.2");
    struct snap_error err;
    char *text = NULL, *squeezed;
    size_t length = 0, kept = 0;
    FILE *out = open_memstream(&text, &length);

    (void)state;
    assert_non_null(out);
    cli_json_set_string(json, "device", "x");
    assert_int_equal(cli_json_finish(json, 4, out, &err), SNAP_OK);
    fclose(out);
    /* json-c versions differ in the blank behind the colon. */
    squeezed = text;
    for (size_t i = 0; i < length; i++) {
        if (!(text[i] == ' ' && i > 0 && text[i - 1] == ':'))
            squeezed[kept++] = text[i];
    }
    squeezed[kept] = '\0';
    assert_string_equal(squeezed, first);
    free(text);
}

static void an_array_that_is_not_kept_is_part_of_one_document(void **state)
{
    struct cli_json *first = cli_json_object(), *behind = cli_json_object();
    struct snap_error err;
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    (void)state;
    assert_non_null(out);
    cli_json_set_string(first, "device", "x");
    assert_int_equal(cli_json_begin_array(first, "rows", out, &err), SNAP_OK);
    for (int i = 0; i < 2; i++) {
        struct cli_json *row = cli_json_object();

        cli_json_set_int(row, "i", i);
        assert_int_equal(cli_json_element(row, i == 0, out, &err), SNAP_OK);
    }
    cli_json_set_bool(behind, "whole", true);
    assert_int_equal(cli_json_end_array(behind, 4, out, &err), SNAP_OK);
    fclose(out);
    assert_string_equal(text, "{\"device\":\"x\",\"rows\":[\n{\"i\":0},\n{\"i\":1}\n],"
                              "\"whole\":true,\"exit_status\":4}\n");
    free(text);
}

static void a_failed_part_fails_the_print(void **state)
{
    struct cli_json *json = cli_json_object(), *array = cli_json_array();
    struct snap_error err = { .status = SNAP_OK };
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    (void)state;
    assert_non_null(out);
    cli_json_add(array, NULL); /* as if its allocation had failed */
    cli_json_set(json, "list", array);
    assert_int_equal(cli_json_line(json, out, &err), SNAP_E_NOMEM);
    assert_int_equal(err.status, SNAP_E_NOMEM);
    assert_int_equal(cli_json_line(NULL, out, &err), SNAP_E_NOMEM);
    assert_int_equal(cli_json_finish(NULL, 0, out, &err), SNAP_E_NOMEM);
    fclose(out);
    assert_int_equal(length, 0); /* nothing rather than half of it */
    free(text);
}

static void a_failed_parent_frees_what_it_takes(void **state)
{
    (void)state;
    cli_json_set(NULL, "key", cli_json_object()); /* the sanitizer's leak check is the judge */
    cli_json_add(NULL, cli_json_array());
    cli_json_set_string(NULL, "key", "text");
    cli_json_add_string(NULL, "text");
    cli_json_free(NULL);
    cli_json_free(cli_json_document("p", "v"));
}

static void a_full_device_is_an_io_error(void **state)
{
    struct snap_error err = { .status = SNAP_OK };
    FILE *full = fopen("/dev/full", "w");

    (void)state;
    assert_non_null(full);
    assert_int_not_equal(cli_json_finish(cli_json_document("p", "v"), 0, full, &err), SNAP_OK);
    assert_int_equal(err.status, SNAP_E_NOSPC);
    fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_exact_integers),
        cmocka_unit_test(raw_fields_are_hex_strings),
        cmocka_unit_test(strings_are_always_valid),
        cmocka_unit_test(arrays_and_objects_nest),
        cmocka_unit_test(a_document_begins_with_its_frame_and_ends_with_the_status),
        cmocka_unit_test(an_array_that_is_not_kept_is_part_of_one_document),
        cmocka_unit_test(a_failed_part_fails_the_print),
        cmocka_unit_test(a_failed_parent_frees_what_it_takes),
        cmocka_unit_test(a_full_device_is_an_io_error),
    };

    if (cli_json_lacks()) {
        printf("1..0 # SKIP this build lacks %s\n", cli_json_lacks());
        return 0;
    }
    if (!setlocale(LC_CTYPE, "C.UTF-8")) {
        printf("1..0 # SKIP this system has no locale C.UTF-8\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
