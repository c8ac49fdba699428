#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The recipes of tests/images before the kernel, as they are and mended: what we call clean, it loads, shows and merges.

load lib.bash
load ../cli/families.bash

# pair NAME CHUNK_SECTORS VIEW RULES: jobs on $S/NAME.cow and its origin; the number of the first goes to the list.
# RULES are those above a warning, or "clean".
pair() {
    local job=$((${#uml_jobs[@]} + 4))
    slices_open "$S/$1.origin" "$S/$1.cow"
    uml_job_any create name=snap "$(snapshot_table snapshot "$2")"
    uml_job_any status name=snap
    uml_job_any cmp dev=/dev/mapper/snap "with=$S/$3"
    uml_job_any remove name=snap
    echo "$1|$4|$((job + 1))" >>"$S/list"
    # A merge of entries that occur twice has to be loaded more than once: repeated.bats.
    if [ "$4" = clean ] && [[ $1 != *repeated* ]]; then
        uml_job create name=merge "$(snapshot_table snapshot-merge "$2")"
        uml_job wait-merge name=merge
        uml_job remove name=merge
        uml_job cmp dev=/dev/mapper/origin "with=$S/$3"
    fi
    uml_job remove name=cow
    uml_job remove name=origin
}

# recipe FILE NAME CHUNK_SECTORS MEND RULES: the store as it is; and mended, where it can be.
recipe() {
    local name=$2
    "$BUILDDIR/tests/images/mkstore" "$1#$name" "$S/$name.cow" "$S/$name.origin" "$S/$name.view"
    # The large ones have no origin; a device has whole sectors.
    if [ ! -s "$S/$name.origin" ] || [ $(($(stat -c %s "$S/$name.cow") % 512)) -ne 0 ]; then
        rm "$S/$name".*
        return 0
    fi
    pair "$name" "$3" "$name.view" "${5:-clean}"
    [ "$4" != none ] || return 0
    options_of "$4"
    cp "$S/$name.cow" "$S/mended-$name.cow"
    cp "$S/$name.origin" "$S/mended-$name.origin"
    # What these leave is clean: cli/broken.bats.
    tool snapcheck -q "${enough[@]}" --no-save-old --origin "$S/$name.origin" "$S/mended-$name.cow" >said 2>&1 || true
    tool snapinspect -q --origin "$S/$name.origin" --extract "$S/mended-$name.view" "$S/mended-$name.cow" 2>said
    pair "mended-$name" "$3" "mended-$name.view" clean
}

# All of the kernel's answers, in one boot: of all recipes in the long form, else of every second one without the stores
# with chunks of 4 KiB in two areas.
setup_file() {
    local file name mend left chunk findings rules job count=0
    uml_setup_file || return 0
    cd "$S"
    for file in "$SRCDIR"/tests/images/*.recipes; do
        [[ $file != */unreadable.* ]] || continue
        recipes "$file" >recipes
        while IFS='|' read -r name mend left chunk _ findings; do
            count=$((count + 1))
            if [ -z "${DMSNAP_LONG-}" ]; then
                [ $((count % 2)) -eq 1 ] || [[ $file == */twins.* ]] || continue
                [[ $name != *chunks-* && $name != *-chunks ]] || continue
            fi
            rules=$(tr ';' '\n' <<<"$findings" | awk '/ (corrupting|fatal)/ { print $1 }' | sort -u)
            recipe "$file" "$name" "$chunk" "$mend" "$rules"
        done <recipes
    done
    uml_go_slices
    # NAME|RULES|create|status|cmp
    while IFS='|' read -r name rules job; do
        echo "$name|$rules|$(uml_result "$job")|$(uml_result $((job + 1)))|$(uml_result $((job + 2)))"
    done <list >answers
    rm -f ./*.cow ./*.origin ./*.view
}

# none: prints what is read, and fails if there is any.
none() {
    ! grep .
}

@test "what is clean or has no more than warnings is loaded, shows the view, and is merged into it" {
    # The merges have to succeed for setup_file to.
    grep '|clean|' "$S/answers" >clean
    [ "$(wc -l <clean)" -ge "$([ -n "${DMSNAP_LONG-}" ] && echo 150 || echo 50)" ]
    grep -v '|clean|ok [^|]*|ok [0-9]* [0-9]* snapshot [0-9]*/[0-9]* [0-9]*|ok [0-9]* bytes equal$' clean | none
}

@test "what the kernel refuses, gives up or cannot read is damaged for us, by these rules" {
    [ "$(wc -l <"$S/answers")" -ge "$([ -n "${DMSNAP_LONG-}" ] && echo 350 || echo 100)" ]
    awk -F '|' '$3 ~ /^error/ { print $2 }' "$S/answers" | sort -u >refused
    diff - refused <<'END'
chunk-size
device-size
header-magic
header-version
list-past-end
END
    awk -F '|' '$3 ~ /^ok/ && $4 ~ /Invalid/ { print $2 }' "$S/answers" | sort -u >given_up
    assert_equal "$(<given_up)" store-invalid
}

@test "what the kernel loads although it is damaged: it looks at none of these" {
    awk -F '|' '$2 != "clean" && $3 ~ /^ok/ && $4 !~ /Invalid/ { print $2 }' "$S/answers" | sort -u >loaded
    diff - loaded <<'END'
chunk-record
duplicate-new
duplicate-old
entry-new-metadata
entry-new-range
entry-new-top-byte
entry-old-range
entry-repeated-often
garbage-behind-end
header-empty
END
}
