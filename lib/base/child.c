/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Forks, takes all rights from the new process, and brings its answer back through a pipe. */
#include "lib/base/child.h"

#include "lib/base/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_BYTES_MAX 8192u
#define NOBODY 65534u

/* Where the two descriptors stand in the new process. */
#define WORK_FD 3
#define PIPE_FD 4

/* What goes through the pipe: nothing in it may be trusted, the process has parsed foreign bytes. */
struct message {
    enum snap_status status;
    struct snap_error err;
    uint8_t answer[ANSWER_BYTES_MAX];
};

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

static bool read_all(int fd, void *bytes, size_t length)
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

static void limit(void)
{
    const struct rlimit none = {0, 0}, seconds = {SNAP_CHILD_SECONDS, SNAP_CHILD_SECONDS};

    (void)setrlimit(RLIMIT_CORE, &none);
    (void)setrlimit(RLIMIT_CPU, &seconds);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    for (int number = SIGHUP; number <= SIGTERM; number++) /* the caller's handlers are about the caller */
        if (number != SIGKILL)
            (void)signal(number, SIG_DFL);
}

/* The whole life of the new process. Without rights it cannot even end itself in another way. */
static void live(const struct snap_child_work *work, int pipe_fd)
{
    struct message message;
    enum snap_status status = SNAP_E_INTERNAL;

    memset(&message, 0, sizeof message);
    limit();
    if (!keep_two_descriptors(work->fd, pipe_fd) || (!work->may_open && !drop_user()))
        return;
    (void)snap_confine_parser(work->may_open);
    status = work->work(WORK_FD, message.answer, &message.err);
    message.status = status;
    (void)write_all(PIPE_FD, &message, sizeof message);
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

enum snap_status snap_child_run(const struct snap_child_work *work, struct snap_error *err)
{
    struct message message;
    int fds[2];
    bool whole;
    pid_t child;

    if (work->answer_bytes > ANSWER_BYTES_MAX)
        return snap_fail(err, SNAP_E_INTERNAL, "an answer of %zu bytes is too long", work->answer_bytes);
    memset(work->answer, 0, work->answer_bytes);
    if (pipe2(fds, O_CLOEXEC) != 0)
        return snap_fail_errno(err, errno, "cannot make a pipe");
    child = fork();
    if (child == 0) {
        live(work, fds[1]);
        for (;;) /* nothing of the caller's may run here: no handlers, no buffers */
            (void)syscall(SYS_exit_group, 0);
    }
    if (child < 0) {
        const int sys_errno = errno;

        (void)close(fds[0]);
        (void)close(fds[1]);
        return snap_fail_errno(err, sys_errno == EAGAIN ? ENOMEM : sys_errno, "cannot start a process");
    }
    (void)close(fds[1]);
    whole = read_all(fds[0], &message, sizeof message);
    (void)close(fds[0]);
    if (!whole)
        (void)kill(child, SIGKILL); /* it may hang after it closed the pipe */
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
    return take_answer(work, &message, whole, err);
}
