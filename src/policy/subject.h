/*
 * A flow as rules see it: the session's fields in the form that matching needs. It borrows the
 * session and is made anew (subject_refresh) when an action changed the session.
 */
#ifndef WEIR_POLICY_SUBJECT_H
#define WEIR_POLICY_SUBJECT_H

#include "net/proxy.h"

struct subject {
    const struct session *session;
    struct text name;         /* lower case, no final dot: the sniffed name, else the destination's; may be empty */
    const struct addr *addrs; /* the destination's address, or those its name was resolved to */
    unsigned addr_count;
    bool can_resolve;         /* the destination is a name nobody has asked for yet */
    bool was_asked;           /* set by whoever resolved, also when that failed */
    struct addr ip;
    struct addr source;
    void *regex_room;         /* made by the first regular expression */
    char room[DEST_NAME];
};

void subject_init(struct subject *u, const struct session *s);
void subject_refresh(struct subject *u);
void subject_done(struct subject *u);

#endif
