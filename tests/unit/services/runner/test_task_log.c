#include "services/runner/task_log.h"

#include <string.h>
#include <unistd.h>

#include "tests/support/suite.h"

#define ID "0123456789012345678901234567890123456789"

static char line[2048];

/* The line that `task` leaves behind. */
static const char *logged(const rl_task *task) {
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    rl_log *log = rl_log_new("runlog-test", RL_LOG_DEBUG, fds[1]);
    rl_task_log_failure(log, RL_LOG_WARN, "thing.happened", task);
    const ssize_t got = read(fds[0], line, sizeof line - 1);
    ck_assert_int_gt(got, 0);
    line[got] = '\0';
    rl_log_free(log);
    close(fds[0]);
    close(fds[1]);
    return line;
}

START_TEST(a_line_names_the_submission_its_place_its_trace_and_the_class) {
    rl_partition partition = {.topic = (char[]){"submissions"}, .number = 3};
    rl_task task = {.partition = &partition,
                    .offset = 42,
                    .attempt = 2,
                    .id = ID,
                    .traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"};
    rl_error_set(&task.err, RL_TRANSIENT, 7, "away");
    ck_assert_ptr_nonnull(strstr(logged(&task),
                                 "\"event\":\"thing.happened\",\"id\":\"" ID "\",\"topic\":\"submissions\","
                                 "\"partition\":3,\"offset\":42,\"attempt\":2,"
                                 "\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\","
                                 "\"span_id\":\"00f067aa0ba902b7\","
                                 "\"class\":\"TRANSIENT\",\"code\":7,\"error\":\"away\"}"));
}
END_TEST

START_TEST(before_there_is_an_answer_the_records_key_is_the_id) {
    rl_partition partition = {.topic = (char[]){"submissions"}};
    rd_kafka_message_t message = {.key = (char[]){ID}, .key_len = RL_ID_LENGTH};
    rl_task task = {.partition = &partition, .message = &message};
    ck_assert_ptr_nonnull(strstr(logged(&task), "\"id\":\"" ID "\""));
}
END_TEST

START_TEST(a_key_that_is_no_id_stays_out_of_the_log) {
    rl_partition partition = {.topic = (char[]){"submissions"}};
    rd_kafka_message_t message = {.key = (char[]){"print(1)"}, .key_len = 8};
    rl_task task = {.partition = &partition, .message = &message};
    ck_assert_ptr_nonnull(strstr(logged(&task), "\"id\":null"));
    ck_assert_ptr_nonnull(strstr(line, "\"trace_id\":null,\"span_id\":null"));
    ck_assert_ptr_null(strstr(line, "print"));
}
END_TEST

RL_SUITE("runner/task_log", a_line_names_the_submission_its_place_its_trace_and_the_class,
         before_there_is_an_answer_the_records_key_is_the_id, a_key_that_is_no_id_stays_out_of_the_log)
