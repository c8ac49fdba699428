/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holds the progress display to its promises, with a clock that stands still until it is told to go. */
#include "tools/cli/progress.h"

#include "tools/cli/cli.h"
#include "tools/cli/json.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB (1ull << 20)

struct fixture {
    struct cli_progress progress;
    uint64_t clock_ms;
    volatile sig_atomic_t report;
    FILE *out;
    char *text;
    size_t length;
};

static uint64_t read_clock(void *context)
{
    return *(uint64_t *)context;
}

static void start(struct fixture *fixture, enum cli_progress_mode mode, uint64_t frequency_seconds)
{
    struct cli_progress_setup setup = {
        .mode = mode, .device = "/dev/x\n", .frequency_seconds = frequency_seconds, .now_ms = read_clock,
    };

    memset(fixture, 0, sizeof(*fixture));
    fixture->clock_ms = 5000; /* not 0: only differences may count */
    fixture->out = open_memstream(&fixture->text, &fixture->length);
    assert_non_null(fixture->out);
    setup.out = fixture->out;
    setup.report = &fixture->report;
    setup.now_context = &fixture->clock_ms;
    cli_progress_start(&fixture->progress, &setup);
}

static void at(struct fixture *fixture, uint64_t ms, uint64_t done_mib)
{
    fixture->clock_ms = 5000 + ms;
    cli_progress_update(&fixture->progress, "merge", done_mib * MIB, 100 * MIB);
}

static void finish(struct fixture *fixture, const char *expected)
{
    cli_progress_end(&fixture->progress, "done", 0);
    assert_int_equal(fclose(fixture->out), 0);
    assert_string_equal(fixture->text, expected);
    free(fixture->text);
}

static void lines_come_every_30_seconds(void **state)
{
    struct fixture fixture;

    (void)state;
    start(&fixture, CLI_PROGRESS_LINES, 0);
    at(&fixture, 0, 0);
    at(&fixture, 29999, 29);
    at(&fixture, 30000, 30);
    at(&fixture, 59999, 59);
    at(&fixture, 61000, 61);
    at(&fixture, 90999, 90);
    finish(&fixture, "/dev/x\\x0A: merge: 30 MiB of 100 MiB (30%), 1 MiB/s, 1 min 10 s left\n"
                     "/dev/x\\x0A: merge: 61 MiB of 100 MiB (61%), 1 MiB/s, 39 s left\n");
}

static void a_run_shorter_than_the_frequency_prints_no_line(void **state)
{
    struct fixture fixture;

    (void)state;
    start(&fixture, CLI_PROGRESS_LINES, 2);
    cli_progress_update(&fixture.progress, "check", 0, MIB);
    at(&fixture, 1000, 0);
    at(&fixture, 1999, 100);
    finish(&fixture, "");
}

static void frequency_is_the_users(void **state)
{
    struct fixture fixture;

    (void)state;
    start(&fixture, CLI_PROGRESS_LINES, 2);
    at(&fixture, 0, 0);
    at(&fixture, 1999, 1);
    at(&fixture, 2000, 4);
    finish(&fixture, "/dev/x\\x0A: merge: 4 MiB of 100 MiB (4%), 2 MiB/s, 48 s left\n");
}

/* A resumed merge begins in the middle: what was done before must not make it look fast. */
static void rate_counts_only_this_run(void **state)
{
    struct fixture fixture;

    (void)state;
    start(&fixture, CLI_PROGRESS_LINES, 10);
    at(&fixture, 0, 80);
    at(&fixture, 10000, 90);
    finish(&fixture, "/dev/x\\x0A: merge: 90 MiB of 100 MiB (90%), 1 MiB/s, 10 s left\n");
}

static void a_new_phase_measures_anew(void **state)
{
    struct fixture fixture;

    (void)state;
    start(&fixture, CLI_PROGRESS_LINES, 10);
    cli_progress_update(&fixture.progress, "check", 0, MIB);
    fixture.clock_ms += 1000;
    cli_progress_update(&fixture.progress, "check", MIB, MIB);
    at(&fixture, 1000, 0);
    at(&fixture, 11000, 50);
    finish(&fixture, "/dev/x\\x0A: merge: 50 MiB of 100 MiB (50%), 5 MiB/s, 10 s left\n");
}

static void skip_without_json(void)
{
    if (cli_json_lacks()) {
        print_message("skipped: this build lacks %s\n", cli_json_lacks());
        skip();
    }
}

static void json_has_cryptsetups_keys_and_the_phase(void **state)
{
    struct fixture fixture;

    (void)state;
    skip_without_json();
    start(&fixture, CLI_PROGRESS_JSON, 0);
    at(&fixture, 0, 0);
    at(&fixture, 999, 1);
    at(&fixture, 1000, 10);
    at(&fixture, 1500, 100);
    finish(&fixture,
           "{\"device\":\"/dev/x\\n\",\"phase\":\"merge\",\"device_bytes\":0,\"device_size\":104857600,"
           "\"speed\":0,\"eta_ms\":0,\"time_ms\":0}\n"
           "{\"device\":\"/dev/x\\n\",\"phase\":\"merge\",\"device_bytes\":10485760,\"device_size\":104857600,"
           "\"speed\":10485760,\"eta_ms\":9000,\"time_ms\":1000}\n"
           "{\"device\":\"/dev/x\\n\",\"phase\":\"merge\",\"device_bytes\":104857600,\"device_size\":104857600,"
           "\"speed\":69905066,\"eta_ms\":0,\"time_ms\":1500,\"result\":\"done\",\"exit_status\":0}\n");
}

static void json_ends_properly_without_any_progress(void **state)
{
    struct fixture fixture;

    (void)state;
    skip_without_json();
    start(&fixture, CLI_PROGRESS_JSON, 0);
    finish(&fixture, "{\"device\":\"/dev/x\\n\",\"phase\":null,\"device_bytes\":0,\"device_size\":0,\"speed\":0,"
                     "\"eta_ms\":0,\"time_ms\":0,\"result\":\"done\",\"exit_status\":0}\n");
}

static void the_bar_is_redrawn_in_place_and_wiped(void **state)
{
    struct fixture fixture;

    (void)state;
    start(&fixture, CLI_PROGRESS_BAR, 0);
    at(&fixture, 0, 0);
    at(&fixture, 499, 1);
    at(&fixture, 500, 25);
    at(&fixture, 1000, 100);
    finish(&fixture, "\rmerge [>                   ]   0%  0 bytes of 100 MiB  -  ? left\033[K"
                     "\rmerge [=====>              ]  25%  25 MiB of 100 MiB  50 MiB/s  1 s left\033[K"
                     "\rmerge [====================] 100%  100 MiB of 100 MiB  100 MiB/s  0 s left\033[K"
                     "\r\033[K");
}

/* 80 columns are assumed where the terminal does not tell; one stays free, else the line would wrap. */
static void the_bar_never_wraps(void **state)
{
    struct fixture fixture;

    (void)state;
    start(&fixture, CLI_PROGRESS_BAR, 0);
    cli_progress_update(&fixture.progress, "a phase with a name that is much too long for one line", 1, 2);
    cli_progress_end(&fixture.progress, "done", 0);
    fclose(fixture.out);
    assert_int_equal(strcspn(fixture.text + 1, "\033"), 79);
    free(fixture.text);
}

/* With a long phase, as on a narrow terminal, the bar becomes shorter and then goes; the figures stay whole. */
static void the_bar_gives_way_to_the_figures(void **state)
{
    struct fixture fixture;

    (void)state;
    start(&fixture, CLI_PROGRESS_BAR, 0);
    cli_progress_update(&fixture.progress, "a phase with twenty-eight xx", MIB, 2 * MIB);
    cli_progress_update(&fixture.progress, "a phase with a name of forty-five characters.", MIB, 2 * MIB);
    cli_progress_end(&fixture.progress, "done", 0);
    fclose(fixture.out);
    assert_string_equal(fixture.text,
                        "\ra phase with twenty-eight xx [========>       ]  50%  1 MiB of 2 MiB  -  ? left\033[K"
                        "\ra phase with a name of forty-five characters.  50%  1 MiB of 2 MiB  -  ? left\033[K"
                        "\r\033[K");
    free(fixture.text);
}

/* Somebody watches it, though it cannot show a bar: half a minute without a sign would look like a hang. */
static void on_a_terminal_lines_come_every_10_seconds(void **state)
{
    struct fixture fixture;
    int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
    char text[200];
    ssize_t length;

    (void)state;
    assert_true(master >= 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    start(&fixture, CLI_PROGRESS_LINES, 0);
    fixture.progress.setup.out = fdopen(slave, "w");
    assert_non_null(fixture.progress.setup.out);
    at(&fixture, 0, 0);
    at(&fixture, 9999, 9);
    at(&fixture, 10000, 10);
    length = read(master, text, sizeof text - 1);
    assert_true(length > 0);
    text[length] = '\0';
    assert_string_equal(text, "/dev/x\\x0A: merge: 10 MiB of 100 MiB (10%), 1 MiB/s, 1 min 30 s left\r\n");
    fclose(fixture.progress.setup.out);
    close(master);
    fclose(fixture.out);
    free(fixture.text);
}

static void a_message_wipes_the_bar_first(void **state)
{
    const struct cli_program program = { .name = "snapmerge" };
    struct fixture fixture;
    struct cli cli = { .program = &program };
    size_t before;

    (void)state;
    start(&fixture, CLI_PROGRESS_BAR, 0);
    cli.err = fixture.out;
    cli_progress_attach(&fixture.progress, &cli);
    at(&fixture, 0, 0);
    before = fixture.length;
    cli_warn(&cli, "slow");
    assert_string_equal(fixture.text + before, "\r\033[Ksnapmerge: warning: slow\n");
    before = fixture.length;
    cli_warn(&cli, "slow");
    assert_string_equal(fixture.text + before, "snapmerge: warning: slow\n");
    cli_progress_end(&fixture.progress, "done", 0);
    assert_null(cli.before_message);
    fclose(fixture.out);
    free(fixture.text);
}

static void the_report_flag_gives_one_line_now(void **state)
{
    struct fixture fixture;

    (void)state;
    start(&fixture, CLI_PROGRESS_SILENT, 0);
    at(&fixture, 0, 0);
    at(&fixture, 500000, 1);
    fixture.report = 1;
    at(&fixture, 500001, 2);
    assert_int_equal(fixture.report, 0);
    at(&fixture, 500002, 3);
    finish(&fixture, "/dev/x\\x0A: merge: 2 MiB of 100 MiB (2%), 4.1 KiB/s, 6 h 48 min left\n");

    start(&fixture, CLI_PROGRESS_LINES, 0);
    at(&fixture, 0, 0);
    fixture.report = 1;
    at(&fixture, 1, 0);
    finish(&fixture, "/dev/x\\x0A: merge: 0 bytes of 100 MiB (0%), 0 bytes/s, time left unknown\n");

    start(&fixture, CLI_PROGRESS_BAR, 0);
    at(&fixture, 0, 100);
    fixture.report = 1;
    at(&fixture, 1, 100);
    finish(&fixture, "\rmerge [====================] 100%  100 MiB of 100 MiB  -  ? left\033[K"
                     "\r\033[K/dev/x\\x0A: merge: 100 MiB of 100 MiB (100%), 0 bytes/s, time left unknown\n"
                     "\rmerge [====================] 100%  100 MiB of 100 MiB  0 bytes/s  ? left\033[K"
                     "\r\033[K");
}

/* Figures of the largest devices, and ones that make no sense, overflow nothing. */
static void extreme_figures_are_shown(void **state)
{
    struct fixture fixture;

    (void)state;
    start(&fixture, CLI_PROGRESS_LINES, 1);
    cli_progress_update(&fixture.progress, "merge", 0, UINT64_MAX);
    fixture.clock_ms += 1000;
    cli_progress_update(&fixture.progress, "merge", 1, UINT64_MAX);
    fixture.clock_ms += 1000;
    cli_progress_update(&fixture.progress, "merge", UINT64_MAX - 1, UINT64_MAX);
    fixture.clock_ms += 1000;
    cli_progress_update(&fixture.progress, "merge", 7, 3);
    finish(&fixture, "/dev/x\\x0A: merge: 1 byte of 16.0 EiB (0%), 1 byte/s, time left unknown\n"
                     "/dev/x\\x0A: merge: 16.0 EiB of 16.0 EiB (99%), 8.0 EiB/s, 0 s left\n"
                     "/dev/x\\x0A: merge: 7 bytes of 3 bytes (100%), 2 bytes/s, 0 s left\n");
}

static void the_mode_follows_the_options_and_the_terminal(void **state)
{
    FILE *file = tmpfile();

    (void)state;
    assert_non_null(file);
    assert_int_equal(cli_progress_choose(file, true, true), CLI_PROGRESS_JSON);
    assert_int_equal(cli_progress_choose(file, true, false), CLI_PROGRESS_JSON);
    assert_int_equal(cli_progress_choose(file, false, true), CLI_PROGRESS_SILENT);
    assert_int_equal(cli_progress_choose(file, false, false), CLI_PROGRESS_LINES);
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_every_30_seconds),
        cmocka_unit_test(a_run_shorter_than_the_frequency_prints_no_line),
        cmocka_unit_test(frequency_is_the_users),
        cmocka_unit_test(rate_counts_only_this_run),
        cmocka_unit_test(a_new_phase_measures_anew),
        cmocka_unit_test(json_has_cryptsetups_keys_and_the_phase),
        cmocka_unit_test(json_ends_properly_without_any_progress),
        cmocka_unit_test(the_bar_is_redrawn_in_place_and_wiped),
        cmocka_unit_test(the_bar_never_wraps),
        cmocka_unit_test(the_bar_gives_way_to_the_figures),
        cmocka_unit_test(on_a_terminal_lines_come_every_10_seconds),
        cmocka_unit_test(a_message_wipes_the_bar_first),
        cmocka_unit_test(the_report_flag_gives_one_line_now),
        cmocka_unit_test(extreme_figures_are_shown),
        cmocka_unit_test(the_mode_follows_the_options_and_the_terminal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
