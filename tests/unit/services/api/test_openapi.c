/* The document says which routes there are, and the table of routes which are answered: they must agree. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "services/api/pages.h"
#include "services/api/routes.h"
#include "suite.h"

static json_t *document;

static void set_up(void) {
    json_error_t error;
    document = json_loads(rl_page_openapi, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(document != NULL, "openapi.json, line %d: %s", error.line, error.text);
}

static void tear_down(void) {
    json_decref(document);
}

static const char *method_of(const rl_route *route) {
    switch (route->method) {
    case RL_HTTP_GET:
        return "get";
    case RL_HTTP_POST:
        return "post";
    case RL_HTTP_DELETE:
        return "delete";
    default:
        ck_abort_msg("%s has a method that no document names", route->path);
        return "";
    }
}

/* "/a/{id}/b" for "/a/" + segment + "/b". */
static void path_of(const rl_route *route, char path[128]) {
    const char *star = strchr(route->path, '*');
    const int before = star ? (int)(star - route->path) : (int)strlen(route->path);
    (void)snprintf(path, 128, "%.*s%s%s", before, route->path, star ? "{id}" : "", star ? star + 1 : "");
}

START_TEST(each_route_is_in_the_document) {
    size_t count;
    const rl_route *routes = rl_routes(&count);
    for (size_t i = 0; i < count; i++) {
        char path[128];
        path_of(&routes[i], path);
        const json_t *methods = json_object_get(json_object_get(document, "paths"), path);
        ck_assert_msg(json_object_get(methods, method_of(&routes[i])) != NULL, "openapi.json lacks %s %s",
                      method_of(&routes[i]), path);
    }
}
END_TEST

START_TEST(what_is_in_the_document_is_a_route) {
    size_t count, documented = 0;
    const char *path;
    json_t *methods;
    (void)rl_routes(&count);
    json_object_foreach(json_object_get(document, "paths"), path, methods) {
        char concrete[128];
        (void)snprintf(concrete, sizeof(concrete), "%s", path);
        for (char *at = concrete; *at; at++) {
            *at = *at == '{' || *at == '}' ? 'x' : *at;
        }
        const rl_route *route = rl_route_find(rl_bytes_of(concrete));
        ck_assert_msg(route != NULL, "openapi.json has %s, which is no route", path);
        ck_assert_msg(json_object_get(methods, method_of(route)) != NULL, "another method at %s", path);
        ck_assert_uint_eq(json_object_size(methods), 1);
        documented++;
    }
    ck_assert_uint_eq(documented, count);
}
END_TEST

static void check_references(const json_t *value) {
    const char *key;
    json_t *member;
    size_t index;
    json_object_foreach((json_t *)(uintptr_t)value, key, member) {
        if (strcmp(key, "$ref") == 0) {
            const json_t *at = document;
            char text[256];
            char *rest = NULL;
            ck_assert_int_eq(strncmp(json_string_value(member), "#/", 2), 0);
            (void)snprintf(text, sizeof(text), "%s", json_string_value(member) + 2);
            for (char *part = strtok_r(text, "/", &rest); part; part = strtok_r(NULL, "/", &rest)) {
                at = json_object_get(at, part);
            }
            ck_assert_msg(at != NULL, "nothing is called %s", json_string_value(member));
        }
        check_references(member);
    }
    json_array_foreach(value, index, member) {
        check_references(member);
    }
}

START_TEST(each_reference_leads_somewhere) {
    check_references(document);
}
END_TEST

START_TEST(the_page_needs_nobody_else) {
    ck_assert_ptr_null(strstr(rl_page_docs, "//cdn"));
    ck_assert_ptr_null(strstr(rl_page_docs, "src="));
    ck_assert_ptr_null(strstr(rl_page_docs, "https://"));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("api: openapi");
    TCase *tests = tcase_create("openapi");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, each_route_is_in_the_document);
    tcase_add_test(tests, what_is_in_the_document_is_a_route);
    tcase_add_test(tests, each_reference_leads_somewhere);
    tcase_add_test(tests, the_page_needs_nobody_else);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
