/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One row for each device, and for each file and mount point, with branches in front of the names. */
#include "tools/inspect/system_table.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "tools/cli/size.h"
#include "tools/inspect/state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

enum {
    COLUMN_NAME, COLUMN_TYPE, COLUMN_SIZE, COLUMN_CHUNK, COLUMN_P, COLUMN_USED, COLUMN_STATE, COLUMN_NUMBER,
    COLUMN_KNAME, COLUMN_DM, COLUMN_LVM, COLUMN_UUID, COLUMN_ALLOCATED, COLUMN_TOTAL, COLUMN_METADATA, COLUMN_LEFT,
    COLUMN_RATE
};

const struct cli_column inspect_system_columns[INSPECT_SYSTEM_COLUMNS] = {
    [COLUMN_NAME] = {"NAME", "device, file or mount point", 0, false, false},
    [COLUMN_TYPE] = {"TYPE", "what it is", 0, false, false},
    [COLUMN_SIZE] = {"SIZE", "of the device", 0, true, false},
    [COLUMN_CHUNK] = {"CHUNK", "of the store", 0, true, false},
    [COLUMN_P] = {"P", "persistence: P, PO or N", 0, false, false},
    [COLUMN_USED] = {"USED", "how full the store is in per cent, as lvs shows it", 0, true, false},
    [COLUMN_STATE] = {"STATE", "figures or words of the kernel", 0, false, false},
    [COLUMN_NUMBER] = {"NUMBER", "major:minor", 0, false, true},
    [COLUMN_KNAME] = {"KNAME", "the kernel's name", 0, false, true},
    [COLUMN_DM] = {"DM", "the name in device-mapper", 0, false, true},
    [COLUMN_LVM] = {"LVM", "VG/LV", 0, false, true},
    [COLUMN_UUID] = {"UUID", "in device-mapper", 0, false, true},
    [COLUMN_ALLOCATED] = {"ALLOCATED", "of the store", 0, true, true},
    [COLUMN_TOTAL] = {"TOTAL", "the whole store", 0, true, true},
    [COLUMN_METADATA] = {"METADATA", "of what is allocated", 0, true, true},
    [COLUMN_LEFT] = {"LEFT", "of a merge", 0, true, true},
    [COLUMN_RATE] = {"RATE", "of a merge, in a second", 0, true, true},
};

#define PREFIX_BYTES 128u /* of branches: 3 for each step down */

struct print {
    struct inspect_session *session;
    const struct inspect_running *running;
    struct cli_table *table;
    struct snap_error *err;
};

static struct cli_text bytes_text(const struct print *print, uint64_t bytes)
{
    struct cli_text text;

    if (!print->session->arguments.bytes)
        return cli_size_text(bytes);
    (void)snprintf(text.text, sizeof text.text, "%" PRIu64, bytes);
    return text;
}

/* A damaged list makes the kernel tell figures that no device has. */
static struct cli_text size_text(const struct print *print, uint64_t sectors)
{
    uint64_t bytes;

    return snap_mul(sectors, SNAP_SECTOR_BYTES, &bytes) ? bytes_text(print, bytes) : (struct cli_text){.text = "?"};
}

/* The kernel's own words; a merge has its rate besides. */
static void state_text(const struct inspect_tree_node *node, char *text, size_t text_bytes)
{
    const struct snap_dm_stacks_use *use = node->use;
    const struct snap_dm_status *status = &use->status;
    const char *word = inspect_state_word(use);
    size_t used;

    if (strcmp(word, "merging") == 0 && node->rate.known)
        (void)snprintf(text, text_bytes, "merging %s/s", cli_size_text(node->rate.bytes_per_second).text);
    else if (strcmp(word, "merging") == 0 || strcmp(word, "merged") == 0 || !use->status_known ||
             status->state != SNAP_DM_STATUS_FIGURES)
        (void)snprintf(text, text_bytes, "%s", word);
    else
        (void)snprintf(text, text_bytes, status->metadata_known ? "%" PRIu64 "/%" PRIu64 " %" PRIu64
                                                                : "%" PRIu64 "/%" PRIu64,
                       status->allocated_sectors, status->total_sectors, status->metadata_sectors);
    used = strlen(text);
    if (use->device->suspended)
        (void)snprintf(text + used, text_bytes - used, ", suspended");
}

/* The columns about a store and its merge. */
struct store_texts {
    struct cli_text chunk, used, allocated, total, metadata, left, rate;
};

static struct store_texts store_texts(const struct print *print, const struct inspect_tree_node *node)
{
    const struct snap_dm_stacks_use *use = node->use;
    const struct snap_dm_status *status = &use->status;
    struct store_texts texts = {.chunk = size_text(print, use->table.chunk_sectors)};

    texts.used = inspect_state_used(use);
    if (use->status_known && status->state == SNAP_DM_STATUS_FIGURES) {
        texts.allocated = size_text(print, status->allocated_sectors);
        texts.total = size_text(print, status->total_sectors);
        if (status->metadata_known)
            texts.metadata = size_text(print, status->metadata_sectors);
    }
    if (snap_dm_stacks_is_merging(use))
        texts.left = size_text(print, inspect_state_left_sectors(use));
    if (node->rate.known)
        texts.rate = bytes_text(print, node->rate.bytes_per_second);
    return texts;
}

static enum snap_status print_device(const struct print *print, const struct inspect_tree_node *node,
                                     const char *name)
{
    const struct snap_dm_stacks_use *use = node->use;
    const bool store = use && use->role != SNAP_DM_STACKS_ORIGIN;
    const struct inspect_tree_text type = inspect_tree_type(node);
    const struct store_texts texts = store ? store_texts(print, node) : (struct store_texts){0};
    const struct cli_text size = size_text(print, use ? use->target->length_sectors : node->block.size_sectors);
    char state[128] = "", number[32];
    const char *const cells[INSPECT_SYSTEM_COLUMNS] = {
        [COLUMN_NAME] = name, [COLUMN_TYPE] = type.text, [COLUMN_SIZE] = size.text,
        [COLUMN_CHUNK] = texts.chunk.text,
        [COLUMN_P] = store ? snap_dm_status_persistence_name(use->table.persistence) : NULL,
        [COLUMN_USED] = texts.used.text, [COLUMN_STATE] = state, [COLUMN_NUMBER] = number,
        [COLUMN_KNAME] = node->block.kernel_name,
        [COLUMN_DM] = node->mapped ? node->mapped->name : node->block.dm_name, [COLUMN_LVM] = node->lvm_name,
        [COLUMN_UUID] = node->mapped ? node->mapped->uuid : node->block.dm_uuid,
        [COLUMN_ALLOCATED] = texts.allocated.text, [COLUMN_TOTAL] = texts.total.text,
        [COLUMN_METADATA] = texts.metadata.text, [COLUMN_LEFT] = texts.left.text, [COLUMN_RATE] = texts.rate.text,
    };

    (void)snprintf(number, sizeof number, "%u:%u", major(node->block.number), minor(node->block.number));
    if (use)
        state_text(node, state, sizeof state);
    else if (node->mapped && node->mapped->suspended)
        (void)snprintf(state, sizeof state, "suspended");
    return cli_table_row(print->table, cells, print->err);
}

/* The prefix of what is one step further in. */
static void step_in(const char *prefix, bool root, bool last, char inner[PREFIX_BYTES])
{
    (void)snprintf(inner, PREFIX_BYTES, "%.*s%s", (int)PREFIX_BYTES - 4, prefix, root ? "" : last ? "  " : "| ");
}

static enum snap_status print_text(const struct print *print, const char *prefix, bool last, const char *text,
                                   const char *type)
{
    char name[PREFIX_BYTES + 2 + PATH_MAX];
    const char *const cells[INSPECT_SYSTEM_COLUMNS] = {[COLUMN_NAME] = name, [COLUMN_TYPE] = type};

    (void)snprintf(name, sizeof name, "%s%s%s", prefix, last ? "`-" : "|-", text);
    return cli_table_row(print->table, cells, print->err);
}

static bool is_here(const struct inspect_tree_node *node, const struct snap_mounted_place *place)
{
    return place->number == node->block.number;
}

/* The file below a loop device, unless it is a device, which has a row of its own; and where the node is mounted. */
static enum snap_status print_places(const struct print *print, const struct inspect_tree_node *node,
                                     const char *prefix)
{
    const struct snap_mounted *mounted = &print->running->mounted;
    const bool file = node->block.backing_path[0] != '\0' && node->block.below_count == 0;
    enum snap_status status = SNAP_OK;
    size_t left = file + node->children_count;

    for (size_t i = 0; i < mounted->count; i++)
        left += is_here(node, &mounted->places[i]);
    if (file)
        status = print_text(print, prefix, --left == 0, node->block.backing_path, "file");
    for (size_t i = 0; i < mounted->count && status == SNAP_OK; i++)
        if (is_here(node, &mounted->places[i]))
            status = print_text(print, prefix, --left == 0, mounted->places[i].target,
                                strcmp(mounted->places[i].target, SNAP_MOUNTED_SWAP) == 0 ? "swap" : "mount point");
    return status;
}

static enum snap_status print_node(const struct print *print, const struct inspect_tree_node *node, const char *prefix,
                                   bool root, bool last)
{
    char name[PREFIX_BYTES + sizeof node->name + 8], inner[PREFIX_BYTES];
    enum snap_status status;

    (void)snprintf(name, sizeof name, "%s%s%s", prefix, root ? "" : last ? "`-" : "|-", node->name);
    status = print_device(print, node, name);
    step_in(prefix, root, last, inner);
    if (status == SNAP_OK)
        status = print_places(print, node, inner);
    for (size_t i = 0; i < node->children_count && status == SNAP_OK; i++)
        status = print_node(print, node->children[i], inner, false, i + 1 == node->children_count);
    return status;
}

static void advise(const struct print *print, const struct inspect_tree_node *node,
                   const struct inspect_tree_node *parent)
{
    if (node->use) {
        const struct inspect_state_text next = inspect_state_next(node, parent);

        if (next.text[0] != '\0')
            cli_note(print->session->cli, "%s: %s", node->name, next.text);
    }
    for (size_t i = 0; i < node->children_count; i++)
        advise(print, node->children[i], node);
}

enum snap_status inspect_system_table_open(struct inspect_session *session, struct cli_table **table,
                                           struct snap_error *err)
{
    const struct inspect_arguments *arguments = &session->arguments;
    const struct cli_table_style style = {arguments->columns, arguments->raw, arguments->noheadings};

    return cli_table_open(inspect_system_columns, INSPECT_SYSTEM_COLUMNS, &style, session->cli->out, table, err);
}

enum snap_status inspect_system_table_print(struct inspect_session *session, struct cli_table *table,
                                            const struct inspect_running *running, const struct inspect_tree *tree,
                                            struct snap_error *err)
{
    const struct print print = {.session = session, .running = running, .table = table, .err = err};
    enum snap_status status = SNAP_OK;

    for (size_t i = 0; i < tree->count && status == SNAP_OK; i++)
        status = print_node(&print, tree->roots[i], "", true, false);
    if (status != SNAP_OK) {
        cli_table_free(table);
        return status;
    }
    status = cli_table_close(table, err);
    for (size_t i = 0; i < tree->count && status == SNAP_OK; i++)
        advise(&print, tree->roots[i], NULL);
    return status;
}
