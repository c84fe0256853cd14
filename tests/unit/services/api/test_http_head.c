/* Heads as civetweb leaves them behind in its buffer: NULs over separators. */
#include "services/api/http_head.h"
#include "suite.h"

static char buffer[RL_HTTP_HEAD_BYTES];
static struct mg_request_info info;
static rl_http_framing framing;
static const char *problem;

/* Takes over the bytes of a head that begins with a method, a target and a version; fields are added after. */
static void leave(const char *bytes, size_t size) {
    memset(buffer, 'x', sizeof(buffer));
    memcpy(buffer, bytes, size);
    memset(&info, 0, sizeof(info));
    info.request_method = buffer;
    info.request_uri = buffer + strlen(buffer) + 1;
    info.http_version = info.request_uri + strlen(info.request_uri) + 1 + 5; /* "HTTP/" */
}
#define LEAVE(literal) leave(literal, sizeof(literal) - 1)

/* The first field called `name` at or behind the last one; its value is `blanks` bytes behind the name. */
static void field(const char *name, size_t blanks) {
    const char *from = info.num_headers ? info.http_headers[info.num_headers - 1].value : info.http_version;
    struct mg_header *header = &info.http_headers[info.num_headers++];
    header->name = memmem(from, (size_t)(buffer + sizeof(buffer) - from), name, strlen(name));
    ck_assert_ptr_nonnull(header->name);
    header->value = header->name + strlen(name) + blanks;
}

static int check(void) {
    return rl_http_head_check(&info, &framing, &problem);
}

START_TEST(a_regular_head_passes) {
    LEAVE("POST\0/\0HTTP/1.1\0\0Host\0 x\0\0Content-Length\0 12 \0\0\r\0body");
    field("Host", 2);
    field("Content-Length", 2);
    ck_assert_msg(check() == 0, "%s", problem);
    ck_assert_int_eq(framing.content_length, 12);
    ck_assert(!framing.chunked);
}
END_TEST

START_TEST(an_empty_value_and_no_blank_before_it_are_regular) {
    LEAVE("GET\0/\0HTTP/1.1\0\0X\0\0\0Host\0x\0\0\r\0");
    field("X", 1);
    field("Host", 1);
    ck_assert_msg(check() == 0, "%s", problem);
}
END_TEST

START_TEST(http_1_0_needs_no_field_at_all) {
    LEAVE("GET\0/\0HTTP/1.0\0\0\0\0");
    ck_assert_msg(check() == 0, "%s", problem);
}
END_TEST

START_TEST(what_stands_behind_the_last_field_that_was_seen_is_refused) {
    LEAVE("POST\0/\0HTTP/1.1\0\0Host\0 x\0\0 folded\r\nContent-Length: 5\r\n\r\0");
    field("Host", 2);
    ck_assert_int_eq(check(), 400);
    LEAVE("POST\0/\0HTTP/1.1\0\0Host\0 x\0\0\rContent-Length: 5\r\n\r\0");
    field("Host", 2);
    ck_assert_int_eq(check(), 400);
    LEAVE("POST\0/\0HTTP/1.1\0\0Host\0 x\0\r\nContent-Length: 5\r\n\r\0");
    field("Host", 2);
    ck_assert_int_eq(check(), 400);
    LEAVE("POST\0/\0HTTP/1.0\0\0\x80\r\nContent-Length: 5\r\n\r\0");
    ck_assert_int_eq(check(), 400);
}
END_TEST

START_TEST(irregular_lines_are_refused) {
    LEAVE("GET\0/\0HTTP/1.1\0\0\0Host\0 x\0\0\r\0"); /* a blank before the first name */
    field("Host", 2);
    ck_assert_int_eq(check(), 400);
    LEAVE("GET\0/\0HTTP/1.1\0\0Host\0\0 x\0\0\r\0"); /* a blank before the colon */
    field("Host", 3);
    ck_assert_int_eq(check(), 400);
    LEAVE("GET\0/\0HTTP/1.1\0\0Host\0 x\0X\0 y\0\0\r\0"); /* a lone LF */
    field("Host", 2);
    field("X", 2);
    ck_assert_int_eq(check(), 400);
    LEAVE("GET\0/\0HTTP/1.1\0\0Host\0 x\0\0body"); /* lone LFs at the end */
    field("Host", 2);
    ck_assert_int_eq(check(), 400);
}
END_TEST

START_TEST(one_host_is_required) {
    LEAVE("GET\0/\0HTTP/1.1\0\0X\0 x\0\0\r\0");
    field("X", 2);
    ck_assert_int_eq(check(), 400);
    LEAVE("GET\0/\0HTTP/1.0\0\0Host\0 x\0\0host\0 x\0\0\r\0");
    field("Host", 2);
    field("host", 2);
    ck_assert_int_eq(check(), 400);
}
END_TEST

START_TEST(one_transfer_coding_is_known) {
    LEAVE("POST\0/\0HTTP/1.1\0\0Host\0 x\0\0Transfer-Encoding\0 Chunked \0\0\r\0");
    field("Host", 2);
    field("Transfer-Encoding", 2);
    ck_assert_int_eq(check(), 0);
    ck_assert(framing.chunked);
    LEAVE("POST\0/\0HTTP/1.1\0\0Host\0 x\0\0Transfer-Encoding\0 identity\0\0\r\0");
    field("Host", 2);
    field("Transfer-Encoding", 2);
    ck_assert_int_eq(check(), 501);
    LEAVE("POST\0/\0HTTP/1.1\0\0Host\0 x\0\0Transfer-Encoding\0 identity\0\0Transfer-Encoding\0 "
          "chunked\0\0\r\0");
    field("Host", 2);
    field("Transfer-Encoding", 2);
    field("Transfer-Encoding", 2);
    ck_assert_int_eq(check(), 400);
}
END_TEST

START_TEST(lengths_are_digits_and_agree) {
    static const char *const bad[] = {"-5", "2x", "", "0x2", "99999999999999999999", "1 2"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        static const char before[] = "POST\0/\0HTTP/1.1\0\0Host\0 x\0\0Content-Length\0 ";
        char head[128] = {0};
        const size_t size = sizeof(before) - 1 + strlen(bad[i]);
        memcpy(head, before, sizeof(before));
        memcpy(head + sizeof(before) - 1, bad[i], strlen(bad[i]));
        head[size + 2] = '\r';
        leave(head, size + 4);
        field("Host", 2);
        field("Content-Length", 2);
        ck_assert_int_eq(check(), 400);
    }
    LEAVE("POST\0/\0HTTP/1.1\0\0Host\0 x\0\0Content-Length\0 2\0\0Content-Length\0 3\0\0\r\0");
    field("Host", 2);
    field("Content-Length", 2);
    field("Content-Length", 2);
    ck_assert_int_eq(check(), 400);
    ck_assert_str_eq(problem, "Contradicting Content-Length fields");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("http_head");
    TCase *tests = tcase_create("as civetweb leaves it");
    tcase_add_test(tests, a_regular_head_passes);
    tcase_add_test(tests, an_empty_value_and_no_blank_before_it_are_regular);
    tcase_add_test(tests, http_1_0_needs_no_field_at_all);
    tcase_add_test(tests, what_stands_behind_the_last_field_that_was_seen_is_refused);
    tcase_add_test(tests, irregular_lines_are_refused);
    tcase_add_test(tests, one_host_is_required);
    tcase_add_test(tests, one_transfer_coding_is_known);
    tcase_add_test(tests, lengths_are_digits_and_agree);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
