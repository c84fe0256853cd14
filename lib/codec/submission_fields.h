/* submission_fields.h: the fields of a submission within an avro-c value: what submission.c and result.c
 * share, as a Finished embeds the submission it answers. Internal to lib/codec.
 */
#ifndef RL_CODEC_SUBMISSION_FIELDS_H
#define RL_CODEC_SUBMISSION_FIELDS_H

#include "lib/codec/avro_value.h"
#include "lib/codec/submission.h"

void rl_submission_to_value(rl_avro_out *out, avro_value_t *record, const rl_submission *submission);
void rl_submission_from_value(rl_avro_in *in, avro_value_t *record, rl_submission *ret);

void rl_avro_set_files(rl_avro_out *out, avro_value_t *record, const char *name, const rl_file *files,
                       size_t count);
const rl_file *rl_avro_get_files(rl_avro_in *in, avro_value_t *record, const char *name, size_t *ret_count);

#endif
