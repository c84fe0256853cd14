# Writes OUTPUT, a C file that holds the file INPUT as the text NAME, declared in HEADER (cmake -P).
# ISO C promises literals of 4095 bytes only, so that the text is written as an array of characters.
file(READ ${INPUT} hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
file(WRITE ${OUTPUT} "#include \"${HEADER}\"\n\nconst char ${NAME}[] = {${bytes}0};\n")
