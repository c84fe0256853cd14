/* A language's manifest.json. The folder that a manifest must agree with is called as its first "name" says, so that the
 * manifests in languages/ get past that check as they are. */
#include <stdlib.h>
#include <string.h>

#include "lib/manifest/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok) {
    if (!ok) {
        abort();
    }
}

/* What stands between the quotes behind the first "name":; "x" where there is none. */
static char *folder_name(const char *json, size_t size) {
    static const char key[] = "\"name\":";
    const char *end = json + size;
    const char *at = memmem(json, size, key, sizeof key - 1);
    const char *open = at ? memchr(at + sizeof key - 1, '"', (size_t)(end - at) - (sizeof key - 1)) : NULL;
    const char *close = open ? memchr(open + 1, '"', (size_t)(end - open - 1)) : NULL;
    return close ? strndup(open + 1, (size_t)(close - open - 1)) : strdup("x");
}

/* `count` strings, and NULL behind them: what execve takes. */
static void check_list(const char *const *list, size_t count, size_t size_min) {
    for (size_t i = 0; i < count; i++) {
        require(list[i] && strlen(list[i]) >= size_min);
    }
    require(!list || !list[count]);
}

static void check_phase(const rl_phase_limits *phase) {
    require(phase->cpu_us > 0 && phase->wall_us > phase->cpu_us && phase->memory_bytes > 0);
}

static void check_manifest(const rl_manifest *m, const char *name) {
    require(strcmp(m->name, name) == 0 && *m->title && *m->version);
    require(*m->source_file && !strchr(m->source_file, '/') && m->source_file[0] != '.');
    check_list(m->aliases, m->alias_count, 1);
    check_list(m->compile, m->compile_count, 1);
    check_list(m->run, m->run_count, 1);
    check_list(m->version_command, m->version_command_count, 1);
    check_list(m->environment, m->environment_count, 2);
    require(m->run_count > 0 && m->version_command_count > 0 && (!m->compile || m->compile_count > 0));
    for (size_t i = 0; i < m->environment_count; i++) {
        const char *equals = strchr(m->environment[i], '=');
        require(equals && equals > m->environment[i]);
    }
    check_phase(&m->limits.compile);
    check_phase(&m->limits.run);
    require(m->limits.processes > 0 && m->pool >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rl_error err = RL_ERROR_INIT;
    char *name = folder_name((const char *)data, size);
    require(name != NULL);
    rl_manifest *manifest = rl_manifest_parse(name, rl_bytes_make(data, size), &err);
    if (manifest) {
        check_manifest(manifest, name);
    } else {
        require(err.error_class == RL_INVALID && err.message[0] != '\0');
    }
    rl_manifest_free(manifest);
    free(name);
    return 0;
}
