/*
 * Whether outbounds work, and how fast: active tests on worker 0, and what flows report.
 *
 *            test or dial failed                 probes succeeded
 *    ALIVE ----------------------> EJECTED ----------------------> ALIVE
 *                                   |   ^
 *                                   +---+  probe failed: 1 s, 2 s, 4 s ... up to the interval
 *
 * The first probe after a failed dial runs at once, because a dial also fails when only its target is bad; an outbound
 * that is ejected again within ten minutes waits longer each time and must pass more probes in a row.
 *
 * A test of an http:// URL is a HEAD request through the outbound; the time is from the dial to the response head, and
 * the status counts. For https:// there is no TLS client in this floor: the test sends a ClientHello to the target and
 * waits for the ServerHello or an alert, a full round trip to the real host through the proxy; the status is not checked.
 */
#ifndef WEIR_POLICY_HEALTH_H
#define WEIR_POLICY_HEALTH_H

#include "format/option.h"
#include "net/proxy.h"

enum {
    HEALTH_HISTORY = 10,  /* tests remembered for each record */
    HEALTH_PARALLEL = 10, /* tests that run at once */
    HEALTH_URL = 512,
};

struct health_settings {
    struct text url;             /* empty: https://www.gstatic.com/generate_204 */
    struct text expected_status; /* "200/204", "200-299", "*"; empty: any */
    int64_t interval_ms;         /* 0: 3 minutes */
    int64_t timeout_ms;          /* 0: 5 s */
    int64_t idle_ms;             /* pause when unused for so long; 0: 30 minutes */
    bool lazy;                   /* pause when unused for an interval */
};

struct health;
struct health_record;

struct health *health_new(const struct log *log) CHECKED;
/* After health_stop(), or when it never ran. Accepts NULL. */
void health_free(struct health *h);
/*
 * The record of an outbound under a URL and expected status, owned by `h`. Groups that ask for the same share one, with
 * the shorter interval. Before health_start(). NULL with err: out of memory, or no usable URL or status.
 */
struct health_record *health_watch(struct health *h, struct outbound *o, const struct health_settings *s,
                                   struct error *err) CHECKED;

/*
 * Starts testing, on the calling worker (0), in a group below `parent`; every record gets its first test now, in the
 * background. From a coroutine. 0 or -ENOMEM.
 */
int health_start(struct health *h, struct group *parent) CHECKED;
/* Cancels running tests and waits for them. Same worker. Parks. */
void health_stop(struct health *h);

/* ---- from any thread, nothing parks -------------------------------------------------------- */

/*
 * A flow is about to dial: wakes paused tests. When no tests run, an ejected outbound whose time has come
 * is taken by this flow as its probe (half-open), so that the next one waits longer.
 */
void health_touch(struct health_record *r);
/* May it carry a flow? Also true for one that was not tested yet. */
bool health_is_alive(const struct health_record *r);
/* The last good test in ms, or 0: not tested, or failed. */
uint32_t health_delay(const struct health_record *r);
/* A flow's dial failed or worked. Failures of outbounds that dial the target themselves (direct) are not counted. */
void health_dial_failed(struct health_record *r);
void health_dial_worked(struct health_record *r);
/* Asks for a test as soon as possible. */
void health_hurry(struct health_record *r);

struct health_sample {
    int64_t at;     /* clock_unix() */
    uint32_t delay; /* ms; 0 = failed */
};
/* The last tests, oldest first; returns how many. */
unsigned health_history(struct health_record *r, struct health_sample out[HEALTH_HISTORY]);
struct text health_url(const struct health_record *r);
struct outbound *health_outbound(const struct health_record *r);
/* Walks all records of `h`, for the API: from 0 until NULL. */
struct health_record *health_at(const struct health *h, unsigned i);

/* ---- one test ------------------------------------------------------------------------------ */

/* Status codes that a test accepts. */
struct health_expect {
    struct {
        uint16_t first, last;
    } range[8];
    unsigned count; /* 0: any */
};
int health_expect_parse(struct text t, struct health_expect *out) CHECKED;
bool health_expects(const struct health_expect *e, unsigned status);

/*
 * One test of `o` now, on this worker. > 0: milliseconds; or negative with err. Parks, at most
 * until `deadline`.
 */
int health_test(struct outbound *o, struct text url, const struct health_expect *expect, int64_t deadline,
                struct error *err) CHECKED;

#endif
