/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Harness: the four programs, as processes, on images of any kind: they end well, and do what they say. */
#include "tests/fuzz/image.h"
#include "tests/fuzz/model.h"
#include "tests/fuzz/plain.h"
#include "tests/fuzz/program.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const struct fuzz_harness fuzz_harness = {.name = "programs", .takes_stores = true};

/* The images, and what they mean. */
struct images {
    struct image image;
    struct model model;
    struct model_judgement judgement;
    uint8_t *view;
    bool readable;             /* the view is known; the store may have other faults */
    bool sound;                /* a store that everybody takes, too */
    bool too_small;            /* the origin has no chunk of the store: nobody takes the two together */
};

static char *path_of(const char *name)
{
    static char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
    return path;
}

static void write_file(const char *name, const uint8_t *bytes, uint64_t count)
{
    const int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    FUZZ_PROMISE(fd >= 0 && (count == 0 || write(fd, bytes, (size_t)count) == (ssize_t)count) && close(fd) == 0,
                 "%s cannot be written", name);
}

/* NULL where there is none; with its length. */
static uint8_t *read_file(const char *name, uint64_t *count)
{
    const int fd = open(path_of(name), O_RDONLY | O_CLOEXEC);
    struct stat st;
    uint8_t *bytes;

    if (fd < 0)
        return NULL;
    FUZZ_PROMISE(fstat(fd, &st) == 0, "%s has no size", name);
    bytes = fuzz_calloc(1, (size_t)st.st_size);
    FUZZ_PROMISE(pread(fd, bytes, (size_t)st.st_size, 0) == (ssize_t)st.st_size, "%s cannot be read", name);
    (void)close(fd);
    *count = (uint64_t)st.st_size;
    return bytes;
}

static bool holds(const char *name, const uint8_t *bytes, uint64_t count)
{
    uint64_t found_bytes = 0;
    uint8_t *found = read_file(name, &found_bytes);
    const bool same = found && found_bytes == count && (count == 0 || memcmp(found, bytes, (size_t)count) == 0);

    free(found);
    return same;
}

/* No file is left by the last input, and none but these is made by this one. */
static unsigned files(bool removes)
{
    DIR *dir = opendir(fuzz_folder());
    const struct dirent *entry;
    unsigned count = 0;

    FUZZ_PROMISE(dir, "no folder");
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        count++;
        if (removes)
            (void)unlink(path_of(entry->d_name));
    }
    (void)closedir(dir);
    return count;
}

static void unchanged(const struct images *images, const struct program *program)
{
    FUZZ_PROMISE(holds("cow.img", images->image.cow, images->image.cow_bytes), "%s has changed the COW; it said: %s",
                 program->words[3], program->err);
    FUZZ_PROMISE(holds("origin.img", images->image.origin, images->image.origin_bytes),
                 "%s has changed the origin; it said: %s", program->words[3], program->err);
}

static void check_json(const struct program *program)
{
    FUZZ_PROMISE(plain_is_json(program->out, program->out_bytes) ||
                     plain_is_json_lines(program->out, program->out_bytes), "no JSON: %s", program->out);
}

static void snapcheck(const struct images *images, struct fuzz_input *input)
{
    const uint8_t flags = fuzz_byte(input);
    struct program program;

    program_start(&program, "snapcheck");
    if (flags & 1)
        program_word(&program, "--json");
    if (flags & 2)
        program_word(&program, "--data");
    if (flags & 4) {
        program_word(&program, "--origin");
        program_word(&program, "origin.img");
    }
    if (flags & 8)
        program_word(&program, "--verbose");
    program_word(&program, "cow.img");
    program_run(&program);
    unchanged(images, &program);
    if (flags & 1)
        check_json(&program);
    FUZZ_PROMISE(!(flags & 4) || !images->too_small || program.exit_status != 0, "clean, with hardly an origin");
    if (!(flags & 4)) {
        struct model_judgement judgement;

        model_judge(&images->model, 0, &judgement);
        /* A COW that was cut, and has nothing else, can be copied once more: that is no damage of the store. */
        FUZZ_PROMISE(program.exit_status == (judgement.damaged ? 4 : 0) || images->image.cow_bytes < 512 ||
                         (judgement.damaged && program.exit_status == 8 &&
                          ((flags & 1) || strstr(program.out, "so it was cut"))),
                     "a store that is %s: exit status %d: %s", judgement.damaged ? "damaged" : "sound",
                     program.exit_status, program.out);
    }
    program_free(&program);
}

static void snapinspect(const struct images *images, struct fuzz_input *input)
{
    const uint8_t flags = fuzz_byte(input);
    const bool extracts = (flags & 4) && (flags & 8);
    struct program program;

    program_start(&program, "snapinspect");
    if (flags & 1)
        program_word(&program, "--json");
    if (flags & 2)
        program_word(&program, "--list");
    if (flags & 4) {
        program_word(&program, "--origin");
        program_word(&program, "origin.img");
    }
    if (extracts && !(flags & 2)) {
        program_word(&program, "--extract");
        program_word(&program, "extracted.img");
    }
    if (flags & 16)
        program_word(&program, "--bytes");
    program_word(&program, "cow.img");
    program_run(&program);
    unchanged(images, &program);
    if ((flags & 1) && program.exit_status != 16)
        check_json(&program);
    FUZZ_PROMISE(!(flags & 4) || !images->too_small || program.exit_status != 0, "shown, with hardly an origin");
    if (extracts && !(flags & 2) && program.exit_status == 0)
        FUZZ_PROMISE(images->readable && holds("extracted.img", images->view, images->image.origin_bytes),
                     "what was extracted is not the view");
    program_free(&program);
}

/* After a merge: the view is what it was, whatever the exit status; and all is in the origin where it says so. */
static void check_merged(const struct images *images, const struct program *program, bool kept)
{
    uint64_t cow_bytes = 0, origin_bytes = 0, bad_bytes;
    uint8_t *cow = read_file("cow.img", &cow_bytes), *origin = read_file("origin.img", &origin_bytes);
    uint8_t *view = fuzz_calloc(1, (size_t)images->image.origin_bytes);
    struct model model;

    FUZZ_PROMISE(cow && origin && cow_bytes == images->image.cow_bytes && origin_bytes == images->image.origin_bytes,
                 "a device has another size");
    model_read(&model, cow, cow_bytes);
    FUZZ_PROMISE(model.header == MODEL_GOOD && model_view(&model, origin, origin_bytes, view, &bad_bytes) &&
                     (origin_bytes == 0 || memcmp(view, images->view, (size_t)origin_bytes) == 0),
                 "the view has changed; exit status %d: %s", program->exit_status, program->err);
    if (program->exit_status == 0)
        FUZZ_PROMISE((kept || model.entries == 0) &&
                         (origin_bytes == 0 || memcmp(origin, images->view, (size_t)origin_bytes) == 0),
                     "it says that all is merged, but it is not: %s", program->err);
    model_free(&model);
    free(cow);
    free(origin);
    free(view);
}

static void snapmerge(const struct images *images, struct fuzz_input *input)
{
    const uint8_t flags = fuzz_byte(input), more = fuzz_byte(input);
    const bool dry = flags & 1, keeps = (flags & 2) != 0;
    const bool lists = !keeps && (flags & 4), undoes = !keeps && !lists && (flags & 8);
    const bool elsewhere = (flags & 16) && !undoes;
    struct program program;

    program_start(&program, "snapmerge");
    program_word(&program, dry ? "--dry-run" : "--yes");
    program_word(&program, "--origin=origin.img");
    program_word(&program, "--cow=cow.img");
    if (elsewhere) {
        program_word(&program, "--output=output.img");
    } else if (keeps) {
        program_word(&program, "--keep-cow");
        program_word(&program, "--checkpoint=checkpoint");
        if (more & 1)
            write_file("checkpoint", input->bytes, input->left);
    } else if (lists) {
        program_word(&program, "--continue-on-error");
        program_word(&program, "--bad-list=bad-list");
        if (more & 1)
            write_file("bad-list", input->bytes, input->left);
    } else if (undoes) {
        program_word(&program, "--undo=undo.img");
    }
    if ((more & 2) && !elsewhere)
        program_word(&program, "--verify");
    if ((more & 4) && !elsewhere)
        program_word(&program, "--skip-identical");
    if (more & 8)
        program_word(&program, "--json");
    if (more & 16)
        program_word(&program, "--io-engine=threads");
    program_run(&program);
    if ((more & 8) && program.exit_status != 16)
        check_json(&program);
    if (dry || elsewhere || !images->sound || program_said(&program, "Nothing was written."))
        unchanged(images, &program);
    else
        check_merged(images, &program, keeps);
    FUZZ_PROMISE(images->sound || program.exit_status != 0,
                 "a store that is not sound is merged: %s", program.err);
    if (elsewhere && !dry && program.exit_status == 0)
        FUZZ_PROMISE(holds("output.img", images->view, images->image.origin_bytes), "the output is not the view");
    if (dry)
        FUZZ_PROMISE(files(false) <= ((keeps || lists) && !elsewhere && (more & 1) ? 3u : 2u), "a dry run makes files");
    program_free(&program);
}

/* A store made of the difference to the view shows the view. */
static void snapcreate(const struct images *images, struct fuzz_input *input)
{
    const uint8_t flags = fuzz_byte(input);
    const uint64_t chunk_bytes = flags & 2 ? 512 : 4096;
    uint64_t cow_bytes = 0, bad_bytes;
    uint8_t *cow, *view = fuzz_calloc(1, (size_t)images->image.origin_bytes);
    struct program program;
    struct model model;

    write_file("newer.img", images->view, images->image.origin_bytes);
    program_start(&program, "snapcreate");
    program_word(&program, "--origin=origin.img");
    program_word(&program, flags & 1 ? "--cow=cow.img" : "--cow=new.img");
    if (!(flags & 1))
        program_word(&program, "--size=max");
    program_word(&program, flags & 2 ? "--chunk-size=512" : "--chunk-size=4K");
    if (flags & 4)
        program_word(&program, "--from-diff=newer.img");
    if (flags & 8)
        program_word(&program, "--force");
    if (flags & 16)
        program_word(&program, "--dry-run");
    if (flags & 32)
        program_word(&program, "--json");
    program_run(&program);
    if ((flags & 32) && program.exit_status != 16)
        check_json(&program);
    FUZZ_PROMISE(holds("origin.img", images->image.origin, images->image.origin_bytes), "the origin has changed");
    if ((flags & 16) || program_said(&program, "Nothing was written."))
        unchanged(images, &program);
    FUZZ_PROMISE(images->image.origin_bytes >= chunk_bytes || program.exit_status != 0, "a store of hardly an origin");
    if (program.exit_status == 0 && !(flags & 16)) {
        cow = read_file(flags & 1 ? "cow.img" : "new.img", &cow_bytes);
        FUZZ_PROMISE(cow, "there is no new store");
        model_read(&model, cow, cow_bytes);
        FUZZ_PROMISE(model.header == MODEL_GOOD && !model.past_end &&
                         model_view(&model, images->image.origin, images->image.origin_bytes, view, &bad_bytes) &&
                         memcmp(view, flags & 4 ? images->view : images->image.origin,
                                (size_t)images->image.origin_bytes) == 0,
                     "the new store shows something else");
        model_free(&model);
        free(cow);
    }
    free(view);
    program_free(&program);
}

static void run_one(const struct images *images, struct fuzz_input *input)
{
    (void)files(true);
    write_file("cow.img", images->image.cow, images->image.cow_bytes);
    write_file("origin.img", images->image.origin, images->image.origin_bytes);
    switch (fuzz_byte(input) % 4) {
    case 0:
        snapmerge(images, input);
        break;
    case 1:
        snapcheck(images, input);
        break;
    case 2:
        snapinspect(images, input);
        break;
    default:
        snapcreate(images, input);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct fuzz_input input = {bytes, length};
    struct images images = {.sound = false};
    uint64_t bad_bytes;

    image_take(&images.image, &input);
    model_read(&images.model, images.image.cow, images.image.cow_bytes);
    model_judge(&images.model, images.image.origin_bytes / 512, &images.judgement);
    images.view = fuzz_calloc(1, (size_t)images.image.origin_bytes);
    if (images.model.header == MODEL_GOOD && !images.model.past_end)
        images.readable =
            model_view(&images.model, images.image.origin, images.image.origin_bytes, images.view, &bad_bytes);
    images.too_small = images.image.origin_bytes < images.model.chunk_bytes;
    images.sound = images.readable && !images.judgement.damaged && images.judgement.beyond == 0 && !images.too_small;
    run_one(&images, &input);
    model_free(&images.model);
    image_free(&images.image);
    free(images.view);
    return 0;
}
