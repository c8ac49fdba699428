/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Streams of the C library over writes that wait for their reader no longer than the program may. */
#include "tools/cli/streams.h"

#include "tools/cli/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#define GRACE_MS 500u /* for a reader, after a stop */

/* What a function for fopencookie returns after a failure: musl takes 0 for a success, glibc may not be given less. */
#ifdef __GLIBC__
#define FAILED 0
#else
#define FAILED (-1)
#endif

struct stream {
    FILE *file;
    int fd;             /* may be shared with others, so its flags stay as they are */
    int own_fd;         /* the same pipe or terminal, opened once more: a write to it never waits; or -1 */
    size_t piece_bytes; /* where there is no such descriptor: how much can be written without a wait when poll says so;
                         * 0: all, or writing never waits for somebody else */
    int failed;         /* errno of the first write that failed; 0: none */
};

static struct stream streams[3]; /* standard output, standard error, and where questions are asked */

static struct stream *stream_of(const FILE *file)
{
    for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++)
        if (file && streams[i].file == file)
            return &streams[i];
    return NULL;
}

/*
 * ---- writing ---------------------------------------------------------------------------------------------------
 */

static int descriptor(const struct stream *stream)
{
    return stream->own_fd >= 0 ? stream->own_fd : stream->fd;
}

/* 0, or an errno. EINTR: the stream is given up. */
static int wait_for_room(const struct stream *stream)
{
    if (cli_stop_wait(descriptor(stream), POLLOUT, GRACE_MS))
        return 0;
    return cli_stop_wanted() ? EINTR : errno;
}

static ssize_t write_piece(const struct stream *stream, const char *bytes, size_t length)
{
    if (stream->piece_bytes > 0 && length > stream->piece_bytes)
        length = stream->piece_bytes;
    return write(descriptor(stream), bytes, length);
}

static int write_all(const struct stream *stream, const char *bytes, size_t length)
{
    bool wait = stream->piece_bytes > 0;

    while (length > 0) {
        const int failed = wait ? wait_for_room(stream) : 0;
        ssize_t count;

        if (failed)
            return failed;
        count = write_piece(stream, bytes, length);
        if (count < 0 && errno != EAGAIN && errno != EINTR)
            return errno;
        /* EAGAIN: there is no room. */
        wait = stream->piece_bytes > 0 || (count < 0 && errno == EAGAIN);
        bytes += count > 0 ? count : 0;
        length -= count > 0 ? (size_t)count : 0;
    }
    return 0;
}

static ssize_t stream_write(void *cookie, const char *bytes, size_t length)
{
    struct stream *stream = cookie;

    if (!stream->failed)
        stream->failed = write_all(stream, bytes, length);
    if (!stream->failed)
        return (ssize_t)length;
    errno = stream->failed;
    return FAILED;
}

static int stream_close(void *cookie)
{
    struct stream *stream = cookie;

    if (stream->own_fd >= 0)
        (void)close(stream->own_fd); /* the other one is closed below, and that is checked */
    stream->file = NULL;
    return close(stream->fd);
}

/*
 * ---- opening ---------------------------------------------------------------------------------------------------
 */

/*
 * Without a reader, writes wait on pipes, sockets and terminals. Where they cannot be opened once more, as sockets and
 * other users' terminals, little is written after poll has said that there is room: of a pipe it promises PIPE_BUF
 * bytes, of a terminal one.
 */
static void find_out_kind(struct stream *stream)
{
    const bool terminal = isatty(stream->fd);
    struct stat st;
    char through[40];

    if (fstat(stream->fd, &st) != 0 || (!terminal && !S_ISFIFO(st.st_mode) && !S_ISSOCK(st.st_mode)))
        return;
    (void)snprintf(through, sizeof through, "/proc/self/fd/%d", stream->fd);
    stream->own_fd = S_ISSOCK(st.st_mode) ? -1 : open(through, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (stream->own_fd < 0)
        stream->piece_bytes = terminal ? 1 : PIPE_BUF;
}

FILE *cli_stream_open(int fd)
{
    static const cookie_io_functions_t functions = {.write = stream_write, .close = stream_close};
    struct stream *stream = &streams[fd == STDOUT_FILENO ? 0 : fd == STDERR_FILENO ? 1 : 2];

    *stream = (struct stream){.fd = fd, .own_fd = -1};
    stream->file = fopencookie(stream, "w", functions);
    if (!stream->file)
        return NULL;
    find_out_kind(stream);
    /* Data on a terminal come line by line; talk is flushed by who says it. */
    if (fd == STDOUT_FILENO && isatty(fd))
        (void)setvbuf(stream->file, NULL, _IOLBF, BUFSIZ);
    return stream->file;
}

int cli_stream_fd(FILE *file)
{
    const struct stream *stream = stream_of(file);

    return stream ? stream->fd : fileno(file);
}

/*
 * ---- failures --------------------------------------------------------------------------------------------------
 */

enum snap_status cli_stream_fail(const FILE *file, const char *what, struct snap_error *err)
{
    const struct stream *stream = stream_of(file);
    const int failed = stream && stream->failed ? stream->failed : errno ? errno : EIO;

    if (stream && failed == EINTR)
        return snap_fail(err, SNAP_E_STOPPED, "stopped");
    return snap_fail_errno(err, failed, "%s", what);
}

int cli_stream_failed(const FILE *file)
{
    const struct stream *stream = stream_of(file);

    return stream ? stream->failed : 0;
}

enum snap_status cli_stream_end(FILE *file, struct snap_error *err)
{
    struct stream *stream = stream_of(file);
    const bool failed_before = ferror(file) != 0;
    int failed = 0;

    errno = 0;
    if (fclose(file) != 0)
        failed = errno;
    if (stream && stream->failed)
        failed = stream->failed;
    if (stream && failed == EINTR)
        return snap_fail(err, SNAP_E_STOPPED, "standard output: nobody read it when a signal came; it is incomplete");
    if (failed)
        return snap_fail_errno(err, failed, "standard output");
    return failed_before ? snap_fail(err, SNAP_E_IO, "standard output: a write failed") : SNAP_OK;
}
