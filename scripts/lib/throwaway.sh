# shellcheck shell=bash
# throwaway.sh: a stack that belongs to one run of a script and is gone at its end. A stack of scripts/up may run
# meanwhile: the project's name, its port, its volumes and the tags of its images are this run's alone.
#
# Sourced after common.sh, docker.sh, images.sh and stack.sh. Every container that the script starts beside the stack
# carries the label runlog.test=$RL_PROJECT, so that the tear-down finds it.

# rl_throwaway_names KIND: names for a stack of this run, runlog-KIND-... The port is tried, not reserved.
rl_throwaway_names() {
    local kind=$1 suffix
    suffix=$(od -An -N4 -tx4 /dev/urandom | tr -d ' ')
    RL_PROJECT=runlog-$kind-$suffix
    RL_TAG=$RL_PROJECT
    RL_ENV_FILE="$RL_STATE/$kind/$RL_PROJECT.env"
    RL_PORT=$(rl_free_port)
}

# A port of the loopback on which nobody listens.
rl_free_port() {
    local port
    for _ in {1..100}; do
        port=$((20000 + RANDOM % 10000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || {
            printf '%s' "$port"
            return 0
        }
    done
    return 1
}

# Settings of the caller's own stack must not reach this one.
rl_forget_settings() {
    local name
    for name in $(compgen -e | grep '^RUNLOG_' || true); do
        case "$name" in
            RUNLOG_IMAGES | RUNLOG_LANGUAGES | RUNLOG_UP_SECONDS | RUNLOG_HOST_DOCKER_SOCKET | RUNLOG_DEBIAN_MIRROR) ;;
            *) unset "$name" ;;
        esac
    done
    unset COMPOSE_PROJECT_NAME COMPOSE_FILE COMPOSE_PROFILES
}

rl_throwaway_env_file() {
    mkdir -p "${RL_ENV_FILE%/*}"
    {
        rl_machine_settings
        printf 'RUNLOG_IMAGE_TAG=%s\n' "$RL_TAG"
        printf 'RUNLOG_PORT=%s\n' "$RL_PORT"
    } >"$RL_ENV_FILE"
}

# rl_throwaway_stack NAME: from here on, in this subshell, the stack that is meant is another one of the same run, with the same
# images. What belongs to it is removed with the first.
rl_throwaway_stack() {
    RL_PROJECT+=-$1
    RL_ENV_FILE=${RL_ENV_FILE%.env}-$1.env
    if [[ -e $RL_ENV_FILE ]]; then
        RL_PORT=$(rl_value_of RUNLOG_PORT <"$RL_ENV_FILE")
    else
        RL_PORT=$(rl_free_port)
        rl_throwaway_env_file
    fi
}

# The names of the stacks that this run has beside the first.
rl_throwaway_stacks() {
    local file
    for file in "${RL_ENV_FILE%.env}"-*.env; do
        [[ -e $file ]] || continue
        file=${file#"${RL_ENV_FILE%.env}-"}
        printf '%s\n' "${file%.env}"
    done
}

# Those that the script made, and those that compose made for a file that was laid over the first.
rl_throwaway_volumes() {
    docker volume ls --quiet --filter "label=runlog.test=$RL_PROJECT"
    docker volume ls --quiet --filter "label=com.docker.compose.project=$RL_PROJECT"
}

rl_throwaway_remove_stack() {
    docker ps --all --quiet --filter "label=runlog.test=$RL_PROJECT" | xargs -r docker rm --force >/dev/null
    if [[ -e $RL_ENV_FILE ]]; then rl_compose down --volumes --remove-orphans --timeout 5; fi
    rl_remove_sandboxes
    rl_throwaway_volumes | xargs -r docker volume rm --force >/dev/null
    rm -f "$RL_ENV_FILE"
}

# Removes whatever this run made, however far it came.
rl_throwaway_remove() {
    local name
    for name in $(rl_throwaway_stacks); do
        (rl_throwaway_stack "$name" && rl_throwaway_remove_stack)
    done
    rl_throwaway_remove_stack
    # By name, not by id: an image of the same content may carry the tag of a running stack as well.
    docker image ls --format '{{.Repository}}:{{.Tag}}' --filter "reference=runlog/*:$RL_TAG" |
        xargs -r docker image rm >/dev/null
}

# rl_throwaway_remove_named PROJECT: what a former run has left, by the name that it said.
rl_throwaway_remove_named() {
    [[ $1 =~ ^runlog-(test|bench)-[0-9a-f]{8}$ ]] || rl_die "\"$1\" is the name of no run" "one of these: $(rl_throwaway_left)"
    RL_PROJECT=$1
    RL_TAG=$1
    RL_ENV_FILE="$RL_STATE/${BASH_REMATCH[1]}/$1.env"
    rl_step remove "remove $1" '' rl_throwaway_remove
}

# The runs of which something is left, those that are at work among them.
rl_throwaway_left() {
    { docker ps --all --format '{{.Label "com.docker.compose.project"}}' && docker volume ls --format '{{.Label "runlog.test"}}'; } |
        sed -nE 's/^(runlog-(test|bench)-[0-9a-f]{8})(-.*)?$/\1/p' | sort -u | paste -sd' '
}

rl_throwaway_tell() {
    printf '\nkept: project %s at http://127.0.0.1:%s\n' "$RL_PROJECT" "$RL_PORT"
}

# rl_throwaway_exit KEEP: for the trap on EXIT. KEEP not empty: leaves the stack and says how to reach and remove it.
rl_throwaway_exit() {
    local status=$? keep=$1 name
    trap - EXIT INT TERM
    rl_stop_steps
    if [[ -n $keep && -e $RL_ENV_FILE ]]; then
        rl_throwaway_tell
        for name in $(rl_throwaway_stacks); do (rl_throwaway_stack "$name" && rl_throwaway_tell); done
        printf 'remove all of it with: scripts/test --remove %s\n' "$RL_PROJECT"
    elif [[ -n ${RL_PROJECT:-} ]] && rl_engine_answers; then
        rl_throwaway_remove >>"$RL_LOG" 2>&1 ||
            printf 'tearing down left something of project %s: see %s\n' "$RL_PROJECT" "$RL_LOG"
    fi
    rl_clean_steps
    exit "$status"
}
