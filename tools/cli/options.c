/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a command line by a table of options; the only user of popt. */
#include "tools/cli/options.h"

#include "tools/cli/quote.h"
#include "tools/cli/value.h"

#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An option as it was given. */
struct taken {
    size_t place;
    char *text; /* a copy of the argument; NULL for a flag */
};

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
    struct taken *taken;             /* all that were given, in their order */
    size_t taken_count;
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

    while (options[count].name)
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
    struct cli_parser *parser = calloc(1, sizeof *parser);
    const size_t own = count_options(cli->program->options);

    if (!parser)
        return NULL;

    const struct cli_option common[] = {
        { .name = "verbose", .letter = 'v', .help = "say more", .group = "General", .kind = CLI_FLAG,
          .flag = &cli->verbose },
        { .name = "quiet", .letter = 'q', .help = "say errors and warnings only", .group = "General",
          .kind = CLI_FLAG, .flag = &cli->quiet },
        { .name = "no-sandbox", .help = "keep all rights while foreign bytes are read", .group = "General",
          .kind = CLI_FLAG, .flag = &cli->no_sandbox },
        { .name = "help", .letter = 'h', .help = "print this help", .group = "General", .kind = CLI_FLAG,
          .flag = &parser->help },
        { .name = "version", .letter = 'V', .help = "print the version; with -v the libraries of this build",
          .group = "General", .kind = CLI_FLAG, .flag = &parser->version },
    };

    parser->cli = cli;
    parser->count = own + sizeof common / sizeof common[0];
    parser->options = calloc(parser->count + 1, sizeof *parser->options);
    parser->popt_options = calloc(parser->count + 1, sizeof *parser->popt_options);
    parser->seen = calloc(parser->count, sizeof *parser->seen);
    parser->strings = calloc(parser->count, sizeof *parser->strings);
    if (parser->options && parser->popt_options && parser->seen && parser->strings) {
        memcpy(parser->options, cli->program->options, own * sizeof *parser->options);
        memcpy(parser->options + own, common, sizeof common);
        fill_popt_options(parser);
        /* popt wants its own kind of argv, but does not write to it. */
        parser->context = poptGetContext(cli->program->name, argc, (const char **)(uintptr_t)argv,
                                         parser->popt_options, 0);
    }
    if (!parser->context) {
        cli_parser_free(parser);
        return NULL;
    }
    return parser;
}

void cli_parser_free(struct cli_parser *parser)
{
    if (!parser)
        return;
    if (parser->context)
        poptFreeContext(parser->context);
    for (size_t i = 0; parser->strings && i < parser->count; i++)
        free(parser->strings[i]);
    free(parser->strings);
    for (size_t i = 0; i < parser->repeated_count; i++)
        free(parser->repeated[i]);
    for (size_t i = 0; i < parser->taken_count; i++)
        free(parser->taken[i].text);
    free(parser->taken);
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
 * ---- the command line ------------------------------------------------------------------------------------------
 */

static enum snap_status remember(struct cli_parser *parser, size_t place, const char *text, struct snap_error *err)
{
    struct taken *taken = reallocarray(parser->taken, parser->taken_count + 1, sizeof *taken);
    char *copy = text ? strdup(text) : NULL;

    if (taken)
        parser->taken = taken;
    if (!taken || (text && !copy)) {
        free(copy);
        return snap_fail(err, SNAP_E_NOMEM, "out of memory while reading the command line");
    }
    taken[parser->taken_count++] = (struct taken){.place = place, .text = copy};
    return SNAP_OK;
}

/* Whether the text is one of the options, as it is typed: "--cow", "--cow=x", "-n". */
static bool is_an_option(const struct cli_parser *parser, const char *text)
{
    for (size_t i = 0; i < parser->count; i++) {
        const struct cli_option *option = &parser->options[i];
        const size_t length = strlen(option->name);

        if (strncmp(text, "--", 2) == 0 && strncmp(text + 2, option->name, length) == 0 &&
            (text[2 + length] == '\0' || text[2 + length] == '='))
            return true;
        if (text[0] == '-' && text[1] != '\0' && text[1] == option->letter && text[2] == '\0')
            return true;
    }
    return false;
}

/*
 * "--origin --cow C": popt takes the next word, whatever it is. And nobody means a file when typing "-". What is text
 * for people may be anything.
 */
static enum snap_status check_file_name(const struct cli_parser *parser, const struct cli_option *option,
                                        const char *text, struct snap_error *err)
{
    const bool names_file = option->kind == CLI_STRING || option->kind == CLI_STRINGS;

    if (!names_file || !text || strcmp(option->argument, "TEXT") == 0)
        return SNAP_OK;
    if (strcmp(text, "-") == 0 && !option->stream)
        return snap_fail(err, SNAP_E_USAGE, "--%s: it cannot be standard input or output (a file with the name - is "
                         "written ./-)", option->name);
    if (!is_an_option(parser, text))
        return SNAP_OK;
    return snap_fail(err, SNAP_E_USAGE, "--%s: the argument %s is missing: what follows is the option %s (a file with "
                     "this name is written ./%s)", option->name, option->argument, text, text);
}

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
    if (option->given)
        *option->given = true;
    status = check_file_name(parser, option, text, err);
    if (status == SNAP_OK)
        status = remember(parser, place, text, err);
    if (status != SNAP_OK)
        return status;
    status = cli_value_read(option, text, err);
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
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory while reading it", name);
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

    for (; operands && operands[count] && count < CLI_OPERANDS_MAX; count++)
        cli->operands[count] = operands[count];
    cli->operands_count = count;
    for (unsigned i = 0; i < count; i++) {
        if (i >= program->operands_max)
            return snap_fail(err, SNAP_E_USAGE, "unexpected operand '%s'", operands[i]);
        if (operands[i][0] == '\0')
            return snap_fail(err, SNAP_E_USAGE, "the %s operand is empty", program->operand_names[i]);
    }
    if (count < program->operands_min)
        return snap_fail(err, SNAP_E_USAGE, "the %s operand is missing", program->operand_names[count]);
    return SNAP_OK;
}

static enum snap_status check_required(const struct cli_parser *parser, struct snap_error *err)
{
    for (size_t i = 0; i < parser->count; i++) {
        const struct cli_option *option = &parser->options[i];

        if (option->required && !parser->seen[i])
            return snap_fail(err, SNAP_E_USAGE, "the option --%s %s is missing", option->name, option->argument);
    }
    return SNAP_OK;
}

/* What this build has no library for is refused before anything is done. */
static enum snap_status check_lacking(const struct cli_parser *parser, struct snap_error *err)
{
    for (size_t i = 0; i < parser->count; i++) {
        const struct cli_option *option = &parser->options[i];
        const char *library = parser->seen[i] && option->lacks ? option->lacks() : NULL;

        if (library)
            return snap_fail(err, SNAP_E_UNSUPPORTED, "--%s: this build lacks %s", option->name, library);
    }
    return SNAP_OK;
}

static enum snap_status is_seen(const struct cli_parser *parser, const char *name, bool *seen, struct snap_error *err)
{
    for (size_t i = 0; i < parser->count; i++) {
        if (strcmp(parser->options[i].name, name) == 0) {
            *seen = parser->seen[i];
            return SNAP_OK;
        }
    }
    return snap_fail(err, SNAP_E_INTERNAL, "a rule names the option --%s, which does not exist", name);
}

static enum snap_status check_rule(const struct cli_parser *parser, const struct cli_option_rule *rule,
                                   struct snap_error *err)
{
    bool given, other = true;
    enum snap_status status = is_seen(parser, rule->name, &given, err);

    if (status == SNAP_OK && rule->needs)
        status = is_seen(parser, rule->needs, &other, err);
    if (status == SNAP_OK && given && !other)
        return snap_fail(err, SNAP_E_USAGE, "--%s needs --%s: %s", rule->name, rule->needs, rule->reason);
    for (size_t i = 0; status == SNAP_OK && rule->excludes[i]; i++) {
        status = is_seen(parser, rule->excludes[i], &other, err);
        if (status == SNAP_OK && given && other)
            return snap_fail(err, SNAP_E_USAGE, "--%s and --%s cannot be used together: %s", rule->name,
                             rule->excludes[i], rule->reason);
    }
    return status;
}

static enum snap_status check_rules(const struct cli_parser *parser, struct snap_error *err)
{
    const struct cli_option_rule *rule = parser->cli->program->rules;
    enum snap_status status = SNAP_OK;

    for (; rule && rule->name && status == SNAP_OK; rule++)
        status = check_rule(parser, rule, err);
    return status;
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
            while (parser->version && (result = poptGetNextOpt(parser->context)) > 0)
                parser->cli->verbose |= parser->options[result - 1].flag == &parser->cli->verbose;
            return SNAP_OK;
        }
    }
    if (result < -1)
        return bad_option(parser->context, result, err);
    status = take_operands(parser, err);
    if (status == SNAP_OK)
        status = check_required(parser, err);
    if (status == SNAP_OK)
        status = check_rules(parser, err);
    return status == SNAP_OK ? check_lacking(parser, err) : status;
}

/*
 * ---- what was given ----------------------------------------------------------------------------------------------
 */

const char *cli_parser_argument(const struct cli_parser *parser, const char *name)
{
    for (size_t i = 0; i < parser->count; i++)
        if (strcmp(parser->options[i].name, name) == 0)
            return parser->strings[i];
    return NULL;
}

static char *given(const struct cli_parser *parser, bool (*wanted)(const struct cli_option *option),
                   cli_parser_replace_fn replace)
{
    char *text = NULL, other[512];
    size_t length = 0;
    FILE *line = open_memstream(&text, &length);

    for (size_t i = 0; line && i < parser->taken_count; i++) {
        const struct taken *taken = &parser->taken[i];
        const struct cli_option *option = &parser->options[taken->place];
        const bool replaced = taken->text && replace && replace(option, taken->text, other, sizeof other);

        if (!wanted || wanted(option))
            (void)fprintf(line, " --%s%s%s", option->name, taken->text ? " " : "",
                          taken->text ? cli_quote(replaced ? other : taken->text).text : "");
    }
    if (line && fclose(line) == 0)
        return text;
    free(text);
    return NULL;
}

char *cli_parser_given(const struct cli_parser *parser, bool (*wanted)(const struct cli_option *option))
{
    return given(parser, wanted, NULL);
}

char *cli_parser_replaced(const struct cli_parser *parser, cli_parser_replace_fn replace)
{
    return given(parser, NULL, replace);
}
