/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Standard output as a device that the view can be copied to. */
#ifndef DMSNAP_TOOLS_OUTPUT_STREAM
#define DMSNAP_TOOLS_OUTPUT_STREAM

#include "tools/output/session.h"

/* Whether the argument of --output or --extract means standard output. NULL does not. */
bool output_stream_is(const char *place);

/*
 * A usage error where `option` has standard output for its argument `place`, and the others cannot be used with that;
 * else CLI_EXIT_OK. *json becomes false then: the snapshot is expected there, and no JSON at all.
 */
int output_stream_check(struct cli *cli, const char *option, const char *place, bool *json, bool verify);

/* Sets the stream up for `size_bytes`, to be written to `out`. Its io takes no reads, and needs no close. */
struct snap_io *output_stream_open(struct output_stream *stream, FILE *out, uint64_t size_bytes);

#endif
