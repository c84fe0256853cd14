foreach(name absences cancelled_ids cancelled_replays claim lease fair_queue membership tenant_clock turns)
    rl_add_unit_test(test_runner_${name} SOURCES test_${name}.c LIBS rl_runner)
endforeach()
rl_makes_kafka_clients(test_runner_claim)
