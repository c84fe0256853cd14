/* report.h: what `runlog rebuild` says: progress on stderr, the outcome on stdout. */
#ifndef RL_TOOLS_REBUILD_REPORT_H
#define RL_TOOLS_REBUILD_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "tools/rebuild/compare.h"
#include "tools/rebuild/fill.h"

#define RL_REBUILD_COLLECTIONS 3

typedef struct {
    rl_fill_outcome filled;
    bool compared;
    const char *names[RL_REBUILD_COLLECTIONS];
    rl_database_diff comparisons[RL_REBUILD_COLLECTIONS];
} rl_rebuild_report;

/* Whether all collections are equal; true where none was compared. */
bool rl_rebuild_report_is_equal(const rl_rebuild_report *report);

void rl_rebuild_report_print(const rl_rebuild_report *report, FILE *out);

/* Freed by the caller. NULL when memory is short. */
json_t *rl_rebuild_report_json(const rl_rebuild_report *report);

#endif
