/* The messages between the parties of a pledge (specs/pledge.md lists them with their fields).
 *
 * A message has an envelope (kind, id, sender, recipient, the sender's public key, a signature over all of
 * it) and a body whose fields are described, so that canonical bytes, JSON and OpenAPI come from one table.
 */
#ifndef TALLY_PLEDGE_MESSAGE_H
#define TALLY_PLEDGE_MESSAGE_H

#include "host/pledge/core/field.h"

/* Bytes; texts with their NUL. */
enum {
    PLEDGE_ID = 64,          /* message ids */
    PLEDGE_NUMBER = 40,      /* order, redemption, project, channel numbers, references */
    PLEDGE_PARTY = 32,       /* names of parties */
    PLEDGE_NAME = 100,       /* names of enterprises */
    PLEDGE_USCC = 19,        /* unified social credit code */
    PLEDGE_DOCUMENT = 33,    /* numbers of documents */
    PLEDGE_ACCOUNT = 35,     /* bank account numbers (IBAN's 34) */
    PLEDGE_TICKET_TYPE = 33, /* ticket types */
    PLEDGE_URL = 128,        /* callback addresses */
    PLEDGE_KEY = 33,         /* compressed secp256k1 points */
    PLEDGE_SIGNATURE = 64,   /* r, s */
    PLEDGE_DIGEST = 32,      /* SHA-256 of a document that is kept elsewhere */
    PLEDGE_SEALED = 1408,    /* most bytes of a ticket under the channel's key */
    PLEDGE_OPENABLE = 1856,  /* most bytes of the same after re-encryption */
    PLEDGE_RK = 640,         /* most bytes of a re-encryption key */
    PLEDGE_TYPES_MAX = 8,    /* ticket types of a contract */
    PLEDGE_QUANTITY_MAX = 16 /* tickets of an order */
};
#define PLEDGE_MONEY_MAX   INT64_C(1000000000000000) /* minor units */
#define PLEDGE_ATTEMPT_MAX INT64_C(1000000)

enum pledge_role {
    PLEDGE_PLATFORM = 1,
    PLEDGE_BANK,
    PLEDGE_PROVIDER,
    PLEDGE_FINANCING,
    PLEDGE_SELLER,
    PLEDGE_OPERATOR, /* a person of the bank or the provider */
    PLEDGE_ROLE_COUNT
};
extern const char *const pledge_role_names[];

/* What results tell. */
enum pledge_status {
    PLEDGE_HELD = 1, /* money */
    PLEDGE_REFUSED,
    PLEDGE_CAPTURED,
    PLEDGE_VOIDED,
    PLEDGE_RESERVED, /* tickets */
    PLEDGE_NONE,
    PLEDGE_ISSUED,
    PLEDGE_RETURNED,
    PLEDGE_DELIVERED, /* order lines */
    PLEDGE_FAILED,
    PLEDGE_LENT, /* loans */
    PLEDGE_DECLINED
};
extern const char *const pledge_status_names[];

enum pledge_price_basis { PLEDGE_SETTLEMENT = 1, PLEDGE_SUGGESTED, PLEDGE_LIST_PRICE };
extern const char *const pledge_basis_names[];

enum pledge_subject { PLEDGE_SUBJECT_LOAN = 1, PLEDGE_SUBJECT_GRANT, PLEDGE_SUBJECT_DISPOSAL };
extern const char *const pledge_subject_names[];

enum pledge_project_state {
    PLEDGE_PROJECT_NEW,
    PLEDGE_PROJECT_FINANCING,
    PLEDGE_PROJECT_REPAYMENT,
    PLEDGE_PROJECT_DISPOSAL,
    PLEDGE_PROJECT_CLOSED
};
extern const char *const pledge_project_state_names[];

struct pledge_type_item {
    char type[PLEDGE_TICKET_TYPE];
};
struct pledge_term_item { /* a ticket type in a sales contract */
    char type[PLEDGE_TICKET_TYPE];
    int64_t quantity, settlement_price, suggested_price, list_price;
};
struct pledge_amount_item {
    char type[PLEDGE_TICKET_TYPE];
    int64_t amount;
};
struct pledge_types {
    uint16_t n;
    struct pledge_type_item items[PLEDGE_TYPES_MAX];
};
struct pledge_term_list {
    uint16_t n;
    struct pledge_term_item items[PLEDGE_TYPES_MAX];
};
struct pledge_amounts {
    uint16_t n;
    struct pledge_amount_item items[PLEDGE_TYPES_MAX];
};
struct pledge_sealed {
    uint16_t n;
    uint8_t data[PLEDGE_SEALED];
};
struct pledge_openable {
    uint16_t n;
    uint8_t data[PLEDGE_OPENABLE];
};
struct pledge_rk {
    uint16_t n;
    uint8_t data[PLEDGE_RK];
};

/* Bodies. `order` and `line` name one ticket: an order for n tickets is the lines 1 to n. */
struct pledge_m_enterprise {
    char uscc[PLEDGE_USCC], name[PLEDGE_NAME], prepay[PLEDGE_ACCOUNT];
};
struct pledge_m_channel_application {
    char underwriter_uscc[PLEDGE_USCC], underwriter_name[PLEDGE_NAME];
    char counterparty_uscc[PLEDGE_USCC], counterparty_name[PLEDGE_NAME];
    char ticketing_system[PLEDGE_NAME], channel[PLEDGE_NUMBER], project[PLEDGE_NUMBER];
    int64_t document_type;
    char document_number[PLEDGE_DOCUMENT], prepay[PLEDGE_ACCOUNT];
    struct pledge_types types;
};
struct pledge_m_key_submission {
    char uscc[PLEDGE_USCC], name[PLEDGE_NAME], channel[PLEDGE_NUMBER], project[PLEDGE_NUMBER];
};
struct pledge_m_grant {
    char uscc[PLEDGE_USCC], channel[PLEDGE_NUMBER], project[PLEDGE_NUMBER];
    int64_t number, epoch; /* number: of the grants to this seller; epoch: the channel key's */
    uint8_t seller_key[PLEDGE_KEY], channel_key[PLEDGE_KEY], channel_signature[PLEDGE_SIGNATURE];
    struct pledge_rk rk;
};
struct pledge_m_revoke {
    char channel[PLEDGE_NUMBER];
    int64_t number;
    uint8_t seller_key[PLEDGE_KEY];
};
struct pledge_m_channel_key {
    char channel[PLEDGE_NUMBER], project[PLEDGE_NUMBER];
    int64_t epoch;
    uint8_t channel_key[PLEDGE_KEY], channel_signature[PLEDGE_SIGNATURE];
};
struct pledge_m_application {
    char reference[PLEDGE_NUMBER];
    char borrower_name[PLEDGE_NAME];
    int64_t borrower_document_type;
    char borrower_document_number[PLEDGE_DOCUMENT];
    char counterparty_name[PLEDGE_NAME];
    int64_t counterparty_document_type;
    char counterparty_document_number[PLEDGE_DOCUMENT];
    char contract[PLEDGE_NUMBER];
    struct pledge_term_list terms;
    int64_t total, price_basis;
    char payee_account[PLEDGE_ACCOUNT], loan_account[PLEDGE_ACCOUNT];
    char entrusted_account[PLEDGE_ACCOUNT];
    int64_t entrusted_amount, principal, platform_fee;
    char prepay_name[PLEDGE_NAME], prepay[PLEDGE_ACCOUNT];
    uint8_t admission_digest[PLEDGE_DIGEST], commitment_digest[PLEDGE_DIGEST];
};
struct pledge_m_application_result {
    char reference[PLEDGE_NUMBER], project[PLEDGE_NUMBER];
    int64_t project_state;
};
struct pledge_m_loan_request {
    char project[PLEDGE_NUMBER];
    char borrower_name[PLEDGE_NAME];
    int64_t borrower_document_type;
    char borrower_document_number[PLEDGE_DOCUMENT];
    char counterparty_name[PLEDGE_NAME];
    char loan_account[PLEDGE_ACCOUNT], entrusted_account[PLEDGE_ACCOUNT];
    int64_t entrusted_amount, principal;
};
struct pledge_m_loan_result {
    char project[PLEDGE_NUMBER];
    int64_t status, principal;
};
struct pledge_m_allocation { /* financing to platform, platform to provider */
    char project[PLEDGE_NUMBER], contract[PLEDGE_NUMBER];
    char counterparty_name[PLEDGE_NAME];
    struct pledge_term_list terms;
};
struct pledge_m_allocated { /* provider to platform, platform to bank */
    char project[PLEDGE_NUMBER], channel[PLEDGE_NUMBER];
};
struct pledge_m_order {
    char reference[PLEDGE_NUMBER], channel[PLEDGE_NUMBER], type[PLEDGE_TICKET_TYPE];
    int64_t price, quantity;
    char callback[PLEDGE_URL];
};
struct pledge_m_order_result {
    char order[PLEDGE_NUMBER], reference[PLEDGE_NUMBER];
    int64_t line, status;
    struct pledge_openable ticket; /* empty unless delivered */
};
struct pledge_m_line {
    char order[PLEDGE_NUMBER];
    int64_t line;
};
struct pledge_m_ticket_request {
    char order[PLEDGE_NUMBER];
    int64_t line;
    char channel[PLEDGE_NUMBER], type[PLEDGE_TICKET_TYPE];
    int64_t price, quantity; /* 1: the line's */
    char callback[PLEDGE_URL];
};
struct pledge_m_ticket_result {
    char order[PLEDGE_NUMBER];
    int64_t line, status;
    struct pledge_sealed ticket; /* empty unless reserved or issued */
};
struct pledge_m_unpledge {
    char order[PLEDGE_NUMBER];
    int64_t line;
    char channel[PLEDGE_NUMBER], type[PLEDGE_TICKET_TYPE], prepay[PLEDGE_ACCOUNT];
    char callback[PLEDGE_URL];
};
struct pledge_m_unpledge_result {
    char order[PLEDGE_NUMBER];
    int64_t line, status;
};
struct pledge_m_redeem {
    char order[PLEDGE_NUMBER];
    int64_t line, document_type;
    char document_number[PLEDGE_DOCUMENT], project[PLEDGE_NUMBER], type[PLEDGE_TICKET_TYPE];
    int64_t price, quantity; /* 1: the line's */
    char callback[PLEDGE_URL];
};
struct pledge_m_redeem_result {
    char order[PLEDGE_NUMBER], redemption[PLEDGE_NUMBER];
    int64_t line, status;
};
struct pledge_m_pay {
    char redemption[PLEDGE_NUMBER];
    int64_t project_state, document_type;
    char document_number[PLEDGE_DOCUMENT], project[PLEDGE_NUMBER];
    int64_t total;
    char prepay_name[PLEDGE_NAME], prepay[PLEDGE_ACCOUNT], callback[PLEDGE_URL];
};
struct pledge_m_redemption {
    char redemption[PLEDGE_NUMBER];
};
struct pledge_m_pay_result {
    char redemption[PLEDGE_NUMBER];
    int64_t status;
};
struct pledge_m_disposal { /* operator to bank, bank to financing */
    char project[PLEDGE_NUMBER];
    int64_t document_type;
    char document_number[PLEDGE_DOCUMENT], prepay_name[PLEDGE_NAME], prepay[PLEDGE_ACCOUNT];
    struct pledge_amounts amounts;
};
struct pledge_m_project {
    char project[PLEDGE_NUMBER];
};
struct pledge_m_approve {
    int64_t subject;
    char project[PLEDGE_NUMBER], channel[PLEDGE_NUMBER]; /* channel: of a grant */
    char document_number[PLEDGE_DOCUMENT];               /* of a disposal */
    uint8_t seller_key[PLEDGE_KEY];                      /* of a grant; else zeroes */
};
struct pledge_m_account {
    char account[PLEDGE_ACCOUNT], name[PLEDGE_NAME];
};
struct pledge_m_deposit {
    char reference[PLEDGE_NUMBER], account[PLEDGE_ACCOUNT];
    int64_t amount;
};
struct pledge_m_unpledge_terms {
    char channel[PLEDGE_NUMBER], project[PLEDGE_NUMBER], type[PLEDGE_TICKET_TYPE];
    int64_t amount;
};

/* kind, name on the wire, member of the body, sender's role, recipient's role */
#define PLEDGE_KINDS(X)                                                                                      \
    X(ENTERPRISE, "enterprise", enterprise, SELLER, PLATFORM)                                                \
    X(CHANNEL_APPLICATION, "channel-application", channel_application, SELLER, PLATFORM)                     \
    X(KEY_SUBMISSION, "key-submission", key_submission, SELLER, BANK)                                        \
    X(GRANT, "grant", grant, BANK, PLATFORM)                                                                 \
    X(REVOKE, "revoke", revoke, BANK, PLATFORM)                                                              \
    X(CHANNEL_KEY, "channel-key", channel_key, BANK, PROVIDER)                                               \
    X(APPLICATION, "application", application, SELLER, FINANCING)                                            \
    X(APPLICATION_RESULT, "application-result", application_result, FINANCING, SELLER)                       \
    X(LOAN_REQUEST, "loan-request", loan_request, FINANCING, BANK)                                           \
    X(LOAN_RESULT, "loan-result", loan_result, BANK, FINANCING)                                              \
    X(ALLOCATION, "allocation", allocation, FINANCING, PLATFORM)                                             \
    X(ALLOCATE, "allocate", allocation, PLATFORM, PROVIDER)                                                  \
    X(ALLOCATED, "allocated", allocated, PROVIDER, PLATFORM)                                                 \
    X(CHANNEL_ALLOCATED, "channel-allocated", allocated, PLATFORM, BANK)                                     \
    X(ORDER, "order", order, SELLER, PLATFORM)                                                               \
    X(ORDER_RESULT, "order-result", order_result, PLATFORM, SELLER)                                          \
    X(TICKET_REQUEST, "ticket-request", ticket_request, PLATFORM, PROVIDER)                                  \
    X(TICKET_ISSUE, "ticket-issue", line, PLATFORM, PROVIDER)                                                \
    X(TICKET_RETURN, "ticket-return", line, PLATFORM, PROVIDER)                                              \
    X(TICKET_RESULT, "ticket-result", ticket_result, PROVIDER, PLATFORM)                                     \
    X(UNPLEDGE, "unpledge", unpledge, PLATFORM, BANK)                                                        \
    X(UNPLEDGE_CAPTURE, "unpledge-capture", line, PLATFORM, BANK)                                            \
    X(UNPLEDGE_VOID, "unpledge-void", line, PLATFORM, BANK)                                                  \
    X(UNPLEDGE_RESULT, "unpledge-result", unpledge_result, BANK, PLATFORM)                                   \
    X(REDEEM, "redeem", redeem, PLATFORM, FINANCING)                                                         \
    X(REDEEM_CAPTURE, "redeem-capture", line, PLATFORM, FINANCING)                                           \
    X(REDEEM_VOID, "redeem-void", line, PLATFORM, FINANCING)                                                 \
    X(REDEEM_RESULT, "redeem-result", redeem_result, FINANCING, PLATFORM)                                    \
    X(PAY, "pay", pay, FINANCING, BANK)                                                                      \
    X(PAY_CAPTURE, "pay-capture", redemption, FINANCING, BANK)                                               \
    X(PAY_VOID, "pay-void", redemption, FINANCING, BANK)                                                     \
    X(PAY_RESULT, "pay-result", pay_result, BANK, FINANCING)                                                 \
    X(DISPOSAL_ORDER, "disposal-order", disposal, OPERATOR, BANK)                                            \
    X(DISPOSAL, "disposal", disposal, BANK, FINANCING)                                                       \
    X(DISPOSE, "dispose", project, BANK, PLATFORM)                                                           \
    X(CLOSE_ORDER, "close-order", project, OPERATOR, BANK)                                                   \
    X(CLOSE, "close", project, BANK, FINANCING)                                                              \
    X(REVOKE_ORDER, "revoke-order", revoke, OPERATOR, BANK)                                                  \
    X(APPROVE, "approve", approve, OPERATOR, BANK)                                                           \
    X(ACCOUNT, "account", account, OPERATOR, BANK)                                                           \
    X(DEPOSIT, "deposit", deposit, OPERATOR, BANK)                                                           \
    X(UNPLEDGE_TERMS, "unpledge-terms", unpledge_terms, OPERATOR, BANK)                                      \
    X(PAYMENT_CONFIRMED, "payment-confirmed", project, OPERATOR, PROVIDER)

#define PLEDGE_KIND_ENUM(id, name, member, from, to) PLEDGE_K_##id,
enum pledge_kind { PLEDGE_K_NO_KIND, PLEDGE_KINDS(PLEDGE_KIND_ENUM) PLEDGE_KIND_COUNT };
#undef PLEDGE_KIND_ENUM

struct pledge_message {
    int64_t kind;
    char id[PLEDGE_ID]; /* the same for every sending of the same message */
    char from[PLEDGE_PARTY], to[PLEDGE_PARTY];
    char address[PLEDGE_URL]; /* where to: the callback that was asked for; "" for the recipient's own. Not
                                 signed */
    uint8_t key[PLEDGE_KEY], signature[PLEDGE_SIGNATURE];
    union pledge_body {
        struct pledge_m_enterprise enterprise;
        struct pledge_m_channel_application channel_application;
        struct pledge_m_key_submission key_submission;
        struct pledge_m_grant grant;
        struct pledge_m_revoke revoke;
        struct pledge_m_channel_key channel_key;
        struct pledge_m_application application;
        struct pledge_m_application_result application_result;
        struct pledge_m_loan_request loan_request;
        struct pledge_m_loan_result loan_result;
        struct pledge_m_allocation allocation;
        struct pledge_m_allocated allocated;
        struct pledge_m_order order;
        struct pledge_m_order_result order_result;
        struct pledge_m_line line;
        struct pledge_m_ticket_request ticket_request;
        struct pledge_m_ticket_result ticket_result;
        struct pledge_m_unpledge unpledge;
        struct pledge_m_unpledge_result unpledge_result;
        struct pledge_m_redeem redeem;
        struct pledge_m_redeem_result redeem_result;
        struct pledge_m_pay pay;
        struct pledge_m_redemption redemption;
        struct pledge_m_pay_result pay_result;
        struct pledge_m_disposal disposal;
        struct pledge_m_project project;
        struct pledge_m_approve approve;
        struct pledge_m_account account;
        struct pledge_m_deposit deposit;
        struct pledge_m_unpledge_terms unpledge_terms;
    } body;
};

struct pledge_kind_info {
    const char *name;
    const struct pledge_field *fields;
    enum pledge_role from, to;
};
/* By enum pledge_kind; [0] is empty. */
extern const struct pledge_kind_info pledge_kinds[PLEDGE_KIND_COUNT];

/* PLEDGE_K_NO_KIND when there is no such name. */
enum pledge_kind pledge_kind_find(const char *name);

/* Most bytes of pledge_message_bytes. */
#define PLEDGE_SIGNED_MAX 6144

/* What the signature covers: "tally/pledge/1", kind, id, sender, recipient, key, body. */
enum tally_error pledge_message_bytes(const struct pledge_message *message, uint8_t *out, size_t size,
                                      size_t *n);

#endif
