/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LVM's metadata text: read as LVM writes it, and refused with its place where it is another. */
#include "config.h"

#include "lib/lvm/lvm_text.h"

#include "tests/unit/lvm_fixture.h"

#include <stdio.h>
#include <stdlib.h>

static struct snap_error err;

static struct snap_lvm_text *parse(const char *text)
{
    struct snap_lvm_text *tree = NULL;

    assert_ok(snap_lvm_text_parse("pv", text, strlen(text), &tree, &err), &err);
    return tree;
}

static void refused(const char *text, const char *reason)
{
    struct snap_lvm_text *tree = NULL;

    assert_status(snap_lvm_text_parse("pv", text, strlen(text), &tree, &err), SNAP_E_CORRUPT, &err);
    if (!strstr(err.text, reason) || strncmp(err.text, "pv: ", 4) != 0)
        fail_msg("%s: not in: %s", reason, err.text);
}

/* The form of the disk; libdevmapper gives sections and names in either order. */
static void a_text_is_read(void **state)
{
    struct snap_lvm_text *tree = parse("vg {\nseqno = 4\t# four {\nempty {\n}\nlist = [\"a\", 12,\"b}\"]\n"
                                       "none = []\n"
                                       "text = \"with \\\"quotes\\\" and # { \\\\\"\n"
                                       "less=-1\nfloat = 1.5\n}\nversion = 1\n");
    const struct snap_lvm_text_node *root = snap_lvm_text_root(tree), *group = root;
    const struct snap_lvm_text_value *value;
    uint64_t number = 77;

    (void)state;
    while (group && strcmp(snap_lvm_text_name(group), "vg") != 0)
        group = snap_lvm_text_next(group);
    assert_non_null(group);
    assert_true(snap_lvm_text_is_section(group));
    assert_true(snap_lvm_text_is_section(snap_lvm_text_find(group, "empty")));
    assert_null(snap_lvm_text_inside(snap_lvm_text_find(group, "empty")));
    assert_null(snap_lvm_text_first(snap_lvm_text_find(group, "empty")));
    assert_null(snap_lvm_text_find(group, "version"));
    assert_false(snap_lvm_text_is_section(snap_lvm_text_find(group, "seqno")));
    value = snap_lvm_text_first(snap_lvm_text_find(group, "seqno"));
    assert_true(snap_lvm_text_number(value, &number));
    assert_int_equal(number, 4);
    assert_null(snap_lvm_text_string(value));
    assert_null(snap_lvm_text_following(value));
    value = snap_lvm_text_first(snap_lvm_text_find(group, "list"));
    assert_string_equal(snap_lvm_text_string(value), "a");
    assert_false(snap_lvm_text_number(value, &number));
    value = snap_lvm_text_following(value);
    assert_true(snap_lvm_text_number(value, &number));
    assert_int_equal(number, 12);
    value = snap_lvm_text_following(value);
    assert_string_equal(snap_lvm_text_string(value), "b}");
    assert_null(snap_lvm_text_following(value));
    assert_null(snap_lvm_text_first(snap_lvm_text_find(group, "none")));
    assert_string_equal(snap_lvm_text_string(snap_lvm_text_first(snap_lvm_text_find(group, "text"))),
                        "with \"quotes\" and # { \\");
    assert_false(snap_lvm_text_number(snap_lvm_text_first(snap_lvm_text_find(group, "less")), &number));
    assert_false(snap_lvm_text_number(snap_lvm_text_first(snap_lvm_text_find(group, "float")), &number));
    snap_lvm_text_free(tree);
}

/* What the parser may read in another way than this scan is refused, and the place is told. */
static void other_forms_are_refused(void **state)
{
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"vg {\na = 'x'\n}\n", "line 2 (byte 9 of 15) has a sign that stands in no such text"},
        {"vg {\na = @x\n}\n", "line 2 (byte 9 of 14) has a sign"},
        {"vg {\na = x\n}\n", "line 2 (byte 9 of 13) has a value that is neither a number nor a string"},
        {"vg {\na/b = 1\n}\n", "line 2 (byte 6 of 15) has a sign that stands in no name and no number"},
        {"a\"{\" = 1", "byte 1 of 8) has a sign that stands in no name"},
        {"a]\"{\" = 1", "byte 1 of 9) has a sign"},
        {"\"a\" = 1", "byte 0 of 7) has a sign that stands in no such text"},
        {"a = 1\"{\"", "byte 5 of 8) has a sign that stands in no name and no number"},
        {"a = 0x10", "byte 5 of 8) has a sign"},
        {"a = 1{", "byte 5 of 6) has a sign"},
        {"a = \"b", "byte 4 of 6) begins a string that does not end"},
        {"a = \"b\\\"", "begins a string that does not end"},
        {"a = \"b\\", "begins a string that does not end"},
        {"a {\nb {\n}\n", "line 4 (byte 10 of 10) ends inside of a section"},
        {"a {\n}\n}\n", "line 3 (byte 6 of 8) ends a section that does not begin"},
        {"a\xc3\xa4 = 1", "has a sign"},
        {"a", "are no text that libdevmapper understands"},
        {"a = ", "are no text that libdevmapper understands"},
        {"a = [1 2]", "byte 8 of 9) has a sign that stands in no name"},
        {"a = [1 \"2\"]", "byte 7 of 11) has a sign that stands in no such text"},
        {"# only a comment", "are no text that libdevmapper understands"},
        {"", "are no text that libdevmapper understands"},
        {"a = 99999999999999999999", "are no text that libdevmapper understands"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        refused(cases[i].text, cases[i].reason);
}

static void a_nul_is_refused(void **state)
{
    struct snap_lvm_text *tree = NULL;

    (void)state;
    assert_status(snap_lvm_text_parse("pv", "a = \"\0{\"", 8, &tree, &err), SNAP_E_CORRUPT, &err);
    assert_non_null(strstr(err.text, "line 1 (byte 5 of 8) has a NUL"));
}

/* The parser calls itself for each section. */
static void sections_are_so_deep_and_no_deeper(void **state)
{
    char text[2 * 3 * (SNAP_LVM_TEXT_DEPTH_MAX + 1) + 1];

    (void)state;
    for (unsigned depth = SNAP_LVM_TEXT_DEPTH_MAX; depth <= SNAP_LVM_TEXT_DEPTH_MAX + 1; depth++) {
        text[0] = '\0';
        for (unsigned i = 0; i < depth; i++)
            strcat(text, "a{\n");
        for (unsigned i = 0; i < depth; i++)
            strcat(text, "}\n");
        if (depth <= SNAP_LVM_TEXT_DEPTH_MAX)
            snap_lvm_text_free(parse(text));
        else
            refused(text, "line 9 (byte 25 of 45) is too deep inside of sections");
    }
}

static void words_are_bounded(void **state)
{
    const size_t length = 2 * (SNAP_LVM_TEXT_WORDS_MAX + 1);
    char *text = malloc(length + 1);

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < length; i += 2)
        memcpy(text + i, ", ", 2);
    text[length] = '\0';
    refused(text, "is behind more words than any group needs");
    text[length - 2] = ' '; /* so many pass the scan, and are no text all the same */
    refused(text, "are no text that libdevmapper understands");
    free(text);
}

static void a_name_is_there_once(void **state)
{
    (void)state;
    refused("vg {\na = 1\nb = 2\na = 3\n}\n", "the LVM metadata name \"a\" twice in one section");
    refused("vg {\nlv {\ns {\n}\n}\nx = 1\nlv {\n}\n}\n", "the LVM metadata name \"lv\" twice in one section");
    refused("vg {\nlv {\ns {\n}\nx = 1\ns = 2\n}\n}\n", "the LVM metadata name \"s\" twice in one section");
    snap_lvm_text_free(parse("vg {\na = 1\nb {\na = 1\n}\nc {\na = 1\n}\n}\n"));
}

static void a_group_of_many_volumes_is_read(void **state)
{
    enum { VOLUMES = 50000 };
    char *text = malloc(VOLUMES * 24u + 64u), *at = text;
    struct snap_lvm_text *tree;
    size_t count = 0;

    (void)state;
    assert_non_null(text);
    at += sprintf(at, "vg {\n");
    for (unsigned i = 0; i < VOLUMES; i++)
        at += sprintf(at, "lv%u {\na = %u\n}\n", i, i % 10);
    (void)sprintf(at, "}\n");
    tree = parse(text);
    for (const struct snap_lvm_text_node *node = snap_lvm_text_inside(snap_lvm_text_root(tree)); node;
         node = snap_lvm_text_next(node))
        count++;
    assert_int_equal(count, VOLUMES);
    snap_lvm_text_free(tree);
    snap_lvm_text_free(NULL);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_read),
        cmocka_unit_test(other_forms_are_refused),
        cmocka_unit_test(a_nul_is_refused),
        cmocka_unit_test(sections_are_so_deep_and_no_deeper),
        cmocka_unit_test(words_are_bounded),
        cmocka_unit_test(a_name_is_there_once),
        cmocka_unit_test(a_group_of_many_volumes_is_read),
    };

#ifndef HAVE_LIBDEVMAPPER
    (void)puts("1..0 # SKIP this build lacks libdevmapper");
    return 0;
#endif
    return cmocka_run_group_tests(tests, NULL, NULL);
}
