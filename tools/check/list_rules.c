/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints the table of rules: what each means, and what a person can do. */
#include "tools/check/list_rules.h"

#include "tools/cli/json.h"
#include "tools/cli/result.h"
#include "tools/shared/report.h"

static const char *const ways_out[SNAP_RULES] = {
    [SNAP_RULE_DEVICE_SIZE] = "find the whole device or file; what is left here holds no data",
    [SNAP_RULE_HEADER_EMPTY] = 
        "check the name of the device; if it was a store, do not load it, and keep a copy of it; where its list is "
        "found, snapcheck -y --accept=header gives it a header",
    [SNAP_RULE_HEADER_MAGIC] = 
        "check the name of the device; if it was a store, do not load it, and keep a copy of it; where its list is "
        "found, snapcheck -y --accept=header gives it a header",
    [SNAP_RULE_HEADER_VERSION] = 
        "keep a copy of the device; most likely its header is damaged, and snapcheck -y --accept=header writes it anew",
    [SNAP_RULE_STORE_INVALID] = 
        "snapinspect shows what it holds; --extract with --accept=invalid writes that elsewhere; snapcheck -y "
        "--accept=revalidate makes it valid again",
    [SNAP_RULE_CHUNK_SIZE] = 
        "keep a copy of the device; its header is damaged; snapcheck -y --accept=header writes it anew",
    [SNAP_RULE_CHUNK_BLOCK] = "copy the store to a device with smaller blocks, or use --output",
    [SNAP_RULE_CHUNK_UNUSUAL] = "nothing is to be done",
    [SNAP_RULE_CHUNK_RECORD] = 
        "do not load the store; snapcheck -y --accept=header writes the size with which there is a list into both",
    [SNAP_RULE_VALID_VALUE] = "nothing is to be done; snapcheck -p writes 1",
    [SNAP_RULE_HEADER_SPARE] = "nothing is to be done",
    [SNAP_RULE_HEADER_UNREADABLE] =
        "snapmerge merges it all the same; for the kernel, copy the device with a program for failing disks",
    [SNAP_RULE_IDENTITY_DAMAGED] = "snapcreate --identify makes a new record, once you know the origin",
    [SNAP_RULE_IDENTITY_NEWER] = "use a newer version of dmsnap to read it",
    [SNAP_RULE_AREA_UNREADABLE] = 
        "copy the device with a program for failing disks, and check the copy; snapcheck -y --accept=view-change ends "
        "the list in front of the area",
    [SNAP_RULE_DATA_UNREADABLE] = 
        "snapmerge --continue-on-error merges the rest; snapinspect --extract --skip-damaged writes it elsewhere",
    [SNAP_RULE_DEVICE_HELD] = "unmount it, or remove the device-mapper table, and check again",
    [SNAP_RULE_LIST_PAST_END] = 
        "make the device as large as it was; zeros are enough if the missing area held no entries; where that cannot "
        "be done, snapcheck -y --accept=view-change ends the list in front of it",
    [SNAP_RULE_LIST_CUT] = 
        "write nothing to the store; snapmerge compares these entries with the origin, and asks where they differ; "
        "snapcheck -y --accept=view-change --origin brings them back; where they are left of an earlier snapshot in "
        "the same place, snapmerge --accept=cut merges without them",
    [SNAP_RULE_GARBAGE_BEHIND_END] = 
        "do not write to the snapshot; snapcheck -p mends it, or -y where it looks like entries; those that the origin "
        "lacks are brought back by snapcheck -y --accept=view-change --origin",
    [SNAP_RULE_STALE_AREAS] = "nothing is to be done",
    [SNAP_RULE_ENTRY_OLD_RANGE] = 
        "do not lengthen the origin for it; snapcheck -y --accept=view-change --origin drops the entry",
    [SNAP_RULE_ENTRY_NEW_TOP_BYTE] = 
        "do not load the store; snapcheck -y --accept=view-change clears the byte, or drops the entry",
    [SNAP_RULE_ENTRY_NEW_METADATA] = 
        "do not write to the snapshot; snapcheck -y --accept=view-change drops the entry; where the list uses that "
        "area (fatal), nothing is mended in place, and snapcheck --repair-to NEW --accept=view-change --origin makes a "
        "new store without the entry",
    [SNAP_RULE_ENTRY_NEW_RANGE] = 
        "make the device as large as it was; where that cannot be done, snapcheck -y --accept=view-change drops the "
        "entry; where the device was not cut and nearly all other entries are in their order, the entry gets its "
        "canonical chunk back, unless another entry has that",
    [SNAP_RULE_ENTRY_NEW_OUTLIER] = 
        "compare both data chunks that are named before you merge; where the neighbours prove it, snapcheck -y "
        "--accept=view-change gives the entry the chunk of its slot back",
    [SNAP_RULE_DUPLICATE_OLD] = 
        "decide which of the two is meant, and keep it: snapcheck -y --accept=view-change --keep=first (or last); "
        "snapinspect --extract --skip-damaged writes all other chunks elsewhere",
    [SNAP_RULE_DUPLICATE_NEW] = 
        "at most one of the two is right; where that is known, snapcheck -y --accept=view-change gives the other one "
        "its own data chunk back; else snapcheck --repair-to NEW --accept=view-change --origin makes a new store "
        "without them; snapinspect --extract --skip-damaged writes all other chunks elsewhere",
    [SNAP_RULE_ENTRY_LOST] = 
        "copy the bytes of the COW that are named, and keep them with the origin chunk that the neighbours tell; a "
        "merge leaves there what the origin has",
    [SNAP_RULE_ENTRY_REPEATED] = "nothing is to be done",
    [SNAP_RULE_ENTRY_REPEATED_OFTEN] = 
        "snapcheck -p takes the copies off the list",
    [SNAP_RULE_ENTRY_ORDER] = "do not hand the store over from snapshot-merge to snapshot while it is loaded",
    [SNAP_RULE_LEAKED_CHUNKS] = "nothing is to be done",
    [SNAP_RULE_STORE_FULL] = "make the device larger, or merge",
    [SNAP_RULE_NO_ROOM] = "make the device larger",
    [SNAP_RULE_EXACT_FIT] = "nothing is to be done",
    [SNAP_RULE_PARTIAL_CHUNK] = "nothing is to be done",
};

const char *check_list_rules_way_out(enum snap_rule rule)
{
    return ways_out[rule];
}

static void print_rule(FILE *out, enum snap_rule rule)
{
    const struct snap_rule_info *info = snap_rules_info(rule);

    report_print(out, "%s (%s, %s)", info->id, snap_rules_severity_name(info->severity), info->repair);
    report_print(out, "    %s", info->meaning);
    report_print(out, "    to do: %s", ways_out[rule]);
}

static struct cli_json *rule_json(enum snap_rule rule)
{
    const struct snap_rule_info *info = snap_rules_info(rule);
    struct cli_json *object = cli_json_object();

    cli_json_set_string(object, "id", info->id);
    cli_json_set_string(object, "severity", snap_rules_severity_name(info->severity));
    cli_json_set_string(object, "repair", info->repair);
    cli_json_set_string(object, "meaning", info->meaning);
    cli_json_set_string(object, "way_out", ways_out[rule]);
    return object;
}

int check_list_rules(struct cli *cli, bool json)
{
    struct cli_json *document, *rules;

    if (!json) {
        for (int rule = 0; rule < SNAP_RULES; rule++)
            print_rule(cli->out, (enum snap_rule)rule);
        return CLI_EXIT_OK;
    }
    document = report_json_begin(cli, NULL, NULL);
    rules = cli_json_array();
    for (int rule = 0; rule < SNAP_RULES; rule++)
        cli_json_add(rules, rule_json((enum snap_rule)rule));
    cli_json_set(document, "rules", rules);
    cli_result_keep(cli, document);
    return CLI_EXIT_OK;
}
