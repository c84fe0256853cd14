/* client_lanes.c: see client_lanes.h. */
#include "services/api/client_lanes.h"

#include "lib/stream/topics.h"

const char *const rl_client_lane_names[RL_CLIENT_LANES] = {
    [RL_LANE_INTERACTIVE] = "interactive", [RL_LANE_BATCH] = "batch"};

const char *rl_client_lane_topic(rl_lane lane) {
    return lane == RL_LANE_BATCH ? RL_TOPIC_SUBMISSIONS_BATCH : RL_TOPIC_SUBMISSIONS;
}
