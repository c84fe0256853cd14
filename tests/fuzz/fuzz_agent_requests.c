/* What the agent reads: frames of the runner's, and snapshots, which have been elsewhere meanwhile. */
#include <stdlib.h>
#include <string.h>

#include "sandbox/agent/tree.h"
#include "sandbox/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
    if (!holds) {
        abort();
    }
}

static void read_tree(const uint8_t *data, size_t size) {
    rl_tree tree;
    const char *why = NULL;
    if (!rl_tree_read(data, size, &tree, &why)) {
        return;
    }
    for (size_t i = 0; i < tree.count; i++) {
        const rl_tree_entry *entry = &tree.entries[i];
        require(entry->size == 0 || (entry->data >= data && entry->data + entry->size <= data + size));
        require(i == 0 || rl_agent_path_is_plain(entry->path));
        require(rl_tree_find(&tree, entry->path) == entry);
    }
    rl_tree_free(&tree);
}

static void decode(const rl_agent_frame *frame) {
    static rl_agent_job job;
    static rl_agent_run run;
    const char *why = NULL;
    if (rl_agent_job_decode(frame->payload, frame->payload_size, &job, &why)) {
        for (uint32_t i = 0; i < job.file_count; i++) {
            const rl_agent_file *file = &job.files[i];
            require(strlen(file->path) <= RL_AGENT_PATH_MAX);
            require(file->path[0] == '\0' ? file->format != RL_AGENT_FORMAT_PLAIN
                                          : rl_agent_path_is_plain(file->path));
            if (file->format == RL_AGENT_FORMAT_SNAPSHOT) {
                read_tree(file->data, file->size);
            }
        }
    }
    if (rl_agent_run_decode(frame->payload, frame->payload_size, &run, &why)) {
        for (uint32_t i = 0; i < run.fetch_count; i++) {
            require(rl_agent_path_is_plain(run.fetch[i]));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    read_tree(data, size);
    rl_agent_frame frame;
    const char *why = NULL;
    while (rl_agent_frame_parse(data, size, RL_AGENT_REQUEST_MAX, &frame, &why) == RL_AGENT_PARSE_FRAME) {
        decode(&frame);
        data += frame.frame_size;
        size -= frame.frame_size;
    }
    return 0;
}
