/* main.c: `runlog`. See cli.c for the commands. */
#include <unistd.h>

#include "tools/runlog/cli.h"

int main(int argc, char **argv) {
    return rl_cli_run(argc - 1, argv + 1, environ);
}
