#include "test.h"

#include <errno.h>

#include "base/mem.h"
#include "crypto/aes.h"
#include "crypto/header_mask.h"

static const char plain_hex[] = "00112233445566778899aabbccddeeff";

/* FIPS 197, appendix C. */
static const struct {
    const char *key, *cipher;
} blocks[] = {
    {"000102030405060708090a0b0c0d0e0f", "69c4e0d86a7b0430d8cdb78070b4c55a"},
    {"000102030405060708090a0b0c0d0e0f1011121314151617", "dda97ca4864cdfe06eaf70a0ec0d7191"},
    {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "8ea2b7ca516745bfeafc49904b496089"},
};

static size_t unhex(const char *hex, uint8_t *out, size_t size)
{
    ssize_t n = hex_decode(text_of(hex), out, size);

    assert_true(n >= 0);
    return (size_t)n;
}

static void blocks_are_the_published_ones(void **state)
{
    uint8_t key[32], plain[16], cipher[16], out[16];

    (void)state;
    unhex(plain_hex, plain, sizeof plain);
    for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
        size_t n = unhex(blocks[i].key, key, sizeof key);
        struct aes_block enc, dec;

        unhex(blocks[i].cipher, cipher, sizeof cipher);
        assert_int_equal(aes_block_encryptor(&enc, key, n), 0);
        assert_int_equal(aes_block_decryptor(&dec, key, n), 0);
        aes_block_run(&enc, plain, out, 1);
        assert_memory_equal(out, cipher, 16);
        aes_block_run(&dec, out, out, 1); /* in place */
        assert_memory_equal(out, plain, 16);
        aes_block_done(&enc);
        aes_block_done(&dec);
    }
}

static void each_block_is_for_itself(void **state)
{
    static const uint8_t key[16] = {1};
    uint8_t in[48] = {0}, out[48];
    struct aes_block b;

    (void)state;
    assert_int_equal(aes_block_encryptor(&b, key, sizeof key), 0);
    in[16] = 1;
    for (int turn = 0; turn < 3; turn++) {
        aes_block_run(&b, in, out, 3);
        assert_memory_equal(out, out + 32, 16);
        assert_memory_not_equal(out, out + 16, 16);
    }
    aes_block_run(&b, in, out, 0);
    aes_block_done(&b);
    aes_block_done(&b);
}

/* RFC 9001, appendix A.2 (AES-128), A.5 (ChaCha20). */
static void header_masks_are_the_published_ones(void **state)
{
    uint8_t key[32], sample[16], expected[5], mask[5];
    struct header_mask m;

    (void)state;
    unhex("9f50449e04a0e810283a1e9933adedd2", key, sizeof key);
    unhex("d1b1c98dd7689fb8ec11d242b123dc9b", sample, sizeof sample);
    unhex("437b9aec36", expected, sizeof expected);
    assert_int_equal(header_mask_init(&m, AEAD_AES_128_GCM, key), 0);
    header_mask_of(&m, sample, mask);
    assert_memory_equal(mask, expected, 5);
    header_mask_done(&m);

    unhex("25a282b9e82f06f21f488917a4fc8f1b73573685608597d0efcb076b0ab7a7a4", key, sizeof key);
    unhex("5e5cd55c41f69080575d7999c25a5bfb", sample, sizeof sample);
    unhex("aefefe7d03", expected, sizeof expected);
    assert_int_equal(header_mask_init(&m, AEAD_CHACHA20_POLY1305, key), 0);
    header_mask_of(&m, sample, mask);
    assert_memory_equal(mask, expected, 5);
    header_mask_done(&m);
}

static void quic_has_no_xchacha(void **state)
{
    static const uint8_t key[32];
    struct header_mask m;

    (void)state;
    assert_int_equal(header_mask_init(&m, AEAD_XCHACHA20_POLY1305, key), -ENOTSUP);
    header_mask_done(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_the_published_ones),
        cmocka_unit_test(each_block_is_for_itself),
        cmocka_unit_test(header_masks_are_the_published_ones),
        cmocka_unit_test(quic_has_no_xchacha),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
