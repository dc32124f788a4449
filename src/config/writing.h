/* What both writers share. */
#ifndef WEIR_CONFIG_WRITING_H
#define WEIR_CONFIG_WRITING_H

#include "config/fields.h"
#include "config/model.h"

struct writing {
    const struct model *model;
    enum dialect to;
    struct arena arena;
    struct diag *diag;
    struct node *root;
};

/* All of these return 0 or -ENOMEM, also when an argument node is NULL. */
int put_text(struct writing *w, struct node *map, const char *key, struct text t) CHECKED;
int put_bool(struct writing *w, struct node *map, const char *key, bool value) CHECKED;
int put_int(struct writing *w, struct node *map, const char *key, int64_t value) CHECKED;
int put(struct writing *w, struct node *map, const char *key, struct node *value) CHECKED;
int put_texts(struct writing *w, struct node *map, const char *key, const struct text_list *list) CHECKED;

/* Writes the options and warns of those that are set and have no key in the other dialect. */
int put_options(struct writing *w, struct node *map, const struct option *table, const void *in, struct place at) CHECKED;
/* Type, tag and listening of an inbound; NULL: it has none there (reported) or no memory (*failed). */
struct node *write_inbound(struct writing *w, const struct model_inbound *in, bool *failed);
struct node *write_outbound(struct writing *w, const struct model_outbound *o, bool *failed);
/* Made by the reader, not written by a person. */
bool is_built_in(const struct model_outbound *o);
void cannot(struct writing *w, struct place at, const char *fmt, ...) PRINTF(3, 4);

int singbox_write(struct writing *w) CHECKED;
int mihomo_write(struct writing *w) CHECKED;

#endif
