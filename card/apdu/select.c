/* SELECT by name, ISO/IEC 7816-4 11.2.2. */
#include <string.h>

#include "card/apdu/dispatch.h"
#include "card/applets/issuer/issuer.h"
#include "card/wire/tlv.h"

enum { TAG_FCI = 0x6F, TAG_DF_NAME = 0x84, TAG_PROPRIETARY = 0xA5, TAG_VERSION = 0x80 };

static void write_aid(const struct applet *applet, uint8_t aid[TALLY_AID_LEN])
{
    static const uint8_t prefix[] = {TALLY_AID_PREFIX};
    _Static_assert(sizeof prefix == TALLY_AID_LEN - 1, "the last byte tells the applets apart");
    memcpy(aid, prefix, sizeof prefix);
    aid[sizeof prefix] = applet->aid_last;
}

/* A name that is cut off at the right matches too. */
static bool matches(const struct applet *applet, const uint8_t *name, size_t n)
{
    uint8_t aid[TALLY_AID_LEN];
    write_aid(applet, aid);
    return n <= sizeof aid && memcmp(aid, name, n) == 0;
}

static void write_fci(const struct applet *applet, struct apdu_response *response)
{
    static const uint8_t version[] = {CARD_VERSION};
    uint8_t aid[TALLY_AID_LEN];
    struct tlv_writer w;
    write_aid(applet, aid);
    tlv_writer_init(&w, response->data, response->size);
    size_t fci = tlv_open(&w, TAG_FCI);
    tlv_put(&w, TAG_DF_NAME, aid, sizeof aid);
    size_t proprietary = tlv_open(&w, TAG_PROPRIETARY);
    tlv_put(&w, TAG_VERSION, version, sizeof version);
    tlv_close(&w, proprietary);
    tlv_close(&w, fci);
    response->len = w.len;
}

uint16_t select_run(struct card *card, const struct apdu_command *command, struct apdu_response *response)
{
    const struct applet *const applets[] = {&ticket_applet, &issuer_applet};
    for (size_t i = 0; i < sizeof applets / sizeof applets[0]; i++) {
        if (!matches(applets[i], command->data, command->len))
            continue;
        card_end_sessions(card);
        card->selected = applets[i];
        if (command->p2 != SELECT_NO_FCI)
            write_fci(applets[i], response);
        return SW_OK;
    }
    return SW_FILE_NOT_FOUND;
}
