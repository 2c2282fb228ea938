#!/bin/sh
# run.sh IMAGE: SM9's vectors on the card's microcontroller, in QEMU, and lines "name number" of what operations take. The
# image prints the summary. Status 77 when the image was not built.
set -eu
[ -f "$1" ] && command -v qemu-system-arm >/dev/null || exit 77
out=$(mktemp)
trap 'rm -f "$out"' EXIT
# counter.h says why shift is 6.
qemu-system-arm -M mps2-an505 -m 16M -kernel "$1" -display none -monitor none -serial none \
    -semihosting-config enable=on,target=native -icount shift=6,align=off,sleep=off </dev/null >"$out" 2>&1
cat "$out"
grep -qE '^tally-test: [0-9]+ passed, 0 failed$' "$out"
