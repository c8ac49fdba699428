/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts what is allocated, and lets allocations fail: for test programs linked with $(ALLOC_WRAP). */
#ifndef DMSNAP_TESTS_ALLOC_FIXTURE_H
#define DMSNAP_TESTS_ALLOC_FIXTURE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_aligned_alloc(size_t align_bytes, size_t bytes);
void __real_free(void *memory);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_aligned_alloc(size_t align_bytes, size_t bytes);
void __wrap_free(void *memory);

#define ALLOC_SLOTS (UINT64_C(1) << 18)

/* Sizes as asked for, of what was allocated by the objects that were linked with the wrapping. */
static struct {
    pthread_mutex_t lock;
    struct {
        void *memory;
        size_t bytes;
    } slots[ALLOC_SLOTS];
    uint64_t live_bytes, peak_bytes;
    uint64_t calls;
    uint64_t failing_call; /* calls are counted from 1; 0: none fails */
    bool failing_on;       /* all calls from that one on */
} alloc = {.lock = PTHREAD_MUTEX_INITIALIZER};

static inline uint64_t alloc_home(const void *memory)
{
    return ((uintptr_t)memory >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 40 & (ALLOC_SLOTS - 1);
}

/* The slot of this address, or the free one where it belongs. */
static inline uint64_t alloc_slot(const void *memory)
{
    uint64_t at = alloc_home(memory);

    for (uint64_t tries = 0; alloc.slots[at].memory && alloc.slots[at].memory != memory; tries++) {
        if (tries == ALLOC_SLOTS)
            abort();
        at = (at + 1) & (ALLOC_SLOTS - 1);
    }
    return at;
}

/* Frees a slot, and moves up those behind it that would no longer be found. */
static inline void alloc_forget(uint64_t hole)
{
    alloc.live_bytes -= alloc.slots[hole].bytes;
    for (uint64_t at = hole + 1; alloc.slots[at &= ALLOC_SLOTS - 1].memory; at++) {
        if (((at - alloc_home(alloc.slots[at].memory)) & (ALLOC_SLOTS - 1)) >= ((at - hole) & (ALLOC_SLOTS - 1))) {
            alloc.slots[hole] = alloc.slots[at];
            hole = at;
        }
    }
    alloc.slots[hole].memory = NULL;
}

static inline bool alloc_may(void)
{
    bool may;

    (void)pthread_mutex_lock(&alloc.lock);
    alloc.calls++;
    may = alloc.failing_call == 0 ||
          (alloc.failing_on ? alloc.calls < alloc.failing_call : alloc.calls != alloc.failing_call);
    (void)pthread_mutex_unlock(&alloc.lock);
    return may;
}

static inline void *alloc_remember(void *memory, size_t bytes)
{
    uint64_t at;

    if (!memory)
        return NULL;
    (void)pthread_mutex_lock(&alloc.lock);
    at = alloc_slot(memory);
    alloc.slots[at].bytes = bytes;
    alloc.slots[at].memory = memory;
    alloc.live_bytes += bytes;
    if (alloc.live_bytes > alloc.peak_bytes)
        alloc.peak_bytes = alloc.live_bytes;
    (void)pthread_mutex_unlock(&alloc.lock);
    return memory;
}

void *__wrap_malloc(size_t bytes)
{
    return alloc_may() ? alloc_remember(__real_malloc(bytes), bytes) : NULL;
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return alloc_may() ? alloc_remember(__real_calloc(count, bytes), count * bytes) : NULL;
}

void *__wrap_aligned_alloc(size_t align_bytes, size_t bytes)
{
    return alloc_may() ? alloc_remember(__real_aligned_alloc(align_bytes, bytes), bytes) : NULL;
}

void __wrap_free(void *memory)
{
    (void)pthread_mutex_lock(&alloc.lock);
    if (memory && alloc.slots[alloc_slot(memory)].memory)
        alloc_forget(alloc_slot(memory));
    (void)pthread_mutex_unlock(&alloc.lock);
    __real_free(memory);
}

/* From now on the peak, and the calls, are counted anew. */
static inline void alloc_mark(void)
{
    alloc.peak_bytes = alloc.live_bytes;
    alloc.calls = 0;
}

/* The n-th call from now (counted from 1; 0: none) fails, or all from that one on. */
static inline void alloc_fail_at(uint64_t n, bool on)
{
    alloc.calls = 0;
    alloc.failing_call = n;
    alloc.failing_on = on;
}

#endif
