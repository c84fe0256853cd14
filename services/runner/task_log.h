/* task_log.h: log lines about a task, all of which name it in the same way: id, topic, partition, offset, attempt,
 * trace_id and span_id. The id is the record's key where that has an id's form, null otherwise; so are the ids of
 * a trace that the record does not have.
 *
 * Thread: the task's holder.
 */
#ifndef RL_RUNNER_TASK_LOG_H
#define RL_RUNNER_TASK_LOG_H

#include "lib/base/log.h"
#include "services/runner/task.h"

/* Use the macro rl_task_log, which counts the fields (at most RL_TASK_LOG_MORE of them). */
#define RL_TASK_LOG_MORE 6
void rl_task_log_write(rl_log *log, rl_log_level level, const char *event, const rl_task *task,
                       const rl_log_field *more, size_t count);

/* An event of a task with one more field or several. */
#define rl_task_log(log_, level_, event_, task_, ...)                                                        \
    rl_task_log_write((log_), (level_), (event_), (task_), (const rl_log_field[]){__VA_ARGS__},              \
                      sizeof((const rl_log_field[]){__VA_ARGS__}) / sizeof(rl_log_field))

/* An event whose cause is the task's `err`: with its class, code and message. */
void rl_task_log_failure(rl_log *log, rl_log_level level, const char *event, const rl_task *task);

#endif
