/* A listener's certificates: one snapshot at a time, made anew when a file changes. Inside layer/tls only. */
#ifndef WEIR_LAYER_TLS_STORE_H
#define WEIR_LAYER_TLS_STORE_H

#include <pthread.h>
#include <sys/stat.h>

#include "base/map.h"
#include "base/vec.h"
#include "layer/tls/certificate.h"

/* Immutable; counted. */
struct tls_snapshot {
    unsigned references;
    size_t count;
    struct tls_credential *at;
    struct map by_name;      /* "www.example.com", "*.example.com" -> a credential; owned: keys are in `names` */
    VEC(char *) names;
};

void tls_snapshot_ref(struct tls_snapshot *s);
/* Accepts NULL. */
void tls_snapshot_unref(struct tls_snapshot *s);
/* Which certificate is for that name (of a ClientHello; any case, may be empty); the first when none is. */
size_t tls_snapshot_pick(const struct tls_snapshot *s, struct text name);

/* What a file looked like when it was read. */
struct tls_file {
    struct text path;
    struct timespec changed;
    off_t size;
    ino_t inode;
};

struct tls_store {
    const struct log *log;
    const char *tag;
    VEC(struct tls_credential_source) sources;
    VEC(struct tls_file) files; /* touched by whoever checks, one at a time */
    pthread_mutex_t lock;       /* of `current` */
    struct tls_snapshot *current;
    uint64_t version;           /* atomic: of `current` */
    int64_t next_check;         /* atomic: clock_ms() */
};

/* The sources are borrowed. Reads files. 0 or negative with err; to be done in both cases. */
int tls_store_init(struct tls_store *s, const struct tls_server_options *o, struct error *err) CHECKED;
void tls_store_done(struct tls_store *s);
/* The current snapshot, counted for the caller. */
struct tls_snapshot *tls_store_get(struct tls_store *s);
static inline uint64_t tls_store_version(const struct tls_store *s)
{
    return __atomic_load_n(&s->version, __ATOMIC_ACQUIRE);
}
/* Once in a while: looks whether a file has changed and reads all again if so. A failure is logged, and what was stays. May park. */
void tls_store_check(struct tls_store *s);

#endif
