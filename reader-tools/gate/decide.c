#include "reader-tools/gate/decide.h"

#include <string.h>

#define DAY_S          86400
#define EPOCH_2000_DAY 10957 /* days from 1970-01-01 to 2000-01-01 */

static const struct {
    enum gate_action action;
    const char *name;
} actions[] = {
    {GATE_DO_ENTRY, "entry"},      {GATE_DO_TEMPORARY_EXIT, "temporary-exit"},
    {GATE_DO_REENTRY, "re-entry"}, {GATE_DO_EXIT, "exit"},
    {GATE_DO_CLIP, "clip"},        {GATE_DO_PRINT, "print"},
    {GATE_DO_UNDO, "undo"},        {GATE_DO_DELETE, "delete"},
    {GATE_DO_AUTO, "auto"},
};

const char *gate_action_name(enum gate_action action)
{
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (actions[i].action == action)
            return actions[i].name;
    return "unknown";
}

bool gate_action_parse(const char *name, enum gate_action *action)
{
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        if (strcmp(actions[i].name, name) == 0) {
            *action = actions[i].action;
            return true;
        }
    }
    *action = GATE_DO_AUTO;
    return false;
}

static enum gate_action choose(enum gate_action wanted, const struct usage_record *usage)
{
    if (wanted != GATE_DO_AUTO)
        return wanted;
    switch (usage->direction) {
    case INSIDE: return GATE_DO_EXIT;
    case TEMPORARILY_OUTSIDE: return GATE_DO_REENTRY;
    default: return GATE_DO_ENTRY;
    }
}

static bool goes_in(enum gate_action a)
{
    return a == GATE_DO_ENTRY || a == GATE_DO_REENTRY;
}

static bool passes(enum gate_action a)
{
    return goes_in(a) || a == GATE_DO_EXIT || a == GATE_DO_TEMPORARY_EXIT;
}

/* The moment of the ticket's service in UTC seconds; 64 bits, for the date runs to 2179. */
static int64_t service_time(const struct gate_rules *rules, const struct ticket_face *face)
{
    return ((int64_t)face->service_date + EPOCH_2000_DAY) * DAY_S + face->service_minute * 60 -
           rules->utc_offset_s;
}

/* Nobody is locked in: only who goes in, or has the ticket marked, must be in time. */
static enum gate_reason check_time(const struct gate_rules *rules, uint32_t now, enum gate_action action,
                                   const struct ticket_face *face)
{
    if (!goes_in(action) && action != GATE_DO_CLIP && action != GATE_DO_PRINT)
        return GATE_ACCEPTED;
    if (now < face->valid_from)
        return GATE_NOT_YET_VALID;
    if (now > face->valid_to)
        return GATE_EXPIRED;
    if (!rules->window || action != GATE_DO_ENTRY)
        return GATE_ACCEPTED;
    int64_t start = service_time(rules, face);
    if (now < start - rules->opens_s)
        return GATE_TOO_EARLY;
    return now > start + rules->closes_s ? GATE_TOO_LATE : GATE_ACCEPTED;
}

static enum gate_reason check_service(const struct gate_rules *rules, const struct ticket_face *face)
{
    if (!rules->service_bound)
        return GATE_ACCEPTED;
    if (memcmp(rules->service, face->service, SERVICE_SIZE) != 0)
        return GATE_WRONG_SERVICE;
    return rules->date != 0 && rules->date != face->service_date ? GATE_WRONG_DATE : GATE_ACCEPTED;
}

static enum gate_reason check_venue(const struct gate_rules *rules, const struct ticket_face *face)
{
    if (rules->station != 0 && face->from != rules->station)
        return GATE_WRONG_STATION;
    if (rules->gate_set_bit < GATE_NO_ZONE && face->to != 0 && (face->to & 1u << rules->gate_set_bit) == 0)
        return GATE_WRONG_GATE;
    return GATE_ACCEPTED;
}

/* A ticket with zones is good wherever its zones are; one without is good from station to station. */
static enum gate_reason check_place(const struct gate_rules *rules, enum gate_action action,
                                    const struct ticket_face *face)
{
    if (rules->station_rule == GATE_STATIONS_FREE || !passes(action))
        return GATE_ACCEPTED;
    if (face->profile == PROFILE_ADMISSION)
        return check_venue(rules, face);
    if (face->zone_map != 0 && rules->zone < GATE_NO_ZONE)
        return (face->zone_map & 1u << rules->zone) != 0 ? GATE_ACCEPTED : GATE_WRONG_ZONE;
    if (rules->station == 0)
        return GATE_ACCEPTED;
    if (action == GATE_DO_ENTRY && face->from != rules->station)
        return GATE_WRONG_STATION;
    bool exit_bound = rules->station_rule == GATE_STATIONS_BOTH && action == GATE_DO_EXIT;
    return exit_bound && face->to != rules->station ? GATE_WRONG_STATION : GATE_ACCEPTED;
}

static enum gate_reason check_holder(const struct gate_rules *rules, enum gate_holder_evidence evidence,
                                     enum gate_action action, const struct ticket_face *face)
{
    if (rules->holder_rule == GATE_HOLDER_IGNORED || (face->flags & FACE_HOLDER_BOUND) == 0)
        return GATE_ACCEPTED;
    if (evidence == GATE_DOCUMENT_DIFFERS)
        return GATE_WRONG_DOCUMENT;
    bool needed = rules->holder_rule == GATE_HOLDER_REQUIRED && goes_in(action);
    return needed && evidence == GATE_NO_DOCUMENT ? GATE_DOCUMENT_NEEDED : GATE_ACCEPTED;
}

static enum gate_reason check_lists(const struct gate_rules *rules, const struct gate_situation *situation)
{
    if (situation->card_denied)
        return GATE_CARD_DENIED;
    if (situation->ticket_denied)
        return GATE_TICKET_DENIED;
    return situation->list_stale && rules->refuse_when_stale ? GATE_LIST_STALE : GATE_ACCEPTED;
}

/* Passing a card back over the fence, and staying past the limit. A card time in the future counts as just
 * now. */
static enum gate_reason check_interval(const struct gate_rules *rules, uint32_t now, enum gate_action action,
                                       const struct usage_record *usage)
{
    uint32_t since = now > usage->time ? now - usage->time : 0;
    bool passed = passes((enum gate_action)usage->event);
    if (rules->pass_back_s != 0 && passes(action) && passed && since < rules->pass_back_s)
        return GATE_TOO_SOON;
    bool stays = goes_in((enum gate_action)usage->event);
    return rules->stay_max_s != 0 && action == GATE_DO_EXIT && stays && since > rules->stay_max_s
               ? GATE_OVERSTAYED
               : GATE_ACCEPTED;
}

/* Undoing needs no rule but the card's own: the gate that wrote last takes it back. */
static enum gate_reason check_rules(const struct gate_rules *rules, const struct gate_situation *situation,
                                    enum gate_action action, const struct ticket_face *face,
                                    const struct usage_record *usage)
{
    if (action == GATE_DO_UNDO)
        return GATE_ACCEPTED;
    enum gate_reason reason = check_lists(rules, situation);
    if (reason == GATE_ACCEPTED)
        reason = check_service(rules, face);
    if (reason == GATE_ACCEPTED)
        reason = check_place(rules, action, face);
    if (reason == GATE_ACCEPTED)
        reason = check_time(rules, situation->now, action, face);
    if (reason == GATE_ACCEPTED)
        reason = check_holder(rules, situation->holder, action, face);
    if (reason == GATE_ACCEPTED)
        reason = check_interval(rules, situation->now, action, usage);
    return reason;
}

struct gate_verdict gate_decide(const struct gate_rules *rules, const struct gate_situation *situation,
                                const struct ticket_face *face, const struct usage_record *usage)
{
    struct gate_verdict v = {.action = choose(situation->action, usage), .after = *usage};
    v.clock_alarm = usage->time > (uint64_t)situation->now + rules->skew_s;
    if (face->profile == PROFILE_VOID || face->operator_id != rules->operator_id) {
        v.reason = GATE_NO_TICKET;
        return v;
    }
    if (situation->pending && usage->gate == rules->gate &&
        usage->gate_transaction == situation->pending_transaction) {
        v.action = (enum gate_action)usage->event;
        v.reason = check_lists(rules, situation);
        if (v.reason == GATE_ACCEPTED)
            v.reason = GATE_RATIFIED;
        return v;
    }
    /* What the ticket's own state forbids is the more helpful reason, so it is asked first. */
    const struct usage_place place = {
        .gate = rules->gate,
        .station = rules->station,
        .time = situation->now,
        .gate_transaction = situation->pending ? situation->pending_transaction : situation->next_transaction,
    };
    if (v.action != GATE_DO_DELETE)
        v.reason =
            gate_reason_of_usage(usage_apply(face, usage, (enum usage_event)v.action, &place, &v.after));
    if (v.reason == GATE_ACCEPTED)
        v.reason = check_rules(rules, situation, v.action, face, usage);
    if (v.reason != GATE_ACCEPTED)
        v.after = *usage;
    return v;
}
