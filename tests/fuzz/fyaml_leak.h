/*
 * libfyaml 0.7.12 loses a text buffer of some KiB on some errors of syntax: inside flow maps, and in
 * quoted scalars such as `'''''!''''''*'`. Our own use of it is checked for leaks by tests/format/yaml_test.c,
 * without this.
 */
#ifndef WEIR_TESTS_FUZZ_FYAML_LEAK_H
#define WEIR_TESTS_FUZZ_FYAML_LEAK_H

const char *__lsan_default_suppressions(void);

__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml";
}

#endif
