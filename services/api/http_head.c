/* http_head.c: see http_head.h. */
#include "services/api/http_head.h"

#include <string.h>
#include <strings.h>

size_t rl_http_value_size(const char *value) {
    size_t size = strlen(value);
    while (size > 0 && (value[size - 1] == ' ' || value[size - 1] == '\t')) {
        size--;
    }
    return size;
}

static bool value_is(const char *value, const char *wanted) {
    const size_t size = rl_http_value_size(value);
    return size == strlen(wanted) && strncasecmp(value, wanted, size) == 0;
}

/* --- lines --- */

/* Whether the fields end where the head ends. `end` is the NUL that civetweb wrote over the CR of the last
 * line; over its LF and over the head's last LF it wrote NULs too, so that a regular head goes on with NUL,
 * CR, NUL. Where there are no fields the CR between is overwritten as well.
 *
 * Only a head of lone LFs can end right behind `end`; then the bytes looked at are not the head's. They still
 * lie in civetweb's buffer, or, if the head fills it to the last byte behind leading blanks, in the eight
 * bytes by which malloc rounds its size up. */
static bool ends_here(const struct mg_request_info *info, const char *end) {
    const char between = info->num_headers > 0 ? '\r' : '\0';
    return end + 4 <= info->request_method + RL_HTTP_HEAD_BYTES && end[1] == '\0' && end[2] == between &&
           end[3] == '\0';
}

/* Whether civetweb dropped blanks between the name and its colon: it wrote NULs over them, and one over the
 * colon, behind the one that ends the name. */
static bool has_blank_before_colon(const struct mg_header *header) {
    const char *after = header->name + strlen(header->name) + 1;
    return header->value > after && memchr(after, '\0', (size_t)(header->value - after));
}

/* Whether each line begins two bytes (CR and LF) behind the end of the one before. */
static bool lines_are_regular(const struct mg_request_info *info) {
    if (!info->http_version || !info->request_method) {
        return false;
    }
    const char *end = info->http_version + strlen(info->http_version);
    for (int i = 0; i < info->num_headers; i++) {
        const struct mg_header *header = &info->http_headers[i];
        if (header->name != end + 2 || has_blank_before_colon(header)) {
            return false;
        }
        end = header->value + strlen(header->value);
    }
    return ends_here(info, end);
}

/* --- fields --- */

static bool parse_length(const char *value, int64_t *ret) {
    const size_t size = rl_http_value_size(value);
    int64_t length = 0;
    for (size_t i = 0; i < size; i++) {
        if (value[i] < '0' || value[i] > '9' || length > (INT64_MAX - 9) / 10) {
            return false;
        }
        length = length * 10 + (value[i] - '0');
    }
    *ret = length;
    return size > 0;
}

static int refuse(int status, const char *text, const char **ret_problem) {
    *ret_problem = text;
    return status;
}

static int add_length(rl_http_framing *framing, const char *value, const char **ret_problem) {
    int64_t length;
    if (!parse_length(value, &length)) {
        return refuse(400, "Malformed Content-Length", ret_problem);
    }
    if (framing->content_length >= 0 && framing->content_length != length) {
        return refuse(400, "Contradicting Content-Length fields", ret_problem);
    }
    framing->content_length = length;
    return 0;
}

static int add_coding(rl_http_framing *framing, const char *value, const char **ret_problem) {
    if (framing->chunked) {
        return refuse(400, "More than one Transfer-Encoding field", ret_problem);
    }
    framing->chunked = true; /* or something worse: in either case not of a known length */
    return value_is(value, "chunked")
               ? 0
               : refuse(501, "Transfer-Encoding must be \"chunked\" and nothing else", ret_problem);
}

/* The first problem wins, but for a second Transfer-Encoding: which of the two is unknown matters less. */
static int read_fields(const struct mg_request_info *info, rl_http_framing *framing, int *hosts,
                       const char **ret_problem) {
    int status = 0;
    for (int i = 0; i < info->num_headers && status != 400; i++) {
        const struct mg_header *header = &info->http_headers[i];
        int problem = 0;
        if (strcasecmp(header->name, "Transfer-Encoding") == 0) {
            problem = add_coding(framing, header->value, ret_problem);
        } else if (strcasecmp(header->name, "Content-Length") == 0) {
            problem = add_length(framing, header->value, ret_problem);
        } else if (strcasecmp(header->name, "Host") == 0) {
            ++*hosts;
        }
        status = problem ? problem : status;
    }
    return status;
}

int rl_http_head_check(const struct mg_request_info *info, rl_http_framing *ret, const char **ret_problem) {
    int hosts = 0;
    *ret = (rl_http_framing){.content_length = -1};
    const int status = read_fields(info, ret, &hosts, ret_problem);
    if (!lines_are_regular(info)) {
        return refuse(400,
                      "Malformed request head: lines must end with CR LF, without folding and without blanks "
                      "before a colon",
                      ret_problem);
    }
    if (status) {
        return status;
    }
    if (ret->chunked && ret->content_length >= 0) {
        return refuse(400, "Content-Length beside Transfer-Encoding", ret_problem);
    }
    if (hosts > 1 || (hosts == 0 && strcmp(info->http_version, "1.0") != 0)) {
        return refuse(400, "Exactly one Host field is required", ret_problem);
    }
    return 0;
}
