/* A small ClientHello for "a.org", in one record. */
#ifndef WEIR_TESTS_POLICY_HELLO_H
#define WEIR_TESTS_POLICY_HELLO_H

#include "base/wire.h"

enum { HELLO_SIZE = 5 + 4 + 2 + 32 + 1 + 4 + 2 + 2 + 14 };

static inline void make_hello(uint8_t out[HELLO_SIZE])
{
    struct writer w = writer_of(out, HELLO_SIZE);

    write_u8(&w, 22);
    write_u16(&w, 0x0301);
    write_u16(&w, HELLO_SIZE - 5);
    write_u8(&w, 1);
    write_be(&w, HELLO_SIZE - 9, 3);
    write_u16(&w, 0x0303);
    for (int i = 0; i < 32; i++)
        write_u8(&w, (uint8_t)i);
    write_u8(&w, 0);
    write_u16(&w, 2);
    write_u16(&w, 0x1301);
    write_u8(&w, 1);
    write_u8(&w, 0);
    write_u16(&w, 14);
    write_u16(&w, 0);
    write_u16(&w, 10);
    write_u16(&w, 8);
    write_u8(&w, 0);
    write_u16(&w, 5);
    write_bytes(&w, "a.org", 5);
}

#endif
