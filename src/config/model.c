#include "config/model.h"

void model_init(struct model *m)
{
    *m = (struct model){0};
    arena_init(&m->arena, 0);
    m->log.level = LOG_INFO;
    m->log.timestamp = true;
    m->use_system_hosts = true;
    m->allow_lan = true;
}

void model_done(struct model *m)
{
    for (size_t i = 0; i < m->documents.len; i++) {
        document_done(m->documents.at[i]);
        mem_free(m->documents.at[i]);
    }
    vec_done(&m->documents);
    vec_done(&m->inbounds);
    vec_done(&m->outbounds);
    vec_done(&m->rules);
    vec_done(&m->hosts);
    arena_done(&m->arena);
    *m = (struct model){0};
}
