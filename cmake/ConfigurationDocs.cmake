# Writes docs/configuration.md from the configuration tables of the services (cmake -P), or with
# CHECK=1 fails where the file in the tree is another one.
set(text "# Configuration\n\nEvery service is configured by environment variables. This page is generated from the tables that the services\nthemselves parse with (`scripts/docs` writes it anew; a test fails where it is out of date). An unknown variable that\nstarts with `RUNLOG_` stops a service at its start, and so does a value that does not parse or lies out of bounds.\n\nBytes take `KiB`, `MiB`, `GiB`; durations take `us`, `ms`, `s`, `m`, `h`, `d`.\n\n")
string(REPLACE "," ";" programs "${PROGRAMS}") # a list would be taken apart on its way here
foreach(program ${programs})
    execute_process(COMMAND ${program} --config-markdown OUTPUT_VARIABLE section COMMAND_ERROR_IS_FATAL ANY)
    string(APPEND text "${section}")
endforeach()
string(STRIP "${text}" text)
string(APPEND text "\n")
if(CHECK)
    file(READ ${OUTPUT} there)
    if(NOT there STREQUAL text)
        message(FATAL_ERROR "${OUTPUT} is out of date: run scripts/docs and commit it")
    endif()
else()
    file(WRITE ${OUTPUT} "${text}")
endif()
