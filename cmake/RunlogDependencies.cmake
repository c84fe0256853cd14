# Third-party libraries under one spelling: rl::rdkafka, rl::mongoc, ... A build of sandbox/ alone
# needs none of them, so a missing one is an error only where a target links it.
find_package(PkgConfig REQUIRED)

function(rl_dependency name module)
    pkg_check_modules(${name} QUIET IMPORTED_TARGET GLOBAL ${module})
    if(${name}_FOUND)
        add_library(rl::${name} ALIAS PkgConfig::${name})
    else()
        message(STATUS "${module} not found: what links rl::${name} cannot be built")
    endif()
endfunction()

rl_dependency(rdkafka rdkafka)
rl_dependency(curl libcurl)
rl_dependency(mongoc libmongoc-1.0)
rl_dependency(avro avro-c)
rl_dependency(jansson jansson)
rl_dependency(llhttp libllhttp)
rl_dependency(crypto libcrypto)
rl_dependency(check check)

# Debian's civetweb.pc lists its C++ library too; the C one is all that is wanted.
find_library(RL_CIVETWEB_LIBRARY civetweb)
if(RL_CIVETWEB_LIBRARY)
    add_library(rl_civetweb INTERFACE)
    target_link_libraries(rl_civetweb INTERFACE ${RL_CIVETWEB_LIBRARY})
    add_library(rl::civetweb ALIAS rl_civetweb)
endif()
