# SPDX-License-Identifier: GPL-2.0-or-later
# Turns single times (mode, device, round, side, wall and CPU seconds) into medians, extremes and paired ratios.
BEGIN {
    FS = "\t"
    # A goal and what is aimed for; "<": our time over theirs at most, ">": their time over ours at least.
    goal("random-4k", "fio", "<", 1.15, 1.05);   goal("clustered", "fio", "<", 1.3, 1.05)
    goal("sequential", "fio", "<", 1.3, 1.05);   goal("random-64k", "fio", "<", 1.15, 1.05)
    goal("random-4k", "kernel", ">", 14, 25);    goal("clustered", "kernel", ">", 4, 6)
    goal("sequential", "kernel", ">", 1.2, 1.6); goal("random-64k", "kernel", ">", 4.5, 6)
    goal("random-4k", "qemu", ">", 6, 8);        goal("clustered", "qemu", ">", 2.8, 3.5)
    goal("sequential", "qemu", ">", 1.3, 1.8);   goal("random-64k", "qemu", ">", 1.2, 1.6)
    goal("random-4k", "plain", "<", 1.1, 1.1);   goal("random-64k", "plain", "<", 1.1, 1.1)
    goal("list", "check-fio", ">", 0.7, 0.95)
    CPU_GOAL = 0.5
}

function goal(mode, side, kind, least, aim) {
    kind_of[mode, side] = kind
    least_of[mode, side] = least
    aim_of[mode, side] = aim
}

{
    key = $1 SUBSEP $2
    if (!(key in seen)) {
        seen[key] = 1
        keys[++key_count] = key
    }
    if (!((key, $4) in count))
        sides[key] = sides[key] " " $4
    wall[key, $4, ++count[key, $4]] = $5
    cpu[key, $4, count[key, $4]] = $6
}

# Sorts values[1..n].
function sort(values, n,    i, j, swap) {
    for (i = 2; i <= n; i++)
        for (j = i; j > 1 && values[j - 1] > values[j]; j--) {
            swap = values[j]
            values[j] = values[j - 1]
            values[j - 1] = swap
        }
}

function median(values, n) {
    return n % 2 ? values[(n + 1) / 2] : (values[n / 2] + values[n / 2 + 1]) / 2
}

# Of the rounds' own ratios: what slows a whole round down cancels out.
function paired(key, ours, side, what, upside_down,    i, a, b, n) {
    delete ratios
    n = count[key, ours] < count[key, side] ? count[key, ours] : count[key, side]
    for (i = 1; i <= n; i++) {
        a = what == "cpu" ? cpu[key, ours, i] : wall[key, ours, i]
        b = what == "cpu" ? cpu[key, side, i] : wall[key, side, i]
        ratios[i] = upside_down ? b / (a > 0 ? a : 0.001) : a / (b > 0 ? b : 0.001)
    }
    sort(ratios, n)
    return n
}

function verdict(ratio, kind, least, aim) {
    if (kind == "<")
        return ratio <= aim ? "aim" : ratio <= least ? "goal" : "MISSED"
    return ratio >= aim ? "aim" : ratio >= least ? "goal" : "MISSED"
}

function print_ratio(key, mode, ours, side, what, kind, least, aim,    n, ratio, name) {
    n = paired(key, ours, side, what, kind == ">")
    ratio = median(ratios, n)
    name = kind == ">" ? side " / " ours : ours " / " side (what == "cpu" ? ", CPU" : "")
    printf "  %-24s %7.2f %7.2f %7.2f", name, ratio, ratios[1], ratios[n]
    if (least)
        printf "   %s %-5s aim %-5s %s", kind == ">" ? "at least" : "at most ", least, aim,
            verdict(ratio, kind, least, aim)
    printf "\n"
}

END {
    for (k = 1; k <= key_count; k++) {
        key = keys[k]
        split(key, parts, SUBSEP)
        mode = parts[1]
        ours = mode == "list" ? "check" : "ours"
        printf "\n%s (%s)\n  %-24s %7s %7s %7s %9s\n", mode, parts[2], "seconds", "median", "min", "max", "CPU"
        side_count = split(sides[key], names, " ")
        order = ours
        for (s = 1; s <= side_count; s++)
            if (names[s] != ours)
                order = order " " names[s]
        split(order, names, " ")
        for (s = 1; s <= side_count; s++) {
            side = names[s]
            n = count[key, side]
            delete values
            delete cpus
            for (i = 1; i <= n; i++) {
                values[i] = wall[key, side, i]
                cpus[i] = cpu[key, side, i]
            }
            sort(values, n)
            sort(cpus, n)
            middle = median(values, n)
            printf "  %-24s %7.2f %7.2f %7.2f %9.2f", side, middle, values[1], values[n], median(cpus, n)
            if (mode == "list" && middle > 0)
                printf "   %.1f million entries per second", entries / middle / 1e6
            printf "\n"
        }
        printf "  %-24s %7s %7s %7s\n", "paired ratios", "median", "min", "max"
        for (s = 2; s <= side_count; s++) {
            side = names[s]
            kind = (mode, side) in kind_of ? kind_of[mode, side] : side == "plain" ? "<" : ">"
            print_ratio(key, mode, ours, side, "wall", kind, least_of[mode, side], aim_of[mode, side])
            if (side == "plain")
                print_ratio(key, mode, ours, side, "cpu", "<", CPU_GOAL, CPU_GOAL)
        }
    }
}
