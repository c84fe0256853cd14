/* compile_key.c: the hash over a compile step. Every part is preceded by its size, and lists by their length, so that no
 * two steps are the same bytes. */
#include <errno.h>
#include <openssl/evp.h>

#include "services/runner/compile_cache.h"

#define FORM "compile step 2" /* changes with what is hashed, and in which order */

typedef struct {
    EVP_MD_CTX *context;
    bool ok;
} hashing;

static void add_number(hashing *h, uint64_t number) {
    unsigned char bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)(number >> (56 - 8 * i));
    }
    h->ok = h->ok && EVP_DigestUpdate(h->context, bytes, sizeof bytes) == 1;
}

static void add_bytes(hashing *h, rl_bytes bytes) {
    add_number(h, bytes.size);
    h->ok = h->ok && (bytes.size == 0 || EVP_DigestUpdate(h->context, bytes.data, bytes.size) == 1);
}

static void add_texts(hashing *h, const char *const *texts, uint32_t count) {
    add_number(h, count);
    for (uint32_t i = 0; i < count; i++) {
        add_bytes(h, rl_bytes_of(texts[i]));
    }
}

static void add_job(hashing *h, const rl_agent_job *job) {
    add_texts(h, job->compile.argv, job->compile.argc);
    add_texts(h, job->env, job->env_count);
    add_number(h, (uint64_t)job->compile.limits.stdout_bytes);
    add_number(h, (uint64_t)job->compile.limits.stderr_bytes);
    add_number(h, job->file_count);
    for (uint32_t i = 0; i < job->file_count; i++) {
        const rl_agent_file *file = &job->files[i];
        add_bytes(h, rl_bytes_of(file->path));
        add_number(h, file->mode);
        add_number(h, (uint64_t)file->format);
        add_bytes(h, rl_bytes_make(file->data, file->size));
    }
}

bool rl_compile_key_make(const char *image, const char *lang, const char *tenant, const rl_agent_job *job,
                         rl_compile_key *ret, rl_error *err) {
    hashing h = {.context = EVP_MD_CTX_new()};
    h.ok = h.context && EVP_DigestInit_ex(h.context, EVP_sha256(), NULL) == 1;
    add_texts(&h, (const char *const[]){FORM, image, lang, tenant, job->work_dir}, 5);
    add_job(&h, job);
    h.ok = h.ok && EVP_DigestFinal_ex(h.context, ret->bytes, NULL) == 1;
    EVP_MD_CTX_free(h.context);
    return h.ok || rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for the hash of a compile step");
}
