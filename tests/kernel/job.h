/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One line of a job file as words, and one line of a result file. */
#ifndef KERNEL_JOB_H
#define KERNEL_JOB_H

#include <stdbool.h>
#include <stdint.h>

#define JOB_MAX_WORDS 64

/* verb key=value ... [-- argument ...]; all strings live in the line that job_parse cut up. */
struct job {
    const char *verb;
    char *keys[JOB_MAX_WORDS];
    char *values[JOB_MAX_WORDS];
    unsigned key_count;
    char *arguments[JOB_MAX_WORDS + 1]; /* what stands behind --, ended by NULL */
    unsigned argument_count;
};

/* "ok TEXT" or "error ERRNO TEXT"; 0 as errno: no system call failed, the answer is not the wanted one. */
struct job_result {
    char text[8192];
    bool failed;
    bool halt; /* this was the last job, and the machine shall stop with nothing written back */
};

/*
 * Words are separated by blanks; double quotes keep blanks inside a word and vanish. False if the line is empty or
 * a comment; a line that cannot be cut gives true and a NULL verb.
 */
bool job_parse(char *line, struct job *job);

/* The value of `key`, or NULL. */
const char *job_text(const struct job *job, const char *key);

/*
 * A number: decimal digits with K, M (1024-based) or s (sectors of 512 bytes) behind them. The default if the key
 * is missing; false, with an error in `result`, if it is there and no number.
 */
bool job_number(const struct job *job, const char *key, uint64_t missing, uint64_t *number,
                struct job_result *result);

/* False, with an error that names the key, if it is missing. */
bool job_need(const struct job *job, const char *key, const char **value, struct job_result *result);

void result_ok(struct job_result *result, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The description of `number` (an errno, unless 0) is added behind the text. */
void result_error(struct job_result *result, int number, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A clock that only ever goes forward. */
uint64_t job_now_ms(void);

typedef void job_function(const struct job *job, struct job_result *result);

/* job_dm.c: the device mapper */
job_function job_create, job_load, job_suspend, job_resume, job_remove, job_status, job_table, job_message,
    job_wait_merge;
/* job_block.c: content of devices and images */
job_function job_write, job_write_random, job_fill, job_copy, job_crc, job_cmp, job_size, job_flush;
/* job_system.c: file systems, loop devices, programs */
job_function job_mount, job_umount, job_make_files, job_check_files, job_loop, job_unloop, job_exec, job_sync,
    job_halt;

#endif
