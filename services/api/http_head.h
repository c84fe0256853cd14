/* http_head.h: a request's head, judged again after civetweb has parsed it.
 *
 * Where two readers of the same bytes disagree about where a request ends, what one of them takes for a
 * body the other executes as a request (request smuggling). civetweb 1.16 is lenient in such places: it
 * stops reading fields at a line that it does not understand (a folded line, a lone CR) without a word, it
 * looks at the first Transfer-Encoding only, it takes a lone LF for the end of a line and drops blanks before
 * a colon. All of this is refused here (RFC 9112, sections 2.2, 3.2, 5.1, 5.2 and 6.3).
 *
 * civetweb parses in place: it writes NULs over separators and leaves the rest, so that what it skipped can
 * still be seen between the fields that it reports.
 */
#ifndef RL_API_HTTP_HEAD_H
#define RL_API_HTTP_HEAD_H

#include <civetweb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* civetweb's buffer for a head; a head that does not fit is refused by civetweb. */
#define RL_HTTP_HEAD_BYTES 16384

typedef struct {
    int64_t content_length; /* -1: none given */
    bool chunked;
} rl_http_framing;

/* Checks lines, Host and framing of a head that civetweb has parsed in whole. 0, or the status to refuse it
 * with and `*ret_problem` (a literal); the connection must then be closed. `ret` is filled in either way. */
int rl_http_head_check(const struct mg_request_info *info, rl_http_framing *ret, const char **ret_problem);

/* The length of `value` without trailing blanks, which belong to no field value (RFC 9110, section 5.5) but
 * are left there by civetweb. */
size_t rl_http_value_size(const char *value);

#endif
