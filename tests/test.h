/*
 * For unit tests. To be included first: cmocka.h must be read before base/banned.h forbids the
 * word setjmp.
 */
#ifndef WEIR_TESTS_TEST_H
#define WEIR_TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
