/* Monotonic time in milliseconds and nanoseconds, and wall-clock time. */
#ifndef WEIR_BASE_CLOCK_H
#define WEIR_BASE_CLOCK_H

#include <stdint.h>

/* "Never" as a deadline. */
#define NEVER INT64_MAX

int64_t clock_ns(void);
int64_t clock_ms(void);
/* Seconds since 1970. */
int64_t clock_unix(void);
/* "1.5ms", "2m3s", "250us". `out` takes 32. */
void clock_print_ns(int64_t ns, char *out);

#endif
