#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#include "base/attr.h"

int64_t clock_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t clock_ms(void)
{
    return clock_ns() / 1000000;
}

int64_t clock_unix(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec;
}

void clock_print_ns(int64_t ns, char *out)
{
    if (ns < 1000000)
        (void)snprintf(out, 32, "%dus", (int)(ns / 1000));
    else if (ns < 1000000000)
        (void)snprintf(out, 32, "%d.%dms", (int)(ns / 1000000), (int)(ns / 100000 % 10));
    else if (ns < 60000000000)
        (void)snprintf(out, 32, "%d.%ds", (int)(ns / 1000000000), (int)(ns / 100000000 % 10));
    else
        (void)snprintf(out, 32, "%ldm%ds", (long)(ns / 60000000000), (int)(ns / 1000000000 % 60));
}
