#include "tests/support/suite.h"
#include "tools/docker-proxy/http_request.h"

/* Feeds `text` in pieces of `step` bytes. */
static rl_request_status feed(rl_request_parser *parser, const char *text, size_t step, rl_proxy_request *ret,
                              rl_error *err) {
    rl_request_status status = RL_REQUEST_MORE;
    for (size_t at = 0, size = strlen(text); at < size && status == RL_REQUEST_MORE; at += step) {
        status = rl_request_parser_feed(parser, rl_bytes_make(text + at, size - at < step ? size - at : step),
                                        ret, err);
    }
    return status;
}

static const char create[] =
    "POST /v1.41/containers/create?name=x HTTP/1.1\r\nHost: docker\r\nAccept: */*\r\n"
    "Content-Type: application/json\r\nContent-Length: 4\r\n\r\n{\"\"}";

START_TEST(a_request_is_understood_however_it_is_cut) {
    rl_error err = RL_ERROR_INIT;
    RL_AUTO_REQUEST_PARSER rl_request_parser *parser = rl_request_parser_new(&err);
    for (size_t step = 1; step <= sizeof create; step++) {
        rl_proxy_request request;
        rl_request_parser_reset(parser);
        ck_assert_msg(feed(parser, create, step, &request, &err) == RL_REQUEST_COMPLETE, "%zu: %s", step,
                      err.message);
        ck_assert_str_eq(request.method, "POST");
        ck_assert_str_eq(request.target, "/v1.41/containers/create?name=x");
        ck_assert(rl_bytes_equal(request.body, rl_bytes_of("{\"\"}")));
        ck_assert(!request.upgrade && !request.close);
    }
}
END_TEST

START_TEST(an_upgrade_is_complete_with_its_head) {
    rl_error err = RL_ERROR_INIT;
    RL_AUTO_REQUEST_PARSER rl_request_parser *parser = rl_request_parser_new(&err);
    rl_proxy_request request;
    const char *text = "POST /v1.41/containers/x/attach HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\n"
                       "Upgrade: tcp\r\nContent-Length: 0\r\n\r\n";
    ck_assert_msg(feed(parser, text, 1000, &request, &err) == RL_REQUEST_COMPLETE, "%s", err.message);
    ck_assert(request.upgrade);
}
END_TEST

typedef struct {
    const char *text, *said;
    int code;
} bad_request;

/* What would make two readers see two different requests, and what is too much. */
static const bad_request bad_requests[] = {
    {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "Transfer-Encoding", 403},
    {"POST / HTTP/1.1\r\nTransfer-Encoding: identity\r\nContent-Length: 1\r\n\r\nx", "", 0},
    {"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", "", 0},
    {"POST / HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx", "Content-Encoding", 403},
    {"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx", "Expect", 403},
    {"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", "", 400},
    {"POST / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\nx", "", 400},
    {"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "", 400},
    {"POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\nx", "", 400},
    {"POST / HTTP/1.1\r\nContent-Length : 1\r\n\r\nx", "", 400},
    {"POST / HTTP/1.1\r\nContent-Length: 131073\r\n\r\n", "body is too large", 403},
    {"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", "", 400},
    {"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n", "behind the end", 403},
    {"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nxGET / HTTP/1.1\r\n\r\n", "behind the end", 403},
    {"POST / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nhello", "behind the end", 403},
    {"POST / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", "Upgrade", 403},
    {"POST / HTTP/1.1\r\nUpgrade: tcp\r\n\r\n", "Upgrade", 403},
    {"POST / HTTP/1.1\r\nConnection: close, Content-Length\r\n\r\n", "Connection", 403},
    {"GET / HTTP/1.1\nHost: x\n\n", "", 400},
    {"GET / HTTP/1.1\r\nHost: x\r\n y\r\n\r\n", "", 400},
    {"GET / HTTP/1.1\r\nNo colon\r\n\r\n", "", 400},
    {"GET / HTTP/1.1\r\nA: \x01\r\n\r\n", "", 400},
    {"GET / HTTP/1.0\r\n\r\n", "HTTP/1.1", 400},
    {"GET / HTTP/2.0\r\n\r\n", "", 400},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "", 400},
    {"GET /\xc3\xa4 HTTP/1.1\r\n\r\n", "", 0},
    {"PROPFIND / HTTP/1.1\r\n\r\n", "request line", 403},
    {"\x16\x03\x01\x02", "", 400},
};

START_TEST(what_can_be_read_in_two_ways_is_refused) {
    for (size_t i = 0; i < sizeof bad_requests / sizeof *bad_requests; i++) {
        const bad_request *bad = &bad_requests[i];
        for (size_t step = 1; step < 3; step++) {
            rl_error err = RL_ERROR_INIT;
            RL_AUTO_REQUEST_PARSER rl_request_parser *parser = rl_request_parser_new(&err);
            rl_proxy_request request;
            /* In one piece: that more follows can only be told from what is there already. */
            const size_t pieces = step == 1 ? strlen(bad->text) : 1;
            const rl_request_status status = feed(parser, bad->text, pieces, &request, &err);
            if (pieces == 1 && strcmp(bad->said, "behind the end") == 0) {
                continue;
            }
            ck_assert_msg(status == RL_REQUEST_BAD, "%zu is let through: %s", i, bad->text);
            ck_assert_msg(strstr(err.message, bad->said), "%zu: %s", i, err.message);
            ck_assert_msg(bad->code == 0 || err.code == bad->code, "%zu: %d %s", i, err.code, err.message);
        }
    }
}
END_TEST

START_TEST(a_head_without_end_is_refused_in_time) {
    rl_error err = RL_ERROR_INIT;
    RL_AUTO_REQUEST_PARSER rl_request_parser *parser = rl_request_parser_new(&err);
    rl_proxy_request request;
    rl_request_status status = feed(parser, "GET / HTTP/1.1\r\n", 100, &request, &err);
    int fields = 0;
    for (; status == RL_REQUEST_MORE && fields < 10000; fields++) {
        status = feed(parser, "A: 0123456789\r\n", 100, &request, &err);
    }
    ck_assert_int_eq(status, RL_REQUEST_BAD);
    ck_assert_int_lt(fields, 1000);
    rl_request_parser_reset(parser);
    status = feed(parser, "GET /", 100, &request, &err);
    for (int i = 0; status == RL_REQUEST_MORE && i < 10000; i++) {
        status = feed(parser, "0123456789", 100, &request, &err);
    }
    ck_assert_int_eq(status, RL_REQUEST_BAD);
}
END_TEST

RL_SUITE("tools/docker-proxy/http_request", a_request_is_understood_however_it_is_cut,
         an_upgrade_is_complete_with_its_head, what_can_be_read_in_two_ways_is_refused,
         a_head_without_end_is_refused_in_time)
