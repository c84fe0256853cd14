foreach(name watermark task task_log task_queue dispatch config partition)
    rl_add_unit_test(test_runner_${name} SOURCES test_${name}.c LIBS rl_runner)
endforeach()
