/* Sequences of commands, structure-aware: libFuzzer's entry points, and AFL++'s driver calls the same. */
#include "tests/fuzz/sequence.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t n);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t max, unsigned seed);

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t n)
{
    sequence_run(in, n);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t max, unsigned seed)
{
    return sequence_mutate(data, n, max, seed);
}
