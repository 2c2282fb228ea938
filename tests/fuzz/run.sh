#!/bin/sh
# run.sh TARGET CORPUS RUNS MAX_LEN: replays the committed corpus, then RUNS mutations of it with a fixed seed.
# New inputs go to a temporary folder, never into the source tree.
set -eu
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
if "$1" -seed=1 -runs="$3" -max_len="$4" -artifact_prefix="$new/" "$new" "$2" >"$new/log" 2>&1; then
    tail -n 3 "$new/log"
    echo "tally-test: 1 passed, 0 failed"
else
    tail -n 60 "$new/log"
    for f in "$new"/crash-* "$new"/leak-* "$new"/timeout-* "$new"/oom-*; do
        [ -f "$f" ] && { echo "input $(basename "$f"):"; od -An -tx1 -v "$f" | head -n 100; }
    done
    echo "tally-test: 0 passed, 1 failed"
    exit 1
fi
