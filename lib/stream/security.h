/* security.h: how a Kafka client proves who it is and knows whom it speaks to (TLS, SASL).
 *
 * The usual settings have variables of their own, named as librdkafka names its properties; whatever else there is (a key's
 * password, OAUTHBEARER, Kerberos) goes through the properties of rl_stream_config, which are applied later and win.
 *
 * Secrets: the password is handed to librdkafka and nowhere else. No error names its value, and a file is read for each client,
 * so that one which was replaced counts from the next client on.
 */
#ifndef RL_STREAM_SECURITY_H
#define RL_STREAM_SECURITY_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

#include "lib/base/config.h"
#include "lib/base/error.h"

/* Each NULL or "": librdkafka's default. Borrowed. */
typedef struct {
    const char *protocol;  /* plaintext, ssl, sasl_plaintext, sasl_ssl, in either case */
    const char *mechanism; /* PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, ... */
    const char *username;
    const char *password;      /* or: */
    const char *password_file; /* whose content it is, without a line end at its end */
    const char *ca_location;   /* PEM file or folder */
    const char *certificate_location;
    const char *key_location;
} rl_stream_security;

/* Sets what is given. INVALID, with the variable's name, where settings contradict one another (credentials for a protocol that
 * sends none among them: better no connection than an open one), where the password's file cannot be read, and where
 * librdkafka refuses a value. */
bool rl_stream_security_apply(const rl_stream_security *security, rd_kafka_conf_t *conf, rl_error *err);

/* The rows of a service's table of options. AT(field): where the field of its rl_stream_security lies in its settings. */
#define RL_STREAM_SECURITY_OPTIONS(AT)                                                                       \
    {"RUNLOG_KAFKA_SECURITY_PROTOCOL",                                                                       \
     RL_CONFIG_TEXT,                                                                                         \
     AT(protocol),                                                                                           \
     "",                                                                                                     \
     0,                                                                                                      \
     32,                                                                                                     \
     "PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL; empty: PLAINTEXT"},                                        \
        {"RUNLOG_KAFKA_SASL_MECHANISM",                                                                      \
         RL_CONFIG_TEXT,                                                                                     \
         AT(mechanism),                                                                                      \
         "",                                                                                                 \
         0,                                                                                                  \
         64,                                                                                                 \
         "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512; needed with SASL"},                                         \
        {"RUNLOG_KAFKA_SASL_USERNAME",                                                                       \
         RL_CONFIG_TEXT,                                                                                     \
         AT(username),                                                                                       \
         "",                                                                                                 \
         0,                                                                                                  \
         1024,                                                                                               \
         "the user that brokers know this service as"},                                                      \
        {"RUNLOG_KAFKA_SASL_PASSWORD",                                                                       \
         RL_CONFIG_TEXT,                                                                                     \
         AT(password),                                                                                       \
         "",                                                                                                 \
         0,                                                                                                  \
         4095,                                                                                               \
         "that user's password; a file (below) is seen by fewer"},                                           \
        {"RUNLOG_KAFKA_SASL_PASSWORD_FILE",                                                                  \
         RL_CONFIG_TEXT,                                                                                     \
         AT(password_file),                                                                                  \
         "",                                                                                                 \
         0,                                                                                                  \
         4095,                                                                                               \
         "file that holds the password; instead of the variable"},                                           \
        {"RUNLOG_KAFKA_SSL_CA_LOCATION",                                                                     \
         RL_CONFIG_TEXT,                                                                                     \
         AT(ca_location),                                                                                    \
         "",                                                                                                 \
         0,                                                                                                  \
         4095,                                                                                               \
         "PEM file or folder of the authorities that sign brokers' certificates; empty: the system's"},      \
        {"RUNLOG_KAFKA_SSL_CERTIFICATE_LOCATION",                                                            \
         RL_CONFIG_TEXT,                                                                                     \
         AT(certificate_location),                                                                           \
         "",                                                                                                 \
         0,                                                                                                  \
         4095,                                                                                               \
         "PEM file of this service's own certificate, where brokers ask for one"},                           \
        {"RUNLOG_KAFKA_SSL_KEY_LOCATION",     RL_CONFIG_TEXT, AT(key_location), "", 0, 4095,                 \
         "PEM file of that certificate's key"}

#endif
