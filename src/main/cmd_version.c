/* weir version: of itself and of the libraries it runs with. */
#include <libfyaml.h>
#include <openssl/crypto.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <sodium.h>
#include <stdio.h>

#include "main/commands.h"
#include "main/registry.h"
#include "main/version.h"

static bool name_only;

static const struct flag flag_table[] = {
    {"name", 'n', FLAG_SWITCH, &name_only, NULL, NULL, "the version number only"},
    {0},
};

static void print_protocols(void)
{
    const char *sides[] = {"inbounds: ", "outbounds:"};

    for (int side = 0; side < 2; side++) {
        (void)fputs(sides[side], stdout);
        for (size_t i = 0; registry[i]; i++) {
            if (side == 0 ? registry[i]->inbound_new != NULL : registry[i]->outbound_new != NULL)
                (void)printf(" %s", registry[i]->name);
        }
        (void)fputc('\n', stdout);
    }
}

static int run(const struct command *c, int argc, char **argv)
{
    char pcre[64] = "";
    int n = cli_parse(c, argc, argv, NULL, 0);

    if (n < 0)
        return cli_exit(n);
    if (name_only) {
        (void)puts(WEIR_VERSION);
        return EXIT_OK;
    }
    (void)pcre2_config(PCRE2_CONFIG_VERSION, pcre);
    (void)printf("weir %s\n", WEIR_VERSION);
    print_protocols();
    (void)printf("libraries: %s, libsodium %s, PCRE2 %s, libfyaml %s\n", OpenSSL_version(OPENSSL_VERSION),
                 sodium_version_string(), pcre, fy_library_version());
    return EXIT_OK;
}

const struct command command_version = {
    .name = "version",
    .summary = "Print versions: weir's, and of the libraries in use.",
    .run = run,
    .flags = flag_table,
};
