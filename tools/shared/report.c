/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How findings, devices and probes look to people and to programs. */
#include "tools/shared/report.h"

#include "lib/base/text.h"
#include "lib/check/evidence.h"
#include "lib/check/identity.h"
#include "lib/store/fingerprint.h"
#include "tools/cli/size.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void report_print(FILE *out, const char *format, ...)
{
    char *line = NULL, *escaped = NULL;
    va_list args;

    va_start(args, format);
    if (vasprintf(&line, format, args) >= 0) {
        escaped = cli_escape(line, strlen(line), CLI_ESCAPE_TERMINAL);
        free(line);
    }
    va_end(args);
    (void)fprintf(out, "%s\n", escaped ? escaped : "(out of memory)");
    free(escaped);
}

void report_field(struct cli *cli, enum report_to to, const char *name, const char *format, ...)
{
    char *text = NULL;
    va_list args;

    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    if (to == REPORT_DATA)
        report_print(cli->out, "%-11s %s", name, text ? text : "(out of memory)");
    else
        cli_line(cli, "%-11s %s", name, text ? text : "(out of memory)");
    free(text);
}

bool report_is_sound(const struct snap_findings *findings)
{
    return findings->severity_counts[SNAP_CORRUPTING] == 0 && findings->severity_counts[SNAP_FATAL] == 0;
}

struct cli_json *report_json_begin(const struct cli *cli, const char *device, const char *origin)
{
    struct cli_json *document = cli_json_document(cli->program->name, cli_version());

    cli_json_set_string(document, "device", device);
    cli_json_set_string(document, "origin", origin);
    return document;
}

struct report_text report_finding_text(const struct snap_finding *finding)
{
    struct report_text result;

    if (finding->has_entry)
        (void)snprintf(result.text, sizeof result.text, "area %" PRIu64 " slot %" PRIu64 ": %s", finding->area,
                       finding->slot, finding->text);
    else if (finding->has_area)
        (void)snprintf(result.text, sizeof result.text, "area %" PRIu64 ": %s", finding->area, finding->text);
    else
        (void)snprintf(result.text, sizeof result.text, "%s", finding->text);
    return result;
}

struct cli_json *report_finding_json(const struct snap_finding *finding)
{
    const struct snap_rule_info *info = snap_rules_info(finding->rule);
    struct cli_json *json = cli_json_object();

    cli_json_set_string(json, "rule", info->id);
    cli_json_set_string(json, "severity", snap_rules_severity_name(finding->severity));
    if (finding->has_area)
        cli_json_set_uint(json, "area", finding->area);
    if (finding->has_entry) {
        cli_json_set_uint(json, "slot", finding->slot);
        cli_json_set_uint(json, "index", finding->index);
    }
    if (finding->has_offset)
        cli_json_set_uint(json, "offset_bytes", finding->offset_bytes);
    if (finding->has_entry) {
        cli_json_set_hex(json, "old", finding->old_chunk);
        cli_json_set_hex(json, "new", finding->new_chunk);
    }
    cli_json_set_string(json, "repair", info->repair);
    cli_json_set_string(json, "text", finding->text);
    return json;
}

struct report_text report_quoted(const char *before, const char *text)
{
    struct report_text result = {""};
    const size_t used = strlen(before);

    if (text[0] != '\0') {
        memcpy(result.text, before, used);
        (void)snap_text_quote(text, result.text + used, sizeof result.text - used);
    }
    return result;
}

struct report_text report_word(const char *before, const char *text)
{
    const size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
    struct report_text result = {""};

    if (text[length] != '\0')
        return report_quoted(before, text);
    if (length > 0)
        (void)snprintf(result.text, sizeof result.text, "%s%s", before, text);
    return result;
}

/* " (UUID 1, UUID_SUB 2)", with those that there are. */
static struct report_text uuids_text(const char *name, const char *uuid, const char *sub)
{
    struct report_text result = {""};

    if (uuid[0] != '\0' || sub[0] != '\0')
        (void)snprintf(result.text, sizeof result.text, " (%s%.200s%s%.200s)", uuid[0] != '\0' ? name : "",
                       report_word(" ", uuid).text, uuid[0] != '\0' && sub[0] != '\0' ? ", UUID_SUB"
                                                    : sub[0] != '\0'                  ? "UUID_SUB"
                                                                                      : "",
                       report_word(" ", sub).text);
    return result;
}

struct report_text report_probe_text(const struct snap_probe *probe)
{
    const bool typed = probe->type[0] != '\0', table = probe->pttype[0] != '\0' || probe->ptuuid[0] != '\0';
    struct report_text result = {""};
    int used = 0;

    if (typed)
        used = snprintf(result.text, sizeof result.text, "%.600s%.600s%.600s%s", report_word("", probe->type).text,
                        report_quoted(" ", probe->label).text, uuids_text("UUID", probe->uuid, probe->uuid_sub).text,
                        probe->ambivalent ? " and other signatures" : "");
    if (table)
        used += snprintf(result.text + used, sizeof result.text - (size_t)used, "%s%.600s%spartition table%.600s",
                         typed ? ", " : "", report_word("", probe->pttype).text, probe->pttype[0] != '\0' ? " " : "",
                         uuids_text("PTUUID", probe->ptuuid, "").text);
    if (used == 0)
        (void)snprintf(result.text, sizeof result.text, "%s",
                       probe->unknown ? "contents that libblkid failed on" : "nothing known");
    return result;
}

void report_set_probe(struct cli_json *object, const char *key, const struct snap_probe *probe)
{
    struct cli_json *json;

    if (probe->type[0] == '\0' && probe->pttype[0] == '\0') {
        cli_json_set_null(object, key);
        return;
    }
    json = cli_json_object();
    cli_json_set_string(json, "type", probe->type[0] != '\0' ? probe->type : NULL);
    cli_json_set_string(json, "label", probe->label[0] != '\0' ? probe->label : NULL);
    cli_json_set_string(json, "uuid", probe->uuid[0] != '\0' ? probe->uuid : NULL);
    cli_json_set_string(json, "uuid_sub", probe->uuid_sub[0] != '\0' ? probe->uuid_sub : NULL);
    cli_json_set_string(json, "partition_table", probe->pttype[0] != '\0' ? probe->pttype : NULL);
    cli_json_set_string(json, "partition_table_uuid", probe->ptuuid[0] != '\0' ? probe->ptuuid : NULL);
    cli_json_set_bool(json, "ambivalent", probe->ambivalent);
    cli_json_set(object, key, json);
}

struct report_text report_device_text(const struct device *device, const struct snap_probe *probe)
{
    struct report_text result;

    (void)snprintf(result.text, sizeof result.text, "%.4095s: %s%.300s, %.1000s", device->path,
                   cli_size_text(device->io->size_bytes).text, report_quoted(", ", device->facts.model).text,
                   report_probe_text(probe).text);
    return result;
}

struct report_text report_origin_option(const char *path)
{
    struct report_text result = {""};

    if (path)
        (void)snprintf(result.text, sizeof result.text, " --origin %.8000s", cli_quote(path).text);
    return result;
}

void report_note_cached(struct cli *cli, const struct device *device)
{
    struct snap_file_info info;

    devices_info(device, &info);
    if (!info.direct)
        cli_note(cli, "%s: its file system has no direct I/O; all data went through the page cache and were flushed",
                 device->path);
}

static void set_usage(struct cli_json *object, const struct snap_usage *figures)
{
    struct cli_json *usage = cli_json_object();

    cli_json_set_uint(usage, "allocated_sectors", figures->allocated_sectors);
    cli_json_set_uint(usage, "total_sectors", figures->total_sectors);
    cli_json_set_uint(usage, "metadata_sectors", figures->metadata_sectors);
    cli_json_set(object, "usage", usage);
}

void report_set_usage(struct cli_json *object, const struct snap_layout *layout, uint64_t entries,
                      uint64_t highest_new_chunk)
{
    struct snap_usage usage;

    snap_layout_usage(layout, entries, highest_new_chunk, &usage);
    set_usage(object, &usage);
}

void report_set_figures(struct cli_json *object, const struct snap_store *store, const struct snap_check_result *result)
{
    cli_json_set_uint(object, "chunk_sectors", store->layout.chunk_sectors);
    cli_json_set_uint(object, "entries", result->entries);
    cli_json_set_uint(object, "runs", result->runs);
    cli_json_set_uint(object, "areas", result->areas);
    cli_json_set_bool(object, "canonical", result->canonical);
    cli_json_set_uint(object, "capacity_entries", result->capacity_entries);
    cli_json_set_uint(object, "free_chunks", result->free_chunks);
    set_usage(object, &result->usage);
}

static void set_text(struct cli_json *object, const char *key, const char *text)
{
    cli_json_set_string(object, key, text[0] != '\0' ? text : NULL);
}

bool report_has_id(const uint8_t id[16])
{
    static const uint8_t none[16];

    return memcmp(id, none, sizeof none) != 0;
}

void report_set_identity(struct cli_json *object, const struct snap_store *store)
{
    const struct snap_identity *record = &store->identity;
    struct cli_json *json;
    char id[37];

    if (store->identity_state != SNAP_IDENTITY_OK) {
        cli_json_set_null(object, "identity");
        return;
    }
    json = cli_json_object();
    snap_identity_format_id(record->store_id, id);
    cli_json_set_string(json, "store_id", id);
    snap_identity_format_id(record->parent_id, id);
    cli_json_set_string(json, "parent_id", report_has_id(record->parent_id) ? id : NULL);
    snap_identity_format_id(record->undo_id, id);
    cli_json_set_string(json, "undo_id", report_has_id(record->undo_id) ? id : NULL);
    cli_json_set_bool(json, "is_undo_store", (record->flags & SNAP_IDENTITY_UNDO) != 0);
    cli_json_set_bool(json, "merge_under_way", (record->flags & SNAP_IDENTITY_MERGING) != 0);
    cli_json_set_bool(json, "undo_lacks_a_part", (record->flags & SNAP_IDENTITY_UNDO_LOST) != 0);
    cli_json_set_uint(json, "origin_sectors", record->origin_sectors);
    cli_json_set_uint(json, "created_seconds", record->created_seconds);
    cli_json_set_uint(json, "flags", record->flags);
    set_text(json, "label", record->label);
    set_text(json, "fs_type", record->fs_type);
    set_text(json, "fs_uuid", record->fs_uuid);
    set_text(json, "uuid_sub", record->uuid_sub);
    set_text(json, "ptuuid", record->ptuuid);
    set_text(json, "partuuid", record->partuuid);
    set_text(json, "serial", record->serial);
    cli_json_set(object, "identity", json);
}

void report_set_fingerprint(struct cli_json *object, const struct snap_fingerprint *fingerprint)
{
    struct cli_json *json;

    if (fingerprint->samples == 0) {
        cli_json_set_null(object, "fingerprint");
        return;
    }
    json = cli_json_object();
    cli_json_set_uint(json, "samples", fingerprint->samples);
    cli_json_set_uint(json, "masked", snap_fingerprint_masked(fingerprint));
    cli_json_set(object, "fingerprint", json);
}

enum snap_status report_finding_talk(void *context, const struct snap_finding *finding, struct snap_error *err)
{
    const struct report_talk *talk = context;
    const struct report_text text = report_finding_text(finding);

    (void)err;
    if (finding->severity >= SNAP_CORRUPTING)
        cli_error(talk->cli, "%s: %s", talk->device, text.text);
    else if (finding->severity == SNAP_WARNING)
        cli_warn(talk->cli, "%s: %s", talk->device, text.text);
    else
        cli_verbose(talk->cli, "%s: note: %s", talk->device, text.text);
    return SNAP_OK;
}

uint64_t report_left_out(const struct snap_findings *findings, enum snap_rule rule)
{
    const uint64_t count = findings->rule_counts[rule];

    return count > REPORT_PER_RULE_MAX ? count - REPORT_PER_RULE_MAX : 0;
}

const char *report_all_option(const struct snap_findings *findings)
{
    for (int rule = 0; rule < SNAP_RULES; rule++)
        if (snap_rules_info((enum snap_rule)rule)->severity > SNAP_NOTE &&
            report_left_out(findings, (enum snap_rule)rule) > 0)
            return " --all";
    return "";
}

void report_talk_rest(struct cli *cli, const char *device, const struct snap_findings *findings,
                      enum snap_severity least)
{
    for (int rule = 0; rule < SNAP_RULES; rule++) {
        const struct snap_rule_info *info = snap_rules_info((enum snap_rule)rule);

        const uint64_t left_out = report_left_out(findings, (enum snap_rule)rule);

        if (left_out > 0)
            (info->severity >= least ? cli_error : cli_verbose)(cli, "%s: and %" PRIu64 " more %s of %s", device,
                                                                left_out, left_out == 1 ? "finding" : "findings",
                                                                info->id);
    }
}
