/* The one list of everything that can be plugged in. */
#ifndef WEIR_MAIN_REGISTRY_H
#define WEIR_MAIN_REGISTRY_H

#include "proto/protocol.h"

/* Sorted by name; ends in NULL. */
extern const struct protocol *const registry[];

#endif
