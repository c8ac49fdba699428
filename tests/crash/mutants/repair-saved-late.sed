# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: the old bytes are durable before the first write of a repair.
# In: tools/check/repair.c
# With: repair_back.bats
# Found by: the old bytes and their name are durable before the first write, and the store at the end
s/^        status = check_old_bytes_save\(session, err\);/        status = SNAP_OK;/
s/^    session->mended = true;/    session->mended = true;\n    if (!session->arguments.no_save_old)\n        status = check_old_bytes_save(session, err);/
