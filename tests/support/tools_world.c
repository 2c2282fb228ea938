#include "tests/support/tools_world.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/check_main.h"
#include "tests/support/chosen_card.h"

enum { LINE = 4096, ARGUMENTS = 16 };

/* Three looks of the reader: a tool that resets the card it has lost makes pcscd miss that it went, if it is
 * back before the next look. */
#define TORN_AWAY_MS "1200"

static void path_of(const struct tools_world *w, const char *name, char out[TEST_PATH_MAX])
{
    ck_assert_int_lt(snprintf(out, TEST_PATH_MAX, "%s/%s", w->folder, name), TEST_PATH_MAX);
}

static void read_back(const struct tools_world *w, const char *name, char *out)
{
    char path[TEST_PATH_MAX];
    path_of(w, name, path);
    FILE *f = fopen(path, "r");
    size_t n = f != NULL ? fread(out, 1, TOOLS_OUTPUT_MAX - 1, f) : 0;
    out[n] = '\0';
    if (f != NULL)
        fclose(f);
}

/* The shell is the test's own; the tool gets its own process. */
static int run_line(struct tools_world *w, const char *line)
{
    int status = system(line);
    read_back(w, "out", w->out);
    read_back(w, "err", w->err);
    ck_assert_msg(WIFEXITED(status), "%s", line);
    return WEXITSTATUS(status);
}

/* What a tool finds in its environment, so that a test's options win. */
static int settings_of(const struct tools_world *w, const char *tool, char *out, size_t size)
{
    const char *f = w->services.folder;
    if (strcmp(tool, "card") == 0)
        return snprintf(
            out, size,
            "TALLY_CARD_SERVER=%s TALLY_CARD_PARTY=personaliser TALLY_CARD_PARTY_KEY=%s/personaliser.pem "
            "TALLY_CARD_KIT=%s/station " TALLY_CARD,
            w->services.authd.url, f, f);
    if (strcmp(tool, "kiosk") == 0)
        return snprintf(out, size,
                        "TALLY_KIOSK_AUTHD=%s TALLY_KIOSK_TICKETD=%s TALLY_KIOSK_PARTY=kiosk "
                        "TALLY_KIOSK_PARTY_KEY=%s/kiosk.pem TALLY_KIOSK_STATE=kiosk-state "
                        "TALLY_KIOSK_PIN=" TOOLS_PIN " " TALLY_KIOSK,
                        w->services.authd.url, w->services.ticketd.url, f);
    return snprintf(out, size, TALLY_GATE);
}

static int run_tool(struct tools_world *w, const char *tool, unsigned slot, const char *options)
{
    char settings[LINE], line[2 * LINE];
    ck_assert_int_lt(settings_of(w, tool, settings, sizeof settings), LINE);
    int n = snprintf(line, sizeof line, "cd %s && { %s -r %u --wait 60 %s; } >out 2>err", w->folder, settings,
                     slot, options);
    ck_assert_int_lt(n, (int)sizeof line);
    return run_line(w, line);
}

int tools_run(struct tools_world *w, const char *tool, unsigned slot, const char *format, ...)
{
    char options[LINE];
    va_list arguments;
    va_start(arguments, format);
    ck_assert_int_lt(vsnprintf(options, sizeof options, format, arguments), LINE);
    va_end(arguments);
    return run_tool(w, tool, slot, options);
}

void tools_expect(struct tools_world *w, int status, const char *tool, unsigned slot, const char *format, ...)
{
    char options[LINE];
    va_list arguments;
    va_start(arguments, format);
    ck_assert_int_lt(vsnprintf(options, sizeof options, format, arguments), LINE);
    va_end(arguments);
    int got = run_tool(w, tool, slot, options);
    ck_assert_msg(got == status, "%s %s: %d, not %d\n%s%s", tool, options, got, status, w->out, w->err);
}

static void put(struct tools_world *w, const char *path, const char *body)
{
    char line[LINE];
    const char *f = w->services.folder;
    snprintf(
        line, sizeof line,
        "%s --url %s --tag tally-ticketd --party admin --party-key %s/admin.pem PUT %s '%s' >%s/out 2>%s/err",
        TALLY_CALL, w->services.ticketd.url, f, path, body, w->folder, w->folder);
    ck_assert_msg(run_line(w, line) == 0, "%s: %s%s", path, w->out, w->err);
}

static void fill_catalogue(struct tools_world *w)
{
    char path[64];
#define FLAGS(yes)                                                                                           \
    "\"exchangeable\": " yes ", \"refundable\": " yes ", \"holder_required\": false, \"zone_map\": 0"
    put(w, "/v1/products/1/10",
        "{\"name\": \"A to B\", \"profile\": 1, \"price\": 5000, \"currency\": 156, "
        "\"max_entries\": 2, \"max_temporary_exits\": 1, " FLAGS("true") "}");
    put(w, "/v1/products/1/11",
        "{\"name\": \"A to B, fixed\", \"profile\": 1, \"price\": 3000, \"currency\": 156, "
        "\"max_entries\": 1, \"max_temporary_exits\": 0, " FLAGS("false") "}");
    put(w, "/v1/products/2/20",
        "{\"name\": \"Park, a day\", \"profile\": 2, \"price\": 12000, \"currency\": 156, "
        "\"max_entries\": 1, \"max_temporary_exits\": 3, " FLAGS("true") "}");
    /* The last minute of the day: sales for today are open whatever the time is. */
#define SERVICE "{\"minute\": 1439, \"from\": 100, \"to\": 200, \"coaches\": 2, \"seats_per_coach\": 20}"
    put(w, "/v1/services/1/" TOOLS_RAIL "/" TOOLS_DATE, SERVICE);
    put(w, "/v1/services/1/" TOOLS_RAIL2 "/" TOOLS_DATE, SERVICE);
    put(w, "/v1/services/2/" TOOLS_PARK "/" TOOLS_DATE, SERVICE);
    snprintf(path, sizeof path, "/v1/services/1/" TOOLS_RAIL "/%s", w->today);
    put(w, path, SERVICE);
    snprintf(path, sizeof path, "/v1/services/2/" TOOLS_PARK "/%s", w->today);
    put(w, path, SERVICE);
}

void tools_enter(struct tools_world *w)
{
    snprintf(w->folder, sizeof w->folder, "%.200s/%d", w->services.folder, (int)getpid());
    ck_assert_int_eq(mkdir(w->folder, 0700), 0);
}

void tools_leave(struct tools_world *w)
{
    for (unsigned slot = 0; slot < TOOLS_CARDS; slot++)
        if (w->card[slot] > 0)
            tools_remove(w, slot);
}

void tools_start(struct tools_world *w)
{
    char keys[TEST_PATH_MAX], station[TEST_PATH_MAX];
    memset(w, 0, sizeof *w);
    w->pcscd = test_pcscd_start();
    ck_assert(test_services_prepare(&w->services));
    test_services_path(&w->services, "keys", keys);
    test_services_path(&w->services, "station", station);
    const char *const kit[] = {"personaliser-kit", "--keys", keys, "--out", station, NULL};
    ck_assert_int_eq(test_authd_command(&w->services, kit), 0);
    ck_assert(test_gate_kit(&w->services, 1, 77, TOOLS_STATION, "gate1"));
    ck_assert(test_gate_kit(&w->services, 2, 78, TOOLS_STATION, "gate2"));
    ck_assert(test_authd_start(&w->services) && test_ticketd_start(&w->services));
    const time_t now = time(NULL);
    strftime(w->today, sizeof w->today, "%F", gmtime(&now));
    tools_enter(w);
    fill_catalogue(w);
}

void tools_stop(struct tools_world *w)
{
    ck_assert(test_services_stop(&w->services));
    tally_private_pcscd_stop(w->pcscd);
}

static void make_chip(struct tools_world *w, const char *image)
{
    char line[LINE];
    if (access(image, F_OK) == 0)
        return;
    snprintf(line, sizeof line,
             "%s --create --image %s --admin-master %s/keys/issuer/admin-master.key >%s/out 2>%s/err",
             chosen_program(), image, w->services.folder, w->folder, w->folder);
    ck_assert_msg(run_line(w, line) == 0, "%s", w->err);
}

/* The emulator of a card that was killed holds its image until it has ended too, a moment later. */
static void wait_until_free(const char *image)
{
    int fd = open(image, O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(flock(fd, LOCK_EX), 0);
    ck_assert_int_eq(close(fd), 0);
}

/* extra: more options of the card's program, NULL-terminated. */
static void insert(struct tools_world *w, unsigned slot, const char *const *extra)
{
    char image[TEST_PATH_MAX], name[16], port[16];
    const char *argv[ARGUMENTS] = {chosen_program(), "--image", image, "--port", port};
    snprintf(name, sizeof name, "card%u.img", slot);
    path_of(w, name, image);
    make_chip(w, image);
    wait_until_free(image);
    snprintf(port, sizeof port, "%u", tally_private_pcscd_port(w->pcscd, slot));
    for (size_t n = 5; *extra != NULL && n < ARGUMENTS - 1; n++)
        argv[n] = *extra++;
    const pid_t parent = getpid(), pid = fork();
    ck_assert_int_ge(pid, 0);
    w->card[slot] = pid;
    if (pid > 0)
        return;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent)
        execv(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

void tools_insert(struct tools_world *w, unsigned slot, const char *fault, const char *at)
{
    const char *const extra[] = {"--away-ms", "600", fault, at, NULL};
    insert(w, slot, extra);
}

void tools_insert_torn(struct tools_world *w, unsigned slot, uint64_t operation, uint64_t seed)
{
    char at[24], how[24];
    const char *const extra[] = {"--away-ms", TORN_AWAY_MS, "--cut-at", at, "--cut-seed", how, NULL};
    snprintf(at, sizeof at, "%lu", (unsigned long)operation);
    snprintf(how, sizeof how, "%lu", (unsigned long)seed);
    insert(w, slot, extra);
}

void tools_remove(struct tools_world *w, unsigned slot)
{
    struct tally_pcsc *pcsc;
    char name[32];
    snprintf(name, sizeof name, "Virtual PCD 00 %02X", slot);
    test_card_remove(w->card[slot]);
    w->card[slot] = 0;
    ck_assert_int_eq(tally_pcsc_open(&pcsc), TALLY_OK);
    ck_assert_int_eq(tally_pcsc_wait_removal(pcsc, name, TEST_DEADLINE_MS), TALLY_OK);
    tally_pcsc_close(pcsc);
}

void tools_get(struct tools_world *w, bool authd, const char *path)
{
    char line[LINE];
    snprintf(line, sizeof line,
             "%s --url %s --tag tally-%s --party kiosk --party-key %s/kiosk.pem GET %s >%s/out 2>%s/err",
             TALLY_CALL, authd ? w->services.authd.url : w->services.ticketd.url, authd ? "authd" : "ticketd",
             w->services.folder, path, w->folder, w->folder);
    ck_assert_msg(run_line(w, line) == 0, "%s: %s%s", path, w->out, w->err);
}

void tools_personalise(struct tools_world *w, unsigned slot, const char *operators, bool rsa)
{
    tools_expect(w, 0, "card", slot, "personalise --pin " TOOLS_PIN " --operators %s --rsa=%s", operators,
                 rsa ? "true" : "false");
}

json_t *tools_json(const struct tools_world *w)
{
    json_t *o = json_loads(w->out, JSON_DECODE_ANY, NULL);
    ck_assert_msg(o != NULL, "%s%s", w->out, w->err);
    return o;
}

json_t *tools_tickets(struct tools_world *w, unsigned slot, size_t *n)
{
    tools_expect(w, 0, "card", slot, "tickets --json --pin " TOOLS_PIN);
    json_t *list = tools_json(w);
    *n = json_array_size(list);
    return list;
}

void tools_tid(struct tools_world *w, unsigned slot, const char *service, char tid[33])
{
    size_t n, i;
    json_t *ticket, *list = tools_tickets(w, slot, &n);
    tid[0] = '\0';
    json_array_foreach(list, i, ticket)
    {
        const json_t *face = json_object_get(ticket, "face");
        if (tid[0] == '\0' && strcmp(json_string_value(json_object_get(face, "service")), service) == 0)
            snprintf(tid, 33, "%s", json_string_value(json_object_get(face, "tid")));
    }
    json_decref(list);
    ck_assert_msg(tid[0] != '\0', "no ticket for %s", service);
}

unsigned tools_jobs(const struct tools_world *w)
{
    char path[TEST_PATH_MAX];
    unsigned n = 0;
    path_of(w, "kiosk-state", path);
    DIR *dir = opendir(path);
    for (const struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;)
        n += strncmp(entry->d_name, "job-", 4) == 0;
    if (dir != NULL)
        closedir(dir);
    return n;
}
