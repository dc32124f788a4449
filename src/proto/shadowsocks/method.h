/* The encryption methods by name. */
#ifndef WEIR_PROTO_SHADOWSOCKS_METHOD_H
#define WEIR_PROTO_SHADOWSOCKS_METHOD_H

#include "crypto/aead.h"
#include "format/option.h"

enum ss_edition {
    SS_PLAIN,   /* "none": addresses without encryption */
    SS_CLASSIC, /* AEAD of 2017 */
    SS_2022,    /* SIP022 */
};

enum ss_method_id {
    SS_NONE,
    SS_AES_128_GCM,
    SS_AES_192_GCM,
    SS_AES_256_GCM,
    SS_CHACHA20,
    SS_XCHACHA20,
    SS_2022_AES_128,
    SS_2022_AES_256,
    SS_2022_CHACHA20,
    SS_METHODS, /* from here on: known by name and refused */
    SS_STREAM_CIPHER = SS_METHODS,
    SS_RARE_AEAD,
    SS_RARE_2022,
};

enum {
    SS_KEY_MAX = 32,
    SS_SALT_MAX = 32, /* as long as the key */
    SS_TAG = AEAD_TAG_SIZE,
};

struct ss_method {
    const char *name;
    enum ss_edition edition;
    enum aead_kind aead;
    size_t key_size; /* of the salt too; 0 for SS_PLAIN */
    bool has_identity; /* carries identity headers (SIP023): needs AES */
};

/* id < SS_METHODS. */
const struct ss_method *ss_method(enum ss_method_id id);
/* Of an option `method` or `cipher`, with the names that are refused. */
extern const struct option_choice ss_method_names[];
/* Why a method >= SS_METHODS is refused. */
const char *ss_method_refusal(int id);

#endif
