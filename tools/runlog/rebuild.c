/* rebuild.c: `runlog rebuild`: what it takes. The work is done by another program, tools/rebuild, which stands beside this one in
 * the image tools: it alone needs MongoDB's client library, and this program is in every service's image. */
#include "tools/runlog/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/buffer.h"

#define PROGRAM "runlog-rebuild"

/* "/usr/bin/runlog-rebuild" where this is /usr/bin/runlog. */
static bool find_program(char *out, size_t size, rl_error *err) {
    char own[4096];
    const ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
    if (length < 0) {
        return rl_error_set_errno(err, RL_FATAL, errno, "/proc/self/exe");
    }
    own[length] = '\0';
    char *slash = strrchr(own, '/');
    if (!slash || (size_t)snprintf(out, size, "%.*s/" PROGRAM, (int)(slash - own), own) >= size) {
        return rl_error_set(err, RL_FATAL, 0, "the path of this program is too long");
    }
    return access(out, X_OK) == 0 ||
           rl_error_set(err, RL_INVALID, 0, "there is no %s: the image tools has it, the others do not", out);
}

/* What this was called with, as one argument for each option. false when memory is short. */
static bool write_option(const rl_cli_call *call, size_t index, rl_buffer *out) {
    const rl_cli_option *option = &call->command->options[index];
    rl_buffer_init(out, SIZE_MAX / 4);
    return option->argument ? rl_buffer_printf(out, "--%s=%s", option->name, call->values[index])
                            : rl_buffer_printf(out, "--%s", option->name);
}

static int run(const rl_cli_call *call) {
    rl_error err = RL_ERROR_INIT;
    char path[4200];
    rl_buffer texts[RL_CLI_MAX_OPTIONS] = {0};
    char *arguments[RL_CLI_MAX_OPTIONS + 2] = {path};
    size_t count = 1;
    bool ok = find_program(path, sizeof path, &err);
    for (size_t i = 0; ok && i < call->command->option_count; i++) {
        if (call->values[i]) {
            ok = write_option(call, i, &texts[i]) || rl_error_set(&err, RL_TRANSIENT, 0, "out of memory");
            arguments[count++] = texts[i].data;
        }
    }
    if (ok) {
        (void)execve(path, arguments, call->environment);
        (void)rl_error_set_errno(&err, RL_FATAL, errno, "%s", path);
    }
    for (size_t i = 0; i < RL_CLI_MAX_OPTIONS; i++) {
        rl_buffer_free(&texts[i]);
    }
    return rl_cli_fail(call, &err);
}

static const rl_cli_option options[] = {
    {"into", "URI",
     "the database to fill, mongodb://HOST/DATABASE; RUNLOG_REBUILD_URI otherwise; it must be empty"},
    {"compare", "URI", "the database to hold it against; RUNLOG_MONGO_URI otherwise"},
    {"no-compare", NULL, "fill it only: there is no other one any more"},
    {"json", NULL, "print JSON"},
};

const rl_cli_command rl_command_rebuild = {
    .name = "rebuild",
    .arguments = "",
    .summary = "fill an empty database from the log, and hold it against the one there is",
    .details =
        "Reads the topic results from its first record to its end of now, by the code of the sink and\n"
        "without its group: the stack may go on meanwhile. Then compares results, held results and\n"
        "decisions about replays of both databases, document by document. What has expired and what\n"
        "finished or was deleted since the start is left out. RUNLOG_RESULT_RETENTION has to be the\n"
        "sink's, or documents expire at other times and differ.\n"
        "\n"
        "Exit status: 0 it is filled, and equal where it was compared; 1 something differs, or it did not\n"
        "work, and stderr says what; 2 called wrongly. A database that was half filled has to be dropped\n"
        "before another try.",
    .for_operators = true,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
