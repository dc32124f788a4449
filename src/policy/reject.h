/*
 * Rejects that come in floods turn into silence, as sing-box does it: more than 50 in 30 seconds
 * by one rule. Counted in fixed windows with one atomic word, shared by all workers.
 */
#ifndef WEIR_POLICY_REJECT_H
#define WEIR_POLICY_REJECT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { REJECT_BURST = 50, REJECT_WINDOW_MS = 30000 };

struct reject_meter {
    _Atomic uint64_t word; /* number of the window << 32 | rejects in it */
};

/* Counts one; true when it is beyond the burst. `now` in milliseconds. */
bool reject_meter_is_flood(struct reject_meter *m, int64_t now);

#endif
