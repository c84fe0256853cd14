#include "services/runner/docker_frames.h"

#include "tests/support/suite.h"

#define STREAM(text) rl_bytes_make((text), sizeof(text) - 1)

/* Decodes everything, a piece at a time, into one buffer per stream. false where the format is wrong. */
static bool decode_all(rl_bytes input, size_t piece, rl_buffer streams[4], rl_docker_decoder *decoder) {
    for (size_t at = 0; at < input.size; at += piece) {
        size_t left = input.size - at;
        rl_bytes part = rl_bytes_make((const char *)input.data + at, left < piece ? left : piece);
        for (;;) {
            rl_docker_chunk chunk;
            rl_docker_status status = rl_docker_decode(decoder, &part, &chunk);
            if (status == RL_DOCKER_BAD) {
                return false;
            }
            if (status == RL_DOCKER_MORE) {
                break;
            }
            ck_assert_uint_gt(chunk.bytes.size, 0);
            rl_buffer_append(&streams[chunk.stream], chunk.bytes.data, chunk.bytes.size);
        }
        ck_assert_uint_eq(part.size, 0);
    }
    return true;
}

START_TEST(streams_come_apart_however_the_bytes_are_cut) {
    rl_bytes input = STREAM("\1\0\0\0\0\0\0\5hello\2\0\0\0\0\0\0\3err\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\1!");
    for (size_t piece = 1; piece <= input.size; piece++) {
        rl_buffer streams[4] = {{.limit = 100}, {.limit = 100}, {.limit = 100}, {.limit = 100}};
        rl_docker_decoder decoder = {0};
        ck_assert(decode_all(input, piece, streams, &decoder));
        ck_assert(rl_docker_at_boundary(&decoder));
        ck_assert_str_eq(streams[RL_DOCKER_STDOUT].data, "hello!");
        ck_assert_str_eq(streams[RL_DOCKER_STDERR].data, "err");
        for (size_t i = 0; i < 4; i++) {
            rl_buffer_free(&streams[i]);
        }
    }
}
END_TEST

START_TEST(a_stream_that_stops_inside_a_frame_is_told_apart) {
    rl_docker_decoder decoder = {0};
    rl_docker_chunk chunk;
    rl_bytes header = STREAM("\1\0\0\0\0\0");
    ck_assert_int_eq(rl_docker_decode(&decoder, &header, &chunk), RL_DOCKER_MORE);
    ck_assert(!rl_docker_at_boundary(&decoder));
    rl_bytes rest = STREAM("\0\2x");
    ck_assert_int_eq(rl_docker_decode(&decoder, &rest, &chunk), RL_DOCKER_CHUNK);
    ck_assert_int_eq(rl_docker_decode(&decoder, &rest, &chunk), RL_DOCKER_MORE);
    ck_assert(!rl_docker_at_boundary(&decoder));
}
END_TEST

START_TEST(a_length_of_four_gigabytes_allocates_nothing) {
    rl_docker_decoder decoder = {0};
    rl_docker_chunk chunk;
    rl_bytes input = STREAM("\1\0\0\0\xff\xff\xff\xffpiece");
    ck_assert_int_eq(rl_docker_decode(&decoder, &input, &chunk), RL_DOCKER_CHUNK);
    ck_assert_uint_eq(chunk.bytes.size, 5);
}
END_TEST

START_TEST(an_unknown_stream_is_not_this_format) {
    rl_docker_decoder decoder = {0};
    rl_docker_chunk chunk;
    rl_bytes input = STREAM("\4\0\0\0\0\0\0\1x");
    ck_assert_int_eq(rl_docker_decode(&decoder, &input, &chunk), RL_DOCKER_BAD);
}
END_TEST

START_TEST(filler_that_is_not_zero_is_not_this_format) {
    rl_docker_decoder decoder = {0};
    rl_docker_chunk chunk;
    rl_bytes input = STREAM("HTTP/1.1 400 Bad Request");
    ck_assert_int_eq(rl_docker_decode(&decoder, &input, &chunk), RL_DOCKER_BAD);
    decoder = (rl_docker_decoder){0};
    input = STREAM("\1\0\1\0\0\0\0\1x");
    ck_assert_int_eq(rl_docker_decode(&decoder, &input, &chunk), RL_DOCKER_BAD);
}
END_TEST

RL_SUITE("runner/docker_frames", streams_come_apart_however_the_bytes_are_cut,
         a_stream_that_stops_inside_a_frame_is_told_apart, a_length_of_four_gigabytes_allocates_nothing,
         an_unknown_stream_is_not_this_format, filler_that_is_not_zero_is_not_this_format)
