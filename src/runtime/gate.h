/* So many at once, on one worker; the rest waits in line. */
#ifndef WEIR_RUNTIME_GATE_H
#define WEIR_RUNTIME_GATE_H

#include "base/attr.h"
#include "runtime/co.h"

struct gate {
    unsigned limit; /* 0: none */
    unsigned inside;
    struct list waiting;
};

void gate_init(struct gate *g, unsigned limit);
/* May park. 0, -ECANCELED or -ETIMEDOUT (then the caller is not inside). */
int gate_enter(struct gate *g, int64_t deadline) CHECKED;
void gate_leave(struct gate *g);

#endif
