#include "layer/certs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "layer/tls/tls.h"
#include "net/buffers.h"
#include "net/proxy.h"

enum { ROOM = 70000, BIG = 300000 };

/* ---- what is there for all tests ------------------------------------------------------------- */

static struct {
    struct cert authority, stranger, server, other, wild, expired, early, client, self;
} certs;

/* A frame of its own for what is large: sanitizers keep every temporary. */
static void __attribute__((noinline)) put(struct cert *out, const struct cert_spec *spec)
{
    *out = cert_make(spec);
}

static int make_certs(void **state)
{
    (void)state;
    put(&certs.authority, &(struct cert_spec){.subject = "Test CA", .is_authority = true});
    put(&certs.stranger, &(struct cert_spec){.subject = "Stranger CA", .is_authority = true});
    const struct cert *by = &certs.authority;
    put(&certs.server, &(struct cert_spec){.subject = "server", .names = "DNS:server.test,IP:192.0.2.1", .issuer = by});
    put(&certs.other, &(struct cert_spec){.subject = "other", .names = "DNS:other.test", .issuer = by});
    put(&certs.wild, &(struct cert_spec){.subject = "wild", .names = "DNS:*.wild.test", .issuer = by});
    put(&certs.expired, &(struct cert_spec){.subject = "expired", .names = "DNS:server.test", .issuer = by,
                                                  .from_days = -20, .to_days = -10});
    put(&certs.early, &(struct cert_spec){.subject = "early", .names = "DNS:server.test", .issuer = by, .from_days = 5});
    put(&certs.client, &(struct cert_spec){.subject = "client", .issuer = by});
    put(&certs.self, &(struct cert_spec){.subject = "self", .names = "DNS:server.test"});
    return 0;
}

static int free_certs(void **state)
{
    (void)state;
    for (struct cert *c = &certs.authority; c <= &certs.self; c++)
        cert_done(c);
    return 0;
}

static struct tls_pem pem_of(struct text *line, const char *pem)
{
    *line = text_of(pem);
    return (struct tls_pem){.lines = {.at = line, .len = 1}};
}

struct lines {
    struct text authority, cert, key, client_authority, alpn[2], public_key, name;
};

static struct tls_client_options client_options(struct lines *l)
{
    struct tls_client_options o = {.enabled = true};

    o.authority = pem_of(&l->authority, certs.authority.pem);
    return o;
}

static struct tls_server_options server_options(struct lines *l, const struct cert *c)
{
    struct tls_server_options o = {.identity = {.enabled = true}};

    o.identity.certificate = pem_of(&l->cert, c->pem);
    o.key = pem_of(&l->key, c->key_pem);
    return o;
}

/* ---- two ends -------------------------------------------------------------------------------- */

struct ends {
    struct tls_client *client;
    struct tls_server *server;
    const char *name;
    struct stream *far;     /* the lower stream of the server */
    struct stream *in;      /* the server's */
    struct stream *out;     /* the client's */
    int server_result;
    int client_result;
    struct error server_error;
    struct error client_error;
    struct session *session;
    struct group group;
};

static void run_server(void *arg)
{
    struct ends *e = arg;

    e->server_result = tls_server_accept(e->server, take(e->far), e->session, &e->in, &e->server_error);
}

static void shake_over(struct ends *e, struct stream *near, struct stream *far)
{
    e->far = far;
    e->in = e->out = NULL;
    e->client_error = e->server_error = (struct error){0};
    stream_set_deadline(near, loop_now() + 20000);
    stream_set_deadline(far, loop_now() + 20000);
    group_init(&e->group, co_group());
    check_int(co_spawn(&e->group, "server", run_server, e), 0);
    e->client_result = tls_client_open(e->client, near, text_of(e->name), &e->out, &e->client_error);
    /* The end of a client's handshake may wait for company. */
    if (e->client_result == 0)
        check_int(stream_flush(e->out), 0);
    group_wait(&e->group);
    group_done(&e->group);
}

static void shake(struct ends *e)
{
    struct stream *pair[2];

    check_int(stream_pair(ROOM, pair), 0);
    shake_over(e, pair[0], pair[1]);
}

static void ends_new(struct ends *e, const struct tls_client_options *c, const struct tls_server_options *s)
{
    struct error err = {0};

    *e = (struct ends){.name = "server.test"};
    e->client = tls_client_new(c, NULL, "c", &err);
    if (!e->client)
        (void)fprintf(stderr, "%s\n", err.text);
    check(e->client != NULL);
    e->server = tls_server_new(s, NULL, "s", &err);
    if (!e->server)
        (void)fprintf(stderr, "%s\n", err.text);
    check(e->server != NULL);
}

static void hang_up(struct ends *e)
{
    stream_close(take(e->out));
    stream_close(take(e->in));
}

static void ends_free(struct ends *e)
{
    hang_up(e);
    session_free(e->session);
    tls_client_free(e->client);
    tls_server_free(e->server);
}

static void expect_good(const struct ends *e)
{
    if (e->client_result < 0 || e->server_result < 0)
        (void)fprintf(stderr, "client: %s\nserver: %s\n", e->client_error.text, e->server_error.text);
    check_int(e->client_result, 0);
    check_int(e->server_result, 0);
}

static void expect_words(const char *text, const char *words)
{
    if (!strstr(text, words))
        (void)fprintf(stderr, "'%s' lacks '%s'\n", text, words);
    check(strstr(text, words) != NULL);
}

static void say(struct stream *from, struct stream *to, const char *words)
{
    char got[64];
    size_t n = strlen(words);

    check_int(stream_write(from, words, n), 0);
    check_int(stream_read_full(to, got, n), 0);
    check(memcmp(got, words, n) == 0);
}

/* The default pair, good for most. */
static void shake_plain(struct ends *e, struct lines *l)
{
    struct tls_client_options c = client_options(l);
    static struct tls_client_options kept_c;
    static struct tls_server_options kept_s;

    kept_c = c;
    kept_s = server_options(l, &certs.server);
    ends_new(e, &kept_c, &kept_s);
    shake(e);
    expect_good(e);
}

/* ---- data ------------------------------------------------------------------------------------ */

struct big {
    struct stream *stream;
    int result;
    size_t count;
    bool is_whole;
};

static void write_big(void *arg)
{
    struct big *b = arg;
    uint8_t *data = mem_alloc(BIG);

    check(data != NULL);
    for (size_t i = 0; i < BIG; i++)
        data[i] = (uint8_t)(i * 7 + (i >> 8));
    struct iovec iov[3] = {{data, 5}, {data + 5, 20000}, {data + 20005, BIG - 20005}};
    b->result = stream_writev(b->stream, iov, 3);
    mem_free(data);
    if (b->result == 0)
        b->result = stream_shutdown(b->stream);
}

static void read_big(struct big *b)
{
    uint8_t buf[5000];
    ssize_t n;

    b->is_whole = true;
    while ((n = stream_read(b->stream, buf, sizeof buf)) > 0) {
        for (ssize_t i = 0; i < n; i++, b->count++)
            b->is_whole &= buf[i] == (uint8_t)(b->count * 7 + (b->count >> 8));
    }
    b->result = (int)n;
}

static void carry_big(struct stream *from, struct stream *to)
{
    struct big w = {.stream = from}, r = {.stream = to};
    struct group g;

    group_init(&g, co_group());
    check_int(co_spawn(&g, "writer", write_big, &w), 0);
    read_big(&r);
    group_wait(&g);
    group_done(&g);
    check_int(w.result, 0);
    check_int(r.result, 0);
    check_int(r.count, BIG);
    check(r.is_whole);
}

static void both_ways(void)
{
    struct lines l;
    struct ends e;

    shake_plain(&e, &l);
    say(e.out, e.in, "hello");
    say(e.in, e.out, "welcome");
    carry_big(e.out, e.in);
    carry_big(e.in, e.out); /* after the other direction has ended */
    ends_free(&e);
}

static void idle_holds_no_buffer(void)
{
    struct lines l;
    struct ends e;
    char c;

    shake_plain(&e, &l);
    say(e.out, e.in, "hello");
    say(e.in, e.out, "welcome");
    check_int(stream_try_read(e.in, &c, 1), -EAGAIN);
    check_int(stream_try_read(e.out, &c, 1), -EAGAIN);
    check_int(buffers_in_use(), 0);
    ends_free(&e);
}

/* A lower stream that counts writes. */
struct counting {
    struct stream stream;
    unsigned writes;
    size_t octets;
};

static ssize_t counting_read(struct stream *s, void *buf, size_t n)
{
    return s->lower->ops->read(s->lower, buf, n);
}

static int counting_writev(struct stream *s, const struct iovec *iov, int count)
{
    struct counting *c = container_of(s, struct counting, stream);

    c->writes++;
    for (int i = 0; i < count; i++)
        c->octets += iov[i].iov_len;
    return s->lower->ops->writev(s->lower, iov, count);
}

static int counting_shutdown(struct stream *s)
{
    return s->lower->ops->shutdown(s->lower);
}

static void counting_close(struct stream *s)
{
    stream_close(s->lower);
}

static struct event *counting_readable(struct stream *s)
{
    return s->lower->ops->readable(s->lower);
}

static const struct stream_ops counting_ops = {"counting", counting_read, counting_writev, counting_shutdown, counting_close,
                                               counting_readable};

static void records_leave_together(void)
{
    struct lines l;
    struct tls_client_options c = client_options(&l);
    struct tls_server_options s = server_options(&l, &certs.server);
    struct counting count;
    struct stream *pair[2];
    struct ends e;
    static uint8_t plain[32768];
    struct iovec small[4] = {{plain, 10}, {plain, 20}, {plain, 30}, {plain, 40}};

    ends_new(&e, &c, &s);
    check_int(stream_pair(ROOM, pair), 0);
    stream_init(&count.stream, &counting_ops, pair[0]);
    count.writes = 0;
    e.far = pair[1];
    group_init(&e.group, co_group());
    check_int(co_spawn(&e.group, "server", run_server, &e), 0);
    check_int(tls_client_open(e.client, &count.stream, TEXT("server.test"), &e.out, &e.client_error), 0);
    check_int(count.writes, 1); /* the ClientHello alone: the rest waits for company */
    check(e.out->flags & STREAM_HOLDS_HEADER);
    check_int(stream_writev(e.out, small, 4), 0);
    check_int(count.writes, 2);
    check(!(e.out->flags & STREAM_HOLDS_HEADER));
    group_wait(&e.group);
    group_done(&e.group);
    check_int(stream_read_full(e.in, plain, 100), 0);
    count.octets = 0;
    check_int(stream_writev(e.out, small, 4), 0);
    check_int(count.writes, 3);
    check_int(count.octets, 100 + 22); /* one record: header, type and tag */
    check_int(stream_write(e.out, plain, sizeof plain), 0);
    check_int(count.writes, 4); /* two records */
    check_int(stream_read_full(e.in, plain, 100), 0);
    check_int(stream_read_full(e.in, plain, sizeof plain), 0);
    ends_free(&e);
}

/* ---- slow lines ------------------------------------------------------------------------------ */

/* Carries one octet at a time. */
struct dribble {
    struct stream *from;
    struct stream *to;
};

static void dribble_on(void *arg)
{
    struct dribble *d = arg;
    uint8_t c;

    while (stream_read(d->from, &c, 1) == 1) {
        if (stream_write(d->to, &c, 1) < 0 || co_yield() < 0)
            return;
    }
    (void)stream_shutdown(d->to);
}

static void every_split_of_a_record_is_read(void)
{
    struct lines l;
    struct tls_client_options c = client_options(&l);
    struct tls_server_options s = server_options(&l, &certs.server);
    struct stream *near[2], *far[2];
    struct group g;
    struct ends e;

    ends_new(&e, &c, &s);
    check_int(stream_pair(ROOM, near), 0);
    check_int(stream_pair(ROOM, far), 0);
    struct dribble up = {near[1], far[0]}, down = {far[0], near[1]};
    group_init(&g, co_group());
    check_int(co_spawn(&g, "up", dribble_on, &up), 0);
    check_int(co_spawn(&g, "down", dribble_on, &down), 0);
    shake_over(&e, near[0], far[1]);
    expect_good(&e);
    say(e.out, e.in, "one by one");
    say(e.in, e.out, "by one");
    check_int(stream_shutdown(e.out), 0);
    char end;
    check_int(stream_read(e.in, &end, 1), 0);
    group_done(&g);
    ends_free(&e);
    stream_close(near[1]);
    stream_close(far[0]);
}

/* ---- ends ------------------------------------------------------------------------------------ */

static void an_end_and_a_truncation_differ(void)
{
    struct lines l;
    struct ends e;
    char c;

    shake_plain(&e, &l);
    say(e.in, e.out, "x");
    check_int(stream_shutdown(e.in), 0);
    check_int(stream_read(e.out, &c, 1), 0);
    say(e.out, e.in, "still"); /* half closed */
    hang_up(&e);
    shake(&e);
    expect_good(&e);
    say(e.in, e.out, "x");
    stream_close(take(e.in)); /* without a word, as nobody has ended yet */
    check_int(stream_read(e.out, &c, 1), -EPIPE);
    check_int(stream_read(e.out, &c, 1), -EPIPE);
    ends_free(&e);
}

static void a_close_answers_the_peers_end(void)
{
    struct lines l;
    struct ends e;
    char c;

    shake_plain(&e, &l);
    check_int(stream_shutdown(e.out), 0);
    check_int(stream_read(e.in, &c, 1), 0);
    stream_close(take(e.in));
    check_int(stream_read(e.out, &c, 1), 0);
    ends_free(&e);
}

static void an_abort_says_no_end(void)
{
    struct lines l;
    struct ends e;
    char c;

    shake_plain(&e, &l);
    check_int(stream_shutdown(e.out), 0);
    check_int(stream_read(e.in, &c, 1), 0);
    stream_abort(take(e.in));
    check_int(stream_read(e.out, &c, 1), -EPIPE);
    ends_free(&e);
}

static void the_handshake_obeys_the_deadline(void)
{
    struct lines l;
    struct tls_client_options c = client_options(&l);
    struct tls_server_options s = server_options(&l, &certs.server);
    struct stream *pair[2];
    struct ends e;

    ends_new(&e, &c, &s);
    check_int(stream_pair(ROOM, pair), 0);
    stream_set_deadline(pair[0], loop_now() + 20);
    check_int(tls_client_open(e.client, pair[0], TEXT("server.test"), &e.out, &e.client_error), -ETIMEDOUT);
    stream_close(pair[1]);
    check_int(stream_pair(ROOM, pair), 0);
    stream_set_deadline(pair[0], loop_now() + 20);
    check_int(tls_server_accept(e.server, pair[0], NULL, &e.in, &e.server_error), -ETIMEDOUT);
    stream_close(pair[1]);
    ends_free(&e);
}

/* ---- bad peers ------------------------------------------------------------------------------- */

static void expect_client_error(const void *answer, size_t n, const char *words)
{
    struct lines l;
    struct tls_client_options c = client_options(&l);
    struct tls_server_options s = server_options(&l, &certs.server);
    struct stream *pair[2];
    struct ends e;

    ends_new(&e, &c, &s);
    check_int(stream_pair(ROOM, pair), 0);
    check_int(stream_write(pair[1], answer, n), 0);
    check_int(stream_shutdown(pair[1]), 0);
    stream_set_deadline(pair[0], loop_now() + 5000);
    check(tls_client_open(e.client, pair[0], TEXT("server.test"), &e.out, &e.client_error) < 0);
    expect_words(e.client_error.text, words);
    stream_close(pair[1]);
    ends_free(&e);
}

static void servers_that_answer_nonsense_are_told(void)
{
    expect_client_error("HTTP/1.1 400 Bad Request\r\n\r\n", 28, "does not speak TLS");
    expect_client_error("\x16\x03\x03\xff\xff", 5, "length too long");
    expect_client_error("\x16\x03\x03\x00", 4, "closed the connection during the handshake");
    expect_client_error("\x15\x03\x03\x00\x02\x02\x28", 7, "the peer refused: handshake failure");
    expect_client_error("\x15\x03\x03\x00\x02\x02\x46", 7, "the peer refused: protocol version");
    expect_client_error("", 0, "closed the connection during the handshake");
}

/* What the server answers to these octets, and what it says about them. */
static void expect_server_error(const void *bytes, size_t n, const char *words, int alert)
{
    struct lines l;
    struct tls_client_options c = client_options(&l);
    struct tls_server_options s = server_options(&l, &certs.server);
    struct stream *pair[2];
    uint8_t answer[64];
    struct ends e;

    ends_new(&e, &c, &s);
    check_int(stream_pair(ROOM, pair), 0);
    check_int(stream_write(pair[0], bytes, n), 0);
    check_int(stream_shutdown(pair[0]), 0);
    check(tls_server_accept(e.server, pair[1], NULL, &e.in, &e.server_error) < 0);
    expect_words(e.server_error.text, words);
    ssize_t got = stream_read(pair[0], answer, sizeof answer);
    check_int(got, alert ? 7 : 0);
    if (alert)
        check(answer[0] == 21 && answer[5] == 2 && answer[6] == alert);
    stream_close(pair[0]);
    ends_free(&e);
}

static void strangers_at_the_front_door_are_refused(void)
{
    expect_server_error("CONNECT a:1 HTTP/1.1\r\n\r\n", 24, "speaks in the clear", 0);
    expect_server_error("\x05\x01\x00", 3, "not TLS", 0);
    expect_server_error("", 0, "closed without", 0);
    expect_server_error("\x16\x03\x01\x00\x10\x01", 6, "ClientHello", 0);
    expect_server_error("\x16\x03\x01\x00\x08\x01\x00\x00\x04\x03\x03\x00\x00", 13, "malformed ClientHello", 50);
    expect_server_error("\x16\x03\x01\x00\x04\x01\xff\xff\xff", 9, "beyond all limits", 22);
}

/* The ClientHello of our own client, to play with. */
static size_t catch_hello(uint8_t *out, size_t size)
{
    struct lines l;
    struct tls_client_options c = client_options(&l);
    struct tls_server_options s = server_options(&l, &certs.server);
    struct stream *pair[2];
    struct ends e;

    ends_new(&e, &c, &s);
    check_int(stream_pair(ROOM, pair), 0);
    stream_set_deadline(pair[0], loop_now() + 1);
    check(tls_client_open(e.client, pair[0], TEXT("server.test"), &e.out, &e.client_error) < 0);
    ssize_t n = stream_read(pair[1], out, size);
    check(n > 50);
    stream_close(pair[1]);
    ends_free(&e);
    return (size_t)n;
}

static void a_hello_in_two_records_is_read(void)
{
    uint8_t hello[2048], cut[2048];
    size_t n = catch_hello(hello, sizeof hello), half = 100;
    struct lines l;
    struct tls_server_options s = server_options(&l, &certs.server);
    struct tls_client_options c = client_options(&l);
    struct stream *pair[2];
    struct ends e;

    ends_new(&e, &c, &s);
    memcpy(cut, hello, 5 + half);
    cut[3] = 0;
    cut[4] = (uint8_t)half;
    size_t rest = n - 5 - half;
    const uint8_t head[] = {22, 3, 1, (uint8_t)(rest >> 8), (uint8_t)rest};
    memcpy(cut + 5 + half, head, 5);
    memcpy(cut + 10 + half, hello + 5 + half, rest);
    e.session = mem_new(struct session);
    check(e.session != NULL);
    check_int(stream_pair(ROOM, pair), 0);
    check_int(stream_write(pair[0], cut, n + 5), 0);
    stream_set_deadline(pair[1], loop_now() + 20);
    check_int(tls_server_accept(e.server, pair[1], e.session, &e.in, &e.server_error), -ETIMEDOUT);
    check(e.session->tls && strcmp(e.session->tls->sni, "server.test") == 0);
    check_int(stream_read(pair[0], cut, 1), 1);
    check_int(cut[0], 22); /* a ServerHello: libssl has put it together, too */
    stream_close(pair[0]);
    ends_free(&e);
}

/* Every octet of the hello is changed in turn: the server survives, whatever it says. */
static void bit_flips_in_the_hello_do_no_harm(void)
{
    uint8_t hello[2048];
    size_t n = catch_hello(hello, sizeof hello);
    struct lines l;
    struct tls_server_options s = server_options(&l, &certs.server);
    struct tls_client_options c = client_options(&l);
    struct ends e;

    ends_new(&e, &c, &s);
    for (size_t i = 0; i < n; i++) {
        struct stream *pair[2];
        hello[i] ^= 0x41;
        check_int(stream_pair(ROOM, pair), 0);
        check_int(stream_write(pair[0], hello, n), 0);
        check_int(stream_shutdown(pair[0]), 0);
        int r = tls_server_accept(e.server, pair[1], NULL, &e.in, &e.server_error);
        check(r < 0);
        check(strncmp(e.server_error.text, "tls: ", 5) == 0);
        stream_close(pair[0]);
        hello[i] ^= 0x41;
    }
    ends_free(&e);
}

/* ---- certificates ---------------------------------------------------------------------------- */

static void expect_refusal(const struct cert *shown, const char *name, const char *words, const char *more)
{
    struct lines l;
    struct tls_client_options c = client_options(&l);
    struct tls_server_options s = server_options(&l, shown);
    struct ends e;

    ends_new(&e, &c, &s);
    e.name = name;
    shake(&e);
    check_int(e.client_result, -EKEYREJECTED);
    expect_words(e.client_error.text, words);
    expect_words(e.client_error.text, more);
    check(e.server_result < 0);
    expect_words(e.server_error.text, "the peer refused");
    ends_free(&e);
}

static void bad_certificates_are_named_with_reason_and_date(void)
{
    char date[32];
    time_t then = time(NULL) - 10 * DAY;
    struct tm tm;

    check(strftime(date, sizeof date, "expired on %Y-%m-%d", gmtime_r(&then, &tm)) > 0);
    expect_refusal(&certs.expired, "server.test", "'CN=expired'", date);
    expect_refusal(&certs.early, "server.test", "'CN=early'", "is not valid before 2");
    expect_refusal(&certs.other, "server.test", "is not for 'server.test' (for other.test", "valid until 2");
    expect_refusal(&certs.server, "192.0.2.2", "is not for '192.0.2.2'", "valid until 2");
    expect_refusal(&certs.self, "server.test", "'CN=self' is signed by itself", "valid until 2");
    struct cert far = cert_make(&(struct cert_spec){.subject = "far", .names = "DNS:server.test", .issuer = &certs.stranger});
    expect_refusal(&far, "server.test", "is signed by 'CN=Stranger CA', which is not known", "valid until 2");
    cert_done(&far);
}

static void an_address_is_a_name(void)
{
    struct lines l;
    struct tls_client_options c = client_options(&l);
    struct tls_server_options s = server_options(&l, &certs.server);
    struct ends e;

    ends_new(&e, &c, &s);
    e.name = "192.0.2.1";
    e.session = mem_new(struct session);
    check(e.session != NULL);
    shake(&e);
    expect_good(&e);
    check_int(e.session->tls->sni[0], 0); /* RFC 6066: no addresses in SNI */
    ends_free(&e);
}

static void insecure_takes_anyone(void)
{
    struct lines l;
    struct tls_client_options c = {.enabled = true, .insecure = true};
    struct tls_server_options s = server_options(&l, &certs.expired);
    struct ends e;

    ends_new(&e, &c, &s);
    e.name = "whoever.test";
    shake(&e);
    expect_good(&e);
    ends_free(&e);
}

static int shake_pinned(const struct tls_client_options *c, const struct cert *shown, struct error *err)
{
    struct lines l;
    struct tls_server_options s = server_options(&l, shown);
    struct ends e;

    ends_new(&e, c, &s);
    shake(&e);
    int r = e.client_result;
    *err = e.client_error;
    ends_free(&e);
    return r;
}

static void a_pinned_public_key_is_all_that_counts(void)
{
    char key[45];
    struct error err;

    cert_public_key(&certs.self, key);
    struct text line = text_of(key);
    struct tls_client_options c = {.enabled = true, .public_keys = {.at = &line, .len = 1}};
    check_int(shake_pinned(&c, &certs.self, &err), 0);
    check_int(shake_pinned(&c, &certs.server, &err), -EKEYREJECTED);
    expect_words(err.text, "'CN=server' does not have the public key that is expected");
}

static void a_fingerprint_is_of_the_certificate_or_of_one_above(void)
{
    char hex[65], chain[2 * CERT_PEM];
    struct error err;
    struct tls_client_options c = {.enabled = true, .fingerprint = {hex, 64}};

    cert_fingerprint(&certs.self, hex);
    check_int(shake_pinned(&c, &certs.self, &err), 0);
    check_int(shake_pinned(&c, &certs.server, &err), -EKEYREJECTED);
    expect_words(err.text, "does not have the fingerprint that is expected");
    cert_fingerprint(&certs.authority, hex);
    struct cert both = certs.server;
    (void)snprintf(chain, sizeof chain, "%s%s", certs.server.pem, certs.authority.pem);
    check(strlen(chain) < sizeof both.pem);
    memcpy(both.pem, chain, strlen(chain) + 1);
    check_int(shake_pinned(&c, &both, &err), 0);
    c.server_name = TEXT("elsewhere.test"); /* below a pinned authority the name counts */
    check_int(shake_pinned(&c, &both, &err), -EKEYREJECTED);
    expect_words(err.text, "is not for 'elsewhere.test'");
}

static void clients_show_certificates(void)
{
    struct lines l, m;
    struct tls_client_options bare = client_options(&l), c = bare;
    struct tls_server_options s = server_options(&l, &certs.server);
    struct ends e;
    char byte;

    s.client_authority = (struct text_list){.at = &m.authority, .len = 1};
    m.authority = text_of(certs.authority.pem);
    c.certificate = pem_of(&m.cert, certs.client.pem);
    c.key = pem_of(&m.key, certs.client.key_pem);
    ends_new(&e, &c, &s);
    shake(&e);
    expect_good(&e);
    ends_free(&e);
    /* In TLS 1.3 the client learns with the first read that it was refused. */
    ends_new(&e, &bare, &s);
    shake(&e);
    check(e.server_result < 0);
    expect_words(e.server_error.text, "peer did not return a certificate");
    check(e.client_result < 0 || stream_read(e.out, &byte, 1) < 0);
    ends_free(&e);
    c.certificate = pem_of(&m.cert, certs.self.pem);
    c.key = pem_of(&m.key, certs.self.key_pem);
    ends_new(&e, &c, &s);
    shake(&e);
    check_int(e.server_result, -EKEYREJECTED);
    expect_words(e.server_error.text, "'CN=self' is signed by itself");
    ends_free(&e);
}

static void clients_are_pinned_by_their_key(void)
{
    struct lines l, m;
    char key[45];
    struct tls_client_options c = client_options(&l);
    struct tls_server_options s = server_options(&l, &certs.server);
    struct ends e;

    cert_public_key(&certs.self, key);
    m.public_key = text_of(key);
    s.client_public_keys = (struct text_list){.at = &m.public_key, .len = 1};
    c.certificate = pem_of(&m.cert, certs.self.pem);
    c.key = pem_of(&m.key, certs.self.key_pem);
    ends_new(&e, &c, &s);
    shake(&e);
    expect_good(&e);
    ends_free(&e);
    c.certificate = pem_of(&m.cert, certs.client.pem);
    c.key = pem_of(&m.key, certs.client.key_pem);
    ends_new(&e, &c, &s);
    shake(&e);
    check_int(e.server_result, -EKEYREJECTED);
    ends_free(&e);
}

static void names_choose_the_certificate(void)
{
    struct lines l, m[2];
    struct tls_client_options c = client_options(&l);
    struct tls_server_options s = server_options(&l, &certs.server);
    struct tls_certificate_option more[2];
    static const char *const good[] = {"server.test", "other.test", "a.wild.test", "OTHER.test"};
    static const char *const bad[] = {"wild.test", "a.b.wild.test", "nobody.test"};
    struct ends e;

    more[0] = (struct tls_certificate_option){.certificate = pem_of(&m[0].cert, certs.other.pem),
                                              .key = pem_of(&m[0].key, certs.other.key_pem)};
    more[1] = (struct tls_certificate_option){.certificate = pem_of(&m[1].cert, certs.wild.pem),
                                              .key = pem_of(&m[1].key, certs.wild.key_pem)};
    s.certificates.at = more;
    s.certificates.len = 2;
    ends_new(&e, &c, &s);
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        e.name = good[i];
        shake(&e);
        expect_good(&e);
        hang_up(&e);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        e.name = bad[i];
        shake(&e);
        check_int(e.client_result, -EKEYREJECTED);
        expect_words(e.client_error.text, "'CN=server'"); /* the first one is shown */
        hang_up(&e);
    }
    ends_free(&e);
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    check(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void changed_files_are_read_again(void)
{
    char dir[] = "/tmp/weir-tls-XXXXXX", cert[64], key[64];
    struct lines l;
    struct tls_client_options c = client_options(&l);
    struct tls_server_options s = {.identity = {.enabled = true}};
    struct ends e;

    check(mkdtemp(dir) != NULL);
    (void)snprintf(cert, sizeof cert, "%s/cert.pem", dir);
    (void)snprintf(key, sizeof key, "%s/key.pem", dir);
    write_file(cert, certs.server.pem);
    write_file(key, certs.server.key_pem);
    s.identity.certificate.path = text_of(cert);
    s.key.path = text_of(key);
    ends_new(&e, &c, &s);
    /* The first connection looks at once, later ones every two seconds. */
    write_file(cert, certs.other.pem);
    write_file(key, certs.other.key_pem);
    e.name = "other.test";
    shake(&e);
    expect_good(&e);
    ends_free(&e);
    ends_new(&e, &c, &s);
    e.name = "other.test";
    write_file(cert, "nonsense");
    shake(&e); /* what was stays */
    expect_good(&e);
    ends_free(&e);
    check(unlink(cert) == 0 && unlink(key) == 0 && rmdir(dir) == 0);
}

static void bad_files_are_told_at_the_start(void)
{
    struct lines l;
    struct tls_server_options s = server_options(&l, &certs.server);
    struct tls_client_options c = client_options(&l);
    struct error err;

    s.key = pem_of(&l.key, certs.other.key_pem);
    check(tls_server_new(&s, NULL, "s", &err) == NULL);
    expect_words(err.text, "the key does not belong to the certificate");
    s.key = (struct tls_pem){.path = TEXT("/nonexistent/key.pem")};
    check(tls_server_new(&s, NULL, "s", &err) == NULL);
    expect_words(err.text, "/nonexistent/key.pem: no such file");
    s = (struct tls_server_options){.identity = {.enabled = true}};
    check(tls_server_new(&s, NULL, "s", &err) == NULL);
    expect_words(err.text, "needs a certificate");
    c.authority = pem_of(&l.authority, "nonsense");
    check(tls_client_new(&c, NULL, "c", &err) == NULL);
    expect_words(err.text, "no certificate");
    struct text suite = TEXT("TLS_NONSENSE");
    c = client_options(&l);
    c.cipher_suites = (struct text_list){.at = &suite, .len = 1};
    check(tls_client_new(&c, NULL, "c", &err) == NULL);
    expect_words(err.text, "'TLS_NONSENSE' is not known");
}

/* ---- what is agreed on ----------------------------------------------------------------------- */

static void the_servers_first_protocol_wins(void)
{
    struct lines l, m;
    struct tls_client_options c = client_options(&l);
    struct tls_server_options s = server_options(&l, &certs.server);
    struct ends e;

    l.alpn[0] = TEXT("http/1.1");
    l.alpn[1] = TEXT("h2");
    m.alpn[0] = TEXT("h2");
    m.alpn[1] = TEXT("http/1.1");
    c.alpn = (struct text_list){.at = l.alpn, .len = 2};
    s.alpn = (struct text_list){.at = m.alpn, .len = 2};
    ends_new(&e, &c, &s);
    e.session = mem_new(struct session);
    check(e.session != NULL);
    shake(&e);
    expect_good(&e);
    check(text_is(tls_alpn(e.out), "h2") && text_is(tls_alpn(e.in), "h2"));
    check(strcmp(e.session->tls->alpn, "h2") == 0);
    check(strcmp(e.session->tls->sni, "server.test") == 0);
    check_int(strlen(e.session->tls->ja3), 32);
    check_int(strlen(e.session->tls->ja4), 36);
    check(strncmp(e.session->tls->ja4, "t13d", 4) == 0);
    check_int(e.session->tls->report[0], 0);
    ends_free(&e);
    s.alpn.len = 1;
    c.alpn.len = 1;
    ends_new(&e, &c, &s);
    shake(&e);
    check(e.client_result < 0);
    expect_words(e.client_error.text, "the peer refused: no application protocol");
    ends_free(&e);
    s.alpn.len = 0;
    ends_new(&e, &c, &s);
    shake(&e);
    expect_good(&e);
    check_int(tls_alpn(e.out).len, 0);
    ends_free(&e);
}

static void versions_and_suites_are_chosen(void)
{
    struct lines l;
    struct tls_client_options c = client_options(&l);
    struct tls_server_options s = server_options(&l, &certs.server);
    struct text suite = TEXT("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"), curve = TEXT("P256");
    struct ends e;

    c.max_version = 0x0303;
    c.cipher_suites = (struct text_list){.at = &suite, .len = 1};
    c.curves = (struct text_list){.at = &curve, .len = 1};
    ends_new(&e, &c, &s);
    shake(&e);
    expect_good(&e);
    check(strcmp(tls_version(e.out), "TLSv1.2") == 0);
    carry_big(e.out, e.in);
    carry_big(e.in, e.out);
    ends_free(&e);
    s.min_version = 0x0304;
    ends_new(&e, &c, &s);
    shake(&e);
    check(e.client_result < 0);
    expect_words(e.client_error.text, "the peer refused: protocol version");
    ends_free(&e);
    c = client_options(&l);
    c.min_version = c.max_version = 0x0301;
    s.min_version = 0x0301;
    ends_new(&e, &c, &s);
    e.session = mem_new(struct session);
    shake(&e);
    expect_good(&e);
    check(strcmp(tls_version(e.out), "TLSv1") == 0);
    expect_words(e.session->tls->report, "deprecated version: at most TLS 1.0 is offered");
    ends_free(&e);
}

static void resume_with(int max_version)
{
    struct lines l;
    struct tls_client_options c = client_options(&l);
    struct tls_server_options s = server_options(&l, &certs.server);
    struct ends e;

    c.max_version = max_version;
    ends_new(&e, &c, &s);
    for (int i = 0; i < 4; i++) {
        shake(&e);
        expect_good(&e);
        check_int(tls_was_resumed(e.out), i > 0);
        check_int(tls_was_resumed(e.in), i > 0);
        say(e.in, e.out, "tickets travel with this");
        hang_up(&e);
    }
    e.name = "192.0.2.1"; /* another name begins anew */
    shake(&e);
    expect_good(&e);
    check(!tls_was_resumed(e.out));
    ends_free(&e);
}

static void sessions_are_resumed(void)
{
    resume_with(0);
    resume_with(0x0303);
}

static void streams_outlive_their_makers(void)
{
    struct lines l;
    struct ends e;

    shake_plain(&e, &l);
    tls_client_free(take(e.client));
    tls_server_free(take(e.server));
    say(e.in, e.out, "a ticket comes with this");
    say(e.out, e.in, "and back");
    ends_free(&e);
}

#define ON_WORKER(name, body)                                                                      \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        on_worker(body);                                                                           \
    }

ON_WORKER(bytes_go_both_ways_and_each_end_by_itself, both_ways)
ON_WORKER(an_idle_stream_holds_no_buffer, idle_holds_no_buffer)
ON_WORKER(one_write_is_one_record_and_several_leave_together, records_leave_together)
ON_WORKER(a_record_may_come_in_any_pieces, every_split_of_a_record_is_read)
ON_WORKER(an_end_is_told_from_a_truncation, an_end_and_a_truncation_differ)
ON_WORKER(a_close_answers_the_end_of_the_peer, a_close_answers_the_peers_end)
ON_WORKER(an_abort_is_no_end, an_abort_says_no_end)
ON_WORKER(a_handshake_has_a_deadline, the_handshake_obeys_the_deadline)
ON_WORKER(nonsense_from_servers_is_named, servers_that_answer_nonsense_are_told)
ON_WORKER(what_is_no_hello_is_refused, strangers_at_the_front_door_are_refused)
ON_WORKER(a_hello_may_come_in_several_records, a_hello_in_two_records_is_read)
ON_WORKER(a_changed_hello_does_no_harm, bit_flips_in_the_hello_do_no_harm)
ON_WORKER(a_bad_certificate_is_named_with_reason_and_date, bad_certificates_are_named_with_reason_and_date)
ON_WORKER(an_address_is_verified_and_not_sent, an_address_is_a_name)
ON_WORKER(insecure_is_honoured, insecure_takes_anyone)
ON_WORKER(a_pinned_key_suffices, a_pinned_public_key_is_all_that_counts)
ON_WORKER(a_fingerprint_pins_a_certificate_of_the_chain, a_fingerprint_is_of_the_certificate_or_of_one_above)
ON_WORKER(a_client_may_have_to_show_a_certificate, clients_show_certificates)
ON_WORKER(a_client_may_be_pinned, clients_are_pinned_by_their_key)
ON_WORKER(the_name_chooses_the_certificate, names_choose_the_certificate)
ON_WORKER(a_changed_file_is_read_again, changed_files_are_read_again)
ON_WORKER(bad_files_are_refused_at_the_start, bad_files_are_told_at_the_start)
ON_WORKER(the_protocol_is_agreed_on, the_servers_first_protocol_wins)
ON_WORKER(versions_suites_and_curves_are_obeyed, versions_and_suites_are_chosen)
ON_WORKER(a_session_is_resumed_with_the_same_name_only, sessions_are_resumed)
ON_WORKER(a_stream_may_outlive_its_maker, streams_outlive_their_makers)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_go_both_ways_and_each_end_by_itself),
        cmocka_unit_test(an_idle_stream_holds_no_buffer),
        cmocka_unit_test(one_write_is_one_record_and_several_leave_together),
        cmocka_unit_test(a_record_may_come_in_any_pieces),
        cmocka_unit_test(an_end_is_told_from_a_truncation),
        cmocka_unit_test(a_close_answers_the_end_of_the_peer),
        cmocka_unit_test(an_abort_is_no_end),
        cmocka_unit_test(a_handshake_has_a_deadline),
        cmocka_unit_test(nonsense_from_servers_is_named),
        cmocka_unit_test(what_is_no_hello_is_refused),
        cmocka_unit_test(a_hello_may_come_in_several_records),
        cmocka_unit_test(a_changed_hello_does_no_harm),
        cmocka_unit_test(a_bad_certificate_is_named_with_reason_and_date),
        cmocka_unit_test(an_address_is_verified_and_not_sent),
        cmocka_unit_test(insecure_is_honoured),
        cmocka_unit_test(a_pinned_key_suffices),
        cmocka_unit_test(a_fingerprint_pins_a_certificate_of_the_chain),
        cmocka_unit_test(a_client_may_have_to_show_a_certificate),
        cmocka_unit_test(a_client_may_be_pinned),
        cmocka_unit_test(the_name_chooses_the_certificate),
        cmocka_unit_test(a_changed_file_is_read_again),
        cmocka_unit_test(bad_files_are_refused_at_the_start),
        cmocka_unit_test(the_protocol_is_agreed_on),
        cmocka_unit_test(versions_suites_and_curves_are_obeyed),
        cmocka_unit_test(a_session_is_resumed_with_the_same_name_only),
        cmocka_unit_test(a_stream_may_outlive_its_maker),
    };

    return cmocka_run_group_tests(tests, make_certs, free_certs);
}
