/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A harness without libFuzzer: runs its corpus and its seeds, then changes them at random for some seconds. */
#include "tests/fuzz/replay.h"

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/seeds.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define INPUT_SECONDS_MAX 30u
#define INPUTS_MAX 4096u
#define EXECUTIONS_MAX 20000u /* in the test command */

struct input {
    uint8_t *bytes;
    size_t length;
};

static struct input inputs[INPUTS_MAX];
static size_t input_count;

/* What is being run, for the handler that saves it. */
static const uint8_t *running;
static size_t running_length;
static char crash_path[4096];

/* Only system calls: the program is broken already. */
static void save_running(void)
{
    const int fd = open(crash_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    static const char text[] = "not ok - a promise is broken, or it crashed or hung; the input is in ";

    if (!running || fd < 0 || write(fd, running, running_length) != (ssize_t)running_length || close(fd) != 0)
        return;
    running = NULL;
    if (write(1, text, sizeof text - 1) < 0 || write(1, crash_path, strlen(crash_path)) < 0 || write(1, "\n", 1) < 0)
        return;
}

static void on_end(int number)
{
    save_running();
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

/* With AddressSanitizer a program ends without a signal. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void catch_ends(void)
{
    static const int numbers[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM, SIGTRAP};
    const char *folder = getenv("BUILDDIR");

    (void)snprintf(crash_path, sizeof crash_path, "%s%s%s.crash", folder ? folder : ".",
                   folder ? "/tests/fuzz/" : "/", fuzz_harness.name);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        (void)signal(numbers[i], on_end);
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(save_running);
}

void replay_run(const uint8_t *bytes, size_t length)
{
    /* Memory of just this length: a read behind it is found by valgrind and AddressSanitizer. */
    uint8_t *copy = fuzz_calloc(1, length);

    if (length > 0)
        memcpy(copy, bytes, length);
    running = copy;
    running_length = length;
    (void)alarm(INPUT_SECONDS_MAX);
    (void)LLVMFuzzerTestOneInput(copy, length);
    (void)alarm(0);
    running = NULL;
    free(copy);
}

void replay_add(const uint8_t *bytes, size_t length)
{
    struct input *input = &inputs[input_count];

    FUZZ_PROMISE(input_count < INPUTS_MAX, "more than %u inputs", INPUTS_MAX);
    input->bytes = fuzz_calloc(1, length);
    if (length > 0)
        memcpy(input->bytes, bytes, length);
    input->length = length;
    input_count++;
}

static int digit_of(int letter)
{
    const char *digits = "0123456789abcdef", *found = letter ? strchr(digits, letter) : NULL;

    return found ? (int)(found - digits) : -1;
}

/* A file of the corpus: NAME.hex has two digits for each byte, and comments; any other file is the input itself. */
static void read_file(const char *path, struct input *input)
{
    const size_t path_length = strlen(path);
    const bool hex = path_length > 4 && strcmp(path + path_length - 4, ".hex") == 0;
    FILE *file = fopen(path, "re");
    struct stat st;
    size_t count = 0, digits = 0;

    FUZZ_PROMISE(file && fstat(fileno(file), &st) == 0, "%s: %s", path, strerror(errno));
    input->bytes = fuzz_calloc(1, (size_t)st.st_size);
    for (int letter; (letter = getc(file)) != EOF;) {
        if (!hex) {
            input->bytes[count++] = (uint8_t)letter;
        } else if (letter == '#') {
            while (letter != '\n' && letter != EOF)
                letter = getc(file);
        } else if (digit_of(letter) >= 0) {
            input->bytes[digits / 2] = (uint8_t)(input->bytes[digits / 2] << 4 | digit_of(letter));
            digits++;
        } else {
            FUZZ_PROMISE(letter == ' ' || letter == '\n', "%s: no hexadecimal digits", path);
        }
    }
    FUZZ_PROMISE(digits % 2 == 0, "%s: half a byte", path);
    (void)fclose(file); /* was only read */
    input->length = hex ? digits / 2 : count;
}

static int by_name(const struct dirent **left, const struct dirent **right)
{
    return strcmp((*left)->d_name, (*right)->d_name);
}

static void add_corpus(const char *folder)
{
    struct dirent **entries = NULL;
    const int count = scandir(folder, &entries, NULL, by_name);

    for (int i = 0; i < count; i++) {
        struct input input;
        char path[4096 + 256 + 2];

        if (entries[i]->d_name[0] != '.') {
            (void)snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
            read_file(path, &input);
            replay_add(input.bytes, input.length);
            free(input.bytes);
        }
        free(entries[i]);
    }
    free(entries);
}

static void add_all(void)
{
    const char *source = getenv("SRCDIR");
    char folder[4096];

    replay_add(NULL, 0);
    (void)snprintf(folder, sizeof folder, "%s/tests/fuzz/corpus/%s", source ? source : ".", fuzz_harness.name);
    add_corpus(folder);
    for (const char *const *text = fuzz_harness.texts; text && *text; text++)
        replay_add((const uint8_t *)*text, strlen(*text));
    if (fuzz_harness.takes_stores) {
        (void)snprintf(folder, sizeof folder, "%s/tests/images", source ? source : ".");
        seeds_read(folder, replay_add);
    }
}

static double now(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* The corpus and seeds as they are, then changed ones: so long, or so many. TAP. */
static int run_as_test(double seconds, uint64_t most, uint64_t seed)
{
    struct fuzz_random random = {seed};
    uint64_t executions = 0;
    double end;

    printf("TAP version 13\n1..2\n");
    (void)fflush(stdout);
    add_all();
    for (size_t i = 0; i < input_count; i++)
        replay_run(inputs[i].bytes, inputs[i].length);
    printf("ok 1 - %s: %zu inputs of the corpus and seeds\n", fuzz_harness.name, input_count);
    (void)fflush(stdout);
    for (end = now() + seconds; now() < end && executions < most; executions++) {
        static uint8_t bytes[REPLAY_BYTES_MAX];
        const struct input *first = &inputs[fuzz_random(&random) % input_count];
        const struct input *other = &inputs[fuzz_random(&random) % input_count];

        replay_run(bytes, replay_change(&random, first->bytes, first->length, other->bytes, other->length, bytes));
    }
    printf("ok 2 - %s: changed at random, from seed %" PRIu64 "\n# %" PRIu64 " executions\n", fuzz_harness.name, seed,
           executions);
    for (size_t i = 0; i < input_count; i++)
        free(inputs[i].bytes);
    return fflush(stdout) == 0 ? 0 : 1;
}

/* Seeds and corpus as libFuzzer wants them: a folder of binary files. */
static int write_all(const char *folder)
{
    add_all();
    for (size_t i = 0; i < input_count; i++) {
        char path[4096];
        FILE *file;

        (void)snprintf(path, sizeof path, "%s/seed-%04zu", folder, i);
        file = fopen(path, "we");
        if (!file || fwrite(inputs[i].bytes, 1, inputs[i].length, file) != inputs[i].length || fclose(file) != 0) {
            fprintf(stderr, "%s: cannot be written\n", path);
            return 1;
        }
    }
    return 0;
}

static int show_as_hex(const char *path)
{
    struct input input;

    read_file(path, &input);
    printf("# SPDX-License-Identifier: GPL-2.0-or-later\n# What was broken here, in one sentence.\n");
    for (size_t i = 0; i < input.length; i++)
        printf("%02x%s", input.bytes[i], i % 32 == 31 || i + 1 == input.length ? "\n" : "");
    free(input.bytes);
    return 0;
}

static double number_or(const char *name, double otherwise)
{
    const char *text = getenv(name);

    return text && *text ? strtod(text, NULL) : otherwise;
}

/* Large buffers that are hardly used are wanted again with the next input. These are hints. */
static void keep_memory(void)
{
    (void)prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    (void)mallopt(M_TRIM_THRESHOLD, 1 << 30);
    (void)mallopt(M_MMAP_THRESHOLD, 1 << 28);
}

int main(int argc, char **argv)
{
    keep_memory();
    if (argc == 3 && strcmp(argv[1], "--hex") == 0)
        return show_as_hex(argv[2]);
    if (argc == 3 && strcmp(argv[1], "--seeds") == 0)
        return write_all(argv[2]);
    catch_ends();
    for (int i = 1; i < argc; i++) {
        struct input input;

        read_file(argv[i], &input);
        replay_run(input.bytes, input.length);
        free(input.bytes);
        printf("%s: every promise is kept\n", argv[i]);
    }
    /* By default no machine is so fast that it comes to inputs which were never tried. */
    return argc > 1 ? 0
                    : run_as_test(number_or("FUZZ_CHECK_SECONDS", 2),
                                  getenv("FUZZ_CHECK_SECONDS") ? UINT64_MAX : EXECUTIONS_MAX,
                                  (uint64_t)number_or("FUZZ_SEED", 1));
}
