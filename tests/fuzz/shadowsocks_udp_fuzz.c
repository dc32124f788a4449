/* Datagrams of all methods and directions; a part of the input is sealed first, so that what is inside is the fuzzer's. */
#include "proto/shadowsocks/datagram.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 4096, NOW = 1700000000 };

struct held {
    uint8_t room[DATAGRAM_HEADROOM + ROOM + DATAGRAM_TAILROOM];
    struct datagram d;
};

static const uint8_t client[SS_SESSION_ID] = {1, 2, 3};

static void try_2022(const struct ss_method *m, const struct ss_key *k, struct held *h, bool is_answer)
{
    struct ss_packet_name name = {.number = 5};
    struct ss_body body = {.name = &name, .client = is_answer ? client : NULL, .now = NOW, .skip = SS_SEPARATE};
    struct aes_block pull = {0};
    struct aead a = {0};
    uint8_t hash[SS_IDENTITY];

    if (m->has_identity && aes_block_decryptor(&pull, k->at, m->key_size) == 0) {
        if (ss_separate_read(&pull, &h->d, &name) == 0 && aead_init(&a, m->aead, k->at) == 0) {
            (void)!ss_identity_read(&pull, &h->d, &name, hash);
            (void)!ss_body_open(&a, &body, &h->d);
        }
        aes_block_done(&pull);
    } else if (!m->has_identity && aead_init(&a, AEAD_XCHACHA20_POLY1305, k->at) == 0) {
        if (ss_xchacha_open(&a, &h->d, &name) == 0)
            (void)!ss_xchacha_head(&body, &h->d);
    }
    aead_done(&a);
}

/* What stands inside, as one with the key could send it. */
static void try_head(struct held *h, bool is_answer)
{
    struct reader r = reader_of(h->d.ptr, h->d.len);
    struct dest d;

    if (h->d.len > 9) {
        h->d.ptr[0] = is_answer;
        for (int i = 0; i < 8; i++)
            h->d.ptr[1 + i] = (uint8_t)((uint64_t)NOW >> (56 - 8 * i));
    }
    if (is_answer && h->d.len > 17)
        memcpy(h->d.ptr + 9, client, sizeof client);
    (void)!ss_datagram_read(&r, NOW, is_answer ? client : NULL, &d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ss_key key = {.at = {9}};
    struct held h = {0};

    if (size < 2 || size > ROOM)
        return 0;
    const struct ss_method *m = ss_method((enum ss_method_id)(data[0] % SS_METHODS));
    h.d.ptr = h.room + DATAGRAM_HEADROOM;
    h.d.len = size - 1;
    memcpy(h.d.ptr, data + 1, size - 1);
    if (data[0] & 0x80)
        try_head(&h, data[0] & 0x40);
    else if (m->edition == SS_2022)
        try_2022(m, &key, &h, data[0] & 0x40);
    else if (ss_classic_open(m, &key, &h.d) == 0)
        (void)!ss_classic_seal(m, &key, &h.d);
    return 0;
}
