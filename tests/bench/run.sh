#!/usr/bin/env bash
# run.sh BUILD JSON [NAME]: runs the benchmarks built in BUILD (all, or NAME), shows their figures and writes them, flat,
# to JSON. A benchmark prints lines "name number"; anything else it says goes to standard error.
set -euo pipefail
build=$1 json=$2 only=${3:-}
here=$build/tests/bench
known="gate card store vreader authd sm9 umbral service keycentre"

figures=$(mktemp)
trap 'rm -f "$figures"' EXIT

# The command of one benchmark.
run_one() {
    case $1 in
    vreader) "$build/reader-tools/tally-vreader" -- "$here/bench_vreader" ;;
    card) bench_card ;;
    sm9) bench_sm9 ;;
    *) "$here/bench_$1" ;;
    esac
}

# The firmware's sizes and counts; what differs from the committed ones is told.
bench_card() {
    local source folder now
    folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
    source=$folder/../../card/ports/mps2
    now=$(mktemp)
    "$source/report.sh" "$build/../firmware" "$build/../bearssl" >"$now" 2>/dev/null
    "$here/bench_card" >>"$now"
    "$folder/compare.sh" "$folder/card.baseline" "$now" >&2
    cat "$now"
    rm -f "$now"
}

# What is counted is exact, and what differs from the committed counts is told.
bench_sm9() {
    local folder image counted
    folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
    image=$build/../firmware/tests/firmware/sm9/tally-sm9-image.elf
    counted=$(mktemp)
    "$here/bench_sm9"
    "$here/bench_sm9_noasm"
    "$here/count_sm9" >"$counted"
    if [ -f "$image" ]; then
        "$folder/../firmware/sm9/run.sh" "$image" | grep '^sm9' >>"$counted"
        "$folder/../firmware/sm9/size.sh" "$build/../firmware" >>"$counted"
    else
        echo "run.sh: SM9 on the microcontroller was not measured" >&2
    fi
    "$folder/compare.sh" "$folder/sm9.baseline" "$counted" >&2
    cat "$counted"
    rm -f "$counted"
}

case " $known " in
*" ${only:-gate} "*) ;;
*)
    echo "tally: no benchmark '$only'; there are: $known" >&2
    exit 2
    ;;
esac
for name in ${only:-$known}; do
    echo "# $name" >&2
    run_one "$name" | grep -E '^[a-z0-9_.]+ -?[0-9]+(\.[0-9]+)?$' | tee -a "$figures"
done
awk 'BEGIN { printf "{" } { printf "%s\n  \"%s\": %s", n++ ? "," : "", $1, $2 } END { print "\n}" }' "$figures" >"$json"
echo "# written to $json" >&2
