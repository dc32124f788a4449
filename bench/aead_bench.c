/*
 * What one AEAD operation costs, for each back end: `aead_bench [milliseconds per figure]`.
 * "short" is the life of a key on a short connection: init, seal 64 bytes, done.
 * "turns" is seal at 64 bytes with 1000 keys in turns: the worst case of the key cache.
 */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/mem.h"
#include "base/rnd.h"
#include "crypto/aead.h"
#include "crypto/blake3.h"
#include "crypto/hash.h"

#define BIGGEST 16384
#define KEYS 1000

struct bench {
    struct aead one;
    struct aead *many;
    size_t next;
    enum aead_kind kind;
    enum aead_backend backend;
    size_t n;
    uint8_t key[32], nonce[24];
    uint8_t plain[BIGGEST], sealed[BIGGEST + AEAD_TAG_SIZE], out[BIGGEST + AEAD_TAG_SIZE];
};

static double now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void must(int r)
{
    if (r < 0) {
        (void)fprintf(stderr, "aead_bench: %s\n", error_words(r));
        exit(1);
    }
}

static double per_call(void (*call)(struct bench *), struct bench *b, double budget_ns)
{
    double start, spent;
    unsigned long calls = 0;

    for (int i = 0; i < 200; i++)
        call(b);
    start = now_ns();
    do {
        for (int i = 0; i < 100; i++)
            call(b);
        calls += 100;
        spent = now_ns() - start;
    } while (spent < budget_ns);
    return spent / (double)calls;
}

static void do_init(struct bench *b)
{
    must(aead_init_on(&b->one, b->kind, b->key, b->backend));
}

static void do_seal(struct bench *b)
{
    b->nonce[0]++;
    must(aead_seal(&b->one, b->nonce, (struct bytes){0}, b->plain, b->n, b->out));
}

static void do_open(struct bench *b)
{
    must(aead_open(&b->one, b->nonce, (struct bytes){0}, b->sealed, b->n + AEAD_TAG_SIZE, b->out));
}

static void do_short(struct bench *b)
{
    struct aead a;

    must(aead_init_on(&a, b->kind, b->key, b->backend));
    must(aead_seal(&a, b->nonce, (struct bytes){0}, b->plain, 64, b->out));
    aead_done(&a);
}

static void do_turns(struct bench *b)
{
    b->next = (b->next + 1) % KEYS;
    must(aead_seal(&b->many[b->next], b->nonce, (struct bytes){0}, b->plain, 64, b->out));
}

static void line(struct bench *b, double budget)
{
    static const size_t sizes[] = {64, 1400, BIGGEST};

    printf("%-19s %-10s %6.0f %6.0f %6.0f", aead_name(b->kind), aead_backend_name(b->backend),
           per_call(do_init, b, budget), per_call(do_short, b, budget),
           per_call(do_turns, b, budget));
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        double seal;

        b->n = sizes[i];
        do_init(b);
        seal = per_call(do_seal, b, budget);
        must(aead_seal(&b->one, b->nonce, (struct bytes){0}, b->plain, b->n, b->sealed));
        printf(" %6.0f %6.0f", seal, per_call(do_open, b, budget));
    }
    printf("\n");
    aead_done(&b->one);
}

static void do_subkey_2022(struct bench *b)
{
    blake3_derive_key(TEXT("shadowsocks 2022 session subkey"), (struct bytes){b->plain, 64}, b->out, 32);
}

static void do_subkey_classic(struct bench *b)
{
    struct hkdf_input in = {{b->key, 32}, {b->plain, 32}, text_bytes(TEXT("ss-subkey"))};

    hkdf(HASH_SHA1, &in, b->out, 32);
}

/* Resident memory of the process, in KiB. */
static long resident(void)
{
    long total = 0, pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");

    if (!f)
        return 0;
    if (fscanf(f, "%ld %ld", &total, &pages) != 2)
        pages = 0;
    (void)fclose(f);
    return pages * 4;
}

static void self_test(void)
{
    struct error err;
    double start;
    long before = resident();

    start = now_ns();
    if (crypto_self_test(&err) < 0) {
        (void)fprintf(stderr, "aead_bench: %s\n", err.text);
        exit(1);
    }
    printf("self test: %.2f ms, %ld KiB of resident memory left behind; a key: %zu bytes\n",
           (now_ns() - start) / 1e6, resident() - before, sizeof(struct aead));
}

static void all_kinds(struct bench *b, double budget)
{
    printf("%-19s %-10s %6s %6s %6s %6s %6s %6s %6s %6s %6s   (ns)\n", "", "", "init", "short",
           "turns", "seal64", "open64", "s1400", "o1400", "s16384", "o16384");
    for (unsigned k = 0; k < AEAD_KINDS; k++)
        for (unsigned backend = 0; backend < AEAD_BACKENDS; backend++) {
            b->kind = (enum aead_kind)k;
            b->backend = (enum aead_backend)backend;
            if (!aead_has_backend(b->kind, b->backend))
                continue;
            for (size_t i = 0; i < KEYS; i++)
                must(aead_init_on(&b->many[i], b->kind, b->key, b->backend));
            line(b, budget);
        }
}

int main(int argc, char **argv)
{
    struct bench *b = mem_new(struct bench);
    uint64_t ms = 50;

    if (argc > 1 && text_to_u64(text_of(argv[1]), &ms) < 0) {
        (void)fprintf(stderr, "usage: aead_bench [milliseconds per figure]\n");
        return 2;
    }
    if (b)
        b->many = mem_alloc_array(KEYS, sizeof *b->many);
    if (!b || !b->many)
        must(-ENOMEM);
    rnd_bytes(b->key, sizeof b->key);
    self_test();
    all_kinds(b, (double)ms * 1e6);
    printf("subkey: blake3 %.0f ns, hkdf-sha1 %.0f ns\n", per_call(do_subkey_2022, b, 5e7),
           per_call(do_subkey_classic, b, 5e7));
    mem_free(b->many);
    mem_free(b);
    return 0;
}
