/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One line of a job file as words, and one line of a result file. */
#include "tests/kernel/job.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Cuts the next word off `*rest` in place; NULL at the end. An open quote reaches to the end of the line. */
static char *next_word(char **rest)
{
    char *read = *rest + strspn(*rest, " \t\n");
    char *word = read;
    char *write = read;
    bool quoted = false;

    if (*read == '\0')
        return NULL;
    for (; *read != '\0' && (quoted || !isspace((unsigned char)*read)); read++) {
        if (*read == '"')
            quoted = !quoted;
        else
            *write++ = *read;
    }
    *rest = *read == '\0' ? read : read + 1;
    *write = '\0';
    return word;
}

bool job_parse(char *line, struct job *job)
{
    char *rest = line;
    char *word = next_word(&rest);
    bool behind_dashes = false;

    memset(job, 0, sizeof(*job));
    if (!word || word[0] == '#')
        return false;
    job->verb = word;
    while ((word = next_word(&rest)) != NULL) {
        char *equals = strchr(word, '=');

        if (job->key_count == JOB_MAX_WORDS || job->argument_count == JOB_MAX_WORDS)
            job->verb = NULL;
        else if (behind_dashes)
            job->arguments[job->argument_count++] = word;
        else if (strcmp(word, "--") == 0)
            behind_dashes = true;
        else if (equals) {
            *equals = '\0';
            job->keys[job->key_count] = word;
            job->values[job->key_count++] = equals + 1;
        } else
            job->verb = NULL;
    }
    return true;
}

const char *job_text(const struct job *job, const char *key)
{
    for (unsigned i = 0; i < job->key_count; i++)
        if (strcmp(job->keys[i], key) == 0)
            return job->values[i];
    return NULL;
}

bool job_need(const struct job *job, const char *key, const char **value, struct job_result *result)
{
    *value = job_text(job, key);
    if (!*value)
        result_error(result, EINVAL, "%s needs %s=", job->verb, key);
    return *value != NULL;
}

bool job_number(const struct job *job, const char *key, uint64_t missing, uint64_t *number,
                struct job_result *result)
{
    const char *text = job_text(job, key);
    char *end = NULL;
    uint64_t unit = 1;

    *number = missing;
    if (!text)
        return true;
    errno = 0;
    *number = strtoull(text, &end, 10);
    if (*end == 'K')
        unit = 1024;
    else if (*end == 'M')
        unit = 1024 * 1024;
    else if (*end == 's')
        unit = 512;
    if (unit > 1)
        end++;
    if (errno != 0 || !isdigit((unsigned char)text[0]) || *end != '\0' ||
        __builtin_mul_overflow(*number, unit, number)) {
        result_error(result, EINVAL, "%s: %s=%s is no number", job->verb, key, text);
        return false;
    }
    return true;
}

uint64_t job_now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void one_line(char *text)
{
    for (; *text != '\0'; text++)
        if (*text == '\n')
            *text = ' ';
}

void result_ok(struct job_result *result, const char *format, ...)
{
    va_list arguments;
    int used = snprintf(result->text, sizeof(result->text), "ok ");

    va_start(arguments, format);
    (void)vsnprintf(result->text + used, sizeof(result->text) - (size_t)used, format, arguments);
    va_end(arguments);
    one_line(result->text);
    result->failed = false;
}

void result_error(struct job_result *result, int number, const char *format, ...)
{
    va_list arguments;
    int used = snprintf(result->text, sizeof(result->text), "error %d ", number);
    size_t length;

    va_start(arguments, format);
    (void)vsnprintf(result->text + used, sizeof(result->text) - (size_t)used, format, arguments);
    va_end(arguments);
    length = strlen(result->text);
    if (number != 0)
        (void)snprintf(result->text + length, sizeof(result->text) - length, ": %s", strerror(number));
    one_line(result->text);
    result->failed = true;
}
