/* A doubly linked list whose links live in the members. An empty link points to itself. */
#ifndef WEIR_BASE_LIST_H
#define WEIR_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

struct list {
    struct list *next;
    struct list *prev;
};

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}

static inline bool list_is_empty(const struct list *l)
{
    return l->next == l;
}

/* At the end. */
static inline void list_add(struct list *l, struct list *item)
{
    item->prev = l->prev;
    item->next = l;
    l->prev->next = item;
    l->prev = item;
}

static inline void list_add_first(struct list *l, struct list *item)
{
    list_add(l->next, item);
}

/* Out of its list; the link is then an empty one, so that a second call does nothing. */
static inline void list_remove(struct list *item)
{
    item->prev->next = item->next;
    item->next->prev = item->prev;
    list_init(item);
}

/* Moves all of `from` to the end of `to`. */
static inline void list_move_all(struct list *to, struct list *from)
{
    if (list_is_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

/* Walks all members; the current one may be removed. */
#define list_each(item, head)                                                                      \
    for (struct list *item = (head)->next, *item##_next = item->next; item != (head);              \
         item = item##_next, item##_next = item->next)

#endif
