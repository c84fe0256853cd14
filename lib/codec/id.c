#include "lib/codec/id.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>

enum {
    TIME_BYTES = 6,
    WHERE_AT = TIME_BYTES, /* lane and partition */
    TAG_AT = 8,
    RANDOM_AT = 12,
    RANDOM_BYTES = 8,
    MAC_AT = 20,
    MAC_BYTES = 10,
    ID_BYTES = MAC_AT + MAC_BYTES,
    KEY_BYTES = 32,
    KEY_LINE = KEY_BYTES * 2,
    MAX_KEYS = 8,
    PARTITION_BITS = 14,
};

_Static_assert(ID_BYTES * 4 / 3 == RL_ID_LENGTH, "30 bytes are 40 base64url characters, without padding");

struct rl_id_keys {
    size_t count; /* the first signs, all verify */
    unsigned char key[MAX_KEYS][KEY_BYTES];
};

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void encode(const unsigned char raw[ID_BYTES], char out[RL_ID_SIZE]) {
    for (size_t i = 0, o = 0; i < ID_BYTES; i += 3, o += 4) {
        uint32_t group = (uint32_t)raw[i] << 16 | (uint32_t)raw[i + 1] << 8 | raw[i + 2];
        out[o] = alphabet[group >> 18];
        out[o + 1] = alphabet[group >> 12 & 63];
        out[o + 2] = alphabet[group >> 6 & 63];
        out[o + 3] = alphabet[group & 63];
    }
    out[RL_ID_LENGTH] = '\0';
}

static bool decode(const char *text, unsigned char raw[ID_BYTES]) {
    for (size_t i = 0, o = 0; i < RL_ID_LENGTH; i += 4, o += 3) {
        uint32_t group = 0;
        for (size_t j = 0; j < 4; j++) {
            const char *at = text[i + j] ? strchr(alphabet, text[i + j]) : NULL;
            if (!at) {
                return false;
            }
            group = group << 6 | (uint32_t)(at - alphabet);
        }
        raw[o] = (unsigned char)(group >> 16);
        raw[o + 1] = (unsigned char)(group >> 8);
        raw[o + 2] = (unsigned char)group;
    }
    return true;
}

static bool mac(const unsigned char key[KEY_BYTES], const unsigned char *raw, unsigned char out[MAC_BYTES]) {
    unsigned char full[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    if (!HMAC(EVP_sha256(), key, KEY_BYTES, raw, MAC_AT, full, &size) || size < MAC_BYTES) {
        return false;
    }
    memcpy(out, full, MAC_BYTES);
    return true;
}

static bool parse_line(rl_id_keys *keys, const char *line) {
    size_t size = strcspn(line, "\r\n");
    if (size == 0) {
        return true;
    }
    if (size != KEY_LINE || keys->count == MAX_KEYS) {
        return false;
    }
    unsigned char *key = keys->key[keys->count++];
    for (size_t i = 0; i < KEY_BYTES; i++) {
        char pair[3] = {line[2 * i], line[2 * i + 1], '\0'};
        if (!isxdigit((unsigned char)pair[0]) || !isxdigit((unsigned char)pair[1])) {
            return false;
        }
        key[i] = (unsigned char)strtoul(pair, NULL, 16);
    }
    return true;
}

/* Reads the keys; false with errno ENOENT in err->code where there is no file yet. */
static bool read_keys(const char *path, rl_id_keys *keys, rl_error *err) {
    FILE *file = fopen(path, "re");
    if (!file) {
        return rl_error_set_errno(err, RL_FATAL, errno, "cannot read the id secret %s", path);
    }
    char line[KEY_LINE + 8];
    bool fine = true;
    keys->count = 0;
    while (fine && fgets(line, sizeof line, file)) {
        fine = parse_line(keys, line);
    }
    (void)fclose(file); /* read only */
    OPENSSL_cleanse(line, sizeof line);
    if (!fine || keys->count == 0) {
        return rl_error_set(err, RL_FATAL, 0, "%s must hold 1 to %d keys, one a line, each of %d hex digits",
                            path, MAX_KEYS, KEY_LINE);
    }
    return true;
}

static bool write_line(int fd, const char *path, rl_error *err) {
    unsigned char key[KEY_BYTES];
    char line[KEY_LINE + 2];
    if (RAND_bytes(key, sizeof key) != 1) {
        return rl_error_set(err, RL_FATAL, 0, "no randomness for the id secret");
    }
    for (size_t i = 0; i < KEY_BYTES; i++) {
        (void)snprintf(line + 2 * i, 3, "%02x", key[i]);
    }
    line[KEY_LINE] = '\n';
    bool fine = write(fd, line, KEY_LINE + 1) == KEY_LINE + 1 && fsync(fd) == 0;
    int cause = errno;
    OPENSSL_cleanse(key, sizeof key);
    OPENSSL_cleanse(line, sizeof line);
    return fine || rl_error_set_errno(err, RL_FATAL, cause, "cannot write the id secret %s", path);
}

/* Makes the file whole under another name and links it into place: whoever links first has made the
 * secret, and everybody reads the same. */
static bool create_keys(const char *path, rl_error *err) {
    char draft[4096];
    if (snprintf(draft, sizeof draft, "%s.XXXXXX", path) >= (int)sizeof draft) {
        return rl_error_set(err, RL_FATAL, 0, "the path of the id secret is too long");
    }
    RL_CLEANUP(rl_close_slot) int fd = mkostemp(draft, O_CLOEXEC);
    if (fd < 0) {
        return rl_error_set_errno(err, RL_FATAL, errno, "cannot create the id secret %s", path);
    }
    bool fine = write_line(fd, path, err);
    if (fine && link(draft, path) != 0 && errno != EEXIST) {
        fine = rl_error_set_errno(err, RL_FATAL, errno, "cannot create the id secret %s", path);
    }
    (void)unlink(draft); /* a leftover draft is harmless */
    return fine;
}

RL_DEFINE_CLEANUP(keys_slot, rl_id_keys, rl_id_keys_free)

rl_id_keys *rl_id_keys_load(const char *path, rl_error *err) {
    RL_CLEANUP(keys_slot) rl_id_keys *keys = calloc(1, sizeof *keys);
    if (!keys) {
        rl_error_set(err, RL_FATAL, ENOMEM, "out of memory");
        return NULL;
    }
    rl_error first = RL_ERROR_INIT;
    if (!read_keys(path, keys, &first)) {
        if (first.code != ENOENT) {
            rl_error_set(err, RL_FATAL, first.code, "%s", first.message);
            return NULL;
        }
        if (!create_keys(path, err) || !read_keys(path, keys, err)) {
            return NULL;
        }
    }
    return RL_STEAL(keys);
}

void rl_id_keys_free(rl_id_keys *keys) {
    if (keys) {
        OPENSSL_cleanse(keys, sizeof *keys);
        free(keys);
    }
}

bool rl_id_issue(const rl_id_keys *keys, const rl_id_parts *parts, char ret_id[RL_ID_SIZE], rl_error *err) {
    unsigned char raw[ID_BYTES];
    for (size_t i = 0; i < TIME_BYTES; i++) {
        raw[i] = (unsigned char)((uint64_t)parts->created_ms >> (8 * (TIME_BYTES - 1 - i)));
    }
    unsigned where =
        ((unsigned)parts->lane << PARTITION_BITS) | ((unsigned)parts->partition & RL_ID_MAX_PARTITION);
    raw[WHERE_AT] = (unsigned char)(where >> 8);
    raw[WHERE_AT + 1] = (unsigned char)where;
    for (size_t i = 0; i < 4; i++) {
        raw[TAG_AT + i] = (unsigned char)(parts->tenant_tag >> (8 * (3 - i)));
    }
    /* From the kernel: OpenSSL would keep a generator, some KiB, for each thread that ever issued an id. */
    if (getrandom(raw + RANDOM_AT, RANDOM_BYTES, 0) != RANDOM_BYTES ||
        !mac(keys->key[0], raw, raw + MAC_AT)) {
        return rl_error_set(err, RL_FATAL, 0, "no randomness for an id");
    }
    encode(raw, ret_id);
    return true;
}

static void read_parts(const unsigned char raw[ID_BYTES], rl_id_parts *parts) {
    uint64_t created = 0;
    for (size_t i = 0; i < TIME_BYTES; i++) {
        created = created << 8 | raw[i];
    }
    unsigned where = (unsigned)raw[WHERE_AT] << 8 | raw[WHERE_AT + 1];
    uint32_t tag = 0;
    for (size_t i = 0; i < 4; i++) {
        tag = tag << 8 | raw[TAG_AT + i];
    }
    *parts = (rl_id_parts){.created_ms = (int64_t)created,
                           .lane = (rl_lane)(where >> PARTITION_BITS),
                           .partition = (int32_t)(where & RL_ID_MAX_PARTITION),
                           .tenant_tag = tag};
}

bool rl_id_verify(const rl_id_keys *keys, const char *id, rl_id_parts *ret_parts) {
    unsigned char raw[ID_BYTES];
    if (strlen(id) != RL_ID_LENGTH || !decode(id, raw)) {
        return false;
    }
    for (size_t i = 0; i < keys->count; i++) {
        unsigned char expected[MAC_BYTES];
        if (mac(keys->key[i], raw, expected) && CRYPTO_memcmp(expected, raw + MAC_AT, MAC_BYTES) == 0) {
            if (ret_parts) {
                read_parts(raw, ret_parts);
            }
            return true;
        }
    }
    return false;
}

static bool decode_text(rl_bytes text, unsigned char raw[ID_BYTES]) {
    char copy[RL_ID_SIZE] = "";
    if (text.size != RL_ID_LENGTH) {
        return false;
    }
    memcpy(copy, text.data, RL_ID_LENGTH);
    return decode(copy, raw);
}

bool rl_id_has_form(rl_bytes text) {
    unsigned char raw[ID_BYTES];
    return decode_text(text, raw);
}

uint32_t rl_id_peek_tenant_tag(rl_bytes text) {
    unsigned char raw[ID_BYTES];
    if (!decode_text(text, raw)) {
        return 0;
    }
    rl_id_parts parts;
    read_parts(raw, &parts);
    return parts.tenant_tag;
}

int64_t rl_id_peek_created_ms(rl_bytes text) {
    unsigned char raw[ID_BYTES];
    if (!decode_text(text, raw)) {
        return 0;
    }
    rl_id_parts parts;
    read_parts(raw, &parts);
    return parts.created_ms;
}

uint32_t rl_id_tenant_tag(const char *tenant) {
    unsigned char hash[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)tenant, strlen(tenant), hash);
    return (uint32_t)hash[0] << 24 | (uint32_t)hash[1] << 16 | (uint32_t)hash[2] << 8 | hash[3];
}
