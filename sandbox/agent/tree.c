/* tree.c: the bytes of tree.h, and finding an entry among them. */
#include "sandbox/agent/tree.h"

#include "sandbox/protocol.h"

#include <stdlib.h>
#include <string.h>

/* What the fields before an entry's contents take at least: so many entries some bytes can hold. */
enum { ENTRY_SIZE_MIN = 1 + 4 + 4 + 8 + 4 + 5 + 4 };

void rl_tree_put_magic(rl_wire_writer *w) {
    rl_wire_put_u32(w, RL_TREE_MAGIC);
}

void rl_tree_put_head(rl_wire_writer *w, const rl_tree_entry *entry) {
    rl_wire_put_u8(w, (uint8_t)entry->type);
    rl_wire_put_u32(w, entry->mode);
    rl_wire_put_u32(w, entry->links);
    rl_wire_put_i64(w, entry->modified_s);
    rl_wire_put_u32(w, entry->modified_ns);
    rl_wire_put_text(w, entry->path);
    rl_wire_put_u32(w, (uint32_t)entry->size);
}

static bool is_target(const uint8_t *data, size_t size) {
    return size >= 2 && memchr(data, 0, size) == data + size - 1;
}

static void get_entry(rl_wire_reader *r, rl_tree_entry *entry) {
    uint8_t type = rl_wire_get_u8(r);
    entry->mode = rl_wire_get_u32(r);
    entry->links = rl_wire_get_u32(r);
    entry->modified_s = rl_wire_get_i64(r, INT64_MIN, "");
    entry->modified_ns = rl_wire_get_u32(r);
    entry->path = rl_wire_get_text(r, RL_TREE_PATH_MAX);
    entry->data = rl_wire_get_bytes(r, &entry->size);
    if (r->bad != NULL) {
        return;
    }
    entry->type = (rl_tree_type)type;
    if (type < RL_TREE_FOLDER || type > RL_TREE_LINK || entry->mode > 0777 ||
        entry->modified_ns > 999999999) {
        rl_wire_complain(r, "an entry's type, mode or time makes no sense");
    } else if ((entry->type == RL_TREE_FOLDER && entry->size > 0) ||
               (entry->type == RL_TREE_LINK && !is_target(entry->data, entry->size))) {
        rl_wire_complain(r, "a folder has contents, or a link no target");
    }
}

static int compare(const void *a, const void *b) {
    const rl_tree_entry *const *left = a;
    const rl_tree_entry *const *right = b;
    return strcmp((*left)->path, (*right)->path);
}

/* Whether the path's folder stands before the entry, and the path is plain. */
static bool is_in_place(const rl_tree *tree, const rl_tree_entry *entry) {
    if (entry == tree->entries) {
        return entry->path[0] == '\0' && entry->type == RL_TREE_FOLDER;
    }
    if (!rl_agent_path_is_plain(entry->path)) {
        return false;
    }
    char folder[RL_TREE_PATH_MAX + 1];
    const char *slash = strrchr(entry->path, '/');
    size_t folder_size = slash != NULL ? (size_t)(slash - entry->path) : 0;
    memcpy(folder, entry->path, folder_size);
    folder[folder_size] = '\0';
    const rl_tree_entry *parent = rl_tree_find(tree, folder);
    return parent != NULL && parent < entry && parent->type == RL_TREE_FOLDER;
}

static const char *check(rl_tree *tree) {
    for (size_t i = 0; i < tree->count; i++) {
        tree->by_path[i] = &tree->entries[i];
    }
    qsort(tree->by_path, tree->count, sizeof *tree->by_path, compare);
    for (size_t i = 1; i < tree->count; i++) {
        if (strcmp(tree->by_path[i - 1]->path, tree->by_path[i]->path) == 0) {
            return "a path comes twice";
        }
    }
    for (size_t i = 0; i < tree->count; i++) {
        if (!is_in_place(tree, &tree->entries[i])) {
            return "an entry without the folder that it is in";
        }
    }
    return tree->count > 0 ? NULL : "there is no folder";
}

/* Room for as many entries as `size` bytes can hold. */
static bool make_room(rl_tree *tree, size_t size) {
    size_t most = size / ENTRY_SIZE_MIN + 1;
    tree->entries = calloc(most, sizeof *tree->entries);
    tree->by_path = calloc(most, sizeof *tree->by_path);
    return tree->entries != NULL && tree->by_path != NULL;
}

bool rl_tree_read(const uint8_t *bytes, size_t size, rl_tree *tree, const char **why) {
    *tree = (rl_tree){.count = 0};
    rl_wire_reader r = {bytes, size, NULL};
    if (rl_wire_get_u32(&r) != RL_TREE_MAGIC) {
        *why = "not a snapshot of this version";
        return false;
    }
    if (!make_room(tree, r.left)) {
        rl_tree_free(tree);
        *why = "memory is short";
        return false;
    }
    while (r.left > 0) {
        get_entry(&r, &tree->entries[tree->count]);
        tree->count += r.bad == NULL;
    }
    *why = r.bad != NULL ? r.bad : check(tree);
    if (*why != NULL) {
        rl_tree_free(tree);
    }
    return *why == NULL;
}

void rl_tree_free(rl_tree *tree) {
    free(tree->entries);
    free(tree->by_path);
    *tree = (rl_tree){.count = 0};
}

const rl_tree_entry *rl_tree_find(const rl_tree *tree, const char *path) {
    const rl_tree_entry wanted = {.path = path};
    const rl_tree_entry *key = &wanted;
    const rl_tree_entry **found = bsearch(&key, tree->by_path, tree->count, sizeof *tree->by_path, compare);
    return found != NULL ? *found : NULL;
}

bool rl_tree_join(const char *folder, const char *name, char *path, size_t most) {
    size_t folder_size = strlen(folder);
    size_t name_size = strlen(name);
    size_t slash = folder_size > 0 ? 1 : 0;
    if (folder_size + slash + name_size > most) {
        return false;
    }
    memcpy(path, folder, folder_size);
    memset(path + folder_size, '/', slash);
    memcpy(path + folder_size + slash, name, name_size + 1);
    return true;
}
