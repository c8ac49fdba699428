/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the file system as the snapshot shows it, or else as the origin has it, and puts what is found into words. */
#include "tools/shared/files.h"

#include "lib/view/view.h"
#include "tools/cli/quote.h"
#include "tools/cli/size.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define ENTRY_BYTES 24u /* of memory that a view takes for each entry */

/*
 * ---- places ----------------------------------------------------------------------------------------------------
 */

void files_places_add(struct files_places *places, uint64_t offset_bytes, uint64_t length_bytes, uint32_t number)
{
    struct snap_owners_place *last = places->count > 0 ? &places->at[places->count - 1] : NULL;

    if (last && last->number == number && last->offset_bytes + last->length_bytes == offset_bytes) {
        last->length_bytes += length_bytes;
        return;
    }
    if (places->count >= SNAP_OWNERS_PLACES_MAX && last && last->number == number)
        return; /* that something is left out is known by the one before */
    if (places->count == places->room) {
        const size_t room = places->room ? 2 * places->room : 64;
        struct snap_owners_place *at = realloc(places->at, room * sizeof *at);

        if (!at)
            return;
        places->at = at;
        places->room = room;
    }
    places->at[places->count++] = (struct snap_owners_place){
        .offset_bytes = offset_bytes, .length_bytes = length_bytes, .number = number};
}

void files_places_free(struct files_places *places)
{
    free(places->at);
    *places = (struct files_places){.count = 0};
}

/*
 * ---- where the file system is read -----------------------------------------------------------------------------
 */

bool files_possible(const struct device *origin)
{
    return origin->io && snap_owners_available();
}

/* The reader of a snapshot. */
struct reader {
    struct snap_view *view;
    bool met;                /* a damaged chunk, in this read */
    bool replaced;           /* one that was needed was read as the origin has it */
};

static enum snap_status note_damaged(void *context, uint64_t old_chunk, enum snap_view_damage damage,
                                     struct snap_error *err)
{
    struct reader *reader = context;

    (void)old_chunk;
    (void)damage;
    (void)err;
    reader->met = true;
    return SNAP_OK;
}

static enum snap_status read_view(void *context, uint64_t offset_bytes, uint64_t length_bytes, bool needed,
                                  void *buffer, struct snap_error *err)
{
    struct reader *reader = context;
    enum snap_status status;

    reader->met = false;
    status = snap_view_read(reader->view, offset_bytes, length_bytes, buffer, err);
    if (status == SNAP_E_IO && needed)
        status = snap_view_read_chunks(reader->view, offset_bytes, length_bytes, buffer, err);
    if (status == SNAP_OK && reader->met && !needed)
        return snap_fail(err, SNAP_E_IO, "a damaged chunk lies in it");
    reader->replaced |= needed && reader->met;
    return status;
}

static enum snap_status read_origin(void *context, uint64_t offset_bytes, uint64_t length_bytes, bool needed,
                                    void *buffer, struct snap_error *err)
{
    (void)needed;
    return snap_io_read(context, offset_bytes, length_bytes, buffer, err);
}

static enum snap_status say_origin(struct files *files, const struct files_look *look, const char *reason)
{
    files->source = FILES_OF_ORIGIN;
    cli_note(look->cli, "%s: files are named as the origin has them, not as the snapshot shows them: %s",
             look->origin->path, reason);
    return SNAP_OK;
}

/* A wrong origin names wrong files. */
static enum snap_status judge_pair(struct files *files, const struct files_look *look, struct snap_error *err)
{
    const struct snap_evidence_look evidence_look = {
        .store = look->store,
        .figures = look->result,
        .origin = look->origin->io,
        .device = &look->origin->facts,
        .lvm_group = look->cow->lvm_group,
        .stop = cli_stop_asked,
    };
    struct snap_evidence gathered;
    const struct snap_evidence *evidence = look->evidence;
    enum snap_status status = SNAP_OK;

    if (!evidence) {
        status = snap_evidence_gather(&evidence_look, &gathered, err);
        evidence = &gathered;
    }
    if (status != SNAP_OK || evidence->pair.outcome != SNAP_PAIR_CONTRADICTED)
        return status;
    files->source = FILES_NONE;
    cli_note(look->cli, "%s: no files are named by it: %s", look->origin->path, evidence->pair.text);
    return SNAP_OK;
}

static enum snap_status decide(struct files *files, const struct files_look *look, struct snap_error *err)
{
    enum snap_status status;

    if (!look->result->list_complete)
        return say_origin(files, look, "the list cannot be followed to its end");
    status = judge_pair(files, look, err);
    if (status != SNAP_OK || files->source != FILES_UNDECIDED)
        return status;
    if (look->result->entries > look->memory_bytes / ENTRY_BYTES)
        return say_origin(files, look, "its list is longer than --memory allows for");
    files->source = FILES_OF_SNAPSHOT;
    return SNAP_OK;
}

/* Once for each run. */
static void say_special(struct files *files, const struct files_look *look)
{
    if (files->said || !files->known)
        return;
    if (files->owners.needs_recovery)
        cli_note(look->cli, "%s: the journal of the file system was not replayed: what was changed last may be in "
                 "other files", look->origin->path);
    if (files->incomplete)
        cli_note(look->cli, "%s: a part of the file system cannot be read: some files may not be named",
                 look->origin->path);
    if (files->replaced)
        cli_note(look->cli, "%s: damaged chunks have a part of the file system; what the origin has there was used to "
                 "name files", look->origin->path);
    files->said = files->owners.needs_recovery || files->incomplete || files->replaced;
}

static enum snap_status ask(struct files *files, const struct files_look *look, const struct files_places *places,
                            uint32_t count, struct snap_error *err)
{
    struct reader reader = {.view = NULL};
    const struct snap_view_skip skip = {.as_origin = true, .skipped = note_damaged, .context = &reader};
    struct snap_owners_question question = {
        .places = places->at,
        .place_count = places->count,
        .count = count,
        .read = read_origin,
        .context = look->origin->io,
        .size_bytes = look->origin->io->size_bytes,
    };
    enum snap_status status = SNAP_OK;

    if (files->source == FILES_OF_SNAPSHOT) {
        status = snap_view_open(&reader.view, look->store, look->origin->io, look->memory_bytes, err);
        if (status != SNAP_OK)
            return status;
        snap_view_skip_damaged(reader.view, &skip);
        question.read = read_view;
        question.context = &reader;
        question.size_bytes = snap_view_size_bytes(reader.view);
    }
    status = snap_owners_find(&files->owners, &question, err);
    snap_view_close(reader.view);
    files->known = status == SNAP_OK;
    files->incomplete |= files->known && files->owners.incomplete;
    files->replaced |= reader.replaced;
    return status;
}

enum snap_status files_find(struct files *files, const struct files_look *look, const struct files_places *places,
                            uint32_t count, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;
    struct snap_error reason;

    snap_owners_free(&files->owners);
    files->known = false;
    if (files->source == FILES_UNDECIDED)
        status = decide(files, look, &reason);
    if (status == SNAP_OK && files->source != FILES_NONE)
        status = ask(files, look, places, count, &reason);
    say_special(files, look);
    if (status == SNAP_OK)
        return status;
    files->source = FILES_NONE; /* what did not work once is not tried again */
    if (status == SNAP_E_STOPPED)
        return snap_fail(err, status, "stopped");
    if (status == SNAP_E_NOENT)
        cli_verbose(look->cli, "%s: no files are named: %s", look->origin->path, reason.text);
    else
        cli_note(look->cli, "%s: no files are named: %s", look->origin->path, reason.text);
    return SNAP_OK;
}

void files_free(struct files *files)
{
    snap_owners_free(&files->owners);
    *files = (struct files){.known = false};
}

/*
 * ---- words -----------------------------------------------------------------------------------------------------
 */

static const struct {
    const char *word;        /* of JSON */
    const char *alone;       /* where no file is beside it */
    const char *beside;
} parts[SNAP_OWNERS_BITS] = {
    {"superblock", "a superblock or group descriptors of the file system", NULL},
    {"block-bitmap", "a block bitmap of the file system", NULL},
    {"inode-bitmap", "an inode bitmap of the file system", NULL},
    {"inode-table", "an inode table of the file system", NULL},
    {"journal", "the journal of the file system", NULL},
    {"reserved", "reserved blocks of the file system", NULL},
    {"free", "no file: free in the file system", "free blocks"},
    {"no-file", "no file that was found, though it is in use in the file system", "blocks that no file was found for"},
    {"behind-end", "no file: behind the end of the file system", "what is behind the end of the file system"},
    {"left-out", "more than can be looked up", "more than can be looked up"},
};

static const char *const type_words[SNAP_OWNERS_TYPES] = {"file", "directory", "symbolic link", "special file"};

static void print_file(FILE *out, const struct snap_owners_file *file)
{
    const char *type = type_words[file->type];

    if (file->deleted)
        (void)fprintf(out, ", a deleted %s that was still open (inode %" PRIu32 ")", type, file->inode);
    else if (!file->path)
        (void)fprintf(out, ", a %s whose name was not found (inode %" PRIu32 ")", type, file->inode);
    else if (file->links > 1 && file->type != SNAP_OWNERS_FOLDER)
        (void)fprintf(out, ", %s %s (inode %" PRIu32 ", one of %" PRIu32 " names)", type, cli_quote(file->path).text,
                      file->inode, file->links);
    else
        (void)fprintf(out, ", %s %s (inode %" PRIu32 ")", type, cli_quote(file->path).text, file->inode);
}

static const struct snap_owners_answer *answer_of(const struct files *files, uint32_t number)
{
    return files && files->known && number < files->owners.count ? &files->owners.answers[number] : NULL;
}

/* How many of its files have a number here; what comes from the other process may say anything. */
static uint64_t named_of(const struct snap_owners_answer *answer)
{
    return answer->file_count < SNAP_OWNERS_FILES ? answer->file_count : SNAP_OWNERS_FILES;
}

char *files_text(const struct files *files, uint32_t number)
{
    const struct snap_owners_answer *answer = answer_of(files, number);
    const uint64_t named = answer ? named_of(answer) : 0;
    char *text = NULL;
    size_t text_bytes;
    const bool of_origin = files && (files->source == FILES_OF_ORIGIN || files->replaced);
    bool alone, failed;
    FILE *out;

    if (!answer || (answer->file_count == 0 && answer->parts == 0) || !(out = open_memstream(&text, &text_bytes)))
        return NULL;
    for (uint64_t i = 0; i < named; i++) {
        const struct snap_owners_file *file = snap_owners_file(&files->owners, answer->inodes[i]);

        if (file)
            print_file(out, file);
    }
    if (answer->file_count > named)
        (void)fprintf(out, " and %s", cli_count_text(answer->file_count - named, "more file", "more files").text);
    alone = answer->file_count == 0 && (answer->parts & (answer->parts - 1)) == 0;
    for (unsigned bit = 0; bit < SNAP_OWNERS_BITS; bit++)
        if (answer->parts & 1u << bit)
            (void)fprintf(out, ", %s%s", alone || !parts[bit].beside ? parts[bit].alone : parts[bit].beside,
                          1u << bit == SNAP_OWNERS_FREE && of_origin ? " as the origin has it" : "");
    failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed) {
        free(text);
        return NULL;
    }
    return text;
}

void files_set_json(struct cli_json *object, const struct files *files, uint32_t number)
{
    const struct snap_owners_answer *answer = answer_of(files, number);
    struct cli_json *list, *words;

    if (!answer)
        return;
    list = cli_json_array();
    for (uint64_t i = 0; i < named_of(answer); i++) {
        const struct snap_owners_file *file = snap_owners_file(&files->owners, answer->inodes[i]);
        struct cli_json *json = file ? cli_json_object() : NULL;

        if (!file)
            continue;
        cli_json_set_string(json, "path", file->path);
        cli_json_set_uint(json, "inode", file->inode);
        cli_json_set_string(json, "type", type_words[file->type]);
        cli_json_set_uint(json, "names", file->links);
        cli_json_add(list, json);
    }
    words = cli_json_array();
    for (unsigned bit = 0; bit < SNAP_OWNERS_BITS; bit++)
        if (answer->parts & 1u << bit)
            cli_json_add_string(words, parts[bit].word);
    cli_json_set(object, "files", list);
    cli_json_set_uint(object, "files_more", answer->file_count - named_of(answer));
    cli_json_set(object, "file_system", words);
}

void files_set_source_json(struct cli_json *object, const struct files *files)
{
    const bool from_snapshot = files->source == FILES_OF_SNAPSHOT, from_origin = files->source == FILES_OF_ORIGIN;

    cli_json_set_string(object, "files_from", from_snapshot ? "snapshot" : from_origin ? "origin" : NULL);
    if (from_snapshot || from_origin)
        cli_json_set_bool(object, "files_complete", !files->incomplete && !files->replaced);
}
