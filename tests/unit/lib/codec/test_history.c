/* schemas/history holds every version of every schema that was ever written, the current one included,
 * each under its fingerprint: NAME.FINGERPRINT.avsc. So a schema cannot change without its old form
 * staying readable. */
#include <glob.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/codec/codec.h"
#include "lib/codec/framing.h"
#include "tests/support/suite.h"

static void read_file(const char *path, rl_buffer *out) {
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s", path);
    char *to = rl_buffer_reserve(out, 1 << 20);
    rl_buffer_advance(out, fread(to, 1, 1 << 20, file));
    fclose(file);
}

START_TEST(every_schema_that_is_written_stands_in_the_history) {
    rl_codec *codec = rl_codec_new(NULL);
    ck_assert_ptr_nonnull(codec);
    for (int kind = 0; kind < RL_RECORD_COUNT; kind++) {
        uint64_t fingerprint = 0;
        rl_codec_schema(codec, (rl_record_kind)kind, &fingerprint);
        char pattern[256];
        snprintf(pattern, sizeof pattern, RL_SOURCE_DIR "/schemas/history/*.%016" PRIx64 ".avsc",
                 fingerprint);
        glob_t found = {0};
        ck_assert_msg(glob(pattern, 0, NULL, &found) == 0, "%s is missing: copy the schema there", pattern);
        ck_assert_uint_eq(found.gl_pathc, 1);
        globfree(&found);
    }
    rl_codec_free(codec);
}
END_TEST

START_TEST(every_file_of_the_history_has_the_fingerprint_in_its_name) {
    glob_t found = {0};
    ck_assert_int_eq(glob(RL_SOURCE_DIR "/schemas/history/*.avsc", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        RL_AUTO_BUFFER rl_buffer json, canonical;
        rl_buffer_init(&json, SIZE_MAX);
        rl_buffer_init(&canonical, SIZE_MAX);
        read_file(found.gl_pathv[i], &json);
        rl_error err = RL_ERROR_INIT;
        ck_assert_msg(rl_framing_canonical_form(rl_buffer_bytes(&json), &canonical, &err), "%s: %s",
                      found.gl_pathv[i], err.message);
        char expected[64];
        snprintf(expected, sizeof expected, ".%016" PRIx64 ".avsc",
                 rl_framing_fingerprint(rl_buffer_bytes(&canonical)));
        ck_assert_msg(strstr(found.gl_pathv[i], expected) != NULL, "%s should end with %s", found.gl_pathv[i],
                      expected);
    }
    globfree(&found);
}
END_TEST

RL_SUITE("codec/history", every_schema_that_is_written_stands_in_the_history,
         every_file_of_the_history_has_the_fingerprint_in_its_name)
