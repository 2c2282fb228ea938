/* The power fails in every flash operation of what a kiosk does with a card: a purchase, an exchange, a
 * refund, with the real servers over HTTP. The kiosk resumes its job when the card is back, or begins anew
 * what it had not begun; in the end no ticket and no money is lost or doubled: on the card, at the ticket
 * server, and in the seats that are left.
 *
 * Workers, each with its own pcscd, card and kiosk, share the operations. */
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/check_main.h"
#include "tests/support/chosen_card.h"
#include "tests/support/tools_world.h"

enum { WORKERS = 6, OPERATIONS_MAX = 1000, LOST = 5, SEATS = 2 * 40, PRICE = 5000 };

static struct tools_world w;
static unsigned *held; /* tickets on each worker's card in the end */

/* Seats that are still to be had in both services. */
static unsigned seats_free(void)
{
    unsigned seats = 0;
    size_t i;
    json_t *service;
    tools_get(&w, false, "/v1/services?operator=1\\&date=" TOOLS_DATE);
    json_t *answer = tools_json(&w);
    json_array_foreach(json_object_get(answer, "services"), i, service) seats +=
        (unsigned)json_integer_value(json_object_get(service, "free"));
    json_decref(answer);
    return seats;
}

static void start(void)
{
    tools_start(&w);
    held = mmap(NULL, WORKERS * sizeof *held, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(held, MAP_FAILED);
    ck_assert_uint_eq(seats_free(), SEATS);
}

static void stop(void)
{
    ck_assert_int_eq(munmap(held, WORKERS * sizeof *held), 0);
    tools_stop(&w);
}

static void expect_ticket(const char *tid, const char *state)
{
    char path[64];
    snprintf(path, sizeof path, "/v1/tickets/%s", tid);
    tools_get(&w, false, path);
    json_t *ticket = tools_json(&w);
    ck_assert_str_eq(json_string_value(json_object_get(ticket, "state")), state);
    ck_assert_int_eq(json_integer_value(json_object_get(ticket, "price")), PRICE);
    json_decref(ticket);
}

/* The only ticket on the card. */
static void only_ticket(char tid[33])
{
    size_t n;
    json_t *list = tools_tickets(&w, 0, &n);
    ck_assert_uint_eq(n, 1);
    snprintf(tid, 33, "%s",
             json_string_value(json_object_get(json_object_get(json_array_get(list, 0), "face"), "tid")));
    json_decref(list);
}

/* Runs the kiosk's command with a card that is cut in this operation, and does what its user does then: puts
 * the card back and resumes, or, when nothing was begun, asks again. False when the cut was not reached. */
static bool cut(uint64_t operation, const char *command)
{
    tools_remove(&w, 0);
    tools_insert_torn(&w, 0, operation, operation * 31 + operation % 7);
    int status = tools_run(&w, "kiosk", 0, "%s", command);
    if (status == 0) {
        tools_remove(&w, 0);
        tools_insert(&w, 0, NULL, NULL);
        return false;
    }
    ck_assert_msg(status == LOST, "%s, cut %lu: %d\n%s%s", command, (unsigned long)operation, status, w.out,
                  w.err);
    ck_assert_uint_le(tools_jobs(&w), 1);
    tools_expect(&w, 0, "kiosk", 0, "%s", tools_jobs(&w) == 1 ? "resume" : command);
    ck_assert_uint_eq(tools_jobs(&w), 0);
    return true;
}

static const char *service_of(unsigned n)
{
    return n % 2 == 0 ? TOOLS_RAIL : TOOLS_RAIL2;
}

static void buy(unsigned n, char command[128])
{
    snprintf(command, 128, "buy --operator 1 --product 10 --date " TOOLS_DATE " --service %s", service_of(n));
}

/* A worker's share: from this operation on, every so-manyth. Each ends when a command comes through. */
typedef void share_fn(unsigned worker, uint64_t first, uint64_t step);

static void purchases(unsigned worker, uint64_t first, uint64_t step)
{
    char command[128];
    size_t n, i;
    json_t *ticket;
    bool torn = true;
    buy(worker, command);
    for (uint64_t k = first; torn; k += step) {
        ck_assert_uint_lt(k, OPERATIONS_MAX);
        torn = cut(k, command);
        json_t *list = tools_tickets(&w, 0, &n);
        ck_assert_msg(n == held[worker] + 1, "cut %lu: %zu tickets instead of %u", (unsigned long)k, n,
                      held[worker] + 1);
        held[worker]++;
        json_decref(list);
    }
    json_t *list = tools_tickets(&w, 0, &n);
    json_array_foreach(list, i, ticket)
        expect_ticket(json_string_value(json_object_get(json_object_get(ticket, "face"), "tid")), "loaded");
    json_decref(list);
}

static void exchanges(unsigned worker, uint64_t first, uint64_t step)
{
    char command[128], old[33], new[33];
    bool torn = true;
    unsigned n = worker;
    buy(n, command);
    tools_expect(&w, 0, "kiosk", 0, "%s", command);
    held[worker] = 1;
    only_ticket(old);
    for (uint64_t k = first; torn; k += step) {
        ck_assert_uint_lt(k, OPERATIONS_MAX);
        snprintf(command, sizeof command, "exchange --tid %s --service %s", old, service_of(++n));
        torn = cut(k, command);
        only_ticket(new);
        ck_assert_str_ne(old, new);
        expect_ticket(old, "exchanged");
        expect_ticket(new, "loaded");
        memcpy(old, new, sizeof old);
    }
}

static void refunds(unsigned worker, uint64_t first, uint64_t step)
{
    char command[128], tid[33];
    bool torn = true;
    size_t n;
    for (uint64_t k = first; torn; k += step) {
        ck_assert_uint_lt(k, OPERATIONS_MAX);
        buy(worker, command);
        tools_expect(&w, 0, "kiosk", 0, "%s", command);
        only_ticket(tid);
        snprintf(command, sizeof command, "refund --tid %s", tid);
        torn = cut(k, command);
        json_decref(tools_tickets(&w, 0, &n));
        ck_assert_uint_eq(n, 0);
        expect_ticket(tid, "refunded");
    }
}

static void work(unsigned worker, share_fn *share, uint64_t sample)
{
    w.pcscd = test_pcscd_start();
    tools_enter(&w);
    tools_insert(&w, 0, NULL, NULL);
    tools_personalise(&w, 0, "1", false);
    share(worker, 1 + worker * sample, WORKERS * sample);
    tools_leave(&w);
    tally_private_pcscd_stop(w.pcscd);
}

static void cut_everywhere(share_fn *share, uint64_t sample)
{
    pid_t pids[WORKERS];
    unsigned tickets = 0;
    for (unsigned i = 0; i < WORKERS; i++) {
        pids[i] = fork();
        ck_assert_int_ge(pids[i], 0);
        if (pids[i] == 0) {
            work(i, share, sample);
            _exit(0);
        }
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        int status;
        ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "worker %u: %d", i, status);
        tickets += held[i];
    }
    ck_assert_uint_eq(seats_free(), SEATS - tickets);
}

/* Fewer where a case takes long, or the card is an emulator that takes its time to start. */
static uint64_t sampled(uint64_t host)
{
    return chosen_mcu() ? 5 * host : host;
}

START_TEST(a_purchase_cut_anywhere_is_made_once)
{
    cut_everywhere(purchases, sampled(1));
}
END_TEST

START_TEST(an_exchange_cut_anywhere_is_made_once)
{
    cut_everywhere(exchanges, sampled(3));
}
END_TEST

START_TEST(a_refund_cut_anywhere_is_made_once)
{
    cut_everywhere(refunds, sampled(4));
}
END_TEST

int main(void)
{
    if (!chosen_available())
        return CARD_SKIPPED;
    Suite *s = suite_create("kiosk cuts");
    TCase *c = tcase_create("cuts");
    tcase_add_checked_fixture(c, start, stop);
    tcase_add_test(c, a_purchase_cut_anywhere_is_made_once);
    tcase_add_test(c, an_exchange_cut_anywhere_is_made_once);
    tcase_add_test(c, a_refund_cut_anywhere_is_made_once);
    tcase_set_timeout(c, 300);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
