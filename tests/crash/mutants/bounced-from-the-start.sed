# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: each piece of a write by way of another buffer has its own data.
# In: lib/io/bounce.c
# With: test_file
# Found by: test_loop_vectors
s/copy_vector\(request, done_bytes, \*buffer, part_bytes\)/copy_vector(request, 0, *buffer, part_bytes)/
