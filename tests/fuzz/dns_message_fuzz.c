#include "format/dns_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(const struct dns_name *n)
{
    char text[DNS_NAME_TEXT];
    struct dns_name back;

    (void)dns_name_print(n, text);
    if (dns_name_parse(text_of(text), &back) < 0 || !dns_name_eq(n, &back))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes msg = {.ptr = data, .len = size};
    struct text t = {.ptr = (const char *)data, .len = size};
    uint8_t out[512];
    struct writer w = writer_of(out, sizeof(out));
    struct dns_message m;
    struct dns_question q;
    struct dns_record rec;
    struct dns_answer a;
    struct dns_name name;

    if (dns_name_parse(t, &name) == 0)
        check_name(&name);
    (void)!dns_write_reply(&w, msg, 0, DNS_REFUSED);
    if (dns_open(msg, &m) < 0)
        return 0;
    if (dns_next_question(&m, &q) > 0) {
        check_name(&q.name);
        (void)!dns_read_answer(msg, m.id, &q, &a);
    }
    while (dns_next_record(&m, &rec) > 0) {
        size_t at = rec.data_at;
        check_name(&rec.name);
        (void)!dns_name_read(msg, &at, &name);
    }
    return 0;
}
