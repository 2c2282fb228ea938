#include "host/pledge/core/message.h"

#include <string.h>

const char *const pledge_role_names[] = {"",          "platform", "bank",     "provider",
                                         "financing", "seller",   "operator", NULL};
const char *const pledge_status_names[] = {"",         "held", "refused",  "captured", "voided",
                                           "reserved", "none", "issued",   "returned", "delivered",
                                           "failed",   "lent", "declined", NULL};
const char *const pledge_basis_names[] = {"", "settlement", "suggested", "list", NULL};
const char *const pledge_subject_names[] = {"", "loan", "grant", "disposal", NULL};
const char *const pledge_project_state_names[] = {"new",      "financing", "repayment",
                                                  "disposal", "closed",    NULL};

#define INT(s, m, lo, hi)     PLEDGE_F_INT(pledge_m_##s, m, lo, hi)
#define MONEY(s, m, lo)       PLEDGE_F_INT(pledge_m_##s, m, lo, PLEDGE_MONEY_MAX)
#define DOCTYPE(s, m)         PLEDGE_F_INT(pledge_m_##s, m, 1, 99)
#define LINE(s)               PLEDGE_F_INT(pledge_m_##s, line, 1, PLEDGE_QUANTITY_MAX)
#define STATUS(s, lo, hi)     PLEDGE_F_ENUM(pledge_m_##s, status, lo, hi, pledge_status_names)
#define TEXT(s, m)            PLEDGE_F_TEXT(pledge_m_##s, m, 1)
#define TEXT0(s, m)           PLEDGE_F_TEXT(pledge_m_##s, m, 0)
#define FIXED(s, m)           PLEDGE_F_FIXED(pledge_m_##s, m)
#define BYTES(s, m, lo)       PLEDGE_F_BYTES(pledge_m_##s, m, lo)
#define LIST(s, m, item, tab) PLEDGE_F_LIST(pledge_m_##s, m, 1, item, tab)
#define FIELDS(name)          static const struct pledge_field name##_fields[]
#define END                                                                                                  \
    {                                                                                                        \
        .name = NULL                                                                                         \
    }

FIELDS(type_item) = {PLEDGE_F_TEXT(pledge_type_item, type, 1), END};
FIELDS(term_item) = {PLEDGE_F_TEXT(pledge_term_item, type, 1),
                     PLEDGE_F_INT(pledge_term_item, quantity, 1, 1000000),
                     PLEDGE_F_INT(pledge_term_item, settlement_price, 1, PLEDGE_MONEY_MAX),
                     PLEDGE_F_INT(pledge_term_item, suggested_price, 1, PLEDGE_MONEY_MAX),
                     PLEDGE_F_INT(pledge_term_item, list_price, 1, PLEDGE_MONEY_MAX),
                     END};
FIELDS(amount_item) = {PLEDGE_F_TEXT(pledge_amount_item, type, 1),
                       PLEDGE_F_INT(pledge_amount_item, amount, 1, PLEDGE_MONEY_MAX), END};

FIELDS(enterprise) = {TEXT(enterprise, uscc), TEXT(enterprise, name), TEXT(enterprise, prepay), END};
FIELDS(channel_application) = {TEXT(channel_application, underwriter_uscc),
                               TEXT(channel_application, underwriter_name),
                               TEXT(channel_application, counterparty_uscc),
                               TEXT(channel_application, counterparty_name),
                               TEXT(channel_application, ticketing_system),
                               TEXT(channel_application, channel),
                               TEXT0(channel_application, project),
                               DOCTYPE(channel_application, document_type),
                               TEXT(channel_application, document_number),
                               TEXT(channel_application, prepay),
                               LIST(channel_application, types, pledge_type_item, type_item_fields),
                               END};
FIELDS(key_submission) = {TEXT(key_submission, uscc), TEXT(key_submission, name),
                          TEXT(key_submission, channel), TEXT(key_submission, project), END};
FIELDS(grant) = {TEXT(grant, uscc),
                 TEXT(grant, channel),
                 TEXT(grant, project),
                 INT(grant, number, 1, 1000000),
                 INT(grant, epoch, 1, 1000000),
                 FIXED(grant, seller_key),
                 FIXED(grant, channel_key),
                 FIXED(grant, channel_signature),
                 BYTES(grant, rk, 1),
                 END};
FIELDS(revoke) = {TEXT(revoke, channel), INT(revoke, number, 1, 1000000), FIXED(revoke, seller_key), END};
FIELDS(channel_key) = {TEXT(channel_key, channel),
                       TEXT(channel_key, project),
                       INT(channel_key, epoch, 1, 1000000),
                       FIXED(channel_key, channel_key),
                       FIXED(channel_key, channel_signature),
                       END};
FIELDS(application) = {TEXT(application, reference),
                       TEXT(application, borrower_name),
                       DOCTYPE(application, borrower_document_type),
                       TEXT(application, borrower_document_number),
                       TEXT(application, counterparty_name),
                       DOCTYPE(application, counterparty_document_type),
                       TEXT(application, counterparty_document_number),
                       TEXT(application, contract),
                       LIST(application, terms, pledge_term_item, term_item_fields),
                       MONEY(application, total, 1),
                       PLEDGE_F_ENUM(pledge_m_application, price_basis, 1, 3, pledge_basis_names),
                       TEXT(application, payee_account),
                       TEXT(application, loan_account),
                       TEXT(application, entrusted_account),
                       MONEY(application, entrusted_amount, 0),
                       MONEY(application, principal, 1),
                       MONEY(application, platform_fee, 0),
                       TEXT(application, prepay_name),
                       TEXT(application, prepay),
                       FIXED(application, admission_digest),
                       FIXED(application, commitment_digest),
                       END};
FIELDS(application_result) = {
    TEXT(application_result, reference), TEXT(application_result, project),
    PLEDGE_F_ENUM(pledge_m_application_result, project_state, 1, 4, pledge_project_state_names), END};
FIELDS(loan_request) = {TEXT(loan_request, project),
                        TEXT(loan_request, borrower_name),
                        DOCTYPE(loan_request, borrower_document_type),
                        TEXT(loan_request, borrower_document_number),
                        TEXT(loan_request, counterparty_name),
                        TEXT(loan_request, loan_account),
                        TEXT(loan_request, entrusted_account),
                        MONEY(loan_request, entrusted_amount, 0),
                        MONEY(loan_request, principal, 1),
                        END};
FIELDS(loan_result) = {TEXT(loan_result, project), STATUS(loan_result, PLEDGE_LENT, PLEDGE_DECLINED),
                       MONEY(loan_result, principal, 1), END};
FIELDS(allocation) = {TEXT(allocation, project), TEXT(allocation, contract),
                      TEXT(allocation, counterparty_name),
                      LIST(allocation, terms, pledge_term_item, term_item_fields), END};
FIELDS(allocated) = {TEXT(allocated, project), TEXT(allocated, channel), END};
FIELDS(order) = {TEXT(order, reference),
                 TEXT(order, channel),
                 TEXT(order, type),
                 MONEY(order, price, 1),
                 INT(order, quantity, 1, PLEDGE_QUANTITY_MAX),
                 TEXT(order, callback),
                 END};
FIELDS(order_result) = {TEXT(order_result, order),
                        TEXT(order_result, reference),
                        LINE(order_result),
                        STATUS(order_result, PLEDGE_DELIVERED, PLEDGE_FAILED),
                        BYTES(order_result, ticket, 0),
                        END};
FIELDS(line) = {TEXT(line, order), LINE(line), END};
FIELDS(ticket_request) = {TEXT(ticket_request, order),     LINE(ticket_request),
                          TEXT(ticket_request, channel),   TEXT(ticket_request, type),
                          MONEY(ticket_request, price, 1), INT(ticket_request, quantity, 1, 1),
                          TEXT(ticket_request, callback),  END};
FIELDS(ticket_result) = {TEXT(ticket_result, order), LINE(ticket_result),
                         STATUS(ticket_result, PLEDGE_RESERVED, PLEDGE_RETURNED),
                         BYTES(ticket_result, ticket, 0), END};
FIELDS(unpledge) = {TEXT(unpledge, order),
                    LINE(unpledge),
                    TEXT(unpledge, channel),
                    TEXT(unpledge, type),
                    TEXT(unpledge, prepay),
                    TEXT(unpledge, callback),
                    END};
FIELDS(unpledge_result) = {TEXT(unpledge_result, order), LINE(unpledge_result),
                           STATUS(unpledge_result, PLEDGE_HELD, PLEDGE_VOIDED), END};
FIELDS(redeem) = {TEXT(redeem, order),
                  LINE(redeem),
                  DOCTYPE(redeem, document_type),
                  TEXT(redeem, document_number),
                  TEXT(redeem, project),
                  TEXT(redeem, type),
                  MONEY(redeem, price, 1),
                  INT(redeem, quantity, 1, 1),
                  TEXT(redeem, callback),
                  END};
FIELDS(redeem_result) = {TEXT(redeem_result, order), TEXT0(redeem_result, redemption), LINE(redeem_result),
                         STATUS(redeem_result, PLEDGE_HELD, PLEDGE_VOIDED), END};
FIELDS(pay) = {
    TEXT(pay, redemption),       PLEDGE_F_ENUM(pledge_m_pay, project_state, 1, 4, pledge_project_state_names),
    DOCTYPE(pay, document_type), TEXT(pay, document_number),
    TEXT(pay, project),          MONEY(pay, total, 1),
    TEXT(pay, prepay_name),      TEXT(pay, prepay),
    TEXT(pay, callback),         END};
FIELDS(redemption) = {TEXT(redemption, redemption), END};
FIELDS(pay_result) = {TEXT(pay_result, redemption), STATUS(pay_result, PLEDGE_HELD, PLEDGE_VOIDED), END};
FIELDS(disposal) = {TEXT(disposal, project),
                    DOCTYPE(disposal, document_type),
                    TEXT(disposal, document_number),
                    TEXT(disposal, prepay_name),
                    TEXT(disposal, prepay),
                    LIST(disposal, amounts, pledge_amount_item, amount_item_fields),
                    END};
FIELDS(project) = {TEXT(project, project), END};
FIELDS(approve) = {PLEDGE_F_ENUM(pledge_m_approve, subject, 1, 3, pledge_subject_names),
                   TEXT(approve, project),
                   TEXT0(approve, channel),
                   TEXT0(approve, document_number),
                   FIXED(approve, seller_key),
                   END};
FIELDS(account) = {TEXT(account, account), TEXT(account, name), END};
FIELDS(deposit) = {TEXT(deposit, reference), TEXT(deposit, account), MONEY(deposit, amount, 1), END};
FIELDS(unpledge_terms) = {TEXT(unpledge_terms, channel), TEXT(unpledge_terms, project),
                          TEXT(unpledge_terms, type), MONEY(unpledge_terms, amount, 1), END};

#define KIND_INFO(id, name, member, from, to)                                                                \
    [PLEDGE_K_##id] = {name, member##_fields, PLEDGE_##from, PLEDGE_##to},
const struct pledge_kind_info pledge_kinds[PLEDGE_KIND_COUNT] = {PLEDGE_KINDS(KIND_INFO)};

enum pledge_kind pledge_kind_find(const char *name)
{
    for (int i = 1; i < PLEDGE_KIND_COUNT; i++)
        if (strcmp(pledge_kinds[i].name, name) == 0)
            return (enum pledge_kind)i;
    return PLEDGE_K_NO_KIND;
}

enum tally_error pledge_message_bytes(const struct pledge_message *message, uint8_t *out, size_t size,
                                      size_t *n)
{
    struct pledge_buffer buffer = {.data = out, .size = size};
    *n = 0;
    if (message->kind < 1 || message->kind >= PLEDGE_KIND_COUNT)
        return TALLY_E_FORMAT;
    pledge_put_text(&buffer, "tally/pledge/1");
    pledge_put_text(&buffer, pledge_kinds[message->kind].name);
    pledge_put_text(&buffer, message->id);
    pledge_put_text(&buffer, message->from);
    pledge_put_text(&buffer, message->to);
    pledge_put(&buffer, message->key, sizeof message->key);
    pledge_fields_put(pledge_kinds[message->kind].fields, &message->body, &buffer);
    *n = buffer.n;
    return buffer.overflowed ? TALLY_E_FULL : TALLY_OK;
}
