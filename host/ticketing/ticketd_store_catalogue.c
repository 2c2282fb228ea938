/* Products, services and seats. */
#include <string.h>

#include "host/ticketing/ticketd_store.h"

enum tally_error ticketd_product_put(struct tally_tx *tx, const struct tally_product *p)
{
    struct tally_stmt *s = tally_db_prepare(
        tx, "INSERT INTO products (operator, id, name, profile, price, currency, max_entries,"
            " max_temporary_exits, exchangeable, refundable, holder_required, zone_map)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (operator, id) DO UPDATE SET"
            " name = excluded.name, profile = excluded.profile, price = excluded.price,"
            " currency = excluded.currency, max_entries = excluded.max_entries,"
            " max_temporary_exits = excluded.max_temporary_exits, exchangeable = excluded.exchangeable,"
            " refundable = excluded.refundable, holder_required = excluded.holder_required,"
            " zone_map = excluded.zone_map");
    tally_bind_int(s, 1, p->operator_id);
    tally_bind_int(s, 2, p->id);
    tally_bind_text(s, 3, p->name);
    tally_bind_int(s, 4, p->profile);
    tally_bind_int(s, 5, p->price);
    tally_bind_int(s, 6, p->currency);
    tally_bind_int(s, 7, p->max_entries);
    tally_bind_int(s, 8, p->max_temporary_exits);
    tally_bind_int(s, 9, p->exchangeable);
    tally_bind_int(s, 10, p->refundable);
    tally_bind_int(s, 11, p->holder_required);
    tally_bind_int(s, 12, p->zone_map);
    return tally_run(s);
}

#define PRODUCT_COLUMNS                                                                                      \
    "operator, id, name, profile, price, currency, max_entries, max_temporary_exits, exchangeable,"          \
    " refundable, holder_required, zone_map"

static void read_product(struct tally_stmt *s, struct tally_product *p)
{
    *p = (struct tally_product){.operator_id = (uint16_t)tally_column_int(s, 0),
                                .id = (uint16_t)tally_column_int(s, 1),
                                .profile = (uint8_t)tally_column_int(s, 3),
                                .price = (uint32_t)tally_column_int(s, 4),
                                .currency = (uint16_t)tally_column_int(s, 5),
                                .max_entries = (uint8_t)tally_column_int(s, 6),
                                .max_temporary_exits = (uint8_t)tally_column_int(s, 7),
                                .exchangeable = tally_column_int(s, 8) != 0,
                                .refundable = tally_column_int(s, 9) != 0,
                                .holder_required = tally_column_int(s, 10) != 0,
                                .zone_map = (uint32_t)tally_column_int(s, 11)};
    tally_column_text_copy(s, 2, p->name, sizeof p->name);
}

enum tally_error ticketd_product_get(struct tally_tx *tx, uint16_t operator_id, uint16_t id,
                                     struct tally_product *product)
{
    struct tally_stmt *s =
        tally_db_prepare(tx, "SELECT " PRODUCT_COLUMNS " FROM products WHERE operator = ? AND id = ?");
    memset(product, 0, sizeof *product);
    tally_bind_int(s, 1, operator_id);
    tally_bind_int(s, 2, id);
    enum tally_error e = tally_first(s);
    if (e == TALLY_OK)
        read_product(s, product);
    return e;
}

enum tally_error ticketd_products(struct tally_tx *tx, uint16_t operator_id, uint16_t id, size_t max,
                                  ticketd_visit_product *visit, void *ctx)
{
    struct tally_product product;
    bool row = false;
    enum tally_error e;
    struct tally_stmt *s =
        tally_db_prepare(tx, "SELECT " PRODUCT_COLUMNS " FROM products WHERE (operator, id) >"
                             " (?, ?) ORDER BY operator, id LIMIT ?");
    tally_bind_int(s, 1, operator_id);
    tally_bind_int(s, 2, id);
    tally_bind_int(s, 3, (int64_t)max);
    while ((e = tally_step(s, &row)) == TALLY_OK && row) {
        read_product(s, &product);
        e = visit(ctx, &product);
        if (e != TALLY_OK)
            return e;
    }
    return e;
}

#define SERVICE_COLUMNS "operator, name, date, minute, from_place, to_place, coaches, seats_per_coach"

static void read_service(struct tally_stmt *s, struct tally_offer *service)
{
    *service = (struct tally_offer){.operator_id = (uint16_t)tally_column_int(s, 0),
                                    .date = (uint16_t)tally_column_int(s, 2),
                                    .minute = (uint16_t)tally_column_int(s, 3),
                                    .from = (uint32_t)tally_column_int(s, 4),
                                    .to = (uint32_t)tally_column_int(s, 5),
                                    .coaches = (uint16_t)tally_column_int(s, 6),
                                    .seats_per_coach = (uint16_t)tally_column_int(s, 7)};
    tally_column_blob_copy(s, 1, service->name, SERVICE_SIZE);
}

static void bind_service(struct tally_stmt *s, uint16_t operator_id, const char name[SERVICE_SIZE],
                         uint16_t date)
{
    tally_bind_int(s, 1, operator_id);
    tally_bind_blob(s, 2, name, SERVICE_SIZE);
    tally_bind_int(s, 3, date);
}

enum tally_error ticketd_service_put(struct tally_tx *tx, const struct tally_offer *service)
{
    struct tally_stmt *s = tally_db_prepare(
        tx,
        "INSERT INTO services (operator, name, date, minute, from_place, to_place, coaches, seats_per_coach,"
        " next_seat) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0) ON CONFLICT (operator, date, name) DO UPDATE"
        " SET minute = ?4, from_place = ?5, to_place = ?6, coaches = ?7, seats_per_coach = ?8"
        " WHERE services.next_seat = 0 OR (services.seats_per_coach = ?8 AND services.next_seat <= ?7 * ?8)");
    bind_service(s, service->operator_id, service->name, service->date);
    tally_bind_int(s, 4, service->minute);
    tally_bind_int(s, 5, service->from);
    tally_bind_int(s, 6, service->to);
    tally_bind_int(s, 7, service->coaches);
    tally_bind_int(s, 8, service->seats_per_coach);
    enum tally_error e = tally_run(s);
    return e == TALLY_OK && tally_changes(tx) == 0 ? TALLY_E_STATE : e;
}

enum tally_error ticketd_service_get(struct tally_tx *tx, uint16_t operator_id, const char name[SERVICE_SIZE],
                                     uint16_t date, struct tally_offer *service)
{
    struct tally_stmt *s = tally_db_prepare(
        tx, "SELECT " SERVICE_COLUMNS " FROM services WHERE operator = ? AND name = ? AND date = ?");
    memset(service, 0, sizeof *service);
    bind_service(s, operator_id, name, date);
    enum tally_error e = tally_first(s);
    if (e == TALLY_OK)
        read_service(s, service);
    return e;
}

enum tally_error ticketd_services(struct tally_tx *tx, uint16_t operator_id, uint16_t date,
                                  const char after[SERVICE_SIZE], size_t max, ticketd_visit_service *visit,
                                  void *ctx)
{
    struct tally_offer service;
    bool row = false;
    enum tally_error e;
    struct tally_stmt *s = tally_db_prepare(
        tx, "SELECT " SERVICE_COLUMNS
            ", coaches * seats_per_coach - next_seat + (SELECT count(*) FROM freed_seats f"
            " WHERE f.operator = s.operator AND f.name = s.name AND f.date = s.date) FROM services s"
            " WHERE operator = ? AND name > ? AND date = ? ORDER BY name LIMIT ?");
    bind_service(s, operator_id, after, date);
    tally_bind_int(s, 4, (int64_t)max);
    while ((e = tally_step(s, &row)) == TALLY_OK && row) {
        read_service(s, &service);
        e = visit(ctx, &service, (uint32_t)tally_column_int(s, 8));
        if (e != TALLY_OK)
            return e;
    }
    return e;
}

/* First the seats that were never sold, in order, so that an order's seats lie together; then what came back.
 */
enum tally_error ticketd_seat_take(struct tally_tx *tx, const struct tally_offer *service, uint32_t *seat)
{
    struct tally_stmt *s = tally_db_prepare(
        tx, "UPDATE services SET next_seat = next_seat + 1 WHERE operator = ? AND name = ? AND date = ?"
            " AND next_seat < coaches * seats_per_coach RETURNING next_seat - 1");
    bool row = false;
    *seat = 0;
    bind_service(s, service->operator_id, service->name, service->date);
    enum tally_error e = tally_step(s, &row);
    if (e == TALLY_OK && !row) {
        s = tally_db_prepare(
            tx, "DELETE FROM freed_seats WHERE (operator, name, date, seat) = (SELECT operator, name,"
                " date, seat FROM freed_seats WHERE operator = ? AND name = ? AND date = ?"
                " ORDER BY seat LIMIT 1) RETURNING seat");
        bind_service(s, service->operator_id, service->name, service->date);
        e = tally_step(s, &row);
    }
    if (e == TALLY_OK && row)
        *seat = (uint32_t)tally_column_int(s, 0);
    return e == TALLY_OK && !row ? TALLY_E_FULL : e;
}

enum tally_error ticketd_seat_free(struct tally_tx *tx, uint16_t operator_id, const char name[SERVICE_SIZE],
                                   uint16_t date, uint32_t seat)
{
    struct tally_stmt *s =
        tally_db_prepare(tx, "INSERT INTO freed_seats (operator, name, date, seat) VALUES (?, ?, ?, ?)");
    bind_service(s, operator_id, name, date);
    tally_bind_int(s, 4, seat);
    return tally_run(s);
}
