#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The rules of the house that a reader would otherwise have to watch: licences, layers, one file per library.

setup() {
    load ../support/assert
    cd "$SRCDIR" || return 1
}

# Sources as a release holds them.
sources() {
    find lib tools tests man completions configure.ac Makefile.am bootstrap quickstart .ci -type f \
        ! -name '*.o' ! -name '*.log' ! -name '*.trs' ! -name .dirstamp ! -path '*/.deps/*' ! -name '*.a' | sort
}

@test "every file names its licence in its first two lines" {
    local missing
    missing=$(sources | xargs -d '\n' grep -Il . | xargs -d '\n' awk '
        FNR == 1 { seen[FILENAME] }
        /SPDX-License-Identifier: GPL-2.0-or-later/ { named[FILENAME] }
        FNR == 2 { nextfile }
        END { for (file in seen) if (!(file in named)) print file; if (length(seen) < 200) print "few files seen" }')
    assert_equal "$missing" ""
}

# All C sources of these folders.
c_sources() {
    find "$@" -name '*.[ch]' | sort
}

# The rooms, in the order of the flow; store knows nothing of device and lvm, nor they of it.
declare -gA sees=(
    [lib/base]="lib/base"
    [lib/io]="lib/base lib/io"
    [lib/files]="lib/base lib/files"
    [lib/device]="lib/base lib/io lib/device"
    [lib/lvm]="lib/base lib/io lib/device lib/lvm"
    [lib/store]="lib/base lib/io lib/store"
    [lib/view]="lib/base lib/io lib/device lib/store lib/view"
    [lib/check]="lib/base lib/io lib/device lib/lvm lib/store lib/view lib/check"
    [lib/repair]="lib/base lib/io lib/device lib/lvm lib/store lib/view lib/check lib/repair"
    [lib/merge]="lib/base lib/io lib/device lib/lvm lib/store lib/view lib/check lib/merge"
)

@test "a room of lib/ includes only itself and rooms before it in the flow" {
    local file room included wrong= count=0
    while IFS=: read -r file included; do
        room=${file%/*}
        count=$((count + 1))
        [ "$included" != config.h ] || continue # what the build found, of no room
        [ -n "${sees[$room]-}" ] || wrong+="$file is in no room; "
        [[ " ${sees[$room]-} " == *" ${included%/*} "* ]] || wrong+="$file includes $included; "
    done < <(c_sources lib | xargs grep -o '#include "[^"]*"' | sed 's/#include "\(.*\)"/\1/')
    assert_equal "$wrong" ""
    [ "$count" -gt 150 ]
}

@test "each include line names a whole path that exists" {
    local file included wrong=
    while IFS=: read -r file included; do
        [ "$included" = config.h ] || [ -e "$included" ] || wrong+="$file includes $included; "
    done < <(c_sources lib tools tests | xargs grep -o '#include "[^"]*"' | sed 's/#include "\(.*\)"/\1/')
    assert_equal "$wrong" ""
}

@test "a private header is included in its own folder only, and by tests" {
    local file included wrong= count=0
    while IFS=: read -r file included; do
        count=$((count + 1))
        [ "${file%/*}" = "${included%/*}" ] || wrong+="$file includes $included; "
    done < <(c_sources lib tools | xargs grep -o '#include "[^"]*_private[.]h"' | sed 's/#include "\(.*\)"/\1/')
    assert_equal "$wrong" ""
    [ "$count" -gt 10 ]
}

@test "no two files of lib/ have the same name" {
    assert_equal "$(c_sources lib | sed 's|.*/||' | sort | uniq -d)" ""
}

# The test files, as paths without the ending .c.
test_files() {
    cd tests && ls cli/*.bats kernel/*.bats pairs/*.bats crash/*.tap && ls unit/test_*.c | sed 's/[.]c$//' &&
        sed -n 's|^TESTS += \(.*\)|\1|p' crash/Makemodule.am | tr ' ' '\n' | sed 's|^tests/||'
}

# What tests/README.md names in such quotes, as paths below tests/; what is nowhere stays as it is.
named_tests() {
    local name folder
    grep -oE '`[a-z0-9_/-]+([.](bats|bash|tap|h))?`' tests/README.md | tr -d '`' | sort -u | while read -r name; do
        for folder in '' cli/ crash/ kernel/ pairs/ unit/; do
            if [ -e "tests/$folder$name" ] || [ -e "tests/$folder$name.c" ] ||
                { [ -n "$folder" ] && [ -e "tests/$folder${name//-/_}.c" ]; }; then
                name=$folder$name
                break
            fi
        done
        echo "$name"
    done
}

@test "tests/README.md names each test, and nothing that does not exist" {
    local named name wrong=
    named=$(named_tests)
    assert_equal "$(comm -23 <(test_files | sort -u) <(sort -u <<<"$named"))" ""
    while read -r name; do
        case $name in
        *.bats | *.tap | *.bash | *.h | *test_*) [[ $name == */* ]] || wrong+="$name " ;;
        esac
    done <<<"$named"
    assert_equal "$wrong" ""
    [ "$(wc -l <<<"$named")" -gt 90 ]
}

@test "each module of lib/ has its unit test" {
    local header module without= count=0
    for header in lib/*/*.h; do
        module=${header%.h}
        [[ $module != *_private && -e $module.c ]] || continue
        count=$((count + 1))
        [ -e "tests/unit/test_${module##*/}.c" ] || without+="$module.c "
    done
    assert_equal "$without" ""
    [ "$count" -gt 50 ]
}

# Scripts begin with a line that names bash or bats; what is only read by others says so to shellcheck.
scripts() {
    sources | xargs -d '\n' grep -lE '^#!/.*(bash|bats)$|^# shellcheck shell=bash|^complete -F'
}

# HACKING.md has the rule.
@test "bash in one dialect" {
    local found
    [ "$(scripts | wc -l)" -gt 50 ]
    found=$(scripts | xargs -d '\n' grep -nE '^(function [a-z_]+|[a-z_A-Z]+\(\)$)|[[]{2} -[a-z] |[[]{2} [^]]* -(eq|ne|lt|le|gt|ge) ' || true)
    assert_equal "$found" ""
}

# edges PATTERN FOLDER...: what the files include of the project, "FILE INCLUDED" in a line; only files of that name.
edges() {
    local pattern=$1
    shift
    c_sources "$@" | grep -E "$pattern" | xargs grep -Ho '#include "[a-z_]*/[^"]*"' | sed 's/:#include "/ /; s/"$//'
}

@test "no header includes itself, by whatever way" {
    run tsort < <(edges '[.]h$' lib tools)
    assert_success
    [ "${#lines[@]}" -gt 80 ]
}

# A module is a header and the source of its name.
@test "no module of tools/ uses itself, by whatever way" {
    run tsort < <(edges '' tools | grep ' tools/' | sed -E 's/(_private)?[.][ch]\b//g' | awk '$1 != $2')
    assert_success
    [ "${#lines[@]}" -gt 40 ]
}

# The functions that a header declares, "HEADER NAME" in a line.
declared() {
    c_sources "$@" | grep '[.]h$' | xargs grep -HE '^[a-z][a-z0-9_ ]* [*]?[a-z0-9_]+[(]' |
        sed -E 's/^([^:]*):[^(]*[ *]([a-z0-9_]+)[(].*/\1 \2/'
}

@test "a function of tools/ begins with the name of its room or of its header" {
    local file name room base wrong= count=0
    while read -r file name; do
        count=$((count + 1))
        room=${file%/*} base=${file##*/}
        [[ $name == "${room##*/}"_* || $name == "${base%.h}"_* ]] || wrong+="$file declares $name; "
    done < <(declared tools)
    assert_equal "$wrong" ""
    [ "$count" -gt 100 ]
}

@test "lib/ never prints, exits or reads the environment" {
    run grep -nE '\b(printf|fprintf|puts|fputs|perror|exit|_exit|abort|getenv|secure_getenv|isatty)\(' $(c_sources lib)
    assert_failure 1
}

@test "no line of C is longer than 120 columns" {
    run awk 'length > 120 { print FILENAME ":" FNR ": " length " columns" }' $(c_sources lib tools tests)
    assert_success
    assert_output ""
}

@test "each file of lib/ and tools/ says its one job in a sentence on its second line" {
    local wrong
    wrong=$(awk 'FNR == 2 && !/^\/\* .*[.] \*\/$/ { print FILENAME ": " $0 }' $(c_sources lib tools))
    assert_equal "$wrong" ""
}

@test "no file of lib/ or tools/ has 400 lines or more, no function 60 or more" {
    local wrong
    wrong=$(awk '
        FNR == 1 { body = 0 }
        FNR == 400 { print FILENAME ": 400 lines or more" }
        # A function begins with its head in column 0 and ends with a brace there.
        /^[A-Za-z_]/ && !body { head = FNR }
        /^\{$/ { body = head }
        /^}$/ { if (body && FNR - body + 1 >= 60) print FILENAME ":" body ": " FNR - body + 1 " lines"; body = 0 }' \
        $(c_sources lib tools))
    assert_equal "$wrong" ""
}

@test "one dialect of C: !p and not p == NULL, sizeof x and not sizeof(x)" {
    run grep -nE '[!=]= NULL' $(c_sources lib tools)
    assert_failure 1
    # Parentheses are for types alone.
    run grep -nP 'sizeof\((?!struct |enum |u?int[0-9]*_t|size_t|unsigned|int|char|void)' $(c_sources lib tools)
    assert_failure 1
}

@test "no message of lib/ names an option of a program" {
    run grep -nE '"[^"]*--[a-z]' $(c_sources lib)
    assert_failure 1
}

# Each function and object that a header of lib/ declares, one in a line: "HEADER NAME". Types, and functions that are
# static, have no name in the library.
declared_in_headers() {
    c_sources lib | grep '[.]h$' | while read -r header; do
        sed -e 's|/[*].*[*]/||' "$header" | awk -v header="$header" '
            /\/\*/ { comment = 1 }
            !comment && !/^[ #}]/ && !/^(struct|enum|union) [a-z_0-9]+( [{].*|;)?$/ && !/^typedef/ && !/^static/ &&
                match($0, /[a-z_0-9]+(\(|;$|\[)/) {
                print header, substr($0, RSTART, RLENGTH - 1)
            }
            /\*\// { comment = 0 }'
    done
}

@test "what a header of lib/ declares begins with snap_ and the name of the header" {
    local header name base wrong= count=0
    while read -r header name; do
        base=${header##*/}
        base=${base%.h}
        base=${base%_private}
        count=$((count + 1))
        # The failures of error.h are the one exception: they stand in nearly every function.
        [[ $name == snap_"$base" || $name == snap_"${base}"_* || $base:$name == error:snap_fail* ]] ||
            wrong+="$header declares $name; "
    done < <(declared_in_headers)
    assert_equal "$wrong" ""
    [ "$count" -gt 120 ]
}

@test "each global name of the library is declared in one of its headers" {
    [ -e "$BUILDDIR/lib/libdmsnap.a" ] || skip "needs the library"
    assert_equal "$(nm --defined-only --extern-only "$BUILDDIR/lib/libdmsnap.a" | awk 'NF == 3 && $3 !~ /^__/ { print $3 }' | sort -u)" \
        "$(declared_in_headers | cut -d' ' -f2 | sort -u)"
}

# one_user HEADER FILE: only that file may include it. libdevmapper is two libraries: its config parser asks no kernel.
one_user() {
    assert_equal "$(grep -lE "#include <($1)" $(c_sources lib tools) | tr '\n' ' ')" "$2 "
}

@test "each third-party library is behind one file" {
    one_user 'blkid/' lib/device/probe.c
    one_user 'libdevmapper' 'lib/device/dm_load.c lib/device/dm_tables.c lib/lvm/lvm_text.c'
    one_user 'liburing' lib/io/uring.c
    one_user 'seccomp' lib/base/confine.c
    assert_equal "$(grep -lE '#include <ext2fs/' $(c_sources lib tools) | tr '\n' ' ')" \
        "lib/files/ext2_handle_private.h lib/files/ext2_manager.c "
    one_user 'popt' tools/cli/options.c
    one_user 'json' tools/cli/json.c
    one_user 'libsmartcols' tools/cli/table_smartcols.c
}

@test "tools/ and the rest of lib/ decode no bytes of a store" {
    # probe.c decodes bytes of file systems, lib/lvm those of physical volumes.
    local users
    users=$(grep -lE 'snap_(get|put)_le(16|32|64)\(' $(c_sources lib tools) | tr '\n' ' ')
    assert_equal "$users" "lib/base/bytes.h lib/device/probe.c lib/lvm/area.c lib/lvm/label.c lib/lvm/raid.c lib/repair/saved_file.c lib/store/codec.c lib/store/list_walk.h "
}

# The rules of lib/check/rules.c as "id severity, repair", one in a line.
rules_of_the_code() {
    grep -oE '\{"[a-z-]+", SNAP_[A-Z]+, "[a-z-]+"' lib/check/rules.c | tr -d '{",' |
        while read -r id severity repair; do
            severity=${severity#SNAP_}
            echo "$id ${severity,,}, $repair"
        done | sort
}

# The same as the paragraphs of the manual say it; a heading without a paragraph counts as none.
rules_of_the_manual() {
    awk '/^[.]Sh / { inside = /RULES OF A SOUND STORE/ }
        inside && heading != "" && !/^[.](It|El|Sh)/ { print heading }
        { heading = "" }
        inside && sub(/^[.]It Sy /, "") { sub(/ Pq /, " "); heading = $0 }' man/dmsnap-store.5 | sort
}

@test "each rule of snapcheck has its paragraph in dmsnap-store(5), and each paragraph is a rule" {
    assert_equal "$(rules_of_the_manual)" "$(rules_of_the_code)"
    [ "$(rules_of_the_code | wc -l)" -eq "$(grep -cE '^    SNAP_RULE_[A-Z_]+,$' lib/check/rules.h)" ]
    [ "$(rules_of_the_code | wc -l)" -gt 30 ]
}

@test "each rule is in the table of snapcheck(8), and has a way out" {
    assert_equal "$(sed -n 's/^[.]It Sy \([a-z-]*\) Ta \([a-z]*\) Ta \([a-z-]*\)$/\1 \2, \3/p' man/snapcheck.8 | sort)" "$(rules_of_the_code)"
    assert_equal "$(sed -n 's/^    \[\(SNAP_RULE_[A-Z_]*\)\] =.*/\1/p' tools/check/list_rules.c | sort)" \
        "$(sed -n 's/^    \(SNAP_RULE_[A-Z_]*\),$/\1/p' lib/check/rules.h | sort)"
}

# The first sentence of each paragraph under HAZARDS OF THE KERNEL, without what is said in parentheses.
hazards_of_the_manual() {
    awk '/^[.]Sh / { inside = /HAZARDS OF THE KERNEL/ }
        !inside || /^[.](Sh|Bl|El)/ { next }
        /^[.]It/ { text = ""; next }
        text == "done" { next }
        /^[.]Pq/ { line = $NF == "." ? "." : "" }
        !/^[.]Pq/ { line = $0; sub(/^[.](Sy|Li) /, "", line); sub(/ ,$/, ",", line) }
        { text = text (text == "" || line == "." ? "" : " ") line }
        /[.]$/ { print text; text = "done" }' man/dmsnap-store.5 | sort
}

@test "each hazard of the kernel in dmsnap-store(5) has its case before the real kernel, and each case is one" {
    assert_equal "$(sed -n 's/^@test "\(.*\)" {$/\1/p' tests/kernel/hazards.bats | sort)" "$(hazards_of_the_manual)"
    [ "$(hazards_of_the_manual | wc -l)" -eq \
        "$(sed -n '/^[.]Sh HAZARDS OF THE KERNEL/,/^[.]Sh SEE ALSO/p' man/dmsnap-store.5 | grep -c '^[.]It$')" ]
}

# The text of each source in one line behind its name, the marks of comment lines taken out: a citation may be wrapped.
texts_in_one_line() {
    local file
    find lib tools tests \( -name '*.[ch]' -o -name '*.bats' -o -name '*.bash' \) | sort | while read -r file; do
        echo "$file: $(sed -E 's,^ *([*#]|//) ?,,' "$file" | tr -s '\n ' ' ')"
    done
}

# "SECTION" or "SECTION, "Subsection"" for each section of the specification, one in a line.
specified_sections() {
    awk '/^[.]Sh / { section = substr($0, 5); print section }
        /^[.]Ss / { print section ", \"" substr($0, 5) "\"" }' man/dmsnap-store.5
}

@test "each section and each rule that a comment cites is in dmsnap-store(5)" {
    local texts cited wrong
    texts=$(texts_in_one_line)
    cited=$(grep -oE 'dmsnap-store\(5\), [A-Z][A-Z0-9-]*( (A|[A-Z0-9-]{2,}))*(, "[^"]+")?' <<<"$texts" | sed 's/^[^,]*, //')
    [ "$(wc -l <<<"$cited")" -gt 30 ]
    wrong=$(grep -vxFf <(specified_sections) <<<"$cited" || true)
    assert_equal "$wrong" ""
    cited=$(grep -oE '\brule [a-z]+(-[a-z]+)+' <<<"$texts" | cut -d ' ' -f 2)
    [ "$(wc -l <<<"$cited")" -gt 10 ]
    wrong=$(grep -vxFf <(rules_of_the_code | cut -d ' ' -f 1) <<<"$cited" || true)
    assert_equal "$wrong" ""
}

@test "no comment cites a specification by number" {
    run grep -oiE '^[^:]*:|\bformat,? ([0-9]+[a-z]?\b|section|appendix)[^.]{0,20}' <(texts_in_one_line)
    assert_equal "$(grep -v ':$' <<<"$output" || true)" ""
    [ "$(wc -l <<<"$output")" -gt 200 ]
}

@test "no unit test has a function by the name of one of cmocka's macros" {
    run grep -nE '^static [a-z_ ]+[ *](stop|skip|fail|mock|run_tests|expect_value|will_return)\(' tests/unit/*.[ch]
    assert_failure 1
}

@test "ARCHITECTURE.md names each module of lib/, tools/cli/, tools/shared/ and tools/output/" {
    local missing= name
    for name in $(find lib tools/cli tools/shared tools/output -name '*.[ch]' | sed 's|.*/||; s/[.][ch]$//; s/_private$//' | sort -u); do
        grep -q "\`$name\`" ARCHITECTURE.md || missing+="$name "
    done
    assert_equal "$missing" ""
}
