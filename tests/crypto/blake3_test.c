#include "test.h"

#include "base/mem.h"
#include "crypto/blake3.h"

#include "crypto/blake3_vectors.h"

#define INPUT_MAX 102400


/* Input of the vectors: 0, 1, ... 250, 0, 1, ... */
static int set_up(void **state)
{
    uint8_t *p = mem_alloc(INPUT_MAX);

    for (size_t i = 0; p && i < INPUT_MAX; i++)
        p[i] = (uint8_t)(i % 251);
    *state = p;
    return p ? 0 : -1;
}

static int tear_down(void **state)
{
    mem_free(*state);
    return 0;
}

static void assert_output(const uint8_t *out, const char *first, const char *last)
{
    char hex[2 * BLAKE3_TEST_OUTPUT + 1];

    hex_encode(out, BLAKE3_TEST_OUTPUT, hex);
    assert_string_equal(hex + sizeof hex - 1 - 32, last);
    hex[64] = 0;
    assert_string_equal(hex, first);
}

static void hash_gives_the_official_output(void **state)
{
    uint8_t out[BLAKE3_TEST_OUTPUT];

    for (size_t i = 0; i < ARRAY_LEN(blake3_cases); i++) {
        blake3_hash((struct bytes){*state, blake3_cases[i].input}, out, sizeof out);
        assert_output(out, blake3_cases[i].hash.first, blake3_cases[i].hash.last);
    }
}

static void keyed_hash_gives_the_official_output(void **state)
{
    uint8_t out[BLAKE3_TEST_OUTPUT];

    for (size_t i = 0; i < ARRAY_LEN(blake3_cases); i++) {
        blake3_keyed_hash((const uint8_t *)BLAKE3_TEST_KEY,
                          (struct bytes){*state, blake3_cases[i].input}, out, sizeof out);
        assert_output(out, blake3_cases[i].keyed.first, blake3_cases[i].keyed.last);
    }
}

static void derive_key_gives_the_official_output(void **state)
{
    uint8_t out[BLAKE3_TEST_OUTPUT];

    for (size_t i = 0; i < ARRAY_LEN(blake3_cases); i++) {
        blake3_derive_key(TEXT(BLAKE3_TEST_CONTEXT),
                          (struct bytes){*state, blake3_cases[i].input}, out, sizeof out);
        assert_output(out, blake3_cases[i].derived.first, blake3_cases[i].derived.last);
    }
}

static void shorter_output_is_a_prefix_of_longer(void **state)
{
    uint8_t full[200], part[200];

    blake3_hash((struct bytes){*state, 77}, full, sizeof full);
    for (size_t n = 0; n <= sizeof full; n++) {
        memset(part, 0xa5, sizeof part);
        blake3_hash((struct bytes){*state, 77}, part, n);
        assert_memory_equal(part, full, n);
        if (n < sizeof part)
            assert_int_equal(part[n], 0xa5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash_gives_the_official_output),
        cmocka_unit_test(keyed_hash_gives_the_official_output),
        cmocka_unit_test(derive_key_gives_the_official_output),
        cmocka_unit_test(shorter_output_is_a_prefix_of_longer),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
