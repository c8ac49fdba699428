#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Recipes of stores with sectors that cannot be read: what snapcheck finds and mends on the device that fails, and on a copy
# with zeros in their place; what the kernel makes of both.
# shellcheck disable=SC2030,SC2031,SC2086,SC2154

load lib.bash
load ../cli/families.bash

FAMILY=$SRCDIR/tests/images/unreadable.recipes

# lines_of NAME WORD: what the recipe says in its lines of this word.
lines_of() {
    awk -v name="$1" -v word="$2" '$1 == "recipe" { inside = $2 == name }
        inside && $1 == word { sub(/ *#.*/, ""); sub(/^[^ ]* /, ""); print }' "$FAMILY"
}

# failing_table NAME: the COW of this recipe, with its bad sectors.
failing_table() {
    local at=0 from count end table=''
    end=$(($(stat -c %s "$S/$1.cow") / 512))
    while read -r from count; do
        [ "$from" -eq 0 ] || table+="$at $((from - at)) linear /dev/mapper/cow $at;"
        table+="$from $count error;"
        at=$((from + count))
    done < <(lines_of "$1" unreadable)
    echo "table=$table$at $((end - at)) linear /dev/mapper/cow $at"
}

# snapcheck_job STEP OPTION...: it runs on the device that fails; what it says becomes NAME.STEP.said, its result
# NAME.STEP.json.
snapcheck_job() {
    local step=$1
    shift
    uml_job exec -- /bin/sh -c "${WRAPPER-} $BUILDDIR/tools/snapcheck $* /dev/mapper/bad >$S/$name.$step.json 2>$S/$name.$step.said"
    echo "$name $step ${#uml_jobs[@]}" >>"$S/steps"
}

# job STEP VERB KEY=VALUE...: a job of the recipe that may fail.
job() {
    local step=$1
    shift
    uml_job_any "$@"
    echo "$name $step ${#uml_jobs[@]}" >>"$S/steps"
}

# failing_jobs NAME CHUNK_SECTORS: all that is tried on the device that fails.
failing_jobs() {
    local name=$1 with=(--origin /dev/mapper/origin)
    slices_open "$S/$name.origin" "$S/$name.cow"
    uml_job create name=bad "$(failing_table $name)"
    snapcheck_job first -q --json --all --data "${with[@]}"
    job loaded create name=snap "table=0 * snapshot /dev/mapper/origin /dev/mapper/bad P $2"
    job shown cmp dev=/dev/mapper/snap "with=$S/$name.view" around=$(($2 * 512))
    job removed remove name=snap
    options_of "$(lines_of $name mend)"
    if [ ${#short[@]} -gt 0 ]; then
        snapcheck_job short "${short[@]}" --no-save-old "${with[@]}"
        uml_job copy from=/dev/mapper/cow "to=$S/$name.untouched"
    fi
    if [ ${#enough[@]} -gt 0 ]; then
        snapcheck_job enough "${enough[@]}" --save-old "$S/$name.old" "${with[@]}"
        snapcheck_job second -q --json --all "${with[@]}"
        uml_job create name=snap "table=0 * snapshot /dev/mapper/origin /dev/mapper/bad P $2"
        uml_job copy from=/dev/mapper/snap "to=$S/$name.mended"
        uml_job remove name=snap
        snapcheck_job back --put-back "$S/$name.old"
        uml_job copy from=/dev/mapper/cow "to=$S/$name.back"
    fi
    uml_job remove name=bad
    uml_job remove name=cow
    uml_job remove name=origin
}

# copied NAME: a copy of the COW, with zeros in the place of the bad sectors.
copied() {
    local from count
    cp "$S/$1.cow" copy
    while read -r from count; do
        dd if=/dev/zero of=copy bs=512 seek=$from count=$count conv=notrunc status=none
    done < <(lines_of $1 unreadable)
}

setup_file() {
    local name chunk
    uml_setup_file || return 0
    [ "${SANITIZERS-}" != yes ] || return 0
    cd "$S" || return
    recipes "$FAMILY" >list
    while IFS='|' read -r name _ _ chunk _; do
        "$BUILDDIR/tests/images/mkstore" "$FAMILY#$name" $name.cow $name.origin $name.view
        failing_jobs $name $chunk
    done <list
    uml_go_slices
    printf '%s\n' "${uml_results[@]}" >all
}

setup() {
    uml_setup
    [ "${SANITIZERS-}" != yes ] || skip "AddressSanitizer cannot start in User Mode Linux"
    ! [[ " ${LACKS-} " == *' json-c '* ]] || skip "this build lacks json-c"
}

# result NAME STEP
result() {
    sed -n "$(awk -v name="$1" -v step="$2" '$1 == name && $2 == step { print $3 }' "$S/steps")p" "$S/all"
}

# findings_of FILE: one line, FINDING;FINDING;...
findings_of() {
    jq -r '[(.findings // [])[] | .rule + " " + .severity
        + (if .area != null then " area \(.area)" else "" end)
        + (if .slot != null then " slot \(.slot)" else "" end)] | sort | join(";")' "$1"
}

@test "on the device that fails: exactly the findings of the recipe, and its status" {
    local name status findings expected
    while IFS='|' read -r name _ _ _ status findings; do
        expected=$(tr ';' '\n' <<<"${findings%;}" | sort | paste -sd ';')
        assert_equal "$name: $(findings_of "$S/$name.first.json")" "$name: $expected"
        [[ $findings != *fatal* ]] || status=4
        assert_equal "$name: $(result $name first)" "$name: ok exit ${status:-0}"
    done <"$S/list"
}

@test "the kernel loads it where no finding is about an area or chunk 0, and reads all but the data that we name" {
    local name findings lost loaded=0
    while IFS='|' read -r name _ _ _ status findings; do
        if [[ $findings == *area-unreadable* || $findings == *header-unreadable* || $status == 8 ]]; then
            [[ $(result $name loaded) == 'error 5 '* ]]
            continue
        fi
        loaded=$((loaded + 1))
        lost=$(grep -o data-unreadable <<<"$findings" | wc -l)
        [[ $(result $name loaded) == 'ok '* ]]
        [[ $(result $name shown) == 'ok equal, unreadable:'* ]]
        assert_equal "$name $(result $name shown | wc -w)" "$name $((3 + lost))"
    done <"$S/list"
    [ $loaded -ge 6 ]
}

# ended NAME CHUNK_SECTORS COUNT: the view of the recipe with a list that ends after so many entries.
ended() {
    list_entries "$S/$1.cow" $2 | perl -e '
        my ($view, $origin, $bytes, $count) = @ARGV;
        open(my $from, "<:raw", $origin) or die "$origin: $!\n";
        open(my $to, "+<:raw", $view) or die "$view: $!\n";
        while (<STDIN>) {
            my ($index, $old) = split;
            next if $index < $count;
            seek($from, $old * $bytes, 0) and read($from, my $chunk, $bytes);
            seek($to, $old * $bytes, 0) and print $to $chunk or die "$view: $!\n";
        }
        close($to) or die "$view: $!\n";' view "$S/$1.origin" $(($2 * 512)) $3
}

@test "less than it needs writes nothing; what mends it there: the kernel shows what was said; the way back" {
    local name chunk mended=0 count
    while IFS='|' read -r name _ _ chunk _; do
        if [ -e "$S/$name.untouched" ]; then
            cmp "$S/$name.untouched" "$S/$name.cow"
            [ "$(result $name short)" != 'ok exit 1' ]
        fi
        [ -e "$S/$name.back" ] || continue
        mended=$((mended + 1))
        assert_equal "$name $(result $name enough) $(result $name second) $(result $name back)" \
            "$name ok exit 1 ok exit 0 ok exit 0"
        cmp "$S/$name.back" "$S/$name.cow"
        count=$(sed -n 's/.*the list will end after \([0-9]*\) entries.*/\1/p' "$S/$name.enough.said")
        cp "$S/$name.view" view
        ended $name $chunk $count
        cmp view "$S/$name.mended"
    done <"$S/list"
    [ $mended -ge 4 ]
}

@test "a copy with zeros in their place: the findings that the recipe names, and they are mended" {
    local name how rules status
    while IFS='|' read -r name _; do
        echo "$name"
        copied $name
        cp copy before
        rm -f copy.old-bytes
        read -r how rules < <(lines_of $name copy)
        status=0
        tool snapcheck -q --json --all --data --origin "$S/$name.origin" copy >json 2>said || status=$?
        assert_equal "$(jq -r '[.findings[] | select(.severity != "note") | .rule] | unique | join(",")' json)" "$rules"
        [ $how != none ] || continue
        options_of $how
        run -1 tool snapcheck "${enough[@]}" --origin "$S/$name.origin" copy
        run -0 tool snapcheck --json --origin "$S/$name.origin" copy
        tool snapcheck -q --put-back copy.old-bytes copy
        cmp copy before
    done <"$S/list"
}
