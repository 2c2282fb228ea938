/* The parties' books against each other, ticket by ticket. */
#include <stdio.h>
#include <string.h>

#include "host/pledge/core/audit_internal.h"
#include "host/pledge/core/bank.h"
#include "host/pledge/core/financing.h"
#include "host/pledge/core/platform.h"
#include "host/pledge/core/provider.h"
#include "host/pledge/core/seller.h"

struct lines_audit {
    const struct pledge_books *books;
    struct pledge_report *report;
    bool final;
};

/* What the others know of a line; states are "new" where they know nothing. */
struct line_facts {
    struct pledge_r_order order;
    struct pledge_r_channel channel;
    struct pledge_r_redemption redemption;
    struct pledge_r_hold hold;
    struct pledge_r_ticket ticket;
};

static enum tally_error none_is_new(enum tally_error e)
{
    return e == TALLY_E_NOT_FOUND ? TALLY_OK : e;
}

static enum tally_error money_facts(const struct lines_audit *audit, const struct pledge_r_line *line,
                                    struct line_facts *f)
{
    bool full = f->channel.project[0] != 0;
    enum tally_error e = TALLY_OK;
    PLEDGE_SET(f->redemption.order, line->order);
    f->redemption.line = line->line;
    if (full) {
        e = none_is_new(pledge_get(audit->books->financing, &pledge_t_redemption, &f->redemption));
        PLEDGE_SET(f->hold.party, audit->books->financing_name);
        PLEDGE_SET(f->hold.number, f->redemption.redemption);
    } else {
        PLEDGE_SET(f->hold.party, audit->books->platform_name);
        snprintf(f->hold.number, sizeof f->hold.number, "%s.%d", line->order, (int)line->line);
    }
    return e == TALLY_OK ? none_is_new(pledge_get(audit->books->bank, &pledge_t_hold, &f->hold)) : e;
}

static enum tally_error facts(const struct lines_audit *audit, const struct pledge_r_line *line,
                              struct line_facts *f)
{
    memset(f, 0, sizeof *f);
    PLEDGE_SET(f->order.order, line->order);
    enum tally_error e = pledge_get(audit->books->platform, &pledge_t_order, &f->order);
    PLEDGE_SET(f->channel.channel, f->order.channel);
    memcpy(f->channel.seller_key, f->order.seller_key, PLEDGE_KEY);
    if (e == TALLY_OK)
        e = pledge_get(audit->books->platform, &pledge_t_channel, &f->channel);
    if (e == TALLY_OK)
        e = money_facts(audit, line, f);
    PLEDGE_SET(f->ticket.order, line->order);
    f->ticket.line = line->line;
    return e == TALLY_OK ? none_is_new(pledge_get(audit->books->provider, &pledge_t_ticket, &f->ticket)) : e;
}

static bool paid_and_kept(const struct line_facts *f)
{
    return f->hold.state == PLEDGE_HOLD_CAPTURED && f->hold.amount > 0 &&
           (f->ticket.state == PLEDGE_TICKET_RESERVED || f->ticket.state == PLEDGE_TICKET_ISSUED);
}

static bool nothing_kept(const struct line_facts *f)
{
    return f->hold.state != PLEDGE_HOLD_CAPTURED && f->hold.state != PLEDGE_HOLD_HELD &&
           f->ticket.state != PLEDGE_TICKET_ISSUED;
}

static bool all_agree(const struct pledge_r_line *line, const struct line_facts *f)
{
    bool full = f->channel.project[0] != 0;
    if (line->state == PLEDGE_LINE_DELIVERED)
        return f->ticket.state == PLEDGE_TICKET_ISSUED &&
               (!full || f->redemption.state == PLEDGE_REDEMPTION_CAPTURED);
    return line->state == PLEDGE_LINE_FAILED && f->ticket.state != PLEDGE_TICKET_RESERVED &&
           (!full || f->redemption.state == PLEDGE_REDEMPTION_NEW ||
            f->redemption.state == PLEDGE_REDEMPTION_VOIDED ||
            f->redemption.state == PLEDGE_REDEMPTION_REFUSED);
}

static enum tally_error check_line(void *ctx, const void *row)
{
    struct lines_audit *audit = ctx;
    const struct pledge_r_line *line = row;
    struct line_facts f;
    enum tally_error e = facts(audit, line, &f);
    if (e != TALLY_OK)
        return e;
    bool delivered = line->state == PLEDGE_LINE_ISSUING || line->state == PLEDGE_LINE_DELIVERED;
    bool right = delivered ? paid_and_kept(&f) : line->state != PLEDGE_LINE_FAILED || nothing_kept(&f);
    if (right && audit->final)
        right = all_agree(line, &f);
    if (!right)
        pledge_found(audit->report, "order %s line %lld is %s: hold %s, redemption %s, ticket %s",
                     line->order, (long long)line->line, pledge_line_machine.states[line->state],
                     pledge_hold_machine.states[f.hold.state],
                     pledge_redemption_machine.states[f.redemption.state],
                     pledge_ticket_machine.states[f.ticket.state]);
    audit->report->lines++;
    return TALLY_OK;
}

/* Every ticket of the provider belongs to a line; every captured hold to one that was delivered. */
static enum tally_error check_ticket(void *ctx, const void *row)
{
    struct lines_audit *audit = ctx;
    const struct pledge_r_ticket *ticket = row;
    struct pledge_r_line line = {.line = ticket->line};
    memcpy(line.order, ticket->order, sizeof line.order);
    enum tally_error e = none_is_new(pledge_get(audit->books->platform, &pledge_t_line, &line));
    bool kept = ticket->state == PLEDGE_TICKET_RESERVED || ticket->state == PLEDGE_TICKET_ISSUED;
    bool done = line.state == PLEDGE_LINE_NEW || line.state == PLEDGE_LINE_FAILED;
    if (e == TALLY_OK && ((ticket->state == PLEDGE_TICKET_ISSUED && done) || (audit->final && kept && done)))
        pledge_found(audit->report, "ticket %s is %s, its line is not delivered", ticket->serial,
                     pledge_ticket_machine.states[ticket->state]);
    audit->report->tickets++;
    return e;
}

struct hold_line {
    char order[PLEDGE_NUMBER];
    int64_t line;
};

static enum tally_error line_of_hold(const struct lines_audit *audit, const struct pledge_r_hold *hold,
                                     struct hold_line *of)
{
    struct pledge_r_redemption_number number = {.line = 0};
    memset(of, 0, sizeof *of);
    if (hold->order[0] != 0) {
        PLEDGE_SET(of->order, hold->order);
        of->line = hold->line;
        return TALLY_OK;
    }
    PLEDGE_SET(number.redemption, hold->number);
    enum tally_error e = pledge_get(audit->books->financing, &pledge_t_redemption_number, &number);
    PLEDGE_SET(of->order, number.order);
    of->line = number.line;
    return none_is_new(e);
}

static enum tally_error check_hold(void *ctx, const void *row)
{
    struct lines_audit *audit = ctx;
    const struct pledge_r_hold *hold = row;
    struct hold_line of;
    struct pledge_r_line line = {.line = 0};
    if (hold->state != PLEDGE_HOLD_CAPTURED && hold->state != PLEDGE_HOLD_HELD)
        return TALLY_OK;
    enum tally_error e = line_of_hold(audit, hold, &of);
    memcpy(line.order, of.order, sizeof line.order);
    line.line = of.line;
    if (e == TALLY_OK)
        e = none_is_new(pledge_get(audit->books->platform, &pledge_t_line, &line));
    if (e != TALLY_OK)
        return e;
    bool captured = hold->state == PLEDGE_HOLD_CAPTURED;
    bool fits = captured ? line.state == PLEDGE_LINE_CAPTURING || line.state == PLEDGE_LINE_ISSUING ||
                               line.state == PLEDGE_LINE_DELIVERED
                         : line.state != PLEDGE_LINE_NEW && line.state != PLEDGE_LINE_DELIVERED;
    if (audit->final)
        fits = captured && line.state == PLEDGE_LINE_DELIVERED;
    if (!fits)
        pledge_found(audit->report, "hold %s is %s, its line %s", hold->number,
                     pledge_hold_machine.states[hold->state], pledge_line_machine.states[line.state]);
    return TALLY_OK;
}

enum tally_error pledge_audit_lines(const struct pledge_books *books, bool final,
                                    struct pledge_report *report)
{
    struct lines_audit audit = {.books = books, .report = report, .final = final};
    enum tally_error e = pledge_each(books->platform, &pledge_t_line, check_line, &audit);
    if (e == TALLY_OK)
        e = pledge_each(books->provider, &pledge_t_ticket, check_ticket, &audit);
    return e == TALLY_OK ? pledge_each(books->bank, &pledge_t_hold, check_hold, &audit) : e;
}

/* Projects: what was repaid is what was captured for them; the bank's hold has the same amount. */

struct project_audit {
    const struct pledge_books *books;
    struct pledge_report *report;
    const struct pledge_r_project *project;
    int64_t repaid, under_way;
};

static enum tally_error add_redemption(void *ctx, const void *row)
{
    struct project_audit *audit = ctx;
    const struct pledge_r_redemption *redemption = row;
    struct pledge_r_hold hold = {.state = 0};
    if (strcmp(redemption->project, audit->project->project) != 0)
        return TALLY_OK;
    audit->under_way +=
        redemption->state >= PLEDGE_REDEMPTION_PAYING && redemption->state <= PLEDGE_REDEMPTION_VOIDING;
    if (redemption->state != PLEDGE_REDEMPTION_CAPTURED)
        return TALLY_OK;
    audit->repaid += redemption->amount;
    PLEDGE_SET(hold.party, audit->books->financing_name);
    PLEDGE_SET(hold.number, redemption->redemption);
    enum tally_error e = none_is_new(pledge_get(audit->books->bank, &pledge_t_hold, &hold));
    if (e == TALLY_OK && (hold.state != PLEDGE_HOLD_CAPTURED || hold.amount != redemption->amount))
        pledge_found(audit->report, "redemption %s of %lld: the bank has %lld", redemption->redemption,
                     (long long)redemption->amount, (long long)hold.amount);
    return e;
}

static enum tally_error check_project(void *ctx, const void *row)
{
    struct project_audit *audit = ctx;
    audit->project = row;
    audit->repaid = audit->under_way = 0;
    enum tally_error e = pledge_each(audit->books->financing, &pledge_t_redemption, add_redemption, audit);
    if (e == TALLY_OK &&
        (audit->repaid != audit->project->repaid || audit->under_way != audit->project->under_way))
        pledge_found(audit->report, "project %s says %lld repaid, its redemptions %lld",
                     audit->project->project, (long long)audit->project->repaid, (long long)audit->repaid);
    return e;
}

enum tally_error pledge_audit_projects(const struct pledge_books *books, struct pledge_report *report)
{
    struct project_audit audit = {.books = books, .report = report};
    return pledge_each(books->financing, &pledge_t_project, check_project, &audit);
}

/* Sellers. */

struct sellers_audit {
    const struct pledge_books *books;
    struct pledge_report *report;
    bool final;
    size_t seller;
    const struct pledge_r_sold *sold;
};

static enum tally_error compare_sold(void *ctx, const void *row)
{
    struct sellers_audit *audit = ctx;
    const struct pledge_r_sold *other = row;
    bool same = strcmp(other->reference, audit->sold->reference) == 0 && other->line == audit->sold->line;
    if (!same && other->state == PLEDGE_SOLD_DELIVERED && other->ticket.n == audit->sold->ticket.n &&
        memcmp(other->ticket.data, audit->sold->ticket.data, other->ticket.n) == 0)
        pledge_found(audit->report, "the ticket of %s %lld is also that of %s %lld", audit->sold->reference,
                     (long long)audit->sold->line, other->reference, (long long)other->line);
    return TALLY_OK;
}

static enum tally_error sold_line(struct sellers_audit *audit, const struct pledge_r_sold *sold)
{
    struct pledge_r_sale sale = {.price = 0};
    struct pledge_r_line line = {.line = sold->line};
    memcpy(sale.reference, sold->reference, sizeof sale.reference);
    enum tally_error e = pledge_get(audit->books->sellers[audit->seller], &pledge_t_sale, &sale);
    memcpy(line.order, sale.order, sizeof line.order);
    if (e == TALLY_OK)
        e = none_is_new(pledge_get(audit->books->platform, &pledge_t_line, &line));
    bool with_ticket = sold->state == PLEDGE_SOLD_DELIVERED;
    bool delivered = line.state == PLEDGE_LINE_ISSUING || line.state == PLEDGE_LINE_DELIVERED;
    bool right = !with_ticket || delivered;
    if (audit->final)
        right = right && sold->state != PLEDGE_SOLD_ASKED && with_ticket == delivered;
    if (e == TALLY_OK && !right)
        pledge_found(audit->report, "sale %s line %lld is %s, at the platform %s", sold->reference,
                     (long long)sold->line, pledge_sold_machine.states[sold->state],
                     pledge_line_machine.states[line.state]);
    return e;
}

static enum tally_error check_sold(void *ctx, const void *row)
{
    struct sellers_audit *audit = ctx;
    struct pledge_r_sold sold;
    memcpy(&sold, row, sizeof sold);
    enum tally_error e = sold_line(audit, &sold);
    audit->sold = &sold;
    for (size_t i = audit->seller; e == TALLY_OK && i < audit->books->seller_count; i++)
        if (sold.state == PLEDGE_SOLD_DELIVERED)
            e = pledge_each(audit->books->sellers[i], &pledge_t_sold, compare_sold, audit);
    audit->sold = NULL;
    return e;
}

enum tally_error pledge_audit_sellers(const struct pledge_books *books, bool final,
                                      struct pledge_report *report)
{
    struct sellers_audit audit = {.books = books, .report = report, .final = final};
    enum tally_error e = TALLY_OK;
    for (audit.seller = 0; e == TALLY_OK && audit.seller < books->seller_count; audit.seller++)
        e = pledge_each(books->sellers[audit.seller], &pledge_t_sold, check_sold, &audit);
    return e;
}

enum tally_error pledge_audit(const struct pledge_books *books, bool final, struct pledge_report *report)
{
    enum tally_error e = pledge_audit_bank(books->bank, report);
    if (e == TALLY_OK)
        e = pledge_audit_provider(books->provider, report);
    if (e == TALLY_OK)
        e = pledge_audit_lines(books, final, report);
    if (e == TALLY_OK)
        e = pledge_audit_projects(books, report);
    return e == TALLY_OK ? pledge_audit_sellers(books, final, report) : e;
}
