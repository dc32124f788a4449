/* From a model back to a file, and files in their usual form. */
#ifndef WEIR_CONFIG_WRITE_H
#define WEIR_CONFIG_WRITE_H

#include "config/read.h"

/*
 * Writes the model as a configuration of dialect `to`: JSON for sing-box, YAML for mihomo; the same model gives
 * the same text. What `to` cannot say becomes a warning with its place. 0 or -ENOMEM.
 */
int config_write(const struct model *m, enum dialect to, struct strbuf *out, struct diag *diag) CHECKED;

/*
 * The same file in its usual form, comments kept. JSON only: YAML is refused with -ENOTSUP, since its comments
 * would be lost. -EINVAL with reasons in `diag`, -ENOMEM.
 */
int config_format(const struct config_source *s, struct strbuf *out, struct diag *diag) CHECKED;

#endif
