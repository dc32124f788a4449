/* Durations and sizes, written with their units. */
#include <errno.h>

#include "format/option.h"

struct unit {
    const char *name;
    int64_t worth;
};

/* Cuts a number like 1.5 off *t: whole part, and a fraction of `scale` parts. */
static int take_number(struct text *t, uint64_t *whole, uint64_t *fraction, uint64_t *scale)
{
    size_t digits = 0;

    *whole = *fraction = 0;
    *scale = 1;
    for (; t->len && t->ptr[0] >= '0' && t->ptr[0] <= '9'; *t = text_sub(*t, 1, SIZE_MAX), digits++) {
        if (__builtin_mul_overflow(*whole, 10, whole) ||
            __builtin_add_overflow(*whole, (uint64_t)(t->ptr[0] - '0'), whole))
            return -ERANGE;
    }
    if (t->len && t->ptr[0] == '.') {
        *t = text_sub(*t, 1, SIZE_MAX);
        for (; t->len && t->ptr[0] >= '0' && t->ptr[0] <= '9'; *t = text_sub(*t, 1, SIZE_MAX), digits++) {
            if (*scale < 1000000000) { /* finer than that is lost, as it is for nanoseconds */
                *fraction = *fraction * 10 + (uint64_t)(t->ptr[0] - '0');
                *scale *= 10;
            }
        }
    }
    return digits ? 0 : -EINVAL;
}

static int multiply(uint64_t whole, uint64_t fraction, uint64_t scale, int64_t worth, int64_t *out)
{
    int64_t value;

    if (whole > INT64_MAX || __builtin_mul_overflow((int64_t)whole, worth, &value))
        return -ERANGE;
    __extension__ unsigned __int128 part = (unsigned __int128)fraction * (uint64_t)worth / scale;
    return __builtin_add_overflow(value, (int64_t)part, out) ? -ERANGE : 0;
}

static const struct unit *find_unit(const struct unit *units, struct text name)
{
    for (; units->name; units++) {
        if (text_is_nocase(name, units->name))
            return units;
    }
    return NULL;
}

static size_t unit_length(struct text t)
{
    size_t i = 0;

    while (i < t.len && t.ptr[i] != '.' && (t.ptr[i] < '0' || t.ptr[i] > '9'))
        i++;
    return i;
}

static const struct unit time_units[] = {
    {"d", 24 * 60 * OPTION_MINUTE}, {"h", 60 * OPTION_MINUTE}, {"m", OPTION_MINUTE}, {"s", OPTION_SECOND},
    {"ms", OPTION_MS}, {"us", 1000}, {"\xc2\xb5s", 1000}, {"\xce\xbcs", 1000}, {"ns", 1}, {0},
};

int duration_parse(struct text t, int64_t *out)
{
    bool negative = t.len && t.ptr[0] == '-';
    int64_t sum = 0, part;
    uint64_t whole, fraction, scale;

    if (negative || (t.len && t.ptr[0] == '+'))
        t = text_sub(t, 1, SIZE_MAX);
    if (text_is(t, "0")) {
        *out = 0;
        return 0;
    }
    if (t.len == 0)
        return -EINVAL;
    while (t.len) {
        int r = take_number(&t, &whole, &fraction, &scale);
        if (r < 0)
            return r;
        size_t n = unit_length(t);
        const struct unit *unit = find_unit(time_units, text_sub(t, 0, n));
        if (!unit)
            return -EINVAL;
        t = text_sub(t, n, SIZE_MAX);
        if (multiply(whole, fraction, scale, unit->worth, &part) < 0 || __builtin_add_overflow(sum, part, &sum))
            return -ERANGE;
    }
    *out = negative ? -sum : sum;
    return 0;
}

void duration_print(int64_t ns, char *out)
{
    enum { SIZE = 32 };
    uint64_t rest = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    size_t len = 0;

    if (ns == 0) {
        (void)snprintf(out, SIZE, "0s");
        return;
    }
    if (ns < 0)
        out[len++] = '-';
    /* Hours are the largest unit: Go has no days. */
    for (const struct unit *u = time_units + 1; rest; u++) {
        uint64_t count = rest / (uint64_t)u->worth;
        if (count && (uint8_t)u->name[0] < 0x80) {
            len += (size_t)snprintf(out + len, SIZE - len, "%llu%s", (unsigned long long)count, u->name);
            rest -= count * (uint64_t)u->worth;
        }
    }
}

static const struct unit size_units[] = {
    {"", 1}, {"B", 1},
    {"K", 1000}, {"KB", 1000}, {"KiB", 1 << 10},
    {"M", 1000000}, {"MB", 1000000}, {"MiB", 1 << 20},
    {"G", 1000000000}, {"GB", 1000000000}, {"GiB", 1 << 30},
    {"T", INT64_C(1000000000000)}, {"TB", INT64_C(1000000000000)}, {"TiB", INT64_C(1) << 40},
    {0},
};

int size_parse(struct text t, uint64_t *out)
{
    uint64_t whole, fraction, scale;
    int64_t value;

    t = text_trim(t);
    int r = take_number(&t, &whole, &fraction, &scale);
    if (r < 0)
        return r;
    const struct unit *unit = find_unit(size_units, text_trim(t));
    if (!unit)
        return -EINVAL;
    r = multiply(whole, fraction, scale, unit->worth, &value);
    if (r == 0)
        *out = (uint64_t)value;
    return r;
}
