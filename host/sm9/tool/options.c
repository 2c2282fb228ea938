#include "host/sm9/tool/options.h"

#include <string.h>

#include "host/base/bytes.h"

enum value { NO_VALUE, TEXT, IDENTITY, HEX_IDENTITY };

/* Bits of the commands, for which have and which need an option. */
enum { GENMASTER = 1, PUBKEY = 2, EXTRACT = 4, SIGN = 8, VERIFY = 16, ENCRYPT = 32, DECRYPT = 64 };

static const struct {
    const char *name;
    unsigned bit;
} commands[] = {{"genmaster", GENMASTER}, {"pubkey", PUBKEY},   {"extract", EXTRACT}, {"sign", SIGN},
                {"verify", VERIFY},       {"encrypt", ENCRYPT}, {"decrypt", DECRYPT}};

#define AT(member) offsetof(struct options, member)

static const struct option {
    const char *name;
    enum value value;
    size_t at;
    unsigned has, needs;
} table[] = {
    {"-in", TEXT, AT(in), PUBKEY | SIGN | VERIFY | ENCRYPT | DECRYPT, PUBKEY},
    {"-out", TEXT, AT(out), GENMASTER | PUBKEY | EXTRACT | SIGN | ENCRYPT | DECRYPT, 0},
    {"-pubout", TEXT, AT(pubout), GENMASTER, 0},
    {"-master", TEXT, AT(master), EXTRACT, EXTRACT},
    {"-key", TEXT, AT(key), SIGN | DECRYPT, SIGN | DECRYPT},
    {"-pubkey", TEXT, AT(pubkey), VERIFY | ENCRYPT, VERIFY | ENCRYPT},
    {"-signature", TEXT, AT(signature), VERIFY, VERIFY},
    {"-passin", TEXT, AT(passin), PUBKEY | EXTRACT | SIGN | DECRYPT, 0},
    {"-passout", TEXT, AT(passout), GENMASTER | EXTRACT, 0},
    {"-noenc", NO_VALUE, AT(noenc), GENMASTER | EXTRACT, 0},
    {"-sign", NO_VALUE, AT(sign), GENMASTER, 0},
    {"-encrypt", NO_VALUE, AT(encrypt), GENMASTER, 0},
    {"-exchange", NO_VALUE, AT(exchange), EXTRACT, 0},
    {"-sm4", NO_VALUE, AT(sm4), ENCRYPT, 0},
    {"-id", IDENTITY, 0, EXTRACT | VERIFY | ENCRYPT | DECRYPT, 0},
    {"-hexid", HEX_IDENTITY, 0, EXTRACT | VERIFY | ENCRYPT | DECRYPT, 0},
};
enum { OPTIONS = sizeof table / sizeof *table, WITH_ID = EXTRACT | VERIFY | ENCRYPT | DECRYPT };

void options_usage(FILE *to)
{
    fputs("usage: tally-sm9 COMMAND [OPTION ...]\n"
          "\n"
          "  genmaster -sign|-encrypt [-out FILE] [-pubout FILE] [-passout ARG|-noenc]\n"
          "                      makes a master key\n"
          "  pubkey -in KEY [-passin ARG] [-out FILE]\n"
          "                      the master public key in a private key file\n"
          "  extract -master KEY -id ID [-exchange] [-passin ARG] [-out FILE] [-passout ARG|-noenc]\n"
          "                      the private key of an identity\n"
          "  sign -key KEY [-passin ARG] [-in FILE] [-out FILE]\n"
          "  verify -pubkey PUB -id ID -signature FILE [-in FILE]\n"
          "  encrypt -pubkey PUB -id ID [-sm4] [-in FILE] [-out FILE]\n"
          "  decrypt -key KEY -id ID [-passin ARG] [-in FILE] [-out FILE]\n"
          "  help, version\n"
          "\n"
          "Without -in and -out: standard input and output. -hexid HEX instead of -id ID for any bytes.\n"
          "ARG: pass:TEXT, env:NAME, file:PATH, fd:NUMBER or stdin; without it a question on the terminal.\n"
          "Exit status: 0 done or verified, 1 anything else.\n",
          to);
}

static bool fail(const char *what, const char *about)
{
    fprintf(stderr, "tally-sm9: %s%s%s\n", what, about != NULL ? ": " : "", about != NULL ? about : "");
    return false;
}

static bool take_id(struct options *o, const char *text, bool hex)
{
    if (o->has_id)
        return fail("more than one identity", NULL);
    o->has_id = true;
    o->id_len = strlen(text);
    if (hex && tally_hex_decode(text, o->id, sizeof o->id, &o->id_len) != TALLY_OK)
        return fail("-hexid wants hex digits, at most 510", NULL);
    if (o->id_len < 1 || o->id_len > sizeof o->id)
        return fail("an identity has 1 to 255 bytes", NULL);
    if (!hex)
        memcpy(o->id, text, o->id_len);
    return true;
}

static bool take(struct options *o, const struct option *option, const char *value)
{
    void *member = (char *)o + option->at;
    switch (option->value) {
    case NO_VALUE: *(bool *)member = true; return true;
    case TEXT:
        if (*(const char **)member != NULL)
            return fail("option given twice", option->name);
        *(const char **)member = value;
        return true;
    case IDENTITY:
    case HEX_IDENTITY: return take_id(o, value, option->value == HEX_IDENTITY);
    }
    return false;
}

static const struct option *find(const char *word)
{
    for (size_t i = 0; i < OPTIONS; i++)
        if (strcmp(table[i].name, word) == 0)
            return &table[i];
    return NULL;
}

static bool check(const struct options *o, unsigned command)
{
    for (size_t i = 0; i < OPTIONS; i++)
        if ((table[i].needs & command) != 0 && *(const char *const *)((const char *)o + table[i].at) == NULL)
            return fail("option needed", table[i].name);
    if ((command & WITH_ID) != 0 && !o->has_id)
        return fail("option needed", "-id or -hexid");
    if (command == GENMASTER && o->sign == o->encrypt)
        return fail("genmaster wants either -sign or -encrypt", NULL);
    if (o->noenc && o->passout != NULL)
        return fail("-noenc and -passout exclude each other", NULL);
    return true;
}

bool options_parse(int argc, char **argv, struct options *o)
{
    unsigned command = 0;
    memset(o, 0, sizeof *o);
    if (argc < 2)
        return fail("a command is needed; try tally-sm9 help", NULL);
    o->command = argv[1];
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, argv[1]) == 0)
            command = commands[i].bit;
    if (command == 0)
        return fail("no such command", argv[1]);
    for (int i = 2; i < argc; i++) {
        const struct option *option = find(argv[i]);
        if (option == NULL || (option->has & command) == 0)
            return fail("no such option here", argv[i]);
        if (option->value != NO_VALUE && i + 1 == argc)
            return fail("option wants a value", argv[i]);
        if (!take(o, option, option->value != NO_VALUE ? argv[++i] : NULL))
            return false;
    }
    return check(o, command);
}
