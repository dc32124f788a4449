#include "test.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>

#include "base/rnd.h"
#include "crypto/hash.h"

static struct bytes unhex(const char *hex, uint8_t *out, size_t size)
{
    ssize_t n = hex_decode(text_of(hex), out, size);

    assert_true(n >= 0);
    return (struct bytes){out, (size_t)n};
}

static void assert_hex(const uint8_t *out, size_t n, const char *hex)
{
    char got[513];

    assert_true(n <= 256);
    hex_encode(out, n, got);
    assert_string_equal(got, hex);
}

/* FIPS 180-4 examples and RFC 1321, A.5: "" and "abc". */
static const struct {
    enum hash_kind kind;
    const char *input, *digest;
} digests[] = {
    {HASH_MD5, "", "d41d8cd98f00b204e9800998ecf8427e"},
    {HASH_MD5, "abc", "900150983cd24fb0d6963f7d28e17f72"},
    {HASH_MD5, "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
     "57edf4a22be3c955ac49da2e2107b67a"},
    {HASH_SHA1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
    {HASH_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {HASH_SHA1, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
    {HASH_SHA224, "abc", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"},
    {HASH_SHA256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {HASH_SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {HASH_SHA256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {HASH_SHA384, "abc",
     "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
     "8086072ba1e7cc2358baeca134c825a7"},
    {HASH_SHA512, "abc",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
};

static void digests_are_the_published_ones(void **state)
{
    uint8_t out[HASH_MAX_SIZE];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(digests); i++) {
        hash_once(digests[i].kind, digests[i].input, strlen(digests[i].input), out);
        assert_hex(out, hash_size(digests[i].kind), digests[i].digest);
    }
}

static void pieces_hash_as_the_whole(void **state)
{
    uint8_t in[1000], whole[HASH_MAX_SIZE], pieces[HASH_MAX_SIZE];

    (void)state;
    rnd_bytes(in, sizeof in);
    for (unsigned k = 0; k < HASH_KINDS; k++) {
        size_t size = hash_size((enum hash_kind)k), at = 0;
        struct hash h;

        hash_once((enum hash_kind)k, in, sizeof in, whole);
        hash_init(&h, (enum hash_kind)k);
        while (at < sizeof in) {
            size_t n = (size_t)rnd_below(sizeof in - at + 1);

            hash_add(&h, in + at, n);
            at += n;
        }
        hash_done(&h, pieces);
        assert_memory_equal(whole, pieces, size);
    }
}

static void a_copied_state_goes_its_own_way(void **state)
{
    uint8_t a[HASH_MAX_SIZE], b[HASH_MAX_SIZE], expected[HASH_MAX_SIZE];
    struct hash h, copy;

    (void)state;
    hash_init(&h, HASH_SHA512);
    hash_add(&h, "ab", 2);
    copy = h;
    hash_add(&h, "x", 1);
    hash_done(&h, a);
    hash_add(&copy, "c", 1);
    hash_done(&copy, b);
    hash_once(HASH_SHA512, "abc", 3, expected);
    assert_memory_equal(b, expected, 64);
    assert_memory_not_equal(a, b, 64);
}

#define TWENTY(octet) octet octet octet octet octet octet octet octet octet octet octet octet octet octet octet octet octet octet octet octet
#define TEN_WORDS(w) w w w w w w w w w w

/* RFC 2202 (MD5, SHA-1) and RFC 4231 (SHA-2): test cases 1, 2, 3 and the long key of case 6. */
static const struct {
    enum hash_kind kind;
    const char *key, *message, *mac;
} macs[] = {
    {HASH_MD5, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
     "9294727a3638bb1c13f48ef8158bfc9d"},
    {HASH_MD5, "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
     "750c783e6ab0b503eaa86e310a5db738"},
    {HASH_SHA1, TWENTY("0b"), "4869205468657265", "b617318655057264e28bc0b6fb378c8ef146be00"},
    {HASH_SHA1, "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
     "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
    {HASH_SHA1, TWENTY("aa"), TEN_WORDS("dddddddddd"), "125d7342b9ac11cd91a39af48aa17b4f63f175d3"},
    {HASH_SHA1, TWENTY("aaaaaaaa"),
     "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b"
     "6579204669727374",
     "aa4ae5e15272d00e95705637ce8a3b55ed402112"},
    {HASH_SHA224, TWENTY("0b"), "4869205468657265",
     "896fb1128abbdf196832107cd49df33f47b4b1169912ba4f53684b22"},
    {HASH_SHA256, TWENTY("0b"), "4869205468657265",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {HASH_SHA256, "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {HASH_SHA256, TWENTY("aa"), TEN_WORDS("dddddddddd"),
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {HASH_SHA256, TWENTY("aaaaaaaaaa") TWENTY("aa") "aaaaaaaaaaaaaaaaaaaaaa",
     "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b"
     "6579204669727374",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {HASH_SHA384, TWENTY("0b"), "4869205468657265",
     "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c"
     "faea9ea9076ede7f4af152e8b2fa9cb6"},
    {HASH_SHA512, TWENTY("0b"), "4869205468657265",
     "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
     "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"},
};

static void macs_are_the_published_ones(void **state)
{
    uint8_t key[200], message[200], out[HASH_MAX_SIZE];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(macs); i++) {
        hmac_once(macs[i].kind, unhex(macs[i].key, key, sizeof key),
                  unhex(macs[i].message, message, sizeof message), out);
        assert_hex(out, hash_size(macs[i].kind), macs[i].mac);
    }
}

/* RFC 5869, appendix A: cases 1 to 3 (SHA-256) and 4, 6, 7 (SHA-1). */
static const struct {
    enum hash_kind kind;
    const char *secret, *salt, *info, *prk, *okm;
} keys[] = {
    {HASH_SHA256, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
     "f0f1f2f3f4f5f6f7f8f9", "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
     "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
    {HASH_SHA256,
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d"
     "2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
     "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d"
     "8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
     "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdd"
     "dedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
     "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
     "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e59"
     "0e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
    {HASH_SHA256, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
     "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
     "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
    {HASH_SHA1, "0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
     "9b6c18c432a7bf8f0e71c8eb88f4b30baa2ba243",
     "085a01ea1b10f36933068b56efa5ad81a4f14b822f5b091568a9cdd4f155fda2c22e422478d305f3f896"},
    {HASH_SHA1, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
     "da8c8a73c7fa77288ec6f5e7c297786aa0d32d01",
     "0ac1af7002b3d761d1e55298da9d0506b9ae52057220a306e07b6b87e8df21d0ea00033de03984d34918"},
    {HASH_SHA1, "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c", "", "",
     "2adccada18779e7c2077ad2eb19d3f3e731385dd",
     "2c91117204d745f3500d636a62f64f0ab3bae548aa53d423b0d1f27ebba6f5e5673a081d70cce7acfc48"},
};

static void derived_keys_are_the_published_ones(void **state)
{
    uint8_t secret[100], salt[100], info[100], okm[100], prk[HASH_MAX_SIZE];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct hkdf_input in = {unhex(keys[i].secret, secret, sizeof secret),
                                unhex(keys[i].salt, salt, sizeof salt),
                                unhex(keys[i].info, info, sizeof info)};
        size_t n = strlen(keys[i].okm) / 2;

        hkdf_extract(keys[i].kind, in.salt, in.secret, prk);
        assert_hex(prk, hash_size(keys[i].kind), keys[i].prk);
        hkdf(keys[i].kind, &in, okm, n);
        assert_hex(okm, n, keys[i].okm);
    }
}

static void the_longest_derived_key_is_255_blocks(void **state)
{
    static uint8_t longest[255 * 64], shorter[255 * 64];
    struct hkdf_input in = {text_bytes(TEXT("secret")), {0}, text_bytes(TEXT("info"))};

    (void)state;
    hkdf(HASH_SHA512, &in, longest, sizeof longest);
    hkdf(HASH_SHA512, &in, shorter, sizeof shorter - 1);
    assert_memory_equal(longest, shorter, sizeof shorter - 1);
}

static void derive_with_libcrypto(const char *digest, const struct hkdf_input *in, uint8_t *out,
                                  size_t n)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);

    assert_non_null(ctx);
    assert_int_equal(EVP_PKEY_derive_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_hkdf_md(ctx, EVP_get_digestbyname(digest)), 1);
    assert_int_equal(EVP_PKEY_CTX_set1_hkdf_salt(ctx, in->salt.ptr, (int)in->salt.len), 1);
    assert_int_equal(EVP_PKEY_CTX_set1_hkdf_key(ctx, in->secret.ptr, (int)in->secret.len), 1);
    assert_int_equal(EVP_PKEY_CTX_add1_hkdf_info(ctx, in->info.ptr, (int)in->info.len), 1);
    assert_int_equal(EVP_PKEY_derive(ctx, out, &n), 1);
    EVP_PKEY_CTX_free(ctx);
}

static void every_kind_agrees_with_the_high_level_functions(void **state)
{
    static const char *const names[HASH_KINDS] = {"MD5",    "SHA1",   "SHA224",
                                                  "SHA256", "SHA384", "SHA512"};
    uint8_t in[300], ours[200], theirs[200];

    (void)state;
    rnd_bytes(in, sizeof in);
    for (unsigned k = 0; k < HASH_KINDS; k++) {
        const EVP_MD *md = EVP_get_digestbyname(names[k]);
        size_t size = hash_size((enum hash_kind)k);

        for (size_t n = 0; n <= sizeof in; n++) {
            struct hkdf_input input = {{in, 40}, {in, 1 + n % 200}, {in, n % 50}};

            hash_once((enum hash_kind)k, in, n, ours);
            assert_int_equal(EVP_Digest(in, n, theirs, NULL, md, NULL), 1);
            assert_memory_equal(ours, theirs, size);
            hmac_once((enum hash_kind)k, (struct bytes){in, n}, (struct bytes){in, 300 - n}, ours);
            assert_non_null(HMAC(md, in, (int)n, in, 300 - n, theirs, NULL));
            assert_memory_equal(ours, theirs, size);
            if (n % 10)
                continue;
            hkdf((enum hash_kind)k, &input, ours, 1 + n % 200);
            derive_with_libcrypto(names[k], &input, theirs, 1 + n % 200);
            assert_memory_equal(ours, theirs, 1 + n % 200);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_the_published_ones),
        cmocka_unit_test(pieces_hash_as_the_whole),
        cmocka_unit_test(a_copied_state_goes_its_own_way),
        cmocka_unit_test(macs_are_the_published_ones),
        cmocka_unit_test(derived_keys_are_the_published_ones),
        cmocka_unit_test(the_longest_derived_key_is_255_blocks),
        cmocka_unit_test(every_kind_agrees_with_the_high_level_functions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
