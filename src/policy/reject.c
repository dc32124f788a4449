#include "policy/reject.h"

bool reject_meter_is_flood(struct reject_meter *m, int64_t now)
{
    uint64_t window = (uint32_t)(now / REJECT_WINDOW_MS) + UINT64_C(1);
    uint64_t old = atomic_load_explicit(&m->word, memory_order_relaxed), next;

    do {
        next = old >> 32 == window ? old : window << 32;
        if ((uint32_t)next < REJECT_BURST + 1)
            next++;
    } while (!atomic_compare_exchange_weak_explicit(&m->word, &old, next, memory_order_relaxed, memory_order_relaxed));
    return (uint32_t)next > REJECT_BURST;
}
