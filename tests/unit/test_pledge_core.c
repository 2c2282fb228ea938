/* The parties of a pledge without faults: the four outcomes of P12, prices, four eyes, guards, books. */
#include "host/pledge/core/bank.h"
#include "host/pledge/core/financing.h"
#include "host/pledge/core/platform.h"
#include "host/pledge/core/provider.h"
#include "host/pledge/core/seller.h"
#include "tests/sim/story.h"
#include "tests/support/check_main.h"

static struct sim_world world;
static struct story story;

static void setup(void)
{
    sim_open(&world, 7, NULL);
    story = (struct story){.world = &world, .stock = 5};
}

static void teardown(void)
{
    sim_close(&world);
}

static void finance(bool simple, int64_t prepay)
{
    story.simple = simple;
    story_account(&story, "prepay-a", "Underwriter", prepay);
    story_account(&story, "prepay-b", "Channel", 1000);
    ck_assert(story_settle(&story));
    ck_assert(story_finance(&story));
    ck_assert(story_enrol(&story, SIM_SELLER_A));
}

static const struct pledge_store *store(enum sim_who who)
{
    return &world.parties[who].mem.store;
}

static int64_t balance(char kind, const char *whose)
{
    char name[PLEDGE_LEDGER];
    int64_t amount;
    pledge_ledger_name((enum pledge_account_kind)kind, whose, name);
    ck_assert_int_eq(pledge_ledger_balance(store(SIM_BANK), name, &amount), TALLY_OK);
    return amount;
}

static int64_t sold_state(enum sim_who seller, const char *reference, int64_t line)
{
    struct pledge_r_sold row = {.line = line};
    PLEDGE_SET(row.reference, reference);
    ck_assert_int_eq(pledge_get(store(seller), &pledge_t_sold, &row), TALLY_OK);
    return row.state;
}

static void clean(void)
{
    struct pledge_books books;
    sim_books(&world, &books);
    ck_assert_int_eq(pledge_audit(&books, true, &world.report), TALLY_OK);
    ck_assert_str_eq(world.report.first, "");
}

static struct pledge_r_project project(void)
{
    struct pledge_r_project row = {.state = 0};
    PLEDGE_SET(row.project, story.project);
    ck_assert_int_eq(pledge_get(store(SIM_FINANCING), &pledge_t_project, &row), TALLY_OK);
    return row;
}

START_TEST(an_order_is_paid_and_delivered_ticket_by_ticket)
{
    finance(_i == 1, 1000);
    story_unpledge_terms(&story);
    ck_assert(story_settle(&story));
    int64_t owed = balance('L', story.project);
    struct pledge_r_project before = project();
    static const int64_t prices[] = {0, 100, 120, 150};
    int64_t price = story.simple ? 90 : prices[before.price_basis];
    story_sell(&story, SIM_SELLER_A, "adult", 2);
    ck_assert(story_settle(&story));
    ck_assert_int_eq(sold_state(SIM_SELLER_A, "sale-1", 1), PLEDGE_SOLD_DELIVERED);
    ck_assert_int_eq(sold_state(SIM_SELLER_A, "sale-1", 2), PLEDGE_SOLD_DELIVERED);
    ck_assert_int_eq(balance('P', "prepay-a"), 1000 - 2 * price);
    ck_assert_int_eq(balance('H', "prepay-a"), 0);
    ck_assert_int_eq(balance('L', story.project) - balance('S', story.project), owed - 2 * price);
    ck_assert_int_eq(project().repaid, story.simple ? 0 : 2 * price);
    clean();
}
END_TEST

START_TEST(part_of_an_order_may_fail)
{
    story.stock = 1;
    finance(false, 1000);
    story_sell(&story, SIM_SELLER_A, "adult", 2);
    ck_assert(
        story_settle(&story)); /* the second line waits for a ticket until its deadline, then is undone */
    ck_assert_int_eq(sold_state(SIM_SELLER_A, "sale-1", 1) + sold_state(SIM_SELLER_A, "sale-1", 2),
                     PLEDGE_SOLD_DELIVERED + PLEDGE_SOLD_FAILED);
    ck_assert_int_eq(balance('H', "prepay-a"), 0);
    clean();
}
END_TEST

/* The platform alone, its callbacks made by hand. */

static char order_number[PLEDGE_NUMBER];

static int64_t line_state(void)
{
    struct pledge_r_line row = {.line = 1};
    PLEDGE_SET(row.order, order_number);
    ck_assert_int_eq(pledge_get(store(SIM_PLATFORM), &pledge_t_line, &row), TALLY_OK);
    return row.state;
}

/* An order for one ticket that the platform has taken and nobody answered yet. */
static void open_order(void)
{
    struct sim_party *platform = &world.parties[SIM_PLATFORM], *seller = &world.parties[SIM_SELLER_A];
    struct pledge_r_reference reference = {.order = ""};
    struct pledge_message m = sim_message(&world, SIM_SELLER_A, PLEDGE_K_ORDER);
    PLEDGE_SET(m.body.order.reference, "by-hand");
    PLEDGE_SET(m.body.order.channel, story.channel);
    PLEDGE_SET(m.body.order.type, "adult");
    m.body.order.price = 180;
    m.body.order.quantity = 1;
    PLEDGE_SET(m.body.order.callback, seller->party.callback);
    ck_assert_int_eq(pledge_message_sign(&seller->party, &m), TALLY_OK);
    ck_assert_int_eq(pledge_handle(&platform->party, &platform->mem.store, &m), TALLY_OK);
    memcpy(reference.seller_key, seller->party.key, PLEDGE_KEY);
    PLEDGE_SET(reference.reference, "by-hand");
    ck_assert_int_eq(pledge_get(&platform->mem.store, &pledge_t_reference, &reference), TALLY_OK);
    memcpy(order_number, reference.order, sizeof order_number);
}

static void money(enum pledge_status status)
{
    struct sim_party *platform = &world.parties[SIM_PLATFORM];
    struct pledge_message m = sim_message(&world, SIM_FINANCING, PLEDGE_K_REDEEM_RESULT);
    PLEDGE_SET(m.body.redeem_result.order, order_number);
    m.body.redeem_result.line = 1;
    m.body.redeem_result.status = status;
    ck_assert_int_eq(pledge_handle(&platform->party, &platform->mem.store, &m), TALLY_OK);
}

static void ticket(enum pledge_status status)
{
    struct sim_party *platform = &world.parties[SIM_PLATFORM], *provider = &world.parties[SIM_PROVIDER];
    struct pledge_message m = sim_message(&world, SIM_PROVIDER, PLEDGE_K_TICKET_RESULT);
    struct pledge_r_issuing_channel channel = {.state = 0};
    struct pledge_ticket_context context = {.line = 1, .price = 180, .type = "adult", .serial = "T1"};
    PLEDGE_SET(channel.channel, story.channel);
    ck_assert_int_eq(pledge_get(&provider->mem.store, &pledge_t_issuing_channel, &channel), TALLY_OK);
    PLEDGE_SET(context.order, order_number);
    PLEDGE_SET(context.channel, story.channel);
    PLEDGE_SET(m.body.ticket_result.order, order_number);
    m.body.ticket_result.line = 1;
    m.body.ticket_result.status = status;
    if (status == PLEDGE_RESERVED)
        ck_assert_int_eq(
            provider->crypto.crypto.seal(NULL, &context, channel.channel_key, &m.body.ticket_result.ticket),
            TALLY_OK);
    ck_assert_int_eq(pledge_handle(&platform->party, &platform->mem.store, &m), TALLY_OK);
}

/* How many messages of a kind the platform has written since the last call. */
static size_t written;
static unsigned wrote(enum pledge_kind kind)
{
    unsigned n = 0;
    const struct memstore *mem = &world.parties[SIM_PLATFORM].mem;
    for (size_t i = written; i < mem->outbox_count; i++)
        n += mem->outbox[i]->message.kind == (int64_t)kind;
    return n;
}

static void from_here(void)
{
    written = world.parties[SIM_PLATFORM].mem.outbox_count;
}

START_TEST(both_are_asked_at_once)
{
    finance(false, 1000);
    from_here();
    open_order();
    ck_assert_uint_eq(wrote(PLEDGE_K_REDEEM), 1);
    ck_assert_uint_eq(wrote(PLEDGE_K_TICKET_REQUEST), 1);
}
END_TEST

/* P12, outcome by outcome; _i: which of the two answers comes first. */
START_TEST(refused_and_no_ticket_is_told)
{
    finance(false, 1000);
    open_order();
    from_here();
    ticket(PLEDGE_NONE);
    money(PLEDGE_REFUSED);
    ck_assert_int_eq(line_state(), PLEDGE_LINE_FAILED);
    ck_assert_uint_eq(wrote(PLEDGE_K_ORDER_RESULT), 1);
    ck_assert_uint_eq(wrote(PLEDGE_K_TICKET_RETURN), 0);
}
END_TEST

START_TEST(refused_with_a_ticket_returns_it)
{
    finance(false, 1000);
    open_order();
    from_here();
    if (_i == 0)
        ticket(PLEDGE_RESERVED);
    money(PLEDGE_REFUSED);
    if (_i == 1)
        ticket(PLEDGE_RESERVED);
    ck_assert_int_eq(line_state(), PLEDGE_LINE_RETURNING);
    ck_assert_uint_eq(wrote(PLEDGE_K_TICKET_RETURN), 1);
    ck_assert_uint_eq(wrote(PLEDGE_K_ORDER_RESULT), 1);
    ticket(PLEDGE_RETURNED);
    ck_assert_int_eq(line_state(), PLEDGE_LINE_FAILED);
}
END_TEST

START_TEST(held_without_a_ticket_asks_again)
{
    size_t count;
    struct sim_party *platform = &world.parties[SIM_PLATFORM];
    finance(false, 1000);
    open_order();
    from_here();
    if (_i == 0) {
        money(PLEDGE_HELD);
        ticket(PLEDGE_NONE);
    } else {
        ticket(PLEDGE_NONE);
        money(PLEDGE_HELD);
    }
    ck_assert_int_eq(line_state(), PLEDGE_LINE_WAITING);
    unsigned asked = wrote(PLEDGE_K_TICKET_REQUEST);
    tally_manual_clock_advance_ms(&world.clock, 20000);
    ck_assert_int_eq(pledge_pass(&platform->party, &platform->mem.store, 10, &count), TALLY_OK);
    ck_assert_uint_eq(count, 1);
    ck_assert_uint_eq(wrote(PLEDGE_K_TICKET_REQUEST), asked + 1);
    ck_assert_uint_eq(wrote(PLEDGE_K_ORDER_RESULT), 0);
    ticket(PLEDGE_RESERVED);
    ck_assert_int_eq(line_state(), PLEDGE_LINE_CAPTURING);
}
END_TEST

START_TEST(both_done_captures_then_delivers)
{
    finance(false, 1000);
    open_order();
    from_here();
    if (_i == 0)
        money(PLEDGE_HELD);
    ticket(PLEDGE_RESERVED);
    if (_i == 1)
        money(PLEDGE_HELD);
    ck_assert_int_eq(line_state(), PLEDGE_LINE_CAPTURING);
    ck_assert_uint_eq(wrote(PLEDGE_K_REDEEM_CAPTURE), 1);
    ck_assert_uint_eq(wrote(PLEDGE_K_ORDER_RESULT), 0);
    money(PLEDGE_CAPTURED);
    ck_assert_uint_eq(wrote(PLEDGE_K_ORDER_RESULT), 1);
    ck_assert_uint_eq(wrote(PLEDGE_K_TICKET_ISSUE), 1);
    money(PLEDGE_CAPTURED); /* again: nothing happens twice */
    ticket(PLEDGE_RESERVED);
    ck_assert_uint_eq(wrote(PLEDGE_K_ORDER_RESULT), 1);
    ticket(PLEDGE_ISSUED);
    ck_assert_int_eq(line_state(), PLEDGE_LINE_DELIVERED);
}
END_TEST

START_TEST(an_order_needs_a_granted_key_a_known_type_and_its_own_callback)
{
    struct sim_party *platform = &world.parties[SIM_PLATFORM], *seller = &world.parties[SIM_SELLER_A];
    finance(false, 1000);
    for (int fault = 0; fault < 5; fault++) {
        struct sim_party *from = fault == 1 ? &world.parties[SIM_SELLER_B] : seller;
        struct pledge_message m =
            sim_message(&world, fault == 1 ? SIM_SELLER_B : SIM_SELLER_A, PLEDGE_K_ORDER);
        PLEDGE_SET(m.body.order.reference, "r");
        PLEDGE_SET(m.body.order.channel, fault == 2 ? "C-other" : story.channel);
        PLEDGE_SET(m.body.order.type, fault == 3 ? "senior" : "adult");
        m.body.order.price = m.body.order.quantity = 1;
        PLEDGE_SET(m.body.order.callback, fault == 4 ? "sim://elsewhere" : from->party.callback);
        ck_assert_int_eq(pledge_message_sign(&from->party, &m), TALLY_OK);
        ck_assert_int_eq(pledge_message_check(&platform->party, &m), TALLY_OK);
        memstore_begin(&platform->mem, -1);
        enum tally_error e = pledge_handle(&platform->party, &platform->mem.store, &m);
        ck_assert_int_eq(e, fault == 0 ? TALLY_OK : TALLY_E_DENIED);
        memstore_rollback(&platform->mem);
    }
}
END_TEST

START_TEST(the_same_reference_means_the_same_order)
{
    struct sim_party *platform = &world.parties[SIM_PLATFORM];
    finance(false, 1000);
    story_sell(&story, SIM_SELLER_A, "adult", 1);
    ck_assert(story_settle(&story));
    struct pledge_message m = sim_message(&world, SIM_SELLER_A, PLEDGE_K_ORDER);
    PLEDGE_SET(m.body.order.reference, "sale-1");
    PLEDGE_SET(m.body.order.channel, story.channel);
    PLEDGE_SET(m.body.order.type, "adult");
    m.body.order.price = 180;
    m.body.order.quantity = 2; /* it was 1 */
    PLEDGE_SET(m.body.order.callback, world.parties[SIM_SELLER_A].party.callback);
    memcpy(m.key, world.parties[SIM_SELLER_A].party.key, PLEDGE_KEY);
    ck_assert_int_eq(pledge_handle(&platform->party, &platform->mem.store, &m), TALLY_E_EXISTS);
    m.body.order.quantity = 1;
    from_here();
    ck_assert_int_eq(pledge_handle(&platform->party, &platform->mem.store, &m), TALLY_OK);
    ck_assert_uint_eq(wrote(PLEDGE_K_ORDER_RESULT), 1); /* told again */
    ck_assert_uint_eq(wrote(PLEDGE_K_REDEEM), 0);
}
END_TEST

START_TEST(a_revoked_seller_orders_no_more)
{
    finance(false, 1000);
    struct pledge_message m = sim_message(&world, SIM_OPERATOR_1, PLEDGE_K_REVOKE_ORDER);
    PLEDGE_SET(m.body.revoke.channel, story.channel);
    m.body.revoke.number = 1;
    memcpy(m.body.revoke.seller_key, world.parties[SIM_SELLER_A].party.key, PLEDGE_KEY);
    sim_say(&world, SIM_OPERATOR_1, &m);
    ck_assert(story_settle(&story));
    story_sell(&story, SIM_SELLER_A, "adult", 1);
    ck_assert(story_settle(&story));
    ck_assert_int_eq(sold_state(SIM_SELLER_A, "sale-1", 1), PLEDGE_SOLD_FAILED);
    clean();
}
END_TEST

START_TEST(one_operator_is_not_enough)
{
    struct pledge_r_grant grant = {.state = 0};
    story_account(&story, "prepay-a", "Underwriter", 1000);
    ck_assert(story_settle(&story));
    ck_assert(story_finance(&story));
    struct pledge_message m = sim_message(&world, SIM_SELLER_A, PLEDGE_K_KEY_SUBMISSION);
    PLEDGE_SET(m.body.key_submission.uscc, "91000000000000000A");
    PLEDGE_SET(m.body.key_submission.name, "Underwriter");
    PLEDGE_SET(m.body.key_submission.channel, story.channel);
    PLEDGE_SET(m.body.key_submission.project, story.project);
    sim_say(&world, SIM_SELLER_A, &m);
    ck_assert(story_settle(&story));
    PLEDGE_SET(grant.channel, story.channel);
    memcpy(grant.seller_key, world.parties[SIM_SELLER_A].party.key, PLEDGE_KEY);
    for (int i = 0; i < 3; i++) {
        story_approve(&story, SIM_OPERATOR_1, PLEDGE_SUBJECT_GRANT, SIM_SELLER_A);
        ck_assert(story_settle(&story));
        ck_assert_int_eq(pledge_get(store(SIM_BANK), &pledge_t_grant, &grant), TALLY_OK);
        ck_assert_int_eq(grant.state, PLEDGE_DECISION_ONCE);
    }
}
END_TEST

START_TEST(disposal_lets_the_other_seller_redeem_at_its_own_price)
{
    finance(false, 1000);
    ck_assert(story_dispose(&story));
    ck_assert_int_eq(project().state, PLEDGE_PROJECT_REPAYMENT); /* one operator ordered it */
    story_approve(&story, SIM_OPERATOR_2, PLEDGE_SUBJECT_DISPOSAL, SIM_SELLER_B);
    ck_assert(story_settle(&story));
    ck_assert_int_eq(project().state, PLEDGE_PROJECT_DISPOSAL);
    ck_assert(story_enrol(&story, SIM_SELLER_B));
    story_sell(&story, SIM_SELLER_B, "adult", 1);
    story_sell(&story, SIM_SELLER_A, "adult", 1);
    ck_assert(story_settle(&story));
    ck_assert_int_eq(sold_state(SIM_SELLER_B, "sale-1", 1), PLEDGE_SOLD_DELIVERED);
    ck_assert_int_eq(sold_state(SIM_SELLER_A, "sale-2", 1), PLEDGE_SOLD_FAILED);
    ck_assert_int_eq(balance('P', "prepay-b"), 1000 - 80);
    ck_assert_int_eq(balance('P', "prepay-a"), 1000);
    clean();
}
END_TEST

START_TEST(a_project_closes_once_everything_is_repaid)
{
    struct sim_party *bank = &world.parties[SIM_BANK];
    story.stock = 20;
    finance(false, 100000);
    struct pledge_message m = sim_message(&world, SIM_OPERATOR_1, PLEDGE_K_CLOSE_ORDER);
    PLEDGE_SET(m.body.project.project, story.project);
    ck_assert_int_eq(pledge_handle(&bank->party, &bank->mem.store, &m), TALLY_E_DENIED);
    story_sell(&story, SIM_SELLER_A, "adult", 10);
    ck_assert(story_settle(&story));
    ck_assert_int_eq(balance('L', story.project), 0);
    ck_assert_int_gt(balance('S', story.project), 0);
    sim_say(&world, SIM_OPERATOR_1, &m);
    ck_assert(story_settle(&story));
    ck_assert_int_eq(project().state, PLEDGE_PROJECT_CLOSED);
    story_sell(&story, SIM_SELLER_A, "adult", 1);
    ck_assert(story_settle(&story));
    ck_assert_int_eq(sold_state(SIM_SELLER_A, "sale-2", 1), PLEDGE_SOLD_FAILED);
    clean();
}
END_TEST

/* Books. */

START_TEST(the_ledger_refuses_what_does_not_add_up)
{
    const struct pledge_store *books = store(SIM_BANK);
    struct pledge_leg legs[2] = {{.account = "cash", .amount = 10}, {.account = "P:x", .amount = -10}};
    ck_assert_int_eq(pledge_ledger_open(books, "cash", "", PLEDGE_ASSET), TALLY_OK);
    ck_assert_int_eq(pledge_ledger_open(books, "P:x", "", PLEDGE_LIABILITY), TALLY_OK);
    ck_assert_int_eq(pledge_ledger_open(books, "P:x", "", PLEDGE_ASSET), TALLY_E_EXISTS);
    ck_assert_int_eq(pledge_ledger_post(books, 1, "a", "1", legs, 2), TALLY_OK);
    ck_assert_int_eq(pledge_ledger_post(books, 1, "a", "1", legs, 2), TALLY_E_EXISTS);
    ck_assert_int_eq(pledge_ledger_post(books, 1, "a", "2", legs, 1), TALLY_E_BUG);
    legs[1].amount = -9;
    ck_assert_int_eq(pledge_ledger_post(books, 1, "a", "3", legs, 2), TALLY_E_BUG);
    legs[0].amount = -11;
    legs[1].amount = 11;
    memstore_commit(&world.parties[SIM_BANK].mem);
    ck_assert_int_eq(pledge_ledger_post(books, 1, "a", "4", legs, 2), TALLY_E_DENIED);
    memstore_rollback(&world.parties[SIM_BANK].mem);
    int64_t amount;
    ck_assert_int_eq(pledge_ledger_balance(books, "P:x", &amount), TALLY_OK);
    ck_assert_int_eq(amount, 10);
}
END_TEST

START_TEST(the_audit_notices_what_was_changed_by_hand)
{
    struct pledge_r_account account = {.side = 0};
    finance(false, 1000);
    story_sell(&story, SIM_SELLER_A, "adult", 1);
    ck_assert(story_settle(&story));
    clean();
    PLEDGE_SET(account.account, "P:prepay-a");
    ck_assert_int_eq(pledge_get(store(SIM_BANK), &pledge_t_account, &account), TALLY_OK);
    account.balance--;
    ck_assert_int_eq(pledge_update(store(SIM_BANK), &pledge_t_account, &account), TALLY_OK);
    ck_assert_int_eq(pledge_audit_bank(store(SIM_BANK), &world.report), TALLY_OK);
    ck_assert_uint_eq(world.report.findings, 2); /* the account, and the whole */
}
END_TEST

/* Fields and messages. */

START_TEST(a_message_out_of_its_limits_is_refused)
{
    struct sim_party *bank = &world.parties[SIM_BANK];
    for (int fault = 0; fault < 8; fault++) {
        struct pledge_message m = sim_message(&world, SIM_OPERATOR_1, PLEDGE_K_DEPOSIT);
        PLEDGE_SET(m.body.deposit.reference, "r");
        PLEDGE_SET(m.body.deposit.account, "a");
        m.body.deposit.amount = 1;
        enum tally_error want = fault == 0 ? TALLY_OK : TALLY_E_FORMAT;
        if (fault == 1)
            m.body.deposit.amount = 0;
        if (fault == 2)
            m.body.deposit.amount = PLEDGE_MONEY_MAX + 1;
        if (fault == 3)
            m.body.deposit.reference[0] = 0;
        if (fault == 4)
            memset(m.body.deposit.account, 'a', PLEDGE_ACCOUNT); /* no end */
        if (fault == 5)
            m.body.deposit.account[4] = 'x'; /* after its end */
        if (fault == 6)
            m.body.deposit.reference[0] = '\n';
        if (fault == 7)
            m.kind = PLEDGE_KIND_COUNT;
        (void)pledge_message_sign(&world.parties[SIM_OPERATOR_1].party, &m);
        ck_assert_int_eq(pledge_message_check(&bank->party, &m), want);
    }
}
END_TEST

START_TEST(a_message_counts_only_from_and_to_whom_it_names)
{
    struct sim_party *bank = &world.parties[SIM_BANK];
    struct pledge_message good = sim_message(&world, SIM_OPERATOR_1, PLEDGE_K_DEPOSIT), m;
    PLEDGE_SET(good.body.deposit.reference, "r");
    PLEDGE_SET(good.body.deposit.account, "a");
    good.body.deposit.amount = 1;
    ck_assert_int_eq(pledge_message_sign(&world.parties[SIM_OPERATOR_1].party, &good), TALLY_OK);
    ck_assert_int_eq(pledge_message_check(&bank->party, &good), TALLY_OK);
    m = good;
    m.body.deposit.amount = 2;
    ck_assert_int_eq(pledge_message_check(&bank->party, &m), TALLY_E_CRYPTO);
    m = good;
    m.signature[5] ^= 1;
    ck_assert_int_eq(pledge_message_check(&bank->party, &m), TALLY_E_CRYPTO);
    m = good;
    PLEDGE_SET(m.from, "operator-2");
    ck_assert_int_eq(pledge_message_check(&bank->party, &m), TALLY_E_DENIED);
    m = good; /* a seller's key under the operator's name */
    ck_assert_int_eq(pledge_message_sign(&world.parties[SIM_SELLER_A].party, &m), TALLY_OK);
    ck_assert_int_eq(pledge_message_check(&bank->party, &m), TALLY_E_DENIED);
    m = good;
    ck_assert_int_eq(pledge_message_check(&world.parties[SIM_PROVIDER].party, &m), TALLY_E_DENIED);
    PLEDGE_SET(m.from, "nobody");
    ck_assert_int_eq(pledge_message_check(&bank->party, &m), TALLY_E_DENIED);
}
END_TEST

/* Every byte of what is signed matters: no two messages have the same canonical bytes. */
START_TEST(canonical_bytes_tell_fields_apart)
{
    uint8_t a[256], b[256];
    size_t na, nb;
    struct pledge_message m = sim_message(&world, SIM_OPERATOR_1, PLEDGE_K_ACCOUNT);
    PLEDGE_SET(m.body.account.account, "ab");
    PLEDGE_SET(m.body.account.name, "c");
    ck_assert_int_eq(pledge_message_bytes(&m, a, sizeof a, &na), TALLY_OK);
    PLEDGE_SET(m.body.account.account, "a");
    PLEDGE_SET(m.body.account.name, "bc");
    ck_assert_int_eq(pledge_message_bytes(&m, b, sizeof b, &nb), TALLY_OK);
    ck_assert_uint_eq(na, nb);
    ck_assert(memcmp(a, b, na) != 0);
    ck_assert_int_eq(pledge_message_bytes(&m, b, 20, &nb), TALLY_E_FULL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pledge_core");
    TCase *c = tcase_create("all");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_loop_test(c, an_order_is_paid_and_delivered_ticket_by_ticket, 0, 2);
    tcase_add_test(c, part_of_an_order_may_fail);
    tcase_add_test(c, both_are_asked_at_once);
    tcase_add_test(c, refused_and_no_ticket_is_told);
    tcase_add_loop_test(c, refused_with_a_ticket_returns_it, 0, 2);
    tcase_add_loop_test(c, held_without_a_ticket_asks_again, 0, 2);
    tcase_add_loop_test(c, both_done_captures_then_delivers, 0, 2);
    tcase_add_test(c, an_order_needs_a_granted_key_a_known_type_and_its_own_callback);
    tcase_add_test(c, the_same_reference_means_the_same_order);
    tcase_add_test(c, a_revoked_seller_orders_no_more);
    tcase_add_test(c, one_operator_is_not_enough);
    tcase_add_test(c, disposal_lets_the_other_seller_redeem_at_its_own_price);
    tcase_add_test(c, a_project_closes_once_everything_is_repaid);
    tcase_add_test(c, the_ledger_refuses_what_does_not_add_up);
    tcase_add_test(c, the_audit_notices_what_was_changed_by_hand);
    tcase_add_test(c, a_message_out_of_its_limits_is_refused);
    tcase_add_test(c, a_message_counts_only_from_and_to_whom_it_names);
    tcase_add_test(c, canonical_bytes_tell_fields_apart);
    suite_add_tcase(s, c);
    return tally_check_main(s, (Suite *)NULL);
}
