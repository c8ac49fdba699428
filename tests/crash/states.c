/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The enumeration: a choice per atom, an incremental hash per choice, an image only for those that are new. */
#include "tests/crash/states.h"

#include "lib/base/bytes.h"
#include "tests/crash/workload.h"
#include "tests/support/io_mem.h"

#include <stdlib.h>
#include <string.h>

/* What is written whole or not at all: consecutive sectors that were always written together. */
struct atom {
    unsigned disk;
    uint64_t sector;
    size_t versions;       /* that differ from each other and from the durable one */
    size_t *version;       /* per version, its number among all; [0] is the durable one */
    struct state_key *delta; /* per version, what it changes in the hash */
};

struct disk_images {
    uint8_t *base;         /* durable */
    bool base_stale;
    struct state_key base_key;
    uint8_t **version;     /* [v]: every pending sector in its version v, or its newest */
    size_t versions;
    uint8_t *work;         /* what fn gets; between two calls it holds `base` */
};

struct states {
    const struct recorder *recorder;
    struct states_options options;
    struct state_set *seen;
    states_fn fn;
    void *context;
    struct disk_images disks[STATES_DISKS_MAX];
    struct atom *atoms;
    size_t atom_count;
    size_t *choice;        /* per atom */
    struct state_key salt;
    uint64_t random;
    uint64_t found;        /* new states */
};

static void key_xor(struct state_key *key, struct state_key other)
{
    key->a ^= other.a;
    key->b ^= other.b;
}

static struct state_key hash_sector(unsigned disk, uint64_t sector, const uint8_t *bytes)
{
    struct state_key key = {workload_mix(sector << 2 | disk), workload_mix(~(sector << 2 | disk))};

    for (unsigned i = 0; i < SNAP_SECTOR_BYTES; i += 8) {
        uint64_t word;

        memcpy(&word, bytes + i, sizeof word);
        key.a = (key.a ^ word) * UINT64_C(0xff51afd7ed558ccd);
        key.a ^= key.a >> 29;
        key.b = (key.b + word) * UINT64_C(0xc4ceb9fe1a85ec53);
        key.b ^= key.b >> 31;
    }
    return key;
}

static struct record_disk *disk_of(const struct states *states, unsigned disk)
{
    return &recorder_state(states->recorder)->disks[disk];
}

struct states *states_new(const struct recorder *recorder, const struct states_options *options, struct state_set *seen,
                          states_fn fn, void *context)
{
    struct states *states = test_calloc(1, sizeof *states);

    *states = (struct states){
        .recorder = recorder, .options = *options, .seen = seen, .fn = fn, .context = context, .random = 1};
    for (unsigned disk = 0; disk < states->options.disks; disk++) {
        size_t size_bytes = (size_t)disk_of(states, disk)->sectors * SNAP_SECTOR_BYTES;

        states->disks[disk].base = test_calloc(1, size_bytes);
        states->disks[disk].work = options->work[disk];
        states->disks[disk].base_stale = true;
    }
    return states;
}

static void drop_atoms(struct states *states)
{
    for (size_t i = 0; i < states->atom_count; i++) {
        free(states->atoms[i].version);
        free(states->atoms[i].delta);
    }
    free(states->atoms);
    free(states->choice);
    states->atoms = NULL;
    states->choice = NULL;
    states->atom_count = 0;
}

void states_free(struct states *states)
{
    drop_atoms(states);
    for (unsigned disk = 0; disk < states->options.disks; disk++) {
        for (size_t v = 0; v < states->disks[disk].versions; v++)
            free(states->disks[disk].version[v]);
        free(states->disks[disk].version);
        free(states->disks[disk].base);
    }
    free(states);
}

void states_flushed(struct states *states, unsigned disk)
{
    states->disks[disk].base_stale = true;
}

static void renew_base(struct states *states, unsigned disk_index)
{
    struct disk_images *images = &states->disks[disk_index];
    const struct record_disk *disk = disk_of(states, disk_index);

    if (!images->base_stale)
        return;
    images->base_stale = false;
    record_image(disk, NULL, images->base);
    memcpy(images->work, images->base, (size_t)disk->sectors * SNAP_SECTOR_BYTES);
    images->base_key = (struct state_key){0, 0};
    for (uint64_t sector = 0; sector < disk->sectors; sector++)
        key_xor(&images->base_key, hash_sector(disk_index, sector, images->base + sector * SNAP_SECTOR_BYTES));
}

static void renew_versions(struct states *states, unsigned disk_index)
{
    struct disk_images *images = &states->disks[disk_index];
    const struct record_disk *disk = disk_of(states, disk_index);
    size_t *choice = record_choice_new(disk);
    size_t newest = 0;

    for (size_t i = 0; i < disk->pending_count; i++)
        newest = disk->pending[i].versions > newest ? disk->pending[i].versions : newest;
    for (size_t v = 1; v <= newest; v++) {
        if (v > images->versions) {
            images->version = test_realloc(images->version, v, sizeof(uint8_t *));
            images->version[images->versions++] = test_calloc((size_t)disk->sectors, SNAP_SECTOR_BYTES);
        }
        for (size_t i = 0; i < disk->pending_count; i++)
            choice[i] = disk->pending[i].versions < v ? disk->pending[i].versions : v;
        record_image(disk, choice, images->version[v - 1]);
    }
    free(choice);
}

/* Bytes of an atom's first sector in a version, 0 being the durable one. */
static uint8_t *version_bytes(const struct states *states, const struct atom *atom, size_t version)
{
    const struct disk_images *images = &states->disks[atom->disk];

    return (version == 0 ? images->base : images->version[version - 1]) + atom->sector * SNAP_SECTOR_BYTES;
}

static struct state_key version_delta(const struct states *states, const struct atom *atom, size_t version)
{
    struct state_key delta = {0, 0};

    for (size_t j = 0; j < states->options.unit_sectors[atom->disk]; j++) {
        size_t at = j * SNAP_SECTOR_BYTES;

        key_xor(&delta, hash_sector(atom->disk, atom->sector + j, version_bytes(states, atom, 0) + at));
        key_xor(&delta, hash_sector(atom->disk, atom->sector + j, version_bytes(states, atom, version) + at));
    }
    return delta;
}

/* Keeps the versions whose bytes are new: what was written twice is no choice. */
static void find_versions(const struct states *states, struct atom *atom, size_t written)
{
    atom->version = test_calloc(written + 1, sizeof *atom->version);
    atom->delta = test_calloc(written + 1, sizeof *atom->delta);
    for (size_t v = 1; v <= written; v++) {
        struct state_key delta = version_delta(states, atom, v);
        size_t same = 0;

        while (same <= atom->versions && (atom->delta[same].a != delta.a || atom->delta[same].b != delta.b))
            same++;
        if (same <= atom->versions)
            continue;
        atom->version[++atom->versions] = v;
        atom->delta[atom->versions] = delta;
    }
}

static void find_atoms(struct states *states, unsigned disk_index)
{
    const struct record_disk *disk = disk_of(states, disk_index);
    const uint32_t unit = states->options.unit_sectors[disk_index];

    states->atoms = test_realloc(states->atoms, states->atom_count + disk->pending_count, sizeof *states->atoms);
    for (size_t i = 0; i < disk->pending_count; i += unit) {
        struct atom *atom = &states->atoms[states->atom_count++];

        *atom = (struct atom){.disk = disk_index, .sector = disk->pending[i].sector};
        for (size_t j = 0; j < unit; j++) {
            if (i + j >= disk->pending_count || disk->pending[i + j].sector != atom->sector + j ||
                disk->pending[i + j].versions != disk->pending[i].versions || atom->sector % unit != 0)
                abort(); /* the device takes no smaller write */
        }
        find_versions(states, atom, disk->pending[i].versions);
    }
}

static void put_atom(struct states *states, const struct atom *atom, size_t version)
{
    memcpy(states->disks[atom->disk].work + atom->sector * SNAP_SECTOR_BYTES,
           version_bytes(states, atom, atom->version[version]),
           (size_t)states->options.unit_sectors[atom->disk] * SNAP_SECTOR_BYTES);
}

/* Looks at the state of the present choice unless it is known. */
static bool look(struct states *states, uint64_t *tried)
{
    struct state_key key = states->salt;
    bool go_on;

    ++*tried;
    for (unsigned disk = 0; disk < states->options.disks; disk++)
        key_xor(&key, states->disks[disk].base_key);
    for (size_t i = 0; i < states->atom_count; i++)
        key_xor(&key, states->atoms[i].delta[states->choice[i]]);
    if (!state_set_add(states->seen, key))
        return true;
    states->found++;
    for (size_t i = 0; i < states->atom_count; i++)
        put_atom(states, &states->atoms[i], states->choice[i]);
    go_on = states->fn(states->context);
    for (unsigned disk = 0; disk < states->options.disks; disk++)
        memcpy(states->disks[disk].work, states->disks[disk].base,
               (size_t)disk_of(states, disk)->sectors * SNAP_SECTOR_BYTES);
    return go_on;
}

static uint64_t next_random(struct states *states)
{
    return workload_mix(states->random++);
}

static bool look_at_all(struct states *states, uint64_t *tried)
{
    size_t i;

    do {
        if (!look(states, tried))
            return false;
        for (i = 0; i < states->atom_count; i++) { /* count on, the first atom being the lowest digit */
            if (states->choice[i]++ < states->atoms[i].versions)
                break;
            states->choice[i] = 0;
        }
    } while (i < states->atom_count);
    return true;
}

enum regular { NOTHING, EVERYTHING, DISK, ALL_BUT_DISK, ONE, ALL_BUT_ONE, FIRST, LAST, REGULAR_KINDS };

/* Whether atom `i` arrived in a regular choice around `pivot`, which is a disk or an atom. */
static bool arrived(const struct states *states, enum regular kind, size_t i, size_t pivot)
{
    switch (kind) {
    case NOTHING: return false;
    case EVERYTHING: return true;
    case DISK: return states->atoms[i].disk == pivot;
    case ALL_BUT_DISK: return states->atoms[i].disk != pivot;
    case ONE: return i == pivot;
    case ALL_BUT_ONE: return i != pivot;
    case FIRST: return i < pivot;
    default: return i >= pivot;
    }
}

/* How many regular choices of a kind there are. Of two disks, all but the one are the other. */
static uint64_t regular_choices(const struct states *states, enum regular kind)
{
    const size_t count = states->atom_count;

    switch (kind) {
    case NOTHING:
    case EVERYTHING: return 1;
    case DISK: return states->options.disks;
    case ALL_BUT_DISK: return states->options.disks > 2 ? states->options.disks : 0;
    default: return count < 2 * states->options.samples ? count : states->options.samples;
    }
}

/* How many of 8 atoms arrive in a sample: of two disks alike, of more each as it likes, maybe none or all. */
static void choose_density(struct states *states, uint64_t *often)
{
    const unsigned disks = states->options.disks;

    often[0] = often[1] = next_random(states) % 7 + 1;
    for (unsigned disk = 0; disks > 2 && disk < disks; disk++)
        often[disk] = next_random(states) % 9;
}

static bool look_at_regular(struct states *states, enum regular end, uint64_t *tried)
{
    const size_t count = states->atom_count;

    for (int kind = NOTHING; kind < (int)end; kind++) {
        const uint64_t pivots = regular_choices(states, (enum regular)kind);

        for (uint64_t p = 0; p < pivots; p++) {
            size_t any = count < 2 * states->options.samples ? (size_t)p : (size_t)(next_random(states) % count);
            size_t pivot = kind < ONE ? (size_t)p : any;

            for (size_t i = 0; i < count; i++)
                states->choice[i] = arrived(states, (enum regular)kind, i, pivot) ? states->atoms[i].versions : 0;
            if (!look(states, tried))
                return false;
        }
    }
    return true;
}

static bool look_at_samples(struct states *states, uint64_t *tried)
{
    const size_t count = states->atom_count;

    if (!look_at_regular(states, REGULAR_KINDS, tried))
        return false;
    for (uint64_t sample = 0; sample < states->options.samples; sample++) {
        uint64_t often[STATES_DISKS_MAX];

        choose_density(states, often);
        for (size_t i = 0; i < count; i++) {
            uint64_t random = next_random(states);

            states->choice[i] = random % 8 < often[states->atoms[i].disk] && states->atoms[i].versions > 0
                                    ? 1 + (size_t)(random >> 3) % states->atoms[i].versions
                                    : 0;
        }
        if (!look(states, tried))
            return false;
    }
    return true;
}

bool states_explore(struct states *states, uint64_t salt, uint64_t *tried)
{
    uint64_t choices = 1;
    bool go_on;

    drop_atoms(states);
    for (unsigned disk = 0; disk < states->options.disks; disk++) {
        renew_base(states, disk);
        renew_versions(states, disk);
        find_atoms(states, disk);
    }
    states->choice = test_calloc(states->atom_count, sizeof *states->choice);
    states->salt = (struct state_key){workload_mix(salt), workload_mix(~salt)};
    for (size_t i = 0; i < states->atom_count && choices <= states->options.choices_max; i++)
        choices *= states->atoms[i].versions + 1;
    if (states->options.states_max > 0 && states->found >= states->options.states_max)
        go_on = look_at_regular(states, ONE, tried);
    else
        go_on = choices <= states->options.choices_max ? look_at_all(states, tried)
                                                       : look_at_samples(states, tried);
    drop_atoms(states);
    return go_on;
}
