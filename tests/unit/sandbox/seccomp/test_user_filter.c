/* What the filter answers, found by interpreting it: installing it would bind the test program itself.
 * The interpreter knows the instructions that the builder uses and fails on any other. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "sandbox/seccomp/user_filter.h"

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#else
#define NATIVE AUDIT_ARCH_AARCH64
#endif

static rl_user_filter filter;

static void build(void) {
    ck_assert_int_eq(rl_user_filter_build(&filter), 0);
}

static uint32_t interpret(const struct seccomp_data *data) {
    uint32_t accumulator = 0;
    for (size_t at = 0; at < filter.size; at++) {
        const struct sock_filter *code = &filter.code[at];
        bool taken = false;
        switch (code->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            ck_assert_uint_le(code->k, sizeof *data - 4);
            memcpy(&accumulator, (const char *)data + code->k, 4);
            continue;
        case BPF_RET | BPF_K:
            return code->k;
        case BPF_JMP | BPF_JEQ | BPF_K:
            taken = accumulator == code->k;
            break;
        case BPF_JMP | BPF_JGE | BPF_K:
            taken = accumulator >= code->k;
            break;
        case BPF_JMP | BPF_JSET | BPF_K:
            taken = (accumulator & code->k) != 0;
            break;
        default:
            ck_abort_msg("instruction %zu is unknown", at);
        }
        at += taken ? code->jt : code->jf;
    }
    ck_abort_msg("ran off the end");
    return 0;
}

static uint32_t ask(long number, uint64_t a0, uint64_t a1, uint64_t a2) {
    const struct seccomp_data data = {.nr = (int)number, .arch = NATIVE, .args = {a0, a1, a2}};
    return interpret(&data);
}

static uint32_t ask_mmap(uint64_t flags) {
    const struct seccomp_data data = {
        .nr = SYS_mmap, .arch = NATIVE, .args = {0, 4096, PROT_READ, flags, 0, 0}};
    return interpret(&data);
}

static uint32_t refused(int error) {
    return SECCOMP_RET_ERRNO | (uint32_t)error;
}

START_TEST(everyday_calls_pass) {
    static const long calls[] = {SYS_read,      SYS_write,    SYS_openat, SYS_execve,      SYS_exit_group,
                                 SYS_futex,     SYS_wait4,    SYS_mmap,   SYS_kill,        SYS_prctl,
                                 SYS_getrandom, SYS_mkdirat,  SYS_shmget, SYS_epoll_pwait, SYS_pipe2,
                                 SYS_rseq,      SYS_prlimit64};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        ck_assert_msg(ask(calls[i], 0, 0, 0) == SECCOMP_RET_ALLOW, "system call %ld", calls[i]);
    }
}
END_TEST

START_TEST(dangerous_calls_are_refused) {
    static const long calls[] = {SYS_ptrace,
                                 SYS_process_vm_readv,
                                 SYS_process_vm_writev,
                                 SYS_bpf,
                                 SYS_perf_event_open,
                                 SYS_userfaultfd,
                                 SYS_keyctl,
                                 SYS_add_key,
                                 SYS_request_key,
                                 SYS_mount,
                                 SYS_umount2,
                                 SYS_unshare,
                                 SYS_setns,
                                 SYS_pivot_root,
                                 SYS_chroot,
                                 SYS_kexec_load,
                                 SYS_init_module,
                                 SYS_finit_module,
                                 SYS_delete_module,
                                 SYS_reboot,
                                 SYS_swapon,
                                 SYS_open_by_handle_at,
                                 SYS_name_to_handle_at,
                                 SYS_quotactl,
                                 SYS_acct,
                                 SYS_settimeofday,
                                 SYS_clock_settime,
                                 SYS_sethostname,
                                 SYS_kcmp};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        ck_assert_msg(ask(calls[i], 0, 0, 0) == refused(EPERM), "system call %ld", calls[i]);
    }
}
END_TEST

START_TEST(calls_with_a_fallback_do_not_exist) {
    ck_assert_uint_eq(ask(SYS_clone3, 0, 0, 0), refused(ENOSYS));
    ck_assert_uint_eq(ask(SYS_io_uring_setup, 0, 0, 0), refused(ENOSYS));
}
END_TEST

START_TEST(files_take_no_attributes) {
    ck_assert_uint_eq(ask(SYS_setxattr, 0, 0, 0), refused(EOPNOTSUPP));
    ck_assert_uint_eq(ask(SYS_lsetxattr, 0, 0, 0), refused(EOPNOTSUPP));
    ck_assert_uint_eq(ask(SYS_fsetxattr, 0, 0, 0), refused(EOPNOTSUPP));
    ck_assert_uint_eq(ask(SYS_getxattr, 0, 0, 0), SECCOMP_RET_ALLOW);
    ck_assert_uint_eq(ask(SYS_ioctl, 3, FS_IOC_SETFLAGS, 0), refused(ENOTTY));
    ck_assert_uint_eq(ask(SYS_ioctl, 3, FS_IOC_FSSETXATTR, 0), refused(ENOTTY));
    ck_assert_uint_eq(ask(SYS_ioctl, 3, FS_IOC_GETFLAGS, 0), SECCOMP_RET_ALLOW);
}
END_TEST

START_TEST(clone_may_make_threads_and_processes_only) {
    ck_assert_uint_eq(ask(SYS_clone, 17, 0, 0), SECCOMP_RET_ALLOW); /* SIGCHLD: fork */
    ck_assert_uint_eq(ask(SYS_clone, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_THREAD | CLONE_SIGHAND, 0, 0),
                      SECCOMP_RET_ALLOW);
    static const uint32_t namespaces[] = {CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWPID,   CLONE_NEWNET,
                                          CLONE_NEWIPC,  CLONE_NEWUTS, CLONE_NEWCGROUP};
    for (size_t i = 0; i < sizeof namespaces / sizeof namespaces[0]; i++) {
        ck_assert_uint_eq(ask(SYS_clone, namespaces[i] | 17, 0, 0), refused(EPERM));
    }
}
END_TEST

START_TEST(the_only_sockets_are_local_ones) {
    ck_assert_uint_eq(ask(SYS_socket, AF_UNIX, SOCK_STREAM, 0), SECCOMP_RET_ALLOW);
    ck_assert_uint_eq(ask(SYS_socket, AF_INET, SOCK_STREAM, 6), refused(EAFNOSUPPORT));
    ck_assert_uint_eq(ask(SYS_socket, AF_INET6, SOCK_DGRAM, 17), refused(EAFNOSUPPORT));
    static const int families[] = {AF_NETLINK,   AF_PACKET, AF_VSOCK, AF_ALG,
                                   AF_BLUETOOTH, AF_KEY,    44 /* XDP */};
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        ck_assert_uint_eq(ask(SYS_socket, (uint64_t)families[i], SOCK_RAW, 0), refused(EAFNOSUPPORT));
    }
    ck_assert_uint_eq(ask(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0), SECCOMP_RET_ALLOW);
    ck_assert_uint_eq(ask(SYS_socketpair, 30 /* TIPC */, SOCK_STREAM, 0), refused(EAFNOSUPPORT));
}
END_TEST

START_TEST(work_for_the_whole_host_is_not_done) {
    static const long calls[] = {SYS_sync, SYS_syncfs, SYS_fadvise64, SYS_readahead};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        ck_assert_msg(ask(calls[i], 0, 0, 0) == refused(0), "system call %ld", calls[i]);
    }
    ck_assert_uint_eq(ask(SYS_fcntl, 0, F_SETPIPE_SZ, 1 << 20), refused(EPERM));
    ck_assert_uint_eq(ask(SYS_fcntl, 0, F_SETLK, 0), refused(0));
    ck_assert_uint_eq(ask(SYS_fcntl, 0, F_OFD_SETLKW, 0), refused(0));
    ck_assert_uint_eq(ask(SYS_flock, 0, 2, 0), SECCOMP_RET_ALLOW);
    ck_assert_uint_eq(ask(SYS_fcntl, 0, F_GETFL, 0), SECCOMP_RET_ALLOW);
    ck_assert_uint_eq(ask(SYS_fsync, 3, 0, 0), SECCOMP_RET_ALLOW);
}
END_TEST

START_TEST(pools_of_the_whole_host_are_out_of_reach) {
    ck_assert_uint_eq(ask_mmap(MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB), refused(ENOMEM));
    ck_assert_uint_eq(ask_mmap(MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK), SECCOMP_RET_ALLOW);
    ck_assert_uint_eq(ask(SYS_memfd_create, 0, MFD_CLOEXEC | MFD_HUGETLB, 0), refused(EINVAL));
    ck_assert_uint_eq(ask(SYS_memfd_create, 0, MFD_CLOEXEC | MFD_ALLOW_SEALING, 0), SECCOMP_RET_ALLOW);
    ck_assert_uint_eq(ask(SYS_shmget, 0, 4096, SHM_HUGETLB | 0600), refused(ENOMEM));
    ck_assert_uint_eq(ask(SYS_shmget, 0, 4096, IPC_CREAT | 0600), SECCOMP_RET_ALLOW);
}
END_TEST

START_TEST(user_code_installs_no_packet_filters) {
    ck_assert_uint_eq(ask(SYS_seccomp, 1, 0, 0), refused(ENOSYS));
    ck_assert_uint_eq(ask(SYS_prctl, PR_SET_SECCOMP, 2, 0), refused(EINVAL));
    ck_assert_uint_eq(ask(SYS_prctl, PR_GET_SECCOMP, 0, 0), SECCOMP_RET_ALLOW);
    ck_assert_uint_eq(ask(SYS_prctl, PR_SET_NAME, 0, 0), SECCOMP_RET_ALLOW);
    ck_assert_uint_eq(ask(SYS_setsockopt, 3, SOL_SOCKET, SO_ATTACH_FILTER), refused(EPERM));
    ck_assert_uint_eq(ask(SYS_setsockopt, 3, SOL_SOCKET, SO_ATTACH_BPF), refused(EPERM));
    ck_assert_uint_eq(ask(SYS_setsockopt, 3, SOL_SOCKET, SO_SNDBUF), SECCOMP_RET_ALLOW);
}
END_TEST

START_TEST(upper_argument_bits_do_not_smuggle_a_value) {
    ck_assert_uint_eq(ask(SYS_socket, 1ull << 32 | AF_NETLINK, SOCK_RAW, 0), refused(EAFNOSUPPORT));
    ck_assert_uint_eq(ask(SYS_ioctl, 0, 1ull << 32 | TIOCSTI, 0), refused(EPERM));
}
END_TEST

START_TEST(personality_and_terminal_injection) {
    ck_assert_uint_eq(ask(SYS_personality, 0, 0, 0), SECCOMP_RET_ALLOW);
    ck_assert_uint_eq(ask(SYS_personality, 0xffffffff, 0, 0), SECCOMP_RET_ALLOW);
    ck_assert_uint_eq(ask(SYS_personality, 8 /* PER_LINUX32 */, 0, 0), refused(EPERM));
    ck_assert_uint_eq(ask(SYS_personality, 0x0100000 /* MMAP_PAGE_ZERO */, 0, 0), refused(EPERM));
    ck_assert_uint_eq(ask(SYS_ioctl, 0, TCGETS, 0), SECCOMP_RET_ALLOW);
    ck_assert_uint_eq(ask(SYS_ioctl, 0, TIOCSTI, 0), refused(EPERM));
}
END_TEST

START_TEST(foreign_architectures_are_killed) {
    const struct seccomp_data i386 = {.nr = 4, .arch = AUDIT_ARCH_I386};
    ck_assert_uint_eq(interpret(&i386), SECCOMP_RET_KILL_PROCESS);
#if defined(__x86_64__)
    const struct seccomp_data x32 = {.nr = 0x40000001, .arch = NATIVE};
    ck_assert_uint_eq(interpret(&x32), SECCOMP_RET_KILL_PROCESS);
#endif
}
END_TEST

int main(void) {
    Suite *suite = suite_create("user filter");
    TCase *tests = tcase_create("answers");
    tcase_add_checked_fixture(tests, build, NULL);
    tcase_add_test(tests, everyday_calls_pass);
    tcase_add_test(tests, dangerous_calls_are_refused);
    tcase_add_test(tests, calls_with_a_fallback_do_not_exist);
    tcase_add_test(tests, files_take_no_attributes);
    tcase_add_test(tests, clone_may_make_threads_and_processes_only);
    tcase_add_test(tests, the_only_sockets_are_local_ones);
    tcase_add_test(tests, work_for_the_whole_host_is_not_done);
    tcase_add_test(tests, pools_of_the_whole_host_are_out_of_reach);
    tcase_add_test(tests, user_code_installs_no_packet_filters);
    tcase_add_test(tests, upper_argument_bits_do_not_smuggle_a_value);
    tcase_add_test(tests, personality_and_terminal_injection);
    tcase_add_test(tests, foreign_architectures_are_killed);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
