#include "crypto/aead.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <string.h>

#include "base/rnd.h"
#include "crypto/aead_backend.h"

static const struct {
    const char *name;
    uint8_t key, nonce;
} kinds[AEAD_KINDS] = {
    [AEAD_AES_128_GCM] = {"aes-128-gcm", 16, 12},
    [AEAD_AES_192_GCM] = {"aes-192-gcm", 24, 12},
    [AEAD_AES_256_GCM] = {"aes-256-gcm", 32, 12},
    [AEAD_CHACHA20_POLY1305] = {"chacha20-poly1305", 32, 12},
    [AEAD_XCHACHA20_POLY1305] = {"xchacha20-poly1305", 32, 24},
};

static const struct {
    const char *name;
    const struct aead_engine *engine;
} backends[AEAD_BACKENDS] = {
    [AEAD_LIBCRYPTO] = {"libcrypto", &aead_libcrypto},
#ifdef WEIR_IPSEC_MB
    [AEAD_IPSEC_MB] = {"ipsec-mb", &aead_ipsec_mb},
#else
    [AEAD_IPSEC_MB] = {"ipsec-mb", NULL},
#endif
};

size_t aead_key_size(enum aead_kind kind)
{
    return kinds[kind].key;
}

size_t aead_nonce_size(enum aead_kind kind)
{
    return kinds[kind].nonce;
}

const char *aead_name(enum aead_kind kind)
{
    return kinds[kind].name;
}

const char *aead_backend_name(enum aead_backend backend)
{
    return backends[backend].name;
}

/*
 * XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha, 2.3) is ChaCha20-Poly1305 under the key
 *     HChaCha20(key, nonce[0..16])   with the nonce   0 0 0 0 || nonce[16..24]
 */
static int run_extended(const struct aead_engine *engine, struct aead_op *op, bool is_open)
{
    uint8_t subkey[32], nonce[12] = {0};
    int r;

    crypto_core_hchacha20(subkey, op->nonce, op->key, NULL);
    memcpy(nonce + 4, op->nonce + 16, 8);
    op->id = 0;
    op->kind = AEAD_CHACHA20_POLY1305;
    op->key = subkey;
    op->nonce = nonce;
    r = is_open ? engine->open(op) : engine->seal(op);
    mem_wipe(subkey, sizeof subkey);
    return r;
}

static int run(const struct aead *a, struct aead_op *op, bool is_open)
{
    static const uint8_t nothing[1];
    const struct aead_engine *engine = backends[a->backend].engine;

    op->id = a->id;
    op->kind = (enum aead_kind)a->kind;
    op->key = a->key;
    if (op->aad.len == 0)
        op->aad.ptr = nothing;
    if (op->n == 0 && !op->in)
        op->in = nothing;
    if (op->kind == AEAD_XCHACHA20_POLY1305)
        return run_extended(engine, op, is_open);
    return is_open ? engine->open(op) : engine->seal(op);
}

int aead_seal(struct aead *a, const uint8_t *nonce, struct bytes aad, const void *in, size_t n,
              void *out)
{
    struct aead_op op = {.nonce = nonce, .aad = aad, .in = in, .n = n, .out = out};

    if (n > AEAD_MAX_MESSAGE - AEAD_TAG_SIZE || aad.len > AEAD_MAX_MESSAGE)
        return -EMSGSIZE;
    return run(a, &op, false);
}

int aead_open(struct aead *a, const uint8_t *nonce, struct bytes aad, const void *in, size_t n,
              void *out)
{
    uint8_t unused[1];
    struct aead_op op = {.nonce = nonce, .aad = aad, .in = in, .out = out};
    int r;

    if (n > AEAD_MAX_MESSAGE || aad.len > AEAD_MAX_MESSAGE)
        return -EMSGSIZE;
    if (n < AEAD_TAG_SIZE)
        return -EBADMSG;
    op.n = n - AEAD_TAG_SIZE;
    if (!out)
        op.out = unused;
    r = run(a, &op, true);
    if (r < 0 && op.n)
        mem_wipe(out, op.n);
    return r;
}

/* Counts from a random start in each thread: no two keys of a process meet in one id. */
static uint64_t new_id(void)
{
    static _Thread_local uint64_t last;

    if (last == 0)
        last = rnd_u64();
    last++;
    return last ? last : ++last;
}

static void set_up(struct aead *a, enum aead_kind kind, const uint8_t *key,
                   enum aead_backend backend)
{
    memset(a, 0, sizeof *a);
    a->id = new_id();
    a->kind = (uint8_t)kind;
    a->backend = (uint8_t)backend;
    memcpy(a->key, key, aead_key_size(kind));
}

void aead_done(struct aead *a)
{
    if (a->id)
        backends[a->backend].engine->forget(a->id);
    mem_wipe(a, sizeof *a);
}

void aead_trim(void)
{
    for (unsigned b = 0; b < AEAD_BACKENDS; b++)
        if (backends[b].engine)
            backends[b].engine->trim();
}

/* ---- the self test, once in a process ---------------------------------------------------- */

/* Written under pthread_once, constant afterwards. */
static struct {
    unsigned usable[AEAD_BACKENDS]; /* bits 1 << kind */
    enum aead_backend best[AEAD_KINDS];
} tested;

#define PROBE_MAX 512

struct probe {
    uint8_t key[AEAD_MAX_KEY_SIZE], nonce[AEAD_MAX_NONCE_SIZE], aad[32];
    uint8_t plain[PROBE_MAX], sealed[PROBE_MAX + AEAD_TAG_SIZE];
    size_t aad_len, n;
};

static size_t unhex(const char *hex, void *out, size_t size)
{
    ssize_t n = hex_decode(text_of(hex), out, size);

    return n < 0 ? 0 : (size_t)n;
}

/* Seals, opens, and refuses with one bit changed. */
static bool passes(enum aead_backend backend, enum aead_kind kind, const struct probe *p)
{
    struct bytes aad = {p->aad, p->aad_len};
    uint8_t out[PROBE_MAX + AEAD_TAG_SIZE];
    size_t sealed = p->n + AEAD_TAG_SIZE;
    struct aead a;
    bool ok;

    set_up(&a, kind, p->key, backend);
    ok = aead_seal(&a, p->nonce, aad, p->plain, p->n, out) == 0 &&
         memcmp(out, p->sealed, sealed) == 0 &&
         aead_open(&a, p->nonce, aad, out, sealed, out) == 0 && memcmp(out, p->plain, p->n) == 0;
    memcpy(out, p->sealed, sealed);
    out[sealed - 1] ^= 1;
    ok = ok && aead_open(&a, p->nonce, aad, out, sealed, out) == -EBADMSG;
    aead_done(&a);
    return ok;
}

static bool passes_vectors(enum aead_backend backend, enum aead_kind kind)
{
    for (const struct aead_vector *v = aead_self_test_vectors; v->key; v++) {
        struct probe p = {0};

        if (v->kind != kind)
            continue;
        unhex(v->key, p.key, sizeof p.key);
        unhex(v->nonce, p.nonce, sizeof p.nonce);
        p.aad_len = unhex(v->aad, p.aad, sizeof p.aad);
        p.n = unhex(v->plain, p.plain, sizeof p.plain);
        if (unhex(v->sealed, p.sealed, sizeof p.sealed) != p.n + AEAD_TAG_SIZE ||
            !passes(backend, kind, &p))
            return false;
    }
    return true;
}

/* Lengths round the block and batch sizes of vector code. */
static bool agrees_with_libcrypto(enum aead_backend backend, enum aead_kind kind)
{
    static const uint16_t lengths[] = {0, 1, 2, 15, 16, 17, 63, 64, 65, 127, 129, 255, 257, 385, 511};
    struct probe p = {.aad_len = 13};

    rnd_bytes(p.key, sizeof p.key);
    rnd_bytes(p.nonce, sizeof p.nonce);
    rnd_bytes(p.aad, sizeof p.aad);
    rnd_bytes(p.plain, sizeof p.plain);
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        struct aead a;
        int r;

        p.n = lengths[i];
        set_up(&a, kind, p.key, AEAD_LIBCRYPTO);
        r = aead_seal(&a, p.nonce, (struct bytes){p.aad, p.aad_len}, p.plain, p.n, p.sealed);
        aead_done(&a);
        if (r < 0 || !passes(backend, kind, &p))
            return false;
    }
    return true;
}

static unsigned test_backend(enum aead_backend b)
{
    unsigned able, usable = 0;

    if (!backends[b].engine)
        return 0;
    able = backends[b].engine->prepare();
    if (able & 1u << AEAD_CHACHA20_POLY1305)
        able |= 1u << AEAD_XCHACHA20_POLY1305;
    for (unsigned k = 0; k < AEAD_KINDS; k++)
        if (able & 1u << k && passes_vectors(b, (enum aead_kind)k) &&
            (b == AEAD_LIBCRYPTO || agrees_with_libcrypto(b, (enum aead_kind)k)))
            usable |= 1u << k;
    /* It may have taken memory that this thread never needs again. */
    backends[b].engine->trim();
    return usable;
}

static void test_all(void)
{
    for (unsigned b = 0; b < AEAD_BACKENDS; b++) {
        tested.usable[b] = test_backend((enum aead_backend)b);
        for (unsigned k = 0; k < AEAD_KINDS; k++)
            if (tested.usable[b] & 1u << k)
                tested.best[k] = (enum aead_backend)b;
    }
}

static void test_once(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, test_all);
}

int crypto_self_test(struct error *err)
{
    test_once();
    for (unsigned k = 0; k < AEAD_KINDS; k++)
        if (!(tested.usable[AEAD_LIBCRYPTO] & 1u << k))
            return error_set(err, -ENOTSUP, "libcrypto fails its test vectors for %s",
                             kinds[k].name);
    return 0;
}

bool aead_has_backend(enum aead_kind kind, enum aead_backend backend)
{
    test_once();
    return tested.usable[backend] & 1u << kind;
}

enum aead_backend aead_backend_for(enum aead_kind kind)
{
    test_once();
    return tested.best[kind];
}

int aead_init_on(struct aead *a, enum aead_kind kind, const uint8_t *key, enum aead_backend backend)
{
    if (!aead_has_backend(kind, backend)) {
        memset(a, 0, sizeof *a);
        return -ENOTSUP;
    }
    set_up(a, kind, key, backend);
    return 0;
}

int aead_init(struct aead *a, enum aead_kind kind, const uint8_t *key)
{
    return aead_init_on(a, kind, key, aead_backend_for(kind));
}
