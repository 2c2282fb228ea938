#include "tests/sim/story.h"

#include <stdio.h>
#include <string.h>

#include "host/pledge/core/seller.h"
#include "tests/support/must.h"

enum { SETTLE = 2000, QUIET = 8000 };

bool story_settle(struct story *s)
{
    if (!sim_quiet(s->world, SETTLE)) {
        sim_heal(s->world);
        if (!sim_quiet(s->world, QUIET))
            sim_found(s->world, "it never came to rest");
    }
    return s->world->report.findings == 0;
}

void story_account(struct story *s, const char *number, const char *name, int64_t amount)
{
    struct pledge_message m = sim_message(s->world, SIM_OPERATOR_1, PLEDGE_K_ACCOUNT);
    PLEDGE_SET(m.body.account.account, number);
    PLEDGE_SET(m.body.account.name, name);
    sim_say(s->world, SIM_OPERATOR_1, &m);
    if (amount == 0)
        return;
    m = sim_message(s->world, SIM_OPERATOR_1, PLEDGE_K_DEPOSIT);
    snprintf(m.body.deposit.reference, PLEDGE_NUMBER, "in-%zu",
             s->world->parties[SIM_OPERATOR_1].mem.outbox_count);
    PLEDGE_SET(m.body.deposit.account, number);
    m.body.deposit.amount = amount;
    sim_say(s->world, SIM_OPERATOR_1, &m);
}

static void term(struct pledge_term_list *terms, const char *type, int64_t quantity, int64_t price)
{
    struct pledge_term_item *item = &terms->items[terms->n++];
    PLEDGE_SET(item->type, type);
    item->quantity = quantity;
    item->settlement_price = price;
    item->suggested_price = price + 20;
    item->list_price = price + 50;
}

static void apply(struct story *s)
{
    struct pledge_message m = sim_message(s->world, SIM_SELLER_A, PLEDGE_K_APPLICATION);
    struct pledge_m_application *b = &m.body.application;
    PLEDGE_SET(b->reference, "application-1");
    PLEDGE_SET(b->borrower_name, "Underwriter");
    b->borrower_document_type = b->counterparty_document_type = 1;
    PLEDGE_SET(b->borrower_document_number, "D-A");
    PLEDGE_SET(b->counterparty_name, "Park");
    PLEDGE_SET(b->counterparty_document_number, "D-P");
    PLEDGE_SET(b->contract, "contract-1");
    term(&b->terms, "adult", s->stock, 100);
    term(&b->terms, "child", 1 + sim_draw(s->world, 3), 60);
    b->total = 1000;
    b->price_basis = 1 + sim_draw(s->world, 3);
    PLEDGE_SET(b->payee_account, "park-1");
    PLEDGE_SET(b->loan_account, "loan-a");
    PLEDGE_SET(b->entrusted_account, "park-1");
    b->principal = 100 + sim_draw(s->world, 600);
    b->entrusted_amount = sim_draw(s->world, 100);
    PLEDGE_SET(b->prepay_name, "Underwriter");
    PLEDGE_SET(b->prepay, "prepay-a");
    sim_say(s->world, SIM_SELLER_A, &m);
}

void story_approve(struct story *s, enum sim_who who, enum pledge_subject subject, enum sim_who seller)
{
    struct pledge_message m = sim_message(s->world, who, PLEDGE_K_APPROVE);
    m.body.approve.subject = subject;
    PLEDGE_SET(m.body.approve.project, s->project);
    if (subject == PLEDGE_SUBJECT_GRANT) {
        PLEDGE_SET(m.body.approve.channel, s->channel);
        memcpy(m.body.approve.seller_key, s->world->parties[seller].party.key, PLEDGE_KEY);
    }
    if (subject == PLEDGE_SUBJECT_DISPOSAL)
        PLEDGE_SET(m.body.approve.document_number, "D-B");
    sim_say(s->world, who, &m);
}

/* Two operators, one after the other; each message is one person's decision. */
static bool approve_twice(struct story *s, enum pledge_subject subject, enum sim_who seller)
{
    story_approve(s, SIM_OPERATOR_1, subject, seller);
    if (!story_settle(s))
        return false;
    story_approve(s, SIM_OPERATOR_2, subject, seller);
    return story_settle(s);
}

/* P6, P7: application, loan, issuing channel. */
bool story_finance(struct story *s)
{
    struct pledge_r_project_seen seen = {.project_state = 0};
    struct pledge_r_contract contract = {.disposal = 0};
    apply(s);
    if (!story_settle(s))
        return false;
    PLEDGE_SET(seen.reference, "application-1");
    must(pledge_get(&s->world->parties[SIM_SELLER_A].mem.store, &pledge_t_project_seen, &seen) == TALLY_OK);
    PLEDGE_SET(s->project, seen.project);
    if (!approve_twice(s, PLEDGE_SUBJECT_LOAN, SIM_SELLER_A))
        return false;
    struct pledge_message m = sim_message(s->world, SIM_ENTERPRISE, PLEDGE_K_PAYMENT_CONFIRMED);
    PLEDGE_SET(m.body.project.project, s->project);
    sim_say(s->world, SIM_ENTERPRISE, &m);
    if (!story_settle(s))
        return false;
    PLEDGE_SET(contract.project, s->project);
    must(pledge_get(&s->world->parties[SIM_PLATFORM].mem.store, &pledge_t_contract, &contract) == TALLY_OK);
    PLEDGE_SET(s->channel, contract.channel);
    return true;
}

/* P2-P5: a seller registers, the bank computes rk. */
bool story_enrol(struct story *s, enum sim_who who)
{
    bool a = who == SIM_SELLER_A;
    struct pledge_message m = sim_message(s->world, who, PLEDGE_K_ENTERPRISE);
    PLEDGE_SET(m.body.enterprise.uscc, a ? "91000000000000000A" : "91000000000000000B");
    PLEDGE_SET(m.body.enterprise.name, a ? "Underwriter" : "Channel");
    PLEDGE_SET(m.body.enterprise.prepay, a ? "prepay-a" : "prepay-b");
    sim_say(s->world, who, &m);
    m = sim_message(s->world, who, PLEDGE_K_CHANNEL_APPLICATION);
    struct pledge_m_channel_application *b = &m.body.channel_application;
    PLEDGE_SET(b->underwriter_uscc, "91000000000000000A");
    PLEDGE_SET(b->underwriter_name, "Underwriter");
    PLEDGE_SET(b->counterparty_uscc, "91000000000000000P");
    PLEDGE_SET(b->counterparty_name, "Park");
    PLEDGE_SET(b->ticketing_system, "tickets");
    PLEDGE_SET(b->channel, s->channel);
    PLEDGE_SET(b->project, s->simple ? "" : s->project);
    b->document_type = 1;
    PLEDGE_SET(b->document_number, a ? "D-A" : "D-B");
    PLEDGE_SET(b->prepay, a ? "prepay-a" : "prepay-b");
    b->types.n = 2;
    PLEDGE_SET(b->types.items[0].type, "adult");
    PLEDGE_SET(b->types.items[1].type, "child");
    sim_say(s->world, who, &m);
    m = sim_message(s->world, who, PLEDGE_K_KEY_SUBMISSION);
    PLEDGE_SET(m.body.key_submission.uscc, a ? "91000000000000000A" : "91000000000000000B");
    PLEDGE_SET(m.body.key_submission.name, a ? "Underwriter" : "Channel");
    PLEDGE_SET(m.body.key_submission.channel, s->channel);
    PLEDGE_SET(m.body.key_submission.project, s->project);
    sim_say(s->world, who, &m);
    return story_settle(s) && approve_twice(s, PLEDGE_SUBJECT_GRANT, who);
}

void story_unpledge_terms(struct story *s)
{
    static const char *const types[] = {"adult", "child"};
    for (int i = 0; i < 2; i++) {
        struct pledge_message m = sim_message(s->world, SIM_OPERATOR_2, PLEDGE_K_UNPLEDGE_TERMS);
        PLEDGE_SET(m.body.unpledge_terms.channel, s->channel);
        PLEDGE_SET(m.body.unpledge_terms.project, s->project);
        PLEDGE_SET(m.body.unpledge_terms.type, types[i]);
        m.body.unpledge_terms.amount = 90 - 40 * i;
        sim_say(s->world, SIM_OPERATOR_2, &m);
    }
}

void story_sell(struct story *s, enum sim_who who, const char *type, int64_t quantity)
{
    struct pledge_m_order order;
    char reference[PLEDGE_NUMBER];
    memset(&order, 0, sizeof order);
    snprintf(reference, sizeof reference, "sale-%u", ++s->sales);
    PLEDGE_SET(order.reference, reference);
    PLEDGE_SET(order.channel, s->channel);
    PLEDGE_SET(order.type, type);
    order.price = 180;
    order.quantity = quantity;
    PLEDGE_SET(order.callback, s->world->parties[who].party.callback);
    must(sim_sell(s->world, who, &order) == TALLY_OK);
}

bool story_dispose(struct story *s)
{
    struct pledge_message m = sim_message(s->world, SIM_OPERATOR_1, PLEDGE_K_DISPOSAL_ORDER);
    struct pledge_m_disposal *b = &m.body.disposal;
    PLEDGE_SET(b->project, s->project);
    b->document_type = 1;
    PLEDGE_SET(b->document_number, "D-B");
    PLEDGE_SET(b->prepay_name, "Channel");
    PLEDGE_SET(b->prepay, "prepay-b");
    b->amounts.n = 2;
    PLEDGE_SET(b->amounts.items[0].type, "adult");
    b->amounts.items[0].amount = 80;
    PLEDGE_SET(b->amounts.items[1].type, "child");
    b->amounts.items[1].amount = 40;
    sim_say(s->world, SIM_OPERATOR_1, &m);
    return story_settle(s);
}
