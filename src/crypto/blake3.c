#include "crypto/blake3.h"

#include <string.h>

#include "base/mem.h"

/*
 * Portable and without vectors: what we hash is 32 to 64 bytes, one block.
 *
 * The input is cut into chunks of 1024 bytes, a chunk into blocks of 64. Chunks are the leaves
 * of a binary tree whose left subtree is always full: it takes the largest power of two chunks
 * that leaves at least one byte to the right. The last compression is kept open as a "node", because
 * the root is compressed once for every 64 bytes of output.
 */
#define BLOCK 64
#define CHUNK 1024

enum flag {
    CHUNK_START = 1,
    CHUNK_END = 2,
    PARENT = 4,
    ROOT = 8,
    KEYED_HASH = 16,
    DERIVE_KEY_CONTEXT = 32,
    DERIVE_KEY_MATERIAL = 64,
};

struct node {
    uint32_t cv[8];
    uint32_t block[16];
    uint64_t counter;
    uint32_t len;
    uint32_t flags;
};

/* What is the same for every node of one hash. */
struct mode {
    uint32_t key[8];
    uint32_t flags;
};

static const uint32_t iv[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                               0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

/* The message words of each round: the paper's permutation applied 0 to 6 times. */
static const uint8_t schedule[7][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8},
    {3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1},
    {10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6},
    {12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4},
    {9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7},
    {11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13},
};

static uint32_t load32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void store32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++, v >>= 8)
        p[i] = (uint8_t)v;
}

static void load_words(uint32_t *out, const uint8_t *p, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = load32(p + 4 * i);
}

static inline uint32_t rotr(uint32_t v, int n)
{
    return v >> n | v << (32 - n);
}

static inline void mix(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d, uint32_t x, uint32_t y)
{
    *a += *b + x;
    *d = rotr(*d ^ *a, 16);
    *c += *d;
    *b = rotr(*b ^ *c, 12);
    *a += *b + y;
    *d = rotr(*d ^ *a, 8);
    *c += *d;
    *b = rotr(*b ^ *c, 7);
}

/* Columns, then diagonals of the 4 x 4 state; m is the round's order of the message words. */
static inline void round_of(uint32_t s[16], const uint32_t w[16], const uint8_t m[16])
{
    mix(&s[0], &s[4], &s[8], &s[12], w[m[0]], w[m[1]]);
    mix(&s[1], &s[5], &s[9], &s[13], w[m[2]], w[m[3]]);
    mix(&s[2], &s[6], &s[10], &s[14], w[m[4]], w[m[5]]);
    mix(&s[3], &s[7], &s[11], &s[15], w[m[6]], w[m[7]]);
    mix(&s[0], &s[5], &s[10], &s[15], w[m[8]], w[m[9]]);
    mix(&s[1], &s[6], &s[11], &s[12], w[m[10]], w[m[11]]);
    mix(&s[2], &s[7], &s[8], &s[13], w[m[12]], w[m[13]]);
    mix(&s[3], &s[4], &s[9], &s[14], w[m[14]], w[m[15]]);
}

static void compress(const struct node *node, uint32_t out[16])
{
    uint32_t s[16];

    memcpy(s, node->cv, 32);
    memcpy(s + 8, iv, 16);
    s[12] = (uint32_t)node->counter;
    s[13] = (uint32_t)(node->counter >> 32);
    s[14] = node->len;
    s[15] = node->flags;
    /* Unrolled, the schedule becomes constants and most of the state registers. */
#pragma GCC unroll 7
    for (int round = 0; round < 7; round++)
        round_of(s, node->block, schedule[round]);
    for (int i = 0; i < 8; i++) {
        out[i] = s[i] ^ s[i + 8];
        out[i + 8] = s[i + 8] ^ node->cv[i];
    }
}

static void chain(const struct node *node, uint32_t cv[8])
{
    uint32_t out[16];

    compress(node, out);
    memcpy(cv, out, 32);
}

/* The open last block of one chunk. */
static void chunk_node(const struct mode *mode, struct bytes in, uint64_t index, struct node *out)
{
    uint8_t last[BLOCK] = {0};

    memcpy(out->cv, mode->key, sizeof out->cv);
    out->counter = index;
    out->len = BLOCK;
    out->flags = mode->flags | CHUNK_START;
    while (in.len > BLOCK) {
        load_words(out->block, in.ptr, 16);
        chain(out, out->cv);
        out->flags = mode->flags;
        in = (struct bytes){in.ptr + BLOCK, in.len - BLOCK};
    }
    if (in.len)
        memcpy(last, in.ptr, in.len);
    load_words(out->block, last, 16);
    out->len = (uint32_t)in.len;
    out->flags |= CHUNK_END;
    mem_wipe(last, sizeof last);
}

/* The open top of the tree over `in`, whose first chunk has this index. It calls itself once
 * for each level: 54 levels would be 2^64 bytes. */
static void tree_node(const struct mode *mode, struct bytes in, uint64_t index, struct node *out)
{
    struct node child;
    size_t left = CHUNK;

    if (in.len <= CHUNK) {
        chunk_node(mode, in, index, out);
        return;
    }
    while (left < in.len - left)
        left *= 2;
    tree_node(mode, (struct bytes){in.ptr, left}, index, &child);
    chain(&child, out->block);
    tree_node(mode, (struct bytes){in.ptr + left, in.len - left}, index + left / CHUNK, &child);
    chain(&child, out->block + 8);
    memcpy(out->cv, mode->key, sizeof out->cv);
    out->counter = 0;
    out->len = BLOCK;
    out->flags = mode->flags | PARENT;
}

static void hash(const struct mode *mode, struct bytes in, uint8_t *out, size_t n)
{
    uint32_t words[16];
    uint8_t block[BLOCK];
    struct node root;

    tree_node(mode, in, 0, &root);
    root.flags |= ROOT;
    for (root.counter = 0; n > 0; root.counter++) {
        size_t part = n < BLOCK ? n : BLOCK;

        compress(&root, words);
        for (size_t i = 0; i < 16; i++)
            store32(block + 4 * i, words[i]);
        memcpy(out, block, part);
        out += part;
        n -= part;
    }
    mem_wipe(words, sizeof words);
    mem_wipe(block, sizeof block);
    mem_wipe(&root, sizeof root);
}

void blake3_hash(struct bytes in, uint8_t *out, size_t n)
{
    struct mode mode = {.flags = 0};

    memcpy(mode.key, iv, sizeof mode.key);
    hash(&mode, in, out, n);
}

void blake3_keyed_hash(const uint8_t *key, struct bytes in, uint8_t *out, size_t n)
{
    struct mode mode = {.flags = KEYED_HASH};

    load_words(mode.key, key, 8);
    hash(&mode, in, out, n);
    mem_wipe(&mode, sizeof mode);
}

void blake3_derive_key(struct text context, struct bytes material, uint8_t *out, size_t n)
{
    struct mode mode = {.flags = DERIVE_KEY_CONTEXT};
    uint8_t key[BLAKE3_KEY_SIZE];

    memcpy(mode.key, iv, sizeof mode.key);
    hash(&mode, text_bytes(context), key, sizeof key);
    load_words(mode.key, key, 8);
    mode.flags = DERIVE_KEY_MATERIAL;
    hash(&mode, material, out, n);
    mem_wipe(&mode, sizeof mode);
    mem_wipe(key, sizeof key);
}
