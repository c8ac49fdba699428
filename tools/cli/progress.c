/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shows how far a long run is: a bar, plain lines, or JSON lines. */
#include "tools/cli/progress.h"

#include "lib/base/arith.h"
#include "tools/cli/escape.h"
#include "tools/cli/json.h"
#include "tools/cli/program.h"
#include "tools/cli/size.h"
#include "tools/cli/stop.h"
#include "tools/cli/streams.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define BAR_INTERVAL_MS 500
#define LINES_INTERVAL_MS 30000
#define TERMINAL_LINES_INTERVAL_MS 10000 /* somebody watches, though the terminal cannot show a bar */
#define JSON_INTERVAL_MS 1000
#define BAR_CELLS 20
#define BAR_CELLS_MIN 4 /* a shorter bar shows nothing */
#define LINE_BYTES 512
#define TERMINAL_COLUMNS 80 /* where the terminal does not tell */

/*
 * ---- the state -------------------------------------------------------------------------------------------------
 */

static uint64_t system_now_ms(void *context)
{
    struct timespec now = { 0, 0 };

    (void)context;
    /* Cannot fail on Linux; if it did, no time would pass. */
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

enum cli_progress_mode cli_progress_choose(FILE *out, bool json, bool quiet)
{
    const char *terminal = getenv("TERM");

    if (json)
        return CLI_PROGRESS_JSON;
    if (quiet)
        return CLI_PROGRESS_SILENT;
    if (isatty(cli_stream_fd(out)) && terminal && *terminal != '\0' && strcmp(terminal, "dumb") != 0)
        return CLI_PROGRESS_BAR;
    return CLI_PROGRESS_LINES;
}

static uint64_t now_ms(const struct cli_progress *progress)
{
    return progress->setup.now_ms(progress->setup.now_context);
}

void cli_progress_start(struct cli_progress *progress, const struct cli_progress_setup *setup)
{
    memset(progress, 0, sizeof *progress);
    progress->setup = *setup;
    if (!progress->setup.now_ms)
        progress->setup.now_ms = system_now_ms;
    progress->start_ms = now_ms(progress);
    progress->shown_ms = progress->start_ms;
}

static uint64_t interval_ms(const struct cli_progress *progress)
{
    if (progress->setup.frequency_seconds > 0)
        return progress->setup.frequency_seconds * 1000;
    switch (progress->setup.mode) {
    case CLI_PROGRESS_BAR:
        return BAR_INTERVAL_MS;
    case CLI_PROGRESS_JSON:
        return JSON_INTERVAL_MS;
    case CLI_PROGRESS_SILENT:
    case CLI_PROGRESS_LINES:
        break;
    }
    return isatty(fileno(progress->setup.out)) ? TERMINAL_LINES_INTERVAL_MS : LINES_INTERVAL_MS;
}

/*
 * ---- figures ---------------------------------------------------------------------------------------------------
 */

struct figures {
    uint64_t elapsed_ms, phase_ms;    /* since the start; since the phase began */
    uint64_t moved_bytes;             /* in this phase, by this run */
    uint64_t speed_bytes;             /* per second, the phase's mean */
    uint64_t left_ms;                 /* 0: nothing left, or not known */
    unsigned percent;
    bool left_known;
};

static struct figures figures_of(const struct cli_progress *progress, uint64_t now)
{
    const uint64_t done = progress->done_bytes, total = progress->total_bytes;
    const uint64_t left = total > done ? total - done : 0;
    struct figures figures = { .elapsed_ms = now - progress->start_ms,
                               .phase_ms = now - progress->phase_start_ms };

    if (done > progress->phase_first_bytes)
        figures.moved_bytes = done - progress->phase_first_bytes;
    figures.speed_bytes = cli_rate_bytes(figures.moved_bytes, figures.phase_ms);
    if (left == 0)
        figures.percent = 100;
    else if (total >= UINT64_MAX / 100)
        figures.percent = (unsigned)snap_min(done / (total / 100), 99);
    else
        figures.percent = (unsigned)(done * 100 / total);
    /* Seconds first: left * 1000 might not fit. Beyond some thousand years it is not known. */
    if (figures.speed_bytes > 0 && left / figures.speed_bytes < UINT32_MAX) {
        figures.left_known = true;
        figures.left_ms = left / figures.speed_bytes * 1000 +
                          (uint64_t)((double)(left % figures.speed_bytes) * 1000.0 / (double)figures.speed_bytes);
    }
    return figures;
}

/*
 * ---- showing ---------------------------------------------------------------------------------------------------
 */

/*
 * Progress is talk: a failure to show it is no reason to stop a merge, and there is nobody to tell. So no result
 * is checked below.
 */

/* "merge: 1.2 GiB of 3 GiB (40%), 120.4 MiB/s, 15 s left" */
static void show_line(const struct cli_progress *progress, uint64_t now)
{
    const struct figures figures = figures_of(progress, now);
    char *device = cli_escape(progress->setup.device, strlen(progress->setup.device), CLI_ESCAPE_TERMINAL);

    fprintf(progress->setup.out, "%s: %s: %s of %s (%u%%), %s, ", device ? device : "?", progress->phase,
            cli_size_text(progress->done_bytes).text, cli_size_text(progress->total_bytes).text, figures.percent,
            cli_rate_text(figures.moved_bytes, figures.phase_ms).text);
    if (figures.left_known)
        fprintf(progress->setup.out, "%s left\n", cli_duration_text(figures.left_ms).text);
    else
        fprintf(progress->setup.out, "time left unknown\n");
    free(device);
}

static int terminal_columns(FILE *out)
{
    struct winsize size;

    if (ioctl(cli_stream_fd(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return TERMINAL_COLUMNS;
}

/* " [====>   ]" in what is left of the line: where there is little room, the bar gives way to the figures. */
static void draw_bar(char bar[BAR_CELLS + 4], unsigned percent, int room)
{
    const int cells = room - 3 < BAR_CELLS ? room - 3 : BAR_CELLS;
    const int full = (int)percent * cells / 100;

    if (cells < BAR_CELLS_MIN)
        return;
    memcpy(bar, " [", 2);
    for (int i = 0; i < cells; i++)
        bar[2 + i] = i < full ? '=' : i == full ? '>' : ' ';
    memcpy(bar + 2 + cells, "]", 2);
}

/* Redraws in place: back to the first column, the new line, then whatever the old one left behind is wiped. */
static void show_bar(struct cli_progress *progress, uint64_t now)
{
    const struct figures figures = figures_of(progress, now);
    /* One column less than there are: a full line would wrap, and the next one would stand below it. */
    const int columns = terminal_columns(progress->setup.out) - 1;
    const int phase = (int)strlen(progress->phase);
    char text[LINE_BYTES], bar[BAR_CELLS + 4] = "";
    int left;
    const int used = snprintf(text, sizeof text, " %3u%%  %s of %s  %s  %s left", figures.percent,
                              cli_size_text(progress->done_bytes).text, cli_size_text(progress->total_bytes).text,
                              cli_rate_text(figures.moved_bytes, figures.phase_ms).text,
                              figures.left_known ? cli_duration_text(figures.left_ms).text : "?");

    draw_bar(bar, figures.percent, columns - phase - used);
    left = columns - phase - (int)strlen(bar);
    fprintf(progress->setup.out, "\r%.*s%s%.*s\033[K", columns, progress->phase, bar, left > 0 ? left : 0, text);
    progress->bar_visible = true;
}

/* The keys that cryptsetup's progress has, and the phase. */
static struct cli_json *json_of(const struct cli_progress *progress, uint64_t now)
{
    const struct figures figures = figures_of(progress, now);
    struct cli_json *json = cli_json_object();

    cli_json_set_string(json, "device", progress->setup.device);
    cli_json_set_string(json, "phase", progress->phase);
    cli_json_set_uint(json, "device_bytes", progress->done_bytes);
    cli_json_set_uint(json, "device_size", progress->total_bytes);
    cli_json_set_uint(json, "speed", figures.speed_bytes);
    cli_json_set_uint(json, "eta_ms", figures.left_ms);
    cli_json_set_uint(json, "time_ms", figures.elapsed_ms);
    return json;
}

/* `asked`: the user wants a line now, whatever the mode. */
static void show(struct cli_progress *progress, uint64_t now, bool asked)
{
    switch (progress->setup.mode) {
    case CLI_PROGRESS_JSON:
        (void)cli_json_line(json_of(progress, now), progress->setup.out, NULL);
        break;
    case CLI_PROGRESS_BAR:
        if (asked) {
            cli_progress_clear(progress);
            show_line(progress, now);
        }
        show_bar(progress, now);
        break;
    case CLI_PROGRESS_LINES:
        show_line(progress, now);
        break;
    case CLI_PROGRESS_SILENT:
        if (asked)
            show_line(progress, now);
        break;
    }
    fflush(progress->setup.out);
    progress->shown_ms = now;
}

/*
 * ---- the interface ---------------------------------------------------------------------------------------------
 */

/* Lines are not overwritten, so a new phase alone prints none. */
static bool shows_new_phase(const struct cli_progress *progress)
{
    return progress->setup.mode != CLI_PROGRESS_LINES;
}

void cli_progress_update(struct cli_progress *progress, const char *phase, uint64_t done_bytes,
                         uint64_t total_bytes)
{
    const uint64_t now = now_ms(progress);
    const bool new_phase = !progress->phase || strcmp(progress->phase, phase) != 0;
    const bool asked = progress->setup.report && *progress->setup.report != 0;

    progress->phase = phase;
    progress->done_bytes = done_bytes;
    progress->total_bytes = total_bytes;
    if (new_phase) {
        progress->phase_start_ms = now;
        progress->phase_first_bytes = done_bytes;
    }
    if (asked)
        *progress->setup.report = 0;
    if ((new_phase && shows_new_phase(progress)) || asked || now - progress->shown_ms >= interval_ms(progress))
        show(progress, now, asked);
}

void cli_progress_clear(struct cli_progress *progress)
{
    if (!progress->bar_visible)
        return;
    fprintf(progress->setup.out, "\r\033[K");
    fflush(progress->setup.out);
    progress->bar_visible = false;
}

static void clear_before_message(void *context)
{
    cli_progress_clear(context);
}

void cli_progress_attach(struct cli_progress *progress, struct cli *cli)
{
    progress->cli = cli;
    cli->before_message = clear_before_message;
    cli->before_message_context = progress;
}

void cli_progress_begin(struct cli_progress *progress, struct cli *cli, const char *device, bool json,
                        uint64_t frequency_seconds)
{
    const struct cli_progress_setup setup = {
        .mode = cli_progress_choose(cli->err, json, cli->quiet),
        .device = device,
        .out = cli->err,
        .frequency_seconds = frequency_seconds,
        .report = cli_report_flag(),
    };

    cli_progress_start(progress, &setup);
    cli_progress_attach(progress, cli);
}

void cli_progress_end(struct cli_progress *progress, const char *result, int exit_status)
{
    cli_progress_clear(progress);
    if (progress->setup.mode == CLI_PROGRESS_JSON) {
        struct cli_json *json = json_of(progress, now_ms(progress));

        cli_json_set_string(json, "result", result);
        cli_json_set_int(json, "exit_status", exit_status);
        (void)cli_json_line(json, progress->setup.out, NULL);
        fflush(progress->setup.out);
    }
    if (progress->cli) {
        progress->cli->before_message = NULL;
        progress->cli = NULL;
    }
}
