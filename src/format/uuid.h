/* UUIDs (RFC 9562) as users' names for themselves. */
#ifndef WEIR_FORMAT_UUID_H
#define WEIR_FORMAT_UUID_H

#include "base/text.h"

enum {
    UUID_SIZE = 16,
    UUID_TEXT = 37, /* with its zero byte */
};

/* "de305d54-75b4-431b-adb2-eb6b9e546014", or the same without hyphens: 0 or -EINVAL. */
int uuid_parse(struct text t, uint8_t *out) CHECKED;
/* Version 5 (SHA-1) of a name in the nil namespace. */
void uuid_of_name(struct text name, uint8_t *out);
/* A UUID as it stands; of any other text what Xray, sing-box and mihomo make of it: uuid_of_name(). */
void uuid_of_text(struct text t, uint8_t *out);
/* Returns `out`, which takes UUID_TEXT bytes. */
const char *uuid_print(const uint8_t *uuid, char *out);

#endif
