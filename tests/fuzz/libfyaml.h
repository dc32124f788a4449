/*
 * libfyaml 0.7.12 loses a text buffer of 1 or 2 KiB on some errors of syntax: inside flow maps,
 * and in quoted scalars that are broken (`'''''!''''''*'`).
 * Our own use of it is checked for leaks by tests/format/yaml_test.c, without this. For fuzz targets, once in each.
 */
#ifndef WEIR_TESTS_FUZZ_LIBFYAML_H
#define WEIR_TESTS_FUZZ_LIBFYAML_H

__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);

__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml";
}

#endif
