# shellcheck shell=bash
# stack.sh: building Runlog's images and running a stack of them.
#
# A stack is one compose project. RL_PROJECT, RL_ENV_FILE and RL_TAG say which: scripts/up uses "runlog" and .env,
# scripts/test one of its own for each run.
#
# Sourced after common.sh and docker.sh.

readonly RL_SERVICES=(api runner result-sink)
# What is built and offered where nobody names the languages: an image of each would take its time. compose.yaml has the same.
readonly RL_DEFAULT_LANGUAGES=bash,c,cpp,java,javascript,python
readonly RL_LANGUAGES_AT_ONCE=6 # images; more would only wait for each other
RL_COMPOSE_FILES=(compose.yaml) # from RL_ROOT; a later one is laid over those before it

rl_compose() {
    docker compose --project-directory "$RL_ROOT" "${RL_COMPOSE_FILES[@]/#/--file=$RL_ROOT/}" --project-name "$RL_PROJECT" \
        --env-file "$RL_ENV_FILE" "$@"
}

# The line for .env by which `docker compose` by hand reads the same files.
rl_note_compose_files() {
    ((${#RL_COMPOSE_FILES[@]} == 1)) || printf 'COMPOSE_FILE=%s\n' "$(IFS=: && printf '%s' "${RL_COMPOSE_FILES[*]}")"
}

# .env without the block that scripts/up keeps in it. A block that nothing ends, because somebody edited its last line away,
# is only its first line: what follows may be the user's.
rl_own_settings() {
    awk '
        function keep() { for (i = 1; i <= held; i++) print block[i]; held = 0 }
        /^# >>> scripts\/up/ { keep(); inside = 1; next }
        inside && /^# <<< scripts\/up/ { inside = held = 0; next }
        inside { block[++held] = $0; next }
        { print }
        END { keep() }' "$RL_ROOT/.env"
}

# Writes .env anew: the lines of stdin as the block of scripts/up, and what the user wrote below it. It may hold passwords:
# nobody may read it but who could before.
rl_replace_block() {
    local file="$RL_ROOT/.env" next="$RL_ROOT/.env.new" own=''
    rm -f "$next"
    if [[ -e $file ]]; then
        own=$(rl_own_settings)
        (umask 077 && : >"$next")
        chown --reference="$file" "$next" 2>/dev/null || true # only root can, and only root need
        chmod --reference="$file" "$next"
    fi
    {
        echo '# >>> scripts/up: rewritten by every run; your own settings go below the block'
        cat
        echo '# <<< scripts/up'
        [[ -z $own ]] || printf '%s\n' "$own"
    } >"$next"
    mv "$next" "$file"
}

# A setting that scripts need too: the environment first, as compose does it, then what the user wrote into .env.
rl_setting() {
    local name=$1 default=$2 value=''
    value=${!name:-}
    if [[ -z $value && -e $RL_ROOT/.env ]]; then value=$(rl_own_settings | rl_value_of "$name"); fi
    printf '%s' "${value:-$default}"
}

# A setting that says which stack .env is about: as rl_setting, and then what scripts/up noted at its last run. So the
# stack stays the same until somebody names another one.
rl_stack_setting() {
    local name=$1 default=$2 value
    value=$(rl_setting "$name" '')
    if [[ -z $value && -e $RL_ROOT/.env ]]; then value=$(rl_value_of "$name" <"$RL_ROOT/.env"); fi
    printf '%s' "${value:-$default}"
}

# The last value of NAME in the lines of an env file.
rl_value_of() {
    sed -n "s/^$1=//p" | tail -n 1 | tr -d "\"'"
}

# The engine's socket on this machine.
rl_host_socket() {
    local usual=/var/run/docker.sock
    case "${DOCKER_HOST:-}" in
        unix://*) usual=${DOCKER_HOST#unix://} ;;
    esac
    rl_stack_setting RUNLOG_HOST_DOCKER_SOCKET "$usual"
}

# rl_choose_languages WISH: names separated by commas, "all" (every folder that has a Dockerfile), "default" or nothing. Sets
# RUNLOG_LANGUAGES, for which images are built and which API and runners offer.
rl_choose_languages() {
    local name wishes list=''
    case "$1" in
        '' | default) list=$RL_DEFAULT_LANGUAGES ;;
        all) list=$(rl_language_folders | paste -sd,) ;;
        *)
            IFS=', ' read -ra wishes <<<"$1"
            for name in "${wishes[@]}"; do
                [[ $name =~ ^[a-z][a-z0-9-]*$ && -e $RL_ROOT/languages/$name/Dockerfile ]] ||
                    rl_die "no language \"$name\"" "one or more of: $(rl_language_folders | paste -sd' '); all; default"
                [[ ,$list, == *",$name,"* ]] || list+="${list:+,}$name"
            done
            ;;
    esac
    [[ -n $list ]] || rl_die 'no language is named' 'scripts/up --languages default'
    export RUNLOG_LANGUAGES=$list
}

rl_language_folders() {
    local file
    for file in "$RL_ROOT"/languages/*/Dockerfile; do
        [[ -e $file ]] || continue
        file=${file%/Dockerfile}
        printf '%s\n' "${file##*/}"
    done
}

# The languages of this run, a line each.
rl_languages() {
    tr ',' '\n' <<<"${RUNLOG_LANGUAGES:-$RL_DEFAULT_LANGUAGES}"
}

# One target of a bake file: NAME CONTEXT STAGE ("" for the last).
rl_bake_target() {
    local name=$1 context=$2 stage=$3
    printf '"%s":{"context":"%s","tags":["runlog/%s:%s"],' "$name" "$context" "$name" "$RL_TAG"
    [[ -z $stage ]] || printf '"target":"%s",' "$stage"
    printf '"args":{"RUNLOG_BASE_IMAGE":"%s","BASE_IMAGE":"%s","AGENT_IMAGE":"runlog/agent:%s"}}' \
        "$RUNLOG_BASE_IMAGE" "$RUNLOG_BASE_IMAGE" "$RL_TAG"
}

# Reads lines "NAME CONTEXT STAGE" and builds them all in one go, common stages once.
rl_bake() {
    local file name context stage comma='' names=''
    file=$(mktemp --suffix=.json)
    {
        printf '{"target":{'
        while read -r name context stage; do
            printf '%s' "$comma"
            rl_bake_target "$name" "$context" "$stage"
            comma=','
            names+="${names:+,}\"$name\""
        done
        printf '},"group":{"default":{"targets":[%s]}}}' "$names"
    } >"$file"
    BUILDX_NO_DEFAULT_ATTESTATIONS=1 BUILDX_BUILDER='' docker buildx --builder default bake --progress plain --file "$file"
    rm -f "$file"
}

rl_build_agent() {
    rl_bake <<<"agent $RL_ROOT agent"
}

# rl_build_stages STAGE...: of the top Dockerfile.
rl_build_stages() {
    local stage
    for stage in "$@"; do
        printf '%s %s %s\n' "$stage" "$RL_ROOT" "$stage"
    done | rl_bake
}

rl_build_languages() {
    local languages language
    mapfile -t languages < <(rl_languages)
    while ((${#languages[@]})); do
        for language in "${languages[@]:0:RL_LANGUAGES_AT_ONCE}"; do
            printf 'lang-%s %s\n' "$language" "$RL_ROOT/languages/$language"
        done | rl_bake
        languages=("${languages[@]:RL_LANGUAGES_AT_ONCE}")
    done
}

# The settings of a stack that follow from this machine, as lines for an env file.
rl_machine_settings() {
    local socket
    socket=$(rl_host_socket)
    printf 'RUNLOG_BASE_IMAGE=%s\n' "$RUNLOG_BASE_IMAGE"
    printf 'RUNLOG_KAFKA_IMAGE=%s\n' "$RUNLOG_KAFKA_IMAGE"
    printf 'RUNLOG_MONGO_IMAGE=%s\n' "$RUNLOG_MONGO_IMAGE"
    printf 'RUNLOG_LANGUAGES=%s\n' "$(rl_languages | paste -sd,)"
    [[ $socket == /var/run/docker.sock ]] || printf 'RUNLOG_HOST_DOCKER_SOCKET=%s\n' "$socket"
    if [[ -S $socket ]]; then
        printf 'RUNLOG_RUNNER_UID=65532\n'
        printf 'RUNLOG_DOCKER_GID=%s\n' "$(stat -L -c %g "$socket")"
    fi
}

# Starts the stack and waits until every service is healthy, not for a time.
rl_compose_up() {
    local limit
    limit=$(rl_setting RUNLOG_UP_SECONDS 180)
    if rl_compose up --detach --remove-orphans --wait --wait-timeout "$limit" kafka mongo "${RL_SERVICES[@]}"; then
        return 0
    fi
    echo
    echo "the stack did not become healthy within $limit s:"
    rl_compose ps --all || true
    rl_explain_unhealthy
    return 1
}

# The end of the log and the last health check of each container that is not as it should be.
rl_explain_unhealthy() {
    local id name state
    for id in $(rl_compose ps --all --quiet); do
        name=$(docker inspect --format '{{index .Config.Labels "com.docker.compose.service"}}' "$id")
        state=$(docker inspect --format '{{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{end}} {{.State.ExitCode}}' "$id")
        case "$state" in
            'running healthy '* | 'running  '* | 'exited  0') continue ;;
        esac
        printf -- '--- %s: %s\n' "$name" "$state"
        docker inspect --format '{{if .State.Health}}{{range .State.Health.Log}}{{.Output}}{{end}}{{end}}' "$id" | tail -n 3
        docker logs --tail 15 "$id" 2>&1 || true
    done
}

# The address under which this machine reaches the stack's API.
rl_api_url() {
    printf 'http://%s' "$(rl_compose port api 3005)"
}

# Removes the sandbox containers of the project: a runner that was killed leaves the last ones to others.
rl_remove_sandboxes() {
    docker ps --all --quiet --filter "label=runlog.project=$RL_PROJECT" | xargs -r docker rm --force --volumes >/dev/null
}

# The lines of stdin as a JSON string.
rl_json_text() {
    printf '"'
    sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/\t/\\t/g' | awk '{ printf "%s\\n", $0 }'
    printf '"'
}

# Posts a program and prints the result; fails unless it says what it should. Where Python is not offered, the program is the
# first language's own.
rl_try_program() {
    local url=$1 id answer language wanted='Hello, Runlog'
    local body='{"code":"name = input()\nprint(f\"Hello, {name}\")","lang":"python","stdInput":"Runlog"}'
    if ! rl_languages | grep -qx python; then
        read -r language < <(rl_languages)
        body="{\"code\":$(cat "$RL_ROOT/languages/$language/smoke/hello".* | rl_json_text),\"lang\":\"$language\"}"
        wanted='Hello, World!'
    fi
    answer=$(curl --silent --show-error --max-time 20 -H 'Content-Type: application/json' --data "$body" "$url/api/submit")
    echo "submitted: $answer"
    id=$(sed -n 's/.*"codeSubmissionId":"\([^"]*\)".*/\1/p' <<<"$answer")
    if [[ -z $id ]]; then
        echo 'the answer has no codeSubmissionId' >&2
        return 1
    fi
    answer=$(curl --silent --show-error --max-time 60 "$url/api/result/$id?wait=45")
    echo "result:    $answer"
    grep -qF "$wanted" <<<"$answer"
}
