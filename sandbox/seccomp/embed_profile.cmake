# cmake -DFROM=engine.json -DTO=engine_profile.c -P embed_profile.cmake: a file as a C array of characters.
# An array, not a string literal: ISO C promises only 4095 characters of those.
file(READ ${FROM} bytes HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(WRITE ${TO} "#include \"sandbox/seccomp/engine_profile.h\"\n\nconst char rl_engine_profile[] = {${bytes} 0};\n")
