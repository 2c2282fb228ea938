#include "tests/support/check_main.h"

#include <stdarg.h>

#include "tests/support/unpoison.h"

int tally_check_main(Suite *first, ...)
{
    SRunner *runner = srunner_create(first);
    unpoison(NULL, 0); /* so that it is linked */
    va_list more;
    va_start(more, first);
    for (Suite *s = va_arg(more, Suite *); s != NULL; s = va_arg(more, Suite *))
        srunner_add_suite(runner, s);
    va_end(more);

    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    int passed = srunner_ntests_run(runner) - failed;
    srunner_free(runner);
    printf("tally-test: %d passed, %d failed\n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}
