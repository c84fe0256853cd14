/* help.c: --help, from the table of commands. */
#include "tools/runlog/cli.h"
#include "tools/runlog/settings.h"

#define COLUMN 28

static void print_commands(FILE *out, bool for_operators) {
    size_t count = 0;
    const rl_cli_command *const *commands = rl_cli_commands(&count);
    for (size_t i = 0; i < count; i++) {
        if (commands[i]->for_operators == for_operators) {
            char left[80];
            (void)snprintf(left, sizeof left, "%s %s", commands[i]->name, commands[i]->arguments);
            (void)fprintf(out, "  %-*s %s\n", COLUMN, left, commands[i]->summary);
        }
    }
}

void rl_cli_help(FILE *out) {
    (void)fputs("usage: runlog COMMAND [OPTION...] [ARGUMENT...]\n\n"
                "programs, over HTTP (RUNLOG_URL says where):\n",
                out);
    print_commands(out, false);
    (void)fputs("\nfor operators, over Kafka (RUNLOG_KAFKA_BROKERS says where):\n", out);
    print_commands(out, true);
    (void)fputs("\nothers:\n", out);
    (void)fprintf(out, "  %-*s %s\n", COLUMN, "COMMAND --help",
                  "what a command takes, and its exit statuses");
    (void)fprintf(out, "  %-*s %s\n", COLUMN, "--version", "the version");
    (void)fprintf(out, "  %-*s %s\n", COLUMN, "--manual", "the manual page: runlog --manual | man -l -");
    (void)fprintf(out, "  %-*s %s\n\n", COLUMN, "--completion bash",
                  "completion for the shell: source <(runlog --completion bash)");
    rl_config_help(rl_cli_settings_table(), out);
}

void rl_cli_command_help(const rl_cli_command *command, FILE *out) {
    (void)fprintf(out, "usage: runlog %s%s%s%s\n\n%s\n", command->name,
                  command->option_count > 0 ? " [OPTION...]" : "", *command->arguments ? " " : "",
                  command->arguments, command->summary);
    if (command->details) {
        (void)fprintf(out, "\n%s\n", command->details);
    }
    if (command->option_count > 0) {
        (void)fputs("\noptions:\n", out);
    }
    for (size_t i = 0; i < command->option_count; i++) {
        const rl_cli_option *option = &command->options[i];
        char left[64];
        (void)snprintf(left, sizeof left, "--%s%s%s", option->name, option->argument ? " " : "",
                       option->argument ? option->argument : "");
        (void)fprintf(out, "  %-*s %s\n", COLUMN, left, option->help);
    }
}
