#include "format/tls_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const struct tls_hello *h)
{
    char text[TLS_JA3_MAX], a[TLS_JA4_A];
    struct bytes alpn = h->alpn, shares = h->key_shares;
    struct tls_key_share share;
    struct text name;

    while (tls_alpn_next(&alpn, &name))
        (void)text_eq(name, TEXT("h2"));
    while (tls_key_share_next(&shares, &share))
        (void)tls_is_grease(share.group);
    (void)!tls_hello_ja3(h, text, sizeof(text));
    tls_hello_ja4_a(h, 't', a);
    (void)!tls_hello_ja4_b(h, text, sizeof(text));
    (void)!tls_hello_ja4_c(h, text, sizeof(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t scratch[TLS_HELLO_MAX];
    struct bytes in = {.ptr = data, .len = size};
    struct tls_hello h;

    if (tls_hello_read(in, &h) > 0)
        use(&h);
    if (tls_hello_read_records(in, scratch, &h) > 0)
        use(&h);
    return 0;
}
