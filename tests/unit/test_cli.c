/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holds the frame of the programs to its promises: strict options, exact exit statuses, careful talk. */
#include "tools/cli/cli.h"
#include "tools/cli/result.h"
#include "tools/cli/table.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- a program to try it on --------------------------------------------------------------------------- */

static struct {
    bool flag, given;
    const char *string;
    uint64_t size, count, seconds, end;
    int word;
    unsigned list;
} values;

static const char *const list_words[] = { "identity", "cut", "other", NULL };
static const char *const word_words[] = { "P", "PO", NULL };
static const char *const size_words[] = { "max", NULL };
static const char *const operands[] = { "COW", "SECOND" };

static const struct cli_option options[] = {
    { .name = "flag", .letter = 'f', .help = "a flag", .group = "One", .kind = CLI_FLAG, .flag = &values.flag },
    { .name = "string", .letter = 's', .argument = "DEV", .help = "a\ntext", .group = "Two", .kind = CLI_STRING,
      .string = &values.string, .given = &values.given },
    { .name = "size", .argument = "SIZE|max", .help = "a size", .group = "One", .kind = CLI_SIZE,
      .number = &values.size, .words = size_words, .minimum = 4096 },
    { .name = "count", .argument = "N", .help = "a count", .group = "One", .kind = CLI_UINT,
      .number = &values.count, .minimum = 2 },
    { .name = "seconds", .argument = "SEC", .help = "a time", .group = "One", .kind = CLI_SECONDS,
      .number = &values.seconds, .minimum = 1 },
    { .name = "word", .argument = "P|PO", .help = "a word", .group = "One", .kind = CLI_WORD, .word = &values.word,
      .words = word_words },
    { .name = "list", .argument = "LIST", .help = "a list", .group = "One", .kind = CLI_LIST, .list = &values.list,
      .words = list_words },
    CLI_OPTIONS_END,
};

static const struct cli_option required_options[] = {
    { .name = "origin", .argument = "DEV", .help = "the origin", .group = "One", .kind = CLI_STRING,
      .string = &values.string, .required = true },
    CLI_OPTIONS_END,
};

static const struct cli_option memory_options[] = {
    { .name = "flag", .letter = 'f', .help = "a flag", .group = "One", .kind = CLI_FLAG, .flag = &values.flag },
    { .name = "memory", .argument = "SIZE", .help = "a size", .group = "One", .kind = CLI_SIZE,
      .number = &values.size },
    CLI_OPTIONS_END,
};

static const struct cli_option json_options[] = {
    CLI_OPTION_JSON(&values.flag),
    CLI_OPTIONS_END,
};

static const struct cli_program json_program = {
    .name = "prog", .purpose = "Does nothing.", .synopsis = "[OPTION...]", .options = json_options,
};

static const struct cli_column columns[] = {
    { .name = "SHOWN", .help = "first" }, { .name = "EXTRA", .help = "second", .extra = true },
};

static const struct cli_column_set tables[] = {{"--flag", columns, 2}, CLI_COLUMN_SETS_END};

static const struct cli_program program = {
    .name = "prog", .purpose = "Does nothing.", .synopsis = "[OPTION...] COW [SECOND]", .options = options,
    .operand_names = operands, .operands_min = 1, .operands_max = 2, .tables = tables,
    .exit_1 = "nothing to do",
};

static const struct cli_program strict_program = {
    .name = "prog", .purpose = "Does nothing.", .synopsis = "--origin DEV", .options = required_options,
};

static const struct cli_program memory_program = {
    .name = "prog", .purpose = "Does nothing.", .synopsis = "[OPTION...]", .options = memory_options,
};

/* One run of the parser, with what it wrote. */
struct run {
    struct cli cli;
    FILE *out_file, *err_file;
    char *out, *err;
    size_t out_length, err_length;
    int exit_status;
    bool go_on;
};

static void parse(struct run *run, const struct cli_program *which, const char *const *arguments)
{
    int argc = 0;

    memset(run, 0, sizeof(*run));
    memset(&values, 0, sizeof(values));
    values.word = -1;
    run->exit_status = -1;
    run->out_file = open_memstream(&run->out, &run->out_length);
    run->err_file = open_memstream(&run->err, &run->err_length);
    assert_non_null(run->out_file);
    assert_non_null(run->err_file);
    while (arguments[argc] != NULL)
        argc++;
    run->go_on = cli_parse(&run->cli, which, argc, arguments, run->out_file, run->err_file, &run->exit_status);
    fflush(run->out_file);
    fflush(run->err_file);
}

static void end(struct run *run)
{
    cli_free(&run->cli);
    fclose(run->out_file);
    fclose(run->err_file);
    free(run->out);
    free(run->err);
}

#define ARGUMENTS(...) ((const char *const[]){ "./prog", __VA_ARGS__, NULL })

/* A usage error: the sentence, the hint, status 16, and nothing on standard output. */
static void assert_usage_error(const struct cli_program *which, const char *sentence, const char *const *arguments)
{
    char expected[512];
    struct run run;

    snprintf(expected, sizeof(expected), "prog: %s\nTry 'prog --help'.\n", sentence);
    parse(&run, which, arguments);
    assert_string_equal(run.err, expected);
    assert_string_equal(run.out, "");
    assert_false(run.go_on);
    assert_int_equal(run.exit_status, CLI_EXIT_USAGE);
    end(&run);
}

#define ASSERT_USAGE_ERROR(sentence, ...) assert_usage_error(&program, sentence, ARGUMENTS(__VA_ARGS__))

/* A repeatable option hands over all its arguments, in order, up to the limit. */
static void repeated_strings_add_up(void **state)
{
    static struct cli_strings strings;
    static const struct cli_option table[] = {
        { .name = "preserve", .argument = "DEV", .help = "a text", .group = "One", .kind = CLI_STRINGS,
          .strings = &strings },
        CLI_OPTIONS_END,
    };
    static const struct cli_program repeating = {
        .name = "prog", .purpose = "Does nothing.", .synopsis = "[OPTION...]", .options = table };
    const char *arguments[2 * (CLI_STRINGS_MAX + 1) + 2] = { "./prog" };
    struct run run;

    (void)state;
    strings.count = 0;
    parse(&run, &repeating, ARGUMENTS("--preserve=a", "--preserve", "b"));
    assert_true(run.go_on);
    assert_int_equal(strings.count, 2);
    assert_string_equal(strings.items[0], "a");
    assert_string_equal(strings.items[1], "b");
    end(&run);

    strings.count = 0;
    for (unsigned i = 0; i < CLI_STRINGS_MAX; i++) {
        arguments[1 + 2 * i] = "--preserve";
        arguments[2 + 2 * i] = "x";
    }
    parse(&run, &repeating, arguments);
    assert_true(run.go_on);
    assert_int_equal(strings.count, CLI_STRINGS_MAX);
    end(&run);

    strings.count = 0;
    arguments[1 + 2 * CLI_STRINGS_MAX] = "--preserve";
    arguments[2 + 2 * CLI_STRINGS_MAX] = "x";
    assert_usage_error(&repeating, "--preserve is given more than 16 times", arguments);
    strings.count = 0;
    assert_usage_error(&repeating, "--preserve: the argument DEV is empty", ARGUMENTS("--preserve="));
}

/* ---- options ------------------------------------------------------------------------------------------ */

static void every_kind_of_option_arrives(void **state)
{
    struct run run;

    (void)state;
    parse(&run, &program, ARGUMENTS("-f", "--string=a=b", "--size", "8s", "cow", "--count=2", "--seconds", "1",
                                    "-v", "--word=PO", "--list", "cut,other", "-q"));
    assert_true(run.go_on);
    assert_string_equal(run.err, "");
    assert_true(values.flag);
    assert_true(values.given);
    assert_string_equal(values.string, "a=b");
    assert_int_equal(values.size, 4096);
    assert_int_equal(values.count, 2);
    assert_int_equal(values.seconds, 1);
    assert_int_equal(values.word, 1);
    assert_int_equal(values.list, 6);
    assert_true(run.cli.verbose);
    assert_true(run.cli.quiet);
    assert_int_equal(run.cli.operands_count, 1);
    assert_string_equal(run.cli.operands[0], "cow");
    end(&run);
}

static void options_not_given_keep_their_defaults(void **state)
{
    struct run run;

    (void)state;
    parse(&run, &program, ARGUMENTS("cow", "second"));
    assert_true(run.go_on);
    assert_false(values.flag || values.given || run.cli.verbose || run.cli.quiet);
    assert_null(values.string);
    assert_int_equal(values.size, 0);
    assert_int_equal(values.word, -1);
    assert_int_equal(values.list, 0);
    assert_int_equal(run.cli.operands_count, 2);
    end(&run);
}

static void the_word_for_a_size_is_taken(void **state)
{
    struct run run;

    (void)state;
    parse(&run, &program, ARGUMENTS("--size=max", "cow"));
    assert_true(run.go_on);
    assert_true(values.size == UINT64_MAX);
    end(&run);
}

static void lists_and_flags_may_be_repeated(void **state)
{
    struct run run;

    (void)state;
    parse(&run, &program, ARGUMENTS("--list=identity", "--list=cut", "-f", "--flag", "cow"));
    assert_true(run.go_on);
    assert_int_equal(values.list, 3);
    end(&run);
}

static void a_repeated_single_option_is_refused(void **state)
{
    (void)state;
    ASSERT_USAGE_ERROR("--string is given twice", "-s", "a", "--string=b", "cow");
    ASSERT_USAGE_ERROR("--size is given twice", "--size=4K", "--size=4K", "cow");
}

static void bad_values_are_refused(void **state)
{
    (void)state;
    ASSERT_USAGE_ERROR("--string: the argument DEV is empty", "--string=", "cow");
    ASSERT_USAGE_ERROR("--count: the argument N is empty", "--count=", "cow");
    ASSERT_USAGE_ERROR("--count: '010' is not a number: it begins with a 0", "--count=010", "cow");
    ASSERT_USAGE_ERROR("--count: 1 is too small: it must be at least 2", "--count=1", "cow");
    ASSERT_USAGE_ERROR("--seconds: 0 is too small: it must be at least 1", "--seconds=0", "cow");
    ASSERT_USAGE_ERROR("--size: 4095 is too small: it must be at least 4 KiB", "--size=4095", "cow");
    ASSERT_USAGE_ERROR("--size: 8 is too small: it must be at least 4 KiB; for 8 sectors write 8s", "--size=8", "cow");
    ASSERT_USAGE_ERROR("--size: 7 is too small: it must be at least 4 KiB", "--size=7", "cow");
    ASSERT_USAGE_ERROR("--word: 'p' is not one of P, PO", "--word=p", "cow");
    ASSERT_USAGE_ERROR("--list: 'cuts' is not one of identity, cut, other", "--list=identity,cuts", "cow");
    ASSERT_USAGE_ERROR("--list: '' is not one of identity, cut, other", "--list=cut,", "cow");
    ASSERT_USAGE_ERROR("--list: '' is not one of identity, cut, other", "--list=,", "cow");
}

static void a_bad_list_sets_nothing(void **state)
{
    struct run run;

    (void)state;
    parse(&run, &program, ARGUMENTS("--list=identity,bad", "cow"));
    assert_false(run.go_on);
    assert_int_equal(values.list, 0);
    end(&run);
}

static void unknown_and_incomplete_options_are_refused(void **state)
{
    (void)state;
    ASSERT_USAGE_ERROR("unknown option --bogus", "--bogus", "cow");
    ASSERT_USAGE_ERROR("unknown option --bogus\\x1B[2J", "--bogus\x1b[2J", "cow");
    ASSERT_USAGE_ERROR("unknown option --fla", "--fla", "cow");
    ASSERT_USAGE_ERROR("unknown option -Z", "-Z", "cow");
    ASSERT_USAGE_ERROR("--string: the argument is missing", "cow", "--string");
    ASSERT_USAGE_ERROR("--flag=1: option does not take an argument", "--flag=1", "cow");
}

static void operands_are_counted(void **state)
{
    struct run run;

    (void)state;
    assert_usage_error(&program, "the COW operand is missing", ARGUMENTS("-f"));
    ASSERT_USAGE_ERROR("unexpected operand 'c'", "a", "b", "c");
    ASSERT_USAGE_ERROR("the SECOND operand is empty", "a", "");
    assert_usage_error(&strict_program, "unexpected operand 'a'", ARGUMENTS("--origin=o", "a"));
    parse(&run, &program, ARGUMENTS("--", "--string", "-"));
    assert_true(run.go_on);
    assert_string_equal(run.cli.operands[0], "--string");
    assert_string_equal(run.cli.operands[1], "-");
    end(&run);
}

static void a_required_option_is_missed(void **state)
{
    (void)state;
    assert_usage_error(&strict_program, "the option --origin DEV is missing", ARGUMENTS("-v"));
}

/* ---- help and version --------------------------------------------------------------------------------- */

static void help_is_made_from_the_table(void **state)
{
    static const char expected[] =
        "Usage: prog [OPTION...] COW [SECOND]\n\nDoes nothing.\n\n"
        "One:\n"
        "  -f, --flag           a flag\n"
        "      --size SIZE|max  a size\n"
        "      --count N        a count\n"
        "      --seconds SEC    a time\n"
        "      --word P|PO      a word\n"
        "      --list LIST      a list\n"
        "                       LIST: identity, cut, other\n"
        "\nTwo:\n"
        "  -s, --string DEV     a\n"
        "                       text\n"
        "\nGeneral:\n"
        "  -v, --verbose        say more\n"
        "  -q, --quiet          say errors and warnings only\n"
        "      --no-sandbox     keep all rights while foreign bytes are read\n"
        "  -h, --help           print this help\n"
        "  -V, --version        print the version; with -v the libraries of this build\n"
        "\nColumns of --flag (* only with -o):\n"
        "  SHOWN  first\n"
        "* EXTRA  second\n"
        "\nSizes: ";
    struct run run;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        parse(&run, &program, ARGUMENTS(i == 0 ? "-h" : "--help"));
        assert_false(run.go_on);
        assert_int_equal(run.exit_status, CLI_EXIT_OK);
        assert_string_equal(run.err, "");
        assert_true(strlen(run.out) > sizeof(expected));
        run.out[sizeof(expected) - 1] = '\0';
        assert_string_equal(run.out, expected);
        end(&run);
    }
}

static void help_ends_with_the_statuses_and_the_manual(void **state)
{
    struct run run;

    (void)state;
    parse(&run, &program, ARGUMENTS("--help"));
    assert_non_null(strstr(run.out, "\nExit status:\n   0  "));
    assert_non_null(strstr(run.out, "\n   1  nothing to do\n   4  "));
    assert_non_null(strstr(run.out, "\n   8  "));
    assert_non_null(strstr(run.out, "\n  16  "));
    assert_non_null(strstr(run.out, "\n  32  "));
    assert_non_null(strstr(run.out, "\n\nManual: prog(8)"));
    end(&run);
    parse(&run, &strict_program, ARGUMENTS("--help"));
    assert_null(strstr(run.out, "\n   1  "));
    assert_null(strstr(run.out, "Columns"));
    end(&run);
}

static void help_and_version_ask_for_nothing_else(void **state)
{
    struct run run;

    (void)state;
    parse(&run, &strict_program, ARGUMENTS("-V", "--bogus"));
    assert_int_equal(run.exit_status, CLI_EXIT_OK);
    assert_non_null(strstr(run.out, "prog (dmsnap) "));
    end(&run);
    assert_usage_error(&strict_program, "unknown option --bogus", ARGUMENTS("--bogus", "--help"));
}

/* ---- options that need or exclude others -------------------------------------------------------------- */

static const struct cli_option_rule rules[] = {
    { .name = "size", .needs = "count", .reason = "so it is" },
    { .name = "string", .excludes = { "flag", "word" }, .reason = "there is one of it" },
    CLI_OPTION_RULES_END,
};

static const struct cli_option_rule wrong_rules[] = {
    { .name = "string", .excludes = { "flag", "wrod" }, .reason = "misspelt" },
    CLI_OPTION_RULES_END,
};

static void rules_between_options_hold(void **state)
{
    struct cli_program ruled = program;
    struct run run;

    (void)state;
    ruled.rules = rules;
    assert_usage_error(&ruled, "--size needs --count: so it is", ARGUMENTS("--size=4K", "x"));
    assert_usage_error(&ruled, "--string and --flag cannot be used together: there is one of it",
                       ARGUMENTS("-f", "-s", "a", "x"));
    assert_usage_error(&ruled, "--string and --word cannot be used together: there is one of it",
                       ARGUMENTS("--word=P", "-s", "a", "x"));
    parse(&run, &ruled, ARGUMENTS("--size=4K", "--count=2", "-f", "--word=P", "x"));
    assert_string_equal(run.err, "");
    assert_true(run.go_on);
    end(&run);
}

/* A mistake in a program's table is met by its every run, not only where the rule matters. */
static void a_rule_about_no_option_is_an_internal_error(void **state)
{
    struct cli_program ruled = program;
    struct run run;

    (void)state;
    ruled.rules = wrong_rules;
    parse(&run, &ruled, ARGUMENTS("x"));
    assert_false(run.go_on);
    assert_int_equal(run.exit_status, CLI_EXIT_FAILED);
    assert_non_null(strstr(run.err, "--wrod"));
    end(&run);
}

/* ---- exit statuses ------------------------------------------------------------------------------------ */

static void every_failure_has_its_exit_status(void **state)
{
    (void)state;
    assert_int_equal(cli_exit_status(SNAP_OK), 0);
    assert_int_equal(cli_exit_status(SNAP_E_USAGE), 16);
    assert_int_equal(cli_exit_status(SNAP_E_NOT_STORE), 4);
    assert_int_equal(cli_exit_status(SNAP_E_VERSION), 4);
    assert_int_equal(cli_exit_status(SNAP_E_INVALID), 4);
    assert_int_equal(cli_exit_status(SNAP_E_CORRUPT), 4);
    assert_int_equal(cli_exit_status(SNAP_E_STOPPED), 32);
    for (int status = SNAP_E_REFUSED; status <= SNAP_E_INTERNAL; status++) {
        if (status != SNAP_E_STOPPED)
            assert_int_equal(cli_exit_status((enum snap_status)status), 8);
    }
}

static void each_end_of_work_has_its_word(void **state)
{
    (void)state;
    assert_string_equal(cli_exit_outcome(SNAP_OK), "done");
    assert_string_equal(cli_exit_outcome(SNAP_E_STOPPED), "stopped");
    assert_string_equal(cli_exit_outcome(SNAP_E_IO), "failed");
}

static void the_worse_exit_status_wins(void **state)
{
    static const int ranked[] = { 0, 1, 4, 8, 16, 32 };

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        for (size_t j = 0; j < 6; j++)
            assert_int_equal(cli_exit_worse(ranked[i], ranked[j]), ranked[i > j ? i : j]);
    }
}

/* `buffering`: _IOFBF, and the data are lost at the end; _IONBF, and they are lost long before. */
static int finish_on(const char *path, int buffering, int exit_status, char *said, size_t room)
{
    struct run run;

    parse(&run, &program, ARGUMENTS("cow"));
    run.cli.out = fopen(path, "w");
    assert_non_null(run.cli.out);
    assert_int_equal(setvbuf(run.cli.out, NULL, buffering, BUFSIZ), 0);
    fputs("data", run.cli.out);
    exit_status = cli_finish(&run.cli, exit_status);
    fflush(run.err_file);
    snprintf(said, room, "%s", run.err);
    end(&run);
    return exit_status;
}

static void lost_output_is_a_failure(void **state)
{
    char said[256];

    (void)state;
    assert_int_equal(finish_on("/dev/null", _IOFBF, 0, said, sizeof(said)), 0);
    assert_string_equal(said, "");
    assert_int_equal(finish_on("/dev/full", _IOFBF, 0, said, sizeof(said)), 8);
    assert_string_equal(said, "prog: standard output: No space left on device\n");
    assert_int_equal(finish_on("/dev/full", _IOFBF, 4, said, sizeof(said)), 8);
    assert_int_equal(finish_on("/dev/full", _IOFBF, 32, said, sizeof(said)), 32);
    assert_int_equal(finish_on("/dev/full", _IONBF, 0, said, sizeof(said)), 8);
    assert_string_equal(said, "prog: standard output: a write failed\n");
}

/* ---- JSON at the end ---------------------------------------------------------------------------------- */

#define HEAD "{\n  \"dmsnap\": {\n    \"schema\": 1,\n    \"program\": \"prog\",\n    \"version\": \"1\"\n  },\n"
#define ERROR "  \"error\": {\n    \"status\": \"busy\",\n    \"message\": \"in use\"\n  },\n"

enum ended { ENDED_WITHOUT, ENDED_WITH_DOCUMENT, ENDED_WITH_LINES };

/* What is printed at the end of a run that failed (`status` is not SNAP_OK) or not. */
static void assert_end(enum ended how, enum snap_status status, int exit_status, const char *expected)
{
    struct snap_error failure = {.status = status, .text = "in use"};
    struct run run;

    parse(&run, &json_program, ARGUMENTS("-J"));
    assert_true(run.go_on);
    if (how == ENDED_WITH_DOCUMENT)
        cli_result_keep(&run.cli, cli_json_document("prog", "1"));
    else if (how == ENDED_WITH_LINES)
        cli_result_stream(&run.cli);
    if (status != SNAP_OK) {
        assert_int_equal(cli_fail(&run.cli, &failure), exit_status);
        failure.status = SNAP_E_IO; /* a later one is not told */
        cli_result_failed(&run.cli, &failure);
    }
    assert_int_equal(cli_result_print(&run.cli, "1", exit_status, NULL), SNAP_OK);
    fflush(run.out_file);
    assert_string_equal(run.out, expected);
    end(&run);
}

static void a_run_ends_with_one_object(void **state)
{
    (void)state;
    if (cli_json_lacks())
        skip();
    assert_end(ENDED_WITHOUT, SNAP_OK, 0, "");
    assert_end(ENDED_WITHOUT, SNAP_E_BUSY, 8, HEAD ERROR "  \"exit_status\": 8\n}\n");
    assert_end(ENDED_WITH_DOCUMENT, SNAP_OK, 4, HEAD "  \"exit_status\": 4\n}\n");
    assert_end(ENDED_WITH_DOCUMENT, SNAP_E_BUSY, 8, HEAD ERROR "  \"exit_status\": 8\n}\n");
    assert_end(ENDED_WITH_LINES, SNAP_OK, 0, "{\"exit_status\":0}\n");
    assert_end(ENDED_WITH_LINES, SNAP_E_BUSY, 8,
               "{\"error\":{\"status\":\"busy\",\"message\":\"in use\"},\"exit_status\":8}\n");
}

static void each_failure_has_a_word_of_its_own(void **state)
{
    (void)state;
    for (int i = SNAP_OK; i <= SNAP_E_INTERNAL; i++) {
        assert_non_null(cli_exit_word((enum snap_status)i));
        for (int j = SNAP_OK; j < i; j++)
            assert_string_not_equal(cli_exit_word((enum snap_status)i), cli_exit_word((enum snap_status)j));
    }
}

/* ---- talk --------------------------------------------------------------------------------------------- */

static void talk_is_named_and_escaped(void **state)
{
    const struct snap_error corrupt = { .status = SNAP_E_CORRUPT, .text = "/dev/x: \x1b]0;bad\n" };
    struct run run;

    (void)state;
    parse(&run, &program, ARGUMENTS("cow"));
    cli_error(&run.cli, "%d", 1);
    cli_warn(&run.cli, "%s", "a\x7f");
    cli_note(&run.cli, "note");
    cli_verbose(&run.cli, "not said");
    cli_line(&run.cli, "line");
    assert_int_equal(cli_fail(&run.cli, &corrupt), 4);
    assert_int_equal(cli_refuse(&run.cli, &corrupt), 4);
    assert_int_equal(cli_usage_error(&run.cli, "%s", "no"), 16);
    assert_string_equal(run.err, "prog: 1\nprog: warning: a\\x7F\nprog: note\nline\n"
                                 "prog: /dev/x: \\x1B]0;bad\\x0A\n"
                                 "prog: /dev/x: \\x1B]0;bad\\x0A\nNothing was written.\n"
                                 "prog: no\nTry 'prog --help'.\n");
    assert_string_equal(run.out, "");
    end(&run);
}

static void short_memory_names_the_option_for_it(void **state)
{
    const struct snap_error memory = { .status = SNAP_E_NOMEM, .text = "out of memory" };
    const struct snap_error other = { .status = SNAP_E_IO, .text = "cannot be read" };
    struct run run;

    (void)state;
    parse(&run, &memory_program, ARGUMENTS("-f"));
    assert_int_equal(cli_refuse(&run.cli, &memory), 8);
    assert_int_equal(cli_fail(&run.cli, &other), 8);
    assert_string_equal(run.err, "prog: out of memory\n--memory SIZE sets how much memory is used.\n"
                                 "Nothing was written.\nprog: cannot be read\n");
    end(&run);
    parse(&run, &program, ARGUMENTS("cow")); /* has no such option */
    assert_int_equal(cli_fail(&run.cli, &memory), 8);
    assert_string_equal(run.err, "prog: out of memory\n");
    end(&run);
}

static void quiet_and_verbose_choose_what_is_said(void **state)
{
    struct run run;

    (void)state;
    parse(&run, &program, ARGUMENTS("-q", "cow"));
    cli_note(&run.cli, "note");
    cli_warn(&run.cli, "warning stays");
    end(&run);
    parse(&run, &program, ARGUMENTS("-v", "cow"));
    cli_verbose(&run.cli, "detail");
    assert_string_equal(run.err, "prog: detail\n");
    end(&run);
    parse(&run, &program, ARGUMENTS("--quiet", "cow"));
    cli_note(&run.cli, "note");
    cli_error(&run.cli, "error");
    cli_warn(&run.cli, "warning");
    assert_string_equal(run.err, "prog: error\nprog: warning: warning\n");
    end(&run);
}

/* ---- questions ---------------------------------------------------------------------------------------- */

/* A terminal of our own: `typed` is in its input before the question comes. */
static enum cli_answer ask_on_terminal(const char *typed, bool yes)
{
    struct cli cli = { .program = &program };
    enum cli_answer answer;
    int master = posix_openpt(O_RDWR | O_NOCTTY), slave;

    assert_true(master >= 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(slave >= 0);
    assert_int_equal(write(master, typed, strlen(typed)), (ssize_t)strlen(typed));
    cli.in_fd = slave;
    cli.err = fdopen(dup(slave), "w");
    assert_non_null(cli.err);
    answer = cli_ask(&cli, yes, "Really?");
    fclose(cli.err);
    close(slave);
    close(master);
    return answer;
}

static void only_yes_is_yes(void **state)
{
    (void)state;
    assert_int_equal(ask_on_terminal("y\n", false), CLI_ANSWER_YES);
    assert_int_equal(ask_on_terminal("YES\n", false), CLI_ANSWER_YES);
    assert_int_equal(ask_on_terminal("n\n", false), CLI_ANSWER_NO);
    assert_int_equal(ask_on_terminal("\n", false), CLI_ANSWER_NO);
    assert_int_equal(ask_on_terminal("yesterday\n", false), CLI_ANSWER_NO);
    assert_int_equal(ask_on_terminal("ye\n", false), CLI_ANSWER_NO);
    assert_int_equal(ask_on_terminal("\004", false), CLI_ANSWER_NO); /* the end of the input */
}

/* Standard error leads to a file: the question, and what it is about, are on the terminal all the same. */
static void a_question_goes_to_the_terminal_where_standard_error_does_not(void **state)
{
    struct cli cli = { .program = &program };
    FILE *file = tmpfile();
    char shown[256] = "";
    size_t length = 0;
    int master = posix_openpt(O_RDWR | O_NOCTTY), slave;

    (void)state;
    assert_non_null(file);
    assert_true(master >= 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(slave >= 0);
    assert_int_equal(write(master, "n\n", 2), 2);
    cli.in_fd = slave;
    cli.err = file;
    assert_true(cli_ask_begin(&cli));
    cli_line(&cli, "what it is about");
    assert_int_equal(cli_ask(&cli, false, "Really?"), CLI_ANSWER_NO);
    assert_ptr_equal(cli.err, file);
    assert_int_equal(ftell(file), 0);
    cli_line(&cli, "afterwards");
    assert_int_equal(ftell(file), (long)strlen("afterwards\n"));
    while (!strstr(shown, "what it is about\r\nprog: Really? [y/N] ")) { /* it may come in several pieces */
        const ssize_t count = read(master, shown + length, sizeof shown - 1 - length);

        assert_true(count > 0);
        length += (size_t)count;
    }
    fclose(file);
    close(slave);
    close(master);
}

static void the_option_answers_yes_without_a_terminal(void **state)
{
    struct cli cli = { .program = &program, .in_fd = -1, .err = NULL };

    (void)state;
    assert_int_equal(cli_ask(&cli, true, "Really?"), CLI_ANSWER_YES);
}

static void without_a_terminal_nobody_is_asked(void **state)
{
    struct cli cli = { .program = &program };
    FILE *file = tmpfile();

    (void)state;
    assert_non_null(file);
    cli.in_fd = fileno(file);
    cli.err = file;
    assert_int_equal(cli_ask(&cli, false, "Really?"), CLI_ANSWER_NOBODY);
    assert_int_equal(ftell(file), 0);
    fclose(file);
}

/* ---- signals ------------------------------------------------------------------------------------------ */

/* Runs `body` in a child, since what it does to the signals stays; returns its exit status. */
static int in_child(int (*body)(void))
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        (void)signal(SIGHUP, SIG_DFL); /* whatever the tests were started under (nohup) */
        _exit(body());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int stops_by(int number)
{
    cli_catch_signals();
    if (cli_stop_wanted() || cli_stop_asked(NULL))
        return 1;
    raise(number);
    return cli_stop_wanted() && cli_stop_asked(NULL) && *cli_report_flag() == 0 ? 0 : 2;
}

static int stop_by_int(void)
{
    return stops_by(SIGINT);
}

static int stop_by_term(void)
{
    return stops_by(SIGTERM);
}

static int stop_by_hup(void)
{
    return stops_by(SIGHUP);
}

static int ignored_hup(void)
{
    signal(SIGHUP, SIG_IGN);
    cli_catch_signals();
    raise(SIGHUP);
    return cli_stop_wanted() ? 1 : 0;
}

static int second_int(void)
{
    cli_catch_signals();
    raise(SIGTERM);
    raise(SIGINT);
    return 0;
}

static int second_term(void)
{
    cli_catch_signals();
    raise(SIGINT);
    raise(SIGTERM);
    raise(SIGTERM);
    return 0;
}

static int report_by_usr1(void)
{
    cli_catch_signals();
    raise(SIGUSR1);
    return *cli_report_flag() != 0 && !cli_stop_wanted() ? 0 : 1;
}

static int stopped_question(void)
{
    cli_catch_signals();
    raise(SIGTERM);
    return ask_on_terminal("y\n", false) == CLI_ANSWER_STOPPED ? 0 : 1;
}

static void signals_set_flags(void **state)
{
    (void)state;
    assert_int_equal(in_child(stop_by_int), 0);
    assert_int_equal(in_child(stop_by_term), 0);
    assert_int_equal(in_child(stop_by_hup), 0);
    assert_int_equal(in_child(report_by_usr1), 0);
}

static void an_ignored_hangup_stays_ignored(void **state)
{
    (void)state;
    assert_int_equal(in_child(ignored_hup), 0);
}

static void the_second_interrupt_ends_at_once(void **state)
{
    (void)state;
    assert_int_equal(in_child(second_int), CLI_EXIT_STOPPED);
}

/* A supervisor that repeats itself is not in a hurry. */
static void a_second_terminate_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(in_child(second_term), 0);
}

static void a_stop_ends_a_question(void **state)
{
    (void)state;
    assert_int_equal(in_child(stopped_question), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_option_arrives),
        cmocka_unit_test(repeated_strings_add_up),
        cmocka_unit_test(options_not_given_keep_their_defaults),
        cmocka_unit_test(the_word_for_a_size_is_taken),
        cmocka_unit_test(lists_and_flags_may_be_repeated),
        cmocka_unit_test(a_repeated_single_option_is_refused),
        cmocka_unit_test(bad_values_are_refused),
        cmocka_unit_test(a_bad_list_sets_nothing),
        cmocka_unit_test(unknown_and_incomplete_options_are_refused),
        cmocka_unit_test(operands_are_counted),
        cmocka_unit_test(a_required_option_is_missed),
        cmocka_unit_test(help_is_made_from_the_table),
        cmocka_unit_test(help_ends_with_the_statuses_and_the_manual),
        cmocka_unit_test(help_and_version_ask_for_nothing_else),
        cmocka_unit_test(every_failure_has_its_exit_status),
        cmocka_unit_test(rules_between_options_hold),
        cmocka_unit_test(a_rule_about_no_option_is_an_internal_error),
        cmocka_unit_test(each_end_of_work_has_its_word),
        cmocka_unit_test(the_worse_exit_status_wins),
        cmocka_unit_test(lost_output_is_a_failure),
        cmocka_unit_test(talk_is_named_and_escaped),
        cmocka_unit_test(short_memory_names_the_option_for_it),
        cmocka_unit_test(quiet_and_verbose_choose_what_is_said),
        cmocka_unit_test(a_run_ends_with_one_object),
        cmocka_unit_test(each_failure_has_a_word_of_its_own),
        cmocka_unit_test(only_yes_is_yes),
        cmocka_unit_test(a_question_goes_to_the_terminal_where_standard_error_does_not),
        cmocka_unit_test(the_option_answers_yes_without_a_terminal),
        cmocka_unit_test(without_a_terminal_nobody_is_asked),
        cmocka_unit_test(signals_set_flags),
        cmocka_unit_test(an_ignored_hangup_stays_ignored),
        cmocka_unit_test(the_second_interrupt_ends_at_once),
        cmocka_unit_test(a_second_terminate_changes_nothing),
        cmocka_unit_test(a_stop_ends_a_question),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
