#!/usr/bin/env bash
# msan.sh: the card under MemorySanitizer. build/msan is a build with clang in which card/ and BearSSL (its source comes from
# Debian's source package, by card/ports/mps2/bearssl.sh) are instrumented, and what surrounds them is not (msan.ignore). The
# fuzz targets of the card run over their corpora and a few mutations, and the card's unit tests run. Status 3: it cannot
# be built here.
set -euo pipefail
cd "$(dirname "$0")/../.."
fuzz=(apdu sequence ticket tlv)
unit=(apdu issuer scp03 store ticket_window wire)
tree=$(echo build/bearssl/source/bearssl-*/)
[ -d "${tree}src" ] || exit 3
library=$PWD/build/msan-bearssl
if [ ! -f "$library/libbearssl.a" ]; then
    mkdir -p "$library/obj"
    find "$PWD/${tree}src" -name '*.c' ! -path '*/ssl/*' ! -path '*/x509/*' -print0 | (cd "$library/obj" &&
        xargs -0 -n 16 -P 2 clang -fsanitize=memory -O1 -g -I "$OLDPWD/${tree}src" -I "$OLDPWD/${tree}inc" -c)
    ar -rcs "$library/libbearssl.a" "$library"/obj/*.o
fi
[ -f build/msan/build.ninja ] || CC=clang meson setup build/msan -Doptimization=1 -Db_sanitize=memory -Db_lundef=false \
    -Dc_args="-fsanitize-ignorelist=$PWD/tests/fuzz/msan.ignore -DSM9_NO_ASSEMBLY" -Dc_link_args="-L$library" >build/msan.setup.log 2>&1 ||
    { cat build/msan.setup.log >&2; exit 3; }
ninja -C build/msan "${fuzz[@]/#/tests/fuzz/fuzz_}" "${unit[@]/#/tests/unit/test_}" >build/msan.log 2>&1 ||
    { tail -n 40 build/msan.log >&2; exit 3; }
meson test -C build/msan --no-rebuild --print-errorlogs "${fuzz[@]}" "${unit[@]:1}"
