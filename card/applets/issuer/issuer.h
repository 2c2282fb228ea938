/* The issuer applet: life cycle and personalisation under the card's administration key (specs/apdu.md). */
#ifndef TALLY_APPLETS_ISSUER_H
#define TALLY_APPLETS_ISSUER_H

#include "card/apdu/applet.h"

extern const struct applet issuer_applet;

#endif
