/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shows how far a long run is: a bar, plain lines, or JSON lines. */
#ifndef DMSNAP_TOOLS_CLI_PROGRESS
#define DMSNAP_TOOLS_CLI_PROGRESS

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct cli;

enum cli_progress_mode {
    CLI_PROGRESS_SILENT, /* only lines asked for by SIGUSR1 */
    CLI_PROGRESS_BAR,    /* one line, redrawn in place */
    CLI_PROGRESS_LINES,
    CLI_PROGRESS_JSON
};

/*
 * JSON if asked for, else silent if quiet, else a bar where `out` is a terminal that can redraw a line, else
 * lines.
 */
enum cli_progress_mode cli_progress_choose(FILE *out, bool json, bool quiet);

struct cli_progress_setup {
    enum cli_progress_mode mode;
    const char *device;            /* named in every line; borrowed */
    FILE *out;                     /* standard error, as a rule */
    uint64_t frequency_seconds;    /* --progress-frequency; 0: 30 s (lines), 1 s (JSON), twice a second (bar) */
    volatile sig_atomic_t *report; /* cli_report_flag(), or NULL */
    uint64_t (*now_ms)(void *context); /* a clock that never goes back; NULL: the system's */
    void *now_context;
};

/* Open to be put on the stack; all fields are private. */
struct cli_progress {
    struct cli_progress_setup setup;
    const char *phase;
    uint64_t start_ms, phase_start_ms, shown_ms;
    uint64_t done_bytes, total_bytes, phase_first_bytes;
    bool bar_visible;
    struct cli *cli; /* whose talk is to wipe the bar; or NULL */
};

/*
 * What every program does before a long piece of work: shows its progress on standard error, as the options ask for
 * (`json`: --progress-json; `frequency_seconds`: --progress-frequency, 0 where it is not given), and makes talk go with
 * it. cli_progress_end follows.
 */
void cli_progress_begin(struct cli_progress *progress, struct cli *cli, const char *device, bool json,
                        uint64_t frequency_seconds);

/* The parts of it. */
void cli_progress_start(struct cli_progress *progress, const struct cli_progress_setup *setup);

/*
 * Makes every line of talk (talk.h) wipe the bar first, so that the two do not run into each other. Undone by
 * cli_progress_end.
 */
void cli_progress_attach(struct cli_progress *progress, struct cli *cli);

/*
 * Says where the run is; prints only when it is time to, when the phase changes (but for lines: a run shorter than
 * their frequency prints none), or when the report flag is set (which it then clears). `phase` is a word such as
 * "check" or "merge", borrowed until the next call; rate and time left are measured within a phase, from its first call
 * on (so what an earlier run did does not count). Cheap: call it often.
 */
void cli_progress_update(struct cli_progress *progress, const char *phase, uint64_t done_bytes,
                         uint64_t total_bytes);

/* Wipes the bar, if there is one. */
void cli_progress_clear(struct cli_progress *progress);

/*
 * Wipes the bar; in JSON mode prints the last object, with "result" (a word: "done", "stopped", "failed") and
 * "exit_status".
 */
void cli_progress_end(struct cli_progress *progress, const char *result, int exit_status);

#endif
