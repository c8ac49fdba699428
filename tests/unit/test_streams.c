/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Streams wait for a slow reader, give one up after a stop, and leave no hole in what they wrote. */
#include "tools/cli/streams.h"

#include "tools/cli/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define DATA_BYTES (1u << 20) /* more than any of these holds without a reader */
#define BLOCKED_MS 200        /* by then it waits; if it does not yet, the stop comes first, which is a case as well */
#define LIMIT_MS 20000        /* only turns a hang into a failure */

enum way { WAY_PIPE, WAY_TERMINAL, WAY_SOCKET };

/* Both ends of something that a program may have as its standard output. */
struct ends {
    int reader;
    int writer;
};

static struct ends open_ends(enum way way)
{
    int fds[2];

    if (way == WAY_PIPE) {
        assert_int_equal(pipe(fds), 0);
    } else if (way == WAY_SOCKET) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    } else {
        fds[0] = posix_openpt(O_RDWR | O_NOCTTY);
        if (fds[0] < 0)
            skip();
        assert_int_equal(grantpt(fds[0]), 0);
        assert_int_equal(unlockpt(fds[0]), 0);
        fds[1] = open(ptsname(fds[0]), O_RDWR | O_NOCTTY);
        assert_true(fds[1] >= 0);
    }
    return (struct ends){fds[0], fds[1]};
}

/* No two places near one another are alike, and a terminal changes none of it. */
static char data_byte(size_t at)
{
    return (char)('!' + (at * 7 + at / 251 + at / 65537) % 90);
}

/* No further file can be opened, so that the stream must do with the descriptor that it was given. */
static void allow_no_file(void)
{
    const int next = dup(STDOUT_FILENO);
    const struct rlimit none = {(rlim_t)next, (rlim_t)next};

    (void)close(next);
    (void)setrlimit(RLIMIT_NOFILE, &none);
}

/*
 * Runs in a process of its own, as a stop is for ever: writes all of the data, and if that fails, once more into an
 * empty pipe. The exit status: 0: all is written; 1: given up, and says so in all ways; others: neither.
 */
static int write_data(const struct ends *ends, bool alone)
{
    char *data = malloc(DATA_BYTES), drained[65536];
    struct snap_error err;
    FILE *stream;

    (void)signal(SIGPIPE, SIG_IGN);
    cli_catch_signals();
    if (!data || dup2(ends->writer, STDOUT_FILENO) != STDOUT_FILENO)
        return 2;
    (void)close(ends->writer);
    if (alone)
        allow_no_file();
    stream = cli_stream_open(STDOUT_FILENO);
    if (!stream || cli_stream_fd(stream) != STDOUT_FILENO)
        return 3;
    for (size_t i = 0; i < DATA_BYTES; i++)
        data[i] = data_byte(i);
    if (fwrite(data, 1, DATA_BYTES, stream) == DATA_BYTES && fflush(stream) == 0)
        return cli_stream_end(stream, &err) == SNAP_OK ? 0 : 4;
    if (cli_stream_fail(stream, "it", &err) != SNAP_E_STOPPED || strcmp(err.text, "stopped") != 0)
        return 5;
    /* There is room again, but what would be written now does not follow what was written before. */
    if (fcntl(ends->reader, F_SETFL, O_NONBLOCK) != 0)
        return 6;
    for (size_t at = 0;;) {
        const ssize_t count = read(ends->reader, drained, sizeof drained);

        if (count <= 0)
            break;
        for (ssize_t i = 0; i < count; i++)
            if (drained[i] != data_byte(at++))
                return 7;
    }
    if (fwrite(data, 1, DATA_BYTES, stream) == DATA_BYTES && fflush(stream) == 0)
        return 8;
    if (read(ends->reader, drained, 1) > 0)
        return 9;
    return cli_stream_end(stream, &err) == SNAP_E_STOPPED ? 1 : 10;
}

static void sleep_ms(long duration_ms)
{
    const struct timespec duration = {duration_ms / 1000, duration_ms % 1000 * 1000000};

    (void)nanosleep(&duration, NULL);
}

static pid_t start(const struct ends *ends, bool alone)
{
    const pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nobody behind */
        _exit(write_data(ends, alone));
    }
    return child;
}

static int exit_status_of(pid_t child)
{
    int wait_status;

    for (int waited_ms = 0; waited_ms < LIMIT_MS; waited_ms += 10) {
        if (waitpid(child, &wait_status, WNOHANG) == child)
            return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -WTERMSIG(wait_status);
        sleep_ms(10);
    }
    (void)kill(child, SIGKILL);
    (void)waitpid(child, NULL, 0);
    fail_msg("it still waits");
    return -1;
}

/* Nobody reads. */
static void expect_given_up(enum way way, int number, bool alone)
{
    const struct ends ends = open_ends(way);
    const pid_t child = start(&ends, alone);

    sleep_ms(BLOCKED_MS);
    assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
    assert_int_equal(kill(child, number), 0);
    assert_int_equal(exit_status_of(child), 1);
    (void)close(ends.reader);
    (void)close(ends.writer);
}

static void test_a_signal_ends_the_wait(void **state)
{
    (void)state;
    expect_given_up(WAY_PIPE, SIGTERM, false);
    expect_given_up(WAY_PIPE, SIGINT, false);
    expect_given_up(WAY_PIPE, SIGHUP, false);
    expect_given_up(WAY_TERMINAL, SIGTERM, false);
    expect_given_up(WAY_SOCKET, SIGTERM, false);
}

static void test_a_signal_ends_the_wait_where_nothing_can_be_opened(void **state)
{
    (void)state;
    expect_given_up(WAY_PIPE, SIGTERM, true);
    expect_given_up(WAY_TERMINAL, SIGTERM, true);
    expect_given_up(WAY_SOCKET, SIGTERM, true);
}

/* A terminal that was stopped with ^S, in the middle of a line. */
static void test_a_stopped_terminal_is_given_up(void **state)
{
    (void)state;
    for (int alone = 0; alone < 2; alone++) {
        const struct ends ends = open_ends(WAY_TERMINAL);
        char bytes[100];
        pid_t child;

        child = start(&ends, alone != 0);
        assert_true(read(ends.reader, bytes, sizeof bytes) > 0);
        assert_int_equal(write(ends.reader, "\x13", 1), 1);
        for (int i = 0; i < 50; i++) /* what the terminal still holds */
            if (fcntl(ends.reader, F_SETFL, O_NONBLOCK) == 0 && read(ends.reader, bytes, sizeof bytes) < 0)
                sleep_ms(10);
        assert_int_equal(kill(child, SIGTERM), 0);
        /* The child reads the same terminal, and what it finds is no prefix any more. */
        assert_in_range(exit_status_of(child), 1, 7);
        (void)close(ends.reader);
        (void)close(ends.writer);
    }
}

/* Reads all that comes, `pause_ms` between two pieces, until the writer is gone. */
static void expect_all_data(const struct ends *ends, long pause_ms)
{
    char piece[32768];
    size_t at = 0;

    for (;;) {
        const ssize_t count = read(ends->reader, piece, sizeof piece);

        if (count <= 0)
            break;
        for (ssize_t i = 0; i < count; i++)
            assert_int_equal(piece[i], data_byte(at++));
        sleep_ms(pause_ms);
    }
    assert_int_equal(at, DATA_BYTES);
}

static void expect_complete(enum way way, bool alone, int number)
{
    const struct ends ends = open_ends(way);
    const pid_t child = start(&ends, alone);

    (void)close(ends.writer);
    if (number) {
        sleep_ms(BLOCKED_MS);
        assert_int_equal(kill(child, number), 0);
        sleep_ms(50);
    }
    expect_all_data(&ends, 2);
    assert_int_equal(exit_status_of(child), 0);
    (void)close(ends.reader);
}

static void test_a_slow_reader_gets_all(void **state)
{
    (void)state;
    for (int alone = 0; alone < 2; alone++) {
        expect_complete(WAY_PIPE, alone != 0, 0);
        expect_complete(WAY_SOCKET, alone != 0, 0);
    }
}

/* One who reads on is not given up; nor is anybody for a signal that only asks how far the work is. */
static void test_a_reader_who_goes_on_gets_all_after_a_signal(void **state)
{
    (void)state;
    expect_complete(WAY_PIPE, false, SIGTERM);
    expect_complete(WAY_PIPE, true, SIGTERM);
    expect_complete(WAY_PIPE, false, SIGUSR1);
    expect_complete(WAY_SOCKET, false, SIGTERM);
}

/* The flags of a pipe are shared with all who have it: whoever writes to it next must not meet EAGAIN. */
static void test_shared_flags_stay(void **state)
{
    const struct ends ends = open_ends(WAY_PIPE);
    const pid_t child = start(&ends, false);

    (void)state;
    sleep_ms(BLOCKED_MS);
    assert_int_equal(fcntl(ends.writer, F_GETFL) & O_NONBLOCK, 0);
    assert_int_equal(kill(child, SIGTERM), 0);
    assert_int_equal(exit_status_of(child), 1);
    assert_int_equal(fcntl(ends.writer, F_GETFL) & O_NONBLOCK, 0);
    (void)close(ends.reader);
    (void)close(ends.writer);
}

/* Failures keep their reason, and streams that were not opened here work as well. */
static void test_failures(void **state)
{
    FILE *full = fopen("/dev/full", "w"), *memory;
    struct snap_error err;
    char *text = NULL;
    size_t length;

    (void)state;
    assert_non_null(full);
    assert_true(fputs("x", full) >= 0);
    errno = 0;
    assert_int_equal(fflush(full), EOF);
    assert_int_equal(cli_stream_fail(full, "the thing", &err), SNAP_E_NOSPC);
    assert_string_equal(err.text, "the thing: No space left on device");
    errno = 0;
    assert_int_equal(cli_stream_fail(full, "the thing", &err), SNAP_E_IO);
    errno = EINTR;
    assert_int_equal(cli_stream_fail(full, "the thing", &err), SNAP_E_IO);
    assert_int_not_equal(cli_stream_end(full, &err), SNAP_OK);
    memory = open_memstream(&text, &length);
    assert_non_null(memory);
    assert_int_equal(cli_stream_fd(memory), -1);
    assert_int_equal(cli_stream_end(memory, &err), SNAP_OK);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_signal_ends_the_wait),
        cmocka_unit_test(test_a_signal_ends_the_wait_where_nothing_can_be_opened),
        cmocka_unit_test(test_a_stopped_terminal_is_given_up),
        cmocka_unit_test(test_a_slow_reader_gets_all),
        cmocka_unit_test(test_a_reader_who_goes_on_gets_all_after_a_signal),
        cmocka_unit_test(test_shared_flags_stay),
        cmocka_unit_test(test_failures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
