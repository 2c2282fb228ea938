#!/usr/bin/env bash
# bearssl.sh FOLDER: fetches the source of Debian's BearSSL, compiles it for a Cortex-M33 into FOLDER (inc/, obj/,
# libbearssl.a), and writes FOLDER/paths.ini, the cross file that names it. Does nothing when that is there.
# The system's package configuration is not touched: the list of sources is a copy with deb-src in it.
set -euo pipefail
folder=$1
[ -f "$folder/paths.ini" ] && exit 0
rm -rf "$folder"
mkdir -p "$folder/apt/lists/partial" "$folder/source"
folder=$(cd "$folder" && pwd)

sources() {
    local f
    for f in /etc/apt/sources.list.d/*.sources; do
        [ -f "$f" ] && sed 's/^Types:.*/Types: deb-src/' "$f" && echo
    done
    return 0
}
one_line_sources() {
    local f
    for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ -f "$f" ] && sed -n 's/^deb /deb-src /p' "$f"
    done
    return 0
}
sources >"$folder/apt/debian.sources"
list=$folder/apt/debian.sources
if ! grep -q '^Types:' "$list"; then
    list=$folder/apt/debian.list
    one_line_sources >"$list"
fi

# Files of ours, so not as apt's own user.
apt=(apt-get -q -oDir::Etc::sourcelist="$list" -oDir::Etc::sourceparts=- -oDir::State::lists="$folder/apt/lists"
    -oDir::Cache::pkgcache= -oDir::Cache::srcpkgcache= -oAPT::Sandbox::User="$(id -un)")
"${apt[@]}" update
(cd "$folder/source" && "${apt[@]}" source bearssl)

# All but what only TLS needs.
tree=("$folder"/source/bearssl-*/)
mkdir "$folder/obj"
cd "$folder/obj"
find "${tree[0]}src" -name '*.c' ! -path '*/ssl/*' ! -path '*/x509/*' -print0 |
    xargs -0 -n 16 -P 2 arm-none-eabi-gcc -mcpu=cortex-m33 -mthumb -mfloat-abi=soft -O2 -ffunction-sections \
        -fdata-sections -fcallgraph-info=su -I "${tree[0]}src" -I "${tree[0]}inc" -c
arm-none-eabi-ar -rcs "$folder/libbearssl.a" ./*.o
cp -r "${tree[0]}inc" "$folder/inc"
printf "[constants]\nbearssl = '%s'\n" "$folder" >"$folder/paths.ini"
