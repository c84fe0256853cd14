/* compare.h: whether a program wrote what was expected of it.
 *
 *     EXACT    byte for byte
 *     TRIMMED  line by line, without the blanks at each line's end and without blank lines at the text's end; what
 *              Judge0 does, whose blanks these are: space, \t, \v, \f, \r and NUL
 *     NUMERIC  word by word, the blanks and newlines between them as they please. Two words are the same if their bytes
 *              are, or if both are decimal numbers (decimal.h) that differ by at most `absolute`, or `relative` times
 *              the expected one. Without a tolerance they have to be equal: 1.50 and 15e-1 are, and two integers of
 *              any length are told apart by their last digit. NaN equals NaN, and an infinity itself
 *
 * Both sides are bytes, of any length and not necessarily text. One pass over each, no allocation, no locale. Tolerances
 * that are no finite number, or below 0, count as 0.
 *
 * Pure. Thread: any.
 */
#ifndef RL_RUNNER_COMPARE_H
#define RL_RUNNER_COMPARE_H

#include "lib/codec/submission.h"

bool rl_compare(const rl_comparison *how, rl_bytes expected, rl_bytes actual);

#endif
