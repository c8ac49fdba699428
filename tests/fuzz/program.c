/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes: standard output and error in memory files, an environment of a few words. */
#include "tests/fuzz/program.h"

#include "tests/fuzz/plain.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS_MAX "20" /* then it counts as hung */

void program_start(struct program *program, const char *name)
{
    static char path[PATH_MAX];
    const char *build = getenv("BUILDDIR");

    *program = (struct program){.count = 0};
    (void)snprintf(path, sizeof path, "%s/tools/%s", build ? build : ".", name);
    program_word(program, "timeout");
    program_word(program, "--signal=ABRT");
    program_word(program, SECONDS_MAX);
    program_word(program, path);
    if (getenv("LLVM_PROFILE_FILE")) /* it is written at the end, where the sandbox lets nobody write */
        program_word(program, "--no-sandbox");
}

void program_word(struct program *program, const char *word)
{
    FUZZ_PROMISE(program->count < PROGRAM_WORDS_MAX, "too many words for a program");
    program->words[program->count++] = word;
}

/* The whole content of a memory file, which it closes. */
static char *take_text(int fd, size_t *count)
{
    struct stat st;
    char *text;

    FUZZ_PROMISE(fstat(fd, &st) == 0, "no memory file");
    text = fuzz_calloc(1, (size_t)st.st_size + 1);
    FUZZ_PROMISE(pread(fd, text, (size_t)st.st_size, 0) == (ssize_t)st.st_size, "what it said cannot be read");
    *count = (size_t)st.st_size;
    (void)close(fd);
    return text;
}

static char *variable(const char *name, char *room, size_t room_bytes)
{
    const char *value = getenv(name);

    (void)snprintf(room, room_bytes, "%s=%s", name, value ? value : "");
    return room;
}

static int spawn(struct program *program, int out, int err)
{
    static char path[PATH_MAX], profile[PATH_MAX], folder[128];
    char *environment[] = {variable("PATH", path, sizeof path), folder, (char[]){"LC_ALL=C.UTF-8"},
                           (char[]){"LLVM_PROFILE_FILE=/dev/null"}, NULL}; /* else it is a file beside the images */
    posix_spawn_file_actions_t actions;
    pid_t child, ended;
    int status, failed;

    (void)snprintf(folder, sizeof folder, "TMPDIR=%s", fuzz_folder());
    if (getenv("LLVM_PROFILE_FILE"))
        environment[3] = variable("LLVM_PROFILE_FILE", profile, sizeof profile);
    FUZZ_PROMISE(posix_spawn_file_actions_init(&actions) == 0, "no actions");
    (void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_adddup2(&actions, out, 1);
    (void)posix_spawn_file_actions_adddup2(&actions, err, 2);
    (void)posix_spawn_file_actions_addchdir_np(&actions, fuzz_folder());
    failed = posix_spawnp(&child, "timeout", &actions, NULL, (char *const *)(uintptr_t)program->words, environment);
    (void)posix_spawn_file_actions_destroy(&actions);
    FUZZ_PROMISE(failed == 0, "%s does not start: %s", program->words[3], strerror(failed));
    while ((ended = waitpid(child, &status, 0)) < 0 && errno == EINTR) /* libFuzzer has a timer */
        ;
    FUZZ_PROMISE(ended == child, "it is lost: %s", strerror(errno));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void check(const struct program *program)
{
    static const int known[] = {0, 4, 8, 16, 32};
    size_t at;
    bool is_known = false;

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        is_known |= program->exit_status == known[i];
    if (!is_known)
        for (unsigned i = 3; i < program->count; i++)
            fprintf(stderr, "%s%s", program->words[i], i + 1 < program->count ? " " : "\n");
    FUZZ_PROMISE(is_known, "exit status %d; it said: %s", program->exit_status, program->err);
    FUZZ_PROMISE(plain_is_harmless(program->err, program->err_bytes, &at), "what it says does harm at byte %zu: %s", at,
                 program->err);
    FUZZ_PROMISE(plain_is_harmless(program->out, program->out_bytes, &at), "what it prints does harm at byte %zu", at);
    FUZZ_PROMISE(program->exit_status < 8 || program->err[0] || program->out[0], "it failed without a word");
}

void program_run(struct program *program)
{
    const int out = memfd_create("out", MFD_CLOEXEC), err = memfd_create("err", MFD_CLOEXEC);

    FUZZ_PROMISE(out >= 0 && err >= 0, "no memory file");
    program->exit_status = spawn(program, out, err);
    program->out = take_text(out, &program->out_bytes);
    program->err = take_text(err, &program->err_bytes);
    check(program);
}

bool program_said(const struct program *program, const char *words)
{
    return strstr(program->err, words) != NULL;
}

void program_free(struct program *program)
{
    free(program->out);
    free(program->err);
}
