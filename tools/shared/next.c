/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names the check that fits what was found. */
#include "tools/shared/next.h"

#include <string.h>

void next_use(struct cli *cli, const struct snap_probe *content, const char *path)
{
    const bool is_ext = strncmp(content->type, "ext", 3) == 0;
    const struct cli_quoted word = cli_quote(path);

    if (content->pttype[0] != '\0')
        cli_note(cli, "next: let the kernel read the partition table again: blockdev --rereadpt %s", word.text);
    else if (content->usage[0] != '\0')
        cli_note(cli, "next: check the %s file system on %s before it is used%s%s", content->type, path,
                 is_ext ? ": e2fsck -f " : "", is_ext ? word.text : "");
}
