#!/usr/bin/env bash
# afl.sh TARGET SECONDS: AFL++ on tests/fuzz/fuzz_TARGET, the same source as libFuzzer's, in persistent mode with ASan and
# UBSan, from the committed corpus. What it finds stays in build/afl/found-TARGET. Status 1 when there is a crash or a hang.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=$1 seconds=$2 out=build/afl/found-$1
mkdir -p build
# In C alone: the plugin of Debian's afl++ makes clang fail at functions that are chosen by the processor (ifunc).
[ -f build/afl/build.ninja ] || CC=afl-clang-fast meson setup build/afl -Doptimization=1 -Dc_args=-DSM9_NO_ASSEMBLY \
    -Db_sanitize=address,undefined -Db_lundef=false >build/afl.setup.log 2>&1 || { cat build/afl.setup.log >&2; exit 2; }
AFL_QUIET=1 ninja -C build/afl "tests/fuzz/fuzz_$target" >build/afl.log 2>&1 || { tail -n 40 build/afl.log >&2; exit 2; }
if [ "$target" = sequence ]; then
    export AFL_CUSTOM_MUTATOR_LIBRARY=$PWD/build/release/tests/fuzz/libsequence_afl.so AFL_CUSTOM_MUTATOR_ONLY=1
fi
# It is told not to ask for settings of the machine, which are not this script's to change.
export AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_AFFINITY=1 AFL_NO_UI=1 AFL_BENCH_UNTIL_CRASH=1
rm -rf "$out"
afl-fuzz -V "$seconds" -t 10000 -m none -i "tests/fuzz/corpus/$target" -o "$out" -- "build/afl/tests/fuzz/fuzz_$target" \
    >build/afl.run.log 2>&1 || { tail -n 40 build/afl.run.log >&2; exit 2; }
sed -n 's/^\(execs_done\|execs_per_sec\|edges_found\|saved_crashes\|saved_hangs\) *: */afl \1 /p' "$out/default/fuzzer_stats"
! grep -Eq '^saved_(crashes|hangs) *: *[1-9]' "$out/default/fuzzer_stats" || { ls "$out"/default/crashes "$out"/default/hangs; exit 1; }
