/* memory.h: how a service keeps its resident memory small, and flat however much it has done.
 *
 * Two sources of growth are glibc's: a heap ("arena") for each thread up to eight for each processor, of which
 * librdkafka's two dozen threads and an HTTP server's hundreds make full use, and a threshold for large blocks that
 * rises with the first one freed, after which such blocks stay in the heap. rl_memory_bound() fixes both.
 *
 * More than half of what a service has in memory when it is ready are pages of libraries which only loading and
 * starting them needed: symbol tables, relocation, set-up code of some sixty of them. They are copies of files:
 * rl_memory_settle() gives them back once, and the few that are needed again come from the page cache.
 *
 * Threads that serve one client after another have deep stacks in turn, but are mostly idle: see
 * rl_memory_trim_stack().
 */
#ifndef RL_BASE_MEMORY_H
#define RL_BASE_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

/* First thing in main(), before any thread. `arenas`: heaps that all threads share; with few, threads that allocate
 * much wait for each other, with many each keeps free memory of its own. */
void rl_memory_bound(int arenas);

/* Begins as {0}. Owned by the thread that calls rl_memory_settle. */
typedef struct {
    int64_t ready_us; /* when the service was first seen ready; 0: not yet */
    bool done;
} rl_memory_settling;

#define RL_MEMORY_SETTLE_US (INT64_C(5) * 1000000)

/* Called now and then by one thread, with the monotonic time and whether the service is ready. RL_MEMORY_SETTLE_US
 * after it was first ready, when its clients have connected too, gives back what it does not use; once. True in
 * that call. */
bool rl_memory_settle(rl_memory_settling *settling, bool ready, int64_t now_us);

/* The stack of the calling thread, for rl_memory_trim_stack; NULL where it cannot be told. */
void *rl_memory_stack(void);

/* Gives back the pages of the calling thread's stack, as rl_memory_stack said, that are not in use at the moment: a
 * call that went deep once would keep them for the thread's life. One system call. NULL is fine. */
void rl_memory_trim_stack(void *stack);

#endif
