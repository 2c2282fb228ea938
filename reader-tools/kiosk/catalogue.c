/* What is for sale: products and services, page by page. */
#include <string.h>

#include "host/base/bytes.h"
#include "reader-tools/common/ticket_text.h"
#include "reader-tools/kiosk/kiosk.h"

enum { PAGES_MAX = 1000 };

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}

static json_int_t number_of(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static void print_product(const json_t *p)
{
    char price[64];
    money_text(number_of(p, "price"), (uint16_t)number_of(p, "currency"), price, sizeof price);
    printf("%-8lld %-8lld %-32.32s %-10s %-14s %-8lld %s%s%s\n", (long long)number_of(p, "operator"),
           (long long)number_of(p, "product"), text_of(p, "name"),
           number_of(p, "profile") == PROFILE_RAIL ? "rail" : "admission", price,
           (long long)number_of(p, "max_entries"),
           json_is_true(json_object_get(p, "exchangeable")) ? "exchange " : "",
           json_is_true(json_object_get(p, "refundable")) ? "refund " : "",
           json_is_true(json_object_get(p, "holder_required")) ? "holder" : "");
}

static void print_service(const json_t *s)
{
    json_int_t minute = number_of(s, "minute");
    printf("%-8lld %-8s %-10s %02lld:%02lld %8lld %8lld %6lld\n", (long long)number_of(s, "operator"),
           text_of(s, "service"), text_of(s, "date"), (long long)minute / 60, (long long)minute % 60,
           (long long)number_of(s, "from"), (long long)number_of(s, "to"), (long long)number_of(s, "free"));
}

static bool path_with(char *out, size_t size, const char *path, const char *after)
{
    int n = after == NULL
                ? snprintf(out, size, "%s", path)
                : snprintf(out, size, "%s%cafter=%s", path, strchr(path, '?') == NULL ? '?' : '&', after);
    return n > 0 && (size_t)n < size;
}

/* Fetches all pages of a list into one array. */
static enum tally_error fetch_all(struct kiosk *k, const char *path, const char *name, json_t *all)
{
    char page[TOOL_PATH_MAX], next[128] = "";
    enum tally_error e = TALLY_OK;
    for (int i = 0; e == TALLY_OK && i < PAGES_MAX && (i == 0 || next[0] != '\0'); i++) {
        json_t *answer = NULL;
        if (!path_with(page, sizeof page, path, i == 0 ? NULL : next))
            return tool_fail(k->tool, TALLY_E_SERVER, "the server's list is not understood");
        e = tool_client_call(k->tool, &k->ticketd, "GET", page, NULL, NULL, &answer);
        json_array_extend(all, json_object_get(answer, name));
        snprintf(next, sizeof next, "%s", text_of(answer, "next"));
        json_decref(answer);
    }
    return e;
}

static enum tally_error list(const struct tool *tool, const char *path, const char *name, const char *heading,
                             void (*print)(const json_t *))
{
    struct kiosk k;
    json_t *all = json_array(), *item;
    size_t i;
    enum tally_error e = kiosk_open(tool, false, &k);
    if (e == TALLY_OK)
        e = fetch_all(&k, path, name, all);
    if (e == TALLY_OK && tool->json) {
        e = tool_print_json(json_incref(all));
    } else if (e == TALLY_OK) {
        puts(heading);
        json_array_foreach(all, i, item) print(item);
    }
    json_decref(all);
    kiosk_close(&k);
    return e;
}

enum tally_error kiosk_products(const struct tool *tool)
{
    return list(
        tool, "/v1/products", "products",
        "OPERATOR PRODUCT  NAME                             PROFILE    PRICE          ENTRIES  ALLOWS",
        print_product);
}

enum tally_error kiosk_services(const struct tool *tool)
{
    char path[TOOL_PATH_MAX];
    const char *date = tally_config_string(tool->config, "date");
    int64_t operator_id = tally_config_int(tool->config, "operator");
    if (date == NULL || operator_id == 0 || strspn(date, "0123456789-") != strlen(date))
        return tool_fail(tool, TALLY_E_USAGE, "services: --operator and --date (YYYY-MM-DD) are needed");
    snprintf(path, sizeof path, "/v1/services?operator=%lld&date=%s", (long long)operator_id, date);
    return list(tool, path, "services", "OPERATOR SERVICE  DATE       TIME      FROM       TO   FREE",
                print_service);
}
