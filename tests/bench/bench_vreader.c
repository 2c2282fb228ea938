/* vreader.apdu_us: median round trip of a short APDU through SCardTransmit, pcscd, vpcd and the virtual card,
 * in microseconds. Runs inside tally-vreader. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "host/reader/pcsc.h"

enum { WARM_UP = 200, ROUND_TRIPS = 4000, DEADLINE_MS = 30000 };

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static enum tally_error measure(struct card_transport *t, double *median)
{
    static double samples[ROUND_TRIPS];
    static const uint8_t get_status[] = {0x80, 0xf2, 0x00, 0x00, 0x00};
    uint8_t answer[258];
    size_t n;
    *median = 0;
    for (int i = -WARM_UP; i < ROUND_TRIPS; i++) {
        double start = now_us();
        enum tally_error e = tally_card_exchange(t, get_status, sizeof get_status, answer, sizeof answer, &n);
        if (e != TALLY_OK)
            return e;
        if (i >= 0)
            samples[i] = now_us() - start;
    }
    qsort(samples, ROUND_TRIPS, sizeof samples[0], by_value);
    *median = samples[ROUND_TRIPS / 2];
    return TALLY_OK;
}

int main(void)
{
    struct tally_pcsc *pcsc = NULL;
    struct card_transport *t = NULL;
    struct tally_reader reader;
    double median = 0;
    enum tally_error e = tally_pcsc_open(&pcsc);
    if (e == TALLY_OK)
        e = tally_pcsc_wait_card(pcsc, NULL, DEADLINE_MS, &reader);
    if (e == TALLY_OK)
        e = tally_pcsc_connect(pcsc, reader.name, &t);
    if (e == TALLY_OK)
        e = tally_card_begin(t);
    if (e == TALLY_OK)
        e = measure(t, &median);
    if (e == TALLY_OK)
        printf("vreader.apdu_us %.1f\n", median);
    else
        fprintf(stderr, "bench_vreader: %s\n", tally_error_text(e));
    tally_card_close(t);
    tally_pcsc_close(pcsc);
    return tally_error_exit_code(e);
}
