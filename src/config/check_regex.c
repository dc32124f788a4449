/* Regular expressions are compiled when the rules are; that they can be, a check says before. */
#include <errno.h>

#include "config/reading.h"
#include "policy/regex.h"

static int check_pattern(struct reading *g, const struct rule_spec *rule, struct text pattern)
{
    struct regex *regex = NULL;
    struct error err = {0};
    int r = regex_new(pattern, &regex, &err);

    regex_free(regex);
    if (r == -EINVAL)
        diag_error(g->diag, rule->at, NULL, "%s", err.text);
    return r == -ENOMEM ? r : 0;
}

static int check_rule(struct reading *g, const struct rule_spec *rule)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < rule->domain_regex.len; i++)
        r = check_pattern(g, rule, rule->domain_regex.at[i]);
    for (size_t i = 0; r == 0 && i < rule->rules.len; i++)
        r = check_rule(g, &rule->rules.at[i]);
    return r;
}

int check_regexes(struct reading *g)
{
    const struct model *m = g->model;
    int r = 0;

    for (size_t i = 0; i < m->rules.len; i++) {
        for (size_t k = 0; r == 0 && k < m->rules.at[i].rules.len; k++)
            r = check_rule(g, &m->rules.at[i].rules.at[k]);
    }
    return r;
}
