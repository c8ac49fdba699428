# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: of several images that are written at the same time, each gets its own bytes
# In: lib/io/file_transfer.c
# With: test_file_transfer
# Found by: all_images_get_their_bytes
s/(opened = &file_of\(&shares\[)i(\]\)->opened;)/\10\2/
