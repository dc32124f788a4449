#include "proto/shadowsocks/method.h"

static const struct ss_method methods[SS_METHODS] = {
    [SS_NONE] = {.name = "none", .edition = SS_PLAIN},
    [SS_AES_128_GCM] = {"aes-128-gcm", SS_CLASSIC, AEAD_AES_128_GCM, 16, false},
    [SS_AES_192_GCM] = {"aes-192-gcm", SS_CLASSIC, AEAD_AES_192_GCM, 24, false},
    [SS_AES_256_GCM] = {"aes-256-gcm", SS_CLASSIC, AEAD_AES_256_GCM, 32, false},
    [SS_CHACHA20] = {"chacha20-ietf-poly1305", SS_CLASSIC, AEAD_CHACHA20_POLY1305, 32, false},
    [SS_XCHACHA20] = {"xchacha20-ietf-poly1305", SS_CLASSIC, AEAD_XCHACHA20_POLY1305, 32, false},
    [SS_2022_AES_128] = {"2022-blake3-aes-128-gcm", SS_2022, AEAD_AES_128_GCM, 16, true},
    [SS_2022_AES_256] = {"2022-blake3-aes-256-gcm", SS_2022, AEAD_AES_256_GCM, 32, true},
    [SS_2022_CHACHA20] = {"2022-blake3-chacha20-poly1305", SS_2022, AEAD_CHACHA20_POLY1305, 32, false},
};

/* The first name of a value is the one that is written. */
const struct option_choice ss_method_names[] = {
    {"none", SS_NONE},
    {"plain", SS_NONE},
    {"dummy", SS_NONE},
    {"aes-128-gcm", SS_AES_128_GCM},
    {"aes-192-gcm", SS_AES_192_GCM},
    {"aes-256-gcm", SS_AES_256_GCM},
    {"chacha20-ietf-poly1305", SS_CHACHA20},
    {"chacha20-poly1305", SS_CHACHA20},
    {"xchacha20-ietf-poly1305", SS_XCHACHA20},
    {"xchacha20-poly1305", SS_XCHACHA20},
    {"2022-blake3-aes-128-gcm", SS_2022_AES_128},
    {"2022-blake3-aes-256-gcm", SS_2022_AES_256},
    {"2022-blake3-chacha20-poly1305", SS_2022_CHACHA20},

    {"aes-128-ctr", SS_STREAM_CIPHER},
    {"aes-192-ctr", SS_STREAM_CIPHER},
    {"aes-256-ctr", SS_STREAM_CIPHER},
    {"aes-128-cfb", SS_STREAM_CIPHER},
    {"aes-192-cfb", SS_STREAM_CIPHER},
    {"aes-256-cfb", SS_STREAM_CIPHER},
    {"rc4", SS_STREAM_CIPHER},
    {"rc4-md5", SS_STREAM_CIPHER},
    {"chacha20", SS_STREAM_CIPHER},
    {"chacha20-ietf", SS_STREAM_CIPHER},
    {"xchacha20", SS_STREAM_CIPHER},
    {"salsa20", SS_STREAM_CIPHER},
    {"bf-cfb", SS_STREAM_CIPHER},
    {"camellia-128-cfb", SS_STREAM_CIPHER},
    {"camellia-192-cfb", SS_STREAM_CIPHER},
    {"camellia-256-cfb", SS_STREAM_CIPHER},

    {"aes-128-ccm", SS_RARE_AEAD},
    {"aes-192-ccm", SS_RARE_AEAD},
    {"aes-256-ccm", SS_RARE_AEAD},
    {"aes-128-gcm-siv", SS_RARE_AEAD},
    {"aes-256-gcm-siv", SS_RARE_AEAD},
    {"chacha8-ietf-poly1305", SS_RARE_AEAD},
    {"xchacha8-ietf-poly1305", SS_RARE_AEAD},
    {"rabbit128-poly1305", SS_RARE_AEAD},
    {"lea-128-gcm", SS_RARE_AEAD},
    {"lea-192-gcm", SS_RARE_AEAD},
    {"lea-256-gcm", SS_RARE_AEAD},
    {"aegis-128l", SS_RARE_AEAD},
    {"aegis-256", SS_RARE_AEAD},
    {"aez-384", SS_RARE_AEAD},
    {"deoxys-ii-256-128", SS_RARE_AEAD},

    {"2022-blake3-chacha8-poly1305", SS_RARE_2022},
    {"2022-blake3-chacha12-poly1305", SS_RARE_2022},
    {"2022-blake3-aes-128-ccm", SS_RARE_2022},
    {"2022-blake3-aes-256-ccm", SS_RARE_2022},
    {NULL, 0},
};

const struct ss_method *ss_method(enum ss_method_id id)
{
    return &methods[id];
}

const char *ss_method_refusal(int id)
{
    if (id == SS_STREAM_CIPHER)
        return "a stream cipher without authentication: anyone on the way can change and recognise its bytes";
    return "an algorithm that weir does not have";
}
