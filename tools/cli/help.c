/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes what --help prints, from the tables of a program. */
#include "tools/cli/help.h"

#include "tools/cli/table.h"
#include "tools/cli/value.h"

#include <string.h>

#define MARGIN_COLUMNS 2
#define LETTER_COLUMNS 4 /* "-n, " */
#define COLUMNS_MAX 100u

/* Width of "--origin DEV". */
static int option_columns(const struct cli_option *option)
{
    size_t length = 2 + strlen(option->name);

    if (option->argument)
        length += 1 + strlen(option->argument);
    return (int)length;
}

static int widest_option(const struct cli_option *options)
{
    int widest = 0;

    for (; options->name; options++) {
        if (option_columns(options) > widest)
            widest = option_columns(options);
    }
    return widest;
}

/* A text of one or more lines, the first one printed where the cursor is, the others indented. */
static void print_lines(const char *text, int indent_columns, FILE *out)
{
    for (;;) {
        const size_t length = strcspn(text, "\n");

        fprintf(out, "%.*s", (int)length, text);
        if (text[length] == '\0')
            return;
        text += length + 1;
        fprintf(out, "\n%*s", indent_columns, "");
    }
}

/* "LIST: one, two"; a line that would be too long goes on behind a comma. */
static void print_words(const struct cli_option *option, int text_column, FILE *out)
{
    size_t column = (size_t)text_column + strlen(option->argument) + 1;

    fprintf(out, "\n%*s%s:", text_column, "", option->argument);
    for (size_t i = 0; option->words[i]; i++) {
        const size_t width = strlen(option->words[i]) + 2;

        if (column + width > COLUMNS_MAX) {
            fprintf(out, "\n%*s", text_column + (int)strlen(option->argument) + 1, "");
            column = (size_t)text_column + strlen(option->argument) + 1;
        }
        fprintf(out, " %s%s", option->words[i], option->words[i + 1] ? "," : "");
        column += width;
    }
}

static void print_option(const struct cli_option *option, int widest, FILE *out)
{
    const int text_column = MARGIN_COLUMNS + LETTER_COLUMNS + widest + MARGIN_COLUMNS;

    fprintf(out, "%*s", MARGIN_COLUMNS, "");
    if (option->letter != 0)
        fprintf(out, "-%c, ", option->letter);
    else
        fprintf(out, "%*s", LETTER_COLUMNS, "");
    fprintf(out, "--%s%s%s%*s", option->name, option->argument ? " " : "",
            option->argument ? option->argument : "",
            widest - option_columns(option) + MARGIN_COLUMNS, "");
    print_lines(option->help, text_column, out);
    if (option->lacks && option->lacks())
        fprintf(out, "\n%*s(not in this build: it lacks %s)", text_column, "", option->lacks());
    if (option->kind == CLI_LIST)
        print_words(option, text_column, out);
    fputc('\n', out);
}

static bool same_group(const struct cli_option *first, const struct cli_option *second)
{
    return strcmp(first->group, second->group) == 0;
}

/* Each group where its first option stands, with all its options, wherever those stand. */
static void print_options(const struct cli_option *options, FILE *out)
{
    const int widest = widest_option(options);

    for (size_t first = 0; options[first].name; first++) {
        bool printed = false;

        for (size_t i = 0; i < first; i++)
            printed = printed || same_group(&options[i], &options[first]);
        if (printed)
            continue;
        fprintf(out, "\n%s:\n", options[first].group);
        for (size_t i = first; options[i].name; i++) {
            if (same_group(&options[i], &options[first]))
                print_option(&options[i], widest, out);
        }
    }
}

static void print_columns(const struct cli_column_set *set, FILE *out)
{
    int widest = 0;

    for (size_t i = 0; i < set->count; i++) {
        const int length = (int)strlen(set->columns[i].name);

        widest = length > widest ? length : widest;
    }
    fprintf(out, "\nColumns of %s (* only with -o):\n", set->of);
    for (size_t i = 0; i < set->count; i++) {
        const struct cli_column *column = &set->columns[i];

        fprintf(out, "%c %-*s  %s\n", column->extra ? '*' : ' ', widest, column->name, column->help);
    }
}

static void print_exit_statuses(const struct cli_program *program, FILE *out)
{
    fprintf(out, "\nExit status:\n   0  done, clean or true\n");
    if (program->exit_1)
        fprintf(out, "   1  %s\n", program->exit_1);
    fprintf(out, "   4  the store is damaged or invalid, there is none, or entries are left in it\n"
                 "   8  operational error or refusal: I/O, busy, no space, no permission, wrong origin\n"
                 "  16  wrong usage\n"
                 "  32  stopped by a signal: safe, repeat the command to resume\n");
}

void cli_print_help(const struct cli_program *program, const struct cli_option *options, FILE *out)
{
    fprintf(out, "Usage: %s %s\n\n%s\n", program->name, program->synopsis, program->purpose);
    print_options(options, out);
    for (const struct cli_column_set *set = program->tables; set && set->of; set++)
        print_columns(set, out);
    fprintf(out, "\nSizes: bytes; K M G T or KiB... are 1024-based, KB MB... 1000-based, s is 512 bytes.\n"
                 "Devices: a block device, an image file, or LABEL=, UUID=, PARTLABEL=, PARTUUID=.\n");
    print_exit_statuses(program, out);
    fprintf(out, "\nManual: %s(8), overview: dmsnap(7), format of the store: dmsnap-store(5).\n", program->name);
}
