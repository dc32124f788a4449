/* UDP over TCP as an option of outbounds: sing-box true or {enabled, version}; mihomo has two keys. */
#ifndef WEIR_PROTO_UOT_OPTION_H
#define WEIR_PROTO_UOT_OPTION_H

#include "format/option.h"

struct uot_option {
    bool enabled;
    uint32_t version; /* 1 or 2 */
};
/* Of rows OPT_CUSTOM(struct x, field, uot_option_read, uot_option_write, ...). */
int uot_option_read(const struct option *o, const struct node *n, void *field, struct option_reader *r);
int uot_option_write(const struct option *o, const void *field, struct arena *a, struct node **out);

#endif
