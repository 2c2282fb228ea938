/* Writes, as C, the multiples of the generators that fixed.c adds up: run by the build. */
#include <stdio.h>

#include "card/sm9/fixed.h"

static void print_fp(const struct fp *a)
{
    printf("{{0x%llxU, 0x%llxU, 0x%llxU, 0x%llxU}}", (unsigned long long)a->l[0], (unsigned long long)a->l[1],
           (unsigned long long)a->l[2], (unsigned long long)a->l[3]);
}

static void print_g1(const struct g1 *p)
{
    struct g1_affine a;
    g1_to_affine(&a, p);
    printf("    {");
    print_fp(&a.x);
    printf(", ");
    print_fp(&a.y);
    printf("},\n");
}

static void print_g2(const struct g2 *p)
{
    struct g2_affine a;
    g2_to_affine(&a, p);
    printf("    {{");
    print_fp(&a.x.c0);
    printf(", ");
    print_fp(&a.x.c1);
    printf("}, {");
    print_fp(&a.y.c0);
    printf(", ");
    print_fp(&a.y.c1);
    printf("}},\n");
}

int main(void)
{
    struct g1 p, first;
    struct g2 q, first2;
    printf("#include \"card/sm9/fixed.h\"\n\n");
    printf("const struct g1_affine g1_generator_multiples[FIXED_G1_DIGITS * FIXED_ENTRIES] = {\n");
    g1_from_affine(&first, &g1_generator);
    for (int i = 0; i < FIXED_G1_DIGITS; i++) {
        p = first;
        for (int j = 0; j < FIXED_ENTRIES; j++) {
            print_g1(&p);
            if (j + 1 < FIXED_ENTRIES)
                g1_add(&p, &p, &first);
        }
        g1_add(&first, &p, &p);
    }
    printf("};\n\nconst struct g2_affine g2_generator_multiples[FIXED_G2_DIGITS * FIXED_ENTRIES] = {\n");
    g2_from_affine(&first2, &g2_generator);
    for (int i = 0; i < FIXED_G2_DIGITS; i++) {
        q = first2;
        for (int j = 0; j < FIXED_ENTRIES; j++) {
            print_g2(&q);
            if (j + 1 < FIXED_ENTRIES)
                g2_add(&q, &q, &first2);
        }
        g2_add(&first2, &q, &q);
    }
    printf("};\n");
    return 0;
}
