#include "main/commands.h"

#include <stdio.h>
#include <unistd.h>

#include "main/registry.h"

const struct command *const commands[] = {
    &command_run,     &command_check,    &command_format,     &command_convert, &command_explain,
    &command_generate, &command_completion, &command_version, &command_reference, NULL,
};

void config_flags_default(struct flag_list *files, const struct flag_list *directories)
{
    static const char *const places[] = {"config.json", "config.yaml", "/etc/weir/config.json", "/etc/weir/config.yaml"};

    for (size_t i = 0; i < directories->len && files->len < CLI_VALUES; i++)
        files->at[files->len++] = directories->at[i];
    for (size_t i = 0; i < ARRAY_LEN(places) && files->len == 0; i++) {
        if (access(places[i], R_OK) == 0)
            files->at[files->len++] = places[i];
    }
    if (files->len == 0)
        files->at[files->len++] = places[0];
}

int config_flags_read(const struct flag_list *files, bool allow_unsupported, struct config_files *loaded,
                      struct model *model, struct diag *diag)
{
    const struct config_options options = {.allow_unsupported = allow_unsupported, .registry = registry};
    struct error err = {0};

    diag_init(diag);
    model_init(model);
    if (config_load(files->at, files->len, loaded, &err) < 0) {
        (void)fprintf(stderr, "error: %s\n", err.text);
        return EXIT_FAILED;
    }
    return config_read(loaded->sources.at, loaded->sources.len, &options, model, diag) < 0 ? EXIT_FAILED : 0;
}
