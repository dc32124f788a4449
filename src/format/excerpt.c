#include "format/excerpt.h"

#include "format/utf8.h"

enum {
    SCAN_MAX = 1 << 20,    /* bytes of a line that are looked at for keys */
    BEFORE_CARET = 60,     /* characters of a long line kept before the caret */
};

bool excerpt_is_wide(uint32_t c)
{
    static const uint32_t range[][2] = {
        {0x1100, 0x115f}, {0x2e80, 0xa4cf}, {0xac00, 0xd7a3}, {0xf900, 0xfaff}, {0xfe30, 0xfe6f},
        {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff},
        {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
    };

    for (size_t i = 0; i < ARRAY_LEN(range); i++) {
        if (c >= range[i][0] && c <= range[i][1])
            return true;
    }
    return false;
}

bool diag_is_secret(struct text key)
{
    static const char *const parts[] = {
        "passw", "passphrase", "psk", "private", "uuid", "token", "secret", "credential", "auth",
        "api_key", "apikey", "access_key", "presharedkey", "pre_shared", "short_id", "cookie",
        "mac_key",
    };
    static const char *const whole[] = {"key", "pass", "seed"};
    char name[48];

    if (!text_copy(key, name, sizeof name))
        return true;
    for (char *p = name; *p; p++)
        *p = *p == '-' ? '_' : *p >= 'A' && *p <= 'Z' ? (char)(*p | 0x20) : *p;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (strstr(name, parts[i]))
            return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(whole); i++) {
        if (strcmp(name, whole[i]) == 0)
            return true;
    }
    return false;
}

/* A line on its way to being an excerpt. */
struct masker {
    struct text line;
    size_t at;
    size_t caret;     /* byte in `line` */
    size_t out_caret; /* byte in `out` */
    bool caret_done;
    bool secret; /* what the caret points at */
    int depth;   /* of brackets open on this line */
    struct strbuf out;
};

static void note_caret(struct masker *m)
{
    if (!m->caret_done && m->at >= m->caret) {
        m->caret_done = true;
        m->out_caret = m->out.len;
    }
}

static char peek(const struct masker *m, size_t ahead)
{
    return m->at + ahead < m->line.len ? m->line.ptr[m->at + ahead] : 0;
}

/* Copies up to `end`, without what would steer a terminal. */
static void copy_to(struct masker *m, size_t end)
{
    while (m->at < end) {
        uint32_t c;
        struct text rest = text_sub(m->line, m->at, SIZE_MAX);
        size_t n = utf8_decode(rest, &c);
        note_caret(m);
        if (n == 0 || utf8_is_control(c))
            strbuf_add_char(&m->out, '?');
        else
            strbuf_add(&m->out, rest.ptr, n);
        m->at += n ? n : 1;
    }
}

/* Writes *** for what stands up to `end`. */
static void mask_to(struct masker *m, size_t end)
{
    if (m->at >= end)
        return;
    note_caret(m);
    if (m->caret < end && !m->caret_done) {
        m->caret_done = true;
        m->out_caret = m->out.len;
    }
    strbuf_add_text(&m->out, TEXT("***"));
    m->at = end;
}

/* Position behind the quoted text that starts at m->at, or the end of the line. */
static size_t quoted_end(const struct masker *m)
{
    char quote = m->line.ptr[m->at];

    for (size_t i = m->at + 1; i < m->line.len; i++) {
        bool doubled = quote == '\'' && i + 1 < m->line.len && m->line.ptr[i] == quote &&
                       m->line.ptr[i + 1] == quote;
        if (doubled || (quote == '"' && m->line.ptr[i] == '\\'))
            i++;
        else if (m->line.ptr[i] == quote)
            return i + 1;
    }
    return m->line.len;
}

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' || c == '-' ||
           c == '.' || c == '$' || (uint8_t)c >= 0x80;
}

static size_t word_end(const struct masker *m)
{
    size_t i = m->at;

    while (i < m->line.len && is_word(m->line.ptr[i]))
        i++;
    return i;
}

/* Where a value without quotes ends: inside brackets at the next , ] } and else with the line. */
static size_t plain_end(const struct masker *m)
{
    size_t i = m->at;

    if (m->depth <= 0)
        return m->line.len;
    while (i < m->line.len && !strchr(",]}", m->line.ptr[i]))
        i++;
    return i;
}

static size_t bracket_end(const struct masker *m)
{
    const char *close = memrchr(m->line.ptr + m->at, ']', m->line.len - m->at);
    return close ? (size_t)(close - m->line.ptr) : m->line.len;
}

static void mask_value(struct masker *m)
{
    while (peek(m, 0) == ' ' || peek(m, 0) == '\t')
        copy_to(m, m->at + 1);
    char c = peek(m, 0);
    if (c == 0 || c == '{')
        return;
    if (c == '"' || c == '\'') {
        size_t end = quoted_end(m);
        copy_to(m, m->at + 1);
        bool closed = end > m->at && m->line.ptr[end - 1] == c;
        mask_to(m, closed ? end - 1 : end);
        copy_to(m, end);
    } else if (c == '[') {
        copy_to(m, m->at + 1);
        mask_to(m, bracket_end(m));
    } else
        mask_to(m, plain_end(m));
}

/* Whether the key that ended at m->at is followed by its colon; copies the colon. */
static bool take_colon(struct masker *m, bool quoted)
{
    size_t i = m->at;

    while (i < m->line.len && (m->line.ptr[i] == ' ' || m->line.ptr[i] == '\t'))
        i++;
    if (i == m->line.len || (m->line.ptr[i] != ':' && m->line.ptr[i] != '='))
        return false;
    char next = i + 1 < m->line.len ? m->line.ptr[i + 1] : ' ';
    /* In YAML only a quoted key may do without the blank. */
    if (!quoted && m->line.ptr[i] == ':' && next != ' ' && next != '\t')
        return false;
    copy_to(m, i + 1);
    return true;
}

/* A URL from m->at to `end`: user part and query may be secrets, and some links are one. */
static void copy_url(struct masker *m, size_t end)
{
    struct text t = text_sub(m->line, m->at, end - m->at);
    ssize_t colon = text_search(t, TEXT("://"));

    if (colon < 0) {
        copy_to(m, end);
        return;
    }
    struct text scheme = text_sub(t, 0, (size_t)colon);
    size_t start = m->at + (size_t)colon + 3;
    copy_to(m, start);
    if (text_ends(scheme, TEXT("vmess")) || text_ends(scheme, TEXT("ss")) ||
        text_ends(scheme, TEXT("ssr")) || text_ends(scheme, TEXT("ssd"))) {
        mask_to(m, end);
        return;
    }
    struct text rest = text_sub(m->line, start, end - start);
    ssize_t user = text_find_last(rest, '@'), query = text_find(rest, '?');
    if (user > 0)
        mask_to(m, start + (size_t)user);
    if (query >= 0 && start + (size_t)query >= m->at) {
        copy_to(m, start + (size_t)query + 1);
        mask_to(m, end);
    }
    copy_to(m, end);
}

static void step_quoted(struct masker *m)
{
    size_t start = m->at, end = quoted_end(m);
    size_t inner = end > start + 1 && m->line.ptr[end - 1] == m->line.ptr[start] ? end - 1 : end;
    struct text key = text_sub(m->line, start + 1, inner - start - 1);
    struct masker ahead = *m;

    ahead.at = end;
    while (peek(&ahead, 0) == ' ' || peek(&ahead, 0) == '\t')
        ahead.at++;
    bool is_key = peek(&ahead, 0) == ':';
    copy_to(m, start + 1);
    if (!is_key && m->secret && m->caret >= start && m->caret < end)
        mask_to(m, inner);
    else if (is_key)
        copy_to(m, inner);
    else
        copy_url(m, inner);
    copy_to(m, end);
    if (is_key && take_colon(m, true) && diag_is_secret(key))
        mask_value(m);
}

static void step_word(struct masker *m)
{
    size_t start = m->at, end = word_end(m);
    struct text key = text_sub(m->line, start, end - start);
    struct text rest = text_sub(m->line, end, SIZE_MAX);
    bool is_key = text_starts(rest, TEXT(": ")) || text_starts(rest, TEXT("=")) || text_is(rest, ":");

    if (text_starts(rest, TEXT("://"))) {
        while (end < m->line.len && !strchr(" \t\"',", m->line.ptr[end]))
            end++;
        copy_url(m, end);
        return;
    }
    if (!is_key && m->secret && m->caret >= start && m->caret < end) {
        mask_to(m, plain_end(m));
        return;
    }
    copy_to(m, end);
    if (take_colon(m, false) && diag_is_secret(key))
        mask_value(m);
}

/* A quote that opens something: not the one in "it's", and closed on this line. */
static bool is_quote(const struct masker *m)
{
    char c = peek(m, 0);

    if ((c != '"' && c != '\'') || (m->at && is_word(m->line.ptr[m->at - 1])))
        return false;
    size_t end = quoted_end(m);
    return end > m->at + 1 && m->line.ptr[end - 1] == c;
}

static void mask_line(struct masker *m)
{
    while (m->at < m->line.len) {
        char c = peek(m, 0);
        if (is_quote(m))
            step_quoted(m);
        else if (is_word(c))
            step_word(m);
        else if (m->secret && m->at == m->caret && !strchr("[{ \t", c))
            mask_to(m, plain_end(m));
        else {
            m->depth += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0;
            copy_to(m, m->at + 1);
        }
    }
    note_caret(m);
    if (!m->caret_done)
        m->out_caret = m->out.len;
}

static struct text line_around(struct place at, size_t *caret)
{
    struct text t = at.source->text;
    size_t start = min_of((size_t)at.offset, t.len), end = start;
    size_t least = start > SCAN_MAX ? start - SCAN_MAX : 0;

    while (start > least && t.ptr[start - 1] != '\n')
        start--;
    if (start && t.ptr[start - 1] != '\n')
        return (struct text){0}; /* too far from its keys to know what is secret */
    while (end < t.len && t.ptr[end] != '\n' && end < start + 2 * SCAN_MAX)
        end++;
    if (end > start && t.ptr[end - 1] == '\r')
        end--;
    *caret = at.offset - start;
    return text_sub(t, start, end - start);
}

static uint32_t count_characters(struct text t)
{
    uint32_t n = 0;

    for (size_t i = 0; i < t.len; i++)
        n += ((uint8_t)t.ptr[i] & 0xc0) != 0x80;
    return n;
}

static size_t skip_characters(struct text t, uint32_t count)
{
    size_t i = 0;

    while (i < t.len && (count || ((uint8_t)t.ptr[i] & 0xc0) == 0x80)) {
        if (((uint8_t)t.ptr[i] & 0xc0) != 0x80)
            count--;
        i++;
        while (i < t.len && ((uint8_t)t.ptr[i] & 0xc0) == 0x80)
            i++;
    }
    return i;
}

/* Characters of the word or quoted text at the start of `t`. */
static uint32_t token_width(struct text t)
{
    struct masker m = {.line = t};

    if (t.len == 0)
        return 1;
    if (t.ptr[0] == '"' || t.ptr[0] == '\'')
        return count_characters(text_sub(t, 0, quoted_end(&m)));
    size_t i = 0;
    while (i < t.len && !strchr(" \t,:]}[{\"'#", t.ptr[i]))
        i++;
    return max_of(count_characters(text_sub(t, 0, i)), 1u);
}

/* Keeps the part of a long line round the caret. */
static bool cut(struct diag_entry *e, struct text line, size_t caret, struct arena *arena)
{
    STRBUF out;
    uint32_t total = count_characters(line), before = count_characters(text_sub(line, 0, caret));
    uint32_t from = total > DIAG_LINE_MAX && before > BEFORE_CARET ? before - BEFORE_CARET : 0;
    uint32_t shown = min_of(total - from, (uint32_t)DIAG_LINE_MAX);

    strbuf_init(&out, 8 * DIAG_LINE_MAX);
    size_t start = skip_characters(line, from);
    struct text rest = text_sub(line, start, SIZE_MAX);
    strbuf_add_text(&out, from ? TEXT("...") : TEXT(""));
    strbuf_add_text(&out, text_sub(rest, 0, skip_characters(rest, shown)));
    strbuf_add_text(&out, from + shown < total ? TEXT("...") : TEXT(""));
    uint32_t width = token_width(text_sub(line, caret, SIZE_MAX));
    e->caret = before - from + (from ? 3 : 0);
    e->width = max_of(min_of(width, from + shown - min_of(before, from + shown)), 1u);
    e->excerpt = arena_text(arena, strbuf_text(&out));
    return e->excerpt.ptr && !out.failed;
}

bool excerpt_make(struct diag_entry *e, struct place at, bool secret, struct arena *arena)
{
    struct masker m = {.secret = secret};
    size_t caret = 0;

    m.line = line_around(at, &caret);
    if (!m.line.ptr || !m.line.len)
        return true;
    m.caret = caret;
    strbuf_init(&m.out, 4 * SCAN_MAX);
    mask_line(&m);
    bool ok = !m.out.failed && cut(e, strbuf_text(&m.out), m.out_caret, arena);
    strbuf_done(&m.out);
    return ok;
}
