/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Forks, takes all rights from the new process, and brings its answer back through a pipe. */
#include "lib/base/child.h"

#include "lib/base/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_BYTES_MAX 8192u
#define NOBODY 65534u

#define LOOK_MS 100        /* how long a signal may go unnoticed */
#define LAST_LOOKS 5       /* for the end of a process that was told to end */

/* Where the two descriptors stand in the new process. */
#define WORK_FD 3
#define PIPE_FD 4

/* What goes through the pipe: nothing in it may be trusted, the process has parsed foreign bytes. */
struct frame {
    uint32_t question_bytes; /* of what follows; 0: a struct message */
    uint32_t reply_bytes;
};

struct message {
    enum snap_status status;
    struct snap_error err;
    uint8_t answer[ANSWER_BYTES_MAX];
};

/* The end of the work: its frame has no question, so that the message is what follows. One write, as one answer. */
struct ending {
    struct frame frame;
    struct message message;
};

_Static_assert(offsetof(struct ending, message) == sizeof(struct frame), "what is read in two parts has no gap");

static bool write_all(int fd, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;

    while (length > 0) {
        const ssize_t count = write(fd, at, length);

        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        at += count;
        length -= (size_t)count;
    }
    return true;
}

static bool read_blocking(int fd, void *bytes, size_t length)
{
    uint8_t *at = bytes;

    while (length > 0) {
        const ssize_t count = read(fd, at, length);

        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        at += count;
        length -= (size_t)count;
    }
    return true;
}

/* Leaves the two descriptors open and no other. */
static bool keep_two_descriptors(int fd, int pipe_fd)
{
    const int high_fd = fcntl(fd, F_DUPFD, PIPE_FD + 1), high_pipe_fd = fcntl(pipe_fd, F_DUPFD, PIPE_FD + 1);

    if (high_fd < 0 || high_pipe_fd < 0 || dup2(high_fd, WORK_FD) != WORK_FD || dup2(high_pipe_fd, PIPE_FD) != PIPE_FD)
        return false;
    for (int i = 0; i < WORK_FD; i++)
        (void)close(i);
#ifdef SYS_close_range
    if (syscall(SYS_close_range, PIPE_FD + 1, ~0u, 0) == 0)
        return true;
#endif
    for (long i = PIPE_FD + 1; i < sysconf(_SC_OPEN_MAX); i++)
        (void)close((int)i);
    return true;
}

/*
 * Nobody's rights. An ordinary user has none that could be taken. A user namespace may have no such user (EINVAL), and
 * a container may forbid the change (EPERM): its root has few rights outside of it, and the other limits remain.
 */
static bool drop_user(void)
{
    if (geteuid() != 0)
        return true;
    if (setgroups(0, NULL) != 0 && errno != EPERM)
        return false;
    return (setresgid(NOBODY, NOBODY, NOBODY) == 0 || errno == EINVAL || errno == EPERM) &&
           (setresuid(NOBODY, NOBODY, NOBODY) == 0 || errno == EINVAL || errno == EPERM);
}

static void limit(unsigned most_seconds)
{
    const struct rlimit none = {0, 0}, seconds = {most_seconds, most_seconds};

    (void)setrlimit(RLIMIT_CORE, &none);
    (void)setrlimit(RLIMIT_CPU, &seconds);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    for (int number = SIGHUP; number <= SIGTERM; number++) /* the caller's handlers are about the caller */
        if (number != SIGKILL)
            (void)signal(number, SIG_DFL);
}

/* The whole life of the new process. Without rights it cannot even end itself in another way. */
static void live(const struct snap_child_work *work, int work_fd, int pipe_fd)
{
    struct ending ending;
    enum snap_status status = SNAP_E_INTERNAL;

    memset(&ending, 0, sizeof ending);
    limit(work->seconds ? work->seconds : SNAP_CHILD_SECONDS);
    if (!keep_two_descriptors(work_fd, pipe_fd) || (!work->may_open && !drop_user()))
        return;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* once more: a change of the user has taken it away */
    (void)snap_confine_parser(work->may_open);
    status = work->work(WORK_FD, ending.message.answer, &ending.message.err);
    ending.message.status = status;
    (void)write_all(PIPE_FD, &ending, sizeof ending);
}

enum snap_status snap_child_ask(int fd, const void *question, size_t question_bytes, void *reply, size_t reply_bytes,
                                struct snap_error *err)
{
    const struct frame frame = {.question_bytes = (uint32_t)question_bytes, .reply_bytes = (uint32_t)reply_bytes};
    uint32_t served = 0;

    if (question_bytes == 0 || question_bytes > SNAP_CHILD_QUESTION_BYTES_MAX ||
        reply_bytes > SNAP_CHILD_REPLY_BYTES_MAX)
        return snap_fail(err, SNAP_E_INTERNAL, "a question of %zu bytes for %zu bytes", question_bytes, reply_bytes);
    if (!write_all(PIPE_FD, &frame, sizeof frame) || !write_all(PIPE_FD, question, question_bytes) ||
        !read_blocking(fd, &served, sizeof served) || !read_blocking(fd, reply, reply_bytes))
        return snap_fail(err, SNAP_E_STOPPED, "nobody answers");
    return served ? SNAP_OK : snap_fail(err, SNAP_E_IO, "it could not be read");
}

static enum snap_status take_answer(const struct snap_child_work *work, struct message *message, bool whole,
                                    struct snap_error *err)
{
    message->err.text[sizeof message->err.text - 1] = '\0';
    if (!whole)
        return snap_fail(err, SNAP_E_UNSUPPORTED, "the process that looks at it ended before it had an answer");
    memcpy(work->answer, message->answer, work->answer_bytes);
    if (message->status == SNAP_OK)
        return SNAP_OK;
    if (message->status < SNAP_OK || message->status > SNAP_E_INTERNAL)
        message->status = SNAP_E_INTERNAL;
    if (err) {
        *err = message->err;
        err->status = message->status;
    }
    return message->status;
}

/*
 * ---- the wait --------------------------------------------------------------------------------------------------
 */

/*
 * Holds back what asks a program to end; `stops` is what it has to be told of: what is not ignored. A caller that held
 * it back before did so to be told here, and not to wait for ever: its own handler runs when it lets the signal in.
 */
static void hold_stops(sigset_t *stops, sigset_t *before)
{
    static const int numbers[] = {SIGHUP, SIGINT, SIGTERM};
    struct sigaction action;

    sigemptyset(stops);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        sigaddset(stops, numbers[i]);
    (void)pthread_sigmask(SIG_BLOCK, stops, before); /* cannot fail: a valid request */
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (sigaction(numbers[i], NULL, &action) == 0 && action.sa_handler == SIG_IGN)
            sigdelset(stops, numbers[i]);
}

static bool stop_is_pending(const sigset_t *stops)
{
    sigset_t pending;

    if (sigpending(&pending) != 0)
        return false;
    for (int number = SIGHUP; number <= SIGTERM; number++)
        if (sigismember(stops, number) == 1 && sigismember(&pending, number) == 1)
            return true;
    return false;
}

/* False where it ends before all of it is there, or a stop comes. */
static bool read_all(int fd, void *bytes, size_t length, const sigset_t *stops, bool *stopped)
{
    struct pollfd answer = {.fd = fd, .events = POLLIN};
    uint8_t *at = bytes;

    while (length > 0) {
        const int ready = poll(&answer, 1, LOOK_MS);
        ssize_t count;

        *stopped = stop_is_pending(stops);
        if (*stopped)
            return false;
        if (ready == 0 || (ready < 0 && errno == EINTR))
            continue;
        count = read(fd, at, length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        at += count;
        length -= (size_t)count;
    }
    return true;
}

/* After a stop, one that a device holds in the kernel is left to end when it can. */
static void reap(pid_t child, bool stopped)
{
    const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L / LAST_LOOKS};

    for (int i = 0; stopped && i < LAST_LOOKS; i++) {
        if (waitpid(child, NULL, WNOHANG) != 0)
            return;
        (void)nanosleep(&pause, NULL);
    }
    while (!stopped && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
}

/* Never waits for a process that has ended, or takes nothing. */
static bool reply_all(int reply_fd, int fd, const void *bytes, size_t length, const sigset_t *stops, bool *stopped)
{
    struct pollfd ends[] = {{.fd = reply_fd, .events = POLLOUT}, {.fd = fd}};
    const uint8_t *at = bytes;

    while (length > 0) {
        const ssize_t count = write(reply_fd, at, length);

        if (count > 0) {
            at += count;
            length -= (size_t)count;
            continue;
        }
        if (count < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        (void)poll(ends, 2, LOOK_MS);
        *stopped = stop_is_pending(stops);
        if (*stopped || ends[1].revents)
            return false;
    }
    return true;
}

/* What is between the caller and the new process, as the caller has it. */
struct caller_ends {
    int fd;       /* what comes from it */
    int reply_fd; /* what goes to it; -1: nothing does */
};

/* Answers questions until the answer of the work begins. False: it does not come, or the caller wants no more of it. */
static bool serve_all(const struct snap_child_work *work, const struct caller_ends *ends, const sigset_t *stops,
                      bool *stopped, enum snap_status *served, struct snap_error *err)
{
    uint8_t question[SNAP_CHILD_QUESTION_BYTES_MAX];
    struct {
        uint32_t served;
        uint8_t bytes[SNAP_CHILD_REPLY_BYTES_MAX];
    } reply;
    struct frame frame;

    for (;;) {
        if (!read_all(ends->fd, &frame, sizeof frame, stops, stopped))
            return false;
        if (frame.question_bytes == 0)
            return true;
        if (ends->reply_fd < 0 || frame.question_bytes > sizeof question || frame.reply_bytes > sizeof reply.bytes ||
            !read_all(ends->fd, question, frame.question_bytes, stops, stopped))
            return false;
        memset(reply.bytes, 0, frame.reply_bytes);
        *served = work->serve(work->context, question, frame.question_bytes, reply.bytes, frame.reply_bytes, err);
        reply.served = *served == SNAP_OK;
        if (*served != SNAP_OK && *served != SNAP_E_IO)
            return false;
        *served = SNAP_OK;
        if (!reply_all(ends->reply_fd, ends->fd, &reply, sizeof reply.served + frame.reply_bytes, stops, stopped))
            return false;
    }
}

/*
 * Only processor time is bounded (SNAP_CHILD_SECONDS): a slow disk or a busy system must not make "cannot tell" out of
 * what is on a device, and by the clock nobody can tell them from a process that hangs. So the wait is as long as the
 * device takes, and what ends it is a signal. The caller's handlers restart a read, and this library does not know
 * them: the signals are held back while it waits, seen as pending, and handled when the caller has its mask again.
 */
static enum snap_status wait_for(pid_t child, const struct caller_ends *ends, const struct snap_child_work *work,
                                 struct snap_error *err)
{
    enum snap_status served = SNAP_OK;
    struct message message;
    bool whole, stopped = false;
    sigset_t stops, before;

    hold_stops(&stops, &before);
    whole = serve_all(work, ends, &stops, &stopped, &served, err) &&
            read_all(ends->fd, &message, sizeof message, &stops, &stopped);
    if (!whole)
        (void)kill(child, SIGKILL); /* it may hang after it closed the pipe */
    reap(child, stopped);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (served != SNAP_OK)
        return served;
    return stopped ? snap_fail(err, SNAP_E_STOPPED, "stopped") : take_answer(work, &message, whole, err);
}

static void close_one(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

static enum snap_status fork_and_wait(const struct snap_child_work *work, int fds[2], int reply_fds[2],
                                      struct snap_error *err)
{
    const struct caller_ends ends = {.fd = fds[0], .reply_fd = work->serve ? reply_fds[1] : -1};
    const pid_t child = fork();

    if (child == 0) {
        live(work, work->serve ? reply_fds[0] : work->fd, fds[1]);
        for (;;) /* nothing of the caller's may run here: no handlers, no buffers */
            (void)syscall(SYS_exit_group, 0);
    }
    if (child < 0)
        return snap_fail_errno(err, errno == EAGAIN ? ENOMEM : errno, "cannot start a process");
    close_one(&fds[1]); /* the end of the new process is the end of what comes from it */
    return wait_for(child, &ends, work, err);
}

enum snap_status snap_child_run(const struct snap_child_work *work, struct snap_error *err)
{
    enum snap_status status;
    int fds[2], reply_fds[2] = {-1, -1};

    if (work->answer_bytes > ANSWER_BYTES_MAX)
        return snap_fail(err, SNAP_E_INTERNAL, "an answer of %zu bytes is too long", work->answer_bytes);
    memset(work->answer, 0, work->answer_bytes);
    if (pipe2(fds, O_CLOEXEC) != 0)
        return snap_fail_errno(err, errno, "cannot make a pipe");
    /* Its end for reading stays open here as well, so that no write ends in SIGPIPE. */
    if (work->serve && (pipe2(reply_fds, O_CLOEXEC) != 0 || fcntl(reply_fds[1], F_SETFL, O_NONBLOCK) != 0))
        status = snap_fail_errno(err, errno, "cannot make a pipe");
    else
        status = fork_and_wait(work, fds, reply_fds, err);
    for (int i = 0; i < 2; i++) {
        close_one(&fds[i]);
        close_one(&reply_fds[i]);
    }
    return status;
}
