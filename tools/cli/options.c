/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a command line by a table of options; the only user of popt. */
#include "tools/cli/options.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "lib/io/io.h"
#include "tools/cli/size.h"

#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOINED_BYTES 256

/*
 * popt only takes the command line apart. Its own conversions stay unused: they take an empty text for 0 and 010
 * for 8, its help exits 0 into a full device, and a repeated string option leaks.
 */
struct cli_parser {
    struct cli *cli;
    struct cli_option *options;      /* count of them and an end */
    struct poptOption *popt_options; /* the same order, the same count, and an end; val = place + 1 */
    bool *seen;
    char **strings;                  /* arguments that destinations point to, one per option at most ... */
    char *repeated[CLI_STRINGS_MAX]; /* ... and those of options that may be repeated */
    size_t repeated_count;
    size_t count;
    poptContext context;
    bool help, version;
};

/*
 * ---- making ----------------------------------------------------------------------------------------------------
 */

static size_t count_options(const struct cli_option *options)
{
    size_t count = 0;

    while (options[count].name != NULL)
        count++;
    return count;
}

static void fill_popt_options(struct cli_parser *parser)
{
    for (size_t i = 0; i < parser->count; i++) {
        const struct cli_option *option = &parser->options[i];
        struct poptOption *popt_option = &parser->popt_options[i];

        popt_option->longName = option->name;
        popt_option->shortName = option->letter;
        popt_option->argInfo = option->kind == CLI_FLAG ? POPT_ARG_NONE : POPT_ARG_STRING;
        popt_option->val = (int)i + 1;
    }
}

struct cli_parser *cli_parser_new(struct cli *cli, int argc, const char *const *argv)
{
    struct cli_parser *parser = calloc(1, sizeof(*parser));
    const size_t own = count_options(cli->program->options);

    if (parser == NULL)
        return NULL;

    const struct cli_option common[] = {
        { .name = "verbose", .letter = 'v', .help = "say more", .group = "General", .kind = CLI_FLAG,
          .flag = &cli->verbose },
        { .name = "quiet", .letter = 'q', .help = "say errors and warnings only", .group = "General",
          .kind = CLI_FLAG, .flag = &cli->quiet },
        { .name = "help", .letter = 'h', .help = "print this help", .group = "General", .kind = CLI_FLAG,
          .flag = &parser->help },
        { .name = "version", .letter = 'V', .help = "print the version", .group = "General", .kind = CLI_FLAG,
          .flag = &parser->version },
    };

    parser->cli = cli;
    parser->count = own + sizeof(common) / sizeof(common[0]);
    parser->options = calloc(parser->count + 1, sizeof(*parser->options));
    parser->popt_options = calloc(parser->count + 1, sizeof(*parser->popt_options));
    parser->seen = calloc(parser->count, sizeof(*parser->seen));
    parser->strings = calloc(parser->count, sizeof(*parser->strings));
    if (parser->options != NULL && parser->popt_options != NULL && parser->seen != NULL &&
        parser->strings != NULL) {
        memcpy(parser->options, cli->program->options, own * sizeof(*parser->options));
        memcpy(parser->options + own, common, sizeof(common));
        fill_popt_options(parser);
        /* popt wants its own kind of argv, but does not write to it. */
        parser->context = poptGetContext(cli->program->name, argc, (const char **)(uintptr_t)argv,
                                         parser->popt_options, 0);
    }
    if (parser->context == NULL) {
        cli_parser_free(parser);
        return NULL;
    }
    return parser;
}

void cli_parser_free(struct cli_parser *parser)
{
    if (parser == NULL)
        return;
    if (parser->context != NULL)
        poptFreeContext(parser->context);
    for (size_t i = 0; parser->strings != NULL && i < parser->count; i++)
        free(parser->strings[i]);
    free(parser->strings);
    for (size_t i = 0; i < parser->repeated_count; i++)
        free(parser->repeated[i]);
    free(parser->seen);
    free(parser->popt_options);
    free(parser->options);
    free(parser);
}

const struct cli_option *cli_parser_options(const struct cli_parser *parser)
{
    return parser->options;
}

/*
 * ---- words -----------------------------------------------------------------------------------------------------
 */

void cli_join_words(const char *const *words, char *out, size_t room)
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; words[i] != NULL && used < room; i++) {
        int count = snprintf(out + used, room - used, "%s%s", i > 0 ? ", " : "", words[i]);

        if (count < 0)
            return;
        used += (size_t)count;
    }
}

/* The place of the `length` bytes at `text` in `words`. */
static enum snap_status find_word(const char *const *words, const char *text, size_t length, unsigned *place,
                                  struct snap_error *err)
{
    char joined[JOINED_BYTES];

    for (unsigned i = 0; words[i] != NULL; i++) {
        if (strlen(words[i]) == length && strncmp(words[i], text, length) == 0) {
            *place = i;
            return SNAP_OK;
        }
    }
    cli_join_words(words, joined, sizeof(joined));
    return snap_fail(err, SNAP_E_USAGE, "'%.*s' is none of %s", (int)length, text, joined);
}

static enum snap_status read_list(const struct cli_option *option, const char *text, struct snap_error *err)
{
    unsigned found = 0;

    for (;;) {
        const size_t length = strcspn(text, ",");
        unsigned place;
        enum snap_status status = find_word(option->words, text, length, &place, err);

        if (status != SNAP_OK)
            return status;
        found |= 1u << place;
        if (text[length] == '\0')
            break;
        text += length + 1;
    }
    *option->list |= found;
    return SNAP_OK;
}

/*
 * ---- values ----------------------------------------------------------------------------------------------------
 */

static enum snap_status read_size(const struct cli_option *option, const char *text, struct snap_error *err)
{
    uint64_t bytes;
    enum snap_status status;

    if (option->words != NULL && option->words[0] != NULL && strcmp(option->words[0], text) == 0) {
        *option->number = UINT64_MAX;
        return SNAP_OK;
    }
    status = cli_parse_size(text, &bytes, err);
    if (status != SNAP_OK)
        return status;
    if (bytes < option->minimum) {
        /* A count of sectors can only have been meant where it would have been enough. */
        const bool hint = bytes >= snap_div_up(option->minimum, SNAP_SECTOR_BYTES);

        return snap_fail(err, SNAP_E_USAGE, "%s is too small: at least %s%s", text,
                         cli_size_text(option->minimum).text, hint ? cli_sector_hint(bytes).text : "");
    }
    *option->number = bytes;
    return SNAP_OK;
}

static enum snap_status read_seconds(const struct cli_option *option, const char *text, struct snap_error *err)
{
    uint64_t seconds;
    enum snap_status status = cli_parse_seconds(text, &seconds, err);

    if (status == SNAP_OK && seconds < option->minimum)
        return snap_fail(err, SNAP_E_USAGE, "%s is too small: at least %llu", text,
                         (unsigned long long)option->minimum);
    if (status == SNAP_OK)
        *option->number = seconds;
    return status;
}

static enum snap_status read_word(const struct cli_option *option, const char *text, struct snap_error *err)
{
    unsigned place;
    enum snap_status status = find_word(option->words, text, strlen(text), &place, err);

    if (status == SNAP_OK)
        *option->word = (int)place;
    return status;
}

/* `text` is NULL for flags; it must live as long as the parser. */
static enum snap_status read_value(const struct cli_option *option, const char *text, struct snap_error *err)
{
    if (option->kind != CLI_FLAG && (text == NULL || *text == '\0'))
        return snap_fail(err, SNAP_E_USAGE, "the argument %s is empty", option->argument);
    switch (option->kind) {
    case CLI_FLAG:
        *option->flag = true;
        return SNAP_OK;
    case CLI_STRING:
        *option->string = text;
        return SNAP_OK;
    case CLI_STRINGS:
        option->strings->items[option->strings->count++] = text;
        return SNAP_OK;
    case CLI_SIZE:
        return read_size(option, text, err);
    case CLI_UINT:
        return cli_parse_uint(text, option->minimum, UINT64_MAX, option->number, err);
    case CLI_SECONDS:
        return read_seconds(option, text, err);
    case CLI_WORD:
        return read_word(option, text, err);
    case CLI_LIST:
        return read_list(option, text, err);
    }
    return snap_fail(err, SNAP_E_INTERNAL, "an option of kind %d", (int)option->kind);
}

/*
 * ---- the command line ------------------------------------------------------------------------------------------
 */

static enum snap_status take_option(struct cli_parser *parser, size_t place, struct snap_error *err)
{
    const struct cli_option *option = &parser->options[place];
    const bool may_repeat = option->kind == CLI_FLAG || option->kind == CLI_LIST || option->kind == CLI_STRINGS;
    /* popt hands out a copy that is ours to free. */
    char *text = option->kind == CLI_FLAG ? NULL : poptGetOptArg(parser->context);
    enum snap_status status;

    if (parser->seen[place] && !may_repeat) {
        free(text);
        return snap_fail(err, SNAP_E_USAGE, "--%s is given twice", option->name);
    }
    if (option->kind == CLI_STRINGS && parser->repeated_count == CLI_STRINGS_MAX) {
        free(text);
        return snap_fail(err, SNAP_E_USAGE, "--%s is given more than %u times", option->name, CLI_STRINGS_MAX);
    }
    parser->seen[place] = true;
    if (option->kind == CLI_STRINGS) {
        parser->repeated[parser->repeated_count++] = text;
    } else {
        free(parser->strings[place]);
        parser->strings[place] = text;
    }
    if (option->given != NULL)
        *option->given = true;
    status = read_value(option, text, err);
    return status == SNAP_OK ? SNAP_OK : snap_fail_prefix(err, status, "--%s", option->name);
}

static enum snap_status bad_option(poptContext context, int result, struct snap_error *err)
{
    const char *name = poptBadOption(context, POPT_BADOPTION_NOALIAS);

    switch (result) {
    case POPT_ERROR_BADOPT:
        return snap_fail(err, SNAP_E_USAGE, "unknown option %s", name);
    case POPT_ERROR_NOARG:
        return snap_fail(err, SNAP_E_USAGE, "%s: the argument is missing", name);
    case POPT_ERROR_MALLOC:
        return snap_fail(err, SNAP_E_NOMEM, "%s: no memory to read it", name);
    default:
        return snap_fail(err, SNAP_E_USAGE, "%s: %s", name, poptStrerror(result));
    }
}

static enum snap_status take_operands(struct cli_parser *parser, struct snap_error *err)
{
    struct cli *cli = parser->cli;
    const struct cli_program *program = cli->program;
    const char **operands = poptGetArgs(parser->context);
    unsigned count = 0;

    for (; operands != NULL && operands[count] != NULL; count++) {
        if (count >= program->operands_max)
            return snap_fail(err, SNAP_E_USAGE, "surplus operand '%s'", operands[count]);
        if (operands[count][0] == '\0')
            return snap_fail(err, SNAP_E_USAGE, "the %s operand is empty", program->operand_names[count]);
        cli->operands[count] = operands[count];
    }
    cli->operands_count = count;
    if (count < program->operands_min)
        return snap_fail(err, SNAP_E_USAGE, "missing %s operand", program->operand_names[count]);
    return SNAP_OK;
}

static enum snap_status check_required(const struct cli_parser *parser, struct snap_error *err)
{
    for (size_t i = 0; i < parser->count; i++) {
        const struct cli_option *option = &parser->options[i];

        if (option->required && !parser->seen[i])
            return snap_fail(err, SNAP_E_USAGE, "missing option --%s %s", option->name, option->argument);
    }
    return SNAP_OK;
}

enum snap_status cli_parser_read(struct cli_parser *parser, enum cli_asked *asked, struct snap_error *err)
{
    enum snap_status status;
    int result;

    *asked = CLI_ASKED_WORK;
    while ((result = poptGetNextOpt(parser->context)) > 0) {
        status = take_option(parser, (size_t)result - 1, err);
        if (status != SNAP_OK)
            return status;
        if (parser->help || parser->version) {
            *asked = parser->help ? CLI_ASKED_HELP : CLI_ASKED_VERSION;
            return SNAP_OK;
        }
    }
    if (result < -1)
        return bad_option(parser->context, result, err);
    status = take_operands(parser, err);
    return status == SNAP_OK ? check_required(parser, err) : status;
}
