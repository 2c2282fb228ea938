/* Counts the multiplications in Fp, squares included, of the C reference: card/sm9 compiled to call this
 * program at the entry of every function. */
#include <stdint.h>
#include <stdio.h>

#include "card/sm9/pairing.h"

/* The compiler's names for what it calls. */
void __cyg_profile_func_enter(void *function, void *caller);
void __cyg_profile_func_exit(void *function, void *caller);

static unsigned long products, reductions;

void __cyg_profile_func_enter(void *function, void *caller)
{
    (void)caller;
    uintptr_t at = (uintptr_t)function;
    products += at == (uintptr_t)fp_mul_reference || at == (uintptr_t)fp_mul_wide;
    reductions += at == (uintptr_t)fp_mul_reference || at == (uintptr_t)fp_reduce;
}

void __cyg_profile_func_exit(void *function, void *caller)
{
    (void)function;
    (void)caller;
}

int main(void)
{
    struct fp12 gt;
    products = reductions = 0;
    miller_loop(&gt, &g1_generator, &g2_generator, &fp2_one);
    unsigned long loop = products;
    final_exponentiation(&gt, &gt);
    printf("sm9.miller_loop_fp_muls %lu\n", loop);
    printf("sm9.final_exponentiation_fp_muls %lu\n", products - loop);
    printf("sm9.pairing_fp_muls %lu\n", products);
    printf("sm9.pairing_fp_reductions %lu\n", reductions);
    return 0;
}
