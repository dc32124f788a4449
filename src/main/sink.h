/* Where log lines of `weir run` go: standard error or a file, as text or JSON. */
#ifndef WEIR_MAIN_SINK_H
#define WEIR_MAIN_SINK_H

#include <stdbool.h>

#include "weir.h"

struct sink {
    int fd;
    bool is_json;
    bool has_colour;
    bool has_time;
    bool has_status; /* a status line stands where the next line goes */
};

/* For weir_settings.log: `arg` is a struct sink. One write(2) a line, so lines never mix. */
void sink_write(void *arg, enum weir_level level, const char *line, size_t length);

#endif
