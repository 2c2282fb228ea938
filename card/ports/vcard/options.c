#include "card/ports/vcard/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "card/crypto/sym.h"

#define DEFAULT_PORT    35963
#define DEFAULT_AWAY_MS 1000
#define MAX_MS          600000

static const char help[] =
    "usage: tally-vcard --image FILE [OPTION ...]\n"
    "       tally-vcard --create --image FILE [--chip-id HEX] [--admin-key KEY | --admin-master KEY]\n"
    "\n"
    "A Tally card as a process behind vpcd, the virtual reader's driver. It waits for the reader, and comes "
    "back\n"
    "when the link is lost. Commands and flash operations are counted from 1 over the life of the process.\n"
    "\n"
    "  --image FILE          the chip: identity and flash; one process at a time\n"
    "  --host ADDRESS        where vpcd listens (127.0.0.1)\n"
    "  --port N              its port (35963); the reader's second slot is the port after it\n"
    "  --seed N              random numbers follow from N: repeatable, and not for real keys\n"
    "  --cut-at N            power is lost in flash operation N, the unit or page is torn\n"
    "  --cut-seed N          how it is torn (0)\n"
    "  --drop-at-apdu N      the card is lost before it gets command N\n"
    "  --drop-answer-at N    the card carries command N out and is lost before its answer\n"
    "  --delay-at N          answer command N late ...\n"
    "  --delay-ms N          ... by so many milliseconds\n"
    "  --cut-exit            end with status 5 when the card is lost by one of these, instead of coming "
    "back\n"
    "  --away-ms N           how long a lost card stays away (1000)\n"
    "  --verbose             tell power and faults on standard error\n"
    "  --create              make a new chip, print its chip id, and end\n"
    "  --chip-id HEX         8 bytes (random)\n"
    "  --admin-key KEY       16 bytes: 32 hex digits, or a file with them or with the bytes (random)\n"
    "  --admin-master KEY    the issuer's master, from which the key is derived by the chip id\n"
    "  --help\n"
    "\n"
    "Exit status: 2 usage, 5 torn (--cut-exit), 8 the image or the system failed.\n";

enum option_code {
    OPT_IMAGE = 256,
    OPT_HOST,
    OPT_PORT,
    OPT_SEED,
    OPT_CUT_AT,
    OPT_CUT_SEED,
    OPT_CUT_EXIT,
    OPT_DROP_AT,
    OPT_DROP_ANSWER,
    OPT_DELAY_AT,
    OPT_DELAY_MS,
    OPT_AWAY_MS,
    OPT_VERBOSE,
    OPT_CREATE,
    OPT_CHIP_ID,
    OPT_ADMIN_KEY,
    OPT_ADMIN_MASTER,
    OPT_HELP
};

static const struct option options[] = {
    {"image", required_argument, NULL, OPT_IMAGE},
    {"host", required_argument, NULL, OPT_HOST},
    {"port", required_argument, NULL, OPT_PORT},
    {"seed", required_argument, NULL, OPT_SEED},
    {"cut-at", required_argument, NULL, OPT_CUT_AT},
    {"cut-seed", required_argument, NULL, OPT_CUT_SEED},
    {"cut-exit", no_argument, NULL, OPT_CUT_EXIT},
    {"drop-at-apdu", required_argument, NULL, OPT_DROP_AT},
    {"drop-answer-at", required_argument, NULL, OPT_DROP_ANSWER},
    {"delay-at", required_argument, NULL, OPT_DELAY_AT},
    {"delay-ms", required_argument, NULL, OPT_DELAY_MS},
    {"away-ms", required_argument, NULL, OPT_AWAY_MS},
    {"verbose", no_argument, NULL, OPT_VERBOSE},
    {"create", no_argument, NULL, OPT_CREATE},
    {"chip-id", required_argument, NULL, OPT_CHIP_ID},
    {"admin-key", required_argument, NULL, OPT_ADMIN_KEY},
    {"admin-master", required_argument, NULL, OPT_ADMIN_MASTER},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

/* What the identity is made from, once all options are read. */
struct identity_source {
    const char *chip_id, *admin_key, *admin_master;
};

static bool wrong(const char *what, const char *value)
{
    fprintf(stderr, "tally-vcard: %s: '%s'\n", what, value);
    return false;
}

static bool read_number(const char *text, uint64_t max, uint64_t *out)
{
    char *end;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    *out = 0;
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || v > max)
        return wrong("not a number in range", text);
    *out = v;
    return true;
}

static bool read_milliseconds(const char *text, unsigned *out)
{
    uint64_t v;
    bool ok = read_number(text, MAX_MS, &v);
    *out = (unsigned)v;
    return ok;
}

/* Exactly n bytes of hex, with nothing but one line end after them. */
static bool read_hex(const char *text, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char pair[3] = {text[2 * i], text[2 * i] != '\0' ? text[2 * i + 1] : '\0', '\0'}, *end;
        out[i] = (uint8_t)strtoul(pair, &end, 16);
        if (end != pair + 2 || pair[0] == '-' || pair[0] == '+' || pair[0] == ' ')
            return false;
    }
    return text[2 * n] == '\0' || strcmp(text + 2 * n, "\n") == 0;
}

/* A key as hex digits, or a file with hex digits or the bytes themselves. */
static bool read_key(const char *value, uint8_t key[HAL_ADMIN_KEY_SIZE])
{
    char text[2 * HAL_ADMIN_KEY_SIZE + 3] = "";
    if (read_hex(value, key, HAL_ADMIN_KEY_SIZE))
        return true;
    FILE *f = fopen(value, "re");
    if (f == NULL)
        return wrong("neither 32 hex digits nor a file that can be read", value);
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    bool ok = n == HAL_ADMIN_KEY_SIZE || (n < sizeof text - 1 && read_hex(text, key, HAL_ADMIN_KEY_SIZE));
    if (n == HAL_ADMIN_KEY_SIZE)
        memcpy(key, text, HAL_ADMIN_KEY_SIZE);
    explicit_bzero(text, sizeof text);
    return ok || wrong("the file holds no key of 16 bytes", value);
}

static bool make_identity(const struct identity_source *s, struct hal_identity *out)
{
    uint8_t master[HAL_ADMIN_KEY_SIZE];
    const struct bytes context = {out->chip_id, sizeof out->chip_id};
    bool ok = false;
    if (s->admin_key != NULL && s->admin_master != NULL)
        return wrong("not together with --admin-key", "--admin-master");
    if (s->chip_id != NULL && !read_hex(s->chip_id, out->chip_id, sizeof out->chip_id))
        return wrong("a chip id is 16 hex digits", s->chip_id);
    if (s->chip_id == NULL && getrandom(out->chip_id, sizeof out->chip_id, 0) != sizeof out->chip_id)
        return wrong("no random numbers", strerror(errno));
    if (s->admin_key != NULL)
        return read_key(s->admin_key, out->admin_key);
    if (s->admin_master == NULL)
        return getrandom(out->admin_key, sizeof out->admin_key, 0) == sizeof out->admin_key;
    ok = read_key(s->admin_master, master);
    if (ok)
        kdf_cmac(master, "tally/admin/1", &context, 1, out->admin_key, sizeof out->admin_key);
    wipe(master, sizeof master);
    return ok;
}

static bool take_number(int c, const char *value, struct vcard_settings *s)
{
    struct vpcd_faults *f = &s->link.faults;
    uint64_t port;
    switch (c) {
    case OPT_PORT:
        if (!read_number(value, UINT16_MAX, &port))
            return false;
        s->link.port = (uint16_t)port;
        return true;
    case OPT_SEED: s->seeded = true; return read_number(value, UINT64_MAX, &s->seed);
    case OPT_CUT_AT: return read_number(value, UINT64_MAX, &s->cut_at);
    case OPT_CUT_SEED: return read_number(value, UINT64_MAX, &s->cut_seed);
    case OPT_DROP_AT: return read_number(value, UINT64_MAX, &f->drop_command);
    case OPT_DROP_ANSWER: return read_number(value, UINT64_MAX, &f->drop_answer);
    case OPT_DELAY_AT: return read_number(value, UINT64_MAX, &f->delay_at);
    case OPT_DELAY_MS: return read_milliseconds(value, &f->delay_ms);
    case OPT_AWAY_MS: return read_milliseconds(value, &s->link.away_ms);
    default: return false;
    }
}

static bool take(int c, const char *value, struct vcard_settings *s, struct identity_source *from)
{
    switch (c) {
    case OPT_IMAGE: s->image = value; return true;
    case OPT_HOST: s->link.host = value; return true;
    case OPT_CUT_EXIT: s->link.end_when_torn = true; return true;
    case OPT_VERBOSE: s->verbose = true; return true;
    case OPT_CREATE: s->create = true; return true;
    case OPT_CHIP_ID: from->chip_id = value; return true;
    case OPT_ADMIN_KEY: from->admin_key = value; return true;
    case OPT_ADMIN_MASTER: from->admin_master = value; return true;
    default: return take_number(c, value, s);
    }
}

enum options_result vcard_options(int argc, char **argv, struct vcard_settings *out)
{
    struct identity_source from = {0};
    int c;
    memset(out, 0, sizeof *out);
    out->link.host = "127.0.0.1";
    out->link.port = DEFAULT_PORT;
    out->link.away_ms = DEFAULT_AWAY_MS;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == OPT_HELP) {
            fputs(help, stdout);
            return OPTIONS_HELP;
        }
        if (c == '?' || !take(c, optarg, out, &from))
            return OPTIONS_WRONG;
    }
    if (optind < argc)
        return wrong("unexpected argument", argv[optind]), OPTIONS_WRONG;
    if (out->image == NULL)
        return wrong("missing option", "--image"), OPTIONS_WRONG;
    if (!out->create && (from.chip_id != NULL || from.admin_key != NULL || from.admin_master != NULL))
        return wrong("an identity is given only with", "--create"), OPTIONS_WRONG;
    return !out->create || make_identity(&from, &out->identity) ? OPTIONS_RUN : OPTIONS_WRONG;
}
