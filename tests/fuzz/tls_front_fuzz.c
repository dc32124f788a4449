/*
 * The front door of a TLS listener, and what libssl makes of what passed it: the input is what a client sends, in pieces as
 * the first octet says. And a client's view of what a server sends.
 */
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/mem.h"
#include "format/tls_report.h"
#include "layer/tls/tls.h"
#include "net/proxy.h"
#include "runtime/workers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *at;
    size_t len;
    struct tls_server *server;
    struct tls_client *client;
};

struct sender {
    struct stream *to;
    const uint8_t *at;
    size_t len;
    size_t piece;
};

static void send_pieces(void *arg)
{
    struct sender *s = arg;

    while (s->len) {
        size_t n = min_of(s->len, s->piece);
        if (stream_write(s->to, s->at, n) < 0)
            break;
        s->at += n;
        s->len -= n;
        if (co_yield() < 0)
            break;
    }
    (void)!stream_shutdown(s->to);
}

static int run(void *arg)
{
    const struct input *in = arg;
    struct session *session = mem_alloc(sizeof *session);
    struct stream *end[2], *out = NULL;
    struct error err = {0};
    struct group g;

    if (!session || stream_pair(200000, end) < 0)
        abort();
    size_t piece = in->at[0] >> 1;
    struct sender sender = {.to = end[0], .at = in->at + 1, .len = in->len - 1, .piece = piece ? piece * 40 : SIZE_MAX};
    group_init(&g, co_group());
    if (co_spawn(&g, "sender", send_pieces, &sender) < 0)
        abort();
    int r = in->at[0] & 1 ? tls_client_open(in->client, end[1], TEXT("a.test"), &out, &err)
                          : tls_server_accept(in->server, end[1], session, &out, &err);
    if (r == 0)
        stream_close(out);
    else if (!err.text[0])
        abort();
    group_done(&g);
    stream_close(end[0]);
    session_free(session);
    return 0;
}

static void print(BIO *bio, struct text *out)
{
    char *text;
    long n = BIO_get_mem_data(bio, &text);

    *out = (struct text){text_dup((struct text){text, (size_t)n}), (size_t)n};
    BIO_free(bio);
}

/* A certificate that nobody verifies. */
static void make(struct input *in)
{
    static struct tls_server_options server = {.identity.enabled = true};
    static struct tls_client_options client = {.enabled = true, .insecure = true};
    static struct text certificate, key;
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    BIO *a = BIO_new(BIO_s_mem()), *b = BIO_new(BIO_s_mem());

    if (X509_gmtime_adj(X509_getm_notBefore(x), 0) == NULL || X509_gmtime_adj(X509_getm_notAfter(x), 1000000) == NULL ||
        X509_set_pubkey(x, pair) != 1 || X509_sign(x, pair, EVP_sha256()) <= 0 || PEM_write_bio_X509(a, x) != 1 ||
        PEM_write_bio_PrivateKey(b, pair, NULL, NULL, 0, NULL, NULL) != 1)
        abort();
    print(a, &certificate);
    print(b, &key);
    server.identity.certificate.lines = (struct text_list){&certificate, 1};
    server.key.lines = (struct text_list){&key, 1};
    in->server = tls_server_new(&server, NULL, "fuzz", NULL);
    in->client = tls_client_new(&client, NULL, "fuzz", NULL);
    if (!in->server || !in->client)
        abort();
    X509_free(x);
    EVP_PKEY_free(pair);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct workers *workers;
    static struct input in;
    struct tls_report report = {.offered = 0x0304};
    char text[TLS_REPORT_TEXT];

    if (size < 1 || size > 100000)
        return 0;
    (void)!tls_report_answer((struct bytes){data, size}, &report);
    (void)tls_report_print(&report, text);
    if (!workers) {
        make(&in);
        workers = workers_new(1, NULL, NULL);
    }
    in.at = data;
    in.len = size;
    if (workers)
        (void)workers_call(workers, 0, run, &in);
    return 0;
}
