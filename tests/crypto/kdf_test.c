#include "test.h"

#include "crypto/hash.h"
#include "crypto/kdf.h"

/* `openssl enc -aes-256-cbc -md md5 -nosalt -k PASSWORD -P` prints the same keys. */
static void password_gives_the_key_of_openssl(void **state)
{
    uint8_t key[32];
    char hex[65];

    (void)state;
    kdf_bytes_to_key(text_bytes(TEXT("foobar!")), key, 32);
    hex_encode(key, 32, hex);
    assert_string_equal(hex, "bbc3d52fe5b7b31d6063b1de09b98c805303596b18237547f85fa21db11eba62");
    kdf_bytes_to_key(text_bytes(TEXT("test")), key, 16);
    hex_encode(key, 16, hex);
    assert_string_equal(hex, "098f6bcd4621d373cade4e832627b4f6");
}

static void odd_lengths_are_prefixes(void **state)
{
    uint8_t full[64], part[64];

    (void)state;
    kdf_bytes_to_key(text_bytes(TEXT("barfoo!")), full, sizeof full);
    for (size_t n = 0; n < sizeof full; n++) {
        memset(part, 0, sizeof part);
        kdf_bytes_to_key(text_bytes(TEXT("barfoo!")), part, n);
        assert_memory_equal(part, full, n);
        assert_int_equal(part[n], 0);
    }
}

static void an_empty_password_is_hashed_too(void **state)
{
    uint8_t key[16], digest[16];

    (void)state;
    kdf_bytes_to_key((struct bytes){0}, key, sizeof key);
    hash_once(HASH_MD5, "", 0, digest);
    assert_memory_equal(key, digest, sizeof key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(password_gives_the_key_of_openssl),
        cmocka_unit_test(odd_lengths_are_prefixes),
        cmocka_unit_test(an_empty_password_is_hashed_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
