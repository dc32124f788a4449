#include "test.h"

#include "base/attr.h"
#include "runtime/context.h"

#include <stdint.h>
#include <sys/mman.h>

enum { SIZE = 64 * 1024 };

static struct context here, there;
static uintptr_t frame_address;
static volatile double kept;

static void NOINLINE entered(void *arg)
{
    _Alignas(16) volatile char aligned[16];

    aligned[0] = 1;
    frame_address = (uintptr_t)__builtin_frame_address(0);
    (void)aligned[0];
    /* Floating-point state of our own: a division under a lot of live values. */
    double a = *(int *)arg, b = 1.5, c = 2.5, d = 3.5, e = 4.5, f = 5.5;
    for (;;) {
        arg = context_switch(&there, &here, &b);
        a += *(int *)arg;
        kept = a * b + c * d - e / f;
    }
}

static char *new_stack(void)
{
    char *low = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_true(low != MAP_FAILED);
    return low;
}

static void stack_is_aligned_at_entry(void **state)
{
    (void)state;
    for (size_t offset = 0; offset < 64; offset += 8) {
        char *low = new_stack();
        int one = 1;
        context_make(&there, low + SIZE - offset, SIZE - offset, entered);
        (void)context_switch(&here, &there, &one);
        /* The ABI: (frame address + 16) is aligned when the frame pointer was pushed after a call. */
        assert_int_equal(frame_address % 16, 0);
        munmap(low, SIZE);
    }
}

static void values_survive_many_switches(void **state)
{
    (void)state;
    char *low = new_stack();
    int one = 1;
    volatile uint64_t sum = 0;
    register uint64_t a = 1, b = 2, c = 3, d = 4, e = 5, f = 6;
    double x = 0.5, y = 0.25;

    context_make(&there, low + SIZE, SIZE, entered);
    for (int i = 0; i < 1000; i++) {
        void *back = context_switch(&here, &there, &one);
        assert_true(*(double *)back == 1.5);
        a += b;
        b += c;
        c += d;
        d += e;
        e += f;
        x = x * 1.0001 + y;
        sum += a ^ b ^ c ^ d ^ e ^ f;
    }
    assert_true(kept > 1000.0);
    assert_true(x > 250.0 && x < 270.0);
    assert_int_equal(f, 6);
    assert_int_equal(e, 5 + 6 * 1000);
    assert_true(sum > 0);
    munmap(low, SIZE);
}

static void rounding_mode_belongs_to_the_context(void **state)
{
    (void)state;
#ifdef __x86_64__
    char *low = new_stack();
    int one = 1;
    unsigned before = __builtin_ia32_stmxcsr(), after;

    context_make(&there, low + SIZE, SIZE, entered);
    __builtin_ia32_ldmxcsr(before | 0x6000);
    (void)context_switch(&here, &there, &one);
    after = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(before);
    assert_int_equal(after & 0x6000, 0x6000);
    munmap(low, SIZE);
#else
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stack_is_aligned_at_entry),
        cmocka_unit_test(values_survive_many_switches),
        cmocka_unit_test(rounding_mode_belongs_to_the_context),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
