/* task_log.c: see task_log.h. */
#include "services/runner/task_log.h"

#include "lib/stream/message.h"

#define SUBJECT 7 /* fields that name the task */

static const char *text_or_null(const char *text) {
    return text[0] ? text : NULL;
}

void rl_task_log_write(rl_log *log, rl_log_level level, const char *event, const rl_task *task,
                       const rl_log_field *more, size_t count) {
    char id[RL_ID_SIZE] = "";
    const rl_trace_ids trace = rl_trace_ids_of(task->traceparent);
    if (task->id[0]) {
        memcpy(id, task->id, sizeof id);
    } else if (task->message && rl_id_has_form(rl_message_key(task->message))) {
        memcpy(id, task->message->key, RL_ID_LENGTH);
        id[RL_ID_LENGTH] = '\0';
    }
    rl_log_field fields[SUBJECT + RL_TASK_LOG_MORE] = {
        RL_S("id", text_or_null(id)),
        RL_S("topic", task->partition->topic),
        RL_I("partition", task->partition->number),
        RL_I("offset", task->offset),
        RL_I("attempt", task->attempt),
        RL_S("trace_id", text_or_null(trace.trace)),
        RL_S("span_id", text_or_null(trace.span)),
    };
    count = count < RL_TASK_LOG_MORE ? count : RL_TASK_LOG_MORE;
    for (size_t i = 0; i < count; i++) {
        fields[SUBJECT + i] = more[i];
    }
    rl_log_write(log, level, event, fields, SUBJECT + count);
}

void rl_task_log_failure(rl_log *log, rl_log_level level, const char *event, const rl_task *task) {
    rl_task_log(log, level, event, task, RL_S("class", rl_error_class_name(task->err.error_class)),
                RL_I("code", task->err.code), RL_S("error", task->err.message));
}
