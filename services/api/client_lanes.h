/* client_lanes.h: the lanes that clients may submit to. Replays have a lane as well, and no client gets into it.
 *
 * What has a part for each of these lanes is an array of RL_CLIENT_LANES with the rl_lane as its index.
 */
#ifndef RL_API_CLIENT_LANES_H
#define RL_API_CLIENT_LANES_H

#include "lib/codec/id.h"

#define RL_CLIENT_LANES 2

/* As requests and metrics name them, in the order of rl_lane. */
extern const char *const rl_client_lane_names[RL_CLIENT_LANES];

/* The topic of a lane below RL_CLIENT_LANES. */
const char *rl_client_lane_topic(rl_lane lane);

#endif
