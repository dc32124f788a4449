/*
 * Memory for salts that a server has seen, so that a recorded handshake is refused when it
 * is played again. Both keep 8 or 16 bytes of a keyed hash instead of the salt, share nothing, allocate
 * when first used, and may be used by all threads.
 */
#ifndef WEIR_CRYPTO_REPLAY_H
#define WEIR_CRYPTO_REPLAY_H

#include "base/text.h"

/*
 * Exact, for protocols whose handshake carries a time (Shadowsocks 2022): a salt is kept for `keep_ms`, after
 * which its handshake is refused for its age. At `limit` salts it refuses new ones, and never
 * forgets a young one. 28 bytes a salt, up to `limit`; it grows by doubling and shrinks when it is empty.
 */
struct salt_cache;

/* limit is 1 to 2^24. NULL when memory ran out. */
struct salt_cache *salt_cache_new(size_t limit, uint64_t keep_ms) CHECKED;
void salt_cache_free(struct salt_cache *c);
/*
 * Adds a salt at the time now_ms of any steady clock. 0; -EEXIST: a replay; -ENOBUFS: the limit
 * is reached; -ENOMEM. On each of these the handshake is refused.
 * Two different salts are taken for one with a chance of limit / 2^64.
 */
int salt_cache_add(struct salt_cache *c, struct bytes salt, uint64_t now_ms) CHECKED;
size_t salt_cache_count(struct salt_cache *c);

/*
 * Approximate, for handshakes without a time (classic AEAD Shadowsocks): two Bloom filters that take turns.
 * It remembers at least the last SALT_FILTER_EACH salts, at most twice as many, for as long as that lasts,
 * and takes one in a million new salts for an old one. 512 KiB when first used, 1 MiB at most.
 */
struct salt_filter;

#define SALT_FILTER_EACH 140000

struct salt_filter *salt_filter_new(void) CHECKED;
void salt_filter_free(struct salt_filter *f);
/* 0; -EEXIST: probably a replay; -ENOMEM. */
int salt_filter_add(struct salt_filter *f, struct bytes salt) CHECKED;

#endif
