#include "lib/base/log_limit.h"

bool rl_log_limit_pass(rl_log_limit *limit, int64_t now_us, int64_t *ret_withheld) {
    int64_t since_us = atomic_load(&limit->since_us);
    if (now_us - since_us >= RL_LOG_LIMIT_SPAN_US &&
        atomic_compare_exchange_strong(&limit->since_us, &since_us, now_us)) {
        atomic_store(&limit->passed, 0);
    }
    if (atomic_fetch_add(&limit->passed, 1) >= RL_LOG_LIMIT_LINES) {
        atomic_fetch_add(&limit->withheld, 1);
        return false;
    }
    *ret_withheld = atomic_exchange(&limit->withheld, 0);
    return true;
}
