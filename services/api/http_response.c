/* http_response.c: see http_response.h. */
#include "services/api/http_response.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "lib/base/clock.h"
#include "services/api/json_out.h"

#define JSON_TYPE "application/json; charset=utf-8"
#define HEADER_SIZE 640
#define ONE_WRITE_SIZE 4096

void rl_http_response_init(rl_http_response *response) {
    *response = (rl_http_response){.status = 500};
    rl_buffer_init(&response->body, SIZE_MAX / 4);
}

void rl_http_response_free(rl_http_response *response) {
    rl_buffer_free(&response->body);
}

static void one_field(rl_http_response *response, int status, const char *key, rl_bytes text) {
    rl_json json;
    rl_buffer_free(&response->body);
    response->borrowed = rl_bytes_make(NULL, 0);
    response->status = status;
    rl_json_init(&json, &response->body);
    rl_json_open(&json, '{');
    rl_json_key(&json, key);
    rl_json_text(&json, text);
    rl_json_close(&json, '}');
    if (!rl_json_ok(&json)) {
        rl_buffer_free(&response->body);
        response->status = 503;
        response->borrowed = rl_bytes_of("{\"error\":\"Out of memory\"}");
    }
}

void rl_http_error_bytes(rl_http_response *response, int status, rl_bytes text) {
    one_field(response, status, "error", text);
}

void rl_http_error(rl_http_response *response, int status, const char *text) {
    one_field(response, status, "error", rl_bytes_of(text));
}

void rl_http_unavailable(rl_http_response *response, int retry_after_s, const char *text) {
    rl_http_error(response, 503, text);
    response->retry_after_s = retry_after_s;
}

void rl_http_message(rl_http_response *response, int status, const char *text) {
    one_field(response, status, "message", rl_bytes_of(text));
}

void rl_http_pending(rl_http_response *response, int retry_after_s) {
    rl_http_message(response, 200, "Code execution is still pending");
    response->retry_after_s = retry_after_s;
}

const char *rl_http_reason(int status) {
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {400, "Bad Request"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {417, "Expectation Failed"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reasons[i].status == status) {
            return reasons[i].reason;
        }
    }
    return "Unknown";
}

typedef struct {
    char text[HEADER_SIZE];
    size_t size;
} header_block;

static void add(header_block *block, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(header_block *block, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int size =
        vsnprintf(block->text + block->size, sizeof(block->text) - block->size, format, arguments);
    va_end(arguments);
    /* Everything that goes in is a literal, a number or of a fixed length: HEADER_SIZE is more than their sum. */
    block->size += (size_t)size;
}

/* RFC 9110, section 5.6.7; day and month names must not follow the locale. */
static void add_date(header_block *block) {
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const time_t now = (time_t)(rl_wall_clock_us() / RL_US_PER_S);
    struct tm utc;
    if (gmtime_r(&now, &utc)) {
        add(block, "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n", days[utc.tm_wday], utc.tm_mday,
            months[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
    }
}

static void make_header(const rl_http_response *response, size_t body_size, bool close, header_block *block) {
    block->size = 0;
    add(block, "HTTP/1.1 %d %s\r\n", response->status, rl_http_reason(response->status));
    if (response->status != 204) {
        add(block, "Content-Type: %s\r\nContent-Length: %zu\r\n",
            response->content_type ? response->content_type : JSON_TYPE, body_size);
    }
    add_date(block);
    add(block, "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n");
    if (response->allow) {
        add(block, "Allow: %s\r\n", response->allow);
    }
    if (response->retry_after_s > 0) {
        add(block, "Retry-After: %d\r\n", response->retry_after_s);
    }
    if (response->traceparent[0]) {
        add(block, "traceparent: %s\r\n", response->traceparent);
    }
    add(block, "Connection: %s\r\n\r\n", close ? "close" : "keep-alive");
}

static bool write_all(struct mg_connection *connection, const void *data, size_t size) {
    return size <= INT_MAX && mg_write(connection, data, size) == (int)size;
}

rl_bytes rl_http_body(const rl_http_response *response) {
    return response->borrowed.data ? response->borrowed : rl_buffer_bytes(&response->body);
}

bool rl_http_send(struct mg_connection *connection, const rl_http_response *response, bool head, bool close) {
    const rl_bytes body = rl_http_body(response);
    const size_t sent = head || response->status == 204 ? 0 : body.size;
    header_block block;
    make_header(response, body.size, close, &block);
    if (block.size + sent > ONE_WRITE_SIZE) {
        return write_all(connection, block.text, block.size) && write_all(connection, body.data, sent);
    }
    char together[ONE_WRITE_SIZE];
    memcpy(together, block.text, block.size);
    if (sent > 0) {
        memcpy(together + block.size, body.data, sent);
    }
    return write_all(connection, together, block.size + sent);
}

bool rl_http_render(const rl_http_response *response, bool head, rl_buffer *out) {
    const rl_bytes body = rl_http_body(response);
    header_block block;
    make_header(response, body.size, true, &block);
    return rl_buffer_append(out, block.text, block.size) &&
           (head || body.size == 0 || rl_buffer_append(out, body.data, body.size));
}
