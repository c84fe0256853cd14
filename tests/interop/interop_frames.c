/* interop_frames.c: framed records of lib/codec for another implementation to read, and the other way round.
 *
 *   interop_frames write DIR     writes NAME.bin (a framed record) and NAME.txt (its dump) for each sample
 *   interop_frames read FILE...  decodes framed records; for each prints "# FILE", then its dump
 *   interop_frames golden DIR    encodes the golden samples and compares them with DIR/SCHEMA.FINGERPRINT.bin; decodes
 *                                every .bin in DIR, those of older schemas included
 * Exit status 0 when all went well, else 1 with the reason on stderr.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>

#include "lib/codec/framing.h"
#include "tests/interop/dump.h"
#include "tests/support/sample_result.h"

#define SAMPLE_TIME_US INT64_C(1767225600123456) /* 2026-01-01T00:00:00.123456Z */
#define FRAME_LIMIT ((size_t)16 * 1024 * 1024)

static bool complain(const char *what, const char *about, const char *why) {
    fprintf(stderr, "%s %s: %s\n", what, about, why);
    return false;
}

/* ---- samples ------------------------------------------------------------------------------------------- */

typedef enum { FULL, BARE, EXTREME, SAMPLE_COUNT } sample_kind;

static void make_finished(rl_sample *s, sample_kind kind) {
    rl_finished *f = rl_sample_finished_at(s, "0123456789abcdefghijABCDEFGHIJ-_01234567", 3, SAMPLE_TIME_US);
    s->submission.held = kind == FULL;
    if (kind == BARE) {
        *f = (rl_finished){.id = s->id, .runner = "", .message = "", .image_digest = ""};
    } else if (kind == EXTREME) {
        f->generation = INT64_MAX;
        f->attempt = INT32_MIN;
        f->has_exit_code = true;
        f->exit_code = INT32_MAX;
        f->has_signal = true;
        f->signal = INT32_MIN;
        f->cpu_us = INT64_MIN;
        f->memory_bytes = -1;
        f->message = "\xf4\x8f\xbf\xbf\xc2\x80";
        s->submission.limits.run.cpu_us = INT64_MIN;
        s->submission.callback = NULL;
        s->submission.traceparent = NULL;
    }
}

static const rl_started started_sample = {
    .id = "a", .generation = 64, .attempt = 65, .runner = "r\xc3\xa9", .started_us = SAMPLE_TIME_US};

static const rl_cancel cancel_sample = {
    .id = "a", .tenant = "t\xc3\xa9", .requested_us = SAMPLE_TIME_US, .generation = 66};

/* ---- files --------------------------------------------------------------------------------------------- */

static bool write_file(const char *directory, const char *name, rl_bytes bytes) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "wb");
    if (!file) {
        return complain("cannot write", path, "open failed");
    }
    bool ok = fwrite(bytes.data, 1, bytes.size, file) == bytes.size;
    ok = fclose(file) == 0 && ok;
    return ok || complain("cannot write", path, "short write");
}

static bool read_file(const char *path, rl_buffer *out) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        return complain("cannot read", path, "open failed");
    }
    char block[65536];
    bool ok = true;
    for (size_t n; ok && (n = fread(block, 1, sizeof block, file)) > 0;) {
        ok = rl_buffer_append(out, block, n);
    }
    fclose(file);
    return ok || complain("cannot read", path, "too large");
}

/* ---- write --------------------------------------------------------------------------------------------- */

static bool write_sample(const char *directory, const char *name, const rl_buffer *frame,
                         const rl_finished *finished, const rl_started *started) {
    char file[128];
    char *text = NULL;
    size_t size = 0;
    FILE *dump = open_memstream(&text, &size);
    if (finished) {
        dump_finished(dump, finished);
    } else {
        dump_started(dump, started);
    }
    fclose(dump);
    snprintf(file, sizeof file, "%s.bin", name);
    bool ok = write_file(directory, file, rl_buffer_bytes(frame));
    snprintf(file, sizeof file, "%s.txt", name);
    ok = ok && write_file(directory, file, rl_bytes_make(text, size));
    free(text);
    return ok;
}

static bool write_submission(rl_codec *codec, const char *directory) {
    rl_sample sample;
    rl_error err = RL_ERROR_INIT;
    char *text = NULL;
    size_t size = 0;
    RL_AUTO_BUFFER rl_buffer frame;
    rl_buffer_init(&frame, FRAME_LIMIT);
    make_finished(&sample, FULL);
    if (!rl_submission_encode(codec, &sample.submission, &frame, &err)) {
        return complain("cannot encode", "submission", err.message);
    }
    FILE *dump = open_memstream(&text, &size);
    dump_submission(dump, "", &sample.submission);
    fclose(dump);
    bool ok = write_file(directory, "Submission.bin", rl_buffer_bytes(&frame)) &&
              write_file(directory, "Submission.txt", rl_bytes_make(text, size));
    free(text);
    return ok;
}

static bool write_cancel(rl_codec *codec, const char *directory) {
    rl_error err = RL_ERROR_INIT;
    char *text = NULL;
    size_t size = 0;
    RL_AUTO_BUFFER rl_buffer frame;
    rl_buffer_init(&frame, FRAME_LIMIT);
    if (!rl_cancel_encode(codec, &cancel_sample, &frame, &err)) {
        return complain("cannot encode", "cancel", err.message);
    }
    FILE *dump = open_memstream(&text, &size);
    dump_cancel(dump, &cancel_sample);
    fclose(dump);
    bool ok = write_file(directory, "Cancel.bin", rl_buffer_bytes(&frame)) &&
              write_file(directory, "Cancel.txt", rl_bytes_make(text, size));
    free(text);
    return ok;
}

static bool write_samples(rl_codec *codec, const char *directory) {
    static const char *const names[] = {"Finished-full", "Finished-bare", "Finished-extreme"};
    rl_error err = RL_ERROR_INIT;
    for (int kind = FULL; kind < SAMPLE_COUNT; kind++) {
        rl_sample sample;
        RL_AUTO_BUFFER rl_buffer frame;
        rl_buffer_init(&frame, FRAME_LIMIT);
        make_finished(&sample, (sample_kind)kind);
        if (!rl_finished_encode(codec, &sample.finished, &frame, &err)) {
            return complain("cannot encode", names[kind], err.message);
        }
        if (!write_sample(directory, names[kind], &frame, &sample.finished, NULL)) {
            return false;
        }
    }
    RL_AUTO_BUFFER rl_buffer frame;
    rl_buffer_init(&frame, FRAME_LIMIT);
    if (!rl_started_encode(codec, &started_sample, &frame, &err)) {
        return complain("cannot encode", "started", err.message);
    }
    return write_sample(directory, "Started", &frame, NULL, &started_sample) &&
           write_submission(codec, directory) && write_cancel(codec, directory);
}

/* ---- read ---------------------------------------------------------------------------------------------- */

static bool decode_and_dump(rl_codec *codec, rl_bytes frame, FILE *out, rl_error *err) {
    rl_record_kind kind;
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(SIZE_MAX / 4);
    if (!rl_codec_kind(codec, frame, &kind, err)) {
        return false;
    }
    if (kind == RL_RECORD_FINISHED) {
        rl_finished finished;
        if (!rl_finished_decode(codec, frame, arena, &finished, err)) {
            return false;
        }
        dump_finished(out, &finished);
    } else if (kind == RL_RECORD_SUBMISSION) {
        rl_submission submission;
        if (!rl_submission_decode(codec, frame, arena, &submission, err)) {
            return false;
        }
        dump_submission(out, "", &submission);
    } else if (kind == RL_RECORD_STARTED) {
        rl_started started;
        if (!rl_started_decode(codec, frame, arena, &started, err)) {
            return false;
        }
        dump_started(out, &started);
    } else if (kind == RL_RECORD_CANCEL) {
        rl_cancel cancel;
        if (!rl_cancel_decode(codec, frame, arena, &cancel, err)) {
            return false;
        }
        dump_cancel(out, &cancel);
    } else {
        return rl_error_set(err, RL_INVALID, (int)kind, "a kind without a decoder");
    }
    return true;
}

static bool read_frame(rl_codec *codec, const char *path, FILE *out) {
    RL_AUTO_BUFFER rl_buffer frame;
    rl_buffer_init(&frame, FRAME_LIMIT);
    rl_error err = RL_ERROR_INIT;
    return read_file(path, &frame) && (decode_and_dump(codec, rl_buffer_bytes(&frame), out, &err) ||
                                       complain("cannot decode", path, err.message));
}

/* ---- golden -------------------------------------------------------------------------------------------- */

static bool same_as_golden(const rl_codec *codec, const char *directory, const char *schema,
                           rl_record_kind kind, const rl_buffer *frame) {
    uint64_t fingerprint = 0;
    char path[512];
    rl_codec_schema(codec, kind, &fingerprint);
    snprintf(path, sizeof path, "%s/%s.%016" PRIx64 ".bin", directory, schema, fingerprint);
    RL_AUTO_BUFFER rl_buffer golden;
    rl_buffer_init(&golden, FRAME_LIMIT);
    return read_file(path, &golden) && (rl_bytes_equal(rl_buffer_bytes(&golden), rl_buffer_bytes(frame)) ||
                                        complain("not the golden bytes:", path, "what is encoded differs"));
}

static bool check_current(rl_codec *codec, const char *directory) {
    rl_sample sample;
    rl_error err = RL_ERROR_INIT;
    make_finished(&sample, FULL);
    RL_AUTO_BUFFER rl_buffer submission, finished, started, cancel;
    rl_buffer_init(&submission, FRAME_LIMIT);
    rl_buffer_init(&finished, FRAME_LIMIT);
    rl_buffer_init(&started, FRAME_LIMIT);
    rl_buffer_init(&cancel, FRAME_LIMIT);
    if (!rl_submission_encode(codec, &sample.submission, &submission, &err) ||
        !rl_finished_encode(codec, &sample.finished, &finished, &err) ||
        !rl_started_encode(codec, &started_sample, &started, &err) ||
        !rl_cancel_encode(codec, &cancel_sample, &cancel, &err)) {
        return complain("cannot encode", "a golden sample", err.message);
    }
    bool ok = same_as_golden(codec, directory, "Submission", RL_RECORD_SUBMISSION, &submission);
    ok = same_as_golden(codec, directory, "Finished", RL_RECORD_FINISHED, &finished) && ok;
    ok = same_as_golden(codec, directory, "Cancel", RL_RECORD_CANCEL, &cancel) && ok;
    return same_as_golden(codec, directory, "Started", RL_RECORD_STARTED, &started) && ok;
}

static bool check_golden(rl_codec *codec, const char *directory) {
    DIR *folder = opendir(directory);
    if (!folder) {
        return complain("cannot open", directory, "no such folder");
    }
    bool ok = check_current(codec, directory);
    FILE *nowhere = fopen("/dev/null", "w");
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        const char *suffix = strrchr(entry->d_name, '.');
        if (suffix && strcmp(suffix, ".bin") == 0) {
            char path[1024];
            snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
            ok = read_frame(codec, path, nowhere) && ok;
        }
    }
    fclose(nowhere);
    closedir(folder);
    return ok;
}

int main(int argc, char **argv) {
    rl_error err = RL_ERROR_INIT;
    RL_AUTO_CODEC rl_codec *codec = rl_codec_new(&err);
    if (!codec) {
        complain("codec", "", err.message);
        return EXIT_FAILURE;
    }
    bool ok = false;
    if (argc == 3 && strcmp(argv[1], "write") == 0) {
        ok = write_samples(codec, argv[2]);
    } else if (argc == 3 && strcmp(argv[1], "golden") == 0) {
        ok = check_golden(codec, argv[2]);
    } else if (argc > 2 && strcmp(argv[1], "read") == 0) {
        ok = true;
        for (int i = 2; i < argc; i++) {
            printf("# %s\n", argv[i]);
            ok = read_frame(codec, argv[i], stdout) && ok;
        }
    } else {
        complain("usage:", argv[0], "write DIR | read FILE... | golden DIR");
    }
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
