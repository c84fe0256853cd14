/* config.h: one table drives parsing, bounds, --help and docs/configuration.md.
 *
 * A service declares a table of options whose targets lie in its own configuration struct:
 *
 *     static const rl_config_option options[] = {
 *         {"RUNLOG_SLOTS", RL_CONFIG_INT, offsetof(config, slots), "0", 0, 1024, "containers at once; 0: one per core"},
 *         ...
 *     };
 *
 * rl_config_load fills the struct from the environment. A value that does not parse or lies out of
 * bounds is an error that names variable, value and bounds; a RUNLOG_ variable that the service's table
 * does not know is an error that names the nearest one, so that a misspelt setting is never ignored.
 *
 * This is the one place in lib/ that reads the environment.
 */
#ifndef RL_BASE_CONFIG_H
#define RL_BASE_CONFIG_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/base/error.h"

typedef enum {
    RL_CONFIG_TEXT,  /* target: const char *; bounds are its length in bytes */
    RL_CONFIG_INT,   /* target: int64_t, decimal */
    RL_CONFIG_BYTES, /* target: int64_t; "65536", "64KiB", "10MiB", "1GiB" */
    RL_CONFIG_DURATION, /* target: int64_t in microseconds; "250ms", "10s", "5m", "24h", "7d"; "off" is 0; bounds in us */
    RL_CONFIG_BOOL, /* target: bool; 1, 0, true, false, yes, no, on, off */
} rl_config_type;

typedef struct {
    const char *name; /* RUNLOG_... */
    rl_config_type type;
    size_t offset;        /* of the target within the service's struct */
    const char *fallback; /* default, in the form that the variable takes; NULL: required */
    int64_t min, max;
    const char *help; /* one sentence, with the unit where the type does not say it */
} rl_config_option;

typedef struct {
    const char *service; /* "runlog-api" */
    const char *summary; /* one line for --help */
    const rl_config_option *options;
    size_t count;
} rl_config_table;

/* Fills `target` (the struct that the offsets belong to) from `environment` (as `environ`). Text points
 * into the environment or into the table: it lives as long as the process. false and INVALID at the
 * first option that is wrong. Variables starting with RUNLOG_TEST_ are left alone. */
bool rl_config_load(const rl_config_table *table, char *const *environment, void *target, rl_error *err);

/* Prints usage and every option with its type, default, bounds and help. */
void rl_config_help(const rl_config_table *table, FILE *out);

/* Prints the section of docs/configuration.md for this service (a Markdown table). */
void rl_config_markdown(const rl_config_table *table, FILE *out);

/* What the standard options of a service's command line ask for: nothing else is accepted there. */
typedef enum {
    RL_CONFIG_RUN,   /* no arguments: go on */
    RL_CONFIG_DONE,  /* --help, --version or --config-markdown was answered on stdout: exit 0 */
    RL_CONFIG_USAGE, /* an unknown argument was complained about on stderr: exit 2 */
} rl_config_action;
rl_config_action rl_config_arguments(const rl_config_table *table, int argc, char *const *argv);

#endif
