#!/bin/sh
# Installs into an empty folder and uses what is there as a packager's user would: every tool tells its help, every man
# page is there, and a program that includes all headers of the middleware is built by its pkg-config file and runs.
# usage: install.sh BUILD_FOLDER
set -eu
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
passed=0
ok() { passed=$((passed + 1)); }
meson install -C "$1" --no-rebuild --destdir "$stage" >"$stage/log" 2>&1 || { cat "$stage/log"; exit 1; }

bin=$(dirname "$(find "$stage" -name tally-gate -type f)")
for tool in card gate kiosk vreader vcard ticketd authd keycentre sm9; do
    "$bin/tally-$tool" --help >"$stage/help"
    grep -q "usage: tally-$tool" "$stage/help"
    find "$stage" -name "tally-$tool.[18]*" | grep -q .
    ok
done

pc=$(dirname "$(find "$stage" -name tally-reader.pc)")
prefix=$(sed -n 's/^prefix=//p' "$pc/tally-reader.pc")
{
    (cd "$stage$prefix/include/tally" && find . -name '*.h' | sed 's|^\./\(.*\)|#include "\1"|')
    echo '#include <stdio.h>'
    echo 'int main(void) { return puts(tally_card_life_text(LIFE_IN_USE)) < 0; }'
} >"$stage/user.c"
flags=$(PKG_CONFIG_PATH=$pc pkg-config --define-variable=prefix="$stage$prefix" --cflags --libs tally-reader)
# shellcheck disable=SC2086
cc -std=c17 -Wall -Werror "$stage/user.c" -o "$stage/user" $flags
lib=$(dirname "$(find "$stage" -name 'libtally-reader.so')")
[ "$(LD_LIBRARY_PATH=$lib "$stage/user")" = "in use" ]
ok

# libtally-sm9: its example, shared and static, and nothing but its interface is visible.
example=$(find "$stage" -path '*tally-sm9/example.c')
for kind in '' --static; do
    flags=$(PKG_CONFIG_PATH=$pc pkg-config --define-variable=prefix="$stage$prefix" --cflags --libs $kind tally-sm9)
    [ -z "$kind" ] || flags=$(echo "$flags" | sed "s|-ltally-sm9|$lib/libtally-sm9.a|")
    # shellcheck disable=SC2086
    cc -std=c17 -Wall -Wextra -Werror "$example" -o "$stage/example" $flags
    [ "$(LD_LIBRARY_PATH=$lib "$stage/example")" = "bob reads: platform 4" ]
    ok
done
printf '#include <tally/tsm9.h>\nint main() { return tsm9_text(TSM9_OK) == nullptr; }\n' >"$stage/user.cc"
if command -v c++ >/dev/null; then
    flags=$(PKG_CONFIG_PATH=$pc pkg-config --define-variable=prefix="$stage$prefix" --cflags --libs tally-sm9)
    # shellcheck disable=SC2086
    c++ -Wall -Werror "$stage/user.cc" -o "$stage/user" $flags
fi
if nm -D --defined-only "$lib/libtally-sm9.so" | grep -vE ' (A TSM9_[0-9]+|T tsm9_[a-z0-9_]+@@TSM9_[0-9]+)$'; then
    exit 1
fi
ok
echo "tally-test: $passed passed, 0 failed"
