/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests work in a process of its own: its answer comes back, its end is noticed, and it has no rights. */
#include "lib/base/child.h"

#include "lib/base/confine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct answer {
    int number;
    char text[100];
};

static enum snap_status run(enum snap_status (*work)(int, void *, struct snap_error *), int fd, bool may_open,
                            struct answer *answer, struct snap_error *err)
{
    const struct snap_child_work child = {
        .work = work, .fd = fd, .may_open = may_open, .answer = answer, .answer_bytes = sizeof *answer};

    memset(answer, 'x', sizeof *answer);
    return snap_child_run(&child, err);
}

/* A memory file with a text in it. */
static int text_file(const char *text)
{
    const int fd = memfd_create("test", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    return fd;
}

static enum snap_status read_text(int fd, void *context, struct snap_error *err)
{
    struct answer *answer = context;

    (void)err;
    answer->number = (int)pread(fd, answer->text, sizeof answer->text - 1, 0);
    return SNAP_OK;
}

static void an_answer_comes_back(void **state)
{
    struct answer answer;
    const int fd = text_file("signature");

    (void)state;
    assert_int_equal(run(read_text, fd, false, &answer, NULL), SNAP_OK);
    assert_int_equal(answer.number, 9);
    assert_string_equal(answer.text, "signature");
    assert_int_equal(close(fd), 0);
}

static enum snap_status fail_so(int fd, void *context, struct snap_error *err)
{
    struct answer *answer = context;

    (void)fd;
    answer->number = 7;
    return snap_fail_errno(err, EIO, "byte %d", 12);
}

static void a_failure_comes_back_with_its_text(void **state)
{
    struct answer answer;
    struct snap_error err;

    (void)state;
    assert_int_equal(run(fail_so, 0, false, &answer, &err), SNAP_E_IO);
    assert_int_equal(err.status, SNAP_E_IO);
    assert_int_equal(err.sys_errno, EIO);
    assert_non_null(strstr(err.text, "byte 12"));
    assert_int_equal(answer.number, 7);
}

static enum snap_status crash(int fd, void *context, struct snap_error *err)
{
    (void)fd;
    (void)err;
    ((struct answer *)context)->number = 5;
    __builtin_trap();
}

static void a_crash_is_no_answer(void **state)
{
    struct answer answer;
    struct snap_error err;

    (void)state;
    assert_int_equal(run(crash, 0, false, &answer, &err), SNAP_E_UNSUPPORTED);
    assert_int_equal(answer.number, 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* it is gone */
}

/* For ever, with what a parser may still call. */
static void sleep_on(void)
{
    int word = 0;

    for (;;)
        (void)syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static enum snap_status close_and_wait(int fd, void *context, struct snap_error *err)
{
    (void)context;
    (void)err;
    (void)fd;
    for (int i = 0; i < 10; i++)
        (void)close(i);
    sleep_on();
    return SNAP_OK;
}

static void a_process_that_hangs_without_its_pipe_is_ended(void **state)
{
    struct answer answer;

    (void)state;
    (void)alarm(60); /* ends a test that waits for it forever */
    assert_int_equal(run(close_and_wait, 0, false, &answer, NULL), SNAP_E_UNSUPPORTED);
    (void)alarm(0);
}

static enum snap_status lie(int fd, void *context, struct snap_error *err)
{
    (void)fd;
    (void)context;
    memset(err, 'x', sizeof *err);
    return (enum snap_status)4711;
}

/* Whoever took the process over says what he wants; nothing of it is taken at its word. */
static void an_answer_that_is_none_does_no_harm(void **state)
{
    struct answer answer;
    struct snap_error err;

    (void)state;
    assert_int_equal(run(lie, 0, false, &answer, &err), SNAP_E_INTERNAL);
    assert_int_equal(err.status, SNAP_E_INTERNAL);
    assert_int_equal(strnlen(err.text, sizeof err.text), sizeof err.text - 1);
}

static enum snap_status only_wait(int fd, void *context, struct snap_error *err)
{
    (void)fd;
    (void)context;
    (void)err;
    sleep_on();
    return SNAP_OK;
}

static void go_on(int number)
{
    (void)number;
}

/* The process that works, seen from outside: a caller with handlers of its own starts it and waits. */
static pid_t start_working(pid_t *caller)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    char path[64];
    pid_t worker = 0;

    *caller = fork();
    assert_true(*caller >= 0);
    if (*caller == 0) {
        struct answer answer;

        (void)alarm(60);
        (void)signal(SIGTERM, go_on);
        _exit(run(only_wait, 0, false, &answer, NULL) == SNAP_E_UNSUPPORTED ? 0 : 1);
    }
    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", *caller, *caller);
    for (unsigned i = 0; i < 1000 && worker == 0; i++) {
        FILE *children = fopen(path, "re");

        if (children && fscanf(children, "%d", &worker) != 1)
            worker = 0;
        if (children)
            (void)fclose(children);
        (void)nanosleep(&pause, NULL);
    }
    return worker;
}

/* Until the line of /proc/PID/FILE that begins so says what is expected: the process has to get there first. */
static bool says(pid_t pid, const char *file, const char *label, const char *expected)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    char path[64], line[256];
    bool found = false;

    (void)snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
    for (unsigned i = 0; i < 1000 && !found; i++) {
        FILE *text = fopen(path, "re");

        while (text && !found && fgets(line, sizeof line, text))
            found = strncmp(line, label, strlen(label)) == 0 && strstr(line, expected);
        if (text)
            (void)fclose(text);
        (void)nanosleep(&pause, NULL);
    }
    return found;
}

/* A parser that loops is ended by the kernel; a signal that ends the caller's processes ends it as well. */
static void work_is_bounded_and_ends_with_a_signal(void **state)
{
    char seconds[16];
    pid_t caller, worker = start_working(&caller);
    int status;

    (void)state;
    if (worker == 0) {
        assert_int_equal(kill(caller, SIGKILL), 0);
        assert_int_equal(waitpid(caller, NULL, 0), caller);
        print_message("skipped: this kernel does not tell whose children processes are\n");
        skip();
    }
    (void)snprintf(seconds, sizeof seconds, " %u ", SNAP_CHILD_SECONDS);
    assert_true(says(worker, "limits", "Max cpu time", seconds));
    assert_true(says(worker, "status", "SigCgt:", "0000\n")); /* none of those that end a process */
    assert_int_equal(kill(worker, SIGTERM), 0);
    assert_int_equal(waitpid(caller, &status, 0), caller);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Reads from a pipe that nobody writes to: what a hanging device looks like. */
static enum snap_status read_for_ever(int fd, void *context, struct snap_error *err)
{
    struct answer *answer = context;

    (void)err;
    answer->number = (int)read(fd, answer->text, sizeof answer->text);
    return SNAP_OK;
}

static volatile sig_atomic_t handled;

static void note_signal(int number)
{
    handled = number;
}

/* In a process of its own: what is caught is handled as programs do it, and calls go on after it. */
static int wait_for_answer(int caught, int ignored)
{
    struct sigaction action = {.sa_handler = note_signal, .sa_flags = SA_RESTART};
    struct answer answer;
    struct snap_error err = {.text = ""};
    enum snap_status status;
    int fds[2];

    if (sigaction(caught, &action, NULL) != 0 || (ignored && signal(ignored, SIG_IGN) == SIG_ERR) ||
        pipe2(fds, O_CLOEXEC) != 0)
        return 1;
    status = run(read_for_ever, fds[0], false, &answer, &err);
    if (status != SNAP_E_STOPPED || strcmp(err.text, "stopped") != 0 || handled != caught || answer.number != 0)
        return 2;
    return waitpid(-1, NULL, WNOHANG) == -1 ? 0 : 3; /* its process is gone */
}

/* As wait_for_answer, of a caller that holds the signal back, to which it comes while it waits or came before. */
static int wait_with_held(int held, bool comes_before)
{
    struct answer answer;
    struct snap_error err = {.text = ""};
    sigset_t set;
    int fds[2];

    sigemptyset(&set);
    sigaddset(&set, held);
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0 || pipe2(fds, O_CLOEXEC) != 0 || (comes_before && raise(held) != 0))
        return 1;
    if (run(read_for_ever, fds[0], false, &answer, &err) != SNAP_E_STOPPED || answer.number != 0)
        return 2;
    return sigpending(&set) == 0 && sigismember(&set, held) == 1 ? 0 : 4;
}

static void sleep_ms(long duration_ms)
{
    const struct timespec duration = {.tv_nsec = duration_ms * 1000000};

    (void)nanosleep(&duration, NULL);
}

static void expect_end(pid_t waiter)
{
    int wait_status;

    for (int i = 0; i < 500 && waitpid(waiter, &wait_status, WNOHANG) == 0; i++) {
        sleep_ms(20);
        if (i == 499)
            fail_msg("it still waits");
    }
    assert_true(WIFEXITED(wait_status));
    assert_int_equal(WEXITSTATUS(wait_status), 0);
}

/* `ends` ends the wait; what is sent before it does not. 0: nothing. */
static void expect_ended_by(int ends, int ignored)
{
    int wait_status;
    const pid_t waiter = fork();

    assert_true(waiter >= 0);
    if (waiter == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        _exit(wait_for_answer(ends, ignored));
    }
    sleep_ms(300);
    if (ignored)
        assert_int_equal(kill(waiter, ignored), 0);
    sleep_ms(300);
    assert_int_equal(waitpid(waiter, &wait_status, WNOHANG), 0);
    assert_int_equal(kill(waiter, ends), 0);
    expect_end(waiter);
}

static void a_signal_ends_the_wait(void **state)
{
    (void)state;
    expect_ended_by(SIGTERM, 0);
    expect_ended_by(SIGINT, 0);
    expect_ended_by(SIGHUP, 0);
}

static void a_signal_that_is_ignored_does_not(void **state)
{
    (void)state;
    expect_ended_by(SIGTERM, SIGHUP);
    expect_ended_by(SIGTERM, SIGUSR1);
}

static void a_signal_that_is_held_back_ends_it_and_stays_pending(void **state)
{
    (void)state;
    for (int before = 0; before < 2; before++) {
        const pid_t waiter = fork();

        assert_true(waiter >= 0);
        if (waiter == 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
            _exit(wait_with_held(SIGTERM, before == 1));
        }
        sleep_ms(300);
        if (before == 0)
            assert_int_equal(kill(waiter, SIGTERM), 0);
        expect_end(waiter);
    }
}

/*
 * ---- questions -------------------------------------------------------------------------------------------------
 */

/* What the caller has: `asked` counts. */
struct service {
    unsigned asked;
    enum snap_status says; /* to the third question */
};

static enum snap_status serve(void *context, const void *question, size_t question_bytes, void *reply,
                              size_t reply_bytes, struct snap_error *err)
{
    struct service *service = context;

    assert_int_equal(question_bytes, 4);
    assert_memory_equal(question, "what", 4);
    memset(reply, 'a' + (int)service->asked, reply_bytes);
    if (++service->asked == 3 && service->says != SNAP_OK)
        return snap_fail(err, service->says, "the third question");
    return SNAP_OK;
}

/* Replies of each size, up to the largest; then none at all. */
static enum snap_status ask(int fd, void *context, struct snap_error *err)
{
    static uint8_t reply[SNAP_CHILD_REPLY_BYTES_MAX];
    struct answer *answer = context;
    enum snap_status status = snap_child_ask(fd, "what", 4, answer->text, 3, err);

    if (status == SNAP_OK)
        status = snap_child_ask(fd, "what", 4, reply, sizeof reply, err);
    for (size_t i = 0; i < sizeof reply && status == SNAP_OK; i++)
        if (reply[i] != 'b')
            return snap_fail(err, SNAP_E_INTERNAL, "byte %zu is %d", i, reply[i]);
    if (status == SNAP_OK)
        answer->number = snap_child_ask(fd, "what", 4, NULL, 0, NULL) == SNAP_E_IO ? 3 : 2;
    return status;
}

static enum snap_status ask_too_much(int fd, void *context, struct snap_error *err)
{
    static char question[SNAP_CHILD_QUESTION_BYTES_MAX + 1];

    (void)context;
    return snap_child_ask(fd, question, sizeof question, NULL, 0, err);
}

static enum snap_status run_served(enum snap_status (*work)(int, void *, struct snap_error *), struct service *service,
                                   struct answer *answer, struct snap_error *err)
{
    const struct snap_child_work child = {.work = work,
                                          .fd = -1,
                                          .answer = answer,
                                          .answer_bytes = sizeof *answer,
                                          .serve = serve,
                                          .context = service};

    return snap_child_run(&child, err);
}

static void questions_are_answered(void **state)
{
    struct service service = {.says = SNAP_OK}, failing = {.says = SNAP_E_IO};
    struct answer answer;
    struct snap_error err;

    (void)state;
    assert_int_equal(run_served(ask, &service, &answer, &err), SNAP_OK);
    assert_int_equal(service.asked, 3);
    assert_int_equal(answer.number, 2);
    assert_string_equal(answer.text, "aaa");
    assert_int_equal(run_served(ask, &failing, &answer, &err), SNAP_OK); /* a place that cannot be read is told */
    assert_int_equal(answer.number, 3);
    assert_int_equal(run_served(ask_too_much, &service, &answer, &err), SNAP_E_INTERNAL);
    assert_int_equal(service.asked, 3);
}

/* The caller wants no more of it. */
static void a_failure_of_the_service_ends_the_work(void **state)
{
    struct service service = {.says = SNAP_E_NOMEM};
    struct answer answer;
    struct snap_error err;

    (void)state;
    assert_int_equal(run_served(ask, &service, &answer, &err), SNAP_E_NOMEM);
    assert_string_equal(err.text, "the third question");
    assert_int_equal(answer.number, 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* A process that was taken over may write anything, and may stop to read: neither harms the caller, nor holds it up. */
static enum snap_status write_nonsense(int fd, void *context, struct snap_error *err)
{
    static const uint32_t frames[] = {1u << 30, 1u << 30, 4, 4};

    (void)context;
    (void)err;
    (void)!write(fd + 1, frames, sizeof frames);
    sleep_on();
    return SNAP_OK;
}

static enum snap_status never_read(int fd, void *context, struct snap_error *err)
{
    static const uint32_t frame[] = {4, SNAP_CHILD_REPLY_BYTES_MAX};

    (void)context;
    (void)err;
    for (int i = 0; i < 4; i++)
        if (write(fd + 1, frame, sizeof frame) < 0 || write(fd + 1, "what", 4) < 0)
            break;
    __builtin_trap();
}

static void questions_that_are_none_do_no_harm(void **state)
{
    struct service service = {.says = SNAP_OK};
    struct answer answer;

    (void)state;
    (void)alarm(60);
    assert_int_equal(run_served(write_nonsense, &service, &answer, NULL), SNAP_E_UNSUPPORTED);
    assert_int_equal(service.asked, 0);
    assert_int_equal(run_served(never_read, &service, &answer, NULL), SNAP_E_UNSUPPORTED);
    (void)alarm(0);
}

/* What a parser that was taken over would try; the bits of what worked. */
static enum snap_status try_everything(int fd, void *context, struct snap_error *err)
{
    struct answer *answer = context;
    const int file = open("/etc/passwd", O_RDONLY);

    (void)err;
    answer->number |= file >= 0 ? 1 : 0;
    answer->number |= open("/tmp", O_TMPFILE | O_RDWR, 0600) >= 0 ? 2 : 0;
    answer->number |= socket(AF_UNIX, SOCK_STREAM, 0) >= 0 ? 4 : 0;
    answer->number |= mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED ? 8 : 0;
    answer->number |= fork() >= 0 ? 16 : 0;
    answer->number |= unlinkat(AT_FDCWD, "/nowhere", 0) == 0 || errno == ENOENT ? 32 : 0;
    answer->number |= kill(getppid(), 0) == 0 ? 64 : 0;
    answer->number |= fcntl(fd + 2, F_GETFD) >= 0 ? 128 : 0;
    answer->number |= open("/etc/passwd", O_WRONLY) >= 0 || errno != ENOSYS ? 256 : 0; /* before Landlock is asked */
    return SNAP_OK;
}

static bool has_seccomp(void)
{
    return snap_confine_program_calls() > 0;
}

static void work_has_no_rights(void **state)
{
    struct answer answer;

    (void)state;
    if (!has_seccomp()) {
        print_message("skipped: this build has no libseccomp\n");
        skip();
    }
    assert_int_equal(run(try_everything, 0, false, &answer, NULL), SNAP_OK);
    assert_int_equal(answer.number, 0);
}

static void work_that_may_open_can_only_read(void **state)
{
    struct answer answer;

    (void)state;
    if (!has_seccomp()) {
        print_message("skipped: this build has no libseccomp\n");
        skip();
    }
    assert_int_equal(run(try_everything, 0, true, &answer, NULL), SNAP_OK);
    assert_int_equal(answer.number, 1);
}

static enum snap_status who(int fd, void *context, struct snap_error *err)
{
    (void)fd;
    (void)err;
    ((struct answer *)context)->number = (int)geteuid();
    return SNAP_OK;
}

static void work_of_root_is_done_by_nobody(void **state)
{
    struct answer answer;

    (void)state;
    if (geteuid() != 0) {
        print_message("skipped: needs root\n");
        skip();
    }
    assert_int_equal(run(who, 0, false, &answer, NULL), SNAP_OK);
    assert_int_equal(answer.number, 65534);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_comes_back),
        cmocka_unit_test(a_failure_comes_back_with_its_text),
        cmocka_unit_test(a_crash_is_no_answer),
        cmocka_unit_test(a_process_that_hangs_without_its_pipe_is_ended),
        cmocka_unit_test(an_answer_that_is_none_does_no_harm),
        cmocka_unit_test(work_is_bounded_and_ends_with_a_signal),
        cmocka_unit_test(a_signal_ends_the_wait),
        cmocka_unit_test(a_signal_that_is_ignored_does_not),
        cmocka_unit_test(a_signal_that_is_held_back_ends_it_and_stays_pending),
        cmocka_unit_test(questions_are_answered),
        cmocka_unit_test(a_failure_of_the_service_ends_the_work),
        cmocka_unit_test(questions_that_are_none_do_no_harm),
        cmocka_unit_test(work_has_no_rights),
        cmocka_unit_test(work_that_may_open_can_only_read),
        cmocka_unit_test(work_of_root_is_done_by_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
