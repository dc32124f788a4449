#include "policy/subject.h"

#include "policy/regex.h"

static void set_name(struct subject *u, const struct dest *d)
{
    size_t len = d->name_len;

    if (len && d->name[len - 1] == '.')
        len--;
    for (size_t i = 0; i < len; i++) {
        char c = d->name[i];
        u->room[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    u->name = (struct text){.ptr = u->room, .len = len};
}

void subject_refresh(struct subject *u)
{
    const struct session *s = u->session;
    bool is_name = dest_is_name(&s->dest);

    set_name(u, dest_is_name(&s->sniffed) ? &s->sniffed : &s->dest);
    u->source = addr_unmap(s->source);
    u->ip = addr_unmap(s->dest.ip);
    u->addrs = is_name ? s->resolved : &u->ip;
    u->addr_count = is_name ? s->resolved_count : addr_is_set(&u->ip);
    u->can_resolve = is_name && s->resolved_count == 0 && !u->was_asked;
}

void subject_init(struct subject *u, const struct session *s)
{
    u->session = s;
    u->was_asked = false;
    u->regex_room = NULL;
    subject_refresh(u);
}

void subject_done(struct subject *u)
{
    regex_room_free(u->regex_room);
    u->regex_room = NULL;
}
