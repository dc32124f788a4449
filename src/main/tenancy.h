/* One generation at work on one worker: its acceptors and the sessions that they brought. */
#ifndef WEIR_MAIN_TENANCY_H
#define WEIR_MAIN_TENANCY_H

#include "main/generation.h"
#include "service/proxy/acceptor.h"

struct tenancy;

/* From a coroutine of the worker. Takes a reference. NULL with err; nothing is left behind then. */
struct tenancy *tenancy_new(struct generation *g, unsigned worker, struct admission *admission,
                            struct error *err) CHECKED;
/* Accepts no more; returns when the acceptors have returned. Parks. */
void tenancy_close(struct tenancy *t);
/* After tenancy_close(): waits for the sessions in the background and then frees itself. */
void tenancy_leave(struct tenancy *t);
/* Sessions that run, TCP only. */
unsigned tenancy_sessions(const struct tenancy *t);

#endif
