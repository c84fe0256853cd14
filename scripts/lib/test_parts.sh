# shellcheck shell=bash
# test_parts.sh: what scripts/test can run, a function for each part. Each runs in containers that carry the label
# runlog.test=$RL_PROJECT, and leaves its output on standard output.
#
# Sourced after common.sh, docker.sh, stack.sh, socket_proxy.sh, cluster.sh and throwaway.sh. The caller has set COVERAGE and PYTEST_ARGUMENTS.

# Most of their time, integration tests wait for time-outs and rebalances: more at once than there are processors.
readonly INTEGRATION_AT_ONCE=8
# Of the time that an attack takes, most is spent sleeping, flooding or waiting for the clock that ends it. Noted here, because
# settings of the caller's are forgotten before a part runs.
readonly ATTACKS_AT_ONCE=${RUNLOG_TEST_LANES:-4}

# How much the tests do where it is the caller's to say, as options of docker. By name: whatever else the caller has exported
# for tests run by hand names brokers and databases that are not this run's.
TEST_NUMBERS=()
for name in RUNLOG_TEST_CYCLES RUNLOG_TEST_AT_ONCE RUNLOG_TEST_SEQUENTIAL RUNLOG_TEST_CONCURRENT \
    RUNLOG_TEST_FUZZ_SECONDS RUNLOG_TEST_VERDICT_REPEATS RUNLOG_TEST_CHAOS_SECONDS RUNLOG_TEST_CHAOS_SEED \
    RUNLOG_TEST_CHAOS_RATE RUNLOG_TEST_CHAOS_ENGINE RUNLOG_TEST_BATCH RUNLOG_TEST_SEED; do
    if [[ -n ${!name:-} ]]; then TEST_NUMBERS+=(--env "$name=${!name}"); fi
done

# test_container NAME [docker option...] -- COMMAND...: runs it in the tests image, labelled for the clean-up.
test_container() {
    local name=$1 options=()
    shift
    while [[ $1 != -- ]]; do
        options+=("$1")
        shift
    done
    shift
    docker run --rm --name "$RL_PROJECT-$name" --label "runlog.test=$RL_PROJECT" "${options[@]}" "runlog/tests:$RL_TAG" "$@"
}

# The options with which a container's programs of build/coverage leave their counters in this run's volume.
counting() {
    printf '%s\n' --volume "$RL_PROJECT-coverage:/coverage" --env GCOV_PREFIX=/coverage
}

check_shell() {
    # shellcheck disable=SC2016 # the container's shell expands it
    test_container shellcheck -- sh -c \
        'shellcheck -x $(grep -rlE "^#!.*\bbash|^# shellcheck shell=bash" scripts deploy tests .ci 2>/dev/null) && echo "shell scripts: clean"'
}

# Both read the commands of the debug build, and look at the sources alone, not at what is generated or at the tests. The
# first takes minutes, and takes them from what others leave.
check_tidy() {
    # shellcheck disable=SC2016
    test_container tidy --network none --cpu-shares 64 -- sh -c \
        'if run-clang-tidy -p build/coverage -quiet -j "$(nproc)" "^/src/(lib|services|sandbox|tools)/" >/tmp/said 2>&1; then
             echo "clang-tidy: clean"
         else
             grep -A 6 -E "(error|warning): " /tmp/said
             exit 1
         fi'
}

check_cppcheck() {
    # shellcheck disable=SC2016
    test_container cppcheck --network none -- sh -c \
        'cppcheck --project=build/coverage/compile_commands.json -itests -ibuild --enable=warning,performance,portability --std=c11 \
             --suppressions-list=.cppcheck-suppressions --quiet -j "$(nproc)" --error-exitcode=1 &&
         echo "cppcheck: clean"'
}

check_scripts() {
    "$RL_ROOT/tests/scripts/run"
}

check_format() {
    # shellcheck disable=SC2016
    test_container format -- sh -c \
        'find lib sandbox services tools tests -name "*.[ch]" -print0 | xargs -0 clang-format --dry-run --Werror && echo "C sources: formatted"'
}

check_bench() {
    test_container bench --network none -- python3 -m pytest tests/bench tests/chaos/test_{plan,faults,oracle}.py
}

unit_tests() {
    local build=$1 options=() starter=()
    if [[ $build == coverage ]]; then
        mapfile -t options < <(counting)
    elif [[ $build == tsan ]]; then
        # ThreadSanitizer needs the usual layout of addresses, which newer kernels shuffle too widely for it; turning that off
        # is a system call that Docker's default profile forbids.
        options=(--security-opt seccomp=unconfined)
        starter=(setarch --addr-no-randomize)
    fi
    test_container "unit-$build" --network none "${options[@]}" -- "${starter[@]}" \
        ctest --test-dir "build/$build" --label-regex '^unit$' --no-tests=error --output-on-failure --parallel "$(nproc)"
}

fuzz_tests() {
    docker run --rm --name "$RL_PROJECT-fuzz" --label "runlog.test=$RL_PROJECT" --network none \
        "${TEST_NUMBERS[@]}" "runlog/fuzz:$RL_TAG" \
        ctest --test-dir build/fuzz --label-regex '^fuzz$' --no-tests=error --output-on-failure --parallel "$(nproc)"
}

test_brokers() {
    if rl_is_cluster; then echo kafka:9092,kafka-2:9092,kafka-3:9092; else echo kafka:9092; fi
}

# Kafka and MongoDB alone: no service of the stack takes part in what these tests write. The container belongs to both
# networks, which takes more than one command.
integration_tests() {
    local options
    mapfile -t options < <(counting)
    rl_compose up --detach kafka mongo
    docker create --name "$RL_PROJECT-integration" --label "runlog.test=$RL_PROJECT" --network "${RL_PROJECT}_log" \
        --volume "$(rl_host_socket):/var/run/docker.sock" \
        --env RUNLOG_TEST_KAFKA_BROKERS="$(test_brokers)" --env RUNLOG_TEST_MONGO_URI=mongodb://mongo:27017/runlog \
        --env RUNLOG_TEST_PROJECT="$RL_PROJECT" --env RUNLOG_TEST_SANDBOX_IMAGE_TAG="$RL_TAG" \
        "${TEST_NUMBERS[@]}" "${options[@]}" \
        "runlog/tests:$RL_TAG" ctest --test-dir build/coverage --label-regex '^integration$' --no-tests=error \
        --output-on-failure --parallel "$INTEGRATION_AT_ONCE"
    docker network connect "${RL_PROJECT}_store" "$RL_PROJECT-integration"
    docker start --attach "$RL_PROJECT-integration"
    docker rm --force "$RL_PROJECT-integration" >/dev/null
}

# The agent and its container, spoken to directly by its protocol. Starting a container is mostly waiting.
sandbox_tests() {
    test_container sandbox --volume "$(rl_host_socket):/var/run/docker.sock" --env RUNLOG_SANDBOX_IMAGE_TAG="$RL_TAG" \
        --env RUNLOG_TEST_PROJECT="$RL_PROJECT" -- sh -c \
        'python3 -m pytest -ra --durations=5 -m "not alone" --numprocesses 4 tests/integration/sandbox &&
         python3 -m pytest -ra -m alone tests/integration/sandbox'
}

coverage_report() {
    local pages="$RL_STATE/coverage"
    test_container coverage --network none --volume "$RL_PROJECT-coverage:/coverage" -- \
        sh -c 'mkdir -p /coverage/pages && scripts/lib/coverage-report /coverage /coverage/pages'
    if [[ -n $COVERAGE ]]; then
        rm -rf "$pages"
        mkdir -p "$pages"
        test_container pages --network none --volume "$RL_PROJECT-coverage:/coverage:ro" -- tar --directory /coverage/pages --create . |
            tar --directory "$pages" --extract --no-same-owner
        echo "coverage: line by line in $pages/index.html"
    fi
}

# What the integration tests wrote must not reach the services: the whole stack begins with empty volumes.
start_stack() {
    rl_compose down --volumes --remove-orphans --timeout 5
    rl_compose_up
}

# on_stack NAME COMMAND...: the command is about a stack of that name beside the first one. In a subshell of its own, as every
# part is. That of the chaos suite is as it ships, those called kills, losses and calm have the services of
# tests/e2e/compose.sanitized.yaml. Where nothing is killed, the runner reaches the Engine through the filter of its socket.
on_stack() {
    rl_throwaway_stack "$1"
    case $1 in
        kills | losses) RL_COMPOSE_FILES+=(tests/e2e/compose.sanitized.yaml) ;;
        # The sanitizers' file last: it adds a volume, the other replaces them all.
        calm) RL_COMPOSE_FILES+=("$RL_SOCKET_PROXY_FILE" tests/e2e/compose.sanitized.yaml) ;;
    esac
    "${@:2}"
}

# e2e_tests pytest-argument... Which tests a part leaves to others is told by --only and --without of tests/e2e/conftest.py, so
# that a -m of the caller's chooses among what is left.
e2e_tests() {
    test_container e2e "${TEST_NUMBERS[@]}" --network host --volume "$(rl_host_socket):/var/run/docker.sock" \
        --volume "$RL_ENV_FILE:/run/runlog/stack.env:ro" \
        --env RUNLOG_TEST_API_URL="http://127.0.0.1:$RL_PORT" --env RUNLOG_TEST_PROJECT="$RL_PROJECT" \
        --env COMPOSE_FILE="$(printf '/src/%s\n' "${RL_COMPOSE_FILES[@]}" | paste -sd:)" \
        --env COMPOSE_PROJECT_NAME="$RL_PROJECT" --env COMPOSE_ENV_FILES=/run/runlog/stack.env \
        --env RUNLOG_TEST_ENGINE_IMAGE="runlog/engine:$RL_TAG" --env RUNLOG_TEST_OTHER_IMAGES="runlog/%s-next:$RL_TAG" \
        --env RUNLOG_TEST_LANGUAGES="$RUNLOG_LANGUAGES" -- python3 -m pytest -ra --durations=10 "$@" "${PYTEST_ARGUMENTS[@]}" ||
        nothing_was_meant $?
}

# pytest's status 5: none of its tests is among those that the caller wants. Some part has to have one: something_was_meant.
nothing_was_meant() {
    (($1 == 5 && ${#PYTEST_ARGUMENTS[@]}))
}

# Whether a part that has ended, and that the caller's arguments of pytest are for, has run a test.
something_was_meant() {
    case $1 in
        e2e | languages | kills | losses | calm | chaos | security) rl_output_of "$1" | grep -qE '^=+ .*[0-9]+ (passed|failed|skipped|error)' ;;
        *) return 1 ;;
    esac
}

# Removes its stack when it has ended. Where it failed, what the services said is kept, as far as their containers are there.
chaos_suite() {
    local status=0 said="${RL_LOG%.log}-chaos.log"
    e2e_tests tests/chaos/test_chaos.py || status=$?
    if ((status)); then
        rl_compose logs --no-color --timestamps "${RL_SERVICES[@]}" >"$said"
        echo "the services' logs: $said"
    fi
    [[ -n $KEEP ]] || rl_compose down --volumes --remove-orphans --timeout 5
    return "$status"
}

# The container sees the host's network, as the end-to-end tests do; what looks at the host's processes is a container of the
# suite's own, made of the same image.
security_tests() {
    RUNLOG_SLOTS=$ATTACKS_AT_ONCE rl_compose up --detach --no-deps --wait runner
    test_container security --env RUNLOG_TEST_LANES="$ATTACKS_AT_ONCE" --network host --volume "$(rl_host_socket):/var/run/docker.sock" \
        --env RUNLOG_TEST_API_URL="http://127.0.0.1:$RL_PORT" --env RUNLOG_TEST_PROJECT="$RL_PROJECT" \
        --env RUNLOG_TEST_OBSERVER_IMAGE="runlog/tests:$RL_TAG" --env RUNLOG_SANDBOX_IMAGE_TAG="$RL_TAG" \
        -- python3 -m pytest -ra --durations=5 tests/security "${PYTEST_ARGUMENTS[@]}" ||
        nothing_was_meant $?
}

# One line for each limit: right verdicts of tried, in each language.
verdict_table() {
    rl_say "$(rl_output_of e2e | sed -n 's/^test_the_table: //p')"
}

# How many faults and submissions there were, and what became of them.
chaos_table() {
    rl_say "$(rl_output_of chaos | sed -nE '/^seed .* faults /,/^$/{ /^(seed|  )/p }')"
}

# One line for each class of attacks.
attack_table() {
    rl_say "$(rl_output_of security | grep -E '^ *[0-9]+  .* programs  |^[0-9]+ programs of ' || true)"
}

# Proof that the services are those with sanitizers, and that what they find is told.
start_sanitized_stack() {
    local service options
    start_stack
    for service in "${RL_SERVICES[@]}"; do
        rl_compose exec -T "$service" grep -q libasan /proc/1/maps
        rl_compose exec -T "$service" sh -c 'test -w /var/log/sanitizers'
    done
    mapfile -t options < <(rl_compose exec -T api env | grep -E '^(A|UB)SAN_OPTIONS=')
    test_container provocation --network none "${options[@]/#/--env=}" -- tests/e2e/provoke-sanitizers
}

# Whether the Engine had to start a container of the stack again; says which.
restarted_by_the_engine() {
    local id found=1
    for id in $(rl_compose ps --all --quiet); do
        docker inspect --format '{{.RestartCount}} {{.Name}}' "$id" | grep -v '^0 ' || continue
        echo 'was started again so many times; its log ends:'
        docker logs --tail 10 "$id" 2>&1
        found=0
    done
    return "$found"
}

# The services end as they do on any host, whereupon LeakSanitizer looks at each; then every report counts, also those of
# containers that are gone.
sanitizer_reports() {
    local service id status bad=0
    rl_compose stop --timeout 60 "${RL_SERVICES[@]}"
    for service in "${RL_SERVICES[@]}"; do
        for id in $(rl_compose ps --all --quiet "$service"); do
            status=$(docker inspect --format '{{.State.ExitCode}}' "$id")
            ((status == 0)) && continue
            bad=1
            printf '%s ended with %s; its log ends:\n' "$service" "$status"
            docker logs --tail 10 "$id" 2>&1
        done
    done
    # Where nothing is killed, nothing is started again; among it is what has no sanitizers.
    if [[ $RL_PROJECT == *-calm ]] && restarted_by_the_engine; then bad=1; fi
    if rl_compose logs --no-color "${RL_SERVICES[@]}" | grep -A 8 ': runtime error: '; then bad=1; fi
    # shellcheck disable=SC2016
    test_container reports --network none --volume "${RL_PROJECT}_sanitizers:/reports:ro" -- sh -c \
        '[ -z "$(ls -A /reports)" ] || { tail -n +1 /reports/*; exit 1; }' || bad=1
    [[ -n $KEEP ]] || rl_compose down --volumes --remove-orphans --timeout 5
    ((bad == 0))
    echo 'sanitizers: nothing found'
}
