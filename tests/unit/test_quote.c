/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holds quoting to its promise: what a line for pasting names is read back by a shell as the same path. */
#include "tools/cli/quote.h"

#include "tools/cli/escape.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void harmless_paths_stay_as_they_are(void **state)
{
    (void)state;
    assert_string_equal(cli_quote("/dev/mapper/vg-lv_1").text, "/dev/mapper/vg-lv_1");
    assert_string_equal(cli_quote("UUID=12-ab,x:y@z%+").text, "UUID=12-ab,x:y@z%+");
}

static void a_name_is_no_option(void **state)
{
    (void)state;
    assert_string_equal(cli_quote("-dam.img").text, "./-dam.img");
    assert_string_equal(cli_quote("--my disk").text, "'./--my disk'");
    assert_string_equal(cli_quote("-\n").text, "$'./-\\012'");
    assert_string_equal(cli_quote("a-b").text, "a-b");
}

static void others_are_quoted(void **state)
{
    (void)state;
    assert_string_equal(cli_quote("").text, "''");
    assert_string_equal(cli_quote("my disk.img").text, "'my disk.img'");
    assert_string_equal(cli_quote("it's").text, "'it'\\''s'");
    assert_string_equal(cli_quote("$(reboot)").text, "'$(reboot)'");
    assert_string_equal(cli_quote("~/x").text, "'~/x'");
    assert_string_equal(cli_quote("\xc3\xbc").text, "'\xc3\xbc'");
    assert_string_equal(cli_quote("a\nb'\\").text, "$'a\\012b\\047\\134'");
    assert_string_equal(cli_quote("\xff").text, "$'\\377'");
}

/* What bash makes of one word; `out` has room for `room` bytes. */
static void read_by_shell(const char *word, char *out, size_t room)
{
    char *script = NULL;
    int ends[2], status;
    size_t used = 0;
    ssize_t count;
    pid_t child;

    assert_true(asprintf(&script, "printf %%s %s", word) > 0);
    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execlp("bash", "bash", "-c", script, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    while ((count = read(ends[0], out + used, room - 1 - used)) > 0)
        used += (size_t)count;
    out[used] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    free(script);
}

/* As it arrives in the user's hands: escaped for the terminal. */
static void assert_survives(const char *path)
{
    char *shown = cli_escape(cli_quote(path).text, strlen(cli_quote(path).text), CLI_ESCAPE_TERMINAL);
    static char back[8192];

    assert_non_null(shown);
    read_by_shell(shown, back, sizeof back);
    assert_string_equal(back, path);
    free(shown);
}

static void a_shell_reads_back_the_same_path(void **state)
{
    char every[256], longest[4096];

    (void)state;
    for (int byte = 1; byte < 256; byte++)
        every[byte - 1] = (char)byte;
    every[255] = '\0';
    assert_survives(every);
    every[0x7e] = '\0'; /* without what is no ASCII */
    assert_survives(every + 0x1f);
    memset(longest, '\'', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_survives(longest);
    assert_survives("a \\x1B\\x5C b\\");
    longest[0] = '\n';
    assert_survives(longest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(harmless_paths_stay_as_they_are),
        cmocka_unit_test(a_name_is_no_option),
        cmocka_unit_test(others_are_quoted),
        cmocka_unit_test(a_shell_reads_back_the_same_path),
    };

    if (!setlocale(LC_CTYPE, "C.UTF-8")) {
        printf("1..0 # SKIP this system has no locale C.UTF-8\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
