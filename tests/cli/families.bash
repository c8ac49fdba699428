# SPDX-License-Identifier: GPL-2.0-or-later
# Reads the families of tests/images: names, what is to be found, what mends it.
# shellcheck shell=bash disable=SC2034

# recipes FAMILY: for each recipe NAME|MEND|LEFT|CHUNK_SECTORS|STATUS|FINDING;FINDING;..., with what it has of its
# base; STATUS only where it says one.
recipes() {
    awk '
        function flush() {
            if (name != "")
                print name "|" mend "|" left "|" chunk "|" status "|" found
        }
        { sub(/ *#.*/, "") }
        $1 == "base" || $1 == "recipe" {
            flush()
            name = $1 == "recipe" ? $2 : ""
            base = $1 == "base" ? $2 : ""
            mend = left = status = found = ""
        }
        $1 == "like" { found = of_base[$2]; chunk = chunk_of_base[$2] }
        $1 == "chunk_sectors" { chunk = chunk_of_base[base] = $2 }
        $1 == "finding" { found = $2 == "none" ? "" : found substr($0, 9) ";" }
        base != "" { of_base[base] = found }
        $1 == "expect" { status = $3 }
        $1 == "mend" { mend = $2; left = $4 }
        END { flush() }' "$1"
}

# options_of MEND: `enough`, the options of this way to mend, and `short`, the strongest that must not be enough.
options_of() {
    case $1 in
    p) enough=(-p) short=() ;;
    y) enough=(-y) short=(-p) ;;
    view-change) enough=(-y --accept=view-change) short=(-y --accept=revalidate,header) ;;
    revalidate) enough=(-y --accept=revalidate) short=(-y --accept=view-change,header) ;;
    header) enough=(-y --accept=header) short=(-y --accept=view-change,revalidate) ;;
    keep-*) enough=(-y --accept=view-change "--keep=${1#keep-}") short=(-y --accept=view-change,revalidate,header) ;;
    none) enough=() short=(-y --accept=view-change,revalidate,header) ;;
    *)
        echo "mend $1 means nothing" >&2
        return 1
        ;;
    esac
}
