#include "../torture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/read.h"
#include "main/generation.h"
#include "main/registry.h"
#include "weir.h"

/* ---- two configurations that use most of what there is ------------------------------------ */

static const char mihomo[] =
    "mixed-port: 0\n"
    "bind-address: 127.0.0.1\n"
    "allow-lan: false\n"
    "mode: rule\n"
    "log-level: silent\n"
    "authentication: ['u:p', 'v:q']\n"
    "hosts: {router.lan: 192.168.0.1, alias.lan: router.lan}\n"
    "proxies:\n"
    "  - &ss {name: ss, type: ss, server: 127.0.0.1, port: 9, cipher: aes-128-gcm, password: pw, udp: true,\n"
    "         plugin: obfs, plugin-opts: {mode: http, host: a.example}}\n"
    "  - {<<: *ss, name: ss22, cipher: 2022-blake3-aes-128-gcm, password: MTIzNDU2Nzg5MDEyMzQ1Ng==, plugin: ''}\n"
    "  - {name: socks, type: socks5, server: s.example, port: 1080, username: u, password: p, udp: true}\n"
    "  - {name: web, type: http, server: 127.0.0.1, port: 3128, dialer-proxy: socks, headers: {X-A: b}}\n"
    "proxy-groups:\n"
    "  - {name: auto, type: url-test, proxies: [ss, ss22], url: 'http://127.0.0.1:9/', interval: 300}\n"
    "  - {name: back, type: fallback, proxies: [socks, web], url: 'http://127.0.0.1:9/', interval: 300}\n"
    "  - {name: share, type: load-balance, strategy: consistent-hashing, proxies: [ss, socks]}\n"
    "  - {name: PROXY, type: select, proxies: [auto, back, share, DIRECT]}\n"
    "sub-rules: {inner: ['DOMAIN-KEYWORD,inner,DIRECT', 'MATCH,PROXY']}\n"
    "listeners:\n"
    "  - {name: in, type: shadowsocks, listen: 127.0.0.1, port: 0, cipher: aes-256-gcm, password: pw, udp: true}\n"
    "  - {name: t, type: tunnel, listen: 127.0.0.1, port: 0, network: [tcp, udp], target: 127.0.0.1:9, rule: inner}\n"
    "rules:\n"
    "  - DOMAIN-SUFFIX,ads.example,REJECT\n"
    "  - DOMAIN-REGEX,^a+b[0-9]\\.example$,auto\n"
    "  - AND,((NETWORK,UDP),(DST-PORT,443/8443-8500)),REJECT-DROP\n"
    "  - IP-CIDR,10.0.0.0/8,back,no-resolve\n"
    "  - IP-CIDR6,fc00::/7,share\n"
    "  - SUB-RULE,(NETWORK,TCP),inner\n"
    "  - MATCH,PROXY\n";

static const char singbox[] =
    "{\"log\": {\"disabled\": true},\n"
    " \"inbounds\": [\n"
    "  {\"type\": \"mixed\", \"tag\": \"m\", \"listen\": \"127.0.0.1\", \"listen_port\": 0},\n"
    "  {\"type\": \"socks\", \"tag\": \"s\", \"listen\": \"127.0.0.1\", \"listen_port\": 0,\n"
    "   \"users\": [{\"username\": \"u\", \"password\": \"p\"}]},\n"
    "  {\"type\": \"http\", \"tag\": \"h\", \"listen\": \"127.0.0.1\", \"listen_port\": 0},\n"
    "  {\"type\": \"shadowsocks\", \"tag\": \"ss\", \"listen\": \"127.0.0.1\", \"listen_port\": 0,\n"
    "   \"method\": \"2022-blake3-aes-256-gcm\", \"password\": \"MTIzNDU2Nzg5MDEyMzQ1NjEyMzQ1Njc4OTAxMjM0NTY=\",\n"
    "   \"users\": [{\"name\": \"a\", \"password\": \"MTIzNDU2Nzg5MDEyMzQ1NjEyMzQ1Njc4OTAxMjM0NTY=\"}]},\n"
    "  {\"type\": \"direct\", \"tag\": \"d\", \"listen\": \"127.0.0.1\", \"listen_port\": 0,\n"
    "   \"override_address\": \"127.0.0.1\", \"override_port\": 9}],\n"
    " \"outbounds\": [\n"
    "  {\"type\": \"direct\", \"tag\": \"direct\"}, {\"type\": \"block\", \"tag\": \"block\"},\n"
    "  {\"type\": \"shadowsocks\", \"tag\": \"out\", \"server\": \"127.0.0.1\", \"server_port\": 9,\n"
    "   \"method\": \"chacha20-ietf-poly1305\", \"password\": \"pw\", \"detour\": \"proxy\"},\n"
    "  {\"type\": \"socks\", \"tag\": \"proxy\", \"server\": \"127.0.0.1\", \"server_port\": 9},\n"
    "  {\"type\": \"http\", \"tag\": \"web\", \"server\": \"a.example\", \"server_port\": 9, \"headers\": {\"A\": \"b\"}},\n"
    "  {\"type\": \"urltest\", \"tag\": \"auto\", \"outbounds\": [\"out\", \"web\"]},\n"
    "  {\"type\": \"selector\", \"tag\": \"sel\", \"outbounds\": [\"auto\", \"direct\"], \"default\": \"direct\"}],\n"
    " \"route\": {\"rules\": [\n"
    "  {\"action\": \"sniff\", \"timeout\": \"100ms\"},\n"
    "  {\"domain_suffix\": [\"ads.example\"], \"domain_regex\": [\"^a+$\"], \"action\": \"reject\"},\n"
    "  {\"type\": \"logical\", \"mode\": \"or\", \"rules\": [{\"port\": [53]}, {\"ip_cidr\": [\"10.0.0.0/8\"]}],\n"
    "   \"outbound\": \"out\"},\n"
    "  {\"inbound\": [\"h\"], \"ip_is_private\": true, \"outbound\": \"sel\"}],\n"
    "  \"final\": \"direct\"}}\n";

/* ---- reading and building ------------------------------------------------------------------- */

static int read_text(const char *text, struct model *model)
{
    const struct config_source source = {.name = TEXT("config"), .text = text_of(text)};
    const struct config_options options = {.registry = registry};
    struct diag diag;

    diag_init(&diag);
    int r = config_read(&source, 1, &options, model, &diag);
    if (r == -EINVAL) {
        struct strbuf out;
        strbuf_init(&out, 100000);
        diag_print(&diag, false, &out);
        (void)fprintf(stderr, "%s\n", out.ptr ? out.ptr : "(nothing)");
        strbuf_done(&out);
    }
    diag_done(&diag);
    return r;
}

static size_t size_of(const struct model *m)
{
    size_t size = 1000 * m->inbounds.len + 100 * m->outbounds.len + 10 * m->hosts.len;

    for (size_t i = 0; i < m->rules.len; i++)
        size += m->rules.at[i].rules.len;
    return size;
}

struct reading_body {
    const char *text;
    size_t size; /* of the model that was read with all the memory it wanted */
};

/* A label may be missing, but nothing else: what is read without an error is complete. */
static int read_only(void *arg)
{
    struct reading_body *b = arg;
    struct model model;

    model_init(&model);
    int r = read_text(b->text, &model);
    if (r == 0 && b->size)
        assert_int_equal(size_of(&model), b->size);
    b->size = r == 0 ? size_of(&model) : b->size;
    model_done(&model);
    return r;
}

static int build(void *arg)
{
    const struct generation_setup setup = {.registry = registry};
    struct model model;
    struct error err = {0};

    model_init(&model);
    int r = read_text(arg, &model);
    if (r < 0) {
        model_done(&model);
        return r;
    }
    struct generation *g = generation_new(&model, &setup, &err);
    r = g ? 0 : -EIO;
    if (!g && !err.text[0])
        fail_msg("no reason given");
    generation_unref(g);
    return r;
}

static void a_reader_reports_each_lack_of_memory(void **state)
{
    struct reading_body files[] = {{.text = mihomo}, {.text = singbox}};

    (void)state;
    torture_requires();
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(read_only(&files[i]), 0);
        assert_in_range(torture(read_only, &files[i], MAY_PASS), 20, 10000);
    }
}

static void building_reports_each_lack_of_memory(void **state)
{
    char *files[] = {strdup(mihomo), strdup(singbox)};

    (void)state;
    torture_requires();
    for (size_t i = 0; i < 2; i++) {
        assert_in_range(torture(build, files[i], MAY_PASS), 100, 10000);
        free(files[i]);
    }
}

/* ---- the whole, with its threads ------------------------------------------------------------- */

static int start_and_stop(void *arg)
{
    struct weir *w = weir_new(&(struct weir_settings){.config = arg, .workers = 2});

    if (!w)
        return -ENOMEM;
    int r = weir_start(w);
    weir_free(w);
    return r;
}

static void starting_survives_each_lack_of_memory(void **state)
{
    char *files[] = {strdup(mihomo), strdup(singbox)};

    (void)state;
    torture_requires();
    for (size_t i = 0; i < 2; i++) {
        assert_in_range(torture_everywhere(start_and_stop, files[i]), 100, 10000);
        free(files[i]);
    }
}

struct reload {
    struct weir *weir;
    const char *next;
};

static int reload(void *arg)
{
    struct reload *r = arg;
    int result = weir_reload(r->weir, r->next);

#ifdef WEIR_FAILING_ALLOC
    bool has_failed = mem_has_failed_anywhere();
    mem_fail_anywhere_at(0);
    /* Whatever happened: an instance runs, and a reload with memory succeeds. */
    assert_true(weir_port(r->weir, "d") > 0);
    assert_int_equal(weir_reload(r->weir, NULL), 0);
    mem_fail_anywhere_at(has_failed ? 1 : 0);
    if (has_failed)
        mem_free(mem_alloc(1));
#endif
    return result;
}

static void reloading_survives_each_lack_of_memory(void **state)
{
    struct reload r = {.next = singbox};

    (void)state;
    torture_requires();
    r.weir = weir_new(&(struct weir_settings){.config = singbox, .workers = 2});
    assert_non_null(r.weir);
    assert_int_equal(weir_start(r.weir), 0);
    assert_in_range(torture_everywhere(reload, &r), 100, 10000);
    weir_free(r.weir);
}

/* ---- one session after the other, each short of one allocation --------------------------------- */

static int connect_to(int port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    return fd;
}

/* n bytes within a while, or -1. */
static int read_exactly(int fd, void *out, size_t n)
{
    for (size_t at = 0; at < n;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, 10000) != 1)
            fail_msg("the session hangs");
        ssize_t got = read(fd, (char *)out + at, n - at);
        if (got <= 0)
            return -1;
        at += (size_t)got;
    }
    return 0;
}

struct path {
    struct weir *weir;
    int port;       /* of the SOCKS inbound */
    uint16_t echo;
    int listener;
};

static void *echo_for_ever(void *arg)
{
    char buf[4096];
    ssize_t n;

    for (;;) {
        int client = accept(*(int *)arg, NULL, NULL);
        if (client < 0)
            return NULL;
        while ((n = read(client, buf, sizeof buf)) > 0)
            (void)!write(client, buf, (size_t)n);
        (void)close(client);
    }
}

static int through_socks(void *arg)
{
    struct path *p = arg;
    uint8_t request[] = {5, 1, 0, 1, 127, 0, 0, 1, (uint8_t)(p->echo >> 8), (uint8_t)p->echo}, answer[10];
    char back[5];
    int fd = connect_to(p->port), r = -EIO;

    (void)!write(fd, "\5\1\0", 3);
    if (read_exactly(fd, answer, 2) == 0 && write(fd, request, sizeof request) == sizeof request &&
        read_exactly(fd, answer, sizeof answer) == 0 && answer[1] == 0 && write(fd, "hello", 5) == 5 &&
        read_exactly(fd, back, 5) == 0)
        r = memcmp(back, "hello", 5) == 0 ? 0 : -EBADMSG;
    (void)close(fd);
    assert_int_not_equal(r, -EBADMSG);
    return r;
}

static void carry(const char *method, const char *password)
{
    static const char format[] =
        "{\"log\": {\"disabled\": true}, \"inbounds\": ["
        "{\"type\": \"mixed\", \"tag\": \"in\", \"listen\": \"127.0.0.1\", \"listen_port\": 0},"
        "{\"type\": \"shadowsocks\", \"tag\": \"ss\", \"listen\": \"127.0.0.1\", \"listen_port\": %d,"
        " \"method\": \"%s\", \"password\": \"%s\"}],"
        " \"outbounds\": [{\"type\": \"direct\", \"tag\": \"direct\"},"
        " {\"type\": \"shadowsocks\", \"tag\": \"out\", \"server\": \"127.0.0.1\", \"server_port\": %d,"
        " \"method\": \"%s\", \"password\": \"%s\"}],"
        " \"route\": {\"rules\": [{\"inbound\": [\"in\"], \"outbound\": \"out\"}], \"final\": \"direct\"}}";
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof sa;
    struct path p = {.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    char config[1500];
    pthread_t echo;

    assert_int_equal(bind(p.listener, (struct sockaddr *)&sa, sizeof sa), 0);
    assert_int_equal(listen(p.listener, 16), 0);
    assert_int_equal(getsockname(p.listener, (struct sockaddr *)&sa, &len), 0);
    p.echo = ntohs(sa.sin_port);
    assert_int_equal(pthread_create(&echo, NULL, echo_for_ever, &p.listener), 0);
    /* First with a port that the kernel chooses, then with that one in the outbound as well. */
    (void)snprintf(config, sizeof config, format, 0, method, password, 9, method, password);
    p.weir = weir_new(&(struct weir_settings){.config = config, .workers = 1});
    assert_non_null(p.weir);
    assert_int_equal(weir_start(p.weir), 0);
    int port = weir_port(p.weir, "ss");
    (void)snprintf(config, sizeof config, format, port, method, password, port, method, password);
    if (weir_reload(p.weir, config) < 0)
        fail_msg("%s", weir_message(p.weir));
    p.port = weir_port(p.weir, "in");
    assert_in_range(torture_everywhere(through_socks, &p), 5, 1000);
    assert_int_equal(through_socks(&p), 0);
    struct weir_counters counters;
    assert_int_equal(weir_stop(p.weir, 5000), 0);
    weir_get_counters(p.weir, &counters);
    assert_int_equal(counters.sessions_active, 0);
    weir_free(p.weir);
    (void)shutdown(p.listener, SHUT_RDWR);
    (void)pthread_join(echo, NULL);
    (void)close(p.listener);
}

static void sessions_survive_each_lack_of_memory(void **state)
{
    (void)state;
    torture_requires();
    carry("aes-128-gcm", "pw");
    carry("2022-blake3-aes-128-gcm", "MTIzNDU2Nzg5MDEyMzQ1Ng==");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_reports_each_lack_of_memory),
        cmocka_unit_test(building_reports_each_lack_of_memory),
        cmocka_unit_test(starting_survives_each_lack_of_memory),
        cmocka_unit_test(reloading_survives_each_lack_of_memory),
        cmocka_unit_test(sessions_survive_each_lack_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
