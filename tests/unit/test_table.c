/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holds the tables to their promises: selection, escaping, one heading, the same widths in all batches. */
#include "config.h"

#include "tools/cli/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NAME, SIZE, HIDDEN, COLUMNS };

static const struct cli_column columns[COLUMNS] = {
    [NAME] = { .name = "NAME", .width = 6 },
    [SIZE] = { .name = "SIZE", .width = 5, .right = true },
    [HIDDEN] = { .name = "HIDDEN", .extra = true },
};

struct output {
    FILE *file;
    char *text;
    size_t length;
};

static void open_output(struct output *output)
{
    output->text = NULL;
    output->file = open_memstream(&output->text, &output->length);
    assert_non_null(output->file);
}

static void assert_output(struct output *output, const char *expected)
{
    assert_int_equal(fclose(output->file), 0);
    assert_string_equal(output->text, expected);
    free(output->text);
}

static struct cli_table *open_table(const struct cli_table_style *style, struct output *output)
{
    struct cli_table *table = NULL;
    struct snap_error err;

    open_output(output);
    if (cli_table_open(columns, COLUMNS, style, output->file, &table, &err) != SNAP_OK)
        fail_msg("%s", err.text);
    return table;
}

static void add_row(struct cli_table *table, const char *name, const char *size, const char *hidden)
{
    const char *const cells[COLUMNS] = { name, size, hidden };
    struct snap_error err;

    assert_int_equal(cli_table_row(table, cells, &err), SNAP_OK);
}

static void close_table(struct cli_table *table)
{
    struct snap_error err;

    assert_int_equal(cli_table_close(table, &err), SNAP_OK);
}

static void plain_columns_line_up(void **state)
{
    struct output output;
    struct cli_table *table = open_table(&(struct cli_table_style){ .selection = NULL }, &output);

    (void)state;
    add_row(table, "a", "1", "x");
    add_row(table, "b", NULL, "x");
    add_row(table, NULL, "12345", "x");
    close_table(table);
    assert_output(&output, "NAME    SIZE\na          1\nb      \n       12345\n");
}

static void selection_decides_columns_and_order(void **state)
{
    struct output output;
    struct cli_table *table = open_table(&(struct cli_table_style){ .selection = "hidden,Name" }, &output);

    (void)state;
    assert_true(cli_table_wants(table, NAME));
    assert_false(cli_table_wants(table, SIZE));
    assert_true(cli_table_wants(table, HIDDEN));
    add_row(table, "n", "1", "h");
    close_table(table);
    assert_output(&output, "HIDDEN NAME\nh      n\n");
}

static void assert_bad_selection(const char *selection, const char *sentence)
{
    const struct cli_table_style style = { .selection = selection };
    struct cli_table *table = NULL;
    struct snap_error err;

    assert_int_equal(cli_table_open(columns, COLUMNS, &style, stdout, &table, &err), SNAP_E_USAGE);
    assert_null(table);
    assert_non_null(strstr(err.text, sentence));
}

static void bad_selections_are_refused_with_the_known_columns(void **state)
{
    (void)state;
    assert_bad_selection("NAME,BOGUS", "unknown column 'BOGUS'; the columns are: NAME SIZE HIDDEN");
    assert_bad_selection("NAM", "unknown column 'NAM'");
    assert_bad_selection("NAMES", "unknown column 'NAMES'");
    assert_bad_selection("", "unknown column ''");
    assert_bad_selection("NAME,", "unknown column ''");
    assert_bad_selection("NAME,SIZE,name", "column NAME is selected twice");
}

static void raw_has_one_blank_between_cells_and_none_inside(void **state)
{
    struct output output;
    struct cli_table *table = open_table(&(struct cli_table_style){ .raw = true }, &output);

    (void)state;
    add_row(table, "a b", "1", NULL);
    add_row(table, "back\\slash", "2", NULL);
    add_row(table, "\x1b[2J", "3", NULL);
    add_row(table, NULL, "4", NULL);
    close_table(table);
    assert_output(&output, "NAME SIZE\na\\x20b 1\nback\\x5cslash 2\n\\x1b[2J 3\n 4\n");
}

static void noheadings_leaves_the_headings_out(void **state)
{
    struct output output;
    struct cli_table *table = open_table(&(struct cli_table_style){ .noheadings = true, .raw = true }, &output);

    (void)state;
    add_row(table, "a", "1", NULL);
    close_table(table);
    assert_output(&output, "a 1\n");
}

static void cells_are_escaped_once(void **state)
{
    struct output output;
    struct cli_table *table = open_table(&(struct cli_table_style){ .selection = "NAME" }, &output);

    (void)state;
    add_row(table, "\x1b[2J\n", NULL, NULL);
    add_row(table, "a b\\x4", NULL, NULL);
    add_row(table, "a b\\x41", NULL, NULL);
    close_table(table);
    assert_output(&output, "NAME\n\\x1B[2J\\x0A\na b\\x4\na b\\x5Cx41\n");
}

static void an_empty_table_prints_nothing(void **state)
{
    struct output output;

    (void)state;
    close_table(open_table(&(struct cli_table_style){ .selection = NULL }, &output));
    assert_output(&output, "");
}

/*
 * 2500 rows are three batches: one heading, no row lost or doubled, all lines of one width: a column that the
 * first batch made wide, one as wide as its hint, one as wide as its heading.
 */
static void batches_look_like_one_table(void **state)
{
    struct output output;
    struct cli_table *table = open_table(&(struct cli_table_style){ .selection = "HIDDEN,NAME,SIZE" }, &output);
    char *line;
    unsigned rows = 0;

    (void)state;
#ifndef HAVE_SMARTCOLS
    print_message("skipped: this build lacks libsmartcols, so a wide cell makes only its own line longer\n");
    skip();
#endif
    for (unsigned i = 0; i < 2500; i++) {
        char text[16];

        snprintf(text, sizeof(text), "%u", i);
        add_row(table, i == 5 ? "wide in batch one" : "n", text, "h");
        if (i == 1000) { /* the first batch is out: the memory is bounded */
            fflush(output.file);
            assert_true(output.length > 20000);
        }
    }
    close_table(table);
    assert_int_equal(fclose(output.file), 0);
    line = strtok(output.text, "\n");
    assert_string_equal(line, "HIDDEN NAME               SIZE");
    while ((line = strtok(NULL, "\n")) != NULL) {
        assert_int_equal(strlen(line), strlen("HIDDEN NAME               SIZE"));
        assert_int_equal(strtoul(strrchr(line, ' '), NULL, 10), rows);
        rows++;
    }
    assert_int_equal(rows, 2500);
    free(output.text);
}

static void a_full_device_is_reported(void **state)
{
    const struct cli_table_style style = { .selection = NULL };
    const char *const cells[COLUMNS] = { "a", "1", NULL };
    struct cli_table *table = NULL;
    struct snap_error err = { .status = SNAP_OK };
    FILE *full = fopen("/dev/full", "w");

    (void)state;
    assert_non_null(full);
    setvbuf(full, NULL, _IONBF, 0);
    assert_int_equal(cli_table_open(columns, COLUMNS, &style, full, &table, &err), SNAP_OK);
    (void)cli_table_row(table, cells, &err); /* may be too early for it */
    err.status = SNAP_OK;
    assert_int_not_equal(cli_table_close(table, &err), SNAP_OK);
    assert_int_not_equal(err.status, SNAP_OK);
    fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_columns_line_up),
        cmocka_unit_test(selection_decides_columns_and_order),
        cmocka_unit_test(bad_selections_are_refused_with_the_known_columns),
        cmocka_unit_test(raw_has_one_blank_between_cells_and_none_inside),
        cmocka_unit_test(noheadings_leaves_the_headings_out),
        cmocka_unit_test(cells_are_escaped_once),
        cmocka_unit_test(an_empty_table_prints_nothing),
        cmocka_unit_test(batches_look_like_one_table),
        cmocka_unit_test(a_full_device_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
