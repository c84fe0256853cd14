/* cleanup.h: locals that free themselves.
 *
 * RL_CLEANUP(function) runs `function(&local)` when the local leaves its scope. Ownership moves out
 * with RL_STEAL, which leaves NULL behind.
 */
#ifndef RL_BASE_CLEANUP_H
#define RL_BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

#define RL_CLEANUP(function) __attribute__((cleanup(function)))

/* Defines static inline `name(type **)` that calls `destroy` on a non-NULL pointer. */
#define RL_DEFINE_CLEANUP(name, type, destroy)                                                               \
    __attribute__((unused)) static inline void name(type **slot) {                                           \
        if (*slot) {                                                                                         \
            destroy(*slot);                                                                                  \
            *slot = NULL;                                                                                    \
        }                                                                                                    \
    }

/* Takes the pointer out of an owning local: `return RL_STEAL(thing);` */
#define RL_STEAL(pointer)                                                                                    \
    __extension__({                                                                                          \
        __typeof__(pointer) rl_stolen_ = (pointer);                                                          \
        (pointer) = NULL;                                                                                    \
        rl_stolen_;                                                                                          \
    })

__attribute__((unused)) static inline void rl_free_slot(void *slot) {
    void **pointer = slot;
    free(*pointer);
    *pointer = NULL;
}

__attribute__((unused)) static inline void rl_close_slot(const int *fd) {
    if (*fd >= 0) {
        close(*fd);
    }
}

#define RL_AUTO_FREE RL_CLEANUP(rl_free_slot)
#define RL_AUTO_CLOSE RL_CLEANUP(rl_close_slot)

#endif
