/* tally-vreader: a virtual reader with virtual cards for developers, in one command. */
#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/base/error.h"
#include "host/reader/pcsc.h"
#include "host/reader/private_pcscd.h"

#define SLOTS         TALLY_PRIVATE_PCSCD_SLOTS
#define WORDS_MAX     32 /* options passed on to the card's program */
#define LOOKS         150
#define LOOK_MS       200
#define CARD_TORN     5 /* exit status of tally-vcard --cut-exit */
#define NUMBER_SIZE   16
#define SIGNAL_STATUS 128 /* shells report the death by signal N as 128 + N */

static const char help[] =
    "usage: tally-vreader [OPTION ...] [-- COMMAND [ARG ...]]\n"
    "\n"
    "Starts a private PC/SC service with a virtual reader and a Tally card in it. With COMMAND, runs that "
    "where it\n"
    "sees this reader only, and ends with its exit status. Without, prints the line that shows another shell "
    "the\n"
    "reader, and runs until it is interrupted. The system's own PC/SC service is not touched.\n"
    "\n"
    "  --image FILE          the card's chip, made if it is not there (default: a new one, gone afterwards)\n"
    "  --slots N             1 or 2: a second card in the reader's second slot\n"
    "  --image2 FILE         the second card's chip\n"
    "  --card KIND           host: the card compiled for this machine (default); mcu: the firmware for the\n"
    "                        microcontroller in QEMU ($TALLY_CARD; needs ./tally firmware)\n"
    "  --vcard PROGRAM       another program that is the card ($TALLY_VCARD)\n"
    "  --help\n"
    "\n"
    "For the chips that are made: --chip-id HEX (first card only), --admin-key KEY, --admin-master KEY.\n"
    "For the first card: --seed N, --cut-at N, --cut-seed N, --cut-exit, --drop-at-apdu N, --drop-answer-at "
    "N,\n"
    "--delay-at N, --delay-ms N, --away-ms N, --verbose. tally-vcard --help tells what they do.\n"
    "\n"
    "Exit status without COMMAND: 0 interrupted, 2 usage, 3 no reader came up, 5 the card's process ended, 8 "
    "its image.\n";

struct card_process {
    char image[PATH_MAX];
    char port[NUMBER_SIZE];
    pid_t pid;
};

struct words {
    char *word[WORDS_MAX];
    size_t n;
};

struct vreader {
    struct tally_private_pcscd *service;
    struct card_process card[SLOTS];
    unsigned slots;
    const char *kind; /* --card, or NULL */
    char program[PATH_MAX];
    const char *chip_id;          /* of the first card, when it is made; or NULL */
    struct words identity, fault; /* passed on: with --create; to the first card */
    char **command;               /* NULL-terminated, or NULL */
    pid_t command_pid;
};

/* Options that go to tally-vcard as they are; val tells to which list. */
enum {
    OPT_IMAGE = 256,
    OPT_IMAGE2,
    OPT_SLOTS,
    OPT_CARD,
    OPT_VCARD,
    OPT_HELP,
    OPT_CHIP_ID,
    OPT_IDENTITY,
    OPT_FAULT
};

static const struct option options[] = {
    {"image", required_argument, NULL, OPT_IMAGE},
    {"image2", required_argument, NULL, OPT_IMAGE2},
    {"slots", required_argument, NULL, OPT_SLOTS},
    {"card", required_argument, NULL, OPT_CARD},
    {"vcard", required_argument, NULL, OPT_VCARD},
    {"help", no_argument, NULL, OPT_HELP},
    {"chip-id", required_argument, NULL, OPT_CHIP_ID},
    {"admin-key", required_argument, NULL, OPT_IDENTITY},
    {"admin-master", required_argument, NULL, OPT_IDENTITY},
    {"seed", required_argument, NULL, OPT_FAULT},
    {"cut-at", required_argument, NULL, OPT_FAULT},
    {"cut-seed", required_argument, NULL, OPT_FAULT},
    {"cut-exit", no_argument, NULL, OPT_FAULT},
    {"drop-at-apdu", required_argument, NULL, OPT_FAULT},
    {"drop-answer-at", required_argument, NULL, OPT_FAULT},
    {"delay-at", required_argument, NULL, OPT_FAULT},
    {"delay-ms", required_argument, NULL, OPT_FAULT},
    {"away-ms", required_argument, NULL, OPT_FAULT},
    {"verbose", no_argument, NULL, OPT_FAULT},
    {NULL, 0, NULL, 0},
};

static enum tally_error wrong(const char *what)
{
    fprintf(stderr, "tally-vreader: %s\n", what);
    return TALLY_E_USAGE;
}

static enum tally_error set_path(char out[PATH_MAX], const char *value)
{
    if (strlen(value) >= PATH_MAX)
        return wrong("a file name is too long");
    memcpy(out, value, strlen(value) + 1);
    return TALLY_OK;
}

/* Adds "--name=value"; the words live as long as the process. */
static enum tally_error add_word(struct words *w, const char *name, const char *value)
{
    char *word;
    if (w->n == WORDS_MAX)
        return wrong("too many options");
    if (asprintf(&word, value == NULL ? "--%s" : "--%s=%s", name, value) < 0)
        return TALLY_E_MEMORY;
    w->word[w->n++] = word;
    return TALLY_OK;
}

static enum tally_error take(struct vreader *v, int c, int index)
{
    switch (c) {
    case OPT_IMAGE: return set_path(v->card[0].image, optarg);
    case OPT_IMAGE2: v->slots = 2; return set_path(v->card[1].image, optarg);
    case OPT_SLOTS:
        if (strcmp(optarg, "1") != 0 && strcmp(optarg, "2") != 0)
            return wrong("--slots is 1 or 2");
        v->slots = (unsigned)(optarg[0] - '0');
        return TALLY_OK;
    case OPT_CARD: v->kind = optarg; return TALLY_OK;
    case OPT_VCARD: return set_path(v->program, optarg);
    case OPT_CHIP_ID: v->chip_id = optarg; return TALLY_OK;
    case OPT_IDENTITY: return add_word(&v->identity, options[index].name, optarg);
    case OPT_FAULT: return add_word(&v->fault, options[index].name, optarg);
    default: return TALLY_E_USAGE;
    }
}

/* Kinds of card and where their programs are: beside this one, or where the build puts them. */
static const struct {
    const char *kind, *places[2];
} kinds[] = {
    {"host", {"tally-vcard", "../card/ports/vcard/tally-vcard"}},
    {"mcu", {"tally-mcard", "../card/ports/mps2/host/tally-mcard"}},
};

static enum tally_error find_kind(struct vreader *v, const char *kind)
{
    char self[PATH_MAX - 64] = "";
    size_t k = 0;
    while (k < sizeof kinds / sizeof kinds[0] && strcmp(kinds[k].kind, kind) != 0)
        k++;
    if (k == sizeof kinds / sizeof kinds[0])
        return wrong("--card is host or mcu");
    if (readlink("/proc/self/exe", self, sizeof self - 1) <= 0)
        return TALLY_E_IO;
    const char *folder = dirname(self);
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(v->program, sizeof v->program, "%s/%s", folder, kinds[k].places[i]);
        if (access(v->program, X_OK) == 0)
            return TALLY_OK;
    }
    return wrong("the card's program was not found; see --vcard");
}

/* The card's program: as told here, or by the environment, or the one that is compiled for this machine. */
static enum tally_error find_program(struct vreader *v)
{
    const char *program = getenv("TALLY_VCARD"), *kind = getenv("TALLY_CARD");
    if (v->program[0] == '\0' && v->kind == NULL && program != NULL)
        (void)set_path(v->program, program);
    if (v->program[0] == '\0')
        return find_kind(v, v->kind != NULL ? v->kind : kind != NULL ? kind : "host");
    return access(v->program, X_OK) == 0 ? TALLY_OK : wrong("the card's program cannot be run; see --vcard");
}

static enum tally_error parse(struct vreader *v, int argc, char **argv, bool *help_asked)
{
    int c, index = 0;
    *help_asked = false;
    v->slots = 1;
    while ((c = getopt_long(argc, argv, "+", options, &index)) != -1) {
        if (c == OPT_HELP) {
            *help_asked = true;
            return TALLY_OK;
        }
        enum tally_error e = c == '?' ? TALLY_E_USAGE : take(v, c, index);
        if (e != TALLY_OK)
            return e;
    }
    if (v->slots == 1 && v->card[1].image[0] != '\0')
        return wrong("--image2 needs --slots 2");
    v->command = optind < argc ? argv + optind : NULL;
    return find_program(v);
}

/* Runs a program that ends with this one. quiet: what it prints goes to standard error, and a Ctrl-C meant
 * for the command does not reach it. Returns its process id or -1. */
static pid_t spawn(char *const *argv, bool quiet)
{
    pid_t parent = getpid(), pid = fork();
    if (pid != 0)
        return pid;
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)prctl(PR_SET_PDEATHSIG, quiet ? SIGKILL : SIGTERM);
    if (getppid() != parent)
        _exit(126);
    if (quiet && (setpgid(0, 0) != 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0))
        _exit(126);
    execvp(argv[0], argv);
    fprintf(stderr, "tally-vreader: %s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

static int status_of(int wait_status)
{
    return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : SIGNAL_STATUS + WTERMSIG(wait_status);
}

static void join(char **argv, size_t *n, struct words *w)
{
    for (size_t i = 0; i < w->n; i++)
        argv[(*n)++] = w->word[i];
}

static enum tally_error make_image(struct vreader *v, unsigned slot)
{
    char *argv[WORDS_MAX + 8] = {v->program, "--create", "--image", v->card[slot].image};
    size_t n = 4;
    int status = 0;
    if (slot == 0 && v->chip_id != NULL) {
        argv[n++] = "--chip-id";
        argv[n++] = (char *)(uintptr_t)v->chip_id;
    }
    join(argv, &n, &v->identity);
    pid_t pid = spawn(argv, true);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return TALLY_E_IO;
    return status == 0 ? TALLY_OK : TALLY_E_USAGE;
}

static enum tally_error start_card(struct vreader *v, unsigned slot)
{
    struct card_process *c = &v->card[slot];
    if (c->image[0] == '\0')
        (void)snprintf(c->image, sizeof c->image, "%s/card%u.img", tally_private_pcscd_folder(v->service),
                       slot);
    enum tally_error e = access(c->image, F_OK) == 0 ? TALLY_OK : make_image(v, slot);
    if (e != TALLY_OK)
        return e;
    char *argv[WORDS_MAX + 8] = {v->program, "--image", c->image, "--port", c->port};
    size_t n = 5;
    (void)snprintf(c->port, sizeof c->port, "%u", tally_private_pcscd_port(v->service, slot));
    if (slot == 0)
        join(argv, &n, &v->fault);
    c->pid = spawn(argv, true);
    return c->pid > 0 ? TALLY_OK : TALLY_E_IO;
}

/* True when the process has ended; its exit status is then in *status and pid 0. */
static bool ended(pid_t *pid, int *status)
{
    int s;
    if (*pid <= 0 || waitpid(*pid, &s, WNOHANG) != *pid)
        return false;
    *pid = 0;
    *status = status_of(s);
    return true;
}

/* Waits until the reader sees the cards, so that nobody else has to. */
static enum tally_error wait_inserted(struct vreader *v)
{
    struct tally_pcsc *p;
    struct tally_reader r;
    enum tally_error e = tally_pcsc_open(&p);
    for (unsigned slot = 0; e == TALLY_OK && slot < v->slots; slot++) {
        const char *spec = slot == 0 ? "0" : "1";
        int status = -1;
        e = TALLY_E_NO_READER;
        for (int i = 0; e != TALLY_OK && status < 0 && i < LOOKS; i++) {
            if (!ended(&v->card[slot].pid, &status))
                e = tally_pcsc_wait_card(p, spec, LOOK_MS, &r);
        }
        if (status >= 0)
            e = status == CARD_TORN ? TALLY_E_CARD_LOST : TALLY_E_IO;
        if (e == TALLY_OK)
            fprintf(stderr, "tally-vreader: reader '%s', card %s\n", r.name, v->card[slot].image);
    }
    tally_pcsc_close(p);
    return e;
}

static bool service_ended(const struct vreader *v)
{
    siginfo_t info = {0};
    pid_t pid = tally_private_pcscd_pid(v->service);
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

/* Until the command ends; without one, until an interrupt, or until a card or the service ends. Returns the
 * exit status. The signals are blocked, so none is missed between the looks. */
static int serve(struct vreader *v, const sigset_t *signals)
{
    int status = 0;
    for (;;) {
        int got = sigwaitinfo(signals, NULL);
        if (got == SIGTERM && v->command_pid > 0)
            (void)kill(v->command_pid, SIGTERM);
        if ((got == SIGINT || got == SIGTERM || got == SIGHUP) && v->command == NULL)
            return 0;
        if (got != SIGCHLD)
            continue;
        if (v->command != NULL && ended(&v->command_pid, &status))
            return status;
        for (unsigned slot = 0; slot < v->slots; slot++) {
            if (ended(&v->card[slot].pid, &status) && v->command == NULL)
                return tally_error_exit_code(TALLY_E_CARD_LOST);
        }
        if (service_ended(v) && v->command == NULL)
            return tally_error_exit_code(TALLY_E_NO_READER);
    }
}

static int run(struct vreader *v, const sigset_t *signals)
{
    enum tally_error e = tally_private_pcscd_start(&v->service);
    if (e == TALLY_OK && setenv("PCSCLITE_CSOCK_NAME", tally_private_pcscd_socket(v->service), 1) != 0)
        e = TALLY_E_MEMORY;
    for (unsigned slot = 0; e == TALLY_OK && slot < v->slots; slot++)
        e = start_card(v, slot);
    if (e == TALLY_OK)
        e = wait_inserted(v);
    if (e != TALLY_OK)
        return tally_error_exit_code(e);
    if (v->command != NULL) {
        v->command_pid = spawn(v->command, false);
        return v->command_pid > 0 ? serve(v, signals) : tally_error_exit_code(TALLY_E_IO);
    }
    printf("export PCSCLITE_CSOCK_NAME=%s\n", tally_private_pcscd_socket(v->service));
    fflush(stdout);
    return serve(v, signals);
}

static void clean_up(struct vreader *v)
{
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        if (v->card[slot].pid > 0 && kill(v->card[slot].pid, SIGTERM) == 0)
            (void)waitpid(v->card[slot].pid, NULL, 0);
    }
    tally_private_pcscd_stop(v->service);
    for (size_t i = 0; i < WORDS_MAX; i++) {
        free(v->identity.word[i]);
        free(v->fault.word[i]);
    }
}

int main(int argc, char **argv)
{
    static struct vreader v;
    sigset_t signals;
    bool help_asked;
    int status;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    enum tally_error e = parse(&v, argc, argv, &help_asked);
    if (e != TALLY_OK)
        status = tally_error_exit_code(e);
    else if (help_asked)
        status = fputs(help, stdout) < 0;
    else
        status = run(&v, &signals);
    clean_up(&v);
    return status;
}
