/* protocol.h: what the runner and the agent inside a sandbox container say to each other.
 *
 * Theory of operation
 * -------------------
 * The channel is the container's standard input and output as an attach stream carries them: an ordered
 * byte stream each way, nothing else (standard error is unused by the protocol; the agent prints a line
 * there only when it cannot speak on standard output any more). Both ways carry frames:
 *
 *     offset  size  meaning
 *     0       1     type (enum rl_agent_frame_type)
 *     1       3     zero
 *     4       4     payload size in bytes
 *     8       n     payload
 *
 * All integers are big endian. Signed ones are two's complement. `bytes` is a u32 size and that many
 * bytes. `text` is the same followed by one NUL, which the size does not count; the bytes themselves hold
 * no NUL, so that a decoded text is a C string in place. The frame header, and the first field of READY,
 * never change: that is how two versions recognise each other. Everything else may change with
 * RL_AGENT_PROTOCOL_VERSION; there are no optional fields and no bytes after the last field.
 *
 * The conversation:
 *
 *     runner                                  agent
 *                                             READY                    as soon as it runs
 *     JOB                                     (writes the files; runs the compile step, if there is one)
 *                                             OUTPUT (phase compile)*
 *                                             COMPILED                 always, also without a compile step
 *     RUN                                     SNAPSHOT*                before the first run, if the JOB asked for one
 *                                             (runs the program once)
 *                                             OUTPUT (phase run)*
 *                                             FILE*                    if the RUN names files to fetch
 *                                             DONE
 *     ... RUN again, DONE again, until a RUN with RL_AGENT_RUN_LAST
 *     After that the agent exits 0, as soon as its standard input ends, or RL_AGENT_LINGER_US later: a container's
 *     end keeps the host busy for a while, and the runner knows best when that disturbs least.
 *
 * - A container may wait as long as it likes between READY and JOB: that is what a warm pool does.
 * - PING may be sent at any time before JOB, also right in front of it; the agent answers PONG before it looks at
 *   anything behind. So a runner learns that a container which has waited for long still lives, for no delay: until
 *   PONG has come, nothing of the job has happened. Agents that understand it say RL_AGENT_CAN_PING.
 * - PREPARE may be sent once, before JOB: the user, and a command to start at once, which then waits to become the
 *   job's first step (sandbox/agent/standby.h). It is not answered, and changes nothing but the time that the step
 *   takes: what does not fit the job, or does not start, is ended and forgotten. Agents that understand it say
 *   RL_AGENT_CAN_PREPARE.
 * - RUN may be sent right behind JOB without waiting for COMPILED: the agent takes it up after the compile
 *   step. A runner that changes the container's limits between the two waits for COMPILED first.
 * - COMPILED says `skipped` when the job had no compile step. When the compile step failed (see
 *   rl_agent_result_is_success) the runner is expected to end the conversation; a RUN that was sent ahead is
 *   then NOT executed: the agent exits 0 after a COMPILED that is not a success.
 * - When the agent's standard input ends, at any moment before the last DONE, it kills every process in the
 *   container and exits 1. Cancelling is therefore closing the stream. So the runner keeps its sending side
 *   open until it has seen DONE.
 * - ERROR is the last frame of a conversation: something of ours failed, not the program. The agent exits 2.
 *
 * Several tests in one container: RUN carries an `index`, echoed in OUTPUT and DONE, and may repeat, each
 * with its own input, arguments and limits. Before each RUN no process of the user is left. With
 * RL_AGENT_RUN_CLEAN nothing else of an earlier run is left either: the work folder is again what it was before the
 * first run, extended attributes included, because user code cannot set any (sandbox/seccomp/user_filter.h); /tmp,
 * /dev/shm and /dev/mqueue are empty, and there are no System V IPC objects. What the compile step left outside the work
 * folder is gone before the first run, with or without the flag: so all runs start alike, whether the folder comes from
 * a compile step or from a snapshot. Where the folder cannot be kept for a later run, the first one is not begun: ERROR
 * (RL_AGENT_FAILURE_FILES). Expected outputs have no place in this protocol: the comparison happens outside the container.
 *
 * Archives among the JOB's files are unpacked before the plain files are written, in their order; plain files replace
 * what they find. An archive that cannot be unpacked is the submitter's fault and has a failure code of its own
 * (RL_AGENT_FAILURE_ARCHIVE). Entries stay within the work folder; links must lead to somewhere within it; devices,
 * pipes and sockets are refused; what all archives hold is bounded by `unpack_bytes` and RL_AGENT_UNPACK_ENTRIES.
 *
 * A snapshot is the work folder as it was before the first run, in a format of the agent's own (sandbox/agent/tree.h)
 * that a runner only keeps and gives back: to another container, as a file of format RL_AGENT_FORMAT_SNAPSHOT, instead
 * of the sources and the compile step. Modes and modification times survive; special files do not. Where no later run
 * needs it, the agent makes none that takes more than an eighth of the run's memory, and holds none while the program
 * runs: asking for a snapshot changes nothing but the time at which the run begins.
 *
 * Verdicts are not decided here. The agent reports facts (rl_agent_result); the runner interprets them.
 *
 * This module is pure: no allocation, no system calls, no state. Decoders take untrusted bytes, check each
 * size and count against what is there before using it, and leave pointers INTO the payload: the decoded
 * struct lives as long as the payload does. Encoders write into the caller's buffer and return the size that
 * the whole frame needs, so that `encode(x, NULL, 0)` measures. Thread: any, no shared data.
 */
#ifndef RL_SANDBOX_PROTOCOL_H
#define RL_SANDBOX_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A change of any layout or meaning below increments it; the runner refuses an agent with another one. */
#define RL_AGENT_PROTOCOL_VERSION 2u

#define RL_AGENT_STARVATION_MAX 3
#define RL_AGENT_LINGER_US (500 * 1000)
#define RL_AGENT_HEADER_SIZE 8u
#define RL_AGENT_REQUEST_MAX (8u << 20)                  /* payload of JOB and RUN */
#define RL_AGENT_OUTPUT_CHUNK (64u << 10)                /* bytes in one OUTPUT, FILE or SNAPSHOT */
#define RL_AGENT_REPLY_MAX (RL_AGENT_OUTPUT_CHUNK + 64u) /* payload of any frame from the agent */

#define RL_AGENT_ARGS_MAX 256u
#define RL_AGENT_ENV_MAX 64u
#define RL_AGENT_FILES_MAX 65u /* one source file and 64 others */
#define RL_AGENT_FETCH_MAX 16u
#define RL_AGENT_UNPACK_ENTRIES 2048u       /* entries of all archives of a job together */
#define RL_AGENT_PATH_MAX 255u              /* of a file's path, in bytes */
#define RL_AGENT_STREAM_CAP_MAX (16u << 20) /* largest stdout_bytes and stderr_bytes */
#define RL_AGENT_TEXT_MAX 256u              /* agent version and ERROR text, in bytes */

typedef enum rl_agent_frame_type {
    RL_AGENT_READY = 1,     /* agent: rl_agent_ready */
    RL_AGENT_JOB = 2,       /* runner: rl_agent_job */
    RL_AGENT_COMPILED = 3,  /* agent: rl_agent_result, phase compile */
    RL_AGENT_RUN = 4,       /* runner: rl_agent_run */
    RL_AGENT_OUTPUT = 5,    /* agent: rl_agent_output */
    RL_AGENT_DONE = 6,      /* agent: rl_agent_result, phase run */
    RL_AGENT_ERROR = 7,     /* agent: rl_agent_failure */
    RL_AGENT_PING = 8,      /* runner: no payload */
    RL_AGENT_PONG = 9,      /* agent: no payload */
    RL_AGENT_FILE = 10,     /* agent: rl_agent_piece, of a fetched file */
    RL_AGENT_SNAPSHOT = 11, /* agent: rl_agent_piece, of the snapshot */
    RL_AGENT_PREPARE = 12   /* runner: rl_agent_job without files; its compile command is what to start */
} rl_agent_frame_type;

/* A frame as found at the head of a byte stream. `payload` points into the stream's bytes. `frame_size` is
 * what to skip to reach the next frame (header included). */
typedef struct rl_agent_frame {
    rl_agent_frame_type type;
    const uint8_t *payload;
    size_t payload_size;
    size_t frame_size;
} rl_agent_frame;

typedef enum rl_agent_parse {
    RL_AGENT_PARSE_FRAME, /* `frame` is filled */
    RL_AGENT_PARSE_MORE,  /* the bytes are a proper beginning; frame_size is the total needed, 0 if unknown */
    RL_AGENT_PARSE_BAD    /* this is not the protocol; `why` says what is wrong. The stream is lost. */
} rl_agent_parse;

/* Looks for one whole frame at `data`. A declared payload above `payload_max` (RL_AGENT_REPLY_MAX for the
 * runner, RL_AGENT_REQUEST_MAX for the agent) is BAD before any byte of it is awaited. */
rl_agent_parse rl_agent_frame_parse(const uint8_t *data, size_t size, size_t payload_max,
                                    rl_agent_frame *frame, const char **why);

/* Agent -> runner, once. Layout: u32 protocol_version, u32 cgroup_version, u32 accounting, text version. */
typedef struct rl_agent_ready {
    uint32_t protocol_version;
    uint32_t cgroup_version; /* 1, 2, or 0 when none is readable inside the container */
    uint32_t accounting;     /* RL_AGENT_CAN_*: what can be read; a missing bit means "reported as zero" */
    const char *version;     /* the agent's own version, for people */
} rl_agent_ready;

#define RL_AGENT_CAN_CPU 1u       /* CPU of the whole container; without it, CPU of reaped processes */
#define RL_AGENT_CAN_MEMORY 2u    /* sampled memory; without it, largest resident size of a reaped process */
#define RL_AGENT_CAN_OOM 4u       /* count of processes killed for memory */
#define RL_AGENT_CAN_PING 16u     /* no accounting: PING is understood */
#define RL_AGENT_CAN_PREPARE 512u /* no accounting either: PREPARE is understood */
#define RL_AGENT_CAN_PIDS 8u      /* count of forks refused by the process limit */

/* No accounting either: what this agent offers. Whoever asks for something else gets ERROR (UNSUPPORTED). */
#define RL_AGENT_CAN_CLEAN 32u   /* RL_AGENT_RUN_CLEAN */
#define RL_AGENT_CAN_FETCH 64u   /* files to fetch in a RUN */
#define RL_AGENT_CAN_UNPACK 128u /* files of the formats ZIP and TAR */
#define RL_AGENT_CAN_SNAPSHOT                                                                                \
    1024u /* snapshot_bytes, and files of the format SNAPSHOT. (256 was of agents that sent
                                       it behind the last DONE: whoever expects it before the first run does
                                       not ask them, nor the other way round.) */

/* What a phase may spend. The agent enforces all of it but two: memory and processes are the container's own
 * settings, which the kernel enforces and whose counts the result reports; they stand here so that a job
 * says whole what it ran under.
 * Layout: i64 cpu_us, i64 wall_us, i64 memory_bytes, i64 stdout_bytes, i64 stderr_bytes, i64 file_bytes,
 * i64 stack_bytes, u32 open_files, u32 processes. */
typedef struct rl_agent_limits {
    int64_t cpu_us;  /* CPU time of all the phase's processes together, microseconds */
    int64_t wall_us; /* elapsed time, microseconds, without what a process of the program was ready to run and
                             got no processor; RL_AGENT_STARVATION_MAX times the limit is added for that at most */
    int64_t memory_bytes; /* the container's memory limit in this phase */
    int64_t stdout_bytes; /* kept of standard output, 0..RL_AGENT_STREAM_CAP_MAX; the rest is counted only */
    int64_t stderr_bytes; /* the same of standard error */
    int64_t file_bytes;   /* RLIMIT_FSIZE */
    int64_t stack_bytes;  /* RLIMIT_STACK */
    uint32_t open_files;  /* RLIMIT_NOFILE, >= 3 */
    uint32_t processes;   /* processes and threads the user may have; the container's PidsLimit is one more */
} rl_agent_limits;

/* A program and its arguments. argv[0] is an absolute path, or a path with a slash relative to the work
 * folder, or a bare name looked up in the job's own PATH. argv[argc] is NULL after decoding; encoding reads
 * argc. Layout: limits, u32 argc (1..RL_AGENT_ARGS_MAX), argc x text. */
typedef struct rl_agent_command {
    rl_agent_limits limits;
    uint32_t argc;
    const char *argv[RL_AGENT_ARGS_MAX + 1];
} rl_agent_command;

/* Whether a path is relative, and every component of it a plain name: neither empty nor "." nor "..". */
bool rl_agent_path_is_plain(const char *path);

typedef enum rl_agent_format {
    RL_AGENT_FORMAT_PLAIN = 0,
    RL_AGENT_FORMAT_ZIP = 1,
    RL_AGENT_FORMAT_TAR = 2,     /* also compressed by gzip */
    RL_AGENT_FORMAT_SNAPSHOT = 3 /* what SNAPSHOT frames carried */
} rl_agent_format;

/* A file to be put into the work folder. `path` is relative, without empty, "." or ".." components;
 * folders on the way are created. Of an archive it is the folder to unpack into, "" for the work folder itself; of a
 * snapshot it is "". Layout: text path, u32 mode, u8 format, bytes data. */
typedef struct rl_agent_file {
    const char *path;
    uint32_t mode; /* permission bits, 0..0777; of a plain file only */
    const uint8_t *data;
    size_t size;
    rl_agent_format format;
} rl_agent_file;

/* Runner -> agent, once: who the user is, what lies in the work folder, how to compile it.
 * Layout: u32 uid, u32 gid, text work_dir, u32 env_count, env_count x text "NAME=value", u32 file_count,
 * files, i64 unpack_bytes, i64 snapshot_bytes, u8 has_compile, command if has_compile. */
typedef struct rl_agent_job {
    uint32_t uid, gid;    /* of all user code; neither may be 0 */
    const char *work_dir; /* absolute; a tmpfs that belongs to uid:gid with mode 0700 */
    uint32_t env_count;
    const char *env[RL_AGENT_ENV_MAX + 1]; /* the whole environment; env[env_count] is NULL after decoding */
    uint32_t file_count;
    rl_agent_file files[RL_AGENT_FILES_MAX];
    int64_t unpack_bytes;   /* what all archives may hold together, unpacked; 0: nothing but empty files */
    int64_t snapshot_bytes; /* > 0: a snapshot is wanted, if it is no larger than this */
    bool has_compile;
    rl_agent_command compile; /* its standard input is empty */
} rl_agent_job;

/* Runner -> agent, once or more: run the program. Layout: u32 index, u32 flags, command, u32 fetch_count, fetch_count
 * x text, i64 fetch_bytes, bytes input. */
typedef struct rl_agent_run {
    uint32_t index; /* echoed; 0 for the only one */
    uint32_t flags; /* RL_AGENT_RUN_*; unknown bits are refused */
    rl_agent_command command;
    uint32_t fetch_count;
    const char
        *fetch[RL_AGENT_FETCH_MAX]; /* files of the work folder to send when the program has ended, however it
                                              has; paths as of rl_agent_file */
    int64_t fetch_bytes;            /* of all of them together; one that does not fit is not sent at all */
    const uint8_t *input;           /* standard input, followed by end of file */
    size_t input_size;
} rl_agent_run;

#define RL_AGENT_RUN_LAST 1u  /* the agent exits after this one's DONE */
#define RL_AGENT_RUN_CLEAN 2u /* nothing of an earlier run may be left, see above */

typedef enum rl_agent_phase { RL_AGENT_PHASE_COMPILE = 0, RL_AGENT_PHASE_RUN = 1 } rl_agent_phase;
typedef enum rl_agent_stream { RL_AGENT_STDOUT = 1, RL_AGENT_STDERR = 2 } rl_agent_stream;

/* Agent -> runner, any number: bytes that the program wrote, in the order of each stream, cut anywhere (also
 * inside a character). Never more per phase and stream than the cap of its limits; never empty.
 * Layout: u32 index, u8 phase, u8 stream, u16 zero, then the bytes up to the end of the payload. */
typedef struct rl_agent_output {
    uint32_t index; /* of the RUN; 0 in the compile phase */
    rl_agent_phase phase;
    rl_agent_stream stream;
    const uint8_t *data;
    size_t size;
} rl_agent_output;

typedef enum rl_agent_piece_status {
    RL_AGENT_PIECE_OK = 0,
    RL_AGENT_PIECE_MISSING = 1,     /* there is no such file, or the user may not read it */
    RL_AGENT_PIECE_NOT_REGULAR = 2, /* a folder, a link, a pipe; or a link stands where a folder should */
    RL_AGENT_PIECE_TOO_LARGE = 3    /* more than fetch_bytes has left, or than a snapshot may take */
} rl_agent_piece_status;

/* Agent -> runner: the next bytes of a fetched file, or of the snapshot. Files come one after another in the order of
 * the RUN's list, each of them, also an empty one, with a last piece. Only an OK piece has bytes; one that is not OK is
 * the only one. Layout: u32 index, u8 last, u8 status, u16 zero, then the bytes up to the end of the payload. */
typedef struct rl_agent_piece {
    uint32_t index; /* of the file in the RUN's list; 0 of the snapshot */
    bool last;
    rl_agent_piece_status status;
    const uint8_t *data;
    size_t size; /* 0..RL_AGENT_OUTPUT_CHUNK */
} rl_agent_piece;

/* Limits that were met and other facts, in rl_agent_result.flags. Several may be set. */
#define RL_AGENT_HIT_CPU 1u        /* CPU time reached the limit (killed for it, or found afterwards) */
#define RL_AGENT_HIT_WALL 2u       /* killed because the elapsed time reached the limit */
#define RL_AGENT_HIT_MEMORY 4u     /* oom_kills > 0, and the container's own limit was met */
#define RL_AGENT_HIT_PROCESSES 8u  /* forks_refused > 0 */
#define RL_AGENT_HIT_STDOUT 16u    /* bytes past the cap were dropped */
#define RL_AGENT_HIT_STDERR 32u    /* the same of standard error */
#define RL_AGENT_HIT_FILE_SIZE 64u /* a reaped process died of SIGXFSZ */
#define RL_AGENT_NOT_STARTED 128u  /* program or work folder could not be used: start_errno says why */
#define RL_AGENT_SKIPPED 256u      /* COMPILED without a compile step: all else is zero */
#define RL_AGENT_KILLED_BY_US 512u /* the main process was alive when the agent killed it */

/* Agent -> runner: a phase is over; no process of the user is left and its output has all been sent.
 * Counts are differences from the phase's start. Layout: u32 index, u32 flags, i32 exit_code, u32
 * term_signal, u32 start_errno, i64 cpu_us, i64 wall_us, i64 memory_peak_bytes, u64 oom_kills, u64
 * forks_refused, u64 stdout_bytes, u64 stderr_bytes. */
typedef struct rl_agent_result {
    uint32_t index;
    uint32_t flags;
    int32_t exit_code;         /* of the main process, 0..255; -1 when it died of a signal or never started */
    uint32_t term_signal;      /* the signal it died of, else 0 */
    uint32_t start_errno;      /* Linux errno with RL_AGENT_NOT_STARTED, else 0 */
    int64_t cpu_us;            /* of all processes, the agent's own share taken off */
    int64_t wall_us;           /* from just before the fork until the main process was reaped */
    int64_t memory_peak_bytes; /* anonymous + tmpfs memory of the container, sampled; at least the largest
                                  resident size of any reaped process */
    uint64_t
        oom_kills; /* without RL_AGENT_HIT_MEMORY: the host had no memory left, which is not the program's doing */
    uint64_t forks_refused;
    uint64_t stdout_bytes; /* all that the program wrote, sent or dropped */
    uint64_t stderr_bytes;
} rl_agent_result;

/* Exit code 0 of a program that was started, or a compile step that was not asked for. */
bool rl_agent_result_is_success(const rl_agent_result *result);

/* Whether the kernel killed something because the host, not the container, had no memory left, and the phase
 * failed: what it would have done otherwise is unknown. */
bool rl_agent_result_is_hosts_fault(const rl_agent_result *result);

typedef enum rl_agent_failure_code {
    RL_AGENT_FAILURE_PROTOCOL = 1, /* the runner's bytes are not the protocol, or a frame out of turn */
    RL_AGENT_FAILURE_FILES =
        2, /* the files could not be written, kept or brought back; os_error says why (ENOSPC:
                                      too big; ENOMEM: no memory left in the container; ENAMETOOLONG: the compile
                                      step left a path that is longer than any that can be kept) */
    RL_AGENT_FAILURE_SYSTEM = 3,      /* a system call of ours failed */
    RL_AGENT_FAILURE_UNSUPPORTED = 4, /* understood, but not offered by this version */
    RL_AGENT_FAILURE_STUCK = 5,       /* killed processes did not go away in time */
    RL_AGENT_FAILURE_ARCHIVE =
        6 /* an archive cannot be unpacked, which is the submitter's doing: os_error is its
                                    index in the job's files, message says what is wrong with it */
} rl_agent_failure_code;

/* Agent -> runner: our own failure. Layout: u32 code, u32 os_error, text message. */
typedef struct rl_agent_failure {
    rl_agent_failure_code code;
    uint32_t os_error;   /* Linux errno, 0 if none applies; see also RL_AGENT_FAILURE_ARCHIVE */
    const char *message; /* what was being done, for a log */
} rl_agent_failure;

/* Encoders: write the whole frame, header included, if `capacity` suffices, and return the frame's size
 * either way. 0 means that the struct itself cannot be encoded (a count above its maximum, a payload above
 * the frame's maximum): a caller's mistake or an oversized program. */
size_t rl_agent_ready_encode(const rl_agent_ready *ready, uint8_t *out, size_t capacity);
size_t rl_agent_job_encode(const rl_agent_job *job, uint8_t *out, size_t capacity);
/* As a PREPARE. 0 also where it has files, or no compile command. */
size_t rl_agent_prepare_encode(const rl_agent_job *job, uint8_t *out, size_t capacity);
size_t rl_agent_run_encode(const rl_agent_run *run, uint8_t *out, size_t capacity);
size_t rl_agent_output_encode(const rl_agent_output *output, uint8_t *out, size_t capacity);
/* `type` is RL_AGENT_FILE or RL_AGENT_SNAPSHOT. */
size_t rl_agent_piece_encode(rl_agent_frame_type type, const rl_agent_piece *piece, uint8_t *out,
                             size_t capacity);
/* `type` is RL_AGENT_COMPILED or RL_AGENT_DONE. */
size_t rl_agent_result_encode(rl_agent_frame_type type, const rl_agent_result *result, uint8_t *out,
                              size_t capacity);
size_t rl_agent_failure_encode(const rl_agent_failure *failure, uint8_t *out, size_t capacity);
/* `type` is RL_AGENT_PING or RL_AGENT_PONG. */
size_t rl_agent_empty_encode(rl_agent_frame_type type, uint8_t *out, size_t capacity);

/* Decoders: take the payload of a frame of their type. false and `*why` (a static string, for a log) when
 * the bytes are not a valid one; the struct is then unspecified. rl_agent_ready_decode fills
 * protocol_version and succeeds with the rest zero and version "" when the version is not ours, so that the
 * caller can say which one it met. */
bool rl_agent_ready_decode(const uint8_t *payload, size_t size, rl_agent_ready *ready, const char **why);
bool rl_agent_job_decode(const uint8_t *payload, size_t size, rl_agent_job *job, const char **why);
bool rl_agent_run_decode(const uint8_t *payload, size_t size, rl_agent_run *run, const char **why);
bool rl_agent_output_decode(const uint8_t *payload, size_t size, rl_agent_output *output, const char **why);
bool rl_agent_piece_decode(const uint8_t *payload, size_t size, rl_agent_piece *piece, const char **why);
bool rl_agent_result_decode(const uint8_t *payload, size_t size, rl_agent_result *result, const char **why);
bool rl_agent_failure_decode(const uint8_t *payload, size_t size, rl_agent_failure *failure,
                             const char **why);

#endif
