#include "services/runner/agent_link.h"

#include "lib/base/clock.h"
#include "tests/support/suite.h"
#include "tests/unit/services/runner/engine_peer.h"

#define LATER (rl_clock_us() + 30 * RL_US_PER_S)

typedef struct {
    rl_peer peer;
    rl_agent_link *link;
} fixture;

/* A link to an agent that says `bytes` (Docker's frames included) and then nothing more. */
typedef struct {
    const void *data;
    size_t size;
    size_t piece; /* as so many bytes in each of Docker's frames */
} speech;

static void speak(int fd, void *context) {
    const speech *said = context;
    rl_peer_send(fd, RL_PEER_UPGRADED, strlen(RL_PEER_UPGRADED));
    for (size_t at = 0; at < said->size; at += said->piece) {
        size_t left = said->size - at;
        rl_peer_send_frame(fd, 1, (const char *)said->data + at, left < said->piece ? left : said->piece);
    }
}

static void complain(int fd, void *context) {
    (void)context;
    rl_peer_send(fd, RL_PEER_UPGRADED, strlen(RL_PEER_UPGRADED));
    rl_peer_send_frame(fd, 2, "cannot\ngo on", 12);
}

static void open_link(fixture *f, void (*serve)(int, void *), void *context) {
    rl_peer_start(&f->peer, serve, context);
    rl_error err = RL_ERROR_INIT;
    rl_attach *attach = rl_attach_open(f->peer.path, "1.41", "0123456789ab", LATER, &err);
    ck_assert_msg(attach != NULL, "%s", err.message);
    f->link = rl_agent_link_new(attach, &err);
    ck_assert_ptr_nonnull(f->link);
}

static void close_link(fixture *f) {
    rl_agent_link_free(f->link);
    rl_peer_stop(&f->peer);
}

START_TEST(messages_are_put_together_however_they_are_cut) {
    uint8_t bytes[512];
    rl_agent_ready ready = {.protocol_version = RL_AGENT_PROTOCOL_VERSION, .version = "test"};
    rl_agent_output output = {
        .phase = RL_AGENT_PHASE_RUN, .stream = RL_AGENT_STDERR, .data = (const uint8_t *)"hi", .size = 2};
    rl_agent_result result = {.exit_code = 3};
    size_t size = rl_agent_ready_encode(&ready, bytes, sizeof bytes);
    size += rl_agent_output_encode(&output, bytes + size, sizeof bytes - size);
    size += rl_agent_result_encode(RL_AGENT_DONE, &result, bytes + size, sizeof bytes - size);
    for (size_t piece = 1; piece <= size; piece += 7) {
        speech said = {bytes, size, piece};
        fixture f;
        open_link(&f, speak, &said);
        rl_agent_message message;
        ck_assert_int_eq(rl_agent_link_next(f.link, NULL, LATER, &message, NULL), RL_LINK_MESSAGE);
        ck_assert_int_eq(message.type, RL_AGENT_READY);
        ck_assert_str_eq(message.ready.version, "test");
        ck_assert_int_eq(rl_agent_link_next(f.link, NULL, LATER, &message, NULL), RL_LINK_MESSAGE);
        ck_assert_int_eq(message.type, RL_AGENT_OUTPUT);
        ck_assert(rl_bytes_equal(rl_bytes_make(message.output.data, message.output.size), rl_bytes_of("hi")));
        ck_assert_int_eq(rl_agent_link_next(f.link, NULL, LATER, &message, NULL), RL_LINK_MESSAGE);
        ck_assert_int_eq(message.type, RL_AGENT_DONE);
        ck_assert_int_eq(message.result.exit_code, 3);
        ck_assert_int_eq(rl_agent_link_next(f.link, NULL, LATER, &message, NULL), RL_LINK_ENDED);
        close_link(&f);
    }
}
END_TEST

START_TEST(what_is_not_the_protocol_breaks_the_link) {
    static const uint8_t huge[] = {RL_AGENT_OUTPUT, 0, 0, 0, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t unknown[] = {99, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t runners[] = {RL_AGENT_RUN, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t short_result[] = {RL_AGENT_DONE, 0, 0, 0, 0, 0, 0, 1, 0};
    const speech cases[] = {{huge, sizeof huge, 8},
                            {unknown, sizeof unknown, 8},
                            {runners, sizeof runners, 8},
                            {short_result, sizeof short_result, 9}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        speech said = cases[i];
        fixture f;
        open_link(&f, speak, &said);
        rl_agent_message message;
        rl_error err = RL_ERROR_INIT;
        ck_assert_int_eq(rl_agent_link_next(f.link, NULL, LATER, &message, &err), RL_LINK_BROKEN);
        ck_assert_int_eq(err.error_class, RL_INVALID);
        close_link(&f);
    }
}
END_TEST

START_TEST(last_words_are_kept_as_one_printable_line) {
    fixture f;
    open_link(&f, complain, NULL);
    rl_agent_message message;
    ck_assert_int_eq(rl_agent_link_next(f.link, NULL, LATER, &message, NULL), RL_LINK_ENDED);
    ck_assert_str_eq(rl_agent_link_last_words(f.link), "cannot go on");
    close_link(&f);
}
END_TEST

static void upgrade_and_drain(int fd, void *context) {
    (void)context;
    rl_peer_send(fd, RL_PEER_UPGRADED, strlen(RL_PEER_UPGRADED));
    rl_peer_drain(fd);
}

START_TEST(an_agent_that_says_nothing_is_silent_and_a_token_ends_the_wait) {
    fixture f;
    open_link(&f, upgrade_and_drain, NULL);
    RL_AUTO_CANCEL_TOKEN rl_cancel_token *cancel = rl_cancel_token_new(NULL);
    rl_agent_message message;
    ck_assert_int_eq(rl_agent_link_next(f.link, cancel, rl_clock_us() + 1000, &message, NULL),
                     RL_LINK_SILENT);
    rl_cancel_token_set(cancel);
    ck_assert_int_eq(rl_agent_link_next(f.link, cancel, LATER, &message, NULL), RL_LINK_CANCELLED);
    close_link(&f);
}
END_TEST

/* Reads one RUN frame whole and says DONE with its index. */
static void obey(int fd, void *context) {
    (void)context;
    rl_peer_send(fd, RL_PEER_UPGRADED, strlen(RL_PEER_UPGRADED));
    rl_buffer request;
    rl_buffer_init(&request, SIZE_MAX / 4);
    rl_agent_frame frame;
    const char *why = NULL;
    for (;;) {
        char *room = rl_buffer_reserve(&request, 65536);
        ssize_t got = read(fd, room, 65536);
        if (got <= 0) {
            break;
        }
        rl_buffer_advance(&request, (size_t)got);
        if (rl_agent_frame_parse((const uint8_t *)request.data, request.size, RL_AGENT_REQUEST_MAX, &frame,
                                 &why) == RL_AGENT_PARSE_FRAME) {
            rl_agent_run run;
            bool decoded = rl_agent_run_decode(frame.payload, frame.payload_size, &run, &why);
            rl_agent_result result = {.index = run.index, .stdout_bytes = decoded ? run.input_size : 0};
            uint8_t bytes[256];
            rl_peer_send_frame(fd, 1, bytes,
                               rl_agent_result_encode(RL_AGENT_DONE, &result, bytes, sizeof bytes));
            break;
        }
    }
    rl_buffer_free(&request);
}

START_TEST(a_large_request_leaves_while_the_answer_is_awaited) {
    size_t size = (size_t)5 * 1024 * 1024;
    RL_AUTO_FREE uint8_t *input = calloc(1, size);
    rl_agent_run run = {.index = 42, .input = input, .input_size = size};
    run.command.limits = (rl_agent_limits){1, 1, 1, 1, 1, 1, 1, 3, 1};
    run.command.argc = 1;
    run.command.argv[0] = "x";
    fixture f;
    open_link(&f, obey, NULL);
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_agent_link_send_run(f.link, &run, &err), "%s", err.message);
    rl_agent_message message;
    ck_assert_int_eq(rl_agent_link_next(f.link, NULL, LATER, &message, &err), RL_LINK_MESSAGE);
    ck_assert_uint_eq(message.result.index, 42);
    ck_assert_uint_eq(message.result.stdout_bytes, size);
    close_link(&f);
}
END_TEST

START_TEST(a_request_above_the_protocols_size_is_invalid) {
    size_t size = (size_t)RL_AGENT_REQUEST_MAX + 1;
    RL_AUTO_FREE uint8_t *input = calloc(1, size);
    rl_agent_run run = {.input = input, .input_size = size};
    run.command.argc = 1;
    run.command.argv[0] = "x";
    fixture f;
    open_link(&f, upgrade_and_drain, NULL);
    rl_error err = RL_ERROR_INIT;
    ck_assert(!rl_agent_link_send_run(f.link, &run, &err));
    ck_assert_int_eq(err.error_class, RL_INVALID);
    close_link(&f);
}
END_TEST

RL_SUITE("runner/agent_link", messages_are_put_together_however_they_are_cut,
         what_is_not_the_protocol_breaks_the_link, last_words_are_kept_as_one_printable_line,
         an_agent_that_says_nothing_is_silent_and_a_token_ends_the_wait,
         a_large_request_leaves_while_the_answer_is_awaited, a_request_above_the_protocols_size_is_invalid)
