/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is on a device that was named as the COW and holds no store. */
#ifndef DMSNAP_TOOLS_SHARED_CONTENT
#define DMSNAP_TOOLS_SHARED_CONTENT

#include "lib/check/container.h"
#include "tools/shared/report.h"

/*
 * The sentence for a header that is not good, as snap_header_fail_defect gives it; where there is no store at all, what
 * is there instead follows. `origin` is named in the lines to paste, where it has a path. SNAP_OK for a good header.
 */
enum snap_status content_fail_defect(const struct device *cow, const struct snap_store *store,
                                     const struct device *origin, struct snap_error *err);

/*
 * What is there instead of a store, and what to name or to do: "it holds ext4 "root" ...: is this the origin?". Empty
 * where there is a store, sound or not. Not yet escaped.
 */
struct report_text content_text(const struct device *cow, const struct snap_store *store);

/* "a qcow2 image", "packed with gzip": as in "it is WHAT". */
struct report_text content_container_text(const struct snap_container *container);

/* What to do with the file or device of this path: "make a raw one first: qemu-img ...", "unpack it first". */
struct report_text content_unwrap_text(const struct snap_container *container, const char *path);

/*
 * For JSON, where there is no store: "content" as above, and "lost_list", what stands behind a header that is none
 * (null: nothing).
 */
void content_set(struct cli_json *object, const struct device *cow, const struct snap_store *store);

/*
 * The same as a line of talk; nothing where there is a store. `origin` as above. `header_said`: the command that writes
 * the header anew stands elsewhere.
 */
void content_say(struct cli *cli, const struct device *cow, const struct snap_store *store,
                 const struct device *origin, bool header_said);

#endif
