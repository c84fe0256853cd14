/* user_filter.c: tables of what is refused, and the small assembler that turns them into BPF. */
#include "sandbox/seccomp/user_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#error "the filter knows x86_64 and aarch64 system call numbers only"
#endif

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

/* Refused whatever the arguments, with this error; 0: the call succeeds without doing anything. The conditional ones do not exist on every architecture or in every set
 * of kernel headers. */
static const struct {
    long number;
    int error;
} denied[] = {
    /* other processes' memory and state */
    {SYS_ptrace, EPERM},
    {SYS_process_vm_readv, EPERM},
    {SYS_process_vm_writev, EPERM},
    {SYS_kcmp, EPERM},
#ifdef SYS_pidfd_getfd
    {SYS_pidfd_getfd, EPERM},
#endif
#ifdef SYS_process_madvise
    {SYS_process_madvise, EPERM},
#endif
    {SYS_move_pages, EPERM},
    {SYS_migrate_pages, EPERM},
    /* large kernel interfaces with a history */
    {SYS_io_uring_setup, ENOSYS},
    {SYS_io_uring_enter, ENOSYS},
    {SYS_io_uring_register, ENOSYS},
    {SYS_bpf, EPERM},
    {SYS_perf_event_open, EPERM},
    {SYS_userfaultfd, EPERM},
    {SYS_fanotify_init, EPERM},
    {SYS_fanotify_mark, EPERM},
    {SYS_add_key, EPERM},
    {SYS_request_key, EPERM},
    {SYS_keyctl, EPERM},
    {SYS_io_setup, ENOSYS},
    {SYS_io_submit, ENOSYS},
    {SYS_vmsplice, EPERM},
#ifdef SYS_memfd_secret
    {SYS_memfd_secret, ENOSYS},
#endif
    /* Packet filter programs are compiled into memory that the whole host shares (bpf_jit_limit) and no control group
     * counts: with it used up, no other container gets the filter that its own program needs. See also setsockopt and
     * prctl below. */
    {SYS_seccomp, ENOSYS},
    /* What one test attached to a folder would be there for the next; see user_filter.h. */
    {SYS_setxattr, EOPNOTSUPP},
    {SYS_lsetxattr, EOPNOTSUPP},
    {SYS_fsetxattr, EOPNOTSUPP},
#ifdef SYS_setxattrat
    {SYS_setxattrat, EOPNOTSUPP},
#endif
#ifdef SYS_file_setattr
    {SYS_file_setattr, EOPNOTSUPP},
#endif
    /* work for the whole host that no program can tell from none: succeed without it */
    {SYS_sync, 0},
    {SYS_syncfs, 0},
    {SYS_fadvise64, 0},
    {SYS_readahead, 0},
    /* namespaces and mounts */
    {SYS_unshare, EPERM},
    {SYS_setns, EPERM},
    {SYS_clone3, ENOSYS},
    {SYS_mount, EPERM},
    {SYS_umount2, EPERM},
    {SYS_pivot_root, EPERM},
    {SYS_chroot, EPERM},
    {SYS_move_mount, EPERM},
    {SYS_open_tree, EPERM},
    {SYS_fsopen, EPERM},
    {SYS_fsconfig, EPERM},
    {SYS_fsmount, EPERM},
    {SYS_fspick, EPERM},
#ifdef SYS_mount_setattr
    {SYS_mount_setattr, EPERM},
#endif
    {SYS_open_by_handle_at, EPERM},
    {SYS_name_to_handle_at, EPERM},
    /* the host: clocks, names, modules, swap, accounting, logs */
    {SYS_settimeofday, EPERM},
    {SYS_clock_settime, EPERM},
    {SYS_clock_adjtime, EPERM},
    {SYS_adjtimex, EPERM},
    {SYS_sethostname, EPERM},
    {SYS_setdomainname, EPERM},
    {SYS_kexec_load, EPERM},
    {SYS_kexec_file_load, EPERM},
    {SYS_init_module, EPERM},
    {SYS_finit_module, EPERM},
    {SYS_delete_module, EPERM},
    {SYS_reboot, EPERM},
    {SYS_swapon, EPERM},
    {SYS_swapoff, EPERM},
    {SYS_acct, EPERM},
    {SYS_quotactl, EPERM},
#ifdef SYS_quotactl_fd
    {SYS_quotactl_fd, EPERM},
#endif
    {SYS_syslog, EPERM},
    {SYS_vhangup, EPERM},
    {SYS_lookup_dcookie, EPERM},
    {SYS_nfsservctl, EPERM},
#ifdef SYS_iopl
    {SYS_iopl, EPERM},
#endif
#ifdef SYS_ioperm
    {SYS_ioperm, EPERM},
#endif
#ifdef SYS_modify_ldt
    {SYS_modify_ldt, EPERM},
#endif
#ifdef SYS_uselib
    {SYS_uselib, EPERM},
#endif
#ifdef SYS_ustat
    {SYS_ustat, EPERM},
#endif
#ifdef SYS_sysfs
    {SYS_sysfs, EPERM},
#endif
#ifdef SYS__sysctl
    {SYS__sysctl, EPERM},
#endif
};

/* Refused depending on one argument. Only its low 32 bits are looked at: that is what the kernel uses of
 * each of these. Several rules for one call are all applied. */
enum test { ANY_BIT, ONE_OF, NONE_OF };
static const struct {
    long number;
    unsigned argument;
    enum test test; /* refused when the argument has any bit of, is one of, is none of: */
    uint32_t values[4];
    unsigned count;
    int error;
} conditional[] = {
    {SYS_clone,
     0,
     ANY_BIT,
     {CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
      CLONE_NEWNET},
     1,
     EPERM},
    {SYS_socket, 0, NONE_OF, {AF_UNIX}, 1, EAFNOSUPPORT},
    {SYS_socketpair, 0, NONE_OF, {AF_UNIX}, 1, EAFNOSUPPORT},
    {SYS_personality, 0, NONE_OF, {PER_LINUX, ADDR_NO_RANDOMIZE, 0xffffffffu}, 3, EPERM},
    /* Its three pipes are the agent's, and their size counts against root on the whole host. */
    {SYS_fcntl, 1, ONE_OF, {F_SETPIPE_SZ}, 1, EPERM},
    /* Record locks are kernel memory that nobody is charged for and no limit counts: they succeed without locking. */
    {SYS_fcntl, 1, ONE_OF, {F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_SETLKW}, 4, 0},
    {SYS_ioctl, 1, ONE_OF, {TIOCSTI, TIOCLINUX}, 2, EPERM},
    /* Flags of files and folders are attributes too. */
    {SYS_ioctl, 1, ONE_OF, {FS_IOC_SETFLAGS, FS_IOC32_SETFLAGS, FS_IOC_FSSETXATTR}, 3, ENOTTY},
    /* Huge pages come from a pool of the whole host, which the memory limit does not count. */
    {SYS_mmap, 3, ANY_BIT, {MAP_HUGETLB}, 1, ENOMEM},
    {SYS_memfd_create, 1, ANY_BIT, {MFD_HUGETLB}, 1, EINVAL},
    {SYS_shmget, 2, ANY_BIT, {SHM_HUGETLB}, 1, ENOMEM},
    /* As for SYS_seccomp: a socket takes such a program too, and each of thousands another one. */
    {SYS_setsockopt,
     2,
     ONE_OF,
     {SO_ATTACH_FILTER, SO_ATTACH_BPF, SO_ATTACH_REUSEPORT_CBPF, SO_ATTACH_REUSEPORT_EBPF},
     4,
     EPERM},
    /* The older way to a filter; and names of mappings, kernel memory that nobody is charged for. */
    {SYS_prctl, 0, ONE_OF, {PR_SET_SECCOMP, PR_SET_VMA}, 2, EINVAL},
};

static void emit(rl_user_filter *filter, struct sock_filter instruction) {
    if (filter->size < RL_USER_FILTER_MAX) {
        filter->code[filter->size] = instruction;
    }
    filter->size++; /* past the end it only counts; the builder checks */
}

static void emit_load(rl_user_filter *filter, size_t offset) {
    emit(filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

/* Skips `skip_true` or `skip_false` instructions. `how` is BPF_JEQ, BPF_JGE or BPF_JSET. */
static void emit_jump(rl_user_filter *filter, int how, uint32_t value, uint8_t skip_true,
                      uint8_t skip_false) {
    emit(filter,
         (struct sock_filter)BPF_JUMP((uint16_t)(BPF_JMP | how | BPF_K), value, skip_true, skip_false));
}

static void emit_return(rl_user_filter *filter, uint32_t action) {
    emit(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

static uint32_t refuse(int error) {
    return SECCOMP_RET_ERRNO | ((uint32_t)error & SECCOMP_RET_DATA);
}

static void emit_guard_architecture(rl_user_filter *filter) {
    emit_load(filter, offsetof(struct seccomp_data, arch));
    emit_jump(filter, BPF_JEQ, NATIVE_ARCH, 1, 0);
    emit_return(filter, SECCOMP_RET_KILL_PROCESS);
    emit_load(filter, offsetof(struct seccomp_data, nr));
#if defined(__x86_64__)
    emit_jump(filter, BPF_JGE, 0x40000000u, 0, 1); /* x32 shares the architecture and sets this bit */
    emit_return(filter, SECCOMP_RET_KILL_PROCESS);
#endif
}

/* One rule as a block of 4 + count instructions that leaves the number loaded again, so that blocks can
 * follow one another:  number? load argument; tests -> refuse or fall through; reload number. */
static void emit_conditional(rl_user_filter *filter, size_t rule) {
    uint8_t count = (uint8_t)conditional[rule].count;
    emit_jump(filter, BPF_JEQ, (uint32_t)conditional[rule].number, 0, (uint8_t)(count + 3));
    /* args[] are 64 bits, little endian on both architectures: the low half comes first. */
    emit_load(filter, offsetof(struct seccomp_data, args) + (size_t)8 * conditional[rule].argument);
    for (uint8_t i = 0; i < count; i++) {
        uint8_t to_refuse = (uint8_t)(count - 1 - i); /* instructions between here and the return */
        uint8_t to_reload = (uint8_t)(count - i);
        bool last = i == count - 1;
        switch (conditional[rule].test) {
        case ANY_BIT:
            emit_jump(filter, BPF_JSET, conditional[rule].values[i], to_refuse, last ? to_reload : 0);
            break;
        case ONE_OF:
            emit_jump(filter, BPF_JEQ, conditional[rule].values[i], to_refuse, last ? to_reload : 0);
            break;
        case NONE_OF:
            emit_jump(filter, BPF_JEQ, conditional[rule].values[i], to_reload, 0);
            break;
        }
    }
    emit_return(filter, refuse(conditional[rule].error));
    emit_load(filter, offsetof(struct seccomp_data, nr));
}

int rl_user_filter_build(rl_user_filter *filter) {
    filter->size = 0;
    emit_guard_architecture(filter);
    for (size_t i = 0; i < sizeof denied / sizeof denied[0]; i++) {
        emit_jump(filter, BPF_JEQ, (uint32_t)denied[i].number, 0, 1);
        emit_return(filter, refuse(denied[i].error));
    }
    for (size_t i = 0; i < sizeof conditional / sizeof conditional[0]; i++) {
        emit_conditional(filter, i);
    }
    emit_return(filter, SECCOMP_RET_ALLOW);
    return filter->size <= RL_USER_FILTER_MAX ? 0 : -1;
}

int rl_user_filter_install(const rl_user_filter *filter) {
    struct sock_fprog program = {.len = (unsigned short)filter->size,
                                 .filter = (struct sock_filter *)filter->code};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
