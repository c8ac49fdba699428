/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes whole what was typed of the devices, or says how it should have been typed. */
#include "tools/shared/typed.h"

#include "tools/cli/options.h"
#include "tools/shared/holds.h"
#include "tools/shared/lvm_name.h"
#include "tools/shared/sandbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int typed_cow(struct cli *cli, const char **cow)
{
    const char *operand = cli->operands_count > 0 ? cli->operands[0] : NULL;

    if (*cow && operand)
        return cli_usage_error(cli, "the COW is named twice: --cow %s, and the operand %s", cli_quote(*cow).text,
                               cli_quote(operand).text);
    if (!*cow && !operand)
        return cli_usage_error(cli, "the COW operand is missing");
    if (!*cow)
        *cow = operand;
    return CLI_EXIT_OK;
}

/* What cannot be read is no store as far as anybody can tell here: the line itself will say why, when it is run. */
static bool holds_store(const char *argument)
{
    const struct snap_file_options options = {.write = false};
    struct device device;
    struct snap_store store;
    struct snap_error err;
    bool found = false;

    if (devices_find(&device, argument, &err) == SNAP_OK && devices_open(&device, &options, &err) == SNAP_OK)
        found = snap_header_read(&store, device.io, &err) == SNAP_OK && snap_header_is_store(&store);
    (void)devices_close(&device, NULL); /* it was only read */
    return found;
}

static bool is_no_device(const struct cli_option *option)
{
    return strcmp(option->name, "origin") != 0 && strcmp(option->name, "cow") != 0;
}

/* `why` is a whole sentence. */
static void print_line(struct cli *cli, const char *why, const char *origin, const char *cow)
{
    char *options = cli_parser_given(cli->parser, is_no_device);

    if (!options)
        return;
    cli_line(cli, "%s", why);
    cli_line(cli, "  %s --origin %s --cow %s%s", cli->program->name, cli_quote(origin).text, cli_quote(cow).text,
             options);
    free(options);
}

static void tell_apart(struct cli *cli, const char *first, const char *second)
{
    const bool first_is = holds_store(first), second_is = holds_store(second);
    char *why = NULL;

    if (first_is == second_is) {
        if (asprintf(&why, "Devices are named by options, and %s a snapshot store. If the COW is %s, this was meant:",
                     first_is ? "each of these two holds" : "neither of these two holds", second) < 0)
            return;
    } else if (asprintf(&why, "Devices are named by options. %s holds a snapshot store, so this was meant:",
                        first_is ? first : second) < 0) {
        return;
    }
    if (first_is && !second_is)
        print_line(cli, why, second, first);
    else
        print_line(cli, why, first, second);
    free(why);
}

/* What would be lost where a store is made there; empty where nothing is known, or nothing is there. */
static struct report_text content_of(const char *argument, bool *store)
{
    const struct snap_file_options options = {.write = false};
    struct report_text what = {""};
    struct device device;
    struct snap_error err;

    *store = holds_store(argument);
    if (devices_find(&device, argument, &err) == SNAP_OK && devices_open(&device, &options, &err) == SNAP_OK &&
        holds_find(&device, &what, &err) != SNAP_OK)
        what.text[0] = '\0';
    (void)devices_close(&device, NULL); /* it was only read */
    return what;
}

static void print_new(struct cli *cli, const char *origin, const char *cow)
{
    bool store;
    const struct report_text what = content_of(cow, &store);

    if (what.text[0] == '\0') {
        print_line(cli, "Devices are named by options. This was meant:", origin, cow);
        return;
    }
    cli_line(cli, "Devices are named by options. %s holds %s.", cow, what.text);
    if (store) {
        cli_line(cli, "To let this store remember its origin:");
        cli_line(cli, "  %s --identify --origin %s --cow %s", cli->program->name, cli_quote(origin).text,
                 cli_quote(cow).text);
    }
    print_line(cli, "To make a new store in place of that, which is lost then (-f is needed):", origin, cow);
}

void typed_mean_new(struct cli *cli)
{
    const struct sandbox nothing = {.count = 0};
    const char *origin = cli_parser_argument(cli->parser, "origin"), *cow = cli_parser_argument(cli->parser, "cow");
    const char *first = cli->operands[0], *second = cli->operands[1];
    bool first_store, second_store;

    sandbox_enter(&nothing, cli);
    if (cli->operands_count == 1 && !origin != !cow) {
        print_new(cli, origin ? origin : first, cow ? cow : first);
    } else if (cli->operands_count == 2 && !origin && !cow) {
        const bool first_full = content_of(first, &first_store).text[0] != '\0';
        const bool second_full = content_of(second, &second_store).text[0] != '\0';

        /* A store is no origin, and who makes a store takes what is empty for it. */
        if ((first_store && !second_store) || (!first_full && second_full && !second_store))
            print_new(cli, second, first);
        else
            print_new(cli, first, second);
    }
}

void typed_mean(struct cli *cli)
{
    const struct sandbox nothing = {.count = 0};
    const char *origin = cli_parser_argument(cli->parser, "origin"), *cow = cli_parser_argument(cli->parser, "cow");

    sandbox_enter(&nothing, cli);
    if (cli->operands_count == 2 && !origin && !cow)
        tell_apart(cli, cli->operands[0], cli->operands[1]);
    else if (cli->operands_count == 1 && !origin != !cow)
        print_line(cli, "Devices are named by options. This was meant:", origin ? origin : cli->operands[0],
                   cow ? cow : cli->operands[0]);
}

/* Options that make a new file as well are taken for a volume only where a file would have no place. */
static bool name_volume(const struct cli_option *option, const char *argument, char *other, size_t other_bytes)
{
    static const char *const devices[] = {"origin", "cow", "preserve", "undo", "output"};
    struct lvm_name name;

    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++)
        if (strcmp(option->name, devices[i]) == 0 && lvm_name_of_missing(argument, &name))
            return (size_t)snprintf(other, other_bytes, "%s", name.text) < other_bytes;
    return false;
}

void typed_mean_missing(struct cli *cli)
{
    const char *operand = cli->operands_count > 0 ? cli->operands[0] : NULL;
    char *given = cli_parser_given(cli->parser, NULL), *meant = cli_parser_replaced(cli->parser, name_volume);
    struct lvm_name name;
    const bool operand_is_volume = operand && lvm_name_of_missing(operand, &name);

    /* A new image has a size, and a volume has one already. */
    if (given && meant && (operand_is_volume || strcmp(given, meant) != 0) &&
        !cli_parser_argument(cli->parser, "size")) {
        cli_line(cli, "If this is a volume of an LVM group that is not active, this was meant:");
        cli_line(cli, "  %s%s%s%s", cli->program->name, meant, operand ? " " : "",
                 !operand            ? ""
                 : operand_is_volume ? name.text
                                     : cli_quote(operand).text);
    }
    free(given);
    free(meant);
}
