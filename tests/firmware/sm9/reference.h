/* The assembly of card/sm9/umaal.c against the C in limb.h. */
#ifndef TALLY_TESTS_SM9_REFERENCE_H
#define TALLY_TESTS_SM9_REFERENCE_H

#include <stdbool.h>

/* Thousands of inputs, with words of zeros and ones. False also when the assembly was left out of the build.
 */
bool assembly_is_the_reference(void);

#endif
