/* From files to a model. */
#ifndef WEIR_CONFIG_READ_H
#define WEIR_CONFIG_READ_H

#include "config/model.h"

enum config_format { CONFIG_AUTO, CONFIG_SINGBOX, CONFIG_MIHOMO };

struct config_source {
    struct text name; /* path as the user gave it; "-" = standard input */
    struct text text;
};

struct config_options {
    enum config_format format;
    bool allow_unsupported;
    const struct protocol *const *registry;
};

/*
 * Reads, merges (several sources, sing-box's way) and checks everything that can be checked without a system call:
 * references, cycles, duplicates. All mistakes go to `diag`. 0, or -EINVAL (diag has an error), or -ENOMEM.
 * The model is filled as far as possible in both cases; model_done() it.
 */
int config_read(const struct config_source *sources, size_t count, const struct config_options *options,
                struct model *out, struct diag *diag) CHECKED;

/* Loads files, directories (their *.json in name order) and "-": 0, or negative with err. Blocks: not on a worker. */
struct config_files {
    VEC(struct config_source) sources;
};
int config_load(const char *const *paths, size_t count, struct config_files *out, struct error *err) CHECKED;
void config_files_done(struct config_files *f);

#endif
