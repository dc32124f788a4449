/*
 * All type names that each dialect knows. One that is here but not in the registry is "not
 * carried yet"; one that is nowhere is a mistake.
 */
#ifndef WEIR_CONFIG_TYPES_H
#define WEIR_CONFIG_TYPES_H

#include "base/text.h"
#include "format/diag.h"

struct known_type {
    const char *name; /* NULL ends the list */
    const char *instead; /* removed from the dialect: what to write instead; may be NULL */
};

extern const struct known_type singbox_inbound_types[];
extern const struct known_type singbox_outbound_types[];
extern const struct known_type singbox_endpoint_types[];
extern const struct known_type singbox_service_types[];
extern const struct known_type singbox_dns_types[];
extern const struct known_type mihomo_proxy_types[];
extern const struct known_type mihomo_listener_types[];
extern const struct known_type mihomo_group_types[];

/* NULL when the dialect does not know it. */
const struct known_type *known_type_find(const struct known_type *list, struct text name);
struct text known_type_nearest(const struct known_type *list, struct text name);

#endif
