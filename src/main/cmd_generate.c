/* weir generate: identifiers and keys. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/rnd.h"
#include "main/commands.h"

enum { RAND_BYTES = 512 };

static struct generate_flags {
    bool base64;
    bool hex;
} flags;

static const struct flag flag_table[] = {
    {"base64", 0, FLAG_SWITCH, &flags.base64, NULL, NULL, "rand: print as base64"},
    {"hex", 0, FLAG_SWITCH, &flags.hex, NULL, NULL, "rand: print as hex (the default)"},
    {0},
};

/* RFC 9562 section 5.4: version 4. */
static int print_uuid(void)
{
    uint8_t b[16];
    char hex[33];

    rnd_bytes(b, sizeof b);
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    hex_encode(b, sizeof b, hex);
    (void)printf("%.8s-%.4s-%.4s-%.4s-%.12s\n", hex, hex + 8, hex + 12, hex + 16, hex + 20);
    return EXIT_OK;
}

static int print_random(size_t n, bool as_base64)
{
    uint8_t b[RAND_BYTES];
    char text[2 * RAND_BYTES + 8];

    for (; n > 0; n -= min_of(n, sizeof b)) {
        size_t part = min_of(n, sizeof b);
        rnd_bytes(b, part);
        if (as_base64)
            base64_encode(b, part, text);
        else
            hex_encode(b, part, text);
        (void)fputs(text, stdout);
    }
    (void)fputc('\n', stdout);
    mem_wipe(b, sizeof b);
    return EXIT_OK;
}

/* Key of a 2022 method, as its specification wants it: base64 of as many bytes as the cipher's key has. */
static int print_ss_key(const char *method)
{
    struct text m = text_of(method);

    if (text_is(m, "2022-blake3-aes-128-gcm"))
        return print_random(16, true);
    if (text_is(m, "2022-blake3-aes-256-gcm") || text_is(m, "2022-blake3-chacha20-poly1305"))
        return print_random(32, true);
    if (text_starts(m, TEXT("2022-"))) {
        (void)fprintf(stderr, "weir generate: unknown method '%s'\n", method);
        return EXIT_FAILED;
    }
    /* The older methods take any password. */
    return print_random(24, true);
}

static int run(const struct command *c, int argc, char **argv)
{
    const char *operands[2] = {NULL, NULL};
    uint64_t n;
    int count = cli_parse(c, argc, argv, operands, 2);

    if (count < 0)
        return cli_exit(count);
    if (count == 1 && strcmp(operands[0], "uuid") == 0)
        return print_uuid();
    if (count == 2 && strcmp(operands[0], "ss-key") == 0)
        return print_ss_key(operands[1]);
    if (count == 2 && strcmp(operands[0], "rand") == 0) {
        /* One chunk, so that base64 has its padding at the end only. */
        if (text_to_u64(text_of(operands[1]), &n) < 0 || n == 0 || n > RAND_BYTES) {
            (void)fprintf(stderr, "weir generate: rand takes 1 to %d bytes\n", RAND_BYTES);
            return EXIT_USAGE;
        }
        return print_random((size_t)n, flags.base64);
    }
    STRBUF out;
    strbuf_init(&out, 1 << 14);
    cli_help(c, &out);
    (void)fputs(out.ptr, stderr);
    return EXIT_USAGE;
}

const struct command command_generate = {
    .name = "generate",
    .operands = "uuid | rand N | ss-key METHOD",
    .summary = "Make identifiers and keys.",
    .run = run,
    .flags = flag_table,
};
