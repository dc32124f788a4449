/* The line about a session that has ended, and the words it is made of. */
#ifndef WEIR_POLICY_SESSION_LINE_H
#define WEIR_POLICY_SESSION_LINE_H

#include "base/log.h"
#include "net/session.h"

/*
 * At info; at warn when `err` tells why it failed. Nothing is formatted when the level is off.
 *   #7 tcp mixed-in 10.0.0.2:5312 -> example.org:443 (tls example.org), rule 'DOMAIN-SUFFIX,org,A',
 *   chain A > jp-1, up 512 down 20480, 1.2s: done
 */
void session_line_write(const struct log *log, const struct session *s, int result, const struct error *err);
void session_line_print(const struct session *s, int result, const struct error *err, struct strbuf *out);

#endif
