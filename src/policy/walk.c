#include "policy/route_internal.h"

void walk_start(struct walk *w, const struct route_table *t, struct subject *u, uint32_t list)
{
    *w = (struct walk){.table = t, .subject = u, .at = {{list, 0}}, .depth = 1};
}

static void tell_passed(struct walk *w, struct rule_id from, uint32_t end)
{
    if (w->passed && end > from.rule)
        w->passed(w->arg, from.list, from.rule, end);
}

/* The step for a rule that matched; false when a list was entered and the walk goes on there. */
static bool reach(struct walk *w, struct rule_id *at)
{
    const struct route_table *t = w->table;

    w->rule = *at;
    at->rule++;
    w->action = &t->actions.at[t->lists[w->rule.list].rules[w->rule.rule].action];
    if (w->action->kind != RULE_SUB_RULE)
        return true;
    /* route_table_new() refused circles and lists too deep. */
    if (w->depth < SUB_RULES_DEEP) {
        w->at[w->depth++] = (struct rule_id){.list = w->action->list};
        if (w->entered)
            w->entered(w->arg, w->rule, w->action->list);
    }
    return false;
}

enum walk_step walk_next(struct walk *w)
{
    while (w->depth) {
        struct rule_id *at = &w->at[w->depth - 1];
        const struct route_list *list = &w->table->lists[at->list];
        uint32_t rule = 0;
        switch (matcher_find(list->matcher, w->subject, at->rule, &rule)) {
        case MATCH_NO:
            tell_passed(w, *at, list->count);
            w->depth--;
            break;
        case MATCH_UNKNOWN:
            tell_passed(w, *at, rule);
            at->rule = rule;
            w->rule = *at;
            return STEP_RESOLVE;
        case MATCH_YES:
            tell_passed(w, *at, rule);
            at->rule = rule;
            if (reach(w, at))
                return STEP_RULE;
            break;
        }
    }
    return STEP_END;
}
