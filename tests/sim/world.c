#include "tests/sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/pledge/core/seller.h"
#include "tests/support/must.h"

static const struct {
    const char *name;
    enum pledge_role role;
} cast[SIM_PARTIES] = {
    {"platform", PLEDGE_PLATFORM},   {"bank", PLEDGE_BANK},           {"provider", PLEDGE_PROVIDER},
    {"financing", PLEDGE_FINANCING}, {"seller-a", PLEDGE_SELLER},     {"seller-b", PLEDGE_SELLER},
    {"operator-1", PLEDGE_OPERATOR}, {"operator-2", PLEDGE_OPERATOR}, {"enterprise", PLEDGE_OPERATOR}};

uint32_t sim_draw(struct sim_world *world, uint32_t below)
{
    world->random ^= world->random >> 12;
    world->random ^= world->random << 25;
    world->random ^= world->random >> 27;
    return (uint32_t)((world->random * UINT64_C(2685821657736338717)) >> 33) % below;
}

bool sim_chance(struct sim_world *world, unsigned in_1000)
{
    return sim_draw(world, 1000) < in_1000;
}

static enum tally_error fill(void *ctx, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)sim_draw(ctx, 256);
    return TALLY_OK;
}

static const struct pledge_peer *find(void *ctx, const char *name)
{
    struct sim_world *world = ctx;
    for (int i = 0; i < SIM_PARTIES; i++)
        if (strcmp(cast[i].name, name) == 0)
            return &world->parties[i].peer;
    return NULL;
}

static const struct pledge_peer *of_role(void *ctx, enum pledge_role role)
{
    struct sim_world *world = ctx;
    for (int i = 0; i < SIM_PARTIES; i++)
        if (cast[i].role == role)
            return &world->parties[i].peer;
    return NULL;
}

static void party_open(struct sim_world *world, int i, const struct pledge_machines *machines)
{
    struct sim_party *p = &world->parties[i];
    char url[PLEDGE_URL];
    snprintf(url, sizeof url, "sim://%s", cast[i].name);
    p->world = world;
    memstore_init(&p->mem, cast[i].role);
    double_init(&p->crypto, cast[i].role, cast[i].name);
    p->peer.role = p->party.role = cast[i].role;
    PLEDGE_SET(p->peer.name, cast[i].name);
    PLEDGE_SET(p->party.name, cast[i].name);
    PLEDGE_SET(p->peer.address, url);
    PLEDGE_SET(p->party.callback, url);
    p->peer.has_key = cast[i].role != PLEDGE_SELLER;
    memcpy(p->peer.key, p->crypto.key, PLEDGE_KEY);
    memcpy(p->party.key, p->crypto.key, PLEDGE_KEY);
    p->party.clock = &world->clock.clock;
    p->party.random = &world->random_source;
    p->party.crypto = &p->crypto.crypto;
    p->party.directory = &world->directory;
    p->party.machines = machines == NULL ? &pledge_machines : machines;
    p->party.terms =
        (struct pledge_terms){.ask_ms = 2000, .ask_max_ms = 16000, .issue_ms = 60000, .hold_ms = 150000};
}

void sim_open(struct sim_world *world, uint64_t seed, const struct pledge_machines *machines)
{
    memset(world, 0, sizeof *world);
    world->mark = DOUBLE_MARK;
    world->random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
    for (int i = 0; i < 8; i++)
        sim_draw(world, 2);
    tally_manual_clock_init(&world->clock, INT64_C(1700000000000));
    world->random_source = (struct tally_random){.fill = fill, .ctx = world};
    world->directory = (struct pledge_directory){.find = find, .of_role = of_role, .ctx = world};
    for (int i = 0; i < SIM_PARTIES; i++)
        party_open(world, i, machines);
}

void sim_close(struct sim_world *world)
{
    for (int i = 0; i < SIM_PARTIES; i++)
        memstore_free(&world->parties[i].mem);
    for (size_t i = 0; i < world->flight_count; i++)
        free(world->flights[i]);
}

void sim_found(struct sim_world *world, const char *what)
{
    if (world->report.findings++ == 0)
        snprintf(world->report.first, sizeof world->report.first, "%s", what);
}

void sim_books(const struct sim_world *world, struct pledge_books *books)
{
    memset(books, 0, sizeof *books);
    books->platform = &world->parties[SIM_PLATFORM].mem.store;
    books->bank = &world->parties[SIM_BANK].mem.store;
    books->provider = &world->parties[SIM_PROVIDER].mem.store;
    books->financing = &world->parties[SIM_FINANCING].mem.store;
    books->sellers[0] = &world->parties[SIM_SELLER_A].mem.store;
    books->sellers[1] = &world->parties[SIM_SELLER_B].mem.store;
    books->seller_count = 2;
    PLEDGE_SET(books->financing_name, "financing");
    PLEDGE_SET(books->platform_name, "platform");
}

static int64_t now_of(const struct sim_world *world)
{
    return tally_clock_wall_ms(&world->clock.clock);
}

/* What must hold at any moment, after this party has changed something. */
static void audit_step(struct sim_world *world, enum sim_who who)
{
    struct pledge_books books;
    enum tally_error e = TALLY_OK;
    sim_books(world, &books);
    if (who == SIM_BANK)
        e = pledge_audit_bank(books.bank, &world->report);
    if (who == SIM_PROVIDER)
        e = pledge_audit_provider(books.provider, &world->report);
    if (who == SIM_FINANCING)
        e = pledge_audit_projects(&books, &world->report);
    if (e == TALLY_OK && who <= SIM_FINANCING)
        e = pledge_audit_lines(&books, false, &world->report);
    if (e == TALLY_OK && (who == SIM_SELLER_A || who == SIM_SELLER_B))
        e = pledge_audit_sellers(&books, false, &world->report);
    must(e == TALLY_OK);
}

/* Ends a party's transaction: kept when all went well, undone otherwise. */
static enum tally_error end(struct sim_world *world, enum sim_who who, enum tally_error e)
{
    struct memstore *mem = &world->parties[who].mem;
    if (e != TALLY_OK || mem->crashed) {
        memstore_rollback(mem);
        return e == TALLY_OK ? TALLY_E_IO : e;
    }
    bool changed = mem->undo_count > 0;
    memstore_commit(mem);
    if (changed)
        audit_step(world, who);
    return TALLY_OK;
}

static long crash_point(struct sim_world *world, enum sim_who who)
{
    if (!sim_chance(world, world->faults.crash))
        return -1;
    world->crashes++;
    world->parties[who].down_until = now_of(world) + sim_draw(world, 5000);
    return (long)sim_draw(world, 20);
}

static int who_is(const char *name)
{
    for (int i = 0; i < SIM_PARTIES; i++)
        if (strcmp(cast[i].name, name) == 0)
            return i;
    return -1;
}

static bool is_up(const struct sim_world *world, enum sim_who who)
{
    return world->parties[who].down_until <= now_of(world);
}

static void remember(struct sim_world *world, const struct pledge_message *message)
{
    world->memory[world->remembered++ % SIM_MEMORY] = *message;
}

/* A message leaves an outbox and is on its way, or lost, or on its way twice. */
static bool dispatch(struct sim_world *world)
{
    enum sim_who from = (enum sim_who)sim_draw(world, SIM_PARTIES);
    for (int tried = 0; tried < SIM_PARTIES; tried++, from = (enum sim_who)((from + 1) % SIM_PARTIES)) {
        struct memstore *mem = &world->parties[from].mem;
        if (mem->pending_count == 0 || !is_up(world, from))
            continue;
        size_t place = mem->pending[sim_draw(world, (uint32_t)mem->pending_count)];
        struct mem_out *out = mem->outbox[place];
        if (out->next_ms > now_of(world))
            continue;
        out->next_ms = now_of(world) + 1000 + (int64_t)sim_draw(world, 2000) * (1 + (out->attempts > 3));
        out->attempts++;
        unsigned copies = sim_chance(world, world->faults.loss)       ? 0
                          : sim_chance(world, world->faults.doubling) ? 2
                                                                      : 1;
        for (; copies > 0 && world->flight_count < SIM_FLIGHTS; copies--) {
            struct sim_flight *flight = malloc(sizeof *flight);
            must(flight != NULL);
            flight->message = out->message;
            flight->from = from;
            flight->place = place;
            must(pledge_message_sign(&world->parties[from].party, &flight->message) == TALLY_OK);
            world->flights[world->flight_count++] = flight;
        }
        return true;
    }
    return false;
}

static bool final_refusal(enum tally_error e)
{
    return e == TALLY_E_DENIED || e == TALLY_E_CRYPTO || e == TALLY_E_FORMAT || e == TALLY_E_EXISTS;
}

/* The sender learns what became of its message. */
static void acknowledge(struct sim_world *world, const struct sim_flight *flight, enum tally_error e)
{
    struct sim_party *sender = &world->parties[flight->from];
    struct mem_out *out = sender->mem.outbox[flight->place];
    if (out->done || !is_up(world, flight->from) || sim_chance(world, world->faults.ack_loss))
        return;
    if (e != TALLY_OK && !final_refusal(e))
        return; /* it will be sent again */
    memstore_done(&sender->mem, flight->place);
    if (e == TALLY_OK)
        return;
    if (flight->message.kind == PLEDGE_K_ORDER) {
        memstore_begin(&sender->mem, -1);
        e = pledge_seller_refused(&sender->party, &sender->mem.store, flight->message.body.order.reference);
        must(end(world, flight->from, e) == TALLY_OK);
    } else {
        char what[128];
        snprintf(what, sizeof what, "%s refused %s for good: %s", flight->message.to, flight->message.id,
                 tally_error_text(e));
        sim_found(world, what);
    }
}

static void look_for_plaintext(struct sim_world *world, enum sim_who who,
                               const struct pledge_message *message)
{
    if (who == SIM_PLATFORM &&
        memmem(&message->body, sizeof message->body, world->mark, strlen(world->mark)) != NULL)
        sim_found(world, "the platform got a ticket in clear");
}

static enum tally_error receive(struct sim_world *world, enum sim_who who,
                                const struct pledge_message *message)
{
    struct sim_party *p = &world->parties[who];
    enum tally_error e = pledge_message_check(&p->party, message);
    if (e != TALLY_OK)
        return e;
    look_for_plaintext(world, who, message);
    memstore_begin(&p->mem, crash_point(world, who));
    e = pledge_handle(&p->party, &p->mem.store, message);
    return end(world, who, e);
}

static bool deliver(struct sim_world *world)
{
    if (world->flight_count == 0)
        return false;
    size_t at = sim_draw(world, (uint32_t)world->flight_count);
    struct sim_flight *flight = world->flights[at];
    world->flights[at] = world->flights[--world->flight_count];
    int to = who_is(flight->message.to);
    must(to >= 0);
    remember(world, &flight->message);
    if (is_up(world, (enum sim_who)to)) {
        if (world->ack_before_commit)
            acknowledge(world, flight, TALLY_OK);
        enum tally_error e = receive(world, (enum sim_who)to, &flight->message);
        world->delivered++;
        /* A crash after the commit is an answer that is never given. */
        if (is_up(world, (enum sim_who)to))
            acknowledge(world, flight, e);
    }
    free(flight);
    return true;
}

/* What somebody on the wire could try with a message he saw. */
static void tamper(struct sim_world *world, struct pledge_message *m)
{
    switch (sim_draw(world, 4)) {
    case 0: /* another outcome, amount or number: some byte within the first fields of the body */
        ((uint8_t *)&m->body)[sim_draw(world, 8)] ^= (uint8_t)(1 + sim_draw(world, 9));
        break;
    case 1: m->id[0] = m->id[0] == '9' ? '8' : '9'; break;
    case 2: /* the same again, signed by somebody else */
        if (m->from[0] != 's') {
            must(pledge_message_sign(&world->parties[SIM_SELLER_B].party, m) == TALLY_OK);
            break;
        }
        m->signature[0] ^= 1;
        break;
    default: PLEDGE_SET(m->to, m->to[0] == 'b' ? "platform" : "bank"); break;
    }
}

static void forge(struct sim_world *world)
{
    if (world->remembered == 0)
        return;
    size_t count = world->remembered < SIM_MEMORY ? world->remembered : SIM_MEMORY;
    struct pledge_message m = world->memory[sim_draw(world, (uint32_t)count)];
    tamper(world, &m);
    int to = who_is(m.to);
    if (to < 0 || !is_up(world, (enum sim_who)to))
        return;
    world->forged++;
    enum tally_error e = receive(world, (enum sim_who)to, &m);
    if (e == TALLY_OK)
        sim_found(world, "a forged message was taken");
}

static void pass_all(struct sim_world *world)
{
    for (int i = 0; i < SIM_PARTIES; i++) {
        struct sim_party *p = &world->parties[i];
        size_t count = 1;
        while (count > 0 && is_up(world, (enum sim_who)i) &&
               memstore_next_due(&p->mem, false) <= now_of(world)) {
            memstore_begin(&p->mem, crash_point(world, (enum sim_who)i));
            if (end(world, (enum sim_who)i, pledge_pass(&p->party, &p->mem.store, 4, &count)) != TALLY_OK)
                break;
        }
    }
}

static void advance(struct sim_world *world, int64_t ms)
{
    if (ms > 0)
        tally_manual_clock_advance_ms(&world->clock, (uint32_t)ms);
    pass_all(world);
}

bool sim_step(struct sim_world *world)
{
    world->steps++;
    if (sim_chance(world, world->faults.away)) {
        enum sim_who who = (enum sim_who)sim_draw(world, SIM_SELLER_B + 1);
        world->parties[who].down_until =
            now_of(world) + sim_draw(world, sim_chance(world, 200) ? 200000 : 8000);
    }
    if (sim_chance(world, world->faults.forgery))
        forge(world);
    if (sim_chance(world, 30))
        advance(world, sim_draw(world, 3000));
    return sim_chance(world, 500) ? dispatch(world) || deliver(world) : deliver(world) || dispatch(world);
}

/* To the next moment at which something is due. False when nothing ever is. */
static bool skip(struct sim_world *world)
{
    int64_t next = INT64_MAX;
    for (int i = 0; i < SIM_PARTIES; i++) {
        const struct sim_party *p = &world->parties[i];
        int64_t due = memstore_next_due(&p->mem, true);
        if (due != INT64_MAX && due < p->down_until)
            due = p->down_until;
        next = due < next ? due : next;
    }
    if (next == INT64_MAX)
        return false;
    advance(world, next - now_of(world));
    return true;
}

bool sim_quiet(struct sim_world *world, unsigned max_steps)
{
    for (unsigned i = 0; i < max_steps && world->report.findings == 0; i++)
        if (!sim_step(world) && !skip(world))
            return true;
    return false;
}

void sim_heal(struct sim_world *world)
{
    world->faults = (struct sim_faults){.loss = 0};
    for (int i = 0; i < SIM_PARTIES; i++)
        world->parties[i].down_until = 0;
}

enum tally_error sim_sell(struct sim_world *world, enum sim_who seller, const struct pledge_m_order *order)
{
    struct sim_party *p = &world->parties[seller];
    memstore_begin(&p->mem, -1);
    return end(world, seller, pledge_seller_sell(&p->party, &p->mem.store, order));
}

struct pledge_message sim_message(struct sim_world *world, enum sim_who who, enum pledge_kind kind)
{
    struct pledge_message m;
    must(pledge_begin(&world->parties[who].party, kind, NULL, cast[who].name,
                      (int64_t)world->parties[who].mem.outbox_count, 1, &m) == TALLY_OK);
    return m;
}

void sim_say(struct sim_world *world, enum sim_who who, struct pledge_message *message)
{
    struct memstore *mem = &world->parties[who].mem;
    memstore_begin(mem, -1);
    must(pledge_send(&mem->store, message) == TALLY_OK);
    memstore_commit(mem);
}
