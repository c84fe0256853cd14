/* submission_symbols.h: the enums of a submission, and their names in the schemas and in stored documents.
 *
 * A name that this build does not know is read as the first of the enum: what Avro's default says, too.
 */
#ifndef RL_CODEC_SUBMISSION_SYMBOLS_H
#define RL_CODEC_SUBMISSION_SYMBOLS_H

#include <stdbool.h>

/* What the content of a file is. */
typedef enum {
    RL_FILE_PLAIN = 0, /* the file itself */
    RL_FILE_ZIP,       /* an archive to be unpacked into the folder `path` */
    RL_FILE_TAR,       /* the same; may be compressed by gzip */
    RL_FILE_FORMAT_COUNT
} rl_file_format;

/* How a test's output is compared with the expected one. */
typedef enum {
    RL_COMPARE_TRIMMED = 0, /* blanks at the ends of lines, and blank lines at the end, do not count */
    RL_COMPARE_EXACT,       /* byte for byte */
    RL_COMPARE_NUMERIC,     /* words in order; two that are numbers may differ by a tolerance */
    RL_COMPARE_COUNT
} rl_comparison_mode;

/* "PLAIN", "ZIP", "TAR". */
const char *rl_file_format_name(rl_file_format format);
rl_file_format rl_file_format_parse(const char *name);

/* "TRIMMED", "EXACT", "NUMERIC". */
const char *rl_comparison_mode_name(rl_comparison_mode mode);
rl_comparison_mode rl_comparison_mode_parse(const char *name);

#endif
