#include "host/pledge/core/rows.h"

#define INT(s, m)   PLEDGE_F_INT(pledge_r_##s, m, INT64_MIN, INT64_MAX)
#define TEXT(s, m)  PLEDGE_F_TEXT(pledge_r_##s, m, 0)
#define FIXED(s, m) PLEDGE_F_FIXED(pledge_r_##s, m)
#define BYTES(s, m) PLEDGE_F_BYTES(pledge_r_##s, m, 0)
#define END                                                                                                  \
    {                                                                                                        \
        .name = NULL                                                                                         \
    }
#define TABLE(t, keys, last)                                                                                 \
    const struct pledge_table pledge_t_##t = {.name = #t,                                                    \
                                              .fields = t##_fields,                                          \
                                              .key_count = (keys),                                           \
                                              .key_size = offsetof(struct pledge_r_##t, last) +              \
                                                          sizeof((struct pledge_r_##t *)0)->last,            \
                                              .row_size = sizeof(struct pledge_r_##t)}
#define TABLE_DUE(t, keys, last)                                                                             \
    const struct pledge_table pledge_t_##t = {.name = #t,                                                    \
                                              .fields = t##_fields,                                          \
                                              .key_count = (keys),                                           \
                                              .key_size = offsetof(struct pledge_r_##t, last) +              \
                                                          sizeof((struct pledge_r_##t *)0)->last,            \
                                              .row_size = sizeof(struct pledge_r_##t),                       \
                                              .due = "due",                                                  \
                                              .due_offset = offsetof(struct pledge_r_##t, due)}

static const struct pledge_field enterprise_fields[] = {
    FIXED(enterprise, seller_key), TEXT(enterprise, uscc),  TEXT(enterprise, name),
    TEXT(enterprise, prepay),      TEXT(enterprise, party), END};
TABLE(enterprise, 1, seller_key);

static const struct pledge_field channel_fields[] = {TEXT(channel, channel),
                                                     FIXED(channel, seller_key),
                                                     INT(channel, state),
                                                     TEXT(channel, party),
                                                     TEXT(channel, uscc),
                                                     TEXT(channel, counterparty_name),
                                                     TEXT(channel, counterparty_uscc),
                                                     TEXT(channel, ticketing_system),
                                                     TEXT(channel, project),
                                                     INT(channel, document_type),
                                                     TEXT(channel, document_number),
                                                     TEXT(channel, prepay),
                                                     INT(channel, grant_number),
                                                     END};
TABLE(channel, 2, seller_key);

static const struct pledge_field delegation_fields[] = {
    TEXT(delegation, channel),      FIXED(delegation, seller_key), INT(delegation, grant_number),
    FIXED(delegation, channel_key), BYTES(delegation, rk),         END};
TABLE(delegation, 3, grant_number);

static const struct pledge_field channel_type_fields[] = {
    TEXT(channel_type, channel), FIXED(channel_type, seller_key), TEXT(channel_type, type),
    INT(channel_type, allowed), END};
TABLE(channel_type, 3, type);

static const struct pledge_field reference_fields[] = {
    FIXED(reference, seller_key), TEXT(reference, reference), TEXT(reference, order), END};
TABLE(reference, 2, reference);

static const struct pledge_field order_fields[] = {TEXT(order, order),
                                                   FIXED(order, seller_key),
                                                   TEXT(order, reference),
                                                   TEXT(order, party),
                                                   TEXT(order, channel),
                                                   TEXT(order, type),
                                                   INT(order, price),
                                                   INT(order, quantity),
                                                   INT(order, created),
                                                   TEXT(order, callback),
                                                   END};
TABLE(order, 1, order);

static const struct pledge_field line_fields[] = {
    TEXT(line, order),       INT(line, line),     INT(line, state),
    INT(line, due),          INT(line, deadline), INT(line, attempt),
    INT(line, grant_number), BYTES(line, ticket), END};
TABLE_DUE(line, 2, line);

static const struct pledge_field contract_fields[] = {
    TEXT(contract, project), TEXT(contract, contract), TEXT(contract, counterparty_name),
    TEXT(contract, channel), INT(contract, disposal),  END};
TABLE(contract, 1, project);

static const struct pledge_field account_fields[] = {TEXT(account, account), TEXT(account, name),
                                                     INT(account, side), INT(account, balance), END};
TABLE(account, 1, account);

static const struct pledge_field entry_fields[] = {TEXT(entry, reason), TEXT(entry, reference),
                                                   INT(entry, at), INT(entry, postings), END};
TABLE(entry, 2, reference);

static const struct pledge_field posting_fields[] = {TEXT(posting, reason),  TEXT(posting, reference),
                                                     INT(posting, position), TEXT(posting, account),
                                                     INT(posting, amount),   END};
TABLE(posting, 3, position);

static const struct pledge_field hold_fields[] = {TEXT(hold, party),
                                                  TEXT(hold, number),
                                                  INT(hold, state),
                                                  INT(hold, amount),
                                                  INT(hold, due),
                                                  TEXT(hold, project),
                                                  TEXT(hold, prepay),
                                                  TEXT(hold, order),
                                                  TEXT(hold, callback),
                                                  INT(hold, line),
                                                  INT(hold, told),
                                                  FIXED(hold, digest),
                                                  END};
TABLE_DUE(hold, 2, number);

static const struct pledge_field loan_fields[] = {TEXT(loan, project),
                                                  INT(loan, state),
                                                  INT(loan, principal),
                                                  INT(loan, entrusted_amount),
                                                  TEXT(loan, borrower_name),
                                                  TEXT(loan, borrower_document_number),
                                                  TEXT(loan, loan_account),
                                                  TEXT(loan, entrusted_account),
                                                  TEXT(loan, party),
                                                  TEXT(loan, first_operator),
                                                  TEXT(loan, second_operator),
                                                  TEXT(loan, channel),
                                                  INT(loan, sent),
                                                  END};
TABLE(loan, 1, project);

static const struct pledge_field grant_fields[] = {TEXT(grant, channel),
                                                   FIXED(grant, seller_key),
                                                   INT(grant, state),
                                                   INT(grant, grant_number),
                                                   TEXT(grant, uscc),
                                                   TEXT(grant, name),
                                                   TEXT(grant, project),
                                                   TEXT(grant, party),
                                                   TEXT(grant, first_operator),
                                                   TEXT(grant, second_operator),
                                                   END};
TABLE(grant, 2, seller_key);

static const struct pledge_field disposal_fields[] = {
    TEXT(disposal, project),        TEXT(disposal, document_number), INT(disposal, state),
    INT(disposal, document_type),   TEXT(disposal, prepay_name),     TEXT(disposal, prepay),
    TEXT(disposal, first_operator), TEXT(disposal, second_operator), END};
TABLE(disposal, 2, document_number);

static const struct pledge_field amount_fields[] = {TEXT(amount, project), TEXT(amount, document_number),
                                                    TEXT(amount, type), INT(amount, amount), END};
TABLE(amount, 3, type);

static const struct pledge_field unpledge_terms_fields[] = {
    TEXT(unpledge_terms, channel), TEXT(unpledge_terms, type), TEXT(unpledge_terms, project),
    INT(unpledge_terms, amount), END};
TABLE(unpledge_terms, 2, type);

static const struct pledge_field issuing_channel_fields[] = {
    TEXT(issuing_channel, channel),      INT(issuing_channel, state),
    INT(issuing_channel, epoch),         TEXT(issuing_channel, project),
    TEXT(issuing_channel, contract),     TEXT(issuing_channel, counterparty_name),
    FIXED(issuing_channel, channel_key), END};
TABLE(issuing_channel, 1, channel);

static const struct pledge_field project_channel_fields[] = {TEXT(project_channel, project),
                                                             TEXT(project_channel, channel), END};
TABLE(project_channel, 1, project);

static const struct pledge_field stock_fields[] = {TEXT(stock, channel), TEXT(stock, type), INT(stock, total),
                                                   INT(stock, taken), END};
TABLE(stock, 2, type);

static const struct pledge_field ticket_fields[] = {TEXT(ticket, order),
                                                    INT(ticket, line),
                                                    INT(ticket, state),
                                                    INT(ticket, price),
                                                    INT(ticket, told),
                                                    TEXT(ticket, channel),
                                                    TEXT(ticket, type),
                                                    TEXT(ticket, serial),
                                                    TEXT(ticket, callback),
                                                    BYTES(ticket, ticket),
                                                    END};
TABLE(ticket, 2, line);

static const struct pledge_field project_fields[] = {TEXT(project, project),
                                                     INT(project, state),
                                                     INT(project, price_basis),
                                                     INT(project, principal),
                                                     INT(project, repaid),
                                                     INT(project, under_way),
                                                     INT(project, disposals),
                                                     TEXT(project, borrower_name),
                                                     TEXT(project, contract),
                                                     TEXT(project, counterparty_name),
                                                     INT(project, borrower_document_type),
                                                     INT(project, platform_fee),
                                                     TEXT(project, borrower_document_number),
                                                     TEXT(project, prepay_name),
                                                     TEXT(project, prepay),
                                                     TEXT(project, reference),
                                                     TEXT(project, party),
                                                     END};
TABLE(project, 1, project);

static const struct pledge_field application_fields[] = {
    FIXED(application, seller_key), TEXT(application, reference), TEXT(application, project), END};
TABLE(application, 2, reference);

static const struct pledge_field term_fields[] = {TEXT(term, project),
                                                  TEXT(term, type),
                                                  INT(term, quantity),
                                                  INT(term, settlement_price),
                                                  INT(term, suggested_price),
                                                  INT(term, list_price),
                                                  END};
TABLE(term, 2, type);

static const struct pledge_field disposal_project_fields[] = {
    TEXT(disposal_project, project),      TEXT(disposal_project, document_number),
    INT(disposal_project, document_type), TEXT(disposal_project, prepay_name),
    TEXT(disposal_project, prepay),       END};
TABLE(disposal_project, 2, document_number);

static const struct pledge_field redemption_fields[] = {TEXT(redemption, order),
                                                        INT(redemption, line),
                                                        INT(redemption, state),
                                                        INT(redemption, project_state),
                                                        INT(redemption, amount),
                                                        INT(redemption, due),
                                                        INT(redemption, attempt),
                                                        INT(redemption, told),
                                                        TEXT(redemption, redemption),
                                                        TEXT(redemption, project),
                                                        TEXT(redemption, type),
                                                        INT(redemption, document_type),
                                                        TEXT(redemption, document_number),
                                                        TEXT(redemption, prepay_name),
                                                        TEXT(redemption, prepay),
                                                        TEXT(redemption, callback),
                                                        END};
TABLE_DUE(redemption, 2, line);

static const struct pledge_field redemption_number_fields[] = {
    TEXT(redemption_number, redemption), TEXT(redemption_number, order), INT(redemption_number, line), END};
TABLE(redemption_number, 1, redemption);

static const struct pledge_field sale_fields[] = {
    TEXT(sale, reference), INT(sale, price),    INT(sale, quantity), INT(sale, open),   INT(sale, due),
    INT(sale, attempt),    TEXT(sale, channel), TEXT(sale, type),    TEXT(sale, order), END};
TABLE_DUE(sale, 1, reference);

static const struct pledge_field sold_fields[] = {TEXT(sold, reference), INT(sold, line), INT(sold, state),
                                                  BYTES(sold, ticket), END};
TABLE(sold, 2, line);

static const struct pledge_field project_seen_fields[] = {
    TEXT(project_seen, reference), TEXT(project_seen, project), INT(project_seen, project_state), END};
TABLE(project_seen, 1, reference);

const struct pledge_table *const *pledge_tables_of(enum pledge_role role)
{
    static const struct pledge_table *const platform[] = {
        &pledge_t_enterprise, &pledge_t_channel,   &pledge_t_channel_type,
        &pledge_t_delegation, &pledge_t_reference, &pledge_t_order,
        &pledge_t_line,       &pledge_t_contract,  NULL};
    static const struct pledge_table *const bank[] = {
        &pledge_t_account, &pledge_t_entry,    &pledge_t_posting, &pledge_t_hold,           &pledge_t_loan,
        &pledge_t_grant,   &pledge_t_disposal, &pledge_t_amount,  &pledge_t_unpledge_terms, NULL};
    static const struct pledge_table *const provider[] = {
        &pledge_t_issuing_channel, &pledge_t_project_channel, &pledge_t_stock, &pledge_t_ticket, NULL};
    static const struct pledge_table *const financing[] = {&pledge_t_project,
                                                           &pledge_t_application,
                                                           &pledge_t_term,
                                                           &pledge_t_disposal_project,
                                                           &pledge_t_amount,
                                                           &pledge_t_redemption,
                                                           &pledge_t_redemption_number,
                                                           NULL};
    static const struct pledge_table *const seller[] = {&pledge_t_sale, &pledge_t_sold,
                                                        &pledge_t_project_seen, NULL};
    static const struct pledge_table *const none[] = {NULL};
    switch (role) {
    case PLEDGE_PLATFORM: return platform;
    case PLEDGE_BANK: return bank;
    case PLEDGE_PROVIDER: return provider;
    case PLEDGE_FINANCING: return financing;
    case PLEDGE_SELLER: return seller;
    default: return none;
    }
}
