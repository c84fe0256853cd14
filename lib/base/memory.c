/* memory.c: see memory.h. */
#include "lib/base/memory.h"

#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

/* Larger blocks go straight back to the system when they are freed: records of several MiB come now and then. */
#define LARGE_BLOCK (256 * 1024)

/* Below the frame that trims: its own locals, the red zone, the system call's wrapper. */
#define STACK_MARGIN 4096

void rl_memory_bound(int arenas) {
    (void)mallopt(M_ARENA_MAX, arenas); /* both fail for values out of bounds only */
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
}

/* Text, constants, tables: private mappings of files that nobody may write to, so that no page of them can differ from
 * its file. What the loader wrote to (data, relocated constants) lies in segments that are writable for it. */
static bool is_read_only(const ElfW(Phdr) * segment) {
    return segment->p_type == PT_LOAD && !(segment->p_flags & PF_W);
}

static int give_back_segments(struct dl_phdr_info *object, size_t size, void *context) {
    (void)size;
    const uintptr_t page = *(const uintptr_t *)context;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (is_read_only(segment)) {
            const uintptr_t from = (object->dlpi_addr + segment->p_vaddr) & ~(page - 1);
            const uintptr_t to = object->dlpi_addr + segment->p_vaddr + segment->p_memsz;
            /* Fails for the vDSO, which is the kernel's: nothing is lost then. */
            (void)madvise((void *)from, to - from, MADV_DONTNEED);
        }
    }
    return 0;
}

bool rl_memory_settle(rl_memory_settling *settling, bool ready, int64_t now_us) {
    if (settling->done || !ready) {
        return false;
    }
    if (settling->ready_us == 0) {
        settling->ready_us = now_us;
    }
    if (now_us - settling->ready_us < RL_MEMORY_SETTLE_US) {
        return false;
    }
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    (void)malloc_trim(0); /* whether there was anything to give back does not matter */
    (void)dl_iterate_phdr(give_back_segments, &page);
    settling->done = true;
    return true;
}

void *rl_memory_stack(void) {
    pthread_attr_t attributes;
    void *lowest = NULL;
    size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        if (pthread_attr_getstack(&attributes, &lowest, &size) != 0) {
            lowest = NULL;
        }
        (void)pthread_attr_destroy(&attributes);
    }
    return lowest;
}

/* Stacks grow downwards wherever Runlog runs. */
__attribute__((noinline)) void rl_memory_trim_stack(void *stack) {
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uintptr_t unused = ((uintptr_t)__builtin_frame_address(0) - STACK_MARGIN) & ~(page - 1);
    if (stack && unused > (uintptr_t)stack) {
        (void)madvise(stack, unused - (uintptr_t)stack, MADV_DONTNEED); /* failing, it is only kept */
    }
}
