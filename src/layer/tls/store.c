#include "layer/tls/store.h"

#include <errno.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "runtime/workers.h"

enum {
    CHECK_MS = 2000,
    NAMES_MAX = 1000, /* of one certificate that are looked at */
    NAME = 256,
};

/* ---- names ----------------------------------------------------------------------------------- */

/* In lower case, without a dot at the end; "" when it is too long. */
static struct text fold(struct text name, char out[NAME])
{
    if (name.len && name.ptr[name.len - 1] == '.')
        name.len--;
    if (name.len >= NAME)
        name.len = 0;
    for (size_t i = 0; i < name.len; i++)
        out[i] = name.ptr[i] >= 'A' && name.ptr[i] <= 'Z' ? (char)(name.ptr[i] | 0x20) : name.ptr[i];
    return (struct text){out, name.len};
}

/* The first certificate for a name keeps it. */
static int add_name(struct tls_snapshot *s, struct text name, struct tls_credential *c)
{
    char room[NAME];
    struct text folded = fold(name, room);

    if (folded.len == 0 || map_get_text(&s->by_name, folded))
        return 0;
    char *own = text_dup(folded);
    if (!own)
        return -ENOMEM;
    int r = vec_push(&s->names, own);
    if (r < 0) {
        mem_free(own);
        return r;
    }
    return map_put_text(&s->by_name, text_of(own), c);
}

static int add_names(struct tls_snapshot *s, struct tls_credential *c)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(c->leaf, NID_subject_alt_name, NULL, NULL);
    int r = 0, count = min_of(sk_GENERAL_NAME_num(names), (int)NAMES_MAX);
    char common[NAME];

    for (int i = 0; r == 0 && i < count; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DNS)
            r = add_name(s, (struct text){(const char *)ASN1_STRING_get0_data(name->d.dNSName),
                                          (size_t)ASN1_STRING_length(name->d.dNSName)}, c);
    }
    GENERAL_NAMES_free(names);
    int n = X509_NAME_get_text_by_NID(X509_get_subject_name(c->leaf), NID_commonName, common, sizeof common);
    return r == 0 && count <= 0 && n > 0 ? add_name(s, (struct text){common, (size_t)n}, c) : r;
}

size_t tls_snapshot_pick(const struct tls_snapshot *s, struct text name)
{
    char room[NAME];
    struct text folded = fold(name, room);
    const struct tls_credential *c = folded.len ? map_get_text(&s->by_name, folded) : NULL;
    ssize_t dot = text_find(folded, '.');

    if (!c && dot > 0) {
        room[dot - 1] = '*';
        c = map_get_text(&s->by_name, text_sub(folded, (size_t)dot - 1, folded.len));
    }
    return c ? (size_t)(c - s->at) : 0;
}

/* ---- snapshots ------------------------------------------------------------------------------- */

void tls_snapshot_ref(struct tls_snapshot *s)
{
    __atomic_fetch_add(&s->references, 1, __ATOMIC_RELAXED);
}

void tls_snapshot_unref(struct tls_snapshot *s)
{
    if (!s || __atomic_sub_fetch(&s->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (size_t i = 0; i < s->count; i++)
        tls_credential_done(&s->at[i]);
    mem_free(s->at);
    map_done(&s->by_name);
    for (size_t i = 0; i < s->names.len; i++)
        mem_free(s->names.at[i]);
    vec_done(&s->names);
    mem_free(s);
}

static int fill(struct tls_snapshot *s, const struct tls_store *store, struct error *err)
{
    s->at = mem_alloc_array(store->sources.len, sizeof *s->at);
    if (!s->at)
        return error_set(err, -ENOMEM, "out of memory");
    for (size_t i = 0; i < store->sources.len; i++) {
        s->count = i + 1;
        int r = tls_credential_load(&store->sources.at[i], &s->at[i], err);
        if (r == 0 && add_names(s, &s->at[i]) < 0)
            r = error_set(err, -ENOMEM, "out of memory");
        if (r < 0)
            return r;
    }
    return 0;
}

static struct tls_snapshot *read_all(const struct tls_store *store, struct error *err)
{
    struct tls_snapshot *s = mem_new(struct tls_snapshot);

    if (!s) {
        (void)error_set(err, -ENOMEM, "out of memory");
        return NULL;
    }
    s->references = 1;
    map_init(&s->by_name);
    if (fill(s, store, err) < 0) {
        tls_snapshot_unref(s);
        return NULL;
    }
    return s;
}

/* ---- files ----------------------------------------------------------------------------------- */

/* Whether it looks otherwise than it did; remembers how. One that is gone has not changed yet: it is being replaced. */
static bool has_changed(struct tls_file *f)
{
    struct stat st;

    if (stat(f->path.ptr, &st) < 0)
        return false;
    bool is_same = st.st_mtim.tv_sec == f->changed.tv_sec && st.st_mtim.tv_nsec == f->changed.tv_nsec &&
                   st.st_size == f->size && st.st_ino == f->inode;
    f->changed = st.st_mtim;
    f->size = st.st_size;
    f->inode = st.st_ino;
    return !is_same;
}

static bool look(struct tls_store *s)
{
    bool any = false;

    for (size_t i = 0; i < s->files.len; i++)
        any |= has_changed(&s->files.at[i]);
    return any;
}

static void swap(struct tls_store *s, struct tls_snapshot *fresh)
{
    (void)pthread_mutex_lock(&s->lock);
    struct tls_snapshot *old = s->current;
    s->current = fresh;
    __atomic_fetch_add(&s->version, 1, __ATOMIC_RELEASE);
    (void)pthread_mutex_unlock(&s->lock);
    tls_snapshot_unref(old);
}

/* On a thread that may block. */
static void check_files(void *arg)
{
    struct tls_store *s = arg;
    struct error err = {0};

    if (!look(s))
        return;
    struct tls_snapshot *fresh = read_all(s, &err);
    if (!fresh) {
        log_warn(s->log, "inbound '%s': tls: a certificate changed, but the old one stays: %s", s->tag, err.text);
        return;
    }
    swap(s, fresh);
    log_info(s->log, "inbound '%s': tls: certificates read again", s->tag);
}

void tls_store_check(struct tls_store *s)
{
    int64_t due = __atomic_load_n(&s->next_check, __ATOMIC_RELAXED), now = loop_now();

    if (s->files.len == 0 || now < due)
        return;
    /* One caller checks; the time is put off so far that it is surely alone. */
    if (!__atomic_compare_exchange_n(&s->next_check, &due, INT64_MAX, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return;
    (void)!blocking_run(check_files, s);
    __atomic_store_n(&s->next_check, loop_now() + CHECK_MS, __ATOMIC_RELEASE);
}

/* ---- its life -------------------------------------------------------------------------------- */

static int watch_file(struct tls_store *s, struct text path)
{
    struct tls_file f = {.path = path};

    return path.len ? vec_push(&s->files, f) : 0;
}

static int add_source(struct tls_store *s, const struct tls_credential_source *from)
{
    int r = vec_push(&s->sources, *from);

    if (r == 0)
        r = watch_file(s, from->certificate->path);
    if (r == 0)
        r = watch_file(s, from->key->path);
    return r == 0 ? watch_file(s, from->ocsp_path) : r;
}

static int add_sources(struct tls_store *s, const struct tls_server_options *o)
{
    int r = 0;

    if (tls_pem_is_given(&o->identity.certificate))
        r = add_source(s, &(struct tls_credential_source){&o->identity.certificate, &o->key, o->ocsp_path});
    for (size_t i = 0; r == 0 && i < o->certificates.len; i++) {
        const struct tls_certificate_option *c = &o->certificates.at[i];
        r = add_source(s, &(struct tls_credential_source){&c->certificate, &c->key, c->ocsp_path});
    }
    return r;
}

int tls_store_init(struct tls_store *s, const struct tls_server_options *o, struct error *err)
{
    (void)pthread_mutex_init(&s->lock, NULL);
    if (add_sources(s, o) < 0)
        return error_set(err, -ENOMEM, "out of memory");
    if (s->sources.len == 0)
        return error_set(err, -EINVAL, "a listener needs a certificate");
    for (size_t i = 0; i < s->sources.len; i++) {
        if (!tls_pem_is_given(s->sources.at[i].certificate) || !tls_pem_is_given(s->sources.at[i].key))
            return error_set(err, -EINVAL, "a certificate and its key belong together");
    }
    (void)look(s); /* before it is read: a change in between is seen later */
    s->current = read_all(s, err);
    return s->current ? 0 : -EINVAL;
}

void tls_store_done(struct tls_store *s)
{
    tls_snapshot_unref(s->current);
    vec_done(&s->sources);
    vec_done(&s->files);
    (void)pthread_mutex_destroy(&s->lock);
}

struct tls_snapshot *tls_store_get(struct tls_store *s)
{
    (void)pthread_mutex_lock(&s->lock);
    struct tls_snapshot *current = s->current;
    tls_snapshot_ref(current);
    (void)pthread_mutex_unlock(&s->lock);
    return current;
}
