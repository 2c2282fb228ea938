/* The folder that makes a gate a gate: specs/ticketing.md, "Gate kit". */
#ifndef TALLY_TICKETING_GATE_KIT_H
#define TALLY_TICKETING_GATE_KIT_H

#include "host/service/db.h"
#include "host/ticketing/keystore.h"

struct tally_gate_kit {
    const struct tally_operator_keys *keys;
    uint32_t gate, station;
    const char *party;                  /* key id of party.pem */
    const char *url;                    /* of tally-authd; NULL: the kit names no deny list */
    const char *trusted_keys;           /* where the party is registered */
    struct tally_db *db;                /* for the first deny list */
    int64_t now;                        /* UTC seconds */
    int64_t certificate_s, deny_list_s; /* lifetimes */
};

/* Writes the kit into a new folder. TALLY_E_EXISTS when the folder or the party is there. */
enum tally_error tally_gate_kit_write(const struct tally_gate_kit *kit, const char *folder);

#endif
