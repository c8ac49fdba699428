/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hash table of bit pages, whose memory comes in slabs. */
#include "lib/check/chunkset.h"

#include "lib/base/array.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_WORDS (SNAP_CHUNKSET_PAGE_CHUNKS / 64u)
#define SLAB_PAGES 128u /* pages are allocated this many at a time: 64 KiB */
#define TABLE_SLOTS_FIRST 64u

struct page {
    uint64_t words[PAGE_WORDS];
};

struct slab {
    struct slab *next;
    struct page pages[SLAB_PAGES];
};

struct slot {
    uint64_t number; /* of the page */
    struct page *page;
};

struct snap_chunkset {
    uint64_t memory_bytes;
    uint64_t used_bytes;
    struct slot *table;       /* open addressing, at most half full */
    uint64_t slots;           /* a power of two */
    uint64_t pages;
    struct slab *slabs;       /* all of them, oldest first; the pages of `current` are handed out */
    struct slab *newest;
    struct slab *current;     /* NULL: the next page needs a new slab */
    uint32_t current_used;
    struct slot last;         /* the page of the last number: runs stay on it */
};

uint64_t snap_chunkset_page_hash(uint64_t chunk)
{
    uint64_t hash = chunk / SNAP_CHUNKSET_PAGE_CHUNKS;

    hash = (hash ^ (hash >> 32)) * 0x9e3779b97f4a7c15u;
    hash = (hash ^ (hash >> 29)) * 0xbf58476d1ce4e5b9u;
    return hash ^ (hash >> 32);
}

struct snap_chunkset *snap_chunkset_new(uint64_t memory_bytes)
{
    struct snap_chunkset *set = calloc(1, sizeof *set);

    if (!set)
        return NULL;
    set->memory_bytes = memory_bytes;
    set->slots = TABLE_SLOTS_FIRST;
    set->table = snap_array_new(set->slots, sizeof *set->table);
    set->used_bytes = sizeof *set + set->slots * sizeof *set->table;
    if (!set->table) {
        free(set);
        return NULL;
    }
    return set;
}

/* The slot of the page, or the free one where it belongs. */
static struct slot *find(struct slot *table, uint64_t slots, uint64_t chunk)
{
    uint64_t number = chunk / SNAP_CHUNKSET_PAGE_CHUNKS;
    uint64_t at = snap_chunkset_page_hash(chunk) & (slots - 1);

    while (table[at].page && table[at].number != number)
        at = (at + 1) & (slots - 1);
    return &table[at];
}

static bool grow_table(struct snap_chunkset *set)
{
    uint64_t slots = set->slots * 2;
    struct slot *table;

    /* Both tables exist for a moment. */
    if (set->used_bytes + slots * sizeof *table > set->memory_bytes)
        return false;
    table = snap_array_new(slots, sizeof *table);
    if (!table)
        return false;
    for (uint64_t i = 0; i < set->slots; i++)
        if (set->table[i].page)
            *find(table, slots, set->table[i].number * SNAP_CHUNKSET_PAGE_CHUNKS) = set->table[i];
    free(set->table);
    set->used_bytes += (slots - set->slots) * sizeof *table;
    set->table = table;
    set->slots = slots;
    return true;
}

static struct page *new_page(struct snap_chunkset *set)
{
    if (set->current && set->current_used == SLAB_PAGES) {
        set->current = set->current->next;
        set->current_used = 0;
    }
    if (!set->current) {
        struct slab *slab;

        if (set->used_bytes + sizeof *slab > set->memory_bytes)
            return NULL;
        slab = malloc(sizeof *slab);
        if (!slab)
            return NULL;
        set->used_bytes += sizeof *slab;
        slab->next = NULL;
        if (set->newest)
            set->newest->next = slab;
        else
            set->slabs = slab;
        set->newest = slab;
        set->current = slab;
        set->current_used = 0;
    }
    return memset(&set->current->pages[set->current_used++], 0, sizeof(struct page));
}

enum snap_status snap_chunkset_add(struct snap_chunkset *set, uint64_t chunk, bool *was_there)
{
    uint64_t number = chunk / SNAP_CHUNKSET_PAGE_CHUNKS;
    uint64_t bit = UINT64_C(1) << (chunk % 64);
    uint64_t *word;

    if (!set->last.page || set->last.number != number) {
        struct slot *slot = find(set->table, set->slots, chunk);

        if (!slot->page) {
            struct page *page;

            if (set->pages * 2 >= set->slots && !grow_table(set))
                return SNAP_E_NOMEM;
            page = new_page(set);
            if (!page)
                return SNAP_E_NOMEM;
            slot = find(set->table, set->slots, chunk); /* the table may have grown */
            *slot = (struct slot){.number = number, .page = page};
            set->pages++;
        }
        set->last = *slot;
    }
    word = &set->last.page->words[chunk % SNAP_CHUNKSET_PAGE_CHUNKS / 64];
    *was_there = (*word & bit) != 0;
    *word |= bit;
    return SNAP_OK;
}

bool snap_chunkset_has(const struct snap_chunkset *set, uint64_t chunk)
{
    const struct slot *slot = find(set->table, set->slots, chunk);

    return slot->page && (slot->page->words[chunk % SNAP_CHUNKSET_PAGE_CHUNKS / 64] >> (chunk % 64) & 1) != 0;
}

uint64_t snap_chunkset_room_bytes(const struct snap_chunkset *set)
{
    return set->used_bytes < set->memory_bytes ? set->memory_bytes - set->used_bytes : 0;
}

void snap_chunkset_clear(struct snap_chunkset *set)
{
    memset(set->table, 0, (size_t)set->slots * sizeof *set->table);
    set->pages = 0;
    set->current = set->slabs;
    set->current_used = 0;
    set->last = (struct slot){0};
}

void snap_chunkset_free(struct snap_chunkset *set)
{
    if (!set)
        return;
    while (set->slabs) {
        struct slab *next = set->slabs->next;

        free(set->slabs);
        set->slabs = next;
    }
    free(set->table);
    free(set);
}
