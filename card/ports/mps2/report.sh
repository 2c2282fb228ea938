#!/usr/bin/env bash
# report.sh FIRMWARE BEARSSL: the firmware's sizes as lines "name number", and whether they keep the budget of
# specs/firmware.md. FIRMWARE and BEARSSL are build folders. Status 1 when the budget is broken.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
elf=$1/card/ports/mps2/tally-firmware.elf
code_max=$((128 * 1024)) ram_max=$((16 * 1024)) stack_max=$((6 * 1024)) nvm_max=$((64 * 1024))
status=0

section() { arm-none-eabi-size -A "$elf" | awk -v name="$1" '$1 == name { n = $2 } END { print n + 0 }'; }
constant() { sed -n "s/^ *$1 = \([0-9]*\),.*/\1/p" "$here/../vcard/image.h"; }

# figure NAME VALUE [LIMIT]
figure() {
    echo "card.$1 $2"
    [ $# -lt 3 ] || [ "$2" -le "$3" ] || { echo "report.sh: $1 is $2, more than $3" >&2; status=1; }
}

bound=$(python3 "$here/stack.py" "$elf" "$here/calls.txt" "$1/card" "$2/obj")
data=$(section .data)
static=$((data + $(section .bss)))
figure code_bytes $(($(section .text) + $(section .ARM.exidx) + data)) "$code_max"
figure data_bytes "$data"
figure ram_bytes $((static + $(section .stack))) "$ram_max"
figure ram_static_bytes "$static"
figure stack_reserved_bytes "$(section .stack)" "$stack_max"
figure stack_bound_bytes "$(awk '$1 == "stack_bound" { print $2 }' <<<"$bound")" "$(section .stack)"
figure nvm_bytes $(($(constant IMAGE_PAGE_SIZE) * $(constant IMAGE_PAGES))) "$nvm_max"
awk '$1 == "path" { $1 = ""; print "# deepest calls:" $0 }' <<<"$bound" >&2

if arm-none-eabi-nm "$elf" | grep -Ew '_?(malloc|calloc|realloc|free)(_r)?|_?sbrk(_r)?' >&2; then
    echo "report.sh: the firmware has a heap" >&2
    status=1
fi
exit "$status"
