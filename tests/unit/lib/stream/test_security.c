/* TLS and SASL: what becomes of the settings, and what is never said of the password. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/stream/client.h"
#include "tests/support/suite.h"

#define PASSWORD "correct; horse \"battery\""

static rd_kafka_conf_t *conf_with(const rl_stream_security *security, rl_error *err) {
    const rl_stream_config config = {"broker:9092", "test", NULL, security};
    return rl_stream_conf(&config, err);
}

static void check_value(rd_kafka_conf_t *conf, const char *name, const char *expected) {
    char value[256] = "";
    size_t size = sizeof value;
    ck_assert_int_eq(rd_kafka_conf_get(conf, name, value, &size), RD_KAFKA_CONF_OK);
    ck_assert_str_eq(value, expected);
}

/* A file of its own with that content; the caller unlinks it. */
static void write_file(char path[32], const char *content) {
    strcpy(path, "/tmp/rl-password-XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, content, strlen(content)), (ssize_t)strlen(content));
    close(fd);
}

static void refused(const rl_stream_security *security, const char *said) {
    rl_error err = RL_ERROR_INIT;
    ck_assert_ptr_null(conf_with(security, &err));
    ck_assert_int_eq(err.error_class, RL_INVALID);
    ck_assert_msg(strstr(err.message, said) != NULL, "%s", err.message);
    ck_assert_msg(strstr(err.message, "horse") == NULL, "%s", err.message);
}

START_TEST(nothing_is_set_by_default) {
    const rl_stream_security security = {.protocol = "", .password = ""};
    RL_CLEANUP(rl_rd_conf_slot) rd_kafka_conf_t *conf = conf_with(&security, NULL);
    ck_assert_ptr_nonnull(conf);
    check_value(conf, "security.protocol", "plaintext");
    check_value(conf, "ssl.endpoint.identification.algorithm", "https");
}
END_TEST

START_TEST(each_setting_becomes_its_property) {
    const rl_stream_security security = {.protocol = "SASL_SSL",
                                         .mechanism = "SCRAM-SHA-512",
                                         .username = "runlog",
                                         .password = PASSWORD,
                                         .ca_location = "/ca.pem",
                                         .certificate_location = "/own.pem",
                                         .key_location = "/own.key"};
    rl_error err = RL_ERROR_INIT;
    RL_CLEANUP(rl_rd_conf_slot) rd_kafka_conf_t *conf = conf_with(&security, &err);
    ck_assert_msg(conf != NULL, "%s", err.message);
    check_value(conf, "security.protocol", "sasl_ssl");
    check_value(conf, "sasl.mechanism", "SCRAM-SHA-512");
    check_value(conf, "sasl.username", "runlog");
    check_value(conf, "sasl.password", PASSWORD);
    check_value(conf, "ssl.ca.location", "/ca.pem");
    check_value(conf, "ssl.certificate.location", "/own.pem");
    check_value(conf, "ssl.key.location", "/own.key");
}
END_TEST

START_TEST(the_password_of_a_file_ends_before_its_line_end) {
    static const char *const contents[] = {PASSWORD, PASSWORD "\n", PASSWORD "\r\n"};
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        char path[32];
        write_file(path, contents[i]);
        const rl_stream_security security = {
            .protocol = "sasl_ssl", .mechanism = "PLAIN", .username = "runlog", .password_file = path};
        rl_error err = RL_ERROR_INIT;
        RL_CLEANUP(rl_rd_conf_slot) rd_kafka_conf_t *conf = conf_with(&security, &err);
        unlink(path);
        ck_assert_msg(conf != NULL, "%s", err.message);
        check_value(conf, "sasl.password", PASSWORD);
    }
}
END_TEST

START_TEST(a_password_file_that_is_missing_or_empty_is_named) {
    char path[32];
    write_file(path, "\n");
    refused(&(rl_stream_security){.protocol = "sasl_ssl", .password_file = path}, path);
    unlink(path);
    refused(&(rl_stream_security){.protocol = "sasl_ssl", .password_file = path}, path);
}
END_TEST

START_TEST(credentials_without_a_protocol_that_sends_them_are_refused) {
    refused(&(rl_stream_security){.username = "runlog"}, "RUNLOG_KAFKA_SASL_USERNAME");
    refused(&(rl_stream_security){.protocol = "SSL", .password = PASSWORD}, "RUNLOG_KAFKA_SASL_PASSWORD");
    refused(&(rl_stream_security){.protocol = "sasl_plaintext", .ca_location = "/ca.pem"},
            "RUNLOG_KAFKA_SSL_CA_LOCATION");
}
END_TEST

START_TEST(two_passwords_are_refused_and_neither_is_said) {
    refused(&(rl_stream_security){.protocol = "sasl_ssl", .password = PASSWORD, .password_file = "/password"},
            "both set");
}
END_TEST

START_TEST(an_unknown_protocol_is_named) {
    refused(&(rl_stream_security){.protocol = "tls"}, "security.protocol");
}
END_TEST

START_TEST(properties_win) {
    const rl_stream_security security = {.protocol = "ssl"};
    const rl_stream_config config = {"broker:9092", "test", "security.protocol=plaintext", &security};
    RL_CLEANUP(rl_rd_conf_slot) rd_kafka_conf_t *conf = rl_stream_conf(&config, NULL);
    ck_assert_ptr_nonnull(conf);
    check_value(conf, "security.protocol", "plaintext");
}
END_TEST

START_TEST(the_rest_of_a_password_among_the_properties_is_not_said) {
    const rl_stream_config config = {"broker:9092", "test", "sasl.password=" PASSWORD, NULL};
    rl_error err = RL_ERROR_INIT;
    ck_assert_ptr_null(rl_stream_conf(&config, &err));
    ck_assert_msg(strstr(err.message, "number 2") != NULL, "%s", err.message);
    ck_assert_msg(strstr(err.message, "horse") == NULL, "%s", err.message);
}
END_TEST

RL_SUITE("lib/stream/security", nothing_is_set_by_default, each_setting_becomes_its_property,
         the_password_of_a_file_ends_before_its_line_end, a_password_file_that_is_missing_or_empty_is_named,
         credentials_without_a_protocol_that_sends_them_are_refused,
         two_passwords_are_refused_and_neither_is_said, an_unknown_protocol_is_named, properties_win,
         the_rest_of_a_password_among_the_properties_is_not_said)
