/* refusal.c: see refusal.h. */
#include "services/api/refusal.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The methods that civetweb knows; any other one it calls a bad request. */
static bool is_known_method(const char *name) {
    static const char known[] = " GET POST PUT DELETE HEAD OPTIONS CONNECT PATCH PROPFIND MKCOL LOCK UNLOCK "
                                "PROPPATCH COPY MOVE REPORT ";
    char word[24];
    const int size = snprintf(word, sizeof(word), " %s ", name);
    return size > 0 && (size_t)size < sizeof(word) && strstr(known, word);
}

/* Whether a request was refused for nothing but its method: then the routes have the better answer. Its
 * fields are not parsed. */
static bool is_foreign_method(const struct mg_request_info *info) {
    return isdigit((unsigned char)info->http_version[0]) && !is_known_method(info->request_method);
}

/* "http://host" and "http://host?query" are targets without a path (RFC 9112, section 3.2.2), which civetweb
 * calls no URI. */
static bool is_target_without_path(const char *target) {
    const size_t scheme = strncasecmp(target, "http://", 7) == 0 ? 7 : 0;
    const size_t authority = strcspn(target + scheme, "/?");
    return scheme > 0 && authority > 0 && target[scheme + authority] != '/';
}

bool rl_refusal_is_for_the_routes(const struct mg_request_info *info, int status, int our_status) {
    if (status != 400 || !info->request_method || !info->request_uri || !info->http_version) {
        return false;
    }
    return is_foreign_method(info) || (our_status == 0 && is_target_without_path(info->request_uri));
}

void rl_refusal_describe(const char *civetweb_says, int status, rl_http_response *response) {
    switch (status) {
    case 411:
        rl_http_error(response, 400, "Malformed Content-Length");
        break;
    case 400: /* civetweb does not say which */
    case 413:
        rl_http_error(response, 400, "Malformed, incomplete or too large request head (at most 16384 bytes)");
        break;
    default:
        rl_http_error(response, status >= 400 && status < 600 ? status : 500, civetweb_says);
        break;
    }
}
