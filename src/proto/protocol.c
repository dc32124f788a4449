#include "proto/protocol.h"

const struct protocol *protocol_find(const struct protocol *const *registry, const char *name)
{
    for (size_t i = 0; registry[i]; i++) {
        if (text_is(text_of(registry[i]->name), name))
            return registry[i];
    }
    return NULL;
}
