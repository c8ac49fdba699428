/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holds the strict number parsers and the texts for people to their promises. */
#include "tools/cli/size.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define UNTOUCHED 0x5a5a5a5a5a5a5a5aull

static void assert_size(const char *text, uint64_t expected)
{
    struct snap_error err;
    uint64_t bytes = UNTOUCHED;

    if (cli_parse_size(text, &bytes, &err) != SNAP_OK)
        fail_msg("'%s' is refused: %s", text, err.text);
    assert_int_equal(bytes, expected);
}

static void assert_no_size(const char *text)
{
    struct snap_error err = { .status = SNAP_OK };
    uint64_t bytes = UNTOUCHED;

    if (cli_parse_size(text, &bytes, &err) != SNAP_E_USAGE)
        fail_msg("'%s' is taken as %llu", text, (unsigned long long)bytes);
    assert_int_equal(err.status, SNAP_E_USAGE);
    assert_int_equal(bytes, UNTOUCHED);
}

static void counts_and_paces_are_worded(void **state)
{
    (void)state;
    assert_string_equal(cli_count_text(0, "entry", "entries").text, "0 entries");
    assert_string_equal(cli_count_text(1, "entry", "entries").text, "1 entry");
    assert_string_equal(cli_count_text(2, "entry", "entries").text, "2 entries");
    assert_string_equal(cli_pace_text(1 << 20, 0).text, "less than 1 s");
    assert_string_equal(cli_pace_text(1 << 20, 999).text, "less than 1 s");
    assert_string_equal(cli_pace_text(1 << 20, 1000).text, "1 s, 1 MiB/s");
}

static void size_takes_every_unit(void **state)
{
    (void)state;
    assert_size("0", 0);
    assert_size("1", 1);
    assert_size("4096", 4096);
    assert_size("8s", 4096);
    assert_size("4K", 4096);
    assert_size("4k", 4096);
    assert_size("4KiB", 4096);
    assert_size("4KB", 4000);
    assert_size("3M", 3ull << 20);
    assert_size("3m", 3ull << 20);
    assert_size("3MiB", 3ull << 20);
    assert_size("3MB", 3000000);
    assert_size("2G", 2ull << 30);
    assert_size("2g", 2ull << 30);
    assert_size("2GiB", 2ull << 30);
    assert_size("2GB", 2000000000);
    assert_size("5T", 5ull << 40);
    assert_size("5t", 5ull << 40);
    assert_size("5TiB", 5ull << 40);
    assert_size("5TB", 5000000000000);
}

static void size_refuses_what_is_not_exactly_a_size(void **state)
{
    static const char *const bad[] = {
        "", " ", "010", "00", "0x10", "12abc", "-1", "+1", " 1", "1 ", "1 K", "1.5G", "1,5G", "K", "KiB", "1KK",
        "1Ki", "1kib", "1kB", "1S", "1b", "1B", "1P", "1e3", "1\n", "\xd9\xa1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_no_size(bad[i]);
}

static void size_ends_where_an_offset_ends(void **state)
{
    (void)state;
    assert_size("9223372036854775807", INT64_MAX);
    assert_no_size("9223372036854775808");
    assert_no_size("18446744073709551615");
    assert_no_size("18446744073709551616");
    assert_no_size("99999999999999999999999");
    assert_size("8388607T", 8388607ull << 40);
    assert_no_size("8388608T");
    assert_no_size("16777217T"); /* 2^64 + 2^40: must not come out as 1T */
    assert_size("18014398509481983s", 18014398509481983ull * 512);
    assert_no_size("18014398509481984s");
}

static void size_says_what_is_wrong(void **state)
{
    struct snap_error err;
    uint64_t bytes;

    (void)state;
    cli_parse_size("", &bytes, &err);
    assert_non_null(strstr(err.text, "empty"));
    cli_parse_size("12abc", &bytes, &err);
    assert_non_null(strstr(err.text, "'abc'"));
    cli_parse_size("010", &bytes, &err);
    assert_non_null(strstr(err.text, "begins with a 0"));
    cli_parse_size("99999999T", &bytes, &err);
    assert_non_null(strstr(err.text, "too large"));
}

static void uint_keeps_its_limits(void **state)
{
    struct snap_error err;
    uint64_t value = UNTOUCHED;

    (void)state;
    assert_int_equal(cli_parse_uint("4", 5, 7, &value, &err), SNAP_E_USAGE);
    assert_non_null(strstr(err.text, "at least 5"));
    assert_int_equal(cli_parse_uint("8", 5, 7, &value, &err), SNAP_E_USAGE);
    assert_non_null(strstr(err.text, "at most 7"));
    assert_int_equal(value, UNTOUCHED);
    assert_int_equal(cli_parse_uint("5", 5, 7, &value, &err), SNAP_OK);
    assert_int_equal(value, 5);
    assert_int_equal(cli_parse_uint("7", 5, 7, &value, &err), SNAP_OK);
    assert_int_equal(value, 7);
    assert_int_equal(cli_parse_uint("18446744073709551615", 0, UINT64_MAX, &value, &err), SNAP_OK);
    assert_true(value == UINT64_MAX);
    assert_int_equal(cli_parse_uint("18446744073709551616", 0, UINT64_MAX, &value, &err), SNAP_E_USAGE);
}

static void uint_refuses_what_is_not_exactly_a_number(void **state)
{
    static const char *const bad[] = { "", "010", "12abc", "-1", "+1", " 1", "1K", "1s", "0x1" };
    struct snap_error err;
    uint64_t value = UNTOUCHED;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (cli_parse_uint(bad[i], 0, UINT64_MAX, &value, &err) != SNAP_E_USAGE)
            fail_msg("'%s' is taken", bad[i]);
    }
    assert_int_equal(value, UNTOUCHED);
}

static void seconds_are_whole_and_fit(void **state)
{
    struct snap_error err;
    uint64_t seconds = UNTOUCHED;

    (void)state;
    assert_int_equal(cli_parse_seconds("30", &seconds, &err), SNAP_OK);
    assert_int_equal(seconds, 30);
    assert_int_equal(cli_parse_seconds("3162240000", &seconds, &err), SNAP_OK);
    assert_int_equal(cli_parse_seconds("3162240001", &seconds, &err), SNAP_E_USAGE);
    assert_int_equal(cli_parse_seconds("1.5", &seconds, &err), SNAP_E_USAGE);
    assert_int_equal(cli_parse_seconds("5s", &seconds, &err), SNAP_E_USAGE);
}

static void sizes_read_well(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        { 0, "0 bytes" }, { 1, "1 byte" }, { 512, "512 bytes" }, { 1023, "1023 bytes" }, { 1024, "1 KiB" },
        { 1025, "1.0 KiB" }, { 1536, "1.5 KiB" }, { 4096, "4 KiB" }, { (1 << 20) - 1, "1.0 MiB" },
        { 1 << 20, "1 MiB" }, { 3ull << 29, "1.5 GiB" }, { 1ull << 40, "1 TiB" }, { 1ull << 50, "1 PiB" },
        { 1ull << 60, "1 EiB" }, { UINT64_MAX, "16.0 EiB" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(cli_size_text(cases[i].bytes).text, cases[i].text);
    assert_string_equal(cli_size_text_exact(512).text, "512 bytes");
    assert_string_equal(cli_size_text_exact(3ull << 29).text, "1.5 GiB (1610612736 bytes)");
    assert_string_equal(cli_size_text_exact(UINT64_MAX).text, "16.0 EiB (18446744073709551615 bytes)");
}

static void rates_never_overflow(void **state)
{
    (void)state;
    assert_int_equal(cli_rate_bytes(1000, 0), 0);
    assert_int_equal(cli_rate_bytes(0, 7), 0);
    assert_int_equal(cli_rate_bytes(1000, 1000), 1000);
    assert_int_equal(cli_rate_bytes(10, 3), 3333);
    assert_true(cli_rate_bytes(UINT64_MAX, 1) == UINT64_MAX);
    assert_true(cli_rate_bytes(UINT64_MAX, 1000) == UINT64_MAX);
    assert_true(cli_rate_bytes(UINT64_MAX, UINT64_MAX) == 1000);
    assert_int_equal(cli_rate_bytes(UINT64_MAX - 1, UINT64_MAX), 0);
    assert_string_equal(cli_rate_text(5, 0).text, "-");
    assert_string_equal(cli_rate_text(3 << 20, 2000).text, "1.5 MiB/s");
}

static void durations_read_well(void **state)
{
    (void)state;
    assert_string_equal(cli_duration_text(0).text, "0 s");
    assert_string_equal(cli_duration_text(999).text, "0 s");
    assert_string_equal(cli_duration_text(59999).text, "59 s");
    assert_string_equal(cli_duration_text(60000).text, "1 min 00 s");
    assert_string_equal(cli_duration_text(725000).text, "12 min 05 s");
    assert_string_equal(cli_duration_text(3599999).text, "59 min 59 s");
    assert_string_equal(cli_duration_text(3600000).text, "1 h 00 min");
    assert_string_equal(cli_duration_text(86399999).text, "23 h 59 min");
    assert_string_equal(cli_duration_text(86400000).text, "1 d 00 h");
    assert_string_equal(cli_duration_text(UINT64_MAX).text, "213503982334 d 14 h");
}

static void small_numbers_smell_of_sectors(void **state)
{
    (void)state;
    assert_string_equal(cli_sector_hint(0).text, "");
    assert_string_equal(cli_sector_hint(1).text, "; for 1 sector write 1s");
    assert_string_equal(cli_sector_hint(8).text, "; for 8 sectors write 8s");
    assert_string_equal(cli_sector_hint(511).text, "; for 511 sectors write 511s");
    assert_string_equal(cli_sector_hint(512).text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(size_takes_every_unit),
        cmocka_unit_test(counts_and_paces_are_worded),
        cmocka_unit_test(size_refuses_what_is_not_exactly_a_size),
        cmocka_unit_test(size_ends_where_an_offset_ends),
        cmocka_unit_test(size_says_what_is_wrong),
        cmocka_unit_test(uint_keeps_its_limits),
        cmocka_unit_test(uint_refuses_what_is_not_exactly_a_number),
        cmocka_unit_test(seconds_are_whole_and_fit),
        cmocka_unit_test(sizes_read_well),
        cmocka_unit_test(rates_never_overflow),
        cmocka_unit_test(durations_read_well),
        cmocka_unit_test(small_numbers_smell_of_sectors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
