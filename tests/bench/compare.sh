#!/usr/bin/env bash
# compare.sh BASELINE FIGURES: what differs between two files of lines "name number", in percent. Lines of the baseline
# that begin with # say with which compiler and emulator it was made.
set -euo pipefail
grep '^#' "$1" || true
awk 'FNR == NR { if ($1 != "#") was[$1] = $2; next }
     NF != 2 || $1 !~ /^[a-z]/ { next }
     !($1 in was) { printf "new      %s %s\n", $1, $2; next }
     $2 != was[$1] { printf "%+7.2f%% %s %s (was %s)\n", was[$1] ? ($2 / was[$1] - 1) * 100 : 100, $1, $2, was[$1]; n++ }
     { delete was[$1] }
     END { for (name in was) printf "gone     %s\n", name; if (!n) print "no figure of the baseline has changed" }' "$1" "$2"
