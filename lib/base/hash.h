/* hash.h: FNV-1a, 64 bits: spreads short keys over the slots of a table. Not for keys that an opponent chooses
 * in order to make them collide. Source: http://www.isthe.com/chongo/tech/comp/fnv/
 */
#ifndef RL_BASE_HASH_H
#define RL_BASE_HASH_H

#include <stdint.h>

#include "lib/base/buffer.h"

uint64_t rl_hash(rl_bytes bytes);

#endif
