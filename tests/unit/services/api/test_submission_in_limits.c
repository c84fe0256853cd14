/* limits, args and compileOptions of a submission. */
#include "submission_fixture.h"

#define SECOND INT64_C(1000000)
#define MIB (INT64_C(1024) * 1024)

START_TEST(without_limits_those_of_the_language_are_in_force) {
    const rl_manifest *manifest = rl_manifests_find(manifests, rl_bytes_of("c"));
    accept_with("'limits':null");
    ck_assert_mem_eq(&in.submission.limits, &manifest->limits, sizeof(rl_limits));
    accept_with("'limits':{'run':null,'compile':{},'openFiles':null}");
    ck_assert_mem_eq(&in.submission.limits, &manifest->limits, sizeof(rl_limits));
}
END_TEST

START_TEST(each_limit_is_what_was_asked_for_and_the_others_stay) {
    const rl_limits defaults = rl_manifests_find(manifests, rl_bytes_of("c"))->limits;
    accept_with("'limits':{'compile':{'cpuMs':1500},'run':{'cpuMs':1,'memoryKb':65536},'outputBytes':10,"
                "'fileBytes':1048576,'stackBytes':2097152,'processes':1,'openFiles':16}");
    const rl_limits *limits = &in.submission.limits;
    ck_assert_int_eq(limits->compile.cpu_us, 1500000);
    ck_assert_int_eq(limits->compile.memory_bytes, defaults.compile.memory_bytes);
    ck_assert_int_eq(limits->run.cpu_us, 1000);
    ck_assert_int_eq(limits->run.memory_bytes, 64 * MIB);
    ck_assert_int_eq(limits->output_bytes, 10);
    ck_assert_int_eq(limits->file_bytes, MIB);
    ck_assert_int_eq(limits->stack_bytes, 2 * MIB);
    ck_assert_int_eq(limits->processes, 1);
    ck_assert_int_eq(limits->open_files, 16);
}
END_TEST

START_TEST(elapsed_time_is_twice_the_cpu_time_and_2_s_at_least) {
    accept_with("'limits':{'run':{'cpuMs':1000,'wallMs':10}}");
    ck_assert_int_eq(in.submission.limits.run.wall_us, 4 * SECOND);
    accept_with("'limits':{'run':{'cpuMs':1000}}");
    ck_assert_int_eq(in.submission.limits.run.wall_us, 4 * SECOND);
    accept_with("'limits':{'run':{'cpuMs':1000,'wallMs':30000}}");
    ck_assert_int_eq(in.submission.limits.run.wall_us, 30 * SECOND);
    accept_with("'limits':{'run':{'cpuMs':60000,'wallMs':1}}");
    ck_assert_int_eq(in.submission.limits.run.wall_us, 122 * SECOND);
}
END_TEST

START_TEST(above_the_operators_maximum_is_refused_with_its_value) {
    accept_with("'limits':{'run':{'cpuMs':60000,'wallMs':122000,'memoryKb':2097152},'outputBytes':1048576,"
                "'fileBytes':536870912,'stackBytes':1073741824,'processes':256,'openFiles':1024}");
    refuse_with("'limits':{'run':{'cpuMs':60001}}",
                "Field \"limits.run.cpuMs\" must be a whole number from 1 to 60000, not 60001");
    refuse_with("'limits':{'compile':{'wallMs':122001}}", "Field \"limits.compile.wallMs\" must be");
    refuse_with("'limits':{'run':{'memoryKb':2097153}}",
                "Field \"limits.run.memoryKb\" must be a whole number from 16384 to 2097152, not 2097153");
    refuse_with("'limits':{'outputBytes':1048577}", "from 1 to 1048576, not 1048577");
    refuse_with("'limits':{'fileBytes':536870913}", "from 262144 to 536870912");
    refuse_with("'limits':{'stackBytes':1073741825}", "from 1048576 to 1073741824");
    refuse_with("'limits':{'processes':257}", "from 1 to 256");
    refuse_with("'limits':{'openFiles':1025}", "from 16 to 1024");
}
END_TEST

START_TEST(below_what_a_sandbox_needs_is_refused) {
    refuse_with("'limits':{'run':{'cpuMs':0}}", "Field \"limits.run.cpuMs\" must be a whole number from 1");
    refuse_with("'limits':{'run':{'cpuMs':-5}}", "not -5");
    refuse_with("'limits':{'run':{'memoryKb':16383}}", "from 16384");
    refuse_with("'limits':{'fileBytes':262143}", "from 262144");
    refuse_with("'limits':{'openFiles':15}", "from 16");
}
END_TEST

START_TEST(limits_are_whole_numbers_in_objects) {
    refuse_with("'limits':{'run':{'cpuMs':1.5}}", "not 1.5");
    refuse_with("'limits':{'run':{'cpuMs':1e300}}", "not 1e+300");
    refuse_with("'limits':{'run':{'cpuMs':'5'}}",
                "Field \"limits.run.cpuMs\" must be a number, not a string");
    refuse_with("'limits':[]", "Field \"limits\" must be an object, not an array");
    refuse_with("'limits':{'run':5}", "Field \"limits.run\" must be an object, not a number");
}
END_TEST

START_TEST(a_lower_maximum_cuts_the_defaults) {
    maxima.run.memory_bytes = 100 * MIB;
    maxima.run.cpu_us = 2 * SECOND;
    accept_with("'x':1");
    ck_assert_int_eq(in.submission.limits.run.memory_bytes, 100 * MIB);
    ck_assert_int_eq(in.submission.limits.run.cpu_us, 2 * SECOND);
    ck_assert_int_eq(in.submission.limits.run.wall_us, 6 * SECOND);
    refuse_with("'limits':{'run':{'memoryKb':131072}}", "from 16384 to 102400, not 131072");
}
END_TEST

START_TEST(files_must_fit_into_the_work_folder) {
    char fields[3 * 4096] = "'limits':{'fileBytes':262144},'files':[";
    for (int i = 0; i < 63; i++) {
        (void)snprintf(fields + strlen(fields), 64, "%s{'path':'f%d','content':'1'}", i ? "," : "", i);
    }
    strcat(fields, "]");
    accept_with(fields); /* 63 pages, and one of the program's */
    strcpy(fields + strlen(fields) - 1, ",{'path':'x','content':'1'}]");
    refuse_with(fields, "The files take 266240 bytes, and the work folder has 262144 (\"limits.fileBytes\")");
}
END_TEST

START_TEST(arguments_arrive_as_they_are) {
    accept_with("'args':['-x','','two words','\xc3\xa9']");
    ck_assert_uint_eq(in.submission.arg_count, 4);
    ck_assert_str_eq(in.submission.args[0], "-x");
    ck_assert_str_eq(in.submission.args[1], "");
    ck_assert_str_eq(in.submission.args[3], "\xc3\xa9");
    refuse_with("'args':'-x'", "Field \"args\" must be an array, not a string");
    refuse_with("'args':['a',1]", "Field \"args[1]\" must be a string, not a number");
    refuse_with("'args':[null]", "Field \"args[0]\" must be a string, not null");
    refuse_with("'args':['a\\u0000']", "Field \"args[0]\" must not hold a NUL");
}
END_TEST

START_TEST(arguments_are_bounded_in_number_and_size) {
    char fields[1024] = "'args':[''";
    for (int i = 1; i < 128; i++) {
        strcat(fields, ",''");
    }
    strcat(fields, "]");
    accept_with(fields);
    ck_assert_uint_eq(in.submission.arg_count, 128);
    strcpy(fields + strlen(fields) - 1, ",'']");
    refuse_with(fields, "Field \"args\" must have at most 128 elements, not 129");
    rl_buffer body;
    rl_buffer_init(&body, 1 << 20);
    ck_assert(rl_buffer_append_text(&body, "{\"code\":\"x\",\"lang\":\"c\",\"args\":[\""));
    memset(rl_buffer_reserve(&body, 65535), 'a', 65535);
    rl_buffer_advance(&body, 65535);
    ck_assert(rl_buffer_append_text(&body, "\"]}"));
    accept_bytes(body.data, body.size);
    body.size -= 3;
    ck_assert(rl_buffer_append_text(&body, "\",\"\"]}"));
    refuse_bytes(body.data, body.size, "Field \"args\" must have at most 65536 bytes in all");
    rl_buffer_free(&body);
}
END_TEST

START_TEST(compile_options_go_with_languages_that_are_compiled) {
    accept_with("'compileOptions':['-O0','-DX=1']");
    ck_assert_uint_eq(in.submission.compile_option_count, 2);
    ck_assert_str_eq(in.submission.compile_options[1], "-DX=1");
    refuse(body_with("python", "'compileOptions':['-O']"),
           "Field \"compileOptions\" has no place: python is not compiled");
    accept_text(body_with("python", "'compileOptions':[]"));
    refuse_with("'compileOptions':[{}]", "Field \"compileOptions[0]\" must be a string, not an object");
}
END_TEST

SUBMISSION_SUITE("submission_in_limits", without_limits_those_of_the_language_are_in_force,
                 each_limit_is_what_was_asked_for_and_the_others_stay,
                 elapsed_time_is_twice_the_cpu_time_and_2_s_at_least,
                 above_the_operators_maximum_is_refused_with_its_value, below_what_a_sandbox_needs_is_refused,
                 limits_are_whole_numbers_in_objects, a_lower_maximum_cuts_the_defaults,
                 files_must_fit_into_the_work_folder, arguments_arrive_as_they_are,
                 arguments_are_bounded_in_number_and_size,
                 compile_options_go_with_languages_that_are_compiled)
