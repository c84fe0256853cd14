/* What every Kafka client has in common. */
#include <errno.h>
#include <string.h>

#include "lib/stream/client.h"
#include "tests/support/suite.h"

static rd_kafka_conf_t *conf_with(const char *properties, rl_error *err) {
    const rl_stream_config config = {"broker:9092", "test", properties, NULL};
    return rl_stream_conf(&config, err);
}

static void check_value(rd_kafka_conf_t *conf, const char *name, const char *expected) {
    char value[256] = "";
    size_t size = sizeof value;
    ck_assert_int_eq(rd_kafka_conf_get(conf, name, value, &size), RD_KAFKA_CONF_OK);
    ck_assert_str_eq(value, expected);
}

START_TEST(properties_are_applied_last) {
    rl_error err = RL_ERROR_INIT;
    RL_CLEANUP(rl_rd_conf_slot)
    rd_kafka_conf_t *conf = conf_with(" socket.timeout.ms = 1234 ; reconnect.backoff.ms=7;;", &err);
    ck_assert_msg(conf != NULL, "%s", err.message);
    check_value(conf, "socket.timeout.ms", "1234");
    check_value(conf, "reconnect.backoff.ms", "7");
    check_value(conf, "bootstrap.servers", "broker:9092");
    check_value(conf, "client.id", "test");
}
END_TEST

START_TEST(a_finished_of_9_mib_fits_into_a_message) {
    RL_CLEANUP(rl_rd_conf_slot) rd_kafka_conf_t *conf = conf_with(NULL, NULL);
    ck_assert_ptr_nonnull(conf);
    check_value(conf, "message.max.bytes", "10485760");
}
END_TEST

START_TEST(an_unknown_property_is_told_by_its_number_as_it_may_be_half_a_password) {
    rl_error err = RL_ERROR_INIT;
    ck_assert_ptr_null(conf_with("sasl.password=ab;cd=ef", &err));
    ck_assert_int_eq(err.error_class, RL_INVALID);
    ck_assert_msg(strstr(err.message, "number 2") != NULL, "%s", err.message);
    ck_assert_msg(!strstr(err.message, "cd") && !strstr(err.message, "ef"), "%s", err.message);
}
END_TEST

START_TEST(a_property_without_a_value_is_refused) {
    rl_error err = RL_ERROR_INIT;
    ck_assert_ptr_null(conf_with("socket.timeout.ms", &err));
    ck_assert_msg(strstr(err.message, "expected name=value") != NULL, "%s", err.message);
}
END_TEST

START_TEST(what_a_brokers_return_cures_is_transient) {
    static const rd_kafka_resp_err_t codes[] = {
        RD_KAFKA_RESP_ERR__TRANSPORT,
        RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN,
        RD_KAFKA_RESP_ERR__MSG_TIMED_OUT,
        RD_KAFKA_RESP_ERR__QUEUE_FULL,
        RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
        RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
        RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS,
        RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION,
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        rl_error err = RL_ERROR_INIT;
        ck_assert(!rl_stream_error(&err, codes[i], "testing"));
        ck_assert_msg(err.error_class == RL_TRANSIENT, "%s", err.message);
        ck_assert_int_eq(err.code, codes[i]);
    }
}
END_TEST

START_TEST(what_ends_a_client_is_fatal_and_what_a_record_causes_is_invalid) {
    rl_error err = RL_ERROR_INIT;
    rl_stream_error(&err, RD_KAFKA_RESP_ERR__FATAL, "testing");
    ck_assert_int_eq(err.error_class, RL_FATAL);
    rl_stream_error(&err, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, "testing");
    ck_assert_int_eq(err.error_class, RL_FATAL);
    rl_stream_error(&err, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, "testing");
    ck_assert_int_eq(err.error_class, RL_INVALID);
}
END_TEST

START_TEST(only_what_was_refused_for_its_size_is_too_large) {
    rl_error err = RL_ERROR_INIT;
    rl_stream_error(&err, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, "testing");
    ck_assert(rl_stream_too_large(&err));
    rl_error_set(&err, RL_INVALID, EMSGSIZE, "testing");
    ck_assert(rl_stream_too_large(&err));
    rl_stream_error(&err, RD_KAFKA_RESP_ERR_INVALID_RECORD, "testing");
    ck_assert(!rl_stream_too_large(&err));
    rl_error_set(&err, RL_INVALID, 0, "testing");
    ck_assert(!rl_stream_too_large(&err));
    rl_error_set(&err, RL_TRANSIENT, EMSGSIZE, "testing");
    ck_assert(!rl_stream_too_large(&err));
}
END_TEST

START_TEST(a_client_takes_its_configuration_over) {
    rl_error err = RL_ERROR_INIT;
    rd_kafka_conf_t *conf = conf_with(NULL, &err);
    RL_CLEANUP(rl_rd_client_slot) rd_kafka_t *client = rl_stream_client(RD_KAFKA_PRODUCER, &conf, &err);
    ck_assert_msg(client != NULL, "%s", err.message);
    ck_assert_ptr_null(conf);
}
END_TEST

START_TEST(settings_that_do_not_go_together_leave_the_configuration_to_the_caller) {
    rl_error err = RL_ERROR_INIT;
    RL_CLEANUP(rl_rd_conf_slot) rd_kafka_conf_t *conf = conf_with("enable.idempotence=true;acks=1", &err);
    ck_assert_msg(conf != NULL, "%s", err.message);
    ck_assert_ptr_null(rl_stream_client(RD_KAFKA_PRODUCER, &conf, &err));
    ck_assert_int_eq(err.error_class, RL_INVALID);
    ck_assert_msg(strstr(err.message, "acks") != NULL, "%s", err.message);
    ck_assert_ptr_nonnull(conf);
}
END_TEST

RL_SUITE("lib/stream/client", properties_are_applied_last, a_finished_of_9_mib_fits_into_a_message,
         an_unknown_property_is_told_by_its_number_as_it_may_be_half_a_password,
         a_property_without_a_value_is_refused, what_a_brokers_return_cures_is_transient,
         what_ends_a_client_is_fatal_and_what_a_record_causes_is_invalid,
         only_what_was_refused_for_its_size_is_too_large, a_client_takes_its_configuration_over,
         settings_that_do_not_go_together_leave_the_configuration_to_the_caller)
