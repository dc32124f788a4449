#include "test.h"

#include <errno.h>
#include <openssl/err.h>
#include <pthread.h>

#include "base/mem.h"
#include "base/rnd.h"
#include "crypto/aead.h"

#include "crypto/aead_vectors.h"

#define BIG 16384

static struct bytes unhex(const char *hex, uint8_t *out, size_t size)
{
    ssize_t n = hex_decode(text_of(hex), out, size);

    assert_true(n >= 0);
    return (struct bytes){out, (size_t)n};
}

/* A present back end for this kind; the caller skips the others. */
static bool set_up(struct aead *a, unsigned kind, unsigned backend, const uint8_t *key)
{
    if (!aead_has_backend((enum aead_kind)kind, (enum aead_backend)backend))
        return false;
    assert_int_equal(aead_init_on(a, (enum aead_kind)kind, key, (enum aead_backend)backend), 0);
    return true;
}

#define FOR_EACH_KIND(k) for (unsigned k = 0; k < AEAD_KINDS; k++)
#define FOR_EACH_BACKEND(b) for (unsigned b = 0; b < AEAD_BACKENDS; b++)

static void trimming_what_was_never_used_is_harmless(void **state)
{
    (void)state;
    aead_trim();
    aead_trim();
}

static void self_test_passes_and_libcrypto_does_every_kind(void **state)
{
    struct error err;

    (void)state;
    assert_int_equal(crypto_self_test(&err), 0);
    FOR_EACH_KIND(k)
    {
        assert_true(aead_has_backend((enum aead_kind)k, AEAD_LIBCRYPTO));
        FOR_EACH_BACKEND(b)
        print_message("%-20s %-10s %s\n", aead_name((enum aead_kind)k),
                      aead_backend_name((enum aead_backend)b),
                      aead_has_backend((enum aead_kind)k, (enum aead_backend)b) ? "tested" : "absent");
    }
}

static void published_vectors_hold_on_every_backend(void **state)
{
    uint8_t key[32], nonce[24], aad[64], plain[512], sealed[512], out[512];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        struct bytes a_view = unhex(vectors[i].aad, aad, sizeof aad);
        struct bytes p_view = unhex(vectors[i].plain, plain, sizeof plain);
        struct bytes s_view = unhex(vectors[i].sealed, sealed, sizeof sealed);

        assert_int_equal(unhex(vectors[i].key, key, sizeof key).len, aead_key_size(vectors[i].kind));
        assert_int_equal(unhex(vectors[i].nonce, nonce, sizeof nonce).len,
                         aead_nonce_size(vectors[i].kind));
        FOR_EACH_BACKEND(b)
        {
            struct aead a;

            if (!set_up(&a, vectors[i].kind, b, key))
                continue;
            assert_int_equal(aead_seal(&a, nonce, a_view, plain, p_view.len, out), 0);
            assert_int_equal(s_view.len, p_view.len + AEAD_TAG_SIZE);
            assert_memory_equal(out, sealed, s_view.len);
            assert_int_equal(aead_open(&a, nonce, a_view, sealed, s_view.len, out), 0);
            assert_memory_equal(out, plain, p_view.len);
            aead_done(&a);
        }
    }
}

struct message {
    uint8_t key[32], nonce[24], aad[300], plain[BIG];
    uint8_t sealed[BIG + AEAD_TAG_SIZE], out[BIG + AEAD_TAG_SIZE];
};

static int message_new(void **state)
{
    struct message *m = mem_new(struct message);

    if (m)
        rnd_bytes(m, offsetof(struct message, sealed));
    *state = m;
    return m ? 0 : -1;
}

static int message_free(void **state)
{
    mem_free(*state);
    return 0;
}

/* m->sealed is from libcrypto: `backend` must give and take the same, disjoint and in place. */
static void agree(struct message *m, unsigned kind, unsigned backend, size_t aad_len, size_t n)
{
    struct bytes aad = {m->aad, aad_len};
    struct aead a;

    if (!set_up(&a, kind, backend, m->key))
        return;
    assert_int_equal(aead_seal(&a, m->nonce, aad, m->plain, n, m->out), 0);
    assert_memory_equal(m->out, m->sealed, n + AEAD_TAG_SIZE);
    assert_int_equal(aead_open(&a, m->nonce, aad, m->sealed, n + AEAD_TAG_SIZE, m->out), 0);
    assert_memory_equal(m->out, m->plain, n);
    assert_int_equal(aead_seal(&a, m->nonce, aad, m->out, n, m->out), 0);
    assert_memory_equal(m->out, m->sealed, n + AEAD_TAG_SIZE);
    assert_int_equal(aead_open(&a, m->nonce, aad, m->out, n + AEAD_TAG_SIZE, m->out), 0);
    assert_memory_equal(m->out, m->plain, n);
    aead_done(&a);
}

static void backends_agree_in_place_and_disjoint_at_every_length(void **state)
{
    struct message *m = *state;

    FOR_EACH_KIND(k)
    {
        for (size_t n = 0; n <= BIG; n = n < 320 ? n + 1 : n < 2000 ? n + 97 : n < BIG ? BIG : BIG + 1) {
            size_t aad_len = n % 7 ? n % 64 : n % 280;
            struct aead a;

            rnd_bytes(m->nonce, sizeof m->nonce);
            assert_true(set_up(&a, k, AEAD_LIBCRYPTO, m->key));
            assert_int_equal(aead_seal(&a, m->nonce, (struct bytes){m->aad, aad_len}, m->plain, n,
                                       m->sealed), 0);
            aead_done(&a);
            FOR_EACH_BACKEND(b)
            agree(m, k, b, aad_len, n);
        }
    }
}

static bool is_zero(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i])
            return false;
    return true;
}

static void refused(struct message *m, struct aead *a, size_t aad_len, size_t n)
{
    memset(m->out, 0xa5, n + 1);
    assert_int_equal(aead_open(a, m->nonce, (struct bytes){m->aad, aad_len}, m->sealed,
                               n + AEAD_TAG_SIZE, m->out), -EBADMSG);
    assert_true(is_zero(m->out, n));
    assert_int_equal(m->out[n], 0xa5);
    assert_int_equal(ERR_peek_error(), 0);
}

static void refuses_every_changed_bit(struct message *m, struct aead *a, size_t n)
{
    const size_t aad_len = 13;
    struct bytes aad = {m->aad, aad_len};
    struct {
        uint8_t *at;
        size_t n;
    } parts[] = {{m->sealed, n + AEAD_TAG_SIZE},
                 {m->aad, aad_len},
                 {m->nonce, aead_nonce_size((enum aead_kind)a->kind)}};

    assert_int_equal(aead_seal(a, m->nonce, aad, m->plain, n, m->sealed), 0);
    for (size_t p = 0; p < ARRAY_LEN(parts); p++)
        for (size_t bit = 0; bit < 8 * parts[p].n; bit++) {
            parts[p].at[bit / 8] ^= (uint8_t)(1 << bit % 8);
            refused(m, a, aad_len, n);
            parts[p].at[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    refused(m, a, aad_len - 1, n);
    assert_int_equal(aead_open(a, m->nonce, aad, m->sealed, n + AEAD_TAG_SIZE, m->out), 0);
    assert_memory_equal(m->out, m->plain, n);
}

static void a_changed_bit_is_refused_and_the_output_wiped(void **state)
{
    struct message *m = *state;
    struct aead a;

    FOR_EACH_KIND(k)
    FOR_EACH_BACKEND(b)
    {
        if (!set_up(&a, k, b, m->key))
            continue;
        refuses_every_changed_bit(m, &a, 0);
        refuses_every_changed_bit(m, &a, 37);
        aead_done(&a);
    }
}

static void what_is_shorter_than_a_tag_or_too_long_is_refused(void **state)
{
    struct message *m = *state;
    struct bytes none = {0};
    struct aead a;

    assert_int_equal(aead_init(&a, AEAD_AES_128_GCM, m->key), 0);
    for (size_t n = 0; n < AEAD_TAG_SIZE; n++)
        assert_int_equal(aead_open(&a, m->nonce, none, m->plain, n, m->out), -EBADMSG);
    assert_int_equal(aead_open(&a, m->nonce, none, m->plain, AEAD_MAX_MESSAGE + 1, m->out), -EMSGSIZE);
    assert_int_equal(aead_seal(&a, m->nonce, none, m->plain, AEAD_MAX_MESSAGE, m->out), -EMSGSIZE);
    aead_done(&a);
}

static void an_empty_message_needs_no_pointers(void **state)
{
    struct message *m = *state;
    struct aead a;

    FOR_EACH_KIND(k)
    FOR_EACH_BACKEND(b)
    {
        if (!set_up(&a, k, b, m->key))
            continue;
        assert_int_equal(aead_seal(&a, m->nonce, (struct bytes){0}, NULL, 0, m->out), 0);
        assert_int_equal(aead_open(&a, m->nonce, (struct bytes){0}, m->out, 16, NULL), 0);
        m->out[3] ^= 1;
        assert_int_equal(aead_open(&a, m->nonce, (struct bytes){0}, m->out, 16, NULL), -EBADMSG);
        aead_done(&a);
    }
}

/* More keys than the thread's cache has slots, of mixed kinds, in turns. */
#define MANY 400

static void many_keys_in_turns_stay_apart(void **state)
{
    struct message *m = *state;
    struct aead *keys = mem_alloc_array(MANY, sizeof *keys);
    uint8_t (*sealed)[80] = mem_alloc_array(MANY, sizeof *sealed);

    assert_true(keys && sealed);
    FOR_EACH_BACKEND(b)
    {
        for (size_t i = 0; i < MANY; i++) {
            unsigned kind = (unsigned)(i % AEAD_KINDS);

            m->key[0] = (uint8_t)i;
            m->key[1] = (uint8_t)(i / 256);
            if (!aead_has_backend((enum aead_kind)kind, (enum aead_backend)b))
                kind = AEAD_AES_128_GCM;
            if (!set_up(&keys[i], kind, b, m->key))
                continue;
            assert_int_equal(aead_seal(&keys[i], m->nonce, (struct bytes){0}, m->plain, 64, sealed[i]), 0);
        }
        for (size_t i = 0; i < MANY && keys[0].id; i++) {
            size_t other = (i * 7 + 1) % MANY;

            assert_int_equal(aead_open(&keys[i], m->nonce, (struct bytes){0}, sealed[i], 80, m->out), 0);
            assert_int_equal(aead_open(&keys[i], m->nonce, (struct bytes){0}, sealed[other], 80, m->out),
                             other == i ? 0 : -EBADMSG);
            if (i % 100 == 50)
                aead_trim();
        }
        for (size_t i = 0; i < MANY; i++)
            aead_done(&keys[i]);
    }
    mem_free(keys);
    mem_free(sealed);
}

static void done_wipes_the_key_and_may_be_called_twice(void **state)
{
    struct message *m = *state;
    struct aead a;

    assert_int_equal(aead_init(&a, AEAD_AES_256_GCM, m->key), 0);
    assert_int_equal(aead_seal(&a, m->nonce, (struct bytes){0}, m->plain, 64, m->sealed), 0);
    aead_done(&a);
    assert_true(is_zero((uint8_t *)&a, sizeof a));
    aead_done(&a);
}

struct mover {
    struct aead *a;
    struct message *m;
    int result;
};

static void *open_elsewhere(void *arg)
{
    struct mover *v = arg;

    v->result = aead_open(v->a, v->m->nonce, (struct bytes){0}, v->m->sealed, 116, v->m->out);
    return NULL;
}

static void an_object_may_move_to_another_thread(void **state)
{
    struct message *m = *state;
    struct aead a;

    FOR_EACH_KIND(k)
    FOR_EACH_BACKEND(b)
    {
        struct mover v = {&a, m, -1};
        pthread_t thread;

        if (!set_up(&a, k, b, m->key))
            continue;
        assert_int_equal(aead_seal(&a, m->nonce, (struct bytes){0}, m->plain, 100, m->sealed), 0);
        assert_int_equal(pthread_create(&thread, NULL, open_elsewhere, &v), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(v.result, 0);
        assert_memory_equal(m->out, m->plain, 100);
        aead_done(&a);
    }
}

#ifdef WEIR_FAILING_ALLOC
static void without_memory_it_fails_and_works_again_later(void **state)
{
    struct message *m = *state;
    struct aead a;

    FOR_EACH_BACKEND(b)
    {
        int r;

        if (!set_up(&a, AEAD_AES_128_GCM, b, m->key))
            continue;
        for (long call = 1;; call++) {
            aead_trim();
            mem_fail_at(call);
            r = aead_seal(&a, m->nonce, (struct bytes){0}, m->plain, 64, m->out);
            if (!mem_has_failed())
                break;
            assert_int_equal(r, -ENOMEM);
        }
        mem_fail_at(0);
        assert_int_equal(r, 0);
        aead_done(&a);
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trimming_what_was_never_used_is_harmless),
        cmocka_unit_test(self_test_passes_and_libcrypto_does_every_kind),
        cmocka_unit_test(published_vectors_hold_on_every_backend),
        cmocka_unit_test(backends_agree_in_place_and_disjoint_at_every_length),
        cmocka_unit_test(a_changed_bit_is_refused_and_the_output_wiped),
        cmocka_unit_test(what_is_shorter_than_a_tag_or_too_long_is_refused),
        cmocka_unit_test(an_empty_message_needs_no_pointers),
        cmocka_unit_test(many_keys_in_turns_stay_apart),
        cmocka_unit_test(done_wipes_the_key_and_may_be_called_twice),
        cmocka_unit_test(an_object_may_move_to_another_thread),
#ifdef WEIR_FAILING_ALLOC
        cmocka_unit_test(without_memory_it_fails_and_works_again_later),
#endif
    };

    return cmocka_run_group_tests(tests, message_new, message_free);
}
