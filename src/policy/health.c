#include "policy/health.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/mem.h"
#include "base/vec.h"
#include "policy/health_probe.h"

enum {
    INTERVAL_MS = 180000,
    TIMEOUT_MS = 5000,
    IDLE_MS = 1800000,
    INTERVAL_MIN_MS = 1000,
    BACKOFF_MS = 1000,
    FLAP_MS = 600000, /* ejected again within this: slower re-admission */
    LEVEL_MAX = 6,
    PASSES_MAX = 3,
};

#define DEFAULT_URL TEXT("https://www.gstatic.com/generate_204")

struct health_record {
    struct health *health;
    struct outbound *outbound;
    char *url;
    struct health_expect expect;
    int64_t interval;
    int64_t timeout;
    int64_t idle;
    bool is_lazy;
    bool counts_dials;

    _Atomic uint32_t delay;
    _Atomic bool is_ejected;
    _Atomic bool is_urgent;
    _Atomic int64_t used_at;
    _Atomic int64_t retry_at; /* of an ejected one */

    pthread_mutex_t lock; /* guards what is below; held for a few instructions */
    struct health_sample history[HEALTH_HISTORY];
    unsigned samples;   /* ever taken */
    unsigned level;     /* ejections in a row */
    unsigned passes;    /* probes still to pass */
    int64_t wait;       /* until the next probe */
    int64_t ejected_at;

    int64_t tested_at;  /* worker 0 only; -1: never */
    bool is_testing;
};

/* A running test. */
struct slot {
    struct health *health;
    struct health_record *record; /* NULL: free */
    struct group group;
    bool is_over;
};

struct health {
    VEC(struct health_record *) records;
    const struct log *log;
    struct group group;
    struct event wake;
    struct slot slots[HEALTH_PARALLEL];
    bool was_started;
    _Atomic bool is_running;

    pthread_mutex_t lock; /* guards what is below */
    struct loop *loop;    /* NULL: nobody to wake */
    struct message message;
    bool is_posted;
    struct event delivered;
};

/* ---- life -------------------------------------------------------------------------------- */

struct health *health_new(const struct log *log)
{
    struct health *h = mem_new(struct health);

    if (!h)
        return NULL;
    h->log = log;
    (void)pthread_mutex_init(&h->lock, NULL);
    return h;
}

static void record_free(struct health_record *r)
{
    (void)pthread_mutex_destroy(&r->lock);
    mem_free(r->url);
    mem_free(r);
}

void health_free(struct health *h)
{
    if (!h)
        return;
    for (size_t i = 0; i < h->records.len; i++)
        record_free(h->records.at[i]);
    vec_done(&h->records);
    (void)pthread_mutex_destroy(&h->lock);
    mem_free(h);
}

static int64_t or_default(int64_t value, int64_t def)
{
    return value > 0 ? value : def;
}

static bool same_expect(const struct health_expect *a, const struct health_expect *b)
{
    return a->count == b->count && memcmp(a->range, b->range, a->count * sizeof a->range[0]) == 0;
}

static struct health_record *find(const struct health *h, const struct outbound *o, struct text url,
                                  const struct health_expect *expect)
{
    for (size_t i = 0; i < h->records.len; i++) {
        struct health_record *r = h->records.at[i];
        if (r->outbound == o && text_eq(text_of(r->url), url) && same_expect(&r->expect, expect))
            return r;
    }
    return NULL;
}

/* Of two groups that ask for one record, the more eager one decides. */
static void settle(struct health_record *r, const struct health_settings *s)
{
    int64_t interval = max_of(or_default(s->interval_ms, INTERVAL_MS), (int64_t)INTERVAL_MIN_MS);

    r->interval = min_of(r->interval, interval);
    r->timeout = max_of(r->timeout, or_default(s->timeout_ms, TIMEOUT_MS));
    r->idle = max_of(r->idle, or_default(s->idle_ms, IDLE_MS));
    r->is_lazy = r->is_lazy && s->lazy;
}

static struct health_record *record_new(struct health *h, struct outbound *o, struct text url)
{
    struct health_record *r = mem_new(struct health_record);

    if (!r)
        return NULL;
    r->url = text_dup(url);
    if (!r->url || vec_push(&h->records, r) < 0) {
        mem_free(r->url);
        mem_free(r);
        return NULL;
    }
    r->health = h;
    r->outbound = o;
    r->interval = INT64_MAX;
    r->is_lazy = true;
    r->tested_at = -1;
    /* These dial the target itself, so that a failure says nothing about them. */
    r->counts_dials = strcmp(o->ops->type, "direct") != 0 && strcmp(o->ops->type, "block") != 0;
    (void)pthread_mutex_init(&r->lock, NULL);
    return r;
}

struct health_record *health_watch(struct health *h, struct outbound *o, const struct health_settings *s,
                                   struct error *err)
{
    struct text url = s->url.len ? s->url : DEFAULT_URL;
    struct health_expect expect;
    struct probe_target target;

    if (probe_target_parse(url, &target, err) < 0)
        return NULL;
    if (health_expect_parse(s->expected_status, &expect) < 0) {
        (void)error_set(err, -EINVAL, "expected status '%.*s': not like 200/204 or 200-299",
                        TEXT_ARG(s->expected_status));
        return NULL;
    }
    struct health_record *r = find(h, o, url, &expect);
    if (!r) {
        r = record_new(h, o, url);
        if (!r) {
            (void)error_set(err, -ENOMEM, "out of memory");
            return NULL;
        }
        r->expect = expect;
    }
    settle(r, s);
    return r;
}

/* ---- waking worker 0 from anywhere --------------------------------------------------------- */

static void on_message(struct message *m)
{
    struct health *h = container_of(m, struct health, message);

    pthread_mutex_lock(&h->lock);
    h->is_posted = false;
    pthread_mutex_unlock(&h->lock);
    event_set(&h->wake);
    event_set(&h->delivered);
}

static void wake(struct health *h)
{
    pthread_mutex_lock(&h->lock);
    if (h->loop && !h->is_posted) {
        h->is_posted = true;
        h->message.run = on_message;
        loop_post(h->loop, &h->message);
    }
    pthread_mutex_unlock(&h->lock);
}

/* ---- what flows report --------------------------------------------------------------------- */

static bool is_paused(const struct health_record *r, int64_t now)
{
    int64_t unused = now - atomic_load(&r->used_at);

    return unused > r->idle || (r->is_lazy && unused > r->interval);
}

void health_touch(struct health_record *r)
{
    int64_t now = clock_ms(), used = atomic_load_explicit(&r->used_at, memory_order_relaxed);

    /* Once a second is enough, and keeps the line of memory shared between workers. */
    if (now - used >= 1000) {
        bool was_paused = is_paused(r, now);
        atomic_store(&r->used_at, now);
        if (was_paused)
            wake(r->health);
    }
    if (!atomic_load(&r->is_ejected) || atomic_load(&r->health->is_running))
        return;
    pthread_mutex_lock(&r->lock);
    if (now >= atomic_load(&r->retry_at)) {
        r->wait = min_of(max_of(2 * r->wait, (int64_t)BACKOFF_MS), r->interval);
        atomic_store(&r->retry_at, now + r->wait);
    }
    pthread_mutex_unlock(&r->lock);
}

bool health_is_alive(const struct health_record *r)
{
    if (!atomic_load(&r->is_ejected))
        return true;
    return !atomic_load(&r->health->is_running) && clock_ms() >= atomic_load(&r->retry_at);
}

uint32_t health_delay(const struct health_record *r)
{
    return atomic_load_explicit(&r->delay, memory_order_relaxed);
}

/* With the lock held. `wait`: before the first probe, at level 0. */
static void eject(struct health_record *r, int64_t now, int64_t first_wait)
{
    if (r->level > 0 && now - r->ejected_at > FLAP_MS)
        r->level = 0;
    r->wait = r->level == 0 ? first_wait : min_of((int64_t)BACKOFF_MS << r->level, r->interval);
    r->passes = min_of(r->level + 1, (unsigned)PASSES_MAX);
    r->level = min_of(r->level + 1, (unsigned)LEVEL_MAX);
    r->ejected_at = now;
    atomic_store(&r->retry_at, now + r->wait);
    atomic_store(&r->is_ejected, true);
}

void health_dial_failed(struct health_record *r)
{
    int64_t now = clock_ms();

    if (!r->counts_dials)
        return;
    pthread_mutex_lock(&r->lock);
    bool is_new = !atomic_load(&r->is_ejected);
    if (is_new) {
        bool will_probe = atomic_load(&r->health->is_running);
        eject(r, now, will_probe ? 0 : BACKOFF_MS);
    }
    pthread_mutex_unlock(&r->lock);
    if (is_new) {
        log_info(r->health->log, "outbound '%s': put aside after a failed dial", r->outbound->tag);
        wake(r->health);
    }
}

void health_dial_worked(struct health_record *r)
{
    /* While tests run they decide: a proxy may accept a dial and carry nothing. */
    if (!atomic_load(&r->is_ejected) || atomic_load(&r->health->is_running))
        return;
    pthread_mutex_lock(&r->lock);
    if (r->passes <= 1)
        atomic_store(&r->is_ejected, false);
    else
        r->passes--;
    pthread_mutex_unlock(&r->lock);
}

void health_hurry(struct health_record *r)
{
    atomic_store(&r->is_urgent, true);
    wake(r->health);
}

unsigned health_history(struct health_record *r, struct health_sample out[HEALTH_HISTORY])
{
    pthread_mutex_lock(&r->lock);
    unsigned n = min_of(r->samples, (unsigned)HEALTH_HISTORY);
    for (unsigned i = 0; i < n; i++)
        out[i] = r->history[(r->samples - n + i) % HEALTH_HISTORY];
    pthread_mutex_unlock(&r->lock);
    return n;
}

struct text health_url(const struct health_record *r)
{
    return text_of(r->url);
}

struct outbound *health_outbound(const struct health_record *r)
{
    return r->outbound;
}

struct health_record *health_at(const struct health *h, unsigned i)
{
    return i < h->records.len ? h->records.at[i] : NULL;
}

/* ---- results ----------------------------------------------------------------------------- */

/* With the lock held. */
static void passed(struct health_record *r, int64_t now)
{
    if (!atomic_load(&r->is_ejected))
        return;
    if (r->passes > 1) {
        r->passes--;
        atomic_store(&r->retry_at, now + BACKOFF_MS);
        return;
    }
    atomic_store(&r->is_ejected, false);
    log_info(r->health->log, "outbound '%s': works again", r->outbound->tag);
}

/* With the lock held. */
static void failed(struct health_record *r, int64_t now, const struct error *why)
{
    if (!atomic_load(&r->is_ejected)) {
        eject(r, now, BACKOFF_MS);
        log_info(r->health->log, "outbound '%s': test failed: %s", r->outbound->tag, why->text);
        return;
    }
    r->wait = min_of(max_of(2 * r->wait, (int64_t)BACKOFF_MS), r->interval);
    r->passes = min_of(r->level, (unsigned)PASSES_MAX);
    atomic_store(&r->retry_at, now + r->wait);
    log_debug(r->health->log, "outbound '%s': test failed again: %s", r->outbound->tag, why->text);
}

static void record_result(struct health_record *r, int result, const struct error *why)
{
    uint32_t delay = result > 0 ? (uint32_t)result : 0;
    int64_t now = clock_ms();

    pthread_mutex_lock(&r->lock);
    r->history[r->samples++ % HEALTH_HISTORY] = (struct health_sample){.at = clock_unix(), .delay = delay};
    atomic_store_explicit(&r->delay, delay, memory_order_relaxed);
    if (delay)
        passed(r, now);
    else
        failed(r, now, why);
    pthread_mutex_unlock(&r->lock);
}

/* ---- the schedule, on worker 0 --------------------------------------------------------------- */

static void test_body(void *arg)
{
    struct slot *slot = arg;
    struct health_record *r = slot->record;
    struct error err = {0};
    int result = probe_run(r->outbound, text_of(r->url), &r->expect, &err);

    /* A cancelled test says nothing. */
    if (result != -ECANCELED)
        record_result(r, result, &err);
    slot->is_over = true;
    event_set(&slot->health->wake);
}

static int64_t due_at(const struct health_record *r, int64_t now)
{
    if (r->is_testing)
        return NEVER;
    if (r->tested_at < 0 || atomic_load(&r->is_urgent))
        return now;
    if (is_paused(r, now))
        return NEVER;
    if (atomic_load(&r->is_ejected))
        return max_of(atomic_load(&r->retry_at), r->tested_at + 100);
    return r->tested_at + r->interval;
}

static void reap(struct health *h)
{
    for (unsigned i = 0; i < HEALTH_PARALLEL; i++) {
        struct slot *slot = &h->slots[i];
        if (!slot->record || !slot->is_over)
            continue;
        group_done(&slot->group);
        slot->record->is_testing = false;
        slot->record = NULL;
    }
}

static struct slot *free_slot(struct health *h)
{
    for (unsigned i = 0; i < HEALTH_PARALLEL; i++) {
        if (!h->slots[i].record)
            return &h->slots[i];
    }
    return NULL;
}

static void start_test(struct health *h, struct slot *slot, struct health_record *r, int64_t now)
{
    *slot = (struct slot){.health = h, .record = r};
    group_init(&slot->group, &h->group);
    group_set_deadline(&slot->group, now + r->timeout);
    r->is_testing = true;
    r->tested_at = now;
    atomic_store(&r->is_urgent, false);
    /* Without memory for the test, the next interval tries again. */
    if (co_spawn(&slot->group, "health test", test_body, slot) < 0)
        slot->is_over = true;
}

/* Starts what is due; returns when the next one will be. */
static int64_t start_due(struct health *h)
{
    int64_t now = loop_now(), next = NEVER;

    for (size_t i = 0; i < h->records.len; i++) {
        struct health_record *r = h->records.at[i];
        int64_t at = due_at(r, now);
        if (at > now) {
            next = min_of(next, at);
            continue;
        }
        struct slot *slot = free_slot(h);
        if (!slot)
            return NEVER; /* the end of a test wakes us */
        start_test(h, slot, r, now);
    }
    return next;
}

/* No message is on its way to this loop after this, and none will be sent. */
static void unhook(struct health *h)
{
    atomic_store(&h->is_running, false);
    pthread_mutex_lock(&h->lock);
    h->loop = NULL;
    bool is_posted = h->is_posted;
    h->delivered.is_set = false;
    pthread_mutex_unlock(&h->lock);
    if (is_posted)
        event_wait_through(&h->delivered, "last wake-up of health");
}

static void run(void *arg)
{
    struct health *h = arg;
    int r = 0;

    while (r != -ECANCELED) {
        reap(h);
        r = event_wait(&h->wake, start_due(h), "next health test");
    }
    group_cancel(&h->group);
    for (unsigned i = 0; i < HEALTH_PARALLEL; i++) {
        if (h->slots[i].record)
            group_wait(&h->slots[i].group);
        h->slots[i].is_over = true;
    }
    reap(h);
    unhook(h);
}

int health_start(struct health *h, struct group *parent)
{
    int64_t now = clock_ms();

    if (h->records.len == 0)
        return 0; /* nothing to test: an idle process sleeps */
    for (size_t i = 0; i < h->records.len; i++)
        atomic_store(&h->records.at[i]->used_at, now);
    group_init(&h->group, parent);
    int r = co_spawn(&h->group, "health", run, h);
    if (r < 0) {
        group_done(&h->group);
        return r;
    }
    h->was_started = true;
    atomic_store(&h->is_running, true);
    pthread_mutex_lock(&h->lock);
    h->loop = loop_self();
    pthread_mutex_unlock(&h->lock);
    return 0;
}

void health_stop(struct health *h)
{
    if (!h->was_started)
        return;
    group_done(&h->group);
    h->was_started = false;
}
