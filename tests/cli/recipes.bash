# SPDX-License-Identifier: GPL-2.0-or-later
# The recipes of dmsnap(7), as lines that a shell runs.
# shellcheck shell=bash

# recipe TITLE: the lines of the displays in the part of RECIPES with this title.
recipe() {
    awk -v title=".Ss $1" '
        /^\.S[sh] / { inside = $0 == title }
        /^\.Ed/ { display = 0 }
        inside && display
        /^\.Bd / { display = 1 }' "$SRCDIR/man/dmsnap.7"
}
