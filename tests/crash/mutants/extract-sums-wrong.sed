# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: the progress of a copy of the view is what was done.
# In: lib/view/extract.c
# With: test_extract
# Found by: a_copy_is_the_view
s/options->progress\(options->progress_context, end_bytes,/options->progress(options->progress_context, 0,/
