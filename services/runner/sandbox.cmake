# The sandbox side of the runner: everything that talks to the Docker Engine and to agents. A library, so
# that its tests can link it without the log.
add_library(rl_runner_sandbox STATIC
    agent_link.c attach.c attempt.c cancel.c captured.c compare.c compile_cache.c compile_key.c container.c container_spec.c
    conversation.c conversation_send.c decimal.c docker_frames.c
    engine.c engine_json.c fetched.c image_table.c job.c judging.c outcome.c pool.c pool_keeper.c pool_policy.c pool_queues.c pool_refill.c prestart.c reaper.c sandbox.c starts.c
    supply.c supply_open.c sweep.c transcript.c verdict.c)
target_link_libraries(rl_runner_sandbox PUBLIC
    rl_base rl_codec rl_manifest rl_sandbox_protocol rl_sandbox_profile rl::curl rl::crypto rl::jansson m)
