#include "reader-tools/kiosk/job.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *const kinds[] = {"buy", "exchange", "refund"};

const char *job_kind_name(enum job_kind kind)
{
    return kinds[kind];
}

const char *job_text(const struct job *job, const char *name)
{
    return json_string_value(json_object_get(job->root, name));
}

enum job_kind job_kind_of(const struct job *job)
{
    const char *kind = job_text(job, "kind");
    for (int i = JOB_EXCHANGE; kind != NULL && i <= JOB_REFUND; i++)
        if (strcmp(kinds[i], kind) == 0)
            return (enum job_kind)i;
    return JOB_BUY;
}

static enum tally_error sync_folder(const char *path)
{
    char folder[JOB_PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash != NULL)
        *slash = '\0';
    int fd = open(slash != NULL ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return ok ? TALLY_OK : TALLY_E_IO;
}

enum tally_error job_save(const struct job *job)
{
    char fresh[JOB_PATH_MAX + 8];
    snprintf(fresh, sizeof fresh, "%s.new", job->path);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return TALLY_E_IO;
    bool ok = json_dumpfd(job->root, fd, JSON_COMPACT) == 0 && fdatasync(fd) == 0;
    ok = close(fd) == 0 && ok && rename(fresh, job->path) == 0;
    return ok ? sync_folder(job->path) : TALLY_E_IO;
}

enum tally_error job_create(const char *folder, enum job_kind kind, const char *serial, const char *key,
                            const char *request_path, json_t *request, struct job *job)
{
    memset(job, 0, sizeof *job);
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return TALLY_E_IO;
    if (snprintf(job->path, sizeof job->path, "%s/job-%012lld-%s.json", folder, (long long)time(NULL), key) >=
        (int)sizeof job->path)
        return TALLY_E_USAGE;
    job->root = json_pack("{s:s, s:s, s:s, s:s, s:O}", "kind", kinds[kind], "serial", serial, "key", key,
                          "path", request_path, "request", request);
    enum tally_error e = job->root == NULL ? TALLY_E_MEMORY : job_save(job);
    if (e != TALLY_OK)
        job_free(job);
    return e;
}

void job_remove(const struct job *job)
{
    (void)unlink(job->path);
}

void job_free(struct job *job)
{
    json_decref(job->root);
    memset(job, 0, sizeof *job);
}

static int is_job(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);
    return strncmp(entry->d_name, "job-", 4) == 0 && n > 5 && strcmp(entry->d_name + n - 5, ".json") == 0;
}

static enum tally_error visit_file(const char *folder, const char *name,
                                   enum tally_error (*visit)(void *context, struct job *job), void *context)
{
    struct job job = {.root = NULL};
    if (snprintf(job.path, sizeof job.path, "%s/%s", folder, name) >= (int)sizeof job.path)
        return TALLY_E_USAGE;
    job.root = json_load_file(job.path, JSON_REJECT_DUPLICATES, NULL);
    enum tally_error e = TALLY_E_FORMAT;
    if (job_text(&job, "kind") != NULL && job_text(&job, "serial") != NULL && job_text(&job, "key") != NULL &&
        job_text(&job, "path") != NULL)
        e = visit(context, &job);
    json_decref(job.root);
    return e;
}

enum tally_error job_each(const char *folder, enum tally_error (*visit)(void *context, struct job *job),
                          void *context, unsigned *seen)
{
    struct dirent **names;
    enum tally_error first = TALLY_OK;
    *seen = 0;
    int n = scandir(folder, &names, is_job, alphasort);
    if (n < 0)
        return errno == ENOENT ? TALLY_OK : TALLY_E_IO;
    for (int i = 0; i < n; i++) {
        if (i < JOBS_MAX) {
            enum tally_error e = visit_file(folder, names[i]->d_name, visit, context);
            ++*seen;
            if (first == TALLY_OK)
                first = e;
        }
        free(names[i]);
    }
    free(names);
    return first;
}
