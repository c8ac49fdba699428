/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes tables for a pair, and the command that gives them to the kernel, with loop devices where images need them. */
#include "tools/create/table.h"

#include "lib/base/bytes.h"
#include "lib/store/table_line.h"
#include "tools/cli/json.h"
#include "tools/create/plan.h"
#include "tools/shared/holds.h"
#include "tools/shared/kernel.h"
#include "tools/shared/memory.h"
#include "tools/shared/moved.h"
#include "tools/shared/pair.h"

#include <stdio.h>

/* A script: loop devices, then dmsetup. */
#define COMMANDS 6u
struct commands {
    size_t count;
    char lines[COMMANDS][sizeof(struct cli_quoted) + 64];
};

static bool asked(const struct create_session *session, enum create_table word)
{
    return create_options_print(&session->arguments, word);
}

/* Without one the bare tables are shown. */
static bool target_asked(const struct create_session *session)
{
    return asked(session, CREATE_TABLE_SNAPSHOT) || asked(session, CREATE_TABLE_ORIGIN) ||
           asked(session, CREATE_TABLE_MERGE);
}

/* Nothing on the command line is about making a store. */
static bool only_shows(const struct create_arguments *arguments)
{
    return !arguments->force && !arguments->size_given && !arguments->chunk_given && !arguments->from_diff &&
           !arguments->label && !arguments->no_identity;
}

static enum snap_status open_one(const struct create_session *session, struct device *device, const char *argument,
                                 bool shared, struct snap_error *err)
{
    const struct snap_file_options reading = {.write = false};
    enum snap_status status;

    if (session->arguments.activate)
        return activate_open(device, argument, shared, err);
    status = devices_find(device, argument, err);
    return status == SNAP_OK ? devices_open(device, &reading, err) : status;
}

static enum snap_status open_origin(struct create_session *session, struct snap_error *err)
{
    enum snap_status status = open_one(session, &session->origin, session->arguments.origin, true, err);

    if (status == SNAP_OK)
        status = devices_distinct(&session->origin, &session->cow, err);
    if (status == SNAP_OK)
        status = devices_origin_large_enough(&session->origin, session->cow.path, session->layout.chunk_bytes, err);
    return status;
}

/* What is asked before a merge; a list that the kernel cannot merge gets no table for that. */
static enum snap_status check_store(struct create_session *session, const struct snap_store *store,
                                    struct snap_error *err)
{
    const struct pair pair = {
        .cli = session->cli,
        .origin = &session->origin,
        .cow = &session->cow,
        .store = store,
        .accept = session->arguments.accept, /* the same words begin both lists */
        .memory_bytes = memory_to_use_bytes(0),
    };
    struct snap_check_result *check = &session->identify.check;
    enum snap_status status;

    if (session->arguments.activate)
        status = activate_check(&pair, true, check, &session->identify.evidence, err);
    else
        status = pair_check_list(&pair, NULL, check, err);
    if (status == SNAP_OK && !session->arguments.activate)
        status = pair_check_identity(&pair, check, &session->identify.evidence, err);
    if (status == SNAP_OK && asked(session, CREATE_TABLE_MERGE))
        status = kernel_merge_check(&session->origin, &session->cow, check, err);
    session->entries = check->entries;
    session->identity = store->identity;
    session->fingerprint = store->fingerprint;
    return status;
}

static enum snap_status plan_existing(struct create_session *session, const struct snap_store *store,
                                      struct snap_error *err)
{
    enum snap_status status = snap_header_fail_defect(store, err);

    session->layout = store->layout;
    if (status == SNAP_OK)
        status = open_origin(session, err);
    if (status == SNAP_OK)
        status = check_store(session, store, err);
    if (status == SNAP_OK)
        cli_note(session->cli, "%s: it holds a store, which is used as it is; nothing was written (-f makes it anew)",
                 session->cow.path);
    return status;
}

/* The kernel overwrites the COW device as it likes: that takes the same word as making a store there. */
static enum snap_status plan_transient(struct create_session *session, struct snap_error *err)
{
    enum snap_status status = open_origin(session, err);

    if (status == SNAP_OK)
        status = create_plan_check_chunk(session, err);
    if (status != SNAP_OK || !session->arguments.force)
        return status == SNAP_OK ? holds_refuse(&session->cow, "with N the kernel overwrites it, which needs -f", err)
                                 : status;
    if (!session->arguments.activate)
        return SNAP_OK; /* a line alone overwrites nothing */
    status = holds_find(&session->cow, &session->content, err);
    return status == SNAP_OK ? create_plan_ask(session, err) : status;
}

enum snap_status create_table_plan(struct create_session *session, struct snap_error *err)
{
    const bool transient = asked(session, CREATE_TABLE_N);
    struct snap_store *store = &session->identify.store;
    enum snap_status status;

    if ((!session->arguments.table_given && !session->arguments.activate) ||
        (!transient && !only_shows(&session->arguments)))
        return SNAP_OK;
    status = open_one(session, &session->cow, session->arguments.cow, false, err);
    if (status == SNAP_OK)
        status = snap_header_read(store, session->cow.io, err);
    if (status != SNAP_OK)
        return status;
    session->tables_only = transient || snap_header_is_store(store);
    if (!session->tables_only)
        return devices_close(&session->cow, err); /* a store is made there */
    return transient ? plan_transient(session, err) : plan_existing(session, store, err);
}

static void warn_of_images(struct create_session *session)
{
    const struct device *devices[] = {&session->origin, &session->cow};

    for (size_t i = 0; i < 2; i++)
        if (!devices[i]->facts.block_device)
            cli_warn(session->cli, "%s: dmsetup does not take files; this gives a device to put there: losetup --find "
                     "--show %s",
                     devices[i]->path, cli_quote(devices[i]->path).text);
}

enum snap_table_mode create_table_mode(const struct create_session *session)
{
    return asked(session, CREATE_TABLE_N)    ? SNAP_TABLE_TRANSIENT
           : asked(session, CREATE_TABLE_PO) ? SNAP_TABLE_FAILS_WRITES
                                             : SNAP_TABLE_INVALIDATES;
}

static enum snap_status make_line(const struct create_session *session, enum create_table word, const char *origin,
                                  const char *cow, char *text, size_t text_bytes, struct snap_error *err)
{
    static const enum snap_table_target targets[CREATE_TABLES] = {SNAP_TABLE_SNAPSHOT, SNAP_TABLE_SNAPSHOT_ORIGIN,
                                                                  SNAP_TABLE_SNAPSHOT_MERGE};

    return snap_table_line(targets[word], session->origin.io->size_bytes / SNAP_SECTOR_BYTES, origin, cow,
                           create_table_mode(session), session->layout.chunk_sectors, text, text_bytes, err);
}

static bool shown(const struct create_session *session, enum create_table word)
{
    if (target_asked(session))
        return asked(session, word);
    return word != CREATE_TABLE_MERGE || !asked(session, CREATE_TABLE_N);
}

static bool needs_cow(const struct create_session *session)
{
    return asked(session, CREATE_TABLE_SNAPSHOT) || asked(session, CREATE_TABLE_MERGE);
}

/* Images get loop devices, whose names are in variables until the lines are run. */
static bool needs_loops(const struct create_session *session)
{
    return target_asked(session) && (!session->origin.facts.block_device ||
                                     (needs_cow(session) && !session->cow.facts.block_device));
}

enum snap_status create_table_make(struct create_session *session, struct snap_error *err)
{
    const bool loops = needs_loops(session);
    const char *origin = session->origin.path, *cow = session->cow.path;
    enum snap_status status = SNAP_OK;

    if (!target_asked(session))
        warn_of_images(session);
    for (size_t i = 0; i < CREATE_TABLES && status == SNAP_OK; i++) {
        char *text = session->tables[i];

        if (!shown(session, (enum create_table)i))
            continue;
        /* A device whose path no table takes is refused, also where a variable stands for it. */
        status = make_line(session, (enum create_table)i, session->origin.facts.block_device || !loops ? origin : "-",
                           session->cow.facts.block_device || !loops ? cow : "-", text, sizeof session->tables[i], err);
        if (status == SNAP_OK && loops)
            status = make_line(session, (enum create_table)i, "$origin", "$cow", text, sizeof session->tables[i], err);
    }
    return status;
}

void create_table_renew(struct create_session *session)
{
    struct snap_error err = {0};
    const struct device *nameless = session->cow.nameless ? &session->cow : session->origin.nameless ? &session->origin
                                                                                                  : NULL;

    if (!session->arguments.table_given || (!nameless && !session->cow.moved && !session->origin.moved))
        return;
    if (nameless)
        moved_no_line(session->cli, "Tables for dmsetup", nameless->path);
    else if (create_table_make(session, &err) != SNAP_OK)
        cli_warn(session->cli, "%s", err.text);
    else
        return;
    for (size_t i = 0; i < CREATE_TABLES; i++)
        session->tables[i][0] = '\0';
}

/* The kernel opens the origin of a plain snapshot for reading only. */
static void add_device(const struct device *device, const char *variable, const char *clear, bool writes,
                       struct commands *commands)
{
    const struct cli_quoted path = cli_quote(device->path);
    char *line = commands->lines[commands->count++];
    const size_t room = sizeof commands->lines[0];

    if (device->facts.block_device)
        (void)snprintf(line, room, "%s=%s &&", variable, path.text);
    else if (clear) /* an older value must not be detached if this line fails */
        (void)snprintf(line, room, "%s=; %s=$(losetup --find --show %s%s) &&", clear, variable,
                       writes ? "" : "--read-only ", path.text);
    else
        (void)snprintf(line, room, "%s=$(losetup --find --show %s%s) &&", variable, writes ? "" : "--read-only ",
                       path.text);
}

/*
 * Behind the others: whatever failed, no loop device is left behind. A loop device that a snapshot uses already goes
 * with the snapshot.
 */
static void add_detach(const struct create_session *session, struct commands *commands)
{
    const bool origin = !session->origin.facts.block_device;
    const bool cow = needs_cow(session) && !session->cow.facts.block_device;

    /* The first one that was to be made: if that failed, there is none. */
    (void)snprintf(commands->lines[commands->count++], sizeof commands->lines[0],
                   "{ [ -z \"$%s\" ] || losetup --detach %s%s%s; false; }", origin ? "origin" : "cow",
                   origin ? "$origin" : "", origin && cow ? " " : "", cow ? "$cow" : "");
}

/*
 * The script of what was asked for. Where images need loop devices, both stand in variables, so that the path of the
 * other one is quoted once. The snapshot comes before snapshot-origin: nothing is written to the origin before the
 * snapshot keeps what it was.
 */
static void make_commands(const struct create_session *session, struct commands *commands)
{
    static const char *const suffixes[CREATE_TABLES] = {"snapshot", "origin", "merge"};
    const bool loops = needs_loops(session);
    const bool origin_written = asked(session, CREATE_TABLE_ORIGIN) || asked(session, CREATE_TABLE_MERGE);
    size_t last = 0;

    commands->count = 0;
    if (loops)
        add_device(&session->origin, "origin",
                   needs_cow(session) && !session->cow.facts.block_device ? "cow" : NULL, origin_written, commands);
    if (loops && needs_cow(session))
        add_device(&session->cow, "cow", NULL, true, commands);
    for (size_t i = 0; i < CREATE_TABLES; i++)
        last = asked(session, (enum create_table)i) ? i : last;
    for (size_t i = 0; i < CREATE_TABLES; i++) {
        const struct device *named = i == CREATE_TABLE_SNAPSHOT ? &session->cow : &session->origin;
        char *line = commands->lines[commands->count];

        if (!asked(session, (enum create_table)i))
            continue;
        commands->count++;
        (void)snprintf(line, sizeof commands->lines[0],
                       loops ? "dmsetup create %s-%s --table \"%s\"%s" : "dmsetup create %s-%s --table %s%s",
                       kernel_name_of(named->path).text, suffixes[i],
                       loops ? session->tables[i] : cli_quote(session->tables[i]).text,
                       i < last ? " &&" : loops ? " ||" : "");
    }
    if (loops)
        add_detach(session, commands);
}

/* Nothing where a name is not known any more: that has been said. */
static bool has_tables(const struct create_session *session)
{
    for (size_t i = 0; i < CREATE_TABLES; i++)
        if (session->tables[i][0] != '\0')
            return true;
    return false;
}

void create_table_print(const struct create_session *session)
{
    struct commands commands;

    if (!has_tables(session))
        return;
    if (!target_asked(session)) {
        for (size_t i = 0; i < CREATE_TABLES; i++)
            if (session->tables[i][0] != '\0')
                report_print(session->cli->out, "%s", session->tables[i]);
        return;
    }
    make_commands(session, &commands);
    for (size_t i = 0; i < commands.count; i++)
        report_print(session->cli->out, "%s", commands.lines[i]);
}

void create_table_set_json(const struct create_session *session, struct cli_json *result)
{
    struct cli_json *tables, *lines;
    struct commands commands = {.count = 0};

    if (!has_tables(session))
        return;
    tables = cli_json_array();
    for (size_t i = 0; i < CREATE_TABLES; i++)
        if (session->tables[i][0] != '\0')
            cli_json_add_string(tables, session->tables[i]);
    cli_json_set(result, "tables", tables);
    if (!target_asked(session))
        return;
    lines = cli_json_array();
    make_commands(session, &commands);
    for (size_t i = 0; i < commands.count; i++)
        cli_json_add_string(lines, commands.lines[i]);
    cli_json_set(result, "commands", lines);
}
