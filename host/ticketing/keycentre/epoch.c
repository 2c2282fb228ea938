#include "host/ticketing/keycentre/epoch.h"

static int64_t length_of(const struct keycentre_epochs *epochs, enum identity_scheme scheme)
{
    return scheme == IDENTITY_CARD ? epochs->card_length : epochs->length;
}

static bool length_valid(int64_t length)
{
    return length >= KEYCENTRE_EPOCH_LENGTH_MIN && length <= KEYCENTRE_EPOCH_LENGTH_MAX;
}

bool keycentre_epochs_valid(const struct keycentre_epochs *epochs)
{
    return epochs->start >= 0 && epochs->start <= UINT32_MAX && length_valid(epochs->length) &&
           length_valid(epochs->card_length) && epochs->lead >= 0 && epochs->lead <= epochs->length &&
           epochs->lead <= epochs->card_length;
}

int32_t keycentre_epoch_now(const struct keycentre_epochs *epochs, enum identity_scheme scheme, int64_t now)
{
    if (now < epochs->start)
        return -1;
    int64_t epoch = (now - epochs->start) / length_of(epochs, scheme);
    return epoch <= UINT16_MAX ? (int32_t)epoch : -1;
}

bool keycentre_epoch_open(const struct keycentre_epochs *epochs, enum identity_scheme scheme, uint16_t epoch,
                          int64_t now)
{
    int64_t length = length_of(epochs, scheme), begin = epochs->start + epoch * length;
    return now >= begin - epochs->lead && now < begin + length;
}
