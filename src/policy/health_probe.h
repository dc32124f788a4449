/* One test of an outbound. Used by health.c. */
#ifndef WEIR_POLICY_HEALTH_PROBE_H
#define WEIR_POLICY_HEALTH_PROBE_H

#include "policy/health.h"

/* A URL as a test needs it; texts lie in the URL. */
struct probe_target {
    struct dest dest;
    struct text host; /* as it stands in Host: with its port */
    struct text path; /* with query; empty: "/" */
    bool is_tls;
};
/* 0 or -EINVAL: not http:// or https://, no host. */
int probe_target_parse(struct text url, struct probe_target *out, struct error *err) CHECKED;

/* As health_test(), but bounded by the deadline of the running coroutine's group. */
int probe_run(struct outbound *o, struct text url, const struct health_expect *expect, struct error *err) CHECKED;

enum { PROBE_HELLO_MAX = 512 };
/* A ClientHello (RFC 8446 section 4.1.2) for `name` (may be empty); returns its length. */
size_t probe_client_hello(struct text name, uint8_t out[PROBE_HELLO_MAX]);

#endif
