#include <stdio.h>

int main(void) {
    fputs("Grüße, 世界 🚀", stdout);
    return 0;
}
