/* The names of dead letters. */
#include <string.h>

#include "tests/support/suite.h"
#include "tools/runlog/dead_letters.h"

START_TEST(a_name_is_topic_partition_and_offset) {
    rl_letter_place place;
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_letter_parse("results.dlq/2@1234567890123", &place, &err), "%s", err.message);
    ck_assert_str_eq(place.topic, "results.dlq");
    ck_assert_int_eq(place.partition, 2);
    ck_assert_int_eq(place.offset, 1234567890123);
}
END_TEST

START_TEST(other_names_are_refused) {
    static const char *const others[] = {"",
                                         "results.dlq",
                                         "results.dlq/2",
                                         "results.dlq/2@",
                                         "results.dlq/2@17x",
                                         "results.dlq/-1@17",
                                         "results.dlq/+1@17",
                                         "results.dlq/4294967298@1",
                                         "results.dlq/1@99999999999999999999",
                                         "results.dlq/1@-17",
                                         "results/2@17",
                                         "/2@17"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        rl_letter_place place;
        rl_error err = RL_ERROR_INIT;
        ck_assert_msg(!rl_letter_parse(others[i], &place, &err), "%s", others[i]);
        ck_assert_msg(err.error_class == RL_INVALID && strstr(err.message, "no dead letter"), "%s",
                      err.message);
    }
}
END_TEST

START_TEST(a_letter_is_named_as_it_is_looked_up) {
    const rl_stream_config stream = {.brokers = "127.0.0.1:1", .client_id = "test"};
    rl_error err = RL_ERROR_INIT;
    RL_CLEANUP(rl_rd_conf_slot) rd_kafka_conf_t *conf = rl_stream_conf(&stream, &err);
    ck_assert_msg(conf != NULL, "%s", err.message);
    RL_CLEANUP(rl_rd_client_slot) rd_kafka_t *client = rl_stream_client(RD_KAFKA_CONSUMER, &conf, &err);
    ck_assert_msg(client != NULL, "%s", err.message);
    RL_CLEANUP(rl_rd_topic_slot) rd_kafka_topic_t *topic = rd_kafka_topic_new(client, "results.dlq", NULL);
    const rd_kafka_message_t message = {.rkt = topic, .partition = 1, .offset = 5};
    char name[RL_LETTER_NAME_SIZE];
    rl_letter_name(&message, name);
    ck_assert_str_eq(name, "results.dlq/1@5");
}
END_TEST

RL_SUITE("tools/runlog/dead_letters", a_name_is_topic_partition_and_offset, other_names_are_refused,
         a_letter_is_named_as_it_is_looked_up)
