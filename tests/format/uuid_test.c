#include "test.h"

#include <errno.h>

#include "format/uuid.h"

static void both_spellings_are_read(void **state)
{
    uint8_t a[UUID_SIZE], b[UUID_SIZE];
    char text[UUID_TEXT];

    (void)state;
    assert_int_equal(uuid_parse(TEXT("de305d54-75b4-431b-adb2-eb6b9e546014"), a), 0);
    assert_int_equal(uuid_parse(TEXT("DE305D5475B4431BADB2EB6B9E546014"), b), 0);
    assert_memory_equal(a, b, UUID_SIZE);
    assert_string_equal(uuid_print(a, text), "de305d54-75b4-431b-adb2-eb6b9e546014");
}

static void what_is_no_uuid_is_refused(void **state)
{
    static const char *const wrong[] = {"", "de305d54-75b4-431b-adb2-eb6b9e54601", "de305d54-75b4-431b-adb2-eb6b9e54601g",
                                        "de305d5475b4-431b-adb2-eb6b9e546014--", "de305d5-475b4-431b-adb2-eb6b9e546014"};
    uint8_t a[UUID_SIZE];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_int_equal(uuid_parse(text_of(wrong[i]), a), -EINVAL);
}

/* The example of Xray's documentation of VLESS ("id" as a text of one's own). */
static void other_texts_become_version_5(void **state)
{
    uint8_t a[UUID_SIZE];
    char text[UUID_TEXT];

    (void)state;
    uuid_of_text(TEXT("我爱🍉老师1314"), a);
    assert_string_equal(uuid_print(a, text), "5783a3e7-e373-51cd-8642-c83782b807c5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_spellings_are_read),
        cmocka_unit_test(what_is_no_uuid_is_refused),
        cmocka_unit_test(other_texts_become_version_5),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
