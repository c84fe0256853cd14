/* security.c: theory of operation.
 *
 * Each setting becomes one property of librdkafka. Before that, contradictions are refused: librdkafka would ignore
 * credentials that its protocol has no use for, and the service would speak in the clear to whoever answers.
 */
#include "lib/stream/security.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/stream/client.h"

#define PASSWORD_MAX 4096

static bool given(const char *text) {
    return text && *text;
}

/* How many bytes the file has, at most `capacity` of them, which are in `out` then; -1 with errno. */
static ssize_t read_whole(int fd, char *out, size_t capacity) {
    size_t size = 0;
    while (size < capacity) {
        const ssize_t more = read(fd, out + size, capacity - size);
        if (more < 0 && errno != EINTR) {
            return -1;
        }
        if (more == 0) {
            break;
        }
        size += more > 0 ? (size_t)more : 0;
    }
    return (ssize_t)size;
}

/* Reads the file into `password` and drops one line end, as editors leave it. */
static bool read_password(const char *path, char password[PASSWORD_MAX], rl_error *err) {
    RL_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read_whole(fd, password, PASSWORD_MAX);
    if (size < 0) {
        return rl_error_set_errno(err, RL_INVALID, errno, "RUNLOG_KAFKA_SASL_PASSWORD_FILE: cannot read %s",
                                  path);
    }
    if (size > 0 && size < PASSWORD_MAX && password[size - 1] == '\n') {
        size -= size > 1 && password[size - 2] == '\r' ? 2 : 1;
    }
    if (size == 0 || size == PASSWORD_MAX || memchr(password, '\0', (size_t)size)) {
        explicit_bzero(password, PASSWORD_MAX);
        return rl_error_set(err, RL_INVALID, 0,
                            "RUNLOG_KAFKA_SASL_PASSWORD_FILE: %s must hold 1 to %d characters of text", path,
                            PASSWORD_MAX - 1);
    }
    password[size] = '\0';
    return true;
}

/* As rl_stream_set, but what is wrong with a secret is nobody's to read. */
static bool set_secret(rd_kafka_conf_t *conf, const char *name, const char *value, rl_error *err) {
    return rd_kafka_conf_set(conf, name, value, NULL, 0) == RD_KAFKA_CONF_OK ||
           rl_error_set(err, RL_INVALID, 0, "Kafka property %s: refused", name);
}

static bool set_password(const rl_stream_security *security, rd_kafka_conf_t *conf, rl_error *err) {
    if (given(security->password)) {
        return set_secret(conf, "sasl.password", security->password, err);
    }
    if (!given(security->password_file)) {
        return true;
    }
    char password[PASSWORD_MAX];
    if (!read_password(security->password_file, password, err)) {
        return false;
    }
    bool ok = set_secret(conf, "sasl.password", password, err);
    explicit_bzero(password, sizeof password);
    return ok;
}

/* What has been set although the protocol has no use for it; NULL: nothing. */
static const char *unused(const rl_stream_security *security) {
    const char *protocol = given(security->protocol) ? security->protocol : "plaintext";
    bool sasl = strncasecmp(protocol, "sasl_", 5) == 0;
    bool tls = strcasecmp(protocol, "ssl") == 0 || strcasecmp(protocol, "sasl_ssl") == 0;
    const struct {
        const char *name, *value;
        bool used;
    } all[] = {
        {"RUNLOG_KAFKA_SASL_MECHANISM", security->mechanism, sasl},
        {"RUNLOG_KAFKA_SASL_USERNAME", security->username, sasl},
        {"RUNLOG_KAFKA_SASL_PASSWORD", security->password, sasl},
        {"RUNLOG_KAFKA_SASL_PASSWORD_FILE", security->password_file, sasl},
        {"RUNLOG_KAFKA_SSL_CA_LOCATION", security->ca_location, tls},
        {"RUNLOG_KAFKA_SSL_CERTIFICATE_LOCATION", security->certificate_location, tls},
        {"RUNLOG_KAFKA_SSL_KEY_LOCATION", security->key_location, tls},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (given(all[i].value) && !all[i].used) {
            return all[i].name;
        }
    }
    return NULL;
}

static bool check(const rl_stream_security *security, rl_error *err) {
    const char *name = unused(security);
    if (name) {
        return rl_error_set(err, RL_INVALID, 0,
                            "%s is set, but RUNLOG_KAFKA_SECURITY_PROTOCOL=%s has no use for it", name,
                            given(security->protocol) ? security->protocol : "(empty)");
    }
    if (given(security->password) && given(security->password_file)) {
        return rl_error_set(err, RL_INVALID, 0,
                            "RUNLOG_KAFKA_SASL_PASSWORD and RUNLOG_KAFKA_SASL_PASSWORD_FILE are both set");
    }
    return true;
}

bool rl_stream_security_apply(const rl_stream_security *security, rd_kafka_conf_t *conf, rl_error *err) {
    const rl_stream_setting settings[] = {
        {"security.protocol", security->protocol},
        {"sasl.mechanism", security->mechanism},
        {"sasl.username", security->username},
        {"ssl.ca.location", security->ca_location},
        {"ssl.certificate.location", security->certificate_location},
        {"ssl.key.location", security->key_location},
    };
    if (!check(security, err)) {
        return false;
    }
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        if (given(settings[i].value) && !rl_stream_set(conf, settings[i].name, settings[i].value, err)) {
            return false;
        }
    }
    return set_password(security, conf, err);
}
