# shellcheck shell=bash
# cluster.sh: the option of three Kafka brokers instead of one (RUNLOG_CLUSTER=1, scripts/up --cluster).
#
# Kept in .env, as which stack it is about. A project's log belongs to the brokers that wrote it: the first run decides, and a
# switch is refused until scripts/down --volumes has given the log up.
#
# Sourced after common.sh, docker.sh and stack.sh.

readonly RL_CLUSTER_FILE=compose.cluster.yaml

rl_choose_cluster() {
    case "$(rl_stack_setting RUNLOG_CLUSTER 0)" in
        1) RL_COMPOSE_FILES+=("$RL_CLUSTER_FILE") ;;
        0) ;;
        *) rl_die 'RUNLOG_CLUSTER is neither 1 nor 0' ;;
    esac
}

rl_is_cluster() {
    [[ " ${RL_COMPOSE_FILES[*]} " == *" $RL_CLUSTER_FILE "* ]]
}

# Needs the engine. One volume says which brokers wrote the log of the project.
rl_check_cluster() {
    local other=${RL_PROJECT}_kafka-1 what='three brokers' wanted=1
    if rl_is_cluster; then
        other=${RL_PROJECT}_kafka what='one broker' wanted=0
    fi
    ! docker volume inspect "$other" >/dev/null 2>&1 ||
        rl_die "the log of project $RL_PROJECT was written by $what" \
            "RUNLOG_CLUSTER=$wanted, COMPOSE_PROJECT_NAME=another name, or give the log and the results up: scripts/down --volumes"
}

# Lines for .env.
rl_note_cluster() {
    if rl_is_cluster; then printf 'RUNLOG_CLUSTER=1\n'; fi
}
