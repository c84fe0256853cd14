# shellcheck shell=bash
# socket_proxy.sh: the option of a filter between the runner and the Docker socket (RUNLOG_SOCKET_PROXY=1).
#
# Kept in .env, as which stack it is about: scripts/down and `docker compose` by hand then see the same services.
#
# Sourced after stack.sh.

readonly RL_SOCKET_PROXY_FILE=deploy/socket-proxy/compose.yaml
RL_SOCKET_PROXY_STAGES=() # of the top Dockerfile, to build besides the others

rl_choose_socket_proxy() {
    case "$(rl_stack_setting RUNLOG_SOCKET_PROXY 0)" in
        1)
            RL_COMPOSE_FILES+=("$RL_SOCKET_PROXY_FILE")
            RL_SOCKET_PROXY_STAGES=(docker-proxy)
            ;;
        0) ;;
        *) rl_die 'RUNLOG_SOCKET_PROXY is neither 1 nor 0' ;;
    esac
}

# Lines for .env.
rl_note_socket_proxy() {
    ((${#RL_SOCKET_PROXY_STAGES[@]})) || return 0
    printf 'RUNLOG_SOCKET_PROXY=1\n'
}
