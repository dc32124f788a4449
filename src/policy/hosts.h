/*
 * Static names of the configuration, with mihomo's wildcards:
 *
 *     a.org      that name
 *     *.a.org    names with exactly one label more; a `*` may stand for any whole label
 *     .a.org     every name below a.org, at any depth
 *     +.a.org    a.org and every name below it
 *
 * An exact name wins over a wildcard, a longer suffix over a shorter one; of equals the later entry. A name leads to
 * addresses, or to another name (alias), which is looked up again, at most 8 times.
 */
#ifndef WEIR_POLICY_HOSTS_H
#define WEIR_POLICY_HOSTS_H

#include "net/resolver.h"

struct hosts;

struct hosts *hosts_new(void) CHECKED;
/* Accepts NULL. */
void hosts_free(struct hosts *h);
/* Copies. Entries of one name add up their addresses. 0, -EINVAL (no such form) or -ENOMEM. */
int hosts_add(struct hosts *h, struct text pattern, const struct addr *addrs, unsigned count) CHECKED;
int hosts_add_alias(struct hosts *h, struct text pattern, struct text alias) CHECKED;
/*
 * 1: `out` has the addresses; 0: not here, and *name is what to resolve, which an alias may have changed (it then lies in `h`);
 * -ELOOP: aliases lead in a circle. Any thread, once all was added.
 */
int hosts_find(const struct hosts *h, struct text *name, struct addr_list *out) CHECKED;

#endif
