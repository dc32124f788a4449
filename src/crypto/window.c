#include "crypto/window.h"

/*
 * The numbering of RFC 6479: a ring of words, of which the newest may be part filled, so that
 * the window moves by clearing words instead of shifting bits.
 */
static uint64_t bit_of(uint64_t number)
{
    return (uint64_t)1 << (number % 64);
}

bool window_allows(const struct window *w, uint64_t number)
{
    if (number > w->newest)
        return true;
    if (w->newest - number >= WINDOW_SIZE)
        return false;
    return !(w->seen[number / 64 % WINDOW_WORDS] & bit_of(number));
}

bool window_add(struct window *w, uint64_t number)
{
    uint64_t words;

    if (!window_allows(w, number))
        return false;
    if (number > w->newest) {
        words = number / 64 - w->newest / 64;
        if (words > WINDOW_WORDS)
            words = WINDOW_WORDS;
        for (uint64_t i = 0; i < words; i++)
            w->seen[(number / 64 - i) % WINDOW_WORDS] = 0;
        w->newest = number;
    }
    w->seen[number / 64 % WINDOW_WORDS] |= bit_of(number);
    return true;
}
