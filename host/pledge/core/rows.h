/* The tables of each party: rows as C structs, keys first. */
#ifndef TALLY_PLEDGE_ROWS_H
#define TALLY_PLEDGE_ROWS_H

#include "host/pledge/core/store.h"

enum {
    PLEDGE_PLAIN = 512, /* most bytes of a ticket in clear */
    PLEDGE_LEDGER = 48, /* names of ledger accounts */
    PLEDGE_HOLD_NUMBER = 48
};

/* Platform */
struct pledge_r_enterprise {
    uint8_t seller_key[PLEDGE_KEY];
    char uscc[PLEDGE_USCC], name[PLEDGE_NAME], prepay[PLEDGE_ACCOUNT], party[PLEDGE_PARTY];
};
struct pledge_r_channel { /* a seller's sales channel */
    char channel[PLEDGE_NUMBER];
    uint8_t seller_key[PLEDGE_KEY];
    int64_t state;
    char party[PLEDGE_PARTY], uscc[PLEDGE_USCC], counterparty_name[PLEDGE_NAME],
        counterparty_uscc[PLEDGE_USCC];
    char ticketing_system[PLEDGE_NAME], project[PLEDGE_NUMBER];
    int64_t document_type;
    char document_number[PLEDGE_DOCUMENT], prepay[PLEDGE_ACCOUNT];
    int64_t grant_number; /* of the newest re-encryption key; 0: none yet */
};
struct pledge_r_delegation { /* the re-encryption keys, old ones too: what is under way needs them */
    char channel[PLEDGE_NUMBER];
    uint8_t seller_key[PLEDGE_KEY];
    int64_t grant_number;
    uint8_t channel_key[PLEDGE_KEY];
    struct pledge_rk rk;
};
struct pledge_r_channel_type {
    char channel[PLEDGE_NUMBER];
    uint8_t seller_key[PLEDGE_KEY];
    char type[PLEDGE_TICKET_TYPE];
    int64_t allowed; /* 1 */
};
struct pledge_r_reference {
    uint8_t seller_key[PLEDGE_KEY];
    char reference[PLEDGE_NUMBER];
    char order[PLEDGE_NUMBER];
};
struct pledge_r_order {
    char order[PLEDGE_NUMBER];
    uint8_t seller_key[PLEDGE_KEY];
    char reference[PLEDGE_NUMBER], party[PLEDGE_PARTY], channel[PLEDGE_NUMBER], type[PLEDGE_TICKET_TYPE];
    int64_t price, quantity, created;
    char callback[PLEDGE_URL];
};
struct pledge_r_line {
    char order[PLEDGE_NUMBER];
    int64_t line;
    int64_t state, due, deadline, attempt, grant_number;
    struct pledge_sealed ticket;
};
struct pledge_r_contract { /* a financed project as the platform knows it */
    char project[PLEDGE_NUMBER];
    char contract[PLEDGE_NUMBER], counterparty_name[PLEDGE_NAME], channel[PLEDGE_NUMBER];
    int64_t disposal; /* 1: the bank has its pledged tickets disposed of */
};

/* Bank */
enum pledge_side { PLEDGE_ASSET = 1, PLEDGE_LIABILITY };
struct pledge_r_account {
    char account[PLEDGE_LEDGER];
    char name[PLEDGE_NAME];
    int64_t side, balance; /* debits minus credits */
};
struct pledge_r_entry { /* reason and reference happen once */
    char reason[PLEDGE_PARTY], reference[PLEDGE_ID];
    int64_t at, postings;
};
struct pledge_r_posting {
    char reason[PLEDGE_PARTY], reference[PLEDGE_ID];
    int64_t position;
    char account[PLEDGE_LEDGER];
    int64_t amount; /* debit above zero, credit below */
};
struct pledge_r_hold {
    char party[PLEDGE_PARTY], number[PLEDGE_HOLD_NUMBER]; /* financing: redemption; platform: order.line */
    int64_t state, amount, due;
    char project[PLEDGE_NUMBER], prepay[PLEDGE_ACCOUNT], order[PLEDGE_NUMBER], callback[PLEDGE_URL];
    int64_t line, told;
    uint8_t digest[PLEDGE_DIGEST]; /* of the request: the same number must mean the same */
};
struct pledge_r_loan {
    char project[PLEDGE_NUMBER];
    int64_t state, principal, entrusted_amount;
    char borrower_name[PLEDGE_NAME], borrower_document_number[PLEDGE_DOCUMENT];
    char loan_account[PLEDGE_ACCOUNT], entrusted_account[PLEDGE_ACCOUNT], party[PLEDGE_PARTY];
    char first_operator[PLEDGE_PARTY], second_operator[PLEDGE_PARTY], channel[PLEDGE_NUMBER];
    int64_t sent;
};
struct pledge_r_grant {
    char channel[PLEDGE_NUMBER];
    uint8_t seller_key[PLEDGE_KEY];
    int64_t state, grant_number;
    char uscc[PLEDGE_USCC], name[PLEDGE_NAME], project[PLEDGE_NUMBER], party[PLEDGE_PARTY];
    char first_operator[PLEDGE_PARTY], second_operator[PLEDGE_PARTY];
};
struct pledge_r_disposal {
    char project[PLEDGE_NUMBER], document_number[PLEDGE_DOCUMENT];
    int64_t state, document_type;
    char prepay_name[PLEDGE_NAME], prepay[PLEDGE_ACCOUNT];
    char first_operator[PLEDGE_PARTY], second_operator[PLEDGE_PARTY];
};
struct pledge_r_amount { /* bank and financing: what a ticket repays in a disposal project */
    char project[PLEDGE_NUMBER], document_number[PLEDGE_DOCUMENT], type[PLEDGE_TICKET_TYPE];
    int64_t amount;
};
struct pledge_r_unpledge_terms {
    char channel[PLEDGE_NUMBER], type[PLEDGE_TICKET_TYPE];
    char project[PLEDGE_NUMBER];
    int64_t amount;
};

/* Provider */
struct pledge_r_issuing_channel {
    char channel[PLEDGE_NUMBER];
    int64_t state, epoch;
    char project[PLEDGE_NUMBER], contract[PLEDGE_NUMBER], counterparty_name[PLEDGE_NAME];
    uint8_t channel_key[PLEDGE_KEY];
};
struct pledge_r_project_channel {
    char project[PLEDGE_NUMBER];
    char channel[PLEDGE_NUMBER];
};
struct pledge_r_stock {
    char channel[PLEDGE_NUMBER], type[PLEDGE_TICKET_TYPE];
    int64_t total, taken; /* taken: reserved and issued */
};
struct pledge_r_ticket {
    char order[PLEDGE_NUMBER];
    int64_t line;
    int64_t state, price, told;
    char channel[PLEDGE_NUMBER], type[PLEDGE_TICKET_TYPE], serial[PLEDGE_NUMBER], callback[PLEDGE_URL];
    struct pledge_sealed ticket;
};

/* Financing */
struct pledge_r_project {
    char project[PLEDGE_NUMBER];
    int64_t state, price_basis, principal, repaid, under_way, disposals;
    char borrower_name[PLEDGE_NAME], contract[PLEDGE_NUMBER], counterparty_name[PLEDGE_NAME];
    int64_t borrower_document_type, platform_fee;
    char borrower_document_number[PLEDGE_DOCUMENT], prepay_name[PLEDGE_NAME], prepay[PLEDGE_ACCOUNT];
    char reference[PLEDGE_NUMBER], party[PLEDGE_PARTY];
};
struct pledge_r_application {
    uint8_t seller_key[PLEDGE_KEY];
    char reference[PLEDGE_NUMBER];
    char project[PLEDGE_NUMBER];
};
struct pledge_r_term {
    char project[PLEDGE_NUMBER], type[PLEDGE_TICKET_TYPE];
    int64_t quantity, settlement_price, suggested_price, list_price;
};
struct pledge_r_disposal_project {
    char project[PLEDGE_NUMBER], document_number[PLEDGE_DOCUMENT];
    int64_t document_type;
    char prepay_name[PLEDGE_NAME], prepay[PLEDGE_ACCOUNT];
};
struct pledge_r_redemption {
    char order[PLEDGE_NUMBER];
    int64_t line;
    int64_t state, project_state, amount, due, attempt, told;
    char redemption[PLEDGE_NUMBER], project[PLEDGE_NUMBER], type[PLEDGE_TICKET_TYPE];
    int64_t document_type;
    char document_number[PLEDGE_DOCUMENT], prepay_name[PLEDGE_NAME], prepay[PLEDGE_ACCOUNT],
        callback[PLEDGE_URL];
};
struct pledge_r_redemption_number {
    char redemption[PLEDGE_NUMBER];
    char order[PLEDGE_NUMBER];
    int64_t line;
};

/* Seller */
struct pledge_r_sale {
    char reference[PLEDGE_NUMBER];
    int64_t price, quantity, open, due, attempt; /* open: lines without an outcome */
    char channel[PLEDGE_NUMBER], type[PLEDGE_TICKET_TYPE], order[PLEDGE_NUMBER];
};
struct pledge_r_sold {
    char reference[PLEDGE_NUMBER];
    int64_t line;
    int64_t state;
    struct pledge_plain {
        uint16_t n;
        uint8_t data[PLEDGE_PLAIN];
    } ticket;
};
struct pledge_r_project_seen {
    char reference[PLEDGE_NUMBER];
    char project[PLEDGE_NUMBER];
    int64_t project_state;
};

#define PLEDGE_TABLES(X)                                                                                     \
    X(enterprise)                                                                                            \
    X(channel)                                                                                               \
    X(channel_type)                                                                                          \
    X(delegation)                                                                                            \
    X(reference)                                                                                             \
    X(order)                                                                                                 \
    X(line) X(contract) X(account) X(entry) X(posting) X(hold) X(loan) X(grant) X(disposal) X(amount)        \
        X(unpledge_terms) X(issuing_channel) X(project_channel) X(stock) X(ticket) X(project) X(application) \
            X(term) X(disposal_project) X(redemption) X(redemption_number) X(sale) X(sold) X(project_seen)

#define PLEDGE_TABLE_EXTERN(name) extern const struct pledge_table pledge_t_##name;
PLEDGE_TABLES(PLEDGE_TABLE_EXTERN)
#undef PLEDGE_TABLE_EXTERN

/* The tables of a role's database; ends with NULL. */
const struct pledge_table *const *pledge_tables_of(enum pledge_role role);

#endif
