/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How findings, devices and probes look to people and to programs. */
#ifndef DMSNAP_TOOLS_SHARED_REPORT
#define DMSNAP_TOOLS_SHARED_REPORT

#include "lib/check/check.h"
#include "lib/device/probe.h"
#include "tools/cli/json.h"
#include "tools/shared/devices.h"

/* One line of data on `out`, escaped; whether it could be written is seen when the program ends. */
void report_print(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Where a report goes: standard output has data; what is read before a question stands where that is asked. */
enum report_to { REPORT_DATA, REPORT_TALK };

/* One line that begins with the name of its field, in a column of its own. */
void report_field(struct cli *cli, enum report_to to, const char *name, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* No finding is corrupting or fatal: the list is what it should be. */
bool report_is_sound(const struct snap_findings *findings);

/* A program's JSON document with the devices that it is about (NULL: none); cli_result_keep takes it at the end. */
struct cli_json *report_json_begin(const struct cli *cli, const char *device, const char *origin);

/* Findings of one rule beyond this number are counted, not shown. */
#define REPORT_PER_RULE_MAX 100u

/* Room for two paths, and for what is on a device. */
struct report_text {
    char text[2 * 4096 + 4096];
};

/* "area 3 slot 17: data chunk 9 is metadata area 0"; without a place only the text. Not yet escaped. */
struct report_text report_finding_text(const struct snap_finding *finding);

/* As in the manual: rule, severity, area, slot, index, offset_bytes, old, new, repair, text. */
struct cli_json *report_finding_json(const struct snap_finding *finding);

/* Before a text that somebody else wrote, such as ", label ": the text in quotes; nothing where there is none. */
struct report_text report_quoted(const char *before, const char *text);

/*
 * The same for a text that as a rule is one word, such as a type or a UUID: a word of letters, digits, dashes, dots and
 * underscores stands as it is, all else in quotes.
 */
struct report_text report_word(const char *before, const char *text);

/* "ext4 \"root\" (UUID 0e5c...)"; "nothing known" where nothing was found. */
struct report_text report_probe_text(const struct snap_probe *probe);

/* null where nothing was found. */
void report_set_probe(struct cli_json *object, const char *key, const struct snap_probe *probe);

/* "/dev/sdb1: 20 GiB, \"Samsung SSD 870\", ext4 ..." */
struct report_text report_device_text(const struct device *device, const struct snap_probe *probe);

/* For a summary: that an open image was read and written through the page cache, where that is so. */
void report_note_cached(struct cli *cli, const struct device *device);

/* For a command line that is printed: " --origin PATH", or nothing where the path is NULL. */
struct report_text report_origin_option(const char *path);

/* Figures of a checked store, into `object`. */
void report_set_figures(struct cli_json *object, const struct snap_store *store,
                        const struct snap_check_result *result);

/* The three figures of the kernel's status line for a list of `entries` entries (snap_layout_usage), into `object`. */
void report_set_usage(struct cli_json *object, const struct snap_layout *layout, uint64_t entries,
                      uint64_t highest_new_chunk);

/* Whether a field of a record names another store. */
bool report_has_id(const uint8_t id[16]);

/* The identity record, or null. */
void report_set_identity(struct cli_json *object, const struct snap_store *store);

/* "fingerprint": its samples, and how many of them are masked; null where there is none. */
void report_set_fingerprint(struct cli_json *object, const struct snap_fingerprint *fingerprint);

/* For the library: prints each finding above a note as an error or warning of the program, on standard error. */
struct report_talk {
    struct cli *cli;
    const char *device;
};
enum snap_status report_finding_talk(void *context, const struct snap_finding *finding, struct snap_error *err);

/* How many findings of the rule were only counted, where `findings` has the limit REPORT_PER_RULE_MAX. */
uint64_t report_left_out(const struct snap_findings *findings, enum snap_rule rule);

/* For a line with snapcheck: " --all" where it would leave out some of what is wrong without it, or nothing. */
const char *report_all_option(const struct snap_findings *findings);

/* "and 17 more of this kind" for each rule that was cut off; rules below `least` only with --verbose. */
void report_talk_rest(struct cli *cli, const char *device, const struct snap_findings *findings,
                      enum snap_severity least);

#endif
