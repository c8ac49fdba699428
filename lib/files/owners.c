/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starts the process that looks at the file system, reads for it, and takes what it finds. */
#include "lib/files/owners.h"

#include "lib/base/arith.h"
#include "lib/base/array.h"
#include "lib/files/owners_private.h"

#include <stdlib.h>
#include <string.h>

#define SECONDS 120u /* of processor time; ten million inodes take about ten of them */
#define PATHS_BYTES_MAX (16u << 20)

struct service {
    const struct snap_owners_question *question;
    struct snap_owners *owners;
    size_t file_room;
    uint64_t path_bytes;     /* of all paths so far */
};

/*
 * ---- what the process asks and says: it has parsed foreign bytes, so nothing of it is taken at its word ------------
 */

static enum snap_status give_places(const struct snap_owners_question *question,
                                    const struct snap_owners_message *message, void *reply, size_t reply_bytes,
                                    struct snap_error *err)
{
    const struct snap_owners_task task = {.size_bytes = question->size_bytes,
                                          .place_count = snap_min(question->place_count, SNAP_OWNERS_PLACES_MAX),
                                          .count = question->count};
    const uint64_t index = message->offset_bytes, count = message->length_bytes;

    if (count == 0 && reply_bytes == sizeof task) {
        memcpy(reply, &task, sizeof task);
        return SNAP_OK;
    }
    if (!snap_range_fits(index, count, task.place_count) || reply_bytes != count * sizeof *question->places)
        return snap_fail(err, SNAP_E_UNSUPPORTED, "the process that looks at the file system asks for what nobody "
                         "asked");
    memcpy(reply, question->places + index, reply_bytes);
    return SNAP_OK;
}

static enum snap_status give_bytes(const struct snap_owners_question *question,
                                   const struct snap_owners_message *message, void *reply, size_t reply_bytes,
                                   struct snap_error *err)
{
    if (reply_bytes != message->length_bytes || reply_bytes == 0 ||
        !snap_range_fits(message->offset_bytes, reply_bytes, question->size_bytes))
        return snap_fail(err, SNAP_E_UNSUPPORTED, "the process that looks at the file system reads what is not there");
    return question->read(question->context, message->offset_bytes, reply_bytes, message->needed != 0, reply, err);
}

static enum snap_status take_file(struct service *service, const struct snap_owners_message *message,
                                  size_t path_bytes, struct snap_error *err)
{
    struct snap_owners *owners = service->owners;
    struct snap_owners_file file = {.inode = message->inode,
                                    .type = (enum snap_owners_type)message->type,
                                    .links = message->links,
                                    .deleted = message->deleted != 0};

    if (message->type >= SNAP_OWNERS_TYPES ||
        owners->file_count >= (size_t)SNAP_OWNERS_FILES * service->question->count ||
        (owners->file_count > 0 && owners->files[owners->file_count - 1].inode >= file.inode))
        return snap_fail(err, SNAP_E_UNSUPPORTED, "the process that looks at the file system names no files");
    if (owners->file_count == service->file_room) {
        const size_t room = service->file_room ? 2 * service->file_room : 64;
        struct snap_owners_file *files = realloc(owners->files, room * sizeof *files);

        if (!files)
            return snap_fail(err, SNAP_E_NOMEM, "no memory for the names of files");
        owners->files = files;
        service->file_room = room;
    }
    if (path_bytes > 0 && service->path_bytes + path_bytes <= PATHS_BYTES_MAX) {
        file.path = strndup(message->path, path_bytes);
        if (!file.path)
            return snap_fail(err, SNAP_E_NOMEM, "no memory for the names of files");
        service->path_bytes += path_bytes;
    }
    owners->files[owners->file_count++] = file;
    return SNAP_OK;
}

static enum snap_status serve(void *context, const void *question, size_t question_bytes, void *reply,
                              size_t reply_bytes, struct snap_error *err)
{
    struct service *service = context;
    const size_t head_bytes = offsetof(struct snap_owners_message, path);
    struct snap_owners_message message;

    if (question_bytes < head_bytes || question_bytes > sizeof message)
        return snap_fail(err, SNAP_E_UNSUPPORTED, "the process that looks at the file system makes no sense");
    memcpy(&message, question, question_bytes);
    switch (message.kind) {
    case SNAP_OWNERS_READ:
        return give_bytes(service->question, &message, reply, reply_bytes, err);
    case SNAP_OWNERS_PLACES:
        return give_places(service->question, &message, reply, reply_bytes, err);
    case SNAP_OWNERS_NAMED:
        return take_file(service, &message, question_bytes - head_bytes, err);
    case SNAP_OWNERS_ANSWER:
        if (message.number >= service->owners->count)
            break;
        message.answer.parts &= (1u << SNAP_OWNERS_BITS) - 1;
        service->owners->answers[message.number] = message.answer;
        return SNAP_OK;
    }
    return snap_fail(err, SNAP_E_UNSUPPORTED, "the process that looks at the file system makes no sense");
}

enum snap_status snap_owners_find(struct snap_owners *owners, const struct snap_owners_question *question,
                                  struct snap_error *err)
{
    struct service service = {.question = question, .owners = owners};
    struct snap_owners_facts facts;
    const struct snap_child_work work = {.work = snap_owners_walk,
                                         .answer = &facts,
                                         .answer_bytes = sizeof facts,
                                         .serve = serve,
                                         .context = &service,
                                         .seconds = SECONDS};
    enum snap_status status;

    *owners = (struct snap_owners){.count = question->count};
    if (!snap_owners_available())
        return snap_fail(err, SNAP_E_UNSUPPORTED, "this build lacks libext2fs");
    if (question->count > SNAP_OWNERS_ANSWERS_MAX)
        return snap_fail(err, SNAP_E_INTERNAL, "too much is asked of a file system at once");
    owners->answers = snap_array_new(question->count, sizeof *owners->answers);
    if (!owners->answers)
        return snap_fail(err, SNAP_E_NOMEM, "no memory for the names of files");
    for (size_t i = SNAP_OWNERS_PLACES_MAX; i < question->place_count; i++)
        owners->answers[question->places[i].number].parts |= SNAP_OWNERS_LEFT_OUT;
    status = snap_child_run(&work, err);
    owners->incomplete = facts.incomplete != 0;
    owners->needs_recovery = facts.needs_recovery != 0;
    return status;
}

void snap_owners_free(struct snap_owners *owners)
{
    for (size_t i = 0; i < owners->file_count; i++)
        free(owners->files[i].path);
    free(owners->files);
    free(owners->answers);
    *owners = (struct snap_owners){.count = 0};
}

const struct snap_owners_file *snap_owners_file(const struct snap_owners *owners, uint32_t inode)
{
    size_t low = 0, high = owners->file_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (owners->files[middle].inode < inode)
            low = middle + 1;
        else
            high = middle;
    }
    return low < owners->file_count && owners->files[low].inode == inode ? &owners->files[low] : NULL;
}
