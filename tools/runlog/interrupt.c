/* interrupt.c: see interrupt.h. */
#include "tools/runlog/interrupt.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t came;

static void note(int signal_number) {
    (void)signal_number;
    came = 1;
}

void rl_interrupt_note(void) {
    struct sigaction action = {.sa_handler = note, .sa_flags = (int)SA_RESETHAND};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL); /* fails for signals that there are not */
    (void)sigaction(SIGTERM, &action, NULL);
}

bool rl_interrupt_came(void) {
    return came != 0;
}
