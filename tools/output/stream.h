/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Standard output as a device that the view can be copied to. */
#ifndef DMSNAP_TOOLS_OUTPUT_STREAM
#define DMSNAP_TOOLS_OUTPUT_STREAM

#include "tools/output/session.h"

/* Sets the stream up for `size_bytes`, to be written to `out`. Its io takes no reads, and needs no close. */
struct snap_io *output_stream_open(struct output_stream *stream, FILE *out, uint64_t size_bytes);

#endif
