/* files, entryPoint and fetchFiles of a submission. */
#include "submission_fixture.h"

/* A body without "code", written with ' for ". */
static const char *body_of_files(const char *fields) {
    static char body[8192];
    const int size = snprintf(body, sizeof(body), "{'lang':'python',%s}", fields);
    ck_assert(size > 0 && (size_t)size < sizeof(body));
    for (char *at = body; *at; at++) {
        *at = *at == '\'' ? '"' : *at;
    }
    return body;
}

START_TEST(files_arrive_beside_the_code) {
    accept_with("'files':[{'path':'lib/a.h','content':'#define A\\n'},{'path':'empty'}]");
    const rl_submission *s = &in.submission;
    ck_assert_uint_eq(s->file_count, 2);
    ck_assert_str_eq(s->files[0].path, "lib/a.h");
    expect_text(s->files[0].content, "#define A\n");
    ck_assert_int_eq(s->files[0].format, RL_FILE_PLAIN);
    ck_assert_str_eq(s->files[1].path, "empty");
    ck_assert_uint_eq(s->files[1].content.size, 0);
    expect_text(s->source, "x");
    ck_assert_str_eq(s->entry_point, "");
}
END_TEST

START_TEST(base64_gives_any_bytes) {
    accept_with("'files':[{'path':'a','content':'AP8K','encoding':'base64'},"
                "{'path':'b','content':'AP8K','encoding':'utf8'}]");
    expect_bytes(in.submission.files[0].content, "\x00\xff\n", 3);
    expect_text(in.submission.files[1].content, "AP8K");
}
END_TEST

START_TEST(base64_that_is_none_says_where) {
    refuse_with("'files':[{},{'path':'a'}]", "Field \"files[0].path\"");
    refuse_with("'files':[{'path':'a','content':'AP8','encoding':'base64'}]",
                "Field \"files[0].content\" is not base64 (RFC 4648, section 4): see its character 4");
    refuse_with("'files':[{'path':'a','content':'A*8K','encoding':'base64'}]", "see its character 2");
    refuse_with("'files':[{'path':'a','content':'','encoding':'hex'}]",
                "Field \"files[0].encoding\" must be \"utf8\" or \"base64\", not \"hex\"");
}
END_TEST

START_TEST(archives_go_into_the_work_folder_or_one_of_its_own) {
    accept_with("'files':[{'content':'UEs=','encoding':'base64','format':'zip'},"
                "{'path':'.','content':'UEs=','encoding':'base64','format':'tar'},"
                "{'path':'data/in','content':'UEs=','encoding':'base64','format':'tar'}]");
    ck_assert_int_eq(in.submission.files[0].format, RL_FILE_ZIP);
    ck_assert_str_eq(in.submission.files[0].path, "");
    ck_assert_int_eq(in.submission.files[1].format, RL_FILE_TAR);
    ck_assert_str_eq(in.submission.files[1].path, "");
    ck_assert_str_eq(in.submission.files[2].path, "data/in");
    refuse_with("'files':[{'path':'','content':'','format':'zip'}]",
                "Field \"files[0].content\" must not be empty");
    refuse_with("'files':[{'path':'../x','content':'x','format':'zip'}]", "\".\" and \"..\"");
    refuse_with("'files':[{'path':'','content':'x','format':'rar'}]",
                "Field \"files[0].format\" must be \"plain\", \"zip\" or \"tar\", not \"rar\"");
}
END_TEST

START_TEST(a_path_stays_within_the_work_folder) {
    static const struct {
        const char *path, *complaint;
    } bad[] = {
        {"", "must name a file"},
        {"/etc/passwd", "must be relative"},
        {"a//b", "empty components"},
        {"a/", "empty components"},
        {"..", "\".\" and \"..\""},
        {"a/../b", "\".\" and \"..\""},
        {"./a", "\".\" and \"..\""},
        {"a/.", "\".\" and \"..\""},
        {"a\\u0000b", "must not hold a NUL"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char fields[256];
        (void)snprintf(fields, sizeof(fields), "'files':[{'path':'%s'}]", bad[i].path);
        refuse_with(fields, bad[i].complaint);
        (void)snprintf(fields, sizeof(fields), "'fetchFiles':['%s']", bad[i].path);
        refuse_with(fields, bad[i].complaint);
        if (*bad[i].path) {
            (void)snprintf(fields, sizeof(fields), "'entryPoint':'%s'", bad[i].path);
            refuse_with(fields, bad[i].complaint);
        }
    }
    accept_with("'files':[{'path':'...'},{'path':'..a/b.. c'},{'path':'.git/x'}]");
}
END_TEST

START_TEST(a_path_has_255_bytes_at_most) {
    char fields[512];
    char path[257];
    memset(path, 'a', sizeof(path));
    path[255] = '\0';
    (void)snprintf(fields, sizeof(fields), "'files':[{'path':'%s'}]", path);
    accept_with(fields);
    path[255] = 'a';
    path[256] = '\0';
    (void)snprintf(fields, sizeof(fields), "'files':[{'path':'%s'}]", path);
    refuse_with(fields, "Field \"files[0].path\" must have at most 255 bytes, not 256");
}
END_TEST

START_TEST(files_do_not_get_into_each_others_way) {
    refuse_with("'files':[{'path':'a'},{'path':'b'},{'path':'a'}]",
                "Field \"files[2].path\" is in the way of another file: \"a\"");
    refuse_with("'files':[{'path':'a'},{'path':'a/b'}]", "Field \"files[1].path\" is in the way");
    refuse_with("'files':[{'path':'a/b'},{'path':'a'}]", "Field \"files[1].path\" is in the way");
    refuse_with("'files':[{'path':'a'},{'path':'a','content':'x','format':'zip'}]", "files[1].path");
    refuse_with("'files':[{'path':'main.c'}]", "is in the way of another file: \"main.c\"");
    refuse_with("'entryPoint':'b.c','files':[{'path':'b.c'}]", "is in the way of another file: \"b.c\"");
    accept_with("'files':[{'path':'a'},{'path':'ab'},{'path':'b/a'},{'content':'x','format':'zip'}]");
    accept_with("'entryPoint':'b.c','files':[{'path':'main.c'}]");
    ck_assert_str_eq(in.submission.entry_point, "b.c");
}
END_TEST

START_TEST(sixty_four_files_and_sixteen_to_fetch_are_the_most) {
    char fields[8192] = "'files':[{'path':'f0'}";
    for (int i = 1; i < 64; i++) {
        (void)snprintf(fields + strlen(fields), 32, ",{'path':'f%d'}", i);
    }
    strcat(fields, "]");
    accept_with(fields);
    ck_assert_uint_eq(in.submission.file_count, 64);
    strcpy(fields + strlen(fields) - 1, ",{'path':'x'}]");
    refuse_with(fields, "Field \"files\" must have at most 64 elements, not 65");
    refuse_with("'fetchFiles':['0','1','2','3','4','5','6','7','8','9','a','b','c','d','e','f','g']",
                "Field \"fetchFiles\" must have at most 16 elements, not 17");
}
END_TEST

START_TEST(without_code_the_entry_point_is_one_of_the_files) {
    accept_text(body_of_files("'entryPoint':'src/a.py','files':[{'path':'b.py','content':'2'},"
                              "{'path':'src/a.py','content':'1'},{'path':'c.py','content':'3'}]"));
    const rl_submission *s = &in.submission;
    expect_text(s->source, "1");
    ck_assert_str_eq(s->entry_point, "src/a.py");
    ck_assert_uint_eq(s->file_count, 2);
    ck_assert_str_eq(s->files[0].path, "b.py");
    ck_assert_str_eq(s->files[1].path, "c.py");
    accept_text(body_of_files("'code':'','entryPoint':'a','files':[{'path':'a','content':'1'}]"));
    ck_assert_uint_eq(in.submission.file_count, 0);
}
END_TEST

START_TEST(without_code_the_entry_point_may_lie_in_an_archive) {
    accept_text(body_of_files("'entryPoint':'src/a.py','files':[{'content':'UEs=','encoding':'base64',"
                              "'format':'zip'}]"));
    ck_assert_uint_eq(in.submission.source.size, 0);
    ck_assert_str_eq(in.submission.entry_point, "src/a.py");
    ck_assert_uint_eq(in.submission.file_count, 1);
}
END_TEST

START_TEST(without_code_an_entry_point_is_needed_that_is_there) {
    refuse(body_of_files("'files':[{'path':'a','content':'1'}]"),
           "Field \"entryPoint\" must name the file to run, as there is no \"code\"");
    refuse(body_of_files("'entryPoint':'b','files':[{'path':'a','content':'1'}]"),
           "Field \"entryPoint\" names none of \"files\"");
    refuse(body_of_files("'entryPoint':'a','files':[{'path':'a'}]"), "names a file that is empty");
    refuse(body_of_files("'entryPoint':'a','files':[]"), "Code and language are required");
    refuse(body_of_files("'entryPoint':5,'files':[{'path':'a'}]"),
           "Field \"entryPoint\" must be a string, not a number");
}
END_TEST

START_TEST(files_to_fetch_are_named_once) {
    accept_with("'fetchFiles':['out.txt','a/b']");
    ck_assert_uint_eq(in.submission.fetch_file_count, 2);
    ck_assert_str_eq(in.submission.fetch_files[1], "a/b");
    refuse_with("'fetchFiles':['a','b','a']", "Field \"fetchFiles[2]\" is there twice");
    refuse_with("'fetchFiles':'a'", "Field \"fetchFiles\" must be an array, not a string");
    refuse_with("'fetchFiles':[7]", "Field \"fetchFiles[0]\" must be a string, not a number");
}
END_TEST

START_TEST(wrong_types_of_files_are_named_with_their_place) {
    refuse_with("'files':5", "Field \"files\" must be an array, not a number");
    refuse_with("'files':[{'path':'a'},7]", "Field \"files[1]\" must be an object, not a number");
    refuse_with("'files':[{'path':7}]", "Field \"files[0].path\" must be a string, not a number");
    refuse_with("'files':[{'path':'a','content':{}}]",
                "Field \"files[0].content\" must be a string, not an object");
    refuse_with("'files':[{'path':'a','format':[]}]",
                "Field \"files[0].format\" must be a string, not an array");
}
END_TEST

SUBMISSION_SUITE("submission_in_files", files_arrive_beside_the_code, base64_gives_any_bytes,
                 base64_that_is_none_says_where, archives_go_into_the_work_folder_or_one_of_its_own,
                 a_path_stays_within_the_work_folder, a_path_has_255_bytes_at_most,
                 files_do_not_get_into_each_others_way, sixty_four_files_and_sixteen_to_fetch_are_the_most,
                 without_code_the_entry_point_is_one_of_the_files,
                 without_code_the_entry_point_may_lie_in_an_archive,
                 without_code_an_entry_point_is_needed_that_is_there, files_to_fetch_are_named_once,
                 wrong_types_of_files_are_named_with_their_place)
